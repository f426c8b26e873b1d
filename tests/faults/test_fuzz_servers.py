"""Whatever a server answers, a listing ends: with names or an OSError, in bounded time and memory."""

from __future__ import annotations

import contextlib
import itertools
import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fsspec
import pytest

from tests.clouds import CLOUDS
from tests.faults.answering import Answer, Answering, Asked, answering
from tests.faults.canaries import NOWHERE, SCHEMES

STATIC: Final[Mapping[str, dict[str, str]]] = {
    "s3": {"key": "AKIAOBJFSTESTS", "secret": "another"},
    "gcs": {"token": "token-of-the-tests"},
    "azure": {"account_key": "a2V5"},
}
TYPES: Final = {"s3": "application/xml", "gcs": "application/json", "azure": "application/xml"}
TIMES: Final = {
    "s3": "2024-02-03T04:05:06.000Z",
    "gcs": "2024-02-03T04:05:06.000Z",
    "azure": "Sat, 03 Feb 2024 04:05:06 GMT",
}


def place(cloud: str, endpoint: str) -> dict[str, Any]:
    """Options that lead to a server."""
    return {
        name: value.replace("http://127.0.0.1:1", endpoint) if isinstance(value, str) else value
        for name, value in NOWHERE[cloud].items()
    }


def filesystem(cloud: str, endpoint: str, **options: Any) -> Any:
    """A filesystem of objfs on a server."""
    given = {**place(cloud, endpoint), **STATIC[cloud], "read_timeout": 10, **options}
    return fsspec.filesystem(SCHEMES[cloud], skip_instance_cache=True, **given)


# -- pages ------------------------------------------------------------------------------------------------------------


def s3_page(items: str, token: str | None = None, *, prolog: str = "", goes_on: bool | None = None) -> str:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html."""
    following = "" if token is None else f"<NextContinuationToken>{token}</NextContinuationToken>"
    more = str(token is not None if goes_on is None else goes_on).lower()
    head = f"<Name>bucket</Name><EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>{following}"
    return f'<?xml version="1.0"?>{prolog}<ListBucketResult xmlns="http://s3/">{head}{items}</ListBucketResult>'


def azure_page(items: str, token: str | None = None, *, prolog: str = "") -> str:
    """https://learn.microsoft.com/rest/api/storageservices/list-blobs."""
    head = f'<?xml version="1.0"?>{prolog}<EnumerationResults ContainerName="bucket"><Prefix></Prefix>'
    return f"{head}<Blobs>{items}</Blobs><NextMarker>{token or ''}</NextMarker></EnumerationResults>"


def s3_item(key: str = "d/a", size: str = "1", time: str = TIMES["s3"]) -> str:
    """An object."""
    told = f"<LastModified>{time}</LastModified><ETag>&quot;e&quot;</ETag><Size>{size}</Size>"
    return f"<Contents><Key>{key}</Key>{told}<StorageClass>STANDARD</StorageClass></Contents>"


def azure_item(key: str = "d/a", size: str = "1", time: str = TIMES["azure"]) -> str:
    """A blob."""
    told = f"<Last-Modified>{time}</Last-Modified><Etag>0x1</Etag><Content-Length>{size}</Content-Length>"
    return f"<Blob><Name>{key}</Name><Properties>{told}<BlobType>BlockBlob</BlobType></Properties></Blob>"


def gcs_item(key: Any = "d/a", size: Any = "1", time: Any = TIMES["gcs"]) -> dict[str, Any]:
    """An object."""
    return {"name": key, "size": size, "updated": time, "timeCreated": time, "generation": "1"}


def gcs_page(*items: Any, **others: Any) -> str:
    """https://cloud.google.com/storage/docs/json_api/v1/objects/list."""
    return json.dumps({"items": list(items), **others})


