"""Objects among the storage options as text, for JSON: an import string where there is one, else a local handle."""

from __future__ import annotations

import inspect
import secrets
import weakref
from typing import Any, Final

from objfs.credentials.identity import leads_back
from objfs.errors import OptionError

PREFIX: Final = "objfs-object:"

_weak: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
_strong: dict[str, Any] = {}


def as_text(thing: Any) -> Any:
    """Text that ``from_text`` turns back into the object; what JSON can hold stays as it is.

    A function of a module becomes an import string, good in any process. Anything else becomes a handle that is
    good in this process only, for as long as somebody else keeps the object.
    """
    if thing is None or isinstance(thing, str | int | float | bool):
        return thing
    if inspect.isfunction(thing) and thing.__module__ != "__main__" and leads_back(thing):
        return f"{thing.__module__}:{thing.__qualname__}"
    for handle, known in [*_weak.items(), *_strong.items()]:
        if known is thing:
            return handle
    handle = PREFIX + secrets.token_hex(8)
    try:
        _weak[handle] = thing
    except TypeError:  # an object that cannot be weakly referenced
        _strong[handle] = thing
    return handle


def from_text(value: Any) -> Any:
    """The object of a handle; any other value stays as it is.

    Raises
    ------
    OptionError
        The handle was made in another process, or its object is gone.
    """
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return value
    found = _weak.get(value, _strong.get(value))
    if found is None:
        msg = (
            f"{value!r} stands for an object of another process, or one that is gone; pickle the filesystem instead, "
            "or give the provider as an import string 'package.module:attribute'"
        )
        raise OptionError(msg)
    return found
