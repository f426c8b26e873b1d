"""What a new process does first, timed from its start: this module imports nothing, so that others' imports count."""

from __future__ import annotations

FIRST_BYTES = 1 << 10


def read_first(fs, path):  # noqa: ANN001, ANN201 - a type would have to be imported
    """Open an object and read its first bytes."""
    with fs.open(path, "rb") as file:
        return file.read(FIRST_BYTES)


def info(fs, path):  # noqa: ANN001, ANN201 - as above
    """Ask for the size of an object."""
    return fs.info(path)


ACTIONS = {"cold-open": read_first, "cold-info": info}
