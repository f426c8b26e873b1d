"""Each way to get a Google token, against fakes on loopback, chosen and fetched through ``credentials_for``."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from objfs.credentials import gcs
from objfs.credentials.google_adapter import is_refusal, peer_credentials, sending
from objfs.credentials.refresher import Refresher
from objfs.credentials.select import credentials_for
from objfs.credentials.store_adapter import StoreCredentials
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, MissingCredentialsError
from objfs.options import Layer, Origin, translate
from tests.emulators.fakes_google import BODY, LIFETIME, METADATA, FakeGoogle, catch_requests, claims_of, serving
from tests.unit.small_gcs_cloud import ANSWERS, CLOUD, settings_of

google_auth = pytest.importorskip("google.auth")
pytest.importorskip("requests")
gcsfs = pytest.importorskip("gcsfs")
obstore = pytest.importorskip("obstore")

SCOPE = "https://www.googleapis.com/auth/devstorage.full_control"
ROBOT = "robot@project.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def private_key() -> str:
    """A key of our own in the PEM form of key files."""
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization as form

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return str(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode())


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGoogle]:
    """The fakes; what google-auth sends to Google's own hosts arrives there, and nothing leaves this machine."""
    with serving() as fake:
        catch_requests(fake, monkeypatch)
        yield fake


@dataclass
class Machine:
    """A machine of its own: a home folder and an environment that is handed over."""

    google: FakeGoogle
    home: Path
    private_key: str
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, content: Any) -> str:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def key(self, **more: Any) -> dict[str, Any]:
        """The JSON of a service account's key, whose tokens come from the fakes."""
        told = {"type": "service_account", "project_id": "project", "private_key_id": "id", "client_email": ROBOT}
        return {**told, "private_key": self.private_key, "token_uri": f"{self.google.url}/token", **more}

    def refresher(self, **keywords: Any) -> Any:
        return credentials_for(CLOUD, settings_of(self.environ, **keywords), self.environ)

    def fetch(self, **keywords: Any) -> Credentials:
        return self.refresher(**keywords).current()  # type: ignore[no-any-return]


USER = {"type": "authorized_user", "client_id": "client", "client_secret": "hidden", "refresh_token": "refresh"}


