"""What the object_store family has beside s3fs's verbs: pages of a listing, copies that never replace."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, Final
from urllib.parse import urlencode

from objfs.concurrency import run_bounded
from objfs.errors import EXISTS_ALREADY, NotSupportedError
from objfs.peers.s3_listing import PAGE, S3Listing
from objfs.peers.s3_pages import entry
from objfs.ranges import split_range
from objfs.types import ByteRange, Location

# A part is at most 5 GiB, and so is what one request copies; smaller ones are copied at the same time.
_PART_BYTES: Final = 1 << 30
_PARTS_AT_A_TIME: Final = 8
# What CopyObject takes along.
_COPIED: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Metadata",
)


class S3Vocabulary(S3Listing, ABC):
    """Requests of the S3 client that no verb of s3fs makes."""

    @abstractmethod
    async def request(self, method: str, key: str, **parameters: Any) -> Any:
        """One request of the S3 client on one key."""

    @abstractmethod
    async def after_doubt(self, key: str, ask: Callable[[], Awaitable[Any]], version: str | None = None) -> Any:
        """Ask with a HEAD, and find out what a bare refusal meant."""

    async def page(
        self, prefix: str, *, start_after: str | None, limit: int, token: Any
    ) -> tuple[list[dict[str, Any]], Any]:
        """At most a thousand objects, as s3fs's ``find`` describes them."""
        if not self._plane.setup.settings.value("version_aware", False):
            return await super().page(prefix, start_after=start_after, limit=limit, token=token)
        parameters: dict[str, Any] = {"Prefix": prefix, "MaxKeys": min(limit, PAGE)}
        return await self._page_of_versions(
            {**parameters, **({"KeyMarker": start_after} if start_after else {})}, token
        )

    async def _page_of_versions(self, parameters: dict[str, Any], token: Any) -> tuple[list[dict[str, Any]], Any]:
        """The newest versions among those of a page."""
        answer = await self._plane.call(
            "_call_s3", "list_object_versions", Bucket=self._bucket, **{**parameters, **(token or {})}
        )
        found = [entry(self._bucket, item) for item in answer.get("Versions", []) if item.get("IsLatest")]
        if not answer.get("IsTruncated"):
            return found, None
        names = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}
        return found, {name: answer[theirs] for name, theirs in names.items() if answer.get(theirs)}

    # -- copies that never replace --------------------------------------------------------------------------------

    async def copy_new(self, source: Location, key: str) -> None:
        """Copy in parts, as more servers complete an upload conditionally than copy so.

        AWS takes ``If-None-Match: *`` at the end of an upload in parts
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). A server that does not know
        the header ignores it: what is there before the copy begins is safe there too, as it is looked for.
        """
        self._refuse_where_impossible()
        if await self._is_taken(key):
            raise FileExistsError(errno.EEXIST, EXISTS_ALREADY, f"{self._bucket}/{key}")
        told = await self._told_of(source)
        kept = await self._taken_along(source, told)
        if not told["ContentLength"]:
            await type(self)(self._plane, self._bucket, kept).put(key, b"", create=True)
            return
        await self._copy_in_parts(source, key, told, _parts_of(told["ContentLength"]), kept, create=True)

    def _refuse_where_impossible(self) -> None:
        settings = self._plane.setup.settings
        how = settings.value("copy_if_not_exists") or "multipart"
        if how != "multipart":
            msg = f"a copy by copy_if_not_exists={how!r} is obstore's, which cannot name this key, bucket or version"
            raise NotSupportedError(msg)
        if settings.value("conditional_put") == "disabled":
            msg = "conditional_put='disabled' says that this server has no conditional writes, which such a copy needs"
            raise NotSupportedError(msg)

    async def _is_taken(self, key: str) -> bool:
        try:
            await self.head(key)
        except FileNotFoundError:
            return False
        return True

    async def tagging(self, source: Location, *, known: int | None) -> dict[str, str]:
        """The tags of an object as a write takes them; none where they may not be read and none are known of."""
        try:
            answer = await self.request("get_object_tagging", source.key, VersionId=source.version)
        except OSError as error:
            if known or not (isinstance(error, PermissionError) or error.errno == errno.ENOSYS):
                raise
            return {}
        tags = urlencode([(tag["Key"], tag["Value"]) for tag in answer.get("TagSet", [])])
        return {"Tagging": tags} if tags else {}

    # -- copies -------------------------------------------------------------------------------------------------------

    async def copy(self, source: Location, key: str, *, preserve_etag: bool | None = None, **keywords: Any) -> None:
        """Copy an object: with one request, or part by part where it is long or ``preserve_etag`` asks for its parts.

        Unlike s3fs's, such a copy is of one state of the object, keeps its attributes, and leaves no upload behind.
        """
        target = type(self)(self._plane, self._bucket, keywords)
        told = await self._told_of(source)
        size, count = told["ContentLength"], told["ETag"].strip('"').partition("-")[2]
        if preserve_etag and count.isdecimal():
            ranges = await self._uploaded_parts(source, int(count))
        elif size > _PART_BYTES:
            ranges = _parts_of(size)
        else:
            await target.request("copy_object", key, CopySource=_origin(source))
            return
        await self._copy_in_parts(source, key, told, ranges, await self._taken_along(source, told, keywords))

    async def _told_of(self, source: Location) -> Mapping[str, Any]:
        """What HEAD says of the object to be copied."""
        origin = type(self)(self._plane, source.bucket)
        told: Mapping[str, Any] = await origin.after_doubt(
            source.key, lambda: origin.request("head_object", source.key, VersionId=source.version), source.version
        )
        return told

    async def _taken_along(
        self, source: Location, told: Mapping[str, Any], keywords: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the upload of a copy begins with: as in CopyObject what is copied is not the caller's to say.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        given = dict(keywords or {})
        if given.get("MetadataDirective") != "REPLACE":
            given = {name: value for name, value in given.items() if name not in _COPIED}
            given.update({name: told[name] for name in _COPIED if told.get(name)})
        if given.get("TaggingDirective") != "REPLACE":
            given.pop("Tagging", None)
            origin = type(self)(self._plane, source.bucket)
            given.update(await origin.tagging(source, known=told.get("TagCount")))
        return given

    async def _uploaded_parts(self, source: Location, count: int) -> list[ByteRange]:
        """The parts that an object was uploaded in."""
        origin = type(self)(self._plane, source.bucket)
        ask = partial(origin.request, "head_object", source.key, VersionId=source.version)
        jobs = [partial(ask, PartNumber=number) for number in range(1, count + 1)]
        sizes = [answer["ContentLength"] for answer in await run_bounded(jobs, _PARTS_AT_A_TIME)]
        stops = list(accumulate(sizes))
        return [ByteRange(stop - size, stop) for size, stop in zip(sizes, stops, strict=True)]

    async def _copy_in_parts(
        self,
        source: Location,
        key: str,
        told: Mapping[str, Any],
        ranges: Sequence[ByteRange],
        keywords: Mapping[str, Any],
        *,
        create: bool = False,
    ) -> None:
        """Copy the state of an object that was told; when that fails, no part stays."""
        target = type(self)(self._plane, self._bucket, keywords)
        upload = await target.begin_upload(key, create=create, if_match=None)
        try:
            parts = await target.copied_parts(key, upload, source, told["ETag"], ranges)
            await target.complete_upload(key, upload, parts, size=told["ContentLength"], create=create, if_match=None)
        except BaseException:
            await target.abort_upload(key, upload)
            raise

    async def copied_parts(
        self, key: str, upload: str, source: Location, e_tag: str, ranges: Sequence[ByteRange]
    ) -> list[dict[str, Any]]:
        """The bytes of an object, in one state, as the parts of an upload."""

        async def copy(number: int, part: ByteRange) -> dict[str, Any]:
            answer = await self.request(
                "upload_part_copy",
                key,
                UploadId=upload,
                PartNumber=number,
                CopySource=_origin(source),
                CopySourceIfMatch=e_tag,
                CopySourceRange=f"bytes={part.start}-{part.stop - 1}" if len(ranges) > 1 else None,
            )
            return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

        jobs = [partial(copy, number, part) for number, part in enumerate(ranges, 1)]
        return await run_bounded(jobs, _PARTS_AT_A_TIME)


def _parts_of(size: int) -> list[ByteRange]:
    return split_range(ByteRange(0, size), max(_PART_BYTES, -(-size // 10_000)))


def _origin(source: Location) -> dict[str, str]:
    """An object as boto names the source of a copy."""
    version = {} if source.version is None else {"VersionId": source.version}
    return {"Bucket": source.bucket, "Key": source.key, **version}
