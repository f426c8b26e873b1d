"""Fixtures of the tests of Azure alone: an account, a container, and both without objfs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from objfs import AzureBlobFileSystem

blob = pytest.importorskip("azure.storage.blob")


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by the SDK."""
    return str(request.param)


@pytest.fixture
def service(azure_server: Any) -> Iterator[Any]:
    """The account without objfs."""
    with blob.BlobServiceClient(azure_server.endpoint, credential=azure_server.options["account_key"]) as client:
        yield client


@pytest.fixture
def container(service: Any) -> Iterator[Any]:
    """A container of the test's own, as the blocking client has it."""
    client = service.create_container(f"c{uuid.uuid4().hex[:12]}")
    yield client
    client.delete_container()


@pytest.fixture
def root(container: Any) -> str:
    """The name of the container."""
    return str(container.container_name)


@pytest.fixture
def fs(azure_server: Any, engine: str) -> AzureBlobFileSystem:
    """The filesystem on each engine in turn."""
    return AzureBlobFileSystem(**azure_server.options, engine=engine)


def account_sas(server: Any, *, permission: str = "rwdlacupt", minutes: int = 10) -> str:
    """A SAS of the whole account; negative minutes make one that has expired."""
    now = datetime.now(UTC)
    return str(
        blob.generate_account_sas(
            server.options["account_name"],
            server.options["account_key"],
            blob.ResourceTypes(service=True, container=True, object=True),
            blob.AccountSasPermissions.from_string(permission),
            now + timedelta(minutes=minutes),
            start=now - timedelta(hours=1),
        )
    )
