"""Verbs that read bytes: cat, cat_ranges, get."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from glob import has_magic
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.utils import isfilelike

from objfs.concurrency import run_bounded
from objfs.planed import PlanedFileSystem
from objfs.transfers import copy_to, download, read_many, read_slice


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
        source = self._source(self._key(path, version_id), self._read_keywords(kwargs), max_concurrency, chunksize)
        return await read_slice(source, start, end)

    async def _cat(
        self, path: Any, recursive: bool = False, on_error: str = "raise", batch_size: int | None = None, **kwargs: Any
    ) -> Any:
        """Read one object, or several into a dict; one path without wildcards is the object of exactly that name."""
        if isinstance(path, str) and not recursive and not has_magic(path) and on_error == "raise":
            return await self._cat_file(path, **kwargs)
        return await super()._cat(path, recursive=recursive, on_error=on_error, batch_size=batch_size, **kwargs)

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
            Objects that are read at a time.
        on_error
            ``return`` puts an exception in the place of its bytes, anything else raises it.

        Returns
        -------
        list
            In the order of ``paths``; the ranges of one object are of one version.
        """
        begins = starts if isinstance(starts, Iterable) else [starts] * len(paths)
        stops = ends if isinstance(ends, Iterable) else [ends] * len(paths)
        wanted = list(zip(paths, begins, stops, strict=True))
        by_path: dict[str, list[int]] = {}
        for index, path in enumerate(paths):
            by_path.setdefault(path, []).append(index)
        jobs = [
            lambda p=path, i=indices: self._ranges_of(p, i, [wanted[j][1:] for j in i], kwargs)
            for path, indices in by_path.items()
        ]
        results: list[Any] = [b""] * len(wanted)
        for group in await run_bounded(jobs, batch_size or self._concurrency * 4):
            for index, result in group:
                if isinstance(result, Exception) and on_error != "return":
                    raise result
                results[index] = result
        return results

    async def _ranges_of(
        self,
        path: str,
        indices: Sequence[int],
        bounds: Sequence[tuple[int | None, int | None]],
        keywords: Mapping[str, Any],
    ) -> list[tuple[int, Any]]:
        given = dict(keywords)
        limit = given.pop("max_concurrency", None)
        try:
            source = self._source(self._key(path), self._read_keywords(given), limit)
            found = [await read_slice(source, *bounds[0])] if len(bounds) == 1 else await read_many(source, bounds)
        except Exception as error:  # noqa: BLE001 - cat_ranges hands errors back
            return [(index, error) for index in indices]
        return list(zip(indices, found, strict=True))

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
        tuning = self._read_keywords(kwargs), max_concurrency, chunksize
        if isfilelike(lpath):
            await copy_to(self._source(self._key(rpath, version_id), *tuning), lpath, callback)
        elif rpath.endswith("/") and not await self._isdir(rpath):
            raise FileNotFoundError(errno.ENOENT, "no such directory", rpath)
        elif rpath.endswith("/") or os.path.isdir(lpath):
            os.makedirs(lpath, exist_ok=True)
        else:
            await download(self._source(self._key(rpath, version_id), *tuning), lpath, callback)
