"""The bytes of objects of one bucket by requests of GCS's JSON API, through gcsfs's session and signature."""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, ClassVar, Final

from objfs.clouds._backends import retry_config
from objfs.peers import gcs_pages
from objfs.peers.answers import partial_content, size_of
from objfs.peers.gcs_checks import Check, check_of
from objfs.peers.gcs_names import FIXED_KEYS
from objfs.peers.gcs_uploads import Resumable
from objfs.peers.gcs_vocabulary import GCSVocabulary
from objfs.retries import policy_of
from objfs.types import ByteRange, Chunk, Location, ObjectInfo, Suffix, Written

logger = logging.getLogger("objfs")

_ATTRIBUTES: Final[Mapping[str, str]] = {
    "contentType": "Content-Type",
    "contentEncoding": "Content-Encoding",
    "cacheControl": "Cache-Control",
    "contentDisposition": "Content-Disposition",
    "contentLanguage": "Content-Language",
}
_DEFAULT_TYPE: Final = "application/octet-stream"
# Our own words for what gcsfs has as members of `fixed_key_metadata`, or not at all.
_PLAIN_KEYS: Final[Mapping[str, str]] = {**FIXED_KEYS, "storage_class": "storageClass"}
# https://cloud.google.com/storage/docs/objects#naming
_LONGEST_KEY_BYTES: Final = 1024


class GCSObjects(GCSVocabulary):
    """Reads and writes of one bucket; keywords are those of gcsfs's verbs."""

    # Chunks of a resumable upload come one after another.
    parallel_parts: ClassVar[bool] = False

    # -- bytes ----------------------------------------------------------------------------------------------------

    async def get(
        self,
        key: str,
        wanted: ByteRange | Suffix | None = None,
        *,
        if_match: str | None = None,
        version: str | None = None,
    ) -> Chunk:
        """Read an object or a range of it; as `Store.get`."""
        answered, data = await self._plane.call(
            "_call",
            "GET",
            f"{self._endpoint}/download/storage/v1/b/{{}}/o/{{}}",
            self._bucket,
            key,
            headers={} if wanted is None else {"Range": _range_header(wanted)},
            raw=True,
            alt="media",
            generation=version,
            ifGenerationMatch=if_match,
        )
        data, start, size = partial_content(data, answered.get("Content-Range"), wanted, f"{self._bucket}/{key}")
        return Chunk(data, start, _info_of_headers(answered, size))

    async def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """What the store says about an object; as `Store.head`."""
        return _info_of(await self.resource(key, version), f"{self._bucket}/{key}")

    async def put(
        self,
        key: str,
        data: bytes | bytearray | memoryview,
        *,
        create: bool = False,
        if_match: str | None = None,
    ) -> Written:
        """Write an object with one request; as `Store.put`, its attributes are among the caller's keywords."""
        check = self._check()
        check.update(data)
        described = {"name": key, **self._described(), **check.promise()}
        # The bytes may hold anything, but not by chance what nobody could know.
        boundary = f"objfs-{secrets.token_hex(16)}"
        head = (
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(described)}\r\n"
            f"--{boundary}\r\nContent-Type: {described['contentType']}\r\n\r\n"
        )
        with self._exclusive(key, create):
            found = await self.ask(
                "POST",
                f"{self._endpoint}/upload/storage/v1/b/{{}}/o",
                self._bucket,
                subject=f"{self._bucket}/{key}",
                headers={"Content-Type": f"multipart/related; boundary={boundary}"},
                data=b"".join((head.encode(), data, f"\r\n--{boundary}--".encode())),
                uploadType="multipart",
                **self._condition(create, if_match),
                **self._parameters(),
            )
        check.compare(found, f"{self._bucket}/{key}")
        return _written(found)

    async def delete(self, key: str, *, version: str | None = None) -> None:
        """Delete one object, or one of its generations."""
        await self._plane.call("_call", "DELETE", "b/{}/o/{}", self._bucket, key, generation=version)

    async def any_below(self, prefix: str) -> bool:
        """Whether any key begins with ``prefix/``; as `Store.any_below`."""
        begin = f"{prefix.rstrip('/')}/" if prefix else ""
        only = {"fields": "items(name),nextPageToken", "maxResults": 1}
        async for items, _ in gcs_pages.pages(self.ask, self._bucket, prefix=begin, **only):
            if items:
                return True
        return False

    # -- uploads in parts -----------------------------------------------------------------------------------------

    async def begin_upload(self, key: str, *, create: bool, if_match: str | None) -> Resumable:
        """Prepare a resumable upload; it begins with its first chunk, when it is known whether it appends."""
        begin = partial(self._begin, create=create, if_match=if_match)
        policy = policy_of(retry_config(self._plane.setup.settings))
        kind = self._described()["contentType"]
        return Resumable(self._once, begin, key, f"{self._bucket}/{key}", policy, self._check(), kind)

    async def try_upload(self, key: str) -> bool:
        """Begin an upload and give it up; what is written to a zonal bucket is seen from its first byte."""
        upload = await self.begin_upload(key, create=True, if_match=None)
        if not isinstance(upload, Resumable):
            return False
        await upload.start()
        await upload.cancel()
        return True

    async def _once(self, method: str, path: str, **keywords: Any) -> Any:
        return await self._plane.call("objfs_once", method, path, **keywords)

    async def _begin(self, upload: Resumable, *, create: bool, if_match: str | None) -> str:
        """Begin the session; its URL. What is to be appended goes to an object of its own first."""
        if upload.appended is not None:
            # Keys are counted in bytes; what is cut off must not end within a character.
            stem = upload.key.encode()[: _LONGEST_KEY_BYTES - 64].decode(errors="ignore")
            upload.key = f"{stem}.objfs-{secrets.token_hex(8)}"
            create, if_match = True, None
        described = self._described()
        with self._exclusive(upload.key, create):
            headers, _ = await self._plane.call(
                "_call",
                "POST",
                f"{self._endpoint}/upload/storage/v1/b/{{}}/o",
                self._bucket,
                subject=upload.subject,
                headers={"X-Upload-Content-Type": described["contentType"]},
                json={"name": upload.key, **described},
                uploadType="resumable",
                name=upload.key,
                **self._condition(create, if_match),
                **self._parameters(),
            )
        url: str = headers["Location"]
        return url

    async def send_part(self, key: str, upload: Any, number: int, start: int, data: bytes) -> Any:
        """Send the chunk before this one, and keep this one until it is known whether it is the last."""
        await upload.add(data)
        return number

    async def copy_part(self, key: str, upload: Any, source: str, e_tag: str | None) -> Any:
        """Have what is uploaded joined to an object, in that state."""
        upload.appended = Location(self._bucket, key, e_tag)
        return 1

    async def complete_upload(
        self, key: str, upload: Any, parts: Sequence[Any], *, size: int, create: bool, if_match: str | None
    ) -> Written:
        """Publish the object."""
        base: Location | None = upload.appended
        if base is not None and upload.empty:
            return Written(None, base.version)
        with self._exclusive(key, create):
            found = await upload.finish()
        if base is None:
            return _written(found)
        tail = Location(self._bucket, upload.key, found.get("generation"))
        try:
            joined = await self.compose(
                key,
                [base, tail],
                self._described(),
                acl=self._keywords.get("acl"),
                **self._condition(create=False, if_match=if_match),
            )
        finally:
            await self._drop(tail)
        return _written(joined)

    async def abort_upload(self, key: str, upload: Any) -> None:
        """Give an upload up."""
        await upload.cancel()

    async def _drop(self, tail: Location) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):
                await self.delete(tail.key, version=tail.version)
        except OSError as error:
            logger.warning("cannot delete %s, whose bytes were appended to another object: %s", tail.path, error)

    # -- the caller's keywords ------------------------------------------------------------------------------------

    def _check(self) -> Check:
        return check_of(self._keywords.get("consistency"))

    def _described(self) -> dict[str, Any]:
        """The members of an object's description that the caller's keywords say."""
        words = self._keywords
        found = {"contentType": words.get("content_type") or _DEFAULT_TYPE}
        if words.get("metadata"):
            found["metadata"] = dict(words["metadata"])
        for name, value in (words.get("fixed_key_metadata") or {}).items():
            if name not in FIXED_KEYS:
                msg = f"fixed_key_metadata has no {name!r}; it takes {', '.join(FIXED_KEYS)}"
                raise ValueError(msg)
            found[FIXED_KEYS[name]] = value
        for name in _PLAIN_KEYS:
            if words.get(name):
                found[_PLAIN_KEYS[name]] = words[name]
        return found

    def _parameters(self) -> dict[str, Any]:
        """The parameters of a write that the caller's keywords say."""
        return {"predefinedAcl": self._keywords.get("acl"), "kmsKeyName": self._keywords.get("kms_key_name")}


