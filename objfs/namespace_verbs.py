"""Filesystem verbs about names: ls, find, info, exists, mkdir, rm. Listings come from the SDK plane, see DATA_VERBS."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from objfs.concurrency import run_bounded
from objfs.errors import EngineError, MissingExtraError
from objfs.file_verbs import FileVerbs
from objfs.sdk_objects import SdkObjects

if TYPE_CHECKING:
    from objfs.types import Location

# DeleteObjects takes at most this many keys (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
KEYS_PER_DELETE: Final = 1000

BUCKET_ACLS: Final = ("private", "public-read", "public-read-write", "authenticated-read")
DEFAULT_REGION: Final = "us-east-1"

# What appending to an object keeps of it.
_PRESERVED: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Metadata",
    "ServerSideEncryption",
    "SSEKMSKeyId",
    "BucketKeyEnabled",
    "StorageClass",
    "WebsiteRedirectLocation",
)


class NamespaceVerbs(FileVerbs):
    """Names, listings and metadata."""

    # -- one object ---------------------------------------------------------------------------------------------

    async def _any_below(self, location: Location) -> bool:
        """Whether a directory exists: some key lies below the name."""
        if self.connection.decide("exists", location_for_prefix(location)).plane.value == "obstore":
            return await self.connection.store(location.bucket).any_below(location.key.rstrip("/"))
        return await SdkObjects(self.connection.sdk, location.bucket).any_below(location.key)

    async def _info(
        self,
        path: str,
        bucket: str | None = None,
        key: str | None = None,
        refresh: bool = False,
        version_id: str | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Describe an object, directory or bucket; asked of the server each time.

        Returns
        -------
        dict
            With s3fs installed its keys: ``name``, ``size``, ``type``, and for an object ``ETag``, ``LastModified``,
            ``StorageClass``, ``VersionId``, ``ContentType``. Without it, or with ``engine="obstore"``, all but
            ``StorageClass``, which obstore does not give.

        Raises
        ------
        FileNotFoundError
            No such object, directory or bucket.
        """
        location = self._split(path, version_id)
        if not location.bucket:
            return {"name": "", "size": 0, "type": "directory"}
        try:
            sdk = self.connection.require_sdk("info")
        except (MissingExtraError, EngineError):
            return await self._info_without_sdk(location)
        info: dict[str, Any] = await sdk.call(
            "_info", location.path, refresh=True, version_id=location.version, **kwargs
        )
        return info

    async def _info_without_sdk(self, location: Location) -> dict[str, Any]:
        if location.key:
            try:
                found = await self._stat(location)
            except FileNotFoundError:
                pass
            else:
                return {
                    "name": location.path,
                    "size": found.size,
                    "type": "file",
                    "ETag": found.e_tag or "",
                    "LastModified": found.last_modified,
                    "VersionId": found.version,
                    "ContentType": found.attributes.get("Content-Type"),
                }
        if await self._isdir(location.path):
            return {"name": location.path.rstrip("/"), "size": 0, "type": "directory"}
        raise FileNotFoundError(errno.ENOENT, "no such object or directory", location.path)

    async def _exists(self, path: str, **kwargs: Any) -> bool:
        """Whether an object, directory or bucket exists; asked of the server each time."""
        location = self._split(path, kwargs.pop("version_id", None))
        if not location.bucket:
            return True
        if not location.key:
            return await self._bucket_exists(location)
        try:
            await self._stat(location)
        except (FileNotFoundError, IsADirectoryError):
            return location.version is None and await self._isdir(path)
        return True

    async def _bucket_exists(self, location: Location) -> bool:
        """Whether a bucket exists; s3fs answers False to whatever goes wrong, here a refusal raises."""
        try:
            sdk = self.connection.require_sdk("bucket")
        except (MissingExtraError, EngineError):
            found: Any = self.connection.store(location.bucket).any_below("")
        else:
            found = sdk.call("_call_s3", "head_bucket", Bucket=location.bucket)
        try:
            await found
        except FileNotFoundError:
            return False
        return True

    async def _isfile(self, path: str) -> bool:
        location = self._split(path)
        # The marker of a directory is none, though it is an object.
        if not location.key or location.key.endswith("/"):
            return False
        try:
            await self._stat(location)
        except FileNotFoundError:
            return False
        return True

    async def _isdir(self, path: str) -> bool:
        location = self._split(path)
        if not location.bucket:
            return True
        try:
            if not location.key.rstrip("/"):
                return await self._bucket_exists(location)
            return await self._any_below(location)
        except FileNotFoundError:
            return False

    async def _size(self, path: str) -> int | None:
        location = self._split(path)
        if not location.key:
            return 0
        try:
            return (await self._stat(location)).size
        except FileNotFoundError:
            info: dict[str, Any] = await self._info(path)
            size: int = info["size"]
            return size

    async def _preserved(self, location: Location) -> dict[str, Any]:
        """Headers and metadata that an object keeps when it is appended to."""
        self.connection.require_sdk("append")
        answer: Mapping[str, Any] = await SdkObjects(self.connection.sdk, location.bucket).request(
            "head_object", location.key
        )
        return {name: answer[name] for name in _PRESERVED if answer.get(name)}

    # -- listings -----------------------------------------------------------------------------------------------

    async def _ls(
        self, path: str, detail: bool = False, refresh: bool = False, versions: bool = False, **kwargs: Any
    ) -> list[Any]:
        """List a directory, a bucket, or with an empty path all buckets."""
        sdk = self.connection.require_sdk("list")
        found: list[Any] = await sdk.call(
            "_ls", self._strip_protocol(path), detail=True, refresh=refresh, versions=versions, **kwargs
        )
        return list(found) if detail else sorted(item["name"] for item in found)

    async def _find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool | None = None,
        detail: bool = False,
        prefix: str = "",
        **kwargs: Any,
    ) -> Any:
        """List all objects below a path, with few requests of a thousand keys each."""
        sdk = self.connection.require_sdk("list")
        return await sdk.call(
            "_find",
            self._strip_protocol(path),
            maxdepth=maxdepth,
            withdirs=withdirs,
            detail=detail,
            prefix=prefix,
            **kwargs,
        )

    async def _walk(self, path: str, maxdepth: int | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """Walk the directories below a path."""
        if self._strip_protocol(path) in ("", "*"):
            msg = "a walk over all buckets is refused; name a bucket"
            raise ValueError(msg)
        async for item in super()._walk(path, maxdepth=maxdepth, **kwargs):
            yield item

    async def _glob(self, path: str, maxdepth: int | None = None, **kwargs: Any) -> Any:
        if self._strip_protocol(path).startswith("*"):
            msg = "a glob over all buckets is refused; name a bucket"
            raise ValueError(msg)
        return await super()._glob(path, maxdepth=maxdepth, **kwargs)

    # -- buckets and deletion -----------------------------------------------------------------------------------

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
            The paths that were deleted.
        """
        if isinstance(path, str) and recursive:
            await self._rm_versions(path)
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

    # -- the rest of s3fs's verbs that fsspec knows too ---------------------------------------------------------

    async def _url(self, path: str, expires: int = 3600, client_method: str = "get_object", **kwargs: Any) -> str:
        """A presigned URL.

        Parameters
        ----------
        path
            The object.
        expires
            Seconds that the URL is good for; never longer than the credentials that sign it.
        client_method
            What the URL does, as boto names it.
        """
        sdk = self.connection.require_sdk("sign")
        url: str = await sdk.call("_url", path, expires=expires, client_method=client_method, **kwargs)
        return url

    async def _sign(self, path: str, expiration: int = 100, **kwargs: Any) -> str:
        """A presigned URL, by fsspec's name."""
        return await self._url(path, expires=expiration, **kwargs)

    async def _modified(self, path: str, version_id: str | None = None, refresh: bool = False) -> datetime | None:
        """When an object was written; readers such as duckdb ask it before they open one."""
        location = self._key(path, version_id)
        try:
            return (await self._stat(location)).last_modified
        except FileNotFoundError:
            if await self._isdir(path):
                raise IsADirectoryError(errno.EISDIR, "a directory has no time of its own", path) from None
            raise

    async def _checksum(self, path: str, refresh: bool = True) -> int:
        """A number that changes whenever the object does."""
        sdk = self.connection.require_sdk("info")
        checksum: int = await sdk.call("_checksum", path, refresh=True)
        return checksum


def location_for_prefix(location: Location) -> Location:
    """The location whose key obstore has to name to list below it: without the slash of a directory's spelling."""
    return type(location)(location.bucket, location.key.rstrip("/"), location.version)
