"""Explain a filesystem: what counts and why, what both planes are told, who carries which verb out. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from objfs.credentials.provider import PROVIDER_OPTIONS
from objfs.credentials.refresher import Refresher
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN
from objfs.credentials.values import Credentials, StaticSource
from objfs.errors import ObjfsError
from objfs.explanation import CredentialsFact, Explanation, OptionFact, PlaneFact, VerbFact
from objfs.options import Setting
from objfs.peers import peer_of
from objfs.planes import Plane
from objfs.redaction import Redactor
from objfs.sdk import PEERS
from objfs.types import Location
from objfs.urls import redact_url

if TYPE_CHECKING:
    from objfs.connection import Connection

# Verbs as the rule between the planes knows them, and the calls of the filesystem that ask it by these names.
VERBS: Final[Mapping[str, str]] = {
    "read": "open to read, cat, cat_ranges, get",
    "head": "exists, object_meta, the size of an open file",
    "info": "info, checksum",
    "list": "ls, find, glob, walk, du, list_pages",
    "write": "pipe and open to write, up to one part",
    "upload": "pipe, put and open to write, more than one part",
    "append": "open to append",
    "copy": "cp, mv, within the bucket",
    "delete": "rm_file",
    "delete many": "rm of several",
    "bucket": "mkdir, rmdir and exists of a bucket",
    "sign": "sign, url",
}
# What stands for a part of a URL that names none: the rule looks at every object alike.
_ANY_BUCKET: Final = "bucket"
_ANY_KEY: Final = "key"


def explain(connection: Connection, location: Location, *, url: str, scheme: str, filesystem: str) -> Explanation:
    """Everything about one place, as it is now; nothing is fetched.

    Parameters
    ----------
    connection
        Of the filesystem.
    location
        What the URL names; the root for a filesystem as a whole.
    url, scheme, filesystem
        As the explanation shows them; the URL is redacted here.
    """
    redactor = Redactor(connection.cloud.table, connection.settings)
    return Explanation(
        url=redactor.text(redact_url(url)),
        scheme=scheme,
        filesystem=filesystem,
        # A signature that was pasted with the rest of its URL is part of the key.
        path=redactor.text(connection.cloud.with_version(location)),
        account=str(connection.settings.value("account_name") or ""),
        bucket=location.bucket,
        key=redactor.text(location.key),
        version=location.version or "",
        options=tuple(_options(connection, redactor)),
        credentials=credentials_of(connection, redactor),
        planes=(_data_plane(connection, location, redactor), _sdk_plane(connection, redactor)),
        verbs=tuple(_verbs(connection, location, redactor)),
    )


def credentials_of(connection: Connection, redactor: Redactor) -> CredentialsFact:
    """Who signs the requests."""
    try:
        choice = connection.choice
    except ObjfsError as error:
        return CredentialsFact("", problem=redactor.text(str(error)))
    if choice is ANONYMOUS:
        return CredentialsFact("none: requests are sent unsigned", anonymous=True)
    if choice is NATIVE_CHAIN:
        return CredentialsFact(f"obstore's own look-up, as {PEERS[connection.cloud.name][0]} is not installed")
    if not isinstance(choice, Refresher):
        raise TypeError(choice)
    held, source = _at_hand(choice), redactor.text(choice.source.description)
    if held is None:
        return CredentialsFact(source, refreshable=choice.source.refreshable)
    expired = held.expires_at is not None and held.expires_at <= datetime.now(UTC)
    return CredentialsFact(source, True, held.expires_at, expired, choice.source.refreshable)


def fetch(connection: Connection) -> str:
    """Ask for credentials, as the first request would; why there are none, or nothing."""
    try:
        choice = connection.choice
        if isinstance(choice, Refresher):
            choice.current()
    except ObjfsError as error:
        cause = f": {error.__cause__}" if error.__cause__ is not None else ""
        return Redactor(connection.cloud.table, connection.options).text(f"{error}{cause}")
    return ""


def _at_hand(refresher: Refresher) -> Credentials | None:
    """What can be told without asking anybody."""
    if isinstance(refresher.source, StaticSource):
        return refresher.source.credentials
    return refresher.in_use


def _options(connection: Connection, redactor: Redactor) -> Iterator[OptionFact]:
    handed_out = _handed_out(connection)
    for name, setting in sorted(connection.settings.items()):
        if name not in handed_out:
            yield OptionFact(
                name,
                redactor.setting(setting),
                str(setting.origin),
                setting.source,
                setting.option.meaning,
                _note(connection, setting),
            )
    rows = connection.cloud.table.by_name
    for name, value in sorted(handed_out.items()):
        row = rows[name]
        yield OptionFact(name, redactor.value(value, name), "provider", "the provider's answer", row.meaning)


def _provider(connection: Connection) -> Setting | None:
    given = (connection.settings.get(name) for name in PROVIDER_OPTIONS)
    return next((setting for setting in given if setting is not None), None)


def _handed_out(connection: Connection) -> Mapping[str, Any]:
    """What a provider has answered, if it was asked."""
    if _provider(connection) is None or not isinstance(connection.choice, Refresher):
        return {}
    held = connection.choice.in_use
    return {} if held is None or connection.choice.fetch_count == 0 else held.values


def _note(connection: Connection, setting: Setting) -> str:
    """What a provider makes of credentials beside it."""
    provider = _provider(connection)
    if provider is None or setting.option.name not in connection.cloud.credential_options:
        return ""
    if connection.settings.value("expires_at") is not None:
        return f"until they expire; then {provider.spelling}"
    return f"not used: {provider.spelling} hands out credentials"


def _data_plane(connection: Connection, location: Location, redactor: Redactor) -> PlaneFact:
    bucket, name = location.bucket or _ANY_BUCKET, f"obstore.store.{connection.cloud.store_class}"
    try:
        decision = connection.decide("read", Location(bucket, _ANY_KEY))
        if decision.plane is not Plane.DATA:
            return PlaneFact("obstore", name, absent=redactor.text(decision.reason))
        told = connection.store(bucket).told
    except ObjfsError as error:
        return PlaneFact("obstore", name, absent=redactor.text(str(error)))
    signer = _signer(connection, redactor)
    arguments = {"bucket": bucket, **redactor.value(told), **({"credential_provider": signer} if signer else {})}
    return PlaneFact("obstore", name, arguments)


def _sdk_plane(connection: Connection, redactor: Redactor) -> PlaneFact:
    module, name, _ = PEERS[connection.cloud.name]
    try:
        setup = connection.require_sdk("info").setup
    except ObjfsError as error:
        return PlaneFact("sdk", f"{module}.{name}", absent=redactor.text(str(error)))
    arguments = redactor.value(setup.keywords)
    signer = _signer(connection, redactor)
    if signer:
        arguments[peer_of(connection.cloud.name).credentials_as] = signer
    return PlaneFact("sdk", f"{module}.{name}", arguments)


def _signer(connection: Connection, redactor: Redactor) -> str:
    """What goes to a backend in the place of credentials."""
    choice = connection.choice
    return f"<{redactor.text(choice.source.description)}>" if isinstance(choice, Refresher) else ""


def _verbs(connection: Connection, location: Location, redactor: Redactor) -> Iterator[VerbFact]:
    place = Location(location.bucket or _ANY_BUCKET, location.key or _ANY_KEY, location.version)
    for verb, calls in VERBS.items():
        places = (place, place) if verb == "copy" else (place,)
        try:
            decision = connection.decide(verb, *places)
        except ObjfsError as error:
            yield VerbFact(verb, calls, "", redactor.text(str(error)))
        else:
            yield VerbFact(verb, calls, decision.plane.value, redactor.text(decision.reason))
