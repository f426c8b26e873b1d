"""Measure objfs and its peers against a server on this machine; see README.md beside this file."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' servers are not installed

from contenders import CONTENDERS, Contender
from data import BUCKET, FULL, LARGE, QUICK, STEP_BYTES, listed_keys, make_data, read_part
from processes import measure
from report import as_json, as_text
from servers import PROFILES, SERVERS, Place, Profile, observer
from workloads import WORKLOADS, Workload

from tests.server_processes import UnavailableError

ROUNDS = 3
PATIENCE_SECONDS = 30.0
# Whoever takes longer is not measured again in the same row.
SLOW_SECONDS = 5.0


@dataclass
class Result:
    """What one contender did in one workload.

    Parameters
    ----------
    rounds
        The figures of each measurement.
    error
        The first failure; there are no figures then.
    over_seconds
        It was stopped after that long.
    bad_exits
        Exit statuses of processes that ended otherwise than they should, after their work was done.
    """

    rounds: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    over_seconds: float | None = None
    bad_exits: list[int] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """More rounds would fail as well, or take too long."""
        return bool(self.error or self.over_seconds or (self.rounds and self.rounds[-1]["seconds"] > SLOW_SECONDS))

    def add(self, said: dict[str, Any]) -> None:
        """Take what `measure` returned."""
        if "error" in said:
            self.error = said["error"]
        elif "over_seconds" in said:
            self.over_seconds = said["over_seconds"]
        else:
            if "exit_status" in said:
                self.bad_exits.append(said.pop("exit_status"))
            self.rounds.append(said)


class Bench:
    """A server with the data, and the processes that are measured against it.

    Parameters
    ----------
    place
        The server.
    folder
        With the data, and for the children's scratch files.
    patience_seconds
        How long a measurement may take.
    """

    def __init__(self, place: Place, folder: Path, *, quick: bool, patience_seconds: float) -> None:
        self._place, self._quick, self._patience = place, quick, patience_seconds
        self._originals, self._scratch = folder / BUCKET, folder / "scratch"
        self._scratch.mkdir()
        self._client = observer(place.access)
        self._runs = 0

    def compare(
        self, workload: Workload, profile: Profile, contenders: Sequence[Contender], rounds: int
    ) -> dict[str, Result]:
        """Every contender in turn, in every round another one first."""
        able = [one for one in contenders if one.name not in workload.without and profile.cloud in one.connects]
        results = {contender.name: Result() for contender in able}
        for order in rotated(able, rounds):
            for contender in order:
                if not results[contender.name].is_over:
                    results[contender.name].add(self._once(workload, profile, contender))
        return results

    def _once(self, workload: Workload, profile: Profile, contender: Contender) -> dict[str, Any]:
        self._runs += 1
        out, is_far = f"run-{self._runs}", profile.latency_ms > 0
        with tempfile.TemporaryDirectory(dir=self._scratch) as scratch:
            job = {
                "workload": workload.name,
                "contender": contender.name,
                "cloud": profile.cloud,
                "access": {**self._place.access, "is_far": is_far},
                "out": f"{BUCKET}/{out}",
                "cold_path": f"{BUCKET}/{LARGE}",
                "originals": str(self._originals),
                "scratch": scratch,
                "quick": self._quick,
                "is_far": is_far,
            }
            said = measure(job, self._place, profile, self._patience)
        self._place.begin(PROFILES["zero"])
        if not all(self._is_written(*each) for each in said.pop("written", [])):
            said["error"] = "wrong data on the server"
        self._remove(f"{out}/")
        return said

    def _is_written(self, path: str, start: int, stop: int) -> bool:
        body = self._client.get_object(Bucket=BUCKET, Key=path.removeprefix(f"{BUCKET}/"))["Body"]
        at = start
        while found := body.read(STEP_BYTES):
            if found != read_part(self._originals / LARGE, at, at + len(found)):
                return False
            at += len(found)
        return at == stop

    def _remove(self, prefix: str) -> None:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
            if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", [])]:
                self._client.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})


def rotated(contenders: Sequence[Contender], rounds: int) -> Iterator[list[Contender]]:
    """The order of the contenders in each round."""
    for number in range(rounds):
        first = number % len(contenders)
        yield [*contenders[first:], *contenders[:first]]


@contextlib.contextmanager
def _place(wanted: str, folder: Path, keys: Mapping[str, int]) -> Iterator[Place]:
    """Run the server that is wanted; ``auto`` is our own where Go is there to build it, else moto."""
    with contextlib.ExitStack() as stack:
        try:
            place = stack.enter_context(SERVERS["own" if wanted == "auto" else wanted](folder, keys))
        except UnavailableError as error:
            if wanted != "auto":
                sys.exit(f"no such server: {error}")
            print(f"no fast server ({error}); using moto, which is slower than any contender", file=sys.stderr)
            place = stack.enter_context(SERVERS["moto"](folder, keys))
        yield place


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    several: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("--quick", action="store_true", help="small data: does it work? seconds say little")
    parser.add_argument("--only", choices=list(WORKLOADS), metavar="WORKLOAD", help="may be repeated", **several)
    parser.add_argument("--profile", choices=list(PROFILES), help="may be repeated (default: all)", **several)
    parser.add_argument(
        "--contender", choices=list(CONTENDERS), metavar="NAME", help="may be repeated (default: all)", **several
    )
    parser.add_argument("--rounds", type=int, help=f"of timing (default {ROUNDS}, quick: 1)")
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE_SECONDS,
        metavar="SECONDS",
        help="when a measurement is given up (default %(default).0f)",
    )
    parser.add_argument("--server", choices=["auto", *SERVERS], default="auto", help="default: auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    arguments = parser.parse_args(given)
    if arguments.rounds is None:
        arguments.rounds = 1 if arguments.quick else ROUNDS
    if arguments.rounds < 1:
        parser.error("--rounds must be positive")
    return arguments


def main(given: Sequence[str] | None = None) -> int:
    """Run the workloads and print the tables; 1 when a contender failed."""
    arguments = _arguments(given)
    contenders = [CONTENDERS[name] for name in arguments.contender or CONTENDERS]
    chosen = [
        (WORKLOADS[name], PROFILES[profile])
        for profile in arguments.profile or PROFILES
        for name in arguments.only or WORKLOADS
        if profile in WORKLOADS[name].goals
    ]
    results: dict[str, dict[str, dict[str, Result]]] = {}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="objfs-bench-") as name:
        folder, sizes = Path(name), QUICK if arguments.quick else FULL
        make_data(folder, sizes)
        keys = listed_keys(sizes) if any(workload.lists for workload, _ in chosen) else {}
        with _place(arguments.server, folder, keys) as place:
            bench = Bench(place, folder, quick=arguments.quick, patience_seconds=arguments.patience)
            for number, (workload, profile) in enumerate(chosen, 1):
                print(f"[{number}/{len(chosen)}] {profile.name}: {workload.name}", file=sys.stderr)
                row = bench.compare(workload, profile, contenders, arguments.rounds)
                results.setdefault(profile.name, {})[workload.name] = row
    report = as_json(results, server=place.name, rounds=arguments.rounds, quick=arguments.quick)
    report["minutes"] = round((time.monotonic() - started) / 60, 1)
    print(as_text(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(any(result.error for rows in results.values() for row in rows.values() for result in row.values()))


if __name__ == "__main__":
    sys.exit(main())
