"""What is special about the SDK plane of each cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from objfs.peers.azure import AzurePeer
from objfs.peers.gcs import GCSPeer
from objfs.peers.s3 import S3Peer
from objfs.sdk import Peer

__all__ = ["ADAPTERS"]

ADAPTERS: Final[Mapping[str, Peer]] = {"azure": AzurePeer(), "gcs": GCSPeer(), "s3": S3Peer()}
