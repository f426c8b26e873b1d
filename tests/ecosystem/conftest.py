"""A bucket full of nothing, reached as users of other libraries reach it: by URL and ``storage_options``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import Server

if TYPE_CHECKING:
    from objfs.testing import ExpiringGateway

# Seconds; short enough that a folder of tests uses up many sets of credentials.
LIFETIME = 1.5
# Equal providers share their credentials for as long as anybody uses them; this keeps those of two tests apart.
_lakes = itertools.count()


@dataclass(frozen=True)
class Lake:
    """A bucket, the storage options that reach it, and a view of it that knows nothing of objfs.

    Parameters
    ----------
    bucket
        Its name.
    options
        Storage options: endpoint and region, and a provider or static keys.
    client
        A botocore client that goes to the server itself.
    gateway
        What refuses expired credentials; None with static keys.
    """

    bucket: str
    options: dict[str, Any]
    client: Any = field(repr=False)
    gateway: ExpiringGateway | None = None

    def url(self, key: str = "") -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{key}".rstrip("/")

    def path(self, key: str = "") -> str:
        """``bucket/key``."""
        return f"{self.bucket}/{key}".rstrip("/")

    @property
    def fs(self) -> Any:
        """The filesystem that fsspec finds for the options."""
        import fsspec

        return fsspec.filesystem("s3", **self.options)

    def stored(self, prefix: str = "") -> list[str]:
        """What lies in the bucket (fewer than a thousand objects), in order."""
        answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in answer.get("Contents", [])]

    def get(self, key: str) -> bytes:
        """The bytes of an object, without objfs."""
        body: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def put(self, key: str, data: bytes) -> None:
        """Write an object, without objfs."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def expire(self) -> None:
        """Let the credentials that are in use expire before their time; static keys never do."""
        if self.gateway is not None:
            self.gateway.expire()


@pytest.fixture(scope="session", autouse=True)
def _resolved_by_installation() -> None:
    """The tests prove something only where fsspec finds objfs by itself; a source tree without it does so on import."""
    if not any(entry.value.startswith("objfs:") for entry in entry_points(group="fsspec.specs", name="s3")):
        import objfs

        objfs.register()


@pytest.fixture(scope="session")
def lake_gateway(moto_server: Server) -> Iterator[ExpiringGateway]:
    """A gateway in a process of its own, which worker processes reach and busy tests do not slow down."""
    from objfs.testing import ExpiringGateway

    with ExpiringGateway(moto_server.endpoint, own_process=True) as gateway:
        yield gateway


@pytest.fixture
def make_lake(
    moto_server: Server, lake_gateway: ExpiringGateway, make_bucket: Callable[..., str], observer: Any
) -> Iterator[Callable[[str], Lake]]:
    """``make_lake("provider")`` or ``make_lake("static keys")``."""
    import objfs
    from objfs.testing import LocalCredentialsProvider

    def make(kind: str) -> Lake:
        bucket, client = make_bucket(moto_server), observer(moto_server)
        if kind == "static keys":
            return Lake(bucket, dict(moto_server.options), client)
        options = {
            "endpoint_url": lake_gateway.endpoint,
            "region": moto_server.options["region"],
            "storage_options_provider": LocalCredentialsProvider(lake_gateway.endpoint, LIFETIME + next(_lakes) / 1e6),
        }
        lake_gateway.reset()
        return Lake(bucket, options, client, lake_gateway)

    yield make
    objfs.S3FileSystem.clear_instance_cache()


@pytest.fixture(params=["provider", "static keys"])
def lake(request: pytest.FixtureRequest, make_lake: Callable[[str], Lake]) -> Lake:
    """A fresh bucket, once behind credentials that live 1.5 seconds, once with static keys."""
    return make_lake(request.param)


@pytest.fixture
def expiring_lake(make_lake: Callable[[str], Lake]) -> Lake:
    """A fresh bucket behind credentials that live 1.5 seconds."""
    return make_lake("provider")
