"""Ready-made providers: AWS STS, SDK sessions and credential objects, any JSON endpoint, and catalogs that vend.

Each is a class, and each has a name, so that a configuration file can say it::

    storage_options={"storage_options_provider": {"provider": "unity", "endpoint": "https://…", "table": "c.s.t"}}

A distribution adds names by entry points of the group ``objfs.providers``, each of which leads to a class or a function
that takes the options by keyword and returns a provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from objfs import late_names

if TYPE_CHECKING:
    from objfs.providers.aws import AssumeRole, AwsSession, WebIdentity
    from objfs.providers.azure import AzureIdentity
    from objfs.providers.google import GoogleAuth
    from objfs.providers.http import HttpJson
    from objfs.providers.iceberg import IcebergRest
    from objfs.providers.lance import LanceNamespace
    from objfs.providers.unity import UnityCatalog

__all__ = [
    "AssumeRole",
    "AwsSession",
    "AzureIdentity",
    "GoogleAuth",
    "HttpJson",
    "IcebergRest",
    "LanceNamespace",
    "UnityCatalog",
    "WebIdentity",
]

_HOMES: Final = {
    "AssumeRole": "objfs.providers.aws",
    "AwsSession": "objfs.providers.aws",
    "AzureIdentity": "objfs.providers.azure",
    "GoogleAuth": "objfs.providers.google",
    "HttpJson": "objfs.providers.http",
    "IcebergRest": "objfs.providers.iceberg",
    "LanceNamespace": "objfs.providers.lance",
    "UnityCatalog": "objfs.providers.unity",
    "WebIdentity": "objfs.providers.aws",
}

if not TYPE_CHECKING:  # for a type checker, every name would exist
    __getattr__ = late_names.getter(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
