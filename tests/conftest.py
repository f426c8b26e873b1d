"""Nothing of the developer's own cloud set-up reaches a test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import fsspec.config
import hypothesis
import pytest

# The same examples each time: what fails, fails for everybody. `--hypothesis-profile=default` looks for new ones.
hypothesis.settings.register_profile("repeatable", derandomize=True, print_blob=True)
hypothesis.settings.load_profile("repeatable")

# The servers that several folders share.
pytest_plugins = ["tests.servers", "tests.cloud_servers", "tests.clouds"]

PREFIXES = ("AWS_", "AZURE_", "BOTO_", "CLOUDSDK_", "FSSPEC_", "GCLOUD_", "GCS", "GOOGLE_", "OBJFS_", "S3FS_")
NAMES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "STORAGE_EMULATOR_HOST", "IDENTITY_ENDPOINT"}
NOWHERE = {
    "AWS_CONFIG_FILE": "/nonexistent/aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/aws/credentials",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AZURE_CONFIG_DIR": "/nonexistent/azure",
    "CLOUDSDK_CONFIG": "/nonexistent/gcloud",
    "NO_GCE_CHECK": "true",
}


def scrub(patch: pytest.MonkeyPatch) -> None:
    """Take every variable away that a cloud SDK, fsspec or an HTTP client would read, and point to nowhere."""
    for name in list(os.environ):
        if name.upper().startswith(PREFIXES) or name.upper() in NAMES:
            patch.delenv(name)
    for name, value in NOWHERE.items():
        patch.setenv(name, value)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment_for_servers() -> Iterator[None]:
    """Servers and worker processes of the session inherit a clean environment, too."""
    with pytest.MonkeyPatch.context() as patch:
        scrub(patch)
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees what the machine, or a test before it, has set."""
    scrub(monkeypatch)
    # fsspec read the user's configuration files when it was imported.
    kept = dict(fsspec.config.conf)
    fsspec.config.conf.clear()
    yield
    fsspec.config.conf.clear()
    fsspec.config.conf.update(kept)
