"""What the debug logs of botocore and s3fs must not hold: tokens and keys that go over the wire as they are."""

from __future__ import annotations

import logging
import re
from typing import Final

# Where requests are shown before and after they are signed, and answers of S3, STS and SSO.
_LOGGERS: Final = (
    "aiobotocore.endpoint",
    "aiobotocore.httpsession",
    "botocore.auth",
    "botocore.endpoint",
    "botocore.httpsession",
    "botocore.parsers",
    "botocore.regions",
    "s3fs",
)


class _Redacted(logging.Filter):
    """Of a session token, a key for encryption or a secret key, only the name stays."""

    _NAME: Final = "security-token|customer-?key|secret-?access-?key|session-?token|access-?token|Token-[0-9]"
    _VALUE: Final = re.compile(rf"((?:{_NAME})['\"]?\s*[:=>]\s*b?['\"]?)[^'\",\s}}\\<]+", re.IGNORECASE)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without those values."""
        text = record.getMessage()
        shown = self._VALUE.sub(r"\1***", text)
        if shown != text:
            record.msg, record.args = shown, ()
        return True


_REDACTED: Final = _Redacted()


def redact_botocore_log() -> None:
    """Keep secrets out of botocore's debug log, for every session in this process; once is enough."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_REDACTED)
