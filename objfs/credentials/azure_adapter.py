"""What azure.storage.blob's asynchronous clients take as ``credential``: one that asks a refresher for each request."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import urlsplit

from objfs.credentials.refresher import Refresher
from objfs.credentials.values import Credentials
from objfs.errors import MissingExtraError

_USED: Final = "objfs_credentials"
_SAS: Final = "objfs_sas"
_BODY_START: Final = "objfs_body_start"
_COPY_SOURCE: Final = "x-ms-copy-source"
_CODE: Final = "x-ms-error-code"
_REFUSED: Final = frozenset({401, 403})
# Of a key that was replaced (by Azurite, always), but also of a network rule that no credentials help against.
_DOUBTFUL: Final = "AuthorizationFailure"


def peer_credential(refresher: Refresher | None, account_name: str | None, rejected: Collection[str]) -> Any:
    """Make the credential of the SDK plane.

    Parameters
    ----------
    refresher
        Asked for each request; what it gives may be a key now and a SAS or a token later. None for requests that are
        not signed, whatever the environment holds.
    account_name
        Whose key it is, where it is a key.
    rejected
        Error codes that say that the credentials are not accepted. Such a request is sent once more with others.

    Returns
    -------
    azure.storage.blob authentication policy
        It has nothing to close and keeps no secret. It serves every client, loop and thread.

    Raises
    ------
    MissingExtraError
        azure-storage-blob is not installed.
    """
    return _policy_class()(refresher, account_name, frozenset(rejected))


@functools.cache
def _policy_class() -> Any:
    """The policy: a shared-key policy by descent, as clients use one of those, and no other policy, as it is."""
    try:
        from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
    except ImportError as error:
        msg = "this call needs azure-storage-blob; install objfs[azure]"
        raise MissingExtraError(msg) from error

    class RefresherPolicy(SharedKeyCredentialPolicy):
        """Authorizes each request with the credentials of the moment."""

        def __init__(self, refresher: Refresher | None, account_name: str | None, rejected: frozenset[str]) -> None:
            super().__init__(account_name, "")  # type: ignore[no-untyped-call]
            self._refresher = refresher
            self._rejected = rejected

        def __repr__(self) -> str:
            return f"<credential of {self._refresher!r}>"

        async def on_request(self, request: Any) -> None:
            """Authorize a request before each attempt."""
            if self._refresher is None:
                return
            request.context.setdefault(_BODY_START, _body_start(request.http_request))
            self._authorize(request, await self._refresher.current_async())

        async def on_response(self, request: Any, response: Any) -> None:
            """Send a request once more where its credentials were refused and others could be had."""
            used = request.context.get(_USED)
            if self._refresher is None or used is None or not self._may_be_renewed(request, response, used):
                return
            current = await self._refresher.current_async()
            if current is used or not _rewound(request):
                return
            await _closed(response.http_response)
            self._authorize(request, current)
            transport = request.context.transport
            response.http_response = await transport.send(request.http_request, **request.context.options)
            # Where these are refused as well, the next request must not try them again.
            self._may_be_renewed(request, response, current, again=True)

        def _may_be_renewed(self, request: Any, response: Any, used: Credentials, *, again: bool = False) -> bool:
            """Whether the server refused the credentials, or may have, and the refresher lets them go."""
            http = response.http_response
            if http.status_code not in _REFUSED or request.context.transport is None or self._refresher is None:
                return False
            code = http.headers.get(_CODE)
            if code in self._rejected:
                return self._refresher.reject(used, again=again)
            return code in {None, _DOUBTFUL} and self._refresher.reject(used, certain=False, again=again)

        def _authorize(self, request: Any, credentials: Credentials) -> None:
            """Put the credentials into the request, in place of those that an earlier attempt put there."""
            http, values = request.http_request, credentials.values
            request.context[_USED] = credentials
            http.headers.pop("Authorization", None)
            _put_sas(request, values.get("sas_key", ""))
            if "token" in values:
                http.headers["Authorization"] = f"Bearer {values['token']}"
            elif "account_key" in values:
                signer: Any = SharedKeyCredentialPolicy
                signer(self.account_name, values["account_key"]).on_request(request)

    return RefresherPolicy


def _put_sas(request: Any, sas: str) -> None:
    """End the URL with the SAS, and that of a copy's source, which is of the same account, with it as well."""
    http, before = request.http_request, request.context.get(_SAS, "")
    request.context[_SAS] = sas
    http.url = _ending(http.url, before, sas)
    source = http.headers.get(_COPY_SOURCE)
    if source is None:
        return
    source = _without(source, before)
    signed = any(part.startswith("sig=") for part in urlsplit(source).query.split("&"))
    if not signed and urlsplit(source).netloc == urlsplit(http.url).netloc:
        source = _ending(source, "", sas)
    http.headers[_COPY_SOURCE] = source


def _ending(url: str, before: str, sas: str) -> str:
    url = _without(url, before).rstrip("?")
    return f"{url}{'&' if '?' in url else '?'}{sas}" if sas else url


def _without(url: str, sas: str) -> str:
    """The URL without a SAS that was put at its end."""
    return url.removesuffix(sas)[:-1] if sas and url.endswith(sas) else url


def _body_start(http: Any) -> Any:
    """What takes the body back to where it starts: None where nothing is needed, False where nothing can."""
    body = getattr(http, "body", None)
    if body is None or isinstance(body, str | bytes | bytearray | memoryview):
        return None
    try:
        return body.tell()
    except (AttributeError, OSError, ValueError):
        return False


def _rewound(request: Any) -> bool:
    """Bring the body back to where it started."""
    start = request.context.get(_BODY_START)
    if start is None:
        return True
    if start is False:
        return False
    try:
        request.http_request.body.seek(start)
    except (AttributeError, OSError, ValueError):
        return False
    return True


async def _closed(http_response: Any) -> None:
    """Let the connection of an answer go whose body nobody reads."""
    internal = getattr(http_response, "internal_response", None) or getattr(http_response, "_internal_response", None)
    close = getattr(internal, "close", None)
    answer = close() if callable(close) else None
    if inspect.isawaitable(answer):
        await answer
