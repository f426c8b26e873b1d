"""GCS: the verbs, keywords, keys and names of gcsfs, on both engines, compared with gcsfs where it is exact itself."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
from datetime import UTC, datetime
from urllib.request import urlopen

import fsspec
import pytest

import objfs
from objfs import GCSFileSystem
from objfs.errors import CredentialsError, PreconditionFailedError

gcsfs = pytest.importorskip("gcsfs")

TREE = {"a.txt": b"1", "b.csv": b"22", "dir/c.txt": b"333", "dir/sub/d.csv": b"4444", "other/e": b""}


@pytest.fixture(params=["auto", "sdk"])
def engine(request):
    """Bytes by obstore where it can, or all by gcsfs."""
    return request.param


@pytest.fixture
def fs(gcs_cloud, engine):
    """The filesystem under test."""
    return gcs_cloud.fs(engine)


@pytest.fixture
def theirs(gcs_cloud):
    """The plain class of gcsfs, on the same server."""
    from gcsfs.core import GCSFileSystem as Theirs

    options = {name: gcs_cloud.options[name] for name in ("endpoint_url", "project") if name in gcs_cloud.options}
    return Theirs(**options, token="anon", skip_instance_cache=True, use_listings_cache=False)


@pytest.fixture
def tree(gcs_cloud):
    """A bucket with a few objects; its name."""
    for key, body in TREE.items():
        gcs_cloud.raw.put(key, body)
    return gcs_cloud.bucket


def _has(owner, name):
    try:
        return hasattr(owner, name)
    except NotImplementedError:  # fsspec's fsid
        return True


def test_every_public_name_of_gcsfs_is_there(fs):
    """On the plain class; what the class for zonal buckets has besides needs Google's own server."""
    from gcsfs.core import GCSFileSystem as Theirs

    missing = [name for name in dir(Theirs) if not name.startswith("_") and not _has(fs, name)]
    assert missing == []
    instance = Theirs(token="anon", project="p", endpoint_url="http://127.0.0.1:1", skip_instance_cache=True)
    assert [name for name in vars(instance) if not name.startswith("_") and not _has(fs, name)] == []
    assert not hasattr(fs, "no_such_thing")


def test_the_class_for_zonal_buckets_serves_google_only(fs):
    """An emulator does not answer what kind a bucket is."""
    google = GCSFileSystem(token="anon", project="p")
    instance = google.connection.sdk.instance()
    assert isinstance(instance, gcsfs.GCSFileSystem)
    assert (instance.on_google, instance.base) == (True, "https://storage.googleapis.com/storage/v1/")
    names = [name for name in dir(gcsfs.GCSFileSystem) if not name.startswith("_") and name != "buckets"]
    assert [name for name in names if name != "grpc_client" and not _has(google, name)] == []
    assert type(fs.connection.sdk.instance()).__mro__[1].__module__ == "gcsfs.core"
    assert not fs.connection.sdk.instance().on_google


def test_listing_verbs_agree_with_gcsfs(fs, theirs, tree):
    """The same names, sizes, types and keys as the class that is taken over from gives."""
    for number, call in enumerate(
        (
            lambda fs: fs.ls(tree),
            lambda fs: fs.ls(tree, detail=True),
            lambda fs: fs.ls(f"{tree}/dir", detail=True),
            lambda fs: fs.ls(f"gs://{tree}/dir/"),
            lambda fs: fs.ls(f"{tree}/a.txt"),
            lambda fs: fs.ls(f"{tree}/dir", prefix="s"),
            lambda fs: fs.ls(tree, versions=True),
            lambda fs: fs.find(tree, detail=True),
            lambda fs: fs.find(tree, maxdepth=1),
            lambda fs: fs.find(tree, True, True),
            lambda fs: fs.find(f"{tree}/dir", withdirs=True),
            lambda fs: fs.find(f"{tree}/dir", prefix="s"),
            lambda fs: fs.find(f"{tree}/a.txt"),
            lambda fs: fs.find(f"{tree}/missing"),
            lambda fs: fs.find(tree, versions=True, detail=True),
            lambda fs: fs.glob(f"{tree}/**/*.csv"),
            lambda fs: fs.glob(f"{tree}/*"),
            lambda fs: fs.glob(f"{tree}/dir/?.txt", detail=True),
            lambda fs: list(fs.walk(tree)),
            lambda fs: list(fs.walk(tree, maxdepth=1)),
            lambda fs: fs.du(tree, total=False),
            lambda fs: fs.info(f"{tree}/a.txt"),
            lambda fs: fs.info(f"{tree}/dir"),
            lambda fs: fs.info(f"{tree}/dir/"),
            lambda fs: fs.info(tree),
            lambda fs: fs.sizes([f"{tree}/a.txt", f"{tree}/b.csv"]),
            lambda fs: fs.expand_path(f"{tree}/dir", recursive=True),
            lambda fs: fs.tree(tree),
            lambda fs: fs.modified(f"{tree}/a.txt"),
            lambda fs: fs.created(f"{tree}/a.txt"),
            lambda fs: fs.checksum(f"{tree}/a.txt"),
            lambda fs: fs.ukey(f"{tree}/a.txt"),
            lambda fs: fs.stat(f"{tree}/a.txt"),
            lambda fs: fs.url(f"{tree}/a b?c"),
            lambda fs: fs.url(f"{tree}/a.txt", generation=5),
            lambda fs: fs.split_path(f"{tree}/a#1"),
            lambda fs: tree + "/" in fs.ls(""),
            lambda fs: tree + "/" in fs.buckets,
            lambda fs: fs.project,
            lambda fs: (fs.base, fs.batch_url_base, fs.version_aware, fs.consistency, fs.requester_pays),
        )
    ):
        assert call(fs) == call(theirs), number


