"""From what was written on the command line to places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objfs.copying_places import Place, open_place


class Session:
    """What the flags of one command say of storage.

    Parameters
    ----------
    options
        Storage options.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options

    def place(self, url: str) -> Place:
        """The place of a URL."""
        return open_place(url, self._options)
