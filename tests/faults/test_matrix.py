"""The matrix: each verb under each fault, on both planes and three clouds, comes to what `outcomes` says."""

from __future__ import annotations

import pytest

from tests.clouds import CLOUDS
from tests.faults.faults import BY_NAME, FAULTS
from tests.faults.matrix import Cell, Seen, carry_out
from tests.faults.outcomes import (
    KINDS,
    LEFT_OUT,
    OTHERWISE,
    PLANES,
    SURVIVED,
    USUAL,
    WITHIN_SECONDS,
    cells,
    outcome_of,
)
from tests.faults.verbs import VERBS

# A call that is made in vain is repeated as often as the options say, and not by each layer anew.
MOST_REQUESTS = 16
OURS = {"builtins", "objfs.errors"}


def objection(cell: Cell, seen: Seen) -> str:
    """What is wrong with a cell; empty where it is as it must be."""
    if seen.wrong:
        return seen.wrong
    if not seen.hits and BY_NAME[cell.fault].act is not None:
        return f"the fault was done to none of {seen.requests} requests"
    if seen.seconds > WITHIN_SECONDS or seen.requests > MOST_REQUESTS:
        return f"it took {seen.seconds:.0f} s and {seen.requests} requests"
    outcome, error = outcome_of(cell), seen.error
    if outcome == SURVIVED or error is None:
        return "" if (outcome == SURVIVED) is (error is None) else f"{outcome} is expected, not {error!r}"
    exact = type(error).__module__ in OURS and isinstance(error, KINDS[outcome])
    if outcome == "OSError" and isinstance(error, ConnectionError | TimeoutError | FileNotFoundError | FileExistsError):
        exact = False
    return "" if exact and str(error) else f"{outcome} is expected, not {error!r}"


@pytest.mark.timeout(280)
@pytest.mark.parametrize("plane", PLANES)
def test_every_cell_comes_to_what_the_table_says(cloud, plane, tmp_path):
    """Never a hang, never wrong bytes, never a part of an object."""
    chosen = [cell for cell in cells() if (cell.cloud, cell.plane) == (cloud.name, plane)]
    objections = {str(cell): objection(cell, seen) for cell, seen in carry_out(cloud, chosen, tmp_path).items()}
    assert len(objections) == len(chosen) > 50
    assert {cell: said for cell, said in objections.items() if said} == {}


def test_every_fault_and_every_verb_is_tried_on_s3_and_most_elsewhere():
    """The product is full on S3, but for what cannot be; what is left out elsewhere has its reason."""
    all_cells = list(cells())
    assert {cell.fault for cell in all_cells if cell.cloud == "s3"} == {fault.name for fault in FAULTS}
    assert {cell.verb for cell in all_cells if cell.cloud == "s3"} == {verb.name for verb in VERBS}
    assert {cell.cloud for cell in all_cells} == set(CLOUDS)
    assert len(set(all_cells)) == len(all_cells)


@pytest.mark.parametrize("rows", OTHERWISE, ids=lambda rows: rows.why)
def test_exception_to_a_fault_is_one(rows):
    """It is there for some cell that would come to something else."""
    others = OTHERWISE[: OTHERWISE.index(rows)]
    own = [cell for cell in cells() if rows.have(cell) and not any(other.have(cell) for other in others)]
    assert [cell for cell in own if USUAL.get(cell.fault, SURVIVED) != rows.outcome]
    assert {cell.fault for cell in own} == set(rows.faults.split(", "))


@pytest.mark.parametrize("rows", LEFT_OUT, ids=lambda rows: f"{rows.why}, {rows.clouds}, {rows.planes}")
def test_what_is_left_out_names_what_there_is(rows):
    """No fault, verb, plane or cloud that nobody knows."""
    known = {
        "faults": {fault.name for fault in FAULTS},
        "verbs": {verb.name for verb in VERBS},
        "planes": set(PLANES),
        "clouds": set(CLOUDS),
    }
    for field, names in known.items():
        assert set(filter(None, getattr(rows, field).split(", "))) <= names
