"""Option rows that every cloud shares: the HTTP client, retries, fsspec's own keywords and those of objfs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from objfs.casts import as_float, as_mapping, as_milliseconds
from objfs.options import Option
from objfs.records import replace

# What is said of options that the peers have given up, and take without effect.
LEAVE_OUT: Final = "it has no effect; leave it out"

# Names that travel in storage options but configure something else, by the vocabulary that they come from.
IGNORABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "delta": (
        "AWS_S3_ALLOW_UNSAFE_RENAME",
        "AWS_S3_LOCKING_PROVIDER",
        "DELTA_DYNAMO_TABLE_NAME",
        "DELTA_DYNAMO_BILLING_MODE",
        "DELTA_DYNAMO_MAX_ELAPSED_REQUEST_TIME",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_REGION_DYNAMODB",
        "AWS_ACCESS_KEY_ID_DYNAMODB",
        "AWS_SECRET_ACCESS_KEY_DYNAMODB",
        "AWS_SESSION_TOKEN_DYNAMODB",
        "AWS_STS_POOL_IDLE_TIMEOUT_SECONDS",
        "AWS_EC2_METADATA_TIMEOUT",
        "AWS_FORCE_CREDENTIAL_LOAD",
    ),
    "lance": (
        "download_retry_count",
        "block_size",
        "local_fsync",
        "new_table_data_storage_version",
        "new_table_enable_v2_manifest_paths",
        "new_table_enable_stable_row_ids",
        "base_<id>.<key>",
    ),
    "polars": (
        "file_cache_ttl",
        "rate_read_init",
        "rate_read_floor",
        "rate_read_ceiling",
        "rate_write_init",
        "rate_write_floor",
        "rate_write_ceiling",
    ),
    "iceberg": (
        "s3.delete.batch-size",
        "s3.multipart.num-threads",
        "s3.multipart.part-size-bytes",
        "s3.multipart.threshold",
        "s3.read.num-threads",
        "s3.staging-dir",
        "s3.checksum-enabled",
        "s3.client-factory-impl",
        "s3.access-grants.enabled",
        "s3.write.tags.<key>",
        "gcs.client-lib-token",
        "gcs.delete.batch-size",
        "gcs.channel.read.chunk-size-bytes",
        "gcs.channel.write.chunk-size-bytes",
        "gcs.oauth2.refresh-credentials-endpoint",
        "gcs.oauth2.refresh-credentials-enabled",
        "client.refresh-credentials-endpoint",
        "client.refresh-credentials-enabled",
        "adls.refresh-credentials-endpoint",
        "adls.refresh-credentials-enabled",
        "adls.read.block-size-bytes",
        "adls.write.block-size-bytes",
        "credential",
        "uri",
        "warehouse",
        "py-io-impl",
    ),
    "pyarrow": (
        "background_writes",
        "default_metadata",
        "allow_delayed_open",
        "allow_bucket_creation",
        "allow_bucket_deletion",
        "check_directory_existence_before_creation",
    ),
}


def seconds(value: timedelta) -> float:
    """How the SDKs and fsspec take a duration."""
    return value.total_seconds()


def refined(rows: Iterable[Option], changes: Mapping[str, Mapping[str, Any]]) -> tuple[Option, ...]:
    """Rows with what one cloud adds to them: mappings and tuples grow, anything else is replaced.

    Parameters
    ----------
    rows
        Shared rows.
    changes
        Canonical name to fields of ``Option``.

    Raises
    ------
    KeyError
        A change names no row.
    """
    by_name = {row.name: row for row in rows}
    for name, fields in changes.items():
        old = by_name[name]
        grown = {key: _grown(getattr(old, key), value) for key, value in fields.items()}
        by_name[name] = replace(old, **grown)
    return tuple(by_name.values())


def _grown(old: Any, new: Any) -> Any:
    if isinstance(old, tuple):
        return (*old, *new)
    return {**old, **new} if isinstance(old, Mapping) else new


def client_rows(prefix: str) -> tuple[Option, ...]:
    """Rows of the data plane's HTTP client.

    Parameters
    ----------
    prefix
        Of the prefixed spelling of the cloud: ``aws``, ``azure`` or ``google``. ``aws_NAME`` is an alias and
        ``AWS_NAME`` the environment variable of each row, but for those that are no text.
    """

    def row(name: str, meaning: str, kind: str, *aliases: str, **more: Any) -> Option:
        spelled = f"{prefix}_{name}"
        return Option(
            name=name,
            meaning=meaning,
            kind=kind,
            aliases=(spelled, *aliases),
            env=(spelled.upper(),),
            store=f"client.{name}",
            **more,
        )

    return (
        row("allow_http", "Allow plain HTTP; an http:// endpoint turns it on by itself.", "bool"),
        row("allow_invalid_certificates", "Accept any TLS certificate. Insecure.", "bool", "allow_insecure"),
        Option(
            name="root_certificate",
            meaning="Certificate authority to trust: PEM text, or the path of a PEM file.",
            kind="pem",
            aliases=("tls_ca_file_path",),
            store="client.root_certificate",
        ),
        row("disable_system_certificates", "Trust root_certificate only.", "bool"),
        row("connect_timeout", "Longest time to establish a connection.", "duration", "connection_timeout"),
        row("read_timeout", "Longest time between two reads of a connection.", "duration", "request_timeout"),
        row("timeout", "Longest time of a whole request, body included.", "duration"),
        row("default_content_type", "Content-Type of objects that are written without one.", "str"),
        Option(
            name="default_headers",
            meaning="Headers sent with every request.",
            kind="dict",
            secret=True,
            store="client.default_headers",
        ),
        row("user_agent", "User-Agent header.", "str"),
        row("http1_only", "Speak HTTP/1.1 only.", "bool"),
        row("http2_only", "Speak HTTP/2 only.", "bool"),
        row("http2_keep_alive_interval", "Time between two HTTP/2 pings.", "duration"),
        row("http2_keep_alive_timeout", "Longest wait for the answer to an HTTP/2 ping.", "duration"),
        row("http2_keep_alive_while_idle", "Send HTTP/2 pings on idle connections too.", "bool"),
        row("http2_max_frame_size", "Largest HTTP/2 frame, in bytes.", "int", to_store=str),
        row("pool_idle_timeout", "How long an idle connection is kept.", "duration"),
        row("pool_max_idle_per_host", "How many idle connections are kept per host.", "int", to_store=str),
        row(
            "proxy_url",
            "Proxy for all requests; may hold a password.",
            "str",
            secret=True,
            readings={"proxy_options": proxy_address},
        ),
        row("proxy_ca_certificate", "Certificate authority of the proxy: PEM text or a path.", "pem"),
        row("proxy_excludes", "Hosts that are reached without the proxy, separated by commas.", "str"),
        row("randomize_addresses", "Connect to a random address of a host that has several.", "bool"),
    )


def proxy_address(value: Any) -> str:
    """The URL of a proxy that pyarrow describes by a mapping (``scheme host port username password``) or a URL."""
    if isinstance(value, str):
        return value
    parts = as_mapping(value)
    if not parts.get("host"):
        msg = "expected a URL, or a mapping with scheme, host and port"
        raise ValueError(msg)
    user = f"{parts['username']}:{parts.get('password', '')}@" if parts.get("username") else ""
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{parts.get('scheme') or 'http'}://{user}{parts['host']}{port}"


def encrypted_scheme(value: Any) -> bool:
    """Whether pyarrow's ``scheme`` means TLS."""
    schemes = {"https": True, "http": False}
    try:
        return schemes[str(value).strip().lower()]
    except KeyError:
        msg = "expected http or https"
        raise ValueError(msg) from None


