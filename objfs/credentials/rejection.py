"""How a server says that it no longer takes the credentials (as opposed to: not for this object)."""

from __future__ import annotations

import re
from typing import Final

from objfs.clouds._cloud import ErrorCodes

# The answer to a HEAD has no body; S3 gives 400 for an expired token and 403 for an unknown key.
BARE_STATUSES: Final = frozenset({400, 403})

# The second form is obstore's, of one key among those of a deletion.
_CODE: Final = r"<Code>\s*([A-Za-z0-9_.]+)\s*</Code>|\(code: ([A-Za-z][A-Za-z0-9_.]*)\)"


def code_in(text: str) -> str | None:
    """The error code in ``text``, which may hold an XML error body or a line of obstore's anywhere; else None."""
    found = re.search(_CODE, text)
    return None if found is None else found[1] or found[2]


def verdict(text: str, status: str | None, codes: ErrorCodes) -> bool | None:
    """True where an error text says that credentials are refused, False where it may mean that, else None."""
    code = code_in(text)
    if code in codes.rejected:
        return True
    # 401 asks for other credentials; without a code nobody can tell whether that is what is wrong.
    return False if code in codes.doubtful or (code is None and status == "401") else None
