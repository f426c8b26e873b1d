"""What the installed peers offer: their verbs, attributes and call keywords, as ``inspect`` finds them on an instance.

A peer is the class that objfs takes over from: ``s3fs.S3FileSystem``, ``gcsfs.GCSFileSystem``,
``adlfs.AzureBlobFileSystem``.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any, Final, Literal

import objfs
from objfs.opening import CLASSES

PEERS: Final = {"s3": "s3fs", "gcs": "gcsfs", "azure": "adlfs"}
# No request is sent while they are walked over.
_OFFLINE: Final[dict[str, dict[str, Any]]] = {
    "s3": {"key": "key", "secret": "secret"},
    "gcs": {"token": "anon", "project": "project"},
    "azure": {"account_name": "account", "account_key": "a2V5"},
}
_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Verb:
    """One method of a peer; a coroutine and its blocking twin of the same keywords are one.

    Parameters
    ----------
    name
        As it is called; the blocking twin where there is one.
    keywords
        Names that a call may give, in their order.
    positional
        Those of them that a call may give by position.
    kind
        ``same``: fsspec's own function on both sides. ``forwarded``: objfs hands the call to the peer's own method.
        ``own``: objfs has a method of its own. ``missing``.
    """

    name: str
    keywords: tuple[str, ...]
    positional: tuple[str, ...]
    kind: Literal["same", "forwarded", "own", "missing"]

    @property
    def is_public(self) -> bool:
        """Whether users are meant to call it."""
        return not self.name.startswith("_")


def peer_class(cloud: str) -> type[Any]:
    """The class that is taken over from."""
    module = importlib.import_module(PEERS[cloud])
    found: type[Any] = getattr(module, CLASSES[cloud].__name__)
    return found


def offline(cloud: str) -> tuple[Any, Any]:
    """An instance of the peer and one of ours, alike, that nobody asks for anything."""
    options = _OFFLINE[cloud]
    ours: type[Any] = getattr(objfs, CLASSES[cloud].__name__)
    return peer_class(cloud)(**options), ours(**options)


def _is_coroutine(value: Any) -> bool:
    return inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value)


def function_of(value: Any) -> Any:
    """The function behind a method, a blocking twin of fsspec's or a static method."""
    while inner := getattr(value, "__wrapped__", None) or getattr(value, "__func__", None):
        value = inner
    return value


def keywords_of(method: Callable[..., Any]) -> tuple[str, ...]:
    """Names that a call may give."""
    return tuple(
        item.name
        for item in inspect.signature(method).parameters.values()
        if item.kind in _NAMED and item.name != "self"
    )


def positional_of(method: Callable[..., Any]) -> tuple[str, ...]:
    """Names that a call may give by position."""
    return tuple(
        item.name
        for item in inspect.signature(method).parameters.values()
        if item.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and item.name != "self"
    )


def _members(peer: Any) -> Iterator[tuple[str, Any]]:
    """Public names and underscore coroutines; properties are not asked for their values."""
    for name in sorted(dir(peer)):
        if name.startswith("__"):
            continue
        static = inspect.getattr_static(peer, name)
        value = None if isinstance(static, property) else getattr(peer, name)
        if name.startswith("_") and not _is_coroutine(value):
            continue
        yield name, value


def _kind(name: str, method: Any, ours: Any) -> Literal["same", "forwarded", "own", "missing"]:
    static = inspect.getattr_static(type(ours), name, None)
    if static is None:
        return "forwarded" if hasattr(ours, name) else "missing"
    theirs = function_of(method)
    if not isinstance(theirs, FunctionType):
        return "same" if static is method else "own"
    # A blocking twin is the same when the coroutine behind it is.
    candidates = (function_of(static), function_of(getattr(type(ours), f"_{name}", None)))
    return "same" if any(each is theirs for each in candidates) else "own"


@cache
def verbs_of(cloud: str) -> tuple[Verb, ...]:
    """Every method of the peer that users or fsspec may call."""
    peer, ours = offline(cloud)
    members = {name: value for name, value in _members(peer) if callable(value) and not inspect.isclass(value)}
    found = []
    for name, method in members.items():
        keywords = keywords_of(method)
        if name == "open":
            # What `open` passes on.
            keywords = tuple(dict.fromkeys((*keywords, *keywords_of(peer._open))))
        twin = members.get(name[1:]) if name.startswith("_") else None
        if twin is not None and keywords_of(twin) == keywords:
            continue
        found.append(Verb(name, keywords, positional_of(method), _kind(name, method, ours)))
    return tuple(found)


@cache
def attributes_of(cloud: str) -> tuple[str, ...]:
    """Every public name of the peer's instance that is no method."""
    peer, _ = offline(cloud)
    return tuple(name for name, value in _members(peer) if not callable(value) or inspect.isclass(value))


def pairs_of(cloud: str, *kinds: str) -> list[tuple[str, str]]:
    """Verb and keyword, of the verbs of some kinds."""
    return [(verb.name, keyword) for verb in verbs_of(cloud) if verb.kind in kinds for keyword in verb.keywords]


def constructor_of(cloud: str) -> tuple[str, ...]:
    """The keywords of a constructor, in their order, those of its base classes that it passes on at the end."""
    found: dict[str, None] = {}
    for base in peer_class(cloud).__mro__:
        if base.__module__.partition(".")[0] == PEERS[cloud] and "__init__" in vars(base):
            found.update(dict.fromkeys(keywords_of(base.__init__)))
    return tuple(found)


def constructor_order(cloud: str) -> tuple[str, ...]:
    """The keywords of a constructor that may be given by position."""
    for base in peer_class(cloud).__mro__:
        order = positional_of(base.__init__) if "__init__" in vars(base) else ()
        if order:
            return order
    return ()


_FILES: Final = {
    "s3": ("s3fs.core.S3File",),
    "gcs": ("gcsfs.core.GCSFile", "gcsfs.zonal_file.ZonalFile"),
    "azure": ("adlfs.AzureBlobFile",),
}


def file_classes_of(cloud: str) -> list[type[Any]]:
    """The peer's classes of open files."""
    found = []
    for name in _FILES[cloud]:
        module, _, attribute = name.rpartition(".")
        found.append(getattr(importlib.import_module(module), attribute))
    return found


@cache
def file_keywords_of(cloud: str) -> tuple[str, ...]:
    """What the constructors of open files take beside filesystem, path and mode."""
    words = [keyword for each in file_classes_of(cloud) for keyword in keywords_of(each.__init__)[3:]]
    return tuple(dict.fromkeys(words))
