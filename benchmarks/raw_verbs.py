"""obstore's functions under the names of fsspec, without a filesystem around them: the practical floor.

Each verb does just what its workload needs, knows whether the server is near or far, and handles no error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import obstore
from obstore.store import S3Store

FIRST_BYTES = 1 << 20
PARTS = 32


class RawVerbs:
    """What the workloads ask of a filesystem.

    Parameters
    ----------
    options
        Of obstore's store.
    is_far
        A request takes long: many must be under way at once, where more than a few only cost threads otherwise.
    """

    def __init__(self, options: Mapping[str, Any], *, is_far: bool) -> None:
        self._options = options
        self._stores: dict[str, S3Store] = {}
        self._is_far = is_far
        self._threads = 128 if is_far else 4

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads)

    def _at(self, path: str) -> tuple[S3Store, str]:
        bucket, _, key = path.partition("/")
        if bucket not in self._stores:
            self._stores[bucket] = S3Store(bucket, **self._options)
        return self._stores[bucket], key

    def open(self, path: str, mode: str = "rb") -> Any:
        """A file to read from its beginning, or one to write."""
        return RawFile(self, path) if mode == "rb" else obstore.open_writer(*self._at(path))

    def info(self, path: str) -> Any:
        """Size and more."""
        return obstore.head(*self._at(path))

    def first(self, path: str, length: int) -> Any:
        """The first bytes of an object."""
        return obstore.get_range(*self._at(path), start=0, length=length)

    def get_whole(self, path: str) -> Any:
        """All bytes of a small object."""
        return obstore.get(*self._at(path)).bytes()

    def cat_file(self, path: str) -> Any:
        """All bytes of an object: in one stream from a near server; from a far one a first range, then many at once."""
        if not self._is_far:
            return self.get_whole(path)
        store, key = self._at(path)
        answer = obstore.get(store, key, options={"range": (0, FIRST_BYTES)})
        size, first = answer.meta["size"], answer.bytes()
        if size <= FIRST_BYTES:
            return first
        length = -(-(size - FIRST_BYTES) // PARTS)
        parts = self._pool.map(
            lambda start: obstore.get_range(store, key, start=start, end=min(start + length, size)),
            range(FIRST_BYTES, size, length),
        )
        return b"".join([first, *parts])

    def cat(self, paths: Sequence[str]) -> dict[str, Any]:
        """All bytes of small objects."""
        return dict(zip(paths, self._pool.map(self.get_whole, paths), strict=True))

    def cat_ranges(self, paths: Sequence[str], starts: Sequence[int], ends: Sequence[int]) -> list[Any]:
        """Ranges of one object: each call keeps ten requests under way and asks for no byte that is not wanted."""
        store, key = self._at(paths[0])
        calls = self._threads // 2
        size = -(-len(starts) // calls)
        batches = self._pool.map(
            lambda at: obstore.get_ranges(
                store, key, starts=starts[at : at + size], ends=ends[at : at + size], coalesce=0
            ),
            range(0, len(starts), size),
        )
        return [found for batch in batches for found in batch]

    def pipe_file(self, path: str, value: bytes) -> None:
        """Write a small object."""
        obstore.put(*self._at(path), value, use_multipart=False)

    def pipe(self, values: Mapping[str, bytes]) -> None:
        """Write many."""
        list(self._pool.map(lambda item: self.pipe_file(*item), values.items()))

    def put_file(self, source: str, path: str) -> None:
        """Upload a large file."""
        obstore.put(*self._at(path), Path(source))

    def get_file(self, path: str, target: str) -> None:
        """Download a large object, parts side by side."""
        store, key = self._at(path)
        size = obstore.head(store, key)["size"]
        length = -(-size // PARTS)
        out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.truncate(out, size)

            def fetch(start: int) -> None:
                end = min(start + length, size)
                os.pwrite(out, obstore.get_range(store, key, start=start, end=end), start)

            list(self._pool.map(fetch, range(0, size, length)))
        finally:
            os.close(out)

    def get(self, paths: Sequence[str], targets: Sequence[str]) -> None:
        """Download small objects."""

        def fetch(pair: tuple[str, str]) -> None:
            Path(pair[1]).write_bytes(self.get_whole(pair[0]))

        list(self._pool.map(fetch, zip(paths, targets, strict=True)))

    def find(self, path: str) -> list[str]:
        """All objects below a prefix."""
        store, prefix = self._at(path)
        bucket = path.partition("/")[0]
        pages = obstore.list(store, prefix, chunk_size=1000)
        return [f"{bucket}/{entry['path']}" for page in pages for entry in page]

    def ls(self, path: str, detail: bool = False) -> list[str]:
        """The objects in a prefix."""
        store, prefix = self._at(path)
        bucket = path.partition("/")[0]
        return [f"{bucket}/{entry['path']}" for entry in obstore.list_with_delimiter(store, prefix)["objects"]]

    def zarr_store(self, path: str) -> Any:
        """The store of zarr's own that is made of obstore."""
        from zarr.storage import ObjectStore  # noqa: PLC0415 - only one workload needs it

        bucket, _, key = path.partition("/")
        return ObjectStore(S3Store(bucket, prefix=key, **self._options), read_only=True)


class RawFile:
    """An object that is read from its beginning, once."""

    def __init__(self, verbs: RawVerbs, path: str) -> None:
        self._verbs, self._path = verbs, path

    def read(self, length: int | None = None) -> Any:
        """The first bytes, or all."""
        if length is not None:
            return self._verbs.first(self._path, length)
        return self._verbs.cat_file(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing is held."""
