"""Values that arrive as text become the type of their option."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from objfs.casts import (
    CASTS,
    as_bool,
    as_duration,
    as_float,
    as_int,
    as_mapping,
    as_milliseconds,
    as_pem,
    as_text,
    as_timestamp,
    as_timestamp_millis,
)

MOMENT = datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC)
PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("text", ["1", "true", "on", "yes", "y", "t", "TRUE", " True ", True, 1])
def test_as_bool_reads_every_word_for_true(text):
    """In any case, with spaces around it."""
    assert as_bool(text) is True


@pytest.mark.parametrize("text", ["0", "false", "off", "no", "n", "f", "FALSE", False, 0])
def test_as_bool_reads_every_word_for_false(text):
    """In any case."""
    assert as_bool(text) is False


@pytest.mark.parametrize("value", ["", "maybe", "2", None, 2, []])
def test_as_bool_refuses_what_is_neither(value):
    """A typing error is no False."""
    with pytest.raises(ValueError, match="expected a boolean"):
        as_bool(value)


@pytest.mark.parametrize(("value", "expected"), [("7", 7), (7, 7), (" 7 ", 7), (7.0, 7), ("-1", -1)])
def test_as_int_reads_whole_numbers(value, expected):
    """Text, and floats that are whole."""
    assert as_int(value) == expected
    assert isinstance(as_int(value), int)


@pytest.mark.parametrize("value", ["", "7.5", 7.5, "x", True, None, float("inf"), float("nan")])
def test_as_int_refuses_anything_else(value):
    """Nothing is rounded, and a boolean is no number."""
    with pytest.raises(ValueError, match="whole number"):
        as_int(value)


@pytest.mark.parametrize(("value", "expected"), [("1.5", 1.5), (2, 2.0), ("1e3", 1000.0)])
def test_as_float_reads_numbers(value, expected):
    """Text and numbers."""
    assert as_float(value) == expected


@pytest.mark.parametrize("value", ["", "x", None, "nan", "inf"])
def test_as_float_refuses_anything_else(value):
    """Infinity and NaN are no settings."""
    with pytest.raises(ValueError, match="number"):
        as_float(value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("2", 2, id="bare-number-counts-seconds"),
        pytest.param(2, 2, id="int"),
        pytest.param(0.5, 0.5, id="float"),
        pytest.param("1.5s", 1.5, id="fraction"),
        pytest.param("250ms", 0.25, id="milliseconds"),
        pytest.param("2h 37min", 9420, id="two-terms"),
        pytest.param("1d2h", 93600, id="without-a-space"),
        pytest.param(" 3 Minutes ", 180, id="words-in-any-case"),
        pytest.param(timedelta(seconds=4), 4, id="timedelta"),
    ],
)
def test_as_duration_reads_numbers_and_units(value, seconds):
    """A bare number counts seconds."""
    assert as_duration(value) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["", "s", "2 fortnights", "1s x", "1..5s", None, "nan"])
def test_as_duration_refuses_what_it_does_not_know(value):
    """An unknown unit is not dropped."""
    with pytest.raises(ValueError, match="expected a duration"):
        as_duration(value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("2500", 2.5, id="text"),
        pytest.param(100, 0.1, id="int"),
        pytest.param("2s", 2, id="its-own-unit"),
        pytest.param(timedelta(seconds=4), 4, id="timedelta"),
    ],
)
def test_as_milliseconds_counts_bare_numbers_in_milliseconds(value, seconds):
    """For the vocabularies that say so in the name of the option."""
    assert as_milliseconds(value) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1900000000, id="seconds"),
        pytest.param("1900000000", id="seconds-as-text"),
        pytest.param(1900000000000, id="milliseconds"),
        pytest.param("1900000000000", id="milliseconds-as-text"),
        pytest.param("2030-03-17T17:46:40Z", id="iso"),
        pytest.param("2030-03-17T18:46:40+01:00", id="iso-elsewhere"),
        pytest.param(MOMENT.astimezone(timezone(timedelta(hours=5))), id="datetime"),
    ],
)
def test_as_timestamp_reads_every_unit(value):
    """Numbers of 1e11 and more are milliseconds."""
    assert as_timestamp(value) == MOMENT
    assert as_timestamp(value).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(datetime(2030, 3, 17), id="naive"),  # noqa: DTZ001 - that it is naive is the point
        pytest.param("2030-03-17T17:46:40", id="naive-text"),
        pytest.param("tomorrow", id="words"),
        pytest.param(1e30, id="beyond-the-calendar"),
        pytest.param("nan", id="nan"),
        pytest.param(None, id="none"),
    ],
)
def test_as_timestamp_refuses_what_is_no_moment(value):
    """A moment without a time zone would be guessed."""
    with pytest.raises(ValueError, match="expected a t"):
        as_timestamp(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("1900000000000", MOMENT, id="text"),
        pytest.param(1000, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), id="small-numbers-too"),
        pytest.param("2030-03-17T17:46:40Z", MOMENT, id="iso"),
        pytest.param(MOMENT, MOMENT, id="datetime"),
    ],
)
def test_as_timestamp_millis_always_counts_milliseconds(value, expected):
    """The name of the option says the unit, so nothing is guessed."""
    assert as_timestamp_millis(value) == expected


def test_as_timestamp_millis_refuses_a_moment_beyond_the_calendar():
    """With the message of a cast."""
    with pytest.raises(ValueError, match="years 1 and 9999"):
        as_timestamp_millis(1e30)


def test_as_mapping_copies():
    """The caller's own dict is never changed."""
    given = {"a": 1}
    cast = as_mapping(given)
    cast["b"] = 2
    assert given == {"a": 1}


def test_as_mapping_reads_json():
    """Environments and configuration files hold text."""
    assert as_mapping('{"a": {"b": 1}}') == {"a": {"b": 1}}


@pytest.mark.parametrize("value", ["", "a=1", "[1]", "1", 1, None, [("a", 1)]])
def test_as_mapping_refuses_what_is_none(value):
    """Also JSON of something else."""
    with pytest.raises(ValueError, match="expected a mapping"):
        as_mapping(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "a"), (b"a", "a"), (Path("/a/b"), "/a/b"), (5, "5"), (1.5, "1.5")],
    ids=["text", "bytes", "path", "int", "float"],
)
def test_as_text_reads_text_paths_and_numbers(value, expected):
    """Numbers, as YAML reads account ids as such."""
    assert as_text(value) == expected


@pytest.mark.parametrize("value", [True, None, [], {}], ids=repr)
def test_as_text_refuses_anything_else(value):
    """A list or a boolean in place of a text is a mistake."""
    with pytest.raises(ValueError, match="expected text"):
        as_text(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(PEM, PEM, id="text"),
        pytest.param(PEM.encode(), PEM, id="bytes"),
        pytest.param("/etc/ca.pem", Path("/etc/ca.pem"), id="path-as-text"),
        pytest.param(Path("/etc/ca.pem"), Path("/etc/ca.pem"), id="path"),
    ],
)
def test_as_pem_tells_certificates_from_paths(value, expected):
    """By the line that every certificate begins with."""
    assert as_pem(value) == expected


@pytest.mark.parametrize("kind", sorted(set(CASTS) - {"object"}))
def test_casts_never_show_the_value(kind):
    """What a cast says goes into errors, and the value may be a secret."""

    class Secret:
        def __repr__(self):
            return "hunter2"

        __str__ = __repr__

    with pytest.raises(ValueError, match="expected") as caught:
        CASTS[kind](Secret())
    assert "hunter2" not in str(caught.value)