LAUGHS: Final = (
    '<!DOCTYPE l [<!ENTITY l0 "laugh">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)) + "]>"
)
OUTSIDE: Final = '<!DOCTYPE l [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>'
DEEP: Final = "<a>" * 20_000 + "</a>" * 20_000
LONG: Final = "d/" + "k" * (4 << 20)
DIGITS: Final = "9" * 5000
ANYTHING: Final[Mapping[str, bytes]] = {
    "nothing": b"",
    "zeros": bytes(1000),
    "a-portal": b"<html><body>Please log in</body></html>",
    "text": b"no listing",
    "not-utf8": b"\xff\xfe\xfa",
    "utf-16": s3_page(s3_item("d/&l9;"), prolog=LAUGHS).replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16"),
}
PAGES: Final[Mapping[str, Mapping[str, str | bytes]]] = {
    "s3": {
        "laughs": s3_page(s3_item("d/&l9;"), prolog=LAUGHS),
        "a-local-file": s3_page(s3_item("d/&l9;"), prolog=OUTSIDE),
        "deep": s3_page(DEEP),
        "a-long-key": s3_page(s3_item(LONG)),
        "not-utf8": s3_page(s3_item("KEY")).encode().replace(b"KEY", b"d/\xff\xfe"),
        "negative": s3_page(s3_item(size="-5")),
        "huge": s3_page(s3_item(size=DIGITS)),
        "no-number": s3_page(s3_item(size="NaN")),
        "no-size": s3_page("<Contents><Key>d/a</Key></Contents>"),
        "no-key": s3_page("<Contents><Size>1</Size></Contents>"),
        "absurd-date": s3_page(s3_item(time="9999999-99-99T99:99:99.000Z")),
        "no-date": s3_page(s3_item(time="yesterday")),
        "twice": s3_page(s3_item() * 5),
        "elsewhere": s3_page(s3_item("../../etc/passwd") + s3_item("zzz") + s3_item("/abs")),
        "same-token": s3_page(s3_item(), "t"),
        "no-token": s3_page(s3_item(), goes_on=True),
        "cut-off": s3_page(s3_item())[:150],
    },
    "gcs": {
        "deep": '{"items":' + "[" * 100_000 + "]" * 100_000 + "}",
        "a-long-key": gcs_page(gcs_item(LONG)),
        "not-utf8": b'{"items":[{"name":"d/\xff\xfe","size":"1"}]}',
        "half-a-surrogate": gcs_page(gcs_item("d/\ud800")),
        "negative": gcs_page(gcs_item(size="-5")),
        "huge": gcs_page(gcs_item(size=DIGITS)),
        "huge-number": gcs_page(gcs_item(size="N")).replace('"N"', DIGITS),
        "no-number": gcs_page(gcs_item(size=float("nan"))),
        "list-of-sizes": gcs_page(gcs_item(size=[1])),
        "no-size": gcs_page({"name": "d/a"}),
        "no-key": gcs_page({"size": "1"}),
        "key-is-a-number": gcs_page(gcs_item(5)),
        "absurd-date": gcs_page(gcs_item(time="9999999-99-99T99:99:99Z")),
        "no-date": gcs_page(gcs_item(time=5)),
        "twice": gcs_page(*[gcs_item()] * 5),
        "member-twice": '{"items":[],"items":[{"name":"d/a","size":"1","size":"2"}]}',
        "elsewhere": gcs_page(gcs_item("../../etc/passwd"), gcs_item("zzz"), gcs_item("/abs")),
        "same-token": gcs_page(gcs_item(), nextPageToken="t"),
        "no-token": gcs_page(gcs_item(), nextPageToken={"a": 1}),
        "only-tokens": gcs_page(nextPageToken="t"),
        "list": "[]",
        "null": "null",
        "no-items": '{"items":null}',
        "items-are-an-object": '{"items":{"a":1}}',
        "items-are-texts": '{"items":["a"]}',
        "prefixes-are-numbers": gcs_page(prefixes=[1, None]),
        "cut-off": gcs_page(gcs_item())[:30],
    },
    "azure": {
        "laughs": azure_page(azure_item("d/&l9;"), prolog=LAUGHS),
        "a-local-file": azure_page(azure_item("d/&l9;"), prolog=OUTSIDE),
        "deep": azure_page(DEEP),
        "a-long-key": azure_page(azure_item(LONG)),
        "not-utf8": azure_page(azure_item("KEY")).encode().replace(b"KEY", b"d/\xff\xfe"),
        "negative": azure_page(azure_item(size="-5")),
        "huge": azure_page(azure_item(size=DIGITS)),
        "no-size": azure_page("<Blob><Name>d/a</Name><Properties></Properties></Blob>"),
        "no-properties": azure_page("<Blob><Name>d/a</Name></Blob>"),
        "no-key": azure_page("<Blob><Properties></Properties></Blob>"),
        "absurd-date": azure_page(azure_item(time="Sat, 99 Feb 99999 04:05:06 GMT")),
        "no-date": azure_page(azure_item(time="yesterday")),
        "twice": azure_page(azure_item() * 5),
        "elsewhere": azure_page(azure_item("../../etc/passwd") + azure_item("zzz") + azure_item("/abs")),
        "same-token": azure_page(azure_item(), "t"),
        "only-tokens": azure_page("", "t"),
        "cut-off": azure_page(azure_item())[:150],
    },
}
VERBS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "ls": lambda fs: fs.ls("bucket/d"),
    "find": lambda fs: fs.find("bucket/d", withdirs=True),
    "isdir": lambda fs: fs.isdir("bucket/d"),
    "rm": lambda fs: fs.rm("bucket/d", recursive=True),
    "list_pages": lambda fs: [*itertools.islice(fs.list_pages("bucket/d"), 3)],
    "buckets": lambda fs: fs.ls(""),
}
CASES: Final = [(cloud, name) for cloud in CLOUDS for name in (*ANYTHING, *PAGES[cloud])]


