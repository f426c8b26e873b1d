"""JSON over HTTP for providers, by the standard library: bounded in time and size, and sent to one host only."""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from objfs._version import __version__
from objfs.errors import CredentialsError, OptionError
from objfs.records import field, record
from objfs.urls import REDACTED, redact_url

DEFAULT_TIMEOUT_SECONDS: Final = 30.0
# The largest answers are those of a table's whole metadata.
DEFAULT_MAX_BYTES: Final = 16 << 20
_CHUNK_BYTES: Final = 1 << 16
# What a server says when it is busy, or when one in front of it has lost it for a moment.
_TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})
_ATTEMPTS: Final = 3
_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 5.0
_LONGEST_REASON: Final = 300
# Anything shorter that a request carries is a word.
_SHORTEST_SECRET: Final = 8
_PORTS: Final = {"http": 80, "https": 443}


@record
class Limits:
    """How long a question may take, all attempts together, and how large its answer may be."""

    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    max_bytes: int = DEFAULT_MAX_BYTES


@record
class Question:
    """One request for JSON. Its repr shows method and place only.

    Parameters
    ----------
    url
        ``http://`` or ``https://``.
    method
        ``GET`` or ``POST``; anything else that the server knows.
    headers
        Sent as they are.
    body
        Sent as JSON, or, where it is bytes, as it is; None for none.
    """

    url: str = field(repr=False)
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Method and URL without what may be secret in it."""
        return f"{self.method} {redact_url(self.url.partition('?')[0])}"


def check_endpoint(name: str, url: str) -> str:
    """The URL of a service without a slash at its end.

    Raises
    ------
    OptionError
        It is none, or holds a user or a password: those would be in every log.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        msg = f"{name} must be an http:// or https:// URL, got {redact_url(url)!r}"
        raise OptionError(msg)
    if "@" in parts.netloc:
        msg = f"{name} must not hold a user or a password; give them in headers or options"
        raise OptionError(msg)
    return url.rstrip("/")


def ask(question: Question, limits: Limits, *, sleep: Callable[[float], None] = time.sleep) -> Any:
    """Send a request and parse the JSON of its answer.

    Parameters
    ----------
    question
        What to ask. It is sent again where the server is busy or the connection breaks: handing out other credentials
        once more does no harm.
    limits
        Bounds of time and size.
    sleep
        Waits between attempts.

    Raises
    ------
    CredentialsError
        The server refused, cannot be reached, sends the client to another host, takes too long, or answers with more
        than the bound or with something else than JSON. The message names the place and the status, and no secret.
    """
    deadline = time.monotonic() + limits.timeout_seconds
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _once(question, limits, deadline)
        except urllib.error.HTTPError as error:
            with error:
                failure = _refused(question, error)
                pause = _pause(attempt, error.headers.get("Retry-After"))
                again = error.code in _TRANSIENT
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, CredentialsError):
                raise
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            failure = CredentialsError(f"{question.place} failed: {type(reason).__name__}: {_cut(reason, question)}")
            pause, again = _pause(attempt, None), not isinstance(reason, TimeoutError)
        if not again or attempt == _ATTEMPTS or time.monotonic() + pause >= deadline:
            # The error of urllib holds the URL and the headers of the answer.
            raise failure from None
        sleep(pause)
    msg = "unreachable: the last attempt returns or raises"
    raise AssertionError(msg)


def _once(question: Question, limits: Limits, deadline: float) -> Any:
    data, headers = question.body, {"Accept": "application/json", "User-Agent": f"objfs/{__version__}"}
    if data is not None and not isinstance(data, bytes):
        data, headers["Content-Type"] = json.dumps(data).encode(), "application/json"
    for name, value in question.headers.items():
        _check_header(name, value)
    request = urllib.request.Request(  # noqa: S310 - check_endpoint lets no other scheme pass
        question.url, data=data, headers={**headers, **question.headers}, method=question.method
    )
    opener = urllib.request.build_opener(_SameHost(question))
    with opener.open(request, timeout=max(deadline - time.monotonic(), 0.001)) as answer:
        text = _read(answer, question, limits, deadline)
    try:
        return json.loads(text)
    except ValueError:
        msg = f"{question.place} answered with {len(text)} bytes that are no JSON"
        raise CredentialsError(msg) from None


