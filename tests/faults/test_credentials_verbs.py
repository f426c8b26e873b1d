"""Every verb survives a revocation right before it: one more call of the provider, each refused request once more."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from objfs.credentials.refresher import LONGEST_SUSPICION_SECONDS
from tests.clouds import CloudUnderTest
from tests.faults.vending import Gate, machine_of

BODY = b"0123456789"
# As many requests may be under way when the credentials are refused.
MOST_AT_A_TIME = 4

# Each takes the filesystem, the bucket and a local folder.
VERBS: Mapping[str, Callable[[Any, str, Path], Any]] = {
    "cat_file": lambda fs, b, _: fs.cat_file(f"{b}/d/a"),
    "cat_file, a slice": lambda fs, b, _: fs.cat_file(f"{b}/d/a", start=-3),
    "cat": lambda fs, b, _: len(fs.cat([f"{b}/d/a", f"{b}/d/b"])),
    "cat_ranges": lambda fs, b, _: fs.cat_ranges([f"{b}/d/a", f"{b}/d/b"], [1, 2], [3, 4], on_error="raise"),
    "head": lambda fs, b, _: fs.head(f"{b}/d/a", 3),
    "tail": lambda fs, b, _: fs.tail(f"{b}/d/a", 3),
    "open": lambda fs, b, _: fs.open(f"{b}/d/a").read(),
    "info": lambda fs, b, _: fs.info(f"{b}/d/a")["size"],
    "info, a directory": lambda fs, b, _: fs.info(f"{b}/d")["type"],
    "exists": lambda fs, b, _: (fs.exists(f"{b}/d/a"), fs.exists(f"{b}/none")),
    "isfile": lambda fs, b, _: fs.isfile(f"{b}/d/a"),
    "isdir": lambda fs, b, _: fs.isdir(f"{b}/d"),
    "size": lambda fs, b, _: fs.size(f"{b}/d/a"),
    "modified": lambda fs, b, _: fs.modified(f"{b}/d/a").year > 2000,
    "ls": lambda fs, b, _: len(fs.ls(f"{b}/d")),
    "find": lambda fs, b, _: len(fs.find(b)),
    "glob": lambda fs, b, _: len(fs.glob(f"{b}/*/a")),
    "du": lambda fs, b, _: fs.du(b),
    "get": lambda fs, b, folder: (fs.get(f"{b}/d", f"{folder}/d", recursive=True), len(list(folder.rglob("?"))))[1],
    "get_file": lambda fs, b, folder: (fs.get_file(f"{b}/d/a", f"{folder}/a"), (folder / "a").read_bytes())[1],
    "pipe_file": lambda fs, b, _: fs.pipe_file(f"{b}/new", BODY),
    "pipe_file, if it is new": lambda fs, b, _: fs.pipe_file(f"{b}/new", BODY, mode="create"),
    "pipe": lambda fs, b, _: fs.pipe({f"{b}/new": BODY, f"{b}/newer": BODY}),
    "put_file": lambda fs, b, folder: fs.put_file(str(folder / "here"), f"{b}/new"),
    "put": lambda fs, b, folder: fs.put(str(folder), f"{b}/new", recursive=True),
    "write": lambda fs, b, _: write(fs.open(f"{b}/new", "wb"), BODY),
    "append": lambda fs, b, _: write(fs.open(f"{b}/d/a", "ab"), BODY),
    "touch": lambda fs, b, _: fs.touch(f"{b}/new"),
    "cp_file": lambda fs, b, _: fs.cp_file(f"{b}/d/a", f"{b}/new"),
    "mv": lambda fs, b, _: fs.mv(f"{b}/d/a", f"{b}/new"),
    "rm_file": lambda fs, b, _: fs.rm_file(f"{b}/d/a"),
    "rm": lambda fs, b, _: fs.rm([f"{b}/d/a", f"{b}/d/b"]),
    "rm, recursive": lambda fs, b, _: fs.rm(f"{b}/d", recursive=True),
    "checksum": lambda fs, b, _: bool(fs.checksum(f"{b}/d/a")),
    "list_pages": lambda fs, b, _: [len(page) for page in fs.list_pages(b, 2)],
    "object_meta": lambda fs, b, _: fs.object_meta(f"{b}/d/a")["size"],
}


def write(file: io.IOBase, data: bytes) -> None:
    """Write a file."""
    with file:
        file.write(data)  # type: ignore[attr-defined]


# Azurite copies what lies behind its own address only, and answers 500 to a deletion by obstore, which is a batch, with
# a SAS.
NOT_ON_AZURITE = {"cp_file", "mv", "rm_file"}


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_every_verb_survives_a_revocation(cloud: CloudUnderTest, gate: Gate, engine: str, tmp_path: Path) -> None:
    """Each is the first to meet it; one machine serves all, as it is made slowly."""
    machine, failed = machine_of(cloud, gate, engine, use_listings_cache=False), {}
    (tmp_path / "here").write_bytes(BODY)
    for verb in VERBS if cloud.name != "azure" else VERBS.keys() - NOT_ON_AZURITE:
        for key in ("d/a", "d/b"):
            cloud.raw.put(key, BODY)
        for key in set(cloud.raw.listed()) - {"d/a", "d/b"}:
            cloud.raw.delete(key)
        machine.fs.cat_file(cloud.path("d/a"))
        # Old enough that a refusal without a reason, as of a HEAD, is one of the credentials.
        machine.pass_time(LONGEST_SUSPICION_SECONDS)
        machine.revoke()
        gate.reset()
        calls = machine.vendor.calls
        try:
            VERBS[verb](machine.fs, cloud.bucket, tmp_path)
        except OSError as error:
            failed[verb] = repr(error)
            continue
        if machine.vendor.calls != calls + 1 or not 0 < gate.refused <= MOST_AT_A_TIME:
            failed[verb] = f"{machine.vendor.calls - calls} calls, {gate.refused} refusals"
    assert failed == {}
