"""objfs.clouds.s3_urls: paths, URLs and hosts of S3, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from objfs.clouds import s3_forms
from objfs.clouds._cloud import ParsedUrl
from objfs.clouds._forms import KEY
from objfs.clouds.s3_urls import is_arn, parse_s3_url, split_s3_path, split_version, unsplit
from objfs.errors import UrlError
from objfs.types import Location

ACCESS_POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint"
OUTPOST = "arn:aws:s3-outposts:us-west-2:123456789012:outpost"
OBJECT_LAMBDA = "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint"
ARNS = [
    f"{ACCESS_POINT}/name",
    f"{ACCESS_POINT}:name",
    "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap",
    "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/name",
    "arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint:name",
    f"{OUTPOST}/op-01ac5d28a6a232904/accesspoint/name",
    f"{OUTPOST}:op-01ac5d28a6a232904:accesspoint:name",
    f"{OUTPOST}/op-01ac5d28a6a232904/bucket/name",
    f"{OBJECT_LAMBDA}/name",
    f"{OBJECT_LAMBDA}:name",
]
ACCOUNT = "0123456789abcdef0123456789abcdef"
R2 = "r2.cloudflarestorage.com"
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
    "a%20b%2Fc",
    "100%",
    "a+b c",
    " ",
    "tab\tnew\nline",
    "é/日本/\U0001f600",
    "user:pw@host:80/x",
    "s3://inner/key",
    "s3::inner",
    "k?versionId=V",
]


@pytest.mark.parametrize(
    ("path", "bucket", "key"),
    [
        pytest.param("s3://bucket/key", "bucket", "key", id="s3"),
        pytest.param("s3a://bucket/key", "bucket", "key", id="s3a"),
        pytest.param("s3n://bucket/key", "bucket", "key", id="s3n"),
        pytest.param("S3://Bucket/Key", "Bucket", "Key", id="scheme-in-upper-case"),
        pytest.param("s3::bucket/key", "bucket", "key", id="chained-scheme"),
        pytest.param("bucket/key", "bucket", "key", id="bare"),
        pytest.param("/bucket/key", "bucket", "key", id="leading-slash"),
        pytest.param("//bucket/key", "bucket", "key", id="leading-slashes"),
        pytest.param("s3:///bucket/key", "bucket", "key", id="leading-slash-after-the-scheme"),
        pytest.param("bucket", "bucket", "", id="bucket"),
        pytest.param("s3://bucket/", "bucket", "", id="bucket-with-slash"),
        pytest.param("s3://", "", "", id="root-with-scheme"),
        pytest.param("", "", "", id="root"),
        pytest.param("/", "", "", id="root-slash"),
        pytest.param("s3://my.dotted.bucket/key", "my.dotted.bucket", "key", id="dotted"),
        pytest.param("s3://bkt--usw2-az1--x-s3/key", "bkt--usw2-az1--x-s3", "key", id="directory-bucket"),
        pytest.param("s3://alias-s3alias/key", "alias-s3alias", "key", id="access-point-alias"),
    ],
)
def test_split_s3_path_splits_at_the_first_slash(path: str, bucket: str, key: str) -> None:
    """A scheme and slashes before the bucket go away; nothing else does."""
    assert split_s3_path(path) == Location(bucket, key)


@pytest.mark.parametrize("prefix", ["", "s3://", "s3a://"])
@pytest.mark.parametrize("key", ODD_KEYS)
def test_split_s3_path_keeps_keys_opaque(prefix: str, key: str) -> None:
    """No key is decoded, cut or normalised."""
    assert split_s3_path(f"{prefix}bucket/{key}") == Location("bucket", key)


@pytest.mark.parametrize("prefix", ["", "/", "s3://"])
@pytest.mark.parametrize("key", ["", *ODD_KEYS])
@pytest.mark.parametrize("arn", ARNS)
def test_split_s3_path_takes_an_arn_as_bucket(prefix: str, key: str, arn: str) -> None:
    """The whole ARN is the bucket, whichever separators it is written with."""
    location = split_s3_path(f"{prefix}{arn}/{key}")
    assert location == Location(arn, key)
    assert is_arn(location.bucket)
    assert split_s3_path(prefix + arn) == Location(arn)


@given(bucket=st.sampled_from(["bucket", "my.dotted.bucket", *ARNS]), key=st.text())
def test_unsplit_and_split_s3_path_round_trip(bucket: str, key: str) -> None:
    """Any key survives joining and splitting, with and without a scheme."""
    location = Location(bucket, key)
    assert split_s3_path(unsplit(location)) == location
    assert split_s3_path(f"s3://{unsplit(location)}") == location


@given(key=st.text(min_size=1), version=st.text(min_size=1))
def test_unsplit_and_split_version_round_trip(key: str, version: str) -> None:
    """A version survives joining and splitting, unless the key holds the mark itself."""
    assume("?versionId=" not in key)
    location = Location("bucket", key, version)
    assert split_version(split_s3_path(unsplit(location))) == location


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("k?versionId=V", Location("b", "k", "V"), id="version"),
        pytest.param("k/?versionId=V", Location("b", "k/", "V"), id="after-a-slash"),
        pytest.param("k?versionId=V?versionId=W", Location("b", "k", "V?versionId=W"), id="first-mark-counts"),
        pytest.param("k?versionId=V&x=1", Location("b", "k", "V&x=1"), id="all-that-follows"),
        pytest.param("k?versionId=", Location("b", "k"), id="empty-version-is-cut-off"),
        pytest.param("k?x=1&versionId=V", Location("b", "k?x=1&versionId=V"), id="not-the-first-parameter"),
        pytest.param("k?versionid=V", Location("b", "k?versionid=V"), id="other-case"),
        pytest.param("k", Location("b", "k"), id="none"),
        pytest.param("", Location("b"), id="no-key"),
    ],
)
def test_split_version_cuts_at_the_first_mark(key: str, expected: Location) -> None:
    """The cases of s3fs's own partition."""
    assert split_version(Location("b", key)) == expected


