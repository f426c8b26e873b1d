"""Programs that the tests install once per machine and run on a free port of loopback; they end with the tests.

Environment variables
---------------------
XDG_CACHE_HOME
    Where ``objfs-servers/`` with the installed programs lies; default ``~/.cache``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

_INSTALL_SECONDS = 900
_READY_SECONDS = 30


class UnavailableError(Exception):
    """The server can be neither found nor installed; the message says why."""


def installed(name: str, version: str, entry: str, install: Callable[[Path], None]) -> Path:
    """Return ``entry`` of a program in the cache; the first caller on the machine installs it.

    Parameters
    ----------
    name, version
        Of the program; together they name its folder in the cache.
    entry
        File or folder that ``install`` makes.
    install
        Makes ``entry`` in the folder that it is given. That is beside the final place, where the entry is moved when
        it is complete: an installation that was cut off leaves nothing to trip over.

    Raises
    ------
    UnavailableError
        It could not be installed.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "objfs-servers"
    place = cache / f"{name}-{version}" / entry
    if place.exists():
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with (place.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not place.exists():
                with tempfile.TemporaryDirectory(dir=place.parent) as folder:
                    install(Path(folder))
                    (Path(folder) / entry).replace(place)
    except OSError as error:
        raise UnavailableError(str(error)) from error
    return place


def run_installer(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
    """Run a command in ``folder``, with the caller's environment and ``environ``.

    Raises
    ------
    UnavailableError
        It failed, or took a quarter of an hour.
    """
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environ},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        msg = f"{Path(command[0]).name} {' '.join(command[1:])}: {last[0]}"
        raise UnavailableError(msg)


@contextlib.contextmanager
def running(
    name: str,
    command: Callable[[str, str], Sequence[str]],
    *,
    path: str,
    status: int,
    environ: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run a server over an empty folder, in an environment of its own; yields ``127.0.0.1:PORT``.

    Parameters
    ----------
    name
        For messages.
    command
        From address and data folder to program and arguments.
    path, status
        A server that is ready answers this path with this status.
    environ
        Variables beside ``HOME`` and ``PATH``.

    Raises
    ------
    UnavailableError
        It does not get ready.
    """
    with tempfile.TemporaryDirectory(prefix="objfs-server-", ignore_cleanup_errors=True) as home:
        data, log = Path(home) / "data", Path(home) / "log"
        data.mkdir()
        own = {"HOME": home, "PATH": os.environ.get("PATH", os.defpath), **(environ or {})}
        for _attempt in range(3):  # another program may take the free port before the server does
            address = f"127.0.0.1:{_free_port()}"
            with log.open("ab") as sink, _process(command(address, str(data)), home, own, sink) as up:
                if _is_ready(address, up, path, status):
                    yield address
                    return
        said = log.read_text(errors="replace")[-1000:]
    msg = f"{name} did not get ready: {said or 'no output'}"
    raise UnavailableError(msg)


@contextlib.contextmanager
def _process(
    command: Sequence[str], home: str, environ: Mapping[str, str], sink: object
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that ends with this process: the shell around it kills it when stdin ends."""
    script = 'exec 3<&0; "$@" </dev/null & pid=$!; (cat <&3 >/dev/null; kill $pid) & wait $pid'
    up = subprocess.Popen(
        ["sh", "-c", script, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=sink,
        stderr=sink,
        cwd=home,
        env=environ,
        start_new_session=True,
    )
    try:
        yield up
    finally:
        up.stdin.close()
        try:
            up.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(up.pid, signal.SIGKILL)
            up.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _is_ready(address: str, up: subprocess.Popen[bytes], path: str, status: int) -> bool:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and up.poll() is None:
        connection = HTTPConnection(address, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == status:
                return True
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        threading.Event().wait(0.05)
    return False
