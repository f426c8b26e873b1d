"""Programs that end right after pyarrow has read through the filesystem: each of them must end as it meant to."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.ecosystem.conftest import Lake

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="what is imported already makes an end cheap")

FILES = 3
# Kind of work to processes; OBJFS_EXITS=50 tries harder. Without the wait at exit about one in ten is aborted, and of
# the abandoned scans two in three hang (run with pyarrow 26).
PROCESSES = {"table": 16, "dataset": 6, "abandoned_scan": 6, "open_reader": 2}

# Imports once, then forks one process after another, two at a time; each does its work and ends as any program does.
PROGRAM = """
import json, os, sys, warnings
import pyarrow.dataset as ds, pyarrow.parquet as pq
import objfs, s3fs

work, paths, options, count = json.loads(sys.argv[1])

def table(fs):
    pq.read_table(paths[0], filesystem=fs)

def dataset(fs):
    ds.dataset(paths, filesystem=fs).to_table()

def abandoned_scan(fs):
    return next(ds.dataset(paths, filesystem=fs).scanner().to_batches())

def open_reader(fs):
    reader = pq.ParquetFile(paths[0], filesystem=fs)
    reader.read_row_group(0)
    return reader

warnings.simplefilter("ignore")  # Python 3.12 warns of a fork beside threads, here an idle one of the allocator
running, ends = 0, []
while count or running:
    if count and running < 2:
        count, running = count - 1, running + 1
        if os.fork() == 0:
            kept = globals()[work](objfs.S3FileSystem(**options))
            sys.exit(7)
    else:
        running -= 1
        ends.append(os.waitstatus_to_exitcode(os.wait()[1]))
print(json.dumps(ends))
"""


def run_group(command: list[str]) -> tuple[int | None, str, str]:
    """Status and output of a program; what hangs is killed with all its children."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        printed, said = process.communicate(timeout=100)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return (None, *process.communicate())
    return process.returncode, printed, said


@pytest.mark.parametrize("work", PROCESSES)
def test_every_process_ends_as_it_meant_to(make_lake: Any, work: str) -> None:
    """None is aborted or hangs because a thread of pyarrow or obstore comes too late, and none says a word."""
    count = int(os.environ.get("OBJFS_EXITS", PROCESSES[work]))
    lake: Lake = make_lake("static keys")
    file = io.BytesIO()
    pq.write_table(pa.table({f"c{n}": range(10_000) for n in range(5)}), file, row_group_size=2_500)
    keys = [f"set/{n}.parquet" for n in range(FILES)]
    for key in keys:
        lake.put(key, file.getvalue())
    arguments = json.dumps([work, [lake.path(key) for key in keys], lake.options, count])
    status, printed, said = run_group([sys.executable, "-c", PROGRAM, arguments])
    assert (status, said) == (0, "")
    assert json.loads(printed) == [7] * count
