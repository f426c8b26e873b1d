"""Ready-made providers without a network: their names, options, identities, and what they read out of answers."""

from __future__ import annotations

import importlib.metadata
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import objfs
import objfs.providers
from objfs.clouds.s3 import S3
from objfs.credentials.named import READY_MADE, make, secret_part
from objfs.credentials.provider import StorageOptionsProvider, normalise_provider, provider_identity
from objfs.errors import CredentialsError, OptionError
from objfs.providers.base import from_environment
from objfs.providers.moments import after, as_moment
from objfs.providers.paths import follow, parse_path

SECRET = "s3cr3t-value-of-a-test"
# The least that each needs, with a secret where it takes one.
LEAST: dict[str, dict[str, Any]] = {
    "aws-assume-role": {
        "role_arn": "arn:aws:iam::123456789012:role/r",
        "access_key_id": "A",
        "secret_access_key": SECRET,
    },
    "aws-web-identity": {"role_arn": "arn:aws:iam::123456789012:role/r", "token": SECRET},
    "aws-session": {"profile": "analytics"},
    "google": {"credentials": f'{{"type": "authorized_user", "refresh_token": "{SECRET}"}}'},
    "azure-identity": {"tenant_id": "t", "client_id": "c", "client_secret": SECRET},
    "unity": {"endpoint": "https://dbc.example.com", "table": "main.sales.orders", "token": SECRET},
    "iceberg": {"uri": "https://lake.example.com/api", "table": "sales.orders", "credential": f"id:{SECRET}"},
    "lance": {"uri": "https://lance.example.com", "table": "sales$orders", "token": SECRET},
    "http": {"url": f"https://vault.example.com/v1/aws?key={SECRET}", "headers": {"X-Vault-Token": SECRET}},
}
each_provider = pytest.mark.parametrize("name", LEAST)


def named(name: str, **more: Any) -> Any:
    return make({"provider": name, **LEAST[name], **more})


def test_every_name_leads_to_a_class_that_is_exported():
    """The table of names and the package say the same."""
    places = {place.partition(":")[2] for place in READY_MADE.values()}
    assert places == set(objfs.providers.__all__)
    assert set(LEAST) == set(READY_MADE)


@each_provider
def test_provider_is_made_of_a_dict(name):
    """In any spelling of its name and of its options."""
    provider = make({"provider": name.upper().replace("-", "_"), **{k.upper(): v for k, v in LEAST[name].items()}})
    assert isinstance(provider, StorageOptionsProvider)
    assert provider == named(name)


@each_provider
def test_provider_is_made_of_json_text(name):
    """As an environment variable, a property of a catalog or the command line give it."""
    text = json.dumps({"provider": name, **LEAST[name]})
    assert provider_identity(text) == provider_identity({"provider": name, **LEAST[name]})


@each_provider
def test_name_and_repr_of_a_provider_hold_no_secret(name):
    """They are in logs and in graphs of dask."""
    provider = named(name)
    assert SECRET not in provider.provider_id() + repr(provider)


@each_provider
@pytest.mark.parametrize("as_text", [False, True], ids=["dict", "json"])
def test_filesystem_shows_no_secret_of_the_dict_that_it_was_given(name, as_text):
    """Neither its repr, its tokens, its redacted JSON nor its explanation do."""
    told: Any = {"provider": name, **LEAST[name]}
    fs = objfs.S3FileSystem(region="us-east-1", storage_options_provider=json.dumps(told) if as_text else told)
    shown = [repr(fs), repr(fs.__dask_tokenize__()), fs.to_json(include_password=False), str(fs.explain("b/k"))]
    assert [text for text in shown if SECRET in text] == []
    assert provider_identity(told) in shown[-1]


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        pytest.param("https://vault.example.com/v1/aws", "", id="none"),
        pytest.param(f"https://vault.example.com/v1/aws?key={SECRET}", f"key={SECRET}", id="query"),
        pytest.param(f"https://vault.example.com/v1/aws#{SECRET}", SECRET, id="fragment"),
        pytest.param(f"https://u:{SECRET}@h/p", f"https://u:{SECRET}@h/p", id="user"),
        pytest.param(f"https://u:pass/{SECRET}@h/p", f"https://u:pass/{SECRET}@h/p", id="user-with-slash"),
        pytest.param("$VAULT_URL", "", id="variable"),
        pytest.param(None, None, id="no-text"),
    ],
)
def test_place_of_a_url_is_no_secret(url, secret):
    """Errors name the host that did not answer; all else of a URL is hidden wherever it is quoted."""
    told = {"provider": "added", "URL": url, "headers": {"X": SECRET}, "other": "plain"}
    assert secret_part(told) == {"URL": secret, "headers": {"X": SECRET}}


def test_filesystem_refuses_a_provider_that_does_not_exist():
    """When it is made, and not at its first request."""
    with pytest.raises(OptionError, match="did you mean 'unity'"):
        objfs.S3FileSystem(region="us-east-1", storage_options_provider={"provider": "unty"})


