"""The object_store family's words on our verbs, on every cloud and both planes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from itertools import pairwise
from urllib.parse import parse_qs, parse_qsl, urlsplit

import fsspec
import pytest

from objfs.errors import ConflictingOptionsError, CredentialsError, EngineError, PreconditionFailedError
from objfs.peers import s3_vocabulary
from tests import gcs_proxy

# Longer than one part.
PARTS = (20 << 20) + 3
SIZES = pytest.mark.parametrize("size", [10, PARTS], ids=["one request", "parts"])


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by the SDK."""
    return request.param


@pytest.fixture
def fs(cloud, engine):
    """The filesystem of the cloud under test."""
    return cloud.fs(engine)


def write(fs, how, path, tmp_path, data=b"1", **keywords):
    """One object, by one of the verbs that write."""
    if how == "pipe_file":
        fs.pipe_file(path, data, **keywords)
    elif how == "put_file":
        (tmp_path / "local.txt").write_bytes(data)
        fs.put_file(str(tmp_path / "local.txt"), path, **keywords)
    elif how == "open":
        with fs.open(path, "wb", **keywords) as file:
            file.write(data)
    else:
        fs.touch(path, **keywords)


VERBS = pytest.mark.parametrize("how", ["pipe_file", "put_file", "open", "touch"])


# -- conditions -----------------------------------------------------------------------------------------------------


@SIZES
def test_create_never_replaces(fs, cloud, size):
    """Neither a short object nor one in parts."""
    fs.pipe_file(cloud.path("key"), b"1" * size, mode="create")
    with pytest.raises(FileExistsError):
        fs.pipe_file(cloud.path("key"), b"2" * size, mode="create")
    assert cloud.raw.get("key") == b"1" * size


@pytest.mark.parametrize("how", ["pipe_file", "put_file"])
def test_mode_may_be_the_state_that_head_told(fs, cloud, how, tmp_path):
    """As obstore's UpdateVersion; another state is left alone."""
    path = cloud.path("key")
    fs.pipe_file(path, b"1", mode="overwrite")
    meta = fs.object_meta(path)
    state = {"e_tag": meta["e_tag"], "version": meta["version"]}
    write(fs, how, path, tmp_path, b"22", mode=state)
    with pytest.raises(PreconditionFailedError):
        write(fs, how, path, tmp_path, b"333", mode=state)
    with pytest.raises(PreconditionFailedError), fs.open(path, "wb", if_match=meta) as file:
        file.write(b"4444")
    assert cloud.raw.get("key") == b"22"


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"mode": "replace"}, "'replace'"),
        ({"mode": {}}, "compares the"),
        ({"mode": {"e_tag": "a", "version": "1"}, "if_match": "2"}, "different states"),
        ({"mode": "create", "if_match": "1"}, "must not exist"),
    ],
    ids=["unknown", "no state", "two states", "create what matches"],
)
def test_mode_that_means_nothing_is_refused(fs, cloud, keywords, said):
    """Before anything is written."""
    with pytest.raises(ValueError, match=said):
        fs.pipe_file(cloud.path("key"), b"1", **keywords)
    assert cloud.raw.listed() == []


# -- attributes and tags --------------------------------------------------------------------------------------------

ATTRIBUTES = {
    "Content-Type": "text/x-odd",
    "Cache-Control": "max-age=5",
    "Content-Disposition": "attachment",
    "Content-Language": "de",
    "owner": "me",
}


@VERBS
def test_attributes_are_stored(fs, cloud, how, tmp_path):
    """By every verb that writes, and by both planes alike."""
    write(fs, how, cloud.path("key"), tmp_path, attributes=ATTRIBUTES)
    assert cloud.raw.head("key") == {"content_type": "text/x-odd", "metadata": {"owner": "me"}}
    # What appending keeps is all that the server knows, in the words of the peer.
    kept = asyncio.run(fs._preserved(fs._split(cloud.path("key"))))
    told = str(kept)
    assert [value for value in ATTRIBUTES.values() if value not in told] == []


