"""objfs.clouds.azure_urls: paths, URLs and hosts of Azure; the table of forms is in test_url_forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from objfs.clouds._cloud import ParsedUrl
from objfs.clouds.azure import AZURE
from objfs.clouds.azure_forms import URL_FORMS
from objfs.clouds.azure_hosts import complete_endpoint, read_host
from objfs.clouds.azure_urls import (
    AZURE_SCHEMES,
    check_url,
    key_refusal,
    parse_azure_url,
    split_azure_path,
    split_version,
    strip,
    unsplit,
    url_keywords,
)
from objfs.clouds.s3 import S3
from objfs.errors import ConflictingOptionsError, UrlError
from objfs.options import Layer, Origin, translate
from objfs.types import Location

PASSWORD = "hunter2"
SIGNATURE = "5ca1ab1e"
SAS = f"sv=2026-01-01&sr=b&sig={SIGNATURE}%2B%3D"
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
    "a?b=c&d",
    "a?sv=1&sig=x",
    "a#b",
    "a%20b%2Fc",
    "100%",
    "a+b c",
    " ",
    "tab\tnew\nline",
    "é/日本/\U0001f600",
    "user:pw@host:80/x",
    "az://inner/key",
    "k?versionid=V",
]
AUTHORITIES = ["cont", "cont@acct", "cont@acct.dfs.core.windows.net", "acct.blob.core.windows.net/cont"]


def settings(**given_options: Any) -> Any:
    return AZURE.resolve(translate(AZURE.table, [Layer(Origin.KEYWORD, given_options)]))


@pytest.mark.parametrize("scheme", AZURE_SCHEMES)
@pytest.mark.parametrize("authority", AUTHORITIES)
@pytest.mark.parametrize("key", ["", *ODD_KEYS])
def test_split_keeps_keys_opaque(scheme: str, authority: str, key: str) -> None:
    """No key is decoded, cut or normalised, wherever the account stands."""
    assert split_azure_path(f"{scheme}://{authority}/{key}") == Location("cont", key)
    assert split_azure_path(strip(f"{scheme}://{authority}/{key}")) == Location("cont", key)


@pytest.mark.parametrize(
    ("path", "container", "key"),
    [
        pytest.param("cont/key", "cont", "key", id="bare"),
        pytest.param("/cont/key", "cont", "key", id="leading-slash"),
        pytest.param("az:///cont/key", "cont", "key", id="leading-slash-after-the-scheme"),
        pytest.param("abfs::cont/key", "cont", "key", id="chained-scheme"),
        pytest.param("ABFSS://Cont/Key", "Cont", "Key", id="upper-case"),
        pytest.param("cont", "cont", "", id="container"),
        pytest.param("az://", "", "", id="root-with-scheme"),
        pytest.param("", "", "", id="root"),
        pytest.param("my.dotted/key", "my.dotted", "key", id="dotted-workspace"),
        pytest.param(
            "acct.dfs.core.windows.net/cont/key", "acct.dfs.core.windows.net", "cont/key", id="path-has-no-host"
        ),
    ],
)
def test_split_splits_at_the_first_slash(path: str, container: str, key: str) -> None:
    """A scheme and slashes before the container go away; nothing else does."""
    assert split_azure_path(path) == Location(container, key)


@given(key=st.text(), authority=st.sampled_from(AUTHORITIES))
def test_split_and_unsplit_round_trip(key: str, authority: str) -> None:
    """Any key survives joining and splitting, with and without a scheme."""
    location = Location("cont", key)
    assert split_azure_path(unsplit(location)) == location
    assert split_azure_path(f"abfss://{authority}/{key}") == location


@given(key=st.text(min_size=1), version=st.text(min_size=1))
def test_split_version_and_unsplit_round_trip(key: str, version: str) -> None:
    """A version survives joining and splitting, unless the key holds the mark itself."""
    assume("?versionid=" not in key)
    location = Location("cont", key, version)
    assert split_version(split_azure_path(unsplit(location))) == location


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("k?versionid=V", Location("c", "k", "V"), id="version"),
        pytest.param("k?versionid=V?versionid=W", Location("c", "k", "V?versionid=W"), id="first-mark-counts"),
        pytest.param("k?versionid=", Location("c", "k"), id="empty-version-is-cut-off"),
        pytest.param("k?x=1&versionid=V", Location("c", "k?x=1&versionid=V"), id="not-the-first-parameter"),
        pytest.param("k?versionId=V", Location("c", "k?versionId=V"), id="spelling-of-s3"),
        pytest.param("k", Location("c", "k"), id="none"),
    ],
)
def test_split_version_cuts_at_the_first_mark(key: str, expected: Location) -> None:
    """The cases of adlfs's own partition."""
    assert split_version(Location("c", key)) == expected


