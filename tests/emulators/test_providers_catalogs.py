"""Catalogs that vend: recorded shapes of each cloud, and what is sent for them.

The shapes are those of the published specifications:

- Unity Catalog, ``TemporaryCredentials``:
  https://github.com/unitycatalog/unitycatalog/blob/00c5b425f1cfa25c222e8fd1d17df12654de07b7/api/all.yaml (R2, Entra ID:
  https://docs.databricks.com/api/workspace/temporarytablecredentials)
- Iceberg REST 1.10.0, ``LoadTableResult`` and ``LoadCredentialsResponse``:
  https://github.com/apache/iceberg/blob/apache-iceberg-1.10.0/open-api/rest-catalog-open-api.yaml
- Lance namespace 0.13.0, ``DescribeTableResponse``:
  https://github.com/lance-format/lance-namespace/blob/main/docs/src/rest.yaml
"""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import objfs
from objfs.clouds.known import CLOUDS
from objfs.credentials.provider import normalise_provider
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError
from objfs.providers import IcebergRest, LanceNamespace, UnityCatalog, questions
from tests.emulators.fakes_catalogs import Answer, FakeService, serving

WHEN = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
MILLIS = 1800000000000
AWS = {"access_key_id": "ASIA", "secret_access_key": "hidden", "session_token": "token"}
SAS = "sv=2024-11-04&se=2099-01-01T00%3A00%3A00Z&sp=rl&sig=c2ln"
TABLE_ID = "11111111-2222-3333-4444-555555555555"
TABLES = "/api/2.1/unity-catalog/tables/main.sales.orders"
VENDING = "/api/2.1/unity-catalog/temporary-table-credentials"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    """A catalog whose answers the test sets; pauses between attempts take no time."""
    monkeypatch.setattr(questions, "_PAUSE_SECONDS", 0.0)
    with serving() as fake:
        yield fake


def fetch(provider: Any, cloud: str = "s3") -> Credentials:
    return normalise_provider(provider, next(one for one in CLOUDS if one.name == cloud)).fetch()


# -- Unity Catalog --------------------------------------------------------------------------------------------------


UNITY = {
    "s3": ("aws_temp_credentials", {**AWS, "access_point": None}, AWS),
    "s3-r2": ("r2_temp_credentials", AWS, AWS),
    "azure": ("azure_user_delegation_sas", {"sas_token": SAS}, {"sas_key": SAS}),
    "azure-entra": ("azure_aad", {"aad_token": "bearer"}, {"token": "bearer"}),
    "gcs": ("gcp_oauth_token", {"oauth_token": "ya29"}, {"bearer_token": "ya29"}),
}


@pytest.mark.parametrize("case", UNITY)
def test_unity_answer_of_each_cloud_is_read(service, case):
    """One member holds the credentials, the others are null or absent; the end is told once for all."""
    member, vended, values = UNITY[case]
    others = dict.fromkeys((name for name, *_ in UNITY.values()), None)
    service.on("GET", TABLES, {"name": "orders", "table_id": TABLE_ID})
    service.on("POST", VENDING, {**others, member: vended, "url": "s3://b/t", "expiration_time": MILLIS})
    provider = {"provider": "unity", "endpoint": service.url, "table": "main.sales.orders", "token": "dapi"}
    found = fetch(provider, case.partition("-")[0])
    assert (dict(found.values), found.expires_at) == (values, WHEN)
    assert service.asked[1].body == {"table_id": TABLE_ID, "operation": "READ"}
    assert [one.headers["authorization"] for one in service.asked] == ["Bearer dapi", "Bearer dapi"]


@pytest.mark.parametrize(
    ("options", "path", "body"),
    [
        pytest.param(
            {"table": TABLE_ID, "access": "write"},
            "temporary-table-credentials",
            {"table_id": TABLE_ID, "operation": "READ_WRITE"},
            id="table-by-id",
        ),
        pytest.param(
            {"volume": TABLE_ID},
            "temporary-volume-credentials",
            {"volume_id": TABLE_ID, "operation": "READ_VOLUME"},
            id="volume",
        ),
        pytest.param(
            {"path": "s3://b/new", "access": "create"},
            "temporary-path-credentials",
            {"url": "s3://b/new", "operation": "PATH_CREATE_TABLE"},
            id="path",
        ),
    ],
)
def test_unity_is_asked_for_tables_volumes_and_paths(service, options, path, body):
    """Each has its own place and its own words for the access."""
    service.on("POST", f"/prefix/{path}", {"aws_temp_credentials": AWS})
    found = fetch(UnityCatalog(f"{service.url}/prefix/", **options))
    assert found.expires_at is None
    assert service.asked[0].body == body
    assert "authorization" not in service.asked[0].headers


