"""Listings of containers in the words of adlfs: complete, with exact names, asked of the server."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from operator import itemgetter
from typing import Any, Final

from objfs.clouds.azure_calls import is_directory
from objfs.concurrency import run_bounded
from objfs.peers.answers import size_of
from objfs.peers.azure_blobs import quoted
from objfs.peers.azure_pages import Listed, Pages
from objfs.peers.pages import levels_found, read_all, require_names
from objfs.sdk_objects import DIRECTORY, FILE

_BLOB_KEYS: Final = (
    "metadata",
    "creation_time",
    "deleted",
    "deleted_time",
    "last_modified",
    "content_settings",
    "remaining_retention_days",
    "archive_status",
    "last_accessed_on",
    "etag",
    "tags",
    "tag_count",
)
_CONTAINER_KEYS: Final = ("metadata", "deleted", "last_modified", "etag")
# The most that the service gives, which is what it gives where nobody asks for less.
PAGE_NAMES: Final = 5000
# Where one name is looked for: that many of its versions at a time.
_FEW: Final = 100
_VERSION_KEYS: Final = ("version_id", "is_current_version")


class Listing:
    """What is in one container.

    Parameters
    ----------
    container
        Its name; empty for the root.
    versions
        Whether the instance looks after versions.
    names_only
        Whether nobody asks for more of a blob than its name, its size and what it is.
    """

    def __init__(self, container: str, *, versions: bool, names_only: bool = False) -> None:
        self._container = container
        self._version_aware = versions
        self.keys = () if names_only else (*_BLOB_KEYS, *(_VERSION_KEYS if versions else ()))

    # -- one name -------------------------------------------------------------------------------------------------

    def container(self, properties: Any) -> dict[str, Any]:
        """A container."""
        found = {name: properties[name] for name in _CONTAINER_KEYS}
        found["metadata"] = found["metadata"] or None
        return {**found, "etag": quoted(found["etag"]), "name": properties.name, "size": None, "type": "directory"}

    def blob(self, properties: Any) -> dict[str, Any]:
        """A blob, or the marker of a directory."""
        found = {name: properties[name] for name in self.keys}
        if "etag" in found:
            found["etag"] = quoted(found["etag"])
        found["name"] = self._path(properties.name)
        if is_directory(properties.metadata or {}):
            return {**found, "size": None, "type": "directory"}
        return {**found, "size": size_of(properties.size, found["name"]), "type": "file"}

    def directory(self, key: str) -> dict[str, Any]:
        """A directory, of which nothing is known but that keys lie below it."""
        return {"name": self._path(key), "size": None, "type": "directory"}

    def levels_of(self, path: str, found: Mapping[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """The listings of the directories of a tree that was found; none where they would tell more."""
        marked = any(each["type"] == DIRECTORY and len(each) > len(self.directory("")) for each in found.values())
        if marked or not self.keys:
            return {}
        return levels_found(path, found.values(), lambda name: self.directory(name[len(self._container) + 1 :]))

    def _path(self, key: str) -> str:
        return f"{self._container}/{key}"

    # -- many names -----------------------------------------------------------------------------------------------

    async def level(
        self,
        instance: Any,
        path: str,
        refresh: bool,
        *,
        version_id: str | None = None,
        versions: bool = False,
    ) -> list[dict[str, Any]]:
        """The names directly below a path, sorted; a blob is a listing of itself.

        Raises
        ------
        FileNotFoundError
            There is nothing of that name.
        ValueError
            Versions are asked of an instance that is not version-aware.
        """
        if (version_id or versions) and not self._version_aware:
            msg = "version_id and versions need version_aware=True"
            raise ValueError(msg)
        cached = not (versions or version_id)
        began = instance.dircache.state
        kept: list[dict[str, Any]] | None = instance.dircache.level(path) if cached and not refresh else None
        if kept is not None:
            return kept
        if not self._container:
            containers = instance.service_client.list_containers(include_metadata=True)
            found = [self.container(item) async for item in containers]
        else:
            _, key, of_path = instance.split_path(path)
            found = await self._level(instance, key, version_id or of_path, versions)
        found.sort(key=lambda item: str(item["name"]))
        if cached:
            instance.dircache.keep(path, found, began)
        return found

    async def _level(self, instance: Any, key: str, version: str | None, versions: bool) -> list[dict[str, Any]]:
        prefix = f"{key}/" if key else ""
        found, marked = await self._page(instance, prefix, version, versions)
        if found or marked or not key:
            return found
        async for item in self._blobs(instance, key, version, versions):
            if item.name != key:
                # The first of all names that begin so is the shortest.
                break
            if versions or _is_wanted(item, version):
                marked = marked or is_directory(item.metadata or {})
                found.append(_versioned(self.blob(item)) if versions else self.blob(item))
        if not found:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._path(key))
        return [] if marked else found

    def _blobs(self, instance: Any, start: str, version: str | None, versions: bool) -> Any:
        client = instance.service_client.get_container_client(self._container)
        return client.list_blobs(name_starts_with=start, include=_included(version, versions), results_per_page=_FEW)

    async def _page(
        self, instance: Any, prefix: str, version: str | None = None, versions: bool = False
    ) -> tuple[list[dict[str, Any]], bool]:
        """What lies directly below a prefix, and whether a marker says that the prefix is a directory."""
        client = instance.service_client.get_container_client(self._container)
        pages = self._pages(client.walk_blobs, prefix, versions=versions or version is not None, delimiter="/")
        found: dict[str, dict[str, Any]] = {}
        several: list[dict[str, Any]] = []
        marks: list[dict[str, Any]] = []

        def take(page: Listed) -> None:
            for entry in page.blobs(self.blob):
                if entry["name"] == self._path(prefix):
                    marks.append(entry)
                elif versions:
                    several.append(_versioned(entry))
                elif version is None or entry["version_id"] == version:
                    before = found.get(entry["name"])
                    if before is not None and entry["type"] == FILE:
                        several.append(before)
                    found[entry["name"]] = entry
            for name in page.prefixes():
                folder = self.directory(name[:-1])
                # With a hierarchy the directory is a blob of its own, which tells more.
                if found.get(folder["name"], folder)["type"] == DIRECTORY:
                    found.setdefault(folder["name"], folder)
                else:
                    several.append(folder)

        await read_all(pages.ask, take)
        require_names(found, self._path(prefix))
        return [*found.values(), *several], bool(marks)

    def _pages(self, list_blobs: Any, start: str, **keywords: Any) -> Pages:
        given: dict[str, Any] = {"name_starts_with": start, "results_per_page": PAGE_NAMES, **keywords}
        return Pages(list_blobs, self._container, self.keys, **given)

    async def page(self, client: Any, prefix: str, limit: int, token: Any) -> tuple[list[dict[str, Any]], Any]:
        """The blobs of one page, and the token of the next one."""
        pages = self._pages(client.list_blobs, prefix, results_per_page=limit, token=token)
        page, following = await pages.ask()
        found = [entry for entry in page.blobs(self.blob) if entry["type"] == FILE]
        return sorted(found, key=itemgetter("name")), following

    async def below(
        self, instance: Any, path: str, maxdepth: int | None, withdirs: bool, prefix: str, limit: int
    ) -> dict[str, dict[str, Any]]:
        """All blobs below a path by name; with ``withdirs`` the directories that they lie in, too.

        At most ``limit`` directories are listed at a time.
        """
        from azure.core.exceptions import ResourceNotFoundError

        _, key, version = instance.split_path(path)
        base = f"{key}/" if key else ""
        start = base + prefix.strip("/")
        try:
            if maxdepth is None:
                found = await self._below(instance, base, start, withdirs)
            else:
                found = await self._levels(instance, start, maxdepth, limit)
            if not found and key and not prefix:
                client = instance.service_client.get_blob_client(self._container, key)
                entry = self.blob(await client.get_blob_properties(version_id=version))
                found = {entry["name"]: entry} if entry["type"] == FILE else {}
        except ResourceNotFoundError:
            return {}
        kinds = (FILE, DIRECTORY) if withdirs else (FILE,)
        return {name: found[name] for name in sorted(found) if found[name]["type"] in kinds}

    async def _below(self, instance: Any, base: str, start: str, withdirs: bool) -> dict[str, dict[str, Any]]:
        client = instance.service_client.get_container_client(self._container)
        found: dict[str, dict[str, Any]] = {}

        def take(page: Listed) -> None:
            for entry in page.blobs(self.blob):
                _put(found, entry)

        await read_all(self._pages(client.list_blobs, start).ask, take)
        require_names(found, self._path(start))
        if withdirs:
            for name in _parents(list(found), self._path(base)):
                found.setdefault(name, {"name": name, "type": DIRECTORY, "size": 0})
        return found

    async def _levels(self, instance: Any, start: str, maxdepth: int, limit: int) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        starts = [start]
        for _ in range(maxdepth):
            pages = await run_bounded([partial(self._page, instance, each) for each in starts], limit)
            entries = [entry for page, _ in pages for entry in page]
            for entry in entries:
                # As find() has it, other than ls().
                _put(found, {**entry, "size": entry["size"] or 0})
            directories = [entry["name"] for entry in entries if entry["type"] == DIRECTORY]
            starts = [f"{name[len(self._container) + 1 :]}/" for name in directories]
        return found


def _put(found: dict[str, dict[str, Any]], entry: dict[str, Any]) -> None:
    """A file takes the place of a directory of the same name: what ``find`` promises are the files."""
    before = found.get(entry["name"])
    if before is None or before["type"] == "directory":
        found[entry["name"]] = entry


def _parents(names: Iterable[str], base: str) -> Iterator[str]:
    """The directories that names lie in, below a base that ends in a slash; the container is none."""
    found = set()
    for name in names:
        parent = name.rpartition("/")[0]
        while len(parent) >= len(base) and parent.partition("/")[2] and parent not in found:
            found.add(parent)
            yield parent
            parent = parent.rpartition("/")[0]


def _versioned(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry under a name that says which version it is."""
    version = entry["version_id"]
    return {**entry, "name": f"{entry['name']}?versionid={version}"} if version else entry


def _included(version: str | None, versions: bool) -> list[str]:
    """What a listing is asked for beside the names."""
    return ["metadata", "versions"] if version or versions else ["metadata"]


def _is_wanted(item: Any, version: str | None) -> bool:
    """Whether an entry is the version that is asked for; the current one where none is."""
    if version is None:
        return item.version_id is None or bool(item.is_current_version)
    return bool(item.version_id == version)
