"""gcsfs as the SDK plane of GCS: which of its classes, its credentials, its errors."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from objfs.clouds._backends import retry_config
from objfs.clouds.gcs_backends import at_google
from objfs.credentials.google_adapter import peer_credentials
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN
from objfs.errors import CredentialsError, MissingExtraError
from objfs.peers import gcs_requests
from objfs.peers.gcs_folders import GoogleObjects
from objfs.peers.gcs_objects import GCSObjects
from objfs.retries import policy_of
from objfs.sdk import Peer, PeerSetup, make, of_transport, with_methods

if TYPE_CHECKING:
    from objfs.sdk import SdkPlane
    from objfs.sdk_objects import SdkObjects

_SDK_MODULES: Final = ("aiohttp", "gcsfs", "google", "grpc", "requests")


class GCSPeer(Peer):
    """What is special about gcsfs."""

    credentials_as = "token"
    instance_attributes = frozenset(
        {
            "cache_timeout",
            "consistency",
            "credential",
            "credentials",
            "default_location",
            "finalize_on_close",
            "requester_pays",
            "requests_timeout",
            "retry_config",
            "session_kwargs",
            "timeout",
            "version_aware",
        }
    )
    methods = frozenset({"call", "close_session", "make_bucket_requester_pays"})

    def build(self, peer: type[Any], setup: PeerSetup, own: Mapping[str, Any]) -> Any:
        """An instance of the class for zonal and hierarchical buckets at Google's own servers, else of the plain one.

        What gcsfs would read of the environment, it is told: endpoint, project, certificates.
        """
        settings = setup.settings
        google = at_google(settings)

        def split_path(_: Any, path: str) -> tuple[str, str, str | None]:
            location = setup.split(path)
            return location.bucket, location.key, location.version

        members = {
            "split_path": split_path,
            "on_google": property(lambda _: google),
            "_set_session": gcs_requests.set_session,
            "_request": gcs_requests.request,
            "objfs_once": gcs_requests.once,
        }
        own_class = with_methods(peer if google else gcs_requests.plain_class(peer), **members)
        refresher = None if setup.choice is ANONYMOUS else setup.choice
        if refresher is NATIVE_CHAIN:
            msg = "this call needs google-auth: pip install 'objfs[gcs]'"
            raise MissingExtraError(msg)
        token = "anon" if refresher is None else peer_credentials(refresher)
        instance = make(own_class, {**setup.keywords, "token": token, **own})
        instance._use_client_cert = bool(settings.value("client_certificate"))  # noqa: SLF001 - it asks the environment
        instance.objfs_refresher = refresher
        instance.objfs_retries = policy_of(retry_config(settings))
        return instance

    async def open_here(self, instance: Any) -> None:
        """Open the client, and have it closed with the loop or the instance."""
        await instance._set_session()  # noqa: SLF001 - the peer's own name for it

    def names_path(self, method: str) -> bool:
        """Whether the first argument is a path: that of a bare request is its method."""
        return method not in ("_call", "call", "_request", "objfs_once")

    def translate(self, error: Exception, subject: str | None) -> BaseException | None:
        """What gcsfs raises besides the errors of `gcs_requests`: its own, and those of Google's libraries."""
        if isinstance(error, OSError):
            return None
        kind = type(error)
        if kind.__module__.partition(".")[0] not in _SDK_MODULES:
            return None
        if kind.__module__.startswith("aiohttp."):
            return of_transport(error, subject)
        code = getattr(error, "code", None)
        status = getattr(code, "value", code)
        if isinstance(status, int | str) and str(status).isdigit():
            return gcs_requests.refusal(int(status), str(error).encode(), subject)
        if kind.__name__ in ("RefreshError", "DefaultCredentialsError"):
            return CredentialsError(errno.EACCES, str(error), subject)
        if kind.__name__ == "ChecksumError":
            return OSError(errno.EIO, str(error) or "the checksum differs", subject)
        return of_transport(error, subject)

    def objects(self, plane: SdkPlane, bucket: str, keywords: Mapping[str, Any] | None = None) -> SdkObjects:
        """The objects of one bucket."""
        kind = GoogleObjects if at_google(plane.setup.settings) else GCSObjects
        return kind(plane, bucket, keywords)
