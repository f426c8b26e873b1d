"""File objects for reading: the open is the first useful request, every later one is pinned to its version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from fsspec.asyn import AbstractAsyncStreamedFile
from fsspec.spec import AbstractBufferedFile

from objfs import observing
from objfs.adaptive import SMALLEST_AHEAD_BYTES, AdaptiveCache
from objfs.errors import FileExpired
from objfs.exits import refuse_when_ending
from objfs.object_methods import ObjectMethods
from objfs.ranges import overlaps
from objfs.records import replace
from objfs.steps import Plan, Step, drive, drive_async
from objfs.store import usable_in_this_process
from objfs.transfers import Assembly, Slice, Source
from objfs.types import ByteRange, Chunk, Location, ObjectInfo, SizedBuffer, Suffix

if TYPE_CHECKING:
    from objfs.filesystem import ObjectFileSystem

# The first request of an open brings this much: small objects are whole after it, and it costs about as long as one
# byte would.
HEAD_BYTES: Final = 256 << 10
# Lines are looked for in pieces of this many bytes.
LINE_BLOCK_BYTES: Final = 64 << 10
# Of a given cache type without a block size.
BLOCK_BYTES: Final = 1 << 20
# Formats whose readers begin at the end, and how much of the end they usually want.
TAIL_BYTES: Final[Mapping[str, int]] = {
    ".parquet": 256 << 10,
    ".orc": 256 << 10,
    ".arrow": 64 << 10,
    ".feather": 64 << 10,
    ".zip": 64 << 10,
}


class ObjectFile(ObjectMethods, AbstractBufferedFile):  # type: ignore[misc]
    """An open object, binary, seekable.

    Opening costs one request: a ranged GET that brings size, ETag and the first bytes, or for formats that are read
    from the end (``.parquet``, ``.orc``, ``.arrow``, ``.feather``, ``.zip``) the last bytes. Every later request
    carries ``If-Match``.

    Parameters
    ----------
    fs
        The filesystem.
    path
        ``bucket/key``.
    source
        The object on the plane that reads it.
    block_size
        Bytes per read of the given ``cache_type``, or the smallest read-ahead window of the default cache.
    cache_type, cache_options
        A cache of ``fsspec.caching``; None is objfs's own adaptive cache.
    size
        Bytes of the object where the caller knows them: the open then costs no request and is not pinned before the
        first one.
    known
        The same and the state of the object, from a listing: the open costs no request, all reads are of that state.
    keywords
        Further keywords of the open, for a copy of the file in another process.

    Raises
    ------
    FileNotFoundError, PermissionError
        At open.
    FileExpired
        On a read after the object was replaced.
    """

    # Known to s3fs's files.
    fill_cache: bool
    size: int

    def __init__(
        self,
        fs: ObjectFileSystem,
        path: str,
        source: Source,
        *,
        block_size: int | None = None,
        cache_type: str | None = None,
        cache_options: Mapping[str, Any] | None = None,
        size: int | None = None,
        known: ObjectInfo | None = None,
        keywords: Mapping[str, Any] | None = None,
    ) -> None:
        self._source = source
        self.e_tag: str | None = None
        # What pins the file: its ETag, or its generation where every object has one.
        self.state: str | None = None
        self.version_id = source.location.version
        self.bucket, self.key = source.location.bucket, source.location.key
        first: Chunk | None = None
        if known is not None:
            size, self.e_tag, self.state = known.size, known.e_tag, source.state(known)
        elif size is None:
            first = fs.perform(source, source.first(_opening_range(source.location)))
            size, self.e_tag, self.state = first.info.size, first.info.e_tag, source.state(first.info)
            self.version_id = self.version_id or first.info.version
            if fs.connection.settings.value("version_aware", False):
                # Where old versions are kept the file can go on with its own when the object is replaced.
                self._source = replace(source, location=replace(source.location, version=self.version_id))
        # What a cache of fsspec has asked for while somebody watches a read.
        self._asked: list[ByteRange] = []
        # Where the block begins in which the last line was found, and its bytes.
        self._line_block: tuple[int, bytes] = (0, b"")
        self._again = {"cache_type": cache_type, "cache_options": cache_options, **(keywords or {})}
        super().__init__(
            fs,
            path,
            "rb",
            block_size or (SMALLEST_AHEAD_BYTES if cache_type is None else BLOCK_BYTES),
            cache_type=cache_type or "none",
            cache_options=dict(cache_options or {}),
            size=size,
        )
        if cache_type is None:
            self.cache = AdaptiveCache(self.blocksize, self._fetch_range, size, requests=self, first=first)

    # -- what its cache asks for ---------------------------------------------------------------------------------

    @property
    def is_pinned(self) -> bool:
        """Whether a request has said which version is read."""
        return self.state is not None

    def in_flight(self, request_bytes: int) -> int:
        """How many requests of that many bytes one read makes at a time."""
        return self._source.in_flight(request_bytes)

    def load(self, wanted: ByteRange) -> SizedBuffer:
        """One request of the version that is open, blocking this thread."""
        source = self._live_source()
        plan = source.within(wanted, self.state)
        with self._forgetting():
            chunk: Chunk = drive(plan) if source.blocks else self.fs.run_blocking(drive_async(plan))
        return chunk.data

    def fill(self, whole: Assembly, wanted: ByteRange) -> None:
        """Bring a range to its place, in parallel requests."""
        source = self._live_source()
        with self._forgetting():
            self.fs.perform(source, _carry_out(source.together(whole.parts(source, self.state, wanted))))

    def tell_read(self, wanted: ByteRange, waited: Sequence[ByteRange]) -> None:
        """Tell who watches that the range is read, and what of it is not here yet."""
        self._source.tell_read(wanted, waited=waited)

    def _fetch_range(self, start: int, end: int) -> bytes:
        stop = min(end, self.size)
        if start >= stop:
            return b""
        if observing.observers:
            self._asked.append(ByteRange(start, stop))
        source = self._live_source()
        with self._forgetting():
            data: bytes = self.fs.perform(source, self._fetch(source, ByteRange(start, stop)))
        return data

    @contextmanager
    def _forgetting(self) -> Iterator[None]:
        """Where the object is not the one that was opened, listings that are kept do not know that."""
        try:
            yield
        except (FileExpired, FileNotFoundError):
            self.fs.note_written(self.path)
            raise

    def _live_source(self) -> Source:
        """The source; in a forked child the data plane is gone, and another one has to go on."""
        refuse_when_ending()
        if self._source.blocks and not usable_in_this_process():
            location = self._source.location
            self._source = replace(self._source, objects=self.fs.connection.objects("read", location))
        return self._source

    def _fetch(self, source: Source, wanted: ByteRange) -> Plan[bytes]:
        if self.state is not None:
            return (yield from source.fetch(wanted, self.state)).tobytes()
        # Nothing was asked before the first read, which pins the file.
        first = Slice(source, wanted.start, wanted.stop)
        rest = yield from first.begin()
        self.e_tag, self.state = first.info.e_tag, source.state(first.info)
        # The caller may have been told of more bytes than there are.
        self.size = min(self.size, first.info.size)
        if rest:
            yield source.together(rest)
        return first.tobytes()

    # -- reading -------------------------------------------------------------------------------------------------

    def read(self, length: int | None = -1) -> bytes:
        """Read from the current position; None or a negative length means to the end."""
        if self.closed:
            msg = "I/O operation on closed file."
            raise ValueError(msg)
        stop = self.size if length is None or length < 0 else min(self.size, self.loc + int(length))
        if stop <= self.loc:
            return b""
        data = self._cached(self.loc, stop)
        self.loc += len(data)
        return data

    def _cached(self, start: int, stop: int) -> bytes:
        """A range through the cache; objfs's own tells by itself what is read, of fsspec's nobody knows."""
        if not observing.observers or isinstance(self.cache, AdaptiveCache):
            kept: bytes = self.cache._fetch(start, stop)  # noqa: SLF001 - the interface of fsspec's caches
            return kept
        asked = self._asked = []
        data: bytes = self.cache._fetch(start, stop)  # noqa: SLF001 - as above
        read = ByteRange(start, start + len(data))
        self.tell_read(read, overlaps(read, asked))
        return data

    def readuntil(self, char: bytes = b"\n", blocks: int | None = None) -> bytes:
        """Read to the end of the next ``char``, or of the object; ``blocks`` bytes are looked at a time."""
        if self.closed:
            msg = "I/O operation on closed file."
            raise ValueError(msg)
        pieces, at = b"", self.loc
        while data := self._block_at(at, blocks or LINE_BLOCK_BYTES):
            # The mark may begin in one block and end in the next.
            overlap = max(0, len(pieces) - len(char) + 1)
            pieces += data
            found = pieces.find(char, overlap)
            if found >= 0:
                pieces = pieces[: found + len(char)]
                break
            at += len(data)
        self.loc += len(pieces)
        return pieces

    def _block_at(self, at: int, length: int) -> bytes:
        """What is held of the file from a position on, or the next block of it: lines share one."""
        start, data = self._line_block
        if not start <= at < start + len(data):
            start, data = at, self._cached(at, min(at + length, self.size))
            self._line_block = start, data
        return data[at - start :]

    def read_buffer(self, length: int | None = -1) -> SizedBuffer:
        """Read as `read` does, into no new memory if possible: a read-only buffer.

        pyarrow asks for it (https://github.com/apache/arrow/blob/main/python/pyarrow/src/arrow/python/io.cc).
        """
        if self.closed or not isinstance(self.cache, AdaptiveCache):
            return self.read(length)
        stop = self.size if length is None or length < 0 else min(self.size, self.loc + int(length))
        data = self.cache.lend(self.loc, stop)
        self.loc += len(data)
        return data

    def whole(self) -> SizedBuffer | None:
        """Return the whole object where opening it has brought that, in no new memory; None where it has not."""
        if self.closed or not isinstance(self.cache, AdaptiveCache):
            return None
        return self.cache.opened_whole()

    def readinto(self, b: Any) -> int:
        """Read into a buffer; how many bytes there were."""
        if not isinstance(self.cache, AdaptiveCache):
            read: int = super().readinto(b)
            return read
        if self.closed:
            msg = "I/O operation on closed file."
            raise ValueError(msg)
        with memoryview(b) as view, view.cast("B") as target:
            count = self.cache.read_into(self.loc, target)
        self.loc += count
        return count

    def __hash__(self) -> int:
        return hash((self.path, self.state))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ObjectFile):
            return NotImplemented
        return (self.fs, self.path, self.state) == (other.fs, other.path, other.state)

    def __reduce__(self) -> Any:
        version = self._source.location.version
        again = {**self._again, "block_size": self.blocksize, "size": self.size, "version_id": version}
        return _reopen, (self.fs, self.path, again, self.loc, self.e_tag, self.state)


def _reopen(
    fs: Any, path: str, again: dict[str, Any], position: int, e_tag: str | None, state: str | None
) -> ObjectFile:
    """Open the same object elsewhere, still pinned to the version that was open."""
    file: ObjectFile = fs.open(path, "rb", **again)
    file.e_tag, file.state = e_tag, state
    file.seek(position)
    return file


def _carry_out(step: Step) -> Plan[None]:
    yield step


def _opening_range(location: Location) -> ByteRange | Suffix:
    dot = location.key.rfind(".")
    tail = TAIL_BYTES.get(location.key[dot:].lower()) if dot >= 0 else None
    return ByteRange(0, HEAD_BYTES) if tail is None else Suffix(tail)


class AsyncObjectFile(AbstractAsyncStreamedFile):  # type: ignore[misc]
    """An open object whose ``read`` is awaited; one version, no read-ahead."""

    def __init__(self, fs: ObjectFileSystem, path: str, source: Source) -> None:
        self.fs, self.path, self.mode, self.loc = fs, path, "rb", 0
        self.size: int | None = None
        self._source = source
        self._state: str | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return self._closed

    @closed.setter
    def closed(self, value: bool) -> None:
        self._closed = value

    async def read(self, length: int | None = -1) -> bytes:
        """Read from the current position; a negative length means to the end."""
        if self._closed:
            msg = "I/O operation on closed file."
            raise ValueError(msg)
        if self.size is None:
            info = await drive_async(self._source.head())
            self.size, self._state = info.size, self._source.state(info)
        stop = self.size if length is None or length < 0 else min(self.size, self.loc + length)
        if stop <= self.loc:
            return b""
        wanted = ByteRange(self.loc, stop)
        data = (await drive_async(self._source.fetch(wanted, self._state))).tobytes()
        self._source.tell_read(wanted)
        self.loc += len(data)
        return data

    async def close(self) -> None:
        """Close the file."""
        self._closed = True

    def __del__(self) -> None:
        """Do nothing: there is nothing to release, and fsspec's own would make a coroutine that nobody awaits."""
