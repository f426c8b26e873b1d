"""objfs.clouds.gcs_urls: paths, URLs and hosts of GCS, row by row."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from objfs.clouds._cloud import ParsedUrl
from objfs.clouds.gcs_urls import (
    API_HOSTS,
    parse_gcs_url,
    split_gcs_path,
    split_version,
    url_keywords,
    with_version,
)
from objfs.errors import UrlError
from objfs.types import Location

API = "https://storage.googleapis.com"
MTLS = "https://storage.mtls.googleapis.com"
# A signature and a password that no message may show.
SIGNATURE = "5ca1ab1e5ca1ab1e"
PASSWORD = "hunter2"

ODD_KEYS = [
    "dir/key",
    "dir/",
    "dir//",
    "/key",
    "//key",
    "a//b",
    "/",
    ".",
    "..",
    "a/../b",
    "./a",
    "a?b=c&d",
    "a#b",
    "a#",
    "#",
    "a?generation=x",
    "a?generation=",
    "a?generation=1&x=2",
    "a?versionId=V",
    "a#12x",
    "a# 12",
    "a#-12",
    "a#١٢",
    "a%20b%2Fc",
    "a%2312",
    "100%",
    "a+b c",
    " ",
    "tab\tnew\nline",
    "é/日本/\U0001f600",
    "user:pw@host:80/x",
    "gs://inner/key",
    "gs::inner",
]


@pytest.mark.parametrize(
    ("path", "bucket", "key"),
    [
        pytest.param("gs://bucket/key", "bucket", "key", id="gs"),
        pytest.param("gcs://bucket/key", "bucket", "key", id="gcs"),
        pytest.param("GS://Bucket/Key", "Bucket", "Key", id="scheme-in-upper-case"),
        pytest.param("gs::bucket/key", "bucket", "key", id="chained-scheme"),
        pytest.param("gcs::bucket/key", "bucket", "key", id="chained-gcs"),
        pytest.param("bucket/key", "bucket", "key", id="bare"),
        pytest.param("/bucket/key", "bucket", "key", id="leading-slash"),
        pytest.param("//bucket/key", "bucket", "key", id="leading-slashes"),
        pytest.param("gs:///bucket/key", "bucket", "key", id="leading-slash-after-the-scheme"),
        pytest.param("bucket", "bucket", "", id="bucket"),
        pytest.param("gs://bucket/", "bucket", "", id="bucket-with-slash"),
        pytest.param("gs://", "", "", id="root-with-scheme"),
        pytest.param("", "", "", id="root"),
        pytest.param("/", "", "", id="root-slash"),
        pytest.param("gs://domain.named.bucket/key", "domain.named.bucket", "key", id="domain-named"),
        pytest.param("gs://bucket_1/key", "bucket_1", "key", id="underscore"),
    ],
)
def test_split_gcs_path_splits_at_the_first_slash(path: str, bucket: str, key: str) -> None:
    """A scheme and slashes before the bucket go away; nothing else does."""
    assert split_gcs_path(path) == Location(bucket, key)


@pytest.mark.parametrize("prefix", ["", "gs://", "gcs://"])
@pytest.mark.parametrize("key", [*ODD_KEYS, "a#12", "a?generation=12"])
def test_split_gcs_path_keeps_keys_opaque(prefix: str, key: str) -> None:
    """No key is decoded, cut or normalised; a generation is for `split_version`."""
    assert split_gcs_path(f"{prefix}bucket/{key}") == Location("bucket", key)


@given(bucket=st.sampled_from(["bucket", "domain.named.bucket"]), key=st.text())
def test_path_and_split_gcs_path_round_trip(bucket: str, key: str) -> None:
    """Any key survives joining and splitting, with and without a scheme."""
    location = Location(bucket, key)
    assert split_gcs_path(with_version(location)) == location
    assert split_gcs_path(f"gs://{with_version(location)}") == location


@given(key=st.text(min_size=1), generation=st.integers(min_value=0).map(str))
def test_with_version_and_split_version_round_trip(key: str, generation: str) -> None:
    """A generation survives joining and splitting, unless the key itself ends in one of the other kind."""
    assume(split_version(Location("bucket", key)) == Location("bucket", key) or "?generation=" not in key)
    location = Location("bucket", key, generation)
    assert split_version(split_gcs_path(with_version(location))) == location


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_parse_gcs_url_decodes_what_a_client_encodes(key: str) -> None:
    """The key of an https URL is the one that was quoted, in both APIs."""
    expected = ParsedUrl(Location("bucket", key), {"base_url": API})
    assert parse_gcs_url(f"{API}/bucket/{quote(key, safe='')}") == expected
    assert parse_gcs_url(f"{API}/storage/v1/b/bucket/o/{quote(key, safe='')}") == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("k#12", Location("b", "k", "12"), id="fragment"),
        pytest.param("k?generation=12", Location("b", "k", "12"), id="query"),
        pytest.param("k?generation=7#12", Location("b", "k", "12"), id="fragment-over-query"),
        pytest.param("k/#12", Location("b", "k/", "12"), id="after-a-slash"),
        pytest.param("k#a#12", Location("b", "k#a", "12"), id="last-mark-counts"),
        pytest.param("k\n#12", Location("b", "k\n", "12"), id="newline"),
        pytest.param("k", Location("b", "k"), id="none"),
        pytest.param("", Location("b"), id="no-key"),
    ],
)
def test_split_version_cuts_a_generation_off(key: str, expected: Location) -> None:
    """In the forms of gcsfs."""
    assert split_version(Location("b", key)) == expected


@pytest.mark.parametrize("key", ODD_KEYS)
def test_split_version_leaves_other_keys_alone(key: str) -> None:
    """Generations are of digits only; everything else is part of the key."""
    assert split_version(Location("b", key)) == Location("b", key)


def test_split_version_leaves_a_known_version_alone() -> None:
    """A key that was already split may end in a number."""
    location = Location("b", "k#12", "7")
    assert split_version(location) is location


@pytest.mark.parametrize("key", [*ODD_KEYS, "a#12", "a?generation=12", "k?generation=7#12"])
def test_split_version_agrees_with_gcsfs(key: str) -> None:
    """But for what gcsfs reads as a number though it has a sign or blanks, or cuts off beside the generation."""
    core = pytest.importorskip("gcsfs.core")
    bucket, theirs, generation = core.GCSFileSystem._split_path(f"bucket/{key}", version_aware=True)
    if key in ("a# 12", "a#-12", "a#١٢", "a?generation=1&x=2"):
        assert generation is not None
        return
    assert split_version(Location("bucket", key)) == Location(bucket, theirs, generation)


@pytest.mark.parametrize(
    ("url", "keywords"),
    [
        ("gs://b/k#12", {"url_options": {"version_aware": True}}),
        ("gcs://b/k?generation=12", {"url_options": {"version_aware": True}}),
        ("gs://b/k#part", {}),
        ("gs://b/k", {}),
        ("gs://b#12", {}),
        ("gs://", {}),
    ],
)
def test_url_keywords_turn_version_aware_on(url: str, keywords: dict[str, Any]) -> None:
    """Through fsspec's URL openers, as gcsfs does it, by one private keyword."""
    assert url_keywords(url) == keywords


