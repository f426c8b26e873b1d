"""Modules of the standard library, and numpy, over our file objects."""

from __future__ import annotations

import bz2
import configparser
import csv
import gzip
import io
import json
import lzma
import pickle
import shutil
import tarfile
import wave
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.ecosystem.conftest import Lake

DATA = bytes(range(256)) * 2_000


@pytest.mark.parametrize("module", [gzip, bz2, lzma], ids=["gzip", "bz2", "lzma"])
def test_compressors_write_and_read_our_files(lake: Lake, module: Any) -> None:
    """A compressed file over a file of ours, and its random access."""
    with lake.fs.open(lake.path("a"), "wb") as raw, module.open(raw, "wb") as file:
        file.write(DATA)
    assert module.decompress(lake.get("a")) == DATA
    lake.expire()
    with lake.fs.open(lake.path("a")) as raw, module.open(raw) as file:
        file.seek(1_000)
        assert file.read(100) == DATA[1_000:1_100]


def test_json_dumps_and_loads(lake: Lake) -> None:
    """Text files in UTF-8."""
    value = {"ä": [1, 2.5, None], "nested": {"x": "€" * 100}}
    with lake.fs.open(lake.path("a.json"), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)
    assert json.loads(lake.get("a.json")) == value
    with lake.fs.open(lake.path("a.json"), encoding="utf-8") as file:
        assert json.load(file) == value


def test_pickle_streams_several_objects(lake: Lake) -> None:
    """``pickle.load`` reads a line, then a few bytes, then buffers of its own."""
    values = [{"n": n, "data": bytes(100_000)} for n in range(5)]
    with lake.fs.open(lake.path("a.pickle"), "wb") as file:
        for value in values:
            pickle.dump(value, file, protocol=5)
    assert pickle.loads(lake.get("a.pickle")) == values[0]
    with lake.fs.open(lake.path("a.pickle")) as file:
        assert [pickle.load(file) for _ in values] == values
        with pytest.raises(EOFError):
            pickle.load(file)


def test_csv_keeps_line_ends_within_quotes(lake: Lake) -> None:
    """``newline=""`` on both sides."""
    rows = [["a", "b"], ["1", "two\r\nlines"], ["ä", '"']]
    with lake.fs.open(lake.path("a.csv"), "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    assert lake.get("a.csv") == b'a,b\r\n1,"two\r\nlines"\r\n\xc3\xa4,""""\r\n'
    with lake.fs.open(lake.path("a.csv"), "r", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == rows


def test_text_file_iterates_seeks_and_tells(lake: Lake) -> None:
    """Lines of a file that is longer than a buffer."""
    lines = [f"line {n} ä\n" for n in range(50_000)]
    lake.put("a.txt", "".join(lines).encode())
    with lake.fs.open(lake.path("a.txt"), "r", encoding="utf-8") as file:
        assert file.readline() == lines[0]
        position = file.tell()
        lake.expire()
        assert list(file) == lines[1:]
        file.seek(position)
        assert file.readline() == lines[1]


def test_configparser_reads_a_text_file(lake: Lake) -> None:
    """``read_file`` iterates."""
    lake.put("a.ini", b"[section]\nname = value\n")
    parser = configparser.ConfigParser()
    with lake.fs.open(lake.path("a.ini"), "r") as file:
        parser.read_file(file)
    assert parser["section"]["name"] == "value"


def test_zipfile_writes_unseekable_and_reads_seekable(lake: Lake) -> None:
    """An archive is written in one pass; its members are read at random."""
    with lake.fs.open(lake.path("a.zip"), "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", DATA)
        archive.writestr("b", b"short")
    with zipfile.ZipFile(io.BytesIO(lake.get("a.zip"))) as archive:
        assert archive.testzip() is None
        assert archive.read("a") == DATA
    lake.expire()
    with lake.fs.open(lake.path("a.zip")) as raw, zipfile.ZipFile(raw) as archive:
        assert archive.namelist() == ["a", "b"]
        assert archive.read("b") == b"short"
        with archive.open("a") as member:
            assert member.read(10) == DATA[:10]


@pytest.mark.parametrize("mode", ["w", "w|", "w:gz", "w|gz"])
def test_tarfile_writes_and_reads(lake: Lake, mode: str) -> None:
    """Plain and compressed archives, as files and as streams."""
    with lake.fs.open(lake.path("a.tar"), "wb") as raw, tarfile.open(fileobj=raw, mode=mode) as archive:
        for name, data in {"one": DATA, "two": b"2"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

    def contents(raw: Any, how: str) -> dict[str, bytes]:
        with tarfile.open(fileobj=raw, mode=how) as archive:
            return {member.name: archive.extractfile(member).read() for member in archive}

    assert contents(io.BytesIO(lake.get("a.tar")), "r:*") == {"one": DATA, "two": b"2"}
    for how in ("r:*", "r|*"):
        with lake.fs.open(lake.path("a.tar")) as raw:
            assert contents(raw, how) == {"one": DATA, "two": b"2"}


def test_copyfileobj_goes_both_ways(lake: Lake, tmp_path: Any) -> None:
    """``shutil.copyfileobj``, also from object to object."""
    with lake.fs.open(lake.path("a"), "wb") as target:
        shutil.copyfileobj(io.BytesIO(DATA), target)
    with lake.fs.open(lake.path("a")) as source, lake.fs.open(lake.path("b"), "wb") as target:
        lake.expire()
        shutil.copyfileobj(source, target, 10_000)
    assert lake.get("b") == DATA


def test_wave_reads_frames(lake: Lake) -> None:
    """A reader of chunks that checks ``tell``."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setparams((1, 2, 8_000, 0, "NONE", ""))
        sound.writeframes(DATA)
    lake.put("a.wav", buffer.getvalue())
    with lake.fs.open(lake.path("a.wav")) as raw, wave.open(raw) as sound:
        sound.setpos(100)
        assert sound.readframes(10) == DATA[200:220]


def test_buffered_reader_and_readinto(lake: Lake) -> None:
    """``io.BufferedReader`` and ``readinto`` a part of an array."""
    lake.put("a", DATA)
    with lake.fs.open(lake.path("a")) as file:
        target = bytearray(100)
        assert file.readinto(memoryview(target)[10:60]) == 50
        assert bytes(target[10:60]) == DATA[:50]
        reader = io.BufferedReader(file, 1_000)
        assert reader.peek(5)[:5] == DATA[50:55]
        assert reader.read(7) == DATA[50:57]
        reader.detach()


@pytest.mark.parametrize("kind", ["npy", "npz", "text", "memory"])
def test_numpy_saves_and_loads(lake: Lake, kind: str) -> None:
    """The four ways of numpy to files."""
    np = pytest.importorskip("numpy")
    values = np.arange(10_000.0).reshape(100, 100)
    save: dict[str, Callable[[Any], Any]] = {
        "npy": lambda file: np.save(file, values),
        "npz": lambda file: np.savez_compressed(file, v=values),
        "text": lambda file: np.savetxt(file, values),
        "memory": lambda file: file.write(memoryview(values)),
    }
    load: dict[str, Callable[[Any], Any]] = {
        "npy": np.load,
        "npz": lambda file: np.load(file)["v"],
        "text": np.loadtxt,
        "memory": lambda file: np.frombuffer(file.read()).reshape(100, 100),
    }
    with lake.fs.open(lake.path("a"), "wb") as file:
        save[kind](file)
    np.testing.assert_array_equal(load[kind](io.BytesIO(lake.get("a"))), values)
    lake.expire()
    with lake.fs.open(lake.path("a")) as file:
        np.testing.assert_array_equal(load[kind](file), values)
