"""`objfs.copy` and `objfs.sync`, between disks and clouds."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from itertools import pairwise

import fsspec
import pytest

import objfs
from objfs.copying import move
from objfs.copying_comparison import COMPARISONS, same_by_listing
from objfs.copying_places import Entry
from objfs.errors import CopyError, UrlError

FILES = {"a.txt": b"one", "sub/b c?d#e.bin": bytes(range(256)) * 40, "sub/deep/c": b""}
LONG = bytes(range(256)) * (24 << 12)


@pytest.fixture
def tree(tmp_path):
    """A local directory with the files."""
    return plant(tmp_path / "tree", FILES)


def plant(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def found(folder):
    """The files below a local directory, and what they hold."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def objects(cloud):
    """The objects of a bucket, and what they hold."""
    return {key: cloud.raw.get(key) for key in cloud.raw.listed()}


def below(prefix, files):
    return {prefix + name: data for name, data in files.items()}


class Journal:
    """A watcher that remembers."""

    def __init__(self, act=None):
        self.files = self.size = self.bytes = 0
        self.outcomes = []
        self._act = act

    def planned(self, files, size):
        self.files, self.size = files, size

    def moved(self, size):
        self.bytes += size

    def finished(self, outcome):
        self.outcomes.append(outcome)
        if self._act is not None:
            self._act(outcome)


# -- copy --------------------------------------------------------------------------------------------------------------


def test_copy_uploads_and_downloads_a_tree_byte_for_byte(cloud, tree, tmp_path):
    """A long file in parts, an empty one, one of any name."""
    plant(tree, {"long": LONG})
    journal = Journal()
    objfs.copy(tree, cloud.url("up"), recursive=True, options=cloud.options, watcher=journal)
    assert objects(cloud) == below("up/", {**FILES, "long": LONG})
    assert (journal.files, journal.bytes, journal.size) == (4, journal.size, sum(map(len, found(tree).values())))
    objfs.copy(cloud.url("up/"), tmp_path / "down", recursive=True, options=cloud.options)
    assert found(tmp_path / "down") == {**FILES, "long": LONG}


def test_copy_within_a_cloud_is_done_by_the_server(cloud, monkeypatch):
    """No bytes move through this process."""
    cloud.raw.put("from/x", b"data")
    monkeypatch.setattr(type(cloud.fs()), "open", lambda *_, **__: pytest.fail("it was streamed"))
    report = objfs.copy(cloud.url("from/"), cloud.url("to/"), recursive=True, options=cloud.options)
    assert [(each.action, each.target) for each in report.outcomes] == [("copy", cloud.url("to/x"))]
    assert objects(cloud) == {"from/x": b"data", "to/x": b"data"}


def test_copy_between_clouds_streams(s3_cloud, azure_cloud):
    """Through memory, block by block; the content type goes by the name."""
    s3_cloud.raw.put("x.json", b"{}")
    s3_cloud.raw.put("long", LONG)
    options = {"source_options": s3_cloud.options, "target_options": azure_cloud.options}
    objfs.copy(s3_cloud.url("/").rstrip("/") + "/", azure_cloud.url("copy"), recursive=True, **options)
    assert objects(azure_cloud) == {"copy/x.json": b"{}", "copy/long": LONG}
    assert azure_cloud.raw.head("copy/x.json")["content_type"] == "application/json"


