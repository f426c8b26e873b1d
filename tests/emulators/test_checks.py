"""What `explain(check=…)` does and says: against servers that allow, refuse, are none, or are not there."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

import objfs
from objfs import checks, sdk
from objfs.checks import CHECKS
from objfs.explanation import CheckFact, Explanation
from tests.clouds import CloudUnderTest
from tests.emulators.azure_account import account_sas
from tests.emulators.fakes_azure import make_certificate
from tests.faults.answering import Answer, answering

ALL = tuple(CHECKS)
# One try each: what is said is tested here, not how long somebody waits for it.
ONCE = {"max_retries": 0, "connect_timeout": 2, "read_timeout": 5}


def by_name(found: Explanation) -> dict[str, CheckFact]:
    return {check.check: check for check in found.checks}


def symptoms(found: Explanation) -> set[str]:
    return {check.symptom or check.outcome for check in found.checks}


@pytest.fixture
def says() -> Iterator[Callable[..., str]]:
    """``says(status, content_type, body)`` is the endpoint of a server with that one answer."""
    with ExitStack() as stack:

        def say(status: int, content_type: str, body: str, context: ssl.SSLContext | None = None) -> str:
            answer = Answer(status, body.encode(), {"Content-Type": content_type})
            return stack.enter_context(answering(lambda _: answer, context)).endpoint

        yield say


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def left_behind(cloud: CloudUnderTest) -> list[str]:
    """Objects, and unfinished uploads where there is such a thing."""
    found = cloud.raw.listed()
    if cloud.name == "s3":
        found += [upload["Key"] for upload in cloud.fs().list_multipart_uploads(cloud.bucket)]
    return found


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_checks_pass_where_everything_is_allowed_and_leave_nothing(cloud, engine):
    """List names an object, read reads a byte of the one that is named, write writes nothing."""
    cloud.raw.put("data/a", b"abc")
    found = objfs.explain(cloud.url("data/a"), check=ALL, engine=engine, **cloud.options)
    assert found.ok
    checks = by_name(found)
    assert repr(cloud.path("data/a")) in checks["list"].found
    assert repr(cloud.path("data/a")) in checks["read"].found
    assert "nothing was written" in checks["write"].found
    assert left_behind(cloud) == ["data/a"]


@pytest.mark.parametrize("key", ["", "data", "data/"], ids=["bucket", "directory", "directory with a slash"])
def test_checks_read_the_first_object_below_a_directory(cloud, key):
    """A URL that names no object is one that objects lie under."""
    cloud.raw.put("data/a", b"abc")
    found = objfs.explain(cloud.url(key), check=("read", "list"), **cloud.options)
    assert found.ok
    assert repr(cloud.path("data/a")) in by_name(found)["read"].found


def test_checks_of_an_empty_bucket(cloud):
    """There is nothing to read, which is no failure; the rest is allowed."""
    found = objfs.explain(cloud.url(), check=ALL, **cloud.options)
    assert found.ok
    assert by_name(found)["read"].outcome == "not tried"
    assert "nothing is there" in by_name(found)["list"].found
    assert left_behind(cloud) == []


def test_checks_of_the_root_list_buckets(cloud):
    """Without a bucket nothing can be read or written."""
    found = objfs.explain(f"{cloud.scheme}://", check=ALL, **cloud.options)
    assert [check.outcome for check in found.checks] == ["ok", "not tried", "not tried"]
    assert "buckets" in by_name(found)["list"].found


def test_checks_say_that_there_is_no_such_bucket(cloud):
    """Whatever is tried, and with its name."""
    found = objfs.explain(f"{cloud.scheme}://no-such-bucket-here/a", check=ALL, **cloud.options)
    assert not found.ok
    assert symptoms(found) == {"no such bucket"}
    assert "'no-such-bucket-here'" in found.checks[0].found


def test_checks_say_that_there_is_no_such_object(cloud):
    """Nor anything below the name."""
    cloud.raw.put("other", b"abc")
    found = objfs.explain(cloud.url("data/b"), check=("read",), **cloud.options)
    assert symptoms(found) == {"no such object"}


def test_checks_of_an_empty_object(cloud):
    """It has no byte to read, and can be read."""
    cloud.raw.put("empty", b"")
    assert objfs.explain(cloud.url("empty"), check=("read",), **cloud.options).ok


@pytest.mark.parametrize("engine", ["auto", "obstore"])
def test_checks_say_that_nobody_listens(engine, nobody):
    """At the endpoint that was given; no check waits for somebody."""
    options = {"endpoint_url": f"http://{nobody}", "key": "AKIA1", "secret": "secret-1", **ONCE}
    found = objfs.explain("s3://bucket/key", check=ALL, engine=engine, **options)
    assert symptoms(found) == {"refused"}
    assert nobody in found.checks[0].found


@pytest.mark.parametrize("engine", ["auto", "obstore"])
def test_checks_end_where_nobody_answers(engine, monkeypatch):
    """Whatever an SDK would try again: a connection is made, and nothing comes."""
    monkeypatch.setattr(checks, "LONGEST_SECONDS", 0.5)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        options = {"endpoint_url": endpoint, "key": "AKIA1", "secret": "secret-1", "engine": engine}
        begun = time.monotonic()
        found = objfs.explain("s3://bucket/key", check=ALL, **options)
    assert symptoms(found) == {"time-out"}
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("url", "options"),
    [
        pytest.param("gs://bucket/key", {"token": "some-token"}, id="gcs"),
        pytest.param("az://bucket/key", {"account_name": "a", "account_key": "YWJjZA=="}, id="azure"),
    ],
)
def test_checks_say_that_nobody_listens_on_other_clouds(url, options, nobody):
    """Each SDK has words of its own for it."""
    found = objfs.explain(url, check=("read", "list"), endpoint=f"http://{nobody}", **options, **ONCE)
    assert symptoms(found) == {"refused"}


@pytest.mark.parametrize(
    ("url", "options", "symptom"),
    [
        pytest.param(
            "s3://bucket/key",
            {"endpoint_url": "http://s3.invalid", "key": "AKIA1", "secret": "secret-1"},
            "unknown host",
            id="s3",
        ),
        pytest.param(
            "gs://bucket/key", {"endpoint": "http://gcs.invalid", "token": "some-token"}, "unknown host", id="gcs"
        ),
        pytest.param(
            "az://bucket/key",
            {"endpoint": "http://nobody.blob.core.invalid", "account_name": "nobody", "account_key": "YWJjZA=="},
            "no such account",
            id="azure",
        ),
    ],
)
def test_checks_say_that_a_host_is_not_known(url, options, symptom):
    """By RFC 6761 no name ends in ``invalid``."""
    found = objfs.explain(url, check=("read", "list"), **options, **ONCE)
    assert symptoms(found) == {symptom}


def test_checks_say_that_plain_http_was_not_asked_for(cloud):
    """An endpoint with the scheme of TLS, at a server that has none."""
    name = "endpoint" if cloud.name == "azure" else "endpoint_url"
    options = {**cloud.options, name: cloud.options[name].replace("http://", "https://")}
    found = objfs.explain(cloud.url("a"), check=("read", "list"), **options, **ONCE)
    assert symptoms(found) == {"plain HTTP"}
    assert "http://" in found.checks[0].advice


def test_checks_say_that_a_certificate_is_not_trusted(says, tmp_path):
    """One that nobody has signed; named as the authority, it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = make_certificate(tmp_path, context)
    endpoint = says(404, "application/xml", "<Error><Code>NoSuchBucket</Code></Error>", context=context)
    options = {"endpoint_url": endpoint, "key": "AKIA1", "secret": "secret-1", **ONCE}
    found = objfs.explain("s3://bucket/key", check=("read", "list"), **options)
    assert symptoms(found) == {"certificate"}
    found = objfs.explain("s3://bucket/key", check=("list",), **options, root_certificate=authority)
    assert symptoms(found) == {"no such bucket"}


