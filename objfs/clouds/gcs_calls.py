"""What GCS's calls are made of: keywords of reads and writes, sizes of parts, error codes, keys of ``info()``."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, Final

from objfs.clouds._cloud import ErrorCodes, PartBounds
from objfs.clouds._words import WriteWords
from objfs.errors import CredentialsExpiredError, PreconditionFailedError, ThrottledError
from objfs.options import Settings
from objfs.types import Location, ObjectInfo

# Keywords of gcsfs's reads: a version, and tuning.
READ_KEYWORDS: Final = frozenset({"cache_source", "concurrency", "generation", "max_prefetch_size"})

# Of gcsfs's writes. `fixed_key_metadata` may hold a custom time, and `consistency` asks for a check, for which obstore
# has no words; `acl` and `kms_key_name` are parameters of the JSON API.
#
# The others in `HEADERS` are our own words: gcsfs has them as members of `fixed_key_metadata`, or not at all.
HEADERS: Final[Mapping[str, str]] = {
    "cache_control": "Cache-Control",
    "content_disposition": "Content-Disposition",
    "content_encoding": "Content-Encoding",
    "content_language": "Content-Language",
    "content_type": "Content-Type",
    "storage_class": "Storage-Class",
}
DATA_KEYWORDS: Final = frozenset({*HEADERS, "metadata"})

# https://cloud.google.com/storage/docs/access-control/iam-permissions
PERMISSIONS: Final[Mapping[str, str]] = {
    "list": "storage.objects.list on the bucket",
    "read": "storage.objects.get on the object",
    "write": "storage.objects.create on the object",
}


def normal_keywords(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a write, with the members of ``fixed_key_metadata`` that are headers as keywords of their own."""
    fixed = keywords.get("fixed_key_metadata") or {}
    apart = {name: value for name, value in fixed.items() if name in HEADERS}
    rest = {name: value for name, value in fixed.items() if name not in HEADERS}
    kept = {name: value for name, value in keywords.items() if name != "fixed_key_metadata"}
    return {**kept, **apart, **({"fixed_key_metadata": rest} if rest else {})}


WORDS: Final = WriteWords(
    headers={header.lower(): (name,) for name, header in HEADERS.items()},
    metadata="metadata",
    tags=None,
    plain=normal_keywords,
)
# https://cloud.google.com/storage/docs/access-control/signed-urls
SIGNING: Final[Mapping[str, Mapping[str, Any]]] = {
    method: {"method": method} for method in ("GET", "HEAD", "PUT", "DELETE")
}

# Multipart uploads of the XML API, which are obstore's (https://cloud.google.com/storage/quotas#requests). Resumable
# uploads, which are gcsfs's, take chunks of a multiple of 256 KiB
# (https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload), one after the other: fewer and
# longer ones wait less.
PARTS: Final = PartBounds(
    default_bytes=12 << 20, min_bytes=5 << 20, max_count=10_000, multiple=256 << 10, parallel_bytes=12 << 20
)

EXPIRED: Final = frozenset({"ExpiredToken", "TokenRefreshRequired"})

# Codes of the XML API that are neither "not found" nor "forbidden": exception and errno
# (https://cloud.google.com/storage/docs/xml-api/reference-status). The JSON API has no codes beyond the HTTP status.
ERRORS: Final = ErrorCodes(
    exceptions={
        "AuthenticationRequired": (PermissionError, errno.EACCES),
        "BucketAlreadyExists": (FileExistsError, errno.EEXIST),
        "BucketAlreadyOwnedByYou": (FileExistsError, errno.EEXIST),
        "BucketNameUnavailable": (FileExistsError, errno.EEXIST),
        "BucketNotEmpty": (OSError, errno.ENOTEMPTY),
        "EntityTooLarge": (OSError, errno.EMSGSIZE),
        **dict.fromkeys(EXPIRED, (CredentialsExpiredError, errno.EACCES)),
        "InternalError": (OSError, getattr(errno, "EREMOTEIO", errno.EIO)),
        "InvalidAuthentication": (PermissionError, errno.EACCES),
        "InvalidToken": (PermissionError, errno.EACCES),
        "KeyTooLong": (OSError, errno.ENAMETOOLONG),
        "MetadataTooLarge": (OSError, errno.EMSGSIZE),
        "NotImplemented": (OSError, errno.ENOSYS),
        "ObjectUnderActiveHold": (PermissionError, errno.EACCES),
        "PreconditionFailed": (PreconditionFailedError, errno.EINVAL),
        "RequestTimeout": (TimeoutError, errno.ETIMEDOUT),
        "RequestTimeTooSkewed": (PermissionError, errno.EACCES),
        "ResourceIsEncryptedWithCustomerEncryptionKey": (PermissionError, errno.EACCES),
        "RetentionPolicyNotMet": (PermissionError, errno.EACCES),
        "ServiceUnavailable": (ThrottledError, errno.EBUSY),
        "SlowDown": (ThrottledError, errno.EBUSY),
        "UserProjectAccessDenied": (PermissionError, errno.EACCES),
        "UserProjectMissing": (PermissionError, errno.EACCES),
    },
    expired=EXPIRED,
    rejected=EXPIRED | {"AuthenticationRequired", "InvalidAuthentication", "InvalidToken"},
)


def content_type(value: str) -> dict[str, Any]:
    """The keyword of a write that gives an object a content type."""
    return {"content_type": value}


def attributes(keywords: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """What the data plane calls the keywords of a write; GCS has no tags."""
    found = {name: str(value) for name, value in (keywords.get("metadata") or {}).items()}
    found.update({header: keywords[name] for name, header in HEADERS.items() if keywords.get(name)})
    return found, {}


def exclusive_copy(_: Settings) -> str | None:
    """A copy takes conditions (https://cloud.google.com/storage/docs/request-preconditions)."""
    return None


def info(location: Location, known: ObjectInfo) -> dict[str, Any]:
    """The keys of gcsfs's ``info()`` that obstore knows.

    It does not know ``metageneration``, ``storageClass``, ``md5Hash``, ``crc32c``, ``timeCreated``, ``ctime``, ``id``
    and the links; and the XML API, which obstore speaks, has other ETags than the JSON API of gcsfs, so ``etag`` is
    not given either: ``generation`` says which state of the object it is.
    """
    modified = known.last_modified
    return {
        "kind": "storage#object",
        "name": location.path,
        "bucket": location.bucket,
        "size": known.size,
        "type": "file",
        "generation": known.version,
        "contentType": known.attributes.get("Content-Type"),
        "updated": None if modified is None else f"{modified:%Y-%m-%dT%H:%M:%S}.{modified.microsecond // 1000:03d}Z",
        "mtime": modified,
    }
