"""The verbs of Azure: what adlfs can do, with its words and its answers, in both engines."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from objfs import AzureBlobFileSystem
from tests.cloud_servers import connection_string
from tests.emulators.azure_account import *  # noqa: F403 - fixtures
from tests.emulators.azure_account import blob

adlfs = pytest.importorskip("adlfs")

TREE = {"a.txt": b"1", "b.csv": b"22", "dir/c.txt": b"333", "dir/sub/d.csv": b"4444", "other/e": b""}

# Set by adlfs's constructor. The secrets among them are no attributes of ours.
SECRETS = {"account_key", "client_id", "client_secret", "connection_string", "credential", "sas_token", "tenant_id"}


@pytest.fixture
def theirs(azure_server: Any) -> Any:
    """The class that is taken over from, on the same account; it keeps listings, so that each test has a new one."""
    return adlfs.AzureBlobFileSystem(connection_string=connection_string(azure_server), skip_instance_cache=True)


@pytest.fixture
def tree(container: Any) -> str:
    """A container with a few blobs; its name."""
    for key, body in TREE.items():
        container.upload_blob(key, body, metadata={"who": "me"})
    return str(container.container_name)


# Private coroutines that adlfs has for itself, under names that fsspec has for something else.
OTHER = {"_walk", "_expand_path"}


# -- markers of directories -------------------------------------------------------------------------------------------


def test_markers_are_no_files_and_are_empty(azure_server: Any, container: Any, theirs: Any, engine: str) -> None:
    """find() leaves out what stands for a directory, of either kind, as adlfs does with the one of the path."""
    root = container.container_name
    container.upload_blob("pre/", b"")
    container.upload_blob("pre/a", b"123")
    container.upload_blob("pre/sub", b"", metadata={"hdi_isfolder": "true"})
    fs = AzureBlobFileSystem(**azure_server.options, engine=engine)
    assert fs.find(f"{root}/pre") == theirs.find(f"{root}/pre") == [f"{root}/pre/a"]
    assert {name: item["size"] for name, item in fs.find(f"{root}/pre", detail=True).items()} == {f"{root}/pre/a": 3}
    assert [fs.du(f"{root}/pre"), fs.du(f"{root}/pre/"), fs.du(root), fs.du(root, withdirs=True)] == [3] * 4
    assert fs.du(f"{root}/pre", total=False) == {f"{root}/pre/a": 3}
    assert fs.du(root, maxdepth=1) == 0
    assert fs.disk_usage(root) == 3


@pytest.mark.parametrize(("given", "shown"), [({}, 10), ({"max_concurrency": 3}, 3)], ids=["default", "given"])
def test_max_concurrency_is_what_is_done(given: dict[str, int], shown: int) -> None:
    """adlfs's default is that of all verbs together, and follows from how many files a process may open."""
    fs = AzureBlobFileSystem(account_name="acc", anon=True, **given)
    assert fs.max_concurrency == shown


# -- the same answers -------------------------------------------------------------------------------------------------


def told(found: Any) -> Any:
    """An answer in an order, and with the content settings as the mapping that they are."""
    if isinstance(found, dict):
        return {name: told(value) for name, value in found.items()}
    if isinstance(found, blob.ContentSettings):
        return dict(found.items())
    if isinstance(found, list):
        return sorted((told(item) for item in found), key=str)
    return found


