"""Writing objects: whole or not at all, on conditions, with what belongs to them."""

from __future__ import annotations

import contextlib
import gc
import gzip
import threading
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest

from objfs import S3FileSystem
from objfs.errors import PreconditionFailedError
from tests.distributions import install_objfs, run_fresh
from tests.emulators.conftest import Seen

pytest.importorskip("s3fs")

MIB = 1 << 20
PART = 5 * MIB
# Two whole parts and a bit; text and bytes alike.
LARGE = b"0123456789abcdef" * (PART // 8) + b"end"
SIZES = [pytest.param(b"content", id="small"), pytest.param(LARGE, id="large")]


class Boom(Exception):
    """What goes wrong in a ``with`` block."""


def _through_the_filesystem(fs, path, mode, **keywords):
    return fs.open(path, mode, **keywords)


def _through_fsspec(fs, path, mode, **keywords):
    return fsspec.open(f"s3://{path}", mode, **keywords, **fs.storage_options)


def _through_an_exit_stack(fs, path, mode, **keywords):
    stack = contextlib.ExitStack()
    file = stack.enter_context(fs.open(path, mode, **keywords))

    @contextlib.contextmanager
    def entered():
        with stack:
            yield file

    return entered()


@pytest.fixture(autouse=True)
def _objfs_is_registered():
    """fsspec.open must find objfs even where it is run from a source tree."""
    import objfs

    objfs.register()


WAYS = [
    pytest.param(_through_the_filesystem, id="fs.open"),
    pytest.param(_through_fsspec, id="fsspec.open"),
    pytest.param(_through_an_exit_stack, id="exit-stack"),
]
CASES = [
    pytest.param("wb", None, b"content", id="binary-small"),
    pytest.param("wb", None, LARGE, id="binary-large"),
    pytest.param("w", None, b"content", id="text-small"),
    pytest.param("w", None, LARGE, id="text-large"),
    pytest.param("wb", "gzip", b"content", id="packed"),
    pytest.param("wt", "gzip", b"content", id="packed-text"),
]


def _published(fs, seen) -> bytes:
    """What another client reads, unpacked where it was packed."""
    body = seen.read("key")
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def _gone(seen) -> bool:
    """Whether nothing is there, neither an object nor an upload."""
    return (seen.keys(), seen.uploads()) == ([], [])


@pytest.mark.parametrize(("mode", "compression", "body"), CASES)
@pytest.mark.parametrize("way", WAYS)
def test_with_block_publishes_at_its_end_or_not_at_all(fs, seen, way, mode, compression, body):
    """An exception in the block leaves no object and no upload; without one the object is whole."""
    path, content = f"{seen.bucket}/key", body if "b" in mode else body.decode()
    options = {"compression": compression, "block_size": PART}
    with contextlib.suppress(Boom), way(fs, path, mode, **options) as file:
        file.write(content)
        raise Boom
    assert _gone(seen)
    with way(fs, path, mode, **options) as file:
        file.write(content)
        assert seen.keys() == []
    assert _published(fs, seen) == body
    assert seen.uploads() == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("mode", ["wb", "w"])
def test_with_block_that_is_interrupted_publishes_nothing(fs, seen, kind, mode):
    """Not every reason to leave a block is an Exception."""
    with contextlib.suppress(kind), fs.open(f"{seen.bucket}/key", mode, block_size=PART) as file:
        file.write(LARGE if mode == "wb" else LARGE.decode())
        raise kind
    assert _gone(seen)


def test_writing_within_an_exception_handler_publishes(fs, seen):
    """An exception that was there before the file, or was handled within the block, is no failure of the block."""
    try:
        raise Boom  # noqa: TRY301
    except Boom:
        with fs.open(f"{seen.bucket}/key", "wb") as file:
            file.write(b"report")
        with fsspec.open(f"s3://{seen.bucket}/key2", "w", **fs.storage_options) as file:
            file.write("report")
    with fs.open(f"{seen.bucket}/key3", "wb") as file:
        try:
            raise Boom  # noqa: TRY301
        except Boom:
            file.write(b"handled")
            file.close()
    assert seen.keys() == ["key", "key2", "key3"]


def test_failed_file_keeps_the_old_object(fs, seen):
    """What was there before is still there."""
    seen.put("key", b"old")
    with contextlib.suppress(Boom), fs.open(f"{seen.bucket}/key", "wb", block_size=PART) as file:
        file.write(LARGE)
        raise Boom
    assert (seen.read("key"), seen.uploads()) == (b"old", [])


@pytest.mark.parametrize(("mode", "compression", "body"), CASES)
def test_collected_file_publishes_nothing(fs, seen, mode, compression, body):
    """A file that is forgotten was not finished."""
    gc.freeze()  # what a whole test run has left takes seconds to look through
    file = fs.open(f"{seen.bucket}/key", mode, compression=compression, block_size=PART)
    file.write(body if "b" in mode else body.decode())
    del file
    gc.collect()
    gc.unfreeze()
    assert _gone(seen)


EXIT = """
import json, sys
import fsspec
path, options, mode, body = map(json.loads, sys.argv[1:])
left = fsspec.open(path, mode, block_size=5 << 20, **options).open()
left.write(body * 700_000 if "b" not in mode else body.encode() * 700_000)
"""


@pytest.mark.parametrize("mode", ["wb", "w"])
def test_interpreter_exit_publishes_nothing(moto_server, seen, engine, tmp_path, mode):
    """A script that ends without closing its file leaves no object, no upload, no warning."""
    site = install_objfs(tmp_path / "site")
    options = {**moto_server.options, "engine": engine}
    run_fresh(EXIT, f"s3://{seen.bucket}/key", options, mode, "0123456789", path=[site])
    assert _gone(seen)


# -- failing requests -----------------------------------------------------------------------------------------------


@pytest.fixture
def gated(gateway, moto_server, engine):
    """A filesystem behind the gateway."""
    gateway.admit(moto_server.options["key"])
    return S3FileSystem(**{**moto_server.options, "endpoint_url": gateway.endpoint}, engine=engine)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        pytest.param("PUT", "partNumber=2", LARGE, id="part"),
        pytest.param("PUT", "partNumber=3", LARGE, id="last-part"),
        pytest.param("POST", "?uploads", LARGE, id="create"),
        pytest.param("POST", "uploadId=", LARGE, id="complete"),
        pytest.param("PUT", "/key", b"content", id="put"),
    ],
)
@pytest.mark.parametrize("verb", ["open", "pipe", "put"])
def test_failed_request_publishes_nothing(gateway, gated, seen, tmp_path, verb, method, target, body):
    """The error is the server's; the file is closed; closing it again changes nothing."""
    gateway.fail(method, target, status=403, code="AccessDenied", times=1)
    path, source = f"{seen.bucket}/key", tmp_path / "source"
    source.write_bytes(body)
    file = None

    def write() -> None:
        nonlocal file
        if verb == "pipe":
            gated.pipe_file(path, body, chunksize=PART)
        elif verb == "put":
            gated.put_file(str(source), path, chunksize=PART)
        else:
            with gated.open(path, "wb", block_size=PART) as file:
                file.write(body)

    with pytest.raises(PermissionError):
        write()
    assert _gone(seen)
    if file is not None:
        assert file.closed
        file.close()
        assert _gone(seen)
    write()
    assert seen.read("key") == body


