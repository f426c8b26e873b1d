"""``rm``."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Final

import typer

from objfs.cli import flags
from objfs.cli.output import Output, WrongCallError, counted, safe
from objfs.cli.sessions import Session
from objfs.copying_places import Place
from objfs.copying_removal import remove
from objfs.errors import UrlError


def rm(
    urls: flags.Urls,
    recursive: Annotated[
        bool, typer.Option("-r", "--recursive", help="Delete all below; of a bucket, it too.")
    ] = False,
    yes: flags.Yes = False,
    dry_run: flags.DryRun = False,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
    as_json: flags.Json = False,
) -> int:
    """Delete objects and files. URLs are taken literally: a * is a star.

    With -r it asks first; where nobody can be asked, --yes must be given.
    """
    out, session = Output("rm", as_json=as_json), Session(option, config, profile)

    def remove_one(url: str) -> None:
        place = session.place(url)
        if not place.path.strip("/"):
            msg = f"{url!r} is all that there is; name what to delete"
            raise UrlError(msg)
        if not recursive:
            _refuse_directory(place)
            _remove_each(out, place, [place.path], dry_run=dry_run)
            return
        # Listed before the question: its answer is about what is there now.
        doomed = _doomed(place)
        bucket = place.holds_objects and "/" not in place.path.strip("/")
        if not dry_run and not yes:
            _ask(url, len(doomed), bucket=bucket)
        failures = out.failures
        _remove_each(out, place, doomed, dry_run=dry_run)
        if bucket and out.failures == failures:
            _remove_each(out, place, [place.path], dry_run=dry_run)

    return out.each(urls, remove_one)


def _is_file(place: Place) -> bool:
    if place.is_local:
        return not place.names_directory and (os.path.islink(place.path) or os.path.isfile(place.path))
    return not place.names_directory and bool(place.fs.isfile(place.path))


def _doomed(place: Place) -> list[str]:
    """All that goes with a tree, in an order in which it can go."""
    found = [place.path] if _is_file(place) else []
    if place.is_local:
        if not found and not os.path.isdir(place.path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place.path)
        # Links are deleted, not what they lead to.
        for folder, folders, files in [] if found else os.walk(place.path, topdown=False):
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            found += [os.path.join(folder, name) for name in (*files, *links)]
            found.append(folder)
        return found
    try:
        found += [entry.path for entry in place.below(markers=True)]
    except FileNotFoundError:
        if not found:
            raise
    return found


def _refuse_directory(place: Place) -> None:
    """Deleting nothing is no error of a store, so what is not there must be found out."""
    if _is_file(place):
        return
    if place.is_directory():
        msg = "it is a directory; delete all below with -r"
        raise IsADirectoryError(errno.EISDIR, msg, place.path)
    raise FileNotFoundError(errno.ENOENT, "no such object or file", place.path)


def _ask(url: str, count: int, *, bucket: bool) -> None:
    what = (
        f"{safe(url)} and the {counted(count, 'object')} in it"
        if bucket
        else f"{counted(count, 'file')} below {safe(url)}"
    )
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        msg = f"{what} would be deleted, and there is no terminal to ask on; say --yes"
        raise WrongCallError(msg)
    if not typer.confirm(f"Delete {what}?", err=True):
        msg = "nothing was deleted"
        raise InterruptedError(errno.EINTR, msg)


def _remove_each(out: Output, place: Place, paths: list[str], *, dry_run: bool) -> None:
    for path, error in ((path, None) for path in paths) if dry_run else remove(place, paths):
        if error is not None:
            out.fail(place.url(path), error)
        elif out.as_json:
            out.record(action="would delete" if dry_run else "delete", url=place.url(path))
        elif dry_run:
            out.line(f"would delete {out.name(place.url(path))}")


COMMANDS: Final = (rm,)
