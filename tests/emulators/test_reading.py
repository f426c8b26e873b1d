"""Reading objects: every range is a Python slice, every file is of one version, every request is needed."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import itertools
import pickle
import random
import uuid

import fsspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from objfs import S3FileSystem, reading, transfers
from objfs.errors import FileExpired
from objfs.transfers import Source
from tests.emulators.conftest import Seen
from tests.servers import remove_bucket
from tests.unit.recording import PART, make_small

pytest.importorskip("s3fs")

SIZES = (0, 1, PART - 1, PART, PART + 1, 3 * PART, 5 * PART + 3)
BODIES = {size: bytes(index % 251 + 1 for index in range(size)) for size in SIZES}
BOUND = st.none() | st.integers(-6 * PART, 6 * PART)
# moto and MinIO answer in a few milliseconds; examples are what takes time here.
EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def real_sizes():
    """Ask for it to have requests of the sizes that users have."""


@pytest.fixture(autouse=True)
def _small_parts(request, monkeypatch):
    """Let a few bytes be many parts, but for tests that are about the real sizes."""
    if "real_sizes" in request.fixturenames:
        return
    make_small(monkeypatch)


@pytest.fixture(scope="module", params=["moto", "minio"])
def server(request):
    """Each server; ranges at and past the end are where they differ."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture(scope="module")
def objects(server, observer):
    """A bucket with an object of every size; its name."""
    seen = Seen(observer(server), f"reading-{uuid.uuid4().hex[:8]}")
    seen.client.create_bucket(Bucket=seen.bucket)
    for size, body in BODIES.items():
        seen.put(f"of-{size}", body)
    yield seen.bucket
    remove_bucket(seen.client, seen.bucket)


@pytest.fixture(scope="module", params=["auto", "sdk"])
def reader(request, server):
    """A filesystem on either engine."""
    return S3FileSystem(**server.options, engine=request.param)


# -- slices ---------------------------------------------------------------------------------------------------------


@EXAMPLES
@given(size=st.sampled_from(SIZES), start=BOUND, end=BOUND)
@example(0, None, None)
@example(0, -3, None)
@example(PART, PART, None)
@example(PART, PART + 1, PART + 2)
@example(PART, -PART - 1, None)
@example(3 * PART, 1, None)
@example(3 * PART, -2 * PART, -1)
@example(3 * PART, 5, 5)
@example(3 * PART, 6, 5)
def test_cat_file_reads_python_slices(reader, objects, size, start, end):
    """None, negative, empty, reversed and past the end; in several parts where it is long."""
    assert reader.cat_file(f"{objects}/of-{size}", start=start, end=end) == BODIES[size][start:end]


@EXAMPLES
@given(ranges=st.lists(st.tuples(st.sampled_from(SIZES), BOUND, BOUND), max_size=12))
@example([(0, 0, 5), (0, None, None), (0, -5, None)])
@example([(3 * PART, 0, 2), (3 * PART, 1, 3), (3 * PART, 40, 50), (3 * PART, 60, 70), (3 * PART, 2, 2)])
def test_cat_ranges_reads_python_slices(reader, objects, ranges):
    """Of many objects at once, overlapping, in any order, each in its own place."""
    paths = [f"{objects}/of-{size}" for size, _, _ in ranges]
    found = reader.cat_ranges(paths, [start for _, start, _ in ranges], [end for _, _, end in ranges])
    assert found == [BODIES[size][start:end] for size, start, end in ranges]


def test_cat_ranges_takes_one_bound_for_all(reader, objects):
    """As fsspec's does."""
    paths = [f"{objects}/of-{size}" for size in SIZES]
    assert reader.cat_ranges(paths, 1, 4) == [body[1:4] for body in BODIES.values()]
    with pytest.raises(ValueError, match=r"argument \d is (shorter|longer)"):
        reader.cat_ranges(paths, [0], [1])


