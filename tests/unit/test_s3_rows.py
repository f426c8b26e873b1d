"""Every option of S3: each of its names, each of its variables, and the exact words of both backends."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from objfs.clouds import S3
from objfs.clouds.s3 import WRITE_ATTRIBUTES
from objfs.clouds.s3_rows import TUNING
from objfs.errors import UnknownOptionError
from objfs.options import Layer, Origin, Settings, environment_layer, normalise, translate
from tests.unit.s3_row_table import ROWS, Row

BY_NAME = {row.name: row for row in ROWS}
CREDENTIAL_WORDS = {"key", "secret", "token", "profile", "session"}

# Rows that a dict option holds members for are lifted out of it, so the dict itself is read as nothing.
LIFTED = {"config", "client_options", "retry_config", "backoff", "aws_temp_credentials", "r2_temp_credentials"}

SECRETS = {
    "secret_access_key session_token sse_customer_key_base64 s3.sse.key s3.sse.md5 container_authorization_token",
    "default_headers proxy_url credential_provider storage_options_provider session request_signer",
    "aws_temp_credentials r2_temp_credentials config client_options client_kwargs config_kwargs config_kwargs.s3",
    "config_kwargs.retries config_kwargs.proxies_config config_kwargs.connector_args config_kwargs.proxies",
    "s3_additional_kwargs provider_params",
}
IDENTITIES = {
    "access_key_id secret_access_key session_token expires_at skip_signature profile session",
    "credential_provider storage_options_provider",
}
SDK_ONLY = {
    "session request_signer version_aware client_kwargs config_kwargs config_kwargs.s3 config_kwargs.retries",
    "config_kwargs.proxies_config s3_additional_kwargs provider_params",
}
REJECTED = ("sts_endpoint", "AWS_STS_ENDPOINT", "AWS_REQUESTER_PAYS")


def words(lines: set[str]) -> set[str]:
    return {word for line in lines for word in line.split()}


def settings_of(given: Mapping[str, Any], origin: Origin = Origin.KEYWORD) -> Settings:
    return translate(S3.table, [Layer(origin, given)])


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
    arguments = S3.store_arguments(S3.resolve(settings), "bkt")
    slots = {"config": arguments.config, "client": arguments.client_options, "retry": arguments.retry_config}
    return flat(slots, keep=("client.default_headers",))


def sdk_words(settings: Settings) -> dict[str, Any]:
    keep = ("config_kwargs.proxies", "s3_additional_kwargs.Metadata")
    return flat(S3.sdk_keywords(S3.resolve(settings)), keep=keep)


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
    assert settings[row.name].spelling == name


@pytest.mark.parametrize(("row", "name"), NAMES, ids=[f"{row.name}={name}" for row, name in NAMES])
def test_row_reads_names_in_any_case_and_with_either_dash(row, name):
    """Names are case-insensitive, and ``-`` and ``_`` are alike."""
    for spelled in (name.upper(), name.replace("-", "_"), name.replace("_", "-")):
        assert settings_of({spelled: row.names[name]})[row.name].value == row.value


NESTED = [(row, name) for row, name in NAMES if name.split(".")[0] in S3.table.index and "." in name]


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
    layer = environment_layer(S3.table, {variable: row.env[variable]})
    settings = translate(S3.table, [layer])
    assert settings[row.name].value == row.value
    assert settings[row.name].origin is Origin.ENVIRONMENT


ORDERED = tuple(row for row in ROWS if len(row.env) > 1)


@pytest.mark.parametrize("row", ORDERED, ids=ids(ORDERED))
def test_row_takes_the_first_variable_that_is_set(row):
    """The order of the variables is the one that is documented."""
    first, *others = row.env
    garbage = dict.fromkeys(others, "no such value")
    settings = translate(S3.table, [environment_layer(S3.table, {**garbage, first: row.env[first]})])
    assert (settings[row.name].spelling, settings[row.name].value) == (first, row.value)


@pytest.mark.parametrize("row", [row for row in ROWS if row.env], ids=[row.name for row in ROWS if row.env])
def test_variable_is_a_name_too(row):
    """Environment-style names may be given as options, where no other option has the name."""
    for variable in row.env:
        option, _ = S3.table.index[normalise(variable)]
        assert option.name == row.name or variable in {"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3"}


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_row_gives_the_store_exactly_its_words(row):
    """Nothing but what the option means changes in obstore's arguments."""
    before, after = settings_of(row.also), settings_of({row.name: row.given, **row.also})
    if row.name in {"access_key_id", "secret_access_key"}:
        before = settings_of({})
    assert added(store_words(before), store_words(after)) == row.store


