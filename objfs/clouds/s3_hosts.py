"""Hosts of S3: which one serves a region, how a bucket gets into it, and what an endpoint must look like."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from objfs.clouds._endpoints import is_address

# First letters of a region to the domain of its partition; botocore's partitions.json says the same.
PARTITION_DOMAINS: Final = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
)
DOMAIN: Final = "amazonaws.com"

EXPRESS_SUFFIX: Final = "--x-s3"
# Aliases of access points on Outposts and of Object Lambda have hosts of their own.
FOREIGN_SUFFIXES: Final = ("--op-s3", "--ol-s3")

# Patterns as text: most programs need none of them, and re compiles what is used.
_EXPRESS_ZONE: Final = r"--(?P<zone>[^-]+-[^-]+)--x-s3\Z"
_HOST_LABEL: Final = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
_REGION: Final = r"[A-Za-z0-9-]+"
_AWS_BUCKET_HOST: Final = (
    r"(?P<bucket>.+)\.(?P<host>s3(?:-fips)?(?:\.dualstack)?(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?)"
)


def partition_domain(region: str) -> str:
    """The domain under which the services of a region live."""
    return next((domain for start, domain in PARTITION_DOMAINS if region.startswith(start)), DOMAIN)


def default_host(region: str, *, dualstack: bool = False, fips: bool = False) -> str:
    """The host of S3 in a region of AWS (https://docs.aws.amazon.com/general/latest/gr/s3.html).

    Raises
    ------
    ValueError
        The region cannot stand in a host name.
    """
    if not re.fullmatch(_REGION, region):
        msg = f"{region!r} is not an AWS region; a server of your own needs endpoint= as well"
        raise ValueError(msg)
    return f"s3{'-fips' if fips else ''}{'.dualstack' if dualstack else ''}.{region}.{partition_domain(region)}"


def accelerate_host(*, dualstack: bool = False) -> str:
    """The host of S3 Transfer Acceleration, without the bucket."""
    return f"s3-accelerate{'.dualstack' if dualstack else ''}.{DOMAIN}"


def express_host(bucket: str, region: str) -> str | None:
    """The host of a directory bucket, without the bucket; None where its name holds no zone."""
    zone = re.search(_EXPRESS_ZONE, bucket)
    return f"s3express-{zone['zone']}.{region}.{partition_domain(region)}" if zone else None


def fits_in_host(bucket: str) -> bool:
    """Whether a bucket can be the first label of a host; one with a dot would not match the certificate."""
    return re.fullmatch(_HOST_LABEL, bucket) is not None


def can_hold(endpoint: str, bucket: str) -> bool:
    """Whether the bucket can be part of the endpoint's host."""
    return fits_in_host(bucket) and not is_address(urlsplit(endpoint).hostname or "")


def with_bucket(endpoint: str, bucket: str) -> str:
    """``scheme://bucket.host[:port]/path``."""
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(netloc=f"{bucket}.{parts.netloc}"))


def without_bucket(endpoint: str, bucket: str) -> str | None:
    """The endpoint without the bucket at its beginning; None where it is not there."""
    parts = urlsplit(endpoint)
    rest = parts.netloc.removeprefix(f"{bucket}.")
    return urlunsplit(parts._replace(netloc=rest)) if bucket and rest != parts.netloc else None


def without_aws_bucket(endpoint: str) -> str | None:
    """An endpoint of AWS without the bucket in it; None where there is none, or the host is not one of AWS."""
    parts = urlsplit(endpoint)
    match = re.fullmatch(_AWS_BUCKET_HOST, parts.netloc.lower())
    return urlunsplit(parts._replace(netloc=match["host"])) if match else None


def is_r2(endpoint: str | None) -> bool:
    """Whether an endpoint is one of Cloudflare R2, which knows one region and wants parts of one size."""
    return (urlsplit(endpoint or "").hostname or "").endswith(".r2.cloudflarestorage.com")
