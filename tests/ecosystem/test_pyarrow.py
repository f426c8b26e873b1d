"""pyarrow takes the filesystem as ``filesystem=``, and wraps it as one of its own."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.ecosystem.conftest import Lake

pa = pytest.importorskip("pyarrow")
ds = pytest.importorskip("pyarrow.dataset")
pq = pytest.importorskip("pyarrow.parquet")
csv = pytest.importorskip("pyarrow.csv")
feather = pytest.importorskip("pyarrow.feather")
arrow_fs = pytest.importorskip("pyarrow.fs")
ROWS = 4_000


@pytest.fixture
def table() -> Any:
    """Three columns of 4,000 rows."""
    numbers = list(range(ROWS))
    return pa.table(
        {"number": numbers, "half": [n / 2 for n in numbers], "group": [f"g{n % 4}" for n in numbers]},
    )


def parquet_bytes(table: Any, **options: Any) -> bytes:
    """A Parquet file made in memory."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def wrapped(lake: Lake) -> Any:
    """Our filesystem as pyarrow wraps it."""
    return arrow_fs.PyFileSystem(arrow_fs.FSSpecHandler(lake.fs))


def kinds(infos: Any) -> dict[str, str]:
    """Path to the kind that pyarrow tells."""
    return {info.path: info.type.name for info in infos}


# -- data sets and files ----------------------------------------------------------------------------------------------


def test_pyarrow_writes_a_dataset_that_a_plain_client_reads(lake: Lake, table: Any) -> None:
    """Every file of a partitioned data set holds the rows that belong there."""
    ds.write_dataset(
        table,
        lake.path("set"),
        format="parquet",
        filesystem=lake.fs,
        partitioning=ds.partitioning(pa.schema([("group", pa.string())]), flavor="hive"),
        max_rows_per_file=500,
        max_rows_per_group=500,
    )
    found: dict[str, list[int]] = {}
    for key in lake.stored("set/"):
        rows = pq.read_table(io.BytesIO(lake.get(key)))["number"].to_pylist()
        found.setdefault(key.split("/")[1], []).extend(rows)
    expected = {f"group=g{group}": list(range(group, ROWS, 4)) for group in range(4)}
    assert {group: sorted(rows) for group, rows in found.items()} == expected
    assert len(lake.stored("set/")) == 8


def test_pyarrow_reads_a_dataset_that_a_plain_client_wrote(lake: Lake, table: Any) -> None:
    """Discovery, hive partitions, projection and filter, across an expiry."""
    for group in range(4):
        part = table.filter(pa.compute.equal(table["group"], f"g{group}")).drop_columns("group")
        lake.put(f"set/group=g{group}/part 0.parquet", parquet_bytes(part))
    found = ds.dataset(lake.path("set"), filesystem=lake.fs, partitioning="hive")
    assert found.count_rows() == ROWS
    lake.expire()
    assert sorted(found.to_table()["number"].to_pylist()) == list(range(ROWS))
    lake.expire()
    some = found.to_table(columns=["half"], filter=(ds.field("group") == "g3") & (ds.field("number") < 20))
    assert some["half"].to_pylist() == [n / 2 for n in range(3, 20, 4)]


def test_pyarrow_replaces_a_dataset(lake: Lake, table: Any) -> None:
    """``delete_matching`` removes the files of the partitions it writes and leaves the others."""
    partitioning = ds.partitioning(pa.schema([("group", pa.string())]), flavor="hive")
    options = {"format": "parquet", "filesystem": lake.fs, "partitioning": partitioning}
    ds.write_dataset(table, lake.path("set"), basename_template="old-{i}.parquet", **options)
    half = table.filter(pa.compute.is_in(table["group"], pa.array(["g0", "g1"])))
    ds.write_dataset(
        half.slice(0, 100),
        lake.path("set"),
        basename_template="new-{i}.parquet",
        existing_data_behavior="delete_matching",
        **options,
    )
    assert lake.stored("set/") == [f"set/group=g{n}/{age}-0.parquet" for n, age in enumerate(["new"] * 2 + ["old"] * 2)]
    assert ds.dataset(lake.path("set"), filesystem=lake.fs, partitioning="hive").count_rows() == 100 + ROWS // 2


