"""The one rule: which plane carries out a call, and why."""

from __future__ import annotations

import re

import pytest

from objfs.clouds.s3 import S3
from objfs.errors import EngineError, MissingExtraError
from objfs.planes import DATA_VERBS, SDK_VERBS, Call, Circumstances, Plane, choose
from objfs.types import Location

OBJECT = Location("bucket", "folder/key")


def _around(**changes) -> Circumstances:
    plain = {
        "engine": "auto",
        "extra": "s3",
        "write_keywords": S3.data_keywords,
        "refusal": lambda _: None,
        "forked": False,
        "sdk_installed": True,
        "refreshable": lambda: False,
    }
    return Circumstances(**{**plain, **changes})


def _call(verb, *locations, keywords=()) -> Call:
    return Call(verb, locations or (OBJECT,), frozenset(keywords))


@pytest.mark.parametrize("verb", sorted(DATA_VERBS))
def test_choose_gives_plain_calls_to_the_data_plane(verb):
    """An ordinary key, no keywords: obstore can do it exactly."""
    assert choose(_call(verb), _around()).plane is Plane.DATA


@pytest.mark.parametrize("verb", sorted(set(SDK_VERBS) - {"upload"}))
def test_choose_gives_verbs_that_obstore_lacks_to_the_sdk(verb):
    """Each with the reason that the table has for it."""
    decision = choose(_call(verb), _around())
    assert (decision.plane, decision.reason) == (Plane.SDK, SDK_VERBS[verb])


def test_choose_gives_unknown_verbs_to_the_sdk():
    """What is in no table is something that only s3fs has."""
    assert choose(_call("restore"), _around()).reason == "only the SDK has this call"


@pytest.mark.parametrize(
    ("call", "changes", "reason"),
    [
        pytest.param(_call("read", Location("b", "a//b")), {}, "cannot name the key 'a//b'", id="double-slash"),
        pytest.param(_call("read", Location("b", "/a")), {}, "cannot name the key '/a'", id="leading-slash"),
        pytest.param(_call("read", Location("b", "a/")), {}, "cannot name the key 'a/'", id="trailing-slash"),
        pytest.param(_call("read", Location("b", "a/../b")), {}, "cannot name the key 'a/../b'", id="dot-dot"),
        pytest.param(_call("head", Location("b", "./a")), {}, "cannot name the key './a'", id="dot"),
        pytest.param(_call("write", Location("b", "a\nb")), {}, r"cannot name the key 'a\\nb'", id="control-character"),
        pytest.param(
            _call("copy", OBJECT, Location("bucket", "to/")), {}, "cannot name the key 'to/'", id="target-of-a-copy"
        ),
        pytest.param(_call("read", Location("b", "k", "v1")), {}, "a version was named", id="version"),
        pytest.param(_call("read", keywords=["SSECustomerKey"]), {}, "no word for SSECustomerKey", id="keyword"),
        pytest.param(_call("write", keywords=["ACL", "ContentType"]), {}, "no word for ACL", id="one-keyword-of-two"),
        pytest.param(_call("upload", keywords=["create"]), {}, "no conditional multipart upload", id="create-upload"),
        pytest.param(_call("upload", keywords=["if_match"]), {}, "no conditional multipart", id="if-match-upload"),
        pytest.param(
            _call("copy", OBJECT, Location("other", "k")), {}, "from one bucket to another", id="copy-across-buckets"
        ),
        pytest.param(
            _call("read"), {"refusal": lambda bucket: f"{bucket} is an ARN"}, "bucket is an ARN", id="settings"
        ),
        pytest.param(_call("read"), {"forked": True}, r"does not survive fork\(\)", id="forked"),
        pytest.param(_call("read"), {"engine": "sdk"}, "engine='sdk' was asked for", id="engine-sdk"),
        pytest.param(
            _call("upload"), {"refreshable": lambda: True}, "again with new credentials", id="upload-with-a-provider"
        ),
    ],
)
def test_choose_says_why_a_call_goes_to_the_sdk(call, changes, reason):
    """The reason is the same in the decision and in the errors of those who cannot use the SDK."""
    decision = choose(call, _around(**changes))
    assert decision.plane is Plane.SDK
    assert re.search(reason, decision.reason)
    if "engine" in changes:
        return
    if "refreshable" not in changes:  # a preference only
        with pytest.raises(EngineError, match=reason):
            choose(call, _around(**changes, engine="obstore"))
        with pytest.raises(MissingExtraError, match=reason) as caught:
            choose(call, _around(**changes, sdk_installed=False))
        assert "objfs[s3]" in str(caught.value)


@pytest.mark.parametrize("key", ["a b", "ä/日本", "a?b#c%20+d&e=f", "a.b/..c/...", "a\\b", "~", "*[x]{y}^|"])
def test_choose_leaves_unusual_but_nameable_keys_on_the_data_plane(key):
    """Only slashes at the ends, empty and dot segments and control characters are beyond obstore."""
    assert choose(_call("read", Location("b", key)), _around()).plane is Plane.DATA


@pytest.mark.parametrize("keyword", sorted(S3.data_keywords))
def test_choose_leaves_writes_with_attributes_on_the_data_plane(keyword):
    """Content headers, metadata, storage class, tags and conditions of a single put have words in obstore."""
    assert choose(_call("write", keywords=[keyword]), _around()).plane is Plane.DATA


@pytest.mark.parametrize("changes", [{"engine": "obstore"}, {"sdk_installed": False}], ids=["obstore", "no-sdk"])
def test_choose_uploads_by_obstore_with_a_provider_when_the_sdk_is_out(changes):
    """That such an upload is s3fs's is a preference, not a need."""
    assert choose(_call("upload"), _around(refreshable=lambda: True, **changes)).plane is Plane.DATA


def test_choose_names_spawn_when_a_forked_child_has_no_sdk():
    """Both ways out are in the message."""
    with pytest.raises(MissingExtraError, match=r"'spawn' instead of 'fork', or pip install 'objfs\[s3\]'"):
        choose(_call("read"), _around(forked=True, sdk_installed=False))


def test_choose_does_not_ask_for_credentials_of_calls_that_are_no_uploads():
    """Finding out whether credentials can be replaced may cost something."""

    def unexpected():
        raise AssertionError

    assert choose(_call("read"), _around(refreshable=unexpected)).plane is Plane.DATA