def test_unity_finds_the_table_again_that_was_made_anew(service):
    """Its id is another one then."""
    ids = iter(["id-1", "id-2"])
    service.on("GET", TABLES, lambda _: {"table_id": next(ids)})
    service.on("POST", VENDING, {"aws_temp_credentials": AWS})
    provider = UnityCatalog(service.url, "main.sales.orders")
    provider.fetch_storage_options()
    provider.fetch_storage_options()
    assert [one.body["table_id"] for one in service.asked if one.body] == ["id-1", "id-2"]


def test_client_of_unity_gets_a_token_first(service, monkeypatch):
    """OAuth with the secret of an environment variable, on the host of the catalog."""
    monkeypatch.setenv("UNITY_SECRET", "client-secret")
    service.on("POST", "/oidc/v1/token", {"access_token": "minted", "expires_in": 3600})
    service.on("POST", VENDING, {"aws_temp_credentials": AWS})
    fetch(UnityCatalog(service.url, TABLE_ID, client_id="me", client_secret="$UNITY_SECRET"))
    form = b"grant_type=client_credentials&client_id=me&client_secret=client-secret&scope=all-apis"
    assert service.asked[0].body == form
    assert service.asked[1].headers["authorization"] == "Bearer minted"


def test_client_that_is_refused_does_not_see_its_secret_again(service):
    """Neither as it is nor as it was sent, should the server repeat it."""
    secret = "s3cr3t/with+signs="
    body = {"error": "invalid_client", "error_description": f"unknown {secret}, s3cr3t%2Fwith%2Bsigns%3D"}
    service.on("POST", "/oidc/v1/token", Answer(body, 401))
    with pytest.raises(CredentialsError, match=r"oidc/v1/token was refused with status 401: unknown \*\*\*") as caught:
        fetch(UnityCatalog(service.url, TABLE_ID, client_id="me", client_secret=secret))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param({"url": "s3://b", "expiration_time": 1}, "vended nothing for 'main.sales.orders'", id="nothing"),
        pytest.param(
            Answer({"error_code": "PERMISSION_DENIED", "message": "no EXTERNAL USE"}, 403), "no EXTERNAL", id="no"
        ),
        pytest.param([], "answered with list", id="list"),
    ],
)
def test_unity_that_vends_nothing_says_so(service, answer, message):
    """With the catalog's own reason."""
    service.on("GET", TABLES, {"table_id": TABLE_ID})
    service.on("POST", VENDING, answer)
    with pytest.raises(CredentialsError, match=message):
        fetch(UnityCatalog(service.url, "main.sales.orders"))


def test_unity_without_an_id_of_the_table_is_an_error(service):
    """A view has none."""
    service.on("GET", TABLES, {"name": "orders"})
    with pytest.raises(CredentialsError, match=r"told no table_id of 'main.sales.orders'"):
        fetch(UnityCatalog(service.url, "main.sales.orders"))


@pytest.mark.parametrize("as_text", [False, True], ids=["dict", "json"])
def test_error_of_a_filesystem_names_the_catalog_and_hides_its_token(service, as_text):
    """What the catalog answers goes through, but for the token; place and table are no secrets."""
    service.on("GET", TABLES, Answer({"message": "no dapi-hidden-token for main.sales.orders"}, 403))
    told = {"provider": "unity", "endpoint": service.url, "table": "main.sales.orders", "token": "dapi-hidden-token"}
    fs = objfs.S3FileSystem(region="us-east-1", storage_options_provider=json.dumps(told) if as_text else told)
    with pytest.raises(CredentialsError) as caught:
        fs.cat_file("b/k")
    assert "dapi-hidden-token" not in "".join(traceback.format_exception(caught.value))
    assert service.url in str(caught.value)
    assert "main.sales.orders" in str(caught.value)


# -- Iceberg --------------------------------------------------------------------------------------------------------


S3_KEYS = {"s3.access-key-id": "ASIA", "s3.secret-access-key": "hidden", "s3.session-token": "token"}
ICEBERG = {
    "s3": ("s3://lake/t", {**S3_KEYS, "s3.session-token-expires-at-ms": str(MILLIS), "s3.endpoint": "https://e"}, AWS),
    "gcs": (
        "gs://lake/t",
        {"gcs.oauth2.token": "ya29", "gcs.oauth2.token-expires-at": str(MILLIS), "gcs.project-id": "p"},
        {"bearer_token": "ya29"},
    ),
    "azure": (
        "abfss://c@acct.dfs.core.windows.net/t",
        {
            "adls.sas-token.acct.dfs.core.windows.net": SAS,
            "adls.sas-token-expires-at-ms.acct.dfs.core.windows.net": str(MILLIS),
            "adls.sas-token.other.dfs.core.windows.net": "sv=1&sig=b3RoZXI",
        },
        {"sas_key": SAS},
    ),
    "azure-account": ("abfss://c@acct.dfs.core.windows.net/t", {"adls.sas-token.acct": SAS}, {"sas_key": SAS}),
}
TABLE = "/v1/wh/namespaces/a\x1fb/tables/t"
CREDENTIALS = "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials"


