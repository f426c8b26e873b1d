"""What adlfs's class is made from, and how long its clients live: environment, endpoints, credentials, loops, forks."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from objfs import AzureBlobFileSystem, from_url
from objfs.errors import (
    ConflictingOptionsError,
    CredentialsError,
    CredentialsExpiredError,
    PreconditionFailedError,
    ThrottledError,
)
from objfs.peers.azure import AzurePeer
from tests import node_servers
from tests.cloud_servers import connection_string
from tests.emulators.azure_account import *  # noqa: F403 - fixtures
from tests.emulators.azure_account import account_sas
from tests.emulators.fakes_azure import BODY, FakeAzure, serving

adlfs = pytest.importorskip("adlfs")

KEY = "a2V5"  # base64
SAS = "sv=2026-10-06&ss=b&srt=sco&sp=rl&se=2099-01-01T00%3A00%3A00Z&sig=AAAA"


def service_client(**options: Any) -> Any:
    """The client of the SDK plane; no request is sent."""
    return AzureBlobFileSystem(engine="sdk", skip_instance_cache=True, **options).service_client


# -- endpoints --------------------------------------------------------------------------------------------------------

ENDPOINTS: dict[str, tuple[dict[str, Any], str]] = {
    "public": ({"account_name": "acc"}, "https://acc.blob.core.windows.net/"),
    "account_host": (
        {"account_name": "acc", "account_host": "acc.blob.core.chinacloudapi.cn"},
        "https://acc.blob.core.chinacloudapi.cn/",
    ),
    "custom-domain": ({"account_name": "acc", "account_host": "files.example.com"}, "https://files.example.com/"),
    "plain-http": (
        {"account_name": "acc", "endpoint": "http://127.0.0.1:1/acc"},
        "http://127.0.0.1:1/acc/",
    ),
    "onelake": ({"account_name": "onelake", "use_fabric_endpoint": True}, "https://onelake.blob.fabric.microsoft.com/"),
    "emulator": ({"use_emulator": True}, "http://127.0.0.1:10000/devstoreaccount1/"),
    "secondary": (
        {"account_name": "acc", "location_mode": "secondary"},
        "https://acc-secondary.blob.core.windows.net/",
    ),
}


@pytest.mark.parametrize(("options", "url"), ENDPOINTS.values(), ids=ENDPOINTS)
@pytest.mark.parametrize("credentials", [{"account_key": KEY}, {"sas_token": SAS}, {"token": "t"}, {"anon": True}])
def test_client_is_at_the_endpoint_of_the_settings(options: dict[str, Any], url: str, credentials: Any) -> None:
    """Also where adlfs's constructor has no words for it, and whatever the credentials."""
    client = service_client(**options, **credentials)
    assert client.url.rstrip("/") == url.rstrip("/")
    assert (client.account_name, "sig=" in client.url) == (options.get("account_name", "devstoreaccount1"), False)


def test_client_is_told_what_the_settings_say_of_http() -> None:
    """Time-outs, headers, proxy, retries, certificates."""
    client = service_client(
        account_name="acc",
        anon=True,
        connect_timeout="3s",
        read_timeout="7s",
        max_retries=1,
        user_agent="me",
        proxy_url="http://127.0.0.1:9",
        default_headers={"x-test": "1"},
        allow_invalid_certificates=True,
    )
    config, transport = client._config, client._pipeline._transport
    connection = transport.connection_config
    assert (connection.timeout, connection.read_timeout, connection.verify) == (3, 7, False)
    assert config.retry_policy.total_retries == 1
    assert config.user_agent_policy.user_agent.startswith("me")
    assert config.headers_policy.headers == {"x-test": "1"}
    assert config.proxy_policy.proxies == {"http": "http://127.0.0.1:9", "https": "http://127.0.0.1:9"}


