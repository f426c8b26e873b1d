"""Azure on both planes: the same blobs, uploads in blocks, deletion, copies, directories, keys, signatures."""

from __future__ import annotations

import errno
import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

from objfs import AzureBlobFileSystem
from objfs.errors import CredentialsError, PreconditionFailedError
from objfs.peers import azure_listing
from objfs.types import ByteRange, Suffix
from tests.emulators.azure_account import *  # noqa: F403 - fixtures
from tests.emulators.azure_account import account_sas, blob

pytest.importorskip("adlfs")

LONG = bytes(range(251)) * 4177  # about 1 MiB, no power of two


def shown(client: Any, key: str) -> dict[str, Any]:
    """What a blob is like, beside times and ETag."""
    found = client.get_blob_client(key)
    properties = found.get_blob_properties()
    settings = {name: value for name, value in properties.content_settings.items() if name != "content_md5"}
    tags = found.get_blob_tags() if properties.tag_count else {}
    told = (properties.size, properties.blob_type, properties.blob_tier, properties.metadata, settings, tags)
    return dict(zip(("size", "type", "tier", "metadata", "settings", "tags"), told, strict=True))


# -- both planes write the same ---------------------------------------------------------------------------------------

SETTINGS = {
    "content_type": "text/x-odd",
    "cache_control": "no-cache",
    "content_encoding": "identity",
    "content_language": "de",
    "content_disposition": "inline",
}
KEYWORDS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "settings": {"content_settings": SETTINGS},
    "settings-object": {"content_settings": blob.ContentSettings(**SETTINGS)},
    "metadata": {"metadata": {"owner": "me", "n": "1"}},
    "tags": {"tags": {"a": "b c", "d": "1"}},
    "tier": {"standard_blob_tier": "Cool"},
}


@pytest.mark.parametrize("name", KEYWORDS)
@pytest.mark.parametrize("size", [3, len(LONG)], ids=["one-request", "blocks"])
def test_planes_write_the_same_blob(azure_server: Any, container: Any, root: str, name: str, size: int) -> None:
    """Whatever a keyword says of it, in one request or in several blocks."""
    for engine in ("obstore", "sdk"):
        fs = AzureBlobFileSystem(**azure_server.options, engine=engine)
        fs.pipe_file(f"{root}/{engine}", LONG[:size], chunksize=300_000, **KEYWORDS[name])
        assert container.download_blob(engine).readall() == LONG[:size]
    assert shown(container, "obstore") == shown(container, "sdk")
    expected = {"content_settings": "settings", "metadata": "metadata", "tags": "tags"}
    for keyword, field in expected.items():
        value = KEYWORDS[name].get(keyword)
        if value is not None:
            given = {word: told for word, told in value.items() if told is not None}
            assert shown(container, "sdk")[field] == given


def test_open_takes_the_words_of_adlfs(fs: Any, container: Any, root: str) -> None:
    """metadata= and content_settings= of a file that is written; a read does not mind them."""
    words: dict[str, Any] = {"metadata": {"x": "y"}, "content_settings": {"content_type": "text/x-odd"}}
    with fs.open(f"{root}/key", "wb", **words) as file:
        file.write(b"1")
    assert shown(container, "key")["metadata"] == {"x": "y"}
    assert shown(container, "key")["settings"]["content_type"] == "text/x-odd"
    with fs.open(f"{root}/key", "rb", **words) as file:
        assert file.read() == b"1"


def test_blob_is_marked_as_adlfs_marks_it(fs: Any, container: Any, root: str) -> None:
    """As no directory, where the caller gives no metadata."""
    fs.pipe_file(f"{root}/key", b"1")
    assert shown(container, "key")["metadata"] == {"is_directory": "false"}


def test_content_settings_of_a_call_refine_those_of_the_instance(
    azure_server: Any, container: Any, root: str, engine: str
) -> None:
    """A default content type stays where a call sets another header."""
    fs = AzureBlobFileSystem(**azure_server.options, engine=engine, default_content_type="text/x-default")
    fs.pipe_file(f"{root}/key", b"1", content_settings={"cache_control": "no-store"})
    settings = shown(container, "key")["settings"]
    assert (settings["content_type"], settings["cache_control"]) == ("text/x-default", "no-store")


def test_digest_of_the_caller_is_kept(fs: Any, container: Any, root: str) -> None:
    """obstore has no word for it, so that the SDK writes."""
    digest = bytearray(hashlib.md5(b"1", usedforsecurity=False).digest())
    fs.pipe_file(f"{root}/key", b"1", content_settings={"content_md5": digest, "content_type": "a/b"})
    settings = container.get_blob_client("key").get_blob_properties().content_settings
    assert (settings.content_md5, settings.content_type) == (digest, "a/b")


