"""Write docs/reference/faults.md: ``python docs/generate_faults.py``.

Everything is read from the rows of tests/faults: what is done to requests, to which verbs, and what it must come to.
With ``--check`` nothing is written, and the exit code says whether the page is current.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.faults.faults import FAULTS  # noqa: E402 - found by the line above
from tests.faults.outcomes import (  # noqa: E402 - as above
    LEFT_OUT,
    OTHERWISE,
    SURVIVED,
    USUAL,
    WITHIN_SECONDS,
    Rows,
    cells,
    outcome_of,
)
from tests.faults.verbs import VERBS  # noqa: E402 - as above

PAGE: Final = ROOT / "docs" / "reference" / "faults.md"
CLOUDS: Final = {"s3": "S3", "gcs": "GCS", "azure": "Azure"}
PLANES: Final = {"obstore": "data", "sdk": "SDK"}

INTRODUCTION: Final = """\
# Faults that are survived

<!-- Written by docs/generate_faults.py from the rows of tests/faults; change those, and run it. -->

A proxy between objfs and a server (moto, fake-gcs-server, Azurite) does each of these things to the requests of each
verb, on both planes. A cell of this matrix either **survives**, with the right bytes, or raises a **clean error**: a
builtin exception, or `objfs.errors.ThrottledError`, which is an `OSError`. With two retries, short waits, and a read
timeout of 1.5 seconds where a server is silent, none takes longer than {within} seconds. None returns other bytes than
were stored, shows a part of an object, or leaves a part of a file. What the limits are by default, and what they
mean, is [a page of its own](../how-to/set-timeouts-and-retries.md).

## How many
"""


def page() -> str:
    """The text of the page."""
    parts = [INTRODUCTION.format(within=WITHIN_SECONDS), *_counts(), *_faults(), *_verbs(), *_rows()]
    return "\n".join(parts)


def _counts() -> Iterator[str]:
    found = list(cells())
    yield "| cloud | plane | cells | survived | clean error |"
    yield "| --- | --- | --- | --- | --- |"
    for cloud, title in CLOUDS.items():
        for plane, name in PLANES.items():
            outcomes = Counter(
                outcome_of(cell) == SURVIVED for cell in found if (cell.cloud, cell.plane) == (cloud, plane)
            )
            yield f"| {title} | {name} | {outcomes.total()} | {outcomes[True]} | {outcomes[False]} |"
    outcomes = Counter(outcome_of(cell) == SURVIVED for cell in found)
    yield f"| all | | {outcomes.total()} | {outcomes[True]} | {outcomes[False]} |"
    yield ""


def _faults() -> Iterator[str]:
    yield "## What is done"
    yield ""
    yield "| fault | what happens | outcome |"
    yield "| --- | --- | --- |"
    for fault in FAULTS:
        yield f"| {fault.name} | {fault.meaning} | {_shown(USUAL.get(fault.name, SURVIVED))} |"
    yield ""


def _verbs() -> Iterator[str]:
    yield "## To what"
    yield ""
    yield "| verb | what is called |"
    yield "| --- | --- |"
    for verb in VERBS:
        yield f"| {verb.name} | {verb.meaning} |"
    yield ""


def _rows() -> Iterator[str]:
    yield "## What comes to something else"
    yield ""
    yield from _table(OTHERWISE)
    yield "## What is not tried"
    yield ""
    yield from _table(LEFT_OUT)


def _table(rows: tuple[Rows, ...]) -> Iterator[str]:
    outcome = rows[0].outcome is not None
    yield f"| fault | verb | plane | cloud |{' outcome |' if outcome else ''} why |"
    yield f"| --- | --- | --- | --- |{' --- |' if outcome else ''} --- |"
    for row in rows:
        names = [row.faults or "all", row.verbs or "all"]
        names += [_titles(row.planes, PLANES), _titles(row.clouds, CLOUDS)]
        names += [_shown(row.outcome)] if row.outcome else []
        yield f"| {' | '.join([*names, row.why])} |"
    yield ""


def _titles(names: str, titles: dict[str, str]) -> str:
    return ", ".join(titles[name] for name in names.split(", ")) if names else "all"


def _shown(outcome: str) -> str:
    return outcome if outcome == SURVIVED else f"`{outcome}`"


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        sys.exit(PAGE.read_text("utf-8") != page())
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
