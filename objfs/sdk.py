"""The SDK plane: the only module that imports s3fs. It is an instance of the peer's own class, one per event loop.

Built on first use from the settings and the credentials that the data plane uses; what it caches of listings is the
filesystem's own cache, so that both planes forget alike.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import importlib.util
import inspect
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from fsspec.asyn import get_loop, mirror_sync_methods

from objfs.concurrency import close_with_loop
from objfs.credentials.botocore_adapter import aio_session, register_refresh_on_rejection
from objfs.credentials.rejection import EXPIRED_CODES
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN, CredentialChoice
from objfs.errors import (
    CredentialsError,
    CredentialsExpiredError,
    MissingExtraError,
    ObjfsError,
    PreconditionFailedError,
    cause_of,
)
from objfs.types import Location

# Cloud to the peer's module and class, and to the extra that installs it.
PEERS: Final[Mapping[str, tuple[str, str, str]]] = {
    "s3": ("s3fs", "S3FileSystem", "s3"),
    "gcs": ("gcsfs", "GCSFileSystem", "gcs"),
    "azure": ("adlfs", "AzureBlobFileSystem", "azure"),
}


@cache
def is_installed(cloud: str) -> bool:
    """Whether the peer of a cloud can be imported; looked up without importing it."""
    return importlib.util.find_spec(PEERS[cloud][0]) is not None


def peer_class(cloud: str) -> type[Any]:
    """The peer's filesystem class.

    Raises
    ------
    MissingExtraError
        The peer is not installed.
    """
    module, name, extra = PEERS[cloud]
    try:
        return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
    except ImportError as error:
        msg = f"this call needs {module}: pip install 'objfs[{extra}]'"
        raise MissingExtraError(msg) from error


def _exact(peer: type[Any], split: Callable[[str], Location]) -> type[Any]:
    """The peer's class with our reading of paths: its own cuts ``?versionId=`` off keys of unversioned instances."""

    def split_path(self: Any, path: str) -> tuple[str, str, str | None]:  # noqa: ARG001 - a method of the class below
        location = split(path)
        return location.bucket, location.key, location.version

    return type(peer.__name__, (peer,), {"split_path": split_path, "__module__": __name__, "_cache": {}})


def _make(peer: type[Any], keywords: dict[str, Any]) -> Any:
    """An instance with exactly these keywords: fsspec's metaclass would add its configuration, credentials included."""
    instance = type.__call__(peer, **keywords)
    instance.storage_args, instance.storage_options = (), keywords
    instance._fs_token_ = f"objfs-{id(instance)}"
    mirror_sync_methods(instance)
    return instance


