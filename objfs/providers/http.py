"""Credentials from any HTTP endpoint that answers with JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from objfs.casts import as_duration, as_int, as_mapping
from objfs.errors import CredentialsError, OptionError
from objfs.options import normalise
from objfs.providers.base import ReadyMade, from_environment, millis
from objfs.providers.moments import after, as_moment
from objfs.providers.paths import follow, parse_path
from objfs.providers.questions import DEFAULT_TIMEOUT_SECONDS, Limits, Question, ask, check_endpoint

# An answer of credentials is short; one that is not comes from another kind of page.
_MAX_BYTES: Final = 1 << 20
_IN: Final = "expires_in"


@dataclass(eq=False, repr=False)
class HttpJson(ReadyMade):
    """Ask an HTTP endpoint for credentials.

    Parameters
    ----------
    url
        ``https://`` or ``http://``. Errors name its host and path: what is secret belongs into headers or the query.
    method
        ``GET``, ``POST`` or another one.
    headers
        Values may be, or hold, environment variables: ``{"Authorization": "Bearer ${VAULT_TOKEN}"}``.
    body
        Sent as JSON; its texts may be environment variables, too.
    fields
        Storage option to its place in the answer: ``{"access_key_id": "$.data.key", "expires_at": "$.lease.end"}``.
        ``expires_in`` is a time from now, ``expires_at`` a moment as ISO 8601, an HTTP date or Unix time. Without
        `fields` the answer, or the object at `root`, holds storage options under any of their names.
    root
        Place of the object that holds them; `fields` begin there.
    lifetime
        How long credentials are used whose answer tells no expiry: seconds, or text such as ``15min``. Default: until
        the server refuses them.
    timeout
        For the whole answer, in seconds or as text.
    max_bytes
        A longer answer is an error.

    Raises
    ------
    OptionError
        The URL or a path is none.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] | str | None = None
    body: Any = None
    fields: Mapping[str, str] | str | None = None
    root: str = "$"
    lifetime: Any = None
    timeout: Any = DEFAULT_TIMEOUT_SECONDS
    max_bytes: Any = _MAX_BYTES

    shown: ClassVar[tuple[str, ...]] = ("url",)

    def __post_init__(self) -> None:
        self.method = self.method.upper()
        try:
            self._headers = as_mapping(self.headers or {})
            self._paths = {name: parse_path(path) for name, path in as_mapping(self.fields or {}).items()}
            self._limits = Limits(as_duration(self.timeout).total_seconds(), as_int(self.max_bytes))
            self._lifetime: timedelta | None = None if self.lifetime is None else as_duration(self.lifetime)
        except OptionError:
            raise
        except ValueError as error:
            msg = f"an option of the provider 'http' cannot be used: {error}"
            raise OptionError(msg) from None
        self._root = parse_path(self.root)
        if not self.url.startswith("$"):
            check_endpoint("url", self.url)

    def fetch_storage_options(self) -> dict[str, Any]:
        """Ask the endpoint."""
        question = Question(
            check_endpoint("url", from_environment(self.url)),
            self.method,
            {name: str(value) for name, value in from_environment(self._headers).items()},
            from_environment(self.body),
        )
        answer, now = ask(question, self._limits), datetime.now(UTC)
        found = follow(answer, self._root)
        if not isinstance(found, Mapping):
            msg = f"{question.place} answered without an object at {self.root}"
            raise CredentialsError(msg)
        return self._with_expiry(dict(self._mapped(found, question)), now, question)

    def _mapped(self, found: Mapping[str, Any], question: Question) -> Mapping[str, Any]:
        """What the fields say, or all that there is."""
        if not self._paths:
            return found
        told = {name: follow(found, steps) for name, steps in self._paths.items()}
        if all(value is None for value in told.values()):
            msg = f"{question.place} answered without anything at {', '.join(as_mapping(self.fields).values())}"
            raise CredentialsError(msg)
        return told

    def _with_expiry(self, told: dict[str, Any], now: datetime, question: Question) -> dict[str, Any]:
        """The options with the expiry as everybody reads it."""
        try:
            for name in [name for name in told if normalise(name) in {_IN, "expires_at", "expiration", "expiry"}]:
                value = told.pop(name)
                if value not in (None, ""):
                    moment = after(value, now) if normalise(name) == _IN else as_moment(value)
                    told["expires_at_millis"] = millis(moment)
        except ValueError as error:
            msg = f"{question.place} answered with an expiry that cannot be read: {error}"
            raise CredentialsError(msg) from None
        if self._lifetime is not None and not any("expir" in normalise(name) for name in told):
            told["expires_at_millis"] = millis(now + self._lifetime)
        return told
