"""The faults of the matrix, as rows: what the proxy does, how often, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.fault_proxy import FOREVER, Act, Answer, Exchange

# The time limits of the matrix (`tests.faults.matrix.LIMITS`): a drop comes well within the read timeout, and all
# drops of a body together take longer than it.
DROP_SECONDS = 0.2
DROPS = 10
# Read timeouts of the client: one that a test can wait for, and one that no busy machine exceeds.
SHORT_SECONDS, LONG_SECONDS = 1.5, 30.0


@dataclass(frozen=True)
class Fault:
    """One fault.

    Parameters
    ----------
    name, meaning
        In the table.
    act
        What is done to a request that is hit; None where there is no server at all.
    times
        How many requests are hit.
    address
        Where the client is sent in place of the proxy, for what happens before there is a connection.
    read_timeout
        Of the client, in seconds.
    """

    name: str
    meaning: str
    act: Act | None
    times: int = 1
    address: str | None = None
    read_timeout: float = LONG_SECONDS


def _midway(end: Callable[[Exchange], None]) -> Act:
    """Head and half of the body, then this; an answer without a body has no middle."""

    def act(exchange: Exchange) -> bool | None:
        answer = exchange.forward()
        if not answer.body:
            return exchange.spare(answer)
        exchange.send(answer.head() + answer.body[: len(answer.body) // 2])
        end(exchange)
        return None

    return act


def reset_before(exchange: Exchange) -> None:
    """The server never sees the request."""
    exchange.reset()


reset_midway = _midway(Exchange.reset)
stall_midway = _midway(Exchange.wait_for_hang_up)
truncate = _midway(lambda _: None)


def reset_after(exchange: Exchange) -> None:
    """All of the answer, then a reset where the client expects to send its next request."""
    answer = exchange.forward()
    exchange.send(answer.head() + answer.body)
    exchange.reset()


def lose_answer(exchange: Exchange) -> None:
    """The server carries the request out, and nobody hears of it."""
    exchange.forward()
    exchange.reset()


def stall_before(exchange: Exchange) -> None:
    """Not a byte of an answer."""
    exchange.wait_for_hang_up()


def drip(exchange: Exchange) -> bool:
    """The body in drops, each in time."""
    answer = exchange.forward()
    if not answer.body:
        return exchange.spare(answer)
    exchange.send(answer.head())
    step = max(1, -(-len(answer.body) // DROPS))
    for start in range(0, len(answer.body), step):
        exchange.send(answer.body[start : start + step])
        exchange.over.wait(DROP_SECONDS)
    return True


def _announcing(length: Callable[[int], int]) -> Act:
    """A Content-Length that does not fit; an answer without a body could not give the lie away."""

    def act(exchange: Exchange) -> bool | None:
        answer = exchange.forward()
        if not answer.body:
            return exchange.spare(answer)
        exchange.send(answer.head(content_length=str(length(answer.length))) + answer.body)
        return None

    return act


def refusing(status: int, code: str, message: str = "made up", *, region: str = "", **headers: str) -> Act:
    """Answer with an error of S3's form, and do not ask the server."""

    def act(exchange: Exchange) -> bool:
        where = f"<Region>{region}</Region>" if region else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f"<Error><Code>{code}</Code><Message>{message}</Message>{where}<RequestId>1</RequestId></Error>"
        ).encode()
        told = [
            ("Content-Type", "application/xml"),
            *((name.replace("_", "-"), text) for name, text in headers.items()),
        ]
        answer = Answer(status, told, body, len(body))
        exchange.send(answer.head() + (b"" if exchange.request.method == "HEAD" else answer.body))
        return True

    return act


def _answering(name: str, meaning: str, act: Act, *also: str) -> tuple[Fault, ...]:
    counts = {"once": ("once", 1), "twice": ("twice in a row", 2), "forever": ("to every request", FOREVER)}
    chosen = [(word, *counts[word]) for word in ("once", *also, "forever")]
    return tuple(Fault(f"{name} {word}", f"{meaning}, {often}", act, times) for word, often, times in chosen)


_BUSY = refusing(503, "SlowDown", "Please reduce your request rate.")
_LATER = refusing(429, "TooManyRequests", "Please reduce your request rate.", Retry_After="1")
_SKEWED = refusing(
    403, "RequestTimeTooSkewed", "The difference between the request time and the server's is too large."
)
_MOVED = refusing(301, "PermanentRedirect", "This bucket has another endpoint.", x_amz_bucket_region="eu-west-1")
_MISPLACED = refusing(
    400,
    "AuthorizationHeaderMalformed",
    "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
    region="eu-west-1",
    x_amz_bucket_region="eu-west-1",
)

FAULTS: tuple[Fault, ...] = (
    Fault("no connection", "nobody listens at the port", None, address="127.0.0.1:1"),
    Fault("no such host", "the name of the host cannot be looked up", None, address="nowhere.invalid:9"),
    *_answering("reset before", "the connection is reset before the answer", reset_before),
    *_answering("reset midway", "the connection is reset in the middle of the answer", reset_midway),
    Fault("reset after", "the connection is reset after each whole answer", reset_after, FOREVER),
    Fault("lost answer", "the request is carried out and its answer lost by a reset, once", lose_answer),
    *_answering("truncated", "the connection is ended in the middle of the answer", truncate),
    Fault("stalled before once", "no answer comes, once", stall_before, read_timeout=SHORT_SECONDS),
    Fault("stalled before forever", "no answer comes, ever", stall_before, FOREVER, read_timeout=SHORT_SECONDS),
    Fault("stalled midway once", "an answer stops in the middle, once", stall_midway, read_timeout=SHORT_SECONDS),
    Fault("stalled midway forever", "each answer stops in the middle", stall_midway, FOREVER, None, SHORT_SECONDS),
    Fault("slow", "each answer comes in drops, for longer than the read timeout", drip, FOREVER, None, SHORT_SECONDS),
    Fault("too long", "Content-Length says a byte more than comes, once", _announcing(lambda length: length + 1)),
    Fault("too short", "Content-Length says half of what comes, once", _announcing(lambda length: length // 2)),
    *_answering("500", "500 InternalError", refusing(500, "InternalError")),
    *_answering("502", "502 of a gateway", refusing(502, "BadGateway")),
    *_answering("503", "503 SlowDown", _BUSY, "twice"),
    *_answering("429", "429 with Retry-After", _LATER),
    Fault("clock skew", "403 RequestTimeTooSkewed", _SKEWED, FOREVER),
    Fault("moved by 301", "301 PermanentRedirect to another region", _MOVED, FOREVER),
    Fault("moved by 400", "400 AuthorizationHeaderMalformed, which names another region", _MISPLACED, FOREVER),
)

BY_NAME = {fault.name: fault for fault in FAULTS}
