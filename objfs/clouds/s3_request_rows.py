"""Option rows of S3 that change what is asked of the server and what is stored."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from objfs.casts import as_bool
from objfs.options import Option

# Keyword of boto's put calls to the attribute of the data plane. Metadata and Tagging are no single headers: the
# writer takes them apart.
WRITE_ATTRIBUTES: Final[Mapping[str, str]] = {
    "ContentType": "Content-Type",
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
    "StorageClass": "Storage-Class",
}

_ICEBERG_ENCRYPTION: Final = {
    "none": None,
    "kms": "aws:kms",
    "dsse-kms": "aws:kms:dsse",
    "s3": "AES256",
    "custom": "sse-c",
}


def payer(value: Any) -> bool:
    """The boto and object_store word for "the requester pays", or a boolean."""
    return str(value).strip().lower() == "requester" or as_bool(value)


def iceberg_encryption(value: Any) -> str | None:
    """Iceberg's names of the kinds of encryption."""
    try:
        return _ICEBERG_ENCRYPTION[str(value).strip().lower()]
    except KeyError:
        msg = f"expected one of {', '.join(_ICEBERG_ENCRYPTION)}"
        raise ValueError(msg) from None


def customer_key(value: Any) -> str:
    """The raw key of boto, as the text that goes into a configuration."""
    raw = value.encode() if isinstance(value, str) else value
    if not isinstance(raw, bytes):
        msg = "expected 32 bytes"
        raise ValueError(msg)  # noqa: TRY004 - every cast fails with ValueError, its caller names the option
    return base64.b64encode(raw).decode()


def encryption_keywords(value: str) -> str | None:
    """What ServerSideEncryption says; a customer key has keywords of its own."""
    return None if value == "sse-c" else value


