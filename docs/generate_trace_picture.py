"""Draws the picture of docs/how-to/see-what-a-read-costs.md: two ways to read two columns of a Parquet table.

A server on loopback answers each request after 20 ms, as one in the same region does. Run it as a script; it needs
pyarrow, objfs[test] and Chromium on the path.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import objfs
from objfs.testing import ExpiringGateway, LocalCredentialsProvider, S3Server

PICTURE = Path(__file__).parent / "how-to" / "trace.png"
DELAY_MILLISECONDS = 20
ROWS, COLUMNS, ROW_GROUPS = 400_000, 12, 8
# Two columns that do not lie beside each other.
WANTED = ["column02", "column07"]
NAMES = ("with-readahead.parquet", "as-opened.parquet")
SIZE = "1200,860"


def table() -> pa.Table:
    """Numbers that hardly compress."""
    random = np.random.default_rng(7)
    return pa.table({f"column{number:02}": random.random(ROWS).astype("f4") for number in range(COLUMNS)})


def read_both(fs: fsspec.AbstractFileSystem) -> objfs.Trace:
    """The same columns of the same bytes: through a cache that reads ahead blindly, and as objfs opens a file."""
    with objfs.trace() as trace:
        with fs.open(f"data/{NAMES[0]}", cache_type="readahead", block_size=1 << 20) as file:
            pq.read_table(file, columns=WANTED)
        with fs.open(f"data/{NAMES[1]}") as file:
            pq.read_table(file, columns=WANTED)
    return trace


def main() -> None:
    """Write the tables, read them, show the page."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("the picture needs Chromium on the path")
    with S3Server() as server, ExpiringGateway(server.endpoint) as gateway, tempfile.TemporaryDirectory() as folder:
        provider = LocalCredentialsProvider(gateway.endpoint, lifetime_seconds=600)
        fs = fsspec.filesystem("s3", storage_options_provider=provider, endpoint_url=gateway.endpoint)
        fs.mkdir("data")
        for name in NAMES:
            with fs.open(f"data/{name}", "wb") as file:
                pq.write_table(table(), file, row_group_size=ROWS // ROW_GROUPS, compression="none")
        gateway.delay(DELAY_MILLISECONDS)
        trace = read_both(fs)
        page = Path(folder) / "trace.html"
        trace.to_html(page)
        print(trace)
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [
            f"--window-size={SIZE}",
            f"--user-data-dir={folder}/profile",
            "--blink-settings=preferredColorScheme=1",
        ]
        subprocess.run([*command, f"--screenshot={PICTURE}", page.as_uri()], check=True, capture_output=True)
    print(f"{PICTURE} ({PICTURE.stat().st_size >> 10} KiB)")


if __name__ == "__main__":
    main()
