"""Downloads: their requests, and a local file that is the old one or the new one whatever ends them."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import re
import signal
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fsspec.callbacks import Callback, NoOpCallback

from objfs import downloads
from objfs.downloads import copy_to, download
from objfs.errors import FileExpired
from objfs.steps import drive
from objfs.workers import is_busy
from tests.distributions import run_fresh
from tests.emulators.forked import in_child
from tests.unit.recording import (
    PART,
    RecordingSdk,
    RecordingStore,
    Request,
    filesystem,
    interruptible,
    make_small,
    press_ctrl_c,
    source_of,
    until,
)

SIZE = 10 + 5 * PART + 3
DATA = bytes(range(1, SIZE + 1))
PATIENCE = 20
PLANES = [pytest.param(RecordingStore, id="data"), pytest.param(RecordingSdk, id="sdk")]
# The first request brings the size, the others go side by side.
FIRST, *REST = ["GET 0-10", *(f"GET {at}-{min(at + PART, SIZE)}" for at in range(10, SIZE, PART))]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes are many parts."""
    make_small(monkeypatch)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that is there already."""
    path = tmp_path / "target"
    path.write_bytes(b"old")
    return path


@pytest.mark.parametrize("plane", PLANES)
def test_download_asks_for_each_byte_once(plane: type[Any], target: Path) -> None:
    """The first request brings the size; the rest comes in parts, pinned."""
    objects = plane(key=DATA)
    filesystem(objects).get_file("bucket/key", str(target))
    assert target.read_bytes() == DATA
    assert [request.if_match for request in objects.requests] == [None, *['"1"'] * len(REST)]
    first, *rest = objects.asked()
    assert (first, sorted(rest)) == (FIRST, sorted(REST))


def test_download_has_as_many_requests_in_flight_as_it_may(target: Path) -> None:
    """And no more."""
    plane, meeting = RecordingStore(key=DATA[: 10 + 4 * PART]), threading.Barrier(2, timeout=PATIENCE)
    plane.before = lambda request: meeting.wait() and None if request.if_match else None
    filesystem(plane).get_file("bucket/key", str(target), max_concurrency=2)
    assert (plane.most_present, target.read_bytes()) == (2, DATA[: 10 + 4 * PART])


def test_download_replaces_a_file_and_hands_its_mode_on(target: Path, tmp_path: Path) -> None:
    """Through a link, which stays one."""
    target.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(target)
    filesystem(RecordingStore(key=DATA)).get_file("bucket/key", str(link))
    assert (link.is_symlink(), target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (True, DATA, 0o640)


def test_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    """As one that was opened for writing."""
    before = os.umask(0o027)
    try:
        filesystem(RecordingStore(key=DATA)).get_file("bucket/key", str(tmp_path / "new"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.skipif(not hasattr(os, "chown"), reason="needs owners of files")
def test_file_that_replaces_another_is_nobody_elses_meanwhile(target: Path) -> None:
    """What is secret in the old file is not open to all while the new one comes; it stays with its owner."""
    owner = (12345, 12346) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(target, *owner)
    target.chmod(0o600)
    plane, modes = RecordingStore(key=DATA), set()

    def look(_: Request) -> None:
        modes.update(stat.S_IMODE(each.stat().st_mode) for each in target.parent.iterdir())

    plane.before = look
    filesystem(plane).get_file("bucket/key", str(target))
    after = target.stat()
    assert (modes, (after.st_uid, after.st_gid), target.read_bytes()) == ({0o600}, owner, DATA)


def test_download_through_a_link_to_nothing_makes_what_it_names(tmp_path: Path) -> None:
    """As opening it does."""
    (tmp_path / "link").symlink_to(tmp_path / "named")
    filesystem(RecordingStore(key=DATA)).get_file("bucket/key", str(tmp_path / "link"))
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "named").read_bytes()) == (True, DATA)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Let the permissions of files hold, which the superuser overrides."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def _in_a_folder_that_is_read_only(folder: Path) -> Path:
    folder.chmod(0o555)
    return folder / "new"


def _in_no_folder(folder: Path) -> Path:
    folder.chmod(0o777)
    return folder / "missing" / "new"


def _a_file_that_is_read_only(folder: Path) -> Path:
    folder.chmod(0o777)
    path = folder / "target"
    path.write_bytes(b"old")
    path.chmod(0o444)
    return path


def _a_link_to_itself(folder: Path) -> Path:
    folder.chmod(0o777)
    (folder / "link").symlink_to(folder / "link")
    return folder / "link"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
@pytest.mark.parametrize(
    ("make", "number"),
    [
        pytest.param(_in_a_folder_that_is_read_only, errno.EACCES, id="folder"),
        pytest.param(_a_file_that_is_read_only, errno.EACCES, id="file"),
        pytest.param(_a_link_to_itself, errno.ELOOP, id="link"),
        pytest.param(_in_no_folder, errno.ENOENT, id="no-folder"),
    ],
)
@pytest.mark.parametrize("plane", PLANES)
def test_download_to_where_nothing_can_be_written_makes_no_request(
    plane: type[Any], make: Callable[[Path], Path], number: int
) -> None:
    """The error is that of opening the file, and names it."""
    objects = plane(key=DATA)
    with tempfile.TemporaryDirectory() as name:
        path = make(Path(name))
        before = sorted(each.name for each in Path(name).iterdir())
        with unprivileged(), pytest.raises(OSError, match=path.name) as caught:
            filesystem(objects).get_file("bucket/key", str(path))
        assert (caught.value.errno, objects.requests) == (number, [])
        assert sorted(each.name for each in Path(name).iterdir()) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_download_to_a_device_that_is_full_says_so() -> None:
    """It is written to as it is."""
    with pytest.raises(OSError) as caught:
        filesystem(RecordingStore(key=DATA)).get_file("bucket/key", "/dev/full")
    assert (caught.value.errno, Path("/dev/full").is_char_device()) == (errno.ENOSPC, True)


@pytest.mark.parametrize("plane", PLANES)
def test_download_that_finds_no_room_names_the_file_and_leaves_nothing(plane: type[Any], target: Path) -> None:
    """Here a bound on the size of files stands for a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    objects = plane(key=bytes(1 << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    try:
        with pytest.raises(OSError, match="nothing was written") as caught:
            filesystem(objects).get_file("bucket/key", str(target))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (caught.value.errno, caught.value.filename, only(target)) == (errno.EFBIG, str(target), True)


KILLED = """
import json, os, signal, sys
from tests.unit.recording import RecordingStore, filesystem
plane = RecordingStore(key=bytes(5 << 20))
plane.before = lambda request: os.kill(os.getpid(), signal.SIGKILL) if request.if_match else None
filesystem(plane).get_file("bucket/key", json.loads(sys.argv[1]))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_process_that_is_killed_leaves_the_old_file_and_a_part_that_tells_whose_it_is(target: Path) -> None:
    """Nobody can clean up; the name says that it may be deleted."""
    run_fresh(KILLED, str(target), status=-signal.SIGKILL, timeout=PATIENCE)
    left = sorted(path.name for path in target.parent.iterdir() if path != target)
    assert target.read_bytes() == b"old"
    assert [re.fullmatch(r"\.objfs-[0-9a-f]{16}\.part", name) is not None for name in left] == [True]


def test_download_to_a_pipe_is_in_order(tmp_path: Path) -> None:
    """What cannot seek gets the parts one after the other, and is not replaced."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
    reader.start()
    plane = RecordingStore(key=DATA)
    # Time for another request to come, which would be one too many.
    plane.before = lambda _: threading.Event().wait(0.01) and None
    filesystem(plane).get_file("bucket/key", str(path))
    reader.join(PATIENCE)
    assert plane.most_present == 1
    assert (found, path.is_fifo()) == ([DATA], True)
    assert plane.asked() == [FIRST, *REST]


@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize("plane", PLANES)
def test_copy_to_an_open_file_begins_where_that_is(plane: type[Any], seekable: bool) -> None:
    """And ends after the last byte."""
    file = io.BytesIO(b"before")
    file.seek(6)
    if not seekable:
        file.seekable = lambda: False  # type: ignore[method-assign]
    objects = plane(key=DATA)

    def all_others_came() -> bool:
        return len(objects.requests) == 1 + len(REST) and objects.present == 1

    if seekable and plane is RecordingStore:
        # The second part comes last.
        objects.before = lambda request: until(all_others_came) and None if str(request) == REST[0] else None
    filesystem(objects).get_file("bucket/key", file)
    assert (file.getvalue(), file.tell()) == (b"before" + DATA, 6 + SIZE)


class Progress(Callback):  # type: ignore[misc]
    """A progress bar that is not made for several threads."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.together = False
        self.reached = threading.Event()

    def relative_update(self, inc: int = 1) -> None:
        """Another thread may want to come in meanwhile."""
        self.inside += 1
        self.together |= self.inside > 1
        self.reached.wait(0.001)
        super().relative_update(inc)
        self.inside -= 1


def test_callback_is_told_of_all_bytes_by_one_thread_at_a_time(target: Path) -> None:
    """However many bring them."""
    progress = Progress()
    filesystem(RecordingStore(key=DATA)).get_file("bucket/key", str(target), callback=progress)
    assert (progress.size, progress.value, progress.together) == (SIZE, SIZE, False)


# -- what ends early ------------------------------------------------------------------------------------------------


def only(target: Path) -> bool:
    """Whether the file is the old one, and nothing else is there."""
    return target.read_bytes() == b"old" and [path.name for path in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("error", [PermissionError(13, "refused"), FileExpired("key"), KeyError("bug")])
def test_download_that_fails_leaves_nothing(plane: type[Any], number: int, error: Exception, target: Path) -> None:
    """Whichever request fails, and whatever the error is."""
    objects = plane(key=DATA)

    def fail(request: Request) -> None:
        if len(objects.requests) == number:
            raise error

    objects.before = fail
    with pytest.raises(type(error)):
        filesystem(objects).get_file("bucket/key", str(target))
    assert only(target)


def test_download_whose_file_cannot_be_put_in_its_place_leaves_nothing(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, a folder that may not be written to."""

    def refuse(*_: Any) -> None:
        raise OSError(28, "disk full")

    monkeypatch.setattr(downloads.os, "pwrite", refuse)
    with pytest.raises(OSError, match="disk full"):
        filesystem(RecordingStore(key=DATA)).get_file("bucket/key", str(target))
    assert only(target)


def test_download_is_of_one_version(target: Path) -> None:
    """Or of none."""
    plane = RecordingStore(key=DATA)
    plane.before = lambda _: plane.replace("key", DATA[::-1]) and None if len(plane.requests) == 4 else None
    with pytest.raises(FileExpired):
        filesystem(plane).get_file("bucket/key", str(target))
    assert only(target)


def hold(plane: RecordingStore, number: int, gate: threading.Event) -> None:
    """Let a request press Ctrl-C and wait, so that nothing but the interrupt can end the call."""

    def before(_: Request) -> None:
        if len(plane.requests) == number:
            press_ctrl_c()
            gate.wait(PATIENCE)

    plane.before = before


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
@pytest.mark.parametrize("kind", ["path", "file"])
@pytest.mark.parametrize(("size", "number"), [(5, 1), (SIZE, 1), (SIZE, 2), (SIZE, 5)])
def test_download_that_ctrl_c_ends_shows_nothing(kind: str, number: int, size: int, target: Path) -> None:
    """The call ends while a request hangs, and when that is answered afterwards no file appears or changes."""
    plane, gate = RecordingStore(key=DATA[:size]), threading.Event()
    hold(plane, number, gate)
    fs = filesystem(plane, max_concurrency=1)
    file = io.BytesIO()
    with interruptible(), pytest.raises(KeyboardInterrupt):
        fs.get_file("bucket/key", str(target) if kind == "path" else file)
    written = file.getvalue()
    for _ in range(5):
        # The loop hears of it after the main thread does.
        fs.run_blocking(asyncio.sleep(0))
    gate.set()
    assert until(lambda: not is_busy())
    assert (only(target), file.getvalue()) == (True, written)


INTERRUPTED = """
import json, sys, threading
from tests.unit.recording import RecordingStore, filesystem, interruptible, press_ctrl_c
plane = RecordingStore(key=bytes(5 << 20))
def before(request):
    if request.if_match:
        press_ctrl_c()
        threading.Event().wait()
plane.before = before
with interruptible():
    try:
        filesystem(plane).get_file("bucket/key", json.loads(sys.argv[1]))
    except KeyboardInterrupt:
        print(1)
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
def test_program_that_ctrl_c_ends_leaves_no_part_of_a_file(target: Path) -> None:
    """Its workers hang in a request, and do not get to clean up."""
    assert run_fresh(INTERRUPTED, str(target), timeout=PATIENCE) == 1
    assert only(target)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_that_ends_leaves_the_downloads_of_its_parent_alone(target: Path) -> None:
    """What it has inherited is not its own."""
    plane = RecordingStore(key=DATA)

    def fork(request: Request) -> None:
        if str(request) == REST[-1]:
            in_child(downloads._remove_unfinished)

    plane.before = fork
    filesystem(plane).get_file("bucket/key", str(target))
    assert target.read_bytes() == DATA


def test_download_that_is_cancelled_shows_nothing(target: Path) -> None:
    """Awaited, in the middle."""
    plane, gate = RecordingStore(key=DATA), threading.Event()

    async def main() -> None:
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def before(_: Request) -> None:
            if len(plane.requests) == 3:
                loop.call_soon_threadsafe(begun.set)
                gate.wait(PATIENCE)

        plane.before = before
        fs = filesystem(plane, max_concurrency=1, asynchronous=True)
        task = asyncio.ensure_future(fs._get_file("bucket/key", str(target)))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(main())
    gate.set()
    assert until(lambda: not is_busy())
    assert only(target)


def test_answer_that_comes_after_a_failure_is_not_written(tmp_path: Path) -> None:
    """The file is closed then, and its number may be another file's."""
    plane, gate, begun = RecordingStore(key=DATA), threading.Event(), threading.Event()
    late = f"GET {10 + PART}-{10 + 2 * PART}"

    def before(request: Request) -> None:
        if str(request) == late:
            begun.set()
            gate.wait(PATIENCE)
        elif request.if_match:
            assert begun.wait(PATIENCE)
            raise PermissionError(13, "refused")

    plane.before = before
    path = tmp_path / "open"
    with path.open("wb", buffering=0) as file:
        with pytest.raises(PermissionError):
            drive(copy_to(source_of(plane), file, NoOpCallback()))
        begun.clear()
        with pytest.raises(PermissionError):
            drive(download(source_of(plane), str(tmp_path / "target"), NoOpCallback()))
        # It gets the number that the other one had.
        with (tmp_path / "next").open("wb"):
            gate.set()
            assert until(lambda: not is_busy())
    assert (path.read_bytes(), (tmp_path / "next").read_bytes()) == (DATA[:10], b"")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["next", "open"]
