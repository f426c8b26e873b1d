"""Markers of directories, as consoles and other clients write them, are directories in every verb on every cloud."""

from __future__ import annotations

from typing import Any

import pytest

TREE = {
    "d/": b"",
    "d/a": b"1",
    "d/sub/": b"",
    "d/sub/b": b"22",
    "d/sub/c/": b"",
    "only/": b"",
    "deep/er/": b"",
    "z": b"333",
}
FILES = ["d/a", "d/sub/b", "z"]
DIRECTORIES = ["d", "d/sub", "d/sub/c", "deep", "deep/er", "only"]


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by the SDK."""
    return str(request.param)


@pytest.fixture
def fs(cloud: Any, engine: str) -> Any:
    """A filesystem on a bucket with markers."""
    for key, body in TREE.items():
        cloud.raw.put(key, body)
    return cloud.fs(engine)


@pytest.fixture
def names(cloud: Any) -> Any:
    """Keys of what a verb gives."""

    def strip(found: Any) -> list[str]:
        return [name.removeprefix(f"{cloud.bucket}/") for name in found]

    return strip


def test_directories_are_told_as_such(fs: Any, cloud: Any) -> None:
    """By path with and without the slash; a marker is no file and has no size."""
    for name in DIRECTORIES:
        for path in (cloud.path(name), cloud.path(f"{name}/"), cloud.url(f"{name}/")):
            assert (fs.isdir(path), fs.isfile(path), fs.exists(path)) == (True, False, True), path
            assert (fs.info(path)["type"], fs.info(path)["name"]) == ("directory", cloud.path(name))
            assert not fs.size(path)
    for name in FILES:
        assert (fs.isdir(cloud.path(name)), fs.isfile(cloud.path(name))) == (False, True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", {"d": "directory", "deep": "directory", "only": "directory", "z": "file"}),
        ("d", {"d/a": "file", "d/sub": "directory"}),
        ("d/", {"d/a": "file", "d/sub": "directory"}),
        ("d/sub", {"d/sub/b": "file", "d/sub/c": "directory"}),
        ("deep", {"deep/er": "directory"}),
    ],
    ids=["bucket", "marked", "slash", "nested", "implied"],
)
def test_ls_shows_what_is_in_a_directory(fs: Any, cloud: Any, names: Any, name: str, expected: Any) -> None:
    """Each entry once, and never the directory in itself."""
    path = cloud.path(name) if name else cloud.bucket
    found = fs.ls(path, detail=True)
    assert dict(zip(names(item["name"] for item in found), (item["type"] for item in found), strict=True)) == expected
    assert names(fs.ls(path, detail=False)) == list(expected)


@pytest.mark.parametrize("name", ["only", "only/", "deep/er", "d/sub/c"])
def test_directory_of_a_marker_alone_is_empty(fs: Any, cloud: Any, name: str) -> None:
    """It exists, and nothing is in it."""
    assert [item for item in fs.ls(cloud.path(name), detail=True) if item["type"] == "file"] == []
    assert [files for _, _, files in fs.walk(cloud.path(name)) if files not in ([], [""])] == []
    assert fs.du(cloud.path(name)) == 0


def test_find_has_files_and_on_demand_directories(fs: Any, cloud: Any, names: Any) -> None:
    """No file has the name of a directory."""
    found = fs.find(cloud.bucket, detail=True)
    kinds = {name.rstrip("/"): item["type"] for name, item in zip(names(found), found.values(), strict=True)}
    assert {name for name, kind in kinds.items() if kind == "file"} >= set(FILES)
    assert {name for name in kinds if name in DIRECTORIES and kinds[name] == "file"} <= set(), "a directory as a file"
    withdirs = fs.find(cloud.bucket, withdirs=True, detail=True)
    kinds = {name.rstrip("/"): item["type"] for name, item in zip(names(withdirs), withdirs.values(), strict=True)}
    assert {name: kinds.get(name) for name in [*FILES, *DIRECTORIES]} == {
        **dict.fromkeys(FILES, "file"),
        **dict.fromkeys(DIRECTORIES, "directory"),
    }


def test_walk_visits_each_directory_once(fs: Any, cloud: Any, names: Any) -> None:
    """With the files that are in it."""
    steps = [(root, sorted(dirs), sorted(files)) for root, dirs, files in fs.walk(cloud.bucket)]
    assert len({root for root, _, _ in steps}) == len(steps)
    assert {root: (dirs, files) for root, dirs, files in steps} == {
        cloud.bucket: (["d", "deep", "only"], ["z"]),
        cloud.path("d"): (["sub"], ["a"]),
        cloud.path("d/sub"): (["c"], ["b"]),
        cloud.path("d/sub/c"): ([], []),
        cloud.path("deep"): (["er"], []),
        cloud.path("deep/er"): ([], []),
        cloud.path("only"): ([], []),
    }


def test_glob_matches_directories_by_their_names(fs: Any, cloud: Any, names: Any) -> None:
    """Once each."""
    assert names(fs.glob(cloud.path("*"))) == ["d", "deep", "only", "z"]
    assert names(fs.glob(cloud.path("d/*"))) == ["d/a", "d/sub"]
    assert names(fs.glob(cloud.path("*/sub/*"))) == ["d/sub/b", "d/sub/c"]
    found = {name.rstrip("/"): item["type"] for name, item in fs.glob(cloud.path("**"), detail=True).items()}
    assert {found.get(cloud.path(name)) for name in DIRECTORIES} == {"directory"}
    assert {found.get(cloud.path(name)) for name in FILES} == {"file"}


def test_trees_with_markers_are_copied_fetched_moved_and_removed(fs: Any, cloud: Any, tmp_path: Any) -> None:
    """Files arrive under their names; nothing of the tree is left behind when it is moved or removed."""
    fs.get(cloud.path("d"), str(tmp_path / "d"), recursive=True)
    assert (tmp_path / "d" / "a").read_bytes() == b"1"
    assert (tmp_path / "d" / "sub" / "b").read_bytes() == b"22"
    assert (tmp_path / "d" / "sub" / "c").is_dir()
    fs.copy(cloud.path("d"), cloud.path("copy"), recursive=True)
    listed = {key: cloud.raw.get(key) for key in cloud.raw.listed() if key.startswith("copy/") and key[-1] != "/"}
    assert listed == {"copy/a": b"1", "copy/sub/b": b"22"}
    fs.mv(cloud.path("copy"), cloud.path("moved"), recursive=True)
    assert [key for key in cloud.raw.listed() if key.startswith("copy/")] == []
    fs.rm(cloud.path("d"), recursive=True)
    assert [key for key in cloud.raw.listed() if key.startswith("d/")] == []
    assert not fs.exists(cloud.path("d"))


def test_pyarrow_datasets_pass_markers_over(fs: Any, cloud: Any) -> None:
    """A dataset of partitions in directories that have markers, and some that are empty."""
    pa = pytest.importorskip("pyarrow")
    dataset = pytest.importorskip("pyarrow.dataset")
    parquet = pytest.importorskip("pyarrow.parquet")
    for key in ("data/", "data/year=1/", "data/year=2/", "data/year=3/"):
        cloud.raw.put(key)
    for year in (1, 2):
        with fs.open(cloud.path(f"data/year={year}/part.parquet"), "wb") as file:
            parquet.write_table(pa.table({"n": [year] * 3}), file)
    found = dataset.dataset(cloud.path("data"), filesystem=fs, partitioning="hive")
    assert sorted(found.files) == [cloud.path(f"data/year={year}/part.parquet") for year in (1, 2)]
    assert sorted(found.to_table().to_pydict()["n"]) == [1, 1, 1, 2, 2, 2]
    infos = pa.fs.PyFileSystem(pa.fs.FSSpecHandler(fs)).get_file_info(
        pa.fs.FileSelector(cloud.path("data"), recursive=True)
    )
    kinds = {info.path.rstrip("/"): info.type.name for info in infos}
    assert {kinds[cloud.path(f"data/year={year}")] for year in (1, 2, 3)} == {"Directory"}
    assert [name for name, kind in kinds.items() if kind == "File"] == sorted(found.files)
