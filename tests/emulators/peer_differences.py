"""Where objfs answers otherwise than the class it takes over from, on purpose: what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.emulators.peer_calls import TREE

EVERY: Final = ("s3", "gcs", "azure")
NO_FILE: Final = "FileNotFoundError"


@dataclass(frozen=True)
class Ours:
    """What objfs does in one call.

    Parameters
    ----------
    clouds
        Where the peer does something else.
    answer
        The value, the name of the exception, or a predicate of the value.
    changes
        What the call writes to the bucket (None: deletes), or to the local folder.
    """

    clouds: tuple[str, ...]
    answer: Any
    changes: Mapping[str, bytes | None] | None = None


@dataclass(frozen=True)
class Difference:
    """A deliberate difference.

    Parameters
    ----------
    title
        Of the row in docs/reference/differences.toml that says why.
    calls
        Calls of `peer_calls` that show it.
    """

    title: str
    calls: Mapping[str, Ours]


def _by_name(found: Any) -> bool:
    names = [item["name"] for item in found]
    return bool(names) and names == sorted(names)


_FILES: Final = ["<bucket>/a.txt", "<bucket>/b.csv", "<bucket>/empty", "<bucket>/lines"]


def _no_slash(found: list[bool]) -> bool:
    return found[2:4] == [True, False]


DIFFERENCES: Final[tuple[Difference, ...]] = (
    Difference(
        "A failed write is not published",
        {
            "open-wb-read": Ours(EVERY, "ValueError", {}),
            "open-wb-seek": Ours(EVERY, "OSError", {}),
            "open-wb-discard": Ours(("azure",), None, {}),
            "transaction-failed": Ours(("azure",), "ZeroDivisionError", {}),
        },
    ),
    Difference(
        "Keys are opaque",
        {name: Ours(("s3", "gcs"), _no_slash) for name in ("exists", "lexists", "isfile")},
    ),
    Difference(
        "A read begins when the file is opened",
        {"open-directory": Ours(EVERY, NO_FILE)},
    ),
    Difference(
        "Slices are those of Python",
        {
            "cat_file-2-2": Ours(("s3", "azure"), b""),
            "cat_file-3-1": Ours(("s3", "azure"), b""),
            "cat_file-9-12": Ours(EVERY, b""),
            "cat_file-range-of-empty": Ours(EVERY, b""),
            "cat_file--2-None": Ours(("azure",), b"ha"),
            "cat_file--3--1": Ours(("azure",), b"ph"),
            "cat_file-None--1": Ours(("azure",), b"alph"),
        },
    ),
    Difference(
        "What fsspec's signatures have, works",
        {
            "cat_ranges-gap": Ours(EVERY, [b"on", b"wo\nt"]),
            "get_file-stream": Ours(EVERY, b"alpha"),
            "pipe_file-bytearray": Ours(("azure",), None, {"new": b"1"}),
            "copy-missing-ignore": Ours(("azure",), None, {}),
            "cat-glob-one": Ours(("azure",), {"<bucket>/a.txt": b"alpha"}),
        },
    ),
    Difference(
        "`maxdepth` counts in every verb",
        {
            "rm-recursive-maxdepth": Ours(("s3", "azure"), None, {"dir/c.txt": None}),
            "copy-maxdepth": Ours(("azure",), None, {"new": b"333"}),
            "get-recursive-maxdepth": Ours(("azure",), None, {"new": b"333"}),
            "du-maxdepth": Ours(("azure",), sum(map(len, TREE.values())) - 8),
            "expand_path-maxdepth": Ours(("azure",), lambda found: "<bucket>/dir/c.txt" not in found),
            "find-maxdepth-1": Ours(("azure",), _FILES),
            "find-maxdepth-2": Ours(("azure",), lambda found: "<bucket>/dir/sub/d.csv" not in found),
            "find-maxdepth-withdirs": Ours(("azure",), sorted([*_FILES, "<bucket>/dir", "<bucket>/other"])),
            "glob-maxdepth": Ours(("azure",), sorted([*_FILES, "<bucket>/dir", "<bucket>/other"])),
        },
    ),
    Difference(
        "Appending appends",
        {
            "open-ab": Ours(("gcs", "azure"), [5, 1, 6], {"a.txt": b"alpha1"}),
        },
    ),
    Difference(
        "What was not done raises",
        {
            "copy-list-missing": Ours(("azure",), NO_FILE, {"new/a.txt": b"alpha"}),
            "mv-directory": Ours(("gcs", "azure"), NO_FILE, {}),
            "rm-directory": Ours(("azure",), NO_FILE, {}),
        },
    ),
    Difference(
        "`makedirs()` makes the bucket",
        {"makedirs-not-ok": Ours(("gcs", "azure"), "FileExistsError", {})},
    ),
    Difference(
        "Errors are Python's",
        {
            "cat_file-bucket": Ours(("gcs",), "IsADirectoryError"),
            "modified-directory": Ours(("gcs", "azure"), "IsADirectoryError"),
            "mkdir-no-parents": Ours(("azure",), NO_FILE, {}),
            "open-wb-no-bucket": Ours(("azure",), NO_FILE, {}),
        },
    ),
    Difference(
        "`mv()` of a tree deletes what it copied, and nothing else",
        {
            "mv-recursive": Ours(
                ("s3", "azure"),
                None,
                {"dir/c.txt": None, "dir/sub/d.csv": None, "new/c.txt": b"333", "new/sub/d.csv": b"4444"},
            )
        },
    ),
    Difference(
        "Directories in a bucket need no creation",
        {"makedir": Ours(("azure",), None, {})},
    ),
    Difference(
        "Names of directories end without a slash",
        {
            "info-slash": Ours(("azure",), {"name": "<bucket>/dir", "size": None, "type": "directory"}),
            "strip_protocol": Ours(("gcs", "azure"), ["<bucket>/a", "<bucket>/a"]),
            "glob-directories": Ours(("gcs", "azure"), ["<bucket>/dir", "<bucket>/other"]),
        },
    ),
    Difference(
        "Listings are in the order of names",
        {name: Ours(("azure",), _by_name) for name in ("ls-detail", "ls-directory", "ls-slash")},
    ),
    Difference(
        "A walk over nothing has one step",
        {
            "walk-missing": Ours(("azure",), [("<bucket>/missing", [], [])]),
            "walk-no-bucket": Ours(("azure",), [("<bucket>-missing", [], [])]),
        },
    ),
    Difference(
        "`info()` of the root is that of a directory",
        {"info-root": Ours(("gcs",), {"name": "", "size": 0, "type": "directory"})},
    ),
    Difference(
        "Buckets are created in `us-east-1`",
        {
            "mkdir-new-bucket": Ours(("s3",), (None, True, None, False), {}),
            "rm-bucket": Ours(("s3",), (None, False, None), dict.fromkeys(TREE)),
        },
    ),
)

# Calls that cannot be compared, and why.
SKIPPED: Final[Mapping[tuple[str, str], str]] = {
    ("gcs", "pipe_file-bucket"): "gcsfs writes an object without a name, which fake-gcs-server cannot delete again",
}


def expected(cloud: str) -> dict[str, Ours]:
    """The calls in which objfs differs from the peer of a cloud, on purpose."""
    rows = (item for difference in DIFFERENCES for item in difference.calls.items())
    return {name: ours for name, ours in rows if cloud in ours.clouds}
