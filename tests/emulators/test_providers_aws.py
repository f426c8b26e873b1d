"""The providers of AWS, against the STS of moto and of MinIO, and against what is on loopback of botocore's sources."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import objfs
from objfs.clouds.s3 import S3
from objfs.credentials.provider import normalise_provider
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError
from objfs.providers import AssumeRole, AwsSession, WebIdentity
from tests.emulators.fakes_aws import EXPIRY, FakeAws
from tests.emulators.fakes_aws import serving as serving_aws

pytest.importorskip("botocore")

ROLE = "arn:aws:iam::123456789012:role/reader"
KEYS = {"access_key_id": "AKIAOBJFSTESTS", "secret_access_key": "the secret of the tests"}


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    with serving_aws() as fake:
        yield fake


def fetch(provider: Any) -> Credentials:
    return normalise_provider(provider, S3).fetch()


def test_assume_role_asks_the_sts_of_moto(moto_server, bucket):
    """Keys, a token and the end of the session that was asked for; they open a file."""
    before = datetime.now(UTC)
    provider = {
        "provider": "aws-assume-role",
        "role_arn": ROLE,
        "endpoint_url": moto_server.endpoint,
        "duration": "20min",
        **KEYS,
    }
    found = fetch(provider)
    assert found.values["access_key_id"].startswith("ASIA")
    assert found.expires_at is not None
    assert timedelta(minutes=19) < found.expires_at - before < timedelta(minutes=21)
    fs = objfs.S3FileSystem(endpoint_url=moto_server.endpoint, region="us-east-1", storage_options_provider=provider)
    fs.pipe_file(f"{bucket}/a", b"hello")
    assert fs.cat_file(f"{bucket}/a") == b"hello"


def test_assume_role_asks_the_sts_of_minio(minio_server, make_bucket):
    """A server that checks signatures takes what its own STS gave, and the session policy bounds it."""
    if minio_server.name != "minio":
        pytest.skip(f"{minio_server.name} has no STS")
    bucket = make_bucket(minio_server)
    options = {"endpoint_url": minio_server.endpoint, "region": "us-east-1"}
    base = {"access_key_id": minio_server.options["key"], "secret_access_key": minio_server.options["secret"]}
    whole = AssumeRole(ROLE, duration=900, **options, **base)
    objfs.S3FileSystem(**options, storage_options_provider=whole).pipe_file(f"{bucket}/a", b"hello")
    may = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{bucket}/*"]}
    reader = AssumeRole(ROLE, duration=900, policy={"Version": "2012-10-17", "Statement": [may]}, **options, **base)
    fs = objfs.S3FileSystem(**options, storage_options_provider=reader)
    assert fs.cat_file(f"{bucket}/a") == b"hello"
    with pytest.raises(PermissionError):
        fs.pipe_file(f"{bucket}/b", b"no")


def test_web_identity_asks_the_sts_of_moto(moto_server, tmp_path):
    """With the token of a file; the request is not signed."""
    path = tmp_path / "token"
    path.write_text("an.openid.token\n")
    found = fetch(WebIdentity(ROLE, token_file=str(path), endpoint_url=moto_server.endpoint))
    assert found.values["session_token"]
    assert found.expires_at is not None


def test_role_request_says_all_that_was_given(aws):
    """In the words of STS; who calls is what the options say."""
    AssumeRole(
        ROLE,
        role_session_name="nightly",
        external_id="ext",
        policy={"Version": "2012-10-17"},
        policy_arns=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        tags={"team": "data"},
        source_identity="ann",
        endpoint_url=aws.url,
        **KEYS,
    ).fetch_storage_options()
    sent = aws.forms[0]
    assert json.loads(sent.pop("Policy")) == {"Version": "2012-10-17"}
    assert sent == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "nightly",
        "ExternalId": "ext",
        "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "Tags.member.1.Key": "team",
        "Tags.member.1.Value": "data",
        "SourceIdentity": "ann",
        "signer": KEYS["access_key_id"],
    }


def test_assume_role_takes_keys_of_the_environment_by_name(aws, monkeypatch):
    """Looked up where the fetch is."""
    provider = AssumeRole(ROLE, access_key_id="$BASE_KEY", secret_access_key="$BASE_SECRET", endpoint_url=aws.url)
    copy = pickle.loads(pickle.dumps(provider))
    monkeypatch.setenv("BASE_KEY", "NAMED")
    monkeypatch.setenv("BASE_SECRET", "s")
    copy.fetch_storage_options()
    assert aws.forms[0]["signer"] == "NAMED"


def test_assume_role_is_called_by_the_chain_without_keys(aws, monkeypatch):
    """The environment's keys, as every tool of AWS does."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "CHAIN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    found = fetch(AssumeRole(ROLE, endpoint_url=aws.url))
    assert aws.forms[0]["signer"] == "CHAIN"
    assert found.expires_at == EXPIRY


