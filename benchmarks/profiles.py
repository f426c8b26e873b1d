"""How far away a server is, and how much data is on it."""

from __future__ import annotations

from dataclasses import dataclass

from data import EMULATED, FULL, QUICK, Sizes, far


@dataclass(frozen=True)
class Profile:
    """How far away the server is.

    Parameters
    ----------
    name
        On the command line and in the tables.
    meaning
        In words.
    cloud
        Whose protocol is spoken.
    latency_ms
        Between the end of a request and the first byte of its answer.
    bytes_per_second
        Of each connection, in each direction; 0 is as fast as can be.
    """

    name: str
    meaning: str
    cloud: str = "s3"
    latency_ms: float = 0
    bytes_per_second: float = 0

    @property
    def is_far(self) -> bool:
        """Whether requests take long."""
        return self.latency_ms > 0


NEAR = Profile("zero", "no latency, no limit")
FAR = "20 ms per request, 90 MB/s per connection"
PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        NEAR,
        Profile("s3", FAR, latency_ms=20, bytes_per_second=90e6),
        Profile("gcs", f"fake-gcs-server, {FAR}", "gcs", latency_ms=20, bytes_per_second=90e6),
        Profile("azure", f"Azurite, {FAR}", "azure", latency_ms=20, bytes_per_second=90e6),
    )
}


def base_sizes(cloud: str, *, quick: bool) -> Sizes:
    """Return how much data there is on a server of a cloud."""
    if quick:
        return QUICK
    return FULL if cloud == "s3" else EMULATED


def sizes_in(profile: Profile, sizes: Sizes) -> Sizes:
    """Return how much of it is used in a profile."""
    return far(sizes) if profile.is_far else sizes