WEB = "https://acct.blob.core.windows.net"


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        pytest.param("a%20b", "a b", id="space"),
        pytest.param("a%2Fb", "a/b", id="slash"),
        pytest.param("a%252Fb", "a%2Fb", id="once-only"),
        pytest.param("a+b", "a+b", id="plus"),
        pytest.param("a%3Fversionid=V%23c", "a?versionid=V#c", id="question-mark-and-hash"),
        pytest.param("%C3%A9", "é", id="utf-8"),
        pytest.param("/a//b/", "/a//b/", id="empty-segments"),
        pytest.param("a/../b/.", "a/../b/.", id="dots"),
    ],
)
def test_parse_decodes_keys_of_https_urls_once(encoded: str, key: str) -> None:
    """Those of the other schemes never."""
    assert parse_azure_url(f"{WEB}/cont/{encoded}") == ParsedUrl(Location("cont", key), {"account_name": "acct"})


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param("sv=1&sig=a%2Bb%3D", id="encoded"),
        pytest.param("sv=1&sig=a%2bb%3d", id="lower-case-digits"),
        pytest.param("sv=1&sig=a+b=", id="not-encoded"),
        pytest.param("sv=1&sig=a%252Bb%253D", id="encoded-twice"),
        pytest.param("SV=1&SIG=a%2Bb%3D", id="upper-case-names"),
    ],
)
def test_parse_lifts_a_sas_out_of_a_url_in_any_encoding(spelled: str) -> None:
    """The same signature goes on the wire."""
    assert parse_azure_url(f"{WEB}/cont/key?{spelled}").options["sas_key"] == "sv=1&sig=a%2Bb%3D"


def test_parsed_url_shows_no_sas() -> None:
    """Nor any other option."""
    assert SIGNATURE not in repr(parse_azure_url(f"{WEB}/cont/key?{SAS}"))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("cont/key", "is a path", id="path"),
        pytest.param("s3://bucket/key", "not an Azure URL", id="other-cloud"),
        pytest.param(f"az://user:{PASSWORD}@acct/key", "credentials", id="password"),
        pytest.param(f"az://c@user:{PASSWORD}@acct.blob.core.windows.net/key", "credentials", id="two-signs"),
        pytest.param(f"https://user:{PASSWORD}@acct.blob.core.windows.net/c/k", "credentials", id="web-password"),
        pytest.param("https://acct.blob.core.windows.net:444/c/k", "no known host", id="port"),
        pytest.param("https://host.example.com/c/k", "pass endpoint=", id="unknown-host"),
        pytest.param(f"{WEB}//key", "no container", id="no-container"),
        pytest.param(f"{WEB}/a%2Fb/key", "no container", id="slash-in-the-container"),
        pytest.param(f"{WEB}/c?versionid=V", "names a version of no blob", id="version-of-a-container"),
        pytest.param(f"{WEB}/c/k?versionid=", "has a query", id="empty-version"),
        pytest.param(f"{WEB}/c/k?versionid=V&versionid=W", "has a query", id="two-versions"),
        pytest.param(f"{WEB}/c/k?snapshot=S", "has a query", id="snapshot"),
        pytest.param(f"{WEB}/c/k?{SAS}&comp=list", "has a query", id="sas-and-more"),
        pytest.param("https://core.windows.net.evil.com/c/k", "no known host", id="suffix-in-the-middle"),
        pytest.param("abfss://c@acct.z1.blob.core.windows.net/k", "known host", id="zone-in-the-wrong-domain"),
        pytest.param("http://10.0.0.1:10000/devstoreaccount1/c/k", "no known host", id="emulator-elsewhere"),
    ],
)
def test_parse_refuses_other_urls(url: str, says: str) -> None:
    """With words that lead on, and no secret."""
    with pytest.raises(UrlError, match=says) as caught:
        parse_azure_url(url)
    assert PASSWORD not in str(caught.value)
    assert SIGNATURE not in str(caught.value)


