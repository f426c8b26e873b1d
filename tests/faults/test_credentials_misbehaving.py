"""Providers that do what no provider should: one call, nothing sent, an error that says who and what, and no secret."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from objfs.errors import CredentialsError
from tests.clouds import CloudUnderTest
from tests.faults.vending import Gate, machine_of

# Long enough that who waits so long is seen to hang.
BOUND_SECONDS = 20.0
SECRET = "canary-that-sings-of-secrets"
GOOD: Mapping[str, dict[str, Any]] = {
    "s3": {"key": "ASIAOBJFS", "secret": SECRET},
    "gcs": {"token": SECRET},
    "azure": {"token": SECRET},
}


class UnprintableError(Exception):
    """One whose text cannot be had."""

    def __str__(self) -> str:
        """Not even this works."""
        raise ValueError(SECRET)

    __repr__ = __str__


class Poisoned(dict[str, Any]):
    """A mapping that raises when it is read."""

    def items(self) -> Any:
        """Not this one."""
        raise ConnectionResetError


def raising(error: BaseException) -> Callable[[dict[str, Any]], Any]:
    """A behaviour that raises."""

    def behave(_: dict[str, Any]) -> Any:
        raise error

    return behave


def cyclic(good: dict[str, Any]) -> dict[str, Any]:
    """A mapping that holds itself."""
    good["config"] = good
    return good


async def awaited_junk() -> Any:
    """A coroutine that brings nothing."""
    await asyncio.sleep(0)


# What a provider does, given a good answer of its cloud, and what the error says.
JUNK: Mapping[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "nothing": (lambda _: None, "must return a mapping of storage options, got NoneType"),
    "text": (lambda _: SECRET, "must return a mapping of storage options, got str"),
    "a list": (lambda good: [good], "got list"),
    "a class": (lambda _: dict, "got type"),
    "an empty dict": (lambda _: {}, "returned no credentials; missing: "),
    "half of it": (lambda good: {**good, next(reversed(good)): ""}, "returned "),
    "numbers for names": (lambda good: {1: SECRET, **good}, "names that are text, got int"),
    "an unknown name": (lambda good: {**good, "no_such_option": SECRET}, "unknown storage option 'no_such_option'"),
    "a list for a secret": (lambda good: {name: [SECRET] for name in good}, "text.*got list"),
    "bytes that are no text": (lambda good: dict.fromkeys(good, b"\xff\xfe"), "got bytes"),
    "a line break": (lambda good: {name: f"{text[:9]}\n{text}" for name, text in good.items()}, "control character"),
    "itself inside": (cyclic, "failed to deliver credentials: RecursionError"),
    "a poisoned mapping": (Poisoned, "failed to deliver credentials: ConnectionResetError"),
    "an awaited nothing": (lambda _: awaited_junk(), "got NoneType"),
    "an expiry that is none": (lambda good: {**good, "expires_at_millis": "soon"}, "'expires_at_millis'"),
    "an expiry beyond time": (lambda good: {**good, "expires_at_millis": 1e300}, "'expires_at_millis'"),
    "a naive expiry": (lambda good: {**good, "expires_at": "2099-01-01 00:00:00"}, "'expires_at'"),
    "seconds for milliseconds": (
        lambda good: {**good, "expires_at_millis": int(time.time() + 3600)},
        "seconds where milliseconds count?",
    ),
    "what has expired": (
        lambda good: {**good, "expires_at": time.time() - 1},
        "returned credentials that expired at .*; the clock here says ",
    ),
    "an error": (raising(RuntimeError("the vault is sealed")), "failed to deliver credentials: RuntimeError"),
    "an error without text": (raising(UnprintableError()), "failed to deliver credentials: UnprintableError"),
    "an end of the program": (raising(SystemExit(3)), "failed to deliver credentials: SystemExit"),
    "an interrupt": (raising(KeyboardInterrupt()), "failed to deliver credentials: KeyboardInterrupt"),
    "a cancellation": (raising(asyncio.CancelledError()), "failed to deliver credentials: CancelledError"),
    "an end of iteration": (raising(StopIteration()), "failed to deliver credentials: StopIteration"),
}


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("engine", ["obstore", "sdk"])
def test_provider_that_misbehaves_is_named_and_asked_once(
    cloud: CloudUnderTest, gate: Gate, engine: str, junk: str
) -> None:
    """Nothing is sent, nothing of the answer is shown, and the next calls within a second ask nobody."""
    behave, said = JUNK[junk]
    machine = machine_of(cloud, gate, engine, provider_timeout=BOUND_SECONDS)
    machine.vendor.instead = lambda: behave(dict(GOOD[cloud.name]))
    for _ in range(3):
        with pytest.raises(CredentialsError, match=said) as caught:
            machine.fs.cat_file(cloud.path("body"))
        assert "Vendor" in str(caught.value)
        assert SECRET not in "".join(traceback.format_exception(caught.value)).replace("raise ValueError(SECRET)", "")
    assert (machine.vendor.calls, gate.passed, gate.refused) == (1, 0, 0)
