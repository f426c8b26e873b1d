"""`objfs.trace`: what records come to, the table, the page, and what OpenTelemetry is told."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pytest

import objfs
from objfs import observing
from objfs.observing import DATA_PLANE, SDK_PLANE, Read, Request, Watch
from objfs.tracing import telemetry
from objfs.tracing.drawing import Lanes, ticks_of
from objfs.tracing.summary import costs_of, human_bytes, human_time, visible
from objfs.types import ByteRange, Location
from tests.unit.recording import RecordingStore, filesystem, make_small

HOSTILE = '</title></svg><script src="//evil"></script><img src=x onerror=alert(1)>&amp;\'"\u202e\n\x00é'


def request(
    start: int | None = None, stop: int = 0, *, verb: str = "GET", key: str = "key", begun: float = 1000.0, **more: Any
) -> Request:
    """A record; one with a range has brought it."""
    wanted = None if start is None else ByteRange(start, stop)
    given = {"size": None, "received": 0 if wanted is None else len(wanted), "sent": 0, "milliseconds": 10.0}
    given |= {"attempt": 1, "requests": 1, "status": None, "error": None, "plane": DATA_PLANE, "method": verb}
    place = {"filesystem": "s3", "server": "host", "bucket": "bucket", "key": key}
    return Request(verb=verb, range=wanted, begun=begun, **{**given, **place, **more})


def read(start: int, stop: int, *waited: tuple[int, int], key: str = "key") -> Read:
    return Read("s3", "bucket", key, ByteRange(start, stop), tuple(ByteRange(*each) for each in waited), 1000.0)


def traced(*requests: Request, reads: tuple[Read, ...] = ()) -> objfs.Trace:
    """A trace that holds these records."""
    trace = objfs.Trace(telemetry=False)
    trace._requests += requests
    trace._reads += reads
    return trace


@pytest.mark.parametrize(
    ("requests", "reads", "unread", "again", "from_cache"),
    [
        pytest.param([request(0, 100)], [read(0, 100)], 0, 0, 100, id="all-of-it"),
        pytest.param([request(0, 100)], [read(10, 20, (10, 20))], 90, 0, 0, id="some-waited-for"),
        pytest.param([request(0, 100)], [read(0, 30), read(20, 50)], 50, 0, 60, id="overlapping-reads"),
        pytest.param([request(0, 100), request(50, 150)], [read(0, 150)], 0, 50, 150, id="fetched-twice"),
        pytest.param([request(0, 100)] * 3, [], 100, 200, 0, id="never-read"),
        pytest.param([request(0, 9, status=404)], [], 0, 0, 0, id="a-refusal-brings-nothing"),
        pytest.param([request(0, 9, error="OSError")], [], 0, 0, 0, id="an-error-brings-nothing"),
        pytest.param([request(verb="LIST", received=99)], [], 0, 0, 0, id="lists-are-no-bytes-of-objects"),
        pytest.param([request(0, 10)], [read(5, 20, (10, 20))], 5, 0, 5, id="half-of-a-read-from-a-cache"),
    ],
)
def test_bytes_for_nothing_are_told_from_the_others(requests, reads, unread, again, from_cache):
    """Fetched and never read, fetched more than once, read without waiting for a request."""
    (cost,) = costs_of(requests, reads)
    assert (cost.unread, cost.again, cost.from_cache) == (unread, again, from_cache)


def test_an_object_is_summed_up():
    """Requests with their repeats, failures, bytes both ways, and the time in which any was under way."""
    records = [
        request(0, 10, size=50, begun=1.0, attempt=1, status=503, error="ThrottledError", requests=3),
        request(0, 10, size=50, begun=1.005, attempt=2),
        request(verb="PUT", begun=2.0, sent=70, requests=4),
    ]
    (cost,) = costs_of(records, [])
    assert (cost.requests, cost.repeats, cost.failures, cost.received, cost.sent, cost.size) == (8, 3, 1, 20, 70, 50)
    assert cost.milliseconds == pytest.approx(25.0, abs=0.001)
    assert cost.url == "s3://bucket/key"


def test_objects_with_one_name_on_two_clouds_are_two():
    """A copy from one cloud to another is not taken for one object; the largest comes first."""
    costs = costs_of([request(0, 5), request(0, 10, filesystem="gcs")], [])
    assert [(cost.filesystem, cost.received) for cost in costs] == [("gcs", 10), ("s3", 5)]


def test_the_table_says_what_it_comes_to():
    """Totals, what was wasted, and a line for each object, the largest first."""
    trace = traced(
        request(0, 2048, size=4096),
        request(verb="LIST", key="", received=10, plane=SDK_PLANE),
        reads=(read(0, 512, (0, 256)),),
    )
    trace._seconds = 2.0
    assert str(trace).splitlines() == [
        "2 requests to 2 places, 2 KiB received, 0 B sent, 10 ms of 2.0 s waiting",
        "wasted: 1.5 KiB fetched and never read, 0 B fetched more than once",
        "GET 1, LIST 1; obstore 1, sdk 1",
        "",
        "requests  received   unread  again  sent  cached   busy  repeats  failed  object",
        "       1     2 KiB  1.5 KiB    0 B   0 B   256 B  10 ms        0       0  s3://bucket/key",
        "       1      10 B      0 B    0 B   0 B     0 B  10 ms        0       0  s3://bucket/",
    ]


def test_a_long_table_ends():
    """Thirty objects have a line; the others are counted."""
    lines = str(traced(*(request(0, 1000 - number, key=str(number)) for number in range(40)))).splitlines()
    assert len(lines) == 4 + 1 + 30 + 1
    assert lines[-1] == "… and 10 more, with 10 requests and 9.4 KiB received"


def test_an_empty_trace_can_be_looked_at():
    """No request is no error."""
    trace = traced()
    assert str(trace).startswith("0 requests to 0 places")
    assert "No requests." in trace.to_html()


def test_names_are_written_out_in_the_table():
    """A key can neither begin a line nor turn the text around nor send the terminal a command."""
    table = str(traced(request(0, 10, key="a\nb\x1b[2J\u202e")))
    assert len(table.splitlines()) == 6
    assert table.endswith(r"s3://bucket/a\nb\x1b[2J\u202e")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (64 << 20, "64 MiB"), (5 << 50, "5120 TiB")],
)
def test_bytes_are_rounded_for_people(value, text):
    """With the units that everybody knows."""
    assert human_bytes(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.44, "0.4 ms"), (82.4, "82 ms"), (3140, "3.1 s")])
def test_times_are_rounded_for_people(value, text):
    """Milliseconds up to a second."""
    assert human_time(value) == text


# -- recording ----------------------------------------------------------------------------------------------------


def make_request(**end: Any) -> None:
    Watch("GET", DATA_PLANE, "s3", "host:8080", Location("bucket", "key")).end(**end)


def test_traces_nest_and_each_records_all_of_its_time():
    """The inner one begins later and ends earlier."""
    with objfs.trace() as outer:
        make_request()
        with objfs.trace() as inner:
            make_request()
        make_request()
    assert (len(outer.requests), len(inner.requests)) == (3, 1)
    assert observing.observers == ()


def test_a_trace_can_be_started_and_stopped_again():
    """What it has is kept; to stop it once too often is no error."""
    trace = objfs.trace()
    trace.stop()
    with trace, trace:
        make_request()
    make_request()
    trace.start()
    make_request()
    trace.stop()
    assert len(trace.requests) == 2
    assert repr(trace) == "<Trace stopped: 2 requests, 0 reads>"
    assert trace.seconds > 0


def test_threads_record_side_by_side():
    """None is lost."""
    with objfs.trace() as trace:
        threads = [threading.Thread(target=lambda: [make_request() for _ in range(100)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(trace.requests) == 800


@pytest.mark.parametrize(("keep", "kept"), [(None, [1, 2, 3]), (2, [2, 3]), (0, [])])
def test_a_trace_keeps_the_newest_records(keep, kept):
    """So that a program that runs for long does not fill the memory with what it did at first."""
    with objfs.trace(keep=keep) as trace:
        for number in (1, 2, 3):
            make_request(received=number)
            observing.tell_read("s3", Location("bucket", "key"), ByteRange(0, number), ())
    assert [request.received for request in trace.requests] == kept
    assert [len(read.range) for read in trace.reads] == kept


def test_a_request_that_nobody_watches_is_left_as_it_is():
    """Off, it costs one look: no wrapper, no watch; on, there are both."""
    store = objfs.S3FileSystem(key="key", secret="secret").connection.store("bucket")
    with objfs.trace():
        assert store._seen_now("GET", "key", str) is not str
    assert store._seen_now("GET", "key", str) is str
    assert store._seen("GET", "key", str) is str


def test_what_nobody_waited_for_is_unfinished():
    """It is recorded when the trace ends, once, also if it ends later after all."""
    with objfs.trace() as trace:
        watch = Watch("GET", DATA_PLANE, "s3", "host", Location("bucket", "key"))
        assert trace.requests == ()
    watch.end(status=200)
    assert [request.error for request in trace.requests] == ["unfinished"]


def test_values_are_those_of_json_and_come_back():
    """A worker's records are plain values; those of several workers are put together in the order of time."""
    first = traced(request(0, 10, begun=5.0), reads=(read(0, 10, (2, 4)),))
    second = traced(request(verb="LIST", begun=1.0))
    whole = objfs.Trace().include(json.loads(first.to_json())).include(second.to_dict())
    assert whole.requests == (*second.requests, *first.requests)
    assert whole.reads == first.reads
    # From one's beginning to the other's end.
    assert whole.seconds == pytest.approx(4.01)


