"""Files that are closed by somebody else's `with` block: what a failed one closes is not published."""

from __future__ import annotations

import contextlib
import io

import pytest

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
