"""s3fs as the SDK plane of S3: its sessions, its errors, and what it is told about each bucket."""

from __future__ import annotations

import errno
import tempfile
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from objfs import observing
from objfs.clouds._backends import CLIENT_DEFAULTS, retry_config
from objfs.clouds.s3_calls import ERRORS
from objfs.concurrency import close_with_loop
from objfs.credentials.botocore_adapter import aio_session, register_refresh_on_rejection
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN
from objfs.errors import STATUSES, CredentialsError, CredentialsExpiredError, PreconditionFailedError
from objfs.peers.s3_answers import check_answers
from objfs.peers.s3_objects import S3Objects
from objfs.peers.s3_pages import list_page
from objfs.peers.s3_requests import read_object, repeat_by
from objfs.peers.watching import watch_client, watched_bucket
from objfs.records import field, record
from objfs.retries import policy_of
from objfs.sdk import Peer, PeerSetup, make, of_transport, with_methods

if TYPE_CHECKING:
    from objfs.options import Settings
    from objfs.sdk import SdkPlane
    from objfs.sdk_objects import SdkObjects


@record
class SigningHooks:
    """What happens to each request of the SDK before it is signed.

    Parameters
    ----------
    headers
        Added, and signed with the rest.
    signer
        A handler of botocore's ``before-sign`` event, which signs in place of botocore.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    signer: Callable[..., Any] | None = field(default=None, repr=False)

    def register(self, session: Any) -> None:
        """Attach the hooks to every S3 client made from the session."""
        emitter = session.get_component("event_emitter")
        if self.headers:
            emitter.register("before-sign.s3", self._add_headers, unique_id="objfs-default-headers")
        if self.signer is not None:
            emitter.register_last("before-sign.s3", self.signer, unique_id="objfs-request-signer")

    def _add_headers(self, request: Any, **_: Any) -> None:
        for name, value in self.headers.items():
            # A request that is signed again holds the header already.
            del request.headers[name]
            request.headers[name] = value


class S3Peer(Peer):
    """What is special about s3fs."""

    credentials_as = "session"
    instance_attributes = frozenset(
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
    methods = frozenset(
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

    def build(self, peer: type[Any], setup: PeerSetup, own: Mapping[str, Any]) -> Any:
        """An instance with our reading of paths: its own cuts ``?versionId=`` off keys of unversioned instances."""

        def split_path(_: Any, path: str) -> tuple[str, str, str | None]:
            location = setup.split(path)
            return location.bucket, location.key, location.version

        async def get_s3(self: Any, bucket: str | None = None) -> Any:
            client = await peer.get_s3(self, bucket)
            check_answers(client)
            if observing.observers:
                watched_bucket.set(bucket or "")
                watch_client(client)
            return client

        def method_kwargs(self: Any, method: Any, *extra: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
            # Below 2026.9 s3fs leaves it to the callers of `_call_s3` to say who pays.
            told: dict[str, Any] = peer._get_s3_method_kwargs(self, method, self.req_kw, *extra, **kwargs)  # noqa: SLF001
            return told

        policy = policy_of(retry_config(setup.settings))

        async def set_session(self: Any, *args: Any, **kwargs: Any) -> Any:
            client = await peer.set_session(self, *args, **kwargs)
            if client is not self.objfs_repeated:
                self.objfs_repeated = client
                repeat_by(policy, client)
            return client

        keywords, certificates = _with_certificates_in_files(setup.keywords)
        config = keywords["config_kwargs"] = {**_TIMEOUTS, **(keywords.get("config_kwargs") or {})}
        # boto's own count would end the last attempt but one.
        config["retries"] = {**config.get("retries", {}), "max_attempts": 0}
        session = setup.settings.value("session")
        if session is not None:
            keywords["session"] = session
        elif setup.choice is not NATIVE_CHAIN:
            keywords["session"] = _session(setup)
        members = {
            "split_path": split_path,
            "set_session": set_session,
            "get_s3": get_s3,
            "_get_s3_method_kwargs": method_kwargs,
            "objfs_list_page": list_page,
            "objfs_read": read_object,
            "objfs_retries": policy,
            "objfs_repeated": None,
            # s3fs repeats what boto's client has repeated in vain.
            "retries": 1,
        }
        instance = make(with_methods(peer, **members), {**keywords, **own})
        if certificates is not None:  # the file goes with the instance
            weakref.finalize(instance, certificates.close)
        return instance

    async def open_here(self, instance: Any) -> None:
        """Open the client, and have it closed with the loop or the instance."""
        if instance._s3 is None:  # noqa: SLF001 - the peer has no other way to ask
            await instance.set_session()
            client = instance._s3creator  # noqa: SLF001 - as above
            await close_with_loop(instance, lambda: client.__aexit__(None, None, None))

    def names_path(self, method: str) -> bool:
        """Whether the first argument is a path: that of a bare client call is the call's name."""
        return method != "_call_s3"

    def translate(self, error: Exception, subject: str | None) -> BaseException | None:
        """Botocore's own errors, which are no ``OSError``, and answers that s3fs does not tell apart."""
        response = getattr(error.__cause__, "response", None)
        if isinstance(response, Mapping) and response.get("Error", {}).get("Code") in ERRORS.expired:
            return CredentialsExpiredError(errno.EACCES, str(error), subject)
        if isinstance(error, OSError) and error.errno == errno.EINVAL and "pre-condition" in str(error):
            return PreconditionFailedError(errno.EINVAL, str(error.args[1]), subject)
        # Some of botocore's are OSErrors, too, that cannot be made again from an errno and a path.
        if type(error).__module__.partition(".")[0] not in _SDK_MODULES:
            return _of_status(error, response, subject) if type(error) is OSError else None
        if type(error).__name__ == "NoCredentialsError":
            return CredentialsError(errno.EACCES, str(error), subject)
        if type(error).__name__ == "ParamValidationError":
            return ValueError(str(error))
        return of_transport(error, subject)

    def objects(self, plane: SdkPlane, bucket: str, keywords: Mapping[str, Any] | None = None) -> SdkObjects:
        """The objects of one bucket."""
        return S3Objects(plane, bucket, keywords)


