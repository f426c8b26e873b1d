"""Settings of Azure in the words of each backend: complete, explicit, and out of the environment's reach."""

from __future__ import annotations

import errno
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from objfs.clouds._backends import RETRY_DEFAULTS
from objfs.clouds.azure import AZURE
from objfs.clouds.azure_backends import client_keywords, service_url
from objfs.clouds.azure_calls import MAX_BLOCK_BYTES, normal_keywords
from objfs.clouds.azure_hosts import EMULATOR_KEY
from objfs.errors import CredentialsError, OptionError, PreconditionFailedError, ThrottledError
from objfs.options import Layer, Origin, environment_layer, translate
from objfs.types import Location, ObjectInfo

KEY = "aHVudGVyMg=="
CPK = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SAS = "sv=1&sig=hunter2%3D"
FABRIC = ("token_service_url", "workload_host", "session_token", "cluster_identifier")

# Each variable would change a store or a client that trusts the environment.
HOSTILE = {
    "AZURE_ALLOW_HTTP": "false",
    "AZURE_AUTHORITY_HOST": "http://evil:1",
    "AZURE_CLIENT_ID": "EVIL",
    "AZURE_CLIENT_SECRET": "EVIL",
    "AZURE_CONTAINER_NAME": "evil",
    "AZURE_CREDENTIAL_TYPE": "nonsense",
    "AZURE_DISABLE_TAGGING": "true",
    "AZURE_ENDPOINT": "http://evil:2",
    "AZURE_FEDERATED_TOKEN_FILE": "/evil",
    "AZURE_MSI_ENDPOINT": "http://evil:3",
    "AZURE_MSI_RESOURCE_ID": "EVIL",
    "AZURE_OBJECT_ID": "EVIL",
    "AZURE_PROXY_URL": "http://evil:4",
    "AZURE_SKIP_SIGNATURE": "true",
    "AZURE_STORAGE_ACCESS_KEY": "not base64!",
    "AZURE_STORAGE_ACCOUNT_KEY": "not base64!",
    "AZURE_STORAGE_ACCOUNT_NAME": "evil",
    "AZURE_STORAGE_ANON": "true",
    "AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=http://evil:5;AccountName=evil",
    "AZURE_STORAGE_ENDPOINT": "http://evil:6",
    "AZURE_STORAGE_SAS_KEY": "malformed",
    "AZURE_STORAGE_SAS_TOKEN": "malformed",
    "AZURE_STORAGE_TOKEN": "EVIL",
    "AZURE_STORAGE_USE_EMULATOR": "true",
    "AZURE_TENANT_ID": "EVIL",
    "AZURE_TIMEOUT": "1ms",
    "AZURE_USE_AZURE_CLI": "true",
    "AZURE_USE_FABRIC_ENDPOINT": "true",
    "AZURITE_BLOB_STORAGE_URL": "http://evil:7",
    "IDENTITY_ENDPOINT": "http://evil:8",
    "IDENTITY_HEADER": "EVIL",
    **{f"AZURE_FABRIC_{name.upper()}": "http://evil:9" for name in FABRIC},
}


def resolved(environ=None, **keywords):
    layers = [
        Layer(Origin.KEYWORD, {"account_name": "acct", **keywords}),
        environment_layer(AZURE.table, environ or {}),
    ]
    return AZURE.resolve(translate(AZURE.table, layers))


def build(settings, *, native=False, provider=None):
    """A real store, which checks every argument and opens no connection."""
    store = pytest.importorskip("obstore.store")
    arguments = AZURE.store_arguments(settings, "cont")
    return store.AzureStore(
        arguments.bucket,
        config={**arguments.config, **(AZURE.native_config(settings) if native else {})},
        client_options=dict(arguments.client_options),
        retry_config={"max_retries": 0},
        credential_provider=provider,
    )


# -- obstore -------------------------------------------------------------------------------------------------------


def test_store_arguments_are_complete_without_any_setting():
    """What obstore would take from the environment is said, and no total timeout ends a slow download."""
    arguments = AZURE.store_arguments(resolved(), "cont")
    assert arguments.bucket == "cont"
    assert arguments.config == {
        "account_name": "acct",
        "credential_type": "auto",
        "disable_tagging": False,
        "endpoint": "https://acct.blob.core.windows.net",
        "skip_signature": False,
        "use_emulator": False,
        "use_fabric_endpoint": False,
    }
    assert arguments.client_options == {
        "allow_http": False,
        "connect_timeout": timedelta(seconds=5),
        "read_timeout": timedelta(seconds=30),
        "timeout": timedelta(days=7),
    }
    assert arguments.retry_config == RETRY_DEFAULTS


