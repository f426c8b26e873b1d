"""The URL forms of Azure Storage, OneLake and Azurite, by example.

Hosts: https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-endpoints and
https://learn.microsoft.com/fabric/onelake/onelake-access-api.
"""

from __future__ import annotations

from typing import Any, Final

from objfs.clouds._forms import UrlForm, form, refused

_ACCOUNT: Final = "https://account.blob.core.windows.net"
_VERSION: Final = "2024-01-31T12:00:00.0000000Z"
_SAS: Final = "sv=2024-11-04&sp=r&sig=c2lnbmF0dXJl"
_FABRIC: Final = "fabric.microsoft.com"
_WORKSPACE_ID: Final = "0123456789abcdef0123456789abcdef"
_ITEM_KEY: Final = "item.Lakehouse/Files/key"


def _named(url: str, meaning: str, key: str = "dir/key", /, **options: Any) -> UrlForm:
    return form(url, meaning, "container", key, **options)


def _in_account(url: str, meaning: str, **options: Any) -> UrlForm:
    return _named(url, meaning, account_name="account", **options)


def _in_onelake(url: str, meaning: str, account: str = "onelake", service: str = "blob") -> UrlForm:
    endpoint = f"https://{account}.{service}.{_FABRIC}"
    return form(url, meaning, "workspace", _ITEM_KEY, account_name=account, endpoint=endpoint)


