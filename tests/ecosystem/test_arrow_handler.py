"""`objfs.arrow.ArrowFileSystemHandler` under pyarrow, on three clouds, in memory and in a directory."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import objfs
from objfs.credentials.provider import StorageOptionsProvider
from objfs.errors import UrlError
from tests.clouds import CloudUnderTest

pa = pytest.importorskip("pyarrow")

import pyarrow.dataset as ds  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from pyarrow.fs import FileSelector, FileType, PyFileSystem  # noqa: E402

from objfs.arrow import ArrowFileSystemHandler  # noqa: E402

TABLE = pa.table({"year": [2024, 2024, 2025], "value": [1.0, 2.0, 3.0]})


@pytest.fixture(params=["s3", "s3 prefix", "gcs prefix", "azure prefix", "memory", "file"])
def handler(request: pytest.FixtureRequest, tmp_path: Path) -> ArrowFileSystemHandler:
    """A handler at an empty place."""
    if request.param == "memory":
        objfs.from_url(f"memory://{tmp_path.name}")[0].mkdir(f"/{tmp_path.name}/root")
        return ArrowFileSystemHandler(f"memory://{tmp_path.name}/root")
    if request.param == "file":
        return ArrowFileSystemHandler(f"file://{tmp_path}")
    name, _, below = request.param.partition(" ")
    cloud: CloudUnderTest = request.getfixturevalue(f"{name}_cloud")
    return ArrowFileSystemHandler(f"{cloud.scheme}://{cloud.bucket}" + (f"/{below}" if below else ""), cloud.options)


@pytest.fixture
def fs(handler: ArrowFileSystemHandler) -> PyFileSystem:
    """pyarrow's view of it."""
    return PyFileSystem(handler)


def write(fs: PyFileSystem, path: str, data: bytes) -> None:
    fs.create_dir(path.rpartition("/")[0] or ".", recursive=True)
    with fs.open_output_stream(path) as stream:
        stream.write(data)


def test_table_is_written_and_read(fs):
    """One file, and a dataset in directories."""
    pq.write_table(TABLE, "table.parquet", filesystem=fs)
    assert pq.read_table("table.parquet", filesystem=fs).equals(TABLE)
    ds.write_dataset(TABLE, "lake", format="parquet", partitioning=["year"], filesystem=fs, partitioning_flavor="hive")
    found = ds.dataset("lake", format="parquet", partitioning="hive", filesystem=fs)
    assert len(found.files) == 2
    assert found.to_table(filter=ds.field("year") == 2025, columns=["value"]).to_pydict() == {"value": [3.0]}


def test_url_that_ends_in_two_slashes_is_refused():
    """What is written below would go to other keys: not `p//new`, but `p/new`."""
    for url in ("s3://bucket/p//", "gs://bucket//", "az://container/p///"):
        with pytest.raises(UrlError, match=f"{url} ends in an empty name"):
            ArrowFileSystemHandler(url, {"anon": True, **({"account_name": "a"} if url.startswith("az") else {})})
    assert ArrowFileSystemHandler("s3://bucket/p/", {"anon": True}) == ArrowFileSystemHandler(
        "s3://bucket/p", {"anon": True}
    )


def test_facts_of_files_and_directories(fs):
    """Kind, size and time; what is missing is not an error."""
    write(fs, "dir/sub/file.bin", b"abc")
    file, directory, missing = fs.get_file_info(["dir/sub/file.bin", "dir", "dir/missing"])
    assert (file.type, file.size, file.base_name) == (FileType.File, 3, "file.bin")
    assert abs(datetime.now(UTC) - file.mtime) < timedelta(minutes=5)
    assert (directory.type, directory.size) == (FileType.Directory, None)
    assert missing.type is FileType.NotFound


def test_selector_lists_one_level_or_all(fs):
    """Paths are relative to the URL."""
    for path in ("a/one", "a/b/two", "a/b/c/three", "ab/four"):
        write(fs, path, b"x")
    assert {info.path for info in fs.get_file_info(FileSelector("a"))} == {"a/one", "a/b"}
    everything = {info.path: info.type for info in fs.get_file_info(FileSelector("a", recursive=True))}
    files = {path for path, kind in everything.items() if kind is FileType.File}
    assert files == {"a/one", "a/b/two", "a/b/c/three"}
    assert {path for path in everything if path not in files} == {"a/b", "a/b/c"}
    assert {info.path for info in fs.get_file_info(FileSelector(""))} == {"a", "ab"}


