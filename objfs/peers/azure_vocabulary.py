"""What the object_store family has beside adlfs's verbs: pages of a listing, copies that never replace."""

from __future__ import annotations

import errno
from abc import ABC
from collections.abc import AsyncIterator
from typing import Any, Final

from objfs.clouds.azure_calls import is_directory
from objfs.errors import EXISTS_ALREADY, PreconditionFailedError
from objfs.peers import azure_blobs as blobs
from objfs.peers.azure_listing import Listing
from objfs.sdk_objects import SdkObjects
from objfs.types import Location

# https://learn.microsoft.com/rest/api/storageservices/list-blobs
_PAGE: Final = 5000


class AzureVocabulary(SdkObjects, ABC):
    """Requests of the blob client that no verb of adlfs makes."""

    async def page(
        self, prefix: str, *, start_after: str | None, limit: int, token: Any
    ) -> tuple[list[dict[str, Any]], Any]:
        """At most five thousand blobs, as adlfs's ``find`` describes them.

        ``start_after`` is left to the caller: only the newest versions of the service begin a listing anywhere
        (``startFrom``), others would refuse the request.
        """
        listing = Listing(self._bucket, versions=bool(self._plane.setup.settings.value("version_aware", False)))

        async def work(instance: Any) -> tuple[list[dict[str, Any]], Any]:
            client = instance.service_client.get_container_client(self._bucket)
            pager = client.list_blobs(
                name_starts_with=prefix, include=["metadata"], results_per_page=min(limit, _PAGE)
            ).by_page(token)
            found: list[dict[str, Any]] = []
            items: AsyncIterator[Any]
            async for items in pager:
                found = [listing.blob(item) async for item in items if not is_directory(item.metadata or {})]
                break
            return found, pager.continuation_token or None

        answer: tuple[list[dict[str, Any]], Any] = await self._plane.call("_with_instance", self._bucket, work)
        return answer

    async def copy_new(self, source: Location, key: str) -> None:
        """Copy on condition that the target is missing (``If-None-Match: *``)."""
        try:
            await self.copy(source, key, **blobs.condition(create=True))
        except (FileExistsError, PreconditionFailedError) as error:
            raise FileExistsError(errno.EEXIST, EXISTS_ALREADY, f"{self._bucket}/{key}") from error
