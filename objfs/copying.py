"""Copy and synchronise trees between any two places, in this process or on a dask cluster."""

from __future__ import annotations

import difflib
import errno
import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from objfs.copying_comparison import COMPARISONS, Comparison, same_by_listing
from objfs.copying_jobs import Copies, CopyReport, Outcome, Transfer, Watcher, reason_of
from objfs.copying_places import Entry, Place, open_side
from objfs.copying_removal import remove, remove_empty_directories
from objfs.copying_selection import Selection
from objfs.errors import CopyError, UrlError
from objfs.records import record, replace

Url = str | os.PathLike[str]


@record
class Work:
    """What the calls below have in common.

    Parameters
    ----------
    options
        Storage options of each side that is in a cloud.
    source_options, target_options
        Storage options of one side; they go before those of both.
    include, exclude
        Globs, see :class:`objfs.copying_selection.Selection`.
    dry_run
        Only say what would be done.
    fail_fast
        Stop at the first failure.
    client
        Of a dask cluster that carries the copies out.
    watcher
        Is told how they get on.
    """

    options: Mapping[str, Any] | None = None
    source_options: Mapping[str, Any] | None = None
    target_options: Mapping[str, Any] | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    dry_run: bool = False
    fail_fast: bool = False
    client: Any = None
    watcher: Watcher | None = None

    @classmethod
    def of(cls, call: Callable[..., CopyReport], given: Mapping[str, Any]) -> Work:
        """What keywords of a call say.

        Raises
        ------
        TypeError
            The call takes no such keyword.
        """
        own = [name for name, each in inspect.signature(call).parameters.items() if each.kind is each.KEYWORD_ONLY]
        known = [*own, *cls.__annotations__]
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(known)}"
                msg = f"{call.__name__}() takes no keyword {name!r}; {hint}"
                raise TypeError(msg)
        return cls(**given)

    def source(self, url: Url) -> Place:
        """The place that something is copied from."""
        return open_side(url, self.options, self.source_options)

    def target(self, url: Url) -> Place:
        """The place that something is copied to."""
        return open_side(url, self.options, self.target_options)

    @property
    def selection(self) -> Selection:
        """What is copied of a tree."""
        return Selection(self.include, self.exclude)

    @property
    def copies(self) -> Copies:
        """The copies of a call, which has not begun."""
        return Copies(self.watcher, fail_fast=self.fail_fast, client=self.client)


def copy(source: Url | Sequence[Url], target: Url, *, recursive: bool = False, **work: Any) -> CopyReport:
    """Copy files and directories.

    Parameters
    ----------
    source
        A URL or a local path, or several. It is taken literally: a ``*`` is a star.
    target
        A URL or a local path. Where it is a directory that exists, or is written with a slash at its end, sources go
        into it under their own names; otherwise the one source gets this name. Of a source directory that is written
        with a slash at its end, the contents go. Several sources go into a directory. These are
        `fsspec's rules <https://filesystem-spec.readthedocs.io/en/latest/copying.html>`_.
    recursive
        Copy directories, too.
    **work
        ``options``, ``source_options``, ``target_options``: storage options of each side that is in a cloud, of the
        source and of the target. ``include``, ``exclude``: globs that choose among files of directories, see
        `Selection`. ``dry_run=True`` only says what would be done; ``fail_fast=True`` stops at the first failure.
        ``client``: a ``distributed.Client`` whose workers copy; they get the filesystems' options, and with a provider
        no secret. ``watcher``: is told how the copies get on, see `Watcher`.

    Returns
    -------
    CopyReport
        One outcome for each file.

    Raises
    ------
    FileNotFoundError
        There is no such source.
    IsADirectoryError
        A source is a directory, and ``recursive`` is not set.
    CopyError
        Some files could not be copied; all others were. It lists them, and holds the report.
    UrlError, OptionError
        A URL or an option is wrong, the one source is the target, or the target of a directory is below it; nothing
        was copied.
    TypeError
        There is no such keyword.
    """
    return _copy(source, target, Work.of(copy, work), recursive=recursive, move=False)


