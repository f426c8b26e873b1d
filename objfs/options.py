"""Storage options as data: rows, layers of precedence, and the one walk that turns what a user gave into settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from objfs.casts import CASTS
from objfs.errors import ConflictingOptionsError, OptionError, UnknownOptionError
from objfs.origins import Layer as Layer  # noqa: PLC0414 - also the name that others import from here
from objfs.origins import Origin as Origin  # noqa: PLC0414 - likewise
from objfs.origins import source_text
from objfs.records import field, record, replace
from objfs.spellings import Names, place
from objfs.spellings import normalise as normalise  # noqa: PLC0414 - likewise
from objfs.urls import REDACTED as REDACTED  # noqa: PLC0414 - likewise
from objfs.urls import without_secrets


def same(value: Any) -> Any:
    """Pass a value on unchanged."""
    return value


@record
class Option:
    """One storage option: what it means, every name it has, and what each backend calls it.

    Parameters
    ----------
    name
        Canonical name.
    meaning
        One line for users.
    kind
        A key of ``objfs.casts.CASTS``.
    aliases, inverse_aliases
        Other accepted names, in any vocabulary; ``a.b`` is the member ``b`` of the dict option ``a``, and a name that
        ends in ``<word>`` gives any member of one. Inverse ones are booleans of the opposite meaning.
    weak_aliases
        Names that give way to any other name of the option in the same layer, instead of contradicting it.
    readings
        Names (aliases or variables) under which the value is written in another unit or other words, each with the
        function that turns it into the row's; its None means "not given".
    env
        Environment variables, the first one set wins. Each is also an accepted name, unless another row claims it.
    secret
        Never shown in a repr, a log line or an error.
    identity
        Says who the caller is. The highest layer that names an identity decides alone; lower ones are not mixed in.
    store
        Where the data plane takes it: ``config.NAME``, ``client.NAME``, ``retry.NAME``, or None.
    sdk
        Where the SDK plane takes it: a keyword, dotted for nested dicts, or None.
    to_store, to_sdk
        Conversions from the cast value to what that backend takes.
    members
        For a dict option: the prefix under which its members are looked up as options (``""``: as top-level names).
    sdk_only
        The data plane has no word for it, so a set value sends every call to the SDK plane.
    deprecated
        What to do instead; whoever still gives it is warned. Empty for options that stay.
    """

    name: str
    meaning: str
    kind: str = "str"
    aliases: tuple[str, ...] = ()
    inverse_aliases: tuple[str, ...] = ()
    weak_aliases: tuple[str, ...] = ()
    readings: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict, hash=False)
    env: tuple[str, ...] = ()
    secret: bool = False
    identity: bool = False
    store: str | None = None
    sdk: str | None = None
    to_store: Callable[[Any], Any] = same
    to_sdk: Callable[[Any], Any] = same
    values: tuple[str, ...] = ()
    members: str | None = None
    sdk_only: bool = False
    deprecated: str = ""

    def spellings(self) -> Iterator[tuple[str, bool]]:
        """Every accepted name, normalised, and whether it has the opposite meaning."""
        for name in (self.name, *self.aliases, *self.weak_aliases, *self.readings):
            yield normalise(name), False
        for name in self.inverse_aliases:
            yield normalise(name), True

    def is_weak(self, spelling: str) -> bool:
        """Whether ``spelling`` is one of the weak aliases."""
        return normalise(spelling) in map(normalise, self.weak_aliases)

    def cast(self, value: Any, *, inverse: bool = False, spelling: str = "") -> Any:
        """Bring ``value`` to the row's type; ``ValueError`` says what was expected, never what was given."""
        for name, reading in self.readings.items():
            if normalise(name) == normalise(spelling):
                value = reading(value)
        if value is None or (value == "" and self.identity):
            return None
        result = CASTS[self.kind](value)
        if self.values and isinstance(result, str):
            known = {item.lower(): item for item in self.values}
            if result.lower() not in known:
                msg = f"expected one of {', '.join(self.values)}"
                raise ValueError(msg)
            result = known[result.lower()]
        return (not result) if inverse else result


@record
class Setting:
    """The value of one option and where it came from. Its repr hides secrets."""

    option: Option
    value: Any = field(repr=False)
    origin: Origin
    spelling: str
    place: str = ""

    @property
    def source(self) -> str:
        """Where the value came from, in full."""
        return source_text(self.origin, self.spelling, self.place)

    @property
    def shown(self) -> str:
        """The value as it may be shown."""
        return REDACTED if self.option.secret else repr(without_secrets(self.value))


def _as_read(_: Mapping[str, Option], layers: list[dict[str, Setting]]) -> list[dict[str, Setting]]:
    return layers


