"""Where the program begins: what can be said without the extra ``objfs[cli]``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from objfs.cli import codes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments
        Without the program's name; by default those of this process.

    Returns
    -------
    int
        The exit code: 0 all was done, 1 something failed or was not found, 2 it was called wrongly or lacks a package,
        130 it was interrupted, 141 nobody reads its output any more.
    """
    missing = [name for name in ("typer", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"objfs: the command line needs {' and '.join(missing)}; install it by: pip install 'objfs[cli]'\n"
        )
        return codes.USAGE
    try:
        from objfs.cli.app import run

        return run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        # Before a command has begun.
        return codes.INTERRUPTED
