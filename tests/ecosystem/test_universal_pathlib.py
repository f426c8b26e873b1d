"""universal_pathlib: a URL as a ``pathlib`` path, on each cloud."""

from __future__ import annotations

import pickle
import stat

import pytest

upath = pytest.importorskip("upath")

TREE = {"d/a.txt": b"a", "d/b.bin": b"bb", "d/deep/c.txt": b"ccc", "other.txt": b"o"}


@pytest.fixture
def root(cloud):
    """The bucket as a path."""
    return upath.UPath(cloud.url(), **cloud.options)


@pytest.fixture
def tree(cloud, root):
    """The bucket as a path, with a few objects in it."""
    for key, data in TREE.items():
        cloud.raw.put(key, data)
    return root


def keys(cloud, paths):
    """Keys of paths, in order."""
    return sorted(path.path.rstrip("/").removeprefix(f"{cloud.bucket}/") for path in paths)


def test_upath_is_served_by_our_class(cloud, root):
    """The path's own class is that of the cloud, its filesystem ours."""
    expected = {"s3": "S3Path", "gcs": "GCSPath", "azure": "AzurePath"}
    assert type(root).__name__ == expected[cloud.name]
    assert type(root.fs).__module__.partition(".")[0] == "objfs"
    assert (root / "x").fs is root.fs


def test_upath_joins_and_takes_names_apart(cloud, root):
    """All that needs no server."""
    path = root.joinpath("d", "deep") / "c.tar.gz"
    assert str(path) == cloud.url("d/deep/c.tar.gz")
    assert (path.name, path.stem, path.suffixes) == ("c.tar.gz", "c.tar", [".tar", ".gz"])
    assert path.with_suffix(".xz") == root / "d/deep/c.tar.xz"
    assert path.parent.with_name("shallow") == root / "d/shallow"
    assert path.relative_to(root / "d").as_posix() == "deep/c.tar.gz"
    assert path.parents[1] == root / "d"


def test_upath_tells_files_directories_and_nothing(tree):
    """``exists``, ``is_file``, ``is_dir`` and ``stat``."""
    assert [(tree / name).exists() for name in ("d/a.txt", "d", "d/", "absent", "d/a")] == [True] * 3 + [False] * 2
    assert [(tree / name).is_file() for name in ("d/a.txt", "d", "absent")] == [True, False, False]
    assert [(tree / name).is_dir() for name in ("d/a.txt", "d", "absent")] == [False, True, False]
    assert (tree.exists(), tree.is_dir()) == (True, True)
    found = (tree / "d/b.bin").stat()
    assert (found.st_size, found.st_mtime > 1.5e9, stat.S_ISDIR(found.st_mode)) == (2, True, False)
    assert stat.S_ISDIR((tree / "d").stat().st_mode)
    with pytest.raises(FileNotFoundError):
        (tree / "absent").stat()


def test_upath_lists_globs_and_walks(cloud, tree):
    """``iterdir``, ``glob``, ``rglob`` and ``walk``; what is no directory has no entries."""
    names = {path.path.rstrip("/"): (sorted(folders), sorted(files)) for path, folders, files in (tree / "d").walk()}
    assert names == {cloud.path("d"): (["deep"], ["a.txt", "b.bin"]), cloud.path("d/deep"): ([], ["c.txt"])}
    assert keys(cloud, tree.iterdir()) == ["d", "other.txt"]
    assert keys(cloud, (tree / "d").iterdir()) == ["d/a.txt", "d/b.bin", "d/deep"]
    assert keys(cloud, tree.glob("*/*.txt")) == ["d/a.txt"]
    assert keys(cloud, tree.glob("**/*.txt")) == ["d/a.txt", "d/deep/c.txt", "other.txt"]
    assert keys(cloud, (tree / "d").rglob("c.*")) == ["d/deep/c.txt"]
    for name in ("absent", "d/a.txt"):
        with pytest.raises((FileNotFoundError, NotADirectoryError)):
            list((tree / name).iterdir())


def test_upath_reads_and_writes(cloud, root):
    """Whole files, open files, text and bytes."""
    assert (root / "new/a.bin").write_bytes(b"\x00\xff") == 2
    assert cloud.raw.get("new/a.bin") == b"\x00\xff"
    (root / "a.txt").write_text("äöü\n", encoding="utf-8")
    assert cloud.raw.get("a.txt") == "äöü\n".encode()
    assert (root / "a.txt").read_text(encoding="utf-8") == "äöü\n"
    with (root / "b.txt").open("w") as file:
        file.writelines(["one\n", "two\n"])
    with (root / "b.txt").open() as file:
        assert list(file) == ["one\n", "two\n"]
    with (root / "b.txt").open("rb") as file:
        file.seek(4)
        assert file.read() == b"two\n"
    with pytest.raises(FileNotFoundError):
        (root / "absent").read_bytes()


