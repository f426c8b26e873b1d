"""Readers of lines, threads that share a file, targets that append, callbacks that read, classes that add keywords."""

from __future__ import annotations

import gzip
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from fsspec.callbacks import Callback

from objfs import S3FileSystem, reading, transfers, workers
from objfs.turns import Turns
from objfs.workers import Stop
from tests.unit.recording import RecordingStore, filesystem

PATIENCE = 20


@pytest.mark.parametrize("start", [0, 150_000], ids=["from-the-start", "near-the-end"])
def test_reading_lines_costs_requests_by_blocks_and_not_by_lines(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is found in the block that its neighbours have brought."""
    lines = [b"%07d" % number + b"x" * (number % 50) + b"\n" for number in range(6000)]
    data = b"".join(lines)
    monkeypatch.setattr(reading, "HEAD_BYTES", 1 << 10)
    plane = RecordingStore(key=data)
    with filesystem(plane).open("bucket/key") as file:
        file.seek(start)
        assert b"".join(file) == data[start:]
    assert len(plane.requests) <= 12


def test_reading_to_a_mark_that_lies_across_two_blocks_finds_it() -> None:
    """A mark of several bytes may begin in one block and end in the next."""
    data = b"a" * (reading.LINE_BLOCK_BYTES - 1) + b"--" + b"b" * 10
    with filesystem(RecordingStore(key=data)).open("bucket/key") as file:
        assert file.readuntil(b"--") == data[:-10]
        assert (file.tell(), file.read()) == (len(data) - 10, b"b" * 10)


def test_threads_that_share_a_file_all_come_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """They mix up its position, but nobody waits for ever for what another has taken."""
    data = bytes(range(256)) * (1 << 12)
    monkeypatch.setattr(reading, "HEAD_BYTES", 1 << 10)
    file = filesystem(RecordingStore(key=data)).open("bucket/key")

    def read() -> None:
        while file.read(5000):
            pass

    threads = [threading.Thread(target=read, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)


def test_file_that_appends_gets_the_parts_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its position cannot be chosen, whatever it says of seeking."""
    data = random.Random(7).randbytes(5 << 20)
    with (tmp_path / "log").open("wb") as file:
        file.write(b"head")
    monkeypatch.setattr(transfers, "PART_BYTES", 64 << 10)
    monkeypatch.setattr(transfers, "FIRST_BYTES", 16 << 10)
    with (tmp_path / "log").open("ab") as file:
        filesystem(RecordingStore(key=data)).get_file("bucket/key", file)
    with gzip.GzipFile(tmp_path / "packed", "wb") as packed:
        filesystem(RecordingStore(key=data)).get_file("bucket/key", packed)
    assert (tmp_path / "log").read_bytes() == b"head" + data
    assert gzip.decompress((tmp_path / "packed").read_bytes()) == data


def test_callback_of_a_download_may_read_from_the_filesystem(tmp_path: Path) -> None:
    """It is called in a worker, where no event loop runs."""
    fs = filesystem(RecordingStore(key=b"data", other=b"more"))
    seen = []

    class Reading(Callback):  # type: ignore[misc]
        def relative_update(self, _: int = 1) -> None:
            seen.append(fs.cat_file("bucket/other"))

    fs.get_file("bucket/key", str(tmp_path / "key"), callback=Reading())
    assert seen == [b"more"]


def test_keywords_of_the_peer_reach_the_method_of_its_cloud() -> None:
    """The blocking verbs do not go past what a class makes of its keywords."""

    class Doubling(S3FileSystem):
        async def _cat_file(self, path: str, times: int = 1, **kwargs: Any) -> bytes:
            data: bytes = await super()._cat_file(path, **kwargs)
            return data * times

    fs = Doubling(key="key", secret="secret", region="us-east-1", skip_instance_cache=True)
    plane = RecordingStore(key=b"ab")
    fs.connection.objects = lambda *_, **__: plane
    assert fs.cat_file("bucket/key", times=2) == b"abab"
    assert fs.cat(["bucket/key"], times=3) == {"bucket/key": b"ababab"}


def test_cat_ranges_refuses_one_path_in_place_of_a_list() -> None:
    """Its letters are no paths."""
    with pytest.raises(TypeError, match="a list of paths"):
        filesystem(RecordingStore(key=b"ab")).cat_ranges("bucket/key", 0, 1)


@pytest.mark.parametrize("on_error", ["raise", "return", "omit"])
def test_cat_of_one_object_raises_what_went_wrong(on_error: str) -> None:
    """There is no dict in which an error could stand, and nothing that could be left out."""
    with pytest.raises(FileNotFoundError):
        filesystem(RecordingStore(key=b"ab")).cat("bucket/missing", on_error=on_error)


def test_turn_of_work_that_nobody_waits_for_is_free_again() -> None:
    """A request that was given up on a server that does not answer keeps no other one waiting."""
    turns, stop = Turns(1), Stop()
    entered, leave = threading.Event(), threading.Event()

    def given_up() -> None:
        workers._stop.set(stop)
        with turns.turn():
            entered.set()
            leave.wait(PATIENCE)

    thread = threading.Thread(target=given_up, daemon=True)
    thread.start()
    assert entered.wait(PATIENCE)
    stop.set()
    with turns.turn():
        assert thread.is_alive()
    leave.set()
    thread.join(PATIENCE)
