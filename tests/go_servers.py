"""S3 servers written in Go, which check signatures and conditions: built once per machine, run on a free port.

Environment variables
---------------------
OBJFS_MINIO
    A MinIO binary to use instead of building one.
XDG_CACHE_HOME
    Where ``objfs-servers/`` with the built binaries lies; default ``~/.cache``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ACCESS_KEY, SECRET_KEY = "objfs-tests", "objfs-tests-secret"
_BUILD_SECONDS = 900
_READY_SECONDS = 30


class UnavailableError(Exception):
    """The server can be neither found nor built; the message says why."""


@dataclass(frozen=True)
class GoServer:
    """A server that ``go install`` builds.

    Parameters
    ----------
    name
        Of the binary.
    package
        Go package.
    version
        Pinned, as `package` is built by name only.
    command
        From address and data folder to the arguments.
    """

    name: str
    package: str
    version: str
    command: Callable[[str, str], list[str]]


MINIO = GoServer(
    "minio",
    "github.com/minio/minio",
    "v0.0.0-20260212201848-7aac2a2c5b7c",
    lambda address, folder: ["server", "--quiet", "--address", address, "--console-address", "127.0.0.1:0", folder],
)
VERSITYGW = GoServer(
    "versitygw",
    "github.com/versity/versitygw/cmd/versitygw",
    "v1.8.0",
    lambda address, folder: ["--quiet", "--port", address, "posix", folder],
)


def find_server() -> tuple[GoServer, Path]:
    """Return the first server that is there or can be built, MinIO before versitygw.

    Raises
    ------
    UnavailableError
        There is none.
    """
    if named := os.environ.get("OBJFS_MINIO"):
        if not os.access(named, os.X_OK):
            msg = f"OBJFS_MINIO={named} is not a program"
            raise UnavailableError(msg)
        return MINIO, Path(named)
    reasons = []
    for server in (MINIO, VERSITYGW):
        try:
            return server, _built(server)
        except UnavailableError as error:
            reasons.append(f"{server.name}: {error}")
    raise UnavailableError("; ".join(reasons))


def _built(server: GoServer) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "objfs-servers"
    binary = cache / f"{server.name}-{server.version}" / server.name
    if binary.exists():
        return binary
    go = shutil.which("go")
    if go is None:
        msg = "Go is not installed"
        raise UnavailableError(msg)
    try:
        binary.parent.mkdir(parents=True, exist_ok=True)
        with (binary.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not binary.exists():
                _build(go, server, binary)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from error
    return binary


def _build(go: str, server: GoServer, binary: Path) -> None:
    """Build beside the final place and move there, so that a build that was cut off leaves nothing to trip over."""
    with tempfile.TemporaryDirectory(dir=binary.parent) as folder:
        done = subprocess.run(
            [go, "install", f"{server.package}@{server.version}"],
            env={**os.environ, "GOBIN": folder, "CGO_ENABLED": "0"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no output"]
            msg = f"go install {server.package}@{server.version}: {last[0]}"
            raise UnavailableError(msg)
        (Path(folder) / server.name).replace(binary)


@contextlib.contextmanager
def running(server: GoServer, binary: Path) -> Iterator[str]:
    """Run the server over an empty folder; yields its endpoint.

    Raises
    ------
    UnavailableError
        It does not get ready.
    """
    with tempfile.TemporaryDirectory(prefix="objfs-server-", ignore_cleanup_errors=True) as home:
        data, log = Path(home) / "data", Path(home) / "log"
        data.mkdir()
        for _attempt in range(3):  # another program may take the free port before the server does
            address = f"127.0.0.1:{_free_port()}"
            with log.open("ab") as sink, _process([str(binary), *server.command(address, str(data))], home, sink) as up:
                if _is_ready(address, up):
                    yield f"http://{address}"
                    return
        said = log.read_text(errors="replace")[-1000:]
    msg = f"{server.name} did not get ready: {said or 'no output'}"
    raise UnavailableError(msg)


@contextlib.contextmanager
def _process(command: list[str], home: str, sink: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that ends with this process: the shell around it kills it when stdin ends."""
    script = 'exec 3<&0; "$@" </dev/null & pid=$!; (cat <&3 >/dev/null; kill $pid) & wait $pid'
    secrets = {
        "MINIO_ROOT_USER": ACCESS_KEY,
        "MINIO_ROOT_PASSWORD": SECRET_KEY,
        "ROOT_ACCESS_KEY": ACCESS_KEY,
        "ROOT_SECRET_KEY": SECRET_KEY,
    }
    settings = {"MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "HOME": home, "PATH": os.environ.get("PATH", os.defpath)}
    up = subprocess.Popen(
        ["sh", "-c", script, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=sink,
        stderr=sink,
        env={**settings, **secrets},
        start_new_session=True,
    )
    try:
        yield up
    finally:
        up.stdin.close()
        try:
            up.wait(10)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _is_ready(address: str, up: subprocess.Popen[bytes]) -> bool:
    """Ask for the list of buckets, unsigned: a server that is ready says 403, one that is starting does not."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and up.poll() is None:
        connection = HTTPConnection(address, timeout=5)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == 403:
                return True
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        threading.Event().wait(0.05)
    return False
