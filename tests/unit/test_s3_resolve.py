"""What follows from settings of S3 together, and which of them contradict each other."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from objfs.clouds.s3 import S3
from objfs.errors import ConflictingOptionsError, MissingCredentialsError, OptionError, UnknownOptionError
from objfs.options import Layer, Origin, environment_layer, translate

KEY = base64.b64encode(bytes(range(32))).decode()
PAIR = {"key": "AKIA", "secret": "hunter2"}
R2 = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com"


def resolved(environ=None, url=None, fsspec=None, **keywords):
    layers = [
        Layer(Origin.KEYWORD, keywords),
        Layer(Origin.URL, url or {}),
        Layer(Origin.FSSPEC_CONFIG, fsspec or {}),
        environment_layer(S3.table, environ or {}),
    ]
    return S3.resolve(translate(S3.table, layers))


def values(settings):
    return {name: setting.value for name, setting in settings.items()}


# -- who the caller is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        pytest.param({"key": "AKIA"}, "secret_access_key", id="id-alone"),
        pytest.param({"secret": "hunter2"}, "access_key_id", id="secret-alone"),
        pytest.param({"token": "hunter2"}, "access_key_id and secret_access_key", id="token-alone"),
        pytest.param({"key": "AKIA", "token": "hunter2"}, "secret_access_key", id="without-secret"),
    ],
)
def test_resolve_refuses_half_a_pair(given, missing):
    """The message names what is missing, and shows no value."""
    with pytest.raises(MissingCredentialsError, match=f"given without {missing};") as caught:
        resolved(**given)
    assert "hunter2" not in str(caught.value)


def test_resolve_does_not_complete_a_pair_from_the_environment():
    """obstore does, and signs with two halves of two pairs."""
    with pytest.raises(MissingCredentialsError, match=r"key \(keyword\) given without secret_access_key"):
        resolved({"AWS_SECRET_ACCESS_KEY": "hunter2"}, key="AKIA")


def test_resolve_never_attaches_the_environments_token():
    """It belongs to the environment's keys."""
    settings = resolved({"AWS_SESSION_TOKEN": "t", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}, **PAIR)
    assert "session_token" not in settings
    assert settings.value("access_key_id") == "AKIA"


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param(PAIR, id="keys"),
        pytest.param({"profile": "dev"}, id="profile"),
        pytest.param({"storage_options_provider": object()}, id="storage-options-provider"),
        pytest.param({"credential_provider": print}, id="credential-provider"),
        pytest.param({"session": object()}, id="session"),
    ],
)
def test_resolve_refuses_anonymous_with_credentials(credentials):
    """Both are explicit, and only one can be meant."""
    with pytest.raises(ConflictingOptionsError, match=r"'anon' asks for anonymous requests, but '[a-z_]+' \(keyword\)"):
        resolved(anon=True, **credentials)


