"""An aiobotocore session that signs with a refresher's credentials and reads nothing from the environment."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from objfs.clouds.s3_calls import ERRORS
from objfs.credentials.botocore_log import redact_botocore_log
from objfs.credentials.refresher import Refresher
from objfs.credentials.rejection import BARE_STATUSES
from objfs.credentials.values import Credentials
from objfs.errors import MissingExtraError

# A request is signed, sent and judged in one task, so this names what it was signed with.
_signed_with: ContextVar[Credentials | None] = ContextVar("objfs_signed_with", default=None)

_RETRIED: Final = "objfs_refreshed"


def aio_session(refresher: Refresher | None, variables: Mapping[str, Any] | None = None) -> Any:
    """Make a session for the SDK plane.

    Parameters
    ----------
    refresher
        Signs every request of every client; None for a session without credentials.
    variables
        botocore configuration variables by logical name (``ca_bundle``, ``max_attempts``); all others have
        botocore's defaults, whatever the environment, a profile or the AWS files say.

    Returns
    -------
    aiobotocore.session.AioSession
        See :func:`register_refresh_on_rejection` for requests that are refused because of their credentials.

    Raises
    ------
    MissingExtraError
        aiobotocore is not installed.
    """
    try:
        from aiobotocore.session import AioSession
    except ImportError as error:
        msg = "this call needs aiobotocore; install objfs[s3]"
        raise MissingExtraError(msg) from error
    redact_botocore_log()
    credentials = None if refresher is None else _aio_credentials(refresher)

    class Session(AioSession):  # type: ignore[misc]
        """A session whose credentials come from a refresher."""

        async def get_credentials(self) -> Any:
            """The refresher's credentials, in botocore's shape."""
            return credentials

        def get_auth_token(self, **_: Any) -> None:
            """No bearer token: botocore would look for one in the environment."""

    # Each variable keeps its default and its cast and loses its environment variables and its name in the AWS files.
    unread = {name: (None, None, spec[2], spec[3]) for name, spec in AioSession.SESSION_VARIABLES.items()}
    session = Session(session_vars=unread)
    nothing = {"config_file": os.devnull, "credentials_file": os.devnull, "ignore_configured_endpoint_urls": True}
    for name, value in {**nothing, **(variables or {})}.items():
        session.set_config_variable(name, value)
    session.register_component("data_loader", loader())
    return session


@functools.cache
def loader() -> Any:
    """What reads the descriptions of AWS's services, and keeps them: 26,000 objects and 0.4 s for each session else."""
    from botocore.loaders import create_loader

    return create_loader()


def register_refresh_on_rejection(session: Any, refresher: Refresher) -> None:
    """Replace refused credentials and retry the request once, for every client made from the session.

    Parameters
    ----------
    session
        A session of :func:`aio_session`: only those tell which credentials signed a request.
    refresher
        Told about the refused credentials.
    """

    def refresh_once(response: Any = None, operation: Any = None, request_dict: Any = None, **_: Any) -> int | None:
        used, context = _signed_with.get(), request_dict["context"]
        if response is None or used is None:
            return None
        verdict, again = _verdict(response, operation), context.get(_RETRIED, False)
        if verdict is None or not refresher.reject(used, certain=verdict, again=again) or again:
            return None
        context[_RETRIED] = True
        return 0  # seconds to wait before the next attempt, which is signed anew

    emitter = session.get_component("event_emitter")
    emitter.register_first("needs-retry.s3", refresh_once, unique_id="objfs-refresh-on-rejection")


def _verdict(response: Any, operation: Any) -> bool | None:
    """True where the answer says that the credentials are refused, False where it may mean that, else None."""
    http, parsed = response
    if parsed.get("Error", {}).get("Code") in ERRORS.rejected:
        return True
    bare = operation.http.get("method") == "HEAD" and http.status_code in BARE_STATUSES
    return False if bare else None


def _aio_credentials(refresher: Refresher) -> Any:
    """The credentials object of botocore on top of a refresher."""
    from aiobotocore.credentials import AioCredentials
    from botocore.credentials import ReadOnlyCredentials

    class RefresherCredentials(AioCredentials):  # type: ignore[misc]
        """Asks the refresher for each signature."""

        def __init__(self) -> None:
            super().__init__("", "", None, method="objfs")

        async def get_frozen_credentials(self) -> Any:
            """What the next request is signed with."""
            current = await refresher.current_async()
            _signed_with.set(current)
            values = current.values
            return ReadOnlyCredentials(
                values["access_key_id"], values["secret_access_key"], values.get("session_token")
            )

    return RefresherCredentials()
