"""pandas reads and writes by URL and ``storage_options``."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from objfs.workers import is_busy
from tests.ecosystem.conftest import Lake
from tests.unit.recording import until

pd = pytest.importorskip("pandas")
np = pytest.importorskip("numpy")
pytest.importorskip("pyarrow")


@pytest.fixture
def frame() -> Any:
    """Numbers, text with quotes and umlauts, times and gaps."""
    rng = np.random.default_rng(7)
    rows = 2_000
    return pd.DataFrame(
        {
            "number": rng.integers(0, 1_000_000, rows),
            "value": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
            "name": [f'row "{i}", äöü\n' if i % 7 == 0 else f"row {i}" for i in range(rows)],
            "when": pd.date_range("2026-01-01", periods=rows, freq="s"),
            "group": [f"g{i % 3}" for i in range(rows)],
        }
    )


# Format to: how pandas writes it, how it reads it (from a URL with storage options, or from a local buffer).
WRITERS: dict[str, Callable[..., Any]] = {
    "parquet": lambda frame, to, **k: frame.to_parquet(to, index=False, **k),
    "feather": lambda frame, to, **k: frame.to_feather(to, **k),
    "csv": lambda frame, to, **k: frame.to_csv(to, index=False, **k),
    "json": lambda frame, to, **k: frame.to_json(to, orient="records", lines=True, date_format="iso", **k),
    "pickle": lambda frame, to, **k: frame.to_pickle(to, **k),
}
READERS: dict[str, Callable[..., Any]] = {
    "parquet": pd.read_parquet,
    "feather": pd.read_feather,
    "csv": lambda at, **k: pd.read_csv(at, parse_dates=["when"], **k),
    "json": lambda at, **k: pd.read_json(at, orient="records", lines=True, **k),
    "pickle": pd.read_pickle,
}


def same(found: Any, expected: Any, form: str) -> None:
    """Compare frames; text formats lose the unit of times and the last bits of floats."""
    exact = form in ("parquet", "feather", "pickle")
    found = found.assign(when=pd.to_datetime(found["when"]).astype(expected["when"].dtype))
    pd.testing.assert_frame_equal(found, expected, check_exact=exact, check_dtype=exact, rtol=1e-9)


@pytest.mark.parametrize("form", WRITERS)
def test_pandas_writes_what_a_plain_client_finds(lake: Lake, frame: Any, form: str) -> None:
    """An object written by URL, read by botocore and parsed from memory, is the frame."""
    WRITERS[form](frame, lake.url(f"out.{form}"), storage_options=lake.options)
    assert lake.stored() == [f"out.{form}"]
    same(READERS[form](io.BytesIO(lake.get(f"out.{form}"))), frame, form)


@pytest.mark.parametrize("form", READERS)
def test_pandas_reads_what_a_plain_client_stored(lake: Lake, frame: Any, form: str) -> None:
    """A file made in memory and stored by botocore, read by URL, is the frame."""
    buffer = io.BytesIO()
    WRITERS[form](frame, buffer)
    lake.put(f"in put/{form}", buffer.getvalue())
    same(READERS[form](lake.url(f"in put/{form}"), storage_options=lake.options), frame, form)


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_pandas_is_served_by_objfs(
    expiring_lake: Lake, frame: Any, form: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is our class that opens the object, for reading and for writing."""
    import objfs

    opened = []
    inner = objfs.S3FileSystem._open

    def spy(self: Any, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        opened.append((type(self), path, mode))
        return inner(self, path, mode, **kwargs)

    monkeypatch.setattr(objfs.S3FileSystem, "_open", spy)
    url = f"{scheme}://{expiring_lake.path('a')}.{form}"
    WRITERS[form](frame, url, storage_options=expiring_lake.options)
    READERS[form](url, storage_options=expiring_lake.options)
    served = {(cls, mode) for cls, path, mode in opened if path.endswith(expiring_lake.path(f"a.{form}"))}
    assert served == {(objfs.S3FileSystem, "wb"), (objfs.S3FileSystem, "rb")}


@pytest.mark.parametrize("compression", ["gzip", "bz2", "xz", "zip"])
def test_pandas_compresses_csv_by_its_name(lake: Lake, frame: Any, compression: str) -> None:
    """``compression="infer"`` works in both directions."""
    name = f"a.csv.{ {'gzip': 'gz'}.get(compression, compression) }"
    frame.to_csv(lake.url(name), index=False, storage_options=lake.options)
    stored = pd.read_csv(io.BytesIO(lake.get(name)), compression=compression, parse_dates=["when"])
    same(stored, frame, "csv")
    same(pd.read_csv(lake.url(name), storage_options=lake.options, parse_dates=["when"]), frame, "csv")


def test_pandas_partitions_a_dataset_and_reads_part_of_it(lake: Lake, frame: Any) -> None:
    """A partitioned directory, its columns, filters, and one partition by its own URL."""
    frame.to_parquet(lake.url("set"), partition_cols=["group"], index=False, storage_options=lake.options)
    assert {key.rpartition("/")[0] for key in lake.stored()} == {f"set/group=g{i}" for i in range(3)}
    whole = pd.read_parquet(lake.url("set"), storage_options=lake.options)
    restored = whole.astype({"group": "str"}).sort_values("when", ignore_index=True)[list(frame.columns)]
    pd.testing.assert_frame_equal(restored, frame.astype({"group": "str"}))
    part = pd.read_parquet(
        lake.url("set"), columns=["number"], filters=[("group", "==", "g1")], storage_options=lake.options
    )
    assert list(part["number"]) == list(frame[frame["group"] == "g1"]["number"])
    alone = pd.read_parquet(lake.url("set/group=g2"), columns=["number"], storage_options=lake.options)
    assert list(alone["number"]) == list(frame[frame["group"] == "g2"]["number"])


def test_pandas_reads_csv_in_chunks_across_an_expiry(lake: Lake, frame: Any) -> None:
    """An iterating reader holds the object open while its credentials end."""
    many = pd.concat([frame] * 20, ignore_index=True)
    lake.put("a.csv", many.to_csv(index=False).encode())
    parts = []
    with pd.read_csv(lake.url("a.csv"), chunksize=5_000, storage_options=lake.options) as chunks:
        for chunk in chunks:
            parts.append(chunk)
            # What is read ahead is sent a second time; that these credentials, too, end meanwhile is another test.
            assert until(lambda: not is_busy())
            lake.expire()
    assert list(pd.concat(parts)["number"]) == list(many["number"])
    assert len(parts) == 8


def test_pandas_takes_a_file_object_in_both_directions(lake: Lake, frame: Any) -> None:
    """``fs.open`` in the place of a path."""
    with lake.fs.open(lake.path("a.parquet"), "wb") as file:
        frame.to_parquet(file, index=False)
    lake.expire()
    with lake.fs.open(lake.path("a.parquet")) as file:
        same(pd.read_parquet(file), frame, "parquet")
    with lake.fs.open(lake.path("a.csv"), "w") as file:
        frame.to_csv(file, index=False)
    with lake.fs.open(lake.path("a.csv"), "r", newline="") as file:
        same(pd.read_csv(file, parse_dates=["when"]), frame, "csv")


def test_pandas_publishes_nothing_when_writing_fails(lake: Lake) -> None:
    """A frame that cannot be serialised leaves no object behind."""
    frame = pd.DataFrame({"a": [object()]})
    with pytest.raises(Exception, match=r"object"):
        frame.to_parquet(lake.url("broken.parquet"), storage_options=lake.options)

    class Unprintable:
        def __str__(self) -> str:
            msg = "no text"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="no text"):
        pd.DataFrame({"a": [1] * 200_000 + [Unprintable()]}, dtype=object).to_csv(
            lake.url("broken.csv"), storage_options=lake.options
        )
    assert lake.stored() == []


