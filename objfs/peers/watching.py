"""Requests of the SDKs that tell of themselves, for as long as somebody watches: of HTTP, repeats included.

What they do is told by their method and, without its values but for a prefix, their query.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from objfs import observing
from objfs.observing import SDK_PLANE, UNFINISHED, Watch
from objfs.types import ByteRange, Location

_RANGE: Final = re.compile(r"bytes=(\d+)-(\d+)$")
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)$")
_ATTEMPT: Final = re.compile(r"attempt=(\d+)")


def begin(
    filesystem: str,
    url: str,
    verb: str,
    method: str,
    place: Location,
    headers: Mapping[str, str],
    *,
    sent: int = 0,
    attempt: int = 1,
) -> Watch:
    """Begin to watch a request; of its headers those that say which bytes are asked for are looked at."""
    asked = re.match(_RANGE, headers.get("x-ms-range") or headers.get("Range") or "") if verb == "GET" else None
    wanted = None if asked is None else ByteRange(int(asked[1]), int(asked[2]) + 1)
    server = urlsplit(url).netloc.rpartition("@")[2]
    return Watch(verb, SDK_PLANE, filesystem, server, place, method=method, wanted=wanted, sent=sent, attempt=attempt)


@contextmanager
def following(watch: Watch, verb: str) -> Iterator[Callable[[Any], None]]:
    """Watch what is done here; what it gives is to be called with the answer of aiohttp."""
    try:
        yield partial(follow, watch, verb)
    except BaseException as error:
        watch.end(error=type(error).__name__)
        raise


def follow(watch: Watch, verb: str, answer: Any) -> None:
    """End to watch when the last byte of an answer of aiohttp is here, or when nobody can wait for it any more."""
    content, status, headers = answer.content, answer.status, answer.headers
    content.on_eof(lambda: end(watch, verb, status, headers, content.total_bytes))
    # A body that breaks off is told to who reads it alone.
    weakref.finalize(answer, _leave, watch, status, content).atexit = False


def _leave(watch: Watch, status: int, content: Any) -> None:
    watch.end(status=status, received=content.total_bytes, error=UNFINISHED)


def end(watch: Watch, verb: str, status: int, headers: Mapping[str, str], received: int) -> None:
    """End to watch a request that was answered."""
    found, size = None, None
    if status < 300 and verb == "GET":
        part = re.match(_CONTENT_RANGE, headers.get("Content-Range") or headers.get("content-range") or "")
        if part is None:
            found, size = ByteRange(0, received), received
        else:
            found = ByteRange(int(part[1]), int(part[2]) + 1)
            size = None if part[3] == "*" else int(part[3])
    watch.end(status=status, received=received, found=found, size=size)


# -- S3 -----------------------------------------------------------------------------------------------------------

_S3_VERBS: Final[Mapping[str, str]] = {
    "GetObject": "GET",
    "PutObject": "PUT",
    "UploadPart": "PUT",
    "CopyObject": "COPY",
    "UploadPartCopy": "COPY",
}
_S3_BEGINNINGS: Final = ("Head", "List", "Delete")
# The bucket of the call at hand, as the caller spells it.
watched_bucket: ContextVar[str] = ContextVar("objfs_watched_bucket", default="")
# A request is sent and answered in one task.
_s3_watch: ContextVar[tuple[Watch, str] | None] = ContextVar("objfs_s3_watch", default=None)


def watch_client(client: Any) -> None:
    """Have a client of botocore tell of its requests; asked again, nothing changes."""
    events = client.meta.events
    events.register("before-send.s3", _before_send, unique_id="objfs-watch-begins")
    events.register("response-received.s3", _response_received, unique_id="objfs-watch-ends")


def _before_send(request: Any, event_name: str = "", **_: Any) -> None:
    _s3_watch.set(begin_s3(event_name.rpartition(".")[2], request) if observing.observers else None)


def _response_received(response_dict: Any, exception: Any, **_: Any) -> None:
    found = _s3_watch.get()
    if found is None:
        return
    import aiohttp

    watch, verb = found
    if response_dict is None:
        watch.end(error=type(exception).__name__)
        return
    body = response_dict["body"]
    answer = getattr(body, "raw_stream", None)
    if isinstance(body, bytes):
        end(watch, verb, response_dict["status_code"], response_dict["headers"], len(body))
    elif isinstance(answer, aiohttp.ClientResponse):
        follow(watch, verb, answer)
    else:
        length = int(response_dict["headers"].get("content-length") or 0)
        end(watch, verb, response_dict["status_code"], response_dict["headers"], length)


def begin_s3(operation: str, request: Any) -> tuple[Watch, str]:
    """Watch a request that botocore is about to send; it says itself which attempt it is."""
    bucket = watched_bucket.get()
    verb = _S3_VERBS.get(operation) or next((w.upper() for w in _S3_BEGINNINGS if operation.startswith(w)), "OTHER")
    parts = urlsplit(request.url)
    # The host of an access point or a virtual host names the bucket, or else the path does.
    path = unquote(parts.path).removeprefix("/")
    by_path = (path == bucket or path.startswith(f"{bucket}/")) and not parts.netloc.startswith(f"{bucket}.")
    key = path[len(bucket) + 1 :] if by_path else path
    headers = {name: _text(request.headers[name]) for name in ("Range", "Content-Length") if name in request.headers}
    attempt = re.search(_ATTEMPT, _text(request.headers.get("amz-sdk-request", "")))
    watch = begin(
        "s3",
        request.url,
        verb,
        request.method,
        Location(bucket, key or _prefix(parts.query)),
        headers,
        sent=int(headers.get("Content-Length") or 0),
        attempt=int(attempt[1]) if attempt else 1,
    )
    return watch, verb


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _prefix(query: str) -> str:
    return dict(parse_qsl(query)).get("prefix", "")


# -- GCS ----------------------------------------------------------------------------------------------------------

# https://cloud.google.com/storage/docs/json_api/v1
_GCS_LISTS: Final = re.compile(r"(?:^|/)(?:b|o|folders|\{\}/o/?)$")
_GCS_COPIES: Final = ("/rewriteTo/", "/copyTo/", "/compose")


def gcs_verb(method: str, path: str, parameters: Mapping[str, Any]) -> str:
    """What a request of the JSON API does."""
    if any(each in path for each in _GCS_COPIES):
        return "COPY"
    if method == "GET":
        if parameters.get("alt") == "media":
            return "GET"
        return "LIST" if re.search(_GCS_LISTS, path) else "HEAD"
    if "/batch/" in path:
        return "DELETE"
    if method == "PUT" or (method == "POST" and "/upload/" in path):
        return "PUT"
    return method if method == "DELETE" else "OTHER"


def watched_gcs(
    url: str,
    method: str,
    path: str,
    args: tuple[str, ...],
    subject: str | None,
    parameters: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    sent: int,
    attempt: int,
) -> AbstractContextManager[Callable[[Any], None]]:
    """Watch a request of the JSON API, of which these are method, path with gaps, what fills them, and query."""
    verb = gcs_verb(method, path, parameters)
    bucket, _, key = (subject or "/".join(args[:2])).partition("/")
    place = Location(bucket, key or str(parameters.get("prefix") or ""))
    if verb == "COPY" and len(args) == 4:
        place = Location(args[2], args[3])
    return following(begin("gcs", url, verb, method, place, headers, sent=sent, attempt=attempt), verb)


# -- Azure --------------------------------------------------------------------------------------------------------

# https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api
_AZURE_BYTES: Final = (None, "block", "blocklist", "appendblock", "page")


def azure_verb(request: Any, query: Mapping[str, str]) -> str:
    """What a request of the blob service does."""
    method, component = request.method, query.get("comp")
    if component == "list":
        return "LIST"
    if component == "batch" or method == "DELETE":
        return "DELETE"
    if method == "PUT" and "x-ms-copy-source" in request.headers:
        return "COPY"
    if method in ("GET", "PUT") and component in (_AZURE_BYTES if method == "PUT" else (None,)):
        return method if "restype" not in query else "OTHER"
    return "HEAD" if method == "HEAD" else "OTHER"


def watched_azure(base: str, request: Any) -> AbstractContextManager[Callable[[Any], None]]:
    """Watch a request that azure-core is about to send; ``base`` is the path of the account's URL."""
    parts = urlsplit(request.url)
    query = dict(parse_qsl(parts.query))
    verb = azure_verb(request, query)
    bucket, _, key = unquote(parts.path.removeprefix(base).removeprefix("/")).partition("/")
    # The same request object is sent again.
    request.objfs_attempt = attempt = getattr(request, "objfs_attempt", 0) + 1
    watch = begin(
        "azure",
        request.url,
        verb,
        request.method,
        Location(bucket, key or query.get("prefix", "")),
        request.headers,
        sent=int(request.headers.get("Content-Length") or 0),
        attempt=attempt,
    )
    return following(watch, verb)
