"""Who watches requests, and the wrappers of the data plane's that tell of themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from objfs import observing
from objfs.observing import DATA_PLANE, UNFINISHED, Read, Request, Watch
from objfs.peers.watching import azure_verb, begin_s3, follow, gcs_verb, watched_bucket
from objfs.store_watching import Watched
from objfs.types import ByteRange, Chunk, Location, ObjectInfo


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.begun: list[Watch] = []
        self.requests: list[Request] = []
        self.reads: list[Read] = []

    def began(self, watch: Watch) -> None:
        """Kept."""
        self.begun.append(watch)

    def ended(self, watch: Watch, request: Request) -> None:
        """Kept."""
        assert watch in self.begun
        self.requests.append(request)

    def has_read(self, read: Read) -> None:
        """Kept."""
        self.reads.append(read)


@pytest.fixture
def notes() -> Iterator[Notes]:
    """An observer who is told."""
    found = Notes()
    observing.observe(found)
    yield found
    observing.ignore(found)


def begin(attempt: int = 1, verb: str = "GET", wanted: ByteRange | None = None) -> Watch:
    return Watch(verb, DATA_PLANE, "s3", "server", Location("bucket", "key"), wanted=wanted, attempt=attempt)


def test_a_watch_tells_those_who_watched_when_it_began(notes):
    """Who comes later does not get the end of what it has not seen begin; nobody is told twice."""
    watch, later = begin(), Notes()
    observing.observe(later)
    watch.end(status=200, received=3)
    watch.end(status=500)
    observing.ignore(later)
    assert [(request.status, request.received) for request in notes.requests] == [(200, 3)]
    assert later.requests == []


def test_observers_go_one_by_one(notes):
    """Nested watching ends in any order."""
    second = Notes()
    observing.observe(second)
    observing.ignore(notes)
    begin().end()
    observing.ignore(second)
    assert (len(notes.requests), len(second.requests)) == (0, 1)
    assert observing.observers == ()


def test_an_empty_read_is_none(notes):
    """Nobody is told of no bytes."""
    observing.tell_read("s3", Location("bucket", "key"), ByteRange(3, 3), ())
    observing.tell_read("s3", Location("bucket", "key"), ByteRange(3, 4), [ByteRange(3, 4)])
    assert [(read.range, read.waited) for read in notes.reads] == [(ByteRange(3, 4), (ByteRange(3, 4),))]


@pytest.mark.parametrize("way", ["now", "soon"])
def test_attempts_are_numbered_and_answers_measured(notes, way):
    """The same request, made again, is the next attempt; an answer says which bytes it holds."""
    answers = iter([OSError("(code: 503"), Chunk(b"abc", 2, ObjectInfo(9))])

    def answer() -> Chunk:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    async def answer_soon() -> Chunk:
        return answer()

    watched = Watched(begin, lambda error: TimeoutError())
    call = watched.now(answer) if way == "now" else lambda: asyncio.run(watched_soon())
    watched_soon = watched.soon(answer_soon)
    with pytest.raises(OSError, match="503"):
        call()
    call()
    assert [(r.attempt, r.status, r.error, r.range, r.size, r.received) for r in notes.requests] == [
        (1, 503, "TimeoutError", None, None, 0),
        (2, None, None, ByteRange(2, 5), 9, 3),
    ]


@pytest.mark.parametrize("way", ["now", "soon"])
def test_who_goes_away_leaves_a_request_unfinished(notes, way):
    """Ctrl-C and cancelled tasks are no errors of the request."""

    def leave() -> None:
        raise KeyboardInterrupt

    async def leave_soon() -> None:
        raise asyncio.CancelledError

    watched = Watched(begin, lambda error: error)
    with pytest.raises((KeyboardInterrupt, asyncio.CancelledError)):
        watched.now(leave)() if way == "now" else asyncio.run(watched.soon(leave_soon)())
    assert [request.error for request in notes.requests] == [UNFINISHED]


def test_an_upload_counts_its_bytes_and_requests(notes):
    """Pieces pass as they are, and are counted whatever they are made of."""
    pieces = [b"abc", memoryview(b"defg"), bytearray(b"h")]
    watched = Watched(lambda attempt: begin(attempt, "PUT"), lambda error: error)
    sent = watched.upload(lambda them: [bytes(each) for each in them], iter(pieces), lambda count: 2 + -(-count // 4))
    assert sent == [b"abc", b"defg", b"h"]
    assert [(request.sent, request.requests) for request in notes.requests] == [(8, 4)]


def test_an_upload_that_fails_is_told(notes):
    """Its error has a name."""

    def fail(_: Iterator[bytes]) -> None:
        raise OSError

    watched = Watched(lambda attempt: begin(attempt, "PUT"), lambda error: PermissionError())
    with pytest.raises(OSError):
        watched.upload(fail, iter([b"abc"]), lambda count: 2)
    assert [(request.error, request.requests) for request in notes.requests] == [("PermissionError", 2)]


class Body:
    """The stream of an answer, as aiohttp has it."""

    def __init__(self) -> None:
        self.total_bytes = 3
        self.ends: list[Any] = []

    def on_eof(self, callback: Any) -> None:
        """Kept."""
        self.ends.append(callback)


class Answer:
    """An answer of aiohttp."""

    def __init__(self) -> None:
        self.content, self.status = Body(), 206
        self.headers = {"Content-Range": "bytes 4-6/9"}


def test_an_answer_ends_with_its_last_byte(notes):
    """Not before; the answer says where its bytes lie."""
    answer = Answer()
    follow(begin(), "GET", answer)
    assert notes.requests == []
    answer.content.ends[0]()
    del answer
    (request,) = notes.requests
    assert (request.range, request.size, request.received, request.error) == (ByteRange(4, 7), 9, 3, None)


def test_an_answer_that_breaks_off_ends_with_its_reader(notes):
    """It is recorded when nobody holds it any more, with what had come until then."""
    answer = Answer()
    follow(begin(), "GET", answer)
    del answer
    (request,) = notes.requests
    assert (request.status, request.received, request.error) == (206, 3, UNFINISHED)


@pytest.mark.parametrize(
    ("method", "path", "parameters", "verb"),
    [
        ("GET", "https://host/download/storage/v1/b/{}/o/{}", {"alt": "media"}, "GET"),
        ("GET", "b/{}/o/{}", {}, "HEAD"),
        ("GET", "b/{}/o", {"prefix": "a"}, "LIST"),
        ("GET", "https://host/storage/v1/b/{}/o", {}, "LIST"),
        ("GET", "b", {}, "LIST"),
        ("GET", "b/{}", {}, "HEAD"),
        ("POST", "https://host/upload/storage/v1/b/{}/o", {}, "PUT"),
        ("PUT", "https://host/upload/storage/v1/b/bucket/o?upload_id=secret", {}, "PUT"),
        ("POST", "b/{}/o/{}/rewriteTo/b/{}/o/{}", {}, "COPY"),
        ("POST", "https://host/batch/storage/v1", {}, "DELETE"),
        ("DELETE", "b/{}/o/{}", {}, "DELETE"),
        ("PATCH", "b/{}/o/{}", {}, "OTHER"),
    ],
)
def test_a_request_of_gcs_has_a_verb(method, path, parameters, verb):
    """By method, path and what is asked for."""
    assert gcs_verb(method, path, parameters) == verb


class Asked:
    """A request of azure-core or botocore."""

    def __init__(self, method: str, url: str, **headers: str) -> None:
        self.method, self.url = method, url
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("method", "query", "headers", "verb"),
    [
        ("GET", {}, {}, "GET"),
        ("GET", {"versionid": "1"}, {}, "GET"),
        ("GET", {"comp": "list", "restype": "container"}, {}, "LIST"),
        ("GET", {"comp": "list"}, {}, "LIST"),
        ("GET", {"comp": "tags"}, {}, "OTHER"),
        ("HEAD", {}, {}, "HEAD"),
        ("HEAD", {"restype": "container"}, {}, "HEAD"),
        ("PUT", {}, {}, "PUT"),
        ("PUT", {"comp": "block"}, {}, "PUT"),
        ("PUT", {"comp": "blocklist"}, {}, "PUT"),
        ("PUT", {}, {"x_ms_copy_source": "url"}, "COPY"),
        ("PUT", {"restype": "container"}, {}, "OTHER"),
        ("PUT", {"comp": "metadata"}, {}, "OTHER"),
        ("DELETE", {}, {}, "DELETE"),
        ("POST", {"comp": "batch"}, {}, "DELETE"),
    ],
)
def test_a_request_of_azure_has_a_verb(method, query, headers, verb):
    """By method, query and headers."""
    assert azure_verb(Asked(method, "http://host/", **headers), query) == verb


@pytest.mark.parametrize(
    ("operation", "bucket", "url", "verb", "key"),
    [
        ("GetObject", "bucket", "https://host/bucket/a%20b/c", "GET", "a b/c"),
        ("GetObject", "bucket", "https://bucket.host/bucket/a", "GET", "bucket/a"),
        ("GetObject", "arn:aws:s3:::accesspoint/x", "https://x.host/a", "GET", "a"),
        ("ListObjectsV2", "bucket", "https://host/bucket?list-type=2&prefix=a%2F&delimiter=", "LIST", "a/"),
        ("ListBuckets", "", "https://host/", "LIST", ""),
        ("HeadObject", "bucket", "https://host/bucket/a", "HEAD", "a"),
        ("DeleteObjects", "bucket", "https://host/bucket?delete", "DELETE", ""),
        ("UploadPart", "bucket", "https://host/bucket/a?partNumber=1&uploadId=secret", "PUT", "a"),
        ("CopyObject", "bucket", "https://host/bucket/a", "COPY", "a"),
        ("GetObjectTagging", "bucket", "https://host/bucket/a?tagging", "OTHER", "a"),
    ],
)
def test_a_request_of_s3_has_a_verb_and_a_key(notes, operation, bucket, url, verb, key):
    """By the operation and the address, however that names the bucket."""
    token = watched_bucket.set(bucket)
    try:
        watch, found = begin_s3(operation, Asked("GET", url, Range="bytes=2-4", amz_sdk_request="attempt=3; max=5"))
    finally:
        watched_bucket.reset(token)
    watch.end(status=200)
    (request,) = notes.requests
    assert (found, request.verb, request.bucket, request.key, request.attempt) == (verb, verb, bucket, key, 3)
    assert request.range == (ByteRange(2, 5) if verb == "GET" else None)
    assert "secret" not in repr(request)


def test_signature_that_was_pasted_into_a_key_is_not_told(notes):
    """Neither with a request nor with a read; the rest of the key is."""
    location = Location("bucket", "x?X-Amz-Signature=canary&a=b")
    Watch("GET", DATA_PLANE, "s3", "server", location).end()
    observing.tell_read("s3", location, ByteRange(0, 1), ())
    told = repr((notes.requests, notes.reads))
    assert ("canary" in told, told.count("a=b")) == (False, 2)
