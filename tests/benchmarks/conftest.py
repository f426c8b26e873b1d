"""The benchmark's scripts as modules, for as long as a test needs them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def harness() -> Iterator[object]:
    """``harness("report")`` imports one of the scripts."""
    names = {path.stem for path in FOLDER.glob("*.py")}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield __import__
        for name in names:
            sys.modules.pop(name, None)
