"""Whose account an instance of Azure is: every option that names one, in every layer, and whose credentials count."""

from __future__ import annotations

import fsspec.config
import pytest

from objfs import AzureBlobFileSystem
from objfs.clouds.azure import AZURE
from objfs.clouds.azure_backends import service_url
from objfs.clouds.azure_hosts import account_in_path
from objfs.errors import ConflictingOptionsError
from tests.unit.test_azure_resolve import KEY, OTHER_KEY, SAS, STRING, resolved, values

LOCAL = "http://127.0.0.1:10000"
MINE, OTHERS = f"{LOCAL}/mine", f"{LOCAL}/other"
OTHER_STRING = f"AccountName=other;AccountKey={OTHER_KEY}"


# -- endpoints that name the account in their path -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "account"),
    [
        ("http://127.0.0.1:10000/acct", "acct"),
        ("http://localhost:10000/ACCT/", "acct"),
        ("http://10.1.2.3/acct", "acct"),
        ("http://[::1]:1/acct", "acct"),
        ("http://azurite:10000/acct", "acct"),
        ("http://127.0.0.1:10000/acct-secondary", "acct"),
        ("http://127.0.0.1:10000", None),
        ("https://blobs.example.org/acct", None),
        ("http://127.0.0.1:10000/a/b", None),
        ("https://acct.blob.core.windows.net/x", None),
    ],
)
def test_account_in_path_is_that_of_a_host_without_a_domain(endpoint, account):
    """Behind a domain of one's own a path may be anything."""
    assert account_in_path(endpoint) == account


@pytest.mark.parametrize(
    ("url", "keywords"),
    [
        pytest.param({}, {"account_name": "mine", "endpoint": OTHERS}, id="keywords"),
        pytest.param({"account_name": "mine"}, {"endpoint": OTHERS}, id="url"),
        pytest.param({"account_name": "mine"}, {"endpoint": "http://azurite:10000/other"}, id="name-without-domain"),
        pytest.param({}, {"account_name": "mine", "use_emulator": True, "endpoint": OTHERS}, id="emulator"),
        pytest.param({}, {"connection_string": OTHER_STRING, "endpoint": MINE}, id="connection-string"),
        pytest.param(
            {},
            {"account_name": "mine", "endpoint": MINE, "secondary_endpoint": f"{OTHERS}-secondary"},
            id="second-region",
        ),
        pytest.param(
            {},
            {
                "account_name": "mine",
                "endpoint": "https://h.org",
                "secondary_endpoint": "https://other.blob.core.windows.net",
            },
            id="second-region-at-azure",
        ),
    ],
)
def test_resolve_refuses_an_endpoint_whose_path_names_another_account(url, keywords):
    """It would read the blobs of that account under the name of this one."""
    with pytest.raises(ConflictingOptionsError, match="other'"):
        resolved(url=url, **keywords)


def test_resolve_drops_the_lower_layer_where_the_path_names_another_account():
    """As for hosts of Azure."""
    environ = {"AZURE_STORAGE_ENDPOINT": OTHERS}
    assert service_url(resolved(environ, account_name="mine")) == "https://mine.blob.core.windows.net"
    environ = {"AZURE_STORAGE_ACCOUNT_NAME": "other"}
    assert resolved(environ, endpoint=MINE).value("account_name") == "mine"
    environ = {"AZURE_STORAGE_CONNECTION_STRING": OTHER_STRING}
    assert values(resolved(environ, endpoint=MINE)) == {"account_name": "mine", "endpoint": MINE, "allow_http": True}


@pytest.mark.parametrize(
    "given",
    [
        {"endpoint": MINE},
        {"endpoint": f"{MINE}-secondary"},
        {"endpoint": LOCAL},
        {"endpoint": "https://proxy.example.org/blobs"},
        {"endpoint": MINE, "secondary_endpoint": f"{MINE}-secondary", "location_mode": "secondary"},
        {"endpoint": "https://h.org", "secondary_endpoint": "https://h2.org/blobs"},
    ],
    ids=["same", "its-second-region", "no-path", "proxy", "both-regions", "proxies"],
)
def test_resolve_lets_an_endpoint_be_that_names_no_other_account(given):
    """A proxy or a domain of one's own is the caller's to know."""
    settings = resolved(account_name="mine", **given)
    assert settings.value("account_name") == "mine"
    assert settings.value("endpoint") == given["endpoint"]


