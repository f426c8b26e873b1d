"""Whose class fsspec finds for our schemes, in this process."""

from __future__ import annotations

import fsspec
import pytest
from fsspec.registry import _registry, known_implementations, register_implementation, registry

import objfs
from objfs.registration import SCHEMES
from tests.distributions import objfs_entry_points


@pytest.fixture(autouse=True)
def _registry_is_restored():
    """Other tests find it as it was."""
    classes, names = dict(_registry), dict(known_implementations)
    yield
    _registry.clear()
    _registry.update(classes)
    known_implementations.clear()
    known_implementations.update(names)


def _name_of(scheme: str) -> str:
    return known_implementations[scheme]["class"]


def test_schemes_are_those_of_the_entry_points():
    """What pip writes down and what register() claims is one list."""
    assert dict(SCHEMES) == {scheme: target.replace(":", ".") for scheme, target in objfs_entry_points().items()}


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_fsspec_finds_our_class(scheme):
    """By scheme, by URL, and as the class of an instance."""
    objfs.register()
    assert fsspec.get_filesystem_class(scheme) is objfs.S3FileSystem
    fs, path = fsspec.url_to_fs(f"{scheme}://bucket/key", anon=True)
    assert (type(fs), path) == (objfs.S3FileSystem, "bucket/key")


@pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - {"s3", "s3a"}))
def test_fsspec_is_told_our_class_for_the_other_clouds(scheme):
    """Whose SDK need not be installed to be registered; without it the error names the extra."""
    objfs.register()
    assert _name_of(scheme) == SCHEMES[scheme]
    try:
        cls = fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        assert "objfs[" in f"{error}{error.__cause__}"  # noqa: PT017 - either outcome is right, by what is installed
    else:
        assert scheme in cls.protocol


def test_unregister_gives_the_schemes_back():
    """To the peers, or to nobody; a class that was loaded is forgotten."""
    objfs.register()
    fsspec.get_filesystem_class("s3")
    objfs.unregister()
    assert (_name_of("s3"), _name_of("gs"), _name_of("az")) == (
        "s3fs.S3FileSystem",
        "gcsfs.GCSFileSystem",
        "adlfs.AzureBlobFileSystem",
    )
    assert "s3" not in registry
    assert "wasb" not in known_implementations
    with pytest.raises(ValueError, match="wasb"):
        fsspec.get_filesystem_class("wasb")
    pytest.importorskip("s3fs")
    assert fsspec.get_filesystem_class("s3").__module__.startswith("s3fs")


def test_register_claims_schemes_again():
    """Also from a class of somebody else that has been loaded meanwhile."""
    pytest.importorskip("s3fs")
    objfs.unregister()
    fsspec.get_filesystem_class("s3")
    objfs.register()
    assert fsspec.get_filesystem_class("s3") is objfs.S3FileSystem
    objfs.register()
    assert fsspec.get_filesystem_class("s3a") is objfs.S3FileSystem


def test_unregister_leaves_classes_of_others_alone():
    """What another package registered by hand is not ours to forget."""

    class Other:
        """Somebody's filesystem."""

    register_implementation("s3", Other, clobber=True)
    objfs.unregister()
    assert fsspec.get_filesystem_class("s3") is Other


def test_instances_outlive_a_change_of_the_registry():
    """A filesystem that exists stays what it is."""
    objfs.register()
    fs = fsspec.filesystem("s3", anon=True)
    objfs.unregister()
    assert type(fs) is objfs.S3FileSystem
