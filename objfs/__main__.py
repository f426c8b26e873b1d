"""``objfs`` and ``python -m objfs``: the command line as a program of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from objfs.cli import codes
from objfs.cli.entry import main


def program() -> int:
    """Run the command of this process; its exit code, as of `objfs.cli.entry.main`."""
    _complete_streams()
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        # Nothing has begun that could be left halfway. An exception would leave a traceback of some module or, in a
        # callback of the import system, be printed and forgotten.
        signal.signal(signal.SIGINT, lambda *_: os._exit(codes.INTERRUPTED))
    # What is not installed is said by `main`.
    with contextlib.suppress(ImportError):
        import objfs.cli.app  # noqa: F401
    signal.signal(signal.SIGINT, before)
    return main()


def _complete_streams() -> None:
    """Open the standard streams that the caller has closed, which Python leaves out.

    Else the next file that is opened gets the number, and perhaps what others print there. Reading and printing fail
    as on what is closed; messages go nowhere.
    """
    ways = (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY))
    for name, mode, flags in ways:
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, closefd=False))


if __name__ == "__main__":
    sys.exit(program())
