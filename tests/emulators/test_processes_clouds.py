"""On each cloud, one filesystem in forked and spawned children, in many threads, in many loops, and at the end."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import fsspec
import pytest

from tests.clouds import CloudUnderTest
from tests.distributions import ROOT
from tests.emulators.forked import forking, in_child, received

CONTENT = bytes(range(256)) * 2048


@pytest.fixture
def root(cloud: CloudUnderTest) -> str:
    """The bucket with two objects, ``key`` and ``long``."""
    cloud.raw.put("key", b"content")
    cloud.raw.put("long", CONTENT)
    return cloud.bucket


@dataclass(frozen=True)
class BriefProvider:
    """Hands out what another one does, for a fifth of a second: credentials are fetched at any time, also at a fork."""

    inner: Any

    def fetch_storage_options(self) -> dict[str, str]:
        """The credentials."""
        return {**self.inner.fetch_storage_options(), "expires_at_millis": str(int((time.time() + 0.2) * 1000))}

    def provider_id(self) -> str:
        """That of the other one."""
        return f"brief {self.inner.provider_id()}"


def made(cloud: CloudUnderTest, engine: str = "auto", credentials: str = "keys", **more: Any) -> Any:
    """A filesystem of the test's own."""
    options = cloud.options
    if credentials == "provider":
        options = cloud.provided()
        options["storage_options_provider"] = BriefProvider(options["storage_options_provider"])
    return fsspec.filesystem(cloud.scheme, **{**options, "engine": engine, "skip_instance_cache": True, **more})


def used(fs: Any, root: str) -> Any:
    """The same filesystem after both of its planes have been asked."""
    assert fs.cat_file(f"{root}/key") == b"content"
    assert fs.ls(root, detail=False) == [f"{root}/key", f"{root}/long"]
    return fs


def every_verb(fs: Any, root: str, name: str) -> list[Any]:
    """One object's life, by blocking calls of all kinds."""
    path = f"{root}/{name}/a b"
    body = name.encode() * 1000
    fs.pipe_file(path, body)
    with fs.open(f"{root}/{name}/copy", "wb") as file:
        file.write(body)
    with fs.open(path) as file:
        read = file.read()
    found = [
        read == body,
        fs.cat_file(path, start=-3) == body[-3:],
        fs.cat([path, f"{root}/key"]) == {path: body, f"{root}/key": b"content"},
        fs.cat_ranges([f"{root}/long"] * 2, [0, 300], [2, 302]) == [b"\0\1", b"\x2c\x2d"],
        fs.info(path)["size"] == len(body),
        fs.ls(f"{root}/{name}", detail=False, refresh=True) == [path, f"{root}/{name}/copy"],
        fs.find(f"{root}/{name}") == [path, f"{root}/{name}/copy"],
        fs.exists(f"{root}/{name}/absent"),
    ]
    fs.cp_file(path, f"{root}/{name}/third")
    fs.rm_file(path)
    fs.rm([f"{root}/{name}/copy", f"{root}/{name}/third"])
    return [*found, fs.exists(path), fs.exists(f"{root}/{name}")]


EXPECTED = [True] * 7 + [False] * 3


# -- forked children ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("engine", "credentials", "instance"),
    [
        ("auto", "keys", "fresh"),
        ("auto", "provider", "inherited"),
        ("auto", "provider", "fresh"),
        ("sdk", "provider", "inherited"),
    ],
)
def test_forked_child_carries_out_every_verb_and_so_does_its_parent_after_it(
    cloud: CloudUnderTest, root: str, engine: str, credentials: str, instance: str
) -> None:
    """With its parent's instance, whose planes are both in use, or with one of its own; also awaited."""
    inherited = used(made(cloud, engine, credentials), root)

    def work() -> tuple[list[Any], bytes]:
        fs = inherited if instance == "inherited" else made(cloud, engine, credentials)
        return every_verb(fs, root, "child"), asyncio.run(fs._cat_file(f"{root}/key"))

    assert in_child(work) == (EXPECTED, b"content")
    assert every_verb(inherited, root, "parent") == EXPECTED


