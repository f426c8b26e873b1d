"""Run the tests as two pytest processes at a time, as one of them alone waits for its servers half of the time.

``make test`` calls it. Nothing is shared but the machine: each part has its own servers, and the Ctrl-C and exit tests
have a process without a test runner's own threads in it, which is why this is not pytest-xdist.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

# Of about the same length. The first is shown while it runs, the others when all have ended.
PARTS: Final = {"emulators": ("tests/emulators",), "others": ("tests", "--ignore=tests/emulators")}


def start(name: str, output: IO[str] | None) -> subprocess.Popen[str]:
    """Start pytest on a part; what failed last is remembered apart from the other parts."""
    command = [sys.executable, "-m", "pytest", *PARTS[name], "-o", f"cache_dir=.pytest_cache/{name}"]
    return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT if output else None, text=True)


def wait_for_all(running: Iterable[subprocess.Popen[str]]) -> int:
    """Return the first status that is not 0; a terminal's Ctrl-C reaches the parts too, and they end by themselves."""
    running = list(running)
    try:
        return next(filter(None, [process.wait() for process in running]), 0)
    except KeyboardInterrupt:
        for process in running:
            process.wait()
        return 130


def main() -> int:
    """Run all parts.

    Returns
    -------
    int
        0 when every part passed.
    """
    # A shell starts what it runs in the background deaf to Ctrl-C, which some tests press in processes of their own.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        shown, *later = PARTS
        logs = {name: Path(folder, name) for name in later}
        with_output = {name: log.open("w", encoding="utf-8") for name, log in logs.items()}
        running = [start(shown, None), *(start(name, output) for name, output in with_output.items())]
        status = wait_for_all(running)
        for name, output in with_output.items():
            output.close()
            print(f"\n== {name}\n{logs[name].read_text('utf-8')}", flush=True)  # noqa: T201 - a script for a terminal
    return status


if __name__ == "__main__":
    sys.exit(main())
