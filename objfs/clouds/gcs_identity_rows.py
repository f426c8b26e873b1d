"""Option rows of GCS that say who the caller is, and who pays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from objfs.casts import FALSE, TRUE, as_bool, as_mapping, as_text, as_timestamp_millis
from objfs.options import Option


def key_text(value: Any) -> str:
    """The JSON of a key, also where it is given as a mapping."""
    try:
        return json.dumps(as_mapping(value))
    except (TypeError, ValueError):
        msg = "expected the JSON text of a key, or its mapping"
        raise ValueError(msg) from None


def names(value: Any) -> tuple[str, ...]:
    """A list, or text with commas."""
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, Iterable) or isinstance(given, bytes | Mapping):
        msg = "expected a list, or text with commas"
        raise ValueError(msg)  # noqa: TRY004 - every cast fails with ValueError, its caller names the option
    return tuple(as_text(name).strip() for name in given)


def object_only(value: Any) -> Any:
    """An object; text is the login at an Iceberg catalog, which is not ours."""
    return None if isinstance(value, str) else value


def payer(value: Any) -> bool | str:
    """Whether the requester pays, or the project that does."""
    if isinstance(value, str) and value.strip().lower() not in TRUE | FALSE | {""}:
        return value.strip()
    return as_bool(value or False)


IDENTITY_ROWS: Final = (
    Option(
        name="token",
        meaning=(
            "gcsfs's one word for all: google_default, cloud, cache, anon, the path or the content of a key file, an "
            "access token, or a google-auth Credentials object."
        ),
        kind="object",
        secret=True,
        identity=True,
    ),
    Option(
        name="bearer_token",
        meaning="OAuth access token; it is not refreshed.",
        aliases=("google_bearer_token", "access_token", "gcs.oauth2.token", "gcp_oauth_token.oauth_token"),
        env=("GOOGLE_BEARER_TOKEN",),
        secret=True,
        identity=True,
    ),
    Option(
        name="expires_at",
        meaning="When the token expires: a datetime, ISO text, or Unix seconds or milliseconds.",
        kind="timestamp",
        aliases=("expiration_time", "credential_token_expiration"),
        readings={
            "expires_at_millis": as_timestamp_millis,
            "expires-at-ms": as_timestamp_millis,
            "gcs.oauth2.token-expires-at": as_timestamp_millis,
        },
        identity=True,
    ),
    Option(
        name="credential",
        meaning="google-auth Credentials object, or anything with a token.",
        kind="object",
        readings={"credential": object_only},
        secret=True,
        identity=True,
    ),
    Option(
        name="service_account",
        meaning="Path of a service account's key file.",
        aliases=("google_service_account", "google_service_account_path", "service_account_path"),
        env=("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH", "SERVICE_ACCOUNT"),
        identity=True,
    ),
    Option(
        name="service_account_key",
        meaning="Content of a service account's key file: JSON text, or a dict.",
        aliases=("google_service_account_key",),
        readings=dict.fromkeys(("service_account_key", "google_service_account_key"), key_text),
        env=("GOOGLE_SERVICE_ACCOUNT_KEY",),
        secret=True,
        identity=True,
    ),
    Option(
        name="application_credentials",
        meaning="Path of a credentials file of any kind that Google has.",
        aliases=("google_application_credentials",),
        env=("GOOGLE_APPLICATION_CREDENTIALS",),
        identity=True,
    ),
    Option(
        name="skip_signature",
        meaning="Anonymous: send requests without credentials.",
        kind="bool",
        aliases=("google_skip_signature", "anon", "anonymous", "gcs.no-auth"),
        env=("GOOGLE_SKIP_SIGNATURE",),
        identity=True,
        store="config.skip_signature",
    ),
    # It builds on credentials that may come from a lower layer, so it is no identity.
    Option(
        name="target_service_account",
        meaning="Service account to impersonate.",
        aliases=("gcp.impersonate.service-account",),
    ),
    Option(
        name="impersonation_lifetime",
        meaning="How long a token of the impersonated account lives.",
        kind="duration",
        aliases=("gcp.impersonate.lifetime-seconds",),
    ),
    Option(
        name="impersonation_delegates",
        meaning="Service accounts between the caller and the impersonated one: a list, or text with commas.",
        kind="object",
        readings=dict.fromkeys(("impersonation_delegates", "gcp.impersonate.delegates"), names),
    ),
    Option(
        name="impersonation_scopes",
        meaning="OAuth scopes of the impersonated account: a list, or text with commas.",
        kind="object",
        readings=dict.fromkeys(("impersonation_scopes", "gcp.impersonate.scopes"), names),
    ),
    Option(
        name="gcp_oauth_token",
        meaning="Credentials that Unity Catalog vends, as a dict.",
        kind="dict",
        secret=True,
        members="gcp_oauth_token.",
    ),
    Option(
        name="access",
        meaning="OAuth scope of tokens.",
        aliases=("gcs.access",),
        values=("full_control", "read_write", "read_only"),
        sdk="access",
    ),
    Option(
        name="metadata_host",
        meaning="Host of the metadata server.",
        env=("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"),
    ),
    Option(
        name="client_certificate",
        meaning="Present google-auth's default client certificate (mutual TLS).",
        kind="bool",
        env=("GOOGLE_API_USE_CLIENT_CERTIFICATE",),
        sdk_only=True,
    ),
    Option(
        name="mtls_endpoint",
        meaning="Whether a client certificate leads to Google's host for mutual TLS: unless never, it does.",
        env=("GOOGLE_API_USE_MTLS_ENDPOINT",),
        values=("never", "auto", "always"),
    ),
    Option(
        name="project",
        meaning="Project that buckets are listed and created in, and that pays where the requester does.",
        aliases=("project_id", "gcs.project-id"),
        env=("GCSFS_DEFAULT_PROJECT", "GOOGLE_CLOUD_PROJECT"),
        sdk="project",
    ),
    Option(
        name="requester_pays",
        meaning="The requester pays: yes (then project does), or the project that does.",
        kind="object",
        readings=dict.fromkeys(("requester_pays", "gcs.requester-pays"), payer),
        sdk="requester_pays",
    ),
    Option(name="user_project", meaning="The project that pays.", aliases=("gcs.user-project",)),
    # obstore reads these variables whatever it is told, and cannot be made to forget them: they are looked at to know
    # what has to be overridden, never for credentials.
    Option(
        name="environment_service_account",
        meaning="What obstore would read from the environment; not to be set.",
        env=("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH", "SERVICE_ACCOUNT"),
    ),
    Option(
        name="environment_service_account_key",
        meaning="What obstore would read from the environment; not to be set.",
        env=("GOOGLE_SERVICE_ACCOUNT_KEY",),
        secret=True,
    ),
    Option(
        name="environment_bearer_token",
        meaning="What obstore would read from the environment; not to be set.",
        env=("GOOGLE_BEARER_TOKEN",),
        secret=True,
    ),
)