@pytest.mark.parametrize(
    ("source", "target", "existing", "written"),
    [
        pytest.param("a.txt", "new", [], ["new"], id="file-to-a-new-name"),
        pytest.param("a.txt", "new/", [], ["new/a.txt"], id="file-to-a-new-directory"),
        pytest.param("a.txt", "old", ["old/x"], ["old/a.txt"], id="file-to-a-directory-that-exists"),
        pytest.param("sub", "new", [], ["new/deep/c", "new/b c?d#e.bin"], id="directory-to-a-new-one"),
        pytest.param("sub", "new/", [], ["new/sub/deep/c", "new/sub/b c?d#e.bin"], id="directory-into-a-new-one"),
        pytest.param("sub", "old", ["old/x"], ["old/sub/deep/c", "old/sub/b c?d#e.bin"], id="directory-into-another"),
        pytest.param("sub/", "old", ["old/x"], ["old/deep/c", "old/b c?d#e.bin"], id="contents-into-another"),
    ],
)
def test_copy_follows_the_slashes_as_fsspec_documents(s3_cloud, tree, source, target, existing, written):
    """https://filesystem-spec.readthedocs.io/en/latest/copying.html, and as fsspec's own put does."""
    for key in existing:
        s3_cloud.raw.put(key, b"")
        s3_cloud.raw.put(f"theirs/{key}", b"")
    objfs.copy(f"{tree}/{source}", s3_cloud.url(target), recursive=True, options=s3_cloud.options)
    assert set(s3_cloud.raw.listed()) - {f"theirs/{key}" for key in existing} == {*existing, *written}
    s3_cloud.fs().put(f"{tree}/{source}", s3_cloud.url(f"theirs/{target}"), recursive=source != "a.txt")
    theirs = {key.removeprefix("theirs/") for key in s3_cloud.raw.listed() if key.startswith("theirs/")}
    assert theirs == {*existing, *written}


def test_copy_takes_several_sources_into_a_directory(s3_cloud, tree):
    """Files and directories."""
    objfs.copy([tree / "a.txt", tree / "sub"], s3_cloud.url("into"), recursive=True, options=s3_cloud.options)
    assert set(s3_cloud.raw.listed()) == {"into/a.txt", "into/sub/b c?d#e.bin", "into/sub/deep/c"}


def test_copy_of_a_directory_needs_recursive(s3_cloud, tree):
    """So that nothing large moves by mistake; what is missing is missing."""
    with pytest.raises(IsADirectoryError):
        objfs.copy(tree, s3_cloud.url("x"), options=s3_cloud.options)
    with pytest.raises(FileNotFoundError):
        objfs.copy(tree / "nope", s3_cloud.url("x"), options=s3_cloud.options)
    with pytest.raises(FileNotFoundError):
        objfs.copy(s3_cloud.url("nope/"), tree / "x", recursive=True, options=s3_cloud.options)
    assert s3_cloud.raw.listed() == []


@pytest.mark.parametrize("key", ["../x", "a//b", "./x", "a/../../x", "a/.."])
def test_keys_that_are_no_local_names_are_errors_and_the_rest_is_copied(s3_cloud, tmp_path, key):
    """Nothing is written outside of the target, and nothing under another name."""
    s3_cloud.raw.put(f"tree/{key}", b"hostile")
    s3_cloud.raw.put("tree/good", b"good")
    with pytest.raises(CopyError, match="no local file") as caught:
        objfs.copy(s3_cloud.url("tree/"), tmp_path / "in" / "down", recursive=True, options=s3_cloud.options)
    assert found(tmp_path) == {"in/down/good": b"good"}
    assert [each.source for each in caught.value.report.failed] == [s3_cloud.url(f"tree/{key}")]


def test_copy_reports_every_failure_and_goes_on(s3_cloud, tree, tmp_path):
    """A file where a directory is needed; the error survives a pickle."""
    plant(tmp_path / "down", {"sub": b"in the way"})
    objfs.copy(tree, s3_cloud.url("up"), recursive=True, options=s3_cloud.options)
    with pytest.raises(CopyError, match="2 failed") as caught:
        objfs.copy(s3_cloud.url("up/"), tmp_path / "down", recursive=True, options=s3_cloud.options)
    assert found(tmp_path / "down") == {"a.txt": b"one", "sub": b"in the way"}
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.report) == (str(caught.value), caught.value.report)


def test_what_the_server_says_is_in_the_report(s3_cloud, tree):
    """Whole, also where it has a colon as the secrets of URLs have."""
    with pytest.raises(CopyError, match="bucket does not exist"):
        objfs.copy(tree / "a.txt", "s3://there-is-no-such-bucket/x", options=s3_cloud.options)


