"""Credentials that a Lance namespace vends for a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from objfs.errors import CredentialsError, OptionError
from objfs.providers.catalogs import Catalog, credentials_among
from objfs.providers.questions import DEFAULT_TIMEOUT_SECONDS


@dataclass(eq=False, repr=False)
class LanceNamespace(Catalog):
    """Ask a Lance REST namespace for the storage options of a table.

    Parameters
    ----------
    uri
        Of the namespace, without ``/v1``.
    table
        Names from the root down, the table's last: a list, or text with the delimiter between.
    delimiter
        Between names, in `table` and on the wire.
    token
        A bearer token, as ``$NAME``.
    client_id, client_secret, token_url, scope
        An OAuth client instead, and where it gets its token.
    headers
        Sent with each request.
    timeout
        Of each request, in seconds or as text.
    """

    uri: str
    table: str | Sequence[str]
    delimiter: str = "$"
    token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token_url: str | None = None
    scope: str | None = None
    headers: Mapping[str, str] | str | None = None
    timeout: Any = DEFAULT_TIMEOUT_SECONDS

    name: ClassVar[str] = "lance"
    place: ClassVar[str] = "uri"
    shown: ClassVar[tuple[str, ...]] = ("uri", "table")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.client_id and not self.token_url:
            msg = "client_id of the provider 'lance' needs token_url, as a namespace has no place of its own for tokens"
            raise OptionError(msg)
        self._names = self.table.split(self.delimiter) if isinstance(self.table, str) else list(self.table)
        if not self._names or not all(self._names):
            msg = "table must be names from the root down, as a list or as text with the delimiter between"
            raise OptionError(msg)

    def fetch_storage_options(self) -> dict[str, Any]:
        """Describe the table: https://github.com/lance-format/lance-namespace/blob/main/docs/src/rest.yaml."""
        path = f"/v1/table/{quote(self.delimiter.join(self._names), safe='')}/describe"
        query = urlencode({"delimiter": self.delimiter})
        body = {"id": self._names, "vend_credentials": True}
        answer = self._ask(self._authorization(), f"{path}?{query}", body)
        # The location may be a path; the URI never is, but not every server tells it.
        location = str(answer.get("table_uri") or answer.get("location") or "")
        options = answer.get("storage_options")
        found = credentials_among(options, location) if isinstance(options, Mapping) else {}
        if not found:
            msg = f"the Lance namespace vends no credentials for the table {'.'.join(self._names)!r} at {location!r}"
            raise CredentialsError(msg)
        return found

    def _default_scope(self) -> str:
        return ""
