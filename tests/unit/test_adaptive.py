"""Open files: the exact requests of each way to read, the object's own bytes, one version, bounded memory."""

from __future__ import annotations

import io
import itertools
import random
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from objfs import adaptive
from objfs.adaptive import Block
from objfs.errors import FileExpired
from objfs.reading import HEAD_BYTES, TAIL_BYTES, ObjectFile
from objfs.types import ByteRange, Suffix
from objfs.workers import is_busy
from tests.emulators.forked import in_child
from tests.unit.recording import (
    PART,
    Recorder,
    RecordingSdk,
    RecordingStore,
    Request,
    filesystem,
    interruptible,
    make_small,
    press_ctrl_c,
    until,
)

KIB, MIB = 1 << 10, 1 << 20
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PATIENCE = 20


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes are many parts and windows."""
    make_small(monkeypatch)


def body(size: int, seed: int = 1) -> bytes:
    """Bytes that are different everywhere."""
    return random.Random(seed).randbytes(size)


LONG = body(8 * MIB)


def in_kib(request: Request) -> str:
    """Where a request begins and how much it brings."""
    match request.wanted:
        case ByteRange(start=start, stop=stop):
            return f"{start / KIB:g}+{(stop - start) / KIB:g}"
        case Suffix(length=length):
            return f"-{length / KIB:g}"
    return request.verb


def asked(plane: Recorder) -> list[str]:
    """All requests of the files so far, also those that nobody waits for; by place, as several run at a time."""
    assert until(lambda: not is_busy())
    requests, plane.requests = plane.requests, []
    return [in_kib(each) for each in sorted(requests, key=lambda each: getattr(each.wanted, "start", -1))]


def opened(data: bytes, name: str = "key", **more: Any) -> tuple[RecordingStore, ObjectFile]:
    """A plane with one object, and a file of it."""
    plane = RecordingStore(**{name.replace(".", "_"): data})
    return plane, filesystem(plane).open(f"bucket/{name}", **more)


# -- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["key", "x.parquet", "a.csv", "dir.zip/x", "x.parquet.gz"])
@pytest.mark.parametrize("size", [1, 1000, HEAD_BYTES])
def test_small_object_is_whole_after_one_request(name: str, size: int) -> None:
    """Read in whatever order, to the end and from there."""
    plane, file = opened(LONG[:size], name)
    with file:
        assert file.read(1) + file.read() == LONG[:size]
        assert (file.seek(-1, 2), file.read(), file.read()) == (size - 1, LONG[size - 1 : size], b"")
        buffer = bytearray(size)
        assert (file.seek(0), file.readinto(buffer), bytes(buffer)) == (0, size, LONG[:size])
    assert asked(plane) == ["-256" if name == "x.parquet" else "0+256"]


@pytest.mark.parametrize("name", ["key", "x.parquet"])
def test_empty_object_is_two_requests(name: str) -> None:
    """As no range of it can be read, which is not known before."""
    plane, file = opened(b"", name)
    assert (file.size, file.read(), file.read(5), file.readinto(bytearray(3))) == (0, b"", b"", 0)
    assert plane.asked() == [f"GET {'-262144' if name == 'x.parquet' else '0-262144'}", "HEAD"]


@pytest.mark.parametrize(("name", "length"), sorted(TAIL_BYTES.items()))
def test_file_that_is_read_from_its_end_is_opened_there(name: str, length: int) -> None:
    """Whatever the case of its name; what lies before is asked for as needed."""
    for suffix in name, name.upper():
        plane, file = opened(LONG, f"x{suffix}")
        assert (file.seek(-length, 2), file.read()) == (len(LONG) - length, LONG[-length:])
        assert asked(plane) == [f"-{length / KIB:g}"]


@pytest.mark.parametrize(
    ("read", "requests"),
    [
        pytest.param(lambda file: file.read(), ["0+256", "256+4096", "4352+3840"], id="whole"),
        pytest.param(lambda file: file.readinto(bytearray(9 * MIB)), ["0+256", "256+4096", "4352+3840"], id="readinto"),
        pytest.param(
            lambda file: [file.read(MIB) for _ in range(9)],
            [
                *("0+256", "256+768", "1024+512", "1536+512", "2048+512", "2560+512"),
                *("3072+3072", "6144+2048"),
            ],
            id="in-pieces",
        ),
        pytest.param(
            lambda file: [file.read(64 * KIB) for _ in range(16)],
            ["0+256", "256+128", "384+192", "576+384", "960+288", "1248+288", "1536+768"],
            id="a-few-pieces",
        ),
        pytest.param(
            lambda file: [(file.seek(at * MIB + 5 * KIB), file.read(KIB)) for at in (4, 2, 6, 1, 7, 3, 5)],
            ["0+256", "1029+9", "2053+33", "3077+3", "4101+65", "5125+2", "6149+17", "7173+5"],
            id="random",
        ),
        pytest.param(
            lambda file: [(file.seek(at * 64 * KIB), file.read(64 * KIB)) for at in range(127, 119, -1)],
            ["0+256", "7680+64", "7744+64", "7808+64", "7872+64", "7936+64", "8000+64", "8064+64", "8128+64"],
            id="backward",
        ),
        pytest.param(
            lambda file: [(file.seek(at), file.read(KIB)) for at in (4 * MIB, 6 * MIB) * 10],
            ["0+256", "4096+65", "6144+33"],
            id="two-places-again-and-again",
        ),
        pytest.param(
            lambda file: [
                (file.seek(at), file.read(64 * KIB)) for step in range(6) for at in (step << 16, (step + 64) << 16)
            ],
            ["0+256", "256+320", "4096+128", "4224+192", "4416+576"],
            id="interleaved",
        ),
        pytest.param(
            lambda file: [(file.seek(at * MIB), file.read(64 * KIB), file.read(64 * KIB)) for at in (3, 5)],
            ["0+256", "3072+128", "3200+256", "5120+192", "5312+192"],
            id="short-runs",
        ),
        pytest.param(
            lambda file: (file.seek(-100, 2), file.read()),
            ["0+256", "8191.9+0.0976562"],
            id="end",
        ),
        pytest.param(
            lambda file: (file.seek(2 * MIB), file.read(6 * MIB)), ["0+256", "2048+4096", "6144+2048"], id="part"
        ),
    ],
)
def test_file_makes_exactly_these_requests(read: Callable[[ObjectFile], Any], requests: list[str]) -> None:
    """Of an object of 8 MiB; KiB, where each begins and how long it is."""
    plane, file = opened(LONG)
    with file:
        read(file)
    assert asked(plane) == requests


@pytest.mark.parametrize("step", [4 * KIB, 100_000, MIB, 5 * MIB], ids="{}-bytes".format)
def test_sequence_asks_for_no_byte_twice(step: int) -> None:
    """However long the pieces are, and whichever way they are taken."""
    plane, file = opened(LONG)
    pieces = []
    for turn in itertools.count():
        piece = bytearray(step)
        count = file.readinto(piece) if turn % 2 else len(piece := file.read(step))
        if not count:
            break
        pieces.append(bytes(piece[:count]))
    assert b"".join(pieces) == LONG
    assert until(lambda: not is_busy())
    assert plane.bytes_out == len(LONG)


def test_sequence_that_ends_early_has_fetched_twice_as_much_more_at_most() -> None:
    """What lies ahead is guessed from what was read."""
    for pieces in range(1, 30):
        plane, file = opened(LONG)
        for _ in range(pieces):
            file.read(50_000)
        assert until(lambda: not is_busy())
        assert plane.bytes_out <= max(HEAD_BYTES, 3 * pieces * 50_000)


def test_random_reads_fetch_twice_what_they_ask_at_most() -> None:
    """Two thousand of 4 KiB, one request each."""
    plane, file = opened(bytes(64 * MIB))
    places = random.Random(7)
    for _ in range(2000):
        file.seek(places.randrange(64 * MIB - 4 * KIB))
        file.read(4 * KIB)
    assert plane.bytes_out <= 2 * 2000 * 4 * KIB + HEAD_BYTES
    assert len(plane.requests) <= 2001


def test_margin_of_random_reads_grows_where_it_is_of_use() -> None:
    """Records that are read by their header first: in the end one request brings both."""
    plane, file = opened(LONG)
    places = random.Random(8)
    for _ in range(40):
        at = places.randrange(MIB, 7 * MIB)
        file.seek(at)
        file.read(100)
        file.seek(at + 20_000)
        file.read(100)
    assert len(plane.requests) <= 1 + 40 + 5


def test_sequence_keeps_several_connections_busy() -> None:
    """What lies ahead comes in requests that run at the same time."""
    plane, file = opened(bytes(64 * MIB))
    file.read(3 * MIB)
    assert until(lambda: not is_busy())
    gate = threading.Event()
    plane.before = lambda _: gate.wait(PATIENCE) and None
    assert len(file.read(2 * MIB)) == 2 * MIB
    assert until(lambda: plane.present >= 2)
    gate.set()


@pytest.mark.parametrize("limit", [1, 3])
def test_sequence_keeps_the_bound_on_requests(limit: int) -> None:
    """That of the filesystem."""
    plane = RecordingStore(key=bytes(64 * MIB))
    with filesystem(plane, max_concurrency=limit).open("bucket/key") as file:
        while file.read(MIB):
            pass
    assert plane.most_present <= limit + 1


@pytest.mark.parametrize("cache_type", ["none", "readahead", "blockcache", "bytes", "first"])
def test_given_cache_is_used(cache_type: str) -> None:
    """With the block size that goes with it; the open is one request all the same."""
    plane, file = opened(LONG, cache_type=cache_type, block_size=10_000)
    assert (file.cache.name, file.blocksize) == (cache_type, 10_000)
    assert (file.seek(100_000), file.read(10)) == (100_000, LONG[100_000:100_010])
    first, second = asked(plane)
    assert first == "0+256"
    assert second == {
        "none": "97.6562+0.00976562",
        "readahead": "97.6562+9.77539",
        "bytes": "97.6562+9.77539",
        "blockcache": "97.6562+9.76562",
        "first": "97.6562+0.00976562",
    }.get(cache_type)


def test_given_size_saves_the_request_of_the_open() -> None:
    """The first read pins the file then."""
    plane, file = opened(LONG, size=len(LONG))
    assert plane.requests == []
    assert (file.seek(5), file.read(10), file.seek(MIB), file.read(10)) == (5, LONG[5:15], MIB, LONG[MIB : MIB + 10])
    assert [request.if_match for request in plane.requests] == [None, '"1"']
    assert file.e_tag == '"1"'


# -- the object's own bytes -----------------------------------------------------------------------------------------

HEAD = 2 * PART
SIZES = (0, 1, PART - 1, 2 * PART, 2 * PART + 1, 5 * PART, 13 * PART + 3)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.integers(0, 14 * PART)),
        st.tuples(st.just("read"), st.integers(-1, 4 * PART)),
        st.tuples(st.just("readinto"), st.integers(0, 3 * PART)),
        st.tuples(st.just("run"), st.integers(1, PART)),
    ),
    max_size=14,
)
OLD = bytes(index % 100 for index in range(max(SIZES)))


def act(file: Any, action: tuple[str, int]) -> Any:
    """One action, and what it answers; a run is four reads in a row."""
    name, argument = action
    if name == "readinto":
        buffer = bytearray(argument)
        count = file.readinto(buffer)
        return count, bytes(buffer[:count])
    if name == "run":
        return [file.read(argument) for _ in range(4)]
    return getattr(file, name)(argument)


@SHARED
@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("plane", [RecordingStore, RecordingSdk], ids=["data", "sdk"])
@given(size=st.sampled_from(SIZES), actions=ACTIONS, tail=st.booleans())
@example(13 * PART + 3, [("run", 16), ("seek", 3), ("run", 16), ("seek", 150), ("read", -1)], False)
def test_file_gives_the_bytes_of_the_object(
    plane: type[Any], size: int, actions: list[tuple[str, int]], tail: bool
) -> None:
    """In whatever order it is read."""
    model = io.BytesIO(OLD[:size])
    name = "x.parquet" if tail else "key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("objfs.reading.TAIL_BYTES", {".parquet": PART})
        file = filesystem(plane(**{name.replace(".", "_"): OLD[:size]})).open(f"bucket/{name}")
    for action in actions:
        assert act(file, action) == act(model, action), action
        assert file.tell() == model.tell()


@SHARED
@pytest.mark.usefixtures("_small")
@given(size=st.sampled_from(SIZES), said=st.integers(0, 15 * PART), actions=ACTIONS)
@example(PART, 2 * PART, [("read", -1)])
@example(PART, 3 * PART, [("readinto", 3 * PART)])
@example(PART, 3 * PART, [("seek", 2 * PART), ("read", 5), ("seek", 0), ("read", -1)])
def test_file_of_a_size_that_is_wrong_has_no_bytes_that_the_object_has_not(
    size: int, said: int, actions: list[tuple[str, int]]
) -> None:
    """It ends where the caller said or where the object does, whichever comes first."""
    file = filesystem(RecordingStore(key=OLD[:size])).open("bucket/key", size=said)
    for action in actions:
        at = file.tell()
        found = act(file, action)
        if action[0] != "seek":
            found = found[1] if action[0] == "readinto" else b"".join(found) if action[0] == "run" else found
            whole = OLD[: min(size, said)]
            assert whole[at : at + len(found)] == found
            assert found or at >= len(whole) or action[1] == 0


# -- memory ---------------------------------------------------------------------------------------------------------


def held(blocks: Iterable[Block]) -> int:
    """Bytes that a cache has, or has asked for."""
    return sum(block.stop - block.start for block in blocks)


@SHARED
@pytest.mark.usefixtures("_small")
@given(actions=ACTIONS)
@example([("run", 16)] * 10)
@example([("run", 5)] * 10)
@example([("read", 100)] * 6)
@example([("readinto", 100)] * 6)
@example([(name, length) for place in range(20) for name, length in (("seek", 30 * place), ("read", 14))])
def test_cache_holds_no_more_than_its_bounds(actions: list[tuple[str, int]]) -> None:
    """What lies ahead and the part that is being read, what is kept, and what the open brought."""
    _, file = opened(OLD * 4)
    for action in actions:
        before = file.tell()
        act(file, action)
        ahead, kept, opening = file.cache._ahead, file.cache._kept, file.cache._opening
        assert held(ahead) <= adaptive.AHEAD_BYTES + PART
        assert held(kept) <= adaptive.KEPT_BYTES
        assert (len(kept) <= adaptive.KEPT_BLOCKS, held([opening])) == (True, HEAD)
        if action[0] != "seek" and file.tell() > before:
            assert all(block.stop > file.tell() for block in ahead)


def test_cache_that_is_closed_holds_nothing() -> None:
    """As its file does."""
    _, file = opened(LONG)
    file.read(MIB)
    file.close()
    assert file.cache is None


# -- one version ----------------------------------------------------------------------------------------------------

NEW = bytes(100 + index % 100 for index in range(max(SIZES)))


@SHARED
@pytest.mark.usefixtures("_small")
@given(
    actions=ACTIONS,
    at=st.integers(1, 12),
    size=st.sampled_from(SIZES),
    local=st.booleans(),
    given_size=st.booleans(),
)
@example([("run", 16), ("run", 16), ("seek", 3), ("run", 16)], 4, 13 * PART + 3, False, False)
@example([("read", 5), ("seek", 150), ("read", -1)], 2, 5 * PART, True, False)
@example([("seek", 150), ("read", 5), ("seek", 0), ("read", -1)], 2, 5 * PART, True, True)
def test_file_is_of_one_version_whenever_the_object_is_replaced(
    actions: list[tuple[str, int]], at: int, size: int, local: bool, given_size: bool
) -> None:
    """Between any two requests, by a longer or a shorter one: bytes of the version that was opened, or an error."""
    plane, count = RecordingStore(key=OLD), itertools.count(1)
    plane.before = lambda _: plane.replace("key", NEW[:size]) and None if next(count) == at else None
    fs = filesystem(plane, local_expiry_check=local)
    file = fs.open("bucket/key", size=len(OLD) if given_size else None)
    # Before the first answer there is no version.
    model = io.BytesIO(NEW[:size] if at == 1 else OLD)
    for action in actions:
        try:
            found = act(file, action)
        except FileExpired:
            return
        assert found == act(model, action)


@pytest.mark.usefixtures("_small")
def test_guess_that_fails_is_asked_again_when_it_is_needed() -> None:
    """A part that could not be fetched ahead is no error of the bytes before it, nor of itself when it can be."""
    plane, file = opened(OLD)
    count = itertools.count(1)

    def refuse(_: Request) -> None:
        if next(count) <= failing:
            raise PermissionError(13, "refused")

    plane.before, failing = refuse, 1
    assert file.read(2 * PART) + file.read(3 * PART) == OLD[: 5 * PART]
    count, failing = itertools.count(1), 1000
    assert until(lambda: not is_busy())
    found = []
    with pytest.raises(PermissionError, match="refused"):
        found.extend(iter(lambda: file.read(5), b""))
    failing = 0
    assert b"".join(found) + file.read() == OLD[5 * PART :]


# -- Ctrl-C and processes -------------------------------------------------------------------------------------------


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What requests wait for."""
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.usefixtures("_small")
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
@pytest.mark.parametrize("into", [False, True], ids=["read", "readinto"])
@pytest.mark.parametrize("length", [5, PART, 6 * PART])
def test_file_goes_on_after_ctrl_c(gate: threading.Event, length: int, into: bool) -> None:
    """Where it was: a notebook's next cell reads on. What comes late changes no bytes that were handed out."""
    plane, file = opened(OLD)
    count = itertools.count(1)

    def before(_: Request) -> None:
        if next(count) == 1:
            press_ctrl_c()
        if not gate.is_set():
            gate.wait(PATIENCE)

    plane.before = before
    file.seek(3 * PART)
    buffer = bytearray(length)
    with interruptible(), pytest.raises(KeyboardInterrupt):
        file.readinto(buffer) if into else file.read(length)
    assert file.tell() == 3 * PART
    gate.set()
    assert until(lambda: not is_busy())
    assert buffer == bytes(length)
    assert file.read() == OLD[3 * PART :]


