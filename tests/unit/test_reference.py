"""The generated pages of docs/reference say what the option rows say."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from objfs.clouds import s3_rows
from objfs.options import Option

SCRIPT = Path(__file__).parents[2] / "docs" / "generate_reference.py"


@pytest.fixture
def script():
    """The script, loaded as a module."""
    spec = importlib.util.spec_from_file_location("generate_reference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_current(script):
    """Who changes a row runs ``python docs/generate_reference.py`` and commits what it writes."""
    stale = [path.name for path, text in script.pages().items() if path.read_text("utf-8") != text]
    assert stale == []


def test_generated_page_has_every_option_with_all_its_names(script):
    """Nothing that is accepted is left out."""
    page = "\n".join(script.s3_page())
    names = {name for row in s3_rows.ROWS for name in (row.name, *row.aliases, *row.inverse_aliases, *row.env)}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_pages_refuse_to_leave_an_option_out(script, monkeypatch):
    """A row that is in no group would silently be missing from the reference."""
    more = (*s3_rows.ROWS, replace(s3_rows.ROWS[0], name="new"))
    monkeypatch.setattr(s3_rows, "ROWS", more)
    with pytest.raises(ValueError, match="GROUPS"):
        script.pages()


def test_row_marks_secrets_opposites_and_bars(script):
    """What a reader must not miss, in a table whose cells end at a bar."""
    option = Option(
        name="a", meaning="This | that.", secret=True, sdk_only=True, inverse_aliases=("b",), readings={"c": str}
    )
    assert script.row(option) == (
        "| `a` | This \\| that. *SDK plane.* | text, **secret** | *not* `b`; *in its own words:* `c` |  |"
    )
