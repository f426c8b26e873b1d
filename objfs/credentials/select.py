"""Decide who the caller is, once per configuration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from objfs.clouds._cloud import Cloud
from objfs.credentials.identity import keyed_digest
from objfs.credentials.kinds import kind_of
from objfs.credentials.provider import PROVIDER_OPTIONS, ProviderSource, normalise_provider, provider_identity
from objfs.credentials.refresher import Refresher, shared_refresher
from objfs.credentials.shapes import EXPIRY
from objfs.credentials.values import Credentials, Source, StaticSource
from objfs.errors import ConflictingOptionsError, IncompleteCredentialsError
from objfs.options import Origin, Settings
from objfs.records import replace


class Anonymous(Enum):
    """Requests are not signed."""

    ANONYMOUS = "anonymous"


class NativeChain(Enum):
    """The data plane finds credentials by itself, as no SDK is installed that could."""

    NATIVE_CHAIN = "native chain"


CredentialChoice = Refresher | Anonymous | NativeChain

ANONYMOUS: Final = Anonymous.ANONYMOUS
NATIVE_CHAIN: Final = NativeChain.NATIVE_CHAIN

# How long a caller without valid credentials waits for a provider.
DEFAULT_WAIT: Final = timedelta(seconds=60)


def with_file_settings(cloud: Cloud, settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with what the SDK's own configuration files add to them; reads files."""
    kind = kind_of(cloud.name)
    found = kind.late(settings, environ)
    if not found:
        return settings
    return settings.with_values(Origin.CONFIG_FILE, found, cloud.table, kind.late_place(settings, environ))


def credentials_for(cloud: Cloud, settings: Settings, environ: Mapping[str, str]) -> CredentialChoice:
    """Choose where credentials come from; nothing is fetched and no SDK is imported.

    Parameters
    ----------
    cloud
        Its table reads the answers of a provider.
    settings
        Resolved settings, the environment's layer included.
    environ
        For what the SDK's chain reads beside the settings.

    Returns
    -------
    Refresher, Anonymous or NativeChain
        The same refresher for equal configurations.

    Raises
    ------
    IncompleteCredentialsError
        Half of a pair was given.
    MissingExtraError
        A profile or a role is asked for and the SDK is not installed.
    OptionError
        What was given as a provider is none, or two different ones were given.
    """
    if settings.value("skip_signature"):
        return ANONYMOUS
    static = _static(cloud, settings)
    provider = _provider(settings)
    if provider is not None:
        initial = None if static is None or static.expires_at is None else static
        return _shared(cloud, _named(normalise_provider(provider, cloud), settings), initial, settings)
    source = None if static is None else StaticSource(static, f"static {_digest(static)}")
    chosen = kind_of(cloud.name).decide(settings, environ, source)
    return NATIVE_CHAIN if chosen is None else _shared(cloud, chosen, None, settings)


def _named(source: Source, settings: Settings) -> Source:
    """The source under the identity that the caller gives it, where one is given."""
    name = settings.value("provider_id")
    return replace(source, identity=f"provider_id {name}") if name and isinstance(source, ProviderSource) else source


def _shared(cloud: Cloud, source: Source, initial: Credentials | None, settings: Settings) -> Refresher:
    told = "" if initial is None else _digest(initial)
    margin, wait = settings.value("refresh_margin"), settings.value("provider_timeout", DEFAULT_WAIT)
    key = keyed_digest(repr((cloud.name, source.identity, told, margin, wait)))
    return shared_refresher(
        key, lambda: Refresher(source, initial=initial, margin=margin, wait_timeout=wait.total_seconds())
    )


def _digest(credentials: Credentials) -> str:
    return keyed_digest(repr((sorted(credentials.values.items()), credentials.expires_at)))


def _static(cloud: Cloud, settings: Settings) -> Credentials | None:
    """The credentials in the settings, or None; half a set is an error."""
    names = [name for name in cloud.credential_options if name != EXPIRY and settings.value(name) not in (None, "")]
    sets = cloud.sufficient
    if any(all(name in names for name in wanted) for wanted in sets):
        found = Credentials({name: settings.value(name) for name in names}, settings.value(EXPIRY))
        return kind_of(cloud.name).settled(found)
    for wanted in sets:
        if any(name in names for name in wanted):
            given = [f"{settings[name].spelling} ({settings[name].origin})" for name in wanted if name in names]
            missing = [name for name in wanted if name not in names]
            msg = f"{' and '.join(given)} given without {' and '.join(missing)}; give both"
            raise IncompleteCredentialsError(msg)
    return None


def _provider(settings: Settings) -> Any:
    """The one provider in the settings, or None."""
    given = [settings[name] for name in PROVIDER_OPTIONS if settings.value(name) is not None]
    if not given:
        return None
    first = given[0]
    for other in given[1:]:
        if provider_identity(other.value) != provider_identity(first.value):
            msg = f"{first.spelling!r} and {other.spelling!r} name different providers; give one of them"
            raise ConflictingOptionsError(msg)
    return first.value
