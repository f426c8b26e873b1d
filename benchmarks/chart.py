"""Draw the results of a run: seconds of every contender, relative to the best peer's, with the goal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from contenders import CONTENDERS, FLOOR, OURS
from matplotlib.figure import Figure
from profiles import PROFILES

# Colours that also those tell apart who see fewer of them: https://jfly.uni-koeln.de/color/
COLOURS = {
    OURS: "#d55e00",
    "s3fs": "#0072b2",
    "obstore.fsspec": "#009e73",
    "pyarrow.fs": "#cc79a7",
    "gcsfs": "#0072b2",
    "adlfs": "#0072b2",
    FLOOR: "#999999",
}
ROW_INCHES, HEAD_INCHES, WIDTH_INCHES = 0.26, 0.8, 10.0
# Farther away than this, points lie on the edge: how far hardly matters.
SLOWEST, FASTEST = 32.0, 1 / 16
# Text stays text, and the same results make the same file.
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "objfs", "font.family": "sans-serif", "font.size": 9}


def draw(report: Mapping[str, Any], target: Path) -> None:
    """Write an SVG with a panel for each profile and a line for each workload."""
    panels = {name: rows for name, rows in report["profiles"].items() if rows}
    heights = [len(rows) * ROW_INCHES + HEAD_INCHES for rows in panels.values()]
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH_INCHES, sum(heights)), layout="constrained")
        axes = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
        for axis, (profile, rows) in zip(axes[:, 0], panels.items(), strict=True):
            _panel(axis, profile, rows)
        figure.savefig(target, format="svg", metadata={"Date": None})


def _panel(axis: Any, profile: str, rows: Mapping[str, Any]) -> None:
    for line, row in enumerate(rows.values()):
        for name, place in _places(row).items():
            style = {"marker": "|" if name == FLOOR else "o", "zorder": 3 if name == OURS else 2}
            axis.scatter(place, line, s=60 if name in (OURS, FLOOR) else 30, color=COLOURS[name], **style)
        if row["goal"]:
            axis.scatter(row["goal"]["ratio"], line, s=70, marker="<", facecolors="none", edgecolors="black", zorder=1)
    for name in CONTENDERS:
        if any(name in row["contenders"] for row in rows.values()):
            axis.scatter([], [], s=30, marker="|" if name == FLOOR else "o", color=COLOURS[name], label=name)
    if any(row["goal"] for row in rows.values()):
        axis.scatter([], [], s=50, marker="<", facecolors="none", edgecolors="black", label="goal")
    axis.axvline(1, color="black", linewidth=0.8, zorder=0)
    axis.set_xscale("log", base=2)
    axis.set_xlim(FASTEST, SLOWEST)
    ticks = [2.0**power for power in range(-4, 6)]
    axis.set_xticks(ticks, [f"{tick:g}" if tick >= 1 else f"1/{1 / tick:g}" for tick in ticks])
    axis.set_yticks(range(len(rows)), [f"{name}: {row['meaning']}" for name, row in rows.items()])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.grid(axis="both", color="#e5e5e5", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.set_title(f"{profile}: {PROFILES[profile].meaning}", loc="left", fontsize=10)
    axis.set_xlabel("seconds / seconds of the best peer (left is faster)")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def _places(row: Mapping[str, Any]) -> dict[str, float]:
    """Where each contender's point is; those without figures have none."""
    seconds = {name: cell["seconds"] for name, cell in row["contenders"].items() if "seconds" in cell}
    peers = [value for name, value in seconds.items() if CONTENDERS[name].is_peer]
    if not peers:
        return {}
    return {name: min(max(value / min(peers), FASTEST), SLOWEST) for name, value in seconds.items()}
