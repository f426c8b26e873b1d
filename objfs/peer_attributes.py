"""Attributes and methods that only the peer's filesystem has, served by the SDK plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from objfs import sdk
from objfs.errors import EngineError, MissingExtraError

if TYPE_CHECKING:
    from objfs.connection import Connection

# Set in s3fs's constructor, so that its class does not show them.
INSTANCE_ATTRIBUTES: Final = frozenset(
    {
        "anon",
        "cache_regions",
        "client_kwargs",
        "config_kwargs",
        "default_block_size",
        "default_cache_type",
        "default_fill_cache",
        "endpoint_url",
        "fixed_upload_size",
        "kwargs",
        "local_expiry_check",
        "max_concurrency",
        "req_kw",
        "requester_pays",
        "s3_additional_kwargs",
        "session",
        "use_ssl",
        "version_aware",
    }
)

# What can be asked for, and must name the extra, where s3fs is not installed to be looked at.
METHODS: Final = frozenset(
    {
        "abort_mpu",
        "call_s3",
        "chmod",
        "clear_multipart_uploads",
        "connect",
        "get_delegated_s3pars",
        "get_s3",
        "get_tags",
        "getxattr",
        "invalidate_region_cache",
        "is_bucket_versioned",
        "list_multipart_uploads",
        "make_bucket_versioned",
        "merge",
        "metadata",
        "object_version_info",
        "put_tags",
        "set_session",
        "setxattr",
    }
)


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
        if sdk.is_installed(self._connection.cloud.name):
            peer = self._connection.sdk.peer
            known, is_method = hasattr(peer, name) or name in INSTANCE_ATTRIBUTES, callable(getattr(peer, name, None))
        else:
            known = is_method = name.removeprefix("_") in METHODS
        if not known:
            msg = f"{owner!r} object has no attribute {name!r}"
            raise AttributeError(msg)
        if is_method:
            try:
                self._connection.require_sdk(name)
            except (EngineError, MissingExtraError):
                return lambda *_, **__: self._connection.require_sdk(name)
        return self._connection.sdk.attribute(name)
