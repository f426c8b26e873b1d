"""Verbs that read bytes: cat, cat_ranges, get."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from glob import has_magic
from typing import Any, Final

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.implementations.local import make_path_posix, trailing_sep
from fsspec.utils import isfilelike, other_paths, stringify_path

from objfs.bulk_reads import Bounds, Ranges, read_all
from objfs.concurrency import carry
from objfs.downloads import copy_to, download
from objfs.errands import Awaited, Errand, only
from objfs.errors import FileExpired
from objfs.planed import PlanedFileSystem
from objfs.steps import Plan, drive, drive_async
from objfs.transfers import Slice, Source, read_slice
from objfs.workers import wait_for_worker

# What `cat` may be told of each object without asking the method of its cloud.
_SLICE_KEYWORDS: Final = frozenset({"start", "end", "version_id", "chunksize", "max_concurrency"})


class ReadVerbs(PlanedFileSystem):
    """Reading of objects on whichever plane serves the call."""

    def _read_keywords(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords of a read, all of which the cloud must know.

        Raises
        ------
        TypeError
            As for any wrong keyword.
        """
        words = self.connection.cloud.read_keywords
        unknown = sorted(set(keywords) - words)
        if unknown:
            known = f"; a read takes {', '.join(sorted(words))}" if words else ""
            msg = f"unexpected keyword {unknown[0]!r}{known}"
            raise TypeError(msg)
        return {name: value for name, value in keywords.items() if value is not None}

    async def _cat_file(
        self,
        path: str,
        start: int | None = None,
        end: int | None = None,
        *,
        version_id: str | None = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> bytes:
        """Read ``object[start:end]`` with Python's slice semantics; long ranges in parallel."""
        source = self._read_source(path, version_id, chunksize, max_concurrency, kwargs)
        return await Errand(read_slice(source, start, end), blocks=source.blocks)

    def cat_file(self, path: str, *args: Any, timeout: float | None = None, **kwargs: Any) -> bytes:
        """Read one object, or a part of it.

        Parameters
        ----------
        path
            ``bucket/key`` or URL.
        *args, **kwargs
            As the peer's method of this name takes them: ``start`` and ``end``, bounds as in a Python slice;
            ``version_id``; ``chunksize``, the bytes per request of a long read, by default 4 MiB;
            ``max_concurrency``, requests at a time, by default as many as have 96 MiB in flight.
        timeout
            Seconds the call may take.

        Returns
        -------
        bytes
            All of one version.
        """
        return self._by_hand(self._cat_file(path, *args, **kwargs), timeout)

    def _read_source(
        self,
        path: str,
        version_id: str | None,
        chunk_bytes: int | None,
        max_concurrency: int | None,
        keywords: Mapping[str, Any],
    ) -> Source:
        return self._source(self._key(path, version_id), self._read_keywords(keywords), max_concurrency, chunk_bytes)

    async def _cat(
        self, path: Any, recursive: bool = False, on_error: str = "raise", batch_size: int | None = None, **kwargs: Any
    ) -> Any:
        """Read one object, or several into a dict; one path without wildcards is the object of exactly that name."""
        if isinstance(path, str) and not recursive and not has_magic(path) and on_error == "raise":
            return await self._cat_file(path, **kwargs)
        paths = await self._names_to_read(path, recursive)
        # What one path stands for is given without its name, or not at all.
        single = isinstance(path, str) and paths == [self._strip_protocol(path)]
        on_error = "raise" if single else on_error
        if kwargs.keys() <= _SLICE_KEYWORDS:
            reads = self._slices(paths, on_error, **kwargs)
            blocks = all(isinstance(read, Exception) or read.source.blocks for read in reads)
            plan = self._cat_plan(paths, reads, on_error, batch_size or self.batch_size)
        else:
            # A keyword of the peer's is for the method of the cloud to understand.
            plan, blocks = self._one_by_one(paths, on_error, batch_size, kwargs), False
        found = await Errand(plan, blocks=blocks)
        return found[paths[0]] if single else found

    async def _names_to_read(self, path: Any, recursive: bool) -> list[str]:
        given = [stringify_path(each) for each in ([path] if not isinstance(path, list | tuple | set) else path)]
        if recursive or isinstance(path, str) or any(map(has_magic, given)):
            names: list[str] = await Errand(
                only(Awaited(lambda: self._expand_path(path, recursive=recursive))), blocks=False
            )
            return names
        return sorted({self._name_of(each, in_list=True) for each in given})

    def _one_by_one(
        self, paths: Sequence[str], on_error: str, batch_size: int | None, keywords: Mapping[str, Any]
    ) -> Plan[dict[str, Any]]:
        """Read objects by the awaited verb for one; paths to their bytes."""
        read = super()._cat
        return only(Awaited(lambda: read(list(paths), on_error=on_error, batch_size=batch_size, **keywords)))

    def cat(
        self,
        path: Any,
        recursive: bool = False,
        on_error: str = "raise",
        batch_size: int | None = None,
        *,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Read one object, or several.

        Parameters
        ----------
        path
            A path or URL, which may hold wildcards, or a list of them.
        recursive
            Read everything below directories.
        on_error
            ``raise``; ``omit`` leaves out objects that cannot be read; ``return`` puts the exception in their place.
        batch_size
            Requests at a time; by default 128, or as many as have 96 MiB in flight.
        timeout
            Seconds the call may take.
        **kwargs
            As for `cat_file`.

        Returns
        -------
        bytes or dict
            The bytes of one object where one path was given, else a dict from paths to bytes.
        """
        return self._by_hand(self._cat(path, recursive, on_error, batch_size, **kwargs), timeout)

    def _slices(
        self,
        paths: Sequence[str],
        on_error: str,
        start: int | None = None,
        end: int | None = None,
        *,
        version_id: str | None = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> list[Slice | Exception]:
        """The reads of `cat`; a path that names no object is an error of its own."""
        keywords = self._read_keywords(kwargs)
        reads: list[Slice | Exception] = []
        for path in paths:
            try:
                source = self._source(self._key(path, version_id), keywords, max_concurrency, chunksize)
                reads.append(Slice(source, start, end))
            except Exception as error:
                if on_error == "raise":
                    raise
                reads.append(error)
        return reads

    @staticmethod
    def _cat_plan(
        paths: Sequence[str], reads: Sequence[Slice | Exception], on_error: str, limit: int | None
    ) -> Plan[dict[str, Any]]:
        """Read the objects; paths to their bytes."""
        valid = [read for read in reads if not isinstance(read, Exception)]
        errors = iter((yield from read_all(valid, limit, give_errors=on_error != "raise")))
        found: dict[str, Any] = {}
        for path, read in zip(paths, reads, strict=True):
            error = read if isinstance(read, Exception) else next(errors)
            if error is None:
                found[path] = read.taken()  # type: ignore[union-attr]
            elif on_error != "omit":
                found[path] = error
        return found

    async def _cat_ranges(
        self,
        paths: Sequence[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Read ranges of many objects, see `cat_ranges`."""
        if isinstance(paths, str):
            msg = "cat_ranges takes a list of paths, one for each range; cat_file reads a range of one"
            raise TypeError(msg)
        reads = self._ranges(paths, starts, ends, on_error, **kwargs)
        blocks = all(isinstance(read, Exception) or read.source.blocks for _, read in reads)
        return await Errand(_ranges_plan(len(paths), reads, batch_size or self.batch_size, on_error), blocks=blocks)

    def cat_ranges(
        self,
        paths: Sequence[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: str = "return",
        *,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Read ranges of many objects.

        Parameters
        ----------
        paths
            One for each range.
        starts, ends
            Bounds as in a Python slice, one for all ranges or one for each.
        max_gap
            Accepted; which ranges share a request is planned.
        batch_size
            Requests at a time; by default 128, or as many as have 96 MiB in flight.
        on_error
            ``return`` puts an exception in the place of its bytes, anything else raises it.
        timeout
            Seconds the call may take.
        **kwargs
            As for `cat_file`.

        Returns
        -------
        list
            In the order of ``paths``; the ranges of one object are of one version.
        """
        return self._by_hand(self._cat_ranges(paths, starts, ends, max_gap, batch_size, on_error, **kwargs), timeout)

    def _ranges(
        self,
        paths: Sequence[str],
        starts: Any,
        ends: Any,
        on_error: str,
        *,
        version_id: str | None = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> list[tuple[list[int], Ranges | Slice | Exception]]:
        """The ranges of each object, and their places among all."""
        begins = starts if isinstance(starts, Iterable) else [starts] * len(paths)
        stops = ends if isinstance(ends, Iterable) else [ends] * len(paths)
        by_path: dict[str, tuple[list[int], list[Bounds]]] = {}
        for index, (path, begin, stop) in enumerate(zip(paths, begins, stops, strict=True)):
            places, bounds = by_path.setdefault(path, ([], []))
            places.append(index)
            bounds.append((begin, stop))
        keywords = self._read_keywords(kwargs)
        reads: list[tuple[list[int], Ranges | Slice | Exception]] = []
        for path, (places, bounds) in by_path.items():
            try:
                source = self._source(self._key(path, version_id), keywords, max_concurrency, chunksize)
                reads.append((places, Ranges(source, bounds) if len(bounds) > 1 else Slice(source, *bounds[0])))
            except Exception as error:
                if on_error != "return":
                    raise
                reads.append((places, error))
        return reads

    async def _get(
        self,
        rpath: Any,
        lpath: Any,
        recursive: bool = False,
        callback: Any = DEFAULT_CALLBACK,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Download objects as fsspec does; what a callback raises to end the program does not end fsspec's loop."""
        single = isinstance(rpath, str) and isinstance(lpath, str | os.PathLike) and not recursive
        if single and not has_magic(rpath) and not trailing_sep(rpath):
            # fsspec would list, to leave a directory out.
            if await self._goes_below(rpath):
                return None
            target = make_path_posix(lpath)
            below = trailing_sep(lpath) or os.path.isdir(lpath)
            rpath, lpath = [self._strip_protocol(rpath)], [other_paths([rpath], target, exists=below)[0]]
        return await super()._get(rpath, lpath, recursive, _Carrying(callback), maxdepth, **kwargs)

    async def _get_file(
        self,
        rpath: str,
        lpath: Any,
        callback: Any = DEFAULT_CALLBACK,
        *,
        version_id: str | None = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Download one object in parallel; the local file appears whole or not at all."""
        if not isfilelike(lpath) and (rpath.endswith("/") or os.path.isdir(lpath)):
            if rpath.endswith("/") and not await self._isdir(rpath):
                raise FileNotFoundError(errno.ENOENT, "no such directory", rpath)
            os.makedirs(lpath, exist_ok=True)
            return
        source = self._read_source(rpath, version_id, chunksize, max_concurrency, kwargs)
        plan = copy_to(source, lpath, callback) if isfilelike(lpath) else download(source, lpath, callback)
        # The local file is work for a worker, too.
        await (wait_for_worker(partial(drive, plan)) if source.blocks else drive_async(plan))


class _Carrying:
    """A callback whose ``KeyboardInterrupt`` or ``SystemExit`` goes past the event loop to the thread that waits."""

    def __init__(self, callback: Any) -> None:
        self._callback = callback

    def relative_update(self, inc: int = 1) -> None:
        """Tell of files that are there."""
        try:
            self._callback.relative_update(inc)
        except (KeyboardInterrupt, SystemExit) as error:
            carry(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._callback, name)


def _ranges_plan(
    count: int, reads: Sequence[tuple[list[int], Ranges | Slice | Exception]], limit: int | None, on_error: str
) -> Plan[list[Any]]:
    """Read the ranges; each to its place among all."""
    valid = [read for _, read in reads if not isinstance(read, Exception)]
    errors = iter((yield from read_all(valid, limit, give_errors=on_error == "return")))
    results: list[Any] = [b""] * count
    for places, read in reads:
        found: Sequence[Any]
        error = read if isinstance(read, Exception) else next(errors)
        if error is None:
            try:
                found = read.slices()  # type: ignore[union-attr]
            except FileExpired as expired:
                if on_error != "return":
                    raise
                error = expired
        if error is not None:
            found = [error] * len(places)
        for place, result in zip(places, found, strict=True):
            results[place] = result
    return results