def test_other_values_are_refused():
    """What is no trace says so."""
    with pytest.raises(ValueError, match="no values of a trace"):
        objfs.Trace().include({"requests": []})


def test_readers_of_the_recording_plane_tell_what_they_read(monkeypatch):
    """Files, slices, several ranges and whole objects: each byte that a caller got, once."""
    make_small(monkeypatch)
    fs = filesystem(RecordingStore(key=bytes(range(200))))
    monkeypatch.setattr(RecordingStore, "filesystem", "s3")
    with objfs.trace() as trace:
        with fs.open("bucket/key") as file:
            file.read(5)
            file.readinto(bytearray(5))
        fs.cat_file("bucket/key", start=20, end=30)
        fs.cat_ranges(["bucket/key"] * 2, [40, 44], [42, 46])
        fs.cat(["bucket/key"], start=60, end=61)
        fs.cat_file("bucket/key", start=190)
    assert [(each.range.start, each.range.stop) for each in trace.reads] == [
        (0, 5),
        (5, 10),
        (20, 30),
        (40, 42),
        (44, 46),
        (60, 61),
        (190, 200),
    ]


# -- the page -----------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser finds on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Kept."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Kept."""
        self.text += data

    def classed(self, name: str) -> list[dict[str, str | None]]:
        """The elements of a class."""
        return [attributes for _, attributes in self.tags if name in (attributes.get("class") or "").split()]


