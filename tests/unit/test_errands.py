"""Verbs that wait for plans only: awaited on a loop, or carried out in a thread that has none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from objfs.concurrency import as_one_call, join_call
from objfs.errands import Awaited, Errand, only, run_by_hand
from objfs.steps import Local, drive

WHO: ContextVar[str] = ContextVar("who", default="nobody")


def errand(function: Callable[[], Any], *, blocks: bool = True) -> Errand[Any]:
    """An errand of one step."""
    return Errand(only(Local(function)), blocks=blocks)


async def verb(*functions: Callable[[], Any]) -> list[Any]:
    """Does errands, one after another."""
    return [await errand(function) for function in functions]


def here(each: Errand[Any]) -> Any:
    """Carry an errand out in this thread."""
    return drive(each.plan)


def test_verb_by_hand_needs_no_loop() -> None:
    """What carries out its errands gets them one by one; their results go back into it."""
    done: list[bool] = []

    def carry_out(each: Errand[Any]) -> Any:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        done.append(each.blocks)
        return drive(each.plan)

    assert run_by_hand(verb(lambda: 1, lambda: 2), carry_out) == [1, 2]
    assert done == [True, True]


def test_verb_can_be_awaited_as_well() -> None:
    """On a loop the same verb waits for a worker."""
    main = threading.get_ident()
    one, other = asyncio.run(verb(lambda: 1, threading.get_ident))
    assert (one, other == main) == (1, False)


@pytest.mark.parametrize("run", [lambda coroutine: run_by_hand(coroutine, here), asyncio.run], ids=["by-hand", "loop"])
def test_verb_may_handle_the_error_of_an_errand(run: Callable[[Any], Any]) -> None:
    """Or let it through."""

    def fail() -> None:
        raise FileNotFoundError(2, "gone")

    async def forgiving() -> str:
        try:
            await errand(fail)
        except FileNotFoundError:
            return str(await errand(lambda: "instead"))
        return "not reached"

    assert run(forgiving()) == "instead"
    with pytest.raises(FileNotFoundError, match="gone"):
        run(verb(fail))


def test_verb_is_told_of_an_interrupt() -> None:
    """So that it can clean up."""
    left: list[str] = []

    async def careful() -> None:
        try:
            await errand(lambda: None)
        finally:
            left.append("clean")

    def carry_out(_: Errand[Any]) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_by_hand(careful(), carry_out)
    assert left == ["clean"]


def test_verb_by_hand_sees_the_context_and_joins_no_call() -> None:
    """Context variables are those of the caller; a call that is going on in its loop is not the verb's."""

    async def joining() -> str:
        join_call()
        await errand(lambda: None)
        return WHO.get()

    async def outer() -> list[str]:
        WHO.set("caller")
        return [run_by_hand(joining(), here), await asyncio.to_thread(run_by_hand, joining(), here)]

    assert asyncio.run(as_one_call(outer())) == ["caller", "caller"]


def test_step_of_a_loop_is_done_there() -> None:
    """From a thread without one, by fsspec's."""

    async def answer() -> int:
        await asyncio.sleep(0)
        return 7

    async def waiting() -> int:
        found: int = await Errand(only(Awaited(answer)), blocks=False)
        return found

    assert run_by_hand(waiting(), here) == 7
    assert asyncio.run(waiting()) == 7
