"""Buckets of Google that are more than names of objects: hierarchical ones, which have folders, and zonal ones.

What kind a bucket is, is asked once. Folders are the JSON API's (https://cloud.google.com/storage/docs/folders-overview);
the bytes of objects in zonal buckets are gRPC's (https://cloud.google.com/storage/docs/rapid/rapid-bucket), as gcsfs
moves them. An object in one can be seen while it is written, so all of it is gathered before; and no write takes a
condition.
"""

from __future__ import annotations

import asyncio
import errno
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from objfs.errors import PreconditionFailedError
from objfs.peers.gcs_objects import GCSObjects
from objfs.peers.gcs_requests import status_of
from objfs.peers.pages import read_all, require_names
from objfs.records import record
from objfs.types import ByteRange, Chunk, Location, Suffix, Written

if TYPE_CHECKING:
    from objfs.sdk import SdkPlane

_CONFLICT: Final = 409
_FOLDERS: Final = {"includeFoldersAsPrefixes": "true"}


@record
class Layout:
    """What kind a bucket is."""

    folders: bool = False
    zonal: bool = False


_layouts: weakref.WeakKeyDictionary[SdkPlane, dict[str, Layout]] = weakref.WeakKeyDictionary()


@dataclass
class Appending:
    """An upload to a zonal bucket."""

    data: bytearray