def test_attributes_of_an_object_in_parts(fs, cloud):
    """They go with the upload."""
    fs.pipe_file(cloud.path("key"), b"1" * PARTS, attributes=ATTRIBUTES)
    assert cloud.raw.head("key") == {"content_type": "text/x-odd", "metadata": {"owner": "me"}}


def test_attribute_names_of_headers_have_no_case(fs, cloud):
    """As those of HTTP; metadata is what it is called."""
    fs.pipe_file(cloud.path("key"), b"1", attributes={"content-type": "text/x-odd", "content_type": "mine"})
    assert cloud.raw.head("key") == {"content_type": "text/x-odd", "metadata": {"content_type": "mine"}}


@pytest.mark.parametrize(
    "attributes", [{"Owner": "me"}, {"owner": "ä"}, {"a": ""}, {"Content-Disposition": "x; y=ä"}], ids=str
)
def test_planes_agree_on_attributes_that_headers_change(cloud, attributes):
    """What obstore would change is written by the SDK, or refused by it."""
    told = []
    for engine in ("auto", "sdk"):
        try:
            cloud.fs(engine).pipe_file(cloud.path(engine), b"1", attributes=attributes)
        except (OSError, ValueError) as error:
            told.append(type(error))
        else:
            told.append(cloud.raw.head(engine)["metadata"])
    assert told[0] == told[1]
    if cloud.name != "s3" and "Owner" in attributes:
        assert told[0] == attributes


def test_put_file_guesses_the_type_that_attributes_do_not_say(fs, cloud, tmp_path):
    """On every cloud."""
    write(fs, "put_file", cloud.path("key"), tmp_path, attributes={"Cache-Control": "no-store"})
    assert cloud.raw.head("key")["content_type"] == "text/plain"


STORAGE_CLASSES = {"s3": "STANDARD_IA", "gcs": "NEARLINE", "azure": "Cool"}


def storage_class(cloud, key):
    """What the server says."""
    if cloud.name == "s3":
        return cloud.raw._client.head_object(Bucket=cloud.bucket, Key=key).get("StorageClass")
    if cloud.name == "gcs":
        return json.loads(cloud.raw._ask("GET", cloud.raw._object(key)))["storageClass"]
    return cloud.raw._container.get_blob_client(key).get_blob_properties().blob_tier


def tags(cloud, key):
    """What the server says."""
    if cloud.name == "s3":
        found = cloud.raw._client.get_object_tagging(Bucket=cloud.bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}
    return cloud.raw._container.get_blob_client(key).get_blob_tags()


def test_storage_class_is_an_attribute(fs, cloud):
    """Which every cloud calls by another name."""
    wanted = STORAGE_CLASSES[cloud.name]
    fs.pipe_file(cloud.path("key"), b"1", attributes={"Storage-Class": wanted})
    assert storage_class(cloud, "key") == wanted


def test_tags_are_stored(fs, cloud, tmp_path):
    """By every verb that writes; GCS has none, and says so."""
    for how in ("pipe_file", "put_file", "open", "touch"):
        if cloud.name == "gcs":
            with pytest.raises(NotImplementedError, match="metadata"):
                write(fs, how, cloud.path(how), tmp_path, tags={"kind": "a b"})
            assert cloud.raw.listed() == []
        else:
            write(fs, how, cloud.path(how), tmp_path, tags={"kind": "a b", "n": "1"})
            assert tags(cloud, how) == {"kind": "a b", "n": "1"}


def test_attribute_that_contradicts_the_peers_keyword_raises(fs, cloud):
    """What both say alike is no contradiction."""
    same = fs.connection.cloud.content_type("text/x-odd")
    fs.pipe_file(cloud.path("key"), b"1", attributes={"Content-Type": "text/x-odd", "a": "1"}, **same)
    with pytest.raises(ConflictingOptionsError, match="twice"):
        fs.pipe_file(cloud.path("key"), b"2", attributes={"Content-Type": "text/plain"}, **same)
    with pytest.raises(ConflictingOptionsError, match="twice"):
        fs.pipe_file(cloud.path("key"), b"2", attributes={"a": "1"}, **cloud.metadata({"a": "2"}))
    fs.pipe_file(cloud.path("key"), b"3", attributes={"a": "1"}, **cloud.metadata({"b": "2"}))
    assert cloud.raw.get("key") == b"3"
    assert cloud.raw.head("key")["metadata"] == {"a": "1", "b": "2"}


