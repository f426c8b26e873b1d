"""Many copies: side by side in this process, or spread over the workers of a dask cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, Protocol

from objfs.copying_comparison import same_by_content
from objfs.copying_files import copy_file
from objfs.copying_places import Entry, Place
from objfs.errors import CopyError
from objfs.records import record
from objfs.urls import redact_text
from objfs.workers import call, run_many

# A file longer than this is moved in parallel parts by itself, so that few at a time keep the network busy.
_LONG_BYTES: Final = 16 << 20
_LONG_AT_A_TIME: Final = 2
_SHORT_AT_A_TIME: Final = 32
# What one task of a cluster moves: enough that the scheduler does not count, little enough that all workers have some.
_BATCH_BYTES: Final = 256 << 20
_BATCH_FILES: Final = 64
# How long an interrupted call waits for copies to end and clear up after themselves.
_GRACE_SECONDS: Final = 2.0


@record
class Transfer:
    """One file to be copied.

    Parameters
    ----------
    source, target
        Where from and where to.
    size, modified
        Of the source, where they are known.
    move
        Delete the source when the target is there.
    compared
        Source and target as listed, where only their contents tell whether there is something to do.
    dry_run
        Only say what would be done.
    """

    source: Place
    target: Place
    size: int | None
    modified: float | None
    move: bool = False
    compared: tuple[Entry, Entry] | None = None
    dry_run: bool = False

    @property
    def cost(self) -> int:
        """Bytes to move, as far as they are known."""
        return self.size or 0

    def carry_out(self, moved: Callable[[int], None]) -> Outcome:
        """Copy; what fails is told, not raised."""
        try:
            if self.compared is not None and same_by_content(
                self.source, self.compared[0], self.target, self.compared[1]
            ):
                return self._outcome("skip")
            if not self.dry_run:
                copy_file(self.source, self.target, size=self.size, modified=self.modified, moved=moved)
                if self.move:
                    self.source.fs.rm_file(self.source.path)
        except Exception as error:  # noqa: BLE001 - the others go on; it is reported with all that failed
            return self.failed(reason_of(error))
        return self._outcome("move" if self.move else "copy")

    def failed(self, reason: str) -> Outcome:
        """What comes of it where it cannot be done."""
        return self._outcome("move" if self.move else "copy", reason)

    def _outcome(self, action: str, error: str | None = None) -> Outcome:
        return Outcome(action, self.source.url(), self.target.url(), self.size, error)


@record
class Outcome:
    """What came of one file.

    Parameters
    ----------
    action
        ``copy``, ``move``, ``skip`` (it was there already) or ``delete``.
    source, target
        URLs, or paths of local files; of a deletion there is no source.
    size
        Bytes; None where they were not told.
    error
        Why it failed; None where it did not.
    """

    action: str
    source: str | None
    target: str
    size: int | None
    error: str | None = None


@record
class CopyReport:
    """What a copy did, or with ``dry_run`` would do.

    Parameters
    ----------
    outcomes
        One for each file.
    """

    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> list[Outcome]:
        """What could not be done."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    def done(self, action: str) -> list[Outcome]:
        """What was copied, moved, skipped or deleted."""
        return [outcome for outcome in self.outcomes if outcome.action == action and outcome.error is None]


class Watcher(Protocol):
    """Who is told how copies get on, by any thread, one at a time."""

    def planned(self, files: int, size: int) -> None:
        """So many files and bytes will be copied."""

    def moved(self, size: int) -> None:
        """So many bytes more have moved."""

    def finished(self, outcome: Outcome) -> None:
        """Something came of one file."""


class Copies:
    """Copies that belong to one call, and what came of them so far.

    Parameters
    ----------
    watcher
        Is told.
    fail_fast
        Whether the first failure ends them.
    client
        Of a dask cluster that carries them out; None for this process.
    """

    def __init__(self, watcher: Watcher | None, *, fail_fast: bool = False, client: Any = None) -> None:
        self._watcher, self._fail_fast, self._client = watcher, fail_fast, client
        self._lock = threading.Condition()
        self._running = 0
        self._stopped = False
        self.outcomes: list[Outcome] = []

    def note(self, outcome: Outcome) -> None:
        """Something came of a file.

        Raises
        ------
        CopyError
            It failed, and nothing more is to be done.
        """
        with self._lock:
            self.outcomes.append(outcome)
            if self._watcher is not None:
                self._watcher.finished(outcome)
        if outcome.error is not None and self._fail_fast:
            raise CopyError([(outcome.source or outcome.target, outcome.error)], self.report())

    def report(self) -> CopyReport:
        """What was done so far."""
        return CopyReport(tuple(self.outcomes))

    def carry_out(self, transfers: Sequence[Transfer]) -> None:
        """Copy; short files many at a time."""
        if self._watcher is not None:
            self._watcher.planned(len(transfers), sum(each.cost for each in transfers))
        if self._client is not None:
            self._carry_out_elsewhere(transfers)
            return
        try:
            for long, limit in ((True, _LONG_AT_A_TIME), (False, _SHORT_AT_A_TIME)):
                jobs = [partial(self._one, each) for each in transfers if (each.cost > _LONG_BYTES) is long]
                if jobs:
                    call(partial(run_many, jobs, limit))
        except BaseException:
            self._wind_up()
            raise

    def _one(self, transfer: Transfer) -> None:
        with self._lock:
            if self._stopped:
                return
            self._running += 1
        try:
            outcome = transfer.carry_out(self._moved)
        finally:
            with self._lock:
                self._running -= 1
                self._lock.notify_all()
        if not self._stopped:
            self.note(outcome)

    def _moved(self, size: int) -> None:
        with self._lock:
            if self._stopped:
                msg = "the copy was given up"
                raise InterruptedError(msg)
            if self._watcher is not None:
                self._watcher.moved(size)

    def _wind_up(self) -> None:
        """Have copies that are under way end, and remove what is not whole."""
        until = time.monotonic() + _GRACE_SECONDS
        with self._lock:
            self._stopped = True
            while self._running and (left := until - time.monotonic()) > 0:
                self._lock.wait(left)

    def _carry_out_elsewhere(self, transfers: Sequence[Transfer]) -> None:
        from distributed import as_completed  # a client comes from there

        futures = self._client.map(carry_out_batch, list(_batches(transfers)), pure=False)
        try:
            with self._client.as_current():
                for future in as_completed(futures):  # type: ignore[no-untyped-call]
                    self._note_all(future.result())
        except BaseException:
            self._client.cancel(futures)
            raise

    def _note_all(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if self._watcher is not None and outcome.error is None:
                self._watcher.moved(outcome.size or 0)
            self.note(outcome)


def carry_out_batch(transfers: Sequence[Transfer]) -> list[Outcome]:
    """Copy in a worker of a cluster; what came of each."""
    copies = Copies(None)
    copies.carry_out(transfers)
    return copies.outcomes


def reason_of(error: BaseException) -> str:
    """An error in one line, without secrets of URLs."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{type(error).__name__}: {redact_text(text)}" if text else type(error).__name__


def _batches(transfers: Iterable[Transfer]) -> Iterator[list[Transfer]]:
    batch: list[Transfer] = []
    size = 0
    for transfer in transfers:
        if batch and (len(batch) >= _BATCH_FILES or size + transfer.cost > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(transfer)
        size += transfer.cost
    if batch:
        yield batch
