"""Every option of GCS: each of its names, each of its variables, and the exact words of both backends."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from objfs.clouds.gcs import GCS
from objfs.clouds.gcs_backends import AS_STORED
from objfs.clouds.gcs_rows import TUNING
from objfs.errors import OptionError, UnknownOptionError
from objfs.options import Layer, Origin, Settings, environment_layer, normalise, translate
from tests.unit.gcs_row_table import ROWS, Row
from tests.unit.test_gcs_backends import built, gcsfs_instance

# Rows that a dict option holds members for are lifted out of it, so the dict itself is read as nothing.
LIFTED = {"config", "client_options", "retry_config", "backoff", "gcp_oauth_token"}
# What obstore reads of the environment is looked at twice.
SHADOWS = {name for name in GCS.table.by_name if name.startswith("environment_")}

SECRETS = {
    "token bearer_token credential service_account_key gcp_oauth_token encryption_key decryption_key",
    "default_headers proxy_url credential_provider storage_options_provider config client_options session_kwargs",
    "environment_service_account_key environment_bearer_token",
}
IDENTITIES = {
    "token bearer_token expires_at credential service_account service_account_key application_credentials",
    "skip_signature credential_provider storage_options_provider",
}
SDK_ONLY = {"client_certificate version_aware finalize_on_close session_kwargs session_kwargs.connector"}
REJECTED = ("google_token", "google_storage_token", "GOOGLE_CREDENTIALS", "gcs_token")


def words(lines: set[str]) -> set[str]:
    return {word for line in lines for word in line.split()}


def settings_of(given: Mapping[str, Any], origin: Origin = Origin.KEYWORD) -> Settings:
    return translate(GCS.table, [Layer(origin, given)])


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
    arguments = GCS.store_arguments(GCS.resolve(settings), "bkt")
    slots = {"config": arguments.config, "client": arguments.client_options, "retry": arguments.retry_config}
    words = flat(slots, keep=("client.default_headers",))
    # What is sent whatever the options are.
    headers = {name: value for name, value in words.pop("client.default_headers").items() if name not in AS_STORED}
    return words | ({"client.default_headers": headers} if headers else {})


def sdk_words(settings: Settings) -> dict[str, Any]:
    return flat(GCS.sdk_keywords(GCS.resolve(settings)), keep=("session_kwargs.headers",))


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
    assert (settings[row.name].value if row.name not in LIFTED else {}) == row.value


NAMES = [(row, name) for row in ROWS for name in row.names]


@pytest.mark.parametrize(("row", "name"), NAMES, ids=[f"{row.name}={name}" for row, name in NAMES])
def test_row_reads_every_other_name_alike(row, name):
    """All vocabularies mean the same option and value."""
    settings = settings_of({name: row.names[name], **row.also})
    assert settings[row.name].value == row.value
    assert settings[row.name].spelling == name or row.name == "session_kwargs"


@pytest.mark.parametrize(("row", "name"), NAMES, ids=[f"{row.name}={name}" for row, name in NAMES])
def test_row_reads_names_in_any_case_and_with_either_dash(row, name):
    """Names are case-insensitive, and ``-`` and ``_`` are alike."""
    for spelled in (name.upper(), name.replace("-", "_"), name.replace("_", "-")):
        assert settings_of({spelled: row.names[name]})[row.name].value == row.value


NESTED = [(row, name) for row, name in NAMES if name.split(".")[0] in GCS.table.index and "." in name]


@pytest.mark.parametrize(("row", "name"), NESTED, ids=[name for _, name in NESTED])
def test_row_is_read_out_of_the_dict_option_that_holds_it(row, name):
    """``a.b`` is the member ``b`` of the dict ``a``, which is left without it."""
    given: Any = row.names[name]
    for part in reversed(name.split(".")):
        given = {part: given}
    settings = settings_of(given)
    assert settings[row.name].value == row.value
    assert name.split(".")[0] not in settings


VARIABLES = [(row, name) for row in ROWS for name in row.env]


@pytest.mark.parametrize(("row", "variable"), VARIABLES, ids=[f"{row.name}={name}" for row, name in VARIABLES])
def test_row_reads_every_variable(row, variable):
    """Each environment variable gives the value."""
    layer = environment_layer(GCS.table, {variable: row.env[variable]})
    settings = translate(GCS.table, [layer])
    assert settings[row.name].value == row.value
    assert settings[row.name].origin is Origin.ENVIRONMENT


ORDERED = tuple(row for row in ROWS if len(row.env) > 1)


@pytest.mark.parametrize("row", ORDERED, ids=ids(ORDERED))
def test_row_takes_the_first_variable_that_is_set(row):
    """The order of the variables is the one that is documented."""
    first, *others = row.env
    garbage = dict.fromkeys(others, "no such value")
    settings = translate(GCS.table, [environment_layer(GCS.table, {**garbage, first: row.env[first]})])
    assert (settings[row.name].spelling, settings[row.name].value) == (first, row.value)


@pytest.mark.parametrize("row", [row for row in ROWS if row.env], ids=[row.name for row in ROWS if row.env])
def test_variable_is_a_name_too(row):
    """Environment-style names may be given as options; what only shows the environment takes none of them."""
    for variable in row.env:
        option, _ = GCS.table.index[normalise(variable)]
        assert option.name == row.name.removeprefix("environment_")


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_row_gives_the_store_exactly_its_words(row):
    """Nothing but what the option means changes in obstore's arguments, and obstore takes them."""
    before, after = settings_of(row.also), settings_of({row.name: row.given, **row.also})
    assert added(store_words(before), store_words(after)) == row.store
    if not any("/ca.pem" in str(value) for value in row.store.values()):
        built(GCS.resolve(after))


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_row_gives_the_sdk_exactly_its_words(row):
    """Nothing but what the option means changes in gcsfs's keywords, and its constructor takes them all."""
    before, after = settings_of(row.also), settings_of({row.name: row.given, **row.also})
    assert added(sdk_words(before), sdk_words(after)) == row.sdk
    assert "token" not in sdk_words(after)
    gcsfs_instance(GCS.resolve(after))


