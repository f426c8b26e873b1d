"""Warnings of what will go away, where the user's own line is named."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Final

import fsspec

from objfs.options import Settings

# A filesystem is made by fsspec's metaclass, which several functions of both may have been asked for.
_OURS: Final = tuple(os.path.dirname(file) + os.sep for file in (__file__, fsspec.__file__))


def warn_of(settings: Settings) -> None:
    """Warn of each deprecated option that is given, with what to do instead."""
    for setting in settings.values():
        if setting.option.deprecated:
            message = f"storage option {setting.spelling!r} ({setting.origin}): {setting.option.deprecated}"
            warnings.warn(message, DeprecationWarning, stacklevel=_levels_to_the_caller())


def _levels_to_the_caller() -> int:
    """How many frames are between `warn_of` and the first that is neither objfs's nor fsspec's."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 - `skip_file_prefixes` comes with Python 3.12
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OURS):
        level, frame = level + 1, frame.f_back
    return level