def _check_header(name: str, value: str) -> None:
    """Refuse what no header can hold; the error of the standard library would show the value."""
    if not value.isascii() or any(character < " " or character == "\x7f" for character in value):
        msg = f"the header {name!r} holds a character that no header can (a line break at its end?)"
        raise CredentialsError(msg)


def _read(answer: http.client.HTTPResponse, question: Question, limits: Limits, deadline: float) -> bytes:
    """The body. The time-out of a socket begins again with each byte, so that of the whole is looked at between."""
    parts, size = [], 0
    while chunk := answer.read1(_CHUNK_BYTES):
        size += len(chunk)
        if size > limits.max_bytes:
            msg = f"{question.place} answered with more than {limits.max_bytes} bytes"
            raise CredentialsError(msg)
        if time.monotonic() > deadline:
            msg = f"no complete answer within {limits.timeout_seconds:g} s"
            raise TimeoutError(msg)
        parts.append(chunk)
    return b"".join(parts)


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects on one host only: the request carries a token that no other may see."""

    def __init__(self, question: Question) -> None:
        self._question = question

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """The request to send instead, or an error."""
        if _origin(newurl) != _origin(req.full_url):
            text = f"{self._question.place} redirects to another host, {_host(newurl)}; it is not followed"
            raise CredentialsError(text)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def same_host(first: str, second: str) -> bool:
    """Whether two URLs name one scheme, host and port."""
    return _origin(first) == _origin(second)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}"


def _pause(attempt: int, wanted: str | None) -> float:
    """Seconds before the next attempt: what the server wants, or twice as long each time, and not the same for all."""
    if wanted is not None and wanted.isdigit():
        return min(float(wanted), _LONGEST_PAUSE_SECONDS)
    return _PAUSE_SECONDS * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _refused(question: Question, error: urllib.error.HTTPError) -> CredentialsError:
    """What a refusal says: the status, and the message where the answer has one in a usual place."""
    try:
        told = json.loads(error.read(_CHUNK_BYTES))
    except (OSError, ValueError, http.client.HTTPException):
        told = None
    inner = told.get("error") if isinstance(told, Mapping) else None
    places = (inner if isinstance(inner, Mapping) else None, told if isinstance(told, Mapping) else None)
    named = ("message", "error_description", "detail", "error_code", "error")
    texts = (place.get(name) for place in places if place for name in named)
    reason = next((text for text in texts if isinstance(text, str) and text), "")
    return CredentialsError(f"{question.place} was refused with status {error.code}{_said(reason, question)}")


def _said(reason: str, question: Question) -> str:
    return f": {_cut(reason, question)}" if reason else ""


def _cut(reason: object, question: Question) -> str:
    """Somebody else's words, on one line, without the secrets that the request carried."""
    text = " ".join(str(reason).split())
    for secret in _secrets(question):
        text = text.replace(secret, REDACTED)
    return text[:_LONGEST_REASON]


def _secrets(question: Question) -> list[str]:
    """All that a request carries beside its place; the longest first, as one may be a part of another."""
    found = [word for value in question.headers.values() for word in (value, *value.split())]
    found += _of_form(urlsplit(question.url).query)
    found += _texts(question.body)
    return sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)


def _texts(body: Any) -> list[str]:
    if isinstance(body, bytes):
        return _of_form(body.decode(errors="replace"))
    if isinstance(body, Mapping):
        return [text for inner in body.values() for text in _texts(inner)]
    if isinstance(body, list | tuple):
        return [text for inner in body for text in _texts(inner)]
    return [body] if isinstance(body, str) else []


def _of_form(text: str) -> list[str]:
    """Values of a query or a form, as they are meant and as they were sent."""
    return [*(value for _, value in parse_qsl(text)), *(pair.partition("=")[2] for pair in text.split("&"))]
