"""The data stack on each of the three clouds, reached by URL and ``storage_options`` alone."""

from __future__ import annotations

import fsspec
import pytest

import objfs

FRAME = {"number": list(range(1000)), "name": [f"row {number}" for number in range(1000)]}


@pytest.fixture(params=["keys", "provider"])
def options(request, cloud):
    """Storage options: the keys themselves, or a provider that hands them out."""
    return cloud.options if request.param == "keys" else cloud.provided()


def test_fsspec_opens_urls(cloud, options):
    """Text, bytes and many files."""
    with fsspec.open(cloud.url("a.txt"), "w", **options) as file:
        file.write("äöü\n")
    with fsspec.open(cloud.url("a.txt"), "r", encoding="utf-8", **options) as file:
        assert file.read() == "äöü\n"
    cloud.raw.put("b.txt", b"b")
    opened = fsspec.open_files(cloud.url("*.txt"), "rb", **options)
    assert sorted(file.path for file in opened) == [cloud.path("a.txt"), cloud.path("b.txt")]
    fs, path = fsspec.url_to_fs(cloud.url("a.txt"), **options)
    assert (type(fs).__module__.partition(".")[0], path) == ("objfs", cloud.path("a.txt"))


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_pandas_round_trip(cloud, options, kind):
    """As users write it: a URL and storage_options."""
    pandas = pytest.importorskip("pandas")
    frame, url = pandas.DataFrame(FRAME), cloud.url(f"data.{kind}")
    extra = {"index": False} if kind == "csv" else {}
    getattr(frame, f"to_{kind}")(url, storage_options=options, **extra)
    again = getattr(pandas, f"read_{kind}")(url, storage_options=options)
    pandas.testing.assert_frame_equal(again, frame)
    assert cloud.raw.listed() == [f"data.{kind}"]


def test_pyarrow_dataset(cloud, options):
    """A partitioned dataset, written and scanned with a filter."""
    pa = pytest.importorskip("pyarrow")
    ds = pytest.importorskip("pyarrow.dataset")
    fs = fsspec.filesystem(cloud.scheme, **options)
    table = pa.table({"part": [0, 1] * 500, **FRAME})
    partitioning = ds.partitioning(pa.schema([("part", pa.int64())]), flavor="hive")
    ds.write_dataset(table, cloud.path("set"), format="parquet", partitioning=partitioning, filesystem=fs)
    found = ds.dataset(cloud.path("set"), partitioning="hive", filesystem=fs)
    assert found.to_table(filter=ds.field("part") == 1).num_rows == 500
    assert sorted(key.split("/")[1] for key in cloud.raw.listed()) == ["part=0", "part=1"]


@pytest.mark.parametrize("kept", [False, True], ids=["default", "use_listings_cache"])
def test_pyarrow_dataset_of_many_files_costs_a_read_for_each_where_listings_are_kept(cloud, options, kept):
    """Whether they are there, and how long they are, is known; by default both are asked for."""
    pa = pytest.importorskip("pyarrow")
    ds, pq = pytest.importorskip("pyarrow.dataset"), pytest.importorskip("pyarrow.parquet")
    fs = fsspec.filesystem(cloud.scheme, **options, use_listings_cache=kept, skip_instance_cache=True)
    table = pa.table({"part": [0, 1] * 500, **FRAME})
    for number in range(4):
        pq.write_table(table, cloud.path(f"set/{number}.parquet"), filesystem=fs)
    with objfs.trace() as trace:
        assert ds.dataset(cloud.path("set"), filesystem=fs).to_table().num_rows == 4000
    verbs = [request.verb for request in trace.requests if (request.key or "").endswith(".parquet")]
    assert (verbs.count("GET") >= 4, "HEAD" in verbs) == (True, not kept)


def test_pyarrow_parquet_file(cloud, options):
    """One column of a file, read by ranges."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    fs = fsspec.filesystem(cloud.scheme, **options)
    pq.write_table(pa.table(FRAME), cloud.path("one.parquet"), filesystem=fs)
    assert pq.read_table(cloud.path("one.parquet"), columns=["number"], filesystem=fs).column_names == ["number"]


def test_dask_dataframe(cloud, options):
    """Written in parts, read in another order."""
    dd = pytest.importorskip("dask.dataframe")
    pandas = pytest.importorskip("pandas")
    frame = dd.from_pandas(pandas.DataFrame(FRAME), npartitions=4)
    frame.to_parquet(cloud.url("frame"), storage_options=options)
    again = dd.read_parquet(cloud.url("frame"), storage_options=options)
    assert (int(again["number"].sum().compute()), len(again)) == (sum(FRAME["number"]), 1000)


def test_xarray_and_zarr(cloud, options):
    """A consolidated zarr store, a variable read in slices."""
    np = pytest.importorskip("numpy")
    xr = pytest.importorskip("xarray")
    pytest.importorskip("zarr")
    data = xr.Dataset({"t": (("x", "y"), np.arange(4000.0).reshape(40, 100))})
    data.chunk({"x": 10}).to_zarr(cloud.url("store.zarr"), storage_options=options, zarr_format=2)
    with xr.open_zarr(cloud.url("store.zarr"), storage_options=options) as again:
        assert float(again["t"][5:7].sum()) == float(data["t"][5:7].sum())
        assert again["t"].dims == ("x", "y")


def test_mapper_is_a_dict_of_bytes(cloud, options):
    """What zarr 2 and others build on."""
    mapper = fsspec.get_mapper(cloud.url("map"), **options)
    mapper["a/b"] = b"1"
    assert (mapper["a/b"], list(mapper), cloud.raw.listed()) == (b"1", ["a/b"], ["map/a/b"])
    del mapper["a/b"]
    with pytest.raises(KeyError):
        mapper["a/b"]
