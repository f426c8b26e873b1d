"""Credentials that an Iceberg REST catalog vends for a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

from objfs.errors import CredentialsError, OptionError
from objfs.providers.base import from_environment
from objfs.providers.catalogs import Catalog, credentials_among
from objfs.providers.questions import DEFAULT_TIMEOUT_SECONDS, Limits, same_host
from objfs.records import record, replace

# https://github.com/apache/iceberg/blob/apache-iceberg-1.10.0/open-api/rest-catalog-open-api.yaml
_CREDENTIALS: Final = "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials"
_SEPARATOR: Final = "%1F"
_VENDED: Final = "vended-credentials"
_OF_CLOUDS: Final = ("s3.", "gcs.", "adls.")
# loadTable answers with all of a table's metadata.
_MAX_BYTES: Final = 256 << 20
# Schemes of one cloud that catalogs write for each other.
_ALIKE: Final = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfs": "abfss", "wasb": "abfss", "wasbs": "abfss"}


@record
class _Paths:
    """What the catalog's configuration says: where tables are, and whether their credentials can be had alone."""

    prefix: str
    separator: str
    alone: bool


@dataclass(eq=False, repr=False)
class IcebergRest(Catalog):
    """Ask an Iceberg REST catalog for the credentials of a table.

    The names of options are those of a catalog's properties in pyiceberg and Java, with ``_`` for ``-``.

    Parameters
    ----------
    uri
        Of the catalog, without ``/v1``.
    table
        ``namespace.table``, or the names as a list where one holds a dot.
    warehouse
        What the catalog's configuration is asked with.
    prefix
        Of its paths, where the configuration does not tell it.
    location
        For which place credentials are chosen; default: the table's own.
    token
        A bearer token, as ``$NAME``.
    credential
        An OAuth client instead, as ``id:secret``, or as ``client_id`` and ``client_secret``.
    client_id, client_secret
        The same in two options.
    oauth2_server_uri
        Where it gets its token; default ``/v1/oauth/tokens`` of the catalog.
    scope
        Default ``catalog``.
    headers
        Sent with each request.
    timeout
        Of each request, in seconds or as text.
    """

    uri: str
    table: str | Sequence[str]
    warehouse: str | None = None
    prefix: str | None = None
    location: str | None = None
    token: str | None = None
    credential: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    oauth2_server_uri: str | None = None
    scope: str | None = None
    headers: Mapping[str, str] | str | None = None
    timeout: Any = DEFAULT_TIMEOUT_SECONDS

    name: ClassVar[str] = "iceberg"
    place: ClassVar[str] = "uri"
    token_place: ClassVar[str] = "oauth2_server_uri"  # noqa: S105 - the name of an option
    shown: ClassVar[tuple[str, ...]] = ("uri", "warehouse", "table")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._names = self.table.split(".") if isinstance(self.table, str) else list(self.table)
        if len(self._names) < 2 or not all(self._names):
            msg = "table must be namespace.table, or a list of names, the table's the last"
            raise OptionError(msg)
        self._paths: _Paths | None = None
        self._location: str | None = self.location

    def fetch_storage_options(self) -> dict[str, Any]:
        """Ask for the table's credentials, and at first for the table."""
        authorization = self._authorization()
        paths = self._paths = self._paths or self._configured(authorization)
        table = f"/v1/{paths.prefix}namespaces/{self._namespace(paths)}/tables/{quote(self._names[-1], safe='')}"
        headers = {**authorization, "X-Iceberg-Access-Delegation": _VENDED}
        if paths.alone and self._location is not None:
            answer = self._ask(headers, f"{table}/credentials")
        else:
            answer = self._ask(headers, f"{table}?snapshots=refs")
        return self._chosen(answer)

    def _configured(self, authorization: Mapping[str, str]) -> _Paths:
        """The catalog's configuration: its overrides, what was given, its defaults."""
        query = f"?{urlencode({'warehouse': from_environment(self.warehouse)})}" if self.warehouse else ""
        answer = self._ask(authorization, f"/v1/config{query}")
        overrides, defaults = (dict(answer.get(part) or {}) for part in ("overrides", "defaults"))
        elsewhere = overrides.get("uri")
        if elsewhere and not same_host(elsewhere, self._base()):
            msg = f"the catalog at {self._base()} wants to be asked at another host; give that as uri"
            raise CredentialsError(msg)
        prefix = overrides.get("prefix") or from_environment(self.prefix) or defaults.get("prefix") or ""
        told = {**defaults, **overrides}
        return _Paths(
            f"{quote(prefix.strip('/'))}/" if prefix else "",
            told.get("namespace-separator", _SEPARATOR),
            _CREDENTIALS in (answer.get("endpoints") or ()),
        )

    def _namespace(self, paths: _Paths) -> str:
        return paths.separator.join(quote(name, safe="") for name in self._names[:-1])

    def _chosen(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Of several credentials those with the longest prefix of the location; else what the configuration holds."""
        metadata = answer.get("metadata")
        if self._location is None and isinstance(metadata, Mapping):
            self._location = metadata.get("location")
        location = self._location or ""
        entries = [entry for entry in answer.get("storage-credentials") or () if isinstance(entry, Mapping)]
        best = longest_prefix({str(entry.get("prefix")): entry.get("config") or {} for entry in entries}, location)
        told = (answer.get("config") or {}) if best is None else best
        # Others are the catalog's own: a `token` there is for it, not for a cloud.
        found = credentials_among({k: v for k, v in told.items() if k.startswith(_OF_CLOUDS)}, location)
        if not found:
            vended = ", ".join(sorted(str(entry.get("prefix")) for entry in entries)) or "none"
            msg = f"the catalog vends no credentials for the table at {location!r}; prefixes of what it vends: {vended}"
            raise CredentialsError(msg)
        return found

    def _client(self) -> tuple[str, str] | None:
        if not self.credential:
            return super()._client()
        name, colon, secret = str(from_environment(self.credential)).partition(":")
        return (name, secret) if colon else ("", name)

    def _limits(self) -> Limits:
        return replace(super()._limits(), max_bytes=_MAX_BYTES)

    def _default_token_url(self) -> str:
        return f"{self._base()}/v1/oauth/tokens"

    def _default_scope(self) -> str:
        return "catalog"


def longest_prefix(by_prefix: Mapping[str, Mapping[str, Any]], location: str) -> Mapping[str, Any] | None:
    """What stands under the longest prefix of a location; None where there is none.

    Schemes of one cloud are alike, as catalogs write ``s3a://`` for tables that they vend for as ``s3://``.
    """
    matching = [prefix for prefix in by_prefix if _plain(location).startswith(_plain(prefix))]
    return by_prefix[max(matching, key=lambda prefix: len(_plain(prefix)))] if matching else None


def _plain(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    scheme = _ALIKE.get(scheme.lower(), scheme.lower())
    return f"{scheme}{separator}{rest}"
