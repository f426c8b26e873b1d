"""Listings are kept only where one asks for it, and then believed; one cache serves both planes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import fsspec.dircache
import pytest

from objfs.errors import FileExpired

TREE = {"a": b"1", "d/b": b"22", "d/e/c": b"333", "other/x": b"4444"}


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by the SDK."""
    return str(request.param)


@pytest.fixture
def tree(cloud: Any) -> Any:
    """A bucket with a few objects."""
    for key, body in TREE.items():
        cloud.raw.put(key, body)
    return cloud


@pytest.fixture
def caching(tree: Any, engine: str) -> Any:
    """A filesystem that keeps listings; each test has its own."""
    fs = tree.fs(engine, use_listings_cache=True, skip_instance_cache=True)
    fs.invalidate_cache()
    return fs


def names(fs: Any, tree: Any, key: str = "", **keywords: Any) -> list[str]:
    """Keys in a listing."""
    return [name.removeprefix(f"{tree.bucket}/") for name in fs.ls(tree.path(key), detail=False, **keywords)]


def test_nothing_is_kept_by_default(tree: Any, engine: str) -> None:
    """Whichever verb has listed."""
    fs = tree.fs(engine)
    for _ in range(2):
        fs.ls(tree.bucket)
        fs.find(tree.bucket)
        list(fs.walk(tree.bucket))
        fs.glob(tree.path("**"))
        fs.info(tree.path("d"))
    assert len(fs.dircache) == 0
    tree.raw.put("d/new", b"")
    tree.raw.delete("a")
    assert (names(fs, tree), names(fs, tree, "d")) == (["d", "other"], ["d/b", "d/e", "d/new"])
    assert [root for root, _, _ in fs.walk(tree.bucket)] == [tree.path(key) for key in ("", "d", "d/e", "other")]


def test_listing_is_kept_until_it_is_refreshed(caching: Any, tree: Any) -> None:
    """refresh=True asks, and what it brings is kept in its turn."""
    assert names(caching, tree) == ["a", "d", "other"]
    tree.raw.put("new", b"")
    assert names(caching, tree) == ["a", "d", "other"]
    assert names(caching, tree, refresh=True) == ["a", "d", "new", "other"]
    tree.raw.delete("new")
    assert names(caching, tree) == ["a", "d", "new", "other"]
    assert next(sorted(files) for _, _, files in caching.walk(tree.bucket, refresh=True)) == ["a"]


def test_invalidation_forgets_a_path_and_what_is_above(caching: Any, tree: Any) -> None:
    """By path or URL, also of what never was there; without a path, everything."""
    for how in (lambda: tree.path("d/nothing"), lambda: tree.url("d/nothing"), lambda: tree.path("d/nothing/")):
        for key in ("", "d", "other"):
            names(caching, tree, key)
        tree.raw.put("d/late", b"")
        tree.raw.put("other/late", b"")
        caching.invalidate_cache(how())
        assert (names(caching, tree, "d"), names(caching, tree, "other")) == (["d/b", "d/e", "d/late"], ["other/x"])
        assert tree.path("d") in caching.dircache
        caching.invalidate_cache()
        assert len(caching.dircache) == 0
        assert names(caching, tree, "other") == ["other/late", "other/x"]
        tree.raw.delete("d/late")
        tree.raw.delete("other/late")
        caching.invalidate_cache()


