"""Several requests of GCS's JSON API in one (https://cloud.google.com/storage/docs/batch)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from email import message_from_bytes
from typing import Final

_STATUS: Final = re.compile(r"\s*HTTP/[0-9.]+ +(\d{3})")
_NUMBER: Final = re.compile(r"\+(\d+)>?\s*$")


def batch_body(targets: Sequence[str]) -> tuple[bytes, str]:
    """Body and content type of a request that deletes what the targets (path and query, encoded) name."""
    boundary = f"objfs-{secrets.token_hex(16)}"
    parts = [
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <{boundary}+{number}>\r\n\r\n"
        # The last line break belongs to the boundary.
        f"DELETE {target} HTTP/1.1\r\nAccept: application/json\r\nContent-Length: 0\r\n\r\n\r\n"
        for number, target in enumerate(targets)
    ]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode(), f'multipart/mixed; boundary="{boundary}"'


def answers_of(content_type: str, contents: bytes, count: int) -> list[tuple[int, str]]:
    """HTTP status and text of each answer, in the order of the requests.

    Raises
    ------
    ValueError
        The answers are not as many as the requests.
    """
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + contents)
    found: dict[int, tuple[int, str]] = {}
    for place, part in enumerate(message.get_payload() if message.is_multipart() else []):
        text = part.get_payload()
        status = _STATUS.match(text) if isinstance(text, str) else None
        number = _NUMBER.search(part.get("Content-ID", ""))
        if status is not None:
            body = text.partition("\r\n\r\n")[2] or text.partition("\n\n")[2]
            found[int(number[1]) if number else place] = int(status[1]), body
    if sorted(found) != list(range(count)):
        msg = f"a batch of {count} requests got {len(found)} answers"
        raise ValueError(msg)
    return [found[number] for number in range(count)]
