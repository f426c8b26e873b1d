"""dask.distributed with worker processes: the provider travels, secrets do not, and credentials end in between."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ecosystem.conftest import Lake

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")
np = pytest.importorskip("numpy")
cloudpickle = pytest.importorskip("cloudpickle")

# Rounds of work before a test gives up waiting for the third set of credentials to be used up.
MOST_ROUNDS = 400


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes and their client."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=":0", host="127.0.0.1"
        ) as running,
        distributed.Client(running) as client,
    ):
        yield client


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every secret that a provider of this process has fetched."""
    from objfs.testing import LocalCredentialsProvider

    fetched: list[str] = []
    inner: Callable[[Any], dict[str, str]] = LocalCredentialsProvider.fetch_storage_options

    def spy(self: Any) -> dict[str, str]:
        answer = inner(self)
        fetched.extend(answer[name] for name in ("access_key_id", "secret_access_key", "session_token"))
        return answer

    monkeypatch.setattr(LocalCredentialsProvider, "fetch_storage_options", spy)
    return fetched


def frame() -> Any:
    """4,000 rows."""
    return pd.DataFrame({"n": np.arange(4_000), "x": np.sqrt(np.arange(4_000))})


def class_and_fetches(options: dict[str, Any]) -> tuple[str, str]:
    """Which class a worker finds for the options, and in which process it was asked."""
    import os

    import fsspec

    cls = type(fsspec.filesystem("s3", **options))
    return f"{cls.__module__}.{cls.__qualname__}", str(os.getpid())


def read_and_sum(path: str, options: dict[str, Any], round_: int) -> int:
    """Bytes of an object, added up by a worker."""
    import fsspec

    with fsspec.open(f"s3://{path}", **options) as file:
        return sum(file.read()) + round_


def token_of(fs: Any, options: dict[str, Any]) -> tuple[str, str]:
    """Tokens of an instance that travelled and of one that the worker made."""
    import fsspec
    from dask.base import tokenize

    return tokenize(fs), tokenize(fsspec.filesystem("s3", **options))


def test_distributed_frame_is_written_and_read_by_workers(cluster: Any, expiring_lake: Lake) -> None:
    """A data frame goes out and comes back; a plain client sees the same."""
    options, expected = expiring_lake.options, frame()
    dd.from_pandas(expected, npartitions=8).to_parquet(
        expiring_lake.url("set"), storage_options=options, write_index=False
    )
    stored = [pd.read_parquet(io.BytesIO(expiring_lake.get(key))) for key in expiring_lake.stored("set/")]
    pd.testing.assert_frame_equal(pd.concat(stored).sort_values("n", ignore_index=True), expected)
    again = dd.read_parquet(expiring_lake.url("set"), storage_options=options)
    assert int(again["n"].sum().compute()) == int(expected["n"].sum())


def test_distributed_works_with_static_keys(cluster: Any, make_lake: Callable[[str], Lake]) -> None:
    """Keys travel to the workers as the caller gave them."""
    lake = make_lake("static keys")
    dd.from_pandas(frame(), npartitions=4).to_parquet(lake.url("set"), storage_options=lake.options)
    assert dd.read_parquet(lake.url("set"), storage_options=lake.options)["n"].sum().compute() == 7_998_000


def test_distributed_outlives_many_sets_of_credentials(cluster: Any, expiring_lake: Lake) -> None:
    """Every task succeeds until the gateway has issued ten sets: some process has then outlived three of its own."""
    data = bytes(range(256)) * 400
    expiring_lake.put("data.bin", data)
    path, total = expiring_lake.path("data.bin"), sum(data)
    gateway = expiring_lake.gateway
    assert gateway is not None
    rounds = 0
    # At most three processes hold credentials, so that one of them has had four sets.
    while gateway.stats()["issued"] < 10 and rounds < MOST_ROUNDS:
        futures = cluster.map(read_and_sum, [path] * 8, [expiring_lake.options] * 8, range(8), pure=False)
        assert cluster.gather(futures) == [total + n for n in range(8)]
        rounds += 1
    assert gateway.stats()["issued"] >= 10
    assert rounds > 1


def test_distributed_resolves_to_objfs_in_every_worker(cluster: Any, expiring_lake: Lake) -> None:
    """fsspec finds our class there, too."""
    found = cluster.run(class_and_fetches, expiring_lake.options)
    assert len({pid for _, pid in found.values()}) == 2
    assert {name for name, _ in found.values()} == {"objfs.s3_filesystem.S3FileSystem"}


def test_distributed_graph_holds_no_secret(cluster: Any, expiring_lake: Lake, secrets: list[str]) -> None:
    """Neither the graph, nor a pickled filesystem or open file, holds what the provider fetched."""
    expiring_lake.put("data.bin", b"x" * 1_000)
    expected = frame()
    dd.from_pandas(expected, npartitions=2).to_parquet(
        expiring_lake.url("set"), storage_options=expiring_lake.options, write_index=False
    )
    again = dd.read_parquet(expiring_lake.url("set"), storage_options=expiring_lake.options)
    fs = expiring_lake.fs
    fs.ls(expiring_lake.path("set"))
    file = fs.open(expiring_lake.path("data.bin"))
    assert file.read(10) == b"x" * 10
    pickles = [
        cloudpickle.dumps(again),
        cloudpickle.dumps(dict(again.optimize().__dask_graph__())),
        distributed.protocol.pickle.dumps(again.expr),
        pickle.dumps(fs),
        pickle.dumps(file),
        fs.to_json().encode(),
        repr(fs).encode(),
    ]
    assert len(secrets) >= 3
    assert [secret for secret in secrets for text in pickles if secret.encode() in text] == []
    # The same search finds what is there, so that an empty answer means something.
    assert expiring_lake.options["storage_options_provider"].endpoint.encode() in pickles[0]


def test_distributed_token_is_the_same_in_every_process(cluster: Any, expiring_lake: Lake) -> None:
    """dask names equal work alike wherever it asks."""
    fs = expiring_lake.fs
    fs.exists(expiring_lake.path("a"))
    found = cluster.run(token_of, fs, expiring_lake.options)
    assert {token for pair in found.values() for token in pair} == {dask.base.tokenize(fs)}


def test_distributed_opens_a_travelling_file_at_its_position(cluster: Any, expiring_lake: Lake) -> None:
    """An open file, pickled to a worker, goes on where it was."""
    expiring_lake.put("data.bin", bytes(range(200)))
    with expiring_lake.fs.open(expiring_lake.path("data.bin")) as file:
        file.seek(100)
        assert cluster.submit(lambda there: there.read(5), file).result() == bytes(range(100, 105))


def test_distributed_error_comes_back_as_itself(cluster: Any, expiring_lake: Lake) -> None:
    """An exception of a worker keeps its type on the way to the client."""
    path = expiring_lake.path("absent")
    future = cluster.submit(read_and_sum, path, expiring_lake.options, 0)
    with pytest.raises(FileNotFoundError, match="absent"):
        future.result()