def test_cat_ranges_returns_errors_in_their_places(reader, objects):
    """Or raises the first one when asked to; other objects are read all the same."""
    paths = [f"{objects}/of-1", f"{objects}/missing", f"{objects}/missing"]
    body, plain, suffix = reader.cat_ranges(paths, [0, 0, -1], [1, 1, None])
    assert body == BODIES[1]
    assert [type(error) for error in (plain, suffix)] == [FileNotFoundError] * 2
    assert plain.filename.endswith(f"{objects}/missing")
    with pytest.raises(FileNotFoundError):
        reader.cat_ranges(paths, 0, 1, on_error="raise")


def test_cat_reads_many_objects(reader, objects):
    """One object is bytes, several are a mapping by path."""
    assert reader.cat(f"{objects}/of-1") == BODIES[1]
    assert reader.cat([f"{objects}/of-0", f"{objects}/of-{PART}"]) == {
        f"{objects}/of-0": b"",
        f"{objects}/of-{PART}": BODIES[PART],
    }


@pytest.mark.parametrize("start", [None, 0, 5, -5, 100])
def test_cat_file_of_a_missing_object_raises(reader, objects, start):
    """Whatever part of it was wanted; the error names it."""
    with pytest.raises(FileNotFoundError) as caught:
        reader.cat_file(f"{objects}/missing", start=start)
    assert caught.value.filename.endswith(f"{objects}/missing")


# -- files ----------------------------------------------------------------------------------------------------------

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.integers(0, 6 * PART), st.sampled_from([0, 1, 2])),
        st.tuples(st.just("read"), st.integers(-1, 3 * PART)),
        st.tuples(st.just("readinto"), st.integers(0, 2 * PART)),
        st.tuples(st.just("readline")),
        st.tuples(st.just("tell")),
    ),
    max_size=15,
)


def _act(file, action):
    """One action on a file, and what it answers."""
    name, *arguments = action
    if name == "readinto":
        buffer = bytearray(arguments[0])
        count = file.readinto(buffer)
        return count, bytes(buffer[:count])
    if name == "seek" and arguments[1] == 2:
        return file.seek(-min(arguments[0], file.size), 2)
    if name == "seek" and arguments[1] == 1:
        return file.seek(max(0, file.tell() + arguments[0] - 3 * PART))
    return getattr(file, name)(*arguments)


class Model(io.BytesIO):
    """What Python's own file of the same bytes does."""

    size: int  # as open files of fsspec have it


@EXAMPLES
@given(size=st.sampled_from(SIZES), actions=ACTIONS)
@example(5 * PART + 3, [("read", 5), ("seek", 70, 0), ("read", 3), ("seek", 2, 0), ("read", -1), ("tell",)])
def test_open_file_behaves_as_a_file_of_python(reader, objects, size, actions):
    """Whatever was read before, in whatever order."""
    model = Model(BODIES[size])
    model.size = size
    with reader.open(f"{objects}/of-{size}") as file:
        for action in actions:
            assert _act(file, action) == _act(model, action), action


def test_open_file_reads_lines_and_text(fs, seen):
    """Lines over the ends of parts, universal newlines, other encodings."""
    text = "".join(f"line {number} äöü\n" for number in range(30))
    seen.put("lines.txt", text.encode("utf-16"))
    path = f"{seen.bucket}/lines.txt"
    with fs.open(path, "r", encoding="utf-16") as file:
        assert list(file) == text.splitlines(keepends=True)
    seen.put("lines.txt", text.replace("\n", "\r\n").encode())
    with fs.open(path, "r", newline="") as file:
        assert file.readline() == "line 0 äöü\r\n"
    with fs.open(path) as file:
        assert file.readlines() == text.replace("\n", "\r\n").encode().splitlines(keepends=True)
        file.seek(0)
        assert file.readuntil(b"\r\n") == "line 0 äöü\r\n".encode()
    with fs.open(path, "rt", encoding="ascii", errors="replace") as file:
        assert "\ufffd" in file.read()


