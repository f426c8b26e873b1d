"""What of S3's answers boto's client is not shown: odd headers; and answers to listings that are none."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from objfs.peers.answers import odd

# With wildcards, to come before the handler of boto's that parses the whole page, entities and all.
_EVENT: Final = "before-parse.*.*"
_MARK: Final = "objfs-answers"
# Operation to the root of its answer: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
ROOTS: Final[Mapping[str, str]] = {
    "DeleteObjects": "DeleteResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListObjectVersions": "ListVersionsResult",
}
# The first element after the prolog and comments, whatever its namespace's prefix. A root comes soon.
_ROOT: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+(?:<\?[^>]*+>\s*+|<!--.{0,2000}?-->\s*+){0,9}<(?:[\w.-]++:)?([\w.-]++)[\s/>]", re.DOTALL
)
_BEGINNING: Final = 4096
_OK, _PARTIAL = 200, 206


def _time(text: str) -> datetime:
    """A date of HTTP; some servers have ISO 8601."""
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return datetime.fromisoformat(text)


# Headers that say nothing that a read depends on, and what they must be to be shown to boto, which would raise.
_HARMLESS: Final[Mapping[str, Callable[[str], Any]]] = {
    "last-modified": _time,
    "x-amz-missing-meta": int,
    "x-amz-mp-parts-count": int,
    "x-amz-object-lock-retain-until-date": _time,
    "x-amz-tagging-count": int,
}


def check_answers(client: Any) -> None:
    """Have the answers to a client's requests checked before boto reads them."""
    client.meta.events.register_first(_EVENT, check_answer, unique_id=_MARK)


def check_answer(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Drop headers that boto cannot read, and refuse what is no listing; a handler of boto's ``before-parse``.

    Raises
    ------
    OSError
        The answer is something else than what was asked for: the page of a portal, an object without a length.
    """
    status = response_dict["status_code"]
    if status not in (_OK, _PARTIAL):
        return
    headers = response_dict["headers"]
    for name, read in _HARMLESS.items():
        if name in headers and not _can(read, headers[name]):
            del headers[name]
    operation = operation_model.name
    for asked, name in ((operation == "HeadObject", "Content-Length"), (status == _PARTIAL, "Content-Range")):
        if asked and name not in headers:
            raise odd(None, name, None)
    if operation in ROOTS:
        require_root(response_dict["body"], ROOTS[operation])


def require_root(body: bytes, name: str) -> None:
    """Refuse a document whose first element is another; of the body only the beginning is looked at.

    Every server writes UTF-8, so that a document in UTF-16 counts as no XML.
    """
    found = _ROOT.match(body[:_BEGINNING])
    root = found[1].decode("utf-8", "replace") if found else ""
    # By status 200 boto knows an error, too.
    if root not in (name, "Error"):
        msg = f"the answer is not a listing: it is {f'<{root}>' if root else 'no XML'}, not <{name}>"
        raise OSError(errno.EIO, msg)


def _can(read: Callable[[str], Any], text: str) -> bool:
    try:
        read(text)
    except (TypeError, ValueError, OverflowError):
        return False
    return True