def test_info_keys_are_those_of_gcsfs(fs, tree):
    """Beside the common ones, all that the server says."""
    info = fs.info(f"{tree}/dir/c.txt")
    assert (info["name"], info["size"], info["type"]) == (f"{tree}/dir/c.txt", 3, "file")
    assert {"bucket", "contentType", "crc32c", "ctime", "etag", "generation", "id", "kind", "md5Hash", "mtime"} <= set(
        info
    )
    assert {"metageneration", "selfLink", "storageClass", "timeCreated", "updated", "mediaLink"} <= set(info)
    assert abs((datetime.now(UTC) - info["mtime"]).total_seconds()) < 600
    directory = {"bucket": tree, "name": f"{tree}/dir", "size": 0, "storageClass": "DIRECTORY", "type": "directory"}
    assert fs.info(f"{tree}/dir") == fs.info(f"{tree}/dir/") == directory
    assert fs.info("")["type"] == fs.info(tree)["type"] == "directory"


def test_answers_of_the_byte_verbs_agree_with_gcsfs(fs, theirs, tree, tmp_path):
    """Reads in every spelling that gcsfs takes."""
    for number, call in enumerate(
        (
            lambda fs: fs.cat(f"{tree}/b.csv"),
            lambda fs: fs.cat_file(f"{tree}/dir/c.txt", 1, 2),
            lambda fs: fs.cat_file(f"{tree}/dir/c.txt", start=-2, concurrency=4),
            lambda fs: fs.cat([f"{tree}/a.txt", f"{tree}/b.csv"]),
            lambda fs: fs.cat_ranges([f"{tree}/dir/sub/d.csv"] * 2, [0, 2], [2, 4]),
            lambda fs: fs.head(f"{tree}/dir/c.txt", 2),
            lambda fs: fs.tail(f"{tree}/dir/c.txt", 2),
            lambda fs: fs.read_block(f"{tree}/dir/c.txt", 1, 2),
            lambda fs: fs.read_text(f"{tree}/dir/c.txt"),
            lambda fs: fs.open(
                f"{tree}/dir/c.txt", block_size=1 << 20, consistency="md5", cache_type="readahead"
            ).read(),
            lambda fs: fs.get_file(f"{tree}/b.csv", str(tmp_path / "b"), concurrency=2, chunk_size=1 << 20),
            lambda _: (tmp_path / "b").read_bytes(),
        )
    ):
        assert call(fs) == call(theirs), number


# -- writing --------------------------------------------------------------------------------------------------------


