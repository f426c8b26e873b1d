"""Write the pages of docs/reference that are made from rows: ``python docs/generate_reference.py``.

Every cloud has a page of its options; one page has the URL forms of all clouds, one the ways to authenticate and one
the ready-made providers with the tests that show them, from docs/reference/authentication.toml and providers.toml,
one the differences from the peers, from docs/reference/differences.toml, and one the commands of the command line.
With ``--check`` nothing is written, and the exit code says whether the pages are current.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import typer

from objfs.cli.app import app
from objfs.clouds import _common
from objfs.clouds._cloud import Cloud
from objfs.clouds._forms import UrlForm
from objfs.clouds.known import CLOUDS
from objfs.credentials.named import READY_MADE
from objfs.options import REDACTED, Option

REFERENCE: Final = Path(__file__).parent / "reference"

# Title, and the name of the rows in the cloud's module of rows; NAME_ROWS gives way to S3_NAME_ROWS there.
GROUPS: Final = {
    "Who you are": "IDENTITY_ROWS",
    "Providers and planes": "OBJFS_ROWS",
    "Where the service is": "PLACE_ROWS",
    "What is asked and stored": "REQUEST_ROWS",
    "How objects are read and written": "BEHAVIOUR_ROWS",
    "fsspec": "FRAMEWORK_ROWS",
    "HTTP client": "CLIENT_ROWS",
    "Retries": "RETRY_ROWS",
    "Dicts of {peer}": "DICT_ROWS",
}

# What people call a cloud, its containers, and the package that the class takes over from.
TITLES: Final = {"s3": "S3", "gcs": "Google Cloud Storage", "azure": "Azure Storage"}
BUCKETS: Final = {"s3": "bucket", "gcs": "bucket", "azure": "container"}
PEERS: Final = {"s3": "s3fs", "gcs": "gcsfs", "azure": "adlfs"}

KINDS: Final = {
    "str": "text",
    "bool": "yes or no",
    "int": "whole number",
    "float": "number",
    "duration": "duration",
    "timestamp": "time",
    "dict": "dict",
    "pem": "PEM text or path",
    "object": "object",
}

OPTIONS_INTRODUCTION: Final = """\
# Options of {title}

<!-- Written by docs/generate_reference.py from objfs/clouds; change the rows there, and run it. -->

Each row is one option. All of its names mean the same, in any case, with `-` or `_`, as a keyword or in
`storage_options`; [which one counts](../explanation/option-precedence.md) where several are given is a page of its own.
`a.b` is the member `b` of the dict `a`.

- A **secret** value is shown nowhere: not in a `repr`, a log line or an error.
- *SDK plane*: the data plane has no word for the option; where it is set, calls go through {peer}.
- A duration is a number of seconds, text such as `30s` or `2h 37min`, or a `timedelta`. A time is an aware `datetime`,
  ISO text, or Unix seconds or milliseconds. Yes and no may be text: `true`, `false`.
- *not* before a name says that it means the opposite. *In its own words* are names whose value is written in another
  unit or vocabulary, as where they come from.
"""

OPTIONS_CLOSING: Final = """\

## Accepted without effect

These names travel in storage options and configure something else. They raise nothing and do nothing.

"""

FORMS_INTRODUCTION: Final = """\
# URL forms

<!-- Written by docs/generate_reference.py from objfs/clouds; change the rows there, and run it. -->

Each row is a form, by an example, and what `objfs.from_url` reads in it. Forms of a cloud's own schemes are for fsspec
as well: `fsspec.open`, `pandas.read_parquet`, and so on; `https` forms fsspec gives to its HTTP filesystem.

- Keys of a cloud's own schemes are never decoded; those of `https` forms are percent-decoded once.
- An option that the URL implies is like one that is passed; where you pass another value, `ConflictingOptionsError` is
  raised.
- A form that is refused raises `UrlError` at `objfs.from_url`; those of other hosts than the cloud's own are opened as
  plain web pages, without any credentials.
"""

PLAIN_FORMS: Final = """\

## Local, memory and web

What is no cloud's, `objfs.from_url` hands to fsspec's own filesystems, with the path that these make of it:

| URL | filesystem | path |
| --- | --- | --- |
| `file:///dir/a%20b`, `file:/dir/a%20b`, `local:///dir/a%20b` | `LocalFileSystem` | `/dir/a%20b`, not decoded |
| `memory://dir/key`, `memory:///dir/key` | `MemoryFileSystem` | `/dir/key` |
| `https://example.com/dir/key?a=b`, `http://…` | `HTTPFileSystem` | the URL |
"""

AUTHENTICATION_INTRODUCTION: Final = """\
# Ways to authenticate

