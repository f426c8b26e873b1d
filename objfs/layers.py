"""What the caller, the URL and fsspec's configuration say of one filesystem, told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsspec import config as fsspec_config

from objfs.clouds._cloud import Cloud
from objfs.config_files import CSHELVE_PROVIDERS, PARAMETERS, PLACE_WORDS, ConfigFile, is_path, read_config
from objfs.credentials.identity import keyed_digest
from objfs.errors import ConflictingOptionsError, OptionError
from objfs.options import Layer, Origin, normalise


def layers_of(cloud: Cloud, given: Mapping[str, Any], environ: Mapping[str, str]) -> list[Layer]:
    """Tell the caller's own keywords from those that fsspec's configuration added to them, and read the file they name.

    Parameters
    ----------
    cloud
        Of the filesystem.
    given
        All keywords.
    environ
        For the variables that a configuration file names.

    Raises
    ------
    OSError, OptionError
        The configuration file cannot be read, or is none of this cloud.
    """
    file = config_file_of(given, environ)
    if file is not None:
        given = {name: value for name, value in given.items() if normalise(name) != "config"}
    configured: dict[str, Any] = {}
    for scheme in cloud.schemes:
        configured = {**fsspec_config.conf.get(scheme, {}), **configured}
    url = given.get("url_options") or {}
    keywords: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for name, value in given.items():
        if name == "url_options":
            continue
        same = name in configured and configured[name] == value
        (defaults if same else keywords)[name] = value
    # What the caller hides still says whom the rest of the configuration is about; a None of the caller's takes away.
    hidden = {name: value for name, value in configured.items() if keywords.get(name) is not None}
    index = cloud.table.index
    gone = {index[normalise(name)][0] for name, value in keywords.items() if value is None and normalise(name) in index}
    configured = {
        name: value
        for name, value in {**hidden, **defaults}.items()
        if normalise(name) not in index or index[normalise(name)][0] not in gone
    }
    return [
        Layer(Origin.KEYWORD, keywords),
        Layer(Origin.URL, url),
        Layer(Origin.FSSPEC_CONFIG, configured),
        *([] if file is None else _file_layers(cloud, file)),
    ]


def config_file_of(given: Mapping[str, Any], environ: Mapping[str, str]) -> ConfigFile | None:
    """What the file says that keywords name, or None where they name none.

    Raises
    ------
    OptionError
        A profile without a file.
    """
    named = {normalise(name): value for name, value in given.items()}
    path, profile = named.get("config"), named.get("config_profile")
    if is_path(path):
        return read_config(path, profile, environ)
    if profile is not None:
        msg = f"config_profile={profile!r} is a profile of a configuration file; name that by config=, a path"
        raise OptionError(msg)
    return None


def file_identity(given: Mapping[str, Any], environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """What tells two states of the file apart that keywords name: an instance is not for both."""
    file = config_file_of(given, environ)
    if file is None:
        return []
    said = [file.provider, sorted(file.values.items()), sorted(file.parameters.items())]
    return [("config", keyed_digest(repr(said)))]


def _file_layers(cloud: Cloud, file: ConfigFile) -> list[Layer]:
    """The options of a file, which must be about this cloud."""
    if file.provider is not None and _scheme_of(file.provider) not in (cloud.name, *cloud.schemes):
        msg = f"{file.path}, [{file.profile}], is about provider {file.provider!r}, and not about {cloud.name}"
        raise ConflictingOptionsError(msg)
    index = cloud.table.index
    options = {
        name: value
        for name, value in file.values.items()
        if normalise(name) not in PLACE_WORDS or normalise(name) in index
    }
    if PARAMETERS not in index:
        return [Layer(Origin.CONFIG_FILE, {**file.parameters, **options}, file.places)]
    place = f"{file.path}, [{PARAMETERS}]"
    return [
        Layer(Origin.CONFIG_FILE, options, file.places),
        Layer(Origin.CONFIG_FILE, {PARAMETERS: file.parameters}, {PARAMETERS: place}),
    ]


def _scheme_of(provider: str) -> str:
    return CSHELVE_PROVIDERS.get(provider, (provider, ""))[0]
