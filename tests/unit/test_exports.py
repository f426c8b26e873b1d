"""The names that `import objfs` offers."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

import objfs

API = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


def exposed() -> set[str]:
    """Public names in the package that objfs itself defines, be they imported yet or not."""
    values = {name: getattr(objfs, name) for name in dir(objfs) if not name.startswith("_")}
    return {
        name
        for name, value in values.items()
        if not isinstance(value, ModuleType) and getattr(value, "__module__", "").partition(".")[0] == "objfs"
    }


def test_all_names_everything_that_is_exposed_and_nothing_else():
    """`__all__` and the package agree; a star import must not need what is optional."""
    assert set(objfs.__all__) - {"__version__"} == exposed()


@pytest.mark.parametrize("name", objfs.__all__)
def test_exported_name_exists(name):
    """Every name in `__all__` can be imported."""
    assert getattr(objfs, name) is not None


def test_unknown_name_raises_attribute_error():
    """A misspelled name fails as in any module."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = objfs.no_such_name


@pytest.mark.parametrize("name", [name for name in objfs.__all__ if name != "__version__"])
def test_exported_name_has_a_docstring(name):
    """`help()` says something about everything public."""
    assert getattr(objfs, name).__doc__


@pytest.mark.parametrize("name", [name for name in objfs.__all__ if name != "__version__"])
def test_exported_name_is_on_the_page_of_public_names(name):
    """One page says what is public."""
    assert re.search(rf":: objfs\.{name}$", API.read_text("utf-8"), re.MULTILINE)