def test_a_directory_is_in_the_way_of_a_file(cloud, tmp_path):
    """What cannot be at its target is not deleted at its source, nor said to be there."""
    cloud.raw.put("d/x", b"kept")
    (tmp_path / "x").mkdir()
    for act in (move, objfs.copy):
        with pytest.raises(CopyError, match="is a directory"):
            act(cloud.url("d/"), tmp_path, recursive=True, options=cloud.options)
    with pytest.raises(CopyError, match="is a directory"):
        objfs.sync(cloud.url("d"), tmp_path, options=cloud.options)
    assert (objects(cloud), list((tmp_path / "x").iterdir())) == ({"d/x": b"kept"}, [])


def test_copy_fails_fast_where_it_is_asked_to(s3_cloud, tmp_path):
    """After the first failure nothing is begun."""
    for key in ("t/../x", "t/good"):
        s3_cloud.raw.put(key, b"")
    with pytest.raises(CopyError) as caught:
        objfs.copy(s3_cloud.url("t/"), tmp_path / "down", recursive=True, fail_fast=True, options=s3_cloud.options)
    assert len(caught.value.report.outcomes) == 1
    assert found(tmp_path) == {}


def test_copy_dry_run_says_what_it_would_do(s3_cloud, tree):
    """And does nothing."""
    report = objfs.copy(tree, s3_cloud.url("x"), recursive=True, dry_run=True, options=s3_cloud.options)
    assert {each.target for each in report.done("copy")} == {s3_cloud.url(f"x/{name}") for name in FILES}
    assert s3_cloud.raw.listed() == []


def test_copy_to_itself_is_an_error(tree, s3_cloud):
    """It would be read while it is written; of several sources, the others are copied."""
    with pytest.raises(UrlError, match="the same"):
        objfs.copy(tree / "a.txt", tree / "sub" / ".." / "a.txt")
    with pytest.raises(CopyError, match="the same"):
        objfs.copy([tree / "sub" / "deep" / "c", tree / "a.txt"], tree)
    assert (tree / "c").exists()
    s3_cloud.raw.put("x", b"kept")
    with pytest.raises(UrlError, match="the same"):
        move(s3_cloud.url("x"), s3_cloud.url("x"), options=s3_cloud.options)
    assert (found(tree)["a.txt"], s3_cloud.raw.get("x")) == (b"one", b"kept")


def test_a_place_is_the_same_with_other_options(cloud):
    """Moved to itself an object would be deleted; a copy to itself may change how it is stored."""
    cloud.raw.put("d/x", b"kept")
    work = {"options": cloud.options, "source_options": {"connect_timeout": 7}}
    with pytest.raises(UrlError, match="the same"):
        move(cloud.url("d/x"), cloud.url("d/x"), **work)
    with pytest.raises(UrlError, match="same directory"):
        objfs.sync(cloud.url("d"), cloud.url(""), delete=True, **work)
    objfs.copy(cloud.url("d/x"), cloud.url("d/x"), **work)
    objfs.copy(cloud.url("d/"), cloud.url("d/"), recursive=True, **work)
    assert objects(cloud) == {"d/x": b"kept"}


@pytest.mark.parametrize(
    ("source", "target", "made"),
    [
        pytest.param("sub", "sub/new", None, id="to-a-new-name"),
        pytest.param("sub", "sub/deep/", None, id="into-a-directory"),
        pytest.param("sub/", "sub/new", None, id="contents"),
        pytest.param("sub", "sub", None, id="into-itself"),
        pytest.param("sub", "sub-new", "sub-new/deep/c", id="beside"),
        pytest.param("sub/deep/", "sub", "sub/c", id="above"),
    ],
)
def test_a_directory_is_not_copied_into_itself(s3_cloud, tree, source, target, made):
    """It would hold its own copy, and the next time that one's. Nothing is copied, by neither verb."""
    for key, data in found(tree).items():
        s3_cloud.raw.put(key, data)
    for verb in (objfs.copy, move) if made is None else (objfs.copy,):
        for one, two, options in (
            (s3_cloud.url(source), s3_cloud.url(target), {"options": s3_cloud.options}),
            (f"{tree}/{source}", f"{tree}/{target}", {}),
        ):
            if made is None:
                with pytest.raises(UrlError, match="into itself"):
                    verb(one, two, recursive=True, **options)
            else:
                verb(one, two, recursive=True, **options)
    assert objects(s3_cloud) == found(tree)
    assert (found(tree) == FILES) if made is None else (made in found(tree))


