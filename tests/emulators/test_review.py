"""What a reviewer broke, and must not break again; each test was red once."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading

import numpy as np
import pytest

from objfs import S3FileSystem
from objfs.errors import CredentialsError, NotAnObjectError
from objfs.testing import CountingProvider, LocalCredentialsProvider

PART = 5 << 20


@pytest.fixture(params=["auto", "sdk"])
def fs(request, moto_server):
    """Both engines on moto."""
    return S3FileSystem(**moto_server.options, engine=request.param)


@pytest.fixture
def seen(moto_server, observer):
    return observer(moto_server)


def test_failed_write_leaves_uploads_of_others_alone(fs, bucket, seen):
    """Also when it fails before its own upload is known to exist."""
    other = seen.create_multipart_upload(Bucket=bucket, Key="same")["UploadId"]
    for _ in range(8):
        with contextlib.suppress(KeyError), fs.open(f"{bucket}/same", "wb", block_size=PART) as file:
            file.write(bytes(PART + 1))
            raise KeyError
    assert [item["UploadId"] for item in seen.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [other]


def test_download_keeps_links_modes_and_devices(fs, bucket, tmp_path):
    """A link is followed, a mode is kept, and what is no file is written to."""
    fs.pipe(f"{bucket}/key", b"new")
    real, link, private = tmp_path / "real", tmp_path / "link", tmp_path / "private"
    real.write_bytes(b"old")
    link.symlink_to(real)
    private.write_bytes(b"old")
    private.chmod(0o600)
    fs.get_file(f"{bucket}/key", str(link))
    fs.get_file(f"{bucket}/key", str(private))
    assert (link.is_symlink(), real.read_bytes()) == (True, b"new")
    assert (private.read_bytes(), stat.S_IMODE(private.stat().st_mode)) == (b"new", 0o600)
    fifo, read = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    fs.get_file(f"{bucket}/key", str(fifo))
    reader.join(30)
    assert (read, stat.S_ISFIFO(fifo.stat().st_mode)) == ([b"new"], True)
    long_name = tmp_path / ("n" * 255)
    fs.get_file(f"{bucket}/key", str(long_name))
    assert long_name.read_bytes() == b"new"


def test_explicit_close_publishes_while_an_exception_is_handled(fs, bucket):
    """Only the managers that close files for others are asked whether their block failed."""

    @contextlib.contextmanager
    def handling():
        out = fs.open(f"{bucket}/handled", "wb")
        try:
            yield out
        except KeyError:
            out.write(b"failed")
        finally:
            out.close()

    class Log:
        def __init__(self):
            self.file = fs.open(f"{bucket}/log", "wb")

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.write(b"failed")
            self.file.close()
            return True

    with handling():
        raise KeyError
    with Log():
        raise KeyError
    assert fs.cat([f"{bucket}/handled", f"{bucket}/log"]) == {
        f"{bucket}/handled": b"failed",
        f"{bucket}/log": b"failed",
    }


def test_discarded_file_takes_no_more_bytes(fs, bucket):
    """Bytes that go nowhere must not look written."""
    file = fs.open(f"{bucket}/key", "wb")
    file.discard()
    with pytest.raises(ValueError, match="closed"):
        file.write(b"more")


def test_trailing_slash_never_means_the_object_of_the_shorter_name(fs, bucket, seen):
    """Keys are opaque: `x/` is not `x`."""
    seen.put_object(Bucket=bucket, Key="x", Body=b"x")
    assert not fs.exists(f"{bucket}/x/")
    for call in (fs.cat, fs.info, fs.size):
        with pytest.raises(FileNotFoundError):
            call(f"{bucket}/x/")
    with pytest.raises(IsADirectoryError):
        fs.mv(f"{bucket}/x/", f"{bucket}/y")
    fs.rm(f"{bucket}/x/")
    assert fs.cat(f"{bucket}/x") == b"x"
    seen.put_object(Bucket=bucket, Key="x/", Body=b"x/")
    assert fs.cat(f"{bucket}/x/") == b"x/"
    assert fs.info(f"{bucket}/x/")["type"] == "directory"
    fs.rm(f"{bucket}/x/")
    assert fs.find(bucket) == [f"{bucket}/x"]


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_info_survives_credentials_that_end_early(gateway, bucket, engine, seen):
    """A HEAD that is refused without a word is asked again, however fresh the credentials are."""
    seen.put_object(Bucket=bucket, Key="key", Body=b"1")

    provider = LocalCredentialsProvider(gateway.endpoint, 3600)
    fs = S3FileSystem(
        endpoint_url=gateway.endpoint, region="us-east-1", storage_options_provider=provider, engine=engine
    )
    for _ in range(4):
        assert fs.info(f"{bucket}/key")["size"] == 1
        assert fs.exists(f"{bucket}/key")
        gateway.expire()


def test_ranges_of_one_object_are_of_one_version(fs, bucket, monkeypatch):
    """Open and negative bounds are pinned to the same version as the others, also in requests of their own."""
    monkeypatch.setattr("objfs.bulk_reads.MAX_GAP_BYTES", 0)
    bodies = [letter * 1000 for letter in (b"A", b"Z")]
    fs.pipe_file(f"{bucket}/key", bodies[0])
    stop = threading.Event()

    def flip():
        turn = 0
        while not stop.is_set():
            turn += 1
            fs.pipe_file(f"{bucket}/key", bodies[turn % 2])

    writer = threading.Thread(target=flip)
    writer.start()
    try:
        for _ in range(60):
            found = fs.cat_ranges([f"{bucket}/key"] * 3, [0, -10, 990], [10, None, None])
            if not any(isinstance(item, Exception) for item in found):
                assert len(set(found)) == 1
    finally:
        stop.set()
        writer.join()


def test_error_of_a_provider_keeps_its_words(moto_server, bucket):
    """The message that says what to do is not replaced by `[Errno None] None`."""
    options = {name: moto_server.options[name] for name in ("endpoint_url",)}
    for engine in ("auto", "sdk"):
        provider = CountingProvider([RuntimeError("the vault is sealed")], name=f"sealed-{engine}")
        fs = S3FileSystem(**options, region="us-east-1", storage_options_provider=provider, engine=engine)
        with pytest.raises(CredentialsError) as caught:
            fs.pipe_file(f"{bucket}/key", b"1")
        assert "CountingProvider" in str(caught.value)
        chain, error = [], caught.value
        while error is not None:
            chain.append(str(error))
            error = error.__cause__
        assert "the vault is sealed" in chain
        with pytest.raises(CredentialsError):
            list(fs.walk(bucket))


@pytest.mark.parametrize("mode", ["r+b", "rb+", "rw", "rq", "xyz", "wx", "", "b"])
def test_mode_that_makes_no_sense_is_refused(fs, bucket, mode):
    """And not taken for reading."""
    with pytest.raises(ValueError, match="mode"):
        fs.open(f"{bucket}/key", mode)


def test_bucket_is_neither_an_object_nor_nothing(fs, bucket):
    """A missing bucket has no size, and a bucket cannot be opened."""
    with pytest.raises(FileNotFoundError):
        fs.size("no-such-bucket-here")
    assert fs.size(bucket) == 0
    for kind in (NotAnObjectError, ValueError, IsADirectoryError):
        with pytest.raises(kind):
            fs.open(bucket)


def test_debug_log_holds_no_session_token(moto_server, bucket, caplog):
    """botocore logs what it signs."""
    fs = S3FileSystem(**moto_server.options, session_token="canary-token", engine="sdk")
    with caplog.at_level(logging.DEBUG):
        fs.pipe_file(f"{bucket}/key", b"1")
    assert "security-token" in caplog.text.lower()
    assert "canary-token" not in caplog.text


def test_unknown_keyword_of_a_read_raises(fs, bucket):
    """As it does in s3fs."""
    fs.pipe_file(f"{bucket}/key", b"1")
    for call in (fs.cat, fs.exists):
        with pytest.raises(TypeError, match="zz"):
            call(f"{bucket}/key", zz=1)


def test_strided_buffers_and_text_are_written(fs, bucket):
    """What numpy hands out is not always in one piece; s3fs takes text."""
    strided = np.arange(10, dtype="u1")[::2]
    fs.pipe_file(f"{bucket}/pipe", strided)
    with fs.open(f"{bucket}/open", "wb") as file:
        file.write(strided)
    fs.pipe_file(f"{bucket}/text", "é")
    assert fs.cat(f"{bucket}/pipe") == fs.cat(f"{bucket}/open") == strided.tobytes()
    assert fs.cat(f"{bucket}/text") == "é".encode()


def test_obstore_creates_an_upload_before_it_asks_for_the_first_part(gateway, moto_server, bucket):
    """On this fact stands which upload is ours when one is given up."""
    gateway.admit(moto_server.options["key"])
    fs = S3FileSystem(**{**moto_server.options, "endpoint_url": gateway.endpoint})
    asked = threading.Event()

    def parts():
        asked.set()
        yield bytes(PART)

    gateway.hold("POST", "uploads")
    store = fs.connection.store(bucket)
    thread = threading.Thread(
        target=lambda: store.put_stream("key", parts(), part_bytes=PART, max_concurrency=1), daemon=True
    )
    thread.start()
    gateway.wait_held()
    assert not asked.is_set()
    gateway.release()
    thread.join(30)
    assert asked.is_set()


def test_file_that_is_collected_on_the_io_loop_leaves_no_upload(fs, bucket, seen):
    """The collector runs in any thread, also in the one that would have to carry the abort out."""
    file = fs.open(f"{bucket}/key", "wb", block_size=PART)
    file.write(bytes(2 * PART + 1))
    held = [file]
    del file

    async def collect():
        held.clear()

    fs.run_blocking(collect())
    for thread in threading.enumerate():
        if thread.name == "objfs-abort":
            thread.join(30)
    assert "Uploads" not in seen.list_multipart_uploads(Bucket=bucket)
    assert not fs.exists(f"{bucket}/key")
