"""The same random calls through ``engine="obstore"`` and ``engine="sdk"``: results, descriptions and errors agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objfs.errors import ObjfsError

KEYS = st.sampled_from(["a", "b c", "d/e", "d/f", "ü%20?", "a/b"])
BOUNDS = st.one_of(st.none(), st.integers(-12, 12))
DATA = st.binary(max_size=10)
WRITES = st.tuples(st.sampled_from(["pipe", "create", "write"]), KEYS, DATA)
READS = st.one_of(
    st.tuples(st.just("slice"), KEYS, BOUNDS, BOUNDS),
    st.tuples(st.just("ranges"), st.lists(st.tuples(KEYS, BOUNDS, BOUNDS), max_size=4)),
    st.tuples(st.sampled_from(["info", "size", "exists", "isfile", "isdir", "read"]), KEYS),
)
CHANGES = st.one_of(st.tuples(st.just("copy"), KEYS, KEYS), st.tuples(st.just("remove"), KEYS))
_folders = itertools.count()

VERBS: dict[str, Callable[..., Any]] = {
    "pipe": lambda fs, at, key, data: fs.pipe_file(at(key), data) and None,
    "create": lambda fs, at, key, data: fs.pipe_file(at(key), data, mode="create") and None,
    "write": lambda fs, at, key, data: _write(fs, at(key), data),
    "slice": lambda fs, at, key, start, end: fs.cat_file(at(key), start=start, end=end),
    "ranges": lambda fs, at, asked: [
        _told(answer, at)
        for answer in fs.cat_ranges([at(key) for key, _, _ in asked], [s for _, s, _ in asked], [e for *_, e in asked])
    ],
    "info": lambda fs, at, key: _described(fs, at(key), at),
    "size": lambda fs, at, key: fs.size(at(key)),
    "exists": lambda fs, at, key: fs.exists(at(key)),
    "isfile": lambda fs, at, key: fs.isfile(at(key)),
    "isdir": lambda fs, at, key: fs.isdir(at(key)),
    "read": lambda fs, at, key: _read(fs, at(key)),
    "copy": lambda fs, at, source, target: fs.cp_file(at(source), at(target)),
    "remove": lambda fs, at, key: fs.rm_file(at(key)) and None,
}


def _write(fs: Any, path: str, data: bytes) -> None:
    with fs.open(path, "wb") as file:
        file.write(data)


def _read(fs: Any, path: str) -> tuple[int, bytes]:
    with fs.open(path) as file:
        return file.size, file.read()


def _described(fs: Any, path: str, at: Callable[[str], str]) -> dict[str, Any]:
    """What both planes know and does not differ by place or time."""
    info = fs.info(path)
    return {"name": info["name"].removeprefix(at("")), "size": info["size"], "type": info["type"]}


def _told(answer: Any, at: Callable[[str], str]) -> Any:
    """A result, or what of an error has to be the same: its builtin type, its errno and that it names the path."""
    if not isinstance(answer, Exception):
        return answer
    kind = next(base for base in type(answer).__mro__ if base.__module__ == "builtins" and base is not ObjfsError)
    return kind.__name__, getattr(answer, "errno", None), at("") in str(answer)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(WRITES, WRITES, READS, CHANGES), max_size=12))
def test_planes_agree_on_random_calls(cloud, calls):
    """Each plane has a folder of its own; after the calls both folders hold the same."""
    folder, told = f"run-{next(_folders)}", {}
    for engine in ("obstore", "sdk"):

        def at(key: str, engine: str = engine) -> str:
            return cloud.path(f"{folder}-{engine}/{key}")

        fs, answers = cloud.fs(engine), []
        for verb, *arguments in calls:
            try:
                answers.append(VERBS[verb](fs, at, *arguments))
            except Exception as error:  # noqa: BLE001 - compared
                answers.append(_told(error, at))
        told[engine] = (
            answers,
            {
                key.partition("/")[2]: cloud.raw.get(key)
                for key in cloud.raw.listed()
                if key.startswith(f"{folder}-{engine}/")
            },
        )
    assert told["obstore"] == told["sdk"]
    for key in cloud.raw.listed():
        cloud.raw.delete(key)
