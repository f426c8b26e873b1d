"""The local servers of GCS and Azure start, answer and end with the tests; where they cannot, the reason is told."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from tests import cloud_servers, go_servers, node_servers, server_processes
from tests.server_processes import UnavailableError

PARENT = """
import sys
from tests import go_servers, node_servers
with go_servers.running(go_servers.fake_gcs("127.0.0.1:1"), go_servers.find_fake_gcs()) as gcs:
    with node_servers.running(*node_servers.find_azurite()) as azure:
        print(gcs, azure, flush=True)
        sys.stdin.read()
"""


def status_of(url, method="GET", **headers):
    """The status of one request."""
    try:
        with urlopen(Request(url, method=method, headers=headers), timeout=30) as answer:
            return answer.status
    except HTTPError as error:
        with error:
            return error.code


# -- fake-gcs-server ------------------------------------------------------------------------------------------------


def test_gcs_server_shows_one_object_in_both_apis(gcs_server, make_gcs_bucket):
    """What the XML API writes, the JSON API reads, and the other way round."""
    bucket = make_gcs_bucket()
    url = f"{gcs_server.endpoint}/{bucket}/by%20xml"
    with urlopen(Request(url, b"xml", method="PUT"), timeout=30) as answer:
        assert answer.headers["x-goog-generation"].isdigit()
    path = f"/storage/v1/b/{bucket}/o/by%20xml"
    assert cloud_servers.ask_gcs(gcs_server, "GET", path, alt="media") == b"xml"
    cloud_servers.ask_gcs(gcs_server, "POST", f"/upload/storage/v1/b/{bucket}/o", b"json", uploadType="media", name="j")
    with urlopen(f"{gcs_server.endpoint}/{bucket}/j", timeout=30) as answer:
        assert answer.read() == b"json"


def test_gcs_server_hands_out_links_to_itself(gcs_server, make_gcs_bucket):
    """A resumable upload goes on where it began, not past the XML API or to Google."""
    path = f"{gcs_server.endpoint}/upload/storage/v1/b/{make_gcs_bucket()}/o?uploadType=resumable&name=key"
    request = Request(path, b"{}", {"Content-Type": "application/json"}, method="POST")
    with urlopen(request, timeout=30) as answer:
        assert answer.headers["Location"].startswith(f"{gcs_server.endpoint}/")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("PUT", "/{bucket}/key", {}),
        ("PUT", "/{bucket}/copy", {"x-goog-copy-source": "{bucket}/key"}),
        ("POST", "/storage/v1/b/{bucket}/o/key/rewriteTo/b/{bucket}/o/copy", {}),
        ("POST", "/upload/storage/v1/b/{bucket}/o?uploadType=media&name=key", {}),
        ("DELETE", "/storage/v1/b/{bucket}/o/key", {}),
    ],
    ids=["put", "copy", "rewrite", "upload", "delete"],
)
def test_gcs_server_minds_the_generation_that_a_request_wants(gcs_server, make_gcs_bucket, method, path, headers):
    """In both APIs: a stale one is refused, the one that is there is not."""
    bucket = make_gcs_bucket()
    generation = {}
    for key in ("key", "copy"):
        with urlopen(Request(f"{gcs_server.endpoint}/{bucket}/{key}", b"1", method="PUT"), timeout=30) as answer:
            generation[key] = answer.headers["x-goog-generation"]
    there = generation["copy" if "copy" in path else "key"]
    url = gcs_server.endpoint + path.format(bucket=bucket)
    told = {name: value.format(bucket=bucket) for name, value in headers.items()}
    for wanted, status in (("0", 412), (str(int(there) - 1), 412), (there, 200)):
        if "/storage/v1/" in url:
            asked = f"{url}{'&' if '?' in url else '?'}ifGenerationMatch={wanted}"
            assert status_of(asked, method) == status
        else:
            assert status_of(url, method, **told, **{"x-goog-if-generation-match": wanted}) == status


def test_gcs_server_keeps_generations_when_asked(gcs_server, make_gcs_bucket):
    """A bucket with versioning holds what was overwritten; another does not."""
    kept = {}
    for versioned in (True, False):
        bucket = make_gcs_bucket(versioned=versioned)
        for data in (b"1", b"2"):
            with urlopen(Request(f"{gcs_server.endpoint}/{bucket}/key", data, method="PUT"), timeout=30):
                pass
        listed = cloud_servers.ask_gcs(gcs_server, "GET", f"/storage/v1/b/{bucket}/o", versions="true")
        kept[versioned] = len(json.loads(listed)["items"])
    assert kept == {True: 2, False: 1}


def test_gcs_bucket_is_removed_with_all_that_is_in_it(gcs_server, make_gcs_bucket):
    """Old generations, too; removing it again is fine."""
    bucket = make_gcs_bucket(versioned=True)
    for data in (b"1", b"2"):
        with urlopen(Request(f"{gcs_server.endpoint}/{bucket}/key", data, method="PUT"), timeout=30):
            pass
    cloud_servers.remove_gcs_bucket(gcs_server, bucket)
    assert status_of(f"{gcs_server.endpoint}/storage/v1/b/{bucket}") == 404
    cloud_servers.remove_gcs_bucket(gcs_server, bucket)


# -- Azurite --------------------------------------------------------------------------------------------------------


@pytest.fixture
def blob():
    """The blocking client of Azure."""
    return pytest.importorskip("azure.storage.blob")


def test_azurite_keeps_blobs_of_the_connection_string(blob, azure_server, make_container):
    """The options, the connection string and the endpoint name one account."""
    container = make_container()
    with blob.BlobServiceClient.from_connection_string(cloud_servers.connection_string(azure_server)) as service:
        service.get_blob_client(container, "a b").upload_blob(b"content")
    with blob.BlobServiceClient(azure_server.endpoint, credential=azure_server.options["account_key"]) as service:
        assert service.get_blob_client(container, "a b").download_blob().readall() == b"content"


def test_azurite_checks_keys(blob, azure_server, make_container):
    """A key that is not the account's is refused."""
    with (
        blob.BlobServiceClient(azure_server.endpoint, credential=node_servers.OTHER_KEY) as service,
        pytest.raises(Exception, match="AuthorizationFailure"),
    ):
        service.get_container_client(make_container()).get_container_properties()


