"""`objfs.shelf` on three clouds, in memory and in a directory: `shelve`'s contract, its flags, what it asks for."""

from __future__ import annotations

import io
import shelve
from collections import Counter
from pathlib import Path

import pytest

import objfs
from objfs import shelf
from tests.clouds import CloudUnderTest

KEYS = ["plain", "a/b", "a b", "ü 日本", "50%", "a%2Fb", "q?x=1", "h#1", "plus+and&", "*[x]?", "~", "'\""]
# On object stores these are keys as any other.
ODD_KEYS = ["a//b", "/lead", "trail/", "//"]


@pytest.fixture(params=["s3", "s3 prefix", "gcs prefix", "azure prefix", "memory", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, object]]:
    """URL and options of a shelf that is not there yet."""
    if request.param == "memory":
        return f"memory://{tmp_path.name}/shelf", {}
    if request.param == "file":
        return f"file://{tmp_path}/some/shelf", {}
    name, _, below = request.param.partition(" ")
    cloud: CloudUnderTest = request.getfixturevalue(f"{name}_cloud")
    below = f"/some/{below}" if below else ""
    return f"{cloud.scheme}://{cloud.bucket}{below}", dict(cloud.options)


def test_what_is_stored_is_read_by_another_shelf(place):
    """Values of any kind, under keys of any kind; and the shelf is one of `shelve`'s."""
    url, options = place
    with shelf.open(url, **options) as first:
        assert isinstance(first, shelve.Shelf)
        for number, key in enumerate(KEYS):
            first[key] = {"number": number, "key": key}
    with shelf.open(url, "r", **options) as second:
        assert dict(second) == {key: {"number": number, "key": key} for number, key in enumerate(KEYS)}
        assert len(second) == len(KEYS)


def test_clear_takes_every_entry_and_none_of_another_shelf(s3_cloud):
    """Stars and brackets in keys are no patterns, and slashes at the end of a URL are parts of keys."""
    for key in ("a[1]/x[2]", "a[1]/*", "a1/x2", "p/kept", "p//entry"):
        s3_cloud.raw.put(key, b"")
    shelf.open(s3_cloud.url("a[1]"), "n", **s3_cloud.options)
    assert s3_cloud.raw.listed() == ["a1/x2", "p//entry", "p/kept"]
    shelf.open(s3_cloud.url("p//"), "n", **s3_cloud.options)
    assert s3_cloud.raw.listed() == ["a1/x2", "p/kept"]


def test_missing_key_raises_key_error(place):
    """Reading, deleting and popping; `get`, `in` and `setdefault` do as a dictionary does."""
    url, options = place
    with shelf.open(url, **options) as entries:
        entries["there/below"] = 1
        for call in (entries.__getitem__, entries.__delitem__, entries.pop):
            for missing in ("missing", "there"):
                with pytest.raises(KeyError, match=missing):
                    call(missing)
        assert entries.get("missing", 7) == 7
        assert ("missing" in entries, "there" in entries, "there/below" in entries) == (False, False, True)
        assert entries.setdefault("missing", 8) == 8
        assert entries.pop("missing") == 8
        assert sorted(entries) == ["there/below"]


def test_changes_inside_of_a_value_need_writeback(place):
    """As with `shelve`: without it they are lost, with it `sync` and `close` store them."""
    url, options = place
    with shelf.open(url, **options) as entries:
        entries["list"] = [1]
        entries["list"].append(2)
        assert entries["list"] == [1]
    with shelf.open(url, "w", writeback=True, **options) as entries:
        entries["list"].append(2)
        entries.sync()
        assert shelf.open(url, "r", **options)["list"] == [1, 2]
        entries["list"].append(3)
    assert shelf.open(url, "r", **options)["list"] == [1, 2, 3]


def test_flag_n_empties_the_shelf_and_nothing_beside_it(place):
    """Prefixes that only begin alike are another shelf's."""
    url, options = place
    beside = f"{url}/beside" if url.count("/") == 2 else f"{url}-beside"
    for each in (url, beside):
        with shelf.open(each, **options) as entries:
            entries["key"] = each
    with shelf.open(url if url.count("/") > 2 else f"{url}/other", "n", **options) as entries:
        assert list(entries) == []
    assert shelf.open(beside, "r", **options)["key"] == beside
    with shelf.open(url, "n", **options) as entries:
        assert len(entries) == 0


