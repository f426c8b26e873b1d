"""objfs.peers.azure_pages: whatever a page of a listing looks like, it says what the blob client reads in it."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("azure.storage.blob")

from azure.core.pipeline.transport import AsyncHttpResponse, AsyncHttpTransport
from azure.storage.blob.aio import ContainerClient

from objfs.peers.azure_listing import Listing
from objfs.peers.azure_pages import Pages

CONTAINER: Final = "container"
NAMES: Final = ["a", "d/", "a//b", "/x", "ünï/日本 🎈", "a b+c&d<e>'\"%20", "</Blob>", "\x7f"]


class Answer(AsyncHttpResponse):
    """An answer with a body; where it is frozen, nobody can put another in its place."""

    def __init__(self, request: Any, content: bytes, *, frozen: bool) -> None:
        super().__init__(request, None)
        self.status_code, self.reason, self.content_type = 200, "OK", "application/xml"
        self.headers = dict.fromkeys(("Content-Type", "content-type"), self.content_type)
        self._content, self._sent, self._frozen = content, content, frozen

    def body(self) -> bytes:
        """The bytes of the answer."""
        return self._sent if self._frozen else self._content


class Transport(AsyncHttpTransport):
    """Answers every request alike."""

    def __init__(self, content: bytes, *, frozen: bool = False) -> None:
        self._content, self._frozen = content, frozen
        self.answers: list[Answer] = []

    async def send(self, request: Any, **_: Any) -> Answer:
        """The answer."""
        self.answers.append(Answer(request, self._content, frozen=self._frozen))
        return self.answers[-1]

    async def open(self) -> None:
        """Nothing is open."""

    async def close(self) -> None:
        """Nothing is open."""

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    @property
    def was_cut(self) -> bool:
        """Whether the client read less than was sent."""
        return self.answers[-1].body() != self._content


class PagesOfTheClient(Pages):
    """Pages without our hand in them."""

    def take_items(self, response: Any) -> None:
        """Nothing is taken."""


def read(transport: Transport, kind: type[Pages] = Pages, *, level: bool = False, names_only: bool = False) -> Any:
    """All that a page says: blobs and prefixes in the order of names, and the token of the next page."""
    listing = Listing(CONTAINER, versions=True, names_only=names_only)

    async def ask() -> Any:
        async with ContainerClient("http://host/account", CONTAINER, transport=transport) as client:
            pages = kind(client.walk_blobs if level else client.list_blobs, CONTAINER, listing.keys)
            return await pages.ask()

    page, token = asyncio.run(ask())
    blobs = sorted(page.blobs(listing.blob), key=lambda each: str(each["name"]))
    for each in blobs:
        if "content_settings" in each:
            each["content_settings"] = dict(each["content_settings"])
    return blobs, sorted(page.prefixes()), token


def check(body: bytes, *, cut: bool, level: bool = False) -> None:
    """Compare what is read of a page with our hand in it and without, and whether we had a hand in it."""
    transport = Transport(body)
    assert read(transport, level=level) == read(Transport(body), PagesOfTheClient, level=level)
    assert transport.was_cut == cut
    thin = read(Transport(body), names_only=True, level=level)
    whole = read(Transport(body), PagesOfTheClient, level=level)
    assert [{name: each[name] for name in ("name", "size", "type")} for each in whole[0]] == thin[0]


PROPERTIES: Final = {
    "Creation-Time": "Sat, 03 Feb 2024 04:05:06 GMT",
    "Last-Modified": "Sun, 04 Feb 2024 04:05:06 GMT",
    "Etag": "0x8DC0B4B6C4E4E50",
    "Content-Length": "1",
    "Content-Type": "text/plain",
    "Content-Encoding": "",
    "Content-Language": "",
    "Content-CRC64": "",
    "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
    "Cache-Control": "no-cache",
    "Content-Disposition": "",
    "BlobType": "BlockBlob",
    "AccessTier": "Hot",
    "AccessTierInferred": "true",
    "LeaseStatus": "unlocked",
    "LeaseState": "available",
    "ServerEncrypted": "true",
}


def element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else f"<{name} />"


def item(name: str, metadata: dict[str, str] | None = None, *, more: str = "", **properties: str) -> str:
    """A blob as Azure describes it."""
    members = {**PROPERTIES, **{key.replace("_", "-"): value for key, value in properties.items()}}
    inner = "".join(element(key, value) for key, value in members.items())
    told = "".join(element(key, value) for key, value in (metadata or {}).items())
    described = "" if metadata is None else f"<Metadata>{told}</Metadata>" if told else "<Metadata />"
    return f"<Blob>{element('Name', name)}{more}<Properties>{inner}</Properties>{described}<OrMetadata /></Blob>"


def page(*items: str, between: str = "") -> bytes:
    """A page of a listing."""
    head = '<EnumerationResults ServiceEndpoint="http://host/account/" ContainerName="container"><Prefix>x</Prefix>'
    blobs = between.join(["<Blobs>", *items, "</Blobs>"])
    text = f'\ufeff<?xml version="1.0" encoding="utf-8"?>{head}{blobs}<NextMarker>2!the&amp;token</NextMarker>'
    return f"{text}</EnumerationResults>".encode()


def prefix(name: str) -> str:
    return f"<BlobPrefix>{element('Name', name)}</BlobPrefix>"


FEW: Final = "<Properties><Content-Length>7</Content-Length><BlobType>BlockBlob</BlobType></Properties>"
ALL: Final = [item(name, {}) for name in NAMES]
READ: Final = {
    "azure": page(*ALL),
    "indented": page(*ALL, between="\n  "),
    "metadata": page(item("a", {"one": "1", "two": "é<"}), item("b", {"one": ""}), item("c")),
    "directories": page(item("d", {"hdi_isfolder": "true"}), item("e", {"Hdi_IsFolder": "True"}), item("f", {})),
    "version": page(item("a", more="<VersionId>2024-01-01</VersionId><IsCurrentVersion>true</IsCurrentVersion>")),
    "deleted": page(item("a", more="<Deleted>false</Deleted>", DeletedTime=PROPERTIES["Creation-Time"])),
    "tags-are-counted": page(item("a", TagCount="3", LastAccessTime=PROPERTIES["Last-Modified"])),
    "retention": page(item("a", RemainingRetentionDays="7"), item("b", RemainingRetentionDays="")),
    "quotes-in-the-etag": page(item("a", Etag='"0x8"')),
    "few-properties": page(f"<Blob><Name>a</Name>{FEW}</Blob>"),
    "what-nobody-knows": page(item("a", more="<Snapshot /><New><Thing>1</Thing></New>")),
    "references": page(item("a").replace("<Name>a<", "<Name>&#x41;&#66;&#10;<")),
}
LEFT: Final = {
    "nothing": page(),
    "encoded-name": page(item("a").replace("<Name>a<", f'<Name Encoded="true">{quote(chr(0xFFFE))}<')),
    "archived": page(item("a", ArchiveStatus="rehydrate-pending-to-hot")),
    "tags": page(item("a", more="<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags>")),
    "time-of-another-kind": page(item("a", Last_Modified="Sun, 04 Feb 2024 04:05:06 +0100")),
    "comment": page(*ALL, "<!-- <Blob></Blob> -->"),
    "other-elements-between": page(ALL[0], "<Other />", ALL[1]),
}


@pytest.mark.parametrize("shape", READ)
def test_page_of_this_shape_is_read_without_the_client(shape: str) -> None:
    """What the service sends, and what else is well defined."""
    check(READ[shape], cut=True)


@pytest.mark.parametrize("shape", LEFT)
def test_page_of_this_shape_is_left_to_the_client(shape: str) -> None:
    """Where a pattern might read something else than a parser, or the client more than we do."""
    check(LEFT[shape], cut=False)


def test_blobs_and_prefixes_of_a_level_come_in_one_order() -> None:
    """Azure has one between the others."""
    check(page(ALL[0], prefix("b/"), ALL[2], prefix("ü /"), prefix("&//")), cut=True, level=True)
    check(page(prefix("b/")), cut=True, level=True)
    more = "<Properties><Creation-Time>Sat, 03 Feb 2024 04:05:06 GMT</Creation-Time></Properties></BlobPrefix>"
    check(page(prefix("b/").replace("</BlobPrefix>", more)), cut=True, level=True)


XML_TEXT: Final = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12
).filter(lambda text: not {"\ufffe", "\uffff"} & set(text))
METADATA: Final = st.dictionaries(st.sampled_from(["a", "b_1", "hdi_isfolder"]), XML_TEXT | st.just("true"), max_size=3)


@settings(deadline=None)
@given(
    blobs=st.dictionaries(
        XML_TEXT,
        st.tuples(
            st.none() | METADATA,
            st.fixed_dictionaries(
                {},
                optional={
                    "Content_Type": XML_TEXT,
                    "Cache_Control": XML_TEXT,
                    "Content_Length": st.integers(0, 10**15).map(str),
                    "Content_MD5": st.just(""),
                    "Etag": XML_TEXT,
                },
            ),
        ),
        max_size=6,
    )
)
def test_any_blobs_are_read_as_the_client_reads_them(blobs: dict[str, Any]) -> None:
    """Whatever their names and other texts."""
    check(page(*[item(name, told[0], **told[1]) for name, told in blobs.items()]), cut=bool(blobs))


def test_nothing_is_there_twice_where_the_page_cannot_be_replaced() -> None:
    """In an answer whose bytes are kept elsewhere than we know."""
    body = READ["azure"]
    assert read(Transport(body, frozen=True)) == read(Transport(body), PagesOfTheClient)


def test_page_that_declares_a_document_type_is_refused() -> None:
    """Before any parser sees it."""
    laughs = b"<!DOCTYPE x [<!ENTITY a 'ha'>]><EnumerationResults "
    with pytest.raises(OSError, match="document type"):
        read(Transport(page(item("&a;")).replace(b"<EnumerationResults ", laughs)))
