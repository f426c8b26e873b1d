"""A service that vends credentials, a gate that knows which of them are good, and a clock that both live by."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from objfs.credentials.pauses import LONGEST_PAUSE_SECONDS
from objfs.testing.ledger import access_key_of
from tests import gcs_proxy, gcs_xml
from tests.clouds import CloudUnderTest

LIFETIME_SECONDS = 3600.0
# Its expiry has passed / a refresh is due, and the credentials are still good.
EXPIRED, DUE = LIFETIME_SECONDS + 1, LIFETIME_SECONDS - 100


@dataclass(frozen=True)
class Manner:
    """How one cloud speaks of credentials.

    Parameters
    ----------
    vend
        Storage options that hold the secret of a number, given the account's own options and the end of their life.
    mark
        The secret that a request was authorized with; None without one.
    refuse
        The answer to a request with any other: status, headers, body.
    """

    vend: Callable[[int, Mapping[str, Any], datetime], dict[str, str]]
    mark: Callable[[gcs_proxy.Asked], str | None]
    refuse: Callable[[gcs_proxy.Asked], tuple[int, dict[str, str], bytes]]


def _vend_keys(number: int, _: Mapping[str, Any], __: datetime) -> dict[str, str]:
    key = f"ASIAOBJFS{number:07}"
    return {"key": key, "secret": f"hidden-secret-{number:03}", "token": f"hidden-session-{number:03}"}


def _vend_token(number: int, _: Mapping[str, Any], __: datetime) -> dict[str, str]:
    return {"token": f"ya29.hidden-token-{number:03}"}


def _vend_sas(number: int, account: Mapping[str, Any], end: datetime) -> dict[str, str]:
    from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

    may = AccountSasPermissions(read=True, write=True, delete=True, list=True, add=True, create=True)
    what = ResourceTypes(container=True, object=True)
    # The start differs with the number, and so does the signature.
    start = datetime.now(UTC) - timedelta(hours=1, seconds=number)
    return {"sas_token": generate_account_sas(account["account_name"], account["account_key"], what, may, end, start)}


def _error(code: str, message: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def _refuse_key(_: gcs_proxy.Asked) -> tuple[int, dict[str, str], bytes]:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    return 400, {"Content-Type": "application/xml"}, _error("ExpiredToken", "The provided token has expired.")


def _refuse_token(asked: gcs_proxy.Asked) -> tuple[int, dict[str, str], bytes]:
    if asked.path.startswith(gcs_xml.JSON_PATHS):
        # https://cloud.google.com/storage/docs/json_api/v1/status-codes
        told = {"error": {"code": 401, "message": "Invalid Credentials", "errors": [{"reason": "authError"}]}}
        return 401, {"Content-Type": "application/json"}, json.dumps(told).encode()
    # https://cloud.google.com/storage/docs/xml-api/reference-status
    return 401, {"Content-Type": "application/xml"}, _error("AuthenticationRequired", "Authentication required.")


def _refuse_sas(_: gcs_proxy.Asked) -> tuple[int, dict[str, str], bytes]:
    # https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
    code = "AuthenticationFailed"
    body = _error(code, "Server failed to authenticate the request.")
    return 403, {"Content-Type": "application/xml", "x-ms-error-code": code}, body


def _bearer(asked: gcs_proxy.Asked) -> str | None:
    return asked.headers.get("authorization", "").removeprefix("Bearer ") or None


MANNERS: Mapping[str, Manner] = {
    "s3": Manner(_vend_keys, lambda asked: access_key_of(asked.headers, {}), _refuse_key),
    "gcs": Manner(_vend_token, _bearer, _refuse_token),
    "azure": Manner(
        _vend_sas, lambda asked: next(iter(parse_qs(urlsplit(asked.path).query).get("sig", [])), None), _refuse_sas
    ),
}


def mark_in(options: Mapping[str, str]) -> str:
    """What `Manner.mark` finds in a request that these options authorize."""
    if "sas_token" in options:
        return parse_qs(options["sas_token"])["sig"][0]
    return options.get("key") or options["token"]


class Gate(gcs_proxy.GCSProxy):
    """A proxy before a cloud's server that takes the credentials which it was told of, and no others.

    Parameters
    ----------
    upstream
        ``http://host:port``.
    manner
        Of the cloud.
    """

    def __init__(self, upstream: str, manner: Manner) -> None:
        super().__init__(upstream)
        self._manner = manner
        self._guard = threading.Lock()
        self._trap: tuple[int, Callable[[], None]] | None = None
        self.good: set[str] = set()
        self.passed = self.refused = 0

    def after(self, requests: int, event: Callable[[], None]) -> None:
        """Have something happen when so many requests have been let through from now on; 0 is now."""
        with self._guard:
            self._trap = (self.passed + requests, event)
            self._spring()

    def reset(self) -> None:
        """Count from zero."""
        with self._guard:
            self.passed = self.refused = 0

    def ruled(self, asked: gcs_proxy.Asked) -> gcs_proxy.Rule | None:
        """Refuse what is not authorized by good credentials."""
        with self._guard:
            if self._manner.mark(asked) in self.good:
                self.passed += 1
                self._spring()
                return None
            self.refused += 1
        status, headers, body = self._manner.refuse(asked)
        return gcs_proxy.Rule(lambda _: True, status, body, 1, headers)

    def _spring(self) -> None:
        if self._trap is not None and self.passed >= self._trap[0]:
            event, self._trap = self._trap[1], None
            event()


DOWN = "the vending service is down, although it was asked with"


class VendingError(RuntimeError):
    """What a broken service says: more than it should, as it tells what it has given out before."""


class Vendor:
    """A provider that fetches from a service which may break, and counts how often it is asked.

    Parameters
    ----------
    manner, account, gate
        The cloud's way, its account's own options, and who is told of what was vended.

    Attributes
    ----------
    mood
        ``well``; ``down``, which raises; ``hangs``, until it is mended; ``wrong``, whose credentials are refused.
    aside
        What is called each time before it answers.
    instead
        What is called each time and answers in its place.
    """

    def __init__(self, manner: Manner, account: Mapping[str, Any], gate: Gate) -> None:
        self._manner, self._account, self._gate = manner, account, gate
        self._guard, self._id = threading.Lock(), uuid.uuid4().hex
        self.secrets: list[str] = []
        self.mood = "well"
        self.calls = 0
        self.ahead_seconds = 0.0
        self.hanging, self.mended = threading.Event(), threading.Event()
        self.aside: Callable[[], Any] = lambda: None
        self.instead: Callable[[], Any] | None = None

    def fetch_storage_options(self) -> Any:
        """The next credentials, unless the service is in another mood."""
        with self._guard:
            self.calls += 1
            number = self.calls
        self.aside()
        if self.instead is not None:
            return self.instead()
        if self.mood == "down":
            raise VendingError(DOWN, *self.secrets)
        if self.mood == "hangs":
            self.hanging.set()
            assert self.mended.wait(60)
        end = datetime.fromtimestamp(int(self.clock() + LIFETIME_SECONDS), UTC)
        told = self._manner.vend(number, self._account, end)
        self.secrets += told.values()
        if self.mood != "wrong":
            self._gate.good.add(mark_in(told))
        return {**told, "expires_at_millis": str(int(end.timestamp() * 1000))}

    def provider_id(self) -> str:
        """Each is on its own."""
        return self._id

    def clock(self) -> float:
        """Unix seconds, as the machine of the test has them."""
        return time.time() + self.ahead_seconds

    def tick(self) -> float:
        """The same, as a clock that nobody sets; it goes on only when told to, so that no pause ends by itself."""
        return self.ahead_seconds


class AwaitedVendor(Vendor):
    """The same, to be awaited on whatever event loop."""

    async def fetch_storage_options(self) -> Any:
        """The next credentials."""
        await asyncio.sleep(0)
        return super().fetch_storage_options()


@dataclass
class Machine:
    """A filesystem whose every request passes the gate, with credentials that the vendor hands out."""

    cloud: CloudUnderTest
    gate: Gate
    vendor: Vendor
    fs: Any

    def revoke(self, mood: str = "well") -> None:
        """From now on the server takes none of the credentials; the vendor is in a mood."""
        self.vendor.mood = mood
        self.gate.good.clear()

    def settle(self) -> None:
        """Wait until a fetch in the background has come to its end, or to where it hangs."""
        flight = self.fs.connection.choice._flight
        if flight is not None and self.vendor.mood == "hangs":
            assert self.vendor.hanging.wait(30)
        elif flight is not None:
            flight.future.result(30)

    def mend(self) -> None:
        """The vendor is well again, and the pause after its last failure is over."""
        self.vendor.mood = "well"
        self.vendor.mended.set()
        self.vendor.ahead_seconds += LONGEST_PAUSE_SECONDS

    def pass_time(self, seconds: float, mood: str = "well") -> None:
        """So much later; the server has a clock as well."""
        self.vendor.ahead_seconds += seconds
        if self.vendor.ahead_seconds >= LIFETIME_SECONDS:
            self.gate.good.clear()
        self.vendor.mood = mood


def machine_of(cloud: CloudUnderTest, gate: Gate, engine: str, kind: type[Vendor] = Vendor, **options: Any) -> Machine:
    """The filesystem of a cloud behind a gate."""
    place = cloud.provided()
    name = next(name for name in ("endpoint", "endpoint_url") if name in place)
    inside = re.sub(r"^http://[^/]+", gate.endpoint, place[name])
    vendor = kind(MANNERS[cloud.name], cloud.options, gate)
    told = {**place, name: inside, "storage_options_provider": vendor}
    fs = cloud.fs(engine, **{**told, **options})
    refresher = fs.connection.choice
    refresher._clock, refresher._monotonic = vendor.clock, vendor.tick
    return Machine(cloud, gate, vendor, fs)
