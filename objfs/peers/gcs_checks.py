"""What ``consistency`` compares after a write: what was sent with what the server says it has."""

from __future__ import annotations

import base64
import errno
import hashlib
from collections.abc import Mapping
from typing import Any

from objfs.errors import MissingExtraError


class Check:
    """Compares nothing; the base of those that do."""

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""

    def promise(self) -> dict[str, str]:
        """Members of the object's description by which the server itself refuses other bytes."""
        return {}

    def compare(self, found: Mapping[str, Any], subject: str) -> None:
        """Raise ``OSError`` where the server has something else."""
        told, ours = self._pair(found)
        if told != ours:
            msg = f"the server has other bytes than were sent: {told!r}, not {ours!r}"
            raise OSError(errno.EIO, msg, subject)

    def _pair(self, found: Mapping[str, Any]) -> tuple[Any, Any]:
        return None, None


class SizeCheck(Check):
    """Compares sizes."""

    def __init__(self) -> None:
        self._size = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self._size += len(data)

    def _pair(self, found: Mapping[str, Any]) -> tuple[Any, Any]:
        return int(found.get("size", 0)), self._size


class DigestCheck(Check):
    """Compares digests.

    Parameters
    ----------
    member
        Where the server says its own, in base64.
    digest
        An object as hashlib makes them.
    """

    def __init__(self, member: str, digest: Any) -> None:
        self._member, self._digest = member, digest

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self._digest.update(bytes(data) if isinstance(data, bytearray | memoryview) else data)

    def promise(self) -> dict[str, str]:
        """The digest itself."""
        return {self._member: self._text()}

    def _pair(self, found: Mapping[str, Any]) -> tuple[Any, Any]:
        return found.get(self._member), self._text()

    def _text(self) -> str:
        return base64.b64encode(self._digest.digest()).decode()


def check_of(consistency: str | None) -> Check:
    """The check of gcsfs's name: ``none``, ``size``, ``md5`` or ``crc32c``."""
    if consistency == "size":
        return SizeCheck()
    if consistency == "md5":
        return DigestCheck("md5Hash", hashlib.md5(usedforsecurity=False))
    if consistency == "crc32c":
        return DigestCheck("crc32c", _crc32c())
    return Check()


def _crc32c() -> Any:
    try:
        from google_crc32c import Checksum
    except ImportError as error:
        msg = "consistency='crc32c' needs google-crc32c: pip install google-crc32c"
        raise MissingExtraError(msg) from error
    made: Any = Checksum
    return made()
