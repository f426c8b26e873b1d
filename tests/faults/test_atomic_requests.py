"""Requests of a write that fail, or whose answer is lost: the object is the old one or the new one, never a part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clouds import CloudUnderTest
from tests.faults.fault_proxy import FOREVER, Act, Exchange, Rule
from tests.faults.faults import lose_answer
from tests.faults.ways import CALLS, COMPLETION, OLD, PART, PLANES, bench

ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>made up</Message>'
    "<RequestId>objfs</RequestId></Error>"
)


def _answer(status: int, *, executed: bool) -> Act:
    """Answer with an error, and have the server carry the request out or not."""

    def act(exchange: Exchange) -> bool:
        if executed:
            exchange.forward()
        body = ERROR.format("AccessDenied" if status == 403 else "InternalError")
        head = f"HTTP/1.1 {status} made up\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        exchange.send((head + body).encode())
        return True

    return act


# The calls must raise; they must not; or the service does not tell that it has done what it was asked for.
RAISES, WRITES, MAY_NOT_KNOW = "old", "new", "new, perhaps untold"


@dataclass(frozen=True)
class Failure:
    """What happens to which requests.

    Parameters
    ----------
    act
        What the proxy does.
    pattern
        Of the requests that are hit.
    times
        How many.
    outcome
        Of the three above.
    """

    act: Act
    pattern: str
    times: int
    outcome: str


FAILURES: dict[str, Failure] = {
    "part-refused": Failure(_answer(403, executed=False), PART, FOREVER, RAISES),
    "part-fails": Failure(_answer(500, executed=False), PART, FOREVER, RAISES),
    "part-lands-and-fails": Failure(_answer(500, executed=True), PART, FOREVER, RAISES),
    "end-refused": Failure(_answer(403, executed=False), COMPLETION, 1, RAISES),
    "end-fails": Failure(_answer(500, executed=False), COMPLETION, FOREVER, RAISES),
    "end-fails-once": Failure(_answer(500, executed=False), COMPLETION, 1, WRITES),
    "end-is-done-and-fails": Failure(_answer(500, executed=True), COMPLETION, 1, MAY_NOT_KNOW),
    "end-is-done-and-its-answer-lost": Failure(lose_answer, COMPLETION, 1, MAY_NOT_KNOW),
    # 200 comes before the work is done: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    "end-says-200-and-an-error": Failure(_answer(200, executed=False), COMPLETION, 1, WRITES),
    "end-always-says-200-and-an-error": Failure(_answer(200, executed=False), COMPLETION, FOREVER, RAISES),
}
# Uploads of obstore on these clouds: their services do not answer a completion twice.
FORGETFUL = ("gcs", "azure")


@pytest.mark.parametrize("fault", FAILURES)
@pytest.mark.parametrize("plane", PLANES)
def test_request_that_fails_publishes_all_or_nothing(
    cloud: CloudUnderTest, plane: str, fault: str, tmp_path: Path
) -> None:
    """No upload is left; what the call says is so, or it says that it cannot know."""
    if "200" in fault and cloud.name != "s3":
        pytest.skip("only S3 answers so")
    what = FAILURES[fault]
    with bench(cloud, plane, tmp_path) as on:
        for name in ("open", "put_file"):
            path = on.old(name)
            error: BaseException | None = None
            with on.under(Rule(what.act, what.pattern, what.times)) as rule:
                try:
                    CALLS[name](on, path)
                except OSError as raised:
                    error = raised
            assert rule.hits
            is_untold = what.outcome == MAY_NOT_KNOW and plane == "auto" and cloud.name in FORGETFUL
            assert on.seen(name) == (OLD if what.outcome == RAISES else on.large, [])
            assert (error is not None) == (what.outcome == RAISES or is_untold), error
            assert isinstance(error, PermissionError) == ("refused" in fault)
            # Who catches it must not take it for a missing object, nor for bad input.
            assert not isinstance(error, FileNotFoundError)
            assert not is_untold or "lost" in str(error)