@pytest.mark.parametrize(
    "path", [f"user:{PASSWORD}@cont/key", "cont@acct/key", "cont:80/key", "https://h/c/k", "s3://b/k"]
)
def test_split_refuses_what_is_no_container(path: str) -> None:
    """An account stands in URLs only."""
    with pytest.raises(UrlError) as caught:
        split_azure_path(path)
    assert PASSWORD not in str(caught.value)


# -- what fsspec's openers pass on --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [form for form in URL_FORMS if form.location], ids=lambda form: form.url)
def test_url_keywords_are_the_options_under_one_private_name(form: Any) -> None:
    """fsspec refuses a keyword that is given twice (U2)."""
    assert url_keywords(form.url) == ({"url_options": dict(form.options)} if form.options else {})


def test_url_keywords_leave_a_refusal_to_the_instance() -> None:
    """It knows more, and raises when the path is used."""
    assert url_keywords("az://c@host.example.com/k") == {}


@pytest.mark.parametrize("form", [form for form in URL_FORMS if form.location], ids=lambda form: form.url)
def test_options_of_every_form_are_settings_that_agree_with_it(form: Any) -> None:
    """An instance that is made from a URL answers for it."""
    layer = Layer(Origin.URL, {"account_name": "acct", **form.options})
    made = AZURE.resolve(translate(AZURE.table, [layer]))
    assert made.value("account_name") == form.options.get("account_name", "acct")
    if not form.url.startswith("http"):
        check_url(made, form.url)


# -- no instance answers for another account ------------------------------------------------------------------------

CHINA = {"account_name": "acct", "endpoint": "https://acct.blob.core.chinacloudapi.cn"}
LOCAL = {"account_name": "acct", "endpoint": "http://127.0.0.1:10000/acct"}
ONELAKE = {"account_name": "onelake", "use_fabric_endpoint": True}


@pytest.mark.parametrize(
    ("own", "url"),
    [
        pytest.param({"account_name": "acct"}, "az://cont/key", id="no-account"),
        pytest.param({"account_name": "acct"}, "az://cont@acct/key", id="name"),
        pytest.param({"account_name": "Acct"}, "az://cont@ACCT/key", id="case"),
        pytest.param({"account_name": "acct"}, "abfss://cont@acct.dfs.core.windows.net/key", id="host"),
        pytest.param({"account_name": "acct"}, "az://cont@acct-secondary.blob.core.windows.net/key", id="secondary"),
        pytest.param(CHINA, "abfss://cont@acct.dfs.core.chinacloudapi.cn/key", id="china"),
        pytest.param(CHINA, "abfss://cont@acct/key", id="china-by-name"),
        pytest.param(LOCAL, "abfss://cont@acct.dfs.core.windows.net/key", id="public-url-at-a-server-of-ones-own"),
        pytest.param(ONELAKE, "abfss://ws@onelake.dfs.fabric.microsoft.com/key", id="onelake"),
    ],
)
def test_check_url_accepts_the_own_account(own: dict[str, Any], url: str) -> None:
    """However it is written."""
    check_url(settings(anon=True, **own), url)


