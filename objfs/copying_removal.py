"""Delete files, as many at a time as one request can, and tell which could not be."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from glob import has_magic
from typing import Final

from objfs.copying_places import Place

# As many as one request of S3 deletes.
_BATCH: Final = 1000


def remove(place: Place, paths: Sequence[str]) -> Iterator[tuple[str, Exception | None]]:
    """Delete files, objects, empty local directories and, with all that is in them, buckets.

    Parameters
    ----------
    place
        Of the filesystem that they are in.
    paths
        Taken literally.

    Yields
    ------
    path, error
        What was deleted, or why not; in another order than ``paths``.
    """
    for batch in _batches(place, paths):
        failed = _remove(place, batch)
        yield from ((path, failed.get(path)) for path in batch)


def remove_empty_directories(path: str) -> None:
    """Delete a local directory and those below it that hold nothing."""
    for folder, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _batches(place: Place, paths: Sequence[str]) -> Iterator[list[str]]:
    """As many at a time as one request deletes; alone, where fsspec would take the name for a pattern."""
    together = [path for path in paths if place.holds_objects and not has_magic(path) and not _is_bucket(place, path)]
    rest = iter(together)
    while batch := list(itertools.islice(rest, _BATCH)):
        yield batch
    done = set(together)
    for path in paths:
        if path not in done:
            yield [path]


def _is_bucket(place: Place, path: str) -> bool:
    return place.holds_objects and "/" not in path.strip("/")


def _remove(place: Place, paths: list[str]) -> dict[str, Exception]:
    """Delete; what failed, and why."""
    (path, *more) = paths
    try:
        if more:
            place.fs.rm(paths)
        elif _is_bucket(place, path):
            # With the old versions of one that keeps them.
            place.fs.rm(path, recursive=True)
        elif place.is_local and os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        else:
            place.fs.rm_file(path)
    except Exception as error:  # noqa: BLE001 - it is reported, and the others go on
        if not more:
            return {path: error}
        # Which of them it was is not said.
        return {name: each for one in paths for name, each in _remove(place, [one]).items()}
    return {}
