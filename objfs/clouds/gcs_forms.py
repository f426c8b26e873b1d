"""The URL forms of Google Cloud Storage, by example. Hosts: https://cloud.google.com/storage/docs/request-endpoints."""

from __future__ import annotations

from typing import Final

from objfs.clouds._forms import UrlForm, form, refused

_API: Final = "https://storage.googleapis.com"
_GENERATION: Final = "1712345678901234"

URL_FORMS: Final[tuple[UrlForm, ...]] = (
    form("gs://bucket/dir/key", "The usual one."),
    form("gcs://bucket/dir/key", "The same."),
    form("GS://bucket/dir/key", "The scheme in any case."),
    form("gs://my.domain.example/dir/key", "A bucket named after a domain.", "my.domain.example"),
    form("gs://bucket/dir/a%20b?c", "Nothing is decoded, `?` belongs to the key.", "bucket", "dir/a%20b?c"),
    form(f"gs://bucket/dir/key#{_GENERATION}", "One generation: digits only.", version=_GENERATION, version_aware=True),
    form(
        f"gs://bucket/dir/key?generation={_GENERATION}",
        "The same, as a query.",
        version=_GENERATION,
        version_aware=True,
    ),
    form("gs://bucket/dir/key#part", "Anything else after `#` belongs to the key.", "bucket", "dir/key#part"),
    form(f"{_API}/bucket/dir/key", "Path style. The key is percent-decoded once.", base_url=_API),
    form(
        "http://storage.googleapis.com/bucket/dir/key",
        "Means https: Google is never spoken to without TLS.",
        base_url=_API,
    ),
    form("https://bucket.storage.googleapis.com/dir/key", "The bucket in the host.", base_url=_API),
    form("https://commondatastorage.googleapis.com/bucket/dir/key", "The old host.", base_url=_API),
    form(
        "https://storage.cloud.google.com/bucket/dir/key",
        "As a browser with a login shows it; the API is asked.",
        base_url=_API,
    ),
    form(
        "https://storage.cloud.google.com/bucket/dir/key?authuser=1",
        "The same, with the number of a login.",
        base_url=_API,
    ),
    form(
        "https://storage.mtls.googleapis.com/bucket/dir/key",
        "With client certificates.",
        base_url="https://storage.mtls.googleapis.com",
    ),
    form(
        "https://storage.europe-west3.rep.googleapis.com/bucket/dir/key",
        "Regional endpoint.",
        base_url="https://storage.europe-west3.rep.googleapis.com",
    ),
    form(
        f"{_API}/bucket/dir/key?generation={_GENERATION}",
        "One generation.",
        version=_GENERATION,
        base_url=_API,
        version_aware=True,
    ),
    form(
        f"{_API}/bucket/dir/key?userProject=my-project",
        "The project that pays.",
        base_url=_API,
        requester_pays="my-project",
    ),
    form(f"{_API}/storage/v1/b/bucket/o/dir%2Fkey", "JSON API: `%2F` is a slash.", base_url=_API),
    form(
        f"{_API}/download/storage/v1/b/bucket/o/dir%2Fkey?alt=media&generation={_GENERATION}",
        "JSON API, a download.",
        version=_GENERATION,
        base_url=_API,
        version_aware=True,
    ),
    form(f"{_API}/upload/storage/v1/b/bucket/o?uploadType=media&name=dir/key", "JSON API, an upload.", base_url=_API),
    form("https://www.googleapis.com/storage/v1/b/bucket/o/dir%2Fkey", "JSON API at its old host.", base_url=_API),
    form(_API, "All buckets.", "", "", base_url=_API),
    refused("gs://user:password@bucket/dir/key", "Credentials are options, not a part of a URL.", "credentials"),
    refused("gs://bucket:9000/dir/key", "A server is an option: `endpoint_url`.", "endpoint_url="),
    refused(
        f"{_API}/bucket/dir/key?X-Goog-Signature=0123",
        "A signed URL works as it is only: `fsspec.open(url)`.",
        "a signed URL",
    ),
    refused(f"{_API}/bucket/dir/key?access_token=0123", "A token is an option, too.", "holds credentials"),
    refused(f"{_API}/bucket/dir/key?acl", "A query other than `generation` and `userProject`.", "has a query (acl)"),
    refused(f"{_API}/bucket/dir/key#part", "A `#` of the key is written `%23`.", "%23"),
    refused("https://storage.googleapis.com:8443/bucket/dir/key", "Google has no such port.", "not a known GCS host"),
    refused("https://storage.unknown.googleapis.com/bucket/dir/key", "No endpoint of Google.", "not a known GCS host"),
    refused(
        "https://storage.universe.example/bucket/dir/key",
        "Host of a sovereign cloud: pass its domain as `universe_domain` to `from_url`.",
        "universe_domain=",
    ),
)