def test_checks_say_that_tls_is_expected(says, tmp_path):
    """Plain HTTP at a port of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    make_certificate(tmp_path, context)
    endpoint = says(404, "text/plain", "", context=context).replace("https:", "http:")
    options = {"endpoint_url": endpoint, "key": "AKIA1", "secret": "secret-1", **ONCE}
    found = objfs.explain("s3://bucket/key", check=("read",), **options)
    assert symptoms(found) == {"TLS expected"}


PAGE = "<!DOCTYPE html><html><head><title>Console</title></head><body>sign in</body></html>"


@pytest.mark.parametrize("status", [200, 404])
def test_checks_say_that_the_endpoint_is_a_web_page(says, status):
    """The console of a server, or its front page."""
    endpoint = says(status, "text/html", PAGE)
    options = {"endpoint_url": endpoint, "key": "AKIA1", "secret": "secret-1", **ONCE}
    found = objfs.explain("s3://bucket/key", check=("list", "write"), **options)
    assert symptoms(found) == {"wrong endpoint"}


def s3_error(code: str, message: str = "", more: str = "") -> str:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>'


S3_ANSWERS = [
    pytest.param(400, s3_error("ExpiredToken", "The provided token has expired."), "expired token", "", id="expired"),
    pytest.param(
        400,
        s3_error(
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'",
            "<Region>eu-west-1</Region>",
        ),
        "wrong region",
        "pass region='eu-west-1'",
        id="region-told",
    ),
    pytest.param(
        403, s3_error("RequestTimeTooSkewed", "The difference is too large."), "clock skew", "clock", id="clock"
    ),
    pytest.param(403, s3_error("InvalidAccessKeyId", "No such key."), "unknown key", "endpoint", id="key"),
    pytest.param(403, s3_error("SignatureDoesNotMatch", "It does not."), "wrong secret", "secret", id="secret"),
    pytest.param(403, s3_error("AccessDenied", "Access Denied"), "no permission", "it takes s3:", id="permission"),
    pytest.param(403, s3_error("InvalidObjectState", "It is in Glacier."), "archived", "restore", id="archived"),
    pytest.param(503, s3_error("SlowDown", "Slow down."), "throttled", "later", id="throttled"),
]


@pytest.mark.parametrize(("status", "body", "symptom", "advice"), S3_ANSWERS)
def test_checks_say_what_an_answer_of_s3_means(says, status, body, symptom, advice):
    """Both planes' errors lead to the same words: a read is the data plane's, a listing the SDK plane's."""
    endpoint = says(status, "application/xml", body)
    options = {"endpoint_url": endpoint, "key": "AKIA1", "secret": "secret-1", **ONCE}
    found = objfs.explain("s3://bucket/key", check=("read", "list"), **options)
    assert symptoms(found) == {symptom}
    assert all(advice in check.advice for check in found.checks)
    assert "secret-1" not in str(found)


