"""What follows from settings of Azure together, and which of them contradict each other."""

from __future__ import annotations

import pytest

from objfs.clouds.azure import AZURE
from objfs.clouds.azure_backends import service_url
from objfs.clouds.azure_connection import read_connection_string
from objfs.clouds.azure_hosts import EMULATOR_ACCOUNT, EMULATOR_KEY
from objfs.clouds.azure_resolve import environment_settings
from objfs.errors import ConflictingOptionsError, MissingCredentialsError, OptionError, UnknownOptionError
from objfs.options import Layer, Origin, environment_layer, translate

KEY = "aHVudGVyMg=="
OTHER_KEY = "aHVudGVyMw=="
SAS = "sv=1&sig=hunter2%3D"
STRING = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={KEY};EndpointSuffix=core.windows.net"
AZURITE = f"http://127.0.0.1:10000/{EMULATOR_ACCOUNT}"
DFS = "dfs.core.windows.net"


def resolved(environ=None, url=None, fsspec=None, **keywords):
    layers = [
        Layer(Origin.KEYWORD, keywords),
        Layer(Origin.URL, url or {}),
        Layer(Origin.FSSPEC_CONFIG, fsspec or {}),
        environment_layer(AZURE.table, environ or {}),
    ]
    return AZURE.resolve(translate(AZURE.table, layers))


def values(settings):
    return {name: setting.value for name, setting in settings.items()}


# -- who the caller is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(KEY, {"account_key": KEY}, id="key"),
        pytest.param(f"?{SAS}", {"sas_key": SAS}, id="sas-with-mark"),
        pytest.param("sv=1&sig=hunter2=", {"sas_key": SAS}, id="sas-not-encoded"),
        pytest.param({"account_name": "acct", "account_key": KEY}, {"account_key": KEY}, id="mapping"),
    ],
)
def test_resolve_takes_a_credential_that_is_text(text, expected):
    """As adlfs does: a key, or a SAS."""
    assert values(resolved(account_name="acct", credential=text)) == {"account_name": "acct", **expected}


def test_resolve_leaves_a_credential_object_alone():
    """It is asked where credentials are chosen."""
    credential = object()
    assert resolved(account_name="acct", credential=credential).value("credential") is credential


def test_resolve_takes_the_account_of_a_credential():
    """A mapping names it, which says more than nothing and must agree with what is said."""
    both = {"account_name": "acct", "account_key": KEY}
    assert resolved(credential=both).value("account_name") == "acct"
    with pytest.raises(ConflictingOptionsError, match=r"'other'.*'acct'"):
        resolved(account_name="other", credential=both)


def test_resolve_refuses_half_a_mapping():
    """The message names what is missing."""
    with pytest.raises(OptionError, match="must hold account_key"):
        resolved(credential={"account_name": "acct"})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"account_key": KEY, "connection_string": STRING.replace(KEY, OTHER_KEY)}, id="connection-string"),
        pytest.param({"account_key": KEY, "credential": OTHER_KEY}, id="credential"),
        pytest.param({"sas_token": SAS, "credential": "sig=other"}, id="sas"),
        pytest.param({"account_key": KEY, "access_key": OTHER_KEY}, id="two-names"),
    ],
)
def test_resolve_refuses_two_different_keys(given):
    """Without showing either."""
    with pytest.raises(ConflictingOptionsError) as caught:
        resolved(account_name="acct", **given)
    assert not any(secret in str(caught.value) for secret in (KEY, OTHER_KEY, "hunter2"))


def test_resolve_lets_spellings_of_one_sas_agree():
    """The signature counts, not how it was encoded."""
    settings = resolved(account_name="acct", sas_token="?sv=1&sig=a%2Bb%3D", sas_key="sv=1&sig=a+b=")
    assert settings.value("sas_key") == "sv=1&sig=a%2Bb%3D"


@pytest.mark.parametrize("given", ["?sv=1", "sv=1&sp", "hunter2"])
def test_resolve_refuses_a_sas_that_is_none(given):
    """Without showing it."""
    with pytest.raises(OptionError, match="sas_token") as caught:
        resolved(account_name="acct", sas_token=given)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["hunter2", "hunter2!", "aHVudGVyMg"])
