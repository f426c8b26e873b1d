"""One measurement, in a process of its own: the job comes as JSON in the first argument, the result goes to stdout."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from contenders import CONTENDERS, Access
from workloads import FULL, QUICK, WORKLOADS, Scene, Workload

WARM_BYTES = b"warm"


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Run one workload on one contender; an error is a result, too."""
    workload, contender = WORKLOADS[job["workload"]], CONTENDERS[job["contender"]]
    with tempfile.TemporaryDirectory(prefix="objfs-bench-", dir=job["scratch"]) as scratch:
        try:
            fs = contender.connect(Access(**job["access"]))
            scene = Scene(
                fs=fs,
                source=job["source"],
                out=job["out"],
                originals=Path(job["originals"]),
                scratch=Path(scratch),
                sizes=QUICK if job["quick"] else FULL,
            )
            return _measure(workload, scene, job)
        except Exception as error:  # noqa: BLE001 - what a contender cannot do is a finding
            return {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}


def _measure(workload: Workload, scene: Scene, job: dict[str, Any]) -> dict[str, Any]:
    ready = workload.prepare(scene)
    started, cpu_before = job["spawned_at"], 0.0
    if not workload.is_cold:
        if job["warm"]:
            _warm(scene)
        cpu_before = time.process_time()
    memory_before = _peak_mib()
    if not workload.is_cold:
        started = time.monotonic()
    result = workload.run(scene, ready)
    seconds = time.monotonic() - started
    cpu_seconds = time.process_time() - cpu_before
    memory_after = _peak_mib()
    measured: dict[str, Any] = {"seconds": seconds, "cpu_seconds": cpu_seconds}
    if memory_before is not None and memory_after is not None:
        measured["memory_mib"] = memory_after - memory_before
    if workload.check is None:
        measured["written"] = [[path, part.start, part.stop] for path, part in result.items()]
    elif not workload.check(scene, result):
        measured["error"] = "wrong data"
    return measured


def _warm(scene: Scene) -> None:
    """Load what is loaded on first use, and open a connection."""
    path = f"{scene.out}/warm"
    scene.fs.pipe_file(path, WARM_BYTES)
    scene.fs.cat_file(path)
    scene.fs.info(path)


def _peak_mib() -> float | None:
    """The most memory this process has ever used; ``ru_maxrss`` would be the parent's, were that larger."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:  # not Linux
        return None
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
