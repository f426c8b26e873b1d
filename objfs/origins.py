"""Where the values of options come from, by rank and in words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

from objfs.records import field, record


class Origin(IntEnum):
    """Where a value came from; a lower number wins."""

    KEYWORD = 0
    URL = 1
    FSSPEC_CONFIG = 2
    ENVIRONMENT = 3
    CONFIG_FILE = 4
    DEFAULT = 5

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


# How a value that came from there, under a name, is spoken of.
_SOURCES: Final[Mapping[Origin, str]] = {
    Origin.KEYWORD: "keyword {!r}",
    Origin.URL: "URL",
    Origin.FSSPEC_CONFIG: "fsspec's configuration, {!r}",
    Origin.ENVIRONMENT: "environment variable {}",
    Origin.CONFIG_FILE: "configuration file",
    Origin.DEFAULT: "default",
}


def source_text(origin: Origin, spelling: str, place: str = "") -> str:
    """Where a value came from, in full.

    Parameters
    ----------
    origin
        The layer.
    spelling
        The name under which that layer gives the value.
    place
        More than the layer says by itself: a file with its section and line.
    """
    told = _SOURCES[origin].format(spelling)
    return f"{told} ({place})" if place else told


@record
class Layer:
    """Values of one origin, in any vocabulary, and where each stands, as far as that is known; the repr shows none."""

    origin: Origin
    values: Mapping[str, Any] = field(repr=False)
    places: Mapping[str, str] = field(default_factory=dict, hash=False)
