"""GCS's SDK plane on the wire: uploads, conditions, batches, refusals, credentials, processes."""

from __future__ import annotations

import asyncio
import errno
import gc
import gzip
import json
import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest

from objfs import GCSFileSystem
from objfs.errors import CredentialsExpiredError, FileExpired, PreconditionFailedError, ThrottledError
from objfs.peers import gcs_requests
from tests import gcs_proxy

pytest.importorskip("gcsfs")

MEBIBYTE = 1 << 20
PART = 5 * MEBIBYTE
LONG = bytes(range(256)) * (PART // 256) * 2 + b"the end"
SESSION = "upload_id="


@pytest.fixture
def proxy(gcs_server):
    """What is asked of the server, and what it answers."""
    with gcs_proxy.running(gcs_server.endpoint) as running:
        yield running


@pytest.fixture
def fs(gcs_cloud, proxy):
    """gcsfs's plane, through the proxy."""
    return GCSFileSystem(**{**gcs_cloud.options, "endpoint_url": proxy.endpoint}, engine="sdk")


@pytest.fixture
def pauses(monkeypatch):
    """Retries come at once; how often one waited."""
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    for module in ("gcs_requests", "gcs_names"):
        monkeypatch.setattr(f"objfs.peers.{module}.asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    return waits


# -- uploads --------------------------------------------------------------------------------------------------------


def _chunks(proxy):
    return [asked for asked in proxy.asked if asked.method == "PUT" and SESSION in asked.path]


def test_upload_is_resumable_in_chunks_of_256_kib(fs, gcs_cloud, proxy):
    """One after another, and the object is there when the last one is."""
    with fs.open(gcs_cloud.path("key"), "wb", block_size=PART + 1) as file:
        file.write(LONG)
        assert gcs_cloud.raw.listed() == []
    ranges = [asked.headers["content-range"] for asked in _chunks(proxy)]
    first = PART + (256 << 10)
    assert ranges == [f"bytes 0-{first - 1}/*", f"bytes {first}-{len(LONG) - 1}/{len(LONG)}"]
    assert gcs_cloud.raw.get("key") == LONG


def test_upload_of_whole_parts_ends_with_the_last_one(fs, gcs_cloud, proxy):
    """The last chunk tells the size, so none is sent before it is known whether it is the last."""
    fs.pipe_file(gcs_cloud.path("key"), LONG[: 2 * PART], chunksize=PART)
    ranges = [asked.headers["content-range"].rpartition("/")[2] for asked in _chunks(proxy)]
    assert ranges == ["*", str(2 * PART)]
    assert gcs_cloud.raw.get("key") == LONG[: 2 * PART]


@pytest.mark.parametrize(
    ("broken", "has"),
    [
        pytest.param("bytes 0-", None, id="first-chunk"),
        pytest.param(f"bytes {PART}-", f"bytes=0-{PART - 1}", id="later-chunk"),
        pytest.param(f"/{len(LONG)}", f"bytes=0-{2 * PART - 1}", id="last-chunk"),
    ],
)
def test_upload_goes_on_after_a_chunk_that_failed(fs, gcs_cloud, proxy, pauses, broken, has):
    """The server is asked how much it has."""
    proxy.rules.append(gcs_proxy.Rule(lambda asked: broken in _range_of(asked), 503, b"{}", 1))
    # The server of the tests takes the question for the end of the upload.
    told = {} if has is None else {"Range": has}
    proxy.rules.append(gcs_proxy.Rule(lambda asked: _range_of(asked) == "bytes */*", 308, b"", 1, told))
    fs.pipe_file(gcs_cloud.path("key"), LONG, chunksize=PART, content_type="text/x")
    assert (gcs_cloud.raw.get("key"), gcs_cloud.raw.head("key")["content_type"]) == (LONG, "text/x")
    assert (len(pauses), len(_chunks(proxy))) == (1, 5)


def test_upload_sends_again_what_the_server_did_not_keep(fs, gcs_cloud, proxy, pauses):
    """It may keep less of a chunk than it was sent; it never has more than that."""
    kept = 256 << 10
    session = []

    def matches(asked):
        session.append(_range_of(asked))
        return _range_of(asked).startswith("bytes 0-")

    proxy.rules.append(gcs_proxy.Rule(matches, 308, b"", 1, {"Range": f"bytes=0-{kept - 1}"}))
    proxy.answer(200, "PUT", SESSION, body=b'{"generation": "5"}', times=9)
    fs.pipe_file(gcs_cloud.path("key"), LONG[: PART + 1], chunksize=PART)
    assert [_range_of(asked) for asked in _chunks(proxy)][1] == f"bytes {kept}-{PART - 1}/*"
    proxy.rules[1:] = [gcs_proxy.Rule(lambda asked: "bytes" in _range_of(asked), 308, b"", 99, {"Range": "bytes=0-1"})]
    with pytest.raises(OSError, match="the server"):
        fs.pipe_file(gcs_cloud.path("key"), LONG[: PART + 1], chunksize=PART)


def _range_of(asked):
    return asked.headers.get("content-range", "")


def test_upload_that_fails_is_cancelled(fs, gcs_cloud, proxy):
    """By an exception in the block, or by a chunk that the server refuses."""
    file = fs.open(gcs_cloud.path("key"), "wb", block_size=PART)
    file.write(LONG)
    file.write(b"1" * PART)
    file.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert proxy.count("DELETE", SESSION) == 1
    proxy.answer(403, "PUT", SESSION)
    with pytest.raises(PermissionError):
        fs.pipe_file(gcs_cloud.path("key"), LONG, chunksize=PART)
    assert proxy.count("DELETE", SESSION) == 2
    assert gcs_cloud.raw.listed() == []


def test_conditions_are_sent_when_an_upload_begins(fs, gcs_cloud, proxy):
    """And with a single request."""
    gcs_cloud.raw.put("key", b"old")
    path = gcs_cloud.path("key")
    old = fs.info(path)["generation"]
    for body in (b"1", LONG):
        with pytest.raises(FileExistsError) as caught:
            fs.pipe_file(path, body, mode="create", chunksize=PART)
        assert caught.value.filename == path
        with pytest.raises(PreconditionFailedError):
            fs.pipe_file(path, body, if_match="12345", chunksize=PART)
    assert proxy.count("POST", "ifGenerationMatch=0") == proxy.count("POST", "ifGenerationMatch=12345") == 2
    fs.pipe_file(path, LONG, if_match=old, chunksize=PART)
    assert gcs_cloud.raw.get("key") == LONG


def test_written_bytes_may_look_like_the_boundary_of_the_request(fs, gcs_cloud):
    """gcsfs separates an object's description and its bytes with a text that they may hold."""
    odd = b"\n--==0==--\r\n--==0==\nContent-Type: a\n\n"
    fs.pipe_file(gcs_cloud.path("key"), odd)
    assert gcs_cloud.raw.get("key") == odd


def test_appending_to_a_long_object_joins_it_with_what_is_new(fs, gcs_cloud, proxy):
    """On the server, without reading it; what was uploaded for it is deleted, headers and metadata stay."""
    path = gcs_cloud.path("key")
    fs.pipe_file(
        path, LONG, content_type="text/x", metadata={"mine": "1"}, fixed_key_metadata={"content_language": "de"}
    )
    proxy.asked.clear()
    with fs.open(path, "ab") as file:
        file.write(b"more")
    assert gcs_cloud.raw.get("key") == LONG + b"more"
    assert (gcs_cloud.raw.listed(), proxy.count("POST", "/compose?ifGenerationMatch=")) == (["key"], 1)
    assert proxy.count("GET", "alt=media") == 0
    info = fs.info(path)
    assert (info["contentType"], info["metadata"], info["contentLanguage"]) == ("text/x", {"mine": "1"}, "de")
    with fs.open(path, "ab"):
        pass
    assert fs.info(path)["generation"] == info["generation"]


def test_appending_to_an_object_that_changed_meanwhile_leaves_nothing(fs, gcs_cloud, proxy):
    """The other writer's object stays."""
    path = gcs_cloud.path("key")
    gcs_cloud.raw.put("key", LONG)
    generation = fs.info(path)["generation"]
    file = fs.open(path, "ab")
    file.write(b"more")
    proxy.answer(412, "POST", "/compose")
    with pytest.raises(PreconditionFailedError):
        file.close()
    (asked,) = [asked for asked in proxy.asked if "/compose" in asked.path]
    assert f"ifGenerationMatch={generation}" in asked.path
    assert json.loads(asked.body)["sourceObjects"][0] == {"name": "key", "generation": generation}
    assert (gcs_cloud.raw.listed(), gcs_cloud.raw.get("key")) == (["key"], LONG)


def test_copy_goes_on_until_it_is_done(fs, gcs_cloud, proxy, make_gcs_bucket):
    """The server may want several requests for a long object; to another bucket, with an ACL, under conditions."""
    gcs_cloud.raw.put("a", b"1")
    other = make_gcs_bucket()
    proxy.answer(200, "POST", "rewriteTo", body=json.dumps({"done": False, "rewriteToken": "t"}).encode())
    fs.cp_file(gcs_cloud.path("a"), f"{other}/b", acl="publicRead")
    asked = [each.path for each in proxy.asked if "rewriteTo" in each.path]
    assert ["rewriteToken=t" in path for path in asked] == [False, True]
    assert all("destinationPredefinedAcl=publicRead" in path for path in asked)
    assert fs.cat_file(f"{other}/b") == b"1"
    with pytest.raises(TypeError, match="no_such"):
        fs.cp_file(gcs_cloud.path("a"), gcs_cloud.path("b"), no_such=1)


@pytest.fixture
def make_gcs_bucket(gcs_cloud):
    """``make_gcs_bucket()`` makes another bucket, removed after the test."""
    fs, made = gcs_cloud.fs("sdk"), []

    def make():
        made.append(f"{gcs_cloud.bucket}-{len(made)}")
        fs.mkdir(made[-1])
        return made[-1]

    yield make
    for name in made:
        fs.rm(name, recursive=True)


# -- deleting -------------------------------------------------------------------------------------------------------


def test_hundred_objects_are_deleted_with_one_request(fs, gcs_cloud, proxy):
    """Whatever their names."""
    names = [f"odd ?#%&+ü {number}" for number in range(30)]
    for name in names:
        gcs_cloud.raw.put(name)
    fs.rm([gcs_cloud.path(name) for name in [*names, "missing"]])
    assert (gcs_cloud.raw.listed(), proxy.count("POST", "/batch/storage/v1"), proxy.count("DELETE")) == ([], 1, 0)


def test_objects_are_deleted_one_by_one_where_the_server_knows_no_batches(fs, gcs_cloud, proxy):
    """As some that speak the API do not."""
    for name in "abc":
        gcs_cloud.raw.put(name)
    proxy.answer(404, "POST", "/batch/")
    fs.rm([gcs_cloud.path(name) for name in "abc"])
    assert (gcs_cloud.raw.listed(), proxy.count("DELETE")) == ([], 3)


def test_objects_that_were_not_deleted_raise(fs, gcs_cloud, proxy):
    """The answer to a batch is 200 whatever is in it."""
    for name in "abc":
        gcs_cloud.raw.put(name)
    proxy.answer(404, "POST", "/batch/")
    proxy.answer(403, "DELETE", "/o/b", body=b'{"error": {"message": "not yours"}}')
    with pytest.raises(PermissionError, match=r"1 of 3 objects were not deleted.*not yours") as caught:
        fs.rm([gcs_cloud.path(name) for name in "abc"])
    assert caught.value.filename == gcs_cloud.path("b")
    assert gcs_cloud.raw.listed() == ["b"]


# -- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "number"),
    [
        (400, OSError, errno.EINVAL),
        (403, PermissionError, errno.EACCES),
        (404, FileNotFoundError, errno.ENOENT),
        (416, OSError, errno.EINVAL),
        (429, ThrottledError, errno.EBUSY),
        (500, OSError, getattr(errno, "EREMOTEIO", errno.EIO)),
        (503, ThrottledError, errno.EBUSY),
        (504, TimeoutError, errno.ETIMEDOUT),
    ],
)
def test_refusal_is_a_builtin_error_with_the_servers_words(fs, proxy, pauses, caplog, status, kind, number):
    """With errno and the name of the object; nothing is printed."""
    caplog.set_level(logging.WARNING)
    proxy.answer(status, "GET", body=b'{"error": {"message": "because"}}', times=99)
    with pytest.raises(kind, match=f"because .HTTP status {status}") as caught:
        fs.cat_file("bucket/key")
    assert caught.value.errno == number
    # Below Python 3.13 asyncio makes a new error of a time-out, without the name.
    assert caught.value.filename == (None if status == 504 and sys.version_info < (3, 13) else "bucket/key")
    assert caplog.records == []


def test_busy_server_is_asked_again(fs, gcs_cloud, proxy, pauses):
    """And what cannot help is not tried twice."""
    gcs_cloud.raw.put("key", b"1")
    proxy.answer(503, "GET", times=2)
    assert fs.cat_file(gcs_cloud.path("key")) == b"1"
    assert len(pauses) == 2
    # Twice: what looks like a range past the end is asked for again when the object proves to be longer.
    proxy.answer(400, "GET", times=2)
    with pytest.raises(OSError, match="400"):
        fs.cat_file(gcs_cloud.path("key"))
    assert len(pauses) == 2


@pytest.mark.parametrize(("retries", "asked"), [(None, 11), (0, 1), (2, 3)])
def test_retries_are_as_many_as_the_settings_say(gcs_cloud, proxy, pauses, retries, asked):
    """Ten by default, on both planes."""
    given = {} if retries is None else {"max_retries": retries}
    fs = GCSFileSystem(**{**gcs_cloud.options, "endpoint_url": proxy.endpoint}, engine="sdk", **given)
    proxy.answer(503, "GET", times=99)
    with pytest.raises(ThrottledError):
        fs.cat_file("bucket/key")
    assert proxy.count("GET") == asked


def test_forbidden_description_is_read_from_a_listing(fs, gcs_cloud, proxy):
    """Who may list but not get; as gcsfs does."""
    gcs_cloud.raw.put("key", b"123")
    gcs_cloud.raw.put("key2", b"1")
    refused = "/o/key"
    proxy.answer(403, "GET", refused, times=99)
    assert fs.info(gcs_cloud.path("key"))["size"] == 3
    with pytest.raises(FileNotFoundError):
        fs.info(gcs_cloud.path("key-missing"))
    proxy.answer(403, "GET", "/o", times=99)
    with pytest.raises(PermissionError):
        fs.info(gcs_cloud.path("key"))


def test_bucket_that_may_not_be_described_exists_where_it_can_be_listed(fs, gcs_cloud, proxy):
    """Listing is another permission."""
    proxy.answer(403, "GET", f"/b/{gcs_cloud.bucket}?", times=99)
    assert fs.exists(gcs_cloud.bucket)
    assert fs.isdir(gcs_cloud.bucket)
    proxy.answer(403, "GET", "/o?", times=99)
    with pytest.raises(PermissionError):
        fs.exists(gcs_cloud.bucket)


def test_object_that_is_replaced_while_it_is_open_is_never_mixed(fs, gcs_cloud):
    """Each answer says its generation."""
    gcs_cloud.raw.put("key", b"1" * MEBIBYTE)
    with fs.open(gcs_cloud.path("key")) as file:
        assert file.read(10) == b"1" * 10
        gcs_cloud.raw.put("key", b"2" * MEBIBYTE)
        with pytest.raises(FileExpired):
            file.read()


@pytest.mark.parametrize("engine", ["obstore", "sdk"])
def test_what_is_stored_compressed_is_read_as_it_is_stored(gcs_cloud, proxy, engine):
    """Ranges and sizes are of the bytes that are stored."""
    packed = gzip.compress(b"content" * 100)
    path, words = gcs_cloud.path("key"), {"content_encoding": "gzip"}
    gcs_cloud.fs("sdk").pipe_file(path, packed, fixed_key_metadata=words)
    fs = GCSFileSystem(**{**gcs_cloud.options, "endpoint_url": proxy.endpoint}, engine=engine)
    assert (fs.cat_file(path), fs.cat_file(path, 2, 10)) == (packed, packed[2:10])
    with fs.open(gcs_cloud.path("key")) as file:
        assert file.read() == packed
    assert {asked.headers["accept-encoding"] for asked in proxy.asked} == {"gzip"}


# -- credentials ----------------------------------------------------------------------------------------------------


class Handing:
    """A provider of one token after another."""

    def __init__(self):
        self.handed = 0

    def fetch_storage_options(self):
        """The next token."""
        self.handed += 1
        return {"bearer_token": f"token-{self.handed}"}

    def provider_id(self):
        """Of this provider only."""
        return f"handing {id(self)}"


@pytest.fixture
def provider():
    """A provider of one token after another."""
    return Handing()


def _of(proxy, gcs_cloud, **credentials):
    return GCSFileSystem(endpoint_url=proxy.endpoint, project="p", engine="sdk", **credentials)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda fs, path: fs.cat_file(path), id="read"),
        pytest.param(lambda fs, path: fs.pipe_file(path, b"1"), id="write"),
        pytest.param(lambda fs, path: fs.pipe_file(path, LONG, chunksize=PART), id="upload"),
        pytest.param(lambda fs, path: fs.ls(path), id="list"),
        pytest.param(lambda fs, path: fs.call("GET", f"b/{path.partition('/')[0]}"), id="bare"),
    ],
)
def test_refused_token_is_replaced_once(proxy, gcs_cloud, provider, call):
    """And the call goes on."""
    gcs_cloud.raw.put("key", b"1")
    for method in ("GET", "POST", "PUT"):
        proxy.answer(401, method, token="token-1", times=9)
    call(_of(proxy, gcs_cloud, storage_options_provider=provider), gcs_cloud.path("key"))
    sent = [asked.headers["authorization"] for asked in proxy.asked]
    assert (sent[:2], provider.handed) == (["Bearer token-1", "Bearer token-2"], 2)
    assert set(sent[1:]) == {"Bearer token-2"}