def test_flag_r_refuses_every_change(place):
    """And what was there is still there."""
    url, options = place
    with shelf.open(url, **options) as entries:
        entries["key"] = 1
    with shelf.open(url, "r", **options) as entries:
        changes = [
            lambda: entries.__setitem__("new", 1),
            lambda: entries.__delitem__("key"),
            lambda: entries.pop("key"),
            entries.clear,
        ]
        for change in changes:
            with pytest.raises(io.UnsupportedOperation, match="opened with flag 'r'"):
                change()
        assert dict(entries) == {"key": 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(
            "store.ini",
            "[default]\nprovider = aws-s3\nauth_type = access_key\nbucket_name = {bucket}\nkey_id = $SHELF_KEY\n"
            "key_secret = {secret}\n\n[provider_params]\nendpoint_url = {endpoint_url}\n",
            id="cshelve",
        ),
        pytest.param(
            "lab.toml",
            '[default]\nurl = "s3://{bucket}"\nkey = "{key}"\nsecret = "{secret}"\nendpoint_url = "{endpoint_url}"\n',
            id="toml",
        ),
    ],
)
def test_shelf_of_a_configuration_file(name, text, s3_cloud, tmp_path, monkeypatch):
    """As cshelve opens one: the file says where and with which credentials."""
    monkeypatch.setenv("SHELF_KEY", s3_cloud.options["key"])
    (tmp_path / name).write_text(text.format(bucket=s3_cloud.bucket, **s3_cloud.options))
    with shelf.open(tmp_path / name) as entries:
        entries["key"] = 1
    assert s3_cloud.raw.listed() == ["key"]
    assert shelf.open(str(tmp_path / name), "r")["key"] == 1


@pytest.mark.parametrize("flag", ["r", "w"])
def test_what_is_missing_is_not_created_by_flags_r_and_w(flag, cloud, tmp_path):
    """A bucket, and a directory."""
    missing = f"{cloud.scheme}://{cloud.bucket}-missing"
    with pytest.raises(FileNotFoundError, match="flag 'c' would create it"):
        shelf.open(missing, flag, **cloud.options)
    with pytest.raises(FileNotFoundError):
        shelf.open(f"file://{tmp_path}/missing", flag)
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("flag", ["c", "n"])
def test_missing_bucket_is_created_by_flags_c_and_n(flag, cloud):
    """And used at once."""
    fs = objfs.from_url(f"{cloud.scheme}://{cloud.bucket}", **cloud.options)[0]
    bucket = f"{cloud.bucket}-new-{flag}"
    try:
        with shelf.open(f"{cloud.scheme}://{bucket}/prefix", flag, **cloud.options) as entries:
            entries["key"] = 1
        assert cloud.raw.beside(bucket).listed() == ["prefix/key"]
    finally:
        fs.rm(bucket, recursive=True)


def test_keys_are_those_of_the_objects(cloud):
    """No key is changed on the way, so that other tools find the values; all that is below the prefix is an entry."""
    for key in ODD_KEYS:
        cloud.raw.put(f"p/{key}", b"\x80\x04K\x05.")
    with shelf.open(f"{cloud.scheme}://{cloud.bucket}/p", **cloud.options) as entries:
        assert sorted(entries) == sorted(ODD_KEYS)
        for key in ODD_KEYS:
            assert entries[key] == 5
            assert key in entries
            entries[key] = 6
            del entries[key]
        assert len(entries) == 0
    assert cloud.raw.listed() == []


@pytest.mark.parametrize("key", ["../secret", "a/../../secret", "a//b", "/lead", "trail/", ".", ""])
def test_key_that_would_name_another_file_is_refused(key, tmp_path):
    """In a directory these are no keys."""
    (tmp_path / "secret").write_bytes(b"")
    with shelf.open(f"file://{tmp_path}/shelf") as entries:
        for call in (entries.__getitem__, entries.__delitem__, entries.__contains__):
            with pytest.raises(ValueError, match="cannot be a key"):
                call(key)
        with pytest.raises(ValueError, match="cannot be a key"):
            entries[key] = 1
    assert (tmp_path / "secret").read_bytes() == b""


