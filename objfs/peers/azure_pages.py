"""Pages of Azure's listings: signed, sent and repeated by the blob client; what they hold is read by `xml_items`."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from typing import Any, Final

from objfs.clouds.azure_calls import is_directory
from objfs.peers.answers import sizes_of
from objfs.peers.azure_blobs import quoted
from objfs.peers.xml_items import Table, cut
from objfs.records import record

# https://learn.microsoft.com/rest/api/storageservices/list-blobs
_PARENTS: Final = ("EnumerationResults", "Blobs")
_BLOB, _PREFIX = "Blob", "BlobPrefix"
_METADATA: Final = "Metadata"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=1024)
def _time(text: str) -> datetime | None:
    """A date of HTTP (RFC 9110, section 5.6.7): ``Sun, 06 Nov 1994 08:49:37 GMT``."""
    if not text:
        return None
    _, day, month, year, clock, zone = text.split(" ")
    hour, minute, second = clock.split(":")
    if zone != "GMT":
        raise ValueError(text)
    date = (int(year), _MONTHS.index(month) + 1, int(day))
    return datetime(*date, int(hour), int(minute), int(second), tzinfo=UTC)


def _flag(text: str) -> bool | None:
    if text not in ("", "true", "false"):
        raise ValueError(text)
    return text == "true" if text else None


def _number(text: str) -> int | None:
    return int(text) if text else None


def _refuse(text: str) -> None:
    """What the blob client makes an object of its own of."""
    raise ValueError(text)


# Elements of a blob, and what the listings of objfs call them.
_MEMBERS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "Properties/Creation-Time": ("creation_time", _time),
    "Deleted": ("deleted", _flag),
    "Properties/DeletedTime": ("deleted_time", _time),
    "Properties/Last-Modified": ("last_modified", _time),
    "Properties/RemainingRetentionDays": ("remaining_retention_days", _number),
    "Properties/ArchiveStatus": ("archive_status", _refuse),
    "Properties/LastAccessTime": ("last_accessed_on", _time),
    "Properties/Etag": ("etag", quoted),
    "Tags": ("tags", _refuse),
    "Properties/TagCount": ("tag_count", _number),
    "VersionId": ("version_id", str),
    "IsCurrentVersion": ("is_current_version", _flag),
}
_SETTINGS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "Properties/Content-Type": ("content_type", str),
    "Properties/Content-Encoding": ("content_encoding", str),
    "Properties/Content-Language": ("content_language", str),
    "Properties/Content-MD5": ("content_md5", lambda text: bytearray(b64decode(text, validate=True))),
    "Properties/Content-Disposition": ("content_disposition", str),
    "Properties/Cache-Control": ("cache_control", str),
}
_CONTENT_SETTINGS: Final = "content_settings"
_NAME, _SIZE = "Name", "Properties/Content-Length"
_OK: Final = 200


@record
class Listed:
    """One page of a listing.

    Parameters
    ----------
    container
        Its name.
    items
        What the blob client has read.
    tables
        What it was spared.
    """

    container: str
    items: Sequence[Any]
    tables: Sequence[Table]

    def blobs(self, describe: Callable[[Any], dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The blobs; ``describe`` makes of what the blob client has read what was asked for."""
        for table in self.tables:
            if table.tag == _BLOB:
                fields = tuple(table.columns)
                for row in zip(*table.columns.values(), strict=True):
                    yield dict(zip(fields, row, strict=True))
        for item in self.items:
            if not _is_prefix(item):
                yield describe(item)

    def prefixes(self) -> Iterator[str]:
        """The prefixes."""
        for table in self.tables:
            if table.tag == _PREFIX:
                yield from table.columns[_NAME]
        for item in self.items:
            if _is_prefix(item):
                yield item.name


