"""The option table of GCS: where the service is, the dict that gcsfs takes, and all other rows put together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from objfs.casts import as_duration, as_float
from objfs.clouds._common import (
    FRAMEWORK_ROWS,
    IGNORABLE,
    LEAVE_OUT,
    OBJFS_ROWS,
    RETRY_ROWS,
    client_rows,
    encrypted_scheme,
    refined,
    seconds,
)
from objfs.clouds.gcs_identity_rows import IDENTITY_ROWS
from objfs.options import Option, OptionTable

# Keywords of aiohttp's session that change how it works inside, but not what is asked or answered: the data plane can
# do without them.
TUNING: Final = (
    "connector_owner",
    "json_serialize",
    "max_field_size",
    "max_line_size",
    "read_bufsize",
    "trace_configs",
)

_ENDPOINT_NAMES: Final = (
    "base_url",
    "google_base_url",
    "gcs_base_url",
    "endpoint",
    "endpoint_url",
    "endpoint_override",
    "gcs.service.host",
)


def endpoint(value: Any) -> Any:
    """An endpoint as it is compared with others: without a slash at its end."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    return (text if text.endswith("://") else text.rstrip("/")) or None


def emulator(value: Any) -> Any:
    """The variable of Google's emulators, as gcsfs reads it: plain HTTP unless it says otherwise."""
    text = endpoint(value)
    if not isinstance(text, str) or text == "default":
        return None
    return text if text.lower().startswith(("http://", "https://")) else f"http://{text}"


def listings_expiry(value: Any) -> timedelta:
    """gcsfs's duration, in which all that is not positive means "at once"."""
    try:
        seconds = as_float(value)
    except ValueError:
        return as_duration(value)
    return as_duration(max(0.0, seconds))


def certificate_check(allowed: bool) -> bool | None:
    """aiohttp's ``ssl``, where certificates are not to be checked."""
    return False if allowed else None


def authority(pem: str | Path) -> Mapping[str, str]:
    """A certificate authority as ``ssl.create_default_context`` takes it."""
    return {"cafile": str(pem)} if isinstance(pem, Path) else {"cadata": pem}


PLACE_ROWS: Final = (
    Option(
        name="bucket",
        meaning="Bucket of obstore's stores; paths name their own.",
        aliases=("google_bucket", "google_bucket_name", "bucket_name"),
        env=("GOOGLE_BUCKET", "GOOGLE_BUCKET_NAME"),
    ),
    Option(name="prefix", meaning="Prefix of obstore's stores; paths hold it."),
    Option(
        name="base_url",
        meaning="URL of the server, for both of its APIs (XML and JSON).",
        aliases=_ENDPOINT_NAMES[1:],
        readings={**dict.fromkeys(_ENDPOINT_NAMES, endpoint), "STORAGE_EMULATOR_HOST": emulator},
        env=("GOOGLE_BASE_URL", "STORAGE_EMULATOR_HOST"),
        store="config.base_url",
        sdk="endpoint_url",
    ),
    Option(
        name="use_ssl",
        meaning="TLS where the endpoint has no scheme, and for the hosts of Google.",
        kind="bool",
        readings={"scheme": encrypted_scheme},
    ),
    Option(
        name="universe_domain",
        meaning="Domain of Google's clouds; another one than googleapis.com in a sovereign cloud.",
        env=("GOOGLE_CLOUD_UNIVERSE_DOMAIN",),
    ),
    Option(
        name="default_location",
        meaning="Where buckets are created.",
        aliases=("default_bucket_location", "gcs.default-bucket-location"),
        sdk="default_location",
    ),
)

