"""The part of JSONPath that leads to one value: members, quoted members and positions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from objfs.errors import OptionError

# RFC 9535, section 2.3: a name, a quoted name or an index. `$` and the first dot may be left out.
_STEP: Final = re.compile(
    r"""\.?(?P<name>[^.\[\]'"\s]+)|\[(?P<at>-?\d+)\]|\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]"""
)


def parse_path(path: str) -> tuple[str | int, ...]:
    """Take a path apart.

    Parameters
    ----------
    path
        ``$.data.keys[0].id``, ``data.keys[0]['id']``; ``$`` alone is the whole answer.

    Raises
    ------
    OptionError
        It is none, or leads to more than one value (``*``, ``..``, a filter).
    """
    text = path.strip()
    rest = text.removeprefix("$")
    steps: list[str | int] = []
    while rest:
        found = _STEP.match(rest)
        if (
            found is None
            or "*" in found[0]
            or (found["name"] and not steps and not text.startswith("$") and rest[0] == ".")
        ):
            msg = f"{path!r} is no path to one value; write it as $.data.keys[0]['id']"
            raise OptionError(msg)
        steps.append(int(found["at"]) if found["at"] else found["name"] or found["quoted"])
        rest = rest[found.end() :]
    return tuple(steps)


def follow(answer: Any, steps: tuple[str | int, ...]) -> Any:
    """The value at a path; None where there is none."""
    for step in steps:
        if isinstance(step, int):
            if not isinstance(answer, list) or not -len(answer) <= step < len(answer):
                return None
            answer = answer[step]
        else:
            answer = answer.get(step) if isinstance(answer, Mapping) else None
    return answer
