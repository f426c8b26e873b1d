"""Ready-made providers: AWS STS, sessions of botocore and boto3, and any JSON endpoint.

Each is a class, and each has a name, so that a configuration file can say it::

    storage_options={"storage_options_provider": {"provider": "http", "url": "https://…"}}

A distribution adds names by entry points of the group ``objfs.providers``, each of which leads to a class or a function
that takes the options by keyword and returns a provider.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from objfs.providers.aws import AssumeRole, AwsSession, WebIdentity
    from objfs.providers.http import HttpJson

__all__ = ["AssumeRole", "AwsSession", "HttpJson", "WebIdentity"]

_HOMES: Final = {
    "AssumeRole": "objfs.providers.aws",
    "AwsSession": "objfs.providers.aws",
    "HttpJson": "objfs.providers.http",
    "WebIdentity": "objfs.providers.aws",
}

if not TYPE_CHECKING:  # for a type checker, every name would exist

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
