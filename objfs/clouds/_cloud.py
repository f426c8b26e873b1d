"""What a cloud is to the rest of objfs: rows, URL forms and a few pure functions. Everything that differs is here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from objfs.options import OptionTable, Settings
from objfs.types import Location


@dataclass(frozen=True, slots=True)
class ParsedUrl:
    """One URL, taken apart.

    Parameters
    ----------
    location
        Bucket, key and, where the URL names one, version.
    options
        Canonical options that the URL implies (region, endpoint, addressing), without secrets.
    """

    location: Location
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoreArguments:
    """Everything the data plane needs to build the store of one bucket; nothing is left to the environment.

    Parameters
    ----------
    config, client_options, retry_config
        As the data plane's constructor names them.
    bucket
        Bucket (or the host part of an access point) that the store is bound to.
    """

    bucket: str
    config: Mapping[str, Any] = field(repr=False)
    client_options: Mapping[str, Any] = field(repr=False)
    retry_config: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud as data.

    Parameters
    ----------
    name
        ``s3``, ``gcs`` or ``azure``.
    schemes
        URL schemes, the canonical one first.
    extra
        The extra of objfs that installs the SDK plane.
    table
        Option rows.
    credential_options
        Canonical names that a provider may hand out and that replace static ones.
    positional
        Names of the constructor's positional arguments, in the order of the peer that the class takes over from.
    split
        Path (``bucket/key``, with or without a scheme) to location; keys are opaque.
    parse_url
        Any URL form of the cloud to its parts; ``UrlError`` for what it refuses.
    resolve
        Checks combinations and fills in what follows from other settings (pure).
    store_arguments
        Settings and bucket to the data plane's arguments (pure).
    sdk_keywords
        Settings to the SDK plane's constructor keywords, without credentials (pure).
    store_refusal
        Why the data plane cannot serve these settings or this bucket exactly; None where it can.
    write_parameters
        What the settings say of every object that is written, in the SDK's words (pure).
    write_attributes
        The SDK's word for a property of an object that is written to the data plane's.
    """

    name: str
    schemes: tuple[str, ...]
    extra: str
    table: OptionTable
    credential_options: tuple[str, ...]
    positional: tuple[str, ...]
    split: Callable[[str], Location]
    parse_url: Callable[[str], ParsedUrl]
    resolve: Callable[[Settings], Settings]
    store_arguments: Callable[[Settings, str], StoreArguments]
    sdk_keywords: Callable[[Settings], dict[str, Any]]
    store_refusal: Callable[[Settings, str], str | None]
    write_parameters: Callable[[Settings], dict[str, Any]]
    write_attributes: Mapping[str, str]
