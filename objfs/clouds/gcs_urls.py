"""Every way to write down a GCS location: paths, ``gs://`` URLs, and the https forms of Google's XML and JSON APIs."""

from __future__ import annotations

import re
from typing import Any, Final

from objfs.clouds._cloud import ParsedUrl
from objfs.clouds._versions import parsed_at, path_with_version
from objfs.errors import UrlError
from objfs.options import REDACTED, Settings
from objfs.records import replace
from objfs.types import Location
from objfs.urls import WebUrl, percent_decode_once, redact_url, scheme_of, split_query, split_web_url, strip_scheme

GCS_SCHEMES: Final = ("gs", "gcs")
API_HOST: Final = "storage.googleapis.com"

# fsspec's own protocol stripping takes "::" for "://".
_CHAINED_SCHEME: Final = re.compile(r"\A(?:gs|gcs)::", re.IGNORECASE)
# Generations are integers: https://cloud.google.com/storage/docs/metadata#generation-number
_FRAGMENT: Final = re.compile(r"(?P<key>.*)#(?P<generation>[0-9]+)", re.DOTALL)
_QUERY: Final = re.compile(r"(?P<key>.*)\?generation=(?P<generation>[0-9]+)", re.DOTALL)
_DIGITS: Final = re.compile(r"[0-9]+")

# Hosts that name the bucket in the path (https://cloud.google.com/storage/docs/request-endpoints); the second group
# are regional endpoints. Any other label before the API's host is a bucket.
_KEPT_HOST: Final = re.compile(r"storage\.(?:mtls|[a-z0-9\-]+\.rep)\.googleapis\.com")
_PATH_HOSTS: Final = frozenset({API_HOST, "commondatastorage.googleapis.com"})
_BUCKET_HOST: Final = re.compile(r"(?P<bucket>.+)\.(?:storage|commondatastorage)\.googleapis\.com")
_BROWSER_HOST: Final = "storage.cloud.google.com"
_JSON_HOST: Final = "www.googleapis.com"
_JSON_PATH: Final = re.compile(
    r"/(?:(?P<kind>download|upload)/)?storage/v1/b(?:/(?P<bucket>[^/]+)(?:/o(?:/(?P<key>.+))?)?)?/?", re.DOTALL
)

# All of these, and what one may take for them.
API_HOSTS: Final = (
    r"(?:.+\.)?(?:storage|commondatastorage)(?:\.[a-z0-9\-]+)*\.googleapis\.com|storage\.cloud\.google\.com"
    r"|www\.googleapis\.com"
)

_SIGNED: Final = frozenset({"signature", "googleaccessid", "expires", "awsaccesskeyid"})
_SECRETS: Final = frozenset({"access_token", "key", "upload_id", "oauth_token"})
# What says how an answer looks like, not what is asked for.
_JSON_ONLY: Final = frozenset({"alt", "prettyprint", "fields", "projection", "uploadtype"})
_BROWSER_ONLY: Final = frozenset({"authuser", "supportedpurview"})


def split_gcs_path(path: str) -> Location:
    """Split a path, with or without a scheme, into bucket and key.

    The key is opaque: it is neither decoded, cut nor normalised, and ``#generation`` stays in it (see
    `split_version`). Slashes before the bucket are dropped, as gcsfs does.

    Parameters
    ----------
    path
        ``bucket/key``, ``/bucket/key``, ``gs://bucket/key`` or the same with ``gcs``, in any case.

    Returns
    -------
    Location
        Without a version. ``bucket`` is empty for the root, ``key`` for a bucket.

    Raises
    ------
    UrlError
        A URL of another scheme, or a bucket part with a user name, a password or a port.
    """
    scheme = scheme_of(path)
    if scheme is not None and scheme not in GCS_SCHEMES:
        hint = "is not a GCS URL; write gs://bucket/key"
        if scheme in {"http", "https"}:
            hint = "is no path of a GCS filesystem; objfs.from_url() takes the https URLs of GCS"
        msg = f"{redact_url(path)} {hint}"
        raise UrlError(msg)
    rest = (strip_scheme(path) if scheme else _CHAINED_SCHEME.sub("", path)).lstrip("/")
    bucket, _, key = rest.partition("/")
    _check_bucket(bucket)
    return Location(bucket, key)


