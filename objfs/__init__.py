"""Object storage for fsspec: one class per cloud, a fast data plane, credentials that outlive their expiry."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Final

from objfs import exits, late_names
from objfs._version import __version__
from objfs.registration import register, unregister

if TYPE_CHECKING:
    from objfs.azure_filesystem import AzureBlobFileSystem
    from objfs.configs import from_config
    from objfs.copying import copy, sync
    from objfs.credentials.provider import StorageOptionsProvider
    from objfs.explain_urls import explain
    from objfs.gcs_filesystem import GCSFileSystem
    from objfs.opening import from_url
    from objfs.s3_filesystem import S3FileSystem
    from objfs.tracing.recorder import Trace, trace

__all__ = [
    "AzureBlobFileSystem",
    "GCSFileSystem",
    "S3FileSystem",
    "StorageOptionsProvider",
    "Trace",
    "__version__",
    "copy",
    "explain",
    "from_config",
    "from_url",
    "register",
    "sync",
    "trace",
    "unregister",
]

# Imported when they are first asked for: a program that reads from one cloud does not pay for the others.
_HOMES: Final = {
    "AzureBlobFileSystem": "objfs.azure_filesystem",
    "GCSFileSystem": "objfs.gcs_filesystem",
    "S3FileSystem": "objfs.s3_filesystem",
    "StorageOptionsProvider": "objfs.credentials.provider",
    "Trace": "objfs.tracing.recorder",
    "copy": "objfs.copying",
    "explain": "objfs.explain_urls",
    "from_config": "objfs.configs",
    "from_url": "objfs.opening",
    "sync": "objfs.copying",
    "trace": "objfs.tracing.recorder",
}

if not TYPE_CHECKING:  # for a type checker, every name would exist
    __getattr__ = late_names.getter(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# Before the program can register a function of its own, which may read and write at exit: the first is called last.
atexit.register(exits.wait_for_native_threads)
register()
