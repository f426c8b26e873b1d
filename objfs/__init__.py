"""Object storage for fsspec: one class per cloud, a fast data plane, credentials that outlive their expiry."""

from __future__ import annotations

from objfs._version import __version__
from objfs.azure_filesystem import AzureBlobFileSystem
from objfs.credentials.provider import StorageOptionsProvider
from objfs.gcs_filesystem import GCSFileSystem
from objfs.opening import from_url
from objfs.registration import register, unregister
from objfs.s3_filesystem import S3FileSystem

__all__ = [
    "AzureBlobFileSystem",
    "GCSFileSystem",
    "S3FileSystem",
    "StorageOptionsProvider",
    "__version__",
    "from_url",
    "register",
    "unregister",
]

register()
