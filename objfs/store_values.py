"""What obstore is told and what it answers, in the values that the layers hand to each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from objfs.types import ByteRange, Chunk, ObjectInfo, Suffix, Written

# An empty segment, `.` or `..`, or a control character.
_UNNAMEABLE: Final = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)|[\x00-\x1f\x7f]")


def addressable(key: str) -> bool:
    """Whether obstore's ``Path`` names exactly this key (it drops outer slashes and refuses ``.``, ``..``, ``//``)."""
    return _UNNAMEABLE.search(key) is None


def with_files_read(options: Mapping[str, Any]) -> dict[str, Any]:
    """Certificates that are named by a path, read: obstore takes their text."""
    return {name: value.read_bytes() if isinstance(value, Path) else value for name, value in options.items()}


def get_options(wanted: ByteRange | Suffix | None, if_match: str | None, version: str | None) -> Any:
    """Those of a GET, in obstore's words."""
    options: dict[str, Any] = {}
    if isinstance(wanted, Suffix):
        options["range"] = {"suffix": wanted.length}
    elif wanted is not None:
        options["range"] = (wanted.start, wanted.stop)
    if if_match is not None:
        options["if_match"] = if_match
    if version is not None:
        options["version"] = version
    return options


def head_options(version: str | None) -> tuple[Any, Any]:
    """Those of a HEAD, and those of a GET that tells why it was refused, as the answer to a HEAD has no body."""
    options = get_options(None, None, version)
    return {**options, "head": True}, {**options, "range": (0, 1)}


class Answer(Protocol):
    """obstore's answer to a GET, as far as it is looked at."""

    @property
    def range(self) -> tuple[int, int]:
        """Where its bytes begin and end in the object."""
        ...

    @property
    def meta(self) -> Any:
        """Size, ETag, time and version."""
        ...

    @property
    def attributes(self) -> Any:
        """Content headers and metadata."""
        ...


def chunk(answer: Answer, data: Any) -> Chunk:
    """The bytes of an answer."""
    return Chunk(data, answer.range[0], object_info(answer.meta, answer.attributes))


def written(answer: Mapping[str, Any]) -> Written:
    """The answer to a PUT."""
    return Written(answer["e_tag"], answer["version"])


def object_info(meta: Mapping[str, Any], attributes: Mapping[str, str]) -> ObjectInfo:
    """What an answer says of its object."""
    return ObjectInfo(meta["size"], meta["e_tag"], meta["last_modified"], meta["version"], dict(attributes))