def move(source: Url | Sequence[Url], target: Url, *, recursive: bool = False, **work: Any) -> CopyReport:
    """Copy files, and delete each at its source when it is at its target, and local directories that are empty then.

    What lies behind links to directories is copied, and stays.

    Parameters
    ----------
    source, target, recursive, **work
        As for `copy`.

    Raises
    ------
    UrlError
        As for `copy`.
    """
    return _copy(source, target, Work.of(move, work), recursive=recursive, move=True)


def sync(source: Url, target: Url, *, compare: Comparison = "mtime", delete: bool = False, **work: Any) -> CopyReport:
    """Make a directory hold what another one holds; what it holds already is not copied.

    No state is kept but what is at the target, where files appear whole or not at all: a call that was interrupted is
    continued by the same call.

    Parameters
    ----------
    source, target
        Directories, by URL or local path; a slash at the end does not matter.
    compare
        When a file is there already: ``size``, of the same size; ``mtime``, and not written before the source was;
        ``checksum``, with the same bytes. The first two are guesses. The last is exact: the stores' own MD5 sums are
        compared, also with local files, and contents are read where these do not tell.
    delete
        Delete what the target holds and the source does not, when everything has been copied. What ``include`` and
        ``exclude`` leave out stays, and so does what lies behind links to directories.
    **work
        As for `copy`.

    Returns
    -------
    CopyReport
        One outcome for each file of the source, and each deletion.

    Raises
    ------
    FileNotFoundError
        There is no such source.
    CopyError
        As for `copy`; nothing was deleted.
    UrlError, OptionError, ValueError
        A URL, an option or ``compare`` is wrong, or one directory is below the other.
    """
    if compare not in COMPARISONS:
        msg = f"compare is one of {', '.join(COMPARISONS)}, not {compare!r}"
        raise ValueError(msg)
    task = Work.of(sync, work)
    ours, theirs, selection = task.source(source), task.target(target), task.selection
    _refuse_overlap(ours, theirs)
    wanted = {entry.name: entry for entry in ours.below() if selection.takes(entry.name)}
    present = {entry.name: entry for entry in _below_if_any(theirs) if selection.takes(entry.name)}
    copies, transfers = task.copies, []
    for name, entry in wanted.items():
        found = present.get(name)
        same = False if found is None else same_by_listing(entry, found, compare)
        if same:
            copies.note(Outcome("skip", ours.url(entry.path), theirs.url(theirs.root + name), entry.size))
            continue
        for transfer in _transfers(copies, ours, entry, theirs, name, dry_run=task.dry_run):
            compared = (entry, found) if same is None and found is not None else None
            transfers.append(replace(transfer, compared=compared))
    copies.carry_out([each for each in transfers if each.compared or not task.dry_run])
    for each in transfers:
        if task.dry_run and not each.compared:
            copies.note(Outcome("copy", each.source.url(), each.target.url(), each.size))
    if delete and not copies.report().failed:
        doomed = [entry for name, entry in present.items() if name not in wanted and not entry.linked]
        _delete(copies, theirs, doomed, dry_run=task.dry_run)
    return _ended(copies)


def _copy(source: Url | Sequence[Url], target: Url, task: Work, *, recursive: bool, move: bool) -> CopyReport:
    urls = [source] if isinstance(source, str | os.PathLike) else list(source)
    place, selection, copies = task.target(target), task.selection, task.copies
    transfers: dict[str, Transfer] = {}
    is_directory: bool | None = True if len(urls) > 1 else None
    for url in urls:
        ours = task.source(url)
        here = _file_at(ours)
        if is_directory is None:
            is_directory = place.names_directory or place.is_directory()
        own_name = ours.name if is_directory else ""
        there = place.at(place.root + own_name) if own_name and not ours.names_directory else place
        if here is not None and len(urls) == 1:
            # Of several sources the others are copied.
            _refuse_same(ours, there, move=move)
        files = [] if here is None else [(here, own_name)]
        files += _files_below(ours, own_name, there, selection, recursive, file=here)
        for entry, name in files:
            for each in _transfers(copies, ours, entry, place, name, dry_run=task.dry_run, move=move):
                # Of two files of one name the second would replace the first, which a move has deleted by then.
                if transfers.setdefault(each.target.path, each) is not each:
                    copies.note(each.failed("another source has the same target"))
    if task.dry_run:
        for each in transfers.values():
            copies.note(Outcome("move" if each.move else "copy", each.source.url(), each.target.url(), each.size))
    else:
        copies.carry_out(list(transfers.values()))
    report = _ended(copies)
    if move and not task.dry_run:
        for ours in map(task.source, urls):
            if ours.is_local:
                remove_empty_directories(ours.path)
    return report


