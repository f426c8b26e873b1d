"""Listings that are kept, when the bucket changes: what shows that one is not true any more makes it forgotten."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.caching import caches

from objfs.errors import FileExpired, PreconditionFailedError
from objfs.peers import azure_listing, gcs_pages, s3_listing

# Azure says of what is gone that it is not what it was.
CHANGED = (FileExpired, FileNotFoundError)
# fsspec's own, but for the one that is given the bytes.
CACHES = sorted(
    name for name, kind in caches.items() if name not in (None, "parts") and kind.__module__ == "fsspec.caching"
)


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by the SDK."""
    return str(request.param)


@pytest.fixture
def keeping(cloud: Any, engine: str) -> Any:
    """A filesystem that keeps listings; each test has its own."""
    return cloud.fs(engine, use_listings_cache=True, skip_instance_cache=True)


@pytest.mark.parametrize("cache_type", CACHES)
def test_no_cache_mixes_what_was_listed_with_what_came_since(keeping: Any, cloud: Any, cache_type: str) -> None:
    """Whether it reads at open or later: never a part of another state."""
    cloud.raw.put("d/a", b"x" * 100)
    keeping.ls(cloud.path("d"), detail=True)
    cloud.raw.put("d/a", b"y" * 200)
    with pytest.raises(FileExpired), keeping.open(cloud.path("d/a"), cache_type=cache_type) as file:
        file.read()
    with keeping.open(cloud.path("d/a"), cache_type=cache_type) as file:
        assert file.read() == b"y" * 200


@pytest.mark.parametrize("verb", ["ls", "find"])
def test_entries_may_be_changed_by_who_gets_them(keeping: Any, cloud: Any, verb: str) -> None:
    """The first answer and those out of the cache are copies of what is kept."""
    cloud.raw.put("d/a", b"abcdef")
    for _ in range(2):
        found = keeping.ls(cloud.path("d"), detail=True)
        if verb == "find":
            found = list(keeping.find(cloud.path("d"), withdirs=True, detail=True).values())
        for each in found:
            each.update(size=2, name="other")
        keeping.info(cloud.path("d/a"))["size"] = 3
    assert keeping.open(cloud.path("d/a")).read() == b"abcdef"
    assert (keeping.size(cloud.path("d/a")), keeping.ls(cloud.path("d"), detail=False)) == (6, [cloud.path("d/a")])


def test_empty_object_that_was_listed_is_looked_at(keeping: Any, cloud: Any) -> None:
    """Nothing is to be read of it, so that no read would show that it was replaced."""
    cloud.raw.put("d/a")
    keeping.ls(cloud.path("d"), detail=True)
    cloud.raw.put("d/a", b"not empty")
    assert keeping.open(cloud.path("d/a")).read() == b"not empty"
    cloud.raw.delete("d/a")
    with pytest.raises(FileNotFoundError):
        keeping.open(cloud.path("d/a"))


def _read(fs: Any, path: str) -> None:
    with pytest.raises(CHANGED), fs.open(path) as file:
        file.read()


def _fill(fs: Any, path: str) -> None:
    with pytest.raises(CHANGED), fs.open(path) as file:
        file.readinto(bytearray(100))


