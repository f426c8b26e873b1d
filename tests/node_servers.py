"""Azurite, Microsoft's emulator of Azure storage: installed from npm once per machine, run on a free port.

Environment variables
---------------------
OBJFS_AZURITE
    An installation to use instead of making one: the folder of the npm package ``azurite``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests import server_processes
from tests.server_processes import UnavailableError

# The last release that runs on the Node.js 20 of long-term distributions: 3.36 wants 21, 3.37 wants 22.
VERSION = "3.35.0"
# The account that every emulator has (https://learn.microsoft.com/azure/storage/common/storage-use-azurite), and a
# second one, of somebody else.
ACCOUNT, OTHER_ACCOUNT = "devstoreaccount1", "objfsothers"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
OTHER_KEY = "b2JqZnMtdGVzdHMtb3RoZXItYWNjb3VudA=="
_MAIN = Path("dist", "src", "blob", "main.js")
_ENVIRON = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{ACCOUNT_KEY};{OTHER_ACCOUNT}:{OTHER_KEY}"}


def find_azurite() -> tuple[Path, Path]:
    """Return Node.js and the main file of Azurite's blob service.

    Raises
    ------
    UnavailableError
        One is not there, or cannot be installed.
    """
    node = shutil.which("node")
    if node is None:
        msg = "Node.js is not installed"
        raise UnavailableError(msg)
    if named := os.environ.get("OBJFS_AZURITE"):
        main = Path(named) / _MAIN
        if not main.is_file():
            msg = f"OBJFS_AZURITE={named} is not the folder of azurite: there is no {_MAIN} in it"
            raise UnavailableError(msg)
        return Path(node), main
    modules = server_processes.installed("azurite", VERSION, "node_modules", _install)
    return Path(node), modules / "azurite" / _MAIN


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        msg = "npm is not installed"
        raise UnavailableError(msg)
    # Nothing but the package's files: no lock file, no questions to the registry beside them, and nobody's scripts.
    quiet = ["--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--ignore-scripts", "--loglevel=error"]
    command = [npm, "install", "--prefix", str(folder), *quiet, f"azurite@{VERSION}"]
    server_processes.run_installer(command, folder, {"NO_UPDATE_NOTIFIER": "1"})


@contextlib.contextmanager
def running(node: Path, main: Path) -> Iterator[str]:
    """Run the blob service with nothing in it; yields ``http://127.0.0.1:PORT``.

    Raises
    ------
    UnavailableError
        It does not get ready.
    """

    def command(address: str, _folder: str) -> list[str]:
        host, _, port = address.partition(":")
        return [
            str(node),
            str(main),
            "--disableTelemetry",  # it calls out otherwise
            "--inMemoryPersistence",
            "--silent",
            # The clients speak versions of the API that are newer than Azurite. Not --loose: it would ignore the
            # headers and parameters that Azurite does not know, and a test would pass that shows nothing.
            "--skipApiVersionCheck",
            "--blobHost",
            host,
            "--blobPort",
            port,
        ]

    # A list of containers that nobody signed: refused by a server that is ready.
    path = f"/{ACCOUNT}?comp=list"
    with server_processes.running("azurite", command, path=path, status=403, environ=_ENVIRON) as address:
        yield f"http://{address}"
