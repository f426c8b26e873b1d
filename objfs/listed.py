"""What listings that are kept say of objects; only who asked for them (``use_listings_cache=True``) has any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from objfs.clouds._cloud import Cloud
from objfs.types import Location, ObjectInfo


class Listed:
    """The entries of fsspec's cache of listings, by name.

    What a listing holds is believed until it is forgotten; what it does not hold may have come since, and is asked for.

    Parameters
    ----------
    cloud
        Says under which key an entry tells one state of an object from another.
    dircache
        fsspec's: directory to entries.
    """

    def __init__(self, cloud: Cloud, dircache: Any) -> None:
        self._cloud, self._dircache = cloud, dircache
        # The directory that was looked into last, as readers go through one after the other, and its entries by name.
        self._last: tuple[Sequence[Mapping[str, Any]], Mapping[str, Mapping[str, Any]]] = ((), {})

    def entry(self, location: Location) -> Mapping[str, Any] | None:
        """What the listing of its directory says of an object; None where none is kept, or holds no such object."""
        if not len(self._dircache) or location.version is not None:
            return None
        name = location.path
        entries = self._dircache.get(name.rpartition("/")[0])
        if entries is None:
            return None
        known, by_name = self._last
        if known is not entries:
            by_name = {each["name"]: each for each in entries}
            self._last = entries, by_name
        found = by_name.get(name)
        return found if found is not None and found["type"] == "file" else None

    def info(self, location: Location) -> ObjectInfo | None:
        """The size and the state of an object; None where no listing that is kept tells both."""
        entry = self.entry(location)
        state = None if entry is None else entry.get(self._cloud.listed_state)
        if entry is None or not state or entry["size"] is None:
            return None
        size = int(entry["size"])
        if self._cloud.condition == "version":
            return ObjectInfo(size, version=str(state))
        # Azure's listings leave out the quotes.
        return ObjectInfo(size, state if state.startswith("W/") else '"' + state.strip('"') + '"')
