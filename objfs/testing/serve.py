"""What the child processes run: ``python -m objfs.testing.serve moto`` or ``… gateway UPSTREAM_URL``.

Prints the port (one line) and serves until stdin ends.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from objfs.testing.children import end_with_parent


def _serve_moto() -> int:
    import logging

    from moto.moto_server.threaded_moto_server import ThreadedMotoServer
    from werkzeug.serving import WSGIRequestHandler

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Head and body are sent apart: with Nagle's algorithm each answer on a kept connection would wait for an ACK.
    WSGIRequestHandler.disable_nagle_algorithm = True
    # moto names itself, too, and what reads headers strictly, as aiohttp does under ``python -X dev``, wants one name.
    WSGIRequestHandler.send_response = _begin_answer  # type: ignore[method-assign, assignment]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return int(server.get_host_and_port()[1])


def _begin_answer(handler: Any, status: int, message: str | None = None) -> None:
    handler.send_response_only(status, message)
    handler.send_header("Date", handler.date_time_string())


def _serve_gateway(upstream: str) -> int:
    from objfs.testing.proxy import GatewayServer

    server = GatewayServer(upstream)
    server.start()
    return server.port


def main(arguments: list[str]) -> None:
    """Start the server that the arguments name, print its port, and wait for the end of stdin."""
    end_with_parent()
    kind, *rest = arguments
    port = _serve_moto() if kind == "moto" else _serve_gateway(*rest)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
