"""The one rule: a call goes to the data plane when that can carry it out exactly, and to the SDK plane otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from objfs.errors import EngineError, MissingExtraError
from objfs.records import record
from objfs.store_values import addressable
from objfs.types import Location


class Plane(Enum):
    """Who carries a call out."""

    DATA = "obstore"
    SDK = "sdk"


@record
class Decision:
    """A plane, and why."""

    plane: Plane
    reason: str


@record
class Call:
    """What the rule looks at.

    Parameters
    ----------
    verb
        A key of ``DATA_VERBS``, or any other name.
    locations
        Objects that the call touches.
    keywords
        Names of call keywords that were given.
    """

    verb: str
    locations: tuple[Location, ...] = ()
    keywords: frozenset[str] = frozenset()


@record
class Circumstances:
    """What is the same for all calls of an instance in one process.

    Parameters
    ----------
    engine
        ``auto``, ``obstore`` or ``sdk``.
    extra
        For messages.
    write_keywords
        Call keywords of a write that the data plane has words for.
    refusal
        Bucket to the reason why its settings cannot be told to the data plane; None where they can.
    forked
        The process is a forked child whose parent had used obstore.
    sdk_installed
        The peer can be imported.
    refreshable
        Whether the credentials can be replaced while a call is going on.
    unsigned
        Why the data plane should not write, as the caller is anonymous; None where it should.
    """

    engine: str
    extra: str
    write_keywords: frozenset[str]
    refusal: Callable[[str], str | None]
    forked: bool
    sdk_installed: bool
    refreshable: Callable[[], bool]
    unsigned: str | None = None


# Verbs that obstore carries out exactly. A write may have keywords: those that the cloud has attributes of an object
# for.
DATA_VERBS: Final = frozenset({"read", "head", "exists", "write", "upload", "delete", "copy"})
_WRITING_VERBS: Final = frozenset({"write", "upload"})
_CHANGING_VERBS: Final = frozenset({"write", "upload", "delete", "copy"})

SDK_VERBS: Final[Mapping[str, str]] = {
    "list": "a listing by obstore cannot be proved exact: it hides or refuses keys such as 'a//b', '/a' and 'a/'",
    "info": "obstore's answers lack keys that info() holds, such as StorageClass",
    "append": "obstore cannot append",
    "delete many": "obstore does not say which of many deletions failed",
    "bucket": "obstore cannot create, delete or list buckets",
    "copy_if_not_exists": "obstore's copy in parts drops headers and metadata",
    "upload": "obstore has no conditional multipart upload",
}


_DATA: Final = Decision(Plane.DATA, "the data plane can carry it out exactly")


def choose(call: Call, circumstances: Circumstances) -> Decision:
    """Decide which plane carries out a call.

    Raises
    ------
    EngineError
        ``engine="obstore"`` and the data plane cannot carry the call out exactly.
    MissingExtraError
        The call needs the SDK plane, which is not installed.
    """
    reason = _reason_against_data_plane(call, circumstances)
    if reason is None:
        return _DATA
    if circumstances.engine == "obstore":
        msg = f"engine='obstore' cannot carry out {call.verb!r} exactly: {reason}; leave engine='auto'"
        raise EngineError(msg)
    if not circumstances.sdk_installed:
        advice = f"pip install 'objfs[{circumstances.extra}]'"
        if circumstances.forked:
            advice = f"start the process with 'spawn' instead of 'fork', or {advice}"
        msg = f"{call.verb!r} needs the SDK plane, which is not installed ({reason}): {advice}"
        raise MissingExtraError(msg)
    return Decision(Plane.SDK, reason)


def _reason_against_data_plane(call: Call, circumstances: Circumstances) -> str | None:
    if circumstances.engine == "sdk":
        return "engine='sdk' was asked for"
    if call.verb not in DATA_VERBS:
        return SDK_VERBS.get(call.verb, "only the SDK has this call")
    known = circumstances.write_keywords if call.verb in _WRITING_VERBS else frozenset()
    unknown = sorted(call.keywords - known)
    if unknown:
        return SDK_VERBS["upload"] if call.verb == "upload" else f"obstore has no word for {', '.join(unknown)}"
    for location in call.locations:
        if not addressable(location.key):
            return f"obstore cannot name the key {location.key!r}"
        if location.version is not None:
            return "a version was named"
        refusal = circumstances.refusal(location.bucket)
        if refusal is not None:
            return refusal
    if len(call.locations) > 1 and len({location.bucket for location in call.locations}) > 1:
        return "obstore cannot copy from one bucket to another"
    if circumstances.forked:
        return "obstore does not survive fork()"
    # Preferences, not needs: without the SDK, or where obstore was asked for, such calls are obstore's.
    prefers_sdk = circumstances.engine == "auto" and circumstances.sdk_installed
    if call.verb in _CHANGING_VERBS and prefers_sdk and circumstances.unsigned is not None:
        return circumstances.unsigned
    if call.verb == "upload" and prefers_sdk and circumstances.refreshable():
        return "obstore cannot send one part of an upload again with new credentials"
    return None
