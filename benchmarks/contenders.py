"""The filesystems that are compared, each with its own defaults: only where the server is and who asks are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Access:
    """Where the server is, and the keys it knows.

    Parameters
    ----------
    endpoint
        ``http://host:port``.
    """

    endpoint: str
    key: str
    secret: str
    region: str


@dataclass(frozen=True)
class Contender:
    """One filesystem.

    Parameters
    ----------
    name
        In the tables.
    connect
        Imports the package and builds the filesystem; nothing of it is imported before.
    packages
        Distributions whose versions belong to a result.
    """

    name: str
    connect: Callable[[Access], Any]
    packages: tuple[str, ...]


def _objfs(access: Access) -> Any:
    from objfs import S3FileSystem  # noqa: PLC0415 - the import is part of what is measured

    return S3FileSystem(
        endpoint_url=access.endpoint, key=access.key, secret=access.secret, region=access.region, engine="auto"
    )


def _s3fs(access: Access) -> Any:
    from s3fs import S3FileSystem  # noqa: PLC0415 - the import is part of what is measured

    return S3FileSystem(
        endpoint_url=access.endpoint,
        key=access.key,
        secret=access.secret,
        client_kwargs={"region_name": access.region},
    )


def _obstore(access: Access) -> Any:
    from obstore.fsspec import FsspecStore  # noqa: PLC0415 - the import is part of what is measured

    return FsspecStore(
        "s3",
        endpoint=access.endpoint,
        access_key_id=access.key,
        secret_access_key=access.secret,
        region=access.region,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


OURS = "objfs"
CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        Contender(OURS, _objfs, ("objfs", "fsspec", "obstore")),
        Contender("s3fs", _s3fs, ("s3fs", "fsspec", "aiobotocore")),
        Contender("obstore.fsspec", _obstore, ("obstore", "fsspec")),
    )
}
