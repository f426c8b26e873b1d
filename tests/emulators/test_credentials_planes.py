"""Both planes draw from one refresher, and credentials that a server refuses are really replaced."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from objfs.clouds.s3 import S3
from objfs.credentials.aws import store_shape
from objfs.credentials.botocore_adapter import aio_session, register_refresh_on_rejection
from objfs.credentials.refresher import Refresher
from objfs.credentials.rejection import code_in, verdict
from objfs.credentials.store_adapter import StoreCredentials
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsExpiredError
from tests.emulators.fakes_aws import BODY, FakeAws, serving

obstore = pytest.importorskip("obstore")


class Numbered:
    """A source of keys KEY1, KEY2, ... that never expire by themselves."""

    identity, description, refreshable = "numbered", "provider numbered", True

    def __init__(self, *, repeat: bool = False) -> None:
        self._numbers: Iterator[int] = itertools.repeat(1) if repeat else itertools.count(1)

    def fetch(self) -> Credentials:
        key = f"KEY{next(self._numbers)}"
        return Credentials({"access_key_id": key, "secret_access_key": "s", "session_token": "t"})


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    with serving() as fake:
        yield fake


def store_of(aws: FakeAws, credentials: StoreCredentials) -> Any:
    from obstore.store import S3Store

    return S3Store(
        "bucket",
        endpoint=aws.url,
        region="us-east-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
        credential_provider=credentials,
    )


def read(store: Any) -> bytes:
    return bytes(obstore.get(store, "key").bytes())


def test_store_credentials_have_the_shape_of_an_s3_credential() -> None:
    """Token None without a session token, and an expiry that has passed, so that obstore asks each time."""

    class Plain(Numbered):
        def fetch(self) -> Credentials:
            return Credentials({"access_key_id": "K", "secret_access_key": "s"})

    credentials = StoreCredentials(Refresher(Plain()), store_shape)
    answer = credentials()
    assert {name: answer[name] for name in ("access_key_id", "secret_access_key", "token")} == {
        "access_key_id": "K",
        "secret_access_key": "s",
        "token": None,
    }
    assert answer["expires_at"] < datetime.now(UTC)
    assert credentials.last == credentials.refresher.current()


def test_obstore_asks_for_each_request(aws: FakeAws) -> None:
    """The refresher is the only cache: one fetch, but a call for every request."""
    aws.accepted = {"KEY1"}
    refresher = Refresher(Numbered())
    calls: list[int] = []

    class Counting(StoreCredentials):
        def __call__(self) -> dict[str, Any]:
            calls.append(1)
            return super().__call__()

    store = store_of(aws, Counting(refresher, store_shape))
    assert [read(store) for _ in range(5)] == [BODY] * 5
    assert (len(calls), refresher.fetch_count, aws.signers) == (5, 1, ["KEY1"] * 5)


def test_obstore_signs_with_new_credentials_after_a_rejection(aws: FakeAws) -> None:
    """A key that the server no longer takes is gone with the next request, on the same store."""
    aws.accepted = {"KEY1"}
    credentials = StoreCredentials(Refresher(Numbered()), store_shape)
    store = store_of(aws, credentials)
    assert read(store) == BODY
    aws.accepted = {"KEY2"}
    before = credentials.last
    with pytest.raises(Exception, match="ExpiredToken") as caught:
        read(store)
    assert verdict(str(caught.value), None, S3.errors)
    assert credentials.refresher.reject(before) is True
    assert read(store) == BODY
    assert aws.signers == ["KEY1", "KEY1", "KEY2"]


@pytest.mark.parametrize("code", sorted(S3.errors.rejected))
def test_code_in_finds_the_code_of_an_error_body_anywhere(code: str) -> None:
    """The error of obstore shows the body inside a longer text."""
    text = (
        f'Client error with status 400 Bad Request: <?xml version="1.0"?>\n<Error>\n <Code>{code}</Code></Error> after'
    )
    assert (code_in(text), verdict(text, None, S3.errors)) == (code, True)


@pytest.mark.parametrize("text", ["", "403 Forbidden", "<Error><Code>AccessDenied</Code></Error>", "Code ExpiredToken"])
def test_verdict_leaves_other_errors_alone(text: str) -> None:
    """A forbidden object is no reason to fetch credentials."""
    assert verdict(text, None, S3.errors) is None


async def call(session: Any, aws: FakeAws, *operations: str) -> list[Any]:
    """Run S3 operations with a client of the session; an error's code in place of its result."""
    from botocore.config import Config
    from botocore.exceptions import ClientError

    results: list[Any] = []
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0})
    async with session.create_client("s3", endpoint_url=aws.url, region_name="us-east-1", config=config) as client:
        for operation in operations:
            extra = {"Body": b"content"} if operation == "put_object" else {}
            try:
                answer = await getattr(client, operation)(Bucket="bucket", Key="key", **extra)
                if operation == "get_object":
                    await answer["Body"].read()
                results.append(answer["ResponseMetadata"]["HTTPStatusCode"])
            except ClientError as error:
                results.append(error.response["Error"]["Code"])
    return results


