"""docs/reference/clients.md says what the tests of tests/ecosystem try, and leaves none of them out."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# About processes, a lesson of the documentation and the page of a trace, not about a library.
NOT_OF_A_CLIENT = {"test_browser.py", "test_exits.py", "test_main_job.py", "test_processes.py"}


@pytest.fixture
def script(monkeypatch):
    """The script, loaded as a module."""
    spec = importlib.util.spec_from_file_location("generate_clients", ROOT / "docs" / "generate_clients.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_clients_page_is_current(script):
    """Who changes a test of a client runs ``python docs/generate_clients.py`` and commits what it writes."""
    assert script.PAGE.read_text("utf-8") == script.page()


def test_clients_page_names_every_test_of_a_client(script):
    """A new file is a new row."""
    shown = {test for row in script.rows() for test in script.tried(row)}
    files = {path.name for path in script.TESTS.glob("test_*.py")} - NOT_OF_A_CLIENT
    missing = [f"{file}::{test.name}" for file in sorted(files) for test in script.tests_of(file) if test not in shown]
    assert missing == []


def test_clients_page_names_no_release_older_than_the_oldest(script):
    """The newest that was tried is the oldest or newer."""

    def key(text):
        return [int(part) for part in re.findall(r"\d+", text)]

    assert [row["name"] for row in script.rows() if key(row["tried"]) < key(script.oldest(row["package"]))] == []


def test_clients_page_tells_the_clouds_of_a_test(script):
    """By the fixtures that it asks for, itself or through others."""
    found = {test.name: test.clouds for test in script.tests_of("test_universal_pathlib.py")}
    assert found["test_upath_lists_globs_and_walks"] == {"S3", "GCS", "Azure"}
    found = {test.name: test.clouds for test in script.tests_of("test_duckdb.py")}
    assert found["test_duckdb_joins_two_clouds"] == {"S3", "GCS"}
    assert found["test_duckdb_names_what_is_missing"] == {"S3"}


def test_clients_page_refuses_a_test_that_is_not_there(script):
    """A renamed test is renamed in the rows, too."""
    with pytest.raises(ValueError, match=r"no test test_pandas\.py::test_gone"):
        script.tried({"tests": ["test_pandas.py::test_gone"]})


def test_installed_releases_become_the_newest_tried(script, monkeypatch, tmp_path):
    """Each row gets the release of its own package."""
    rows = tmp_path / "clients.toml"
    rows.write_text(script.ROWS.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(script, "ROWS", rows)
    monkeypatch.setattr(script, "version", lambda package: f"9-{package}")
    script.record_installed()
    assert {row["tried"] == f"9-{row['package']}" for row in script.rows()} == {True}
