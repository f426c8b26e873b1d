"""Requests that are carried out while a gateway says that they failed: nobody is told that somebody else did it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objfs.errors import PreconditionFailedError
from tests.clouds import CloudUnderTest
from tests.faults.fault_proxy import Exchange, Rule
from tests.faults.faults import refusing
from tests.faults.ways import COMPLETION, Bench, bench

PLANES = ("auto", "sdk")
CHANGES = "^(PUT|POST|DELETE) "


def _done_and(status: int) -> Callable[[Exchange], bool | None]:
    """The server carries it out, and what stands before it stops waiting."""
    refuse = refusing(status, "InternalError")

    def act(exchange: Exchange) -> bool | None:
        exchange.forward()
        return refuse(exchange)

    return act


def _in_parts(on: Bench, path: str) -> None:
    with on.fs.open(path, "xb", block_size=on.part) as file:
        file.write(on.large)


def _replaced(on: Bench, path: str) -> None:
    on.fs.pipe_file(path, b"new", mode=on.fs.object_meta(path))


# What is called, whether there is an object before, which requests are hit, and what is there afterwards.
CALLS: dict[str, tuple[Callable[[Bench, str], Any], bool, str, bytes | None]] = {
    "create": (lambda on, path: on.fs.pipe_file(path, b"new", mode="create"), False, CHANGES, b"new"),
    "create-in-parts": (_in_parts, False, COMPLETION, None),
    "replace": (_replaced, True, CHANGES, b"new"),
    "rm": (lambda on, path: on.fs.rm_file(path), True, CHANGES, None),
}


@pytest.mark.parametrize("status", [500, 504])
@pytest.mark.parametrize("plane", PLANES)
def test_change_that_was_made_is_not_reported_as_somebody_elses(
    cloud: CloudUnderTest, plane: str, status: int, tmp_path: Path
) -> None:
    """It succeeds, or the error says that nobody knows."""
    with bench(cloud, plane, tmp_path) as on:
        for name, (call, exists, hit, expected) in CALLS.items():
            path = on.old(name) if exists else cloud.path(name)
            with on.under(Rule(_done_and(status), hit, 1)) as rule, contextlib.suppress(ConnectionError):
                call(on, path)
            assert rule.hits == 1, name
            body, uploads = on.seen(name)
            assert (body, uploads) == (on.large if name == "create-in-parts" else expected, []), name


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("plane", PLANES)
def test_deletion_that_a_busy_server_has_not_begun_tells_that_nothing_was_there(
    cloud: CloudUnderTest, plane: str, status: int, tmp_path: Path
) -> None:
    """It is repeated; a server that says to come back later has done nothing.

    S3 never tells, and obstore repeats those of GCS by itself, and does not tell after which answer (0.12.1).
    """
    with bench(cloud, plane, tmp_path) as on:
        with on.under(Rule(refusing(status, "SlowDown"), CHANGES, 1)) as rule:
            on.fs.rm_file(on.old("there"))
        assert (rule.hits, on.seen("there")) == (1, (None, []))
        is_told = cloud.name == "azure" or (cloud.name, plane) == ("gcs", "sdk")
        raised = pytest.raises(FileNotFoundError) if is_told else contextlib.nullcontext()
        with on.under(Rule(refusing(status, "SlowDown"), CHANGES, 1)) as rule, raised:
            on.fs.rm_file(cloud.path("missing"))
        assert rule.hits == 1


@pytest.mark.parametrize("plane", PLANES)
def test_refusal_of_a_condition_by_what_was_there_is_still_told(
    cloud: CloudUnderTest, plane: str, tmp_path: Path
) -> None:
    """Where no request was repeated there is no doubt."""
    with bench(cloud, plane, tmp_path) as on:
        path = on.old("key")
        state = on.fs.object_meta(path)
        with pytest.raises(FileExistsError):
            on.fs.pipe_file(path, b"new", mode="create")
        cloud.raw.put("key", b"other")
        with pytest.raises(PreconditionFailedError):
            on.fs.pipe_file(path, b"new", mode=state)
