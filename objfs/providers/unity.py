"""Credentials that Unity Catalog vends for a table, a volume or a path."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit

from objfs.errors import CredentialsError, OptionError
from objfs.providers.base import from_environment
from objfs.providers.catalogs import Catalog
from objfs.providers.questions import DEFAULT_TIMEOUT_SECONDS
from objfs.records import record

# https://github.com/unitycatalog/unitycatalog/blob/main/api/all.yaml; R2 and Entra ID are vended by Databricks alone,
# https://docs.databricks.com/api/workspace/temporarytablecredentials
_ROOT: Final = "/api/2.1/unity-catalog"
_VENDED: Final[Mapping[str, tuple[str, ...]]] = {
    "aws_temp_credentials": ("access_key_id", "secret_access_key", "session_token"),
    "r2_temp_credentials": ("access_key_id", "secret_access_key", "session_token"),
    "azure_user_delegation_sas": ("sas_token",),
    "azure_aad": ("aad_token",),
    "gcp_oauth_token": ("oauth_token",),
}


@record
class _Kind:
    """What credentials can be for: where its id is found, where they are asked for, and how each access is called."""

    listed: str | None
    asked: str
    id: str
    accesses: Mapping[str, str]


_KINDS: Final = {
    "table": _Kind("tables", "temporary-table-credentials", "table_id", {"read": "READ", "write": "READ_WRITE"}),
    "volume": _Kind(
        "volumes", "temporary-volume-credentials", "volume_id", {"read": "READ_VOLUME", "write": "WRITE_VOLUME"}
    ),
    "path": _Kind(
        None,
        "temporary-path-credentials",
        "url",
        {"read": "PATH_READ", "write": "PATH_READ_WRITE", "create": "PATH_CREATE_TABLE"},
    ),
}


@dataclass(eq=False, repr=False)
class UnityCatalog(Catalog):
    """Ask Unity Catalog for temporary credentials.

    Parameters
    ----------
    endpoint
        ``https://host``; the path of the API is added where there is none.
    table
        ``catalog.schema.table``, or its id.
    volume
        ``catalog.schema.volume``, or its id.
    path
        URL of an external location. Exactly one of the three must be given.
    access
        ``read``, ``write`` (which includes reading) or, of a path, ``create``.
    token
        A personal access token, as ``$NAME``.
    client_id, client_secret
        An OAuth client instead.
    token_url
        Where it gets its token; default ``/oidc/v1/token`` on the same host.
    scope
        Default ``all-apis``.
    headers
        Sent with each request.
    timeout
        Of each request, in seconds or as text.
    """

    endpoint: str
    table: str | None = None
    volume: str | None = None
    path: str | None = None
    access: str = "read"
    token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token_url: str | None = None
    scope: str | None = None
    headers: Mapping[str, str] | str | None = None
    timeout: Any = DEFAULT_TIMEOUT_SECONDS

    name: ClassVar[str] = "unity"
    place: ClassVar[str] = "endpoint"
    shown: ClassVar[tuple[str, ...]] = ("endpoint", "table", "volume", "path", "access")

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [kind for kind in _KINDS if getattr(self, kind)]
        if len(given) != 1:
            msg = f"the provider 'unity' needs one of table, volume and path, got {' and '.join(given) or 'none'}"
            raise OptionError(msg)
        self._kind, self._of = _KINDS[given[0]], str(getattr(self, given[0]))
        if self.access not in self._kind.accesses:
            msg = f"access to a {given[0]} is one of {', '.join(self._kind.accesses)}, got {self.access!r}"
            raise OptionError(msg)

    def fetch_storage_options(self) -> dict[str, Any]:
        """Ask for credentials, and before that for the id of what they are for."""
        authorization = self._authorization()
        wanted = self._identified(from_environment(self._of), authorization)
        body = {self._kind.id: wanted, "operation": self._kind.accesses[self.access]}
        answer = self._ask(authorization, f"/{self._kind.asked}", body)
        for name, members in _VENDED.items():
            vended = answer.get(name)
            if isinstance(vended, Mapping):
                told: dict[str, Any] = {f"{name}.{key}": vended[key] for key in members if vended.get(key)}
                expiry = answer.get("expiration_time")
                return {**told, "expires_at_millis": str(expiry)} if expiry else told
        msg = f"Unity Catalog vended nothing for {self._of!r} that is known: {', '.join(sorted(answer)) or 'no member'}"
        raise CredentialsError(msg)

    def _identified(self, name: str, authorization: Mapping[str, str]) -> str:
        """The id of a table or a volume, which somebody may drop and make anew; a path stands for itself."""
        if self._kind.listed is None or _is_id(name):
            return name
        found = self._ask(authorization, f"/{self._kind.listed}/{quote(name, safe='')}").get(self._kind.id)
        if not isinstance(found, str) or not found:
            msg = f"Unity Catalog told no {self._kind.id} of {name!r}"
            raise CredentialsError(msg)
        return found

    def _base(self) -> str:
        base = super()._base()
        return base if urlsplit(base).path else base + _ROOT

    def _default_token_url(self) -> str:
        parts = urlsplit(self._base())
        return f"{parts.scheme}://{parts.netloc}/oidc/v1/token"

    def _default_scope(self) -> str:
        return "all-apis"


def _is_id(name: str) -> bool:
    try:
        uuid.UUID(name)
    except ValueError:
        return False
    return True
