"""What the ready-made providers share: options that pickle, names without secrets, values from the environment."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from objfs.connection import environ
from objfs.credentials.identity import keyed_digest, object_identity
from objfs.credentials.provider import StorageOptionsProvider
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError
from objfs.urls import redact_url

_WHOLE: Final = re.compile(r"\$([A-Za-z_]\w*)")
_WITHIN: Final = re.compile(r"\$\{([A-Za-z_]\w*)\}")


class ReadyMade(StorageOptionsProvider):
    """A provider whose options are the fields of a dataclass; what it finds at run time is never pickled.

    Any text among the options may be ``$NAME``, an environment variable, and may hold ``${NAME}``. It is looked up at
    each fetch, in the process that fetches: neither pickles nor graphs hold the secret then.
    """

    # The options that a name of the provider shows; all others enter it as a digest.
    shown: ClassVar[tuple[str, ...]] = ()

    def options(self) -> dict[str, Any]:
        """What the constructor was given, by name."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {field.name: getattr(self, field.name) for field in fields if field.init}

    def provider_id(self) -> str:
        """Place, and a digest of all options: the same in every process, and without a secret."""
        told = self.options()
        parts = (f"{name}={_plain_text(told[name])}" for name in self.shown if told[name] is not None)
        digest = keyed_digest(object_identity(_Options(told)))
        return ", ".join((*parts, digest))

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.options())


class _Options:
    """Names options that may hold objects: two objects are never taken for one."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told


def _remade(cls: type[ReadyMade], options: dict[str, Any]) -> ReadyMade:
    return cls(**options)


def _plain_text(value: Any) -> str:
    """A value as a name shows it: of a URL the place alone."""
    text = value if isinstance(value, str) else repr(value)
    return redact_url(text.partition("?")[0]) if "://" in text else text


def from_environment(value: Any) -> Any:
    """The value with environment variables in place of ``$NAME`` (all of a text) and ``${NAME}`` (also within).

    Text that begins with two dollar signs is meant with one, as in configuration files, and nothing in it is looked up.

    Parameters
    ----------
    value
        Text, or lists and mappings that hold some; anything else stays as it is.

    Raises
    ------
    CredentialsError
        A variable is not set; the message names it.
    """
    if isinstance(value, str):
        if value.startswith("$$"):
            return value[1:]
        whole = _WHOLE.fullmatch(value)
        return _variable(whole) if whole else _WITHIN.sub(_variable, value)
    if isinstance(value, Mapping):
        return {name: from_environment(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [from_environment(inner) for inner in value]
    return value


def _variable(found: re.Match[str]) -> str:
    value = environ().get(found[1])
    if not value:
        msg = f"the environment variable {found[1]}, which an option of the provider names, is not set in this process"
        raise CredentialsError(msg)
    return value


def millis(moment: datetime) -> str:
    """A moment as ``expires_at_millis`` has it."""
    return str(round(moment.timestamp() * 1000))


def as_options(credentials: Credentials) -> dict[str, str]:
    """Credentials as storage options."""
    told = dict(credentials.values)
    if credentials.expires_at is not None:
        told["expires_at_millis"] = millis(credentials.expires_at)
    return told
