"""Listings of GCS by its JSON API, page by page, and their entries under gcsfs's keys.

gcsfs's own listing strips slashes off the names of directories, takes the marker of a directory for its content, and
asserts that no answer of a server lacks a member.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final

from objfs.peers.answers import size_of
from objfs.peers.pages import Tokens, as_listing, read_all, require_names
from objfs.sdk_objects import FILE, MARKER

# https://cloud.google.com/storage/docs/json_api/v1/objects/list
PAGE: Final = 1000
# Names and what tells of what kind they are.
NAMES: Final = "items(name,size,generation),prefixes,nextPageToken"

Ask = Callable[..., Awaitable[Any]]


def entry(bucket: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """What gcsfs's ``info()`` says of an object: all that the server does, and fsspec's keys."""
    found = {**item, "name": f"{bucket}/{item['name']}", "size": size_of(item.get("size", 0)), "type": "file"}
    for name, source in (("mtime", "updated"), ("ctime", "timeCreated")):
        if source in item:
            found[name] = parse_time(item[source])
    if "generation" in item or "metageneration" in item:
        found["generation"], found["metageneration"] = item.get("generation"), item.get("metageneration")
    return found


def directory(bucket: str, key: str) -> dict[str, Any]:
    """What gcsfs's ``info()`` says of a directory."""
    return {"bucket": bucket, "name": f"{bucket}/{key}", "size": 0, "storageClass": "DIRECTORY", "type": "directory"}


def parse_time(text: str) -> datetime | None:
    """A time of the JSON API (RFC 3339, UTC); None where it is none, as nothing depends on it."""
    try:
        found = datetime.fromisoformat(text)
        return found if text.endswith("Z") else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


async def pages(ask: Ask, bucket: str, **parameters: Any) -> AsyncIterator[tuple[list[Any], list[str]]]:
    """Items and prefixes of a listing, one page at a time; the next page is asked for when it is wanted.

    Parameters
    ----------
    ask
        ``ask(method, path, *args, **parameters)`` returns the parsed answer.
    bucket
        The bucket.
    **parameters
        Of the request: ``prefix``, ``delimiter``, ``versions``, ``fields``, ``maxResults``.
    """
    page_after, token, asked = _pages(ask, bucket, parameters), None, Tokens()
    while True:
        asked.add(token)
        with as_listing():
            page, token = await page_after(token)
            found = list(page.get("items", [])), list(page.get("prefixes", []))
        yield found
        if token is None:
            return


def _pages(ask: Ask, bucket: str, parameters: Mapping[str, Any]) -> Callable[[Any], Awaitable[tuple[Any, Any]]]:
    """Gives the page of a token and the token of the next page."""
    given = {"maxResults": PAGE, **{name: value for name, value in parameters.items() if value}}

    async def page_after(token: str | None) -> tuple[Any, str | None]:
        page = await ask("GET", "b/{}/o", bucket, **given, **({"pageToken": token} if token else {}))
        return page, page.get("nextPageToken") or None

    return page_after


async def level(ask: Ask, bucket: str, below: str, *, prefix: str, versions: bool, **more: str) -> list[dict[str, Any]]:
    """Names directly below a directory, sorted.

    Parameters
    ----------
    below
        The directory's key with its slash, or nothing for the bucket.
    prefix
        What names begin with.
    versions
        Old generations too; names then end in theirs.
    **more
        Further parameters of the requests.
    """
    names: dict[str, dict[str, Any]] = {}
    begin = below + prefix
    given = {"prefix": begin, "delimiter": "/", "versions": "true" if versions else None, **more}

    def take(page: Mapping[str, Any]) -> None:
        for each in page.get("prefixes", ()):
            # One slash ends the name of a directory; others are part of it.
            names[f"{bucket}/{each}/"] = directory(bucket, each[:-1])
        for item in page.get("items", ()):
            if item["name"] == below and not size_of(item.get("size", 0)):
                continue  # the marker of the directory itself
            found = entry(bucket, item)
            if versions:
                found["name"] = f"{found['name']}#{found['generation']}"
            names[found["name"]] = found

    await read_all(_pages(ask, bucket, given), take)
    require_names(names, f"{bucket}/{begin}")
    return sorted(names.values(), key=itemgetter("name"))


async def everything(
    ask: Ask, bucket: str, begin: str, *, versions: bool, one_level: bool = False
) -> tuple[list[dict[str, Any]], list[str]]:
    """All objects whose keys begin with some text; or those of one level, and the names of what goes on below it."""
    found: list[dict[str, Any]] = []
    deeper: list[str] = []

    def take(page: Mapping[str, Any]) -> None:
        found.extend([entry(bucket, item) for item in page.get("items", ())])
        deeper.extend([f"{bucket}/{each}" for each in page.get("prefixes", ())])

    given = {"prefix": begin, "versions": "true" if versions else None, "delimiter": "/" if one_level else None}
    await read_all(_pages(ask, bucket, given), take)
    require_names([*(each["name"] for each in found), *deeper], f"{bucket}/{begin}")
    return found, deeper


async def kinds(ask: Ask, bucket: str, begin: str) -> dict[str, str]:
    """Names of all objects whose keys begin with some text, and what they are; the server tells no more of them."""
    found: dict[str, str] = {}

    def take(page: Mapping[str, Any]) -> None:
        for item in page.get("items", ()):
            marks = item["name"].endswith("/") and not size_of(item.get("size", 0))
            found[f"{bucket}/{item['name']}"] = MARKER if marks else FILE

    await read_all(_pages(ask, bucket, {"prefix": begin, "fields": NAMES}), take)
    require_names(found, f"{bucket}/{begin}")
    return found


def directories(path: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Directories from ``path`` down that names lie in, under the keys that gcsfs's ``find`` gives them."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        parent = name.rpartition("/")[0]
        while len(parent) >= len(path) and parent.partition("/")[2] and parent not in found:
            found[parent] = {
                "Key": parent.partition("/")[2],
                "Size": 0,
                "name": parent,
                "StorageClass": "DIRECTORY",
                "type": "directory",
                "size": 0,
            }
            parent = parent.rpartition("/")[0]
    return found
