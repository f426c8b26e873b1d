"""Pages of a listing, the next one on its way while one is taken in; and what is no listing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any, Final, TypeVar

from objfs.errors import ObjfsError

Page = TypeVar("Page")

# What reading anything else than a listing raises: here, in JSON, and in the parsers of the SDKs.
_UNREADABLE: Final = (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)


class Tokens:
    """The tokens of pages that were asked for, of which none comes twice in a listing that ends."""

    def __init__(self) -> None:
        self._asked: set[str] = set()

    def add(self, token: Any) -> None:
        """Note a token.

        Raises
        ------
        OSError
            The server would have the same page asked for for ever.
        """
        told = repr(token)
        if told in self._asked:
            raise OSError(errno.EIO, "the listing does not end: the server gave the same token again")
        self._asked.add(told)


@contextlib.contextmanager
def as_listing() -> Iterator[None]:
    """Turn what an answer raises that is no listing into an OSError: a server's mistake is not the caller's."""
    try:
        yield
    except ObjfsError:
        raise
    except _UNREADABLE as error:
        raise OSError(errno.EIO, f"the answer is not a listing ({type(error).__name__})") from error


def require_names(names: Iterable[str], begin: str) -> None:
    """Refuse names that were not asked for: what deletes or copies a tree must not leave it.

    Raises
    ------
    OSError
        One does not begin with ``begin``.
    """
    for name in names:
        if not name.startswith(begin):
            raise OSError(errno.EIO, f"the server listed {name!r} among what begins with {begin!r}")


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
        An answer is not a page of a listing, or the listing does not end.
    """
    with as_listing():
        page, token = await ask(None)
        asked = Tokens()
        while token is not None:
            asked.add(token)
            coming = asyncio.ensure_future(ask(token))
            try:
                # The request goes out.
                await asyncio.sleep(0)
                take(page)
                page, token = await coming
            finally:
                coming.cancel()
        take(page)


def levels(entries: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What lies in a tree by the directories that it lies in, sorted by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in entries:
        found.setdefault(each["name"].rpartition("/")[0], []).append(each)
    return {name: sorted(level, key=itemgetter("name")) for name, level in found.items()}


def levels_found(
    path: str, found: Iterable[dict[str, Any]], directory: Callable[[str], dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """The listings that a ``find(withdirs=True)`` stands for; none where it does not tell all that they hold.

    Parameters
    ----------
    path
        Where it began.
    found
        Its entries. A marker, a name with an empty part, or an object that is called as a directory is, are in a
        listing of their directory what they are not here.
    directory
        The entry of a directory in a listing, from its name.
    """
    below = [each for each in found if each["name"].startswith(f"{path}/")]
    files = {each["name"] for each in below if each["type"] == "file"}
    parents = {each["name"].rpartition("/")[0] for each in below}
    if not parents.isdisjoint(files) or any("//" in each["name"] or each["name"].endswith("/") for each in below):
        return {}
    return levels(each if each["type"] == "file" else directory(each["name"]) for each in below)
