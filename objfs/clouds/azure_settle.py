"""Settings of Azure that follow from other settings: whose origin they keep, and when two contradict each other."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from objfs.clouds import _combine
from objfs.clouds._combine import contradiction
from objfs.clouds.azure_rows import TABLE
from objfs.options import Origin, Setting, Settings
from objfs.records import replace

__all__ = ["adopt", "contradiction", "put"]

put: Final = partial(_combine.put, TABLE)


def adopt(settings: Settings, name: str, value: Any, source: Setting) -> Settings:
    """Put, unless a higher layer sets the option; in one layer, and in a keyword and the URL, the two must agree."""
    current = settings.get(name)
    together = current is not None and max(current.origin, source.origin) <= Origin.URL
    if current is not None and (together or current.origin == source.origin) and current.value != value:
        contradiction(current, replace(source, option=current.option, value=value))
    return put(settings, name, value, source) if current is None or current.origin > source.origin else settings
