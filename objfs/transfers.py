"""Reading objects with ranged requests: slices, whole objects in parallel, downloads. All of one version."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, Protocol

from objfs.concurrency import run_bounded
from objfs.errors import FileExpired, PreconditionFailedError
from objfs.ranges import merge_ranges, needs_size, slice_range, split_range
from objfs.types import ByteRange, Chunk, Location, ObjectInfo, Suffix

# One request moves at most this much: several of them in flight fill a connection each (about 90 MB/s on S3), and a
# broken one loses little.
PART_BYTES: Final = 8 << 20
# Ranges of one object that lie closer than this share a request: on S3 a request costs as long as 1-2 MB of transfer.
MAX_GAP_BYTES: Final = 512 << 10


class Readable(Protocol):
    """What a plane must offer to be read from."""

    async def get(
        self,
        key: str,
        wanted: ByteRange | Suffix | None = None,
        *,
        if_match: str | None = None,
        version: str | None = None,
    ) -> Chunk:
        """Read an object or a range of it."""
        ...

    async def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """Describe an object."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """One object on the plane that reads it.

    Parameters
    ----------
    objects
        Store or SDK client of the object's bucket.
    location
        The object.
    max_concurrency
        Requests in flight at a time.
    local_check
        Compare ETags here instead of sending If-Match, for servers that do not know the header.
    condition
        Field of `ObjectInfo` that tells one state of the object from another.
    suffix_ranges
        Whether the server can be asked for the last bytes.
    chunk_bytes
        What one request brings at most, where the caller says it.
    """

    objects: Readable
    location: Location
    max_concurrency: int
    local_check: bool = False
    condition: Literal["e_tag", "version"] = "e_tag"
    suffix_ranges: bool = True
    chunk_bytes: int | None = None

    @property
    def part_bytes(self) -> int:
        """What one request brings at most."""
        return self.chunk_bytes or PART_BYTES

    def state(self, info: ObjectInfo) -> str | None:
        """What pins further reads to this state of the object."""
        return info.state(self.condition)

    async def get(self, wanted: ByteRange | Suffix | None, state: str | None = None) -> Chunk:
        """One request, pinned to ``state`` where one is given.

        Raises
        ------
        FileExpired
            The object is not that version any more.
        """
        condition = None if self.local_check or self.condition != "e_tag" else state
        try:
            chunk = await self.objects.get(self.location.key, wanted, if_match=condition, version=self.location.version)
        except PreconditionFailedError as error:
            raise FileExpired(self.location.path, state) from error
        # Compared even where the server compared too: some proxies drop If-Match.
        if state is not None and self.state(chunk.info) not in (None, state):
            raise FileExpired(self.location.path, state)
        return chunk

    async def head(self) -> ObjectInfo:
        """Describe the object."""
        return await self.objects.head(self.location.key, version=self.location.version)

    async def first(self, wanted: ByteRange | Suffix, state: str | None = None) -> Chunk:
        """A range that need not lie within the object: past its end there are no bytes, and no error."""
        if isinstance(wanted, Suffix) and not self.suffix_ranges:
            info = await self.head()
            if info.size == 0:
                return Chunk(b"", 0, info)
            wanted, state = ByteRange(max(0, info.size - wanted.length), info.size), state or self.state(info)
        try:
            return await self.get(wanted, state)
        except OSError as error:
            # Servers answer a range of an empty object, or past the end, with 416 or with something that obstore
            # cannot read (MinIO's `bytes 0--1/0`).
            if error.errno not in (errno.EINVAL, errno.EIO):
                raise
            info = await self.head()
            if info.size == 0 or (isinstance(wanted, ByteRange) and wanted.start >= info.size):
                return Chunk(b"", info.size, info)
            raise

    async def fetch(self, wanted: ByteRange, state: str | None) -> bytes:
        """A range within the object, in parallel requests where it is long."""
        jobs = [lambda part=part: self.get(part, state) for part in split_range(wanted, self.part_bytes)]
        chunks = await run_bounded(jobs, self.max_concurrency)
        return chunks[0].data if len(chunks) == 1 else b"".join(chunk.data for chunk in chunks)


async def read_slice(source: Source, start: int | None, stop: int | None) -> bytes:
    """The bytes ``object[start:stop]``, with Python's meaning of negative, missing and too large bounds."""
    begin = start or 0
    if begin < 0 and stop is None:
        return (await source.first(Suffix(-begin))).data
    if begin < 0 or (stop is not None and stop < 0):
        info = await source.head()
        wanted = slice_range(start, stop, info.size)
        return await source.fetch(wanted, source.state(info)) if len(wanted) else b""
    if stop is not None and stop <= begin:
        await source.head()
        return b""
    ahead = source.part_bytes if stop is None else min(stop - begin, source.part_bytes)
    chunk = await source.first(ByteRange(begin, begin + ahead))
    end = chunk.info.size if stop is None else min(stop, chunk.info.size)
    if chunk.start + len(chunk.data) >= end:
        return chunk.data
    rest = await source.fetch(ByteRange(begin + len(chunk.data), end), source.state(chunk.info))
    return chunk.data + rest