@pytest.mark.parametrize(
    ("name", "codec", "pack"),
    [pytest.param("t.gz", "gzip", gzip.compress, id="gzip"), pytest.param("t.bz2", "bz2", bz2.compress, id="bz2")],
)
def test_open_file_unpacks(fs, seen, name, codec, pack):
    """Named or inferred; binary or text; through the filesystem or fsspec.open."""
    body = random.Random(1).randbytes(300).hex().encode()
    seen.put(name, pack(body))
    path = f"{seen.bucket}/{name}"
    for compression in (codec, "infer"):
        with fs.open(path, compression=compression) as file:
            assert file.read() == body
        with fs.open(path, "r", compression=compression) as file:
            assert file.read() == body.decode()
    with fsspec.open(f"s3://{path}", "rt", compression="infer", **fs.storage_options) as file:
        assert file.read(5) == body[:5].decode()


def test_open_refuses_what_is_no_object(fs, seen):
    """A missing key, a directory, the bucket, the root; each with the error for it."""
    seen.put("dir/key", b"1")
    with pytest.raises(FileNotFoundError) as caught:
        fs.open(f"{seen.bucket}/missing")
    assert seen.bucket in caught.value.filename
    with pytest.raises(FileNotFoundError):
        fs.open(f"{seen.bucket}/dir")
    with pytest.raises(IsADirectoryError):
        fs.open(seen.bucket)
    with pytest.raises(ValueError, match="names no object"):
        fs.open("")
    with pytest.raises(FileNotFoundError):
        fs.open("bucket-that-does-not-exist/key")


def test_open_file_that_is_closed_refuses_to_read(fs, seen):
    """As Python's does."""
    seen.put("key", b"content")
    with fs.open(f"{seen.bucket}/key") as file:
        pass
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_open_async_reads_in_order(fs, seen):
    """Awaited, without read-ahead; other modes are refused."""
    body = BODIES[5 * PART + 3]
    seen.put("key", body)

    async def read() -> list[bytes]:
        file = await fs.open_async(f"{seen.bucket}/key", "rb")
        try:
            return [await file.read(3), await file.read(40), await file.read(), await file.read()]
        finally:
            await file.close()

    assert asyncio.run(read()) == [body[:3], body[3:43], body[43:], b""]
    with pytest.raises(ValueError, match="open_async reads"):
        asyncio.run(fs.open_async(f"{seen.bucket}/key", "wb"))


# -- one version ----------------------------------------------------------------------------------------------------

LONG = bytes(range(1, 200))


@pytest.fixture
def counted(gateway, moto_server, engine):
    """A filesystem whose requests are counted, made with more options if wanted."""
    gateway.admit(moto_server.options["key"])
    options = {**moto_server.options, "endpoint_url": gateway.endpoint, "engine": engine}
    return lambda **more: S3FileSystem(**{**options, **more})


def test_open_file_of_an_overwritten_object_expires(s3_server, s3_seen, engine):
    """What was read before stays; the rest is not of another version."""
    fs = S3FileSystem(**s3_server.options, engine=engine)
    s3_seen.put("key", LONG)
    with fs.open(f"{s3_seen.bucket}/key") as file:
        assert file.read(5) == LONG[:5]
        s3_seen.put("key", LONG[::-1])
        file.seek(150)
        with pytest.raises(FileExpired) as caught:
            file.read(5)
    assert caught.value.filename == f"{s3_seen.bucket}/key"
    assert fs.cat_file(f"{s3_seen.bucket}/key") == LONG[::-1]


def test_open_file_of_a_deleted_object_raises(fs, seen):
    """It cannot be read on, and is not empty from there."""
    seen.put("key", LONG)
    with fs.open(f"{seen.bucket}/key") as file:
        seen.delete("key")
        file.seek(150)
        with pytest.raises((FileExpired, FileNotFoundError)):
            file.read(5)


def test_open_file_sends_if_match_unless_told_to_compare_here(gateway, counted, seen):
    """For servers that do not know the header: the ETag of the answer tells."""
    path = f"{seen.bucket}/key"
    for more, expected in (({}, True), ({"local_expiry_check": True}, False)):
        e_tag = seen.put("key", LONG)
        with counted(**more).open(path) as file:
            gateway.reset()
            file.seek(150)
            assert file.read(5) == LONG[150:155]
            assert [record.headers.get("if-match") == e_tag for record in gateway.requests()] == [expected]
            seen.put("key", LONG[::-1])
            file.seek(100)
            with pytest.raises(FileExpired):
                file.read(5)


