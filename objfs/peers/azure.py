"""adlfs as the SDK plane of Azure: how it is made, with a service client of ours, and what its errors are."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from fsspec.asyn import AsyncFileSystem

from objfs.clouds.azure_calls import ERRORS
from objfs.credentials.azure_adapter import peer_credential
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN
from objfs.errors import (
    STATUSES,
    CredentialsError,
    CredentialsExpiredError,
    MissingCredentialsError,
)
from objfs.peers.azure_client import close_at_last, close_in_time, service_client
from objfs.peers.azure_objects import AzureObjects
from objfs.sdk import Peer, PeerSetup, make, of_transport, with_methods

if TYPE_CHECKING:
    from objfs.sdk import SdkPlane
    from objfs.sdk_objects import SdkObjects

_SDK_MODULES: Final = ("azure", "aiohttp")

# An expired SAS has the error code of a wrong one; only the text tells them apart.
_EXPIRED_TEXTS: Final = ("not valid in the specified time frame", "Lifetime validation failed", "token is expired")

# What adlfs keeps of its constructor's arguments. Its secrets stay with the refresher.
_ARGUMENTS: Final = (
    "account_host",
    "account_name",
    "anon",
    "assume_container_exists",
    "blocksize",
    "default_cache_type",
    "default_fill_cache",
    "location_mode",
    "max_concurrency",
    "request_session",
    "version_aware",
)
_SECRETS: Final = (
    "account_key",
    "client_id",
    "client_secret",
    "connection_string",
    "sas_token",
    "sync_credential",
    "tenant_id",
)
_TIMEOUTS: Final = ("timeout", "connection_timeout", "read_timeout")


class AzurePeer(Peer):
    """What is special about adlfs."""

    credentials_as = "credential"
    instance_attributes = frozenset({*_ARGUMENTS, "account_url", "kwargs", "service_client"})
    methods = frozenset({"do_connect"})

    def build(self, peer: type[Any], setup: PeerSetup, own: Mapping[str, Any]) -> Any:
        """An instance with a constructor and a service client of ours.

        adlfs's constructor reads ``AZURE_STORAGE_*`` wherever an argument is not given, speaks plain HTTP only by a
        connection string, and leaves finalizers behind that keep the instance alive and close its client on another
        loop than its own.
        """
        if setup.choice is NATIVE_CHAIN:
            msg = "these credentials are looked up by obstore itself, and adlfs has no word for them"
            raise MissingCredentialsError(msg)
        refresher = None if setup.choice is ANONYMOUS else setup.choice
        account = setup.keywords["account_name"]
        credential = peer_credential(refresher, account, ERRORS.rejected)

        def construct(self: Any, **keywords: Any) -> None:
            AsyncFileSystem.__init__(self, asynchronous=keywords["asynchronous"], loop=keywords["loop"])
            given = {name: setup.keywords[name] for name in _ARGUMENTS}
            timeouts = {name: setup.keywords[name] for name in _TIMEOUTS if setup.keywords[name] is not None}
            vars(self).update(dict.fromkeys(_SECRETS), **given, kwargs={}, _timeout_kwargs=timeouts)
            vars(self).update(anon=setup.choice is ANONYMOUS, credential=credential)
            self.objfs_guarded = False
            self.do_connect()

        def do_connect(self: Any) -> None:
            self.service_client = service_client(setup.settings, credential)
            self.account_url = self.service_client.url.rstrip("/")
            if not self.asynchronous:
                close_at_last(self)

        def split_path(_: Any, path: str, *_args: Any, **_keywords: Any) -> tuple[str, str, str | None]:
            location = setup.split(path)
            return location.bucket, location.key, location.version

        def invalidate_cache(self: Any, path: str | None = None) -> None:
            # adlfs forgets the listing of this name alone, and not those that it is in.
            if path is None:
                self.dircache.clear()
            else:
                self.dircache.forget(self._strip_protocol(path).rstrip("/"))

        async def _with_instance(self: Any, _: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
            return await work(self)

        members = {
            "__init__": construct,
            "do_connect": do_connect,
            "invalidate_cache": invalidate_cache,
            "split_path": split_path,
            "_with_instance": _with_instance,
        }
        return make(with_methods(peer, **members), {**setup.keywords, **own})

    async def open_here(self, instance: Any) -> None:
        """Have the client closed with the loop or the instance; it opens its session by itself."""
        if not instance.objfs_guarded:
            instance.objfs_guarded = True
            await close_in_time(instance)

    def translate(self, error: Exception, subject: str | None) -> BaseException | None:
        """The errors of azure-core, none of which is an ``OSError``."""
        if isinstance(error, OSError) or type(error).__module__.partition(".")[0] not in _SDK_MODULES:
            return None
        status = getattr(error, "status_code", None)
        if status is not None:
            return _of_answer(error, status, subject)
        if type(error).__name__ == "DeserializationError":
            # A header or an element of an answer that is not what its name says.
            return OSError(errno.EIO, f"the answer is not that of Azure Storage: {_first_line(error)[:200]}", subject)
        if isinstance(error, ValueError):
            return None
        if type(error).__name__ in ("CredentialUnavailableError", "ClientAuthenticationError"):
            return CredentialsError(errno.EACCES, _first_line(error), subject)
        return of_transport(error, subject)

    def objects(self, plane: SdkPlane, bucket: str, keywords: Mapping[str, Any] | None = None) -> SdkObjects:
        """The blobs of one container."""
        return AzureObjects(plane, bucket, keywords)


def _of_answer(error: Any, status: int, subject: str | None) -> OSError:
    code = getattr(error, "error_code", None)
    name = str(getattr(code, "value", code or ""))
    said = ": ".join(part for part in (name, _first_line(error)) if part)
    detail = f"{error} {getattr(error, 'additional_info', '')}"
    if name in ERRORS.expired or (status in (401, 403) and any(text in detail for text in _EXPIRED_TEXTS)):
        return CredentialsExpiredError(errno.EACCES, said, subject)
    kind, number = ERRORS.exceptions.get(name) or STATUSES.get(status, (OSError, errno.EIO))
    return kind(number, said, subject)


def _first_line(error: Exception) -> str:
    """The message without what follows it: ids of the request, and on a refusal the text that was signed."""
    return str(error).partition("\n")[0].strip()
