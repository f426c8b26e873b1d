"""Every option of S3 as it is promised: names, variables, meaning of a value, and the words of both backends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

OBJECT = object()
RAW_KEY = b"01234567890123456789012345678901"
PROXY_OPTIONS = {"scheme": "http", "host": "proxy", "port": 3128, "username": "user", "password": "pw"}


@dataclass(frozen=True)
class RetryStrategy:
    """What pyarrow's retry strategies look like."""

    max_attempts: int


@dataclass(frozen=True)
class Row:
    """One option.

    Parameters
    ----------
    name, given, value
        Canonical name, an example as it may be given, and what it is read as.
    also
        Options that it cannot do without.
    names, env
        Other names and variables, each with the example in its own words.
    store, sdk
        What the example, and what it needs, add to or change in the arguments of each backend; dotted.
    """

    name: str
    given: Any
    value: Any
    also: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, Any] = field(default_factory=dict)
    store: Mapping[str, Any] = field(default_factory=dict)
    sdk: Mapping[str, Any] = field(default_factory=dict)


def row(
    name: str,
    given: Any,
    *,
    value: Any = ...,
    names: str = "",
    env: str = "",
    other_names: Mapping[str, Any] | None = None,
    other_env: Mapping[str, Any] | None = None,
    **more: Any,
) -> Row:
    """A row; names and variables under which the example reads the same are written in one string."""
    return Row(
        name,
        given,
        given if value is ... else value,
        names={**dict.fromkeys(names.split(), given), **(other_names or {})},
        env={**dict.fromkeys(env.split(), given), **(other_env or {})},
        **more,
    )