@pytest.fixture
def refresher() -> Refresher:
    return Refresher(Numbered())


def session_of(refresher: Refresher) -> Any:
    pytest.importorskip("aiobotocore")
    session = aio_session(refresher)
    register_refresh_on_rejection(session, refresher)
    return session


@pytest.mark.parametrize("operation", ["get_object", "put_object", "delete_object", "head_object"])
def test_aio_session_replaces_refused_credentials_and_signs_again(
    aws: FakeAws, refresher: Refresher, operation: str
) -> None:
    """The request that met the refusal succeeds with new credentials, also a HEAD, whose answer has no code."""
    aws.accepted = {"KEY1"}
    session = session_of(refresher)
    assert asyncio.run(call(session, aws, operation)) == [200]
    aws.accepted = {"KEY2"}
    refresher._monotonic = lambda: 1e10  # the credentials are old enough to doubt a bare refusal
    assert asyncio.run(call(session, aws, operation, operation)) == [200, 200]
    assert aws.signers == ["KEY1", "KEY1", "KEY2", "KEY2"]
    assert refresher.fetch_count == 2


def test_aio_session_retries_a_refused_request_once_only(aws: FakeAws, refresher: Refresher) -> None:
    """Where new credentials are refused too, the caller sees the server's error."""
    assert asyncio.run(call(session_of(refresher), aws, "get_object")) == ["ExpiredToken"]
    assert aws.signers == ["KEY1", "KEY2"]


def test_aio_session_does_not_doubt_fresh_credentials_for_a_bare_refusal(aws: FakeAws, refresher: Refresher) -> None:
    """A HEAD of a forbidden object costs no fetch."""
    aws.refusal = "AccessDenied"
    # Fresh is a second; a busy machine takes that long to make the client.
    refresher._monotonic = lambda: 0.0
    assert asyncio.run(call(session_of(refresher), aws, "head_object", "get_object")) == ["403", "AccessDenied"]
    assert aws.signers == ["KEY1", "KEY1"]


def test_aio_session_joins_concurrent_refusals_in_one_fetch(aws: FakeAws, refresher: Refresher) -> None:
    """Ten requests with one dead key: one new key, ten successes."""
    aws.accepted = {"KEY2"}
    session = session_of(refresher)

    async def together() -> list[list[Any]]:
        return await asyncio.gather(*(call(session, aws, "get_object") for _ in range(10)))

    assert asyncio.run(together()) == [[200]] * 10
    assert refresher.fetch_count == 2


def test_aio_session_says_why_when_the_provider_repeats_refused_credentials(aws: FakeAws) -> None:
    """The server's refusal reaches the caller who was refused twice; then requests fail before they are sent."""
    session = session_of(Refresher(Numbered(repeat=True)))
    assert asyncio.run(call(session, aws, "get_object")) == ["ExpiredToken"]
    with pytest.raises(CredentialsExpiredError, match="keeps returning credentials that the server rejects"):
        asyncio.run(call(session, aws, "get_object"))
    assert aws.signers == ["KEY1"] * 2


def test_aio_session_reads_nothing_behind_our_back(
    aws: FakeAws, refresher: Refresher, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A missing profile, broken files, foreign keys, endpoints and modes in the environment change nothing."""
    broken = tmp_path / "config"
    broken.write_text("not an ini file")
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("not an ini file")
    hostile = {
        "HOME": str(tmp_path),
        "AWS_PROFILE": "missing",
        "AWS_CONFIG_FILE": str(broken),
        "AWS_SHARED_CREDENTIALS_FILE": str(broken),
        "AWS_ACCESS_KEY_ID": "ENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_SESSION_TOKEN": "t",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_BEARER_TOKEN_S3": "bearer",
        "AWS_RETRY_MODE": "no-such-mode",
        "AWS_DEFAULTS_MODE": "no-such-mode",
        "AWS_MAX_ATTEMPTS": "many",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CA_BUNDLE": str(broken),
        "AWS_DEFAULT_REGION": "no such region",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    aws.accepted = {"KEY1"}
    assert asyncio.run(call(session_of(refresher), aws, "get_object")) == [200]
    variables = aio_session(refresher, {"max_attempts": 7})
    assert variables.get_config_variable("max_attempts") == 7
    assert {name: variables.get_config_variable(name) for name in ("region", "profile", "ca_bundle")} == {
        "region": None,
        "profile": None,
        "ca_bundle": None,
    }
    assert os.environ["AWS_PROFILE"] == "missing"


def test_aio_session_takes_no_endpoint_from_the_environment(
    refresher: Refresher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an endpoint it is Amazon's, whatever the environment says."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    async def endpoint() -> str:
        async with session_of(refresher).create_client("s3", region_name="us-east-1") as client:
            return str(client.meta.endpoint_url)

    assert asyncio.run(endpoint()).endswith("amazonaws.com")


def test_aio_session_without_a_refresher_has_no_credentials(aws: FakeAws) -> None:
    """An anonymous session never finds credentials by itself."""
    pytest.importorskip("aiobotocore")
    assert asyncio.run(aio_session(None).get_credentials()) is None
