"""What obstore's errors mean in the words of `objfs.errors` and of the builtins that users of fsspec catch."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import Final

from objfs.credentials.rejection import code_in
from objfs.errors import EXISTS_ALREADY, ObjfsError, PreconditionFailedError, ThrottledError

# Patterns as text: re compiles them for the first error.
# The second form is that of a deletion, which is part of a batch on Azure.
STATUS: Final = r"(?:status code: |\(code: )(\d{3})"
# Azure goes on with the id and the time of the request, in lines of their own.
_MESSAGE: Final = r"(?s)<Message>\s*(.*?)\s*(?:\nRequestId:[^<]*)?</Message>"
# Not "timeout" alone: the text of every error that was retried holds `retry_timeout`.
_TIMED_OUT: Final = r"(?i)kind: Timeout|kind: TimedOut|\btimed out"


# HTTP statuses: exception and errno, as s3fs has them.
_STATUSES: Final[Mapping[str, tuple[type[OSError], int]]] = {
    "301": (OSError, getattr(errno, "EREMCHG", errno.EIO)),
    "307": (OSError, getattr(errno, "EREMCHG", errno.EIO)),
    "400": (OSError, errno.EINVAL),
    "401": (PermissionError, errno.EACCES),
    "403": (PermissionError, errno.EACCES),
    "404": (FileNotFoundError, errno.ENOENT),
    "405": (OSError, errno.EPERM),
    "409": (OSError, errno.EBUSY),
    "412": (PreconditionFailedError, errno.EINVAL),
    "416": (OSError, errno.EINVAL),
    "429": (ThrottledError, errno.EBUSY),
    "500": (OSError, getattr(errno, "EREMOTEIO", errno.EIO)),
    "501": (OSError, errno.ENOSYS),
    "503": (ThrottledError, errno.EBUSY),
}


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
    from obstore import exceptions as theirs

    known = {**_STATUSES, **(codes or {})}

    if isinstance(error, ObjfsError) or not isinstance(error, theirs.BaseError | OSError | ValueError):
        return error
    if isinstance(error.__cause__, ObjfsError):
        return error.__cause__
    text = str(error).partition("\n\nDebug source")[0]
    code, status, message = code_in(text), re.search(STATUS, text), re.search(_MESSAGE, text)
    from html import unescape  # a thousand names of characters, for the text of an error

    said = ": ".join(unescape(part) for part in (code, message and message[1]) if part)
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError(errno.ENOENT, said or os.strerror(errno.ENOENT), url)
    said = said or text.split("<?xml", maxsplit=1)[0].strip()
    if isinstance(error, theirs.AlreadyExistsError):
        return FileExistsError(errno.EEXIST, EXISTS_ALREADY, url)
    if isinstance(error, theirs.PermissionDeniedError | theirs.UnauthenticatedError) and code not in known:
        return PermissionError(errno.EACCES, said, url)
    precondition = "412" if isinstance(error, theirs.PreconditionError) else None
    for sign in (code, status and status[1], precondition):
        if sign is not None and sign in known:
            kind, number = known[sign]
            return kind(number, said, url)
    if re.search(_TIMED_OUT, str(error)):
        return TimeoutError(errno.ETIMEDOUT, said, url)
    if "kind: Connect" in str(error):
        return ConnectionError(errno.ECONNREFUSED, said, url)
    return OSError(errno.EIO, said, url)


def is_bare_refusal(error: Exception) -> bool:
    """Whether the answer was a refusal that does not say why, as answers to HEAD cannot."""
    status = re.search(STATUS, str(error))
    return status is not None and status[1] in ("400", "401", "403") and code_in(str(error)) is None
