"""One way to the server for gcsfs: its sessions, its retries and its errors, as the rest of objfs has them.

gcsfs's own prints a traceback for every answer that it does not retry, asks for another token only where the server
words its refusal in one way, and leaves its session to the garbage collector.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import errno
import io
import json as json_module
import os
import ssl
import tempfile
import weakref
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final

from fsspec.asyn import get_loop

from objfs import observing
from objfs.clouds.gcs_backends import TIMEOUT_DEFAULTS
from objfs.concurrency import close_with_loop
from objfs.credentials.google_adapter import sending
from objfs.credentials.hiding import LONGEST_TEXT
from objfs.errors import STATUSES, CredentialsExpiredError
from objfs.peers.watching import watched_gcs
from objfs.retries import IN_DOUBT, REFUSALS, RETRIED_STATUSES, UNCLEAR_STATUSES, Attempts, repeat_nothing
from objfs.sdk import PeerSetup, of_transport

_PARTIAL: Final = 206
_UNAUTHORIZED: Final = 401
_GONE: Final = 404
_CONDITIONS: Final = frozenset({"ifGenerationMatch", "ifMetagenerationMatch"})
_CLOSING_SECONDS: Final = 1.0

# What is otherwise here.
_STATUSES: Final[Mapping[int, tuple[type[OSError], int]]] = {
    **STATUSES,
    401: (CredentialsExpiredError, errno.EACCES),
    410: (FileNotFoundError, errno.ENOENT),
}

_sessions: weakref.WeakSet[Any] = weakref.WeakSet()
# Connections of a parent process: a forked child must neither use nor close them.
_abandoned: list[Any] = []


def refusal(status: int, contents: bytes, subject: str | None, *, signed: bool = True) -> OSError:
    """The exception for an answer of the server; ``code`` is its HTTP status.

    Parameters
    ----------
    status, contents
        Of the answer.
    subject
        Object or bucket that was asked for.
    signed
        Whether the request carried credentials.
    """
    kind, number = _STATUSES.get(status, (OSError, errno.EIO))
    if kind is CredentialsExpiredError and not signed:
        kind = PermissionError
    said = _message(contents) or os.strerror(number)
    error = kind(number, f"{said} (HTTP status {status})", subject)
    error.code = status  # type: ignore[attr-defined]
    return error


def endpoint_of(setup: PeerSetup) -> str:
    """The server that an instance of gcsfs asks."""
    endpoint: str = setup.keywords["endpoint_url"]
    return endpoint


def plain_class(peer: type[Any]) -> type[Any]:
    """gcsfs's class without the look-up, over gRPC, of what kind a bucket is: no emulator answers that."""
    return next(cls for cls in peer.__mro__ if cls.__module__ == "gcsfs.core")


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status that an exception was made of."""
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else None


def _message(contents: bytes) -> str:
    text = contents.decode("utf-8", errors="replace").strip()
    with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError):
        error = json_module.loads(text)["error"]
        return str(error.get("message", "") if isinstance(error, dict) else error).strip()
    return text.splitlines()[0][:200] if text else ""


async def set_session(self: Any) -> Any:
    """The client session of an instance, made on its loop and closed with the loop, the instance or the process."""
    if self._session is None:
        import aiohttp

        keywords = session_keywords(self.session_kwargs, certificate=self._use_client_cert)
        self._session = session = aiohttp.ClientSession(**keywords)
        repeat_nothing(session)
        _sessions.add(session)
        if self.asynchronous:
            await close_with_loop(self, session.close)
        else:
            weakref.finalize(self, _close_soon, asyncio.get_running_loop(), session).atexit = False
    return self._session


def session_keywords(given: Mapping[str, Any], *, certificate: bool) -> dict[str, Any]:
    """Keywords of aiohttp's session: members of a time-out and of a connector become such.

    Parameters
    ----------
    given
        As the settings have them.
    certificate
        Whether to show the certificate of this machine, as google-auth finds it.
    """
    import aiohttp

    keywords = dict(given)
    times = keywords.get("timeout")
    if times is None or isinstance(times, Mapping):
        keywords["timeout"] = aiohttp.ClientTimeout(**{**TIMEOUT_DEFAULTS, **(times or {})})
    how = keywords.get("connector")
    if isinstance(how, Mapping) or (how is None and certificate):
        members = dict(how or {})
        authority = members.get("ssl")
        if certificate or isinstance(authority, Mapping):
            told = authority if isinstance(authority, Mapping) else {}
            members["ssl"] = _ssl_context(told, check=authority is not False, certificate=certificate)
        keywords["connector"] = aiohttp.TCPConnector(**members)
    return keywords


def _ssl_context(authority: Mapping[str, str], *, check: bool, certificate: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(**authority)  # type: ignore[arg-type]
    if not check:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate:
        from google.auth.transport import mtls

        shown, key = mtls.default_client_cert_source()()
        with tempfile.TemporaryDirectory() as folder:
            # OpenSSL reads files only.
            paths = [Path(folder) / name for name in ("certificate.pem", "key.pem")]
            for path, text in zip(paths, (shown, key), strict=True):
                path.write_bytes(text)
            context.load_cert_chain(paths[0], paths[1])
    return context


def _close_soon(loop: asyncio.AbstractEventLoop, session: Any) -> None:
    if not session.closed and loop.is_running():
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: loop.create_task(session.close()))


@atexit.register
def _close_all() -> None:
    """Close what fsspec's loop holds, which nobody ends."""
    loop = get_loop()
    for session in list(_sessions):
        if not session.closed and session._loop is loop and loop.is_running():  # noqa: SLF001 - not told otherwise
            with contextlib.suppress(Exception):
                asyncio.run_coroutine_threadsafe(session.close(), loop).result(_CLOSING_SECONDS)


