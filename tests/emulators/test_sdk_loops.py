"""The SDK plane has a client per event loop; none is left open, whichever of loop and filesystem ends first."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import objfs
from tests.servers import Server

pytest.importorskip("s3fs")


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What Python says of things that were never closed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        found: list[str] = []
        yield found
        gc.collect()
    found.extend(str(item.message) for item in caught if issubclass(item.category, ResourceWarning))
    assert found == []


def made(server: Server) -> Any:
    """A filesystem of its own."""
    return objfs.S3FileSystem(engine="sdk", skip_instance_cache=True, **server.options)


def test_sdk_plane_closes_its_client_when_the_loop_ends(
    moto_server: Server, bucket: str, complaints: list[str]
) -> None:
    """Each ``asyncio.run`` has a loop of its own, and a client that ends with it."""
    fs = made(moto_server)
    for n in range(3):
        asyncio.run(fs._pipe_file(f"{bucket}/{n}", b"x"))
    assert asyncio.run(fs._ls(bucket, detail=False)) == [f"{bucket}/{n}" for n in range(3)]


def test_sdk_plane_forgets_the_clients_of_ended_loops(moto_server: Server, bucket: str) -> None:
    """A thousand calls of ``asyncio.run`` do not keep a thousand clients."""
    fs = made(moto_server)
    for n in range(5):
        asyncio.run(fs._pipe_file(f"{bucket}/{n}", b"x"))
    assert len(fs.connection.sdk._instances) == 1


def test_sdk_plane_closes_the_clients_of_a_filesystem_that_is_dropped(
    moto_server: Server, bucket: str, complaints: list[str]
) -> None:
    """A loop that goes on for ever, such as zarr's, is not left with open clients."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    async def turn() -> int:
        # A few rounds of the loop, in which what was scheduled is carried out.
        for _ in range(20):
            await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    try:
        fs = made(moto_server)
        wait(fs._pipe_file(f"{bucket}/a", b"x"))
        del fs
        gc.collect()
        assert wait(turn()) == 1
        gc.collect()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def test_sdk_plane_makes_one_client_for_calls_that_come_together(
    moto_server: Server, bucket: str, complaints: list[str]
) -> None:
    """Ten first calls at once on a loop do not each make a client, of which nine would be lost."""
    fs = made(moto_server)

    async def together() -> None:
        await asyncio.gather(*(fs._pipe_file(f"{bucket}/{n}", b"x") for n in range(10)))

    asyncio.run(together())
    assert len(fs.find(bucket)) == 10