<!-- Written by docs/generate_reference.py from docs/reference/authentication.toml; change that, and run it. -->

Each row is a way to authenticate, and the tests that show it: what is in brackets is a case of the test named above
the table, in which a filesystem reads an object from a local server, and the authorization of each of its requests is
looked at. *More* are tests of the details: what is asked of which token service, what is raised, how it is renewed. All
paths are below `tests/`.
"""

PROVIDERS_INTRODUCTION: Final = """\
# Ready-made providers

<!-- Written by docs/generate_reference.py from docs/reference/providers.toml; change that, and run it. -->

`storage_options_provider=` takes each of them as a class of `objfs.providers` or as a dict with its name and its
options, which YAML, JSON and the command line can say; as text, such a dict is JSON, and a name alone is one without
options. [](../how-to/vended-credentials-on-dask.md) uses them.

- Names and options may be written in any case, with `-` or `_`; one that does not exist is an error that names the
  nearest.
- Any text among the options may be `$NAME`, an environment variable, or hold `${NAME}`. It is looked up at each
  fetch, in the process that fetches, so that neither pickles nor dask graphs hold the secret. `$$` at the beginning
  stands for one dollar sign.
- What identifies a provider (`provider_id`) and its `repr` show names and places; all other options enter them as a
  digest.
- Entry points of the group `objfs.providers` add names. Each leads to a class or a function that takes the options by
  keyword and returns a provider.
- Those over HTTP ask with the standard library: proxies of the environment are used, redirects to another host are
  refused, a busy server is asked up to three times, and answers are bounded in time (30 seconds, `timeout`) and size.

A cell says what a provider was tested against; the tests are listed below, all paths are below `tests/`.
"""


DIFFERENCES_INTRODUCTION: Final = """\
# Differences from s3fs, gcsfs and adlfs

<!-- Written by docs/generate_reference.py from docs/reference/differences.toml; change that, and run it. -->

Code that was written for s3fs, gcsfs or adlfs runs unchanged, but for what is on this page, which is deliberate. A test
walks the classes of the three that are installed: each method, attribute and keyword of a call is there, and each
keyword is in a call whose effect is seen on both planes of objfs, and on the peer itself where it works there; or it is
in the second table. What is private to a peer is handed over to it. `python -m tests.emulators.differences` counts.
All tests are below `tests/`.
"""

COMMAND_LINE_INTRODUCTION: Final = """\
# The command line

<!-- Written by docs/generate_reference.py from objfs/cli; change the commands there, and run it. -->

`pip install 'objfs[cli]'` makes the program `objfs`, which `python -m objfs` is, too.
[How to use it](../how-to/use-the-command-line.md), with a session of each command, is a page of its own.

A URL is one of any kind that [`objfs.from_url`](url-forms.md) takes; what has no scheme is a local path. URLs are taken
literally: a `*` is a star, and nothing in a key is decoded or cut off.

| exit code | meaning |
| --- | --- |
| 0 | everything was done |
| 1 | something failed or was not found, and is named on the standard error; the rest was done |
| 2 | the call is wrong (a flag, a URL, an option), or a package is not installed |
| 130 | Ctrl-C |
| 141 | nobody reads the output any more, as in `objfs cat … \\| head` |

`objfs trace` ends with the code of the program that it runs.
"""


def code(names: Iterable[str]) -> str:
    """Names as code, in one cell of a table."""
    return ", ".join(f"`{name}`" for name in names)


def line(*cells: str) -> str:
    """One line of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def table(*titles: str) -> Iterator[str]:
    """The head of a table."""
    yield line(*titles)
    yield line(*["---"] * len(titles))


# -- options ---------------------------------------------------------------------------------------------------------


def kind_of(option: Option) -> str:
    """What a value looks like, and whether it is a secret."""
    kind = " or ".join(f"`{value}`" for value in option.values) or KINDS[option.kind]
    return f"{kind}, **secret**" if option.secret else kind


def other_names(option: Option) -> str:
    """Aliases, opposites, and names whose values are read otherwise."""
    readings = [name for name in option.readings if name not in option.env]
    said = [
        code((*option.aliases, *option.weak_aliases)),
        ", ".join(f"*not* `{name}`" for name in option.inverse_aliases),
        f"*in its own words:* {code(readings)}" if readings else "",
    ]
    return "; ".join(filter(None, said))


def row(option: Option) -> str:
    """The line of an option."""
    meaning = f"{option.meaning} *SDK plane.*" if option.sdk_only else option.meaning
    meaning += " *Deprecated.*" if option.deprecated else ""
    return line(f"`{option.name}`", meaning, kind_of(option), other_names(option), code(option.env))


