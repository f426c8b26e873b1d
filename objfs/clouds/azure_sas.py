"""Shared access signatures of Azure: one text for every way in which people hand them round; and keys.

Query parameters and their meaning: https://learn.microsoft.com/rest/api/storageservices/create-service-sas
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, unquote

from objfs.clouds._combine import key_bytes
from objfs.errors import OptionError

SIGNATURE: Final = "sig"
EXPIRY: Final = "se"

_PARAMETER: Final = re.compile(r"[a-z]{2,6}")
# Times in a SAS are in UTC, to the day, the minute, the second or finer.
_TIMES: Final = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
# Microseconds are the finest that a datetime holds; services write up to seven digits.
_LONGEST_FRACTION: Final = len("2026-01-01T00:00:00.000000")


def as_sas(value: Any) -> Any:
    """For a row: a SAS given as pairs becomes text; text stays as it was written, but for space around it."""
    if isinstance(value, str):
        return value.strip()  # a file of one line ends in a line break, and no header holds one
    return value if value is None or isinstance(value, bytes) else sas_text(value)


def sas_pairs(value: Any) -> list[tuple[str, str]]:
    """Take a SAS apart into decoded names and values, in their order.

    Parameters
    ----------
    value
        Query text, with or without ``?``, percent-encoded or not (also once too often), from an XML or HTML source
        (``&amp;``), at the end of a URL; or a mapping, or a sequence of pairs.

    Raises
    ------
    OptionError
        It holds no signature, or something that is no pair. The message shows names only.
    """
    pairs = list(_given(value) if not isinstance(value, str) else _parsed(value))
    if not any(name == SIGNATURE and text for name, text in pairs):
        # A key that was taken for a SAS would be all name: only what looks like a parameter is shown.
        names = ", ".join(name for name, _ in pairs if _PARAMETER.fullmatch(name)) or "none"
        msg = f"a SAS holds a signature (sig=...); parameters of the one given: {names}"
        raise OptionError(msg)
    return [(name, _once(text) if name == SIGNATURE else text) for name, text in pairs]


def sas_text(value: Any) -> str:
    """The SAS as query text, without ``?`` and percent-encoded exactly once."""
    return "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in sas_pairs(value))


def sas_expiry(value: Any) -> datetime | None:
    """When the SAS ends by its own words; None where it leaves that to a stored access policy."""
    told = dict(sas_pairs(value)).get(EXPIRY, "").strip().removesuffix("Z")
    text = told[:_LONGEST_FRACTION]
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def check_key(text: str) -> None:
    """Refuse what signs no request.

    Raises
    ------
    OptionError
        It is not base64.
    """
    if not key_bytes(text):
        msg = "option 'account_key' is not the base64 of a key"
        raise OptionError(msg)


def looks_like_sas(text: str) -> bool:
    """Whether a text that may be an account key or a SAS is a SAS: a key, in base64, has ``=`` at its end only."""
    return "sig=" in text.rpartition("?")[2].lower()


def _given(value: Any) -> Sequence[tuple[str, str]]:
    """Pairs that are handed over as such."""
    items = list(value.items()) if isinstance(value, Mapping) else value
    try:
        return [(str(name), str(text)) for name, text in items]
    except (TypeError, ValueError):
        msg = f"a SAS is text or a list of pairs, got {type(value).__name__}"
        raise OptionError(msg) from None


def _parsed(text: str) -> list[tuple[str, str]]:
    query = text.strip().strip("\"'").rpartition("?")[2].replace("&amp;", "&")
    pairs = [part.partition("=") for part in query.split("&") if part]
    if any(not sign for _, sign, _ in pairs):
        msg = "a SAS is a list of name=value joined by &; a part of the one given has no ="
        raise OptionError(msg)
    # A + stands for itself, as in the base64 of an unencoded signature: a SAS holds no spaces.
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def _once(signature: str) -> str:
    """A signature is base64, so that a percent sign in it means that it was encoded twice."""
    return unquote(signature) if "%" in signature else signature.replace(" ", "+")
