"""A way to write a location down, as a row: the reference pages and the tests of the parsers are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objfs.records import field, record
from objfs.types import Location


@record
class UrlForm:
    """One form of URL, by an example.

    Parameters
    ----------
    url
        The example.
    meaning
        What it is, in a few words; for one that is refused, why, or what to do instead.
    location
        Bucket, key and version that it names; None where it is refused.
    options
        Canonical options that it implies.
    refusal
        Words of the message that refuses it.
    """

    url: str
    meaning: str
    location: Location | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""


# What every example names, unless its point is another key.
KEY = "dir/key"


def form(url: str, meaning: str, bucket: str = "bucket", key: str = KEY, /, **options: Any) -> UrlForm:
    """A form that is read as ``bucket/key`` and options; an option ``version`` is the location's."""
    version = options.pop("version", None)
    return UrlForm(url, meaning, Location(bucket, key, version), options)


def refused(url: str, meaning: str, refusal: str) -> UrlForm:
    """A form that is refused, in these words."""
    return UrlForm(url, meaning, refusal=refusal)