def groups_of(cloud: Cloud) -> dict[str, tuple[Option, ...]]:
    """The rows of a cloud by title; ``ValueError`` where one would be left out."""
    module = importlib.import_module(f"objfs.clouds.{cloud.name}_rows")
    groups = {}
    for title, name in GROUPS.items():
        rows = getattr(module, f"{cloud.name.upper()}_{name}", None) or getattr(module, name, ())
        if rows:
            groups[title.format(peer=PEERS[cloud.name])] = rows
    told = [option.name for rows in groups.values() for option in rows]
    if sorted(told) != sorted(option.name for option in cloud.table.options):
        lost = {option.name for option in cloud.table.options}.symmetric_difference(told)
        twice = {name for name in told if told.count(name) > 1}
        msg = f"GROUPS leaves options of {cloud.name} out, or has some twice: {sorted(lost | twice)}"
        raise ValueError(msg)
    return groups


def options_page(cloud: Cloud) -> Iterator[str]:
    """The page of the options of a cloud, line by line."""
    yield OPTIONS_INTRODUCTION.format(title=TITLES[cloud.name], peer=PEERS[cloud.name])
    for title, options in groups_of(cloud).items():
        yield f"\n## {title}\n"
        yield from table("option", "meaning", "value", "other names", "environment")
        yield from map(row, options)
    yield OPTIONS_CLOSING
    for vocabulary, names in _common.IGNORABLE.items():
        ignored = [name for name in names if name in cloud.table.ignorable]
        if ignored:
            yield f"- {vocabulary}: {code(ignored)}"


# -- URL forms -------------------------------------------------------------------------------------------------------


def forms_of(cloud: Cloud) -> tuple[UrlForm, ...]:
    """The rows of a cloud's URL forms."""
    forms: tuple[UrlForm, ...] = importlib.import_module(f"objfs.clouds.{cloud.name}_forms").URL_FORMS
    return forms


def implied(cloud: Cloud, options: Mapping[str, Any]) -> str:
    """Options that a URL implies, without secrets."""
    rows = cloud.table.by_name
    return code(f"{name}={REDACTED if rows[name].secret else repr(value)}" for name, value in options.items())


def form_row(cloud: Cloud, form: UrlForm) -> str:
    """The line of a form that is read."""
    if form.location is None:
        msg = f"{form.url} is refused"
        raise ValueError(msg)
    bucket, key = (code(filter(None, [part])) for part in (form.location.bucket, form.location.key))
    version = f" version `{form.location.version}`" if form.location.version else ""
    return line(f"`{form.url}`", form.meaning, bucket, key + version, implied(cloud, form.options))


def forms_page() -> Iterator[str]:
    """The page of URL forms, line by line."""
    yield FORMS_INTRODUCTION
    for cloud in CLOUDS:
        yield f"\n## {TITLES[cloud.name]}\n"
        yield from table("URL", "what it is", BUCKETS[cloud.name], "key", "implied options")
        yield from (form_row(cloud, form) for form in forms_of(cloud) if form.location is not None)
        yield f"\n### Refused at {TITLES[cloud.name]}\n"
        yield from table("URL", "why, and what to do")
        yield from (line(f"`{form.url}`", form.meaning) for form in forms_of(cloud) if form.location is None)
    yield PLAIN_FORMS.rstrip("\n")


# -- ways to authenticate --------------------------------------------------------------------------------------------


def plane_cell(way: Mapping[str, Any], plane: str, engine: str) -> str:
    """The cases of a way on one plane, what is said in their place, or the test of its own that it has."""
    shown = [f"{way['test']}[{engine}]"] if "test" in way else [f"[{case}-{engine}]" for case in way.get("cases", ())]
    return "; ".join(filter(None, [way.get(plane, ""), code(shown)]))


def authentication_page() -> Iterator[str]:
    """The page of the ways to authenticate, line by line."""
    with (REFERENCE / "authentication.toml").open("rb") as file:
        told = tomllib.load(file)
    yield AUTHENTICATION_INTRODUCTION
    for cloud in CLOUDS:
        rows = told[cloud.name]
        yield f"\n## {rows['title']}\n"
        yield f"`{told['file']}::{rows['test']}`; [how to](../how-to/{rows['how_to']}.md).\n"
        yield from table("way", "asked for by", "data plane", "SDK plane", "more")
        for way in rows["way"]:
            planes = (plane_cell(way, plane, engine) for plane, engine in (("data", "obstore"), ("sdk", "sdk")))
            yield line(way["name"], way["given"], *planes, code(way["more"]))


# -- ready-made providers --------------------------------------------------------------------------------------------