@pytest.mark.parametrize("row", ROWS, ids=ids(ROWS))
def test_row_gives_the_sdk_exactly_its_words(row):
    """Nothing but what the option means changes in s3fs's keywords, and credentials are never among them."""
    before, after = settings_of(row.also), settings_of({row.name: row.given, **row.also})
    if row.name in {"access_key_id", "secret_access_key"}:
        before = settings_of({})
    assert added(sdk_words(before), sdk_words(after)) == row.sdk
    assert not CREDENTIAL_WORDS & set(sdk_words(after))


def test_table_holds_exactly_the_promised_names():
    """A name that is added, lost or moved to another option must be written down here too."""
    promised = {normalise(name): row.name for row in ROWS for name in (row.name, *row.names)}
    actual = {spelling: option.name for option in S3.table.options for spelling, _ in option.spellings()}
    assert actual == promised


def test_table_holds_exactly_the_promised_variables():
    """Likewise for environment variables, in order."""
    assert {option.name: option.env for option in S3.table.options} == {row.name: tuple(row.env) for row in ROWS}


def test_table_names_every_option_once():
    """Canonical names are unique."""
    assert [name for name, count in Counter(row.name for row in S3.table.options).items() if count > 1] == []


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
    assert {option.name for option in S3.table.options if getattr(option, flag)} == expected


@pytest.mark.parametrize("name", REJECTED)
def test_name_that_obstore_documents_but_rejects_is_unknown(name):
    """Accepting them would ignore them, as obstore does."""
    with pytest.raises(UnknownOptionError, match="did you mean"):
        settings_of({name: "x"})


def test_positional_arguments_are_those_of_s3fs():
    """Code that passes arguments by position keeps working."""
    s3fs = pytest.importorskip("s3fs")
    kinds = inspect.signature(s3fs.S3FileSystem.__init__).parameters.values()
    names = [item.name for item in kinds if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert names == ["self", *S3.positional]
    assert all(normalise(name) in S3.table.index for name in S3.positional)


def test_credential_options_are_rows_of_the_table():
    """A provider's answer is read by the same table."""
    assert set(S3.credential_options) <= set(S3.table.by_name)


@pytest.mark.parametrize("word", sorted(WRITE_ATTRIBUTES))
def test_write_attribute_is_a_row_of_the_table(word):
    """Each attribute may be set once for everything that is written."""
    assert normalise(f"s3_additional_kwargs.{word}") in S3.table.index


@pytest.mark.parametrize("name", TUNING)
def test_tuning_is_a_setting_that_the_sdk_knows(name):
    """Each exists in botocore's or aiobotocore's configuration."""
    config = pytest.importorskip("aiobotocore.config")
    first, _, second = name.partition(".")
    known = {*config.AioConfig().__dict__, *config.AioConfig.OPTION_DEFAULTS, "inject_host_prefix"}
    assert first in known
    if first == "retries":
        config.AioConfig(retries={second: "adaptive"})


def test_sdk_settings_are_settings_that_the_sdk_knows():
    """A renamed botocore setting is noticed here, not at a user's first call."""
    config = pytest.importorskip("aiobotocore.config")
    rows = [row for row in ROWS if "other" not in str(row.sdk) and row.name != "signature_version"]
    for row in rows:
        keywords = S3.sdk_keywords(S3.resolve(settings_of({row.name: row.given, **row.also})))
        config.AioConfig(**{k: v for k, v in keywords["config_kwargs"].items() if k != "http_session_cls"})