def test_the_page_has_a_bar_for_each_request_and_a_map_for_each_object():
    """Both planes, repeats and failures look different; what was fetched, read and left lies where it is."""
    trace = traced(
        request(0, 50, size=100),
        request(50, 100, size=100, plane=SDK_PLANE, attempt=2, begun=1000.001),
        request(0, 10, key="none", status=404, begun=1000.002),
        request(verb="LIST", key="", begun=1000.5),
        reads=(read(0, 20), read(60, 70, (60, 70))),
    )
    page = Page(trace.to_html())
    bars = page.classed("bar")
    assert [bar["class"] for bar in bars] == ["bar data", "bar sdk repeat", "bar data failed", "bar data"]
    # The second began before the first had ended: another lane.
    assert bars[0]["y"] != bars[1]["y"]
    assert float(bars[0]["x"] or 0) < float(bars[1]["x"] or 0) < float(bars[3]["x"] or 0) <= 1000
    assert [attributes for tag, attributes in page.tags if tag == "section"] == [{}]
    # 930 units for 100 bytes, from 70 on.
    assert [(bar["x"], bar["width"]) for bar in page.classed("got")] == [("70.00", "465.00"), ("535.00", "465.00")]
    assert [(bar["x"], bar["width"]) for bar in page.classed("unread")[1:]] == [
        ("256.00", "372.00"),
        ("721.00", "279.00"),
    ]
    assert [bar["width"] for bar in page.classed("waited")[1:]] == ["93.00"]
    assert [bar["width"] for bar in page.classed("cached")[1:]] == ["186.00"]