def test_checks_say_that_a_redirect_is_one_of_regions(says):
    """AWS names the region in a header, which the data plane's error does not hold."""
    endpoint = says(301, "application/xml", s3_error("PermanentRedirect", "Use the specified endpoint."))
    options = {"endpoint_url": endpoint, "key": "AKIA1", "secret": "secret-1", **ONCE}
    found = objfs.explain("s3://bucket/key", check=("read",), **options)
    assert symptoms(found) == {"wrong region"}
    assert "region=" in found.checks[0].advice


NO_RETRIES = {"retries": {"total_max_attempts": 1}}


def test_checks_say_that_what_is_asked_is_not_public(says):
    """A refusal of an unsigned request has another reason than one of a signed one."""
    endpoint = says(403, "application/xml", s3_error("AccessDenied", "Access Denied"))
    options = {"endpoint_url": endpoint, "anon": True, **ONCE}
    assert symptoms(objfs.explain("s3://bucket/key", check=("read", "list"), **options)) == {"anonymous"}


GCS_ANSWERS = [
    pytest.param(
        400,
        '{"error": {"code": 400, "message": "Bucket is a requester pays bucket but no user project provided.", '
        '"errors": [{"reason": "required", "message": "UserProjectMissing"}]}}',
        "requester pays",
        id="requester-pays",
    ),
    pytest.param(
        403,
        '{"error": {"code": 403, "message": "x does not have storage.objects.list access to the bucket."}}',
        "no permission",
        id="permission",
    ),
    pytest.param(401, '{"error": {"code": 401, "message": "Invalid Credentials"}}', "bad token", id="token"),
]


