"""From measurements to what is shown: JSON with everything, text with Markdown tables."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from contenders import CONTENDERS, OURS
from workloads import SEED, WORKLOADS

MIB = 1 << 20
ALSO = ("pyarrow",)


def as_json(results: Mapping[str, Mapping[str, Any]], *, server: str, rounds: int, quick: bool) -> dict[str, Any]:
    """Return all measurements with their medians, and under which circumstances they were made."""
    names = {package for contender in CONTENDERS.values() for package in contender.packages} | set(ALSO)
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": machine(),
        "python": platform.python_version(),
        "server": server,
        "versions": {name: _version(name) for name in sorted(names)},
        "seed": SEED,
        "rounds": rounds,
        "quick": quick,
        "workloads": {
            workload: {name: {**asdict(result), **medians(result.rounds)} for name, result in row.items()}
            for workload, row in results.items()
        },
    }


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each figure that all rounds have; nothing when a round has none."""
    shared = set.intersection(*(set(one) for one in rounds)) if rounds else set()
    return {name: median(one[name] for one in rounds) for name in sorted(shared)}


def best_peer_ratio(row: Mapping[str, Mapping[str, Any]], figure: str = "seconds") -> float | None:
    """Our figure over the smallest of the peers'; None when one side has none."""
    peers = [cell[figure] for name, cell in row.items() if name != OURS and _succeeded(cell, figure)]
    ours = row[OURS]
    return ours[figure] / min(peers) if peers and _succeeded(ours, figure) else None


def machine() -> str:
    """System, processor and cores."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):  # Linux says more there
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return f"{platform.system()} {platform.machine()}, {model}, {os.cpu_count()} cores"


def as_text(report: Mapping[str, Any]) -> str:
    """Return three Markdown tables and the circumstances."""
    rows = report["workloads"]
    parts = [
        _circumstances(report),
        "Seconds, median (fastest-slowest):\n\n" + _table(rows, _seconds, f"{OURS} / best peer", _ratio),
        "Requests (MiB from the server, MiB to it):\n\n" + _table(rows, _traffic),
        "CPU seconds (MiB of memory above what the process had before):\n\n" + _table(rows, _effort),
    ]
    errors = [
        f"- {workload}, {name}: {cell['error']}"
        for workload, row in rows.items()
        for name, cell in row.items()
        if cell["error"]
    ]
    return "\n\n".join([*parts, *(["Failures:\n\n" + "\n".join(errors)] if errors else [])])


def _circumstances(report: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    sizes = "quick: smaller data than the tables say, seconds not for comparison; " if report["quick"] else ""
    return (
        f"{report['date']}; {report['machine']}; Python {report['python']}; {versions}; server {report['server']}; "
        f"{sizes}rounds: {report['rounds']}, seed {report['seed']}."
    )


def _table(
    rows: Mapping[str, Any],
    cell_text: Callable[[Mapping[str, Any]], str],
    extra: str | None = None,
    extra_text: Callable[[Mapping[str, Any]], str] | None = None,
) -> str:
    heads = ["workload", "what", *CONTENDERS, *([extra] if extra else [])]
    lines = [heads, ["---", "---", *["---:"] * (len(heads) - 2)]]
    for name, row in rows.items():
        cells = ["fails" if row[contender]["error"] else cell_text(row[contender]) for contender in CONTENDERS]
        lines.append([name, WORKLOADS[name].meaning, *cells, *([extra_text(row)] if extra_text else [])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _seconds(cell: Mapping[str, Any]) -> str:
    each = [one["seconds"] for one in cell["rounds"]]
    return f"{cell['seconds']:.3f} ({min(each):.2f}-{max(each):.2f})"


def _ratio(row: Mapping[str, Mapping[str, Any]]) -> str:
    ratio = best_peer_ratio(row)
    return "" if ratio is None else f"{ratio:.2f}"


def _traffic(cell: Mapping[str, Any]) -> str:
    counted = cell["counted"]
    down, up = counted["bytes_from_server"] / MIB, counted["bytes_to_server"] / MIB
    return f"{counted['requests']} ({down:.1f}, {up:.1f})"


def _effort(cell: Mapping[str, Any]) -> str:
    memory = f" ({cell['memory_mib']:.0f})" if "memory_mib" in cell else ""
    return f"{cell['cpu_seconds']:.2f}{memory}"


def _succeeded(cell: Mapping[str, Any], figure: str) -> bool:
    return cell["error"] is None and figure in cell


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        if package == OURS:  # run from the sources
            from objfs import __version__  # noqa: PLC0415 - nobody else needs it

            return __version__
        return "(not installed)"