def test_token_that_is_refused_again_is_expired(proxy, gcs_cloud, provider):
    """Neither asked for nor sent more often."""
    proxy.answer(401, "GET", times=99)
    with pytest.raises(CredentialsExpiredError):
        _of(proxy, gcs_cloud, storage_options_provider=provider).cat_file("bucket/key")
    assert (proxy.count("GET"), provider.handed) == (2, 2)


def test_token_of_the_caller_is_sent_without_a_look_at_it(proxy, gcs_cloud):
    """gcsfs asks a server of Google when it expires."""
    gcs_cloud.raw.put("key", b"1")
    fs = _of(proxy, gcs_cloud, token="ya29.own")
    assert fs.cat_file(gcs_cloud.path("key")) == b"1"
    assert [asked.headers["authorization"] for asked in proxy.asked] == ["Bearer ya29.own"]
    proxy.answer(401, "GET", times=99)
    with pytest.raises(PermissionError):
        fs.cat_file(gcs_cloud.path("key"))
    assert proxy.count("GET") == 2


def test_anonymous_requests_carry_no_token(proxy, gcs_cloud):
    """A refusal of theirs is no expiry."""
    fs = _of(proxy, gcs_cloud, token="anon")
    proxy.answer(401, "GET", body=b'{"error": {"message": "Anonymous caller does not have access"}}')
    with pytest.raises(PermissionError, match="Anonymous caller") as caught:
        fs.cat_file("bucket/key")
    assert not isinstance(caught.value, CredentialsExpiredError)
    assert all("authorization" not in asked.headers for asked in proxy.asked)


