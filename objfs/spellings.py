"""Names of options: how they are compared, names whose ending is the caller's, and names of places in dicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from objfs.records import record

T = TypeVar("T")


def normalise(name: str) -> str:
    """Option names are case-insensitive, and ``-`` and ``_`` are alike."""
    return name.strip().lower().replace("-", "_")


@record(slots=False)
class Names(Mapping[str, T], Generic[T]):
    """What each spelling stands for; one that ends in ``<word>`` has any text in the place of that word.

    Parameters
    ----------
    known
        By normalised spelling.
    """

    known: Mapping[str, T]

    def __getitem__(self, spelling: str) -> T:
        if spelling in self.known:
            return self.known[spelling]
        for beginning, meaning in self._open:
            if spelling.startswith(beginning) and spelling != beginning:
                return meaning
        raise KeyError(spelling)

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    @cached_property
    def _open(self) -> tuple[tuple[str, T], ...]:
        return tuple((name.partition("<")[0], meaning) for name, meaning in self.known.items() if name.endswith(">"))

    def ending(self, spelling: str) -> str | None:
        """What a spelling has in the place of ``<word>``, as it was written; None for any other spelling."""
        text = spelling.strip()
        if normalise(text) in self.known:
            return None
        return next((text[len(start) :] for start, _ in self._open if normalise(text).startswith(start)), None)


def place(target: dict[str, Any], dotted: str, value: Any) -> None:
    """Set ``target[a][b] = value`` for ``a.b``; a mapping is merged into what is there, None is left out."""
    *parents, leaf = dotted.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    if value is None:
        return
    if isinstance(value, Mapping) and isinstance(target.get(leaf), dict):
        target[leaf] = {**target[leaf], **value}
    else:
        target[leaf] = dict(value) if isinstance(value, Mapping) else value
