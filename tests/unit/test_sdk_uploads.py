"""Uploads through an SDK: waiting for their parts."""

from __future__ import annotations

import concurrent.futures
from collections import deque
from typing import Any

from objfs.sdk_uploads import SdkUpload


class EndsLate(concurrent.futures.Future[Any]):
    """Ends between the time-out of the first wait and the look at whether it has ended."""

    def result(self, timeout: float | None = None) -> Any:
        """Its result, when nobody is waiting any more."""
        if not self.done():
            self.set_result("part")
            raise concurrent.futures.TimeoutError
        return super().result(timeout)


def test_part_that_ends_just_after_the_wait_is_no_timeout() -> None:
    """Its result counts."""
    upload: Any = SdkUpload.__new__(SdkUpload)
    upload._in_flight, upload._parts = deque([EndsLate()]), []
    upload._collect()
    assert upload._parts == ["part"]
    assert not upload._in_flight
