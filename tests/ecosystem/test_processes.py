"""Child processes of ``multiprocessing``, and the end of a process that has used much and closed little."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from typing import Any

import pytest

from tests.ecosystem.conftest import Lake

pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

# Runs in a fresh process: where, with which credentials, how to start children.
SCRIPT = """
import json, multiprocessing, sys
import fsspec, pandas as pd
from objfs.testing import LocalCredentialsProvider

def read(path, options):
    return len(pd.read_parquet("s3://" + path, storage_options=options))

def list_and_read(path, fs):
    return [fs.ls(path.rpartition("/")[0], detail=False), fs.cat_file(path, end=4).decode(), type(fs).__module__]

def main():
    path, endpoint, method = sys.argv[1:]
    options = {"endpoint_url": endpoint, "storage_options_provider": LocalCredentialsProvider(endpoint, 1.5)}
    pd.DataFrame({"a": range(1000)}).to_parquet("s3://" + path, storage_options=options)
    fs = fsspec.filesystem("s3", **options)
    fs.ls(path.rpartition("/")[0])
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap(read, [(path, options)] * 4), pool.starmap(list_and_read, [(path, fs)] * 4)
        pool.close()
        pool.join()
    assert read(path, options) == 1000
    print(json.dumps(found))

if __name__ == "__main__":
    main()
"""

EXIT = """
import asyncio, sys
import fsspec, pandas as pd
from objfs.testing import LocalCredentialsProvider

path, endpoint = sys.argv[1:]
options = {"endpoint_url": endpoint, "storage_options_provider": LocalCredentialsProvider(endpoint, 1.5)}
pd.DataFrame({"a": range(1000)}).to_parquet("s3://" + path, storage_options=options)
fs = fsspec.filesystem("s3", **options)
reader = fs.open(path)
reader.read(10)
fs.find(path.partition("/")[0])
asyncio.run(fsspec.filesystem("s3", asynchronous=True, **options)._info(path))
try:
    import zarr
except ImportError:
    pass
else:
    zarr.create_array("s3://" + path + ".zarr", data=pd.Series(range(10)).to_numpy(), storage_options=options)
"""


def run(script: str, tmp_path: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter that shows every warning."""
    file = tmp_path / "script.py"
    file.write_text(script)
    command = [sys.executable, "-W", "always::ResourceWarning", str(file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_multiprocessing_children_read_and_list(expiring_lake: Lake, tmp_path: Any, method: str) -> None:
    """Children that are started anew, and children that are forked after the parent has used both planes."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    path = expiring_lake.path("d/a.parquet")
    done = run(SCRIPT, tmp_path, path, expiring_lake.options["endpoint_url"], method)
    assert done.returncode == 0, done.stderr
    rows, seen = json.loads(done.stdout)
    assert rows == [1_000] * 4
    assert seen == [[[path], "PAR1", "objfs.s3_filesystem"]] * 4


def test_process_ends_silently(expiring_lake: Lake, tmp_path: Any) -> None:
    """Open readers, used event loops and idle connections leave no word at exit."""
    done = run(EXIT, tmp_path, expiring_lake.path("a.parquet"), expiring_lake.options["endpoint_url"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "a.parquet" in expiring_lake.stored()
