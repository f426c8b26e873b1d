"""Write the pages of docs/reference that are made from the option rows: ``python docs/generate_reference.py``.

With ``--check`` nothing is written, and the exit code says whether the pages are current.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from objfs.clouds import _common, s3_identity_rows, s3_request_rows, s3_rows
from objfs.options import Option

REFERENCE: Final = Path(__file__).parent / "reference"

GROUPS: Final = {
    "Who you are": s3_identity_rows.IDENTITY_ROWS,
    "Providers and planes": _common.OBJFS_ROWS,
    "Where the service is": s3_rows.PLACE_ROWS,
    "What is asked and stored": s3_request_rows.REQUEST_ROWS,
    "How objects are read and written": s3_rows.BEHAVIOUR_ROWS,
    "fsspec": _common.FRAMEWORK_ROWS,
    "HTTP client": s3_rows.CLIENT_ROWS,
    "Retries": s3_rows.S3_RETRY_ROWS,
    "Dicts of s3fs": s3_rows.DICT_ROWS,
}

KINDS: Final = {
    "str": "text",
    "bool": "yes or no",
    "int": "whole number",
    "float": "number",
    "duration": "duration",
    "timestamp": "time",
    "dict": "dict",
    "pem": "PEM text or path",
    "object": "object",
}

INTRODUCTION: Final = """\
# Options of S3

<!-- Written by docs/generate_reference.py from objfs/clouds; change the rows there, and run it. -->

Each row is one option. All of its names mean the same, in any case, with `-` or `_`, as a keyword or in
`storage_options`; [which one counts](../explanation/option-precedence.md) where several are given is a page of its own.
`a.b` is the member `b` of the dict `a`.

- A **secret** value is shown nowhere: not in a `repr`, a log line or an error.
- *SDK plane*: the data plane has no word for the option; where it is set, calls go through s3fs.
- A duration is a number of seconds, text such as `30s` or `2h 37min`, or a `timedelta`. A time is an aware `datetime`,
  ISO text, or Unix seconds or milliseconds. Yes and no may be text: `true`, `false`.
- *not* before a name says that it means the opposite. *In its own words* are names whose value is written in another
  unit or vocabulary, as where they come from.
"""

CLOSING: Final = """\

## Accepted without effect

These names travel in storage options and configure something else. They raise nothing and do nothing.

"""


def code(names: Iterable[str]) -> str:
    """Names as code, in one cell of a table."""
    return ", ".join(f"`{name}`" for name in names)


def kind_of(option: Option) -> str:
    """What a value looks like, and whether it is a secret."""
    kind = " or ".join(f"`{value}`" for value in option.values) or KINDS[option.kind]
    return f"{kind}, **secret**" if option.secret else kind


def other_names(option: Option) -> str:
    """Aliases, opposites, and names whose values are read otherwise."""
    readings = [name for name in option.readings if name not in option.env]
    said = [
        code((*option.aliases, *option.weak_aliases)),
        ", ".join(f"*not* `{name}`" for name in option.inverse_aliases),
        f"*in its own words:* {code(readings)}" if readings else "",
    ]
    return "; ".join(filter(None, said))


def row(option: Option) -> str:
    """One line of a table."""
    meaning = f"{option.meaning} *SDK plane.*" if option.sdk_only else option.meaning
    cells = (f"`{option.name}`", meaning, kind_of(option), other_names(option), code(option.env))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def s3_page() -> Iterator[str]:
    """The page of the options of S3, line by line."""
    yield INTRODUCTION
    for title, options in GROUPS.items():
        yield f"\n## {title}\n"
        yield "| option | meaning | value | other names | environment |"
        yield "| --- | --- | --- | --- | --- |"
        yield from map(row, options)
    yield CLOSING
    for vocabulary, names in _common.IGNORABLE.items():
        yield f"- {vocabulary}: {code(names)}"


def pages() -> dict[Path, str]:
    """Every generated page and its text."""
    told, known = [row for rows in GROUPS.values() for row in rows], s3_rows.ROWS
    if sorted(row.name for row in told) != sorted(row.name for row in known):
        msg = "GROUPS leaves options out, or has some twice; compare it with objfs.clouds.s3_rows.ROWS"
        raise ValueError(msg)
    return {REFERENCE / "options-s3.md": "\n".join(s3_page()) + "\n"}


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is not current")
    check = parser.parse_args().check
    stale = {path: text for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        if check:
            print(f"{path} is not current: run python docs/generate_reference.py", file=sys.stderr)
        else:
            path.write_text(text, "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