@pytest.fixture
def machine(google: FakeGoogle, tmp_path: Path, private_key: str, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine; the environment of this process is hostile, to show that it is not read in its place."""
    hostile = {
        "GOOGLE_APPLICATION_CREDENTIALS": "/no/such/file",
        "GCE_METADATA_HOST": "127.0.0.1:1",
        "GCE_METADATA_IP": "127.0.0.1:1",
        "CLOUDSDK_CONFIG": "/no/such/folder",
        "GOOGLE_CLOUD_PROJECT": "hostile",
        "GOOGLE_CLOUD_QUOTA_PROJECT": "hostile",
        "NO_GCE_CHECK": "false",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "GOOGLE_API_USE_CLIENT_CERTIFICATE"):
        monkeypatch.delenv(name, raising=False)
    environ = {"HOME": str(tmp_path), "GCE_METADATA_IP": urlsplit(google.url).netloc}
    return Machine(google, tmp_path, private_key, environ)


def soon(found: Credentials) -> bool:
    """Whether the expiry is the one that the fakes tell."""
    assert found.expires_at is not None
    return abs(found.expires_at - datetime.now(UTC) - LIFETIME) < timedelta(minutes=1)


def by_path(machine: Machine) -> dict[str, Any]:
    return {"service_account": machine.write("key.json", machine.key())}


def by_text(machine: Machine) -> dict[str, Any]:
    return {"service_account_key": json.dumps(machine.key())}


def by_dict(machine: Machine) -> dict[str, Any]:
    return {"service_account_key": machine.key()}


def by_token_path(machine: Machine) -> dict[str, Any]:
    return {"token": machine.write("key.json", machine.key())}


def by_token_dict(machine: Machine) -> dict[str, Any]:
    return {"token": machine.key()}


def by_untyped_dict(machine: Machine) -> dict[str, Any]:
    return {"token": {name: value for name, value in machine.key().items() if name != "type"}}


def by_application_credentials(machine: Machine) -> dict[str, Any]:
    return {"application_credentials": machine.write("key.json", machine.key())}


def by_environment(machine: Machine) -> dict[str, Any]:
    machine.environ["GOOGLE_APPLICATION_CREDENTIALS"] = machine.write("key.json", machine.key())
    return {}


def by_google_default(machine: Machine) -> dict[str, Any]:
    return {**by_environment(machine), "token": "google_default"}


def by_object(machine: Machine) -> dict[str, Any]:
    from google.oauth2.service_account import Credentials as ServiceAccount

    return {"credential": ServiceAccount.from_service_account_info(machine.key())}


@pytest.mark.parametrize(
    "given",
    [
        by_path,
        by_text,
        by_dict,
        by_token_path,
        by_token_dict,
        by_untyped_dict,
        by_application_credentials,
        by_environment,
        by_google_default,
        by_object,
    ],
)
def test_service_account_posts_a_signed_assertion(machine: Machine, given: Callable[[Machine], dict[str, Any]]) -> None:
    """To the token endpoint of the key, for the scope that ``access`` names; the real expiry is reported."""
    found = machine.fetch(**given(machine))
    assert found.values == {"bearer_token": "JWT1"}
    assert soon(found)
    assert [(verb, path) for verb, _, path in machine.google.requests] == [("POST", "/token")]
    claims = claims_of(machine.google.forms[0]["assertion"])
    assert (claims["iss"], claims["scope"]) == (ROBOT, SCOPE)


def test_service_account_signature_is_that_of_the_key(machine: Machine) -> None:
    """Google would check it with the public half."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
    from google.auth import jwt

    machine.fetch(**by_dict(machine))
    public = load_pem_private_key(machine.private_key.encode(), None).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assertion = machine.google.forms[0]["assertion"]
    assert jwt.decode(assertion, {"id": pem}, audience=claims_of(assertion)["aud"])["iss"] == ROBOT


def test_service_account_asks_for_the_access_that_is_given(machine: Machine) -> None:
    """gcsfs's ``access`` is the last word of the scope."""
    machine.fetch(**by_dict(machine), access="read_only")
    assert claims_of(machine.google.forms[0]["assertion"])["scope"].endswith("devstorage.read_only")


def test_service_account_file_is_read_for_each_fetch(machine: Machine) -> None:
    """A key that another program replaces is used after a rejection."""
    path = machine.write("key.json", machine.key())
    refresher = machine.refresher(service_account=path)
    first = refresher.current()
    machine.write("key.json", machine.key(client_email="other@project.iam.gserviceaccount.com"))
    refresher.reject(first)
    assert refresher.current().values == {"bearer_token": "JWT2"}
    assert claims_of(machine.google.forms[1]["assertion"])["iss"].startswith("other@")


def test_service_account_of_an_emulator_needs_no_token(machine: Machine) -> None:
    """``disable_oauth``, as object_store reads it in a key: nothing is asked, an empty token means none."""
    found = machine.fetch(service_account_key={"disable_oauth": True, "client_email": "", "private_key": ""})
    assert (dict(found.values), found.expires_at, machine.google.requests) == ({"bearer_token": ""}, None, [])


def user_by_file(machine: Machine) -> dict[str, Any]:
    return {"application_credentials": machine.write("user.json", USER)}


def user_by_token_path(machine: Machine) -> dict[str, Any]:
    return {"token": machine.write("user.json", USER)}


def user_by_dict(_: Machine) -> dict[str, Any]:
    return {"token": USER}


def user_of_gcloud(machine: Machine) -> dict[str, Any]:
    machine.write(".config/gcloud/application_default_credentials.json", USER)
    return {}


def user_by_google_default(machine: Machine) -> dict[str, Any]:
    return {**user_of_gcloud(machine), "token": "google_default"}


@pytest.mark.parametrize(
    "given", [user_by_file, user_by_token_path, user_by_dict, user_of_gcloud, user_by_google_default]
)
def test_authorized_user_trades_the_refresh_token(machine: Machine, given: Callable[[Machine], dict[str, Any]]) -> None:
    """At Google's own endpoint, without scopes: a refresh token has those that its user agreed to."""
    found = machine.fetch(**given(machine))
    assert found.values == {"bearer_token": "USER1"}
    assert soon(found)
    assert machine.google.requests == [("POST", "oauth2.googleapis.com", "/token")]
    form = machine.google.forms[0]
    assert {name: form[name] for name in ("grant_type", "refresh_token", "client_id", "client_secret")} == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh",
        "client_id": "client",
        "client_secret": "hidden",
    }
    assert "scope" not in form


