"""What to ask Google for: the plan that the settings make, and that a source carries out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from objfs.credentials.identity import keyed_digest, object_identity
from objfs.records import field, record

DEFAULT_ACCESS: Final = "full_control"
DEFAULT_BASE: Final = "https://storage.googleapis.com"


class Method(Enum):
    """Ways to get a token, named as errors name them."""

    TOKEN = "a bearer token"  # noqa: S105 - a name
    OBJECT = "a credentials object"
    FILE = "a credentials file"
    KEY = "a service account key"
    DEFAULT = "application default credentials"
    CLOUD = 'token="cloud"'
    CACHE = 'token="cache"'


@record
class Plan:
    """What to ask, by itself enough to ask it; its repr shows no secret.

    Parameters
    ----------
    method
        The way.
    option
        Canonical name of the option that says so.
    value
        Path, key or object of the method.
    scopes
        OAuth scopes.
    target
        Service account to impersonate.
    lifetime, delegates
        Of the impersonation.
    metadata_host
        Where the metadata server is, where somebody said so.
    project, access
        What the cache of gcsfs is looked up with.
    audience
        For credentials that name the service they are for.
    environ
        What the method reads of the environment.
    """

    method: Method
    option: str
    value: Any = field(default=None, repr=False)
    scopes: tuple[str, ...] = ()
    target: str | None = None
    lifetime: int | None = None
    delegates: tuple[str, ...] = ()
    metadata_host: str | None = None
    project: str | None = None
    access: str = DEFAULT_ACCESS
    audience: str = DEFAULT_BASE
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def description(self) -> str:
        """How errors name it."""
        texts = {
            Method.TOKEN: "the bearer token in the storage options",
            Method.OBJECT: "the credentials object that was passed",
            Method.FILE: f"the Google credentials file {self.value!r}",
            Method.KEY: "the Google credentials JSON in the storage options",
            Method.DEFAULT: "Google's application default credentials",
            Method.CLOUD: "the Google metadata server",
            Method.CACHE: "the token cache of gcsfs",
        }
        base = texts[self.method]
        return base if self.target is None else f"the service account {self.target} impersonated by {base}"

    @property
    def identity(self) -> str:
        """Equal for equal plans, in every process; holds no secret."""
        value = object_identity(_Holder(self.value)) if self.method is Method.OBJECT else repr(self.value)
        parts = (value, self.scopes, self.target, self.lifetime, self.delegates, self.metadata_host)
        rest = (self.project, self.access, self.audience, sorted(self.environ.items()))
        return f"google-{self.method.name.lower()} {keyed_digest(repr((*parts, *rest)))}"


class _Holder:
    """Names an object by its identity without touching it."""

    def __init__(self, held: Any) -> None:
        self.held = held
