"""What credentials are on each cloud: where they come from without a provider, and the shape obstore takes them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from objfs.clouds.azure_resolve import environment_settings
from objfs.credentials import aws, azure, gcs
from objfs.credentials.values import Credentials, Source
from objfs.options import Settings

__all__ = ["KINDS", "Kind"]


def no_file_settings(*_: Any) -> dict[str, Any]:
    """For SDKs whose files hold credentials only."""
    return {}


def as_given(credentials: Credentials) -> Credentials:
    """For clouds whose credentials have one form only."""
    return credentials


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
    settled
        One complete set, in the one form that the adapters read, with the expiry that it tells itself.
    """

    decide: Callable[[Settings, Mapping[str, str], Source | None], Source | None]
    store_shape: Callable[[Mapping[str, str]], dict[str, Any]]
    late: Callable[[Settings, Mapping[str, str]], dict[str, Any]] = no_file_settings
    settled: Callable[[Credentials], Credentials] = as_given


KINDS: Final[Mapping[str, Kind]] = {
    "azure": Kind(azure.decide, azure.store_shape, environment_settings, azure.settled),
    "gcs": Kind(gcs.decide, gcs.store_shape, gcs.late_settings),
    "s3": Kind(aws.decide, aws.store_shape, aws.late_settings),
}