def test_gcloud_folder_of_the_environment_is_used(machine: Machine) -> None:
    """CLOUDSDK_CONFIG moves it."""
    machine.write("elsewhere/application_default_credentials.json", USER)
    machine.environ["CLOUDSDK_CONFIG"] = str(machine.home / "elsewhere")
    assert machine.fetch().values == {"bearer_token": "USER1"}


@pytest.mark.parametrize(
    ("host", "keywords"),
    [
        pytest.param("keyword", {"token": "cloud"}, id="cloud"),
        pytest.param("keyword", {}, id="default-with-a-host"),
        pytest.param("environment", {}, id="default-with-a-host-in-the-environment"),
        pytest.param("address", {}, id="default"),
        pytest.param("address", {"token": "google_default"}, id="google_default"),
    ],
)
def test_metadata_server_delivers(machine: Machine, host: str, keywords: dict[str, Any]) -> None:
    """The host is that of the settings, whatever google-auth read when it was imported."""
    netloc = urlsplit(machine.google.url).netloc
    if host == "environment":
        machine.environ["GCE_METADATA_HOST"] = netloc
    more = {"metadata_host": netloc} if host == "keyword" else {}
    found = machine.fetch(**keywords, **more)
    assert found.values == {"bearer_token": "METADATA1"}
    assert soon(found)
    assert machine.google.paths[-1] == f"{METADATA}/token"
    assert machine.google.forms == [{"scopes": SCOPE}]
    assert ("/" in machine.google.paths) is (host == "address")
    if host == "address":
        assert machine.google.requests[-1][1] == "metadata.google.internal"


def test_default_credentials_say_what_was_tried_when_there_are_none(machine: Machine) -> None:
    """Never anonymous on its own: the message says how to ask for that."""
    machine.google.metadata_is_there = False
    with pytest.raises(MissingCredentialsError, match="no Google credentials found") as caught:
        machine.fetch()
    for word in ('token="anon"', "gcloud", "GOOGLE_APPLICATION_CREDENTIALS", "metadata server", ".gcs_tokens"):
        assert word in str(caught.value)
    assert machine.google.paths == ["/"]


def test_metadata_server_is_not_asked_where_the_environment_forbids(machine: Machine) -> None:
    """NO_GCE_CHECK, as google-auth reads it."""
    machine.environ["NO_GCE_CHECK"] = "true"
    with pytest.raises(MissingCredentialsError, match="NO_GCE_CHECK"):
        machine.fetch()
    assert machine.google.requests == []


def test_metadata_server_that_cannot_be_reached_is_tried_again(machine: Machine) -> None:
    """As often as the environment says, with pauses that grow."""
    from objfs.credentials import gcs_sources

    machine.environ |= {"GCE_METADATA_IP": "127.0.0.1:1", "GCE_METADATA_DETECT_RETRIES": "4"}
    pauses: list[float] = []
    with pytest.raises(MissingCredentialsError, match=r"no metadata server answered at 127\.0\.0\.1:1"):
        gcs_sources.fetch(gcs.plan_of(settings_of(), machine.environ), sleep=pauses.append)
    assert pauses == [1.0, 2.0, 4.0]


def external(machine: Machine, **more: Any) -> dict[str, Any]:
    """Workload identity federation, whose subject token is in a file."""
    told = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/mine",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": machine.write("subject", "subject-token")},
    }
    return {**told, **more}


def test_external_account_exchanges_its_token(machine: Machine) -> None:
    """The subject token of a file becomes Google's at the STS."""
    found = machine.fetch(application_credentials=machine.write("external.json", external(machine)))
    assert found.values == {"bearer_token": "STS1"}
    assert soon(found)
    assert machine.google.requests == [("POST", "sts.googleapis.com", "/v1/token")]
    form = machine.google.forms[0]
    assert (form["subject_token"], form["scope"]) == ("subject-token", SCOPE)


def test_external_account_of_a_url_asks_it_first(machine: Machine) -> None:
    """As on Azure and in Kubernetes."""
    info = external(machine, credential_source={"url": f"{machine.google.url}/subject"})
    assert machine.fetch(token=info).values == {"bearer_token": "STS1"}
    assert machine.google.paths == ["/subject", "/v1/token"]


