"""The benchmark harness, as a plain test: it runs, checks what it measures, and reports. No figure is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.conftest import server_is_built

FOLDER = Path(__file__).parents[2] / "benchmarks"
CONTENDERS = {"objfs", "s3fs", "obstore.fsspec", "pyarrow.fs", "raw obstore"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def results_of(folder: Path, *arguments: str) -> Any:
    """Run the harness on small data, and return its results."""
    done = run("--quick", "--out", str(folder), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "results.md").read_text().strip() == done.stdout.strip()
    return json.loads((folder / "results.json").read_text())["profiles"]


def test_run_measures_and_counts_every_contender(harness, tmp_path: Path):
    """The quick mode ends well, and every contender has sent the requests that its workload needs at least."""
    for package in ("flask_cors", "moto", "pyarrow", "s3fs"):
        pytest.importorskip(package)
    with server_is_built():
        harness("servers")._built()
    found = results_of(tmp_path, "--only", "pipe-small", "--only", "cat-small", "--profile", "zero")
    for workload, verb, way in (("pipe-small", "PUT", "bytes_to_server"), ("cat-small", "GET", "bytes_from_server")):
        cells = found["zero"][workload]["contenders"]
        assert set(cells) == CONTENDERS
        for cell in cells.values():
            assert cell["error"] is None
            assert len(cell["rounds"]) == 1
            assert cell["seconds"] > 0
            assert cell["rounds"][0]["methods"][verb] >= 20
            assert cell[way] >= 20 * (16 << 10)


def test_run_works_without_go(tmp_path: Path):
    """On moto the same is counted, though slowly."""
    for package in ("flask_cors", "moto"):
        pytest.importorskip(package)
    chosen = ("--server", "moto", "--only", "cat-small", "--contender", "objfs")
    found = results_of(tmp_path, *chosen, "--profile", "zero")
    assert found["zero"]["cat-small"]["contenders"]["objfs"]["requests"] == 20


def test_run_names_the_workloads_when_one_is_unknown():
    """A misspelt workload ends in a usage error that lists the right ones."""
    done = run("--only", "read-hole")
    assert done.returncode == 2
    assert "read-whole" in done.stderr


def test_costs_prints_every_layer(harness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The script that looks at single calls still finds the layers that it names."""
    costs = harness("costs")
    monkeypatch.setattr(costs, "ROUNDS", 1)
    monkeypatch.setattr(costs, "OBJECTS", costs.OBJECTS[:5])
    with server_is_built():
        costs.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 10
    assert all(line.endswith(" us") for line in lines)


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


@pytest.fixture
def report(harness) -> Any:
    """What is made of a row in which one contender failed and another took too long."""
    make = harness("run").Result
    figures = {"cpu_seconds": 0.5, "requests": 3, "bytes_from_server": 1 << 20, "bytes_to_server": 0}
    good, bad, slow = make(), make(), make()
    for seconds in (1.0, 1.5, 2.5):
        good.add({"seconds": seconds, **figures})
    bad.add({"error": "OSError: no"})
    slow.add({"over_seconds": 30.0})
    row = {"objfs": good, "s3fs": good, "obstore.fsspec": bad, "pyarrow.fs": slow}
    return harness("report").as_json({"s3": {"cat-file": row}}, servers={"s3": "s"}, rounds=3, quick=False)


def test_report_shows_a_failure_instead_of_a_figure(harness, report):
    """A contender that cannot do a workload is named with its error, and the others keep their figures."""
    text = harness("report").as_text(report)
    cells = "| 1.500 (1.00-2.50) | 1.500 (1.00-2.50) | fails | > 30 s | 1.00 | 0.37 (0.40 s) | missed: 1.00 x the best"
    assert cells in text
    assert "| 3 (1.0, 0.0) | 3 (1.0, 0.0) | fails |" in text
    assert "s3, cat-file, obstore.fsspec: OSError: no" in text


def test_chart_is_the_same_for_the_same_results(harness, report, tmp_path: Path):
    """Whoever draws it again finds no difference; all who have figures are in it."""
    pytest.importorskip("matplotlib")
    for name in ("one.svg", "two.svg"):
        harness("chart").draw(report, tmp_path / name)
    drawn = (tmp_path / "one.svg").read_text()
    assert drawn == (tmp_path / "two.svg").read_text()
    for text in ("s3: 20 ms per request", "cat-file: cat_file of 256 MiB", "objfs", "s3fs", "goal"):
        assert text in drawn
