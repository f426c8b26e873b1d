"""What a fetch of credentials brings, and what can be fetched from."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from objfs.errors import CredentialsError
from objfs.records import field, record


@record
class Credentials:
    """One complete set of credentials. Its repr shows names and expiry only.

    Parameters
    ----------
    values
        Canonical option name to value; a set is complete, nothing is ever mixed into it.
    expires_at
        Timezone-aware, UTC; None where the credentials do not expire.

    Raises
    ------
    CredentialsError
        A value holds a control character, which no header can: most often the line break at the end of a file.
    """

    values: Mapping[str, str] = field(repr=False)
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            if any(character < " " or character == "\x7f" for character in value):
                msg = f"the credentials' {name!r} holds a control character (a line break at its end?); strip it"
                raise CredentialsError(errno.EINVAL, msg)

    def __repr__(self) -> str:
        expiry = "never" if self.expires_at is None else self.expires_at.isoformat()
        return f"<Credentials {', '.join(sorted(self.values))}; expires {expiry}>"


class Source(Protocol):
    """Where a refresher gets credentials.

    ``fetch`` runs in a thread of its own that has no event loop; it may block.
    """

    @property
    def identity(self) -> str:
        """Equal for sources that hand out the same credentials, in every process; holds no secret."""

    @property
    def description(self) -> str:
        """How an error message names it."""

    @property
    def refreshable(self) -> bool:
        """Whether another fetch can bring other credentials."""

    def fetch(self) -> Credentials:
        """Get credentials; any exception is a failed attempt."""


@runtime_checkable
class Live(Protocol):
    """A source whose credentials somebody may replace at any time."""

    def revision(self) -> object:
        """Equal for as long as a fetch would bring the same; asked for each request, so it must be quick."""


@record
class StaticSource:
    """Credentials that the caller gave; they are all there is."""

    credentials: Credentials = field(repr=False)
    identity: str
    description: str = "the credentials in the storage options"

    @property
    def refreshable(self) -> bool:
        """Never: a fetch returns the same."""
        return False

    def fetch(self) -> Credentials:
        """The credentials themselves."""
        return self.credentials


@record
class AskedSource:
    """A source that asks a service, or files that somebody renews, each time.

    Parameters
    ----------
    get
        Fetches; runs in a thread that may block.
    identity, description
        As :class:`Source` has them.
    """

    get: Callable[[], Credentials] = field(repr=False)
    identity: str
    description: str

    @property
    def refreshable(self) -> bool:
        """Files, metadata services and token services can be asked again."""
        return True

    def fetch(self) -> Credentials:
        """Ask."""
        return self.get()
