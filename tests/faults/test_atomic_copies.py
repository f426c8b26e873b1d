"""A copy in parts is of one state of the object, or none; what fails leaves no part behind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from objfs.errors import PreconditionFailedError
from objfs.peers import s3_vocabulary
from tests.clouds import CloudUnderTest
from tests.faults.fault_proxy import Exchange, Rule
from tests.faults.ways import OLD, Bench, bench

pytestmark = pytest.mark.parametrize("cloud", ["s3"], indirect=True)
PIECE = 5 << 20
FIRST, SECOND = b"1" * (2 * PIECE + 3), b"2" * (2 * PIECE + 3)
WAYS: dict[str, dict[str, Any]] = {"long": {}, "with-its-parts": {"preserve_etag": True}}


@dataclass
class Replaced:
    """Replaces what is copied after its first part; notes on which condition each part was copied."""

    on: Bench
    conditions: list[str | None] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> bool:
        found = re.search(rb"(?im)^x-amz-copy-source-if-match: (.*)\r$", exchange.request.raw)
        self.conditions.append(found and found[1].decode())
        if len(self.conditions) > 1 and found:
            # Which moto does not compare.
            body = b"<Error><Code>PreconditionFailed</Code><Message>it was replaced</Message></Error>"
            exchange.send(b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return True
        answer = exchange.forward()
        self.on.cloud.raw.put("source", SECOND)
        return exchange.spare(answer)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few bytes are many parts, one after the other."""
    monkeypatch.setattr(s3_vocabulary, "_PART_BYTES", PIECE)
    monkeypatch.setattr(s3_vocabulary, "_PARTS_AT_A_TIME", 1)


def _write(on: Bench) -> str:
    on.fs.pipe_file(on.cloud.path("source"), FIRST, chunksize=PIECE, ContentType="text/x-odd", Metadata={"owner": "me"})
    return str(on.fs.info(on.cloud.path("source"))["ETag"])


@pytest.mark.parametrize("way", WAYS)
def test_copy_in_parts_does_not_mix_two_states(cloud: CloudUnderTest, way: str, tmp_path: Path) -> None:
    """Each part is copied on the condition that the object is still the one that was asked about."""
    with bench(cloud, "sdk", tmp_path) as on:
        state, target = _write(on), on.old("target")
        replaced = Replaced(on)
        with on.under(Rule(replaced, "^PUT .*partNumber=")), pytest.raises(PreconditionFailedError):
            on.fs.cp_file(cloud.path("source"), target, **WAYS[way])
        assert replaced.conditions == [state, state]
        assert on.seen("target") == (OLD, [])


@pytest.mark.parametrize("way", WAYS)
def test_copy_in_parts_that_fails_leaves_no_part(cloud: CloudUnderTest, way: str, tmp_path: Path) -> None:
    """The upload is aborted."""
    with bench(cloud, "sdk", tmp_path) as on:
        _write(on)
        target = on.old("target")
        with on.under(Rule(Exchange.reset, "^PUT .*partNumber=2")) as rule, pytest.raises(OSError):
            on.fs.cp_file(cloud.path("source"), target, **WAYS[way])
        assert rule.hits
        assert on.seen("target") == (OLD, [])


ASKED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "metadata": {"MetadataDirective": "REPLACE", "ContentType": "text/x-new"},
    "other-metadata": {"MetadataDirective": "REPLACE", "ContentType": "text/x-new", "Metadata": {"n": "2"}},
    "no-tags": {"TaggingDirective": "REPLACE"},
    "other-tags": {"TaggingDirective": "REPLACE", "Tagging": "a=b"},
    "all": {"MetadataDirective": "REPLACE", "ContentType": "text/x-new", "TaggingDirective": "REPLACE"},
    "no-directive": {"ContentType": "text/x-new", "Metadata": {"n": "2"}},
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("way", WAYS)
def test_copy_in_parts_is_as_a_copy_by_one_request(
    cloud: CloudUnderTest, way: str, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content type, metadata and tags come along, unless the directives say that they are replaced."""
    with bench(cloud, "sdk", tmp_path) as on:
        _write(on)
        on.fs.put_tags(cloud.path("source"), {"k": "v"})
        on.fs.cp_file(cloud.path("source"), cloud.path("parts"), **ASKED[asked], **WAYS[way])
        monkeypatch.setattr(s3_vocabulary, "_PART_BYTES", 1 << 30)
        on.fs.cp_file(cloud.path("source"), cloud.path("plain"), **ASKED[asked])
        is_new = asked in ("metadata", "other-metadata", "all")
        for name in ("parts", "plain"):
            assert cloud.raw.get(name) == FIRST
            assert cloud.raw.head(name)["content_type"] == ("text/x-new" if is_new else "text/x-odd")
        assert cloud.raw.head("parts") == cloud.raw.head("plain")
        expected = {"no-tags": {}, "all": {}, "other-tags": {"a": "b"}}.get(asked, {"k": "v"})
        assert on.fs.get_tags(cloud.path("parts")) == on.fs.get_tags(cloud.path("plain")) == expected
