"""Random sequences of verbs on the peer, on ours and on a dictionary: one tree, odd keys, markers and empty objects."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.emulators.peers import Raised, Side, agree, both, peer_of

Tree = dict[str, bytes]
NO_FILE: Final = "FileNotFoundError"

KEYS: Final = ("a", "b c", "d/e", "d/f", "d/s/g", "ü%20&", "d/h+i=j", "q#r;s", "m/x", "n//o")
# What other clients have left; "m/" and "d/s/" are markers of directories.
LEFT: Final = (*KEYS, "m/", "d/s/", "lone/")
DIRECTORIES: Final = ("", "d", "d/s", "m", "n", "lone", "none")
keys = st.sampled_from(KEYS)
names = st.sampled_from([*KEYS, *DIRECTORIES[1:]])
trees = st.dictionaries(st.sampled_from(LEFT), st.just(b"") | st.binary(min_size=1, max_size=6), max_size=7).map(
    lambda tree: {key: b"" if key.endswith("/") else body for key, body in tree.items()}
)
calls = st.one_of(
    st.tuples(st.sampled_from(["pipe", "write"]), keys, st.binary(max_size=6)),
    st.tuples(st.sampled_from(["cat", "read", "touch", "remove", "remove many"]), keys),
    st.tuples(st.sampled_from(["exists", "isfile", "isdir", "info", "size"]), names),
    st.tuples(st.just("slice"), keys, st.integers(0, 4), st.integers(0, 8)),
    st.tuples(st.sampled_from(["ls", "find", "du", "walk"]), st.sampled_from(DIRECTORIES)),
    st.tuples(st.sampled_from(["copy", "move"]), keys, keys).filter(lambda call: call[1] != call[2]),
    st.tuples(st.just("remove tree"), st.sampled_from(DIRECTORIES[1:])),
)


# -- the dictionary -------------------------------------------------------------------------------------------------


def _files(tree: Tree) -> Tree:
    """Objects that are no markers of directories."""
    return {key: body for key, body in tree.items() if body or not key.endswith("/")}


def _below(tree: Mapping[str, bytes], directory: str) -> list[str]:
    return sorted(key for key in tree if key.startswith(f"{directory}/" if directory else ""))


def _got(tree: Tree, key: str) -> Any:
    return tree.get(key, NO_FILE)


def _put(tree: Tree, key: str, body: bytes) -> None:
    tree[key] = body


def _kind(tree: Tree, name: str) -> str | None:
    return "file" if name in tree else "directory" if _below(tree, name) else None


def _described(tree: Tree, name: str) -> Any:
    kind = _kind(tree, name)
    return NO_FILE if kind is None else (name, kind, len(tree[name]) if kind == "file" else 0)


def _listed(tree: Tree, directory: str) -> Any:
    if _below(tree, directory) or not directory:
        start = f"{directory}/" if directory else ""
        rest = {key[len(start) :] for key in _below(tree, directory)} - {""}
        # A slash that begins a name is a directory without one.
        return sorted({start + (name.partition("/")[0] or "/") for name in rest})
    return [directory] if directory in tree else NO_FILE


def _found(tree: Tree, directory: str) -> list[str]:
    return _below(_files(tree), directory) or [directory] * (directory in tree)


def _copied(tree: Tree, source: str, target: str) -> Any:
    if source not in tree:
        return NO_FILE
    tree[target] = tree[source]
    return None


def _moved(tree: Tree, source: str, target: str) -> Any:
    if source not in tree:
        return NO_FILE
    if source != target:
        tree[target] = tree.pop(source)
    return None


def _removed(tree: Tree, directory: str) -> Any:
    gone = [*_below(tree, directory), *([directory] if directory in tree else [])]
    for key in gone:
        del tree[key]
    return None if gone else NO_FILE


MODEL: dict[str, Callable[..., Any]] = {
    "pipe": _put,
    "write": _put,
    "touch": lambda tree, key: _put(tree, key, b""),
    "cat": _got,
    "read": _got,
    "slice": lambda tree, key, start, stop: tree[key][start:stop] if key in tree else NO_FILE,
    "exists": lambda tree, name: _kind(tree, name) is not None,
    "isfile": lambda tree, name: name in tree,
    "isdir": lambda tree, name: bool(_below(tree, name)),
    "info": _described,
    "size": lambda tree, name: NO_FILE if _kind(tree, name) is None else len(tree.get(name, b"")),
    "ls": _listed,
    "find": _found,
    "du": lambda tree, name: sum(len(tree[key]) for key in _found(tree, name)),
    "copy": _copied,
    "move": _moved,
    "remove tree": _removed,
}


# -- the filesystems ------------------------------------------------------------------------------------------------


def _write(fs: Any, path: str, body: bytes) -> None:
    with fs.open(path, "wb") as file:
        file.write(body)


def _read(fs: Any, path: str) -> bytes:
    with fs.open(path) as file:
        data: bytes = file.read()
    return data


def _info(fs: Any, path: str, top: str) -> tuple[str, str, int]:
    found = fs.info(path)
    return found["name"].removeprefix(top), found["type"], found["size"] or 0


def _listing(fs: Any, path: str) -> list[str]:
    return sorted(fs.ls(path.rstrip("/"), detail=False))


VERBS: dict[str, Callable[..., Any]] = {
    "pipe": lambda fs, at, key, body: fs.pipe_file(at(key), body) and None,
    "write": lambda fs, at, key, body: _write(fs, at(key), body),
    "touch": lambda fs, at, key: fs.touch(at(key)) and None,
    "cat": lambda fs, at, key: fs.cat_file(at(key)),
    "read": lambda fs, at, key: _read(fs, at(key)),
    "slice": lambda fs, at, key, start, stop: fs.cat_file(at(key), start=start, end=stop),
    "exists": lambda fs, at, key: fs.exists(at(key)),
    "isfile": lambda fs, at, key: fs.isfile(at(key)),
    "isdir": lambda fs, at, key: fs.isdir(at(key)),
    "info": lambda fs, at, key: _info(fs, at(key), at("")),
    "size": lambda fs, at, key: fs.size(at(key)) or 0,
    "ls": lambda fs, at, key: [name.removeprefix(at("")) for name in _listing(fs, at(key))],
    "find": lambda fs, at, key: [name.removeprefix(at("")) for name in fs.find(at(key).rstrip("/"))],
    "du": lambda fs, at, key: fs.du(at(key).rstrip("/")),
    "walk": lambda fs, at, key: sorted(
        (root.removeprefix(at("").rstrip("/")), sorted(folders), sorted(files))
        for root, folders, files in fs.walk(at(key).rstrip("/"))
    ),
    "copy": lambda fs, at, source, target: fs.cp_file(at(source), at(target)),
    "move": lambda fs, at, source, target: fs.mv(at(source), at(target)),
    "remove": lambda fs, at, key: fs.rm_file(at(key)) and None,
    "remove many": lambda fs, at, key: fs.rm([at(key), at("d/e")]) and None,
    "remove tree": lambda fs, at, key: fs.rm(at(key), recursive=True) and None,
}


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by the SDK."""
    return str(request.param)


