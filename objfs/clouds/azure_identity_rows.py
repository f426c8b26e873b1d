"""Option rows of Azure that say who the caller is."""

from __future__ import annotations

from typing import Any, Final

from objfs.casts import FALSE, as_timestamp_millis
from objfs.clouds.azure_sas import sas_text
from objfs.options import Option

# Keywords of DefaultAzureCredential, which adlfs forwards
# (https://learn.microsoft.com/python/api/azure-identity/azure.identity.aio.defaultazurecredential).
CHAIN_KEYWORDS: Final = {
    **{
        f"exclude_{member}_credential": "bool"
        for member in (
            "broker",
            "cli",
            "developer_cli",
            "environment",
            "interactive_browser",
            "managed_identity",
            "powershell",
            "shared_token_cache",
            "visual_studio_code",
            "workload_identity",
        )
    },
    "broker_client_id": "str",
    "broker_tenant_id": "str",
    "interactive_browser_client_id": "str",
    "interactive_browser_tenant_id": "str",
    "managed_identity_client_id": "str",
    "process_timeout": "int",
    "require_envvar": "bool",
    "shared_cache_tenant_id": "str",
    "shared_cache_username": "str",
    "visual_studio_code_tenant_id": "str",
    "workload_identity_client_id": "str",
    "workload_identity_tenant_id": "str",
}
CHAIN: Final = "default_azure_credential_kwargs"


def sas(value: Any) -> Any:
    """A shared access signature in one spelling, whatever it was encoded as."""
    text = value.decode() if isinstance(value, bytes) else value
    return sas_text(text) if text not in (None, "") else None


def anonymous(value: Any) -> bool:
    """What adlfs makes of its variable: anything but a word for no means yes."""
    return str(value).strip().lower() not in FALSE


SAS_NAMES: Final = (
    "sas_key",
    "azure_storage_sas_key",
    "azure_storage_sas_token",
    "sas_token",
    "adls.sas-token",
    "azure_user_delegation_sas.sas_token",
)


def _fabric(name: str, meaning: str, **more: Any) -> Option:
    """One of the four values with which Fabric's own token service is asked."""
    spelled = f"azure_{name}"
    return Option(
        name=name, meaning=meaning, aliases=(spelled,), env=(spelled.upper(),), store=f"native.{name}", **more
    )


def _vended(name: str, meaning: str) -> Option:
    """A dict in which a catalog hands credentials over."""
    return Option(name=name, meaning=meaning, kind="dict", secret=True, members=f"{name}.")


def _by_account(name: str, meaning: str, *, secret: bool = True) -> Option:
    """A property of Iceberg whose name ends in the host of the account that it is for."""
    return Option(
        name=f"{name}.<account-host>", meaning=meaning, kind="dict", secret=secret, identity=True, members=f"{name}."
    )


STATIC_ROWS: Final = (
    Option(
        name="account_key",
        meaning="Key of the account, in base64.",
        aliases=(
            "azure_storage_account_key",
            "azure_storage_access_key",
            "azure_storage_master_key",
            "access_key",
            "master_key",
            "adls.account-key",
            "adls.auth.shared-key.account.key",
        ),
        env=("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_MASTER_KEY"),
        secret=True,
        identity=True,
        store="credential.access_key",
        sdk="account_key",
    ),
    Option(
        name="sas_key",
        meaning="Shared access signature, with or without ?, in any encoding.",
        readings=dict.fromkeys(SAS_NAMES, sas),
        env=("AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN"),
        secret=True,
        identity=True,
        store="credential.sas_token",
        sdk="sas_token",
    ),
    Option(
        name="token",
        meaning="Bearer token of Microsoft Entra ID.",
        aliases=("azure_storage_token", "bearer_token", "adls.token", "azure_aad.aad_token"),
        env=("AZURE_STORAGE_TOKEN",),
        secret=True,
        identity=True,
        store="credential.token",
    ),
    Option(
        name="expires_at",
        meaning="When the credentials expire: a datetime, ISO text, or Unix seconds or milliseconds.",
        kind="timestamp",
        aliases=("expiration_time",),
        readings={
            "expires_at_millis": as_timestamp_millis,
            "adls.sas-token-expires-at-ms": as_timestamp_millis,
        },
        identity=True,
        store="credential.expires_at",
    ),
    _by_account("adls.sas-token", "Shared access signatures by the host of their account."),
    _by_account("adls.sas-token-expires-at-ms", "When each of them expires.", secret=False),
    Option(
        name="connection_string",
        meaning="Account, credentials and endpoints in one text.",
        aliases=("azure_storage_connection_string", "adls.connection-string"),
        env=("AZURE_STORAGE_CONNECTION_STRING",),
        secret=True,
        identity=True,
        sdk="connection_string",
    ),
    _by_account("adls.connection-string", "Connection strings by the host of their account."),
    Option(
        name="credential",
        meaning="Credential object of azure-identity or azure-core, or a text: an account key or a SAS.",
        kind="object",
        aliases=("adls.credential",),
        secret=True,
        identity=True,
        sdk="credential",
    ),
    Option(
        name="skip_signature",
        meaning="Anonymous: send requests unsigned.",
        kind="bool",
        aliases=("azure_skip_signature", "anon", "adls.anon"),
        readings={"AZURE_STORAGE_ANON": anonymous},
        env=("AZURE_SKIP_SIGNATURE", "AZURE_STORAGE_ANON"),
        identity=True,
        store="config.skip_signature",
        sdk="anon",
    ),
    _vended("azure_user_delegation_sas", "SAS that Unity Catalog vends, as a dict."),
    _vended("azure_aad", "Token that Unity Catalog vends, as a dict."),
)

