"""What the caller, the URL and fsspec's configuration say of one filesystem, told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsspec import config as fsspec_config

from objfs.clouds._cloud import Cloud
from objfs.options import Layer, Origin, normalise


def layers_of(cloud: Cloud, given: Mapping[str, Any]) -> list[Layer]:
    """Tell the caller's own keywords from those that fsspec's configuration added to them."""
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
    ]
