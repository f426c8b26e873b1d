"""Each member of the AWS chain, against fakes on loopback, chosen and fetched through ``credentials_for``."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest

from objfs.credentials.botocore_adapter import aio_session
from objfs.credentials.select import credentials_for
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, MissingCredentialsError
from tests.emulators.fakes_aws import EXPIRY, METADATA, FakeAws, serving
from tests.unit.small_cloud import CLOUD, settings_of

botocore = pytest.importorskip("botocore")

PAIR = {"access_key_id": "STATIC", "secret_access_key": "hidden-secret"}


@dataclass
class Machine:
    """A machine of its own: AWS files in a folder, an environment that is handed over, fakes for the services."""

    aws: FakeAws
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> str:
        path = self.home / name
        path.write_text(text)
        return str(path)

    def refresher(self, **keywords: Any) -> Any:
        return credentials_for(CLOUD, settings_of(self.environ, **keywords), self.environ)

    def fetch(self, **keywords: Any) -> Credentials:
        return self.refresher(**keywords).current()  # type: ignore[no-any-return]


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    with serving() as fake:
        yield fake


@pytest.fixture
def machine(aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine; the environment of this process is hostile, to show that it is not read in its place."""
    hostile = {
        "AWS_PROFILE": "missing",
        "AWS_ACCESS_KEY_ID": "HOSTILE",
        "AWS_SECRET_ACCESS_KEY": "hostile",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such/file",
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/hostile",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1/",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "no such region",
        "AWS_CREDENTIAL_FILE": "/no/such/file",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    for name in ("HTTP_PROXY", "http_proxy", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO"):
        monkeypatch.delenv(name, raising=False)
    machine = Machine(aws, tmp_path)
    machine.environ = {
        "AWS_CONFIG_FILE": machine.write("config", ""),
        "AWS_SHARED_CREDENTIALS_FILE": machine.write("credentials", ""),
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url,
        "BOTO_CONFIG": str(tmp_path / "no-boto-config"),
    }
    return machine


def services(machine: Machine) -> str:
    """A services section that sends every AWS service to the fakes."""
    url = machine.aws.url
    return f"\n[services fake]\nsts =\n  endpoint_url = {url}\nsso =\n  endpoint_url = {url}\n"


def test_chain_delivers_instance_metadata(machine: Machine) -> None:
    """IMDSv2: a token first, then the role; the real expiry is reported."""
    found = machine.fetch()
    assert (found.values["access_key_id"], found.values["session_token"], found.expires_at) == (
        "IMDS1",
        "token",
        EXPIRY,
    )
    assert machine.aws.requests[0] == ("PUT", "/latest/api/token")


def test_chain_takes_the_metadata_endpoint_of_a_keyword(machine: Machine) -> None:
    """Above the environment's."""
    machine.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1"
    assert machine.fetch(metadata_endpoint=machine.aws.url).values["access_key_id"] == "IMDS1"


@pytest.mark.parametrize("fallback", [True, False])
def test_chain_obeys_imdsv1_fallback(machine: Machine, *, fallback: bool) -> None:
    """Without a token the old protocol is used only where it is allowed."""
    machine.aws.metadata_token_works = False
    if fallback:
        assert machine.fetch(imdsv1_fallback=True).values["access_key_id"] == "IMDS1"
        return
    with pytest.raises(CredentialsError):
        machine.fetch(imdsv1_fallback=False)
    assert ("GET", METADATA) not in machine.aws.requests


def test_chain_says_what_it_tried_when_there_is_nothing(machine: Machine) -> None:
    """Never anonymous on its own; the message says what to pass."""
    with pytest.raises(MissingCredentialsError, match="no AWS credentials found") as caught:
        machine.fetch(disable_ec2_metadata=True)
    assert all(word in str(caught.value) for word in ("anon=True", "profile", machine.environ["AWS_CONFIG_FILE"]))
    assert machine.aws.requests == []


@pytest.mark.parametrize("authorization", [None, "in-keyword", "in-file"])
def test_chain_delivers_container_credentials(machine: Machine, authorization: str | None) -> None:
    """With a token, with a token file, and without."""
    machine.aws.container_authorization = authorization
    keywords: dict[str, Any] = {"container_credentials_full_uri": f"{machine.aws.url}/container"}
    if authorization == "in-keyword":
        keywords["container_authorization_token"] = authorization
    elif authorization == "in-file":
        keywords["container_authorization_token_file"] = machine.write("token", authorization)
    found = machine.fetch(**keywords)
    assert (found.values["access_key_id"], found.expires_at) == ("CONTAINER1", EXPIRY)


def test_explicit_container_is_asked_before_files(machine: Machine) -> None:
    """A default profile, which stands above the container in the chain, does not replace what was asked for."""
    machine.write("credentials", "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n")
    found = machine.fetch(container_credentials_full_uri=f"{machine.aws.url}/container")
    assert found.values["access_key_id"] == "CONTAINER1"


def test_explicit_container_endpoint_replaces_the_environments(machine: Machine) -> None:
    """A relative URI in the environment would otherwise win over a full one."""
    machine.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/elsewhere"
    found = machine.fetch(container_credentials_full_uri=f"{machine.aws.url}/container")
    assert found.values["access_key_id"] == "CONTAINER1"


def test_chain_delivers_container_credentials_of_the_environment(machine: Machine) -> None:
    """As ECS and EKS set them; read from the environment that was handed over."""
    machine.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{machine.aws.url}/container"
    assert machine.fetch().values["access_key_id"] == "CONTAINER1"


def test_chain_delivers_a_profile_of_the_shared_credentials_file(machine: Machine) -> None:
    """Static keys never expire; keys in the environment are not taken for a profile given by keyword."""
    machine.environ |= {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "s"}
    path = machine.write("other", "[work]\naws_access_key_id = FILE\naws_secret_access_key = s\n")
    found = machine.fetch(profile="work", shared_credentials_file=path)
    assert (dict(found.values), found.expires_at) == ({"access_key_id": "FILE", "secret_access_key": "s"}, None)


def test_chain_delivers_the_default_profile(machine: Machine) -> None:
    """Without a profile's name."""
    machine.write("credentials", "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n")
    assert machine.fetch().values["access_key_id"] == "DEFAULT"


def test_chain_delivers_a_profile_of_the_config_file(machine: Machine) -> None:
    """Also where the environment names the profile."""
    machine.environ["AWS_PROFILE"] = "work"
    machine.write(
        "config", "[profile work]\naws_access_key_id = CONF\naws_secret_access_key = s\naws_session_token = t\n"
    )
    assert machine.fetch().values == {"access_key_id": "CONF", "secret_access_key": "s", "session_token": "t"}


def test_chain_reads_rotated_keys_after_a_rejection(machine: Machine) -> None:
    """A file that another program rewrites is read again."""
    machine.write("credentials", "[work]\naws_access_key_id = OLD\naws_secret_access_key = s\n")
    refresher = machine.refresher(profile="work")
    old = refresher.current()
    machine.write("credentials", "[work]\naws_access_key_id = NEW\naws_secret_access_key = s\n")
    assert refresher.current() is old
    refresher.reject(old)
    assert refresher.current().values["access_key_id"] == "NEW"


@pytest.mark.parametrize("given", ["keyword", "environment"])
def test_chain_names_a_missing_profile_and_the_known_ones(machine: Machine, given: str) -> None:
    """A named profile is never silently ignored, whatever else could serve."""
    machine.write("config", "[profile work]\nregion = eu-west-1\n[profile home]\nregion = eu-west-1\n")
    machine.environ |= {"AWS_PROFILE": "wrok"} if given == "environment" else {}
    keywords = {"profile": "wrok"} if given == "keyword" else {}
    with pytest.raises(CredentialsError, match=r"no AWS profile 'wrok' in .*known profiles: home, work"):
        machine.fetch(**keywords)
    assert machine.aws.requests == []


def test_chain_delivers_credential_process(machine: Machine) -> None:
    """The process runs for each fetch; its expiry counts."""
    answer = {
        "Version": 1,
        "AccessKeyId": "PROCESS",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": EXPIRY.isoformat(),
    }
    script = machine.write("process.py", f"print({json.dumps(json.dumps(answer))})")
    machine.write("config", f"[profile tool]\ncredential_process = {sys.executable} {script}\n")
    found = machine.fetch(profile="tool")
    assert (found.values["access_key_id"], found.expires_at) == ("PROCESS", EXPIRY)


def test_chain_failing_credential_process_is_the_cause(machine: Machine) -> None:
    """Our error names the profile, its cause what the process said."""
    script = machine.write("process.py", "import sys; sys.exit('login first')")
    machine.write("config", f"[profile tool]\ncredential_process = {sys.executable} {script}\n")
    with pytest.raises(CredentialsError, match="the AWS profile 'tool' failed to deliver credentials") as caught:
        machine.fetch(profile="tool")
    assert "login first" in str(caught.value.__cause__)


@pytest.mark.parametrize("style", ["session", "legacy"])
def test_chain_delivers_sso(machine: Machine, monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    """The portal is asked with the token that ``aws sso login`` cached."""
    import botocore.credentials
    import botocore.tokens

    cache = machine.home / "sso-cache"
    cache.mkdir()
    monkeypatch.setattr(botocore.credentials.SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(cache))
    monkeypatch.setattr(botocore.tokens.SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(cache))
    start = "https://example.awsapps.com/start"
    token = {"accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z", "startUrl": start, "region": "us-east-1"}
    key = "corp" if style == "session" else start
    (cache / f"{hashlib.sha1(key.encode()).hexdigest()}.json").write_text(json.dumps(token))
    role = "sso_account_id = 123456789012\nsso_role_name = reader\nservices = fake\n"
    where = f"sso_start_url = {start}\nsso_region = us-east-1\n"
    if style == "session":
        text = f"[profile sso]\nsso_session = corp\n{role}\n[sso-session corp]\n{where}"
    else:
        text = f"[profile sso]\n{where}{role}"
    machine.write("config", text + services(machine))
    found = machine.fetch(profile="sso")
    assert (found.values["access_key_id"], found.expires_at) == ("SSO1", EXPIRY)


def test_chain_delivers_a_profile_with_a_role(machine: Machine) -> None:
    """The role of a profile, on its source profile; STS is where the keyword says."""
    machine.write("credentials", "[base]\naws_access_key_id = BASE\naws_secret_access_key = s\n")
    machine.write(
        "config",
        "[profile role]\nrole_arn = arn:aws:iam::1:role/of-profile\nsource_profile = base\nexternal_id = ext\n",
    )
    found = machine.fetch(profile="role", endpoint_url_sts=machine.aws.url)
    assert (found.values["access_key_id"], found.expires_at) == ("STS1", EXPIRY)
    form = machine.aws.forms[0]
    assert (form["RoleArn"], form["ExternalId"], form["signer"]) == ("arn:aws:iam::1:role/of-profile", "ext", "BASE")


def test_chain_delivers_a_profile_with_a_role_on_the_container(machine: Machine) -> None:
    """credential_source looks where the keywords say, too."""
    machine.write(
        "config", "[profile role]\nrole_arn = arn:aws:iam::1:role/of-profile\ncredential_source = EcsContainer\n"
    )
    container = f"{machine.aws.url}/container"
    machine.fetch(profile="role", endpoint_url_sts=machine.aws.url, container_credentials_full_uri=container)
    assert machine.aws.forms[0]["signer"] == "CONTAINER1"


def test_chain_delivers_a_profile_with_web_identity(machine: Machine) -> None:
    """The token file of a profile."""
    token = machine.write("token", "jwt-of-profile")
    text = f"[profile web]\nrole_arn = arn:aws:iam::1:role/web\nweb_identity_token_file = {token}\nservices = fake\n"
    machine.write("config", text + services(machine))
    assert machine.fetch(profile="web").values["access_key_id"] == "STS1"
    assert machine.aws.forms[0]["WebIdentityToken"] == "jwt-of-profile"


def test_web_identity_reads_its_token_file_for_each_fetch(machine: Machine) -> None:
    """Kubernetes rewrites the file; STS is not signed."""
    token = machine.write("token", "first\n")
    machine.environ |= {
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/web",
        "AWS_WEB_IDENTITY_TOKEN_FILE": token,
        "AWS_ROLE_SESSION_NAME": "me",
        "AWS_ENDPOINT_URL_STS": machine.aws.url,
    }
    refresher = machine.refresher()
    first = refresher.current()
    assert (first.values["access_key_id"], first.expires_at) == ("STS1", EXPIRY)
    machine.write("token", "second\n")
    refresher.reject(first)
    refresher.current()
    told = [(form["WebIdentityToken"], form["RoleSessionName"], form["signer"]) for form in machine.aws.forms]
    assert told == [("first", "me", ""), ("second", "me", "")]


def test_web_identity_names_a_token_file_that_cannot_be_read(machine: Machine) -> None:
    """The path is in the message."""
    with pytest.raises(CredentialsError, match="token file '/no/such/token' cannot be read"):
        machine.fetch(role_arn="arn", web_identity_token_file="/no/such/token")


def test_assume_role_signs_with_static_keys(machine: Machine) -> None:
    """Name, external id and duration reach STS, signed by the keys."""
    found = machine.fetch(
        **PAIR,
        role_arn="arn:aws:iam::1:role/r",
        role_session_name="me",
        external_id="ext",
        load_frequency="20min",
        endpoint_url_sts=machine.aws.url,
    )
    form = machine.aws.forms[0]
    assert {name: form[name] for name in ("RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds", "signer")} == {
        "RoleArn": "arn:aws:iam::1:role/r",
        "RoleSessionName": "me",
        "ExternalId": "ext",
        "DurationSeconds": "1200",
        "signer": "STATIC",
    }
    assert found.values["access_key_id"] == "STS1"
    assert found.expires_at is not None
    assert found.expires_at <= datetime.now(UTC) + timedelta(minutes=20)


def test_assume_role_on_keys_needs_no_profile(machine: Machine) -> None:
    """A profile of the environment that does not exist is no concern of explicit keys."""
    machine.environ["AWS_PROFILE"] = "missing"
    found = machine.fetch(**PAIR, role_arn="arn:aws:iam::1:role/r", endpoint_url_sts=machine.aws.url)
    assert found.values["access_key_id"] == "STS1"


def test_assume_role_refreshes_more_often_than_sts_allows_to_expire(machine: Machine) -> None:
    """A load frequency below STS's shortest session only shortens our use."""
    found = machine.fetch(**PAIR, role_arn="arn:aws:iam::1:role/r", load_frequency=60, endpoint_url_sts=machine.aws.url)
    assert machine.aws.forms[0]["DurationSeconds"] == "900"
    assert found.expires_at is not None
    assert found.expires_at <= datetime.now(UTC) + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("base", "signer"),
    [
        pytest.param("environment keys", "ENV", id="environment"),
        pytest.param("profile", "FILE", id="profile"),
        pytest.param("instance", "IMDS1", id="instance"),
        pytest.param("pod", "STS1", id="web-identity-of-the-pod"),
    ],
)
def test_assume_role_signs_with_the_chain(machine: Machine, base: str, signer: str) -> None:
    """A role given by keyword is assumed by whatever the caller is without it."""
    keywords: dict[str, Any] = {"role_arn": "arn:aws:iam::1:role/asked", "endpoint_url_sts": machine.aws.url}
    if base == "environment keys":
        machine.environ |= {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "s"}
    elif base == "profile":
        machine.write("credentials", "[work]\naws_access_key_id = FILE\naws_secret_access_key = s\n")
        keywords["profile"] = "work"
    elif base == "pod":
        machine.environ |= {
            "AWS_ROLE_ARN": "arn:aws:iam::1:role/pod",
            "AWS_WEB_IDENTITY_TOKEN_FILE": machine.write("token", "pod-jwt"),
        }
    machine.fetch(**keywords)
    form = machine.aws.forms[-1]
    assert (form["Action"], form["RoleArn"], form["signer"]) == ("AssumeRole", "arn:aws:iam::1:role/asked", signer)


@pytest.mark.parametrize("kind", ["botocore", "aiobotocore", "boto3"])
def test_session_of_the_caller_delivers_its_credentials(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Sync and async sessions."""
    monkeypatch.delenv("AWS_PROFILE")
    if kind == "boto3":
        session: Any = pytest.importorskip("boto3").session.Session("SESSION", "s", "t", region_name="us-east-1")
    else:
        module = pytest.importorskip(f"{kind}.session")
        session = module.AioSession() if kind == "aiobotocore" else module.Session()
        session.set_credentials("SESSION", "s", "t")
    found = machine.fetch(session=session)
    assert found.values == {"access_key_id": "SESSION", "secret_access_key": "s", "session_token": "t"}


def test_aio_session_signs_with_the_chain(machine: Machine) -> None:
    """The SDK plane's client draws from the same refresher."""
    pytest.importorskip("aiobotocore")
    machine.aws.accepted = {"IMDS1"}
    refresher = machine.refresher()

    async def get() -> bytes:
        session = aio_session(refresher)
        async with session.create_client("s3", endpoint_url=machine.aws.url, region_name="us-east-1") as client:
            answer = await client.get_object(Bucket="bucket", Key="key")
            return bytes(await answer["Body"].read())

    assert asyncio.run(get()) == b"hello"
    assert (machine.aws.signers, refresher.fetch_count) == (["IMDS1"], 1)


def test_sessions_share_what_botocore_has_read_of_its_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read-only, long, and the same for all; credentials and variables are each session's own."""
    # By themselves sessions share nothing, other than in these tests.
    monkeypatch.setattr("botocore.session.create_loader", botocore.loaders.create_loader)
    first, second = aio_session(None, {"max_attempts": 3}), aio_session(None)
    assert first.get_component("data_loader") is second.get_component("data_loader")
    assert first.get_config_variable("max_attempts") == 3
    assert second.get_config_variable("max_attempts") != 3
