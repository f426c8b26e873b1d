"""A cloud with the credential rows of GCS only, so that these tests hold whatever the real table says."""

from __future__ import annotations

from typing import Any

from objfs.options import Layer, Option, OptionTable, Origin, Settings, environment_layer, translate
from objfs.records import replace
from tests.unit.small_cloud import CLOUD as SMALL


def _row(name: str, *aliases: str, env: str = "", **more: Any) -> Option:
    return Option(name=name, meaning=name, aliases=aliases, env=tuple(env.split()), **more)


VENDED = ("gcs.oauth2.token", "gcp_oauth_token.oauth_token")
EXPIRY = ("expires_at_millis", "gcs.oauth2.token-expires-at", "expiration_time")

TABLE = OptionTable(
    (
        _row("bearer_token", *VENDED, env="GOOGLE_BEARER_TOKEN", identity=True, secret=True),
        _row("expires_at", *EXPIRY, kind="timestamp", identity=True),
        _row("skip_signature", "anon", kind="bool", identity=True),
        _row("service_account", env="GOOGLE_SERVICE_ACCOUNT", identity=True),
        _row("service_account_key", kind="object", env="GOOGLE_SERVICE_ACCOUNT_KEY", identity=True, secret=True),
        _row("application_credentials", env="GOOGLE_APPLICATION_CREDENTIALS", identity=True),
        _row("credential", kind="object", identity=True, secret=True),
        _row("token", kind="object", identity=True, secret=True),
        _row("target_service_account"),
        _row("impersonation_lifetime", kind="duration"),
        _row("impersonation_delegates", kind="object"),
        _row("metadata_host", env="GCE_METADATA_HOST"),
        _row("access"),
        _row("project", env="GOOGLE_CLOUD_PROJECT"),
        _row("requester_pays"),
        _row("base_url", "endpoint_url"),
        _row("allow_http", kind="bool"),
        _row("universe_domain"),
        _row("impersonation_scopes", kind="object"),
        _row("storage_options_provider", kind="object", identity=True),
        _row("credential_provider", kind="object", identity=True),
    )
)


CLOUD = replace(
    SMALL,
    name="gcs",
    schemes=("gs",),
    extra="gcs",
    table=TABLE,
    credential_options=("bearer_token", "expires_at"),
    sufficient=(("bearer_token",),),
    store_class="GCSStore",
)
# The same cloud for what providers answer: there a token is always a token.
ANSWERS = replace(
    CLOUD,
    table=OptionTable(
        tuple(
            replace(row, aliases=(*row.aliases, "token")) if row.name == "bearer_token" else row
            for row in TABLE.options
            if row.name != "token"
        )
    ),
)


def settings_of(environ: dict[str, str] | None = None, **keywords: Any) -> Settings:
    """Settings of keywords and an environment."""
    return translate(TABLE, [Layer(Origin.KEYWORD, keywords), environment_layer(TABLE, environ or {})])
