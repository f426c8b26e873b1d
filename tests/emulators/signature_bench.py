"""What a case of the signature test works with, and the register of the cases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests import gcs_proxy
from tests.clouds import CLOUDS, CloudUnderTest
from tests.emulators.signatures import peer_class
from tests.gcs_proxy import Asked, GCSProxy

# Whose filesystem a case is run on: a case that fails on the peer says nothing about the peer.
WHO: Final = ("peer", "auto", "sdk")
# In the bucket of every case.
TREE: Final = {"a.txt": b"0123456789", "b.csv": b"22", "dir/c.txt": b"333", "dir/sub/d.csv": b"4444", "other/e": b"5"}


class Gate:
    """Requests of one kind wait here for company: how many were ever here at once."""

    def __init__(self, method: str, part: str, *, patience: float, alone: int = 0) -> None:
        self.times, self.status, self.body, self.headers = 1 << 30, 200, b"", {}
        self.most = self.passed = 0
        self._here, self._changed = 0, threading.Condition()
        self._method, self._part, self._patience, self._alone = method, part, patience, alone

    def matches(self, asked: Asked) -> bool:
        """Wait for a second request; never answer in the place of the server."""
        if asked.method != self._method or self._part not in asked.path:
            return False
        with self._changed:
            self._here += 1
            self.passed += 1
            if self.passed <= self._alone:
                self._here -= 1
                return False
            self.most = max(self.most, self._here)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most > 1, self._patience)
            self._here -= 1
        return False


@dataclass
class Bench:
    """A filesystem with a small tree in a bucket of its own.

    Parameters
    ----------
    cloud
        Where; with a view of the bucket that knows nothing of any filesystem.
    who
        One of `WHO`.
    tmp
        An empty local directory.
    versioned
        Makes a bucket that keeps versions, for the clouds whose test server has such.
    planted
        Whether the tree has to be written.
    """

    cloud: CloudUnderTest
    who: str
    tmp: Path
    versioned: Callable[[], str]
    planted: bool = True

    def __post_init__(self) -> None:
        self.name, self.raw, self.path, self.bucket = (
            self.cloud.name,
            self.cloud.raw,
            self.cloud.path,
            self.cloud.bucket,
        )
        if self.planted:
            for key, data in TREE.items():
                self.raw.put(key, data)
        self.file, self.dir = self.path("a.txt"), self.path("dir")

    @cached_property
    def fs(self) -> Any:
        """The filesystem."""
        return self.make()

    @property
    def is_peer(self) -> bool:
        """Whether the peer itself is on the bench."""
        return self.who == "peer"

    def make(self, **options: Any) -> Any:
        """Another instance of the same kind; the peer keeps no listings unless told to, as ours."""
        if not self.is_peer:
            fs = self.cloud.fs(self.who, **options)
        else:
            given = {**_PEER_OPTIONS[self.name](self.cloud.options), "use_listings_cache": False, **options}
            fs = _plain_class(self.name)(**given)
        return fs

    @contextmanager
    def watched(self, **options: Any) -> Iterator[tuple[Any, GCSProxy]]:
        """Another instance, behind a proxy that keeps what is asked."""
        place = "endpoint" if self.name == "azure" else "endpoint_url"
        url = urlsplit(self.cloud.options[place])
        with gcs_proxy.running(f"{url.scheme}://{url.netloc}") as proxy:
            there = {**self.cloud.options, place: f"{proxy.endpoint}{url.path}"}
            yield replace_cloud(self, there).make(**options), proxy

    def at_once(
        self, call: Callable[[Any], Any], method: str, part: str, *, patience: float = 0.05, alone: int = 0
    ) -> int:
        """How many requests of a kind a call has in flight at a time, as far as the second.

        The first ``alone`` requests are let pass.
        """
        gate = Gate(method, part, patience=patience, alone=alone)
        with self.watched() as (fs, proxy):
            proxy.rules.append(gate)  # type: ignore[arg-type]
            call(fs)
        assert gate.passed > 1, "nothing to do at once"
        return gate.most

    def local(self, name: str, data: bytes) -> str:
        """The path of a local file."""
        path = self.tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path)

    def below(self, names: Any, at: str | None = None) -> list[str]:
        """Names below a path, in order, as keys."""
        begin = f"{at or self.bucket}/"
        return sorted(name.removeprefix(begin) for name in names)


def replace_cloud(bench: Bench, options: dict[str, Any]) -> Bench:
    """The same bench at another address."""
    return replace(bench, cloud=replace(bench.cloud, options=options), planted=False)


def _plain_class(cloud: str) -> Any:
    """The peer's class; at an emulator gcsfs's plain one, as objfs has it there: the other asks Google for folders."""
    if cloud != "gcs":
        return peer_class(cloud)
    from gcsfs.core import GCSFileSystem

    return GCSFileSystem


def _azure_options(options: dict[str, Any]) -> dict[str, Any]:
    told = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": options["account_name"],
        "AccountKey": options["account_key"],
        "BlobEndpoint": options["endpoint"],
    }
    return {"connection_string": ";".join(f"{name}={value}" for name, value in told.items())}


_PEER_OPTIONS: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "s3": lambda told: {name: told[name] for name in ("key", "secret", "endpoint_url") if name in told},
    "gcs": lambda told: {"endpoint_url": told["endpoint_url"], "project": told["project"], "token": "anon"},
    "azure": _azure_options,
}


@dataclass
class Case:
    """Calls with keywords of some verbs on one cloud, and a look at what came of them.

    Parameters
    ----------
    cloud
        Where it is run.
    check
        The calls and the look.
    shows
        Verbs and keywords.
    not_on_peer
        Why it cannot be run on the peer itself.
    """

    cloud: str
    check: Callable[[Bench], None]
    shows: list[tuple[str, str]] = field(default_factory=list)
    not_on_peer: str | None = None

    def __str__(self) -> str:
        return f"{self.cloud}-{self.check.__name__}"


CASES: Final[dict[tuple[str, Callable[[Bench], None]], Case]] = {}


def case(
    verb: str, *keywords: str, clouds: tuple[str, ...] = CLOUDS, not_on_peer: str | None = None
) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Register the decorated function as a case."""

    def register(check: Callable[[Bench], None]) -> Callable[[Bench], None]:
        for cloud in clouds:
            found = CASES.setdefault((cloud, check), Case(cloud, check))
            found.shows += [(verb, keyword) for keyword in keywords]
            found.not_on_peer = not_on_peer or found.not_on_peer
        return check

    return register