def test_large_writes_are_parts_of_one_size(gateway, gated, seen, tmp_path):
    """All but the last, whatever the sizes of the writes: R2 demands it."""

    def sizes() -> dict[int, int]:
        parts = [record for record in gateway.requests() if "partNumber" in record.query]
        lengths = {
            int(part.query["partNumber"]): int(
                part.headers.get("x-amz-decoded-content-length") or part.headers["content-length"]
            )
            for part in parts
        }
        gateway.reset()
        return lengths

    expected = {1: PART, 2: PART, 3: len(LARGE) - 2 * PART}
    with gated.open(f"{seen.bucket}/key", "wb", block_size=PART) as file:
        for at, step in ((0, 1), (1, 3 << 20), ((3 << 20) + 1, len(LARGE))):
            file.write(memoryview(LARGE)[at : at + step])
        assert file.tell() == len(LARGE)
    assert sizes() == expected
    gated.pipe_file(f"{seen.bucket}/key2", LARGE, chunksize=PART)
    assert sizes() == expected
    (tmp_path / "source").write_bytes(LARGE)
    gated.put_file(str(tmp_path / "source"), f"{seen.bucket}/key3", chunksize=PART)
    assert sizes() == expected
    assert seen.read("key") == seen.read("key2") == seen.read("key3") == LARGE


