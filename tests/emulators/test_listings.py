"""Listings of many keys: whole and exact, one request for each page, read by patterns, levels side by side."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from objfs import S3FileSystem
from objfs.peers import azure_pages, s3_pages, xml_items
from objfs.peers.azure_listing import Listing
from objfs.peers.s3_listing import S3Listing
from tests.emulators.canned_listings import BUCKET, Asked, Canned, in_bucket

CLOUDS: Final = ("s3", "gcs", "azure")
MODULES: Final = {"s3": ("s3fs",), "gcs": ("gcsfs",), "azure": ("adlfs",)}
# Of a flat directory of fifty thousand keys, and few of other places.
FLAT: Final = {f"flat/part-{number:05d}": number + 1 for number in range(50_000)}
ODD: Final = {
    "flat/": 0,
    "flat//x": 5,
    "flat/+%41 é&<": 6,
    "flat/sub/": 0,
    "flat/sub/a": 7,
    "flat/zero": 0,
    "/leading": 8,
    "other//": 0,
    "other//b": 9,
    "other/c": 10,
}
SIZES: Final = {**FLAT, **ODD}
FILES: Final = {key: size for key, size in SIZES.items() if size or not key.endswith("/")}
PER_PAGE: Final = {"s3": 1000, "gcs": 1000, "azure": 5000}


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest) -> str:
    """Each cloud whose peer is installed."""
    for module in MODULES[request.param]:
        pytest.importorskip(module)
    return str(request.param)


@pytest.fixture(scope="module")
def large() -> Iterator[Canned]:
    """A bucket of some fifty thousand keys."""
    with Canned(SIZES).serving() as served:
        yield served


@pytest.fixture
def many(large: Canned) -> Canned:
    """The same, of which nothing was asked yet."""
    large.asked.clear()
    return large


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each kind of items in a page of XML, whether they were cut out."""
    found: list[bool] = []

    def cut(page: bytes, parents: Any, tags: Any, *more: Any) -> Any:
        made = xml_items.cut(page, parents, tags, *more)
        if any(b"<%s>" % tag.encode() in page for tag in tags):
            found.append(made is not None)
        return made

    for module in (s3_pages, azure_pages):
        monkeypatch.setattr(module, "cut", cut)
    return found


