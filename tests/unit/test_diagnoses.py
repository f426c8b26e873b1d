"""Tests of the table from signs to words; the servers' own answers are tried in tests/emulators/test_checks.py."""

from __future__ import annotations

import errno
import re
import string

import pytest

from objfs.diagnoses import DIAGNOSES, OF_BUCKET, UNSIGNED, account_of, diagnose
from objfs.errors import CredentialsError, CredentialsExpiredError, MissingCredentialsError, MissingExtraError

FACTS = {
    "url": "s3://bucket/key",
    "bucket": "bucket",
    "endpoint": "https://store",
    "region": "us-east-1",
    "account": "account1",
    "needs": "s3:GetObject",
}


class ClientError(Exception):
    """As botocore's: the answer is an attribute."""

    def __init__(self, code: str, **headers: str) -> None:
        super().__init__(f"An error occurred ({code}) when calling the GetObject operation")
        metadata = {"HTTPHeaders": {name.replace("_", "-"): value for name, value in headers.items()}}
        self.response = {"Error": {"Code": code}, "ResponseMetadata": metadata}


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


CASES = [
    pytest.param(MissingExtraError("pip install"), (), "not installed", id="extra"),
    pytest.param(MissingCredentialsError("none"), (), "no credentials", id="no-credentials"),
    pytest.param(CredentialsError("the vault is sealed"), (), "no credentials", id="provider"),
    pytest.param(CredentialsExpiredError("they have"), (), "expired token", id="expired"),
    pytest.param(PermissionError(13, "Request date header too old"), (), "clock skew", id="clock-azure"),
    pytest.param(
        PermissionError(13, "AuthenticationFailed: Signature not valid in the specified time frame"),
        (),
        "expired token",
        id="sas",
    ),
    pytest.param(OSError(5, "status code: 401 Unauthorized"), (), "wrong secret", id="401"),
    pytest.param(OSError(22, "S3 API Requests must be made to API port."), (), "wrong endpoint", id="console-minio"),
    pytest.param(
        caused(OSError(5, "moved"), ClientError("301", x_amz_bucket_region="eu-west-1")),
        (),
        "wrong region",
        id="region",
    ),
    pytest.param(OSError(5, "Invalid JWT: Check your iat and exp values"), (), "clock skew", id="clock-gcs"),
    pytest.param(FileNotFoundError(2, "Not Found", "x"), (), "no such object", id="object"),
    pytest.param(FileNotFoundError(2, "Not Found", "x"), (OF_BUCKET,), "no such bucket", id="bucket"),
    pytest.param(PermissionError(13, "AccessDenied"), (), "no permission", id="permission"),
    pytest.param(PermissionError(13, "AccessDenied"), (UNSIGNED,), "anonymous", id="anonymous"),
    pytest.param(OSError(5, "UserProjectMissing"), (), "requester pays", id="requester-pays"),
    pytest.param(TimeoutError(errno.ETIMEDOUT, "slow"), (), "time-out", id="time-out"),
    pytest.param(OSError(5, "Connection reset by peer"), ("endpoint http://h",), "TLS expected", id="http-to-tls"),
    pytest.param(OSError(5, "Connection reset by peer"), ("endpoint https://h",), "unknown", id="reset"),
    pytest.param(OSError(5, "the answer came in 401\u00b5s from port 403"), (), "unknown", id="numbers"),
    pytest.param(RuntimeError("something else"), (), "unknown", id="unknown"),
]


@pytest.mark.parametrize(("error", "circumstances", "symptom"), CASES)
def test_diagnose_tells_what_signs_mean(error, circumstances, symptom):
    """By class, code, text, and what the error does not say."""
    assert diagnose(account_of(error, *circumstances), FACTS)[0] == symptom


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(ClientError("PermanentRedirect", x_amz_bucket_region="eu-west-1"), id="header"),
        pytest.param(OSError("PermanentRedirect: <Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint>"), id="old-host"),
        pytest.param(OSError("status code: 301: <Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>"), id="host"),
        pytest.param(OSError("AuthorizationHeaderMalformed: <Region>eu-west-1</Region>"), id="xml"),
    ],
)
def test_diagnose_names_the_region_that_the_answer_tells(cause):
    """In the advice, as one would write it."""
    error = caused(OSError(5, "moved"), cause)
    _, words, advice = diagnose(account_of(error), FACTS)
    assert words == "the bucket 'bucket' is in the region eu-west-1, and was asked for in us-east-1"
    assert advice == "pass region='eu-west-1'"


def test_account_of_follows_causes_and_ends():
    """Each error once, also where causes form a circle."""
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    assert account_of(first, "before").splitlines() == ["before", "ValueError: first", "KeyError: 'second'"]


@pytest.mark.parametrize("each", DIAGNOSES, ids=[f"{at}-{each.symptom}" for at, each in enumerate(DIAGNOSES)])
def test_diagnoses_can_be_said(each):
    """Words and advice use the facts that there are, and groups of the signs; the signs are a pattern."""
    groups = re.compile(each.signs).groupindex
    for text in (each.words, each.advice):
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= {*FACTS, *groups}
    assert each.words
    assert each.advice
