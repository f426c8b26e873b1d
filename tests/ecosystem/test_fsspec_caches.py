"""fsspec's caches before a URL, directories of their own, and rsync, on each cloud."""

from __future__ import annotations

import itertools

import fsspec
import pytest

DATA = bytes(range(256)) * 2_000
CACHES = pytest.mark.parametrize("protocol", ["simplecache", "filecache", "blockcache"])


@pytest.fixture
def generic(monkeypatch):
    """Makes a filesystem of several clouds, local files and memory.

    It normalises URLs to the first scheme of their class (``abfs`` for ``az``), and looks instances up by that.
    """
    import fsspec.generic

    def make(*clouds):
        # The method "options" forgets them on the way in fsspec 2026.6.
        instances = {scheme: cloud.fs() for cloud in clouds for scheme in cloud.fs().protocol}
        local = {name: fsspec.filesystem(name) for name in ("file", "memory")}
        monkeypatch.setattr(fsspec.generic, "_generic_fs", {**instances, **local})
        return fsspec.generic.GenericFileSystem(default_method="generic", skip_instance_cache=True)

    return make


@pytest.fixture
def chained(cloud, tmp_path):
    """Options of a chained URL: those of the cloud and those of the cache."""

    def options(protocol, **more):
        return {cloud.scheme: cloud.options, protocol: {"cache_storage": str(tmp_path / "cache"), **more}}

    return options


@CACHES
def test_cache_serves_again_what_is_gone(cloud, chained, protocol):
    """The second read needs no server."""
    cloud.raw.put("d/a.bin", DATA)
    url, options = f"{protocol}::{cloud.url('d/a.bin')}", chained(protocol)
    with fsspec.open(url, **options) as file:
        assert file.read() == DATA
    cloud.raw.delete("d/a.bin")
    with fsspec.open(url, **options) as file:
        file.seek(1_000)
        assert file.read(10) == DATA[1_000:1_010]


def test_cache_checks_whether_the_object_has_changed(cloud, chained):
    """``check_files`` compares what ``ukey`` says of the object."""
    cloud.raw.put("a.bin", b"old")
    url, options = f"filecache::{cloud.url('a.bin')}", chained("filecache", check_files=True)
    with fsspec.open(url, **options) as file:
        assert file.read() == b"old"
    cloud.raw.put("a.bin", b"newer")
    with fsspec.open(url, **options) as file:
        assert file.read() == b"newer"


@pytest.mark.parametrize("protocol", ["simplecache", "filecache"])
def test_cache_writes_through(cloud, chained, protocol):
    """What is written lies in the bucket after the block."""
    url, options = f"{protocol}::{cloud.url('a.bin')}", chained(protocol)
    with fsspec.open(url, "wb", **options) as file:
        file.write(DATA)
    assert cloud.raw.get("a.bin") == DATA


def test_cache_keeps_the_namespace_of_the_cloud(cloud, chained):
    """Listing, globbing and asking go to the cloud; several files come in one go."""
    for key in ("d/a", "d/b", "e"):
        cloud.raw.put(key, key.encode())
    fs, path = fsspec.url_to_fs(f"simplecache::{cloud.url('d')}", **chained("simplecache"))
    assert sorted(fs.ls(path, detail=False)) == [cloud.path("d/a"), cloud.path("d/b")]
    assert fs.glob(f"{path}/[ab]") == [cloud.path("d/a"), cloud.path("d/b")]
    assert (fs.exists(cloud.path("e")), fs.exists(cloud.path("f"))) == (True, False)
    assert fs.cat([cloud.path("d/a"), cloud.path("e")]) == {cloud.path("d/a"): b"d/a", cloud.path("e"): b"e"}


def test_open_local_names_files(cloud, chained):
    """For libraries that want the name of a local file."""
    for n in range(3):
        cloud.raw.put(f"d/{n}.txt", b"%d" % n)
    names = fsspec.open_local(f"simplecache::{cloud.url('d/*.txt')}", **chained("simplecache"))
    found = []
    for name in names:
        with open(name, "rb") as file:
            found.append(file.read())
    assert found == [b"0", b"1", b"2"]


