"""Servers in a process of their own, which end with the process that started them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_START_SECONDS = 60.0
_STOP_SECONDS = 5.0


class ChildServer:
    """A server run by ``python -m objfs.testing.serve``; it prints its port and ends when its stdin does.

    The kernel closes the pipe when this process ends for whatever reason (also SIGKILL), so no server is left behind.

    Parameters
    ----------
    arguments
        What follows ``python -m objfs.testing.serve``.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the server, None while it does not run."""
        return None if self._process is None else self._process.pid

    def start(self) -> int:
        """Start the server and return the port it listens on.

        Raises
        ------
        RuntimeError
            The server ended, or said nothing for a minute; the message holds what it wrote to stderr.
        """
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        command = [sys.executable, "-P", "-m", "objfs.testing.serve", *self._arguments]
        # The child must find the same packages, also from a source tree; a session of its own keeps Ctrl-C from it.
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)}
        self._process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environ,
            start_new_session=True,
        )
        watchdog = threading.Timer(_START_SECONDS, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout else b""
        finally:
            watchdog.cancel()
        if not line.strip().isdigit():
            self._process.wait(_STOP_SECONDS)
            self._log.seek(0)
            said = self._log.read().decode(errors="replace")[-2000:]
            self.stop()
            msg = f"the local server {' '.join(self._arguments)!r} did not start: {said or 'no output'}"
            raise RuntimeError(msg)
        return int(line)

    def stop(self) -> None:
        """End the server; nothing happens when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log, self._log = self._log, None
        if log is not None:
            log.close()


def end_with_parent() -> None:
    """In a child: end this process as soon as stdin reaches its end."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
