"""The exceptions that objfs raises.

Each also derives from the builtin that users of fsspec already catch, so that no caller has to learn a new name::

    ObjfsError
    ├── OptionError (ValueError)
    │   ├── UnknownOptionError (TypeError)
    │   └── ConflictingOptionsError
    ├── UrlError (ValueError)
    ├── InvalidRangeError (ValueError)
    ├── EngineError (ValueError)
    ├── NotAnObjectError (IsADirectoryError, ValueError)
    ├── NotSupportedError (NotImplementedError)
    ├── NotTouchedError (NotImplementedError, ValueError)
    ├── MissingExtraError (ImportError)
    ├── FileExpired (OSError, ESTALE)
    ├── PreconditionFailedError (OSError, EINVAL)
    ├── ThrottledError (OSError, EBUSY)
    ├── CopyError (OSError)
    └── CredentialsError (PermissionError)
        ├── CredentialsExpiredError
        └── MissingCredentialsError
            └── IncompleteCredentialsError (OptionError)

A missing object or bucket is the builtin ``FileNotFoundError``, a refused request the builtin ``PermissionError``, an
object that must not exist yet ``FileExistsError``, a request that took too long ``TimeoutError``, and anything else
that a server or the network did is an ``OSError`` with an ``errno``.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Any, Final

# Failures that the message of an error lists; it holds them all.
_SHOWN_FAILURES: Final = 10
EXISTS_ALREADY: Final = "the object exists already and must not be replaced"


class ObjfsError(Exception):
    """Base of every exception defined by objfs."""


class OptionError(ObjfsError, ValueError):
    """A storage option has a value that cannot be used."""


class UnknownOptionError(OptionError, TypeError):
    """A storage option that neither objfs nor the backend knows (also a ``TypeError``, as for any wrong keyword)."""


class ConflictingOptionsError(OptionError):
    """Two storage options, or an option and the URL, say different things about the same setting."""


class UrlError(ObjfsError, ValueError):
    """A URL that names no object store location, or holds what it must not (credentials, a port after a bucket)."""


class InvalidRangeError(ObjfsError, ValueError):
    """A byte range that cannot be read."""


class EngineError(ObjfsError, ValueError):
    """``engine="obstore"`` was asked for a call that the data plane cannot carry out exactly."""


class NotAnObjectError(ObjfsError, IsADirectoryError, ValueError):
    """A bucket, or nothing, is named where an object is needed (s3fs raises ``ValueError``)."""


# NotImplementedError is what callers of fsspec catch for a verb that a store lacks; nothing is left to be implemented.
class NotSupportedError(ObjfsError, NotImplementedError):
    """The cloud or the server has no such operation; fsspec raises ``NotImplementedError`` where a store lacks one."""


# Of both kinds, as code that was written for either peer catches one of them.
class NotTouchedError(ObjfsError, NotImplementedError, ValueError):
    """An object store cannot change the time of an object (s3fs raises ``ValueError``, gcsfs and adlfs the other)."""


class MissingExtraError(ObjfsError, ImportError):
    """A call needs a package that an extra of objfs installs; the message names the extra."""


class FileExpired(ObjfsError, OSError):
    """The object was replaced or deleted after the file was opened; reading on would mix two versions."""

    def __init__(self, filename: str, e_tag: str | None = None) -> None:
        was = f" (ETag {e_tag})" if e_tag else ""
        detail = f"the object has changed since it was opened{was}; open it again to read the new version"
        super().__init__(getattr(errno, "ESTALE", errno.EBUSY), detail, filename)
        self.e_tag = e_tag

    def __reduce__(self) -> tuple[type[FileExpired], tuple[str, str | None]]:
        return type(self), (self.filename, self.e_tag)


class PreconditionFailedError(ObjfsError, OSError):
    """A conditional request (``if_match=``) met another version of the object; nothing was changed."""


class ThrottledError(ObjfsError, OSError):
    """The server asked to slow down, and still did after all retries."""


class CopyError(ObjfsError, OSError):
    """Some of the files of ``objfs.copy`` or ``objfs.sync`` could not be copied; all others were.

    Parameters
    ----------
    failed
        What, and why.
    report
        What was done with each file.
    """

    def __init__(self, failed: Sequence[tuple[str, str]], report: Any = None) -> None:
        shown = "".join(f"\n{name}: {reason}" for name, reason in failed[:_SHOWN_FAILURES])
        more = len(failed) - _SHOWN_FAILURES
        super().__init__(f"{len(failed)} failed:{shown}" + (f"\nand {more} more" if more > 0 else ""))
        self.failed, self.report = failed, report

    def __reduce__(self) -> tuple[type[CopyError], tuple[Sequence[tuple[str, str]], Any]]:
        return type(self), (self.failed, self.report)


class CredentialsError(ObjfsError, PermissionError):
    """Credentials could not be obtained or are not usable."""


class CredentialsExpiredError(CredentialsError):
    """The credentials have expired and the provider did not deliver new ones; its own error is the cause."""


class MissingCredentialsError(CredentialsError):
    """No credentials were given or found; objfs never falls back to anonymous access on its own."""


class IncompleteCredentialsError(MissingCredentialsError, OptionError):
    """Options give a part of what belongs together, such as a secret without its key; nothing completes it."""


# What an answer's HTTP status is to a user of fsspec, with the errno that s3fs gives it.
STATUSES: Final[Mapping[int, tuple[type[OSError], int]]] = {
    301: (OSError, getattr(errno, "EREMCHG", errno.EIO)),
    307: (OSError, getattr(errno, "EREMCHG", errno.EIO)),
    400: (OSError, errno.EINVAL),
    401: (PermissionError, errno.EACCES),
    403: (PermissionError, errno.EACCES),
    404: (FileNotFoundError, errno.ENOENT),
    405: (OSError, errno.EPERM),
    408: (TimeoutError, errno.ETIMEDOUT),
    409: (OSError, errno.EBUSY),
    412: (PreconditionFailedError, errno.EINVAL),
    413: (OSError, errno.EMSGSIZE),
    416: (OSError, errno.EINVAL),
    429: (ThrottledError, errno.EBUSY),
    500: (OSError, getattr(errno, "EREMOTEIO", errno.EIO)),
    501: (OSError, errno.ENOSYS),
    502: (OSError, getattr(errno, "EREMOTEIO", errno.EIO)),
    503: (ThrottledError, errno.EBUSY),
    504: (TimeoutError, errno.ETIMEDOUT),
}


def cause_of(translated: BaseException, error: BaseException) -> BaseException | None:
    """What to raise ``translated`` from: ``error``, unless that would close a circle of causes.

    A translated error may be one that ``error`` itself came from, such as a provider's, hidden by a backend.
    """
    seen: BaseException | None = error
    while seen is not None:
        if seen is translated:
            return translated.__cause__
        seen = seen.__cause__
    return error
