"""The option table of S3: where the service is, the dicts that s3fs takes, and all other rows put together."""

from __future__ import annotations

from typing import Any, Final

from objfs.clouds._common import (
    FRAMEWORK_ROWS,
    IGNORABLE,
    OBJFS_ROWS,
    RETRY_ROWS,
    client_rows,
    encrypted_scheme,
    refined,
    retries_of,
    seconds,
)
from objfs.clouds.s3_identity_rows import IDENTITY_ROWS, opposite
from objfs.clouds.s3_request_rows import REQUEST_ROWS
from objfs.options import Option, OptionTable

# Settings of botocore and aiobotocore that change how fast or how patiently requests are made, or what is logged of
# them, but not what they do: the data plane can do without them.
TUNING: Final = (
    "account_id_endpoint_mode",
    "defaults_mode",
    "disable_request_compression",
    "endpoint_discovery_enabled",
    "http_session_cls",
    "inject_host_prefix",
    "max_pool_connections",
    "parameter_validation",
    "request_min_compression_size_bytes",
    "retries.mode",
    "s3.us_east_1_regional_endpoint",
    "tcp_keepalive",
    "user_agent_appid",
    "user_agent_extra",
    "warm_up_loader_caches",
)
_TUNING_ENV: Final = {"retries.mode": ("AWS_RETRY_MODE",)}


def addressing(value: Any) -> bool | None:
    """The word of botocore for virtual-hosted requests; ``auto`` is what it does unasked."""
    styles = {"virtual": True, "path": False, "auto": None}
    try:
        return styles[str(value).strip().lower()]
    except KeyError:
        msg = f"expected one of {', '.join(styles)}"
        raise ValueError(msg) from None


