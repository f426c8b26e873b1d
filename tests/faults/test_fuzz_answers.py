"""Whatever the headers of an answer say, a read gives the right bytes or an OSError that names what was odd."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import pytest

pytest.importorskip("aiobotocore")

from objfs.peers.answers import partial_content
from objfs.peers.s3_answers import require_root
from objfs.types import ByteRange, Suffix
from tests.clouds import CLOUDS
from tests.faults.answering import Answer, Answering, Asked, answering
from tests.faults.test_fuzz_servers import (
    TYPES,
    azure_item,
    azure_page,
    filesystem,
    gcs_item,
    gcs_page,
    s3_item,
    s3_page,
)

ENGINES: Final = ("obstore", "sdk")
BODY: Final = b"0123456789"
SOUND: Final[Mapping[str, str]] = {
    "ETag": '"e"',
    "Last-Modified": "Sat, 03 Feb 2024 04:05:06 GMT",
    "Content-Type": "text/plain",
    "x-ms-blob-type": "BlockBlob",
    "x-goog-generation": "1",
}
DIGITS: Final = "9" * 5000
# Each row: headers that are said of an object; None takes one away.
HEADERS: Final[Mapping[str, Mapping[str, str | None]]] = {
    "sound": {},
    "date-is-text": {"Last-Modified": "yesterday"},
    "date-is-absurd": {"Last-Modified": "Sat, 99 Feb 99999 04:05:06 GMT"},
    "date-is-a-number": {"Last-Modified": "1e400"},
    "date-is-empty": {"Last-Modified": ""},
    "no-date": {"Last-Modified": None},
    "no-etag": {"ETag": None},
    "no-length": {"Content-Length": None, "Connection": "close"},
    "nothing": dict.fromkeys(SOUND) | {"Content-Length": None, "Connection": "close"},
    "length-is-text": {"Content-Length": "many"},
    "length-is-negative": {"Content-Length": "-5"},
    "length-is-huge": {"Content-Length": "9" * 30},
    "counts-are-text": {"x-amz-missing-meta": "many", "x-amz-tagging-count": "few", "x-amz-mp-parts-count": ""},
    "flags-are-text": {"x-amz-delete-marker": "perhaps", "x-ms-server-encrypted": "perhaps"},
    "azure-counts-are-text": {"x-ms-tag-count": "few", "x-ms-blob-sequence-number": "first"},
    "azure-dates-are-text": {"x-ms-creation-time": "yesterday", "x-ms-copy-completion-time": "soon"},
    "retained-until-text": {"x-amz-object-lock-retain-until-date": "doomsday", "Expires": "never"},
}
# Each row: what is said of bytes 2 to 5; those of the object, or more or fewer.
SPANS: Final[Mapping[str, tuple[str | None, bytes]]] = {
    "sound": ("bytes 2-5/10", BODY[2:6]),
    "none": (None, BODY[2:6]),
    "text": ("odd", BODY[2:6]),
    "negative": ("bytes -5--1/10", BODY[2:6]),
    "other-bytes": ("bytes 0-3/10", BODY[:4]),
    "no-size": ("bytes 2-5/*", BODY[2:6]),
    "no-size-at-all": ("bytes 2-5", BODY[2:6]),
    "huge": (f"bytes 2-5/{'9' * 30}", BODY[2:6]),
    "digits": (f"bytes 2-5/{DIGITS}", BODY[2:6]),
    "smaller-than-its-range": ("bytes 2-5/3", BODY[2:6]),
    "longer-than-asked": ("bytes 2-9/10", BODY[2:]),
    "shorter-than-asked": ("bytes 2-3/10", BODY[2:4]),
    "another-unit": ("pages 2-5/10", BODY[2:6]),
    "backwards": ("bytes 5-2/10", BODY[2:6]),
    "not-ascii": ("bytes ²-5/10", BODY[2:6]),
    "fewer-bytes": ("bytes 2-5/10", BODY[2:5]),
    "more-bytes": ("bytes 2-5/10", BODY[2:8]),
}


@dataclass
class Odd:
    """A server that says something odd of one object, and filesystems on it."""

    server: Answering
    systems: dict[tuple[str, str], Any] = field(default_factory=dict)
    answer: Callable[[Asked], Answer] = lambda _: Answer()

    def fs(self, cloud: str, engine: str) -> Any:
        """The filesystem."""
        if (cloud, engine) not in self.systems:
            self.systems[cloud, engine] = filesystem(cloud, self.server.endpoint, engine=engine)
        return self.systems[cloud, engine]


@pytest.fixture(scope="module")
def odd() -> Iterator[Odd]:
    """One for all answers."""
    made: list[Odd] = []
    with answering(lambda asked: made[0].answer(asked)) as server:  # noqa: PLW0108 - there is none yet
        made.append(Odd(server))
        yield made[0]


def with_headers(status: int, body: bytes, headers: Mapping[str, str | None]) -> Answer:
    """An answer with sound headers, but for these."""
    told: dict[str, str | None] = {**SOUND, "Content-Length": str(len(body)), **headers}
    return Answer(status, [body], {name: value for name, value in told.items() if value is not None})


def of_json(asked: Asked, **members: Any) -> Answer | None:
    """GCS's description of the object, where that is asked for."""
    if "/storage/v1/" not in asked.path or asked.query.get("alt") == "media":
        return None
    told = {"name": "d", "size": "10", "updated": "2024-02-03T04:05:06Z", "generation": "1", **members}
    return Answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"})


