"""Listings of containers in the words of adlfs: complete, with exact names, asked of the server."""

from __future__ import annotations

import errno
import os
from typing import Any, Final

from objfs.clouds.azure_calls import is_directory
from objfs.peers.azure_blobs import quoted

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
    """

    def __init__(self, container: str, *, versions: bool) -> None:
        self._container = container
        self._version_aware = versions

    # -- one name -------------------------------------------------------------------------------------------------

    def container(self, properties: Any) -> dict[str, Any]:
        """A container."""
        found = {name: properties[name] for name in _CONTAINER_KEYS}
        found["metadata"] = found["metadata"] or None
        return {**found, "etag": quoted(found["etag"]), "name": properties.name, "size": None, "type": "directory"}

    def blob(self, properties: Any) -> dict[str, Any]:
        """A blob, or the marker of a directory."""
        found = {name: properties[name] for name in _BLOB_KEYS}
        if self._version_aware:
            found.update({name: properties[name] for name in _VERSION_KEYS})
        found.update(etag=quoted(found["etag"]), name=self._path(properties.name))
        if is_directory(properties.metadata or {}):
            return {**found, "size": None, "type": "directory"}
        return {**found, "size": properties.size, "type": "file"}

    def directory(self, key: str) -> dict[str, Any]:
        """A directory, of which nothing is known but that keys lie below it."""
        return {"name": self._path(key), "size": None, "type": "directory"}

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
        if cached and not refresh and path in instance.dircache:
            return list(instance.dircache[path])
        if not self._container:
            containers = instance.service_client.list_containers(include_metadata=True)
            found = [self.container(item) async for item in containers]
        else:
            _, key, of_path = instance.split_path(path)
            found = await self._level(instance, key, version_id or of_path, versions)
        found.sort(key=lambda item: str(item["name"]))
        if cached:
            instance.dircache[path] = found
        return list(found)

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
                found.append(self._versioned(item) if versions else self.blob(item))
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
        include = _included(version, versions)
        found: dict[str, dict[str, Any]] = {}
        several: list[dict[str, Any]] = []
        marked = False
        async for item in client.walk_blobs(
            name_starts_with=prefix, include=include, delimiter="/", results_per_page=PAGE_NAMES
        ):
            if "blob_type" not in item.keys():  # noqa: SIM118 - no mapping; a prefix is a pager of what is below
                folder = self.directory(item.name[:-1])
                # With a hierarchy the directory is a blob of its own, which tells more.
                if found.get(folder["name"], folder)["type"] == "directory":
                    found.setdefault(folder["name"], folder)
                else:
                    several.append(folder)
            elif item.name == prefix:
                marked = True
            elif versions:
                several.append(self._versioned(item))
            elif _is_wanted(item, version):
                entry = self.blob(item)
                before = found.get(entry["name"])
                if before is not None and entry["type"] == "file":
                    several.append(before)
                found[entry["name"]] = entry
        return [*found.values(), *several], marked

    def _versioned(self, item: Any) -> dict[str, Any]:
        entry = self.blob(item)
        if item.version_id:
            entry["name"] = f"{entry['name']}?versionid={item.version_id}"
        return entry

    async def below(
        self, instance: Any, path: str, maxdepth: int | None, withdirs: bool, prefix: str
    ) -> dict[str, dict[str, Any]]:
        """All blobs below a path by name; with ``withdirs`` the directories that they lie in, too."""
        from azure.core.exceptions import ResourceNotFoundError

        _, key, version = instance.split_path(path)
        base = f"{key}/" if key else ""
        start = base + prefix.strip("/")
        try:
            found = await self._below(instance, base, start, maxdepth)
            if not found and key and not prefix:
                client = instance.service_client.get_blob_client(self._container, key)
                entry = self.blob(await client.get_blob_properties(version_id=version))
                found = {entry["name"]: entry} if entry["type"] == "file" else {}
        except ResourceNotFoundError:
            return {}
        kinds = ("file", "directory") if withdirs else ("file",)
        return {name: found[name] for name in sorted(found) if found[name]["type"] in kinds}

    async def _below(self, instance: Any, base: str, start: str, maxdepth: int | None) -> dict[str, dict[str, Any]]:
        if maxdepth is not None:
            return await self._levels(instance, start, maxdepth)
        client = instance.service_client.get_container_client(self._container)
        found: dict[str, dict[str, Any]] = {}
        async for item in client.list_blobs(name_starts_with=start, include=["metadata"], results_per_page=PAGE_NAMES):
            for parent in _parents(item.name, base):
                name = self._path(parent)
                found.setdefault(name, {"name": name, "type": "directory", "size": 0})
            entry = self.blob(item)
            _put(found, entry)
        return found

    async def _levels(self, instance: Any, start: str, maxdepth: int) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        starts = [start]
        for depth in range(maxdepth):
            deeper = []
            for each in starts:
                for entry in (await self._page(instance, each))[0]:
                    if entry["type"] == "directory":
                        deeper.append(f"{entry['name'][len(self._container) + 1 :]}/")
                    # As find() has it, other than ls().
                    _put(found, {**entry, "size": entry["size"] or 0})
            starts = deeper if depth + 1 < maxdepth else []
        return found


def _put(found: dict[str, dict[str, Any]], entry: dict[str, Any]) -> None:
    """A file takes the place of a directory of the same name: what ``find`` promises are the files."""
    before = found.get(entry["name"])
    if before is None or before["type"] == "directory":
        found[entry["name"]] = entry


def _parents(key: str, base: str) -> list[str]:
    """The directories between a base (``""`` or ``dir/``) and a key."""
    return [key[:at] for at in range(len(base), len(key)) if key[at] == "/" and at > len(base) - 1 and key[:at]]


def _included(version: str | None, versions: bool) -> list[str]:
    """What a listing is asked for beside the names."""
    return ["metadata", "versions"] if version or versions else ["metadata"]


def _is_wanted(item: Any, version: str | None) -> bool:
    """Whether an entry is the version that is asked for; the current one where none is."""
    if version is None:
        return item.version_id is None or bool(item.is_current_version)
    return bool(item.version_id == version)
