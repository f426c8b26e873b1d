"""Configuration of Sphinx."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "objfs"
author = "objfs developers"
copyright = "2026, objfs developers"  # noqa: A001 - Sphinx's name for it
release = version = installed_version("objfs")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx", "numpydoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "explanation/benchmarks/results.md"]  # the latter is included in a page

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc sections say them in words, signatures in types
numpydoc_show_class_members = False
autosummary_generate = False  # numpydoc loads it; there is nothing to generate

# Links to other projects are made when their inventories can be reached; a build without a network still works.
intersphinx_mapping: dict[str, tuple[str, str | None]] = {}

html_theme = "furo"
html_title = f"objfs {release}"