@pytest.mark.parametrize(
    ("own", "url"),
    [
        pytest.param({"account_name": "acct"}, "az://cont@other/key", id="name"),
        pytest.param({"account_name": "acct"}, "abfss://cont@other.dfs.core.windows.net/key", id="host"),
        pytest.param(
            {"account_name": "acct"}, "abfs://other.dfs.core.windows.net/cont/key", id="container-in-the-path"
        ),
        pytest.param({"account_name": "acct"}, "abfss://cont@acct.dfs.core.chinacloudapi.cn/key", id="other-cloud"),
        pytest.param(CHINA, "abfss://cont@acct.dfs.core.windows.net/key", id="public-url-in-another-cloud"),
        pytest.param(LOCAL, "abfss://cont@acct.dfs.core.chinacloudapi.cn/key", id="other-cloud-at-ones-own"),
        pytest.param({"account_name": "acct"}, "abfss://ws@onelake.dfs.fabric.microsoft.com/key", id="onelake"),
    ],
)
def test_check_url_refuses_another_account(own: dict[str, Any], url: str) -> None:
    """Also one of the same name in another cloud."""
    with pytest.raises(ConflictingOptionsError, match="make another one"):
        check_url(settings(anon=True, **own), url)


# -- keys that the client would change ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [".", "..", "a/../b", "./a", "a/.", "a\\b", "\\", "a/b\\"])
def test_key_refusal_names_keys_that_the_client_or_the_service_would_change(key: str) -> None:
    """Another blob would be touched (U10)."""
    refusal = key_refusal(key)
    assert refusal is not None
    assert repr(key) in refusal


@pytest.mark.parametrize(
    "key", ["a", "...", ".a", "a.", "a//b", "/a", "a/", "a%2E%2E/b", "a b", "a?b#c", "\x01", "a\nb", "é"]
)
def test_key_refusal_lets_every_other_key_pass(key: str) -> None:
    """They reach the store as they are."""
    assert key_refusal(key) is None
    assert S3.key_refusal("a\\b") is None
    assert AZURE.key_refusal is key_refusal


# -- hosts and endpoints --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_endpoint", "tls", "expected"),
    [
        pytest.param("https://h.example.com/", None, "https://h.example.com", id="slash"),
        pytest.param("h.example.com", None, "https://h.example.com", id="bare"),
        pytest.param("127.0.0.1:10000/acct", None, "http://127.0.0.1:10000/acct", id="bare-address"),
        pytest.param("127.0.0.1:10000/acct", True, "https://127.0.0.1:10000/acct", id="bare-address-with-tls"),
        pytest.param("localhost", None, "http://localhost", id="localhost"),
        pytest.param("HTTPS://Acct.DFS.core.windows.net", None, "https://acct.blob.core.windows.net", id="dfs"),
        pytest.param(
            "https://acct-secondary.dfs.core.windows.net",
            None,
            "https://acct-secondary.blob.core.windows.net",
            id="second",
        ),
        pytest.param(
            "https://onelake.dfs.fabric.microsoft.com", None, "https://onelake.blob.fabric.microsoft.com", id="fabric"
        ),
    ],
)
def test_complete_endpoint_is_a_url_of_the_blob_service(given_endpoint: str, tls: bool | None, expected: str) -> None:
    """The dfs service has another protocol."""
    assert complete_endpoint(given_endpoint, tls=tls) == expected


@pytest.mark.parametrize(
    "given_endpoint", ["", "ftp://h", "https://", "https://u:hunter2@h", "https://h?sig=hunter2", "http://h:x"]
)
def test_complete_endpoint_refuses_what_is_none(given_endpoint: str) -> None:
    """Without showing it."""
    with pytest.raises(ValueError, match=r".") as caught:
        complete_endpoint(given_endpoint)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("host", ["acct.core.windows.net", "core.windows.net", "a.b.blob.core.windows.net", "x", ""])
def test_read_host_knows_no_others(host: str) -> None:
    """A host that is nearly one of Azure's is a stranger's."""
    assert read_host(host) is None
