"""Flags that several commands share, each written once."""

from __future__ import annotations

from typing import Annotated

import typer

Options = Annotated[
    list[str] | None,
    typer.Option("-o", "--option", metavar="NAME=VALUE", help="Storage option, in any vocabulary. Repeatable."),
]
Config = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="Configuration file, TOML or INI; other ways to say the same win."),
]
Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="Section of the configuration file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line; names are exact.")]
Null = Annotated[bool, typer.Option("-0", "--null", help="End names with a zero byte; names are exact.")]
Human = Annotated[bool, typer.Option("-h", "--human", help="Sizes as people read them: 1.5 MiB.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("-n", "--dry-run", help="Only print what would be done.")]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")]
Urls = Annotated[list[str], typer.Argument(metavar="URL", help="URLs or local paths.")]
SourceOptions = Annotated[
    list[str] | None, typer.Option("--src-o", metavar="NAME=VALUE", help="Storage option of the source. Repeatable.")
]
TargetOptions = Annotated[
    list[str] | None, typer.Option("--dst-o", metavar="NAME=VALUE", help="Storage option of the target. Repeatable.")
]
Include = Annotated[
    list[str] | None, typer.Option("--include", metavar="GLOB", help="Only files that match. Repeatable.")
]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="GLOB", help="No files that match; goes first. Repeatable.")
]
Dask = Annotated[
    str | None, typer.Option("--dask", metavar="ADDRESS", help="Scheduler of a dask cluster whose workers copy.")
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Print what is done with each file.")]
