"""Tokens of Microsoft Entra ID, by azure-identity: the default chain, a way that is named, or a credential object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from objfs.providers.base import ReadyMade, as_options
from objfs.providers.own import source_of

# What lies in the environment and is no identity.
_NOT_OURS = ("account_key", "sas_key", "token", "connection_string", "skip_signature")


@dataclass(eq=False, repr=False)
class AzureIdentity(ReadyMade):
    """Ask azure-identity for tokens.

    Parameters
    ----------
    credential
        An object with ``get_token``, sync or async: any of azure-identity. It cannot be pickled unless it can by
        itself. Default: the way that the other options name, or else the default chain.
    tenant_id, client_id, client_secret
        A service principal; the secret as ``$NAME``.
    federated_token_file
        Workload identity: the file with the token that is traded in.
    use_managed_identity
        Of the machine; `client_id` says which of several.
    use_azure_cli
        Who is logged in there.
    authority_host
        Of Entra ID, for clouds that have their own.
    root_certificate
        PEM text, or the path of a file: who signed the certificate of that host, where the system does not know.
    """

    credential: Any = None
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    federated_token_file: str | None = None
    use_managed_identity: bool | str | None = None
    use_azure_cli: bool | str | None = None
    authority_host: str | None = None
    root_certificate: Any = None

    shown: ClassVar[tuple[str, ...]] = ("tenant_id", "client_id")

    def fetch_storage_options(self) -> dict[str, str]:
        """Ask for a token."""
        return as_options(source_of("azure", self.options(), "azure-identity; install objfs[azure]", _NOT_OURS).fetch())
