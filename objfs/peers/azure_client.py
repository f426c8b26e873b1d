"""The blob service client of one configuration and loop, told everything that adlfs has no keyword for."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import io
import os
import tempfile
import weakref
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fsspec.asyn import get_loop

from objfs import observing
from objfs.clouds._backends import CLIENT_DEFAULTS, retry_config
from objfs.clouds.azure_backends import client_keywords, service_url
from objfs.concurrency import close_with_loop
from objfs.peers.azure_blobs import check_span
from objfs.peers.azure_retries import retry_policy
from objfs.peers.watching import watched_azure
from objfs.retries import policy_of, repeat_nothing

if TYPE_CHECKING:
    from objfs.options import Settings

_CONNECTION: Final = {
    "connection_timeout": CLIENT_DEFAULTS["connect_timeout"].total_seconds(),
    "read_timeout": CLIENT_DEFAULTS["read_timeout"].total_seconds(),
    "connection_data_block_size": 256 << 10,
}
# From here on aiohttp warns of a body that is sent in one piece.
_LARGE_BYTES: Final = 1 << 20
_CLOSING_SECONDS: Final = 1.0

_transports: weakref.WeakSet[Any] = weakref.WeakSet()
# Connections of a parent process: a forked child must neither use nor close them.
_abandoned: list[Any] = []


def service_client(settings: Settings, credential: Any) -> Any:
    """An ``azure.storage.blob.aio.BlobServiceClient`` at the endpoint of the settings; nothing is sent yet."""
    from azure.storage.blob.aio import BlobServiceClient

    keywords: dict[str, Any] = {"user_agent": "objfs", **_CONNECTION, **client_keywords(settings)}
    keywords["retry_policy"] = retry_policy(policy_of(retry_config(settings)))
    certificate = _certificate_in_a_file(keywords)
    if settings.value("secondary_endpoint") or settings.value("location_mode") == "secondary":
        parts = urlsplit(service_url(settings, secondary=True))
        keywords["secondary_hostname"] = f"{parts.netloc}{parts.path}"
    keywords["_location_mode"] = settings.value("location_mode", "primary")
    transport = _transport_class()(**keywords)
    _transports.add(transport)
    url = service_url(settings)
    transport.objfs_base = urlsplit(url).path
    client: Any = BlobServiceClient(url, credential=credential, transport=transport, **keywords)
    client.objfs_certificate = certificate  # the file goes with the client
    return client


@functools.cache
def _transport_class() -> Any:
    from azure.core.pipeline.transport import AioHttpTransport

    class Transport(AioHttpTransport):  # type: ignore[misc]
        """aiohttp, which gets large bodies as files, so that it sends them in pieces."""

        async def open(self) -> None:
            await super().open()
            if self.session is not None:
                repeat_nothing(self.session)

        def _get_request_data(self, request: Any) -> Any:
            data = super()._get_request_data(request)
            return io.BytesIO(data) if isinstance(data, bytes) and len(data) > _LARGE_BYTES else data

        async def send(self, request: Any, **config: Any) -> Any:
            if not observing.observers:
                answer = await super().send(request, **config)
            else:
                with watched_azure(self.objfs_base, request) as follow:
                    answer = await super().send(request, **config)
                    follow(answer.internal_response)
            check_span(request.headers, answer.status_code, answer.headers)
            return answer

    return Transport


def _certificate_in_a_file(keywords: dict[str, Any]) -> Any:
    """A certificate that is given as text is put into a file, where the client wants it."""
    text = keywords.get("connection_verify")
    if not isinstance(text, str) or "-----BEGIN" not in text:
        return None
    file = tempfile.NamedTemporaryFile("w", suffix=".pem")  # noqa: SIM115 - lives as long as the client
    file.write(text)
    file.flush()
    keywords["connection_verify"] = file.name
    return file


# -- closing ------------------------------------------------------------------------------------------------------


async def close_in_time(instance: Any) -> None:
    """Have the client of an instance closed with the running loop, or soon after the instance is collected."""
    await close_with_loop(instance, instance.service_client.close)


def close_at_last(instance: Any) -> None:
    """Have the client of fsspec's own loop, which never ends, closed with the instance or the process."""
    weakref.finalize(instance, _close_soon, get_loop(), instance.service_client, os.getpid()).atexit = False


def _close_soon(loop: asyncio.AbstractEventLoop, client: Any, pid: int) -> None:
    if loop.is_running() and pid == os.getpid():
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: loop.create_task(client.close()))


@atexit.register
def _close_all() -> None:
    loop = get_loop()
    for transport in list(_transports):
        session = transport.session
        if session is not None and session._loop is loop and loop.is_running():  # noqa: SLF001 - not told otherwise
            with contextlib.suppress(Exception):
                asyncio.run_coroutine_threadsafe(transport.close(), loop).result(_CLOSING_SECONDS)


def _abandon_in_child() -> None:
    for transport in list(_transports):
        session = transport.session
        connector = None if session is None else session.connector
        if connector is not None:
            session.detach()
            # Closing would take the parent's sockets out of the selector that both processes share.
            connector._closed = True  # noqa: SLF001 - there is no other way to say so
            _abandoned.append(connector)
    _transports.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_in_child)
