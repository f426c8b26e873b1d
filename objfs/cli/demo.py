"""``demo``: what objfs does, in a minute, on a server of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import objfs
from objfs.cli import codes
from objfs.cli.output import Output, counted, human

_BUCKET: Final = "tour"
_BLOCK: Final = bytes(range(256)) * (6 << 12)
_BLOCKS: Final = 4


def demo(
    lifetime: Annotated[
        float, typer.Option("--lifetime", metavar="SECONDS", min=0.5, help="Seconds that credentials live.")
    ] = 2.0,
) -> int:
    """Show credentials that expire, reads that are planned and copies that continue, on an S3 server of its own.

    It needs moto and s3fs: pip install 'objfs[s3]' 'moto[s3]' flask flask-cors.
    """
    from objfs.testing import ExpiringGateway, LocalCredentialsProvider, S3Server

    out = Output("demo")
    with S3Server() as server, ExpiringGateway(server.endpoint) as gateway:
        server.create_bucket(_BUCKET)
        provider = LocalCredentialsProvider(gateway.endpoint, lifetime)
        copied = provider.fetch_storage_options()
        place = {"endpoint_url": gateway.endpoint, "region": "us-east-1"}
        fs, _ = objfs.from_url(f"s3://{_BUCKET}", **place, storage_options_provider=provider)
        out.line(f"An S3 server of its own; credentials live {lifetime:g} s and are refused afterwards.")
        steps: tuple[Callable[[], str], ...] = (
            lambda: _upload(fs, lifetime / 2, provider),
            lambda: _read_ranges(fs),
            lambda: _refused({**place, **copied}),
            lambda: _synchronise({**place, "storage_options_provider": provider}),
        )
        for number, step in enumerate(steps, 1):
            out.line(f"{number}. {step()}")
            out.flush()
    return codes.DONE


def _upload(fs: Any, pause_seconds: float, provider: Any) -> str:
    with fs.open(f"{_BUCKET}/recording", "wb", block_size=len(_BLOCK)) as file:
        for _ in range(_BLOCKS):
            file.write(_BLOCK)
            time.sleep(pause_seconds)
    size = human(len(_BLOCK) * _BLOCKS)
    return f"One upload of {size} went on while credentials expired: {provider.fetches} sets were used."


def _read_ranges(fs: Any) -> str:
    path, starts = f"{_BUCKET}/recording", [number * 1000 for number in range(200)]
    with objfs.trace(telemetry=False) as seen:
        found = fs.cat_ranges([path] * len(starts), starts, [start + 100 for start in starts])
    whole = _BLOCK * _BLOCKS
    right = all(data == whole[start : start + 100] for start, data in zip(starts, found, strict=True))
    if not right:
        msg = "other bytes were read than were written"
        raise OSError(msg)
    return f"{len(starts)} ranges of it were read with {counted(len(seen.requests), 'request')}, and are right."


def _refused(options: dict[str, Any]) -> str:
    options.pop("expires_at_millis", None)
    try:
        objfs.from_url("s3://", **options)[0].cat_file(f"{_BUCKET}/recording", start=0, end=10)
    except PermissionError as error:
        return f"A copy of the first credentials is refused: {type(error).__name__}."
    msg = "a copy of expired credentials was accepted"
    raise OSError(msg)


def _synchronise(options: dict[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for number in range(20):
            (Path(folder) / f"{number}.txt").write_text(str(number), "utf-8")
        first = objfs.sync(folder, f"s3://{_BUCKET}/files", options=options)
        again = objfs.sync(folder, f"s3://{_BUCKET}/files", options=options)
    return f"objfs.sync copied {len(first.done('copy'))} files; the second time {len(again.done('copy'))}."


COMMANDS: Final = (demo,)
