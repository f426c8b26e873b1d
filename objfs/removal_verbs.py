"""Filesystem verbs that create, delete and copy trees: mkdir, rmdir, rm, cp, mv."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Mapping
from functools import partial
from glob import has_magic
from typing import Any, cast

from fsspec.implementations.local import trailing_sep
from fsspec.utils import other_paths

from objfs.concurrency import run_bounded
from objfs.errors import CredentialsError
from objfs.namespace_verbs import NamespaceVerbs


class RemovalVerbs(NamespaceVerbs):
    """Buckets, deletion, and moving, which is copying and deleting."""

    async def _mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Create a bucket; a directory within one needs no creation.

        Parameters
        ----------
        path
            ``bucket`` or ``bucket/key``.
        create_parents
            Whether ``bucket/key`` creates a bucket that does not exist.
        **kwargs
            Properties of a new bucket, as the peer's ``mkdir`` takes them. ``mode`` is ignored: stores have none.

        Raises
        ------
        FileExistsError
            ``path`` is a bucket that exists.
        FileNotFoundError
            The bucket does not exist and ``create_parents`` is False.
        """
        kwargs.pop("mode", None)  # `pathlib` has one, and universal_pathlib passes it on
        location = self._split(path)
        if not location.bucket:
            msg = "name the bucket to create"
            raise ValueError(msg)
        key = location.key.strip("/")
        try:
            exists = await self._bucket_exists(location)
        except PermissionError as error:
            # Who may write need not be allowed to look at the bucket; a write will tell.
            if not key or isinstance(error, CredentialsError):
                raise
            return
        if exists:
            if not key:
                raise FileExistsError(errno.EEXIST, "the bucket exists already", location.bucket)
            return
        if key and not create_parents:
            raise FileNotFoundError(errno.ENOENT, "the bucket does not exist", location.bucket)
        sdk = self.connection.require_sdk("bucket")
        try:
            await sdk.objects(location.bucket).create(**kwargs)
        finally:
            self.invalidate_cache(location.bucket)

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Create a bucket; with ``exist_ok`` one that exists is no error."""
        try:
            await self._mkdir(path, create_parents=True)
        except FileExistsError:
            if not exist_ok:
                raise

    async def _rmdir(self, path: str) -> None:
        """Delete an empty bucket."""
        sdk = self.connection.require_sdk("bucket")
        location = self._split(path)
        if location.key.strip("/"):
            if await self._exists(path):
                raise FileExistsError(errno.EEXIST, "a directory goes with its keys: rm(..., recursive=True)", path)
            raise FileNotFoundError(errno.ENOENT, "no such object or directory", path)
        try:
            await sdk.objects(location.bucket).remove()
        finally:
            self.dircache.forget_tree(location.bucket)

    async def _rm(
        self,
        path: str | list[str],
        recursive: bool = False,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Delete objects, with ``recursive`` whole trees and buckets; an object that cannot be deleted raises.

        Returns
        -------
        list of str
            The paths that were deleted; S3 does not say which of them existed.
        """
        if isinstance(path, str) and recursive:
            await self._rm_versions(path)
        versions, path = self._versions_among(path)
        if versions:
            await run_bounded([partial(self._rm_file, each) for each in versions], self._concurrency)
            if not path:
                return versions
        if isinstance(path, str) and not recursive and not has_magic(path):
            found = [self._split(path).path]
        elif isinstance(path, str) and recursive and self._names_directory(path):
            found = await self._names_below(path, maxdepth)
        else:
            found = await self._expand_path(path, recursive=recursive, maxdepth=maxdepth)
        by_bucket: dict[str, list[str]] = {}
        for item in found:
            location = self._split(item)
            keys = by_bucket.setdefault(location.bucket, [])
            if location.key:
                keys.append(location.key)
        jobs = [
            lambda b=bucket, k=batch: self._delete_keys(b, k, kwargs)
            for bucket, keys in by_bucket.items()
            for batch in self._batches(bucket, keys)
        ]
        with self.writing(*found):
            done = await run_bounded(jobs, batch_size or min(self.batch_size or 3, 3))
        for item in found:
            if not self._split(item).key:
                await self._rmdir(item)
        return [*versions, *(name for names in done for name in names)]

    def _versions_among(self, path: str | list[str]) -> tuple[list[str], str | list[str]]:
        """Paths that name one version of an object, and the others."""
        given = [path] if isinstance(path, str) else list(path)
        versions = [each for each in given if self._split(each).version is not None]
        if not versions:
            return [], path
        return versions, [each for each in given if each not in versions]

    def _batches(self, bucket: str, keys: list[str]) -> list[list[str]]:
        """The keys, as many at a time as one call deletes."""
        if len(keys) < 2:
            return [keys] if keys else []
        size = self.connection.require_sdk("delete many").objects(bucket).keys_per_delete
        return [keys[at : at + size] for at in range(0, len(keys), size)]

    async def _delete_keys(self, bucket: str, keys: list[str], keywords: Mapping[str, Any]) -> list[str]:
        if len(keys) == 1:
            await self._rm_file(f"{bucket}/{keys[0]}", **keywords)
            return [f"{bucket}/{keys[0]}"]
        await self.connection.require_sdk("delete many").objects(bucket, keywords).delete_many(keys)
        return [f"{bucket}/{key}" for key in keys]

    async def _rm_versions(self, path: str) -> None:
        """Empty a versioned bucket, which cannot be deleted while it holds old versions."""
        location = self._split(path)
        if location.key or not location.bucket:
            return
        await self.connection.require_sdk("bucket").objects(location.bucket).empty()

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any) -> None:
        """Move: copy, then delete what was copied.

        Raises
        ------
        IsADirectoryError
            ``path1`` ends in ``/`` and ``recursive`` is not set: the object of the shorter name is not meant.
        """
        if isinstance(path1, str) and not recursive and self._split(path1).key.endswith("/"):
            raise IsADirectoryError(errno.EISDIR, "the path names a directory; move it with recursive=True", path1)
        if not recursive or path1 == path2:
            super().mv(path1, path2, recursive=recursive, maxdepth=maxdepth, **kwargs)
        else:
            self.run_blocking(self._move_trees(path1, path2, maxdepth, **kwargs))

    async def _move_trees(self, path1: Any, path2: Any, maxdepth: int | None, **kwargs: Any) -> None:
        """Copy objects, and when all are there delete exactly those.

        fsspec would copy the names of directories, too, and with ``maxdepth`` delete what it has not copied.
        """
        pairs = await self._pairs_to_move(path1, path2, recursive=True, maxdepth=maxdepth)
        jobs = [partial(self._cp_file, source, target, **kwargs) for source, target in pairs]
        await run_bounded(jobs, self._concurrency)
        await self._rm([source for source, _ in pairs])

    async def _copy(
        self,
        path1: str | list[str],
        path2: str | list[str],
        recursive: bool = False,
        on_error: str | None = None,
        maxdepth: int | None = None,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Copy objects as fsspec does; one object also where nobody may list."""
        if isinstance(path1, str) and isinstance(path2, str) and not (recursive or has_magic(path1)):
            if trailing_sep(path1) or await self._goes_below(path1):
                return
            ((path1, path2),) = await self._pairs_to_move(path1, path2, recursive=False, maxdepth=None)
            path1, path2 = [path1], [path2]
        await super()._copy(path1, path2, recursive, on_error, maxdepth, batch_size, **kwargs)

    async def _pairs_to_move(
        self, path1: str | list[str], path2: str | list[str], *, recursive: bool, maxdepth: int | None
    ) -> list[tuple[str, str]]:
        """What goes where, as for a copy."""
        if isinstance(path1, list) and isinstance(path2, list):
            return list(zip(path1, path2, strict=True))
        one = isinstance(path1, str)
        if one and not recursive and not has_magic(cast("str", path1)):
            if self._split(cast("str", path1)).key.endswith("/"):
                raise IsADirectoryError(errno.EISDIR, "the path names a directory; move it with recursive=True", path1)
            into = isinstance(path2, str) and (path2.endswith("/") or await self._goes_below(path2))
            name = self._strip_protocol(path1).rpartition("/")[2]
            return [(cast("str", path1), f"{cast('str', path2).rstrip('/')}/{name}" if into else cast("str", path2))]
        found = await self._expand_path(path1, recursive=recursive, maxdepth=maxdepth)
        into = isinstance(path2, str) and (path2.endswith("/") or await self._goes_below(path2))
        under = one and into and not cast("str", path1).endswith("/") and not has_magic(cast("str", path1))
        single = one and has_magic(cast("str", path1)) and len(found) == 1
        targets = other_paths(found, path2, exists=under or single, flatten=not one)
        # A tree holds directories that are no objects; where it is cut off, they have nothing below them.
        pairs = list(zip(found, targets, strict=True))
        keys = {source for source, _ in pairs if not any(each.startswith(f"{source.rstrip('/')}/") for each in found)}
        if maxdepth is not None:
            keys = set()
        return [pair for pair in pairs if pair[0] in keys or await self._is_object(pair[0])]

    async def _is_object(self, path: str) -> bool:
        """Whether there is an object of exactly this key, which may be the marker of a directory."""
        with contextlib.suppress(FileNotFoundError):
            await self._stat(self._key(path))
            return True
        return False
