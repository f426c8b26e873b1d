"""The ways to authenticate that a cloud's filesystem has by itself, as providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objfs.clouds.known import CLOUDS
from objfs.connection import environ
from objfs.credentials.kinds import kind_of
from objfs.credentials.values import Source
from objfs.errors import MissingExtraError
from objfs.options import Layer, Origin, Settings, environment_layer, translate
from objfs.providers.base import from_environment


def settings_of(cloud: str, options: Mapping[str, Any], *, environment: bool = True) -> Settings:
    """Settings of a cloud from options of a provider, which stand for keywords of the filesystem.

    Parameters
    ----------
    cloud
        Its name.
    options
        Options by any of their names; None counts as not given, and ``$NAME`` is looked up.
    environment
        Whether the cloud's own variables count, too.
    """
    table = next(one for one in CLOUDS if one.name == cloud).table
    layers = [Layer(Origin.KEYWORD, {name: from_environment(value) for name, value in options.items()})]
    if environment:
        layers.append(environment_layer(table, environ()))
    return translate(table, layers)


def source_of(cloud: str, options: Mapping[str, Any], needs: str, without: tuple[str, ...]) -> Source:
    """Where a filesystem with these options would get its credentials.

    Parameters
    ----------
    cloud, options
        As for :func:`settings_of`.
    needs
        What has to be installed for it.
    without
        Options of the cloud that are not taken from the environment.

    Raises
    ------
    MissingExtraError
        The SDK is not installed that could.
    """
    source = kind_of(cloud).decide(settings_of(cloud, options).without(*without), environ(), None)
    if source is None:
        msg = f"this provider needs {needs}"
        raise MissingExtraError(msg)
    return source
