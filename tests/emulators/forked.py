"""Work done in a forked child of the test's process."""

from __future__ import annotations

import contextlib
import multiprocessing
import warnings
from collections.abc import Callable, Iterator
from typing import Any

WAIT_SECONDS = 30


@contextlib.contextmanager
def forking(work: Callable[..., None], *arguments: Any, duplex: bool = False) -> Iterator[Any]:
    """Run ``work(end, *arguments)`` in a forked child; gives this process's end of a pipe to it.

    The child is killed at the end of the block, also where it hangs.
    """
    context: Any = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=duplex)
    process = context.Process(target=work, args=(theirs, *arguments))
    with warnings.catch_warnings():
        # The parent has threads, those of fsspec and obstore; that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        ours.close()


def received(end: Any) -> Any:
    """What a child has sent; its exception is raised here, and one that says nothing hangs."""
    assert end.poll(WAIT_SECONDS), "the forked child hangs"
    answer = end.recv()
    if isinstance(answer, BaseException):
        raise answer
    return answer


def in_child(work: Callable[..., Any], *arguments: Any) -> Any:
    """What ``work(*arguments)`` returns in a forked child."""

    def child(end: Any) -> None:
        try:
            end.send(work(*arguments))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent shows it
            end.send(error)

    with forking(child) as end:
        return received(end)