def _of_status(error: OSError, response: Any, subject: str | None) -> OSError | None:
    """What the data plane raises for the answer, where s3fs has no more to say than that it failed."""
    if not isinstance(response, Mapping):
        return None
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    found = ERRORS.exceptions.get(response.get("Error", {}).get("Code", "")) or STATUSES.get(status)
    return None if found is None else found[0](found[1], error.args[-1], subject)


_TIMEOUTS = {name: CLIENT_DEFAULTS[name].total_seconds() for name in ("connect_timeout", "read_timeout")}
_SDK_MODULES = ("botocore", "aiobotocore", "aiohttp")


def _session(setup: PeerSetup) -> Any:
    """A session that signs with the refresher's credentials, or not at all."""
    settings: Settings = setup.settings
    refresher = None if setup.choice is ANONYMOUS or setup.choice is NATIVE_CHAIN else setup.choice
    session = aio_session(refresher)
    SigningHooks(settings.value("default_headers") or {}, settings.value("request_signer")).register(session)
    if refresher is not None:
        register_refresh_on_rejection(session, refresher)
    return session


def _with_certificates_in_files(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The keywords, with a certificate that is given as text in a file, where botocore wants it."""
    client = dict(keywords.get("client_kwargs") or {})
    text, file = client.get("verify"), None
    if isinstance(text, str) and "-----BEGIN" in text:
        file = tempfile.NamedTemporaryFile("w", suffix=".pem")  # noqa: SIM115 - lives as long as the instance
        file.write(text)
        file.flush()
        client["verify"] = file.name
    return {**keywords, "client_kwargs": client}, file