def test_object_of_exactly_one_part_is_one_put(gateway, gated, seen):
    """A multipart upload is three requests; it begins when a second part does."""
    with gated.open(f"{seen.bucket}/key", "wb", block_size=PART) as file:
        file.write(LARGE[:PART])
    assert [record.method for record in gateway.requests()] == ["PUT"]


def test_block_size_below_the_minimum_is_refused(fs, seen):
    """S3 takes no smaller parts; the message says so before anything is sent."""
    with pytest.raises(ValueError, match="5 MiB"):
        fs.open(f"{seen.bucket}/key", "wb", block_size=1000)


def test_streaming_write_holds_a_bounded_number_of_parts(gateway, moto_server, seen, engine):
    """While the parts in flight wait, writing waits, too."""
    gateway.admit(moto_server.options["key"])
    options = {**moto_server.options, "endpoint_url": gateway.endpoint}
    fs, limit, total = S3FileSystem(**options, engine=engine, max_concurrency=2), 2, 9
    gateway.hold("PUT", "partNumber")
    taken, too_many = [], threading.Event()

    def write() -> None:
        with fs.open(f"{seen.bucket}/key", "wb", block_size=PART) as file:
            for _ in range(total):
                file.write(LARGE[:PART])
                taken.append(1)
                # In flight, one in a queue on either side, one in the file.
                if len(taken) > limit + 3:
                    too_many.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            assert gateway.wait_held(limit) == limit
            assert gateway.wait_held(limit + 1, timeout_seconds=0.3) == limit
            assert not too_many.is_set()
        finally:
            gateway.release()
        writing.result(60)
    assert seen.head("key")["ContentLength"] == total * PART


@pytest.mark.parametrize(
    ("size", "piped", "streamed"),
    [
        pytest.param(12 * MIB, None, None, id="12-MiB"),
        pytest.param(12 * MIB + 1, [8 * MIB, 4 * MIB + 1], [12 * MIB, 1], id="one-byte-more"),
        pytest.param(24 * MIB, [8 * MIB] * 3, [12 * MIB] * 2, id="whole-parts"),
    ],
)
def test_one_request_or_as_few_as_the_size_needs(gateway, gated, seen, tmp_path, size, piped, streamed):
    """One PUT up to 12 MiB; beyond, parts of 8 MiB of what is whole, of 12 MiB of what is written bit by bit."""
    data, path, here = bytes(size), f"{seen.bucket}/key", tmp_path / "source"
    here.write_bytes(data)

    def requests() -> list[str]:
        found = [(each.method, "partNumber" in each.query) for each in gateway.requests()]
        gateway.reset()
        return sorted("part" if is_part else method for method, is_part in found)

    def expected(parts: list[int] | None) -> list[str]:
        return ["PUT"] if parts is None else ["POST", "POST", *["part"] * len(parts)]

    gated.pipe_file(path, data)
    assert requests() == expected(piped)
    gated.put_file(str(here), path)
    assert requests() == expected(piped)
    with gated.open(path, "wb") as file:
        file.write(data)
    assert requests() == expected(streamed)
    assert seen.head("key")["ContentLength"] == size