def wanted_of(asked: Asked) -> str | None:
    """The range that is asked for."""
    return asked.headers.get("x-ms-range", asked.headers.get("range"))


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or its OSError; any other exception is raised."""
    try:
        return call()
    except OSError as error:
        return error


def require_told(error: OSError) -> None:
    """An error says which object it is about, and not too much."""
    assert "bucket/d" in str(error)
    assert len(str(error)) < 10_000


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_odd_headers_are_survived_or_an_oserror(odd: Odd, cloud: str, engine: str, name: str) -> None:
    """Of GET and HEAD: the bytes are right, the size is right, and only what is harmless is left out."""

    def answer(asked: Asked) -> Answer:
        described = of_json(asked)
        if described is not None:
            return described
        asks = wanted_of(asked) is not None and asked.method == "GET"
        span = {"Content-Range": "bytes 0-9/10"} if asks else {}
        return with_headers(206 if asks else 200, BODY, {**span, **HEADERS[name]})

    odd.answer = answer
    fs = odd.fs(cloud, engine)
    read, info = outcome(lambda: fs.cat_file("bucket/d")), outcome(lambda: fs.info("bucket/d"))
    for found in (read, info):
        if isinstance(found, OSError):
            require_told(found)
    assert isinstance(read, OSError) or read == BODY
    assert isinstance(info, OSError) or (info["type"], info["size"]) == ("file", 10)
    if name == "sound":
        assert not isinstance(read, OSError)
        assert not isinstance(info, OSError)


@pytest.mark.parametrize("name", SPANS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_partial_answer_gives_the_bytes_that_were_asked_for_or_an_oserror(
    odd: Odd, cloud: str, engine: str, name: str
) -> None:
    """Whatever its Content-Range says, and however many bytes come."""
    span, body = SPANS[name]

    def answer(asked: Asked) -> Answer:
        if asked.method == "HEAD":
            return with_headers(200, BODY, {})
        return of_json(asked) or with_headers(206, body, {"Content-Range": span})

    odd.answer = answer
    found = outcome(lambda: odd.fs(cloud, engine).cat_file("bucket/d", start=2, end=6))
    if name == "sound":
        assert found == BODY[2:6]
    else:
        assert isinstance(found, OSError)
        require_told(found)


RANGES: Final = {
    "within": (2, 6),
    "from-the-start": (0, 4),
    "past-the-end": (8, 20),
    "to-the-end": (4, None),
    "last": (-3, None),
}


@pytest.mark.parametrize("asked_for", RANGES)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_whole_object_in_place_of_a_range_gives_no_wrong_bytes(
    odd: Odd, cloud: str, engine: str, asked_for: str
) -> None:
    """A server need not know ranges (RFC 9110, section 14.2): they are cut, or the answer is refused."""
    odd.answer = lambda asked: of_json(asked) or with_headers(200, BODY, {})
    start, end = RANGES[asked_for]
    found = outcome(lambda: odd.fs(cloud, engine).cat_file("bucket/d", start=start, end=end))
    assert isinstance(found, OSError) or found == BODY[slice(start, end)]
    assert not isinstance(found, OSError) or (engine, cloud) not in [("sdk", "s3"), ("sdk", "gcs")]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_open_file_reads_no_wrong_bytes(odd: Odd, cloud: str, engine: str) -> None:
    """Of a server that answers each range with the first bytes of the object, and calls them what was asked for."""

    def answer(asked: Asked) -> Answer:
        if asked.method == "HEAD":
            return with_headers(200, BODY, {})
        return of_json(asked) or with_headers(206, BODY[:4], {"Content-Range": "bytes 0-3/10"})

    odd.answer = answer
    assert isinstance(outcome(lambda: odd.fs(cloud, engine).open("bucket/d").read()), OSError)


SIZES: Final = ("-5", "many", "9" * 30, DIGITS, str(1 << 63), None, [1], 1e300, {"a": 1})


@pytest.mark.parametrize("size", SIZES, ids=[str(each)[:20] for each in SIZES])
def test_odd_size_in_a_description_is_an_oserror(odd: Odd, size: Any) -> None:
    """GCS describes objects in JSON."""
    odd.answer = lambda asked: of_json(asked, size=size) or Answer(404)
    for call in (odd.fs("gcs", "sdk").info, odd.fs("gcs", "sdk").size, odd.fs("gcs", "sdk").exists):
        with pytest.raises(OSError, match="size"):
            call("bucket/d")


@pytest.mark.parametrize("time", ["yesterday", 5, None, "9999999-99-99T99:99:99Z", "0001-01-01T00:00:00+23:59"])
def test_odd_time_in_a_description_is_left_out(odd: Odd, time: Any) -> None:
    """Nothing depends on it."""
    odd.answer = lambda asked: of_json(asked, updated=time) or Answer(404)
    assert odd.fs("gcs", "sdk").info("bucket/d")["mtime"] is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(None, (BODY, 0, 10), id="whole"),
        pytest.param(ByteRange(2, 6), (BODY[2:6], 2, 10), id="range"),
        pytest.param(ByteRange(8, 20), (BODY[8:], 8, 10), id="past-the-end"),
        pytest.param(Suffix(3), (BODY[7:], 7, 10), id="suffix"),
        pytest.param(Suffix(30), (BODY, 0, 10), id="long-suffix"),
    ],
)
def test_range_is_cut_of_a_whole_answer(wanted: Any, found: Any) -> None:
    """Bytes, where they begin, and the size of the object."""
    assert partial_content(BODY, None, wanted, "bucket/d") == found


# -- what is no listing -----------------------------------------------------------------------------------------------

ROOT: Final = "ListBucketResult"
LISTINGS: Final[Mapping[str, str]] = {
    "aws": '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    "no-prolog": "<ListBucketResult>",
    "no-blank-before-the-end": "<ListBucketResult/>",
    "prefix-of-a-namespace": '<s3:ListBucketResult xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/">',
    "byte-order-mark": '\ufeff<?xml version="1.0"?><ListBucketResult>',
    "comment": "<?xml version='1.0'?><!-- a proxy was here: <html> --><ListBucketResult>",
    "instruction": "<?xml version='1.0'?>\n<?xml-stylesheet href='a'?>\n\n<ListBucketResult\n>",
    "blanks": "\n  <?xml version='1.0'?>\n\n  <ListBucketResult>",
    "an-error-by-status-200": "<Error><Code>InternalError</Code></Error>",
}
OTHERS: Final[Mapping[str, str]] = {
    "html": "<html><body>Please log in</body></html>",
    "html-in-capitals": "<HTML>",
    "xhtml": "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><ListBucketResult/></html>",
    "html5": "<!DOCTYPE html><html><head/></html>",
    "another-answer": "<ListAllMyBucketsResult></ListAllMyBucketsResult>",
    "begins-alike": "<ListBucketResultX></ListBucketResultX>",
    "in-a-comment": "<!-- <ListBucketResult> --><html/>",
    "never-begins": "<!--" + " " * 100_000,
    "nothing": "",
    "blanks": "  \n ",
    "text": "OK",
    "json": '{"Contents": []}',
}


@pytest.mark.parametrize("name", LISTINGS)
def test_root_of_a_listing_is_known_however_it_is_written(name: str) -> None:
    """In every form that servers use."""
    require_root(LISTINGS[name].encode(), ROOT)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_listing_is_no_empty_listing(odd: Odd, name: str) -> None:
    """By status 200 and well-formed: nothing would be found, and a sync would delete all that is elsewhere."""
    with pytest.raises(OSError, match="not a listing"):
        require_root(OTHERS[name].encode(), ROOT)
    odd.answer = lambda asked: Answer(200 if asked.method == "GET" else 404, OTHERS[name].encode())
    fs, by_sdk = odd.fs("s3", "auto"), odd.fs("s3", "sdk")
    calls = (fs.ls, fs.find, fs.du, by_sdk.isdir, by_sdk.exists, lambda path: [*fs.list_pages(path)])
    assert [call for call in calls if not refused(call, "bucket/d")] == []
    assert refused(fs.ls, "")


@pytest.mark.parametrize("name", ["html", "another-answer", "nothing", "text"])
@pytest.mark.parametrize("cloud", ["gcs", "azure"])
def test_what_is_no_listing_is_refused_elsewhere_too(odd: Odd, cloud: str, name: str) -> None:
    """JSON that is none, and XML of another root."""
    odd.answer = lambda asked: Answer(200 if asked.method == "GET" else 404, OTHERS[name].encode())
    fs = odd.fs(cloud, "auto")
    assert [call.__name__ for call in (fs.ls, fs.find, fs.du) if not refused(call, "bucket/d")] == []


def refused(call: Callable[[str], Any], path: str) -> bool:
    """By an OSError that is not of a missing name."""
    found = outcome(lambda: call(path))
    return isinstance(found, OSError) and not isinstance(found, FileNotFoundError)


PAGES: Final[Mapping[str, Callable[[str], str]]] = {
    "s3": lambda size: s3_page(s3_item("d/a") + s3_item("d/b", size)),
    "s3-by-boto": lambda size: s3_page(f"<!-- -->{s3_item('d/b', size)}"),
    "gcs": lambda size: gcs_page(gcs_item("d/a"), gcs_item("d/b", size)),
    "azure": lambda size: azure_page(azure_item("d/a") + azure_item("d/b", size)),
    "azure-by-its-client": lambda size: azure_page(f"<!-- -->{azure_item('d/b', size)}"),
}


@pytest.mark.parametrize(
    "size", ["-1", "-5", "NaN", "1e3", "many", "9" * 30, str(1 << 63), DIGITS, "0x10"], ids=lambda size: size[:20]
)
@pytest.mark.parametrize("page", PAGES)
def test_odd_size_in_a_listing_is_an_oserror(odd: Odd, page: str, size: str) -> None:
    """Negative, no number, or larger than any object."""
    cloud = page.partition("-")[0]
    body = PAGES[page](size).encode()
    odd.answer = lambda asked: Answer(200 if asked.method == "GET" else 404, body, {"Content-Type": TYPES[cloud]})
    fs = odd.fs(cloud, "auto")
    calls = (fs.ls, partial(fs.find, detail=True), fs.du)
    assert [call for call in calls if not refused(call, "bucket/d")] == []