def test_resolve_refuses_a_key_that_is_no_base64(key):
    """Before any request, and without showing it."""
    with pytest.raises(OptionError, match=r"account_key.*base64") as caught:
        resolved(account_name="acct", account_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", [KEY, "x"])
def test_resolve_refuses_an_encryption_key_of_another_size(key):
    """obstore would fail to build, and adlfs would never be told."""
    with pytest.raises(OptionError, match=r"encryption_key.*32 bytes"):
        resolved(account_name="acct", encryption_key=key)


def test_resolve_lets_the_highest_layer_say_who():
    """Credentials of two layers are never mixed."""
    environ = {"AZURE_STORAGE_SAS_TOKEN": SAS, "AZURE_STORAGE_CONNECTION_STRING": STRING, "AZURE_STORAGE_ANON": "1"}
    assert values(resolved(environ, account_name="acct", account_key=KEY)) == {
        "account_name": "acct",
        "account_key": KEY,
    }


@pytest.mark.parametrize(
    "given",
    [
        {"client_id": "x"},
        {"client_secret": "x", "client_id": "x", "tenant_id": "x"},
        {"use_managed_identity": True},
        {"use_azure_cli": True},
        {"credential_type": "managed_identity"},
    ],
    ids="-".join,
)
def test_resolve_lets_an_explicit_principal_go_before_keys_of_the_environment(given):
    """Neither a key nor anonymity that lies around decides for a caller who says who they are."""
    environ = {"AZURE_STORAGE_ACCOUNT_KEY": KEY, "AZURE_SKIP_SIGNATURE": "true"}
    settings = resolved(environ, account_name="acct", **given)
    assert not {"account_key", "skip_signature"} & set(settings)


def test_resolve_keeps_the_key_of_the_environment_that_a_credential_type_asks_for():
    """It chooses, and gives nothing."""
    settings = resolved({"AZURE_STORAGE_ACCOUNT_KEY": KEY}, account_name="acct", credential_type="access_key")
    assert settings.value("account_key") == KEY


def test_resolve_takes_a_secret_from_below_the_client_id():
    """It is one principal, told in two places."""
    settings = resolved({"AZURE_CLIENT_SECRET": "hunter2"}, account_name="acct", client_id="x", tenant_id="y")
    assert settings.value("client_secret") == "hunter2"


@pytest.mark.parametrize(
    "given",
    [
        {"account_key": KEY},
        {"sas_token": SAS},
        {"connection_string": STRING},
        {"credential": object()},
        {"token": "x"},
        {"client_secret": "x"},
        {"credential_provider": object()},
        {"adls.sas-token.acct.dfs.core.windows.net": SAS},
    ],
    ids=lambda given: next(iter(given)),
)
def test_resolve_refuses_anonymity_with_credentials(given):
    """adlfs would use them."""
    with pytest.raises(ConflictingOptionsError, match="'anon' asks for anonymous requests"):
        resolved(account_name="acct", anon=True, **given)


def test_resolve_forgets_credentials_of_the_environment_when_anonymous():
    """Anonymous means no credential anywhere."""
    environ = {"AZURE_STORAGE_ACCOUNT_KEY": KEY, "AZURE_CLIENT_ID": "x", "AZURE_CLIENT_SECRET": "x"}
    assert values(resolved(environ, account_name="acct", anon=True)) == {"account_name": "acct", "skip_signature": True}


@pytest.mark.parametrize(
    ("text", "anonymous"),
    [("true", True), ("1", True), ("whatever", True), ("false", False), ("0", False), ("f", False)],
)
def test_resolve_reads_the_variable_of_adlfs_as_adlfs_does(text, anonymous):
    """Anything but a word for no."""
    settings = resolved({"AZURE_STORAGE_ANON": text}, account_name="acct")
    assert settings.value("skip_signature") is anonymous


# -- dicts and properties of catalogs ------------------------------------------------------------------------------


def test_resolve_takes_the_sas_of_its_own_account():
    """Of an Iceberg catalog that vends for several."""
    vended = {f"adls.sas-token.acct.{DFS}": SAS, f"adls.sas-token.other.{DFS}": "sig=other"}
    vended |= {f"adls.sas-token-expires-at-ms.acct.{DFS}": "1900000000000"}
    settings = resolved(account_name="acct", **vended)
    assert values(settings).keys() == {"account_name", "sas_key", "expires_at"}
    assert settings.value("sas_key") == SAS
    assert settings["sas_key"].spelling == f"adls.sas-token.acct.{DFS}"
    assert settings.value("expires_at").year == 2030


@pytest.mark.parametrize("suffix", ["acct", f"acct.{DFS}", "acct.blob.core.windows.net", "acct.dfs.example.com"])
def test_resolve_takes_the_account_of_the_only_sas(suffix):
    """Its name says whose it is."""
    settings = resolved(**{f"adls.sas-token.{suffix}": SAS})
    assert values(settings) == {"account_name": "acct", "sas_key": SAS}


def test_resolve_asks_for_the_account_where_several_are_vended():
    """It cannot choose."""
    with pytest.raises(OptionError, match="given for acct and other; say account_name="):
        resolved(**{f"adls.sas-token.acct.{DFS}": SAS, f"adls.sas-token.other.{DFS}": SAS})


def test_resolve_leaves_the_credentials_of_other_accounts_alone():
    """They would be refused."""
    assert values(resolved(account_name="acct", **{f"adls.sas-token.other.{DFS}": SAS})) == {"account_name": "acct"}


def test_resolve_refuses_a_vended_sas_that_contradicts_the_plain_one():
    """One of them is wrong."""
    with pytest.raises(ConflictingOptionsError) as caught:
        resolved(account_name="acct", **{f"adls.sas-token.acct.{DFS}": SAS, "adls.sas-token": "sig=other"})
    assert "hunter2" not in str(caught.value)


def test_resolve_takes_a_connection_string_apart_by_account():
    """As a catalog has it."""
    settings = resolved(**{f"adls.connection-string.acct.{DFS}": STRING})
    assert values(settings) == {"account_name": "acct", "account_key": KEY}


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"azure_user_delegation_sas": {"sas_token": f"?{SAS}"}}, "sas_key", SAS),
        ({"azure_aad": {"aad_token": "x"}, "expiration_time": 1_900_000_000_000}, "token", "x"),
    ],
    ids=["sas", "aad"],
)
def test_resolve_reads_what_unity_catalog_vends(given, name, value):
    """A dict of its own for each kind."""
    assert resolved(account_name="acct", **given).value(name) == value


