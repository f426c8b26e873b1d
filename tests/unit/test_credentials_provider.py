"""Providers: the base class, what is accepted in its place, and every shape of answer."""

from __future__ import annotations

import asyncio
import functools
import logging
import pickle
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from objfs.credentials.provider import StorageOptionsProvider, normalise_provider, provider_identity
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, OptionError
from tests.unit.small_cloud import CLOUD

KEYS = {"access_key_id": "AKID", "secret_access_key": "hidden-secret"}
WHEN = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
MILLIS = "1800000000000"


class Vending(StorageOptionsProvider):
    """A provider with a public, a private and a secret attribute."""

    def __init__(self, account: str = "a", api_key: str = "k3y", hidden: int = 0) -> None:
        self.account = account
        self.api_key = api_key
        self._hidden = hidden
        self._calls = 0

    def fetch_storage_options(self) -> dict[str, str]:
        self._calls += 1
        return {"aws_access_key_id": f"{self.account}{self._calls}", "aws_secret_access_key": "s"}


@dataclass
class DataVending(StorageOptionsProvider):
    """A dataclass, which by itself would print its fields and forbid hashing."""

    account: str
    password: str = field(default="pa55word")

    def fetch_storage_options(self) -> dict[str, str]:
        return dict(KEYS)


class Named(StorageOptionsProvider):
    """A provider that says who it is."""

    def __init__(self, name: str) -> None:
        self.name, self.noise = name, object()

    def fetch_storage_options(self) -> dict[str, str]:
        return dict(KEYS)

    def provider_id(self) -> str:
        return f"table {self.name}"


def plain_function() -> dict[str, str]:
    """A provider that is a function."""
    return dict(KEYS)


async def coroutine_function() -> dict[str, Any]:
    """A provider that is a coroutine function."""
    await asyncio.sleep(0)
    return dict(KEYS)


def returns_a_coroutine() -> Any:
    """A provider that is not a coroutine function and still must be awaited."""
    return coroutine_function()


class DuckTyped:
    """Not one of ours, but it has the method; async."""

    async def fetch_storage_options(self) -> dict[str, Any]:
        return dict(KEYS)


class ObstoreStyle:
    """As obstore's ready-made providers: a callable object with attributes for the store."""

    config = {"region": "eu-central-1"}  # noqa: RUF012 - as in the original
    prefix = "p"
    refresh_threshold = timedelta(minutes=5)

    def __call__(self) -> dict[str, Any]:
        return {**KEYS, "token": None, "expires_at": WHEN}


class AsyncCallable:
    """A callable object whose call is a coroutine function."""

    async def __call__(self) -> dict[str, Any]:
        return {**KEYS, "token": "t", "expires_at": None}


class NeedsArgument:
    """A provider class that cannot be made from an import string."""

    def __init__(self, needed: str) -> None:
        self.needed = needed


INSTANCE = Named("from an import string")
NOT_A_PROVIDER = 42


def fetch(provider: Any) -> Credentials:
    return normalise_provider(provider, CLOUD).fetch()


@pytest.mark.parametrize(
    ("provider", "key", "expiry"),
    [
        pytest.param(Vending("acc"), "acc1", None, id="our-base-class"),
        pytest.param(DuckTyped(), "AKID", None, id="duck-typed-async"),
        pytest.param(plain_function, "AKID", None, id="function"),
        pytest.param(coroutine_function, "AKID", None, id="coroutine-function"),
        pytest.param(functools.partial(coroutine_function), "AKID", None, id="partial-of-a-coroutine-function"),
        pytest.param(returns_a_coroutine, "AKID", None, id="function-that-returns-a-coroutine"),
        pytest.param(Vending("acc").fetch_storage_options, "acc1", None, id="bound-method"),
        pytest.param(ObstoreStyle(), "AKID", WHEN, id="obstore-callable"),
        pytest.param(AsyncCallable(), "AKID", None, id="obstore-async-callable"),
        pytest.param(f"{__name__}:INSTANCE", "AKID", None, id="import-string-of-an-instance"),
        pytest.param(f"{__name__}:Vending", "a1", None, id="import-string-of-a-class"),
        pytest.param(f"{__name__}:plain_function", "AKID", None, id="import-string-of-a-function"),
        pytest.param(f"{__name__}:coroutine_function", "AKID", None, id="import-string-of-a-coroutine-function"),
        pytest.param(f"{__name__}:INSTANCE.fetch_storage_options", "AKID", None, id="import-string-with-dots"),
    ],
)
def test_normalise_provider_accepts(provider: Any, key: str, expiry: datetime | None) -> None:
    """Everything that can hand out credentials is brought into one shape."""
    credentials = fetch(provider)
    assert (credentials.values["access_key_id"], credentials.expires_at) == (key, expiry)