INTERRUPTED = """
import json, os, signal, sys, threading
options, engine, verb, here, path = map(json.loads, sys.argv[1:])
import objfs
from objfs.testing.control import call_gateway
fs = objfs.S3FileSystem(**options, engine=engine)
def interrupt():
    call_gateway(options["endpoint_url"], "wait-held", count=1, timeout=30)
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=interrupt, daemon=True).start()
try:
    given = {"put_file": (here, path), "put": ([here, here], [path, path + "2"])}
    getattr(fs, verb)(*given[verb], chunksize=5 << 20, max_concurrency=2)
except KeyboardInterrupt:
    call_gateway(options["endpoint_url"], "release")
    print(json.dumps("interrupted"))
"""


@pytest.mark.parametrize("verb", ["put_file", "put"])
def test_process_that_ctrl_c_ends_leaves_no_upload(gateway, moto_server, seen, engine, tmp_path, verb):
    """It ends when what it had begun is aborted; the call itself has ended at once, while a part hung."""
    (tmp_path / "source").write_bytes(bytes(40 * MIB))
    gateway.admit(moto_server.options["key"])
    gateway.hold("PUT", "partNumber")
    options = {**moto_server.options, "endpoint_url": gateway.endpoint}
    given = options, engine, verb, str(tmp_path / "source"), f"{seen.bucket}/key"
    assert run_fresh(INTERRUPTED, *given) == "interrupted"
    assert _gone(seen)


# -- transactions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "compression", "body"), CASES)
def test_transaction_publishes_at_its_end_or_not_at_all(fs, seen, mode, compression, body):
    """All files together; one that fails takes the others with it."""
    content = body if "b" in mode else body.decode()

    def write() -> None:
        for key in ("key", "key2"):
            with fs.open(f"{seen.bucket}/{key}", mode, compression=compression, block_size=PART) as file:
                file.write(content)
        assert seen.keys() == []

    with contextlib.suppress(Boom), fs.transaction:
        write()
        raise Boom
    assert _gone(seen)
    with fs.transaction:
        write()
    assert seen.keys() == ["key", "key2"]
    assert _published(fs, seen) == body
    assert seen.uploads() == []


def test_transaction_drops_files_that_failed_by_themselves(fs, seen):
    """A failed block within a transaction that goes on publishes nothing of that file."""
    with fs.transaction:
        with contextlib.suppress(Boom), fs.open(f"{seen.bucket}/bad", "wb") as file:
            file.write(b"1")
            raise Boom
        with fs.open(f"{seen.bucket}/good", "wb") as file:
            file.write(b"2")
    assert seen.keys() == ["good"]


# -- conditions -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sized(s3_server, s3_fs, s3_seen):
    """Filesystem, bucket, and the bodies whose conditions the server checks: moto has none on complete."""
    bodies = [b"content", LARGE] if s3_server.name == "minio" else [b"content"]
    return s3_fs, s3_seen, bodies


def _written(file, body) -> None:
    with file:
        file.write(body)


def _writes(fs, path, source, body):
    """The ways to write an object, each taking what all of them take."""
    source.write_bytes(body)

    def pipe(**condition) -> None:
        fs.pipe_file(path, body, chunksize=PART, **condition)

    def put(**condition) -> None:
        fs.put_file(str(source), path, chunksize=PART, **condition)

    def write(mode="wb", **condition) -> None:
        _written(fs.open(path, {"create": "xb"}.get(mode, mode), block_size=PART, **condition), body)

    return pipe, put, write


def test_exclusive_writes_create_only(sized, tmp_path):
    """By file, pipe and put; small and large; what is there stays, and so does nothing else."""
    fs, seen, bodies = sized
    path = f"{seen.bucket}/key"
    for body in bodies:
        for write in _writes(fs, path, tmp_path / "source", body):
            write(mode="create")
            assert seen.read("key") == body
            seen.put("key", b"theirs")
            with pytest.raises(FileExistsError) as caught:
                write(mode="create")
            assert caught.value.filename.endswith(path)
            assert (seen.read("key"), seen.uploads()) == (b"theirs", [])
            seen.delete("key")


