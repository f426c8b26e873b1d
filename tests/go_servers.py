"""Servers written in Go, built once per machine: S3 ones that check signatures and conditions, and one for GCS.

Environment variables
---------------------
OBJFS_MINIO, OBJFS_FAKE_GCS
    A MinIO or a fake-gcs-server binary to use instead of building one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import server_processes
from tests.server_processes import UnavailableError

ACCESS_KEY, SECRET_KEY = "objfs-tests", "objfs-tests-secret"
_ENVIRON = {
    "MINIO_BROWSER": "off",
    "MINIO_UPDATE": "off",
    "MINIO_ROOT_USER": ACCESS_KEY,
    "MINIO_ROOT_PASSWORD": SECRET_KEY,
    "ROOT_ACCESS_KEY": ACCESS_KEY,
    "ROOT_SECRET_KEY": SECRET_KEY,
}


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
    path, status
        What a server that is ready answers.
    """

    name: str
    package: str
    version: str
    command: Callable[[str, str], list[str]]
    path: str = "/"
    # The list of buckets, unsigned: an S3 server that is ready refuses it, one that is starting does not.
    status: int = 403


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


def fake_gcs(public_address: str) -> GoServer:
    """fake-gcs-server as clients see it: at another address, in the links that it hands out and the host it expects."""

    def command(address: str, _folder: str) -> list[str]:
        host, _, port = address.partition(":")
        own = ["-backend", "memory", "-log-level", "error", "-scheme", "http", "-host", host, "-port", port]
        return [*own, "-public-host", public_address, "-external-url", f"http://{public_address}"]

    path = "/_internal/healthcheck"
    return GoServer("fake-gcs-server", "github.com/fsouza/fake-gcs-server", "v1.56.1", command, path, 200)


def find_server() -> tuple[GoServer, Path]:
    """Return the first S3 server that is there or can be built, MinIO before versitygw.

    Raises
    ------
    UnavailableError
        There is none.
    """
    if named := _named("OBJFS_MINIO"):
        return MINIO, named
    reasons = []
    for server in (MINIO, VERSITYGW):
        try:
            return server, _built(server)
        except UnavailableError as error:
            reasons.append(f"{server.name}: {error}")
    raise UnavailableError("; ".join(reasons))


def find_fake_gcs() -> Path:
    """Return the binary of fake-gcs-server.

    Raises
    ------
    UnavailableError
        It is not there and cannot be built.
    """
    return _named("OBJFS_FAKE_GCS") or _built(fake_gcs(""))


def _named(variable: str) -> Path | None:
    named = os.environ.get(variable)
    if named and not os.access(named, os.X_OK):
        msg = f"{variable}={named} is not a program"
        raise UnavailableError(msg)
    return Path(named) if named else None


def _built(server: GoServer) -> Path:
    def build(folder: Path) -> None:
        go = shutil.which("go")
        if go is None:
            msg = "Go is not installed"
            raise UnavailableError(msg)
        command = [go, "install", f"{server.package}@{server.version}"]
        server_processes.run_installer(command, folder, {"GOBIN": str(folder), "CGO_ENABLED": "0"})

    return server_processes.installed(server.name, server.version, server.name, build)


@contextlib.contextmanager
def running(server: GoServer, binary: Path) -> Iterator[str]:
    """Run the server over an empty folder; yields its endpoint.

    Raises
    ------
    UnavailableError
        It does not get ready.
    """

    def command(address: str, folder: str) -> list[str]:
        return [str(binary), *server.command(address, folder)]

    with server_processes.running(
        server.name, command, path=server.path, status=server.status, environ=_ENVIRON
    ) as address:
        yield f"http://{address}"
