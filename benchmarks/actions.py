"""What the workloads do and how their results are checked: each is one call, or one loop of calls, on a filesystem."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from data import ARRAY, LARGE, LISTED_BUCKET, MEDIUM, TABLE, VARIABLE, Scene, listed_keys, small_parts

PIECE_BYTES = 1 << 20
READ_COLUMNS = ["c03", "c14", "c27"]
THREADS = 8

# What a writing workload wrote: path to the part of the large object that must be in it now.
Written = dict[str, slice]


def read_whole(scene: Scene, _ready: object) -> Any:
    """All of an object in one go."""
    with scene.fs.open(scene.at(scene.sizes.whole), "rb") as file:
        return file.read()


def read_pieces(scene: Scene, _ready: object) -> list[bytes]:
    """All of an object, piece after piece."""
    with scene.fs.open(scene.at(scene.sizes.whole), "rb") as file:
        return list(iter(lambda: file.read(PIECE_BYTES), b""))


def is_whole(scene: Scene, data: Any) -> bool:
    """What the two above must return."""
    return scene.is_original(data, scene.sizes.whole_bytes)


def cat_file(scene: Scene, _ready: object) -> Any:
    """All of an object, without a file."""
    return scene.fs.cat_file(scene.at(MEDIUM))


def cat_ranges(scene: Scene, ranges: Any) -> Any:
    """Scattered ranges in one call."""
    starts, ends = map(list, zip(*ranges, strict=True))
    return scene.fs.cat_ranges([scene.at(LARGE)] * len(ranges), starts, ends)


def seek_read(scene: Scene, ranges: Any) -> list[bytes]:
    """Scattered ranges one after another, from a file."""
    found = []
    with scene.fs.open(scene.at(LARGE), "rb") as file:
        for start, end in ranges:
            file.seek(start)
            found.append(file.read(end - start))
    return found


def wide_ranges(scene: Scene) -> list[tuple[int, int]]:
    """What `cat_ranges` asks for."""
    return scene.ranges(scene.sizes.range_count, scene.sizes.range_bytes)


def narrow_ranges(scene: Scene) -> list[tuple[int, int]]:
    """What `seek_read` asks for."""
    return scene.ranges(scene.sizes.seek_count, scene.sizes.seek_bytes)


def are_ranges(wanted: Callable[[Scene], list[tuple[int, int]]]) -> Callable[[Scene, Any], bool]:
    """Check what came back for ranges."""
    return lambda scene, found: [bytes(one) for one in found] == [scene.original(*span) for span in wanted(scene)]


def cat_small(scene: Scene, paths: Any) -> Any:
    """Small objects in one call."""
    return scene.fs.cat(paths)


def open_small(scene: Scene, paths: Any) -> dict[str, Any]:
    """Small objects one after another."""
    found = {}
    for path in paths:
        with scene.fs.open(path, "rb") as file:
            found[path] = file.read()
    return found


def threads_small(scene: Scene, paths: Any) -> dict[str, Any]:
    """Small objects from a few threads that share a filesystem."""
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(paths, pool.map(scene.fs.cat_file, paths), strict=True))


def all_small(scene: Scene) -> list[str]:
    """Paths of all small objects."""
    return list(scene.small())


def few_small(scene: Scene) -> list[str]:
    """Paths of those that are opened one after another."""
    return list(scene.small(scene.sizes.opened_count))


def are_small(paths: Callable[[Scene], list[str]]) -> Callable[[Scene, Any], bool]:
    """Check the contents of small objects."""

    def check(scene: Scene, found: Any) -> bool:
        parts = scene.small()
        return list(found) == paths(scene) and all(
            bytes(value) == scene.original(parts[path].start, parts[path].stop) for path, value in found.items()
        )

    return check


def read_columns(scene: Scene, _ready: object) -> Any:
    """A few columns of a wide table, which pyarrow reads from files of the filesystem."""
    from pyarrow import parquet  # noqa: PLC0415 - the other workloads must not pay for it

    return parquet.read_table(scene.at(TABLE), columns=READ_COLUMNS, filesystem=getattr(scene.fs, "arrow", scene.fs))


def is_table(scene: Scene, table: Any) -> bool:
    """The same from the local file."""
    from pyarrow import parquet  # noqa: PLC0415 - as above

    return bool(table.equals(parquet.read_table(scene.originals / TABLE, columns=READ_COLUMNS)))


def import_parquet(_scene: Scene) -> None:
    """Load what reading a table takes."""
    import pyarrow.dataset  # noqa: PLC0415 - as above
    import pyarrow.fs  # noqa: PLC0415
    import pyarrow.parquet  # noqa: F401, PLC0415


def zarr_source(scene: Scene) -> Any:
    """Load what reading an array takes, by reading it from the local folder; what zarr is to read from."""
    _read_array(scene.originals / ARRAY)
    path = scene.at(ARRAY)
    return scene.fs.zarr_store(path) if hasattr(scene.fs, "zarr_store") else scene.fs.get_mapper(path)


def read_array(_scene: Scene, source: Any) -> Any:
    """An array of many chunks."""
    return _read_array(source)


def is_array(scene: Scene, array: Any) -> bool:
    """The same from the local folder."""
    return bool(array.equals(_read_array(scene.originals / ARRAY)))


def _read_array(source: Any) -> Any:
    import xarray  # noqa: PLC0415 - the other workloads must not pay for it

    return xarray.open_zarr(source, chunks=None)[VARIABLE].load()


def write_stream(scene: Scene, _ready: object) -> Written:
    """A large object, piece after piece."""
    path = f"{scene.out}/stream"
    with (scene.originals / LARGE).open("rb") as source, scene.fs.open(path, "wb") as file:
        for _ in range(scene.sizes.stream_bytes // PIECE_BYTES):
            file.write(source.read(PIECE_BYTES))
    return {path: slice(0, scene.sizes.stream_bytes)}


def small_values(scene: Scene) -> dict[str, bytes]:
    """What `pipe_small` writes."""
    return {
        f"{scene.out}/{name}": scene.original(part.start, part.stop) for name, part in small_parts(scene.sizes).items()
    }


def pipe_small(scene: Scene, values: Any) -> Written:
    """Many small objects in one call."""
    scene.fs.pipe(values)
    return {f"{scene.out}/{name}": part for name, part in small_parts(scene.sizes).items()}


def put_file(scene: Scene, _ready: object) -> Written:
    """Upload a file."""
    path = f"{scene.out}/put"
    scene.fs.put_file(str(scene.originals / MEDIUM), path)
    return {path: slice(0, scene.sizes.medium_bytes)}


def find(scene: Scene, _ready: object) -> Any:
    """All keys below a prefix."""
    return scene.fs.find(f"{LISTED_BUCKET}/tree")


def ls(scene: Scene, _ready: object) -> Any:
    """All keys in a prefix."""
    return scene.fs.ls(f"{LISTED_BUCKET}/flat", detail=False)


def are_keys(prefix: str) -> Callable[[Scene, Any], bool]:
    """Check a listing."""
    return lambda scene, found: (
        sorted(found) == sorted(f"{LISTED_BUCKET}/{key}" for key in listed_keys(scene.sizes) if key.startswith(prefix))
    )


def get_file(scene: Scene, _ready: object) -> Path:
    """Download a large object."""
    target = scene.scratch / "got"
    scene.fs.get_file(scene.at(scene.sizes.whole), str(target))
    return target


def is_copy(scene: Scene, target: Path) -> bool:
    """The downloaded file is the original."""
    return target.read_bytes() == (scene.originals / scene.sizes.whole).read_bytes()


def targets(scene: Scene) -> dict[str, str]:
    """What `get_small` downloads, and where to."""
    return {path: str(scene.scratch / Path(path).name) for path in few_small(scene)}


def get_small(scene: Scene, targets: Any) -> Any:
    """Download small objects in one call."""
    scene.fs.get(list(targets), list(targets.values()))
    return targets


def are_copies(scene: Scene, targets: dict[str, str]) -> bool:
    """The downloaded files are the originals."""
    found = {path: Path(target).read_bytes() for path, target in targets.items()}
    return are_small(few_small)(scene, found)
