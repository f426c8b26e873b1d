"""The servers that are measured against, and how they are told to count and to be slow.

The usual one is our own (`server/`, built with Go on first use): fast enough to show what the clients do. All others
are slower than most contenders; in front of them stands a proxy that counts and delays.
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
from profiles import Profile

from objfs.testing import ExpiringGateway, S3Server
from tests import clouds, gcs_xml, go_servers, node_servers, server_processes

# Keys that are only listed, with the sizes of their objects.
Keys = Mapping[str, int]

SOURCES = Path(__file__).with_name("server")
REGION = {"region": "us-east-1"}


@dataclass(frozen=True)
class Place:
    """A server that is up, with the data on it.

    Parameters
    ----------
    name
        Of the server, with its version.
    access
        How contenders reach it.
    raw
        What really lies in `BUCKET`, seen without any contender.
    shapes
        Whether it can limit the bandwidth; latency it can always add.
    """

    name: str
    access: Mapping[str, str] = field(repr=False)
    raw: clouds.Raw = field(repr=False)
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
        access = {"endpoint": endpoint, "key": "objfs-benchmarks", "secret": "objfs-benchmarks-secret", **REGION}
        yield Place("benchmarks/server", access, clouds.S3Raw(_s3_client(access), BUCKET))


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
        access = {"endpoint": endpoint, "key": go_servers.ACCESS_KEY, "secret": go_servers.SECRET_KEY, **REGION}
        yield Place(f"{server.name} {server.version}", access, _with_data(access, folder, keys))


@contextlib.contextmanager
def moto(folder: Path, keys: Keys) -> Iterator[Place]:
    """Run moto, with the gateway of the tests in front, and upload the data; all of it is Python, and slow."""
    with S3Server() as server, ExpiringGateway(server.endpoint, own_process=True) as gateway:
        access = {**{name: server.options[name] for name in ("key", "secret")}, "endpoint": gateway.endpoint, **REGION}
        gateway.admit(access["key"])
        yield Place("moto", access, _with_data(access, folder, keys), shapes=False)


@contextlib.contextmanager
def fake_gcs(folder: Path, _keys: Keys) -> Iterator[Place]:
    """Run fake-gcs-server with Google's XML API and a proxy in front, and upload the data.

    Raises
    ------
    UnavailableError
        It cannot be built.
    """
    binary = go_servers.find_fake_gcs()
    with gcs_xml.running() as front, _running("-behind", f"http://{front.address}") as endpoint:
        front.public_address = endpoint.removeprefix("http://")
        server = go_servers.fake_gcs(front.public_address)
        with go_servers.running(server, binary) as behind:
            front.behind = behind.removeprefix("http://")
            raw = clouds.GCSRaw(endpoint, BUCKET)
            raw.create()
            _upload(raw, folder)
            access = {"endpoint": endpoint, "token": "token-of-the-benchmarks", "project": "objfs-benchmarks"}
            yield Place(f"{server.name} {server.version}", access, raw)


@contextlib.contextmanager
def azurite(folder: Path, _keys: Keys) -> Iterator[Place]:
    """Run Azurite with a proxy in front, and upload the data.

    Raises
    ------
    UnavailableError
        It cannot be installed.
    """
    from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - after the arguments were checked

    account, key = node_servers.ACCOUNT, node_servers.ACCOUNT_KEY
    with node_servers.running(*node_servers.find_azurite()) as behind, _running("-behind", behind) as endpoint:
        told = f"AccountName={account};AccountKey={key};BlobEndpoint={endpoint}/{account};DefaultEndpointsProtocol=http"
        with BlobServiceClient.from_connection_string(told) as service:
            service.create_container(BUCKET)
            raw = clouds.AzureRaw(service, BUCKET)
            _upload(raw, folder)
            yield Place(f"azurite {node_servers.VERSION}", {"endpoint": endpoint, "connection_string": told}, raw)


# For each cloud the servers that there are; the first is the one to measure against.
SERVERS: dict[str, dict[str, Callable[[Path, Keys], contextlib.AbstractContextManager[Place]]]] = {
    "s3": {"own": own_server, "minio": minio, "moto": moto},
    "gcs": {"fake-gcs-server": fake_gcs},
    "azure": {"azurite": azurite},
}


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


def _with_data(access: Mapping[str, str], folder: Path, keys: Keys) -> clouds.Raw:
    client = _s3_client(access)
    for bucket in (BUCKET, LISTED_BUCKET):
        client.create_bucket(Bucket=bucket)
    raw = clouds.S3Raw(client, BUCKET)
    _upload(raw, folder)
    listed = raw.beside(LISTED_BUCKET)
    for key, size in keys.items():
        listed.put(key, bytes(size))
    return raw


def _upload(raw: clouds.Raw, folder: Path) -> None:
    for path in sorted((folder / BUCKET).rglob("*")):
        if path.is_file():
            raw.put(path.relative_to(folder / BUCKET).as_posix(), path.read_bytes())


def _s3_client(access: Mapping[str, str]) -> Any:
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