def test_resolve_refuses_misspelled_members():
    """Of dicts that hold known members only."""
    with pytest.raises(UnknownOptionError):
        resolved(account_name="acct", azure_aad={"token_of_aad": "x"})


def test_resolve_gathers_keywords_of_the_default_chain():
    """adlfs takes them among its own."""
    given = {"exclude_cli_credential": "yes", "default_azure_credential_kwargs": {"logging_enable": True}}
    settings = resolved(account_name="acct", **given)
    expected = {"exclude_cli_credential": True, "logging_enable": True}
    assert values(settings) == {"account_name": "acct", "default_azure_credential_kwargs": expected}


# -- connection strings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(STRING, {"account_name": "acct", "account_key": KEY}, id="portal"),
        pytest.param(f" {STRING}; ", {"account_name": "acct", "account_key": KEY}, id="spaces"),
        pytest.param(f"accountname=acct;ACCOUNTKEY={KEY}", {"account_name": "acct", "account_key": KEY}, id="case"),
        pytest.param("AccountName=acct", {"account_name": "acct"}, id="anonymous"),
        pytest.param(
            STRING.replace("windows.net", "chinacloudapi.cn"),
            {"account_name": "acct", "account_key": KEY, "endpoint": "https://acct.blob.core.chinacloudapi.cn"},
            id="china",
        ),
        pytest.param(
            f"BlobEndpoint=https://acct.blob.core.windows.net/;QueueEndpoint=https://q;SharedAccessSignature=?{SAS}",
            {"sas_key": SAS, "endpoint": "https://acct.blob.core.windows.net"},
            id="sas",
        ),
        pytest.param(
            f"BlobEndpoint=https://acct.blob.core.windows.net/?{SAS}",
            {"sas_key": SAS, "endpoint": "https://acct.blob.core.windows.net"},
            id="sas-in-the-endpoint",
        ),
        pytest.param(
            f"AccountName=a;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:1/a;BlobSecondaryEndpoint=http://127.0.0.1:1/a2",
            {
                "account_name": "a",
                "account_key": KEY,
                "endpoint": "http://127.0.0.1:1/a",
                "secondary_endpoint": "http://127.0.0.1:1/a2",
            },
            id="emulator",
        ),
        pytest.param("UseDevelopmentStorage=true", {"use_emulator": True}, id="development"),
        pytest.param(
            "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite",
            {"use_emulator": True, "endpoint": f"http://azurite:10000/{EMULATOR_ACCOUNT}"},
            id="development-elsewhere",
        ),
    ],
)
def test_read_connection_string_takes_it_apart(text, expected):
    """Every part that says something about blobs."""
    assert read_connection_string(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a connection string"),
        ("hunter2", "not a connection string"),
        (f"AccountKey={KEY}", "neither an account"),
        ("AccountName=a;accountname=b", "more than once"),
        ("BlobSecondaryEndpoint=https://x", "without a BlobEndpoint"),
        ("BlobEndpoint=ftp://hunter2", "BlobEndpoint of the connection string is not an endpoint"),
        ("AccountName=a;SharedAccessSignature=hunter2", "SAS"),
    ],
)
def test_resolve_refuses_a_connection_string_that_is_none(text, says):
    """Without showing it."""
    with pytest.raises(OptionError, match=says) as caught:
        resolved(account_name="a", connection_string=text or ";")
    assert "hunter2" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_resolve_refuses_a_connection_string_for_another_account():
    """adlfs would use it all the same."""
    for url in ({}, {"account_name": "other"}):
        keywords = {} if url else {"account_name": "other"}
        with pytest.raises(ConflictingOptionsError, match="'acct'"):
            resolved(url=url, connection_string=STRING, **keywords)