@pytest.mark.parametrize(("status", "body", "symptom"), GCS_ANSWERS)
def test_checks_say_what_an_answer_of_gcs_means(says, status, body, symptom):
    """In the JSON of the service (https://cloud.google.com/storage/docs/json_api/v1/status-codes)."""
    endpoint = says(status, "application/json", body)
    found = objfs.explain("gs://bucket/key", check=("list",), endpoint=endpoint, token="some-token", **ONCE)
    assert symptoms(found) == {symptom}


def test_checks_say_that_a_key_of_azure_is_wrong(azure_cloud):
    """The server knows the account and refuses the signature."""
    options = {**azure_cloud.options, "account_key": "d3Jvbmcta2V5LW9mLXRoaXMtdGVzdA=="}
    found = objfs.explain(azure_cloud.url("a"), check=ALL, **options)
    assert symptoms(found) == {"wrong secret"}


@pytest.mark.parametrize(
    ("permission", "minutes", "expected"),
    [
        pytest.param("rl", 10, {"list": "", "read": "", "write": "no permission"}, id="read-only"),
        pytest.param("c", 10, {"list": "no permission", "write": ""}, id="create-only"),
        pytest.param("rwl", -10, {"list": "expired token", "read": "expired token"}, id="expired"),
    ],
)
def test_checks_tell_the_permissions_of_a_sas(azure_cloud, azure_server, permission, minutes, expected):
    """Each check says what it needs, and the one that lacks it fails; nothing is written."""
    azure_cloud.raw.put("data/a", b"abc")
    options = {name: value for name, value in azure_cloud.options.items() if name != "account_key"}
    token = account_sas(azure_server, permission=permission, minutes=minutes)
    found = objfs.explain(azure_cloud.url("data/a"), check=tuple(expected), sas_token=token, **options)
    assert {check.check: check.symptom for check in found.checks} == expected
    assert all("SAS" in check.needs for check in found.checks)
    assert azure_cloud.raw.listed() == ["data/a"]


def test_checks_tell_an_expired_token_at_the_gateway(gateway, moto_server, bucket):
    """The answer of a server that really refuses, from the credentials of a provider that has no others."""
    issued = gateway.issue(lifetime_seconds=60)
    gateway.expire(issued["access_key_id"])
    options = {name: value for name, value in issued.items() if name != "expires_at_millis"}
    found = objfs.explain(f"s3://{bucket}/a", check=ALL, endpoint_url=gateway.endpoint, region="us-east-1", **options)
    assert symptoms(found) == {"expired token"}
    assert "storage_options_provider" in found.checks[0].advice


def test_checks_do_not_show_what_a_provider_says_and_tell_how_to_read_it():
    """Its text may hold secrets; the advice promises no more than the error has."""

    def sealed() -> dict[str, str]:
        msg = "hunter2 does not open the vault"
        raise LookupError(msg)

    found = objfs.explain("s3://bucket/a", check=("read",), region="us-east-1", storage_options_provider=sealed)
    (check,) = found.checks
    assert "hunter2" not in f"{found} {found.to_dict()}"
    assert str(check.error).endswith("failed to deliver credentials: LookupError")
    assert "the class alone" in check.advice
    assert "call the provider" in check.advice


def test_checks_leave_nothing_in_a_bucket_with_versions(moto_server, make_bucket, observer):
    """No version and no marker of a deletion."""
    name = make_bucket(moto_server, versioned=True)
    assert objfs.explain(f"s3://{name}/a/b", check=("write",), **moto_server.options).ok
    found = observer(moto_server).list_object_versions(Bucket=name)
    assert (found.get("Versions"), found.get("DeleteMarkers")) == (None, None)


def test_checks_without_an_sdk_use_the_data_plane(moto_server, bucket, observer):
    """With ``engine="obstore"`` a listing says whether there is anything, and an upload is begun by obstore."""
    found = objfs.explain(f"s3://{bucket}/a/b", check=ALL, engine="obstore", **moto_server.options)
    assert [check.outcome for check in found.checks] == ["ok", "failed", "ok"]
    client = observer(moto_server)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="a/b", Body=b"abc")
    found = objfs.explain(f"s3://{bucket}/a/b", check=ALL, engine="obstore", **moto_server.options)
    assert by_name(found)["list"].found == "there are objects"
    assert found.ok