@pytest.mark.parametrize("name", ["a b.txt", "50%.txt", "a+b=c&d.txt", "ä.txt", "it's.txt", "a#b.txt", "a?b.txt"])
def test_upath_keeps_odd_names(cloud, root, name):
    """A name comes back from the listing as it was given, and opens again."""
    path = root / "odd" / name
    path.write_bytes(b"x")
    assert cloud.raw.listed() == [f"odd/{name}"]
    (found,) = (root / "odd").iterdir()
    assert (found.name, found.read_bytes(), found == path) == (name, b"x", True)


def test_upath_renames_and_moves(cloud, tree):
    """A file, by path and by URL, over another, and a directory."""
    moved = (tree / "d/a.txt").rename(tree / "z.txt")
    assert (moved.path, cloud.raw.get("z.txt")) == (cloud.path("z.txt"), b"a")
    moved.rename(cloud.url("y.txt"))
    assert cloud.raw.listed() == ["d/b.bin", "d/deep/c.txt", "other.txt", "y.txt"]
    (tree / "y.txt").rename(tree / "other.txt")
    assert cloud.raw.get("other.txt") == b"a"
    (tree / "other.txt").move(tree / "y.txt")
    (tree / "y.txt").copy(tree / "other.txt")
    (tree / "d").move(tree / "e")
    assert cloud.raw.listed() == ["e/b.bin", "e/deep/c.txt", "other.txt", "y.txt"]
    assert cloud.raw.get("e/deep/c.txt") == b"ccc"


def test_upath_removes(cloud, tree):
    """``unlink`` and ``rmdir``; what is missing is an error unless it may be."""
    (tree / "other.txt").unlink()
    assert "other.txt" not in cloud.raw.listed()
    (tree / "other.txt").unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        (tree / "other.txt").unlink()
    (tree / "d").rmdir()
    assert cloud.raw.listed() == []


def test_upath_makes_buckets_and_touches(cloud, root):
    """A bucket is a directory to make; a directory below one needs nothing; a touched file is empty."""
    (root / "some/dir").mkdir(parents=True, exist_ok=True)
    (root / "some/dir/file").touch()
    assert cloud.raw.get("some/dir/file") == b""
    assert (root / "some/dir").is_dir()
    new = upath.UPath(f"{cloud.scheme}://{cloud.bucket}-more", **cloud.options)
    assert not new.exists()
    new.mkdir()
    try:
        assert new.is_dir()
        with pytest.raises(FileExistsError):
            new.mkdir()
    finally:
        new.rmdir()
    assert not new.exists()


def test_upath_copies_between_local_and_the_bucket(cloud, root, tmp_path):
    """``copy`` of a tree up, within the bucket, and down."""
    for key, data in TREE.items():
        (tmp_path / "in" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / key).write_bytes(data)
    upath.UPath(tmp_path / "in").copy(root / "up")
    assert {key: cloud.raw.get(key) for key in cloud.raw.listed()} == {f"up/{key}": data for key, data in TREE.items()}
    (root / "up/d").copy(root / "again")
    assert keys(cloud, (root / "again").iterdir()) == ["again/a.txt", "again/b.bin", "again/deep"]
    (root / "up").copy(upath.UPath(tmp_path / "out"))
    assert {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    } == TREE


def test_upath_pickles_and_compares(cloud, tree):
    """A pickled path reads in its new life; equal paths are equal keys of a dictionary."""
    path = tree / "d/b.bin"
    again = pickle.loads(pickle.dumps(path))
    assert (again, again.read_bytes()) == (path, b"bb")
    assert len({path, again, tree / "d" / "b.bin"}) == 1


def test_upath_behind_a_cache(cloud, tree, tmp_path):
    """``simplecache::`` before the URL."""
    nested = {cloud.scheme: cloud.options, "simplecache": {"cache_storage": str(tmp_path)}}
    path = upath.UPath(f"simplecache::{cloud.url('d/b.bin')}", **nested)
    assert path.read_bytes() == b"bb"
    cloud.raw.delete("d/b.bin")
    assert path.read_bytes() == b"bb"


def test_pandas_takes_a_upath(cloud, root):
    """Other libraries open the path by themselves."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"n": range(10)})
    with (root / "a.parquet").open("wb") as file:
        frame.to_parquet(file)
    with (root / "a.parquet").open("rb") as file:
        pandas.testing.assert_frame_equal(pandas.read_parquet(file), frame)
