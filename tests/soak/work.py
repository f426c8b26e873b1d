"""The work of one thread: calls of every kind on keys of its own, and the comparison of what they give."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from objfs.errors import CredentialsExpiredError, FileExpired
from tests.soak.contents import Content, Known, WrongBytesError

KEYS_EACH: Final = 12
SMALL_BYTES, LARGE_BYTES = 100_000, 11 * 2**20
# The least that S3 takes as a part.
PART_BYTES: Final = 5 * 2**20


class Worker:
    """One thread.

    Parameters
    ----------
    fs
        Shared with the other threads of the process.
    root
        ``bucket/prefix`` that no other thread uses.
    seed
        Of its choices.
    folder
        For local files.
    """

    def __init__(self, fs: Any, root: str, seed: int, folder: str) -> None:
        self.fs, self.root, self.folder = fs, root, folder
        self.random, self.known = random.Random(seed), Known()
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.bytes = 0

    def step(self, verb: Callable[[Worker], None] | None = None) -> None:
        """Make one call, of any kind if it is not said; what the network does to it is an OSError, and counted.

        Raises
        ------
        WrongBytesError
            What came is not what was written; an object that must be there is missing, or has changed under the hands
            of a thread that alone writes it; the server has refused it.
        """
        verb = verb or self.random.choices(list(VERBS), list(VERBS.values()))[0]
        self.calls[verb.__name__] += 1
        try:
            verb(self)
        except CredentialsExpiredError:
            # What replaced credentials that were revoked can be revoked before it is used.
            self.errors[f"{verb.__name__}: CredentialsExpiredError"] += 1
        except (FileNotFoundError, FileExpired, PermissionError) as error:
            msg = f"{verb.__name__} below {self.root}: {type(error).__name__}: {error}"
            raise WrongBytesError(msg) from error
        except OSError as error:
            self.errors[f"{verb.__name__}: {type(error).__name__}"] += 1

    def path(self, key: str) -> str:
        """The path of a key."""
        return f"{self.root}/{key}"

    def any_key(self) -> str:
        """A key, used or not."""
        return f"d{self.random.randrange(3)}/{self.random.randrange(KEYS_EACH)}"

    def used(self) -> tuple[str, Content] | None:
        """A key that certainly holds something, and what."""
        keys = self.known.certain()
        if not keys:
            return None
        key = self.random.choice(keys)
        (content,) = self.known.of(key)
        assert content is not None
        return key, content

    def content(self, limit: int = SMALL_BYTES, least: int = 0) -> Content:
        """Anything new."""
        return Content(self.random.getrandbits(60), self.random.randint(least, limit))

    def write(self, key: str, content: Content | None, call: Callable[[], Any]) -> None:
        """Note what a key holds after a call."""
        try:
            call()
        except OSError:
            self.known.holds_perhaps(key, content)
            raise
        self.known.holds(key, content)
        self.bytes += content.size if content else 0

    def compare(self, key: str, content: Content, found: bytes, start: int = 0, stop: int | None = None) -> None:
        """Compare a part of an object."""
        self.bytes += len(found)
        if found != content.data()[start:stop]:
            msg = f"{key}[{start}:{stop}] of {content}: {len(found)} other bytes"
            raise WrongBytesError(msg)


# -- writing ---------------------------------------------------------------------------------------------------------


def pipe(worker: Worker) -> None:
    """A small object, in one request."""
    key, content = worker.any_key(), worker.content()
    worker.write(key, content, lambda: worker.fs.pipe_file(worker.path(key), content.data()))


def pipe_large(worker: Worker) -> None:
    """An object in parts."""
    key, content = worker.any_key(), worker.content(LARGE_BYTES, PART_BYTES)
    worker.write(key, content, lambda: worker.fs.pipe_file(worker.path(key), content.data(), chunksize=PART_BYTES))


def stream(worker: Worker) -> None:
    """A file that is written piece by piece."""
    key, content = worker.any_key(), worker.content(LARGE_BYTES)

    def call() -> None:
        data = content.data()
        with worker.fs.open(worker.path(key), "wb", block_size=PART_BYTES) as file:
            for start in range(0, len(data), 2**20):
                file.write(data[start : start + 2**20])

    worker.write(key, content, call)


def abandon(worker: Worker) -> None:
    """A file whose writer fails: nothing of it is ever there."""
    data = worker.content(LARGE_BYTES).data()
    with contextlib.suppress(ZeroDivisionError), worker.fs.open(worker.path(worker.any_key()), "wb") as file:
        file.write(data)
        raise ZeroDivisionError


def put(worker: Worker) -> None:
    """A local file."""
    key, content = worker.any_key(), worker.content(LARGE_BYTES)
    with tempfile.NamedTemporaryFile(dir=worker.folder) as local:
        local.write(content.data())
        local.flush()
        worker.write(key, content, lambda: worker.fs.put_file(local.name, worker.path(key)))


def copy(worker: Worker) -> None:
    """A copy by the server."""
    if found := worker.used():
        key = worker.any_key()
        worker.write(key, found[1], lambda: worker.fs.cp_file(worker.path(found[0]), worker.path(key)))


def remove(worker: Worker) -> None:
    """A deletion; of several keys, which is another request."""
    if found := worker.used():
        key = found[0]
        call = worker.random.choice([worker.fs.rm_file, lambda path: worker.fs.rm([path])])
        worker.write(key, None, lambda: call(worker.path(key)))


# -- reading ---------------------------------------------------------------------------------------------------------


def cat(worker: Worker) -> None:
    """A whole object, or none; it settles what a failed call has left."""
    key = worker.any_key()
    try:
        data = worker.fs.cat_file(worker.path(key))
    except FileNotFoundError:
        data = None
    worker.known.check(key, data)


def cat_slice(worker: Worker) -> None:
    """A slice, by Python's rules."""
    if found := worker.used():
        start, stop = sorted(worker.random.randint(0, found[1].size) for _ in range(2))
        worker.compare(*found, worker.fs.cat_file(worker.path(found[0]), start=start, end=stop), start, stop)