def test_path_of_another_account_is_not_read(azure_server: Any, container: Any, root: str) -> None:
    """Neither by an option nor by a URL, be the container of that account public or the SAS good for it."""
    container.upload_blob("k", b"1")
    endpoint = azure_server.endpoint.replace(node_servers.ACCOUNT, node_servers.OTHER_ACCOUNT)
    with pytest.raises(ConflictingOptionsError, match=f"'{node_servers.OTHER_ACCOUNT}'"):
        AzureBlobFileSystem(account_name=node_servers.ACCOUNT, endpoint=endpoint, anon=True)
    for url in (
        f"az://{root}@{node_servers.ACCOUNT}/k",
        f"abfss://{root}@{node_servers.ACCOUNT}.dfs.core.windows.net/k",
    ):
        with pytest.raises(ConflictingOptionsError, match=f"'{node_servers.OTHER_ACCOUNT}'"):
            from_url(url, endpoint=endpoint, anon=True)
    key = azure_server.options["account_key"]
    fs, path = from_url(
        f"az://{root}@{node_servers.ACCOUNT.upper()}/k", endpoint=azure_server.endpoint, account_key=key
    )
    assert fs.cat_file(path) == b"1"


# -- what the environment must not do ---------------------------------------------------------------------------------

VARIABLES = {
    "AZURE_STORAGE_ACCOUNT_NAME": "wrong",
    "AZURE_STORAGE_ACCOUNT_KEY": KEY,
    "AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=https;AccountName=wrong;AccountKey=a2V5",
    "AZURE_STORAGE_SAS_TOKEN": SAS,
    "AZURE_STORAGE_CLIENT_ID": "wrong",
    "AZURE_STORAGE_CLIENT_SECRET": "wrong",
    "AZURE_STORAGE_TENANT_ID": "wrong",
    "AZURE_STORAGE_ANON": "true",
}


@pytest.fixture
def misleading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variable that adlfs's constructor reads, of another account."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("misleading")
def test_environment_does_not_change_what_was_said(azure_server: Any, container: Any, root: str, engine: str) -> None:
    """Account and key of the keywords are those that are used."""
    fs = AzureBlobFileSystem(**azure_server.options, engine=engine)
    fs.pipe_file(f"{root}/key", b"1")
    assert (fs.cat_file(f"{root}/key"), fs.ls(root)) == (b"1", [f"{root}/key"])
    peer = fs.connection.sdk.instance()
    secrets = ("account_key", "sas_token", "client_id", "client_secret", "tenant_id", "connection_string")
    assert [getattr(peer, name) for name in secrets] == [None] * len(secrets)
    assert (peer.account_name, peer.anon) == ("devstoreaccount1", False)


@pytest.mark.usefixtures("misleading")
def test_anonymous_stays_anonymous(azure_server: Any, engine: str) -> None:
    """No key of the environment signs its requests."""
    fs = AzureBlobFileSystem(
        account_name=node_servers.ACCOUNT, endpoint=azure_server.endpoint, anon=True, engine=engine
    )
    assert fs.connection.sdk.instance().anon
    assert fs.connection.sdk.instance().credential._refresher is None


def test_instance_has_the_attributes_of_adlfs(azure_server: Any) -> None:
    """Its constructor is ours: a new attribute of a new adlfs must not be missed."""
    theirs = adlfs.AzureBlobFileSystem(connection_string=connection_string(azure_server), skip_instance_cache=True)
    ours = AzureBlobFileSystem(**azure_server.options).connection.sdk.instance()
    verbs = {name for name, value in vars(theirs).items() if callable(value)}
    assert sorted(set(vars(theirs)) - verbs - set(vars(ours)) - {"_cached", "_fs_token"}) == []


# -- connection strings -----------------------------------------------------------------------------------------------


def test_connection_string_makes_a_client(azure_server: Any, container: Any, root: str, engine: str) -> None:
    """Whoever uses adlfs's attributes finds them."""
    fs = AzureBlobFileSystem(connection_string=connection_string(azure_server), engine=engine)
    assert fs.account_name == "devstoreaccount1"

    async def upload() -> None:
        async with fs.service_client.get_blob_client(root, "key") as client:
            await client.upload_blob(b"content")

    fs.run_blocking(upload())
    assert fs.cat_file(f"{root}/key") == b"content"


# -- credentials ------------------------------------------------------------------------------------------------------


