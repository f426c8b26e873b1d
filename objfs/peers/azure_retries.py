"""How often requests of azure-storage-blob's client are repeated: its own waits begin with a quarter of a minute."""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Final

from objfs.retries import IN_DOUBT, REFUSALS, RETRIED_STATUSES, UNCLEAR_STATUSES, RetryPolicy

# What the client counts apart, and here is one count.
_UNCOUNTED: Final = dict.fromkeys(("retry_connect", "retry_read", "retry_status"), 1 << 30)
_GONE: Final = 404
_ACCEPTED: Final = 202
_CONDITIONS: Final = frozenset({"if-match", "if-none-match"})


def retry_policy(policy: RetryPolicy) -> Any:
    """The policy as the client takes it."""
    return _policy_class()(policy)


@functools.cache
def _policy_class() -> Any:
    from aiohttp import ClientConnectorError
    from azure.core.exceptions import IncompleteReadError, ServiceRequestError, ServiceResponseError
    from azure.storage.blob._shared.policies_async import AsyncStorageRetryPolicy

    class Retry(AsyncStorageRetryPolicy):
        """The client's own but for what is repeated and when: locations and bodies are its business."""

        def __init__(self, policy: RetryPolicy) -> None:
            super().__init__(retry_total=policy.max_retries, **_UNCOUNTED)
            self._policy = policy

        async def send(self, request: Any) -> Any:  # type: ignore[override] # as in the class it is made from
            settings = self.configure_retries(request)
            attempts, in_doubt = self._policy.begin(), False
            following: Any = self.next
            while True:
                answer: Any = None
                try:
                    response = await following.send(request)
                    answer = response.http_response
                    error, again = None, answer.status_code in RETRIED_STATUSES
                    in_doubt = in_doubt or answer.status_code in UNCLEAR_STATUSES
                except (IncompleteReadError, ServiceRequestError, ServiceResponseError) as raised:
                    error, again = raised, True
                    in_doubt = in_doubt or not isinstance(raised.inner_exception, ClientConnectorError)
                wait = attempts.pause() if again else None
                if wait is None or not self.increment(settings, request.http_request, answer, error):
                    break
                await asyncio.sleep(wait)
            if error is not None:
                raise error
            if in_doubt and _is_conditional_write(request.http_request) and answer.status_code in REFUSALS:
                raise ServiceResponseError(IN_DOUBT)
            if in_doubt and request.http_request.method == "DELETE" and answer.status_code == _GONE:
                # The first attempt has done it, and its answer was lost.
                answer.status_code = _ACCEPTED
            answer.location_mode = settings["mode"]
            return response

    return Retry


def _is_conditional_write(request: Any) -> bool:
    conditions = any(name.lower() in _CONDITIONS for name in request.headers)
    return conditions and request.method not in ("GET", "HEAD")