def test_exclusive_file_does_not_replace_what_came_meanwhile(sized):
    """That nothing was there when it was opened is not enough."""
    fs, seen, bodies = sized
    for body in bodies:
        file = fs.open(f"{seen.bucket}/key", "xb", block_size=PART)
        file.write(body)
        seen.put("key", b"theirs")
        with pytest.raises(FileExistsError):
            file.close()
        assert (seen.read("key"), seen.uploads(), file.closed) == (b"theirs", [], True)
        seen.delete("key")


def test_text_can_be_written_exclusively(fs, seen):
    """Mode x without b."""
    with fs.open(f"{seen.bucket}/key", "x") as file:
        file.write("ä")
    assert seen.read("key") == "ä".encode()
    with pytest.raises(FileExistsError):
        fs.open(f"{seen.bucket}/key", "xt")


def test_if_match_replaces_the_named_version_only(sized, tmp_path):
    """By file, pipe and put; small and large; another version raises and stays."""
    fs, seen, bodies = sized
    path = f"{seen.bucket}/key"
    for body in bodies:
        for write in _writes(fs, path, tmp_path / "source", body):
            old = seen.put("key", b"old")
            write(if_match=old)
            assert seen.read("key") == body
            seen.put("key", b"theirs")
            with pytest.raises(PreconditionFailedError) as caught:
                write(if_match=old)
            assert isinstance(caught.value, OSError)
            assert (seen.read("key"), seen.uploads()) == (b"theirs", [])


def test_pipe_tells_what_it_wrote(fs, seen):
    """The ETag that the next if_match needs."""
    first = fs.pipe_file(f"{seen.bucket}/key", b"1")["ETag"]
    assert first == seen.head("key")["ETag"]
    fs.pipe_file(f"{seen.bucket}/key", b"2", if_match=first)
    with fs.open(f"{seen.bucket}/key", "wb") as file:
        file.write(b"3")
    assert file.e_tag == seen.head("key")["ETag"]


# -- appending ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [pytest.param(None, id="missing"), pytest.param(b"", id="empty"), *SIZES])
@pytest.mark.parametrize("added", SIZES)
def test_append_keeps_what_is_there(fs, seen, before, added):
    """Bytes, headers and metadata; a missing object is begun."""
    if before is not None:
        seen.put("key", before, ContentType="text/x-test", Metadata={"mine": "1"}, CacheControl="no-cache")
    with fs.open(f"{seen.bucket}/key", "ab", block_size=PART) as file:
        assert file.tell() == len(before or b"")
        file.write(added)
    assert seen.read("key") == (before or b"") + added
    if before is not None:
        head = seen.head("key")
        assert (head["ContentType"], head["Metadata"], head["CacheControl"]) == (
            "text/x-test",
            {"mine": "1"},
            "no-cache",
        )
    assert seen.uploads() == []


@pytest.mark.parametrize("before", SIZES)
def test_append_that_fails_changes_nothing(fs, seen, before):
    """The object is as it was."""
    seen.put("key", before)
    with contextlib.suppress(Boom), fs.open(f"{seen.bucket}/key", "ab", block_size=PART) as file:
        file.write(LARGE)
        raise Boom
    assert (seen.read("key"), seen.uploads()) == (before, [])


def test_append_does_not_lose_what_another_client_wrote(minio_server, make_bucket, observer, engine):
    """An object that was replaced since the file was opened raises."""
    seen = Seen(observer(minio_server), make_bucket(minio_server))
    fs = S3FileSystem(**minio_server.options, engine=engine)
    for before, added in ((b"old", b"more"), (b"old", LARGE), (LARGE, b"more")):
        seen.put("key", before)
        file = fs.open(f"{seen.bucket}/key", "ab", block_size=PART)
        file.write(added)
        seen.put("key", b"theirs")
        with pytest.raises(PreconditionFailedError):
            file.close()
        assert (seen.read("key"), seen.uploads()) == (b"theirs", [])


