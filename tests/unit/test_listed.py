"""What kept listings say of objects: of those that they hold, and of no others."""

from __future__ import annotations

from typing import Any

import pytest

from objfs.clouds.azure import AZURE
from objfs.clouds.gcs import GCS
from objfs.clouds.s3 import S3
from objfs.listed import Listed
from objfs.sdk_listings import Listings
from objfs.types import Location, ObjectInfo


def entry(name: str, **facts: Any) -> dict[str, Any]:
    """An entry of a listing."""
    return {"name": name, "type": "file", "size": 3, **facts}


def kept(**listings: list[dict[str, Any]]) -> Listings:
    """A cache that holds listings."""
    cache = Listings()
    for name, entries in listings.items():
        cache[name.replace("_", "/")] = entries
    return cache


@pytest.mark.parametrize(
    ("cloud", "facts", "info"),
    [
        pytest.param(S3, {"ETag": '"one"'}, ObjectInfo(3, '"one"'), id="s3"),
        pytest.param(S3, {"ETag": 'W/"one"'}, ObjectInfo(3, 'W/"one"'), id="weak"),
        pytest.param(AZURE, {"etag": "0x8D"}, ObjectInfo(3, '"0x8D"'), id="azure"),
        pytest.param(GCS, {"generation": "17", "etag": "CAE="}, ObjectInfo(3, version="17"), id="gcs"),
        pytest.param(GCS, {"generation": 17}, ObjectInfo(3, version="17"), id="gcs-number"),
        pytest.param(S3, {}, None, id="no-state"),
        pytest.param(S3, {"ETag": '"one"', "size": None}, None, id="no-size"),
        pytest.param(S3, {"ETag": '"one"', "type": "directory"}, None, id="directory"),
    ],
)
def test_entry_tells_the_size_and_the_state(cloud: Any, facts: dict[str, Any], info: ObjectInfo | None) -> None:
    """As answers to requests have them; where one is missing it is asked for."""
    listed = Listed(cloud, kept(b_d=[entry("b/d/key", **facts), entry("b/d/other")]))
    assert listed.info(Location("b", "d/key")) == info


def test_only_what_a_listing_holds_is_known() -> None:
    """No other name, no version, and nothing where nothing is kept, or not any more."""
    cache = kept(b=[entry("b/key", ETag='"one"')], b_d=[entry("b/d/key", ETag='"two"')])
    listed = Listed(S3, cache)
    for _ in range(2):
        assert listed.info(Location("b", "key")) == ObjectInfo(3, '"one"')
        assert listed.info(Location("b", "d/key")) == ObjectInfo(3, '"two"')
    for location in (Location("b", "late"), Location("b", "e/key"), Location("b", "key", "1"), Location("b")):
        assert listed.entry(location) is None
    cache["b"] = [entry("b/key", ETag='"three"')]
    assert listed.info(Location("b", "key")) == ObjectInfo(3, '"three"')
    cache.clear()
    assert listed.entry(Location("b", "key")) is None
    assert Listed(S3, None).entry(Location("b", "key")) is None