@pytest.mark.parametrize("wrap", [False, True], ids=["filesystem", "PyFileSystem"])
def test_pyarrow_parquet_reads_metadata_and_one_row_group(lake: Lake, table: Any, wrap: bool) -> None:
    """The footer, a single row group, a single column."""
    lake.put("a.parquet", parquet_bytes(table, row_group_size=1_000))
    filesystem = wrapped(lake) if wrap else lake.fs
    metadata = pq.read_metadata(lake.path("a.parquet"), filesystem=filesystem)
    assert (metadata.num_rows, metadata.num_row_groups) == (ROWS, 4)
    assert pq.read_schema(lake.path("a.parquet"), filesystem=filesystem).names == table.column_names
    lake.expire()
    with pq.ParquetFile(lake.path("a.parquet"), filesystem=filesystem) as file:
        assert file.read_row_group(2, columns=["number"])["number"].to_pylist() == list(range(2_000, 3_000))
        assert sum(batch.num_rows for batch in file.iter_batches(batch_size=300)) == ROWS
    assert pq.read_table(lake.path("a.parquet"), filesystem=filesystem, pre_buffer=True).equals(table)


def test_pyarrow_parquet_writer_streams_row_groups_over_several_parts(lake: Lake) -> None:
    """More than one part of an upload, written while credentials end."""
    rows = 1_000_000
    block = pa.table({"n": pa.array(range(rows), pa.int64())})
    with (
        lake.fs.open(lake.path("big.parquet"), "wb", block_size=5 << 20) as file,
        pq.ParquetWriter(file, block.schema, compression="none", use_dictionary=False) as writer,
    ):
        writer.write_table(block, row_group_size=100_000)
        # Once only: a part that meets two expiries within its one retry may fail.
        lake.expire()
        writer.write_table(block, row_group_size=100_000)
    stored = lake.get("big.parquet")
    assert len(stored) > 10 << 20
    assert pq.read_table(io.BytesIO(stored)).equals(pa.concat_tables([block, block]))


def test_pyarrow_csv_and_feather_take_our_files(lake: Lake, table: Any) -> None:
    """File objects in the place of names, both directions."""
    with lake.fs.open(lake.path("a.csv"), "wb") as file:
        csv.write_csv(table, file)
    assert csv.read_csv(io.BytesIO(lake.get("a.csv"))).equals(table)
    with lake.fs.open(lake.path("a.csv")) as file:
        assert csv.read_csv(file).equals(table)
    with lake.fs.open(lake.path("a.feather"), "wb") as file:
        feather.write_feather(table, file)
    assert feather.read_table(io.BytesIO(lake.get("a.feather"))).equals(table)
    with lake.fs.open(lake.path("a.feather")) as file:
        assert feather.read_table(file, columns=["half"])["half"].equals(table["half"])


