"""From what was written on the command line to places."""

from __future__ import annotations

import os

from objfs.cli.output import WrongCallError, pairs
from objfs.copying_places import Place, open_side


class Session:
    """What the flags of one command say of storage.

    Parameters
    ----------
    given
        Of ``-o``.
    config, profile
        Of the flags of these names.

    Raises
    ------
    WrongCallError
        They cannot be read.
    """

    def __init__(self, given: list[str] | None, config: str | None, profile: str | None) -> None:
        self._given = pairs(given, "-o")
        if profile is not None and config is None:
            msg = "--profile is a section of the file of --config; one of the AWS files is -o profile=NAME"
            raise WrongCallError(msg)
        if config is not None and not os.access(os.path.expanduser(config), os.R_OK):
            # Said of a URL, that a file is missing would be taken for the object.
            msg = f"--config: {config!r} is no file that can be read"
            raise WrongCallError(msg)
        named = {"config": config, "config_profile": profile}
        self._config = {name: value for name, value in named.items() if value is not None}
        for flag, name in (("--config", "config"), ("--profile", "config_profile")):
            if self._given.get(name, named[name]) != named[name] and named[name] is not None:
                msg = f"{flag} and -o {name}= give two different values; give one of them"
                raise WrongCallError(msg)

    @property
    def options(self) -> dict[str, str]:
        """Storage options of what is in a cloud."""
        return {**self._config, **self._given}

    def place(self, url: str) -> Place:
        """The place of a URL; a configuration file is for what is in a cloud."""
        return open_side(url, self._config, self._given)