@pytest.mark.usefixtures("_small")
def test_forked_child_does_not_wait_for_what_its_parent_fetches_ahead(gate: threading.Event) -> None:
    """It has the file, but not the threads that would bring the parts on their way."""
    plane, file = opened(OLD)
    plane.before = lambda _: gate.wait(PATIENCE) and None
    assert file.read(2 * PART) == OLD[: 2 * PART]
    assert until(lambda: plane.present > 0)

    def work() -> bytes:
        plane.before = lambda _: None
        return bytes(file.read())

    assert in_child(work) == OLD[2 * PART :]
    gate.set()
    assert file.read() == OLD[2 * PART :]


# -- threads --------------------------------------------------------------------------------------------------------


def test_threads_that_share_a_file_wait_for_their_own_bytes_only() -> None:
    """duckdb reads one file with many threads, which would otherwise have one request in flight among them."""
    plane, file = opened(LONG)
    together = threading.Barrier(4)
    plane.before = lambda _: together.wait(PATIENCE) and None
    starts = [number * MIB for number in range(1, 5)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda start: file.cache._fetch(start, start + 100), starts))
    assert found == [LONG[start : start + 100] for start in starts]
    assert plane.most_present == 4


@pytest.mark.usefixtures("_small")
def test_threads_that_wait_for_the_same_bytes_both_get_them(gate: threading.Event) -> None:
    """What is on its way is waited for by as many as need it."""
    plane, file = opened(OLD)
    plane.before = lambda _: gate.wait(PATIENCE) and None
    assert file.read(2 * PART) == OLD[: 2 * PART]
    assert until(lambda: plane.present > 0)
    with ThreadPoolExecutor(3) as pool:
        reads = [pool.submit(file.cache._fetch, 2 * PART, 2 * PART + 5) for _ in range(3)]
        gate.set()
        assert [read.result(PATIENCE) for read in reads] == [OLD[2 * PART : 2 * PART + 5]] * 3


@SHARED
@pytest.mark.usefixtures("_small")
@given(st.lists(st.tuples(st.integers(0, len(OLD)), st.integers(1, 4 * PART), st.booleans()), min_size=1, max_size=30))
def test_threads_that_share_a_file_get_the_bytes_of_the_object(reads: list[tuple[int, int, bool]]) -> None:
    """Copied, or lent where they lie, whatever the others do to what is held."""
    _, file = opened(OLD)

    def read(wanted: tuple[int, int, bool]) -> bytes:
        start, length, is_lent = wanted
        stop = min(start + length, len(OLD))
        return bytes(file.cache.lend(start, stop) if is_lent else file.cache._fetch(start, stop))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, reads)) == [OLD[start : start + length] for start, length, _ in reads]