class Pages:
    """The pages of one listing, in their order.

    Parameters
    ----------
    list_blobs
        The method of a container's client; ``walk_blobs`` gives prefixes, too.
    container
        Its name.
    keys
        What is asked of each blob beside its name, size and type.
    versions
        Whether to ask for all versions of the blobs. The blob client reads them.
    token
        Of the first page.
    **keywords
        Of the method.
    """

    def __init__(
        self,
        list_blobs: Callable[..., Any],
        container: str,
        keys: Sequence[str],
        *,
        versions: bool = False,
        token: Any = None,
        **keywords: Any,
    ) -> None:
        self._container, self._keys = container, keys
        self._tables: list[Table] = []
        how = {"include": ["metadata", "versions"]} if versions else {"raw_response_hook": self.take_items}
        self._pager = list_blobs(**{"include": ["metadata"], **how, **keywords}).by_page(token)

    async def ask(self, _: Any = None) -> tuple[Listed, Any]:
        """The next page, and the token of the one after it."""
        items = [item async for item in await anext(self._pager)]
        return Listed(self._container, items, list(self._tables)), self._pager.continuation_token or None

    def take_items(self, response: Any) -> None:
        """Read blobs and prefixes, and leave the rest of the page to the blob client; a hook of its pipeline."""
        self._tables.clear()
        answer = response.http_response
        if answer.status_code != _OK:
            return
        page = answer.body()
        found = cut(page, _PARENTS, (_BLOB, _PREFIX), self._is_wanted)
        if found is None:
            return
        try:
            tables = [self._cast(table) if table.tag == _BLOB else _with_name(table) for table in found.tables]
        except (KeyError, ValueError):
            return
        # The client has no other place where the bytes of an answer could be replaced.
        answer._content = found.rest  # noqa: SLF001
        if answer.body() == found.rest:
            self._tables += tables
        else:
            answer._content = page  # noqa: SLF001

    def _is_wanted(self, path: str) -> bool:
        if path in _MEMBERS:
            return _MEMBERS[path][0] in self._keys
        if path in _SETTINGS:
            return _CONTENT_SETTINGS in self._keys
        return path in (_NAME, _SIZE) or path.startswith((_METADATA, "Tags"))

    def _cast(self, table: Table) -> Table:
        """The blobs as the listings of objfs have them."""
        texts, length = dict(table.columns), table.length
        names, sizes = texts.pop(_NAME), sizes_of(texts.pop(_SIZE))
        metadata = _metadata(texts, length)
        found: dict[str, Sequence[Any]] = {"metadata": metadata}
        if _CONTENT_SETTINGS in self._keys:
            found[_CONTENT_SETTINGS] = _content_settings(texts, length)
        for path, column in texts.items():
            name, cast = _MEMBERS[path]
            found[name] = list(map(cast, column))
        are_files = [not is_directory(each or {}) for each in metadata] if any(metadata) else [True] * length
        columns = {key: found.get(key, [None] * length) for key in self._keys}
        columns["name"] = [f"{self._container}/{name}" for name in names]
        columns["size"] = [size if file else None for size, file in zip(sizes, are_files, strict=True)]
        columns["type"] = ["file" if file else "directory" for file in are_files]
        return Table(table.tag, columns, length)


def _with_name(table: Table) -> Table:
    if _NAME not in table.columns:
        raise KeyError(_PREFIX)
    return table


def _metadata(texts: dict[str, Sequence[str]], length: int) -> list[Any]:
    """The metadata of each blob as the client has them, None where they are there but empty; taken out of texts."""
    paths = [path for path in texts if path.startswith(_METADATA)]
    columns = {path.partition("/")[2]: texts.pop(path) for path in paths}
    if not columns:
        return [{} for _ in range(length)]
    if "" in columns:
        return [None] * length
    return [
        {name: text or None for name, text in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def _content_settings(texts: dict[str, Sequence[str]], length: int) -> list[Any]:
    """The content settings of each blob; their columns are taken out."""
    from azure.storage.blob import ContentSettings

    casts = [(name, cast, texts.pop(path)) for path, (name, cast) in _SETTINGS.items() if path in texts]
    columns = [[cast(text) or None for text in column] for _, cast, column in casts]
    names = [name for name, _, _ in casts]
    rows = zip(*columns, strict=True) if columns else repeat((), length)
    return [ContentSettings(**dict(zip(names, row, strict=True))) for row in rows]


def _is_prefix(item: Any) -> bool:
    return "blob_type" not in item.keys()  # noqa: SIM118 - no mapping; a prefix is a pager of what is below