def split_version(location: Location) -> Location:
    """Cut ``#generation`` or ``?generation=`` off the key, as gcsfs does for a version-aware instance.

    Parameters
    ----------
    location
        As `split_gcs_path` returns it.

    Returns
    -------
    Location
        With the generation where the key ends in one, and in digits only; the fragment counts where both are there.
        Unchanged otherwise, or where a version is already set.
    """
    if location.version is not None:
        return location
    named = _FRAGMENT.fullmatch(location.key)
    queried = _QUERY.fullmatch(named["key"] if named else location.key)
    found = queried or named
    if found is None:
        return location
    return replace(location, key=found["key"], version=(named or found)["generation"])


def with_version(location: Location) -> str:
    """Join a location to the path that `split_gcs_path` and, for a generation, `split_version` take apart again."""
    return path_with_version(location, "#")


def url_keywords(url: str) -> dict[str, Any]:
    """A URL that names a generation asks for a version-aware instance, as in gcsfs."""
    versioned = split_version(split_gcs_path(url)).version is not None
    return {"url_options": {"version_aware": True}} if versioned else {}


def at_any_place(_: Settings, url: str) -> None:
    """GCS's own URLs name no account or endpoint that an instance could contradict."""
    del url


def parse_gcs_url(url: str, *, universe_domain: str | None = None) -> ParsedUrl:
    """Take any URL of GCS apart.

    ``gs://`` URLs are not decoded, and a query or fragment other than a generation belongs to the key. In https URLs
    percent sequences are decoded once. ``http`` means the same as ``https``: the data always moves over TLS.

    Parameters
    ----------
    url
        ``gs://``, ``gcs://``, or the https URL of an object or bucket at a host of Google: path style, the bucket in
        the host, or a path of the JSON API.
    universe_domain
        Domain of a sovereign cloud whose hosts are known too.

    Returns
    -------
    ParsedUrl
        Location and the options that the URL implies: the server that it names, ``version_aware`` for a generation,
        and who pays where ``userProject`` says so.

    Raises
    ------
    UrlError
        Not a URL of GCS, or one that holds credentials, a port, a signature, or a query or fragment that has no
        meaning here.
    """
    scheme = scheme_of(url)
    if scheme is None:
        msg = f"{redact_url(url)!r} is a path, not a URL; write gs://bucket/key"
        raise UrlError(msg)
    if scheme in {"http", "https"}:
        return _parse_web(split_web_url(url), universe_domain)
    versioned = split_version(split_gcs_path(url))
    return ParsedUrl(versioned, {} if versioned.version is None else {"version_aware": True})


def _parse_web(web: WebUrl, universe_domain: str | None) -> ParsedUrl:
    endpoint, bucket = _server(web, universe_domain)
    json = _JSON_PATH.fullmatch(web.path) if bucket is None and web.host != _BROWSER_HOST else None
    if web.host == _JSON_HOST and json is None:
        raise _unknown_host(web)
    query = _query(web, json)
    if json is not None:
        location = _json_location(web, json, query.pop("name", None))
    else:
        location = (
            _path_style(web) if bucket is None else Location(bucket, percent_decode_once(web.path.removeprefix("/")))
        )
    _check_bucket(location.bucket)
    options: dict[str, Any] = {"base_url": endpoint}
    if "userproject" in query:
        options["requester_pays"] = query["userproject"]
    return parsed_at(web, ParsedUrl(location, options), query.get("generation"), "a generation of no object")


def _server(web: WebUrl, universe_domain: str | None) -> tuple[str, str | None]:
    """Endpoint of the API that a host means, and the bucket where the host names it."""
    if web.port is not None:
        raise _unknown_host(web)
    if web.host in _PATH_HOSTS or web.host in (_BROWSER_HOST, _JSON_HOST):
        return f"https://{API_HOST}", None
    if _KEPT_HOST.fullmatch(web.host):
        return f"https://{web.host}", None
    named = _BUCKET_HOST.fullmatch(web.host)
    if named:
        return f"https://{API_HOST}", named["bucket"]
    own = f"storage.{universe_domain.lower()}" if universe_domain else None
    if own is not None and web.host == own:
        return f"https://{own}", None
    if own is not None and web.host.endswith(f".{own}"):
        return f"https://{own}", web.host.removesuffix(f".{own}")
    raise _unknown_host(web)


