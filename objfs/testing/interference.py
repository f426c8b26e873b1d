"""What a test may do to the requests that pass a gateway: delay, hold, fail, and AWS's late parts."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from objfs.testing.ledger import Refusal
from objfs.testing.wire import Head

# A forgotten release() must not stall a test run for ever.
_HOLD_SECONDS = 120.0


@dataclass(slots=True)
class Rule:
    """Requests to hold or to fail: verb (``*`` for all), part of the target, how many."""

    method: str
    substring: str
    times: int
    refusal: Refusal | None = None

    def takes(self, head: Head) -> bool:
        """Tell whether the rule is for this request, and use it up once if so."""
        if not self.times or self.method not in ("*", head.method) or self.substring not in head.target:
            return False
        self.times -= 1
        return True


@dataclass(eq=False, slots=True)
class Held:
    """One request that waits."""

    upload_id: str | None
    arrived: bool = False
    released: threading.Event = field(default_factory=threading.Event)
    landed: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Wait until the request may go on."""
        self.released.wait(_HOLD_SECONDS)


class Interference:
    """The rules in force, and the requests held by them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holds: list[Rule] = []
        self._waiting: list[Held] = []
        self.reset()

    def reset(self) -> None:
        """Lift every rule and let held requests go."""
        with self._changed:
            self.delay_seconds = 0.0
            self._faults: list[Rule] = []
            self._late_part: int | None = None
            self._late = False
            self._lost_aborts: set[str] = set()
        self.release()

    def fail(self, rule: Rule) -> None:
        """Answer the requests of the rule with its refusal."""
        with self._changed:
            self._faults.append(rule)

    def hold(self, rule: Rule) -> None:
        """Let the requests of the rule wait, once they have arrived whole."""
        with self._changed:
            self._holds.append(rule)

    def lose_aborts(self, part_number: int | None) -> None:
        """Let parts land after their upload is aborted; holds that part of each upload until then, if given."""
        with self._changed:
            self._late, self._late_part = True, part_number

    def release(self) -> None:
        """Let held requests go, and hold no more."""
        with self._changed:
            waiting, self._waiting = self._waiting, []
            self._holds = []
        for held in waiting:
            held.released.set()

    def arrive(self, held: Held) -> None:
        """Note that the last byte of a held request is here."""
        with self._changed:
            held.arrived = True
            self._changed.notify_all()

    def wait_held(self, count: int, timeout_seconds: float) -> int:
        """Wait until `count` requests are held that have arrived whole; return how many are."""

        def held() -> int:
            return sum(request.arrived for request in self._waiting)

        with self._changed:
            self._changed.wait_for(lambda: held() >= count, timeout_seconds)
            return held()

    def fault_for(self, head: Head) -> Refusal | None:
        """Return the error to answer with, if any."""
        with self._changed:
            return next((rule.refusal for rule in self._faults if rule.takes(head)), None)

    def hold_for(self, head: Head) -> Held | None:
        """Return the hold to wait on, if any."""
        query = head.query if "uploadId" in head.target else {}
        with self._changed:
            late = self._late and head.method == "PUT" and query.get("partNumber") == str(self._late_part)
            if not late and not any(rule.takes(head) for rule in self._holds):
                return None
            held = Held(query.get("uploadId"))
            self._waiting.append(held)
            return held

    def loses_abort(self, head: Head) -> bool:
        """Tell whether this is an abort to lose; if so, the held parts of its upload have landed on return.

        To the client it looks as if the part had been under way when the abort was answered, as S3 documents for
        AbortMultipartUpload; that the part lands first makes it happen every time.
        """
        upload_id = head.query.get("uploadId") if head.method == "DELETE" else None
        with self._changed:
            if not self._late or upload_id is None or upload_id in self._lost_aborts:
                return False
            self._lost_aborts.add(upload_id)
            parts = [held for held in self._waiting if held.upload_id == upload_id]
            self._waiting = [held for held in self._waiting if held.upload_id != upload_id]
        for held in parts:
            held.released.set()
        for held in parts:
            held.landed.wait(_HOLD_SECONDS)
        return True