# -- reading through the SDK ------------------------------------------------------------------------------------------


def objects_of(fs: AzureBlobFileSystem, root: str) -> Any:
    """The SDK plane's view of a container."""
    return fs.connection.sdk.objects(root)


def test_sdk_reads_what_obstore_reads(azure_server: Any, container: Any, root: str) -> None:
    """Bytes, place, size, ETag with its quotes, time and headers; metadata have the case that headers leave them."""
    container.upload_blob("key", LONG, metadata={"owner": "me"}, content_settings=blob.ContentSettings("a/b"))
    fs = AzureBlobFileSystem(**azure_server.options)
    for wanted in (None, ByteRange(5, 100), ByteRange(len(LONG) - 3, len(LONG) + 50)):
        ours, theirs = (
            fs.run_blocking(plane.get("key", wanted)) for plane in (objects_of(fs, root), fs.connection.store(root))
        )
        assert ours == theirs
    assert fs.run_blocking(objects_of(fs, root).head("key")) == fs.run_blocking(fs.connection.store(root).head("key"))


def test_sdk_reads_the_end_of_a_blob(azure_server: Any, container: Any, root: str) -> None:
    """Though Azure has no such ranges."""
    container.upload_blob("key", b"0123456789")
    container.upload_blob("empty", b"")
    fs = AzureBlobFileSystem(**azure_server.options)
    chunk = fs.run_blocking(objects_of(fs, root).get("key", Suffix(4)))
    assert (chunk.data, chunk.start, chunk.info.size) == (b"6789", 6, 10)
    assert fs.run_blocking(objects_of(fs, root).get("key", Suffix(40))).data == b"0123456789"
    assert fs.run_blocking(objects_of(fs, root).get("empty", Suffix(4))).data == b""
    for key, start in (("empty", 0), ("key", 10)):
        with pytest.raises(OSError, match=f"{root}/{key}") as caught:
            fs.run_blocking(objects_of(fs, root).get(key, ByteRange(start, start + 1)))
        assert caught.value.errno == errno.EINVAL


def test_blob_with_an_encoding_is_read_as_stored(fs: Any, container: Any, root: str) -> None:
    """Nothing is unpacked on the way."""
    settings = blob.ContentSettings(content_encoding="gzip")
    container.upload_blob("key", b"not really packed", content_settings=settings)
    assert fs.cat_file(f"{root}/key") == b"not really packed"
    with fs.open(f"{root}/key") as file:
        assert file.read() == b"not really packed"


# -- uploads in blocks ------------------------------------------------------------------------------------------------


def block_names(container: Any, key: str) -> list[str]:
    """The committed blocks of a blob."""
    committed, _ = container.get_blob_client(key).get_block_list("committed")
    return [block.id for block in committed]


def written_in_blocks(container: Any, names: list[str], key: str = "key") -> None:
    """A blob with blocks of these names."""
    client = container.get_blob_client(key)
    for name in names:
        client.stage_block(name, LONG)
    client.commit_block_list([blob.BlobBlock(name) for name in names], metadata={"owner": "me"})


APPENDED_TO = {
    "by-adlfs": [f"{n:032x}" for n in (1, 2)],
    "by-obstore": [f"{n:20}" for n in (0, 1)],
    "by-others": ["block-000000001", "block-000000002"],
}


@pytest.mark.parametrize("names", APPENDED_TO.values(), ids=APPENDED_TO)
def test_append_keeps_the_blocks_of_the_blob(fs: Any, container: Any, root: str, names: list[str]) -> None:
    """They stay where they are; so do the metadata."""
    written_in_blocks(container, names)
    with fs.open(f"{root}/key", "ab") as file:
        file.write(b"more")
    assert container.download_blob("key").readall() == LONG * len(names) + b"more"
    assert block_names(container, "key")[: len(names)] == names
    assert shown(container, "key")["metadata"] == {"owner": "me"}