def test_resolve_leaves_the_environments_connection_string_of_another_account_alone():
    """It was written for another place."""
    settings = resolved({"AZURE_STORAGE_CONNECTION_STRING": STRING}, url={"account_name": "other"})
    assert values(settings) == {"account_name": "other"}


def test_resolve_takes_the_environments_connection_string_of_the_same_account():
    """Whose account a URL names."""
    settings = resolved({"AZURE_STORAGE_CONNECTION_STRING": STRING}, url={"account_name": "acct"})
    assert values(settings) == {"account_name": "acct", "account_key": KEY}


def test_resolve_lets_a_connection_string_name_the_account_below_it():
    """A keyword goes before a variable."""
    settings = resolved({"AZURE_STORAGE_ACCOUNT_NAME": "other"}, connection_string=STRING)
    assert values(settings) == {"account_name": "acct", "account_key": KEY}


def test_resolve_refuses_an_endpoint_that_contradicts_the_connection_string():
    """In one layer."""
    string = STRING.replace("windows.net", "chinacloudapi.cn")
    with pytest.raises(ConflictingOptionsError, match="endpoint"):
        resolved(connection_string=string, endpoint="https://acct.blob.core.usgovcloudapi.net")


# -- cshelve -------------------------------------------------------------------------------------------------------


