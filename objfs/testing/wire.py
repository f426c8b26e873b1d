"""HTTP/1.1 messages on a socket, passed on as they came (RFC 9112): heads are parsed, bodies only framed."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

_PIECE_BYTES = 256 * 1024
_MAX_HEAD_BYTES = 256 * 1024
CHUNKED = -1
UNTIL_CLOSE = -2


@dataclass(frozen=True, slots=True)
class Head:
    """The start line and the headers of one message.

    Parameters
    ----------
    raw
        The bytes as they came, with the empty line that ends them.
    start
        The three words of the first line.
    headers
        Names in lower case; repeated ones joined by a comma.
    """

    raw: bytes
    start: tuple[str, str, str]
    headers: dict[str, str]

    @property
    def method(self) -> str:
        """Verb of a request."""
        return self.start[0]

    @property
    def target(self) -> str:
        """Path and query of a request, still quoted."""
        return self.start[1]

    @property
    def query(self) -> dict[str, str]:
        """Query of a request, decoded."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def status(self) -> int:
        """Status of an answer."""
        return int(self.start[1])

    @property
    def expects_continue(self) -> bool:
        """True when the sender waits for a ``100 Continue`` before it sends the body."""
        return self.headers.get("expect", "").lower() == "100-continue"

    @property
    def keeps_alive(self) -> bool:
        """True when another message may follow on the connection."""
        version = self.start[0] if self.start[0].startswith("HTTP/") else self.start[2]
        return version == "HTTP/1.1" and "close" not in self.headers.get("connection", "").lower()

    def framing(self, request_method: str | None = None) -> int:
        """Length of the body in bytes, or `CHUNKED` or `UNTIL_CLOSE`; for an answer give the method it answers."""
        if request_method is not None and (
            request_method == "HEAD" or self.status in (204, 304) or 100 <= self.status < 200
        ):
            return 0
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return CHUNKED
        if "content-length" in self.headers:
            return int(self.headers["content-length"])
        return 0 if request_method is None else UNTIL_CLOSE

    def without(self, name: str) -> bytes:
        """Return the raw head without one header, given in lower case."""
        prefix = f"{name}:".encode()
        return b"\r\n".join(line for line in self.raw.split(b"\r\n") if not line.lower().startswith(prefix))


def parse_head(raw: bytes) -> Head:
    """Parse a head that ends in an empty line.

    Raises
    ------
    ValueError
        It is not HTTP/1.
    """
    first, *lines = raw.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2:
        msg = f"not an HTTP/1 message: {first[:80]!r}"
        raise ValueError(msg)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Head(raw, (words[0], words[1], words[2] if len(words) > 2 else ""), headers)


class Wire:
    """A buffered reader and a writer on one connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._buffer = bytearray()
        self._scratch = memoryview(bytearray(_PIECE_BYTES))

    def send(self, data: bytes | memoryview) -> None:
        """Send all of the bytes."""
        self.sock.sendall(data)

    def read_head(self) -> Head | None:
        """Read up to the empty line; None when the peer has closed the connection instead."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD_BYTES or not self._fill():
                return None
        return parse_head(self._take(end + 4))

    def body(self, framing: int) -> Iterator[bytes | memoryview]:
        """Yield the body with its chunk marks; a piece is valid until the next one is asked for.

        Raises
        ------
        ConnectionError
            The peer closed the connection before the end.
        """
        if framing == CHUNKED:
            yield from self._chunks()
        elif framing == UNTIL_CLOSE:
            while self._buffer or self._fill():
                yield self._take(len(self._buffer))
        else:
            yield from self._exactly(framing)

    def is_idle(self) -> bool:
        """True when the connection is open and the peer has sent nothing unasked, so a request may follow."""
        self.sock.setblocking(False)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return not self._buffer
        except OSError:
            return False
        finally:
            self.sock.setblocking(True)
        return False

    def hang_up(self) -> None:
        """Wake whoever waits on the connection; it reads as ended from now on."""
        with contextlib.suppress(OSError):  # the peer may be quicker
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self.hang_up()
        self.sock.close()

    def _fill(self) -> bool:
        count = self.sock.recv_into(self._scratch)
        self._buffer += self._scratch[:count]
        return count > 0

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _exactly(self, count: int) -> Iterator[bytes | memoryview]:
        if self._buffer and count:
            taken = self._take(min(count, len(self._buffer)))
            count -= len(taken)
            yield taken
        while count:
            got = self.sock.recv_into(self._scratch, min(count, _PIECE_BYTES))
            if not got:
                msg = f"the peer closed the connection {count} bytes before the end of a body"
                raise ConnectionError(msg)
            count -= got
            yield self._scratch[:got]

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if not self._fill():
                msg = "the peer closed the connection inside a chunked body"
                raise ConnectionError(msg)
        return self._take(end + 2)

    def _chunks(self) -> Iterator[bytes | memoryview]:
        while True:
            mark = self._line()
            yield mark
            size = int(mark.split(b";")[0], 16)
            if not size:
                break
            yield from self._exactly(size + 2)
        while True:  # trailers, and the empty line that ends the message
            line = self._line()
            yield line
            if line == b"\r\n":
                return
