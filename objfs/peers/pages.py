"""Pages of a listing, the next one on its way while one is taken in."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

Page = TypeVar("Page")


async def read_all(ask: Callable[[Any], Awaitable[tuple[Page, Any]]], take: Callable[[Page], None]) -> None:
    """Take in every page of a listing, which has one request for each.

    Parameters
    ----------
    ask
        Gives a page and the token of the one after it, None after the last; its argument is the token of the page,
        None for the first.
    take
        What is done with a page, in their order. It may take its time: the next page is under way.

    Raises
    ------
    OSError
        The server would have the same page asked for for ever.
    """
    page, token = await ask(None)
    asked = None
    while token is not None:
        if token == asked:
            raise OSError(errno.EIO, "the listing does not end: the server gave the same token again")
        asked, coming = token, asyncio.ensure_future(ask(token))
        try:
            # The request goes out.
            await asyncio.sleep(0)
            take(page)
            page, token = await coming
        finally:
            coming.cancel()
    take(page)
