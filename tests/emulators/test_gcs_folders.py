"""Buckets with folders and zonal buckets, at a server that speaks of them: the parts of the API that gcsfs uses too."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote

import pytest

from objfs import GCSFileSystem
from objfs.errors import PreconditionFailedError
from objfs.peers import gcs as gcs_peer
from tests import gcs_proxy

pytest.importorskip("gcsfs")


class Folders:
    """Folders of one bucket, which the server of the tests has none of, told by rules of the proxy."""

    def __init__(self, proxy, bucket, layout):
        self.names, self._bucket, self._proxy = set(), bucket, proxy
        self.layout = layout
        proxy.rules.append(self)
        self.times, self.status, self.body, self.headers = 1 << 30, 200, b"", {}

    def matches(self, asked):
        """Whether the request is about folders; what to answer is decided at once."""
        path = unquote(asked.path.partition("?")[0])
        begin = f"/storage/v1/b/{self._bucket}"
        if path == f"{begin}/storageLayout":
            self._told(200, self.layout)
        elif path.startswith(f"{begin}/operations/"):
            self._told(200, {"name": "x", "done": True})
        elif path.startswith(f"{begin}/folders"):
            self._folders(asked, path.removeprefix(f"{begin}/folders").removeprefix("/"))
        else:
            return False
        return True

    def _folders(self, asked, name):
        if asked.method == "POST" and not name:
            new = json.loads(asked.body)["name"]
            known = new in self.names
            self.names |= {new} | ({new[: at + 1] for at, letter in enumerate(new) if letter == "/"})
            self._told(409 if known else 200, {"name": new})
        elif asked.method == "POST":
            one, _, two = name.partition("/renameTo/folders/")
            known = one in self.names
            self.names = {two + each[len(one) :] if each.startswith(one) else each for each in self.names}
            self._told(200 if known else 404, {"name": "projects/_/operations/x"})
        elif not name:
            begin = dict(parse_qsl(asked.path.partition("?")[2])).get("prefix", "")
            self._told(200, {"items": [{"name": each} for each in sorted(self.names) if each.startswith(begin)]})
        elif name not in self.names:
            self._told(404, {})
        elif asked.method == "DELETE" and any(each != name and each.startswith(name) for each in self.names):
            self._told(409, {"error": {"message": "not empty"}})
        else:
            self.names -= {name} if asked.method == "DELETE" else set()
            self._told(200, {"name": name})

    def _told(self, status, answer):
        self.status, self.body = status, json.dumps(answer).encode()


@pytest.fixture
def proxy(gcs_server):
    """The server, with folders."""
    with gcs_proxy.running(gcs_server.endpoint) as running:
        yield running


@pytest.fixture
def at_google(monkeypatch, gcs_cloud, proxy):
    """``at_google()`` is a filesystem that takes the proxy for Google."""
    monkeypatch.setattr(gcs_peer, "at_google", lambda _: True)
    return lambda: GCSFileSystem(
        **{**gcs_cloud.options, "endpoint_url": proxy.endpoint}, engine="sdk", skip_instance_cache=True
    )


@pytest.fixture
def folders(proxy, gcs_cloud):
    """The folders of the test's bucket."""
    return Folders(proxy, gcs_cloud.bucket, {"locationType": "region", "hierarchicalNamespace": {"enabled": True}})


def test_folders_are_made_seen_and_removed(at_google, folders, gcs_cloud):
    """Empty ones too."""
    fs, b = at_google(), gcs_cloud.bucket
    fs.mkdir(f"{b}/a/b", create_parents=True)
    assert folders.names == {"a/", "a/b/"}
    fs.makedirs(f"{b}/a/b", exist_ok=True)
    assert fs.isdir(f"{b}/a/b")
    assert fs.info(f"{b}/a/b")["type"] == "directory"
    assert fs.find(b, withdirs=True) == [f"{b}/a", f"{b}/a/b"]
    assert fs.find(b) == []
    assert not fs.exists(f"{b}/c")
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(f"{b}/a")
    fs.rmdir(f"{b}/a/b")
    assert folders.names == {"a/"}
    with pytest.raises(FileNotFoundError):
        fs.rmdir(f"{b}/c")


def test_tree_of_folders_is_removed(at_google, folders, gcs_cloud):
    """With what is in it, or empty."""
    fs, b = at_google(), gcs_cloud.bucket
    fs.makedirs(f"{b}/a/b")
    fs.pipe_file(f"{b}/a/b/key", b"1")
    fs.makedirs(f"{b}/c")
    fs.rm(f"{b}/a", recursive=True)
    assert (folders.names, gcs_cloud.raw.listed()) == ({"c/"}, [])
    fs.rm(f"{b}/c", recursive=True)
    assert folders.names == set()
    with pytest.raises(FileNotFoundError):
        fs.rm(f"{b}/d", recursive=True)


