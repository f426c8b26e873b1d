"""Objects of GCS by name: what is there, copies, moves, deletions, signed URLs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import quote

from objfs.clouds._backends import retry_config
from objfs.clouds.gcs_urls import with_version
from objfs.concurrency import run_bounded
from objfs.errors import EXISTS_ALREADY, PreconditionFailedError
from objfs.peers.gcs_batch import answers_of, batch_body
from objfs.peers.gcs_listing import GCSListing
from objfs.peers.gcs_requests import refusal, status_of
from objfs.peers.gcs_signing import sign
from objfs.retries import RETRIED_STATUSES, policy_of
from objfs.types import Location

# gcsfs's words for what an object has beside its bytes, and the JSON API's.
FIXED_KEYS: Final[Mapping[str, str]] = {
    "content_encoding": "contentEncoding",
    "cache_control": "cacheControl",
    "content_disposition": "contentDisposition",
    "content_language": "contentLanguage",
    "custom_time": "customTime",
}
_DELETES_AT_A_TIME: Final = 10
# How a server says that it does not know a kind of request.
_UNKNOWN: Final = frozenset({400, 404, 405, 501})


class GCSNames(GCSListing, ABC):
    """What the peer's verbs about names need."""

    # https://cloud.google.com/storage/docs/batch
    keys_per_delete: ClassVar[int] = 100

    async def preserved(self, key: str) -> dict[str, Any]:
        """Headers and metadata of an object, as a write takes them."""
        found = await self.resource(key)
        fixed = {ours: found[theirs] for ours, theirs in FIXED_KEYS.items() if found.get(theirs)}
        kept = {
            "content_type": found.get("contentType"),
            "metadata": found.get("metadata"),
            "fixed_key_metadata": fixed,
        }
        return {name: value for name, value in kept.items() if value}

    async def patch(self, key: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change what an object has beside its bytes; its metadata afterwards."""
        found = await self.ask("PATCH", "b/{}/o/{}", self._bucket, key, json=dict(changes), fields="metadata")
        return dict(found.get("metadata") or {})

    # -- copying and deleting -------------------------------------------------------------------------------------

    async def copy(
        self,
        source: Location,
        key: str,
        *,
        acl: str | None = None,
        kms_key_name: str | None = None,
        create: bool = False,
        if_match: str | None = None,
        **unknown: Any,
    ) -> None:
        """Copy an object, in as many requests as the server wants (objects.rewrite)."""
        if unknown:
            msg = f"a copy takes no {', '.join(sorted(unknown))}"
            raise TypeError(msg)
        given: dict[str, Any] = {
            "sourceGeneration": source.version,
            "destinationPredefinedAcl": acl,
            "destinationKmsKeyName": kms_key_name,
            **self._condition(create, if_match),
        }
        path = "b/{}/o/{}/rewriteTo/b/{}/o/{}"
        names = (source.bucket, source.key, self._bucket, key)
        while True:
            with self._exclusive(key, create):
                answer = await self.ask("POST", path, *names, headers=_JSON, **given)
            if answer.get("done", True):
                return
            given["rewriteToken"] = answer["rewriteToken"]

    async def move(self, source: Location, key: str) -> bool:
        """Rename an object within the bucket with one request; False where the server does not know how."""
        headers = {**_JSON, "X-Goog-GCS-Idempotency-Token": secrets.token_hex(16)}
        path = "b/{}/o/{}/moveTo/o/{}"
        try:
            await self.ask(
                "POST", path, self._bucket, source.key, key, headers=headers, sourceGeneration=source.version
            )
        except OSError as error:
            if status_of(error) not in _UNKNOWN:
                raise
            await self.resource(source.key, source.version)
            return False
        return True

    async def compose(
        self,
        key: str,
        sources: Sequence[Location],
        described: Mapping[str, Any] | None = None,
        *,
        acl: str | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Make one object of the bytes of up to 32 others of the bucket."""
        named: list[dict[str, Any]] = [{"name": source.key} for source in sources]
        for member, source in zip(named, sources, strict=True):
            if source.version is not None:
                member["generation"] = source.version
        body = {"kind": "storage#composeRequest", "sourceObjects": named, "destination": dict(described or {})}
        found: dict[str, Any] = await self.ask(
            "POST", "b/{}/o/{}/compose", self._bucket, key, json=body, destinationPredefinedAcl=acl, **parameters
        )
        return found

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Delete at most a hundred objects with one request; one that is not there is deleted."""
        await self.delete_generations([(key, None) for key in keys])

    async def delete_generations(self, pairs: list[tuple[str, str | None]]) -> None:
        """Delete objects, each in one generation or as it is now."""
        left = list(pairs)
        failed: list[tuple[tuple[str, str | None], int, str]] = []
        attempts = policy_of(retry_config(self._plane.setup.settings)).begin()
        while left:
            statuses = await self._delete_at_once(left)
            busy = [pair for pair, (status, _) in zip(left, statuses, strict=True) if status in RETRIED_STATUSES]
            wait = attempts.pause() if busy else None
            failed.extend(
                (pair, status, text)
                for pair, (status, text) in zip(left, statuses, strict=True)
                if status >= 400 and status != 404 and (wait is None or status not in RETRIED_STATUSES)
            )
            if wait is None:
                break
            left = busy
            await asyncio.sleep(wait)
        if failed:
            (key, _), status, text = failed[0]
            error = refusal(status, text.encode(), f"{self._bucket}/{key}")
            error.strerror = f"{len(failed)} of {len(pairs)} objects were not deleted; the first: {error.strerror}"
            raise error

    async def _delete_at_once(self, pairs: list[tuple[str, str | None]]) -> list[tuple[int, str]]:
        """HTTP status and text of the answer for each object."""
        payer = self._payer()
        body, kind = batch_body([_target(self._bucket, key, version, payer) for key, version in pairs])
        try:
            headers, contents = await self._plane.call(
                "_call",
                "POST",
                f"{self._endpoint}/batch/storage/v1",
                headers={"Content-Type": kind},
                data=body,
                subject=self._bucket,
            )
            return answers_of(headers.get("Content-Type", ""), contents, len(pairs))
        except (OSError, ValueError) as error:
            # Not every server that speaks the API takes requests in batches.
            if isinstance(error, OSError) and status_of(error) not in _UNKNOWN:
                raise
        jobs = [lambda key=key, version=version: self._delete_one(key, version) for key, version in pairs]
        return await run_bounded(jobs, _DELETES_AT_A_TIME)

    async def _delete_one(self, key: str, version: str | None) -> tuple[int, str]:
        try:
            await self.delete(key, version=version)
        except OSError as error:
            status = status_of(error)
            if status is None:
                raise
            return status, error.strerror or ""
        return 204, ""

    async def sign(self, location: Location, expires: int, **keywords: Any) -> str:
        """A signed URL, which a service account's key can make."""
        return await asyncio.to_thread(sign, self._plane, with_version(location), expires, keywords)

    # -- what requests share --------------------------------------------------------------------------------------

    def _payer(self) -> str | None:
        paid = self._setting("requester_pays")
        return self._setting("project") if paid is True else paid or None

    @staticmethod
    def _condition(create: bool, if_match: str | None) -> dict[str, str]:
        """https://cloud.google.com/storage/docs/request-preconditions."""
        return {"ifGenerationMatch": "0"} if create else {} if if_match is None else {"ifGenerationMatch": if_match}

    @contextlib.contextmanager
    def _exclusive(self, key: str, create: bool) -> Any:
        """A condition that fails says that the object exists, where it must not."""
        path = f"{self._bucket}/{key}"
        try:
            yield
        except PreconditionFailedError as error:
            if create:
                raise FileExistsError(errno.EEXIST, EXISTS_ALREADY, path) from error
            error.filename = path
            raise


_JSON: Final = {"Content-Type": "application/json"}


def _target(bucket: str, key: str, version: str | None, payer: str | None) -> str:
    asked = {"generation": version, "userProject": payer}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items() if value)
    path = f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(key, safe='')}"
    return f"{path}?{query}" if query else path