def _abandon_in_child() -> None:
    for session in list(_sessions):
        connector = session.connector
        if connector is not None:
            session.detach()
            # Closing would take the parent's sockets out of the selector that both processes share.
            connector._closed = True  # noqa: SLF001 - there is no other way to say so
            _abandoned.append(connector)
    _sessions.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_in_child)


async def request(
    self: Any,
    method: str,
    path: str,
    *args: str,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    data: Any = None,
    cache_type: str | None = None,  # noqa: ARG001 - gcsfs counts its own caches by the name of its client
    cache_source: str | None = None,  # noqa: ARG001 - as above
    raw: bool = False,
    subject: str | None = None,
    **parameters: Any,
) -> tuple[int, Any, Any, bytes]:
    """Ask the server, again where an answer says that it may help; takes and gives what gcsfs's ``_request`` does."""
    if subject is None and args:
        subject = "/".join(args[:2])
    conditional = method != "GET" and any(parameters.get(name) is not None for name in _CONDITIONS)
    attempts, in_doubt = self.objfs_retries.begin(), False
    while True:
        try:
            return await once(
                self,
                method,
                path,
                *args,
                headers=headers,
                json=json,
                data=data,
                subject=subject,
                raw=raw,
                attempt=attempts.number,
                **parameters,
            )
        except OSError as error:
            status = status_of(error)
            if in_doubt and method == "DELETE" and status == _GONE:
                return status, {}, None, b""
            if in_doubt and conditional and status in REFUSALS:
                raise ConnectionResetError(errno.ECONNRESET, IN_DOUBT, subject) from error
            # The server may have carried it out.
            unheard = status is None and error.errno != errno.ECONNREFUSED
            in_doubt = in_doubt or unheard or status in UNCLEAR_STATUSES
            if not may_help(error) or not await paused(attempts):
                raise


def may_help(error: OSError) -> bool:
    """Whether the same request may be answered otherwise: the server is busy, or the connection broke."""
    status = status_of(error)
    return not isinstance(error, PermissionError) if status is None else status in RETRIED_STATUSES


async def paused(attempts: Attempts) -> bool:
    """Wait before the next attempt; False where there is to be none."""
    wait = attempts.pause()
    if wait is None:
        return False
    await asyncio.sleep(wait)
    return True


async def once(
    self: Any,
    method: str,
    path: str,
    *args: str,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    data: Any = None,
    subject: str | None = None,
    raw: bool = False,
    attempt: int = 1,
    **parameters: Any,
) -> tuple[int, Any, Any, bytes]:
    """One request, and one more with other credentials where these are refused.

    With ``raw`` the bytes of an object that is stored compressed come as they are stored
    (https://cloud.google.com/storage/docs/transcoding).
    """
    import aiohttp
    from yarl import URL

    session = await self._set_session()
    refresher = self.objfs_refresher
    options: dict[str, Any] = {} if self.requests_timeout is None else {"timeout": _timeout(self.requests_timeout)}
    sent = {**(headers or {}), "Accept-Encoding": "gzip"} if raw else headers

    attempts = count(attempt)

    async def send() -> tuple[int, Any, Any, bytes]:
        if not observing.observers:
            return await ask(lambda _: None)
        number = next(attempts)
        size = len(data) if isinstance(data, bytes | bytearray | memoryview) else 0
        url = self._format_path(path, args)
        with watched_gcs(
            url, method, path, args, subject, parameters, headers=sent or {}, sent=size, attempt=number
        ) as follow:
            return await ask(follow)

    async def ask(follow: Callable[[Any], None]) -> tuple[int, Any, Any, bytes]:
        # A file is sent in pieces, bytes at once; aiohttp closes what it has sent.
        body = io.BytesIO(data) if isinstance(data, bytes | bytearray | memoryview) else data
        async with session.request(
            method=method,
            url=URL(self._format_path(path, args), encoded=True),
            params=self._get_params(parameters),
            json=json,
            data=body,
            headers=self._get_headers(sent),
            # 308 is the answer to a part of an upload.
            allow_redirects=False,
            auto_decompress=not raw,
            **options,
        ) as answer:
            follow(answer)
            if answer.status == _PARTIAL and "Content-Range" not in answer.headers:
                raise OSError(errno.EIO, "the answer is a part of the object, and does not say which", subject)
            contents = await (answer.read() if answer.status < 400 else _beginning(answer))
            if answer.status >= 400:
                raise refusal(answer.status, contents, subject, signed=refresher is not None)
            return answer.status, answer.headers, answer.request_info, contents

    try:
        return await (send() if refresher is None else sending(refresher, send))
    except PermissionError as error:
        if status_of(error) is None and status_of(error.__cause__) == _UNAUTHORIZED:
            raise CredentialsExpiredError(errno.EACCES, error.strerror, subject) from error.__cause__
        raise
    except (aiohttp.ClientError, TimeoutError) as error:
        raise of_transport(error, subject) from error


async def _beginning(answer: Any) -> bytes:
    """What an error says, as far as anybody reads: its body may be of any length."""
    found = bytearray()
    async for piece in answer.content.iter_any():
        found += piece
        if len(found) >= LONGEST_TEXT:
            answer.close()
            break
    return bytes(found[:LONGEST_TEXT])


def _timeout(value: Any) -> Any:
    import aiohttp

    return value if isinstance(value, aiohttp.ClientTimeout) else aiohttp.ClientTimeout(total=float(value))
