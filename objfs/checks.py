"""Try what an explanation promises: list, read, write, each with as few requests as can be and without a trace."""

from __future__ import annotations

import asyncio
import errno
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from objfs import explaining
from objfs.diagnoses import OF_BUCKET, UNSIGNED, account_of, diagnose
from objfs.errors import EngineError, MissingExtraError, PreconditionFailedError
from objfs.explanation import CheckFact, Explanation
from objfs.parts import Piece
from objfs.records import record, replace
from objfs.redaction import Redactor
from objfs.types import ByteRange, Location
from objfs.urls import scheme_of
from objfs.workers import call

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from objfs.connection import Connection
    from objfs.filesystem import ObjectFileSystem

T = TypeVar("T")

# A check says what is wrong now; it does not wait until it may be right again.
LONGEST_SECONDS: Final = 60.0
_IMPATIENT: Final[Mapping[str, Any]] = {"max_retries": 1, "connect_timeout": 5, "read_timeout": 15}
# No object has this state: a write on the condition that one does can be allowed, and never happens.
_NO_STATE: Final[Mapping[str, str]] = {"e_tag": '"0x0000000000000000"', "version": "1"}
_NOTHING: Final = "allowed, and nothing is there"
_PROBE: Final = "objfs-check"
_MIN_PART_BYTES: Final = 5 << 20


class _GivenUpError(Exception):
    """Ends an upload that was begun to see whether it may be."""


