"""Who gets a scheme that two installed distributions want, in fresh interpreters with either order of ``sys.path``."""

from __future__ import annotations

import pytest

from tests.distributions import install, install_objfs, run_fresh

STUB = """
from fsspec.spec import AbstractFileSystem

class AzureBlobFileSystem(AbstractFileSystem):
    protocol = ("abfs", "az", "abfss")
"""

# What is run, then the scheme whose class is asked for; prints the module and whether objfs was imported.
ASK = """
import json, sys
before, scheme = map(json.loads, sys.argv[1:])
import fsspec
from fsspec.registry import known_implementations
exec(before)
module = fsspec.get_filesystem_class(scheme).__module__ if scheme else None
told = {name: known["class"] for name, known in known_implementations.items()}
print(json.dumps({"module": module, "objfs": "objfs" in sys.modules, "told": told}))
"""

OPEN_S3 = "fsspec.open('s3://bucket/key', anon=True)"


@pytest.fixture
def site(tmp_path):
    """The two distributions, each in a folder of its own."""
    return {
        "objfs": install_objfs(tmp_path / "ours"),
        "adlfs": install(
            tmp_path / "theirs",
            "adlfs",
            {"abfss": "adlfs_stub:AzureBlobFileSystem"},
            modules={"adlfs_stub": STUB},
        ),
    }


def _ask(site, order, before="", scheme="abfss"):
    return run_fresh(ASK, before, scheme, path=[site[name] for name in order])


def test_installing_objfs_is_enough(site):
    """Without importing it, fsspec knows our class for every scheme."""
    found = _ask(site, ["objfs"], scheme="")
    assert not found["objfs"]
    ours = {scheme for scheme, name in found["told"].items() if name.startswith("objfs.")}
    assert ours == {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "azure", "wasb", "wasbs", "adl"}


@pytest.mark.parametrize("order", [["objfs", "adlfs"], ["adlfs", "objfs"]], ids=["objfs-first", "adlfs-first"])
@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_schemes_that_only_objfs_registers_are_ours_in_either_order(site, order, scheme):
    """By their entry points, before and after objfs is imported."""
    found = _ask(site, order, scheme=scheme)
    assert (found["module"], found["objfs"]) == ("objfs.s3_filesystem", True)


def test_shared_scheme_is_ours_when_objfs_is_met_first(site):
    """No import is needed to be told so."""
    assert _ask(site, ["objfs", "adlfs"], scheme="")["told"]["abfss"] == "objfs.AzureBlobFileSystem"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("import objfs", id="import-objfs"),
        pytest.param(OPEN_S3, id="an-s3-url-was-opened"),
        pytest.param("fsspec.get_filesystem_class('s3a')", id="a-class-of-ours-was-looked-up"),
        pytest.param("fsspec.get_filesystem_class('abfss'); import objfs", id="the-stub-was-loaded-before"),
        pytest.param("import objfs; objfs.unregister(); objfs.register()", id="registered-again"),
    ],
)
def test_shared_scheme_is_ours_once_objfs_is_loaded(site, before):
    """Although adlfs is met first; whatever loads objfs settles it for the process."""
    found = _ask(site, ["adlfs", "objfs"], before, scheme="")
    assert (found["objfs"], found["told"]["abfss"]) == (True, "objfs.AzureBlobFileSystem")


def test_shared_scheme_is_theirs_when_adlfs_is_met_first_and_nothing_loaded_objfs(site):
    """The one case that stays, as the documentation says: ``import objfs`` settles it."""
    found = _ask(site, ["adlfs", "objfs"])
    assert (found["module"], found["objfs"]) == ("adlfs_stub", False)
    # Other Azure schemes are ours all the same.
    assert found["told"]["az"] == "objfs.AzureBlobFileSystem"


def test_unregister_gives_the_shared_scheme_to_adlfs(site):
    """As if objfs were not installed."""
    told = _ask(site, ["objfs", "adlfs"], "import objfs; objfs.unregister()", scheme="")["told"]
    assert (told["abfss"], told["s3"]) == ("adlfs.AzureBlobFileSystem", "s3fs.S3FileSystem")
