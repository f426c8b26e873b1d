"""Every option of Azure: each of its names, each of its variables, and the exact words of both backends."""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from objfs.clouds.azure import AZURE
from objfs.clouds.azure_backends import client_keywords
from objfs.clouds.azure_identity_rows import CHAIN_KEYWORDS
from objfs.errors import UnknownOptionError
from objfs.options import Layer, Origin, Settings, environment_layer, normalise, translate
from tests.unit.azure_row_table import ROWS, Row

ACCOUNT = {"account_name": "acct"}
CREDENTIAL_WORDS = {"account_key", "sas_token", "connection_string", "credential", "client_id", "client_secret"}
# Rows that a dict option holds members for are lifted out of it, so the dict itself is read as nothing.
LIFTED = {"config", "client_options", "retry_config", "backoff", "azure_user_delegation_sas", "azure_aad"}
LIFTED |= {row.name for row in ROWS if row.name.endswith(">")}

SECRETS = {
    "account_key sas_key token connection_string credential client_secret identity_header fabric_session_token",
    "adls.sas-token.<account-host> adls.connection-string.<account-host> azure_user_delegation_sas azure_aad",
    "encryption_key request_session default_headers proxy_url credential_provider storage_options_provider",
    "config client_options",
}
IDENTITIES = {
    "account_key sas_key token expires_at connection_string credential skip_signature",
    "adls.sas-token.<account-host> adls.sas-token-expires-at-ms.<account-host> adls.connection-string.<account-host>",
    "credential_provider storage_options_provider",
}
# Names that obstore documents and rejects, or rejects although its other clouds have the like.
REJECTED = (
    "azure_account_name",
    "azure_account_key",
    "azure_access_key",
    "azure_sas_key",
    "azure_sas_token",
    "azure_token",
    "azure_bearer_token",
    "azure_use_emulator",
    "azure_encryption_key",
    "AZURE_ENCRYPTION_KEY",
)


def words(lines: set[str]) -> set[str]:
    return {word for line in lines for word in line.split()}


def settings_of(given: Mapping[str, Any], origin: Origin = Origin.KEYWORD) -> Settings:
    return translate(AZURE.table, [Layer(origin, given)])


def resolved(row: Row) -> tuple[Settings, Settings]:
    """Of what the row's example needs, and of the example with it."""
    also = {**ACCOUNT, **row.also}
    return AZURE.resolve(settings_of(also)), AZURE.resolve(settings_of({**also, row.name: row.given}))


def flat(mapping: Mapping[str, Any], prefix: str = "", *, keep: tuple[str, ...] = ()) -> dict[str, Any]:
    """Dotted names of the leaves; dicts named in ``keep`` are leaves."""
    found: dict[str, Any] = {}
    for name, value in mapping.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, Mapping) and dotted not in keep:
            found.update(flat(value, f"{dotted}.", keep=keep))
        else:
            found[dotted] = value
    return found


def store_words(settings: Settings) -> dict[str, Any]:
    arguments = AZURE.store_arguments(settings, "cont")
    slots = {"config": arguments.config, "client": arguments.client_options, "retry": arguments.retry_config}
    return flat({**slots, "native": AZURE.native_config(settings)}, keep=("client.default_headers",))


def sdk_words(settings: Settings) -> dict[str, Any]:
    both = {**AZURE.sdk_keywords(settings), "client": client_keywords(settings)}
    return flat(both, keep=("client.headers", "client.proxies"))


