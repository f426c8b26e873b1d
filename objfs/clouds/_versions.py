"""Versions that stand behind a key, after a mark of the cloud's own."""

from __future__ import annotations

from objfs.clouds._cloud import ParsedUrl
from objfs.errors import UrlError
from objfs.records import replace
from objfs.types import Location
from objfs.urls import WebUrl


def cut_version(location: Location, mark: str) -> Location:
    """The key up to the first mark, and what follows as version (None where nothing does).

    Unchanged where the mark is missing or a version is already set.
    """
    key, found, version = location.key.partition(mark)
    if not found or location.version is not None:
        return location
    return replace(location, key=key, version=version or None)


def path_with_version(location: Location, mark: str) -> str:
    """The path of a location, with the version that it names."""
    version = f"{mark}{location.version}" if location.version and location.key else ""
    return location.path + version


def parsed_at(web: WebUrl, parsed: ParsedUrl, version: str | None, missing: str) -> ParsedUrl:
    """What a web URL names, at the version that its query says; ``missing`` is what names nothing without a key."""
    if version is None:
        return parsed
    if not parsed.location.key:
        msg = f"{web.shown} names {missing}; the key is missing"
        raise UrlError(msg)
    return ParsedUrl(replace(parsed.location, version=version), {**parsed.options, "version_aware": True})
