"""What S3's calls are made of: keywords of reads and writes, sizes of parts, error codes, keys of ``info()``."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from objfs.clouds._cloud import ErrorCodes, PartBounds
from objfs.clouds._words import WriteWords
from objfs.clouds.s3_request_rows import WRITE_ATTRIBUTES
from objfs.errors import CredentialsExpiredError, PreconditionFailedError, ThrottledError
from objfs.options import Settings
from objfs.types import Location, ObjectInfo

# Parameters of boto's get_object that a caller may give to a read
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
READ_KEYWORDS: Final = frozenset(
    {
        "ChecksumMode",
        "ExpectedBucketOwner",
        "RequestPayer",
        "SSECustomerAlgorithm",
        "SSECustomerKey",
        "SSECustomerKeyMD5",
    }
)

# Of objects: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
CANNED_ACLS: Final = frozenset(
    {
        "authenticated-read",
        "aws-exec-read",
        "bucket-owner-full-control",
        "bucket-owner-read",
        "private",
        "public-read",
        "public-read-write",
    }
)

DATA_KEYWORDS: Final = frozenset({*WRITE_ATTRIBUTES, "Metadata", "Tagging"})

WORDS: Final = WriteWords(
    headers={header.lower(): (name,) for name, header in WRITE_ATTRIBUTES.items()},
    metadata="Metadata",
    tags="Tagging",
    tags_as_text=True,
    lower_case=True,
)
# As boto names what a URL does.
SIGNING: Final[Mapping[str, Mapping[str, Any]]] = {
    method: {"client_method": f"{method.lower()}_object"} for method in ("GET", "HEAD", "PUT", "DELETE")
}

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PARTS: Final = PartBounds(default_bytes=12 << 20, min_bytes=5 << 20, max_count=10_000)

# CopyObject copies at most 5 GiB; larger objects are copied part by part.
COPY_BYTES: Final = 5 << 30

# ExpiredToken, InvalidToken, TokenRefreshRequired, InvalidAccessKeyId: Amazon S3's list of error codes;
# ExpiredTokenException: what STS and some compatible stores answer.
EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})

# Codes that are neither "not found" nor "forbidden": exception and errno, as s3fs has them
# (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
ERRORS: Final = ErrorCodes(
    exceptions={
        # One key of a deletion has a code, but no status.
        "AccessDenied": (PermissionError, errno.EACCES),
        "BucketAlreadyExists": (FileExistsError, errno.EEXIST),
        "BucketAlreadyOwnedByYou": (FileExistsError, errno.EEXIST),
        "ConditionalRequestConflict": (PreconditionFailedError, errno.EINVAL),
        "EntityTooLarge": (OSError, errno.EMSGSIZE),
        **dict.fromkeys(EXPIRED, (CredentialsExpiredError, errno.EACCES)),
        "InternalError": (OSError, getattr(errno, "EREMOTEIO", errno.EIO)),
        "InvalidAccessKeyId": (PermissionError, errno.EACCES),
        "InvalidObjectState": (PermissionError, errno.EACCES),
        "KeyTooLongError": (OSError, errno.ENAMETOOLONG),
        "MetadataTooLarge": (OSError, errno.EMSGSIZE),
        "NotImplemented": (OSError, errno.ENOSYS),
        "RequestTimeout": (TimeoutError, errno.ETIMEDOUT),
        "RequestTimeTooSkewed": (PermissionError, errno.EACCES),
        "ServiceUnavailable": (ThrottledError, errno.EBUSY),
        "SignatureDoesNotMatch": (PermissionError, errno.EACCES),
        "SlowDown": (ThrottledError, errno.EBUSY),
    },
    expired=EXPIRED,
    rejected=EXPIRED | {"InvalidAccessKeyId", "InvalidToken"},
)

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html; who began an upload may
# abort it. Without s3:ListBucket a missing object is answered 403.
PERMISSIONS: Final[Mapping[str, str]] = {
    "list": "s3:ListBucket on the bucket",
    "read": "s3:GetObject on the object, and s3:ListBucket on the bucket to tell a missing object from a forbidden one",
    "write": "s3:PutObject on the object, and kms:GenerateDataKey where a key of KMS encrypts it",
}


def content_type(value: str) -> dict[str, Any]:
    """The parameter of a put that gives an object a content type."""
    return {"ContentType": value}


def attributes(keywords: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """What the data plane calls the parameters of a put: attributes and tags."""
    found = {WRITE_ATTRIBUTES[name]: value for name, value in keywords.items() if name in WRITE_ATTRIBUTES}
    found.update(keywords.get("Metadata") or {})
    return found, dict(parse_qsl(keywords.get("Tagging") or "", keep_blank_values=True))


def exclusive_copy(settings: Settings) -> str | None:
    """The data plane's copy in parts loses headers and metadata; one by a header of the server's own is exact."""
    how = settings.value("copy_if_not_exists") or ""
    return None if how.startswith("header") else "obstore's copy in parts drops headers and metadata"


def info(location: Location, known: ObjectInfo) -> dict[str, Any]:
    """The keys of s3fs's ``info()``, all but ``StorageClass``, which obstore does not give."""
    return {
        "name": location.path,
        "size": known.size,
        "type": "file",
        "ETag": known.e_tag or "",
        "LastModified": known.last_modified,
        "VersionId": known.version,
        "ContentType": known.attributes.get("Content-Type"),
    }


def url_keywords(url: str) -> dict[str, Any]:
    """A URL that names a version asks for a version-aware instance, as in s3fs."""
    return {"url_options": {"version_aware": True}} if "?versionId=" in url else {}


def at_any_place(*_: Any) -> None:
    """S3's URLs name no account that an instance could contradict."""


def nothing(_: Settings) -> dict[str, Any]:
    """What obstore's own look-up of credentials needs is in every configuration."""
    return {}
