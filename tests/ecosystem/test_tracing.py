"""`objfs.trace` around what dask and xarray do: threads of one process, and processes that hand their records back."""

from __future__ import annotations

from typing import Any

import pytest

import objfs
from tests.clouds import CloudUnderTest
from tests.gcs_proxy import running

OBJECTS = 12


def read_traced(url: str, options: dict[str, Any]) -> dict[str, Any]:
    """What a worker does: read, and hand back what it has recorded."""
    import fsspec

    with objfs.trace() as trace, fsspec.open(url, "rb", **options) as file:
        file.read()
    return trace.to_dict()


@pytest.fixture
def filled(s3_cloud: CloudUnderTest) -> CloudUnderTest:
    """A bucket with objects."""
    for number in range(OBJECTS):
        s3_cloud.raw.put(f"part-{number:02}", b"line\n" * 1000)
    return s3_cloud


def test_dask_threads_are_recorded(filled):
    """All requests that the scheduler's threads make: as many as the server is asked."""
    dask_bytes = pytest.importorskip("dask.bytes")
    import dask

    with running(filled.options["endpoint_url"]) as proxy:
        options = {**filled.options, "endpoint_url": proxy.endpoint}
        with objfs.trace() as trace:
            _, blocks = dask_bytes.read_bytes(f"s3://{filled.bucket}/part-*", blocksize=2000, sample=False, **options)
            found = dask.compute(*[part for each in blocks for part in each], scheduler="threads", num_workers=4)
        assert sum(map(len, found)) == OBJECTS * 5000
        assert sum(request.requests for request in trace.requests) == len(proxy.asked)
    read = {request.key for request in trace.requests if request.verb == "GET"}
    assert read == {f"part-{number:02}" for number in range(OBJECTS)}
    assert {cost.unread for cost in trace.objects()} == {0}


def test_worker_processes_hand_their_records_back(filled):
    """Each process records its own; put together they are one trace."""
    dask = pytest.importorskip("dask")
    work = [dask.delayed(read_traced)(filled.url(f"part-{number:02}"), filled.options) for number in range(4)]
    trace = objfs.Trace()
    for values in dask.compute(*work, scheduler="processes", num_workers=2):
        trace.include(values)
    assert sorted(request.key for request in trace.requests if request.verb == "GET") == [
        f"part-{number:02}" for number in range(4)
    ]
    assert sum(cost.received for cost in trace.objects()) == 4 * 5000