def test_resolve_refuses_anonymous_with_keys_in_the_environment():
    """Both were put there on purpose."""
    with pytest.raises(ConflictingOptionsError, match=r"AWS_SKIP_SIGNATURE.*AWS_ACCESS_KEY_ID"):
        resolved({"AWS_SKIP_SIGNATURE": "1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})


def test_resolve_lets_anonymous_put_aside_what_a_pod_finds_in_its_environment():
    """A role and a profile are given to every process of a pod."""
    pod = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_PROFILE": "p"}
    for settings in (resolved({**pod, "AWS_SKIP_SIGNATURE": "1"}), resolved(pod, anon=True)):
        assert settings.value("skip_signature") is True
        assert not {"role_arn", "web_identity_token_file", "profile"} & set(settings)


def test_resolve_reads_unsigned_of_botocore_as_anonymous():
    """Also above the keys of a lower layer."""
    botocore = pytest.importorskip("botocore")
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    settings = resolved(keys, config_kwargs={"signature_version": botocore.UNSIGNED})
    assert settings.value("skip_signature") is True
    assert not {"signature_version", "access_key_id", "secret_access_key"} & set(settings)


def test_resolve_keeps_a_signature_version():
    """One with a name is the SDK's business."""
    assert resolved(config_kwargs={"signature_version": "s3v4"}).value("signature_version") == "s3v4"


def test_resolve_never_drops_a_role():
    """Neither beside keys, nor beside a token file, nor alone."""
    role = "arn:aws:iam::123456789012:role/r"
    for beside in ({}, PAIR, {"web_identity_token_file": "/t"}, {"profile": "p"}):
        assert resolved(role_arn=role, **beside).value("role_arn") == role


@pytest.mark.parametrize(
    ("scheme", "kept"),
    [
        ("token", {"access_key_id", "secret_access_key"}),
        ("ecs", {"container_credentials_full_uri"}),
        ("irsa", {"role_arn", "web_identity_token_file"}),
    ],
)
def test_resolve_keeps_the_credentials_that_the_provider_scheme_of_lance_names(scheme, kept):
    """The others are left out."""
    given = {**PAIR, "container_credentials_full_uri": "http://h/c", "role_arn": "r", "web_identity_token_file": "/t"}
    settings = resolved(aws_provider_scheme=scheme, **given)
    names = {"access_key_id", "secret_access_key", "container_credentials_full_uri", "role_arn"}
    assert (names | {"web_identity_token_file"}) & set(settings) == kept


def test_resolve_wants_the_keys_that_cshelve_asks_for():
    """Its only way to authenticate."""
    with pytest.raises(MissingCredentialsError, match="auth_type"):
        resolved(auth_type="access_key", provider="aws-s3")
    assert resolved(auth_type="access_key", key_id="a", key_secret="b").value("access_key_id") == "a"


def test_resolve_reads_credentials_that_unity_catalog_vends():
    """A nested dict and an expiry in milliseconds."""
    vended = {"access_key_id": "a", "secret_access_key": "b", "session_token": "c"}
    settings = resolved(aws_temp_credentials=vended, expiration_time=1900000000000)
    assert values(settings) == {**vended, "expires_at": settings.value("expires_at"), "region": "us-east-1"}
    assert settings.value("expires_at").timestamp() == 1900000000


def test_resolve_refuses_unknown_members_of_vended_credentials():
    """They would be ignored."""
    with pytest.raises(UnknownOptionError, match=r"aws_temp_credentials\.acess_key"):
        resolved(aws_temp_credentials={"acess_key": "a"})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"s3.remote-signing-enabled": "true"}, id="wanted-without-signer"),
        pytest.param({"s3.signer": "S3V4RestSigner"}, id="signer-by-name"),
    ],
)
def test_resolve_refuses_remote_signing_without_something_that_signs(given):
    """Requests would go out with another signature."""
    with pytest.raises(OptionError, match="callable"):
        resolved(**given)


# -- where the server is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "endpoint", "allow_http"),
    [
        pytest.param({"endpoint": "minio.example:9000"}, "https://minio.example:9000", None, id="bare"),
        pytest.param({"endpoint": "localhost:9000"}, "http://localhost:9000", True, id="bare-localhost"),
        pytest.param({"endpoint": "10.0.0.1"}, "http://10.0.0.1", True, id="bare-address"),
        pytest.param({"endpoint": "localhost", "use_ssl": True}, "https://localhost", None, id="bare-with-tls"),
        pytest.param({"endpoint": "localhost", "allow_http": False}, "https://localhost", False, id="http-forbidden"),
        pytest.param({"endpoint_override": "h", "scheme": "http"}, "http://h", True, id="pyarrow"),
        pytest.param({"endpoint": "http://h"}, "http://h", True, id="http"),
        pytest.param({"endpoint": "http://h", "use_ssl": False}, "http://h", True, id="http-said-twice"),
        pytest.param({"endpoint": "https://h/base/"}, "https://h/base", None, id="path"),
        pytest.param({"endpoint": "https://h", "allow_http": True}, "https://h", True, id="https-with-http-allowed"),
    ],
)
def test_resolve_completes_the_endpoint(given, endpoint, allow_http):
    """An http endpoint turns plain HTTP on, and nothing else does."""
    settings = resolved(**given)
    assert (settings.value("endpoint"), settings.value("allow_http")) == (endpoint, allow_http)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"endpoint": "http://h", "allow_http": False}, id="http-but-not-allowed"),
        pytest.param({"endpoint": "http://h", "use_ssl": True}, id="http-but-tls"),
        pytest.param({"endpoint": "https://h", "use_ssl": False}, id="https-but-no-tls"),
        pytest.param({"endpoint": "https://h", "scheme": "http"}, id="https-but-http-of-pyarrow"),
        pytest.param({"endpoint": "https://h", "use_fips_endpoint": True}, id="fips"),
        pytest.param({"endpoint": "https://h", "use_dualstack_endpoint": True}, id="dualstack"),
        pytest.param({"endpoint": "https://h", "use_accelerate_endpoint": True}, id="accelerate"),
        pytest.param({"use_accelerate_endpoint": True, "s3.path-style-access": True}, id="accelerated-path-style"),
        pytest.param({"use_accelerate_endpoint": True, "use_fips_endpoint": True}, id="accelerated-fips"),
    ],
)
def test_resolve_refuses_an_endpoint_that_other_options_contradict(given):
    """The message names both."""
    with pytest.raises(ConflictingOptionsError, match="contradict each other") as caught:
        resolved(**given)
    assert all(repr(name) in str(caught.value) for name in given)