def test_requests_are_billed_to_the_payer(proxy, gcs_cloud):
    """Also those in a batch."""
    fs = _of(proxy, gcs_cloud, token="anon", requester_pays="payer")
    for key in "ab":
        fs.pipe_file(gcs_cloud.path(key), b"1")
    fs.rm([gcs_cloud.path(key) for key in "ab"])
    assert all("userProject=payer" in asked.path for asked in proxy.asked)
    assert proxy.asked[-1].body.count(b"?userProject=payer HTTP") == 2


def test_environment_says_nothing_to_gcsfs(proxy, gcs_cloud, monkeypatch):
    """Endpoint, project and credentials are those of the settings."""
    for name, value in (
        ("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1"),
        ("GCSFS_DEFAULT_PROJECT", "elsewhere"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json"),
        ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "example.com"),
    ):
        monkeypatch.setenv(name, value)
    fs = _of(proxy, gcs_cloud, token="anon")
    fs.ls("")
    assert [(asked.method, "project=p" in asked.path) for asked in proxy.asked] == [("GET", True)]
    assert fs.project == "p"


# -- loops and processes --------------------------------------------------------------------------------------------


def _sessions(proxy):
    return [session for session in gcs_requests._sessions if not session.closed]


def test_session_ends_with_its_loop(fs, gcs_cloud, proxy):
    """One for each loop."""
    gcs_cloud.raw.put("key", b"1")
    before = len(_sessions(proxy))

    async def work():
        there = GCSFileSystem(**fs.storage_options, asynchronous=True)
        found = await asyncio.gather(*(there._cat_file(gcs_cloud.path("key")) for _ in range(5)))
        assert (found, len(_sessions(proxy))) == ([b"1"] * 5, before + 1)

    for _ in range(2):
        asyncio.run(work())
        assert len(_sessions(proxy)) == before


