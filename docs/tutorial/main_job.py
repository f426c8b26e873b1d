"""The main job of objfs: pandas, dask, pyarrow, polars, duckdb and xarray on object stores, while credentials expire.

``make demo`` runs it. It needs no account: it starts an S3 server of its own, behind a gateway that refuses every
request signed with an expired key, and works with credentials that live three seconds. What every engine reads back is
compared with what was generated; the exit code is 0 only when all of it is the same. With ``--url`` and ``--options``
the same steps run at any place on any cloud.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import dask.dataframe as dd
import duckdb
import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.compute as pc
import pyarrow.dataset as pads
import xarray as xr
from distributed import Client, LocalCluster
from job_report import Checksum, Report

from objfs.testing import ExpiringGateway, LocalCredentialsProvider, S3Server

SEED = 20_260_101
MONTHS = range(1, 13)
BY_PANDAS, BY_DASK = MONTHS[:4], MONTHS[4:]
TABLE = "measurements"  # one folder per month: the layout that all of the engines below can read
GRID = "grid.zarr"
RECORDING = "recording.bin"


# -- the data ---------------------------------------------------------------------------------------------------------


def measurements(month: int, rows: int) -> pd.DataFrame:
    """One month; the same numbers in every process that asks for it. Whole numbers add up alike in any order."""
    random = np.random.default_rng([SEED, month])
    columns = {
        "sensor": random.integers(0, 1000, rows, dtype=np.int32),
        "ticks": random.integers(0, 1 << 40, rows),
        "noise": random.random(rows),
        "month": np.full(rows, month, dtype=np.int32),
    }
    return pd.DataFrame(columns)


def grid() -> xr.Dataset:
    """Four layers of random counts, in chunks that become one object each."""
    counts = np.random.default_rng(SEED).integers(0, 1 << 31, (4, 1024, 1024), dtype=np.int64)
    return xr.Dataset({"counts": (("layer", "y", "x"), counts)}).chunk(layer=1, y=512, x=512)


def checksum_of_months(months: Iterable[int], rows: int) -> Checksum:
    """Add up what the generator makes, without any storage in between."""
    return Checksum(rows * len(list(months)), sum(int(measurements(month, rows)["ticks"].sum()) for month in months))


# -- writing and reading: nothing below knows that there are credentials, but for the storage options -----------------


def write_with_pandas(url: str, options: dict[str, Any], rows: int) -> None:
    """Write the first months. Uncompressed here and below, so that the bytes on the wire are those of the data."""
    for month in BY_PANDAS:
        path = f"{url}/{TABLE}/month={month}/part.parquet"
        frame = measurements(month, rows).drop(columns="month")
        frame.to_parquet(path, index=False, compression=None, storage_options=options)


def write_with_dask(url: str, options: dict[str, Any], rows: int) -> None:
    """Let worker processes write the other months. The options travel to them: the provider, and no secret."""
    frame = dd.from_map(partial(measurements, rows=rows), list(BY_DASK))
    frame.to_parquet(
        f"{url}/{TABLE}", partition_on=["month"], write_index=False, compression=None, storage_options=options
    )


def read_with_pandas(url: str, options: dict[str, Any]) -> Checksum:
    """Read the whole table into memory."""
    frame = pd.read_parquet(f"{url}/{TABLE}", storage_options=options)
    return Checksum(len(frame), int(frame["ticks"].sum()))


def read_with_pyarrow(url: str, options: dict[str, Any]) -> Checksum:
    """Scan a dataset; pyarrow takes the filesystem itself."""
    fs, path = fsspec.url_to_fs(f"{url}/{TABLE}", **options)
    table = pads.dataset(path, filesystem=fs, partitioning="hive").to_table()
    return Checksum(table.num_rows, pc.sum(table["ticks"]).as_py())


def read_with_polars(url: str, options: dict[str, Any]) -> Checksum:
    """Read open files: polars has an S3 client of its own, and uses it for every URL."""
    files = fsspec.open_files(f"{url}/{TABLE}/*/*.parquet", **options)
    with files as opened:
        frame = pl.read_parquet(opened)
    return Checksum(frame.height, frame["ticks"].sum())


def read_with_duckdb(url: str, options: dict[str, Any]) -> Checksum:
    """Query by URL, once the filesystem is registered."""
    with duckdb.connect() as connection:
        connection.register_filesystem(fsspec.url_to_fs(url, **options)[0])
        query = f"SELECT count(noise), sum(ticks) FROM read_parquet('{url}/{TABLE}/*/*.parquet')"
        values, total = connection.execute(query).fetchone() or (0, 0)
    return Checksum(values, int(total))


def read_with_dask(url: str, options: dict[str, Any]) -> Checksum:
    """Let worker processes read; each fetches credentials for itself and renews them."""
    frame = dd.read_parquet(f"{url}/{TABLE}", storage_options=options)
    values, total = dd.compute(frame["noise"].count(), frame["ticks"].sum())
    return Checksum(int(values), int(total))


def write_with_xarray(url: str, options: dict[str, Any]) -> None:
    """Write a Zarr store, one object per chunk."""
    grid().to_zarr(f"{url}/{GRID}", mode="w", zarr_format=3, consolidated=False, storage_options=options)


def read_with_xarray(url: str, options: dict[str, Any]) -> Checksum:
    """Read the Zarr store."""
    counts = xr.open_zarr(f"{url}/{GRID}", consolidated=False, storage_options=options)["counts"]
    return Checksum(counts.size, int(counts.sum()))


# -- one open file, more than one credential --------------------------------------------------------------------------


def write_slowly(url: str, options: dict[str, Any], blocks: list[bytes], pause_seconds: float) -> None:
    """Keep one upload open for longer than any credential lives. Each block is one part of it."""
    with fsspec.open(f"{url}/{RECORDING}", "wb", block_size=len(blocks[0]), **options) as file:
        for block in blocks:
            file.write(block)
            time.sleep(pause_seconds)


def read_slowly(url: str, options: dict[str, Any], blocks: list[bytes], pause_seconds: float) -> Checksum:
    """Keep one file open likewise, and read ranges of it from the end to the start."""
    found = Checksum(0, 0)
    with fsspec.open(f"{url}/{RECORDING}", "rb", **options) as file:
        for number in reversed(range(len(blocks))):
            file.seek(number * len(blocks[0]))
            piece = np.frombuffer(file.read(len(blocks[0])), dtype=np.uint8)
            found = Checksum(found.count + piece.size, found.total + int(piece.sum()))
            time.sleep(pause_seconds)
    return found


def refusal_of_copy(url: str, options: dict[str, Any], copied: dict[str, str]) -> str | None:
    """Do what one does without a provider: copy the credentials once. By now they have expired."""
    keys = {name: copied[name] for name in ("access_key_id", "secret_access_key", "session_token")}
    place = {name: options[name] for name in ("endpoint_url", "region")}
    try:
        fsspec.filesystem("s3", **place, **keys).cat_file(f"{url}/{RECORDING}", start=0, end=10)
    except PermissionError as error:
        return f"{type(error).__name__}: {error.strerror.rstrip('.')}"
    return None


# -- the job ----------------------------------------------------------------------------------------------------------


def work_on_table(report: Report, url: str, options: dict[str, Any], rows: int) -> None:
    """Write the partitioned table, and read it with every engine."""
    with report.step(f"pandas writes {len(BY_PANDAS)} partitions"):
        write_with_pandas(url, options, rows)
    with report.step(f"dask workers write {len(BY_DASK)} partitions"):
        write_with_dask(url, options, rows)
    expected = checksum_of_months(MONTHS, rows)
    readers = {
        "pandas": read_with_pandas,
        "pyarrow.dataset": read_with_pyarrow,
        "polars": read_with_polars,
        "duckdb": read_with_duckdb,
        "dask workers": read_with_dask,
    }
    for name, read in readers.items():
        with report.step(f"{name}: read the table"):
            found = read(url, options)
        report.compare(f"table, by {name}", found, expected)


def work_on_grid(report: Report, url: str, options: dict[str, Any]) -> None:
    """Write a Zarr store and read it."""
    with report.step("xarray writes a Zarr store"):
        write_with_xarray(url, options)
    with report.step("xarray: read the Zarr store"):
        found = read_with_xarray(url, options)
    counts = grid()["counts"].to_numpy()
    report.compare("Zarr store, by xarray", found, Checksum(counts.size, int(counts.sum())))


def work_on_recording(report: Report, url: str, options: dict[str, Any], lifetime_seconds: float) -> None:
    """Keep one upload and one file open while more than one credential expires."""
    random = np.random.default_rng(SEED)
    blocks = [random.bytes(6 << 20) for _ in range(4)]
    pause_seconds = lifetime_seconds / 2
    with report.step("one upload, longer than credentials live"):
        write_slowly(url, options, blocks, pause_seconds)
    with report.step("one open file, longer than they live"):
        found = read_slowly(url, options, blocks, pause_seconds)
    whole = np.frombuffer(b"".join(blocks), dtype=np.uint8)
    report.compare("recording, by ranges", found, Checksum(whole.size, int(whole.sum())))


def run(report: Report, url: str, options: dict[str, Any], lifetime_seconds: float, rows: int) -> None:
    """All steps, at any place: which cloud it is, the URL says, and the options how to get in."""
    # Workers are processes: what they use reaches them as a pickle.
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster),
    ):
        work_on_table(report, url, options, rows)
    work_on_grid(report, url, options)
    work_on_recording(report, url, options, lifetime_seconds)


def run_on_own_server(lifetime_seconds: float, rows: int) -> int:
    """Start the servers, run the job against them, stop them; returns the exit code."""
    url = "s3://lesson"
    with S3Server() as server, ExpiringGateway(server.endpoint, own_process=True) as gateway:
        server.create_bucket("lesson")
        provider = LocalCredentialsProvider(gateway.endpoint, lifetime_seconds)
        options = {
            "endpoint_url": gateway.endpoint,
            "region": "us-east-1",
            "storage_options_provider": provider,
        }
        copied = provider.fetch_storage_options()
        report = Report(gateway)
        run(report, url, options, lifetime_seconds, rows)
        with report.step("a static copy of the first credentials"):
            refusal = refusal_of_copy(url, options, copied)
        report.require(refusal is not None, "a copy of expired credentials was accepted")
        report.remark(f"The static copy was refused: {refusal}.")
        return report.close()


def main() -> int:
    """Run the job where the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lifetime", type=float, default=3.0, help="seconds that credentials live (default: 3)")
    parser.add_argument("--rows", type=int, default=500_000, help="rows of each of the 12 partitions (default: 500000)")
    parser.add_argument("--url", help="an empty folder, such as gs://bucket/folder (default: a server of its own)")
    parser.add_argument("--options", type=json.loads, default={}, help="storage options of the URL, as JSON")
    given = parser.parse_args()
    if given.url is None:
        print(f"An S3 server of its own; credentials live {given.lifetime:g} s and are refused afterwards.\n")
        return run_on_own_server(given.lifetime, given.rows)
    print(f"At {given.url}.\n")
    report = Report()
    run(report, given.url.rstrip("/"), given.options, given.lifetime, given.rows)
    return report.close()


if __name__ == "__main__":  # worker processes import this file, too
    sys.exit(main())