REQUEST_ROWS: Final = (
    Option(
        name="encryption_key",
        meaning="Encryption key of the caller's own (32 bytes, in base64) for all that is read and written.",
        aliases=("gcs.encryption-key",),
        secret=True,
    ),
    Option(
        name="decryption_key",
        meaning="The same key, as Iceberg names it for reads.",
        aliases=("gcs.decryption-key",),
        secret=True,
    ),
    Option(
        name="version_aware",
        meaning="Read and list generations of objects.",
        kind="bool",
        aliases=("gcs.version-aware",),
        sdk="version_aware",
        sdk_only=True,
    ),
    Option(
        name="consistency",
        meaning="What is checked of an object that was written.",
        aliases=("gcs.consistency",),
        values=("none", "size", "md5", "crc32c"),
        sdk="consistency",
    ),
    Option(
        name="max_concurrency",
        meaning="Requests for one object in flight at a time, by default as many as move 96 MiB when reading; and "
        "objects that one call works on, unless `batch_size` says otherwise.",
        kind="int",
    ),
    Option(
        name="requests_timeout",
        meaning="Longest time of a whole request: a duration, or aiohttp's ClientTimeout.",
        kind="object",
    ),
    Option(
        name="finalize_on_close",
        meaning="Finalize objects of zonal buckets when they are closed.",
        kind="bool",
        sdk="finalize_on_close",
        sdk_only=True,
    ),
    *(
        Option(name=name, meaning=meaning, kind="int", sdk=name)
        for name, meaning in (
            ("mrd_pool_cache_size", "Pools of readers of zonal buckets that are kept."),
            ("max_mrd_pool_cache_queue_size", "Readers of zonal buckets that are kept for each object."),
            ("memmove_max_workers", "Threads that copy what was read from zonal buckets."),
        )
    ),
    *(
        Option(name=name, meaning=meaning, kind=kind, sdk=name, to_sdk=to_sdk)
        for name, kind, to_sdk, meaning in (
            ("retry_initial", "duration", seconds, "Wait before the first retry of a control-plane call."),
            ("retry_maximum", "duration", seconds, "Longest wait between retries of a control-plane call."),
            ("retry_multiplier", "float", float, "By how much each of these waits grows."),
        )
    ),
    Option(name="check_connection", meaning="Given up by gcsfs; no effect.", kind="object", deprecated=LEAVE_OUT),
    Option(name="secure_serialize", meaning="Given up by gcsfs; no effect.", kind="object", deprecated=LEAVE_OUT),
)

DICT_ROWS: Final = (
    Option(
        name="session_kwargs",
        meaning="Keywords of aiohttp's session, as a dict.",
        kind="dict",
        aliases=("gcs.session-kwargs",),
        secret=True,
        members="session_kwargs.",
        sdk="session_kwargs",
        sdk_only=True,
    ),
    Option(
        name="session_kwargs.timeout",
        meaning="aiohttp's ClientTimeout, or a duration.",
        kind="object",
    ),
    Option(
        name="session_kwargs.connector",
        meaning="aiohttp connector of the caller's own.",
        kind="object",
        sdk="session_kwargs.connector",
        sdk_only=True,
    ),
    Option(
        name="session_kwargs.trust_env",
        meaning="Whether gcsfs takes proxies from the environment, as the data plane always does.",
        kind="bool",
        sdk="session_kwargs.trust_env",
    ),
    *(
        Option(
            name=f"session_kwargs.{name}",
            meaning="Tuning of the SDK plane.",
            kind="object",
            sdk=f"session_kwargs.{name}",
        )
        for name in TUNING
    ),
)

CLIENT_ROWS: Final = refined(
    client_rows("google"),
    {
        "allow_invalid_certificates": {"sdk": "session_kwargs.connector.ssl", "to_sdk": certificate_check},
        "root_certificate": {"sdk": "session_kwargs.connector.ssl", "to_sdk": authority},
        "connect_timeout": {"sdk": "session_kwargs.timeout.sock_connect", "to_sdk": seconds},
        "read_timeout": {"sdk": "session_kwargs.timeout.sock_read", "to_sdk": seconds},
        "timeout": {"sdk": "session_kwargs.timeout.total", "to_sdk": seconds},
        "default_headers": {"aliases": ("session_kwargs.headers",), "sdk": "session_kwargs.headers"},
        "pool_idle_timeout": {"sdk": "session_kwargs.connector.keepalive_timeout", "to_sdk": seconds},
        "proxy_url": {"aliases": ("session_kwargs.proxy",), "sdk": "session_kwargs.proxy"},
    },
)

GCS_RETRY_ROWS: Final = refined(RETRY_ROWS, {"retry_timeout": {"sdk": "retry_timeout", "to_sdk": seconds}})

GCS_FRAMEWORK_ROWS: Final = refined(
    FRAMEWORK_ROWS,
    {
        "batch_size": {"sdk": "batch_size"},
        "default_block_size": {"sdk": "block_size"},
        "default_cache_type": {"sdk": None},
        "default_fill_cache": {"sdk": None},
        "listings_expiry_time": {
            "aliases": ("gcs.cache-timeout",),
            "readings": dict.fromkeys(("cache_timeout", "gcs.cache-timeout"), listings_expiry),
            "sdk": "cache_timeout",
        },
    },
)

ROWS: Final = (
    *PLACE_ROWS,
    *IDENTITY_ROWS,
    *REQUEST_ROWS,
    *CLIENT_ROWS,
    *GCS_RETRY_ROWS,
    *GCS_FRAMEWORK_ROWS,
    *OBJFS_ROWS,
    *DICT_ROWS,
)

TABLE: Final = OptionTable(ROWS, tuple(name for names in IGNORABLE.values() for name in names))
