"""The words of boto's client for S3, in which writes are told what else is to be sent."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable
from functools import cache

from objfs.credentials.botocore_adapter import loader


@cache
def _words() -> frozenset[str]:
    model = loader().load_service_model("s3", "service-2")
    inputs = (operation["input"]["shape"] for operation in model["operations"].values() if "input" in operation)
    return frozenset(word for shape in inputs for word in model["shapes"][shape]["members"])


def refuse_unknown(given: Iterable[str]) -> None:
    """Refuse a keyword that no request to S3 has, which s3fs leaves out without a word.

    Raises
    ------
    TypeError
        As for any wrong keyword. A misspelt ``ServerSideEncryption`` would store what is to be encrypted as it is.
    """
    # Where botocore is missing it is said that such a keyword needs it.
    with contextlib.suppress(ImportError):
        words = _words()
        for name in given:
            if name not in words:
                near = difflib.get_close_matches(name, words, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                msg = f"unexpected keyword {name!r}: no request to S3 has such a parameter{hint}"
                raise TypeError(msg)
