"""Run the soak and print what it has found; ``python -m tests.soak --help``."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import objfs
from objfs.testing import ExpiringGateway, LocalCredentialsProvider, S3Server
from tests.faults.fault_proxy import FaultProxy, Rule
from tests.faults.faults import BY_NAME
from tests.soak.contents import Known, WrongBytesError
from tests.soak.processes import Outcome, Sample, Task, run

BUCKET: Final = "soak"
# Done to a few requests at a time, and survived as a rule; what is refused forever is for the matrix.
FAULTS: Final = (
    "reset before once",
    "reset midway once",
    "reset after",
    "lost answer",
    "truncated once",
    "stalled before once",
    "stalled midway once",
    "500 once",
    "502 once",
    "503 once",
    "429 once",
)
# Who does not hear the name of an upload cannot abort it, so the answer that tells it is spared.
NAMING_AN_UPLOAD: Final = r"POST .*[?&]uploads"
READ_TIMEOUT_SECONDS, CREDENTIALS_SECONDS, REVOKED_EVERY_SECONDS = 4.0, 5.0, 7.0
# Beyond this a figure has grown: pools and caches fill while the soak runs, but they have bounds.
MORE_DESCRIPTORS, MORE_THREADS, MORE_MEMORY, MEMORY_RATIO = 32, 16, 96 * 2**20, 1.25


@contextmanager
def trouble(proxy: FaultProxy, gateway: ExpiringGateway, seed: int) -> Iterator[Counter[str]]:
    """Do one fault after another, and revoke all credentials now and then, until the end of the block."""
    over, choices, done = threading.Event(), random.Random(seed), Counter[str]()

    def cause() -> None:
        revoked = time.monotonic()
        while not over.wait(choices.uniform(0.05, 0.3)):
            if time.monotonic() - revoked > REVOKED_EVERY_SECONDS:
                gateway.expire()
                done["all credentials revoked"] += 1
                revoked = time.monotonic()
            name = choices.choice(FAULTS)
            rule = Rule(BY_NAME[name].act, f"^(?!{NAMING_AN_UPLOAD})", times=choices.randint(1, 3))
            proxy.arm(f"/{BUCKET}", rule)
            over.wait(choices.uniform(0.05, 0.5))
            proxy.disarm(f"/{BUCKET}")
            done[name] += rule.hits

    thread = threading.Thread(target=cause)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()
        proxy.disarm(f"/{BUCKET}")


def check_all(fs: Any, outcomes: list[Outcome]) -> tuple[list[str], int, int]:
    """Read every object again: what is wrong, how many objects there are, and how many keys a failure had left open."""
    known = Known({path: may for outcome in outcomes for path, may in outcome.may_hold.items()})
    unsure = sum(len(may) > 1 for may in known.may_hold.values())
    wrong, names = [], set(fs.find(BUCKET))
    try:
        known.check_names(names)
    except WrongBytesError as error:
        wrong.append(str(error))
    for name in names:
        try:
            known.check(name, fs.cat_file(name))
        except WrongBytesError as error:
            wrong.append(str(error))
    uploads = fs.list_multipart_uploads(BUCKET)
    if uploads:
        wrong.append(f"uploads that were not aborted: {[each['Key'] for each in uploads]}")
    return wrong, len(names), unsure


def growth(early: Sample | None, late: Sample | None) -> list[str]:
    """What a process holds more of at the end than it did when it had warmed up."""
    if early is None or late is None:
        return ["no samples"]
    grown = []
    if late.descriptors > early.descriptors + MORE_DESCRIPTORS:
        grown.append(f"file descriptors: {early.descriptors} -> {late.descriptors}")
    if late.threads > early.threads + MORE_THREADS:
        grown.append(f"threads: {early.threads} -> {late.threads}")
    if late.memory > early.memory * MEMORY_RATIO + MORE_MEMORY:
        grown.append(f"memory: {early.memory >> 20} MiB -> {late.memory >> 20} MiB")
    return grown


def soak(seconds: float, processes: int, threads: int, seed: int) -> dict[str, Any]:
    """Run the work; what it has found, as JSON can hold it."""
    with S3Server() as server, ExpiringGateway(server.endpoint, own_process=True) as gateway:
        server.create_bucket(BUCKET)
        with FaultProxy(gateway.endpoint).running() as proxy:
            options = {
                "endpoint_url": proxy.endpoint,
                "region": "us-east-1",
                "storage_options_provider": LocalCredentialsProvider(gateway.endpoint, CREDENTIALS_SECONDS),
                "client_options": {"read_timeout": f"{READ_TIMEOUT_SECONDS}s"},
            }
            tasks = [Task(number, threads, seconds, seed, BUCKET, options) for number in range(processes)]
            context = multiprocessing.get_context("spawn")
            with trouble(proxy, gateway, seed) as done, ProcessPoolExecutor(processes, context) as pool:
                outcomes = list(pool.map(run, tasks))
            fs = objfs.S3FileSystem(**options, skip_instance_cache=True)
            wrong, objects, unsure = check_all(fs, outcomes)
            stats = gateway.stats()
    calls, errors = sum((o.calls for o in outcomes), Counter()), sum((o.errors for o in outcomes), Counter())
    return {
        "seconds": seconds,
        "processes": processes,
        "threads": threads,
        "seed": seed,
        "calls": dict(calls),
        "errors": dict(errors),
        "bytes": sum(outcome.bytes for outcome in outcomes),
        "faults": dict(done),
        "requests": stats["requests"],
        "credentials_issued": stats["issued"],
        "requests_refused": stats["rejections"],
        "objects": objects,
        "unsure_keys": unsure,
        "samples": [[vars(outcome.early), vars(outcome.late)] for outcome in outcomes if outcome.early],
        "grown": [text for outcome in outcomes for text in growth(outcome.early, outcome.late)],
        "wrong": [*wrong, *(text for outcome in outcomes for text in outcome.wrong)],
    }


def report(found: dict[str, Any]) -> str:
    """The same for people."""
    calls, errors = sum(found["calls"].values()), sum(found["errors"].values())
    lines = [
        f"{found['processes']} processes of {found['threads']} threads, {found['seconds']} s, seed {found['seed']}",
        f"calls      {calls}: " + ", ".join(f"{name} {count}" for name, count in sorted(found["calls"].items())),
        f"bytes      {found['bytes'] / 1e6:,.0f} MB in {found['requests']} requests",
        f"faults     {sum(found['faults'].values())}: "
        + ", ".join(f"{name} {count}" for name, count in sorted(found["faults"].items())),
        f"refusals   {found['requests_refused']}; credentials issued {found['credentials_issued']}",
        f"errors     {errors} calls raised: "
        + (", ".join(f"{name} {count}" for name, count in sorted(found["errors"].items())) or "none"),
        f"checked    {found['objects']} objects, byte by byte; a failed call had left {found['unsure_keys']} keys open",
    ]
    for number, (early, late) in enumerate(found["samples"]):
        lines.append(
            f"process {number}  file descriptors {early['descriptors']} -> {late['descriptors']}, "
            f"threads {early['threads']} -> {late['threads']}, "
            f"memory {early['memory'] >> 20} -> {late['memory'] >> 20} MiB"
        )
    lines += [f"GROWN      {text}" for text in found["grown"]] + [f"WRONG      {text}" for text in found["wrong"]]
    return "\n".join([*lines, "wrong" if found["wrong"] or found["grown"] else "nothing wrong"])


def main() -> int:
    """Parse the arguments, run, print.

    Returns
    -------
    int
        0 when nothing was wrong.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long to work (default %(default)s)")
    parser.add_argument("--processes", type=int, default=4, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=16, help="of each process; default %(default)s")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats the choices, not their order")
    parser.add_argument("--json", help="write the figures to this file")
    arguments = parser.parse_args()
    found = soak(arguments.seconds, arguments.processes, arguments.threads, arguments.seed)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    print(report(found))  # noqa: T201 - a program for a terminal
    return 1 if found["wrong"] or found["grown"] else 0


if __name__ == "__main__":
    sys.exit(main())