def test_pandas_names_the_missing_object(lake: Lake) -> None:
    """What is not there is a FileNotFoundError with its path."""
    with pytest.raises(FileNotFoundError, match="absent"):
        pd.read_parquet(lake.url("absent.parquet"), storage_options=lake.options)
    with pytest.raises(FileNotFoundError, match="absent"):
        pd.read_csv(lake.url("absent.csv"), storage_options=lake.options)


@pytest.mark.parametrize(
    "folder",
    ["sp ace", "per%20cent", "ha#sh", "q?uest", "am&p=e", "pl+us", "ünï", "st[ar]", "back\\slash", "d//e", "~.é"],
)
def test_pandas_takes_keys_as_they_are(lake: Lake, frame: Any, folder: str) -> None:
    """No character of a name is quoted, unquoted or cut, for a file and for its directory."""
    frame.to_parquet(lake.url(f"{folder}/a.parquet"), index=False, storage_options=lake.options)
    assert lake.stored() == [f"{folder}/a.parquet"]
    for key in (f"{folder}/a.parquet", folder):
        # Old releases of pyarrow take "am&p=e" for a partition.
        found = pd.read_parquet(lake.url(key), storage_options=lake.options, partitioning=None)
        same(found, frame, "parquet")


@pytest.mark.parametrize("mode", ["a", "x"])
def test_pandas_appends_and_creates(lake: Lake, mode: str) -> None:
    """``mode="a"`` adds rows to what a plain client stored, ``mode="x"`` refuses to replace it."""
    lake.put("a.csv", b"n\n1\n")
    more = pd.DataFrame({"n": [2]})
    options = {"mode": mode, "header": False, "index": False, "storage_options": lake.options}
    if mode == "x":
        with pytest.raises(FileExistsError):
            more.to_csv(lake.url("a.csv"), **options)
        more.to_csv(lake.url("new.csv"), **options)
        assert (lake.get("a.csv"), lake.get("new.csv")) == (b"n\n1\n", b"2\n")
    else:
        more.to_csv(lake.url("a.csv"), **options)
        assert lake.get("a.csv") == b"n\n1\n2\n"
