"""Uploads in blocks: their names, those that a blob has already, and blobs that can only be appended to."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from objfs.peers.azure_blobs import condition

# All names of one blob's blocks must be of one length, those of uploads that were given up included; this is that of
# obstore 0.12.1 and adlfs, so that each can follow the other
# (https://learn.microsoft.com/rest/api/storageservices/put-block#uri-parameters).
_NAME_LENGTH: Final = 32
_NUMBER_LENGTH: Final = 6
_SHORTEST: Final = 13
_LONGEST: Final = 64
# Largest block of an append blob in every version of the service.
_APPEND_BYTES: Final = 4 << 20
_HEXADECIMAL: Final = re.compile("[0-9a-f]+")


class BlockUpload:
    """One upload: whose blocks it writes, and which it keeps.

    Attributes
    ----------
    appends
        The blob is an append blob: what is sent is visible at once, as with adlfs.
    """

    def __init__(self) -> None:
        self.appends = False
        self._length = _NAME_LENGTH
        self._token = secrets.token_hex(_LONGEST)
        self._kept: frozenset[str] = frozenset()
        self._position = 0
        self._turn: asyncio.Condition | None = None

    def name(self, number: int) -> str:
        """The name of a block; no other upload has one like it."""
        return f"{self._token[: self._length - _NUMBER_LENGTH]}{number:0{_NUMBER_LENGTH}d}"

    def keep(self, names: Iterable[str]) -> bool:
        """Go on from blocks that are committed; False where their names leave no room for others."""
        lengths = {len(name.encode()) for name in names}
        length = next(iter(lengths), 0)
        if len(lengths) != 1 or not _SHORTEST <= length <= _LONGEST:
            return False
        self._length, self._kept = length, frozenset(names)
        return True

    def append_to(self, size: int) -> None:
        """Go on at the end of an append blob."""
        self.appends, self._position = True, size

    def block_list(self, names: Iterable[str]) -> list[Any]:
        """The blocks of the blob, in their order."""
        from azure.storage.blob import BlobBlock, BlockState

        states = {True: BlockState.COMMITTED, False: BlockState.UNCOMMITTED}
        return [BlobBlock(name, state=states[name in self._kept]) for name in names]

    async def append(self, client: Any, _: int, start: int, data: bytes, keywords: Mapping[str, Any]) -> None:
        """Append the bytes that follow those before ``start``, when these are there."""
        self._turn = self._turn or asyncio.Condition()
        async with self._turn:
            await self._turn.wait_for(lambda: self._position == start)
            for at in range(0, len(data), _APPEND_BYTES):
                piece = data[at : at + _APPEND_BYTES]
                await client.append_block(piece, appendpos_condition=start + at, **keywords)
            self._position = start + len(data)
            self._turn.notify_all()


async def continued(
    client: Any, upload: BlockUpload, e_tag: str | None, keywords: Mapping[str, Any]
) -> list[str] | None:
    """Make an upload go on from what a blob holds; None where its bytes have to be sent again."""
    from azure.storage.blob import BlobType

    properties = await client.get_blob_properties(**condition(if_match=e_tag), **keywords)
    if properties.blob_type == BlobType.APPENDBLOB:
        upload.append_to(properties.size)
        return []
    committed, _ = await client.get_block_list("committed")
    names = [block.id for block in committed]
    # A blob that was written with one request has no blocks.
    whole = sum(block.size for block in committed) == properties.size
    return names if whole and all(map(_is_told, names)) and upload.keep(names) else None


def _is_told(name: str) -> bool:
    """Whether a name is the block's; of one that is no text the client tells what it has on the wire."""
    if _HEXADECIMAL.fullmatch(name):
        return True
    try:
        base64.b64decode(name, validate=True).decode()
    except UnicodeDecodeError:
        return False
    except binascii.Error:
        pass
    return True
