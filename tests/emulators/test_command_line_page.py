"""The sessions in docs/how-to/use-the-command-line.md are what the commands print."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("typer")
pytest.importorskip("moto")

SCRIPT = Path(__file__).parents[2] / "docs" / "record_sessions.py"


@pytest.fixture
def script():
    """The script, loaded as a module."""
    spec = importlib.util.spec_from_file_location("record_sessions", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_recorded_sessions_are_what_the_commands_print(script):
    """Who changes what a command prints runs ``python docs/record_sessions.py`` and commits what it writes."""
    page = script.PAGE.read_text("utf-8")
    assert script.recorded(page) == page


def test_every_command_has_a_session(script):
    """A page that leaves one out would not be noticed otherwise."""
    from objfs.cli.app import app

    names = [command.callback.__name__ for command in app.registered_commands]
    assert [name for name in names if f"$ objfs {name} " not in script.PAGE.read_text("utf-8")] == []
