"""fsspec's own contract for filesystems, on every cloud and both planes."""

from __future__ import annotations

import uuid

import pytest
from fsspec.tests import abstract

pytest.importorskip("s3fs")


class CloudFixtures(abstract.AbstractFixtures):
    """What the suites have to know about an object store; the subclasses name the engine."""

    engine = "auto"

    @pytest.fixture
    def fs(self, cloud):
        return cloud.fs(self.engine)

    @pytest.fixture
    def fs_path(self, cloud):
        return cloud.path(uuid.uuid4().hex[:8])

    @pytest.fixture
    def fs_join(self):
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self):
        """A directory is the prefix of some key."""
        return False


class TestCopy(CloudFixtures, abstract.AbstractCopyTests):
    """Bytes by obstore, names by the SDK."""


class TestGet(CloudFixtures, abstract.AbstractGetTests):
    """Bytes by obstore, names by the SDK."""


class TestPut(CloudFixtures, abstract.AbstractPutTests):
    """Bytes by obstore, names by the SDK."""


class TestOpen(CloudFixtures, abstract.AbstractOpenTests):
    """Bytes by obstore, names by the SDK."""


class TestPipe(CloudFixtures, abstract.AbstractPipeTests):
    """Bytes by obstore, names by the SDK."""


class TestCopySdk(TestCopy):
    """All by the SDK; what a pattern expands to is decided before any byte moves, and tested above."""

    engine = "sdk"
    test_copy_glob_edge_cases = None


class TestGetSdk(TestGet):
    """All by the SDK; what a pattern expands to is decided before any byte moves, and tested above."""

    engine = "sdk"
    test_get_glob_edge_cases = None


class TestPutSdk(TestPut):
    """All by the SDK; what a pattern expands to is decided before any byte moves, and tested above."""

    engine = "sdk"
    test_put_glob_edge_cases = None


class TestOpenSdk(TestOpen):
    """All by the SDK."""

    engine = "sdk"


class TestPipeSdk(TestPipe):
    """All by the SDK."""

    engine = "sdk"
