"""Verbs that write many objects: pipe of a dict, put of many files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from glob import has_magic
from typing import Any, Final

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.implementations.local import LocalFileSystem, make_path_posix, trailing_sep
from fsspec.utils import other_paths

from objfs.concurrency import refuse_on, run_bounded
from objfs.errands import Awaited, only, run_by_hand
from objfs.parts import IN_FLIGHT_BYTES
from objfs.planes import Plane
from objfs.records import record
from objfs.steps import Local, Part, Plan, Together, drive, drive_async
from objfs.transfers import REQUESTS_IN_FLIGHT
from objfs.write_verbs import WriteVerbs

# Objects are written in groups of about one size, those of one request that are no longer than these bytes and each
# other, so that what is in flight is bounded in bytes and short ones need not wait for long ones.
_GROUP_BYTES: Final = (1 << 20, 4 << 20, 16 << 20)
# Objects at a time that are uploads of many parts, each with parts in flight of its own.
_UPLOADS_IN_FLIGHT: Final = 2


@record
class Job:
    """One of many objects.

    Parameters
    ----------
    verb
        Writes it.
    size
        Its bytes.
    """

    verb: Callable[[], Coroutine[Any, Any, Any]]
    size: int


class BulkWriteVerbs(WriteVerbs):
    """Writing of many objects under one bound, on whichever plane serves each."""

    async def _pipe(self, path: Any, value: Any = None, batch_size: int | None = None, **kwargs: Any) -> list[Any]:
        """Write objects, see `pipe`."""
        values = {path: value} if isinstance(path, str) else path
        return await drive_async(self._written(*self._pipe_jobs(values, kwargs), batch_size))

    def pipe(
        self,
        path: Any,
        value: Any = None,
        batch_size: int | None = None,
        *,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Write objects.

        Parameters
        ----------
        path
            A path, or a dict from paths to their bytes.
        value
            The bytes of one path.
        batch_size
            Objects at a time; by default up to 128 short ones, fewer long ones.
        timeout
            Seconds the call may take.
        **kwargs
            As for `pipe_file`.

        Returns
        -------
        list
            What `pipe_file` says of each.
        """
        values = {path: value} if isinstance(path, str) else path
        if len(values) == 1:
            return [self.pipe_file(*each, timeout=timeout, **kwargs) for each in values.items()]
        return self._write_all(*self._pipe_jobs(values, kwargs), batch_size, timeout)

    def _pipe_jobs(self, values: Mapping[str, Any], keywords: Mapping[str, Any]) -> tuple[list[Job], bool]:
        jobs = [Job(partial(self._pipe_file, name, data, **keywords), _size(data)) for name, data in values.items()]
        return jobs, self._blocks(next(iter(values), None))

    async def _put(
        self,
        lpath: Any,
        rpath: Any,
        recursive: bool = False,
        callback: Any = DEFAULT_CALLBACK,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Upload files, see `put`."""
        pairs = await self._pairs_to_put(lpath, rpath, recursive, maxdepth)
        return await drive_async(self._written(*self._put_jobs(pairs, callback, kwargs), batch_size))

    def put(
        self,
        lpath: Any,
        rpath: Any,
        recursive: bool = False,
        callback: Any = DEFAULT_CALLBACK,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        *,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Upload files.

        Parameters
        ----------
        lpath
            A local path, which may hold wildcards, or a list of them.
        rpath
            Where they go: a path, or a list of as many.
        recursive
            Upload everything below directories.
        callback
            Told how many files there are, and of each that is there; its branches of the bytes of each.
        batch_size
            Files at a time; by default up to 128 short ones, fewer long ones.
        maxdepth
            How deep ``recursive`` goes.
        timeout
            Seconds the call may take.
        **kwargs
            As for `put_file`.
        """
        pairs = self._in_loop(self._pairs_to_put(lpath, rpath, recursive, maxdepth), timeout)
        return self._write_all(*self._put_jobs(pairs, callback, kwargs), batch_size, timeout)

    async def _pairs_to_put(
        self, lpath: Any, rpath: Any, recursive: bool, maxdepth: int | None
    ) -> list[tuple[str, str]]:
        """What goes where, files only: a directory has become one, or its bucket, where that was missing."""
        if isinstance(lpath, list) and isinstance(rpath, list):
            pairs = list(zip(lpath, rpath, strict=True))
        else:
            pairs = await self._expanded_pairs(lpath, rpath, recursive, maxdepth)
        are_folders = [os.path.isdir(source) for source, _ in pairs]
        folders = [target for (_, target), is_folder in zip(pairs, are_folders, strict=True) if is_folder]
        await run_bounded([partial(self._makedirs, each, exist_ok=True) for each in folders], REQUESTS_IN_FLIGHT)
        return [pair for pair, is_folder in zip(pairs, are_folders, strict=True) if not is_folder]

    async def _expanded_pairs(
        self, lpath: Any, rpath: Any, recursive: bool, maxdepth: int | None
    ) -> list[tuple[str, str]]:
        one, local = isinstance(lpath, str), LocalFileSystem()
        source = make_path_posix(lpath) if one else lpath
        found = local.expand_path(source, recursive=recursive, maxdepth=maxdepth)
        if one and (not recursive or maxdepth is not None):
            found = [path for path in found if not trailing_sep(path) and not os.path.isdir(path)]
        if not found:
            return []
        # Whether the name of what is uploaded goes below the target.
        below = one and has_magic(source) and len(found) == 1
        if one and not has_magic(source) and not trailing_sep(source):
            below = trailing_sep(rpath) or await self._goes_below(rpath)
        return list(
            zip(found, other_paths(found, self._strip_protocol(rpath), exists=below, flatten=not one), strict=True)
        )

    def _put_jobs(
        self, pairs: Sequence[tuple[str, str]], callback: Any, keywords: Mapping[str, Any]
    ) -> tuple[list[Job], bool]:
        callback.set_size(len(pairs))
        lock = threading.Lock()

        async def put(source: str, target: str) -> Any:
            try:
                return await callback.branch_coro(self._put_file)(source, target, **keywords)
            finally:
                # fsspec's callbacks are not made for several threads at a time.
                with lock:
                    callback.relative_update(1)

        jobs = [Job(partial(put, source, target), os.path.getsize(source)) for source, target in pairs]
        return jobs, self._blocks(pairs[0][1] if pairs else None)

    def _blocks(self, path: str | None) -> bool:
        """Whether workers serve best what is written to such paths."""
        return path is not None and self.connection.decide("write", self._split(path)).plane is Plane.DATA

    def _write_all(self, jobs: Sequence[Job], blocks: bool, batch_size: int | None, timeout: float | None) -> list[Any]:
        refuse_on(self.loop)
        plan = self._written(jobs, blocks, batch_size)
        return self._in_workers(plan, timeout) if blocks else self._in_loop(drive_async(plan), timeout)

    def _written(self, jobs: Sequence[Job], blocks: bool, batch_size: int | None) -> Plan[list[Any]]:
        """Carry jobs out, those of about one size together; their results, in order."""
        groups: dict[int, list[int]] = {}
        for number, job in enumerate(jobs):
            groups.setdefault(self._limit_of(job.size), []).append(number)
        results: list[Any] = [None] * len(jobs)
        for limit, numbers in sorted(groups.items(), reverse=True):
            parts = [_part(jobs[number].verb, blocks) for number in numbers]
            found = yield Together(parts, _at_most(batch_size or self.batch_size, limit))
            for number, result in zip(numbers, found, strict=True):
                results[number] = result
        return results

    def _limit_of(self, size: int) -> int:
        """How many objects of about that size are written at a time."""
        if size > self.connection.cloud.parts.default_bytes:
            return _UPLOADS_IN_FLIGHT
        bound = next(each for each in _GROUP_BYTES if size <= each)
        return min(REQUESTS_IN_FLIGHT, IN_FLIGHT_BYTES // bound)


def _size(data: Any) -> int:
    return len(data) if isinstance(data, str) else memoryview(data).nbytes


def _part(verb: Callable[[], Coroutine[Any, Any, Any]], blocks: bool) -> Part:
    if not blocks:
        return Part(False, partial(only, Awaited(verb)))
    return Part(True, partial(only, Local(lambda: run_by_hand(verb(), lambda errand: drive(errand.plan)))))


def _at_most(asked: int | None, limit: int) -> int:
    """What the caller asks for, which may be more only for what is short; -1 is fsspec's word for no bound."""
    if asked is None or asked < 0:
        return limit
    return asked if limit == REQUESTS_IN_FLIGHT else min(asked, limit)