def test_azurite_has_a_second_account(blob, azure_server, make_container):
    """Which knows nothing of the containers of the first."""
    container = make_container()
    endpoint = azure_server.endpoint.replace(node_servers.ACCOUNT, node_servers.OTHER_ACCOUNT)
    with blob.BlobServiceClient(endpoint, credential=node_servers.OTHER_KEY) as service:
        assert not service.get_container_client(container).exists()


@pytest.mark.parametrize(("minutes", "admitted"), [(5, True), (-5, False)], ids=["valid", "expired"])
def test_azurite_checks_when_a_shared_access_signature_ends(blob, azure_server, make_container, minutes, admitted):
    """An expired one is refused, which tests of a SAS that rotates stand on."""
    from datetime import UTC, datetime, timedelta

    container = make_container()
    sas = blob.generate_container_sas(
        azure_server.options["account_name"],
        container,
        azure_server.options["account_key"],
        permission="rl",
        expiry=datetime.now(UTC) + timedelta(minutes=minutes),
    )
    url = f"{azure_server.endpoint}/{container}?restype=container&comp=list&{sas}"
    assert status_of(url) == (200 if admitted else 403)


def test_azurite_container_that_the_test_removed_is_no_error_at_the_end(blob, azure_server, make_container):
    """The clean-up after this test is the assertion."""
    with blob.BlobServiceClient.from_connection_string(cloud_servers.connection_string(azure_server)) as service:
        service.delete_container(make_container())


# -- processes ------------------------------------------------------------------------------------------------------


def test_cloud_servers_end_when_the_tests_are_killed(gcs_server, azure_server):
    """A parent that is killed outright leaves no server behind."""
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


def test_server_that_does_not_start_is_told_with_its_last_words():
    """Three attempts, then what it wrote."""
    command = ["sh", "-c", "echo no licence >&2; exit 1"]
    with (
        pytest.raises(UnavailableError, match="fake did not get ready: no licence"),
        server_processes.running("fake", lambda _address, _folder: command, path="/", status=200),
    ):
        pass