def test_split_version_leaves_a_known_version_alone() -> None:
    """A key that was already split may hold the mark."""
    location = Location("b", "k?versionId=V", "W")
    assert split_version(location) is location


def region(name: str, **more: Any) -> dict[str, Any]:
    return {"region": name, **more}


DUALSTACK = {"use_dualstack_endpoint": True}
FIPS = {"use_fips_endpoint": True}
CN = {"region": "cn-north-1", "endpoint": "https://s3.cn-north-1.amazonaws.com.cn"}
EU = region("eu-west-1")
KNOWN = [
    form for form in s3_forms.URL_FORMS if form.location and (form.location.key, form.location.version) == (KEY, None)
]

# url, bucket, options; each URL names the key "dir/key". The rows of the reference, and what is too odd for it.
URL_FORMS = [
    *[pytest.param(form.url, form.location.bucket, form.options, id=form.url) for form in KNOWN],
    *[pytest.param(f"s3://{arn}/dir/key", arn, {}, id=arn) for arn in ARNS],
    pytest.param("https://s3.eu-west-1.amazonaws.com/my.bucket/dir/key", "my.bucket", EU, id="path-style-dotted"),
    pytest.param("https://BUCKET.S3.EU-WEST-1.amazonaws.COM/dir/key", "bucket", EU, id="virtual-upper-case"),
    pytest.param(
        "https://x.s3.us-east-1.s3.eu-west-1.amazonaws.com/dir/key",
        "x.s3.us-east-1",
        {**EU, "virtual_hosted_style_request": False},
        id="virtual-bucket-like-a-host",
    ),
    pytest.param(
        "https://s3-fips-us-gov-west-1.amazonaws.com/bucket/dir/key",
        "bucket",
        region("us-gov-west-1") | FIPS,
        id="legacy-fips",
    ),
    pytest.param(
        "https://s3-fips.dualstack.us-east-2.amazonaws.com/bucket/dir/key",
        "bucket",
        region("us-east-2") | FIPS | DUALSTACK,
        id="fips-dualstack",
    ),
    pytest.param(
        "https://my-name-123456789012.s3-accesspoint.us-west-2.amazonaws.com/dir/key",
        f"{ACCESS_POINT}/my-name",
        region("us-west-2"),
        id="access-point-host-with-a-hyphen",
    ),
    pytest.param("http://s3.cn-north-1.amazonaws.com.cn/bucket/dir/key", "bucket", CN, id="http-china"),
    pytest.param("https://s3.eu-west-1.amazonaws.com:443/bucket/dir/key", "bucket", EU, id="default-port"),
    pytest.param(
        f"https://{ACCOUNT.upper()}.{R2}/bucket/dir/key",
        "bucket",
        region("auto", endpoint=f"https://{ACCOUNT}.{R2}"),
        id="r2-upper-case",
    ),
]


