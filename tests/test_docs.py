"""Every Python block of the README and of docs/ runs, page by page, in the order of the page.

A block is left out by a comment on the line above it that says why::

    <!-- not run: needs an account at a cloud -->

The blocks of one page share a namespace and a temporary working directory. The README and the pages of docs/tutorial
and docs/how-to that talk to S3 get a server of their own: the environment holds its endpoint, region and keys, the name
``storage_options`` the same as a dictionary, and an empty bucket ``my-bucket`` exists. Pages with a block that mentions
``gs://my-bucket`` or ``az://my-bucket`` get one of that cloud as well; where there is none, such blocks are left out
and the page counts as skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tests.clouds import GCSRaw

ROOT = Path(__file__).parents[1]
SERVED = ("README.md", "docs/tutorial/", "docs/how-to/")
# Marks of a block that talks to another cloud than S3, and the fixture that provides for it.
OTHERS = {"gs://my-bucket": "docs_gcs", "az://my-bucket": "docs_azure"}
# Pages that say of themselves that all of their code is the same on each cloud.
SAME_ON_ALL_CLOUDS = ("docs/how-to/use-with-pandas-pyarrow-dask-xarray.md",)
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


@pytest.fixture
def docs_gcs(gcs_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of GCS with one empty bucket, which the environment leads to."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.endpoint)
    monkeypatch.setenv("GOOGLE_BEARER_TOKEN", gcs_server.options["token"])
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", gcs_server.options["project"])
    raw = GCSRaw(gcs_server.endpoint, "my-bucket")
    raw.create()
    yield
    raw.destroy()


@pytest.fixture
def docs_azure(azure_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of Azure with one empty container, which the environment leads to."""
    blob = pytest.importorskip("azure.storage.blob")
    options = azure_server.options
    string = f"AccountName={options['account_name']};AccountKey={options['account_key']}"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", f"{string};BlobEndpoint={azure_server.endpoint}")
    with blob.BlobServiceClient(azure_server.endpoint, credential=options["account_key"]) as service:
        service.create_container("my-bucket")
        yield
        service.delete_container("my-bucket")


def run_page(blocks: list[Block], name: str, namespace: dict[str, Any]) -> None:
    """Run blocks one after the other."""
    for block in blocks:
        if block.reason is None:
            # Padded, so that a traceback names the line of the page.
            exec(compile("\n" * (block.line - 1) + block.code, str(ROOT / name), "exec"), namespace)


def servers_of(blocks: list[Block], request: pytest.FixtureRequest) -> dict[str, str]:
    """Start what the blocks talk to; marks of those for which there is no server, and why."""
    code, missing = "\n".join(block.code for block in blocks if block.reason is None), {}
    for mark, fixture in OTHERS.items():
        if mark in code:
            try:
                request.getfixturevalue(fixture)
            except pytest.skip.Exception as absent:
                missing[mark] = str(absent)
    return missing


@pytest.mark.parametrize("name", pages())
def test_page_runs_from_top_to_bottom(name, request, tmp_path, monkeypatch):
    """What the documentation shows works, in the order in which it is shown."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    if needs_server(name):
        namespace["storage_options"] = request.getfixturevalue("docs_server")
    missing = servers_of(blocks_of(name), request)
    monkeypatch.chdir(tmp_path)
    run_page([block for block in blocks_of(name) if not any(mark in block.code for mark in missing)], name, namespace)
    if missing:
        pytest.skip(f"without the blocks that need a server: {json.dumps(missing)}")


@pytest.mark.parametrize("mark", OTHERS)
@pytest.mark.parametrize("name", SAME_ON_ALL_CLOUDS)
def test_page_is_the_same_on_other_clouds(name, mark, request, tmp_path, monkeypatch):
    """With the scheme of another cloud in place of ``s3`` everything works that the page shows."""
    scheme = mark.partition("://")[0]
    blocks = [replace(block, code=block.code.replace("s3://", f"{scheme}://")) for block in blocks_of(name)]
    request.getfixturevalue(OTHERS[mark])
    monkeypatch.chdir(tmp_path)
    run_page(blocks, name, {"__name__": "__main__"})


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
