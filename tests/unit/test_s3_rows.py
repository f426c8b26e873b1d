"""Options of S3 beside their rows: what writes and botocore know by these names."""

from __future__ import annotations

import pytest

from objfs.clouds.s3 import S3, WRITE_ATTRIBUTES
from objfs.clouds.s3_rows import TUNING
from objfs.options import normalise
from tests.unit.row_promises import S3_PROMISE


@pytest.mark.parametrize("word", sorted(WRITE_ATTRIBUTES))
def test_write_attribute_is_a_row_of_the_table(word):
    """Each attribute may be set once for everything that is written."""
    assert normalise(f"s3_additional_kwargs.{word}") in S3.table.index


@pytest.mark.parametrize("name", TUNING)
def test_tuning_is_a_setting_that_the_sdk_knows(name):
    """Each exists in botocore's or aiobotocore's configuration."""
    config = pytest.importorskip("aiobotocore.config")
    first, _, second = name.partition(".")
    known = {*config.AioConfig().__dict__, *config.AioConfig.OPTION_DEFAULTS, "inject_host_prefix"}
    assert first in known
    if first == "retries":
        config.AioConfig(retries={second: "adaptive"})


def test_sdk_settings_are_settings_that_the_sdk_knows():
    """A renamed botocore setting is noticed here, not at a user's first call."""
    config = pytest.importorskip("aiobotocore.config")
    rows = [row for row in S3_PROMISE.rows if "other" not in str(row.sdk) and row.name != "signature_version"]
    for row in rows:
        keywords = S3.sdk_keywords(S3_PROMISE.resolved(row)[1])
        config.AioConfig(**{k: v for k, v in keywords["config_kwargs"].items() if k != "http_session_cls"})