GOOGLE = {"base_url": API}

# url, bucket, options; each URL names the key "dir/key".
URL_FORMS = [
    pytest.param("gs://bucket/dir/key", "bucket", {}, id="gs"),
    pytest.param("gcs://bucket/dir/key", "bucket", {}, id="gcs"),
    pytest.param("GS://bucket/dir/key", "bucket", {}, id="scheme-in-upper-case"),
    pytest.param("gs://domain.named.bucket/dir/key", "domain.named.bucket", {}, id="gs-domain-named"),
    pytest.param(f"{API}/bucket/dir/key", "bucket", GOOGLE, id="path-style"),
    pytest.param(f"{API}/domain.named.bucket/dir/key", "domain.named.bucket", GOOGLE, id="path-style-domain-named"),
    pytest.param("https://STORAGE.googleapis.COM/Bucket/dir/key", "Bucket", GOOGLE, id="host-in-upper-case"),
    pytest.param(f"{API}:443/bucket/dir/key", "bucket", GOOGLE, id="default-port"),
    pytest.param("http://storage.googleapis.com/bucket/dir/key", "bucket", GOOGLE, id="http"),
    pytest.param("https://bucket.storage.googleapis.com/dir/key", "bucket", GOOGLE, id="bucket-in-host"),
    pytest.param(
        "https://domain.named.bucket.storage.googleapis.com/dir/key", "domain.named.bucket", GOOGLE, id="dots-in-host"
    ),
    pytest.param("https://commondatastorage.googleapis.com/bucket/dir/key", "bucket", GOOGLE, id="old-host"),
    pytest.param("https://bucket.commondatastorage.googleapis.com/dir/key", "bucket", GOOGLE, id="bucket-in-old-host"),
    pytest.param("https://storage.cloud.google.com/bucket/dir/key", "bucket", GOOGLE, id="browser"),
    pytest.param(f"{MTLS}/bucket/dir/key", "bucket", {"base_url": MTLS}, id="mtls"),
    pytest.param(f"{MTLS}/storage/v1/b/bucket/o/dir%2Fkey", "bucket", {"base_url": MTLS}, id="mtls-json"),
    pytest.param(
        "https://storage.me-central2.rep.googleapis.com/bucket/dir/key",
        "bucket",
        {"base_url": "https://storage.me-central2.rep.googleapis.com"},
        id="regional",
    ),
    pytest.param(f"{API}/storage/v1/b/bucket/o/dir%2Fkey", "bucket", GOOGLE, id="json"),
    pytest.param(f"{API}/storage/v1/b/bucket/o/dir/key", "bucket", GOOGLE, id="json-with-a-slash"),
    pytest.param(f"{API}/download/storage/v1/b/bucket/o/dir%2Fkey", "bucket", GOOGLE, id="json-download"),
    pytest.param("https://www.googleapis.com/storage/v1/b/bucket/o/dir%2Fkey", "bucket", GOOGLE, id="json-old-host"),
    pytest.param(
        "https://www.googleapis.com/download/storage/v1/b/bucket/o/dir%2Fkey", "bucket", GOOGLE, id="json-old-download"
    ),
]


