"""dask.distributed on each cloud: worker processes, credentials that live two seconds, and no secret on the way."""

from __future__ import annotations

import json
import logging
import pickle
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tests import gcs_proxy
from tests.clouds import CloudUnderTest
from tests.ecosystem import expiring_providers

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")
cloudpickle = pytest.importorskip("cloudpickle")

ROWS = 3_000
# Rounds of work before a test gives up waiting for the third set of credentials to be used up.
MOST_ROUNDS = 400
# What logs more than a user would ever ask for: if these say nothing, nobody does.
LOGGERS = ("distributed", "fsspec", "objfs")


@dataclass(frozen=True)
class Job:
    """A cloud behind credentials that live two seconds.

    Parameters
    ----------
    cloud
        With a bucket of the test's own.
    options
        Storage options with a provider.
    notes
        What every provider in every process was given.
    """

    cloud: CloudUnderTest
    options: dict[str, Any]
    notes: Path

    def fetched(self) -> dict[int, list[list[str]]]:
        """The secrets that were fetched, by process."""
        found: dict[int, list[list[str]]] = defaultdict(list)
        for line in self.notes.read_text().splitlines():
            pid, secret = json.loads(line)
            found[pid].append(secret)
        return found

    def secrets(self) -> set[str]:
        """All of them."""
        return {text for sets in self.fetched().values() for secret in sets for text in secret}


@pytest.fixture
def job(cloud: CloudUnderTest, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Job]:
    """Each cloud in turn, behind a server that refuses what has expired."""
    notes = tmp_path / "notes"
    notes.touch()
    place = cloud.provided()
    del place["storage_options_provider"]
    if cloud.name == "s3":
        endpoint = request.getfixturevalue("lake_gateway").endpoint
        provider: Any = expiring_providers.GatewayProvider(str(notes), endpoint)
        yield Job(cloud, {**place, "endpoint_url": endpoint, "storage_options_provider": provider}, notes)
    elif cloud.name == "gcs":
        with gcs_proxy.running(cloud.options["endpoint_url"]) as proxy:
            proxy.rules.append(gcs_proxy.Rule(gcs_proxy.has_expired_token, 401, b"{}", 1 << 30))
            provider = expiring_providers.TokenProvider(str(notes))
            yield Job(cloud, {**place, "endpoint_url": proxy.endpoint, "storage_options_provider": provider}, notes)
    else:
        account = tmp_path / "account"
        account.write_text(json.dumps({name: cloud.options[name] for name in ("account_name", "account_key")}))
        provider = expiring_providers.SasProvider(str(notes), str(account))
        yield Job(cloud, {**place, "storage_options_provider": provider}, notes)


def log_to(folder: str) -> None:
    """Have everything logged that this process has to say of itself, of objfs and of fsspec."""
    import os

    handler = logging.FileHandler(f"{folder}/{os.getpid()}.log")
    for name in LOGGERS:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.DEBUG)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of the logs of this process, which holds client and scheduler, and of the workers."""
    folder = tmp_path_factory.mktemp("logs")
    before = {name: (logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in LOGGERS}
    log_to(str(folder))
    yield folder
    for name, (level, handlers) in before.items():
        logger = logging.getLogger(name)
        for handler in [each for each in logger.handlers if each not in handlers]:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)


@pytest.fixture(scope="module")
def cluster(logs: Path) -> Iterator[Any]:
    """Two worker processes and their client."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=":0", host="127.0.0.1"
        ) as running,
        distributed.Client(running) as client,
    ):
        client.run(log_to, str(logs))
        yield client


def read_and_sum(fs: Any, file: Any, url: str, options: dict[str, Any]) -> int:
    """Bytes of an object, by an instance and an open file that travelled, and by one that the worker makes."""
    with fsspec.open(url, **options) as opened:
        return sum(fs.cat_file(url)) + sum(file.read()) + sum(opened.read())


