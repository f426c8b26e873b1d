"""What credentials are on each cloud: where they come from without a provider, and the shape obstore takes them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from objfs.credentials.values import Credentials, Source
from objfs.options import Settings
from objfs.records import record


def as_given(credentials: Credentials) -> Credentials:
    """For clouds whose credentials have one form only."""
    return credentials


@record
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
    late_place
        Which file that is.
    settled
        One complete set, in the one form that the adapters read, with the expiry that it tells itself.
    """

    decide: Callable[[Settings, Mapping[str, str], Source | None], Source | None]
    store_shape: Callable[[Mapping[str, str]], dict[str, Any]]
    late: Callable[[Settings, Mapping[str, str]], dict[str, Any]]
    late_place: Callable[[Settings, Mapping[str, str]], str]
    settled: Callable[[Credentials], Credentials] = as_given


def _azure() -> Kind:
    from objfs.clouds.azure_resolve import environment_place, environment_settings
    from objfs.credentials import azure

    return Kind(azure.decide, azure.store_shape, environment_settings, environment_place, azure.settled)


def _gcs() -> Kind:
    from objfs.credentials import gcs

    return Kind(gcs.decide, gcs.store_shape, gcs.late_settings, gcs.late_place)


def _s3() -> Kind:
    from objfs.credentials import aws

    return Kind(aws.decide, aws.store_shape, aws.late_settings, aws.late_place)


# One cloud's modules are imported without those of the others.
_MAKERS: Final[Mapping[str, Callable[[], Kind]]] = {"azure": _azure, "gcs": _gcs, "s3": _s3}


@cache
def kind_of(cloud: str) -> Kind:
    """The credentials of a cloud, by its name."""
    return _MAKERS[cloud]()
