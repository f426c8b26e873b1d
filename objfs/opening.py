"""Open any URL: every form of a cloud, also those that fsspec gives to its HTTP filesystem, and those of no cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any, Final

import fsspec
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

from objfs.azure_filesystem import AzureBlobFileSystem
from objfs.casts import as_bool
from objfs.clouds._cloud import Cloud, ParsedUrl
from objfs.clouds._common import FRAMEWORK_ROWS
from objfs.clouds.known import CLOUDS, PLAIN
from objfs.errors import ConflictingOptionsError, MissingExtraError, UnknownOptionError, UrlError
from objfs.filesystem import ObjectFileSystem
from objfs.gcs_filesystem import GCSFileSystem
from objfs.options import normalise
from objfs.prefixed import under_prefix
from objfs.s3_filesystem import S3FileSystem
from objfs.urls import redact_url, scheme_of, split_web_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

CLASSES: Final[dict[str, type[ObjectFileSystem]]] = {
    "azure": AzureBlobFileSystem,
    "gcs": GCSFileSystem,
    "s3": S3FileSystem,
}
_WEB: Final = frozenset({"http", "https"})
# fsspec takes local URLs without slashes, too.
_LOCAL: Final = re.compile(r"(file|local):", re.IGNORECASE)
_WEB_ROOT: Final = re.compile(r"https?://[^/?#]*/?", re.IGNORECASE)
# Words of aiohttp's requests that are names of cloud options as well.
_REQUEST_WORDS: Final = frozenset({"headers", "proxy", "ssl", "timeout"})


def from_url(url: str, *, prefix: str | None = None, **options: Any) -> tuple[AbstractFileSystem, str]:
    """Make the filesystem that a URL belongs to. No request is sent.

    Parameters
    ----------
    url
        A URL of a cloud, in any of its forms; ``file://``, ``local://`` or ``memory://``; or any other ``http://``
        or ``https://``. Keys in ``https`` forms of a cloud are percent-decoded once, all others never.
    prefix
        Start at this prefix of the bucket (or container, directory tree, web server): all paths are relative to it,
        as with a store of object_store that has a ``prefix``. The URL names the bucket, or something under the prefix.
        ``""`` starts at the bucket.
    **options
        Storage options, in any vocabulary. Those of no cloud go to fsspec's own filesystem.

    Returns
    -------
    filesystem, path
        The path is ``bucket/key``, with its version where the URL named one; what fsspec makes of a URL that is no
        cloud's. With ``prefix`` the filesystem is a ``fsspec.implementations.dirfs.DirFileSystem``, and the path
        relative.

    Raises
    ------
    UrlError
        Nobody knows the scheme; the URL is at a host of a cloud and of no form that it has, holds credentials or
        a signature, or lies outside the prefix.
    ConflictingOptionsError
        The URL and an option name different accounts, regions, endpoints or prefixes.
    UnknownOptionError
        An option of a cloud for a URL that is no cloud's.
    MissingExtraError
        ``http`` without aiohttp (``objfs[http]``), or a class whose SDK is missing.

    Examples
    --------
    >>> fs, path = from_url("https://bucket.s3.eu-west-1.amazonaws.com/data/a.parquet", anon=True)
    >>> path
    'bucket/data/a.parquet'
    >>> fs, path = from_url("s3://bucket/data/a.parquet", prefix="data", anon=True)
    >>> path
    'a.parquet'
    """
    prefix, options = _prefix_of(prefix, options)
    found = _parse(url, options)
    if isinstance(found, UrlError):
        fs, path = _open_plain(url, options, found)
        if prefix is None:
            return fs, path
        web = _WEB_ROOT.match(path) if _scheme(url) in _WEB else None
        root = web[0] if web else path[: path.startswith("/")]
        return under_prefix(fs, root, path[len(root) :], prefix)
    cloud, parsed = found
    fs = CLASSES[cloud.name](**options, url_options=dict(parsed.options))
    path, bucket = cloud.with_version(parsed.location), parsed.location.bucket
    if prefix is None:
        return fs, path
    if not bucket:
        msg = f"{redact_url(url)} names no bucket that prefix {prefix!r} could be in"
        raise UrlError(msg)
    return under_prefix(fs, bucket, path[len(bucket) + 1 :], prefix)


def is_of_a_cloud(url: str, options: Mapping[str, Any]) -> bool:
    """Whether a URL is one of a cloud's; local paths, and what fsspec's own filesystems serve, are not.

    Raises
    ------
    UrlError
        Nobody knows the scheme, or the text is empty.
    """
    return not is_local_path(url) and not isinstance(_parse(url, options), UrlError)


def is_local_path(text: str) -> bool:
    """Whether a text is the path of a local file or directory, and no URL.

    Raises
    ------
    UrlError
        It is empty.
    """
    if not text:
        msg = "an empty text names no place; a local directory is '.'"
        raise UrlError(msg)
    return scheme_of(text) is None and not _LOCAL.match(text)


def _prefix_of(prefix: str | None, options: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The prefix, given by keyword or as object_store's configuration holds it, and the other options."""
    config = options.get("config")
    if not isinstance(config, Mapping) or not any(normalise(name) == "prefix" for name in config):
        return prefix, dict(options)
    within = {name: value for name, value in config.items() if normalise(name) == "prefix"}
    given = {str(each).strip("/") for each in (prefix, *within.values()) if each is not None}
    if len(given) > 1:
        msg = f"prefix is given as {' and as '.join(map(repr, sorted(given)))}; give it once"
        raise ConflictingOptionsError(msg)
    rest = {name: value for name, value in config.items() if name not in within}
    return next(iter(given), None), {**options, "config": rest}


