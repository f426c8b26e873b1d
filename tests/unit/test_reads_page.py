"""The page on how reads are planned says how many requests each way to read makes: they are counted."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from objfs import S3FileSystem, adaptive, reading, store, transfers, workers
from tests.unit.recording import RecordingStore, filesystem, until

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "how-reads-and-writes-are-planned.md"
KIB, MIB = 1 << 10, 1 << 20
LARGE, SMALL = "bucket/large", "bucket/small"
ROW = re.compile(r"\| (?P<done>.+?) \| (?P<requests>\d+) \| (?P<fetched>\d+) KiB \|")


def opened(fs: S3FileSystem, path: str, *reads: int | tuple[int, int], **more: int) -> None:
    """Open a file and read: so many bytes, or (place, bytes)."""
    with fs.open(path, **more) as file:
        for read in reads:
            if isinstance(read, tuple):
                file.seek(*read[:1])
            file.read(read[1] if isinstance(read, tuple) else read)
        # What was begun ahead is waited for before the file is closed, so that it is counted.
        assert until(lambda: not workers.is_busy())


def places(count: int, apart: int) -> list[int]:
    """Where ranges begin, in no order."""
    return random.Random(1).sample(range(MIB, MIB + count * apart, apart), count)


def ranges(fs: S3FileSystem, count: int, apart: int) -> None:
    """Ranges of 4 KiB."""
    starts = places(count, apart)
    fs.cat_ranges([LARGE] * count, starts, [start + 4 * KIB for start in starts])


def fetched(fs: S3FileSystem, folder: Path) -> None:
    """Many small objects, to a file each."""
    fs.get([f"bucket/{number}" for number in range(100)], [str(folder / str(number)) for number in range(100)])


PATTERNS: dict[str, Callable[[S3FileSystem, Path], object]] = {
    "`open` and read `small`": lambda fs, _: opened(fs, SMALL, -1),
    "`open` and read an empty object": lambda fs, _: opened(fs, "bucket/empty", -1),
    "`open` `large.parquet` and read the last 100 KiB": lambda fs, _: opened(
        fs, "bucket/large.parquet", (64 * MIB - 8, 8), (64 * MIB - 100 * KIB, 100 * KIB)
    ),
    "`open` `small` with `size=`, and read it": lambda fs, _: opened(fs, SMALL, -1, size=100 * KIB),
    "`cat_file` of `small`": lambda fs, _: fs.cat_file(SMALL),
    "`cat_file(start=1000, end=2000)`": lambda fs, _: fs.cat_file(LARGE, start=1000, end=2000),
    "`cat_file(start=-1000)`": lambda fs, _: fs.cat_file(LARGE, start=-1000),
    "`cat_file(start=1000, end=-1000)` of `small`": lambda fs, _: fs.cat_file(SMALL, start=1000, end=-1000),
    "`cat_file` of `large`": lambda fs, _: fs.cat_file(LARGE),
    "`get_file` of `large`": lambda fs, folder: fs.get_file(LARGE, str(folder / "large")),
    "`open` `large` and `read()`": lambda fs, _: opened(fs, LARGE, -1),
    "`open` `large` and `read(1 MiB)` to the end": lambda fs, _: opened(fs, LARGE, *[MIB] * 65),
    "`open` `large` and `read(64 KiB)` 16 times": lambda fs, _: opened(fs, LARGE, *[64 * KIB] * 16),
    "`open` `large`, then 100 times `seek` and `read(4 KiB)`": lambda fs, _: opened(
        fs, LARGE, *[(place, 4 * KIB) for place in places(100, 512 * KIB)]
    ),
    "`open` `large`, then 100 times `seek` and `read(4 KiB)` at two places in turn": lambda fs, _: opened(
        fs, LARGE, *[(place, 4 * KIB) for place in (20 * MIB, 40 * MIB)] * 50
    ),
    "`cat` of 1,000 objects of 1 KiB": lambda fs, _: fs.cat([f"bucket/{number}" for number in range(1000)]),
    "`get` of 100 objects of 1 KiB to 100 files": fetched,
    "`cat_ranges`: 300 ranges of 4 KiB, 200 KiB apart": lambda fs, _: ranges(fs, 300, 200 * KIB),
    "`cat_ranges`: 300 ranges of 4 KiB, 16 KiB apart": lambda fs, _: ranges(fs, 300, 20 * KIB),
}


@pytest.fixture(scope="module")
def objects() -> dict[str, bytes]:
    """What the table speaks of."""
    large = bytes(64 * MIB)
    small = {str(number): bytes(KIB) for number in range(1000)}
    return {"large": large, "large_parquet": large, "small": bytes(100 * KIB), "empty": b"", **small}


def test_page_names_every_pattern() -> None:
    """A row that no test counts would be a claim, and a pattern without a row is not told."""
    assert [row["done"] for row in ROW.finditer(PAGE.read_text("utf-8"))] == list(PATTERNS)


@pytest.mark.parametrize("done", PATTERNS)
def test_page_says_how_many_requests_a_pattern_makes(done: str, objects: dict[str, bytes], tmp_path: Path) -> None:
    """And how many bytes they bring."""
    plane = RecordingStore(**objects)
    PATTERNS[done](filesystem(plane), tmp_path)
    (row,) = (row for row in ROW.finditer(PAGE.read_text("utf-8")) if row["done"] == done)
    assert (len(plane.requests), round(plane.bytes_out / KIB)) == (int(row["requests"]), int(row["fetched"]))


def said(value: int) -> str:
    """A number of bytes as the page has it."""
    unit, name = (MIB, "MiB") if value >= MIB else (KIB, "KiB")
    return f"{value // unit} {name}" if value >= KIB else f"{value} bytes"


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        ("the first {}", [reading.HEAD_BYTES]),
        ("`.parquet`, `.orc` | the last {}", [reading.TAIL_BYTES[".parquet"]]),
        ("`.arrow`, `.feather`, `.zip` | the last {}", [reading.TAIL_BYTES[".zip"]]),
        ("at most {}, in\nparts of at most {}", [adaptive.AHEAD_BYTES, transfers.PART_BYTES]),
        ("begins at {}, halves", [adaptive.FIRST_MARGIN_BYTES]),
        ("down to {},", [adaptive.SMALLEST_MARGIN_BYTES]),
        ("up to {}. The last {}", [adaptive.LARGEST_MARGIN_BYTES, adaptive.KEPT_BYTES]),
        ("ask for {} first", [transfers.FIRST_BYTES]),
        ("at most {} apart share a request, of at most {}", [transfers.MAX_GAP_BYTES, transfers.PART_BYTES]),
        ("at most {} in flight", [transfers.BYTES_IN_FLIGHT]),
        ("more than {} of all calls", [transfers.FIRST_BYTES]),
        ("{} ahead, {} kept", [adaptive.AHEAD_BYTES, adaptive.KEPT_BYTES]),
    ],
)
def test_page_says_the_sizes_of_the_code(sentence: str, values: list[int]) -> None:
    """Who changes a constant changes the page."""
    assert sentence.format(*map(said, values)) in PAGE.read_text("utf-8")


def test_page_says_the_bounds_of_the_code() -> None:
    """The same for numbers of requests, threads and pieces."""
    text = PAGE.read_text("utf-8")
    assert f"at most {transfers.REQUESTS_IN_FLIGHT} requests" in text
    assert f"share {store.LARGE_AT_A_TIME} places" in text
    assert (transfers.SDK_REQUESTS_IN_FLIGHT, "ten\nrequests" in text) == (10, True)
    assert (workers._FIRST_WORKERS, "Eight threads" in text) == (8, True)
    assert (workers.MAX_IDLE, "sixteen at most" in text) == (16, True)
    assert f"each in {workers._RAMP_SECONDS * 1000:g} ms" in text
    assert (adaptive.AHEAD_OF_RUN, "Twice as much as the sequence has read" in text) == (2, True)
    assert f"{adaptive.KEPT_BLOCKS} pieces at most" in text
