"""The end of the process: the interpreter stays until no thread that Python did not start needs it any more.

obstore, pyarrow and others answer from threads of their own, which give back what they hold of Python (buffers, files,
filesystems) after the caller has got the answer, and for it need the interpreter. Up to Python 3.13 a thread that asks
for it while it ends is ended by force, which C++ and Rust answer by aborting the process ("terminate called without
an active exception"); later ones stop it for good, and pyarrow waits for ever for its thread.
https://github.com/apache/arrow/issues/39162, https://github.com/python/cpython/issues/87135

No object of Python tells of such a thread: of 19 aborts after ``pyarrow.parquet.read_table``, 13 happened as it gave
back a buffer, five a filesystem and one a file (run with pyarrow 26), and what a sleeping reader holds looks the same.
The system knows: a thread that sleeps does not need the interpreter, and one that was woken counts as running before
it runs.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from objfs.records import record

# At exit in all; pyarrow may be taking apart what it has read ahead for a scan that nobody waits for.
PATIENCE_SECONDS: Final = 5.0
# While no thread gets on: the server that one waits for does not answer, or it computes something of its own.
STALL_SECONDS: Final = 1.0
# One folder for each thread of the process; Linux alone has it.
THREADS: Final = "/proc/self/task"
# How long threads are left alone between two looks: the first time, and at most.
_PAUSES_SECONDS: Final = (0.0002, 0.005)
# The same where the system does not tell which threads run.
_BLIND_PAUSES_SECONDS: Final = (0.02, 0.02)
# Lines of a thread's `status` that change when it has run: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
_TELLING: Final = (b"State:", b"voluntary_ctxt_switches:", b"nonvoluntary_ctxt_switches:")

_ending = False


@record
class Look:
    """What the threads that Python did not start were found at.

    Parameters
    ----------
    at_rest
        None of them runs, or waits in a call of Python, such as the read of a file.
    marks
        What changes when one of them has run.
    """

    at_rest: bool
    marks: Mapping[str, Sequence[bytes]]


def wait_for_native_threads() -> None:
    """Wait, within bounds, until all threads that Python did not start are at rest; for ``atexit``."""
    global _ending  # noqa: PLW0603 - one end per process
    _ending = True
    try:
        wait_for_rest(look_at_native_threads, time.sleep, time.monotonic)
    except KeyboardInterrupt:
        # The user does not want to wait.
        return
    finally:
        # A function that was registered earlier runs later, and may read.
        _ending = False


def refuse_when_ending() -> None:
    """Refuse a native thread's read while the process ends, so that a scan that nobody waits for comes to its end.

    Raises
    ------
    OSError
        ``ECANCELED``.
    """
    if _ending and threading.get_ident() not in {thread.ident for thread in _threads_of_python()}:
        raise OSError(errno.ECANCELED, "the process is ending, and nobody waits for this read")


def refuse_after_the_end() -> None:
    """Refuse to wait for another thread when the interpreter has stopped all but this one, as for a late ``__del__``.

    Raises
    ------
    OSError
        ``ECANCELED``.
    """
    if sys.is_finalizing():
        raise OSError(errno.ECANCELED, "the interpreter is ending: close and read files before it does")


def wait_for_rest(look: Callable[[], Look], sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
    """Look until two looks in a row find the same rest, or patience ends.

    One look is not enough: it comes to the threads one after another, and work may move from one that is still to be
    looked at to one that was at rest. That one has run by the next look, and shows it.
    """
    started = changed = clock()
    pause, longest = _PAUSES_SECONDS if os.path.isdir(THREADS) else _BLIND_PAUSES_SECONDS
    before: Look | None = None
    while clock() < min(started + PATIENCE_SECONDS, changed + STALL_SECONDS):
        now = look()
        if now != before:
            before, changed = now, clock()
        elif now.at_rest:
            return
        # Threads that wait for the interpreter get it now.
        sleep(pause)
        pause = min(2 * pause, longest)


def look_at_native_threads(folder: str = THREADS) -> Look:
    """One look; where the system does not tell who runs, only calls of Python count."""
    known = _threads_of_python()
    # Documented, and for such purposes.
    at_rest = sys._current_frames().keys() <= {thread.ident for thread in known}  # noqa: SLF001
    # Python 3.11 forgets to tell the one thread of a forked child its new number.
    natives = {str(number) for number in (threading.get_native_id(), *(thread.native_id for thread in known))}
    marks: dict[str, list[bytes]] = {}
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name not in natives:
            try:
                with open(f"{folder}/{name}/status", "rb") as status:
                    marks[name] = [line for line in status if line.startswith(_TELLING)]
            except OSError:  # it has ended since
                continue
            at_rest = at_rest and any(line.startswith(b"State:\tS") for line in marks[name])
    return Look(at_rest, marks)


def _threads_of_python() -> list[threading.Thread]:
    """The threads that Python started: when the interpreter ends, they may end anywhere without harm."""
    # Of any other thread that has asked who it is, `threading` keeps a stand-in.
    return [thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)]  # noqa: SLF001