@pytest.mark.parametrize("local", [False, True], ids=["if-match", "local"])
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda fs, path, _: fs.cat_file(path), id="cat"),
        pytest.param(lambda fs, path, _: fs.cat_file(path, start=3, end=-1), id="slice"),
        pytest.param(lambda fs, path, target: fs.get_file(path, target), id="get"),
        pytest.param(lambda fs, path, _: fs.open(path, size=len(LONG)).read(), id="file-of-known-size"),
        pytest.param(lambda fs, path, _: fs.open(path).read(), id="file"),
        pytest.param(lambda fs, path, _: fs.cat_ranges([path] * 3, [0, 60, 120], [30, 90, 150]), id="cat-ranges"),
    ],
)
def test_parallel_parts_are_of_one_version(monkeypatch, moto_server, seen, engine, tmp_path, call, local):
    """An object that is overwritten after the first part was read is not read to its end."""
    # One after the other: parts under way at the same time may all be of the old version, which is fine.
    fs = S3FileSystem(**moto_server.options, engine=engine, local_expiry_check=local, max_concurrency=1)
    seen.put("key", LONG)
    plain_get, answers = Source.get, []

    def get(self, wanted, e_tag=None):
        chunk = yield from plain_get(self, wanted, e_tag)
        if not answers:
            seen.put("key", LONG[::-1])
        answers.append(chunk)
        return chunk

    def head(self):
        info = yield from plain_head(self)
        seen.put("key", LONG[::-1])
        return info

    plain_head = Source.head
    monkeypatch.setattr(Source, "get", get)
    monkeypatch.setattr(Source, "head", head)
    outcome = None
    try:
        outcome = call(fs, f"{seen.bucket}/key", str(tmp_path / "target"))
    except FileExpired as error:
        outcome = error
    if isinstance(outcome, list):
        assert all(isinstance(item, FileExpired) for item in outcome)
    else:
        assert isinstance(outcome, FileExpired)
    assert list(tmp_path.iterdir()) == []


def test_pickled_file_goes_on_where_it_was_and_with_its_version(fs, seen):
    """A worker that is given an open file reads what the sender would have read."""
    seen.put("key", LONG)
    with fs.open(f"{seen.bucket}/key") as file:
        file.read(7)
        copy = pickle.loads(pickle.dumps(file))
        assert (copy.tell(), copy.read(5), copy.size, copy.e_tag) == (7, LONG[7:12], len(LONG), file.e_tag)
        assert copy == file
        seen.put("key", LONG[::-1])
        copy.seek(150)
        with pytest.raises(FileExpired):
            copy.read()


def test_pickled_file_of_a_version_stays_with_it(moto_server, make_bucket, observer):
    """The version travels with the file."""
    seen = Seen(observer(moto_server), make_bucket(moto_server, versioned=True))
    old = seen.client.put_object(Bucket=seen.bucket, Key="key", Body=LONG)["VersionId"]
    seen.put("key", b"new")
    fs = S3FileSystem(**moto_server.options, version_aware=True)
    with fs.open(f"{seen.bucket}/key", version_id=old) as file:
        assert pickle.loads(pickle.dumps(file)).read() == LONG


def test_open_file_of_a_version_aware_filesystem_goes_on_with_its_version(moto_server, make_bucket, observer):
    """As s3fs does: where the store keeps old versions, an open file does not expire, nor does its copy."""
    seen = Seen(observer(moto_server), make_bucket(moto_server, versioned=True))
    seen.put("key", LONG)
    fs = S3FileSystem(**moto_server.options, version_aware=True)
    with fs.open(f"{seen.bucket}/key") as file:
        assert file.read(5) == LONG[:5]
        seen.put("key", LONG[::-1])
        assert pickle.loads(pickle.dumps(file)).read() == LONG[5:]
        assert file.read() == LONG[5:]


