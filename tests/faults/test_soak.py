"""The soak, short; and that it finds what it looks for."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.soak.__main__ import MORE_MEMORY, growth, report
from tests.soak.contents import Content, Known, WrongBytesError
from tests.soak.processes import Sample
from tests.soak.work import VERBS, Worker

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_short_soak_finds_nothing_wrong(tmp_path):
    """Two processes, a few seconds of everything: `make soak` runs longer."""
    command = [sys.executable, "-m", "tests.soak", "--seconds", "6", "--processes", "2", "--threads", "8"]
    done = subprocess.run(
        [*command, "--seed", "1", "--json", str(tmp_path / "soak.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "soak.json").read_text())
    assert (found["wrong"], found["grown"]) == ([], [])
    assert sum(found["calls"].values()) > 20
    assert sum(found["faults"].values()) > 0
    assert found["objects"] > 0


class Store:
    """A filesystem in a dictionary, which lies once."""

    def __init__(self, lie: str) -> None:
        self.objects: dict[str, bytes] = {}
        self.lie = lie

    def _lies(self, about: str) -> bool:
        return self.lie == about

    def pipe_file(self, path: str, data: bytes, **_: Any) -> None:
        self.objects[path] = data[:-1] if self._lies("short object") else data

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        if self._lies("missing object") or path not in self.objects:
            raise FileNotFoundError(path)
        if self._lies("refusal"):
            raise PermissionError(path)
        data = self.objects[path][start:end]
        return data[:-1] + bytes([data[-1] ^ 1]) if self._lies("flipped bit") and data else data

    def find(self, root: str) -> list[str]:
        names = [path for path in self.objects if path.startswith(root)]
        return names[1:] if self._lies("short listing") else [*names, *[f"{root}/more"] * self._lies("long listing")]

    def open(self, path: str, *_: Any, **__: Any) -> io.BytesIO:
        file = io.BytesIO()
        if self._lies("abandoned object"):
            self.objects[path] = b"half"
        return file


LIES = ["short object", "missing object", "refusal", "flipped bit", "short listing", "long listing", "abandoned object"]


def work(lie: str, steps: int) -> Worker:
    worker = Worker(Store(lie), "bucket/prefix", 1, "")
    usable = [verb for verb in VERBS if verb.__name__ in ("pipe", "cat", "cat_slice", "listing", "abandon")]
    for number in range(steps):
        worker.step(usable[number % len(usable)])
    return worker


@pytest.mark.parametrize("lie", LIES)
def test_lie_of_a_store_is_found(lie):
    """Wrong bytes, missing and superfluous objects, refusals, and what a failed writer has left."""
    with pytest.raises(WrongBytesError):
        work(lie, 100)


def test_honest_store_is_not_accused():
    """The same work, without a lie."""
    worker = work("", 100)
    assert (sum(worker.calls.values()), worker.errors) == (100, Counter())


def test_failed_write_leaves_two_possibilities_until_somebody_looks():
    """Either is right; what is read settles it."""
    known, old, new = Known(), Content(1, 10), Content(2, 10)
    known.holds("key", old)
    known.holds_perhaps("key", new)
    known.check_names({"key"})
    known.check("key", new.data())
    with pytest.raises(WrongBytesError):
        known.check("key", old.data())
    known.holds_perhaps("key", None)
    known.check_names(set())
    known.check("key", None)
    with pytest.raises(WrongBytesError):
        known.check_names({"key"})


@pytest.mark.parametrize(
    ("late", "grown"),
    [
        pytest.param(Sample(30, 40, 300 << 20), [], id="nothing"),
        pytest.param(Sample(63, 40, 300 << 20), ["file descriptors: 30 -> 63"], id="descriptors"),
        pytest.param(Sample(30, 57, 300 << 20), ["threads: 40 -> 57"], id="threads"),
        pytest.param(Sample(30, 40, MORE_MEMORY + (400 << 20)), ["memory: 300 MiB -> 496 MiB"], id="memory"),
    ],
)
def test_growth_is_told(late, grown):
    """Compared with the second quarter of the time, when pools and caches have filled."""
    assert growth(Sample(30, 40, 300 << 20), late) == grown


def test_report_ends_with_a_verdict():
    """Its last line is what a person looks at first."""
    found = {
        **dict.fromkeys(("seconds", "processes", "threads", "seed", "bytes", "requests", "objects", "unsure_keys"), 1),
        **{name: {"x": 1} for name in ("calls", "errors", "faults", "requests_refused")},
        "credentials_issued": 1,
        "samples": [],
        "grown": [],
        "wrong": [],
    }
    assert report(found).splitlines()[-1] == "nothing wrong"
    assert report({**found, "wrong": ["a key"]}).splitlines()[-2:] == ["WRONG      a key", "wrong"]