def test_table_holds_exactly_the_promised_names():
    """A name that is added, lost or moved to another option must be written down here too."""
    promised = {normalise(name): row.name for row in ROWS for name in (row.name, *row.names)}
    actual = {spelling: option.name for option in GCS.table.options for spelling, _ in option.spellings()}
    assert actual == promised


def test_table_holds_exactly_the_promised_variables():
    """Likewise for environment variables, in order."""
    assert {option.name: option.env for option in GCS.table.options} == {row.name: tuple(row.env) for row in ROWS}


def test_table_names_every_option_once():
    """Canonical names are unique."""
    assert [name for name, count in Counter(row.name for row in GCS.table.options).items() if count > 1] == []


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        pytest.param("secret", words(SECRETS), id="secrets"),
        pytest.param("identity", words(IDENTITIES), id="identities"),
        pytest.param("sdk_only", words(SDK_ONLY), id="sdk-only"),
    ],
)
def test_table_marks_exactly_the_promised_options(flag, expected):
    """What is redacted, what says who the caller is, and what the data plane has no word for."""
    assert {option.name for option in GCS.table.options if getattr(option, flag)} == expected


@pytest.mark.parametrize("name", REJECTED)
def test_name_that_nobody_has_is_unknown(name):
    """Accepting it would ignore it."""
    with pytest.raises(UnknownOptionError, match="did you mean"):
        settings_of({name: "x"})


def test_positional_arguments_are_those_of_gcsfs():
    """Code that passes arguments by position keeps working."""
    core = pytest.importorskip("gcsfs.core")
    kinds = inspect.signature(core.GCSFileSystem.__init__).parameters.values()
    names = [item.name for item in kinds if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert names == ["self", *GCS.positional]
    assert all(normalise(name) in GCS.table.index for name in GCS.positional)


def test_keywords_of_the_class_for_zonal_buckets_are_rows():
    """gcsfs's own constructor and its retries take a few more."""
    extended = pytest.importorskip("gcsfs.extended_gcsfs")
    retry = pytest.importorskip("gcsfs.retry")
    kinds = inspect.signature(extended.ExtendedGcsFileSystem.__init__).parameters.values()
    names = {item.name for item in kinds if item.kind is item.KEYWORD_ONLY}
    names |= {f"retry_{name}" for name in retry.DEFAULT_RETRY_CONFIG}
    assert {name for name in names if normalise(name) not in GCS.table.index} == set()


def test_credential_options_are_rows_of_the_table():
    """A provider's answer is read by the same table."""
    assert set(GCS.credential_options) <= set(GCS.table.by_name)


@pytest.mark.parametrize("name", TUNING)
def test_tuning_is_a_keyword_that_the_sdk_knows(name):
    """Each is one of aiohttp's session."""
    aiohttp = pytest.importorskip("aiohttp")
    assert name in inspect.signature(aiohttp.ClientSession.__init__).parameters


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        pytest.param("requester_pays", True, True, id="payer-yes"),
        pytest.param("requester_pays", "False", False, id="payer-no-as-text"),
        pytest.param("requester_pays", " my-project ", "my-project", id="payer-is-a-project"),
        pytest.param("service_account_key", {"a": "b"}, '{"a": "b"}', id="key-as-a-mapping"),
        pytest.param("cache_timeout", -1, 0, id="no-caching"),
        pytest.param("cache_timeout", "2min", 120, id="caching-as-text"),
        pytest.param("endpoint_url", "https://h:1/", "https://h:1", id="endpoint-with-a-slash"),
    ],
)
def test_value_is_read_in_the_words_of_gcsfs(name, given, value):
    """Polymorphic and odd values."""
    found = settings_of({name: given})[GCS.table.index[normalise(name)][0].name].value
    assert getattr(found, "total_seconds", lambda: found)() == value


@pytest.mark.parametrize(
    ("variable", "endpoint"),
    [
        ("localhost:4443", "http://localhost:4443"),
        ("http://h:4443/", "http://h:4443"),
        ("https://h", "https://h"),
        ("default", None),
    ],
)
def test_emulator_variable_is_read_as_gcsfs_reads_it(variable, endpoint):
    """Plain HTTP where it has no scheme; ``default`` means Google."""
    layer = environment_layer(GCS.table, {"STORAGE_EMULATOR_HOST": variable})
    assert translate(GCS.table, [layer]).value("base_url") == endpoint


def test_login_at_an_iceberg_catalog_is_not_ours():
    """pyiceberg hands all properties on, and one of them has the name of an object."""
    assert "credential" not in settings_of({"credential": "id:hunter2", "uri": "https://catalog"})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("service_account_key", "no json"),
        ("impersonation_delegates", 5),
        ("requester_pays", 5),
        ("consistency", "sha"),
        ("access", "write"),
    ],
)
def test_bad_value_is_refused(name, given):
    """With the name of the option."""
    with pytest.raises(OptionError, match=f"option '{name}'"):
        settings_of({name: given})
