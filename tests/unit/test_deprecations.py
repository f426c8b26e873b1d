"""What will go away is told at the line that uses it."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import fsspec
import pytest

import objfs
from objfs.clouds.known import CLOUDS

ALL = [(cloud.name, option.name) for cloud in CLOUDS for option in cloud.table.options if option.deprecated]
CLASSES = {"gcs": ("gs", objfs.GCSFileSystem), "azure": ("az", objfs.AzureBlobFileSystem)}
VALUES = {"socket_timeout": 5}


def test_some_options_are_deprecated():
    """Or the tests below show nothing."""
    assert ALL


@pytest.mark.parametrize(("cloud", "name"), ALL)
@pytest.mark.parametrize("way", ["class", "fsspec"])
def test_deprecated_option_is_told_at_the_line_that_gives_it(cloud, name, way):
    """Its name, where it comes from, and what to do instead."""
    scheme, cls = CLASSES[cloud]
    make = cls if way == "class" else partial(fsspec.filesystem, scheme)
    options = {"anon": True, "account_name": "nobody"} if cloud == "azure" else {"token": "anon"}
    options[name] = VALUES.get(name, True)
    with pytest.warns(DeprecationWarning, match=rf"storage option '{name}' \(keyword\): .*leave it out") as seen:
        make(**options, skip_instance_cache=True)
    assert [Path(each.filename).name for each in seen] == [Path(__file__).name]


def test_other_options_are_not_told():
    """A warning that comes always is read by nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        objfs.GCSFileSystem(token="anon", project="p", skip_instance_cache=True)