@pytest.fixture
def sides(cloud: Any, engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Side, Side]]:
    """Ours and the peer, each with an empty bucket."""
    with both(cloud, engine, request, tmp_path) as found:
        yield found


# -- what the peers do otherwise ------------------------------------------------------------------------------------

MARKED: Final = "A marker of a directory is a directory, and goes with it; the peers list it as a file, or leave it."
UNNAMED: Final = "A directory without a name ('n//o') is listed by the name that it has."
SLICES: Final = "Slices are those of Python, also of what is empty or missing."
NOTHING: Final = "A walk over nothing has one step, and deleting several names that nothing has is no error, as on S3."
_LISTINGS: Final = frozenset({"ls", "find", "du", "walk", "remove tree"})
_LOOKS: Final = frozenset({"exists", "isfile", "isdir", "info", "size"})


def difference(cloud: str, before: Tree, verb: str, arguments: tuple[Any, ...]) -> str | None:
    """Why ours may do something else than the peer of a cloud in one call; None where it must not."""
    if any(key.endswith("/") for key in before) and verb in (_LISTINGS | _LOOKS if cloud == "azure" else _LISTINGS):
        return MARKED
    if any("//" in key for key in before) and verb in _LISTINGS:
        return UNNAMED
    if verb == "slice":
        key, start, stop = arguments
        return SLICES if start >= min(stop, len(before.get(key, b""))) else None
    empty = not _below(before, arguments[0]) and arguments[0] not in before
    if (cloud, verb) == ("azure", "walk") or (cloud != "s3" and verb == "remove many" and "d/e" not in before):
        return NOTHING if empty else None
    return None


CHANGING: Final = frozenset({"pipe", "write", "touch", "copy", "move", "remove", "remove many", "remove tree"})


