"""Every check of the project as one session: ``nox`` runs all, ``nox -l`` lists them."""

from __future__ import annotations

from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
DEV = nox.project.dependency_groups(PROJECT, "dev")

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False  # "as far as installed"
nox.options.reuse_existing_virtualenvs = True


def dev(*names: str) -> list[str]:
    """Requirements of the dev group, by the names of their packages."""
    return [text for text in DEV if text.startswith(names)]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests; arguments after ``--`` go to pytest."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run all tests with the lowest versions that the requirements allow, on the oldest Python."""
    session.install("uv")
    resolved = Path(session.create_tmp()) / "lowest.txt"
    session.run_install(
        *("uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct", "--extra", "test"),
        *("--python-version", str(session.python), "--output-file", str(resolved), "pyproject.toml"),
    )
    session.install("-r", str(resolved))
    session.install("--no-deps", "-e", ".")
    # Old releases warn about what newer ones have mended; here it counts whether they work.
    session.run("pytest", "-W", "default", *session.posargs)


@nox.session(python=PYTHONS[-1:] + PYTHONS[:1])
def newest(session: nox.Session) -> None:
    """Run all tests with the newest releases of everything, on the newest and the oldest Python."""
    session.install("--upgrade", "-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def capped(session: nox.Session) -> None:
    """Run the tests of clients that hold fsspec back."""
    session.install("-e", ".[test]", *nox.project.dependency_groups(PROJECT, "capped"))
    session.run("pytest", "tests/ecosystem/test_datasets.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and spelling."""
    session.install(*dev("ruff", "codespell"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")


@nox.session(python=PYTHONS[0])
def types(session: nox.Session) -> None:
    """Check types: mypy --strict on objfs and on the public API."""
    session.install("-e", ".[test]", *dev("mypy", "pandas-stubs"))
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it alone, and let fsspec find it."""
    session.install(*dev("build"))
    folder = Path(session.create_tmp()) / "dist"
    for old in folder.glob("*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(folder), ".")
    built = next(folder.glob("*.whl"))
    session.install("--force-reinstall", f"{built}[s3]")
    session.cd(session.create_tmp())
    session.run("python", "-c", "import fsspec; print(fsspec.get_filesystem_class('s3'))")