def test_configuration_file_leaves_the_variables_of_a_provider_to_it(tmp_path):
    """They are looked up where the fetch is: what is sent to workers holds the name alone, and need not be set here."""
    path = tmp_path / "stores.toml"
    table = '{ provider = "unity", endpoint = "https://h", table = "c.s.t", token = "$UNITY_TOKEN" }'
    path.write_text(f'[lab]\nurl = "s3://b/k"\nregion = "us-east-1"\nstorage_options_provider = {table}\n')
    fs, _ = objfs.from_config(str(path), profile="lab")
    told = {"provider": "unity", "endpoint": "https://h", "table": "c.s.t", "token": "$UNITY_TOKEN"}
    assert fs.connection.choice.source.identity == provider_identity(told)


def test_equal_dicts_and_objects_share_what_they_fetch():
    """One refresher, however the provider was said."""
    told = {"provider": "unity", **LEAST["unity"]}
    ways: list[Any] = [told, json.dumps(told), objfs.providers.UnityCatalog(**LEAST["unity"])]
    made = [objfs.S3FileSystem(region="us-east-1", storage_options_provider=way) for way in ways]
    assert len({id(fs.connection.choice) for fs in made}) == 1


@each_provider
def test_provider_is_the_same_after_a_round_trip(name):
    """Pickled for a worker, it shares what its equal there has fetched."""
    provider = named(name)
    copy = pickle.loads(pickle.dumps(provider))
    assert copy == provider
    assert copy.options() == provider.options()


@each_provider
def test_providers_with_other_options_differ(name):
    """Also where only a secret differs, or where the option is not shown."""
    option, value = list(LEAST[name].items())[-1]
    other = {"X-Vault-Token": "other"} if isinstance(value, dict) else f"{value}2"
    assert named(name) != named(name, **{option: other})


@pytest.mark.parametrize(
    ("told", "message"),
    [
        pytest.param({"provider": "htp"}, "there is no provider 'htp'; did you mean 'http'", id="name"),
        pytest.param(
            {"provider": "zzz"}, "there is no provider 'zzz'. Known are aws-assume-role", id="no-name-like-it"
        ),
        pytest.param({"provider": "http", "ulr": "x"}, "has no option 'ulr'; did you mean 'url'", id="option"),
        pytest.param({"provider": "http"}, "'http' needs url", id="missing"),
        pytest.param({"url": "https://a"}, "needs its name under 'provider'", id="nameless"),
        pytest.param({"provider": "http", "url": "ftp://a/b"}, "must be an http:// or https:// URL", id="scheme"),
        pytest.param({"provider": "http", "url": "https://u:p4ssw0rd@a/b"}, "must not hold a user", id="password"),
        pytest.param(
            {"provider": "http", "url": "https://a", "fields": {"key": "$..x"}}, "no path to one value", id="path"
        ),
        pytest.param({"provider": "http", "url": "https://a", "timeout": "soon"}, "expected a duration", id="timeout"),
        pytest.param({"provider": "aws-web-identity", "role_arn": "r"}, "token_file or token", id="one-of-two"),
        pytest.param(
            {"provider": "unity", "endpoint": "https://a"}, "one of table, volume and path, got none", id="of-what"
        ),
        pytest.param(
            {"provider": "unity", "endpoint": "https://a", "table": "t", "access": "own"},
            "is one of read, write",
            id="access",
        ),
        pytest.param(
            {"provider": "unity", "endpoint": "https://a", "table": "t", "token": "t", "client_id": "c"},
            "token and client_id all say",
            id="two-ways-to-ask",
        ),
        pytest.param(
            {"provider": "unity", "endpoint": "https://a", "table": "t", "client_id": "c"},
            "give both",
            id="half-a-client",
        ),
        pytest.param({"provider": "unity", "endpoint": "a", "table": "t"}, "endpoint must be an http", id="endpoint"),
        pytest.param({"provider": "unity", "endpoint": 5, "table": "t"}, "endpoint must be an http", id="number"),
        pytest.param({"provider": "iceberg", "uri": "https://a", "table": "t"}, "namespace.table", id="namespace"),
        pytest.param(
            {"provider": "iceberg", "uri": "https://a", "table": "n.t", "headers": "{"},
            "expected a mapping",
            id="headers",
        ),
        pytest.param({"provider": "lance", "uri": "https://a", "table": "a$"}, "names from the root down", id="names"),
        pytest.param(
            {"provider": "lance", "uri": "https://a", "table": "a", "client_id": "c", "client_secret": "s"},
            "needs token_url",
            id="no-place-for-tokens",
        ),
        pytest.param(
            {"provider": "aws-assume-role", "role_arn": "r", "access_key_id": "A"}, "belong together", id="half-a-pair"
        ),
        pytest.param(
            {
                "provider": "aws-assume-role",
                "role_arn": "r",
                **dict.fromkeys(("access_key_id", "secret_access_key"), "A"),
            }
            | {"profile": "p"},
            "profile both say",
            id="two-callers",
        ),
    ],
)
def test_dict_that_is_wrong_says_what_is(told, message):
    """Before anything is asked, with the nearest name, and without a secret."""
    with pytest.raises(OptionError) as caught:
        make(told)
    assert message in str(caught.value)
    assert "p4ssw0rd" not in str(caught.value)


