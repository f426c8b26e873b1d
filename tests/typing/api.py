"""Uses of the public API that the type checker must accept. Checked by ``make types``; never run."""

from __future__ import annotations

from typing import Any

import objfs
from objfs import S3FileSystem, StorageOptionsProvider
from objfs.providers import UnityCatalog


class VendingMachine(StorageOptionsProvider):
    """A provider as a user writes it."""

    def fetch_storage_options(self) -> dict[str, str]:
        return {"access_key_id": "k", "secret_access_key": "s", "expires_at_millis": "1700000000000"}

    def provider_id(self) -> str:
        return "vending-machine"


version: str = objfs.__version__
fs = S3FileSystem(anon=True)
refreshing = S3FileSystem(storage_options_provider=VendingMachine(), region="eu-central-1")
vended = S3FileSystem(storage_options_provider=UnityCatalog("https://host", table="c.s.t", token="$UNITY_TOKEN"))
opened: tuple[Any, str] = objfs.from_url("s3://bucket/key", anon=True)
explained: str = str(objfs.explain("s3://bucket/key", check=("list",), fetch=True, anon=True))
as_json: dict[str, Any] = fs.explain("bucket/key").to_dict()
configured: tuple[Any, str] = objfs.from_config("stores.toml", profile="lab", anon=True)
with objfs.trace() as seen:
    received: int = sum(request.received for request in seen.requests)
page: str = seen.to_html()
copied: list[str] = [outcome.target for outcome in objfs.copy("a", "s3://b/", options={"anon": True}).done("copy")]
failed: int = len(objfs.sync("s3://b/a", "c", compare="checksum", delete=True).failed)
objfs.register()
objfs.unregister()