def test_attribute_must_be_text(fs, cloud):
    """A number would be stored in a way that each plane chooses."""
    with pytest.raises(TypeError, match="int"):
        fs.pipe_file(cloud.path("key"), b"1", attributes={"size": 1})
    with pytest.raises(TypeError, match="read"):
        fs.open(cloud.path("key"), "rb", attributes={"a": "1"})


# -- listings in pages ----------------------------------------------------------------------------------------------

KEYS = ["/x", "a", "a//b", "a/b", "aé", "a日", "a\U0001f600", "b", "d/", "d/e/f", "z"]


@pytest.fixture
def tree(cloud):
    """Keys of all kinds, in the order of UTF-8."""
    for key in KEYS:
        cloud.raw.put(key, b"123")
    return cloud


def comparable(entry):
    """An entry of a listing with what compares by value only."""
    return {name: str(value) for name, value in entry.items()}


@pytest.mark.parametrize("page_size", [1, 3, 1000, 100_000])
@pytest.mark.parametrize("path", ["", "a", "d/", "d/e", "nothing"], ids=lambda path: path or "bucket")
def test_pages_hold_what_find_does(fs, tree, path, page_size):
    """Every key exactly once, as it is, with all that `find` says of it."""
    pages = list(fs.list_pages(tree.path(path), page_size))
    assert all(0 < len(page) <= page_size for page in pages)
    found = fs.find(tree.path(path), detail=True)
    listed = {entry["name"]: comparable(entry) for page in pages for entry in page}
    assert listed == {name: comparable(entry) for name, entry in found.items()}
    assert sum(map(len, pages)) == len(found)


@pytest.mark.parametrize("key", [*KEYS, "", "a/", "a0", "zz"])
def test_start_after_is_exact(fs, tree, key):
    """In the order of UTF-8, whether there is such an object or not."""
    start = f"{tree.bucket}/{key}"
    names = [entry["name"] for page in fs.list_pages(tree.bucket, 4, start_after=start) for entry in page]
    wanted = [tree.path(each) for each in KEYS if each.encode() > key.encode()]
    assert sorted(names, key=str.encode) == sorted(wanted, key=str.encode)


def test_pages_go_on_where_another_listing_stopped(fs, tree):
    """With the last name of a page."""
    names, last = [], None
    while page := next(fs.list_pages(tree.url(), 3, start_after=last), None):
        names += [entry["name"] for entry in page]
        last = page[-1]["name"]
    assert sorted(names) == sorted(map(tree.path, KEYS))
    assert all(one.encode() < two.encode() for one, two in pairwise(names))


def test_prefix_of_pages_is_that_of_find(fs, tree):
    """Names below the path begin with it."""
    names = [entry["name"] for page in fs.list_pages(tree.path("d"), prefix="e") for entry in page]
    assert names == fs.find(tree.path("d"), prefix="e") == [tree.path("d/e/f")]


@pytest.mark.parametrize(
    ("path", "keywords"),
    [("", {}), ("bucket", {"page_size": 0}), ("bucket", {"start_after": "other/key"})],
    ids=["no bucket", "empty pages", "another bucket"],
)
def test_pages_of_nothing_are_refused(fs, path, keywords):
    """When the first one is asked for."""
    with pytest.raises(ValueError, match="bucket"):
        next(fs.list_pages(path, **keywords))


def test_pages_of_a_missing_bucket_raise(fs):
    """Rather than tell that it is empty."""
    with pytest.raises(FileNotFoundError):
        list(fs.list_pages("no-such-bucket-here"))


