"""Steps that the clouds' ``resolve`` share: what follows from one setting for another, and what contradicts it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from objfs.errors import ConflictingOptionsError
from objfs.options import OptionTable, Setting, Settings


def put(table: OptionTable, settings: Settings, name: str, value: Any, source: Setting) -> Settings:
    """Set an option to what follows from another setting, whose origin and spelling it keeps."""
    setting = Setting(table.by_name[name], value, source.origin, source.spelling)
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
