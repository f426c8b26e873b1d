"""How copies get on, on a terminal: bytes, rate and the time that is left. Elsewhere nothing is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from objfs.cli.output import Output
from objfs.copying_jobs import Outcome


class Progress:
    """A watcher of copies.

    Parameters
    ----------
    out
        Its lines on the standard error go above the bar meanwhile.
    tell
        Is told what came of each file.
    prints
        Whether that prints lines to the standard output: where it is the same terminal, they take the place of the bar.
    """

    def __init__(self, out: Output, tell: Callable[[Outcome], None], *, prints: bool) -> None:
        self._tell, self._out = tell, out
        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.fields[done]}/{task.fields[files]} files"),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            # What commands print stays as it is, also names that look like markup.
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
            disable=not sys.stderr.isatty() or (prints and out.to_terminal),
        )
        self._task = self._bars.add_task("", total=None, done=0, files=0, visible=False)
        self._done = 0

    def __enter__(self) -> Self:
        if not self._bars.disable:
            self._before = self._out.write_error
            self._out.write_error = partial(
                self._bars.console.print, markup=False, highlight=False, emoji=False, soft_wrap=True
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._bars.disable:
            self._bars.stop()
            self._out.write_error = self._before

    def planned(self, files: int, size: int) -> None:
        """So many files and bytes will be copied."""
        self._bars.update(self._task, total=size, files=files, visible=files > 0)

    def moved(self, size: int) -> None:
        """So many bytes more have moved."""
        self._bars.advance(self._task, size)

    def finished(self, outcome: Outcome) -> None:
        """Something came of one file."""
        self._tell(outcome)
        if outcome.action in ("copy", "move"):
            self._done += 1
            self._bars.update(self._task, done=self._done)
