"""What the object_store family reads: listings in pages, ranges, what a HEAD tells, many signed URLs."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from objfs.bulk_reads import Ranges, read_all
from objfs.concurrency import run_bounded
from objfs.credentials.select import ANONYMOUS
from objfs.errors import CredentialsError
from objfs.peers.pages import Tokens
from objfs.put_verbs import PutVerbs
from objfs.steps import drive_async
from objfs.transfers import read_slice
from objfs.types import Location


class ObjectVerbs(PutVerbs):
    """Verbs of object_store that fsspec has no name for."""

    more_verbs: ClassVar[tuple[str, ...]] = ("_get_range", "_get_ranges", "_list_pages", "_object_meta", "_sign_many")

    # -- listings -------------------------------------------------------------------------------------------------

    async def _list_pages(
        self, path: str, page_size: int = 1000, start_after: str | None = None, prefix: str = ""
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """List the objects below a path page by page; each page is one answer of the server.

        Parameters
        ----------
        path
            ``bucket`` or ``bucket/directory``; an object is the only entry of a page.
        page_size
            Objects in a page at most; a service gives no more than a thousand (Azure: five thousand) at once.
        start_after
            Path of an object, which need not exist: what comes after it in the order of UTF-8.
        prefix
            What the names below ``path`` begin with.

        Yields
        ------
        list of dict
            As ``find(path, detail=True)`` has them; never empty.

        Raises
        ------
        FileNotFoundError
            No such bucket.
        ValueError
            No bucket is named, ``page_size`` is less than 1, or ``start_after`` is in another bucket.
        """
        location = self._split(path)
        if not location.bucket or page_size < 1:
            msg = f"a listing in pages needs a bucket and a page_size of at least 1, not {path!r} and {page_size}"
            raise ValueError(msg)
        after = self._key_after(location, start_after)
        objects = self.connection.require_sdk("list").objects(location.bucket)
        begin = f"{location.key.removesuffix('/')}/" if location.key else ""
        token, found, asked = None, False, Tokens()
        while True:
            asked.add(token)
            page, token = await objects.page(begin + prefix, start_after=after, limit=page_size, token=token)
            page = [info for info in page if _comes_after(info["name"], location.bucket, after)]
            found = found or bool(page)
            if page:
                yield page
            if token is None:
                break
        if not found and not prefix and location.key and not location.key.endswith("/"):
            alone = await self._alone(location)
            if alone is not None and _comes_after(alone["name"], location.bucket, after):
                yield [alone]

    def _key_after(self, location: Location, start_after: str | None) -> str | None:
        if start_after is None:
            return None
        offset = self._split(start_after)
        if offset.bucket != location.bucket:
            msg = f"start_after is the path of an object in {location.bucket!r}, not {start_after!r}"
            raise ValueError(msg)
        return offset.key

    async def _alone(self, location: Location) -> dict[str, Any] | None:
        """The object of exactly a path."""
        try:
            found: dict[str, Any] = await self._info(location.path)
        except FileNotFoundError:
            return None
        return found if found["type"] == "file" else None

    # -- one object -----------------------------------------------------------------------------------------------

    async def _object_meta(self, path: str, version: str | None = None) -> dict[str, Any]:
        """What one HEAD tells of an object.

        Parameters
        ----------
        path
            The object.
        version
            Which version of it, also where the instance does not look after versions; by default the current one.

        Returns
        -------
        dict
            ``path``, ``last_modified``, ``size``, ``e_tag`` and ``version``, as obstore's ``head`` names them; it can
            be given to a write as ``mode=``.

        Raises
        ------
        FileNotFoundError
            No such object; a directory is none.
        """
        location = self._key(path)
        if version is not None:
            if location.version not in (None, version):
                msg = f"the path names version {location.version!r}, version={version!r}"
                raise ValueError(msg)
            location = Location(location.bucket, location.key, version)
        found = await self._stat(location)
        return {
            "path": location.path,
            "last_modified": found.last_modified,
            "size": found.size,
            "e_tag": found.e_tag,
            "version": found.version,
        }

    async def _get_range(self, path: str, start: int, end: int | None = None, length: int | None = None) -> bytes:
        """Read a range of an object.

        Parameters
        ----------
        path
            The object.
        start
            First byte.
        end, length
            One of them: the byte after the last, or how many. What lies past the end of the object is left out.

        Raises
        ------
        ValueError
            Both or neither of ``end`` and ``length`` are given, or a bound is negative or before ``start``.
        """
        return await drive_async(read_slice(self._source(self._key(path)), *_bounds(start, end, length)))

    async def _get_ranges(
        self,
        path: str,
        starts: Sequence[int],
        ends: Sequence[int] | None = None,
        lengths: Sequence[int] | None = None,
    ) -> list[bytes]:
        """Read ranges of one object, all of one version; near ones share a request.

        Parameters
        ----------
        path
            The object.
        starts
            First byte of each.
        ends, lengths
            One of them, as for `get_range`.

        Raises
        ------
        ValueError
            As for `get_range`, or there are not as many of one as of the other.
        """
        nothing = [None] * len(starts)
        wanted = [
            _bounds(*item)
            for item in zip(
                starts, nothing if ends is None else ends, nothing if lengths is None else lengths, strict=True
            )
        ]
        ranges = Ranges(self._source(self._key(path)), wanted)
        await drive_async(read_all([ranges]))
        return ranges.slices()

    # -- signed URLs ----------------------------------------------------------------------------------------------

    async def _sign_many(
        self, paths: Iterable[str], expiration: float | timedelta = 100, method: str = "GET", **kwargs: Any
    ) -> list[str]:
        """Signed URLs of many objects, which need not exist; the server is not asked for them.

        Parameters
        ----------
        paths
            Objects.
        expiration
            How long the URLs are good for, in seconds; never longer than the credentials that sign them.
        method
            What they are for: ``GET``, ``HEAD``, ``PUT`` or ``DELETE``.
        **kwargs
            As the peer's ``sign`` takes them.

        Returns
        -------
        list of str
            In the order of ``paths``.

        Raises
        ------
        ValueError
            No URL is signed for that method.
        CredentialsError
            The credentials cannot sign, or there are none: ``sign`` gives the URL without a signature then where the
            peer's does (S3).
        """
        signing = self.connection.cloud.signing
        if method.upper() not in signing:
            msg = f"a URL is signed for one of {', '.join(signing)}, not for {method!r}"
            raise ValueError(msg)
        if self.connection.choice is ANONYMOUS:
            raise CredentialsError(errno.EACCES, "there is nothing to sign with: this filesystem is anonymous")
        words = {**signing[method.upper()], **kwargs}
        seconds = int(expiration.total_seconds() if isinstance(expiration, timedelta) else expiration)
        locations = [self._key(path) for path in ([paths] if isinstance(paths, str) else paths)]
        sdk = self.connection.require_sdk("sign")
        buckets = {each.bucket: sdk.objects(each.bucket) for each in locations}
        jobs = [lambda at=each: buckets[at.bucket].sign(at, seconds, **words) for each in locations]
        # The first one finds out what the others are signed with, too.
        return [*await run_bounded(jobs[:1], 1), *await run_bounded(jobs[1:], self._concurrency)]


def _comes_after(name: str, bucket: str, key: str | None) -> bool:
    """Whether an object lies after a key; services order by the bytes of UTF-8, which Python's order of text is not."""
    return key is None or _bytes(name[len(bucket) + 1 :]) > _bytes(key)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


def _bounds(start: int, end: int | None, length: int | None) -> tuple[int, int]:
    if (end is None) is (length is None):
        msg = "a range has an end or a length; give exactly one of them"
        raise ValueError(msg)
    stop = end if end is not None else start + (length or 0)
    if start < 0 or stop < start:
        msg = f"a range [{start}, {stop}) must have 0 <= start <= end; a negative bound is for cat_file"
        raise ValueError(msg)
    return start, stop