def test_workers_of_a_data_loader_read_while_their_parent_does(cloud: CloudUnderTest, root: str) -> None:
    """As PyTorch's: forked once, each with the dataset that its parent has used, asked for samples again and again."""
    fs = used(made(cloud), root)

    def sample(index: int) -> bytes:
        with fs.open(f"{root}/long") as file:
            file.seek(index)
            return bytes(file.read(2)) + fs.cat_file(f"{root}/long", start=index, end=index + 1)

    def worker(end: Any) -> None:
        while (index := end.recv()) is not None:
            end.send(sample(index))

    with forking(worker, duplex=True) as one, forking(worker, duplex=True) as two:
        for index in (1, 70_000, 400_000):
            for end in (one, two):
                end.send(index)
            expected = CONTENT[index : index + 2] + CONTENT[index : index + 1]
            assert [sample(index), received(one), received(two)] == [expected] * 3
        for end in (one, two):
            end.send(None)


def test_children_are_forked_while_other_threads_use_the_instance(cloud: CloudUnderTest, root: str) -> None:
    """Whatever a thread of the parent's holds at that moment."""
    fs = used(made(cloud, credentials="provider"), root)
    stop = threading.Event()

    def busy() -> int:
        rounds = 0
        while not stop.is_set():
            assert fs.cat_file(f"{root}/key") == b"content"
            assert fs.exists(f"{root}/long")
            assert used(made(cloud, credentials="provider"), root)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(3) as pool:
        threads = [pool.submit(busy) for _ in range(3)]
        try:
            answers = [in_child(lambda: (fs.cat_file(f"{root}/key"), fs.info(f"{root}/key")["size"])) for _ in range(3)]
        finally:
            stop.set()
        assert min(thread.result(30) for thread in threads) > 0
    assert answers == [(b"content", 7)] * 3


def test_child_is_forked_while_a_thread_holds_the_locks_of_the_instance(cloud: CloudUnderTest, root: str) -> None:
    """They would stay locked in the child for ever."""
    fs = used(made(cloud), root)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with fs.connection._lock, fs.connection.sdk._lock:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(30)
        assert in_child(lambda: (fs.connection.sdk is not None, fs.cat_file(f"{root}/key"))) == (True, b"content")
    finally:
        done.set()
        thread.join()


def test_forked_child_goes_on_with_an_open_file_and_leaves_an_upload_alone(cloud: CloudUnderTest, root: str) -> None:
    """The file stays pinned to its version; the upload is the parent's, which ends it."""
    fs = used(made(cloud), root)
    part = b"1" * (5 << 20)
    with fs.open(f"{root}/long", cache_type="none") as reader, fs.open(f"{root}/new", "wb", block_size=5 << 20) as file:
        reader.read(5)
        file.write(part + b"2")

        def work() -> bytes:
            file.fail()
            reader.seek(300)
            return bytes(reader.read(3))

        assert in_child(work) == b"\x2c\x2d\x2e"
        file.write(b"3")
    assert cloud.raw.get("new") == part + b"23"


# -- children that are started anew -----------------------------------------------------------------------------------

SPAWN = """
import json, logging, multiprocessing, sys
import fsspec
import objfs, objfs.testing

# Tasks that take long on a busy machine are no matter here.
logging.getLogger("asyncio").setLevel(logging.ERROR)
objfs.register()

def work(end, fs, file, scheme, options, path):
    fresh = fsspec.filesystem(scheme, **options)
    end.send([fs.cat_file(path).decode(), file.read(4).decode(), fs.ls(path[:-4], detail=False), fs == fresh])
    with fs.open(path + multiprocessing.current_process().name, "wb") as new:
        new.write(b"new")

def main():
    scheme, options, secret, path = map(json.loads, sys.argv[1:])
    options["storage_options_provider"] = objfs.testing.CountingProvider(secret, name="spawn")
    fs = fsspec.filesystem(scheme, **options)
    fs.ls(path[:-4])
    file = fs.open(path)
    file.read(3)
    children = []
    for method in "spawn", "forkserver":
        context = multiprocessing.get_context(method)
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=work, args=(theirs, fs, file, scheme, options, path), name=method)
        child.start()
        theirs.close()
        children.append((child, ours))
    found = [ours.recv() for _, ours in children]
    for child, _ in children:
        child.join()
    print(json.dumps([found, [child.exitcode for child, _ in children]]))

if __name__ == "__main__":
    main()
"""


