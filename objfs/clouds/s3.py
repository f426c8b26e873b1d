"""S3 and what speaks its protocol, as one value."""

from __future__ import annotations

from typing import Final

from objfs.clouds._cloud import Cloud
from objfs.clouds.s3_backends import sdk_keywords, store_arguments, store_refusal, write_parameters
from objfs.clouds.s3_calls import (
    COPY_BYTES,
    DATA_KEYWORDS,
    ERRORS,
    PARTS,
    PERMISSIONS,
    READ_KEYWORDS,
    SIGNING,
    WORDS,
    at_any_place,
    attributes,
    content_type,
    exclusive_copy,
    info,
    nothing,
    url_keywords,
)
from objfs.clouds.s3_request_rows import WRITE_ATTRIBUTES
from objfs.clouds.s3_resolve import resolve
from objfs.clouds.s3_rows import TABLE
from objfs.clouds.s3_urls import API_HOSTS, parse_s3_url, split_s3_path, split_version, unsplit
from objfs.urls import strip_scheme

__all__ = ["S3", "WRITE_ATTRIBUTES", "write_parameters"]

S3: Final = Cloud(
    name="s3",
    schemes=("s3", "s3a"),
    extra="s3",
    table=TABLE,
    credential_options=("access_key_id", "secret_access_key", "session_token", "expires_at"),
    positional=(
        "anon",
        "endpoint_url",
        "key",
        "secret",
        "token",
        "use_ssl",
        "client_kwargs",
        "requester_pays",
        "default_block_size",
        "default_fill_cache",
        "default_cache_type",
        "version_aware",
        "config_kwargs",
        "s3_additional_kwargs",
        "session",
        "username",
        "password",
        "cache_regions",
        "asynchronous",
        "loop",
        "max_concurrency",
        "fixed_upload_size",
        "local_expiry_check",
    ),
    strip=strip_scheme,
    split=split_s3_path,
    parse_url=parse_s3_url,
    resolve=resolve,
    store_arguments=store_arguments,
    native_config=nothing,
    sdk_keywords=sdk_keywords,
    store_refusal=store_refusal,
    write_parameters=write_parameters,
    sufficient=(("access_key_id", "secret_access_key"),),
    store_class="S3Store",
    read_keywords=READ_KEYWORDS,
    data_keywords=DATA_KEYWORDS,
    content_type=content_type,
    attributes=attributes,
    parts=PARTS,
    copy_bytes=COPY_BYTES,
    suffix_ranges=True,
    errors=ERRORS,
    url_keywords=url_keywords,
    split_version=split_version,
    with_version=unsplit,
    check_url=at_any_place,
    condition="e_tag",
    listed_state="ETag",
    info=info,
    words=WORDS,
    signing=SIGNING,
    permissions=PERMISSIONS,
    uploads_begin=True,
    exclusive_copy=exclusive_copy,
    api_hosts=API_HOSTS,
)
