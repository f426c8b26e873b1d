"""Pages of S3's listings: signed, sent and repeated by boto's client; what they hold is read by `xml_items`."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote_plus

from objfs.peers.answers import size_of, sizes_of
from objfs.peers.xml_items import Table, cut
from objfs.sdk_objects import FILE, MARKER

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
_PARENTS: Final = ("ListBucketResult",)
_OBJECT, _PREFIX, _NAME_OF_PREFIX = "Contents", "CommonPrefixes", "Prefix"
# Where the handler puts what it has read.
_TABLES: Final = "objfs"
# Handlers of an event with a wildcard come first, and one of boto's parses the whole page.
_EVENT: Final = "before-parse.*.ListObjectsV2"
# No key of a sound server has it.
_BETWEEN: Final = "\0"

_taking: ContextVar[bool] = ContextVar("objfs_taking", default=False)


def _time(text: str) -> datetime:
    """``2009-10-12T17:50:30.000Z``; of other forms there are more than one opinion."""
    if text[4:8:3] != "--" or text[10:20:3] not in ("T::.", "T::Z") or not text.endswith("Z"):
        raise ValueError(text)
    return datetime.fromisoformat(text)


# What is understood of an object, as boto has it. A page with more of what boto knows is left to boto.
_CASTS: Final[Mapping[str, Callable[[str], Any]]] = {
    "Key": str,
    "LastModified": _time,
    "ETag": str,
    "ChecksumAlgorithm": lambda text: [text],
    "ChecksumType": str,
    "Size": size_of,
    "StorageClass": str,
    "Owner/DisplayName": str,
    "Owner/ID": str,
}


async def list_page(self: Any, _: str, bucket: str, **parameters: Any) -> Mapping[str, Any]:
    """One page of a listing by the client of an instance of s3fs.

    The answer has the objects and prefixes of the page as tables where they could be read, else as boto has them.
    """
    await self.set_session()
    client = await self.get_s3(bucket)
    client.meta.events.register_first(_EVENT, take_items, unique_id="objfs-listing")
    # Without boto's own hand in it, nobody knows whether the names in the answer are to be decoded.
    with taking(allowed="EncodingType" not in self.s3_additional_kwargs):
        answer: Mapping[str, Any] = await self._call_s3("list_objects_v2", Bucket=bucket, **parameters)
    return answer


@contextlib.contextmanager
def taking(*, allowed: bool = True) -> Iterator[None]:
    """Have `take_items` do its work in what is done here; other calls of the same client get what boto reads."""
    token = _taking.set(allowed)
    try:
        yield
    finally:
        _taking.reset(token)


def take_items(
    operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Read objects and prefixes, and leave the rest of the page to boto; a handler of its event ``before-parse``."""
    if not _taking.get() or response_dict["status_code"] != 200:
        return
    known = operation_model.output_shape.members[_OBJECT].member.members
    tables: list[Table] = []
    for tag in (_OBJECT, _PREFIX):
        found = cut(response_dict["body"], _PARENTS, (tag,))
        if found is not None:
            with contextlib.suppress(KeyError, ValueError):
                tables += [_cast(table, known) if tag == _OBJECT else _with_prefix(table) for table in found.tables]
                response_dict["body"] = found.rest
    customized_response_dict[_TABLES] = tables


def _cast(table: Table, known: Iterable[str]) -> Table:
    """The columns that boto knows, as it has them; an error where one is not what it should be."""
    names = [name for name in table.columns if name.partition("/")[0] in known]
    columns = {name: list(map(_CASTS[name], table.columns[name])) for name in names if name != "Size"}
    if not {"Key", "Size"} <= set(names):
        raise KeyError(_OBJECT)
    columns["Size"] = sizes_of(table.columns["Size"])
    owners = [name for name in names if name.startswith("Owner/")]
    if owners:
        parts = [name.partition("/")[2] for name in owners]
        columns["Owner"] = [
            dict(zip(parts, each, strict=True)) for each in zip(*[columns.pop(name) for name in owners], strict=True)
        ]
    return Table(table.tag, columns, table.length)


def _with_prefix(table: Table) -> Table:
    if _NAME_OF_PREFIX not in table.columns:
        raise KeyError(_PREFIX)
    return table


class Listed:
    """One page of a listing.

    Parameters
    ----------
    bucket
        Its name.
    answer
        What `list_page` gave.
    """

    def __init__(self, bucket: str, answer: Mapping[str, Any]) -> None:
        self._bucket, self._answer = bucket, answer
        self._tables: Sequence[Table] = answer.get(_TABLES, ())
        self._decode: Callable[[str], str] = unquote_plus if answer.get("EncodingType") == "url" else str

    @property
    def token(self) -> str | None:
        """What asks for the next page."""
        if not self._answer.get("IsTruncated"):
            return None
        token: str | None = self._answer.get("NextContinuationToken")
        if token is None:
            raise OSError(errno.EIO, "the server says that the listing goes on, but not how", self._bucket)
        return token

    def entries(self, *, names_only: bool = False) -> list[dict[str, Any]]:
        """The objects, as s3fs describes them, or where it is known their names, sizes and types only."""
        found = [entry(self._bucket, item) for item in self._answer.get(_OBJECT, ())]
        for columns in self._objects():
            names = self._names(columns["Key"])
            whole = {} if names_only else {**columns, "Key": names}
            whole |= {"type": [FILE] * len(names), "size": columns["Size"], "name": names}
            fields = tuple(whole)
            found += [dict(zip(fields, each, strict=True)) for each in zip(*whole.values(), strict=True)]
        return found

    def kinds(self) -> Iterator[tuple[str, str]]:
        """Names of the objects, and whether they are files or markers of directories."""
        for columns in self._objects():
            for name, size in zip(self._names(columns["Key"]), columns["Size"], strict=True):
                yield name, _kind(name, size)
        for item in self._answer.get(_OBJECT, ()):
            name = f"{self._bucket}/{item['Key']}"
            yield name, _kind(name, size_of(item["Size"]))

    def directories(self) -> list[dict[str, Any]]:
        """The prefixes, as s3fs describes directories."""
        found = [item[_NAME_OF_PREFIX] for item in self._answer.get(_PREFIX, ())]
        for table in self._tables:
            if table.tag == _PREFIX:
                found += map(self._decode, table.columns[_NAME_OF_PREFIX])
        return [directory(f"{self._bucket}/{prefix[:-1]}") for prefix in found]

    def _objects(self) -> Iterator[Mapping[str, Any]]:
        return (table.columns for table in self._tables if table.tag == _OBJECT)

    def _names(self, keys: Sequence[str]) -> list[str]:
        text = _BETWEEN.join(keys)
        if self._decode is not str and ("%" in text or "+" in text):
            # At once, which takes a third of the time, but for keys that have in them what stands between.
            decoded = self._decode(text).split(_BETWEEN)
            keys = decoded if len(decoded) == len(keys) else [self._decode(key) for key in keys]
        return [f"{self._bucket}/{key}" for key in keys]


def entry(bucket: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """An object of boto's answer as s3fs describes it."""
    name = f"{bucket}/{item['Key']}"
    return {**item, "Key": name, "type": "file", "size": size_of(item["Size"]), "name": name}


def directory(path: str) -> dict[str, Any]:
    """A directory as s3fs describes it."""
    return {"Key": path, "Size": 0, "StorageClass": "DIRECTORY", "type": "directory", "size": 0, "name": path}


def _kind(name: str, size: int) -> str:
    return MARKER if not size and name.endswith("/") else FILE
