"""Every option of GCS as it is promised: names, variables, meaning of a value, and the words of both backends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from objfs.clouds.gcs_backends import NO_ACCOUNT, NO_ACCOUNT_FILE
from tests.unit.s3_row_table import OBJECT, PROXY_OPTIONS, RetryStrategy, Row, row

EMULATOR = "http://127.0.0.1:4443"
KEY = '{"type": "service_account", "private_key": "hunter2"}'
CUSTOMER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
CUSTOMER_HEADERS = {
    f"x-goog-{source}encryption-{name}": value
    for source in ("", "copy-source-")
    for name, value in {
        "algorithm": "AES256",
        "key": CUSTOMER_KEY,
        "key-sha256": "hhAJ7E1Zn6sfQKvHbm+JiAz/WDPHnFSMmfkEXxkc2Qs=",
    }.items()
}


@dataclass(frozen=True)
class ClientTimeout:
    """What aiohttp's looks like."""

    total: float | None = None
    connect: float | None = None
    sock_read: float | None = None
    sock_connect: float | None = None


@dataclass(frozen=True)
class Token:
    """What a credentials object looks like."""

    token: str = "hunter2"


TOKEN = Token()


def _client(name: str, given: str, *, value: object, store: object, names: str = "", **more: object) -> Row:
    """A row of the HTTP client, which has a prefixed name and a variable."""
    return row(
        name,
        given,
        value=value,
        names=f"google_{name} {names}",
        env=f"GOOGLE_{name.upper()}",
        store={f"client.{name}": store},
        **more,
    )


def _flag(name: str, names: str = "", **more: object) -> Row:
    return _client(name, "true", value=True, store=True, names=names, **more)


def _wait(name: str, names: str = "", **more: object) -> Row:
    return _client(name, "3", value=timedelta(seconds=3), store=timedelta(seconds=3), names=names, **more)


