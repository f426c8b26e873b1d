"""Both planes on real servers: who does what, who knows what, credentials that are refused, uploads given up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from objfs import S3FileSystem, sdk, store
from objfs.credentials import refresher
from objfs.errors import CredentialsExpiredError, EngineError, MissingExtraError
from objfs.testing import CountingProvider
from objfs.types import Location
from tests.emulators.conftest import Seen

pytest.importorskip("s3fs")

PART = 5 << 20
ODD_KEYS = ["a//b", "/a", "a/", "a/../b", "./a"]


@pytest.fixture
def passing(moto_server, gateway):
    """Options with static keys that the gateway before moto takes."""
    gateway.admit(moto_server.options["key"])
    return {**moto_server.options, "endpoint_url": gateway.endpoint}


# -- the rule, seen from outside ------------------------------------------------------------------------------------


def _agents(gateway) -> set[str]:
    """Which client sent the requests."""
    return {"sdk" if "boto" in record.headers["user-agent"].lower() else "data" for record in gateway.requests()}


@pytest.mark.parametrize(
    ("call", "plane"),
    [
        pytest.param(lambda fs, path: fs.cat_file(path), "data", id="cat"),
        pytest.param(lambda fs, path: fs.cat_file(path, start=-2), "data", id="suffix"),
        pytest.param(lambda fs, path: fs.cat_ranges([path], [0], [2]), "data", id="cat-ranges"),
        pytest.param(lambda fs, path: fs.open(path).read(), "data", id="open"),
        pytest.param(lambda fs, path: fs.pipe_file(path, b"2", ContentType="text/plain"), "data", id="pipe"),
        pytest.param(lambda fs, path: fs.size(path), "data", id="size"),
        pytest.param(lambda fs, path: fs.exists(path), "data", id="exists"),
        pytest.param(lambda fs, path: fs.isfile(path), "data", id="isfile"),
        pytest.param(lambda fs, path: fs.isdir(path), "data", id="isdir"),
        pytest.param(lambda fs, path: fs.cp_file(path, path + "2"), "data", id="copy"),
        pytest.param(lambda fs, path: fs.rm_file(path), "data", id="rm-file"),
        pytest.param(lambda fs, path: fs.info(path), "sdk", id="info"),
        pytest.param(lambda fs, path: fs.ls(fs._parent(path)), "sdk", id="ls"),
        pytest.param(lambda fs, path: fs.find(fs._parent(path)), "sdk", id="find"),
        pytest.param(lambda fs, path: fs.get_tags(path), "sdk", id="tags"),
        pytest.param(lambda fs, path: fs.pipe_file(path, b"2", ACL="private"), "sdk", id="pipe-with-acl"),
        pytest.param(lambda fs, path: fs.call_s3("head_object", Bucket=path[:19], Key="key"), "sdk", id="call-s3"),
    ],
)
def test_calls_are_made_by_the_plane_of_the_rule(gateway, passing, seen, call, plane):
    """The user agent tells; with engine="sdk" it is always the SDK's."""
    path = f"{seen.bucket}/key"
    for engine, expected in (("auto", plane), ("sdk", "sdk")):
        seen.put("key", b"content")
        gateway.reset()
        call(S3FileSystem(**passing, engine=engine), path)
        assert _agents(gateway) == {expected}


@pytest.mark.parametrize("key", ODD_KEYS)
def test_keys_that_obstore_cannot_name_go_to_the_sdk(gateway, passing, seen, key):
    """And come back as they are."""
    fs = S3FileSystem(**passing)
    fs.pipe_file(f"{seen.bucket}/{key}", b"odd")
    assert (fs.cat_file(f"{seen.bucket}/{key}"), seen.keys()) == (b"odd", [key])
    assert _agents(gateway) == {"sdk"}


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda fs, b: fs.ls(b), id="ls"),
        pytest.param(lambda fs, b: fs.cat_file(f"{b}/a//b"), id="odd-key"),
        pytest.param(lambda fs, b: fs.pipe_file(f"{b}/key", b"", ACL="private"), id="keyword"),
        pytest.param(lambda fs, b: fs.open(f"{b}/key", "ab"), id="append"),
        pytest.param(lambda fs, b: fs.mkdir(f"{b}-2"), id="mkdir"),
        pytest.param(lambda fs, b: fs.url(f"{b}/key"), id="sign"),
        pytest.param(lambda fs, b: fs.call_s3("list_buckets"), id="call-s3"),
        pytest.param(lambda fs, b: fs.get_tags(f"{b}/key"), id="tags"),
    ],
)
def test_what_only_the_sdk_can_do_raises_without_it(monkeypatch, moto_server, seen, call):
    """With engine="obstore" it is refused; without s3fs the error names the extra. Nothing is half done."""
    seen.put("key", b"content")
    with pytest.raises(EngineError, match="engine='obstore'"):
        call(S3FileSystem(**moto_server.options, engine="obstore"), seen.bucket)
    monkeypatch.setattr(sdk, "is_installed", lambda _: False)
    with pytest.raises(MissingExtraError, match=r"objfs\[s3\]"):
        call(S3FileSystem(**moto_server.options, skip_instance_cache=True), seen.bucket)
    assert seen.keys() == ["key"]


