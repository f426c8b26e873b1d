"""Work that outlives its credentials: one file is read and another written while a gateway lets keys expire."""

from __future__ import annotations

import time
from typing import Any

PIECE_BYTES = 1 << 16
_LONGEST_SECONDS = 60.0


def work_through_expiry(fs: Any, gateway: Any, bucket: str, *, sets: int = 3) -> int:
    """Read a file and write another, piece by piece, until a gateway has issued so many sets of keys.

    Each piece that is read is compared, and in the end all that was written.

    Returns
    -------
    int
        How many sets of keys it was in the end.
    """
    data = bytes(range(256)) * 4096
    fs.pipe_file(f"{bucket}/in", data)
    end, written = time.monotonic() + _LONGEST_SECONDS, []
    with fs.open(f"{bucket}/in", "rb", cache_type="none") as source, fs.open(f"{bucket}/out", "wb") as sink:
        at = 0
        while gateway.stats()["issued"] < sets:
            assert time.monotonic() < end, "the credentials were not renewed"
            source.seek(at)
            piece = source.read(PIECE_BYTES)
            assert piece == data[at : at + PIECE_BYTES]
            sink.write(piece[:256])
            written.append(piece[:256])
            at = (at + PIECE_BYTES) % len(data)
    assert fs.cat_file(f"{bucket}/out") == b"".join(written)
    return int(gateway.stats()["issued"])
