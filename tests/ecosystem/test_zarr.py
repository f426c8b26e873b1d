"""zarr stores on our filesystem: by URL, from an instance, and the asynchronous twin that zarr makes through JSON."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.ecosystem.conftest import Lake

zarr = pytest.importorskip("zarr")
np = pytest.importorskip("numpy")
FsspecStore = pytest.importorskip("zarr.storage").FsspecStore

FORMATS = pytest.mark.parametrize("zarr_format", [2, 3], ids=["v2", "v3"])


def values() -> Any:
    """60 by 40 numbers."""
    return np.arange(2_400, dtype="f8").reshape(60, 40)


def fill(group: Any) -> None:
    """An array, an array in a nested group, attributes."""
    group.attrs["title"] = "ä"
    group.create_array("a", shape=(60, 40), chunks=(20, 20), dtype="f8", compressors=None)[:] = values()
    group.create_group("inner").create_array("b", data=np.arange(10), chunks=(5,))


def chunk_key(zarr_format: int, *index: int) -> str:
    """Where a chunk of ``a`` lies."""
    return f"z/a/c/{'/'.join(map(str, index))}" if zarr_format == 3 else f"z/a/{'.'.join(map(str, index))}"


@FORMATS
def test_zarr_writes_chunks_that_a_plain_client_finds(lake: Lake, zarr_format: int) -> None:
    """The raw bytes of one chunk, and the metadata, without zarr."""
    fill(zarr.open_group(lake.url("z"), mode="w", storage_options=lake.options, zarr_format=zarr_format))
    stored = np.frombuffer(lake.get(chunk_key(zarr_format, 1, 0)), "f8").reshape(20, 20)
    np.testing.assert_array_equal(stored, values()[20:40, :20])
    if zarr_format == 3:
        assert json.loads(lake.get("z/zarr.json"))["attributes"] == {"title": "ä"}
    else:
        assert json.loads(lake.get("z/.zattrs")) == {"title": "ä"}


@FORMATS
def test_zarr_reads_what_a_plain_client_stored(lake: Lake, zarr_format: int, tmp_path: Any) -> None:
    """A local store, uploaded by botocore, read by URL and across an expiry."""
    fill(zarr.open_group(str(tmp_path / "z"), mode="w", zarr_format=zarr_format))
    for file in tmp_path.rglob("*"):
        if file.is_file():
            lake.put(file.relative_to(tmp_path).as_posix(), file.read_bytes())
    group = zarr.open_group(lake.url("z"), mode="r", storage_options=lake.options)
    np.testing.assert_array_equal(group["a"][:], values())
    lake.expire()
    np.testing.assert_array_equal(group["a"][25:35, 39], values()[25:35, 39])
    assert group["inner/b"][7] == 7
    assert dict(group.attrs) == {"title": "ä"}
    assert sorted(name for name, _ in group.members(max_depth=None)) == ["a", "inner", "inner/b"]


@FORMATS
def test_zarr_store_from_url_lists_and_deletes(lake: Lake, zarr_format: int) -> None:
    """``FsspecStore.from_url``: existence, listing, partial reads, deletion."""
    fill(zarr.open_group(lake.url("z"), mode="w", storage_options=lake.options, zarr_format=zarr_format))
    store = FsspecStore.from_url(lake.url("z"), storage_options=lake.options)
    group = zarr.open_group(store, mode="a", zarr_format=zarr_format)
    assert sorted(group.keys()) == ["a", "inner"]
    del group["a"]
    assert [key for key in lake.stored("z/") if "/a/" in key] == []
    assert sorted(group.keys()) == ["inner"]

    async def through_the_store() -> tuple[bool, bool, list[str]]:
        there, gone = await store.exists(marker), await store.exists("a/nothing")
        return there, gone, sorted([key async for key in store.list_dir("")])

    marker = "zarr.json" if zarr_format == 3 else ".zgroup"
    there, gone, names = asyncio.run(through_the_store())
    assert (there, gone) == (True, False)
    assert {"inner", marker} <= set(names)


def test_zarr_store_from_a_blocking_instance_makes_an_asynchronous_twin(expiring_lake: Lake) -> None:
    """zarr turns the instance into JSON and back: the twin has the same provider and keeps refreshing."""
    import objfs

    fs = expiring_lake.fs
    with pytest.warns(UserWarning, match="not created with `asynchronous=True`"):
        store = FsspecStore(fs, path=expiring_lake.path("z"))
    assert store.fs is fs
    twin = FsspecStore.from_mapper(fs.get_mapper(expiring_lake.path("z"))).fs
    assert isinstance(twin, objfs.S3FileSystem)
    assert twin.asynchronous
    assert twin.storage_options["storage_options_provider"] == expiring_lake.options["storage_options_provider"]
    mapped = FsspecStore.from_mapper(fs.get_mapper(expiring_lake.path("z")))
    fill(zarr.open_group(mapped, mode="w"))
    expiring_lake.expire()
    np.testing.assert_array_equal(zarr.open_group(mapped, mode="r")["a"][:], values())


def test_zarr_store_pickles_without_secrets(expiring_lake: Lake) -> None:
    """A store travels with the provider only."""
    import pickle

    store = FsspecStore.from_url(expiring_lake.url("z"), storage_options=expiring_lake.options)
    fill(zarr.open_group(store, mode="w"))
    text = pickle.dumps(store)
    current = expiring_lake.fs.connection.choice.current().values
    assert [name for name, value in current.items() if value.encode() in text] == []
    np.testing.assert_array_equal(zarr.open_group(pickle.loads(text), mode="r")["a"][:], values())


def test_zarr_consolidates_metadata(lake: Lake) -> None:
    """One object tells all, and is what is read."""
    fill(zarr.open_group(lake.url("z"), mode="w", storage_options=lake.options, zarr_format=2))
    store = FsspecStore.from_url(lake.url("z"), storage_options=lake.options)
    zarr.consolidate_metadata(store, zarr_format=2)
    assert {"a/.zarray", "inner/.zgroup"} <= set(json.loads(lake.get("z/.zmetadata"))["metadata"])
    group = zarr.open_consolidated(store, zarr_format=2)
    np.testing.assert_array_equal(group["a"][:], values())


def test_zarr_sharded_array_reads_ranges_of_a_shard(lake: Lake) -> None:
    """A shard's index is its last bytes: suffix and offset ranges."""
    array = zarr.create_array(
        lake.url("s"), shape=(64, 64), shards=(64, 64), chunks=(8, 8), dtype="i4", storage_options=lake.options
    )
    expected = np.arange(64 * 64, dtype="i4").reshape(64, 64)
    array[:] = expected
    assert lake.stored("s/") == ["s/c/0/0", "s/zarr.json"]
    lake.expire()
    again = zarr.open_array(lake.url("s"), mode="r", storage_options=lake.options)
    np.testing.assert_array_equal(again[10:12, 50:60], expected[10:12, 50:60])