@pytest.mark.parametrize(
    ("environ", "given", "expected"),
    [
        pytest.param({"AWS_ALLOW_HTTP": "false"}, {"endpoint": "http://h"}, {"allow_http": True}, id="allow-http"),
        pytest.param(
            {"AWS_USE_FIPS_ENDPOINT": "true"}, {"endpoint": "https://h"}, {"use_fips_endpoint": None}, id="fips"
        ),
        pytest.param(
            {"AWS_ENDPOINT_URL": "http://h"},
            {"use_dualstack_endpoint": True},
            {"endpoint": None, "allow_http": None},
            id="endpoint",
        ),
    ],
)
def test_resolve_lets_the_higher_layer_win_over_what_it_contradicts(environ, given, expected):
    """Only what one layer, or two explicit ones, say is a contradiction."""
    settings = resolved(environ, **given)
    assert {name: settings.value(name) for name in expected} == expected


def test_resolve_lets_a_given_endpoint_win_over_a_configured_use_ssl():
    """The scheme of the higher layer is the one that counts."""
    settings = resolved(fsspec={"use_ssl": False}, endpoint="https://h")
    assert (settings.value("endpoint"), settings.get("use_ssl")) == ("https://h", None)


def test_resolve_refuses_http_of_the_environment_where_it_is_forbidden():
    """The endpoint cannot be used, and another one is not known."""
    with pytest.raises(ConflictingOptionsError, match="AWS_ENDPOINT_URL"):
        resolved({"AWS_ENDPOINT_URL": "http://h"}, allow_http=False)


def test_resolve_refuses_an_endpoint_that_is_none():
    """Naming option and origin, and not showing what may be a password."""
    with pytest.raises(OptionError, match=r"'endpoint_url' \(keyword\) is not an endpoint: credentials") as caught:
        resolved(endpoint_url="https://user:hunter2@h")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "given", "endpoint"),
    [
        pytest.param({}, {"endpoint": "https://a", "aws_endpoint_url_s3": "https://b"}, "https://b", id="one-layer"),
        pytest.param({"AWS_ENDPOINT_URL_S3": "https://b"}, {"endpoint": "https://a"}, "https://a", id="environment"),
        pytest.param({"AWS_ENDPOINT_URL": "https://a"}, {"aws_endpoint_url_s3": "https://b"}, "https://b", id="given"),
        pytest.param(
            {"AWS_ENDPOINT_URL": "https://a", "AWS_ENDPOINT_URL_S3": "https://b"}, {}, "https://b", id="variables"
        ),
    ],
)
def test_resolve_prefers_the_endpoint_of_s3_in_one_layer(environ, given, endpoint):
    """But a higher layer's general endpoint to a lower layer's."""
    settings = resolved(environ, **given)
    assert settings.value("endpoint") == endpoint
    assert "aws_endpoint_url_s3" not in settings