def test_resolve_reads_the_ways_to_authenticate_of_cshelve():
    """Each asks for something."""
    assert resolved(account_name="acct", auth_type="anonymous").value("skip_signature") is True
    environ = {"AZURE_STORAGE_ACCOUNT_KEY": KEY}
    assert "account_key" not in resolved(environ, account_name="acct", auth_type="passwordless")
    with pytest.raises(MissingCredentialsError, match="without connection_string"):
        resolved(account_name="acct", auth_type="connection_string")
    with pytest.raises(ConflictingOptionsError):
        resolved(account_name="acct", auth_type="passwordless", account_key=KEY)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("access_key", KEY, {"account_key": KEY}),
        ("access_key", f"?{SAS}", {"sas_key": SAS}),
        ("connection_string", STRING, {"account_key": KEY}),
    ],
    ids=["key", "sas", "connection-string"],
)
def test_environment_settings_are_what_the_named_variable_holds(kind, text, expected):
    """Read where files and the environment are."""
    settings = resolved(account_name="acct", auth_type=kind, environment_key="MY_KEY")
    assert environment_settings(settings, {"MY_KEY": text}) == expected
    with pytest.raises(MissingCredentialsError, match="'MY_KEY'"):
        environment_settings(settings, {})
    assert environment_settings(resolved(account_name="acct"), {}) == {}


def test_environment_settings_name_the_account_that_nothing_else_does():
    """And must agree with what does."""
    given = {"auth_type": "connection_string", "environment_key": "MY_KEY"}
    found = environment_settings(resolved(**given), {"MY_KEY": STRING})
    assert found == {"account_name": "acct", "account_key": KEY}
    with pytest.raises(ConflictingOptionsError, match="'acct', not of 'other'"):
        environment_settings(resolved(account_name="other", **given), {"MY_KEY": STRING})


# -- where the service is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "url"),
    [
        pytest.param({}, "https://acct.blob.core.windows.net", id="public"),
        pytest.param(
            {"account_host": "acct.blob.core.chinacloudapi.cn"}, "https://acct.blob.core.chinacloudapi.cn", id="china"
        ),
        pytest.param({"account_host": "acct.dfs.core.windows.net"}, "https://acct.blob.core.windows.net", id="dfs"),
        pytest.param({"account_host": "127.0.0.1:10000/acct"}, "https://127.0.0.1:10000/acct", id="adlfs-means-tls"),
        pytest.param({"endpoint": "127.0.0.1:10000/acct"}, "http://127.0.0.1:10000/acct", id="local"),
        pytest.param(
            {"account_url": "https://acct.blob.core.windows.net/"}, "https://acct.blob.core.windows.net", id="cshelve"
        ),
        pytest.param(
            {"blob_storage_authority": ".blob.core.usgovcloudapi.net"},
            "https://acct.blob.core.usgovcloudapi.net",
            id="arrow-suffix",
        ),
        pytest.param(
            {"blob_storage_authority": "h:1", "blob_storage_scheme": "http"}, "http://h:1/acct", id="arrow-emulator"
        ),
        pytest.param(
            {"dfs_storage_authority": ".dfs.core.usgovcloudapi.net"},
            "https://acct.blob.core.usgovcloudapi.net",
            id="arrow-dfs",
        ),
        pytest.param(
            {"blob_storage_authority": "h:1", "dfs_storage_authority": "h:2"}, "https://h:1/acct", id="arrow-both"
        ),
        pytest.param(
            {"blob_storage_authority": ".blob.core.windows.net"},
            "https://acct.blob.core.windows.net",
            id="arrow-default",
        ),
        pytest.param({"use_fabric_endpoint": True}, "https://acct.blob.fabric.microsoft.com", id="fabric"),
        pytest.param(
            {"endpoint": "https://acct.z1.blob.storage.azure.net"}, "https://acct.z1.blob.storage.azure.net", id="zone"
        ),
    ],
)
def test_resolve_finds_the_service(given, url):
    """In every vocabulary."""
    settings = resolved(account_name="acct", anon=True, **given)
    assert service_url(settings) == url
    assert settings.value("allow_http", False) is url.startswith("http:")


