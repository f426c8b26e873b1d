"""The data plane: the only module that imports obstore.

One `Store` serves one bucket. It moves bytes, asks the shared refresher for credentials before each request, replaces
credentials that the server rejects (once, then retries once), and turns obstore's errors into those of
`objfs.errors` and the builtins that users of fsspec catch.
"""

from __future__ import annotations

import atexit
import errno
import os
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from objfs.clouds._cloud import Cloud, StoreArguments
from objfs.credentials.kinds import KINDS
from objfs.credentials.rejection import code_in, verdict
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN, CredentialChoice
from objfs.credentials.store_adapter import StoreCredentials
from objfs.errors import (
    EXISTS_ALREADY,
    ObjfsError,
    PreconditionFailedError,
    ThrottledError,
    cause_of,
)
from objfs.types import ByteRange, Chunk, ObjectInfo, Suffix, Written

if TYPE_CHECKING:
    from obstore.store import ObjectStore

T = TypeVar("T")

# The second form is that of a deletion, which is part of a batch on Azure.
_STATUS: Final = re.compile(r"(?:status code: |\(code: )(\d{3})")
# Azure goes on with the id and the time of the request, in lines of their own.
_MESSAGE: Final = re.compile(r"<Message>\s*(.*?)\s*(?:\nRequestId:[^<]*)?</Message>", re.DOTALL)
# Not "timeout" alone: the text of every error that was retried holds `retry_timeout`.
_TIMED_OUT: Final = re.compile(r"kind: Timeout|kind: TimedOut|\btimed out", re.IGNORECASE)

SETTLING_SECONDS: Final = 0.02

# The process whose obstore runtime exists. A forked child inherits its memory but not its threads, so that a call
# there would wait for ever (run with obstore 0.12.1).
_runtime_pid: int | None = None


def usable_in_this_process() -> bool:
    """Whether obstore may be called here: not in a child forked after the parent had used it."""
    return _runtime_pid is None or _runtime_pid == os.getpid()


@atexit.register
def _let_runtime_settle() -> None:
    """Give obstore's threads the moment they need to let go of what they have answered with.

    They do so after the caller has got the answer, and for it need the interpreter, which aborts the process when it
    has ended by then (run with obstore 0.12.1: one in six programs that end right after a read, on a busy machine).
    Registered when this module is imported, so that it runs after whatever else uses obstore at exit.
    """
    if _runtime_pid == os.getpid():
        time.sleep(SETTLING_SECONDS)


def addressable(key: str) -> bool:
    """Whether obstore's ``Path`` names exactly this key (it drops outer slashes and refuses ``.``, ``..``, ``//``)."""
    return all(segment not in ("", ".", "..") for segment in key.split("/")) and not any(
        character < " " or character == "\x7f" for character in key
    )