def test_selector_of_a_missing_directory(fs):
    """An error, or nothing if the caller allows for it; a file is no directory."""
    write(fs, "file", b"x")
    with pytest.raises(FileNotFoundError):
        fs.get_file_info(FileSelector("missing"))
    assert fs.get_file_info(FileSelector("missing", allow_not_found=True)) == []
    with pytest.raises(NotADirectoryError):
        fs.get_file_info(FileSelector("file"))


@pytest.mark.parametrize("size", [0, 3, 3_000_000])
def test_files_are_read_from_any_place(fs, size):
    """Those which an open brings whole, and those that it does not."""
    data = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    write(fs, "file.bin", data)
    with fs.open_input_file("file.bin") as file:
        assert (file.size(), file.seekable()) == (size, True)
        assert file.read_at(10, max(0, size - 5)) == data[-5:]
        file.seek(size // 2)
        assert file.read() == data[size // 2 :]
        assert file.read(1) == b""
    with fs.open_input_stream("file.bin") as stream:
        assert stream.read(2) + stream.read() == data


def test_missing_file_is_an_error_when_it_is_opened(fs):
    """And when it is deleted or copied."""
    for call in (fs.open_input_file, fs.open_input_stream, fs.delete_file):
        with pytest.raises(FileNotFoundError):
            call("missing")
    with pytest.raises(FileNotFoundError):
        fs.copy_file("missing", "elsewhere")


def test_files_are_copied_moved_and_deleted(fs):
    """Files by themselves, directories whole."""
    write(fs, "dir/one", b"1")
    write(fs, "dir/sub/two", b"2")
    fs.copy_file("dir/one", "dir/copy")
    fs.move("dir/copy", "dir/moved")
    assert {info.path for info in fs.get_file_info(FileSelector("dir"))} == {"dir/one", "dir/moved", "dir/sub"}
    with pytest.raises(OSError, match="director"):
        fs.delete_file("dir")
    fs.delete_file("dir/moved")
    fs.delete_dir_contents("dir")
    assert fs.get_file_info("dir/sub/two").type is FileType.NotFound
    write(fs, "other/three", b"3")
    fs.delete_dir("other")
    assert fs.get_file_info("other").type is FileType.NotFound
    with pytest.raises(ValueError, match="delete_dir_contents"):
        fs.delete_dir_contents("")


@pytest.mark.parametrize("name", ["s3_cloud", "azure_cloud"])
def test_appending_goes_on_where_the_object_ends(name, request):
    """Where the cloud can do that."""
    cloud = request.getfixturevalue(name)
    fs = PyFileSystem(ArrowFileSystemHandler(f"{cloud.scheme}://{cloud.bucket}", cloud.options))
    for data in (b"one", b"two"):
        with fs.open_append_stream("log") as stream:
            stream.write(data)
    assert cloud.raw.get("log") == b"onetwo"


def test_metadata_of_a_stream_are_attributes_of_the_object(cloud):
    """As pyarrow's own filesystems of clouds take them."""
    fs = PyFileSystem(ArrowFileSystemHandler(f"{cloud.scheme}://{cloud.bucket}", cloud.options))
    with fs.open_output_stream("page", metadata={"Content-Type": "text/html"}) as stream:
        stream.write(b"<p>")
    assert cloud.raw.head("page")["content_type"] == "text/html"


def test_paths_stay_below_the_root(tmp_path):
    """A directory is left by no path; in an object store, dots are a part of the key."""
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "root").mkdir()
    fs = PyFileSystem(ArrowFileSystemHandler(f"file://{tmp_path}/root"))
    with pytest.raises(ValueError, match="leads out"):
        fs.open_input_file("../secret")


class Keys(StorageOptionsProvider):
    """Keys that no pickle should hold."""

    def fetch_storage_options(self) -> dict[str, str]:
        return {"access_key_id": "fetched-id", "secret_access_key": "fetched-secret"}


def test_handlers_of_one_url_and_options_are_equal_and_survive_pickling(cloud):
    """Workers of dask and ray get them so; what a provider fetched stays here."""
    url = f"{cloud.scheme}://{cloud.bucket}/root"
    one, same = (ArrowFileSystemHandler(url, cloud.options) for _ in range(2))
    other = ArrowFileSystemHandler(f"{url}2", cloud.options)
    assert (one == same, one == other, hash(one) == hash(same)) == (True, False, True)
    assert PyFileSystem(one).type_name == f"py::objfs+{one.fs.fs.protocol[0]}"
    write(PyFileSystem(one), "file", b"abc")
    copy = pickle.loads(pickle.dumps(PyFileSystem(one)))
    assert copy == PyFileSystem(one)
    assert copy.open_input_file("file").read() == b"abc"
    vended = ArrowFileSystemHandler("s3://bucket", {"storage_options_provider": Keys()})
    assert b"fetched" not in pickle.dumps(vended)


def test_secret_is_not_shown():
    """Neither given as an option nor in the URL."""
    handler = ArrowFileSystemHandler("s3://bucket/p", {"key": "the-key", "secret": "the-secret"})
    assert "the-secret" not in repr(handler) + repr(PyFileSystem(handler))


def requests_of(gateway: Any, work: Any) -> list[str]:
    gateway.reset()
    work()
    return [record.method for record in gateway.requests()]


def test_open_takes_one_request_and_a_small_file_no_more(gateway, bucket):
    """pyarrow's own handler asks for facts first. What came whole is memory, which threads read side by side."""
    issued = gateway.issue(60)
    issued.pop("expires_at_millis")
    handler = ArrowFileSystemHandler(f"s3://{bucket}", {"endpoint_url": gateway.endpoint, **issued})
    fs = PyFileSystem(handler)
    pq.write_table(TABLE, "table.parquet", filesystem=fs)
    write(fs, "dir/file", b"x")
    with handler.open_input_file("table.parquet") as file:
        assert isinstance(file, pa.BufferReader)
    assert requests_of(gateway, lambda: pq.ParquetFile("table.parquet", filesystem=fs).read()) == ["GET"]
    assert requests_of(gateway, lambda: fs.get_file_info(FileSelector("dir"))) == ["GET"]


def test_listed_files_are_opened_side_by_side(gateway, bucket):
    """pyarrow opens the fragments of a dataset one after the other; their first requests are under way together."""
    issued = gateway.issue(60)
    issued.pop("expires_at_millis")
    handler = ArrowFileSystemHandler(f"s3://{bucket}", {"endpoint_url": gateway.endpoint, **issued})
    fs = PyFileSystem(handler)
    for number in range(4):
        write(fs, f"lake/{number}", b"%d" % number)
    paths = [info.path for info in fs.get_file_info(FileSelector("lake"))]
    gateway.hold("GET", "/lake/")
    files = [handler.open_input_file(path) for path in paths]
    assert gateway.wait_held(4) == 4
    gateway.release()
    assert [file.read() for file in files] == [b"0", b"1", b"2", b"3"]
    assert [(file.close(), file.closed) for file in files] == [(None, True)] * 4


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_listed_file_that_was_changed_is_an_error_when_it_is_read(change, cloud):
    """Each read says so, and closing does not."""
    handler = ArrowFileSystemHandler(f"{cloud.scheme}://{cloud.bucket}", cloud.options)
    cloud.raw.put("dir/file", b"abc")
    PyFileSystem(handler).get_file_info(FileSelector("dir"))
    error: type[Exception] = FileNotFoundError
    if change == "deleted":
        cloud.raw.delete("dir/file")
    else:
        cloud.raw.put("dir/file", b"more")
        error = OSError
    with handler.open_input_file("dir/file") as file:
        for use in (file.read, lambda: file.read_at(1, 0), file.read):
            with pytest.raises(error, match=r"dir/file"):
                use()
    cloud.raw.put("dir/file", b"other")
    assert handler.open_input_file("dir/file").read() == b"other", "asked anew after that"


@pytest.mark.parametrize("way", ["write", "copy", "move"])
def test_what_the_handler_wrote_after_a_listing_is_read(way, cloud):
    """The size that the listing told is no longer one to hold files to."""
    fs = PyFileSystem(ArrowFileSystemHandler(f"{cloud.scheme}://{cloud.bucket}", cloud.options))
    cloud.raw.put("dir/file", b"short")
    cloud.raw.put("dir/longer", b"longer than that")
    fs.get_file_info(FileSelector("dir"))
    if way == "write":
        with fs.open_output_stream("dir/file") as stream:
            stream.write(b"longer than that")
    else:
        {"copy": fs.copy_file, "move": fs.move}[way]("dir/longer", "dir/file")
    assert fs.open_input_file("dir/file").read() == b"longer than that"
