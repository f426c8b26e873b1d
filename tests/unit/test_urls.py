"""objfs.urls: taking URLs apart and hiding what must not be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objfs.errors import UrlError
from objfs.urls import WebUrl, percent_decode_once, redact_url, scheme_of, split_query, split_web_url, strip_scheme


@pytest.mark.parametrize(
    ("url", "scheme", "rest"),
    [
        pytest.param("s3://bucket/key", "s3", "bucket/key", id="plain"),
        pytest.param("S3A://Bucket/Key", "s3a", "Bucket/Key", id="upper-case"),
        pytest.param("s3+ddb://b/k", "s3+ddb", "b/k", id="plus"),
        pytest.param("s3://s3://b", "s3", "s3://b", id="only-the-first"),
        pytest.param("file:///dir", "file", "/dir", id="empty-authority"),
        pytest.param("bucket/key", None, "bucket/key", id="bare-path"),
        pytest.param("bucket/a://b", None, "bucket/a://b", id="mark-inside-a-key"),
        pytest.param(r"C:\dir\file", None, r"C:\dir\file", id="windows-drive"),
        pytest.param("c://dir/file", None, "c://dir/file", id="windows-drive-with-slashes"),
        pytest.param("1s3://b/k", None, "1s3://b/k", id="starts-with-a-digit"),
        pytest.param("", None, "", id="empty"),
    ],
)
def test_scheme_of_and_strip_scheme_agree(url: str, scheme: str | None, rest: str) -> None:
    """The scheme is lower-cased, and what follows it is left as it is."""
    assert (scheme_of(url), strip_scheme(url)) == (scheme, rest)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://Host/A%20b", ("https", "host", None, "/A%20b", None, None), id="host-lower-cased"),
        pytest.param("HTTP://host", ("http", "host", None, "", None, None), id="host-only"),
        pytest.param("https://host:443/", ("https", "host", None, "/", None, None), id="default-port"),
        pytest.param("http://host:443/", ("http", "host", 443, "/", None, None), id="port-of-the-other-scheme"),
        pytest.param("https://host:/k", ("https", "host", None, "/k", None, None), id="empty-port"),
        pytest.param("http://[::1]:9000/k", ("http", "[::1]", 9000, "/k", None, None), id="ipv6"),
        pytest.param("https://h/k?a=1?b#c?d#e", ("https", "h", None, "/k", "a=1?b", "c?d#e"), id="query-and-fragment"),
        pytest.param("https://h/k?#", ("https", "h", None, "/k", "", ""), id="empty-query-and-fragment"),
        pytest.param("https://h?a", ("https", "h", None, "", "a", None), id="query-without-path"),
        pytest.param("https://h/a\tb\n//../@:", ("https", "h", None, "/a\tb\n//../@:", None, None), id="path-kept"),
    ],
)
def test_split_web_url_takes_the_parts_as_they_are(
    url: str, expected: tuple[str, str, int | None, str, str | None, str | None]
) -> None:
    """Only scheme and host change their case, and the default port goes away."""
    assert split_web_url(url) == WebUrl(*expected, shown=url)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("s3://bucket/key", "not an http or https URL", id="other-scheme"),
        pytest.param("bucket/key", "not an http or https URL", id="no-scheme"),
        pytest.param("https://user:hunter2@host/k", "credentials", id="user-and-password"),
        pytest.param("https://hunter2@host/k", "credentials", id="user-only"),
        pytest.param("https://user:1?hunter2@host/k", "credentials", id="question-mark-in-the-password"),
        pytest.param("https://user:1#hunter2@host/k", "credentials", id="hash-in-the-password"),
        pytest.param("https://user:hunter2/x@host/k", "no valid host", id="slash-in-the-password"),
        pytest.param("https://host:port/k", "no valid host", id="port-not-a-number"),
        pytest.param("https:///key", "no valid host", id="empty-host"),
        pytest.param("https://:443/key", "no valid host", id="port-only"),
    ],
)
def test_split_web_url_refuses_what_is_no_plain_host(url: str, says: str) -> None:
    """The message says what is wrong and holds no password."""
    with pytest.raises(UrlError, match=says) as caught:
        split_web_url(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        pytest.param(None, [], id="none"),
        pytest.param("", [], id="empty"),
        pytest.param("a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")], id="in-order-with-duplicates"),
        pytest.param("a=b=c&d", [("a", "b=c"), ("d", "")], id="equal-signs"),
        pytest.param("a%3D=x%26y+z", [("a=", "x&y+z")], id="decoded-after-splitting-plus-kept"),
    ],
)
def test_split_query_returns_decoded_pairs(query: str | None, pairs: list[tuple[str, str]]) -> None:
    """Pairs are split first and decoded then, and a plus is a plus."""
    assert split_query(query) == pairs


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        pytest.param("a%20b%2Fc", "a b/c", id="plain"),
        pytest.param("a%252Fb", "a%2Fb", id="once-only"),
        pytest.param("a+b", "a+b", id="plus-is-a-plus"),
        pytest.param("100%", "100%", id="lone-percent"),
        pytest.param("a%zz", "a%zz", id="no-hex-digits"),
        pytest.param("%C3%A9", "é", id="utf-8"),
        pytest.param("é", "é", id="not-encoded"),
    ],
)
def test_percent_decode_once_decodes_once(encoded: str, decoded: str) -> None:
    """A second layer of encoding survives."""
    assert percent_decode_once(encoded) == decoded


def test_percent_decode_once_refuses_bytes_that_are_not_utf8() -> None:
    """A replacement character would name another object."""
    with pytest.raises(UrlError, match="UTF-8"):
        percent_decode_once("caf%E9")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("s3://user:hunter2@bucket/key", "s3://***@bucket/key", id="s3-user-and-password"),
        pytest.param("s3://hunter2@bucket/key", "s3://***@bucket/key", id="s3-user-only"),
        pytest.param("https://u:p@hunter2@host/k", "https://***@host/k", id="at-sign-in-the-password"),
        pytest.param("s3://user:hun/ter2@bucket/key", "s3://***", id="slash-in-the-password"),
        pytest.param("s3://user:12/ter2@bucket/key", "s3://***", id="password-like-a-port"),
        pytest.param("user:hunter2@bucket/key", "***@bucket/key", id="bare-path"),
        pytest.param(
            "https://h/k?X-Amz-Signature=hunter2&a=1", "https://h/k?X-Amz-Signature=***&a=1", id="s3-signature"
        ),
        pytest.param("https://h/k?x-amz-security-token=h", "https://h/k?x-amz-security-token=***", id="any-case"),
        pytest.param("https://h/k?X%2DAmz-Credential=h", "https://h/k?X%2DAmz-Credential=***", id="encoded-name"),
        pytest.param("https://h/k?X-Goog-Signature=h", "https://h/k?X-Goog-Signature=***", id="gcs-signature"),
        pytest.param("https://h/c/b?sv=2024&sig=a%2Bb", "https://h/c/b?sv=2024&sig=***", id="sas"),
        pytest.param(
            "https://h/k?AWSAccessKeyId=A&Signature=s=", "https://h/k?AWSAccessKeyId=***&Signature=***", id="v2"
        ),
        pytest.param("https://h/k#token=h", "https://h/k#token=***", id="fragment"),
        pytest.param("s3://b/k?a?sig=h", "s3://b/k?a?sig=***", id="second-question-mark"),
    ],
)
def test_redact_url_hides_secrets(url: str, shown: str) -> None:
    """Passwords and the values of signing parameters are replaced, the rest stays readable."""
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/key?versionId=V&x=1#y",
        "s3://bucket:9000/key",
        "s3://arn:aws:s3:us-west-2:123456789012:accesspoint:name/a@b",
        "abfss://container@account.dfs.core.windows.net/key",
        "http://[::1]:9000/bucket",
        "https://h/a@b:c",
        "bucket/signature=1",
    ],
)
def test_redact_url_leaves_harmless_urls_alone(url: str) -> None:
    """What holds no secret is shown as it was given."""
    assert redact_url(url) == url


@given(
    user=st.text(st.characters(codec="utf-8", exclude_characters=":/@"), min_size=1, max_size=8),
    password=st.text(max_size=8),
    scheme=st.sampled_from(["s3://", "https://", "gs://", ""]),
)
def test_redact_url_hides_any_password(user: str, password: str, scheme: str) -> None:
    """No password shows, whatever characters it is made of."""
    secret = f"Zq{password}qZ"
    shown = redact_url(f"{scheme}{user}:{secret}@host/key")
    assert "Zq" not in shown
    assert "qZ" not in shown
