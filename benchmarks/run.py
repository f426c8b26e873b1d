"""Measure objfs and its peers against a local S3 server; see README.md beside this file."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # tests.go_servers is not installed

from contenders import CONTENDERS, Access, Contender  # noqa: E402 - the path comes first
from report import as_json, as_text  # noqa: E402
from workloads import FULL, LARGE, QUICK, TABLE, WORKLOADS, Sizes, Workload, make_originals, small_parts  # noqa: E402

from objfs.testing import ExpiringGateway, S3Server  # noqa: E402

BUCKET, REGION = "benchmarks", "us-east-1"
CHILD = Path(__file__).with_name("measure.py")
CHILD_SECONDS = 180
ROUNDS = 3
# Read by a backend, they would change what is measured.
FOREIGN = ("AWS_", "FSSPEC_", "S3FS_", "OBJFS_")
NOWHERE = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "FSSPEC_CONFIG_DIR": os.devnull,
}


@dataclass
class Result:
    """What one contender did in one workload.

    Parameters
    ----------
    rounds
        One measurement each: ``seconds``, ``cpu_seconds``, ``memory_mib``.
    counted
        ``requests``, ``methods``, ``bytes_from_server``, ``bytes_to_server`` of one run of a cold process.
    error
        The first failure; there are no figures then.
    """

    rounds: list[dict[str, float]] = field(default_factory=list)
    counted: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


class Bench:
    """A server with the data, and the processes that are measured against it.

    Parameters
    ----------
    client
        A plain botocore client: what is on the server, seen without any contender.
    access
        How the contenders reach the server.
    gateway
        In front of the server, for the runs that are counted.
    folder
        For the originals and the children's scratch files.
    """

    def __init__(self, client: Any, access: Access, gateway: ExpiringGateway, folder: Path, *, quick: bool) -> None:
        self._client, self._access, self._quick = client, access, quick
        self._gateway = gateway
        self._through = Access(gateway.endpoint, access.key, access.secret, access.region)
        self._originals, self._scratch = folder / "originals", folder / "scratch"
        self._runs = 0

    @property
    def _sizes(self) -> Sizes:
        return QUICK if self._quick else FULL

    def upload(self) -> None:
        """Make the data and put it on the server."""
        for path in (self._originals, self._scratch):
            path.mkdir()
        make_originals(self._originals, self._sizes)
        self._client.create_bucket(Bucket=BUCKET)
        for name in (LARGE, TABLE):
            with (self._originals / name).open("rb") as body:
                self._client.put_object(Bucket=BUCKET, Key=f"source/{name}", Body=body)
        data = (self._originals / LARGE).read_bytes()
        for name, part in small_parts(self._sizes).items():
            self._client.put_object(Bucket=BUCKET, Key=f"source/{name}", Body=data[part])

    def measure(self, workload: Workload, rounds: int) -> dict[str, Result]:
        """Every contender in turn, in every round another one first; then one counting run each.

        With no rounds the counting run is timed instead, which says little: the gateway takes its share.
        """
        results = {name: Result() for name in CONTENDERS}
        for order in rotated(list(CONTENDERS.values()), rounds):
            for contender in order:
                result = results[contender.name]
                if result.error is None:
                    said = self._child(workload, contender, self._access)
                    result.error = said.pop("error", None)
                    result.rounds.append(said)
        for contender in CONTENDERS.values():
            if results[contender.name].error is None:
                self._count(workload, contender, results[contender.name])
        return results

    def _count(self, workload: Workload, contender: Contender, result: Result) -> None:
        """Run once more, through a gateway that counts, and look at what was written."""
        self._gateway.reset()
        said = self._child(workload, contender, self._through, counting=True)
        stats = self._gateway.stats()
        result.error = said.pop("error", None)
        result.rounds = result.rounds or [said]
        result.counted = {
            "requests": stats["requests"],
            "methods": stats["methods"],
            "bytes_from_server": stats["bytes_out"],
            "bytes_to_server": stats["bytes_in"],
        }

    def _child(
        self, workload: Workload, contender: Contender, access: Access, *, counting: bool = False
    ) -> dict[str, Any]:
        self._runs += 1
        out = f"run-{self._runs}"
        job = {
            "workload": workload.name,
            "contender": contender.name,
            "access": asdict(access),
            "source": f"{BUCKET}/source",
            "out": f"{BUCKET}/{out}",
            "originals": str(self._originals),
            "scratch": str(self._scratch),
            "quick": self._quick,
            "warm": not counting,
        }
        said = _run_child(job)
        # Reading everything back takes longer than some workloads: once per contender is enough.
        written = said.pop("written", [])
        if counting and not self._is_written(written):
            said["error"] = "wrong data on the server"
        if written:
            self._remove(f"{out}/")
        return said

    def _is_written(self, written: Sequence[tuple[str, int, int]]) -> bool:
        data = (self._originals / LARGE).read_bytes()
        return all(
            self._client.get_object(Bucket=BUCKET, Key=path.removeprefix(f"{BUCKET}/"))["Body"].read()
            == data[start:stop]
            for path, start, stop in written
        )

    def _remove(self, prefix: str) -> None:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
            for entry in page.get("Contents", []):
                self._client.delete_object(Bucket=BUCKET, Key=entry["Key"])


def rotated(contenders: Sequence[Contender], rounds: int) -> Iterator[list[Contender]]:
    """The order of the contenders in each round."""
    for number in range(rounds):
        first = number % len(contenders)
        yield [*contenders[first:], *contenders[:first]]


def _run_child(job: dict[str, Any]) -> dict[str, Any]:
    environ = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    # The sources beside this file are measured, whether they are installed or not.
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environ.get("PYTHONPATH")]))
    job["spawned_at"] = time.monotonic()  # the same clock in all processes of a machine
    try:
        done = subprocess.run(
            [sys.executable, str(CHILD), json.dumps(job)],
            env={**environ, **NOWHERE},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not finished after {CHILD_SECONDS} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]}
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def _is_foreign(name: str) -> bool:
    return name.upper().startswith(FOREIGN) or name.upper().endswith("_PROXY")


@contextlib.contextmanager
def _server(wanted: str) -> Iterator[tuple[str, Access]]:
    """Run the server that is wanted; ``auto`` is MinIO where it is or can be built, else moto."""
    if wanted != "moto":
        try:
            from tests import go_servers  # noqa: PLC0415 - an installed package has no tests
        except ImportError as error:
            reason = str(error)
        else:
            try:
                server, binary = go_servers.find_server()
            except go_servers.UnavailableError as error:
                reason = str(error)
            else:
                with go_servers.running(server, binary) as endpoint:
                    yield (
                        f"{server.name} {server.version}",
                        Access(endpoint, go_servers.ACCESS_KEY, go_servers.SECRET_KEY, REGION),
                    )
                return
        if wanted == "minio":
            sys.exit(f"no MinIO: {reason}")
        print(f"no MinIO ({reason}); using moto, which is slower than any contender", file=sys.stderr)
    with S3Server() as moto:
        yield "moto", Access(moto.endpoint, moto.options["key"], moto.options["secret"], REGION)


def _client(access: Access) -> Any:
    from botocore.config import Config  # noqa: PLC0415 - after the arguments were checked
    from botocore.session import Session  # noqa: PLC0415

    return Session().create_client(
        "s3",
        region_name=access.region,
        endpoint_url=access.endpoint,
        aws_access_key_id=access.key,
        aws_secret_access_key=access.secret,
        config=Config(s3={"addressing_style": "path"}),
    )


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data, counted but not really timed")
    parser.add_argument("--only", action="append", choices=list(WORKLOADS), metavar="WORKLOAD", help="may be repeated")
    parser.add_argument("--rounds", type=int, help=f"of timing (default {ROUNDS}, quick: none)")
    parser.add_argument("--server", choices=["auto", "minio", "moto"], default="auto", help="default: auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    arguments = parser.parse_args(given)
    if arguments.rounds is None:
        arguments.rounds = 0 if arguments.quick else ROUNDS
    if arguments.rounds < 0:
        parser.error("--rounds must not be negative")
    return arguments


def main(given: Sequence[str] | None = None) -> int:
    """Run the workloads and print the tables; 1 when a contender failed."""
    arguments = _arguments(given)
    chosen = [WORKLOADS[name] for name in arguments.only or WORKLOADS]
    results: dict[str, dict[str, Result]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="objfs-bench-") as folder,
        _server(arguments.server) as (server, access),
        ExpiringGateway(access.endpoint, own_process=True) as gateway,
    ):
        gateway.admit(access.key)
        bench = Bench(_client(access), access, gateway, Path(folder), quick=arguments.quick)
        bench.upload()
        for number, workload in enumerate(chosen, 1):
            print(f"[{number}/{len(chosen)}] {workload.name}: {workload.meaning}", file=sys.stderr)
            results[workload.name] = bench.measure(workload, arguments.rounds)
    report = as_json(results, server=server, rounds=arguments.rounds, quick=arguments.quick)
    print(as_text(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(any(result.error for row in results.values() for result in row.values()))


if __name__ == "__main__":
    sys.exit(main())