def of_case(cloud: str, name: str) -> bytes:
    """The body."""
    body = PAGES[cloud].get(name, ANYTHING.get(name, b""))
    return body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")


def deleted_of(asked: Asked) -> list[str]:
    """What a request deletes: its path, or the keys of a batch."""
    if asked.method == "DELETE":
        return [asked.target]
    batch = asked.method == "POST"
    return [asked.body.decode("latin-1")] if batch else []


@dataclass
class Hostile:
    """A server that gives one answer to everything, and filesystems on it."""

    server: Answering
    systems: Mapping[str, Any]
    answer: Answer


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    """One for all answers."""
    made: list[Hostile] = []
    with answering(lambda _: made[0].answer) as server:
        made.append(Hostile(server, {cloud: filesystem(cloud, server.endpoint) for cloud in CLOUDS}, Answer()))
        yield made[0]


@pytest.mark.parametrize(("cloud", "name"), CASES, ids=[f"{cloud}-{name}" for cloud, name in CASES])
def test_listing_of_a_hostile_server_ends(hostile: Hostile, cloud: str, name: str) -> None:
    """Each verb that lists gives names below what was asked for, or an OSError; few requests, little memory."""
    hostile.answer = Answer(200, of_case(cloud, name), {"Content-Type": TYPES[cloud]})
    hostile.server.asked.clear()
    ended: dict[str, BaseException] = {}
    for verb, call in VERBS.items():
        try:
            found = call(hostile.systems[cloud])
        except (OSError, UnicodeEncodeError):  # the latter for a key that is half a character
            continue
        except Exception as error:  # noqa: BLE001 - told below, with all others
            ended[verb] = error
        else:
            if verb == "find":
                assert [each for each in found if not f"{each}/".startswith("bucket/d/")] == []
    asked = hostile.server.asked
    assert len(asked) < 100
    gone = [each for one in asked for each in deleted_of(one) if "passwd" in each or "zzz" in each]
    assert ended == {}
    assert gone == []


