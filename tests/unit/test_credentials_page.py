"""The page on failing credentials says the numbers of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from objfs.credentials import lifetimes, pauses, refresher, select

PAGE = " ".join(
    (Path(__file__).parents[2] / "docs" / "explanation" / "when-credentials-fail.md").read_text("utf-8").split()
)


@pytest.mark.parametrize(
    "said",
    [
        f"{lifetimes.LONGEST_MARGIN_SECONDS:g} seconds before the expiry",
        f"or {lifetimes.MARGIN_SHARE:g} of the life",
        f"after 1, 2, 4 … at most {pauses.LONGEST_PAUSE_SECONDS:g} seconds",
        f"without asking anybody, for {pauses.CALLER_PAUSE_SECONDS:g} second.",
        f"left alone for {pauses.CALLER_PAUSE_SECONDS:g} second:",
        f"A call waits {select.DEFAULT_WAIT.total_seconds():g} seconds (`provider_timeout=`)",
        f"At most {refresher.MOST_GIVEN_UP} are left behind",
        f"older than {refresher.SUSPICION_SECONDS:g} second, then",
        f"at most {refresher.LONGEST_SUSPICION_SECONDS:g} seconds, so that forbidden",
    ],
)
def test_page_says_what_the_code_does(said: str) -> None:
    """A constant that is changed is changed on the page, too."""
    assert said in PAGE