def _described(theirs, path):
    names = ("contentType", "metadata", "contentEncoding", "cacheControl", "contentDisposition", "contentLanguage")
    found = theirs.info(path)
    return {name: found.get(name) for name in names} | {"size": found["size"]}


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda fs, path, _: fs.pipe_file(path, b"1"), id="pipe"),
        pytest.param(lambda fs, path, _: fs.pipe_file(path, b"1", {"mine": "1"}, None, "text/x"), id="pipe-positional"),
        pytest.param(
            lambda fs, path, _: fs.pipe({path: b"1"}, content_type="text/x", metadata={"a": "1"}), id="pipe-many"
        ),
        pytest.param(lambda fs, path, here: fs.put_file(here, path), id="put-guessed"),
        pytest.param(lambda fs, path, here: fs.put_file(here, path, {"a": "ü"}, content_type="text/x"), id="put"),
        pytest.param(lambda fs, path, _: fs.pipe_file(path, b"1", metadata={"Mine": " 1 ", "b": ""}), id="no-headers"),
        pytest.param(lambda fs, path, here: fs.put(here, path, metadata={"a": "1"}), id="put-many"),
        pytest.param(
            lambda fs, path, _: fs.pipe_file(
                path, b"1", fixed_key_metadata={"cache_control": "no-store", "content_language": "de"}
            ),
            id="fixed-keys",
        ),
        pytest.param(lambda fs, path, _: _written(fs, path), id="open-guessed"),
        pytest.param(
            lambda fs, path, _: _written(
                fs, path, metadata={"a": "1"}, content_type="a/b", fixed_key_metadata={"content_disposition": "inline"}
            ),
            id="open",
        ),
        pytest.param(lambda fs, path, _: _written(fs, path, acl="projectPrivate", consistency="size"), id="open-acl"),
    ],
)
def test_written_objects_are_those_of_gcsfs(fs, theirs, gcs_cloud, tmp_path, write):
    """Content type, headers and metadata, whichever plane writes."""
    here = tmp_path / "local.csv"
    here.write_bytes(b"1")
    write(fs, gcs_cloud.path("ours.csv"), str(here))
    write(theirs, gcs_cloud.path("theirs.csv"), str(here))
    assert _described(theirs, gcs_cloud.path("ours.csv")) == _described(theirs, gcs_cloud.path("theirs.csv"))


def _written(fs, path, **keywords):
    with fs.open(path, "wb", **keywords) as file:
        file.write(b"1")