@pytest.mark.parametrize(
    "given", [{"account_key": KEY}, {"sas_token": SAS}, {"token": "hunter2"}, {"client_secret": "hunter2"}]
)
def test_backends_are_told_no_credentials(given):
    """They come from the refresher, so that they can be replaced."""
    settings = resolved(**given)
    arguments = AZURE.store_arguments(settings, "cont")
    told = repr([arguments.config, arguments.client_options, AZURE.sdk_keywords(settings), client_keywords(settings)])
    assert "hunter2" not in told
    assert KEY not in told
    assert "hunter2" not in repr(settings)


def test_store_arguments_keep_the_users_timeouts():
    """Defaults are for those who say nothing."""
    client = AZURE.store_arguments(resolved(timeout="1min", read_timeout=2), "cont").client_options
    assert {name: client[name].total_seconds() for name in client if "timeout" in name} == {
        "timeout": 60,
        "read_timeout": 2,
        "connect_timeout": 5,
    }


def test_store_arguments_name_an_account_for_a_domain_of_ones_own():
    """obstore builds nothing without one."""
    settings = AZURE.resolve(translate(AZURE.table, [Layer(Origin.KEYWORD, {"endpoint": "https://data.example"})]))
    assert AZURE.store_arguments(settings, "cont").config["account_name"] == "data"
    build(settings)


def test_store_arguments_want_an_account():
    """Which a provider was to name, and nobody did."""
    settings = AZURE.resolve(translate(AZURE.table, [Layer(Origin.KEYWORD, {"credential_provider": object()})]))
    with pytest.raises(OptionError, match="account_name="):
        AZURE.store_arguments(settings, "cont")