def _query(web: WebUrl, json: re.Match[str] | None) -> dict[str, str]:
    """The parameters that mean something here, by lower-cased name."""
    where = f"https://{web.host}{web.path}"
    pairs = [(name.lower(), value) for name, value in split_query(web.query)]
    names = {name for name, _ in pairs}
    if any(name.startswith(("x-goog-", "x-amz-")) or name in _SIGNED for name in names):
        msg = (
            f"{where} comes with a signature (a signed URL); it works only as it is, so open it with fsspec's http "
            f"filesystem, or leave the query out to use your own credentials"
        )
        raise UrlError(msg)
    if names & _SECRETS:
        msg = f"{where} holds credentials ({', '.join(sorted(names & _SECRETS))}); pass them as options"
        raise UrlError(msg)
    if web.fragment is not None:
        msg = (
            f"{web.shown} has a fragment; a '#' of the key is written %23 in an https URL, and a generation "
            f"?generation=NUMBER"
        )
        raise UrlError(msg)
    ignored = _JSON_ONLY if json is not None else _BROWSER_ONLY if web.host == _BROWSER_HOST else frozenset()
    known = {"generation", "userproject"} | ({"name"} if json is not None and json["kind"] == "upload" else set())
    kept = [(name, value) for name, value in pairs if name not in ignored]
    found = dict(kept)
    if len(found) < len(kept) or set(found) - known or not all(found.values()):
        msg = (
            f"{where} has a query ({', '.join(sorted(names - ignored))}); one generation and one userProject are "
            f"understood, and a '?' of the key is written %3F in an https URL"
        )
        raise UrlError(msg)
    if not _DIGITS.fullmatch(found.get("generation", "0")):
        msg = f"{where} has a generation that is no number"
        raise UrlError(msg)
    return found


def _json_location(web: WebUrl, match: re.Match[str], uploaded: str | None) -> Location:
    """``/storage/v1/b/BUCKET/o/KEY``; an upload names its key in the query, which is decoded already."""
    if match["kind"] == "upload" and match["key"] is not None:
        msg = f"{web.shown} is no upload; the key stands in the query: ?name=KEY"
        raise UrlError(msg)
    bucket = percent_decode_once(match["bucket"] or "")
    if "/" in bucket:
        raise _no_bucket(web)
    # A slash of the key is written %2F; one that is not belongs to it too, as clients that forget it find out.
    return Location(bucket, uploaded if uploaded is not None else percent_decode_once(match["key"] or ""))


def _path_style(web: WebUrl) -> Location:
    """``/bucket/key``; the bucket is split off before decoding, as ``%2F`` is a slash of the key."""
    first, slash, rest = web.path.removeprefix("/").partition("/")
    bucket = percent_decode_once(first)
    if (slash and not bucket) or "/" in bucket:
        raise _no_bucket(web)
    return Location(bucket, percent_decode_once(rest))


def _check_bucket(bucket: str) -> None:
    """Refuse what is no bucket; the message shows nothing of it that may be a password."""
    if "@" in bucket:
        msg = (
            f"'{REDACTED}@{bucket.rpartition('@')[2]}' holds credentials before the bucket; leave them out of the URL "
            f"and pass them as options"
        )
        raise UrlError(msg)
    if ":" in bucket:
        msg = (
            f"'{bucket.partition(':')[0]}:{REDACTED}' is not a bucket: neither a port nor credentials can stand there; "
            f"write gs://bucket/key, pass the server as endpoint_url='https://host:port' and credentials as options"
        )
        raise UrlError(msg)


def _no_bucket(web: WebUrl) -> UrlError:
    return UrlError(f"{web.shown} has no bucket in its path")


def _unknown_host(web: WebUrl) -> UrlError:
    host = web.host if web.port is None else f"{web.host}:{web.port}"
    if web.host.endswith((".googleapis.com", ".google.com")):
        hint = "write gs://bucket/key"
    else:
        hint = (
            f"write gs://bucket/key and pass endpoint_url='{web.scheme}://{host}', or universe_domain= where the host "
            f"is that of a sovereign cloud"
        )
    msg = f"{web.shown}: {host} is not a known GCS host, so the bucket cannot be told from the URL; {hint}"
    return UrlError(msg)