@pytest.mark.parametrize("size", [10, (5 << 20) + 1], ids=["one-request", "in-parts"])
@pytest.mark.parametrize("consistency", ["size", "md5", "crc32c"])
def test_consistency_is_checked(gcs_cloud, engine, consistency, size):
    """By a keyword or for all writes of an instance; of a download too."""
    fs = gcs_cloud.fs(engine, consistency=consistency)
    path, data = gcs_cloud.path("key"), bytes(range(251)) * (size // 251 + 1)
    fs.pipe_file(path, data, chunksize=5 << 20)
    gcs_cloud.fs(engine).pipe_file(path, data, consistency=consistency, chunksize=5 << 20)
    assert gcs_cloud.raw.get("key") == data


def test_download_that_differs_from_its_object_raises(gcs_cloud, fs, tmp_path):
    """With consistency, as the local file is compared with what the server says."""
    path, target = gcs_cloud.path("key"), tmp_path / "key"
    fs.pipe_file(path, b"content")
    fs.get_file(path, str(target), consistency="md5")

    async def other(*_, **__):
        return {"md5Hash": "another"}

    fs._gcs("test", fs._split(path)).__class__.resource, kept = other, type(fs._gcs("test", fs._split(path))).resource
    try:
        with pytest.raises(OSError, match="other bytes"):
            fs.get_file(path, str(target), consistency="md5")
    finally:
        type(fs._gcs("test", fs._split(path))).resource = kept


@pytest.mark.parametrize(
    ("keywords", "error"), [({"no_such": 1}, "no_such"), ({"fixed_key_metadata": {"odd": "1"}}, "odd")], ids=repr
)
def test_unknown_keywords_of_a_write_are_refused(fs, gcs_cloud, keywords, error):
    """gcsfs drops some of them."""
    with pytest.raises((TypeError, ValueError), match=error):
        fs.pipe_file(gcs_cloud.path("key"), b"1", **keywords)
    assert gcs_cloud.raw.listed() == []


@pytest.mark.parametrize("size", [1, (5 << 20) + 1], ids=["one-request", "in-parts"])
def test_files_know_their_generation(fs, gcs_cloud, size):
    """One that is written when it is closed, one that is read at once; with the details of that generation."""
    path = gcs_cloud.path("key")
    with fs.open(path, "wb", block_size=5 << 20, metadata={"mine": "1"}, content_type="text/x") as file:
        file.write(b"1" * size)
        assert file.generation is None
    info = fs.info(path)
    assert file.generation == info["generation"]
    with fs.open(path) as file:
        assert (file.generation, file.metadata, file.content_type) == (info["generation"], {"mine": "1"}, "text/x")
        assert file.details == file.info() == info
        assert file.fixed_key_metadata == {}


def test_server_that_is_not_there_is_a_connection_error(engine, gcs_cloud):
    """Not an error of the SDK that nobody catches."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        fs = GCSFileSystem(endpoint_url=endpoint, token="anon", project="p", engine=engine, max_retries=0)
        for call in (lambda: fs.cat_file("b/k"), lambda: fs.pipe_file("b/k", b""), lambda: fs.ls("b")):
            with pytest.raises(ConnectionError) as caught:
                call()
            assert caught.value.errno == errno.ECONNREFUSED


def test_written_generation_is_returned(fs, gcs_cloud):
    """It is what if_match takes."""
    path = gcs_cloud.path("key")
    first = fs.pipe_file(path, b"1")["generation"]
    assert first == fs.info(path)["generation"]
    fs.pipe_file(path, b"2", if_match=first)
    with pytest.raises(PreconditionFailedError):
        fs.pipe_file(path, b"3", if_match=first)
    with pytest.raises(FileExistsError):
        fs.pipe_file(path, b"3", mode="create")
    assert gcs_cloud.raw.get("key") == b"2"


# -- generations ----------------------------------------------------------------------------------------------------


@pytest.fixture
def versioned(gcs_cloud):
    """A bucket that keeps old generations, with two of one key: its name and the generations."""
    fs, name = gcs_cloud.fs("sdk"), f"{gcs_cloud.bucket}-versioned"
    fs.mkdir(name, enable_versioning=True)
    found = [fs.pipe_file(f"{name}/key", body)["generation"] for body in (b"old", b"newer")]
    yield name, found
    if fs.exists(name):
        fs.rm(name, recursive=True)


def test_generations_are_read_by_keyword(fs, versioned):
    """On any instance, as text or as number."""
    name, (old, new) = versioned
    path = f"{name}/key"
    assert (fs.cat_file(path), fs.cat_file(path, generation=old)) == (b"newer", b"old")
    assert fs.cat_file(path, 1, 2, generation=int(old)) == b"l"
    assert fs.info(path, generation=old)["size"] == 3
    assert fs.info(path)["generation"] == new
    with fs.open(path, generation=old) as file:
        assert (file.read(), file.generation) == (b"old", old)
    assert "metageneration" in fs.info(path, old)
    with pytest.raises(FileNotFoundError):
        fs.cat_file(path, generation=12345)
    with pytest.raises(ValueError, match="generation"):
        fs.open(path, "wb", generation=old)


def test_generations_are_named_in_paths_of_version_aware_instances(gcs_cloud, engine, versioned):
    """``#generation``, in paths and URLs."""
    name, (old, new) = versioned
    path, fs = f"{name}/key", gcs_cloud.fs(engine, version_aware=True)
    assert fs.split_path(f"{path}#{old}") == (name, "key", old)
    assert (fs.cat_file(f"{path}#{old}"), fs.cat_file(path), fs.cat_file(f"{path}#{new}")) == (
        b"old",
        b"newer",
        b"newer",
    )
    assert fs.ls(name, versions=True) == [f"{path}#{old}", f"{path}#{new}"]
    assert set(fs.find(name, versions=True)) == {f"{path}#{old}", f"{path}#{new}"}
    assert fs.ls(f"{path}#{old}", detail=True)[0]["generation"] == old
    assert fs.exists(f"{path}#{old}")
    assert not fs.exists(f"{path}#12345")
    assert fs.url(f"{path}#{old}").endswith(f"alt=media&generation={old}")
    options = {**gcs_cloud.options, "engine": engine}
    with fsspec.open(f"gs://{path}#{old}", **options) as file:
        assert file.read() == b"old"
    opened, inner = objfs.from_url(f"gs://{path}#{old}", **options)
    assert opened.cat_file(inner) == b"old"
    fs.cp_file(f"{path}#{old}", f"{name}/copy")
    assert fs.cat_file(f"{name}/copy") == b"old"


@pytest.mark.parametrize(
    "remove", [lambda fs, path: fs.rm_file(path), lambda fs, path: fs.rm(path), lambda fs, path: fs.rm([path])]
)
def test_one_generation_is_deleted(gcs_cloud, engine, versioned, remove):
    """And no other."""
    name, (old, new) = versioned
    fs = gcs_cloud.fs(engine, version_aware=True)
    remove(fs, f"{name}/key#{old}")
    assert fs.ls(name, versions=True) == [f"{name}/key#{new}"]
    assert fs.cat_file(f"{name}/key") == b"newer"


def test_bucket_with_old_generations_is_deleted(fs, versioned):
    """A bucket can only be deleted when nothing is in it."""
    name, _ = versioned
    fs.rm(name, recursive=True)
    assert not fs.exists(name)


def test_open_file_of_a_version_aware_instance_outlives_its_object(gcs_cloud, engine, versioned):
    """Its generation stays."""
    name, _ = versioned
    fs = gcs_cloud.fs(engine, version_aware=True)
    with fs.open(f"{name}/key", block_size=1 << 20, cache_type="none") as file:
        fs.pipe_file(f"{name}/key", b"newest")
        assert file.read() == b"newer"


# -- what gcsfs has besides -----------------------------------------------------------------------------------------


def test_metadata_is_changed_and_read(fs, gcs_cloud):
    """setxattrs leaves what is not named, and removes what is None."""
    path = gcs_cloud.path("key")
    fs.pipe_file(path, b"1", metadata={"mine": "1", "two-words": "2"})
    assert fs.getxattr(path, "mine") == "1"
    with pytest.raises(KeyError):
        fs.getxattr(path, "missing")
    found = fs.setxattrs(path, content_type="text/x", fixed_key_metadata={"cache_control": "no-store"}, mine="3")
    assert (found["mine"], found["two-words"]) == ("3", "2")
    info = fs.info(path)
    assert (info["contentType"], info["cacheControl"], info["metadata"]["mine"]) == ("text/x", "no-store", "3")

    async def awaited():
        await fs._setxattrs(path, mine="4")
        return await fs._getxattr(path, "mine")

    assert asyncio.run(awaited()) == "4"
    with pytest.raises(FileNotFoundError):
        fs.setxattrs(gcs_cloud.path("missing"), mine="1")


def test_merging_objects_on_the_server(fs, gcs_cloud):
    """gcsfs's merge; sources are of one bucket."""
    for key, body in (("a", b"1"), ("b?#", b"22")):
        gcs_cloud.raw.put(key, body)
    fs.merge(gcs_cloud.path("all"), [gcs_cloud.path("a"), gcs_cloud.path("b?#")])
    assert gcs_cloud.raw.get("all") == b"122"
    with pytest.raises(ValueError, match="within their bucket"):
        fs.merge(gcs_cloud.path("all"), ["elsewhere/a"])


def test_moving_in_every_form(fs, theirs, gcs_cloud, tree):
    """One object, into a directory, a tree, several, to another bucket."""
    fs.mv(f"{tree}/a.txt", f"{tree}/moved.txt")
    fs.mv(f"{tree}/moved.txt", f"{tree}/into/")
    fs.mv(f"{tree}/dir", f"{tree}/copy", recursive=True)
    fs.mv([f"{tree}/b.csv"], [f"{tree}/c.csv"])
    assert gcs_cloud.raw.listed() == ["c.csv", "copy/c.txt", "copy/sub/d.csv", "into/moved.txt", "other/e"]
    fs.mv_file(f"{tree}/c.csv", f"{tree}/d.csv")
    fs.mv(f"{tree}/copy/*.txt", f"{tree}/texts/")
    assert gcs_cloud.raw.listed() == ["copy/sub/d.csv", "d.csv", "into/moved.txt", "other/e", "texts/c.txt"]
    with pytest.raises(FileNotFoundError):
        fs.mv(f"{tree}/missing", f"{tree}/x")
    with pytest.raises(IsADirectoryError):
        fs.mv(f"{tree}/copy/", f"{tree}/x")
    fs.mkdir(f"{tree}-other")
    fs.mv(f"{tree}/d.csv", f"{tree}-other/d.csv")
    assert (fs.cat_file(f"{tree}-other/d.csv"), fs.exists(f"{tree}/d.csv")) == (b"22", False)
    fs.rm(f"{tree}-other", recursive=True)
    asyncio.run(fs._mv(f"{tree}/other/e", f"{tree}/e"))
    assert "e" in gcs_cloud.raw.listed()


def test_media_url_opens_a_public_object(fs, tree):
    """url() is where the bytes are, unsigned, as in gcsfs."""
    with urlopen(fs.url(f"{tree}/b.csv"), timeout=30) as answer:
        assert answer.read() == b"22"
    with fs.open(f"{tree}/b.csv") as file:
        assert file.url() == fs.url(f"{tree}/b.csv")


def test_signed_urls_need_a_key(gcs_cloud, fs, tree):
    """Whatever kind the key is given as; a token cannot sign."""
    with pytest.raises(CredentialsError, match="service account"):
        fs.sign(f"{tree}/b.csv")
    with pytest.raises(CredentialsError, match="service account"):
        GCSFileSystem(endpoint_url=gcs_cloud.options["endpoint_url"], token="ya29.token").sign(f"{tree}/b.csv")
    options = {"endpoint_url": gcs_cloud.options["endpoint_url"], "project": "p"}
    signing = GCSFileSystem(**options, token=_account())
    url = signing.sign(f"{tree}/b.csv", expiration=50, version="v4")
    assert url.startswith(f"{options['endpoint_url']}/{tree}/b.csv?")
    assert "X-Goog-Expires=50" in url
    assert asyncio.run(signing._sign(f"{tree}/odd key?#", 10)).partition("?")[0].endswith("/odd%20key%3F%23")


def _account():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.loads(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "tests@objfs.example",
                "private_key": key.decode(),
                "private_key_id": "1",
                "project_id": "p",
                "token_uri": "http://127.0.0.1:1/token",
            }
        )
    )


