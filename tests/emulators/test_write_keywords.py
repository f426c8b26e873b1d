"""Keywords of a write: one that no request has is a mistake, which would else be seen by nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clouds import CloudUnderTest

# As S3, GCS and Azure spell it, and a misspelling.
MISSPELT = {"s3": "ServerSideEncyption", "gcs": "kms_keyname", "azure": "content_setings"}


def _write(fs: Any, path: str, mode: str, keywords: dict[str, Any]) -> None:
    with fs.open(path, mode, **keywords) as file:
        file.write(b"1")


WRITES: dict[str, Callable[[Any, str, str, dict[str, Any]], Any]] = {
    "pipe_file": lambda fs, path, _, more: fs.pipe_file(path, b"1", **more),
    "pipe": lambda fs, path, _, more: fs.pipe({path: b"1", f"{path}-2": b"2"}, **more),
    "put_file": lambda fs, path, here, more: fs.put_file(here, path, **more),
    "put": lambda fs, path, here, more: fs.put([here], [path], **more),
    "open-wb": lambda fs, path, _, more: _write(fs, path, "wb", more),
    "open-ab": lambda fs, path, _, more: _write(fs, path, "ab", more),
    "touch": lambda fs, path, _, more: fs.touch(path, **more),
}


@pytest.mark.parametrize("engine", ["auto", "sdk"])
@pytest.mark.parametrize("verb", WRITES)
def test_misspelt_keyword_of_a_write_is_refused(cloud: CloudUnderTest, engine: str, verb: str, tmp_path: Path) -> None:
    """And nothing is written; what is to be encrypted must not be stored as it is."""
    (tmp_path / "here").write_bytes(b"1")
    name = MISSPELT[cloud.name]
    with pytest.raises(TypeError, match=name):
        WRITES[verb](cloud.fs(engine), cloud.path("new"), str(tmp_path / "here"), {name: "value"})
    assert cloud.raw.listed() == []


@pytest.mark.parametrize("verb", ["cp_file", "copy"])
def test_misspelt_keyword_of_a_copy_is_refused(s3_cloud: CloudUnderTest, verb: str) -> None:
    """The nearest name is told."""
    s3_cloud.raw.put("old", b"1")
    fs = s3_cloud.fs()
    with pytest.raises(TypeError, match=r"'ServerSideEncyption'.*did you mean 'ServerSideEncryption'"):
        getattr(fs, verb)(s3_cloud.path("old"), s3_cloud.path("new"), ServerSideEncyption="aws:kms")
    assert s3_cloud.raw.listed() == ["old"]
