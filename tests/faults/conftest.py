"""What the tests of faults share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import gcs_proxy
from tests.clouds import CloudUnderTest
from tests.faults.vending import MANNERS, Gate


@pytest.fixture
def gate(cloud: CloudUnderTest) -> Iterator[Gate]:
    """Before the server of the cloud."""
    url = cloud.options.get("endpoint_url") or cloud.options["endpoint"]
    with gcs_proxy.serving(Gate(url, MANNERS[cloud.name])) as running:
        yield running
