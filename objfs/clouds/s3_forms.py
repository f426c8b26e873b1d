"""The URL forms of S3 and R2, by example. Hosts: https://docs.aws.amazon.com/general/latest/gr/s3.html."""

from __future__ import annotations

from typing import Final

from objfs.clouds._forms import UrlForm, form, refused

_ACCOUNT: Final = "0123456789abcdef0123456789abcdef"
_R2: Final = "r2.cloudflarestorage.com"
_ARN: Final = "arn:aws:s3:us-west-2:123456789012:accesspoint"
_OUTPOST: Final = "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01ac5d28a6a232904"
_LAMBDA: Final = "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/name"
_MULTI_REGION: Final = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
_CHINA: Final = "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/name"
_GOV: Final = "arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/name"

URL_FORMS: Final[tuple[UrlForm, ...]] = (
    form("s3://bucket/dir/key", "The usual one."),
    form("s3a://bucket/dir/key", "As Hadoop writes it."),
    form("s3n://bucket/dir/key", "As old Hadoop wrote it; for `from_url` only."),
    form("S3://bucket/dir/key", "The scheme in any case."),
    form("s3://bucket/dir/a%20b?c#d", "Nothing is decoded, `?` and `#` belong to the key.", "bucket", "dir/a%20b?c#d"),
    form("s3://bucket/dir/key?versionId=V", "One version.", version="V", version_aware=True),
    form("s3://my.dotted.bucket/dir/key", "A name with dots.", "my.dotted.bucket"),
    form("s3://bkt--usw2-az1--x-s3/dir/key", "Directory bucket (S3 Express).", "bkt--usw2-az1--x-s3"),
    form("s3://alias-s3alias/dir/key", "Alias of an access point.", "alias-s3alias"),
    form(f"s3://{_ARN}/name/dir/key", "ARN of an access point.", f"{_ARN}/name"),
    form(f"s3://{_ARN}:name/dir/key", "The same with a colon.", f"{_ARN}:name"),
    form(f"s3://{_MULTI_REGION}/dir/key", "Multi-region access point.", _MULTI_REGION),
    form(f"s3://{_OUTPOST}/accesspoint/name/dir/key", "Access point of an outpost.", f"{_OUTPOST}/accesspoint/name"),
    form(f"s3://{_OUTPOST}/bucket/name/dir/key", "Bucket of an outpost.", f"{_OUTPOST}/bucket/name"),
    form(f"s3://{_LAMBDA}/dir/key", "Object Lambda.", _LAMBDA),
    form(
        "https://s3.eu-west-1.amazonaws.com/bucket/dir/key",
        "Path style. The key is percent-decoded once.",
        region="eu-west-1",
    ),
    form(
        "http://s3.eu-west-1.amazonaws.com/bucket/dir/key",
        "Means https: AWS is never spoken to without TLS.",
        region="eu-west-1",
    ),
    form("https://s3.amazonaws.com/bucket/dir/key", "Path style at the global host.", region="us-east-1"),
    form("https://s3-eu-west-1.amazonaws.com/bucket/dir/key", "Path style, old.", region="eu-west-1"),
    form("https://s3-external-1.amazonaws.com/bucket/dir/key", "The same for us-east-1.", region="us-east-1"),
    form("https://bucket.s3.eu-west-1.amazonaws.com/dir/key", "Virtual-hosted.", region="eu-west-1"),
    form("https://bucket.s3.amazonaws.com/dir/key", "Virtual-hosted, global: no region."),
    form("https://bucket.s3-eu-west-1.amazonaws.com/dir/key", "Virtual-hosted, old.", region="eu-west-1"),
    form(
        "https://bucket.s3.eu-west-1.amazonaws.com/dir/key?versionId=V",
        "One version.",
        version="V",
        region="eu-west-1",
        version_aware=True,
    ),
    form(
        "https://my.dotted.bucket.s3.eu-west-1.amazonaws.com/dir/key",
        "A name with dots is asked for in path style, as no certificate covers it.",
        "my.dotted.bucket",
        region="eu-west-1",
        virtual_hosted_style_request=False,
    ),
    form(
        "https://s3.dualstack.eu-west-1.amazonaws.com/bucket/dir/key",
        "Dual-stack.",
        region="eu-west-1",
        use_dualstack_endpoint=True,
    ),
    form(
        "https://bucket.s3.dualstack.eu-west-1.amazonaws.com/dir/key",
        "Dual-stack, virtual-hosted.",
        region="eu-west-1",
        use_dualstack_endpoint=True,
    ),
    form("https://s3-fips.us-east-2.amazonaws.com/bucket/dir/key", "FIPS.", region="us-east-2", use_fips_endpoint=True),
    form(
        "https://bucket.s3-fips.us-east-2.amazonaws.com/dir/key",
        "FIPS, virtual-hosted.",
        region="us-east-2",
        use_fips_endpoint=True,
    ),
    form(
        "https://bucket.s3-fips.dualstack.us-east-2.amazonaws.com/dir/key",
        "FIPS and dual-stack.",
        region="us-east-2",
        use_fips_endpoint=True,
        use_dualstack_endpoint=True,
    ),
    form("https://bucket.s3-accelerate.amazonaws.com/dir/key", "Transfer acceleration.", use_accelerate_endpoint=True),
    form(
        "https://bucket.s3-accelerate.dualstack.amazonaws.com/dir/key",
        "Transfer acceleration, dual-stack.",
        use_accelerate_endpoint=True,
        use_dualstack_endpoint=True,
    ),
    form("https://s3.us-gov-west-1.amazonaws.com/bucket/dir/key", "GovCloud.", region="us-gov-west-1"),
    form(
        "https://s3.cn-north-1.amazonaws.com.cn/bucket/dir/key",
        "China.",
        region="cn-north-1",
        endpoint="https://s3.cn-north-1.amazonaws.com.cn",
    ),
    form(
        "https://bucket.s3.cn-north-1.amazonaws.com.cn/dir/key",
        "China, virtual-hosted.",
        region="cn-north-1",
        endpoint="https://s3.cn-north-1.amazonaws.com.cn",
    ),
    form(
        "https://bucket.s3.dualstack.cn-north-1.amazonaws.com.cn/dir/key",
        "China, dual-stack.",
        region="cn-north-1",
        endpoint="https://s3.dualstack.cn-north-1.amazonaws.com.cn",
    ),
    form(
        "https://name-123456789012.s3-accesspoint.us-west-2.amazonaws.com/dir/key",
        "Host of an access point.",
        f"{_ARN}/name",
        region="us-west-2",
    ),
    form(
        "https://name-123456789012.s3-accesspoint-fips.dualstack.us-gov-west-1.amazonaws.com/dir/key",
        "The same, with FIPS and dual-stack.",
        _GOV,
        region="us-gov-west-1",
        use_fips_endpoint=True,
        use_dualstack_endpoint=True,
    ),
    form(
        "https://name-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn/dir/key",
        "The same, in China.",
        _CHINA,
        region="cn-north-1",
    ),
    form(
        f"https://s3.us-west-2.amazonaws.com/{_ARN}:name/dir/key",
        "ARN in path style.",
        f"{_ARN}:name",
        region="us-west-2",
    ),
    form(
        f"https://{_ACCOUNT}.{_R2}/bucket/dir/key",
        "Cloudflare R2.",
        region="auto",
        endpoint=f"https://{_ACCOUNT}.{_R2}",
    ),
    form(
        f"https://{_ACCOUNT}.eu.{_R2}/bucket/dir/key",
        "R2, jurisdiction `eu`.",
        region="auto",
        endpoint=f"https://{_ACCOUNT}.eu.{_R2}",
    ),
    form(
        f"https://{_ACCOUNT}.fedramp.{_R2}/bucket/dir/key",
        "R2, jurisdiction `fedramp`.",
        region="auto",
        endpoint=f"https://{_ACCOUNT}.fedramp.{_R2}",
    ),
    form(
        f"https://bucket.{_ACCOUNT}.{_R2}/dir/key",
        "R2, virtual-hosted.",
        region="auto",
        endpoint=f"https://{_ACCOUNT}.{_R2}",
    ),
    form(
        f"https://bucket.{_ACCOUNT}.eu.{_R2}/dir/key",
        "R2, virtual-hosted, with its jurisdiction.",
        region="auto",
        endpoint=f"https://{_ACCOUNT}.eu.{_R2}",
    ),
    form("https://s3.eu-west-1.amazonaws.com", "All buckets.", "", "", region="eu-west-1"),
    refused("s3://user:password@bucket/dir/key", "Credentials are options, not a part of a URL.", "credentials"),
    refused("s3://bucket:9000/dir/key", "A server is an option: `endpoint`.", "endpoint="),
    refused("s3://arn:aws:s3:::bucket/dir/key", "A bucket goes by its name.", "not the ARN of an access point"),
    refused("s3+ddb://bucket/key?ddbTableName=t", "Lance's commit protocol; its objects are at `s3://`.", "Lance"),
    refused(
        "https://bucket.s3.amazonaws.com/dir/key?X-Amz-Signature=0123",
        "A presigned URL works as it is only: `fsspec.open(url)`.",
        "presigned",
    ),
    refused("https://bucket.s3.amazonaws.com/dir/key?acl", "A query other than `versionId`.", "only one versionId"),
    refused("https://bucket.s3.amazonaws.com/dir/key#part", "A `#` of the key is written `%23`.", "%23"),
    refused("https://s3.eu-west-1.amazonaws.com:8443/bucket/dir/key", "AWS has no such port.", "not a known S3 host"),
    refused("https://s3.cn-north-1.amazonaws.com/bucket/dir/key", "China has `.com.cn`.", "not a known S3 host"),
    refused(
        "https://m.mrap.accesspoint.s3-global.amazonaws.com/dir/key",
        "Multi-region access points go by their ARN.",
        "s3://ARN/key",
    ),
    refused(f"https://{_ACCOUNT}.us.{_R2}/bucket/dir/key", "An unknown jurisdiction.", "not a known S3 host"),
    refused(
        "https://bucket.s3-website-us-east-1.amazonaws.com/dir/key",
        "A static website: no S3, so `from_url` opens it as a web page.",
        "static website",
    ),
    refused(
        "https://minio.example:9000/bucket/dir/key",
        "Any other server: `s3://` and `endpoint`, else `from_url` takes it for a web server.",
        "endpoint='https://minio.example:9000'",
    ),
)