# -- requests -------------------------------------------------------------------------------------------------------


def _asked(gateway):
    return [(record.method, record.range) for record in gateway.requests()]


@pytest.mark.usefixtures("real_sizes")
def test_small_object_is_one_request(gateway, counted, seen):
    """Opened and read, in pieces or whole, or without a file."""
    seen.put("key", LONG)
    fs, path = counted(), f"{seen.bucket}/key"
    with fs.open(path) as file:
        assert file.read(10) + file.read() == LONG
        file.seek(-5, 2)
        assert file.read() == LONG[-5:]
        assert file.size == len(LONG)
    assert _asked(gateway) == [("GET", f"bytes=0-{reading.HEAD_BYTES - 1}")]
    gateway.reset()
    assert fs.cat_file(path) == LONG
    assert fs.cat_file(path, start=-5) == LONG[-5:]
    assert fs.cat_file(path, start=5, end=9) == LONG[5:9]
    assert fs.cat_ranges([path] * 3, [0, 50, 7], [3, 60, 9]) == [LONG[:3], LONG[50:60], LONG[7:9]]
    assert _asked(gateway) == [
        ("GET", f"bytes=0-{transfers.FIRST_BYTES - 1}"),
        ("GET", "bytes=-5"),
        ("GET", "bytes=5-8"),
        ("GET", "bytes=0-59"),
    ]


@pytest.mark.usefixtures("real_sizes")
@pytest.mark.parametrize(("name", "length"), sorted(reading.TAIL_BYTES.items()))
def test_footer_first_formats_are_opened_by_their_end(gateway, counted, seen, name, length):
    """The one request of the open brings the footer; the rest of a small file with it."""
    body = random.Random(2).randbytes(length + 1000)
    seen.put("DATA" + name.upper(), body)
    with counted().open(f"{seen.bucket}/DATA{name.upper()}") as file:
        file.seek(-100, 2)
        assert file.read() == body[-100:]
        file.seek(-length, 2)
        assert file.read(50) == body[1000:1050]
        assert _asked(gateway) == [("GET", f"bytes=-{length}")]
        file.seek(0)
        assert file.read() == body
    assert len(_asked(gateway)) <= 3


@pytest.mark.usefixtures("real_sizes")
def test_footer_first_file_that_is_empty_or_small_opens(s3_server, s3_seen, engine):
    """A suffix longer than the object is the whole object; of an empty one it is an error of some servers."""
    fs = S3FileSystem(**s3_server.options, engine=engine)
    for body in (b"", b"PAR1"):
        s3_seen.put("x.parquet", body)
        with fs.open(f"{s3_seen.bucket}/x.parquet") as file:
            assert (file.size, file.read(), file.seek(0), file.read(1)) == (len(body), body, 0, body[:1])


@pytest.mark.usefixtures("real_sizes")
def test_sequential_reading_grows_its_requests(gateway, counted, seen):
    """Few requests for many small reads; nothing is asked for twice."""
    body = random.Random(3).randbytes(8 << 20)
    seen.put("key", body)
    with counted().open(f"{seen.bucket}/key") as file:
        pieces = []
        while piece := file.read(64 << 10):
            pieces.append(piece)
    assert b"".join(pieces) == body
    asked = _asked(gateway)
    bounds = sorted(tuple(map(int, wanted.removeprefix("bytes=").split("-"))) for _, wanted in asked)
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(bounds)), bounds
    assert len(asked) <= 12


@pytest.mark.usefixtures("real_sizes")
def test_random_reading_fetches_little_more_than_asked(gateway, counted, seen):
    """Sixteen reads of a kilobyte, far apart, do not fetch the object."""
    body = random.Random(4).randbytes(8 << 20)
    seen.put("key", body)
    places = [number * 499_979 for number in range(1, 16)]
    random.Random(5).shuffle(places)
    with counted().open(f"{seen.bucket}/key") as file:
        for place in places:
            file.seek(place)
            assert file.read(1024) == body[place : place + 1024]
    assert gateway.stats()["bytes_out"] < 3 << 20
    assert gateway.stats()["requests"] <= 1 + len(places)