def added(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What ``after`` has that ``before`` has not, or has otherwise; what is gone is named, with an ellipsis."""
    changed = {name: value for name, value in after.items() if name not in before or before[name] != value}
    return changed | {name: ... for name in before if name not in after}


def ids(rows: tuple[Row, ...]) -> list[str]:
    return [row.name for row in rows]


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_row_reads_its_example(row):
    """The canonical name is accepted and its value cast."""
    settings = settings_of({row.name: row.given, **row.also})
    if row.name in LIFTED:
        assert row.name not in settings
    else:
        assert settings[row.name].value == row.value


NAMES = [(row, name) for row in ROWS for name in row.names]


@pytest.mark.parametrize(("row", "name"), NAMES, ids=[f"{row.name}={name}" for row, name in NAMES])
def test_row_reads_every_other_name_alike(row, name):
    """All vocabularies mean the same option and value."""
    settings = settings_of({name: row.names[name], **row.also})
    assert settings[row.name].value == row.value
    assert settings[row.name].spelling == name


@pytest.mark.parametrize(("row", "name"), NAMES, ids=[f"{row.name}={name}" for row, name in NAMES])
def test_row_reads_names_in_any_case_and_with_either_dash(row, name):
    """Names are case-insensitive, and ``-`` and ``_`` are alike."""
    for spelled in (name.upper(), name.replace("-", "_"), name.replace("_", "-")):
        assert settings_of({spelled: row.names[name]})[row.name].value == row.value


NESTED = [(row, name) for row, name in NAMES if name.split(".")[0] in AZURE.table.index and "." in name]


@pytest.mark.parametrize(("row", "name"), NESTED, ids=[name for _, name in NESTED])
def test_row_is_read_out_of_the_dict_option_that_holds_it(row, name):
    """``a.b`` is the member ``b`` of the dict ``a``, which is left without it."""
    parent, _, member = name.partition(".")
    settings = settings_of({parent: {member: row.names[name]}})
    assert settings[row.name].value == row.value
    assert parent not in settings


VARIABLES = [(row, name) for row in ROWS for name in row.env]


@pytest.mark.parametrize(("row", "variable"), VARIABLES, ids=[f"{row.name}={name}" for row, name in VARIABLES])
def test_row_reads_every_variable(row, variable):
    """Each environment variable gives the value."""
    layer = environment_layer(AZURE.table, {variable: row.env[variable]})
    settings = translate(AZURE.table, [layer])
    assert settings[row.name].value == row.value
    assert settings[row.name].origin is Origin.ENVIRONMENT


ORDERED = tuple(row for row in ROWS if len(row.env) > 1)


@pytest.mark.parametrize("row", ORDERED, ids=ids(ORDERED))
def test_row_takes_the_first_variable_that_is_set(row):
    """The order of the variables is the one that is documented."""
    first, *others = row.env
    garbage = dict.fromkeys(others, "no such value")
    settings = translate(AZURE.table, [environment_layer(AZURE.table, {**garbage, first: row.env[first]})])
    assert (settings[row.name].spelling, settings[row.name].value) == (first, row.value)


@pytest.mark.parametrize("row", [row for row in ROWS if row.env], ids=[row.name for row in ROWS if row.env])
def test_variable_is_a_name_too(row):
    """Environment-style names may be given as options."""
    assert {AZURE.table.index[normalise(variable)][0].name for variable in row.env} == {row.name}


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_row_gives_the_store_exactly_its_words(row):
    """Nothing but what the option means changes in obstore's arguments."""
    before, after = map(store_words, resolved(row))
    assert added(before, after) == row.store


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_row_is_taken_by_the_store(row):
    """obstore knows each word and takes each value, those of its own look-up of credentials included."""
    stores = pytest.importorskip("obstore.store")
    _, settings = resolved(row)
    arguments = AZURE.store_arguments(settings, "cont")
    options = {name: value for name, value in arguments.client_options.items() if "certificate" not in name}
    for more in ({}, AZURE.native_config(settings)):
        config = {**arguments.config, **more}
        retries = dict(arguments.retry_config) or None
        stores.AzureStore("cont", config=config, client_options=options, retry_config=retries)


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_row_gives_the_sdk_exactly_its_words(row):
    """Nothing but what the option means changes in adlfs's and its client's keywords; no credentials are there."""
    before, after = map(sdk_words, resolved(row))
    assert added(before, after) == row.sdk
    assert not CREDENTIAL_WORDS & set(after)


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_row_is_taken_by_the_sdk(row, monkeypatch):
    """adlfs's constructor and the service client know each word."""
    adlfs = pytest.importorskip("adlfs")
    blob = pytest.importorskip("azure.storage.blob")
    _, settings = resolved(row)
    keywords = AZURE.sdk_keywords(settings)
    known = set(inspect.signature(adlfs.AzureBlobFileSystem.__init__).parameters)
    assert set(keywords) <= known | {"use_listings_cache", "listings_expiry_time", "max_paths"}
    monkeypatch.setattr(adlfs.AzureBlobFileSystem, "do_connect", lambda self: setattr(self, "service_client", None))
    monkeypatch.setattr("adlfs.spec.close_service_client", _nothing)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fs = adlfs.AzureBlobFileSystem(**{**keywords, "anon": True}, skip_instance_cache=True)
    assert (fs.account_name, fs.account_host) == (keywords["account_name"], keywords["account_host"])
    rest = {name: value for name, value in client_keywords(settings).items() if value != "/ca.pem"}
    blob.BlobServiceClient(f"https://{fs.account_host}", **rest).close()


async def _nothing(_fs: Any) -> None:
    """In place of closing a client that is none."""


def test_table_holds_exactly_the_promised_names():
    """A name that is added, lost or moved to another option must be written down here too."""
    promised = {normalise(name): row.name for row in ROWS for name in (row.name, *row.names)}
    actual = {spelling: option.name for option in AZURE.table.options for spelling, _ in option.spellings()}
    assert actual == promised


def test_table_holds_exactly_the_promised_variables():
    """Likewise for environment variables, in order."""
    assert {option.name: option.env for option in AZURE.table.options} == {row.name: tuple(row.env) for row in ROWS}


def test_table_names_every_option_once():
    """Canonical names are unique."""
    assert [name for name, count in Counter(row.name for row in AZURE.table.options).items() if count > 1] == []


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        pytest.param("secret", words(SECRETS), id="secrets"),
        pytest.param("identity", words(IDENTITIES), id="identities"),
        pytest.param("sdk_only", {"version_aware"}, id="sdk-only"),
    ],
)
def test_table_marks_exactly_the_promised_options(flag, expected):
    """What is redacted, what says who the caller is, and what the data plane has no word for."""
    assert {option.name for option in AZURE.table.options if getattr(option, flag)} == expected