def cat_ranges(worker: Worker) -> None:
    """Ranges of several objects."""
    chosen = [found for found in (worker.used() for _ in range(4)) if found]
    starts = [worker.random.randint(0, content.size) for _, content in chosen]
    paths = [worker.path(key) for key, _ in chosen]
    parts = worker.fs.cat_ranges(paths, starts, [start + 1000 for start in starts], on_error="raise")
    for (key, content), start, data in zip(chosen, starts, parts, strict=True):
        worker.compare(key, content, data, start, start + 1000)


def read(worker: Worker) -> None:
    """An open file, here and there and then to its end."""
    if not (found := worker.used()):
        return
    key, content = found
    with worker.fs.open(worker.path(key), "rb") as file:
        for _ in range(3):
            start = worker.random.randint(0, content.size)
            file.seek(start)
            worker.compare(key, content, file.read(1000), start, start + 1000)
        file.seek(0)
        worker.compare(key, content, file.read())


def get(worker: Worker) -> None:
    """A local file, which appears whole or not at all."""
    if not (found := worker.used()):
        return
    local = os.path.join(worker.folder, f"{worker.random.getrandbits(60)}")
    try:
        worker.fs.get_file(worker.path(found[0]), local)
        with open(local, "rb") as file:
            worker.compare(*found, file.read())
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(local)


def listing(worker: Worker) -> None:
    """All keys of the thread, exactly."""
    try:
        names = worker.fs.find(worker.root)
    except FileNotFoundError:
        names = []
    worker.known.check_names({name.removeprefix(f"{worker.root}/") for name in names})


def gather(worker: Worker) -> None:
    """Awaited reads on an event loop of the thread."""
    chosen = [found for found in (worker.used() for _ in range(4)) if found]

    async def read_all() -> list[bytes]:
        return await asyncio.gather(*(worker.fs._cat_file(worker.path(key)) for key, _ in chosen))

    for (key, content), data in zip(chosen, asyncio.run(read_all()), strict=True):
        worker.compare(key, content, data)


VERBS: Final[dict[Callable[[Worker], None], int]] = {
    pipe: 10,
    pipe_large: 2,
    stream: 2,
    abandon: 2,
    put: 2,
    copy: 4,
    remove: 5,
    cat: 12,
    cat_slice: 8,
    cat_ranges: 4,
    read: 6,
    get: 4,
    listing: 4,
    gather: 2,
}
