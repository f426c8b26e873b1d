"""The gateway's own endpoints, under a path that no bucket can have: both ends of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from objfs.testing.interference import Interference, Rule
from objfs.testing.journal import Journal
from objfs.testing.ledger import CredentialLedger, Refusal
from objfs.testing.wire import Head

CONTROL_PREFIX = "/-/"
_CALL_SECONDS = 180.0
_Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What a gateway knows: whom it lets in, what passed, and what it does to requests."""

    ledger: CredentialLedger
    journal: Journal = field(default_factory=Journal)
    interference: Interference = field(default_factory=Interference)


def call_gateway(endpoint: str, name: str, **parameters: object) -> Any:
    """POST to one of a gateway's own endpoints and return its JSON answer; parameters that are None are left out.

    Raises
    ------
    RuntimeError
        The gateway did not understand.
    OSError
        It does not answer.
    """
    query = urlencode({key: value for key, value in parameters.items() if value is not None})
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=_CALL_SECONDS)
    try:
        connection.request("POST", f"{CONTROL_PREFIX}{name}?{query}", headers={"Connection": "close"})
        answer = connection.getresponse()
        said = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != 200:
        msg = f"the gateway's {name}: {said}"
        raise RuntimeError(msg)
    return said


def perform(state: GatewayState, request: Head) -> tuple[int, Any]:
    """Carry out a request to the gateway itself; returns the HTTP status and a JSON value."""
    name = urlsplit(request.target).path[len(CONTROL_PREFIX) :]
    action = _ACTIONS.get(name)
    if action is None:
        return 404, f"unknown; there are {', '.join(_ACTIONS)}"
    try:
        return 200, action(state, request.query)
    except (KeyError, ValueError) as error:
        return 400, f"{type(error).__name__}: {error}"


def _issue(state: GatewayState, given: _Parameters) -> dict[str, str]:
    state.journal.count("issued")
    return state.ledger.issue(float(given["lifetime"]), _number(given, "told"))


def _hold(state: GatewayState, given: _Parameters) -> None:
    state.interference.hold(Rule(given["method"], given["substring"], int(given["times"])))


def _fail(state: GatewayState, given: _Parameters) -> None:
    refusal = Refusal(int(given["status"]), given["code"], "made up by a test")
    state.interference.fail(Rule(given["method"], given["substring"], int(given["times"]), refusal))


def _late_parts(state: GatewayState, given: _Parameters) -> None:
    state.interference.lose_aborts(int(given["part"]) if "part" in given else None)


def _delay(state: GatewayState, given: _Parameters) -> None:
    state.interference.delay_seconds = float(given["milliseconds"]) / 1000


def _reset(state: GatewayState, _: _Parameters) -> None:
    state.journal.reset()
    state.interference.reset()


def _admit(state: GatewayState, given: _Parameters) -> None:
    state.ledger.admit(given["access_key_id"], given.get("session_token", ""), _number(given, "lifetime"))


def _number(given: _Parameters, name: str) -> float | None:
    return float(given[name]) if name in given else None


_ACTIONS: dict[str, Callable[[GatewayState, _Parameters], Any]] = {
    "issue": _issue,
    "admit": _admit,
    "expire": lambda state, given: state.ledger.expire(given.get("access_key_id")),
    "revoke": lambda state, given: state.ledger.revoke(given["access_key_id"]),
    "stats": lambda state, _: state.journal.stats(),
    "requests": lambda state, _: state.journal.records(),
    "reset": _reset,
    "delay": _delay,
    "hold": _hold,
    "fail": _fail,
    "late-parts": _late_parts,
    "release": lambda state, _: state.interference.release(),
    "wait-held": lambda state, given: state.interference.wait_held(int(given["count"]), float(given["timeout"])),
}
