"""The generated pages of docs/reference say what the rows of options and URL forms say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from objfs.clouds import s3_forms
from objfs.clouds._forms import form
from objfs.clouds.known import CLOUDS
from objfs.clouds.s3 import S3
from objfs.options import Option, OptionTable
from objfs.records import replace
from objfs.types import Location

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "generate_reference.py"
each_cloud = pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)


@pytest.fixture
def script():
    """The script, loaded as a module."""
    spec = importlib.util.spec_from_file_location("generate_reference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_current(script):
    """Who changes a row runs ``python docs/generate_reference.py`` and commits what it writes."""
    stale = [path.name for path, text in script.pages().items() if not path.exists() or path.read_text("utf-8") != text]
    assert stale == []


def test_generated_pages_are_in_the_table_of_contents(script):
    """A page that nothing leads to is not read."""
    contents = (ROOT / "docs" / "reference" / "index.md").read_text("utf-8").splitlines()
    assert [path.stem for path in script.pages() if path.stem not in contents] == []


@each_cloud
def test_options_page_has_every_option_with_all_its_names(script, cloud):
    """Nothing that is accepted is left out."""
    page = "\n".join(script.options_page(cloud))
    names = {name for row in cloud.table.options for name in (row.name, *row.aliases, *row.inverse_aliases, *row.env)}
    assert [name for name in sorted({*names, *cloud.table.ignorable}) if f"`{name}`" not in page] == []


def test_options_page_refuses_to_leave_an_option_out(script):
    """A row that is in no group would silently be missing from the reference."""
    more = OptionTable((*S3.table.options, replace(S3.table.options[0], name="new")), S3.table.ignorable)
    with pytest.raises(ValueError, match="'new'"):
        list(script.options_page(replace(S3, table=more)))


def test_row_marks_secrets_opposites_and_bars(script):
    """What a reader must not miss, in a table whose cells end at a bar."""
    option = Option(
        name="a", meaning="This | that.", secret=True, sdk_only=True, inverse_aliases=("b",), readings={"c": str}
    )
    assert script.row(option) == (
        "| `a` | This \\| that. *SDK plane.* | text, **secret** | *not* `b`; *in its own words:* `c` |  |"
    )


@each_cloud
def test_forms_page_has_every_form(script, cloud):
    """Read or refused."""
    page = "\n".join(script.forms_page())
    assert [row.url for row in script.forms_of(cloud) if f"| `{row.url}` |" not in page] == []


def test_forms_page_is_made_of_the_rows_that_tests_read(script, monkeypatch):
    """A form that is added to the rows is in the page at once."""
    monkeypatch.setattr(s3_forms, "URL_FORMS", (form("s3://new/dir/key", "New.", "new"),))
    assert "| `s3://new/dir/key` | New. | `new` | `dir/key` |  |" in list(script.forms_page())


def test_form_row_hides_secrets_and_shows_versions(script):
    """A signature of an example looks like one of a user, and is shown by nobody."""
    row = script.UrlForm("s3://b/k", "It.", Location("b", "k", "V"), {"region": "r", "secret_access_key": "hunter2"})
    assert script.form_row(S3, row) == (
        "| `s3://b/k` | It. | `b` | `k` version `V` | `region='r'`, `secret_access_key=***` |"
    )
