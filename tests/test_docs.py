"""Every Python block of the README and of docs/ runs, page by page, in the order of the page.

A block is left out by a comment on the line above it that says why::

    <!-- not run: needs an account at a cloud -->

The blocks of one page share a namespace and a temporary working directory. The README and the pages of docs/tutorial
and docs/how-to that talk to S3 get a server of their own: the environment holds its endpoint, region and keys, the name
``storage_options`` the same as a dictionary, and an empty bucket ``my-bucket`` exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

ROOT = Path(__file__).parents[1]
SERVED = ("README.md", "docs/tutorial/", "docs/how-to/")
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,}) *(?P<language>\S*)")
OPT_OUT = re.compile(r"<!-- *not run:(?P<reason>.*?)-->")


@dataclass(frozen=True)
class Block:
    """One Python block: its first line in the page (counted from 1), its code, why it is not run (None: it is)."""

    line: int
    code: str
    reason: str | None


def python_blocks(text: str) -> Iterator[Block]:
    """All blocks of a page that are fenced as ``python``."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        at += 1
        if not opening:
            continue
        start, indent = at, len(opening["indent"])
        closing = re.compile(rf"^ *{re.escape(opening['ticks'])}\S* *$")
        while at < len(lines) and not closing.match(lines[at]):
            at += 1
        if opening["language"] == "python":
            above = OPT_OUT.search(lines[start - 2]) if start > 1 else None
            code = "\n".join(line[indent:] for line in lines[start:at])
            yield Block(start + 1, code, above["reason"].strip() if above else None)
        at += 1


def pages() -> list[str]:
    """The README and every page of docs/ with a Python block, relative to the root."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    names = [path.relative_to(ROOT).as_posix() for path in found if path.exists()]
    return [name for name in names if not name.startswith("docs/_build/") and blocks_of(name)]


def blocks_of(name: str) -> list[Block]:
    return list(python_blocks((ROOT / name).read_text("utf-8")))


def needs_server(name: str) -> bool:
    """Whether a page is served: by its place, and by what its code mentions."""
    code = "\n".join(block.code for block in blocks_of(name) if block.reason is None)
    return name.startswith(SERVED) and ("s3://" in code or "storage_options" in code)


@pytest.fixture
def docs_server(moto_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Storage options of an S3 server with one empty bucket; the environment says the same."""
    options = dict(moto_server.options)
    for name, option in {
        "AWS_ENDPOINT_URL": "endpoint_url",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "region",
    }.items():
        monkeypatch.setenv(name, options[option])
    fs = fsspec.filesystem("s3", **options, skip_instance_cache=True)
    fs.mkdir("my-bucket")
    yield options
    fs.rm("my-bucket", recursive=True)


@pytest.mark.parametrize("name", pages())
def test_page_runs_from_top_to_bottom(name, request, tmp_path, monkeypatch):
    """What the documentation shows works, in the order in which it is shown."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    if needs_server(name):
        namespace["storage_options"] = request.getfixturevalue("docs_server")
    monkeypatch.chdir(tmp_path)
    for block in blocks_of(name):
        if block.reason is None:
            # Padded, so that a traceback names the line of the page.
            exec(compile("\n" * (block.line - 1) + block.code, str(ROOT / name), "exec"), namespace)


@pytest.mark.parametrize("name", pages())
def test_page_gives_a_reason_for_every_block_that_is_not_run(name):
    """Leaving a block out is a decision that a reader of the source can follow."""
    assert [block.line for block in blocks_of(name) if block.reason == ""] == []


PAGE = """\
```python
a = 1
```
```sh
ls
```
<!-- not run: needs an account -->
```python
b = 2
```
````md
```python
shown, not code
```
````
1. item
   ```python
   if a:
       c = 3
   ```
<!-- not run: -->
```python
d = 4
```
"""


def test_python_blocks_finds_code_position_and_reason():
    """The reader of pages itself: fences, nesting, indentation, opting out with and without a reason."""
    assert list(python_blocks(PAGE)) == [
        Block(2, "a = 1", None),
        Block(9, "b = 2", "needs an account"),
        Block(18, "if a:\n    c = 3", None),
        Block(23, "d = 4", ""),
    ]