@pytest.mark.parametrize("ignored", [{"ignore_configured_endpoint_urls": True}, {}], ids=["option", "variable"])
def test_resolve_ignores_the_environments_endpoint_when_asked(ignored):
    """As botocore does; one that was given stays."""
    environ = {"AWS_ENDPOINT_URL": "https://a"}
    if not ignored:
        environ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
    assert "endpoint" not in resolved(environ, **ignored)
    assert resolved(environ, endpoint="https://b", **ignored).value("endpoint") == "https://b"


@pytest.mark.parametrize(
    ("given", "endpoint", "virtual"),
    [
        pytest.param(
            {"endpoint": "https://bkt.s3.eu-west-1.amazonaws.com"}, "https://s3.eu-west-1.amazonaws.com", True, id="aws"
        ),
        pytest.param({"endpoint": "https://bkt.h:1", "bucket": "bkt"}, "https://h:1", True, id="named-bucket"),
        pytest.param({"endpoint": "https://bkt.h"}, "https://bkt.h", None, id="any-host"),
        pytest.param(
            {"endpoint": "https://bkt.h", "bucket": "bkt", "force_virtual_addressing": False},
            "https://bkt.h",
            False,
            id="path-style",
        ),
    ],
)
def test_resolve_takes_the_bucket_out_of_the_endpoint(given, endpoint, virtual):
    """Where it is certain that it is one: it says that the bucket is part of the host."""
    settings = resolved(**given)
    assert settings.value("endpoint") == endpoint
    assert settings.value("virtual_hosted_style_request") is virtual


def test_resolve_does_not_take_a_host_for_the_environments_bucket():
    """A server named after its first bucket is common."""
    assert resolved({"AWS_BUCKET": "minio"}, endpoint="https://minio.example").value("endpoint") == (
        "https://minio.example"
    )


@pytest.mark.parametrize(
    ("environ", "given", "region"),
    [
        pytest.param({}, {}, "us-east-1", id="default"),
        pytest.param({}, {"default_region": "eu-west-1"}, "eu-west-1", id="default-region"),
        pytest.param({"AWS_REGION": "eu-west-2"}, {"default_region": "eu-west-1"}, "eu-west-2", id="only-where-unset"),
        pytest.param({"AWS_DEFAULT_REGION": "eu-west-3"}, {}, "eu-west-3", id="variable"),
        pytest.param({"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"}, {}, "a", id="first-variable"),
        pytest.param({"AWS_REGION": "a"}, {"region": "b"}, "b", id="keyword"),
        pytest.param({}, {"s3.region": "a", "client.region": "b"}, "a", id="iceberg"),
        pytest.param({}, {"endpoint": R2}, "auto", id="r2"),
        pytest.param({}, {"endpoint": R2, "region": "wnam"}, "wnam", id="r2-with-region"),
    ],
)
def test_resolve_fills_in_the_region(environ, given, region):
    """Always one, so that no backend looks for its own."""
    settings = resolved(environ, **given)
    assert settings.value("region") == region
    assert "default_region" not in settings


def test_resolve_says_that_the_region_is_a_default():
    """``explain`` shows it, and ``cache_regions`` looks at it."""
    assert resolved()["region"].origin is Origin.DEFAULT


def test_resolve_uploads_parts_of_one_size_to_r2():
    """It takes no others."""
    assert resolved(endpoint=R2).value("fixed_upload_size") is True
    assert resolved(endpoint=R2, fixed_upload_size=False).value("fixed_upload_size") is False
    assert "fixed_upload_size" not in resolved(endpoint="https://h")


# -- TLS and proxies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verify", "expected"),
    [
        pytest.param(True, {"allow_invalid_certificates": False}, id="true"),
        pytest.param("false", {"allow_invalid_certificates": True}, id="false"),
        pytest.param("/ca.pem", {"root_certificate": Path("/ca.pem")}, id="path-as-text"),
        pytest.param(Path("/ca.pem"), {"root_certificate": Path("/ca.pem")}, id="path"),
    ],
)
def test_resolve_reads_verify_of_botocore(verify, expected):
    """A boolean, or the path of the authorities."""
    assert values(resolved(client_kwargs={"verify": verify})) == {**expected, "region": "us-east-1"}


