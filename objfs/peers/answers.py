"""What an answer of a server must say before anybody believes it; anything else is an OSError that quotes it."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from typing import Any, Final

from objfs.types import ByteRange, Suffix

# https://www.rfc-editor.org/rfc/rfc9110#section-14.4; MinIO says ``bytes 0--1/0`` of an empty object.
_SPAN: Final = re.compile(r"bytes ([0-9]{1,19})-(-1|[0-9]{1,19})/([0-9]{1,19})")
# Sizes are 64 bits wide everywhere; the largest objects have some 2^47 bytes.
LARGEST: Final = (1 << 63) - 1
_LONGEST_QUOTE: Final = 80


def odd(value: Any, what: str, path: str | None) -> OSError:
    """The error for a value that no object store gives."""
    text = repr(value)
    shown = text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."
    return OSError(errno.EIO, f"the answer is not that of an object store: its {what} is {shown}", path)


def size_of(value: Any, path: str | None = None) -> int:
    """The size of an object.

    Raises
    ------
    OSError
        It is none: negative, no number, or larger than any object can be.
    """
    try:
        size = int(value)
    except (TypeError, ValueError, OverflowError):
        raise odd(value, "size", path) from None
    if not 0 <= size <= LARGEST:
        raise odd(value, "size", path)
    return size


def sizes_of(texts: Sequence[str]) -> list[int]:
    """The sizes of many objects, which is as quick as to believe them; a ValueError where one is no number."""
    sizes = list(map(int, texts))
    for size in (min(sizes, default=0), max(sizes, default=0)):
        size_of(size)
    return sizes


def partial_content(
    data: bytes, content_range: str | None, wanted: ByteRange | Suffix | None, path: str
) -> tuple[bytes, int, int]:
    """The bytes of an answer to a GET, where they begin in the object, and its size.

    Parameters
    ----------
    data
        The body.
    content_range
        The header, which an answer of status 206 has. Without it the body is the whole object, of which the range is
        cut: a server need not know ranges (https://www.rfc-editor.org/rfc/rfc9110#section-14.2).
    wanted
        What was asked for; None for the whole object.
    path
        The object.

    Raises
    ------
    OSError
        The answer is of other bytes than those that were asked for, or does not say of which; with ``EINVAL`` where
        the range begins past the end.
    """
    if content_range is not None:
        start, size = content_span(content_range, wanted, path)
        return data, start, size
    size = len(data)
    if wanted is None:
        return data, 0, size
    start, stop = _within(wanted, size)
    if start >= size and isinstance(wanted, ByteRange):
        raise OSError(errno.EINVAL, f"the range begins past the end of {size} bytes", path)
    return data[start:stop], start, size


def content_span(content_range: str | None, wanted: ByteRange | Suffix | None, path: str | None) -> tuple[int, int]:
    """First byte and size of the object, where a ``Content-Range`` is that of the range that was asked for."""
    start, last, size = _parsed(content_range, path)
    if size > LARGEST or (start, last + 1) != _within(wanted, size):
        raise odd(content_range, "Content-Range", path)
    return start, size


def span_of(content_range: str) -> tuple[int, int]:
    """First and last byte of a ``Content-Range``, whatever was asked for."""
    start, last, _ = _parsed(content_range, None)
    return start, last


def _parsed(content_range: str | None, path: str | None) -> tuple[int, int, int]:
    found = _SPAN.fullmatch(str(content_range))
    if found is None:
        raise odd(content_range, "Content-Range", path)
    return int(found[1]), int(found[2]), int(found[3])


def _within(wanted: ByteRange | Suffix | None, size: int) -> tuple[int, int]:
    """Where a range begins and ends in an object of that size."""
    if isinstance(wanted, ByteRange):
        return wanted.start, min(wanted.stop, size)
    return (0 if wanted is None else max(0, size - wanted.length)), size
