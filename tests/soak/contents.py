"""What may lie under a key: contents that can be made again from two numbers, and what is known of each key."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


class WrongBytesError(AssertionError):
    """What was read is not what was written: what the soak looks for."""


@dataclass(frozen=True)
class Content:
    """Bytes that need not be kept.

    Parameters
    ----------
    seed
        Which.
    size
        How many.
    """

    seed: int
    size: int

    def data(self) -> bytes:
        """The bytes."""
        return random.Random(self.seed).randbytes(self.size)


@dataclass
class Known:
    """What one thread knows of its keys: what each may hold, where None is for no object.

    A call that succeeds leaves one possibility. One that fails leaves two: what was there, and what it would have left.
    """

    may_hold: dict[str, set[Content | None]] = field(default_factory=dict)

    def of(self, key: str) -> set[Content | None]:
        """What a key may hold."""
        return self.may_hold.get(key, {None})

    def holds(self, key: str, content: Content | None) -> None:
        """A call has succeeded."""
        self.may_hold[key] = {content}

    def holds_perhaps(self, key: str, content: Content | None) -> None:
        """A call has failed, and may have been carried out."""
        self.may_hold[key] = {*self.of(key), content}

    def certain(self) -> list[str]:
        """Keys of which it is certain that they hold something, and what."""
        return [key for key, may in self.may_hold.items() if len(may) == 1 and None not in may]

    def check(self, key: str, data: bytes | None) -> None:
        """Compare what was read, None for nothing, with what may be there.

        Raises
        ------
        WrongBytesError
            It is nothing that may be there.
        """
        for content in self.of(key):
            if data is None if content is None else data is not None and self._is(content, data):
                self.may_hold[key] = {content}
                return
        found = "nothing" if data is None else f"{len(data)} bytes"
        msg = f"{key} holds {found}, and may hold {sorted(self.of(key), key=str)}"
        raise WrongBytesError(msg)

    @staticmethod
    def _is(content: Content, data: bytes) -> bool:
        return len(data) == content.size and data == content.data()

    def check_names(self, names: set[str]) -> None:
        """Compare a listing with what may be there.

        Raises
        ------
        WrongBytesError
            A key is missing that must be there, or is there and must not.
        """
        missing = {key for key, may in self.may_hold.items() if None not in may} - names
        extra = {key for key in names if self.of(key) == {None}}
        if missing or extra:
            msg = f"the listing lacks {sorted(missing)} and should lack {sorted(extra)}"
            raise WrongBytesError(msg)