def test_resolve_refuses_a_verify_that_is_neither():
    """With the message of a bad value."""
    with pytest.raises(OptionError, match="expected a boolean or the path"):
        resolved(client_kwargs={"verify": [1]})


@pytest.mark.parametrize(
    "given",
    [
        {"client_kwargs": {"verify": False}, "root_certificate": "/ca.pem"},
        {"client_kwargs": {"verify": False}, "allow_invalid_certificates": False},
        {"client_kwargs": {"verify": "/a.pem"}, "tls_ca_file_path": "/b.pem"},
    ],
    ids=["unchecked-authority", "twice", "two-authorities"],
)
def test_resolve_refuses_contradictions_about_certificates(given):
    """Insecure by accident is the worst of outcomes."""
    with pytest.raises(ConflictingOptionsError, match="contradict"):
        resolved(**given)


def test_resolve_lets_a_keyword_win_over_the_environments_authority():
    """In both directions."""
    bundle = {"AWS_CA_BUNDLE": "/ca.pem"}
    assert "root_certificate" not in resolved(bundle, client_kwargs={"verify": False})
    given = {"AWS_ALLOW_INVALID_CERTIFICATES": "true"}
    assert "allow_invalid_certificates" not in resolved(given, root_certificate="/ca.pem")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        pytest.param({}, "http://p2", id="https"),
        pytest.param({"endpoint": "http://h"}, "http://p1", id="http"),
        pytest.param({"use_ssl": False}, "http://p1", id="aws-without-tls"),
    ],
)
def test_resolve_takes_the_proxy_of_the_endpoints_scheme(given, url):
    """botocore has one for each."""
    proxies = {"http": "http://p1", "https": "http://p2"}
    assert resolved(config_kwargs={"proxies": proxies}, **given).value("proxy_url") == url


def test_resolve_uses_no_proxy_for_a_scheme_that_has_none():
    """One for http only leaves https direct."""
    assert "proxy_url" not in resolved(config_kwargs={"proxies": {"http": "http://p"}})


# -- encryption and the rest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"sse_kms_key_id": "k"}, {"server_side_encryption": "aws:kms", "sse_kms_key_id": "k"}, id="kms"),
        pytest.param(
            {"server_side_encryption": "AWS:KMS:DSSE", "sse_kms_key_id": "k"},
            {"server_side_encryption": "aws:kms:dsse", "sse_kms_key_id": "k"},
            id="dsse",
        ),
        pytest.param(
            {"sse_customer_key_base64": KEY},
            {"server_side_encryption": "sse-c", "sse_customer_key_base64": KEY},
            id="customer",
        ),
        pytest.param(
            {"s3_additional_kwargs": {"SSECustomerKey": bytes(range(32)), "SSECustomerAlgorithm": "AES256"}},
            {"server_side_encryption": "sse-c", "sse_customer_key_base64": KEY},
            id="boto-customer",
        ),
        pytest.param(
            {"s3.sse.type": "kms", "s3.sse.key": "k"},
            {"server_side_encryption": "aws:kms", "sse_kms_key_id": "k"},
            id="iceberg-kms",
        ),
        pytest.param(
            {"s3.sse.type": "custom", "s3.sse.key": KEY, "s3.sse.md5": "x"},
            {"server_side_encryption": "sse-c", "sse_customer_key_base64": KEY},
            id="iceberg-customer",
        ),
        pytest.param({"s3.sse.type": "s3"}, {"server_side_encryption": "AES256"}, id="iceberg-s3"),
        pytest.param({"s3.sse.type": "dsse-kms"}, {"server_side_encryption": "aws:kms:dsse"}, id="iceberg-dsse"),
        pytest.param({"s3.sse.type": "none"}, {}, id="iceberg-none"),
    ],
)
def test_resolve_completes_the_encryption(given, expected):
    """A key says which kind is meant, and Iceberg's kind which key."""
    assert values(resolved(**given)) == {**expected, "region": "us-east-1"}


