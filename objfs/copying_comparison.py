"""Whether a file is at its target already: by size, by time, or by what is in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, Literal, TypeAlias, get_args

from objfs.copying_places import Entry, Place
from objfs.parts import part_size

Comparison: TypeAlias = Literal["mtime", "size", "checksum"]
COMPARISONS: Final[tuple[str, ...]] = get_args(Comparison)

_BLOCK_BYTES: Final = 4 << 20
# An ETag that is an MD5, and one of an upload in parts: the MD5 of the MD5s of its parts, and how many there are
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
_MD5: Final = re.compile(r'"?([0-9a-f]{32})"?')
_MD5_OF_PARTS: Final = re.compile(r'"?([0-9a-f]{32}-([0-9]+))"?')
# The parts of common clients, in MiB; ours are among what is tried first.
_PART_MEBIBYTES: Final = (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512, 1024)


def same_by_listing(source: Entry, target: Entry, how: Comparison) -> bool | None:
    """What listings tell of whether two files are the same; None where they do not.

    Parameters
    ----------
    source, target
        As listed.
    how
        ``size``: a guess, as are all but the last. ``mtime``: also not written before the source was. ``checksum``:
        exact.
    """
    if source.size is None or target.size is None or source.size != target.size:
        return False
    if how == "size":
        return True
    if how == "mtime":
        # Some stores keep whole seconds only.
        known = source.modified is not None and target.modified is not None
        return known and int(source.modified or 0) <= (target.modified or 0)
    ours, theirs = _checksum(source.facts), _checksum(target.facts)
    if ours and theirs:
        if ours == theirs:
            return True
        # Two uploads of the same bytes in different parts have different ETags.
        return False if "-" not in ours + theirs else None
    return None


def same_by_content(source: Place, ours: Entry, target: Place, theirs: Entry) -> bool:
    """Whether two files of the same size hold the same bytes; read only where no stored checksum says it."""
    for place, told, other in ((source, theirs, target), (target, ours, source)):
        checksum = _checksum(told.facts)
        if place.is_local and checksum:
            found = _same_as_checksum(place.path, checksum, other, told.size or 0)
            if found is not None:
                return found
    with source.fs.open(source.path, "rb") as one, target.fs.open(target.path, "rb") as two:
        return _same_bytes(one, two)


def _same_bytes(one: IO[bytes], two: IO[bytes]) -> bool:
    while True:
        block = one.read(_BLOCK_BYTES)
        if block != two.read(_BLOCK_BYTES):
            return False
        if not block:
            return True


def _same_as_checksum(path: str, checksum: str, store: Place, size: int) -> bool | None:
    """Whether a local file has the checksum of an object; None where its parts cannot be told."""
    if "-" not in checksum:
        return _md5_of_parts(path, None) == checksum
    count = int(checksum.partition("-")[2])
    own = [part_size(store.fs.connection.cloud.parts, total, None) for total in (size, None)]
    for part_bytes in dict.fromkeys([*own, *(mebibytes << 20 for mebibytes in _PART_MEBIBYTES)]):
        if -(-size // part_bytes) == count and _md5_of_parts(path, part_bytes) == checksum:
            return True
    return None


def _md5_of_parts(path: str, part_bytes: int | None) -> str:
    """The ETag of a local file; one upload without parts for None."""
    digests: list[bytes] = []
    with open(path, "rb") as file:
        while True:
            digest, left = hashlib.md5(usedforsecurity=False), part_bytes or 1 << 62
            while left and (block := file.read(min(left, _BLOCK_BYTES))):
                digest.update(block)
                left -= len(block)
            if left == part_bytes:
                break
            digests.append(digest.digest())
            if left:
                break
    if part_bytes is None:
        return digests[0].hex()
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


def _checksum(facts: Mapping[str, Any]) -> str | None:
    """The MD5 that a listing tells, as S3 writes it."""
    return next((found for look in _CHECKSUMS if (found := look(facts)) is not None), None)


def _md5_of_gcs(facts: Mapping[str, Any]) -> str | None:
    told = facts.get("md5Hash")
    return base64.b64decode(told).hex() if isinstance(told, str) else None


def _md5_of_azure(facts: Mapping[str, Any]) -> str | None:
    settings = facts.get("content_settings")
    told = settings.get("content_md5") if isinstance(settings, Mapping) else None
    return bytes(told).hex() if told else None


def _md5_of_s3(facts: Mapping[str, Any]) -> str | None:
    tag = str(facts.get("ETag") or "")
    match = _MD5.fullmatch(tag) or _MD5_OF_PARTS.fullmatch(tag)
    return match[1] if match else None


_CHECKSUMS: Final[tuple[Callable[[Mapping[str, Any]], str | None], ...]] = (_md5_of_gcs, _md5_of_azure, _md5_of_s3)
