"""One process of the soak: threads that share a filesystem, and a look at what the process holds while they work."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import fsspec

from tests.soak.contents import Content
from tests.soak.work import Worker

_SAMPLE_SECONDS: Final = 0.25


@dataclass(frozen=True)
class Task:
    """What one process has to do; it travels to the process.

    Parameters
    ----------
    number
        Of the process.
    threads
        How many.
    seconds
        For how long.
    seed
        Of all that is random.
    bucket
        Where; each thread has a prefix in it.
    options
        Storage options, with a provider.
    """

    number: int
    threads: int
    seconds: float
    seed: int
    bucket: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """What a process holds at one time: open file descriptors, threads, and bytes of memory."""

    descriptors: int
    threads: int
    memory: int


@dataclass
class Outcome:
    """What a process has done.

    Parameters
    ----------
    calls, errors
        How often, by verb; errors also by type.
    bytes
        Read and written.
    wrong
        What must not be.
    may_hold
        By path, what each key may hold.
    early, late
        Medians of the samples of the second quarter of the time, and of the last.
    """

    calls: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    wrong: list[str] = field(default_factory=list)
    may_hold: dict[str, set[Content | None]] = field(default_factory=dict)
    early: Sample | None = None
    late: Sample | None = None


def look() -> Sample:
    """What this process holds now."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        pages = int(statm.read().split()[1])
    return Sample(
        len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), pages * os.sysconf("SC_PAGE_SIZE")
    )


def median(samples: Sequence[Sample]) -> Sample:
    """The middle of each figure."""
    rows = zip(*((sample.descriptors, sample.threads, sample.memory) for sample in samples), strict=True)
    return Sample(*(int(statistics.median(row)) for row in rows))


def run(task: Task) -> Outcome:
    """Let the threads work until the time is over."""
    outcome = Outcome()
    deadline = time.monotonic() + task.seconds
    fs = fsspec.filesystem("s3", **task.options)
    with tempfile.TemporaryDirectory() as folder:
        workers = [
            Worker(fs, f"{task.bucket}/p{task.number}/t{n}", task.seed * 10_007 + task.number * 101 + n, folder)
            for n in range(task.threads)
        ]

        def work(worker: Worker) -> None:
            try:
                while time.monotonic() < deadline:
                    worker.step()
            except BaseException:  # noqa: BLE001 - whatever it is, the soak goes on and tells of it
                outcome.wrong.append(traceback.format_exc())

        threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
        samples = []
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(_SAMPLE_SECONDS)
            samples.append(look())
        left = os.listdir(folder)
        if left:
            outcome.wrong.append(f"left in the local folder: {left}")
    quarter = max(1, len(samples) // 4)
    outcome.early, outcome.late = median(samples[quarter : 2 * quarter] or samples), median(samples[-quarter:])
    for worker in workers:
        outcome.calls += worker.calls
        outcome.errors += worker.errors
        outcome.bytes += worker.bytes
        outcome.may_hold |= {worker.path(key): may for key, may in worker.known.may_hold.items()}
    return outcome