def test_an_object_beside_a_directory_of_its_name_is_copied_below_itself(s3_cloud):
    """Where there is no directory yet: an object holds nothing."""
    s3_cloud.raw.put("x", b"data")
    objfs.copy(s3_cloud.url("x"), s3_cloud.url("x/copy"), recursive=True, options=s3_cloud.options)
    assert objects(s3_cloud) == {"x": b"data", "x/copy": b"data"}


@pytest.mark.parametrize(
    ("call", "keyword", "said"),
    [
        pytest.param(objfs.copy, "option", r"copy\(\) takes no keyword 'option'; did you mean 'options'", id="options"),
        pytest.param(objfs.copy, "recursiv", r"copy\(\) .*'recursive'", id="own"),
        pytest.param(objfs.sync, "deleted", r"sync\(\) .*'delete'", id="sync"),
        pytest.param(
            objfs.sync, "recursive", r"sync\(\) takes no keyword 'recursive'; it takes compare, ", id="none-near"
        ),
        pytest.param(move, "fail_fats", r"move\(\) .*'fail_fast'", id="move"),
    ],
)
def test_a_misspelt_keyword_is_named_with_the_call(tree, call, keyword, said):
    """And with one that is near, or all."""
    with pytest.raises(TypeError, match=said):
        call(tree, tree / "new", **{keyword: {}})


@pytest.mark.parametrize("middle", ["memory://middle", "local"])
def test_copy_takes_every_kind_of_place(middle, s3_cloud, tmp_path, tree):
    """fsspec's own filesystems on either side; options of a cloud are for the side that is in one."""
    middle = str(tmp_path / "middle") if middle == "local" else middle
    objfs.copy(tree, middle, recursive=True)
    objfs.copy(middle, s3_cloud.url("up"), recursive=True, options=s3_cloud.options)
    objfs.copy(s3_cloud.url("up"), f"{middle}2", recursive=True, options=s3_cloud.options)
    objfs.copy(f"{middle}2", tmp_path / "down", recursive=True)
    assert found(tmp_path / "down") == FILES
    fsspec.filesystem("memory").store.clear()


def test_copy_takes_a_web_page_but_does_not_write_one(web, tmp_path):
    """By its last part, without the query."""
    web.objects["/copying/page.html?x=y"] = b"<html>"
    url = f"http://127.0.0.1:{web.server_port}/copying/page.html"
    objfs.copy(f"{url}?x=y", f"{tmp_path}/")
    assert found(tmp_path) == {"page.html": b"<html>"}
    with pytest.raises(CopyError, match="cannot be written to"):
        objfs.copy(tmp_path / "page.html", url)


def test_urls_of_what_was_copied_are_spelt_as_the_given_one(azure_cloud, tree):
    """With its scheme and its account."""
    account = azure_cloud.options["account_name"]
    url = f"abfss://{azure_cloud.bucket}@{account}.dfs.core.windows.net/up"
    report = objfs.copy(tree / "a.txt", url, dry_run=True, options=azure_cloud.options)
    assert [each.target for each in report.outcomes] == [url]


def test_move_deletes_what_was_copied_and_nothing_else(cloud, tree, tmp_path):
    """Across places, and within one."""
    move(tree, cloud.url("up"), recursive=True, options=cloud.options, exclude=["c"])
    assert found(tree) == {"sub/deep/c": b""}
    move(cloud.url("up/"), cloud.url("other"), recursive=True, options=cloud.options)
    assert set(cloud.raw.listed()) == {"other/a.txt", "other/sub/b c?d#e.bin"}


def test_two_sources_of_one_name_do_not_replace_each_other(s3_cloud, tree):
    """A move would have deleted the first by then."""
    plant(tree, {"sub/a.txt": b"other"})
    with pytest.raises(CopyError, match="the same target"):
        move([tree / "a.txt", tree / "sub" / "a.txt"], s3_cloud.url("into/"), options=s3_cloud.options)
    assert objects(s3_cloud) == {"into/a.txt": b"one"}
    assert found(tree)["sub/a.txt"] == b"other"