def test_web_identity_reads_its_token_at_each_fetch(aws, tmp_path, monkeypatch):
    """Platforms renew the file; a token of the environment is looked up likewise."""
    path = tmp_path / "token"
    provider = WebIdentity(ROLE, token_file=str(path), endpoint_url=aws.url)
    for token in ("token-1", "token-2"):
        path.write_text(token)
        provider.fetch_storage_options()
    monkeypatch.setenv("CI_TOKEN", "token-3")
    WebIdentity(ROLE, token="$CI_TOKEN", endpoint_url=aws.url).fetch_storage_options()
    assert [form["WebIdentityToken"] for form in aws.forms] == ["token-1", "token-2", "token-3"]
    assert {form["signer"] for form in aws.forms} == {""}


def test_web_identity_names_a_file_that_is_not_there(aws, tmp_path):
    """With the reason as its cause."""
    with pytest.raises(CredentialsError, match="no-token' cannot be read") as caught:
        WebIdentity(ROLE, token_file=str(tmp_path / "no-token"), endpoint_url=aws.url).fetch_storage_options()
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def refreshing_session(expiries: list[datetime]) -> Any:
    """A boto3 session whose credentials refresh themselves, each time with the next of these ends."""
    boto3 = pytest.importorskip("boto3")
    from botocore.credentials import RefreshableCredentials

    ends = iter(expiries)
    count = iter(range(100))

    def metadata() -> dict[str, str]:
        told = {"access_key": f"KEY{next(count)}", "secret_key": "s", "token": "t"}
        return {**told, "expiry_time": next(ends).isoformat()}

    session = boto3.Session(region_name="us-east-1")
    session._session._credentials = RefreshableCredentials.create_from_metadata(metadata(), metadata, "tests")
    return session


def test_session_tells_when_its_credentials_really_expire():
    """Not a guess: what botocore knows, and after its own refresh the next end."""
    now = datetime.now(UTC).replace(microsecond=0)
    ends = [now + timedelta(minutes=1), now + timedelta(hours=1)]
    provider = AwsSession(refreshing_session(ends))
    found = fetch(provider)
    # One minute is less than botocore lets credentials have left, so it has renewed them already.
    assert (found.values["access_key_id"], found.expires_at) == ("KEY1", ends[1])


def test_session_with_keys_that_do_not_expire_tells_no_expiry():
    """They are used until they are refused."""
    boto3 = pytest.importorskip("boto3")
    session = boto3.Session(aws_access_key_id="A", aws_secret_access_key="s")
    assert AwsSession(session).fetch_storage_options() == {"access_key_id": "A", "secret_access_key": "s"}


def test_session_by_profile_reads_the_files(tmp_path, monkeypatch):
    """By name, so that it can be said in a configuration and pickled."""
    path = tmp_path / "credentials"
    path.write_text("[analytics]\naws_access_key_id = PROFILE\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    provider = pickle.loads(pickle.dumps(AwsSession(profile="analytics")))
    assert fetch(provider).values["access_key_id"] == "PROFILE"


def test_session_object_cannot_be_pickled():
    """It says what can."""
    boto3 = pytest.importorskip("boto3")
    with pytest.raises(TypeError, match="name its profile"):
        pickle.dumps(AwsSession(boto3.Session()))


def test_two_sessions_are_never_taken_for_one():
    """Nobody can tell what they hold."""
    boto3 = pytest.importorskip("boto3")
    assert AwsSession(boto3.Session()) != AwsSession(boto3.Session())


@pytest.mark.parametrize("name", ["aws-assume-role", "aws-web-identity", "aws-session"])
def test_provider_without_botocore_names_what_to_install(name, monkeypatch):
    """At the first fetch; a configuration can be read without it."""
    monkeypatch.setattr("objfs.providers.aws.find_spec", lambda _: None)
    options = {} if name == "aws-session" else {"role_arn": ROLE}
    token = {"token": "t"} if name == "aws-web-identity" else {}
    source = normalise_provider({"provider": name, **options, **token}, S3)
    with pytest.raises(ImportError, match="needs botocore; install"):
        source.fetch()
