"""What obstore does not repeat by itself: deletions, and requests whose answer breaks off within its body."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from objfs.retries import policy_of

T = TypeVar("T")

# In the text of an error of a request that obstore has repeated. It repeats no deletion whose connection breaks, as it
# takes a POST for what must not be sent twice, and no request for its body but a GET (obstore 0.12.1).
_REPEATED: Final = re.compile(r"\bretries: [1-9]")


async def repeated(retry_config: Mapping[str, Any] | None, request: Callable[[], Awaitable[T]]) -> T:
    """Carry out a request, again when its connection breaks or stalls; None where it must not be sent twice."""
    attempts = None if retry_config is None else policy_of(retry_config).begin()
    while True:
        try:
            return await request()
        except (ConnectionError, TimeoutError) as error:
            wait = None if attempts is None or _REPEATED.search(str(error.__cause__)) else attempts.pause()
            if wait is None:
                raise
        await asyncio.sleep(wait)


async def deleted(retry_config: Mapping[str, Any], delete: Callable[[], Awaitable[None]]) -> None:
    """Delete an object, again when the connection breaks; one that is gone then was there the first time."""
    sent = 0

    async def once_more() -> None:
        nonlocal sent
        sent += 1
        try:
            await delete()
        except FileNotFoundError as error:
            if sent == 1 and not _REPEATED.search(str(error.__cause__)):
                raise

    await repeated(retry_config, once_more)
