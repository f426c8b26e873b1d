"""``explain`` and ``trace``."""

from __future__ import annotations

import importlib.util
import json
import os
import runpy
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Annotated, Final

import typer

import objfs
from objfs.cli import codes, flags
from objfs.cli.output import Output, WrongCallError, counted, describe
from objfs.cli.sessions import Session
from objfs.opening import is_local_path


def explain(
    url: Annotated[str, typer.Argument(metavar="URL", help="A URL or local path.")],
    check: Annotated[
        str, typer.Option("--check", metavar="LIST", help="Try them: list, read, write, separated by commas.")
    ] = "",
    fetch: Annotated[bool, typer.Option("--fetch", help="Ask for credentials, to tell when they expire.")] = False,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
    as_json: flags.Json = False,
) -> int:
    """Tell what objfs makes of a URL: options and where they come from, credentials, planes. It shows no secret.

    Nothing is sent unless --check or --fetch asks for it; the code is 1 where a check fails.
    """
    out = Output("explain", as_json=as_json)
    wanted = [word.strip() for word in check.split(",") if word.strip()]
    named = f"file://{os.path.abspath(url)}" if is_local_path(url) else url
    try:
        found = objfs.explain(named, check=wanted, fetch=fetch, **Session(option, config, profile).options)
    except (TypeError, ValueError) as error:
        raise WrongCallError(describe(error)) from error
    if as_json:
        out.record(**found.to_dict())
    else:
        for line in str(found).splitlines():
            out.line(out.name(line))
    out.flush()
    return codes.DONE if found.ok else codes.FAILED


def trace(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="SCRIPT [ARGUMENT]...",
            help="A Python program and its arguments: a file, -m and a module, or objfs and one of its commands.",
        ),
    ],
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="The page.")] = Path("objfs-trace.html"),
    values: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="The same as JSON.")] = None,
) -> int:
    """Run a Python program, and write a page that shows each request of objfs: when it was made, and for which bytes.

    A table goes to the standard error. The exit code is that of the program.
    """
    out = Output("trace")
    for file in (html, values):
        if file is not None and not file.parent.is_dir():
            msg = f"there is no directory {str(file.parent)!r} to write {file.name!r} to"
            raise WrongCallError(msg)
    program, seen = _program(words), objfs.trace()
    try:
        with seen:
            code = _run(*program)
    except WrongCallError:
        raise  # there was no program
    except BaseException:
        _write(seen, html, values)
        raise
    _write(seen, html, values)
    sys.stderr.write(f"{seen}\n")
    out.say(f"{counted(len(seen.requests), 'request')}; see {html}")
    return code


def _write(seen: objfs.Trace, html: Path, values: Path | None) -> None:
    seen.to_html(html)
    if values is not None:
        values.write_text(json.dumps(seen.to_dict()), "utf-8")


def _run(run: Callable[[], object], folder: str, arguments: list[str]) -> int:
    """Run a Python program in this process; its exit code."""
    before = sys.argv, sys.path[0]
    sys.argv, sys.path[0] = arguments, folder
    try:
        with _streams_of_the_caller():
            run()
    except SystemExit as end:
        return _code_of(end)
    except WrongCallError:
        raise
    except Exception:  # noqa: BLE001 - the program's own, shown as Python shows it
        traceback.print_exc()
        return codes.FAILED
    finally:
        sys.argv, sys.path[0] = before
    return codes.DONE


@contextmanager
def _streams_of_the_caller() -> Iterator[None]:
    """Take away the streams that stand in for closed ones: Python has None there, to which `print` writes nothing."""
    closed = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, f"__{name}__") is None]
    before = {name: getattr(sys, name) for name in closed}
    for name in closed:
        setattr(sys, name, None)
    try:
        yield
    finally:
        for name, stream in before.items():
            setattr(sys, name, stream)


def _program(words: Sequence[str]) -> tuple[Callable[[], object], str, list[str]]:
    """What to call, the first place of its imports, and its arguments, all as Python has them."""
    name, *rest = words
    if name == "objfs":
        name, rest = "-m", list(words)
    if name == "-m":
        if not rest:
            msg = "-m needs the name of a module"
            raise WrongCallError(msg)
        return partial(_run_module, rest[0]), os.getcwd(), rest
    script = name if os.path.exists(name) else shutil.which(name)
    if script is None:
        msg = f"there is no program {name!r}"
        raise WrongCallError(msg)
    if os.path.isdir(script) and PathFinder.find_spec("__main__", [script]) is None:
        msg = f"{name!r} is a directory, and has no module __main__ that could be run"
        raise WrongCallError(msg)
    folder = os.path.dirname(os.path.abspath(script))
    return partial(runpy.run_path, script, run_name="__main__"), folder, [script, *rest]


def _run_module(name: str) -> None:
    """Run a module, or the ``__main__`` of a package.

    Raises
    ------
    WrongCallError
        There is none. That it is looked for here and not earlier has the packages around it imported under the trace.
    """
    found = _spec_of(name)
    if found is None:
        msg = f"there is no module {name!r}"
        raise WrongCallError(msg)
    if found.submodule_search_locations is not None and _spec_of(f"{name}.__main__") is None:
        msg = f"{name!r} is a package, and has no module __main__ that could be run"
        raise WrongCallError(msg)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _spec_of(name: str) -> ModuleSpec | None:
    if not all(name.split(".")):
        return None
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        # Or a package around it lacks another one, which is the program's own failure.
        if f"{name}.".startswith(f"{error.name}."):
            return None
        raise


def _code_of(end: SystemExit) -> int:
    """The exit code that Python makes of it; what is no number is said, and a failure."""
    if end.code is None or isinstance(end.code, int):
        return end.code or codes.DONE
    sys.stderr.write(f"{end.code}\n")
    return codes.FAILED


COMMANDS: Final = (explain, trace)
