"""The servers that are measured against, and how they are told to count and to be slow.

The usual one is our own (`server/`, built with Go on first use): fast enough to show what the clients do. MinIO and
moto are slower than most contenders; in front of them stands a proxy that counts and delays.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from data import BUCKET, LISTED_BUCKET

from objfs.testing import ExpiringGateway, S3Server
from tests import go_servers, server_processes

# Keys that are only listed, with the sizes of their objects.
Keys = Mapping[str, int]

REGION = "us-east-1"
SOURCES = Path(__file__).with_name("server")
KEYS = {"key": "objfs-benchmarks", "secret": "objfs-benchmarks-secret", "region": REGION}


@dataclass(frozen=True)
class Profile:
    """How far away the server is.

    Parameters
    ----------
    name
        On the command line and in the tables.
    meaning
        In words.
    cloud
        Whose protocol is spoken.
    latency_ms
        Between the end of a request and the first byte of its answer.
    bytes_per_second
        Of each connection, in each direction; 0 is as fast as can be.
    """

    name: str
    meaning: str
    cloud: str = "s3"
    latency_ms: float = 0
    bytes_per_second: float = 0


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("zero", "no latency, no limit"),
        Profile("s3", "20 ms for each request, 90 MB/s on each connection", latency_ms=20, bytes_per_second=90e6),
    )
}


@dataclass(frozen=True)
class Place:
    """A server that is up, with the data on it.

    Parameters
    ----------
    name
        Of the server, with its version.
    access
        How contenders reach it.
    shapes
        Whether it can limit the bandwidth; latency it can always add.
    """

    name: str
    access: Mapping[str, str] = field(repr=False)
    shapes: bool = True

    def begin(self, profile: Profile) -> None:
        """Be as far away as the profile says, and count anew."""
        self._call("reset")
        if self.shapes:
            self._call("shape", latency_ms=profile.latency_ms, bytes_per_second=profile.bytes_per_second)
        else:
            self._call("delay", milliseconds=profile.latency_ms)

    def counted(self) -> dict[str, Any]:
        """What was counted since the last `begin`: ``requests``, ``methods``, ``bytes_in``, ``bytes_out``."""
        counted: dict[str, Any] = self._call("stats")
        return counted

    def _call(self, name: str, **parameters: object) -> Any:
        connection = HTTPConnection(urlsplit(self.access["endpoint"]).netloc, timeout=30)
        try:
            connection.request("POST", f"/-/{name}?{urlencode(parameters)}")
            answer = connection.getresponse()
            return json.loads(answer.read())
        finally:
            connection.close()


@contextlib.contextmanager
def own_server(folder: Path, keys: Keys) -> Iterator[Place]:
    """Run the server of `server/`, which needs Go once, over the folder with the data.

    Parameters
    ----------
    folder
        Its folder `BUCKET` holds the objects.
    keys
        What is in `LISTED_BUCKET`.

    Raises
    ------
    UnavailableError
        It cannot be built.
    """
    listed = folder / "keys.tsv"
    listed.write_text("".join(f"{LISTED_BUCKET}/{key}\t{size}\n" for key, size in keys.items()), encoding="utf-8")
    with _running("-folder", str(folder), "-keys", str(listed)) as endpoint:
        yield Place("benchmarks/server", {"endpoint": endpoint, **KEYS})


@contextlib.contextmanager
def minio(folder: Path, keys: Keys) -> Iterator[Place]:
    """Run MinIO, with a proxy in front, and upload the data.

    Raises
    ------
    UnavailableError
        It cannot be built.
    """
    server, binary = go_servers.find_server()
    with go_servers.running(server, binary) as behind, _running("-behind", behind) as endpoint:
        access = {
            "endpoint": endpoint,
            "key": go_servers.ACCESS_KEY,
            "secret": go_servers.SECRET_KEY,
            "region": REGION,
        }
        _upload(access, folder, keys)
        yield Place(f"{server.name} {server.version}", access)


@contextlib.contextmanager
def moto(folder: Path, keys: Keys) -> Iterator[Place]:
    """Run moto, with the gateway of the tests in front, and upload the data; all of it is Python, and slow."""
    with S3Server() as server, ExpiringGateway(server.endpoint, own_process=True) as gateway:
        access = {
            "endpoint": gateway.endpoint,
            "key": server.options["key"],
            "secret": server.options["secret"],
            "region": REGION,
        }
        gateway.admit(access["key"])
        _upload(access, folder, keys)
        yield Place("moto", access, shapes=False)


SERVERS: dict[str, Callable[[Path, Keys], Any]] = {"own": own_server, "minio": minio, "moto": moto}


@contextlib.contextmanager
def _running(*arguments: str) -> Iterator[str]:
    binary = _built()

    def command(address: str, _folder: str) -> list[str]:
        return [str(binary), "-address", address, *arguments]

    with server_processes.running("benchmarks/server", command, path="/-/ready", status=200) as address:
        yield f"http://{address}"


def _built() -> Path:
    """The server as a program, which is in the cache of the tests' servers when these sources were built before."""
    sources = [*sorted(SOURCES.glob("*.go")), SOURCES / "go.mod"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]

    def build(folder: Path) -> None:
        go = shutil.which("go")
        if go is None:
            msg = "Go is not installed"
            raise server_processes.UnavailableError(msg)
        command = [go, "build", "-C", str(SOURCES), "-o", str(folder / "server"), "."]
        server_processes.run_installer(command, folder, {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"})

    return server_processes.installed("bench-server", digest, "server", build)


def _upload(access: Mapping[str, str], folder: Path, keys: Keys) -> None:
    client = observer(access)
    for bucket in (BUCKET, LISTED_BUCKET):
        client.create_bucket(Bucket=bucket)
    for path in sorted((folder / BUCKET).rglob("*")):
        if path.is_file():
            with path.open("rb") as body:
                client.put_object(Bucket=BUCKET, Key=path.relative_to(folder / BUCKET).as_posix(), Body=body)
    for key, size in keys.items():
        client.put_object(Bucket=LISTED_BUCKET, Key=key, Body=bytes(size))


def observer(access: Mapping[str, str]) -> Any:
    """A plain botocore client: what is on the server, seen without any contender."""
    from botocore.config import Config  # noqa: PLC0415 - after the arguments were checked
    from botocore.session import Session  # noqa: PLC0415

    return Session().create_client(
        "s3",
        region_name=access["region"],
        endpoint_url=access["endpoint"],
        aws_access_key_id=access["key"],
        aws_secret_access_key=access["secret"],
        config=Config(s3={"addressing_style": "path"}),
    )
