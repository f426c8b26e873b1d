"""Verbs that read bytes: cat, cat_ranges, get."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.utils import isfilelike

from objfs.concurrency import run_bounded
from objfs.planed import PlanedFileSystem
from objfs.ranges import is_suffix, needs_size
from objfs.transfers import copy_to, download, read_many, read_slice
from objfs.types import ByteRange


class ReadVerbs(PlanedFileSystem):
    """Reading of objects on whichever plane serves the call."""

    async def _cat_file(
        self,
        path: str,
        version_id: str | None = None,
        start: int | None = None,
        end: int | None = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> bytes:
        """Read ``object[start:end]`` with Python's slice semantics; long ranges in parallel."""
        source = self._source(self._key(path, version_id), kwargs, max_concurrency)
        return await read_slice(source, start, end)

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
        """Read ranges of many objects; ranges of one object are merged, sliced back, and of one version."""
        begins = starts if isinstance(starts, Iterable) else [starts] * len(paths)
        stops = ends if isinstance(ends, Iterable) else [ends] * len(paths)
        wanted = list(zip(paths, begins, stops, strict=True))
        plain: dict[str, list[int]] = {}
        jobs: list[Callable[[], Coroutine[Any, Any, list[tuple[int, Any]]]]] = []
        for index, (path, start, stop) in enumerate(wanted):
            if stop is None or is_suffix(start, stop) or needs_size(start, stop):
                jobs.append(lambda i=index, p=path, a=start, b=stop: self._one_range(i, p, a, b, kwargs))  # type: ignore[misc]
            else:
                plain.setdefault(path, []).append(index)
        for path, indices in plain.items():
            ranges = [ByteRange(wanted[i][1] or 0, max(wanted[i][1] or 0, wanted[i][2])) for i in indices]
            jobs.append(lambda p=path, i=indices, r=ranges: self._ranges_of(p, i, r, kwargs))  # type: ignore[misc]
        results: list[Any] = [b""] * len(wanted)
        for group in await run_bounded(jobs, batch_size or self._concurrency * 4):
            for index, result in group:
                if isinstance(result, Exception) and on_error != "return":
                    raise result
                results[index] = result
        return results

    async def _one_range(
        self, index: int, path: str, start: int | None, stop: int | None, keywords: Mapping[str, Any]
    ) -> list[tuple[int, Any]]:
        try:
            return [(index, await self._cat_file(path, start=start, end=stop, **keywords))]
        except Exception as error:  # noqa: BLE001 - cat_ranges hands errors back
            return [(index, error)]

    async def _ranges_of(
        self, path: str, indices: Sequence[int], ranges: Sequence[ByteRange], keywords: Mapping[str, Any]
    ) -> list[tuple[int, Any]]:
        try:
            found = await read_many(self._source(self._key(path), keywords), ranges)
        except Exception as error:  # noqa: BLE001 - cat_ranges hands errors back
            return [(index, error) for index in indices]
        return list(zip(indices, found, strict=True))

    async def _get_file(
        self,
        rpath: str,
        lpath: Any,
        callback: Any = DEFAULT_CALLBACK,
        version_id: str | None = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Download one object in parallel; the local file appears whole or not at all."""
        if isfilelike(lpath):
            await copy_to(self._source(self._key(rpath, version_id), kwargs, max_concurrency), lpath, callback)
        elif rpath.endswith("/") or os.path.isdir(lpath):
            os.makedirs(lpath, exist_ok=True)
        else:
            await download(self._source(self._key(rpath, version_id), kwargs, max_concurrency), lpath, callback)