def test_pyarrow_ipc_stream_is_read_in_order(lake: Lake, table: Any) -> None:
    """A stream of record batches, which is never seeked."""
    with lake.fs.open(lake.path("a.arrows"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=500)
    with lake.fs.open(lake.path("a.arrows")) as file, pa.ipc.open_stream(file) as reader:
        assert reader.read_all().equals(table)
    assert pa.ipc.open_stream(lake.get("a.arrows")).read_all().equals(table)


# -- PyFileSystem(FSSpecHandler(fs)) ----------------------------------------------------------------------------------


def test_pyarrow_wraps_what_fsspec_finds(lake: Lake) -> None:
    """The handler's name and equality are those of our class."""
    import objfs

    assert wrapped(lake).type_name == "py::fsspec+('s3', 's3a')"
    assert isinstance(wrapped(lake).handler.fs, objfs.S3FileSystem)
    assert wrapped(lake) == wrapped(lake)


def test_pyarrow_tells_files_directories_and_nothing(lake: Lake) -> None:
    """``get_file_info`` of each, with the size of a file."""
    lake.put("dir/a.bin", b"12345")
    paths = [lake.path(key) for key in ("dir/a.bin", "dir", "absent", "")]
    file, directory, missing, top = wrapped(lake).get_file_info(paths)
    assert (file.type.name, file.size, file.base_name, file.extension) == ("File", 5, "a.bin", "bin")
    assert [info.type.name for info in (directory, missing, top)] == ["Directory", "NotFound", "Directory"]


@pytest.mark.parametrize("recursive", [False, True])
def test_pyarrow_selects_below_a_directory(lake: Lake, recursive: bool) -> None:
    """FileSelector with and without recursion."""
    for key in ("dir/a", "dir/b/c", "dir/b/d/e", "other"):
        lake.put(key, b"x")
    found = kinds(wrapped(lake).get_file_info(arrow_fs.FileSelector(lake.path("dir"), recursive=recursive)))
    expected = {"dir/a": "File", "dir/b": "Directory"}
    if recursive:
        expected |= {"dir/b/c": "File", "dir/b/d": "Directory", "dir/b/d/e": "File"}
    assert found == {lake.path(key): kind for key, kind in expected.items()}


def test_pyarrow_selector_of_nothing_raises_unless_allowed(lake: Lake) -> None:
    """A directory that is not there."""
    with pytest.raises(FileNotFoundError):
        wrapped(lake).get_file_info(arrow_fs.FileSelector(lake.path("absent"), recursive=True))
    allowed = arrow_fs.FileSelector(lake.path("absent"), recursive=True, allow_not_found=True)
    assert wrapped(lake).get_file_info(allowed) == []


def test_pyarrow_deletes_directories_and_files(lake: Lake) -> None:
    """``delete_dir``, ``delete_dir_contents`` and ``delete_file`` take what they say."""
    for key in ("a/1", "a/b/2", "ab/3", "c/4", "c/5"):
        lake.put(key, b"x")
    filesystem = wrapped(lake)
    filesystem.delete_dir(lake.path("a"))
    assert lake.stored() == ["ab/3", "c/4", "c/5"]
    lake.expire()
    filesystem.delete_dir_contents(lake.path("ab"))
    assert lake.stored() == ["c/4", "c/5"]
    filesystem.delete_file(lake.path("c/4"))
    assert lake.stored() == ["c/5"]
    with pytest.raises(FileNotFoundError):
        filesystem.delete_dir(lake.path("absent"))


def test_pyarrow_moves_and_copies(lake: Lake) -> None:
    """``move`` and ``copy_file`` within the bucket."""
    lake.put("a", b"first")
    filesystem = wrapped(lake)
    filesystem.copy_file(lake.path("a"), lake.path("dir/b"))
    filesystem.move(lake.path("a"), lake.path("c"))
    assert {key: lake.get(key) for key in lake.stored()} == {"c": b"first", "dir/b": b"first"}


def test_pyarrow_streams_write_read_and_append(lake: Lake) -> None:
    """Output, append, input stream and random access file."""
    filesystem, path = wrapped(lake), lake.path("a.bin")
    with filesystem.open_output_stream(path, compression=None) as stream:
        stream.write(b"0123")
    assert lake.get("a.bin") == b"0123"
    lake.expire()
    with filesystem.open_append_stream(path) as stream:
        stream.write(b"4567")
    assert lake.get("a.bin") == b"01234567"
    with filesystem.open_input_stream(path) as stream:
        assert stream.read() == b"01234567"
    with filesystem.open_input_file(path) as file:
        assert (file.size(), file.read_at(3, 2)) == (8, b"234")
        file.seek(6)
        assert file.read() == b"67"
    with filesystem.open_output_stream(lake.path("a.gz")) as stream:
        stream.write(b"text" * 100)
    with filesystem.open_input_stream(lake.path("a.gz")) as stream:
        assert stream.read() == b"text" * 100
    assert lake.get("a.gz")[:2] == b"\x1f\x8b"


def test_pyarrow_appends_to_a_large_object(lake: Lake) -> None:
    """An object that is longer than the smallest part is copied, not downloaded."""
    data = bytes(range(256)) * (6 << 12)
    lake.put("a.bin", data)
    with wrapped(lake).open_append_stream(lake.path("a.bin")) as stream:
        stream.write(b"the end")
    assert lake.get("a.bin") == data + b"the end"


def test_pyarrow_create_dir_leaves_no_marker(lake: Lake) -> None:
    """A directory within a bucket needs no object."""
    wrapped(lake).create_dir(lake.path("some/dir"), recursive=True)
    assert lake.stored() == []


def test_pyarrow_copies_files_to_and_from_a_local_directory(lake: Lake, tmp_path: Any) -> None:
    """``pyarrow.fs.copy_files`` in both directions."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a").write_bytes(b"1")
    (tmp_path / "in" / "deep" / "b").write_bytes(b"22")
    local = arrow_fs.LocalFileSystem()
    arrow_fs.copy_files(
        str(tmp_path / "in"), lake.path("up"), source_filesystem=local, destination_filesystem=wrapped(lake)
    )
    assert {key: lake.get(key) for key in lake.stored()} == {"up/a": b"1", "up/deep/b": b"22"}
    arrow_fs.copy_files(
        lake.path("up"), str(tmp_path / "out"), source_filesystem=wrapped(lake), destination_filesystem=local
    )
    assert (tmp_path / "out" / "deep" / "b").read_bytes() == b"22"


# -- on each cloud ----------------------------------------------------------------------------------------------------


@pytest.fixture
def _fsspec_uris() -> None:
    """Skips the test where pyarrow is older than these URIs."""
    try:
        arrow_fs.FileSystem.from_uri("fsspec+memory://a")
    except pa.ArrowInvalid:
        pytest.skip("this pyarrow has no fsspec+ URIs")


@pytest.mark.usefixtures("_fsspec_uris")
def test_pyarrow_finds_us_by_an_fsspec_uri(cloud: CloudUnderTest) -> None:
    """``FileSystem.from_uri("fsspec+s3://…")``, with the options in fsspec's configuration."""
    import fsspec.config

    fsspec.config.conf[cloud.scheme] = cloud.options
    cloud.raw.put("d/a.bin", b"12345")
    filesystem, path = arrow_fs.FileSystem.from_uri(f"fsspec+{cloud.url('d/a.bin')}")
    assert type(filesystem.handler.fs).__module__.partition(".")[0] == "objfs"
    assert path == cloud.path("d/a.bin")
    with filesystem.open_input_file(path) as file:
        assert (file.size(), file.read_at(2, 3)) == (5, b"45")
    with filesystem.open_output_stream(cloud.path("d/b.bin")) as stream:
        stream.write(b"67")
    assert cloud.raw.get("d/b.bin") == b"67"


@pytest.mark.usefixtures("_fsspec_uris")
def test_pyarrow_reads_a_table_by_an_fsspec_uri(cloud: CloudUnderTest, table: Any) -> None:
    """Functions that take a URI take this one."""
    import fsspec.config

    fsspec.config.conf[cloud.scheme] = cloud.options
    cloud.raw.put("set/a.parquet", parquet_bytes(table))
    assert pq.read_table(f"fsspec+{cloud.url('set/a.parquet')}").equals(table)
    assert ds.dataset(f"fsspec+{cloud.url('set')}", format="parquet").count_rows() == ROWS


def test_pyarrow_handler_does_every_verb(cloud: CloudUnderTest) -> None:
    """``PyFileSystem(FSSpecHandler(fs))``: infos, selectors, copies, moves, deletions."""
    filesystem = arrow_fs.PyFileSystem(arrow_fs.FSSpecHandler(cloud.fs()))
    for key in ("d/a", "d/b/c", "other"):
        cloud.raw.put(key, b"x" * len(key))
    infos = filesystem.get_file_info([cloud.path(key) for key in ("d/a", "d", "absent")])
    assert [(info.type.name, info.size) for info in infos] == [("File", 3), ("Directory", None), ("NotFound", None)]
    selected = filesystem.get_file_info(arrow_fs.FileSelector(cloud.path("d"), recursive=True))
    assert kinds(selected) == {cloud.path("d/a"): "File", cloud.path("d/b"): "Directory", cloud.path("d/b/c"): "File"}
    filesystem.copy_file(cloud.path("other"), cloud.path("d/copy"))
    filesystem.move(cloud.path("d/a"), cloud.path("moved"))
    assert cloud.raw.listed() == ["d/b/c", "d/copy", "moved", "other"]
    filesystem.delete_file(cloud.path("moved"))
    filesystem.delete_dir(cloud.path("d"))
    assert cloud.raw.listed() == ["other"]
    filesystem.create_dir(cloud.path("new/dir"), recursive=True)
    assert cloud.raw.listed() == ["other"]


def test_pyarrow_csv_dataset(cloud: CloudUnderTest, table: Any) -> None:
    """A data set of CSV files, written and scanned; single files through ``open``."""
    ds.write_dataset(
        table, cloud.path("set"), format="csv", filesystem=cloud.fs(), max_rows_per_file=1_000, max_rows_per_group=1_000
    )
    assert len(cloud.raw.listed()) == 4
    found = ds.dataset(cloud.path("set"), format="csv", filesystem=cloud.fs())
    assert sorted(found.to_table(filter=ds.field("group") == "g1")["number"].to_pylist()) == list(range(1, ROWS, 4))
    with cloud.fs().open(cloud.path("a.csv"), "wb") as file:
        csv.write_csv(table, file)
    assert csv.read_csv(io.BytesIO(cloud.raw.get("a.csv"))).equals(table)
    with cloud.fs().open(cloud.path("a.csv")) as file:
        assert csv.read_csv(file).equals(table)