def test_a_local_source_that_is_no_file_is_an_error(s3_cloud, tree):
    """A pipe would be waited for."""
    os.mkfifo(tree / "pipe")
    with pytest.raises(CopyError, match="no regular file"):
        objfs.copy(tree, s3_cloud.url("up"), recursive=True, options=s3_cloud.options)
    assert len(s3_cloud.raw.listed()) == len(FILES)


# -- sync --------------------------------------------------------------------------------------------------------------


def test_a_second_sync_copies_nothing(cloud, tree, tmp_path):
    """Up, within the cloud, and down, however it is compared; with a file that was uploaded in parts."""
    plant(tree, {"long": LONG})
    places = [tree, cloud.url("one"), cloud.url("two"), tmp_path / "down"]
    for source, target in pairwise(places):
        first = objfs.sync(source, target, options=cloud.options)
        assert len(first.done("copy")) == 4, target
        for compare in COMPARISONS:
            again = objfs.sync(source, target, compare=compare, options=cloud.options)
            assert (len(again.done("copy")), len(again.done("skip"))) == (0, 4), (target, compare)
    assert found(tmp_path / "down") == {**FILES, "long": LONG}


@pytest.mark.parametrize(
    ("compare", "noticed"), [("size", False), ("mtime", False), ("checksum", True)], ids=["size", "mtime", "checksum"]
)
def test_only_a_checksum_notices_a_change_of_the_same_size_and_age(cloud, tree, compare, noticed):
    """The others guess, as their documentation says."""
    objfs.sync(tree, cloud.url("up"), options=cloud.options)
    os.truncate(tree / "a.txt", 0)
    (tree / "a.txt").write_bytes(b"two")
    os.utime(tree / "a.txt", (1, 1))
    done = objfs.sync(tree, cloud.url("up"), compare=compare, options=cloud.options).done("copy")
    assert (len(done), cloud.raw.get("up/a.txt")) == ((1, b"two") if noticed else (0, b"one"))


def test_sync_copies_what_is_newer_or_of_another_size(cloud, tree):
    """Which is what mtime compares."""
    objfs.sync(tree, cloud.url("up"), options=cloud.options)
    (tree / "a.txt").write_bytes(b"longer")
    future = os.stat(tree / "a.txt").st_mtime + 3600
    os.utime(tree / "sub/deep/c", (future, future))
    done = objfs.sync(tree, cloud.url("up"), options=cloud.options).done("copy")
    assert {each.target for each in done} == {cloud.url("up/a.txt"), cloud.url("up/sub/deep/c")}


def test_a_download_has_the_time_of_its_object(s3_cloud, tmp_path):
    """So that an object which changes while it is downloaded is newer than the file."""
    s3_cloud.raw.put("d/x", b"")
    objfs.sync(s3_cloud.url("d"), tmp_path / "down", options=s3_cloud.options)
    assert os.stat(tmp_path / "down/x").st_mtime == s3_cloud.fs().modified(s3_cloud.path("d/x")).timestamp()


def test_sync_deletes_only_what_it_is_asked_to(cloud, tree):
    """With delete, what the source lacks; what is excluded stays."""
    for key in ("up/gone", "up/kept.log", "beside"):
        cloud.raw.put(key, b"")
    objfs.sync(tree, cloud.url("up"), options=cloud.options)
    assert "up/gone" in cloud.raw.listed()
    told = objfs.sync(tree, cloud.url("up"), delete=True, dry_run=True, exclude=["*.log"], options=cloud.options)
    done = objfs.sync(tree, cloud.url("up"), delete=True, exclude=["*.log"], options=cloud.options)
    assert [each.target for each in told.done("delete")] == [each.target for each in done.done("delete")]
    assert set(cloud.raw.listed()) == {"beside", "up/kept.log", *below("up/", FILES)}


def test_sync_deletes_names_literally(s3_cloud, tree):
    """A star in a key is no pattern for keys that stay."""
    for key in ("up/a*", "up/gone", "up/[a].txt"):
        s3_cloud.raw.put(key, b"")
    objfs.sync(tree, s3_cloud.url("up"), delete=True, options=s3_cloud.options)
    assert objects(s3_cloud) == below("up/", FILES)


