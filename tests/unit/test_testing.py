"""The parts of the test servers that need no server: who is let in, what is counted, what providers hand out."""

from __future__ import annotations

import ast
import pickle
import sys
from pathlib import Path

import pytest

import objfs.testing
from objfs.testing import CountingProvider, LocalCredentialsProvider, RequestRecord
from objfs.testing.interference import Interference, Rule
from objfs.testing.journal import Journal
from objfs.testing.ledger import CredentialLedger, Refusal, access_key_of
from objfs.testing.wire import CHUNKED, UNTIL_CLOSE, parse_head


class Clock:
    """Time that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _signed(credentials: dict[str, str]) -> dict[str, str]:
    scope = f"{credentials['access_key_id']}/20260101/us-east-1/s3/aws4_request"
    token = credentials["session_token"]
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}", "x-amz-security-token": token}


def test_ledger_refuses_credentials_from_the_moment_they_expire():
    """Good until just before the end, refused at it."""
    clock = Clock()
    ledger = CredentialLedger(clock)
    issued = ledger.issue(3)
    assert issued["expires_at_millis"] == "1003000"
    clock.now = 1002.999
    assert ledger.check(_signed(issued), {}) is None
    clock.now = 1003.0
    refusal = ledger.check(_signed(issued), {})
    assert refusal is not None
    assert (refusal.status, refusal.code) == (400, "ExpiredToken")


def test_ledger_admits_foreign_keys_for_ever_or_for_a_time():
    """A key that someone else issued has no token and, unless told, no end."""
    clock = Clock()
    ledger = CredentialLedger(clock)
    ledger.admit("AKIAEVER")
    ledger.admit("AKIASHORT", lifetime_seconds=1)
    clock.now = 1e12
    assert ledger.check({"authorization": "AWS AKIAEVER:signature"}, {}) is None
    refusal = ledger.check({"authorization": "AWS AKIASHORT:signature"}, {})
    assert refusal is not None
    assert refusal.code == "ExpiredToken"


@pytest.mark.parametrize(
    ("headers", "query", "key"),
    [
        pytest.param({"authorization": "AWS4-HMAC-SHA256 Credential=AK/1/r/s3/x, Signature=1"}, {}, "AK", id="v4"),
        pytest.param({"authorization": "AWS4-ECDSA-P256-SHA256 Credential=AK/1/s3/x"}, {}, "AK", id="v4a"),
        pytest.param({"authorization": "AWS AK:c2ln"}, {}, "AK", id="v2"),
        pytest.param({}, {"X-Amz-Credential": "AK/1/r/s3/aws4_request"}, "AK", id="v4-query"),
        pytest.param({}, {"AWSAccessKeyId": "AK"}, "AK", id="v2-query"),
        pytest.param({"authorization": "Bearer x"}, {}, None, id="another-scheme"),
        pytest.param({}, {}, None, id="unsigned"),
    ],
)
def test_access_key_is_found_wherever_s3_puts_it(headers, query, key):
    """All signature versions, as a header or in a presigned URL."""
    assert access_key_of(headers, query) == key


@pytest.mark.parametrize(
    ("first", "fields", "answers", "framing"),
    [
        pytest.param("PUT /b/k HTTP/1.1", "Content-Length: 12", None, 12, id="length"),
        pytest.param("PUT /b/k HTTP/1.1", "transfer-encoding: Chunked", None, CHUNKED, id="chunked"),
        pytest.param("GET /b/k HTTP/1.1", "Host: x", None, 0, id="request-without-body"),
        pytest.param("HTTP/1.1 200 OK", "Content-Length: 12", "GET", 12, id="answer"),
        pytest.param("HTTP/1.1 200 OK", "Content-Length: 12", "HEAD", 0, id="answer-to-head"),
        pytest.param("HTTP/1.1 204 No Content", "x: y", "DELETE", 0, id="no-content"),
        pytest.param("HTTP/1.1 304 Not Modified", "Content-Length: 12", "GET", 0, id="not-modified"),
        pytest.param("HTTP/1.0 200 OK", "x: y", "GET", UNTIL_CLOSE, id="until-close"),
    ],
)
def test_head_knows_how_its_body_is_framed(first, fields, answers, framing):
    """The rules of RFC 9112, section 6.3."""
    assert parse_head(f"{first}\r\n{fields}\r\n\r\n".encode()).framing(answers) == framing


def test_head_loses_one_header_only():
    """The other bytes stay as they were."""
    head = parse_head(b"PUT /b/k HTTP/1.1\r\nHost: h\r\nEXPECT: 100-continue\r\nx:  y \r\n\r\n")
    assert head.without("expect") == b"PUT /b/k HTTP/1.1\r\nHost: h\r\nx:  y \r\n\r\n"


def test_interference_loses_the_first_abort_of_each_upload_only():
    """The second abort of an upload, and every other delete, pass."""
    rules = Interference()
    abort, other, delete = (
        parse_head(f"DELETE /b/k{query} HTTP/1.1\r\n\r\n".encode()) for query in ("?uploadId=1", "?uploadId=2", "")
    )
    assert not rules.loses_abort(abort)
    rules.lose_aborts(None)
    assert [rules.loses_abort(head) for head in (abort, other, abort, delete)] == [True, True, False, False]


def test_interference_uses_rules_up():
    """A rule takes what it names, as often as it says."""
    rules, refusal = Interference(), Refusal(500, "InternalError", "")
    rules.fail(Rule("GET", "/k", 1, refusal))
    put, get = (parse_head(f"{method} /b/k HTTP/1.1\r\n\r\n".encode()) for method in ("PUT", "GET"))
    assert [rules.fault_for(head) for head in (put, get, get)] == [None, refusal, None]


def test_journal_counts_by_verb_status_and_error():
    """Totals are those of the records, until a reset."""
    journal = Journal()
    journal.add(RequestRecord("GET", "/b/k%20x?versionId=1", 200))
    journal.add(RequestRecord("HEAD", "/b/k", 400, error="ExpiredToken"))
    journal.count("bytes_out", 7)
    totals = journal.stats()
    assert (totals["requests"], totals["methods"]) == (2, {"GET": 1, "HEAD": 1})
    assert (totals["statuses"], totals["rejections"]) == ({"200": 1, "400": 1}, {"ExpiredToken": 1})
    assert totals["bytes_out"] == 7
    first = RequestRecord(**journal.records()[0])
    assert (first.path, first.query) == ("/b/k x", {"versionId": "1"})
    journal.reset()
    assert (journal.records(), journal.stats()["requests"], journal.stats()["bytes_out"]) == ([], 0, 0)


def test_counting_provider_gives_its_answers_in_turn():
    """Each call is counted, errors are raised, the last answer repeats."""
    provider = CountingProvider([{"key": "1"}, ConnectionError("away"), {"key": "2"}])
    assert provider.fetch_storage_options() == {"key": "1"}
    with pytest.raises(ConnectionError, match="away"):
        provider.fetch_storage_options()
    assert [provider.fetch_storage_options() for _ in range(2)] == [{"key": "2"}, {"key": "2"}]
    assert provider.calls == 4


def test_counting_provider_needs_an_answer():
    """With nothing to hand out it says so at once."""
    with pytest.raises(ValueError, match="at least one answer"):
        CountingProvider([])


def test_counting_providers_are_equal_by_name():
    """Without a name each is on its own; a pickled copy is equal and starts counting at 0."""
    answers = {"key": "1"}
    assert CountingProvider(answers) != CountingProvider(answers)
    assert CountingProvider(answers, name="n") == CountingProvider({"key": "2"}, name="n")
    provider = CountingProvider(answers)
    provider.fetch_storage_options()
    copy = pickle.loads(pickle.dumps(provider))
    assert (copy == provider, copy.calls, copy.fetch_storage_options()) == (True, 0, answers)


def test_local_credentials_provider_pickles_to_an_equal_one():
    """A copy in another process is the same provider, to dask's tokens too."""
    provider = LocalCredentialsProvider("http://127.0.0.1:1", 3)
    copy = pickle.loads(pickle.dumps(provider))
    assert (copy, copy.provider_id(), copy.lifetime_seconds) == (provider, provider.provider_id(), 3)
    assert provider != LocalCredentialsProvider("http://127.0.0.1:1", 4)


def test_testing_imports_only_objfs_and_the_standard_library():
    """At module level; moto is imported in the child process only."""
    imported = set()
    for path in Path(objfs.testing.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).split(".")[0])
    assert imported <= sys.stdlib_module_names | {"objfs"}
