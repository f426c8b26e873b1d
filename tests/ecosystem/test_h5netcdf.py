"""NetCDF and HDF5 files over ``open``: h5netcdf, h5py and xarray's engine, on each cloud."""

from __future__ import annotations

import io

import fsspec
import pytest

np = pytest.importorskip("numpy")
h5py = pytest.importorskip("h5py")
h5netcdf = pytest.importorskip("h5netcdf")

DATA = np.arange(60_000, dtype="<f8").reshape(200, 300)


def netcdf(dataset, folder):
    """A NetCDF file as xarray writes it: where it can seek."""
    name = folder / "made.nc"
    dataset.to_netcdf(name, engine="h5netcdf")
    return name.read_bytes()


@pytest.fixture
def url(cloud):
    """A NetCDF file of half a megabyte, written in memory."""
    buffer = io.BytesIO()
    with h5netcdf.File(buffer, "w") as file:
        file.dimensions = {"y": 200, "x": 300}
        file.create_variable("t", ("y", "x"), data=DATA, chunks=(20, 300)).attrs["units"] = "K"
    cloud.raw.put("d/a.nc", buffer.getvalue())
    return cloud.url("d/a.nc")


def test_h5netcdf_reads_slices_of_an_open_file(cloud, url):
    """Small reads all over the file."""
    with fsspec.open(url, **cloud.options) as file, h5netcdf.File(file, "r") as found:
        assert found["t"].attrs["units"] == "K"
        np.testing.assert_array_equal(found["t"][45:47, 10:20], DATA[45:47, 10:20])


@pytest.mark.parametrize("cache_type", ["readahead", "bytes", "blockcache", "all", "none"])
def test_h5py_reads_with_every_cache_of_fsspec(s3_cloud, cache_type):
    """What a file's cache does must not matter to what is read."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("t", data=DATA, chunks=(20, 300), compression="gzip")
    s3_cloud.raw.put("a.h5", buffer.getvalue())
    with s3_cloud.fs().open(s3_cloud.path("a.h5"), cache_type=cache_type) as file, h5py.File(file, "r") as found:
        np.testing.assert_array_equal(found["t"][190:], DATA[190:])
        np.testing.assert_array_equal(found["t"][:2], DATA[:2])


def test_xarray_opens_netcdf_lazily(cloud, url):
    """A file object as the source; only what is asked for is read."""
    xr = pytest.importorskip("xarray")
    with fsspec.open(url, **cloud.options) as file, xr.open_dataset(file, engine="h5netcdf", chunks=None) as found:
        assert found["t"].attrs == {"units": "K"}
        np.testing.assert_array_equal(found["t"][150, :5].values, DATA[150, :5])


def test_xarray_opens_several_netcdf_files(cloud, tmp_path):
    """``open_mfdataset`` over ``fsspec.open_files``, in threads."""
    xr = pytest.importorskip("xarray")
    dask = pytest.importorskip("dask")
    for part in range(3):
        one = xr.Dataset({"t": (("y", "x"), DATA[part * 10 : part * 10 + 10])})
        cloud.raw.put(f"d/{part}.nc", netcdf(one, tmp_path))
    opened = fsspec.open_files(cloud.url("d/*.nc"), **cloud.options)
    with opened as files, dask.config.set(scheduler="threads", num_workers=3):
        found = xr.open_mfdataset(files, engine="h5netcdf", combine="nested", concat_dim="y")
        np.testing.assert_array_equal(found["t"].values, DATA[:30])
        found.close()


def test_xarray_writes_netcdf_behind_a_cache(cloud, tmp_path):
    """NetCDF needs to seek where it writes: ``simplecache::`` gives it a local file, which goes up at the end."""
    xr = pytest.importorskip("xarray")
    expected = xr.Dataset({"t": (("y", "x"), DATA)})
    options = {cloud.scheme: cloud.options, "simplecache": {"cache_storage": str(tmp_path)}}
    with fsspec.open(f"simplecache::{cloud.url('a.nc')}", "wb", **options) as file:
        expected.to_netcdf(file.name, engine="h5netcdf")
    with h5py.File(io.BytesIO(cloud.raw.get("a.nc"))) as found:
        np.testing.assert_array_equal(found["t"][:], DATA)
