"""The data that is read and written: how much there is, how it is made, and where a workload finds it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SEED = 20261121
BUCKET, LISTED_BUCKET = "benchmarks", "listed"
LARGE, MEDIUM, TABLE, ARRAY, VARIABLE = "large.bin", "medium.bin", "table.parquet", "array.zarr", "field"
TABLE_COLUMNS = 30
STEP_BYTES = 16 << 20


@dataclass(frozen=True)
class Sizes:
    """How much data there is.

    Parameters
    ----------
    large_bytes, medium_bytes
        Of the two large objects; the medium one is the beginning of the large one.
    whole
        Which of the two is read from end to end and downloaded.
    stream_bytes
        Written in pieces; not more than `large_bytes`.
    small_count, opened_count
        Small objects that there are, and those that are opened one after another.
    range_count, range_bytes, seek_count, seek_bytes
        Of the scattered reads.
    table_rows, group_rows
        Of the Parquet table, and of each of its row groups.
    array_shape
        Of the Zarr array; each step of the first axis is a chunk.
    folder_count, key_count
        Of the listing: folders that are listed through, and all keys in them; another prefix has as many and no folder.
    """

    large_bytes: int = 1 << 30
    medium_bytes: int = 256 << 20
    whole: str = LARGE
    stream_bytes: int = 512 << 20
    small_count: int = 1000
    small_bytes: int = 16 << 10
    opened_count: int = 500
    range_count: int = 2000
    range_bytes: int = 64 << 10
    seek_count: int = 2000
    seek_bytes: int = 4 << 10
    table_rows: int = 1_000_000
    group_rows: int = 100_000
    array_shape: tuple[int, int, int] = (400, 128, 256)
    folder_count: int = 500
    key_count: int = 50_000

    @property
    def whole_bytes(self) -> int:
        """Length of `whole`."""
        return self.large_bytes if self.whole == LARGE else self.medium_bytes


FULL = Sizes()
QUICK = Sizes(
    large_bytes=16 << 20,
    medium_bytes=8 << 20,
    stream_bytes=12 << 20,
    small_count=20,
    opened_count=10,
    range_count=50,
    seek_count=20,
    table_rows=1 << 14,
    group_rows=1 << 12,
    array_shape=(10, 32, 32),
    folder_count=10,
    key_count=1_100,  # more than a page
)
# The emulators of other clouds are slow, and keep everything in memory.
EMULATED = Sizes(
    large_bytes=64 << 20,
    medium_bytes=32 << 20,
    stream_bytes=48 << 20,
    small_count=200,
    opened_count=50,
    range_count=200,
    table_rows=1 << 17,
    group_rows=1 << 14,
    array_shape=(100, 64, 64),
    key_count=0,
)


def far(sizes: Sizes) -> Sizes:
    """Return what a workload uses of the data where every request takes long."""
    return replace(sizes, whole=MEDIUM, seek_count=sizes.seek_count // 50 or 5)


@dataclass(frozen=True)
class Scene:
    """Where a workload takes place.

    Parameters
    ----------
    fs
        The filesystem of the contender.
    out
        ``bucket/prefix`` for objects to write, new for every measurement.
    originals
        Local folder with the same objects as `BUCKET`.
    scratch
        Empty local folder.
    """

    fs: Any
    out: str
    originals: Path
    scratch: Path
    sizes: Sizes

    def at(self, name: str) -> str:
        """Path of an object."""
        return f"{BUCKET}/{name}"

    def original(self, start: int, stop: int) -> bytes:
        """Bytes of the large object, and of those that repeat a part of it."""
        return read_part(self.originals / LARGE, start, stop)

    def is_original(self, data: Any, stop: int, start: int = 0) -> bool:
        """Compare bytes, whole or in pieces, with the large object."""
        pieces = data if isinstance(data, list) else [data]
        at = start
        for piece in pieces:
            view = memoryview(piece)
            for first in range(0, len(view), STEP_BYTES):
                found = bytes(view[first : first + STEP_BYTES])
                if found != self.original(at, at + len(found)):
                    return False
                at += len(found)
        return at == stop

    def small(self, count: int | None = None) -> dict[str, slice]:
        """Paths of the small objects, and which part of the large one each repeats."""
        return {self.at(name): part for name, part in small_parts(self.sizes, count).items()}

    def ranges(self, count: int, length: int) -> list[tuple[int, int]]:
        """Scattered ranges of the large object, the same in every process."""
        chance = random.Random(SEED)
        last = self.sizes.large_bytes - length
        starts = [chance.randrange(last) for _ in range(count)]
        return [(start, start + length) for start in starts]


def read_part(path: Path, start: int, stop: int) -> bytes:
    """Return a part of a local file."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(stop - start)


