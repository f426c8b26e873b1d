"""xarray opens Zarr and NetCDF on our URLs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.ecosystem.conftest import Lake

xr = pytest.importorskip("xarray")
np = pytest.importorskip("numpy")
pytest.importorskip("zarr")

FORMATS = pytest.mark.parametrize("zarr_format", [2, 3], ids=["v2", "v3"])


@pytest.fixture
def dataset() -> Any:
    """Temperature on a small grid, with times and attributes."""
    rng = np.random.default_rng(3)
    return xr.Dataset(
        {"t": (("time", "y", "x"), rng.normal(size=(6, 8, 10)), {"units": "K"})},
        coords={"time": np.arange("2026-01-01", "2026-01-07", dtype="M8[D]").astype("M8[ns]"), "x": np.arange(10.0)},
        attrs={"title": "ä"},
    )


@FORMATS
@pytest.mark.parametrize("consolidated", [True, False], ids=["consolidated", "plain"])
def test_xarray_writes_and_reads_zarr_by_url(lake: Lake, dataset: Any, zarr_format: int, consolidated: bool) -> None:
    """``to_zarr`` and ``open_zarr`` with storage options; the chunks are where a plain client expects them."""
    import warnings

    encoding = {"t": {"chunks": (2, 8, 10), "compressors": None}}
    with warnings.catch_warnings():
        # The format says nothing of consolidated metadata yet, of which zarr warns.
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part", UserWarning)
        dataset.to_zarr(
            lake.url("d"),
            storage_options=lake.options,
            zarr_format=zarr_format,
            consolidated=consolidated,
            encoding=encoding,
        )
    key = "d/t/c/1/0/0" if zarr_format == 3 else "d/t/1.0.0"
    stored = np.frombuffer(lake.get(key), "f8").reshape(2, 8, 10)
    np.testing.assert_array_equal(stored, dataset["t"][2:4].values)
    lake.expire()
    with xr.open_zarr(lake.url("d"), storage_options=lake.options, consolidated=consolidated, chunks=None) as again:
        xr.testing.assert_identical(again.load(), dataset)


def test_xarray_reads_what_was_written_locally(lake: Lake, dataset: Any, tmp_path: Any) -> None:
    """A local store, uploaded by botocore; ``open_dataset`` with ``engine="zarr"`` and lazily."""
    dataset.to_zarr(str(tmp_path / "d"), zarr_format=2, consolidated=True)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            lake.put(file.relative_to(tmp_path).as_posix(), file.read_bytes())
    options = {"storage_options": lake.options}
    with xr.open_dataset(lake.url("d"), engine="zarr", backend_kwargs=options) as again:
        lake.expire()
        np.testing.assert_array_equal(again["t"].sel(x=3.0).values, dataset["t"].sel(x=3.0).values)
        assert again.attrs == {"title": "ä"}


@FORMATS
def test_xarray_takes_an_fsspec_store(lake: Lake, dataset: Any, zarr_format: int) -> None:
    """``FsspecStore.from_url`` in the place of a URL, and appending along a dimension."""
    from zarr.storage import FsspecStore

    store = FsspecStore.from_url(lake.url("d"), storage_options=lake.options)
    options = {"zarr_format": zarr_format, "consolidated": False}
    dataset.isel(time=slice(0, 4)).to_zarr(
        store, mode="w", encoding={"time": {"units": "days since 2026-01-01"}}, **options
    )
    lake.expire()
    dataset.isel(time=slice(4, 6)).to_zarr(store, append_dim="time", **options)
    with xr.open_zarr(store, chunks=None, **options) as again:
        xr.testing.assert_equal(again.load(), dataset)


def test_xarray_with_dask_chunks_reads_in_threads(lake: Lake, dataset: Any) -> None:
    """Lazy chunks, computed by several threads on one instance."""
    dask = pytest.importorskip("dask")
    dataset.chunk(time=1).to_zarr(lake.url("d"), storage_options=lake.options, consolidated=False)
    lake.expire()
    with dask.config.set(scheduler="threads", num_workers=4):
        again = xr.open_zarr(lake.url("d"), storage_options=lake.options, consolidated=False)
        assert float(again["t"].mean().compute()) == pytest.approx(float(dataset["t"].mean()))


def test_xarray_takes_a_mapper(lake: Lake, dataset: Any) -> None:
    """``fs.get_mapper`` is what older programs pass."""
    import fsspec

    mapper = fsspec.get_mapper(lake.url("d"), **lake.options)
    dataset.to_zarr(mapper, consolidated=False)
    assert "t" in {key.split("/")[1] for key in lake.stored("d/")}
    with xr.open_zarr(mapper, consolidated=False, chunks=None) as again:
        xr.testing.assert_identical(again.load(), dataset)


def test_xarray_reads_netcdf_through_an_open_file(lake: Lake, dataset: Any, tmp_path: Any) -> None:
    """h5netcdf over ``fs.open``: many small reads at random places, credentials ending among them."""
    pytest.importorskip("h5netcdf")
    pytest.importorskip("h5py")
    dataset.to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    lake.put("d.nc", (tmp_path / "d.nc").read_bytes())
    with lake.fs.open(lake.path("d.nc")) as file, xr.open_dataset(file, engine="h5netcdf") as again:
        lake.expire()
        xr.testing.assert_identical(again.load(), dataset)


# -- on each cloud ----------------------------------------------------------------------------------------------------


@FORMATS
@pytest.mark.parametrize("consolidated", [True, False], ids=["consolidated", "plain"])
@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part:UserWarning")
def test_xarray_on_each_cloud(cloud: CloudUnderTest, dataset: Any, zarr_format: int, consolidated: bool) -> None:
    """Both formats, consolidated or not, written and read by URL, and appended to."""
    options = {"storage_options": cloud.options, "zarr_format": zarr_format, "consolidated": consolidated}
    dataset[{"time": slice(0, 4)}].to_zarr(
        cloud.url("d"), encoding={"time": {"units": "days since 2026-01-01"}}, **options
    )
    markers = {"d/zarr.json"} if zarr_format == 3 else {"d/.zgroup", *(["d/.zmetadata"] if consolidated else [])}
    assert {key for key in cloud.raw.listed() if key.count("/") == 1 and "zattrs" not in key} == markers
    dataset[{"time": slice(4, 6)}].to_zarr(cloud.url("d"), append_dim="time", **options)
    with xr.open_zarr(cloud.url("d"), chunks=None, **options) as again:
        xr.testing.assert_equal(again.load(), dataset)
