"""Listings of GCS by its JSON API, page by page, and their entries under gcsfs's keys.

gcsfs's own listing strips slashes off the names of directories, takes the marker of a directory for its content, and
asserts that no answer of a server lacks a member.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

# https://cloud.google.com/storage/docs/json_api/v1/objects/list
PAGE: Final = 1000

Ask = Callable[..., Awaitable[Any]]


def entry(bucket: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """What gcsfs's ``info()`` says of an object: all that the server does, and fsspec's keys."""
    found = {**item, "name": f"{bucket}/{item['name']}", "size": int(item.get("size", 0)), "type": "file"}
    for name, source in (("mtime", "updated"), ("ctime", "timeCreated")):
        if source in item:
            found[name] = parse_time(item[source])
    if "generation" in item or "metageneration" in item:
        found["generation"], found["metageneration"] = item.get("generation"), item.get("metageneration")
    return found


def directory(bucket: str, key: str) -> dict[str, Any]:
    """What gcsfs's ``info()`` says of a directory."""
    return {"bucket": bucket, "name": f"{bucket}/{key}", "size": 0, "storageClass": "DIRECTORY", "type": "directory"}


def parse_time(text: str) -> datetime:
    """A time of the JSON API (RFC 3339, UTC)."""
    return datetime.fromisoformat(text).astimezone(UTC)


async def pages(ask: Ask, bucket: str, **parameters: Any) -> AsyncIterator[tuple[list[Any], list[str]]]:
    """Items and prefixes of a listing, one page at a time.

    Parameters
    ----------
    ask
        ``ask(method, path, *args, **parameters)`` returns the parsed answer.
    bucket
        The bucket.
    **parameters
        Of the request: ``prefix``, ``delimiter``, ``versions``, ``fields``, ``maxResults``.
    """
    given = {"maxResults": PAGE, **{name: value for name, value in parameters.items() if value}}
    while True:
        page = await ask("GET", "b/{}/o", bucket, **given)
        yield page.get("items", []), page.get("prefixes", [])
        token = page.get("nextPageToken")
        if not token:
            return
        given["pageToken"] = token


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
    async for items, prefixes in pages(ask, bucket, **given):
        for each in prefixes:
            # One slash ends the name of a directory; others are part of it.
            names[f"{each}/"] = directory(bucket, each[:-1])
        for item in items:
            if item["name"] == below and not int(item.get("size", 0)):
                continue  # the marker of the directory itself
            found = entry(bucket, item)
            if versions:
                found["name"] = f"{found['name']}#{found['generation']}"
            names[found["name"]] = found
    return sorted(names.values(), key=lambda found: found["name"])


async def everything(ask: Ask, bucket: str, begin: str, *, versions: bool) -> list[dict[str, Any]]:
    """All objects whose keys begin with some text."""
    found: list[dict[str, Any]] = []
    async for items, _ in pages(ask, bucket, prefix=begin, versions="true" if versions else None):
        found.extend(entry(bucket, item) for item in items)
    return found


def directories(path: str, objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Directories from ``path`` down that objects lie in, under the keys that gcsfs's ``find`` gives them."""
    found: dict[str, dict[str, Any]] = {}
    for each in objects:
        parent = each["name"].rpartition("/")[0]
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