def test_a_hostile_name_is_text_on_the_page():
    """Whatever a key is, it makes no element, no attribute and no line of its own."""
    harmless, hostile = (
        Page(traced(request(0, 9, key=key, size=9), reads=(read(0, 5, key=key),)).to_html()) for key in ("key", HOSTILE)
    )
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert [set(attributes) for _, attributes in hostile.tags] == [set(attributes) for _, attributes in harmless.tags]
    assert visible(HOSTILE) in hostile.text
    assert "\u202e" not in hostile.text
    assert "\x00" not in hostile.text


def test_the_page_needs_nothing_else_and_allows_nothing_else(tmp_path):
    """No script, no address of anything, no style but the one that its own policy names; it is written as UTF-8."""
    path = tmp_path / "trace.html"
    text = traced(request(0, 9, key="é", size=9)).to_html(path)
    assert path.read_text("utf-8") == text
    page = Page(text)
    assert "script" not in [tag for tag, _ in page.tags]
    assert not [attributes for _, attributes in page.tags if attributes.keys() & {"src", "href", "style", "onload"}]
    assert not re.search(r"https?:|url\(|@import", text.replace("http-equiv", ""))
    (policy,) = (attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes)
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")


def test_a_notebook_shows_the_same_without_a_document():
    """The fragment keeps its looks to itself."""
    trace = traced(request(0, 9))
    shown = trace._repr_html_()
    assert shown.startswith('<div class="objfs-trace">')
    assert shown in trace.to_html()
    style = shown.partition("<style>")[2].partition("</style>")[0]
    selectors = [each.strip() for each in re.findall(r"([^{};]+)\{", style.replace("\n", ""))]
    assert selectors
    assert not [each for each in selectors if not each.startswith((".objfs-trace", "@media"))]


def test_lanes_hold_what_does_not_overlap():
    """Each goes to the first that is free."""
    lanes = Lanes()
    assert [lanes.place(*each) for each in [(0, 10), (5, 15), (10, 20), (11, 12), (15, 16)]] == [0, 1, 0, 2, 1]
    assert len(lanes) == 3


@pytest.mark.parametrize("span", [0.001, 0.9, 3.0, 77.0, 1234.5, 10**7])
def test_ticks_are_round_and_few(span):
    """At most nine, with steps of 1, 2 or 5."""
    ticks = list(ticks_of(span, 2.0))
    assert 2 <= len(ticks) <= 9
    assert [x for _, x in ticks] == [2 * value for value, _ in ticks]
    assert f"{ticks[1][0]:e}"[0] in "125"


def test_a_map_joins_what_nobody_could_tell_apart():
    """Many thousands of small reads are no more rectangles than there are places for; gaps that can be seen stay."""
    reads = tuple(read(at, at + 1) for at in (*range(0, 100_000, 2), *range(500_000, 600_000, 50_000)))
    page = Page(traced(request(0, 1_000_000, size=1_000_000), reads=reads).to_html())
    # One is in the legend.
    assert [bar["width"] for bar in page.classed("cached")[1:]] == ["93.00", "0.80", "0.80"]


