"""Each way to authenticate, on each plane of each cloud: what a filesystem's request for an object carries.

docs/reference/authentication.md is a table of these tests and of those that go into the details of each way.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

import objfs
from objfs.errors import EngineError, MissingCredentialsError
from tests.emulators import fakes_aws, fakes_azure, fakes_google

BODY = fakes_aws.BODY
ROBOT = "robot@project.iam.gserviceaccount.com"
ACCOUNT = "account"
KEY = "c2VjcmV0LWtleQ=="
SAS = "sv=2024-11-04&se=2099-01-01T00%3A00%3A00Z&sp=rwdl&sig=a%2Bb%2Fc%3D"
SIGNED = "sig=a+b/c="

engines = pytest.mark.parametrize("engine", ["obstore", "sdk"])


@dataclass
class World:
    """A machine: its home folder, an environment, and the fakes of one cloud on loopback."""

    fake: Any
    home: Path
    patch: pytest.MonkeyPatch
    facts: dict[str, Any] = field(default_factory=dict)

    def write(self, name: str, content: Any) -> str:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def setenv(self, **variables: str) -> dict[str, Any]:
        """Put variables into the environment; no options are needed then."""
        for name, value in variables.items():
            self.patch.setenv(name, value)
        return {}


def later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


class Giving:
    """A provider of its own identity, which gives the same each time."""

    def __init__(self, **answer: Any) -> None:
        self.answer, self.mark = answer, uuid.uuid4().hex

    def fetch_storage_options(self) -> dict[str, Any]:
        return {**self.answer, "expires_at": later()}


async def awaited_token() -> dict[str, Any]:
    """For import strings and coroutine functions, in obstore's shape for GCS and Azure."""
    return {"token": "AWAITED", "expires_at": later()}


# -- S3 ---------------------------------------------------------------------------------------------------------------


def profile(world: World, text: str) -> dict[str, Any]:
    world.setenv(AWS_CONFIG_FILE=world.write("config", f"[profile one]\n{text}\n"))
    return {"profile": "one", "endpoint_url_sts": world.fake.url}


def sso(world: World) -> dict[str, Any]:
    """Logged in as by ``aws sso login``."""
    import botocore.credentials

    start, cache = "https://example.awsapps.com/start", world.home / "sso"
    world.patch.setattr(botocore.credentials.SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(cache))
    token = {"accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z", "startUrl": start}
    world.write(f"sso/{hashlib.sha1(start.encode()).hexdigest()}.json", token)
    where = f"sso_start_url = {start}\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = reader"
    return profile(world, f"{where}\nservices = fake\n[services fake]\nsso =\n  endpoint_url = {world.fake.url}")


