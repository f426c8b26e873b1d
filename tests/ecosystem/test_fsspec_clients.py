"""What fsspec itself builds on a filesystem: caches, directories, references, archives, mappers, rsync."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import fsspec
import pytest

from tests.ecosystem.conftest import Lake

DATA = bytes(range(256)) * 2_000


# -- chained URLs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["simplecache", "filecache", "blockcache"])
def test_caching_url_reads_and_keeps_a_copy(lake: Lake, protocol: str, tmp_path: Any) -> None:
    """``…cache::s3://`` reads the object once and serves it again when the server no longer has it."""
    lake.put("a.bin", DATA)
    options = {"s3": lake.options, protocol: {"cache_storage": str(tmp_path / "cache")}}
    url = f"{protocol}::{lake.url('a.bin')}"
    with fsspec.open(url, **options) as file:
        assert file.read() == DATA
    assert any((tmp_path / "cache").iterdir())
    lake.client.delete_object(Bucket=lake.bucket, Key="a.bin")
    with fsspec.open(url, **options) as file:
        file.seek(1_000)
        assert file.read(10) == DATA[1_000:1_010]


def test_blockcache_fetches_only_the_blocks_it_needs(expiring_lake: Lake, tmp_path: Any) -> None:
    """A few bytes of a large object cost a block, not the object."""
    expiring_lake.put("a.bin", DATA * 10)
    gateway = expiring_lake.gateway
    assert gateway is not None
    gateway.reset()
    fs = fsspec.filesystem("blockcache", fs=expiring_lake.fs, cache_storage=str(tmp_path / "cache"))
    with fs.open(expiring_lake.path("a.bin"), block_size=64 << 10) as file:
        file.seek(3_000_000)
        expiring_lake.expire()
        assert file.read(5) == (DATA * 10)[3_000_000:3_000_005]
    assert gateway.stats()["bytes_out"] < 1_000_000


def test_simplecache_writes_through(lake: Lake, tmp_path: Any) -> None:
    """What is written lands in the bucket at close."""
    options = {"s3": lake.options, "simplecache": {"cache_storage": str(tmp_path / "cache")}}
    with fsspec.open(f"simplecache::{lake.url('a.bin')}", "wb", **options) as file:
        file.write(DATA)
    assert lake.get("a.bin") == DATA


def test_open_local_downloads_every_match(lake: Lake, tmp_path: Any) -> None:
    """``fsspec.open_local`` for libraries that want names of local files."""
    for n in range(3):
        lake.put(f"d/{n}.txt", b"%d" % n)
    options = {"s3": lake.options, "simplecache": {"cache_storage": str(tmp_path / "cache")}}
    names = fsspec.open_local(f"simplecache::{lake.url('d/*.txt')}", **options)
    found = []
    for name in names:
        with open(name, "rb") as file:
            found.append(file.read())
    assert found == [b"0", b"1", b"2"]


def test_zip_url_reads_members_in_place(lake: Lake) -> None:
    """``zip://member::s3://…`` and a glob of members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.txt", "1" * 1_000)
        archive.writestr("deep/two.txt", "2" * 1_000)
    lake.put("a.zip", buffer.getvalue())
    with fsspec.open(f"zip://deep/two.txt::{lake.url('a.zip')}", "rt", s3=lake.options) as file:
        assert file.read() == "2" * 1_000
    lake.expire()
    files = fsspec.open_files(f"zip://**/*.txt::{lake.url('a.zip')}", s3=lake.options)
    assert sorted(file.path for file in files) == ["deep/two.txt", "one.txt"]


def test_zip_url_writes_an_archive(lake: Lake) -> None:
    """A zip archive written straight to the bucket."""
    fs = fsspec.filesystem("zip", fo=lake.url("a.zip"), mode="w", target_protocol="s3", target_options=lake.options)
    with fs.open("a.txt", "wb") as file:
        file.write(b"in the archive")
    fs.close()
    # fsspec's archive filesystem leaves the file that it opened to its owner.
    fs.of.close()
    with zipfile.ZipFile(io.BytesIO(lake.get("a.zip"))) as archive:
        assert archive.read("a.txt") == b"in the archive"


# -- many files -------------------------------------------------------------------------------------------------------


def test_open_files_reads_a_glob_and_writes_a_pattern(lake: Lake) -> None:
    """``fsspec.open_files`` in both directions, with compression by name."""
    with fsspec.open_files(lake.url("out/*.txt.gz"), "wt", num=3, compression="infer", **lake.options) as files:
        for n, file in enumerate(files):
            file.write(f"ä {n}")
    assert lake.stored() == [f"out/{n}.txt.gz" for n in range(3)]
    lake.expire()
    with fsspec.open_files(lake.url("out/*.gz"), "rt", compression="infer", **lake.options) as files:
        assert [file.read() for file in files] == [f"ä {n}" for n in range(3)]


def test_expand_and_url_to_fs_find_our_class(lake: Lake) -> None:
    """``url_to_fs`` and ``get_fs_token_paths``."""
    from fsspec.core import get_fs_token_paths, url_to_fs

    import objfs

    for key in ("d/1", "d/2", "other"):
        lake.put(key, b"x")
    fs, path = url_to_fs(lake.url("d/1"), **lake.options)
    assert (type(fs), path) == (objfs.S3FileSystem, lake.path("d/1"))
    fs, _, paths = get_fs_token_paths(lake.url("d/*"), storage_options=lake.options)
    assert (type(fs), paths) == (objfs.S3FileSystem, [lake.path("d/1"), lake.path("d/2")])


# -- filesystems over ours --------------------------------------------------------------------------------------------


def test_dir_filesystem_works_below_a_prefix(lake: Lake) -> None:
    """Every verb with relative names."""
    fs = fsspec.filesystem("dir", path=lake.path("base"), fs=lake.fs)
    fs.pipe({"a": b"1", "d/b": b"22"})
    assert lake.stored() == ["base/a", "base/d/b"]
    assert fs.cat("d/b") == b"22"
    assert sorted(fs.find("")) == ["a", "d/b"]
    assert fs.glob("*/b") == ["d/b"]
    assert fs.info("a")["size"] == 1
    lake.expire()
    with fs.open("d/c", "wb") as file:
        file.write(b"333")
    fs.mv("d/c", "e")
    assert lake.get("base/e") == b"333"
    fs.rm("d", recursive=True)
    assert lake.stored() == ["base/a", "base/e"]


def test_dir_url_of_a_chained_directory(lake: Lake) -> None:
    """``dir::s3://`` opens the directory as a filesystem of its own."""
    lake.put("base/a", b"1")
    fs, _ = fsspec.url_to_fs(f"dir::{lake.url('base')}", s3=lake.options)
    assert fs.cat("a") == b"1"
    assert (fs.path, type(fs.fs)) == (lake.path("base"), type(lake.fs))


