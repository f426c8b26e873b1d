"""The local servers start, serve, and end with whoever started them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from objfs.errors import MissingExtraError
from objfs.testing import S3Server
from objfs.testing.children import ChildServer
from tests import go_servers
from tests.servers import Server

PARENT = """
import sys
from objfs.testing import ExpiringGateway, S3Server
server = S3Server().start()
gateway = ExpiringGateway(server.endpoint, own_process=True).start()
print(server.endpoint, gateway.endpoint, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def s3():
    """A server of the test's own."""
    pytest.importorskip("moto")
    pytest.importorskip("flask_cors")
    with S3Server() as server:
        yield server


def test_s3_server_makes_buckets_and_forgets_them_on_reset(s3, observer):
    """Buckets are there at once, versioned if asked, and gone after a reset."""
    client = observer(Server("moto", s3.endpoint, s3.options))
    s3.create_bucket("plain")
    s3.create_bucket("kept", versioned=True)
    client.put_object(Bucket="kept", Key="k", Body=b"1")
    assert "VersionId" in client.put_object(Bucket="kept", Key="k", Body=b"2")
    assert "VersionId" not in client.put_object(Bucket="plain", Key="k", Body=b"2")
    s3.reset()
    assert client.list_buckets()["Buckets"] == []


def test_s3_server_says_what_the_server_said_when_a_request_fails(s3):
    """A bucket name that S3 does not take is an error with the server's reason."""
    with pytest.raises(OSError, match="InvalidBucketName"):
        s3.create_bucket("No")


def test_s3_server_has_no_endpoint_when_it_does_not_run():
    """Before the start there is nothing to connect to, and the message says what to do."""
    with pytest.raises(RuntimeError, match="with block"):
        _ = S3Server().endpoint


def test_s3_server_names_what_to_install_when_moto_is_missing(monkeypatch):
    """A missing package is told before a process is started."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'moto\[s3\]'"):
        S3Server().start()


def test_child_server_shows_its_last_words_when_it_does_not_start():
    """What the child wrote to stderr is in the error."""
    with pytest.raises(RuntimeError, match=r"a gateway needs an upstream like .* got 'ftp://nowhere'"):
        ChildServer(["gateway", "ftp://nowhere"]).start()


def test_servers_end_when_their_parent_is_killed():
    """A parent that is killed outright leaves no server behind."""
    pytest.importorskip("moto")
    pytest.importorskip("flask_cors")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (
        subprocess.Popen(
            [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
        ) as parent,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(parent.kill)
        ports = [urlsplit(endpoint).port for endpoint in parent.stdout.readline().decode().split()]
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for port in ports]
        parent.kill()
        for connection in connections:  # an idle connection ends with its server
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        assert len(connections) == 2


def test_go_server_checks_signatures(minio_server, observer, make_bucket):
    """A wrong secret key is refused."""
    bucket = make_bucket(minio_server)
    stranger = Server("stranger", minio_server.endpoint + "/", {**minio_server.options, "secret": "wrong"})
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        observer(stranger).list_objects_v2(Bucket=bucket)


@pytest.fixture
def fake_go(tmp_path, monkeypatch):
    """``fake_go(failing=…)`` puts a ``go`` in the path that pretends to install, and logs what it was asked for."""
    log = tmp_path / "log"

    def make(failing: str = "nothing"):
        folder = tmp_path / "bin"
        folder.mkdir()
        script = (
            f'#!/bin/sh\necho "$2" >>{log}\n'
            f'case "$2" in *{failing}*) echo "no route to {failing}" >&2; exit 1;; esac\n'
            'name=${2%@*}\nprintf "#!/bin/sh\\n" >"$GOBIN/${name##*/}"\n'
        )
        (folder / "go").write_text(script)
        (folder / "go").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.defpath}")
        return log

    monkeypatch.delenv("OBJFS_MINIO", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make


def test_go_server_is_built_once(fake_go, tmp_path):
    """The second look finds the binary of the first, under its pinned version."""
    log = fake_go()
    server, binary = go_servers.find_server()
    assert go_servers.find_server() == (server, binary)
    assert binary == tmp_path / "cache" / "objfs-servers" / f"minio-{go_servers.MINIO.version}" / "minio"
    assert log.read_text().split() == [f"github.com/minio/minio@{go_servers.MINIO.version}"]


def test_go_server_falls_back_to_versitygw_when_minio_does_not_build(fake_go):
    """One of the two is enough."""
    fake_go(failing="minio")
    assert go_servers.find_server()[0] is go_servers.VERSITYGW


def test_go_server_says_why_there_is_none(fake_go):
    """The reason to skip holds what Go said."""
    fake_go(failing="github.com")
    with pytest.raises(go_servers.UnavailableError, match=r"minio: .* no route to .*; versitygw: .* no route to"):
        go_servers.find_server()


def test_go_server_is_unavailable_without_go(fake_go, tmp_path, monkeypatch):
    """A machine with nothing but Python has no such server."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(go_servers.UnavailableError, match="Go is not installed"):
        go_servers.find_server()


def test_go_server_may_be_named_by_the_environment(fake_go, tmp_path, monkeypatch):
    """OBJFS_MINIO names a binary; one that cannot be run is not silently replaced."""
    monkeypatch.setenv("OBJFS_MINIO", sys.executable)
    assert str(go_servers.find_server()[1]) == sys.executable
    monkeypatch.setenv("OBJFS_MINIO", str(tmp_path / "nothing"))
    with pytest.raises(go_servers.UnavailableError, match="is not a program"):
        go_servers.find_server()
