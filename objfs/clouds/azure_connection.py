"""Connection strings of Azure Storage, taken apart into options.

Their parts: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
"""

from __future__ import annotations

from typing import Any, Final

from objfs.clouds import azure_hosts as hosts
from objfs.clouds.azure_sas import sas_text
from objfs.errors import OptionError

_EXAMPLE: Final = "DefaultEndpointsProtocol=https;AccountName=...;AccountKey=..."
# The port of the blob service of an emulator that is reached through DevelopmentStorageProxyUri.
_EMULATOR_PORT: Final = 10000


def read_connection_string(text: str) -> dict[str, Any]:
    """Canonical options that a connection string sets.

    Parameters
    ----------
    text
        ``Name=value`` pairs joined by semicolons; names in any case. Parts for other services than blobs, and parts
        that the SDK does not know either, have no effect.

    Returns
    -------
    dict
        Of ``account_name``, ``account_key``, ``sas_key``, ``endpoint``, ``secondary_endpoint`` and ``use_emulator``
        those that it says.

    Raises
    ------
    OptionError
        It is not a list of pairs, holds a part twice, or names no account and no endpoint. No value is shown.
    """
    parts = _parts(text)
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        return {"use_emulator": True, **_through_proxy(parts.get("developmentstorageproxyuri"))}
    found: dict[str, Any] = {}
    for name, option in (("accountname", "account_name"), ("accountkey", "account_key")):
        if parts.get(name):
            found[option] = parts[name].lower() if option == "account_name" else parts[name]
    if parts.get("sharedaccesssignature"):
        found["sas_key"] = sas_text(parts["sharedaccesssignature"])
    return {**found, **_endpoints(parts)}


def _parts(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.strip().strip("\"'").split(";") if part.strip()]
    names = [name.strip().lower() for name, _, _ in pairs]
    if not pairs or not all(sign for _, sign, _ in pairs):
        msg = f"it is not a connection string, such as {_EXAMPLE}"
        raise OptionError(msg)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"the connection string holds {', '.join(twice)} more than once"
        raise OptionError(msg)
    return {name: value.strip() for name, (_, _, value) in zip(names, pairs, strict=True)}


def _through_proxy(uri: str | None) -> dict[str, str]:
    if not uri:
        return {}
    endpoint = _completed("DevelopmentStorageProxyUri", uri)
    return {"endpoint": f"{endpoint}:{_EMULATOR_PORT}/{hosts.EMULATOR_ACCOUNT}"}


def _endpoints(parts: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, option in (("BlobEndpoint", "endpoint"), ("BlobSecondaryEndpoint", "secondary_endpoint")):
        address, _, query = parts.get(name.lower(), "").partition("?")
        if address:
            found[option] = _completed(name, address, keep=option == "secondary_endpoint")
        if query:
            found["sas_key"] = sas_text(query)
    if "endpoint" in found:
        return found
    if "secondary_endpoint" in found:
        msg = "the connection string has a BlobSecondaryEndpoint without a BlobEndpoint"
        raise OptionError(msg)
    account = parts.get("accountname")
    if not account:
        msg = f"the connection string names neither an account nor a BlobEndpoint; write {_EXAMPLE}"
        raise OptionError(msg)
    protocol = parts.get("defaultendpointsprotocol", "https").lower()
    suffix = parts.get("endpointsuffix", hosts.PUBLIC_DOMAIN).strip("./").lower()
    if (protocol, suffix) == ("https", hosts.PUBLIC_DOMAIN):
        return found
    return {**found, "endpoint": _completed("EndpointSuffix", f"{protocol}://{account}.blob.{suffix}")}


def _completed(name: str, address: str, *, keep: bool = False) -> str:
    try:
        return address.rstrip("/") if keep else hosts.complete_endpoint(address)
    except ValueError as error:
        msg = f"the {name} of the connection string is not an endpoint: {error}"
        raise OptionError(msg) from None
