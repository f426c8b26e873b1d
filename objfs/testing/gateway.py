"""A gateway in front of an S3 server that really refuses expired credentials."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from objfs.testing.children import ChildServer
from objfs.testing.control import call_gateway
from objfs.testing.journal import RequestRecord
from objfs.testing.proxy import GatewayServer


class ExpiringGateway:
    """A reverse proxy that issues temporary credentials and refuses every request signed with anything else.

    As AWS does, it answers ``ExpiredToken`` or ``InvalidToken`` with HTTP 400, ``InvalidAccessKeyId`` or (unsigned)
    ``AccessDenied`` with 403, and HEAD without a body. It looks at the access key and the session token, in the
    ``Authorization`` header or in a presigned query, and verifies nothing else. Everything else passes unchanged and
    unbuffered, so the server behind it must not verify signatures (moto does not), or know the key (see `admit`).

    Every method works on a running gateway from any thread; other processes reach the same functions over HTTP:
    ``POST {endpoint}/-/issue?lifetime=3``, ``GET {endpoint}/-/stats``, ``GET {endpoint}/-/requests``.

    Parameters
    ----------
    upstream
        ``http://host:port`` of the S3 server.
    own_process
        Run in a process of its own, where it takes no time from this one; otherwise in threads.

    Examples
    --------
    >>> with S3Server() as server, ExpiringGateway(server.endpoint) as gateway:  # doctest: +SKIP
    ...     provider = LocalCredentialsProvider(gateway.endpoint, lifetime_seconds=3)
    ...     fs = fsspec.filesystem("s3", storage_options_provider=provider, endpoint_url=gateway.endpoint)
    """

    def __init__(self, upstream: str, *, own_process: bool = False) -> None:
        self._upstream = upstream
        self._own_process = own_process
        self._server: ChildServer | GatewayServer | None = None
        self._port: int | None = None

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:PORT``."""
        if self._port is None:
            msg = "the gateway is not running: use it in a with block or call start()"
            raise RuntimeError(msg)
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> Self:
        """Start the gateway and wait until it answers."""
        if self._own_process:
            child = ChildServer(["gateway", self._upstream])
            self._port, self._server = child.start(), child
        else:
            server = GatewayServer(self._upstream)
            server.start()
            self._port, self._server = server.port, server
        return self

    def stop(self) -> None:
        """End the gateway and its connections."""
        server, self._server, self._port = self._server, None, None
        if server is not None:
            server.stop()

    def issue(self, lifetime_seconds: float, *, told_seconds: float | None = None) -> dict[str, str]:
        """Issue credentials: ``access_key_id``, ``secret_access_key``, ``session_token``, ``expires_at_millis``.

        Parameters
        ----------
        lifetime_seconds
            How long the gateway takes them.
        told_seconds
            What ``expires_at_millis`` says instead, to play a wrong clock; default `lifetime_seconds`.
        """
        issued: dict[str, str] = self._call("issue", lifetime=lifetime_seconds, told=told_seconds)
        return issued

    def admit(
        self, access_key_id: str, session_token: str | None = None, *, lifetime_seconds: float | None = None
    ) -> None:
        """Take credentials which the gateway has not issued (a real key of the server behind it)."""
        self._call("admit", access_key_id=access_key_id, session_token=session_token, lifetime=lifetime_seconds)

    def expire(self, access_key_id: str | None = None) -> None:
        """Let one access key, or all, expire now: ``ExpiredToken`` from the next request on."""
        self._call("expire", access_key_id=access_key_id)

    def revoke(self, access_key_id: str) -> None:
        """Forget an access key: ``InvalidAccessKeyId`` from the next request on."""
        self._call("revoke", access_key_id=access_key_id)

    def stats(self) -> dict[str, Any]:
        """Return totals since the last `reset`.

        ``requests``, ``methods`` (by verb), ``statuses`` (by status, a string), ``rejections`` (by error code),
        ``issued``, ``bytes_in`` (bodies from clients), ``bytes_out``, ``in_flight``, ``aborts_lost``.
        """
        totals: dict[str, Any] = self._call("stats")
        return totals

    def requests(self) -> list[RequestRecord]:
        """Return the answered requests since the last `reset`, in the order of their answers."""
        return [RequestRecord(**record) for record in self._call("requests")]

    def reset(self) -> None:
        """Forget the requests and totals and lift every rule; issued credentials stay good."""
        self._call("reset")

    def delay(self, milliseconds: float) -> None:
        """Let every request wait that long; 0 ends it."""
        self._call("delay", milliseconds=milliseconds)

    def hold(self, method: str, substring: str = "", *, times: int = 1_000_000) -> None:
        """Let matching requests wait, once they have arrived whole, until `release`; they go on if the client is gone.

        Parameters
        ----------
        method
            HTTP verb, or ``"*"``.
        substring
            Part of the target (path and query, quoted as on the wire).
        times
            How many requests.
        """
        self._call("hold", method=method, substring=substring, times=times)

    def wait_held(self, count: int = 1, *, timeout_seconds: float = 30.0) -> int:
        """Wait until `count` requests are held; return how many are (fewer after the timeout)."""
        held: int = self._call("wait-held", count=count, timeout=timeout_seconds)
        return held

    def release(self) -> None:
        """Let held requests go on, and hold no more."""
        self._call("release")

    def fail(
        self, method: str, substring: str = "", *, status: int = 500, code: str = "InternalError", times: int = 1
    ) -> None:
        """Answer the next `times` matching requests with an S3 error, without passing them on."""
        self._call("fail", method=method, substring=substring, status=status, code=code, times=times)

    def late_parts(self, part_number: int | None = None) -> None:
        """Play AWS's late parts: the first abort of every multipart upload is answered 204 and changes nothing.

        On AWS a part that is under way when the upload is aborted may land afterwards; the upload then exists until it
        is aborted again.

        Parameters
        ----------
        part_number
            Hold this part of every upload until the abort comes, and let it land then. An upload that is not aborted
            waits for it (at most two minutes). Default: hold none.
        """
        self._call("late-parts", part=part_number)

    def _call(self, name: str, **parameters: object) -> Any:
        return call_gateway(self.endpoint, name, **parameters)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
