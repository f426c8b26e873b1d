"""Names in a bucket of GCS: levels and trees, made of pages that `gcs_pages` reads; and what one name stands for."""

from __future__ import annotations

import contextlib
import errno
from abc import ABC
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final

from objfs.peers import gcs_pages
from objfs.peers.gcs_buckets import GCSBuckets
from objfs.peers.pages import levels_found, read_all
from objfs.sdk_objects import DIRECTORY, kind_of
from objfs.types import Location

_by_name: Final = itemgetter("name")


class GCSListing(GCSBuckets, ABC):
    """Listings of one bucket."""

    async def ls(
        self,
        path: str,
        *,
        refresh: bool = False,
        names_only: bool = False,
        prefix: str = "",
        versions: bool = False,
        **keywords: Any,
    ) -> list[dict[str, Any]]:
        """One level of names, from the cache of listings where there is one."""
        if not path:
            return await self._buckets()
        listings, keeps = self._plane.dircache, self.keeps_listings and not prefix and not versions
        began, kept = listings.state, listings.level(path) if keeps and not refresh else None
        if kept is not None:
            return kept
        location = self._plane.setup.split(path)
        below = f"{location.key}/" if location.key else ""
        found: list[dict[str, Any]] = []
        if location.version is None:
            only = {"fields": gcs_pages.NAMES} if names_only and not keeps else {}
            found = await self.level(below, prefix=prefix, versions=versions, **only)
        if not found and location.key and not prefix and not await self._is_marked(location):
            found = await self._alone(location, versions=versions)
        if keeps:
            listings.keep(path, found, began)
        return found

    async def level(self, below: str, *, prefix: str, versions: bool, **more: str) -> list[dict[str, Any]]:
        """Names directly below a directory; ``more`` parameters of the requests."""
        return await gcs_pages.level(self.ask, self._bucket, below, prefix=prefix, versions=versions, **more)

    async def _is_marked(self, location: Location) -> bool:
        return location.version is None and await self.any_below(location.key)

    async def _alone(self, location: Location, *, versions: bool) -> list[dict[str, Any]]:
        """The object of a path, or all its generations."""
        if not versions:
            return [gcs_pages.entry(self._bucket, await self.resource(location.key, location.version))]
        found, _ = await gcs_pages.everything(self.ask, self._bucket, location.key, versions=True)
        name = location.path
        return [{**item, "name": f"{name}#{item['generation']}"} for item in found if item["name"] == name]

    async def _buckets(self) -> list[dict[str, Any]]:
        """The project's buckets, with a slash at the end of their names, as gcsfs has them."""
        found: list[dict[str, Any]] = []

        async def ask(token: str | None) -> tuple[Any, str | None]:
            following = {} if token is None else {"pageToken": token}
            page = await self.ask("GET", "b", project=self._setting("project") or "", **following)
            return page, page.get("nextPageToken") or None

        def take(page: Mapping[str, Any]) -> None:
            found.extend(
                [{**item, "name": f"{item['name']}/", "size": 0, "type": "directory"} for item in page.get("items", [])]
            )

        await read_all(ask, take)
        return found

    async def find(
        self,
        path: str,
        *,
        maxdepth: int | None,
        withdirs: bool | None,
        prefix: str,
        versions: bool = False,
        **keywords: Any,
    ) -> dict[str, Any]:
        """All objects below a path, a thousand for each request."""
        if not path:
            msg = "a listing of all buckets is refused; name a bucket"
            raise ValueError(msg)
        if maxdepth is not None and maxdepth < 1:
            msg = "maxdepth must be at least 1"
            raise ValueError(msg)
        location = self._plane.setup.split(path)
        below = f"{location.key}/" if location.key else ""
        found: list[dict[str, Any]] = []
        deeper: list[str] = []
        began = self._plane.dircache.state
        if location.version is None:
            found, deeper = await gcs_pages.everything(
                self.ask, self._bucket, below + prefix, versions=versions, one_level=maxdepth == 1
            )
        if not found and not deeper and location.key and not prefix:
            with contextlib.suppress(FileNotFoundError):
                found = [gcs_pages.entry(self._bucket, await self.resource(location.key, location.version))]
        if withdirs:
            names = [*(each["name"] for each in found), *deeper]
            found = sorted([*found, *(await self._directories(location, prefix, names)).values()], key=_by_name)
            if self.keeps_listings and not (prefix or versions or maxdepth):
                self._remember(path, found, began)
        if maxdepth:
            depth = location.path.count("/") + maxdepth
            found = [each for each in found if each["name"].count("/") <= depth]
        return {_name(each, versions=versions): each for each in found}

    async def kinds(
        self, path: str, *, maxdepth: int | None, withdirs: bool | None, prefix: str, **keywords: Any
    ) -> dict[str, str]:
        """The names that `find` finds and what they are; the server is asked for no more than that."""
        location = self._plane.setup.split(path)
        if not path or maxdepth is not None or location.version is not None or keywords.get("versions"):
            return await super().kinds(path, maxdepth=maxdepth, withdirs=withdirs, prefix=prefix, **keywords)
        below = f"{location.key}/" if location.key else ""
        found = await gcs_pages.kinds(self.ask, self._bucket, below + prefix)
        if not found and location.key and not prefix:
            with contextlib.suppress(FileNotFoundError):
                found = {location.path: kind_of(await self.info(location))}
        if withdirs:
            directories = await self._directories(location, prefix, list(found))
            found.update(dict.fromkeys(directories, DIRECTORY))
            found = {name: found[name] for name in sorted(found)}
        return found

    def _remember(self, path: str, found: list[dict[str, Any]], began: object) -> None:
        """Keep each level of a tree."""

        def directory(name: str) -> dict[str, Any]:
            return gcs_pages.directory(self._bucket, name[len(self._bucket) + 1 :])

        self._plane.dircache.keep_tree(path, levels_found(path, found, directory), began)

    async def _directories(self, location: Location, prefix: str, names: list[str]) -> dict[str, dict[str, Any]]:
        """The directories that names below a path lie in, and folders that are there, by name."""
        top = f"{location.path}/{prefix}" if prefix else location.path
        held = [f"{self._bucket}/{name}" for name in await self.folders(location.key)]
        kept = [each for each in held if not prefix or each.startswith(top)]
        return gcs_pages.directories(top, names + kept)

    # -- one object -----------------------------------------------------------------------------------------------

    async def resource(self, key: str, version: str | None = None) -> dict[str, Any]:
        """What the JSON API says about an object; from a listing where its own description is forbidden."""
        try:
            found = await self.ask("GET", "b/{}/o/{}", self._bucket, key, generation=version)
        except PermissionError:
            listed = await self._listed(key, version)
            if listed is None:
                raise
            return listed
        if not isinstance(found, dict) or not isinstance(found.get("name"), str):
            raise OSError(errno.EIO, "the answer does not describe an object", f"{self._bucket}/{key}")
        told: dict[str, Any] = found
        return told

    async def _listed(self, key: str, version: str | None) -> dict[str, Any] | None:
        """The object in a listing; None where that is forbidden too."""
        versions = "true" if version else None
        with contextlib.suppress(PermissionError):
            async for items, _ in gcs_pages.pages(self.ask, self._bucket, prefix=key, versions=versions):
                for item in items:
                    if item["name"] == key and version in (None, item.get("generation")):
                        return dict(item)
                # The key itself is the first one that begins with it; its generations may fill pages.
                if not items or items[-1]["name"] != key:
                    break
            raise FileNotFoundError(errno.ENOENT, "no such object", f"{self._bucket}/{key}")
        return None

    async def info(self, location: Location, **keywords: Any) -> dict[str, Any]:
        """What gcsfs says, asked of the server."""
        if not location.key:
            return await self.describe()
        try:
            return gcs_pages.entry(self._bucket, await self.resource(location.key, location.version))
        except FileNotFoundError:
            if location.version is None and await self.any_below(location.key):
                return gcs_pages.directory(self._bucket, location.key)
            raise

    # -- folders, which most buckets have none of -----------------------------------------------------------------

    async def has_folders(self) -> bool:
        """Whether the bucket has folders, which are more than beginnings of keys."""
        return False

    async def folders(self, key: str) -> list[str]:
        """The folders from ``key`` down, the deepest first; their names end in ``/``."""
        return []

    async def make_folder(self, key: str, *, parents: bool) -> bool:
        """Create a folder; False where the bucket has none."""
        return False

    async def remove_folder(self, key: str) -> bool:
        """Delete an empty folder; False where the bucket has none."""
        return False

    async def rename_folder(self, source: str, target: str) -> bool:
        """Give a folder, and all in it, another name; False where there is no such folder."""
        return False


def _name(item: Mapping[str, Any], *, versions: bool) -> str:
    return f"{item['name']}#{item['generation']}" if versions and "generation" in item else str(item["name"])