# -- OpenTelemetry ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Emitted:
    """What a program that has set OpenTelemetry up gets."""

    tracer: Any
    exporter: Any
    reader: Any

    def spans(self) -> list[Any]:
        """Those that have ended."""
        return list(self.exporter.get_finished_spans())

    def metrics(self) -> dict[str, Any]:
        """Measurements by name."""
        data = self.reader.get_metrics_data()
        scopes = [] if data is None else [scope for each in data.resource_metrics for scope in each.scope_metrics]
        return {metric.name: metric.data.data_points for scope in scopes for metric in scope.metrics}


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """OpenTelemetry, set up."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    spans, meters = TracerProvider(shutdown_on_exit=False), MeterProvider([reader], shutdown_on_exit=False)
    spans.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", spans.get_tracer)
    monkeypatch.setattr(metrics, "get_meter", meters.get_meter)

    yield Emitted(spans.get_tracer("test"), exporter, reader)
    spans.shutdown()
    meters.shutdown()


def test_spans_follow_the_conventions(emitted):
    """Of clients of HTTP, and of S3: kind, name, attributes, the caller's span as the parent."""
    with objfs.trace(), emitted.tracer.start_as_current_span("caller") as caller:
        make_request(status=206, received=7, found=ByteRange(1, 8))
        make_request(status=503, error="ThrottledError")
    first, second, _ = emitted.spans()
    assert (first.name, first.kind.name, first.parent.span_id) == ("GET", "CLIENT", caller.context.span_id)
    assert dict(first.attributes) == {
        "http.request.method": "GET",
        "server.address": "host",
        "server.port": 8080,
        "http.response.status_code": 206,
        "http.response.body.size": 7,
        "http.request.body.size": 0,
        "aws.s3.bucket": "bucket",
        "aws.s3.key": "key",
        "objfs.verb": "GET",
        "objfs.plane": "obstore",
        "objfs.filesystem": "s3",
        "objfs.bucket": "bucket",
        "objfs.key": "key",
        "objfs.range.start": 1,
        "objfs.range.stop": 8,
    }
    assert first.start_time <= first.end_time
    assert (second.status.status_code.name, second.attributes["error.type"]) == ("ERROR", "ThrottledError")


def test_metrics_follow_the_conventions(emitted):
    """Durations in seconds and sizes of bodies, without what has a value for each object."""
    with objfs.trace():
        make_request(status=206, received=7)
    found = emitted.metrics()
    assert set(found) == {
        "http.client.request.duration",
        "http.client.response.body.size",
        "http.client.request.body.size",
    }
    (duration,), (received,) = found["http.client.request.duration"], found["http.client.response.body.size"]
    assert (duration.count, received.sum) == (1, 7)
    assert duration.explicit_bounds[:2] == (0.005, 0.01)
    assert dict(duration.attributes) == {
        "http.request.method": "GET",
        "server.address": "host",
        "server.port": 8080,
        "http.response.status_code": 206,
    }


def test_nested_traces_emit_once(emitted):
    """However many traces are recorded, a request is one span; with `telemetry=False` it is none."""
    with objfs.trace(telemetry=False):
        make_request()
        with objfs.trace(), objfs.trace():
            make_request()
        make_request()
    assert len(emitted.spans()) == 1


def test_what_is_unfinished_ends_as_an_error(emitted):
    """No span stays open."""
    with objfs.trace():
        Watch("GET", DATA_PLANE, "s3", "", Location("bucket", "key"))
    (span,) = emitted.spans()
    assert span.attributes["error.type"] == "unfinished"
    assert "server.address" not in span.attributes


def test_an_old_api_is_left_alone(monkeypatch):
    """A trace records without it."""
    metrics = pytest.importorskip("opentelemetry.metrics")

    class OldMeter:
        def create_histogram(self, name: str, unit: str = "", description: str = "") -> None:
            """As before 1.30."""

    monkeypatch.setattr(metrics, "get_meter", lambda *_: OldMeter())
    with objfs.trace() as trace:
        make_request()
    assert len(trace.requests) == 1


@pytest.mark.parametrize(
    ("server", "address", "port"),
    [("host", "host", None), ("host:80", "host", 80), ("[::1]:80", "::1", 80), ("[::1]", "::1", None)],
)
def test_servers_have_an_address_and_a_port(server, address, port):
    """Also those of version 6."""
    said = telemetry._common(request(server=server))
    assert (said["server.address"], said.get("server.port")) == (address, port)


def test_opentelemetry_is_imported_for_a_trace_only():
    """A program that traces nothing does not pay for it, and one that has it not can trace."""
    code = """
import sys, objfs, objfs.s3_filesystem
assert not [name for name in sys.modules if name.startswith(("opentelemetry", "objfs.tracing"))]
sys.modules["opentelemetry"] = None
with objfs.trace() as trace:
    pass
assert str(trace).startswith("0 requests")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
