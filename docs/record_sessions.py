"""Run the sessions of docs/how-to/use-the-command-line.md again: ``python docs/record_sessions.py``.

Each line that begins with ``$`` in a block of language ``console`` is a command; what follows is what it prints, on
either stream. All commands run in this process, in a new directory, with the variables of a server of their own in the
environment, page from top to bottom. What differs from run to run (times, signatures, ports, rates) is replaced by
something that does not. With ``--check`` nothing is written, and the exit code says whether the page is current.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from objfs.cli.entry import main as run_command
from objfs.testing import S3Server

PAGE: Final = Path(__file__).parent / "how-to" / "use-the-command-line.md"
BLOCK: Final = re.compile(r"```console\n(.*?)```", re.DOTALL)
VOLATILE: Final = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "2026-03-01T12:00:00Z"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "https://s3.example.com"),
    (re.compile(r"AWSAccessKeyId=\S+"), "AWSAccessKeyId=…"),
    (re.compile(r"[\d.]+ m?s of [\d.]+ m?s waiting"), "24 ms of 58 ms waiting"),
    (re.compile(r": \d+ sets were used"), ": 3 sets were used"),
    (re.compile(r"/\S*/session-\w+"), "~"),
)
# What is done side by side is told in any order.
UNORDERED: Final = ("copy ", "move ")
# Of what is long, the first lines are shown.
LINES: Final = {"explain": 12, "trace": 4}
# What else would say which server, whose keys and whose certificates.
PREFIXES: Final = ("AWS_", "CURL_CA_", "OBJFS_", "REQUESTS_CA_", "SSL_CERT_")
FILES: Final = {
    "data/readings.csv": "".join(f"{number},{number * number}\n" for number in range(2000)),
    "data/notes.txt": "calibrated in March\n",
    "data/raw/first.bin": "0" * 40_000,
    "data/raw/second.bin": "1" * 70_000,
    "data/raw/scratch.tmp": "temporary",
    "job.py": "import fsspec\nprint(next(fsspec.open('s3://my-bucket/data/readings.csv', 'rt').open()))",
}


@contextlib.contextmanager
def surroundings() -> Iterator[None]:
    """A directory with files, a server with two empty buckets, and variables that lead there."""
    before, folder = dict(os.environ), os.getcwd()
    with S3Server() as server, tempfile.TemporaryDirectory(prefix="session-") as home:
        for name, text in FILES.items():
            (Path(home) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(home) / name).write_text(text, "utf-8")
        server.create_bucket("my-bucket")
        server.create_bucket("other-bucket")
        for name in [name for name in os.environ if name.startswith(PREFIXES)]:
            del os.environ[name]
        os.environ |= {"AWS_ENDPOINT_URL": server.endpoint, "AWS_DEFAULT_REGION": "us-east-1", "COLUMNS": "120"}
        os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        os.chdir(home)
        try:
            yield
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(before)


def output_of(command: str) -> str:
    """What a command prints, made the same in every run, and its exit code where it is not 0."""
    program, *words = shlex.split(command)
    if program != "objfs":
        msg = f"sessions hold calls of objfs only, not {command!r}"
        raise ValueError(msg)
    screen = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        code = run_command(words)
    text = screen.buffer.getvalue().decode()
    for pattern, constant in VOLATILE:
        text = pattern.sub(constant, text)
    lines = text.splitlines()
    if all(line.startswith(UNORDERED) for line in lines):
        lines.sort()
    if len(lines) > LINES.get(words[0], len(lines)):
        lines = [*lines[: LINES[words[0]]], "…"]
    return "".join(f"{line}\n" for line in lines) + (f"(exit code {code})\n" if code else "")


def recorded(page: str) -> str:
    """The page, with the sessions as they are now."""

    def again(match: re.Match[str]) -> str:
        commands = [line for line in match[1].splitlines() if line.startswith("$ ")]
        return "```console\n" + "".join(f"{line}\n{output_of(line[2:])}" for line in commands) + "```"

    with surroundings():
        return BLOCK.sub(again, page)


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is not current")
    check = parser.parse_args().check
    before = PAGE.read_text("utf-8")
    after = recorded(before)
    if check and before != after:
        print(f"{PAGE} is not current: run python docs/record_sessions.py", file=sys.stderr)
        return 1
    PAGE.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
