"""Races on conditions: of many writers, in threads and processes, the server lets exactly one win."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.clouds import CloudUnderTest, S3Raw
from tests.distributions import ROOT
from tests.faults.ways import PLANES, bench

PROCESSES, THREADS = 3, 2
PATIENCE = 60

# Each line that comes in is a race: all threads write on a condition, and what became of each goes out.
RUNNER = """
import json, sys, threading
import fsspec, objfs, objfs.errors
scheme, options, number, threads = json.loads(sys.argv[1])
objfs.register()
LOST = (FileExistsError, objfs.errors.PreconditionFailedError)
filesystems = {plane: fsspec.filesystem(scheme, engine=plane, **options) for plane in ("auto", "sdk")}
def race(plane, way, path, part, size, state, thread, start, found):
    fs = filesystems[plane]
    data = bytes([number, thread]) * (size // 2)
    condition = {"mode": "create"} if state is None else {"if_match": state}
    start.wait()
    try:
        if way == "pipe_file":
            fs.pipe_file(path, data, chunksize=part, **condition)
        elif state is None:
            with fs.open(path, "xb", block_size=part) as file:
                file.write(data)
        else:
            with fs.open(path, "wb", block_size=part, if_match=state) as file:
                file.write(data)
        found.append([number, thread, "won"])
    except LOST:
        found.append([number, thread, "lost"])
    except Exception as error:
        found.append([number, thread, f"{type(error).__name__}: {error}"])
for fs in filesystems.values():
    fs.exists("nowhere/nothing")
print("ready", flush=True)
for line in sys.stdin:
    start, found = threading.Barrier(threads), []
    runners = [threading.Thread(target=race, args=(*json.loads(line), each, start, found)) for each in range(threads)]
    for runner in runners: runner.start()
    for runner in runners: runner.join()
    print(json.dumps(found), flush=True)
"""


class Runners:
    """Processes that write at the same time when they are told to."""

    def __init__(self, scheme: str, options: Any) -> None:
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-c", RUNNER, json.dumps([scheme, options, number, THREADS])],
                env={**os.environ, "PYTHONPATH": paths},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(PROCESSES)
        ]

    def race(self, *told: Any) -> list[tuple[int, int, str]]:
        """Process, thread and fate of each writer."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(json.dumps(told) + "\n")
            process.stdin.flush()
        return [tuple(each) for line in self.answers() for each in json.loads(line)]

    def answers(self) -> list[str]:
        """A line of each."""
        return [process.stdout.readline() for process in self.processes if process.stdout is not None]


@contextmanager
def runners(cloud: CloudUnderTest) -> Iterator[Runners]:
    """They end with the block."""
    found = Runners(cloud.scheme, cloud.options)
    try:
        assert {line.strip() for line in found.answers()} == {"ready"}
        yield found
    finally:
        for process in found.processes:
            process.kill()
            process.communicate()


@pytest.fixture
def minio_cloud(minio_server: Any, make_bucket: Callable[..., str], observer: Any) -> CloudUnderTest:
    """S3 on MinIO: moto looks at a condition first and writes then, and at none when an upload is completed."""
    bucket = make_bucket(minio_server)
    raw = S3Raw(observer(minio_server), bucket)
    return CloudUnderTest("s3", "s3", bucket, dict(minio_server.options), raw, "ETag", lambda m: {"Metadata": dict(m)})


SIZES = {"small": 100, "parts": 2}
RACES = [
    (plane, way, size)
    for plane in PLANES
    for way, size in (("pipe_file", "small"), ("open", "small"), ("pipe_file", "parts"))
]


@pytest.mark.parametrize("condition", ["create", "if_match"])
def test_one_of_many_writers_wins_on_s3(minio_cloud: CloudUnderTest, condition: str) -> None:
    """Short and long, on both planes, by pipe and by file; the others are told, and the object is all the winner's."""
    assert _lost_races(minio_cloud, condition) == []


@pytest.mark.parametrize("condition", ["create", "if_match"])
@pytest.mark.parametrize("cloud", ["gcs", "azure"], indirect=True)
def test_one_of_many_writers_wins(cloud: CloudUnderTest, condition: str) -> None:
    """The same."""
    assert _lost_races(cloud, condition) == []


def _lost_races(cloud: CloudUnderTest, condition: str) -> list[Any]:
    """The races that nobody or several won, or that left something else."""
    failures: list[Any] = []
    part = max(cloud.fs().connection.cloud.parts.min_bytes, 64 << 10)
    with runners(cloud) as running:
        for plane, way, size in RACES:
            key = f"{plane}-{way}-{size}"
            state = None
            if condition == "if_match":
                cloud.raw.put(key, b"old")
                state = cloud.fs().info(cloud.path(key))[cloud.e_tag]
            length = SIZES[size] if size == "small" else SIZES[size] * part + 2
            found = running.race(plane, way, cloud.path(key), part, length, state)
            winners = [(process, thread) for process, thread, fate in found if fate == "won"]
            body = cloud.raw.get(key)
            is_whole = [bytes(winner) * (length // 2) for winner in winners] == [body]
            others = {fate for _, _, fate in found} - {"won", "lost"}
            if not is_whole or others or cloud.raw.uploads():
                failures.append((key, winners, len(body), others, cloud.raw.uploads()))
    return failures


@pytest.mark.parametrize("plane", ["auto", "sdk"])
def test_threads_that_share_a_file_lose_no_byte(cloud: CloudUnderTest, plane: str, tmp_path: Path) -> None:
    """What each call writes stays together, as in a file of `io`."""
    records = [[b"%d-%03d|" % (thread, number) * 2000 for number in range(150)] for thread in range(4)]
    together = threading.Barrier(len(records))
    before = sys.getswitchinterval()
    with bench(cloud, plane, tmp_path) as on, on.fs.open(cloud.path("key"), "wb", block_size=on.part) as file:

        def write(mine: list[bytes]) -> None:
            together.wait()
            for each in mine:
                file.write(each)

        sys.setswitchinterval(1e-5)
        try:
            with ThreadPoolExecutor(len(records)) as pool:
                list(pool.map(write, records))
        finally:
            sys.setswitchinterval(before)
    body = cloud.raw.get("key")
    size = len(records[0][0])
    assert sorted(body[at : at + size] for at in range(0, len(body), size)) == sorted(chain(*records))


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("plane", ["auto", "sdk"])
def test_object_that_another_has_begun_is_not_lost_to_one_that_appends(
    cloud: CloudUnderTest, plane: str, large: bool, tmp_path: Path
) -> None:
    """There was none when the file was opened, and there is one when it is closed."""
    with bench(cloud, plane, tmp_path) as on:
        file = on.fs.open(cloud.path("key"), "ab", block_size=on.part)
        file.write(on.large if large else b"mine")
        cloud.raw.put("key", b"another's")
        with pytest.raises(FileExistsError):
            file.close()
        assert on.seen("key") == (b"another's", [])
        with on.fs.open(cloud.path("key"), "ab") as file:
            file.write(b", mine")
        assert on.seen("key") == (b"another's, mine", [])
