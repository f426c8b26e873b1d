"""Files that are given up, in every way: what was there before is there still, and no upload is left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.faults.ways import FILES, OLD, PLANES, Bench, Way, bench
from tests.unit.recording import until


class Boom(Exception):
    """What goes wrong in a ``with`` block."""


def _leave_by(error: type[BaseException]) -> Callable[[Any, Any], None]:
    def leave(file: Any, content: Any) -> None:
        with contextlib.suppress(error), file:
            file.write(content)
            raise error

    return leave


def _close_a_generator(file: Any, content: Any) -> None:
    def write() -> Any:
        with file:
            file.write(content)
            yield

    generator = write()
    next(generator)
    generator.close()


def _cancel_a_task(file: Any, content: Any) -> None:
    async def write(has_written: asyncio.Event) -> None:
        with file:
            await asyncio.to_thread(file.write, content)
            has_written.set()
            await asyncio.Event().wait()

    async def main() -> None:
        has_written = asyncio.Event()
        task = asyncio.create_task(write(has_written))
        await has_written.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(main())


def _forget(file: Any, content: Any) -> None:
    file.write(content)


def _forget_in_a_cycle(file: Any, content: Any) -> None:
    file.write(content)
    holder = [file]
    holder.append(holder)


EVENTS: dict[str, Callable[[Any, Any], None]] = {
    "exception": _leave_by(Boom),
    "ctrl-c": _leave_by(KeyboardInterrupt),
    "system-exit": _leave_by(SystemExit),
    "generator-closed": _close_a_generator,
    "task-cancelled": _cancel_a_task,
    "forgotten": _forget,
    "forgotten-in-a-cycle": _forget_in_a_cycle,
}


def _give_up(way: Way, event: str, on: Bench) -> None:
    """Open a file in a way and let the event come; no reference to the file stays."""
    path = on.old(f"{event}-{way.name}")
    EVENTS[event](way.open(on, path), way.content(on))


@contextlib.contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Garbage is found when the test asks: the proxy is in this process, and none of its threads can wait for it."""
    gc.freeze()  # what a whole test run has left takes seconds to look through
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("plane", PLANES)
def test_file_that_is_given_up_changes_nothing(cloud: CloudUnderTest, plane: str, event: str, tmp_path: Path) -> None:
    """Short, long, text, packed, appended to: nobody sees anything of it, and nothing is stored."""
    with bench(cloud, plane, tmp_path) as on:
        with _collector_at_rest():
            for way in FILES:
                _give_up(way, event, on)
            if "cycle" in event:
                gc.collect()
        # An abort may be left to a thread.
        assert until(lambda: not any(thread.name == "objfs-abort" for thread in threading.enumerate()))
        for way in FILES:
            assert on.seen(f"{event}-{way.name}") == (OLD, []), way.name


@pytest.mark.parametrize("plane", PLANES)
def test_file_that_is_closed_is_there(cloud: CloudUnderTest, plane: str, tmp_path: Path) -> None:
    """In the same ways: what the test above finds is not for want of writing."""
    with bench(cloud, plane, tmp_path) as on:
        for way in FILES:
            path = on.old(way.name)
            with way.open(on, path) as file:
                file.write(way.content(on))
            body, uploads = on.seen(way.name)
            assert body is not None
            assert (len(body) > len(OLD) or not way.is_large or way.name == "packed", uploads) == (True, [])
            assert body != OLD