def test_external_account_impersonates_where_its_file_says(machine: Machine) -> None:
    """The STS token is only good for taking on the service account."""
    url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{ROBOT}:generateAccessToken"
    found = machine.fetch(token=external(machine, service_account_impersonation_url=url))
    assert found.values == {"bearer_token": "ROBOT2"}
    form = machine.google.forms[-1]
    assert (form["account"], form["signer"], form["scope"]) == (ROBOT, "STS1", [SCOPE])


def test_impersonated_file_takes_on_its_account(machine: Machine) -> None:
    """What ``gcloud auth application-default login --impersonate-service-account`` writes."""
    url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{ROBOT}:generateAccessToken"
    info = {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": url,
        "source_credentials": USER,
    }
    found = machine.fetch(application_credentials=machine.write("robot.json", info))
    assert found.values == {"bearer_token": "ROBOT2"}
    assert (machine.google.forms[-1]["account"], machine.google.forms[-1]["signer"]) == (ROBOT, "USER1")


@pytest.mark.parametrize(
    ("base", "signer"),
    [
        pytest.param(lambda _: {"bearer_token": "GIVEN"}, "GIVEN", id="bearer-token"),
        pytest.param(by_path, "JWT1", id="service-account"),
        pytest.param(by_object, "JWT1", id="object"),
        pytest.param(lambda machine: {"token": USER}, "USER1", id="user"),
        pytest.param(lambda machine: {}, "METADATA1", id="metadata-server"),
        pytest.param(lambda machine: {"token": external(machine)}, "STS1", id="external-account"),
    ],
)
def test_target_service_account_is_impersonated(
    machine: Machine, base: Callable[[Machine], dict[str, Any]], signer: str
) -> None:
    """By whatever the caller is without it."""
    host = urlsplit(machine.google.url).netloc
    found = machine.fetch(**base(machine), target_service_account="target@x.iam", metadata_host=host)
    assert found.values["bearer_token"].startswith("ROBOT")
    assert soon(found)
    form = machine.google.forms[-1]
    assert form == {
        "account": "target@x.iam",
        "signer": signer,
        "scope": [SCOPE],
        "delegates": None,
        "lifetime": "3600s",
    }
    assert machine.google.requests[-1][1] == "iamcredentials.googleapis.com"


def test_target_service_account_takes_lifetime_and_delegates(machine: Machine) -> None:
    """Both reach the IAM service."""
    more = {"impersonation_lifetime": "10min", "impersonation_delegates": ["one@x.iam"]}
    machine.fetch(bearer_token="GIVEN", target_service_account="target@x.iam", **more)
    assert (machine.google.forms[-1]["lifetime"], machine.google.forms[-1]["delegates"]) == ("600s", ["one@x.iam"])


