"""Each way of authentication on Azure, down to the wire of both planes, against fakes on loopback."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from objfs.credentials.azure_adapter import peer_credential
from objfs.credentials.kinds import kind_of
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN, credentials_for
from objfs.credentials.store_adapter import StoreCredentials
from objfs.credentials.values import Credentials
from objfs.errors import ConflictingOptionsError, CredentialsError, MissingCredentialsError
from tests.emulators.fakes_azure import APP_SERVICE, BODY, IMDS, LIFETIME_SECONDS, FakeAzure, serving, shared_key
from tests.unit.small_azure import CLOUD, REJECTED, settings_of

pytest.importorskip("azure.identity.aio")
pytest.importorskip("adlfs")
pytest.importorskip("cryptography")
obstore = pytest.importorskip("obstore")

ACCOUNT = "account"
KEY = "c2VjcmV0LWtleQ=="
SAS = "sv=2024-11-04&se=2099-01-01T00%3A00%3A00Z&sp=rwdl&sig=a%2Bb%2Fc%3D"
SIGNED = "sig=a+b/c="
PRINCIPAL = {"tenant_id": "tenant", "client_id": "client"}


@dataclass
class Machine:
    """A machine of its own: an environment that is handed over, and services on loopback."""

    azure: FakeAzure
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def choice(self, **keywords: Any) -> Any:
        return credentials_for(CLOUD, settings_of(self.environ, account_name=ACCOUNT, **keywords), self.environ)

    def fetch(self, **keywords: Any) -> Credentials:
        return self.choice(**keywords).current()  # type: ignore[no-any-return]

    def entra(self, **keywords: Any) -> dict[str, Any]:
        """Options that ask the Entra ID on loopback."""
        return {**PRINCIPAL, "authority_host": self.azure.login, "root_certificate": self.azure.certificate, **keywords}


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[FakeAzure]:
    with serving(tmp_path) as fake:
        yield fake


@pytest.fixture
def machine(azure: FakeAzure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose instance metadata service, if somebody asks for it, is the fake one."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.url)
    return Machine(azure, tmp_path, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": azure.url})


@dataclass
class DataPlane:
    """obstore's store on the fake blob service."""

    azure: FakeAzure
    store: Any
    credentials: StoreCredentials | None

    def read(self) -> bytes:
        return bytes(obstore.get(self.store, "blob").bytes())

    def copy(self) -> None:
        obstore.copy(self.store, "blob", "copy")


@dataclass
class SdkPlane:
    """A service client of azure.storage.blob on the fake blob service; a loop of its own for each call."""

    azure: FakeAzure
    credential: Any

    def read(self) -> bytes:
        async def download(client: Any) -> bytes:
            return await (await client.download_blob()).readall()  # type: ignore[no-any-return]

        return asyncio.run(self.on_blob(download))  # type: ignore[no-any-return]

    def copy(self) -> None:
        asyncio.run(self.on_blob(lambda client: client.start_copy_from_url(f"{self.azure.url}/{ACCOUNT}/c/source")))

    async def on_blob(self, call: Callable[[Any], Any]) -> Any:
        from azure.storage.blob.aio import BlobServiceClient

        async with BlobServiceClient(f"{self.azure.url}/{ACCOUNT}", credential=self.credential) as service:
            container = service.get_container_client("c")
            return await call(container.get_blob_client("blob"))


@pytest.fixture(params=["obstore", "sdk"])
def connect(request: pytest.FixtureRequest, machine: Machine) -> Callable[..., DataPlane | SdkPlane]:
    """From options to one of the planes."""

    def plane(**keywords: Any) -> DataPlane | SdkPlane:
        choice = machine.choice(**keywords)
        refresher = None if choice is ANONYMOUS else choice
        if request.param == "sdk":
            return SdkPlane(machine.azure, peer_credential(refresher, ACCOUNT, REJECTED))
        config = {"account_name": ACCOUNT, "endpoint": f"{machine.azure.url}/{ACCOUNT}"}
        given: dict[str, Any] = {"config": {**config, "skip_signature": True}}
        credentials = None
        if refresher is not None:
            credentials = StoreCredentials(refresher, kind_of("azure").store_shape)
            given = {"config": config, "credential_provider": credentials}
        store = obstore.store.AzureStore("c", client_options={"allow_http": True}, **given)
        return DataPlane(machine.azure, store, credentials)

    return plane


