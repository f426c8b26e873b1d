"""S3 as a filesystem: the order of arguments and the few names that only s3fs has."""

# The order of arguments is s3fs's, which is not fsspec's.
# mypy: disable-error-code="override"

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from fsspec.callbacks import DEFAULT_CALLBACK

from objfs.clouds.s3 import S3
from objfs.clouds.s3_calls import CANNED_ACLS
from objfs.filesystem import ObjectFileSystem
from objfs.reading import ObjectFile

if TYPE_CHECKING:
    from objfs.writing import ObjectWriter


class S3FileSystem(ObjectFileSystem):
    """Amazon S3 and compatible stores, for ``s3://`` and ``s3a://``.

    Examples
    --------
    >>> fs = S3FileSystem(anon=True)  # doctest: +SKIP
    >>> fs.ls("bucket/prefix")  # doctest: +SKIP
    """

    cloud = S3
    protocol = S3.schemes
    versions_need_awareness: ClassVar[bool] = True

    def split_path(self, path: str) -> tuple[str, str, str | None]:
        """Bucket, key and version id of a path."""
        location = self._split(path)
        return location.bucket, location.key, location.version

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        acl: str | bool = False,
        version_id: str | None = None,
        fill_cache: bool | None = None,
        cache_type: str | None = None,
        autocommit: bool = True,
        size: int | None = None,
        requester_pays: bool | None = None,
        cache_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> ObjectFile | ObjectWriter:
        """Open an object, binary; see `ObjectFile` and `ObjectWriter`."""
        if requester_pays and not self.connection.settings.value("request_payer", False):
            kwargs["RequestPayer"] = "requester"
        if acl and "r" not in mode:
            if acl not in CANNED_ACLS:
                msg = f"acl is one of {', '.join(sorted(CANNED_ACLS))}, not {acl!r}"
                raise ValueError(msg)
            kwargs["ACL"] = acl
        file = super()._open(
            path,
            mode,
            block_size,
            autocommit,
            cache_options,
            version_id=version_id,
            cache_type=cache_type,
            size=size,
            **kwargs,
        )
        if isinstance(file, ObjectFile):
            # It says nothing about what is read, here as there.
            chosen = self.connection.settings.value("default_fill_cache", True) if fill_cache is None else fill_cache
            file.fill_cache = bool(chosen)
        return file

    async def _cat_file(
        self,
        path: str,
        version_id: str | None = None,
        start: int | None = None,
        end: int | None = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> bytes:
        """Read ``object[start:end]`` with Python's slice semantics; long ranges in parallel."""
        tuning = {"chunksize": chunksize, "max_concurrency": max_concurrency}
        return await super()._cat_file(path, start, end, version_id=version_id, **tuning, **kwargs)

    async def _pipe_file(
        self,
        path: str,
        data: Any = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        mode: str = "overwrite",
        **kwargs: Any,
    ) -> Any:
        """Write one object: a single PUT up to one part, a parallel multipart upload beyond."""
        value = kwargs.pop("value", data)  # fsspec's name
        return await super()._pipe_file(
            path, value, mode, chunksize=chunksize, max_concurrency=max_concurrency, **kwargs
        )

    async def _put_file(
        self,
        lpath: str,
        rpath: str,
        callback: Any = DEFAULT_CALLBACK,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        mode: str = "overwrite",
        **kwargs: Any,
    ) -> None:
        """Upload one local file; its content type is guessed from its name unless given."""
        await super()._put_file(
            lpath, rpath, mode, callback, chunksize=chunksize, max_concurrency=max_concurrency, **kwargs
        )

    async def _get_file(
        self,
        rpath: str,
        lpath: Any,
        callback: Any = DEFAULT_CALLBACK,
        version_id: str | None = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Download one object in parallel; the local file appears whole or not at all."""
        tuning = {"chunksize": chunksize, "max_concurrency": max_concurrency}
        await super()._get_file(rpath, lpath, callback, version_id=version_id, **tuning, **kwargs)

    async def _cp_file(self, path1: str, path2: str, preserve_etag: bool | None = None, **kwargs: Any) -> None:
        """Copy one object on the server; ``preserve_etag`` copies part by part, as it was uploaded."""
        _refuse_unknown(kwargs)
        await super()._cp_file(path1, path2, preserve_etag=preserve_etag or None, **kwargs)

    def _write_keywords(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords of a write, all of which some request must have."""
        _refuse_unknown(keywords)
        return super()._write_keywords(keywords)

    async def _info(
        self,
        path: str,
        bucket: str | None = None,
        key: str | None = None,
        refresh: bool = False,
        version_id: str | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Describe an object, directory or bucket; asked of the server, unless a listing of it is kept."""
        return await super()._info(path, version_id=version_id, refresh=refresh, **kwargs)

    async def _ls(
        self, path: str, detail: bool = False, refresh: bool = False, versions: bool = False, **kwargs: Any
    ) -> list[Any]:
        """List a directory, a bucket, or with an empty path all buckets."""
        return await super()._ls(path, detail, refresh=refresh, versions=versions, **kwargs)

    async def _mkdir(
        self, path: str, acl: Any = False, create_parents: bool = True, region_name: str | None = None, **kwargs: Any
    ) -> None:
        """Create a bucket, with a canned ACL and in a region; a directory within one needs no creation."""
        await super()._mkdir(path, create_parents, acl=acl, region_name=region_name, **kwargs)

    async def _url(self, path: str, expires: int = 3600, client_method: str = "get_object", **kwargs: Any) -> str:
        """A presigned URL; ``client_method`` is what it does, as boto names it."""
        return await super()._url(path, expires, client_method=client_method, **kwargs)


def _refuse_unknown(keywords: Mapping[str, Any]) -> None:
    unsure = sorted(set(keywords) - S3.data_keywords)
    if unsure:
        from objfs.peers.s3_words import refuse_unknown  # what the data plane knows needs no botocore

        refuse_unknown(unsure)
