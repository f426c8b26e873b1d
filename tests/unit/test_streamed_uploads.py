"""Which multipart uploads an abort ends once more: its own, as far as that is known, and nobody else's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pickle import PickleBuffer
from typing import Any

import pytest
from fsspec.asyn import get_loop

from objfs import uploads
from objfs.clouds._cloud import PartBounds
from objfs.types import Written
from objfs.uploads import StreamedUpload
from tests.unit.recording import until

PATIENCE = 20
PART = b"x" * 16


class Service:
    """The uploads of one key as the SDK sees them; a test says what happens while they are listed."""

    def __init__(self, *ids: str) -> None:
        self.ids, self.aborted = set(ids), list[str]()
        self.while_listed: Callable[[], object] = lambda: None

    async def uploads(self, _: str) -> set[str]:
        """What is listed."""
        found = set(self.ids)
        self.while_listed()
        return found

    async def abort_upload(self, _: str, upload: str) -> None:
        """Note it."""
        self.aborted.append(upload)


class Store:
    """Takes parts as obstore does, and holds the bytes of those that are not answered."""

    def __init__(self, service: Service, *, answers: bool, end: Callable[[], Written]) -> None:
        self._service, self._answers, self._end = service, answers, end
        self.taken, self.failed, self.held = threading.Event(), threading.Event(), list[PickleBuffer]()
        self.goes_on, self.deletes, self.asks = threading.Event(), True, 100

    def put_stream(self, _: str, pieces: Iterator[memoryview], **__: Any) -> Written:
        """All of an upload."""
        self._service.ids.add("ours")
        try:
            for piece in pieces:
                if not self._answers:
                    self.held.append(PickleBuffer(piece))
                assert len(self.held) < self.asks or self.goes_on.wait(PATIENCE)
        except uploads.UploadAborted:
            if self.deletes:
                self._service.ids.discard("ours")
            raise
        self.taken.set()
        assert self.goes_on.wait(PATIENCE)
        return self._end()


def begin(store: Store, service: Service) -> StreamedUpload:
    """An upload with one part that obstore has."""
    bounds = PartBounds(1, 1 << 30, 10)
    given: dict[str, Any] = {"bounds": bounds, "part_bytes": len(PART), "max_concurrency": 1}
    made = StreamedUpload(store, "key", witness=service, loop=get_loop(), **given)  # type: ignore[arg-type]
    made.write([PART])
    assert until(lambda: bool(made._lent))
    return made


def begin_unanswered(asks: int) -> tuple[Service, Store, StreamedUpload]:
    """An upload of as many parts as obstore asks for, none of which is answered."""
    service = Service()
    store = Store(service, answers=False, end=completed)
    store.asks = asks
    upload = begin(store, service)
    for _ in range(asks - 1):
        upload.write([PART])
    assert until(lambda: len(store.held) == asks)
    return service, store, upload


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_LANDING_SECONDS", 0.2)


def completed() -> Written:
    """What obstore is answered at the end."""
    return Written("etag", None)


@pytest.mark.parametrize("others", [(), ("theirs",)], ids=["alone", "beside-another"])
def test_upload_that_waits_for_parts_is_aborted_twice(others: tuple[str, ...]) -> None:
    """By obstore, and once more for a part that was in flight."""
    service = Service(*others)
    upload = begin(Store(service, answers=True, end=completed), service)
    upload.abort()
    assert (service.aborted, service.ids) == (["ours"], set(others))


def test_upload_that_is_there_after_its_abort_is_aborted_again() -> None:
    """obstore's request has failed, or a part came after it; obstore asked for parts until then, so it is ours."""
    service = Service()
    store = Store(service, answers=True, end=completed)
    store.deletes = False
    begin(store, service).abort()
    assert service.aborted == ["ours"]


def test_upload_whose_parts_are_not_answered_is_aborted_although_obstore_waits() -> None:
    """It has all parts: what it holds shows that the upload is there, and so that it is the one that is listed."""
    service = Service()
    store = Store(service, answers=False, end=completed)
    upload = begin(store, service)
    upload._hand_over(None)
    assert store.taken.wait(PATIENCE)
    upload.abort()
    assert set(service.aborted) == {"ours"}
    store.goes_on.set()


def test_upload_is_aborted_although_obstore_asks_for_no_part_any_more() -> None:
    """None of the parts that it may send at a time is answered: it cannot be told, and the process may be ending."""
    service, store, upload = begin_unanswered(2)
    upload.abort()
    assert service.aborted == ["ours"]
    store.goes_on.set()


def test_upload_of_another_process_is_left_alone_where_obstore_is_aborting_ours() -> None:
    """A part has failed: ours has ended, while obstore still holds the part that it was to send next."""
    service, store, upload = begin_unanswered(1)
    service.ids = {"theirs"}
    upload.abort()
    assert service.aborted == []
    store.goes_on.set()


def test_upload_of_another_process_is_left_alone_where_ours_may_have_ended() -> None:
    """All parts are answered, and the answer to the end is on its way: the one that is listed is another's."""
    service = Service()
    store = Store(service, answers=True, end=completed)
    upload = begin(store, service)
    upload._hand_over(None)
    assert store.taken.wait(PATIENCE)
    service.ids = {"theirs"}
    upload.abort()
    assert service.aborted == []
    store.goes_on.set()


def test_upload_of_another_process_is_left_alone_where_obstore_has_failed_meanwhile() -> None:
    """It has aborted its upload before the listing, and tells so after it."""

    def failed() -> Written:
        raise ConnectionResetError

    service = Service()
    store = Store(service, answers=False, end=failed)
    upload = begin(store, service)
    upload._hand_over(None)
    assert store.taken.wait(PATIENCE)
    service.ids = {"theirs"}
    store.held.clear()
    service.while_listed = store.goes_on.set
    upload.abort()
    assert service.aborted == []
