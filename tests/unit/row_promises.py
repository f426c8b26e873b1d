"""What is promised of each cloud's options beside the rows: what is secret, and which names are whose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from objfs.clouds._cloud import Cloud
from objfs.clouds.azure_backends import client_keywords
from objfs.clouds.gcs_backends import AS_STORED
from objfs.clouds.known import AZURE, GCS, S3
from objfs.options import Layer, Origin, Settings, translate
from tests.unit import azure_row_table, gcs_row_table, s3_row_table
from tests.unit.s3_row_table import Row

# Dict options that every cloud has rows for the members of.
SHARED_DICTS = frozenset({"config", "client_options", "retry_config", "backoff"})


def words(*lines: str) -> frozenset[str]:
    """Names, written down in lines."""
    return frozenset(word for line in lines for word in line.split())


def flat(mapping: Mapping[str, Any], prefix: str = "", *, keep: tuple[str, ...] = ()) -> dict[str, Any]:
    """Dotted names of the leaves; dicts named in ``keep`` are leaves."""
    found: dict[str, Any] = {}
    for name, value in mapping.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, Mapping) and dotted not in keep:
            found.update(flat(value, f"{dotted}.", keep=keep))
        else:
            found[dotted] = value
    return found


def _nothing(_: Settings) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Promise:
    """What is promised of one cloud's options.

    Parameters
    ----------
    cloud, rows
        The cloud, and all its options.
    lifted
        Rows that a dict option holds members for are lifted out of it, so the dict itself is read as nothing.
    secret, identity, sdk_only
        What is redacted, what says who the caller is, and what the data plane has no word for.
    rejected
        Names that obstore documents and rejects, or that nobody has although they look as if.
    peer
        Module and class whose positional arguments are taken over; ``renamed`` are those that have another name here.
    hidden
        Words of the SDK that hold credentials.
    kept
        Dicts among the SDK's keywords that are one value.
    also
        What every example needs.
    alone
        Options that can be given only together, so that they are compared with none.
    respelled
        Options that other ones are joined into.
    meant
        Variables that, given as an option, mean another one than in the environment.
    unsaid
        Headers that are sent whatever the options are.
    more_store, more_sdk
        What else is told to the backends.
    """

    cloud: Cloud
    rows: tuple[Row, ...]
    lifted: frozenset[str]
    secret: frozenset[str]
    identity: frozenset[str]
    sdk_only: frozenset[str]
    rejected: tuple[str, ...]
    peer: tuple[str, str]
    hidden: frozenset[str]
    kept: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)
    alone: frozenset[str] = frozenset()
    respelled: frozenset[str] = frozenset()
    meant: Mapping[str, str] = field(default_factory=dict)
    unsaid: frozenset[str] = frozenset()
    more_store: Callable[[Settings], dict[str, Any]] = _nothing
    more_sdk: Callable[[Settings], dict[str, Any]] = _nothing

    def settings(self, given: Mapping[str, Any]) -> Settings:
        """What keywords are read as."""
        return translate(self.cloud.table, [Layer(Origin.KEYWORD, given)])

    def resolved(self, row: Row) -> tuple[Settings, Settings]:
        """Of what the row's example needs, and of the example with it."""
        also = {**self.also, **row.also}
        before = self.also if row.name in self.alone else also
        after = {**also, row.name: row.given}
        return self.cloud.resolve(self.settings(before)), self.cloud.resolve(self.settings(after))

    def store_words(self, settings: Settings) -> dict[str, Any]:
        """Dotted arguments of obstore."""
        arguments = self.cloud.store_arguments(settings, "bkt")
        client = dict(arguments.client_options)
        told = {name: value for name, value in client.pop("default_headers", {}).items() if name not in self.unsaid}
        if told:
            client["default_headers"] = told
        slots = {"config": arguments.config, "client": client, "retry": arguments.retry_config}
        return flat({**slots, **self.more_store(settings)}, keep=("client.default_headers",))

    def sdk_words(self, settings: Settings) -> dict[str, Any]:
        """Dotted keywords of the peer."""
        return flat({**self.cloud.sdk_keywords(settings), **self.more_sdk(settings)}, keep=self.kept)


