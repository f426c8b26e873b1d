"""The SDK plane: the only module that imports s3fs, gcsfs and adlfs. It is the peer's own class, one instance per loop.

Built on first use from the settings and the credentials that the data plane uses; what it caches of listings is the
filesystem's own cache, so that both planes forget alike. What differs from cloud to cloud is a `Peer`.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import importlib.util
import inspect
import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from fsspec.asyn import get_loop, mirror_sync_methods

from objfs.credentials.hiding import Hiding
from objfs.credentials.select import CredentialChoice
from objfs.errors import CredentialsError, MissingExtraError, ObjfsError, cause_of
from objfs.options import Settings
from objfs.records import field, record
from objfs.sdk_listings import Listings
from objfs.types import Location

if TYPE_CHECKING:
    from objfs.sdk_objects import SdkObjects

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


@record
class PeerSetup:
    """What an instance of the peer is made from.

    Parameters
    ----------
    settings
        Resolved settings.
    keywords
        Constructor keywords of the peer, without credentials.
    choice
        The refresher that signs, ``ANONYMOUS``, or ``NATIVE_CHAIN``.
    split
        Path to location, as the filesystem does it.
    hiding
        Raises errors without the secrets that the texts of the SDK's may quote.
    """

    settings: Settings
    keywords: Mapping[str, Any] = field(repr=False)
    choice: CredentialChoice
    split: Callable[[str], Location]
    hiding: Hiding


class Peer(ABC):
    """What is special about one cloud's SDK plane."""

    # The keyword of the peer's class that an object goes to which signs with the refresher's credentials.
    credentials_as: ClassVar[str]
    # Set in the peer's constructor, so that its class does not show them.
    instance_attributes: ClassVar[frozenset[str]] = frozenset()
    # What can be asked for, and must name the extra, where the peer is not installed to be looked at.
    methods: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def build(self, peer: type[Any], setup: PeerSetup, own: Mapping[str, Any]) -> Any:
        """An instance of the peer's class, made by `make`; ``own`` are its keywords for asynchrony and the loop."""

    async def open_here(self, instance: Any) -> None:  # noqa: B027 - most peers open their clients by themselves
        """Open the client of an instance that serves another loop than fsspec's, and have it closed in time."""

    def translate(self, error: Exception, subject: str | None) -> BaseException | None:
        """The exception that users catch for one that only this cloud's SDK raises; None where this one is none."""
        return None

    def names_path(self, method: str) -> bool:
        """Whether the first argument of a method of the peer is a path."""
        return True

    @abstractmethod
    def objects(self, plane: SdkPlane, bucket: str, keywords: Mapping[str, Any] | None = None) -> SdkObjects:
        """The objects of one bucket, with the caller's keywords for every request that knows them."""


def make(peer: type[Any], keywords: dict[str, Any]) -> Any:
    """An instance with exactly these keywords: fsspec's metaclass would add its configuration, credentials included."""
    instance = type.__call__(peer, **keywords)
    instance.storage_args, instance.storage_options = (), keywords
    instance._fs_token_ = f"objfs-{id(instance)}"
    mirror_sync_methods(instance)
    return instance


def with_methods(peer: type[Any], **members: Any) -> type[Any]:
    """The peer's class with methods of ours in place of its own, outside fsspec's cache of instances."""
    return type(peer.__name__, (peer,), {**members, "__module__": __name__, "_cache": {}})


