"""Frozen values whose classes are made quickly.

`dataclasses` writes and compiles six methods for each class, which takes half a millisecond (Python 3.11), and there
are fifty classes on the way to the first read. Here all classes share their methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeVar, cast, dataclass_transform, overload

T = TypeVar("T")

_REQUIRED: Final = object()


class _Field:
    """What `field` says of one."""

    __slots__ = ("default", "hash", "make", "repr")

    def __init__(self, default: Any, make: Callable[[], Any] | None, *, show: bool, compute: bool) -> None:
        self.default, self.make, self.repr, self.hash = default, make, show, compute


def field(
    *,
    default: Any = _REQUIRED,
    default_factory: Callable[[], Any] | None = None,
    repr: bool = True,  # noqa: A002 - the word of dataclasses
    hash: bool = True,  # noqa: A002
) -> Any:
    """Say more of a field than a name and a default, in the words of `dataclasses.field`."""
    return _Field(default, default_factory, show=repr, compute=hash)


class _Layout:
    """What the methods know of a class: its fields in order."""

    __slots__ = ("defaults", "hashed", "names", "shown", "values")

    def __init__(self, fields: Mapping[str, _Field]) -> None:
        self.names = tuple(fields)
        self.defaults = tuple((name, field.default, field.make) for name, field in fields.items())
        self.shown = tuple(name for name, field in fields.items() if field.repr)
        self.values = _getter(self.names)
        self.hashed = _getter(tuple(name for name, field in fields.items() if field.hash))

    def complete(self, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """A value for each field."""
        values = list(given)
        for field, default, make in self.defaults[len(given) :]:
            if field in named:
                values.append(named.pop(field))
            elif make is not None:
                values.append(make())
            elif default is not _REQUIRED:
                values.append(default)
            else:
                msg = f"{name}() needs {field!r}"
                raise TypeError(msg)
        if named or len(values) > len(self.names):
            wrong = ", ".join(map(repr, named)) or f"{len(values)} values"
            msg = f"{name}() takes {', '.join(self.names)}, each once, not {wrong}"
            raise TypeError(msg)
        return tuple(values)


@overload
def record(cls: type[T], /) -> type[T]: ...
@overload
def record(*, slots: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T] | None = None, /, *, slots: bool = True) -> Any:
    """Make a class whose annotated names are the fields of frozen values, equal where all their fields are.

    They compare, hash, print, copy and pickle as those of ``@dataclass(frozen=True, slots=True)``; ``__post_init__``
    is called, too. Fields are not inherited, and a method cannot say ``super()`` without arguments.

    Parameters
    ----------
    slots
        False where something is cached beside the fields.
    """
    return (lambda each: _make(each, slots=slots)) if cls is None else _make(cls, slots=slots)


def replace(value: T, /, **changes: Any) -> T:
    """The same value with other fields."""
    layout = _layout(value)
    return type(value)(**{**dict(zip(layout.names, layout.values(value), strict=True)), **changes})


def _make(cls: type[T], *, slots: bool) -> type[T]:
    members = dict(vars(cls))
    fields: dict[str, _Field] = {}
    for name in members.get("__annotations__", ()):
        default = members.pop(name, _REQUIRED)
        fields[name] = default if isinstance(default, _Field) else _Field(default, None, show=True, compute=True)
    for name in ("__dict__", "__weakref__"):
        members.pop(name, None)
    if slots:
        members["__slots__"] = tuple(fields)
    members["_layout"] = layout = _Layout(fields)
    metaclass: Any = type(cls)
    made: Any = metaclass(cls.__name__, cls.__bases__, {**_METHODS, **members})
    made.__qualname__ = cls.__qualname__
    setters = [getattr(made, name).__set__ if slots else _setter(name) for name in fields]
    made.__init__ = _initializer(layout, setters, has_more=hasattr(cls, "__post_init__"))
    return cast("type[T]", made)


def _initializer(layout: _Layout, setters: list[Callable[[Any, Any], None]], *, has_more: bool) -> Callable[..., None]:
    count = len(setters)

    def initialise(self: Any, *given: Any, **named: Any) -> None:
        if named or len(given) != count:
            given = layout.complete(type(self).__name__, given, named)
        for set_field, value in zip(setters, given):  # noqa: B905 - a keyword would cost as much as all the rest
            set_field(self, value)
        if has_more:
            self.__post_init__()

    return initialise


def _setter(name: str) -> Callable[[Any, Any], None]:
    return lambda self, value: object.__setattr__(self, name, value)


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _layout(value: Any) -> _Layout:
    return cast("_Layout", type(value)._layout)  # noqa: SLF001 - `_make` has put it there


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    values = _layout(self).values
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(_layout(self).hashed(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in _layout(self).shown)
    return f"{type(self).__qualname__}({shown})"


def _reduce(self: Any) -> Any:
    return type(self), _layout(self).values(self)


def _refuse(self: Any, name: str, *_: Any) -> None:
    msg = f"{type(self).__name__} is frozen, its {name!r} cannot be changed"
    raise AttributeError(msg)


_METHODS: Final = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__reduce__": _reduce,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
}
