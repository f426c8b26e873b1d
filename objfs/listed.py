"""What listings that are kept say of objects; only who asked for them (``use_listings_cache=True``) has any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objfs.clouds._cloud import Cloud
from objfs.sdk_listings import Listings
from objfs.types import Location, ObjectInfo


class Listed:
    """The entries of the cache of listings, by place.

    What a listing holds is believed until it is forgotten; what it does not hold may have come since, and is asked for.

    Parameters
    ----------
    cloud
        Says under which key an entry tells one state of an object from another.
    listings
        None where nothing that was listed is believed.
    """

    def __init__(self, cloud: Cloud, listings: Listings | None) -> None:
        self._cloud, self._listings = cloud, listings

    def entry(self, location: Location) -> Mapping[str, Any] | None:
        """What the listing of its directory says of an object; None where none is kept, or holds no such object."""
        # What ends in a slash is a directory, or an object that only the server can tell from one.
        if self._listings is None or location.version is not None or location.key.endswith("/"):
            return None
        found = self._listings.entry(location.path)
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

    def readable(self, location: Location) -> ObjectInfo | None:
        """The same of an object that has bytes: who reads an empty one asks for none, and would not see it replaced."""
        info = self.info(location)
        return info if info is not None and info.size else None