ROWS = (
    row("bucket", "bkt", names="google_bucket google_bucket_name bucket_name", env="GOOGLE_BUCKET GOOGLE_BUCKET_NAME"),
    row("prefix", "a/b"),
    row(
        "base_url",
        EMULATOR,
        names=(
            "google_base_url gcs_base_url endpoint endpoint_url endpoint_override gcs.service.host "
            "STORAGE_EMULATOR_HOST"
        ),
        env="GOOGLE_BASE_URL STORAGE_EMULATOR_HOST",
        store={"config.base_url": EMULATOR, "client.allow_http": True},
        sdk={"endpoint_url": EMULATOR},
    ),
    row(
        "use_ssl",
        "false",
        value=False,
        other_names={"scheme": "http"},
        store={"config.base_url": "http://storage.googleapis.com", "client.allow_http": True},
        sdk={"endpoint_url": "http://storage.googleapis.com"},
    ),
    row(
        "universe_domain",
        "example.cloud",
        env="GOOGLE_CLOUD_UNIVERSE_DOMAIN",
        store={"config.base_url": "https://storage.example.cloud"},
        sdk={"endpoint_url": "https://storage.example.cloud"},
    ),
    row(
        "default_location",
        "EU",
        names="default_bucket_location gcs.default-bucket-location",
        sdk={"default_location": "EU"},
    ),
    row("token", "cloud"),
    row(
        "bearer_token",
        "hunter2",
        names="google_bearer_token access_token gcs.oauth2.token gcp_oauth_token.oauth_token",
        env="GOOGLE_BEARER_TOKEN",
    ),
    row(
        "expires_at",
        "1900000000000",
        value=datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC),
        names=(
            "expiration_time credential_token_expiration expires_at_millis expires-at-ms gcs.oauth2.token-expires-at"
        ),
    ),
    row("credential", TOKEN),
    row(
        "service_account",
        "/key.json",
        names="google_service_account google_service_account_path service_account_path",
        env="GOOGLE_SERVICE_ACCOUNT GOOGLE_SERVICE_ACCOUNT_PATH SERVICE_ACCOUNT",
    ),
    row("service_account_key", KEY, names="google_service_account_key", env="GOOGLE_SERVICE_ACCOUNT_KEY"),
    row(
        "application_credentials",
        "/adc.json",
        names="google_application_credentials",
        env="GOOGLE_APPLICATION_CREDENTIALS",
    ),
    row(
        "skip_signature",
        "true",
        value=True,
        names="google_skip_signature anon anonymous gcs.no-auth",
        env="GOOGLE_SKIP_SIGNATURE",
        store={"config.skip_signature": True, "config.bearer_token": ""},
    ),
    row("target_service_account", "me@p.iam", names="gcp.impersonate.service-account"),
    row(
        "impersonation_lifetime",
        "900",
        value=timedelta(seconds=900),
        names="gcp.impersonate.lifetime-seconds",
    ),
    row("impersonation_delegates", "a@p, b@p", value=("a@p", "b@p"), names="gcp.impersonate.delegates"),
    row("impersonation_scopes", ["s1", "s2"], value=("s1", "s2"), names="gcp.impersonate.scopes"),
    row("gcp_oauth_token", {}),
    row("access", "read_only", names="gcs.access", sdk={"access": "read_only"}),
    row("metadata_host", "h:80", env="GCE_METADATA_HOST GCE_METADATA_ROOT GCE_METADATA_IP"),
    row(
        "client_certificate",
        "true",
        value=True,
        env="GOOGLE_API_USE_CLIENT_CERTIFICATE",
        store={"config.base_url": "https://storage.mtls.googleapis.com"},
        sdk={"endpoint_url": "https://storage.mtls.googleapis.com"},
    ),
    row("mtls_endpoint", "auto", env="GOOGLE_API_USE_MTLS_ENDPOINT"),
    row(
        "project",
        "p1",
        names="project_id gcs.project-id",
        env="GCSFS_DEFAULT_PROJECT GOOGLE_CLOUD_PROJECT",
        sdk={"project": "p1"},
    ),
    row(
        "requester_pays",
        "p1",
        names="gcs.requester-pays",
        store={"client.default_headers": {"x-goog-user-project": "p1"}},
        sdk={"requester_pays": "p1"},
    ),
    row(
        "user_project",
        "p1",
        names="gcs.user-project",
        store={"client.default_headers": {"x-goog-user-project": "p1"}},
        sdk={"requester_pays": "p1"},
    ),
    row(
        "environment_service_account",
        "/key.json",
        env="GOOGLE_SERVICE_ACCOUNT GOOGLE_SERVICE_ACCOUNT_PATH SERVICE_ACCOUNT",
        store={"config.service_account": str(NO_ACCOUNT_FILE)},
    ),
    row(
        "environment_service_account_key",
        KEY,
        env="GOOGLE_SERVICE_ACCOUNT_KEY",
        store={"config.service_account_key": json.dumps(NO_ACCOUNT)},
    ),
    row("environment_bearer_token", "hunter2", env="GOOGLE_BEARER_TOKEN"),
    row(
        "encryption_key",
        CUSTOMER_KEY,
        names="gcs.encryption-key",
        store={"client.default_headers": CUSTOMER_HEADERS},
        sdk={"session_kwargs.headers": CUSTOMER_HEADERS},
    ),
    row("decryption_key", CUSTOMER_KEY, also={"encryption_key": CUSTOMER_KEY}, names="gcs.decryption-key"),
    row("version_aware", "true", value=True, names="gcs.version-aware", sdk={"version_aware": True}),
    row("consistency", "md5", names="gcs.consistency", sdk={"consistency": "md5"}),
    row("max_concurrency", "7", value=7),
    row(
        "requests_timeout",
        ClientTimeout(total=3, sock_connect=1, sock_read=2),
        store={
            "client.timeout": timedelta(seconds=3),
            "client.connect_timeout": timedelta(seconds=1),
            "client.read_timeout": timedelta(seconds=2),
        },
        sdk={
            "session_kwargs.timeout.total": 3.0,
            "session_kwargs.timeout.sock_connect": 1.0,
            "session_kwargs.timeout.sock_read": 2.0,
        },
    ),
    row("finalize_on_close", "true", value=True, sdk={"finalize_on_close": True}),
    row("mrd_pool_cache_size", "7", value=7, sdk={"mrd_pool_cache_size": 7}),
    row("max_mrd_pool_cache_queue_size", "7", value=7, sdk={"max_mrd_pool_cache_queue_size": 7}),
    row("memmove_max_workers", "7", value=7, sdk={"memmove_max_workers": 7}),
    row("retry_initial", "3", value=timedelta(seconds=3), sdk={"retry_initial": 3.0}),
    row("retry_maximum", "3", value=timedelta(seconds=3), sdk={"retry_maximum": 3.0}),
    row("retry_multiplier", "3", value=3.0, sdk={"retry_multiplier": 3.0}),
    row("check_connection", True),
    row("secure_serialize", False),
    _flag("allow_http"),
    _flag("allow_invalid_certificates", "allow_insecure", sdk={"session_kwargs.connector.ssl": False}),
    row(
        "root_certificate",
        "/ca.pem",
        value=Path("/ca.pem"),
        names="tls_ca_file_path",
        store={"client.root_certificate": Path("/ca.pem")},
        sdk={"session_kwargs.connector.ssl.cafile": "/ca.pem"},
    ),
    _flag("disable_system_certificates"),
    _wait("connect_timeout", "connection_timeout", sdk={"session_kwargs.timeout.sock_connect": 3.0}),
    _wait("read_timeout", "request_timeout", sdk={"session_kwargs.timeout.sock_read": 3.0}),
    _wait("timeout", sdk={"session_kwargs.timeout.total": 3.0}),
    _client("default_content_type", "text/csv", value="text/csv", store="text/csv"),
    row(
        "default_headers",
        {"x-a": "b"},
        names="session_kwargs.headers",
        store={"client.default_headers": {"x-a": "b"}},
        sdk={"session_kwargs.headers": {"x-a": "b"}},
    ),
    _client("user_agent", "me/1", value="me/1", store="me/1"),
    _flag("http1_only"),
    _flag("http2_only"),
    _wait("http2_keep_alive_interval"),
    _wait("http2_keep_alive_timeout"),
    _flag("http2_keep_alive_while_idle"),
    _client("http2_max_frame_size", "20000", value=20000, store="20000"),
    _wait("pool_idle_timeout", sdk={"session_kwargs.connector.keepalive_timeout": 3.0}),
    _client("pool_max_idle_per_host", "20000", value=20000, store="20000"),
    row(
        "proxy_url",
        "http://user:pw@proxy:3128",
        names="google_proxy_url session_kwargs.proxy",
        other_names={"proxy_options": PROXY_OPTIONS},
        env="GOOGLE_PROXY_URL",
        store={"client.proxy_url": "http://user:pw@proxy:3128"},
        sdk={"session_kwargs.proxy": "http://user:pw@proxy:3128"},
    ),
    _client("proxy_ca_certificate", "/ca.pem", value=Path("/ca.pem"), store=Path("/ca.pem")),
    _client("proxy_excludes", "a,b", value="a,b", store="a,b"),
    _flag("randomize_addresses"),
    row(
        "max_retries",
        "3",
        value=3,
        names="client_max_retries",
        other_names={"retry_strategy": RetryStrategy(max_attempts=4)},
        store={"retry.max_retries": 3},
    ),
    row(
        "retry_timeout",
        "3",
        value=timedelta(seconds=3),
        names="client_retry_timeout retry_time_limit",
        other_names={"retry_timeout_ms": "3000"},
        store={"retry.retry_timeout": timedelta(seconds=3)},
        sdk={"retry_timeout": 3.0},
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
    row("batch_size", "7", value=7, sdk={"batch_size": 7}),
    row("skip_instance_cache", "true", value=True),
    row("use_listings_cache", "true", value=True, sdk={"use_listings_cache": True}),
    row(
        "listings_expiry_time",
        "3",
        value=timedelta(seconds=3),
        names="cache_timeout gcs.cache-timeout",
        sdk={"cache_timeout": 3.0},
    ),
    row("max_paths", "7", value=7, sdk={"max_paths": 7}),
    row("default_block_size", "1024", value=1024, names="block_size blocksize", sdk={"block_size": 1024}),
    row("default_cache_type", "bytes"),
    row("default_fill_cache", "false", value=False),
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
    row("session_kwargs", {"other": 1}, names="gcs.session-kwargs", sdk={"session_kwargs.other": 1}),
    row(
        "session_kwargs.timeout",
        3,
        store={"client.timeout": timedelta(seconds=3)},
        sdk={"session_kwargs.timeout.total": 3.0},
    ),
    row("session_kwargs.connector", OBJECT, sdk={"session_kwargs.connector": OBJECT}),
    row("session_kwargs.trust_env", "false", value=False, sdk={"session_kwargs.trust_env": False}),
    row("session_kwargs.connector_owner", False, sdk={"session_kwargs.connector_owner": False}),
    row("session_kwargs.json_serialize", OBJECT, sdk={"session_kwargs.json_serialize": OBJECT}),
    row("session_kwargs.max_field_size", 9000, sdk={"session_kwargs.max_field_size": 9000}),
    row("session_kwargs.max_line_size", 9000, sdk={"session_kwargs.max_line_size": 9000}),
    row("session_kwargs.read_bufsize", 9000, sdk={"session_kwargs.read_bufsize": 9000}),
    row("session_kwargs.trace_configs", [], sdk={"session_kwargs.trace_configs": []}),
)