def table_at(location: str, config: Any = None, credentials: Any = None) -> dict[str, Any]:
    """The answer of loadTable."""
    told = {"metadata-location": f"{location}/metadata/1.json", "metadata": {"location": location}}
    told["config"] = {"token": "for the catalog alone", "client.region": "eu-west-1", **(config or {})}
    return told if credentials is None else {**told, "storage-credentials": credentials}


def iceberg(service: FakeService, *endpoints: str, **config: Any) -> IcebergRest:
    told = {"defaults": {"prefix": "default"}, "overrides": {"prefix": "wh"}, "endpoints": list(endpoints), **config}
    service.on("GET", "/v1/config", told)
    return IcebergRest(service.url, "a.b.t", warehouse="lake", token="secret-token")


@pytest.mark.parametrize("listed", [True, False], ids=["storage-credentials", "config"])
@pytest.mark.parametrize("case", ICEBERG)
def test_iceberg_properties_of_each_cloud_are_read(service, case, listed):
    """From the list of credentials, or from the table's configuration; what else is there is left out."""
    location, properties, values = ICEBERG[case]
    listing = [{"prefix": location, "config": properties}] if listed else []
    provider = iceberg(service)
    service.on("GET", TABLE, table_at(location, {} if listed else properties, listing))
    found = fetch(provider, case.partition("-")[0])
    assert dict(found.values) == values
    assert found.expires_at == (datetime(2099, 1, 1, tzinfo=UTC) if case == "azure-account" else WHEN)


def test_iceberg_is_asked_for_vended_credentials(service):
    """As the specification has it: the configuration once, then the table, with the header that asks for them."""
    provider = iceberg(service)
    service.on("GET", TABLE, table_at("s3://lake/t", S3_KEYS))
    fetch(provider)
    fetch(provider)
    assert service.paths() == ["GET /v1/config", f"GET {TABLE}", f"GET {TABLE}"]
    assert [one.query for one in service.asked] == ["warehouse=lake", "snapshots=refs", "snapshots=refs"]
    assert service.asked[1].headers["x-iceberg-access-delegation"] == "vended-credentials"
    assert {one.headers["authorization"] for one in service.asked} == {"Bearer secret-token"}


def test_iceberg_namespaces_are_joined_as_the_catalog_says(service):
    """The separator is part of its configuration; prefix and namespace may hold what a path cannot."""
    provider = iceberg(service, overrides={"prefix": "my wh", "namespace-separator": "%2E"})
    service.on("GET", "/v1/my wh/namespaces/a.b/tables/t", table_at("s3://lake/t", S3_KEYS))
    assert dict(fetch(provider).values) == AWS


def test_iceberg_is_asked_for_credentials_alone_where_it_can(service):
    """The table is loaded once, as it says where it is; a copy in another process does the same."""
    provider = iceberg(service, CREDENTIALS)
    entries = [{"prefix": "s3://lake/t", "config": S3_KEYS}]
    service.on("GET", TABLE, table_at("s3://lake/t", {}, entries))
    service.on("GET", f"{TABLE}/credentials", {"storage-credentials": entries})
    fetch(provider)
    assert dict(fetch(provider).values) == AWS
    fetch(pickle.loads(pickle.dumps(provider)))
    once = ["GET /v1/config", f"GET {TABLE}"]
    assert service.paths() == [*once, f"GET {TABLE}/credentials", *once]


def test_iceberg_table_is_not_loaded_where_its_location_is_given(service):
    """One request for each set of credentials."""
    service.on("GET", "/v1/config", {"endpoints": [CREDENTIALS]})
    path = "/v1/namespaces/a.b/tables/t/credentials"
    service.on("GET", path, {"storage-credentials": [{"prefix": "s3://lake", "config": S3_KEYS}]})
    fetch({"provider": "iceberg", "uri": service.url, "table": ["a.b", "t"], "location": "s3a://lake/t"})
    assert service.paths() == ["GET /v1/config", f"GET {path}"]


@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
def test_iceberg_longest_prefix_wins(service, turned):
    """In any order; one that is longer than the location, or of another place, does not count."""
    keys = {
        prefix: {**S3_KEYS, "s3.access-key-id": prefix} for prefix in ("s3", "s3://lake", "s3://lake/t", "s3://lake/t2")
    }
    entries = [{"prefix": prefix, "config": config} for prefix, config in keys.items()]
    provider = iceberg(service)
    service.on("GET", TABLE, table_at("s3a://lake/t", {}, entries[::-1] if turned else entries))
    assert fetch(provider).values["access_key_id"] == "s3://lake/t"


