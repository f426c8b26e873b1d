"""Where objfs answers otherwise than the class it takes over from, on purpose: the reason, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    reason
        Why, in a sentence for users.
    calls
        Calls of `peer_calls` that show it.
    """

    reason: str
    calls: Mapping[str, Ours]


def _by_name(found: Any) -> bool:
    names = [item["name"] for item in found]
    return bool(names) and names == sorted(names)


_FILES: Final = ["<bucket>/a.txt", "<bucket>/b.csv", "<bucket>/empty", "<bucket>/lines"]
_NO_SLASH: Final[Callable[[list[bool]], bool]] = lambda found: found[2:4] == [True, False]  # noqa: E731 - a row's

DIFFERENCES: Final[tuple[Difference, ...]] = (
    Difference(
        "A write that fails publishes nothing: the peers publish what was written before an exception, before "
        "discard(), and in a transaction that fails.",
        {
            "open-wb-read": Ours(EVERY, "ValueError", {}),
            "open-wb-seek": Ours(EVERY, "OSError", {}),
            "open-wb-discard": Ours(("azure",), None, {}),
            "transaction-failed": Ours(("azure",), "ZeroDivisionError", {}),
        },
    ),
    Difference(
        "The key 'a/' is not the key 'a': a name with a slash at its end is a directory's, and nothing else.",
        {name: Ours(("s3", "gcs"), _NO_SLASH) for name in ("exists", "lexists", "isfile")},
    ),
    Difference(
        "open() for reading is the first request, so that what is not there is told at once and not at the first read.",
        {"open-directory": Ours(EVERY, NO_FILE)},
    ),
    Difference(
        "Slices are those of Python: empty, negative and past-the-end bounds give what bytes[start:end] would.",
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
        "What fsspec's signature has works: max_gap of cat_ranges, file objects for get_file, bytearrays for "
        "pipe_file, on_error of copy, a pattern that matches one name in cat.",
        {
            "cat_ranges-gap": Ours(EVERY, [b"on", b"wo\nt"]),
            "get_file-stream": Ours(EVERY, b"alpha"),
            "pipe_file-bytearray": Ours(("azure",), None, {"new": b"1"}),
            "copy-missing-ignore": Ours(("azure",), None, {}),
            "cat-glob-one": Ours(("azure",), {"<bucket>/a.txt": b"alpha"}),
        },
    ),
    Difference(
        "maxdepth is obeyed by every verb; the peers ignore it in some, and delete or copy more than was asked for.",
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
        "Appending keeps what is there: gcsfs begins anew with a warning, adlfs refuses block blobs.",
        {
            "open-ab": Ours(("gcs", "azure"), [5, 1, 6], {"a.txt": b"alpha1"}),
        },
    ),
    Difference(
        "What could not be done raises: a source that is missing, a directory that is moved or removed without "
        "recursive=True, a bucket that exists where makedirs() may not find one.",
        {
            "copy-list-missing": Ours(("azure",), NO_FILE, {"new/a.txt": b"alpha"}),
            "mv-directory": Ours(("gcs", "azure"), NO_FILE, {}),
            "rm-directory": Ours(("azure",), NO_FILE, {}),
            "makedirs-not-ok": Ours(("gcs", "azure"), "FileExistsError", {}),
        },
    ),
    Difference(
        "Errors are the builtins of fsspec's other filesystems, where a peer raises its SDK's own or one that "
        "names another cause.",
        {
            "cat_file-bucket": Ours(("gcs",), "IsADirectoryError"),
            "modified-directory": Ours(("gcs", "azure"), "IsADirectoryError"),
            "mkdir-no-parents": Ours(("azure",), NO_FILE, {}),
            "open-wb-no-bucket": Ours(("azure",), NO_FILE, {}),
        },
    ),
    Difference(
        "mv(recursive=True) moves a tree; s3fs and adlfs copy it, raise, and leave the old one.",
        {
            "mv-recursive": Ours(
                ("s3", "azure"),
                None,
                {"dir/c.txt": None, "dir/sub/d.csv": None, "new/c.txt": b"333", "new/sub/d.csv": b"4444"},
            )
        },
    ),
    Difference(
        "A directory within a bucket needs no creation, so that makedir() of one is no error.",
        {"makedir": Ours(("azure",), None, {})},
    ),
    Difference(
        "Names of directories have no slash at their end, as with fsspec's other filesystems, and a pattern with one "
        "finds them.",
        {
            "info-slash": Ours(("azure",), {"name": "<bucket>/dir", "size": None, "type": "directory"}),
            "strip_protocol": Ours(("gcs", "azure"), ["<bucket>/a", "<bucket>/a"]),
            "glob-directories": Ours(("gcs", "azure"), ["<bucket>/dir", "<bucket>/other"]),
        },
    ),
    Difference(
        "Listings are in the order of names, with directories among the files.",
        {name: Ours(("azure",), _by_name) for name in ("ls-detail", "ls-directory", "ls-slash")},
    ),
    Difference(
        "A walk over what is not there has one step, which is empty, on every cloud.",
        {
            "walk-missing": Ours(("azure",), [("<bucket>/missing", [], [])]),
            "walk-no-bucket": Ours(("azure",), [("<bucket>-missing", [], [])]),
        },
    ),
    Difference(
        "info() of the root is that of a directory; gcsfs gives the raw answer of the service, without a name.",
        {"info-root": Ours(("gcs",), {"name": "", "size": 0, "type": "directory"})},
    ),
    Difference(
        "mkdir() tells S3 no region that it refuses to be told; s3fs cannot create a bucket in us-east-1 by a client "
        "that names it.",
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
