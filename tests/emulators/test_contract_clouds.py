"""What objfs promises of every cloud, on both planes: each test here runs six times."""

from __future__ import annotations

import contextlib
import io
import pickle

import pytest

from objfs.errors import FileExpired, PreconditionFailedError
from objfs.records import replace

KEYS = ["a b", "a%20b", "ä/日本", "a?b", "a#b", "a+b&c=d", "[x]{y}", "a'b;c,d", "~", "a.b/..c"]
ODD_KEYS = ["a//b", "/a", "d/"]
LONG = bytes(range(251)) * 71


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by the SDK."""
    return request.param


@pytest.fixture
def fs(cloud, engine):
    """The filesystem of the cloud under test."""
    return cloud.fs(engine)


# -- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [*KEYS, *ODD_KEYS])
def test_key_is_opaque(fs, cloud, key):
    """What is written under a key is there under exactly this key, for every verb."""
    fs.pipe_file(cloud.path(key), b"content")
    assert cloud.raw.listed() == [key]
    assert fs.cat_file(cloud.path(key)) == b"content"
    assert fs.find(cloud.bucket) == [cloud.path(key)]
    fs.rm_file(cloud.path(key))
    assert cloud.raw.listed() == []


@pytest.mark.parametrize("key", KEYS)
def test_key_in_a_url_is_the_key_in_a_path(fs, cloud, key):
    """Nothing in a URL of the cloud's own scheme is decoded or cut."""
    cloud.raw.put(key, b"content")
    assert fs.cat_file(cloud.url(key)) == b"content"
    assert fs.info(cloud.url(key))["name"] == cloud.path(key)
    assert fs.exists(cloud.url(key))


def test_path_with_a_trailing_slash_is_not_the_shorter_key(fs, cloud):
    """The object ``a`` is not ``a/``."""
    cloud.raw.put("a", b"content")
    with pytest.raises(FileNotFoundError):
        fs.cat_file(cloud.path("a/"))
    assert not fs.isfile(cloud.path("a/"))


def test_verbs_of_a_directory_leave_the_object_of_its_name_alone(fs, cloud, tmp_path):
    """Recursive verbs, too: ``top/`` is the directory beside the object ``top``."""
    for key in ("top", "top/a", "top/d/b"):
        cloud.raw.put(key, key.encode())
    below = [cloud.path("top/a"), cloud.path("top/d/b")]
    assert fs.find(cloud.path("top/")) == below
    assert fs.ls(cloud.path("top/"), detail=False) == [cloud.path("top/a"), cloud.path("top/d")]
    assert fs.du(cloud.path("top/")) == len("top/a" + "top/d/b")
    fs.get(cloud.path("top/"), str(tmp_path / "down"), recursive=True)
    assert sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()) == [
        "down/a",
        "down/d/b",
    ]
    fs.copy(cloud.path("top/"), cloud.path("copy"), recursive=True)
    assert cloud.raw.listed() == ["copy/a", "copy/d/b", "top", "top/a", "top/d/b"]
    fs.mv(cloud.path("copy/"), cloud.path("moved"), recursive=True)
    fs.rm(cloud.path("top/"), recursive=True)
    assert cloud.raw.listed() == ["moved/a", "moved/d/b", "top"]
    for verb in (fs.ls, lambda path: fs.rm(path, recursive=True)):
        with pytest.raises(FileNotFoundError):
            verb(cloud.path("top/"))
    assert cloud.raw.listed() == ["moved/a", "moved/d/b", "top"]


# -- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"),
    [(None, None), (0, 5), (5, None), (-5, None), (None, -5), (-10, -5), (3, 3), (10, 10**6), (10**6, None), (7, 3)],
)
def test_cat_file_slices_like_python(fs, cloud, start, end):
    """Open, negative, empty and too large bounds."""
    cloud.raw.put("key", LONG)
    assert fs.cat_file(cloud.path("key"), start=start, end=end) == LONG[start:end]


