"""What the object_store family has beside gcsfs's verbs: pages of a listing, copies that never replace."""

from __future__ import annotations

from abc import ABC
from typing import Any

from objfs.peers import gcs_pages
from objfs.peers.gcs_names import GCSNames
from objfs.peers.pages import as_listing
from objfs.types import Location


class GCSVocabulary(GCSNames, ABC):
    """Requests of the JSON API that no verb of gcsfs makes."""

    async def page(
        self, prefix: str, *, start_after: str | None, limit: int, token: Any
    ) -> tuple[list[dict[str, Any]], Any]:
        """At most a thousand objects, as gcsfs's ``find`` describes them; ``startOffset`` itself is among them.

        https://cloud.google.com/storage/docs/json_api/v1/objects/list
        """
        given = {"prefix": prefix, "startOffset": start_after, "pageToken": token}
        told = {name: value for name, value in given.items() if value}
        with as_listing():
            answer = await self.ask("GET", "b/{}/o", self._bucket, maxResults=min(limit, gcs_pages.PAGE), **told)
            found = [gcs_pages.entry(self._bucket, item) for item in answer.get("items", [])]
            return found, answer.get("nextPageToken") or None

    async def copy_new(self, source: Location, key: str) -> None:
        """Copy on condition that the target has generation 0, which is that of no object."""
        await self.copy(source, key, create=True)
