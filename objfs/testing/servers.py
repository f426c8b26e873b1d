"""An S3 server for tests and lessons."""

from __future__ import annotations

import importlib.util
from http.client import HTTPConnection
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

from objfs.errors import MissingExtraError
from objfs.testing.children import ChildServer

_REQUEST_SECONDS = 60.0


class S3Server:
    """An in-memory S3 (moto) in a process of its own, on a free loopback port.

    It takes any credentials and checks no signature; put an :class:`ExpiringGateway` in front where that matters. It
    ends with ``stop()`` or the ``with`` block, and in any case with this process.

    Raises
    ------
    MissingExtraError
        On start, when moto is not installed.

    Examples
    --------
    >>> with S3Server() as server:  # doctest: +SKIP
    ...     server.create_bucket("data")
    ...     fsspec.filesystem("s3", **server.options).ls("data")
    """

    def __init__(self) -> None:
        self._child = ChildServer(["moto"])
        self._port: int | None = None

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:PORT``."""
        if self._port is None:
            msg = "the S3 server is not running: use it in a with block or call start()"
            raise RuntimeError(msg)
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Process id of the server, None while it does not run."""
        return self._child.pid

    @property
    def options(self) -> dict[str, str]:
        """Storage options that reach this server: endpoint, region and made-up static keys."""
        return {"endpoint_url": self.endpoint, "key": "testing", "secret": "testing", "region": "us-east-1"}

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        for package in ("moto", "flask", "flask_cors"):
            if importlib.util.find_spec(package) is None:
                msg = f"objfs.testing.S3Server needs {package}: pip install 'moto[s3]' flask flask-cors"
                raise MissingExtraError(msg)
        self._port = self._child.start()
        return self

    def stop(self) -> None:
        """End the server and forget all objects."""
        self._port = None
        self._child.stop()

    def create_bucket(self, name: str, *, versioned: bool = False) -> None:
        """Create a bucket in us-east-1, with object versions kept if `versioned`."""
        self._request("PUT", f"/{quote(name)}")
        if versioned:
            body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
            self._request("PUT", f"/{quote(name)}?versioning", body)

    def reset(self) -> None:
        """Forget every bucket and object."""
        self._request("POST", "/moto-api/reset")

    def _request(self, method: str, target: str, body: bytes | None = None) -> None:
        connection = HTTPConnection(urlsplit(self.endpoint).netloc, timeout=_REQUEST_SECONDS)
        try:
            connection.request(method, target, body)
            answer = connection.getresponse()
            said = answer.read().decode(errors="replace")
        finally:
            connection.close()
        if answer.status >= 300:
            msg = f"{method} {target} on the local S3 server: HTTP {answer.status} {said[:500]}"
            raise OSError(msg)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