def test_pages_are_asked_for_one_by_one(fs, tree, monkeypatch):
    """A listing that is given up costs what was looked at, and leaves nothing behind."""
    asked = []
    objects = fs.connection.sdk.objects(tree.bucket)
    page = type(objects).page

    async def counting(self, *args, **kwargs):
        asked.append(kwargs["token"])
        return await page(self, *args, **kwargs)

    monkeypatch.setattr(type(objects), "page", counting)
    for seen, _ in enumerate(fs.list_pages(tree.bucket, 2), 1):
        if seen == 2:
            break
    gc.collect()
    assert len(asked) == 2
    # What the loop closes after the break, it has closed when it answers the next call.
    assert fs.exists(tree.path("a"))

    async def some():
        pages = tree.fs(fs.connection.engine, asynchronous=True)._list_pages(tree.bucket, 2)
        first = await anext(pages)
        await pages.aclose()
        return first

    assert len(asyncio.run(some())) == 2
    assert len(asked) == 3


# -- heads and ranges -----------------------------------------------------------------------------------------------


def test_object_meta_has_the_keys_of_obstore(fs, cloud):
    """And tells one state from another."""
    fs.pipe_file(cloud.path("key"), b"123")
    meta = fs.object_meta(cloud.path("key"))
    assert set(meta) == {"path", "last_modified", "size", "e_tag", "version"}
    assert (meta["path"], meta["size"]) == (cloud.path("key"), 3)
    assert abs(datetime.now(UTC) - meta["last_modified"]) < timedelta(minutes=5)
    fs.pipe_file(cloud.path("key"), b"456")
    condition = fs.connection.cloud.condition
    assert meta[condition] != fs.object_meta(cloud.path("key"))[condition]
    for missing in ("nothing", "ke"):
        with pytest.raises(FileNotFoundError):
            fs.object_meta(cloud.path(missing))


def test_object_meta_of_a_version(cloud, engine):
    """By an instance that does not look after versions, too."""
    keep_versions(cloud)
    fs = cloud.fs(engine)
    fs.pipe_file(cloud.path("key"), b"1")
    old = fs.object_meta(cloud.path("key"))
    fs.pipe_file(cloud.path("key"), b"22")
    assert old["version"]
    told = fs.object_meta(cloud.path("key"), version=old["version"])
    assert (told["size"], told["version"]) == (1, old["version"])
    assert fs.object_meta(cloud.path("key"))["size"] == 2


def keep_versions(cloud):
    """Have old versions kept, where the test server can."""
    if cloud.name == "s3":
        status = {"Status": "Enabled"}
        cloud.raw._client.put_bucket_versioning(Bucket=cloud.bucket, VersioningConfiguration=status)
    elif cloud.name == "gcs":
        versioning = json.dumps({"versioning": {"enabled": True}}).encode()
        cloud.raw._ask("PATCH", f"/storage/v1/b/{cloud.bucket}", versioning)
    else:
        pytest.skip("Azurite keeps no versions")


DATA = bytes(range(251)) * 40


def test_ranges_are_those_of_obstore(fs, cloud):
    """With an end or a length; what lies past the end of the object is left out."""
    cloud.raw.put("key", DATA)
    path = cloud.path("key")
    assert fs.get_range(path, 5, 9) == fs.get_range(path, start=5, length=4) == DATA[5:9]
    assert fs.get_range(path, len(DATA) - 3, length=100) == DATA[-3:]
    assert fs.get_range(path, 7, 7) == fs.get_range(path, 10**9, length=5) == b""
    starts, ends = [9000, 0, 4, 4], [9010, 3, 4, 10**6]
    wanted = [DATA[one:two] for one, two in zip(starts, ends, strict=True)]
    assert fs.get_ranges(path, starts, ends) == wanted
    lengths = [two - one for one, two in zip(starts, ends, strict=True)]
    assert fs.get_ranges(path, starts=starts, lengths=lengths) == wanted
    assert fs.get_ranges(path, [], []) == []


@pytest.mark.parametrize(
    "given",
    [{"start": 1}, {"start": 1, "end": 2, "length": 1}, {"start": -1, "end": 2}, {"start": 2, "end": 1}],
    ids=["neither", "both", "negative", "backwards"],
)
def test_range_that_is_none_is_refused(fs, cloud, given):
    """Rather than read what was not meant."""
    cloud.raw.put("key", DATA)
    with pytest.raises(ValueError, match="range"):
        fs.get_range(cloud.path("key"), **given)
    many = {f"{name}s": [value] for name, value in given.items()}
    with pytest.raises(ValueError, match="range"):
        fs.get_ranges(cloud.path("key"), **many)


