"""Google Cloud Storage, as one value."""

from __future__ import annotations

from typing import Final

from objfs.clouds._cloud import Cloud
from objfs.clouds.gcs_backends import native_config, sdk_keywords, store_arguments, store_refusal, write_parameters
from objfs.clouds.gcs_calls import (
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
from objfs.clouds.gcs_resolve import resolve
from objfs.clouds.gcs_rows import TABLE
from objfs.clouds.gcs_urls import (
    API_HOSTS,
    GCS_SCHEMES,
    at_any_place,
    parse_gcs_url,
    split_gcs_path,
    split_version,
    url_keywords,
    with_version,
)
from objfs.urls import strip_scheme

__all__ = ["GCS"]

GCS: Final = Cloud(
    name="gcs",
    schemes=GCS_SCHEMES,
    extra="gcs",
    table=TABLE,
    credential_options=("bearer_token", "expires_at"),
    positional=(
        "project",
        "access",
        "token",
        "block_size",
        "consistency",
        "cache_timeout",
        "secure_serialize",
        "check_connection",
        "requests_timeout",
        "requester_pays",
        "asynchronous",
        "session_kwargs",
        "loop",
        "timeout",
        "endpoint_url",
        "default_location",
        "version_aware",
    ),
    strip=strip_scheme,
    split=split_gcs_path,
    parse_url=parse_gcs_url,
    resolve=resolve,
    store_arguments=store_arguments,
    native_config=native_config,
    sdk_keywords=sdk_keywords,
    store_refusal=store_refusal,
    write_parameters=write_parameters,
    sufficient=(("bearer_token",),),
    store_class="GCSStore",
    read_keywords=READ_KEYWORDS,
    data_keywords=DATA_KEYWORDS,
    content_type=content_type,
    attributes=attributes,
    parts=PARTS,
    copy_bytes=None,
    suffix_ranges=True,
    errors=ERRORS,
    url_keywords=url_keywords,
    split_version=split_version,
    with_version=with_version,
    check_url=at_any_place,
    condition="version",
    listed_state="generation",
    info=info,
    words=WORDS,
    signing=SIGNING,
    permissions=PERMISSIONS,
    uploads_begin=True,
    exclusive_copy=exclusive_copy,
    unsigned_writes="obstore sends an empty token with all that changes something",
    api_hosts=API_HOSTS,
    url_settings=("universe_domain",),
    # gcsfs's option may be many things; obstore's and polars's credentials hold an access token under this name.
    answers={"token": "bearer_token"},
)
