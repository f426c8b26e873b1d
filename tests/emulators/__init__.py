"""Tests on the real protocols, on loopback."""

from __future__ import annotations

import pytest

# Tables of cases, whose assertions are shown as those of tests.
for _name in ("names", "reads", "writes", "s3", "gcs", "azure", "constructors"):
    pytest.register_assert_rewrite(f"tests.emulators.signature_cases_{_name}")