def process(world: World) -> dict[str, Any]:
    answer = {"Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "s", "Expiration": later().isoformat()}
    script = world.write("process.py", f"print({json.dumps(json.dumps(answer))})")
    return profile(world, f"credential_process = {sys.executable} {script}")


def botocore_session(world: World) -> dict[str, Any]:
    import aiobotocore.session

    session = aiobotocore.session.AioSession()
    session.set_credentials("SESSION", "s")
    return {"session": session}


def web_identity(world: World) -> dict[str, Any]:
    role = {"role_arn": "arn:aws:iam::1:role/web", "web_identity_token_file": world.write("token", "a.b.c")}
    return {**role, "endpoint_url_sts": world.fake.url}


PAIR = {"key": "STATIC", "secret": "s"}
ROLE = {"role_arn": "arn:aws:iam::1:role/reader"}
CONTAINER = "container_credentials_full_uri"

# Way to the options that ask for it, and the access key id that signs.
S3: dict[str, tuple[Callable[[World], dict[str, Any]], str]] = {
    "access key": (lambda world: PAIR, "STATIC"),
    "temporary key": (lambda world: {**PAIR, "token": "t"}, "STATIC"),
    "access key of the environment": (
        lambda world: world.setenv(AWS_ACCESS_KEY_ID="ENVIRONMENT", AWS_SECRET_ACCESS_KEY="s"),
        "ENVIRONMENT",
    ),
    "profile": (lambda world: profile(world, "aws_access_key_id = PROFILE\naws_secret_access_key = s"), "PROFILE"),
    "profile with SSO": (sso, "SSO1"),
    "profile with a program": (process, "PROCESS"),
    "role on keys": (lambda world: {**PAIR, **ROLE, "endpoint_url_sts": world.fake.url}, "STS1"),
    "web identity": (web_identity, "STS1"),
    "container": (lambda world: {CONTAINER: f"{world.fake.url}/container"}, "CONTAINER1"),
    "instance metadata": (lambda world: {"metadata_endpoint": world.fake.url}, "IMDS1"),
    "session": (botocore_session, "SESSION"),
    "anonymous": (lambda world: {"anon": True}, ""),
    "provider": (
        lambda world: {"storage_options_provider": Giving(key="PROVIDED", secret="s", token="t")},
        "PROVIDED",
    ),
    "provider of obstore": (
        lambda world: {
            "credential_provider": lambda: {
                "access_key_id": "OBSTORE",
                "secret_access_key": "s",
                "token": None,
                "expires_at": later(),
            }
        },
        "OBSTORE",
    ),
}


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The fakes of AWS; the S3 among them takes every key."""
    pytest.importorskip("s3fs")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("HOME", str(tmp_path))
    with fakes_aws.serving() as fake:
        fake.accepted = {used for _, used in S3.values()}
        yield World(fake, tmp_path, monkeypatch)


@engines
@pytest.mark.parametrize("way", S3)
def test_s3_requests_are_signed(aws: World, way: str, engine: str) -> None:
    """By the key that the way leads to."""
    options, used = S3[way]
    given = {**options(aws), "endpoint_url": aws.fake.url, "region": "us-east-1", "engine": engine}
    fs = objfs.S3FileSystem(**given, skip_instance_cache=True)
    if way == "session" and engine == "obstore":
        with pytest.raises(EngineError, match="session"):
            fs.cat_file("bucket/key")
        return
    assert fs.cat_file("bucket/key") == BODY
    assert set(aws.fake.signers) == {used}


# -- Google Cloud Storage ---------------------------------------------------------------------------------------------


def key(world: World) -> dict[str, Any]:
    told = {"type": "service_account", "project_id": "project", "private_key_id": "id", "client_email": ROBOT}
    return {**told, "private_key": world.facts["private_key"], "token_uri": f"{world.fake.url}/token"}


def google_object(world: World) -> dict[str, Any]:
    from google.oauth2.service_account import Credentials

    return {"token": Credentials.from_service_account_info(key(world))}


def async_google_object(world: World) -> dict[str, Any]:
    class Asynchronous:
        token: str | None = None
        expiry = None

        async def refresh(self, request: Any) -> None:
            await asyncio.sleep(0)
            self.token = "ASYNC"

    return {"credential": Asynchronous()}


def federation(world: World) -> dict[str, Any]:
    """Workload identity federation, by a token in a file."""
    info = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": world.write("subject", "subject-token")},
    }
    return {"application_credentials": world.write("federation.json", info)}


USER = {"type": "authorized_user", "client_id": "client", "client_secret": "hidden", "refresh_token": "refresh"}

# Way to the options that ask for it, and the token that is sent.
GCS: dict[str, tuple[Callable[[World], dict[str, Any]], str]] = {
    "service account file": (lambda world: {"token": world.write("key.json", key(world))}, "JWT1"),
    "service account JSON": (lambda world: {"service_account_key": json.dumps(key(world))}, "JWT1"),
    "service account dict": (lambda world: {"token": key(world)}, "JWT1"),
    "default credentials: file of the environment": (
        lambda world: world.setenv(GOOGLE_APPLICATION_CREDENTIALS=world.write("key.json", key(world))),
        "JWT1",
    ),
    "default credentials: gcloud": (
        lambda world: world.setenv(
            CLOUDSDK_CONFIG=str(Path(world.write("gcloud/application_default_credentials.json", USER)).parent)
        ),
        "USER1",
    ),
    "default credentials: metadata server": (
        lambda world: world.setenv(GCE_METADATA_HOST=urlsplit(world.fake.url).netloc),
        "METADATA1",
    ),
    "workload identity federation": (federation, "STS1"),
    "access token": (lambda world: {"token": "ya29.RAW"}, "ya29.RAW"),
    "Credentials object": (google_object, "JWT1"),
    "Credentials object, async": (async_google_object, "ASYNC"),
    "impersonation": (lambda world: {"token": key(world), "target_service_account": "target@x.iam"}, "ROBOT2"),
    "anonymous": (lambda world: {"token": "anon"}, ""),
    "requester pays": (lambda world: {"token": "ya29.RAW", "requester_pays": "payer"}, "ya29.RAW"),
    "provider": (lambda world: {"storage_options_provider": Giving(token="PROVIDED")}, "PROVIDED"),
    "provider, by import string": (lambda world: {"credential_provider": f"{__name__}:awaited_token"}, "AWAITED"),
}


@pytest.fixture(scope="module")
def private_key() -> str:
    """A key of our own in the PEM form of key files."""
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization as form

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return str(made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode())


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private_key: str) -> Iterator[World]:
    """The fakes of Google; what is meant for Google's own hosts arrives there, and nothing leaves this machine."""
    pytest.importorskip("gcsfs")
    requests = pytest.importorskip("requests")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NO_GCE_CHECK")
    with fakes_google.serving() as fake:
        send = requests.adapters.HTTPAdapter.send

        def rewritten(self: Any, request: Any, *args: Any, **keywords: Any) -> Any:
            here = urlsplit(fake.url)
            request.url = urlunsplit(urlsplit(request.url)._replace(scheme=here.scheme, netloc=here.netloc))
            return send(self, request, *args, **keywords)

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", rewritten)
        fake.accepted = {used for _, used in GCS.values()}
        yield World(fake, tmp_path, monkeypatch, {"private_key": private_key})


@engines
@pytest.mark.parametrize("way", GCS)
def test_gcs_requests_carry_the_token(google: World, way: str, engine: str) -> None:
    """The one that the way leads to; and who pays, where that was said."""
    options, used = GCS[way]
    fs = objfs.GCSFileSystem(**options(google), endpoint_url=google.fake.url, engine=engine, skip_instance_cache=True)
    assert fs.cat_file("bucket/key") == BODY
    assert {(bearer or "").removeprefix("Bearer").strip() for bearer in google.fake.bearers} == {used}
    if way == "requester pays" and engine == "obstore":
        assert google.fake.headers[-1]["x-goog-user-project"] == "payer"


# -- Azure ------------------------------------------------------------------------------------------------------------


def entra(world: World, **options: Any) -> dict[str, Any]:
    """A principal, at the Entra ID on loopback."""
    principal = {"tenant_id": "tenant", "client_id": "client"}
    return {**principal, "authority_host": world.fake.login, "root_certificate": world.fake.certificate, **options}


def connection_string(world: World, what: str) -> dict[str, Any]:
    return {"connection_string": f"AccountName={ACCOUNT};BlobEndpoint={world.fake.url}/{ACCOUNT};{what}"}


def azure_cli(world: World) -> dict[str, Any]:
    """An ``az`` that is first on the path."""
    answer = {"accessToken": "CLI", "expires_on": int(later().timestamp()), "expiresOn": later().isoformat()}
    tool = Path(world.write("bin/az", f"#!/bin/sh\ncat <<'END'\n{json.dumps(answer)}\nEND\n"))
    tool.chmod(0o755)
    world.patch.setenv("PATH", str(tool.parent), prepend=":")
    return {"use_azure_cli": True, "tenant_id": "the-tenant-of-this-test"}


def sync_credential(world: World) -> dict[str, Any]:
    from azure.identity import ManagedIdentityCredential

    return {"credential": ManagedIdentityCredential()}


def async_credential(world: World) -> dict[str, Any]:
    from azure.core.credentials import AccessToken

    class Tokens:
        async def get_token(self, *scopes: str, **_: Any) -> Any:
            await asyncio.sleep(0)
            return AccessToken("ASYNC", int(later().timestamp()))

    return {"credential": Tokens()}


def sas_credential(world: World) -> dict[str, Any]:
    from azure.core.credentials import AzureSasCredential

    return {"credential": AzureSasCredential(SAS)}


def key_credential(world: World) -> dict[str, Any]:
    from azure.core.credentials import AzureNamedKeyCredential

    return {"credential": AzureNamedKeyCredential(ACCOUNT, KEY)}


SHARED_KEY = f"SharedKey {ACCOUNT}:"

# Way to the options that ask for it, and what the authorization begins with.
AZURE: dict[str, tuple[Callable[[World], dict[str, Any]], str]] = {
    "shared key": (lambda world: {"account_key": KEY}, SHARED_KEY),
    "SAS": (lambda world: {"sas_token": SAS}, SIGNED),
    "SAS with a question mark, not encoded": (
        lambda world: {"sas_token": "?sv=2024-11-04&se=2099-01-01T00:00:00Z&sp=rwdl&sig=a+b/c="},
        SIGNED,
    ),
    "bearer token": (lambda world: {"token": "RAW"}, "Bearer RAW"),
    "connection string with a key": (lambda world: connection_string(world, f"AccountKey={KEY}"), SHARED_KEY),
    "connection string with a SAS": (
        lambda world: connection_string(world, f"SharedAccessSignature={SAS}"),
        SIGNED,
    ),
    "service principal": (lambda world: entra(world, client_secret="hidden"), "Bearer ENTRA1"),
    "workload identity": (
        lambda world: entra(world, federated_token_file=world.write("token", "assertion")),
        "Bearer ENTRA1",
    ),
    "managed identity": (lambda world: {"use_managed_identity": True}, "Bearer IMDS"),
    "managed identity of an endpoint": (
        lambda world: {
            "msi_endpoint": f"{world.fake.url}{fakes_azure.APP_SERVICE}",
            "identity_header": "header-secret",
        },
        "Bearer APP1",
    ),
    "DefaultAzureCredential": (lambda world: {}, "Bearer IMDS"),
    "Azure CLI": (azure_cli, "Bearer CLI"),
    "credential object": (sync_credential, "Bearer IMDS"),
    "credential object, async": (async_credential, "Bearer ASYNC"),
    "AzureSasCredential": (sas_credential, SIGNED),
    "AzureNamedKeyCredential": (key_credential, SHARED_KEY),
    "anonymous": (lambda world: {"anon": True}, "anonymous"),
    "provider of a key": (lambda world: {"storage_options_provider": Giving(account_key=KEY)}, SHARED_KEY),
    "provider of a SAS": (lambda world: {"storage_options_provider": Giving(sas_token=SAS)}, SIGNED),
    "provider of a token": (lambda world: {"storage_options_provider": Giving(token="GIVEN")}, "Bearer GIVEN"),
    "provider, by import string": (
        lambda world: {"credential_provider": f"{__name__}:awaited_token"},
        "Bearer AWAITED",
    ),
}


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The fakes of Azure."""
    for package in ("adlfs", "azure.identity.aio", "cryptography"):
        pytest.importorskip(package)
    with fakes_azure.serving(tmp_path) as fake:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", fake.url)
        yield World(fake, tmp_path, monkeypatch)


@engines
@pytest.mark.parametrize("way", AZURE)
def test_azure_requests_are_authorized(azure: World, way: str, engine: str) -> None:
    """By key, SAS or token, as the way leads to."""
    if way == "Azure CLI" and sys.platform == "win32":
        pytest.skip("the tool is a shell script")
    options, used = AZURE[way]
    place = {"account_name": ACCOUNT, "endpoint": f"{azure.fake.url}/{ACCOUNT}"}
    given = options(azure)
    given = given if "connection_string" in given else {**place, **given}
    fs = objfs.AzureBlobFileSystem(**given, engine=engine, skip_instance_cache=True)
    assert fs.cat_file("c/blob") == BODY
    assert azure.fake.used
    assert [found for found in azure.fake.used if not found.startswith(used)] == []
    if used == SHARED_KEY:
        assert azure.fake.blobs[0].credential == fakes_azure.shared_key(azure.fake.blobs[0], ACCOUNT, KEY)


# -- nothing ----------------------------------------------------------------------------------------------------------


@engines
def test_s3_without_credentials_asks_for_them(aws: World, engine: str) -> None:
    """Nothing is sent to the service, and least of all an anonymous request."""
    nowhere = {"disable_ec2_metadata": True, "config_file": "/no/file", "shared_credentials_file": "/no/file"}
    place = {"endpoint_url": aws.fake.url, "region": "us-east-1"}
    fs = objfs.S3FileSystem(**nowhere, **place, engine=engine, skip_instance_cache=True)
    with pytest.raises(MissingCredentialsError, match="anon=True"):
        fs.cat_file("bucket/key")
    assert aws.fake.requests == []


@engines
def test_gcs_without_credentials_asks_for_them(google: World, engine: str) -> None:
    """gcsfs would turn anonymous."""
    google.setenv(NO_GCE_CHECK="true")
    fs = objfs.GCSFileSystem(endpoint_url=google.fake.url, engine=engine, skip_instance_cache=True)
    with pytest.raises(MissingCredentialsError, match="anon"):
        fs.cat_file("bucket/key")
    assert google.fake.bearers == []


@engines
def test_azure_without_credentials_asks_for_them(azure: World, engine: str) -> None:
    """The error says what the chain has tried, and what to pass."""
    members = ("managed_identity", "cli", "powershell", "developer_cli", "interactive_browser")
    excluded = {f"exclude_{name}_credential": True for name in members}
    place = {"account_name": ACCOUNT, "endpoint": f"{azure.fake.url}/{ACCOUNT}"}
    fs = objfs.AzureBlobFileSystem(**place, **excluded, engine=engine, skip_instance_cache=True)
    with pytest.raises(MissingCredentialsError, match="anon=True"):
        fs.cat_file("c/blob")
    assert azure.fake.blobs == []


# -- refused credentials ----------------------------------------------------------------------------------------------


class Replacing:
    """A provider whose second answer is another one, though nothing expires for an hour."""

    def __init__(self, *answers: dict[str, str]) -> None:
        self.answers, self.calls, self.mark = answers, 0, uuid.uuid4().hex

    def fetch_storage_options(self) -> dict[str, Any]:
        self.calls += 1
        return {**self.answers[min(self.calls, len(self.answers)) - 1], "expires_at": later()}


@engines
def test_s3_credentials_that_are_refused_are_replaced(aws: World, engine: str) -> None:
    """One refusal, one more question to the provider, one more request; the caller sees nothing of it."""
    aws.fake.accepted = {"SECOND"}
    provider = Replacing({"key": "FIRST", "secret": "s"}, {"key": "SECOND", "secret": "s"})
    place = {"endpoint_url": aws.fake.url, "region": "us-east-1", "storage_options_provider": provider}
    assert objfs.S3FileSystem(**place, engine=engine).cat_file("bucket/key") == BODY
    assert (provider.calls, list(dict.fromkeys(aws.fake.signers))) == (2, ["FIRST", "SECOND"])


@engines
def test_gcs_tokens_that_are_refused_are_replaced(google: World, engine: str) -> None:
    """One refusal, one more question to the provider, one more request; the caller sees nothing of it."""
    google.fake.accepted = {"SECOND"}
    provider = Replacing({"token": "FIRST"}, {"token": "SECOND"})
    place = {"endpoint_url": google.fake.url, "storage_options_provider": provider}
    assert objfs.GCSFileSystem(**place, engine=engine).cat_file("bucket/key") == BODY
    assert (provider.calls, list(dict.fromkeys(google.fake.bearers))) == (2, ["FIRST", "SECOND"])


SHAPES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "SAS": ({"sas_token": "sv=1&sig=first"}, {"sas_token": "sv=1&sig=second"}),
    "token": ({"token": "first"}, {"token": "second"}),
    "SAS to token": ({"sas_token": "sv=1&sig=first"}, {"token": "second"}),
}


@engines
@pytest.mark.parametrize("shape", SHAPES)
def test_azure_credentials_that_are_refused_are_replaced(azure: World, shape: str, engine: str) -> None:
    """One refusal, one more question to the provider, one more request; the caller sees nothing of it."""
    azure.fake.refused = {"first"}
    provider = Replacing(*SHAPES[shape])
    place = {"account_name": ACCOUNT, "endpoint": f"{azure.fake.url}/{ACCOUNT}", "storage_options_provider": provider}
    assert objfs.AzureBlobFileSystem(**place, engine=engine).cat_file("c/blob") == BODY
    assert provider.calls == 2
    assert ["first" in used for used in azure.fake.used][:2] == [True, False]