@pytest.mark.parametrize(("url", "bucket", "options"), URL_FORMS)
def test_parse_s3_url_reads_every_form(url: str, bucket: str, options: dict[str, Any]) -> None:
    """Bucket, key and the options that the host implies."""
    assert parse_s3_url(url) == ParsedUrl(Location(bucket, "dir/key"), options)


@pytest.mark.parametrize(("url", "bucket", "options"), URL_FORMS)
def test_parse_s3_url_reads_a_version_of_every_form(url: str, bucket: str, options: dict[str, Any]) -> None:
    """``?versionId=V`` is kept, and turns version_aware on."""
    expected = ParsedUrl(Location(bucket, "dir/key", "V.1"), {**options, "version_aware": True})
    assert parse_s3_url(f"{url}?versionId=V.1") == expected


@pytest.mark.parametrize("key", [key for key in ODD_KEYS if not key.endswith("?versionId=V")])
def test_parse_s3_url_keeps_keys_of_s3_urls_opaque(key: str) -> None:
    """Queries and fragments of s3:// URLs belong to the key, and nothing is decoded."""
    assert parse_s3_url(f"s3://bucket/{key}") == ParsedUrl(Location("bucket", key))


def test_parse_s3_url_keeps_an_empty_version_in_the_key() -> None:
    """Without a version the instance is not version-aware, and the text stays part of the key."""
    assert parse_s3_url("s3://bucket/key?versionId=") == ParsedUrl(Location("bucket", "key?versionId="))


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        pytest.param("a%20b", "a b", id="space"),
        pytest.param("a%2Fb", "a/b", id="slash"),
        pytest.param("a%252Fb", "a%2Fb", id="once-only"),
        pytest.param("a+b", "a+b", id="plus"),
        pytest.param("a%3Fb%23c", "a?b#c", id="question-mark-and-hash"),
        pytest.param("a%3FversionId=V", "a?versionId=V", id="encoded-version-is-key"),
        pytest.param("%C3%A9", "é", id="utf-8"),
        pytest.param("dir/", "dir/", id="trailing-slash"),
        pytest.param("/a//b", "/a//b", id="empty-segments"),
        pytest.param("a/../b/.", "a/../b/.", id="dots"),
        pytest.param("", "", id="bucket-only"),
    ],
)
@pytest.mark.parametrize(
    "host", ["https://s3.eu-west-1.amazonaws.com/bucket", "https://bucket.s3.eu-west-1.amazonaws.com"]
)
def test_parse_s3_url_decodes_keys_of_https_urls_once(host: str, encoded: str, key: str) -> None:
    """Path style and virtual hosts alike."""
    assert parse_s3_url(f"{host}/{encoded}") == ParsedUrl(Location("bucket", key), {"region": "eu-west-1"})


@pytest.mark.parametrize("url", ["https://s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com/"])
def test_parse_s3_url_names_the_root_when_no_bucket_is_given(url: str) -> None:
    """A regional host alone lists buckets."""
    assert parse_s3_url(url) == ParsedUrl(Location(""), {"region": "eu-west-1"})


