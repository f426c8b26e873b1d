"""The gateway for tests refuses what AWS refuses and passes on everything else as it came."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from objfs.testing import ExpiringGateway, LocalCredentialsProvider

botocore_session = pytest.importorskip("botocore.session")
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

BODY = bytes(range(256)) * 4096


@pytest.fixture
def client_of():
    """``client_of(gateway, credentials)``: a botocore client that goes through the gateway and never retries."""
    made = []

    def make(gateway, credentials, **config):
        client = botocore_session.Session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=gateway.endpoint,
            aws_access_key_id=credentials["access_key_id"],
            aws_secret_access_key=credentials["secret_access_key"],
            aws_session_token=credentials.get("session_token"),
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **config),
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(gateway, client_of):
    """A client with good credentials."""
    return client_of(gateway, gateway.issue(3600))


def _refused(call, **arguments) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_gateway_passes_objects_unchanged(gateway, client, bucket, observer, moto_server):
    """What is put through it lies in the store, and comes back through it whole and in ranges."""
    client.put_object(Bucket=bucket, Key="a b/ü+%.bin", Body=BODY)
    assert observer(moto_server).get_object(Bucket=bucket, Key="a b/ü+%.bin")["Body"].read() == BODY
    assert client.get_object(Bucket=bucket, Key="a b/ü+%.bin")["Body"].read() == BODY
    ranged = client.get_object(Bucket=bucket, Key="a b/ü+%.bin", Range="bytes=10-19")
    assert ranged["Body"].read() == BODY[10:20]
    assert client.head_object(Bucket=bucket, Key="a b/ü+%.bin")["ContentLength"] == len(BODY)
    records = gateway.requests()
    assert [record.method for record in records] == ["PUT", "GET", "GET", "HEAD"]
    assert {record.path for record in records} == {f"/{bucket}/a b/ü+%.bin"}
    assert [record.range for record in records] == [None, None, "bytes=10-19", None]
    assert gateway.stats()["bytes_out"] == len(BODY) + 10


@pytest.mark.parametrize(
    ("spoil", "status", "code"),
    [
        pytest.param(
            lambda gateway, issued: gateway.expire(issued["access_key_id"]), 400, "ExpiredToken", id="expired"
        ),
        pytest.param(lambda gateway, _: gateway.expire(), 400, "ExpiredToken", id="all-expired"),
        pytest.param(
            lambda gateway, issued: gateway.revoke(issued["access_key_id"]), 403, "InvalidAccessKeyId", id="revoked"
        ),
        pytest.param(
            lambda gateway, issued: gateway.admit(issued["access_key_id"], "other"), 400, "InvalidToken", id="token"
        ),
    ],
)
def test_gateway_refuses_credentials_as_aws_does(gateway, client_of, bucket, spoil, status, code):
    """The next request after the change is refused with AWS's status and code, HEAD with the bare status."""
    issued = gateway.issue(3600)
    client = client_of(gateway, issued)
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    gateway.reset()
    spoil(gateway, issued)
    assert _refused(client.get_object, Bucket=bucket, Key="k") == (status, code)
    assert _refused(client.put_object, Bucket=bucket, Key="k", Body=BODY) == (status, code)
    assert _refused(client.head_object, Bucket=bucket, Key="k") == (status, str(status))
    # How many HEADs is botocore's business: after a bare 400 it asks for the bucket's region.
    assert list(gateway.stats()["rejections"]) == [code]
    seen = {(record.method, record.status, record.error, record.access_key_id) for record in gateway.requests()}
    assert seen == {(method, status, code, issued["access_key_id"]) for method in ("GET", "PUT", "HEAD")}


def test_gateway_refuses_unknown_keys(gateway, client_of, bucket):
    """A key that it never issued does not exist."""
    stranger = client_of(gateway, {"access_key_id": "AKIASTRANGER", "secret_access_key": "x"})
    assert _refused(stranger.list_objects_v2, Bucket=bucket) == (403, "InvalidAccessKeyId")