CALLS = {
    "ls": lambda fs, root: fs.ls(root),
    "ls-detail": lambda fs, root: fs.ls(root, detail=True),
    "ls-directory": lambda fs, root: fs.ls(f"{root}/dir", detail=False),
    "ls-url": lambda fs, root: fs.ls(f"abfs://{root}/dir"),
    "ls-slash": lambda fs, root: fs.ls(f"{root}/dir/", detail=True),
    "ls-blob": lambda fs, root: fs.ls(f"{root}/a.txt", detail=True),
    "ls-by-position": lambda fs, root: fs.ls(f"{root}/dir", True, True),
    "listdir": lambda fs, root: fs.listdir(root, detail=False),
    "find": lambda fs, root: fs.find(root),
    "find-detail": lambda fs, root: fs.find(root, detail=True),
    "find-withdirs": lambda fs, root: fs.find(root, withdirs=True, detail=True),
    "find-by-position": lambda fs, root: fs.find(f"{root}/dir", True),
    "find-prefix": lambda fs, root: fs.find(f"{root}/dir", prefix="s"),
    "find-blob": lambda fs, root: fs.find(f"{root}/a.txt"),
    "find-nothing": lambda fs, root: fs.find(f"{root}/nothing"),
    "find-no-container": lambda fs, root: fs.find("no-such-container"),
    "glob": lambda fs, root: fs.glob(f"{root}/*"),
    "glob-deep": lambda fs, root: fs.glob(f"{root}/**/*.csv"),
    "glob-detail": lambda fs, root: fs.glob(f"{root}/dir/?.txt", detail=True),
    "walk": lambda fs, root: list(fs.walk(root)),
    "walk-one-level": lambda fs, root: list(fs.walk(root, maxdepth=1)),
    "du": lambda fs, root: fs.du(root),
    "du-each": lambda fs, root: fs.du(root, total=False),
    "tree": lambda fs, root: sorted(fs.tree(root).splitlines()),
    "info-blob": lambda fs, root: fs.info(f"{root}/a.txt"),
    "info-refreshed": lambda fs, root: fs.info(f"{root}/dir/c.txt", refresh=True),
    "info-directory": lambda fs, root: fs.info(f"{root}/dir"),
    "info-container": lambda fs, root: fs.info(root),
    "info-root": lambda fs, root: fs.info(""),
    "stat": lambda fs, root: fs.stat(f"{root}/a.txt"),
    "exists": lambda fs, root: [fs.exists(f"{root}{name}") for name in ("", "/a.txt", "/dir", "/di", "/a.txt/x")],
    "isfile": lambda fs, root: [fs.isfile(f"{root}{name}") for name in ("", "/a.txt", "/dir", "/di")],
    "isdir": lambda fs, root: [fs.isdir(f"{root}{name}") for name in ("", "/a.txt", "/dir", "/dir/", "/di")],
    "no-container": lambda fs, root: [fs.exists("no-such-container"), fs.isdir("no-such-container")],
    "size": lambda fs, root: [fs.size(f"{root}/b.csv"), fs.size(f"{root}/other/e"), fs.size(f"{root}/dir")],
    "sizes": lambda fs, root: fs.sizes([f"{root}/a.txt", f"{root}/b.csv"]),
    "modified": lambda fs, root: fs.modified(f"{root}/a.txt"),
    "created": lambda fs, root: fs.created(f"{root}/a.txt"),
    "getxattr": lambda fs, root: fs.getxattr(f"{root}/a.txt", "who"),
    "split_path": lambda fs, root: [fs.split_path(f"{root}/dir/c.txt"), fs.split_path(root), fs.split_path("")],
    "expand_path": lambda fs, root: fs.expand_path(f"{root}/dir", recursive=True),
    "expand_path-list": lambda fs, root: fs.expand_path([f"{root}/a.txt", f"{root}/b.csv"]),
    "cat": lambda fs, root: fs.cat(f"{root}/a.txt"),
    "cat-several": lambda fs, root: fs.cat([f"{root}/a.txt", f"{root}/b.csv"]),
    "cat-recursive": lambda fs, root: fs.cat(f"{root}/dir/*.txt"),
    "cat_file": lambda fs, root: fs.cat_file(f"{root}/dir/c.txt", 1, 3),
    "cat_file-concurrent": lambda fs, root: fs.cat_file(f"{root}/dir/c.txt", 1, None, 4),
    "cat_ranges": lambda fs, root: fs.cat_ranges([f"{root}/dir/c.txt"] * 2, [0, 1], [1, 3]),
    "head": lambda fs, root: fs.head(f"{root}/dir/c.txt", 2),
    "tail": lambda fs, root: fs.tail(f"{root}/dir/c.txt", 2),
    "read_block": lambda fs, root: fs.read_block(f"{root}/dir/c.txt", 1, 2),
    "read_text": lambda fs, root: fs.read_text(f"{root}/dir/c.txt"),
    "behaviour": lambda fs, root: [fs.blocksize, fs.version_aware, fs.location_mode, fs.anon],
    "attributes": lambda fs, root: [fs.default_cache_type, fs.default_fill_cache, fs.assume_container_exists],
}


@pytest.mark.parametrize("call", CALLS)
def test_answers_are_those_of_adlfs(fs: Any, theirs: Any, tree: str, call: str) -> None:
    """Names, kinds, sizes, metadata and all the rest of what its info() holds."""
    assert told(CALLS[call](fs, tree)) == told(CALLS[call](theirs, tree))


