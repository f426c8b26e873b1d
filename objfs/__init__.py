"""Object storage for fsspec: one class per cloud, a fast data plane, credentials that outlive their expiry."""

from __future__ import annotations

from typing import Any

from objfs._version import __version__
from objfs.credentials.provider import StorageOptionsProvider
from objfs.opening import from_url
from objfs.registration import register, unregister
from objfs.s3_filesystem import S3FileSystem

# Without the two classes below that need an SDK: a star import must not.
__all__ = [
    "S3FileSystem",
    "StorageOptionsProvider",
    "__version__",
    "from_url",
    "register",
    "unregister",
]

register()


def __getattr__(name: str) -> Any:
    """Make the classes whose SDK is optional on first use (PEP 562)."""
    if name in ("GCSFileSystem", "AzureBlobFileSystem"):
        from objfs import delegates

        cls = getattr(delegates, name)()
        globals()[name] = cls
        return cls
    msg = f"module 'objfs' has no attribute {name!r}"
    raise AttributeError(msg)