def test_gateway_refuses_unsigned_requests(gateway, client_of, bucket):
    """Anonymous access is denied."""
    from botocore import UNSIGNED

    nobody = client_of(gateway, {"access_key_id": "x", "secret_access_key": "x"}, signature_version=UNSIGNED)
    assert _refused(nobody.list_objects_v2, Bucket=bucket) == (403, "AccessDenied")
    assert gateway.requests()[0].access_key_id is None


def test_gateway_tells_another_expiry_when_asked(gateway, client_of, bucket):
    """Credentials may die earlier than their holder is told, as with a wrong clock."""
    issued = gateway.issue(0, told_seconds=3600)
    longer = gateway.issue(3600)
    assert abs(int(issued["expires_at_millis"]) - int(longer["expires_at_millis"])) < 60_000
    assert _refused(client_of(gateway, issued).list_objects_v2, Bucket=bucket) == (400, "ExpiredToken")


@pytest.mark.parametrize("version", [pytest.param("s3", id="v2"), pytest.param("s3v4", id="v4")])
def test_gateway_reads_presigned_urls(gateway, client_of, bucket, version):
    """The key of a presigned URL counts as that of a header, until it expires."""
    client = client_of(gateway, gateway.issue(3600), signature_version=version)
    client.put_object(Bucket=bucket, Key="k", Body=b"signed")
    url = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}))
    connection = HTTPConnection(url.netloc, timeout=30)
    connection.request("GET", f"{url.path}?{url.query}")
    assert connection.getresponse().read() == b"signed"
    gateway.expire()
    connection.request("GET", f"{url.path}?{url.query}")
    answer = connection.getresponse()
    assert (answer.status, b"<Code>ExpiredToken</Code>" in answer.read()) == (400, True)
    connection.close()


def test_gateway_passes_the_host_of_virtual_hosted_requests(gateway, client, bucket):
    """A bucket that is named by the Host header is found by the server behind."""
    client.put_object(Bucket=bucket, Key="k", Body=b"virtual")
    issued = gateway.issue(60)
    authorization = f"AWS4-HMAC-SHA256 Credential={issued['access_key_id']}/20260101/us-east-1/s3/aws4_request"
    headers = {
        "Host": f"{bucket}.s3.amazonaws.com",
        "Authorization": authorization,
        "x-amz-security-token": issued["session_token"],
    }
    connection = HTTPConnection(urlsplit(gateway.endpoint).netloc, timeout=30)
    connection.request("GET", "/k", headers=headers)
    assert connection.getresponse().read() == b"virtual"
    connection.close()
    assert "authorization" not in gateway.requests()[-1].headers


