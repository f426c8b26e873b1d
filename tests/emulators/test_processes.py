"""What only S3's gateway shows of processes: who sends which request, what is fetched, and what leaves the process.

`test_processes_clouds.py` and `test_instances_clouds.py` hold what is the same on each cloud.
"""

from __future__ import annotations

import base64
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest

from objfs import S3FileSystem
from objfs.errors import EngineError
from objfs.testing import LocalCredentialsProvider
from tests.distributions import install_objfs, run_fresh
from tests.emulators.forked import in_child

pytest.importorskip("s3fs")

SECRET = "very-secret-text"


# -- forked children ------------------------------------------------------------------------------------------------


@pytest.fixture
def used(gateway, moto_server, seen):
    """Options, and an instance whose both planes were used before the fork."""
    gateway.admit(moto_server.options["key"])
    options = {**moto_server.options, "endpoint_url": gateway.endpoint}
    fs = S3FileSystem(**options)
    seen.put("key", b"content")
    assert (fs.cat_file(f"{seen.bucket}/key"), fs.ls(seen.bucket)) == (b"content", [f"{seen.bucket}/key"])
    gateway.reset()
    return options, fs


@pytest.mark.parametrize("instance", ["inherited", "fresh"])
def test_forked_child_reads_and_writes(gateway, used, seen, instance):
    """Through the SDK, as obstore's runtime has no threads there; the parent goes on with obstore."""
    options, inherited = used
    path = f"{seen.bucket}/key"

    def work():
        fs = inherited if instance == "inherited" else S3FileSystem(**options, skip_instance_cache=True)
        with fs.open(f"{seen.bucket}/new", "wb") as file:
            file.write(b"from the child")
        with fs.open(path) as file:
            return fs.cat_file(path), file.read(), fs.ls(seen.bucket, detail=False)

    assert in_child(work) == (b"content", b"content", [path, f"{seen.bucket}/new"])
    assert {"boto" in record.headers["user-agent"].lower() for record in gateway.requests()} == {True}
    assert seen.read("new") == b"from the child"
    gateway.reset()
    assert inherited.cat_file(path) == b"content"
    assert [record.headers["user-agent"].startswith("object_store") for record in gateway.requests()] == [True]


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_forked_child_leaves_the_upload_of_its_parent_alone(used, seen, engine):
    """Its copy of the file is closed when it ends; the parent's goes on."""
    options, _ = used
    part = b"1" * (5 << 20)
    with S3FileSystem(**options, engine=engine).open(f"{seen.bucket}/new", "wb", block_size=len(part)) as file:
        file.write(part + b"2")

        def work():
            file.fail()

        in_child(work)
        file.write(b"3")
    assert seen.read("new") == part + b"23"


def test_forked_child_is_told_when_only_obstore_may_serve_it(used, seen):
    """At once, not by hanging."""
    options, _ = used

    def work():
        return S3FileSystem(**options, engine="obstore").cat_file(f"{seen.bucket}/key")

    with pytest.raises(EngineError, match="fork"):
        in_child(work)


def test_child_of_a_process_that_has_not_used_obstore_is_served_by_it(gateway, moto_server, seen, tmp_path):
    """A fresh interpreter that forks first loses nothing."""
    seen.put("key", b"content")
    gateway.admit(moto_server.options["key"])
    options = {**moto_server.options, "endpoint_url": gateway.endpoint}
    source = """
import json, multiprocessing, sys, objfs
options, path = map(json.loads, sys.argv[1:])
def work(end):
    end.send_bytes(objfs.S3FileSystem(**options).cat_file(path))
ours, theirs = multiprocessing.Pipe(duplex=False)
child = multiprocessing.get_context("fork").Process(target=work, args=(theirs,))
child.start()
assert ours.poll(30)
print(json.dumps(ours.recv_bytes().decode()))
child.join()
"""
    assert run_fresh(source, options, f"{seen.bucket}/key") == "content"
    assert [record.headers["user-agent"].startswith("object_store") for record in gateway.requests()] == [True]


def test_spawned_child_gets_a_pickled_instance(gateway, seen, tmp_path):
    """With the provider, not with what it has fetched."""
    seen.put("key", b"content")
    provider = LocalCredentialsProvider(gateway.endpoint, 3600)
    fs = S3FileSystem(storage_options_provider=provider, endpoint_url=gateway.endpoint, region="us-east-1")
    assert fs.cat_file(f"{seen.bucket}/key") == b"content"
    source = """
import base64, json, pickle, sys
pickled, path = map(json.loads, sys.argv[1:])
print(json.dumps(pickle.loads(base64.b64decode(pickled)).cat_file(path).decode()))
"""
    pickled = base64.b64encode(pickle.dumps(fs)).decode()
    assert run_fresh(source, pickled, f"{seen.bucket}/key", path=[install_objfs(tmp_path / "site")]) == "content"
    assert gateway.stats()["issued"] == 2


