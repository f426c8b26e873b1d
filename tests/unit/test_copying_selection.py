"""Globs that choose among the files of a tree."""

from __future__ import annotations

import pytest

from objfs.copying_selection import Selection


@pytest.mark.parametrize(
    ("include", "exclude", "name", "taken"),
    [
        pytest.param([], [], "a/b.csv", True, id="all-by-default"),
        pytest.param(["*.csv"], [], "a/b.csv", True, id="last-part-anywhere"),
        pytest.param(["*.csv"], [], "a/b.json", False, id="not-included"),
        pytest.param(["*.csv", "*.json"], [], "b.json", True, id="any-of-several"),
        pytest.param([], ["*.tmp"], "a/b.tmp", False, id="excluded"),
        pytest.param(["*.csv"], ["b.*"], "b.csv", False, id="what-is-excluded-stays-out"),
        pytest.param(["a/*.csv"], [], "a/b.csv", True, id="whole-name"),
        pytest.param(["a/*.csv"], [], "a/c/b.csv", False, id="star-stops-at-a-slash"),
        pytest.param(["a/**/*.csv"], [], "a/c/d/b.csv", True, id="two-stars-do-not"),
        pytest.param(["/b.csv"], [], "b.csv", True, id="leading-slash-is-the-top"),
        pytest.param(["/b.csv"], [], "a/b.csv", False, id="and-only-the-top"),
        pytest.param([], ["logs/"], "logs/x/y", False, id="all-below"),
        pytest.param([], ["logs/"], "old/logs/x", True, id="below-the-top-only"),
        pytest.param(["[a-c]?.csv"], [], "b1.csv", True, id="characters"),
        pytest.param(["[!a].csv"], [], "a.csv", False, id="none-of-some-characters"),
        pytest.param(["a.c+v"], [], "a.ccv", False, id="no-regular-expression"),
    ],
)
def test_takes_says_whether_a_name_is_meant(include, exclude, name, taken):
    """By the rules that the command line documents."""
    assert Selection(include, exclude).takes(name) is taken


def test_an_empty_pattern_is_an_error():
    """It would mean nothing, or everything."""
    with pytest.raises(ValueError, match="no pattern"):
        Selection([""])
