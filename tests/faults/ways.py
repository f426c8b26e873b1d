"""The ways to write an object, as rows, and a bench on which they are carried out through a proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec

from tests.clouds import CloudUnderTest
from tests.faults.fault_proxy import FaultProxy, Rule

PLANES = ("auto", "sdk")
OLD = b"what was there before"
# So that what is refused for good is over soon.
LIMITS: dict[str, Any] = {
    "retry_config": {"max_retries": 1, "backoff": {"init_backoff": 0.01, "max_backoff": 0.01, "base": 2}}
}
# The request that publishes an upload: of S3 and GCS's XML API, of Azure, of a resumable upload's last part.
COMPLETION = r"^POST .*upload_?[iI]d=|^PUT .*comp=blocklist|^PUT .*upload_id="
# A part of an upload.
PART = r"^PUT .*(partNumber=|comp=block(&|$)|upload_id=)"


@dataclass(frozen=True)
class Bench:
    """A cloud, a plane of objfs before it, and what is written.

    Parameters
    ----------
    cloud
        The bucket, also without objfs.
    fs
        The filesystem.
    folder
        For local files.
    options
        Those of the filesystem, which a program gets, too.
    proxy
        Before the server.
    """

    cloud: CloudUnderTest
    fs: Any
    folder: Path
    options: dict[str, Any] = field(repr=False)
    proxy: FaultProxy = field(repr=False)

    @property
    def part(self) -> int:
        """Bytes of the smallest part that is worth a request."""
        return max(self.fs.connection.cloud.parts.min_bytes, 64 << 10)

    @property
    def large(self) -> bytes:
        """Two parts and a bit, of text."""
        return (b"0123456789abcdef" * (self.part // 8)) + b"end"

    @contextmanager
    def under(self, rule: Rule) -> Iterator[Rule]:
        """Do to requests what the rule says."""
        # Every target holds the empty mark.
        self.proxy.arm("", rule)
        try:
            yield rule
        finally:
            self.proxy.disarm("")

    def old(self, key: str) -> str:
        """Put an object there; its path."""
        self.cloud.raw.put(key, OLD)
        return self.cloud.path(key)

    def seen(self, key: str) -> tuple[bytes | None, list[str]]:
        """What another client sees of an object, and the uploads that are left of it."""
        raw = self.cloud.raw
        return raw.find(key), [each for each in raw.uploads() if each == key]


@contextmanager
def bench(cloud: CloudUnderTest, plane: str, folder: Path, **options: Any) -> Iterator[Bench]:
    """A bench whose requests go through a proxy."""
    name = next(name for name in cloud.options if "endpoint" in name)
    netloc = cloud.options[name].split("/")[2]
    with FaultProxy(f"http://{netloc}").running() as proxy:
        there = cloud.options[name].replace(netloc, proxy.address)
        asked = {**cloud.options, name: there, **LIMITS, **options}
        options = {name: value for name, value in asked.items() if value is not None}
        fs = fsspec.filesystem(cloud.scheme, engine=plane, skip_instance_cache=True, **options)
        yield Bench(cloud, fs, folder, options, proxy)


@dataclass(frozen=True)
class Way:
    """A way to write an object through a file.

    Parameters
    ----------
    name
        Of the way.
    mode
        Of the file.
    is_large
        Whether it is an upload in parts.
    keywords
        Of the open.
    """

    name: str
    mode: str
    is_large: bool
    keywords: dict[str, Any] = field(default_factory=dict)

    def open(self, bench: Bench, path: str) -> Any:
        """The file."""
        return bench.fs.open(path, self.mode, block_size=bench.part, **self.keywords)

    def content(self, bench: Bench) -> Any:
        """What is written to it."""
        body = bench.large if self.is_large else b"content"
        return body if "b" in self.mode else body.decode()


FILES = (
    Way("small", "wb", is_large=False),
    Way("large", "wb", is_large=True),
    Way("text", "w", is_large=True),
    Way("packed", "wb", is_large=True, keywords={"compression": "gzip"}),
    Way("append", "ab", is_large=True),
)


def _local(bench: Bench, name: str) -> str:
    here = bench.folder / name
    here.write_bytes(bench.large)
    return str(here)


def _put(bench: Bench, path: str) -> None:
    bench.fs.put_file(_local(bench, "here"), path, chunksize=bench.part, max_concurrency=2)


def _write(bench: Bench, path: str) -> None:
    with bench.fs.open(path, "wb", block_size=bench.part) as file:
        file.write(bench.large)


# Calls that write `Bench.large` to a path.
CALLS: dict[str, Callable[[Bench, str], None]] = {
    "open": _write,
    "put_file": _put,
}
