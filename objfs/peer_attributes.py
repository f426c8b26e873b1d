"""Attributes and methods that only the peer's filesystem has, served by the SDK plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from objfs import sdk
from objfs.errors import EngineError, MissingExtraError
from objfs.peers import peer_of

if TYPE_CHECKING:
    from objfs.connection import Connection


class PeerAttributes:
    """Looks names up that objfs does not have itself.

    Parameters
    ----------
    connection
        Of the filesystem.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str, owner: str) -> Any:
        """The peer's attribute; a method that cannot be used says so when it is called, as ``hasattr`` must not raise.

        Raises
        ------
        AttributeError
            The peer has no such attribute.
        """
        adapter = peer_of(self._connection.cloud.name)
        if sdk.is_installed(self._connection.cloud.name):
            peer = self._connection.sdk.peer
            known = hasattr(peer, name) or name in adapter.instance_attributes
            is_method = callable(getattr(peer, name, None))
        else:
            known = is_method = name.removeprefix("_") in adapter.methods
        if not known:
            msg = f"{owner!r} object has no attribute {name!r}"
            raise AttributeError(msg)
        if is_method:
            try:
                self._connection.require_sdk(name)
            except (EngineError, MissingExtraError):
                return lambda *_, **__: self._connection.require_sdk(name)
        return self._connection.sdk.attribute(name)