def test_session_ends_with_its_filesystem(gcs_cloud, proxy):
    """Soon after that was dropped."""
    options = {**gcs_cloud.options, "endpoint_url": proxy.endpoint, "engine": "sdk"}
    fs = GCSFileSystem(**options, skip_instance_cache=True)
    fs.ls("")
    (session,) = [each for each in _sessions(proxy) if each in fs.connection.sdk.instance().__dict__.values()]
    loop = fs.loop
    del fs
    gc.collect()

    async def closed():
        for _ in range(100):
            if session.closed:
                return True
            await asyncio.sleep(0)
        return session.closed

    assert asyncio.run_coroutine_threadsafe(closed(), loop).result(10)


PROGRAM = """
import asyncio, os, sys
from objfs import GCSFileSystem

endpoint, path, engine, how = sys.argv[1:]
fs = GCSFileSystem(endpoint_url=endpoint, token="anon", project="p", engine=engine)
assert fs.cat_file(path) == b"1"
fs.info(path)
if how == "fork":
    child = os.fork()
    assert fs.cat_file(path) == b"1"
    assert fs.info(path)["size"] == 1
    if child:
        assert os.waitpid(child, 0)[1] == 0
elif how == "loop":
    async def work():
        there = GCSFileSystem(endpoint_url=endpoint, token="anon", project="p", engine=engine, asynchronous=True)
        assert await there._cat_file(path) == b"1"
    asyncio.run(work())
elif how == "google":
    GCSFileSystem(token="anon", project="p").connection.sdk.instance()
"""


@pytest.mark.parametrize("how", ["plain", "fork", "loop", "google"])
@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_interpreter_ends_without_a_warning(gcs_cloud, engine, how):
    """Also that of a forked child, after a loop of its own, and with the class for zonal buckets."""
    gcs_cloud.raw.put("key", b"1")
    arguments = [gcs_cloud.options["endpoint_url"], gcs_cloud.path("key"), engine, how]
    # google.api_core says by a warning how long it will know the Python it runs on; some releases of gcsfs import it.
    warnings = ["-W", "error", "-W", "ignore:You are using a Python version:FutureWarning"]
    command = [sys.executable, "-X", "dev", *warnings, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    noise = [line for line in done.stderr.splitlines() if not line.startswith("Executing <")]
    assert (done.returncode, noise) == (0, [])
