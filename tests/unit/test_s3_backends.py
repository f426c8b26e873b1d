"""Settings of S3 in the words of each backend: complete, explicit, and out of the environment's reach."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from objfs.clouds._backends import RETRY_DEFAULTS
from objfs.clouds.known import CLOUDS, S3, cloud_for
from objfs.clouds.s3 import write_parameters
from objfs.errors import UrlError
from objfs.options import Layer, Origin, environment_layer, translate

EXPRESS = "bkt--usw2-az1--x-s3"

# Each variable would change a store or a client that trusts the environment.
HOSTILE = {
    "AWS_ACCESS_KEY_ID": "EVIL",
    "AWS_ALLOW_HTTP": "true",
    "AWS_BUCKET": "evil",
    "AWS_CHECKSUM_ALGORITHM": "sha256",
    "AWS_CONDITIONAL_PUT": "disabled",
    "AWS_DEFAULT_REGION": "evil-2",
    "AWS_DISABLE_BULK_DELETE": "true",
    "AWS_DISABLE_TAGGING": "true",
    "AWS_ENDPOINT": "http://evil:1",
    "AWS_ENDPOINT_URL": "http://evil:2",
    "AWS_ENDPOINT_URL_S3": "http://evil:3",
    "AWS_REGION": "evil-1",
    "AWS_REQUEST_PAYER": "true",
    "AWS_SECRET_ACCESS_KEY": "EVIL",
    "AWS_SESSION_TOKEN": "EVIL",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_TIMEOUT": "1ms",
    "AWS_UNSIGNED_PAYLOAD": "true",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
}


def resolved(environ=None, **keywords):
    layers = [Layer(Origin.KEYWORD, keywords), environment_layer(S3.table, environ or {})]
    return S3.resolve(translate(S3.table, layers))


def build(settings, bucket="bkt"):
    """A real store, which checks every argument and opens no connection."""
    store = pytest.importorskip("obstore.store")
    arguments = S3.store_arguments(settings, bucket)
    return store.S3Store(
        arguments.bucket,
        config=dict(arguments.config),
        client_options=dict(arguments.client_options),
        retry_config=dict(arguments.retry_config) or None,
    )


# -- obstore -------------------------------------------------------------------------------------------------------


def test_store_arguments_are_complete_without_any_setting():
    """What obstore would take from the environment is said, and no total timeout ends a slow download."""
    arguments = S3.store_arguments(resolved(), "bkt")
    assert arguments.bucket == "bkt"
    assert arguments.config == {
        "aws_endpoint_url_s3": "https://s3.us-east-1.amazonaws.com",
        "conditional_put": "etag",
        "disable_bulk_delete": False,
        "disable_tagging": False,
        "region": "us-east-1",
        "request_payer": False,
        "s3_express": False,
        "skip_signature": False,
        "unsigned_payload": False,
        "virtual_hosted_style_request": False,
    }
    assert arguments.client_options == {
        "allow_http": False,
        "connect_timeout": timedelta(seconds=5),
        "read_timeout": timedelta(seconds=30),
        "timeout": timedelta(days=7),
    }
    assert arguments.retry_config == RETRY_DEFAULTS


def test_store_arguments_hold_no_credentials():
    """They come from the provider that the store is given, so that they can be replaced."""
    settings = resolved(key="AKIA", secret="hunter2", token="hunter3", expires_at_millis="1900000000000")
    arguments = S3.store_arguments(settings, "bkt")
    held = {*arguments.config, *arguments.client_options, *arguments.retry_config}
    assert not {name for name in held if "key" in name or "token" in name or "expires" in name}
    assert "hunter" not in repr(arguments)


def test_store_arguments_keep_the_users_timeouts():
    """Defaults are for those who say nothing."""
    client = S3.store_arguments(resolved(timeout="1min", read_timeout=2, connect_timeout="100ms"), "b").client_options
    assert {name: client[name].total_seconds() for name in client if "timeout" in name} == {
        "timeout": 60,
        "read_timeout": 2,
        "connect_timeout": 0.1,
    }


def test_store_arguments_merge_headers():
    """An ACL is a header beside those that the user sends."""
    client = S3.store_arguments(resolved(acl="private", default_headers={"x-a": "b"}), "b").client_options
    assert client["default_headers"] == {"x-a": "b", "x-amz-acl": "private"}


def test_store_arguments_name_certificate_files_by_path():
    """Reading files is not for pure code."""
    client = S3.store_arguments(resolved(root_certificate="/ca.pem"), "b").client_options
    assert client["root_certificate"] == Path("/ca.pem")


MINIO = "http://minio:9000"
AWS = "https://s3.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("given", "bucket", "endpoint", "virtual"),
    [
        pytest.param({}, "bkt", AWS, False, id="aws"),
        pytest.param({"region": "cn-north-1"}, "bkt", "https://s3.cn-north-1.amazonaws.com.cn", False, id="china"),
        pytest.param(
            {"force_virtual_addressing": True}, "bkt", "https://bkt.s3.us-east-1.amazonaws.com", True, id="virtual"
        ),
        pytest.param({"force_virtual_addressing": True}, "my.dotted.bkt", AWS, False, id="dotted-is-path-style"),
        pytest.param({"force_virtual_addressing": True}, "Upper_Case", AWS, False, id="no-host-name-is-path-style"),
        pytest.param({"use_ssl": False}, "bkt", "http://s3.us-east-1.amazonaws.com", False, id="without-tls"),
        pytest.param({"endpoint": MINIO}, "bkt", MINIO, False, id="endpoint"),
        pytest.param({"endpoint": f"{MINIO}/base"}, "bkt", f"{MINIO}/base", False, id="endpoint-with-path"),
        pytest.param(
            {"endpoint": MINIO, "force_virtual_addressing": True}, "bkt", "http://bkt.minio:9000", True, id="in-host"
        ),
        pytest.param(
            {"endpoint": "http://bkt.minio:9000", "force_virtual_addressing": True},
            "bkt",
            "http://bkt.minio:9000",
            True,
            id="already-in-host",
        ),
        pytest.param(
            {"endpoint": "http://127.0.0.1:9000", "force_virtual_addressing": True},
            "bkt",
            "http://127.0.0.1:9000",
            False,
            id="an-address-holds-no-bucket",
        ),
        pytest.param(
            {"endpoint": "https://bkt.s3.eu-west-1.amazonaws.com"},
            "bkt",
            "https://bkt.s3.eu-west-1.amazonaws.com",
            True,
            id="aws-endpoint-with-bucket",
        ),
        pytest.param({"endpoint": "https://minio.example"}, "minio", "https://minio.example", False, id="same-word"),
        pytest.param(
            {"use_fips_endpoint": True, "use_dualstack_endpoint": True},
            "bkt",
            "https://s3-fips.dualstack.us-east-1.amazonaws.com",
            False,
            id="fips-dualstack",
        ),
        pytest.param(
            {"use_accelerate_endpoint": True, "use_dualstack_endpoint": True},
            "bkt",
            "https://bkt.s3-accelerate.dualstack.amazonaws.com",
            True,
            id="accelerate-dualstack",
        ),
        pytest.param(
            {"region": "us-west-2"},
            EXPRESS,
            f"https://{EXPRESS}.s3express-usw2-az1.us-west-2.amazonaws.com",
            True,
            id="directory-bucket",
        ),
    ],
)
def test_store_arguments_find_the_bucket(given, bucket, endpoint, virtual):
    """obstore takes an endpoint with virtual hosting as it is, so the bucket is put into it."""
    config = S3.store_arguments(resolved(**given), bucket).config
    assert (config["aws_endpoint_url_s3"], config["virtual_hosted_style_request"]) == (endpoint, virtual)
    assert build(resolved(**given), bucket).config["endpoint_url_s3"] == endpoint


@pytest.mark.parametrize(
    ("given", "bucket", "sessions"),
    [
        pytest.param({}, EXPRESS, True, id="by-its-name"),
        pytest.param({}, "bkt", False, id="not-for-others"),
        pytest.param({"s3_express": True}, "bkt", False, id="not-even-when-asked"),
        pytest.param({"s3_express": False}, EXPRESS, False, id="switched-off"),
        pytest.param({"endpoint": MINIO}, EXPRESS, False, id="not-at-another-endpoint"),
    ],
)
def test_store_arguments_open_sessions_for_directory_buckets(given, bucket, sessions):
    """With the flag obstore cannot even be built for other buckets."""
    assert S3.store_arguments(resolved(**given), bucket).config["s3_express"] is sessions
    build(resolved(**given), bucket)


def test_store_is_out_of_the_environments_reach(monkeypatch):
    """Explicit settings win over every variable that obstore reads."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    config = build(
        resolved(region="eu-west-1", endpoint="https://minio.example", checksum_algorithm="crc64nvme")
    ).config
    assert config == {
        "bucket": "bkt",
        "checksum_algorithm": "crc64nvme",
        "conditional_put": "etag",
        "disable_bulk_delete": "false",
        "disable_tagging": "false",
        "endpoint_url_s3": "https://minio.example",
        "region": "eu-west-1",
        "request_payer": "false",
        "s3_express": "false",
        "skip_signature": "false",
        "unsigned_payload": "false",
        "virtual_hosted_style_request": "false",
    }