def test_dir_filesystem_works_below_a_prefix(cloud):
    """Every verb with relative names."""
    fs = fsspec.filesystem("dir", path=cloud.path("base"), fs=cloud.fs())
    fs.pipe({"a": b"1", "d/b": b"22"})
    assert cloud.raw.listed() == ["base/a", "base/d/b"]
    assert (fs.cat("d/b"), sorted(fs.find("")), fs.glob("*/b")) == (b"22", ["a", "d/b"], ["d/b"])
    assert (fs.info("a")["size"], fs.isdir("d"), fs.exists("c")) == (1, True, False)
    with fs.open("d/c", "wb") as file:
        file.write(b"333")
    fs.mv("d/c", "e")
    fs.rm("d", recursive=True)
    assert {key: cloud.raw.get(key) for key in cloud.raw.listed()} == {"base/a": b"1", "base/e": b"333"}


def test_dir_url(cloud):
    """``dir::`` before the URL of a directory."""
    cloud.raw.put("base/d/a", b"1")
    fs, _ = fsspec.url_to_fs(f"dir::{cloud.url('base')}", **{cloud.scheme: cloud.options})
    assert (fs.cat("d/a"), fs.ls("", detail=False)) == (b"1", ["d"])


def test_rsync_copies_what_differs(cloud, tmp_path, generic):
    """From local, with what is missing deleted, and back."""
    from fsspec.generic import rsync

    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a").write_bytes(b"1")
    (tmp_path / "in" / "deep" / "b c").write_bytes(b"22")
    fs = generic(cloud)
    rsync(f"file://{tmp_path}/in", cloud.url("copy"), fs=fs)
    assert {key: cloud.raw.get(key) for key in cloud.raw.listed()} == {"copy/a": b"1", "copy/deep/b c": b"22"}
    (tmp_path / "in" / "c").write_bytes(b"333")
    (tmp_path / "in" / "a").unlink()
    rsync(f"file://{tmp_path}/in", cloud.url("copy"), delete_missing=True, fs=fs)
    assert cloud.raw.listed() == ["copy/c", "copy/deep/b c"]
    rsync(cloud.url("copy"), f"file://{tmp_path}/out", fs=fs)
    assert (tmp_path / "out" / "deep" / "b c").read_bytes() == b"22"


def test_rsync_from_one_cloud_to_another(s3_cloud, gcs_cloud, azure_cloud, generic):
    """From S3 to GCS to Azure, and only what is new."""
    from fsspec.generic import rsync

    clouds = (s3_cloud, gcs_cloud, azure_cloud)
    fs = generic(*clouds)
    s3_cloud.raw.put("d/a", DATA)
    s3_cloud.raw.put("d/deep/b", b"22")
    for one, other in itertools.pairwise(clouds):
        rsync(one.url("d"), other.url("d"), fs=fs)
    assert {key: azure_cloud.raw.get(key) for key in azure_cloud.raw.listed()} == {"d/a": DATA, "d/deep/b": b"22"}
    gcs_cloud.raw.put("d/a", b"changed there")
    rsync(s3_cloud.url("d"), gcs_cloud.url("d"), update_cond="never", fs=fs)
    assert gcs_cloud.raw.get("d/a") == b"changed there"


def test_generic_copies_within_a_cloud_and_from_memory(cloud, generic):
    """``cp`` by URL; within a bucket no bytes pass through here."""
    fs = generic(cloud)
    memory = fsspec.filesystem("memory")
    memory.pipe("/objfs-generic/a", DATA)
    try:
        fs.cp("memory://objfs-generic/a", cloud.url("x/a"))
    finally:
        memory.rm("/objfs-generic", recursive=True)
    fs.cp(cloud.url("x/a"), cloud.url("y/b"))
    assert {key: cloud.raw.get(key) for key in cloud.raw.listed()} == {"x/a": DATA, "y/b": DATA}
