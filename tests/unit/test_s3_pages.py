"""objfs.peers.s3_pages and xml_items: whatever a page of a listing looks like, it says what boto reads in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("aiobotocore")

import botocore.session
from botocore.handlers import decode_list_object_v2
from botocore.parsers import ResponseParserError, create_parser

from objfs.peers import xml_items
from objfs.peers.s3_pages import Listed, take_items, taking
from objfs.sdk_objects import kind_of

BUCKET: Final = "bucket"
NAMESPACE: Final = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
PROLOG: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
KEYS: Final = [
    "a",
    "d/",
    "a//b",
    "/x",
    "ünï/日本 🎈",
    "a b+c&d<e>'\"%20",
    "100%",
    "tab\there",
    "line\nbreak",
    "\x01\x1f",
    "./..",
    "</Contents>",
    "&amp;",
]


@cache
def operation() -> Any:
    """What boto knows of the call."""
    return botocore.session.get_session().get_service_model("s3").operation_model("ListObjectsV2")


def read(response: dict[str, Any], more: dict[str, Any]) -> Listed:
    """A page as boto's client hands it over."""
    parsed = create_parser("rest-xml").parse(response, operation().output_shape)
    parsed.update(more)
    decode_list_object_v2(parsed, {"encoding_type_auto_set": True})
    return Listed(BUCKET, parsed)


@dataclass(frozen=True)
class Reading:
    """What a page says, in the order of names."""

    entries: list[dict[str, Any]]
    directories: list[dict[str, Any]]
    token: str | None
    kinds: list[tuple[str, str]]
    names: list[dict[str, Any]]


