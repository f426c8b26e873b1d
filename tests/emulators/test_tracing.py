"""`objfs.trace` against real servers: what is recorded is what a proxy before the server has seen."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

import objfs
from objfs import observing
from objfs.clouds.known import cloud_for
from objfs.errors import FileExpired
from objfs.observing import Request
from objfs.types import ByteRange
from tests.clouds import CloudUnderTest
from tests.gcs_proxy import GCSProxy, running

KEY = "tables/a b+c=<script>alert(1)</script>.bin"
SIZE = 3_000_000
BIG = (12 << 20) + (12 << 20) + 1
PLANES = {"auto": "obstore", "sdk": "sdk"}


@dataclass(frozen=True)
class Watched:
    """A cloud behind a proxy."""

    cloud: CloudUnderTest
    proxy: GCSProxy

    def fs(self, engine: str = "auto", **options: Any) -> Any:
        """A filesystem that asks the proxy."""
        return self.cloud.fs(engine, skip_instance_cache=True, **options)

    def counted(self, work: Callable[[], Any]) -> tuple[objfs.Trace, Counter[str]]:
        """Trace some work; what the proxy was asked meanwhile, by HTTP's methods."""
        self.proxy.asked.clear()
        with objfs.trace() as trace:
            work()
        return trace, Counter(asked.method for asked in self.proxy.asked)


@pytest.fixture
def watched(cloud: CloudUnderTest) -> Iterator[Watched]:
    """Each cloud in turn, behind a proxy."""
    (name, url), *_ = ((name, value) for name, value in cloud.options.items() if value.startswith("http://"))
    server = "http://" + urlsplit(url).netloc
    with running(server) as proxy:
        through = {**cloud.options, name: url.replace(server, proxy.endpoint)}
        yield Watched(replace(cloud, options=through), proxy)


@pytest.fixture(params=PLANES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each plane in turn."""
    return str(request.param)


def methods(trace: objfs.Trace) -> Counter[str]:
    """Requests by HTTP's methods; an upload of the data plane counts as often as it asks."""
    found: Counter[str] = Counter()
    for request in trace.requests:
        found[request.method] += request.requests
    return found


def of(trace: objfs.Trace, verb: str) -> list[Request]:
    return [request for request in trace.requests if request.verb == verb]


def test_every_request_of_reads_is_recorded(watched, engine, tmp_path):
    """Opens, random reads, ranges, whole objects, downloads: as many records as the server was asked, of this plane."""
    path, fs = watched.cloud.path(KEY), watched.fs(engine)
    watched.cloud.raw.put(KEY, bytes(SIZE))

    def work() -> None:
        with fs.open(path) as file:
            file.read(10)
            file.seek(2_000_000)
            file.read(100)
        fs.cat_ranges([path] * 3, [0, 1000, 2_000_000], [10, 1010, 2_000_100])
        fs.cat_file(path, start=5, end=10)
        fs.get_file(path, str(tmp_path / "copy"))
        with pytest.raises(FileNotFoundError):
            fs.cat_file(watched.cloud.path("nothing"))

    trace, asked = watched.counted(work)
    assert methods(trace) == asked
    assert {request.plane for request in trace.requests} == {PLANES[engine]}
    assert {request.filesystem for request in trace.requests} == {watched.cloud.name}
    assert {request.server for request in trace.requests} == {watched.proxy.endpoint.removeprefix("http://")}
    first = of(trace, "GET")[0]
    assert (first.bucket, first.key) == (watched.cloud.bucket, KEY)
    assert (first.range, first.size, first.received) == (ByteRange(0, 256 << 10), SIZE, 256 << 10)
    assert first.milliseconds > 0
    (refused,) = (request for request in trace.requests if request.has_failed)
    assert (refused.key, refused.status) == ("nothing", 404)
    # All of the object was downloaded.
    assert {cost.key: cost.unread for cost in trace.objects()} == {KEY: 0, "nothing": 0}


def test_every_request_of_writes_and_listings_is_recorded(watched, engine):
    """Puts, uploads in parts, copies, lists, descriptions and deletions, with the bytes that were sent."""
    cloud, fs = watched.cloud, watched.fs(engine)
    path = cloud.path(KEY)

    def work() -> None:
        fs.pipe_file(path, bytes(SIZE))
        with fs.open(cloud.path("big"), "wb") as file:
            file.write(bytes(BIG))
        fs.cp_file(path, cloud.path("copy"))
        fs.info(path)
        fs.find(cloud.path("tables"))
        fs.rm_file(cloud.path("copy"))

    trace, asked = watched.counted(work)
    assert methods(trace).total() == asked.total()
    puts = [request for request in of(trace, "PUT") if request.key == KEY]
    assert [request.sent >= SIZE for request in puts] == [True]
    assert sum(request.sent for request in of(trace, "PUT") if request.key == "big") >= BIG
    assert {request.key for request in of(trace, "COPY")} == {"copy"}
    assert of(trace, "HEAD")
    assert [request.key for request in of(trace, "LIST")][-1:] == ["tables/"]
    assert [request.key for request in of(trace, "DELETE")] == ["copy"]


def test_no_verb_asks_unseen(watched, engine, tmp_path):
    """Whatever a filesystem does, there are as many requests recorded as the server has got."""
    cloud, fs = watched.cloud, watched.fs(engine)
    path = cloud.path

    def work() -> None:
        fs.pipe({path(f"d/{number}"): b"bytes" for number in range(3)})
        fs.exists(path("d/1"))
        fs.exists(path("none"))
        fs.isdir(path("d"))
        fs.isfile(path("d/0"))
        fs.ls(path("d"), detail=True, refresh=True)
        fs.glob(path("d/*"))
        fs.du(path("d"))
        fs.cat([path(f"d/{number}") for number in range(3)])
        fs.mv(path("d/0"), path("e/0"))
        fs.touch(path("empty"))
        fs.pipe_file(path("new"), b"1", mode="create")
        with pytest.raises(FileExistsError):
            fs.pipe_file(path("new"), b"2", mode="create")
        (tmp_path / "file").write_bytes(bytes(SIZE))
        fs.put_file(str(tmp_path / "file"), path("put"))
        fs.get(path("d"), str(tmp_path / "got"), recursive=True)
        with fs.open(path("text"), "w") as file:
            file.write("a line")
        fs.tail(path("text"))
        fs.modified(path("text"))
        fs.rm(path("d"), recursive=True)

    trace, asked = watched.counted(work)
    assert methods(trace).total() == asked.total()


def test_awaited_and_threaded_requests_are_recorded(watched, engine):
    """The asynchronous API, and several threads that share one filesystem."""
    path = watched.cloud.path(KEY)
    watched.cloud.raw.put(KEY, bytes(SIZE))
    fs = watched.fs(engine)

    async def awaited() -> None:
        own = watched.fs(engine, asynchronous=True)
        await asyncio.gather(*(own._cat_file(path, start=at, end=at + 10) for at in range(0, 100, 10)))
        await own._info(path)

    def work() -> None:
        asyncio.run(awaited())
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda at: fs.cat_file(path, start=at, end=at + 10), range(0, 100, 10)))

    trace, asked = watched.counted(work)
    assert methods(trace) == asked
    assert len(of(trace, "GET")) == 20
    assert {read.range.start for read in trace.reads} == set(range(0, 100, 10))


