"""The commands together, and how each way of ending becomes an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any, Final

import typer

from objfs._version import __version__
from objfs.cli import codes, copying, demo, inspecting, listing, reading, removing
from objfs.cli.output import USAGE_ERRORS, OutputClosedError, describe, safe

# What follows the name of a program that is run is for that.
_FOR_A_PROGRAM: Final = {"allow_interspersed_args": False, "ignore_unknown_options": True}


def _guarded(command: Callable[..., int]) -> Callable[..., None]:
    """A command each of whose endings is an exit code."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
        except (KeyboardInterrupt, typer.Abort):
            _say("interrupted")
            code = codes.INTERRUPTED
        except OutputClosedError as error:
            code = _unprinted(error.__cause__)
        except USAGE_ERRORS as error:
            _say(describe(error))
            code = codes.USAGE
        except Exception as error:  # noqa: BLE001 - people read one line
            name = getattr(error, "filename", None)
            _say(f"{name}: {describe(error)}" if name else describe(error))
            code = codes.FAILED
        raise typer.Exit(code)

    return guarded


app = typer.Typer(
    name="objfs",
    help="Objects and files by URL: s3, gs, az, http, memory, and local paths.",
    # Help is text that the reference page has, too.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help"]},
)
for module in (listing, reading, copying, removing, inspecting, demo):
    for command in module.COMMANDS:
        settings = _FOR_A_PROGRAM if command is inspecting.trace else {}
        app.command(context_settings=settings)(_guarded(command))


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"objfs {__version__}")
        raise typer.Exit


@app.callback()
def _objfs(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Objects and files by URL: s3, gs, az, http, memory, and local paths."""


def run(arguments: Sequence[str]) -> int:
    """Run a command; its exit code."""
    try:
        # What Typer's own `no_args_is_help` ends with depends on its version.
        app(list(arguments) or ["--help"], prog_name="objfs")
    except SystemExit as end:
        if not arguments:
            return codes.USAGE
        return end.code if isinstance(end.code, int) else codes.FAILED
    except OSError as error:
        # Of the help and the version, which are not printed by commands.
        return _unprinted(error)
    return 0


def _unprinted(error: BaseException | None) -> int:
    """The exit code where the output cannot be written."""
    # What is left in the buffer would raise once more when the interpreter exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error is None or isinstance(error, BrokenPipeError):
        return codes.UNREAD
    _say(f"the output cannot be written: {describe(error)}")
    return codes.FAILED


def _say(text: str) -> None:
    sys.stderr.write(f"objfs: {safe(text)}\n")