S3_PROMISE = Promise(
    S3,
    s3_row_table.ROWS,
    lifted=SHARED_DICTS | {"aws_temp_credentials", "r2_temp_credentials"},
    secret=words(
        "secret_access_key session_token sse_customer_key_base64 s3.sse.key s3.sse.md5",
        "container_authorization_token",
        "default_headers proxy_url credential_provider storage_options_provider session request_signer",
        "aws_temp_credentials r2_temp_credentials config client_options client_kwargs config_kwargs",
        "config_kwargs.s3 config_kwargs.retries config_kwargs.proxies_config config_kwargs.connector_args",
        "config_kwargs.proxies s3_additional_kwargs provider_params",
    ),
    identity=words(
        "access_key_id secret_access_key session_token expires_at skip_signature profile session",
        "credential_provider storage_options_provider",
    ),
    rejected=("sts_endpoint", "AWS_STS_ENDPOINT", "AWS_REQUESTER_PAYS"),
    sdk_only=words(
        "session request_signer version_aware client_kwargs config_kwargs config_kwargs.s3 config_kwargs.retries",
        "config_kwargs.proxies_config s3_additional_kwargs provider_params",
    ),
    peer=("s3fs", "S3FileSystem"),
    hidden=words("key secret token profile session"),
    kept=("config_kwargs.proxies", "s3_additional_kwargs.Metadata"),
    alone=words("access_key_id secret_access_key"),
    meant={"AWS_DEFAULT_REGION": "default_region", "AWS_ENDPOINT_URL_S3": "aws_endpoint_url_s3"},
)
GCS_PROMISE = Promise(
    GCS,
    gcs_row_table.ROWS,
    lifted=SHARED_DICTS | {"gcp_oauth_token"},
    secret=words(
        "token bearer_token credential service_account_key gcp_oauth_token encryption_key decryption_key",
        "default_headers proxy_url credential_provider storage_options_provider config client_options",
        "session_kwargs environment_service_account_key environment_bearer_token",
    ),
    identity=words(
        "token bearer_token expires_at credential service_account service_account_key application_credentials",
        "skip_signature credential_provider storage_options_provider",
    ),
    rejected=("google_token", "google_storage_token", "GOOGLE_CREDENTIALS", "gcs_token"),
    sdk_only=words("client_certificate version_aware finalize_on_close session_kwargs session_kwargs.connector"),
    peer=("gcsfs.core", "GCSFileSystem"),
    hidden=words("token"),
    kept=("session_kwargs.headers",),
    respelled=words("session_kwargs"),
    meant={name: row.name.removeprefix("environment_") for row in gcs_row_table.ROWS for name in row.env},
    unsaid=frozenset(AS_STORED),
)
AZURE_PROMISE = Promise(
    AZURE,
    azure_row_table.ROWS,
    lifted=SHARED_DICTS
    | {"azure_user_delegation_sas", "azure_aad"}
    | {row.name for row in azure_row_table.ROWS if row.name.endswith(">")},
    secret=words(
        "account_key sas_key token connection_string credential client_secret identity_header fabric_session_token",
        "adls.sas-token.<account-host> adls.connection-string.<account-host> azure_user_delegation_sas azure_aad",
        "encryption_key request_session default_headers proxy_url credential_provider storage_options_provider",
        "config client_options",
    ),
    identity=words(
        "account_key sas_key token expires_at connection_string credential skip_signature",
        "adls.sas-token.<account-host> adls.sas-token-expires-at-ms.<account-host>",
        "adls.connection-string.<account-host> credential_provider storage_options_provider",
    ),
    rejected=(
        "azure_account_name",
        "azure_account_key",
        "azure_access_key",
        "azure_sas_key",
        "azure_sas_token",
        "azure_token",
        "azure_bearer_token",
        "azure_use_emulator",
        "azure_encryption_key",
        "AZURE_ENCRYPTION_KEY",
    ),
    sdk_only=words("version_aware"),
    peer=("adlfs", "AzureBlobFileSystem"),
    renamed={"server_timeout": "timeout"},
    hidden=words("account_key sas_token connection_string credential client_id client_secret"),
    kept=("client.headers", "client.proxies"),
    also={"account_name": "acct"},
    more_store=lambda settings: {"native": AZURE.native_config(settings)},
    more_sdk=lambda settings: {"client": client_keywords(settings)},
)

PROMISES = (S3_PROMISE, GCS_PROMISE, AZURE_PROMISE)