def text_of(kind: str) -> str:
    """A SAS as people write it."""
    return {
        "bare": SAS,
        "question mark": f"?{SAS}",
        "not encoded": SAS.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=").replace("%3A", ":"),
        "encoded twice": SAS.replace("%2B", "%252B").replace("%2F", "%252F").replace("%3D", "%253D"),
        "lower case": SAS.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d"),
        "in a URL": f"https://account.blob.core.windows.net/c?{SAS}",
        "from XML": SAS.replace("&", "&amp;"),
        "with a line end": f"{SAS}\n",
    }[kind]


KINDS_OF_SAS = "bare", "question mark", "not encoded", "encoded twice", "lower case", "in a URL", "from XML"
KINDS_OF_SAS += ("with a line end",)


@pytest.mark.parametrize("kind", KINDS_OF_SAS)
def test_sas_reaches_the_wire_encoded_once(machine: Machine, connect: Any, kind: str) -> None:
    """In whatever encoding it was given: the signature arrives as it was made, and never in another spelling."""
    assert connect(sas_token=text_of(kind)).read() == BODY
    (seen,) = machine.azure.blobs
    assert seen.credential == SIGNED
    assert "sig=a%2Bb" in seen.raw_query  # aiohttp writes out what needs no encoding, and a plus does
    assert seen.query["se"] == "2099-01-01T00:00:00Z"


def test_account_key_signs_each_request(machine: Machine, connect: Any) -> None:
    """Shared key, over the request as it arrives."""
    assert connect(account_key=KEY).read() == BODY
    (seen,) = machine.azure.blobs
    assert seen.credential == shared_key(seen, ACCOUNT, KEY)


def test_bearer_token_is_sent(machine: Machine, connect: Any) -> None:
    """As it was given."""
    assert connect(token="T").read() == BODY
    assert machine.azure.used == ["Bearer T"]