def pages_of(keys: int, cloud: str) -> int:
    """How many pages that many keys are."""
    return -(-keys // PER_PAGE[cloud])


@pytest.mark.parametrize("detail", [False, True], ids=["names", "detail"])
def test_tree_of_fifty_thousand_keys(many: Canned, cloud: str, detail: bool, cuts: list[bool]) -> None:
    """Every key once, with one request for each page."""
    fs = many.fs(cloud)
    found = fs.find(BUCKET, detail=detail)
    assert list(found) == in_bucket(sorted(FILES))
    assert len(many.asked) == pages_of(len(SIZES), cloud)
    if detail:
        assert {name: info["size"] for name, info in found.items()} == {
            f"{BUCKET}/{key}": size for key, size in FILES.items()
        }
        assert {info["type"] for info in found.values()} == {"file"}
    if cloud != "gcs":
        assert len(cuts) >= len(many.asked)
        assert all(cuts)


def test_usage_of_fifty_thousand_keys(many: Canned, cloud: str) -> None:
    """By their listing alone."""
    assert many.fs(cloud).du(f"{BUCKET}/flat") == sum(size for key, size in SIZES.items() if key.startswith("flat/"))
    assert len(many.asked) == pages_of(sum(key.startswith("flat/") for key in SIZES), cloud)


@pytest.mark.parametrize("detail", [False, True], ids=["names", "detail"])
def test_level_of_fifty_thousand_keys(many: Canned, cloud: str, detail: bool, cuts: list[bool]) -> None:
    """With what lies beside them, and without the directory's own marker."""
    level = ["flat/+%41 é&<", "flat/zero", *FLAT]
    found = many.fs(cloud).ls(f"{BUCKET}/flat", detail=detail)
    expected = sorted(in_bucket([*level, "flat/", "flat/sub"]))
    if detail:
        assert [info["name"] for info in found] == expected
        kinds = {info["name"]: info["type"] for info in found}
        assert {name for name, kind in kinds.items() if kind == "directory"} == set(in_bucket(["flat/", "flat/sub"]))
        sizes = {info["name"]: info["size"] for info in found if info["type"] == "file"}
        assert sizes == {f"{BUCKET}/{key}": SIZES[key] for key in level}
    else:
        assert found == expected
    # The marker is listed, too, and left out.
    assert len(many.asked) == pages_of(len(level) + 3, cloud)
    if cloud != "gcs":
        assert len(cuts) >= len(many.asked)
        assert all(cuts)


def test_prefix_of_fifty_thousand_keys(many: Canned, cloud: str) -> None:
    """The server is asked for those that begin so, and no others."""
    expected = in_bucket([key for key in FLAT if key.startswith("flat/part-4999")])
    assert many.fs(cloud).find(f"{BUCKET}/flat", prefix="part-4999") == expected
    assert len(many.asked) == 1


def test_directories_of_fifty_thousand_keys(many: Canned, cloud: str) -> None:
    """With withdirs the directories that keys lie in, by the same requests."""
    found = many.fs(cloud).find(BUCKET, withdirs=True, detail=True)
    directories = [name for name, info in found.items() if info["type"] == "directory"]
    # What a marker and a directory share is on Azure the marker's name.
    listed = ["flat", *([] if cloud == "azure" else ["flat/"]), "flat/sub", "other", "other/"]
    assert [name for name in directories if name != f"{BUCKET}/"] == in_bucket(listed)
    assert many.fs(cloud).find(BUCKET, withdirs=True) == list(found)
    assert len(many.asked) == 2 * pages_of(len(SIZES), cloud)


def test_pages_of_fifty_thousand_keys(many: Canned, cloud: str, cuts: list[bool]) -> None:
    """Each page is one request, in the order of keys."""
    found = [info["name"] for page in many.fs(cloud).list_pages(f"{BUCKET}/flat") for info in page]
    assert found == [name for name in in_bucket(sorted(SIZES)) if name.startswith(f"{BUCKET}/flat/")]
    assert len(many.asked) == -(-len([key for key in SIZES if key.startswith("flat/")]) // 1000)
    assert all(cuts)


def test_directory_whose_name_begins_with_a_slash(cloud: str) -> None:
    """Keys are never cut: ``/d`` is not ``d``."""
    with Canned({"/d/a": 1, "d/b": 2, "d//c": 3}).serving() as served:
        fs = served.fs(cloud)
        assert fs.find(f"{BUCKET}//d") == in_bucket(["/d/a"])
        assert fs.ls(f"{BUCKET}//d", detail=False) == in_bucket(["/d/a"])
        assert fs.find(f"{BUCKET}/d") == in_bucket(["d//c", "d/b"])


TREE: Final = {f"d{outer}/e{inner}/f": 1 for outer in range(4) for inner in range(3)}


@pytest.mark.parametrize("cloud", ["s3", "azure"], indirect=True)
def test_directories_of_one_level_are_listed_side_by_side(cloud: str) -> None:
    """As many as max_concurrency says, and each once."""
    meeting = threading.Barrier(4, timeout=30)

    def meet(asked: Asked) -> None:
        if asked.query.get("prefix", "").count("/") == 1:
            meeting.wait()

    with Canned(TREE, meet).serving() as served:
        fs = served.fs(cloud, max_concurrency=4)
        assert fs.find(BUCKET, maxdepth=2) == []
        assert fs.glob(f"{BUCKET}/*/*") == in_bucket(sorted({key[:-2] for key in TREE}))
        asked = [each.query.get("prefix", "") for each in served.asked]
        assert sorted(asked) == sorted(["", "d0/", "d1/", "d2/", "d3/"] * 2)


@pytest.mark.parametrize("limit", [1, 3])
@pytest.mark.parametrize("cloud", ["s3", "azure"], indirect=True)
def test_no_more_directories_are_listed_at_a_time_than_allowed(
    cloud: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """max_concurrency=1 is one after another."""
    busy: list[int] = []
    most = 0

    def watched(verb: Any) -> Any:
        async def listed(*args: Any, **kwargs: Any) -> Any:
            nonlocal most
            busy.append(1)
            most = max(most, len(busy))
            for _ in range(10):  # others have their turn
                await asyncio.sleep(0)
            try:
                return await verb(*args, **kwargs)
            finally:
                busy.pop()

        return listed

    for kind, name in ((S3Listing, "_level"), (Listing, "_page")):
        monkeypatch.setattr(kind, name, watched(getattr(kind, name)))
    with Canned(TREE).serving() as served:
        assert served.fs(cloud, max_concurrency=limit).find(BUCKET, maxdepth=3) == in_bucket(sorted(TREE))
        assert (most, len(served.asked)) == (limit, 1 + 4 + 12)


def test_one_level_is_asked_for_as_one(cloud: str) -> None:
    """However much lies below it; the directories of it are told by the same page."""
    with Canned({f"d{n % 3}/{n}": 1 for n in range(6_000)} | {"a": 1, "b/": 0}).serving() as served:
        fs = served.fs(cloud)
        assert fs.find(BUCKET, maxdepth=1) == in_bucket(["a"])
        assert fs.glob(f"{BUCKET}/*") == in_bucket(["a", "b", "d0", "d1", "d2"])
        assert fs.glob(f"{BUCKET}/d*") == in_bucket(["d0", "d1", "d2"])
        assert [each.query.get("delimiter") for each in served.asked] == ["/"] * 3


@pytest.mark.parametrize("cloud", ["gcs"], indirect=True)
def test_server_is_asked_for_no_more_than_names_where_names_are_all(cloud: str) -> None:
    """What is asked for in detail is whole."""
    with Canned({"d/a": 1, "d/b": 2}).serving() as served:
        fs = served.fs(cloud)
        for call in (lambda: fs.find(BUCKET), lambda: fs.ls(f"{BUCKET}/d", detail=False)):
            served.asked.clear()
            assert len(call()) == 2
            assert "fields" in served.asked[0].query
        for call in (lambda: fs.find(BUCKET, detail=True), lambda: fs.ls(f"{BUCKET}/d", detail=True)):
            served.asked.clear()
            assert len(call()) == 2
            assert "fields" not in served.asked[0].query
        kept = served.fs(cloud, use_listings_cache=True)
        kept.ls(f"{BUCKET}/d", detail=False)
        assert {info["storageClass"] for info in kept.ls(f"{BUCKET}/d", detail=True)} == {"STANDARD"}


@pytest.mark.parametrize("cloud", ["s3", "azure"], indirect=True)
def test_entries_that_are_kept_are_whole(cloud: str) -> None:
    """Also where somebody has asked for names alone."""
    with Canned({"d/a": 1}).serving() as served:
        fs, plain = served.fs(cloud, use_listings_cache=True), served.fs(cloud)
        fs.find(BUCKET)
        fs.ls(f"{BUCKET}/d", detail=False, refresh=True)
        asked = len(served.asked)
        [kept] = fs.ls(f"{BUCKET}/d", detail=True)
        assert len(served.asked) == asked
        [fresh] = plain.ls(f"{BUCKET}/d", detail=True)
        assert {name for name in fresh if name != "content_settings"} <= set(kept)
        assert kept["name"] == fresh["name"]


def test_tree_of_s3_fills_the_cache_of_levels() -> None:
    """As s3fs's does, where listings are kept at all."""
    pytest.importorskip("s3fs")
    with Canned({"a": 1, "d/": 0, "d/b": 2, "d/e/c": 3, "f/": 0}).serving() as served:
        fs, asking = served.fs("s3", use_listings_cache=True), served.fs("s3")
        fs.find(BUCKET)
        asked = len(served.asked)
        known = {path: fs.ls(path, detail=True) for path in [BUCKET, *in_bucket(["d", "d/e"])]}
        assert len(served.asked) == asked
        assert known == {path: asking.ls(path, detail=True) for path in known}
        fs.invalidate_cache(f"{BUCKET}/d/e/c")
        assert fs.ls(f"{BUCKET}/d/e", detail=False) == in_bucket(["d/e/c"])
        assert len(served.asked) == asked + len(known) + 1


@pytest.mark.parametrize("cloud", ["s3", "azure"], indirect=True)
@pytest.mark.parametrize("verb", ["find", "ls"])
def test_page_that_declares_a_document_type_is_an_error(cloud: str, verb: str) -> None:
    """At once: nothing is asked again, and no entity is resolved."""
    laughs = b"<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]><"

    def change(body: bytes) -> bytes:
        return body.replace(b"?><", b"?>" + laughs).replace(b"text/plain", b"&b;")

    with Canned({"d/a": 1}, change=change).serving() as served:
        with pytest.raises(OSError, match=r"document type|is no XML"):
            getattr(served.fs(cloud), verb)(f"{BUCKET}/d")
        assert len(served.asked) == 1


@pytest.mark.parametrize("verb", ["find", "ls"])
def test_listing_that_does_not_end_is_an_error(verb: str, cloud: str) -> None:
    """A server that gives the same token again would be asked for ever."""
    tokens = {
        "s3": (b"false</IsTruncated>", b"true</IsTruncated><NextContinuationToken>61</NextContinuationToken>"),
        "gcs": (b"{", b'{"nextPageToken": "a",'),
        "azure": (b"<NextMarker />", b"<NextMarker>61</NextMarker>"),
    }

    def change(body: bytes) -> bytes:
        return body.replace(*tokens[cloud], 1)

    with Canned({"a/b": 1}, change=change).serving() as served:
        with pytest.raises(OSError, match="same token"):
            getattr(served.fs(cloud), verb)(f"{BUCKET}/a")
        assert len(served.asked) == 2


@pytest.mark.parametrize(
    ("options", "query", "headers"),
    [
        pytest.param({"requester_pays": True}, {}, {"x-amz-request-payer": "requester"}, id="requester_pays"),
        pytest.param({"default_headers": {"x-mine": "1"}}, {}, {"x-mine": "1"}, id="default_headers"),
        pytest.param(
            {"s3_additional_kwargs": {"FetchOwner": True, "ExpectedBucketOwner": "me"}},
            {"fetch-owner": "true"},
            {"x-amz-expected-bucket-owner": "me"},
            id="s3_additional_kwargs",
        ),
    ],
)
def test_listings_of_s3_carry_what_the_client_was_told(
    options: dict[str, Any], query: dict[str, str], headers: dict[str, str]
) -> None:
    """They are requests of boto's client."""
    pytest.importorskip("s3fs")
    with Canned({"d/a": 1}).serving() as served:
        fs = served.fs("s3", **options)
        fs.find(BUCKET)
        fs.ls(f"{BUCKET}/d")
        for asked in served.asked:
            assert query.items() <= asked.query.items()
            assert headers.items() <= {name.lower(): value for name, value in asked.headers.items()}.items()


def test_bare_calls_of_the_client_are_boto_s_own() -> None:
    """Also after a listing by the same client."""
    pytest.importorskip("s3fs")
    with Canned({"d/a é": 1}).serving() as served:
        fs = served.fs("s3")
        fs.find(BUCKET)
        answer = fs.call_s3("list_objects_v2", Bucket=BUCKET)
        assert [item["Key"] for item in answer["Contents"]] == ["d/a é"]
        assert set(answer) == {"ResponseMetadata", "Name", "EncodingType", "IsTruncated", "Contents"}


def test_names_stay_encoded_where_the_caller_asks_for_that() -> None:
    """As s3fs gives them to who calls the client through it; nobody else could know."""
    pytest.importorskip("s3fs")
    with Canned({"d/a é": 1}).serving() as served:
        fs = served.fs("s3", s3_additional_kwargs={"EncodingType": "url"})
        (found,) = fs.call_s3("list_objects_v2", Bucket=BUCKET)["Contents"]
        assert fs.find(BUCKET) == in_bucket(["d/a%20%C3%A9"]) == in_bucket([found["Key"]])


def test_boto_does_not_see_what_was_read() -> None:
    """One of its own handlers would parse the whole page, were it called before ours."""
    pytest.importorskip("s3fs")
    seen: list[int] = []

    def look(response_dict: dict[str, Any], **_: Any) -> None:
        seen.append(len(response_dict["body"]))

    with Canned({f"key-{number}": 1 for number in range(100)}).serving() as served:
        fs = served.fs("s3")
        fs.find(BUCKET)
        fs.connection.sdk.instance().s3.meta.events.register_first("before-parse.s3.*", look)
        assert len(fs.find(BUCKET)) == 100
        assert len(seen) == 1
        assert seen[0] < 1000


def test_object_is_found_among_those_that_begin_as_it_does() -> None:
    """By one small page, however many are beside it."""
    pytest.importorskip("s3fs")
    with Canned({f"d/a{number}": 1 for number in range(50)} | {"d/a": 7}).serving() as served:
        fs = served.fs("s3")
        [found] = fs.ls(f"{BUCKET}/d/a", detail=True)
        assert (found["name"], found["size"], found["StorageClass"]) == (f"{BUCKET}/d/a", 7, "STANDARD")
        assert [each.query.get("max-keys") for each in served.asked] == [None, "1"]
        with pytest.raises(FileNotFoundError):
            fs.ls(f"{BUCKET}/d/", refresh=True) and fs.ls(f"{BUCKET}/d/a4x")


def test_answers_of_servers_are_read_as_boto_reads_them(
    s3_server: Any, s3_bucket: str, observer: Any, cuts: list[bool]
) -> None:
    """And by patterns: each server has an order and a spelling of its own."""
    client = observer(s3_server)
    for key in ("a", "ünï/日本 🎈", "d/a b+c&d<e>'\"%20", "d/", "d/e/f"):
        client.put_object(Bucket=s3_bucket, Key=key, Body=b"1" if key[-1] != "/" else b"", StorageClass="STANDARD")
    fs = S3FileSystem(**s3_server.options)
    told = client.list_objects_v2(Bucket=s3_bucket)["Contents"]
    found = fs.find(s3_bucket, detail=True)
    expected = {
        name: {**item, "Key": name, "name": name, "size": item["Size"], "type": "file"}
        for item in told
        if not (name := f"{s3_bucket}/{item['Key']}").endswith("/")
    }
    assert found == expected
    level = client.list_objects_v2(Bucket=s3_bucket, Prefix="d/", Delimiter="/")
    names = [item["Key"] for item in level["Contents"] if item["Key"] != "d/"]
    names += [item["Prefix"][:-1] for item in level["CommonPrefixes"]]
    assert fs.ls(f"{s3_bucket}/d", detail=False) == sorted(f"{s3_bucket}/{name}" for name in names)
    assert len(cuts) > 1
    assert all(cuts)


def test_answers_of_azurite_are_read_as_the_client_reads_them(
    azure_cloud: Any, cuts: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And by patterns."""
    for key in ("a", "ünï/日本 🎈", "d/a b+c&d<e>'\"%20", "d/e/f"):
        azure_cloud.raw.put(key, b"1")
    fs = azure_cloud.fs()
    fs.pipe_file(azure_cloud.path("m"), b"1", metadata={"one": "1"})

    def told() -> list[Any]:
        found = [*fs.find(azure_cloud.bucket, detail=True).values(), *fs.ls(azure_cloud.path("d"), detail=True)]
        return [
            {name: dict(value) if name == "content_settings" else value for name, value in each.items()}
            for each in found
        ]

    found = told()
    assert len(cuts) > 1
    assert all(cuts)
    monkeypatch.setattr(azure_pages.Pages, "take_items", lambda *_: None)
    assert told() == found
    assert {"one": "1"} in [each.get("metadata") for each in found]


PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "how-listings-are-made.md"
ROWS: Final = re.findall(r"^\| `(.+)` \| (\d+) \| (\d+) \| (\d+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
DOCUMENTED: Final = {
    **{f"flat/part-{number:05d}": 1 for number in range(50_000)},
    **{f"tree/{folder:02d}/part-{number:02d}": 1 for folder in range(20) for number in range(100)},
}


@pytest.fixture(scope="module")
def documented() -> Iterator[Canned]:
    """The bucket of the page in the documentation."""
    with Canned(DOCUMENTED).serving() as served:
        yield served


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_requests_are_those_of_the_documentation(documented: Canned, cloud: str, row: tuple[str, ...]) -> None:
    """Of each row of its table."""
    documented.asked.clear()
    assert eval(row[0], {"fs": documented.fs(cloud)})
    assert len(documented.asked) == int(row[1 + CLOUDS.index(cloud)])


def test_documentation_has_rows() -> None:
    """In the form that the test above looks for."""
    assert len(ROWS) > 10
