"""The reverse proxy behind :class:`objfs.testing.ExpiringGateway`: a thread and an upstream connection per client."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from objfs.testing.control import CONTROL_PREFIX, GatewayState, perform
from objfs.testing.interference import Held
from objfs.testing.journal import RequestRecord
from objfs.testing.ledger import CredentialLedger, Refusal, access_key_of
from objfs.testing.wire import UNTIL_CLOSE, Head, Wire

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SECRET_HEADERS = frozenset({"authorization", "x-amz-security-token"})
_UNREACHABLE = Refusal(502, "BadGateway", "the server behind the gateway gave no answer")


class GatewayServer:
    """The gateway itself, in threads of this process.

    Parameters
    ----------
    upstream
        ``http://host:port`` of the S3 server behind it.
    clock
        Seconds since the epoch, for the expiry of credentials.
    """

    def __init__(self, upstream: str, clock: Callable[[], float] = time.time) -> None:
        parts = urlsplit(upstream)
        if parts.scheme != "http" or parts.hostname is None:
            msg = f"a gateway needs an upstream like http://127.0.0.1:9000, got {upstream!r}"
            raise ValueError(msg)
        self.upstream = (parts.hostname, parts.port or 80)
        self.state = GatewayState(CredentialLedger(clock))
        self._connections: set[Wire] = set()
        self._listener = _Listener(("127.0.0.1", 0), self._serve)
        self.port: int = self._listener.server_address[1]

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), name="objfs-gateway", daemon=True).start()

    def stop(self) -> None:
        """Close the port and every connection."""
        self._listener.shutdown()
        self._listener.server_close()
        self.state.interference.reset()
        for wire in list(self._connections):
            wire.hang_up()

    def _serve(self, sock: socket.socket) -> None:
        wire = Wire(sock)
        self._connections.add(wire)
        connection = _Connection(self, wire)
        try:
            connection.serve()
        except (OSError, ValueError):  # the client hung up, or does not speak HTTP: there is nobody to tell
            pass
        finally:
            self._connections.discard(wire)
            connection.close()


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], serve: Callable[[socket.socket], None]) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                serve(self.request)

        super().__init__(address, Handler)


class _Connection:
    """One client connection and the upstream connection that serves it."""

    def __init__(self, server: GatewayServer, client: Wire) -> None:
        self._server = server
        self._state = server.state
        self._journal = server.state.journal
        self._client = client
        self._upstream: Wire | None = None

    def serve(self) -> None:
        """Answer requests until one side closes the connection."""
        while (request := self._client.read_head()) is not None:
            if request.target.startswith(CONTROL_PREFIX):
                goes_on = self._control(request)
            else:
                self._journal.enter(1)
                try:
                    goes_on = self._answer(request)
                finally:
                    self._journal.enter(-1)
            if not (goes_on and request.keeps_alive):
                return

    def close(self) -> None:
        self._client.close()
        if self._upstream is not None:
            self._upstream.close()

    def _control(self, request: Head) -> bool:
        for _ in self._client.body(request.framing()):
            pass
        status, answer = perform(self._state, request)
        body = json.dumps(answer).encode()
        self._client.send(_head(status, "application/json", len(body)) + body)
        return True

    def _answer(self, request: Head) -> bool:
        rules = self._state.interference
        if rules.delay_seconds:
            time.sleep(rules.delay_seconds)
        refusal = self._state.ledger.check(request.headers, request.query) or rules.fault_for(request)
        if refusal is not None:
            return self._refuse(request, refusal)
        if rules.loses_abort(request):
            self._journal.count("aborts_lost")
            self._record(request, 204)
            self._client.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            return True
        held = rules.hold_for(request)
        return self._forward(request) if held is None else self._forward_late(request, held)

    def _refuse(self, request: Head, refusal: Refusal) -> bool:
        """Answer with an error; a body that the client has not begun to send is not waited for."""
        if not request.expects_continue:
            for piece in self._client.body(request.framing()):
                self._journal.count("bytes_in", len(piece))
        self._record(request, refusal.status, refusal.code)
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{refusal.code}</Code>'
            f"<Message>{escape(refusal.message)}</Message><RequestId>objfs</RequestId></Error>"
        ).encode()
        head = _head(refusal.status, "application/xml", len(body), closes=request.expects_continue)
        self._client.send(head if request.method == "HEAD" else head + body)
        return not request.expects_continue

    def _forward_late(self, request: Head, held: Held) -> bool:
        """Forward a request that has arrived whole, once it is released, even if the client has gone meanwhile."""
        try:
            if request.expects_continue:
                self._client.send(_CONTINUE)
            body = [bytes(piece) for piece in self._client.body(request.framing())]
            self._state.interference.arrive(held)
            held.wait()
            upstream = self._connect()
            _send_all(upstream, [request.without("expect"), *body])
            answer = upstream.read_head()
        finally:
            held.landed.set()
        self._journal.count("bytes_in", sum(map(len, body)))
        return self._relay(request, answer, goes_on=True)

    def _forward(self, request: Head) -> bool:
        try:
            upstream = self._connect()
            upstream.send(request.raw)
        except OSError:
            return self._refuse(request, _UNREACHABLE)
        if request.expects_continue:
            answer = upstream.read_head()
            if answer is None or answer.status != 100:
                return self._relay(request, answer, goes_on=False)
            self._client.send(answer.raw)
        whole = _send_all(upstream, self._counted("bytes_in", self._client.body(request.framing())))
        return self._relay(request, _read_answer(upstream), goes_on=whole)

    def _relay(self, request: Head, answer: Head | None, *, goes_on: bool) -> bool:
        """Pass the answer on; the client is told whether its connection goes on, and the caller, too."""
        while answer is not None and answer.status < 200 and self._upstream is not None:
            self._client.send(answer.raw)
            answer = _read_answer(self._upstream)
        if answer is None or self._upstream is None:
            self._record(request, _UNREACHABLE.status, _UNREACHABLE.code)
            self._client.send(_head(_UNREACHABLE.status, "application/xml", 0, closes=True))
            return False
        framing = answer.framing(request.method)
        goes_on = goes_on and framing != UNTIL_CLOSE and answer.start[0] == "HTTP/1.1"
        self._record(request, answer.status)
        # Connection speaks of one hop: the client's may go on when the server closes its own, as moto always does.
        head = answer.without("connection")
        self._client.send(head if goes_on else head[:-2] + b"Connection: close\r\n\r\n")
        for piece in self._counted("bytes_out", self._upstream.body(framing)):
            self._client.send(piece)
        if not answer.keeps_alive:
            self._upstream.close()
            self._upstream = None
        return goes_on

    def _connect(self) -> Wire:
        if self._upstream is not None and not self._upstream.is_idle():
            self._upstream.close()
            self._upstream = None
        if self._upstream is None:
            self._upstream = Wire(socket.create_connection(self._server.upstream))
        return self._upstream

    def _counted(self, name: str, pieces: Iterable[bytes | memoryview]) -> Iterable[bytes | memoryview]:
        for piece in pieces:
            self._journal.count(name, len(piece))
            yield piece

    def _record(self, request: Head, status: int, error: str | None = None) -> None:
        self._journal.add(
            RequestRecord(
                method=request.method,
                target=request.target,
                status=status,
                range=request.headers.get("range"),
                access_key_id=access_key_of(request.headers, request.query),
                error=error,
                headers={name: value for name, value in request.headers.items() if name not in _SECRET_HEADERS},
            )
        )


def _read_answer(upstream: Wire) -> Head | None:
    try:
        return upstream.read_head()
    except ConnectionError:
        return None


def _send_all(upstream: Wire, pieces: Iterable[bytes | memoryview]) -> bool:
    """Send a body on; False when the server stopped reading (it has answered early), True when all was sent."""
    taken = True
    for piece in pieces:
        if taken:
            try:
                upstream.send(piece)
            except ConnectionError:
                taken = False
    return taken


def _head(status: int, content_type: str, length: int, *, closes: bool = False) -> bytes:
    connection = "Connection: close\r\n" if closes else ""
    return (
        f"HTTP/1.1 {status} objfs gateway\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n"
        f"{connection}\r\n"
    ).encode()
