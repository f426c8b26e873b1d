"""``cat``, ``head`` and ``sign``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import IO, Annotated, Any, Final

import typer

from objfs.casts import as_duration
from objfs.cli import flags
from objfs.cli.output import Output, WrongCallError
from objfs.cli.sessions import Session
from objfs.errors import NotSupportedError

# What is in memory at a time of a file that is printed.
_BLOCK_BYTES: Final = 8 << 20
# What `head` reads at a time: a few lines are in the first of them.
_HEAD_BYTES: Final = 64 << 10
_METHODS: Final = ("GET", "HEAD", "PUT", "DELETE")
_RANGE: Final = re.compile(r"(-?\d+)?:(-?\d+)?")

Files = Annotated[list[str], typer.Argument(metavar="URL", help="URLs or local paths; - is the standard input.")]


def cat(
    urls: Files,
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "-r",
            "--range",
            metavar="START:STOP",
            help="Only these bytes, as Python slices them: 0:100, -100:. Repeatable.",
        ),
    ] = None,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
) -> int:
    """Print files, one after the other."""
    out, session, wanted = Output("cat"), Session(option, config, profile), [_bounds(text) for text in ranges or ()]

    def show(url: str) -> None:
        if url == "-":
            if wanted:
                msg = "--range reads anywhere in a file, which the standard input cannot do"
                raise WrongCallError(msg)
            for block in _blocks(sys.stdin.buffer):
                out.data(block)
            return
        place = session.place(url)
        if wanted:
            starts, stops = zip(*wanted, strict=True)
            for piece in place.fs.cat_ranges([place.path] * len(wanted), list(starts), list(stops), on_error="raise"):
                out.data(piece)
            return
        with place.fs.open(place.path, "rb") as file:
            for block in _blocks(file):
                out.data(block)

    return out.each(urls, show)


def _bounds(text: str) -> tuple[int | None, int | None]:
    match = _RANGE.fullmatch(text)
    if match is None:
        msg = f"--range takes START:STOP, such as 0:100, 100: or -100:, not {text!r}"
        raise WrongCallError(msg)
    return int(match[1]) if match[1] else None, int(match[2]) if match[2] else None


def _blocks(file: IO[bytes], size: int = _BLOCK_BYTES) -> Iterator[bytes]:
    while block := file.read(size):
        yield block


def head(
    urls: Files,
    lines: Annotated[int, typer.Option("-n", "--lines", metavar="N", min=0, help="How many lines.")] = 10,
    count: Annotated[
        int | None, typer.Option("-c", "--bytes", metavar="N", min=0, help="How many bytes, instead of lines.")
    ] = None,
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
) -> int:
    """Print the beginning of files; no more is read than that takes."""
    out, session = Output("head"), Session(option, config, profile)

    def show(url: str) -> None:
        if len(urls) > 1:
            out.line(f"==> {out.name(url)} <==")
        if url == "-":
            _print_head(out, sys.stdin.buffer, lines, count)
            return
        place = session.place(url)
        with place.fs.open(place.path, "rb") as file:
            _print_head(out, file, lines, count)

    return out.each(urls, show)


def _print_head(out: Output, file: IO[bytes], lines: int, count: int | None) -> None:
    if count is not None:
        while count and (block := file.read(min(count, _BLOCK_BYTES))):
            out.data(block)
            count -= len(block)
        return
    while lines and (block := file.read(_HEAD_BYTES)):
        found = block.split(b"\n", lines)
        rest = found.pop() if len(found) > lines else b""
        out.data(memoryview(block)[: len(block) - len(rest)])
        lines -= block.count(b"\n") if not rest else lines


def sign(
    urls: flags.Urls,
    expires: Annotated[
        str, typer.Option("-e", "--expires", metavar="DURATION", help="How long they are good for: 600, 15m, 1h.")
    ] = "1h",
    method: Annotated[
        str, typer.Option("--method", metavar="METHOD", help="What they are for: GET, HEAD, PUT or DELETE.")
    ] = "GET",
    option: flags.Options = None,
    config: flags.Config = None,
    profile: flags.Profile = None,
    as_json: flags.Json = False,
) -> int:
    """Print signed URLs of objects, for who has no credentials. The server is not asked whether they exist."""
    out, session = Output("sign", as_json=as_json), Session(option, config, profile)
    try:
        lifetime = as_duration(expires)
    except ValueError as error:
        msg = f"--expires: {error}"
        raise WrongCallError(msg) from error
    if not lifetime:
        msg = "--expires 0 would be over when it is printed"
        raise WrongCallError(msg)
    if method.upper() not in _METHODS:
        msg = f"--method is one of {', '.join(_METHODS)}, not {method!r}"
        raise WrongCallError(msg)

    def show(url: str) -> None:
        place = session.place(url)
        if not place.holds_objects:
            msg = "only objects have signed URLs"
            raise NotSupportedError(msg)
        fs: Any = place.fs
        signed = fs.sign_many([place.path], expiration=lifetime, method=method)[0]
        if out.as_json:
            out.record(url=url, signed=signed, expires_seconds=int(lifetime.total_seconds()))
        else:
            out.line(signed)

    return out.each(urls, show)


COMMANDS: Final = (cat, head, sign)