def test_empty_object_is_read(fs, cloud):
    """Though a range of it is an error on the wire."""
    cloud.raw.put("empty")
    with fs.open(cloud.path("empty")) as file:
        assert (file.size, file.read()) == (0, b"")
    assert fs.cat_file(cloud.path("empty")) == b""
    assert fs.cat_file(cloud.path("empty"), start=-3) == b""


def test_cat_ranges_of_several_objects(fs, cloud):
    """In the order that was asked, also where ranges overlap, are empty or reach past the end."""
    cloud.raw.put("one", LONG)
    cloud.raw.put("two", LONG[::-1])
    paths = [cloud.path(key) for key in ("one", "two", "one", "one", "two")]
    starts, ends = [0, 5, 2, 10**6, -3], [4, 9, 6, 10**6 + 5, None]
    bodies = [LONG, LONG[::-1], LONG, LONG, LONG[::-1]]
    expected = [body[a:b] for body, a, b in zip(bodies, starts, ends, strict=True)]
    assert fs.cat_ranges(paths, starts, ends) == expected


def test_open_file_seeks_and_reads(fs, cloud):
    """As a local file does."""
    cloud.raw.put("key", LONG)
    local = io.BytesIO(LONG)
    with fs.open(cloud.path("key")) as file:
        for place, whence, length in [(0, 0, 10), (-20, 2, 7), (100, 0, 0), (5, 1, 300), (0, 0, -1)]:
            assert file.seek(place, whence) == local.seek(place, whence)
            assert file.read(length) == local.read(length)


@pytest.mark.parametrize("name", ["data.parquet", "data.bin"])
def test_open_file_is_never_a_mix_of_two_versions(fs, cloud, name):
    """An object that is replaced while it is open raises."""
    cloud.raw.put(name, b"1" * 3_000_000)
    with fs.open(cloud.path(name), cache_type="none") as file:
        file.read(10)
        cloud.raw.put(name, b"2" * 3_000_000)
        file.seek(1_500_000)
        with pytest.raises(FileExpired):
            file.read(10)


def test_open_file_is_pickled_with_its_place_and_version(fs, cloud):
    """A worker reads what the sender would have read, or raises."""
    cloud.raw.put("key", LONG)
    with fs.open(cloud.path("key")) as file:
        file.read(7)
        copy = pickle.loads(pickle.dumps(file))
        assert (copy.tell(), copy.read(5), copy.size) == (7, LONG[7:12], len(LONG))
        cloud.raw.put("key", LONG[::-1])
        again = pickle.loads(pickle.dumps(file))
        with pytest.raises(FileExpired):
            again.read(1)


@pytest.mark.parametrize("call", ["cat_file", "open", "info", "size", "get"])
def test_missing_object_raises_file_not_found(fs, cloud, call, tmp_path):
    """With the path, whatever the verb."""
    calls = {
        "cat_file": lambda: fs.cat_file(cloud.path("no")),
        "open": lambda: fs.open(cloud.path("no")),
        "info": lambda: fs.info(cloud.path("no")),
        "size": lambda: fs.size(cloud.path("no")),
        "get": lambda: fs.get_file(cloud.path("no"), str(tmp_path / "x")),
    }
    with pytest.raises(FileNotFoundError) as caught:
        calls[call]()
    assert cloud.path("no") in str(caught.value)


def test_missing_bucket_raises_file_not_found(fs, cloud):
    """Reading, listing and writing."""
    for call in (lambda: fs.cat_file("no-such-bucket-here/key"), lambda: fs.ls("no-such-bucket-here")):
        with pytest.raises(FileNotFoundError):
            call()
    with pytest.raises(FileNotFoundError):
        fs.pipe_file("no-such-bucket-here/key", b"1")
    assert not fs.exists("no-such-bucket-here")