def test_buckets_are_created_with_gcsfs_keywords(fs, theirs, gcs_cloud):
    """By position and by name; errors are those of a filesystem."""
    name = f"{gcs_cloud.bucket}-made"
    with pytest.raises(FileNotFoundError):
        fs.mkdir(f"{name}/dir")
    fs.mkdir(name, "private", "private", "EU", enable_versioning=True, storageClass="NEARLINE")
    info = theirs.info(name)
    assert info["versioning"] == {"enabled": True}
    with pytest.raises(FileExistsError):
        fs.mkdir(name)
    fs.makedirs(name, exist_ok=True)
    fs.rmdir(f"{name}/dir")
    fs.touch(f"{name}/key")
    with pytest.raises(OSError, match=r"(?i)empty"):
        fs.rmdir(name)
    fs.rm(name, recursive=True)
    assert not fs.exists(name)
    fs.makedirs(f"{name}/dir")
    assert fs.isdir(name)
    fs.rmdir(name)
    with pytest.raises(FileNotFoundError):
        fs.rmdir(name)


def test_listings_are_cached_where_asked(gcs_cloud, engine):
    """use_listings_cache, refresh and invalidate_cache; what is written is seen at once."""
    fs = gcs_cloud.fs(engine, use_listings_cache=True)
    gcs_cloud.raw.put("one")
    assert fs.ls(gcs_cloud.bucket) == [gcs_cloud.path("one")]
    gcs_cloud.raw.put("two")
    assert len(fs.ls(gcs_cloud.bucket)) == 1
    assert len(fs.ls(gcs_cloud.bucket, refresh=True)) == 2
    gcs_cloud.raw.put("three")
    fs.invalidate_cache(gcs_cloud.bucket)
    assert len(fs.ls(gcs_cloud.bucket)) == 3
    fs.pipe_file(gcs_cloud.path("four"), b"")
    assert len(fs.ls(gcs_cloud.bucket)) == 4
    assert fs.info(gcs_cloud.path("four"))["size"] == 0


def test_listings_of_odd_keys_are_whole(fs, gcs_cloud):
    """Slashes at either end and empty segments hide nothing and are cut off nothing."""
    keys = ["/x", "a//b", "d/../e", "dir/", "dir/x", "plain"]
    for key in keys:
        gcs_cloud.raw.put(key, b"1")
    b = gcs_cloud.bucket
    assert sorted(fs.find(b)) == sorted(f"{b}/{key}" for key in keys)
    assert fs.ls(f"{b}/a") == [f"{b}/a/"]
    assert fs.ls(f"{b}/dir") == [f"{b}/dir/", f"{b}/dir/x"]
    fs.pipe_file(f"{b}/dir/", b"")
    assert fs.ls(f"{b}/dir") == [f"{b}/dir/x"]
    fs.rm(b, recursive=True)
    assert not fs.exists(b)
    fs.mkdir(b)
