"""What obstore's errors mean in the words of `objfs.errors` and of the builtins that users of fsspec catch."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import Final

from objfs.credentials.hiding import LONGEST_TEXT
from objfs.credentials.rejection import code_in
from objfs.errors import EXISTS_ALREADY, STATUSES, ObjfsError
from objfs.retries import IN_DOUBT

# Its exceptions are known by their names, as `store.py` alone imports it.
_MODULE: Final = "obstore.exceptions"
# Patterns as text: re compiles them for the first error.
# The second form is that of a deletion, which is part of a batch on Azure.
STATUS: Final = r"(?:status code: |\(code: )(\d{3})"
# Azure goes on with the id and the time of the request, in lines of their own.
_MESSAGE: Final = r"(?s)<Message>\s*(.*?)\s*(?:\nRequestId:[^<]*)?</Message>"
# Not "timeout" alone: the text of every error that was retried holds `retry_timeout`.
_TIMED_OUT: Final = r"(?i)kind: Timeout|kind: TimedOut|\btimed out"


_STATUSES: Final = {str(status): kind for status, kind in STATUSES.items()}
# How S3 and GCS, and how Azure refuse what is said of an upload that has ended. obstore aborts one whose end it heard
# nothing of, or ends it again, and raises how that went (0.12.1).
_ENDED: Final = frozenset({"NoSuchUpload", "InvalidBlockList"})
_END_LOST: Final = "the answer to the end of the upload was lost; the object may be there, whole"
# obstore repeats a write on a condition after an answer of 5xx only, and does not tell after which: 504 does not say
# that the write was not carried out.
_WRITTEN_AGAIN: Final = r"performing P(?:UT|OST) \S+ in \S+, after [1-9]"
# What obstore says of an answer that names another region: of its kind there is no address in it.
_ELSEWHERE: Final = "redirect without LOCATION"
_TRANSPORT: Final = (
    (_TIMED_OUT, errno.ETIMEDOUT),
    (r"kind: (?:Interrupted|Body|ConnectionReset|UnexpectedEof)|IncompleteMessage", errno.ECONNRESET),
    ("kind: Connect", errno.ECONNREFUSED),
)


def translate_error(
    error: Exception, url: str, codes: Mapping[str, tuple[type[OSError], int]] | None = None
) -> BaseException:
    """The exception that users catch for one of obstore's.

    Parameters
    ----------
    error
        What obstore raised; its text holds the HTTP status and the body of the answer, but no header.
    url
        Object or prefix that was asked for.
    codes
        What the service's own error codes say beyond the HTTP status.
    """
    kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__ == _MODULE}
    known = {**_STATUSES, **(codes or {})}
    if isinstance(error, ObjfsError) or not (kinds or isinstance(error, OSError | ValueError)):
        return error
    if isinstance(error.__cause__, ObjfsError):
        return error.__cause__
    whole = str(error)[:LONGEST_TEXT]
    text = whole.partition("\n\nDebug source")[0]
    code, status, message = code_in(text), re.search(STATUS, text), re.search(_MESSAGE, text)
    from html import unescape  # a thousand names of characters, for the text of an error

    said = ": ".join(unescape(part) for part in (code, message and message[1]) if part)
    if code in _ENDED:
        return ConnectionResetError(errno.ECONNRESET, _END_LOST, url)
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError(errno.ENOENT, said or os.strerror(errno.ENOENT), url)
    said = said or text.split("<?xml", maxsplit=1)[0].strip()
    if kinds & {"AlreadyExistsError", "PreconditionError"} and re.search(_WRITTEN_AGAIN, text):
        return ConnectionResetError(errno.ECONNRESET, IN_DOUBT, url)
    if "AlreadyExistsError" in kinds:
        return FileExistsError(errno.EEXIST, EXISTS_ALREADY, url)
    if kinds & {"PermissionDeniedError", "UnauthenticatedError"} and code not in known:
        return PermissionError(errno.EACCES, said, url)
    precondition = "412" if "PreconditionError" in kinds else None
    for sign in (code, status and status[1], precondition):
        if sign is not None and sign in known:
            kind, number = known[sign]
            return kind(number, said, url)
    if _ELSEWHERE in text:
        kind, number = STATUSES[301]
        return kind(number, "the bucket is in another region, or behind another endpoint: name its region", url)
    # An OSError of one of these numbers is made a TimeoutError or a ConnectionError by its own constructor.
    for pattern, number in _TRANSPORT:
        if re.search(pattern, whole):
            return OSError(number, said, url)
    return OSError(errno.EIO, said, url)


def is_bare_refusal(error: Exception) -> bool:
    """Whether the answer was a refusal that does not say why, as answers to HEAD cannot."""
    text = str(error)[:LONGEST_TEXT]
    status = re.search(STATUS, text)
    return status is not None and status[1] in ("400", "401", "403") and code_in(text) is None