class Run:
    """One sequence on both sides, in a folder of its own, and on a dictionary.

    Parameters
    ----------
    cloud
        Its name.
    sides
        Ours and the peer.
    folder
        Where.
    tree
        What is there before.
    """

    def __init__(self, cloud: str, sides: tuple[Side, Side], folder: str, tree: Tree) -> None:
        self._cloud, self._sides, self._folder, self.tree = cloud, sides, folder, dict(tree)
        for side in sides:
            for key, body in tree.items():
                side.raw.put(f"{folder}/{key}", body)

    def step(self, verb: str, *arguments: Any) -> None:
        """One call everywhere: ours is the dictionary's, and the peer's but for a difference that has a reason."""
        before = dict(self.tree)
        ours, theirs = (self._answer(side, verb, arguments) for side in self._sides)
        if verb in MODEL:
            expected = MODEL[verb](self.tree, *arguments)
            assert (ours.kinds[0] if isinstance(ours, Raised) else ours) == expected, (before, verb, arguments)
        same = agree(ours, theirs)
        if verb in CHANGING:
            held, others = (self._held(side) for side in self._sides)
            if verb in MODEL:
                assert held == self.tree, (before, verb, arguments)
            same = same and held == others
            self.tree = held
            self._make_equal(held, others)
        if not same:
            assert difference(self._cloud, before, verb, arguments), (before, verb, arguments, ours, theirs)

    def _answer(self, side: Side, verb: str, arguments: tuple[Any, ...]) -> Any:
        def at(key: str) -> str:
            return f"{side.bucket}/{self._folder}/{key}"

        with warnings.catch_warnings():
            # The peer's are its own.
            warnings.simplefilter("error" if side is self._sides[0] else "ignore")
            return side.answer(lambda fs, _, __: VERBS[verb](fs, at, *arguments))

    def _held(self, side: Side) -> Tree:
        start = f"{self._folder}/"
        return {key.removeprefix(start): side.raw.get(key) for key in side.raw.listed() if key.startswith(start)}

    def _make_equal(self, held: Tree, others: Tree) -> None:
        raw = self._sides[1].raw
        for key in {*held, *others}:
            if key not in held:
                raw.delete(f"{self._folder}/{key}")
            elif others.get(key) != held[key]:
                raw.put(f"{self._folder}/{key}", held[key])

    def close(self) -> None:
        """Leave nothing behind."""
        for side in self._sides:
            for key in self._held(side):
                side.raw.delete(f"{self._folder}/{key}")


_folders = itertools.count()


# The same examples each time: what a peer does otherwise in a new one is found by more of them, not by chance in CI.
# None is made smaller: that would take minutes.
BOUNDED: Final = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@BOUNDED
@given(tree=trees, steps=st.lists(calls, min_size=3, max_size=10))
def test_sequences_are_as_on_the_peer(cloud: Any, sides: tuple[Side, Side], tree: Tree, steps: list[Any]) -> None:
    """What each call gives and raises, and what lies in the bucket after it."""
    run = Run(cloud.name, sides, f"run-{next(_folders)}", tree)
    try:
        for verb, *arguments in steps:
            run.step(verb, *arguments)
    finally:
        run.close()


# -- versions -------------------------------------------------------------------------------------------------------

histories = st.lists(st.tuples(st.sampled_from(["a", "d/b"]), st.none() | st.binary(max_size=4)), max_size=6)
# How the peers name a version in a path, and in an entry of a listing. Azurite keeps none: see test_azure_versions.
VERSIONS: Final = {"s3": ("?versionId=", "VersionId"), "gcs": ("#", "generation")}


def _versioned(cloud: Any, bucket: str) -> None:
    """Make a bucket that keeps old versions."""
    if cloud.name == "gcs":
        cloud.fs("sdk").mkdir(bucket, enable_versioning=True)
    else:
        cloud.fs("sdk").mkdir(bucket)
        cloud.fs("sdk").make_bucket_versioned(bucket)


@pytest.mark.parametrize("name", VERSIONS)
def test_versions_are_those_of_the_peer(name: str, engine: str, request: pytest.FixtureRequest) -> None:
    """Whatever was written and deleted: how many there are, what is in each, and which one is current."""
    cloud = request.getfixturevalue(f"{name}_cloud")
    mark, field = VERSIONS[name]
    bucket = f"{cloud.bucket}-versions"
    _versioned(cloud, bucket)
    ours = cloud.fs(engine, version_aware=True)
    peer = peer_of(cloud, request, version_aware=True)

    @settings(BOUNDED, max_examples=10)
    @given(histories)
    def compare(history: list[tuple[str, bytes | None]]) -> None:
        folder = f"{bucket}/run-{next(_folders)}"
        for key, body in history:
            if body is not None:
                ours.pipe_file(f"{folder}/{key}", body)
            elif ours.exists(f"{folder}/{key}"):
                ours.rm_file(f"{folder}/{key}")
        for key in {key for key, _ in history}:
            path = f"{folder}/{key}"
            told = [_versions_of(fs, path, field) for fs in (ours, peer)]
            assert told[0] == told[1]
            for version in told[0]:
                full = f"{path}{mark}{version}"
                assert ours.cat_file(full) == peer.cat_file(full)
                assert ours.info(full)[field] == peer.info(full)[field] == version
                assert ours.info(full)["size"] == peer.info(full)["size"] == len(ours.cat_file(full))
            assert ours.exists(path) == peer.exists(path)
            assert ours.find(folder) == peer.find(folder)
            if ours.exists(path):
                assert ours.info(path)[field] == peer.info(path)[field]
                assert ours.split_path(f"{path}{mark}1") == peer.split_path(f"{path}{mark}1")

    try:
        compare()
    finally:
        cloud.fs("sdk").rm(bucket, recursive=True)


def _versions_of(fs: Any, path: str, field: str) -> list[str]:
    """The versions of one object, deletions left out, in the order of a listing."""
    try:
        found = fs.ls(path.rpartition("/")[0], detail=True, versions=True)
    except FileNotFoundError:
        return []
    return [item[field] for item in found if item["type"] == "file" and item["name"].startswith(path)]
