"""The deliberate differences from the peers; ``python -m tests.emulators.differences`` prints what the tests count."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.emulators import signature_cases, signature_cases_constructors
from tests.emulators.signature_bench import CASES
from tests.emulators.signatures import PEERS, attributes_of, constructor_of, file_keywords_of, pairs_of, verbs_of

TOLD: Final[Mapping[str, Any]] = tomllib.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "differences.toml").read_text("utf-8")
)
assert signature_cases


def _rows(cloud: str) -> list[Mapping[str, Any]]:
    return [row for row in TOLD["signature"] if row["peer"] in ("*", PEERS[cloud])]


@cache
def listed_names(cloud: str) -> frozenset[str]:
    """Attributes and methods that are listed as different."""
    return frozenset(name for row in _rows(cloud) for name in row.get("names", ()))


@cache
def listed_keywords(cloud: str) -> frozenset[tuple[str, str]]:
    """Verbs and keywords that are listed as different."""
    split = [keyword.rpartition(".") for row in _rows(cloud) for keyword in row.get("keywords", ())]
    return frozenset((verb, keyword) for verb, _, keyword in split)


@cache
def shown(cloud: str) -> frozenset[tuple[str, str]]:
    """Verbs and keywords that a case shows."""
    return frozenset(pair for each in CASES.values() if each.cloud == cloud for pair in each.shows)


@cache
def to_be_shown(cloud: str) -> tuple[tuple[str, str], ...]:
    """Verbs and keywords that need a case: those of objfs's own methods, and public ones that it forwards.

    Of what fsspec's own function does on both sides, and of the peer's private coroutines, which objfs hands over,
    other tests show that it is so.
    """
    public = {verb.name for verb in verbs_of(cloud) if verb.is_public}
    forwarded = [(verb, keyword) for verb, keyword in pairs_of(cloud, "forwarded", "missing") if verb in public]
    files = [("File", keyword) for keyword in file_keywords_of(cloud)]
    return (*pairs_of(cloud, "own"), *forwarded, *files)


def is_shown(cloud: str, verb: str, keyword: str) -> bool:
    """Whether a case has it; what is told to a file is told to `open`, and twins are one."""
    names = {verb, "open" if verb == "File" else verb.removeprefix("_")}
    return any((name, keyword) in shown(cloud) for name in names)


def unaccounted(cloud: str) -> list[tuple[str, str]]:
    """Verbs and keywords with neither a case nor a listed difference."""
    listed = listed_keywords(cloud)
    return [pair for pair in to_be_shown(cloud) if pair not in listed and not is_shown(cloud, *pair)]


def counts(cloud: str) -> dict[str, str]:
    """How much of the peer there is, as ``n of n`` with what is listed as different."""
    verbs, names, pairs = verbs_of(cloud), attributes_of(cloud), to_be_shown(cloud)
    listed = listed_keywords(cloud)
    by_case = sum(is_shown(cloud, *pair) and pair not in listed for pair in pairs)
    told = constructor_of(cloud)
    by_constructor = [name for name in told if (cloud, name) in signature_cases_constructors.SHOWN]
    private = [pair for pair in pairs_of(cloud, "forwarded") if pair[0].startswith("_")]
    same = pairs_of(cloud, "same")
    missing = [verb.name for verb in verbs if verb.kind == "missing" and verb.name not in listed_names(cloud)]
    return {
        "methods": f"{len(verbs) - len(missing)} of {len(verbs)}",
        "attributes": f"{len(names)} of {len(names)}, {len(listed_names(cloud) & set(names))} of them listed",
        "keywords by a call": f"{by_case} of {len(pairs)}, the other {len(pairs) - by_case} listed",
        "keywords handed to the peer": f"{len(private)} of {len(private)}",
        "keywords of fsspec's own methods": f"{len(same)} of {len(same)}",
        "constructor": f"{len(by_constructor)} of {len(told)}, the other {len(told) - len(by_constructor)} listed",
    }


def main() -> None:
    """Print the counts of each peer."""
    for cloud, peer in PEERS.items():
        version = importlib.import_module(peer).__version__
        print(f"{peer} {version}")  # noqa: T201 - what it is for
        for what, count in counts(cloud).items():
            print(f"  {what:34}{count}")  # noqa: T201 - as above


if __name__ == "__main__":
    main()
