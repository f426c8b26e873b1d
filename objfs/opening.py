"""Open any URL form of a cloud, also those that fsspec would give to its HTTP filesystem."""

from __future__ import annotations

from typing import Any, Final

from objfs.clouds import CLOUDS
from objfs.clouds._cloud import Cloud, ParsedUrl
from objfs.errors import UrlError
from objfs.filesystem import ObjectFileSystem
from objfs.s3_filesystem import S3FileSystem
from objfs.urls import redact_url, scheme_of

CLASSES: Final[dict[str, type[ObjectFileSystem]]] = {"s3": S3FileSystem}


def from_url(url: str, **options: Any) -> tuple[ObjectFileSystem, str]:
    """Make the filesystem that a URL belongs to.

    Parameters
    ----------
    url
        ``s3://``, ``s3a://``, or an ``https://`` form of S3 or R2: path style, virtual-hosted, regional, dual-stack,
        FIPS, accelerated, access points. Keys in ``https`` forms are percent-decoded once, in others never.
    **options
        Storage options, in any vocabulary.

    Returns
    -------
    filesystem, path
        The path is ``bucket/key``, with ``?versionId=`` where the URL named a version.

    Raises
    ------
    UrlError
        No cloud knows the URL, or it holds credentials or a signature.
    ConflictingOptionsError
        The URL and an option name different regions or endpoints.

    Examples
    --------
    >>> fs, path = from_url("https://bucket.s3.eu-west-1.amazonaws.com/data/a.parquet", anon=True)
    >>> path
    'bucket/data/a.parquet'
    """
    cloud, parsed = _parse(url)
    fs = CLASSES[cloud.name](**options, url_options=dict(parsed.options))
    return fs, cloud.with_version(parsed.location)


def _parse(url: str) -> tuple[Cloud, ParsedUrl]:
    scheme = scheme_of(url)
    if scheme is None:
        msg = f"{redact_url(url)!r} is no URL; give a scheme such as s3://"
        raise UrlError(msg)
    owned = [cloud for cloud in CLOUDS if scheme in cloud.schemes]
    refusal: UrlError | None = None
    for cloud in owned or CLOUDS:
        try:
            return cloud, cloud.parse_url(url)
        except UrlError as error:
            refusal = refusal or error
    raise refusal or UrlError(f"no cloud knows the scheme of {redact_url(url)!r}")
