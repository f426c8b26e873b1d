"""``cp``, ``sync`` and ``mv``."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import IO, Annotated, Any, Final, cast

import typer

from objfs import copying
from objfs.cli import flags
from objfs.cli.output import Output, WrongCallError, describe, human, pairs
from objfs.cli.progress import Progress
from objfs.cli.sessions import Session
from objfs.copying_comparison import Comparison
from objfs.copying_files import write_stream
from objfs.copying_jobs import CopyReport, Outcome
from objfs.copying_places import open_side
from objfs.errors import CopyError, MissingExtraError

_CLUSTER_SECONDS: Final = 30
_BLOCK_BYTES: Final = 8 << 20

Paths = Annotated[
    list[str],
    typer.Argument(metavar="SOURCE... TARGET", help="URLs or local paths, taken literally: a * is a star."),
]
Recursive = Annotated[bool, typer.Option("-r", "--recursive", help="Directories, too.")]


def cp(
    paths: Paths,
    recursive: Recursive = False,
    include: flags.Include = None,
    exclude: flags.Exclude = None,
    dry_run: flags.DryRun = False,
    fail_fast: flags.FailFast = False,
    verbose: flags.Verbose = False,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
    src_o: flags.SourceOptions = None,
    dst_o: flags.TargetOptions = None,
    dask: flags.Dask = None,
    as_json: flags.Json = False,
) -> int:
    """Copy files, with -r directories, from anywhere to anywhere; - is the standard input or output.

    Sources go into a target that is a directory, or is written with a slash at its end; of a source directory that is
    written with one, the contents do.
    """
    *sources, target = _two_at_least(paths)
    out = Output("cp", as_json=as_json)
    sides = _sides(Session(option, config, profile), src_o, dst_o)
    if "-" in paths:
        return _stream(out, sources, target, sides, dry_run=dry_run)
    work = {**sides, "include": include or (), "exclude": exclude or (), "dry_run": dry_run, "fail_fast": fail_fast}
    return _run(
        out,
        lambda more: copying.copy(sources, target, recursive=recursive, **work, **more),
        dask,
        verbose=verbose,
        dry_run=dry_run,
    )


def mv(
    paths: Paths,
    recursive: Recursive = False,
    include: flags.Include = None,
    exclude: flags.Exclude = None,
    dry_run: flags.DryRun = False,
    fail_fast: flags.FailFast = False,
    verbose: flags.Verbose = False,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
    src_o: flags.SourceOptions = None,
    dst_o: flags.TargetOptions = None,
    as_json: flags.Json = False,
) -> int:
    """Copy as cp does, and delete each file at its source when it is at its target."""
    *sources, target = _two_at_least(paths)
    work: dict[str, Any] = {"include": include or (), "exclude": exclude or (), "dry_run": dry_run}
    work |= {**_sides(Session(option, config, profile), src_o, dst_o), "fail_fast": fail_fast}
    return _run(
        Output("mv", as_json=as_json),
        lambda more: copying.move(sources, target, recursive=recursive, **work, **more),
        None,
        verbose=verbose,
        dry_run=dry_run,
    )


def sync(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A directory.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A directory, which need not exist.")],
    compare: Annotated[
        str,
        typer.Option(
            "--compare",
            metavar="HOW",
            help="What is there already: mtime, of the same size and not older; size, of the same size; both guess. "
            "checksum, with the same bytes.",
        ),
    ] = "mtime",
    delete: Annotated[bool, typer.Option("--delete", help="Delete what the source does not hold.")] = False,
    include: flags.Include = None,
    exclude: flags.Exclude = None,
    dry_run: flags.DryRun = False,
    fail_fast: flags.FailFast = False,
    verbose: flags.Verbose = False,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
    src_o: flags.SourceOptions = None,
    dst_o: flags.TargetOptions = None,
    dask: flags.Dask = None,
    as_json: flags.Json = False,
) -> int:
    """Make a directory hold what another one holds. What is there already is not copied; run it again to go on."""
    out = Output("sync", as_json=as_json)
    work: dict[str, Any] = {"include": include or (), "exclude": exclude or (), "dry_run": dry_run}
    work |= {**_sides(Session(option, config, profile), src_o, dst_o), "fail_fast": fail_fast, "delete": delete}
    how = cast("Comparison", compare)
    return _run(
        out,
        lambda more: copying.sync(source, target, compare=how, **work, **more),
        dask,
        verbose=verbose,
        dry_run=dry_run,
        summary=True,
    )


def _two_at_least(paths: list[str]) -> list[str]:
    if len(paths) < 2:
        msg = "give at least one source, and the target"
        raise WrongCallError(msg)
    return paths


def _sides(session: Session, source: list[str] | None, target: list[str] | None) -> dict[str, Any]:
    return {
        "options": session.options,
        "source_options": pairs(source, "--src-o"),
        "target_options": pairs(target, "--dst-o"),
    }


def _run(
    out: Output,
    act: Callable[[dict[str, Any]], CopyReport],
    dask: str | None,
    *,
    verbose: bool,
    dry_run: bool,
    summary: bool = False,
) -> int:
    """Copy, show how it gets on, and report what failed."""

    def tell(outcome: Outcome) -> None:
        if outcome.error is not None:
            out.fail(outcome.source or outcome.target, outcome.error)
        elif out.as_json:
            told = {"action": outcome.action, "source": outcome.source, "target": outcome.target, "size": outcome.size}
            out.record(**told)
        elif (verbose or dry_run) and outcome.action != "skip":
            arrow = f"{out.name(outcome.source)} -> " if outcome.source else ""
            would = "would " if dry_run else ""
            out.line(f"{would}{outcome.action} {arrow}{out.name(outcome.target)}")

    prints = verbose or dry_run or out.as_json
    with _cluster(dask) as client, Progress(out, tell, prints=prints) as progress:
        try:
            report = act({"client": client, "watcher": progress})
        except CopyError as error:
            report = error.report
        except ValueError as error:
            raise WrongCallError(describe(error)) from error
    if summary and not out.as_json:
        copied, size = report.done("copy"), sum(each.size or 0 for each in report.done("copy"))
        counts = f"{len(copied)} copied ({human(size)}), {len(report.done('skip'))} there already"
        start = "dry run: " if dry_run else ""
        out.say(f"{start}{counts}, {len(report.done('delete'))} deleted, {len(report.failed)} failed")
    out.flush()
    return out.exit_code


@contextlib.contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    if address is None:
        yield None
        return
    if importlib.util.find_spec("distributed") is None:
        msg = "--dask needs dask.distributed; install it by: pip install 'dask[distributed]'"
        raise MissingExtraError(msg)
    from distributed import Client

    with Client(address, timeout=_CLUSTER_SECONDS, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        yield client


def _stream(out: Output, sources: list[str], target: str, sides: dict[str, Any], *, dry_run: bool) -> int:
    """Copy from or to a standard stream."""
    if len(sources) != 1:
        msg = "of the standard input and output only one can be copied, with one other file"
        raise WrongCallError(msg)
    (source,) = sources
    with out.reporting(target if source == "-" else source):
        if dry_run:
            out.line(f"would copy {out.name(source)} -> {out.name(target)}")
        elif target != "-":
            place = open_side(target, sides["options"], sides["target_options"])
            if place.names_directory:
                msg = f"what comes from the standard input has no name; give one below {target}"
                raise WrongCallError(msg)
            write_stream(sys.stdin.buffer, place, moved=lambda _: None)
        elif source == "-":
            _print_all(out, sys.stdin.buffer)
        else:
            place = open_side(source, sides["options"], sides["source_options"])
            with place.fs.open(place.path, "rb") as file:
                _print_all(out, file)
    out.flush()
    return out.exit_code


def _print_all(out: Output, file: IO[bytes]) -> None:
    while block := file.read(_BLOCK_BYTES):
        out.data(block)


COMMANDS: Final = (cp, sync, mv)
