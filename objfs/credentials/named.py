"""Providers by name: what a plain dict such as ``{"provider": "unity", …}`` stands for."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from objfs.credentials.identity import looks_secret
from objfs.errors import OptionError
from objfs.spellings import normalise
from objfs.urls import redact_url

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# The member of the dict that names the provider; the others are its options.
MEMBER: Final = "provider"
# Entry points of this group add names; those below cannot be taken.
GROUP: Final = "objfs.providers"
# Unlike an import string, it has neither dots nor a colon.
_NAME: Final = re.compile(r"[A-Za-z][\w-]*")
_SENT: Final = frozenset({"headers", "body"})
_PLACE: Final = "url"
_QUERY: Final = re.compile(r"[?#]")
READY_MADE: Final[Mapping[str, str]] = {
    "aws-assume-role": "objfs.providers:AssumeRole",
    "aws-web-identity": "objfs.providers:WebIdentity",
    "aws-session": "objfs.providers:AwsSession",
    "google": "objfs.providers:GoogleAuth",
    "azure-identity": "objfs.providers:AzureIdentity",
    "http": "objfs.providers:HttpJson",
    "unity": "objfs.providers:UnityCatalog",
    "iceberg": "objfs.providers:IcebergRest",
    "lance": "objfs.providers:LanceNamespace",
}


def described(provider: Any) -> Mapping[str, Any] | None:
    """The dict that describes a provider: given as such, as JSON, or as a name alone; None for anything else.

    Raises
    ------
    OptionError
        Text that begins as JSON is none.
    """
    if isinstance(provider, Mapping):
        return provider
    if not isinstance(provider, str):
        return None
    if not provider.lstrip().startswith("{"):
        return {MEMBER: provider} if _NAME.fullmatch(provider) else None
    try:
        told: Mapping[str, Any] = json.loads(provider)
    except ValueError:
        msg = "a provider given as text that begins with { must be a JSON object; it cannot be parsed"
        raise OptionError(msg) from None
    return told


def secret_part(provider: Any) -> Any:
    """Of a provider that is described, the options that may be secret: by name, and all that is sent along."""
    try:
        told = described(provider)
    except OptionError:
        return provider
    if told is None:
        return provider
    sent = {name: value for name, value in told.items() if normalise(str(name)) in _SENT or looks_secret(str(name))}
    return sent | {name: _beside_place(value) for name, value in told.items() if normalise(str(name)) == _PLACE}


def _beside_place(url: Any) -> Any:
    """What of a URL may be secret: its query, and all of one that holds a user; host and path are what errors name."""
    if not isinstance(url, str):
        return url
    place, *query = _QUERY.split(url, maxsplit=1)
    return url if redact_url(place) != place else "".join(query)


def make(told: Mapping[str, Any]) -> Any:
    """Make the provider that a dict describes; its module is imported, nothing is fetched.

    Parameters
    ----------
    told
        ``provider``, a name in any case and with ``-`` or ``_``, and the provider's own options.

    Raises
    ------
    OptionError
        There is no provider of this name, or it has no such option, or lacks one; the message names the nearest.
    """
    options = {normalise(str(name)): value for name, value in told.items()}
    name = options.pop(MEMBER, None)
    if not isinstance(name, str):
        msg = f"a provider given as a dict needs its name under {MEMBER!r}; known are {_listed(_added())}"
        raise OptionError(msg)
    factory = _factory(name)
    _check(name, factory, options)
    return factory(**options)


def _factory(name: str) -> Callable[..., Any]:
    wanted = normalise(name)
    for known, place in READY_MADE.items():
        if normalise(known) == wanted:
            module, _, attribute = place.partition(":")
            return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]
    added = _added()
    for known, point in added.items():
        if normalise(known) == wanted:
            return point.load()  # type: ignore[no-any-return]
    closest = _closest(wanted, [normalise(known) for known in {*READY_MADE, *added}])
    hint = next((f"; did you mean {known!r}?" for known in {*READY_MADE, *added} if [normalise(known)] == closest), ".")
    msg = f"there is no provider {name!r}{hint} Known are {_listed(added)}; 'package.module:attribute' names any other"
    raise OptionError(msg)


def _added() -> dict[str, EntryPoint]:
    """What installed distributions add."""
    from importlib.metadata import entry_points  # reads all of them, for a name that is not one of ours

    return {point.name: point for point in entry_points(group=GROUP)}


def _closest(name: str, known: list[str]) -> list[str]:
    """The one most like a name, or none."""
    import difflib  # for the text of an error

    return difflib.get_close_matches(name, known, n=1)


def _listed(added: Mapping[str, Any]) -> str:
    return ", ".join(sorted({*READY_MADE, *added}))


def _check(name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Say which options are wrong, before Python does with a name of a class that nobody wrote."""
    parameters = inspect.signature(factory).parameters.values()
    known = [one.name for one in parameters if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}]
    if not any(one.kind is one.VAR_KEYWORD for one in parameters):
        for option in options:
            if option not in known:
                closest = _closest(option, known)
                hint = f"; did you mean {closest[0]!r}?" if closest else "."
                msg = f"the provider {name!r} has no option {option!r}{hint} It takes {', '.join(known) or 'none'}"
                raise OptionError(msg)
    required = [one.name for one in parameters if one.name in known and one.default is one.empty]
    missing = [option for option in required if option not in options]
    if missing:
        msg = f"the provider {name!r} needs {' and '.join(missing)}"
        raise OptionError(msg)