def test_resolve_takes_the_account_of_an_emulator_from_its_endpoint():
    """Which need not be the one that every emulator has."""
    settings = resolved(use_emulator=True, endpoint=OTHERS)
    assert (settings.value("account_name"), service_url(settings)) == ("other", OTHERS)
    assert "account_key" not in settings


# -- credentials of another account --------------------------------------------------------------------------------

BELOW = [
    pytest.param({"AZURE_STORAGE_ACCOUNT_NAME": "other"}, id="account-name"),
    pytest.param({"AZURE_STORAGE_ENDPOINT": "https://other.blob.core.windows.net"}, id="endpoint"),
    pytest.param({"AZURE_STORAGE_ENDPOINT": OTHERS}, id="endpoint-with-path"),
]


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize(
    "secret",
    [{"AZURE_STORAGE_ACCOUNT_KEY": OTHER_KEY}, {"AZURE_STORAGE_SAS_TOKEN": SAS}],
    ids=["key", "sas"],
)
@pytest.mark.parametrize(
    ("url", "keywords"),
    [
        ({"account_name": "mine"}, {}),
        ({}, {"account_name": "mine"}),
        ({}, {"endpoint": "https://mine.blob.core.chinacloudapi.cn"}),
        ({}, {"account_name": "mine", "endpoint": MINE}),
    ],
    ids=["url", "keyword", "endpoint", "both"],
)
def test_resolve_sends_no_account_the_credentials_of_another(below, secret, url, keywords):
    """They belong to the account that their layer names, which is not asked for."""
    settings = resolved({**below, **secret}, url=url, **keywords)
    assert settings.value("account_name") == "mine"
    assert not {"account_key", "sas_key"} & set(settings)


def test_resolve_sends_no_account_the_credentials_of_another_in_the_configuration():
    """That of fsspec names an account as the environment does; what belongs to the right one counts then."""
    conf = {"account_name": "other", "account_key": OTHER_KEY}
    assert values(resolved(fsspec=conf, url={"account_name": "mine"})) == {"account_name": "mine"}
    environ = {"AZURE_STORAGE_ACCOUNT_NAME": "mine", "AZURE_STORAGE_ACCOUNT_KEY": KEY}
    settings = resolved(environ, fsspec=conf, account_name="mine")
    assert values(settings) == {"account_name": "mine", "account_key": KEY}
    conf = {"credential": {"account_name": "other", "account_key": OTHER_KEY}}
    assert values(resolved(fsspec=conf, account_name="mine")) == {"account_name": "mine"}
    conf = {"account_name": "other", "credential": OTHER_KEY}
    assert values(resolved(fsspec=conf, account_name="mine")) == {"account_name": "mine"}


def test_resolve_keeps_what_is_good_for_any_account():
    """A token is its tenant's, and a key without an account is for the one that is asked for."""
    environ = {"AZURE_STORAGE_ACCOUNT_NAME": "other", "AZURE_STORAGE_TOKEN": "x"}
    assert resolved(environ, account_name="mine").value("token") == "x"
    credential = object()
    conf = {"account_name": "other", "credential": credential}
    assert resolved(fsspec=conf, account_name="mine").value("credential") is credential
    assert resolved({"AZURE_STORAGE_ACCOUNT_KEY": KEY}, account_name="mine").value("account_key") == KEY
    environ = {"AZURE_STORAGE_ACCOUNT_NAME": "Mine", "AZURE_STORAGE_SAS_TOKEN": SAS}
    assert resolved(environ, url={"account_name": "mine"}).value("sas_key") == SAS


