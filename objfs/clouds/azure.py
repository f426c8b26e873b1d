"""Azure Blob Storage, Azure Data Lake Storage and OneLake, as one value."""

from __future__ import annotations

from typing import Final

from objfs.clouds._cloud import Cloud
from objfs.clouds.azure_backends import native_config, sdk_keywords, store_arguments, store_refusal, write_parameters
from objfs.clouds.azure_calls import (
    COPY_BYTES,
    DATA_KEYWORDS,
    ERRORS,
    PARTS,
    PERMISSIONS,
    READ_KEYWORDS,
    SIGNING,
    WORDS,
    attributes,
    content_type,
    exclusive_copy,
    info,
)
from objfs.clouds.azure_hosts import API_HOSTS
from objfs.clouds.azure_resolve import resolve
from objfs.clouds.azure_rows import TABLE
from objfs.clouds.azure_urls import (
    AZURE_SCHEMES,
    check_url,
    key_refusal,
    parse_azure_url,
    split_azure_path,
    split_version,
    strip,
    unsplit,
    url_keywords,
)

__all__ = ["AZURE"]

AZURE: Final = Cloud(
    name="azure",
    schemes=AZURE_SCHEMES,
    extra="azure",
    table=TABLE,
    credential_options=("account_key", "sas_key", "token", "expires_at"),
    # adlfs's own order. Its timeout is that of the server: here the name means the whole request, on all clouds.
    positional=(
        "account_name",
        "account_key",
        "connection_string",
        "credential",
        "sas_token",
        "request_session",
        "socket_timeout",
        "blocksize",
        "client_id",
        "client_secret",
        "tenant_id",
        "anon",
        "location_mode",
        "loop",
        "asynchronous",
        "default_fill_cache",
        "default_cache_type",
        "version_aware",
        "assume_container_exists",
        "max_concurrency",
        "server_timeout",
        "connection_timeout",
        "read_timeout",
        "account_host",
    ),
    strip=strip,
    split=split_azure_path,
    parse_url=parse_azure_url,
    resolve=resolve,
    store_arguments=store_arguments,
    native_config=native_config,
    sdk_keywords=sdk_keywords,
    store_refusal=store_refusal,
    write_parameters=write_parameters,
    sufficient=(("token",), ("account_key",), ("sas_key",)),
    store_class="AzureStore",
    read_keywords=READ_KEYWORDS,
    data_keywords=DATA_KEYWORDS,
    content_type=content_type,
    attributes=attributes,
    parts=PARTS,
    copy_bytes=COPY_BYTES,
    suffix_ranges=False,
    errors=ERRORS,
    url_keywords=url_keywords,
    split_version=split_version,
    with_version=unsplit,
    check_url=check_url,
    condition="e_tag",
    listed_state="etag",
    info=info,
    words=WORDS,
    signing=SIGNING,
    permissions=PERMISSIONS,
    uploads_begin=False,
    exclusive_copy=exclusive_copy,
    api_hosts=API_HOSTS,
    key_refusal=key_refusal,
    # A batch of one: the answer to the first request is lost, and the second one's 404 is within a good answer.
    hides_repetition=True,
)
