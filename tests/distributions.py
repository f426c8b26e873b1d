"""Small installed distributions for fresh interpreters: what fsspec finds when it looks for entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def objfs_entry_points() -> dict[str, str]:
    """What ``pip install objfs`` writes into the entry points of ``fsspec.specs``."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    specs: dict[str, str] = project["entry-points"]["fsspec.specs"]
    return specs


def install(
    folder: Path, name: str, specs: Mapping[str, str], *, modules: Mapping[str, str] | None = None, version: str = "0"
) -> Path:
    """Make a folder for ``sys.path`` that holds one distribution with entry points for fsspec.

    A distribution of the same name further down ``sys.path`` is not seen beside it.
    """
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{scheme} = {target}" for scheme, target in specs.items()]
    (info / "entry_points.txt").write_text("\n".join(["[fsspec.specs]", *lines, ""]))
    for module, source in (modules or {}).items():
        (folder / f"{module}.py").write_text(source)
    return folder


def install_objfs(folder: Path) -> Path:
    """The entry points of objfs; its package is found in the source tree, which must be on the path, too."""
    return install(folder, "objfs", objfs_entry_points())


def run_fresh(
    source: str,
    *arguments: Any,
    path: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = ("-W", "error"),
    status: int = 0,
    timeout: float = 60,
) -> Any:
    """Run source in a fresh interpreter with ``sys.argv[1:]`` as JSON; the value of the last line it prints.

    Anything on stderr, a warning included, fails the test.
    """
    inherited = os.environ.get("PYTHONPATH")
    folders = [*map(str, path), str(ROOT), *([inherited] if inherited else [])]
    done = subprocess.run(
        [sys.executable, *options, "-c", source, *map(json.dumps, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert (done.returncode, done.stderr) == (status, ""), f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if lines else None
