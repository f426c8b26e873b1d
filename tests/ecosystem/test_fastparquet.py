"""fastparquet: its own functions with ``fs=`` and ``open_with=``, and as the engine of pandas."""

from __future__ import annotations

import io

import pytest

fastparquet = pytest.importorskip("fastparquet")
pd = pytest.importorskip("pandas")
pq = pytest.importorskip("pyarrow.parquet")

ROWS = 1_000


@pytest.fixture
def frame():
    """Numbers, text and a group."""
    return pd.DataFrame(
        {"n": range(ROWS), "text": [f"ä {n}" for n in range(ROWS)], "group": [f"g{n % 3}" for n in range(ROWS)]}
    )


def test_fastparquet_writes_one_file(cloud, frame):
    """``open_with`` is ``fs.open``; pyarrow reads the bytes that lie there."""
    fastparquet.write(cloud.path("a.parq"), frame, open_with=cloud.fs().open, row_group_offsets=250, compression="GZIP")
    assert cloud.raw.listed() == ["a.parq"]
    stored = pq.ParquetFile(io.BytesIO(cloud.raw.get("a.parq")))
    assert stored.num_row_groups == 4
    pd.testing.assert_frame_equal(stored.read().to_pandas(), frame, check_dtype=False)


def test_fastparquet_reads_columns_and_filters(cloud, frame):
    """A file that pyarrow wrote: a column, a row group, a condition."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, row_group_size=100, index=False)
    cloud.raw.put("a.parquet", buffer.getvalue())
    file = fastparquet.ParquetFile(cloud.path("a.parquet"), fs=cloud.fs())
    assert (file.count(), len(file.row_groups)) == (ROWS, 10)
    assert list(file.to_pandas(columns=["n"])["n"]) == list(range(ROWS))
    some = file.to_pandas(filters=[("n", ">=", 950)], row_filter=True)
    assert list(some["text"]) == [f"ä {n}" for n in range(950, ROWS)]


def test_fastparquet_writes_and_appends_to_a_partitioned_dataset(cloud, frame):
    """Hive directories with a metadata file of their own, and another write that adds to them."""
    fs = cloud.fs()
    options = {"file_scheme": "hive", "partition_on": ["group"], "open_with": fs.open, "mkdirs": lambda path: None}
    fastparquet.write(cloud.path("set"), frame[:600], **options)
    assert {key.split("/")[1] for key in cloud.raw.listed() if "=" in key} == {"group=g0", "group=g1", "group=g2"}
    assert "set/_metadata" in cloud.raw.listed()
    fastparquet.write(cloud.path("set"), frame[600:], append=True, **options)
    found = fastparquet.ParquetFile(cloud.path("set"), fs=fs).to_pandas(filters=[("group", "==", "g1")])
    assert sorted(found["n"]) == list(range(1, ROWS, 3))


def test_fastparquet_finds_a_dataset_without_metadata_file(cloud, frame):
    """Files below a directory, as the listing tells them."""
    for part in range(3):
        buffer = io.BytesIO()
        frame[part * 100 : part * 100 + 100].to_parquet(buffer, index=False)
        cloud.raw.put(f"set/part.{part}.parquet", buffer.getvalue())
    found = fastparquet.ParquetFile(cloud.path("set"), fs=cloud.fs()).to_pandas(columns=["n"])
    assert sorted(found["n"]) == list(range(300))


@pytest.mark.filterwarnings("ignore:The 'fastparquet' engine is deprecated")
def test_pandas_uses_fastparquet(cloud, frame):
    """``engine="fastparquet"`` with a URL and storage options, both ways."""
    url = cloud.url("a.parquet")
    frame.to_parquet(url, engine="fastparquet", index=False, storage_options=cloud.options)
    pd.testing.assert_frame_equal(
        pq.read_table(io.BytesIO(cloud.raw.get("a.parquet"))).to_pandas(), frame, check_dtype=False
    )
    again = pd.read_parquet(url, engine="fastparquet", columns=["n"], storage_options=cloud.options)
    assert list(again["n"]) == list(range(ROWS))