# -- writing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 5 << 20, (16 << 20) + 1, 40 << 20], ids=["0", "1", "5M", "16M+1", "40M"])
def test_written_object_is_whole(fs, cloud, size):
    """One request, or parts."""
    data = (LONG * (size // len(LONG) + 1))[:size]
    with fs.open(cloud.path("key"), "wb") as file:
        for at in range(0, size, 7 << 20):
            file.write(data[at : at + (7 << 20)])
        assert cloud.raw.listed() == []
    assert cloud.raw.get("key") == data


def test_failed_block_publishes_nothing(fs, cloud):
    """Not even the parts that were sent."""

    def fail():
        with fs.open(cloud.path("key"), "wb") as file:
            file.write(b"1" * (40 << 20))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert cloud.raw.listed() == []


@pytest.mark.parametrize("size", [3, 40 << 20], ids=["short", "long"])
def test_exclusive_creation(fs, cloud, size):
    """``x`` mode and ``mode="create"`` never replace an object, however long the new one is."""
    data = b"1" * size
    fs.pipe_file(cloud.path("key"), data, mode="create")
    assert len(cloud.raw.get("key")) == size
    with pytest.raises(FileExistsError):
        fs.pipe_file(cloud.path("key"), b"2" * size, mode="create")
    with pytest.raises(FileExistsError):
        fs.open(cloud.path("key"), "xb")
    file = fs.open(cloud.path("late"), "xb")
    file.write(data)
    cloud.raw.put("late", b"other")
    with pytest.raises(FileExistsError):
        file.close()
    assert (cloud.raw.get("late"), cloud.raw.get("key")) == (b"other", data)


@pytest.mark.parametrize("size", [3, 40 << 20], ids=["short", "long"])
def test_if_match_replaces_what_was_read_only(fs, cloud, size):
    """The state is what ``info()`` says of the object."""
    if size > 16 << 20:
        cloud.needs("if_match of uploads in parts")
    cloud.raw.put("key", b"1")
    state = fs.info(cloud.path("key"))[cloud.e_tag]
    fs.pipe_file(cloud.path("key"), b"2" * size, if_match=state)
    with pytest.raises(PreconditionFailedError):
        fs.pipe_file(cloud.path("key"), b"3" * size, if_match=state)
    assert cloud.raw.get("key") == b"2" * size


def test_if_match_of_another_kind_is_refused(cloud):
    """A generation may be a number; what cannot be one is no condition that a server would compare."""
    fs = cloud.fs()
    fs.pipe_file(cloud.path("key"), b"1")
    if fs.connection.cloud.condition == "version":
        with pytest.raises(ValueError, match="generations"):
            fs.pipe_file(cloud.path("key"), b"2", if_match='"etag"')
    with pytest.raises(PreconditionFailedError):
        fs.pipe_file(cloud.path("key"), b"2", if_match=12345)
    assert cloud.raw.get("key") == b"1"


@pytest.mark.parametrize("size", [0, 10, 6 << 20, 20 << 20], ids=["0", "10", "6M", "20M"])
def test_append(fs, cloud, size):
    """To objects that are read back, and to those that are continued on the server."""
    cloud.raw.put("key", b"1" * size)
    with fs.open(cloud.path("key"), "ab") as file:
        file.write(b"2" * 5)
        assert len(cloud.raw.get("key")) == size
    assert cloud.raw.get("key") == b"1" * size + b"2" * 5
    assert cloud.raw.listed() == ["key"]


@pytest.mark.parametrize("verb", ["pipe", "open", "touch", "put", "copy"])
def test_version_is_no_target_of_a_write(cloud, verb, tmp_path):
    """What is written becomes the newest version: a path that names an older one is refused."""
    fs = cloud.fs(version_aware=True)
    fs.pipe_file(cloud.path("key"), b"1")
    location = fs._split(cloud.path("key"))
    named = fs.connection.cloud.with_version(replace(location, version="1234567890123456"))
    (tmp_path / "file").write_bytes(b"2")
    calls = {
        "pipe": lambda: fs.pipe_file(named, b"2"),
        "open": lambda: fs.open(named, "wb"),
        "touch": lambda: fs.touch(named),
        "put": lambda: fs.put_file(str(tmp_path / "file"), named),
        "copy": lambda: fs.cp_file(cloud.path("key"), named),
    }
    with pytest.raises(ValueError, match="written as it is now"):
        calls[verb]()
    assert cloud.raw.get("key") == b"1"


def test_metadata_and_content_type_are_stored(fs, cloud):
    """By both planes alike."""
    words = {**cloud.metadata({"owner": "me"}), **fs.connection.cloud.content_type("text/x-odd")}
    fs.pipe_file(cloud.path("key"), b"1", **words)
    assert cloud.raw.head("key") == {"content_type": "text/x-odd", "metadata": {"owner": "me"}}


def test_written_file_names_its_object(fs, cloud):
    """As a file that is read does; what only the peer can do is asked of it."""
    with fs.open(cloud.path("d/key"), "wb") as file:
        file.write(b"1")
    assert (file.bucket, file.key) == (cloud.bucket, "d/key")
    assert {"url", "metadata", "getxattr", "setxattr"} <= set(dir(file))


def test_download_of_a_directory_that_is_not_there(fs, cloud, tmp_path):
    """Raises, and makes no folder; one that is there becomes a folder."""
    cloud.raw.put("d/a", b"1")
    with pytest.raises(FileNotFoundError):
        fs.get_file(cloud.path("missing/"), str(tmp_path / "missing"))
    fs.get_file(cloud.path("d/"), str(tmp_path / "d"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["d"]


def test_transaction_commits_and_discards(fs, cloud):
    """All or nothing."""
    with fs.transaction:
        with fs.open(cloud.path("key"), "wb") as file:
            file.write(b"1")
        assert cloud.raw.listed() == []
    assert cloud.raw.listed() == ["key"]

    def fail():
        with fs.transaction:
            with fs.open(cloud.path("other"), "wb") as file:
                file.write(b"1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert cloud.raw.listed() == ["key"]


def test_copy_move_and_remove(fs, cloud):
    """Within the bucket."""
    cloud.raw.put("a", LONG)
    fs.copy(cloud.path("a"), cloud.path("d/b"))
    fs.mv(cloud.path("a"), cloud.path("c"))
    assert (cloud.raw.listed(), cloud.raw.get("c"), cloud.raw.get("d/b")) == (["c", "d/b"], LONG, LONG)
    fs.rm([cloud.path("c"), cloud.path("d/b")])
    assert cloud.raw.listed() == []


def test_files_come_and_go(fs, cloud, tmp_path):
    """put and get, with directories."""
    (tmp_path / "up" / "sub").mkdir(parents=True)
    (tmp_path / "up" / "one").write_bytes(LONG)
    (tmp_path / "up" / "sub" / "two.txt").write_bytes(b"2")
    fs.put(str(tmp_path / "up"), cloud.path("tree"), recursive=True)
    assert cloud.raw.listed() == ["tree/one", "tree/sub/two.txt"]
    assert cloud.raw.head("tree/sub/two.txt")["content_type"] == "text/plain"
    fs.get(cloud.path("tree"), str(tmp_path / "down"), recursive=True)
    assert (tmp_path / "down" / "one").read_bytes() == LONG
    assert (tmp_path / "down" / "sub" / "two.txt").read_bytes() == b"2"


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(cloud):
    """A few names, odd ones among them."""
    for key in ("a", "d/b", "d/e/c", "d//x", "dd"):
        cloud.raw.put(key, b"123")
    return cloud


def test_ls_shows_one_level(fs, tree):
    """Files with their sizes, directories without a slash."""
    # adlfs says that a directory has no size, the others that it is 0.
    found = {item["name"]: (item["type"], item["size"] or 0) for item in fs.ls(tree.bucket, detail=True)}
    expected = {"a": ("file", 3), "d": ("directory", 0), "dd": ("file", 3)}
    assert found == {tree.path(name): told for name, told in expected.items()}
    assert fs.ls(tree.path("d"), detail=False) == [tree.path(name) for name in ("d/", "d/b", "d/e")]


def test_find_is_complete(fs, tree):
    """Also with keys that no directory tree has."""
    names = ["d//x", "d/b", "d/e/c"]
    assert fs.find(tree.path("d")) == [tree.path(name) for name in names]
    assert fs.find(tree.bucket) == [tree.path(name) for name in sorted(["a", "dd", *names])]
    assert fs.find(tree.bucket, prefix="d/e") == [tree.path("d/e/c")]
    detailed = fs.find(tree.path("d"), detail=True)
    assert {name: item["size"] for name, item in detailed.items()} == dict.fromkeys(map(tree.path, names), 3)


def test_glob_and_walk(fs, tree):
    """Over the same names."""
    assert fs.glob(tree.path("d*")) == [tree.path("d"), tree.path("dd")]
    assert fs.glob(tree.path("**/c")) == [tree.path("d/e/c")]
    assert next(root for root, _, _ in fs.walk(tree.bucket)) == tree.bucket


def test_listing_is_never_stale(fs, tree):
    """Nothing is cached unless it is asked for."""
    fs.ls(tree.bucket)
    fs.find(tree.bucket)
    tree.raw.put("new", b"")
    tree.raw.delete("a")
    assert fs.ls(tree.bucket, detail=False) == [tree.path(name) for name in ("d", "dd", "new")]
    assert tree.path("a") not in fs.find(tree.bucket)
    assert not fs.exists(tree.path("a"))


def test_kinds_of_names(fs, tree):
    """isfile, isdir, exists and info agree."""
    kinds = {"a": "file", "d": "directory", "d/e": "directory", "d/b": "file"}
    for name, kind in kinds.items():
        path = tree.path(name)
        assert (fs.isfile(path), fs.isdir(path)) == (kind == "file", kind == "directory")
        assert fs.exists(path)
        assert (fs.info(path)["type"], fs.info(path)["name"]) == (kind, path)
    assert fs.info(tree.bucket)["type"] == "directory"
    assert not fs.exists(tree.path("nothing"))


def test_info_agrees_with_the_listing(fs, tree):
    """In every key that both have."""
    told, listed = fs.info(tree.path("a")), fs.ls(tree.bucket, detail=True)[0]
    assert {name: told[name] for name in ("name", "size", "type", tree.e_tag)} == {
        name: listed[name] for name in ("name", "size", "type", tree.e_tag)
    }


def test_planes_agree_on_the_metadata_of_an_object(cloud):
    """What info() says without the SDK is part of what it says with it."""
    cloud.fs().pipe_file(cloud.path("key"), b"123", **cloud.fs().connection.cloud.content_type("text/x-odd"))
    known, told = (cloud.fs(engine).info(cloud.path("key")) for engine in ("obstore", "sdk"))
    different = {name: (value, told.get(name)) for name, value in known.items() if value != told.get(name)}
    # Times are told in HTTP's words there, which have whole seconds.
    different = {name: pair for name, pair in different.items() if len({str(value)[:19] for value in pair}) > 1}
    assert different == {}


def test_remove_recursively(fs, tree):
    """A tree, keys with empty segments included, and nothing beside it."""
    fs.rm(tree.path("d"), recursive=True)
    assert tree.raw.listed() == ["a", "dd"]


def test_buckets_are_made_listed_and_removed(fs, cloud):
    """By the verbs of directories."""
    name = cloud.bucket + "-more"
    fs.mkdir(name)
    try:
        assert name in [item.rstrip("/") for item in fs.ls("", detail=False)]
        assert fs.isdir(name)
        # adlfs says nothing of a container that exists.
        with contextlib.suppress(FileExistsError):
            fs.mkdir(name)
        with pytest.raises(FileExistsError):
            fs.makedirs(name)
        fs.makedirs(name, exist_ok=True)
    finally:
        fs.rmdir(name)
    assert not fs.exists(name)


# -- instances ------------------------------------------------------------------------------------------------------


def test_instance_is_pickled_and_compared(fs, cloud):
    """A copy is equal, has the same token, and reads."""
    cloud.raw.put("key", b"content")
    copy = pickle.loads(pickle.dumps(fs))
    assert copy == fs
    assert copy.__dask_tokenize__() == fs.__dask_tokenize__()
    assert copy.cat_file(cloud.path("key")) == b"content"


def test_secrets_are_not_shown(fs, cloud):
    """Neither by repr nor by JSON that is to be shown."""
    shown = repr(fs) + fs.to_json(include_password=False)
    for name, value in cloud.options.items():
        row = fs.connection.cloud.table.index.get(name)
        assert row is None or not row[0].secret or str(value) not in shown