def _scheme(url: str) -> str:
    scheme = scheme_of(url)
    if scheme is None and (local := _LOCAL.match(url)):
        scheme = local[1].lower()
    if scheme is None:
        msg = f"{redact_url(url)!r} is no URL; give a scheme such as s3:// or file://"
        raise UrlError(msg)
    return scheme


def _parse(url: str, options: Mapping[str, Any]) -> tuple[Cloud, ParsedUrl] | UrlError:
    """The cloud that a URL is of and its parts; or, where fsspec's own filesystems may serve it, why it is none's."""
    scheme = _scheme(url)
    web = split_web_url(url) if scheme in _WEB else None
    for cloud in CLOUDS:
        if scheme in cloud.schemes or (web and re.fullmatch(cloud.api_hosts, web.host)):
            return cloud, cloud.parse_url(url, **_url_settings(cloud, options))
    refusal: UrlError | None = None
    for cloud in CLOUDS:
        try:
            return cloud, cloud.parse_url(url, **_url_settings(cloud, options))
        except UrlError as error:
            # What a cloud says of its dialects (s3+ddb) helps more than what it says of others' URLs.
            if refusal is None or scheme.startswith(cloud.schemes):
                refusal = error
    if scheme in PLAIN:
        return refusal or UrlError(redact_url(url))
    if refusal is not None and scheme.startswith(tuple(name for cloud in CLOUDS for name in cloud.schemes)):
        raise refusal
    known = ", ".join([name for cloud in CLOUDS for name in cloud.schemes] + list(PLAIN))
    msg = f"{redact_url(url)} has a scheme that is not known here; known are {known}"
    raise UrlError(msg)


def _url_settings(cloud: Cloud, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without which some of the cloud's URLs cannot be told from others."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        row = cloud.table.index.get(normalise(name))
        if row is not None and row[0].name in cloud.url_settings and value is not None:
            found[row[0].name] = row[0].cast(value, spelling=name)
    return found


def _open_plain(url: str, options: Mapping[str, Any], refusal: UrlError) -> tuple[AbstractFileSystem, str]:
    """One of fsspec's own filesystems, and the path by its rules."""
    scheme = _scheme(url)
    try:
        cls = fsspec.get_filesystem_class(PLAIN[scheme])
    except ImportError as error:
        msg = f"{scheme}:// needs aiohttp; install it by: pip install 'objfs[http]'"
        raise MissingExtraError(msg) from error
    _check_options(cls, scheme, options, refusal)
    asynchronous = as_bool(options.get("asynchronous", False))
    if asynchronous and not cls.async_impl:
        rest = {name: value for name, value in options.items() if name not in ("asynchronous", "loop")}
        fs = AsyncFileSystemWrapper(cls(**rest), asynchronous=True)
    else:
        fs = cls(**options)
    # fsspec knows its schemes in lower case only.
    return fs, cls._strip_protocol(scheme + url[len(scheme) :])


def _check_options(cls: type[Any], scheme: str, options: Mapping[str, Any], refusal: UrlError) -> None:
    """Refuse options of a cloud: fsspec's filesystems would ignore them, keep secrets unhidden, or fail much later."""
    taken = {name for base in cls.__mro__ if base is not object for name in signature(base).parameters}
    taken |= _REQUEST_WORDS if scheme in _WEB else set()
    shared = {row.name for row in FRAMEWORK_ROWS if not row.secret}
    for cloud in CLOUDS:
        for name in options:
            found = cloud.table.index.get(normalise(name))
            if found is None or name in taken or found[0].name in shared:
                continue
            hint = f" ({refusal})" if scheme in _WEB else ""
            msg = f"{name!r} is an option of {cloud.name}, and a {scheme} URL of no cloud has no use for it{hint}"
            raise UnknownOptionError(msg)
