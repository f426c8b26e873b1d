"""From measurements to what is shown: JSON with everything, text with Markdown tables."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from numbers import Real
from pathlib import Path
from statistics import median
from typing import Any

from contenders import CONTENDERS, OURS
from data import SEED
from profiles import PROFILES, base_sizes, sizes_in
from workloads import WORKLOADS, Goal

MIB = 1 << 20
ALSO = ("pyarrow", "xarray", "zarr")
Cell = Mapping[str, Any]


def as_json(results: Mapping[str, Any], *, servers: Mapping[str, str], rounds: int, quick: bool) -> dict[str, Any]:
    """Return all measurements with their medians, and under which circumstances they were made."""
    names = {package for contender in CONTENDERS.values() for package in contender.packages} | set(ALSO)
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": machine(),
        "python": platform.python_version(),
        "servers": dict(servers),
        "versions": {name: _version(name) for name in sorted(names)},
        "seed": SEED,
        "rounds": rounds,
        "quick": quick,
        "profiles": {
            profile: {workload: _row(workload, profile, row, quick=quick) for workload, row in rows.items()}
            for profile, rows in results.items()
        },
    }


def _row(name: str, profile: str, row: Mapping[str, Any], *, quick: bool) -> dict[str, Any]:
    workload, sizes = WORKLOADS[name], sizes_in(PROFILES[profile], base_sizes(PROFILES[profile].cloud, quick=quick))
    goal = workload.goals[profile]
    cells = {contender: {**asdict(result), **medians(result.rounds)} for contender, result in row.items()}
    asked = workload.asked_bytes(sizes) if workload.asked_bytes else None
    return {
        "meaning": workload.meaning(sizes),
        "goal": {**asdict(goal), "ratio": goal.ratio} if goal else None,
        "contenders": cells,
        "best_peer_ratio": best_peer_ratio(cells),
        "misses": list(misses(goal, cells, asked)) if goal and OURS in cells else [],
    }


def medians(rounds: list[dict[str, Any]]) -> dict[str, float]:
    """Return the median of each figure that all rounds have; nothing when a round has none."""
    shared = set.intersection(*(set(one) for one in rounds)) if rounds else set()
    return {
        name: median(one[name] for one in rounds)
        for name in sorted(shared)
        if all(isinstance(one[name], Real) for one in rounds)
    }


def best_peer_ratio(cells: Mapping[str, Cell], figure: str = "seconds") -> float | None:
    """Our figure over the smallest of the peers'; None when one side has none."""
    peers = [cell[figure] for name, cell in cells.items() if CONTENDERS[name].is_peer and figure in cell]
    ours = cells.get(OURS, {})
    return ours[figure] / min(peers) if peers and figure in ours else None


def misses(goal: Goal, cells: Mapping[str, Cell], asked_bytes: int | None) -> Iterator[str]:
    """In what we are behind the goal: the ratio to the best peer, and what does not vary by machine."""
    ours, ratio = cells[OURS], best_peer_ratio(cells)
    if "seconds" not in ours:
        yield "no figures"
        return
    if ratio is not None and ratio > goal.ratio:
        yield f"{ratio:.2f} x the best peer"
    if goal.requests is not None and ours["requests"] > goal.requests:
        yield f"{ours['requests']:.0f} requests"
    if goal.bytes_times is not None and asked_bytes and ours["bytes_from_server"] > goal.bytes_times * asked_bytes:
        yield f"{ours['bytes_from_server'] / asked_bytes:.1f} x the bytes"
    if goal.memory_mib is not None and ours.get("memory_mib", 0) > goal.memory_mib:
        yield f"{ours['memory_mib']:.0f} MiB of memory"


