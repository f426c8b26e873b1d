"""What the peers, and fsspec, make of a filesystem: mappers, their classes of files, synchronisation, directories."""

from __future__ import annotations

import pytest

from tests.clouds import CLOUDS
from tests.emulators.differences import TOLD
from tests.emulators.signature_bench import TREE, Bench
from tests.emulators.signatures import PEERS, file_classes_of

for peer in ("s3fs", "gcsfs", "adlfs"):
    pytest.importorskip(peer)

WHO = ("peer", "auto", "sdk")


@pytest.fixture(params=["auto", "sdk"])
def engine(request):
    """Bytes by obstore where it can, or all by the SDK."""
    return request.param


@pytest.fixture(params=CLOUDS)
def bench(request, tmp_path, engine):
    """A filesystem with a small tree."""
    return Bench(request.getfixturevalue(f"{request.param}_cloud"), engine, tmp_path, lambda: "")


def _mapper(b: Bench, **options):
    """The mapper of the peer, where it has one, or of fsspec."""
    root = b.path("map")
    if b.name == "s3":
        from s3fs import S3Map

        return S3Map(root, s3=b.fs, **options)
    if b.name == "gcs":
        from gcsfs.mapping import GCSMap

        return GCSMap(root, gcs=b.fs, **options)
    import fsspec

    return fsspec.FSMap(root, b.fs, **options)


@pytest.mark.parametrize("options", [{}, {"create": True}, {"check": True}], ids=["plain", "create", "check"])
def test_mapper_of_the_peer_works(bench, options):
    """A mutable mapping from keys below a path to bytes."""
    bench.raw.put("map/there", b"x")
    mapping = _mapper(bench, **options)
    assert mapping.fs is bench.fs
    mapping["a/b"] = b"1"
    mapping.setitems({"c": b"2", "d": b"3"})
    assert {"a/b", "c", "d"} <= set(mapping) <= {"a/b", "c", "d", "there", "a", "pic"}
    assert (mapping["a/b"], mapping.get("no"), "c" in mapping) == (b"1", None, True)
    assert mapping.getitems(["c", "d", "no"], on_error="omit") == {"c": b"2", "d": b"3"}
    assert mapping.pop("c") == b"2"
    del mapping["a/b"]
    mapping.delitems(["d"])
    assert [key for key in bench.raw.listed() if key.startswith("map/")] == ["map/there"]
    with pytest.raises(KeyError):
        mapping["c"]


def test_mapper_of_fsspec_works(bench):
    """`get_mapper`, also of a URL."""
    import fsspec

    mapping = fsspec.get_mapper(bench.cloud.url("map"), **bench.cloud.options, engine=bench.who)
    mapping["k"] = b"1"
    assert type(mapping.fs) is type(bench.fs)
    assert bench.fs.get_mapper(bench.path("map"))["k"] == b"1"
    assert dict(bench.fs.get_mapper(bench.path("dir"))) == {"c.txt": b"333", "sub/d.csv": b"4444"}


def test_tree_is_synchronised_by_fsspec(bench):
    """From one place to another, by the instance."""
    from fsspec.implementations.dirfs import DirFileSystem

    inner = DirFileSystem(bench.path("dir"), bench.fs)
    assert sorted(inner.find("")) == ["c.txt", "sub/d.csv"]
    bench.fs.copy(bench.dir, bench.path("copied"), recursive=True)
    assert {key for key in bench.raw.listed() if key.startswith("copied/")} == {"copied/c.txt", "copied/sub/d.csv"}


def test_class_of_files_of_the_peer_reads_by_our_instance(bench):
    """`s3fs.core.S3File(fs, path)` and the like."""
    kind = file_classes_of(bench.name)[0]
    with kind(bench.fs, bench.file, "rb") as file:
        assert (file.read(4), file.seek(-2, 2), file.read()) == (b"0123", 8, b"89")


# What an open file of the peer knows that is no detail of how it reads.
KNOWN = {
    "s3": {"bucket", "key", "version_id", "fill_cache", "path", "size", "mode", "blocksize", "kwargs", "fs", "loc"},
    "gcs": {"bucket", "key", "generation", "metadata", "content_type", "path", "size", "mode", "fs", "loc"},
    "azure": {"container_name", "blob", "version_id", "metadata", "path", "size", "mode", "fs", "loc"},
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_open_file_has_the_methods_of_the_peer(request, tmp_path, cloud):
    """Public ones, and the attributes that say what is open."""
    found = request.getfixturevalue(f"{cloud}_cloud")
    theirs, ours = (Bench(found, who, tmp_path, lambda: "") for who in ("peer", "auto"))
    with theirs.fs.open(theirs.file) as their_file, ours.fs.open(ours.file) as our_file:
        names = [name for name in dir(type(their_file)) if not name.startswith("_")]
        listed = {
            name for row in TOLD["signature"] if row["peer"] == PEERS[cloud] for name in row.get("file_names", ())
        }
        assert {name for name in names if not hasattr(our_file, name)} == listed
        assert {name for name in KNOWN[cloud] if not hasattr(our_file, name)} == set()
        assert (our_file.path, our_file.size, our_file.mode) == (their_file.path, their_file.size, their_file.mode)
        assert our_file.read() == their_file.read() == TREE["a.txt"]


def test_open_file_of_s3_changes_its_metadata(request, tmp_path):
    """And tells it, as s3fs's does."""
    for who in WHO:
        bench = Bench(request.getfixturevalue("s3_cloud"), who, tmp_path, lambda: "")
        with bench.fs.open(bench.file) as file:
            file.setxattr(copy_kwargs={"ContentType": "text/x"}, colour=who)
            assert (file.metadata(refresh=True)["colour"], file.getxattr(xattr_name="colour")) == (who, who)
        assert bench.raw.head("a.txt")["content_type"] == "text/x"


def test_tuning_of_gcsfs_is_taken(request, tmp_path, engine):
    """By files that are read and written, and by deletion."""
    bench = Bench(request.getfixturevalue("gcs_cloud"), engine, tmp_path, lambda: "")
    row = next(row for row in TOLD["signature"] if "File.timeout" in row.get("keywords", ()))
    tuning = {keyword.partition(".")[2]: 1 for keyword in row["keywords"]}
    with bench.fs.open(bench.path("new"), "wb", **tuning) as file:
        file.write(b"1")
    with bench.fs.open(bench.path("new"), **tuning) as file:
        assert file.read() == b"1"
    bench.fs.rm([bench.path("new"), bench.file], batchsize=1)
    assert not {"new", "a.txt"} & set(bench.raw.listed())