@pytest.mark.parametrize(("url", "bucket", "options"), URL_FORMS)
def test_parse_gcs_url_reads_every_form(url: str, bucket: str, options: dict[str, Any]) -> None:
    """Bucket, key and the server that the host names."""
    assert parse_gcs_url(url) == ParsedUrl(Location(bucket, "dir/key"), options)


@pytest.mark.parametrize(("url", "bucket", "options"), URL_FORMS)
def test_parse_gcs_url_reads_a_generation_of_every_form(url: str, bucket: str, options: dict[str, Any]) -> None:
    """``?generation=`` is kept, and turns version_aware on."""
    expected = ParsedUrl(Location(bucket, "dir/key", "12"), {**options, "version_aware": True})
    assert parse_gcs_url(f"{url}?generation=12") == expected


@pytest.mark.parametrize("scheme", ["gs", "gcs"])
def test_parse_gcs_url_reads_a_generation_in_the_fragment(scheme: str) -> None:
    """Of the URLs that gcsfs knows."""
    expected = ParsedUrl(Location("bucket", "key", "12"), {"version_aware": True})
    assert parse_gcs_url(f"{scheme}://bucket/key#12") == expected


@pytest.mark.parametrize("key", ODD_KEYS)
def test_parse_gcs_url_keeps_keys_of_gs_urls_opaque(key: str) -> None:
    """Queries and fragments of gs:// URLs belong to the key, and nothing is decoded."""
    assert parse_gcs_url(f"gs://bucket/{key}") == ParsedUrl(Location("bucket", key))


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        pytest.param("a%20b", "a b", id="space"),
        pytest.param("a%2Fb", "a/b", id="slash"),
        pytest.param("a%252Fb", "a%2Fb", id="once-only"),
        pytest.param("a+b", "a+b", id="plus"),
        pytest.param("a%3Fb%23c", "a?b#c", id="question-mark-and-hash"),
        pytest.param("a%2312", "a#12", id="encoded-generation-is-key"),
        pytest.param("a%3Fgeneration=12", "a?generation=12", id="encoded-query-is-key"),
        pytest.param("%C3%A9", "é", id="utf-8"),
        pytest.param("dir/", "dir/", id="trailing-slash"),
        pytest.param("a//b", "a//b", id="empty-segments"),
        pytest.param("a/../b/.", "a/../b/.", id="dots"),
        pytest.param("", "", id="bucket-only"),
    ],
)
@pytest.mark.parametrize(
    "start",
    [
        f"{API}/bucket/",
        "https://bucket.storage.googleapis.com/",
        f"{API}/storage/v1/b/bucket/o/",
        f"{API}/download/storage/v1/b/bucket/o/",
    ],
    ids=["path-style", "host", "json", "download"],
)
def test_parse_gcs_url_decodes_keys_of_https_urls_once(start: str, encoded: str, key: str) -> None:
    """In every form alike."""
    assert parse_gcs_url(f"{start}{encoded}") == ParsedUrl(Location("bucket", key), GOOGLE)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("", Location("")),
        ("/", Location("")),
        ("/bucket", Location("bucket")),
        ("/storage/v1/b", Location("")),
        ("/storage/v1/b/bucket", Location("bucket")),
        ("/storage/v1/b/bucket/o", Location("bucket")),
        ("/upload/storage/v1/b/bucket/o", Location("bucket")),
        ("/upload/storage/v1/b/bucket/o?uploadType=media&name=dir%2Fkey", Location("bucket", "dir/key")),
        ("/storage/v1/b/bucket/o/k?alt=media&prettyPrint=false", Location("bucket", "k")),
        ("/storage/other", Location("storage", "other")),
        ("/storage/v1/x", Location("storage", "v1/x")),
        ("/download/key", Location("download", "key")),
    ],
)
def test_parse_gcs_url_reads_paths_of_both_apis(path: str, location: Location) -> None:
    """Buckets, the root, and uploads; what is no path of the JSON API is a bucket and a key."""
    assert parse_gcs_url(API + path) == ParsedUrl(location, GOOGLE)