def run_program(source: str, folder: Any, *arguments: Any) -> Any:
    """The JSON that a program printed; it may say nothing else, and every warning is an error."""
    file = folder / "program.py"
    file.write_text(source)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(file), *map(json.dumps, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    # That a busy machine is slow is no warning of ours.
    noise = [line for line in done.stderr.splitlines() if not line.startswith("Executing <")]
    assert (done.returncode, noise) == (0, []), f"{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def apart(cloud: CloudUnderTest) -> tuple[dict[str, Any], dict[str, str]]:
    """The options without the credentials, and these."""
    options = cloud.provided()
    return options, dict(options.pop("storage_options_provider").options)


def test_spawned_and_forkserver_children_get_the_instance_and_an_open_file(
    cloud: CloudUnderTest, root: str, tmp_path: Any
) -> None:
    """Both travel by pickle; an instance that the child makes of the same options is equal to the one that came."""
    options, secret = apart(cloud)
    path = f"{root}/key"
    found, codes = run_program(SPAWN, tmp_path, cloud.scheme, options, secret, path)
    assert codes == [0, 0]
    for content, rest, listed, equal in found:
        assert (content, rest, set(listed) >= {path, f"{root}/long"}, equal) == ("content", "tent", True, True)
    assert (cloud.raw.get("keyspawn"), cloud.raw.get("keyforkserver")) == (b"new", b"new")


# -- threads and loops ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_sixteen_threads_mix_verbs_on_one_instance(cloud: CloudUnderTest, root: str, engine: str) -> None:
    """None sees anything of another one's."""
    fs = made(cloud, engine, "provider")
    start = threading.Barrier(16)

    def work(number: int) -> list[Any]:
        start.wait(30)
        return every_verb(fs, root, f"thread-{number}")

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(16))) == [EXPECTED] * 16
    assert cloud.raw.listed() == ["key", "long"]


async def awaited(fs: Any, root: str) -> list[Any]:
    """Reading, asking, listing and writing, at once, on the loop that is running."""
    await fs._pipe_file(f"{root}/new", b"new")
    answers = await asyncio.gather(
        fs._cat_file(f"{root}/key"),
        fs._cat_file(f"{root}/long", start=1, end=3),
        fs._exists(f"{root}/absent"),
        fs._ls(root, detail=False, refresh=True),
    )
    info = await fs._info(f"{root}/new")
    await fs._rm_file(f"{root}/new")
    return [*answers, info["size"]]


def expected(root: str) -> list[Any]:
    """What `awaited` answers."""
    return [b"content", b"\1\2", False, [f"{root}/{name}" for name in ("key", "long", "new")], 3]


