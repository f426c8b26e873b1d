"""Which files of a tree are meant: globs that include and exclude."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fsspec.utils import glob_translate


class Selection:
    """Names that match a pattern of ``include``, or all where there is none, and no pattern of ``exclude``.

    The order of patterns does not matter: what is excluded stays out.

    Parameters
    ----------
    include, exclude
        Globs as fsspec has them: ``*`` and ``?`` stop at slashes, ``**`` as a whole part of a path does not, ``[…]``
        is one of some characters, ``[!…]`` none of them. A pattern without a slash is compared with the last part of a
        name, one with a slash with the whole name below what is copied; a slash at its end means all below.

    Raises
    ------
    ValueError
        A pattern is empty or malformed.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._include = [_compile(pattern) for pattern in include]
        self._exclude = [_compile(pattern) for pattern in exclude]

    def takes(self, name: str) -> bool:
        """Whether a name, relative to what is copied, is meant."""
        taken = not self._include or any(_matches(each, name) for each in self._include)
        return taken and not any(_matches(each, name) for each in self._exclude)


def _compile(pattern: str) -> tuple[bool, re.Pattern[str]]:
    """Whether the whole name is compared, and with what."""
    whole = pattern.removeprefix("/")
    if not whole:
        msg = f"{pattern!r} is no pattern; give one such as '*.csv' or 'logs/**'"
        raise ValueError(msg)
    return "/" in pattern, re.compile(glob_translate(f"{whole}**" if whole.endswith("/") else whole))


def _matches(pattern: tuple[bool, re.Pattern[str]], name: str) -> bool:
    whole, expression = pattern
    return expression.match(name if whole else name.rpartition("/")[2]) is not None
