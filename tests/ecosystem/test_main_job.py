"""The lesson of docs/tutorial, which `make demo` runs at its full size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from objfs.testing import ExpiringGateway
from tests.ecosystem import lesson_providers

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial"

for package in (
    "moto",
    "flask_cors",
    "pandas",
    "pyarrow",
    "polars",
    "duckdb",
    "dask.dataframe",
    "distributed",
    "xarray",
):
    pytest.importorskip(package)


def run_job(*arguments, environ=None):
    """Run the job in small, as its user does; what it printed."""
    command = [sys.executable, str(TUTORIAL / "main_job.py"), "--lifetime", "2", "--rows", "20000", *arguments]
    # A busy machine can end the scheduler while a worker says that it is well, which the worker would log.
    quiet = {"DASK_LOGGING__DISTRIBUTED": "critical", **os.environ, **(environ or {})}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "DIFFERENT" not in done.stdout
    return done.stdout


@pytest.mark.slow
def test_main_job_uses_up_credentials_and_reads_what_it_wrote():
    """A small run: it checks its own sums, says so by its exit code, and has nothing to complain about."""
    assert "The static copy was refused" in run_job()


@pytest.mark.slow
@pytest.mark.parametrize(("cloud", "provider"), [("gcs", "token"), ("azure", "sas")])
def test_main_job_is_the_same_on_other_clouds(cloud, provider, request, tmp_path):
    """Only the URL and the options are other ones; the credentials live two seconds there, too."""
    under_test = request.getfixturevalue(f"{cloud}_cloud")
    notes = tmp_path / "notes"
    account = under_test.options
    environ = {
        lesson_providers.NOTES: str(notes),
        lesson_providers.ACCOUNT: json.dumps(account),
        "PYTHONPATH": str(TUTORIAL.parents[1]),
    }
    place = {name: account[name] for name in ("endpoint", "endpoint_url", "account_name", "project") if name in account}
    options = {**place, "storage_options_provider": f"{lesson_providers.__name__}:{provider}"}
    said = run_job("--url", under_test.url("lesson"), "--options", json.dumps(options), environ=environ)
    assert "Everything that was read is what was generated." in said
    # The main process, with its one upload and one open file that outlive their credentials, and both workers.
    fetched = notes.read_text().split()
    assert max(map(fetched.count, fetched)) >= 3
    assert len(set(fetched)) >= 2


@pytest.fixture
def report(monkeypatch):
    """A report of a gateway through which nothing has passed, and the class of its checksums."""
    monkeypatch.syspath_prepend(str(TUTORIAL))
    from job_report import Checksum, Report

    with ExpiringGateway("http://127.0.0.1:1") as gateway:
        yield Report(gateway), Checksum


def test_report_fails_when_few_credentials_were_used(report):
    """A job that was too short shows nothing."""
    report, _ = report
    assert report.close() == 1


def test_report_fails_when_something_else_was_read_than_written(report, capsys):
    """The difference is shown with the sums on both sides."""
    report, checksum = report
    report.compare("table, by hand", checksum(2, 7), checksum(2, 8))
    assert report.close() == 1
    said = capsys.readouterr().out
    assert "DIFFERENT" in said
    assert "FAILED: table, by hand" in said
