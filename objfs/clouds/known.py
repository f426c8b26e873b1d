"""All clouds, for what has to look at each: to tell whose a URL is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from objfs.clouds._cloud import Cloud
from objfs.clouds.azure import AZURE
from objfs.clouds.gcs import GCS
from objfs.clouds.s3 import S3
from objfs.errors import UrlError

CLOUDS: Final[tuple[Cloud, ...]] = (S3, GCS, AZURE)
# Schemes of no cloud that fsspec's own filesystems serve, and how it calls them.
PLAIN: Final[Mapping[str, str]] = {
    "file": "file",
    "local": "file",
    "memory": "memory",
    "http": "http",
    "https": "http",
}


def cloud_for(scheme: str) -> Cloud:
    """The cloud that a URL scheme belongs to.

    Parameters
    ----------
    scheme
        Without ``://``; in any case.

    Raises
    ------
    UrlError
        No cloud has it; the message names those that are known.
    """
    for cloud in CLOUDS:
        if scheme.lower() in cloud.schemes:
            return cloud
    known = ", ".join(name for cloud in CLOUDS for name in cloud.schemes)
    msg = f"no cloud has the URL scheme {scheme!r}; known are {known}"
    raise UrlError(msg)
