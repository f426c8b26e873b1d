"""Exit codes."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
# Something failed or was not found; the rest was done.
FAILED: Final = 1
# It was called wrongly, or lacks a package.
USAGE: Final = 2
# 128 and the number of the signal, as shells have it: of SIGINT, and of SIGPIPE.
INTERRUPTED: Final = 130
UNREAD: Final = 141
