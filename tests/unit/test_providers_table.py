"""docs/reference/providers.md says what each provider was tested against: the tests exist, none is left out."""

from __future__ import annotations

import tomllib

import pytest

from objfs.clouds.known import CLOUDS
from objfs.credentials.named import READY_MADE
from tests.unit.test_authentication_table import TESTS, names_in

ROWS = tomllib.loads((TESTS.parent / "docs" / "reference" / "providers.toml").read_text("utf-8"))["provider"]


def test_table_has_a_row_for_each_provider():
    """And none for another."""
    assert sorted(row["name"] for row in ROWS) == sorted(READY_MADE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_tests_of_a_provider_exist(row):
    """A test that is renamed or deleted is noticed here; a provider without a test for any cloud, too."""
    told = [row[cloud.name] for cloud in CLOUDS if cloud.name in row]
    assert told
    assert all(cell["against"] and cell["tests"] for cell in told)
    named = [test.partition("::") for cell in told for test in cell["tests"]]
    assert [f"{file}::{test}" for file, _, test in named if test not in names_in(file)] == []
    assert set(row) <= {"name", "asks", "needs", *(cloud.name for cloud in CLOUDS)}
