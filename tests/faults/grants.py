"""Filesystems that may do some things only: by a policy where the server knows such, else by a proxy that refuses.

A real MinIO enforces the policy of a session, a real Azurite the permissions of a shared access signature. In front of
moto and fake-gcs-server stands a proxy that refuses as AWS and Google do, a missing object without the right to list
included (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions").
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from tests.faults.answering import Answer, Asked, answering

# Rights in the words of each cloud.
READ, WRITE, LIST, DELETE = "read", "write", "list", "delete"
ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    READ: ("s3:GetObject",),
    # Parts of one's own upload: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    WRITE: ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
    LIST: ("s3:ListBucket",),
    DELETE: ("s3:DeleteObject",),
}
PERMISSIONS: Final[Mapping[str, str]] = {READ: "r", WRITE: "cw", LIST: "l", DELETE: "d"}
_HOP: Final = frozenset({"connection", "host", "content-length", "transfer-encoding", "expect", "keep-alive"})


@dataclass
class Granted:
    """A filesystem with some rights in one bucket.

    Parameters
    ----------
    fs
        Makes the filesystem.
    bucket, scheme, options
        Where it is, and by what.
    hides_missing
        Whether the server answers 403 for a missing object to somebody who may not list.
    asked
        How often each right was asked for; None where nobody counts.
    """

    scheme: str
    bucket: str
    options: dict[str, Any] = field(repr=False)
    hides_missing: bool = False
    asked: Counter[str] | None = None

    def fs(self, engine: str) -> Any:
        """The filesystem on one engine."""
        import fsspec

        return fsspec.filesystem(self.scheme, engine=engine, skip_instance_cache=True, **self.options)

    def url(self, key: str) -> str:
        """``scheme://bucket/key``."""
        return f"{self.scheme}://{self.bucket}/{key}"


def session_policy(server: Any, bucket: str, rights: Collection[str]) -> dict[str, str]:
    """Credentials of MinIO that may do so much and no more (https://min.io/docs, AssumeRole with a session policy)."""
    import botocore.session

    client = botocore.session.Session().create_client(
        "sts",
        region_name="us-east-1",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.options["key"],
        aws_secret_access_key=server.options["secret"],
    )
    actions = [action for right in rights for action in ACTIONS[right]]
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resources}],
    }
    answer = client.assume_role(
        RoleArn="arn:aws:iam::123456789012:role/tests", RoleSessionName="tests", Policy=json.dumps(policy)
    )
    client.close()
    given = answer["Credentials"]
    return {"key": given["AccessKeyId"], "secret": given["SecretAccessKey"], "token": given["SessionToken"]}


def container_sas(options: Mapping[str, str], container: str, rights: Collection[str]) -> str:
    """A shared access signature for one container."""
    from azure.storage.blob import generate_container_sas

    return generate_container_sas(
        options["account_name"],
        container,
        account_key=options["account_key"],
        permission="".join(sorted(PERMISSIONS[right] for right in rights)),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )


@contextmanager
def refusing(
    upstream: str, rights_of: Callable[[Asked], Collection[str]], rights: Collection[str], refusal: Callable[[], Answer]
) -> Iterator[tuple[str, Counter[str]]]:
    """A proxy that lets nothing pass but what the rights allow; yields its endpoint and what was asked for."""
    counted: Counter[str] = Counter()

    def answer(asked: Asked) -> Answer:
        wanted = rights_of(asked)
        counted.update(wanted)
        if not set(wanted) <= set(rights):
            return refusal()
        told = _forward(upstream, asked)
        return refusal() if told.status == 404 and LIST not in rights and READ in wanted else told

    with answering(answer) as server:
        yield server.endpoint, counted


def _forward(upstream: str, asked: Asked) -> Answer:
    connection = HTTPConnection(urlsplit(upstream).netloc, timeout=30)
    try:
        headers = {name: value for name, value in asked.headers.items() if name not in _HOP}
        connection.request(asked.method, asked.target, asked.body, headers)
        told = connection.getresponse()
        body = told.read()
        kept = {name: value for name, value in told.getheaders() if name.lower() not in {*_HOP, "date", "server"}}
        length = told.getheader("Content-Length") if asked.method == "HEAD" else str(len(body))
        return Answer(told.status, body, {**kept, **({"Content-Length": length} if length else {})})
    finally:
        connection.close()


def s3_rights(asked: Asked) -> list[str]:
    """What AWS asks for (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html)."""
    key, query = asked.path.lstrip("/").partition("/")[2], asked.query
    if not key:
        if asked.method == "POST" and "delete" in asked.target:
            return [DELETE]
        return [LIST if asked.method in {"GET", "HEAD"} and "uploads" not in query else "bucket"]
    if "uploadId" in query and asked.method in {"GET", "DELETE"}:
        return [WRITE]
    if asked.method in {"PUT", "POST"}:
        return [WRITE, READ] if "x-amz-copy-source" in asked.headers else [WRITE]
    return [DELETE if asked.method == "DELETE" else READ]


def gcs_rights(asked: Asked) -> list[str]:
    """What Google asks for (https://cloud.google.com/storage/docs/access-control/iam-json, iam-xml)."""
    path, method = asked.path, asked.method
    if path.startswith("/batch/"):
        return [DELETE]
    if re.fullmatch(r"(/storage/v1)?/b/[^/]+/o|/[^/]+/?", path) and method == "GET":
        return [LIST]
    if "/rewriteTo/" in path or "/copyTo/" in path or "x-goog-copy-source" in asked.headers:
        return [READ, WRITE]
    if path.startswith(("/upload/", "/resumable/")) or (method in {"PUT", "POST"} and "/o/" not in path):
        return [WRITE]
    if method == "DELETE":
        return [WRITE if "upload" in asked.target else DELETE]
    if re.search(r"/b/[^/]+/o/.", path) or path.startswith("/download/"):
        return [READ]
    return [READ] if re.fullmatch(r"/[^/]+/.+", path) and not path.startswith("/storage/") else ["bucket"]


def s3_refusal() -> Answer:
    """As AWS words it."""
    return Answer(403, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")


def gcs_refusal() -> Answer:
    """As Google words it, in either API: nobody reads more of it than the status and the message."""
    error = {"code": 403, "message": "no permission", "errors": [{"reason": "forbidden", "message": "no permission"}]}
    return Answer(403, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})
