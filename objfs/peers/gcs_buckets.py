"""Requests about one bucket of GCS by the JSON API, and what all requests about its objects share."""

from __future__ import annotations

import contextlib
import errno
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from objfs.peers import gcs_pages
from objfs.peers.gcs_requests import endpoint_of, status_of
from objfs.sdk_objects import SdkObjects

# Before a bucket can be deleted, old generations go in batches of what one request deletes.
_CONFLICT = 409


class GCSBuckets(SdkObjects, ABC):
    """A bucket: whether it is there, its creation and its end."""

    @property
    def _endpoint(self) -> str:
        return endpoint_of(self._plane.setup)

    async def ask(self, method: str, path: str, *args: str, **parameters: Any) -> Any:
        """One request of gcsfs's instance; its JSON."""
        try:
            return await self._plane.call("_call", method, path, *args, json_out=True, **parameters)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise OSError(errno.EIO, f"the answer is not JSON ({type(error).__name__})", self._bucket) from error

    def _setting(self, name: str) -> Any:
        return self._plane.setup.settings.value(name)

    async def exists(self) -> bool:
        """Whether the bucket exists; asked by its own description, or where that is forbidden by a listing."""
        with contextlib.suppress(PermissionError):
            try:
                await self.ask("GET", "b/{}", self._bucket, fields="name")
            except FileNotFoundError:
                return False
            return True
        try:
            await self.any_below("")
        except FileNotFoundError:
            return False
        return True

    async def describe(self) -> dict[str, Any]:
        """What gcsfs's ``info()`` says of a bucket; less where its description is forbidden."""
        try:
            found = await self.ask("GET", "b/{}", self._bucket)
        except PermissionError:
            await self.any_below("")
            found = {"name": self._bucket}
        return {**found, "size": 0, "type": "directory"}

    async def create(
        self,
        acl: str | None = "projectPrivate",
        default_acl: str | None = "bucketOwnerFullControl",
        location: str | None = None,
        enable_versioning: bool = False,
        enable_object_retention: bool = False,
        iam_configuration: Mapping[str, Any] | None = None,
        enable_hierarchical_namespace: bool = False,
        placement: str | None = None,
        **described: Any,
    ) -> None:
        """Create the bucket.

        Parameters
        ----------
        acl, default_acl
            Predefined ACLs of the bucket and of its objects; not with ``iam_configuration``.
        location
            Where; by default where the settings say.
        enable_versioning, enable_object_retention, iam_configuration
            As the API has them.
        enable_hierarchical_namespace
            Whether the bucket has folders.
        placement
            Zone of a zonal bucket, which has folders too.
        **described
            Further members of the bucket's description.
        """
        place = location or self._setting("default_location")
        told: dict[str, Any] = {"name": self._bucket}
        if place:
            told["location"] = place
        if enable_versioning:
            told["versioning"] = {"enabled": True}
        if placement:
            told |= {"customPlacementConfig": {"dataLocations": [placement]}, "storageClass": "RAPID"}
        if enable_hierarchical_namespace or placement:
            told["hierarchicalNamespace"] = {"enabled": True}
            iam_configuration = {"uniformBucketLevelAccess": {"enabled": True}, **(iam_configuration or {})}
        if iam_configuration:
            told["iamConfiguration"] = dict(iam_configuration)
            acl = default_acl = None
        try:
            await self.ask(
                "POST",
                "b",
                json={**told, **described},
                subject=self._bucket,
                project=self._setting("project") or "",
                predefinedAcl=acl,
                predefinedDefaultObjectAcl=default_acl,
                enableObjectRetention=str(enable_object_retention).lower(),
            )
        except OSError as error:
            if status_of(error) == _CONFLICT:
                raise FileExistsError(errno.EEXIST, "the bucket exists already", self._bucket) from error
            raise

    async def remove(self) -> None:
        """Delete the bucket."""
        try:
            await self._plane.call("_call", "DELETE", "b/{}", self._bucket)
        except OSError as error:
            if status_of(error) == _CONFLICT:
                raise OSError(errno.ENOTEMPTY, "the bucket is not empty", self._bucket) from error
            raise

    async def empty(self) -> None:
        """Delete old generations and with them, where the bucket keeps what is deleted, the live ones."""
        found = [
            item
            async for items, _ in gcs_pages.pages(
                self.ask, self._bucket, versions="true", fields="items(name,generation,timeDeleted),nextPageToken"
            )
            for item in items
        ]
        if not any("timeDeleted" in item for item in found):
            described = await self.ask("GET", "b/{}", self._bucket, fields="versioning")
            if not described.get("versioning", {}).get("enabled"):
                return
        size = self.keys_per_delete
        pairs = [(item["name"], item.get("generation")) for item in found]
        for at in range(0, len(pairs), size):
            await self.delete_generations(pairs[at : at + size])

    @abstractmethod
    async def delete_generations(self, pairs: list[tuple[str, str | None]]) -> None:
        """Delete objects, each in one generation or as it is now."""
