"""The names that `import objfs` offers."""

from __future__ import annotations

from types import ModuleType

import pytest

import objfs

# Made on first use, as the package that they stand on is optional.
LAZY = {"AzureBlobFileSystem": "adlfs", "GCSFileSystem": "gcsfs"}


def exposed() -> set[str]:
    """Public names in the package that objfs itself defines."""
    return {
        name
        for name, value in vars(objfs).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and getattr(value, "__module__", "").partition(".")[0] == "objfs"
    }


def test_all_names_everything_that_is_exposed_and_nothing_else():
    """`__all__` and the package agree; a star import must not need what is optional."""
    assert set(objfs.__all__) - {"__version__"} == exposed() - set(LAZY)


@pytest.mark.parametrize("name", [name for name in objfs.__all__ if name not in LAZY])
def test_exported_name_exists(name):
    """Every name in `__all__` can be imported."""
    assert getattr(objfs, name) is not None


@pytest.mark.parametrize(("name", "package"), LAZY.items())
def test_lazy_name_is_a_class_when_its_package_is_installed(name, package):
    """A class that stands on an optional package is made once, and is public like the others."""
    pytest.importorskip(package)
    assert isinstance(getattr(objfs, name), type)
    assert getattr(objfs, name) is getattr(objfs, name)


def test_unknown_name_raises_attribute_error():
    """A misspelled name fails as in any module."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = objfs.no_such_name


@pytest.mark.parametrize("name", [name for name in objfs.__all__ if name not in LAZY and name != "__version__"])
def test_exported_name_has_a_docstring(name):
    """`help()` says something about everything public."""
    assert getattr(objfs, name).__doc__