ROWS = (
    row("bucket", "bkt", names="aws_bucket aws_bucket_name bucket_name", env="AWS_BUCKET AWS_BUCKET_NAME"),
    row("prefix", "a/b"),
    row(
        "region",
        "eu-west-1",
        names="aws_region client_kwargs.region_name config_kwargs.region_name region_name s3.region client.region",
        env="AWS_REGION AWS_DEFAULT_REGION",
        store={"config.region": "eu-west-1", "config.aws_endpoint_url_s3": "https://s3.eu-west-1.amazonaws.com"},
        sdk={"client_kwargs.region_name": "eu-west-1"},
    ),
    row(
        "default_region",
        "eu-west-1",
        names="aws_default_region",
        env="AWS_DEFAULT_REGION",
        store={"config.region": "eu-west-1", "config.aws_endpoint_url_s3": "https://s3.eu-west-1.amazonaws.com"},
        sdk={"client_kwargs.region_name": "eu-west-1"},
    ),
    row(
        "endpoint",
        "https://minio.example:9000",
        names=(
            "aws_endpoint aws_endpoint_url endpoint_url client_kwargs.endpoint_url endpoint_override "
            "provider_params.endpoint_url s3.endpoint"
        ),
        env="AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL AWS_ENDPOINT",
        store={"config.aws_endpoint_url_s3": "https://minio.example:9000"},
        sdk={"endpoint_url": "https://minio.example:9000", "config_kwargs.s3.addressing_style": "path"},
    ),
    row(
        "aws_endpoint_url_s3",
        "https://minio.example:9000",
        env="AWS_ENDPOINT_URL_S3",
        store={"config.aws_endpoint_url_s3": "https://minio.example:9000"},
        sdk={"endpoint_url": "https://minio.example:9000", "config_kwargs.s3.addressing_style": "path"},
    ),
    row(
        "ignore_configured_endpoint_urls",
        "true",
        value=True,
        names="config_kwargs.ignore_configured_endpoint_urls",
        env="AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    ),
    row(
        "use_ssl",
        "false",
        value=False,
        names="client_kwargs.use_ssl",
        other_names={"scheme": "http"},
        store={"config.aws_endpoint_url_s3": "http://s3.us-east-1.amazonaws.com", "client.allow_http": True},
        sdk={"use_ssl": False},
    ),
    row(
        "virtual_hosted_style_request",
        "true",
        value=True,
        names="aws_virtual_hosted_style_request force_virtual_addressing s3.force-virtual-addressing",
        other_names={
            "config_kwargs.s3.addressing_style": "virtual",
            "AWS_S3_ADDRESSING_STYLE": "virtual",
            "s3.path-style-access": "false",
        },
        env="AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
        store={
            "config.virtual_hosted_style_request": True,
            "config.aws_endpoint_url_s3": "https://bkt.s3.us-east-1.amazonaws.com",
        },
        sdk={"config_kwargs.s3.addressing_style": "virtual"},
    ),
    row(
        "s3_express",
        "true",
        value=True,
        names="aws_s3_express",
        other_names={
            "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH": "false",
            "config_kwargs.s3_disable_express_session_auth": "false",
        },
        env="AWS_S3_EXPRESS",
        other_env={"AWS_S3_DISABLE_EXPRESS_SESSION_AUTH": "false"},
        sdk={"config_kwargs.s3_disable_express_session_auth": False},
    ),
    row(
        "use_dualstack_endpoint",
        "true",
        value=True,
        names="config_kwargs.use_dualstack_endpoint s3.dualstack-enabled",
        env="AWS_USE_DUALSTACK_ENDPOINT",
        store={"config.aws_endpoint_url_s3": "https://s3.dualstack.us-east-1.amazonaws.com"},
        sdk={"config_kwargs.use_dualstack_endpoint": True},
    ),
    row(
        "use_fips_endpoint",
        "true",
        value=True,
        names="config_kwargs.use_fips_endpoint",
        env="AWS_USE_FIPS_ENDPOINT",
        store={"config.aws_endpoint_url_s3": "https://s3-fips.us-east-1.amazonaws.com"},
        sdk={"config_kwargs.use_fips_endpoint": True},
    ),
    row(
        "use_accelerate_endpoint",
        "true",
        value=True,
        names="config_kwargs.s3.use_accelerate_endpoint s3.acceleration-enabled",
        store={
            "config.aws_endpoint_url_s3": "https://bkt.s3-accelerate.amazonaws.com",
            "config.virtual_hosted_style_request": True,
        },
        sdk={"config_kwargs.s3.use_accelerate_endpoint": True},
    ),
    row(
        "use_arn_region",
        "true",
        value=True,
        names="config_kwargs.s3.use_arn_region s3.use-arn-region-enabled",
        env="AWS_S3_USE_ARN_REGION",
        sdk={"config_kwargs.s3.use_arn_region": True},
    ),
    row(
        "cache_regions",
        "true",
        value=True,
        also={"region": "us-east-1"},
        names="s3.resolve-region",
        sdk={"cache_regions": True},
    ),
    row("provider", "aws-s3"),
    row(
        "access_key_id",
        "AKIA",
        also={"secret_access_key": "sk"},
        names=(
            "aws_access_key_id key username client_kwargs.aws_access_key_id access_key s3.access-key-id "
            "aws_temp_credentials.access_key_id r2_temp_credentials.access_key_id key_id "
            "client.access-key-id"
        ),
        env="AWS_ACCESS_KEY_ID",
    ),
    row(
        "secret_access_key",
        "sk",
        also={"access_key_id": "AKIA"},
        names=(
            "aws_secret_access_key secret password client_kwargs.aws_secret_access_key secret_key "
            "s3.secret-access-key aws_temp_credentials.secret_access_key "
            "r2_temp_credentials.secret_access_key key_secret client.secret-access-key"
        ),
        env="AWS_SECRET_ACCESS_KEY",
    ),
    row(
        "session_token",
        "st",
        also={"access_key_id": "AKIA", "secret_access_key": "sk"},
        names=(
            "aws_session_token aws_token token client_kwargs.aws_session_token s3.session-token "
            "aws_temp_credentials.session_token r2_temp_credentials.session_token client.session-token"
        ),
        env="AWS_SESSION_TOKEN AWS_TOKEN AWS_SECURITY_TOKEN",
    ),
    row(
        "expires_at",
        "1900000000000",
        value=datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC),
        names="expiration_time expires_at_millis expires-at-ms s3.session-token-expires-at-ms",
        env="AWS_CREDENTIAL_EXPIRATION",
    ),
    row(
        "skip_signature",
        "true",
        value=True,
        names="aws_skip_signature anon anonymous s3.anonymous s3.allow-anonymous",
        env="AWS_SKIP_SIGNATURE",
        store={"config.skip_signature": True},
        sdk={"anon": True},
    ),
    row(
        "profile",
        "dev",
        names="profile_name aws_profile s3.profile-name client.profile-name",
        env="AWS_PROFILE AWS_DEFAULT_PROFILE",
    ),
    row("session", OBJECT),
    row("shared_credentials_file", "/c", env="AWS_SHARED_CREDENTIALS_FILE"),
    row("config_file", "/c", env="AWS_CONFIG_FILE"),
    row(
        "role_arn",
        "arn:aws:iam::123456789012:role/r",
        names=(
            "aws_role_arn s3.role-arn aws_iam_role_arn aws_s3_assume_role_arn client.role-arn client.assume-role.arn"
        ),
        env="AWS_ROLE_ARN",
        store={"config.role_arn": "arn:aws:iam::123456789012:role/r"},
    ),
    row(
        "web_identity_token_file",
        "/token",
        names="aws_web_identity_token_file",
        env="AWS_WEB_IDENTITY_TOKEN_FILE",
        store={"config.web_identity_token_file": "/token"},
    ),
    row(
        "role_session_name",
        "me",
        names=(
            "aws_role_session_name session_name s3.role-session-name aws_iam_role_session_name "
            "aws_s3_role_session_name client.role-session-name client.assume-role.session-name"
        ),
        env="AWS_ROLE_SESSION_NAME",
        store={"config.role_session_name": "me"},
    ),
    row("external_id", "x", names="client.assume-role.external-id ExternalId"),
    row("load_frequency", "900", value=timedelta(seconds=900)),
    row(
        "endpoint_url_sts",
        "https://sts.example",
        names="aws_endpoint_url_sts",
        env="AWS_ENDPOINT_URL_STS",
        store={"config.endpoint_url_sts": "https://sts.example"},
    ),
    row(
        "metadata_endpoint",
        "http://169.254.169.254",
        names="aws_metadata_endpoint",
        env="AWS_METADATA_ENDPOINT AWS_EC2_METADATA_SERVICE_ENDPOINT",
        store={"config.metadata_endpoint": "http://169.254.169.254"},
    ),
    row(
        "imdsv1_fallback",
        "true",
        value=True,
        names="aws_imdsv1_fallback",
        other_names={"AWS_EC2_METADATA_V1_DISABLED": "false"},
        env="AWS_IMDSV1_FALLBACK",
        other_env={"AWS_EC2_METADATA_V1_DISABLED": "false"},
        store={"config.imdsv1_fallback": True},
    ),
    row("disable_ec2_metadata", "true", value=True, names="aws_ec2_metadata_disabled", env="AWS_EC2_METADATA_DISABLED"),
    row(
        "container_credentials_relative_uri",
        "/v2/c",
        names="aws_container_credentials_relative_uri",
        env="AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        store={"config.container_credentials_relative_uri": "/v2/c"},
    ),
    row(
        "container_credentials_full_uri",
        "http://169.254.170.2/c",
        names="aws_container_credentials_full_uri",
        env="AWS_CONTAINER_CREDENTIALS_FULL_URI",
        store={"config.container_credentials_full_uri": "http://169.254.170.2/c"},
    ),
    row(
        "container_authorization_token_file",
        "/t",
        names="aws_container_authorization_token_file",
        env="AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        store={"config.container_authorization_token_file": "/t"},
    ),
    row("container_authorization_token", "t", env="AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    row("aws_provider_scheme", "irsa"),
    row("auth_type", "access_key", also={"access_key_id": "AKIA", "secret_access_key": "sk"}),
    row("request_signer", print, names="s3.signer", sdk={"anon": True}),
    row("request_signer_uri", "https://sign.example", names="s3.signer.uri"),
    row("request_signer_endpoint", "v1/sign", names="s3.signer.endpoint"),
    row("remote_signing", "false", value=False, names="s3.remote-signing-enabled"),
    row("aws_temp_credentials", {}),
    row("r2_temp_credentials", {}),
    row(
        "request_payer",
        "true",
        value=True,
        names="requester_pays aws_request_payer",
        other_names={"s3_additional_kwargs.RequestPayer": "requester"},
        env="AWS_REQUEST_PAYER",
        store={"config.request_payer": True},
        sdk={"requester_pays": True},
    ),
    row(
        "server_side_encryption",
        "aws:kms",
        names="aws_server_side_encryption s3_additional_kwargs.ServerSideEncryption s3.server-side-encryption",
        other_names={"s3.sse.type": "kms"},
        env="AWS_SERVER_SIDE_ENCRYPTION",
        store={"config.server_side_encryption": "aws:kms"},
        sdk={"s3_additional_kwargs.ServerSideEncryption": "aws:kms"},
    ),
    row(
        "sse_kms_key_id",
        "k1",
        also={"server_side_encryption": "aws:kms"},
        names="aws_sse_kms_key_id s3_additional_kwargs.SSEKMSKeyId s3.sse-kms-key-id",
        env="AWS_SSE_KMS_KEY_ID",
        store={"config.sse_kms_key_id": "k1"},
        sdk={"s3_additional_kwargs.SSEKMSKeyId": "k1"},
    ),
    row(
        "sse_bucket_key_enabled",
        "true",
        value=True,
        names="aws_sse_bucket_key_enabled s3_additional_kwargs.BucketKeyEnabled",
        env="AWS_SSE_BUCKET_KEY_ENABLED",
        store={"config.sse_bucket_key_enabled": True},
        sdk={"s3_additional_kwargs.BucketKeyEnabled": True},
    ),
    row(
        "sse_customer_key_base64",
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        names="aws_sse_customer_key_base64",
        other_names={"s3_additional_kwargs.SSECustomerKey": RAW_KEY},
        env="AWS_SSE_CUSTOMER_KEY_BASE64",
        store={
            "config.sse_customer_key_base64": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            "config.server_side_encryption": "sse-c",
        },
        sdk={"s3_additional_kwargs.SSECustomerKey": RAW_KEY, "s3_additional_kwargs.SSECustomerAlgorithm": "AES256"},
    ),
    row("s3_additional_kwargs.SSECustomerAlgorithm", "AES256"),
    row(
        "s3.sse.key",
        "k1",
        also={"server_side_encryption": "aws:kms"},
        store={"config.sse_kms_key_id": "k1"},
        sdk={"s3_additional_kwargs.SSEKMSKeyId": "k1"},
    ),
    row("s3.sse.md5", "md5", names="s3_additional_kwargs.SSECustomerKeyMD5"),
    row(
        "checksum_algorithm",
        "sha256",
        value="SHA256",
        names="aws_checksum_algorithm s3_additional_kwargs.ChecksumAlgorithm",
        env="AWS_CHECKSUM_ALGORITHM",
        store={"config.checksum_algorithm": "sha256"},
        sdk={"s3_additional_kwargs.ChecksumAlgorithm": "SHA256"},
    ),
    row(
        "request_checksum_calculation",
        "when_required",
        names="config_kwargs.request_checksum_calculation",
        env="AWS_REQUEST_CHECKSUM_CALCULATION",
        sdk={"config_kwargs.request_checksum_calculation": "when_required"},
    ),
    row(
        "response_checksum_validation",
        "when_required",
        names="config_kwargs.response_checksum_validation",
        env="AWS_RESPONSE_CHECKSUM_VALIDATION",
        sdk={"config_kwargs.response_checksum_validation": "when_required"},
    ),
    row(
        "unsigned_payload",
        "true",
        value=True,
        names="aws_unsigned_payload",
        other_names={"config_kwargs.s3.payload_signing_enabled": "false"},
        env="AWS_UNSIGNED_PAYLOAD",
        store={"config.unsigned_payload": True},
        sdk={"config_kwargs.s3.payload_signing_enabled": False},
    ),
    row(
        "signature_version",
        "s3v4",
        names="config_kwargs.signature_version",
        sdk={"config_kwargs.signature_version": "s3v4"},
    ),
    row(
        "conditional_put",
        "disabled",
        names="aws_conditional_put",
        env="AWS_CONDITIONAL_PUT",
        store={"config.conditional_put": "disabled"},
    ),
    row(
        "copy_if_not_exists",
        "multipart",
        names="aws_copy_if_not_exists",
        env="AWS_COPY_IF_NOT_EXISTS",
        store={"config.copy_if_not_exists": "multipart"},
    ),
    row(
        "disable_tagging",
        "true",
        value=True,
        names="aws_disable_tagging",
        env="AWS_DISABLE_TAGGING",
        store={"config.disable_tagging": True},
    ),
    row(
        "disable_bulk_delete",
        "true",
        value=True,
        names="aws_disable_bulk_delete",
        env="AWS_DISABLE_BULK_DELETE",
        store={"config.disable_bulk_delete": True},
    ),
    row(
        "storage_class",
        "STANDARD_IA",
        names="s3_additional_kwargs.StorageClass s3.write.storage-class",
        sdk={"s3_additional_kwargs.StorageClass": "STANDARD_IA"},
    ),
    row(
        "acl",
        "public-read",
        names="s3_additional_kwargs.ACL s3.acl",
        store={"client.default_headers": {"x-amz-acl": "public-read"}},
        sdk={"s3_additional_kwargs.ACL": "public-read"},
    ),
    row("s3_additional_kwargs.ContentType", "text/csv", sdk={"s3_additional_kwargs.ContentType": "text/csv"}),
    row("s3_additional_kwargs.CacheControl", "no-store", sdk={"s3_additional_kwargs.CacheControl": "no-store"}),
    row("s3_additional_kwargs.ContentDisposition", "inline", sdk={"s3_additional_kwargs.ContentDisposition": "inline"}),
    row("s3_additional_kwargs.ContentEncoding", "gzip", sdk={"s3_additional_kwargs.ContentEncoding": "gzip"}),
    row("s3_additional_kwargs.ContentLanguage", "de", sdk={"s3_additional_kwargs.ContentLanguage": "de"}),
    row("s3_additional_kwargs.Metadata", {"a": "1"}, sdk={"s3_additional_kwargs.Metadata": {"a": "1"}}),
    row("s3_additional_kwargs.Tagging", "a=1&b=2", sdk={"s3_additional_kwargs.Tagging": "a=1&b=2"}),
    row("version_aware", "true", value=True, sdk={"version_aware": True}),
    row("max_concurrency", "4", value=4, sdk={"max_concurrency": 4}),
    row("fixed_upload_size", "true", value=True, sdk={"fixed_upload_size": True}),
    row("local_expiry_check", "true", value=True, sdk={"local_expiry_check": True}),
    row(
        "allow_http",
        "true",
        value=True,
        names="aws_allow_http",
        env="AWS_ALLOW_HTTP",
        store={"client.allow_http": True},
    ),
    row(
        "allow_invalid_certificates",
        "true",
        value=True,
        names="aws_allow_invalid_certificates allow_insecure",
        env="AWS_ALLOW_INVALID_CERTIFICATES",
        store={"client.allow_invalid_certificates": True},
        sdk={"client_kwargs.verify": False},
    ),
    row(
        "root_certificate",
        "/ca.pem",
        value=Path("/ca.pem"),
        names="tls_ca_file_path",
        env="AWS_CA_BUNDLE REQUESTS_CA_BUNDLE",
        store={"client.root_certificate": Path("/ca.pem")},
        sdk={"client_kwargs.verify": "/ca.pem"},
    ),
    row(
        "disable_system_certificates",
        "true",
        value=True,
        names="aws_disable_system_certificates",
        env="AWS_DISABLE_SYSTEM_CERTIFICATES",
        store={"client.disable_system_certificates": True},
    ),
    row(
        "connect_timeout",
        "3",
        value=timedelta(seconds=3),
        names="aws_connect_timeout connection_timeout config_kwargs.connect_timeout s3.connect-timeout",
        env="AWS_CONNECT_TIMEOUT",
        store={"client.connect_timeout": timedelta(seconds=3)},
        sdk={"config_kwargs.connect_timeout": 3.0},
    ),
    row(
        "read_timeout",
        "3",
        value=timedelta(seconds=3),
        names="aws_read_timeout request_timeout config_kwargs.read_timeout s3.request-timeout",
        env="AWS_READ_TIMEOUT",
        store={"client.read_timeout": timedelta(seconds=3)},
        sdk={"config_kwargs.read_timeout": 3.0},
    ),
    row(
        "timeout",
        "3",
        value=timedelta(seconds=3),
        names="aws_timeout",
        env="AWS_TIMEOUT",
        store={"client.timeout": timedelta(seconds=3)},
    ),
    row(
        "default_content_type",
        "text/csv",
        names="aws_default_content_type",
        env="AWS_DEFAULT_CONTENT_TYPE",
        store={"client.default_content_type": "text/csv"},
        sdk={"s3_additional_kwargs.ContentType": "text/csv"},
    ),
    row("default_headers", {"x-a": "b"}, store={"client.default_headers": {"x-a": "b"}}),
    row(
        "user_agent",
        "me/1",
        names="aws_user_agent config_kwargs.user_agent",
        env="AWS_USER_AGENT",
        store={"client.user_agent": "me/1"},
        sdk={"config_kwargs.user_agent": "me/1"},
    ),
    row(
        "http1_only",
        "true",
        value=True,
        names="aws_http1_only",
        env="AWS_HTTP1_ONLY",
        store={"client.http1_only": True},
    ),
    row(
        "http2_only",
        "true",
        value=True,
        names="aws_http2_only",
        env="AWS_HTTP2_ONLY",
        store={"client.http2_only": True},
    ),
    row(
        "http2_keep_alive_interval",
        "3",
        value=timedelta(seconds=3),
        names="aws_http2_keep_alive_interval",
        env="AWS_HTTP2_KEEP_ALIVE_INTERVAL",
        store={"client.http2_keep_alive_interval": timedelta(seconds=3)},
    ),
    row(
        "http2_keep_alive_timeout",
        "3",
        value=timedelta(seconds=3),
        names="aws_http2_keep_alive_timeout",
        env="AWS_HTTP2_KEEP_ALIVE_TIMEOUT",
        store={"client.http2_keep_alive_timeout": timedelta(seconds=3)},
    ),
    row(
        "http2_keep_alive_while_idle",
        "true",
        value=True,
        names="aws_http2_keep_alive_while_idle",
        env="AWS_HTTP2_KEEP_ALIVE_WHILE_IDLE",
        store={"client.http2_keep_alive_while_idle": True},
    ),
    row(
        "http2_max_frame_size",
        "20000",
        value=20000,
        names="aws_http2_max_frame_size",
        env="AWS_HTTP2_MAX_FRAME_SIZE",
        store={"client.http2_max_frame_size": "20000"},
    ),
    row(
        "pool_idle_timeout",
        "3",
        value=timedelta(seconds=3),
        names="aws_pool_idle_timeout AWS_S3_POOL_IDLE_TIMEOUT_SECONDS config_kwargs.connector_args.keepalive_timeout",
        env="AWS_POOL_IDLE_TIMEOUT",
        store={"client.pool_idle_timeout": timedelta(seconds=3)},
        sdk={"config_kwargs.connector_args.keepalive_timeout": 3.0},
    ),
    row(
        "pool_max_idle_per_host",
        "20000",
        value=20000,
        names="aws_pool_max_idle_per_host",
        env="AWS_POOL_MAX_IDLE_PER_HOST",
        store={"client.pool_max_idle_per_host": "20000"},
    ),
    row(
        "proxy_url",
        "http://user:pw@proxy:3128",
        names="aws_proxy_url s3.proxy-uri",
        other_names={"proxy_options": PROXY_OPTIONS},
        env="AWS_PROXY_URL",
        store={"client.proxy_url": "http://user:pw@proxy:3128"},
        sdk={"config_kwargs.proxies": {"http": "http://user:pw@proxy:3128", "https": "http://user:pw@proxy:3128"}},
    ),
    row(
        "proxy_ca_certificate",
        "/ca.pem",
        value=Path("/ca.pem"),
        names="aws_proxy_ca_certificate config_kwargs.proxies_config.proxy_ca_bundle",
        env="AWS_PROXY_CA_CERTIFICATE",
        store={"client.proxy_ca_certificate": Path("/ca.pem")},
        sdk={"config_kwargs.proxies_config.proxy_ca_bundle": "/ca.pem"},
    ),
    row(
        "proxy_excludes",
        "a,b",
        names="aws_proxy_excludes",
        env="AWS_PROXY_EXCLUDES",
        store={"client.proxy_excludes": "a,b"},
    ),
    row(
        "randomize_addresses",
        "true",
        value=True,
        names="aws_randomize_addresses",
        env="AWS_RANDOMIZE_ADDRESSES",
        store={"client.randomize_addresses": True},
    ),
    row(
        "max_retries",
        "3",
        value=3,
        names="client_max_retries config_kwargs.retries.max_attempts AWS_S3_GET_INTERNAL_SERVER_ERROR_RETRIES",
        other_names={
            "retry_strategy": RetryStrategy(max_attempts=4),
            "config_kwargs.retries.total_max_attempts": 4,
            "AWS_MAX_ATTEMPTS": "4",
            "s3.retry-strategy-impl": 4,
        },
        other_env={"AWS_MAX_ATTEMPTS": "4"},
        store={"retry.max_retries": 3},
        sdk={"config_kwargs.retries.max_attempts": 3},
    ),
    row(
        "retry_timeout",
        "3",
        value=timedelta(seconds=3),
        names="client_retry_timeout retry_time_limit",
        other_names={"retry_timeout_ms": "3000"},
        store={"retry.retry_timeout": timedelta(seconds=3)},
    ),
    row(
        "backoff.init_backoff",
        "3",
        value=timedelta(seconds=3),
        other_names={"retry_init_backoff_ms": "3000"},
        store={"retry.backoff.init_backoff": timedelta(seconds=3)},
    ),
    row(
        "backoff.max_backoff",
        "3",
        value=timedelta(seconds=3),
        other_names={"retry_max_backoff_ms": "3000"},
        store={"retry.backoff.max_backoff": timedelta(seconds=3)},
    ),
    row("backoff.base", "3", value=3.0, names="retry_base_multiplier", store={"retry.backoff.base": 3.0}),
    row("backoff", {}),
    row("asynchronous", "true", value=True),
    row("loop", OBJECT),
    row("batch_size", "7", value=7),
    row("skip_instance_cache", "true", value=True),
    row("use_listings_cache", "true", value=True, sdk={"use_listings_cache": True}),
    row(
        "listings_expiry_time",
        "3",
        value=timedelta(seconds=3),
        names="cache_timeout",
        sdk={"listings_expiry_time": 3.0},
    ),
    row("max_paths", "7", value=7, sdk={"max_paths": 7}),
    row("default_block_size", "1024", value=1024, names="block_size blocksize", sdk={"default_block_size": 1024}),
    row("default_cache_type", "bytes", sdk={"default_cache_type": "bytes"}),
    row("default_fill_cache", "false", value=False, sdk={"default_fill_cache": False}),
    row("max_cache_size", "7", value=7),
    row("automatic_cleanup", "true", value=True),
    row("mkdir", "true", value=True),
    row("config", {}),
    row("client_options", {}),
    row("retry_config", {}),
    row("engine", "sdk"),
    row("storage_options_provider", OBJECT, names="fetch_storage_options"),
    row("credential_provider", OBJECT),
    row("provider_id", "p"),
    row("refresh_margin", "3", value=timedelta(seconds=3)),
    row("provider_timeout", "3", value=timedelta(seconds=3)),
    row("config_profile", "p"),
    row("url_options", {"a": 1}),
    row("client_kwargs", {"other": 1}, sdk={"client_kwargs.other": 1}),
    row("config_kwargs", {"other": 1}, sdk={"config_kwargs.other": 1}),
    row("config_kwargs.s3", {"other": 1}, sdk={"config_kwargs.s3.other": 1}),
    row("config_kwargs.retries", {"other": 1}, sdk={"config_kwargs.retries.other": 1}),
    row("config_kwargs.proxies_config", {"other": 1}, sdk={"config_kwargs.proxies_config.other": 1}),
    row("config_kwargs.connector_args", {"other": 1}, sdk={"config_kwargs.connector_args.other": 1}),
    row("s3_additional_kwargs", {"other": 1}, sdk={"s3_additional_kwargs.other": 1}),
    row("provider_params", {"other": 1}, sdk={"client_kwargs.other": 1}),
    row(
        "config_kwargs.proxies",
        {"https": "http://user:pw@proxy:3128"},
        store={"client.proxy_url": "http://user:pw@proxy:3128"},
        sdk={"config_kwargs.proxies": {"http": "http://user:pw@proxy:3128", "https": "http://user:pw@proxy:3128"}},
    ),
    row(
        "client_kwargs.verify",
        "/ca.pem",
        store={"client.root_certificate": Path("/ca.pem")},
        sdk={"client_kwargs.verify": "/ca.pem"},
    ),
    row("config_kwargs.account_id_endpoint_mode", "x", sdk={"config_kwargs.account_id_endpoint_mode": "x"}),
    row("config_kwargs.defaults_mode", "x", sdk={"config_kwargs.defaults_mode": "x"}),
    row("config_kwargs.disable_request_compression", "x", sdk={"config_kwargs.disable_request_compression": "x"}),
    row("config_kwargs.endpoint_discovery_enabled", "x", sdk={"config_kwargs.endpoint_discovery_enabled": "x"}),
    row("config_kwargs.http_session_cls", "x", sdk={"config_kwargs.http_session_cls": "x"}),
    row("config_kwargs.inject_host_prefix", "x", sdk={"config_kwargs.inject_host_prefix": "x"}),
    row("config_kwargs.max_pool_connections", 50, sdk={"config_kwargs.max_pool_connections": 50}),
    row("config_kwargs.parameter_validation", False, sdk={"config_kwargs.parameter_validation": False}),
    row(
        "config_kwargs.request_min_compression_size_bytes",
        "x",
        sdk={"config_kwargs.request_min_compression_size_bytes": "x"},
    ),
    row("config_kwargs.retries.mode", "adaptive", env="AWS_RETRY_MODE", sdk={"config_kwargs.retries.mode": "adaptive"}),
    row("config_kwargs.s3.us_east_1_regional_endpoint", "x", sdk={"config_kwargs.s3.us_east_1_regional_endpoint": "x"}),
    row("config_kwargs.tcp_keepalive", True, sdk={"config_kwargs.tcp_keepalive": True}),
    row("config_kwargs.user_agent_appid", "x", sdk={"config_kwargs.user_agent_appid": "x"}),
    row("config_kwargs.user_agent_extra", "x", sdk={"config_kwargs.user_agent_extra": "x"}),
    row("config_kwargs.warm_up_loader_caches", "x", sdk={"config_kwargs.warm_up_loader_caches": "x"}),
)