def _ask(fs: Any, path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        fs.info(path, refresh=True)


@pytest.mark.parametrize("notice", [_read, _fill, _ask], ids=["read", "readinto", "refresh"])
def test_what_shows_that_an_object_is_another_is_remembered(keeping: Any, cloud: Any, notice: Any) -> None:
    """One that was replaced opens the next time, one that was deleted is not there any more."""
    path = cloud.path("d/a")
    cloud.raw.put("d/a", b"old")
    keeping.ls(cloud.path("d"), detail=True)
    cloud.raw.put("d/a", b"newer")
    notice(keeping, path)
    assert (keeping.info(path)["size"], keeping.size(path), keeping.open(path).read()) == (5, 5, b"newer")
    keeping.ls(cloud.path("d"), detail=True)
    cloud.raw.delete("d/a")
    notice(keeping, path)
    assert (keeping.exists(path), keeping.isfile(path)) == (False, False)


REFUSED: dict[str, Callable[[Any, str, str], Any]] = {
    "pipe_file": lambda fs, path, _: fs.pipe_file(path, b"!", mode="create"),
    "put_file": lambda fs, path, here: fs.put_file(here, path, mode="create"),
    "copy_if_not_exists": lambda fs, path, _: fs.copy_if_not_exists(path, path),
}


@pytest.mark.parametrize("verb", REFUSED)
def test_write_that_fails_forgets_what_was_listed(keeping: Any, cloud: Any, verb: str, tmp_path: Path) -> None:
    """It may have been carried out and its answer lost; and a refusal shows that there is something else."""
    (tmp_path / "here").write_bytes(b"!")
    path = cloud.path("d/a")
    keeping.pipe_file(cloud.path("d/b"), b"1")
    cloud.raw.put("d/a", b"old")
    keeping.ls(cloud.path("d"), detail=True)
    cloud.raw.put("d/a", b"newer")
    with pytest.raises(FileExistsError):
        REFUSED[verb](keeping, path, str(tmp_path / "here"))
    assert keeping.info(path)["size"] == 5


def test_loop_of_reading_and_replacing_ends(keeping: Any, cloud: Any) -> None:
    """The next try has the state that refused this one."""
    path = cloud.path("d/a")
    cloud.raw.put("d/a", b"1")
    keeping.ls(cloud.path("d"), detail=True)
    cloud.raw.put("d/a", b"2")
    with pytest.raises(PreconditionFailedError):
        keeping.pipe_file(path, b"!", if_match=keeping.info(path)[cloud.e_tag])
    keeping.pipe_file(path, b"!", if_match=keeping.info(path)[cloud.e_tag])
    assert cloud.raw.get("d/a") == b"!"


# What gets the last page of a listing, to be overtaken by a write right after it.
LAST_PAGES: dict[tuple[str, str], tuple[Any, str]] = {
    ("s3", "ls"): (s3_listing.S3Listing, "_read"),
    ("s3", "find"): (s3_listing.S3Listing, "_read"),
    ("gcs", "ls"): (gcs_pages, "level"),
    ("gcs", "find"): (gcs_pages, "everything"),
    ("azure", "ls"): (azure_listing.Listing, "_level"),
    ("azure", "find"): (azure_listing.Listing, "below"),
}


@pytest.mark.parametrize("verb", ["ls", "find"])
def test_listing_that_a_write_overtakes_is_not_kept(
    keeping: Any, cloud: Any, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page had come before; what is listed next has the object."""
    path, late = cloud.path("d"), ["d/late"]
    cloud.raw.put("d/a", b"1")
    place, name = LAST_PAGES[cloud.name, verb]
    own = getattr(place, name)

    async def overtaken(*args: Any, **keywords: Any) -> Any:
        found = await own(*args, **keywords)
        if late:
            cloud.raw.put(late[0], b"1")
            keeping.note_written(cloud.path(late.pop()))
        return found

    monkeypatch.setattr(place, name, overtaken)
    found = keeping.ls(path, detail=True) if verb == "ls" else keeping.find(path, withdirs=True, detail=True)
    assert not late
    assert found
    assert keeping.dircache.level(path) is None
    assert sorted(keeping.ls(path, detail=False)) == [cloud.path("d/a"), cloud.path("d/late")]
    assert keeping.dircache.level(path) is not None


@pytest.mark.parametrize("verb", ["ls", "find"])
def test_writer_beside_a_lister_knows_what_it_wrote(keeping: Any, cloud: Any, verb: str) -> None:
    """However the pages of the one fall between the requests of the other."""
    path, is_over = cloud.path("d"), threading.Event()
    for number in range(50):
        cloud.raw.put(f"d/{number:02}", b"1")

    def work() -> None:
        while not is_over.is_set():
            if verb == "ls":
                keeping.ls(path, detail=True, refresh=True)
            else:
                keeping.find(path, withdirs=True, detail=True)

    lister = threading.Thread(target=work)
    lister.start()
    try:
        wrong = []
        for size in range(1, 60):
            keeping.pipe_file(f"{path}/07", bytes(size))
            time.sleep(0.005)
            wrong += [size] if keeping.size(f"{path}/07") != size else []
    finally:
        is_over.set()
        lister.join()
    assert wrong == []


@pytest.mark.parametrize("key", ["w//y", "/lead", "a//b//c", "m/", "m//"])
def test_names_with_empty_parts_are_forgotten_too(keeping: Any, cloud: Any, engine: str, key: str) -> None:
    """All directories that an object lies in, whatever they are called."""
    asking, above = cloud.fs(engine), ["", "w", "a", "m"]

    def listed(fs: Any) -> list[Any]:
        found: list[Any] = []
        for each in above:
            try:
                found.append(fs.ls(cloud.path(each), detail=False))
            except FileNotFoundError:
                found.append(None)
        return found

    cloud.raw.put("w/o", b"1")
    for change in (lambda: keeping.pipe_file(cloud.path(key), b"1"), lambda: keeping.rm_file(cloud.path(key))):
        listed(keeping)
        change()
        assert listed(keeping) == listed(asking)


def test_marker_is_a_directory_listed_or_not(keeping: Any, cloud: Any) -> None:
    """And so is every name that ends in a slash, where something lies below."""
    cloud.raw.put("m/")
    cloud.raw.put("m/z", b"z")

    def said() -> tuple[Any, ...]:
        path = cloud.path("m/")
        return {"name", "type"} & keeping.info(path).keys(), keeping.info(path)["type"], keeping.isdir(path)

    before = said()
    keeping.ls(cloud.path("m"), detail=True)
    keeping.find(cloud.bucket, withdirs=True, detail=True)
    assert said() == before == ({"name", "type"}, "directory", True)


def test_directories_that_are_gone_are_not_kept_beside_the_tree_that_shows_it(keeping: Any, cloud: Any) -> None:
    """A tree that is found again replaces all that was kept of it."""
    cloud.raw.put("g/e/1", b"1")
    cloud.raw.put("g/f", b"2")
    keeping.find(cloud.path("g"), withdirs=True, detail=True)
    keeping.ls(cloud.path("g/e"))
    cloud.raw.delete("g/e/1")
    assert [each for each in keeping.find(cloud.path("g"), withdirs=True, detail=True) if "/e" in each] == []
    assert keeping.exists(cloud.path("g/e/1")) is False
    with pytest.raises(FileNotFoundError):
        keeping.ls(cloud.path("g/e"))