def test_listing_expires(tree: Any, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After listings_expiry_time, which is seconds, or a duration as text."""
    now = [1_000_000.0]
    monkeypatch.setattr(fsspec.dircache.time, "time", lambda: now[0])
    for expiry in (60, "60s", 60.0):
        fs = tree.fs(engine, use_listings_cache=True, listings_expiry_time=expiry, skip_instance_cache=True)
        assert names(fs, tree, "other") == ["other/x"]
        tree.raw.put("other/y", b"")
        now[0] += 59
        assert names(fs, tree, "other") == ["other/x"]
        now[0] += 2
        assert names(fs, tree, "other") == ["other/x", "other/y"]
        tree.raw.delete("other/y")


def test_max_paths_listings_are_kept(tree: Any, engine: str) -> None:
    """The ones that were asked for last."""
    fs = tree.fs(engine, use_listings_cache=True, max_paths=2, skip_instance_cache=True)
    for key in ("other", "d", "d/e", ""):
        names(fs, tree, key)
    tree.raw.put("other/y", b"")
    tree.raw.put("y", b"")
    assert names(fs, tree) == ["a", "d", "other"]
    assert names(fs, tree, "other") == ["other/x", "other/y"]


def test_both_planes_share_one_cache(caching: Any, tree: Any) -> None:
    """What the SDK plane lists or writes by itself is known, and the other way round."""
    peer = caching.connection.sdk.instance()
    assert peer.dircache is caching.dircache
    names(caching, tree, "d")
    peer.invalidate_cache(tree.path("d/b"))
    assert tree.path("d") not in caching.dircache
    names(caching, tree, "d")
    caching.pipe_file(tree.path("d/new"), b"1")
    assert tree.path("d") not in peer.dircache
    names(caching, tree, "d")
    peer.rm(tree.path("d/new"))
    assert names(caching, tree, "d") == ["d/b", "d/e"]


def _write(fs: Any, path: str, mode: str, data: bytes = b"12345") -> None:
    with fs.open(path, mode) as file:
        file.write(data)


def _in_transaction(fs: Any, path: str) -> None:
    with fs.transaction:
        _write(fs, path, "wb")


CHANGES: dict[str, Callable[[Any, Callable[[str], str], str], Any]] = {
    "pipe_file": lambda fs, at, _: fs.pipe_file(at("d/new"), b"12345"),
    "pipe_file-replace": lambda fs, at, _: fs.pipe_file(at("d/b"), b"12345"),
    "pipe": lambda fs, at, _: fs.pipe({at("d/new"): b"12345", at("d/e/new"): b"1"}),
    "open-wb": lambda fs, at, _: _write(fs, at("d/new"), "wb"),
    "open-wb-parts": lambda fs, at, _: _write(fs, at("d/new"), "wb", b"1" * (17 << 20)),
    "open-xb": lambda fs, at, _: _write(fs, at("d/new"), "xb"),
    "open-ab": lambda fs, at, _: _write(fs, at("d/b"), "ab"),
    "transaction": lambda fs, at, _: _in_transaction(fs, at("d/new")),
    "put_file": lambda fs, at, here: fs.put_file(here, at("d/new")),
    "put": lambda fs, at, here: fs.put(here, at("d/")),
    "touch": lambda fs, at, _: fs.touch(at("d/new")),
    "cp_file": lambda fs, at, _: fs.cp_file(at("a"), at("d/new")),
    "copy": lambda fs, at, _: fs.copy(at("other"), at("d/copied"), recursive=True),
    "copy_if_not_exists": lambda fs, at, _: fs.copy_if_not_exists(at("a"), at("d/new")),
    "rename_if_not_exists": lambda fs, at, _: fs.rename_if_not_exists(at("d/b"), at("d/new")),
    "mv": lambda fs, at, _: fs.mv(at("d/b"), at("other/b")),
    "mv-tree": lambda fs, at, _: fs.mv(at("d"), at("other"), recursive=True),
    "rm_file": lambda fs, at, _: fs.rm_file(at("d/b")),
    "rm": lambda fs, at, _: fs.rm(at("d/b")),
    "rm-many": lambda fs, at, _: fs.rm([at("d/b"), at("d/e/c")]),
    "rm-glob": lambda fs, at, _: fs.rm(at("d/*")),
    "rm-tree": lambda fs, at, _: fs.rm(at("d"), recursive=True),
    "mapper": lambda fs, at, _: fs.get_mapper(at("d")).update({"new": b"12345"}),
    "url": lambda fs, at, _: fs.pipe_file(f"{fs.protocol[0]}://{at('d/new')}", b"12345"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_one_does_is_seen_in_listings(caching: Any, tree: Any, change: str, tmp_path: Any, engine: str) -> None:
    """Every verb that writes or deletes forgets each listing that it made wrong."""
    here = tmp_path / "file"
    here.write_bytes(b"12345")
    directories = ["", "d", "d/e", "other"]
    for key in directories:
        names(caching, tree, key)
    CHANGES[change](caching, tree.path, str(here))
    asking = tree.fs(engine)
    for key in [*directories, "d/copied"]:
        answers = []
        for fs in (caching, asking):
            try:
                answers.append([(item["name"], item["size"]) for item in fs.ls(tree.path(key), detail=True)])
            except FileNotFoundError:
                answers.append("nothing")
        assert answers[0] == answers[1], key


def test_failed_write_forgets_nothing_that_is_true(caching: Any, tree: Any) -> None:
    """And shows nothing that is not there."""
    before = names(caching, tree, "d")
    file = caching.open(tree.path("d/new"), "wb")
    file.write(b"1")
    file.discard()
    file.close()
    assert names(caching, tree, "d") == names(caching, tree, "d", refresh=True) == before


def _emptied_by_another(fs: Any, name: str, raw: Any) -> None:
    raw.delete("d/key")
    fs.rmdir(name)


@pytest.mark.parametrize(
    "remove", [lambda fs, name, _: fs.rm(name, recursive=True), _emptied_by_another], ids=["rm", "rmdir"]
)
def test_buckets_that_come_and_go_are_seen(caching: Any, tree: Any, remove: Callable[..., None]) -> None:
    """In the listing of the root; and a bucket that is new has nothing of the old one of its name."""
    name = f"{tree.bucket}-more"
    for _ in range(2):
        assert name not in [item.rstrip("/") for item in caching.ls("", detail=False)]
        caching.mkdir(name)
        assert name in [item.rstrip("/") for item in caching.ls("", detail=False)]
        assert caching.ls(name) == []
        caching.pipe_file(f"{name}/d/key", b"1")
        assert caching.ls(f"{name}/d", detail=False) == [f"{name}/d/key"]
        remove(caching, name, tree.raw.beside(name))
    caching.mkdir(name)
    try:
        with pytest.raises(FileNotFoundError):
            caching.ls(f"{name}/d")
    finally:
        caching.rmdir(name)


@pytest.mark.parametrize("known", [False, True], ids=["ls", "find"])
def test_what_a_listing_holds_is_believed_until_it_is_forgotten(tree: Any, engine: str, known: bool) -> None:
    """Existence, size and facts, without a request; what is read is of that state, or an error that says so."""
    fs = tree.fs(engine, use_listings_cache=True, skip_instance_cache=True)
    path = tree.path("d/b")
    assert fs.find(tree.bucket, withdirs=True, detail=True) if known else fs.ls(tree.path("d"), detail=True)
    with fs.open(path) as file:
        assert (file.size, file.read()) == (2, b"22")
    with fs.open(path) as before:
        assert before.size == 2
    tree.raw.put("d/b", b"other")
    assert (fs.exists(path), fs.isfile(path), fs.isdir(path), fs.size(path)) == (True, True, False, 2)
    assert fs.info(path)["size"] == 2
    with fs.open(path) as file, pytest.raises(FileExpired):
        file.read()
    with fs.open(path) as file:
        assert (file.size, file.read()) == (5, b"other")
    names(fs, tree, "d")
    tree.raw.delete("d/b")
    assert fs.isfile(path)
    # Azure says of what is gone that it is not what it was.
    with fs.open(path) as file, pytest.raises((FileNotFoundError, FileExpired)):
        file.read()
    assert (fs.exists(path), fs.isfile(path)) == (False, False)


def test_what_a_listing_does_not_hold_is_asked_for(caching: Any, tree: Any) -> None:
    """It may have come since; and a name below which others lie is a directory, though an object was listed."""
    caching.find(tree.bucket, withdirs=True, detail=True)
    tree.raw.put("d/late", b"1")
    path = tree.path("d/late")
    assert (caching.exists(path), caching.isfile(path), caching.size(path)) == (True, True, 1)
    assert (caching.info(path)["size"], caching.open(path).read()) == (1, b"1")
    assert (caching.isfile(tree.path("d")), caching.isdir(tree.path("d"))) == (False, True)
    with pytest.raises(FileNotFoundError):
        caching.open(tree.path("d/nothing"))


@pytest.mark.parametrize(
    "keys",
    [
        ["a", "d/b", "d/e/c", "other/x"],
        ["a", "d/", "d/b", "d/e/"],
        ["a", "a/b"],
        ["d//b", "d/c"],
    ],
    ids=["plain", "markers", "file-and-directory", "empty-name"],
)
def test_tree_that_was_found_is_kept_as_its_directories_are_listed(cloud: Any, engine: str, keys: list[str]) -> None:
    """Or is not kept, where it does not tell all that a listing of a directory does."""
    for key in keys:
        cloud.raw.put(key, b"" if key.endswith("/") else b"1")
    fs, asking = cloud.fs(engine, use_listings_cache=True, skip_instance_cache=True), cloud.fs(engine)
    fs.find(cloud.bucket, withdirs=True, detail=True)
    for path in [cloud.bucket, cloud.path("d"), cloud.path("d/e"), cloud.path("a")]:
        answers = []
        for each in (fs, asking):
            try:
                answers.append(each.ls(path, detail=True))
            except FileNotFoundError:
                answers.append("nothing")
        assert answers[0] == answers[1]


def test_objects_of_others_are_never_missed(tree: Any, engine: str, tmp_path: Any) -> None:
    """Verbs of one object ask, however fresh a listing without it is, and however often it was missing before."""
    fs = tree.fs(engine, skip_instance_cache=True)
    path = tree.path("d/late")

    def known() -> None:
        fs.ls(tree.path("d"), detail=True)
        fs.ls(tree.bucket, detail=True)
        fs.find(tree.bucket)

    known()
    for verb in (fs.info, fs.cat_file, fs.size, fs.open, fs.modified):
        with pytest.raises(FileNotFoundError):
            verb(path)
    assert (fs.exists(path), fs.isfile(path), fs.isdir(path)) == (False, False, False)
    for body in (b"one", b"three", b"fours"):
        tree.raw.put("d/late", body)
        assert (fs.exists(path), fs.isfile(path), fs.size(path)) == (True, True, len(body))
        assert (fs.info(path)["size"], fs.cat_file(path), fs.cat(path)) == (len(body), body, body)
        assert fs.cat_ranges([path], [1], [None]) == [body[1:]]
        with fs.open(path) as file:
            assert (file.size, file.read()) == (len(body), body)
        fs.get_file(path, str(tmp_path / "file"))
        assert (tmp_path / "file").read_bytes() == body
        assert path in fs.find(tree.bucket)
        assert fs.info(path)[tree.e_tag] == fs.info(path, refresh=True)[tree.e_tag]
        known()
    tokens = [fs.checksum(path), fs.ukey(path)]
    tree.raw.put("d/late", b"other")
    assert all(one != two for one, two in zip(tokens, [fs.checksum(path), fs.ukey(path)], strict=True))
    known()
    tree.raw.delete("d/late")
    assert (fs.exists(path), fs.isfile(path)) == (False, False)
    for verb in (fs.info, fs.cat_file, fs.size, fs.open, fs.checksum):
        with pytest.raises(FileNotFoundError):
            verb(path)
    assert path not in fs.find(tree.bucket)


@pytest.mark.parametrize("cached", [False, True], ids=["default", "use_listings_cache"])
def test_directories_of_others_are_never_missed(tree: Any, engine: str, cached: bool) -> None:
    """They come with their first object and go with their last."""
    fs = tree.fs(engine, use_listings_cache=cached, skip_instance_cache=True)
    path = tree.path("late")
    assert (fs.exists(path), fs.isdir(path)) == (False, False)
    with pytest.raises(FileNotFoundError):
        fs.ls(path)
    tree.raw.put("late/a", b"1")
    assert (fs.exists(path), fs.isdir(path), fs.isfile(path)) == (True, True, False)
    assert fs.info(path)["type"] == "directory"
    assert names(fs, tree, "late") == ["late/a"]
    tree.raw.delete("late/a")
    assert (fs.exists(path), fs.isdir(path)) == (False, False)
    with pytest.raises(FileNotFoundError):
        fs.info(path)


def test_answers_may_be_changed_by_who_gets_them(caching: Any, tree: Any) -> None:
    """The list is a copy of what is kept."""
    caching.ls(tree.bucket, detail=True).clear()
    caching.ls(tree.bucket, detail=False).clear()
    assert names(caching, tree) == ["a", "d", "other"]


def test_copy_in_another_process_begins_with_nothing_kept(caching: Any, tree: Any) -> None:
    """A pickle carries the options of the cache and no listing."""
    names(caching, tree)
    state = pickle.dumps(caching)
    assert b"other" not in state
    caching.clear_instance_cache()
    copy = pickle.loads(state)
    assert (copy is caching, len(copy.dircache), copy.dircache.use_listings_cache) == (False, 0, True)