@record(slots=False)
class OptionTable:
    """The rows of one cloud, with the names that are accepted and ignored.

    Parameters
    ----------
    options
        The rows; a name may belong to one row only.
    ignorable
        Names that travel in storage options but configure something else. ``<word>`` stands for any text.
    settle
        Rows by name, and what each layer says, the highest first: what of the layers counts at all.
    """

    options: tuple[Option, ...]
    ignorable: tuple[str, ...] = ()
    settle: Callable[[Mapping[str, Option], list[dict[str, Setting]]], list[dict[str, Setting]]] = _as_read

    @cached_property
    def index(self) -> Names[tuple[Option, bool]]:
        """Normalised spelling to row and inverse flag."""
        index: dict[str, tuple[Option, bool]] = {}
        for option in self.options:
            for spelling, inverse in option.spellings():
                if spelling in index and index[spelling][0] is not option:
                    msg = f"option name {spelling!r} belongs to both {index[spelling][0].name!r} and {option.name!r}"
                    raise ValueError(msg)
                index[spelling] = option, inverse
        for option in self.options:
            for variable in option.env:
                index.setdefault(normalise(variable), (option, False))
        return Names(index)

    @cached_property
    def by_name(self) -> Mapping[str, Option]:
        """Canonical name to row."""
        return {option.name: option for option in self.options}

    @cached_property
    def _ignored(self) -> re.Pattern[str]:
        patterns = (re.sub(r"<[^>]*>", ".+", re.escape(normalise(name))) for name in self.ignorable)
        return re.compile("|".join(patterns) or r"(?!)")

    def is_ignorable(self, name: str) -> bool:
        """Whether ``name`` is accepted without effect."""
        return self._ignored.fullmatch(normalise(name)) is not None

    def closest(self, name: str) -> str | None:
        """The known top-level name most like ``name``."""
        import difflib  # for the text of an error

        known = [spelling for spelling in self.index if "." not in spelling]
        return next(iter(difflib.get_close_matches(normalise(name), known, n=1, cutoff=0.6)), None)


@record(slots=False)
class Settings(Mapping[str, Setting]):
    """What all layers together say: canonical name to setting. Its repr hides secrets."""

    settings: Mapping[str, Setting]

    def __getitem__(self, name: str) -> Setting:
        return self.settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)

    def value(self, name: str, default: Any = None) -> Any:
        """The value of an option, or ``default`` where no layer gives one."""
        setting = self.settings.get(name)
        return default if setting is None else setting.value

    def with_values(self, origin: Origin, values: Mapping[str, Any], table: OptionTable, at: str = "") -> Settings:
        """Add or replace canonical options, all of which stand at one place."""
        added = {name: Setting(table.by_name[name], value, origin, name, at) for name, value in values.items()}
        return replace(self, settings={**self.settings, **added})

    def without(self, *names: str) -> Settings:
        """Leave options out."""
        return replace(self, settings={name: s for name, s in self.settings.items() if name not in names})

    def for_store(self) -> dict[str, dict[str, Any]]:
        """The data plane's arguments by slot (``config``, ``client``, ``retry``), as the rows name them."""
        slots: dict[str, dict[str, Any]] = {"config": {}, "client": {}, "retry": {}}
        for setting in self.settings.values():
            if setting.option.store is not None:
                place(slots, setting.option.store, setting.option.to_store(setting.value))
        return slots

    def for_sdk(self) -> dict[str, Any]:
        """The SDK plane's keywords, as the rows name them; dict options first, so that rows refine them."""
        keywords: dict[str, Any] = {}
        for setting in sorted(self.settings.values(), key=lambda s: s.option.members is None):
            if setting.option.sdk is not None:
                place(keywords, setting.option.sdk, setting.option.to_sdk(setting.value))
        return keywords

    def sdk_only(self) -> list[Setting]:
        """The settings for which the data plane has no word."""
        return [s for s in self.settings.values() if s.option.sdk_only and s.value not in (None, False, {})]


def translate(table: OptionTable, layers: Sequence[Layer]) -> Settings:
    """Resolve every name, cast every value, and let the higher layer win.

    Parameters
    ----------
    table
        The rows of one cloud.
    layers
        Values per origin, in any order.

    Returns
    -------
    Settings
        One setting for each option that some layer names. ``None`` counts as not given.

    Raises
    ------
    UnknownOptionError
        A keyword, URL or configuration names an option that no row knows.
    ConflictingOptionsError
        Two names of one option in one layer, or a keyword and the URL, have different values.
    OptionError
        A value cannot be cast; the message holds its type and origin, not the value.
    """
    read = [_read_layer(table, layer) for layer in sorted(layers, key=lambda layer: layer.origin)]
    read = table.settle(table.by_name, read)
    found: dict[str, Setting] = {}
    identity: Origin | None = None
    for settings in read:
        for name, setting in settings.items():
            if name in found:
                if setting.origin is Origin.URL and found[name].origin is Origin.KEYWORD:
                    _refuse_difference(found[name], setting)
            elif not setting.option.identity or identity in (None, setting.origin):
                found[name] = setting
        if identity is None:
            active = [s.origin for s in settings.values() if s.option.identity and s.value is not False]
            identity = active[0] if active else None
    return Settings(found)


