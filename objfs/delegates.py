"""Google Cloud Storage and Azure: their schemes are ours, the work is still wholly their SDK plane's.

The classes are those of gcsfs and adlfs under objfs's schemes, so that an installation of objfs changes nothing for
``gs://`` and ``az://`` but adds the spellings that the peers do not know (``azure``, ``wasb``, ``wasbs``, ``adl``).
"""

from __future__ import annotations

from typing import Any, Final

from objfs.sdk import peer_class
from objfs.urls import scheme_of

# Spellings that adlfs does not know, and the one that means the same to it.
_AZURE_SPELLINGS: Final = {"azure": "az", "wasb": "abfs", "wasbs": "abfss", "adl": "abfs"}


def GCSFileSystem() -> type[Any]:  # noqa: N802 - it makes the class of that name
    """The class for ``gs://`` and ``gcs://``.

    Raises
    ------
    MissingExtraError
        gcsfs is not installed.
    """
    return type("GCSFileSystem", (peer_class("gcs"),), {"__module__": "objfs", "protocol": ("gs", "gcs")})


def AzureBlobFileSystem() -> type[Any]:  # noqa: N802 - it makes the class of that name
    """The class for ``az://``, ``abfs://``, ``abfss://`` and their older spellings.

    Raises
    ------
    MissingExtraError
        adlfs is not installed.
    """
    peer = peer_class("azure")

    def _strip_protocol(cls: Any, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(item) for item in path]
        return peer._strip_protocol.__func__(cls, _respell(path))  # noqa: SLF001 - fsspec's hook

    def _get_kwargs_from_urls(urlpath: str) -> Any:
        return peer._get_kwargs_from_urls(_respell(urlpath))  # noqa: SLF001 - fsspec's hook

    members = {
        "__module__": "objfs",
        "protocol": ("abfs", "az", "abfss", *_AZURE_SPELLINGS),
        "_strip_protocol": classmethod(_strip_protocol),
        "_get_kwargs_from_urls": staticmethod(_get_kwargs_from_urls),
    }
    return type("AzureBlobFileSystem", (peer,), members)


def _respell(path: Any) -> Any:
    scheme = scheme_of(path) if isinstance(path, str) else None
    if scheme not in _AZURE_SPELLINGS:
        return path
    return f"{_AZURE_SPELLINGS[scheme]}{path[len(scheme) :]}"