@pytest.mark.parametrize(
    "url", [f"{API}/bucket/key?userProject=p", f"{API}/storage/v1/b/bucket/o/key?alt=media&userProject=p"]
)
def test_parse_gcs_url_reads_who_pays(url: str) -> None:
    """As an option of the instance."""
    assert parse_gcs_url(url) == ParsedUrl(Location("bucket", "key"), {**GOOGLE, "requester_pays": "p"})


def test_parse_gcs_url_drops_which_account_a_browser_uses() -> None:
    """It is there in every URL that is copied from one."""
    expected = ParsedUrl(Location("bucket", "key"), GOOGLE)
    assert parse_gcs_url("https://storage.cloud.google.com/bucket/key?authuser=0") == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://storage.example.cloud/bucket/dir/key",
        "https://bucket.storage.example.cloud/dir/key",
        "https://storage.example.cloud/storage/v1/b/bucket/o/dir%2Fkey",
    ],
)
def test_parse_gcs_url_knows_the_hosts_of_a_universe_that_is_named(url: str) -> None:
    """And of no other: any server may be called storage."""
    expected = ParsedUrl(Location("bucket", "dir/key"), {"base_url": "https://storage.example.cloud"})
    assert parse_gcs_url(url, universe_domain="Example.cloud") == expected
    with pytest.raises(UrlError, match="universe_domain="):
        parse_gcs_url(url)
    with pytest.raises(UrlError, match="not a known GCS host"):
        parse_gcs_url(url, universe_domain="other.cloud")


