"""The same call on the peer's own class and on ours: what it gives, what it raises, what lies in the bucket then."""

from __future__ import annotations

import shutil
import tomllib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.peer_calls import CHANGING, LOOKING, READING, TREE, Call
from tests.emulators.peer_differences import DIFFERENCES, EVERY, SKIPPED, Ours, expected
from tests.emulators.peers import Raised, Side, agree, both, make_local

DIFFERENCES_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "differences.toml"
GROUPS: dict[str, dict[str, Call]] = {"looking": LOOKING, "reading": READING, "changing": CHANGING}

# What a call gave, and then: the changes in the bucket, or the files in the local folder.
Outcome = tuple[Any, Mapping[str, Any]]
# The peer's answers are the same for both of our engines.
_ANSWERS: dict[tuple[str, str], Outcome] = {}


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by the SDK."""
    return str(request.param)


@pytest.fixture
def sides(cloud: Any, engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Side, Side]]:
    """Ours and the peer, each with a bucket that holds the tree."""
    with both(cloud, engine, request, tmp_path) as found:
        for side in found:
            side.fill(TREE)
        yield found


def outcome(side: Side, call: Call, *, changing: bool) -> Outcome:
    """What a call gives and changes; afterwards everything is as it was."""
    shutil.rmtree(side.here)
    side.here.mkdir()
    if changing:
        make_local(side.here)
    found = side.answer(call)
    if not changing:
        return found, side.local()
    held = side.held()
    side.fill(TREE, held)
    return found, changes(held or {})


def changes(held: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """What was written (None: deleted) to a bucket that held the tree."""
    return {key: held.get(key) for key in sorted({*held, *TREE}) if held.get(key) != TREE.get(key)}


def theirs_of(cloud: Any, side: Side, name: str, call: Call, *, changing: bool) -> Outcome:
    """The outcome on the peer, whose warnings are its own."""
    if (cloud.name, name) not in _ANSWERS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _ANSWERS[cloud.name, name] = outcome(side, call, changing=changing)
    return _ANSWERS[cloud.name, name]


def is_as_said(found: Outcome, ours: Ours) -> bool:
    """Whether ours does what the table of differences says that it does."""
    answer, then = found
    if ours.changes is not None and dict(then) != dict(ours.changes):
        return False
    if isinstance(answer, Raised):
        return answer.kinds[0] == ours.answer
    return bool(ours.answer(answer)) if callable(ours.answer) else bool(answer == ours.answer)


@pytest.mark.parametrize("group", GROUPS)
def test_call_is_as_on_the_peer(cloud: Any, sides: tuple[Side, Side], group: str) -> None:
    """In every call of the table, but for the differences that are published with a reason."""
    ours, theirs = sides
    deliberate = {name: row for name, row in expected(cloud.name).items() if name in GROUPS[group]}
    different: dict[str, Any] = {}
    for name, call in GROUPS[group].items():
        if (cloud.name, name) in SKIPPED:
            continue
        told = theirs_of(cloud, theirs, name, call, changing=group == "changing")
        found = outcome(ours, call, changing=group == "changing")
        if not (agree(found[0], told[0]) and found[1] == told[1]):
            said = name in deliberate and is_as_said(found, deliberate[name])
            different[name] = "as said" if said else (found, told)
    assert different == dict.fromkeys(deliberate, "as said")


def test_differences_are_published_and_name_calls_that_exist() -> None:
    """Each call differs for one reason, which has a row on the page of differences."""
    published = tomllib.loads(DIFFERENCES_PAGE.read_text("utf-8"))["behaviour"]
    assert {difference.title for difference in DIFFERENCES} <= {row["title"] for row in published}
    named = [name for difference in DIFFERENCES for name in difference.calls]
    assert sorted(named) == sorted(set(named))
    assert set(named) <= {*LOOKING, *READING, *CHANGING}
    assert {cloud for row in expected("s3").values() for cloud in row.clouds} <= set(EVERY)