def test_root_lists_the_containers_as_adlfs_does(fs: Any, theirs: Any, tree: str) -> None:
    """With their details; other tests' containers come and go."""
    ours, others = ({item["name"]: item for item in each.ls("", detail=True)} for each in (fs, theirs))
    assert (told(ours[tree]), tree in fs.ls("")) == (told(others[tree]), True)


ERRORS = {
    "cat_file": lambda fs, root: fs.cat_file(f"{root}/no"),
    "ls": lambda fs, root: fs.ls(f"{root}/no"),
    "ls-container": lambda fs, root: fs.ls("no-such-container"),
    "info": lambda fs, root: fs.info(f"{root}/no"),
    "info-container": lambda fs, root: fs.info("no-such-container"),
    "open": lambda fs, root: fs.open(f"{root}/no"),
    "rm": lambda fs, root: fs.rm(f"{root}/no"),
    "rm_file": lambda fs, root: fs.rm_file(f"{root}/no"),
    "cp_file": lambda fs, root: fs.cp_file(f"{root}/no", f"{root}/copy"),
    "get_file": lambda fs, root: fs.get_file(f"{root}/no", "/nonexistent/x"),
    "setxattrs": lambda fs, root: fs.setxattrs(f"{root}/no", who="me"),
    "makedir": lambda fs, root: fs.makedir(root),
    "mkdir-not-ok": lambda fs, root: fs.mkdir(root, exist_ok=False),
    "pipe_file-create": lambda fs, root: fs.pipe_file(f"{root}/a.txt", b"", mode="create"),
    "pipe_file-keep": lambda fs, root: fs.pipe_file(f"{root}/a.txt", b"", overwrite=False),
    "pipe_file-by-position": lambda fs, root: fs.pipe_file(f"{root}/a.txt", b"", False),
    "put_file-keep": lambda fs, root: fs.put_file(__file__, f"{root}/a.txt", overwrite=False),
    "open-x": lambda fs, root: fs.open(f"{root}/a.txt", "xb").close(),
    "getxattr": lambda fs, root: fs.getxattr(f"{root}/a.txt", "nothing"),
    "created-directory": lambda fs, root: fs.created(f"{root}/dir"),
}


@pytest.mark.parametrize("call", ERRORS)
def test_exceptions_are_those_of_adlfs(fs: Any, theirs: Any, tree: str, call: str) -> None:
    """Whoever catches what adlfs raises catches ours."""
    with pytest.raises(Exception) as expected:
        ERRORS[call](theirs, tree)
    with pytest.raises(expected.type):
        ERRORS[call](fs, tree)


def test_open_file_has_the_attributes_of_adlfs(fs: Any, theirs: Any, tree: str) -> None:
    """Of a file that is read."""
    with fs.open(f"{tree}/dir/c.txt") as ours, theirs.open(f"{tree}/dir/c.txt") as others:
        for name in ("metadata", "size", "container_name", "blob", "path", "mode", "version_id"):
            assert getattr(ours, name) == getattr(others, name), name
        assert ours.details["etag"] == others.details["etag"] == ours.e_tag


def test_every_public_name_of_adlfs_is_there(fs: Any, theirs: Any) -> None:
    """Methods and attributes; what is secret or private to its constructor is not shown."""
    names = {name for name in dir(theirs) if not name.startswith("_")} - SECRETS - {"sync_credential"}
    assert sorted(name for name in names if name not in dir(fs) and not hasattr(fs, name)) == []


def shared_methods() -> list[str]:
    """Methods that both classes have; private coroutines that adlfs has for other things are left out."""
    theirs = [name for name, value in vars(adlfs.AzureBlobFileSystem).items() if inspect.isfunction(value)]
    return [name for name in theirs if name[:2] != "__" and name not in OTHER and hasattr(AzureBlobFileSystem, name)]


@pytest.mark.parametrize("name", shared_methods())
def test_arguments_have_the_order_of_adlfs(name: str) -> None:
    """A call by position means the same."""
    ours = inspect.signature(getattr(AzureBlobFileSystem, name)).parameters.values()
    known = [item.name for item in ours if item.kind is item.POSITIONAL_OR_KEYWORD]
    takes_all = any(item.kind is item.VAR_POSITIONAL for item in ours)
    wanted = inspect.signature(getattr(adlfs.AzureBlobFileSystem, name)).parameters.values()
    positional = [item.name for item in wanted if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert takes_all or known[: len(positional)] == positional
