"""What the object_store family has beside adlfs's verbs: pages of a listing, copies that never replace; and copies."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from abc import ABC
from collections.abc import Mapping
from typing import Any, Final

from objfs.clouds.azure_backends import encryption_headers
from objfs.errors import EXISTS_ALREADY, CredentialsError, PreconditionFailedError
from objfs.peers import azure_blobs as blobs
from objfs.peers.azure_listing import PAGE_NAMES, Listing
from objfs.peers.pages import as_listing
from objfs.sdk_objects import SdkObjects
from objfs.types import Location

_COPY_SECONDS: Final = 3600
_COPY_POLL_SECONDS: Final = 0.2
_LONGEST_POLL_SECONDS: Final = 5.0


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
            return await listing.page(client, prefix, min(limit, PAGE_NAMES), token)

        with as_listing():
            answer: tuple[list[dict[str, Any]], Any] = await self._plane.call("_with_instance", self._bucket, work)
        return answer

    async def copy(self, source: Location, key: str, **keywords: Any) -> None:
        """Copy a blob within the account, and wait until that is done."""
        blobs.check(source.key, source.path)
        path = f"{self._bucket}/{key}"
        blobs.check(key, path)
        encryption = encryption_headers(self._plane.setup.settings, "x-ms-source-encryption")

        async def work(instance: Any) -> None:
            url = instance.service_client.get_blob_client(source.bucket, source.key).url
            if source.version is not None:
                url = f"{url}?versionid={source.version}"
            client = instance.service_client.get_blob_client(self._bucket, key)
            if encryption:
                await self._copy_encrypted(client, source, url, encryption, keywords)
                return
            answer = await client.start_copy_from_url(url, **blobs.in_client_types(keywords))
            status, pause = answer.get("copy_status"), _COPY_POLL_SECONDS
            while status == "pending":
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_POLL_SECONDS)
                status = (await client.get_blob_properties()).copy.status
            if status not in (None, "success"):
                raise OSError(errno.EIO, f"the server ended the copy: {status}", path)

        # The error of a copy is about its source: the target need not exist.
        await self._plane.call("_with_instance", source.path, work)

    async def _copy_encrypted(
        self, client: Any, source: Location, url: str, headers: Mapping[str, str], keywords: Mapping[str, Any]
    ) -> None:
        """By Put Blob From URL, as Copy Blob takes no encryption key; it reads the source as anybody would.

        https://learn.microsoft.com/rest/api/storageservices/put-blob-from-url
        """
        # One that has a SAS cannot sign, and ends all URLs with it.
        with contextlib.suppress(CredentialsError):
            signed = await self.sign(source, _COPY_SECONDS)
            url = f"{url}{'&' if '?' in url else '?'}{signed.partition('?')[2]}"
        given = blobs.in_client_types(keywords)
        await client.upload_blob_from_url(url, overwrite=True, headers=dict(headers), **given)

    async def copy_new(self, source: Location, key: str) -> None:
        """Copy on condition that the target is missing (``If-None-Match: *``)."""
        try:
            await self.copy(source, key, **blobs.condition(create=True))
        except (FileExistsError, PreconditionFailedError) as error:
            raise FileExistsError(errno.EEXIST, EXISTS_ALREADY, f"{self._bucket}/{key}") from error
