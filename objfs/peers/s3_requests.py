"""How often requests of boto's S3 client are repeated, and how a body is read whose connection breaks."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping
from typing import Any, Final

from objfs.errors import PreconditionFailedError
from objfs.peers.answers import span_of
from objfs.retries import IN_DOUBT, REFUSALS, RETRIED_STATUSES, UNCLEAR_STATUSES, Attempts, RetryPolicy, repeat_nothing

# Each piece that has come is kept when the connection breaks.
_PIECE_BYTES: Final = 256 << 10
# S3 says by 400 that it waited for the body in vain: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
RETRIED_CODES: Final = frozenset({"RequestTimeout", "RequestTimeoutException", "SlowDown", "InternalError"})
_EVENT: Final = "needs-retry.s3"
# What boto's client registers its own under, in every mode.
_BOTOS_OWN: Final = "retry-config-s3"
_ATTEMPTS: Final = "objfs_attempts"
_DOUBT: Final = "objfs_doubt"
_CONDITIONS: Final = frozenset({"if-match", "if-none-match"})


def repeat_by(policy: RetryPolicy, client: Any) -> None:
    """Have the requests of a client repeated by a policy, and by nothing else."""
    events = client.meta.events

    def again(
        response: Any, caught_exception: BaseException | None, request_dict: dict[str, Any], **_: Any
    ) -> float | None:
        context = request_dict["context"]
        attempts: Attempts = context.setdefault(_ATTEMPTS, policy.begin())
        if caught_exception is not None:
            if not _is_transport(caught_exception):
                return None
            context[_DOUBT] = context.get(_DOUBT) or (_is_conditional(request_dict) and _was_sent(caught_exception))
            return attempts.pause()
        status = response[1].get("ResponseMetadata", {}).get("HTTPStatusCode")
        if context.get(_DOUBT) and status in REFUSALS:
            raise ConnectionResetError(errno.ECONNRESET, IN_DOUBT)
        context[_DOUBT] = context.get(_DOUBT) or (_is_conditional(request_dict) and status in UNCLEAR_STATUSES)
        code = response[1].get("Error", {}).get("Code")
        return attempts.pause() if status in RETRIED_STATUSES or code in RETRIED_CODES else None

    http = client._endpoint.http_session  # noqa: SLF001 - there is no public way to it
    plain = http._get_session  # noqa: SLF001 - as above

    async def get_session(*args: Any) -> Any:
        session = await plain(*args)
        repeat_nothing(session)
        return session

    http._get_session = get_session  # noqa: SLF001 - as above
    events.unregister(_EVENT, unique_id=_BOTOS_OWN)
    events.register(_EVENT, again, unique_id="objfs-retries")


def _is_transport(error: BaseException) -> bool:
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from botocore.exceptions import HTTPClientError

    return isinstance(error, HTTPClientError | BotoConnectionError)


def _was_sent(error: BaseException) -> bool:
    """Whether the server may have seen the request."""
    from aiohttp import ClientConnectorError
    from botocore.exceptions import ConnectTimeoutError, ProxyConnectionError

    never = isinstance(getattr(error, "kwargs", {}).get("error"), ClientConnectorError)
    return not (never or isinstance(error, ConnectTimeoutError | ProxyConnectionError))


def _is_conditional(request: Mapping[str, Any]) -> bool:
    return request["method"] != "GET" and any(name.lower() in _CONDITIONS for name in request["headers"])


async def read_object(self: Any, extra: Mapping[str, Any], **parameters: Any) -> tuple[Mapping[str, Any], bytes]:
    """The answer to a GET and its body; from where the body stopped when its connection breaks.

    Parameters
    ----------
    self
        An instance of s3fs.
    extra, parameters
        Of the call; extra ones are passed on where it knows them.
    """
    attempts = self.objfs_retries.begin()
    answer = first = await self._call_s3("get_object", extra, **parameters)
    pieces: list[bytes] = []
    while True:
        try:
            async with answer["Body"] as body:
                while piece := await body.read(_PIECE_BYTES):
                    pieces.append(piece)
        except _breaks() as error:
            wait = attempts.pause()
            if wait is None:
                raise
            await asyncio.sleep(wait)
            rest = _rest(first, sum(map(len, pieces)))
            if rest is not None:
                answer = await self._call_s3("get_object", extra, **{**parameters, "Range": rest})
                if answer.get("ETag") != first.get("ETag"):
                    raise PreconditionFailedError(errno.EINVAL, "it was replaced while it was read") from error
                if not str(answer.get("ContentRange")).startswith(f"{rest.replace('=', ' ')}/"):
                    raise OSError(errno.EIO, "the answer does not go on where the first one stopped") from error
                continue
        return first, b"".join(pieces)


def _breaks() -> tuple[type[BaseException], ...]:
    from aiohttp import ClientError
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    return HTTPClientError, IncompleteReadError, ClientError, TimeoutError


def _rest(answer: Mapping[str, Any], count: int) -> str | None:
    """The range that is left after the first bytes of an answer; None where nothing is."""
    told = answer.get("ContentRange")
    if told is not None:
        start, last = span_of(told)
    elif "ContentLength" in answer:
        start, last = 0, answer["ContentLength"] - 1
    else:
        return f"bytes={count}-"
    begin = start + count
    return f"bytes={begin}-{last}" if begin <= last else None
