"""What obstore does not repeat by itself, or not so that it can be told: deletions, and answers that break off."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from objfs.credentials.hiding import LONGEST_TEXT
from objfs.retries import RETRIED_STATUSES, UNCLEAR_STATUSES, policy_of
from objfs.store_errors import STATUS

T = TypeVar("T")

# In the text of an error of a request that obstore has repeated. It repeats no deletion whose connection breaks, as it
# takes a POST for what must not be sent twice, and no request for its body but a GET (obstore 0.12.1).
_REPEATED: Final = re.compile(r"\bretries: [1-9]")


async def repeated(retry_config: Mapping[str, Any] | None, request: Callable[[], Awaitable[T]]) -> T:
    """Carry out a request, again when its connection breaks or stalls, or when the server is busy or has failed.

    The configuration is None where it must not be sent twice.
    """
    attempts = None if retry_config is None else policy_of(retry_config).begin()
    while True:
        try:
            return await request()
        except OSError as error:
            may_differ = _is_lost(error) or _status(error) in RETRIED_STATUSES
            if attempts is None or not may_differ or _is_repeated(error):
                raise
            wait = attempts.pause()
            if wait is None:
                raise
        await asyncio.sleep(wait)


async def deleted(retry_config: Mapping[str, Any], delete: Callable[[], Awaitable[None]]) -> None:
    """Delete an object, as `repeated` does; what is gone after a request that may have been carried out was there."""
    is_unclear = False

    async def once_more() -> None:
        nonlocal is_unclear
        try:
            await delete()
        except FileNotFoundError as error:
            if not is_unclear and not _is_repeated(error):
                raise
        except OSError as error:
            is_unclear = is_unclear or _is_lost(error) or _status(error) in UNCLEAR_STATUSES
            raise

    await repeated(retry_config, once_more)


def _is_lost(error: OSError) -> bool:
    """Whether there was no answer."""
    return isinstance(error, ConnectionError | TimeoutError)


def _is_repeated(error: OSError) -> bool:
    return _REPEATED.search(str(error.__cause__)) is not None


def _status(error: OSError) -> int | None:
    """That of the answer that obstore has translated."""
    found = re.search(STATUS, str(error.__cause__)[:LONGEST_TEXT])
    return int(found[1]) if found else None
