"""The provider of any JSON endpoint: what it sends, what it reads, and everything that it refuses."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import objfs
from objfs.clouds.known import CLOUDS
from objfs.clouds.s3 import S3
from objfs.credentials.provider import normalise_provider
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError
from objfs.providers import HttpJson, questions
from tests.emulators.expiring_work import work_through_expiry
from tests.emulators.fakes_catalogs import Answer, FakeService, serving, vending

KEYS = {"access_key_id": "AKID", "secret_access_key": "hidden-secret"}
FIELDS = {"access_key_id": "$.data.keys[0].id", "secret_access_key": "data.keys[0].secret", "expires_at": "lease.end"}
DEEP = {"data": {"keys": [{"id": "AKID", "secret": "hidden-secret"}]}, "lease": {"end": "2027-01-15T08:00:00Z"}}
WHEN = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    """A service whose answers the test sets; pauses between attempts take no time."""
    monkeypatch.setattr(questions, "_PAUSE_SECONDS", 0.0)
    with serving() as fake:
        yield fake


def fetch(service: FakeService, **options: Any) -> Credentials:
    return normalise_provider({"provider": "http", "url": f"{service.url}/keys", **options}, S3).fetch()


def test_fields_are_found_by_their_paths(service):
    """Each storage option has a place in the answer."""
    service.on("GET", "/keys", DEEP)
    found = fetch(service, fields=FIELDS)
    assert (dict(found.values), found.expires_at) == (KEYS, WHEN)


def test_answer_may_hold_storage_options_as_they_are(service):
    """Under any of their names, in a part of the answer."""
    service.on("GET", "/keys", {"data": {"aws_access_key_id": "AKID", "AWS_SECRET_ACCESS_KEY": "hidden-secret"}})
    found = fetch(service, root="$.data")
    assert (dict(found.values), found.expires_at) == (KEYS, None)


@pytest.mark.parametrize(
    ("cloud", "name", "value"),
    [("gcs", "bearer_token", "ya29.a"), ("azure", "sas_key", "sv=2024-11-04&sig=c2ln"), ("azure", "token", "entra")],
)
def test_answer_of_each_cloud_is_read(service, cloud, name, value):
    """What credentials are is the filesystem's affair."""
    service.on("GET", "/keys", {"token": value} if name != "sas_key" else {"sas_token": value})
    source = normalise_provider(HttpJson(f"{service.url}/keys"), next(one for one in CLOUDS if one.name == cloud))
    assert dict(source.fetch().values) == {name: value}


@pytest.mark.parametrize(
    ("told", "options", "seconds"),
    [
        pytest.param({"expires_in": 900}, {}, 900, id="expires-in"),
        pytest.param({"expires_in": "900s"}, {"lifetime": 60}, 900, id="expires-in-before-lifetime"),
        pytest.param({}, {"lifetime": "10min"}, 600, id="lifetime"),
        pytest.param({"expiry": None}, {"lifetime": 60}, 60, id="lifetime-in-place-of-nothing"),
    ],
)
def test_expiry_may_be_a_time_from_now(service, told, options, seconds):
    """As token services tell it; or one that the configuration gives, where the answer has none."""
    service.on("GET", "/keys", {**KEYS, **told})
    before = datetime.now(UTC)
    expiry = fetch(service, **options).expires_at
    assert expiry is not None
    assert abs((expiry - before).total_seconds() - seconds) < 30


def test_headers_and_body_come_from_the_environment(service, monkeypatch):
    """At each fetch: a renewed token is used without a new filesystem."""
    service.on("POST", "/keys", KEYS)
    options = {"method": "post", "headers": {"Authorization": "Bearer ${VAULT_TOKEN}"}, "body": {"role": "$VAULT_ROLE"}}
    source = normalise_provider({"provider": "http", "url": f"{service.url}/keys", **options}, S3)
    monkeypatch.setenv("VAULT_ROLE", "reader")
    for token in ("one", "two"):
        monkeypatch.setenv("VAULT_TOKEN", token)
        source.fetch()
    assert [one.headers["authorization"] for one in service.asked] == ["Bearer one", "Bearer two"]
    assert service.asked[0].body == {"role": "reader"}


@pytest.mark.parametrize(
    "token", ["hidden-token\n", "hidden-töken", "hidden\x7ftoken"], ids=["line", "umlaut", "delete"]
)
def test_token_that_no_header_can_hold_is_not_shown(service, monkeypatch, token):
    """A file's last line break in an environment variable is the usual reason."""
    monkeypatch.setenv("VAULT_TOKEN", token)
    with pytest.raises(CredentialsError, match="the header 'X-Token' holds a character") as caught:
        fetch(service, headers={"X-Token": "$VAULT_TOKEN"})
    assert "hidden" not in "".join(traceback.format_exception(caught.value))
    assert service.asked == []


def test_redirect_to_another_host_is_not_followed(service):
    """It would see the token; also where only the port differs."""
    with serving() as other:
        other.on("GET", "/keys", KEYS)
        service.on("GET", "/keys", Answer({}, 302, {"Location": f"{other.url}/keys"}))
        with pytest.raises(CredentialsError, match="redirects to another host"):
            fetch(service, headers={"Authorization": "Bearer hidden"})
        assert other.asked == []


