"""The API of the installed peers: every method, attribute and call keyword is there, and does what it does there.

Each keyword that ``inspect`` finds has a case, run on the peer itself and on both engines, or is among the differences
of docs/reference/differences.toml. ``python -m tests.emulators.differences`` prints the counts.
"""

from __future__ import annotations

import pytest

from tests.emulators import signature_cases
from tests.emulators.signature_bench import CASES, WHO, Bench, Case

for peer in ("s3fs", "gcsfs", "adlfs"):
    pytest.importorskip(peer)

assert signature_cases


def _cases() -> list:
    return [
        pytest.param(each, (each.cloud, who), id=f"{each}-{who}")
        for each in CASES.values()
        for who in WHO
        if who != "peer" or each.not_on_peer is None
    ]


@pytest.fixture
def bench(request, tmp_path):
    """What a case works with."""
    cloud, who = request.param
    found = request.getfixturevalue(f"{cloud}_cloud")
    return Bench(found, who, tmp_path, _versioned(request, cloud))


def _versioned(request, cloud):
    if cloud == "s3":
        return lambda: request.getfixturevalue("make_bucket")(request.getfixturevalue("moto_server"), versioned=True)
    return lambda: request.getfixturevalue("make_gcs_bucket")(versioned=True)


@pytest.mark.parametrize(("each", "bench"), _cases(), indirect=["bench"])
def test_keyword_has_its_effect(each: Case, bench: Bench) -> None:
    """On the peer, on either engine."""
    each.check(bench)