REFUSED = [
    pytest.param("s3://bucket/key", "not a GCS URL", id="other-cloud"),
    pytest.param("bucket/key", "write gs://", id="bare-path"),
    pytest.param(f"gs://user:{PASSWORD}@bucket/key", "credentials.*options", id="gs-user-and-password"),
    pytest.param(f"gs://{PASSWORD}@bucket/key", "credentials.*options", id="gs-user"),
    pytest.param(f"gs://user:{PASSWORD}/x@bucket/key", "neither a port nor credentials", id="gs-slash-in-the-password"),
    pytest.param("gs://bucket:9000/key", "endpoint_url=", id="gs-port"),
    pytest.param(f"https://user:{PASSWORD}@storage.googleapis.com/b/k", "credentials", id="https-user-and-password"),
    pytest.param(f"{API}/user:{PASSWORD}@bucket/key", "credentials", id="path-style-user"),
    pytest.param(f"{API}/storage/v1/b/user:{PASSWORD}@bucket/o/key", "credentials", id="json-user"),
    pytest.param(
        "https://fake.example:4443/bucket/key", r"gs://.*endpoint_url='https://fake\.example:4443'", id="other-host"
    ),
    pytest.param("http://127.0.0.1:4443/bucket/key", r"endpoint_url='http://127\.0\.0\.1:4443'", id="loopback"),
    pytest.param(f"{API}:8443/bucket/key", "not a known GCS host", id="api-port"),
    pytest.param(f"{API}.evil.example/bucket/key", "not a known GCS host", id="lookalike"),
    pytest.param("https://evilstorage.googleapis.com/bucket/key", "not a known GCS host", id="lookalike-service"),
    pytest.param("https://bigquery.googleapis.com/bucket/key", "write gs://", id="other-service"),
    pytest.param("https://www.googleapis.com/drive/v3/files", "not a known GCS host", id="other-api"),
    pytest.param("https://console.cloud.google.com/storage/browser/bucket", "write gs://", id="console"),
    pytest.param("https://bucket.s3.amazonaws.com/key", "not a known GCS host", id="aws"),
    pytest.param(f"{API}//bucket/key", "no bucket", id="empty-bucket"),
    pytest.param(f"{API}/bucket%2Fkey", "no bucket", id="encoded-slash-in-the-bucket"),
    pytest.param(f"{API}/storage/v1/b/bucket%2Fx/o/key", "no bucket", id="json-encoded-slash-in-the-bucket"),
    pytest.param(f"{API}/bucket/caf%E9", "UTF-8", id="key-not-utf-8"),
    pytest.param(f"{API}/bucket/key#part", "%23", id="fragment"),
    pytest.param(f"{API}/bucket/key#12", "generation=NUMBER", id="numeric-fragment"),
    pytest.param(f"{API}/bucket/key?acl", r"\(acl\)", id="subresource"),
    pytest.param(f"{API}/bucket?prefix=a", r"\(prefix\)", id="listing"),
    pytest.param(f"{API}/bucket/key?alt=media", r"\(alt\)", id="json-parameter-of-the-xml-api"),
    pytest.param(f"{API}/bucket/key?authuser=0", r"\(authuser\)", id="browser-parameter-elsewhere"),
    pytest.param(f"{API}/bucket/key?generation=1&partNumber=1", "partnumber", id="generation-and-more"),
    pytest.param(f"{API}/bucket/key?generation=", "generation", id="empty-generation"),
    pytest.param(f"{API}/bucket/key?generation=x", "no number", id="generation-of-letters"),
    pytest.param(f"{API}/bucket/key?generation=1&generation=2", "generation", id="two-generations"),
    pytest.param(f"{API}/bucket?generation=1", "key is missing", id="generation-of-a-bucket"),
    pytest.param(f"{API}/upload/storage/v1/b/bucket/o/key", "name=KEY", id="upload-of-a-path"),
    pytest.param(f"{API}/storage/v1/b/bucket/o?name=key", r"\(name\)", id="name-that-is-no-upload"),
    pytest.param(
        f"{API}/bucket/key?X-Goog-Credential={PASSWORD}&X-Goog-Signature={SIGNATURE}",
        "signed URL.*http filesystem",
        id="signed",
    ),
    pytest.param(
        f"{API}/bucket/key?GoogleAccessId={PASSWORD}&Expires=1&Signature={SIGNATURE}",
        "signed URL.*http filesystem",
        id="signed-version-2",
    ),
    pytest.param(f"{API}/bucket/key?X-Amz-Signature={SIGNATURE}", "signed URL", id="signed-with-hmac"),
    pytest.param(f"https://b.storage.googleapis.com/k?X%2DGoog-Signature={SIGNATURE}#f", "signed", id="encoded-name"),
    pytest.param(f"https://fake.example/b/k?X-Goog-Signature={SIGNATURE}", "not a known", id="signed-other-host"),
    pytest.param(f"{API}/storage/v1/b/b/o/k?access_token={PASSWORD}", "holds credentials", id="access-token"),
    pytest.param(f"{API}/storage/v1/b/b/o/k?key={PASSWORD}", "holds credentials", id="api-key"),
    pytest.param(f"{API}/upload/storage/v1/b/b/o?upload_id={PASSWORD}", "holds credentials", id="upload-session"),
]


