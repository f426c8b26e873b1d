"""What each cell of the matrix must come to, as rows: an outcome for a fault, and where it is another one, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from objfs.errors import ThrottledError
from tests.faults.faults import FAULTS
from tests.faults.matrix import Cell
from tests.faults.verbs import VERBS

SURVIVED = "survived"
PLANES = ("obstore", "sdk")
# Seconds that a cell may take: the time limits of the matrix would allow less, and busy machines are slow.
WITHIN_SECONDS = 60

# What a cell may raise: builtins, so that nobody has to know objfs to catch them, and one of objfs that is an OSError.
KINDS: dict[str, type[BaseException]] = {
    "ConnectionError": ConnectionError,
    "TimeoutError": TimeoutError,
    "PermissionError": PermissionError,
    "ThrottledError": ThrottledError,
    "OSError": OSError,
}

# What a fault comes to.
USUAL: dict[str, str] = {
    "no connection": "ConnectionError",
    "no such host": "ConnectionError",
    "reset before forever": "ConnectionError",
    "reset midway forever": "ConnectionError",
    "truncated forever": "ConnectionError",
    "stalled before forever": "TimeoutError",
    "stalled midway forever": "TimeoutError",
    "500 forever": "OSError",
    "502 forever": "OSError",
    "503 forever": "ThrottledError",
    "429 forever": "ThrottledError",
    "clock skew": "PermissionError",
    "moved by 301": "OSError",
    "moved by 400": "OSError",
}


@dataclass(frozen=True)
class Rows:
    """Cells that have something in common; an empty field means all.

    Parameters
    ----------
    why
        The reason.
    faults, verbs, planes, clouds
        Names, separated by commas.
    outcome
        What they come to; None leaves them out of the matrix.
    """

    why: str
    faults: str = ""
    verbs: str = ""
    planes: str = ""
    clouds: str = ""
    outcome: str | None = None

    def have(self, cell: Cell) -> bool:
        """Whether a cell is one of them."""
        pairs = (
            (self.faults, cell.fault),
            (self.verbs, cell.verb),
            (self.planes, cell.plane),
            (self.clouds, cell.cloud),
        )
        return all(not names or name in names.split(", ") for names, name in pairs)


_READS = "open, read, cat_file, cat_ranges, get_file"
_MIDWAY = "reset midway once, reset midway forever, truncated once, truncated forever, stalled midway once, "
_BODILESS = "info, exists, pipe_file, pipe_file create, put_file, write a part, rm_file"
_BODY = f"{_MIDWAY}stalled midway forever, slow, too long, too short"

LEFT_OUT: tuple[Rows, ...] = (
    Rows(
        "the data plane does not do it: auto sends it to the SDK plane",
        verbs="ls, find, rm",
        planes="obstore",
    ),
    Rows(
        "the fault is one of S3's own words, which obstore and the peers translate by the same tables",
        faults="clock skew, moved by 301, moved by 400",
        clouds="gcs, azure",
    ),
    Rows(
        "the way is that of S3: obstore's, or the one policy of retries; one fault of each kind shows that it is taken",
        faults="no such host, reset midway forever, reset after, truncated forever, stalled before forever, too long, "
        "500 once, 502 once, 502 forever, 503 twice, 429 forever",
        clouds="gcs, azure",
    ),
    Rows("its requests are those of cat_file or of info", verbs="read, exists, put_file", clouds="gcs, azure"),
    Rows(
        "the answer has no body", _BODY, "info, exists, pipe_file, pipe_file create, put_file, write a part", "obstore"
    ),
    Rows("the answer has no body", _BODY, "rm_file", "obstore", "gcs"),
    Rows("the answer has no body", _BODY, "cp_file, write the end", "obstore", "azure"),
    Rows("the answer has no body", _BODY, _BODILESS, "sdk", "s3"),
    Rows("the answer has no body", _BODY, f"{_BODILESS}, rm, cp_file, write the end", "sdk", "azure"),
)

OTHERWISE: tuple[Rows, ...] = (
    Rows(
        "obstore does not send a write on a condition again: it might be refused by its own outcome",
        "reset before once, lost answer",
        "pipe_file create",
        "obstore",
        outcome="ConnectionError",
    ),
    Rows(
        "likewise, after the time limit",
        "stalled before once",
        "pipe_file create",
        "obstore",
        outcome="TimeoutError",
    ),
    Rows(
        "a write on a condition is sent again and refused: what is there may be what was written, so nobody is told "
        "that somebody else wrote it",
        "lost answer, reset midway once, truncated once, stalled midway once, too short",
        "pipe_file create",
        "sdk",
        outcome="ConnectionError",
    ),
    Rows(
        "obstore hears nothing of the end of an upload and aborts it, or ends it again; the object is there, whole",
        "reset midway once, truncated once, stalled midway once, stalled midway forever, too long, too short",
        "write the end",
        "obstore",
        outcome="ConnectionError",
    ),
    Rows(
        "likewise; on S3 an upload can be ended twice",
        "lost answer",
        "write the end",
        "obstore",
        "gcs, azure",
        outcome="ConnectionError",
    ),
    Rows(
        "obstore goes on from where the body stopped, where there is no further byte",
        "too long",
        "read, cat_file, cat_ranges, get_file",
        "obstore",
        outcome="OSError",
    ),
    Rows(
        "nothing breaks, so nothing is repeated; but the bytes are fewer than the answer says, and are not handed out",
        "too short",
        _READS,
        "obstore",
        outcome="ConnectionError",
    ),
    Rows("obstore does not wait for the body", "stalled midway forever", "cp_file", "obstore", "gcs", SURVIVED),
    Rows("the answer is XML that ends too early", "too short", "rm_file", "obstore", outcome="OSError"),
)


def cells() -> Iterator[Cell]:
    """The cells of the matrix."""
    for cloud in ("s3", "gcs", "azure"):
        for plane in PLANES:
            for fault in FAULTS:
                for verb in VERBS:
                    cell = Cell(fault.name, verb.name, plane, cloud)
                    if not any(rows.have(cell) for rows in LEFT_OUT):
                        yield cell


def outcome_of(cell: Cell) -> str:
    """What a cell must come to."""
    for rows in OTHERWISE:
        if rows.have(cell):
            return rows.outcome or SURVIVED
    return USUAL.get(cell.fault, SURVIVED)
