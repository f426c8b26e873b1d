"""The objects of one bucket through the SDK plane, with the methods that `objfs.store.Store` has."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from objfs.errors import EXISTS_ALREADY, PreconditionFailedError
from objfs.sdk import SdkPlane, located
from objfs.types import ByteRange, Chunk, ObjectInfo, Suffix, Written

_CONTENT_HEADERS: Final[Mapping[str, str]] = {
    "ContentType": "Content-Type",
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
}


class SdkObjects:
    """Reads and writes of one bucket by calls of the SDK's S3 client.

    Parameters
    ----------
    plane
        The SDK plane.
    bucket
        Bucket or access-point ARN.
    keywords
        Parameters of the caller (boto's names) for every request that knows them.
    """

    def __init__(self, plane: SdkPlane, bucket: str, keywords: Mapping[str, Any] | None = None) -> None:
        self._plane = plane
        self._bucket = bucket
        self._keywords = dict(keywords or {})

    async def request(self, method: str, key: str, **parameters: Any) -> Any:
        """One request of the S3 client on one key; parameters that are None are left out."""
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            return await self._plane.call("_call_s3", method, self._keywords, Bucket=self._bucket, Key=key, **given)
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
        answer = await self.request("get_object", key, Range=_range_header(wanted), IfMatch=if_match, VersionId=version)
        async with answer["Body"] as body:
            data = await body.read()
        start, size = _content_range(answer, len(data))
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
        answer = await self._plane.call(
            "_call_s3",
            "list_objects_v2",
            Bucket=self._bucket,
            Prefix=f"{prefix.rstrip('/')}/" if prefix else "",
            MaxKeys=1,
        )
        return bool(answer.get("Contents") or answer.get("CommonPrefixes"))

    async def uploads(self, key: str) -> set[str]:
        """Ids of the multipart uploads of exactly this key that are not finished."""
        parameters: dict[str, Any] = {"Bucket": self._bucket, "Prefix": key}
        found: set[str] = set()
        while True:
            answer = await self._plane.call("_call_s3", "list_multipart_uploads", **parameters)
            found |= {item["UploadId"] for item in answer.get("Uploads", []) if item["Key"] == key}
            if not answer.get("IsTruncated"):
                return found
            parameters["KeyMarker"] = answer["NextKeyMarker"]
            parameters["UploadIdMarker"] = answer["NextUploadIdMarker"]

    async def abort(self, key: str, upload_id: str, *, attempts: int = 5) -> None:
        """Abort a multipart upload until no part of it is left.

        A part that is in flight can be stored after the upload was aborted, so that it has to be aborted again
        (https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html). ListParts tells.
        """
        for attempt in range(attempts):
            try:
                await self.request("abort_multipart_upload", key, UploadId=upload_id)
                parts = await self.request("list_parts", key, UploadId=upload_id)
            except FileNotFoundError:
                return
            # An answer at all says that the upload is still there, maybe with a part that has yet to arrive.
            if attempt and not parts.get("Parts"):
                return
            await asyncio.sleep(0.05 * 2**attempt)
        msg = "parts of an aborted upload are still stored; a lifecycle rule for incomplete uploads removes them"
        raise OSError(errno.EIO, msg, f"{self._bucket}/{key}")


def _range_header(wanted: ByteRange | Suffix | None) -> str | None:
    """RFC 9110, section 14.1.2: both ends of a byte range are inclusive."""
    if wanted is None:
        return None
    return f"bytes=-{wanted.length}" if isinstance(wanted, Suffix) else f"bytes={wanted.start}-{wanted.stop - 1}"


def _content_range(answer: Mapping[str, Any], length: int) -> tuple[int, int]:
    """First byte of the body within the object, and the object's size."""
    header = answer.get("ContentRange")
    if header is None:
        return 0, int(answer.get("ContentLength", length))
    span, _, size = str(header).removeprefix("bytes ").partition("/")
    return int(span.partition("-")[0]), int(size)


def _object_info(answer: Mapping[str, Any], size: int) -> ObjectInfo:
    attributes = {header: answer[name] for name, header in _CONTENT_HEADERS.items() if answer.get(name)}
    return ObjectInfo(
        size,
        answer.get("ETag"),
        answer.get("LastModified"),
        answer.get("VersionId"),
        {**attributes, **answer.get("Metadata", {})},
    )