def told(page: Listed) -> Reading:
    """All that can be asked of a page."""

    def in_order(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(entries, key=lambda each: str(each["name"]))

    thin = [{name: each[name] for name in ("name", "size", "type")} for each in page.entries(names_only=True)]
    return Reading(
        in_order(page.entries()), in_order(page.directories()), page.token, sorted(page.kinds()), in_order(thin)
    )


def by_boto(body: bytes) -> Reading:
    """What the page says by boto's parser alone."""
    return told(read({"body": body, "headers": {}, "status_code": 200}, {}))


def by_objfs(body: bytes) -> tuple[Reading, bool]:
    """What the page says with our hand in it, and whether its items were cut out."""
    response = {"body": body, "headers": {}, "status_code": 200}
    more: dict[str, Any] = {}
    with taking():
        take_items(operation(), response, more)
    return told(read(response, more)), response["body"] != body


def fields(key: str, size: int = 1, **others: str) -> dict[str, str]:
    """An object as AWS describes it."""
    return {
        "Key": key,
        "LastModified": "2024-02-03T04:05:06.000Z",
        "ETag": f'"{abs(hash(key)):032x}"',
        "Size": str(size),
        "StorageClass": "STANDARD",
        **others,
    }


def element(name: str, text: str, quotes: str = "&quot;") -> str:
    inner = escape(text, {'"': quotes})
    return f"<{name}>{inner}</{name}>"


def item(told: dict[str, str], *, encode: Callable[[str], str] = str, between: str = "", quotes: str = "&quot;") -> str:
    """An object in XML; nested elements have a name with a slash."""
    parts: dict[str, str] = {}
    for name, value in told.items():
        outer, _, inner = name.rpartition("/")
        text = element(inner, encode(value) if name == "Key" else value, quotes)
        parts[outer or inner] = parts.get(outer, "") + text
    whole = [f"<{name}>{text}</{name}>" if name not in told else text for name, text in parts.items()]
    return f"<Contents>{between}{between.join(whole)}{between}</Contents>"


def page(*items: str, encoded: bool = True, more: str = "", prolog: str = PROLOG, between: str = "") -> bytes:
    """A page of a listing."""
    encoding = "<EncodingType>url</EncodingType>" if encoded else ""
    head = f"<ListBucketResult {NAMESPACE}><Name>b</Name><Prefix></Prefix>{encoding}<IsTruncated>true</IsTruncated>"
    token = "<NextContinuationToken>the&amp;token=</NextContinuationToken>"
    return f"{prolog}{head}{token}{between.join([*items, more])}</ListBucketResult>".encode()


def prefixes(*names: str, encode: Callable[[str], str] = quote) -> str:
    return "".join(f"<CommonPrefixes>{element('Prefix', encode(name))}</CommonPrefixes>" for name in names)


AWS: Final = [item(fields(key), encode=quote) for key in KEYS]
CHECKED: Final = {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"}
OWNED: Final = {"Owner/ID": "abc", "Owner/DisplayName": ""}
READ: Final = {
    "aws": page(*AWS, more=prefixes("d/", "ü+ /")),
    "minio": page(*[item(fields(key), encode=quote_plus, quotes="&#34;") for key in KEYS]),
    "moto": page(*[item(fields(key), encode=quote, between="\n      ") for key in KEYS], between="\n    "),
    "checksums-of-some": page(*AWS, *[item(fields(f"n{n}", **CHECKED), encode=quote) for n in range(3)], *AWS[:1]),
    "owner": page(item({**fields("a"), **OWNED}), item(fields("b"))),
    "part-of-an-owner": page(item(fields("a", **{"Owner/ID": "abc"}))),
    "no-storage-class": page(item({name: value for name, value in fields("a").items() if name != "StorageClass"})),
    "empty-elements": page(item(fields("a")).replace("<StorageClass>STANDARD</StorageClass>", "<StorageClass />")),
    "another-order": page(item(dict(reversed(fields("a").items()))), item(fields("b"))),
    "what-boto-does-not-know": page(item(fields("a", Type="Normal", **{"UserMetadata/x": "1"}))),
    "not-encoded": page(*[item(fields(key)) for key in ("a&b", "a<b>c", "+%41 ü")], encoded=False),
    "references": page(item(fields("a")).replace("<Key>a</Key>", "<Key>&#x41;&#66;&lt;&#10;</Key>"), encoded=False),
    "prefixes": page(prefixes("a/", "b//", "%25/")),
    "one-prefix-between": page(AWS[0], prefixes("d/"), AWS[1]),
    "what-stands-between-keys": page(*[item(fields(key), encode=quote) for key in ("a\0b", "c%", "é", "\0")]),
    "blank-as-plus": page(item(fields("a b"), encode=quote_plus)),
    "no-prolog": page(*AWS, prolog=""),
    "byte-order-mark": page(*AWS, prolog="\ufeff" + PROLOG),
    "no-fraction-of-seconds": page(item(fields("a", LastModified="2024-02-03T04:05:06Z"))),
}
ONE: Final = item(fields("a"))
TWO_OWNERS: Final = "<Owner><ID>a</ID></Owner><Owner><DisplayName>b</DisplayName></Owner>"
LEFT: Final = {
    "nothing": page(),
    "comment": page(*AWS, more="<!-- <Contents></Contents> -->"),
    "cdata": page(ONE.replace("<Key>a</Key>", "<Key><![CDATA[<Contents>]]></Key>")),
    "instruction": page(*AWS).replace(b"<Name>", b"<?php <Contents> ?><Name>"),
    "comment-around": page(f"<!-- {ONE} -->"),
    "cdata-around": page(f"<![CDATA[ {ONE} ]]>"),
    "instruction-around": page(f"<?php {ONE} ?>"),
    "attribute": page(ONE.replace("<Key>", "<Key Encoded='no'>")),
    "attribute-of-an-item": page(AWS[0], ONE.replace("<Contents>", "<Contents a='1'>")),
    "a-blank-in-a-tag": page(ONE.replace("</Key>", "</Key >")),
    "prefix-of-a-namespace": page(ONE.replace("Key>", "x:Key>")).replace(b" xmlns", b" xmlns:x='y' xmlns"),
    "two-owners": page(ONE.replace("</Contents>", f"{TWO_OWNERS}</Contents>")),
    "two-algorithms": page(ONE.replace("</Key>", "</Key>" + "<ChecksumAlgorithm>SHA1</ChecksumAlgorithm>" * 2)),
    "restoring": page(item(fields("a", **{"RestoreStatus/IsRestoreInProgress": "true"}))),
    "time-of-another-kind": page(item(fields("a", LastModified="Sat, 03 Feb 2024 04:05:06 GMT"))),
    "time-in-few-words": page(item(fields("a", LastModified="20240203T040506Z"))),
    "time-without-a-zone": page(item(fields("a", LastModified="2024-02-03T04:05:06"))),
    "latin-1": page(AWS[0], prolog='<?xml version="1.0" encoding="ISO-8859-1"?>'),
    "carriage-return": page(ONE.replace("<Key>a</Key>", "<Key>a\r\nb\rc</Key>"), encoded=False),
    "another-root": page(*AWS).replace(b"ListBucketResult", b"Listing"),
    "other-elements-between": page(AWS[0], "<Delimiter>/</Delimiter>", AWS[1]),
    "many-shapes": page(*[item(fields(str(n), **{f"Extra{n}": "1"})) for n in range(50)]),
    "many-elements": page(item(fields("a", **{f"Extra{n}": "1" for n in range(500)}))),
    "a-long-key": page(item(fields("k" * 1_000_000))),
}


@pytest.mark.parametrize("shape", READ)
def test_page_of_this_shape_is_read_without_boto(shape: str) -> None:
    """What each kind of server sends, and what else is well defined."""
    found, was_cut = by_objfs(READ[shape])
    assert found == by_boto(READ[shape])
    assert was_cut


@pytest.mark.parametrize("shape", LEFT)
def test_page_of_this_shape_is_left_to_boto(shape: str) -> None:
    """Where a pattern might read something else than a parser, or boto more than we do."""
    found, was_cut = by_objfs(LEFT[shape])
    assert found == by_boto(LEFT[shape])
    assert not was_cut


TEXT: Final = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
XML_TEXT: Final = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12).filter(
    lambda text: not {"\ufffe", "\uffff"} & set(text)
)
OBJECTS: Final = st.fixed_dictionaries(
    {
        "Key": TEXT,
        "LastModified": st.datetimes().map(lambda time: f"{time.replace(year=2024):%Y-%m-%dT%H:%M:%S.%f}"[:23] + "Z"),
        "ETag": XML_TEXT.map(lambda text: f'"{text}"'),
        "Size": st.integers(0, 10**15).map(str),
    },
    optional={
        "StorageClass": st.sampled_from(["STANDARD", "GLACIER", ""]),
        "ChecksumAlgorithm": st.sampled_from(["CRC32", "SHA1"]),
        "ChecksumType": st.sampled_from(["COMPOSITE", "FULL_OBJECT"]),
        "Owner/ID": XML_TEXT,
        "Owner/DisplayName": XML_TEXT,
        "Type": st.just("Normal"),
    },
)


@given(
    objects=st.lists(OBJECTS, max_size=8, unique_by=lambda each: each["Key"]),
    folders=st.lists(TEXT, max_size=3),
    encode=st.sampled_from([quote, quote_plus, lambda key: quote(key, safe="")]),
    between=st.sampled_from(["", "\n  ", "\t"]),
    quotes=st.sampled_from(["&quot;", "&#34;", "&#x22;", '"']),
)
def test_any_objects_are_read_as_boto_reads_them(
    objects: list[dict[str, str]], folders: list[str], encode: Callable[[str], str], between: str, quotes: str
) -> None:
    """Whatever their keys and other texts, however they are spelled."""
    items = [item(each, encode=encode, between=between, quotes=quotes) for each in objects]
    body = page(*items, more=prefixes(*folders, encode=encode), between=between)
    found, was_cut = by_objfs(body)
    assert found == by_boto(body)
    assert was_cut == bool(objects or folders)


@given(
    shape=st.sampled_from(sorted(READ)),
    place=st.floats(0, 1),
    length=st.integers(0, 4),
    put=st.sampled_from(
        [*"<>&;/ '\"\r\n\0x0-", "", "<x/>", "<Contents>", "</Contents>", "<Key>", "&lt;", "&#0;", "<!--"]
    ),
)
def test_damaged_page_is_read_as_boto_reads_it_or_not_at_all(shape: str, place: float, length: int, put: str) -> None:
    """Where boto can read it; nothing is promised of what is no XML, but for a page that ends too early."""
    body = READ[shape]
    at = int(place * len(body))
    body = body[:at] + put.encode() + body[at + length :]
    try:
        expected = by_boto(body)
    except (ResponseParserError, ValueError, KeyError, OSError):
        return
    assert by_objfs(body)[0] == expected


@pytest.mark.parametrize("shape", ["aws", "moto", "prefixes", "owner"])
def test_page_that_ends_too_early_is_refused(shape: str) -> None:
    """As boto refuses it, and asks again."""
    body = READ[shape]
    for stop in range(1, len(body) - 1, 7):
        with pytest.raises(ResponseParserError):
            by_objfs(body[:stop])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(page(ONE.replace("<Key>a", f"<Key>{text}")), id=text)
        for text in ("&", "& ", "&unknown;", "&#0;", "&#x1F;", "&#xD800;", "&#x110000;", "&#99999999;", "&#x;", "&lt")
    ]
    + [
        pytest.param(page(*AWS, prefixes("d/")).replace(b"</Contents>", b"</CommonPrefixes>", 1), id="another-end"),
        pytest.param(page(*AWS).replace(b"K", b"\xff", 1), id="no-utf-8"),
    ],
)
def test_page_that_is_no_xml_is_refused(body: bytes) -> None:
    """What boto cannot read is not guessed."""
    for reads in (by_boto, by_objfs):
        with pytest.raises(ResponseParserError):
            reads(body)


