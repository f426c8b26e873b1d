"""What credentials are on each cloud: where they come from without a provider, and the shape obstore takes them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from objfs.credentials import aws
from objfs.credentials.values import Source
from objfs.options import Settings

__all__ = ["KINDS", "Kind"]


def no_file_settings(*_: Any) -> dict[str, Any]:
    """For SDKs whose files hold credentials only."""
    return {}


@dataclass(frozen=True, slots=True)
class Kind:
    """The credentials of one cloud.

    Parameters
    ----------
    decide
        From the settings, the environment and a static source to a source; None for the data plane's own look-up.
    store_shape
        From the values of credentials to what obstore's credential provider returns, without the expiry.
    late
        What the SDK's own files say beside credentials.
    """

    decide: Callable[[Settings, Mapping[str, str], Source | None], Source | None]
    store_shape: Callable[[Mapping[str, str]], dict[str, Any]]
    late: Callable[[Settings, Mapping[str, str]], dict[str, Any]] = no_file_settings


KINDS: Final[Mapping[str, Kind]] = {
    "s3": Kind(aws.decide, aws.store_shape, aws.late_settings),
}
