"""Any file as a configuration: a profile of it, or an OptionError that shows no value; what is written is read."""

from __future__ import annotations

import contextlib
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import objfs
from objfs.config_files import ConfigFile, read_config
from objfs.errors import ObjfsError, OptionError
from tests.faults.canaries import CANARY, everything_of, leaks

ENDINGS: Final = ("ini", "toml")
ENVIRON: Final = {"NAME": "value of a variable", "_": "underscore", "EMPTY": "", "SIGN": "$NAME"}
# What means something in INI or TOML, and anything else.
PIECES: Final = st.one_of(
    st.sampled_from(
        [
            *("[default]", "[default.a]", "[provider_params]", "[encryption]", "[[default]]", "[", "]", "\n", "\r\n"),
            *(
                "=",
                ":",
                "#",
                ";",
                '"',
                "'",
                '"""',
                "'''",
                "%",
                "%%",
                "%(a)s",
                "\\",
                "\\u0000",
                "\0",
                "\ufeff",
                "{",
                "}",
            ),
            *("$", "$$", "${", "$NAME", "${NAME}", "${NAME", "$NAME}", "$1", "$MISSING", "url", "provider", "aws-s3"),
            *(
                "region = ",
                "key: ",
                "secret=",
                "  ",
                "\t",
                "true",
                "1e400",
                "9" * 5000,
                "1979-05-27",
                "inf",
                "use_pickle",
            ),
            *(
                "bucket_name",
                "folder_path",
                "s3://b/k",
                "sftp",
                "in-memory",
                "filesystem",
                "\n[default]\n",
                "prefix = ",
            ),
        ]
    ),
    st.text(max_size=4),
)
TEXTS: Final = st.lists(PIECES, max_size=14).map("".join)
LINES: Final = st.lists(st.builds("{} = {}".format, PIECES, TEXTS), max_size=5).map("\n".join)
FILES: Final = st.one_of(
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    LINES.map(lambda text: f"[default]\n{text}".encode("utf-8", "surrogatepass")),
    st.binary(max_size=40),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all files: each example writes over the one before."""
    return tmp_path_factory.mktemp("configs")


def read(folder: Path, ending: str, content: bytes, profile: str | None = None) -> ConfigFile:
    """What a file of this content says."""
    path = folder / f"store.{ending}"
    path.write_bytes(content)
    return read_config(path, profile, ENVIRON)


@pytest.mark.parametrize("ending", ENDINGS)
@given(content=FILES, profile=st.one_of(st.none(), st.just(""), st.just("default"), TEXTS))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_file_is_read_or_refused(folder: Path, ending: str, content: bytes, profile: str | None) -> None:
    """By an OptionError that names the file."""
    refusal = None
    try:
        read(folder, ending, content, profile)
    except OptionError as error:
        refusal = str(error)
    assert refusal is None or f"store.{ending}" in refusal


@pytest.mark.parametrize("ending", ENDINGS)
@given(content=FILES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_file_leads_somewhere_or_is_refused(folder: Path, ending: str, content: bytes) -> None:
    """What it says goes the way of all options and URLs; a provider in it may lack its extra."""
    path = folder / f"store.{ending}"
    path.write_bytes(content)
    with contextlib.suppress(ObjfsError, OSError):
        objfs.from_config(path)


DEEP: Final = {
    "lists": b"[default]\na = " + b"[" * 20_000,
    "whole-lists": b"[default]\na = " + b"[" * 5_000 + b"]" * 5_000,
    "dicts": b"[default]\na = " + b"{a=" * 20_000,
    "table": b"[default" + b".a" * 2_000 + b"]",
    "name": b"[default]\n" + b"a." * 2_000 + b"b = 1",
    "digits": b"[default]\na = " + b"9" * 5_000,
}


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize("ending", ENDINGS)
def test_file_that_is_too_deep_is_refused(folder: Path, ending: str, name: str) -> None:
    """TOML has no bound; to INI it is text."""
    with pytest.raises(OptionError) if ending == "toml" else contextlib.suppress(OptionError):
        read(folder, ending, DEEP[name])


KEYS: Final = st.text(string.ascii_lowercase, min_size=1, max_size=8).map("x_{}".format)
# An INI value is one line without blanks around it.
PLAIN: Final = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=12).filter(
    lambda text: not text.startswith("$") and "%%" not in text and not (len(text) > 1 and text[0] == text[-1] == '"')
)
NESTED: Final = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12).filter(lambda text: not text.startswith("$")),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False),
)


def in_toml(value: Any) -> str:
    """https://toml.io/en/v1.0.0."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        inner = "".join(f"\\U{ord(each):08x}" if each in '"\\' or not each.isprintable() else each for each in value)
        return f'"{inner}"'
    return repr(value)


@given(values=st.dictionaries(KEYS, PLAIN, max_size=5), sign=st.sampled_from(["=", " = ", ":", ": "]))
@settings(deadline=None)
def test_values_of_an_ini_file_are_read_as_they_were_written(
    folder: Path, values: Mapping[str, str], sign: str
) -> None:
    """Names that no option has, so that none means anything here."""
    lines = [f"{name}{sign}{value}" for name, value in values.items()]
    assert read(folder, "ini", "\n".join(["[default]", *lines]).encode()).values == values


@given(values=st.dictionaries(KEYS, st.one_of(NESTED, st.dictionaries(KEYS, NESTED, max_size=2)), max_size=5))
@settings(deadline=None)
def test_values_of_a_toml_file_are_read_as_they_were_written(folder: Path, values: Mapping[str, Any]) -> None:
    """Of each type, in tables, too."""
    plain = {name: value for name, value in values.items() if not isinstance(value, dict)}
    lines = ["[default]", *(f"{name} = {in_toml(value)}" for name, value in plain.items())]
    for name, value in values.items():
        if isinstance(value, dict):
            lines += [f"[default.{name}]", *(f"{inner} = {in_toml(told)}" for inner, told in value.items())]
    assert read(folder, "toml", "\n".join(lines).encode()).values == values


@pytest.mark.parametrize("ending", ENDINGS)
@given(text=st.one_of(TEXTS, st.text(max_size=10)).filter(lambda text: text.isprintable() and text == text.strip()))
@settings(deadline=None)
def test_dollar_sign_is_a_variable_or_doubled_or_refused(folder: Path, ending: str, text: str) -> None:
    """Whatever follows it; the value of a variable is not looked at again."""
    told = f"${text}"
    line = f"x = {in_toml(told)}" if ending == "toml" else f"x = {told.replace('%', '%%')}"
    name = text[1:-1] if text[:1] == "{" and text[-1:] == "}" else text
    try:
        found = read(folder, ending, f"[default]\n{line}".encode()).values["x"]
    except OptionError:
        assert name not in ENVIRON
        assert not text.startswith("$")
    else:
        assert found == (text if text.startswith("$") else ENVIRON[name])


FAULTY: Final = {
    "no-section": f"secret = {CANARY}",
    "twice": f"[default]\nsecret = {CANARY}\nsecret = {CANARY}2",
    "section-twice": f"[default]\nsecret = {CANARY}\n[default]\nsecret = {CANARY}",
    "no-sign": f"[default]\nsecret {CANARY}",
    "open-text": f'[default]\nsecret = "{CANARY}',
    "open-long-text": f'[default]\nsecret = """{CANARY}',
    "bad-escape": f'[default]\nsecret = "{CANARY}\\q"',
    "bare": f"[default]\nsecret = {CANARY}",
    "after-a-value": f'[default]\nsecret = "a" {CANARY}',
    "no-text": f"[default]\nsecret = {CANARY}\0\ud800",
    "no-variable": f"[default]\nsecret = $-{CANARY}",
    "other-profile": f"[lab]\nsecret = {CANARY}",
    "misspelled-section": f"[default]\nsecret = {CANARY}\n[provider_parms]\nsecret = {CANARY}",
    "cshelve": f'[default]\nuse_pickle = "{CANARY}"',
    "in-two-sections": f'[default]\nsecret = "{CANARY}"\n[provider_params]\nsecret = "{CANARY}"',
    "unknown-option": f'[default]\nurl = "s3://b"\nsecrte = "{CANARY}"',
    "bad-value": f'[default]\nurl = "s3://b"\nsse_customer_key_base64 = "{CANARY}"\nread_timeout = "soon"',
    "two-names": f'[default]\nurl = "s3://b"\nsecret = "{CANARY}"\naws_secret_access_key = "{CANARY}2"',
    "conflict": f'[default]\nurl = "s3://b"\nsecret = "{CANARY}"\nanon = true',
    "nowhere": f'[default]\nsecret = "{CANARY}"',
    "in-the-url": f'[default]\nurl = "s3://key:{CANARY}@b/k"',
    "sftp": f'[default]\nprovider = "sftp"\nsecret = "{CANARY}"',
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("fault", FAULTY)
def test_no_error_shows_a_value_of_the_file(folder: Path, ending: str, fault: str) -> None:
    """Not in its causes either; a file that can be read after all shows none in what it makes."""
    path = folder / f"{fault}.{ending}"
    path.write_bytes(FAULTY[fault].encode("utf-8", "surrogatepass"))
    try:
        fs, _ = objfs.from_config(path)
        told = f"{fs!r} {fs.to_json()} {fs.explain('s3://b/k')}"
    except (ObjfsError, OSError) as error:
        told = "\n".join(everything_of(error))
    assert leaks(told) == []


@pytest.mark.parametrize("ending", ENDINGS)
@given(before=TEXTS, after=TEXTS)
@settings(max_examples=150, deadline=None)
def test_no_error_of_any_file_shows_a_secret_in_it(folder: Path, ending: str, before: str, after: str) -> None:
    """Whatever stands around it."""
    quote = '"' if ending == "toml" else ""
    content = f"[default]\n{before}\nsecret = {quote}{CANARY}{quote}\n{after}".encode("utf-8", "surrogatepass")
    try:
        told = repr(read(folder, ending, content))
    except OptionError as error:
        told = "\n".join(everything_of(error))
    assert leaks(told) == []
