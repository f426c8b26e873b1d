"""Hugging Face's datasets: data files by URL with ``storage_options``, sets saved to and loaded from the bucket."""

from __future__ import annotations

import gzip
import io
import json

import pytest

datasets = pytest.importorskip("datasets")
pq = pytest.importorskip("pyarrow.parquet")
pa = pytest.importorskip("pyarrow")

ROWS = [{"n": n, "text": f"ä {n}"} for n in range(200)]


@pytest.fixture(autouse=True)
def _own_caches(tmp_path, monkeypatch):
    """Caches in the test's own folder, no progress bars, no report to the hub."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", tmp_path / "downloads")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    datasets.disable_progress_bars()


def stored(form):
    """The rows as a file of a format."""
    if form == "csv":
        return ("n,text\n" + "".join(f"{row['n']},{row['text']}\n" for row in ROWS)).encode()
    if form == "json":
        return gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode())
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_datasets_loads_data_files_by_url(cloud, form):
    """Downloaded into the cache, then read."""
    name = {"csv": "a.csv", "json": "a.json.gz", "parquet": "a.parquet"}[form]
    cloud.raw.put(f"d/{name}", stored(form))
    found = datasets.load_dataset(form, data_files=cloud.url(f"d/{name}"), storage_options=cloud.options, split="train")
    assert found.to_list() == ROWS


def test_datasets_streams_a_glob(cloud):
    """``streaming=True`` reads through ``fsspec.open``, in the order of the names."""
    for part in range(2):
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(ROWS[part * 100 : part * 100 + 100]), buffer)
        cloud.raw.put(f"d/part {part}.parquet", buffer.getvalue())
    found = datasets.load_dataset(
        "parquet", data_files={"train": cloud.url("d/*.parquet")}, storage_options=cloud.options, streaming=True
    )
    assert list(found["train"]) == ROWS


def test_datasets_saves_to_and_loads_from_the_bucket(cloud):
    """``save_to_disk``, ``load_from_disk`` and a dictionary of splits."""
    made = datasets.Dataset.from_list(ROWS)
    made.save_to_disk(cloud.url("saved/one"), storage_options=cloud.options)
    assert "saved/one/dataset_info.json" in cloud.raw.listed()
    assert datasets.load_from_disk(cloud.url("saved/one"), storage_options=cloud.options).to_list() == ROWS
    splits = datasets.DatasetDict({"train": made, "test": made.select(range(3))})
    splits.save_to_disk(cloud.url("saved/all"), storage_options=cloud.options)
    again = datasets.load_from_disk(cloud.url("saved/all"), storage_options=cloud.options)
    assert {name: split.num_rows for name, split in again.items()} == {"train": 200, "test": 3}


def test_datasets_exports_to_a_url(cloud):
    """``to_parquet``, ``to_csv`` and ``to_json``."""
    made = datasets.Dataset.from_list(ROWS)
    made.to_parquet(cloud.url("a.parquet"), storage_options=cloud.options)
    made.to_csv(cloud.url("a.csv"), storage_options=cloud.options)
    made.to_json(cloud.url("a.json"), storage_options=cloud.options)
    assert pq.read_table(io.BytesIO(cloud.raw.get("a.parquet"))).to_pylist() == ROWS
    assert cloud.raw.get("a.csv") == stored("csv")
    assert [json.loads(line) for line in cloud.raw.get("a.json").splitlines()] == ROWS
