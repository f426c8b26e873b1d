"""Everything that may hand out credentials, brought into the one shape of a source."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

from objfs.clouds._cloud import Cloud
from objfs.credentials.identity import name_of, object_identity, qualified_name
from objfs.credentials.kinds import kind_of
from objfs.credentials.named import described, make
from objfs.credentials.shapes import read_answer
from objfs.credentials.values import Credentials, Source
from objfs.errors import CredentialsError, OptionError
from objfs.options import normalise
from objfs.records import field, record

_log = logging.getLogger(__name__)

# Options that hold something to ask for credentials.
PROVIDER_OPTIONS: Final = ("storage_options_provider", "credential_provider", "fetch_storage_options")

_IMPORT_STRING: Final = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
_FETCH: Final = "fetch_storage_options"


class StorageOptionsProvider(ABC):
    """Hands out storage options with credentials, again and again.

    Subclasses write :meth:`fetch_storage_options`. Two providers of one class with the same :meth:`provider_id` are
    equal, share one cache of credentials and give the same dask token; their repr shows no secret.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A dataclass would replace these by ones that print every field and forbid hashing; it leaves alone what
        # stands in the class itself.
        for name in ("__repr__", "__eq__", "__hash__"):
            if getattr(cls, name) is getattr(StorageOptionsProvider, name):
                setattr(cls, name, getattr(StorageOptionsProvider, name))

    @abstractmethod
    def fetch_storage_options(self) -> dict[str, str]:
        """Get fresh storage options; called in a thread of its own, whenever credentials are needed.

        Returns
        -------
        dict
            Options in any vocabulary that objfs knows. ``expires_at_millis`` (Unix milliseconds) or another expiry
            name says until when they may be used; without one they never expire.
        """

    def provider_id(self) -> str:
        """What tells this provider from others: by default its class and its attributes.

        Returns
        -------
        str
            The same in every process. Private attributes and those whose name looks secret appear as a digest. It is
            found at the first call and kept: an attribute changed later does not change it.
        """
        return object_identity(self)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, StorageOptionsProvider):
            return NotImplemented
        return self.provider_id() == other.provider_id()

    def __hash__(self) -> int:
        return hash((type(self), self.provider_id()))

    def __repr__(self) -> str:
        identity, name = self.provider_id(), qualified_name(type(self))
        return f"<{identity}>" if identity.startswith(name) else f"<{name} {identity}>"


@record
class ProviderSource:
    """A source on top of a callable, sync or async, that answers with storage options."""

    call: Callable[[], Any] = field(repr=False)
    cloud: Cloud = field(repr=False)
    identity: str
    description: str

    @property
    def refreshable(self) -> bool:
        """A provider can be asked again."""
        return True

    def fetch(self) -> Credentials:
        """Ask the provider."""
        credentials, extra = read_answer(_settled(self.call), self.cloud, self.description)
        if extra:
            _log.debug("%s also returned %s; only credentials are taken", self.description, ", ".join(sorted(extra)))
        try:
            return kind_of(self.cloud.name).settled(credentials)
        except OptionError as error:
            msg = f"{self.description} returned options that cannot be used: {error}"
            raise CredentialsError(msg) from None


def normalise_provider(provider: Any, cloud: Cloud) -> Source:
    """Make a source of anything that can hand out credentials.

    Parameters
    ----------
    provider
        An object with ``fetch_storage_options()``; a callable that returns storage options, an obstore credential or
        polars' pair of a dict and Unix seconds; either of them sync or async; or an import string
        ``"package.module:attribute"`` for one of them (or for a class, which is called without arguments), imported
        at the first fetch; or a dict (or its JSON) with the name of a ready-made provider and its options, or such a
        name alone.
    cloud
        The cloud whose names the answers are read with.

    Raises
    ------
    OptionError
        ``provider`` is none of these.
    """
    told = described(provider)
    if told is not None:
        provider = make(told)
    if isinstance(provider, str):
        if re.fullmatch(_IMPORT_STRING, provider) is None:
            msg = f"a provider given as text must be an import string 'package.module:attribute', got {provider!r}"
            raise OptionError(msg)
        return ProviderSource(_Imported(provider), cloud, provider_identity(provider), f"provider {provider!r}")
    if inspect.isclass(provider):
        msg = f"a provider must be an instance or a function, got the class {qualified_name(provider)}; call it first"
        raise OptionError(msg)
    call = _call_of(provider)
    if call is None:
        msg = f"a provider must be callable or have fetch_storage_options(), got {type(provider).__name__}"
        raise OptionError(msg)
    return ProviderSource(call, cloud, provider_identity(provider), f"provider {name_of(provider)}")


def provider_identity(provider: Any) -> str:
    """What ``provider_id()`` says with the class before it, or a text for objects without that method.

    A function and the import string that names it are one provider: JSON makes the second of the first.
    """
    described_as = described(provider)
    if described_as is not None:
        provider = make(described_as)
    if isinstance(provider, str):
        return provider.replace(":", ".")
    told = getattr(provider, "provider_id", None)
    if not callable(told):
        return object_identity(provider)
    return f"{qualified_name(type(provider))} {told()}"


def identities_in(cloud: Cloud, options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The identities of the objects among options that hand out credentials; text and classes tell themselves.

    Raises
    ------
    OptionError
        A provider is described by a dict or by name, and there is none like that.
    """
    index = cloud.table.index
    found = []
    for name, value in sorted(options.items()):
        row = index.get(normalise(name))
        if value is None or row is None or not row[0].secret or inspect.isclass(value):
            continue
        named = row[0].name in PROVIDER_OPTIONS and described(value) is not None
        if named or not isinstance(value, str | int | float | Mapping):
            found.append((name, provider_identity(value)))
    return found


def _call_of(provider: Any) -> Callable[[], Any] | None:
    fetch = getattr(provider, _FETCH, None)
    if callable(fetch):
        return fetch  # type: ignore[no-any-return]
    return provider if callable(provider) else None


def _settled(call: Callable[[], Any]) -> Any:
    """Call, and where that gives an awaitable, await it in a loop of its own."""

    async def awaited(first: Any = None) -> Any:
        result = call() if first is None else first
        return await result if inspect.isawaitable(result) else result

    if inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None)):  # noqa: B004
        return asyncio.run(awaited())
    answer = call()
    return asyncio.run(awaited(answer)) if inspect.isawaitable(answer) else answer


class _Imported:
    """The provider behind an import string, imported when first called."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._call: Callable[[], Any] | None = None

    def __call__(self) -> Any:
        if self._call is None:
            self._call = self._resolve()
        return self._call()

    def _resolve(self) -> Callable[[], Any]:
        found = self._load()
        if inspect.isclass(found):
            try:
                found = found()
            except TypeError as error:
                msg = f"provider {self._text!r} is a class that cannot be made without arguments"
                raise CredentialsError(msg) from error
        call = _call_of(found)
        if call is None:
            msg = f"provider {self._text!r} is neither callable nor has fetch_storage_options(): {type(found).__name__}"
            raise CredentialsError(msg)
        return call

    def _load(self) -> Any:
        module_name, _, path = self._text.partition(":")
        try:
            found: Any = importlib.import_module(module_name)
        except ImportError as error:
            msg = f"provider {self._text!r}: module {module_name!r} cannot be imported"
            raise CredentialsError(msg) from error
        for part in path.split("."):
            try:
                found = getattr(found, part)
            except AttributeError as error:
                msg = f"provider {self._text!r}: module {module_name!r} has no attribute {path!r}"
                raise CredentialsError(msg) from error
        return found
