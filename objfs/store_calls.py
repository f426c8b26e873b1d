"""Requests of the data plane with credentials; where the server rejects those, with others, once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

from objfs.clouds._cloud import Cloud
from objfs.credentials.hiding import LONGEST_TEXT, Hiding
from objfs.credentials.kinds import kind_of
from objfs.credentials.rejection import verdict
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN, CredentialChoice
from objfs.credentials.store_adapter import StoreCredentials
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, cause_of
from objfs.store_errors import STATUS, translate_error

T = TypeVar("T")


class Calls:
    """Carries out the requests of one bucket, and raises what users catch.

    Parameters
    ----------
    cloud
        What the service's errors mean.
    bucket
        Where the keys are.
    choice
        A refresher, ``ANONYMOUS``, or ``NATIVE_CHAIN`` for obstore's own look-up of credentials.
    hiding
        Raises errors without the secrets that the texts of obstore's may quote.
    """

    def __init__(self, cloud: Cloud, bucket: str, choice: CredentialChoice, hiding: Hiding) -> None:
        self._cloud, self._bucket, self._hiding = cloud, bucket, hiding
        # What obstore asks for credentials.
        self.adapter: StoreCredentials | None = None
        if choice is not ANONYMOUS and choice is not NATIVE_CHAIN:
            self.adapter = StoreCredentials(choice, kind_of(cloud.name).store_shape)

    async def credentials(self) -> Credentials | None:
        """The current credentials, which the next request is sent with; None where obstore looks for its own."""
        try:
            return None if self.adapter is None else await self.adapter.refresher.current_async()
        except CredentialsError as error:
            self._hiding.raise_from(error, error.__cause__)

    def credentials_now(self) -> Credentials | None:
        """`credentials`, blocking."""
        try:
            return None if self.adapter is None else self.adapter.refresher.current()
        except CredentialsError as error:
            self._hiding.raise_from(error, error.__cause__)

    async def call(self, key: str, request: Callable[[], Awaitable[T]]) -> T:
        """Carry a request out; when the server rejects the credentials, replace them and retry once."""
        for again in (False, True):
            used = await self.credentials()
            try:
                return await request()
            except Exception as error:  # noqa: BLE001 - raised again, translated
                if not self._is_replaced(error, used, again=again) or again:
                    self.fail(error, key)
        raise AssertionError  # the second round returns or raises

    def call_now(self, key: str, request: Callable[[], T]) -> T:
        """`call`, blocking."""
        for again in (False, True):
            used = self.credentials_now()
            try:
                return request()
            except Exception as error:  # noqa: BLE001 - raised again, translated
                if not self._is_replaced(error, used, again=again) or again:
                    self.fail(error, key)
        raise AssertionError  # the second round returns or raises

    def give_up(self, error: Exception, key: str) -> NoReturn:
        """Raise an error of a request that cannot be made again; the next gets other credentials if they were why."""
        self._is_replaced(error, None if self.adapter is None else self.adapter.last)
        self.fail(error, key)

    def fail(self, error: Exception, key: str) -> NoReturn:
        """Raise an error of obstore as what users catch, without secrets."""
        translated = self.translate(error, key)
        self._hiding.raise_from(translated, cause_of(translated, error))

    def translate(self, error: Exception, key: str) -> BaseException:
        """What users catch for an error of obstore."""
        if self.adapter is not None:
            self.adapter.own_up(error)
        url = f"{self._cloud.schemes[0]}://{self._bucket}/{key}"
        return translate_error(error, url, self._cloud.errors.exceptions)

    def _is_replaced(self, error: Exception, used: Credentials | None, *, again: bool = False) -> bool:
        """Whether the server rejected the credentials, and there may be others."""
        if self.adapter is None or used is None:
            return False
        status = re.search(STATUS, text := str(error)[:LONGEST_TEXT])
        certain = verdict(text, status and status[1], self._cloud.errors)
        return certain is not None and self.adapter.refresher.reject(used, certain=certain, again=again)
