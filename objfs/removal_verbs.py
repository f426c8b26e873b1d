"""Filesystem verbs that create and delete: mkdir, rmdir, rm, mv."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from glob import has_magic
from typing import Any, Final

from objfs.concurrency import run_bounded
from objfs.namespace_verbs import NamespaceVerbs

# DeleteObjects takes at most this many keys (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
KEYS_PER_DELETE: Final = 1000
BUCKET_ACLS: Final = ("private", "public-read", "public-read-write", "authenticated-read")
DEFAULT_REGION: Final = "us-east-1"


class RemovalVerbs(NamespaceVerbs):
    """Buckets, deletion, and moving, which is copying and deleting."""

    async def _mkdir(
        self, path: str, acl: Any = False, create_parents: bool = True, region_name: str | None = None
    ) -> None:
        """Create a bucket; a directory within one needs no creation.

        Parameters
        ----------
        path
            ``bucket`` or ``bucket/key``.
        acl
            Canned ACL of a new bucket.
        create_parents
            Whether ``bucket/key`` creates a bucket that does not exist.
        region_name
            Region of a new bucket; that of the instance by default.

        Raises
        ------
        FileExistsError
            ``path`` is a bucket that exists.
        FileNotFoundError
            The bucket does not exist and ``create_parents`` is False.
        """
        location = self._split(path)
        if not location.bucket:
            msg = "name the bucket to create"
            raise ValueError(msg)
        if acl and acl not in BUCKET_ACLS:
            msg = f"a bucket's ACL is one of {', '.join(BUCKET_ACLS)}, not {acl!r}"
            raise ValueError(msg)
        key = location.key.strip("/")
        if await self._bucket_exists(location):
            if not key:
                raise FileExistsError(errno.EEXIST, "the bucket exists already", location.bucket)
            return
        if key and not create_parents:
            raise FileNotFoundError(errno.ENOENT, "the bucket does not exist", location.bucket)
        sdk = self.connection.require_sdk("bucket")
        parameters: dict[str, Any] = {"ACL": acl} if acl else {}
        region = region_name or self.connection.settings.value("region", DEFAULT_REGION)
        # S3 refuses the name of its default region as a constraint.
        if region not in (DEFAULT_REGION, "auto"):
            parameters["CreateBucketConfiguration"] = {"LocationConstraint": region}
        try:
            await sdk.call("_call_s3", "create_bucket", Bucket=location.bucket, **parameters)
        finally:
            self.invalidate_cache(location.bucket)

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Create a bucket; with ``exist_ok`` one that exists is no error."""
        try:
            await self._mkdir(path)
        except FileExistsError:
            if not exist_ok:
                raise

    async def _rmdir(self, path: str) -> None:
        """Delete an empty bucket."""
        sdk = self.connection.require_sdk("bucket")
        await sdk.call("_rmdir", self._strip_protocol(path))
        self.invalidate_cache(path)

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
            The paths that S3 was told to delete; it does not say which of them existed.
        """
        if isinstance(path, str) and recursive:
            await self._rm_versions(path)
        if isinstance(path, str) and not recursive and not has_magic(path):
            found = [self._split(path).path]
        else:
            found = await self._expand_path(path, recursive=recursive, maxdepth=maxdepth)
        by_bucket: dict[str, list[str]] = {}
        for item in found:
            location = self._split(item)
            keys = by_bucket.setdefault(location.bucket, [])
            if location.key:
                keys.append(location.key)
        jobs = [
            lambda b=bucket, k=keys[at : at + KEYS_PER_DELETE]: self._delete_keys(b, k, kwargs)
            for bucket, keys in by_bucket.items()
            for at in range(0, len(keys), KEYS_PER_DELETE)
        ]
        try:
            done = await run_bounded(jobs, batch_size or 3)
        finally:
            for item in found:
                self.invalidate_cache(item)
        for item in found:
            if not self._split(item).key:
                await self._rmdir(item)
        return [name for names in done for name in names]

    async def _delete_keys(self, bucket: str, keys: list[str], keywords: Mapping[str, Any]) -> list[str]:
        if len(keys) == 1:
            await self._rm_file(f"{bucket}/{keys[0]}", **keywords)
            return [f"{bucket}/{keys[0]}"]
        sdk = self.connection.require_sdk("delete many")
        answer = await sdk.call(
            "_call_s3",
            "delete_objects",
            keywords,
            Bucket=bucket,
            Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
        )
        # s3fs drops these; an object that is still there must not look deleted.
        errors = answer.get("Errors", [])
        if errors:
            first = errors[0]
            text = f"{len(errors)} of {len(keys)} objects were not deleted; the first: {first.get('Code')}"
            kind = PermissionError if first.get("Code") == "AccessDenied" else OSError
            number = errno.EACCES if kind is PermissionError else errno.EIO
            raise kind(number, f"{text}: {first.get('Message')}", f"{bucket}/{first.get('Key')}")
        return [f"{bucket}/{key}" for key in keys]

    async def _rm_versions(self, path: str) -> None:
        """Empty a versioned bucket, which cannot be deleted while it holds old versions."""
        location = self._split(path)
        if location.key or not location.bucket:
            return
        sdk = self.connection.require_sdk("bucket")
        if await sdk.call("_is_bucket_versioned", location.bucket):
            await sdk.call("_rm_versioned_bucket_contents", location.bucket)

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any) -> None:
        """Move: copy, then delete what was copied.

        Raises
        ------
        IsADirectoryError
            ``path1`` ends in ``/`` and ``recursive`` is not set: the object of the shorter name is not meant.
        """
        if isinstance(path1, str) and not recursive and self._split(path1).key.endswith("/"):
            raise IsADirectoryError(errno.EISDIR, "the path names a directory; move it with recursive=True", path1)
        super().mv(path1, path2, recursive=recursive, maxdepth=maxdepth, **kwargs)
