"""Every way to write down an S3 location: paths, ``s3://`` URLs, ARNs and the https forms of AWS and Cloudflare R2."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from objfs.clouds._cloud import ParsedUrl
from objfs.clouds._versions import cut_version, parsed_at, path_with_version
from objfs.errors import UrlError
from objfs.options import REDACTED
from objfs.types import Location
from objfs.urls import WebUrl, percent_decode_once, redact_url, scheme_of, split_query, split_web_url, strip_scheme

S3_SCHEMES: Final = ("s3", "s3a", "s3n")
R2_JURISDICTIONS: Final = ("eu", "fedramp")

_VERSION_MARK: Final = "?versionId="
# fsspec's own protocol stripping takes "::" for "://".
_CHAINED_SCHEME: Final = re.compile(r"\As3[an]?::", re.IGNORECASE)

_ARN: Final = re.compile(
    r"""arn:aws(?:-[a-z\-]+)?:(?:
        s3:[a-z0-9\-]*:[0-9]{12}:accesspoint[:/][^/]+                                   # empty region: multi-region
      | s3-object-lambda:[a-z0-9\-]+:[0-9]{12}:accesspoint[:/][a-zA-Z0-9\-]{1,63}
      | s3-outposts:[a-z0-9\-]+:[0-9]{12}:outpost[:/][a-zA-Z0-9\-]{1,63}
        [:/](?:accesspoint|bucket)[:/][a-zA-Z0-9\-]{1,63}
    )(?=/|\Z)""",
    re.VERBOSE,
)

# Host forms: https://docs.aws.amazon.com/general/latest/gr/s3.html. A bucket may itself hold ".s3.", so its part is
# greedy and the service is the rightmost label that fits.
_REGION: Final = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]+)"
_CHINA: Final = ".amazonaws.com.cn"
_SUFFIX: Final = r"\.amazonaws\.com(?P<china>\.cn)?"
# As text: re compiles what an https URL needs.
_AWS_HOST: Final = (
    rf"(?:(?P<bucket>.+)\.)?s3(?P<fips>-fips)?(?P<dualstack>\.dualstack)?"
    rf"(?:[.\-](?:{_REGION}|(?P<external>external-1)))?{_SUFFIX}"
)
_ACCELERATE_HOST: Final = r"(?P<bucket>.+)\.s3-accelerate(?P<dualstack>\.dualstack)?\.amazonaws\.com"
_ACCESS_POINT_HOST: Final = (
    rf"(?P<name>[a-z0-9\-]+)-(?P<account>[0-9]{{12}})\.s3-accesspoint(?P<fips>-fips)?(?P<dualstack>\.dualstack)?"
    rf"\.{_REGION}{_SUFFIX}"
)
_WEBSITE_HOST: Final = r"(?:.+\.)?s3-website[.\-][a-z0-9\-]+\.amazonaws\.com(?:\.cn)?"
_R2_HOST: Final = (
    rf"(?:(?P<bucket>[^.]+)\.)?(?P<account>[0-9a-f]{{32}})(?:\.(?P<jurisdiction>{'|'.join(R2_JURISDICTIONS)}))?"
    r"\.r2\.cloudflarestorage\.com"
)
# Hosts of S3 and R2 but for those of static websites, which any HTTP client reads.
API_HOSTS: Final = (
    r"(?!(?:.+\.)?s3-website[.\-])(?:.+\.)?s3(?:[.\-].+)?\.amazonaws\.com(?:\.cn)?"
    r"|(?:.+\.)?r2\.cloudflarestorage\.com"
)
_PRESIGNED_NAMES: Final = frozenset({"signature", "awsaccesskeyid", "expires"})


def split_s3_path(path: str) -> Location:
    """Split a path, with or without a scheme, into bucket and key.

    The key is opaque: it is neither decoded, cut nor normalised, and ``?versionId=`` stays in it (see
    `split_version`). Slashes before the bucket are dropped, as s3fs does. An ARN of an access point, an outpost or an
    object lambda counts as a bucket.

    Parameters
    ----------
    path
        ``bucket/key``, ``/bucket/key``, ``s3://bucket/key`` or the same with ``s3a`` or ``s3n``, in any case.

    Returns
    -------
    Location
        Without a version. ``bucket`` is empty for the root, ``key`` for a bucket.

    Raises
    ------
    UrlError
        A URL of another scheme, a bucket part with a user name, a password or a port, or an ARN that names no place
        for objects.
    """
    scheme = scheme_of(path)
    if scheme is not None and scheme not in S3_SCHEMES:
        _refuse_scheme(path, scheme)
    rest = (strip_scheme(path) if scheme else _CHAINED_SCHEME.sub("", path)).lstrip("/")
    arn = _ARN.match(rest)
    if arn:
        return Location(arn[0], rest[arn.end() + 1 :])
    bucket, _, key = rest.partition("/")
    _check_bucket(bucket)
    return Location(bucket, key)


def split_version(location: Location) -> Location:
    """Cut ``?versionId=V`` off the key, as s3fs does for a version-aware instance.

    Parameters
    ----------
    location
        As `split_s3_path` returns it.

    Returns
    -------
    Location
        The key up to the first ``?versionId=``, and what follows as version (None where nothing does). Unchanged
        where the mark is missing or a version is already set.
    """
    return cut_version(location, _VERSION_MARK)


def unsplit(location: Location) -> str:
    """Join a location to the path that `split_s3_path` and, for a version, `split_version` take apart again."""
    return path_with_version(location, _VERSION_MARK)


def is_arn(bucket: str) -> bool:
    """Tell whether a bucket is spelled as an ARN, which only the SDK can resolve to a host."""
    return bucket.startswith("arn:")


def parse_s3_url(url: str) -> ParsedUrl:
    """Take any URL of S3 or of R2 apart.

    ``s3://`` URLs are not decoded, and a query or fragment other than ``?versionId=V`` belongs to the key. In https
    URLs percent sequences are decoded once. ``http`` means the same as ``https``: the data always moves over TLS.

    Parameters
    ----------
    url
        ``s3://``, ``s3a://``, ``s3n://``, or the https URL of an object, bucket or access point at an AWS or R2 host.

    Returns
    -------
    ParsedUrl
        Location and the options that the URL implies. ``endpoint`` only where the backends would not find it from
        the region (China, R2).

    Raises
    ------
    UrlError
        Not a URL of S3, or one that holds credentials, a port, a signature, or a query or fragment that has no
        meaning here.
    """
    scheme = scheme_of(url)
    if scheme is None:
        msg = f"{redact_url(url)!r} is a path, not a URL; write s3://bucket/key"
        raise UrlError(msg)
    if scheme in {"http", "https"}:
        return _parse_web(url)
    location = split_s3_path(url)
    versioned = split_version(location)
    if versioned.version is None:
        return ParsedUrl(location)
    return ParsedUrl(versioned, {"version_aware": True})


def _parse_web(url: str) -> ParsedUrl:
    web = split_web_url(url)
    for host, parse in _HOST_FORMS:
        match = re.fullmatch(host, web.host)
        if match and web.port is None:
            # Signatures first: a presigned URL is refused as such, whatever else is in it.
            version = _version_of(web)
            parsed = parse(web, match)
            break
    else:
        _refuse_host(web)
    return parsed_at(web, parsed, version, "a version of no object")


def _version_of(web: WebUrl) -> str | None:
    """Read the version that the query names; any other query, and a fragment, is refused."""
    pairs = split_query(web.query)
    names = [name.lower() for name, _ in pairs]
    if any(name.startswith("x-amz-") or name in _PRESIGNED_NAMES for name in names):
        msg = (
            f"https://{web.host}{web.path} comes with a signature (a presigned URL); it works only as it is, so open "
            f"it with fsspec's http filesystem, or leave the query out to use your own credentials"
        )
        raise UrlError(msg)
    if web.fragment is not None:
        msg = f"{web.shown} has a fragment; a '#' of the key is written %23 in an https URL"
        raise UrlError(msg)
    versions = [value for name, value in pairs if name == "versionId"]
    if len(versions) < len(pairs) or len(versions) > 1 or versions == [""]:
        shown = ", ".join(sorted({name for name, _ in pairs}))
        msg = (
            f"https://{web.host}{web.path} has a query ({shown}); only one versionId is understood, and a '?' of the "
            f"key is written %3F in an https URL"
        )
        raise UrlError(msg)
    return versions[0] if versions else None


def _aws(web: WebUrl, match: re.Match[str]) -> ParsedUrl:
    bucket, region, flags = match["bucket"], match["region"], _flags(match)
    if match["external"]:
        region = "us-east-1"
    _check_partition(web, match)
    location = _path_style(web) if bucket is None else _virtual_hosted(web, bucket)
    options: dict[str, Any] = {}
    if bucket is not None and "." in bucket:
        # TLS certificates cover one label: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
        options["virtual_hosted_style_request"] = False
    if match["china"]:
        # botocore refuses a dualstack option beside an endpoint, so the endpoint alone says it.
        infix = match["dualstack"] or ""
        return ParsedUrl(location, {**options, "region": region, "endpoint": f"https://s3{infix}.{region}{_CHINA}"})
    if region is None and bucket is None:
        # Path style at the global host reaches the buckets of this region only.
        region = "us-east-1"
    return ParsedUrl(location, {**options, **flags, **({"region": region} if region else {})})


def _check_partition(web: WebUrl, match: re.Match[str]) -> None:
    """Refuse hosts that AWS does not have: a Chinese region elsewhere, FIPS in China, variants without a region."""
    region = match["region"]
    if region is None:
        unknown = match["china"] or match["fips"] or match["dualstack"]
    else:
        unknown = bool(match["china"]) != region.startswith("cn-") or (match["china"] and match["fips"])
    if unknown:
        _refuse_host(web)


def _accelerate(web: WebUrl, match: re.Match[str]) -> ParsedUrl:
    location = _virtual_hosted(web, match["bucket"])
    options = {"use_accelerate_endpoint": True}
    if match["dualstack"]:
        options["use_dualstack_endpoint"] = True
    return ParsedUrl(location, options)


def _access_point(web: WebUrl, match: re.Match[str]) -> ParsedUrl:
    """Turn the host of an access point into its ARN, which says the same and is what the SDK takes."""
    region = match["region"]
    _check_partition(web, match)
    partition = "aws-cn" if match["china"] else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    arn = f"arn:{partition}:s3:{region}:{match['account']}:accesspoint/{match['name']}"
    return ParsedUrl(Location(arn, _key(web.path)), {"region": region, **_flags(match)})


def _website(web: WebUrl, match: re.Match[str]) -> NoReturn:
    del match
    msg = (
        f"{web.shown} is a static website, not the S3 API; open it with fsspec's http filesystem, or name the "
        f"bucket: s3://bucket/key"
    )
    raise UrlError(msg)


def _r2(web: WebUrl, match: re.Match[str]) -> ParsedUrl:
    bucket, jurisdiction = match["bucket"], match["jurisdiction"]
    location = _path_style(web) if bucket is None else _virtual_hosted(web, bucket)
    infix = f".{jurisdiction}" if jurisdiction else ""
    endpoint = f"https://{match['account']}{infix}.r2.cloudflarestorage.com"
    return ParsedUrl(location, {"region": "auto", "endpoint": endpoint})


_HOST_FORMS: Final[tuple[tuple[str, Callable[[WebUrl, re.Match[str]], ParsedUrl]], ...]] = (
    (_WEBSITE_HOST, _website),
    (_ACCELERATE_HOST, _accelerate),
    (_ACCESS_POINT_HOST, _access_point),
    (_AWS_HOST, _aws),
    (_R2_HOST, _r2),
)


def _flags(match: re.Match[str]) -> dict[str, bool]:
    """Options of the host forms that replace an endpoint."""
    names = {"dualstack": "use_dualstack_endpoint", "fips": "use_fips_endpoint"}
    return {option: True for group, option in names.items() if match[group]}


def _key(path: str) -> str:
    return percent_decode_once(path.removeprefix("/"))


def _path_style(web: WebUrl) -> Location:
    """``/bucket/key``; the bucket is split off before decoding, as ``%2F`` is a slash of the key."""
    first, slash, rest = web.path.removeprefix("/").partition("/")
    bucket = percent_decode_once(first)
    if (slash and not bucket) or "/" in bucket:
        msg = f"{web.shown} has no bucket in its first path segment"
        raise UrlError(msg)
    _check_bucket(bucket)
    return Location(bucket, percent_decode_once(rest))


def _virtual_hosted(web: WebUrl, bucket: str) -> Location:
    _check_bucket(bucket)
    return Location(bucket, _key(web.path))


def _check_bucket(bucket: str) -> None:
    """Refuse what is no bucket; the message shows nothing of it that may be a password."""
    if _ARN.fullmatch(bucket):
        return
    if "@" in bucket:
        msg = (
            f"'{REDACTED}@{bucket.rpartition('@')[2]}' holds credentials before the bucket; leave them out of the URL "
            f"and pass them as options"
        )
        raise UrlError(msg)
    if is_arn(bucket):
        msg = (
            f"{bucket!r} is not the ARN of an access point, an outpost or an object lambda; name a bucket by its name: "
            f"s3://bucket/key"
        )
        raise UrlError(msg)
    if ":" in bucket:
        msg = (
            f"'{bucket.partition(':')[0]}:{REDACTED}' is not a bucket: neither a port nor credentials can stand there; "
            f"write s3://bucket/key, pass the server as endpoint='https://host:port' and credentials as options"
        )
        raise UrlError(msg)


def _refuse_scheme(url: str, scheme: str) -> NoReturn:
    web_hint = "is no path of an S3 filesystem; objfs.from_url() takes the https URLs of S3"
    hints = {
        "s3+ddb": "is the commit protocol of Lance, not a store; write s3://bucket/key for the objects themselves",
        "http": web_hint,
        "https": web_hint,
    }
    hint = hints.get(scheme, "is not an S3 URL; write s3://bucket/key")
    msg = f"{redact_url(url)} {hint}"
    raise UrlError(msg)


def _refuse_host(web: WebUrl) -> NoReturn:
    host = web.host if web.port is None else f"{web.host}:{web.port}"
    if web.host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        hint = "write s3://bucket/key (or s3://ARN/key for an access point) and pass region="
    else:
        hint = f"write s3://bucket/key and pass endpoint='{web.scheme}://{host}'"
    msg = f"{web.shown}: {host} is not a known S3 host, so the bucket cannot be told from the URL; {hint}"
    raise UrlError(msg)
