"""The benchmark harness, as a plain test: it runs, checks what it measures, and reports. No figure is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
CONTENDERS = {"objfs", "s3fs", "obstore.fsspec"}


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch):
    """Import one of the harness's scripts."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = {path.stem for path in FOLDER.glob("*.py")}

    def load(name: str):
        return __import__(name)

    yield load
    for name in names:
        sys.modules.pop(name, None)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_run_measures_and_counts_every_contender(tmp_path: Path):
    """The quick mode ends well, and every contender has sent the requests that its workload needs at least."""
    for package in ("moto", "flask_cors", "s3fs", "pyarrow"):
        pytest.importorskip(package)
    target = tmp_path / "out.json"
    done = run("--quick", "--rounds", "1", "--server", "moto", "--only", "pipe-small", "--json", str(target))
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(target.read_text())
    row = report["workloads"]["pipe-small"]
    assert set(row) == CONTENDERS
    for cell in row.values():
        assert cell["error"] is None
        assert len(cell["rounds"]) == 1
        assert cell["seconds"] > 0
        assert cell["counted"]["methods"]["PUT"] == 20
        assert cell["counted"]["bytes_to_server"] >= 20 * (16 << 10)
    assert "| pipe-small |" in done.stdout


def test_run_names_the_workloads_when_one_is_unknown():
    """A misspelt workload ends in a usage error that lists the right ones."""
    done = run("--only", "read-hole")
    assert done.returncode == 2
    assert "read-whole" in done.stderr


def test_rotated_lets_another_contender_begin_each_round(harness):
    """Nobody is always first, and all are in every round."""
    assert list(harness("run").rotated(["a", "b", "c"], 4)) == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_scene_ranges_are_the_same_in_every_process(harness, tmp_path: Path):
    """The seed is fixed, and every range lies within the object."""
    workloads = harness("workloads")
    scene = workloads.Scene(None, "b/source", "b/out", tmp_path, tmp_path, workloads.QUICK)
    ranges = scene.ranges()
    assert ranges == scene.ranges()
    assert len(set(ranges)) == workloads.QUICK.range_count
    assert all(0 <= start < end <= workloads.QUICK.large_bytes for start, end in ranges)


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        pytest.param({"s3fs": 4.0, "obstore.fsspec": 1.0}, 2.0, id="best-of-two"),
        pytest.param({"s3fs": 4.0, "obstore.fsspec": None}, 0.5, id="one-failed"),
        pytest.param({"s3fs": None, "obstore.fsspec": None}, None, id="all-failed"),
    ],
)
def test_best_peer_ratio_leaves_failures_out(harness, peers, expected):
    """A peer that failed is not the best one."""
    row = {"objfs": {"seconds": 2.0, "error": None}}
    for name, seconds in peers.items():
        row[name] = {"error": "no"} if seconds is None else {"seconds": seconds, "error": None}
    assert harness("report").best_peer_ratio(row) == expected


def test_report_shows_a_failure_instead_of_a_figure(harness):
    """A contender that cannot do a workload is named with its error, and the others keep their figures."""
    good = {
        "error": None,
        "rounds": [{"seconds": 1.0}, {"seconds": 1.5}, {"seconds": 2.5}],
        "seconds": 1.5,
        "cpu_seconds": 0.5,
        "counted": {"requests": 3, "methods": {"GET": 3}, "bytes_from_server": 1 << 20, "bytes_to_server": 0},
    }
    bad = {"error": "OSError: no", "counted": {}}
    rows = {"cat-large": {"objfs": good, "s3fs": good, "obstore.fsspec": bad}}
    report = {"date": "2026-01-01", "machine": "m", "python": "3", "server": "s", "versions": {}, "seed": 1}
    text = harness("report").as_text({**report, "rounds": 1, "quick": False, "workloads": rows})
    assert "| 1.500 (1.00-2.50) | 1.500 (1.00-2.50) | fails | 1.00 |" in text
    assert "| 3 (1.0, 0.0) | 3 (1.0, 0.0) | fails |" in text
    assert "cat-large, obstore.fsspec: OSError: no" in text
