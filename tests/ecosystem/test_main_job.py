"""The lesson of docs/tutorial, which `make demo` runs at its full size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from objfs.testing import ExpiringGateway

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


@pytest.mark.slow
def test_main_job_uses_up_credentials_and_reads_what_it_wrote():
    """A small run: it checks its own sums, says so by its exit code, and has nothing to complain about."""
    command = [sys.executable, str(TUTORIAL / "main_job.py"), "--lifetime", "2", "--rows", "20000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "DIFFERENT" not in done.stdout


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