@pytest.mark.parametrize("name", REJECTED)
def test_name_that_obstore_rejects_is_unknown(name):
    """With the one that is meant."""
    with pytest.raises(UnknownOptionError, match="did you mean"):
        settings_of({name: "x"})


def test_positional_arguments_are_those_of_adlfs():
    """Code that passes arguments by position keeps working; only the server's time-out has a name of its own."""
    adlfs = pytest.importorskip("adlfs")
    kinds = inspect.signature(adlfs.AzureBlobFileSystem.__init__).parameters.values()
    names = [item.name for item in kinds if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert names == ["self", *("timeout" if name == "server_timeout" else name for name in AZURE.positional)]
    assert all(normalise(name) in AZURE.table.index for name in AZURE.positional)


def test_every_keyword_of_the_default_chain_is_an_option():
    """azure-identity documents them on the class, whose constructor takes whatever it is given."""
    identity = pytest.importorskip("azure.identity.aio")
    text = identity.DefaultAzureCredential.__doc__
    documented = {line.split(":")[1].split()[2] for line in text.splitlines() if line.strip().startswith(":keyword")}
    assert documented - {"authority"} <= set(CHAIN_KEYWORDS)


def test_credential_options_are_rows_of_the_table():
    """A provider's answer is read by the same table."""
    assert set(AZURE.credential_options) <= set(AZURE.table.by_name)


@pytest.mark.parametrize("name", ["azure_storage_sas_token", "sas_token", "adls.sas-token.acct.dfs.core.windows.net"])
def test_secret_hides_under_every_name(name):
    """Redaction goes by the row, also where a name ends in the host of an account."""
    assert AZURE.table.index[normalise(name)][0].secret