@pytest.mark.parametrize(
    "given",
    [
        {"server_side_encryption": "AES256", "sse_kms_key_id": "k"},
        {"server_side_encryption": "aws:kms", "sse_customer_key_base64": KEY},
        {"sse_kms_key_id": "k", "sse_customer_key_base64": KEY},
    ],
    ids=["kms-key", "customer-key", "both-keys"],
)
def test_resolve_refuses_a_key_of_another_kind_of_encryption(given):
    """Without showing a key."""
    with pytest.raises(ConflictingOptionsError, match="contradict") as caught:
        resolved(**given)
    assert KEY not in str(caught.value)


def test_resolve_lets_the_higher_layer_choose_the_encryption():
    """With what belongs to it."""
    settings = resolved({"AWS_SERVER_SIDE_ENCRYPTION": "AES256"}, sse_kms_key_id="k")
    assert settings.value("server_side_encryption") == "aws:kms"
    assert "sse_kms_key_id" not in resolved({"AWS_SSE_KMS_KEY_ID": "k"}, server_side_encryption="AES256")


@pytest.mark.parametrize("key", ["hunter2", "aHVudGVyMg==", KEY[:-4], KEY + "!"])
def test_resolve_refuses_a_customer_key_that_is_none(key):
    """Before any request, and without showing it."""
    with pytest.raises(OptionError, match="is not a key of 32 bytes") as caught:
        resolved(sse_customer_key_base64=key)
    assert key not in str(caught.value)


def test_resolve_wants_the_customer_key():
    """obstore would fail to build."""
    with pytest.raises(OptionError, match="needs sse_customer_key_base64"):
        resolved(server_side_encryption="sse-c")


@pytest.mark.parametrize("value", ["multipart", "header:cf-copy:*", "header-with-status:x-if:a:412"])
def test_resolve_accepts_every_way_to_copy(value):
    """Those that obstore knows."""
    assert resolved(copy_if_not_exists=value).value("copy_if_not_exists") == value


@pytest.mark.parametrize("value", ["dynamo:table", "header:x", "header-with-status:x:y", "yes"])
def test_resolve_refuses_other_ways_to_copy(value):
    """Among them what obstore has given up."""
    with pytest.raises(OptionError, match="expected multipart"):
        resolved(copy_if_not_exists=value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            {"retry_config": {"max_retries": 3, "backoff": {"init_backoff": "1s", "base": 3}}},
            {"max_retries": 3, "backoff.init_backoff": timedelta(seconds=1), "backoff.base": 3.0},
            id="retry-config",
        ),
        pytest.param(
            {"client_options": {"timeout": "1min", "default_headers": {"a": "b"}}},
            {"timeout": timedelta(minutes=1), "default_headers": {"a": "b"}},
            id="client-options",
        ),
        pytest.param({"config": {"aws_region": "us-east-1"}}, {}, id="config"),
        pytest.param({"config_kwargs": {"retries": {"total_max_attempts": 5}}}, {"max_retries": 4}, id="attempts"),
    ],
)
def test_resolve_reads_nested_dicts_as_options(given, expected):
    """Each member means what the option of its name means."""
    assert values(resolved(**given)) == {**expected, "region": "us-east-1"}


@pytest.mark.parametrize(
    "given",
    [
        {"retry_config": {"backoff": {"initial": 1}}},
        {"retry_config": {"max_retry": 1}},
        {"client_options": {"read_timout": 1}},
        {"config": {"regoin": "x"}},
    ],
    ids=["backoff", "retry-config", "client-options", "config"],
)
def test_resolve_refuses_misspelled_members(given):
    """obstore drops some of them without a word."""
    with pytest.raises(UnknownOptionError, match="unknown storage option"):
        resolved(**given)


def test_resolve_refuses_attempts_that_allow_none():
    """A retry strategy counts attempts, the first one included."""
    with pytest.raises(OptionError, match="at least 1"):
        resolved(config_kwargs={"retries": {"total_max_attempts": 0}})


def test_resolve_refuses_a_proxy_without_a_host():
    """As pyarrow describes proxies."""
    with pytest.raises(OptionError, match="expected a URL, or a mapping"):
        resolved(proxy_options={"scheme": "http"})


def test_resolve_refuses_a_url_that_contradicts_an_option():
    """Rule U1: one of the two must be wrong."""
    with pytest.raises(ConflictingOptionsError, match="'region'"):
        resolved(region="eu-west-1", url={"region": "eu-west-2"})