def _range_header(wanted: ByteRange | Suffix) -> str:
    """RFC 9110, section 14.1.2: both ends of a byte range are inclusive."""
    return f"bytes=-{wanted.length}" if isinstance(wanted, Suffix) else f"bytes={wanted.start}-{wanted.stop - 1}"


def _written(found: Mapping[str, Any]) -> Written:
    return Written(found.get("etag"), found.get("generation"))


def _info_of(found: Mapping[str, Any], path: str) -> ObjectInfo:
    modified = gcs_pages.parse_time(found["updated"]) if "updated" in found else None
    attributes = {header: str(found[name]) for name, header in _ATTRIBUTES.items() if found.get(name)}
    return ObjectInfo(
        size_of(found.get("size", 0), path),
        found.get("etag"),
        modified,
        found.get("generation"),
        {**attributes, **(found.get("metadata") or {})},
    )


def _info_of_headers(headers: Mapping[str, str], size: int) -> ObjectInfo:
    """https://cloud.google.com/storage/docs/xml-api/reference-headers, which downloads have too."""
    modified: datetime | None = None
    with contextlib.suppress(TypeError, ValueError):
        modified = parsedate_to_datetime(headers.get("Last-Modified", ""))
    attributes = {name: headers[name] for name in _ATTRIBUTES.values() if name in headers}
    if headers.get("x-goog-stored-content-encoding", "identity") != "identity":
        attributes["Content-Encoding"] = headers["x-goog-stored-content-encoding"]
    begin = "x-goog-meta-"
    own = {name.lower()[len(begin) :]: text for name, text in headers.items() if name.lower().startswith(begin)}
    return ObjectInfo(size, headers.get("ETag"), modified, headers.get("x-goog-generation"), {**attributes, **own})
