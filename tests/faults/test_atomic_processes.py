"""Processes that end while they write: nobody sees a part of an object, and who can still do so aborts its uploads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.distributions import ROOT, run_fresh
from tests.faults.fault_proxy import Exchange, Rule, pass_on
from tests.faults.ways import OLD, PART, PLANES, Bench, bench

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")

PATIENCE = 30

# What each program begins with: `fs`, `path`, `size` of a part, and a local file `here` of two parts and a bit.
BEGIN = """
import contextlib, json, os, signal, sys, threading
import fsspec, objfs
scheme, plane, options, path, size, here = json.loads(sys.argv[1])
objfs.register()
fs = fsspec.filesystem(scheme, engine=plane, **options)
data = open(here, "rb").read()
signal.signal(signal.SIGINT, signal.default_int_handler)
"""
LEFT_OPEN = {
    "in-main": """
left = fs.open(path, "wb", block_size=size)
left.write(data)
""",
    "in-a-thread-that-writes": """
writing = threading.Event()
def work():
    with contextlib.suppress(Exception), fs.open(path, "wb", block_size=size) as file:
        file.write(data)
        writing.set()
        while True:
            file.write(data)
threading.Thread(target=work, daemon=True).start()
writing.wait()
""",
    "as-text-in-a-cycle": """
left = [fsspec.open(f"{scheme}://{path}", "w", block_size=size, engine=plane, **options).open()]
left.append(left)
left[0].write(data.decode())
""",
}


def _told(on: Bench, plane: str, path: str) -> list[Any]:
    """What a program is told."""
    here = on.folder / "here"
    here.write_bytes(on.large)
    return [on.cloud.scheme, plane, on.options, path, on.part, str(here)]


@pytest.mark.parametrize("how", LEFT_OPEN)
@pytest.mark.parametrize("plane", PLANES)
def test_writer_that_the_end_of_the_interpreter_finds_open_publishes_nothing(
    cloud: CloudUnderTest, plane: str, how: str, tmp_path: Path
) -> None:
    """Nor does it leave an upload, or say a word."""
    with bench(cloud, plane, tmp_path) as on:
        path = on.old("key")
        run_fresh(BEGIN + LEFT_OPEN[how], _told(on, plane, path), timeout=PATIENCE, options=())
        assert on.seen("key") == (OLD, [])


# What a process is in the middle of when a signal ends it: parts hang at the server, and more are to come.
WRITING = {
    "open": """
with fs.open(path, "wb", block_size=size) as file:
    while True:
        file.write(data)
""",
    "put_file": """
with open(here, "ab") as file:
    file.write(data * 3)
fs.put_file(here, path, chunksize=size, max_concurrency=2)
""",
}
# The same where no more are to come: the object appears whole, or not at all.
ENDING = """
with fs.open(path, "wb", block_size=size) as file:
    file.write(data)
"""


class Hold:
    """Lets requests wait until they are let go, or the test is over."""

    def __init__(self) -> None:
        self.arrived, self.released = threading.Event(), threading.Event()

    def __call__(self, exchange: Exchange) -> bool:
        self.arrived.set()
        self.released.wait(PATIENCE)
        return pass_on(exchange)


@contextmanager
def _program(source: str, told: list[Any]) -> Iterator[subprocess.Popen[str]]:
    """A program under way, which is killed at the end of the block if it hangs."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, "-c", source, json.dumps(told)],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("plane", PLANES)
def test_process_that_is_killed_while_it_writes_publishes_nothing(
    cloud: CloudUnderTest, plane: str, tmp_path: Path
) -> None:
    """Its upload is left behind, as nobody is there to abort it; a rule of the bucket's life cycle can."""
    hold = Hold()
    with bench(cloud, plane, tmp_path) as on, on.under(Rule(hold, PART)):
        path = on.old("key")
        with _program(BEGIN + WRITING["open"], _told(on, plane, path)) as process:
            assert hold.arrived.wait(PATIENCE)
            process.send_signal(signal.SIGKILL)
            assert process.wait(PATIENCE) == -signal.SIGKILL
        hold.released.set()
        assert on.seen("key")[0] == OLD


def _interrupt(on: Bench, plane: str, source: str, path: str, hold: Hold) -> None:
    """Press Ctrl-C while requests of a program hang, which are answered afterwards; it ends in peace."""
    body = textwrap.indent(source, "    ")
    program = f"{BEGIN}\ntry:\n{body}\nexcept KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
    with _program(program, _told(on, plane, path)) as process:
        assert hold.arrived.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        threading.Timer(0.3, hold.released.set).start()
        said, complained = process.communicate(timeout=PATIENCE)
        assert (process.returncode, said, complained) == (0, "interrupted\n", "")


@pytest.mark.parametrize("way", WRITING)
@pytest.mark.parametrize("plane", PLANES)
def test_process_that_ctrl_c_ends_while_it_writes_leaves_nothing(
    cloud: CloudUnderTest, plane: str, way: str, tmp_path: Path
) -> None:
    """It ends when what it had begun is aborted."""
    hold = Hold()
    with bench(cloud, plane, tmp_path) as on, on.under(Rule(hold, PART)):
        path = on.old("key")
        _interrupt(on, plane, WRITING[way], path, hold)
        assert on.seen("key") == (OLD, [])


@pytest.mark.parametrize("plane", PLANES)
def test_process_that_ctrl_c_ends_while_it_publishes_leaves_all_or_nothing(
    cloud: CloudUnderTest, plane: str, tmp_path: Path
) -> None:
    """All parts are on their way when it is interrupted: what the server is asked for already cannot be taken back."""
    hold = Hold()
    with bench(cloud, plane, tmp_path) as on, on.under(Rule(hold, PART)):
        path = on.old("key")
        _interrupt(on, plane, ENDING, path, hold)
        body, uploads = on.seen("key")
        assert (body in (OLD, on.large), uploads) == (True, [])