# A client id says who, but not how it proves it: a secret may come from a lower layer, so these are no identity. The
# choice between methods of several layers is made where credentials are selected.
PRINCIPAL_ROWS: Final = (
    Option(
        name="client_id",
        meaning="Client id of a service principal, a workload identity or a managed identity.",
        aliases=("azure_storage_client_id", "azure_client_id", "adls.client-id"),
        env=("AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"),
        store="native.client_id",
        sdk="client_id",
    ),
    Option(
        name="client_secret",
        meaning="Secret of a service principal.",
        aliases=("azure_storage_client_secret", "azure_client_secret", "adls.client-secret"),
        env=("AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"),
        secret=True,
        store="native.client_secret",
        sdk="client_secret",
    ),
    Option(
        name="tenant_id",
        meaning="Tenant of a service principal or a workload identity.",
        aliases=(
            "azure_storage_tenant_id",
            "azure_storage_authority_id",
            "azure_tenant_id",
            "azure_authority_id",
            "authority_id",
            "adls.tenant-id",
        ),
        env=("AZURE_STORAGE_TENANT_ID", "AZURE_STORAGE_AUTHORITY_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_ID"),
        store="native.tenant_id",
        sdk="tenant_id",
    ),
    Option(
        name="authority_host",
        meaning="Where Microsoft Entra ID is asked for tokens; https://login.microsoftonline.com.",
        aliases=("azure_storage_authority_host", "azure_authority_host", "authority"),
        env=("AZURE_STORAGE_AUTHORITY_HOST", "AZURE_AUTHORITY_HOST"),
        store="native.authority_host",
    ),
    Option(
        name="federated_token_file",
        meaning="Path of the token that a workload identity shows.",
        aliases=("azure_federated_token_file",),
        env=("AZURE_FEDERATED_TOKEN_FILE",),
        store="native.federated_token_file",
    ),
    Option(
        name="msi_endpoint",
        meaning="Endpoint that hands out tokens of a managed identity.",
        aliases=("azure_msi_endpoint", "azure_identity_endpoint", "identity_endpoint"),
        env=("IDENTITY_ENDPOINT", "AZURE_MSI_ENDPOINT", "AZURE_IDENTITY_ENDPOINT"),
        store="native.msi_endpoint",
    ),
    Option(
        name="identity_header",
        meaning="Secret that the endpoint of a managed identity wants to see.",
        env=("IDENTITY_HEADER",),
        secret=True,
    ),
    Option(
        name="object_id",
        meaning="Object id of a managed identity.",
        aliases=("azure_object_id",),
        env=("AZURE_OBJECT_ID",),
        store="native.object_id",
    ),
    Option(
        name="msi_resource_id",
        meaning="Resource id of a managed identity.",
        aliases=("azure_msi_resource_id",),
        env=("AZURE_MSI_RESOURCE_ID",),
        store="native.msi_resource_id",
    ),
    Option(name="use_managed_identity", meaning="Use the machine's managed identity.", kind="bool"),
    Option(
        name="use_azure_cli",
        meaning="Use the login of the Azure CLI (az).",
        kind="bool",
        aliases=("azure_use_azure_cli",),
        env=("AZURE_USE_AZURE_CLI",),
        store="native.use_azure_cli",
    ),
    Option(
        name="credential_type",
        meaning="Which of several credentials count.",
        aliases=("azure_credential_type",),
        env=("AZURE_CREDENTIAL_TYPE",),
        values=(
            "auto",
            "bearer_token",
            "access_key",
            "client_secret",
            "workload_identity",
            "sas_token",
            "azure_cli",
            "managed_identity",
        ),
    ),
    _fabric("fabric_token_service_url", "Token service of Microsoft Fabric."),
    _fabric("fabric_workload_host", "Host of the workload in Microsoft Fabric."),
    _fabric("fabric_session_token", "Session token of Microsoft Fabric.", secret=True),
    _fabric("fabric_cluster_identifier", "Cluster in Microsoft Fabric."),
    Option(
        name="auth_type",
        meaning="Way to authenticate, in files of cshelve.",
        values=("access_key", "passwordless", "connection_string", "anonymous"),
    ),
    Option(
        name="environment_key",
        meaning="Variable that holds the account key, the SAS or the connection string, in files of cshelve.",
    ),
    Option(
        name=CHAIN,
        meaning="Keywords of DefaultAzureCredential, as a dict.",
        kind="dict",
        members=f"{CHAIN}.",
        sdk=CHAIN,
    ),
    *(
        Option(
            name=f"{CHAIN}.{name}",
            meaning="Keyword of DefaultAzureCredential.",
            kind=kind,
            aliases=(name,),
            sdk=f"{CHAIN}.{name}",
        )
        for name, kind in CHAIN_KEYWORDS.items()
    ),
)

IDENTITY_ROWS: Final = (*STATIC_ROWS, *PRINCIPAL_ROWS)