REQUEST_ROWS: Final = (
    Option(
        name="request_payer",
        meaning="The requester pays for requests and transfer.",
        kind="bool",
        aliases=("requester_pays",),
        readings=dict.fromkeys(("request_payer", "aws_request_payer", "s3_additional_kwargs.RequestPayer"), payer),
        env=("AWS_REQUEST_PAYER",),
        store="config.request_payer",
        sdk="requester_pays",
    ),
    Option(
        name="server_side_encryption",
        meaning="How the server encrypts what is written.",
        aliases=(
            "aws_server_side_encryption",
            "s3_additional_kwargs.ServerSideEncryption",
            "s3.server-side-encryption",
        ),
        readings={"s3.sse.type": iceberg_encryption},
        env=("AWS_SERVER_SIDE_ENCRYPTION",),
        values=("AES256", "aws:kms", "aws:kms:dsse", "sse-c"),
        store="config.server_side_encryption",
        sdk="s3_additional_kwargs.ServerSideEncryption",
        to_sdk=encryption_keywords,
    ),
    Option(
        name="sse_kms_key_id",
        meaning="KMS key to encrypt with.",
        aliases=("aws_sse_kms_key_id", "s3_additional_kwargs.SSEKMSKeyId", "s3.sse-kms-key-id"),
        env=("AWS_SSE_KMS_KEY_ID",),
        store="config.sse_kms_key_id",
        sdk="s3_additional_kwargs.SSEKMSKeyId",
    ),
    Option(
        name="sse_bucket_key_enabled",
        meaning="Use the bucket's own key, which saves calls of KMS.",
        kind="bool",
        aliases=("aws_sse_bucket_key_enabled", "s3_additional_kwargs.BucketKeyEnabled"),
        env=("AWS_SSE_BUCKET_KEY_ENABLED",),
        store="config.sse_bucket_key_enabled",
        sdk="s3_additional_kwargs.BucketKeyEnabled",
    ),
    Option(
        name="sse_customer_key_base64",
        meaning="Encryption key of the caller's own: 32 bytes, in base64.",
        aliases=("aws_sse_customer_key_base64",),
        readings={"s3_additional_kwargs.SSECustomerKey": customer_key},
        env=("AWS_SSE_CUSTOMER_KEY_BASE64",),
        secret=True,
        store="config.sse_customer_key_base64",
        sdk="s3_additional_kwargs.SSECustomerKey",
        to_sdk=base64.b64decode,
    ),
    Option(
        name="s3_additional_kwargs.SSECustomerAlgorithm",
        meaning="Cipher of the customer key.",
        values=("AES256",),
        sdk="s3_additional_kwargs.SSECustomerAlgorithm",
    ),
    Option(
        name="s3.sse.key",
        meaning="KMS key or, where s3.sse.type is custom, customer key.",
        secret=True,
    ),
    Option(
        name="s3.sse.md5",
        meaning="MD5 of the customer key; both planes compute it themselves.",
        aliases=("s3_additional_kwargs.SSECustomerKeyMD5",),
        secret=True,
    ),
    Option(
        name="checksum_algorithm",
        meaning="Checksum that uploads carry.",
        aliases=("aws_checksum_algorithm", "s3_additional_kwargs.ChecksumAlgorithm"),
        env=("AWS_CHECKSUM_ALGORITHM",),
        values=("SHA256", "CRC64NVME", "CRC32", "CRC32C", "SHA1"),
        store="config.checksum_algorithm",
        to_store=str.lower,
        sdk="s3_additional_kwargs.ChecksumAlgorithm",
    ),
    Option(
        name="request_checksum_calculation",
        meaning="When the SDK adds a checksum; old servers need when_required.",
        aliases=("config_kwargs.request_checksum_calculation",),
        env=("AWS_REQUEST_CHECKSUM_CALCULATION",),
        values=("when_supported", "when_required"),
        sdk="config_kwargs.request_checksum_calculation",
    ),
    Option(
        name="response_checksum_validation",
        meaning="When the SDK checks checksums.",
        aliases=("config_kwargs.response_checksum_validation",),
        env=("AWS_RESPONSE_CHECKSUM_VALIDATION",),
        values=("when_supported", "when_required"),
        sdk="config_kwargs.response_checksum_validation",
    ),
    Option(
        name="unsigned_payload",
        meaning="Leave the body out of the signature.",
        kind="bool",
        aliases=("aws_unsigned_payload",),
        inverse_aliases=("config_kwargs.s3.payload_signing_enabled",),
        env=("AWS_UNSIGNED_PAYLOAD",),
        store="config.unsigned_payload",
        sdk="config_kwargs.s3.payload_signing_enabled",
        to_sdk=lambda value: not value,
    ),
    Option(
        name="signature_version",
        meaning="Version of botocore's signatures; its UNSIGNED means skip_signature.",
        kind="object",
        aliases=("config_kwargs.signature_version",),
        sdk="config_kwargs.signature_version",
    ),
    Option(
        name="conditional_put",
        meaning="Whether the server knows conditional writes.",
        aliases=("aws_conditional_put",),
        env=("AWS_CONDITIONAL_PUT",),
        values=("etag", "disabled"),
        store="config.conditional_put",
    ),
    Option(
        name="copy_if_not_exists",
        meaning="How to copy without replacing: multipart, header:NAME:VALUE or header-with-status:NAME:VALUE:STATUS.",
        aliases=("aws_copy_if_not_exists",),
        env=("AWS_COPY_IF_NOT_EXISTS",),
        store="config.copy_if_not_exists",
    ),
    Option(
        name="disable_tagging",
        meaning="Drop the tags of writes.",
        kind="bool",
        aliases=("aws_disable_tagging",),
        env=("AWS_DISABLE_TAGGING",),
        store="config.disable_tagging",
    ),
    Option(
        name="disable_bulk_delete",
        meaning="Delete objects one by one.",
        kind="bool",
        aliases=("aws_disable_bulk_delete",),
        env=("AWS_DISABLE_BULK_DELETE",),
        store="config.disable_bulk_delete",
    ),
    Option(
        name="storage_class",
        meaning="Storage class of what is written.",
        aliases=("s3_additional_kwargs.StorageClass", "s3.write.storage-class"),
        sdk="s3_additional_kwargs.StorageClass",
    ),
    Option(
        name="acl",
        meaning="Canned ACL of what is written.",
        aliases=("s3_additional_kwargs.ACL", "s3.acl"),
        store="client.default_headers",
        to_store=lambda value: {"x-amz-acl": value},
        sdk="s3_additional_kwargs.ACL",
    ),
    *(
        Option(
            name=f"s3_additional_kwargs.{word}",
            meaning=f"{header} of what is written.",
            sdk=f"s3_additional_kwargs.{word}",
        )
        for word, header in WRITE_ATTRIBUTES.items()
        if word != "StorageClass"
    ),
    Option(
        name="s3_additional_kwargs.Metadata",
        meaning="User metadata of what is written.",
        kind="dict",
        sdk="s3_additional_kwargs.Metadata",
    ),
    Option(
        name="s3_additional_kwargs.Tagging",
        meaning="Tags of what is written, as a query string.",
        sdk="s3_additional_kwargs.Tagging",
    ),
)