class SdkPlane:
    """Instances of the peer's filesystem, made on first use.

    Parameters
    ----------
    cloud
        Key of ``PEERS``.
    adapter
        What is special about this cloud.
    setup
        What instances are made from.
    dircache
        The listings cache that all instances share.
    """

    def __init__(self, cloud: str, adapter: Peer, setup: PeerSetup, *, dircache: Listings | None = None) -> None:
        self.cloud = cloud
        self.adapter = adapter
        self.setup = setup
        self.dircache = Listings(use_listings_cache=False) if dircache is None else dircache
        self._lock = threading.Lock()
        self._instances: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()
        self._pid = os.getpid()

    @property
    def peer(self) -> type[Any]:
        """The peer's class."""
        return peer_class(self.cloud)

    def objects(self, bucket: str, keywords: Mapping[str, Any] | None = None) -> SdkObjects:
        """The objects of one bucket, with the caller's keywords for every request that knows them."""
        return self.adapter.objects(self, bucket, keywords)

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
        own = {"asynchronous": not own_loop, "loop": loop if own_loop else None}
        instance = self.adapter.build(self.peer, self.setup, own)
        instance.dircache = self.dircache
        instance.objfs_opening = asyncio.Lock()
        return instance

    async def _opened_here(self) -> Any:
        """The instance for the loop that is running, with its client: one, closed with the loop or the instance."""
        instance = self.instance(here=True)
        # The peer looks after the client of fsspec's own loop.
        if instance.asynchronous:
            async with instance.objfs_opening:
                await self.adapter.open_here(instance)
        return instance

    async def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Await a coroutine of the peer's instance for the running loop, with its errors turned into ours."""
        try:
            return await getattr(await self._opened_here(), name)(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again, translated
            self._raise(error, name, args)

    def attribute(self, name: str) -> Any:
        """A public attribute or method of the peer's instance; coroutines run on the loop that is running."""
        if inspect.iscoroutinefunction(getattr(self.peer, name, None)):

            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                return await self.call(name, *args, **kwargs)

            return coroutine
        value = getattr(self.instance(), name)
        return self._translating(value) if inspect.ismethod(value) else value

    def _translating(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a method of the peer so that its errors are ours."""

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - raised again, translated
                self._raise(error, method.__name__, args)

        call.__name__, call.__doc__ = method.__name__, method.__doc__
        return call

    def _raise(self, error: Exception, method: str, args: tuple[Any, ...]) -> NoReturn:
        translated = self.translate(error, method, args)
        self.setup.hiding.raise_from(translated, cause_of(translated, error))

    def translate(self, error: Exception, method: str = "", args: tuple[Any, ...] = ()) -> BaseException:
        """The exception that users catch for one that the peer or its SDK let through.

        Parameters
        ----------
        error
            What was raised. The peers raise builtins for most answers of a server.
        method, args
            The call of the peer, for the path that it names.
        """
        subject = None
        if self.adapter.names_path(method):
            subject = next((item for item in args if isinstance(item, str)), None)
        if isinstance(error, ObjfsError):
            return error
        provider_error = error.__cause__
        while provider_error is not None and not isinstance(provider_error, CredentialsError):
            provider_error = provider_error.__cause__
        if provider_error is not None:
            return provider_error
        translated = self.adapter.translate(error, subject)
        if translated is not None:
            return translated
        if isinstance(error, OSError):
            return error if subject is None else located(error, subject)
        return error


def of_transport(error: Exception, subject: str | None) -> OSError:
    """The builtin for a client library's error that is no answer of a server: a time-out, a refused connection."""
    # botocore and azure-core wrap what aiohttp says more exactly.
    inner = getattr(error, "kwargs", {}).get("error") or getattr(error, "inner_exception", None) or error
    name = type(inner).__name__
    number = next((number for words, number in _TRANSPORT if any(word in name for word in words)), errno.EIO)
    # An OSError of one of these numbers is made a TimeoutError or a ConnectionError by its own constructor.
    return OSError(number, str(error) or name, subject)


# What the names of such errors have in common in botocore, aiohttp and azure-core. The first that fits counts.
_TRANSPORT: Final = (
    (("Timeout",), errno.ETIMEDOUT),
    (
        ("Payload", "Disconnected", "Closed", "Incomplete", "Reset", "ClientOSError", "Response"),
        errno.ECONNRESET,
    ),
    (("Connect", "ServiceRequest"), errno.ECONNREFUSED),
)


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