def test_folder_is_renamed_with_one_request(at_google, folders, proxy, gcs_cloud):
    """Under a new name, or into a folder that exists; what is no folder is moved key by key."""
    fs, b = at_google(), gcs_cloud.bucket
    fs.makedirs(f"{b}/a/x")
    fs.mv(f"{b}/a", f"{b}/b", recursive=True)
    assert folders.names == {"b/", "b/x/"}
    fs.makedirs(f"{b}/c")
    fs.mv(f"{b}/b", f"{b}/c", recursive=True)
    assert folders.names == {"c/", "c/b/", "c/b/x/"}
    assert proxy.count("POST", "/renameTo/") == 2
    fs.pipe_file(f"{b}/plain/key", b"1")
    fs.mv(f"{b}/plain", f"{b}/other", recursive=True)
    assert gcs_cloud.raw.listed() == ["other/key"]


def test_listing_asks_for_empty_folders(at_google, folders, proxy, gcs_cloud):
    """Where the bucket has any; what kind it is, is asked once."""
    fs = at_google()
    for _ in range(3):
        fs.ls(gcs_cloud.bucket)
    assert proxy.count("GET", "includeFoldersAsPrefixes=true") == 3
    assert proxy.count("GET", "storageLayout") == 1
    folders.layout = {}
    plain = at_google()
    plain.ls(gcs_cloud.bucket)
    plain.mkdir(f"{gcs_cloud.bucket}/a")
    assert proxy.count("GET", "includeFoldersAsPrefixes=true") == 3
    assert folders.names == set()


def test_bucket_whose_kind_may_not_be_asked_is_a_plain_one(at_google, proxy, gcs_cloud):
    """A public one, for one."""
    proxy.answer(403, "GET", "storageLayout", times=9)
    gcs_cloud.raw.put("key", b"1")
    assert at_google().ls(gcs_cloud.bucket) == [gcs_cloud.path("key")]


def test_bucket_with_folders_is_made(at_google, proxy, gcs_cloud):
    """By gcsfs's keywords; such a bucket has no ACLs."""
    fs = at_google()
    for keywords in ({"enable_hierarchical_namespace": True}, {"placement": "us-central1-a"}):
        proxy.answer(404, "GET", "made")
        proxy.answer(200, "POST", "/b?")
        fs.mkdir("made", **keywords)
    one, two = [asked for asked in proxy.asked if asked.method == "POST"]
    assert "predefined" not in one.path
    assert json.loads(one.body) == {
        "name": "made",
        "hierarchicalNamespace": {"enabled": True},
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}},
    }
    assert json.loads(two.body)["customPlacementConfig"] == {"dataLocations": ["us-central1-a"]}
    assert json.loads(two.body)["storageClass"] == "RAPID"


def test_bytes_of_zonal_buckets_are_moved_by_gcsfs(at_google, folders, monkeypatch, gcs_cloud):
    """Its gRPC, for reads and writes; nothing is sent before all of an object is there."""
    folders.layout = {"locationType": "zone"}
    fs, moved = at_google(), []
    kind = type(fs.connection.sdk.instance())

    async def cat_file(_, path, start=None, end=None):
        moved.append(("read", path, start, end))
        return gcs_cloud.raw.get(path.partition("/")[2])[start:end]

    async def pipe_file(_, path, data, mode):
        moved.append(("write", path, len(data), mode))
        gcs_cloud.raw.put(path.partition("/")[2], data)

    monkeypatch.setattr(kind, "_cat_file", cat_file, raising=False)
    monkeypatch.setattr(kind, "_pipe_file", pipe_file, raising=False)
    path, long = gcs_cloud.path("key"), b"123" * (6 << 20)
    fs.pipe_file(path, b"short", mode="create")
    assert (fs.cat_file(path), fs.cat_file(path, -3)) == (b"short", b"ort")
    with fs.open(path, "wb", block_size=5 << 20) as file:
        file.write(long)
        assert [each[0] for each in moved].count("write") == 1
    fs.cp_file(path, gcs_cloud.path("copy"))
    with fs.open(gcs_cloud.path("copy"), "ab") as file:
        file.write(b"4")
    assert fs.cat_file(gcs_cloud.path("copy")) == long + b"4"
    assert moved[0] == ("write", path, 5, "create")
    with pytest.raises(PreconditionFailedError):
        fs.pipe_file(path, b"1", if_match="5")