# -- installing -----------------------------------------------------------------------------------------------------


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """``tools(name=script)`` makes the only programs in the path beside the system's; the cache is empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def make(**scripts):
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\nPATH={os.defpath}\n{script}\n")
            (folder / name).chmod(stat.S_IRWXU)

    return make


def test_azurite_is_installed_once(tools, tmp_path):
    """The second look finds what npm made for the first; npm is told the exact version and runs no scripts."""
    log = tmp_path / "log"
    tools(
        node="exit 0",
        npm=f'echo "$@" >>{log}; mkdir -p "$3/node_modules/azurite/dist/src/blob"; '
        'touch "$3/node_modules/azurite/dist/src/blob/main.js"',
    )
    node, main = node_servers.find_azurite()
    assert node_servers.find_azurite() == (node, main)
    cache = tmp_path / "cache" / "objfs-servers" / f"azurite-{node_servers.VERSION}"
    assert main == cache / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    assert main.is_file()
    (asked,) = log.read_text().splitlines()
    assert asked.split()[-1] == f"azurite@{node_servers.VERSION}"
    assert "--ignore-scripts" in asked


@pytest.mark.parametrize(
    ("scripts", "reason"),
    [
        ({}, "Node.js is not installed"),
        ({"node": "exit 0"}, "npm is not installed"),
        ({"node": "exit 0", "npm": "echo no route >&2; exit 1"}, r"npm install .* azurite@[\d.]+: no route"),
    ],
    ids=["no node", "no npm", "no network"],
)
def test_azurite_says_why_it_is_not_there(tools, tmp_path, scripts, reason):
    """The reason to skip; an installation that failed leaves nothing that looks like one."""
    tools(**scripts)
    with pytest.raises(UnavailableError, match=reason):
        node_servers.find_azurite()
    assert not list(tmp_path.rglob("node_modules"))


def test_azurite_may_be_named_by_the_environment(tools, tmp_path, monkeypatch):
    """OBJFS_AZURITE names an installation; what is none is not silently replaced."""
    tools(node="exit 0")
    (tmp_path / "azurite" / "dist" / "src" / "blob").mkdir(parents=True)
    main = tmp_path / "azurite" / "dist" / "src" / "blob" / "main.js"
    monkeypatch.setenv("OBJFS_AZURITE", str(tmp_path / "azurite"))
    with pytest.raises(UnavailableError, match="is not the folder of azurite"):
        node_servers.find_azurite()
    main.touch()
    assert node_servers.find_azurite()[1] == main


def test_fake_gcs_server_is_built_once(tools, tmp_path):
    """The second look finds the binary of the first, under its pinned version."""
    log = tmp_path / "log"
    tools(go=f'echo "$2" >>{log}; touch "$GOBIN/fake-gcs-server"')
    binary = go_servers.find_fake_gcs()
    assert go_servers.find_fake_gcs() == binary
    version = go_servers.fake_gcs("").version
    assert binary == tmp_path / "cache" / "objfs-servers" / f"fake-gcs-server-{version}" / "fake-gcs-server"
    assert log.read_text().split() == [f"github.com/fsouza/fake-gcs-server@{version}"]


@pytest.mark.parametrize(
    ("scripts", "reason"),
    [({}, "Go is not installed"), ({"go": "echo no route >&2; exit 1"}, "go install .*: no route")],
    ids=["no go", "no network"],
)
def test_fake_gcs_server_says_why_it_is_not_there(tools, scripts, reason):
    """The reason to skip."""
    tools(**scripts)
    with pytest.raises(UnavailableError, match=reason):
        go_servers.find_fake_gcs()


def test_fake_gcs_server_may_be_named_by_the_environment(tools, tmp_path, monkeypatch):
    """OBJFS_FAKE_GCS names a binary; one that cannot be run is not silently replaced."""
    monkeypatch.setenv("OBJFS_FAKE_GCS", sys.executable)
    assert str(go_servers.find_fake_gcs()) == sys.executable
    monkeypatch.setenv("OBJFS_FAKE_GCS", str(tmp_path / "nothing"))
    with pytest.raises(UnavailableError, match=r"OBJFS_FAKE_GCS=.* is not a program"):
        go_servers.find_fake_gcs()


@pytest.mark.parametrize(
    ("nodeid", "names", "parameters", "wanted"),
    [
        ("tests/emulators/t.py::t", ["gcs_server"], {}, True),
        ("tests/emulators/t.py::t", ["cloud"], {"cloud": "gcs"}, True),
        ("tests/emulators/t.py::t", ["cloud"], {"cloud": "azure"}, False),
        ("tests/emulators/t.py::t", ["moto_server"], {"scheme": "gcs"}, False),
        ("tests/unit/t.py::t", ["cloud"], {"cloud": "gcs"}, False),
    ],
    ids=["by name", "by cloud", "another cloud", "another parameter", "unit test"],
)
def test_servers_are_installed_for_tests_that_want_them(nodeid, names, parameters, wanted):
    """Before the first test, and for no unit test."""
    item = SimpleNamespace(nodeid=nodeid, fixturenames=names, callspec=SimpleNamespace(params=parameters))
    assert cloud_servers._wants(item, "gcs") is wanted