def test_reference_filesystem_reads_ranges_of_our_objects(lake: Lake) -> None:
    """References name ranges of two objects; several are read in one go."""
    lake.put("one.bin", DATA)
    lake.put("two.bin", DATA[::-1])
    references = {
        "inline": "text",
        "head": [lake.url("one.bin"), 0, 100],
        "middle": [lake.url("one.bin"), 1_000, 50],
        "other": [lake.url("two.bin"), 300_000, 10],
        "whole": [lake.url("two.bin")],
    }
    lake.put("refs.json", json.dumps({"version": 1, "refs": references}).encode())
    fs = fsspec.filesystem(
        "reference",
        fo=lake.url("refs.json"),
        target_protocol="s3",
        target_options=lake.options,
        remote_protocol="s3",
        remote_options=lake.options,
        skip_instance_cache=True,
    )
    assert fs.cat("middle") == DATA[1_000:1_050]
    lake.expire()
    found = fs.cat(["inline", "head", "middle", "other", "whole"])
    backwards = DATA[::-1]
    assert found == {
        "inline": b"text",
        "head": DATA[:100],
        "middle": DATA[1_000:1_050],
        "other": backwards[300_000:300_010],
        "whole": backwards,
    }
    with fs.open("head") as file:
        assert file.read(5) == DATA[:5]


def test_reference_filesystem_is_a_zarr_store(lake: Lake) -> None:
    """A virtual array whose chunks are ranges of a flat object."""
    zarr = pytest.importorskip("zarr")
    np = pytest.importorskip("numpy")
    store_of = pytest.importorskip("zarr.storage").FsspecStore
    expected = np.arange(400, dtype="<i4").reshape(20, 20)
    lake.put("flat.bin", expected.tobytes())
    meta = {
        "zarr_format": 2,
        "shape": [20, 20],
        "chunks": [5, 20],
        "dtype": "<i4",
        "compressor": None,
        "filters": None,
        "fill_value": 0,
        "order": "C",
    }
    references: dict[str, Any] = {f"{n}.0": [lake.url("flat.bin"), n * 400, 400] for n in range(4)}
    references[".zarray"] = json.dumps(meta)
    fs = fsspec.filesystem(
        "reference",
        fo={"version": 1, "refs": references},
        remote_protocol="s3",
        remote_options={**lake.options, "asynchronous": True},
        asynchronous=True,
        skip_instance_cache=True,
    )
    array = zarr.open_array(store_of(fs, read_only=True), mode="r", zarr_format=2)
    np.testing.assert_array_equal(array[3:13], expected[3:13])


def test_mapper_is_a_mutable_mapping(lake: Lake) -> None:
    """``get_mapper`` reads, writes, lists, deletes, and tells what is missing."""
    mapper = fsspec.get_mapper(lake.url("map"), **lake.options)
    mapper["a"] = b"1"
    mapper.setitems({"d/b": b"2", "d/c": b"3"})
    assert {key: lake.get(key) for key in lake.stored()} == {"map/a": b"1", "map/d/b": b"2", "map/d/c": b"3"}
    assert sorted(mapper) == ["a", "d/b", "d/c"]
    assert len(mapper) == 3
    assert "d/b" in mapper
    assert "d" not in mapper
    lake.expire()
    assert mapper.getitems(["a", "d/c", "absent"], on_error="omit") == {"a": b"1", "d/c": b"3"}
    with pytest.raises(KeyError):
        mapper["absent"]
    del mapper["a"]
    mapper.delitems(["d/b"])
    assert lake.stored() == ["map/d/c"]
    mapper.clear()
    assert lake.stored() == []


