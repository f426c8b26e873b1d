"""Versions of blobs, in the words of adlfs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fsspec
import pytest

from objfs import AzureBlobFileSystem
from tests.emulators.fakes_versions import ACCOUNT, Blobs, serving

adlfs = pytest.importorskip("adlfs")


@pytest.fixture(scope="module")
def service() -> Iterator[Blobs]:
    """The service."""
    with serving() as blobs:
        yield blobs


@pytest.fixture
def blobs(service: Blobs) -> Blobs:
    """Empty for each test."""
    service.versions.clear()
    service.requests.clear()
    return service


@pytest.fixture(params=["auto", "sdk"])
def options(request: pytest.FixtureRequest, blobs: Blobs) -> dict[str, Any]:
    """How it is reached, on each engine in turn."""
    return {"account_name": ACCOUNT, "endpoint": blobs.url, "anon": True, "engine": request.param}


@pytest.fixture
def fs(options: dict[str, Any]) -> AzureBlobFileSystem:
    """An instance that looks after versions."""
    return AzureBlobFileSystem(**options, version_aware=True)


@pytest.fixture
def versions(blobs: Blobs) -> list[str]:
    """Three of one blob."""
    return [blobs.put("d/key", body) for body in (b"one", b"two!", b"three")]


def test_version_is_read(fs: Any, versions: list[str]) -> None:
    """By keyword and in the path; the current one where none is named."""
    for version, body in zip(versions, (b"one", b"two!", b"three"), strict=True):
        path = f"c/d/key?versionid={version}"
        assert fs.cat_file(path) == fs.cat_file("c/d/key", version_id=version) == body
        assert fs.info(path)["size"] == fs.info("c/d/key", version_id=version)["size"] == len(body)
        assert fs.info(path)["version_id"] == version
        with fs.open("c/d/key", version_id=version) as file:
            assert file.read() == body
        with fs.open(path) as file:
            assert (file.size, file.read()) == (len(body), body)
    assert fs.cat_file("c/d/key") == b"three"
    assert fs.info("c/d/key")["is_current_version"]


def test_version_that_is_not_there_is_missing(fs: Any, versions: list[str]) -> None:
    """Whatever else has this name."""
    for call in (fs.cat_file, fs.info, fs.ls):
        with pytest.raises(FileNotFoundError):
            call("c/d/key", version_id="2020-01-01T00:00:00.0000000Z")
    assert not fs.exists("c/d/key?versionid=2020-01-01T00:00:00.0000000Z")
    assert fs.exists(f"c/d/key?versionid={versions[0]}")


def test_versions_are_listed_as_adlfs_lists_them(fs: Any, blobs: Blobs, versions: list[str]) -> None:
    """All of a directory, all of one blob, or one."""
    theirs = adlfs.AzureBlobFileSystem(
        connection_string=f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};BlobEndpoint={blobs.url}",
        version_aware=True,
        skip_instance_cache=True,
    )
    named = [f"c/d/key?versionid={version}" for version in versions]
    assert fs.ls("c/d/key", versions=True) == named
    assert [item["size"] for item in fs.ls("c/d/key", detail=True, version_id=versions[1])] == [4]
    for keywords in ({"versions": True}, {"version_id": versions[0]}, {}):
        ours, others = (each.ls("c/d", detail=True, **keywords) for each in (fs, theirs))
        assert [dict(item) for item in ours] == [dict(item) for item in others]


def test_written_file_knows_its_version(fs: Any, blobs: Blobs) -> None:
    """As with adlfs."""
    with fs.open("c/new", "wb") as file:
        file.write(b"1")
    assert file.version_id == blobs.versions["new"][-1][0]  # type: ignore[index]
    assert fs.pipe_file("c/new", b"2")["version_id"] == blobs.versions["new"][-1][0]  # type: ignore[index]


def test_version_is_deleted(fs: Any, blobs: Blobs, versions: list[str]) -> None:
    """One for good, or the blob, which leaves its versions."""
    fs.rm_file(f"c/d/key?versionid={versions[0]}")
    assert fs.ls("c/d/key", versions=True) == [f"c/d/key?versionid={version}" for version in versions[1:]]
    fs.rm_file("c/d/key")
    assert not fs.exists("c/d/key")
    assert fs.cat_file("c/d/key", version_id=versions[1]) == b"two!"


def test_instance_that_does_not_look_after_versions(options: dict[str, Any], blobs: Blobs) -> None:
    """Takes the mark for a part of the key, and refuses the keyword."""
    fs = AzureBlobFileSystem(**options)
    blobs.put("key?versionid=1", b"odd")
    assert fs.cat_file("c/key?versionid=1") == b"odd"
    for call in (fs.cat_file, fs.info, fs.open, fs.ls):
        with pytest.raises(ValueError, match="version_aware"):
            call("c/key", version_id="1")
    with pytest.raises(ValueError, match="version_aware"):
        fs.ls("c", versions=True)


def test_url_with_a_version_makes_an_instance_that_looks_after_them(
    options: dict[str, Any], versions: list[str]
) -> None:
    """Through fsspec's openers, as with adlfs."""
    with fsspec.open(f"az://c/d/key?versionid={versions[0]}", **options) as file:
        assert file.read() == b"one"
