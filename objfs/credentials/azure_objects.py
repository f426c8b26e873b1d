"""Credential objects of a caller: azure-core's, azure-identity's sync and async ones, and anything shaped like them.

They belong to the caller: they are asked, never closed.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import os
import threading
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from objfs.clouds.azure_sas import check_key, looks_like_sas, sas_expiry, sas_text
from objfs.credentials.identity import object_identity
from objfs.credentials.values import Credentials
from objfs.errors import ConflictingOptionsError, CredentialsError, OptionError
from objfs.records import field, record

SCOPE: Final = "https://storage.azure.com/.default"

# How long an answer of the caller's code may take; the refresher's own time-out ends the wait of its callers earlier.
_LONGEST_ANSWER_SECONDS: Final = 120.0
# A loop whose thread is busy, maybe waiting for us, does not answer a call within this time.
_LIVELY_SECONDS: Final = 1.0


@record
class ObjectSource:
    """A source on top of an object that gives tokens, in a thread or on an event loop.

    Parameters
    ----------
    credential
        Has ``get_token_info`` or ``get_token``, either of them sync or async.
    home
        The loop that ran where the object was handed over. An async object that has opened its connections there works
        nowhere else; one that has not opens them on our own loop.
    """

    credential: Any = field(repr=False)
    home: asyncio.AbstractEventLoop | None = field(repr=False)
    identity: str
    description: str

    @property
    def refreshable(self) -> bool:
        """The object can be asked again."""
        return True

    def fetch(self) -> Credentials:
        """Ask for a token."""
        told = self._asked()
        token, expires = getattr(told, "token", None), getattr(told, "expires_on", None)
        if not isinstance(token, str) or not token:
            msg = f"{self.description} returned {type(told).__name__} without a token"
            raise CredentialsError(msg)
        moment = None if expires is None else datetime.fromtimestamp(float(expires), UTC)
        return Credentials({"token": token}, moment)

    def _asked(self) -> Any:
        method = getattr(self.credential, "get_token_info", None) or self.credential.get_token
        if not inspect.iscoroutinefunction(method):
            answer = method(SCOPE)
            return _on_own_loop(_awaited(answer)) if inspect.isawaitable(answer) else answer
        try:
            return _on_own_loop(method(SCOPE))
        except Exception:
            if self.home is None or not _is_lively(self.home):
                raise
        return _on_loop(method(SCOPE), self.home)


@record
class LiveSource:
    """A source on top of an object that holds a key or a SAS, which its owner may replace at any time.

    Parameters
    ----------
    read
        What the object holds now.
    """

    read: Any = field(repr=False)
    identity: str
    description: str

    @property
    def refreshable(self) -> bool:
        """What the object holds can be another one by now."""
        return True

    def revision(self) -> object:
        """Equal for as long as the object holds the same."""
        return self.read()

    def fetch(self) -> Credentials:
        """Read the object."""
        option, value = self.read()
        try:
            return of_text(**{option: value})
        except OptionError as error:
            msg = f"{self.description} cannot be used: {error}"
            raise CredentialsError(msg) from None


def of_text(*, account_key: str = "", sas_key: Any = "") -> Credentials:
    """Credentials of a key or of a SAS; the latter says itself when it ends."""
    if account_key:
        check_key(account_key)
        return Credentials({"account_key": account_key})
    return Credentials({"sas_key": sas_text(sas_key)}, sas_expiry(sas_key))


def object_source(credential: Any, account_name: str | None) -> ObjectSource | LiveSource:
    """A source on top of what was given as ``credential``.

    Parameters
    ----------
    credential
        A token credential; ``AzureSasCredential`` or ``AzureNamedKeyCredential``, whose value may be updated while
        files are open; a mapping of ``account_name`` and ``account_key``; text, which is a SAS or an account key.
    account_name
        What the settings say; a named key for another account is refused.

    Raises
    ------
    ConflictingOptionsError
        The key is for another account.
    OptionError
        The object is none of these.
    """
    name = type(credential).__name__
    told = {"identity": f"azure-object {object_identity(_Holder(credential))}", "description": f"the credential {name}"}
    if callable(getattr(credential, "get_token_info", None)) or callable(getattr(credential, "get_token", None)):
        return ObjectSource(credential, _running_loop(), **told)
    if isinstance(credential, str):
        told["identity"] = f"azure-text {object_identity(_Text(credential))}"
    reader = _reader(credential, account_name)
    if reader is None:
        msg = f"credential must be a token credential, a named key, a SAS or text, got {name}"
        raise OptionError(msg)
    return LiveSource(reader, **told)


def _reader(credential: Any, account_name: str | None) -> Any:
    """What reads the current value of an object that holds one, as a pair of option and value."""
    if isinstance(credential, str):
        option = "sas_key" if looks_like_sas(credential) else "account_key"
        return lambda: (option, credential)
    if isinstance(getattr(credential, "signature", None), str):
        return lambda: ("sas_key", credential.signature)

    def named_key() -> tuple[str, str]:
        name, key = (
            (credential.get("account_name"), credential["account_key"])
            if isinstance(credential, Mapping)
            else (credential.named_key.name, credential.named_key.key)
        )
        if name and account_name and name.lower() != account_name:
            msg = f"the credential is a key of the account {name!r}, the settings name {account_name!r}"
            raise ConflictingOptionsError(msg)
        return "account_key", key

    if (isinstance(credential, Mapping) and credential.get("account_key")) or hasattr(credential, "named_key"):
        named_key()
        return named_key
    return None


class _Holder:
    """Names an object by itself, without touching it: two objects are never taken for one."""

    def __init__(self, credential: Any) -> None:
        self.credential = credential


class _Text:
    """Names a text by its digest."""

    def __init__(self, text: str) -> None:
        self._text = text


async def _awaited(answer: Any) -> Any:
    return await answer


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _is_lively(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a loop runs and its thread is not blocked."""
    answered = threading.Event()
    try:
        loop.call_soon_threadsafe(answered.set)
    except RuntimeError:
        return False
    return answered.wait(_LIVELY_SECONDS)


def _on_loop(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
    """Run a coroutine on a loop of another thread and wait for it."""
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result(_LONGEST_ANSWER_SECONDS)
    except concurrent.futures.TimeoutError:
        future.cancel()
        raise


# One loop for all async objects of callers, as their connections live on one loop; it runs as long as the process.
_own_loop: asyncio.AbstractEventLoop | None = None
_own_lock = threading.Lock()
_of_parents: Final[list[asyncio.AbstractEventLoop | None]] = []


def _on_own_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    global _own_loop  # noqa: PLW0603 - one per process
    with _own_lock:
        if _own_loop is None:
            _own_loop = asyncio.new_event_loop()
            threading.Thread(target=_own_loop.run_forever, name="objfs-azure-objects", daemon=True).start()
    return _on_loop(coroutine, _own_loop)


def _after_fork_in_child() -> None:
    global _own_loop, _own_lock
    _own_loop, _own_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
