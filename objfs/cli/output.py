"""What commands print: names, sizes and times, as text for people or one JSON object a line for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import typer

from objfs.cli import codes
from objfs.errors import MissingExtraError, OptionError, UrlError
from objfs.urls import redact_url

# Characters by which a key could move the cursor, recolour the screen or reorder what is read (C0 and C1 controls, line
# separators, marks and overrides of direction, and what is no text at all).
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


class WrongCallError(ValueError):
    """The command was called wrongly."""


class OutputClosedError(Exception):
    """What is printed cannot be written: in most cases, as nobody reads it any more; the cause says why."""


# A call that is wrong, rather than what it meets.
USAGE_ERRORS: Final = (WrongCallError, OptionError, UrlError, MissingExtraError)


class Output:
    """The two streams of a command.

    Parameters
    ----------
    command
        Its name, with which messages begin.
    as_json
        Print one JSON object a line.
    null
        End names with a zero byte instead of a newline.
    """

    def __init__(self, command: str, *, as_json: bool = False, null: bool = False) -> None:
        self.command, self.as_json = command, as_json
        self._end = b"\0" if null else b"\n"
        # A pipe or a file gets names as they are; a terminal would act on what they hold.
        self.to_terminal = sys.stdout.isatty()
        self._as_is = null or not self.to_terminal
        self.failures = 0
        # Something else where the terminal shows more than lines.
        self.write_error: Callable[[str], None] = lambda line: typer.echo(line, err=True)

    @property
    def exit_code(self) -> int:
        """1 after a failure, else 0."""
        return codes.FAILED if self.failures else 0

    def name(self, text: str) -> str:
        """A name, fit for where it is printed to."""
        return text if self._as_is else safe(text)

    def line(self, text: str) -> None:
        """Print a line."""
        self.data(text.encode("utf-8", "surrogateescape") + self._end)

    def record(self, **values: Any) -> None:
        """Print a JSON object on a line of its own."""
        self.data(json.dumps(values, default=str).encode() + b"\n")

    def data(self, data: bytes | memoryview) -> None:
        """Print bytes.

        Raises
        ------
        OutputClosedError
            The reader has gone, the disk is full, or the caller has closed the standard output.
        """
        rest = memoryview(data)
        with _while_open():
            while rest:
                # With PYTHONUNBUFFERED it is a raw file, which takes what fits in a pipe.
                rest = rest[sys.stdout.buffer.write(rest) :]

    def flush(self) -> None:
        """Hand over what was printed."""
        with _while_open():
            sys.stdout.flush()

    def say(self, text: str) -> None:
        """Print a line for people, beside the output."""
        self.write_error(f"objfs {self.command}: {safe(text)}")

    def fail(self, url: str, error: BaseException | str) -> None:
        """Report what could not be done; the command goes on."""
        self.failures += 1
        self.say(f"{redact_url(url)}: {describe(error) if isinstance(error, BaseException) else error}")

    @contextmanager
    def reporting(self, url: str) -> Iterator[None]:
        """Report what fails within, unless the command was called wrongly."""
        try:
            yield
        except (*USAGE_ERRORS, OutputClosedError):
            raise
        except Exception as error:  # noqa: BLE001 - HTTP clients raise what is no OSError; the other URLs go on
            self.fail(url, error)

    def each(self, urls: list[str], act: Callable[[str], None]) -> int:
        """Do something for each URL; the exit code."""
        for url in urls:
            with self.reporting(url):
                act(url)
        self.flush()
        return self.exit_code


@contextmanager
def _while_open() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputClosedError from error


def safe(text: str) -> str:
    """A text whose control characters are spelt out."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def describe(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror)
    return str(error) or type(error).__name__


def human(size: float) -> str:
    """A number of bytes as people read it: ``1.5 MiB``."""
    for unit in _UNITS:
        # What would be printed as 1024 is one of the next unit.
        if size < 1023.95 or unit == _UNITS[-1]:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown_size(size: int | None, *, for_people: bool) -> str:
    """A size in a column."""
    return "-" if size is None else human(size) if for_people else str(size)


def shown_time(seconds: float | None) -> str:
    """A time in a column, in UTC."""
    return "-" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def pairs(given: list[str] | None, flag: str) -> dict[str, str]:
    """Storage options from the command line."""
    found: dict[str, tuple[str, int]] = {}
    for number, text in enumerate(given or (), 1):
        name, equals, value = text.partition("=")
        # The values may be secrets.
        if not equals or not name:
            msg = f"{flag} takes NAME=VALUE"
            raise WrongCallError(msg)
        before, first = found.setdefault(name, (value, number))
        if before != value:
            msg = f"{flag} number {first} and {flag} number {number} give {name!r} different values; give it once"
            raise WrongCallError(msg)
    return {name: value for name, (value, _) in found.items()}
