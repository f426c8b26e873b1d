"""Verbs without an event loop: coroutines that wait for nothing but plans, which any thread can carry out for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from fsspec.asyn import get_loop

from objfs.concurrency import outside_calls, wait_for
from objfs.records import record
from objfs.steps import Plan, Step, drive_async

T = TypeVar("T")

_by_hand: ContextVar[bool] = ContextVar("objfs_by_hand", default=False)


class Errand(Generic[T]):
    """A plan that a verb awaits.

    Parameters
    ----------
    plan
        What is to be done.
    blocks
        Whether workers carry it out best: all its requests are of the data plane, or block by themselves.
    """

    __slots__ = ("blocks", "plan")

    def __init__(self, plan: Plan[T], *, blocks: bool) -> None:
        self.plan, self.blocks = plan, blocks

    def __await__(self) -> Generator[Any, Any, T]:
        if _by_hand.get():
            answer: T = yield self
            return answer
        return (yield from drive_async(self.plan).__await__())


@record
class Awaited:
    """A step that only an event loop can do."""

    begin: Callable[[], Awaitable[Any]]

    def now(self) -> Any:
        """Do it on fsspec's loop, blocking."""
        return wait_for(self.soon(), get_loop())

    async def soon(self) -> Any:
        """Do it, awaited."""
        return await self.begin()


def only(step: Step) -> Plan[Any]:
    """A plan of one step; its result."""
    return (yield step)


def run_by_hand(verb: Coroutine[Any, Any, T], carry_out: Callable[[Errand[Any]], Any]) -> T:
    """Run a verb that awaits errands only.

    Parameters
    ----------
    verb
        Has not begun.
    carry_out
        Does an errand, in this thread or another, and returns its result or raises its error.
    """
    context = outside_calls()
    context.run(_by_hand.set, True)
    try:
        errand = context.run(verb.send, None)
        while True:
            try:
                answer = carry_out(errand)
            except BaseException as error:  # noqa: BLE001 - the verb may know what to do
                errand = context.run(verb.throw, error)
            else:
                errand = context.run(verb.send, answer)
    except StopIteration as end:
        result: T = end.value
        return result
