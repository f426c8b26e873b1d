"""The benchmark's scripts as modules, for as long as a test needs them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server_processes import UnavailableError

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


@contextlib.contextmanager
def server_is_built() -> Iterator[None]:
    """Skip what needs the benchmark's own server where there is none: Go builds it, the rest must pass without."""
    try:
        yield
    except UnavailableError as error:
        pytest.skip(f"Go is needed to build the benchmark's server: {error}")