@pytest.mark.parametrize("engine", ["auto", "sdk"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_one_instance_serves_one_loop_after_another(
    cloud: CloudUnderTest, root: str, engine: str, asynchronous: bool
) -> None:
    """``asyncio.run`` ends its loop; blocking calls work between them, also on an asynchronous instance."""
    fs = made(cloud, engine, asynchronous=asynchronous)
    for _ in range(2):
        assert asyncio.run(awaited(fs, root)) == expected(root)
        assert fs.cat_file(f"{root}/key") == b"content"
        assert fs.info(f"{root}/key")["size"] == 7


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_one_instance_serves_several_loops_at_once(cloud: CloudUnderTest, root: str, engine: str) -> None:
    """Each in a thread of its own."""
    fs = made(cloud, engine)
    start = threading.Barrier(4)

    async def work() -> list[Any]:
        start.wait(30)
        return await asyncio.gather(fs._cat_file(f"{root}/key"), fs._ls(root, detail=False, refresh=True))

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(asyncio.run, work()) for _ in range(4)]
        assert [answer.result(60) for answer in answers] == [[b"content", [f"{root}/key", f"{root}/long"]]] * 4


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_blocking_calls_work_in_a_cell_of_a_notebook(cloud: CloudUnderTest, root: str, engine: str) -> None:
    """A loop is running in the main thread; the calls are carried out on fsspec's, in a thread of its own."""
    fs = made(cloud, engine)

    async def cell() -> Any:
        verbs = every_verb(fs, root, "cell")
        return verbs, await awaited(fs, root)

    assert asyncio.run(cell()) == (EXPECTED, expected(root))


@pytest.mark.parametrize("verb", ["cat_file", "ls", "open", "walk"])
def test_blocking_call_on_fsspecs_own_loop_is_refused(cloud: CloudUnderTest, root: str, verb: str) -> None:
    """It could never end; awaited there it works."""
    fs = made(cloud)
    path = f"{root}/key" if verb in ("cat_file", "open") else root

    async def wrong() -> Any:
        found = getattr(fs, verb)(path)
        return list(found) if verb == "walk" else found

    with pytest.raises(NotImplementedError, match="await the coroutine"):
        asyncio.run_coroutine_threadsafe(wrong(), fs.loop).result(30)
    assert asyncio.run_coroutine_threadsafe(fs._cat_file(f"{root}/key"), fs.loop).result(30) == b"content"


def test_session_is_opened_and_closed_as_the_peers_documentation_says(cloud: CloudUnderTest, root: str) -> None:
    """Who followed it for an asynchronous instance goes on doing so."""
    names = {"s3": "set_session", "gcs": "_set_session"}
    if cloud.name not in names:
        pytest.skip("adlfs has no call for it")

    async def work() -> Any:
        fs = made(cloud, asynchronous=True, loop=asyncio.get_running_loop())
        session = await getattr(fs, names[cloud.name])()
        try:
            return await awaited(fs, root)
        finally:
            await session.close()

    for _ in range(2):
        assert asyncio.run(work()) == expected(root)


# -- the end --------------------------------------------------------------------------------------------------------

EXIT = """
import asyncio, json, logging, sys, threading
import fsspec
import objfs

# Tasks that take long on a busy machine are no matter here.
logging.getLogger("asyncio").setLevel(logging.ERROR)
objfs.register()
scheme, options, secret, root = map(json.loads, sys.argv[1:])

def secrets():
    return secret

options["storage_options_provider"] = secrets
fs = fsspec.filesystem(scheme, **options)
fs.pipe_file(f"{root}/a", b"1" * 10)
fs.ls(root)
fs.info(f"{root}/a")
reader = fs.open(f"{root}/a")
reader.read(3)
writer = fs.open(f"{root}/never", "wb", block_size=5 << 20)
writer.write(b"2" * (6 << 20))
pages = fs.walk(root)
next(pages)

async def awaited():
    other = fsspec.filesystem(scheme, asynchronous=True, **options)
    for one in other, fs:
        await one._ls(root, refresh=True)
        await one._cat_file(f"{root}/a")

for _ in range(2):
    asyncio.run(awaited())
thread = threading.Thread(target=asyncio.run, args=(awaited(),))
thread.start()
thread.join()
print(json.dumps(reader.read().decode()))
"""


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_interpreter_ends_without_a_word(cloud: CloudUnderTest, engine: str, tmp_path: Any) -> None:
    """Clients, loops, files and generators that were left open say nothing; an unfinished upload is given up."""
    options, secret = apart(cloud)
    assert run_program(EXIT, tmp_path, cloud.scheme, {**options, "engine": engine}, secret, cloud.bucket) == "1111111"
    assert cloud.raw.listed() == ["a"]
