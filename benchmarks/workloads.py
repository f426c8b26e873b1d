"""What is measured: a row for each workload, with its goals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import actions
import cold
from data import LARGE, Scene, Sizes

# Profiles for which no goal was set: there the requests count.
EMULATORS: dict[str, Goal | None] = {"gcs": None, "azure": None}
# A file from which nothing can be read here and there, or in pieces without reading it whole first.
STREAM_ONLY = frozenset({"raw obstore"})


@dataclass(frozen=True)
class Goal:
    """What objfs is to reach, from a table that was measured once on another machine.

    Parameters
    ----------
    seconds
        There.
    best_peer
        Seconds of the best peer there: their ratio is the goal on any machine.
    requests
        The most that may be sent; None: any number.
    bytes_times
        The most bytes that may be fetched, as a multiple of those asked for.
    memory_mib
        The most that the peak of memory may rise.
    """

    seconds: float
    best_peer: float
    requests: int | None = None
    bytes_times: float | None = None
    memory_mib: float | None = None

    @property
    def ratio(self) -> float:
        """To the best peer."""
        return self.seconds / self.best_peer


@dataclass(frozen=True)
class Workload:
    """One thing to measure.

    Parameters
    ----------
    name
        On the command line and in the tables.
    meaning
        What is done, from the sizes.
    run
        The measured part; its second argument is what `prepare` returned.
    goals
        For each profile that it is measured in; None where nothing was set.
    check
        Says, after the clock has stopped, whether the result is right. None for a workload that writes: its `run`
        returns what it `Written`, and the parent looks at the server.
    prepare
        What must be ready before the clock starts.
    without
        Contenders that have no words for it.
    asked_bytes
        How many bytes the caller wants, where that is a measure.
    lists
        Whether it needs the keys of the listings, which take long to make on some servers.
    """

    name: str
    meaning: Callable[[Sizes], str]
    run: Callable[[Scene, Any], Any]
    goals: Mapping[str, Goal | None]
    check: Callable[[Scene, Any], bool] | None = None
    prepare: Callable[[Scene], Any] = lambda _scene: None
    without: frozenset[str] = frozenset()
    asked_bytes: Callable[[Sizes], int] | None = None
    lists: bool = False

    @property
    def is_cold(self) -> bool:
        """Measured from the start of the process, imports included.

        The others begin with a filesystem that has written, read and described one small object.
        """
        return self.name in cold.ACTIONS


def size_text(count: int) -> str:
    """A length in bytes, in words."""
    units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    return next(f"{count // unit} {name}" for unit, name in units if count >= unit)


def _cold(name: str, check: Callable[[Scene, Any], bool], goal: Goal | None, meaning: str) -> Workload:
    def run(scene: Scene, _ready: object) -> Any:
        return cold.ACTIONS[name](scene.fs, scene.at(LARGE))

    return Workload(name, lambda _: f"a new process: import, {meaning}", run, {"zero": goal, **EMULATORS}, check)


WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        _cold(
            "cold-open",
            lambda scene, data: scene.is_original(data, cold.FIRST_BYTES),
            Goal(0.12, 0.10, requests=1),
            "open, read 1 KiB",
        ),
        _cold("cold-info", lambda scene, info: bool(info["size"] == scene.sizes.large_bytes), None, "info"),
        Workload(
            "read-whole",
            lambda sizes: f"open().read() of {size_text(sizes.whole_bytes)}",
            actions.read_whole,
            {"zero": Goal(0.35, 0.47), "s3": Goal(0.50, 3.3), **EMULATORS},
            actions.is_whole,
        ),
        Workload(
            "read-pieces",
            lambda sizes: f"open(), then read(1 MiB) to the end of {size_text(sizes.whole_bytes)}",
            actions.read_pieces,
            {"zero": None, "s3": None},
            actions.is_whole,
            without=STREAM_ONLY,
        ),
        Workload(
            "cat-file",
            lambda sizes: f"cat_file of {size_text(sizes.medium_bytes)}",
            actions.cat_file,
            {"zero": None, "s3": Goal(0.40, 1.07), **EMULATORS},
            lambda scene, data: scene.is_original(data, scene.sizes.medium_bytes),
        ),
        Workload(
            "cat-ranges",
            lambda sizes: f"cat_ranges: {sizes.range_count} random {size_text(sizes.range_bytes)} of one object",
            actions.cat_ranges,
            {"zero": Goal(0.15, 0.31), "s3": Goal(0.35, 1.7), **EMULATORS},
            actions.are_ranges(actions.wide_ranges),
            prepare=actions.wide_ranges,
            asked_bytes=lambda sizes: sizes.range_count * sizes.range_bytes,
        ),
        Workload(
            "seek-read",
            lambda sizes: f"{sizes.seek_count} x seek, read({size_text(sizes.seek_bytes)}), default cache",
            actions.seek_read,
            {"zero": Goal(0.30, 0.46, bytes_times=2), "s3": Goal(0.86, 0.91), **EMULATORS},
            actions.are_ranges(actions.narrow_ranges),
            prepare=actions.narrow_ranges,
            without=STREAM_ONLY,
            asked_bytes=lambda sizes: sizes.seek_count * sizes.seek_bytes,
        ),
        Workload(
            "cat-small",
            lambda sizes: f"cat of {sizes.small_count} objects of {size_text(sizes.small_bytes)}",
            actions.cat_small,
            {"zero": Goal(0.10, 0.21, requests=1000), "s3": Goal(0.35, 1.7, requests=1000), **EMULATORS},
            actions.are_small(actions.all_small),
            prepare=actions.all_small,
        ),
        Workload(
            "open-small",
            lambda sizes: f"open().read() of {sizes.opened_count} such objects in turn",
            actions.open_small,
            {"zero": Goal(0.06, 0.16, requests=500), **EMULATORS},
            actions.are_small(actions.few_small),
            prepare=actions.few_small,
        ),
        Workload(
            "threads-small",
            lambda sizes: f"cat_file of {sizes.small_count} such objects in {actions.THREADS} threads",
            actions.threads_small,
            {"s3": Goal(2.65, 3.0, requests=1000)},
            actions.are_small(actions.all_small),
            prepare=actions.all_small,
        ),
        Workload(
            "parquet",
            lambda _: "pyarrow.parquet.read_table(filesystem=): 3 of 30 columns",
            actions.read_columns,
            {"zero": Goal(0.18, 0.18), "s3": Goal(0.40, 0.39), **EMULATORS},
            actions.is_table,
            prepare=actions.import_parquet,
            without=STREAM_ONLY,
        ),
        Workload(
            "zarr",
            lambda sizes: f"xarray.open_zarr().load() of {sizes.array_shape[0]} chunks",
            actions.read_array,
            {"zero": Goal(0.14, 0.14), "s3": Goal(1.15, 1.20), **EMULATORS},
            actions.is_array,
            prepare=actions.zarr_source,
            without=frozenset({"pyarrow.fs"}),
        ),
        Workload(
            "get-file",
            lambda sizes: f"get_file of {size_text(sizes.whole_bytes)}",
            actions.get_file,
            {"zero": Goal(0.80, 0.86, memory_mib=300), "s3": Goal(0.36, 0.89, memory_mib=300), **EMULATORS},
            actions.is_copy,
        ),
        Workload(
            "get-small",
            lambda sizes: f"get of {sizes.opened_count} small objects",
            actions.get_small,
            {"s3": Goal(0.70, 0.71)},
            actions.are_copies,
            prepare=actions.targets,
        ),
        Workload(
            "find",
            lambda sizes: f"find of {sizes.key_count} keys in {sizes.folder_count} folders",
            actions.find,
            {"zero": Goal(0.32, 0.32), "s3": Goal(1.35, 1.35)},
            actions.are_keys("tree/"),
            lists=True,
        ),
        Workload(
            "ls",
            lambda sizes: f"ls of {sizes.key_count} keys",
            actions.ls,
            {"zero": Goal(0.30, 0.18)},
            actions.are_keys("flat/"),
            lists=True,
        ),
        Workload(
            "put-file",
            lambda sizes: f"put_file of {size_text(sizes.medium_bytes)}",
            actions.put_file,
            {"zero": Goal(0.19, 0.19), **EMULATORS},
        ),
        Workload(
            "write-stream",
            lambda sizes: f"open('wb'), write(1 MiB) to {size_text(sizes.stream_bytes)}",
            actions.write_stream,
            {"zero": Goal(0.22, 0.22, memory_mib=300), **EMULATORS},
        ),
        Workload(
            "pipe-small",
            lambda sizes: f"pipe of {sizes.small_count} objects of {size_text(sizes.small_bytes)}",
            actions.pipe_small,
            {"zero": Goal(0.20, 0.26), **EMULATORS},
            prepare=actions.small_values,
        ),
    )
}