def test_zarr_zip_archive_lies_behind_a_chained_url(lake: Lake, tmp_path: Any) -> None:
    """A zip file of a store, read in place by ``zip::s3://``."""
    import zipfile

    import fsspec

    fill(zarr.open_group(str(tmp_path / "z"), mode="w"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in sorted(tmp_path.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(tmp_path / "z").as_posix())
    lake.put("z.zip", buffer.getvalue())
    fs = fsspec.filesystem("zip", fo=lake.url("z.zip"), target_protocol="s3", target_options=lake.options)
    assert sorted(fs.ls("", detail=False)) == ["a", "inner", "zarr.json"]
    assert json.loads(fs.cat("zarr.json"))["attributes"] == {"title": "ä"}
    assert np.frombuffer(fs.cat("a/c/2/1"), "f8")[0] == values()[40, 20]


# -- on each cloud ----------------------------------------------------------------------------------------------------


@FORMATS
@pytest.mark.parametrize("consolidated", [True, False], ids=["consolidated", "plain"])
def test_zarr_group_on_each_cloud(cloud: CloudUnderTest, zarr_format: int, consolidated: bool) -> None:
    """Written, consolidated, read in slices, listed, and deleted from."""
    import warnings

    options = {"storage_options": cloud.options, "zarr_format": zarr_format}
    fill(zarr.open_group(cloud.url("z"), mode="w", **options))
    stored = np.frombuffer(cloud.raw.get(chunk_key(zarr_format, 1, 0)), "f8").reshape(20, 20)
    np.testing.assert_array_equal(stored, values()[20:40, :20])
    if consolidated:
        with warnings.catch_warnings():
            # The format says nothing of consolidated metadata yet, of which zarr warns.
            warnings.filterwarnings("ignore", "Consolidated metadata is currently not part", UserWarning)
            zarr.consolidate_metadata(
                FsspecStore.from_url(cloud.url("z"), storage_options=cloud.options), zarr_format=zarr_format
            )
    group = zarr.open_group(cloud.url("z"), mode="a", use_consolidated=consolidated, **options)
    np.testing.assert_array_equal(group["a"][25:35, 39], values()[25:35, 39])
    assert sorted(name for name, _ in group.members(max_depth=None)) == ["a", "inner", "inner/b"]
    del zarr.open_group(cloud.url("z"), mode="a", use_consolidated=False, **options)["a"]
    assert [key for key in cloud.raw.listed() if key.startswith("z/a/")] == []


def test_zarr_shards_on_each_cloud(cloud: CloudUnderTest) -> None:
    """Ranges of a shard, whose index is its last bytes: Azure has no suffix ranges."""
    expected = np.arange(64 * 64, dtype="i4").reshape(64, 64)
    options = {"storage_options": cloud.options}
    array = zarr.create_array(cloud.url("s"), shape=(64, 64), shards=(64, 64), chunks=(8, 8), dtype="i4", **options)
    array[:] = expected
    assert cloud.raw.listed() == ["s/c/0/0", "s/zarr.json"]
    again = zarr.open_array(cloud.url("s"), mode="r", **options)
    np.testing.assert_array_equal(again[10:12, 50:60], expected[10:12, 50:60])
