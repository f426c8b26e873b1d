"""Any text as a URL, a path or an option: an error of ours or a place inside the bucket and the prefix."""

from __future__ import annotations

import contextlib
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import objfs
from objfs.clouds.known import cloud_for
from objfs.errors import ObjfsError, UrlError
from objfs.options import Layer, Origin, environment_layer, translate
from tests.clouds import CLOUDS
from tests.faults.canaries import NOWHERE, SCHEMES

# What means something in a URL or a path, and anything else.
PIECES: Final = st.one_of(
    st.sampled_from(
        [
            *(
                "/",
                "//",
                "..",
                ".",
                "?",
                "#",
                "@",
                ":",
                "%2F",
                "%2e%2e",
                "%",
                "&",
                "=",
                "[",
                "]",
                "\\\\",
                "\n",
                "\0",
                "::",
            ),
            *("versionId=", "generation=", "sig=", "X-Amz-Signature=", "bucket", "key", "container", "account"),
            *("s3.amazonaws.com", ".dfs.core.windows.net", "storage.googleapis.com", "arn:aws:s3:::b", "localhost:80"),
        ]
    ),
    st.text(max_size=4),
)
TEXTS: Final = st.lists(PIECES, max_size=8).map("".join)
URL_SCHEMES: Final = [
    "s3",
    "s3a",
    "gs",
    "gcs",
    "az",
    "abfs",
    "abfss",
    "wasb",
    "adl",
    "http",
    "https",
    "S3",
    "s3+ddb",
    "x",
]
URLS: Final = st.builds("{}://{}".format, st.sampled_from(URL_SCHEMES), TEXTS)
VALUES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXTS,
    st.binary(max_size=8),
    st.lists(TEXTS, max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
    st.just("{"),
    st.just('{"a": ['),
    st.just("9" * 5000),
    st.just('{"a":' * 20_000),
    st.just(1e300),
)


@given(url=URLS)
def test_any_url_is_parsed_or_refused(url: str) -> None:
    """By the clouds' own parsers and paths."""
    for cloud in (cloud_for(scheme) for scheme in SCHEMES.values()):
        for read in (cloud.parse_url, cloud.split, cloud.strip):
            with contextlib.suppress(UrlError):
                read(url)


@pytest.mark.parametrize("cloud", CLOUDS)
@given(bucket=st.from_regex(r"[a-z0-9][a-z0-9\-]{1,20}[a-z0-9]", fullmatch=True), key=TEXTS)
def test_path_of_a_location_leads_back_to_it(cloud: str, bucket: str, key: str) -> None:
    """With and without the scheme; whatever the key, the bucket is the same."""
    known = cloud_for(SCHEMES[cloud])
    for path in (f"{bucket}/{key}", f"{SCHEMES[cloud]}://{bucket}/{key}"):
        try:
            location = known.split(path)
        except UrlError:
            # Azure's keys have no "." and ".." segments.
            continue
        assert location.bucket == bucket
        assert known.split(location.path) == location


@pytest.mark.parametrize("cloud", CLOUDS)
@given(prefix=st.sampled_from(["", "a", "a/b", "..", "a//b"]), path=TEXTS)
@settings(deadline=None)
def test_no_path_leaves_its_prefix(cloud: str, prefix: str, path: str) -> None:
    """Below a prefix of a bucket each path is one that begins with it, in the same bucket; keys are opaque."""
    try:
        fs, _ = objfs.from_url(f"{SCHEMES[cloud]}://bucket", prefix=prefix, **NOWHERE[cloud], anon=True)
        joined = fs._join(path)
        location = fs.fs.connection.split(joined)
    except UrlError:
        return
    start = prefix.strip("/")
    assert location.bucket == "bucket"
    assert f"{location.key}/".startswith(f"{start}/" if start else "")


@pytest.mark.parametrize("cloud", CLOUDS)
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_value_of_any_option_is_taken_or_refused(cloud: str, data: Any) -> None:
    """By an OptionError that names the option; from each layer."""
    known = cloud_for(SCHEMES[cloud])
    names = st.one_of(st.sampled_from(sorted(known.table.index)), TEXTS)
    values = data.draw(st.dictionaries(names, VALUES, max_size=3))
    origin = data.draw(st.sampled_from([Origin.KEYWORD, Origin.URL, Origin.FSSPEC_CONFIG, Origin.CONFIG_FILE]))
    with contextlib.suppress(ObjfsError):
        known.resolve(translate(known.table, [Layer(origin, values)]))


@pytest.mark.parametrize("cloud", CLOUDS)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_environment_is_taken_or_refused(cloud: str, data: Any) -> None:
    """Its variables are texts."""
    known = cloud_for(SCHEMES[cloud])
    variables = sorted({name for row in known.table.options for name in row.env})
    environ = data.draw(st.dictionaries(st.sampled_from(variables), st.one_of(TEXTS, st.just("9" * 5000)), max_size=4))
    with contextlib.suppress(ObjfsError):
        known.resolve(translate(known.table, [environment_layer(known.table, environ)]))