def test_redirect_on_the_same_host_is_followed(service):
    """Services move their paths."""
    service.on("GET", "/keys", Answer({}, 307, {"Location": "/v2/keys"}))
    service.on("GET", "/v2/keys", KEYS)
    assert dict(fetch(service).values) == KEYS


def test_answer_that_is_too_large_is_an_error(service):
    """It is not read to its end."""
    service.on("GET", "/keys", {**KEYS, "padding": "x" * 100_000})
    with pytest.raises(CredentialsError, match="more than 4096 bytes"):
        fetch(service, max_bytes="4096")


def test_server_that_does_not_answer_is_given_up(service):
    """Once, and not again for each attempt."""
    done = threading.Event()
    service.on("GET", "/keys", lambda _: done.wait(10) and KEYS)
    with pytest.raises(CredentialsError, match="TimeoutError"):
        fetch(service, timeout=0.2)
    done.set()
    assert len(service.asked) == 1


def test_server_that_drips_is_given_up(service):
    """Each byte comes in time; all of them would take a minute."""
    done = threading.Event()

    def drips() -> Iterator[bytes]:
        for _ in range(1200):
            if done.wait(0.05):
                return
            yield b" "

    service.on("GET", "/keys", lambda _: Answer(drips()))
    with pytest.raises(CredentialsError, match=r"no complete answer within 0\.2 s"):
        fetch(service, timeout=0.2)
    done.set()
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_busy_server_is_asked_again(service, status):
    """All of a cluster's workers ask at the same moment."""
    answers = iter([Answer({}, status, {"Retry-After": "0"}), Answer({}, status), Answer(KEYS)])
    service.on("GET", "/keys", lambda _: next(answers))
    assert dict(fetch(service).values) == KEYS
    assert len(service.asked) == 3


def test_server_that_stays_busy_is_an_error(service):
    """After three attempts; the refresher asks again later."""
    service.on("GET", "/keys", Answer({}, 503))
    with pytest.raises(CredentialsError, match="status 503"):
        fetch(service)
    assert len(service.asked) == 3


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"error": {"message": "no token for hidden-token-value: it expired"}}, id="iceberg"),
        pytest.param({"error_code": "X", "message": "no token for hidden-token-value: it expired"}, id="unity"),
        pytest.param({"error": "x", "error_description": "no hidden-token-value: it expired"}, id="oauth"),
    ],
)
def test_refusal_says_why_and_nothing_that_was_sent(service, body):
    """The reason of the service is shown, not the token that it repeats; it is asked once."""
    service.on("GET", "/keys", Answer(body, 403))
    with pytest.raises(CredentialsError, match=r"status 403: .*it expired") as caught:
        fetch(service, headers={"Authorization": "Bearer hidden-token-value"})
    assert "hidden-token-value" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("answer", "options", "message"),
    [
        pytest.param(Answer(b"<html>"), {}, "6 bytes that are no JSON", id="page"),
        pytest.param(KEYS, {"root": "$.data"}, "without an object at $.data", id="root"),
        pytest.param([KEYS], {}, "without an object at $", id="list"),
        pytest.param(KEYS, {"fields": {"key": "$.data.k"}}, "without anything at $.data.k", id="fields"),
        pytest.param({**KEYS, "expires_at": "soon"}, {}, "expiry that cannot be read", id="expiry"),
        pytest.param({"access_key_id": "A"}, {}, "missing: secret_access_key", id="half"),
        pytest.param({**KEYS, "shoe_size": 43}, {}, "unknown storage option 'shoe_size'", id="unknown-option"),
    ],
)
def test_answer_that_holds_no_credentials_is_an_error(service, answer, options, message):
    """It says what is missing where, and no value."""
    service.on("GET", "/keys", answer)
    with pytest.raises(CredentialsError) as caught:
        fetch(service, **options)
    assert message in str(caught.value)
    assert "hidden-secret" not in str(caught.value)


def test_server_that_is_not_there_is_named(service):
    """Without the query, which may hold a key."""
    with pytest.raises(CredentialsError, match=r"GET http://127.0.0.1:1/keys failed: ConnectionRefusedError"):
        HttpJson("http://127.0.0.1:1/keys?key=hidden").fetch_storage_options()


def test_filesystem_names_the_server_that_is_not_there():
    """Host and path are no secrets of a configuration, as its query is."""
    told = {"provider": "http", "url": "http://127.0.0.1:1/keys/of/team?key=hidden-key"}
    fs = objfs.S3FileSystem(region="us-east-1", storage_options_provider=told)
    with pytest.raises(CredentialsError, match=r"GET http://127\.0\.0\.1:1/keys/of/team failed: ConnectionRefused"):
        fs.cat_file("bucket/key")


def test_reads_and_writes_go_on_while_keys_expire(service, gateway, bucket):
    """Keys that live for two seconds, in a dict of plain text: one file is read and another written all the while."""
    service.on("GET", "/keys", vending(gateway, 2, lambda keys: {"data": keys}))
    provider = {"provider": "http", "url": f"{service.url}/keys", "root": "$.data"}
    fs = objfs.S3FileSystem(endpoint_url=gateway.endpoint, region="us-east-1", storage_options_provider=provider)
    assert work_through_expiry(fs, gateway, bucket) == len(service.asked)
