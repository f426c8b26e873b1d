"""What is special about the SDK plane of each cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from objfs.sdk import Peer

__all__ = ["peer_of"]


def _azure() -> Peer:
    from objfs.peers.azure import AzurePeer

    return AzurePeer()


def _gcs() -> Peer:
    from objfs.peers.gcs import GCSPeer

    return GCSPeer()


def _s3() -> Peer:
    from objfs.peers.s3 import S3Peer

    return S3Peer()


# One cloud's modules are imported without those of the others, and none for what the data plane does.
_MAKERS: Final[Mapping[str, Callable[[], Peer]]] = {"azure": _azure, "gcs": _gcs, "s3": _s3}


@cache
def peer_of(cloud: str) -> Peer:
    """What is special about a cloud, by its name."""
    return _MAKERS[cloud]()