# -- identity -------------------------------------------------------------------------------------------------------


def test_instances_follow_the_environment(monkeypatch, gateway, seen):
    """The same call in another environment is another filesystem."""
    seen.put("key", b"content")
    monkeypatch.setenv("AWS_ENDPOINT_URL", gateway.endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    instances = set()
    for _ in range(2):
        issued = gateway.issue(3600)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", issued["access_key_id"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", issued["secret_access_key"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", issued["session_token"])
        fs = fsspec.filesystem("s3") if fsspec.get_filesystem_class("s3") is S3FileSystem else S3FileSystem()
        assert fs.cat_file(f"{seen.bucket}/key") == b"content"
        assert gateway.requests()[-1].access_key_id == issued["access_key_id"]
        instances.add(id(fs))
        gateway.expire(issued["access_key_id"])
    assert len(instances) == 2


def test_json_round_trip_with_and_without_secrets(moto_server, seen):
    """With them it is the same filesystem; without them none of them is in it."""
    seen.put("key", b"content")
    fs = S3FileSystem(**{**moto_server.options, "secret": SECRET, "token": f"{SECRET}-token"})
    told = fs.to_json()
    assert fsspec.AbstractFileSystem.from_json(told).cat_file(f"{seen.bucket}/key") == b"content"
    assert json.loads(told)["cls"] == "objfs.s3_filesystem:S3FileSystem"
    hidden = fs.to_json(include_password=False)
    assert SECRET in told
    assert SECRET not in hidden
    assert SECRET not in f"{fs!r}{fs.to_dict(include_password=False)}"


def test_provider_survives_pickle_and_json_and_what_it_fetched_stays(gateway, seen):
    """No secret of the provider's is in a pickle, in JSON, in the repr or in a dask token."""
    seen.put("key", b"content")
    provider = LocalCredentialsProvider(gateway.endpoint, 3600)
    fs = S3FileSystem(storage_options_provider=provider, endpoint_url=gateway.endpoint, region="us-east-1")
    assert fs.cat_file(f"{seen.bucket}/key") == b"content"
    assert fs.ls(seen.bucket) == [f"{seen.bucket}/key"]
    used = {value for source in (fs.connection.choice.current().values,) for value in source.values() if value}
    assert len(used) >= 3
    texts = (repr(fs), fs.to_json(), str(pickle.dumps(fs)), str(fs.__dask_tokenize__()), str(fs.to_dict()))
    assert not [value for value in used for text in texts if value in text]
    for copy in (pickle.loads(pickle.dumps(fs)), S3FileSystem.from_json(fs.to_json())):
        assert copy.cat_file(f"{seen.bucket}/key") == b"content"
    # One configuration, one refresher: the copies in this process have fetched nothing themselves.
    assert gateway.stats()["issued"] == 1


# -- the end --------------------------------------------------------------------------------------------------------


READ = """
import json, sys
options, path = map(json.loads, sys.argv[1:])
import objfs
print(json.dumps(objfs.S3FileSystem(**options).cat_file(path).decode()))
"""


def test_interpreter_that_ends_right_after_a_read_is_not_aborted(moto_server, seen):
    """obstore's threads are not done when the answer is there; many at once, so that they are slow to be."""
    seen.put("key", b"content")

    def read(_) -> str:
        return run_fresh(READ, moto_server.options, f"{seen.bucket}/key")

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(read, range(24))) == {"content"}


INTERRUPT = """
import json, os, signal, sys, threading
options, path, engine = map(json.loads, sys.argv[1:])
import objfs
from objfs.testing.control import call_gateway
fs = objfs.S3FileSystem(**options, engine=engine)
def interrupt():
    call_gateway(options["endpoint_url"], "wait-held", count=1, timeout=30)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
try:
    fs.cat_file(path)
except KeyboardInterrupt:
    print(json.dumps("interrupted"))
"""


def test_interrupt_ends_a_call_that_waits_for_the_server(gateway, moto_server, seen, engine):
    """Ctrl-C does not wait for an answer that may never come."""
    seen.put("key", b"content")
    gateway.admit(moto_server.options["key"])
    gateway.hold("GET", "/key")
    options = {**moto_server.options, "endpoint_url": gateway.endpoint}
    try:
        assert run_fresh(INTERRUPT, options, f"{seen.bucket}/key", engine) == "interrupted"
    finally:
        gateway.release()
