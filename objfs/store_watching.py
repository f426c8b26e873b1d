"""Requests of the data plane that tell of themselves, for as long as somebody watches."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any, Final, TypeVar

from objfs.observing import UNFINISHED, Watch
from objfs.store_errors import STATUS
from objfs.types import ByteRange, Chunk, ObjectInfo

T = TypeVar("T")

# object_store says how often it has repeated a request in the text of the error that it gives up with.
_REPEATED: Final = r"after (\d+) retries"


class Watched:
    """What makes a request one that is watched.

    Parameters
    ----------
    begin
        A `Watch`, from ``attempt``, the number of the attempt.
    translate
        The exception that users catch for one of obstore's.
    """

    __slots__ = ("_attempts", "_begin", "_translate")

    def __init__(self, begin: Callable[..., Watch], translate: Callable[[Exception], BaseException]) -> None:
        self._begin, self._translate = begin, translate
        self._attempts = count(1)

    def now(self, request: Callable[[], T]) -> Callable[[], T]:
        """The same request, which blocks."""

        def call() -> T:
            watch = self._begin(attempt=next(self._attempts))
            try:
                answer = request()
            except BaseException as error:
                watch.end(**self._failure(error))
                raise
            watch.end(**_success(answer))
            return answer

        return call

    def soon(self, request: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
        """The same request, awaited."""

        async def call() -> T:
            watch = self._begin(attempt=next(self._attempts))
            try:
                answer = await request()
            except BaseException as error:
                watch.end(**self._failure(error))
                raise
            watch.end(**_success(answer))
            return answer

        return call

    def upload(
        self,
        request: Callable[[Iterator[Any]], T],
        pieces: Iterator[Any],
        requests: Callable[[int], int],
    ) -> T:
        """Carry an upload in parts out; ``requests`` tells how many there are for so many bytes."""
        watch = self._begin(attempt=next(self._attempts))
        try:
            answer = request(watch.counted(pieces))
        except BaseException as error:
            watch.end(**{**self._failure(error), "requests": requests(watch.sent)})
            raise
        watch.end(requests=requests(watch.sent))
        return answer

    def _failure(self, error: BaseException) -> dict[str, Any]:
        if not isinstance(error, Exception):
            return {"error": UNFINISHED}
        text = str(error)
        status, repeated = re.search(STATUS, text), re.search(_REPEATED, text)
        return {
            "error": type(self._translate(error)).__name__,
            "status": int(status[1]) if status else None,
            "requests": 1 + int(repeated[1]) if repeated else 1,
        }


def _success(answer: Any) -> dict[str, Any]:
    if isinstance(answer, Chunk):
        return {
            "received": len(answer.data),
            "found": ByteRange(answer.start, answer.stop),
            "size": answer.info.size,
        }
    return {"size": answer.size} if isinstance(answer, ObjectInfo) else {}