def test_gdch_account_exchanges_its_assertion(machine: Machine) -> None:
    """Google Distributed Cloud: the audience is the service."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    info = {
        "type": "gdch_service_account",
        "format_version": "1",
        "project": "project",
        "private_key_id": "id",
        "private_key": pem,
        "name": "name",
        "token_uri": f"{machine.google.url}/authenticate",
    }
    found = machine.fetch(token=info, base_url="https://storage.example")
    assert found.values == {"bearer_token": "STS1"}
    assert machine.google.forms[0]["audience"] == "https://storage.example"


def test_cache_of_gcsfs_is_used_where_it_is_asked_for(machine: Machine) -> None:
    """By project and access, as gcsfs wrote it; its refresh token is traded."""
    from google.oauth2.credentials import Credentials as User

    user = User(None, "refresh", client_id="client", client_secret="s", token_uri="https://oauth2.googleapis.com/token")
    (machine.home / ".gcs_tokens").write_bytes(pickle.dumps({("mine", "full_control"): user}))
    assert machine.fetch(token="cache", project="mine").values == {"bearer_token": "USER1"}
    with pytest.raises(MissingCredentialsError, match="none for project 'other'"):
        machine.fetch(token="cache", project="other")


def test_default_credentials_end_with_the_cache_of_gcsfs(machine: Machine) -> None:
    """As gcsfs itself does before it turns anonymous."""
    from google.oauth2.credentials import Credentials as User

    machine.environ["NO_GCE_CHECK"] = "true"
    user = User(None, "refresh", client_id="client", client_secret="s", token_uri="https://oauth2.googleapis.com/token")
    (machine.home / ".gcs_tokens").write_bytes(pickle.dumps({("", "full_control"): user}))
    assert machine.fetch().values == {"bearer_token": "USER1"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "cannot be read", id="missing"),
        pytest.param("hidden{", "does not hold a JSON object", id="no-json"),
        pytest.param({"type": "hat"}, "has the type 'hat'; known types: service_account, ", id="unknown-type"),
        pytest.param({"type": "authorized_user", "client_secret": "hidden"}, "no usable authorized_user", id="half"),
        pytest.param({"type": "service_account", "private_key": "hidden"}, "no usable service_account", id="no-key"),
    ],
)
def test_credentials_file_that_is_no_good_is_named(machine: Machine, content: Any, message: str) -> None:
    """The path is in the message, what the file holds is not; nothing else is tried."""
    path = str(machine.home / "creds.json") if content is None else machine.write("creds.json", content)
    with pytest.raises(CredentialsError, match=message) as caught:
        machine.fetch(application_credentials=path)
    assert repr(path) in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert machine.google.requests == []


def test_refused_fetch_has_googles_words_as_its_cause(machine: Machine) -> None:
    """Our error names the way, its cause what the server said."""
    info = machine.key(token_uri=f"{machine.google.url}/bucket/nowhere")
    with pytest.raises(CredentialsError, match=r"the Google credentials JSON .* failed to deliver") as caught:
        machine.fetch(token=info)
    assert type(caught.value.__cause__).__name__ == "RefreshError"


class Handing:
    """A source of tokens T1, T2, ... that never expire by themselves."""

    identity, description, refreshable = "handing", "provider handing", True

    def __init__(self) -> None:
        self._count = 0

    def fetch(self) -> Credentials:
        self._count += 1
        return Credentials({"bearer_token": f"T{self._count}"})


def store_of(google: FakeGoogle, refresher: Refresher) -> Any:
    from obstore.store import GCSStore

    return GCSStore(
        "bucket",
        config={"base_url": google.url},
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
        credential_provider=StoreCredentials(refresher, gcs.store_shape),
    )


def gcsfs_of(google: FakeGoogle, token: Any, **keywords: Any) -> Any:
    from gcsfs.core import GCSFileSystem

    return GCSFileSystem(token=token, endpoint_url=google.url, project="p", skip_instance_cache=True, **keywords)


def test_both_planes_send_one_token(machine: Machine) -> None:
    """One fetch serves obstore's XML requests and gcsfs's JSON requests; nobody asks what the token is worth."""
    machine.google.accepted = {"JWT1"}
    refresher = machine.refresher(**by_path(machine))
    filesystem = gcsfs_of(machine.google, peer_credentials(refresher))
    assert machine.google.requests == []
    assert bytes(obstore.get(store_of(machine.google, refresher), "key").bytes()) == BODY
    assert filesystem.info("bucket/key")["size"] == len(BODY)
    assert filesystem.cat_file("bucket/key") == BODY
    assert set(machine.google.bearers) == {"JWT1"}
    assert refresher.fetch_count == 1
    assert "/tokeninfo" not in machine.google.paths


@pytest.mark.parametrize("plane", ["obstore", "gcsfs"])
def test_each_request_carries_the_token_of_its_moment(google: FakeGoogle, plane: str) -> None:
    """A rejected token is gone with the next request, on the same store and filesystem."""
    google.accepted = {"T1", "T2"}
    refresher = Refresher(Handing())
    store, filesystem = store_of(google, refresher), gcsfs_of(google, peer_credentials(refresher))

    def read() -> bytes:
        return bytes(obstore.get(store, "key").bytes()) if plane == "obstore" else bytes(filesystem.cat("bucket/key"))

    assert read() == BODY
    refresher.reject(refresher.current())
    assert read() == BODY
    assert list(dict.fromkeys(google.bearers)) == ["T1", "T2"]


def test_empty_token_is_sent_as_no_token(google: FakeGoogle) -> None:
    """For emulators and anonymous objects, on both planes."""
    refresher = credentials_for(CLOUD, settings_of(service_account_key={"disable_oauth": True}), {})
    assert isinstance(refresher, Refresher)
    google.accepted = {""}
    assert bytes(obstore.get(store_of(google, refresher), "key").bytes()) == BODY
    assert gcsfs_of(google, peer_credentials(refresher)).cat("bucket/key") == BODY
    assert {(bearer or "").removeprefix("Bearer").strip() for bearer in google.bearers} == {""}


def test_gcsfs_renews_a_refused_token_at_once(google: FakeGoogle) -> None:
    """One refusal, one new token, one more request; gcsfs's own retries would wait seconds with the old token."""
    google.accepted = {"T1"}
    refresher = Refresher(Handing())
    filesystem = gcsfs_of(google, peer_credentials(refresher))
    plain = type(filesystem)._request.__wrapped__
    filesystem._request = lambda *a, **k: sending(refresher, lambda: plain(filesystem, *a, **k))
    assert filesystem.cat("bucket/key") == BODY
    google.accepted, google.bearers[:] = {"T2"}, []
    assert filesystem.cat("bucket/key") == BODY
    assert google.bearers == ["T1", "T2"]
    google.accepted = set()
    google.bearers.clear()
    with pytest.raises(PermissionError, match="token of provider handing: Invalid Credentials") as caught:
        filesystem.cat_file("bucket/key")
    assert is_refusal(caught.value.__cause__)
    assert google.bearers == ["T2", "T3"]