URL_FORMS: Final[tuple[UrlForm, ...]] = (
    _named("az://container/dir/key", "The account is an option. The first part is always the container."),
    _named("abfs://container/dir/key", "The same."),
    _named("abfss://container/dir/key", "The same."),
    _named("azure://container/dir/key", "The same."),
    _named("wasb://container/dir/key", "The same; always over TLS."),
    _named("wasbs://container/dir/key", "The same."),
    _named("adl://container/dir/key", "The same."),
    _named("ABFSS://container/dir/key", "The scheme in any case."),
    _named("az://container/dir/a%20b?c#d", "Nothing is decoded, `?` and `#` belong to the key.", "dir/a%20b?c#d"),
    _named(f"az://container/dir/key?versionid={_VERSION}", "One version.", version=_VERSION, version_aware=True),
    _in_account("abfss://container@account.dfs.core.windows.net/dir/key", "With the account, as Hadoop writes it."),
    _in_account("abfss://container@account.blob.core.windows.net/dir/key", "The same at the blob service."),
    _in_account("az://container@account.blob.core.windows.net/dir/key", "The same."),
    _in_account("azure://container@account.dfs.core.windows.net/dir/key", "The same."),
    _in_account("wasb://container@account.blob.core.windows.net/dir/key", "The same; always over TLS."),
    _in_account("wasbs://container@account.blob.core.windows.net/dir/key", "The same."),
    _in_account("az://container@account/dir/key", "The account without its host."),
    _in_account("adl://container@account/dir/key", "The same."),
    _in_account("abfs://account.dfs.core.windows.net/container/dir/key", "The account in the place of the container."),
    _in_account("az://account.blob.core.windows.net/container/dir/key", "The same."),
    _in_account(
        "abfss://container@account.dfs.core.chinacloudapi.cn/dir/key",
        "China.",
        endpoint="https://account.blob.core.chinacloudapi.cn",
    ),
    _in_account(
        "abfss://container@account.dfs.core.usgovcloudapi.net/dir/key",
        "US government.",
        endpoint="https://account.blob.core.usgovcloudapi.net",
    ),
    _in_account(
        "abfss://container@account.dfs.core.cloudapi.de/dir/key",
        "Germany.",
        endpoint="https://account.blob.core.cloudapi.de",
    ),
    _in_account(f"{_ACCOUNT}/container/dir/key", "The blob service. The key is percent-decoded once."),
    _in_account("http://account.blob.core.windows.net/container/dir/key", "Means https."),
    _in_account("https://account.dfs.core.windows.net/container/dir/key", "Data Lake; the blob service is asked."),
    form(_ACCOUNT, "All containers.", "", "", account_name="account"),
    form(f"{_ACCOUNT}/$root/key", "The root container.", "$root", "key", account_name="account"),
    form(f"{_ACCOUNT}/$web/dir/key", "Files of a static website.", "$web", account_name="account"),
    _in_account(f"{_ACCOUNT}/container/dir/key?{_SAS}", "With a SAS, which becomes an option.", sas_key=_SAS),
    _in_account(
        f"{_ACCOUNT}/container/dir/key?versionid={_VERSION}", "One version.", version=_VERSION, version_aware=True
    ),
    _in_account(
        "https://account-secondary.blob.core.windows.net/container/dir/key",
        "The second region.",
        location_mode="secondary",
    ),
    _in_account(
        "https://account.z01.blob.storage.azure.net/container/dir/key",
        "An account with a DNS zone.",
        endpoint="https://account.z01.blob.storage.azure.net",
    ),
    _in_account(
        "https://account.blob.core.chinacloudapi.cn/container/dir/key",
        "China.",
        endpoint="https://account.blob.core.chinacloudapi.cn",
    ),
    _in_account(
        "https://account.blob.core.usgovcloudapi.net/container/dir/key",
        "US government.",
        endpoint="https://account.blob.core.usgovcloudapi.net",
    ),
    _in_onelake(f"abfss://workspace@onelake.dfs.{_FABRIC}/{_ITEM_KEY}", "OneLake: a workspace is a container."),
    _in_onelake(f"https://onelake.dfs.{_FABRIC}/workspace/{_ITEM_KEY}", "OneLake."),
    _in_onelake(f"https://onelake.blob.{_FABRIC}/workspace/{_ITEM_KEY}", "OneLake, blob service."),
    _in_onelake(
        f"https://westus-onelake.dfs.{_FABRIC}/workspace/{_ITEM_KEY}", "OneLake of a region.", "westus-onelake"
    ),
    _in_onelake(
        f"https://{_WORKSPACE_ID}.z01.dfs.{_FABRIC}/workspace/{_ITEM_KEY}",
        "OneLake through a private link.",
        f"{_WORKSPACE_ID}.z01",
    ),
    _in_onelake(
        f"https://{_WORKSPACE_ID}.z01.onelake.{_FABRIC}/workspace/{_ITEM_KEY}",
        "The same.",
        f"{_WORKSPACE_ID}.z01",
        "onelake",
    ),
    _in_onelake(
        f"abfss://workspace@{_WORKSPACE_ID}.z01.dfs.{_FABRIC}/{_ITEM_KEY}", "The same.", f"{_WORKSPACE_ID}.z01"
    ),
    _named(
        "http://127.0.0.1:10000/devstoreaccount1/container/dir/key",
        "Azurite, or another emulator on this machine; any port.",
        account_name="devstoreaccount1",
        endpoint="http://127.0.0.1:10000/devstoreaccount1",
        use_emulator=True,
    ),
    refused("az://container:9000/dir/key", "A server is an option: `endpoint`.", "endpoint="),
    refused("az://user:password@container/dir/key", "Credentials are options, not a part of a URL.", "credentials"),
    refused("https://user:password@account.blob.core.windows.net/container/key", "The same.", "credentials"),
    refused("abfss://container@storage.example/dir/key", "A server of your own is an option: `endpoint`.", "endpoint="),
    refused("adl://container@account.azuredatalakestore.net/dir/key", "Data Lake Gen1 is no more.", "Gen1"),
    refused(f"https://api.onelake.{_FABRIC}/workspace/item", "OneLake's management API.", "management API"),
    refused(f"{_ACCOUNT}/container/dir/key?comp=list", "A query that is neither SAS nor `versionid`.", "query (comp)"),
    refused(f"{_ACCOUNT}/container/dir/key#part", "A `#` of the key is written `%23`.", "%23"),
    refused(f"{_ACCOUNT}:8443/container/dir/key", "Azure has no such port.", "no known host"),
    refused("https://account.file.core.windows.net/share/dir/key", "Files, queues and tables are no blobs.", "another"),
    refused(
        "http://127.0.0.1:10000/account/container/dir/key",
        "Other accounts of an emulator: `az://`, `account_name` and `endpoint`. Else it is a web server.",
        "devstoreaccount1",
    ),
    refused(
        "https://account.z6.web.core.windows.net/dir/key",
        "A static website: `from_url` opens it as a web page.",
        "another service",
    ),
    refused(
        "https://storage.example/container/dir/key",
        "Any other server: `az://` and `endpoint`, else `from_url` takes it for a web server.",
        "endpoint='https://storage.example'",
    ),
)