# -- copies that never replace --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 10], ids=["empty", "10 bytes"])
def test_copy_if_not_exists_copies_once(fs, cloud, size):
    """With headers and metadata; the second one fails and changes nothing."""
    fs.pipe_file(cloud.path("a"), b"1" * size, attributes={"Content-Type": "text/x-odd", "owner": "me"})
    fs.copy_if_not_exists(cloud.path("a"), cloud.path("b"))
    assert cloud.raw.get("b") == b"1" * size
    assert cloud.raw.head("b") == {"content_type": "text/x-odd", "metadata": {"owner": "me"}}
    cloud.raw.put("c", b"other")
    for target in ("b", "c", "a"):
        with pytest.raises(FileExistsError) as caught:
            fs.copy_if_not_exists(cloud.path("a"), cloud.path(target))
        assert cloud.path(target) in str(caught.value)
    assert cloud.raw.get("c") == b"other"
    assert cloud.raw.listed() == ["a", "b", "c"]


def test_copy_if_not_exists_of_nothing_raises(fs, cloud):
    """And makes nothing."""
    with pytest.raises(FileNotFoundError):
        fs.copy_if_not_exists(cloud.path("nothing"), cloud.path("b"))
    assert cloud.raw.listed() == []


@pytest.mark.parametrize("key", ["a//b", "d/"])
def test_copy_if_not_exists_of_odd_keys(fs, cloud, key):
    """Which only the SDK can name."""
    cloud.raw.put("a", b"1")
    fs.copy_if_not_exists(cloud.path("a"), cloud.path(key))
    with pytest.raises(FileExistsError):
        fs.copy_if_not_exists(cloud.path("a"), cloud.path(key))
    assert sorted(cloud.raw.listed()) == sorted(["a", key])


def test_of_copies_to_one_name_one_wins(cloud, engine):
    """The server decides, not a look before."""
    cloud.needs("copies on a condition that race")
    for number in range(4):
        cloud.raw.put(f"source-{number}", str(number).encode())

    async def race():
        fs = cloud.fs(engine, asynchronous=True)
        jobs = [fs._copy_if_not_exists(cloud.path(f"source-{number}"), cloud.path("target")) for number in range(4)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    results = asyncio.run(race())
    winners = [number for number, result in enumerate(results) if result is None]
    assert len(winners) == 1
    assert [type(result) for result in results if result is not None] == [FileExistsError] * 3
    assert cloud.raw.get("target") == str(winners[0]).encode()


def test_rename_if_not_exists(fs, cloud):
    """The old name goes, and stays where the new one is taken."""
    cloud.raw.put("a", b"1")
    cloud.raw.put("b", b"2")
    with pytest.raises(FileExistsError):
        fs.rename_if_not_exists(cloud.path("a"), cloud.path("b"))
    assert (cloud.raw.get("a"), cloud.raw.get("b")) == (b"1", b"2")
    fs.rename_if_not_exists(cloud.path("a"), cloud.path("c"))
    assert (cloud.raw.listed(), cloud.raw.get("c")) == (["b", "c"], b"1")


# -- signed URLs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def robot():
    """The key of a service account that signs."""
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "id",
        "client_email": "robot@project.iam.gserviceaccount.com",
        "private_key": text,
        "token_uri": "http://127.0.0.1:9/token",
    }


@pytest.fixture
def signing_options(cloud, robot):
    """Storage options that sign: on GCS a token cannot."""
    return {"token": robot} if cloud.name == "gcs" else {}