def providers_page() -> Iterator[str]:
    """The page of the ready-made providers, line by line."""
    with (REFERENCE / "providers.toml").open("rb") as file:
        rows = tomllib.load(file)["provider"]
    yield PROVIDERS_INTRODUCTION
    yield from table("name", "class", "asks", "needs", *(TITLES[cloud.name] for cloud in CLOUDS))
    for told in rows:
        cells = (told.get(cloud.name, {}).get("against", "") for cloud in CLOUDS)
        place = READY_MADE[told["name"]].partition(":")[2]
        yield line(f"`{told['name']}`", f"[`{place}`](api.md)", told["asks"], told["needs"], *cells)
    yield "\n## Shown by\n"
    yield from table("name", "cloud", "tests")
    for told in rows:
        for cloud in CLOUDS:
            if cloud.name in told:
                yield line(f"`{told['name']}`", TITLES[cloud.name], code(told[cloud.name]["tests"]))


# -- deliberate differences ------------------------------------------------------------------------------------------


def what_differs(signature: Mapping[str, Any]) -> str:
    """The names and keywords of a row, as they are called."""
    called = {"__init__": "the constructor", "File": "`open`"}
    by_verb: dict[str, list[str]] = {}
    for verb, _, keyword in (each.partition(".") for each in signature.get("keywords", ())):
        by_verb.setdefault(verb, []).append(keyword)
    names = signature.get("names", ())
    told = [f"{code(words)} of {called.get(verb, f'`{verb}`')}" for verb, words in by_verb.items() if verb not in names]
    of_files = code(signature.get("file_names", ()))
    return "; ".join(filter(None, [code(names), of_files and f"{of_files} of an open file", *told]))


def differences_page() -> Iterator[str]:
    """The page of the deliberate differences, line by line."""
    with (REFERENCE / "differences.toml").open("rb") as file:
        told = tomllib.load(file)
    yield DIFFERENCES_INTRODUCTION
    yield "\n## What calls do otherwise\n"
    yield from table("here", "in s3fs, gcsfs, adlfs", "in objfs", "why", "shown by")
    for difference in told["behaviour"]:
        texts = (difference[part] for part in ("theirs", "ours", "why"))
        yield line(f"**{difference['title']}**", *texts, code(difference["tests"]))
    yield "\n## Names and keywords\n"
    yield from table("of", "what", "why")
    for signature in told["signature"]:
        whose = "all three" if signature["peer"] == "*" else signature["peer"]
        yield line(whose, what_differs(signature), signature["why"])


# -- the command line ------------------------------------------------------------------------------------------------


def flags_of(parameter: Any) -> str:
    """How a flag or an argument is written."""
    if parameter.param_type_name == "argument":
        several = parameter.nargs == -1 and not parameter.metavar.endswith(("...", "TARGET"))
        return f"`{parameter.metavar}{'...' if several else ''}`"
    value = "" if parameter.is_flag else f" {parameter.metavar}"
    return ", ".join(f"`{name}{value if name.startswith('--') else ''}`" for name in parameter.opts)


def meaning_of(parameter: Any) -> str:
    """The help of a flag or an argument, with what counts where it is not given."""
    default = parameter.default
    plain = isinstance(default, str | int | float | Path) and not isinstance(default, bool) and default != ""
    return f"{parameter.help} *Default:* `{default}`." if plain else str(parameter.help)


def command_line_page() -> Iterator[str]:
    """The page of the commands, line by line."""
    yield COMMAND_LINE_INTRODUCTION
    for name, command in typer.main.get_command(app).commands.items():
        arguments = " ".join(flags_of(each).strip("`") for each in command.params if each.param_type_name == "argument")
        yield f"\n## objfs {name}\n"
        yield f"`objfs {name} [OPTIONS]{f' {arguments}' if arguments else ''}`\n"
        yield f"{command.help}\n"
        yield from table("flag or argument", "meaning")
        yield from (line(flags_of(each), meaning_of(each)) for each in command.params if each.name != "help")


def pages() -> dict[Path, str]:
    """Every generated page and its text."""
    made = {f"options-{cloud.name}.md": options_page(cloud) for cloud in CLOUDS}
    made["authentication.md"] = authentication_page()
    made["providers.md"] = providers_page()
    made["differences.md"] = differences_page()
    made["url-forms.md"] = forms_page()
    made["command-line.md"] = command_line_page()
    return {REFERENCE / name: "\n".join(lines) + "\n" for name, lines in made.items()}


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is not current")
    check = parser.parse_args().check
    stale = {path: text for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        if check:
            print(f"{path} is not current: run python docs/generate_reference.py", file=sys.stderr)
        else:
            path.write_text(text, "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
