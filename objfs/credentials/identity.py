"""Texts that tell two configurations apart, are the same in every process and hold no secret."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import re
import sys
import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta, tzinfo
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from weakref import WeakKeyDictionary

# Every process must find the same digest, so the key is no secret; it only keeps plain digest tables from matching.
_DIGEST_KEY: Final = b"objfs.credentials.identity"
_SECRET_NAME: Final = re.compile(
    r"secret|token|passw|passphrase|key|sas|signature|credential|auth|bearer|pin\b", re.IGNORECASE
)
_TOLD_AS_REPR: Final = (bool, int, float, complex, type(None), date, time, datetime, timedelta, tzinfo, Enum)
_MEMO: Final = "_objfs_identity"

_marks: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def keyed_digest(text: str) -> str:
    """A short digest of ``text``, equal in every process."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=_DIGEST_KEY, digest_size=12).hexdigest()


def looks_secret(name: str) -> bool:
    """Whether an attribute of this name may hold a secret."""
    return _SECRET_NAME.search(name) is not None


def qualified_name(thing: Any) -> str:
    """``module.qualname`` of a class or function."""
    return f"{thing.__module__}.{thing.__qualname__}"


def name_of(thing: Any) -> str:
    """The name of a class or function, else of the thing's class; nothing that the thing holds."""
    # A `functools.partial` counts as a routine from Python 3.14 on, and has no name all the same.
    named = inspect.isclass(thing) or (inspect.isroutine(thing) and not isinstance(thing, functools.partial))
    return qualified_name(thing if named else type(thing))


def object_identity(thing: Any) -> str:
    """A text for any object that hands out credentials.

    It is found once per object and kept on it, so that an object that counts its calls or caches what it fetched
    keeps one identity, also through pickling.

    Parameters
    ----------
    thing
        An instance, a function, a bound method or a ``functools.partial``.

    Returns
    -------
    str
        ``module.Class(name=value, ...)``. Values of attributes that are private, nested or look secret are keyed
        digests. Where the state cannot be told, a random mark keeps two objects from being taken for one.
    """
    if _is_function(thing):
        return _function_text(thing)
    known = getattr(thing, "__dict__", {}).get(_MEMO)
    if isinstance(known, str):
        return known
    text = _instance_text(thing)
    with contextlib.suppress(AttributeError, TypeError):
        object.__setattr__(thing, _MEMO, text)
    return text


def option_text(value: Any) -> str:
    """A text for the value of any option: its repr where that tells it in every process, else its identity."""
    plain = isinstance(value, (str, bytes, list, tuple, AbstractSet, Mapping, PurePath, *_TOLD_AS_REPR))
    return repr(value) if plain else object_identity(value)


def _is_function(thing: Any) -> bool:
    return inspect.isroutine(thing) or isinstance(thing, functools.partial)


def _function_text(thing: Any) -> str:
    """Text of a function: its name where that leads back to it, else its name and a mark."""
    if isinstance(thing, functools.partial):
        arguments = keyed_digest(_value_text([thing.args, thing.keywords]))
        return f"partial({object_identity(thing.func)}, {arguments})"
    owner = getattr(thing, "__self__", None)
    if owner is not None and not inspect.ismodule(owner):
        told = qualified_name(owner) if inspect.isclass(owner) else object_identity(owner)
        return f"{told}.{thing.__name__}"
    name = qualified_name(thing)
    return name if leads_back(thing) else f"{name}[{_mark(thing)}]"


def leads_back(thing: Any) -> bool:
    """Whether the qualified name leads back to this very object."""
    found: Any = sys.modules.get(thing.__module__)
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is thing


def _instance_text(thing: Any) -> str:
    name, state = qualified_name(type(thing)), _state(thing)
    if state is None:
        return f"{name}[{_mark(thing)}]"
    told = (f"{key}={_attribute_text(key, value)}" for key, value in sorted(state.items()))
    return f"{name}({', '.join(told)})"


def _state(thing: Any) -> dict[str, Any] | None:
    """Attributes by name, or None where the object keeps its state out of sight."""
    declared = [cls.__dict__.get("__slots__", ()) for cls in type(thing).__mro__]
    slots = [name for names in declared for name in ((names,) if isinstance(names, str) else names)]
    if not hasattr(thing, "__dict__") and not slots:
        return None
    state = {name: getattr(thing, name) for name in slots if not name.startswith("__") and hasattr(thing, name)}
    state.update(getattr(thing, "__dict__", {}))
    return state


def _attribute_text(name: str, value: Any) -> str:
    text = _value_text(value)
    public = not name.startswith("_") and not looks_secret(name)
    shown = public and isinstance(value, (str, PurePath, *_TOLD_AS_REPR))
    return text if shown else f"digest:{keyed_digest(text)}"


def _value_text(value: Any) -> str:
    """Text that two equal values share in every process. It may hold secrets: others get its digest only."""
    if isinstance(value, (str, bytes, bytearray, *_TOLD_AS_REPR)):
        return repr(value)
    if isinstance(value, PurePath):
        return repr(str(value))
    if isinstance(value, Mapping):
        pairs = (f"{_value_text(key)}: {_value_text(item)}" for key, item in value.items())
        return f"{{{', '.join(sorted(pairs))}}}"
    if isinstance(value, AbstractSet):
        return f"{{{', '.join(sorted(map(_value_text, value)))}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value_text, value))}]"
    if inspect.isclass(value):
        return qualified_name(value)
    if _is_function(value):
        return _function_text(value)
    import dataclasses  # most values are told before

    if dataclasses.is_dataclass(value):
        return _instance_text(value)
    # Sessions, clients, locks: large, cyclic or opaque; each is taken as different from all others.
    return f"{qualified_name(type(value))}[{_mark(value)}]"


def _mark(thing: Any) -> str:
    """A random name that one object keeps for its lifetime, where it can be remembered at all."""
    try:
        return _marks.setdefault(thing, uuid.uuid4().hex[:12])
    except TypeError:
        return uuid.uuid4().hex[:12]