async def read_many(source: Source, bounds: Sequence[tuple[int | None, int | None]]) -> list[bytes]:
    """Several slices of one object in few requests, all of one version; past its end there are no bytes."""
    state: str | None = None
    if any(stop is None or needs_size(start, stop) for start, stop in bounds):
        info = await source.head()
        state = source.state(info)
        ranges = [slice_range(start, stop, info.size) for start, stop in bounds]
    else:
        ranges = [ByteRange(start or 0, max(start or 0, stop or 0)) for start, stop in bounds]
    plan = merge_ranges(ranges, max_gap_bytes=MAX_GAP_BYTES, max_request_bytes=PART_BYTES)
    jobs = [lambda item=item: source.first(item.range, state) for item in plan]
    chunks = await run_bounded(jobs, source.max_concurrency)
    if len({source.state(chunk.info) for chunk in chunks}) > 1:
        raise FileExpired(source.location.path, source.state(chunks[0].info))
    results = [b""] * len(ranges)
    for item, chunk in zip(plan, chunks, strict=True):
        for index in item.serves:
            results[index] = chunk.data[item.cut(ranges[index])]
    return results


async def download(source: Source, target: str, callback: Any) -> None:
    """Write an object to a local file, which appears whole or not at all.

    A link is followed, and a file that is replaced hands its mode on. What is no regular file (a device, a pipe) is
    written to as it is.
    """
    path = Path(os.path.realpath(target))
    if path.exists() and not path.is_file():
        # A pipe opens when somebody reads it: that must not stop the event loop.
        with await asyncio.to_thread(path.open, "wb") as file:
            await copy_to(source, file, callback)
        return
    partial = path.parent / f".objfs-{secrets.token_hex(8)}.part"
    try:
        with partial.open("wb") as file:
            await copy_to(source, file, callback)
        if path.exists():
            partial.chmod(stat.S_IMODE(path.stat().st_mode))
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


async def copy_to(source: Source, file: IO[bytes], callback: Any) -> None:
    """Write an object into an open file: in parallel where the file can seek, else in order."""
    first = await source.first(ByteRange(0, source.part_bytes))
    callback.set_size(first.info.size)
    seekable = file.seekable()
    base = file.tell() if seekable else 0

    def store(chunk: Chunk) -> None:
        if seekable:
            file.seek(base + chunk.start)
        file.write(chunk.data)
        callback.relative_update(len(chunk.data))

    async def fetch(part: ByteRange) -> None:
        chunk = await source.get(part, source.state(first.info))
        store(chunk)

    store(first)
    rest = ByteRange(min(len(first.data), first.info.size), first.info.size)
    jobs = [lambda part=part: fetch(part) for part in split_range(rest, source.part_bytes)]
    await run_bounded(jobs, source.max_concurrency if seekable else 1)
    if seekable:
        await asyncio.to_thread(file.seek, base + first.info.size)
