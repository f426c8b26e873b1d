"""Carries cells of the matrix out, many side by side: most of their time is waiting."""

from __future__ import annotations

import gc
import time
import traceback
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.clouds import CloudUnderTest
from tests.faults.fault_proxy import FaultProxy, Rule
from tests.faults.faults import BY_NAME as FAULTS
from tests.faults.faults import Fault
from tests.faults.verbs import BY_NAME as VERBS
from tests.faults.verbs import Bench, Verb

RETRIES = 2
# Short, so that the matrix takes little time; what each means is the same as with the defaults.
_RETRY_CONFIG = {
    "max_retries": RETRIES,
    "retry_timeout": 60,
    "backoff": {"init_backoff": 0.01, "max_backoff": 0.05, "base": 2},
}
_SIDE_BY_SIDE = 12


@dataclass(frozen=True)
class Cell:
    """One cell: a fault, a verb, the plane and the cloud, by their names."""

    fault: str
    verb: str
    plane: str
    cloud: str

    def __str__(self) -> str:
        return f"{self.cloud}, {self.plane}, {self.fault}, {self.verb}"


@dataclass(frozen=True)
class Seen:
    """What a cell has shown.

    Parameters
    ----------
    error
        What the call has raised; None where it survived.
    seconds
        How long it took.
    requests, hits
        How many requests the proxy saw, and to how many of them the fault was done.
    wrong
        What must not be, whatever the outcome: wrong bytes, half an object.
    """

    error: BaseException | None
    seconds: float
    requests: int
    hits: int
    wrong: str


def carry_out(cloud: CloudUnderTest, cells: Iterable[Cell], folder: Path) -> dict[Cell, Seen]:
    """All cells of one cloud; those of one fault and plane share a proxy."""
    proxies: dict[tuple[str, str], FaultProxy] = {}
    with ExitStack() as stack:
        for cell in cells:
            if (cell.plane, cell.fault) not in proxies:
                proxy = FaultProxy(f"http://{_endpoint(cloud)[1]}")
                proxies[cell.plane, cell.fault] = stack.enter_context(proxy.running())

        def seen_in(cell: Cell) -> tuple[Cell, Seen]:
            return cell, _run(cell, proxies[cell.plane, cell.fault], cloud, folder)

        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            seen = dict(pool.map(seen_in, cells))
    # azure-core leaves an answer that has stalled to the garbage collector, now and then (1.41.0).
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return seen


def _endpoint(cloud: CloudUnderTest) -> tuple[str, str]:
    """The option that says where the server is, and its host and port."""
    return next((name, urlsplit(value).netloc) for name, value in cloud.options.items() if "endpoint" in name)


def _behind(proxy: FaultProxy, cloud: CloudUnderTest, plane: str, fault: Fault) -> Any:
    """A filesystem of the cell's own: a connection that another cell's fault has broken must not be taken for its."""
    name, netloc = _endpoint(cloud)
    told = {
        name: cloud.options[name].replace(netloc, fault.address or proxy.address),
        "connect_timeout": 10,
        "read_timeout": fault.read_timeout,
        "retry_config": _RETRY_CONFIG,
    }
    return cloud.fs(engine=plane, skip_instance_cache=True, **told)


def _run(cell: Cell, proxy: FaultProxy, cloud: CloudUnderTest, folder: Path) -> Seen:
    fault, verb = FAULTS[cell.fault], VERBS[cell.verb]
    fs = _behind(proxy, cloud, cell.plane, fault)
    mark = f"{cell.plane}-{cell.fault}-{cell.verb}".replace(" ", "-").replace("_", "-")
    bench = Bench(fs, cloud, mark, folder)
    verb.prepare(bench)
    rule = Rule(fault.act, verb.hits, fault.times)
    # The end of the mark: no other may begin with it.
    proxy.arm(f"{mark}.", rule)
    error, wrong, begin = None, "", time.monotonic()
    try:
        found = verb.call(bench)
    except Exception as raised:  # noqa: BLE001 - it is the outcome
        # Without what it was raised from, which holds answers of the server.
        error = raised.with_traceback(None)
        error.__cause__ = error.__context__ = None
    else:
        wrong = "" if found == verb.expected else f"the call returned {str(found)[:200]}"
    seconds = time.monotonic() - begin
    proxy.disarm(f"{mark}.")
    return Seen(error, seconds, rule.requests, rule.hits, " ".join([wrong, _look(verb, bench, error)]).strip())


def _look(verb: Verb, bench: Bench, error: BaseException | None) -> str:
    try:
        verb.after(bench, error)
    except AssertionError:
        return traceback.format_exc(limit=-1)
    return ""
