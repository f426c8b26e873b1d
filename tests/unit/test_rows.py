"""Every option of every cloud: each of its names, each of its variables, and the exact words of both backends."""

from __future__ import annotations

import importlib
import inspect
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from objfs.errors import UnknownOptionError
from objfs.options import Origin, environment_layer, normalise, translate
from tests.unit.row_promises import PROMISES, Promise
from tests.unit.s3_row_table import Row

each_cloud = pytest.mark.parametrize("of", PROMISES, ids=[of.cloud.name for of in PROMISES])

CASES = [(of, row) for of in PROMISES for row in of.rows]
NAMES = [(of, row, name) for of, row in CASES for name in row.names]
NESTED = [(of, row, name) for of, row, name in NAMES if name.split(".")[0] in of.cloud.table.index and "." in name]
VARIABLES = [(of, row, name) for of, row in CASES for name in row.env]


def each_row(cases: list[tuple[Promise, Row]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("of", "row"), cases, ids=[f"{of.cloud.name}-{row.name}" for of, row in cases])


def each_name(cases: list[tuple[Promise, Row, str]]) -> pytest.MarkDecorator:
    ids = [f"{of.cloud.name}-{row.name}={name}" for of, row, name in cases]
    return pytest.mark.parametrize(("of", "row", "name"), cases, ids=ids)


def added(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What ``after`` has that ``before`` has not, or has otherwise; what is gone is named, with an ellipsis."""
    changed = {name: value for name, value in after.items() if name not in before or before[name] != value}
    return changed | {name: ... for name in before if name not in after}


@each_row(CASES)
def test_row_reads_its_example(of, row):
    """The canonical name is accepted and its value cast."""
    settings = of.settings({row.name: row.given, **row.also})
    if row.name in of.lifted:
        assert row.name not in settings
    else:
        assert settings[row.name].value == row.value


@each_name(NAMES)
def test_row_reads_every_other_name_alike(of, row, name):
    """All vocabularies mean the same option and value."""
    settings = of.settings({name: row.names[name], **row.also})
    assert settings[row.name].value == row.value
    assert settings[row.name].spelling == name or row.name in of.respelled


@each_name(NAMES)
def test_row_reads_names_in_any_case_and_with_either_dash(of, row, name):
    """Names are case-insensitive, and ``-`` and ``_`` are alike."""
    for spelled in (name.upper(), name.replace("-", "_"), name.replace("_", "-")):
        assert of.settings({spelled: row.names[name]})[row.name].value == row.value


@each_name(NESTED)
def test_row_is_read_out_of_the_dict_option_that_holds_it(of, row, name):
    """``a.b`` is the member ``b`` of the dict ``a``, which is left without it."""
    given: Any = row.names[name]
    for part in reversed(name.split(".")):
        given = {part: given}
    settings = of.settings(given)
    assert settings[row.name].value == row.value
    assert name.split(".")[0] not in settings


@each_name(VARIABLES)
def test_row_reads_every_variable(of, row, name):
    """Each environment variable gives the value."""
    layer = environment_layer(of.cloud.table, {name: row.env[name]})
    settings = translate(of.cloud.table, [layer])
    assert settings[row.name].value == row.value
    assert settings[row.name].origin is Origin.ENVIRONMENT


@each_row([(of, row) for of, row in CASES if len(row.env) > 1])
def test_row_takes_the_first_variable_that_is_set(of, row):
    """The order of the variables is the one that is documented."""
    first, *others = row.env
    garbage = dict.fromkeys(others, "no such value")
    layer = environment_layer(of.cloud.table, {**garbage, first: row.env[first]})
    settings = translate(of.cloud.table, [layer])
    assert (settings[row.name].spelling, settings[row.name].value) == (first, row.value)


@each_row([(of, row) for of, row in CASES if row.env])
def test_variable_is_a_name_too(of, row):
    """Environment-style names may be given as options, where no other option has the name."""
    found = {variable: of.cloud.table.index[normalise(variable)][0].name for variable in row.env}
    assert found == {variable: of.meant.get(variable, row.name) for variable in row.env}


@each_row(CASES)
def test_row_gives_the_store_exactly_its_words(of, row):
    """Nothing but what the option means changes in obstore's arguments."""
    before, after = map(of.store_words, of.resolved(row))
    assert added(before, after) == row.store


@each_row(CASES)
def test_row_gives_the_sdk_exactly_its_words(of, row):
    """Nothing but what the option means changes in the peer's keywords, and credentials are never among them."""
    before, after = map(of.sdk_words, of.resolved(row))
    assert added(before, after) == row.sdk
    assert not of.hidden & set(after)


@each_cloud
def test_table_holds_exactly_the_promised_names(of):
    """A name that is added, lost or moved to another option must be written down here too."""
    promised = {normalise(name): row.name for row in of.rows for name in (row.name, *row.names)}
    actual = {spelling: option.name for option in of.cloud.table.options for spelling, _ in option.spellings()}
    assert actual == promised


@each_cloud
def test_table_holds_exactly_the_promised_variables(of):
    """Likewise for environment variables, in order."""
    actual = {option.name: option.env for option in of.cloud.table.options}
    assert actual == {row.name: tuple(row.env) for row in of.rows}


@each_cloud
def test_table_names_every_option_once(of):
    """Canonical names are unique."""
    counts = Counter(option.name for option in of.cloud.table.options)
    assert [name for name, count in counts.items() if count > 1] == []


@each_cloud
@pytest.mark.parametrize("flag", ["secret", "identity", "sdk_only"])
def test_table_marks_exactly_the_promised_options(of, flag):
    """What is redacted, what says who the caller is, and what the data plane has no word for."""
    assert {option.name for option in of.cloud.table.options if getattr(option, flag)} == getattr(of, flag)


REJECTED = [(of, name) for of in PROMISES for name in of.rejected]


@pytest.mark.parametrize(("of", "name"), REJECTED, ids=[f"{of.cloud.name}-{name}" for of, name in REJECTED])
def test_name_that_obstore_rejects_is_unknown(of, name):
    """Accepting it would ignore it; the message names the one that is meant."""
    with pytest.raises(UnknownOptionError, match="did you mean"):
        of.settings({name: "x"})


@each_cloud
def test_positional_arguments_are_those_of_the_peer(of):
    """Code that passes arguments by position keeps working."""
    module, name = of.peer
    pytest.importorskip(module.partition(".")[0])
    parameters = inspect.signature(getattr(importlib.import_module(module), name).__init__).parameters.values()
    names = [item.name for item in parameters if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert names == ["self", *(of.renamed.get(name, name) for name in of.cloud.positional)]
    assert all(normalise(name) in of.cloud.table.index for name in of.cloud.positional)


@each_cloud
def test_credential_options_are_rows_of_the_table(of):
    """A provider's answer is read by the same table."""
    assert set(of.cloud.credential_options) <= set(of.cloud.table.by_name)
