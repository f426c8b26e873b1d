"""Read what a provider answered, in whatever vocabulary and shape, as credentials of one cloud."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from objfs.casts import as_text, as_timestamp
from objfs.clouds._cloud import Cloud
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, OptionError
from objfs.options import Layer, Origin, normalise, translate

EXPIRY: Final = "expires_at"

# Members of vending answers that say what the credentials are for: Unity Catalog's storage path.
_ENVELOPE: Final = frozenset({"url"})
# Iceberg's REST catalog wraps its properties in a list of prefix and config.
_LISTED: Final = "storage_credentials"


def read_answer(answer: Any, cloud: Cloud, name: str) -> tuple[Credentials, dict[str, Any]]:
    """Turn a provider's answer into credentials.

    Parameters
    ----------
    answer
        A mapping in any vocabulary that the cloud's rows know, flat or nested as catalogs vend it, or the pair of a
        mapping and Unix seconds (or None) that polars uses.
    cloud
        Its table resolves the names; its ``credential_options`` are kept.
    name
        How errors name the provider.

    Returns
    -------
    tuple of Credentials and dict
        The credentials, and by canonical name what else was in the answer (a region, an endpoint).

    Raises
    ------
    CredentialsError
        The answer is of a wrong type, holds an unknown name, a value that cannot be cast, or no complete set. The
        message names the provider and the options, never a value.
    """
    mapping, seconds = _unpack(answer, name)
    try:
        settings = translate(cloud.table, [Layer(Origin.KEYWORD, dict(_flat(mapping, cloud, name)))])
    except OptionError as error:
        msg = f"{name} returned options that cannot be used: {error}"
        raise CredentialsError(msg) from None
    found = {key: setting.value for key, setting in settings.items()}
    expiry = found.pop(EXPIRY, None)
    values = {key: as_text(found.pop(key)) for key in cloud.credential_options if found.get(key) is not None}
    whole, expires_at = complete(values, cloud, name), seconds if expiry is None else as_timestamp(expiry)
    try:
        credentials = Credentials(whole, expires_at)
    except CredentialsError as error:
        raise CredentialsError(errno.EINVAL, f"{name}: {error.strerror}") from None
    return credentials, found


def complete(values: Mapping[str, str], cloud: Cloud, name: str) -> dict[str, str]:
    """Drop empty values and check that a whole set is left.

    Raises
    ------
    CredentialsError
        Nothing, or half a pair, is left.
    """
    kept = {key: value for key, value in values.items() if value and key != EXPIRY}
    sets = cloud.sufficient or ((),)
    if kept and any(all(key in kept for key in wanted) for wanted in sets):
        return kept
    missing = " or ".join(" and ".join(key for key in wanted if key not in kept) for wanted in sets)
    given = f"only {', '.join(sorted(kept))}" if kept else "no credentials"
    msg = f"{name} returned {given}; missing: {missing or 'any of ' + ', '.join(cloud.credential_options)}"
    raise CredentialsError(msg)


def _unpack(answer: Any, name: str) -> tuple[Mapping[str, Any], Any]:
    """The mapping of an answer and the expiry beside it, if it is a pair."""
    mapping, expiry = answer, None
    if isinstance(answer, tuple) and len(answer) == 2:
        mapping, seconds = answer
        try:
            expiry = None if seconds is None else as_timestamp(seconds)
        except ValueError as error:
            msg = f"{name} returned a pair whose second part is not an expiry: {error}, got {type(seconds).__name__}"
            raise CredentialsError(msg) from None
    if not isinstance(mapping, Mapping):
        msg = f"{name} must return a mapping of storage options, got {type(mapping).__name__}"
        raise CredentialsError(msg)
    return mapping, expiry


def _flat(mapping: Mapping[str, Any], cloud: Cloud, name: str) -> Iterator[tuple[str, Any]]:
    """Entries with a value, those of nested mappings under dotted names."""
    for key, value in mapping.items():
        if not isinstance(key, str):
            msg = f"{name} must return option names that are text, got {type(key).__name__}"
            raise CredentialsError(msg)
        plain = normalise(key)
        if value is None or (plain in _ENVELOPE and plain not in cloud.table.index):
            continue
        if plain == _LISTED:
            yield from _flat(_only_entry(value, name), cloud, name)
        elif isinstance(value, Mapping) and plain not in cloud.table.index:
            yield from ((f"{key}.{member}", inner) for member, inner in value.items() if inner is not None)
        else:
            yield cloud.answers.get(plain, key), value


def _only_entry(listed: Any, name: str) -> Mapping[str, Any]:
    """The properties of the one entry of an Iceberg ``storage-credentials`` list."""
    entries = list(listed) if isinstance(listed, Sequence) and not isinstance(listed, str) else []
    if len(entries) == 1 and isinstance(entries[0], Mapping) and isinstance(entries[0].get("config"), Mapping):
        return dict(entries[0]["config"])
    msg = f"{name} returned {len(entries)} usable storage-credentials; return the config of the one for the location"
    raise CredentialsError(msg)