def test_refused_token_of_the_caller_is_sent_once(google: FakeGoogle) -> None:
    """Nothing could replace it."""
    refresher = credentials_for(CLOUD, settings_of(bearer_token="REFUSED"), {})
    assert isinstance(refresher, Refresher)
    filesystem = gcsfs_of(google, peer_credentials(refresher))
    plain = type(filesystem)._request.__wrapped__
    filesystem._request = lambda *a, **k: sending(refresher, lambda: plain(filesystem, *a, **k))
    with pytest.raises(PermissionError, match="the credentials in the storage options"):
        filesystem.cat_file("bucket/key")
    assert google.bearers == ["REFUSED"]


def test_sending_leaves_other_errors_alone(google: FakeGoogle) -> None:
    """A refusal that is not about the token costs no fetch."""
    refresher = Refresher(Handing())

    class NotFoundError(Exception):
        code = 404

    async def send() -> None:
        peer_credentials(refresher).apply({})
        raise NotFoundError

    with pytest.raises(NotFoundError):
        asyncio.run(sending(refresher, send))
    assert refresher.fetch_count == 1


def test_peer_credentials_work_in_googles_own_session(google: FakeGoogle) -> None:
    """Google's clients refresh after a 401 by themselves and send the request again."""
    from google.auth.transport.requests import AuthorizedSession

    google.accepted = {"T2"}
    refresher = Refresher(Handing())
    with AuthorizedSession(peer_credentials(refresher)) as session:
        assert session.get(f"{google.url}/bucket/key").content == BODY
    assert google.bearers == ["T1", "T2"]


def test_peer_credentials_bill_the_project_that_is_given(google: FakeGoogle) -> None:
    """Requester pays: gcsfs says userProject itself, Google's clients ask for the header."""
    google.accepted = {"T1"}
    credentials = peer_credentials(Refresher(Handing())).with_quota_project("payer")
    assert gcsfs_of(google, credentials).cat("bucket/key") == BODY
    assert google.headers[-1]["x-goog-user-project"] == "payer"
    assert gcsfs_of(google, peer_credentials(Refresher(Handing()))).cat("bucket/key") == BODY
    assert "x-goog-user-project" not in google.headers[-1]


def test_peer_credentials_cannot_be_pickled_or_read() -> None:
    """They hold what was fetched."""
    credentials = peer_credentials(Refresher(Handing()))
    credentials.refresh(None)
    assert "T1" not in repr(credentials)
    with pytest.raises(TypeError, match="pickle the provider"):
        pickle.dumps(credentials)


def test_peer_credentials_are_invalid_before_the_first_use_only() -> None:
    """So that a constructor that looks at them fetches nothing, and nobody plans a refresh of its own."""
    refresher = Refresher(Handing())
    credentials = peer_credentials(refresher)
    assert (credentials.valid, credentials.token, refresher.fetch_count) == (False, None, 0)
    credentials.before_request(None, "GET", "https://example.invalid", {})
    assert (credentials.valid, credentials.expired, credentials.expiry, refresher.fetch_count) == (True, False, None, 1)