@pytest.mark.parametrize(
    ("answer", "token", "expiry"),
    [
        pytest.param(KEYS, None, None, id="static-pair"),
        pytest.param({**KEYS, "expires_at": None, "token": None}, None, None, id="obstore-without-expiry"),
        pytest.param({**KEYS, "token": "t", "expires_at": WHEN}, "t", WHEN, id="obstore"),
        pytest.param(
            {"aws_access_key_id": "AKID", "aws_secret_access_key": "s", "expires_at_millis": MILLIS},
            None,
            WHEN,
            id="lance",
        ),
        pytest.param(
            {"KEY": "AKID", "Secret": "s", "token": "", "expires_at_millis": int(MILLIS)}, None, WHEN, id="s3fs"
        ),
        pytest.param(
            {
                "s3.access-key-id": "AKID",
                "s3.secret-access-key": "s",
                "s3.session-token": "t",
                "s3.session-token-expires-at-ms": MILLIS,
            },
            "t",
            WHEN,
            id="iceberg",
        ),
        pytest.param(
            {
                "storage-credentials": [
                    {"prefix": "s3://b/", "config": {"s3.access-key-id": "AKID", "s3.secret-access-key": "s"}}
                ]
            },
            None,
            None,
            id="iceberg-rest-list-of-one",
        ),
        pytest.param(
            {
                "aws_temp_credentials": {"access_key_id": "AKID", "secret_access_key": "s", "session_token": "t"},
                "azure_user_delegation_sas": None,
                "expiration_time": int(MILLIS),
                "url": "s3://bucket/table",
            },
            "t",
            WHEN,
            id="unity-catalog",
        ),
        pytest.param(
            ({"aws_access_key_id": "AKID", "aws_secret_access_key": "s"}, 1_800_000_000), None, WHEN, id="polars"
        ),
        pytest.param((KEYS, None), None, None, id="polars-without-expiry"),
        pytest.param({**KEYS, "expires_at": "2027-01-15T09:00:00+01:00"}, None, WHEN, id="iso-text"),
    ],
)
def test_provider_answer_is_read_in_every_vocabulary(answer: Any, token: str | None, expiry: datetime | None) -> None:
    """Names, nesting and units of the known vocabularies lead to the same values."""
    credentials = fetch(lambda: answer)
    assert credentials.values["access_key_id"] == "AKID"
    assert credentials.values.get("session_token") == token
    assert credentials.expires_at == expiry


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(None, "must return a mapping of storage options, got NoneType", id="none"),
        pytest.param("hidden-secret", "got str", id="text"),
        pytest.param([("key", "hidden-secret")], "got list", id="list"),
        pytest.param({}, "returned no credentials; missing: access_key_id and secret_access_key", id="empty"),
        pytest.param({"key": "AKID"}, "returned only access_key_id; missing: secret_access_key", id="half-a-pair"),
        pytest.param({"key": "", "secret": "hidden-secret"}, "returned only secret_access_key", id="empty-half"),
        pytest.param({1: "hidden-secret"}, "names that are text, got int", id="name-not-text"),
        pytest.param({"key": "AKID", "secret": b"\xff"}, "got bytes", id="bytes-not-text"),
        pytest.param({"key": "AKID", "secret": ["hidden-secret"]}, "expected text, got list", id="value-not-text"),
        pytest.param({**KEYS, "expires_at": "soon"}, "'expires_at' .*expected a timestamp", id="expiry-not-a-time"),
        pytest.param({**KEYS, "expires_at": datetime(2027, 1, 1)}, "aware", id="naive-expiry"),  # noqa: DTZ001
        pytest.param({**KEYS, "acces_key": "x"}, "unknown storage option 'acces_key'; did you mean", id="unknown-name"),
        pytest.param({**KEYS, "token": "hidden-secret", "session_token": "x"}, "to different values", id="two-names"),
        pytest.param({"nested": {"key": "hidden-secret"}}, "unknown storage option 'nested.key'", id="unknown-nesting"),
        pytest.param((KEYS, "never"), "second part is not an expiry", id="pair-with-junk"),
        pytest.param((KEYS, None, 1), "got tuple", id="triple"),
        pytest.param({"storage-credentials": []}, "0 usable storage-credentials", id="empty-list"),
    ],
)
def test_provider_junk_is_an_error_that_names_the_provider_and_no_value(answer: Any, message: str) -> None:
    """Wrong answers say who gave them and what was wrong, never what was in them."""

    def junk_provider() -> Any:
        return answer

    with pytest.raises(CredentialsError, match=message) as caught:
        fetch(junk_provider)
    assert "junk_provider" in str(caught.value)
    assert "hidden-secret" not in str(caught.value)