def test_data_plane_serves_what_it_can_without_the_sdk(monkeypatch, moto_server, seen, tmp_path):
    """Reading, writing, copying, deleting and most of info() need nothing but obstore."""
    monkeypatch.setattr(sdk, "is_installed", lambda _: False)
    fs, path, body = S3FileSystem(**moto_server.options, skip_instance_cache=True), f"{seen.bucket}/key", b"x" * PART
    fs.pipe_file(path, b"content")
    assert (fs.cat_file(path, start=1, end=3), fs.size(path), fs.exists(path)) == (b"on", 7, True)
    assert {name for name, source in INFO_KEYS.items() if source} <= set(fs.info(path)) <= set(INFO_KEYS)
    with fs.open(path, "wb", block_size=PART) as file:
        file.write(body)
        file.write(b"end")
    assert seen.read("key") == body + b"end"
    fs.cp_file(path, path + "2")
    fs.rm_file(path)
    fs.get_file(path + "2", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == body + b"end"
    assert seen.keys() == ["key2"]


def test_a_process_that_was_forked_is_served_by_the_sdk(monkeypatch, gateway, passing, seen):
    """As in a child of a process that has used obstore."""
    seen.put("key", b"content")
    monkeypatch.setattr(store, "_runtime_pid", -1)
    assert S3FileSystem(**passing).cat_file(f"{seen.bucket}/key") == b"content"
    assert _agents(gateway) == {"sdk"}
    with pytest.raises(EngineError, match="fork"):
        S3FileSystem(**passing, engine="obstore").cat_file(f"{seen.bucket}/key")


def test_the_reason_of_a_decision_is_logged(caplog, moto_server, seen):
    """The debug log says which plane served a call, and why."""
    seen.put("key", b"content")
    with caplog.at_level(logging.DEBUG, "objfs"):
        S3FileSystem(**moto_server.options).cat_file(f"{seen.bucket}/key")
        with pytest.raises(FileNotFoundError):
            S3FileSystem(**moto_server.options).cat_file(f"{seen.bucket}/a//b")
    text = "\n".join(record.getMessage() for record in caplog.records if record.name == "objfs")
    assert "read: obstore plane: the data plane can carry it out exactly" in text
    assert "read: sdk plane: obstore cannot name the key 'a//b'" in text
    assert moto_server.options["secret"] + "'" not in text


# -- risk 1: what each plane knows of an object ----------------------------------------------------------------------

# Key of info() to where the data plane has it (a field of ObjectInfo or one of its attributes), None where it does not.
INFO_KEYS = {
    "ETag": "e_tag",
    "LastModified": "last_modified",
    "size": "size",
    "VersionId": "version",
    "ContentType": "Content-Type",
    "StorageClass": None,
    "name": "given by the caller",
    "type": "given by the caller",
}


@pytest.mark.parametrize("request_of", ["head", "get"])
def test_info_keys_that_the_data_plane_gives_are_those_of_the_table(s3_server, s3_seen, request_of):
    """A plane that learns another key, or forgets one, is noticed here; values of both planes are the same."""
    storage_class = "REDUCED_REDUNDANCY" if s3_server.name == "minio" else "STANDARD_IA"
    s3_seen.client.put_bucket_versioning(Bucket=s3_seen.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3_seen.put("key", b"content", ContentType="text/x-test", StorageClass=storage_class, Metadata={"mine": "1"})
    path = f"{s3_seen.bucket}/key"
    info = S3FileSystem(**s3_server.options, version_aware=True).info(path)
    assert set(info) == set(INFO_KEYS)
    assert (info["StorageClass"], info["name"], info["type"]) == (storage_class, path, "file")
    plain = S3FileSystem(**s3_server.options)
    objects = plain.connection.store(s3_seen.bucket)
    answer = asyncio.run(getattr(objects, request_of)("key"))
    found = answer if request_of == "head" else answer.info
    for name, source in INFO_KEYS.items():
        if source in ("e_tag", "last_modified", "size", "version"):
            assert getattr(found, source) == info[name], name
    # StorageClass, ACLs and encryption are missing; when obstore gives one, info() need not go to the SDK for it.
    assert dict(found.attributes) == {"Content-Type": info["ContentType"], "mine": "1"}


# -- risk 2: credentials that the server refuses ---------------------------------------------------------------------


def _rejecting(gateway, engine, monkeypatch):
    """A filesystem whose first credentials are dead on the server though they claim to live; and its provider."""
    # A bare refusal of a HEAD counts only against credentials of some age, and tests do not wait.
    monkeypatch.setattr(refresher, "SUSPICION_SECONDS", 0.0)
    provider = CountingProvider([gateway.issue(0, told_seconds=3600), gateway.issue(3600)])
    fs = S3FileSystem(
        storage_options_provider=provider, endpoint_url=gateway.endpoint, region="us-east-1", engine=engine
    )
    gateway.reset()
    return fs, provider


@pytest.mark.parametrize(
    ("call", "requests"),
    [
        pytest.param(lambda fs, path: fs.cat_file(path), 2, id="get"),
        pytest.param(lambda fs, path: fs.cat_file(path, start=-3), 2, id="suffix"),
        pytest.param(lambda fs, path: fs.pipe_file(path, b"content"), 2, id="put"),
        # An answer to HEAD has no body: obstore's tells only by one request more why it was refused.
        pytest.param(lambda fs, path: fs.size(path), 3, id="head"),
        pytest.param(lambda fs, path: fs.rm_file(path), 2, id="delete"),
        pytest.param(lambda fs, path: fs.cp_file(path, path + "2"), 2, id="copy"),
        pytest.param(lambda fs, path: fs.find(fs._parent(path)), 2, id="list"),
        pytest.param(lambda fs, path: fs.open(path).read(), 2, id="open"),
        pytest.param(lambda fs, path: fs.isdir(path), 2, id="isdir"),
    ],
)
def test_refused_credentials_are_replaced_once(monkeypatch, gateway, seen, engine, call, requests):
    """The call succeeds: one refusal, one more call of the provider, one more request."""
    seen.put("key", b"content")
    fs, provider = _rejecting(gateway, engine, monkeypatch)
    call(fs, f"{seen.bucket}/key")
    assert provider.calls == 2
    stats = gateway.stats()
    assert set(stats["rejections"]) == {"ExpiredToken"}
    if engine == "auto":
        assert (stats["requests"], stats["rejections"]["ExpiredToken"]) == (requests, requests - 1)
    else:
        assert stats["requests"] - stats["rejections"]["ExpiredToken"] >= 1


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_refused_credentials_are_replaced_within_an_upload(gateway, seen, engine):
    """A part that is refused is sent again with new credentials; the object is whole."""
    provider = CountingProvider([gateway.issue(3600) for _ in range(3)])
    fs = S3FileSystem(
        storage_options_provider=provider, endpoint_url=gateway.endpoint, region="us-east-1", engine=engine
    )
    with fs.open(f"{seen.bucket}/key", "wb", block_size=PART) as file:
        file.write(b"1" * PART + b"2")
        assert provider.calls == 1
        first = next(r.access_key_id for r in gateway.requests() if "uploads" in r.target)
        gateway.expire(first)
        file.write(b"2" * PART)
    assert seen.read("key") == b"1" * PART + b"2" + b"2" * PART
    assert provider.calls == 2
    assert gateway.stats()["rejections"]["ExpiredToken"] >= 1
    assert seen.uploads() == []


def test_credentials_that_stay_refused_raise_after_one_retry(gateway, seen, engine):
    """A provider that has nothing better is not asked for ever; the error says what is wrong."""
    seen.put("key", b"content")
    dead = gateway.issue(0, told_seconds=3600)
    provider = CountingProvider(dead)
    fs = S3FileSystem(
        storage_options_provider=provider, endpoint_url=gateway.endpoint, region="us-east-1", engine=engine
    )
    gateway.reset()
    with pytest.raises(CredentialsExpiredError) as caught:
        fs.cat_file(f"{seen.bucket}/key")
    assert isinstance(caught.value, PermissionError)
    assert dead["secret_access_key"] not in f"{caught.value!r}{caught.value.__cause__!r}"
    assert provider.calls == 2
    assert gateway.stats()["requests"] <= 2


def test_static_credentials_that_are_refused_are_not_tried_again(gateway, seen, engine):
    """There are no others; the user reads what the server said."""
    seen.put("key", b"content")
    dead = gateway.issue(0)
    del dead["expires_at_millis"]
    fs = S3FileSystem(**dead, endpoint_url=gateway.endpoint, region="us-east-1", engine=engine)
    gateway.reset()
    with pytest.raises(PermissionError, match=r"(?i)expired"):
        fs.cat_file(f"{seen.bucket}/key")
    assert gateway.stats()["requests"] == 1


# -- risk 3: uploads given up ----------------------------------------------------------------------------------------


@pytest.fixture
def held(s3_server, s3_seen, make_gateway, engine):
    """A gateway before each server, a filesystem through it, and the bucket."""
    gateway = make_gateway(s3_server)
    gateway.admit(s3_server.options["key"])
    fs = S3FileSystem(**{**s3_server.options, "endpoint_url": gateway.endpoint}, engine=engine)
    return gateway, fs, s3_seen


def _parts_left(gateway, seen: Seen) -> list[int]:
    """Parts that lie in the store, of every upload that was ever begun through the gateway."""
    begun = {record.query["uploadId"] for record in gateway.requests() if "uploadId" in record.query}
    assert begun, "no upload was begun"
    return [number for upload_id in begun for number in seen.parts("key", upload_id)]


class Boom(Exception):
    """What goes wrong in a ``with`` block."""


def _fail_with_a_part_under_way(gateway, fs, path):
    with contextlib.suppress(Boom), fs.open(path, "wb", block_size=PART) as file:
        file.write(b"1" * PART + b"2" * PART + b"3")
        assert gateway.wait_held() == 1
        raise Boom


def test_aborting_with_a_part_in_flight_leaves_nothing(held):
    """The part is still on its way when the upload is aborted, and comes too late."""
    gateway, fs, seen = held
    gateway.hold("PUT", "partNumber=2")
    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(_fail_with_a_part_under_way, gateway, fs, f"{seen.bucket}/key")
        failing.result(timeout=60)
    gateway.release()
    assert (_parts_left(gateway, seen), seen.uploads(), seen.keys()) == ([], [], [])


def test_aborting_again_removes_a_part_that_landed_after_the_abort(held):
    """AWS stores a part that was under way when the upload was aborted: ListParts finds it, a second abort ends it."""
    gateway, fs, seen = held
    gateway.late_parts(2)
    _fail_with_a_part_under_way(gateway, fs, f"{seen.bucket}/key")
    assert gateway.stats()["aborts_lost"] == 1
    assert (_parts_left(gateway, seen), seen.uploads(), seen.keys()) == ([], [], [])


def test_aborting_leaves_the_upload_of_somebody_else_alone(held):
    """Another writer of the same key goes on undisturbed."""
    gateway, fs, seen = held
    other = seen.client.create_multipart_upload(Bucket=seen.bucket, Key="key")["UploadId"]
    seen.client.upload_part(Bucket=seen.bucket, Key="key", UploadId=other, PartNumber=1, Body=b"theirs")
    gateway.hold("PUT", "partNumber=2")
    _fail_with_a_part_under_way(gateway, fs, f"{seen.bucket}/key")
    gateway.release()
    assert (seen.parts("key", other), seen.uploads()) == ([1], ["key"])


def test_aborting_before_a_part_was_sent_makes_no_request(held):
    """What fits in one part is only sent at close."""
    gateway, fs, seen = held
    with contextlib.suppress(Boom), fs.open(f"{seen.bucket}/key", "wb") as file:
        file.write(b"1")
        raise Boom
    assert (gateway.requests(), seen.keys()) == ([], [])


def test_versions_are_read_through_the_sdk(s3_server, make_bucket, observer):
    """A named version is the version that is read, not the newest."""
    bucket = make_bucket(s3_server, versioned=True)
    seen = Seen(observer(s3_server), bucket)
    old = seen.client.put_object(Bucket=bucket, Key="key", Body=b"old")["VersionId"]
    seen.put("key", b"new")
    fs = S3FileSystem(**s3_server.options, version_aware=True)
    assert fs.cat_file(f"{bucket}/key", version_id=old) == fs.cat_file(f"{bucket}/key?versionId={old}") == b"old"
    assert fs.cat_file(f"{bucket}/key") == b"new"
    assert fs.connection.decide("read", Location(bucket, "key", old)).plane.value == "sdk"
