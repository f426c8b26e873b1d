"""pyarrow's own S3 client under the names of fsspec, written as its documentation would have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyarrow import fs as arrow

# It has no verbs for many objects or ranges; its own pool of I/O threads (eight) would be the bound without these.
THREADS = 32


class ArrowVerbs:
    """What the workloads ask of a filesystem.

    Parameters
    ----------
    access
        Endpoint, region and keys.
    """

    def __init__(self, access: Mapping[str, str]) -> None:
        scheme, _, host = access["endpoint"].partition("://")
        self.arrow = arrow.S3FileSystem(
            endpoint_override=host,
            scheme=scheme,
            access_key=access["key"],
            secret_key=access["secret"],
            region=access["region"],
        )
        self._local = arrow.LocalFileSystem()

    def open(self, path: str, mode: str = "rb") -> Any:
        """A file that can seek, or one to write."""
        return self.arrow.open_input_file(path) if mode == "rb" else self.arrow.open_output_stream(path)

    def info(self, path: str) -> dict[str, Any]:
        """The size."""
        return {"size": self.arrow.get_file_info(path).size}

    def cat_file(self, path: str) -> bytes:
        """All bytes of an object."""
        with self.arrow.open_input_file(path) as file:
            found: bytes = file.read()
        return found

    def cat(self, paths: Sequence[str]) -> dict[str, bytes]:
        """All bytes of each object."""
        return dict(zip(paths, self._each(self.cat_file, paths), strict=True))

    def cat_ranges(self, paths: Sequence[str], starts: Sequence[int], ends: Sequence[int]) -> list[bytes]:
        """Ranges of one object."""
        with self.arrow.open_input_file(paths[0]) as file:
            return self._each(lambda span: file.read_at(span[1] - span[0], span[0]), zip(starts, ends, strict=True))

    def pipe_file(self, path: str, value: bytes) -> None:
        """Write an object."""
        with self.arrow.open_output_stream(path) as file:
            file.write(value)

    def pipe(self, values: Mapping[str, bytes]) -> None:
        """Write many."""
        self._each(lambda item: self.pipe_file(*item), values.items())

    def get_file(self, path: str, target: str) -> None:
        """Download an object."""
        arrow.copy_files(path, target, source_filesystem=self.arrow, destination_filesystem=self._local)

    def get(self, paths: Sequence[str], targets: Sequence[str]) -> None:
        """Download many."""
        self._each(lambda pair: self.get_file(*pair), zip(paths, targets, strict=True))

    def put_file(self, source: str, path: str) -> None:
        """Upload a file."""
        arrow.copy_files(source, path, source_filesystem=self._local, destination_filesystem=self.arrow)

    def find(self, path: str) -> list[str]:
        """All objects below a prefix."""
        return self._listed(path, recursive=True)

    def ls(self, path: str, detail: bool = False) -> list[str]:
        """The objects in a prefix."""
        return self._listed(path, recursive=False)

    def _listed(self, path: str, *, recursive: bool) -> list[str]:
        found = self.arrow.get_file_info(arrow.FileSelector(path, recursive=recursive))
        return [entry.path for entry in found if entry.type == arrow.FileType.File]

    @staticmethod
    def _each(function: Any, items: Any) -> list[Any]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(function, items))
