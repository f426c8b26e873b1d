"""What objfs knows of a URL and its options, as values: for people as text, for programs as a dict; no secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from objfs.records import field, record

_INDENT: Final = "  "


@record
class OptionFact:
    """One option that counts.

    Parameters
    ----------
    name
        Canonical name.
    value
        As it may be shown: a secret is ``***``, an object its type.
    origin
        ``keyword``, ``url``, ``fsspec config``, ``environment``, ``config file``, ``default`` or ``provider``.
    source
        The same in full: the name that was used, the variable, the file and its line.
    meaning
        One line.
    note
        What else is to be said of the value; mostly nothing.
    """

    name: str
    value: Any
    origin: str
    source: str
    meaning: str
    note: str = ""


@record
class CredentialsFact:
    """Who signs the requests.

    Parameters
    ----------
    source
        Where the credentials come from; empty where that cannot be told, and `problem` says why.
    fetched
        Whether credentials are at hand; False where nobody has asked for them yet.
    expires_at
        Timezone-aware; None where they do not expire, or are not at hand.
    expired
        They were when this was asked.
    refreshable
        Whether others can be had when they expire.
    problem
        Why there are none.
    anonymous
        Nobody signs them.
    """

    source: str
    fetched: bool = False
    expires_at: datetime | None = None
    expired: bool = False
    refreshable: bool = False
    problem: str = ""
    anonymous: bool = False

    def __str__(self) -> str:
        if self.anonymous:
            return self.source
        if self.problem:
            return f"{self.source}: {self.problem}" if self.source else self.problem
        if not self.fetched:
            return f"{self.source}; not asked yet, so that their expiry is not known"
        if self.expires_at is None:
            return f"{self.source}; they do not expire"
        verb = "expired" if self.expired else "expire"
        after = "; others are asked for before" if self.refreshable and not self.expired else ""
        return f"{self.source}; they {verb} at {self.expires_at.isoformat(timespec='seconds')}{after}"


@record
class PlaneFact:
    """What one backend is told.

    Parameters
    ----------
    plane
        ``obstore`` or ``sdk``.
    target
        The class that is made.
    arguments
        Its arguments by name, without secrets.
    absent
        Why it is not used at all; then there are no arguments.
    """

    plane: str
    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    absent: str = ""


@record
class VerbFact:
    """Who carries a verb out.

    Parameters
    ----------
    verb
        As the rule between the planes calls it.
    calls
        The filesystem's calls that it stands for.
    plane
        ``obstore``, ``sdk``, or empty where neither can.
    reason
        As the rule gives it.
    """

    verb: str
    calls: str
    plane: str
    reason: str


@record
class CheckFact:
    """What came of trying.

    Parameters
    ----------
    check
        ``list``, ``read`` or ``write``.
    outcome
        ``ok``, ``failed`` or ``not tried``.
    found
        What was done, or what is wrong, in plain words.
    advice
        What to do about it.
    needs
        The permission that it takes.
    symptom
        Name of the diagnosis, for programs.
    error
        The error itself, without secrets.
    """

    check: str
    outcome: str
    found: str
    advice: str = ""
    needs: str = ""
    symptom: str = ""
    error: str = ""


@record
class Explanation:
    """Everything about one URL, or about a filesystem.

    Parameters
    ----------
    url
        Without secrets.
    scheme, filesystem
        Of the URL, and the class that serves it.
    account, bucket, key, version
        What the URL names; empty where it names none, or where no cloud has it.
    path
        As the filesystem's calls take it.
    options
        Every option that counts, in the order of their names.
    credentials
        None where no cloud is asked.
    planes, verbs, checks
        What each backend is told, who carries what out, what came of trying.
    """

    url: str
    scheme: str
    filesystem: str
    path: str
    account: str = ""
    bucket: str = ""
    key: str = ""
    version: str = ""
    options: tuple[OptionFact, ...] = ()
    credentials: CredentialsFact | None = None
    planes: tuple[PlaneFact, ...] = ()
    verbs: tuple[VerbFact, ...] = ()
    checks: tuple[CheckFact, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing that was tried has failed."""
        return all(check.outcome != "failed" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON has it: text, numbers, booleans, None, lists and dicts."""
        found: dict[str, Any] = _plain(self)
        return {**found, "ok": self.ok}

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.url
        place = {name: getattr(self, name) for name in ("filesystem", "account", "bucket", "key", "version", "path")}
        yield from _table([(name, str(value)) for name, value in place.items() if value])
        if self.options:
            yield from ("", "options")
            yield from _table([(fact.name, _shown(fact.value), _with_note(fact)) for fact in self.options])
        if self.credentials is not None:
            yield from ("", "credentials", f"{_INDENT}{self.credentials}")
        for plane in self.planes:
            yield from ("", f"{plane.target} ({plane.plane} plane)")
            rows = list(_flat(plane.arguments))
            yield from ([f"{_INDENT}is not used: {plane.absent}"] if plane.absent else _table(rows))
        if self.verbs:
            yield from ("", "verbs")
            yield from _table(
                [(fact.verb, fact.plane or "none", fact.reason, f"({fact.calls})") for fact in self.verbs]
            )
        if self.checks:
            yield from ("", "checks")
            for check in self.checks:
                yield from _told(check)


def _with_note(fact: OptionFact) -> str:
    return f"{fact.source}; {fact.note}" if fact.note else fact.source


def _told(check: CheckFact) -> Iterator[str]:
    yield f"{_INDENT}{check.check}: {check.outcome}: {check.found}"
    details = {"what to do": check.advice, "the error": check.error, "it needs": check.needs}
    for name, text in details.items():
        if text and check.outcome == "failed":
            yield f"{_INDENT * 2}{name}: {text}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows of cells, in columns as wide as their widest, but for those that would push the rest away."""
    if not rows:
        return
    widths = [min(max(len(row[at]) for row in rows), 44) for at in range(len(rows[0]))]
    for row in rows:
        yield _INDENT + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _shown(value: Any) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else repr(plain)


def _flat(arguments: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Arguments with the members of dicts on lines of their own."""
    for name, value in arguments.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _shown(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, Iterable):
        return [_plain(inner) for inner in value]
    slots = type(value).__slots__
    return {name: _plain(getattr(value, name)) for name in slots}
