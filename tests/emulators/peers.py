"""The peers beside objfs: one server, two buckets, the same call on the peer's own class and on ours."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cloud_servers import connection_string
from tests.clouds import CloudUnderTest, Raw

# What info() says that is the same for equal objects in two buckets; of everything else the type is.
EXACT = frozenset({"name", "size", "type", "StorageClass", "storageClass", "ContentType", "contentType", "Size"})


@dataclass(frozen=True)
class Raised:
    """An exception: the builtins that catch it, nearest first, and its errno."""

    kinds: tuple[str, ...]
    errno: int | None

    def serves(self, other: Raised) -> bool:
        """Whether who catches the other one catches this one, and finds what the other one tells."""
        return other.kinds[0] in self.kinds and other.errno in (None, self.errno)


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    Parameters
    ----------
    fs
        The filesystem.
    bucket
        Its bucket.
    raw
        The bucket without either.
    here
        An empty local folder.
    maker
        A filesystem that makes buckets.
    """

    fs: Any
    bucket: str
    raw: Raw
    here: Path
    maker: Any

    def fill(self, tree: Mapping[str, bytes], held: Mapping[str, bytes] | None = None) -> None:
        """Make the bucket, of which one may know what it holds, hold exactly these objects."""
        if held is None:
            self.maker.mkdirs(self.bucket, exist_ok=True)
            held = {}
        for key in held:
            if key not in tree:
                self.raw.delete(key)
        for key, body in tree.items():
            if held.get(key) != body:
                self.raw.put(key, body)

    def held(self) -> dict[str, bytes] | None:
        """What the bucket holds; None where it is gone."""
        if not self.maker.exists(self.bucket):
            return None
        return {key: self.raw.get(key) for key in self.raw.listed()}

    def local(self) -> dict[str, bytes | None]:
        """What the local folder holds; None is a directory."""
        found = sorted(self.here.rglob("*"))
        return {str(each.relative_to(self.here)): each.read_bytes() if each.is_file() else None for each in found}

    def answer(self, call: Callable[[Any, str, Path], Any]) -> Any:
        """What a call gives or raises, without what differs from bucket to bucket."""
        try:
            found = call(self.fs, self.bucket, self.here)
        except Exception as error:  # noqa: BLE001 - compared
            return self.error(error)
        return self.shown(found)

    def error(self, error: BaseException) -> Any:
        """What catches it, and its errno."""
        kinds = tuple(base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins")
        return Raised(kinds, getattr(error, "errno", None))

    def shown(self, found: Any, name: str | None = None) -> Any:
        """An answer, exact where it can be."""
        if name is not None and name not in EXACT:
            return type(found).__name__
        if isinstance(found, str):
            return found.replace(self.bucket, "<bucket>").replace(str(self.here), "<here>")
        if isinstance(found, Mapping):
            inside = all(isinstance(each, str) and "/" not in each for each in found) and "name" in found
            return {self.shown(key): self.shown(value, key if inside else None) for key, value in found.items()}
        if isinstance(found, list | tuple):
            return type(found)(self.shown(each) for each in found)
        if isinstance(found, Exception):
            return self.error(found)
        if isinstance(found, datetime):
            return "datetime", found.utcoffset()
        if hasattr(found, "close"):
            found.close()
        return found if isinstance(found, bytes | int | float | set | None) else type(found).__name__


def s3_peer(cloud: CloudUnderTest, _: Any, **options: Any) -> Any:
    """S3fs, which asks the server as ours does."""
    s3fs = pytest.importorskip("s3fs")
    return s3fs.S3FileSystem(
        endpoint_url=cloud.options["endpoint_url"],
        key=cloud.options["key"],
        secret=cloud.options["secret"],
        client_kwargs={"region_name": cloud.options["region"]},
        **options,
    )


def gcs_peer(cloud: CloudUnderTest, _: Any, **options: Any) -> Any:
    """The plain class of gcsfs: the other one asks Google's own servers."""
    core = pytest.importorskip("gcsfs.core")
    given = {name: cloud.options[name] for name in ("endpoint_url", "project")}
    return core.GCSFileSystem(**given, token="anon", **options)


def azure_peer(_: CloudUnderTest, server: Any, **options: Any) -> Any:
    """Adlfs."""
    adlfs = pytest.importorskip("adlfs")
    return adlfs.AzureBlobFileSystem(connection_string=connection_string(server), **options)


PEERS: dict[str, Callable[..., Any]] = {"s3": s3_peer, "gcs": gcs_peer, "azure": azure_peer}


def peer_of(cloud: CloudUnderTest, request: pytest.FixtureRequest, **options: Any) -> Any:
    """The class that objfs takes over from on a cloud, on the same server, without a listings cache."""
    server = request.getfixturevalue("azure_server") if cloud.name == "azure" else None
    given = {"skip_instance_cache": True, "use_listings_cache": False, **options}
    fs = PEERS[cloud.name](cloud, server, **given)
    fs.dircache.use_listings_cache = given["use_listings_cache"]
    return fs


@contextlib.contextmanager
def both(
    cloud: CloudUnderTest, engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Side, Side]]:
    """Ours and theirs, each with a bucket of its own."""
    peer, sides = peer_of(cloud, request), []
    maker = cloud.fs("sdk")
    for name, fs in (("ours", cloud.fs(engine)), ("peer", peer)):
        bucket, here = f"{cloud.bucket}-{name}", tmp_path / name
        here.mkdir()
        maker.mkdir(bucket)
        sides.append(Side(fs, bucket, cloud.raw.beside(bucket), here, maker))
    try:
        yield sides[0], sides[1]
    finally:
        for side in sides:
            if maker.exists(side.bucket):
                maker.rm(side.bucket, recursive=True)


def agree(ours: Any, theirs: Any) -> bool:
    """Whether two answers are the same for who gets them."""
    if isinstance(ours, Raised) and isinstance(theirs, Raised):
        return ours.serves(theirs)
    return type(ours) is type(theirs) and bool(ours == theirs)


def make_local(here: Path) -> None:
    """A local tree to upload."""
    (here / "up" / "sub").mkdir(parents=True)
    (here / "up" / "one.txt").write_bytes(b"one")
    (here / "up" / "sub" / "two.csv").write_bytes(b"2,2")
    os.mkdir(here / "up" / "nothing")
