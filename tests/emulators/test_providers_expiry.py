"""Every ready-made provider through expiry: keys that live for a second or two, while files are read and written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import objfs
from objfs.testing import ExpiringGateway
from tests.emulators import fakes_azure, fakes_google
from tests.emulators.expiring_work import work_through_expiry
from tests.emulators.fakes_catalogs import Answer, FakeService, serving, vending
from tests.servers import remove_bucket

LIFETIME_SECONDS = 1.0
ROLE = "arn:aws:iam::123456789012:role/reader"
_ROLE_ANSWER = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>
<AccessKeyId>{access_key_id}</AccessKeyId><SecretAccessKey>{secret_access_key}</SecretAccessKey>
<SessionToken>{session_token}</SessionToken><Expiration>{expiry}</Expiration>
</Credentials></{action}Result></{action}Response>"""


@pytest.fixture
def service() -> Iterator[FakeService]:
    with serving() as fake:
        yield fake


def sts(gateway: ExpiringGateway, action: str) -> Callable[[Any], Answer]:
    """STS in front of a gateway."""

    def answer(_: Any) -> Answer:
        keys = gateway.issue(LIFETIME_SECONDS)
        expiry = datetime.fromtimestamp(int(keys["expires_at_millis"]) / 1000, UTC).isoformat()
        text = _ROLE_ANSWER.format(action=action, expiry=expiry, **keys)
        return Answer(text.encode(), headers={"Content-Type": "text/xml"})

    return answer


def assume_role(service: FakeService, gateway: ExpiringGateway) -> dict[str, Any]:
    service.on("POST", "/", sts(gateway, "AssumeRole"))
    keys = {"access_key_id": "BASE", "secret_access_key": "s"}
    return {"provider": "aws-assume-role", "role_arn": ROLE, "endpoint_url": service.url, **keys}


def web_identity(service: FakeService, gateway: ExpiringGateway) -> dict[str, Any]:
    service.on("POST", "/", sts(gateway, "AssumeRoleWithWebIdentity"))
    return {"provider": "aws-web-identity", "role_arn": ROLE, "token": "a.token", "endpoint_url": service.url}


def session(_: FakeService, gateway: ExpiringGateway) -> dict[str, Any]:
    """A session whose credentials botocore renews by itself."""
    botocore = pytest.importorskip("botocore.session")
    from botocore.credentials import RefreshableCredentials

    def renewed() -> dict[str, str]:
        keys = gateway.issue(LIFETIME_SECONDS)
        expiry = datetime.fromtimestamp(int(keys["expires_at_millis"]) / 1000, UTC).isoformat()
        told = {"access_key": keys["access_key_id"], "secret_key": keys["secret_access_key"]}
        return {**told, "token": keys["session_token"], "expiry_time": expiry}

    made = botocore.Session()
    made._credentials = RefreshableCredentials.create_from_metadata(renewed(), renewed, "tests")
    # Credentials of a second are always due for botocore, which renews them each time that it is asked.
    return {"provider": "aws-session", "session": made}


def unity(service: FakeService, gateway: ExpiringGateway) -> dict[str, Any]:
    def shape(keys: dict[str, str]) -> dict[str, Any]:
        members = ("access_key_id", "secret_access_key", "session_token")
        vended = {name: keys[name] for name in members}
        return {"aws_temp_credentials": vended, "expiration_time": int(keys["expires_at_millis"])}

    root = "/api/2.1/unity-catalog"
    service.on("POST", f"{root}/temporary-path-credentials", vending(gateway, LIFETIME_SECONDS, shape))
    return {"provider": "unity", "endpoint": service.url, "path": "s3://bucket/t", "access": "write"}


