"""The page on how writes are planned says how many requests each way to write makes: they are counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from objfs import S3FileSystem, bulk_write_verbs, parts, uploads
from objfs.clouds.azure import AZURE
from objfs.clouds.gcs import GCS
from objfs.clouds.s3 import S3
from objfs.transfers import REQUESTS_IN_FLIGHT
from tests.unit.recording import BUCKET
from tests.unit.test_reads_page import KIB, MIB, PAGE, said
from tests.unit.writing_plane import WritingStore, files, filesystem, values

PATH = f"{BUCKET}/x"
ROW = re.compile(r"^\| (?P<done>[^|]+) \| (?P<requests>\d+) \|$", re.MULTILINE)


def written(fs: S3FileSystem, count: int, size: int, mode: str = "wb") -> None:
    """Write so many times so many bytes to a file."""
    with fs.open(PATH, mode) as file:
        for _ in range(count):
            file.write(bytes(size))


def many(folder: Path) -> list[str]:
    """A hundred files."""
    return files(folder, {str(number): KIB for number in range(100)})


PATTERNS: dict[str, Callable[[S3FileSystem, Path], object]] = {
    "`pipe_file` of 1 KiB": lambda fs, _: fs.pipe_file(PATH, bytes(KIB)),
    "`pipe_file` of 12 MiB": lambda fs, _: fs.pipe_file(PATH, bytes(12 * MIB)),
    "`pipe_file` of a byte more": lambda fs, _: fs.pipe_file(PATH, bytes(12 * MIB + 1)),
    "`put_file` of 64 MiB": lambda fs, folder: fs.put_file(*files(folder, {"x": 64 * MIB}), PATH),
    "`open` for writing, and write nothing": lambda fs, _: written(fs, 0, 0),
    "`open` for writing, and write 64 KiB 16 times": lambda fs, _: written(fs, 16, 64 * KIB),
    "`open` for writing, and write 1 MiB 64 times": lambda fs, _: written(fs, 64, MIB),
    "`open` with `xb`, and write 1 KiB": lambda fs, _: written(fs, 1, KIB, "xb"),
    "`pipe` of 1,000 objects of 1 KiB": lambda fs, _: fs.pipe(values(1000, KIB)),
    "`put` of 100 files of 1 KiB to 100 paths": lambda fs, folder: fs.put(many(folder), list(values(100))),
    "`put` of a directory of 100 files to a new name": lambda fs, folder: (
        many(folder) and fs.put(str(folder), PATH, recursive=True)
    ),
}


def test_page_names_every_pattern() -> None:
    """A row that no test counts would be a claim, and a pattern without a row is not told."""
    assert [row["done"] for row in ROW.finditer(PAGE.read_text("utf-8"))] == list(PATTERNS)


@pytest.mark.parametrize("done", PATTERNS)
def test_page_says_how_many_requests_a_pattern_makes(done: str, tmp_path: Path) -> None:
    """No more and no fewer."""
    plane = WritingStore()
    PATTERNS[done](filesystem(plane), tmp_path)
    (row,) = (row for row in ROW.finditer(PAGE.read_text("utf-8")) if row["done"] == done)
    assert plane.requests == int(row["requests"])


def test_page_says_the_sizes_of_the_code() -> None:
    """Who changes a constant changes the page."""
    text, bounds = PAGE.read_text("utf-8"), S3.parts
    default, parallel = said(bounds.default_bytes), said(bounds.parallel_bytes)
    assert f"What is at most {default} long" in text
    assert f"On S3 and GCS a part has at least {said(bounds.min_bytes)}" in text
    assert f"goes in parts of {parallel}, larger ones" in text
    assert f"goes in parts of {default}, as nobody knows" in text
    assert f"there may be: {bounds.max_count:,}, on Azure {AZURE.parts.max_count:,}" in text
    longest = [each.default_bytes * each.max_count >> 30 for each in (bounds, AZURE.parts)]
    assert "about {} GiB on S3 and GCS, {} GiB on Azure".format(*longest) in text
    assert {each.parts.default_bytes for each in (GCS, AZURE)} == {bounds.default_bytes}
    assert (
        f"At most {parts.MOST_IN_FLIGHT} parts are in flight, and no more than make {said(parts.IN_FLIGHT_BYTES)}"
        in text
    )
    assert parts.LEAST_IN_FLIGHT == 4
    assert f"`bytes` of {said(parts.KEPT_BYTES)} or more" in text
    first, second, _ = (
        min(REQUESTS_IN_FLIGHT, parts.IN_FLIGHT_BYTES // each) for each in bulk_write_verbs._GROUP_BYTES
    )
    groups = f"{first} at a time up to {said(bulk_write_verbs._GROUP_BYTES[0])}, {second} up to"
    assert f"{groups} {said(bulk_write_verbs._GROUP_BYTES[1])}, 12 up to {default}" in text
    assert (bulk_write_verbs._UPLOADS_IN_FLIGHT, "two uploads in parts" in text) == (2, True)
    assert (uploads._EXIT_SECONDS, "ten seconds at most" in text) == (10, True)