def ask(url, method, data=None, headers=None):
    """Status and body of one request without credentials, and without headers that were not asked for."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, f"{parts.path}?{parts.query}", data, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_many_urls_are_signed_at_once(cloud, engine, signing_options):
    """In the order of their paths, for a time."""
    fs = cloud.fs(engine, **signing_options)
    paths = [cloud.path(key) for key in ("a b", "c/d?e", "f#g")]
    urls = fs.sign_many(paths, expiration=timedelta(minutes=10))
    assert len(set(urls)) == 3
    assert [urlsplit(url).scheme for url in urls] == ["http"] * 3
    assert fs.sign_many([cloud.path("a b")], 600)[0].partition("?")[0] == urls[0].partition("?")[0]
    assert fs.sign_many([]) == []
    with pytest.raises(ValueError, match="GET"):
        fs.sign_many(paths, method="PATCH")


def test_nothing_is_signed_without_credentials(cloud):
    """An error, and not a URL that is good for public objects alone; without a request."""
    place = {name: value for name, value in cloud.provided().items() if name != "storage_options_provider"}
    fs = fsspec.filesystem(cloud.scheme, anon=True, **place)
    with pytest.raises(CredentialsError, match="nothing to sign with: this filesystem is anonymous"):
        fs.sign_many([cloud.path("a")])


def test_signed_urls_do_what_they_are_for(cloud, engine, signing_options):
    """Read, look, write and delete."""
    fs = cloud.fs(engine, **signing_options)
    keys = ["a b", "c/d?e"]
    headers = {"x-ms-blob-type": "BlockBlob"} if cloud.name == "azure" else {}

    def urls(method):
        return fs.sign_many([cloud.path(key) for key in keys], 600, method)

    for url, key in zip(urls("PUT"), keys, strict=True):
        assert ask(url, "PUT", key.encode(), headers)[0] in (200, 201)
    assert [cloud.raw.get(key) for key in keys] == [key.encode() for key in keys]
    assert [ask(url, "GET")[1] for url in urls("GET")] == [key.encode() for key in keys]
    assert [ask(url, "HEAD")[0] for url in urls("HEAD")] == [200, 200]
    for url in urls("DELETE"):
        assert ask(url, "DELETE")[0] in (200, 202, 204)
    assert cloud.raw.listed() == []


def test_azure_delegates_one_key_for_many_urls(azure_cloud, engine, monkeypatch):
    """To a token; Azurite delegates to nobody, so the key is made here."""
    blob = pytest.importorskip("azure.storage.blob")
    options = {name: value for name, value in azure_cloud.options.items() if name != "account_key"}
    fs = fsspec.filesystem("az", **options, token="header.payload.signature", engine=engine)
    asked = []

    async def delegate(start, end):
        asked.append(end)
        key = blob.UserDelegationKey()
        key.signed_oid, key.signed_tid, key.signed_service, key.signed_version = "object", "tenant", "b", "2026-10-06"
        key.signed_start, key.signed_expiry, key.value = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "a2V5"
        return key

    monkeypatch.setattr(fs.service_client, "get_user_delegation_key", delegate)
    urls = fs.sign_many([azure_cloud.path(f"{number}") for number in range(5)], 600, "PUT")
    assert [parse_qs(urlsplit(url).query)["sp"] for url in urls] == [["cw"]] * 5
    assert len({parse_qs(urlsplit(url).query)["se"][0] for url in urls}) == len(asked) == 1


def test_method_is_part_of_the_signature(cloud, engine, signing_options):
    """Who may read may not write: the signature, or what it allows, is another."""
    fs = cloud.fs(engine, **signing_options)
    said = [dict(parse_qsl(urlsplit(fs.sign_many([cloud.path("a")], 600, each)[0]).query)) for each in ("GET", "PUT")]
    names = [name for name in said[0] if name.lower() in ("signature", "x-amz-signature", "x-goog-signature", "sig")]
    assert names
    assert said[0][names[0]] != said[1][names[0]]
    if cloud.name == "azure":
        cloud.raw.put("a", b"1")
        status, _ = ask(fs.sign_many([cloud.path("a")])[0], "PUT", b"2", {"x-ms-blob-type": "BlockBlob"})
        assert status == 403
        assert cloud.raw.get("a") == b"1"


# -- what is special about one cloud --------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_gcs_is_told_to_decide_about_a_copy(gcs_cloud, gcs_server, engine):
    """By a condition on the generation, which the test server checks, if not at the last moment."""
    gcs_cloud.raw.put("a", b"1")
    with gcs_proxy.running(gcs_server.endpoint) as proxy:
        fs = gcs_cloud.fs(engine, endpoint_url=proxy.endpoint)
        fs.copy_if_not_exists(gcs_cloud.path("a"), gcs_cloud.path("b"))
        conditions = [
            asked.headers.get("x-goog-if-generation-match")
            or parse_qs(urlsplit(asked.path).query)["ifGenerationMatch"][0]
            for asked in proxy.asked
            if "rewriteTo" in asked.path or "x-goog-copy-source" in asked.headers
        ]
    assert conditions == ["0"]


@pytest.mark.parametrize("engine", ["obstore", "sdk"])
def test_storage_class_of_gcs_is_a_word_of_ours(gcs_cloud, engine):
    """gcsfs has none for it; both planes store what `fixed_key_metadata` holds besides."""
    words = {"fixed_key_metadata": {"cache_control": "no-store"}}
    fs = gcs_cloud.fs(engine)
    fs.pipe_file(
        gcs_cloud.path("key"), b"1", attributes={"Storage-Class": "COLDLINE", "Content-Language": "de"}, **words
    )
    found = json.loads(gcs_cloud.raw._ask("GET", gcs_cloud.raw._object("key")))
    assert (found["storageClass"], found["cacheControl"], found["contentLanguage"]) == ("COLDLINE", "no-store", "de")


def test_tags_of_s3_join_those_of_the_peers_keyword(s3_cloud):
    """One that has another value there raises."""
    fs, path = s3_cloud.fs(), s3_cloud.path("key")
    fs.pipe_file(path, b"1", tags={"b": "2", "c": "3"}, Tagging="a=1&b=2")
    assert tags(s3_cloud, "key") == {"a": "1", "b": "2", "c": "3"}
    with pytest.raises(ConflictingOptionsError):
        fs.pipe_file(path, b"1", tags={"b": "4"}, Tagging="a=1&b=2")


def test_content_settings_of_azure_join_attributes(azure_cloud):
    """Also those that are an object of the SDK."""
    from azure.storage.blob import ContentSettings

    fs = azure_cloud.fs()
    settings = ContentSettings(content_type="text/x-odd", cache_control="no-store")
    attributes = {"Content-Language": "de", "Cache-Control": "no-store"}
    fs.pipe_file(azure_cloud.path("key"), b"1", attributes=attributes, content_settings=settings)
    found = azure_cloud.raw._container.get_blob_client("key").get_blob_properties().content_settings
    assert (found.content_type, found.cache_control, found.content_language) == ("text/x-odd", "no-store", "de")
    with pytest.raises(ConflictingOptionsError, match="content_settings"):
        fs.pipe_file(azure_cloud.path("key"), b"1", attributes={"Content-Type": "a/b"}, content_settings=settings)


@pytest.fixture
def s3_options(s3_server):
    """A server that decides about uploads in parts, as AWS does."""
    return dict(s3_server.options)


def test_s3_copies_in_parts_with_headers_metadata_and_tags(s3_options, s3_bucket, monkeypatch):
    """As a plain copy would."""
    monkeypatch.setattr(s3_vocabulary, "_PART_BYTES", 5 << 20)
    fs = fsspec.filesystem("s3", **s3_options)
    data = bytes(range(256)) * (12 << 12)
    words = {"attributes": {"Content-Type": "text/x-odd", "owner": "me"}, "tags": {"kind": "a b"}}
    fs.pipe_file(f"{s3_bucket}/a", data, **words)
    fs.copy_if_not_exists(f"{s3_bucket}/a", f"{s3_bucket}/b")
    assert fs.cat_file(f"{s3_bucket}/b") == data
    info = fs.info(f"{s3_bucket}/b")
    assert info["ETag"].endswith('-3"')
    assert info["ContentType"] == "text/x-odd"
    assert fs.metadata(f"{s3_bucket}/b") == {"owner": "me"}
    assert fs.get_tags(f"{s3_bucket}/b") == {"kind": "a b"}
    assert fs.list_multipart_uploads(s3_bucket) == []


def test_s3_decides_when_a_copy_in_parts_is_complete(s3_options, s3_bucket, monkeypatch):
    """Who looked before the other one wrote fails all the same, and leaves no part behind."""
    fs = fsspec.filesystem("s3", **s3_options)
    fs.pipe({f"{s3_bucket}/a": b"1", f"{s3_bucket}/b": b"other"})

    async def blind(*_):
        return False

    monkeypatch.setattr(s3_vocabulary.S3Vocabulary, "_is_taken", blind)
    with pytest.raises(FileExistsError):
        fs.copy_if_not_exists(f"{s3_bucket}/a", f"{s3_bucket}/b")
    assert fs.cat_file(f"{s3_bucket}/b") == b"other"
    assert fs.list_multipart_uploads(s3_bucket) == []


@pytest.mark.parametrize(
    ("options", "key", "said"),
    [
        ({"conditional_put": "disabled"}, "b", "conditional_put"),
        ({"copy_if_not_exists": "header:x-odd:*"}, "a//b", "header:x-odd"),
    ],
    ids=["no conditional writes", "a header and a key of the SDK's"],
)
def test_s3_says_what_a_copy_lacks(s3_cloud, options, key, said):
    """Rather than look and hope."""
    s3_cloud.raw.put("a", b"1")
    with pytest.raises(NotImplementedError, match=said):
        s3_cloud.fs(**options).copy_if_not_exists(s3_cloud.path("a"), s3_cloud.path(key))
    assert s3_cloud.raw.listed() == ["a"]


def test_s3_copies_by_a_header_of_the_servers_own(s3_cloud, recorded):
    """With one request of the data plane."""
    s3_cloud.raw.put("a", b"1")
    fs = s3_cloud.fs(copy_if_not_exists="header:x-odd-if-none-match:*", endpoint_url=recorded.endpoint)
    fs.copy_if_not_exists(s3_cloud.path("a"), s3_cloud.path("b"))
    asked = [each for each in recorded.asked if each.method == "PUT"]
    assert [each.headers["x-odd-if-none-match"] for each in asked] == ["*"]
    assert s3_cloud.raw.get("b") == b"1"


@pytest.fixture
def recorded(moto_server):
    """A way to the S3 server that keeps what is asked."""
    with gcs_proxy.running(moto_server.endpoint) as proxy:
        yield proxy


def test_pages_of_a_versioned_bucket_are_those_of_find(s3_options, s3_server, make_bucket):
    """With versions, and each object once."""
    bucket = make_bucket(s3_server, versioned=True)
    plain = fsspec.filesystem("s3", **s3_options)
    for number in range(3):
        plain.pipe({f"{bucket}/{key}": str(number).encode() for key in ("a", "b", "c")})
    plain.rm_file(f"{bucket}/b")
    fs = fsspec.filesystem("s3", version_aware=True, **s3_options)
    pages = [entry for page in fs.list_pages(bucket, 2) for entry in page]
    found = fs.find(bucket, detail=True)
    assert [entry["name"] for entry in pages] == list(found) == [f"{bucket}/a", f"{bucket}/c"]
    assert [entry["VersionId"] for entry in pages] == [entry["VersionId"] for entry in found.values()]
    after = [entry["name"] for page in fs.list_pages(bucket, start_after=f"{bucket}/a") for entry in page]
    assert after == [f"{bucket}/c"]


def test_data_plane_alone_copies_where_that_is_exact(cloud):
    """On GCS and Azure; S3's needs the SDK, and listings always do."""
    fs = cloud.fs("obstore")
    cloud.raw.put("a", b"1")
    if cloud.name == "s3":
        with pytest.raises(EngineError, match="metadata"):
            fs.copy_if_not_exists(cloud.path("a"), cloud.path("b"))
    else:
        fs.copy_if_not_exists(cloud.path("a"), cloud.path("b"))
        assert cloud.raw.listed() == ["a", "b"]
    with pytest.raises(EngineError, match="list"):
        next(fs.list_pages(cloud.bucket))


def test_verbs_have_documentation(cloud):
    """The blocking ones that of the coroutines."""
    fs = cloud.fs()
    for name in ("list_pages", "sign_many", "object_meta", "get_range", "copy_if_not_exists", "rename_if_not_exists"):
        assert getattr(fs, name).__doc__ == getattr(fs, f"_{name}").__doc__ is not None