# -- what a connection string says beside its key ------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [{"anon": True}, {"account_key": OTHER_KEY}, {"token": "x"}, {"credential_provider": object()}],
    ids=lambda given: next(iter(given)),
)
def test_resolve_takes_the_account_of_a_connection_string_for_other_credentials(given):
    """Account and endpoint count where nothing higher names them; the key of the string does not."""
    string = STRING.replace("windows.net", "chinacloudapi.cn")
    settings = resolved({"AZURE_STORAGE_CONNECTION_STRING": string}, **given)
    assert settings.value("account_name") == "acct"
    assert settings.value("endpoint") == "https://acct.blob.core.chinacloudapi.cn"
    assert settings.value("account_key") == given.get("account_key")


def test_resolve_takes_the_emulator_of_a_connection_string_for_other_credentials():
    """Likewise."""
    settings = resolved({"AZURE_STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true"}, anon=True)
    assert service_url(settings) == f"{LOCAL}/devstoreaccount1"
    assert "account_key" not in settings


def test_resolve_takes_nothing_of_a_connection_string_of_another_account():
    """Its endpoint, behind which that account may be, is none of ours."""
    string = f"{OTHER_STRING};BlobEndpoint=https://blobs.example.org"
    settings = resolved({"AZURE_STORAGE_CONNECTION_STRING": string}, account_name="mine", account_key=KEY)
    assert values(settings) == {"account_name": "mine", "account_key": KEY}


# -- upper and lower case ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "keywords"),
    [
        ({"account_name": "acct"}, {"account_name": "ACCT"}),
        ({}, {"account_name": "ACCT", "connection_string": STRING}),
        ({}, {"account_name": "acct", "connection_string": STRING.replace("acct", "Acct")}),
        ({}, {"account_name": "acct", "credential": {"account_name": "ACCT", "account_key": KEY}}),
        ({}, {"account_name": "ACCT", "endpoint": "http://127.0.0.1:10000/acct"}),
        ({"account_name": "acct"}, {"endpoint": "https://ACCT.blob.core.windows.net"}),
        ({}, {"connection_string": STRING, "azure_storage_account_name": "Acct"}),
    ],
    ids=["url", "string", "string-in-capitals", "credential", "path", "host", "alias"],
)
def test_resolve_takes_accounts_for_the_same_whatever_their_case(url, keywords):
    """Names of accounts have no capitals.

    https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name
    """
    assert resolved(url=url, **keywords).value("account_name") == "acct"


def test_check_url_takes_accounts_for_the_same_whatever_their_case():
    """Also in a path that is given as a URL."""
    AZURE.check_url(resolved(account_name="Acct"), "abfss://c@ACCT.dfs.core.windows.net/k")
    with pytest.raises(ConflictingOptionsError, match="'other'"):
        AZURE.check_url(resolved(account_name="Acct"), "az://c@Other/k")


# -- fsspec's configuration, which fsspec mixes into the keywords --------------------------------------------------


@pytest.mark.parametrize("name", ["account_name", "azure_storage_account_name"])
def test_instance_sends_no_account_the_key_of_another_in_the_configuration(monkeypatch, name):
    """What the caller's own keyword hides still says whose the key is."""
    monkeypatch.setitem(fsspec.config.conf, "az", {"account_name": "other", "account_key": OTHER_KEY})
    options = AzureBlobFileSystem(skip_instance_cache=True, **{name: "mine"}).connection.options
    assert (options.value("account_name"), options.value("account_key")) == ("mine", None)
    options = AzureBlobFileSystem(skip_instance_cache=True, **{name: "OTHER"}).connection.options
    assert (options.value("account_name"), options.value("account_key")) == ("other", OTHER_KEY)
    options = AzureBlobFileSystem(skip_instance_cache=True).connection.options
    assert (options.value("account_name"), options.value("account_key")) == ("other", OTHER_KEY)
    options = AzureBlobFileSystem(skip_instance_cache=True, access_key=None, anon=None).connection.options
    assert (options.value("account_name"), options.value("account_key")) == ("other", None)
