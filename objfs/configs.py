"""Open what a configuration file leads to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from objfs.clouds.known import PLAIN
from objfs.config_files import DEFAULT_PROFILE, PLACE_WORDS, ConfigFile, read_config
from objfs.connection import environ
from objfs.errors import ConflictingOptionsError, OptionError
from objfs.opening import from_url
from objfs.options import normalise
from objfs.prefixed import PrefixFileSystem
from objfs.urls import redact_url, scheme_of

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


def from_config(
    path: str | os.PathLike[str], profile: str | None = None, **options: Any
) -> tuple[AbstractFileSystem, str]:
    """Make the filesystem that a configuration file describes. No request is sent.

    Parameters
    ----------
    path
        An INI file, in the vocabulary of cshelve or of objfs, or a TOML file (``.toml``).
    profile
        Its section or table; None: ``default``.
    **options
        Storage options that go before those of the file, as keywords always do.

    Returns
    -------
    filesystem, path
        As `from_url` gives them, for the ``url`` of the file, or for its ``provider`` and bucket. The filesystem keeps
        the file's name and not what it says: a pickle of it holds no secret, and reads the file again.

    Raises
    ------
    OSError
        The file cannot be read.
    OptionError
        It is neither INI nor TOML, has no such profile, does not say where, names an option that nobody knows or a
        variable that is not set.
    ConflictingOptionsError
        ``config`` among the options; or the file's ``url`` and its other words for the place lead to two places.

    Examples
    --------
    >>> fs, path = from_config("lab.toml", profile="minio")  # doctest: +SKIP
    """
    file = read_config(path, profile, environ())
    if file.url is None:
        msg = f"{file.path}, [{file.profile}], does not say where: give url, or provider and bucket_name"
        raise OptionError(msg)
    if (scheme_of(file.url) or "") in PLAIN:
        told = {name: value for name, value in file.values.items() if normalise(name) not in PLACE_WORDS}
        return _agreed(file, *from_url(file.url, **{**told, **file.parameters, **options}))
    twice = [name for name in options if normalise(name) in ("config", "config_profile")]
    if twice:
        msg = f"{twice[0]}= cannot go with from_config, which names the file; give options by their names"
        raise ConflictingOptionsError(msg)
    named = {} if file.profile == DEFAULT_PROFILE else {"config_profile": file.profile}
    # Whoever changes the working directory, or is another process, finds the file all the same.
    place = str(Path(file.path).expanduser().absolute())
    return _agreed(file, *from_url(file.url, **options, config=place, **named))


def _agreed(file: ConfigFile, fs: AbstractFileSystem, path: str) -> tuple[AbstractFileSystem, str]:
    """What was opened, unless other words of the file for the place lead elsewhere: one of them is not meant."""
    url = str(file.url)
    whole = f"{fs.path}/{path}" if isinstance(fs, PrefixFileSystem) else path
    whole = whole.removeprefix(f"{scheme_of(url)}://").strip("/")
    outer = whole.partition("/")[0]
    told = {name: str(value) for name, value in file.values.items() if normalise(name) in PLACE_WORDS}
    for name in sorted(told, key=lambda name: normalise(name) == "prefix"):
        said = told[name].strip("/")
        if normalise(name) == "prefix":
            said = f"{outer}/{said}".strip("/")
        elif scheme_of(url) in ("file", "local"):
            said = Path(told[name]).absolute().as_posix().strip("/")
        if not f"{whole}/".startswith(f"{said}/"):
            other = f"{redact_url(url)} is not there"
            msg = f"{name!r} is {told[name]!r} ({file.places[name]}), and {other}; leave one of them out"
            raise ConflictingOptionsError(msg)
        outer = said
    return fs, path
