"""Frozen values that the layers hand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

from objfs.errors import InvalidRangeError
from objfs.records import field, record


class SizedBuffer(Protocol):
    """Bytes in memory, wherever a backend has put them."""

    def __len__(self) -> int: ...

    def __buffer__(self, flags: int, /) -> memoryview: ...


@record
class Location:
    """One place in an object store.

    Parameters
    ----------
    bucket
        Bucket, container or access-point ARN, spelled as the caller did. Empty for the root.
    key
        Object key, opaque: never decoded, cut or normalised. Empty for the bucket itself.
    version
        Version id, or None for the current version.
    """

    bucket: str
    key: str = ""
    version: str | None = None

    @property
    def path(self) -> str:
        """``bucket/key``, as fsspec names it (without a version)."""
        return f"{self.bucket}/{self.key}" if self.key else self.bucket


@record
class ByteRange:
    """A half-open range of bytes ``[start, stop)`` of one object.

    Raises
    ------
    InvalidRangeError
        ``start`` is negative or ``stop`` lies before ``start``.
    """

    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.stop < self.start:
            msg = f"byte range [{self.start}, {self.stop}) must have 0 <= start <= stop"
            raise InvalidRangeError(msg)

    def __len__(self) -> int:
        return self.stop - self.start


@record
class ObjectInfo:
    """What one answer of a store said about an object.

    Parameters
    ----------
    size
        Bytes stored.
    e_tag
        ETag with its quotes, as on the wire; None where the store gives none.
    last_modified
        Timezone-aware; None where the store gives none.
    version
        Version id; None in a bucket without versions.
    attributes
        Content headers (``Content-Type``, ``Cache-Control``, ...) and user metadata, as the backend names them.
    """

    size: int
    e_tag: str | None = None
    last_modified: datetime | None = None
    version: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def state(self, condition: Literal["e_tag", "version"]) -> str | None:
        """What tells this state of the object from others: the named field, or the ETag where it is not there."""
        return (self.version if condition == "version" else None) or self.e_tag


@record
class Suffix:
    """The last ``length`` bytes of an object."""

    length: int


@record
class Chunk:
    """Bytes of one object, where they lie in it, and what the answer said about it.

    The bytes lie where the backend has put them; :meth:`tobytes` copies them only where that is no ``bytes`` object.
    """

    data: SizedBuffer
    start: int
    info: ObjectInfo

    @property
    def stop(self) -> int:
        """Where they end in the object."""
        return self.start + len(self.data)

    def tobytes(self) -> bytes:
        """The bytes."""
        return self.data if isinstance(self.data, bytes) else bytes(self.data)


@record
class Written:
    """What a store said about an object that was just written."""

    e_tag: str | None
    version: str | None
