"""dask with threads: data frames, bags and arrays by URL and ``storage_options``."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.ecosystem.conftest import Lake

dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")
np = pytest.importorskip("numpy")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """Several threads on one filesystem instance."""
    with dask.config.set(scheduler="threads", num_workers=4):
        yield


@pytest.fixture
def frame() -> Any:
    """6,000 rows."""
    rng = np.random.default_rng(11)
    return pd.DataFrame({"n": np.arange(6_000), "x": rng.normal(size=6_000), "group": np.arange(6_000) % 3})


def stored_frame(lake: Lake, prefix: str) -> Any:
    """What lies below a prefix, read without objfs, in the order of ``n``."""
    keys = [key for key in lake.stored(prefix) if key.endswith(".parquet")]
    parts = [pd.read_parquet(io.BytesIO(lake.get(key))) for key in keys]
    return pd.concat(parts).sort_values("n", ignore_index=True)


def test_dask_dataframe_writes_parquet(lake: Lake, frame: Any) -> None:
    """One file per partition, and its metadata, as a plain client finds them."""
    parts = dd.from_pandas(frame, npartitions=6)
    parts.to_parquet(lake.url("set"), storage_options=lake.options, write_index=False, write_metadata_file=True)
    assert len([key for key in lake.stored("set/") if key.endswith(".parquet")]) == 6
    pd.testing.assert_frame_equal(stored_frame(lake, "set/"), frame)
    assert pq.read_metadata(io.BytesIO(lake.get("set/_metadata"))).num_rows == len(frame)


def test_dask_dataframe_reads_parquet(lake: Lake, frame: Any) -> None:
    """Files that a plain client stored, whole and with columns and filters."""
    for at in range(0, 6_000, 1_000):
        buffer = io.BytesIO()
        frame[at : at + 1_000].to_parquet(buffer, index=False)
        lake.put(f"set/part.{at // 1_000}.parquet", buffer.getvalue())
    found = dd.read_parquet(lake.url("set"), storage_options=lake.options)
    assert found.npartitions == 6
    lake.expire()
    pd.testing.assert_frame_equal(found.compute().reset_index(drop=True), frame)
    some = dd.read_parquet(
        lake.url("set/*.parquet"), columns=["n"], filters=[("n", ">=", 4_990)], storage_options=lake.options
    )
    assert sorted(some["n"].compute()) == list(range(4_990, 6_000))


def test_dask_dataframe_appends_and_overwrites(lake: Lake, frame: Any) -> None:
    """A second write adds its partitions; an overwrite leaves nothing of the first."""
    options = {"storage_options": lake.options, "write_index": False}
    dd.from_pandas(frame[:3_000], npartitions=3).to_parquet(lake.url("set"), **options)
    dd.from_pandas(frame[3_000:], npartitions=2).to_parquet(
        lake.url("set"), append=True, ignore_divisions=True, **options
    )
    pd.testing.assert_frame_equal(stored_frame(lake, "set/"), frame)
    dd.from_pandas(frame[:10], npartitions=1).to_parquet(lake.url("set"), overwrite=True, **options)
    pd.testing.assert_frame_equal(stored_frame(lake, "set/"), frame[:10])


def test_dask_dataframe_writes_partitions_by_column(lake: Lake, frame: Any) -> None:
    """Hive directories."""
    dd.from_pandas(frame, npartitions=2).to_parquet(
        lake.url("set"), partition_on=["group"], storage_options=lake.options, write_index=False
    )
    assert {key.split("/")[1] for key in lake.stored("set/") if "=" in key} == {f"group={n}" for n in range(3)}
    again = dd.read_parquet(lake.url("set"), storage_options=lake.options, filters=[("group", "==", 1)]).compute()
    assert sorted(again["n"]) == list(range(1, 6_000, 3))


def test_dask_dataframe_reads_csv_by_blocks(lake: Lake, frame: Any) -> None:
    """Blocks that begin within a line; every row comes once."""
    lake.put("a.csv", frame.to_csv(index=False).encode())
    blocks = dd.read_csv(lake.url("a.csv"), blocksize=20_000, storage_options=lake.options)
    assert blocks.npartitions > 3
    lake.expire()
    pd.testing.assert_frame_equal(blocks.compute().reset_index(drop=True), frame)
    blocks.to_csv(lake.url("out/*.csv"), index=False, storage_options=lake.options)
    parts = [pd.read_csv(io.BytesIO(lake.get(key))) for key in lake.stored("out/")]
    assert len(parts) == blocks.npartitions
    pd.testing.assert_frame_equal(pd.concat(parts).sort_values("n", ignore_index=True), frame)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_dask_bag_writes_and_reads_text(lake: Lake, compression: str | None) -> None:
    """JSON lines, compressed or not."""
    bag = pytest.importorskip("dask.bag")
    ending = "" if compression is None else ".gz"
    records = [{"n": n, "text": f"ä {n}"} for n in range(500)]
    bag.from_sequence(records, npartitions=4).map(json.dumps).to_textfiles(
        lake.url(f"bag/*.json{ending}"), storage_options=lake.options
    )
    assert lake.stored() == [f"bag/{n}.json{ending}" for n in range(4)]
    assert lake.get(f"bag/0.json{ending}")[:2] == (b"\x1f\x8b" if compression else b'{"')
    lake.expire()
    found = bag.read_text(lake.url(f"bag/*.json{ending}"), storage_options=lake.options).map(json.loads)
    assert found.compute(scheduler="threads") == records


def test_dask_array_writes_and_reads_zarr(lake: Lake) -> None:
    """``to_zarr`` and ``from_zarr`` by URL."""
    pytest.importorskip("zarr")
    da = pytest.importorskip("dask.array")
    values = np.arange(10_000.0).reshape(100, 100)
    da.from_array(values, chunks=(25, 50)).to_zarr(lake.url("a.zarr"), storage_options=lake.options)
    assert len([key for key in lake.stored("a.zarr/") if "/c/" in key]) == 8
    lake.expire()
    found = da.from_zarr(lake.url("a.zarr"), storage_options=lake.options)
    assert found.sum().compute() == values.sum()
    np.testing.assert_array_equal(found[30:60, 10:].compute(), values[30:60, 10:])


def test_dask_read_bytes_cuts_at_the_delimiter(lake: Lake) -> None:
    """The blocks that dask itself reads with ``fsspec.utils.read_block``."""
    read_bytes = pytest.importorskip("dask.bytes").read_bytes
    lines = [f"line {n}\n".encode() for n in range(2_000)]
    lake.put("a.txt", b"".join(lines))
    sample, blocks = read_bytes(lake.url("a.txt"), delimiter=b"\n", blocksize=5_000, **lake.options)
    assert sample.startswith(lines[0])
    found = dask.compute(*blocks[0])
    assert b"".join(found) == b"".join(lines)
    assert all(block.endswith(b"\n") for block in found)


def test_dask_names_equal_reads_alike(expiring_lake: Lake) -> None:
    """The key of a task comes from the options and the provider's id, not from the instance."""
    read_bytes = pytest.importorskip("dask.bytes").read_bytes
    expiring_lake.put("a", b"x" * 100)
    names = set()
    for _ in range(2):
        expiring_lake.fs.clear_instance_cache()
        _, blocks = read_bytes(expiring_lake.url("a"), blocksize=50, sample=False, **expiring_lake.options)
        names.add(tuple(block.key for block in blocks[0]))
    assert len(names) == 1