def test_a_repeated_request_is_recorded_each_time(watched):
    """The SDK plane repeats what a server is too busy for; each attempt has a number and a status."""
    fs = watched.fs("sdk")
    path = watched.cloud.path("key")
    watched.cloud.raw.put("key", b"bytes")
    fs.info(path)
    fs.invalidate_cache()
    watched.proxy.answer(503, "GET", "key", times=1, body=b"")
    trace, asked = watched.counted(lambda: fs.cat_file(path, start=0, end=5))
    assert methods(trace) == asked
    assert [(r.attempt, r.status, r.has_failed) for r in trace.requests] == [(1, 503, True), (2, 206, False)]
    assert trace.objects()[0].repeats == 1


@pytest.mark.parametrize("more", [{}, {"cache_regions": True}], ids=["one-client", "a-client-for-each-region"])
def test_a_session_of_the_callers_own_is_watched(s3_cloud, more):
    """Also where s3fs makes its clients of something that objfs has not made."""
    session = pytest.importorskip("aiobotocore.session").get_session()
    session.set_credentials("key", "secret")
    given = {name: value for name, value in s3_cloud.options.items() if name not in ("key", "secret")}
    s3_cloud.raw.put("key", b"bytes")
    fs = objfs.S3FileSystem(session=session, skip_instance_cache=True, **given, **more)
    with objfs.trace() as trace:
        assert fs.cat_file(s3_cloud.path("key")) == b"bytes"
    assert [(r.verb, r.plane, r.key, r.received) for r in trace.requests if r.verb == "GET"] == [
        ("GET", "sdk", "key", 5)
    ]


def test_refused_credentials_are_a_second_attempt(make_gateway, moto_server, bucket, observer):
    """The data plane asks again with new credentials; both requests are there."""
    from objfs.testing import LocalCredentialsProvider

    observer(moto_server).put_object(Bucket=bucket, Key="key", Body=b"bytes")
    gateway = make_gateway(moto_server)
    provider = LocalCredentialsProvider(gateway.endpoint, lifetime_seconds=300)
    fs = objfs.S3FileSystem(storage_options_provider=provider, endpoint_url=gateway.endpoint, skip_instance_cache=True)
    assert fs.cat_file(f"{bucket}/key", start=0, end=2) == b"by"
    gateway.expire()
    gateway.reset()
    with objfs.trace() as trace:
        assert fs.cat_file(f"{bucket}/key", start=0, end=2) == b"by"
    assert [(r.attempt, r.status, r.error, r.received) for r in trace.requests] == [
        (1, 400, "CredentialsExpiredError", 0),
        (2, None, None, 2),
    ]
    assert len([r for r in gateway.requests() if r.method == "GET" and "key" in r.target]) == 2