def test_store_takes_no_client_setting_from_the_environment(monkeypatch):
    """Passing client options makes obstore discard its own."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    options = build(resolved()).client_options
    assert options == {"allow_http": "false", "connect_timeout": "5s", "read_timeout": "30s", "timeout": "7days"}


def test_store_sees_the_environment_only_as_resolved(monkeypatch):
    """What we read of it is what obstore is told, in our order of variables."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    named = {name: value for name, value in HOSTILE.items() if name != "AWS_SKIP_SIGNATURE"}
    config = build(resolved(named)).config
    assert config["endpoint_url_s3"] == "http://bkt.evil:3"
    assert config["region"] == "evil-1"
    assert config["skip_signature"] == "false"


@pytest.mark.parametrize(
    "given",
    [
        {"server_side_encryption": "aws:kms", "sse_kms_key_id": "k", "sse_bucket_key_enabled": True},
        {"sse_customer_key_base64": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="},
        {"checksum_algorithm": "SHA256", "conditional_put": "disabled", "copy_if_not_exists": "header:a:b"},
        {"role_arn": "r", "web_identity_token_file": "/t", "role_session_name": "n", "endpoint_url_sts": "https://h"},
        {"container_credentials_relative_uri": "/c", "imdsv1_fallback": True, "metadata_endpoint": "http://h"},
        {"pool_max_idle_per_host": 5, "http2_max_frame_size": 20000, "pool_idle_timeout": 3, "http2_only": True},
        {"proxy_url": "http://p", "proxy_excludes": "a", "user_agent": "me", "default_content_type": "text/csv"},
        {"allow_invalid_certificates": True, "randomize_addresses": False, "http2_keep_alive_interval": "1s"},
        {"max_retries": 0, "retry_timeout": 5, "retry_base_multiplier": 3, "retry_init_backoff_ms": 5},
    ],
    ids=lambda given: next(iter(given)),
)
def test_store_builds_from_every_kind_of_setting(given):
    """obstore refuses wrong types and unknown names at once."""
    build(resolved(**given))


@pytest.mark.parametrize(
    ("given", "bucket", "reason"),
    [
        pytest.param({}, "", "no bucket", id="root"),
        pytest.param({}, "arn:aws:s3:us-east-1:123456789012:accesspoint/ap", "ARN", id="arn"),
        pytest.param({}, "ap-0123--op-s3", "alias of an access point", id="outpost-alias"),
        pytest.param({}, "ap-0123--ol-s3", "alias of an access point", id="object-lambda-alias"),
        pytest.param({"version_aware": True}, "bkt", "no word for 'version_aware'", id="versions"),
        pytest.param({"session": object()}, "bkt", "no word for 'session'", id="session"),
        pytest.param({"request_signer": print}, "bkt", "no word for 'request_signer'", id="signer"),
        pytest.param({"client_kwargs": {"api_version": "x"}}, "bkt", r"client_kwargs\['api_version'\]", id="client"),
        pytest.param({"config_kwargs": {"client_cert": "x"}}, "bkt", r"config_kwargs\['client_cert'\]", id="config"),
        pytest.param({"config_kwargs": {"s3": {"x": 1}}}, "bkt", r"config_kwargs.s3\['x'\]", id="config-s3"),
        pytest.param({"s3_additional_kwargs": {"GrantRead": "x"}}, "bkt", r"\['GrantRead'\]", id="parameters"),
        pytest.param({"checksum_algorithm": "sha1"}, "bkt", "SHA1 checksums", id="sha1"),
        pytest.param({"checksum_algorithm": "CRC32C"}, "bkt", "CRC32C checksums", id="crc32c"),
        pytest.param({"signature_version": "s3"}, "bkt", "sign with s3", id="signature"),
        pytest.param({"use_accelerate_endpoint": True}, "my.bkt", "Acceleration", id="accelerated-dots"),
        pytest.param({"cache_regions": True}, "bkt", "cache_regions", id="regions"),
        pytest.param({"s3_express": False}, EXPRESS, "directory bucket", id="express-without-sessions"),
        pytest.param({"endpoint": MINIO}, EXPRESS, "directory bucket", id="express-elsewhere"),
    ],
)
def test_store_refusal_says_why(given, bucket, reason):
    """In words that fit into a log line."""
    refusal = S3.store_refusal(resolved(**given), bucket)
    assert refusal is not None
    assert re.search(reason, refusal)
    assert "\n" not in refusal


@pytest.mark.parametrize(
    ("given", "bucket"),
    [
        pytest.param({}, "bkt", id="nothing-special"),
        pytest.param({}, EXPRESS, id="directory-bucket"),
        pytest.param({}, "ap-0123-s3alias", id="access-point-alias"),
        pytest.param({"version_aware": False}, "bkt", id="versions-off"),
        pytest.param({"client_kwargs": {}, "config_kwargs": {}}, "bkt", id="empty-dicts"),
        pytest.param({"client_kwargs": {"region_name": "eu-west-1", "verify": False}}, "bkt", id="known-members"),
        pytest.param(
            {"config_kwargs": {"max_pool_connections": 50, "retries": {"mode": "adaptive"}}}, "bkt", id="tuning"
        ),
        pytest.param({"config_kwargs": {"connector_args": {"use_dns_cache": False}}}, "bkt", id="connector"),
        pytest.param({"config_kwargs": {"signature_version": "s3v4"}}, "bkt", id="the-only-signature"),
        pytest.param({"checksum_algorithm": "CRC64NVME"}, "bkt", id="checksum"),
        pytest.param({"cache_regions": True, "region": "eu-west-1"}, "bkt", id="region-is-known"),
        pytest.param({"s3_additional_kwargs": {"ContentType": "text/csv", "Metadata": {"a": "b"}}}, "bkt", id="write"),
        pytest.param({"engine": "sdk"}, "bkt", id="the-engine-is-not-asked-here"),
    ],
)
def test_store_refusal_is_none_where_the_data_plane_is_exact(given, bucket):
    """Bytes move fast unless there is a reason."""
    assert S3.store_refusal(resolved(**given), bucket) is None


def test_store_refusal_shows_no_value():
    """Members that no row knows may hold secrets."""
    refusal = S3.store_refusal(resolved(s3_additional_kwargs={"CopySourceSSECustomerKey": "hunter2"}), "bkt")
    assert refusal is not None
    assert "hunter2" not in refusal


# -- s3fs ----------------------------------------------------------------------------------------------------------


def test_sdk_keywords_are_complete_without_any_setting():
    """fsspec fills in whatever is missing from its own configuration, so nothing is."""
    assert S3.sdk_keywords(resolved()) == {
        "anon": False,
        "cache_regions": False,
        "client_kwargs": {"region_name": "us-east-1"},
        "config_kwargs": {
            "ignore_configured_endpoint_urls": True,
            "use_dualstack_endpoint": False,
            "use_fips_endpoint": False,
        },
        "default_block_size": None,
        "default_cache_type": "readahead",
        "default_fill_cache": True,
        "endpoint_url": None,
        "fixed_upload_size": False,
        "local_expiry_check": False,
        "max_concurrency": 10,
        "requester_pays": False,
        "s3_additional_kwargs": {},
        "use_ssl": True,
        "version_aware": False,
    }


def test_sdk_keywords_name_every_keyword_of_s3fs():
    """But for credentials, and what says how the instance runs."""
    others = {"key", "secret", "token", "session", "username", "password", "asynchronous", "loop"}
    assert set(S3.sdk_keywords(resolved())) == set(S3.positional) - others


def test_sdk_keywords_hold_no_credentials():
    """They come from the session that the instance is given."""
    settings = resolved(key="AKIA", secret="hunter2", token="hunter3")
    assert not {"key", "secret", "token", "session", "profile"} & set(S3.sdk_keywords(settings))
    assert "hunter" not in repr(S3.sdk_keywords(settings))
    assert "profile" not in S3.sdk_keywords(resolved(profile="dev"))


@pytest.mark.parametrize(
    ("given", "style"),
    [
        pytest.param({}, None, id="aws-decides-itself"),
        pytest.param({"endpoint": MINIO}, "path", id="endpoint"),
        pytest.param({"endpoint": MINIO, "force_virtual_addressing": True}, "virtual", id="virtual-endpoint"),
        pytest.param({"force_virtual_addressing": False}, "path", id="path-style"),
        pytest.param({"config_kwargs": {"s3": {"addressing_style": "auto"}}}, None, id="auto"),
        pytest.param(
            {"config_kwargs": {"s3": {"addressing_style": "auto"}}, "endpoint": MINIO}, "path", id="auto-endpoint"
        ),
    ],
)
def test_sdk_keywords_agree_with_the_store_on_addressing(given, style):
    """Other servers than AWS's get path style on both planes."""
    assert S3.sdk_keywords(resolved(**given))["config_kwargs"].get("s3", {}).get("addressing_style") == style


@pytest.mark.parametrize(
    ("given", "use_ssl"),
    [({}, True), ({"use_ssl": False}, False), ({"endpoint": MINIO}, False), ({"endpoint": "https://h"}, True)],
    ids=["aws", "aws-without-tls", "http", "https"],
)
def test_sdk_keywords_agree_with_the_endpoint_on_tls(given, use_ssl):
    """The scheme says it."""
    assert S3.sdk_keywords(resolved(**given))["use_ssl"] is use_ssl


def test_sdk_keywords_leave_the_region_to_s3fs_that_is_to_look_it_up():
    """It does so only where it is told none."""
    assert "region_name" not in S3.sdk_keywords(resolved(cache_regions=True))["client_kwargs"]
    told = S3.sdk_keywords(resolved(cache_regions=True, region="eu-west-1"))
    assert told["client_kwargs"]["region_name"] == "eu-west-1"


def test_sdk_keywords_keep_what_no_row_knows():
    """The escape hatches reach botocore, with what rows add to them."""
    keywords = S3.sdk_keywords(
        resolved(
            client_kwargs={"api_version": "2006-03-01", "region_name": "eu-west-1"},
            config_kwargs={"client_cert": "/c", "s3": {"other": 1, "addressing_style": "path"}, "connect_timeout": 3},
            s3_additional_kwargs={"GrantRead": "id=1", "ServerSideEncryption": "AES256"},
        )
    )
    assert keywords["client_kwargs"] == {"api_version": "2006-03-01", "region_name": "eu-west-1"}
    assert keywords["config_kwargs"]["s3"] == {"other": 1, "addressing_style": "path"}
    assert keywords["config_kwargs"]["client_cert"] == "/c"
    assert keywords["config_kwargs"]["connect_timeout"] == 3.0
    assert keywords["s3_additional_kwargs"] == {"GrantRead": "id=1", "ServerSideEncryption": "AES256"}


def test_sdk_keywords_decode_the_customer_key():
    """boto takes the bytes."""
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    assert S3.sdk_keywords(resolved(sse_customer_key_base64=key))["s3_additional_kwargs"] == {
        "SSECustomerAlgorithm": "AES256",
        "SSECustomerKey": b"01234567890123456789012345678901",
    }


@pytest.mark.parametrize(
    ("given", "verify"),
    [
        ({"root_certificate": "/ca.pem"}, "/ca.pem"),
        ({"root_certificate": "/ca.pem", "allow_invalid_certificates": False}, "/ca.pem"),
        ({"allow_invalid_certificates": False, "root_certificate": "/ca.pem"}, "/ca.pem"),
        ({"allow_invalid_certificates": True}, False),
        ({"allow_invalid_certificates": False}, True),
    ],
    ids=["authority", "checked-authority", "the-other-way-round", "unchecked", "checked"],
)
def test_sdk_keywords_say_how_to_verify(given, verify):
    """One word of botocore for two of ours."""
    assert S3.sdk_keywords(resolved(**given))["client_kwargs"]["verify"] == verify


def test_sdk_keywords_prefer_the_content_type_of_boto():
    """The client's default is for writes that say nothing."""
    given = {"default_content_type": "text/plain", "s3_additional_kwargs": {"ContentType": "text/csv"}}
    assert S3.sdk_keywords(resolved(**given))["s3_additional_kwargs"]["ContentType"] == "text/csv"


def test_sdk_keywords_make_an_instance_of_s3fs():
    """Whose constructor takes them all."""
    s3fs = pytest.importorskip("s3fs")
    keywords = S3.sdk_keywords(resolved(endpoint=MINIO, max_concurrency=3, use_listings_cache=False))
    fs = s3fs.S3FileSystem(**keywords, skip_instance_cache=True)
    assert (fs.endpoint_url, fs.max_concurrency, fs.use_ssl) == (MINIO, 3, False)


def test_write_parameters_are_what_every_write_carries():
    """In boto's words, as the writer takes a call's own keywords."""
    settings = resolved(
        storage_class="STANDARD_IA",
        s3_additional_kwargs={"CacheControl": "no-store", "Metadata": {"a": "b"}, "Tagging": "x=1"},
    )
    assert write_parameters(settings) == {
        "CacheControl": "no-store",
        "Metadata": {"a": "b"},
        "Tagging": "x=1",
        "StorageClass": "STANDARD_IA",
    }
    assert write_parameters(resolved()) == {}


# -- the list of clouds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["s3", "s3a", "S3"])
def test_cloud_for_finds_the_cloud_of_a_scheme(scheme):
    """In any case."""
    assert cloud_for(scheme) is S3
    assert S3 in CLOUDS


def test_cloud_for_names_the_schemes_that_it_knows():
    """A wrong scheme is a wrong URL."""
    with pytest.raises(UrlError, match="no cloud has the URL scheme 'ftp'; known are s3, s3a"):
        cloud_for("ftp")
