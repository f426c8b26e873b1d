"""What a bad network does beside the matrix: where a body goes on, conditions that get lost, bits that change."""

from __future__ import annotations

import errno
import threading

import pytest

from objfs import S3FileSystem
from objfs.errors import FileExpired
from tests.faults.fault_proxy import FOREVER, Exchange, FaultProxy, Rule
from tests.faults.faults import reset_midway, stall_midway, truncate
from tests.faults.verbs import DATA

MARK = "object"
HALF = len(DATA) // 2
PLANES = ["obstore", "sdk"]


def behind(proxy, engine, options, **more):
    """A filesystem of S3 whose requests go through the proxy."""
    told = {**options, "endpoint_url": proxy.endpoint, "engine": engine, "max_retries": 2, **more}
    return S3FileSystem(skip_instance_cache=True, backoff={"init_backoff": 0.01}, **told)


@pytest.fixture
def proxy(moto_server):
    """A proxy before moto."""
    with FaultProxy(moto_server.endpoint).running() as running:
        yield running


@pytest.mark.parametrize("engine", PLANES)
@pytest.mark.parametrize("fault", [reset_midway, truncate, stall_midway], ids=["reset", "truncated", "stalled"])
def test_body_that_breaks_off_is_read_on_from_where_it_stopped(s3_cloud, proxy, engine, fault):
    """What has come is not asked for again."""
    s3_cloud.raw.put(MARK, DATA)
    asked = []

    def act(exchange: Exchange) -> bool | None:
        asked.append(exchange.request.headers.get("range"))
        return fault(exchange) if len(asked) == 1 else exchange.spare(exchange.forward())

    proxy.arm(MARK, Rule(act, "^GET", FOREVER))
    fs = behind(proxy, engine, s3_cloud.options, read_timeout=1.5)
    assert fs.cat_file(s3_cloud.path(MARK)) == DATA
    first, second = asked
    assert first.startswith("bytes=0-")
    begin, _, _ = second.removeprefix("bytes=").partition("-")
    # A reset may overtake bytes that were sent before it.
    assert int(begin) == HALF if fault is not reset_midway else 0 <= int(begin) <= HALF


@pytest.mark.parametrize(("engine", "kind"), [("obstore", ConnectionResetError), ("sdk", FileExpired)])
def test_body_of_another_version_is_not_read_on(s3_cloud, proxy, engine, kind):
    """The object is replaced while the connection is broken: never the end of one after the beginning of another."""
    s3_cloud.raw.put(MARK, DATA)

    def act(exchange: Exchange) -> None:
        truncate(exchange)
        s3_cloud.raw.put(MARK, DATA[::-1])

    proxy.arm(MARK, Rule(act, "^GET", 1))
    fs, path = behind(proxy, engine, s3_cloud.options), s3_cloud.path(MARK)
    with pytest.raises(kind):
        fs.cat_file(path)


@pytest.mark.parametrize("engine", PLANES)
def test_object_is_of_one_version_though_a_proxy_drops_the_condition(s3_cloud, proxy, engine):
    """The ETag of each answer is compared, too."""
    s3_cloud.raw.put(MARK, DATA)

    def act(exchange: Exchange) -> bool:
        return exchange.spare(exchange.forward(without="if-match"))

    proxy.arm(MARK, Rule(act))
    with behind(proxy, engine, s3_cloud.options).open(s3_cloud.path(MARK), cache_type="none") as file:
        assert file.read(10) == DATA[:10]
        s3_cloud.raw.put(MARK, DATA[::-1])
        with pytest.raises(FileExpired):
            file.read(10)


@pytest.mark.parametrize("engine", PLANES)
def test_upload_that_arrives_changed_is_refused(minio_server, make_bucket, observer, engine):
    """S3 compares what it gets with the signature."""
    bucket = make_bucket(minio_server)

    def act(exchange: Exchange) -> bool:
        body = bytearray(exchange.body)
        body[len(body) // 2] ^= 1
        return exchange.spare(exchange.forward(body=bytes(body)))

    with FaultProxy(minio_server.endpoint).running() as running:
        fs = behind(running, engine, minio_server.options)
        running.arm(MARK, Rule(act, "^PUT"))
        with pytest.raises(OSError, match=r"SHA256|Digest|checksum|match") as caught:
            fs.pipe_file(f"{bucket}/{MARK}", DATA)
    assert caught.value.errno in (errno.EINVAL, errno.EIO)
    assert "Contents" not in observer(minio_server).list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("engine", PLANES)
def test_many_breaks_of_one_body_are_survived_as_long_as_each_brings_something(s3_cloud, proxy, engine):
    """A connection that never lasts, and retries that do."""
    s3_cloud.raw.put(MARK, DATA)
    breaks = threading.Semaphore(4)

    def act(exchange: Exchange) -> bool | None:
        return truncate(exchange) if breaks.acquire(blocking=False) else exchange.spare(exchange.forward())

    proxy.arm(MARK, Rule(act, "^GET", FOREVER))
    assert behind(proxy, engine, s3_cloud.options, max_retries=4).cat_file(s3_cloud.path(MARK)) == DATA