@pytest.fixture
def generic(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A filesystem of several, by instance: with the method "options" fsspec 2026.6 forgets them on the way."""
    import fsspec.generic

    instances = {"s3": lake.fs, "file": fsspec.filesystem("file"), "memory": fsspec.filesystem("memory")}
    monkeypatch.setattr(fsspec.generic, "_generic_fs", instances)
    return fsspec.generic.GenericFileSystem(default_method="generic", skip_instance_cache=True)


def test_rsync_copies_what_differs(lake: Lake, generic: Any, tmp_path: Any) -> None:
    """``fsspec.generic.rsync`` from local to the bucket, and back, only what is new."""
    from fsspec.generic import rsync

    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a").write_bytes(b"1")
    (tmp_path / "in" / "deep" / "b").write_bytes(b"22")
    rsync(f"file://{tmp_path}/in", lake.url("copy"), fs=generic)
    assert {key: lake.get(key) for key in lake.stored()} == {"copy/a": b"1", "copy/deep/b": b"22"}
    lake.expire()
    (tmp_path / "in" / "c").write_bytes(b"333")
    (tmp_path / "in" / "a").unlink()
    rsync(f"file://{tmp_path}/in", lake.url("copy"), delete_missing=True, fs=generic)
    assert lake.stored() == ["copy/c", "copy/deep/b"]


def test_generic_copies_between_filesystems(lake: Lake, generic: Any) -> None:
    """``GenericFileSystem`` from memory to the bucket and between two directories of it."""
    memory = fsspec.filesystem("memory")
    memory.pipe("/objfs-generic/a", DATA)
    try:
        generic.cp("memory://objfs-generic/a", lake.url("x/a"))
    finally:
        memory.rm("/objfs-generic", recursive=True)
    generic.cp(lake.url("x/a"), lake.url("y/b"))
    assert lake.get("y/b") == DATA


def test_caching_filesystem_around_an_instance(lake: Lake, tmp_path: Any) -> None:
    """``WholeFileCacheFileSystem(fs=…)`` takes the instance itself."""
    lake.put("a.bin", DATA)
    cached = fsspec.filesystem("filecache", fs=lake.fs, cache_storage=str(tmp_path / "cache"), check_files=True)
    assert cached.cat(lake.path("a.bin")) == DATA
    lake.put("a.bin", b"new")
    assert cached.cat(lake.path("a.bin")) == b"new"


def test_transaction_holds_back_until_its_end(lake: Lake) -> None:
    """Files written in a transaction appear together, or not at all."""
    fs = lake.fs
    with fs.transaction:
        with fs.open(lake.path("a"), "wb") as file:
            file.write(b"1")
        assert lake.stored() == []
    assert lake.get("a") == b"1"
    lake.expire()

    def change_of_mind() -> None:
        with fs.transaction:
            with fs.open(lake.path("b"), "wb") as file:
                file.write(b"2")
            raise LookupError

    with pytest.raises(LookupError):
        change_of_mind()
    assert lake.stored() == ["a"]


def test_callbacks_count_bytes(lake: Lake, tmp_path: Any) -> None:
    """A callback sees the size and every byte, of uploads and downloads."""
    from fsspec.callbacks import Callback

    (tmp_path / "in").write_bytes(DATA)
    up, down = Callback(), Callback()
    lake.fs.put_file(str(tmp_path / "in"), lake.path("a"), callback=up)
    lake.fs.get_file(lake.path("a"), str(tmp_path / "out"), callback=down)
    assert (tmp_path / "out").read_bytes() == DATA
    assert [(c.size, c.value) for c in (up, down)] == [(len(DATA), len(DATA))] * 2


def test_local_and_ours_exchange_trees(lake: Lake, tmp_path: Any) -> None:
    """``put`` and ``get`` of directories."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name, data in {"a": b"1", "deep/b": b"22", "deep/c": b""}.items():
        (tmp_path / "in" / name).write_bytes(data)
    lake.fs.put(str(tmp_path / "in") + "/", lake.path("tree") + "/", recursive=True)
    assert {key: lake.get(key) for key in lake.stored()} == {
        "tree/a": b"1",
        "tree/deep/b": b"22",
        "tree/deep/c": b"",
    }
    lake.expire()
    lake.fs.get(lake.path("tree") + "/", str(tmp_path / "out") + "/", recursive=True)
    assert (tmp_path / "out" / "deep" / "b").read_bytes() == b"22"
    assert (tmp_path / "out" / "deep" / "c").read_bytes() == b""