@pytest.mark.parametrize(
    ("given", "account"),
    [
        ({"endpoint": "https://acct.blob.core.windows.net"}, "acct"),
        ({"account_host": "acct.dfs.core.chinacloudapi.cn"}, "acct"),
        ({"endpoint": "http://127.0.0.1:10000/acct"}, "acct"),
        ({"use_emulator": True}, EMULATOR_ACCOUNT),
        ({"use_fabric_endpoint": True}, "onelake"),
        ({"connection_string": "BlobEndpoint=https://acct.blob.core.windows.net;SharedAccessSignature=sig=x"}, "acct"),
    ],
    ids=["endpoint", "host", "emulator-endpoint", "emulator", "fabric", "connection-string"],
)
def test_resolve_takes_the_account_from_what_names_it(given, account):
    """Where account_name is not given."""
    assert resolved(**given).value("account_name") == account


def test_resolve_wants_an_account():
    """Nobody answers for none; a provider may name it later."""
    with pytest.raises(OptionError, match="no account is named; pass account_name="):
        resolved(account_key=KEY)
    settings = resolved(credential_provider=object())
    with pytest.raises(OptionError, match="account_name="):
        service_url(settings)


@pytest.mark.parametrize("name", ["acct.blob.core.windows.net", "https://acct", "a/b", "a b"])
def test_resolve_refuses_a_host_as_account(name):
    """The message says where it belongs."""
    with pytest.raises(OptionError, match="account_host"):
        resolved(account_name=name)


def test_resolve_refuses_a_host_of_another_account():
    """In one layer, or in a keyword and the URL."""
    endpoint = "https://other.blob.core.windows.net"
    for url in ({}, {"account_name": "acct"}):
        with pytest.raises(ConflictingOptionsError, match="'other'"):
            resolved(url=url, endpoint=endpoint, **({} if url else {"account_name": "acct"}))


def test_resolve_lets_the_higher_layer_name_the_account():
    """What the lower one says belongs to another account."""
    settings = resolved({"AZURE_STORAGE_ENDPOINT": "https://other.blob.core.windows.net"}, account_name="acct")
    assert values(settings) == {"account_name": "acct"}
    settings = resolved({"AZURE_STORAGE_ACCOUNT_NAME": "other"}, endpoint="https://acct.blob.core.chinacloudapi.cn")
    assert settings.value("account_name") == "acct"


@pytest.mark.parametrize(
    ("url", "keywords"),
    [
        ({"account_name": "other"}, {"account_name": "acct"}),
        (
            {"account_name": "acct", "endpoint": "https://acct.blob.core.chinacloudapi.cn"},
            {"account_host": "acct.blob.core.usgovcloudapi.net"},
        ),
        ({"account_name": "acct", "location_mode": "secondary"}, {"location_mode": "primary"}),
        ({"account_name": "acct", "sas_key": SAS}, {"sas_token": "sig=other"}),
    ],
    ids=["account", "endpoint", "region", "sas"],
)
def test_resolve_refuses_a_url_that_contradicts_an_option(url, keywords):
    """Rule U1: one of the two must be wrong."""
    with pytest.raises(ConflictingOptionsError) as caught:
        resolved(url=url, **keywords)
    assert "hunter2" not in str(caught.value)


def test_resolve_lets_a_url_and_an_option_agree():
    """However the endpoint is written."""
    url = {"account_name": "acct", "endpoint": "https://acct.blob.core.chinacloudapi.cn"}
    assert resolved(url=url, account_host="acct.dfs.core.chinacloudapi.cn/").value("account_name") == "acct"


@pytest.mark.parametrize("endpoint", ["ftp://h", "https://u:hunter2@h", "https://h?sig=hunter2"])
def test_resolve_refuses_what_is_no_endpoint(endpoint):
    """A SAS belongs into sas_token."""
    with pytest.raises(OptionError, match="'endpoint'"):
        resolved(account_name="acct", endpoint=endpoint)


def test_resolve_refuses_plain_http_where_it_is_forbidden():
    """An explicit http endpoint turns it on, unless it is turned off beside it."""
    with pytest.raises(ConflictingOptionsError, match="allow_http"):
        resolved(account_name="acct", endpoint="http://h", allow_http=False)
    settings = resolved({"AZURE_ALLOW_HTTP": "false"}, account_name="acct", endpoint="http://h")
    assert settings.value("allow_http") is True


