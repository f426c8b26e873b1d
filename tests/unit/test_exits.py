"""The wait at the end of a process, with looks and clock of our own; the looks, at threads of our own."""

from __future__ import annotations

import _thread
import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest

from objfs import exits
from objfs.exits import Look, look_at_native_threads, refuse_when_ending, wait_for_rest

ONLY_LINUX = pytest.mark.skipif(not os.path.isdir(exits.THREADS), reason="only Linux shows the threads of a process")
WORKING = Look(at_rest=False, marks={"7": [b"1"]})
RESTING = Look(at_rest=True, marks={"7": [b"2"]})
RAN_MEANWHILE = Look(at_rest=True, marks={"7": [b"3"]})


def looks_taken(found: Iterable[Look], seconds: float = 0.0) -> int:
    """How often is looked when this is found one after another; a pause lasts as long as asked, or ``seconds``."""
    now, count, looks = 0.0, 0, iter(found)

    def look() -> Look:
        nonlocal count
        count += 1
        return next(looks)

    def sleep(pause: float) -> None:
        nonlocal now
        assert pause > 0
        now += seconds or pause

    wait_for_rest(look, sleep, lambda: now)
    return count


@pytest.mark.parametrize(
    ("found", "looks"),
    [
        pytest.param([RESTING, RESTING], 2, id="at rest"),
        pytest.param([WORKING, WORKING, RESTING, RESTING], 4, id="a thread works first"),
        pytest.param([RESTING, RAN_MEANWHILE, RAN_MEANWHILE], 3, id="a thread ran between two looks"),
        pytest.param([RESTING, WORKING, RESTING, RESTING], 4, id="work moved to a thread that was at rest"),
    ],
)
def test_the_wait_ends_when_two_looks_in_a_row_find_the_same_rest(found, looks):
    """One look can miss work that moves from thread to thread."""
    assert looks_taken(found) == looks


@ONLY_LINUX
def test_a_process_at_rest_ends_within_a_millisecond():
    """What is waited when there is nothing to wait for."""
    pauses: list[float] = []
    wait_for_rest(lambda: RESTING, pauses.append, lambda: 0.0)
    assert sum(pauses) < 0.001


def test_the_wait_for_a_thread_that_does_not_get_on_ends_after_a_second():
    """The server may never answer."""
    assert looks_taken(iter(lambda: WORKING, None), 0.25) == 4


def test_the_wait_for_threads_that_get_on_ends_after_five_seconds():
    """Their work may be without end."""
    assert looks_taken((Look(at_rest=False, marks={"7": [b"%d" % n]}) for n in range(100)), 0.25) == 20


@contextmanager
def stranger(work: Callable[[], None]) -> Iterator[None]:
    """A thread that `threading` did not start, as a library's own; it has worked when the block begins, and waits."""
    worked, leave, gone = (threading.Lock() for _ in range(3))
    for lock in (worked, leave, gone):
        lock.acquire()

    def run() -> None:
        work()
        worked.release()
        leave.acquire()
        gone.release()

    _thread.start_new_thread(run, ())
    worked.acquire()
    try:
        yield
    finally:
        leave.release()
        gone.acquire()


@pytest.mark.parametrize("work", [lambda: None, threading.current_thread], ids=["silent", "with a stand-in"])
def test_a_call_from_a_native_thread_is_no_rest(work, tmp_path):
    """Even while it sleeps in that call; `threading` may know the thread by a stand-in of its own."""
    with stranger(work):
        assert not look_at_native_threads(str(tmp_path)).at_rest


def test_a_thread_of_python_may_wait_in_a_call(tmp_path):
    """A worker that waits for work stops nobody."""
    go = threading.Event()
    thread = threading.Thread(target=go.wait, daemon=True)
    thread.start()
    try:
        assert look_at_native_threads(str(tmp_path)) == Look(at_rest=True, marks={})
    finally:
        go.set()
        thread.join()


def status(state: str, switches: int = 1) -> str:
    return f"Name:\tworker\nState:\t{state}\nVmRSS:\t{switches} kB\nvoluntary_ctxt_switches:\t{switches}\n"


@pytest.mark.parametrize(
    ("state", "at_rest"),
    [("S (sleeping)", True), ("R (running)", False), ("D (disk sleep)", False)],
    ids=["sleeping", "running", "disk"],
)
def test_only_a_sleeping_thread_is_at_rest(state, at_rest, tmp_path):
    """As the system tells it; a thread that has ended since it was listed does not count."""
    for name, text in {"11": status("S (sleeping)"), "12": status(state)}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "status").write_text(text)
    (tmp_path / "13").mkdir()
    found = look_at_native_threads(str(tmp_path))
    assert (found.at_rest, sorted(found.marks)) == (at_rest, ["11", "12"])


def test_a_thread_that_has_run_looks_different(tmp_path):
    """Its memory may change at any time, and tells nothing."""
    file = tmp_path / "11" / "status"
    file.parent.mkdir()

    def look(text: str) -> Look:
        file.write_text(text)
        return look_at_native_threads(str(tmp_path))

    before = look(status("S (sleeping)", 1))
    assert look(status("S (sleeping)", 1).replace("VmRSS:\t1", "VmRSS:\t9")) == before
    assert look(status("S (sleeping)", 2)) != before


def test_a_thread_of_python_may_run(tmp_path):
    """A daemon may compute for ever."""
    (tmp_path / str(threading.get_native_id())).mkdir()
    (tmp_path / str(threading.get_native_id()) / "status").write_text(status("R (running)"))
    assert look_at_native_threads(str(tmp_path)) == Look(at_rest=True, marks={})


@ONLY_LINUX
def test_the_system_shows_native_threads():
    """A thread that waits outside Python: here one of Python that is taken for another's."""
    with stranger(lambda: None):
        found = look_at_native_threads()
    assert any(lines[0].startswith(b"State:") for lines in found.marks.values())


def test_reads_of_native_threads_are_refused_while_the_process_ends(monkeypatch):
    """Nobody waits for them; those of Python's threads may be wanted by a function that runs at exit."""
    seen: list[int | None] = []

    def read() -> None:
        try:
            refuse_when_ending()
        except OSError as error:
            seen.append(error.errno)

    def look() -> Look:
        read()
        with stranger(read):
            return RESTING

    monkeypatch.setattr(exits, "look_at_native_threads", look)
    exits.wait_for_native_threads()
    with stranger(read):
        assert seen == [errno.ECANCELED] * 2


def test_ctrl_c_ends_the_wait(monkeypatch):
    """Who is impatient gets no traceback, and later reads are served."""

    def look() -> Look:
        raise KeyboardInterrupt

    monkeypatch.setattr(exits, "look_at_native_threads", look)
    exits.wait_for_native_threads()
    with stranger(refuse_when_ending):
        pass