def iceberg(service: FakeService, gateway: ExpiringGateway) -> dict[str, Any]:
    def config(keys: dict[str, str]) -> dict[str, str]:
        names = {"access-key-id": "access_key_id", "secret-access-key": "secret_access_key"}
        told = {f"s3.{name}": keys[ours] for name, ours in {**names, "session-token": "session_token"}.items()}
        return {**told, "s3.session-token-expires-at-ms": keys["expires_at_millis"]}

    def listed(keys: dict[str, str]) -> dict[str, Any]:
        return {"storage-credentials": [{"prefix": "s3://bucket", "config": config(keys)}]}

    table = "/v1/namespaces/n/tables/t"
    listing = "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials"
    service.on("GET", "/v1/config", {"endpoints": [listing]})
    metadata = {"metadata": {"location": "s3://bucket/t"}}
    service.on("GET", table, vending(gateway, LIFETIME_SECONDS, lambda keys: {**metadata, "config": config(keys)}))
    service.on("GET", f"{table}/credentials", vending(gateway, LIFETIME_SECONDS, listed))
    return {"provider": "iceberg", "uri": service.url, "table": "n.t"}


def lance(service: FakeService, gateway: ExpiringGateway) -> dict[str, Any]:
    def shape(keys: dict[str, str]) -> dict[str, Any]:
        names = ("access_key_id", "secret_access_key", "session_token")
        options = {f"aws_{name}": keys[name] for name in names} | {"expires_at_millis": keys["expires_at_millis"]}
        return {"location": "s3://bucket/t.lance", "storage_options": options}

    service.on("POST", "/v1/table/t/describe", vending(gateway, LIFETIME_SECONDS, shape))
    return {"provider": "lance", "uri": service.url, "table": "t"}


@pytest.mark.parametrize("made", [assume_role, web_identity, session, unity, iceberg, lance])
def test_reads_and_writes_go_on_while_keys_expire(made, service, gateway, bucket):
    """The provider is a dict; the gateway refuses every request that is signed with what has expired."""
    pytest.importorskip("botocore")
    fs = objfs.S3FileSystem(
        endpoint_url=gateway.endpoint, region="us-east-1", storage_options_provider=made(service, gateway)
    )
    work_through_expiry(fs, gateway, bucket)
    assert service.asked or made is session


class Minting:
    """Credentials of google-auth whose tokens live for a second; the storage takes the newest one only."""

    def __init__(self, fake: fakes_google.FakeGoogle) -> None:
        self.token: str | None = None
        self.expiry: datetime | None = None
        self._fake = fake

    def refresh(self, _request: Any) -> None:
        """Another token."""
        self.token = self._fake.mint("MINTED")
        self.expiry = (datetime.now(UTC) + timedelta(seconds=LIFETIME_SECONDS)).replace(tzinfo=None)
        self._fake.accepted = {self.token}


@pytest.mark.parametrize("by_name", [True, False], ids=["dict", "object"])
def test_google_tokens_are_renewed_while_objects_are_read(by_name):
    """Three tokens of a second each."""
    pytest.importorskip("google.auth")
    from objfs.providers import GoogleAuth

    with fakes_google.serving() as fake:
        credentials = Minting(fake)
        provider = {"provider": "google", "credentials": credentials} if by_name else GoogleAuth(credentials)
        fs = objfs.GCSFileSystem(endpoint_url=fake.url, storage_options_provider=provider)
        deadline = datetime.now(UTC) + timedelta(seconds=60)
        while len(set(fake.bearers)) < 3:
            assert fs.cat_file("bucket/object") == fakes_google.BODY
            assert datetime.now(UTC) < deadline


class MintingToken:
    """A credential of azure-identity's kind whose tokens live for a second."""

    def __init__(self, fake: fakes_azure.FakeAzure) -> None:
        self._fake = fake
        self._given: list[str] = []

    def get_token(self, *_scopes: str, **_: Any) -> Any:
        """Another token; those before are refused from now on."""
        from azure.core.credentials import AccessToken

        self._fake.refused |= set(self._given)
        token = self._fake.mint("MINTED")
        self._given.append(f"Bearer {token}")
        return AccessToken(token, int(datetime.now(UTC).timestamp()) + 2)


def test_azure_tokens_are_renewed_while_blobs_are_read(tmp_path):
    """Three tokens, the last of which alone is taken."""
    pytest.importorskip("azure.identity")
    with fakes_azure.serving(tmp_path) as fake:
        provider = {"provider": "azure-identity", "credential": MintingToken(fake)}
        place = {"account_name": "account", "endpoint": f"{fake.url}/account"}
        fs = objfs.AzureBlobFileSystem(**place, storage_options_provider=provider)
        deadline = datetime.now(UTC) + timedelta(seconds=60)
        while len(set(fake.used)) < 3:
            assert fs.cat_file("c/blob") == fakes_azure.BODY
            assert datetime.now(UTC) < deadline


