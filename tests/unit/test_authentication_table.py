"""docs/reference/authentication.md names tests: all of them exist, and no way to authenticate is left out."""

from __future__ import annotations

import ast
import functools
import tomllib
from pathlib import Path

import pytest

from objfs.clouds.known import CLOUDS

TESTS = Path(__file__).parents[1]
TOLD = tomllib.loads((TESTS.parent / "docs" / "reference" / "authentication.toml").read_text("utf-8"))
WAYS = [(cloud.name, way) for cloud in CLOUDS for way in TOLD[cloud.name]["way"]]
each_cloud = pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)


@functools.cache
def tree_of(file: str) -> ast.Module:
    """The source of a test file, parsed; it is not imported, as it may need what is not installed."""
    return ast.parse((TESTS / file).read_text("utf-8"))


def names_in(file: str) -> set[str]:
    """Names of the test functions of a file."""
    return {node.name for node in tree_of(file).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def cases_in(file: str, name: str) -> list[str]:
    """Keys of a dict that a file assigns to a name."""
    for node in tree_of(file).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            assert isinstance(node.value, ast.Dict)
            return [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
    return []


@pytest.mark.parametrize(("cloud", "way"), WAYS, ids=[f"{cloud}-{way['name']}" for cloud, way in WAYS])
def test_tests_of_a_way_exist(cloud, way):
    """A test that is renamed or deleted is noticed here."""
    named = [test.partition("::") for test in way["more"]]
    named += [(TOLD["file"], "::", way["test"])] if "test" in way else []
    assert [f"{file}::{test}" for file, _, test in named if test not in names_in(file)] == []
    assert named, "nothing shows it"


@each_cloud
def test_every_case_is_in_the_table(cloud):
    """Once, and none that does not exist."""
    rows = TOLD[cloud.name]
    assert rows["test"] in names_in(TOLD["file"])
    told = [case for way in rows["way"] for case in way.get("cases", ())]
    assert sorted(told) == sorted(cases_in(TOLD["file"], rows["dict"]))
    assert told


@each_cloud
def test_how_to_exists(cloud):
    """The page that the table leads to."""
    assert (TESTS.parent / "docs" / "how-to" / f"{TOLD[cloud.name]['how_to']}.md").is_file()
