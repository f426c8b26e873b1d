"""All cases of the signature test, which their modules register."""

from __future__ import annotations

from tests.emulators import (
    signature_cases_azure,
    signature_cases_gcs,
    signature_cases_names,
    signature_cases_reads,
    signature_cases_s3,
    signature_cases_writes,
)

__all__ = [
    "signature_cases_azure",
    "signature_cases_gcs",
    "signature_cases_names",
    "signature_cases_reads",
    "signature_cases_s3",
    "signature_cases_writes",
]
