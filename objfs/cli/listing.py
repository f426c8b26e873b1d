"""``ls``, ``du`` and ``tree``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from objfs.cli import flags
from objfs.cli.output import Output, counted, human, shown_size, shown_time
from objfs.cli.sessions import Session
from objfs.copying_places import Entry, Place


def ls(
    urls: flags.Urls,
    long: Annotated[bool, typer.Option("-l", "--long", help="Sizes and times, too.")] = False,
    recursive: Annotated[bool, typer.Option("-R", "--recursive", help="All files below, in one list.")] = False,
    human: flags.Human = False,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
    as_json: flags.Json = False,
    null: flags.Null = False,
) -> int:
    """List what is directly below URLs, or with -R all files below. Directories end in a slash."""
    out, session = Output("ls", as_json=as_json, null=null), Session(option, config, profile)

    def show(url: str) -> None:
        place = session.place(url)
        found = place.below(markers=True) if recursive and _is_tree(place) else place.children()
        for entry in found:
            _show(out, place, entry, long=long, for_people=human)

    return out.each(urls, show)


def _is_tree(place: Place) -> bool:
    return place.names_directory or not place.path or place.is_directory()


def _show(out: Output, place: Place, entry: Entry, *, long: bool, for_people: bool) -> None:
    url = place.url(entry.path)
    if out.as_json:
        kind = "directory" if entry.is_directory else "file"
        time = None if entry.modified is None else shown_time(entry.modified)
        out.record(url=url, type=kind, size=None if entry.is_directory else entry.size, modified=time)
        return
    name = out.name(f"{url.removesuffix('/')}/" if entry.is_directory else url)
    if long:
        size = "-" if entry.is_directory else shown_size(entry.size, for_people=for_people)
        name = f"{size:>12}  {shown_time(None if entry.is_directory else entry.modified):<20}  {name}"
    out.line(name)


def du(
    urls: flags.Urls,
    depth: Annotated[
        int, typer.Option("-d", "--depth", metavar="N", min=0, help="Directories down to this depth, too.")
    ] = 0,
    human: flags.Human = False,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
    as_json: flags.Json = False,
) -> int:
    """Add up bytes and files below URLs, as the listing tells them."""
    out, session = Output("du", as_json=as_json), Session(option, config, profile)

    def show(url: str) -> None:
        place = session.place(url)
        files = place.below(markers=True) if _is_tree(place) else place.children()
        for name, (size, count) in sorted(_sums(files, depth).items(), key=lambda item: (not item[0], item[0])):
            inner = place.url(place.root + name) if name else url
            if out.as_json:
                out.record(url=inner, bytes=size, files=count)
            else:
                out.line(f"{shown_size(size, for_people=human):>12}  {counted(count, 'file'):>13}  {out.name(inner)}")

    return out.each(urls, show)


def _sums(files: Iterator[Entry] | list[Entry], depth: int) -> dict[str, tuple[int, int]]:
    """Bytes and files by directory; the empty name is that of the whole."""
    sums = {"": (0, 0)}
    for entry in files:
        if entry.is_directory:
            continue
        parts = entry.name.split("/")[:-1][:depth]
        for level in range(len(parts) + 1):
            name = "".join(f"{part}/" for part in parts[:level])
            size, count = sums.get(name, (0, 0))
            sums[name] = (size + (entry.size or 0), count + 1)
    return sums


def tree(
    url: Annotated[str, typer.Argument(metavar="URL", help="A directory or bucket.")],
    depth: Annotated[int | None, typer.Option("-L", "--depth", metavar="N", min=1, help="No deeper than this.")] = None,
    human: flags.Human = False,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
) -> int:
    """Draw what lies below a URL."""
    out, session = Output("tree"), Session(option, config, profile)

    def show(url: str) -> None:
        place = session.place(url)
        whole: dict[str, Any] = {}
        size = count = 0
        for entry in place.below():
            *folders, name = entry.name.split("/")
            inner = whole
            for folder in folders:
                inner = inner.setdefault(f"{folder}/", {})
            inner[name] = entry.size or 0
            size, count = size + (entry.size or 0), count + 1
        out.line(out.name(url))
        for line in _drawn(whole, depth, for_people=human):
            out.line(out.name(line))
        out.line(f"{counted(count, 'file')}, {shown_size(size, for_people=True)}")

    return out.each([url], show)


def _drawn(inner: dict[str, Any], depth: int | None, *, for_people: bool, before: str = "") -> Iterator[str]:
    for number, (name, below) in enumerate(sorted(inner.items()), 1):
        last = number == len(inner)
        size = f"  ({human(below)})" if for_people and isinstance(below, int) else ""
        yield f"{before}{'└── ' if last else '├── '}{name}{size}"
        if isinstance(below, dict) and depth != 1:
            deeper = None if depth is None else depth - 1
            yield from _drawn(below, deeper, for_people=for_people, before=before + ("    " if last else "│   "))


COMMANDS: Final = (ls, du, tree)
