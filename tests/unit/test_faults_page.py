"""docs/reference/faults.md says what the rows of tests/faults say."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    """The script, loaded as a module."""
    spec = importlib.util.spec_from_file_location("generate_faults", ROOT / "docs" / "generate_faults.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(module)
    return module


def test_faults_page_is_current(script):
    """Who changes a row runs ``python docs/generate_faults.py`` and commits what it writes."""
    assert script.PAGE.read_text("utf-8") == script.page()


def test_faults_page_counts_every_cell_once(script):
    """Cells are those that survive and those that raise, and all of them are the sum of the clouds and planes."""
    rows = re.findall(r"^\| (\w+) \|[ \w]*\| (\d+) \| (\d+) \| (\d+) \|$", script.page(), re.MULTILINE)
    counts = [tuple(map(int, row[1:])) for row in rows]
    assert [whole == survived + raised for whole, survived, raised in counts] == [True] * 7
    assert tuple(map(sum, zip(*counts[:-1], strict=True))) == counts[-1]
    assert counts[-1][0] == len(list(script.cells()))
