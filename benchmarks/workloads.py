"""What is measured: each workload is one call, or one loop of calls, on a filesystem, and a check of what came back."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED = 20261121
LARGE, TABLE = "large.bin", "table.parquet"
PIECE_BYTES = 1 << 20
FIRST_BYTES = 1 << 10
TABLE_COLUMNS = 30
READ_COLUMNS = ["c03", "c14", "c27"]


@dataclass(frozen=True)
class Sizes:
    """How much data there is.

    Parameters
    ----------
    large_bytes
        Of the one large object; a whole number of pieces.
    small_count, opened_count
        Small objects that there are, and those that are opened one after another.
    range_count, range_bytes
        Of the scattered reads.
    table_rows, group_rows
        Of the Parquet table, and of each of its row groups.
    """

    large_bytes: int = 128 << 20
    small_count: int = 200
    small_bytes: int = 16 << 10
    opened_count: int = 100
    range_count: int = 500
    range_bytes: int = 64 << 10
    table_rows: int = 200_000
    group_rows: int = 50_000


FULL = Sizes()
QUICK = Sizes(large_bytes=8 << 20, small_count=20, opened_count=10, range_count=50, table_rows=10_000, group_rows=5_000)


@dataclass(frozen=True)
class Scene:
    """Where a workload takes place.

    Parameters
    ----------
    fs
        The filesystem of the contender.
    source
        ``bucket/prefix`` of the objects to read.
    out
        ``bucket/prefix`` for objects to write, new for every measurement.
    originals
        Local folder with the same data as `source`.
    scratch
        Empty local folder.
    """

    fs: Any
    source: str
    out: str
    originals: Path
    scratch: Path
    sizes: Sizes

    @property
    def large(self) -> str:
        """Path of the large object."""
        return f"{self.source}/{LARGE}"

    @property
    def local_large(self) -> Path:
        """The same bytes in a local file."""
        return self.originals / LARGE

    def small(self, count: int | None = None) -> dict[str, slice]:
        """Paths of the small objects, and which part of the large one each repeats."""
        return {f"{self.source}/{name}": part for name, part in small_parts(self.sizes, count).items()}

    def ranges(self) -> list[tuple[int, int]]:
        """Scattered ranges of the large object, the same in every process."""
        chance = random.Random(SEED)
        last = self.sizes.large_bytes - self.sizes.range_bytes
        starts = [chance.randrange(last) for _ in range(self.sizes.range_count)]
        return [(start, start + self.sizes.range_bytes) for start in starts]


def small_parts(sizes: Sizes, count: int | None = None) -> dict[str, slice]:
    """Names of small objects, and the part of the large one that each repeats."""
    size = sizes.small_bytes
    indices = range(count or sizes.small_count)
    return {f"small/{index:04}": slice(index * size, (index + 1) * size) for index in indices}


# What a writing workload wrote: path to the part of the large object that must be in it now.
Written = dict[str, slice]


@dataclass(frozen=True)
class Workload:
    """One thing to measure.

    Parameters
    ----------
    name
        On the command line and in the tables.
    meaning
        What is done, with the sizes of a full run.
    run
        The measured part.
    check
        Says, after the clock has stopped, whether the result is right. None for a workload that writes: its `run`
        returns what it `Written`, and the parent looks at the server.
    is_cold
        Measured from the start of the process, imports included; the others begin with a filesystem that has
        written, read and described one small object.
    prepare
        What must be ready before the clock starts; its result is the second argument of `run`.
    """

    name: str
    meaning: str
    run: Callable[[Scene, Any], Any]
    check: Callable[[Scene, Any], bool] | None = None
    is_cold: bool = False
    prepare: Callable[[Scene], Any] = lambda _scene: None


def _read_first(scene: Scene, _ready: object) -> Any:
    with scene.fs.open(scene.large, "rb") as file:
        return file.read(FIRST_BYTES)


def _is_first(scene: Scene, data: Any) -> bool:
    return bool(data == scene.local_large.read_bytes()[:FIRST_BYTES])


def _info(scene: Scene, _ready: object) -> Any:
    return scene.fs.info(scene.large)


def _is_info(scene: Scene, info: Any) -> bool:
    return bool(info["size"] == scene.sizes.large_bytes)


def _read_whole(scene: Scene, _ready: object) -> Any:
    with scene.fs.open(scene.large, "rb") as file:
        return file.read()


def _read_pieces(scene: Scene, _ready: object) -> list[bytes]:
    with scene.fs.open(scene.large, "rb") as file:
        return list(iter(lambda: file.read(PIECE_BYTES), b""))


def _cat_file(scene: Scene, _ready: object) -> Any:
    return scene.fs.cat_file(scene.large)


def _is_large(scene: Scene, data: Any) -> bool:
    return bool((b"".join(data) if isinstance(data, list) else data) == scene.local_large.read_bytes())


def _cat_ranges(scene: Scene, ranges: Any) -> Any:
    starts, ends = map(list, zip(*ranges, strict=True))
    return scene.fs.cat_ranges([scene.large] * len(ranges), starts, ends)


def _are_ranges(scene: Scene, found: Any) -> bool:
    data = scene.local_large.read_bytes()
    return bool(list(found) == [data[start:end] for start, end in scene.ranges()])


def _cat_small(scene: Scene, paths: Any) -> Any:
    return scene.fs.cat(paths)


def _open_small(scene: Scene, paths: Any) -> dict[str, bytes]:
    found = {}
    for path in paths:
        with scene.fs.open(path, "rb") as file:
            found[path] = file.read()
    return found


def _are_small(scene: Scene, found: Any) -> bool:
    data, parts = scene.local_large.read_bytes(), scene.small()
    return len(found) in {scene.sizes.small_count, scene.sizes.opened_count} and all(
        value == data[parts[path]] for path, value in found.items()
    )


def _read_columns(scene: Scene, _ready: object) -> Any:
    from pyarrow import parquet  # noqa: PLC0415 - the other workloads must not pay for it

    return parquet.read_table(f"{scene.source}/{TABLE}", columns=READ_COLUMNS, filesystem=scene.fs)


def _is_table(scene: Scene, table: Any) -> bool:
    from pyarrow import parquet  # noqa: PLC0415 - as above

    return bool(table.equals(parquet.read_table(scene.originals / TABLE, columns=READ_COLUMNS)))


def _import_parquet(_scene: Scene) -> None:
    import pyarrow.dataset  # noqa: PLC0415 - as above
    import pyarrow.fs  # noqa: PLC0415
    import pyarrow.parquet  # noqa: F401, PLC0415


def _write_stream(scene: Scene, _ready: object) -> Written:
    path = f"{scene.out}/stream"
    with scene.local_large.open("rb") as source, scene.fs.open(path, "wb") as file:
        while piece := source.read(PIECE_BYTES):
            file.write(piece)
    return {path: slice(0, scene.sizes.large_bytes)}


def _small_values(scene: Scene) -> dict[str, bytes]:
    with scene.local_large.open("rb") as source:
        return {f"{scene.out}/{name}": source.read(scene.sizes.small_bytes) for name in small_parts(scene.sizes)}


def _pipe_small(scene: Scene, values: Any) -> Written:
    scene.fs.pipe(values)
    return {f"{scene.out}/{name}": part for name, part in small_parts(scene.sizes).items()}


def _put_file(scene: Scene, _ready: object) -> Written:
    path = f"{scene.out}/put"
    scene.fs.put_file(str(scene.local_large), path)
    return {path: slice(0, scene.sizes.large_bytes)}


def _get_file(scene: Scene, _ready: object) -> Path:
    target = scene.scratch / "got"
    scene.fs.get_file(scene.large, str(target))
    return target


def _is_copy(scene: Scene, target: Path) -> bool:
    return target.read_bytes() == scene.local_large.read_bytes()


def _all_small(scene: Scene) -> list[str]:
    return list(scene.small())


def _few_small(scene: Scene) -> list[str]:
    return list(scene.small(scene.sizes.opened_count))


WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload("cold-open", "a new process: import, open, read 1 KiB", _read_first, _is_first, is_cold=True),
        Workload("cold-info", "a new process: import, info", _info, _is_info, is_cold=True),
        Workload("read-whole", "open().read() of 128 MiB", _read_whole, _is_large),
        Workload("read-pieces", "open(), then read(1 MiB) to the end of 128 MiB", _read_pieces, _is_large),
        Workload("cat-large", "cat_file of 128 MiB", _cat_file, _is_large),
        Workload(
            "cat-ranges", "cat_ranges: 500 random 64 KiB of 128 MiB", _cat_ranges, _are_ranges, prepare=Scene.ranges
        ),
        Workload("cat-small", "cat of 200 objects of 16 KiB", _cat_small, _are_small, prepare=_all_small),
        Workload(
            "open-small", "open().read() of 100 such objects in turn", _open_small, _are_small, prepare=_few_small
        ),
        Workload("parquet", "pyarrow: 3 of 30 columns of 48 MB", _read_columns, _is_table, prepare=_import_parquet),
        Workload("get-file", "get_file of 128 MiB", _get_file, _is_copy),
        Workload("put-file", "put_file of 128 MiB", _put_file),
        Workload("write-stream", "open('wb'), write(1 MiB) to 128 MiB", _write_stream),
        Workload("pipe-small", "pipe of 200 objects of 16 KiB", _pipe_small, prepare=_small_values),
    )
}


def make_originals(folder: Path, sizes: Sizes) -> None:
    """Write the local copy of all data: always the same bytes."""
    import numpy  # noqa: ICN001, PLC0415 - only the parent needs it, once
    import pyarrow  # noqa: ICN001, PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    (folder / LARGE).write_bytes(random.Random(SEED).randbytes(sizes.large_bytes))
    chance = numpy.random.default_rng(SEED)
    columns = {f"c{index:02}": chance.random(sizes.table_rows) for index in range(TABLE_COLUMNS)}
    parquet.write_table(pyarrow.table(columns), folder / TABLE, row_group_size=sizes.group_rows)