def small_parts(sizes: Sizes, count: int | None = None) -> dict[str, slice]:
    """Names of small objects, and the part of the large one that each repeats."""
    size = sizes.small_bytes
    indices = range(count or sizes.small_count)
    return {f"small/{index:04}": slice(index * size, (index + 1) * size) for index in indices}


def listed_keys(sizes: Sizes) -> dict[str, int]:
    """Keys of the listings and their sizes: half below folders, half below none."""
    each = sizes.key_count // sizes.folder_count
    below = {
        f"tree/folder-{folder:03}/object-{index:05}": 100 + index
        for folder in range(sizes.folder_count)
        for index in range(each)
    }
    return below | {f"flat/object-{index:06}": 100 + index for index in range(sizes.key_count)}


def make_data(folder: Path, sizes: Sizes) -> None:
    """Write the local copy of all objects, always the same bytes, and the list of the keys that are only listed."""
    own = folder / BUCKET
    own.mkdir(parents=True)
    _make_large(own, sizes)
    (own / "small").mkdir()
    for name, part in small_parts(sizes).items():
        (own / name).write_bytes(read_part(own / LARGE, part.start, part.stop))
    _make_table(own / TABLE, sizes)
    _make_array(own / ARRAY, sizes)
    os.sync()  # or the kernel would do it during the measurements


def _make_large(folder: Path, sizes: Sizes) -> None:
    with (folder / LARGE).open("wb") as large, (folder / MEDIUM).open("wb") as medium:
        for start, piece in _pieces(sizes.large_bytes):
            large.write(piece)
            medium.write(piece[: max(0, sizes.medium_bytes - start)])


def _pieces(length: int) -> Iterator[tuple[int, bytes]]:
    chance = random.Random(SEED)
    for start in range(0, length, STEP_BYTES):
        yield start, chance.randbytes(min(STEP_BYTES, length - start))


def _make_table(path: Path, sizes: Sizes) -> None:
    import numpy  # noqa: ICN001, PLC0415 - only the parent makes data
    import pyarrow  # noqa: ICN001, PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    chance = numpy.random.default_rng(SEED)
    columns = {f"c{index:02}": chance.random(sizes.table_rows) for index in range(TABLE_COLUMNS)}
    # Random numbers repeat too seldom for a dictionary, and cannot be compressed.
    parquet.write_table(
        pyarrow.table(columns), path, row_group_size=sizes.group_rows, use_dictionary=False, compression="none"
    )


def _make_array(path: Path, sizes: Sizes) -> None:
    import numpy  # noqa: ICN001, PLC0415 - only the parent makes data
    import xarray  # noqa: PLC0415

    chance = numpy.random.default_rng(SEED)
    field = chance.random(sizes.array_shape, dtype="float32")
    chunks = (1, *sizes.array_shape[1:])
    made = xarray.Dataset({VARIABLE: (("time", "y", "x"), field)})
    made.to_zarr(path, zarr_format=2, consolidated=True, encoding={VARIABLE: {"chunks": chunks, "compressors": None}})