def _file_at(place: Place) -> Entry | None:
    """The file at a place; None where there is a directory, or nothing."""
    if place.names_directory:
        return None
    try:
        found = place.here()
    except FileNotFoundError:
        return None
    return None if found.is_directory else found


def _files_below(
    place: Place, name: str, there: Place, selection: Selection, recursive: bool, *, file: Entry | None
) -> list[tuple[Entry, str]]:
    """Files below a directory, which may be beside a file of its name, and their names below the target."""
    if file is not None and not (recursive and place.holds_objects):
        return []
    if not recursive:
        if place.is_directory():
            raise IsADirectoryError(errno.EISDIR, "it is a directory; copy it with recursive (-r)", place.url())
        raise FileNotFoundError(errno.ENOENT, "no such file or directory", place.url())
    # The contents of what is written with a slash, else the directory itself.
    start = f"{name}/" if name and not place.names_directory else ""
    try:
        found = [(entry, start + entry.name) for entry in place.below() if selection.takes(entry.name)]
    except FileNotFoundError:
        if file is None:
            raise
        return []
    if found:
        _refuse_below(place, there)
    return found


def _transfers(
    copies: Copies, source: Place, entry: Entry, target: Place, name: str, *, dry_run: bool, move: bool = False
) -> Iterator[Transfer]:
    """The copy of a file; none, and a failure, where it can have no such name."""
    here = source.at(entry.path)
    try:
        there = _there(here, target, name, move=move)
    except UrlError as error:
        failed = Outcome("move" if move else "copy", here.url(), target.url(target.root + name), entry.size)
        copies.note(replace(failed, error=reason_of(error)))
        return
    yield Transfer(here, there, entry.size, entry.modified, move=move and not entry.linked, dry_run=dry_run)


def _there(here: Place, target: Place, name: str, *, move: bool) -> Place:
    there = target.at(target.child(name) if name else target.path)
    _refuse_same(here, there, move=move)
    return there


def _refuse_same(one: Place, two: Place, *, move: bool) -> None:
    if one.is_local and two.is_local:
        same = os.path.realpath(one.path) == os.path.realpath(two.path)
    else:
        # With other options, such as of encryption, an object may be copied to itself; a move would delete it.
        same = one.path == two.path and (one.shares_names_with(two) if move else one.fs == two.fs)
    if same:
        msg = f"source and target are the same: {two.url()}"
        raise UrlError(msg)


def _refuse_overlap(one: Place, two: Place) -> None:
    """A tree that is copied into itself would never be in step, and deletions would take the source."""
    if one.is_local and two.is_local:
        one, two = (replace(each, path=os.path.realpath(each.path)) for each in (one, two))
    elif not one.shares_names_with(two):
        return
    if one.root.startswith(two.root) or two.root.startswith(one.root):
        msg = f"{one.url()} and {two.url()} are the same directory, or one is in the other"
        raise UrlError(msg)


def _refuse_below(source: Place, target: Place) -> None:
    """A tree that is copied into itself would be longer by its own copy each time."""
    if source.is_local and target.is_local:
        source, target = (replace(each, path=os.path.realpath(each.path)) for each in (source, target))
    elif not source.shares_names_with(target):
        return
    if target.root != source.root and target.root.startswith(source.root):
        msg = f"{target.url()} is in {source.url()}, which would be copied into itself"
        raise UrlError(msg)


def _below_if_any(place: Place) -> Iterable[Entry]:
    try:
        return list(place.below())
    except FileNotFoundError:
        return []


def _delete(copies: Copies, place: Place, entries: Sequence[Entry], *, dry_run: bool) -> None:
    sizes = {entry.path: entry.size for entry in entries}
    for path, error in ((path, None) for path in sizes) if dry_run else remove(place, list(sizes)):
        copies.note(Outcome("delete", None, place.url(path), sizes[path], None if error is None else reason_of(error)))


def _ended(copies: Copies) -> CopyReport:
    report = copies.report()
    if report.failed:
        raise CopyError([(each.source or each.target, each.error or "") for each in report.failed], report)
    return report