LAUGHS: Final = "<!DOCTYPE x [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n + 1} '{f'&a{n};' * 10}'>" for n in range(9))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(page(item(fields("&a9;")), prolog=f"{PROLOG}{LAUGHS}]>"), id="entities-that-grow"),
        pytest.param(page(*AWS, prolog="<!DOCTYPE x SYSTEM 'http://host/dtd'>"), id="somewhere-else"),
        pytest.param(page(prolog="<!DOCTYPE x>"), id="no-objects"),
    ],
)
def test_page_that_declares_a_document_type_is_refused(body: bytes) -> None:
    """Before any parser sees it."""
    with pytest.raises(OSError, match="document type") as raised:
        by_objfs(body)
    assert raised.value.errno is not None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(page("<Contents>" * 50_000), id="begins"),
        pytest.param(page("</Contents>" * 50_000), id="ends"),
        pytest.param(page("<Contents>" + "<a>" * 50_000 + "</a>" * 50_000 + "</Contents>"), id="deep"),
        pytest.param(page("<Contents>" + "<a></a>" * 50_000 + "</Contents>"), id="wide"),
        pytest.param(page("<" * 200_000 + "<Contents></Contents>"), id="angles"),
        pytest.param(page(item(fields("a")).replace("<Key>a", "<Key>" + "&amp;" * 200_000)), id="references"),
        pytest.param(page(*[f"<Contents>{' ' * n}<a{n}/></Contents>" for n in range(2_000)]), id="shapes"),
        pytest.param(page("<Contents " + "a='b' " * 50_000 + "></Contents>"), id="attributes"),
        pytest.param(page("<a " * 50_000 + "<Contents></Contents>"), id="tags-without-end"),
    ],
)
def test_page_that_is_made_to_take_long_is_soon_done_with(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pattern is made of it, and none goes over the text more than a few times."""
    compiled: list[str] = []
    compile_ = xml_items.re.compile
    monkeypatch.setattr(
        xml_items.re, "compile", lambda text, *flags: (compiled.append(text), compile_(text, *flags))[1]
    )
    try:
        expected = by_boto(body)
    except (ResponseParserError, KeyError) as error:
        with pytest.raises(type(error)):
            by_objfs(body)
    else:
        assert by_objfs(body)[0] == expected
    assert sum(map(len, compiled)) < 100_000


def test_calls_of_others_get_what_boto_reads() -> None:
    """The handler leaves pages alone that objfs has not asked for, and answers that are no success."""
    for status, allowed in ((200, False), (500, True), (307, True)):
        response: dict[str, Any] = {"body": READ["aws"], "headers": {}, "status_code": status}
        more: dict[str, Any] = {}
        with taking(allowed=allowed):
            take_items(operation(), response, more)
        assert (response["body"], more) == (READ["aws"], {})


def test_markers_are_told_from_files_by_name_and_size() -> None:
    """With our hand in it and without."""
    body = page(*[item(fields(key, size)) for key in ("d/", "f", "d/e/") for size in (0, 1)], encoded=False)
    found, _ = by_objfs(body)
    assert sorted(found.kinds) == sorted((each["name"], kind_of(each)) for each in found.entries)
    assert found.kinds == by_boto(body).kinds
    assert ("bucket/d/", "marker") in found.kinds
    assert ("bucket/f", "file") in found.kinds


def test_listing_that_goes_on_without_a_token_is_an_error() -> None:
    """It would end too early without a word."""
    body = READ["aws"].replace(b"NextContinuationToken", b"NextToken")
    with pytest.raises(OSError, match="not how"):
        by_objfs(body)


def test_last_page_has_no_token() -> None:
    """Whatever else it says."""
    assert by_objfs(READ["aws"].replace(b"true", b"false"))[0].token is None
