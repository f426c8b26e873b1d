"""A data plane that keeps what is written in memory, and counts the requests of it."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from objfs import S3FileSystem
from objfs.store import Store
from objfs.types import ObjectInfo, Written
from tests.unit.recording import BUCKET


class WritingStore(Store):
    """A data plane that keeps what is written in memory, and how much of it was under way at a time."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.uploads: list[list[int]] = []
        self.aborted: list[str] = []
        self.present = self.most_present = self.bytes_present = self.most_bytes_present = 0
        self.last_part = self.questions = 0
        # Called with the key of each request, or with the key and the number of each part, while it is under way.
        self.during: Callable[..., None] = lambda *_: None
        self._lock = threading.Lock()

    def put_now(self, key: str, data: Any, **_: Any) -> Written:
        """One request."""
        size = len(data)
        with self._lock:
            self.puts.append(key)
            self.present += 1
            self.bytes_present += size
            self.most_present = max(self.most_present, self.present)
            self.most_bytes_present = max(self.most_bytes_present, self.bytes_present)
        try:
            self.during(key)
            with self._lock:
                self.objects[key] = bytes(data)
        finally:
            with self._lock:
                self.present -= 1
                self.bytes_present -= size
        return Written('"1"', None)

    async def put(self, key: str, data: Any, **more: Any) -> Written:
        """The same, awaited."""
        return await asyncio.to_thread(self.put_now, key, data, **more)

    @property
    def requests(self) -> int:
        """How many there were; an upload is one that begins it, one for each part, and one that ends it."""
        return len(self.puts) + sum(2 + len(parts) for parts in self.uploads) + self.questions

    async def head(self, key: str, **_: Any) -> ObjectInfo:
        """There is nothing that was not written here."""
        self.questions += 1
        raise FileNotFoundError(errno.ENOENT, "no such key", key)

    async def any_below(self, prefix: str) -> bool:
        """Whether a target is a directory."""
        self.questions += 1
        return any(key.startswith(f"{prefix}/") for key in self.objects)

    def put_stream(
        self, key: str, pieces: Iterator[Any], *, part_bytes: int, max_concurrency: int, **_: Any
    ) -> Written:
        """Parts are cut as obstore cuts them; one that raises ends the upload."""
        whole, sizes = bytearray(), []
        try:
            for piece in pieces:
                whole += piece
                if len(whole) // part_bytes > len(sizes):
                    sizes.append(part_bytes)
                    self.last_part = max(self.last_part, len(sizes))
                    self.during(key, len(sizes))
        except BaseException:
            self.aborted.append(key)
            raise
        if len(whole) % part_bytes:
            sizes.append(len(whole) % part_bytes)
        with self._lock:
            self.uploads.append(sizes)
            self.objects[key] = bytes(whole)
        return Written('"1-2"', None)


def filesystem(plane: WritingStore, **options: Any) -> S3FileSystem:
    """A filesystem over the plane, which is asked for nothing else."""
    options = {"key": "key", "secret": "secret", "region": "us-east-1", "engine": "obstore", **options}
    found = S3FileSystem(**options, skip_instance_cache=True)
    found.connection.store = lambda _: plane  # type: ignore[method-assign]
    return found


def values(count: int, size: int = 1) -> dict[str, bytes]:
    """Paths to bytes, all the same."""
    data = bytes(size)
    return {f"{BUCKET}/{number:04}": data for number in range(count)}


def files(folder: Path, sizes: Mapping[str, int]) -> list[str]:
    """Local files of these sizes."""
    for name, size in sizes.items():
        (folder / name).write_bytes(bytes(size))
    return [str(folder / name) for name in sizes]
