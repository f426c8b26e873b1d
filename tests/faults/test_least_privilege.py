"""What one right allows works with that right alone, and what it does not allow is refused in so many words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import fsspec
import pytest

import objfs
from objfs.errors import MissingCredentialsError
from tests.clouds import CLOUDS, S3Raw
from tests.faults.answering import Answer, Asked, answering
from tests.faults.canaries import NOWHERE, SCHEMES
from tests.faults.grants import (
    DELETE,
    LIST,
    READ,
    WRITE,
    Granted,
    container_sas,
    gcs_refusal,
    gcs_rights,
    refusing,
    s3_refusal,
    s3_rights,
    session_policy,
)

CONTENT: Final = b"one,two\n1,2\n3,4\n"
LONG: Final = bytes(range(256)) * 48000  # more than two parts
SERVERS: Final = ("s3", "minio", "gcs", "azure")
# What `Granted` needs to be made: rights to filesystem.
Grant = Callable[..., Granted]


@pytest.fixture(params=SERVERS)
def grant(request: pytest.FixtureRequest) -> Iterator[tuple[Grant, Any]]:
    """``grant(*rights)`` and the bucket behind it, without objfs."""
    name = request.param
    with ExitStack() as stack:
        if name == "minio":
            server = request.getfixturevalue("minio_server")
            if server.name != "minio":
                pytest.skip(f"{server.name} has no policies of sessions")
            bucket = request.getfixturevalue("make_bucket")(server)
            raw = S3Raw(request.getfixturevalue("observer")(server), bucket)

            def by_policy(*rights: str) -> Granted:
                return Granted("s3", bucket, {**server.options, **session_policy(server, bucket, rights)})

            yield by_policy, raw
            return
        cloud = request.getfixturevalue(f"{name}_cloud")

        def by_signature(*rights: str) -> Granted:
            sas = container_sas(cloud.options, cloud.bucket, rights)
            options = {"account_name": cloud.options["account_name"], "endpoint": cloud.options["endpoint"]}
            return Granted("az", cloud.bucket, {**options, "sas_token": sas})

        def by_proxy(*rights: str) -> Granted:
            told = (s3_rights, s3_refusal) if name == "s3" else (gcs_rights, gcs_refusal)
            upstream = cloud.options["endpoint_url"]
            endpoint, asked = stack.enter_context(refusing(upstream, told[0], rights, told[1]))
            return Granted(cloud.scheme, cloud.bucket, {**cloud.options, "endpoint_url": endpoint}, True, asked)

        yield (by_signature if name == "azure" else by_proxy), cloud.raw


def refused(call: Callable[[], Any]) -> None:
    """Refused, and not taken for missing."""
    with pytest.raises(PermissionError):
        call()


# -- reading without List ---------------------------------------------------------------------------------------------

READS: Final[Mapping[str, Callable[[Any, str, Path], Any]]] = {
    "open": lambda fs, path, _: fs.open(path).read(),
    "open-text": lambda fs, path, _: fs.open(path, "r").read().encode(),
    "cat": lambda fs, path, _: fs.cat(path),
    "cat-list": lambda fs, path, _: fs.cat([path])[path],
    "cat_file": lambda fs, path, _: fs.cat_file(path),
    "cat_ranges": lambda fs, path, _: b"".join(fs.cat_ranges([path, path], [0, 4], [4, len(CONTENT)])),
    "get_file": lambda fs, path, local: (fs.get_file(path, str(local / "a")), (local / "a").read_bytes())[1],
    "get": lambda fs, path, local: (fs.get(path, str(local / "a")), (local / "a").read_bytes())[1],
    "mapper": lambda fs, path, _: fs.get_mapper(path.rpartition("/")[0])["a.csv"],
    "read_block": lambda fs, path, _: fs.read_block(path, 0, len(CONTENT)),
    "head": lambda fs, path, _: fs.head(path, 100),
    "tail": lambda fs, path, _: fs.tail(path, 100),
    "info": lambda fs, path, _: CONTENT[: fs.info(path)["size"]],
    "size": lambda fs, path, _: CONTENT[: fs.size(path)],
    "sizes": lambda fs, path, _: CONTENT[: fs.sizes([path])[0]],
    "exists": lambda fs, path, _: CONTENT if fs.exists(path) else b"",
    "isfile": lambda fs, path, _: CONTENT if fs.isfile(path) else b"",
    "modified": lambda fs, path, _: CONTENT if fs.modified(path) else b"",
    "ukey": lambda fs, path, _: CONTENT if fs.ukey(path) else b"",
    "pandas": lambda fs, path, _: _by_pandas(fs, path),
    "pandas-by-url": lambda fs, path, _: _by_pandas_and_url(fs, path),
    "pyarrow": lambda fs, path, _: _by_pyarrow(fs, path),
}


def _by_pandas(fs: Any, path: str) -> bytes:
    pandas = pytest.importorskip("pandas")
    with fs.open(path) as file:
        text: str = pandas.read_csv(file).to_csv(index=False, lineterminator="\n")
    return text.encode()


def _by_pandas_and_url(fs: Any, path: str) -> bytes:
    pandas = pytest.importorskip("pandas")
    scheme = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
    table = pandas.read_csv(f"{scheme}://{path}", storage_options=dict(fs.storage_options))
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text.encode()


def _by_pyarrow(fs: Any, path: str) -> bytes:
    arrow_fs = pytest.importorskip("pyarrow.fs")
    wrapped = arrow_fs.PyFileSystem(arrow_fs.FSSpecHandler(fs))
    assert wrapped.get_file_info(path).is_file
    return wrapped.open_input_file(path).read()


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_reads_work_without_the_right_to_list(grant: tuple[Grant, Any], engine: str, tmp_path: Path) -> None:
    """Every verb of one object; nothing that lists is so much as tried."""
    make, raw = grant
    raw.put("d/a.csv", CONTENT)
    raw.put("d/long", LONG)
    granted = make(READ)
    fs, path = granted.fs(engine), f"{granted.bucket}/d/a.csv"
    told = {}
    for name, read in READS.items():
        (tmp_path / name).mkdir()
        try:
            told[name] = read(fs, path, tmp_path / name)
        except PermissionError as error:
            told[name] = error
    assert {name: found for name, found in told.items() if found != CONTENT} == {}
    assert fs.cat_file(f"{granted.bucket}/d/long") == LONG
    if granted.asked is not None:
        # fsspec's get looks whether the path is a directory.
        assert granted.asked[LIST] <= 1
        assert set(granted.asked) <= {READ, LIST}


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_missing_object_is_told_as_the_server_tells_it(grant: tuple[Grant, Any], engine: str) -> None:
    """A refusal where the caller may not know, as on AWS and GCS; never a FileNotFoundError of our own making."""
    make, raw = grant
    raw.put("there", CONTENT)
    granted = make(READ)
    fs, path = granted.fs(engine), f"{granted.bucket}/missing"
    kind = PermissionError if granted.hides_missing else FileNotFoundError
    for verb in (fs.cat_file, fs.open):
        with pytest.raises(kind):
            verb(path)
    # Whether it is a directory nobody tells who may not list.
    for verb in (fs.info, fs.exists, fs.isdir, fs.size):
        refused(lambda verb=verb: verb(path))
    allowed = make(READ, LIST).fs(engine)
    assert not allowed.exists(path)
    for verb in (allowed.info, allowed.cat_file, allowed.open):
        with pytest.raises(FileNotFoundError):
            verb(path)


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_right_to_read_is_no_other_right(grant: tuple[Grant, Any], engine: str) -> None:
    """Each verb says that it was refused, and leaves all as it was."""
    make, raw = grant
    raw.put("d/a", CONTENT)
    granted = make(READ)
    fs, bucket = granted.fs(engine), granted.bucket
    for call in (
        lambda: fs.ls(bucket),
        lambda: fs.ls(f"{bucket}/d"),
        lambda: fs.find(bucket),
        lambda: fs.glob(f"{bucket}/d/*"),
        lambda: list(fs.walk(bucket, on_error="raise")),
        lambda: fs.pipe_file(f"{bucket}/d/a", b"x"),
        lambda: fs.pipe_file(f"{bucket}/d/b", LONG),
        lambda: fs.open(f"{bucket}/d/b", "wb").close(),
        lambda: fs.rm_file(f"{bucket}/d/a"),
        lambda: fs.rm([f"{bucket}/d/a"]),
        lambda: fs.rm(f"{bucket}/d", recursive=True),
        lambda: fs.cp_file(f"{bucket}/d/a", f"{bucket}/d/b"),
        lambda: fs.mv(f"{bucket}/d/a", f"{bucket}/d/b"),
    ):
        refused(call)
    assert (raw.listed(), raw.get("d/a")) == (["d/a"], CONTENT)


@pytest.mark.parametrize("right", [LIST, READ, WRITE])
def test_checks_need_the_right_that_they_try_and_no_other(grant: tuple[Grant, Any], right: str) -> None:
    """`explain(check=…)` with one right: that check passes, the others say which permission is missing."""
    make, raw = grant
    raw.put("d/a", CONTENT)
    granted = make(right)
    found = objfs.explain(granted.url("d/a"), check=(LIST, READ, WRITE), max_retries=0, **granted.options)
    assert {check.check: check.symptom for check in found.checks} == {
        check: "" if check == right else "no permission" for check in (LIST, READ, WRITE)
    }
    assert raw.listed() == ["d/a"]


# -- writing without List and Head ------------------------------------------------------------------------------------


def _by_file(fs: Any, path: str, data: bytes, _: Path, **keywords: Any) -> None:
    with fs.open(path, "wb", block_size=5 << 20, **keywords) as file:
        file.write(data)


def _by_exclusive_file(fs: Any, path: str, data: bytes, _: Path) -> None:
    with fs.open(path, "xb") as file:
        file.write(data)


def _by_put(fs: Any, path: str, data: bytes, local: Path) -> None:
    (local / "a").write_bytes(data)
    fs.put_file(str(local / "a"), path)


def _by_put_path(fs: Any, path: str, data: bytes, local: Path) -> None:
    (local / "a").write_bytes(data)
    fs.put(str(local / "a"), path)


def _by_put_list(fs: Any, path: str, data: bytes, local: Path) -> None:
    (local / "a").write_bytes(data)
    fs.put([str(local / "a")], [path])


def _by_transaction(fs: Any, path: str, data: bytes, local: Path) -> None:
    with fs.transaction:
        _by_file(fs, path, data, local)


def _by_mapper(fs: Any, path: str, data: bytes, _: Path) -> None:
    folder, _, name = path.rpartition("/")
    fs.get_mapper(folder)[name] = data


WRITES: Final[Mapping[str, Callable[[Any, str, bytes, Path], None]]] = {
    "open": _by_file,
    "pipe_file": lambda fs, path, data, _: fs.pipe_file(path, data),
    "pipe": lambda fs, path, data, _: fs.pipe({path: data}),
    "put_file": _by_put,
    "put": _by_put_path,
    "put-list": _by_put_list,
    "transaction": _by_transaction,
    "mapper": _by_mapper,
    "create": lambda fs, path, data, _: fs.pipe_file(path, data, mode="create"),
    "open-x": _by_exclusive_file,
}


@pytest.mark.parametrize("length", [len(CONTENT), len(LONG)], ids=["short", "long"])
@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_writes_work_without_list_and_head(grant: tuple[Grant, Any], engine: str, length: int, tmp_path: Path) -> None:
    """One request or many parts; nothing that reads or lists is so much as tried."""
    make, raw = grant
    granted = make(WRITE)
    fs, data = granted.fs(engine), LONG[:length]
    names = WRITES if length < len(LONG) else ("open", "pipe_file", "put_file")
    refusals, asked = {}, {}
    for name in names:
        try:
            WRITES[name](fs, f"{granted.bucket}/d/{name}", data, tmp_path)
        except PermissionError as error:
            refusals[name] = error
        if granted.asked is not None:
            asked[name] = set(granted.asked) - {WRITE}
            granted.asked.clear()
    assert refusals == {}
    assert {name: raw.get(f"d/{name}") == data for name in names} == dict.fromkeys(names, True)
    # put looks for a directory, a mapper for its bucket, and "x" for the object before the server is asked to.
    assert {name for name, rights in asked.items() if rights} <= {"put", "mapper", "open-x"}


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_right_to_write_is_no_other_right(grant: tuple[Grant, Any], engine: str) -> None:
    """What was written cannot be read, listed or deleted."""
    make, raw = grant
    raw.put("a", CONTENT)
    granted = make(WRITE)
    fs, path = granted.fs(engine), f"{granted.bucket}/a"
    for call in (
        lambda: fs.cat_file(path),
        lambda: fs.open(path).read(),
        lambda: fs.info(path),
        lambda: fs.exists(path),
        lambda: fs.ls(granted.bucket),
        lambda: fs.rm_file(path),
        lambda: fs.cp_file(path, f"{path}2"),
    ):
        refused(call)
    assert (raw.listed(), raw.get("a")) == (["a"], CONTENT)


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_copies_need_to_read_and_to_write_and_nothing_else(grant: tuple[Grant, Any], engine: str) -> None:
    """Within a bucket, one object."""
    make, raw = grant
    raw.put("a", CONTENT)
    granted = make(READ, WRITE)
    fs = granted.fs(engine)
    fs.cp_file(f"{granted.bucket}/a", f"{granted.bucket}/b")
    fs.cp(f"{granted.bucket}/a", f"{granted.bucket}/c")
    assert (raw.get("b"), raw.get("c")) == (CONTENT, CONTENT)


# -- listing without Get, deleting without either ---------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_listings_work_without_the_right_to_read(grant: tuple[Grant, Any], engine: str) -> None:
    """Names, sizes and directories; no object is asked for."""
    make, raw = grant
    for key in ("d/a", "d/e/b", "c"):
        raw.put(key, CONTENT)
    granted = make(LIST)
    fs, bucket = granted.fs(engine), granted.bucket
    assert sorted(fs.ls(bucket, detail=False)) == [f"{bucket}/c", f"{bucket}/d"]
    assert {each["name"]: each["size"] for each in fs.ls(f"{bucket}/d", detail=True)}[f"{bucket}/d/a"] == len(CONTENT)
    assert fs.find(bucket) == [f"{bucket}/c", f"{bucket}/d/a", f"{bucket}/d/e/b"]
    assert fs.find(f"{bucket}/d", withdirs=True)
    assert fs.glob(f"{bucket}/d/*") == [f"{bucket}/d/a", f"{bucket}/d/e"]
    assert fs.glob(f"{bucket}/**/b") == [f"{bucket}/d/e/b"]
    assert [sorted(names) for _, _, names in fs.walk(f"{bucket}/d")] == [["a"], ["b"]]
    assert fs.du(bucket) == 3 * len(CONTENT)
    if granted.asked is not None:
        assert set(granted.asked) == {LIST}
    refused(lambda: fs.cat_file(f"{bucket}/c"))
    refused(lambda: fs.cat(f"{bucket}/d/*"))


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_deletions_work_without_any_other_right(grant: tuple[Grant, Any], engine: str) -> None:
    """One object, and several by their names."""
    make, raw = grant
    for key in ("a", "b", "c"):
        raw.put(key, CONTENT)
    granted = make(DELETE)
    fs, bucket = granted.fs(engine), granted.bucket
    fs.rm_file(f"{bucket}/a")
    fs.rm([f"{bucket}/b"])
    assert raw.listed() == ["c"]
    if granted.asked is not None:
        assert set(granted.asked) == {DELETE}


# -- anonymous --------------------------------------------------------------------------------------------------------

SIGNS: Final = ("authorization", "x-amz-", "x-goog-signature", "sig=", "signature", "awsaccesskeyid", "cookie")
HARMLESS: Final = ("x-amz-copy-source", "x-amz-content-sha256", "x-amz-checksum", "x-amz-sdk", "x-amz-date", "amz-sdk")
VERBS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "cat_file": lambda fs: fs.cat_file("bucket/a"),
    "open": lambda fs: fs.open("bucket/a").read(),
    "info": lambda fs: fs.info("bucket/a"),
    "ls": lambda fs: fs.ls("bucket"),
    "find": lambda fs: fs.find("bucket"),
    "pipe_file": lambda fs: fs.pipe_file("bucket/a", b"x"),
    "rm_file": lambda fs: fs.rm_file("bucket/a"),
    "rm": lambda fs: fs.rm(["bucket/a", "bucket/b"]),
    "cp_file": lambda fs: fs.cp_file("bucket/a", "bucket/b"),
}
# Credentials that an SDK would find.
AROUND: Final = {
    "AWS_ACCESS_KEY_ID": "AKIAOBJFSTESTS",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-environment",
    "AWS_SESSION_TOKEN": "token-of-the-environment",
    "GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent/google.json",
    "AZURE_STORAGE_ACCOUNT_KEY": "a2V5",
    "AZURE_STORAGE_SAS_TOKEN": "sv=2024-11-04&sp=r&sig=signature-of-the-environment",
    "AZURE_CLIENT_ID": "client",
    "AZURE_TENANT_ID": "tenant",
    "AZURE_CLIENT_SECRET": "secret-of-the-environment",
}


def signs(asked: Asked) -> list[str]:
    """What of a request tells who sends it."""
    texts = [asked.target, *(f"{name}: {value}" for name, value in asked.headers.items())]
    texts += [line for line in asked.body.decode("latin-1").splitlines() if "uthorization" in line]
    return [
        text for text in texts if any(sign in text.lower() for sign in SIGNS) and not text.lower().startswith(HARMLESS)
    ]


def run(cloud: str, endpoint: str, **options: Any) -> dict[str, type[BaseException] | None]:
    """Each verb, and how it ended."""
    base = {
        name: value.replace("http://127.0.0.1:1", endpoint) if isinstance(value, str) else value
        for name, value in NOWHERE[cloud].items()
    }
    fs = fsspec.filesystem(SCHEMES[cloud], skip_instance_cache=True, **{**base, **options})
    ended: dict[str, type[BaseException] | None] = {}
    for verb, call in VERBS.items():
        try:
            call(fs)
        except OSError as error:
            ended[verb] = type(error)
        else:
            ended[verb] = None
    return ended


def denying(_: Asked) -> Answer:
    """403 for all."""
    return s3_refusal()


@pytest.mark.parametrize("engine", ["auto", "sdk"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_anonymous_requests_carry_no_signature(cloud: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever credentials lie around, each verb is sent, refused, and not sent again by somebody."""
    for name, value in AROUND.items():
        monkeypatch.setenv(name, value)
    with answering(denying) as server:
        ended = run(cloud, server.endpoint, anon=True, engine=engine)
    assert ended == dict.fromkeys(VERBS, PermissionError)
    assert len(server.asked) >= len(VERBS)
    assert [found for asked in server.asked if (found := signs(asked))] == []


