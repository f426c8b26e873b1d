"""What the distribution says about itself and what the sources say are the same."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

import objfs
from objfs.registration import SCHEMES

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_entry_points_are_the_schemes_that_register_claims():
    """Installing objfs and calling `objfs.register()` lead to the same classes."""
    listed = {scheme: value.replace(":", ".") for scheme, value in PROJECT["entry-points"]["fsspec.specs"].items()}
    assert listed == dict(SCHEMES)


def test_installed_version_is_the_one_in_the_sources():
    """The build takes the version from objfs/_version.py."""
    try:
        installed = importlib.metadata.version("objfs")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("objfs runs from its sources, it is not installed")
    assert installed == objfs.__version__


def test_core_needs_fsspec_and_obstore_only():
    """Anything else that a user may not want comes with an extra."""
    assert sorted(re.split(r"[<>=]", text)[0] for text in PROJECT["dependencies"]) == ["fsspec", "obstore"]


def test_package_is_marked_as_typed():
    """Type checkers of users read our annotations (PEP 561)."""
    assert (ROOT / "objfs" / "py.typed").is_file()


def test_console_script_is_the_command_line():
    """`objfs` and `python -m objfs` are one."""
    from importlib import import_module

    module, _, name = PROJECT["scripts"]["objfs"].partition(":")
    assert getattr(import_module(module), name) is import_module("objfs.__main__").program


def test_citation_names_the_version_in_the_sources():
    """Who cites it says which one."""
    assert f"version: {objfs.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