@pytest.mark.parametrize("name", ["laughs", "utf-16", "deep"])
@pytest.mark.parametrize("cloud", ["s3", "azure"])
def test_page_that_would_grow_does_not(cloud: str, name: str) -> None:
    """A billion laughs are some gigabytes; what is kept of a page is a small multiple of it."""
    body = of_case(cloud, name)
    told = Answer(200, body, {"Content-Type": TYPES[cloud]})
    with answering(lambda asked: told) as server:
        fs = filesystem(cloud, server.endpoint)
        with contextlib.suppress(OSError):
            fs.find("bucket/d")  # what is imported on the way is not counted
        tracemalloc.start()
        try:
            with contextlib.suppress(OSError):
                fs.find("bucket/d")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < (4 << 20) + 200 * len(body)


def test_listing_that_goes_round_ends() -> None:
    """Not only the very same token: any that was there before."""
    tokens = itertools.cycle("abc")
    with answering(lambda asked: Answer(200, s3_page(s3_item(), next(tokens)).encode())) as server:
        with pytest.raises(OSError, match="does not end"):
            filesystem("s3", server.endpoint).find("bucket/d")
        assert len(server.asked) <= 6


# -- names ------------------------------------------------------------------------------------------------------------


def climbing(asked: Asked) -> Answer:
    """Keys that a local filesystem would take for places outside of the target."""
    if "list-type" in asked.query:
        keys = ("d/ok", "d/../../up", "d//etc/up", "d/sub/../../../up", "d/..")
        return Answer(200, s3_page("".join(s3_item(key, "2") for key in keys)).encode())
    return Answer(200, b"up", {"ETag": '"e"', "Last-Modified": "Sat, 03 Feb 2024 04:05:06 GMT"})


DOWNLOADS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "tree": lambda fs, local: fs.get("bucket/d", local, recursive=True),
    "tree-with-a-slash": lambda fs, local: fs.get("bucket/d/", local, recursive=True),
    "pattern": lambda fs, local: fs.get("bucket/d/*", local),
    "one": lambda fs, local: fs.get("bucket/d/..", f"{local}/"),
    "one-deeper": lambda fs, local: fs.get("bucket/d/../../up", f"{local}/"),
}


@pytest.mark.parametrize("download", DOWNLOADS)
def test_no_key_leads_a_download_out_of_its_target(download: str, tmp_path: Path) -> None:
    """It is refused, or lands below the target."""
    target = tmp_path / "a" / "b" / "target"
    target.mkdir(parents=True)
    with answering(climbing) as server, contextlib.suppress(ValueError, OSError):
        DOWNLOADS[download](filesystem("s3", server.endpoint), str(target))
    landed = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in landed if target not in path.resolve().parents] == []


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def endless() -> Iterator[Any]:
    """A server whose refusals are 12 MB each."""

    def refusal(_: Asked) -> Answer:
        head = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>"
        return Answer(403, itertools.chain([head], itertools.repeat(bytes(1 << 20), 12)), {"Connection": "close"})

    with answering(refusal) as server:
        yield server


@pytest.mark.parametrize("cloud", CLOUDS)
def test_long_error_is_a_short_exception(endless: Any, cloud: str) -> None:
    """On both planes, for what has a body; neither it nor any of its causes keeps what the server said."""
    for engine in ("auto", "sdk"):
        fs = filesystem(cloud, endless.endpoint, engine=engine)
        for call in (lambda fs=fs: fs.cat_file("bucket/d"), lambda fs=fs: fs.ls("bucket/d")):
            with pytest.raises(OSError) as raised:
                call()
            error: BaseException | None = raised.value
            while error is not None:
                assert len(str(error)) < 1 << 18
                error = error.__cause__ or error.__context__


def test_long_error_of_gcs_is_not_read_to_its_end(endless: Any) -> None:
    """Where the reading is ours."""
    fs = filesystem("gcs", endless.endpoint, engine="sdk")
    with pytest.raises(PermissionError):
        fs.ls("bucket/d")
    assert endless.sent < 12 << 20