class Rotating:
    """A provider that hands out one SAS after the other."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.calls = 0

    def fetch_storage_options(self) -> dict[str, str]:
        """The next one; the last one stays."""
        self.calls += 1
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        soon = datetime.now(UTC) + timedelta(hours=1)
        return {"sas_token": token, "expires_at_millis": str(int(soon.timestamp() * 1000))}

    def provider_id(self) -> str:
        """One for each."""
        return f"rotating {id(self)}"


def filesystem(server: Any, engine: str, provider: Any) -> AzureBlobFileSystem:
    """On the server, with the credentials of a provider."""
    options = {name: value for name, value in server.options.items() if name != "account_key"}
    return AzureBlobFileSystem(**options, storage_options_provider=provider, engine=engine)


@pytest.fixture(scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeAzure]:
    """A blob service that says how each request was authorized, and refuses what it is told to."""
    with serving(tmp_path_factory.mktemp("certificate")) as fake:
        yield fake


@pytest.fixture
def fake(fakes: FakeAzure) -> FakeAzure:
    """The same for each test, without what the one before it left."""
    fakes.blobs, fakes.refused, fakes.refusal = [], set(), (403, "AuthenticationFailed")
    return fakes


def on_fake(fake: FakeAzure, engine: str, **options: Any) -> AzureBlobFileSystem:
    """A filesystem on the fake service, whose only blob is read with the credentials of these options."""
    return AzureBlobFileSystem(account_name="acc", endpoint=f"{fake.url}/acc", engine=engine, **options)


@pytest.mark.parametrize("refusal", [(403, "AuthenticationFailed"), (401, "InvalidAuthenticationInfo")])
def test_rejected_credentials_are_replaced_once(fake: FakeAzure, engine: str, refusal: tuple[int, str]) -> None:
    """Those that the server refuses go; the request is sent again with the next."""
    fake.refused, fake.refusal = {"one"}, refusal
    provider = Rotating("sig=one", "sig=two")
    fs = on_fake(fake, engine, storage_options_provider=provider)
    assert fs.cat_file("container/key") == BODY
    assert (fake.used[0], fake.used[-1], provider.calls) == ("sig=one", "sig=two", 2)


@pytest.mark.parametrize("verb", ["cat_file", "info", "pipe_file", "rm_file", "size"])
def test_credentials_that_stay_rejected_raise(fake: FakeAzure, engine: str, verb: str) -> None:
    """A PermissionError that says so, after one more try and without the signature."""
    fake.refused = {"sig"}
    fs = on_fake(fake, engine, sas_token=SAS)
    arguments = (b"2",) if verb == "pipe_file" else ()
    with pytest.raises(CredentialsError) as caught:
        getattr(fs, verb)("container/key", *arguments)
    assert isinstance(caught.value, PermissionError)
    assert "AAAA" not in str(caught.value)


def test_refusal_that_is_about_the_blob_is_no_matter_of_credentials(fake: FakeAzure, engine: str) -> None:
    """Nothing is fetched for it."""
    fake.refused, fake.refusal = {"one"}, (403, "AuthorizationPermissionMismatch")
    provider = Rotating("sig=one", "sig=two")
    with pytest.raises(PermissionError) as caught:
        on_fake(fake, engine, storage_options_provider=provider).cat_file("container/key")
    assert (isinstance(caught.value, CredentialsError), provider.calls) == (False, 1)


ANSWERS: dict[str, tuple[int, str, str, type[BaseException], int]] = {
    "missing": (404, "BlobNotFound", "", FileNotFoundError, errno.ENOENT),
    "no-code": (404, "", "", FileNotFoundError, errno.ENOENT),
    "exists": (409, "BlobAlreadyExists", "", FileExistsError, errno.EEXIST),
    "changed": (412, "ConditionNotMet", "", PreconditionFailedError, errno.EINVAL),
    "range": (416, "InvalidRange", "", OSError, errno.EINVAL),
    "lease": (412, "LeaseIdMissing", "", OSError, errno.EBUSY),
    "busy": (503, "ServerBusy", "", ThrottledError, errno.EBUSY),
    "slow": (429, "", "", ThrottledError, errno.EBUSY),
    "forbidden": (403, "AuthorizationPermissionMismatch", "", PermissionError, errno.EACCES),
    "refused": (403, "AuthenticationFailed", "", CredentialsError, errno.EACCES),
    "expired-sas": (
        403,
        "AuthenticationFailed",
        "Signature not valid in the specified time frame: Start [] - Expiry []",
        CredentialsExpiredError,
        errno.EACCES,
    ),
    "expired-token": (
        401,
        "InvalidAuthenticationInfo",
        "Lifetime validation failed. The token is expired.",
        CredentialsExpiredError,
        errno.EACCES,
    ),
    "teapot": (418, "", "", OSError, errno.EIO),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_answers_of_the_service_are_builtin_exceptions(answer: tuple[int, str, str, type[BaseException], int]) -> None:
    """With an errno and the path, and without what the service adds to its message."""
    from azure.core.exceptions import HttpResponseError

    status, code, detail, kind, number = answer
    error = HttpResponseError(f"It said so.\nRequestId:1\nauthenticationerrordetail:{detail}")
    error.status_code, error.error_code = status, code  # type: ignore[attr-defined]
    found: Any = AzurePeer().translate(error, "container/key")
    assert (type(found), found.errno, found.filename) == (kind, number, "container/key")
    assert found.strerror == (f"{code}: It said so." if code else "It said so.")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ServiceRequestError", ConnectionRefusedError),
        ("ServiceRequestTimeoutError", TimeoutError),
        ("ServiceResponseTimeoutError", TimeoutError),
        ("ServiceResponseError", ConnectionResetError),
        ("ClientAuthenticationError", CredentialsError),
    ],
)
def test_failures_without_an_answer_are_builtin_exceptions(name: str, kind: type[BaseException]) -> None:
    """Nobody listens, nobody answers, nobody hands out a token."""
    from azure.core import exceptions

    assert type(AzurePeer().translate(getattr(exceptions, name)("no luck"), "container/key")) is kind


def test_other_exceptions_are_left_alone() -> None:
    """What users catch already, and what adlfs says about arguments."""
    for error in (FileNotFoundError("no"), ValueError("no"), KeyError("no")):
        assert AzurePeer().translate(error, "container/key") is None


def test_server_that_is_not_there_is_a_connection_error(engine: str) -> None:
    """After the retries that were asked for, and soon."""
    fs = AzureBlobFileSystem(
        account_name="acc", anon=True, endpoint="http://127.0.0.1:9/acc", max_retries=0, engine=engine
    )
    for verb in (fs.cat_file, fs.info, fs.ls):
        with pytest.raises(ConnectionError):
            verb("container/key")


def test_sas_rotates_while_files_are_open(azure_server: Any, container: Any, root: str, engine: str) -> None:
    """A reader and a writer go on; what they send is signed with what is good at the time."""
    body = os.urandom(3 << 20)
    container.upload_blob("key", body)
    provider = Rotating(account_sas(azure_server))
    fs = filesystem(azure_server, engine, provider)
    with fs.open(f"{root}/key", cache_type="none") as reader, fs.open(f"{root}/new", "wb", 1 << 20) as writer:
        for number in range(3):
            piece = reader.read(1 << 20)
            assert piece == body[number << 20 : (number + 1) << 20]
            writer.write(piece)
            # The one that was good until now is not any more, for the server as for us.
            provider.tokens = [account_sas(azure_server, minutes=60 + number)]
            refresher: Any = fs.connection.choice
            assert refresher.reject(fs.run_blocking(refresher.current_async()))
    assert container.download_blob("new").readall() == body
    assert provider.calls >= 3


def test_sas_of_a_container_is_enough(azure_server: Any, service: Any, container: Any, root: str, engine: str) -> None:
    """It does not allow to ask for the container itself; existence is told by a listing, as makedirs needs it."""
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    sas = generate_container_sas(
        azure_server.options["account_name"],
        root,
        azure_server.options["account_key"],
        permission=ContainerSasPermissions(read=True, write=True, list=True, delete=True, create=True, add=True),
        expiry=datetime.now(UTC) + timedelta(minutes=10),
    )
    options = {name: value for name, value in azure_server.options.items() if name != "account_key"}
    fs = AzureBlobFileSystem(**options, sas_token=sas, engine=engine)
    fs.makedirs(f"{root}/dir", exist_ok=True)
    assert fs.exists(root)
    assert fs.isdir(root)
    fs.pipe({f"{root}/dir/{name}": b"1" for name in "ab"})
    fs.cp_file(f"{root}/dir/a", f"{root}/dir/c")
    assert fs.ls(f"{root}/dir") == [f"{root}/dir/{name}" for name in "abc"]
    with fs.open(f"{root}/dir/a", "ab") as file:
        file.write(b"2")
    assert fs.cat_file(f"{root}/dir/a") == b"12"
    fs.rm_file(f"{root}/dir/b")
    assert not fs.exists(f"{root}/dir/b")
    fs.rm(f"{root}/dir", recursive=True)
    assert not fs.exists(f"{root}/dir")
    with pytest.raises(PermissionError):
        fs.ls("another-container")


# -- encryption by a key of the caller's -------------------------------------------------------------------------------

CPK = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@pytest.mark.parametrize(
    ("credentials", "signed"),
    [({"account_key": KEY}, True), ({"sas_token": SAS}, True), ({"anon": True}, False)],
    ids=["key", "sas", "anonymous"],
)
def test_copy_tells_the_key_of_the_source(fake: FakeAzure, engine: str, credentials: Any, signed: bool) -> None:
    """On both planes by Put Blob From URL in a version of the service that knows it: Copy Blob takes no key."""
    fs = on_fake(fake, engine, encryption_key=CPK, **credentials)
    fs.cp_file("c/a", "c/b")
    copy = next(seen for seen in fake.blobs if "x-ms-copy-source" in seen.headers)
    digest = "XjGPjPnL4kmjCBK4yhMtaR3tepGZFBNVjbV1hXX14B8="
    for name in ("x-ms-encryption-key", "x-ms-source-encryption-key"):
        told = [copy.headers[f"{name}{end}"] for end in ("", "-sha256")]
        assert told == [CPK, digest]
        assert copy.headers[name.replace("-key", "-algorithm")] == "AES256"
    source, _, query = copy.headers["x-ms-copy-source"].partition("?")
    assert (source, "sig=" in query) == (f"{fake.url}/acc/c/a", signed)
    assert copy.headers["x-ms-blob-type"] == "BlockBlob"
    assert copy.headers["x-ms-version"] >= "2026-02-06"
    assert "if-none-match" not in copy.headers


def test_copy_that_never_replaces_tells_the_key_of_the_source(fake: FakeAzure, engine: str) -> None:
    """By the same request with a condition."""
    on_fake(fake, engine, encryption_key=CPK, account_key=KEY).copy_if_not_exists("c/a", "c/b")
    copy = next(seen for seen in fake.blobs if "x-ms-copy-source" in seen.headers)
    assert (copy.headers["x-ms-source-encryption-key"], copy.headers["if-none-match"]) == (CPK, "*")


# -- loops and processes ----------------------------------------------------------------------------------------------


@pytest.fixture
def complaints() -> Iterator[None]:
    """What Python says of things that were never closed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [str(item.message) for item in caught if issubclass(item.category, ResourceWarning)] == []


