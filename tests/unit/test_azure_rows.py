"""Options of Azure beside their rows: obstore and adlfs take them, and azure-identity's keywords are among them."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest

from objfs.clouds.azure import AZURE
from objfs.clouds.azure_backends import client_keywords
from objfs.clouds.azure_identity_rows import CHAIN_KEYWORDS
from objfs.options import normalise
from tests.unit.row_promises import AZURE_PROMISE

each_row = pytest.mark.parametrize("row", AZURE_PROMISE.rows, ids=lambda row: row.name)


@each_row
def test_row_is_taken_by_the_store(row):
    """obstore knows each word and takes each value, those of its own look-up of credentials included."""
    stores = pytest.importorskip("obstore.store")
    _, settings = AZURE_PROMISE.resolved(row)
    arguments = AZURE.store_arguments(settings, "cont")
    options = {name: value for name, value in arguments.client_options.items() if "certificate" not in name}
    for more in ({}, AZURE.native_config(settings)):
        config = {**arguments.config, **more}
        retries = dict(arguments.retry_config) or None
        stores.AzureStore("cont", config=config, client_options=options, retry_config=retries)


@each_row
def test_row_is_taken_by_the_sdk(row, monkeypatch):
    """adlfs's constructor and the service client know each word."""
    adlfs = pytest.importorskip("adlfs")
    blob = pytest.importorskip("azure.storage.blob")
    _, settings = AZURE_PROMISE.resolved(row)
    keywords = AZURE.sdk_keywords(settings)
    known = set(inspect.signature(adlfs.AzureBlobFileSystem.__init__).parameters)
    assert set(keywords) <= known | {"use_listings_cache", "listings_expiry_time", "max_paths"}
    monkeypatch.setattr(adlfs.AzureBlobFileSystem, "do_connect", lambda self: setattr(self, "service_client", None))
    monkeypatch.setattr("adlfs.spec.close_service_client", _nothing)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fs = adlfs.AzureBlobFileSystem(**{**keywords, "anon": True}, skip_instance_cache=True)
    assert (fs.account_name, fs.account_host) == (keywords["account_name"], keywords["account_host"])
    rest = {name: value for name, value in client_keywords(settings).items() if value != "/ca.pem"}
    blob.BlobServiceClient(f"https://{fs.account_host}", **rest).close()


async def _nothing(_fs: Any) -> None:
    """In place of closing a client that is none."""


def test_every_keyword_of_the_default_chain_is_an_option():
    """azure-identity documents them on the class, whose constructor takes whatever it is given."""
    identity = pytest.importorskip("azure.identity.aio")
    text = identity.DefaultAzureCredential.__doc__
    documented = {line.split(":")[1].split()[2] for line in text.splitlines() if line.strip().startswith(":keyword")}
    assert documented - {"authority"} <= set(CHAIN_KEYWORDS)


@pytest.mark.parametrize("name", ["azure_storage_sas_token", "sas_token", "adls.sas-token.acct.dfs.core.windows.net"])
def test_secret_hides_under_every_name(name):
    """Redaction goes by the row, also where a name ends in the host of an account."""
    assert AZURE.table.index[normalise(name)][0].secret