def test_provider_extra_options_are_ignored_with_a_debug_record(caplog: pytest.LogCaptureFixture) -> None:
    """A region beside the credentials is no error and is told at debug level."""
    with caplog.at_level(logging.DEBUG, "objfs"):
        credentials = fetch(lambda: {**KEYS, "region": "eu-west-1", "endpoint_url": "https://e"})
    assert set(credentials.values) == set(KEYS)
    assert "endpoint, region" in caplog.text
    assert "hidden-secret" not in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("no_such_module_x:thing", "module 'no_such_module_x' cannot be imported", id="module"),
        pytest.param(f"{__name__}:missing", "has no attribute 'missing'", id="attribute"),
        pytest.param(
            f"{__name__}:NOT_A_PROVIDER", "neither callable nor has fetch_storage_options", id="not-a-provider"
        ),
        pytest.param(f"{__name__}:NeedsArgument", "cannot be made without arguments", id="class-with-arguments"),
    ],
)
def test_import_string_fails_at_the_first_fetch_with_a_reason(text: str, message: str) -> None:
    """Nothing is imported before; then the error names the string."""
    source = normalise_provider(text, CLOUD)
    with pytest.raises(CredentialsError, match=message) as caught:
        source.fetch()
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("junk", "message"),
    [
        pytest.param("no.colon.here", "import string 'package.module:attribute'", id="no-colon"),
        pytest.param("os:system('x')", "import string", id="code"),
        pytest.param(42, "must be callable or have fetch_storage_options", id="number"),
        pytest.param(Vending, "must be an instance or a function, got the class", id="class"),
    ],
)
def test_normalise_provider_refuses(junk: Any, message: str) -> None:
    """What cannot be a provider is refused when it is given."""
    with pytest.raises(OptionError, match=message):
        normalise_provider(junk, CLOUD)


