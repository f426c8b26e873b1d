"""What Azure's calls are made of: keywords of reads and writes, sizes of blocks, error codes, keys of ``info()``."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from objfs.clouds._cloud import ErrorCodes, PartBounds
from objfs.clouds._words import WriteWords
from objfs.errors import CredentialsError, OptionError, PreconditionFailedError, ThrottledError
from objfs.options import Settings
from objfs.types import Location, ObjectInfo

# adlfs takes no keyword of a read that changes what is read.
READ_KEYWORDS: Final[frozenset[str]] = frozenset()

# Members of the content settings of azure-storage-blob to headers. A digest that the caller computed has no word on
# the data plane.
CONTENT_SETTINGS: Final[Mapping[str, str]] = {
    "content_type": "Content-Type",
    "content_encoding": "Content-Encoding",
    "content_language": "Content-Language",
    "content_disposition": "Content-Disposition",
    "cache_control": "Cache-Control",
}
DIGEST: Final = "content_md5"
DATA_KEYWORDS: Final = frozenset({"content_settings", "metadata", "tags", "standard_blob_tier"})

# https://learn.microsoft.com/azure/storage/blobs/scalability-targets: up to 50,000 blocks of up to 4,000 MiB.
MAX_BLOCK_BYTES: Final = 4000 << 20
# Nothing begins an upload: blocks are there until a list of them makes a blob.
# https://learn.microsoft.com/rest/api/storageservices/put-block-list
PARTS: Final = PartBounds(default_bytes=12 << 20, min_bytes=1, max_count=50_000, requests_beside=1)

# Copy Blob takes a blob of any size: https://learn.microsoft.com/rest/api/storageservices/copy-blob
COPY_BYTES: Final = None

# Codes that one and the same answer has for expired and for wrong credentials: the difference is in its text.
REJECTED: Final = frozenset({"AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"})

_NOT_FOUND: Final = (FileNotFoundError, errno.ENOENT)
_EXISTS: Final = (FileExistsError, errno.EEXIST)
_CHANGED: Final = (PreconditionFailedError, errno.EINVAL)
_FORBIDDEN: Final = (PermissionError, errno.EACCES)
_BUSY: Final = (ThrottledError, errno.EBUSY)
_LOCKED: Final = (OSError, errno.EBUSY)

# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and common-rest-api-error-codes
ERRORS: Final = ErrorCodes(
    exceptions={
        **dict.fromkeys(REJECTED, (CredentialsError, errno.EACCES)),
        "AccountBeingCreated": _BUSY,
        "AccountIsDisabled": _FORBIDDEN,
        "AccountRequiresHttps": _FORBIDDEN,
        "AuthorizationFailure": _FORBIDDEN,
        "AuthorizationPermissionMismatch": _FORBIDDEN,
        "AuthorizationProtocolMismatch": _FORBIDDEN,
        "AuthorizationResourceTypeMismatch": _FORBIDDEN,
        "AuthorizationServiceMismatch": _FORBIDDEN,
        "AuthorizationSourceIPMismatch": _FORBIDDEN,
        "BlobAlreadyExists": _EXISTS,
        "BlobArchived": (OSError, errno.EAGAIN),
        "BlobBeingRehydrated": (OSError, errno.EAGAIN),
        "BlobImmutableDueToPolicy": (PermissionError, errno.EPERM),
        "BlobNotFound": _NOT_FOUND,
        "BlobUsesCustomerSpecifiedEncryption": _FORBIDDEN,
        "ConditionNotMet": _CHANGED,
        "ContainerAlreadyExists": _EXISTS,
        "ContainerBeingDeleted": _LOCKED,
        "ContainerNotFound": _NOT_FOUND,
        "FeatureVersionMismatch": (OSError, errno.ENOTSUP),
        "InsufficientAccountPermissions": _FORBIDDEN,
        "InternalError": (OSError, getattr(errno, "EREMOTEIO", errno.EIO)),
        "InvalidRange": (OSError, errno.EINVAL),
        "InvalidResourceName": (OSError, errno.EINVAL),
        "KeyBasedAuthenticationNotPermitted": _FORBIDDEN,
        "LeaseAlreadyPresent": _LOCKED,
        "LeaseIdMismatchWithBlobOperation": _LOCKED,
        "LeaseIdMissing": _LOCKED,
        "LeaseLost": _LOCKED,
        "MetadataTooLarge": (OSError, errno.EMSGSIZE),
        "OperationTimedOut": (TimeoutError, errno.ETIMEDOUT),
        "OutOfRangeInput": (OSError, errno.ENAMETOOLONG),
        "PathAlreadyExists": _EXISTS,
        "PathNotFound": _NOT_FOUND,
        "PublicAccessNotPermitted": _FORBIDDEN,
        "RequestBodyTooLarge": (OSError, errno.EMSGSIZE),
        "ResourceNotFound": _NOT_FOUND,
        "ResourceTypeMismatch": (OSError, errno.EINVAL),
        "ServerBusy": _BUSY,
        "SnapshotsPresent": _LOCKED,
        "SourceConditionNotMet": _CHANGED,
        "TargetConditionNotMet": _CHANGED,
        "UnsupportedHeader": (OSError, errno.EINVAL),
    },
    # Only the text of an answer tells expired credentials from wrong ones.
    expired=frozenset(),
    rejected=REJECTED,
    # Of a key that was replaced, and of a network rule.
    doubtful=frozenset({"AuthorizationFailure"}),
)

# https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory and, for SAS,
# https://learn.microsoft.com/rest/api/storageservices/create-service-sas
PERMISSIONS: Final[Mapping[str, str]] = {
    "list": "List (l) in a SAS, or the role Storage Blob Data Reader",
    "read": "Read (r) in a SAS, or the role Storage Blob Data Reader",
    "write": "Create (c) or Write (w) in a SAS, or the role Storage Blob Data Contributor",
}


def content_type(value: str) -> dict[str, Any]:
    """The keyword of an upload that gives a blob a content type."""
    return {"content_settings": {"content_type": value}}


def normal_keywords(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a write with plain content settings, and apart from them what only the SDK plane can say.

    Parameters
    ----------
    keywords
        Of a write in adlfs's words; ``content_settings`` a mapping, or an object of azure-storage-blob.

    Returns
    -------
    dict
        ``content_settings`` with members of `CONTENT_SETTINGS`; any other member as a keyword of its own, which the
        data plane has no word for.
    """
    settings = _members(keywords.get("content_settings"))
    known = {name: value for name, value in settings.items() if name in CONTENT_SETTINGS}
    others = {name: value for name, value in settings.items() if name not in CONTENT_SETTINGS}
    rest = {name: value for name, value in keywords.items() if name != "content_settings"}
    return {**rest, **({"content_settings": known} if known else {}), **others}