@dataclass(frozen=True, slots=True)
class SigningHooks:
    """What happens to each request of the SDK before it is signed.

    Parameters
    ----------
    headers
        Added, and signed with the rest.
    signer
        A handler of botocore's ``before-sign`` event, which signs in place of botocore.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    signer: Callable[..., Any] | None = field(default=None, repr=False)

    def register(self, session: Any) -> None:
        """Attach the hooks to every S3 client made from the session."""
        emitter = session.get_component("event_emitter")
        if self.headers:
            emitter.register("before-sign.s3", self._add_headers, unique_id="objfs-default-headers")
        if self.signer is not None:
            emitter.register_last("before-sign.s3", self.signer, unique_id="objfs-request-signer")

    def _add_headers(self, request: Any, **_: Any) -> None:
        for name, value in self.headers.items():
            # A request that is signed again holds the header already.
            del request.headers[name]
            request.headers[name] = value


class SdkPlane:
    """Instances of the peer's filesystem, made on first use.

    Parameters
    ----------
    cloud
        Key of ``PEERS``.
    keywords
        Constructor keywords of the peer, without credentials.
    choice
        The refresher that signs, or ``ANONYMOUS``.
    split
        Path to location, as the filesystem does it.
    session
        A session of the caller's own, used as it is.
    hooks
        For sessions that are made here.
    dircache
        The listings cache that all instances share.
    """

    def __init__(
        self,
        cloud: str,
        keywords: Mapping[str, Any],
        choice: CredentialChoice,
        split: Callable[[str], Location],
        *,
        session: Any = None,
        hooks: SigningHooks | None = None,
        dircache: Any = None,
    ) -> None:
        self._cloud = cloud
        self._keywords = dict(keywords)
        self._choice = choice
        self._split = split
        self._session = session
        self._hooks = hooks or SigningHooks()
        self._dircache = dircache
        self._lock = threading.Lock()
        self._instances: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()
        self._pid = os.getpid()
        self._certificates: Any = None

    @property
    def peer(self) -> type[Any]:
        """The peer's class."""
        return peer_class(self._cloud)

    def instance(self, *, here: bool = False) -> Any:
        """The peer's instance for fsspec's I/O loop, or with ``here`` for the loop that is running now."""
        if self._pid != os.getpid():
            # A forked child has the parent's instances, whose loops and sockets are not its own.
            self._pid, self._lock, self._instances = os.getpid(), threading.Lock(), weakref.WeakKeyDictionary()
        main = get_loop()
        loop = asyncio.get_running_loop() if here else main
        with self._lock:
            # A client holds its loop, so that no entry would go by itself.
            for ended in [known for known in self._instances if known.is_closed()]:
                del self._instances[ended]
            if loop not in self._instances:
                self._instances[loop] = self._build(loop, own_loop=loop is main)
            return self._instances[loop]

    def _build(self, loop: asyncio.AbstractEventLoop, *, own_loop: bool) -> Any:
        peer = _exact(self.peer, self._split)
        keywords = self._with_certificates_in_files()
        if self._session is not None:
            keywords["session"] = self._session
        elif self._choice is not NATIVE_CHAIN:
            refresher = None if self._choice is ANONYMOUS else self._choice
            keywords["session"] = aio_session(refresher)
            self._hooks.register(keywords["session"])
            if refresher is not None:
                register_refresh_on_rejection(keywords["session"], refresher)
        own = {"asynchronous": not own_loop, "loop": loop if own_loop else None}
        instance = _make(peer, {**keywords, **own})
        if self._dircache is not None:
            instance.dircache = self._dircache
        instance.objfs_opening = asyncio.Lock()
        return instance

    async def _opened_here(self) -> Any:
        """The instance for the loop that is running, with its client: one, closed with the loop or the instance."""
        instance = self.instance(here=True)
        # The peer looks after the client of fsspec's own loop.
        if instance.asynchronous:
            async with instance.objfs_opening:
                if instance._s3 is None:  # noqa: SLF001 - the peer has no other way to ask
                    await instance.set_session()
                    client = instance._s3creator  # noqa: SLF001 - as above
                    await close_with_loop(instance, lambda: client.__aexit__(None, None, None))
        return instance

    def _with_certificates_in_files(self) -> dict[str, Any]:
        """The keywords, with a certificate that is given as text in a file, where botocore wants it."""
        client = dict(self._keywords.get("client_kwargs") or {})
        text = client.get("verify")
        if isinstance(text, str) and "-----BEGIN" in text:
            if self._certificates is None:
                self._certificates = tempfile.NamedTemporaryFile("w", suffix=".pem")  # noqa: SIM115 - lives as long
                self._certificates.write(text)
                self._certificates.flush()
            client["verify"] = self._certificates.name
        return {**self._keywords, "client_kwargs": client}

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Await a coroutine of the peer's instance for the running loop, with its errors turned into ours."""
        try:
            return await getattr(await self._opened_here(), name)(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again, translated
            # The first argument of a bare client call is the method, of a verb the path.
            translated = translate_error(error, () if name == "_call_s3" else args)
            raise translated from cause_of(translated, error)

    def attribute(self, name: str) -> Any:
        """A public attribute or method of the peer's instance; coroutines run on the loop that is running."""
        if inspect.iscoroutinefunction(getattr(self.peer, name, None)):

            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                return await self.call(name, *args, **kwargs)

            return coroutine
        value = getattr(self.instance(), name)
        return _translating(value) if inspect.ismethod(value) else value


def _translating(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method of the peer so that its errors are ours."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again, translated
            translated = translate_error(error, args)
            raise translated from cause_of(translated, error)

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call


def located(error: OSError, path: str) -> OSError:
    """The same error with an errno and the path, which the peer leaves out of the commonest ones."""
    if error.filename is not None:
        return error
    if isinstance(error, ObjfsError):
        # One that has only a message would lose it: an OSError with a file name shows its errno instead.
        if error.errno is not None:
            error.filename = path
        return error
    number = error.errno or _ERRNO.get(type(error), errno.EIO)
    text = error.strerror or next((str(item) for item in error.args), "")
    return type(error)(number, os.strerror(number) if text in ("", path) else text, path)


# What the peer raises without an errno.
_ERRNO: Final[Mapping[type[OSError], int]] = {
    FileNotFoundError: errno.ENOENT,
    FileExistsError: errno.EEXIST,
    PermissionError: errno.EACCES,
    TimeoutError: errno.ETIMEDOUT,
}


def translate_error(error: Exception, args: tuple[Any, ...] = ()) -> BaseException:
    """The exception that users catch for one that the peer or its SDK let through.

    The peer already raises builtins for most answers of a server; what is left is botocore's own, which is no
    ``OSError``, and failed preconditions, which it does not tell from other bad requests.
    """
    subject = next((item for item in args if isinstance(item, str)), None)
    module = type(error).__module__.partition(".")[0]
    if isinstance(error, ObjfsError):
        return error
    provider_error = error.__cause__
    while provider_error is not None and not isinstance(provider_error, CredentialsError):
        provider_error = provider_error.__cause__
    if provider_error is not None:
        return provider_error
    response = getattr(error.__cause__, "response", None)
    if isinstance(response, Mapping) and response.get("Error", {}).get("Code") in EXPIRED_CODES:
        return CredentialsExpiredError(errno.EACCES, str(error), subject)
    if isinstance(error, OSError) and error.errno == errno.EINVAL and "pre-condition" in str(error):
        return PreconditionFailedError(errno.EINVAL, str(error.args[1]), subject)
    if isinstance(error, OSError):
        return error if subject is None else located(error, subject)
    if module not in ("botocore", "aiobotocore", "aiohttp"):
        return error
    if type(error).__name__ == "NoCredentialsError":
        return CredentialsError(errno.EACCES, str(error), subject)
    if type(error).__name__ == "ParamValidationError":
        return ValueError(str(error))
    if "Timeout" in type(error).__name__:
        return TimeoutError(errno.ETIMEDOUT, str(error), subject)
    if "Connect" in type(error).__name__:
        return ConnectionError(errno.ECONNREFUSED, str(error), subject)
    return OSError(errno.EIO, str(error), subject)
