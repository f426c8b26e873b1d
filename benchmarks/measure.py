"""One measurement, in a process of its own.

The job comes as JSON in the first argument. The process says ``ready`` when the clock is about to start, waits for a
line, says ``done`` when the clock has stopped, and then its result as JSON. Modules that only the harness needs are
imported after the clock of a cold start has stopped.
"""

from __future__ import annotations

import json
import sys
import time

import cold
from contenders import CONTENDERS

WARM_BYTES = b"warm"


def main(job):  # noqa: ANN001, ANN201 - a type would have to be imported
    """Run one workload on one contender; an error is a result, too."""
    connect = CONTENDERS[job["contender"]].connects[job["cloud"]]
    try:
        if job["workload"] in cold.ACTIONS:
            fs = connect(job["access"])
            result = cold.ACTIONS[job["workload"]](fs, job["cold_path"])
            figures = {"seconds": time.monotonic() - job["spawned_at"], "cpu_seconds": time.process_time()}
            _say("done")
            return _judged(job, fs, result, {**figures, **_memory(0.0)})
        fs = connect(job["access"])
        _warm(fs, job["out"])
        return _measured(job, fs)
    except Exception as error:  # noqa: BLE001 - what a contender cannot do is a finding
        return {"error": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"}


def _measured(job, fs):  # noqa: ANN001, ANN202
    from workloads import WORKLOADS  # noqa: PLC0415 - see above

    workload, scene = WORKLOADS[job["workload"]], _scene(job, fs)
    ready = workload.prepare(scene)
    _say("ready")
    sys.stdin.readline()
    before, cpu_before = _peak_mib(), time.process_time()
    started = time.monotonic()
    result = workload.run(scene, ready)
    seconds = time.monotonic() - started
    figures = {"seconds": seconds, "cpu_seconds": time.process_time() - cpu_before, **_memory(before)}
    _say("done")
    return _judged(job, fs, result, figures)


def _judged(job, fs, result, figures):  # noqa: ANN001, ANN202
    from workloads import WORKLOADS  # noqa: PLC0415 - see above

    workload = WORKLOADS[job["workload"]]
    if workload.check is None:
        figures["written"] = [[path, part.start, part.stop] for path, part in result.items()]
    elif not workload.check(_scene(job, fs), result):
        figures["error"] = "wrong data"
    return figures


def _scene(job, fs):  # noqa: ANN001, ANN202
    from pathlib import Path  # noqa: PLC0415 - see above

    from data import Scene, Sizes  # noqa: PLC0415

    return Scene(fs, job["out"], Path(job["originals"]), Path(job["scratch"]), Sizes(**job["sizes"]))


def _warm(fs, out):  # noqa: ANN001, ANN202
    """Load what is loaded on first use, and open a connection."""
    path = f"{out}/warm"
    fs.pipe_file(path, WARM_BYTES)
    fs.cat_file(path)
    fs.info(path)


def _memory(before):  # noqa: ANN001, ANN202
    peak = _peak_mib()
    return {} if peak is None else {"peak_mib": peak, "memory_mib": peak - before}


def _peak_mib():  # noqa: ANN202
    """The most memory this process has ever used; ``ru_maxrss`` would be the parent's, were that larger."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    except OSError:  # not Linux
        return None


def _say(word):  # noqa: ANN001, ANN202
    print(word, flush=True)


if __name__ == "__main__":
    _say(json.dumps(main(json.loads(sys.argv[1]))))