def test_sync_deletes_nothing_after_a_failure_or_without_a_source(s3_cloud, tree, tmp_path):
    """A source that cannot be read whole is no reason to delete."""
    s3_cloud.raw.put("up/precious", b"")
    (tree / "a.txt").unlink()
    (tree / "a.txt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CopyError):
        objfs.sync(tree, s3_cloud.url("up"), delete=True, options=s3_cloud.options)
    shutil.rmtree(tree)
    with pytest.raises(FileNotFoundError):
        objfs.sync(tree, s3_cloud.url("up"), delete=True, options=s3_cloud.options)
    with pytest.raises(FileNotFoundError):
        objfs.sync(s3_cloud.url("nowhere"), s3_cloud.url("up"), delete=True, options=s3_cloud.options)
    assert "up/precious" in s3_cloud.raw.listed()


@pytest.mark.parametrize(("source", "target"), [("d", "d/"), ("d", "d/below"), ("d/below", "d")])
def test_sync_refuses_a_directory_within_the_other(s3_cloud, tree, source, target):
    """With delete it would delete its own source."""
    with pytest.raises(UrlError, match="same directory"):
        objfs.sync(s3_cloud.url(source), s3_cloud.url(target), options=s3_cloud.options)
    with pytest.raises(UrlError, match="same directory"):
        objfs.sync(tree / source, tree / target)


def test_an_interrupted_sync_is_continued_by_the_next(s3_cloud, tree):
    """It keeps no state but what is there; nothing is there in part."""
    plant(tree, {f"more/{number}": b"x" for number in range(50)})

    def interrupt(outcome):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        objfs.sync(tree, s3_cloud.url("up"), options=s3_cloud.options, watcher=Journal(interrupt))
    before = len(s3_cloud.raw.listed())
    assert before < 53
    report = objfs.sync(tree, s3_cloud.url("up"), options=s3_cloud.options)
    assert (len(report.done("skip")), len(report.done("copy"))) == (before, 53 - before)
    assert objects(s3_cloud) == below("up/", found(tree))


def test_links_are_followed_but_not_in_circles(s3_cloud, tree):
    """A link to a directory is a directory."""
    (tree / "sub" / "loop").symlink_to(tree)
    (tree / "link").symlink_to(tree / "sub" / "deep")
    objfs.sync(tree, s3_cloud.url("up"), options=s3_cloud.options)
    assert set(s3_cloud.raw.listed()) == {f"up/{name}" for name in (*FILES, "link/c")}


@pytest.fixture
def elsewhere(tree, tmp_path):
    """A directory outside of the tree, to which a link in it leads."""
    folder = plant(tmp_path / "elsewhere", {"kept": b"precious"})
    (tree / "link").symlink_to(folder)
    return folder


def test_sync_deletes_nothing_behind_a_link(tree, elsewhere, tmp_path):
    """The link may lead anywhere, also to the source; what it shows counts as being there."""
    source = plant(tmp_path / "source", FILES)
    (tree / "back").symlink_to(source)
    (tree / "more").write_bytes(b"")
    report = objfs.sync(source, tree, delete=True)
    assert [each.target for each in report.done("delete")] == [str(tree / "more")]
    assert (found(elsewhere), found(source)) == ({"kept": b"precious"}, FILES)


def test_move_copies_what_is_behind_a_link_and_leaves_it(s3_cloud, tree, elsewhere):
    """The tree that is moved holds the link, and not what it leads to."""
    report = move(tree, s3_cloud.url("x"), recursive=True, options=s3_cloud.options)
    assert objects(s3_cloud) == below("x/", {**FILES, "link/kept": b"precious"})
    assert [each.target for each in report.done("copy")] == [s3_cloud.url("x/link/kept")]
    assert found(elsewhere) == {"kept": b"precious"}


def test_what_a_killed_download_left_is_not_copied(s3_cloud, tree):
    """It is not whole."""
    plant(tree, {".objfs-0123456789abcdef.part": b"half"})
    objfs.sync(tree, s3_cloud.url("up"), options=s3_cloud.options)
    assert len(s3_cloud.raw.listed()) == len(FILES)


@pytest.mark.parametrize("part_mebibytes", [5, 8])
def test_checksum_compares_local_files_with_uploads_in_parts_of_common_clients(s3_cloud, tmp_path, part_mebibytes):
    """The ETag of such an upload is made anew; no object is read."""
    data, part_bytes = LONG[: 17 << 20], part_mebibytes << 20
    with s3_cloud.fs().open(s3_cloud.path("up/x"), "wb", block_size=part_bytes) as file:
        file.write(data)
    plant(tmp_path / "tree", {"x": data})
    pieces = [hashlib.md5(data[at : at + part_bytes]).digest() for at in range(0, len(data), part_bytes)]
    tag = f'"{hashlib.md5(b"".join(pieces)).hexdigest()}-{len(pieces)}"'
    assert s3_cloud.fs().info(s3_cloud.path("up/x"))["ETag"] == tag
    report = objfs.sync(tmp_path / "tree", s3_cloud.url("up"), compare="checksum", options=s3_cloud.options)
    assert len(report.done("skip")) == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        pytest.param({"ETag": '"' + "0" * 32 + '"'}, {"md5Hash": "AAAAAAAAAAAAAAAAAAAAAA=="}, True, id="s3-and-gcs"),
        pytest.param({"content_settings": {"content_md5": bytearray(16)}}, {"ETag": "0" * 32}, True, id="azure-and-s3"),
        pytest.param({"ETag": '"' + "0" * 32 + '"'}, {"ETag": '"' + "1" * 32 + '"'}, False, id="different"),
        pytest.param({"ETag": '"' + "0" * 32 + '-2"'}, {"ETag": '"' + "0" * 32 + '-2"'}, True, id="same-parts"),
        pytest.param({"ETag": '"' + "0" * 32 + '-2"'}, {"ETag": '"' + "0" * 32 + '-3"'}, None, id="other-parts"),
        pytest.param({"etag": '"0x8D"'}, {"etag": '"0x8D"'}, None, id="no-checksum"),
    ],
)
def test_stored_checksums_are_compared_across_clouds(ours, theirs, same):
    """Each cloud writes an MD5 in its own way; what is none says nothing."""
    one, two = (Entry("x", "x", 1, None, facts=facts) for facts in (ours, theirs))
    assert same_by_listing(one, two, "checksum") is same