def test_clear_takes_one_listing_and_one_deletion(gateway, bucket):
    """`shelve.Shelf` would list, read and delete once for each."""
    issued = gateway.issue(60)
    issued.pop("expires_at_millis")
    with shelf.open(f"s3://{bucket}", endpoint_url=gateway.endpoint, **issued) as entries:
        for number in range(5):
            entries[str(number)] = number
        gateway.reset()
        entries.clear()
        assert gateway.stats()["methods"] == {"GET": 1, "POST": 1}
        gateway.reset()
        assert entries.get("0") is None
        assert gateway.stats()["requests"] == 1


# What each flag asks of a store that has the bucket: for opening, reading, storing, deleting and iterating.
ASKS = {
    "r": {"HEAD bucket", "GET object", "GET bucket"},
    # A deletion is a POST to the bucket with a list of keys, be it of one.
    "w": {"HEAD bucket", "GET object", "GET bucket", "PUT object", "HEAD object", "POST bucket"},
}
ASKS["n"] = ASKS["c"] = ASKS["w"]


@pytest.mark.parametrize("flag", ASKS)
def test_flag_asks_for_no_more_than_its_permissions(flag, gateway, bucket):
    """The table of docs/how-to/keep-a-shelf.md: `r` never writes, `w` never creates a bucket."""
    issued = gateway.issue(60)
    issued.pop("expires_at_millis")
    options = {"endpoint_url": gateway.endpoint, **issued}
    objfs.S3FileSystem(**options).pipe_file(f"{bucket}/p/old", b"\x80\x04K\x05.")
    gateway.reset()
    with shelf.open(f"s3://{bucket}/p", flag, **options) as entries:
        if flag != "r":
            entries["new"] = 1
            del entries["new"]
        assert entries.get("old") == (None if flag == "n" else 5)
        list(entries)
    asked = Counter(
        f"{record.method} {'object' if record.path.strip('/') != bucket else 'bucket'}" for record in gateway.requests()
    )
    assert set(asked) == ASKS[flag]


@pytest.mark.parametrize("flag", ["r", "w", "c"])
def test_shelf_opens_where_the_bucket_may_not_be_looked_at(flag, gateway, bucket):
    """Reading one object needs no right to list."""
    issued = gateway.issue(60)
    issued.pop("expires_at_millis")
    options = {"endpoint_url": gateway.endpoint, **issued}
    objfs.S3FileSystem(**options).pipe_file(f"{bucket}/p/old", b"\x80\x04K\x05.")
    for method, target in (("HEAD", f"/{bucket}"), ("GET", "list-type")):
        gateway.fail(method, target, status=403, code="AccessDenied", times=100)
    with shelf.open(f"s3://{bucket}/p", flag, **options) as entries:
        assert entries["old"] == 5


@pytest.mark.parametrize(
    ("url", "arguments", "message"),
    [
        pytest.param("memory://x", {"flag": "a"}, "flag is one of 'r', 'w', 'c', 'n'", id="unknown flag"),
        pytest.param("memory://x", {"flag": "r", "writeback": True}, "flag 'r' must not", id="writeback of a reader"),
        pytest.param("s3://", {"anon": True}, "names none", id="no bucket"),
        pytest.param("", {}, "an empty text names no shelf", id="nothing"),
    ],
)
def test_call_that_makes_no_sense_is_refused(url, arguments, message):
    """Before any request."""
    with pytest.raises(ValueError, match=message):
        shelf.open(url, **arguments)


def test_closed_shelf_answers_nothing(place):
    """As a shelf of `shelve`."""
    url, options = place
    entries = shelf.open(url, **options)
    entries.close()
    entries.close()
    for call in (entries.clear, lambda: entries["key"], lambda: list(entries)):
        with pytest.raises(ValueError, match="closed shelf"):
            call()
