"""The objects of one bucket by calls of boto's S3 client, through s3fs."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from objfs.clouds._backends import retry_config
from objfs.clouds.s3_urls import unsplit
from objfs.errors import EXISTS_ALREADY, CredentialsError, PreconditionFailedError
from objfs.peers.answers import partial_content
from objfs.peers.pages import Tokens, as_listing
from objfs.peers.s3_requests import RETRIED_CODES
from objfs.peers.s3_vocabulary import S3Vocabulary
from objfs.retries import policy_of
from objfs.sdk import located
from objfs.types import ByteRange, Chunk, Location, ObjectInfo, Suffix, Written

_CONTENT_HEADERS: Final[Mapping[str, str]] = {
    "ContentType": "Content-Type",
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
}

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
# https://www.w3.org/TR/xml/#charsets
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BUCKET_ACLS: Final = ("private", "public-read", "public-read-write", "authenticated-read")
_DEFAULT_REGION: Final = "us-east-1"


class S3Objects(S3Vocabulary):
    """Reads and writes of one bucket; keywords are parameters of boto's calls."""

    async def request(self, method: str, key: str, **parameters: Any) -> Any:
        """One request of the S3 client on one key; parameters that are None are left out."""
        return await self._on_key("_call_s3", method, key=key, **parameters)

    async def _on_key(self, name: str, *args: Any, key: str, **parameters: Any) -> Any:
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            return await self._plane.call(name, *args, self._keywords, Bucket=self._bucket, Key=key, **given)
        except PreconditionFailedError as error:
            if "IfNoneMatch" in given:
                raise FileExistsError(errno.EEXIST, EXISTS_ALREADY, f"{self._bucket}/{key}") from error
            raise located(error, f"{self._bucket}/{key}") from error.__cause__
        except OSError as error:
            raise located(error, f"{self._bucket}/{key}") from error.__cause__

    async def get(
        self,
        key: str,
        wanted: ByteRange | Suffix | None = None,
        *,
        if_match: str | None = None,
        version: str | None = None,
    ) -> Chunk:
        """Read an object or a range of it; as `Store.get`."""
        conditions = {"Range": _range_header(wanted), "IfMatch": if_match, "VersionId": version}
        answer, data = await self._on_key("objfs_read", key=key, **conditions)
        data, start, size = partial_content(data, answer.get("ContentRange"), wanted, f"{self._bucket}/{key}")
        return Chunk(data, start, _object_info(answer, size))

    async def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """What the store says about an object; as `Store.head`."""
        answer = await self.after_doubt(key, lambda: self.request("head_object", key, VersionId=version), version)
        return _object_info(answer, answer["ContentLength"])

    async def after_doubt(self, key: str, ask: Callable[[], Awaitable[Any]], version: str | None = None) -> Any:
        """Ask with a HEAD, and once more when a GET has told what a bare 400 or 403 meant.

        An answer to HEAD has no body. That to a GET names the reason: refused credentials are replaced on the way,
        and any other refusal is raised with the server's words.
        """
        try:
            return await ask()
        except OSError as error:
            if not isinstance(error, PermissionError) and error.errno != errno.EINVAL:
                raise
            try:
                await self.get(key, ByteRange(0, 1), version=version)
            except FileNotFoundError:
                # Credentials were replaced on the way, or what was refused was to list what lies below the key.
                pass
            except OSError as told:
                if told.errno != errno.EINVAL:  # 416: an empty object
                    raise told from error
        return await ask()

    async def put(
        self,
        key: str,
        data: bytes | bytearray | memoryview,
        *,
        create: bool = False,
        if_match: str | None = None,
    ) -> Written:
        """Write an object with one request; as `Store.put`, its attributes are among the caller's keywords."""
        condition = {"IfNoneMatch": "*" if create else None, "IfMatch": if_match}
        answer = await self.request("put_object", key, Body=bytes(data), **condition)
        return Written(answer.get("ETag"), answer.get("VersionId"))

    async def delete(self, key: str, *, version: str | None = None) -> None:
        """Delete one object."""
        await self.request("delete_object", key, VersionId=version)

    async def any_below(self, prefix: str) -> bool:
        """Whether any key begins with ``prefix/``; as `Store.any_below`."""
        begin = f"{prefix.rstrip('/')}/" if prefix else ""
        with as_listing():
            answer = await self._plane.call("_call_s3", "list_objects_v2", Bucket=self._bucket, Prefix=begin, MaxKeys=1)
        return bool(answer.get("Contents") or answer.get("CommonPrefixes"))

    # -- uploads in parts -----------------------------------------------------------------------------------------

    async def begin_upload(self, key: str, *, create: bool, if_match: str | None) -> str:
        """Begin a multipart upload; its id."""
        answer = await self.request("create_multipart_upload", key)
        upload_id: str | None = answer.get("UploadId")
        if upload_id is None:
            msg = "the answer names no upload: what answers does not speak S3"
            raise OSError(errno.EIO, msg, f"{self._bucket}/{key}")
        return upload_id

    async def send_part(self, key: str, upload: str, number: int, start: int, data: bytes) -> dict[str, Any]:
        """Send one part."""
        answer = await self.request("upload_part", key, UploadId=upload, PartNumber=number, Body=data)
        checksums = {name: value for name, value in answer.items() if name.startswith("Checksum") and value}
        checksums.pop("ChecksumType", None)
        return {"PartNumber": number, "ETag": answer["ETag"], **checksums}

    async def copy_part(self, key: str, upload: str, source: str, e_tag: str | None) -> dict[str, Any]:
        """Copy an object as the first part."""
        answer = await self.request(
            "upload_part_copy", key, UploadId=upload, PartNumber=1, CopySource=source, CopySourceIfMatch=e_tag
        )
        return {"PartNumber": 1, "ETag": answer["CopyPartResult"]["ETag"]}

    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[Any], *, size: int, create: bool, if_match: str | None
    ) -> Written:
        """Publish the object."""
        condition = {"IfNoneMatch": "*" if create else None, "IfMatch": if_match}
        whole = {"Parts": list(parts)}
        answer = await self.request(
            "complete_multipart_upload", key, UploadId=upload, MultipartUpload=whole, **condition
        )
        return Written(answer.get("ETag"), answer.get("VersionId"))

    async def uploads(self, key: str) -> set[str]:
        """Ids of the multipart uploads of exactly this key that are not finished."""
        parameters: dict[str, Any] = {"Bucket": self._bucket, "Prefix": key}
        found: set[str] = set()
        asked = Tokens()
        while True:
            with as_listing():
                answer = await self._plane.call("_call_s3", "list_multipart_uploads", **parameters)
                found |= {item["UploadId"] for item in answer.get("Uploads", []) if item["Key"] == key}
                if not answer.get("IsTruncated"):
                    return found
                following = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}
            asked.add(tuple(following.values()))
            parameters.update(following)

    async def abort_upload(self, key: str, upload: str, *, attempts: int = 5) -> None:
        """Abort a multipart upload until no part of it is left.

        A part that is in flight can be stored after the upload was aborted, so that it has to be aborted again
        (https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html). ListParts tells.
        """
        for attempt in range(attempts):
            try:
                await self.request("abort_multipart_upload", key, UploadId=upload)
                parts = await self._parts(key, upload)
            except FileNotFoundError:
                return
            if parts is None:
                return
            # An answer at all says that the upload is still there, maybe with a part that has yet to arrive.
            if attempt and not parts:
                return
            await asyncio.sleep(0.05 * 2**attempt)
        msg = "parts of an aborted upload are still stored; a lifecycle rule for incomplete uploads removes them"
        raise OSError(errno.EIO, msg, f"{self._bucket}/{key}")

    async def _parts(self, key: str, upload: str) -> list[Any] | None:
        """The parts of an upload that are stored; None where the caller may write and not look."""
        try:
            found = await self.request("list_parts", key, UploadId=upload)
        except CredentialsError:
            raise
        except PermissionError:
            return None
        return found.get("Parts") or []

    # -- what obstore cannot do -----------------------------------------------------------------------------------

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Delete at most a thousand objects with one request (DeleteObjects)."""
        # The request is XML, which cannot name every key.
        for key in filter(_NOT_IN_XML.search, keys):
            await self.delete(key)
        keys = [key for key in keys if not _NOT_IN_XML.search(key)]
        attempts, left, errors = policy_of(retry_config(self._plane.setup.settings)).begin(), keys, []
        while left:
            found = await self._not_deleted(left)
            left = [each["Key"] for each in found if each.get("Code") in RETRIED_CODES]
            wait = attempts.pause() if left else None
            if wait is None:
                errors += found
                break
            errors += [each for each in found if each.get("Code") not in RETRIED_CODES]
            await asyncio.sleep(wait)
        if errors:
            first = errors[0]
            text = f"{len(errors)} of {len(keys)} objects were not deleted; the first: {first.get('Code')}"
            kind = PermissionError if first.get("Code") == "AccessDenied" else OSError
            number = errno.EACCES if kind is PermissionError else errno.EIO
            raise kind(number, f"{text}: {first.get('Message')}", f"{self._bucket}/{first.get('Key')}")

    async def _not_deleted(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """Delete objects; what the answer, whose status is 200, says of those that are still there."""
        answer = await self._plane.call(
            "_call_s3",
            "delete_objects",
            self._keywords,
            Bucket=self._bucket,
            Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
        )
        # s3fs drops these; an object that is still there must not look deleted.
        errors: list[dict[str, Any]] = answer.get("Errors", [])
        return errors

    async def info(self, location: Location, **keywords: Any) -> dict[str, Any]:
        """What s3fs says, asked of the server."""

        def ask() -> Awaitable[dict[str, Any]]:
            return self._plane.call("_info", location.path, refresh=True, version_id=location.version, **keywords)

        if not location.key:
            return await ask()
        info: dict[str, Any] = await self.after_doubt(location.key, ask, location.version)
        return info

    async def preserved(self, key: str) -> dict[str, Any]:
        """Headers and metadata of an object, as a put takes them."""
        answer: Mapping[str, Any] = await self.request("head_object", key)
        return {name: answer[name] for name in _PRESERVED if answer.get(name)}

    async def checksum(self, location: Location) -> int:
        """The number that s3fs makes of the ETag."""
        checksum: int = await self._plane.call("_checksum", location.path, refresh=True)
        return checksum

    async def sign(self, location: Location, expires: int, **keywords: Any) -> str:
        """A presigned URL; ``client_method`` says for what."""
        path = unsplit(location)
        url: str = await self._plane.call("_url", path, expires=expires, **keywords)
        return url

    # -- buckets --------------------------------------------------------------------------------------------------

    async def exists(self) -> bool:
        """Whether the bucket exists; s3fs answers False to whatever goes wrong, here a refusal raises."""
        try:
            await self._plane.call("_call_s3", "head_bucket", Bucket=self._bucket)
        except FileNotFoundError:
            return False
        return True

    async def create(self, acl: Any = False, region_name: str | None = None) -> None:  # type: ignore[override]
        """Create the bucket, in the region of the instance by default.

        Raises
        ------
        ValueError
            ``acl`` is no canned ACL of a bucket.
        """
        if acl and acl not in _BUCKET_ACLS:
            msg = f"a bucket's ACL is one of {', '.join(_BUCKET_ACLS)}, not {acl!r}"
            raise ValueError(msg)
        parameters: dict[str, Any] = {"ACL": acl} if acl else {}
        region = region_name or self._plane.setup.settings.value("region", _DEFAULT_REGION)
        # S3 refuses the name of its default region as a constraint.
        if region not in (_DEFAULT_REGION, "auto"):
            parameters["CreateBucketConfiguration"] = {"LocationConstraint": region}
        await self._plane.call("_call_s3", "create_bucket", Bucket=self._bucket, **parameters)

    async def remove(self) -> None:
        """Delete the bucket."""
        await self._plane.call("_rmdir", self._bucket)

    async def empty(self) -> None:
        """Delete old versions, as a bucket that holds any cannot be deleted."""
        if await self._plane.call("_is_bucket_versioned", self._bucket):
            await self._plane.call("_rm_versioned_bucket_contents", self._bucket)


def _range_header(wanted: ByteRange | Suffix | None) -> str | None:
    """RFC 9110, section 14.1.2: both ends of a byte range are inclusive."""
    if wanted is None:
        return None
    return f"bytes=-{wanted.length}" if isinstance(wanted, Suffix) else f"bytes={wanted.start}-{wanted.stop - 1}"


def _object_info(answer: Mapping[str, Any], size: int) -> ObjectInfo:
    attributes = {header: answer[name] for name, header in _CONTENT_HEADERS.items() if answer.get(name)}
    return ObjectInfo(
        size,
        answer.get("ETag"),
        answer.get("LastModified"),
        answer.get("VersionId"),
        {**attributes, **answer.get("Metadata", {})},
    )