@pytest.mark.parametrize(("url", "says"), REFUSED)
def test_parse_gcs_url_refuses_and_says_what_to_do(url: str, says: str) -> None:
    """The message names the way out and holds no password or signature."""
    with pytest.raises(UrlError, match=says) as caught:
        parse_gcs_url(url)
    assert PASSWORD not in str(caught.value)
    assert SIGNATURE not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param(f"{API}/bucket/key", r"from_url\(\)", id="https"),
        pytest.param(f"http://user:{PASSWORD}@host/key", r"from_url\(\)", id="http-user"),
        pytest.param("s3://bucket/key", "not a GCS URL", id="other-cloud"),
        pytest.param("bucket:9000/key", "endpoint_url=", id="bare-port"),
        pytest.param(f"user:{PASSWORD}@bucket/key", "credentials", id="bare-user-and-password"),
        pytest.param(f"user:p@{PASSWORD}@bucket/key", "credentials", id="bare-at-sign-in-the-password"),
        pytest.param("gs://gcs://bucket/key", "not a bucket", id="scheme-in-the-bucket"),
    ],
)
def test_split_gcs_path_refuses_what_is_no_bucket(path: str, says: str) -> None:
    """Only the bucket part is checked, and the message holds no password."""
    with pytest.raises(UrlError, match=says) as caught:
        split_gcs_path(path)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("storage.googleapis.com", True),
        ("bucket.storage.googleapis.com", True),
        ("storage.mtls.googleapis.com", True),
        ("storage.cloud.google.com", True),
        ("storage.me-central2.rep.googleapis.com", True),
        ("www.googleapis.com", True),
        ("bigquery.googleapis.com", False),
        ("storage.example.cloud", False),
        ("storage.googleapis.com.evil.example", False),
    ],
)
def test_api_hosts_are_those_of_gcs_alone(host: str, own: bool) -> None:
    """A URL there that is refused is no web page's, either."""
    assert bool(re.fullmatch(API_HOSTS, host)) is own