PLACE_ROWS: Final = (
    Option(
        name="bucket",
        meaning="Bucket of an endpoint that holds its name; paths name their own.",
        aliases=("aws_bucket", "aws_bucket_name", "bucket_name"),
        env=("AWS_BUCKET", "AWS_BUCKET_NAME"),
    ),
    Option(name="prefix", meaning="Prefix of obstore's stores; paths hold it."),
    Option(
        name="region",
        meaning="AWS region.",
        aliases=("aws_region", "client_kwargs.region_name", "config_kwargs.region_name", "region_name", "s3.region"),
        weak_aliases=("client.region",),
        env=("AWS_REGION", "AWS_DEFAULT_REGION"),
        store="config.region",
        sdk="client_kwargs.region_name",
    ),
    Option(
        name="default_region",
        meaning="AWS region where none is set.",
        aliases=("aws_default_region",),
        env=("AWS_DEFAULT_REGION",),
    ),
    Option(
        name="endpoint",
        meaning="URL of the server, without the bucket.",
        aliases=(
            "aws_endpoint",
            "aws_endpoint_url",
            "endpoint_url",
            "client_kwargs.endpoint_url",
            "endpoint_override",
            "provider_params.endpoint_url",
            "s3.endpoint",
        ),
        env=("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        store="config.aws_endpoint_url_s3",
        sdk="endpoint_url",
    ),
    Option(
        name="aws_endpoint_url_s3",
        meaning="The same, for S3 alone; goes before endpoint.",
        env=("AWS_ENDPOINT_URL_S3",),
        store="config.aws_endpoint_url_s3",
        sdk="endpoint_url",
    ),
    Option(
        name="ignore_configured_endpoint_urls",
        meaning="Take no endpoint from the environment or from files.",
        kind="bool",
        aliases=("config_kwargs.ignore_configured_endpoint_urls",),
        env=("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",),
        sdk="config_kwargs.ignore_configured_endpoint_urls",
    ),
    Option(
        name="use_ssl",
        meaning="TLS where the endpoint has no scheme, and for the hosts of AWS.",
        kind="bool",
        aliases=("client_kwargs.use_ssl",),
        readings={"scheme": encrypted_scheme},
        sdk="use_ssl",
    ),
    Option(
        name="virtual_hosted_style_request",
        meaning="Name the bucket in the host (true) or in the path (false).",
        kind="bool",
        aliases=("aws_virtual_hosted_style_request", "force_virtual_addressing", "s3.force-virtual-addressing"),
        inverse_aliases=("s3.path-style-access",),
        readings={"config_kwargs.s3.addressing_style": addressing, "AWS_S3_ADDRESSING_STYLE": addressing},
        env=("AWS_VIRTUAL_HOSTED_STYLE_REQUEST",),
        store="config.virtual_hosted_style_request",
        sdk="config_kwargs.s3.addressing_style",
        to_sdk=lambda virtual: "virtual" if virtual else "path",
    ),
    Option(
        name="s3_express",
        meaning="Sessions of directory buckets; on by itself for their names (--x-s3).",
        kind="bool",
        aliases=("aws_s3_express",),
        inverse_aliases=("config_kwargs.s3_disable_express_session_auth",),
        readings={"AWS_S3_DISABLE_EXPRESS_SESSION_AUTH": opposite},
        env=("AWS_S3_EXPRESS", "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH"),
        store="config.s3_express",
        sdk="config_kwargs.s3_disable_express_session_auth",
        to_sdk=lambda sessions: not sessions,
    ),
    Option(
        name="use_dualstack_endpoint",
        meaning="Hosts of AWS that have IPv6 addresses too.",
        kind="bool",
        aliases=("config_kwargs.use_dualstack_endpoint", "s3.dualstack-enabled"),
        env=("AWS_USE_DUALSTACK_ENDPOINT",),
        sdk="config_kwargs.use_dualstack_endpoint",
    ),
    Option(
        name="use_fips_endpoint",
        meaning="Hosts of AWS with FIPS 140 cryptography.",
        kind="bool",
        aliases=("config_kwargs.use_fips_endpoint",),
        env=("AWS_USE_FIPS_ENDPOINT",),
        sdk="config_kwargs.use_fips_endpoint",
    ),
    Option(
        name="use_accelerate_endpoint",
        meaning="S3 Transfer Acceleration.",
        kind="bool",
        aliases=("config_kwargs.s3.use_accelerate_endpoint", "s3.acceleration-enabled"),
        sdk="config_kwargs.s3.use_accelerate_endpoint",
    ),
    Option(
        name="use_arn_region",
        meaning="Take the region of an access point from its ARN.",
        kind="bool",
        aliases=("config_kwargs.s3.use_arn_region", "s3.use-arn-region-enabled"),
        env=("AWS_S3_USE_ARN_REGION",),
        sdk="config_kwargs.s3.use_arn_region",
    ),
    Option(
        name="cache_regions",
        meaning="Look up the region of each bucket, where neither region nor endpoint is given.",
        kind="bool",
        aliases=("s3.resolve-region",),
        sdk="cache_regions",
    ),
    Option(name="provider", meaning="Provider, in files of cshelve.", values=("aws-s3",)),
)

BEHAVIOUR_ROWS: Final = (
    Option(
        name="version_aware",
        meaning="Read and list versions of objects.",
        kind="bool",
        sdk="version_aware",
        sdk_only=True,
    ),
    Option(
        name="max_concurrency",
        meaning="Requests for one object in flight at a time, by default as many as move 96 MiB when reading; and "
        "objects that one call works on, unless `batch_size` says otherwise.",
        kind="int",
        sdk="max_concurrency",
    ),
    Option(
        name="fixed_upload_size",
        meaning="Parts of one size, as R2 wants them; the data plane's always are.",
        kind="bool",
        sdk="fixed_upload_size",
    ),
    Option(
        name="local_expiry_check",
        meaning="Compare ETags here, for servers that reject If-Match on reads.",
        kind="bool",
        sdk="local_expiry_check",
    ),
)


def _dict(name: str, meaning: str, **more: Any) -> Option:
    """A dict of s3fs: rows know some members, and the others are for the SDK alone."""
    return Option(name=name, meaning=meaning, kind="dict", secret=True, **{"sdk": name, "sdk_only": True, **more})


DICT_ROWS: Final = (
    _dict("client_kwargs", "Keywords of botocore's client.", members="client_kwargs."),
    _dict("config_kwargs", "Settings of botocore's client.", members="config_kwargs."),
    _dict("config_kwargs.s3", "Settings of botocore's S3 client.", members="config_kwargs.s3."),
    _dict("config_kwargs.retries", "Retries of botocore.", members="config_kwargs.retries."),
    _dict("config_kwargs.proxies_config", "TLS of proxies.", members="config_kwargs.proxies_config."),
    _dict(
        "config_kwargs.connector_args",
        "Settings of aiohttp's connections.",
        members="config_kwargs.connector_args.",
        sdk_only=False,
    ),
    _dict("s3_additional_kwargs", "Parameters added to every call that knows them.", members="s3_additional_kwargs."),
    _dict(
        "provider_params",
        "Keywords of botocore's client, in files of cshelve.",
        members="client_kwargs.",
        sdk="client_kwargs",
    ),
    _dict("config_kwargs.proxies", "Proxies by scheme, as a dict.", sdk_only=False),
    Option(
        name="client_kwargs.verify",
        meaning="Whether to check certificates, or the path of the authorities to trust.",
        kind="object",
        sdk="client_kwargs.verify",
    ),
    *(
        Option(
            name=f"config_kwargs.{name}",
            meaning="Tuning of the SDK plane.",
            kind="object",
            sdk=f"config_kwargs.{name}",
            env=_TUNING_ENV.get(name, ()),
        )
        for name in TUNING
    ),
)

CLIENT_ROWS: Final = refined(
    client_rows("aws"),
    {
        "allow_invalid_certificates": {"sdk": "client_kwargs.verify", "to_sdk": lambda allowed: not allowed},
        "root_certificate": {
            "env": ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
            "sdk": "client_kwargs.verify",
            "to_sdk": str,
        },
        "connect_timeout": {
            "aliases": ("config_kwargs.connect_timeout", "s3.connect-timeout"),
            "sdk": "config_kwargs.connect_timeout",
            "to_sdk": seconds,
        },
        "read_timeout": {
            "aliases": ("config_kwargs.read_timeout", "s3.request-timeout"),
            "sdk": "config_kwargs.read_timeout",
            "to_sdk": seconds,
        },
        "default_content_type": {"sdk": "s3_additional_kwargs.ContentType"},
        "user_agent": {"aliases": ("config_kwargs.user_agent",), "sdk": "config_kwargs.user_agent"},
        "pool_idle_timeout": {
            "aliases": ("AWS_S3_POOL_IDLE_TIMEOUT_SECONDS", "config_kwargs.connector_args.keepalive_timeout"),
            "sdk": "config_kwargs.connector_args.keepalive_timeout",
            "to_sdk": seconds,
        },
        "proxy_url": {
            "aliases": ("s3.proxy-uri",),
            "sdk": "config_kwargs.proxies",
            "to_sdk": lambda url: {"http": url, "https": url},
        },
        "proxy_ca_certificate": {
            "aliases": ("config_kwargs.proxies_config.proxy_ca_bundle",),
            "sdk": "config_kwargs.proxies_config.proxy_ca_bundle",
            "to_sdk": str,
        },
    },
)

S3_RETRY_ROWS: Final = refined(
    RETRY_ROWS,
    {
        "max_retries": {
            "aliases": ("config_kwargs.retries.max_attempts", "AWS_S3_GET_INTERNAL_SERVER_ERROR_RETRIES"),
            "readings": {
                "config_kwargs.retries.total_max_attempts": retries_of,
                "AWS_MAX_ATTEMPTS": retries_of,
                "s3.retry-strategy-impl": retries_of,
            },
            "env": ("AWS_MAX_ATTEMPTS",),
            "sdk": "config_kwargs.retries.max_attempts",
        },
    },
)

ROWS: Final = (
    *PLACE_ROWS,
    *IDENTITY_ROWS,
    *REQUEST_ROWS,
    *BEHAVIOUR_ROWS,
    *CLIENT_ROWS,
    *S3_RETRY_ROWS,
    *FRAMEWORK_ROWS,
    *OBJFS_ROWS,
    *DICT_ROWS,
)

TABLE: Final = OptionTable(ROWS, tuple(name for names in IGNORABLE.values() for name in names))
