"""Resolved settings of S3 in the words of each backend: everything explicit, so that neither reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from objfs.clouds import s3_hosts as hosts
from objfs.clouds._backends import arguments_at, unspoken
from objfs.clouds._cloud import StoreArguments
from objfs.clouds.s3_resolve import DEFAULT_REGION, resolve
from objfs.options import Origin, Settings

__all__ = ["resolve", "sdk_keywords", "store_arguments", "store_refusal", "write_parameters"]

# Said even where nobody did: obstore would take each of them from the environment.
CONFIG_DEFAULTS: Final[Mapping[str, Any]] = {
    "conditional_put": "etag",
    "disable_bulk_delete": False,
    "disable_tagging": False,
    "request_payer": False,
    "unsigned_payload": False,
}

# Likewise for s3fs, whose constructor takes what is missing from fsspec's configuration.
SDK_DEFAULTS: Final[Mapping[str, Any]] = {
    "anon": False,
    "cache_regions": False,
    "default_block_size": None,
    "default_cache_type": "readahead",
    "default_fill_cache": True,
    "endpoint_url": None,
    "fixed_upload_size": False,
    "local_expiry_check": False,
    "max_concurrency": 10,
    "requester_pays": False,
    "use_ssl": True,
    "version_aware": False,
}

# Credentials reach s3fs through the session that it is given.
_SDK_CREDENTIALS: Final = ("key", "secret", "token", "profile", "session")
_STORE_CHECKSUMS: Final = ("SHA256", "CRC64NVME")
_STORE_SIGNATURES: Final = ("s3v4", "v4")
_WRITE_PREFIX: Final = "s3_additional_kwargs."
_WRITE_WORDS: Final = (
    "ContentType",
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "Metadata",
    "Tagging",
)


def store_arguments(settings: Settings, bucket: str) -> StoreArguments:
    """Everything that obstore needs to know to build the store of one bucket: `_backends.arguments_at` says more."""
    endpoint, virtual = _bucket_endpoint(settings, bucket)
    own = {
        "region": settings.value("region", DEFAULT_REGION),
        "aws_endpoint_url_s3": endpoint,
        "virtual_hosted_style_request": virtual,
        "skip_signature": bool(settings.value("skip_signature", False)),
        "s3_express": _uses_express_sessions(settings, bucket),
    }
    return arguments_at(endpoint, settings, bucket, defaults=CONFIG_DEFAULTS, own=own)


def sdk_keywords(settings: Settings) -> dict[str, Any]:
    """The keywords of s3fs's constructor, without credentials: the caller adds a session that holds them.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.

    Returns
    -------
    dict
        Also what s3fs would choose itself. ``client_kwargs["verify"]`` and the proxies' ``proxy_ca_bundle`` are PEM
        text where the caller gave text: botocore wants it in a file.
    """
    keywords: dict[str, Any] = {**SDK_DEFAULTS, **settings.for_sdk()}
    for name in _SDK_CREDENTIALS:
        keywords.pop(name, None)
    client, config, extra = (
        dict(keywords.get(name, {})) for name in ("client_kwargs", "config_kwargs", "s3_additional_kwargs")
    )
    endpoint = settings.value("endpoint")
    if endpoint is not None:
        keywords["use_ssl"] = endpoint.startswith("https:")
        virtual = settings.value("virtual_hosted_style_request", False)
        config["s3"] = {**config.get("s3", {}), "addressing_style": "virtual" if virtual else "path"}
    if _looks_up_regions(settings):
        client.pop("region_name", None)
    if "root_certificate" in settings and not settings.value("allow_invalid_certificates", False):
        client["verify"] = str(settings.value("root_certificate"))
    config["ignore_configured_endpoint_urls"] = True
    for name in ("use_dualstack_endpoint", "use_fips_endpoint"):
        config[name] = bool(settings.value(name, False))
    if "sse_customer_key_base64" in settings:
        extra["SSECustomerAlgorithm"] = "AES256"
    if "s3_additional_kwargs.ContentType" in settings:
        extra["ContentType"] = settings.value("s3_additional_kwargs.ContentType")
    # A signer of the caller's own replaces botocore's signature.
    keywords["anon"] = keywords["anon"] or "request_signer" in settings
    return {**keywords, "client_kwargs": client, "config_kwargs": config, "s3_additional_kwargs": extra}


def store_refusal(settings: Settings, bucket: str) -> str | None:
    """Why obstore cannot serve a bucket with these settings exactly; None where it can.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.
    bucket
        Empty for the root.
    """
    checksum, signature = settings.value("checksum_algorithm"), settings.value("signature_version")
    if not bucket:
        return "no bucket is named"
    if bucket.startswith("arn:"):
        return "the bucket is named by an ARN"
    if bucket.endswith(hosts.FOREIGN_SUFFIXES):
        return "the bucket is the alias of an access point with a host of its own"
    wordless = unspoken(settings)
    if wordless is not None:
        return wordless
    if checksum is not None and checksum not in _STORE_CHECKSUMS:
        return f"the data plane cannot compute {checksum} checksums"
    if signature is not None and signature not in _STORE_SIGNATURES:
        return f"the data plane cannot sign with {signature}"
    if settings.value("use_accelerate_endpoint") and not hosts.fits_in_host(bucket):
        return "S3 Transfer Acceleration needs a bucket whose name fits into a host"
    if _looks_up_regions(settings):
        return "cache_regions looks the region of each bucket up"
    if bucket.endswith(hosts.EXPRESS_SUFFIX) and not _uses_express_sessions(settings, bucket):
        return "the data plane cannot reach a directory bucket without sessions, or at another endpoint"
    return None


def write_parameters(settings: Settings) -> dict[str, Any]:
    """What the settings say of everything that is written, as keywords of boto's put calls.

    Returns
    -------
    dict
        Keys of ``WRITE_ATTRIBUTES``, ``Metadata`` (a mapping) and ``Tagging`` (a query string). A call's own keywords
        go before.
    """
    found = {word: settings.value(_WRITE_PREFIX + word) for word in _WRITE_WORDS}
    found["StorageClass"] = settings.value("storage_class")
    return {word: value for word, value in found.items() if value is not None}


def _bucket_endpoint(settings: Settings, bucket: str) -> tuple[str, bool]:
    """Where obstore finds the bucket, and whether the bucket is already part of that host."""
    endpoint, virtual = settings.value("endpoint"), settings.value("virtual_hosted_style_request", False)
    if endpoint is None:
        host, virtual = _aws_host(settings, bucket)
        endpoint = f"{'https' if settings.value('use_ssl', True) else 'http'}://{host}"
    else:
        endpoint = (virtual and hosts.without_bucket(endpoint, bucket)) or endpoint
    if not virtual or not hosts.can_hold(endpoint, bucket):
        return endpoint, False
    return hosts.with_bucket(endpoint, bucket), True


def _aws_host(settings: Settings, bucket: str) -> tuple[str, bool]:
    """AWS's host, without the bucket, and whether the bucket goes into it."""
    region = settings.value("region", DEFAULT_REGION)
    dualstack, fips = (bool(settings.value(f"use_{name}_endpoint", False)) for name in ("dualstack", "fips"))
    express = hosts.express_host(bucket, region)
    if express is not None:
        return express, True
    if settings.value("use_accelerate_endpoint"):
        return hosts.accelerate_host(dualstack=dualstack), True
    virtual = settings.value("virtual_hosted_style_request", False)
    return hosts.default_host(region, dualstack=dualstack, fips=fips), virtual


def _uses_express_sessions(settings: Settings, bucket: str) -> bool:
    """Directory buckets have sessions; obstore opens them at AWS whatever the endpoint, so others get none."""
    if hosts.express_host(bucket, "") is None or "endpoint" in settings:
        return False
    return bool(settings.value("s3_express", True))


def _looks_up_regions(settings: Settings) -> bool:
    """Whether s3fs is to find the region of each bucket; it does so where it is told neither region nor endpoint."""
    region = settings.get("region")
    told = (region is not None and region.origin is not Origin.DEFAULT) or "endpoint" in settings
    return bool(settings.value("cache_regions", False)) and not told