@pytest.mark.parametrize(
    ("listing", "config"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([{"prefix": "s3://other", "config": S3_KEYS}], {}, id="other-prefix"),
        pytest.param([{"prefix": "s3://lake", "config": {"gcs.oauth2.token": "x"}}], {}, id="other-cloud"),
    ],
)
def test_iceberg_that_vends_nothing_for_the_table_says_so(service, listing, config):
    """The token in the configuration is the catalog's own, and never taken for one of a cloud."""
    provider = iceberg(service)
    service.on("GET", TABLE, table_at("s3://lake/t", config, listing))
    with pytest.raises(CredentialsError, match="vends no credentials for the table at 's3://lake/t'") as caught:
        fetch(provider)
    assert "for the catalog alone" not in str(caught.value)


def test_iceberg_that_points_to_another_host_is_not_followed(service):
    """The token is for the host that was configured."""
    with serving() as other:
        provider = iceberg(service, overrides={"uri": other.url})
        with pytest.raises(CredentialsError, match="wants to be asked at another host"):
            fetch(provider)
        assert other.asked == []


def test_client_of_iceberg_gets_a_token_first(service):
    """In the words of pyiceberg: ``credential`` and ``oauth2-server-uri``."""
    service.on("POST", "/tokens", {"access_token": "minted"})
    service.on("GET", "/v1/config", {})
    service.on("GET", "/v1/namespaces/n/tables/t", table_at("s3://lake/t", S3_KEYS))
    client = {"credential": "id:secret", "oauth2-server-uri": f"{service.url}/tokens", "scope": "PRINCIPAL_ROLE:ALL"}
    fetch({"provider": "iceberg", "uri": service.url, "table": "n.t", **client})
    assert service.asked[0].body.endswith(b"client_id=id&client_secret=secret&scope=PRINCIPAL_ROLE%3AALL")
    assert service.asked[1].headers["authorization"] == "Bearer minted"


# -- Lance ----------------------------------------------------------------------------------------------------------


LANCE = {
    "s3": (
        "s3://lake/t.lance",
        {"aws_access_key_id": "ASIA", "aws_secret_access_key": "hidden", "aws_session_token": "token", "region": "r"},
        AWS,
    ),
    "gcs": ("gs://lake/t.lance", {"google_bearer_token": "ya29"}, {"bearer_token": "ya29"}),
    "azure": ("az://lake/t.lance", {"azure_storage_sas_token": SAS, "account_name": "a"}, {"sas_key": SAS}),
}


@pytest.mark.parametrize("case", LANCE)
def test_lance_storage_options_of_each_cloud_are_read(service, case):
    """Only credentials are taken of them, with their end."""
    location, options, values = LANCE[case]
    told = {
        "location": location,
        "storage_options": {**options, "expires_at_millis": str(MILLIS), "allow_http": "true"},
    }
    service.on("POST", "/v1/table/ns$t/describe", told)
    provider = LanceNamespace(service.url, "ns$t", headers={"x-api-key": "key"})
    found = fetch(provider, case)
    assert (dict(found.values), found.expires_at) == (values, WHEN)
    asked = service.asked[0]
    assert asked.body == {"id": ["ns", "t"], "vend_credentials": True}
    assert (asked.query, asked.headers["x-api-key"]) == ("delimiter=%24", "key")


def test_lance_table_by_names_with_a_delimiter_of_its_own(service):
    """As the namespace is configured."""
    told = {"location": "s3://lake/t", "storage_options": LANCE["s3"][1]}
    service.on("POST", "/v1/table/a::b/describe", told)
    fetch({"provider": "lance", "uri": service.url, "table": ["a", "b"], "delimiter": "::"})
    assert service.asked[0].query == "delimiter=%3A%3A"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(
            {"location": "s3://b/t", "storage_options": None}, "vends no credentials for the table", id="none"
        ),
        pytest.param(
            {"location": "s3://b/t", "storage_options": {"region": "r"}}, "vends no credentials", id="no-keys"
        ),
        pytest.param(
            {"location": "/data/t", "storage_options": {"k": "v"}}, "no cloud has the URL scheme ''", id="local"
        ),
        pytest.param(Answer({"error": "table not found", "code": 4}, 404), "status 404: table not found", id="missing"),
    ],
)
def test_lance_that_vends_nothing_says_so(service, answer, message):
    """With the namespace's own reason."""
    service.on("POST", "/v1/table/t/describe", answer)
    with pytest.raises(CredentialsError, match=message):
        fetch(LanceNamespace(service.url, "t"))