# -- dask --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client():
    """A cluster of two worker processes."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        distributed.Client(cluster, set_as_default=False) as made,
    ):
        yield made


def test_workers_of_a_cluster_copy(s3_cloud, tree, tmp_path, client):
    """With a provider; reports and failures come back."""
    options = s3_cloud.provided()
    plant(tree, {f"more/{number}": b"x" for number in range(150)})
    objfs.copy(tree, s3_cloud.url("up"), recursive=True, options=options, client=client)
    assert objects(s3_cloud) == below("up/", found(tree))
    assert len(objfs.sync(tree, s3_cloud.url("up"), options=options, client=client).done("skip")) == 153
    plant(tmp_path / "down", {"more": b"in the way"})
    with pytest.raises(CopyError, match="150 failed"):
        objfs.sync(s3_cloud.url("up"), tmp_path / "down", options=options, client=client)
    assert len(found(tmp_path / "down")) == 4


def test_no_secret_is_in_what_workers_get(s3_cloud, tree, monkeypatch):
    """Filesystems travel with their provider."""
    sent = []

    class Client:
        def map(self, function, batches, **keywords):
            sent.append(pickle.dumps([function, *batches]))
            raise ConnectionError

    os.environ["OBJFS_TEST_SECRET"] = "the-real-secret"
    options = {**s3_cloud.options, "storage_options_provider": "tests.emulators.test_copying:EnvironmentProvider"}
    for name in ("key", "secret"):
        options.pop(name)
    with pytest.raises(ConnectionError):
        objfs.copy(tree, s3_cloud.url("up"), recursive=True, options=options, client=Client())
    assert b"the-real-secret" not in sent[0]
    assert s3_cloud.bucket.encode() in sent[0]
    del os.environ["OBJFS_TEST_SECRET"]


class EnvironmentProvider:
    """Reads a secret where it runs."""

    def fetch_storage_options(self):
        return {"key": "AKIAOBJFSTESTS", "secret": os.environ["OBJFS_TEST_SECRET"]}

    def provider_id(self):
        return "environment"
