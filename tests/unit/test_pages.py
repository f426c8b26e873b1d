"""objfs.peers.pages: the next page is on its way while one is taken in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from objfs.peers.pages import read_all


def test_next_page_is_asked_for_before_one_is_taken_in() -> None:
    """Every page once, in order."""
    log: list[str] = []

    async def ask(token: int | None) -> tuple[int, int | None]:
        page = token or 0
        log.append(f"ask {page}")
        await asyncio.sleep(0)
        return page, page + 1 if page < 3 else None

    asyncio.run(read_all(ask, lambda page: log.append(f"take {page}")))
    assert log == ["ask 0", "ask 1", "take 0", "ask 2", "take 1", "ask 3", "take 2", "take 3"]


def test_failure_of_a_request_raises() -> None:
    """Pages before it are taken in, and nothing else is asked."""
    log: list[Any] = []

    async def ask(token: int | None) -> tuple[int, int | None]:
        log.append(token)
        if token == 2:
            msg = "gone"
            raise FileNotFoundError(msg)
        return token or 0, (token or 0) + 1

    with pytest.raises(FileNotFoundError, match="gone"):
        asyncio.run(read_all(ask, lambda page: log.append(f"take {page}")))
    assert log == [None, 1, "take 0", 2, "take 1"]


@pytest.mark.parametrize(
    ("interrupt", "told"),
    [
        # What cannot be read is the server's mistake.
        pytest.param(ValueError, OSError, id="unreadable"),
        pytest.param(asyncio.CancelledError, asyncio.CancelledError, id="cancelled"),
    ],
)
def test_what_ends_the_reading_ends_the_request_under_way(
    interrupt: type[BaseException], told: type[BaseException]
) -> None:
    """No task is left behind."""
    ended: list[BaseException] = []

    async def ask(token: int | None) -> tuple[int, int | None]:
        if token:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:
                ended.append(error)
                raise
        return 0, 1

    def take(_: int) -> None:
        raise interrupt

    async def read() -> None:
        with pytest.raises(told):
            await read_all(ask, take)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(read())
    assert len(ended) == 1


def test_server_that_gives_the_same_token_again_is_an_error() -> None:
    """The listing would never end."""
    asked: list[str | None] = []

    async def ask(token: str | None) -> tuple[None, str]:
        asked.append(token)
        return None, "again"

    with pytest.raises(OSError, match="same token") as raised:
        asyncio.run(read_all(ask, lambda _: None))
    assert (asked, raised.value.errno is not None) == ([None, "again"], True)
