"""Verbs that only gcsfs has: metadata, composition, native moves, ``#generation``."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Mapping, Sequence
from glob import has_magic
from typing import TYPE_CHECKING, Any, ClassVar, cast

from objfs.concurrency import run_bounded
from objfs.errors import EngineError, MissingExtraError
from objfs.filesystem import ObjectFileSystem
from objfs.peers.gcs_checks import Check, check_of
from objfs.peers.gcs_names import FIXED_KEYS

if TYPE_CHECKING:
    from objfs.peers.gcs_objects import GCSObjects
    from objfs.types import Location

_READ_BYTES = 1 << 20


def _read_into(check: Check, path: str) -> None:
    with open(path, "rb") as file:
        while data := file.read(_READ_BYTES):
            check.update(data)


class GCSVerbs(ObjectFileSystem):
    """What gcsfs can do beyond fsspec, through the SDK plane."""

    more_verbs: ClassVar[tuple[str, ...]] = ("_created", "_getxattr", "_merge", "_setxattrs")

    def _gcs(self, verb: str, location: Location) -> GCSObjects:
        """The bucket of a location on the SDK plane."""
        return cast("GCSObjects", self.connection.require_sdk(verb).objects(location.bucket))

    async def _with_folders(self, location: Location) -> GCSObjects | None:
        """The bucket of a location, where it has folders."""
        try:
            objects = self._gcs("bucket", location)
        except (MissingExtraError, EngineError):
            return None
        return objects if location.key.strip("/") and await objects.has_folders() else None

    # -- metadata -------------------------------------------------------------------------------------------------

    async def _getxattr(self, path: str, attr: str) -> str:
        """One entry of an object's own metadata."""
        location = self._key(path)
        found = await self._gcs("getxattr", location).resource(location.key, location.version)
        value: str = (found.get("metadata") or {})[attr]
        return value

    async def _setxattrs(
        self,
        path: str,
        content_type: str | None = None,
        content_encoding: str | None = None,
        fixed_key_metadata: Mapping[str, str | None] | None = None,
        **kwargs: str | None,
    ) -> dict[str, str]:
        """Change what an object has beside its bytes.

        Parameters
        ----------
        path
            The object.
        content_type, content_encoding
            Its headers; None leaves one as it is.
        fixed_key_metadata
            ``cache_control``, ``content_disposition``, ``content_encoding``, ``content_language``, ``custom_time``.
        **kwargs
            Entries of its own metadata; None removes one.

        Returns
        -------
        dict
            All of its own metadata afterwards.
        """
        location = self._key(path)
        changes: dict[str, Any] = {"metadata": kwargs}
        if content_type is not None:
            changes["contentType"] = content_type
        if content_encoding is not None:
            changes["contentEncoding"] = content_encoding
        for name, value in (fixed_key_metadata or {}).items():
            changes[FIXED_KEYS[name]] = value
        with self.writing(location.path):
            return await self._gcs("setxattrs", location).patch(location.key, changes)

    async def _merge(self, path: str, paths: Sequence[str], acl: str | None = None) -> None:
        """Make one object of the bytes of up to 32 others in its bucket."""
        location, sources = self._key(path), [self._key(each) for each in paths]
        others = {source.bucket for source in sources} - {location.bucket}
        if others:
            msg = f"objects are merged within their bucket, {location.bucket}; not from {', '.join(sorted(others))}"
            raise ValueError(msg)
        with self.writing(location.path):
            await self._gcs("merge", location).compose(location.key, sources, acl=acl)

    async def _timed(self, path: str, version_id: str | None) -> dict[str, Any]:
        """``info()`` of an object, for its times."""
        location = self._key(path, version_id)
        try:
            found = await self._info(path, version_id=version_id)
        except (MissingExtraError, EngineError):
            found = self.connection.cloud.info(location, await self._stat(location))
        if found["type"] == "directory":
            raise IsADirectoryError(errno.EISDIR, "a directory has no time of its own", path)
        return found

    async def _directory_info(self, location: Location) -> dict[str, Any]:
        """As gcsfs describes a directory."""
        found = await super()._directory_info(location)
        key = location.key.rstrip("/")
        described = {"bucket": location.bucket, "storageClass": "DIRECTORY"} if key else {}
        return {"name": found["name"], "size": 0, "type": "directory", **described}

    async def _compare(self, rpath: str, lpath: str, version: str | None, consistency: str) -> None:
        """Compare a file that was downloaded with what the server says of the object."""
        check = check_of(consistency)
        await asyncio.to_thread(_read_into, check, lpath)
        location = self._key(rpath, version)
        check.compare(await self._gcs("get_file", location).resource(location.key, location.version), location.path)

    # -- moving ---------------------------------------------------------------------------------------------------

    async def _mv_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Rename an object: with one request within its bucket, else a copy and a deletion."""
        source, target = self._key(path1), self._key(path2)
        if source.path == target.path:
            return
        with contextlib.suppress(MissingExtraError, EngineError), self.writing(source.path, target.path):
            if source.bucket == target.bucket and await self._gcs("mv", source).move(source, target.key):
                return
        await self._cp_file(path1, path2, **kwargs)
        await self._rm_file(path1)

    async def _mv(
        self,
        path1: str | list[str],
        path2: str | list[str],
        recursive: bool = False,
        maxdepth: int | None = None,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Move objects, with ``recursive`` whole trees.

        Raises
        ------
        IsADirectoryError
            ``path1`` ends in ``/`` and ``recursive`` is not set: the object of the shorter name is not meant.
        """
        if path1 == path2 or (
            recursive and maxdepth is None and isinstance(path1, str) and await self._renamed_folder(path1, path2)
        ):
            return
        pairs = await self._pairs_to_move(path1, path2, recursive=recursive, maxdepth=maxdepth)
        jobs = [lambda one=one, two=two: self._mv_file(one, two, **kwargs) for one, two in pairs]
        await run_bounded(jobs, batch_size or self._concurrency)

    async def _renamed_folder(self, path1: str, path2: str | list[str]) -> bool:
        """Rename a folder with all that is in it, where the bucket has folders; whether that was done."""
        if not isinstance(path2, str) or has_magic(path1):
            return False
        source, target = self._split(path1), self._split(path2)
        objects = await self._with_folders(source) if source.bucket == target.bucket else None
        if objects is None:
            return False
        into = path2.endswith("/") or await self._goes_below(path2)
        name = source.key.rstrip("/").rpartition("/")[2] if into and not path1.endswith("/") else ""
        with self.writing(source.path, target.path):
            return await objects.rename_folder(source.key, "/".join(filter(None, (target.key.rstrip("/"), name))))

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any) -> None:
        """Move: renames within a bucket, copies and deletions between buckets."""
        self.run_blocking(self._mv(path1, path2, recursive=recursive, maxdepth=maxdepth, **kwargs))

    # -- signed URLs ----------------------------------------------------------------------------------------------

    async def _sign(self, path: str, expiration: int = 100, **kwargs: Any) -> str:
        """A URL that opens an object for whoever has it.

        Parameters
        ----------
        path
            The object.
        expiration
            Seconds that the URL is good for.
        **kwargs
            As ``google.cloud.storage.Blob.generate_signed_url`` takes them: ``version``, ``method`` and more.
        """
        location = self._key(path)
        return await self._gcs("sign", location).sign(location, expiration, **kwargs)