def retries_of(value: Any) -> int:
    """Retries of a number of attempts, or of a retry strategy that holds one as ``max_attempts``."""
    attempts = as_float(getattr(value, "max_attempts", value))
    if attempts < 1 or attempts != int(attempts):
        msg = "expected a whole number of attempts, at least 1"
        raise ValueError(msg)
    return int(attempts) - 1


RETRY_ROWS: Final = (
    Option(
        name="max_retries",
        meaning="How often a failed request is repeated.",
        kind="int",
        aliases=("client_max_retries",),
        readings={"retry_strategy": retries_of},
        store="retry.max_retries",
    ),
    Option(
        name="retry_timeout",
        meaning="Longest time from the first attempt to the last retry.",
        kind="duration",
        aliases=("client_retry_timeout", "retry_time_limit"),
        readings={"retry_timeout_ms": as_milliseconds},
        store="retry.retry_timeout",
    ),
    Option(
        name="backoff.init_backoff",
        meaning="Wait before the first retry.",
        kind="duration",
        readings={"retry_init_backoff_ms": as_milliseconds},
        store="retry.backoff.init_backoff",
    ),
    Option(
        name="backoff.max_backoff",
        meaning="Longest wait between two retries.",
        kind="duration",
        readings={"retry_max_backoff_ms": as_milliseconds},
        store="retry.backoff.max_backoff",
    ),
    Option(
        name="backoff.base",
        meaning="By how much each wait grows.",
        kind="float",
        aliases=("retry_base_multiplier",),
        store="retry.backoff.base",
    ),
    Option(name="backoff", meaning="The waits between retries, as a dict.", kind="dict", members="backoff."),
)


