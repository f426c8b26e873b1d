"""Local servers and fakes for tests and lessons: an S3 server, a gateway whose credentials expire, test providers.

Nothing here needs a network beyond loopback; importing it needs the standard library only.
"""

from __future__ import annotations

from objfs.testing.gateway import ExpiringGateway
from objfs.testing.journal import RequestRecord
from objfs.testing.providers import CountingProvider, LocalCredentialsProvider
from objfs.testing.servers import S3Server

__all__ = ["CountingProvider", "ExpiringGateway", "LocalCredentialsProvider", "RequestRecord", "S3Server"]
