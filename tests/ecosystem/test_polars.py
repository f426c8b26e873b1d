"""polars reads and writes through fsspec's file objects, and scans through pyarrow's data sets."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.ecosystem.conftest import Lake

pl = pytest.importorskip("polars")
testing = pytest.importorskip("polars.testing")


@pytest.fixture
def frame() -> Any:
    """3,000 rows with text and gaps."""
    return pl.DataFrame(
        {
            "n": range(3_000),
            "x": [None if n % 11 == 0 else n / 3 for n in range(3_000)],
            "text": [f"ä {n}" for n in range(3_000)],
        }
    )


def written(frame: Any, form: str) -> bytes:
    """A file of a format, made in memory."""
    buffer = io.BytesIO()
    getattr(frame, f"write_{form}")(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["parquet", "csv", "ipc", "ndjson"])
def test_polars_reads_our_file_objects(lake: Lake, frame: Any, form: str) -> None:
    """``fs.open`` in the place of a path."""
    lake.put(f"a.{form}", written(frame, form))
    with lake.fs.open(lake.path(f"a.{form}")) as file:
        lake.expire()
        testing.assert_frame_equal(getattr(pl, f"read_{form}")(file), frame)


@pytest.mark.parametrize("form", ["parquet", "csv", "ipc", "ndjson"])
def test_polars_writes_our_file_objects(lake: Lake, frame: Any, form: str) -> None:
    """``fsspec.open`` for writing; a plain client finds the same bytes as polars makes in memory."""
    import fsspec

    with fsspec.open(lake.url(f"a.{form}"), "wb", **lake.options) as file:
        getattr(frame, f"write_{form}")(file)
    testing.assert_frame_equal(getattr(pl, f"read_{form}")(io.BytesIO(lake.get(f"a.{form}"))), frame)


def test_polars_reads_columns_with_pyarrow(lake: Lake, frame: Any) -> None:
    """``use_pyarrow`` with a file of ours."""
    pytest.importorskip("pyarrow")
    lake.put("a.parquet", written(frame, "parquet"))
    with lake.fs.open(lake.path("a.parquet")) as file:
        found = pl.read_parquet(file, use_pyarrow=True, columns=["n", "x"])
    testing.assert_frame_equal(found, frame.select("n", "x"))


def test_polars_scans_a_pyarrow_dataset(lake: Lake, frame: Any) -> None:
    """A lazy query is pushed down to a data set on our filesystem, across an expiry."""
    ds = pytest.importorskip("pyarrow.dataset")
    for part in range(3):
        lake.put(f"set/{part}.parquet", written(frame[part * 1_000 : (part + 1) * 1_000], "parquet"))
    lazy = pl.scan_pyarrow_dataset(ds.dataset(lake.path("set"), filesystem=lake.fs))
    lake.expire()
    found = lazy.filter(pl.col("n") >= 2_990).select("n", "text").collect()
    testing.assert_frame_equal(found, frame.filter(pl.col("n") >= 2_990).select("n", "text"))
    assert lazy.select(pl.len()).collect().item() == 3_000


def test_polars_scans_a_file_object_lazily(lake: Lake, frame: Any) -> None:
    """``scan_parquet`` takes a file object, too."""
    lake.put("a.parquet", written(frame, "parquet"))
    with lake.fs.open(lake.path("a.parquet")) as file:
        found = pl.scan_parquet(file).filter(pl.col("n") < 10).collect()
    testing.assert_frame_equal(found, frame[:10])


# -- on each cloud ----------------------------------------------------------------------------------------------------


def test_polars_on_each_cloud(cloud: CloudUnderTest, frame: Any) -> None:
    """Files of ours, both ways, and a lazy scan."""
    import fsspec

    with fsspec.open(cloud.url("a.parquet"), "wb", **cloud.options) as file:
        frame.write_parquet(file)
    testing.assert_frame_equal(pl.read_parquet(io.BytesIO(cloud.raw.get("a.parquet"))), frame)
    with fsspec.open(cloud.url("a.parquet"), **cloud.options) as file:
        testing.assert_frame_equal(pl.scan_parquet(file).filter(pl.col("n") < 9).collect(), frame[:9])


def test_polars_scans_a_dataset_on_each_cloud(cloud: CloudUnderTest, frame: Any) -> None:
    """A query, pushed down to pyarrow's data set on our filesystem."""
    ds = pytest.importorskip("pyarrow.dataset")
    for part in range(3):
        cloud.raw.put(f"set/{part}.parquet", written(frame[part * 1_000 : (part + 1) * 1_000], "parquet"))
    lazy = pl.scan_pyarrow_dataset(ds.dataset(cloud.path("set"), filesystem=cloud.fs()))
    found = lazy.filter(pl.col("n") >= 2_990).select("n", "text").collect()
    testing.assert_frame_equal(found, frame[2_990:].select("n", "text"))


def test_polars_sinks_into_our_files(cloud: CloudUnderTest, frame: Any) -> None:
    """A lazy query that streams its result into an open file."""
    try:
        frame.lazy().sink_csv(io.BytesIO())
    except TypeError:
        pytest.skip("this polars sinks into paths only")
    with cloud.fs().open(cloud.path("a.csv"), "wb") as file:
        frame.lazy().filter(pl.col("n") < 100).sink_csv(file)
    testing.assert_frame_equal(pl.read_csv(io.BytesIO(cloud.raw.get("a.csv"))), frame[:100])


def test_polars_takes_a_url_with_pyarrow(cloud: CloudUnderTest, frame: Any) -> None:
    """Where polars leaves a URL to fsspec, storage options reach us."""
    pytest.importorskip("pyarrow")
    cloud.raw.put("a.parquet", written(frame, "parquet"))
    found = pl.read_parquet(cloud.url("a.parquet"), use_pyarrow=True, columns=["n"], storage_options=cloud.options)
    testing.assert_frame_equal(found, frame.select("n"))