def test_resolve_names_the_second_region_by_its_host():
    """The endpoint is that of the first."""
    settings = resolved(endpoint="https://acct-secondary.blob.core.chinacloudapi.cn")
    assert values(settings) == {
        "account_name": "acct",
        "endpoint": "https://acct.blob.core.chinacloudapi.cn",
        "location_mode": "secondary",
    }
    assert service_url(settings, secondary=True) == "https://acct-secondary.blob.core.chinacloudapi.cn"


def test_resolve_wants_the_second_region_of_a_host_of_ones_own():
    """It does not follow from the first."""
    with pytest.raises(OptionError, match="secondary_endpoint"):
        resolved(account_name="acct", endpoint="https://h", location_mode="secondary")


# -- emulators -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"use_emulator": True}, id="option"),
        pytest.param({"connection_string": "UseDevelopmentStorage=true"}, id="connection-string"),
        pytest.param({"use_emulator": True, "endpoint": AZURITE}, id="with-its-endpoint"),
        pytest.param({"use_emulator": True, "endpoint": "http://127.0.0.1:10000"}, id="endpoint-without-account"),
        pytest.param({"url": {"account_name": EMULATOR_ACCOUNT, "endpoint": AZURITE, "use_emulator": True}}, id="url"),
    ],
)
def test_resolve_makes_an_emulator_an_endpoint_with_a_key(given):
    """Both planes then need no word for it."""
    settings = resolved(**given)
    assert service_url(settings) == AZURITE
    assert (settings.value("account_name"), settings.value("account_key")) == (EMULATOR_ACCOUNT, EMULATOR_KEY)


def test_resolve_finds_the_emulator_by_the_environment():
    """As obstore does."""
    environ = {"AZURE_STORAGE_USE_EMULATOR": "true", "AZURITE_BLOB_STORAGE_URL": "http://azurite:1"}
    assert service_url(resolved(environ)) == f"http://azurite:1/{EMULATOR_ACCOUNT}"


@pytest.mark.parametrize(
    "given",
    [{"account_key": KEY}, {"sas_token": SAS}, {"anon": True}, {"credential_provider": object()}, {"client_id": "x"}],
    ids=lambda given: next(iter(given)),
)
def test_resolve_leaves_own_credentials_to_the_emulator(given):
    """The public key is for who has none."""
    assert resolved(use_emulator=True, **given).value("account_key") in (None, given.get("account_key"))


def test_resolve_gives_no_other_account_the_emulators_key():
    """It would be refused."""
    settings = resolved(use_emulator=True, account_name="acct")
    assert service_url(settings) == "http://127.0.0.1:10000/acct"
    assert "account_key" not in settings


def test_resolve_lets_an_explicit_endpoint_go_before_the_environments_emulator():
    """The variable hijacks every store of obstore's."""
    environ = {"AZURE_STORAGE_USE_EMULATOR": "true"}
    settings = resolved(environ, endpoint="https://acct.blob.core.windows.net")
    assert values(settings) == {"account_name": "acct"}
    assert values(resolved(environ, account_name="acct", use_emulator=False)) == {"account_name": "acct"}


def test_resolve_refuses_an_emulator_at_azure():
    """One of the two is wrong."""
    with pytest.raises(ConflictingOptionsError, match="use_emulator"):
        resolved(use_emulator=True, account_name="acct", endpoint="https://acct.blob.core.chinacloudapi.cn")


def test_resolve_refuses_fabric_elsewhere():
    """Likewise."""
    with pytest.raises(ConflictingOptionsError, match="use_fabric_endpoint"):
        resolved(use_fabric_endpoint=True, account_name="acct", endpoint="https://acct.blob.core.chinacloudapi.cn")
    settings = resolved({"AZURE_USE_FABRIC_ENDPOINT": "true"}, endpoint="https://acct.blob.core.windows.net")
    assert values(settings) == {"account_name": "acct"}


def test_resolve_refuses_certificates_that_are_not_checked():
    """Without checks there is nothing to check against."""
    with pytest.raises(ConflictingOptionsError, match="root_certificate"):
        resolved(account_name="acct", allow_invalid_certificates=True, root_certificate="/ca.pem")
