"""Plans: generators that say which requests they need and are given the answers.

A plan makes no request itself, so that what is planned stands in one place for both ways to carry it out: `drive`
blocks a worker thread with calls of the data plane, `drive_async` awaits either plane.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from fsspec.asyn import get_loop

from objfs.concurrency import carry, run_bounded, wait_for
from objfs.records import record
from objfs.sdk_objects import SdkObjects
from objfs.store import Store
from objfs.types import ByteRange, Chunk, Location, ObjectInfo, Suffix
from objfs.workers import has_room, run_many, wait_for_worker

T = TypeVar("T")


_NO_TURN: Final = contextlib.nullcontext()


class Step(Protocol):
    """Something to wait for."""

    def now(self) -> Any:
        """Do it, blocking."""
        ...

    async def soon(self) -> Any:
        """Do it, awaited."""
        ...


Plan: TypeAlias = Generator[Step, Any, T]
Objects: TypeAlias = Store | SdkObjects


@record
class Get:
    """Read an object or a range of it: a `Chunk`.

    Parameters
    ----------
    is_large
        Whether it waits for its turn among the large requests of all calls.
    """

    objects: Objects
    location: Location
    wanted: ByteRange | Suffix | None
    if_match: str | None
    is_large: bool = False

    def now(self) -> Chunk:
        """Read, blocking."""
        objects, location = self.objects, self.location
        if not isinstance(objects, Store):
            return wait_for(self.soon(), get_loop())
        with objects.large_requests.turn() if self.is_large else _NO_TURN:
            return objects.get_now(location.key, self.wanted, if_match=self.if_match, version=location.version)

    async def soon(self) -> Chunk:
        """Read, awaited; by a worker where one has time, which costs half as much as obstore's own futures."""
        if isinstance(self.objects, Store) and has_room():
            return await wait_for_worker(self.now)
        return await self.objects.get(
            self.location.key, self.wanted, if_match=self.if_match, version=self.location.version
        )


@record
class Head:
    """Describe an object: an `ObjectInfo`."""

    objects: Objects
    location: Location

    def now(self) -> ObjectInfo:
        """Ask, blocking."""
        if not isinstance(self.objects, Store):
            return wait_for(self.soon(), get_loop())
        return self.objects.head_now(self.location.key, version=self.location.version)

    async def soon(self) -> ObjectInfo:
        """Ask, awaited, as `Get.soon` reads."""
        if isinstance(self.objects, Store) and has_room():
            return await wait_for_worker(self.now)
        return await self.objects.head(self.location.key, version=self.location.version)


@record
class Local:
    """Call a function of this machine that may block for long."""

    function: Callable[[], Any]

    def now(self) -> Any:
        """Call it, blocking."""
        return self.function()

    async def soon(self) -> Any:
        """Call it in a worker."""
        return await wait_for_worker(self.function)


@record
class Part:
    """A plan that has not begun, one of several.

    Parameters
    ----------
    blocks
        Whether the data plane carries it out, which workers do best.
    begin
        Makes the plan.
    """

    blocks: bool
    begin: Callable[[], Plan[Any]]


@record
class Together:
    """Carry plans out side by side, at most ``limit`` at a time: a list of their results, in order.

    The first error ends them all.
    """

    parts: Sequence[Part]
    limit: int

    def now(self) -> list[Any]:
        """Carry them out, blocking."""
        return run_many([partial(_drive_new, part.begin) for part in self.parts], self.limit)

    async def soon(self) -> list[Any]:
        """Carry them out, awaited; what can block a worker does."""
        blocking = [part for part in self.parts if part.blocks]
        if len(blocking) == len(self.parts):
            return await wait_for_worker(self.now)
        awaited = [partial(_drive_new_async, part.begin) for part in self.parts if not part.blocks]
        if not blocking:
            return await run_bounded(awaited, self.limit)
        halves = (
            partial(wait_for_worker, Together(blocking, self.limit).now),
            partial(run_bounded, awaited, self.limit),
        )
        ours, theirs = map(iter, await run_bounded(halves, 2))
        return [next(ours if part.blocks else theirs) for part in self.parts]


def drive(plan: Plan[T]) -> T:
    """Carry a plan out, blocking."""
    try:
        step = next(plan)
        while True:
            try:
                answer = step.now()
            except Exception as error:  # noqa: BLE001 - the plan may know what to do
                step = plan.throw(error)
            else:
                step = plan.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        plan.close()


async def drive_async(plan: Plan[T]) -> T:
    """Carry a plan out, awaited."""
    try:
        step = next(plan)
        while True:
            try:
                answer = await step.soon()
            except Exception as error:  # noqa: BLE001 - the plan may know what to do
                step = plan.throw(error)
            else:
                step = plan.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
    except (KeyboardInterrupt, SystemExit) as error:
        carry(error)
    finally:
        plan.close()


def _drive_new(begin: Callable[[], Plan[T]]) -> T:
    return drive(begin())


async def _drive_new_async(begin: Callable[[], Plan[T]]) -> T:
    return await drive_async(begin())
