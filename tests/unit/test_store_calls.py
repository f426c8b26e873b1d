"""Requests of the data plane whose credentials are refused, without a store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from objfs.clouds.s3 import S3
from objfs.credentials.hiding import Hiding
from objfs.store_calls import Calls
from tests.unit.refreshing import Clock, Steps, made, refresher_of

Carry = Callable[[Calls, Callable[[], Any]], Any]


def blocking(calls: Calls, request: Callable[[], Any]) -> Any:
    return calls.call_now("key", request)


def awaited(calls: Calls, request: Callable[[], Any]) -> Any:
    async def soon() -> Any:
        return request()

    return asyncio.run(calls.call("key", soon))


@pytest.mark.parametrize("carry", [blocking, awaited])
def test_answer_about_the_object_proves_the_credentials_of_a_second_try(carry: Carry) -> None:
    """Whoever is told that there is no such object was believed to be who they are."""
    steps = Steps(*[made(number) for number in range(4)])
    refresher = refresher_of(Clock(), steps)
    calls = Calls(S3, "bucket", refresher, Hiding({}, refresher))
    for spent in range(3):

        def request(spent: int = spent) -> None:
            if refresher.current().values["access_key_id"] == f"AKID{spent}":
                msg = "status code: 403 Forbidden: <Code>InvalidAccessKeyId</Code>"
                raise RuntimeError(msg)
            msg = "status code: 404 Not Found: <Code>NoSuchKey</Code>"
            raise FileNotFoundError(msg)

        with pytest.raises(FileNotFoundError):
            carry(calls, request)
    assert refresher.fetch_count == 4