def test_provider_repr_is_stable_and_shows_no_secret() -> None:
    """Public values are shown; private ones and those with a secret's name are digests."""
    text = repr(Vending("acc", "k3y"))
    assert text == repr(Vending("acc", "k3y"))
    assert "account='acc'" in text
    assert "k3y" not in text
    assert "0x" not in text


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        pytest.param(Vending("a"), Vending("a"), True, id="same-state"),
        pytest.param(Vending("a"), Vending("b"), False, id="public-state"),
        pytest.param(Vending(api_key="x"), Vending(api_key="y"), False, id="secret-state"),
        pytest.param(Vending(hidden=1), Vending(hidden=2), False, id="private-state"),
        pytest.param(DataVending("a"), DataVending("a"), True, id="dataclass"),
        pytest.param(DataVending("a", "x"), DataVending("a", "y"), False, id="dataclass-secret"),
        pytest.param(Named("a"), Named("a"), True, id="own-id"),
        pytest.param(Named("a"), Named("b"), False, id="other-id"),
        pytest.param(Named("a"), Vending("a"), False, id="other-class"),
    ],
)
def test_provider_equality_follows_class_and_provider_id(left: Any, right: Any, *, equal: bool) -> None:
    """Equal providers have one hash, one identity and one repr; others differ in all of them."""
    assert (left == right) is equal
    assert (hash(left) == hash(right)) is equal
    assert (provider_identity(left) == provider_identity(right)) is equal
    assert (repr(left) == repr(right)) is equal


def test_provider_identity_outlives_use_and_pickling() -> None:
    """A provider that counts its calls stays equal to itself, here and in another process."""
    provider = Vending("a")
    identity, before = provider_identity(provider), hash(provider)
    provider.fetch_storage_options()
    copy = pickle.loads(pickle.dumps(provider))
    assert (provider_identity(provider), hash(provider)) == (identity, before)
    assert copy == provider
    assert copy == Vending("a")


def test_provider_identity_is_the_same_in_another_process() -> None:
    """No memory address and no hash seed gets into it."""
    code = f"from {__name__} import DataVending, Vending; print(repr([Vending('a'), DataVending('a')]))"
    root = Path(__file__).parents[2]
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            cwd=root,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert told == [repr([Vending("a"), DataVending("a")])] * 2


def test_dataclass_provider_hides_its_fields_and_can_be_hashed() -> None:
    """The dataclass decorator neither prints the secret nor takes the hash away."""
    provider = DataVending("acc")
    assert "pa55word" not in repr(provider)
    assert "account='acc'" in repr(provider)
    assert {provider: 1}[DataVending("acc")] == 1


def test_closures_of_one_function_are_different_providers() -> None:
    """Two closures may hold two identities, so they must not share a cache; each stays itself."""

    def vending(account: str) -> Any:
        return lambda: {"key": account, "secret": "s"}

    left, right = vending("a"), vending("b")
    assert provider_identity(left) != provider_identity(right)
    assert provider_identity(left) == provider_identity(left)


def test_objects_with_opaque_state_are_different_providers() -> None:
    """A client inside says nothing of whom it acts for: two of them are never taken for one."""

    class Holding:
        def __init__(self, client: object) -> None:
            self.client = client

        def fetch_storage_options(self) -> dict[str, str]:
            return dict(KEYS)

    one, other = Holding(object()), Holding(object())
    assert provider_identity(one) != provider_identity(other)
    assert provider_identity(one) == provider_identity(one)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        pytest.param(plain_function, plain_function, True, id="function"),
        pytest.param(functools.partial(plain_function, 1), functools.partial(plain_function, 1), True, id="partial"),
        pytest.param(
            functools.partial(plain_function, 1), functools.partial(plain_function, 2), False, id="other-partial"
        ),
        pytest.param(Vending("a").fetch_storage_options, Vending("a").fetch_storage_options, True, id="bound-method"),
        pytest.param(Vending("a").fetch_storage_options, Vending("b").fetch_storage_options, False, id="other-bound"),
        pytest.param("m:a", "m:a", True, id="import-string"),
    ],
)
def test_provider_identity_of_callables(left: Any, right: Any, *, equal: bool) -> None:
    """Functions are told by name, partials and methods also by what they are bound to."""
    assert (provider_identity(left) == provider_identity(right)) is equal


def test_credentials_repr_shows_names_and_expiry_only() -> None:
    """Neither the values nor the key id appear."""
    text = repr(Credentials(dict(KEYS), WHEN))
    assert text == "<Credentials access_key_id, secret_access_key; expires 2027-01-15T08:00:00+00:00>"
