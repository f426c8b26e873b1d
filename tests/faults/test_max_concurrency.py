"""``max_concurrency`` bounds the requests of one call on both planes alike: as many at a time, and no more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.faults.fault_proxy import Exchange, Rule
from tests.faults.ways import PART, PLANES, Bench, bench

LIMIT = 3
DATA = bytes(range(256)) * 4000
CHUNK = 100_000
KEYS = [f"many/{number:02}" for number in range(12)]
# Seconds to wait for one request more than may be made.
PATIENCE = 0.1


class Crowd:
    """Holds requests until more are there than may be, or nobody comes any more; knows how many there were at most."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._present = self.most = 0

    def __call__(self, exchange: Exchange) -> bool:
        with self._changed:
            self._present += 1
            self.most = max(self.most, self._present)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most > LIMIT, PATIENCE)
        answer = exchange.forward()
        # Before the client knows, who may make the next one.
        with self._changed:
            self._present -= 1
        exchange.send(answer.head() + answer.body)
        return True


def _local(on: Bench, size: int) -> str:
    (on.folder / "here").write_bytes(bytes(size))
    return str(on.folder / "here")


# Each with the pattern of its requests that may be made at a time.
READS: dict[str, tuple[str, Callable[[Bench, dict[str, Any]], Any]]] = {
    "cat_file": ("^GET ", lambda on, more: on.fs.cat_file(on.cloud.path("object"), chunksize=CHUNK, **more)),
    "get_file": (
        "^GET ",
        lambda on, more: on.fs.get_file(on.cloud.path("object"), str(on.folder / "file"), chunksize=CHUNK, **more),
    ),
}
MANY: dict[str, tuple[str, Callable[[Bench], Any]]] = {
    "cat": ("^GET ", lambda on: on.fs.cat([on.cloud.path(key) for key in KEYS])),
    "cat_ranges": ("^GET ", lambda on: on.fs.cat_ranges([on.cloud.path(key) for key in KEYS], 0, 10)),
    "get": (
        "^GET ",
        lambda on: on.fs.get([on.cloud.path(key) for key in KEYS], [str(on.folder / k[5:]) for k in KEYS]),
    ),
    "pipe": ("^(PUT|POST) ", lambda on: on.fs.pipe({on.cloud.path(f"new/{key}"): b"1" for key in KEYS})),
}


def _most(on: Bench, pattern: str, call: Callable[[], Any]) -> int:
    crowd = Crowd()
    with on.under(Rule(crowd, pattern)):
        call()
    return crowd.most


@pytest.mark.parametrize("told", ["filesystem", "call"])
@pytest.mark.parametrize("verb", READS)
@pytest.mark.parametrize("plane", PLANES)
def test_parts_of_one_object(cloud: CloudUnderTest, plane: str, verb: str, told: str, tmp_path: Path) -> None:
    """Whether the filesystem was told, or the call."""
    cloud.raw.put("object", DATA)
    bound = {"max_concurrency": LIMIT}
    with bench(cloud, plane, tmp_path, **(bound if told == "filesystem" else {})) as on:
        pattern, call = READS[verb]
        assert _most(on, pattern, lambda: call(on, bound if told == "call" else {})) == LIMIT


@pytest.mark.parametrize("verb", MANY)
@pytest.mark.parametrize("plane", PLANES)
def test_many_objects(cloud: CloudUnderTest, plane: str, verb: str, tmp_path: Path) -> None:
    """Read, downloaded and written."""
    for key in KEYS:
        cloud.raw.put(key, b"0123456789")
    with bench(cloud, plane, tmp_path, max_concurrency=LIMIT) as on:
        pattern, call = MANY[verb]
        assert _most(on, pattern, lambda: call(on)) == LIMIT


@pytest.mark.parametrize("plane", PLANES)
def test_parts_of_an_upload(cloud: CloudUnderTest, plane: str, tmp_path: Path) -> None:
    """Where parts are sent at the same time at all: those of a resumable upload to GCS are not."""
    with bench(cloud, plane, tmp_path, max_concurrency=LIMIT) as on:
        here = _local(on, 8 * on.part)
        most = _most(on, PART, lambda: on.fs.put_file(here, cloud.path("new"), chunksize=on.part))
        assert most == (1 if (cloud.name, plane) == ("gcs", "sdk") else LIMIT)
