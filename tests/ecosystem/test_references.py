"""Kerchunk-style references: an HDF5 file in the bucket is read as a zarr store, by ranges of it."""

from __future__ import annotations

import io
import json

import fsspec
import pytest

np = pytest.importorskip("numpy")
h5py = pytest.importorskip("h5py")
xr = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr")
FsspecStore = pytest.importorskip("zarr.storage").FsspecStore

DATA = np.arange(600, dtype="<f8").reshape(20, 30)


def hdf5():
    """A chunked variable in an HDF5 file."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("t", data=DATA, chunks=(5, 30))
    return buffer.getvalue()


def references(data, target):
    """What kerchunk makes of the file: where each chunk lies, and zarr's metadata around them."""
    found = {
        ".zgroup": json.dumps({"zarr_format": 2}),
        "t/.zattrs": json.dumps({"_ARRAY_DIMENSIONS": ["y", "x"], "units": "K"}),
    }
    with h5py.File(io.BytesIO(data)) as file:
        variable = file["t"]
        found["t/.zarray"] = json.dumps(
            {
                "zarr_format": 2,
                "shape": variable.shape,
                "chunks": variable.chunks,
                "dtype": "<f8",
                "order": "C",
                "fill_value": None,
                "compressor": None,
                "filters": None,
            }
        )
        for at in range(variable.id.get_num_chunks()):
            chunk = variable.id.get_chunk_info(at)
            name = ".".join(str(start // size) for start, size in zip(chunk.chunk_offset, variable.chunks, strict=True))
            found[f"t/{name}"] = [target, chunk.byte_offset, chunk.size]
    return found


@pytest.fixture
def options(cloud):
    """What ``reference://`` takes, for a file and its references in the bucket."""
    data = hdf5()
    cloud.raw.put("d/a.h5", data)
    # A template keeps the URL once, as kerchunk writes it.
    listed = {"version": 1, "templates": {"u": cloud.url("d/a.h5")}, "refs": references(data, "{{u}}")}
    cloud.raw.put("d/a.json", json.dumps(listed).encode())
    return {
        "fo": cloud.url("d/a.json"),
        "target_options": cloud.options,
        "remote_protocol": cloud.scheme,
        "remote_options": cloud.options,
        "skip_instance_cache": True,
    }


def test_reference_filesystem_reads_ranges(cloud, options):
    """One chunk, several at once, a part of one."""
    fs = fsspec.filesystem("reference", **options)
    assert fs.cat("t/1.0") == DATA[5:10].tobytes()
    assert fs.cat(["t/0.0", "t/3.0"]) == {"t/0.0": DATA[:5].tobytes(), "t/3.0": DATA[15:].tobytes()}
    assert fs.cat_file("t/2.0", start=16, end=32) == DATA[10:15].tobytes()[16:32]
    assert sorted(fs.ls("t", detail=False)) == ["t/.zarray", "t/.zattrs", *(f"t/{n}.0" for n in range(4))]


def test_reference_filesystem_takes_an_instance(cloud, options):
    """``fs=`` with a filesystem of ours, and a URL without storage options in the references."""
    del options["remote_protocol"], options["remote_options"]
    fs = fsspec.filesystem("reference", fs={cloud.scheme: cloud.fs()}, **options)
    assert fs.cat("t/1.0") == DATA[5:10].tobytes()


def test_xarray_opens_references(options):
    """``engine="zarr"`` on ``reference://``, the way of kerchunk's readers."""
    remote = {**options.pop("remote_options"), "asynchronous": True}
    fs = fsspec.filesystem("reference", remote_options=remote, asynchronous=True, **options)
    store = FsspecStore(fs, read_only=True)
    with xr.open_dataset(store, engine="zarr", consolidated=False, zarr_format=2, chunks=None) as found:
        assert found["t"].dims == ("y", "x")
        np.testing.assert_array_equal(found["t"][7:13, 4].values, DATA[7:13, 4])
