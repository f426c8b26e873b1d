"""Hosts of Azure Storage and of Microsoft Fabric: whose they are, and where the blob service of an account answers."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from objfs.clouds import _endpoints
from objfs.records import record

PUBLIC_DOMAIN: Final = "core.windows.net"
FABRIC_DOMAIN: Final = "fabric.microsoft.com"
ONELAKE: Final = "onelake"

# What every emulator of Azure Storage knows (https://learn.microsoft.com/azure/storage/common/storage-use-azurite).
EMULATOR_ACCOUNT: Final = "devstoreaccount1"
EMULATOR_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
EMULATOR_URL: Final = "http://127.0.0.1:10000"

# Clouds that are apart from the public one (https://learn.microsoft.com/azure/storage/common/storage-account-overview
# and azure-core's list of clouds), and the domain of accounts with a DNS zone of their own.
_DOMAINS: Final = (
    PUBLIC_DOMAIN,
    "core.chinacloudapi.cn",
    "core.usgovcloudapi.net",
    "core.cloudapi.de",
    "storage.azure.net",
)
_STORAGE_HOST: Final = re.compile(
    r"(?P<account>[a-z0-9]+)(?P<secondary>-secondary)?(?P<feature>-ipv6|-dualstack)?(?P<zone>\.z[0-9]+)?"
    rf"\.(?P<service>blob|dfs)\.(?P<domain>{'|'.join(map(re.escape, _DOMAINS))})"
)
# The second alternative is that of private links (https://learn.microsoft.com/fabric/security/security-private-links-overview).
_FABRIC_HOST: Final = re.compile(
    r"(?P<account>(?:[a-z0-9]+-)*onelake|[a-z0-9-]+\.z[0-9a-z]+)\.(?P<service>blob|dfs|onelake)"
    rf"\.(?P<domain>{re.escape(FABRIC_DOMAIN)})"
)
_OTHER_SERVICE: Final = re.compile(r"(?:.+\.)?z[0-9]+\.web\.core\..+|.+\.(?:file|queue|table)\.core\..+")
# Hosts that are Azure's own, whatever of Azure they are.
API_HOSTS: Final = (
    rf"(?!.+\.web\.core\.).+\.(?:{'|'.join(map(re.escape, _DOMAINS))})|(?:.+\.)?{re.escape(FABRIC_DOMAIN)}"
)
_ACCOUNT: Final = re.compile(r"[a-z0-9]+(?:[.\-_][a-z0-9]+)*", re.IGNORECASE)


@record
class ServiceHost:
    """The host of an account at Azure Storage or OneLake.

    Parameters
    ----------
    account
        Name of the account, by which requests are signed.
    host
        That of the account's blob service, primary, whichever service and region the given one was of.
    secondary
        The given host was that of the second region.
    realm
        What two hosts must share besides the account to be the same account: the domain, with a zone.
    """

    account: str
    host: str
    secondary: bool
    realm: str

    @property
    def is_default(self) -> bool:
        """Whether the account name alone leads to this host."""
        return self.host == default_host(self.account)

    @property
    def is_onelake(self) -> bool:
        """Whether this is Fabric, whose accounts are endpoints of one service."""
        return self.realm.endswith(FABRIC_DOMAIN)


def default_host(account: str) -> str:
    """Where the blob service of an account of the public cloud answers."""
    return f"{account}.blob.{PUBLIC_DOMAIN}"


def fabric_host(account: str) -> str:
    """Where OneLake's blob service answers."""
    return f"{account}.blob.{FABRIC_DOMAIN}"


def read_host(host: str) -> ServiceHost | None:
    """Whose host this is, for the blob and the dfs service; None where it is none of Azure Storage.

    Data moves through the blob service, so the host of the dfs service, which has another protocol, means that of
    the blob service.
    """
    text = host.lower()
    match = _STORAGE_HOST.fullmatch(text)
    if match is not None and (match["zone"] is not None) == (match["domain"] == "storage.azure.net"):
        rest = f"{match['zone'] or ''}.blob.{match['domain']}"
        return ServiceHost(
            match["account"],
            f"{match['account']}{match['feature'] or ''}{rest}",
            match["secondary"] is not None,
            rest.lstrip("."),
        )
    match = _FABRIC_HOST.fullmatch(text)
    if match is None:
        return None
    service = "blob" if match["service"] == "dfs" else match["service"]
    return ServiceHost(match["account"], f"{match['account']}.{service}.{FABRIC_DOMAIN}", False, FABRIC_DOMAIN)


def is_other_service(host: str) -> bool:
    """Whether a host is that of a static website, or of files, queues and tables."""
    return _OTHER_SERVICE.fullmatch(host.lower()) is not None


def is_account(name: str) -> bool:
    """Whether a name can be that of an account, or of OneLake's endpoints."""
    return _ACCOUNT.fullmatch(name) is not None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    name = host.lower().strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def complete_endpoint(endpoint: str, *, tls: bool | None = None) -> str:
    """An endpoint as `_endpoints.complete_endpoint` makes it, at the blob service."""
    complete = _endpoints.complete_endpoint(endpoint, tls=tls, advice="; pass a SAS as sas_token")
    parts = urlsplit(complete)
    netloc, host = parts.netloc.lower(), parts.hostname or ""
    known = read_host(host)
    if known is not None:
        netloc = (secondary_host(known) if known.secondary else known.host) + netloc[len(host) :]
    return urlunsplit(parts._replace(netloc=netloc))


def secondary_host(host: ServiceHost) -> str:
    """The host of the account's second region."""
    label, dot, rest = host.host.partition(".")
    feature = label.removeprefix(host.account)
    return f"{host.account}-secondary{feature}{dot}{rest}"


def read_endpoint(endpoint: str) -> ServiceHost | None:
    """Whose endpoint this is, where its host is one of Azure Storage."""
    return read_host(urlsplit(endpoint).hostname or "")


def with_host(endpoint: str, host: str) -> str:
    """The endpoint at another host, with its port and path."""
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(netloc=host + parts.netloc[len(parts.hostname or "") :]))


def account_in_path(endpoint: str) -> str | None:
    """The account that an endpoint names in its path, as those of hosts without a domain do.

    Addresses, and names of one label, are those of emulators; the second region of an account has a path of its own
    there (https://learn.microsoft.com/azure/storage/common/storage-connect-azurite). Behind a domain of one's own a
    path may be anything.
    """
    parts = urlsplit(endpoint)
    host, path = parts.hostname or "", parts.path.strip("/").lower()
    if not path or "/" in path or ("." in host and not _endpoints.is_local(host)):
        return None
    return path.removesuffix("-secondary")


def account_of(endpoint: str) -> str | None:
    """The account that an endpoint names by its host or its path; None where it names none."""
    known = read_endpoint(endpoint)
    return account_in_path(endpoint) if known is None else known.account