def test_given_size_costs_no_request_at_open(gateway, counted, seen):
    """And is believed: what the caller says is the end is the end."""
    seen.put("key", LONG)
    with counted().open(f"{seen.bucket}/key", size=50) as file:
        assert (file.size, gateway.requests()) == (50, [])
        assert file.read() == LONG[:50]
        assert file.e_tag is not None


@pytest.mark.parametrize("cache_type", ["none", "readahead", "bytes", "blockcache", "all"])
def test_given_cache_and_block_size_are_obeyed(gateway, counted, seen, cache_type):
    """fsspec's own caches, in blocks of the size that was asked for."""
    seen.put("key", LONG)
    with counted().open(f"{seen.bucket}/key", cache_type=cache_type, block_size=60, size=len(LONG)) as file:
        assert (file.cache.name, file.blocksize) == (cache_type, 60)
        file.seek(10)
        assert file.read(5) == LONG[10:15]
        first = [wanted for _, wanted in _asked(gateway)]
        file.seek(100)
        assert file.read() == LONG[100:]
    covered = max(int(wanted.rpartition("-")[2]) for wanted in first) + 1
    expected = {"none": 15, "readahead": 75, "bytes": 75, "blockcache": 60, "all": len(LONG)}
    assert covered == expected[cache_type]


def test_default_block_size_and_cache_type_are_options_of_the_filesystem(counted, seen):
    """Each file may still have its own."""
    seen.put("key", LONG)
    fs = counted(default_cache_type="readahead", default_block_size=70)
    with fs.open(f"{seen.bucket}/key") as file:
        assert (file.cache.name, file.blocksize, file.read()) == ("readahead", 70, LONG)
    with fs.open(f"{seen.bucket}/key", cache_type="bytes", block_size=30) as file:
        assert (file.cache.name, file.blocksize, file.read()) == ("bytes", 30, LONG)


# -- downloads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_get_file_writes_every_size(reader, objects, tmp_path, size):
    """In parts, to a path or into an open file, with nothing else left in the folder."""
    target = tmp_path / "target"
    reader.get_file(f"{objects}/of-{size}", str(target))
    assert target.read_bytes() == BODIES[size]
    with (tmp_path / "open").open("wb") as file:
        file.write(b"before")
        reader.get_file(f"{objects}/of-{size}", file)
    assert (tmp_path / "open").read_bytes() == b"before" + BODIES[size]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["open", "target"]


def test_get_file_that_fails_half_way_keeps_the_old_file(gateway, counted, seen, tmp_path):
    """The local file is the old one or the new one, never a part."""
    seen.put("key", LONG)
    target = tmp_path / "target"
    target.write_bytes(b"old")
    gateway.fail("GET", "/key", status=403, code="AccessDenied", times=0)
    fs = counted(max_concurrency=1)
    plain_get, answered = Source.get, []

    def get(self, wanted, e_tag=None):
        chunk = yield from plain_get(self, wanted, e_tag)
        answered.append(chunk)
        if len(answered) == 3:
            gateway.fail("GET", "/key", status=403, code="AccessDenied", times=100)
        return chunk

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "get", get)
        with pytest.raises(PermissionError):
            fs.get_file(f"{seen.bucket}/key", str(target))
    assert (target.read_bytes(), [path.name for path in tmp_path.iterdir()]) == (b"old", ["target"])
    with pytest.raises(FileNotFoundError):
        fs.get_file(f"{seen.bucket}/missing", str(tmp_path / "new"))
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_get_tells_a_callback_what_it_does(fs, seen, tmp_path):
    """Size and bytes of each file, as progress bars want them."""
    seen.put("key", LONG)
    callback = fsspec.callbacks.Callback()
    fs.get_file(f"{seen.bucket}/key", str(tmp_path / "target"), callback=callback)
    assert (callback.size, callback.value) == (len(LONG), len(LONG))