def test_anonymous_requests_carry_no_credentials(
    machine: Machine, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment holds."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    machine.environ["AZURE_STORAGE_ACCOUNT_KEY"] = KEY
    assert connect(anon=True).read() == BODY
    assert machine.azure.used == ["anonymous"]


def test_service_principal_asks_entra_once(machine: Machine, connect: Any) -> None:
    """One POST to the tenant's endpoint for the scope of storage, whatever the number of reads."""
    plane = connect(**machine.entra(client_secret="hidden"))
    assert [plane.read(), plane.read()] == [BODY, BODY]
    (asked,) = machine.azure.asked
    assert (asked.method, asked.path) == ("POST", "/tenant/oauth2/v2.0/token")
    assert asked.form["grant_type"] == "client_credentials"
    assert (asked.form["client_id"], asked.form["client_secret"]) == ("client", "hidden")
    assert asked.form["scope"] == "https://storage.azure.com/.default"
    assert machine.azure.used == ["Bearer ENTRA1"] * 2


def test_service_principal_of_the_environment_is_found(machine: Machine) -> None:
    """The variables of Azure's own tools."""
    machine.environ |= {"AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_SECRET": "s"}
    machine.environ["AZURE_AUTHORITY_HOST"] = machine.azure.login
    assert machine.fetch(root_certificate=machine.azure.certificate).values == {"token": "ENTRA1"}


def test_service_principal_reports_the_expiry(machine: Machine) -> None:
    """That of the token."""
    found = machine.fetch(**machine.entra(client_secret="hidden"))
    assert found.expires_at is not None
    left = found.expires_at - datetime.now(UTC)
    assert timedelta(seconds=LIFETIME_SECONDS - 60) < left <= timedelta(seconds=LIFETIME_SECONDS)


def test_service_principal_that_is_refused_tells_the_code(machine: Machine) -> None:
    """Entra's code, no secret; its own words are the cause."""
    machine.azure.login_error = "AADSTS7000215: Invalid client secret provided."
    with pytest.raises(CredentialsError, match=r"service principal client of tenant tenant .*AADSTS7000215") as caught:
        machine.fetch(**machine.entra(client_secret="hidden"))
    assert "hidden" not in str(caught.value)
    assert "Invalid client secret" in str(caught.value.__cause__)


def test_service_principal_over_plain_http_is_refused(machine: Machine) -> None:
    """A secret is never sent in the clear."""
    options = machine.entra(client_secret="hidden", authority_host=machine.azure.url)
    with pytest.raises(CredentialsError, match="https"):
        machine.fetch(**options)
    assert machine.azure.asked == []


def test_unknown_authority_of_the_certificate_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``root_certificate`` nobody vouches for the server."""
    from azure.core.pipeline.policies import AsyncRetryPolicy

    monkeypatch.setattr(AsyncRetryPolicy, "sleep", lambda *_, **__: asyncio.sleep(0))
    options = machine.entra(client_secret="hidden", root_certificate=None)
    with pytest.raises(CredentialsError, match="was not given a token"):
        machine.fetch(**options)
    assert machine.azure.asked == []


def test_allow_invalid_certificates_holds_for_tokens(machine: Machine) -> None:
    """As for the data."""
    options = machine.entra(client_secret="hidden", root_certificate=None, allow_invalid_certificates=True)
    assert machine.fetch(**options).values == {"token": "ENTRA1"}


def test_workload_identity_sends_the_assertion_of_the_file(machine: Machine, connect: Any) -> None:
    """The file's text is the assertion; a file that the platform rewrites is read again."""
    file = machine.home / "token"
    file.write_text("assertion-1")
    plane = connect(**machine.entra(federated_token_file=str(file)))
    assert plane.read() == BODY
    file.write_text("assertion-2")
    machine.azure.refused.add("ENTRA1")
    refresh(plane)
    assert plane.read() == BODY
    assert [seen.form["client_assertion"] for seen in machine.azure.asked] == ["assertion-1", "assertion-2"]
    assert machine.azure.asked[0].form["client_assertion_type"].endswith("jwt-bearer")
    assert machine.azure.used[-1] == "Bearer ENTRA2"


def refresh(plane: DataPlane | SdkPlane) -> None:
    """What the data plane does after a refusal, which the SDK plane's credential does by itself."""
    if isinstance(plane, DataPlane):
        assert plane.credentials is not None
        plane.credentials.refresher.reject(plane.credentials.last)


@pytest.mark.parametrize(
    ("identity", "sent"),
    [
        pytest.param({"use_managed_identity": True}, {}, id="system"),
        pytest.param({"client_id": "c"}, {"client_id": "c"}, id="client"),
        pytest.param({"object_id": "o"}, {"object_id": "o"}, id="object"),
        pytest.param({"msi_resource_id": "r"}, {"msi_res_id": "r"}, id="resource"),
        pytest.param({"credential_type": "managed_identity"}, {}, id="credential-type"),
    ],
)
def test_managed_identity_of_a_machine(
    machine: Machine, connect: Any, identity: dict[str, Any], sent: dict[str, str]
) -> None:
    """The instance metadata service is asked, for one identity."""
    assert connect(**identity).read() == BODY
    asked = machine.azure.asked[-1]
    assert (asked.path, asked.headers["metadata"]) == (IMDS, "true")
    assert asked.query == {"api-version": "2018-02-01", "resource": "https://storage.azure.com", **sent}
    assert machine.azure.used == [f"Bearer IMDS{len(machine.azure.asked)}"]


@pytest.mark.parametrize(
    ("identity", "sent"),
    [
        pytest.param({}, {}, id="system"),
        pytest.param({"client_id": "c"}, {"client_id": "c"}, id="client"),
        pytest.param({"msi_resource_id": "r"}, {"mi_res_id": "r"}, id="resource"),
    ],
)
def test_managed_identity_of_an_endpoint_that_was_given(
    machine: Machine, connect: Any, identity: dict[str, Any], sent: dict[str, str]
) -> None:
    """As App Service provides it; the header is what it trusts."""
    options = {"msi_endpoint": machine.azure.url + APP_SERVICE, "identity_header": "header-secret"}
    assert connect(**options, **identity).read() == BODY
    (asked,) = machine.azure.asked
    assert asked.query == {"api-version": "2019-08-01", "resource": "https://storage.azure.com", **sent}
    assert machine.azure.used == ["Bearer APP1"]


def test_managed_identity_of_the_platform_is_found(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """App Service's variables, read by azure-identity."""
    platform = {"IDENTITY_ENDPOINT": machine.azure.url + APP_SERVICE, "IDENTITY_HEADER": "header-secret"}
    machine.environ |= platform
    for name, value in platform.items():
        monkeypatch.setenv(name, value)
    assert machine.fetch(use_managed_identity=True).values == {"token": "APP1"}


@pytest.mark.parametrize("installed", [True, False])
def test_managed_identity_needs_no_azure_identity(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, *, installed: bool
) -> None:
    """The endpoints are plain enough to be asked without it."""
    monkeypatch.setattr("objfs.credentials.azure.has_azure_identity", lambda: installed)
    assert machine.fetch(use_managed_identity=True).values["token"].startswith("IMDS")


def test_managed_identity_that_is_refused_names_endpoint_and_identity(machine: Machine) -> None:
    """And not the header, which is a secret."""
    options = {"msi_endpoint": machine.azure.url + APP_SERVICE, "identity_header": "wrong-secret", "client_id": "c"}
    with pytest.raises(CredentialsError, match=r"refused client_id c with status 401") as caught:
        machine.fetch(**options)
    assert "wrong-secret" not in str(caught.value)


def test_default_chain_serves_where_nothing_is_given(machine: Machine, connect: Any) -> None:
    """As in adlfs: the machine's identity is a member of the chain."""
    assert connect().read() == BODY
    assert machine.azure.used[0].startswith("Bearer IMDS")


@pytest.mark.parametrize(
    "keywords",
    [
        pytest.param({"default_azure_credential_kwargs": {"managed_identity_client_id": "mine"}}, id="dict"),
        pytest.param({"managed_identity_client_id": "mine"}, id="keyword"),
    ],
)
def test_default_chain_takes_its_keywords(machine: Machine, keywords: dict[str, Any]) -> None:
    """Those that adlfs hands on to DefaultAzureCredential."""
    machine.fetch(**keywords)
    assert machine.azure.asked[-1].query["client_id"] == "mine"


def test_default_chain_says_what_it_tried_when_there_is_nothing(machine: Machine) -> None:
    """Never anonymous on its own; the message says what to pass."""
    excluded = {
        f"exclude_{name}_credential": True
        for name in ("managed_identity", "cli", "powershell", "developer_cli", "interactive_browser")
    }
    with pytest.raises(MissingCredentialsError, match="no Azure credentials found") as caught:
        machine.fetch(default_azure_credential_kwargs=excluded)
    assert all(word in str(caught.value) for word in ("Environment", "WorkloadIdentity", "anon=True", "account_key"))
    assert isinstance(caught.value, PermissionError)


@pytest.mark.skipif(sys.platform == "win32", reason="the tool is a shell script")
def test_azure_cli_is_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ``az`` that is first on the path, for the resource of storage."""
    expiry = datetime.now(UTC) + timedelta(hours=1)
    answer = {"accessToken": "CLI", "expires_on": int(expiry.timestamp()), "expiresOn": expiry.isoformat()}
    tool = machine.home / "az"
    tool.write_text(f"#!/bin/sh\necho \"$@\" > {machine.home}/arguments\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(machine.home), prepend=":")
    found = machine.fetch(use_azure_cli=True)
    assert (found.values, found.expires_at) == ({"token": "CLI"}, expiry.replace(microsecond=0))
    assert "get-access-token" in (machine.home / "arguments").read_text()
    assert "https://storage.azure.com" in (machine.home / "arguments").read_text()


class Tokens:
    """A token credential; each token is new, as if the one before had expired."""

    def __init__(self) -> None:
        self.scopes: list[tuple[str, ...]] = []
        self.closed = False

    def get_token(self, *scopes: str, **_: Any) -> Any:
        from azure.core.credentials import AccessToken

        self.scopes.append(scopes)
        return AccessToken(f"OBJECT{len(self.scopes)}", int(datetime.now(UTC).timestamp()) + LIFETIME_SECONDS)

    def close(self) -> None:
        self.closed = True


class AsyncTokens(Tokens):
    """The same, to be awaited, and on one loop only, as a connection would be."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: Any = None

    async def get_token(self, *scopes: str, **_: Any) -> Any:  # type: ignore[override]
        running = asyncio.get_running_loop()
        self.loop = self.loop or running
        if running is not self.loop:
            msg = "attached to a different loop"
            raise RuntimeError(msg)
        return super().get_token(*scopes)


class TokenInfos:
    """Only the newer of the two protocols."""

    def get_token_info(self, *_: str, options: Any = None) -> Any:
        from azure.core.credentials import AccessTokenInfo

        return AccessTokenInfo("OBJECT1", int(datetime.now(UTC).timestamp()) + LIFETIME_SECONDS)


@pytest.mark.parametrize("kind", [Tokens, AsyncTokens, TokenInfos])
def test_token_credential_of_the_caller_is_asked(machine: Machine, connect: Any, kind: Any) -> None:
    """Sync or async, with either method."""
    credential = kind()
    plane = connect(credential=credential)
    assert [plane.read(), plane.read()] == [BODY, BODY]
    assert machine.azure.used == ["Bearer OBJECT1"] * 2
    assert getattr(credential, "scopes", [("https://storage.azure.com/.default",)])[0] == (
        "https://storage.azure.com/.default",
    )
    assert not getattr(credential, "closed", False)


def test_async_credential_is_asked_on_one_loop_only(machine: Machine) -> None:
    """Over several fetches, from threads that have no loop and from several loops."""
    credential = AsyncTokens()
    refresher = machine.choice(credential=credential)
    for number in range(1, 4):
        held = asyncio.run(refresher.current_async()) if number % 2 else refresher.current()
        assert held.values == {"token": f"OBJECT{number}"}
        refresher.reject(held)


def test_async_credential_that_lives_on_the_callers_loop_is_asked_there(machine: Machine) -> None:
    """One that was opened with ``async with`` works nowhere else."""

    async def main() -> str:
        credential = AsyncTokens()
        await credential.get_token("opened here")
        refresher = machine.choice(credential=credential)
        return (await refresher.current_async()).values["token"]  # type: ignore[no-any-return]

    assert asyncio.run(main()) == "OBJECT2"


def test_credential_of_azure_identity_is_asked(machine: Machine, connect: Any) -> None:
    """A real one, which stays open between two tokens and is closed by its owner."""
    import ssl

    import aiohttp
    from azure.core.pipeline.transport import AioHttpTransport
    from azure.identity.aio import ClientSecretCredential

    loops: list[Any] = []

    class Transport(AioHttpTransport):  # type: ignore[misc]
        async def open(self) -> None:
            loops.append(asyncio.get_running_loop())
            if self.session is None:
                context = ssl.create_default_context(cadata=machine.azure.certificate)
                self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
            await super().open()

    credential = ClientSecretCredential(
        "tenant", "client", "secret", authority=machine.azure.login, transport=Transport()
    )
    assert connect(credential=credential).read() == BODY
    assert machine.azure.used == ["Bearer ENTRA1"]
    asyncio.run_coroutine_threadsafe(credential.close(), loops[0]).result()


def test_updated_sas_credential_is_used_at_once(machine: Machine, connect: Any) -> None:
    """Azure's own object, whose owner calls ``update`` while a file is open."""
    from azure.core.credentials import AzureSasCredential

    credential = AzureSasCredential(SAS)
    plane = connect(credential=credential)
    plane.read()
    credential.update("?sv=2024-11-04&sig=next%3D")
    plane.read()
    assert machine.azure.used == [SIGNED, "sig=next="]


def test_updated_named_key_is_used_at_once(machine: Machine, connect: Any) -> None:
    """The same for a key."""
    from azure.core.credentials import AzureNamedKeyCredential

    credential = AzureNamedKeyCredential(ACCOUNT, KEY)
    plane = connect(credential=credential)
    plane.read()
    machine.azure.refused.add(machine.azure.used[0])
    credential.update(ACCOUNT, "b3RoZXIta2V5")
    plane.read()
    before, after = machine.azure.blobs
    assert before.credential == shared_key(before, ACCOUNT, KEY)
    assert after.credential == shared_key(after, ACCOUNT, "b3RoZXIta2V5")


@pytest.mark.parametrize(
    ("credential", "used"),
    [
        pytest.param(f"?{SAS}", SIGNED, id="sas"),
        pytest.param(KEY, "SharedKey account:", id="key"),
        pytest.param({"account_name": ACCOUNT, "account_key": KEY}, "SharedKey account:", id="mapping"),
    ],
)
def test_plain_values_as_credential(machine: Machine, connect: Any, credential: Any, used: str) -> None:
    """What azure.storage.blob and adlfs take beside objects."""
    connect(credential=credential).read()
    assert machine.azure.used[0].startswith(used)


def test_key_of_another_account_is_refused(machine: Machine) -> None:
    """It could only sign for that one."""
    from azure.core.credentials import AzureNamedKeyCredential

    with pytest.raises(ConflictingOptionsError, match=r"'other'.*'account'"):
        machine.choice(credential=AzureNamedKeyCredential("other", KEY))


@pytest.mark.parametrize(
    ("answer", "used"),
    [
        pytest.param({"access_key": KEY}, "SharedKey account:", id="access-key"),
        pytest.param({"account_key": KEY}, "SharedKey account:", id="account-key"),
        pytest.param({"sas_token": f"?{SAS}"}, SIGNED, id="sas"),
        pytest.param({"sas_token": [("sv", "2024"), ("sig", "a+b/c=")]}, SIGNED, id="sas-pairs"),
        pytest.param({"token": "T"}, "Bearer T", id="token"),
        pytest.param({"bearer_token": "T"}, "Bearer T", id="polars"),
        pytest.param({"azure_user_delegation_sas": {"sas_token": SAS}}, SIGNED, id="unity"),
        pytest.param({"azure_aad": {"aad_token": "T"}}, "Bearer T", id="databricks"),
        pytest.param({"adls.sas-token.account.dfs.core.windows.net": SAS}, SIGNED, id="iceberg"),
    ],
)
@pytest.mark.parametrize("expiry", ["none", "expires_at", "expires_at_millis"])
@pytest.mark.parametrize("option", ["credential_provider", "storage_options_provider"])
def test_providers_in_all_shapes(
    machine: Machine, connect: Any, answer: dict[str, Any], used: str, expiry: str, option: str
) -> None:
    """Of obstore, polars, Iceberg's REST catalog and Unity Catalog, with and without an expiry."""
    end = datetime.now(UTC) + timedelta(hours=1)
    told = {
        "none": {},
        "expires_at": {"expires_at": end},
        "expires_at_millis": {"expires_at_millis": str(int(end.timestamp() * 1000))},
    }
    plane = connect(**{option: lambda: {**answer, **told[expiry]}})
    assert [plane.read(), plane.read()] == [BODY, BODY]
    assert all(each.startswith(used) for each in machine.azure.used)


async def async_provider() -> dict[str, Any]:
    """For the import string, and the shape that obstore knows."""
    return {"token": "ASYNC", "expires_at": datetime.now(UTC) + timedelta(hours=1)}


@pytest.mark.parametrize("provider", [async_provider, f"{__name__}:async_provider"], ids=["function", "import-string"])
def test_async_provider_and_import_string(machine: Machine, connect: Any, provider: Any) -> None:
    """Both name the same source."""
    assert connect(credential_provider=provider).read() == BODY
    assert machine.azure.used == ["Bearer ASYNC"]


def test_sas_of_a_provider_is_used_until_its_own_end(machine: Machine) -> None:
    """A SAS says in ``se`` when it ends."""
    assert machine.fetch(credential_provider=lambda: {"sas_token": SAS}).expires_at == datetime(2099, 1, 1, tzinfo=UTC)


class Rotating:
    """Gives another SAS each time."""

    def __init__(self, shapes: list[dict[str, str]] | None = None) -> None:
        self.shapes = shapes or [{"sas_token": "sv=1&sig=one"}, {"sas_token": "sv=1&sig=two"}]
        self.calls = 0
        self.mark = uuid.uuid4().hex  # equal providers would share what they fetched

    def __call__(self) -> dict[str, str]:
        self.calls += 1
        return self.shapes[min(self.calls, len(self.shapes)) - 1]


@pytest.mark.parametrize("connect", ["sdk"], indirect=True)
@pytest.mark.parametrize("refusal", [(403, "AuthenticationFailed"), (401, "InvalidAuthenticationInfo")])
def test_refused_credentials_are_replaced_and_the_request_is_sent_once_more(
    machine: Machine, connect: Any, refusal: tuple[int, str]
) -> None:
    """The caller sees nothing of it."""
    machine.azure.refused, machine.azure.refusal = {"one"}, refusal
    assert connect(credential_provider=Rotating()).read() == BODY
    assert machine.azure.used == ["sig=one", "sig=two"]
    assert machine.azure.blobs[1].raw_query.count("sig=") == 1


@pytest.mark.parametrize("connect", ["sdk"], indirect=True)
def test_refused_credentials_may_be_replaced_by_ones_of_another_kind(machine: Machine, connect: Any) -> None:
    """A key, then a token, then a SAS: nothing of the one before is left in the request."""
    machine.azure.refused = {"SharedKey"}
    shapes = [{"account_key": KEY}, {"token": "T"}, {"sas_token": SAS}]
    plane = connect(credential_provider=Rotating(shapes))
    assert plane.read() == BODY
    machine.azure.refused = {"Bearer"}
    assert plane.read() == BODY
    assert [text.split()[0] for text in machine.azure.used] == ["SharedKey", "Bearer", "Bearer", SIGNED]
    assert "authorization" not in machine.azure.blobs[-1].headers


@pytest.mark.parametrize("connect", ["sdk"], indirect=True)
def test_request_is_sent_twice_at_most(machine: Machine, connect: Any) -> None:
    """Credentials that are refused again are an error of the server, told as it is."""
    machine.azure.refused = {"sig="}
    with pytest.raises(Exception, match="refused"):
        connect(credential_provider=Rotating()).read()
    assert machine.azure.used == ["sig=one", "sig=two"]


@pytest.mark.parametrize("connect", ["sdk"], indirect=True)
def test_missing_permission_is_no_reason_for_a_fetch(machine: Machine, connect: Any) -> None:
    """The credentials are good, only not for this."""
    provider = Rotating()
    machine.azure.refused, machine.azure.refusal = {"one"}, (403, "AuthorizationPermissionMismatch")
    with pytest.raises(Exception, match="refused"):
        connect(credential_provider=provider).read()
    assert (provider.calls, machine.azure.used) == (1, ["sig=one"])


@pytest.mark.parametrize("connect", ["sdk"], indirect=True)
@pytest.mark.parametrize("kind", ["bytes", "stream"])
def test_refused_upload_is_sent_again_from_its_start(machine: Machine, connect: Any, kind: str) -> None:
    """Also where the body is a stream that was read to its end."""
    import io

    machine.azure.refused = {"one"}
    plane = connect(credential_provider=Rotating())
    body: Any = b"0123456789" if kind == "bytes" else io.BytesIO(b"0123456789")
    asyncio.run(plane.on_blob(lambda client: client.upload_blob(body, length=10, overwrite=True)))
    assert [seen.headers["content-length"] for seen in machine.azure.blobs] == ["10", "10"]
    assert machine.azure.used == ["sig=one", "sig=two"]


def test_source_of_a_copy_is_authorized_as_well(machine: Machine, connect: Any) -> None:
    """With a SAS the service reads the source as a stranger would."""
    connect(sas_token=SAS).copy()
    source = machine.azure.blobs[-1].headers["x-ms-copy-source"]
    assert source.endswith("sig=a%2Bb%2Fc%3D")
    assert source.count("sig=") == 1
    assert machine.azure.used == [SIGNED]


def native_store(machine: Machine, **config: Any) -> Any:
    """obstore by itself, as it serves where azure-identity is not installed."""
    given = {"account_name": ACCOUNT, "endpoint": f"{machine.azure.url}/{ACCOUNT}", **config}
    return obstore.store.AzureStore("c", config=given, client_options={"allow_http": True})


@pytest.mark.parametrize(
    ("keywords", "form"),
    [
        pytest.param({"client_secret": "hidden"}, {"client_secret": "hidden"}, id="secret"),
        pytest.param({"federated_token_file": "token"}, {"client_assertion": "assertion"}, id="workload"),
    ],
)
def test_data_plane_asks_entra_by_itself_without_azure_identity(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    keywords: dict[str, str],
    form: dict[str, str],
) -> None:
    """With the settings under the names that it has for them."""
    monkeypatch.setattr("objfs.credentials.azure.has_azure_identity", lambda: False)
    (machine.home / "token").write_text("assertion")
    given = {name: str(machine.home / value) if value == "token" else value for name, value in keywords.items()}
    assert machine.choice(**PRINCIPAL, **given) is NATIVE_CHAIN
    store = native_store(machine, **PRINCIPAL, **given, authority_host=machine.azure.url)
    assert bytes(obstore.get(store, "blob").bytes()) == BODY
    (asked,) = machine.azure.asked
    assert asked.path == "/tenant/oauth2/v2.0/token"
    assert {name: asked.form[name] for name in form} == form
    assert machine.azure.used == ["Bearer ENTRA1"]


def peer_on(machine: Machine, credential: Any) -> Any:
    """adlfs on the fake blob service, connected in the one place where its clients come from."""
    from adlfs import AzureBlobFileSystem
    from azure.storage.blob.aio import BlobServiceClient

    class Peer(AzureBlobFileSystem):  # type: ignore[misc]
        def do_connect(self) -> None:
            self.connection_string = self.account_key = self.sas_token = None
            self.service_client = BlobServiceClient(f"{machine.azure.url}/{ACCOUNT}", credential=self.credential)

    return Peer(account_name=ACCOUNT, credential=credential, anon=True, skip_instance_cache=True)


HOSTILE = {
    "AZURE_STORAGE_CONNECTION_STRING": f"AccountName=hostile;AccountKey={KEY}",
    "AZURE_STORAGE_ACCOUNT_KEY": KEY,
    "AZURE_STORAGE_SAS_TOKEN": "sig=hostile",
    "AZURE_STORAGE_CLIENT_ID": "hostile",
    "AZURE_STORAGE_CLIENT_SECRET": "hostile",
    "AZURE_STORAGE_TENANT_ID": "hostile",
}


def test_sas_that_rotates_while_a_file_of_adlfs_is_open(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open file goes on with the new one, and nothing of the environment gets in."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    refresher = machine.choice(credential_provider=Rotating())
    fs = peer_on(machine, peer_credential(refresher, ACCOUNT, REJECTED))
    assert refresher.fetch_count == 0
    with fs.open("c/blob", "rb", cache_type="none") as file:
        assert file.read(2) == BODY[:2]
        machine.azure.refused = {"one"}
        assert file.read(2) == BODY[2:4]
    assert machine.azure.used[-2:] == ["sig=one", "sig=two"]
    assert set(machine.azure.used) == {"sig=one", "sig=two"}


def test_anonymous_adlfs_takes_nothing_from_the_environment(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it would find a key, a SAS and a service principal."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    fs = peer_on(machine, peer_credential(None, ACCOUNT, REJECTED))
    assert fs.cat_file("c/blob") == BODY
    assert set(machine.azure.used) == {"anonymous"}


def test_failure_to_get_credentials_passes_through_adlfs(machine: Machine) -> None:
    """As the error that says what happened."""

    def broken() -> dict[str, str]:
        msg = "the vault is sealed"
        raise RuntimeError(msg)

    fs = peer_on(machine, peer_credential(machine.choice(credential_provider=broken), ACCOUNT, REJECTED))
    with pytest.raises(CredentialsError, match="broken") as caught:
        fs.cat_file("c/blob")
    assert "sealed" in str(caught.value.__cause__)


def test_credential_shows_no_secret(machine: Machine) -> None:
    """In its repr, which adlfs puts into messages."""
    refresher = machine.choice(token="hidden")
    refresher.current()
    assert "hidden" not in repr(peer_credential(refresher, ACCOUNT, REJECTED))


def test_program_with_open_credentials_ends_without_a_word(machine: Machine) -> None:
    """No warning of an open connection or loop, of ours or of the caller's objects."""
    code = f"""
import asyncio, logging
from objfs.credentials.select import credentials_for
from tests.emulators.test_credentials_azure import AsyncTokens
# That a busy machine is slow is nothing to be told of.
logging.getLogger("asyncio").setLevel("ERROR")
from tests.unit.small_azure import CLOUD, settings_of
options = {machine.entra(client_secret="s")!r}
print(credentials_for(CLOUD, settings_of(**options), {{}}).current().values["token"])
print(credentials_for(CLOUD, settings_of(credential=AsyncTokens()), {{}}).current().values["token"])
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["ENTRA1", "OBJECT1"], "")
