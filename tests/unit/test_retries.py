"""When a failed request is repeated on the SDK plane, and what of the data plane's requests obstore does not repeat."""

from __future__ import annotations

import asyncio
import errno
import re
from datetime import timedelta
from pathlib import Path

import pytest

from objfs.clouds._backends import CLIENT_DEFAULTS, RETRY_DEFAULTS
from objfs.retries import policy_of
from objfs.store_retries import deleted, repeated

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "set-timeouts-and-retries.md"
QUICK = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(0), "max_backoff": timedelta(0), "base": 2},
}


def test_request_is_repeated_as_often_as_the_option_says():
    """Besides the first attempt."""
    attempts = policy_of(QUICK).begin()
    assert [attempts.number, *[attempts.pause() for _ in range(4)]] == [1, 0, 0, 0, None]


def test_no_attempt_begins_after_the_retry_timeout():
    """However few there were."""
    now = 100.0
    attempts = policy_of(QUICK).begin(lambda: now)
    now = 159.0
    assert attempts.pause() == 0
    now = 160.0
    assert attempts.pause() is None


def test_waits_begin_with_the_first_and_never_exceed_the_longest():
    """By default a tenth of a second and 15 s."""
    longest = policy_of(
        {**RETRY_DEFAULTS, "max_retries": 1000, "backoff": {**RETRY_DEFAULTS["backoff"], "base": 100.0}}
    )
    attempts = longest.begin(lambda: 0.0)
    waits = [attempts.pause() for _ in range(1000)]
    assert waits[0] == 0.1
    assert 0.1 <= min(waits) < max(waits) <= 15


def _failing(*outcomes):
    """A request that ends in each of these in turn, and how often it was made."""
    made = []

    async def request():
        made.append(outcomes[len(made)])
        if isinstance(made[-1], Exception):
            raise made[-1]
        return made[-1]

    return request, made


def _broken(kind=ConnectionResetError, text="retries: 0,"):
    error = kind(errno.ECONNRESET, "broken")
    error.__cause__ = RuntimeError(text)
    return error


def test_request_whose_connection_breaks_is_sent_again():
    """Obstore has sent it once."""
    request, made = _failing(_broken(), _broken(TimeoutError), "done")
    assert asyncio.run(repeated(QUICK, request)) == "done"
    assert len(made) == 3


@pytest.mark.parametrize(
    ("config", "error"),
    [
        (QUICK, _broken(text="retries: 3, max_retries: 3")),
        (QUICK, OSError(errno.EIO, "500")),
        (None, _broken()),
    ],
    ids=["obstore has repeated it", "an answer", "it must not be sent twice"],
)
def test_request_is_not_sent_again(config, error):
    """Where that was done, cannot help, or harms."""
    request, made = _failing(error, "done")
    with pytest.raises(type(error)):
        asyncio.run(repeated(config, request))
    assert len(made) == 1


def test_object_that_is_gone_at_the_second_deletion_was_deleted_by_the_first():
    """The answer to the first was lost; one that was never there is missing at once."""
    request, made = _failing(_broken(), FileNotFoundError())
    asyncio.run(deleted(QUICK, request))
    assert len(made) == 2
    request, made = _failing(FileNotFoundError())
    with pytest.raises(FileNotFoundError):
        asyncio.run(deleted(QUICK, request))


def test_page_on_timeouts_and_retries_tells_the_defaults():
    """In the units of a reader."""
    units = {"s": 1, "min": 60, "days": 86400}
    told = re.findall(r"^\| `([\w.]+)` \| ([\d.]+) ?(s|min|days)? \|", PAGE.read_text("utf-8"), re.MULTILINE)
    shown = {name: float(number) * units.get(unit, 1) for name, number, unit in told}
    waits = {f"backoff.{name}": value for name, value in RETRY_DEFAULTS["backoff"].items()}
    defaults = {**CLIENT_DEFAULTS, **RETRY_DEFAULTS, **waits}
    del defaults["backoff"]
    assert shown == {
        name: value.total_seconds() if isinstance(value, timedelta) else value for name, value in defaults.items()
    }
