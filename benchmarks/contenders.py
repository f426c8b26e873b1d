"""The filesystems that are compared, each with its own defaults: only where the server is and who asks are given.

Little is imported here: this module is loaded before the clock of a new process is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

# Access to a server: `endpoint` (http://host:port), and what the cloud's clients need to know beside it.
Access = Mapping[str, str]


class Contender(NamedTuple):
    """One filesystem.

    Parameters
    ----------
    name
        In the tables.
    connects
        For each cloud, what imports the package and builds the filesystem; nothing of it is imported before.
    packages
        Distributions whose versions belong to a result.
    is_peer
        What objfs is compared with. The others are shown only.
    """

    name: str
    connects: Mapping[str, Callable[[Access], Any]]
    packages: tuple[str, ...]
    is_peer: bool = True


def _objfs_s3(access: Access) -> Any:
    from objfs import S3FileSystem  # noqa: PLC0415 - the import is part of what is measured

    return S3FileSystem(
        endpoint_url=access["endpoint"], key=access["key"], secret=access["secret"], region=access["region"]
    )


def _objfs_gcs(access: Access) -> Any:
    from objfs import GCSFileSystem  # noqa: PLC0415 - the import is part of what is measured

    return GCSFileSystem(endpoint_url=access["endpoint"], token=access["token"], project=access["project"])


def _objfs_azure(access: Access) -> Any:
    from objfs import AzureBlobFileSystem  # noqa: PLC0415 - the import is part of what is measured

    return AzureBlobFileSystem(connection_string=access["connection_string"])


def _gcsfs(access: Access) -> Any:
    # Its extended class asks Google what kind of bucket it is.
    from gcsfs.core import GCSFileSystem  # noqa: PLC0415 - the import is part of what is measured

    # It would ask Google about a token. The emulator takes any and none, and it makes no difference in requests.
    return GCSFileSystem(endpoint_url=access["endpoint"], token="anon", project=access["project"])


def _adlfs(access: Access) -> Any:
    from adlfs import AzureBlobFileSystem  # noqa: PLC0415 - the import is part of what is measured

    return AzureBlobFileSystem(connection_string=access["connection_string"])


def _s3fs(access: Access) -> Any:
    from s3fs import S3FileSystem  # noqa: PLC0415 - the import is part of what is measured

    return S3FileSystem(
        endpoint_url=access["endpoint"],
        key=access["key"],
        secret=access["secret"],
        client_kwargs={"region_name": access["region"]},
    )


def _obstore_options(access: Access) -> dict[str, Any]:
    return {
        "endpoint": access["endpoint"],
        "access_key_id": access["key"],
        "secret_access_key": access["secret"],
        "region": access["region"],
        "virtual_hosted_style_request": False,
        "client_options": {"allow_http": True},
    }


def _obstore_fsspec(access: Access) -> Any:
    from obstore.fsspec import FsspecStore  # noqa: PLC0415 - the import is part of what is measured

    return FsspecStore("s3", **_obstore_options(access))


def _pyarrow(access: Access) -> Any:
    from arrow_verbs import ArrowVerbs  # noqa: PLC0415 - the import is part of what is measured

    return ArrowVerbs(access)


def _raw_obstore(access: Access) -> Any:
    from raw_verbs import RawVerbs  # noqa: PLC0415 - the import is part of what is measured

    return RawVerbs(_obstore_options(access), is_far=bool(access.get("is_far")))


OURS, FLOOR = "objfs", "raw obstore"
CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        Contender(
            OURS,
            {"s3": _objfs_s3, "gcs": _objfs_gcs, "azure": _objfs_azure},
            ("objfs", "fsspec", "obstore"),
            is_peer=False,
        ),
        Contender("s3fs", {"s3": _s3fs}, ("s3fs", "fsspec", "aiobotocore")),
        Contender("obstore.fsspec", {"s3": _obstore_fsspec}, ("obstore", "fsspec")),
        Contender("pyarrow.fs", {"s3": _pyarrow}, ("pyarrow",)),
        Contender("gcsfs", {"gcs": _gcsfs}, ("gcsfs", "fsspec")),
        Contender("adlfs", {"azure": _adlfs}, ("adlfs", "fsspec")),
        # Not a filesystem but the calls that one would be made of: how far there is to go.
        Contender(FLOOR, {"s3": _raw_obstore}, ("obstore",), is_peer=False),
    )
}
