"""What catalogs that vend have in common: how they are asked, and which of their properties are credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import urlencode, urlsplit

from objfs.casts import as_duration, as_mapping
from objfs.clouds.known import cloud_for
from objfs.errors import ConflictingOptionsError, CredentialsError, OptionError, UrlError
from objfs.options import normalise
from objfs.providers.base import ReadyMade, from_environment
from objfs.providers.questions import Limits, Question, ask, check_endpoint

# Iceberg's properties of Azure whose names end in the account that they are for.
_BY_ACCOUNT: Final = ("adls.sas-token.", "adls.sas-token-expires-at-ms.")


class Catalog(ReadyMade):
    """A service that is asked over HTTP, with a token or as an OAuth client.

    Subclasses are dataclasses with these options, and say what they call the place of the service.
    """

    token: str | None
    client_id: str | None
    client_secret: str | None
    scope: str | None
    headers: Mapping[str, str] | str | None
    timeout: Any

    # Of the provider, for messages; its options with the place of the service and with that of its tokens.
    name: ClassVar[str]
    place: ClassVar[str]
    token_place: ClassVar[str] = "token_url"  # noqa: S105 - the name of an option

    def __post_init__(self) -> None:
        given = [option for option in ("token", "client_id", "credential") if getattr(self, option, None)]
        if len(given) > 1:
            msg = f"{' and '.join(given)} all say to the provider {self.name!r} who asks; give one of them"
            raise ConflictingOptionsError(msg)
        if bool(self.client_id) != bool(self.client_secret):
            msg = f"client_id and client_secret of the provider {self.name!r} belong together; give both"
            raise OptionError(msg)
        for option in (self.place, self.token_place):
            value = getattr(self, option, None)
            if value is not None and not str(value).startswith("$"):
                check_endpoint(option, str(value))
        try:
            as_mapping(self.headers or {})
            as_duration(self.timeout)
        except ValueError as error:
            msg = f"an option of the provider {self.name!r} cannot be used: {error}"
            raise OptionError(msg) from None

    def _base(self) -> str:
        """Where the service is."""
        return check_endpoint(self.place, from_environment(getattr(self, self.place)))

    def _default_token_url(self) -> str:
        """Where an OAuth client gets its token, where the options do not say it."""
        return self._base()

    def _default_scope(self) -> str:
        """What it asks for there."""
        return ""

    def _client(self) -> tuple[str, str] | None:
        """Id and secret of an OAuth client."""
        if not self.client_id:
            return None
        return from_environment(self.client_id), from_environment(self.client_secret)

    def _limits(self) -> Limits:
        return Limits(as_duration(self.timeout).total_seconds())

    def _authorization(self) -> dict[str, str]:
        """The headers that say who asks; a client gets a token for each fetch, of which there are few."""
        told = {name: str(value) for name, value in from_environment(as_mapping(self.headers or {})).items()}
        client = self._client()
        token = from_environment(self.token) if client is None else self._client_token(*client)
        return {**told, "Authorization": f"Bearer {token}"} if token else told

    def _client_token(self, name: str, secret: str) -> str:
        """RFC 6749, section 4.4; a client without an id is told by its secret alone."""
        form = {
            "grant_type": "client_credentials",
            **({"client_id": name} if name else {}),
            "client_secret": secret,
        }
        if scope := from_environment(self.scope) or self._default_scope():
            form["scope"] = scope
        url = from_environment(getattr(self, self.token_place, None)) or self._default_token_url()
        url = check_endpoint(self.token_place, url)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        question = Question(url, "POST", kind, urlencode(form).encode())
        answer = ask(question, self._limits())
        token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str) or not token:
            msg = f"{question.place} answered without an access_token"
            raise CredentialsError(msg)
        return token

    def _ask(self, headers: Mapping[str, str], path: str, body: Any = None) -> Mapping[str, Any]:
        """The object that the service answers with: to a POST where there is a body."""
        question = Question(f"{self._base()}{path}", "GET" if body is None else "POST", headers, body)
        answer = ask(question, self._limits())
        if not isinstance(answer, Mapping):
            msg = f"{question.place} answered with {type(answer).__name__} in place of an object"
            raise CredentialsError(msg)
        return answer


def credentials_among(properties: Mapping[str, Any], location: str) -> dict[str, Any]:
    """Those properties of a table that are credentials for the cloud of its location, under the catalog's names.

    Parameters
    ----------
    properties
        In any vocabulary; what configures something else is left out.
    location
        URL of the table. On Azure it tells the account as well, as properties may be for several.

    Raises
    ------
    CredentialsError
        The location is on none of the clouds.
    """
    parts = urlsplit(location)
    try:
        cloud = cloud_for(parts.scheme)
    except UrlError as error:
        msg = f"the catalog says that the table is at {location!r}: {error}"
        raise CredentialsError(msg) from None
    host = parts.netloc.rpartition("@")[2].lower()
    found = {}
    for name, value in properties.items():
        plain = _for_account(name, host)
        if plain is None or value in (None, ""):
            continue
        row = cloud.table.index.get(normalise(cloud.answers.get(normalise(plain), plain)))
        if row is not None and row[0].name in cloud.credential_options:
            found[plain] = value
    return found


def _for_account(name: str, host: str) -> str | None:
    """A property's name without the account at its end; None where that is another one than the location's."""
    for beginning in _BY_ACCOUNT:
        if name.startswith(beginning):
            account = name.removeprefix(beginning).lower()
            return beginning[:-1] if account in (host, host.partition(".")[0]) else None
    return name