def test_peer_credentials_serve_threads_and_loops_with_one_fetch(google: FakeGoogle) -> None:
    """Ten threads, each with a loop of its own."""
    google.accepted = {"T1"}
    refresher = Refresher(Handing())
    credentials = peer_credentials(refresher)
    together = threading.Barrier(10)

    def read(_: int) -> bytes:
        async def one() -> bytes:
            filesystem = gcsfs_of(google, credentials, asynchronous=True)
            session = await filesystem._set_session()
            try:
                return bytes(await filesystem._cat_file("bucket/key"))
            finally:
                await session.close()

        together.wait(10)
        return asyncio.run(one())

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(read, range(10))) == [BODY] * 10
    assert refresher.fetch_count == 1
    assert set(google.bearers) == {"T1"}


LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
MILLIS = int(LATER.timestamp() * 1000)


def options() -> dict[str, Any]:
    """A provider by import string."""
    return {"bearer_token": "GIVEN", "expires_at_millis": str(MILLIS)}


class Vending:
    """A provider with the method of the protocol."""

    def fetch_storage_options(self) -> dict[str, Any]:
        """Storage options."""
        return options()


async def awaited() -> dict[str, Any]:
    """An asynchronous provider."""
    return options()


@pytest.mark.parametrize(
    "provider",
    [
        pytest.param(options, id="function"),
        pytest.param(awaited, id="coroutine-function"),
        pytest.param(Vending(), id="object"),
        pytest.param(f"{__name__}:options", id="import-string"),
        pytest.param(f"{__name__}:Vending", id="import-string-of-a-class"),
        pytest.param(lambda: ({"bearer_token": "GIVEN"}, MILLIS // 1000), id="pair"),
        pytest.param(lambda: {"bearer_token": "GIVEN", "expires_at": LATER}, id="datetime"),
        pytest.param(lambda: {"gcs.oauth2.token": "GIVEN", "gcs.oauth2.token-expires-at": str(MILLIS)}, id="iceberg"),
        pytest.param(
            lambda: {
                "storage-credentials": [
                    {
                        "prefix": "gs://bucket/",
                        "config": {"gcs.oauth2.token": "GIVEN", "gcs.oauth2.token-expires-at": str(MILLIS)},
                    }
                ]
            },
            id="iceberg-list",
        ),
        pytest.param(
            lambda: {"gcp_oauth_token": {"oauth_token": "GIVEN"}, "expiration_time": MILLIS, "url": "gs://bucket/"},
            id="unity",
        ),
        pytest.param(lambda: {"token": "GIVEN", "expires_at": LATER}, id="obstore"),
    ],
)
@pytest.mark.parametrize("option", ["credential_provider", "storage_options_provider"])
def test_provider_reaches_both_planes(google: FakeGoogle, provider: Any, option: str) -> None:
    """Whatever the shape of its answer, the token is sent, and its expiry counts."""
    google.accepted = {"GIVEN"}
    refresher = credentials_for(ANSWERS, translate(ANSWERS.table, [Layer(Origin.KEYWORD, {option: provider})]), {})
    assert isinstance(refresher, Refresher)
    assert bytes(obstore.get(store_of(google, refresher), "key").bytes()) == BODY
    assert gcsfs_of(google, peer_credentials(refresher)).cat("bucket/key") == BODY
    assert set(google.bearers) == {"GIVEN"}
    assert (refresher.expires_at, refresher.fetch_count) == (LATER, 1)


def test_provider_of_obstore_serves_gcsfs_too(machine: Machine) -> None:
    """obstore's own wrapper of google-auth is a provider like any other."""
    from google.oauth2.service_account import Credentials as ServiceAccount
    from obstore.auth.google import GoogleCredentialProvider

    inner = ServiceAccount.from_service_account_info(machine.key(), scopes=[SCOPE])
    machine.google.accepted = {"JWT1"}
    told = {"credential_provider": GoogleCredentialProvider(inner)}
    refresher = credentials_for(ANSWERS, translate(ANSWERS.table, [Layer(Origin.KEYWORD, told)]), {})
    assert isinstance(refresher, Refresher)
    assert gcsfs_of(machine.google, peer_credentials(refresher)).cat("bucket/key") == BODY
    assert soon(refresher.current())
