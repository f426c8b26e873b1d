"""Configuration files: INI in cshelve's vocabulary and ours, and TOML, each with named profiles."""

from __future__ import annotations

import configparser
import contextlib
import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeGuard

from objfs.credentials.provider import PROVIDER_OPTIONS
from objfs.errors import OptionError
from objfs.options import normalise
from objfs.records import field, record, replace

DEFAULT_PROFILE: Final = "default"
# cshelve hands this section to the client of the provider.
PARAMETERS: Final = "provider_params"

# Provider to the scheme of its URLs, and to the word for what is the bucket there; cshelve's names, as of its 1.6.
CSHELVE_PROVIDERS: Final[Mapping[str, tuple[str, str]]] = {
    "aws-s3": ("s3", "bucket_name"),
    "azure-blob": ("az", "container_name"),
    "in-memory": ("memory", "persist-key"),
    "filesystem": ("file", "folder_path"),
}
# Words that say where, beside `url`; a cloud that has one of them as an option gets it, too.
BUCKET_WORDS: Final = ("bucket", "bucket_name", "container", "container_name")
PLACE_WORDS: Final = (*BUCKET_WORDS, "persist_key", "folder_path", "prefix")

# What cshelve has and objfs has not: section or option, the value that means what objfs does anyway, and why else not.
_SECTIONS: Final[Mapping[str, str]] = {
    "encryption": "it changes what is stored, which objfs never does; encrypt at the server, or before writing",
    "compression": "it changes what is stored; open files with compression= instead",
    "logging": "objfs logs by Python's logging, under the name 'objfs'",
}
_OPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "use_pickle": ("true", "whether values are pickled is said where the store is opened"),
    "use_versionning": ("false", "objfs writes no header of cshelve's before a value"),
    "exists": ("", "whether a store exists is asked of the store"),
    "encoding": ("utf-8", "keys are UTF-8"),
}
# A profile, a dict of options, and what is in it.
_MOST_LEVELS: Final = 20
_INI_LINE: Final = re.compile(r"\s*(?:\[(?P<section>[^\]]+)\]|(?P<name>[^#;=:\s\[][^=:]*?)\s*[=:])")
_VARIABLE: Final = re.compile(r"\$(?P<brace>\{)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?(brace)\})")


@record
class ConfigFile:
    """One profile of a file, with the values of variables in place.

    Parameters
    ----------
    path, profile
        Which.
    provider
        As the file has it; None without one.
    url
        What the file leads to; None where it says neither ``url`` nor a provider with its bucket.
    values, parameters
        Options, in any vocabulary, and what ``provider_params`` holds. Not in the repr: they may be secret.
    places
        Option to where it stands: the file, the section, the line, and the variable that gives its value.
    """

    path: str
    profile: str
    provider: str | None
    url: str | None
    values: Mapping[str, Any] = field(repr=False, hash=False)
    parameters: Mapping[str, Any] = field(repr=False, hash=False)
    places: Mapping[str, str] = field(hash=False)


def read_config(path: str | os.PathLike[str], profile: str | None, environ: Mapping[str, str]) -> ConfigFile:
    """Read one profile of a configuration file.

    Parameters
    ----------
    path
        Of a file that ends in ``.toml``, or else of an INI file.
    profile
        Name of a section (INI) or table (TOML); None: ``default``.
    environ
        For values that are ``$NAME`` or ``${NAME}``; ``$$`` at the beginning stands for a dollar sign.

    Raises
    ------
    OSError
        The file cannot be read.
    OptionError
        It is neither INI nor TOML, has no such profile, says something twice, names a variable that is not set, gives
        an empty text for the place, or uses what only cshelve has; or ``path`` is empty. The message names the file,
        and the line where there is one, and no value.
    """
    shown = os.fspath(path)
    if not shown:
        msg = "an empty text names no configuration file"
        raise OptionError(msg)
    text = _text(shown)
    sections = (_toml if shown.lower().endswith(".toml") else _ini)(shown, text)
    wanted = DEFAULT_PROFILE if profile is None else profile
    if wanted not in sections:
        msg = f"{shown} has no profile {wanted!r}{_instead(wanted, sections)}"
        raise OptionError(msg)
    _refuse_misspelled(shown, sections)
    lines = _lines_of(text)
    values: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    places: dict[str, str] = {}
    for section, name, value in _entries(shown, sections, wanted):
        line = lines.get((section, normalise(name)))
        place = f"{shown}, [{section}]" + (f", line {line}" if line else "")
        if name in places:
            msg = f"{name!r} stands twice: {places[name]}; {place}"
            raise OptionError(msg)
        told, variable = _resolved(value, environ, name, place)
        places[name] = f"{place}, {variable}" if variable else place
        (parameters if section.endswith(PARAMETERS) else values)[name] = told
    return _completed(ConfigFile(shown, wanted, None, None, values, parameters, places))