REFUSED = [
    pytest.param("s3+ddb://bucket/key?ddbTableName=t", "Lance.*s3://bucket/key", id="lance-ddb"),
    pytest.param("gs://bucket/key", "not an S3 URL", id="other-cloud"),
    pytest.param("bucket/key", "write s3://", id="bare-path"),
    pytest.param(f"{ACCESS_POINT}/name/key", "write s3://", id="bare-arn"),
    pytest.param("s3://arn:aws:s3:::bucket/key", "not the ARN of an access point", id="arn-of-a-bucket"),
    pytest.param("s3://arn:aws:s3:us-west-2:42:accesspoint/name/key", "not the ARN", id="arn-without-an-account"),
    pytest.param(f"s3://user:{PASSWORD}@bucket/key", "credentials.*options", id="s3-user-and-password"),
    pytest.param(f"s3://{PASSWORD}@bucket/key", "credentials.*options", id="s3-user"),
    pytest.param(f"s3://user:{PASSWORD}/x@bucket/key", "neither a port nor credentials", id="s3-slash-in-the-password"),
    pytest.param("s3://bucket:9000/key", "endpoint=", id="s3-port"),
    pytest.param("s3://bucket:9000", "endpoint=", id="s3-port-without-a-key"),
    pytest.param(f"https://user:{PASSWORD}@s3.amazonaws.com/bucket/key", "credentials", id="https-user-and-password"),
    pytest.param(f"https://s3.amazonaws.com/user:{PASSWORD}@bucket/key", "credentials", id="path-style-user"),
    pytest.param("https://bucket.s3-website-us-east-1.amazonaws.com/key", "website.*http filesystem", id="website"),
    pytest.param("https://bucket.s3-website.eu-central-1.amazonaws.com/", "website.*http filesystem", id="website-dot"),
    pytest.param("https://bucket.s3-website.cn-north-1.amazonaws.com.cn/", "website.*http filesystem", id="website-cn"),
    pytest.param(
        "https://minio.example:9000/bucket/key", r"s3://.*endpoint='https://minio\.example:9000'", id="other-host"
    ),
    pytest.param("http://127.0.0.1:9000/bucket/key", r"s3://.*endpoint='http://127\.0\.0\.1:9000'", id="loopback"),
    pytest.param("https://s3.eu-west-1.amazonaws.com:8443/bucket/key", "not a known S3 host", id="aws-port"),
    pytest.param("https://s3.eu-west-1.amazonaws.com.evil.example/bucket/key", "not a known S3 host", id="lookalike"),
    pytest.param("https://evils3.eu-west-1.amazonaws.com/bucket/key", "not a known S3 host", id="lookalike-service"),
    pytest.param("https://ec2.eu-west-1.amazonaws.com/bucket/key", "not a known S3 host", id="other-aws-service"),
    pytest.param("https://n-1.s3-control.eu-west-1.amazonaws.com/key", "not a known S3 host", id="control-host"),
    pytest.param("https://m.mrap.accesspoint.s3-global.amazonaws.com/key", "s3://ARN/key", id="multi-region-host"),
    pytest.param("https://s3.amazonaws.com.cn/bucket/key", "not a known S3 host", id="china-without-a-region"),
    pytest.param("https://s3.eu-west-1.amazonaws.com.cn/bucket/key", "not a known S3 host", id="china-suffix-only"),
    pytest.param(
        "https://s3.cn-north-1.amazonaws.com/bucket/key", "not a known S3 host", id="china-without-its-suffix"
    ),
    pytest.param("https://s3-fips.cn-north-1.amazonaws.com.cn/bucket/key", "not a known S3 host", id="china-fips"),
    pytest.param("https://s3-fips.amazonaws.com/bucket/key", "not a known S3 host", id="fips-without-a-region"),
    pytest.param("https://s3-accelerate.amazonaws.com/bucket/key", "not a known S3 host", id="accelerate-path-style"),
    pytest.param(f"https://{R2}/bucket/key", "not a known S3 host", id="r2-without-an-account"),
    pytest.param(f"https://myaccount.{R2}/bucket/key", "not a known S3 host", id="r2-account-not-hexadecimal"),
    pytest.param(f"https://{ACCOUNT}.us.{R2}/bucket/key", "not a known S3 host", id="r2-unknown-jurisdiction"),
    pytest.param(f"https://a.b.{ACCOUNT}.{R2}/key", "not a known S3 host", id="r2-dotted-bucket"),
    pytest.param("https://pub-1234.r2.dev/key", "not a known S3 host", id="r2-public-site"),
    pytest.param("https://s3.amazonaws.com//bucket/key", "no bucket", id="empty-bucket"),
    pytest.param("https://s3.amazonaws.com/bucket%2Fkey", "no bucket", id="encoded-slash-in-the-bucket"),
    pytest.param("https://s3.amazonaws.com/bucket/caf%E9", "UTF-8", id="key-not-utf-8"),
    pytest.param("https://bucket.s3.amazonaws.com/key#part", "%23", id="fragment"),
    pytest.param("https://bucket.s3.amazonaws.com/key?acl", r"\(acl\)", id="subresource"),
    pytest.param("https://bucket.s3.amazonaws.com/key?versionId=V&partNumber=1", "partNumber", id="version-and-more"),
    pytest.param("https://bucket.s3.amazonaws.com/key?versionId=", "versionId", id="empty-version"),
    pytest.param("https://bucket.s3.amazonaws.com/key?versionId=V&versionId=W", "versionId", id="two-versions"),
    pytest.param("https://bucket.s3.amazonaws.com/?versionId=V", "key is missing", id="version-of-a-bucket"),
    pytest.param(
        f"https://bucket.s3.amazonaws.com/key?versionId=V&X-Amz-Credential={PASSWORD}&X-Amz-Signature={SIGNATURE}",
        "presigned.*http filesystem",
        id="presigned",
    ),
    pytest.param(
        f"https://bucket.s3.amazonaws.com/key?AWSAccessKeyId={PASSWORD}&Expires=1&Signature={SIGNATURE}",
        "presigned.*http filesystem",
        id="presigned-version-2",
    ),
    pytest.param(
        f"https://bucket.s3.amazonaws.com/key?X%2DAmz-Signature={SIGNATURE}#f", "presigned", id="presigned-encoded-name"
    ),
    pytest.param(
        f"https://minio.example/bucket/key?X-Amz-Signature={SIGNATURE}",
        "not a known S3 host",
        id="presigned-other-host",
    ),
    pytest.param(
        f"https://b.s3-website-us-east-1.amazonaws.com/k?X-Amz-Signature={SIGNATURE}",
        "presigned",
        id="presigned-website",
    ),
]