def made(server: Any) -> AzureBlobFileSystem:
    """A filesystem of its own."""
    return AzureBlobFileSystem(engine="sdk", skip_instance_cache=True, **server.options)


@pytest.mark.usefixtures("complaints")
def test_client_is_closed_with_its_loop(azure_server: Any, container: Any, root: str) -> None:
    """Each ``asyncio.run`` has a client of its own, calls that come together share it, and none is kept."""
    fs = made(azure_server)

    async def together() -> None:
        await asyncio.gather(*(fs._pipe_file(f"{root}/{n}", b"x" * (2 << 20)) for n in range(4)))

    for _ in range(3):
        asyncio.run(together())
    assert len(asyncio.run(fs._find(root))) == 4
    assert len(fs.connection.sdk._instances) == 1


@pytest.mark.usefixtures("complaints")
def test_client_of_the_shared_loop_is_closed_with_the_filesystem(azure_server: Any, container: Any, root: str) -> None:
    """Nothing else holds it; adlfs's own finalizers would."""
    fs = made(azure_server)
    fs.pipe_file(f"{root}/a", b"x")
    transport = fs.service_client._pipeline._transport
    loop = fs.loop
    assert transport.session is not None
    del fs
    gc.collect()

    async def turn() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    asyncio.run_coroutine_threadsafe(turn(), loop).result(30)
    assert transport.session is None