def test_what_the_data_plane_repeats_by_itself_is_told_when_it_gives_up(watched):
    """obstore says how often it has asked only in its error; the record counts as many requests."""
    watched.cloud.raw.put("key", b"bytes")
    fs = watched.fs(retry_config={"max_retries": 2, "backoff": {"init_backoff": 0.001, "max_backoff": 0.01, "base": 2}})
    watched.proxy.answer(503, "GET", "key", times=9, body=b"")

    def work() -> None:
        with pytest.raises(OSError, match="503"):
            fs.cat_file(watched.cloud.path("key"), start=0, end=2)

    trace, asked = watched.counted(work)
    assert asked["GET"] == 3
    assert methods(trace) == asked
    assert [(r.status, r.requests, r.has_failed) for r in trace.requests] == [(503, 3, True)]


def test_the_reader_tells_what_came_from_its_cache(watched, engine):
    """Bytes that the open or the read-ahead has brought are read without a request, others are waited for."""
    path, fs = watched.cloud.path(KEY), watched.fs(engine)
    watched.cloud.raw.put(KEY, bytes(SIZE))

    def work() -> None:
        with fs.open(path) as file:
            file.read(100)
            file.seek(SIZE - 1000)
            file.read(500)

    trace, _ = watched.counted(work)
    assert [(read.range, read.waited) for read in trace.reads] == [
        (ByteRange(0, 100), ()),
        (ByteRange(SIZE - 1000, SIZE - 500), (ByteRange(SIZE - 1000, SIZE - 500),)),
    ]
    (cost,) = trace.objects()
    # The margin that the second read brings reaches to the end of the object.
    assert (cost.received, cost.unread, cost.from_cache, cost.again) == (
        (256 << 10) + 1000,
        (256 << 10) - 100 + 500,
        100,
        0,
    )


def test_a_cache_of_fsspec_is_told_apart_from_requests(watched, engine):
    """Of other caches it is known what they asked for while a read waited."""
    path, fs = watched.cloud.path(KEY), watched.fs(engine)
    watched.cloud.raw.put(KEY, bytes(SIZE))

    def work() -> None:
        with fs.open(path, cache_type="readahead", block_size=1000) as file:
            file.read(10)
            file.read(10)

    trace, _ = watched.counted(work)
    assert [(read.range, read.waited) for read in trace.reads] == [
        (ByteRange(0, 10), (ByteRange(0, 10),)),
        (ByteRange(10, 20), ()),
    ]


def test_no_record_holds_a_secret(watched, engine):
    """Neither keys nor tokens nor signatures are in the values, the table or the page."""
    secrets = [
        str(value)
        for name, value in watched.cloud.options.items()
        if cloud_for(watched.cloud.scheme).table.index[name.lower()][0].secret
    ]
    assert secrets
    fs = watched.fs(engine)

    def work() -> None:
        fs.pipe_file(watched.cloud.path(KEY), b"bytes")
        fs.cat_file(watched.cloud.path(KEY))
        fs.find(watched.cloud.bucket)

    trace, _ = watched.counted(work)
    shown = "".join((trace.to_json(), str(trace), trace.to_html(), repr(trace)))
    assert trace.requests
    assert not [secret for secret in (*secrets, "Signature", "sig=") if secret in shown]


def test_nothing_is_recorded_before_and_after(watched, engine):
    """A trace ends with its block, and none of what was made for it stays."""
    path, fs = watched.cloud.path("key"), watched.fs(engine)
    watched.cloud.raw.put("key", b"bytes")
    fs.cat_file(path)
    with objfs.trace() as trace:
        fs.cat_file(path)
    count = len(trace.requests)
    fs.cat_file(path)
    assert count == len(trace.requests) == 1
    assert observing.observers == ()


def test_an_object_that_was_replaced_is_a_failed_request(watched, engine):
    """Where the server is asked for one version its refusal shows; generations are compared here, of what came."""
    path, fs = watched.cloud.path("key"), watched.fs(engine)
    watched.cloud.raw.put("key", bytes(SIZE))
    with objfs.trace() as trace, fs.open(path) as file:
        watched.cloud.raw.put("key", b"x" * SIZE)
        file.seek(SIZE - 10)
        with pytest.raises(FileExpired):
            file.read(10)
    assert [request.has_failed for request in trace.requests] == [False, watched.cloud.e_tag != "generation"]


def test_values_travel_between_processes(watched):
    """What a worker has recorded is plain values, which another trace takes in."""
    path, fs = watched.cloud.path("key"), watched.fs()
    watched.cloud.raw.put("key", b"bytes")
    trace, _ = watched.counted(lambda: fs.cat_file(path))
    again = objfs.Trace().include(json.loads(trace.to_json()))
    assert (again.requests, again.reads) == (trace.requests, trace.reads)
    assert str(again) == str(trace)