def test_text_that_is_no_json_is_refused():
    """It begins like JSON, so that it cannot have been meant as an import string."""
    with pytest.raises(OptionError, match="cannot be parsed"):
        normalise_provider('{"provider": "http"', S3)


def custom(account: str) -> Any:
    """What an entry point of another distribution may lead to."""
    return lambda: {"access_key_id": account, "secret_access_key": "s"}


@pytest.fixture
def entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution that adds the name ``our-vault``, and one that is taken."""
    points = [
        importlib.metadata.EntryPoint(name, f"{__name__}:custom", "objfs.providers") for name in ("our-vault", "http")
    ]
    found = {"objfs.providers": points}
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: found.get(group, []))


@pytest.mark.usefixtures("entry_point")
def test_distributions_add_names():
    """By entry points; what they lead to takes the options by keyword."""
    found = normalise_provider({"provider": "our_vault", "account": "AKID"}, S3).fetch()
    assert found.values["access_key_id"] == "AKID"
    with pytest.raises(OptionError, match="did you mean 'our-vault'"):
        make({"provider": "our-vaults"})


@pytest.mark.usefixtures("entry_point")
def test_distributions_do_not_replace_what_is_there():
    """What was configured must not change because something else is installed."""
    assert type(named("http")).__name__ == "HttpJson"


def test_from_environment_looks_names_up_at_each_call(monkeypatch):
    """All of a text, or within it; also in lists and dicts. Other dollars stay."""
    monkeypatch.setenv("VAULT_TOKEN", "one")
    told = {"a": "$VAULT_TOKEN", "b": ["Bearer ${VAULT_TOKEN}"], "c": "p$VAULT_TOKEN", "d": 7, "e": "$$${VAULT_TOKEN}"}
    meant = {"a": "one", "b": ["Bearer one"], "c": "p$VAULT_TOKEN", "d": 7, "e": "$${VAULT_TOKEN}"}
    assert from_environment(told) == meant
    monkeypatch.setenv("VAULT_TOKEN", "two")
    assert from_environment("$VAULT_TOKEN") == "two"


def test_from_environment_names_a_variable_that_is_not_set():
    """On a worker it may be missing."""
    with pytest.raises(CredentialsError, match="environment variable NOT_SET_HERE"):
        from_environment("$NOT_SET_HERE")


def test_pickle_holds_no_secret_that_is_named(monkeypatch):
    """The name of the variable travels, not what it holds."""
    monkeypatch.setenv("VAULT_TOKEN", SECRET)
    provider = make({"provider": "http", "url": "https://a", "headers": {"X": "$VAULT_TOKEN"}})
    assert SECRET.encode() not in pickle.dumps(provider)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", {"data": {"keys": [{"id": 1}, {"id": 2}], "a.b": 3}}),
        ("data.keys[0].id", 1),
        ("$.data.keys[-1]['id']", 2),
        ('$["data"]["a.b"]', 3),
        ("$.data.keys[2].id", None),
        ("$.data.none.id", None),
        ("$.data[0]", None),
    ],
)
def test_path_leads_to_one_value(path, value):
    """Members, quoted members and positions; None where there is nothing."""
    assert follow({"data": {"keys": [{"id": 1}, {"id": 2}], "a.b": 3}}, parse_path(path)) == value


@pytest.mark.parametrize("path", ["$..id", "$.*", "$[*]", "$.a[?(@.b)]", "a..b", "$.a[", "$.a b", ".a"])
def test_path_to_several_values_is_refused(path):
    """Only one can be a credential."""
    with pytest.raises(OptionError, match="no path to one value"):
        parse_path(path)


MOMENT = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param("2027-01-15T08:00:00Z", id="iso"),
        pytest.param("2027-01-15T10:00:00+02:00", id="iso-elsewhere"),
        pytest.param("2027-01-15 08:00:00", id="iso-without-zone"),
        pytest.param("Fri, 15 Jan 2027 08:00:00 GMT", id="http-date"),
        pytest.param(1800000000, id="seconds"),
        pytest.param("1800000000.0", id="seconds-as-text"),
        pytest.param(1800000000000, id="milliseconds"),
        pytest.param("1800000000000000", id="microseconds"),
        pytest.param(1800000000000000000, id="nanoseconds"),
    ],
)
def test_moment_is_read_in_every_form(told):
    """Services write the end of credentials in all of these."""
    assert as_moment(told) == MOMENT


@pytest.mark.parametrize("told", ["soon", True, "", "2027-13-01", {}], ids=repr)
def test_moment_that_is_none_is_refused(told):
    """Never taken for now, or for never."""
    with pytest.raises(ValueError, match="expected a"):
        as_moment(told)


def test_moment_may_be_a_time_from_now():
    """``expires_in``, in seconds or as text."""
    assert after("900", MOMENT) == after("15min", MOMENT) == MOMENT + timedelta(minutes=15)
