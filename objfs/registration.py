"""Claim our URL schemes in fsspec's registry for this process, and give them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fsspec.registry import _registry, known_implementations, register_implementation, registry

# Scheme to the name of our class; the class is imported when the scheme is first used.
SCHEMES: Final[Mapping[str, str]] = {
    "s3": "objfs.S3FileSystem",
    "s3a": "objfs.S3FileSystem",
    "gs": "objfs.GCSFileSystem",
    "gcs": "objfs.GCSFileSystem",
    "az": "objfs.AzureBlobFileSystem",
    "abfs": "objfs.AzureBlobFileSystem",
    "abfss": "objfs.AzureBlobFileSystem",
    "azure": "objfs.AzureBlobFileSystem",
    "wasb": "objfs.AzureBlobFileSystem",
    "wasbs": "objfs.AzureBlobFileSystem",
    "adl": "objfs.AzureBlobFileSystem",
}

# What fsspec and the peers' own entry points say of these schemes without objfs; the rest is unknown to them.
_PEERS: Final[Mapping[str, str]] = {
    "s3": "s3fs.S3FileSystem",
    "s3a": "s3fs.S3FileSystem",
    "gs": "gcsfs.GCSFileSystem",
    "gcs": "gcsfs.GCSFileSystem",
    "az": "adlfs.AzureBlobFileSystem",
    "abfs": "adlfs.AzureBlobFileSystem",
    "abfss": "adlfs.AzureBlobFileSystem",
    "adl": "adlfs.AzureDatalakeFileSystem",
}


def register() -> None:
    """Make fsspec use objfs for all its schemes in this process.

    Installing objfs is enough for most programs: fsspec finds it by its entry points. Where two distributions
    register the same scheme (adlfs has an entry point for ``abfss``), the first on ``sys.path`` wins; this call,
    which ``import objfs`` makes, settles it. File systems that exist already stay what they are.
    """
    for scheme, name in SCHEMES.items():
        loaded = registry.get(scheme)
        if loaded is not None and not _is_ours(loaded):
            _forget(scheme)
        advice = f"cannot load {name} for {scheme}://"
        register_implementation(scheme, name, clobber=True, errtxt=advice)


def unregister() -> None:
    """Give the schemes back to s3fs, gcsfs and adlfs in this process.

    ``register()`` claims them again. A later ``import objfs`` does not: Python runs a module once.
    """
    for scheme in SCHEMES:
        loaded = registry.get(scheme)
        if loaded is not None and _is_ours(loaded):
            _forget(scheme)
        if scheme in _PEERS:
            advice = f"install {_PEERS[scheme].partition('.')[0]} to open {scheme}:// without objfs"
            register_implementation(scheme, _PEERS[scheme], clobber=True, errtxt=advice)
        else:
            known_implementations.pop(scheme, None)


def _is_ours(cls: type[Any]) -> bool:
    return cls.__module__.partition(".")[0] == "objfs"


def _forget(scheme: str) -> None:
    # fsspec has no public way to take a loaded class out of its registry.
    _registry.pop(scheme, None)
