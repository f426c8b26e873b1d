"""Measure objfs and its peers against a server on this machine; see README.md beside this file."""

from __future__ import annotations

import argparse
import compileall
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' servers are not installed

from contenders import CONTENDERS, Contender
from data import BUCKET, LARGE, Sizes, listed_keys, make_data, read_part
from processes import ROOT, measure
from profiles import NEAR, PROFILES, Profile, base_sizes, sizes_in
from report import as_json, as_text
from servers import SERVERS, Place
from workloads import WORKLOADS, Workload

from tests.server_processes import UnavailableError

ROUNDS = 3
PATIENCE_SECONDS = 30.0
# Whoever takes longer is not measured again in the same row.
SLOW_SECONDS = 2.0


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

    def __init__(self, place: Place, folder: Path, sizes: Sizes, *, patience_seconds: float) -> None:
        self._place, self._sizes, self._patience = place, sizes, patience_seconds
        self._originals, self._scratch = folder / BUCKET, folder / "scratch"
        self._scratch.mkdir()
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
        out = f"{BUCKET}/run-{self._runs}"
        with tempfile.TemporaryDirectory(dir=self._scratch) as scratch:
            job = {
                "workload": workload.name,
                "contender": contender.name,
                "cloud": profile.cloud,
                "access": {**self._place.access, "is_far": profile.is_far},
                "out": out,
                "cold_path": f"{BUCKET}/{LARGE}",
                "originals": str(self._originals),
                "scratch": scratch,
                "sizes": asdict(sizes_in(profile, self._sizes)),
            }
            said = measure(job, self._place, profile, self._patience)
        self._place.begin(NEAR)
        for path, start, stop in said.pop("written", []):
            key = path.removeprefix(f"{BUCKET}/")
            if self._place.raw.get(key) != read_part(self._originals / LARGE, start, stop):
                said["error"] = "wrong data on the server"
            self._place.raw.delete(key)
        return said


def rotated(contenders: Sequence[Contender], rounds: int) -> Iterator[list[Contender]]:
    """The order of the contenders in each round."""
    for number in range(rounds):
        first = number % len(contenders)
        yield [*contenders[first:], *contenders[:first]]


@contextlib.contextmanager
def _place(cloud: str, wanted: str | None, folder: Path, keys: Mapping[str, int]) -> Iterator[Place]:
    """Run the server that is wanted, or the first of the cloud that can be had."""
    with contextlib.ExitStack() as stack:
        names = [wanted] if wanted else list(SERVERS[cloud])
        for name in names:
            try:
                place = stack.enter_context(SERVERS[cloud][name](folder, keys))
            except UnavailableError as error:
                print(f"no {name}: {error}", file=sys.stderr)
            else:
                yield place
                return
        msg = f"no server of {cloud}"
        raise UnavailableError(msg)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    several: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("--quick", action="store_true", help="small data: does it work? seconds say little")
    parser.add_argument("--only", choices=list(WORKLOADS), metavar="WORKLOAD", help="may be repeated", **several)
    parser.add_argument(
        "--profile", choices=list(PROFILES), help="may be repeated (default: all, quick: zero)", **several
    )
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
    parser.add_argument("--server", choices=list(SERVERS["s3"]), help="of S3 (default: the first that can be had)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for results.json, results.md and results.svg")
    arguments = parser.parse_args(given)
    if arguments.rounds is None:
        arguments.rounds = 1 if arguments.quick else ROUNDS
    if not arguments.profile:
        arguments.profile = [NEAR.name] if arguments.quick else list(PROFILES)
    if arguments.rounds < 1:
        parser.error("--rounds must be positive")
    return arguments


def main(given: Sequence[str] | None = None) -> int:
    """Run the workloads and print the tables; 1 when a contender failed."""
    arguments = _arguments(given)
    profiles = [PROFILES[name] for name in arguments.profile]
    results: dict[str, dict[str, dict[str, Result]]] = {}
    servers: dict[str, str] = {}
    for package in ("objfs", "benchmarks"):  # as pip does; compiling is no part of a cold start
        compileall.compile_dir(ROOT / package, quiet=1)
    started, load = time.monotonic(), [os.getloadavg()[0]]
    for cloud in dict.fromkeys(profile.cloud for profile in profiles):
        try:
            servers[cloud] = _run_cloud(cloud, [one for one in profiles if one.cloud == cloud], arguments, results)
        except UnavailableError as error:
            print(f"left out: {error}", file=sys.stderr)
    report = as_json(results, servers=servers, rounds=arguments.rounds, quick=arguments.quick)
    report |= {"minutes": (time.monotonic() - started) / 60, "load": [*load, os.getloadavg()[0]]}
    print(as_text(report))
    if arguments.out:
        _save(report, arguments.out)
    return int(
        not results or any(one.error for rows in results.values() for row in rows.values() for one in row.values())
    )


def _save(report: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(report) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(as_text(report) + "\n", encoding="utf-8")
    try:
        from chart import draw  # noqa: PLC0415 - figures can be had without matplotlib
    except ImportError as error:
        print(f"no chart: {error}", file=sys.stderr)
    else:
        draw(report, folder / "results.svg")


def _run_cloud(cloud: str, profiles: Sequence[Profile], arguments: argparse.Namespace, results: dict[str, Any]) -> str:
    """Measure in some profiles, which share a server; return the server's name."""
    contenders = [CONTENDERS[name] for name in arguments.contender or CONTENDERS]
    chosen = [
        (WORKLOADS[name], profile)
        for profile in profiles
        for name in arguments.only or WORKLOADS
        if profile.name in WORKLOADS[name].goals
    ]
    sizes = base_sizes(cloud, quick=arguments.quick)
    with tempfile.TemporaryDirectory(prefix="objfs-bench-") as name:
        folder = Path(name)
        make_data(folder, sizes)
        keys = listed_keys(sizes) if any(workload.lists for workload, _ in chosen) else {}
        with _place(cloud, arguments.server if cloud == "s3" else None, folder, keys) as place:
            bench = Bench(place, folder, sizes, patience_seconds=arguments.patience)
            for number, (workload, profile) in enumerate(chosen, 1):
                print(f"[{number}/{len(chosen)}] {profile.name}: {workload.name}", file=sys.stderr)
                row = bench.compare(workload, profile, contenders, arguments.rounds)
                results.setdefault(profile.name, {})[workload.name] = row
            return place.name


if __name__ == "__main__":
    sys.exit(main())
