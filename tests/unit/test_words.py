"""Attributes and tags of object_store in the peers' words, and back in obstore's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objfs.clouds._words import WriteWords, fit_headers, with_attributes, with_defaults
from objfs.clouds.known import CLOUDS
from objfs.errors import ConflictingOptionsError

HEADERS = [
    "Content-Type",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Storage-Class",
]
each_cloud = pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
text = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=5)
attributes = st.dictionaries(st.sampled_from(HEADERS) | text, text)
WORDS = WriteWords(
    headers={"content-type": ("kind",), "cache-control": ("settings", "cache")},
    metadata="meta",
    tags="labels",
    tags_as_text=True,
)


@each_cloud
@given(attributes=attributes, tags=st.dictionaries(text, text))
def test_way_to_the_peer_and_back_changes_nothing(cloud, attributes, tags):
    """What the peer's keywords say is what the data plane is told."""
    if cloud.words.tags is None:
        tags = {}
    said = with_attributes(cloud.words, {}, attributes, tags)
    assert set(said) <= cloud.data_keywords
    assert cloud.attributes(said) == (attributes, tags)


@each_cloud
def test_every_header_of_object_store_has_a_word(cloud):
    """None of them ends among the metadata."""
    assert set(cloud.words.headers) == {name.lower() for name in HEADERS}


def test_attributes_join_keywords():
    """Also within those that are dicts; what says nothing is replaced."""
    own = {"kind": None, "meta": {"a": "1"}, "settings": {"other": 2}, "acl": "x", "labels": "b=2"}
    said = with_attributes(WORDS, own, {"CONTENT-TYPE": "t", "b": "2", "Cache-Control": "c"}, {"a": "1 &"})
    assert said == {
        "kind": "t",
        "meta": {"a": "1", "b": "2"},
        "settings": {"other": 2, "cache": "c"},
        "acl": "x",
        "labels": "b=2&a=1+%26",
    }
    assert own["meta"] == {"a": "1"}


@pytest.mark.parametrize(
    ("own", "attributes", "tags", "said"),
    [
        ({"kind": "a"}, {"Content-Type": "b"}, None, "kind"),
        ({"settings": {"cache": "a"}}, {"Cache-Control": "b"}, None, r"settings\.cache"),
        ({"meta": {"x": "a"}}, {"x": "b"}, None, r"meta\.x"),
        ({"labels": "x=a"}, None, {"x": "b"}, r"labels\.x"),
        ({}, {"Content-Type": "a", "content-type": "b"}, None, "kind"),
    ],
    ids=["header", "member", "metadata", "tag", "header in two spellings"],
)
def test_contradiction_raises(own, attributes, tags, said):
    """It names the keyword, not the values."""
    with pytest.raises(ConflictingOptionsError, match=said):
        with_attributes(WORDS, own, attributes, tags)
    same = with_attributes(WORDS, {}, attributes and dict(list(attributes.items())[:1]), tags)
    assert with_attributes(WORDS, same, attributes and dict(list(attributes.items())[:1]), tags) == same


def test_tags_of_a_cloud_without_any_are_refused():
    """They would be lost."""
    with pytest.raises(NotImplementedError):
        with_attributes(WriteWords({}, "meta", None), {}, None, {"a": "1"})


def test_defaults_fill_in():
    """What is said stays."""
    own = {"a": 1, "b": {"c": 2}}
    assert with_defaults(own, {"a": 0, "b": {"c": 0, "d": 3}, "e": 4}) == {"a": 1, "b": {"c": 2, "d": 3}, "e": 4}


@pytest.mark.parametrize(
    ("attributes", "fit"),
    [
        ({"Content-Type": "text/plain; x=y", "a-b_c": "1 2"}, True),
        ({"Owner": "me"}, False),
        ({"a b": "1"}, False),
        ({"a": ""}, False),
        ({"a": " 1"}, False),
        ({"a": "1\n2"}, False),
        ({"Cache-Control": "ä"}, False),
    ],
    ids=repr,
)
def test_attributes_fit_headers(attributes, fit):
    """As they are, so that they come back so."""
    assert fit_headers(WORDS, attributes) is fit


def test_capitals_fit_where_the_service_drops_them():
    """On S3 both planes store them in lower case."""
    assert fit_headers(WriteWords({}, "meta", None, lower_case=True), {"Owner": "me"})
