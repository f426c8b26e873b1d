"""The sources are read, not run: imports point down, and each backend is imported at its own seam only."""

from __future__ import annotations

import ast
import fnmatch
import graphlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "objfs"
MAX_LINES = 400

# The lowest layer first. A new module gets its row here before it gets in.
LAYERS: list[tuple[str, list[str]]] = [
    ("0 values", ["errors", "late_names", "records", "types", "_version"]),
    ("1 pure", ["casts", "spellings", "origins", "options", "urls", "ranges", "parts", "clouds", "clouds.*"]),
    ("2 secrets", ["credentials", "credentials.*", "concurrency", "workers", "turns", "retries", "exits", "observing"]),
    ("3 seams", ["store", "store_*", "sdk", "sdk_*", "planes", "peers", "peers.*"]),
    (
        "4 fsspec",
        [
            "connection",
            "deprecations",
            "steps",
            "errands",
            "transfers",
            "bulk_reads",
            "downloads",
            "columns",
            "adaptive",
            "uploads",
            "planed",
            "reading",
            "writing",
            "*_verbs",
            "filesystem",
            "*_files",
            "*_filesystem",
            "object_methods",
            "peer_attributes",
            "layers",
            "listed",
            "redaction",
            "explanation",
            "explaining",
            "diagnoses",
            "checks",
            "prefixed",
        ],
    ),
    (
        "5 edges",
        [
            "opening",
            "shelf",
            "arrow",
            "explain_urls",
            "configs",
            "iceberg",
            "registration",
            "testing",
            "testing.*",
            "providers",
            "providers.*",
            "copying",
            "copying_files",
            "copying_*",
            "tracing",
            "tracing.*",
            "cli",
            "cli.*",
            "__main__",
            "__init__",
        ],
    ),
]

# Who may import what is not ours and not in the standard library, be it inside a function.
OUTSIDE: dict[str, list[str]] = {
    "obstore": ["store"],
    "s3fs": ["sdk", "sdk_*", "sdk.*"],
    "gcsfs": ["sdk", "sdk_*", "sdk.*"],
    "adlfs": ["sdk", "sdk_*", "sdk.*"],
    "botocore": ["credentials.*", "peers.*"],
    "aiobotocore": ["credentials.*", "peers.*"],
    "aiohttp": ["credentials.*", "peers.*"],
    "yarl": ["peers.*"],
    "google_crc32c": ["peers.*"],
    "google": ["credentials.*", "peers.*"],
    "azure": ["credentials.*", "peers.*"],
    "fsspec": ["sdk", "sdk_*", "peers.*", *LAYERS[4][1], *LAYERS[5][1]],
    "pyiceberg": ["iceberg"],
    "opentelemetry": ["tracing.*"],
    "pyarrow": ["arrow"],
    "moto": ["testing.*"],
    "werkzeug": ["testing.*"],
    "distributed": ["copying_jobs", "cli.*"],
    "typer": ["cli", "cli.*"],
    "rich": ["cli", "cli.*"],
}

# What has effects, or differs from one moment to the next: the pure layers get it as an argument.
IMPURE = {"asyncio", "http", "io", "logging", "os", "random", "secrets", "shutil", "socket", "ssl"}
IMPURE |= {"subprocess", "tempfile", "threading", "time", "urllib.request", "uuid"}
IMPURE_CALLS = {"open", "input", "print", "now", "utcnow", "today", "cwd", "home"}
IMPURE_CALLS |= {"exists", "expanduser", "is_dir", "is_file", "iterdir", "read_bytes", "read_text", "stat"}

# Imports by name escape this test, so only these modules make them: the peers at their seam, a caller's import string,
# the names of the package that are imported when they are first asked for.
BY_NAME = ["sdk", "sdk_*", "credentials.provider", "credentials.named", "late_names"]


@dataclass(frozen=True)
class Import:
    """One import: of what, where, and whether it happens at import time, later, or for the type checker only."""

    target: str
    line: int
    at: str


