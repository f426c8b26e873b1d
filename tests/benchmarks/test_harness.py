"""The benchmark harness, as a plain test: it runs, checks what it measures, and reports. No figure is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
CONTENDERS = {"objfs", "s3fs", "obstore.fsspec", "pyarrow.fs", "raw obstore"}


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
    row = report["profiles"]["zero"]["pipe-small"]
    assert set(row["contenders"]) == CONTENDERS
    for cell in row["contenders"].values():
        assert cell["error"] is None
        assert len(cell["rounds"]) == 1
        assert cell["seconds"] > 0
        assert cell["rounds"][0]["methods"]["PUT"] >= 20
        assert cell["bytes_to_server"] >= 20 * (16 << 10)
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
    data = harness("data")
    scene = data.Scene(None, "b/out", tmp_path, tmp_path, data.QUICK)
    ranges = scene.ranges(50, 1000)
    assert ranges == scene.ranges(50, 1000)
    assert len(set(ranges)) == 50
    assert all(0 <= start < end <= data.QUICK.large_bytes for start, end in ranges)


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        pytest.param({"s3fs": 4.0, "obstore.fsspec": 1.0}, 2.0, id="best-of-two"),
        pytest.param({"s3fs": 4.0, "obstore.fsspec": None}, 0.5, id="one-failed"),
        pytest.param({"s3fs": 4.0, "raw obstore": 1.0}, 0.5, id="the-floor-is-no-peer"),
        pytest.param({"s3fs": None, "obstore.fsspec": None}, None, id="all-failed"),
    ],
)
def test_best_peer_ratio_leaves_out_what_is_none(harness, peers, expected):
    """A peer that failed is not the best one, and the floor is none."""
    cells = {"objfs": {"seconds": 2.0}}
    for name, seconds in peers.items():
        cells[name] = {} if seconds is None else {"seconds": seconds}
    assert harness("report").best_peer_ratio(cells) == expected


OURS = {"seconds": 1.0, "requests": 10.0, "bytes_from_server": 300.0, "memory_mib": 50.0}


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        pytest.param({}, [], id="all-reached"),
        pytest.param({"seconds": 0.8}, ["1.00 x the best peer"], id="slower-than-the-ratio"),
        pytest.param({"requests": 9}, ["10 requests"], id="requests"),
        pytest.param({"bytes_times": 2}, ["3.0 x the bytes"], id="bytes"),
        pytest.param({"memory_mib": 40}, ["50 MiB of memory"], id="memory"),
    ],
)
def test_misses_names_what_is_behind_the_goal(harness, goal, expected):
    """Seconds count as the ratio that the goal had to the best peer; requests, bytes and memory as they are."""
    made = harness("workloads").Goal(**{"seconds": 2.0, "best_peer": 2.0, **goal})
    cells = {"objfs": OURS, "s3fs": {"seconds": 1.0}}
    assert list(harness("report").misses(made, cells, asked_bytes=100)) == expected


def test_result_is_over_after_a_failure_or_a_slow_round(harness):
    """More rounds of what fails, or takes very long, would only cost time."""
    make = harness("run").Result
    for said, is_over in (
        ({"seconds": 1.0}, False),
        ({"seconds": 6.0}, True),
        ({"error": "OSError: no"}, True),
        ({"over_seconds": 30.0}, True),
    ):
        result = make()
        result.add(dict(said))
        assert result.is_over is is_over, said


def test_result_keeps_the_figures_of_a_process_that_ended_badly(harness):
    """An abort after the work is done is a finding of its own: the measurement counts."""
    result = harness("run").Result()
    result.add({"seconds": 1.0, "exit_status": -6})
    assert result.bad_exits == [-6]
    assert result.rounds == [{"seconds": 1.0}]


def test_report_shows_a_failure_instead_of_a_figure(harness):
    """A contender that cannot do a workload is named with its error, and the others keep their figures."""
    run, report = harness("run"), harness("report")
    figures = {"cpu_seconds": 0.5, "requests": 3, "bytes_from_server": 1 << 20, "bytes_to_server": 0}
    good, bad, slow = run.Result(), run.Result(), run.Result()
    for seconds in (1.0, 1.5, 2.5):
        good.add({"seconds": seconds, **figures})
    bad.add({"error": "OSError: no"})
    slow.add({"over_seconds": 30.0})
    row = {"objfs": good, "s3fs": good, "obstore.fsspec": bad, "pyarrow.fs": slow}
    made = report.as_json({"s3": {"cat-file": row}}, servers={"s3": "s"}, rounds=3, quick=False)
    text = report.as_text(made)
    cells = "| 1.500 (1.00-2.50) | 1.500 (1.00-2.50) | fails | > 30 s | 1.00 | 0.37 (0.40 s) | missed: 1.00 x the best"
    assert cells in text
    assert "| 3 (1.0, 0.0) | 3 (1.0, 0.0) | fails |" in text
    assert "s3, cat-file, obstore.fsspec: OSError: no" in text