def environment_layer(table: OptionTable, environ: Mapping[str, str]) -> Layer:
    """What the environment says; an empty variable counts as unset. Values are keyed by variable name."""
    return Layer(Origin.ENVIRONMENT, {name: environ[name] for _, name in _variables(table, environ)})


def _read_layer(table: OptionTable, layer: Layer) -> dict[str, Setting]:
    """Settings of one layer by canonical name."""
    found: dict[str, Setting] = {}
    for option, spelling, value, inverse, standing in _placed(table, layer):
        if value is None:
            continue
        try:
            cast = option.cast(value, inverse=inverse, spelling=spelling)
        except ValueError as error:
            where = f"{layer.origin}, {standing}" if standing else layer.origin
            msg = f"option {spelling!r} ({where}): {error}, got {_describe(option, value)}"
            raise OptionError(msg) from None
        if cast is not None:
            setting = Setting(option, cast, layer.origin, spelling, standing)
            found[option.name] = _joined(found[option.name], setting) if option.name in found else setting
    return found


def _placed(table: OptionTable, layer: Layer) -> Iterator[tuple[Option, str, Any, bool, str]]:
    """What a layer says of each row, and where it stands there."""
    if layer.origin is Origin.ENVIRONMENT:
        for row, name in _variables(table, layer.values):
            yield row, name, layer.values[name], False, ""
        return
    for name, value in layer.values.items():
        standing = layer.places.get(name, "")
        try:
            for entry in _entries(table, {name: value}, ""):
                yield (*entry, standing)
        except UnknownOptionError as error:
            if not standing:
                raise
            msg = f"{error} ({standing})"
            raise UnknownOptionError(msg) from None


def _joined(first: Setting, second: Setting) -> Setting:
    """One setting out of two that one layer gives for the same option."""
    if first.option.members is not None:
        return replace(second, value={**first.value, **second.value})
    weak = [setting.option.is_weak(setting.spelling) for setting in (first, second)]
    if weak[0] == weak[1]:
        _refuse_difference(first, second)
    return second if weak[0] else first


def _variables(table: OptionTable, environ: Mapping[str, str]) -> Iterator[tuple[Option, str]]:
    """Each row that the environment sets, with the first of its variables."""
    for option in table.options:
        for variable in option.env:
            if environ.get(variable):
                yield option, variable
                break


def _entries(table: OptionTable, values: Mapping[str, Any], prefix: str) -> Iterator[tuple[Option, str, Any, bool]]:
    """Rows named by a mapping, with the members of dict options lifted out of them."""
    for name, value in values.items():
        spelling = prefix + str(name)
        row = table.index.get(normalise(spelling))
        if row is None:
            if not table.is_ignorable(spelling):
                raise UnknownOptionError(_unknown(table, spelling))
            continue
        option, inverse = row
        ending = table.index.ending(spelling)
        if ending is not None:
            yield option, spelling, {ending: value}, inverse
            continue
        members = _members(value) if option.members is not None else None
        if option.members is None or members is None:
            yield option, spelling, value, inverse
            continue
        # What no row knows stays in the dict for the SDK; a dict that no backend takes must hold known members only.
        closed = not option.members or option.sdk is None
        rest = {}
        for member, inner in members.items():
            member_name = option.members + str(member)
            if normalise(member_name) in table.index or closed:
                yield from _entries(table, {member_name: inner}, "")
            else:
                rest[member] = inner
        if rest:
            yield option, spelling, rest, False


def _members(value: Any) -> Mapping[str, Any] | None:
    """The members of a dict option, also where it is JSON text; None where it is neither."""
    try:
        return CASTS["dict"](value)  # type: ignore[no-any-return]
    except ValueError:
        return None


def _refuse_difference(first: Setting, second: Setting) -> None:
    if first.value != second.value:
        msg = (
            f"{first.spelling!r} ({first.origin}) and {second.spelling!r} ({second.origin}) both set "
            f"{first.option.name!r}, to different values: {first.shown} and {second.shown}; give one of them"
        )
        raise ConflictingOptionsError(msg)


def _describe(option: Option, value: Any) -> str:
    shown = not option.secret and isinstance(value, str | int | float)
    return repr(without_secrets(value)) if shown else type(value).__name__


def _unknown(table: OptionTable, spelling: str) -> str:
    closest = table.closest(spelling)
    return f"unknown storage option {spelling!r}" + (f"; did you mean {closest!r}?" if closest else "")
