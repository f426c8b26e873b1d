"""Files that are closed by somebody else's `with` block: what a failed one closes is not published."""

from __future__ import annotations

import contextlib
import io

import pytest
from fsspec.compression import compr

from objfs import S3FileSystem

WRAPPERS = [
    pytest.param(io.TextIOWrapper, "text", id="TextIOWrapper"),
    pytest.param(io.BufferedWriter, b"bytes", id="BufferedWriter"),
    pytest.param(contextlib.closing, b"bytes", id="closing"),
]


@pytest.fixture
def fs(moto_server):
    return S3FileSystem(**moto_server.options)


@pytest.mark.parametrize(("wrap", "written"), WRAPPERS)
def test_block_of_a_wrapper_publishes_nothing_when_it_fails(fs, bucket, wrap, written):
    """A wrapper written in C closes the file without a word about the exception, and without a frame of its own."""
    with pytest.raises(KeyError):
        _fail_in_block(wrap(fs.open(f"{bucket}/a", "wb")), written)
    assert not fs.exists(f"{bucket}/a")


@pytest.mark.parametrize(("wrap", "written"), WRAPPERS)
def test_block_of_a_wrapper_publishes_when_it_ends_well(fs, bucket, wrap, written):
    """Also while an exception is handled that came after the file was opened, and has nothing to do with it."""
    raw = fs.open(f"{bucket}/a", "wb")
    try:
        {}["missing"]
    except KeyError:
        with wrap(raw) as file:
            file.write(written)
    assert fs.size(f"{bucket}/a") == len(written)


def test_close_in_a_finally_publishes(fs, bucket):
    """It says nothing about failure; whoever wants to give a file up calls discard()."""
    with pytest.raises(KeyError):
        _close_in_a_finally(fs.open(f"{bucket}/a", "wb"))
    assert fs.cat(f"{bucket}/a") == b"half"


def _fail_in_block(context, written):
    with context as file:
        file.write(written)
        raise KeyError


def _close_in_a_finally(file):
    try:
        file.write(b"half")
        raise KeyError
    finally:
        file.close()


def test_discard_before_a_close_publishes_nothing(fs, bucket):
    """What a caller without a with block does."""
    file = fs.open(f"{bucket}/a", "wb")
    file.write(b"half")
    file.discard()
    file.close()
    assert not fs.exists(f"{bucket}/a")


@pytest.mark.parametrize("mode", ["wb", "wt"])
def test_compressor_that_breaks_publishes_nothing(fs, bucket, mode, monkeypatch):
    """Nor does a close afterwards, be it that of the text over it."""
    monkeypatch.setitem(compr, "breaking", lambda raw, mode="rb": _Breaking(raw))
    file = fs.open(f"{bucket}/a", mode, compression="breaking")
    with pytest.raises(ArithmeticError):
        _write_and_close(file, b"bytes" if mode == "wb" else "text")
    file.close()
    assert not fs.exists(f"{bucket}/a")


def test_text_whose_last_bytes_cannot_be_written_is_not_published(fs, bucket, monkeypatch):
    """`io.TextIOWrapper` closes what is below it also when it was interrupted in flushing."""
    file = fs.open(f"{bucket}/a", "w")
    file.write("text")

    def interrupted(data):
        raise KeyboardInterrupt

    monkeypatch.setattr(file.buffer, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        file.close()
    file.close()
    assert not fs.exists(f"{bucket}/a")


def test_parquet_writer_whose_block_fails_publishes_nothing(fs, bucket):
    """pyarrow's ends the file well, which then is whole but for rows that nobody misses."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pytest.importorskip("pyarrow").table({"a": [1, 2]})
    with pytest.raises(KeyError):
        _fail_after(parquet.ParquetWriter(f"{bucket}/a", table.schema, filesystem=fs), table)
    assert not fs.exists(f"{bucket}/a")
    with parquet.ParquetWriter(f"{bucket}/a", table.schema, filesystem=fs) as writer:
        writer.write_table(table)
    assert parquet.read_table(f"{bucket}/a", filesystem=fs) == table


class _Breaking(io.BytesIO):
    """A compressor whose second write fails."""

    def __init__(self, raw):
        super().__init__()
        self._raw, self._writes = raw, 0

    def write(self, data):
        self._writes += 1
        if self._writes == 2:
            raise ArithmeticError
        return self._raw.write(bytes(data))


def _fail_after(context, table):
    with context as writer:
        writer.write_table(table)
        raise KeyError


def _write_and_close(file, data):
    file.write(data)
    file.flush()
    file.write(data)
    file.close()
