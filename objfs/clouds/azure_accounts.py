"""Whose account each layer of options is about, and what of it goes where another account is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from objfs.clouds import azure_hosts as hosts
from objfs.clouds.azure_connection import read_connection_string
from objfs.errors import OptionError
from objfs.options import Option, Origin, Setting
from objfs.records import replace

# Keys and signatures are those of one account, and so is what answers behind a domain of one's own. Tokens are not.
_OWNED: Final = frozenset({"account_key", "sas_key", "endpoint", "secondary_endpoint"})
# What a connection string, or a mapping that holds a key, says beside credentials.
_PLACE: Final = ("account_name", "endpoint", "secondary_endpoint", "use_emulator")


def of_one_account(rows: Mapping[str, Option], layers: Sequence[dict[str, Setting]]) -> list[dict[str, Setting]]:
    """Drop what belongs to other accounts than the one that the highest layer names.

    Parameters
    ----------
    rows
        By canonical name.
    layers
        What each says, the highest first. A keyword and the URL are left as they are: they must agree.

    Returns
    -------
    list of dict
        A layer whose credentials do not count still says by its connection string where the account is.
    """
    asked: str | None = None
    identified = False
    kept = []
    for layer in layers:
        own = _account(layer)
        found = layer
        if _is_low(layer) and asked is not None:
            found = _without_foreign(layer, own, asked)
        if identified and own in (asked or own, None):
            found = {**_place(rows, found, own), **found}
        kept.append(found)
        asked = asked or own
        identified = identified or any(item.option.identity and item.value is not False for item in found.values())
    return kept


def _is_low(layer: Mapping[str, Setting]) -> bool:
    return any(setting.origin > Origin.URL for setting in layer.values())


def _without_foreign(layer: dict[str, Setting], own: str | None, asked: str) -> dict[str, Setting]:
    """A lower layer without what is good for another account only."""
    gone: set[str] = set()
    if own not in (None, asked):
        gone |= _OWNED
        gone |= {"expires_at"} if "token" not in layer else set()
        gone |= {"credential"} if _is_of_one_account(layer.get("credential")) else set()
    if _string(layer).get("account_name", asked) != asked:
        gone.add("connection_string")
    return {name: setting for name, setting in layer.items() if name not in gone}


def _is_of_one_account(credential: Setting | None) -> bool:
    """Whether a credential is a key or a signature, in any form; objects that give tokens serve all accounts."""
    value = None if credential is None else credential.value
    return isinstance(value, str | Mapping) or hasattr(value, "named_key") or hasattr(value, "signature")


def _account(layer: Mapping[str, Setting]) -> str | None:
    """The account that a layer is about, as far as it says so."""
    if "account_name" in layer:
        return str(layer["account_name"].value)
    if "endpoint" in layer:
        told = hosts.account_of(layer["endpoint"].value)
        if told is not None:
            return told
    return _mapping(layer).get("account_name") or _string(layer).get("account_name")


def _mapping(layer: Mapping[str, Setting]) -> dict[str, Any]:
    value = layer["credential"].value if "credential" in layer else None
    name = value.get("account_name") if isinstance(value, Mapping) else None
    return {"account_name": str(name).lower()} if name else {}


def _string(layer: Mapping[str, Setting]) -> dict[str, Any]:
    """The parts of a layer's connection string, with its account wherever that is named; nothing of a broken one."""
    if "connection_string" not in layer:
        return {}
    try:
        parts = read_connection_string(layer["connection_string"].value)
    except OptionError:
        return {}  # who takes it apart for good says what is wrong
    told = hosts.account_of(parts["endpoint"]) if "endpoint" in parts else None
    return {"account_name": told, **parts} if told is not None else parts


def _place(rows: Mapping[str, Option], layer: Mapping[str, Setting], own: str | None) -> dict[str, Setting]:
    """Where the account is, out of credentials that do not count as a higher layer has others."""
    found: dict[str, Setting] = {}
    for name, parts in (("credential", _mapping(layer)), ("connection_string", _string(layer))):
        if parts.get("account_name", own) == own:
            told = {key: parts[key] for key in _PLACE if key in parts}
            found.update({key: replace(layer[name], option=rows[key], value=value) for key, value in told.items()})
    return found