def test_text_can_be_appended(fs, seen):
    """Mode a without b."""
    for _ in range(2):
        with fs.open(f"{seen.bucket}/key", "a", encoding="utf-8") as file:
            file.write("zeile ä\n")
    assert seen.read("key").decode() == "zeile ä\n" * 2


# -- what belongs to an object --------------------------------------------------------------------------------------

EXTRAS = {
    "ContentType": "text/x-test",
    "CacheControl": "max-age=5",
    "ContentDisposition": "attachment; filename=x",
    "ContentEncoding": "identity",
    "ContentLanguage": "de",
    "Metadata": {"mine": "1", "other-name": "two words"},
    "StorageClass": "STANDARD_IA",
    "Tagging": "colour=dark%20blue&size=1",
}


@pytest.mark.parametrize("body", SIZES)
@pytest.mark.parametrize("verb", ["open", "pipe", "put"])
def test_attributes_are_written_with_the_object(fs, seen, tmp_path, verb, body):
    """Content headers, metadata, storage class and tags arrive, small and large, on both planes."""
    path = f"{seen.bucket}/key"
    if verb == "pipe":
        fs.pipe_file(path, body, chunksize=PART, **EXTRAS)
    elif verb == "put":
        (tmp_path / "source").write_bytes(body)
        fs.put_file(str(tmp_path / "source"), path, chunksize=PART, **EXTRAS)
    else:
        with fs.open(path, "wb", block_size=PART, **EXTRAS) as file:
            file.write(body)
    head = seen.head("key")
    assert {name: head.get(name) for name in EXTRAS if name != "Tagging"} == {
        name: value for name, value in EXTRAS.items() if name != "Tagging"
    }
    assert seen.tags("key") == {"colour": "dark blue", "size": "1"}


def test_options_of_the_filesystem_go_with_every_write(moto_server, seen, engine):
    """s3fs's s3_additional_kwargs; a keyword of the call wins."""
    extra = {"StorageClass": "STANDARD_IA"}
    fs = S3FileSystem(**moto_server.options, engine=engine, s3_additional_kwargs=extra)
    fs.pipe_file(f"{seen.bucket}/a", b"1")
    fs.pipe_file(f"{seen.bucket}/b", b"1", StorageClass="ONEZONE_IA")
    fs.pipe_file(f"{seen.bucket}/c", LARGE, chunksize=PART)
    fs.touch(f"{seen.bucket}/d")
    assert [seen.head(key)["StorageClass"] for key in "abcd"] == ["STANDARD_IA", "ONEZONE_IA", *["STANDARD_IA"] * 2]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("table.csv", {}, "text/csv"),
        ("page.html", {}, "text/html"),
        ("page.html", {"ContentType": "text/x-mine"}, "text/x-mine"),
        ("unknown.objfs", {}, "binary/octet-stream"),
    ],
)
def test_put_file_guesses_the_content_type(fs, seen, tmp_path, name, given, expected):
    """From the name of the local file; what is given wins."""
    (tmp_path / name).write_bytes(b"1")
    fs.put_file(str(tmp_path / name), f"{seen.bucket}/key", **given)
    assert seen.head("key")["ContentType"] in (expected, "application/octet-stream" if "objfs" in name else expected)


def test_put_uploads_folders_and_tells_a_callback(fs, seen, tmp_path):
    """Recursively; sizes and bytes of each file."""
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "a.txt").write_bytes(b"1")
    (tmp_path / "folder" / "sub" / "b.txt").write_bytes(b"22")
    fs.put(str(tmp_path / "folder"), f"{seen.bucket}/to", recursive=True)
    assert seen.keys() == ["to/a.txt", "to/sub/b.txt"]
    callback = fsspec.callbacks.Callback()
    fs.put_file(str(tmp_path / "folder" / "sub" / "b.txt"), f"{seen.bucket}/c", callback=callback)
    assert (callback.size, callback.value) == (2, 2)


