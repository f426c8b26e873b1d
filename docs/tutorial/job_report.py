"""What the main job prints: one line per step, then what came back beside what was written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from objfs.testing import ExpiringGateway


@dataclass(frozen=True)
class Checksum:
    """What must come back: how many values, and their exact sum."""

    count: int
    total: int


class Report:
    """Prints what the gateway has counted, if there is one, and remembers what went wrong."""

    def __init__(self, gateway: ExpiringGateway | None = None) -> None:
        self._gateway = gateway
        self._checks: list[tuple[str, Checksum, Checksum]] = []
        self._failures: list[str] = []
        self._remarks: list[str] = []
        counted = f"{'MB':>8}{'requests':>10}{'credentials so far':>20}" if gateway else ""
        print(f"{'step':<42}{'seconds':>8}{counted}")

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Measure a block and print its line."""
        before, begun = self._gateway and self._gateway.stats(), time.perf_counter()
        yield
        seconds, counted = time.perf_counter() - begun, ""
        if self._gateway and before:
            after = self._gateway.stats()
            megabytes = sum(after[way] - before[way] for way in ("bytes_in", "bytes_out")) / 1e6
            requests = after["requests"] - before["requests"]
            counted = f"{megabytes:>8.1f}{requests:>10}{credentials_used(self._gateway):>20}"
        print(f"{what:<42}{seconds:>8.1f}{counted}", flush=True)

    def compare(self, what: str, found: Checksum, expected: Checksum) -> None:
        """Keep a checksum for the table at the end."""
        self._checks.append((what, found, expected))
        self.require(found == expected, f"{what}: {found} was read, {expected} was written")

    def require(self, condition: bool, failure: str) -> None:
        """Remember a failure."""
        if not condition:
            self._failures.append(failure)

    def remark(self, text: str) -> None:
        """Keep a line for the end."""
        self._remarks.append(text)

    def close(self) -> int:
        """Print the checksums, the totals and the verdict; returns the exit code."""
        print(f"\n{'checksums':<30}{'values':>12}{'sum':>22}{'generated':>22}")
        for what, found, expected in self._checks:
            verdict = "same" if found == expected else "DIFFERENT"
            print(f"{what:<30}{found.count:>12,}{found.total:>22}{expected.total:>22}  {verdict}")
        print()
        if self._gateway:
            self._sum_up(self._gateway)
        for remark in self._remarks:
            print(remark)
        for failure in self._failures:
            print(f"FAILED: {failure}")
        if not self._failures:
            print("Everything that was read is what was generated.")
        return 1 if self._failures else 0

    def _sum_up(self, gateway: ExpiringGateway) -> None:
        """Print what the gateway has counted in all."""
        stats, used = gateway.stats(), credentials_used(gateway)
        self.require(used >= 3, f"only {used} credentials were used; give the job more --rows")
        print(f"{stats['bytes_in'] / 1e6:.0f} MB written and {stats['bytes_out'] / 1e6:.0f} MB read ", end="")
        refused = sum(stats["rejections"].values())
        print(f"in {stats['requests']} requests, {refused} of them refused, with {used} credentials.")


def credentials_used(gateway: ExpiringGateway) -> int:
    """Count the access keys that have signed a request which was let through."""
    return len({record.access_key_id for record in gateway.requests() if record.error is None})
