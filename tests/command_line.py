"""The command line as tests call it: in this process, or as a program of its own, which gets signals and a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
# Generous: a wait that ends here is a failure.
SECONDS = 60.0


@dataclass(frozen=True)
class Finished:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it printed."""
        return self.out.splitlines()

    @property
    def records(self) -> list[dict[str, Any]]:
        """What it printed as JSON."""
        return [json.loads(line) for line in self.lines]


def flags(options: Mapping[str, Any], flag: str = "-o") -> list[str]:
    """Storage options as the command line takes them."""
    return [word for name, value in options.items() for word in (flag, f"{name}={value}")]


class CommandLine:
    """Runs commands.

    Parameters
    ----------
    capture
        pytest's ``capfdbinary`` or ``capsysbinary``.
    options
        Storage options that every command in this process gets.
    """

    def __init__(self, capture: Any, options: Mapping[str, Any]) -> None:
        self._capture, self.options = capture, dict(options)

    def __call__(self, *arguments: str, options: Mapping[str, Any] | None = None) -> Finished:
        from objfs.cli.entry import main

        self._capture.readouterr()
        code = main([*arguments, *flags(self.options if options is None else options)])
        out, err = self._capture.readouterr()
        return Finished(code, out.decode("utf-8", "surrogateescape"), err.decode())


def environment() -> dict[str, str]:
    """Where a program of its own finds this objfs; its output is buffered."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "TERM": "xterm"}


@contextlib.contextmanager
def program(*arguments: str, **keywords: Any) -> Iterator[subprocess.Popen[bytes]]:
    """``python -m objfs`` in a process of its own, which is gone at the end."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **keywords}
    command = [sys.executable, "-m", "objfs", *arguments]
    with subprocess.Popen(command, **{"env": environment(), "cwd": ROOT, **pipes}) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def on_terminal(*arguments: str, answer: str | None = None, prompt: str = "") -> tuple[int, str]:
    """Run a command on a terminal of its own; its exit code and the screen.

    Parameters
    ----------
    *arguments
        Of the command.
    answer, prompt
        What is typed when the screen shows ``prompt``.
    """
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    ours, theirs = pty.openpty()
    try:
        with program(*arguments, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
            os.close(theirs)
            screen, until = b"", time.monotonic() + SECONDS
            while time.monotonic() < until:
                if not select.select([ours], [], [], 1)[0]:
                    continue
                try:
                    read = os.read(ours, 4096)
                except OSError:  # Linux says so when the other side is closed
                    break
                if not read:
                    break
                screen += read
                if answer is not None and prompt.encode() in screen:
                    os.write(ours, f"{answer}\n".encode())
                    answer = None
            return process.wait(SECONDS), screen.decode("utf-8", "replace")
    finally:
        os.close(ours)