@pytest.mark.parametrize(("url", "says"), REFUSED)
def test_parse_s3_url_refuses_and_says_what_to_do(url: str, says: str) -> None:
    """The message names the way out and holds no password or signature."""
    with pytest.raises(UrlError, match=says) as caught:
        parse_s3_url(url)
    assert PASSWORD not in str(caught.value)
    assert SIGNATURE not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param("https://bucket.s3.amazonaws.com/key", r"from_url\(\)", id="https"),
        pytest.param(f"http://user:{PASSWORD}@host/key", r"from_url\(\)", id="http-user"),
        pytest.param("gs://bucket/key", "not an S3 URL", id="other-cloud"),
        pytest.param("s3+ddb://bucket/key", "Lance", id="lance-ddb"),
        pytest.param("bucket:9000/key", "endpoint=", id="bare-port"),
        pytest.param(f"user:{PASSWORD}@bucket/key", "credentials", id="bare-user-and-password"),
        pytest.param(f"user:p@{PASSWORD}@bucket/key", "credentials", id="bare-at-sign-in-the-password"),
        pytest.param("s3://s3a://bucket/key", "not a bucket", id="scheme-in-the-bucket"),
        pytest.param("arn:aws:s3:::bucket/key", "not the ARN", id="arn-of-a-bucket"),
    ],
)
def test_split_s3_path_refuses_what_is_no_bucket(path: str, says: str) -> None:
    """Only the bucket part is checked, and the message holds no password."""
    with pytest.raises(UrlError, match=says) as caught:
        split_s3_path(path)
    assert PASSWORD not in str(caught.value)