@record
class _Attempt:
    """One check under way.

    Parameters
    ----------
    fs
        Gives up soon.
    location
        What the URL names.
    """

    fs: ObjectFileSystem
    location: Location

    @property
    def connection(self) -> Connection:
        """Of the filesystem."""
        return self.fs.connection

    def ask(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for an answer; SDKs try again by themselves, each at its own pace."""
        return self.fs.run_blocking(asyncio.wait_for(coroutine, LONGEST_SECONDS))


def explained(
    fs: ObjectFileSystem, path: str | None, *, check: Sequence[str], fetch: bool, url: str | None = None
) -> Explanation:
    """What `ObjectFileSystem.explain` and `objfs.explain` return.

    Parameters
    ----------
    fs
        Stays as it is: what is tried is tried with another instance of the same options.
    path
        None for the filesystem as a whole.
    check, fetch
        As the callers have them.
    url
        What the caller gave in place of the path.
    """
    wanted = _known(check)
    connection, schemes = fs.connection, fs.connection.cloud.schemes
    location = Location("") if path is None else connection.split(path)
    problem = explaining.fetch(connection) if fetch else ""
    found = explaining.explain(
        connection,
        location,
        url=url or f"{schemes[0]}://{connection.cloud.with_version(location)}",
        scheme=scheme_of(url or path or "") or schemes[0],
        filesystem=f"objfs.{type(fs).__name__}",
    )
    if problem and found.credentials is not None:
        found = replace(found, credentials=replace(found.credentials, problem=problem))
    if not wanted:
        return found
    attempt = _Attempt(_impatient(fs), location)
    return replace(found, checks=tuple(_tried(name, attempt) for name in wanted))


def plainly_explained(fs: AbstractFileSystem, path: str, *, url: str, scheme: str, check: Sequence[str]) -> Explanation:
    """The same for a filesystem of fsspec's own, which has neither planes nor credentials of ours.

    Parameters
    ----------
    fs, path, url, scheme
        As `from_url` has found them.
    check
        ``write`` is not tried, as such a filesystem may have no way to write without a trace.
    """
    wanted = _known(check)
    calls: dict[str, Callable[[], str]] = {
        "list": lambda: f"{len(fs.ls(path, detail=False))} entries",
        "read": lambda: f"{len(fs.cat_file(path, start=0, end=1))} of its bytes",
    }
    name = f"{type(fs).__module__}.{type(fs).__name__}"
    shown = Redactor.of_nothing().text
    found = Explanation(url=shown(url), scheme=scheme, filesystem=name, path=shown(path))
    return replace(found, checks=tuple(_plainly(each, calls.get(each), url) for each in wanted))


def _plainly(name: str, call: Callable[[], str] | None, url: str) -> CheckFact:
    if call is None:
        return CheckFact(name, "not tried", "only objfs's own filesystems can try it without a trace")
    try:
        return CheckFact(name, "ok", call())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was asked for
        facts = {"endpoint": url, "bucket": "", "needs": "permission", "circumstances": []}
        return _failure(name, error, Redactor.of_nothing(), facts)


def _known(check: Sequence[str]) -> list[str]:
    wanted = [check] if isinstance(check, str) else list(check)
    unknown = [name for name in wanted if name not in CHECKS]
    if unknown:
        msg = f"check takes {', '.join(CHECKS)}, not {', '.join(map(repr, unknown))}"
        raise ValueError(msg)
    return wanted


def _impatient(fs: ObjectFileSystem) -> ObjectFileSystem:
    """The same filesystem for blocking calls, that gives up soon where nobody has said when to."""
    own = {name: value for name, value in _IMPATIENT.items() if name not in fs.connection.options}
    told = {name: value for name, value in fs.storage_options.items() if name not in ("asynchronous", "loop")}
    return type(fs)(*fs.storage_args, **told, **own, skip_instance_cache=True)


def _tried(name: str, attempt: _Attempt) -> CheckFact:
    """Carry one check out; whatever goes wrong is an answer."""
    connection = attempt.connection
    redactor = Redactor(connection.cloud.table, connection.settings)
    needs = connection.cloud.permissions[name]
    try:
        outcome, found = CHECKS[name](attempt)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was asked for
        return replace(_failure(name, error, redactor, _facts(attempt, needs)), needs=needs)
    return CheckFact(name, outcome, redactor.text(found), needs=needs)


def _facts(attempt: _Attempt, needs: str) -> dict[str, Any]:
    settings = attempt.connection.settings
    endpoint = settings.value("endpoint") or settings.value("base_url") or "the cloud's own endpoint"
    circumstances = [f"endpoint {endpoint}", *([UNSIGNED] if settings.value("skip_signature") else [])]
    return {
        "bucket": attempt.location.bucket,
        "endpoint": endpoint,
        "region": settings.value("region"),
        "account": settings.value("account_name"),
        "needs": needs,
        "circumstances": circumstances,
    }


def _failure(name: str, error: Exception, redactor: Redactor, facts: Mapping[str, Any]) -> CheckFact:
    account = account_of(error, *facts["circumstances"], *getattr(error, "__notes__", ()))
    symptom, words, advice = diagnose(account, facts)
    text = redactor.text(f"{type(error).__name__}: {error}")
    return CheckFact(name, "failed", redactor.text(words), redactor.text(advice), symptom=symptom, error=text)


def _first_below(attempt: _Attempt, prefix: str) -> str | None:
    """Path of the first object whose key begins with a prefix; one request."""

    async def first() -> str | None:
        pages = attempt.fs._list_pages(attempt.location.bucket, page_size=1, prefix=prefix)  # noqa: SLF001 - its name
        async for page in pages:
            return str(page[0]["name"])
        return None

    with _of_bucket():
        return attempt.ask(first())


@contextmanager
def _of_bucket() -> Iterator[None]:
    """What is not found here is the bucket, whatever the error says."""
    try:
        yield
    except Exception as error:
        error.add_note(OF_BUCKET)
        raise


def _list(attempt: _Attempt) -> tuple[str, str]:
    location = attempt.location
    if not location.bucket:
        buckets = attempt.fs.ls("", detail=False, timeout=LONGEST_SECONDS)
        return "ok", f"{len(buckets)} buckets"
    if _has_sdk(attempt.connection, "list"):
        first = _first_below(attempt, location.key)
        return "ok", _NOTHING if first is None else f"the first object is {first!r}"
    # What the data plane can say: whether there is anything in a directory.
    folder, store = location.key.rpartition("/")[0], attempt.connection.store(location.bucket)
    with _of_bucket():
        found = attempt.ask(store.any_below(folder))
    # The server allows it, but names come from the SDK alone; who has ruled that out asks for none.
    with suppress(EngineError):
        attempt.connection.require_sdk("list")
    return "ok", "there are objects" if found else _NOTHING


def _has_sdk(connection: Connection, verb: str) -> bool:
    """Whether a verb that only the SDK plane has can be carried out at all."""
    try:
        connection.require_sdk(verb)
    except (MissingExtraError, EngineError):
        return False
    return True


def _read(attempt: _Attempt) -> tuple[str, str]:
    location = attempt.location
    if not location.bucket:
        return "not tried", "the URL names no bucket"
    missing: FileNotFoundError | None = None
    if location.key and not location.key.endswith("/"):
        try:
            return "ok", _first_byte(attempt, location)
        except FileNotFoundError as error:
            missing = error
    # The name may be that of a directory.
    if missing is not None and not _has_sdk(attempt.connection, "list"):
        raise missing
    first = _first_below(attempt, f"{location.key.removesuffix('/')}/" if location.key else "")
    if first is not None:
        return "ok", _first_byte(attempt, attempt.connection.split(first))
    if missing is not None:
        raise missing
    return "not tried", "there is no object that could be read"


def _first_byte(attempt: _Attempt, location: Location) -> str:
    """Ask for one byte, and for nothing before it: the answer to a HEAD would not say why it refuses."""
    objects = attempt.connection.objects("read", location)
    path = attempt.connection.cloud.with_version(location)
    try:
        attempt.ask(objects.get(location.key, ByteRange(0, 1), version=location.version))
    except OSError as error:
        # No byte of an empty object can be asked for.
        if error.errno not in (errno.EINVAL, errno.EIO) or not _is_empty(attempt, location):
            raise
        return f"{path!r}, which is empty"
    return f"one byte of {path!r}"


def _is_empty(attempt: _Attempt, location: Location) -> bool:
    try:
        found = attempt.ask(attempt.connection.objects("head", location).head(location.key, version=location.version))
    except OSError:
        return False
    return found.size == 0


def _write(attempt: _Attempt) -> tuple[str, str]:
    location = attempt.location
    if not location.bucket:
        return "not tried", "the URL names no bucket"
    folder = location.key if location.key.endswith("/") or not location.key else f"{location.key.rpartition('/')[0]}/"
    probe = Location(location.bucket, f"{folder.lstrip('/')}{_PROBE}-{uuid.uuid4().hex}")
    with _of_bucket():
        if not attempt.connection.cloud.uploads_begin:
            return _write_on_condition(attempt, probe)
        if not _begin_and_abort(attempt, probe):
            return "not tried", "nothing can be written to this bucket without a trace"
    return "ok", "an upload was begun and given up; nothing was written"


def _begin_and_abort(attempt: _Attempt, probe: Location) -> bool:
    """Begin an upload, on the plane that conditional ones take, and give it up before it has a part; or neither."""
    connection = attempt.connection
    if not _has_sdk(connection, "conditional upload"):
        _begin_on_data_plane(connection, probe)
        return True
    return attempt.ask(connection.sdk.objects(probe.bucket).try_upload(probe.key))


def _begin_on_data_plane(connection: Connection, probe: Location) -> None:
    def nothing() -> Iterator[Piece]:
        raise _GivenUpError
        yield b""

    put = connection.store(probe.bucket).put_stream
    with suppress(_GivenUpError):
        call(partial(put, probe.key, nothing(), part_bytes=_MIN_PART_BYTES, max_concurrency=1), LONGEST_SECONDS)


def _write_on_condition(attempt: _Attempt, probe: Location) -> tuple[str, str]:
    """A write that is allowed or not, and cannot happen: its name is new, and its condition a state of an object."""
    state, objects = _NO_STATE[attempt.connection.cloud.condition], attempt.connection.objects("write", probe)
    try:
        attempt.ask(objects.put(probe.key, b"", if_match=state))
    except PreconditionFailedError:
        return "ok", "a write on a condition that cannot hold was allowed; nothing was written"
    attempt.ask(objects.delete(probe.key))
    return "ok", "an object was written, as the server ignores conditions, and removed"


CHECKS: Final[Mapping[str, Callable[[_Attempt], tuple[str, str]]]] = {"list": _list, "read": _read, "write": _write}
