"""Steps that the clouds' ``resolve`` share: what follows from one setting for another, and what contradicts it."""

from __future__ import annotations

import base64
from typing import Any, NoReturn

from objfs.clouds._endpoints import complete_endpoint
from objfs.errors import ConflictingOptionsError, OptionError
from objfs.options import OptionTable, Setting, Settings
from objfs.records import replace


def put(table: OptionTable, settings: Settings, name: str, value: Any, source: Setting) -> Settings:
    """Set an option to what follows from another setting, whose origin and spelling it keeps."""
    setting = Setting(table.by_name[name], value, source.origin, source.spelling, source.place)
    return replace(settings, settings={**settings.settings, name: setting})


def adopt(table: OptionTable, settings: Settings, name: str, value: Any, source: Setting) -> Settings:
    """The same, unless a higher layer sets the option; in one layer the two must agree."""
    current = settings.get(name)
    if current is None or current.origin > source.origin:
        return put(table, settings, name, value, source)
    if current.origin == source.origin and current.value != value:
        contradiction(current, source)
    return settings


def contradiction(first: Setting, second: Setting) -> NoReturn:
    """Refuse two settings that cannot both be meant."""
    msg = (
        f"{first.spelling!r} ({first.origin}) is {first.shown} and {second.spelling!r} ({second.origin}) is "
        f"{second.shown}, which contradict each other; leave one of them out"
    )
    raise ConflictingOptionsError(msg)


def checked_certificates(settings: Settings) -> Settings:
    """Without checks there is nothing to check against: of the two, the higher layer's counts."""
    allowed, authority = settings.get("allow_invalid_certificates"), settings.get("root_certificate")
    if allowed is None or not allowed.value or authority is None:
        return settings
    if allowed.origin == authority.origin:
        contradiction(allowed, authority)
    return settings.without(max(allowed, authority, key=lambda setting: setting.origin).option.name)


def checked_anonymous(unsigned: Setting, given: list[Setting]) -> None:
    """There are no credentials beside anonymous access; of one layer that gives both, the first is named."""
    both = [setting for setting in given if setting.origin == unsigned.origin]
    if both:
        msg = (
            f"{unsigned.spelling!r} asks for anonymous requests, but {both[0].spelling!r} ({both[0].origin}) gives "
            f"credentials; leave one of them out"
        )
        raise ConflictingOptionsError(msg)


def checked_endpoint(table: OptionTable, settings: Settings, name: str) -> Settings:
    """An endpoint with a scheme, that agrees with what the options say of TLS."""
    setting, tls, allowed = (settings.get(option) for option in (name, "use_ssl", "allow_http"))
    if setting is None:
        return settings
    forbidden = allowed is not None and not allowed.value and allowed.origin <= setting.origin
    try:
        endpoint = complete_endpoint(setting.value, tls=tls.value if tls is not None else forbidden or None)
    except ValueError as error:
        msg = f"option {setting.spelling!r} ({setting.origin}) is not an endpoint: {error}"
        raise OptionError(msg) from None
    encrypted = endpoint.startswith("https:")
    if tls is not None and tls.value != encrypted:
        if tls.origin <= setting.origin:
            contradiction(tls, setting)
        settings = settings.without("use_ssl")
    if not encrypted and allowed is not None and forbidden:
        contradiction(allowed, setting)
    settings = put(table, settings, name, endpoint, setting)
    return settings if encrypted else put(table, settings, "allow_http", True, setting)


def key_bytes(text: str) -> bytes:
    """What a key is the base64 of; nothing where it is not."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def checked_customer_key(key: Setting) -> None:
    """Keys that customers encrypt with are AES-256's."""
    if len(key_bytes(key.value)) != 32:
        msg = f"option {key.spelling!r} ({key.origin}) is not a key of 32 bytes, in base64"
        raise OptionError(msg)
