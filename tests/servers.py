"""Fixtures for the local S3 servers; ``tests/conftest.py`` loads this file as a pytest plugin.

Servers start when the first test asks for them and end with the run; buckets and gateways are new for every test.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests import go_servers

if TYPE_CHECKING:  # a plugin is imported before any test: what a unit test does not use must not break or slow it
    from objfs.testing import ExpiringGateway

REGION = "us-east-1"
_GO_SERVER = pytest.StashKey[Any]()


@dataclass(frozen=True)
class Server:
    """A running S3 server.

    Parameters
    ----------
    name
        ``"moto"``, ``"minio"`` or ``"versitygw"``.
    endpoint
        ``http://127.0.0.1:PORT``.
    options
        Storage options that reach it: ``endpoint_url``, ``key``, ``secret``, ``region``.
    """

    name: str
    endpoint: str
    options: dict[str, str]


def _server(name: str, endpoint: str, key: str, secret: str) -> Server:
    return Server(name, endpoint, {"endpoint_url": endpoint, "key": key, "secret": secret, "region": REGION})


def _wants_go_server(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    named = any(isinstance(value, str) and value == "minio" for value in parameters.values())
    return named or "minio_server" in getattr(item, "fixturenames", ())


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the Go server before the first test, whose time limit a build would exceed."""
    if session.config.option.collectonly or not any(map(_wants_go_server, session.items)):
        return
    try:
        session.config.stash[_GO_SERVER] = go_servers.find_server()
    except go_servers.UnavailableError as error:
        session.config.stash[_GO_SERVER] = error


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Server]:
    """An in-memory S3 in a process of its own; it takes any credentials."""
    pytest.importorskip("moto")
    pytest.importorskip("flask_cors")
    from objfs.testing import S3Server

    with S3Server() as server:
        yield Server("moto", server.endpoint, server.options)


@pytest.fixture(scope="session")
def minio_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """MinIO, or versitygw where MinIO cannot be built: real signatures, real conditional writes."""
    found = pytestconfig.stash.get(_GO_SERVER, None)
    if found is None or isinstance(found, go_servers.UnavailableError):
        pytest.skip(f"no S3 server that checks signatures: {found}")
    server, binary = found
    with go_servers.running(server, binary) as endpoint:
        yield _server(server.name, endpoint, go_servers.ACCESS_KEY, go_servers.SECRET_KEY)


@pytest.fixture(params=["moto", "minio"])
def s3_server(request: pytest.FixtureRequest) -> Server:
    """Each of the servers in turn."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture(scope="session")
def observer() -> Iterator[Callable[[Server], Any]]:
    """``observer(server)`` is a plain botocore client: what really lies in the store, seen without objfs."""
    botocore_session = pytest.importorskip("botocore.session")
    from botocore.config import Config

    # It asks again where a busy server fails: what it sees is no test of the server.
    retries = {"total_max_attempts": 5, "mode": "standard"}
    config = Config(s3={"addressing_style": "path"}, retries=retries, connect_timeout=10)
    clients: dict[str, Any] = {}

    def client(server: Server) -> Any:
        if server.endpoint not in clients:
            clients[server.endpoint] = botocore_session.Session().create_client(
                "s3",
                region_name=REGION,
                endpoint_url=server.endpoint,
                aws_access_key_id=server.options["key"],
                aws_secret_access_key=server.options["secret"],
                config=config,
            )
        return clients[server.endpoint]

    yield client
    for made in clients.values():
        made.close()


@pytest.fixture
def make_bucket(observer: Callable[[Server], Any]) -> Iterator[Callable[..., str]]:
    """``make_bucket(server, versioned=False)`` makes a bucket with a name of its own, removed after the test."""
    made: list[tuple[Any, str]] = []

    def make(server: Server, *, versioned: bool = False) -> str:
        client, name = observer(server), f"bucket-{uuid.uuid4().hex[:12]}"
        client.create_bucket(Bucket=name)
        made.append((client, name))
        if versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    yield make
    for client, name in made:
        remove_bucket(client, name)


@pytest.fixture
def bucket(moto_server: Server, make_bucket: Callable[..., str]) -> str:
    """A fresh bucket on moto."""
    return make_bucket(moto_server)


@pytest.fixture
def s3_bucket(s3_server: Server, make_bucket: Callable[..., str]) -> str:
    """A fresh bucket on the `s3_server` of the test."""
    return make_bucket(s3_server)


@pytest.fixture
def make_gateway() -> Iterator[Callable[[Server], ExpiringGateway]]:
    """``make_gateway(server)`` runs a gateway before a server; one that checks signatures keeps its own key."""
    from objfs.testing import ExpiringGateway

    running: list[ExpiringGateway] = []

    def make(server: Server) -> ExpiringGateway:
        gateway = ExpiringGateway(server.endpoint).start()
        running.append(gateway)
        if server.name != "moto":
            gateway.admit(server.options["key"])
        return gateway

    yield make
    for gateway in running:
        gateway.stop()


@pytest.fixture
def gateway(moto_server: Server, make_gateway: Callable[[Server], ExpiringGateway]) -> ExpiringGateway:
    """A gateway before moto that knows no credentials but those it issues."""
    return make_gateway(moto_server)


def remove_bucket(client: Any, name: str) -> None:
    """Delete a bucket with all versions of all objects and all unfinished uploads; a bucket that is gone is fine."""
    try:
        for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=name):
            for upload in page.get("Uploads", []):
                client.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
        for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
            for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                client.delete_object(Bucket=name, Key=entry["Key"], VersionId=entry["VersionId"])
        client.delete_bucket(Bucket=name)
    except client.exceptions.NoSuchBucket:
        pass
