"""Hosts of S3: partitions, variants, buckets in hosts, and endpoints as people write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from objfs.clouds import s3_hosts as hosts
from objfs.clouds._endpoints import complete_endpoint


@pytest.mark.parametrize(
    ("region", "variant", "host"),
    [
        pytest.param("eu-west-1", {}, "s3.eu-west-1.amazonaws.com", id="commercial"),
        pytest.param("us-gov-west-1", {}, "s3.us-gov-west-1.amazonaws.com", id="government"),
        pytest.param("cn-north-1", {}, "s3.cn-north-1.amazonaws.com.cn", id="china"),
        pytest.param("us-iso-east-1", {}, "s3.us-iso-east-1.c2s.ic.gov", id="iso"),
        pytest.param("us-isob-east-1", {}, "s3.us-isob-east-1.sc2s.sgov.gov", id="iso-b"),
        pytest.param("eusc-de-east-1", {}, "s3.eusc-de-east-1.amazonaws.eu", id="european-sovereign"),
        pytest.param("eu-west-1", {"dualstack": True}, "s3.dualstack.eu-west-1.amazonaws.com", id="dualstack"),
        pytest.param("us-east-1", {"fips": True}, "s3-fips.us-east-1.amazonaws.com", id="fips"),
        pytest.param(
            "us-east-1", {"fips": True, "dualstack": True}, "s3-fips.dualstack.us-east-1.amazonaws.com", id="both"
        ),
    ],
)
def test_default_host_follows_partition_and_variant(region, variant, host):
    """obstore itself knows one partition and no variant."""
    assert hosts.default_host(region, **variant) == host


def test_partition_domains_are_those_of_botocore():
    """A new partition of AWS is noticed here."""
    botocore = pytest.importorskip("botocore")
    data = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())
    for partition in data["partitions"]:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                assert hosts.partition_domain(region) == partition["outputs"]["dnsSuffix"], region


@pytest.mark.parametrize("region", ["", "evil.example/", "eu west 1", "a@b"])
def test_default_host_refuses_what_cannot_stand_in_a_host(region):
    """A region is not a way to another host."""
    with pytest.raises(ValueError, match="is not an AWS region"):
        hosts.default_host(region)


@pytest.mark.parametrize(
    ("dualstack", "host"),
    [(False, "s3-accelerate.amazonaws.com"), (True, "s3-accelerate.dualstack.amazonaws.com")],
)
def test_accelerate_host_knows_dualstack(dualstack, host):
    """Without the bucket."""
    assert hosts.accelerate_host(dualstack=dualstack) == host


@pytest.mark.parametrize(
    ("bucket", "host"),
    [
        ("bkt--usw2-az1--x-s3", "s3express-usw2-az1.us-west-2.amazonaws.com"),
        ("a--b--use1-az4--x-s3", "s3express-use1-az4.us-west-2.amazonaws.com"),
        ("bkt--x-s3", None),
        ("bkt", None),
    ],
)
def test_express_host_reads_the_zone_of_a_directory_bucket(bucket, host):
    """The zone is the last part before the suffix."""
    assert hosts.express_host(bucket, "us-west-2") == host


@pytest.mark.parametrize(
    ("bucket", "fits"),
    [("bkt", True), ("my-bucket-1", True), ("my.dotted", False), ("Upper", False), ("a_b", False), ("ab", False)],
)
def test_fits_in_host_is_for_plain_labels(bucket, fits):
    """A dot would break the certificate, other characters the host."""
    assert hosts.fits_in_host(bucket) is fits


@pytest.mark.parametrize(
    ("given", "tls", "expected"),
    [
        pytest.param("https://h:9000", None, "https://h:9000", id="complete"),
        pytest.param("HTTP://h", None, "http://h", id="scheme-in-capitals"),
        pytest.param("https://h/", None, "https://h", id="slash"),
        pytest.param("https://h/a/b/", None, "https://h/a/b", id="path"),
        pytest.param(" https://h ", None, "https://h", id="spaces"),
        pytest.param("minio.example:9000", None, "https://minio.example:9000", id="bare"),
        pytest.param("minio.example/base", None, "https://minio.example/base", id="bare-with-path"),
        pytest.param("localhost:9000", None, "http://localhost:9000", id="bare-localhost"),
        pytest.param("s3.localhost", None, "http://s3.localhost", id="bare-below-localhost"),
        pytest.param("127.0.0.1:9000", None, "http://127.0.0.1:9000", id="bare-address"),
        pytest.param("[::1]:9000", None, "http://[::1]:9000", id="bare-ipv6-address"),
        pytest.param("localhost:9000", True, "https://localhost:9000", id="bare-with-tls"),
        pytest.param("minio.example", False, "http://minio.example", id="bare-without-tls"),
        pytest.param("https://h", False, "https://h", id="a-scheme-stays"),
    ],
)
def test_complete_endpoint_adds_what_is_missing(given, tls, expected):
    """https, but for servers that are plainly local."""
    assert complete_endpoint(given, tls=tls) == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param("", "expected https", id="empty"),
        pytest.param("https://", "expected https", id="no-host"),
        pytest.param("ftp://h", "expected https", id="other-scheme"),
        pytest.param("https://h:port", "not valid", id="bad-port"),
        pytest.param("https://[::1", "not valid", id="bad-address"),
        pytest.param("https://user:hunter2@h", "credentials", id="credentials"),
        pytest.param("https://h?x=hunter2", "no query", id="query"),
        pytest.param("https://h#hunter2", "no fragment", id="fragment"),
    ],
)
def test_complete_endpoint_refuses_what_is_none(given, told):
    """Without showing it."""
    with pytest.raises(ValueError, match=told) as caught:
        complete_endpoint(given, tls=None)
    assert "hunter2" not in str(caught.value)


def test_bucket_goes_into_a_host_and_out_of_it():
    """Port and path stay."""
    assert hosts.with_bucket("http://h:9000/base", "bkt") == "http://bkt.h:9000/base"
    assert hosts.without_bucket("http://bkt.h:9000/base", "bkt") == "http://h:9000/base"
    assert hosts.without_bucket("http://bkt2.h", "bkt") is None
    assert hosts.without_bucket("http://.h", "") is None


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://bkt.s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"),
        ("https://my.bkt.s3.amazonaws.com", "https://s3.amazonaws.com"),
        ("https://bkt.s3-fips.dualstack.us-east-1.amazonaws.com", "https://s3-fips.dualstack.us-east-1.amazonaws.com"),
        ("https://bkt.s3.cn-north-1.amazonaws.com.cn", "https://s3.cn-north-1.amazonaws.com.cn"),
        ("https://s3.eu-west-1.amazonaws.com", None),
        ("https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", None),
        ("https://bkt.minio.example", None),
    ],
)
def test_without_aws_bucket_knows_the_hosts_of_aws(endpoint, expected):
    """Any other host may begin with any word."""
    assert hosts.without_aws_bucket(endpoint) == expected


@pytest.mark.parametrize(
    ("endpoint", "r2"),
    [
        ("https://0123.r2.cloudflarestorage.com", True),
        ("https://0123.eu.r2.cloudflarestorage.com", True),
        ("https://r2.cloudflarestorage.com.example", False),
        (None, False),
    ],
)
def test_is_r2_knows_the_hosts_of_cloudflare(endpoint, r2):
    """In every jurisdiction."""
    assert hosts.is_r2(endpoint) is r2
