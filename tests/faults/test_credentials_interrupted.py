"""Providers and the process around them: Ctrl-C, forks, providers that use objfs, children, the end."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from objfs import S3FileSystem
from objfs.errors import CredentialsError
from objfs.testing import ExpiringGateway, LocalCredentialsProvider
from tests.clouds import CloudUnderTest
from tests.faults.vending import DUE, Gate, machine_of

# Long enough that who waits so long is seen to hang.
BOUND_SECONDS = 20.0
engines = pytest.mark.parametrize("engine", ["obstore", "sdk"])


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
@engines
def test_interrupt_ends_a_call_whose_provider_hangs(cloud: CloudUnderTest, gate: Gate, engine: str) -> None:
    """At once, and the next call joins the provider that is still at work."""
    cloud.raw.put("body", b"body")
    machine = machine_of(cloud, gate, engine)
    machine.vendor.mood = "hangs"

    def interrupt() -> None:
        machine.vendor.hanging.wait(30)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    # A shell's background job is started with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            machine.fs.cat_file(cloud.path("body"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < BOUND_SECONDS
    machine.vendor.mended.set()
    assert machine.fs.cat_file(cloud.path("body")) == b"body"
    assert machine.vendor.calls == 1


@engines
def test_provider_that_reads_through_the_filesystem_it_serves_is_told_so(
    cloud: CloudUnderTest, gate: Gate, engine: str
) -> None:
    """It would wait for itself; nothing waits, and nothing is sent."""
    machine = machine_of(cloud, gate, engine)
    machine.vendor.aside = lambda: machine.fs.cat_file(cloud.path("secret"))
    began = time.monotonic()
    with pytest.raises(CredentialsError, match=r"Vendor asks objfs for something .* credentials of its own"):
        machine.fs.cat_file(cloud.path("body"))
    assert time.monotonic() - began < BOUND_SECONDS
    assert (machine.vendor.calls, gate.passed, gate.refused) == (1, 0, 0)


@engines
def test_provider_reads_through_the_filesystem_it_serves_while_credentials_last(
    cloud: CloudUnderTest, gate: Gate, engine: str
) -> None:
    """The old ones open what the new ones are made of; so does a filesystem of its own, at any time."""
    cloud.raw.put("body", b"body")
    other = cloud.fs(engine)
    machine = machine_of(cloud, gate, engine)
    read: list[bytes] = []
    machine.vendor.aside = lambda: read.append(other.cat_file(cloud.path("body")))
    machine.fs.cat_file(cloud.path("body"))
    machine.vendor.aside = lambda: read.append(machine.fs.cat_file(cloud.path("body")))
    machine.pass_time(DUE)
    machine.fs.cat_file(cloud.path("body"))
    machine.settle()
    assert read == [b"body"] * 2
    assert (machine.vendor.calls, gate.refused) == (2, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@engines
def test_provider_may_fork(cloud: CloudUnderTest, gate: Gate, engine: str) -> None:
    """As one that runs a helper program does; its child does not take the fetch away."""
    cloud.raw.put("body", b"body")
    machine = machine_of(cloud, gate, engine)

    def fork() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, from Python 3.12 on
            pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)

    machine.vendor.aside = fork
    assert machine.fs.cat_file(cloud.path("body")) == b"body"
    assert machine.vendor.calls == 1


def run(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter."""
    file = folder / "script.py"
    file.write_text(script)
    command = [sys.executable, "-W", "error", str(file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


READ_PICKLED = """
import pickle, sys
with open(sys.argv[1], "rb") as file:
    fs, path = pickle.load(file)
print(fs.cat_file(path).decode())
"""


def test_spawned_process_and_its_parent_each_renew_what_has_expired(
    gateway: ExpiringGateway, bucket: str, tmp_path: Path
) -> None:
    """The parent's credentials end while the pickle is on its way; no secret travels, and nobody asks twice."""
    provider = LocalCredentialsProvider(gateway.endpoint, 3600)
    fs = S3FileSystem(endpoint_url=gateway.endpoint, region="us-east-1", storage_options_provider=provider)
    fs.pipe_file(f"{bucket}/key", b"body")
    pickled = pickle.dumps((fs, f"{bucket}/key"))
    held = fs.connection.choice.current().values
    assert [name for name, value in held.items() if value.encode() in pickled] == []
    (tmp_path / "pickle").write_bytes(pickled)
    gateway.expire()
    done = run(READ_PICKLED, tmp_path, str(tmp_path / "pickle"))
    assert (done.stdout, done.stderr) == ("body\n", "")
    assert fs.cat_file(f"{bucket}/key") == b"body"
    stats = gateway.stats()
    assert (stats["issued"], stats["rejections"]) == (3, {"ExpiredToken": 1})


END = """
import atexit, sys, threading, time
from objfs import S3FileSystem

entered = threading.Event()

def hangs():
    entered.set()
    threading.Event().wait()

def fails():
    raise RuntimeError("the vault is sealed")

def last_words():
    fs = S3FileSystem(endpoint_url="http://127.0.0.1:9", storage_options_provider=fails, engine=sys.argv[1])
    try:
        fs.cat_file("bucket/key")
    except PermissionError as error:
        print(type(error).__name__)

fs = S3FileSystem(endpoint_url="http://127.0.0.1:9", storage_options_provider=hangs, engine=sys.argv[1])
threading.Thread(target=fs.cat_file, args=("bucket/key",), daemon=True).start()
assert entered.wait(30)
atexit.register(last_words)
"""


@engines
def test_interpreter_ends_while_a_provider_hangs(tmp_path: Path, engine: str) -> None:
    """It waits for nobody, says nothing, and who asks for credentials at the very end is told."""
    began = time.monotonic()
    done = run(END, tmp_path, engine)
    assert (done.returncode, done.stdout, done.stderr) == (0, "CredentialsError\n", "")
    assert time.monotonic() - began < BOUND_SECONDS * 2
