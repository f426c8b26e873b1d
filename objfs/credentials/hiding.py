"""Secrets are kept out of what is shown: of dicts, and of errors, whatever a server or a library put into them."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import quote, quote_plus, unquote, urlsplit

from objfs.clouds._cloud import Cloud
from objfs.credentials.named import secret_part
from objfs.credentials.provider import PROVIDER_OPTIONS
from objfs.credentials.refresher import Refresher
from objfs.credentials.select import CredentialChoice
from objfs.options import REDACTED, Setting, Settings, normalise
from objfs.urls import redact_parameters, without_secrets

# A shorter text may stand anywhere by chance.
_SHORTEST: Final = 8
# What a server says in an error is shorter; the rest would be copied and searched again and again.
LONGEST_TEXT: Final = 1 << 16
# What a field is made of: connection strings and shared access signatures, and headers such as ``Bearer ...``.
_SEPARATORS: Final = re.compile(r"[;&?\s]")


class WithheldError(Exception):
    """Stands in a chain of causes for the error of a library whose text held a secret, or had no end."""


class Hiding:
    """Knows the secrets of one configuration, and takes them out of exceptions.

    Servers quote requests: AWS puts a refused session token into its answer, and what it was to be signed, headers and
    all; errors of SDKs hold the answer.

    Parameters
    ----------
    settings
        Secret rows of the table are secrets.
    choice
        The credentials that it handed out last are secrets, too.
    """

    def __init__(self, settings: Settings, choice: CredentialChoice) -> None:
        self._fixed = {text for each in settings.values() if each.option.secret for text in _texts(_secret_part(each))}
        self._choice = choice

    def hide(self, text: str) -> str:
        """The text without secrets, and without the values of signing parameters of URLs."""
        for secret in self._known():
            text = text.replace(secret, REDACTED)
        return redact_parameters(text)

    def raise_from(self, error: BaseException, cause: BaseException | None) -> NoReturn:
        """Raise ``error`` from ``cause``; what shows a secret in it is changed, in its causes replaced.

        The exception that is being handled does not become its context: its text may be the one to hide.
        """
        error, cause = self._changed(error), self._without(cause, set())
        try:
            raise error from cause
        finally:
            error.__context__ = cause

    def _known(self) -> list[str]:
        recent = self._choice.recent if isinstance(self._choice, Refresher) else ()
        known = self._fixed | {text for each in recent for text in _texts(each.values)}
        return sorted(known, key=len, reverse=True)

    def _shows(self, error: BaseException) -> bool:
        texts = [*_told(error), *map(str, getattr(error, "__notes__", ()))]
        if any(len(text) > LONGEST_TEXT for text in texts):
            return True
        told = "\n".join(texts)
        return self.hide(told) != told

    def _changed(self, error: BaseException) -> BaseException:
        """The error that users catch, of the same type, with other texts where these show a secret."""
        if not self._shows(error):
            return error
        error.args = tuple(self._cut(each) if isinstance(each, str) else each for each in error.args)
        if isinstance(error, OSError):
            for name in ("strerror", "filename", "filename2"):
                text = getattr(error, name)
                if isinstance(text, str):
                    setattr(error, name, self._cut(text))
        if hasattr(error, "__notes__"):
            error.__notes__ = [self.hide(str(each)) for each in error.__notes__]
        if not self._shows(error):
            return error
        # A class that makes its text of something else.
        return OSError(getattr(error, "errno", None) or errno.EIO, self._cut(str(error)))

    def _cut(self, text: str) -> str:
        return self.hide(text[:LONGEST_TEXT])

    def _without(self, error: BaseException | None, seen: set[int]) -> BaseException | None:
        """The chain that ends in ``error``, with other exceptions in place of those that show a secret."""
        if error is None or id(error) in seen:
            return error
        seen.add(id(error))
        cause, context = self._without(error.__cause__, seen), self._without(error.__context__, seen)
        if self._shows(error):
            told = f"{type(error).__module__}.{type(error).__qualname__}: {self._cut(str(error))}"
            stands, suppressed = WithheldError(told), error.__suppress_context__
            stands.__cause__, stands.__context__, stands.__suppress_context__ = cause, context, suppressed
            return stands
        if cause is not error.__cause__:
            error.__cause__ = cause
        if context is not error.__context__:
            error.__context__ = context
        return error


def _told(error: BaseException) -> Iterator[str]:
    """The texts of an exception; that of a provider may be one that cannot be shown, and then shows nothing."""
    for text in (str, repr):
        with contextlib.suppress(Exception):
            yield text(error)


def redacted(cloud: Cloud, told: Mapping[str, Any]) -> dict[str, Any]:
    """An instance as a dict, without secrets: whatever they are called, also by position and in nested options."""
    named = _redact(cloud, dict(zip(cloud.positional, told["args"], strict=False)))
    return {**_redact(cloud, told), "args": list(named.values())}


def _redact(cloud: Cloud, value: Any, prefix: str = "") -> Any:
    if not isinstance(value, Mapping):
        return without_secrets(value)
    result = {}
    for name, inner in value.items():
        row = cloud.table.index.get(normalise(prefix + str(name)))
        if row is not None and row[0].secret and inner is not None:
            result[name] = REDACTED
        else:
            members = row[0].members if row is not None else None
            result[name] = _redact(cloud, inner, members or "")
    return result


def _secret_part(setting: Setting) -> Any:
    """What of a secret option is to be hidden: of a provider that is described neither its name nor the place."""
    return secret_part(setting.value) if setting.option.name in PROVIDER_OPTIONS else setting.value


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value that may be quoted somewhere, as they are and as URLs have them."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, str):
        password = urlsplit(value).password if "://" in value and "@" in value else None
        parts = [part.partition("=")[2] or part for part in _SEPARATORS.split(value)]
        told = [password or "", *parts] if "://" in value else [value, *parts]
        for text in told:
            if len(text) >= _SHORTEST:
                yield from (text, unquote(text), quote(text, safe=""), quote_plus(text, safe="/"))
