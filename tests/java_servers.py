"""Iceberg's own REST catalog, from the jars of its tests: fetched and compiled once per machine, run on a free port."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests import server_processes
from tests.server_processes import UnavailableError

# The catalog that its authors test their clients with, in memory; and what it needs to be served over HTTP.
_JARS = (
    ("org.apache.iceberg", "iceberg-core", "1.11.0", ""),
    ("org.apache.iceberg", "iceberg-core", "1.11.0", "tests"),
    ("org.eclipse.jetty.ee10", "jetty-ee10-servlet", "12.1.2", ""),
    ("org.slf4j", "slf4j-nop", "2.0.17", ""),
)
_SOURCE = Path(__file__).with_name("VendingCatalog.java")
_MAIN = "org.apache.iceberg.rest.VendingCatalog"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>objfs</groupId><artifactId>tests</artifactId><version>1</version><dependencies>{}</dependencies></project>"""
_JAR = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version><classifier>{}</classifier>"
    "</dependency>"
)


def find_iceberg() -> Path:
    """Return the folder with the catalog's classes.

    Raises
    ------
    UnavailableError
        Java (a JDK) or Maven is not there, or the jars cannot be had.
    """
    version = hashlib.sha256(repr(_JARS).encode() + _SOURCE.read_bytes()).hexdigest()[:12]
    if shutil.which("java") is None:
        msg = "Java is not installed"
        raise UnavailableError(msg)
    return server_processes.installed("iceberg-rest", version, "lib", _install)


def _install(folder: Path) -> None:
    programs = {name: shutil.which(name) for name in ("javac", "mvn")}
    if missing := [name for name, path in programs.items() if path is None]:
        msg = f"{' and '.join(missing)} are not installed"
        raise UnavailableError(msg)
    (folder / "pom.xml").write_text(_POM.format("".join(_JAR.format(*jar) for jar in _JARS)))
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'lib'}"]
    server_processes.run_installer([str(programs["mvn"]), "-q", "-B", *copy], folder, {})
    classes = ["-cp", str(folder / "lib" / "*"), "-d", str(folder / "lib" / "classes"), str(_SOURCE)]
    server_processes.run_installer([str(programs["javac"]), *classes], folder, {})


@contextlib.contextmanager
def running(lib: Path, warehouse: str) -> Iterator[str]:
    """Run the catalog with nothing in it; yields ``http://127.0.0.1:PORT``.

    Raises
    ------
    UnavailableError
        It does not get ready.
    """

    def command(address: str, _folder: str) -> list[str]:
        small = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{lib / 'classes'}{os.pathsep}{lib / '*'}"]
        return [str(shutil.which("java")), *small, _MAIN, address.partition(":")[2], warehouse]

    with server_processes.running("iceberg-rest", command, path="/v1/config", status=200) as address:
        yield f"http://{address}"