# What parsers raise quotes the file, and with it secrets: it must not even be the context of what is raised.


def _text(shown: str) -> str:
    content = Path(shown).expanduser().read_bytes()
    with contextlib.suppress(UnicodeDecodeError):
        return content.decode("utf-8-sig")
    msg = f"{shown} is no configuration file: it is not UTF-8 text"
    raise OptionError(msg)


def _toml(shown: str, text: str) -> dict[str, Mapping[str, Any]]:
    found, fault = None, ""
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not all are TOMLDecodeErrors: numbers of too many digits
        where = re.search(r"\(at [^)]*\)", str(error))
        fault = f"{shown} is not TOML{f' {where[0]}' if where else ''}"
    if found is None:
        raise OptionError(fault)
    tables: list[Any] = [found]
    for _ in range(_MOST_LEVELS):
        tables = [inner for each in tables for inner in each.values() if isinstance(inner, Mapping)]
    if tables:
        msg = f"{shown} has tables in tables, more than {_MOST_LEVELS} deep"
        raise OptionError(msg)
    loose = [name for name, value in found.items() if not isinstance(value, Mapping)]
    if loose:
        msg = (
            f"{shown}: {loose[0]!r} stands outside of a table; write [{DEFAULT_PROFILE}], or a profile's name, above it"
        )
        raise OptionError(msg)
    return found


def _ini(shown: str, text: str) -> dict[str, Mapping[str, Any]]:
    parser = configparser.RawConfigParser(default_section="", delimiters=("=", ":"), inline_comment_prefixes=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    fault = ""
    try:
        parser.read_string(text)
    except configparser.Error as error:
        lines = [line for line, _ in getattr(error, "errors", ())] or [getattr(error, "lineno", None)]
        where = f", line {lines[0]}" if lines[0] is not None else ""
        what = _INI_FAULTS.get(type(error), "is not an INI file").format(error)
        fault = f"{shown} {what}{where}"
    if fault:
        raise OptionError(fault)
    # What is written for Python's ConfigParser doubles its percent signs; cshelve's examples also quote.
    return {
        section: {name: _unquoted(value.replace("%%", "%")) for name, value in parser.items(section)}
        for section in parser.sections()
    }


_INI_FAULTS: Final[Mapping[type[configparser.Error], str]] = {
    configparser.DuplicateOptionError: "has {0.option!r} twice in [{0.section}]",
    configparser.DuplicateSectionError: "has [{0.section}] twice",
    configparser.MissingSectionHeaderError: "is not an INI file: no [section] stands above what it says",
}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1] if quoted else value


def _entries(shown: str, sections: Mapping[str, Mapping[str, Any]], profile: str) -> Iterator[tuple[str, str, Any]]:
    """Section, name and value of all that belongs to a profile."""
    for section in _SECTIONS:
        if profile == DEFAULT_PROFILE and section in sections:
            msg = f"{shown}: [{section}] is a section of cshelve's that objfs has no use for: {_SECTIONS[section]}"
            raise OptionError(msg)
    for name, value in sections[profile].items():
        if normalise(name) == PARAMETERS and isinstance(value, Mapping):
            yield from ((f"{profile}.{name}", inner, told) for inner, told in value.items())
        elif not _is_foreign(shown, name, value):
            yield profile, name, value
    parameters = [f"{profile}.{PARAMETERS}", *([PARAMETERS] if profile == DEFAULT_PROFILE else [])]
    for section in parameters:
        yield from ((section, name, value) for name, value in sections.get(section, {}).items())


def _is_foreign(shown: str, name: str, value: Any) -> bool:
    """Whether an option is cshelve's alone, and says what objfs does anyway; an error where it says something else."""
    found = _OPTIONS.get(normalise(name))
    if found is None:
        return False
    same, why = found
    if str(value).strip().lower() != same:
        msg = f"{shown}: {name!r} is an option of cshelve's that objfs has no use for: {why}"
        raise OptionError(msg)
    return True


def _refuse_misspelled(shown: str, sections: Mapping[str, Any]) -> None:
    """A section that is nearly one of those with a meaning would be a profile that nobody asks for."""
    known = (PARAMETERS, *_SECTIONS)
    for section in sections:
        near = difflib.get_close_matches(section.rpartition(".")[2], known, n=1, cutoff=0.8)
        if near and section.rpartition(".")[2] not in known:
            msg = f"{shown}: unknown section [{section}]; did you mean [{near[0]}]?"
            raise OptionError(msg)