# -- on each cloud ----------------------------------------------------------------------------------------------------


def test_dask_bag_on_each_cloud(cloud: CloudUnderTest) -> None:
    """Compressed JSON lines, written and read by URL."""
    bag = pytest.importorskip("dask.bag")
    records = [{"n": n, "text": f"ä {n}"} for n in range(200)]
    bag.from_sequence(records, npartitions=4).map(json.dumps).to_textfiles(
        cloud.url("bag/*.json.gz"), storage_options=cloud.options
    )
    assert cloud.raw.listed() == [f"bag/{n}.json.gz" for n in range(4)]
    found = bag.read_text(cloud.url("bag/*.json.gz"), storage_options=cloud.options).map(json.loads)
    assert found.compute(scheduler="threads") == records


def test_dask_array_on_each_cloud(cloud: CloudUnderTest) -> None:
    """A zarr array, written chunk by chunk and read in slices."""
    pytest.importorskip("zarr")
    da = pytest.importorskip("dask.array")
    values = np.arange(10_000.0).reshape(100, 100)
    da.from_array(values, chunks=(25, 50)).to_zarr(cloud.url("a.zarr"), storage_options=cloud.options)
    assert len([key for key in cloud.raw.listed() if "/c/" in key]) == 8
    found = da.from_zarr(cloud.url("a.zarr"), storage_options=cloud.options)
    np.testing.assert_array_equal(found[30:60, 10:].compute(), values[30:60, 10:])


def test_dask_read_bytes_on_each_cloud(cloud: CloudUnderTest) -> None:
    """Blocks that end at a delimiter, of two objects."""
    read_bytes = pytest.importorskip("dask.bytes").read_bytes
    lines = [f"line {n}\n".encode() for n in range(1_000)]
    cloud.raw.put("d/0.txt", b"".join(lines[:600]))
    cloud.raw.put("d/1.txt", b"".join(lines[600:]))
    _, blocks, paths = read_bytes(
        cloud.url("d/*.txt"), delimiter=b"\n", blocksize=2_000, include_path=True, **cloud.options
    )
    found = [dask.compute(*of_one) for of_one in blocks]
    assert [path.rpartition("/")[2] for path in paths] == ["0.txt", "1.txt"]
    assert b"".join(b"".join(of_one) for of_one in found) == b"".join(lines)
    assert all(block.endswith(b"\n") for of_one in found for block in of_one)


def test_dask_dataframe_of_csv_on_each_cloud(cloud: CloudUnderTest, frame: Any) -> None:
    """Blocks that begin within a line, and one file a partition."""
    cloud.raw.put("a.csv", frame.to_csv(index=False).encode())
    blocks = dd.read_csv(cloud.url("a.csv"), blocksize=50_000, storage_options=cloud.options)
    assert blocks.npartitions > 1
    blocks.to_csv(cloud.url("out/*.csv"), index=False, storage_options=cloud.options)
    parts = [pd.read_csv(io.BytesIO(cloud.raw.get(key))) for key in cloud.raw.listed() if key.startswith("out/")]
    pd.testing.assert_frame_equal(pd.concat(parts).sort_values("n", ignore_index=True), frame)
