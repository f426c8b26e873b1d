"""One measurement from the parent's side: a new process, what it says, and what the server counts meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from profiles import Profile
from servers import Place

ROOT = Path(__file__).resolve().parents[1]
CHILD = Path(__file__).with_name("measure.py")
CHECK_SECONDS = 120.0
# Read by a backend, they would change what is measured.
FOREIGN = ("AWS_", "AZURE_", "FSSPEC_", "GCSFS_", "GOOGLE_", "OBJFS_", "S3FS_", "STORAGE_EMULATOR_")
NOWHERE = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "FSSPEC_CONFIG_DIR": os.devnull,
    "NO_GCE_CHECK": "true",
    "PYTHONDONTWRITEBYTECODE": "",  # sources that were never compiled would be, in every process
}


def measure(job: dict[str, Any], place: Place, profile: Profile, patience_seconds: float) -> dict[str, Any]:
    """Run one job in a new process.

    Parameters
    ----------
    job
        What `measure.py` is to do.
    patience_seconds
        When the process is ended that has not finished the workload.

    Returns
    -------
    dict
        The figures of the process and of the server; ``error`` in their place when it failed, ``over_seconds`` when it
        was ended. ``exit_status`` is there when it is not 0.
    """
    place.begin(profile)
    job["spawned_at"] = time.monotonic()  # the same clock in all processes of a machine
    with tempfile.TemporaryFile("w+") as errors, _started(job, errors) as child:
        said = _followed(child, place, profile, patience_seconds)
        status = child.wait()
        if not said:
            errors.seek(0)
            said = {"error": (errors.read().strip().splitlines() or [f"exit status {status}"])[-1]}
    if status and "over_seconds" not in said:
        said["exit_status"] = status
    return said


def _started(job: dict[str, Any], errors: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), json.dumps(job)],
        env=_environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )


def _followed(child: subprocess.Popen[str], place: Place, profile: Profile, patience_seconds: float) -> dict[str, Any]:
    said: dict[str, Any] = {}
    counted: dict[str, Any] | None = None
    alarm = threading.Timer(patience_seconds, child.kill)
    alarm.start()
    for line in child.stdout:
        match line.strip():
            case "ready":
                place.begin(profile)
                child.stdin.write("\n")
                child.stdin.flush()
            case "done":
                counted = _figures(place.counted())
                alarm.cancel()
                alarm = threading.Timer(CHECK_SECONDS, child.kill)
                alarm.start()
            case text:
                said = json.loads(text)
    was_ended = alarm.finished.is_set()
    alarm.cancel()
    if not said and was_ended:
        return {"over_seconds": patience_seconds} if counted is None else {"error": "the check took too long"}
    return {**said, **(counted or {})}


def _figures(counted: dict[str, Any]) -> dict[str, Any]:
    return {
        "requests": counted["requests"],
        "methods": counted["methods"],
        "bytes_from_server": counted["bytes_out"],
        "bytes_to_server": counted["bytes_in"],
        "most_in_flight": counted.get("most_in_flight"),
    }


def _environ() -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    # The sources beside this file are measured, whether they are installed or not.
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environ.get("PYTHONPATH")]))
    return {**environ, **NOWHERE}


def _is_foreign(name: str) -> bool:
    return name.upper().startswith(FOREIGN) or name.upper().endswith("_PROXY")