def test_append_sends_a_blob_again_that_has_no_blocks_to_keep(fs: Any, container: Any, root: str) -> None:
    """Written with one request, or with names too short to have others of their length."""
    container.upload_blob("whole", LONG, tags={"a": "b"}, content_settings=blob.ContentSettings("a/b"))
    written_in_blocks(container, ["1", "2"], "short")
    for key in ("whole", "short"):
        before = shown(container, key)
        with fs.open(f"{root}/{key}", "ab") as file:
            file.write(b"more")
        assert shown(container, key) == {**before, "size": before["size"] + 4}
        assert container.download_blob(key).readall() == LONG * (before["size"] // len(LONG)) + b"more"


def test_append_blob_stays_one(fs: Any, container: Any, root: str) -> None:
    """As with adlfs, what is appended to it is visible at once."""
    client = container.get_blob_client("key")
    client.create_append_blob()
    client.append_block(b"begin ")
    with fs.open(f"{root}/key", "ab", block_size=300_000) as file:
        file.write(LONG)
    assert client.get_blob_properties().blob_type == blob.BlobType.APPENDBLOB
    assert client.download_blob().readall() == b"begin " + LONG


def test_append_to_a_blob_that_is_replaced_meanwhile_raises(fs: Any, container: Any, root: str) -> None:
    """And leaves the other blob alone."""
    written_in_blocks(container, ["block-000000001"])
    file = fs.open(f"{root}/key", "ab")
    file.write(b"more")
    container.upload_blob("key", b"other", overwrite=True)
    with pytest.raises(PreconditionFailedError):
        file.close()
    assert container.download_blob("key").readall() == b"other"


def test_upload_follows_one_of_the_other_plane_that_was_given_up(azure_server: Any, container: Any, root: str) -> None:
    """The service wants names of one length for all blocks of a blob, those that were never committed included."""
    for first, second in (("sdk", "obstore"), ("obstore", "sdk")):
        given_up = AzureBlobFileSystem(**azure_server.options, engine=first).open(f"{root}/key", "wb", 300_000)
        given_up.write(LONG)
        given_up.discard()
        assert [item.name for item in container.list_blobs()] == []
        fs = AzureBlobFileSystem(**azure_server.options, engine=second)
        fs.pipe_file(f"{root}/key", LONG, chunksize=300_000)
        assert container.download_blob("key").readall() == LONG
        fs.rm_file(f"{root}/key")


# -- deleting ---------------------------------------------------------------------------------------------------------


def test_blob_with_snapshots_goes_when_these_are_meant_too(fs: Any, container: Any, root: str) -> None:
    """It stays otherwise, as with adlfs: nobody has named them."""
    for name in ("a", "b", "c"):
        container.upload_blob(name, b"1")
        container.get_blob_client(name).create_snapshot()
    for names in ([f"{root}/a"], [f"{root}/b", f"{root}/c"]):
        with pytest.raises(OSError, match="snapshots") as caught:
            fs.rm(names)
        assert caught.value.errno == errno.EBUSY
        assert len(list(container.list_blobs())) == 3
    fs.rm_file(f"{root}/a", delete_snapshots="include")
    fs.rm([f"{root}/b", f"{root}/c"], delete_snapshots="include")
    assert [item.name for item in container.list_blobs(include=["snapshots"])] == []


def test_blob_that_is_still_there_does_not_look_deleted(fs: Any, container: Any, root: str) -> None:
    """One that is leased stays; the error says how many do, and the others go."""
    for name in ("a", "b", "c"):
        container.upload_blob(name, b"1")
    lease = container.get_blob_client("b").acquire_lease()
    with pytest.raises(OSError, match="1 of 3 blobs were not deleted") as caught:
        fs.rm([f"{root}/{name}" for name in ("a", "b", "c")])
    assert (caught.value.errno, caught.value.filename) == (errno.EBUSY, f"{root}/b")
    assert [item.name for item in container.list_blobs()] == ["b"]
    lease.release()


def test_rm_without_expansion_takes_names_as_they_are(fs: Any, container: Any, root: str) -> None:
    """expand_path=False of adlfs."""
    for name in ("a*", "ab"):
        container.upload_blob(name, b"1")
    fs.rm(f"{root}/a*", expand_path=False)
    assert [item.name for item in container.list_blobs()] == ["ab"]


# -- copies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a b", "a%20b", "a?b#c", "ä/日", "a//b", "/a", "d/"])
def test_copy_to_another_container(fs: Any, service: Any, container: Any, root: str, key: str) -> None:
    """Of exactly this key, with its properties."""
    container.upload_blob(key, b"content", metadata={"owner": "me"})
    other = service.create_container(f"{root}-other")
    try:
        fs.cp_file(f"{root}/{key}", f"{root}-other/{key}")
        assert other.download_blob(key).readall() == b"content"
        assert shown(other, key)["metadata"] == {"owner": "me"}
        with pytest.raises(FileNotFoundError) as caught:
            fs.cp_file(f"{root}/no", f"{root}-other/no")
        assert caught.value.filename == f"{root}/no"
    finally:
        other.delete_container()


# -- directories ------------------------------------------------------------------------------------------------------


def test_marker_of_a_directory_is_a_directory(fs: Any, container: Any, root: str) -> None:
    """As accounts with a hierarchy keep them, spelled either way, empty or not."""
    container.upload_blob("empty", b"", metadata={"hdi_isfolder": "true"})
    container.upload_blob("full", b"", metadata={"Hdi_isfolder": "true"})
    container.upload_blob("full/key", b"1")
    for name in ("empty", "full"):
        path = f"{root}/{name}"
        assert (fs.isdir(path), fs.isfile(path), fs.exists(path)) == (True, False, True)
        assert (fs.info(path)["type"], fs.info(path)["size"]) == ("directory", None)
        assert fs.info(f"{path}/")["type"] == "directory"
    assert fs.ls(f"{root}/empty") == []
    assert fs.ls(root) == [f"{root}/empty", f"{root}/full"]
    assert fs.find(root) == [f"{root}/full/key"]
    assert fs.find(root, withdirs=True) == [f"{root}/{name}" for name in ("empty", "full", "full/key")]
    assert [item[0] for item in fs.walk(root)] == [root, f"{root}/empty", f"{root}/full"]
    fs.rm(f"{root}/full", recursive=True)
    assert [item.name for item in container.list_blobs()] == ["empty"]


def test_marker_with_a_slash_is_not_shown_among_what_it_holds(fs: Any, container: Any, root: str) -> None:
    """The blob ``d/`` is what some tools make of an empty directory."""
    container.upload_blob("d/", b"")
    assert (fs.ls(f"{root}/d"), fs.isdir(f"{root}/d"), fs.ls(root)) == ([], True, [f"{root}/d"])
    container.upload_blob("d/e/", b"")
    assert fs.ls(f"{root}/d") == [f"{root}/d/e"]


def test_blob_and_directory_of_one_name_are_both_listed(fs: Any, container: Any, root: str) -> None:
    """``a`` and ``a/b`` may be there at once."""
    container.upload_blob("a", b"1")
    container.upload_blob("a/b", b"1")
    assert sorted((item["name"], item["type"]) for item in fs.ls(root, detail=True)) == [
        (f"{root}/a", "directory"),
        (f"{root}/a", "file"),
    ]
    assert fs.find(root) == [f"{root}/a", f"{root}/a/b"]


def test_listings_go_on_after_a_page(fs: Any, container: Any, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and directories of every page."""
    monkeypatch.setattr(azure_listing, "PAGE_NAMES", 3)
    keys = [f"d/{n:02}{'/x' if n % 2 else ''}" for n in range(20)]
    for key in keys:
        container.upload_blob(key, b"")
    assert fs.ls(f"{root}/d") == [f"{root}/d/{n:02}" for n in range(20)]
    assert fs.find(root) == [f"{root}/{key}" for key in keys]
    fs.rm(f"{root}/d", recursive=True)
    assert not fs.exists(f"{root}/d")


def test_listings_are_cached_where_that_is_asked_for(azure_server: Any, container: Any, root: str, engine: str) -> None:
    """Until something is written, or another listing is asked for; by default each listing asks."""
    fs = AzureBlobFileSystem(**azure_server.options, engine=engine, use_listings_cache=True)
    plain = AzureBlobFileSystem(**azure_server.options, engine=engine)
    container.upload_blob("d/a", b"")
    assert len(fs.ls(f"{root}/d")) == len(plain.ls(f"{root}/d")) == 1
    container.upload_blob("d/b", b"")
    assert (len(fs.ls(f"{root}/d")), len(plain.ls(f"{root}/d"))) == (1, 2)
    assert len(fs.ls(f"{root}/d", invalidate_cache=True)) == 2
    container.upload_blob("d/c", b"")
    assert (len(fs.ls(f"{root}/d")), len(fs.ls(f"{root}/d", refresh=True))) == (2, 3)
    fs.pipe_file(f"{root}/d/e", b"")
    assert len(fs.ls(f"{root}/d")) == 4


def test_depth_of_find_is_bounded(fs: Any, container: Any, root: str) -> None:
    """adlfs takes maxdepth and lists everything."""
    for key in ("a", "d/b", "d/e/c"):
        container.upload_blob(key, b"")
    assert fs.find(root, maxdepth=1) == [f"{root}/a"]
    assert fs.find(root, maxdepth=2, withdirs=True) == [f"{root}/{name}" for name in ("a", "d", "d/b", "d/e")]


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [".", "..", "./a", "a/./b", "a/../b", "a/..", "a\\b", "\\"])
def test_key_that_would_become_another_is_refused(fs: Any, container: Any, root: str, key: str) -> None:
    """The client resolves dots, and the service takes a backslash for a slash: another blob would be touched."""
    container.upload_blob("b", b"1")
    container.upload_blob("a/b", b"precious")
    for verb in (
        lambda: fs.cat_file(f"{root}/{key}"),
        lambda: fs.pipe_file(f"{root}/{key}", b"2"),
        lambda: fs.rm_file(f"{root}/{key}"),
        lambda: fs.cp_file(f"{root}/b", f"{root}/{key}"),
        lambda: fs.info(f"{root}/{key}"),
        lambda: fs.exists(f"{root}/{key}"),
        lambda: fs.sign(f"{root}/{key}"),
        lambda: fs.open(f"{root}/{key}", "wb"),
        lambda: fs.put_file(__file__, f"{root}/{key}"),
    ):
        with pytest.raises(ValueError, match="would touch another blob") as caught:
            verb()
        assert not isinstance(caught.value, OSError)
    assert [item.name for item in container.list_blobs()] == ["a/b", "b"]
    assert container.download_blob("a/b").readall() == b"precious"


# -- containers -------------------------------------------------------------------------------------------------------


def test_container_verbs(fs: Any, service: Any, root: str) -> None:
    """As adlfs has them: what exists is no error, nor what is gone; one with blobs in it is deleted, too."""
    name = f"{root}-more"
    fs.mkdir(name, metadata={"owner": "me"})
    assert service.get_container_client(name).get_container_properties().metadata == {"owner": "me"}
    fs.mkdir(name)
    fs.mkdir(f"{name}/dir")
    fs.makedirs(f"{name}/dir")
    fs.pipe_file(f"{name}/dir/key", b"1")
    fs.rmdir(f"{name}/dir")
    assert fs.exists(f"{name}/dir/key")
    fs.rmdir(name)
    assert not fs.exists(name)
    fs.rmdir(name)
    with pytest.raises(FileNotFoundError):
        fs.mkdir(f"{name}/dir", create_parents=False)


# -- signatures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["key", "a b", "a?b#c%", "ä/日"])
def test_signed_url_reads_the_blob(fs: Any, container: Any, root: str, key: str) -> None:
    """With the headers that were asked for."""
    container.upload_blob(key, b"content")
    url = fs.sign(f"{root}/{key}", expiration=60, content_disposition="attachment", content_type="a/b")
    with urlopen(url, timeout=30) as answer:
        assert answer.read() == b"content"
        assert (answer.headers["Content-Disposition"], answer.headers["Content-Type"]) == ("attachment", "a/b")


def test_url_is_signed_with_a_key_that_the_service_delegates_to_a_token(
    azure_server: Any, root: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the time that was asked for; Azurite delegates to nobody, so the key is made here."""
    options = {name: value for name, value in azure_server.options.items() if name != "account_key"}
    fs = AzureBlobFileSystem(**options, token="header.payload.signature", engine=engine)
    asked = []

    async def delegate(start: Any, end: Any) -> Any:
        asked.append(end - start)
        key = blob.UserDelegationKey()
        key.signed_oid, key.signed_tid, key.signed_service, key.signed_version = "object", "tenant", "b", "2026-10-06"
        key.signed_start, key.signed_expiry = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
        key.value = "a2V5"
        return key

    monkeypatch.setattr(fs.service_client, "get_user_delegation_key", delegate)
    url = urlsplit(fs.url(f"{root}/a b", expires=600))
    query = parse_qs(url.query)
    assert url.path.endswith(f"/{root}/a%20b")
    assert (query["skoid"], query["sktid"], query["sp"], query["sr"]) == (["object"], ["tenant"], ["r"], ["b"])
    assert asked == [timedelta(seconds=600, minutes=5)]


def test_url_cannot_be_signed_with_a_sas(azure_server: Any, root: str, engine: str) -> None:
    """Handing the SAS itself out would give more than was asked for."""
    options = {name: value for name, value in azure_server.options.items() if name != "account_key"}
    fs = AzureBlobFileSystem(**options, sas_token=account_sas(azure_server), engine=engine)
    with pytest.raises(CredentialsError, match="has a SAS"):
        fs.url(f"{root}/key")


def test_unknown_keyword_of_a_signature_is_refused(fs: Any, root: str) -> None:
    """As for any wrong keyword."""
    with pytest.raises(TypeError, match="client_method"):
        fs.url(f"{root}/key", client_method="put_object")