FRAMEWORK_ROWS: Final = (
    Option(name="asynchronous", meaning="The instance is used from coroutines only.", kind="bool"),
    Option(name="loop", meaning="Event loop of an asynchronous instance.", kind="object"),
    Option(name="batch_size", meaning="How many coroutines of one call run at a time.", kind="int"),
    Option(name="skip_instance_cache", meaning="Make a new instance, although an equal one exists.", kind="bool"),
    Option(
        name="use_listings_cache",
        meaning="Keep listings, and answer from them until something is written; off unless asked for.",
        kind="bool",
        sdk="use_listings_cache",
    ),
    Option(
        name="listings_expiry_time",
        meaning="How long a listing is kept.",
        kind="duration",
        aliases=("cache_timeout",),
        sdk="listings_expiry_time",
        to_sdk=seconds,
    ),
    Option(name="max_paths", meaning="How many listings are kept.", kind="int", sdk="max_paths"),
    Option(
        name="default_block_size",
        meaning="Bytes of a block of an open file.",
        kind="int",
        aliases=("block_size", "blocksize"),
        sdk="default_block_size",
    ),
    Option(
        name="default_cache_type",
        meaning="fsspec's cache of open files; unset, objfs chooses.",
        sdk="default_cache_type",
    ),
    Option(name="default_fill_cache", meaning="Keep what was read.", kind="bool", sdk="default_fill_cache"),
    Option(name="max_cache_size", meaning="How many stores obstore's own filesystem keeps; no effect.", kind="int"),
    Option(name="automatic_cleanup", meaning="Of local stores; no effect.", kind="bool"),
    Option(name="mkdir", meaning="Of local stores; no effect.", kind="bool"),
    Option(
        name="config",
        meaning="More options, as a dict; or the path of a configuration file, INI or TOML.",
        kind="dict",
        members="",
        secret=True,
    ),
    Option(
        name="client_options", meaning="Options of the HTTP client, as a dict.", kind="dict", members="", secret=True
    ),
    Option(name="retry_config", meaning="Options of retries, as a dict.", kind="dict", members=""),
)

OBJFS_ROWS: Final = (
    Option(
        name="engine",
        meaning="Which plane carries calls out: the rule decides (auto), obstore or an error, the SDK always.",
        values=("auto", "obstore", "sdk"),
    ),
    Option(
        name="storage_options_provider",
        meaning="Object that hands out options, with an expiry, whenever they are needed; or its import string.",
        kind="object",
        aliases=("fetch_storage_options",),
        secret=True,
        identity=True,
    ),
    Option(
        name="credential_provider",
        meaning="Callable that hands out credentials, with an expiry, as obstore's do; or its import string.",
        kind="object",
        secret=True,
        identity=True,
    ),
    Option(
        name="provider_id",
        meaning="Equal ids stand for equal providers, which then share what they fetched.",
    ),
    Option(name="refresh_margin", meaning="How long before their expiry credentials are replaced.", kind="duration"),
    Option(name="provider_timeout", meaning="How long a call waits for a provider.", kind="duration"),
    Option(name="config_profile", meaning="Profile of the configuration file that config names; default: default."),
    Option(name="url_options", meaning="What the URL says; set by objfs itself.", kind="dict"),
)