STATIC: Final[Mapping[str, dict[str, str]]] = {
    "s3": {"key": "AKIAOBJFSTESTS", "secret": "another"},
    "gcs": {"token": "token-of-the-tests"},
    "azure": {"account_key": "a2V5"},
}


@pytest.mark.parametrize("engine", ["auto", "sdk"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_refused_requests_are_not_repeated_without_signature(cloud: str, engine: str) -> None:
    """Who gave credentials is never taken for nobody."""
    with answering(denying) as server:
        ended = run(cloud, server.endpoint, engine=engine, **STATIC[cloud])
    assert {kind is not None and issubclass(kind, PermissionError) for kind in ended.values()} == {True}
    assert len(server.asked) >= len(VERBS)
    assert [asked for asked in server.asked if not signs(asked)] == []


@pytest.mark.parametrize("engine", ["auto", "sdk"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_nothing_is_sent_where_no_credentials_are_found(cloud: str, engine: str) -> None:
    """Anonymous access must be asked for."""
    found: Collection[type[BaseException] | None]
    options: dict[str, Any] = {"disable_ec2_metadata": True} if cloud == "s3" else {}
    with answering(denying) as server:
        found = set(run(cloud, server.endpoint, engine=engine, **options).values())
    assert found <= {MissingCredentialsError}
    assert server.asked == []
