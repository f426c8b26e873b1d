"""Options of GCS beside their rows: obstore and gcsfs take them, and odd values are read as gcsfs reads them."""

from __future__ import annotations

import inspect

import pytest

from objfs.clouds.gcs import GCS
from objfs.clouds.gcs_rows import TUNING
from objfs.errors import OptionError
from objfs.options import environment_layer, normalise, translate
from tests.unit.row_promises import GCS_PROMISE
from tests.unit.test_gcs_backends import built, gcsfs_instance

each_row = pytest.mark.parametrize("row", GCS_PROMISE.rows, ids=lambda row: row.name)


@each_row
def test_row_is_taken_by_the_store(row):
    """obstore knows each word and takes each value; certificates are read by who builds a store."""
    if not any("/ca.pem" in str(value) for value in row.store.values()):
        built(GCS_PROMISE.resolved(row)[1])


@each_row
def test_row_is_taken_by_the_sdk(row):
    """gcsfs's constructor takes each word."""
    gcsfs_instance(GCS_PROMISE.resolved(row)[1])


def test_keywords_of_the_class_for_zonal_buckets_are_rows():
    """gcsfs's own constructor and its retries take a few more."""
    extended = pytest.importorskip("gcsfs.extended_gcsfs")
    retry = pytest.importorskip("gcsfs.retry")
    kinds = inspect.signature(extended.ExtendedGcsFileSystem.__init__).parameters.values()
    names = {item.name for item in kinds if item.kind is item.KEYWORD_ONLY}
    names |= {f"retry_{name}" for name in retry.DEFAULT_RETRY_CONFIG}
    assert {name for name in names if normalise(name) not in GCS.table.index} == set()


@pytest.mark.parametrize("name", TUNING)
def test_tuning_is_a_keyword_that_the_sdk_knows(name):
    """Each is one of aiohttp's session."""
    aiohttp = pytest.importorskip("aiohttp")
    assert name in inspect.signature(aiohttp.ClientSession.__init__).parameters


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        pytest.param("requester_pays", True, True, id="payer-yes"),
        pytest.param("requester_pays", "False", False, id="payer-no-as-text"),
        pytest.param("requester_pays", " my-project ", "my-project", id="payer-is-a-project"),
        pytest.param("service_account_key", {"a": "b"}, '{"a": "b"}', id="key-as-a-mapping"),
        pytest.param("cache_timeout", -1, 0, id="no-caching"),
        pytest.param("cache_timeout", "2min", 120, id="caching-as-text"),
        pytest.param("endpoint_url", "https://h:1/", "https://h:1", id="endpoint-with-a-slash"),
    ],
)
def test_value_is_read_in_the_words_of_gcsfs(name, given, value):
    """Polymorphic and odd values."""
    found = GCS_PROMISE.settings({name: given})[GCS.table.index[normalise(name)][0].name].value
    assert getattr(found, "total_seconds", lambda: found)() == value


@pytest.mark.parametrize(
    ("variable", "endpoint"),
    [
        ("localhost:4443", "http://localhost:4443"),
        ("http://h:4443/", "http://h:4443"),
        ("https://h", "https://h"),
        ("default", None),
    ],
)
def test_emulator_variable_is_read_as_gcsfs_reads_it(variable, endpoint):
    """Plain HTTP where it has no scheme; ``default`` means Google."""
    layer = environment_layer(GCS.table, {"STORAGE_EMULATOR_HOST": variable})
    assert translate(GCS.table, [layer]).value("base_url") == endpoint


def test_login_at_an_iceberg_catalog_is_not_ours():
    """pyiceberg hands all properties on, and one of them has the name of an object."""
    assert "credential" not in GCS_PROMISE.settings({"credential": "id:hunter2", "uri": "https://catalog"})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("service_account_key", "no json"),
        ("impersonation_delegates", 5),
        ("requester_pays", 5),
        ("consistency", "sha"),
        ("access", "write"),
    ],
)
def test_bad_value_is_refused(name, given):
    """With the name of the option."""
    with pytest.raises(OptionError, match=f"option '{name}'"):
        GCS_PROMISE.settings({name: given})
