"""What is wrong, in plain words: a table from the signs that errors bear to what they mean and what helps."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from objfs.records import record


@record
class Diagnosis:
    """One thing that can be wrong.

    Parameters
    ----------
    symptom
        Its name, for programs.
    signs
        Pattern that is looked for in the account of an error (see `account_of`), in any case and over lines; named
        groups may be used in the words.
    words
        What is wrong. May use ``{url}``, ``{bucket}``, ``{endpoint}``, ``{region}``, ``{account}``, ``{needs}``.
    advice
        What to do, likewise.
    """

    symptom: str
    signs: str
    words: str
    advice: str


def _status(number: int) -> str:
    """The sign of an HTTP status; a bare number may be a port or a time."""
    return rf"(?:status|code)(?: code)?[=: ]+{number}\b"


# The first that fits counts: what a server says before what the network does, the special before the general.
DIAGNOSES: Final[tuple[Diagnosis, ...]] = (
    Diagnosis(
        "not installed",
        r"MissingExtraError|EngineError",
        "this needs the cloud's SDK, which is not installed or was ruled out by engine='obstore'",
        "install the extra that the error names, or leave engine out",
    ),
    Diagnosis(
        "no credentials",
        r"(Missing|Incomplete)CredentialsError|NoCredentialsError|DefaultCredentialsError|CredentialUnavailableError"
        r"|NoAuthenticationInformation",
        "no credentials were found",
        "pass them (docs/how-to/authenticate-to-…), or anon=True where the data is public",
    ),
    Diagnosis(
        "clock skew",
        r"RequestTimeTooSkewed|Request date header too old|Token used too early|is not yet valid"
        r"|The difference between the request time and the (current|server)|Check your iat and exp",
        "the clock of this machine and that of the server differ by more than the server allows",
        "set this machine's clock (NTP), also that of the container or virtual machine it runs in",
    ),
    Diagnosis(
        "bad token",
        r"Invalid Credentials|Invalid JWT|invalid_grant|\bInvalidToken\b",
        "the server does not accept the token: it has expired, or is none of this service's",
        "get a new one; a storage_options_provider gets them by itself, before they expire",
    ),
    Diagnosis(
        "expired token",
        r"ExpiredToken|TokenRefreshRequired|CredentialsExpiredError|token (has |is )?expired|has expired"
        r"|not valid in the specified time frame|Signature not valid|expired signature",
        "the credentials have expired",
        "get new ones; a storage_options_provider gets them by itself, before they expire",
    ),
    Diagnosis(
        "wrong region",
        rf"(AuthorizationHeaderMalformed|PermanentRedirect|TemporaryRedirect|IllegalLocationConstraint|{_status(301)})"
        r".*?(expecting '|<Region>|Region=|x-amz-bucket-region=|(<Endpoint>|Endpoint=)[^<\n]*?\bs3[.-])"
        r"(?P<found>[a-z]{2}(-[a-z]+)+-\d)",
        "the bucket {bucket!r} is in the region {found}, and was asked for in {region}",
        "pass region={found!r}",
    ),
    Diagnosis(
        "wrong region",
        r"PermanentRedirect|IllegalLocationConstraint|the region '[^']*' is wrong|Received redirect without LOCATION"
        r"|must be addressed using the specified endpoint",
        "the bucket {bucket!r} is in another region than {region}",
        "pass the bucket's own region=; its owner or `aws s3api get-bucket-location` knows it",
    ),
    Diagnosis(
        "requester pays",
        r"UserProjectMissing|requester.pays.bucket|x-amz-request-payer",
        "the bucket's owner lets those pay who ask, and this request does not say who pays",
        "pass requester_pays=True (GCS: requester_pays='PROJECT', the project that is billed)",
    ),
    Diagnosis(
        "unknown key",
        r"InvalidAccessKeyId|INVALID_ACCESS_KEY",
        "the server does not know this access key",
        "check the key, and that it belongs to this endpoint ({endpoint}) and not to another one",
    ),
    Diagnosis(
        "wrong secret",
        r"SignatureDoesNotMatch|AuthenticationFailed|failed to authenticate|InvalidAuthenticationInfo"
        rf"|{_status(401)}",
        "the server knows who this claims to be, and does not accept the secret",
        "check secret, key or SAS: a cut-off copy, or that of another key or account",
    ),
    Diagnosis(
        "wrong endpoint",
        r"<!doctype html|<html|text/html|invalid XML|not well-formed|not a listing|does not speak S3|^Code=$"
        # What MinIO says at the port of its console.
        r"|Expecting value|must be made to API port",
        "what answers at {endpoint} is no object store, but a web page",
        "check the endpoint and its port: many servers have their console on another one",
    ),
    Diagnosis(
        "no such bucket",
        r"NoSuchBucket|ContainerNotFound|specified (bucket|container) does not exist|bucket (does )?not (exist|found)"
        r"|ContainerBeingDeleted|^about the bucket$.*FileNotFoundError",
        "there is no bucket {bucket!r} at {endpoint}",
        "check its name, and the endpoint or account; objfs creates buckets only when told to (mkdir)",
    ),
    Diagnosis(
        "no such object",
        r"NoSuchKey|BlobNotFound|No such object|FileNotFoundError",
        "there is no object of this name, and nothing below it",
        "check the key: case, slashes and spaces count",
    ),
    Diagnosis(
        "anonymous",
        r"^unsigned$.*(AccessDenied|PublicAccessNotPermitted|Anonymous caller|PermissionError)",
        "the data is not public, and the request was sent without credentials",
        "pass credentials and leave anon out",
    ),
    Diagnosis(
        "archived",
        r"InvalidObjectState|BlobArchived",
        "the object is archived and must be restored before it can be read",
        "restore it, or change its tier",
    ),
    Diagnosis(
        "no permission",
        r"AccessDenied|AuthorizationPermissionMismatch|AuthorizationFailure|does not have storage\.|Forbidden"
        r"|PermissionError",
        "the server knows who asks, and does not allow this",
        "it takes {needs}. Where the requester pays, requester_pays=True is missing",
    ),
    Diagnosis(
        "no such account",
        r"(?=.*(Name or service not known|failed to lookup|name resolution|nodename nor|getaddrinfo|dns error"
        r"|No address associated))(?=.*\.(blob|dfs)\.core\.)",
        "no host answers for the storage account {account!r}",
        "check the name of the account, and its cloud (endpoint=) where that is not the public one",
    ),
    Diagnosis(
        "unknown host",
        r"Name or service not known|failed to lookup|name resolution|nodename nor|getaddrinfo|dns error"
        r"|No address associated",
        "the host of the endpoint {endpoint} is not known",
        "check the endpoint's spelling, and the name service or proxy of this network",
    ),
    Diagnosis(
        "plain HTTP",
        r"InvalidContentType|wrong.version.number|record.layer.failure|packet length too long|HTTPS_PROXY_REQUEST"
        r"|SSL: HTTP_REQUEST",
        "the endpoint {endpoint} speaks plain HTTP and was asked for TLS",
        "say so: endpoint_url='http://…'; nothing else turns plain HTTP on",
    ),
    Diagnosis(
        "certificate",
        r"certificate|UnknownIssuer|self.signed|NotValidForName|SSLError|\bTLS\b",
        "the certificate of {endpoint} is not trusted, or is of another host",
        "name its authority (root_certificate='/path/ca.pem'), or use the host's name in the certificate",
    ),
    Diagnosis(
        "TLS expected",
        r"HTTP request to an HTTPS server|plain HTTP request was sent to|BadStatusLine|Expected HTTP/|kind: Parse"
        r"|^endpoint http:.*(ConnectionReset|reset by peer|Server disconnected)",
        "what listens at {endpoint} does not answer in HTTP; most often it is TLS",
        "write https:// in the endpoint, or check its port",
    ),
    Diagnosis(
        "refused",
        r"Connection refused|Connect call failed|actively refused|ECONNREFUSED",
        "nobody listens at {endpoint}",
        "check that the server runs, its port, and firewalls or proxies between",
    ),
    Diagnosis(
        "time-out",
        r"TimeoutError|timed.?out|ETIMEDOUT",
        "{endpoint} did not answer in time",
        "check firewalls and proxies; a host that drops packets looks like this",
    ),
    Diagnosis(
        "throttled",
        r"ThrottledError|SlowDown|TooManyRequests|ServerBusy",
        "the server asks to slow down",
        "try again later, with fewer requests at a time",
    ),
    Diagnosis(
        "no credentials",
        r"CredentialsError",
        "the credentials could not be had",
        "the error names who failed; of what a provider raised it has the class alone, as the text may hold secrets: "
        "call the provider by itself to read that",
    ),
)
# Circumstances beside the endpoint: the request bore no credentials; it was about a bucket, not about an object.
UNSIGNED: Final = "unsigned"
OF_BUCKET: Final = "about the bucket"

_UNKNOWN: Final = Diagnosis("unknown", "", "the request failed", "see the error")


def diagnose(account: str, facts: Mapping[str, Any]) -> tuple[str, str, str]:
    """The symptom, what is wrong, and what to do.

    Parameters
    ----------
    account
        As `account_of` gives it.
    facts
        What the words may use.
    """
    for each in DIAGNOSES:
        match = re.search(each.signs, account, re.IGNORECASE | re.DOTALL | re.MULTILINE)
        if match is not None:
            told = {**facts, **match.groupdict()}
            return each.symptom, each.words.format(**told), each.advice.format(**told)
    return _UNKNOWN.symptom, _UNKNOWN.words, _UNKNOWN.advice


def account_of(error: BaseException, *circumstances: str) -> str:
    """Everything that an error and its causes say, a line for each thing: classes, codes, texts, answers of servers.

    Parameters
    ----------
    error
        Any.
    *circumstances
        What the error does not say: ``endpoint URL``, `UNSIGNED`, `OF_BUCKET`.
    """
    return "\n".join([*circumstances, *_lines(error)])


def _lines(error: BaseException) -> Iterator[str]:
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        yield f"{type(current).__name__}: {current}"
        yield from _answer(current)
        # A connection's number is also given for names that are not found and handshakes that fail.
        if isinstance(current, OSError) and current.errno == errno.ETIMEDOUT:
            yield "ETIMEDOUT"
        current = current.__cause__ or current.__context__


def _answer(error: BaseException) -> Iterator[str]:
    """What SDKs keep of a server's answer beside the text."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        yield from (f"{name}={value}" for name, value in response.get("Error", {}).items())
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        yield from (f"{name}={value}" for name, value in headers.items() if name.startswith("x-amz-"))
    for name in ("error_code", "code", "status", "status_code"):
        told = getattr(error, name, None)
        if isinstance(told, str | int):
            yield f"{name}={told}"