def parse_imports(source: str) -> list[Import]:
    """All imports of a source; ``from a import b`` counts as ``a.b``."""
    found: list[Import] = []

    def visit(node: ast.AST, at: str) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, node.lineno, at) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            found.extend(Import(f"{start}.{alias.name}", node.lineno, at) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.body:
                visit(child, "typing")
            for child in node.orelse:
                visit(child, at)
            return
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and at != "typing"
        for child in ast.iter_child_nodes(node):
            visit(child, "later" if later else at)

    visit(ast.parse(source), "now")
    return found


def module_of(path: Path) -> str:
    """``objfs/clouds/s3.py`` is ``clouds.s3``; a package goes by its folder, the top one by ``__init__``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def one_of(module: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(module, pattern) for pattern in patterns)


def layer_of(module: str) -> int | None:
    """The index of a module's layer; None when it has no row. A full name goes before a pattern."""
    for matches in (list.__contains__, lambda patterns, name: one_of(name, patterns)):
        for index, (_, patterns) in enumerate(LAYERS):
            if matches(patterns, module):
                return index
    return None


def ours(target: str, modules: set[str]) -> str | None:
    """The module of objfs that an import means: ``objfs.types.Location`` is ``types``."""
    if target != "objfs" and not target.startswith("objfs."):
        return None
    name = target.removeprefix("objfs").removeprefix(".")
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or "__init__"


def find_faults(module: str, source: str, modules: set[str]) -> list[str]:
    """Everything in one module that breaks the rules of the layers."""
    layer = layer_of(module)
    if layer is None:
        return [f"{module} has no layer: give it a row in LAYERS"]
    faults = []
    for each in parse_imports(source):
        where = f"{module}:{each.line}"
        target = ours(each.target, modules)
        top = each.target.partition(".")[0]
        if each.target.startswith("."):
            faults.append(f"{where} imports {each.target}: write it out, from objfs")
        elif target is not None:
            below = layer_of(target)
            if below is not None and below > layer:
                faults.append(f"{where} ({LAYERS[layer][0]}) imports {target} ({LAYERS[below][0]}): imports point down")
        elif top not in sys.stdlib_module_names and not one_of(module, OUTSIDE.get(top, [])):
            faults.append(f"{where} imports {top}, which is for {OUTSIDE.get(top, 'nobody')}")
        elif layer <= 1 and (top in IMPURE or each.target in IMPURE or "urllib.request" in each.target):
            faults.append(f"{where} imports {each.target}: the layers 0 and 1 are pure")
        elif each.target.startswith("importlib") and "import_module" in source and not one_of(module, BY_NAME):
            faults.append(f"{where} imports modules by name, which is for {BY_NAME}")
    if layer <= 1:
        faults.extend(
            f"{module}:{line} calls {name}(): the layers 0 and 1 are pure" for name, line in impure_calls(source)
        )
    return faults


def impure_calls(source: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in IMPURE_CALLS:
                yield name, node.lineno


SOURCES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize("module", SOURCES)
def test_module_imports_only_what_its_layer_may(module):
    """Imports, also those inside functions and for the type checker, point down or stay in the layer."""
    assert find_faults(module, SOURCES[module].read_text("utf-8"), set(SOURCES)) == []


@pytest.mark.parametrize("module", SOURCES)
def test_module_is_short_enough_to_be_one_concept(module):
    """A module that nears the limit is split by concept."""
    assert len(SOURCES[module].read_text("utf-8").splitlines()) <= MAX_LINES


def test_modules_import_each_other_without_a_cycle():
    """Neither at import time nor inside functions do modules wait for each other; annotations may name each other."""
    graph = {
        module: {
            target
            for each in parse_imports(path.read_text("utf-8"))
            if each.at != "typing" and (target := ours(each.target, set(SOURCES))) not in {None, module}
        }
        for module, path in SOURCES.items()
    }
    # The lazily made classes: `objfs.__getattr__` is the one import that points back, from the top.
    graph.pop("__init__", None)
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_import_objfs_reaches_no_sdk_at_import_time():
    """What a class of ours imports is the standard library, fsspec and obstore only; SDKs are imported on first use."""
    seen: set[str] = set()
    queue = ["__init__", *(name for name in SOURCES if name.endswith("_filesystem")), "opening"]
    reached: dict[str, str] = {}
    while queue:
        module = queue.pop()
        if module in seen or module not in SOURCES:
            continue
        seen.add(module)
        for each in parse_imports(SOURCES[module].read_text("utf-8")):
            if each.at != "now":
                continue
            target = ours(each.target, set(SOURCES))
            top = each.target.partition(".")[0]
            if target is not None:
                queue.append(target)
            elif top not in sys.stdlib_module_names:
                reached[top] = module
    assert set(reached) <= {"fsspec", "obstore"}, reached


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        pytest.param("types", "from objfs.options import Option", "imports point down", id="up"),
        pytest.param("urls", "def f():\n    import objfs.store", "imports point down", id="up-in-a-function"),
        pytest.param("reading", "import obstore", "imports obstore", id="obstore-outside-the-store"),
        pytest.param(
            "filesystem", "def f():\n    from s3fs import S3FileSystem", "imports s3fs", id="s3fs-in-a-function"
        ),
        pytest.param("store", "import fsspec", "imports fsspec", id="fsspec-below-its-layer"),
        pytest.param("ranges", "import os", "are pure", id="environment-in-a-pure-module"),
        pytest.param("options", "from datetime import datetime\nx = datetime.now()", "calls now", id="clock"),
        pytest.param("casts", "x = open('f')", "calls open", id="file"),
        pytest.param("casts", "from pathlib import Path\nx = Path('f').read_text()", "calls read_text", id="path"),
        pytest.param("reading", "from . import types", "write it out", id="relative"),
        pytest.param("reading", "from importlib import import_module", "by name", id="by-name"),
        pytest.param("writing", "import requests", "nobody", id="unknown-package"),
        pytest.param("brand_new", "", "has no layer", id="no-row"),
    ],
)
def test_find_faults_reports_a_broken_rule(module, source, fault):
    """Each rule is able to fail."""
    faults = find_faults(module, source, {"types", "options", "store"})
    assert [text for text in faults if fault in text], faults


@pytest.mark.parametrize(
    ("module", "source"),
    [
        pytest.param("store", "def f():\n    import obstore", id="obstore-in-the-store"),
        pytest.param("sdk_objects", "from s3fs import S3FileSystem", id="s3fs-in-a-seam"),
        pytest.param("options", "from objfs.types import Location", id="down"),
        pytest.param("casts", "from datetime import datetime", id="a-type-of-the-standard-library"),
        pytest.param("casts", "from pathlib import Path\nx = Path('f')", id="a-path-as-a-value"),
    ],
)
def test_find_faults_lets_pass_what_is_allowed(module, source):
    """The rules do not fire on what they are not about."""
    assert find_faults(module, source, {"types", "options", "store"}) == []
