"""duckdb with our filesystem registered."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.ecosystem.conftest import Lake

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
csv = pytest.importorskip("pyarrow.csv")


@pytest.fixture
def connection(lake: Lake) -> Iterator[Any]:
    """A database in memory that knows ``s3://`` from us."""
    with duckdb.connect(config={"threads": 2}) as database:
        database.register_filesystem(lake.fs)
        yield database


def parquet_bytes(start: int, stop: int) -> bytes:
    """Numbers and their squares, as Parquet."""
    buffer = io.BytesIO()
    numbers = list(range(start, stop))
    pq.write_table(pa.table({"n": numbers, "square": [n * n for n in numbers]}), buffer)
    return buffer.getvalue()


def test_duckdb_reads_a_glob_of_parquet_files(lake: Lake, connection: Any) -> None:
    """All files that match, each once, and the name of each."""
    for part in range(4):
        lake.put(f"set/part {part}.parquet", parquet_bytes(part * 100, part * 100 + 100))
    lake.put("set/other.txt", b"not parquet")
    found = connection.execute(
        f"SELECT count(*), sum(square), min(n), max(n) FROM read_parquet('{lake.url('set/*.parquet')}')"
    )
    assert found.fetchall() == [(400, sum(n * n for n in range(400)), 0, 399)]
    lake.expire()
    rows = connection.execute(
        f"SELECT DISTINCT filename FROM read_parquet('{lake.url('set/*.parquet')}', filename=true)"
    )
    assert sorted(name.rpartition("/")[2] for (name,) in rows.fetchall()) == [f"part {n}.parquet" for n in range(4)]


def test_duckdb_pushes_filters_into_one_file(lake: Lake, connection: Any) -> None:
    """A condition and a projection."""
    lake.put("a.parquet", parquet_bytes(0, 10_000))
    found = connection.execute(f"SELECT square FROM '{lake.url('a.parquet')}' WHERE n BETWEEN 5000 AND 5002 ORDER BY n")
    assert found.fetchall() == [(n * n,) for n in range(5_000, 5_003)]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_duckdb_copies_to_an_object(lake: Lake, connection: Any, form: str) -> None:
    """COPY TO, as a plain client reads it."""
    connection.execute("CREATE TABLE t AS SELECT i AS n, i * 2 AS double FROM range(5000) r(i)")
    lake.expire()
    connection.execute(f"COPY t TO '{lake.url(f'out/a.{form}')}' (FORMAT {form})")
    assert lake.stored() == [f"out/a.{form}"]
    read = pq.read_table if form == "parquet" else csv.read_csv
    found = read(io.BytesIO(lake.get(f"out/a.{form}")))
    assert found["n"].to_pylist() == list(range(5_000))
    assert found["double"].to_pylist() == list(range(0, 10_000, 2))


def test_duckdb_reads_csv_and_json(lake: Lake, connection: Any) -> None:
    """The sniffing readers, which seek back."""
    lake.put("a.csv", b"n,word\n" + b"".join(f"{n},w{n}\n".encode() for n in range(3_000)))
    found = connection.execute(f"SELECT sum(n), count(DISTINCT word) FROM read_csv('{lake.url('a.csv')}')").fetchall()
    assert found == [(sum(range(3_000)), 3_000)]
    lake.put("a.csv.gz", gzip.compress(b"n\n1\n2\n"))
    assert connection.execute(f"SELECT sum(n) FROM read_csv('{lake.url('a.csv.gz')}')").fetchall() == [(3,)]


def test_duckdb_names_what_is_missing(lake: Lake, connection: Any) -> None:
    """No file, no result: an error, not an empty table."""
    # Old releases go on to an extension of their own, which is not there either.
    with pytest.raises((duckdb.Error, FileNotFoundError), match=r"absent|httpfs"):
        connection.execute(f"SELECT * FROM read_parquet('{lake.url('absent.parquet')}')").fetchall()
    with pytest.raises(duckdb.Error, match=r"No files found|httpfs"):
        connection.execute(f"SELECT * FROM read_parquet('{lake.url('absent/*.parquet')}')").fetchall()


def test_duckdb_copy_of_a_failing_query_leaves_nothing(lake: Lake, connection: Any) -> None:
    """A row that cannot be computed ends the COPY without an object."""
    with pytest.raises(duckdb.Error, match="boom"):
        connection.execute(
            "COPY (SELECT CASE WHEN i = 400000 THEN error('boom') ELSE i END AS n FROM range(500000) r(i))"
            f" TO '{lake.url('a.csv')}' (FORMAT csv)"
        )
    assert lake.stored() == []


# -- on each cloud ----------------------------------------------------------------------------------------------------


def test_duckdb_on_each_cloud(cloud: CloudUnderTest) -> None:
    """The schemes of each cloud are ours in a connection: a glob, a filter, COPY, CSV."""
    cloud.raw.put("set/0.parquet", parquet_bytes(0, 100))
    cloud.raw.put("set/1.parquet", parquet_bytes(100, 200))
    with duckdb.connect(config={"threads": 2}) as database:
        database.register_filesystem(cloud.fs())
        found = database.execute(f"SELECT count(*), sum(square) FROM '{cloud.url('set/*.parquet')}' WHERE n >= 50")
        assert found.fetchall() == [(150, sum(n * n for n in range(50, 200)))]
        database.execute(f"COPY (SELECT n FROM '{cloud.url('set/1.parquet')}') TO '{cloud.url('out/a.csv')}'")
        again = database.execute(f"SELECT min(n), max(n) FROM read_csv('{cloud.url('out/a.csv')}')").fetchall()
        assert again == [(100, 199)]
    assert csv.read_csv(io.BytesIO(cloud.raw.get("out/a.csv")))["n"].to_pylist() == list(range(100, 200))
    assert cloud.raw.listed() == ["out/a.csv", "set/0.parquet", "set/1.parquet"]


def test_duckdb_joins_two_clouds(s3_cloud: CloudUnderTest, gcs_cloud: CloudUnderTest) -> None:
    """Several filesystems in one connection, each for its schemes."""
    s3_cloud.raw.put("a.parquet", parquet_bytes(0, 10))
    gcs_cloud.raw.put("a.parquet", parquet_bytes(5, 15))
    with duckdb.connect() as database:
        database.register_filesystem(s3_cloud.fs())
        database.register_filesystem(gcs_cloud.fs())
        one, other = s3_cloud.url("a.parquet"), gcs_cloud.url("a.parquet")
        found = database.execute(f"SELECT one.n FROM '{one}' one JOIN '{other}' other USING (n) ORDER BY n")
        assert found.fetchall() == [(n,) for n in range(5, 10)]
