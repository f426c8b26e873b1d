"""Fixtures for the local servers of GCS, Azure and Iceberg; ``tests/conftest.py`` loads this file as a pytest plugin.

Servers start when the first test asks for them and end with the run; buckets and containers are new for every test.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import pytest

from tests import gcs_xml, go_servers, java_servers, node_servers
from tests.server_processes import UnavailableError
from tests.servers import Server

PROJECT = "objfs-tests"
_FOUND = pytest.StashKey[dict[str, Any]]()
_FINDERS: dict[str, Callable[[], Any]] = {
    "gcs": go_servers.find_fake_gcs,
    "azure": node_servers.find_azurite,
    "iceberg": java_servers.find_iceberg,
}


def _wants(item: pytest.Item, cloud: str) -> bool:
    if item.nodeid.startswith("tests/unit/"):
        return False
    names = getattr(item, "fixturenames", ())
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return f"{cloud}_server" in names or ("cloud" in names and parameters.get("cloud") == cloud)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the servers before the first test, whose time limit an installation would exceed."""
    session.config.stash[_FOUND] = {}
    if session.config.option.collectonly:
        return
    for cloud in _FINDERS:
        if any(_wants(item, cloud) for item in session.items):
            _find(session.config, cloud)


def _find(config: pytest.Config, cloud: str) -> Any:
    """What the finder found, or its error; it is asked once."""
    found = config.stash[_FOUND]
    if cloud not in found:
        try:
            found[cloud] = _FINDERS[cloud]()
        except UnavailableError as error:
            found[cloud] = error
    return found[cloud]


@pytest.fixture(scope="session")
def gcs_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """fake-gcs-server with the XML API in front of it; it takes any token."""
    binary = _find(pytestconfig, "gcs")
    if isinstance(binary, UnavailableError):
        pytest.skip(f"no server for GCS: {binary}")
    with gcs_xml.running() as front, go_servers.running(go_servers.fake_gcs(front.address), binary) as behind:
        front.behind = behind.removeprefix("http://")
        endpoint = f"http://{front.address}"
        options = {"endpoint_url": endpoint, "token": "token-of-the-tests", "project": PROJECT}
        yield Server("fake-gcs-server", endpoint, options)


@pytest.fixture(scope="session")
def azure_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """Azurite: it checks keys and shared access signatures; `node_servers.OTHER_ACCOUNT` is there, too."""
    found = _find(pytestconfig, "azure")
    if isinstance(found, UnavailableError):
        pytest.skip(f"no server for Azure: {found}")
    with node_servers.running(*found) as url:
        endpoint = f"{url}/{node_servers.ACCOUNT}"
        account = {"account_name": node_servers.ACCOUNT, "account_key": node_servers.ACCOUNT_KEY}
        yield Server("azurite", endpoint, {"endpoint": endpoint, **account})


def connection_string(server: Server) -> str:
    """What Azure's clients call a connection string, for a server of `azure_server`."""
    parts = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": server.options["account_name"],
        "AccountKey": server.options["account_key"],
        "BlobEndpoint": server.endpoint,
    }
    return ";".join(f"{name}={value}" for name, value in parts.items())


@pytest.fixture
def make_gcs_bucket(gcs_server: Server) -> Iterator[Callable[..., str]]:
    """``make_gcs_bucket(versioned=False)`` makes a bucket with a name of its own, removed after the test."""
    made: list[str] = []

    def make(*, versioned: bool = False) -> str:
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        told = {"name": name, "versioning": {"enabled": versioned}}
        ask_gcs(gcs_server, "POST", "/storage/v1/b", json.dumps(told).encode(), project=PROJECT)
        made.append(name)
        return name

    yield make
    for name in made:
        remove_gcs_bucket(gcs_server, name)


@pytest.fixture
def make_container(azure_server: Server) -> Iterator[Callable[[], str]]:
    """``make_container()`` makes a container with a name of its own, removed after the test."""
    blob = pytest.importorskip("azure.storage.blob")
    from azure.core.exceptions import ResourceNotFoundError

    made: list[str] = []
    with blob.BlobServiceClient.from_connection_string(connection_string(azure_server)) as service:

        def make() -> str:
            name = f"container-{uuid.uuid4().hex[:12]}"
            service.create_container(name)
            made.append(name)
            return name

        yield make
        for name in made:
            with contextlib.suppress(ResourceNotFoundError):  # the test may have done so
                service.delete_container(name)


def ask_gcs(server: Server, method: str, path: str, data: bytes | None = None, **query: str) -> bytes:
    """One request of the JSON API (https://cloud.google.com/storage/docs/json_api/v1), without objfs."""
    url = f"{server.endpoint}{path}" + (f"?{urlencode(query)}" if query else "")
    with urlopen(Request(url, data=data, method=method), timeout=30) as answer:
        body: bytes = answer.read()
    return body


def remove_gcs_bucket(server: Server, name: str) -> None:
    """Delete a bucket with all generations of all objects; a bucket that is gone is fine."""
    try:
        listed = json.loads(ask_gcs(server, "GET", f"/storage/v1/b/{name}/o", versions="true"))
        for item in listed.get("items", []):
            path = f"/storage/v1/b/{name}/o/{quote(item['name'], safe='')}"
            ask_gcs(server, "DELETE", path, generation=item["generation"])
        ask_gcs(server, "DELETE", f"/storage/v1/b/{name}")
    except HTTPError as error:
        if error.code != 404:
            raise


@pytest.fixture(scope="session")
def iceberg_server(pytestconfig: pytest.Config) -> Iterator[str]:
    """The REST catalog of Iceberg's own tests, which vends credentials; its tables are below ``s3://lake``."""
    lib = _find(pytestconfig, "iceberg")
    if isinstance(lib, UnavailableError):
        pytest.skip(f"no Iceberg REST catalog: {lib}")
    with java_servers.running(lib, "s3://lake/warehouse") as endpoint:
        yield endpoint