class GoogleObjects(GCSObjects):
    """Objects of a bucket at Google, of whatever kind the bucket is."""

    async def layout(self) -> Layout:
        """What kind the bucket is; a plain one where that may not be asked."""
        known = _layouts.setdefault(self._plane, {})
        if self._bucket not in known:
            try:
                told = await self.ask("GET", "b/{}/storageLayout", self._bucket)
            except PermissionError:
                told = {}
            zonal = told.get("locationType") == "zone"
            known[self._bucket] = Layout(zonal or bool(told.get("hierarchicalNamespace", {}).get("enabled")), zonal)
        return known[self._bucket]

    # -- folders --------------------------------------------------------------------------------------------------

    async def has_folders(self) -> bool:
        """Whether the bucket has folders."""
        return (await self.layout()).folders

    async def level(self, below: str, *, prefix: str, versions: bool, **more: str) -> list[dict[str, Any]]:
        """Names directly below a directory, empty folders too."""
        folders = _FOLDERS if await self.has_folders() else {}
        return await super().level(below, prefix=prefix, versions=versions, **folders, **more)

    async def any_below(self, prefix: str) -> bool:
        """Whether a key begins with ``prefix/``, or a folder is called so."""
        if await super().any_below(prefix):
            return True
        name = f"{prefix.rstrip('/')}/"
        if not prefix or not await self.has_folders():
            return False
        try:
            await self.ask("GET", "b/{}/folders/{}", self._bucket, name)
        except FileNotFoundError:
            return False
        return True

    async def folders(self, key: str) -> list[str]:
        """The folders from ``key`` down, the deepest first; their names end in ``/``."""
        if not await self.has_folders():
            return []
        begin = f"{key.rstrip('/')}/" if key else ""
        found: list[str] = []

        async def ask(token: str | None) -> tuple[Any, str | None]:
            following = {} if token is None else {"pageToken": token}
            page = await self.ask("GET", "b/{}/folders", self._bucket, prefix=begin, **following)
            return page, page.get("nextPageToken") or None

        await read_all(ask, lambda page: found.extend([item["name"] for item in page.get("items", [])]))
        require_names(found, begin)
        return sorted(found, key=lambda name: name.count("/"), reverse=True)

    async def make_folder(self, key: str, *, parents: bool) -> bool:
        """Create a folder; False where the bucket has none."""
        if not await self.has_folders():
            return False
        name = f"{key.rstrip('/')}/"
        try:
            await self.ask("POST", "b/{}/folders", self._bucket, json={"name": name}, recursive=str(parents).lower())
        except OSError as error:
            if status_of(error) != _CONFLICT:
                raise
        return True

    async def remove_folder(self, key: str) -> bool:
        """Delete an empty folder; False where the bucket has none."""
        if not await self.has_folders():
            return False
        try:
            await self._plane.call("_call", "DELETE", "b/{}/folders/{}", self._bucket, f"{key.rstrip('/')}/")
        except OSError as error:
            if status_of(error) == _CONFLICT:
                path = f"{self._bucket}/{key}"
                raise OSError(errno.ENOTEMPTY, "the folder is not empty", path) from error
            raise
        return True

    async def rename_folder(self, source: str, target: str) -> bool:
        """Give a folder, and all in it, another name; False where there is no such folder."""
        if not await self.has_folders():
            return False
        names = (self._bucket, f"{source.rstrip('/')}/", f"{target.rstrip('/')}/")
        try:
            running = await self.ask("POST", "b/{}/folders/{}/renameTo/folders/{}", *names)
        except FileNotFoundError:
            return False
        attempt = 0
        while not running.get("done"):
            attempt += 1
            await asyncio.sleep(min(4.0, 0.5 * 2**attempt))
            name = running["name"].rpartition("/")[2]
            running = await self.ask("GET", "b/{}/operations/{}", self._bucket, name)
        if "error" in running:
            said = running["error"].get("message", "the folder was not renamed")
            raise OSError(errno.EIO, said, f"{self._bucket}/{source}")
        return True

    # -- bytes of zonal buckets -----------------------------------------------------------------------------------

    async def get(
        self,
        key: str,
        wanted: ByteRange | Suffix | None = None,
        *,
        if_match: str | None = None,
        version: str | None = None,
    ) -> Chunk:
        """Read an object or a range of it."""
        if not (await self.layout()).zonal:
            return await super().get(key, wanted, if_match=if_match, version=version)
        info = await self.head(key, version=version)
        start, stop = _bounds(wanted, info.size)
        if isinstance(wanted, ByteRange) and start >= info.size:
            raise OSError(errno.EINVAL, "the range begins past the end", f"{self._bucket}/{key}")
        data = await self._plane.call("_cat_file", f"{self._bucket}/{key}", start=start, end=stop)
        return Chunk(data, start, info)

    async def put(
        self,
        key: str,
        data: bytes | bytearray | memoryview,
        *,
        create: bool = False,
        if_match: str | None = None,
    ) -> Written:
        """Write an object."""
        if not (await self.layout()).zonal:
            return await super().put(key, data, create=create, if_match=if_match)
        await self._compare(key, if_match)
        mode = "create" if create else "overwrite"
        await self._plane.call("_pipe_file", f"{self._bucket}/{key}", bytes(data), mode=mode)
        found = await self.head(key)
        return Written(found.e_tag, found.version)

    async def begin_upload(self, key: str, *, create: bool, if_match: str | None) -> Any:
        """Prepare an upload."""
        if not (await self.layout()).zonal:
            return await super().begin_upload(key, create=create, if_match=if_match)
        await self._compare(key, if_match)
        return Appending(bytearray())

    async def send_part(self, key: str, upload: Any, number: int, start: int, data: bytes) -> Any:
        """Send or keep a part."""
        if not isinstance(upload, Appending):
            return await super().send_part(key, upload, number, start, data)
        # An object that is appended to is seen at once: so nothing is sent before all is there.
        upload.data += data
        return number

    async def copy_part(self, key: str, upload: Any, source: str, e_tag: str | None) -> Any:
        """Join what is uploaded to an object."""
        if isinstance(upload, Appending):
            upload.data += (await self.get(key)).data
            return 1
        return await super().copy_part(key, upload, source, e_tag)

    async def complete_upload(
        self, key: str, upload: Any, parts: Sequence[Any], *, size: int, create: bool, if_match: str | None
    ) -> Written:
        """Publish the object."""
        if isinstance(upload, Appending):
            return await self.put(key, upload.data, create=create)
        return await super().complete_upload(key, upload, parts, size=size, create=create, if_match=if_match)

    async def abort_upload(self, key: str, upload: Any) -> None:
        """Give an upload up."""
        if not isinstance(upload, Appending):
            await super().abort_upload(key, upload)

    async def copy(self, source: Location, key: str, **keywords: Any) -> None:
        """Copy an object; what is in a zonal bucket is read and written again, as Google rewrites none."""
        origin = self if source.bucket == self._bucket else GoogleObjects(self._plane, source.bucket)
        if not (await self.layout()).zonal and not (await origin.layout()).zonal:
            await super().copy(source, key, **keywords)
            return
        found = await origin.get(source.key, version=source.version)
        await self.put(key, found.tobytes(), create=keywords.get("create", False))

    async def _compare(self, key: str, if_match: str | None) -> None:
        """Check a condition beforehand, as the writes of gRPC take none: another writer may come in between."""
        if if_match is not None and (await self.head(key)).version != if_match:
            msg = "the object is not in the generation that was named"
            raise PreconditionFailedError(errno.EINVAL, msg, f"{self._bucket}/{key}")


def _bounds(wanted: ByteRange | Suffix | None, size: int) -> tuple[int, int]:
    if wanted is None:
        return 0, size
    if isinstance(wanted, Suffix):
        return max(0, size - wanted.length), size
    return wanted.start, min(wanted.stop, size)
