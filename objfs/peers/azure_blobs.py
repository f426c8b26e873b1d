"""What the calls of azure-storage-blob take and give, and how that is said in objfs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from objfs.clouds.azure_calls import CONTENT_SETTINGS, DIGEST, normal_keywords
from objfs.clouds.azure_urls import key_refusal
from objfs.peers.answers import content_span, odd
from objfs.types import ByteRange, ObjectInfo, Written

# One request takes 4000 MiB; more requests of this size are repeated sooner when one of them fails.
BLOCK_BYTES: Final = 32 << 20

# What the client asks for; it always says both ends.
_ASKED: Final = re.compile(r"bytes=([0-9]{1,19})-([0-9]{1,19})")
_OK, _PARTIAL = 200, 206

_ENCRYPTION: Final = frozenset({"cpk"})
_COMMON: Final = frozenset({"lease", "timeout"})
# Keywords of a caller that the calls of the client know, beside those that the calls here give by themselves.
READ: Final = _COMMON | _ENCRYPTION | {"max_concurrency", "validate_content"}
DELETE: Final = _COMMON | {"delete_snapshots"}
STAGE: Final = _COMMON | _ENCRYPTION | {"encryption_scope", "validate_content"}
APPEND: Final = STAGE
COMMIT: Final = STAGE | {
    "content_settings",
    "immutability_policy",
    "legal_hold",
    "metadata",
    "standard_blob_tier",
    "tags",
}
WRITE: Final = COMMIT | {"max_concurrency", "progress_hook"}


def check(key: str, path: str) -> None:
    """Refuse a key that the client or the service resolves, so that the call would act on another blob.

    Raises
    ------
    ValueError
        A segment is ``.`` or ``..``, or there is a backslash.
    """
    refusal = key_refusal(key)
    if refusal is not None:
        msg = f"{path!r}: {refusal}"
        raise ValueError(msg)


def refuse_wrong(given: Mapping[str, Any]) -> None:
    """Refuse keywords of a write, under their own names, that adlfs leaves out without a word, or the service refuses.

    Raises
    ------
    TypeError
        No call of the client has such a keyword.
    ValueError
        Metadata that a header cannot hold.
    """
    known = WRITE | {DIGEST}
    unknown = sorted(set(given) - known)
    if unknown:
        msg = f"unexpected keyword {unknown[0]!r}; a write takes {', '.join(sorted(known))}"
        raise TypeError(msg)
    if not all(str(text).isascii() for text in (given.get("metadata") or {}).values()):
        msg = "Azure keeps metadata that is ASCII; quote or encode what is not"
        raise ValueError(msg)


def condition(*, if_match: str | None = None, create: bool = False) -> dict[str, Any]:
    """The keywords of a call that is to succeed only on this state of a blob, or only where there is none."""
    from azure.core import MatchConditions

    if create:
        return {"match_condition": MatchConditions.IfMissing}
    if if_match is not None:
        return {"etag": if_match, "match_condition": MatchConditions.IfNotModified}
    return {}


def in_client_types(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Content settings and tiers as the client's own types, whichever way they were given."""
    from azure.storage.blob import ContentSettings, StandardBlobTier

    found = normal_keywords(keywords)
    settings = {**found.pop("content_settings", {}), **{n: found.pop(n) for n in (DIGEST,) if n in found}}
    if settings:
        found["content_settings"] = ContentSettings(**settings)
    tier, tags = found.get("standard_blob_tier"), found.get("tags")
    if tier is not None:
        found["standard_blob_tier"] = StandardBlobTier(tier)
    if isinstance(tags, str):
        found["tags"] = dict(parse_qsl(tags, keep_blank_values=True))
    return found


def quoted(e_tag: str | None) -> str | None:
    """An ETag as it is in headers; listings leave its quotes out."""
    return None if e_tag is None else '"' + e_tag.strip('"') + '"'


def check_span(asked: Mapping[str, str], status: int, told: Mapping[str, str]) -> None:
    """Refuse an answer to a GET that does not hold the range that was asked for, by the headers of both.

    Raises
    ------
    OSError
        The client would take any bytes for those that it asked for.
    """
    span = _ASKED.fullmatch(asked.get("x-ms-range", ""))
    if span is None or status not in (_OK, _PARTIAL):
        return
    if status == _OK:
        raise odd(status, "status, where a range was asked for,", None)
    content_span(told.get("Content-Range"), ByteRange(int(span[1]), int(span[2]) + 1), None)


def object_info(properties: Any, size: int) -> ObjectInfo:
    """What an answer said about a blob."""
    settings = properties.content_settings
    attributes = {header: settings[name] for name, header in CONTENT_SETTINGS.items() if settings.get(name)}
    return ObjectInfo(
        size,
        quoted(properties.etag),
        properties.last_modified,
        properties.version_id,
        {**attributes, **(properties.metadata or {})},
    )


def written(answer: Mapping[str, Any]) -> Written:
    """What a call that has written a blob says of it."""
    return Written(quoted(answer.get("etag")), answer.get("version_id"))


def kept(properties: Any) -> dict[str, Any]:
    """Keywords of a write that give a blob the properties of another."""
    settings = {name: properties.content_settings[name] for name in CONTENT_SETTINGS}
    # Without metadata it stays, also where the writes of the instance have some.
    found: dict[str, Any] = {
        "content_settings": {name: value for name, value in settings.items() if value},
        "metadata": dict(properties.metadata or {}),
    }
    if properties.blob_tier and not properties.blob_tier_inferred:
        found["standard_blob_tier"] = str(properties.blob_tier)
    return found