class Recorder(BaseHTTPRequestHandler):
    """Answers like Azure and remembers what it was asked."""

    def do_GET(self):
        """Remember a request, and answer with an empty blob."""
        self.server.seen.append((self.path, dict(self.headers)))
        self.send_response(200)
        for name, value in {"ETag": '"x"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    """A blob service on loopback."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    made.seen = []
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def token_provider() -> dict[str, Any]:
    return {"token": "good", "expires_at": datetime(2020, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize("variables", [*([name] for name in HOSTILE), list(HOSTILE)], ids=lambda names: names[0])
def test_store_is_out_of_the_environments_reach(server, monkeypatch, variables):
    """One request tells where it goes and who sends it, whatever the variables say."""
    obstore = pytest.importorskip("obstore")
    settings = resolved(endpoint=f"http://127.0.0.1:{server.server_port}/acct")
    for name in variables:
        monkeypatch.setenv(name, HOSTILE[name])
    obstore.head(build(settings, provider=token_provider), "key")
    [(path, headers)] = server.seen
    assert path == "/acct/cont/key"
    assert headers["authorization"] == "Bearer good"
    assert not [name for name in headers if name.startswith("x-ms-encryption")]


def test_anonymous_store_is_out_of_the_environments_reach(server, monkeypatch):
    """Nothing is signed."""
    obstore = pytest.importorskip("obstore")
    settings = resolved(endpoint=f"http://127.0.0.1:{server.server_port}/acct", anon=True)
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    obstore.head(build(settings), "key")
    [(path, headers)] = server.seen
    assert path == "/acct/cont/key"
    assert "authorization" not in headers


def test_stores_encryption_key_goes_before_the_environments(server, monkeypatch):
    """The one variable that obstore reads beside its configuration is one of ours."""
    obstore = pytest.importorskip("obstore")
    monkeypatch.setenv("AZURE_STORAGE_ENCRYPTION_KEY", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY=")
    settings = resolved(endpoint=f"http://127.0.0.1:{server.server_port}/acct", anon=True, encryption_key=CPK)
    obstore.head(build(settings), "key")
    [(_, headers)] = server.seen
    assert headers["x-ms-encryption-key"] == CPK
    assert "encryption_key" in AZURE.table.index["azure_storage_encryption_key"][0].name


# -- obstore's own look-up -----------------------------------------------------------------------------------------

PRINCIPAL = {"client_id": "id", "tenant_id": "tenant"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, {"credential_type": "managed_identity"}, id="default"),
        pytest.param({"client_id": "id"}, {"client_id": "id", "credential_type": "managed_identity"}, id="managed"),
        pytest.param(
            {**PRINCIPAL, "client_secret": "s", "authority_host": "https://l"},
            {**PRINCIPAL, "client_secret": "s", "authority_host": "https://l", "credential_type": "client_secret"},
            id="client-secret",
        ),
        pytest.param(
            {**PRINCIPAL, "client_secret": "s", "federated_token_file": "/t"},
            {**PRINCIPAL, "client_secret": "s", "federated_token_file": "/t", "credential_type": "workload_identity"},
            id="workload",
        ),
        pytest.param({"use_azure_cli": True}, {"use_azure_cli": True, "credential_type": "azure_cli"}, id="cli"),
        pytest.param(
            {f"fabric_{name}": "https://x/" for name in FABRIC},
            {**{f"fabric_{name}": "https://x/" for name in FABRIC}, "credential_type": "auto"},
            id="fabric",
        ),
        pytest.param(
            {**PRINCIPAL, "client_secret": "s", "credential_type": "managed_identity"},
            {**PRINCIPAL, "client_secret": "s", "credential_type": "managed_identity"},
            id="asked-for",
        ),
    ],
)
def test_native_config_names_one_method(given, expected, monkeypatch):
    """So that no variable chooses another, and obstore takes it."""
    settings = resolved(**given)
    assert AZURE.native_config(settings) == expected
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    build(settings, native=True)


# -- the SDK plane -------------------------------------------------------------------------------------------------


def test_sdk_keywords_are_complete_without_any_setting():
    """fsspec fills in whatever is missing from its own configuration, so nothing is."""
    assert AZURE.sdk_keywords(resolved()) == {
        "account_host": "acct.blob.core.windows.net",
        "account_name": "acct",
        "anon": False,
        "assume_container_exists": None,
        "blocksize": 52_428_800,
        "connection_timeout": None,
        "default_cache_type": "bytes",
        "default_fill_cache": True,
        "location_mode": "primary",
        "max_concurrency": None,
        "read_timeout": None,
        "request_session": None,
        "timeout": None,
        "version_aware": False,
    }
    assert client_keywords(resolved()) == {}


def test_sdk_keywords_name_every_keyword_of_adlfs():
    """But for credentials, what says how the instance runs, and what adlfs has given up."""
    credentials = {
        "account_key",
        "client_id",
        "client_secret",
        "connection_string",
        "credential",
        "sas_token",
        "tenant_id",
    }
    names = {"timeout" if name == "server_timeout" else name for name in AZURE.positional}
    assert set(AZURE.sdk_keywords(resolved())) == names - credentials - {"asynchronous", "loop", "socket_timeout"}


def test_client_keywords_hold_headers_of_both_kinds():
    """An encryption key is sent as headers, beside those that the user sends."""
    keywords = client_keywords(resolved(encryption_key=CPK, default_headers={"x-a": "b"}))
    assert keywords["headers"] == {
        "x-a": "b",
        "x-ms-encryption-key": CPK,
        "x-ms-encryption-key-sha256": "hhAJ7E1Zn6sfQKvHbm+JiAz/WDPHnFSMmfkEXxkc2Qs=",
        "x-ms-encryption-algorithm": "AES256",
    }


@pytest.mark.parametrize(
    ("given", "primary", "secondary"),
    [
        ({}, "https://acct.blob.core.windows.net", "https://acct-secondary.blob.core.windows.net"),
        (
            {"endpoint": "https://acct-ipv6.blob.core.windows.net"},
            "https://acct-ipv6.blob.core.windows.net",
            "https://acct-secondary-ipv6.blob.core.windows.net",
        ),
        (
            {"endpoint": "https://acct.z1.blob.storage.azure.net"},
            "https://acct.z1.blob.storage.azure.net",
            "https://acct-secondary.z1.blob.storage.azure.net",
        ),
        (
            {"endpoint": "http://h/acct", "secondary_endpoint": "http://h/acct-secondary"},
            "http://h/acct",
            "http://h/acct-secondary",
        ),
    ],
    ids=["public", "feature", "zone", "own"],
)
def test_service_url_knows_both_regions(given, primary, secondary):
    """The second is the first label's."""
    settings = resolved(**given)
    assert (service_url(settings), service_url(settings, secondary=True)) == (primary, secondary)


def test_service_url_wants_the_second_region_of_a_host_of_ones_own():
    """It cannot be told."""
    with pytest.raises(OptionError, match="secondary_endpoint="):
        service_url(resolved(endpoint="http://h"), secondary=True)


def test_emulator_is_the_same_to_both_planes():
    """An endpoint, an account and a key."""
    settings = AZURE.resolve(translate(AZURE.table, [Layer(Origin.KEYWORD, {"use_emulator": True})]))
    config = AZURE.store_arguments(settings, "cont").config
    assert (config["endpoint"], config["use_emulator"]) == ("http://127.0.0.1:10000/devstoreaccount1", False)
    assert AZURE.sdk_keywords(settings)["account_host"] == "127.0.0.1:10000/devstoreaccount1"
    assert settings.value("account_key") == EMULATOR_KEY


@pytest.mark.parametrize(
    ("given", "container", "says"),
    [({}, "", "no container"), ({"version_aware": True}, "cont", "'version_aware'"), ({}, "cont", None)],
    ids=["root", "versions", "plain"],
)
def test_store_refusal_says_why(given, container, says):
    """Or nothing, where the data plane is exact."""
    refusal = AZURE.store_refusal(resolved(**given), container)
    assert (refusal is None) if says is None else says in refusal


# -- calls ---------------------------------------------------------------------------------------------------------


def test_write_parameters_are_what_every_write_carries():
    """adlfs says of each blob that it is a file."""
    assert AZURE.write_parameters(resolved()) == {"metadata": {"is_directory": "false"}}
    with_type = AZURE.write_parameters(resolved(default_content_type="text/csv"))
    assert with_type == {"metadata": {"is_directory": "false"}, "content_settings": {"content_type": "text/csv"}}
    assert AZURE.content_type("text/csv") == {"content_settings": {"content_type": "text/csv"}}


SETTINGS = {"content_type": "text/csv", "cache_control": "no-store", "content_encoding": "gzip"}
HEADERS = {"Content-Type": "text/csv", "Cache-Control": "no-store", "Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("given", "attributes", "tags"),
    [
        pytest.param({}, {}, {}, id="none"),
        pytest.param({"content_settings": SETTINGS}, HEADERS, {}, id="dict"),
        pytest.param({"content_settings": SimpleNamespace(**SETTINGS, content_md5=None)}, HEADERS, {}, id="object"),
        pytest.param({"metadata": {"a": 1}}, {"a": "1"}, {}, id="metadata"),
        pytest.param({"tags": {"a": 1}}, {}, {"a": "1"}, id="tags"),
        pytest.param({"tags": "a=1&b=%2B"}, {}, {"a": "1", "b": "+"}, id="tags-as-a-query"),
        pytest.param({"standard_blob_tier": "Cool"}, {"Storage-Class": "Cool"}, {}, id="tier"),
        pytest.param(
            {"standard_blob_tier": SimpleNamespace(value="Cool")}, {"Storage-Class": "Cool"}, {}, id="tier-enum"
        ),
    ],
)
def test_attributes_are_the_words_of_the_data_plane(given, attributes, tags):
    """For each keyword of a write that it has one for."""
    assert AZURE.attributes(given) == (attributes, tags)
    assert set(given) <= AZURE.data_keywords


def test_attributes_refuse_to_lose_a_digest():
    """The data plane has no word for it, so the call belongs to the SDK plane."""
    given = {"content_settings": {"content_type": "text/csv", "content_md5": b"x"}}
    normal = {"content_settings": {"content_type": "text/csv"}, "content_md5": b"x"}
    assert normal_keywords(given) == normal
    assert set(normal) - AZURE.data_keywords == {"content_md5"}
    with pytest.raises(OptionError, match="content_md5"):
        AZURE.attributes(given)


def test_content_settings_are_those_of_the_sdk():
    """A new member is noticed here."""
    blob = pytest.importorskip("azure.storage.blob")
    made = blob.ContentSettings(**SETTINGS)
    assert AZURE.attributes({"content_settings": made}) == (HEADERS, {})
    known = {name for name in vars(made) if not name.startswith("_")}
    assert known == {
        "content_type",
        "content_encoding",
        "content_language",
        "content_md5",
        "content_disposition",
        "cache_control",
    }


WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attributes", "kind", "size"),
    [
        ({}, "file", 3),
        ({"is_directory": "false"}, "file", 3),
        ({"is_directory": "true"}, "directory", None),
        ({"hdi_isfolder": "true"}, "directory", None),
        ({"Hdi_isfolder": "true"}, "directory", None),
    ],
    ids=["plain", "file", "adlfs", "hierarchical", "capital"],
)
def test_info_has_the_keys_of_adlfs(attributes, kind, size):
    """As far as obstore knows them; directories are blobs that say so."""
    known = ObjectInfo(3, '"e"', WHEN, None, {"Content-Type": "text/csv", "Storage-Class": "Hot", **attributes})
    assert AZURE.info(Location("cont", "dir/key"), known) == {
        "name": "cont/dir/key",
        "size": size,
        "type": kind,
        "etag": '"e"',
        "last_modified": WHEN,
        "metadata": attributes,
        "content_settings": {
            "content_type": "text/csv",
            "content_encoding": None,
            "content_language": None,
            "content_disposition": None,
            "cache_control": None,
        },
    }


def test_info_names_the_version():
    """Where there is one."""
    assert AZURE.info(Location("c", "k"), ObjectInfo(1, version="V"))["version_id"] == "V"


def test_info_has_no_key_that_adlfs_has_not():
    """Which of adlfs's are left to the SDK plane is said in the code; none is invented."""
    spec = pytest.importorskip("adlfs.spec")
    known = {*spec.FORWARDED_BLOB_PROPERTIES, *spec.VERSIONED_BLOB_PROPERTIES, "name", "size", "type"}
    assert set(AZURE.info(Location("c", "k"), ObjectInfo(1, version="V"))) <= known


def test_parts_are_the_blocks_of_azure():
    """No smallest one; many; and none larger than the service takes."""
    assert (AZURE.parts.min_bytes, AZURE.parts.max_count, MAX_BLOCK_BYTES) == (1, 50_000, 4000 << 20)
    assert AZURE.parts.default_bytes <= MAX_BLOCK_BYTES
    assert AZURE.copy_bytes is None
    assert AZURE.suffix_ranges is False
    assert AZURE.condition == "e_tag"


@pytest.mark.parametrize(
    ("code", "kind", "number"),
    [
        ("BlobNotFound", FileNotFoundError, errno.ENOENT),
        ("ContainerNotFound", FileNotFoundError, errno.ENOENT),
        ("BlobAlreadyExists", FileExistsError, errno.EEXIST),
        ("ContainerAlreadyExists", FileExistsError, errno.EEXIST),
        ("AuthenticationFailed", CredentialsError, errno.EACCES),
        ("InvalidAuthenticationInfo", CredentialsError, errno.EACCES),
        ("AuthorizationPermissionMismatch", PermissionError, errno.EACCES),
        ("ConditionNotMet", PreconditionFailedError, errno.EINVAL),
        ("ServerBusy", ThrottledError, errno.EBUSY),
        ("OperationTimedOut", TimeoutError, errno.ETIMEDOUT),
        ("LeaseIdMissing", OSError, errno.EBUSY),
        ("InvalidRange", OSError, errno.EINVAL),
    ],
)
def test_errors_say_what_azure_means(code, kind, number):
    """Beyond the status."""
    assert AZURE.errors.exceptions[code] == (kind, number)


def test_errors_know_codes_of_the_sdk_only():
    """A misspelled code would never match."""
    blob = pytest.importorskip("azure.storage.blob")
    known = {item.value for item in blob.StorageErrorCode}
    # Of tokens, accounts and customer keys: the service's own lists have them, the SDK's enumeration has not.
    others = {
        "AccountRequiresHttps",
        "AuthorizationPermissionMismatch",
        "AuthorizationProtocolMismatch",
        "AuthorizationResourceTypeMismatch",
        "AuthorizationServiceMismatch",
        "AuthorizationSourceIPMismatch",
        "BlobImmutableDueToPolicy",
        "BlobUsesCustomerSpecifiedEncryption",
        "FeatureVersionMismatch",
        "KeyBasedAuthenticationNotPermitted",
        "LeaseIdMismatchWithBlobOperation",
        "PathAlreadyExists",
        "PathNotFound",
        "PublicAccessNotPermitted",
    }
    assert set(AZURE.errors.exceptions) - known - others == set()


@pytest.mark.parametrize("code", ["AuthenticationFailed", "InvalidAuthenticationInfo"])
def test_errors_by_which_credentials_are_replaced(code):
    """Whatever is wrong with them."""
    assert code in AZURE.errors.rejected
    assert "AuthorizationPermissionMismatch" not in AZURE.errors.rejected