def test_check_of_a_listing_says_what_is_not_installed(moto_server, bucket, monkeypatch):
    """No name can be listed then, whatever the server allows; what the server refuses is said first."""
    monkeypatch.setattr(sdk, "is_installed", lambda _: False)
    found = objfs.explain(f"s3://{bucket}/a/b", check=("list", "write"), **moto_server.options)
    assert [check.outcome for check in found.checks] == ["failed", "ok"]
    assert by_name(found)["list"].symptom == "not installed"
    assert "objfs[s3]" in by_name(found)["list"].error
    assert symptoms(objfs.explain(f"s3://{bucket}-2/a", check="list", **moto_server.options)) == {"no such bucket"}


def test_checks_say_that_a_secret_is_wrong(minio_server, make_bucket):
    """At a server that verifies signatures."""
    name = make_bucket(minio_server)
    assert objfs.explain(f"s3://{name}/a", check=("list", "write"), **minio_server.options).ok
    wrong = {**minio_server.options, "secret": "not the secret of it"}
    assert symptoms(objfs.explain(f"s3://{name}/a", check=("list", "write"), **wrong)) == {"wrong secret"}
    wrong = {**minio_server.options, "key": "AKIANOBODY"}
    assert symptoms(objfs.explain(f"s3://{name}/a", check=("list", "write"), **wrong)) == {"unknown key"}


def test_checks_are_on_instances_too(moto_server, bucket):
    """The instance itself stays as patient as it was told to be."""
    fs = objfs.S3FileSystem(**moto_server.options)
    fs.pipe_file(f"{bucket}/a", b"abc")
    assert fs.explain(f"{bucket}/a", check="read").ok
    assert "max_retries" not in fs.connection.options


def test_checks_of_urls_of_no_cloud(tmp_path):
    """Listing and reading go through fsspec's own filesystem; a write is not tried."""
    (tmp_path / "a").write_bytes(b"abc")
    found = objfs.explain(f"file://{tmp_path}/a", check=ALL)
    assert [check.outcome for check in found.checks] == ["ok", "ok", "not tried"]
    found = objfs.explain(f"file://{tmp_path}/b", check=("read",))
    assert symptoms(found) == {"no such object"}


def test_an_error_of_tls_is_an_oserror_of_the_sdk_plane(moto_server, bucket):
    """botocore's is one already, which cannot be made again with an errno and a path."""
    options = {**moto_server.options, "endpoint_url": moto_server.endpoint.replace("http:", "https:")}
    fs = objfs.S3FileSystem(**options, config_kwargs=NO_RETRIES, skip_instance_cache=True)
    with pytest.raises(OSError, match="SSL"):
        fs.ls(bucket)


def test_checks_ask_for_little(gateway, moto_server, bucket):
    """One request each to list and to read; to write, a beginning and an end, and whether parts are left."""
    gateway.admit(moto_server.options["key"])
    moto = {**moto_server.options, "endpoint_url": gateway.endpoint}
    fs = objfs.S3FileSystem(**moto)
    fs.pipe_file(f"{bucket}/a", b"abc")
    asked = {}
    for name in ALL:
        gateway.reset()
        assert fs.explain(f"{bucket}/a", check=name).ok
        asked[name] = [record.method for record in gateway.requests()]
    assert asked == {"list": ["GET"], "read": ["GET"], "write": ["POST", "DELETE", "GET"]}


def test_a_check_of_write_needs_no_permission_to_list_parts(gateway, moto_server, bucket):
    """Whether parts are left is asked where one may ask it."""
    gateway.admit(moto_server.options["key"])
    gateway.fail("GET", "uploadId=", status=403, code="AccessDenied", times=100)
    moto = {**moto_server.options, "endpoint_url": gateway.endpoint}
    assert objfs.explain(f"s3://{bucket}/a", check="write", **moto).ok