class Store:
    """The objects of one bucket, through obstore.

    Parameters
    ----------
    cloud
        Which of obstore's stores it is, and what the service's errors mean.
    arguments
        Everything obstore is told; it reads no environment for what is set there.
    choice
        A refresher, ``ANONYMOUS``, or ``NATIVE_CHAIN`` for obstore's own look-up of credentials.
    """

    def __init__(self, cloud: Cloud, arguments: StoreArguments, choice: CredentialChoice) -> None:
        self._cloud = cloud
        self._arguments = arguments
        self._adapter: StoreCredentials | None = None
        if choice is not ANONYMOUS and choice is not NATIVE_CHAIN:
            self._adapter = StoreCredentials(choice, KINDS[cloud.name].store_shape)
        self._lock = threading.Lock()
        self._built: ObjectStore | None = None

    @property
    def _store(self) -> ObjectStore:
        global _runtime_pid  # noqa: PLW0603 - one runtime per process, whatever the number of stores
        if self._built is None:
            with self._lock:
                if self._built is None:
                    from obstore import store as stores

                    arguments = self._arguments
                    self._built = getattr(stores, self._cloud.store_class)(
                        arguments.bucket,
                        config=cast("Any", dict(arguments.config)),
                        client_options=cast("Any", _with_files_read(arguments.client_options)),
                        retry_config=cast("Any", dict(arguments.retry_config) or None),
                        credential_provider=cast("Any", self._adapter),
                    )
                    _runtime_pid = os.getpid()
        return self._built

    async def get(
        self,
        key: str,
        wanted: ByteRange | Suffix | None = None,
        *,
        if_match: str | None = None,
        version: str | None = None,
    ) -> Chunk:
        """Read an object or a range of it; a range may reach past the end, but must begin before it.

        Raises
        ------
        FileNotFoundError, PermissionError, PreconditionFailedError, OSError
            ``OSError`` with ``EINVAL`` where the range begins at or past the end, as for every range of an empty
            object.
        """
        import obstore

        options = _get_options(wanted, if_match, version)

        async def request() -> Chunk:
            answer = await obstore.get_async(self._store, key, options=cast("Any", options))
            data = await answer.bytes_async()
            return Chunk(data.to_bytes(), answer.range[0], _object_info(answer.meta, answer.attributes))

        return await self._call(key, request)

    async def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """What the store says about an object, without its bytes."""
        import obstore

        options: dict[str, Any] = {"head": True}
        if version is not None:
            options["version"] = version

        async def request() -> ObjectInfo:
            try:
                answer = await obstore.get_async(self._store, key, options=cast("Any", options))
            except Exception as error:
                if _is_bare_refusal(error):
                    # An answer to HEAD has no body; that to a GET tells expired credentials from forbidden objects.
                    probe = {**options, "head": False, "range": (0, 1)}
                    await obstore.get_async(self._store, key, options=cast("Any", probe))
                raise
            return _object_info(answer.meta, answer.attributes)

        return await self._call(key, request)

    async def put(
        self,
        key: str,
        data: bytes | bytearray | memoryview,
        *,
        create: bool = False,
        if_match: str | None = None,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Written:
        """Write an object with one request.

        Raises
        ------
        FileExistsError
            ``create`` and the object exists.
        PreconditionFailedError
            ``if_match`` and the object is not that version.
        """
        import obstore

        mode: Any = "create" if create else "overwrite" if if_match is None else {self._cloud.condition: if_match}

        async def request() -> Written:
            answer = await obstore.put_async(
                self._store,
                key,
                data,
                mode=mode,
                use_multipart=False,
                attributes=dict(attributes or {}),
                tags=dict(tags or {}),
            )
            return Written(answer["e_tag"], answer["version"])

        return await self._call(key, request)

    def put_stream(
        self,
        key: str,
        parts: Iterator[bytes],
        *,
        part_bytes: int,
        max_concurrency: int,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Written:
        """Write an object as a multipart upload, blocking; an exception from ``parts`` aborts it and comes back."""
        import obstore

        try:
            answer = obstore.put(
                self._store,
                key,
                parts,
                use_multipart=True,
                chunk_size=part_bytes,
                max_concurrency=max_concurrency,
                attributes=dict(attributes or {}),
                tags=dict(tags or {}),
            )
        except Exception as error:  # noqa: BLE001 - raised again, translated
            translated = self._translate(error, key)
            raise translated from cause_of(translated, error)
        return Written(answer["e_tag"], answer["version"])

    async def delete(self, key: str) -> None:
        """Delete one object; S3 does not say whether it was there."""
        import obstore

        await self._call(key, lambda: obstore.delete_async(self._store, key))

    async def copy(self, source: str, target: str, *, overwrite: bool = True) -> None:
        """Copy within the bucket with one request (S3: up to 5 GiB).

        Raises
        ------
        FileExistsError
            ``overwrite`` is False and the target exists.
        """
        import obstore

        await self._call(source, lambda: obstore.copy_async(self._store, source, target, overwrite=overwrite))

    async def any_below(self, prefix: str) -> bool:
        """Whether any key begins with ``prefix/`` (with an empty prefix: whether the bucket holds anything).

        A key that obstore cannot name makes its listing fail, which proves that it is there.
        """
        import obstore
        from obstore.exceptions import InvalidPathError

        async def request() -> bool:
            listing = obstore.list(self._store, prefix or None, chunk_size=1)
            try:
                return bool(await anext(listing.__aiter__(), []))
            except InvalidPathError:
                return True

        return await self._call(prefix, request)

    async def _call(self, key: str, request: Callable[[], Awaitable[T]]) -> T:
        """Carry a request out; when the server rejects the credentials, replace them and retry once."""
        refresher = None if self._adapter is None else self._adapter.refresher
        for last_try in (False, True):
            used = None if refresher is None else await refresher.current_async()
            try:
                return await request()
            except Exception as error:  # noqa: BLE001 - raised again, translated
                refused = None if used is None or last_try else self._verdict(error)
                if refused is not None and refresher and used and refresher.reject(used, certain=refused):
                    continue
                translated = self._translate(error, key)
                raise translated from cause_of(translated, error)
        raise AssertionError  # the second round returns or raises

    def _verdict(self, error: Exception) -> bool | None:
        status = _STATUS.search(str(error))
        return verdict(str(error), status and status[1], self._cloud.errors)

    def _translate(self, error: Exception, key: str) -> BaseException:
        url = f"{self._cloud.schemes[0]}://{self._arguments.bucket}/{key}"
        return translate_error(error, url, self._cloud.errors.exceptions)


def _with_files_read(options: Mapping[str, Any]) -> dict[str, Any]:
    """Certificates that are named by a path, read: obstore takes their text."""
    return {name: value.read_bytes() if isinstance(value, Path) else value for name, value in options.items()}


def _get_options(wanted: ByteRange | Suffix | None, if_match: str | None, version: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if isinstance(wanted, Suffix):
        options["range"] = {"suffix": wanted.length}
    elif wanted is not None:
        options["range"] = (wanted.start, wanted.stop)
    if if_match is not None:
        options["if_match"] = if_match
    if version is not None:
        options["version"] = version
    return options


def _object_info(meta: Mapping[str, Any], attributes: Mapping[str, str]) -> ObjectInfo:
    return ObjectInfo(meta["size"], meta["e_tag"], meta["last_modified"], meta["version"], dict(attributes))


def _is_bare_refusal(error: Exception) -> bool:
    status = _STATUS.search(str(error))
    return status is not None and status[1] in ("400", "401", "403") and code_in(str(error)) is None


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
    code, status, message = code_in(text), _STATUS.search(text), _MESSAGE.search(text)
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
    if _TIMED_OUT.search(str(error)):
        return TimeoutError(errno.ETIMEDOUT, said, url)
    if "kind: Connect" in str(error):
        return ConnectionError(errno.ECONNREFUSED, said, url)
    return OSError(errno.EIO, said, url)