def test_job_outlives_three_sets_of_credentials_in_every_process(cluster: Any, job: Job) -> None:
    """Instances and open files that were pickled once go on; the first credentials are refused by then."""
    url, content = job.cloud.url("data.bin"), bytes(range(256)) * 40
    job.cloud.raw.put("data.bin", content)
    fs = fsspec.filesystem(job.cloud.scheme, **job.options)
    first = dict(fs.connection.choice.current().values)
    with fs.open(url, cache_type="none") as file:
        for _ in range(MOST_ROUNDS):
            found = cluster.map(read_and_sum, [fs] * 4, [file] * 4, [url] * 4, [job.options] * 4, pure=False)
            assert cluster.gather(found) == [3 * sum(content)] * 4
            with fsspec.open(url, **job.options) as opened:
                assert opened.read() == content
            sets = job.fetched().values()
            if len(sets) == 3 and min(map(len, sets)) > 3:
                break
        assert file.read() == content
    assert {len(sets) > 3 for sets in job.fetched().values()} == {True}
    assert len(job.fetched()) == 3
    place = {name: value for name, value in job.options.items() if name != "storage_options_provider"}
    with pytest.raises(PermissionError):
        fsspec.filesystem(job.cloud.scheme, **place, **first).cat_file(url)


def payloads(dask_scheduler: Any) -> list[bytes]:
    """What the scheduler holds of each task: what it got from the client and sends to workers."""
    return [cloudpickle.dumps(task.run_spec) for task in dask_scheduler.tasks.values()]


def fail(fs: Any, file: Any, options: dict[str, Any]) -> None:
    """A task whose failure the worker logs, with its arguments."""
    fs.ls(file.path)
    msg = f"failed on purpose: {fs!r} {file!r} {options!r}"
    raise RuntimeError(msg)


def test_no_secret_is_in_graph_payloads_or_logs(cluster: Any, job: Job, logs: Path, capfd: Any) -> None:
    """Of any process: not what the client fetched, nor what the workers did."""
    url, options = job.cloud.url("set"), job.options
    frame = pd.DataFrame({"n": range(ROWS), "text": [f"row {n}" for n in range(ROWS)]})
    dd.from_pandas(frame, npartitions=4).to_parquet(url, storage_options=options, write_index=False)
    again = dd.read_parquet(url, storage_options=options)
    fs = fsspec.filesystem(job.cloud.scheme, **options)
    file = fs.open(min(fs.find(job.cloud.path("set"))))
    file.read(4)
    kept = cluster.persist(again)
    failed = cluster.submit(fail, fs, file, options)
    with pytest.raises(RuntimeError, match="on purpose"):
        failed.result()
    total = cluster.compute(again["n"].sum())
    assert total.result() == sum(range(ROWS))
    texts = {
        "frame": cloudpickle.dumps(again),
        "graph": cloudpickle.dumps(dict(again.optimize().__dask_graph__())),
        "expression": distributed.protocol.pickle.dumps(again.expr),
        "filesystem": pickle.dumps(fs),
        "file": pickle.dumps(file),
        "json": fs.to_json().encode(),
        "payloads": b"".join(cluster.run_on_scheduler(payloads)),
        "error": repr(failed.exception()).encode(),
        "scheduler's log": repr(cluster.get_scheduler_logs()).encode(),
        "workers' logs": repr(cluster.get_worker_logs()).encode(),
        "nannies' logs": repr(cluster.get_worker_logs(nanny=True)).encode(),
        "events": repr(
            cluster.run_on_scheduler(lambda dask_scheduler: dask_scheduler.story(*dask_scheduler.tasks))
        ).encode(),
        "printed": "".join(capfd.readouterr()).encode(),
        **{path.name: path.read_bytes() for path in logs.iterdir()},
    }
    secrets = job.secrets()
    if job.cloud.name == "azure":
        secrets.add(job.cloud.options["account_key"])
    # Client and workers have fetched, the logs hold what was done, and the search finds what is there.
    assert len(job.fetched()) >= 2
    assert len(texts["payloads"]) > 1000
    assert b"failed on purpose" in b"".join(path.read_bytes() for path in logs.iterdir())
    assert all(str(job.notes).encode() in texts[name] for name in ("frame", "filesystem", "payloads"))
    assert [(name, secret) for secret in secrets for name, text in texts.items() if secret.encode() in text] == []
    del kept
