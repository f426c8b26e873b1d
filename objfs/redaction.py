"""Values as they may be shown: what a row calls secret, and what is equal to such a value, is hidden wherever it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

from objfs.credentials.hiding import Hiding
from objfs.credentials.identity import looks_secret, name_of
from objfs.credentials.named import described
from objfs.credentials.provider import PROVIDER_OPTIONS, provider_identity
from objfs.credentials.select import ANONYMOUS
from objfs.options import Option, OptionTable, Setting, Settings, normalise
from objfs.urls import REDACTED, redact_text, without_secrets


class Redactor:
    """Makes the values of one configuration fit to be shown.

    Parameters
    ----------
    table
        Rows of the cloud.
    settings
        Their secret values are hidden wherever they appear, also inside other texts.
    """

    def __init__(self, table: OptionTable, settings: Settings) -> None:
        self._table = table
        self._words = {normalise(word) for row in table.options if _is_secret(row) for word in _words_of(row)}
        self._hiding = Hiding(settings, ANONYMOUS)

    @classmethod
    def of_nothing(cls) -> Redactor:
        """For what is no cloud's: it hides what URLs hold."""
        return cls(OptionTable(()), Settings({}))

    def setting(self, setting: Setting) -> Any:
        """The value of an option."""
        name, value = setting.option.name, setting.value
        if name not in PROVIDER_OPTIONS:
            return self.value(value, name)
        if described(value) is not None:
            return provider_identity(value)
        # The import string of a provider is a name, and no secret.
        return value if isinstance(value, str) else self.value(value, name)

    def value(self, value: Any, name: str = "", *, secret: bool = False) -> Any:
        """Any value, by the dotted name under which a backend takes it."""
        secret = secret or self._is_secret(name)
        if isinstance(value, Mapping):
            return {
                str(key): self.value(inner, f"{name}.{key}" if name else str(key), secret=secret)
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner, name, secret=secret) for inner in value]
        if value is None or isinstance(value, bool | int | float | datetime | timedelta):
            return REDACTED if secret and not isinstance(value, bool | None) else value
        if isinstance(value, str | bytes | PurePath):
            return REDACTED if secret else self._hiding.hide(without_secrets(str(value)))
        return f"<{name_of(value)}>"  # its repr may show anything

    def text(self, text: str) -> str:
        """Prose, such as that of an error, that may hold a secret of the settings or a signed URL."""
        return redact_text(self._hiding.hide(text))

    def _is_secret(self, name: str) -> bool:
        leaf = normalise(name.rpartition(".")[2])
        for spelling in (normalise(name), leaf):
            row = self._table.index.get(spelling)
            if row is not None:
                return _is_secret(row[0]) or leaf in self._words
        return leaf in self._words or looks_secret(leaf)


def _is_secret(row: Option) -> bool:
    """A dict of options holds rows that are told apart."""
    return row.secret and row.members is None


def _words_of(row: Option) -> list[str]:
    """What the backends call an option."""
    return [row.name, *(place.rpartition(".")[2] for place in (row.store, row.sdk) if place is not None)]