WORDS: Final = WriteWords(
    headers={
        "storage-class": ("standard_blob_tier",),
        **{header.lower(): ("content_settings", name) for name, header in CONTENT_SETTINGS.items()},
    },
    metadata="metadata",
    tags="tags",
    plain=normal_keywords,
)
# Permissions of a signature: https://learn.microsoft.com/rest/api/storageservices/create-service-sas
SIGNING: Final[Mapping[str, Mapping[str, Any]]] = {
    "GET": {"permission": "r"},
    "HEAD": {"permission": "r"},
    "PUT": {"permission": "cw"},
    "DELETE": {"permission": "d"},
}


def exclusive_copy(_: Settings) -> str | None:
    """Copy Blob takes conditions (https://learn.microsoft.com/rest/api/storageservices/copy-blob)."""
    return None


def attributes(keywords: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """What the data plane calls the keywords of a write: attributes and tags.

    Raises
    ------
    OptionError
        Content settings that the data plane cannot keep; they would be lost without a word.
    """
    given = normal_keywords(keywords)
    lost = sorted(set(given) - DATA_KEYWORDS)
    if lost:
        msg = f"the data plane has no word for {', '.join(lost)}; write with engine='sdk'"
        raise OptionError(msg)
    found = {CONTENT_SETTINGS[name]: str(value) for name, value in given.get("content_settings", {}).items()}
    tier = given.get("standard_blob_tier")
    if tier:
        # An enumeration of azure-storage-blob, or its text.
        found["Storage-Class"] = str(getattr(tier, "value", tier))
    found.update({name: str(value) for name, value in (given.get("metadata") or {}).items()})
    tags = given.get("tags") or {}
    pairs = parse_qsl(tags, keep_blank_values=True) if isinstance(tags, str) else tags.items()
    return found, {name: str(value) for name, value in pairs}


def info(location: Location, known: ObjectInfo) -> dict[str, Any]:
    """The keys of adlfs's ``info()`` as far as obstore knows them.

    obstore gives neither ``creation_time``, ``tag_count``, ``last_accessed_on``, ``archive_status`` nor what tells of
    deleted blobs; its ``content_settings`` are a dict, without a digest.
    """
    settings = {name: known.attributes.get(header) for name, header in CONTENT_SETTINGS.items()}
    fixed = {*CONTENT_SETTINGS.values(), "Storage-Class"}
    metadata = {name: value for name, value in known.attributes.items() if name not in fixed}
    directory = is_directory(metadata)
    found: dict[str, Any] = {
        "name": location.path,
        "size": None if directory else known.size,
        "type": "directory" if directory else "file",
        "etag": known.e_tag,
        "last_modified": known.last_modified,
        "metadata": metadata,
        "content_settings": settings,
    }
    return found if known.version is None else {**found, "version_id": known.version}


def is_directory(metadata: Mapping[str, str]) -> bool:
    """Directories of hierarchical accounts, and those of adlfs, are blobs that say so."""
    told = {name.lower(): value for name, value in metadata.items()}
    if "is_directory" in told:
        return told["is_directory"] == "true"
    return told.get("hdi_isfolder") == "true"


def _members(settings: Any) -> dict[str, Any]:
    given = settings if isinstance(settings, Mapping) else {}
    if settings is not None and not isinstance(settings, Mapping):
        given = {name: getattr(settings, name, None) for name in (*CONTENT_SETTINGS, DIGEST)}
    return {name: value for name, value in given.items() if value is not None}
