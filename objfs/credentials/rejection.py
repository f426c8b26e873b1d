"""How a server says that it no longer takes the credentials (as opposed to: not for this object)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

# The answer to a HEAD has no body; S3 gives 400 for an expired token and 403 for an unknown key.
BARE_STATUSES: Final = frozenset({400, 403})

_CODE: Final = re.compile(r"<Code>\s*([A-Za-z0-9_.]+)\s*</Code>")


def code_in(text: str) -> str | None:
    """The error code in ``text``, which may hold an XML error body anywhere; None where there is none."""
    found = _CODE.search(text)
    return None if found is None else found[1]


def is_rejection(text: str, codes: Collection[str]) -> bool:
    """Whether an error text holds one of the codes by which a service refuses credentials."""
    return code_in(text) in codes