def machine() -> str:
    """System, processor and cores."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):  # Linux says more there
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return f"{platform.system()} {platform.machine()}, {model}, {os.cpu_count()} cores"


def as_text(report: Mapping[str, Any]) -> str:
    """Return Markdown tables for each profile, and the circumstances."""
    parts = [circumstances(report)]
    for profile, rows in report["profiles"].items():
        shown = [name for name in CONTENDERS if any(name in row["contenders"] for row in rows.values())]
        parts += [
            f"## {profile}: {PROFILES[profile].meaning}",
            "Seconds, median (fastest-slowest):\n\n" + _table(rows, shown, _seconds, COLUMNS),
            "Requests (MiB from the server, MiB to it):\n\n" + _table(rows, shown, _traffic),
            "CPU seconds (MiB at the peak of memory, of which the workload added):\n\n" + _table(rows, shown, _effort),
        ]
    findings = [f"- {finding}" for finding in _findings(report)]
    return "\n\n".join([*parts, *(["Failures:\n\n" + "\n".join(findings)] if findings else [])])


def circumstances(report: Mapping[str, Any]) -> str:
    """Return when, where and with what the measurements were made."""
    servers = ", ".join(report["servers"].values())
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    sizes = "quick: small data, seconds not for comparison; " if report["quick"] else ""
    return (
        f"{report['date']}; {report['machine']}; Python {report['python']}; {versions}; servers: {servers}; "
        f"{sizes}rounds: {report['rounds']}, seed {report['seed']}{_load(report)}."
    )


def _load(report: Mapping[str, Any]) -> str:
    """How busy the machine was, in words: what else ran on it is in the seconds."""
    if "load" not in report:
        return ""
    before, after = report["load"]
    return f"; load average {before:.1f} before, {after:.1f} after {report['minutes']:.0f} minutes"


def _findings(report: Mapping[str, Any]) -> Iterator[str]:
    for profile, rows in report["profiles"].items():
        for workload, row in rows.items():
            for name, cell in row["contenders"].items():
                if cell["error"]:
                    yield f"{profile}, {workload}, {name}: {cell['error']}"
                if cell["bad_exits"]:
                    statuses = ", ".join(map(str, cell["bad_exits"]))
                    yield f"{profile}, {workload}, {name}: finished, then ended with {statuses}"


def _table(
    rows: Mapping[str, Any],
    shown: list[str],
    cell_text: Callable[[Cell], str],
    columns: Mapping[str, Callable[[Mapping[str, Any]], str]] | None = None,
) -> str:
    columns = columns or {}
    heads = ["workload", "what", *shown, *columns]
    lines = [heads, ["---", "---", *["---:"] * (len(heads) - 2)]]
    for name, row in rows.items():
        cells = [_cell(row["contenders"].get(contender), cell_text) for contender in shown]
        lines.append([name, row["meaning"], *cells, *(text(row) for text in columns.values())])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell | None, text: Callable[[Cell], str]) -> str:
    if cell is None:
        return "-"
    if cell["error"]:
        return "fails"
    return f"> {cell['over_seconds']:.0f} s" if cell["over_seconds"] else text(cell)


def _seconds(cell: Cell) -> str:
    each = [one["seconds"] for one in cell["rounds"]]
    spread = f" ({min(each):.2f}-{max(each):.2f})" if len(each) > 1 else ""
    return f"{cell['seconds']:.3f}{spread}"


def _ratio(row: Mapping[str, Any]) -> str:
    ratio = row["best_peer_ratio"]
    return "" if ratio is None else f"{ratio:.2f}"


def _goal(row: Mapping[str, Any]) -> str:
    goal = row["goal"]
    return f"{goal['ratio']:.2f} ({goal['seconds']:.2f} s)" if goal else ""


def _verdict(row: Mapping[str, Any]) -> str:
    if row["goal"] is None or OURS not in row["contenders"]:
        return ""
    return "missed: " + ", ".join(row["misses"]) if row["misses"] else "reached"


COLUMNS = {f"{OURS} / best peer": _ratio, "goal": _goal, "": _verdict}


def _traffic(cell: Cell) -> str:
    down, up = cell["bytes_from_server"] / MIB, cell["bytes_to_server"] / MIB
    return f"{cell['requests']:.0f} ({down:.1f}, {up:.1f})"


def _effort(cell: Cell) -> str:
    memory = f" ({cell['peak_mib']:.0f}, {cell['memory_mib']:.0f})" if "memory_mib" in cell else ""
    return f"{cell['cpu_seconds']:.2f}{memory}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        if package == OURS:  # run from the sources
            from objfs import __version__  # noqa: PLC0415 - nobody else needs it

            return __version__
        return "(not installed)"
