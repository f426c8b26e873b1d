"""A cloud with the credential rows of S3 only, so that these tests hold whatever the real table says."""

from __future__ import annotations

from typing import Any

from objfs.clouds._cloud import Cloud, ParsedUrl, StoreArguments
from objfs.clouds.s3 import S3
from objfs.options import Layer, Option, OptionTable, Origin, Settings, environment_layer, translate
from objfs.types import Location

KEY = ("aws_access_key_id", "key", "s3.access-key-id", "aws_temp_credentials.access_key_id")
SECRET = ("aws_secret_access_key", "secret", "s3.secret-access-key", "aws_temp_credentials.secret_access_key")
TOKEN = ("aws_session_token", "token", "s3.session-token", "aws_temp_credentials.session_token")
EXPIRY = ("expires_at_millis", "s3.session-token-expires-at-ms", "expiration_time")


def _row(name: str, *aliases: str, env: str = "", **more: Any) -> Option:
    return Option(name=name, meaning=name, aliases=aliases, env=tuple(env.split()), **more)


TABLE = OptionTable(
    (
        _row("access_key_id", *KEY, env="AWS_ACCESS_KEY_ID", identity=True),
        _row("secret_access_key", *SECRET, env="AWS_SECRET_ACCESS_KEY", identity=True, secret=True),
        _row("session_token", *TOKEN, env="AWS_SESSION_TOKEN", identity=True, secret=True),
        _row("expires_at", *EXPIRY, kind="timestamp", identity=True),
        _row("skip_signature", "anon", kind="bool", identity=True),
        _row("profile", env="AWS_PROFILE", identity=True),
        _row("role_arn", env="AWS_ROLE_ARN"),
        _row("role_session_name", env="AWS_ROLE_SESSION_NAME"),
        _row("external_id"),
        _row("load_frequency", kind="duration"),
        _row("web_identity_token_file", env="AWS_WEB_IDENTITY_TOKEN_FILE"),
        _row("shared_credentials_file", env="AWS_SHARED_CREDENTIALS_FILE"),
        _row("config_file", env="AWS_CONFIG_FILE"),
        _row("metadata_endpoint", env="AWS_EC2_METADATA_SERVICE_ENDPOINT"),
        _row("imdsv1_fallback", kind="bool"),
        _row("disable_ec2_metadata", kind="bool", env="AWS_EC2_METADATA_DISABLED"),
        _row("container_credentials_relative_uri", env="AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        _row("container_credentials_full_uri", env="AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        _row("container_authorization_token_file", env="AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        _row("container_authorization_token", env="AWS_CONTAINER_AUTHORIZATION_TOKEN", secret=True),
        _row("endpoint_url_sts", env="AWS_ENDPOINT_URL_STS"),
        _row("region", env="AWS_REGION"),
        _row("endpoint", "endpoint_url"),
        _row("storage_options_provider", kind="object", identity=True),
        _row("credential_provider", kind="object", identity=True),
        _row("session", kind="object", identity=True),
    )
)


CLOUD = Cloud(
    name="s3",
    schemes=("s3",),
    extra="s3",
    table=TABLE,
    credential_options=("access_key_id", "secret_access_key", "session_token", "expires_at"),
    positional=(),
    split=Location,
    parse_url=lambda url: ParsedUrl(Location(url)),
    resolve=lambda settings: settings,
    store_arguments=lambda _settings, bucket: StoreArguments(bucket, {}, {}, {}),
    sdk_keywords=lambda _settings: {},
    store_refusal=lambda _settings, _bucket: None,
    write_parameters=lambda _settings: {},
    sufficient=S3.sufficient,
    store_class="S3Store",
    native_config=lambda _settings: {},
    read_keywords=frozenset(),
    data_keywords=frozenset(),
    content_type=lambda _value: {},
    attributes=lambda _keywords: ({}, {}),
    parts=S3.parts,
    copy_bytes=None,
    suffix_ranges=True,
    errors=S3.errors,
    url_keywords=lambda _url: {},
    split_version=lambda location: location,
    with_version=lambda location: location.path,
    check_url=lambda _settings, _url: None,
    condition="e_tag",
    listed_state="ETag",
    info=S3.info,
    words=S3.words,
    signing=S3.signing,
    exclusive_copy=S3.exclusive_copy,
    permissions=S3.permissions,
    uploads_begin=S3.uploads_begin,
    strip=lambda path: path,
)


def settings_of(environ: dict[str, str] | None = None, **keywords: Any) -> Settings:
    """Settings of keywords and an environment."""
    return translate(TABLE, [Layer(Origin.KEYWORD, keywords), environment_layer(TABLE, environ or {})])