# -- real catalogs --------------------------------------------------------------------------------------------------


@pytest.fixture
def lake(moto_server: Any, observer: Any) -> Iterator[ExpiringGateway]:
    """A gateway in front of the bucket ``lake``; in a process of its own, as pylance holds on to the interpreter."""
    client = observer(moto_server)
    client.create_bucket(Bucket="lake")
    with ExpiringGateway(moto_server.endpoint, own_process=True) as gateway:
        yield gateway
    remove_bucket(client, "lake")


@pytest.mark.parametrize("namespace", ["listed", "config"])
def test_iceberg_table_is_worked_on_while_what_its_catalog_vends_expires(namespace, iceberg_server, lake):
    """pyiceberg with Iceberg's own REST catalog, which vends keys of two seconds with each table that it loads."""
    pa = pytest.importorskip("pyarrow")
    rest = pytest.importorskip("pyiceberg.catalog.rest")
    provider = {"provider": "iceberg", "uri": iceberg_server, "table": f"{namespace}.t"}
    place = {"s3.endpoint": lake.endpoint, "s3.region": "us-east-1", "py-io-impl": "objfs.iceberg.ObjectFileIO"}
    catalog = rest.RestCatalog(
        "tests", uri=iceberg_server, **place, **{"objfs.storage_options_provider": json.dumps(provider)}
    )
    catalog.create_namespace(namespace)
    try:
        schema = pa.schema([("n", pa.int64())])
        vend = f"{lake.endpoint}/-/issue?lifetime=2"
        table = catalog.create_table(f"{namespace}.t", schema=schema, properties={"vend": vend})
        deadline, rows = datetime.now(UTC) + timedelta(seconds=60), 0
        # The first keys are those that pyiceberg got with the table; the provider is asked from then on.
        while table.io.get_fs("s3").connection.choice.fetch_count < 2:
            assert datetime.now(UTC) < deadline
            table.append(pa.table({"n": list(range(rows, rows + 10))}, schema=schema))
            rows += 10
            assert table.scan().count() == rows
        assert sorted(table.scan().to_arrow()["n"].to_pylist()) == list(range(rows))
    finally:
        catalog.drop_table(f"{namespace}.t")
        catalog.drop_namespace(namespace)


def test_lance_namespace_of_pylance_vends_options_that_expire(lake):
    """The REST namespace of pylance hands out storage options that are to be asked for again after a second."""
    lance = pytest.importorskip("lance")
    namespaces = pytest.importorskip("lance.namespace")
    pa = pytest.importorskip("pyarrow")
    keys = lake.issue(60)
    options = {f"aws_{name}": keys[name] for name in ("access_key_id", "secret_access_key", "session_token")}
    reach = {**options, "aws_endpoint": lake.endpoint, "aws_region": "us-east-1", "allow_http": "true"}
    lance.write_dataset(pa.table({"n": [1, 2, 3]}), "s3://lake/ns/t.lance", storage_options=reach)
    vend = {"vend_input_storage_options": "true", "vend_input_storage_options_refresh_interval_millis": "1000"}
    properties = {"root": "s3://lake/ns", **{f"storage.{name}": value for name, value in reach.items()}, **vend}
    with namespaces.RestAdapter("dir", properties, port=0) as server:
        from objfs.providers import LanceNamespace

        provider = LanceNamespace(f"http://127.0.0.1:{server.port}", "t")
        told = provider.fetch_storage_options()
        assert told.keys() == {*options, "expires_at_millis"}
        fs = objfs.S3FileSystem(endpoint_url=lake.endpoint, region="us-east-1", storage_options_provider=provider)
        refresher, deadline = fs.connection.choice, datetime.now(UTC) + timedelta(seconds=60)
        while refresher.fetch_count < 3:
            assert any(path.startswith("lake/ns/t.lance/data/") for path in fs.find("lake/ns", refresh=True))
            assert datetime.now(UTC) < deadline
