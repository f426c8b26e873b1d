"""Names in a bucket of S3: levels and trees, made of pages that `s3_pages` reads."""

from __future__ import annotations

import errno
import os
from abc import ABC
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any, Final

from objfs.concurrency import run_bounded
from objfs.errors import CredentialsError
from objfs.peers.pages import as_listing, levels, read_all, require_names
from objfs.peers.s3_pages import Listed, directory
from objfs.sdk_objects import DIRECTORY, FILE, SdkObjects
from objfs.types import Location

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
PAGE: Final = 1000
# Listings of such a bucket have an order of their own, and prefixes in them end in a slash
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-differences.html).
_DIRECTORY_BUCKET: Final = "--x-s3"

_by_name: Final = itemgetter("name")


class S3Listing(SdkObjects, ABC):
    """Listings of one bucket."""

    async def ls(
        self, path: str, *, refresh: bool = False, names_only: bool = False, **keywords: Any
    ) -> list[dict[str, Any]]:
        """One level of names."""
        location = self._plane.setup.split(path)
        if not location.bucket and not any(keywords.values()):
            with as_listing():
                return list(await self._plane.call("_ls", path, detail=True, refresh=refresh))
        if not self._is_plain(location, keywords):
            return list(await self._plane.call("_ls", path, detail=True, refresh=refresh, **keywords))
        found = await self._level(location.key, refresh=refresh, names_only=names_only and not self.keeps_listings)
        return found if found or not location.key else [await self._alone(location)]

    async def find(
        self, path: str, *, maxdepth: int | None, withdirs: bool | None, prefix: str, **keywords: Any
    ) -> dict[str, Any]:
        """All objects below a path, a thousand for each request."""
        location = self._plane.setup.split(path)
        if not self._is_plain(location, keywords):
            found: dict[str, Any] = await self._plane.call(
                "_find", path, maxdepth=maxdepth, withdirs=withdirs, detail=True, prefix=prefix, **keywords
            )
            return found
        if maxdepth:
            return await self._levels(location, maxdepth, bool(withdirs), prefix)
        entries: list[dict[str, Any]] = []
        began = self._plane.dircache.state
        await self._read(_base(location.key) + prefix, lambda page: entries.extend(page.entries()))
        entries.sort(key=_by_name)
        require_names(map(_by_name, (*entries[:1], *entries[-1:])), f"{self._bucket}/{_base(location.key)}{prefix}")
        if not prefix:
            self._remember(path, entries, began)
        if not entries and location.key and not prefix:
            entries = await self._object_alone(location)
        if withdirs:
            entries = sorted([*entries, *map(directory, _parents(map(_by_name, entries), path))], key=_by_name)
        return {each["name"]: each for each in entries}

    async def kinds(
        self, path: str, *, maxdepth: int | None, withdirs: bool | None, prefix: str, **keywords: Any
    ) -> dict[str, str]:
        """The names that `find` finds and what they are."""
        location = self._plane.setup.split(path)
        if not self._is_plain(location, keywords) or maxdepth or self.keeps_listings:
            return await super().kinds(path, maxdepth=maxdepth, withdirs=withdirs, prefix=prefix, **keywords)
        found: dict[str, str] = {}
        begin = _base(location.key) + prefix
        await self._read(begin, lambda page: found.update(page.kinds()))
        require_names(found, f"{self._bucket}/{begin}")
        if not found and location.key and not prefix:
            found = {each["name"]: each["type"] for each in await self._object_alone(location)}
        if withdirs:
            found.update(dict.fromkeys(_parents(list(found), path), DIRECTORY))
        return {name: found[name] for name in sorted(found)}

    async def page(
        self, prefix: str, *, start_after: str | None, limit: int, token: Any
    ) -> tuple[list[dict[str, Any]], Any]:
        """At most a thousand objects, as s3fs's ``find`` describes them."""
        given = {"StartAfter": start_after, "ContinuationToken": token}
        told = {name: value for name, value in given.items() if value}
        with as_listing():
            page = await self._page(prefix, MaxKeys=min(limit, PAGE), **told)
            return sorted(page.entries(), key=_by_name), page.token

    def _is_plain(self, location: Location, keywords: Mapping[str, Any]) -> bool:
        """Whether a listing is one of objects as they are now; s3fs makes those of buckets and of versions."""
        aware = self._plane.setup.settings.value("version_aware", False)
        return bool(location.bucket and location.version is None and not aware and not any(keywords.values()))

    # -- pages ----------------------------------------------------------------------------------------------------

    async def _page(self, prefix: str, **parameters: Any) -> Listed:
        answer = await self._plane.call(
            "objfs_list_page", f"{self._bucket}/{prefix}", self._bucket, Prefix=prefix, **parameters
        )
        return Listed(self._bucket, answer)

    async def _read(self, prefix: str, take: Callable[[Listed], None], **parameters: Any) -> None:
        """Take in all pages of names that begin so."""

        async def ask(token: str | None) -> tuple[Listed, str | None]:
            following = {} if token is None else {"ContinuationToken": token}
            page = await self._page(prefix, **parameters, **following)
            return page, page.token

        await read_all(ask, take)

    # -- levels ---------------------------------------------------------------------------------------------------

    async def _level(
        self, key: str, prefix: str = "", *, refresh: bool = False, names_only: bool = False
    ) -> list[dict[str, Any]]:
        """What lies directly below a directory, or below those names in it that begin so; kept where asked to."""
        path, listings = f"{self._bucket}/{key}" if key else self._bucket, self._plane.dircache
        began, kept = listings.state, None if prefix or refresh else listings.level(path)
        if kept is not None:
            return kept
        found: list[dict[str, Any]] = []

        def take(page: Listed) -> None:
            found.extend(page.entries(names_only=names_only))
            found.extend(page.directories())

        await self._read(_base(key) + prefix, take, Delimiter="/")
        found.sort(key=_by_name)
        require_names(map(_by_name, (*found[:1], *found[-1:])), f"{self._bucket}/{_base(key)}{prefix}")
        if not prefix and found:
            listings.keep(path, found, began)
        return found

    async def _levels(self, location: Location, maxdepth: int, withdirs: bool, prefix: str) -> dict[str, Any]:
        """What ``maxdepth`` levels hold; directories of one level are listed side by side."""
        if maxdepth < 1:
            msg = "maxdepth must be at least 1"
            raise ValueError(msg)
        limit = int(self._plane.setup.settings.value("max_concurrency") or 10)
        found = await self._level(location.key, prefix) if prefix else await self._level_if_any(location.key)
        if not found and location.key and not prefix:
            return {each["name"]: each for each in await self._object_alone(location)}
        entries, level = list(found), found
        for _ in range(maxdepth - 1):
            keys = [each["name"][len(self._bucket) + 1 :] for each in level if each["type"] == DIRECTORY]
            below = await run_bounded([partial(self._level_if_any, key) for key in keys], limit)
            level = [each for one in below for each in one]
            entries += level
        if withdirs and not prefix:
            entries.append(directory(location.path))
        chosen = [each for each in entries if withdirs or each["type"] == FILE]
        return {each["name"]: each for each in sorted(chosen, key=_by_name)}

    async def _level_if_any(self, key: str) -> list[dict[str, Any]]:
        """A level; nothing where that is gone or forbidden, as in a walk."""
        try:
            return await self._level(key)
        except CredentialsError:
            raise
        except (FileNotFoundError, PermissionError):
            return []

    # -- one object -----------------------------------------------------------------------------------------------

    async def _alone(self, location: Location) -> dict[str, Any]:
        """The listing of an object: it is the first of all names that begin as its own."""
        if self._bucket.endswith(_DIRECTORY_BUCKET):
            found = [await self.info(location)]
        else:
            with as_listing():
                found = (await self._page(location.key, MaxKeys=1)).entries()
        if not found or found[0]["name"] != location.path or found[0]["type"] != FILE:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), location.path)
        return found[0]

    async def _object_alone(self, location: Location) -> list[dict[str, Any]]:
        """The object that a path names, as ``info()`` describes it."""
        try:
            return [await self.info(location)]
        except FileNotFoundError:
            return []

    # -- the cache ------------------------------------------------------------------------------------------------

    def _remember(self, path: str, entries: list[dict[str, Any]], began: object) -> None:
        """Keep each level of a tree."""
        if not self.keeps_listings:
            return
        parents = _parents(map(_by_name, entries), path)
        found = levels([*entries, *(directory(name) for name in parents if name != path)])
        self._plane.dircache.keep_tree(path, found, began)


def _base(key: str) -> str:
    return f"{key}/" if key else ""


def _parents(names: Iterable[str], path: str) -> list[str]:
    """The directories from ``path`` down that names lie in; the bucket is none."""
    found: dict[str, None] = {}
    for name in names:
        parent = name.rpartition("/")[0]
        while len(parent) >= len(path) and "/" in parent and parent not in found:
            found[parent] = None
            parent = parent.rpartition("/")[0]
    return list(found)
