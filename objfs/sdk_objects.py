"""The objects of one bucket through the SDK plane, with the methods that `objfs.store.Store` has, and the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from fsspec.utils import tokenize

from objfs.types import ByteRange, Chunk, Location, ObjectInfo, Suffix, Written

if TYPE_CHECKING:
    from objfs.sdk import SdkPlane

# What a name in a listing is. A marker is the empty object that stands for a directory.
FILE: Final = "file"
DIRECTORY: Final = "directory"
MARKER: Final = "marker"


def kind_of(item: Mapping[str, Any]) -> str:
    """What an entry of a listing is."""
    if item["type"] != FILE:
        return DIRECTORY
    return MARKER if not item["size"] and str(item["name"]).endswith("/") else FILE


class SdkObjects(ABC):
    """Requests of one cloud's SDK about one bucket.

    Parameters
    ----------
    plane
        The SDK plane.
    bucket
        As the user spells it.
    keywords
        Keywords of the caller, in the words of the peer, for every request that knows them.
    """

    # Keys that `delete_many` takes at a time.
    keys_per_delete: ClassVar[int] = 1000
    # Whether parts of an upload may be sent at the same time.
    parallel_parts: ClassVar[bool] = True

    def __init__(self, plane: SdkPlane, bucket: str, keywords: Mapping[str, Any] | None = None) -> None:
        self._plane = plane
        self._bucket = bucket
        self._keywords = dict(keywords or {})

    @property
    def filesystem(self) -> str:
        """The name of its cloud."""
        return self._plane.cloud

    @property
    def keeps_listings(self) -> bool:
        """Whether listings are kept in the cache that all instances share."""
        return bool(self._plane.dircache.use_listings_cache)

    # -- bytes, as `Store` has them -------------------------------------------------------------------------------

    @abstractmethod
    async def get(
        self,
        key: str,
        wanted: ByteRange | Suffix | None = None,
        *,
        if_match: str | None = None,
        version: str | None = None,
    ) -> Chunk:
        """Read an object or a range of it; ``OSError`` with ``EINVAL`` where the range begins past the end."""

    @abstractmethod
    async def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """What the store says about an object."""

    @abstractmethod
    async def put(
        self,
        key: str,
        data: bytes | bytearray | memoryview,
        *,
        create: bool = False,
        if_match: str | None = None,
    ) -> Written:
        """Write an object with one request; its attributes are among the caller's keywords."""

    @abstractmethod
    async def delete(self, key: str, *, version: str | None = None) -> None:
        """Delete one object."""

    @abstractmethod
    async def any_below(self, prefix: str) -> bool:
        """Whether any key begins with ``prefix/``; with an empty prefix, whether the bucket holds anything."""

    # -- uploads in parts -----------------------------------------------------------------------------------------

    @abstractmethod
    async def begin_upload(self, key: str, *, create: bool, if_match: str | None) -> Any:
        """Begin an upload; what names it in the calls below."""

    @abstractmethod
    async def send_part(self, key: str, upload: Any, number: int, start: int, data: bytes) -> Any:
        """Send the part of this number (from 1) that begins at byte ``start``; what `complete_upload` needs of it."""

    @abstractmethod
    async def copy_part(self, key: str, upload: Any, source: str, e_tag: str | None) -> Any:
        """Make the bytes of an object (``bucket/key``), in that state, the first part."""

    @abstractmethod
    async def complete_upload(
        self, key: str, upload: Any, parts: Sequence[Any], *, size: int, create: bool, if_match: str | None
    ) -> Written:
        """Publish the object."""

    @abstractmethod
    async def abort_upload(self, key: str, upload: Any) -> None:
        """Give an upload up until no part of it is left."""

    async def try_upload(self, key: str) -> bool:
        """Begin an upload and give it up, to see whether it may be; False where none can begin without a trace."""
        await self.abort_upload(key, await self.begin_upload(key, create=True, if_match=None))
        return True

    async def uploads(self, key: str) -> set[str]:
        """Ids of the uploads of exactly this key that are not finished, where the service can list them."""
        return set()

    # -- what obstore cannot do -----------------------------------------------------------------------------------

    @abstractmethod
    async def copy(self, source: Location, key: str, **keywords: Any) -> None:
        """Copy an object, also from another bucket, into this one."""

    @abstractmethod
    async def copy_new(self, source: Location, key: str) -> None:
        """Copy an object into this bucket where no object has that key; the server decides.

        Raises
        ------
        FileExistsError
            One has.
        NotSupportedError
            The server cannot decide it, or is said not to.
        """

    @abstractmethod
    async def delete_many(self, keys: Sequence[str]) -> None:
        """Delete at most `keys_per_delete` objects.

        Raises
        ------
        OSError
            One of them was not deleted; the message says how many.
        """

    @abstractmethod
    async def info(self, location: Location, **keywords: Any) -> dict[str, Any]:
        """What the peer's ``info()`` says of an object, directory or bucket."""

    @abstractmethod
    async def preserved(self, key: str) -> dict[str, Any]:
        """Keywords of a write that keep the headers and metadata of an object that is appended to."""

    async def checksum(self, location: Location) -> int:
        """A number that changes whenever the object does."""
        return int(tokenize(await self.info(location)), 16)

    @abstractmethod
    async def sign(self, location: Location, expires: int, **keywords: Any) -> str:
        """A URL that is good for ``expires`` seconds."""

    @abstractmethod
    async def ls(
        self, path: str, *, refresh: bool = False, names_only: bool = False, **keywords: Any
    ) -> list[dict[str, Any]]:
        """One level of names below a path, or the path itself where it is an object.

        With ``names_only`` the entries need not have more than ``name``, ``size`` and ``type``.
        """

    @abstractmethod
    async def find(
        self, path: str, *, maxdepth: int | None, withdirs: bool | None, prefix: str, **keywords: Any
    ) -> Any:
        """All objects below a path as a dict of name to info."""

    async def kinds(
        self, path: str, *, maxdepth: int | None, withdirs: bool | None, prefix: str, **keywords: Any
    ) -> dict[str, str]:
        """The names that `find` finds and what they are, where nobody asks for more."""
        found = await self.find(path, maxdepth=maxdepth, withdirs=withdirs, prefix=prefix, **keywords)
        return {name: kind_of(item) for name, item in found.items()}

    @abstractmethod
    async def page(
        self, prefix: str, *, start_after: str | None, limit: int, token: Any
    ) -> tuple[list[dict[str, Any]], Any]:
        """One page of a listing, by one request: what `find` says of each object, and the token of the next page.

        Parameters
        ----------
        prefix
            What keys begin with.
        start_after
            A hint: objects up to this key are not needed.
        limit
            How many at most; a service may give less.
        token
            What came with the page before; None for the first, and after the last.
        """

    # -- buckets --------------------------------------------------------------------------------------------------

    @abstractmethod
    async def exists(self) -> bool:
        """Whether the bucket exists; a refusal raises."""

    @abstractmethod
    async def create(self, **keywords: Any) -> None:
        """Create the bucket."""

    @abstractmethod
    async def remove(self) -> None:
        """Delete the bucket, which is empty."""

    async def empty(self) -> None:  # noqa: B027 - most services have nothing of the kind
        """Remove what keeps a bucket from being deleted though no object is listed, such as old versions."""