def test_gateway_passes_chunked_bodies_and_keeps_the_connection(gateway, client, bucket):
    """A chunked request is passed on as it came, and the next one may use the same connection."""
    issued = gateway.issue(60)
    signed = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={issued['access_key_id']}/20260101/us-east-1/s3/aws4_request",
        "x-amz-security-token": issued["session_token"],
    }
    connection = HTTPConnection(urlsplit(gateway.endpoint).netloc, timeout=30)
    connection.connect()
    used = connection.sock
    for key in ("one", "two"):
        pieces = iter([key.encode(), b"x" * 300_000, b"end"])
        connection.request("PUT", f"/{bucket}/{key}", body=pieces, headers=signed, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        assert connection.sock is used
        stored = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert stored == key.encode() + b"x" * 300_000 + b"end"
    connection.close()


def test_gateway_lets_the_server_answer_an_expectation(gateway, client, bucket):
    """``Expect: 100-continue`` reaches the server, whose 100 comes back before the body is sent."""
    issued = gateway.issue(60)
    with socket.create_connection(("127.0.0.1", urlsplit(gateway.endpoint).port), timeout=30) as sock:
        sock.sendall(_put_head(f"/{bucket}/k", issued, 5, "Expect: 100-continue\r\n"))
        with sock.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 100 ")
            sock.sendall(b"hello")
            # moto says twice that it goes on.
            assert any(line.startswith(b"HTTP/1.1 200 ") for line in answer)
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"


def test_gateway_refuses_before_an_expected_body_is_sent(gateway, bucket):
    """Who asks before sending the body is refused at once, and the connection ends."""
    issued = gateway.issue(0)
    with socket.create_connection(("127.0.0.1", urlsplit(gateway.endpoint).port), timeout=30) as sock:
        sock.sendall(_put_head(f"/{bucket}/k", issued, 5, "Expect: 100-continue\r\n"))
        with sock.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 400 ")
            assert b"ExpiredToken" in answer.read()


def _put_head(target: str, issued: dict[str, str], length: int, more: str) -> bytes:
    return (
        f"PUT {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={issued['access_key_id']}/20260101/us-east-1/s3/aws4_request\r\n"
        f"x-amz-security-token: {issued['session_token']}\r\n{more}\r\n"
    ).encode()


def test_gateway_fails_the_requests_it_is_told_to(gateway, client, bucket):
    """A rule is used up after so many requests and touches no others; nothing reaches the server."""
    gateway.fail("PUT", "/k", status=503, code="SlowDown", times=2)
    client.put_object(Bucket=bucket, Key="other", Body=b"1")
    for _ in range(2):
        assert _refused(client.put_object, Bucket=bucket, Key="k", Body=BODY) == (503, "SlowDown")
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    client.put_object(Bucket=bucket, Key="k", Body=BODY)
    assert gateway.stats()["statuses"] == {"200": 3, "503": 2}


def test_gateway_holds_requests_until_released(gateway, client, bucket, observer, moto_server):
    """A held request has not reached the server; others pass; once released it is answered."""
    gateway.hold("PUT", "/held")
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(client.put_object, Bucket=bucket, Key="held", Body=BODY)
        assert gateway.wait_held() == 1
        assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
        assert gateway.stats()["in_flight"] == 1
        gateway.release()
        put.result()
    assert observer(moto_server).head_object(Bucket=bucket, Key="held")["ContentLength"] == len(BODY)


def test_gateway_forwards_a_held_request_of_a_client_that_has_gone(gateway, client, bucket):
    """What had arrived when the client hung up still reaches the server, as on a network."""
    gateway.hold("PUT", "/orphan")
    with socket.create_connection(("127.0.0.1", urlsplit(gateway.endpoint).port), timeout=30) as sock:
        sock.sendall(_put_head(f"/{bucket}/orphan", gateway.issue(60), 5, "") + b"hello")
        gateway.wait_held()
    gateway.hold("GET", "/nothing")  # a rule of its own, so that release() is what lets the orphan go
    gateway.release()
    waiter = client.get_waiter("object_exists")
    waiter.wait(Bucket=bucket, Key="orphan", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    assert client.get_object(Bucket=bucket, Key="orphan")["Body"].read() == b"hello"


@pytest.mark.parametrize("server_name", ["moto", "minio"])
def test_gateway_lets_a_late_part_survive_the_first_abort(
    request, make_gateway, make_bucket, client_of, observer, server_name
):
    """A part under way lands after the abort was answered; the upload stays until it is aborted again."""
    server = request.getfixturevalue(f"{server_name}_server")
    gateway, bucket = make_gateway(server), make_bucket(server)
    keys = {"access_key_id": server.options["key"], "secret_access_key": server.options["secret"]}
    client = client_of(gateway, gateway.issue(60) if server_name == "moto" else keys, max_pool_connections=4)
    gateway.late_parts(2)
    upload = {"Bucket": bucket, "Key": "k"}
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    client.upload_part(**upload, PartNumber=1, Body=BODY)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(client.upload_part, **upload, PartNumber=2, Body=BODY)
        assert gateway.wait_held() == 1
        client.abort_multipart_upload(**upload)
        late.result()
    parts = observer(server).list_parts(**upload)["Parts"]
    assert [part["PartNumber"] for part in parts] == [1, 2]
    client.abort_multipart_upload(**upload)
    assert _refused(observer(server).list_parts, **upload) == (404, "NoSuchUpload")
    assert gateway.stats()["aborts_lost"] == 1


def test_gateway_passes_uploads_that_are_not_aborted_when_parts_are_late(gateway, client, bucket):
    """Without a part to hold, late parts change nothing but the first abort."""
    gateway.late_parts()
    upload = {"Bucket": bucket, "Key": "k"}
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    etag = client.upload_part(**upload, PartNumber=1, Body=BODY)["ETag"]
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY


def test_gateway_reset_forgets_requests_and_rules_but_not_credentials(gateway, client, bucket):
    """After a reset it counts from zero, lets everything pass, and still knows its keys."""
    gateway.fail("*")
    gateway.hold("*")
    gateway.reset()
    client.list_objects_v2(Bucket=bucket)
    assert len(gateway.requests()) == gateway.stats()["requests"] == 1


def test_gateway_serves_many_connections_at_once(gateway, client_of, bucket):
    """Requests of many threads are all counted, and each answer goes to who asked."""
    client = client_of(gateway, gateway.issue(3600), max_pool_connections=16)

    def round_trip(number: int) -> bool:
        body = number.to_bytes(4, "big") * 20_000
        client.put_object(Bucket=bucket, Key=f"k{number}", Body=body)
        return client.get_object(Bucket=bucket, Key=f"k{number}")["Body"].read() == body

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(round_trip, range(64)))
    assert gateway.stats()["methods"] == {"PUT": 64, "GET": 64}


def test_gateway_answers_502_when_there_is_no_server_behind_it(client_of):
    """A server that is gone is told from one that refuses."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        with ExpiringGateway(f"http://127.0.0.1:{nobody.getsockname()[1]}") as gateway:
            client = client_of(gateway, gateway.issue(60))
            assert _refused(client.list_objects_v2, Bucket="b") == (502, "BadGateway")


def test_gateway_in_a_process_of_its_own_issues_over_http(moto_server, client_of, bucket):
    """Credentials that a provider fetched over HTTP are good, in the demo's setting."""
    with ExpiringGateway(moto_server.endpoint, own_process=True) as gateway:
        provider = LocalCredentialsProvider(gateway.endpoint, lifetime_seconds=3600)
        client = client_of(gateway, provider.fetch_storage_options())
        client.put_object(Bucket=bucket, Key="k", Body=BODY)
        assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY
        gateway.expire()
        assert _refused(client.get_object, Bucket=bucket, Key="k") == (400, "ExpiredToken")
        client = client_of(gateway, provider.fetch_storage_options())
        assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY
        assert (provider.fetches, gateway.stats()["issued"]) == (2, 2)


def test_gateway_before_minio_passes_real_signatures(make_gateway, minio_server, make_bucket, client_of):
    """A request reaches a server that checks signatures exactly as it was signed, whatever characters the key has."""
    gateway, bucket = make_gateway(minio_server), make_bucket(minio_server)
    keys = {"access_key_id": minio_server.options["key"], "secret_access_key": minio_server.options["secret"]}
    client = client_of(gateway, keys)
    for key in ("plain", "a b+c%d&e=f?g#h", "ü/日本"):
        client.put_object(Bucket=bucket, Key=key, Body=BODY)
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == BODY
    gateway.expire(keys["access_key_id"])
    assert _refused(client.get_object, Bucket=bucket, Key="plain") == (400, "ExpiredToken")


def test_obstore_reads_and_writes_through_the_gateway(gateway, bucket):
    """Obstore's client, whose HTTP is another one than botocore's, gets on with it."""
    obstore = pytest.importorskip("obstore")
    from obstore.store import S3Store

    issued = gateway.issue(3600)
    del issued["expires_at_millis"]
    options = {"allow_http": True}
    store = S3Store(bucket, endpoint=gateway.endpoint, region="us-east-1", client_options=options, **issued)
    body = BODY * 12
    obstore.put(store, "whole", body, use_multipart=False)
    obstore.put(store, "parts", body, use_multipart=True, chunk_size=5 << 20)
    assert bytes(obstore.get(store, "whole").bytes()) == body
    assert bytes(obstore.get_range(store, "parts", start=7, length=100)) == body[7:107]
    assert sum(record.method == "PUT" for record in gateway.requests()) == 4