@pytest.mark.parametrize("value", [bytearray(b"12"), memoryview(b"12"), memoryview(b"1x2x")[::2].tobytes()])
def test_pipe_takes_buffers(fs, seen, value):
    """Whatever holds bytes."""
    fs.pipe(f"{seen.bucket}/key", value)
    assert seen.read("key") == b"12"
    with fs.open(f"{seen.bucket}/key", "wb") as file:
        assert file.write(value) == 2
    assert seen.read("key") == b"12"


# -- the listings cache ---------------------------------------------------------------------------------------------


@pytest.fixture
def caching(moto_server, engine):
    """A filesystem that keeps listings."""
    return S3FileSystem(**moto_server.options, engine=engine, use_listings_cache=True)


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        pytest.param(lambda fs, b: fs.pipe_file(f"{b}/dir/new", b"12"), {"old": 1, "new": 2}, id="pipe"),
        pytest.param(lambda fs, b: fs.pipe_file(f"{b}/dir/old", b"12"), {"old": 2}, id="overwrite"),
        pytest.param(lambda fs, b: _written(fs.open(f"{b}/dir/new", "wb"), b"12"), {"old": 1, "new": 2}, id="open"),
        pytest.param(lambda fs, b: _written(fs.open(f"{b}/dir/old", "ab"), b"2"), {"old": 2}, id="append"),
        pytest.param(lambda fs, b: fs.put_file(__file__, f"{b}/dir/old"), {"old": None}, id="put"),
        pytest.param(lambda fs, b: fs.touch(f"{b}/dir/new"), {"old": 1, "new": 0}, id="touch"),
        pytest.param(lambda fs, b: fs.cp_file(f"{b}/dir/old", f"{b}/dir/new"), {"old": 1, "new": 1}, id="cp"),
        pytest.param(lambda fs, b: fs.mv(f"{b}/dir/old", f"{b}/dir/new"), {"new": 1}, id="mv"),
        pytest.param(lambda fs, b: fs.rm_file(f"{b}/dir/old"), {}, id="rm-file"),
        pytest.param(lambda fs, b: fs.rm(f"{b}/dir/old"), {}, id="rm"),
        pytest.param(lambda fs, b: fs.rm(f"{b}/dir", recursive=True), {}, id="rm-recursive"),
        pytest.param(lambda fs, b: fs.rm([f"{b}/dir/old", f"{b}/keep"]), {}, id="rm-list"),
    ],
)
def test_listing_knows_of_every_write(caching, seen, write, expected):
    """Cached before, fresh after; of the folder and of those above it."""
    fs = caching
    seen.put("dir/old", b"1")
    seen.put("keep", b"1")
    path = f"{seen.bucket}/dir"
    assert [item["size"] for item in fs.ls(path, detail=True)] == [1]
    fs.ls(seen.bucket)
    write(fs, seen.bucket)
    try:
        found = {item["name"].rpartition("/")[2]: item["size"] for item in fs.ls(path, detail=True)}
    except FileNotFoundError:
        found = {}
    assert set(found) == set(expected)
    assert all(found[name] == size for name, size in expected.items() if size is not None)
    assert (path in fs.ls(seen.bucket, detail=False)) is bool(expected)
    assert {name.rpartition("/")[2] for name in fs.find(path)} == set(expected)


def test_listing_knows_of_a_committed_transaction(caching, seen):
    """The objects appear at the end of it, and in the listing then."""
    fs = caching
    seen.put("old", b"1")
    assert len(fs.ls(seen.bucket)) == 1
    with fs.transaction:
        _written(fs.open(f"{seen.bucket}/new", "wb"), b"12")
        assert len(fs.ls(seen.bucket)) == 1
    assert fs.ls(seen.bucket, detail=False) == [f"{seen.bucket}/new", f"{seen.bucket}/old"]