def _instead(wanted: str, sections: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(wanted, sections, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; it has {', '.join(map(repr, sections))}" if sections else "; it is empty"


def _lines_of(text: str) -> dict[tuple[str, str], int]:
    """Section and option to the line where it stands, as far as a line can be told."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        match = _INI_LINE.match(line)
        if match is None:
            continue
        if match["section"]:
            section = match["section"].strip().strip("[]\"'")
            # A dict of options is a table of its own in TOML.
            above, _, name = section.rpartition(".")
            found.setdefault((above, normalise(name)), number)
        else:
            found.setdefault((section, normalise(match["name"].strip("\"'"))), number)
    return found


def _resolved(value: Any, environ: Mapping[str, str], name: str, place: str) -> tuple[Any, str]:
    """The value with a variable's in its place, and the variable; also in the members of a dict."""
    if isinstance(value, Mapping):
        if normalise(name) in PROVIDER_OPTIONS:
            # A provider looks its variables up by itself, where it fetches: the secret is not in what workers are sent.
            return dict(value), ""
        members = {inner: _resolved(told, environ, f"{name}.{inner}", place) for inner, told in value.items()}
        variables = [variable for _, variable in members.values() if variable]
        return {inner: told for inner, (told, _) in members.items()}, ", ".join(variables)
    if not isinstance(value, str) or not value.startswith("$"):
        return value, ""
    if value.startswith("$$"):
        return value[1:], ""
    match = _VARIABLE.fullmatch(value)
    if match is None:
        msg = f"{name!r} begins with a dollar sign and names no variable ({place}); write $NAME, or $$ for the sign"
        raise OptionError(msg)
    if match["name"] not in environ:
        msg = f"{name!r} is to be taken from the environment variable {match['name']}, which is not set ({place})"
        raise OptionError(msg)
    return environ[match["name"]], f"${match['name']}"


def _completed(file: ConfigFile) -> ConfigFile:
    """Tell the place that the file leads to from its options."""
    told = {normalise(name): value for name, value in file.values.items()}
    provider, url = told.get("provider"), told.get("url")
    rest = {name: value for name, value in file.values.items() if normalise(name) not in ("provider", "url")}
    if provider == "sftp":
        msg = f"provider 'sftp' is cshelve's, and no object store ({file.path}, [{file.profile}])"
        raise OptionError(msg)
    if provider is not None and str(provider) not in CSHELVE_PROVIDERS:
        _refuse_unknown(provider, file)
    scheme, word = CSHELVE_PROVIDERS.get(str(provider), (str(provider), ""))
    words = (normalise(word), *BUCKET_WORDS)
    bucket = next((told[each] for each in words if each in told), None)
    for name, value in ((name, told.get(name)) for name in ("url", normalise(word))):
        if value is not None and not isinstance(value, str):
            msg = f"{name} is text, not {type(value).__name__} ({file.path}, [{file.profile}])"
            raise OptionError(msg)
    for name, place in file.places.items():
        # Of directories, one slash is a name.
        blank = " " if normalise(name) == "folder_path" else " /"
        if normalise(name) in ("url", *words) and not str(file.values.get(name)).strip(blank):
            msg = f"{name!r} is empty ({place}); say where, or leave it out"
            raise OptionError(msg)
    if url is None and provider is not None and bucket is not None:
        begin = Path(bucket).absolute().as_posix() if word == "folder_path" else str(bucket).strip("/")
        url = "/".join([f"{scheme}://{begin}", *filter(None, [str(told.get("prefix", "")).strip("/")])])
    return replace(file, provider=provider, url=url, values=rest)


def _refuse_unknown(provider: Any, file: ConfigFile) -> None:
    """A provider that is none of cshelve's must be a scheme."""
    from objfs.clouds.known import CLOUDS, PLAIN  # all clouds, for the few files that name one so

    known = [*CSHELVE_PROVIDERS, *(scheme for cloud in CLOUDS for scheme in cloud.schemes), *PLAIN]
    if provider in known:
        return
    near = difflib.get_close_matches(str(provider).lower(), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    msg = f"there is no provider {provider!r}{hint} Known are {', '.join(known)} ({file.path}, [{file.profile}])"
    raise OptionError(msg)


def is_path(config: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Whether ``config=`` names a file, and is no mapping of options, be it as JSON text."""
    if isinstance(config, os.PathLike):
        return True
    if not isinstance(config, str):
        return False
    try:
        return not isinstance(json.loads(config), Mapping)
    except ValueError:
        return True
