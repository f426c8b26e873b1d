"""fsspec's own contract for filesystems, on both planes."""

from __future__ import annotations

import uuid

import pytest
from fsspec.tests import abstract

from objfs import S3FileSystem
from tests.servers import remove_bucket

pytest.importorskip("s3fs")


@pytest.fixture(scope="module")
def shared_bucket(moto_server, observer):
    """One bucket for all of these small tests; each has a folder of its own in it."""
    client, name = observer(moto_server), f"contract-{uuid.uuid4().hex[:8]}"
    client.create_bucket(Bucket=name)
    yield name
    remove_bucket(client, name)


class S3Fixtures(abstract.AbstractFixtures):
    """What the suites have to know about an object store; the subclasses name the engine."""

    engine = "auto"

    @pytest.fixture
    def fs(self, moto_server):
        return S3FileSystem(**moto_server.options, engine=self.engine)

    @pytest.fixture
    def fs_path(self, shared_bucket):
        return f"{shared_bucket}/{uuid.uuid4().hex[:8]}"

    @pytest.fixture
    def fs_join(self):
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self):
        """A directory is the prefix of some key."""
        return False


class TestCopy(S3Fixtures, abstract.AbstractCopyTests):
    """Bytes by obstore, names by s3fs."""


class TestGet(S3Fixtures, abstract.AbstractGetTests):
    """Bytes by obstore, names by s3fs."""


class TestPut(S3Fixtures, abstract.AbstractPutTests):
    """Bytes by obstore, names by s3fs."""


class TestOpen(S3Fixtures, abstract.AbstractOpenTests):
    """Bytes by obstore, names by s3fs."""


class TestPipe(S3Fixtures, abstract.AbstractPipeTests):
    """Bytes by obstore, names by s3fs."""


class TestCopySdk(TestCopy):
    """All by s3fs; what a pattern expands to is decided before any byte moves, and tested above."""

    engine = "sdk"
    test_copy_glob_edge_cases = None


class TestGetSdk(TestGet):
    """All by s3fs; what a pattern expands to is decided before any byte moves, and tested above."""

    engine = "sdk"
    test_get_glob_edge_cases = None


class TestPutSdk(TestPut):
    """All by s3fs; what a pattern expands to is decided before any byte moves, and tested above."""

    engine = "sdk"
    test_put_glob_edge_cases = None


class TestOpenSdk(TestOpen):
    """All by s3fs."""

    engine = "sdk"


class TestPipeSdk(TestPipe):
    """All by s3fs."""

    engine = "sdk"
