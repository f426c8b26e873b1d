"""Write docs/reference/clients.md: ``python docs/generate_clients.py``.

What was tried with which library is read from the tests of tests/ecosystem, the oldest releases from pyproject.toml,
the rest from docs/reference/clients.toml. With ``--installed`` the installed releases become the newest that were
tried: pass it after the tests have passed.
"""

from __future__ import annotations

import argparse
import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
ROWS: Final = ROOT / "docs" / "reference" / "clients.toml"
PAGE: Final = ROOT / "docs" / "reference" / "clients.md"
TESTS: Final = ROOT / "tests" / "ecosystem"

# The fixtures of the tests that stand for a cloud.
FIXTURES: Final = {
    "cloud": {"S3", "GCS", "Azure"},
    "s3_cloud": {"S3"},
    "gcs_cloud": {"GCS"},
    "azure_cloud": {"Azure"},
    "lake": {"S3"},
    "expiring_lake": {"S3"},
    "make_lake": {"S3"},
}
CLOUDS: Final = ("S3", "GCS", "Azure")

INTRODUCTION: Final = """\
# Libraries that were tried

<!-- Written by docs/generate_clients.py from tests/ecosystem and clients.toml; change those, and run it. -->

Each of these libraries is tested as its users call it: by URL and `storage_options`, or with a filesystem. The tests
look at the bytes with a plain client of the cloud, or at the library's own result. S3 is tried with keys and with
credentials that end every 1.5 seconds, all clouds on local servers. `nox -s lowest` runs the tests on the oldest
releases; where one lacks what a test is about, that test is skipped.
"""


@dataclass(frozen=True)
class Tried:
    """One test: its name, what it says it tries, and on which clouds."""

    name: str
    meaning: str
    clouds: frozenset[str]


def rows() -> list[dict[str, Any]]:
    """The clients of clients.toml."""
    found: list[dict[str, Any]] = tomllib.loads(ROWS.read_text("utf-8"))["client"]
    return found


def tests_of(file: str) -> list[Tried]:
    """The tests of a file, in its order."""
    module = ast.parse((TESTS / file).read_text("utf-8"))
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    arguments = {name: [argument.arg for argument in node.args.args] for name, node in functions.items()}

    def clouds(name: str) -> set[str]:
        if name in FIXTURES:
            return FIXTURES[name]
        return set().union(*(clouds(each) for each in arguments.get(name, ()) if each != name))

    return [
        Tried(name, (ast.get_docstring(node) or "").partition("\n")[0], frozenset(clouds(name)))
        for name, node in functions.items()
        if name.startswith("test_")
    ]


def tried(row: dict[str, Any]) -> list[Tried]:
    """The tests that use a client."""
    found = []
    for selector in row["tests"]:
        file, _, name = selector.partition("::")
        chosen = [test for test in tests_of(file) if name in {"", test.name}]
        if not chosen:
            msg = f"there is no test {selector}"
            raise ValueError(msg)
        found.extend(chosen)
    return found


def oldest(package: str) -> str:
    """The lower bound that pyproject.toml sets."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        project["dependency-groups"]["capped"],
    ]
    for requirement in (text for group in groups for text in group):
        matched = re.fullmatch(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)(?:,.*)?", requirement)
        if matched and matched[1] == package:
            return matched[2]
    msg = f"no requirement of pyproject.toml says from which release on {package} works"
    raise ValueError(msg)


def page() -> str:
    """The text of the page."""
    return "\n".join([INTRODUCTION, *_table(), *_details()])


def _clouds(tests: list[Tried]) -> str:
    found = set().union(*(test.clouds for test in tests))
    return ", ".join(cloud for cloud in CLOUDS if cloud in found)


def _table() -> Iterator[str]:
    yield "| library | oldest | newest tried | clouds | tests |"
    yield "| --- | --- | --- | --- | --- |"
    for row in rows():
        tests = tried(row)
        cells = (row["name"], oldest(row["package"]), row["tried"], _clouds(tests), str(len(tests)))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _details() -> Iterator[str]:
    for row in rows():
        yield f"## {row['name']}"
        yield ""
        for test in tried(row):
            where = _clouds([test])
            yield f"- `{test.name}`{f' ({where})' if where else ''}: {test.meaning}"
        yield ""


def record_installed() -> None:
    """Write the installed releases into clients.toml."""
    text = ROWS.read_text("utf-8")
    for row in rows():
        entry = rf'(package = "{re.escape(row["package"])}"\n(?:(?!\[\[client\]\]).*\n)*?tried = ")[^"]*'
        text = re.sub(entry, rf"\g<1>{version(row['package'])}", text)
    ROWS.write_text(text, "utf-8")


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--installed", action="store_true", help="what is installed is the newest that was tried")
    if parser.parse_args().installed:
        record_installed()
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
