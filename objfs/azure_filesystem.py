"""Azure as a filesystem: the order of arguments and the names that only adlfs has."""

# The order of arguments is adlfs's, which is not fsspec's.
# mypy: disable-error-code="override"

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from fsspec.callbacks import DEFAULT_CALLBACK

from objfs.clouds.azure import AZURE
from objfs.clouds.azure_calls import is_directory, normal_keywords
from objfs.errors import EngineError, MissingExtraError
from objfs.filesystem import ObjectFileSystem
from objfs.peers.azure_blobs import refuse_wrong
from objfs.reading import ObjectFile

if TYPE_CHECKING:
    from objfs.types import Location, ObjectInfo
    from objfs.writing import ObjectWriter


class AzureBlobFile(ObjectFile):
    """A blob being read, with what adlfs's files tell of it."""

    _details: dict[str, Any] | None

    @property
    def metadata(self) -> dict[str, str] | None:
        """Metadata of the blob, asked for on first use."""
        found: dict[str, str] | None = self.details["metadata"]
        return found

    @property
    def details(self) -> dict[str, Any]:
        """What `info` says of the version that is open."""
        if self._details is None:
            location = self._source.location
            self._details = self.fs.info(location.path, version_id=location.version)
        return self._details

    @property
    def container_name(self) -> str:
        """The container."""
        return self.bucket

    @property
    def blob(self) -> str:
        """The key."""
        return self.key


class AzureBlobFileSystem(ObjectFileSystem):
    """Azure Blob Storage, Data Lake Storage Gen2 and OneLake, for ``az://``, ``abfs://`` and their older spellings.

    Examples
    --------
    >>> fs = AzureBlobFileSystem(account_name="account", anon=True)  # doctest: +SKIP
    >>> fs.ls("container/prefix")  # doctest: +SKIP
    """

    cloud = AZURE
    protocol = AZURE.schemes
    versions_need_awareness: ClassVar[bool] = True
    file_class: ClassVar[type[ObjectFile]] = AzureBlobFile
    more_verbs: ClassVar[tuple[str, ...]] = ("_created", "_getxattr", "_setxattrs")

    @property
    def blocksize(self) -> int:
        """Bytes of a block of an open file, as adlfs tells them."""
        return int(self.connection.settings.value("default_block_size") or 50 << 20)

    def split_path(
        self, path: str, delimiter: str = "/", return_container: bool = False, **kwargs: Any
    ) -> tuple[str, str, str | None]:
        """Container, key and version id of a path."""
        location = self._split(path)
        return location.bucket, location.key, location.version

    # -- bytes ----------------------------------------------------------------------------------------------------

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: Mapping[str, Any] | None = None,
        cache_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        version_id: str | None = None,
        content_settings: Any = None,
        **kwargs: Any,
    ) -> ObjectFile | ObjectWriter:
        """Open a blob, binary; see `ObjectFile` and `ObjectWriter`."""
        if "r" not in mode:
            kwargs.update(metadata=metadata, content_settings=content_settings)
        return super()._open(
            path,
            mode,
            block_size,
            autocommit,
            cache_options,
            version_id=version_id,
            cache_type=cache_type,
            **kwargs,
        )

    async def _cat_file(
        self,
        path: str,
        start: int | None = None,
        end: int | None = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> bytes:
        """Read ``blob[start:end]`` with Python's slice semantics; long ranges in parallel."""
        return await super()._cat_file(path, start, end, max_concurrency=max_concurrency, **kwargs)

    async def _pipe_file(
        self,
        path: str,
        value: Any,
        overwrite: bool | str = True,
        max_concurrency: int | None = None,
        mode: str | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Write one blob: a single request up to one block, parallel blocks beyond.

        Parameters
        ----------
        path, value
            What goes where.
        overwrite
            Whether a blob that exists is replaced; in fsspec's words ``mode="overwrite"`` or ``"create"``.
        max_concurrency
            Blocks in flight.

        Returns
        -------
        dict
            ``etag`` and ``version_id``.
        """
        answer = await super()._pipe_file(
            path, value, _mode(overwrite, mode), max_concurrency=max_concurrency, **kwargs
        )
        return {"etag": answer["ETag"], "version_id": answer["VersionId"]}

    async def _put_file(
        self,
        lpath: str,
        rpath: str,
        delimiter: str = "/",
        overwrite: bool | str = True,
        callback: Any = None,
        max_concurrency: int | None = None,
        mode: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Upload one local file; its content type is guessed from its name unless given."""
        progress = callback or DEFAULT_CALLBACK
        mode = _mode(overwrite, mode)
        await super()._put_file(lpath, rpath, mode, progress, max_concurrency=max_concurrency, **kwargs)

    async def _get_file(
        self,
        rpath: str,
        lpath: Any,
        recursive: bool = False,
        delimiter: str = "/",
        callback: Any = None,
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Download one blob in parallel; the local file appears whole or not at all."""
        await super()._get_file(rpath, lpath, callback or DEFAULT_CALLBACK, max_concurrency=max_concurrency, **kwargs)

    def _write_keywords(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """As for every cloud; content settings of a call refine those of the instance one by one."""
        defaults = self.connection.write_defaults
        given = normal_keywords(keywords)
        refuse_wrong(given)
        settings = {**defaults.get("content_settings", {}), **given.get("content_settings", {})}
        if settings:
            given["content_settings"] = settings
        return super()._write_keywords(given)

    # -- names ----------------------------------------------------------------------------------------------------

    async def _stat(self, location: Location) -> ObjectInfo:
        """Size, ETag, time and version of a blob; the marker of a directory is none."""
        found = await super()._stat(location)
        if is_directory(found.attributes):
            raise FileNotFoundError(errno.ENOENT, "the path names a directory", location.path)
        return found

    async def _any_below(self, location: Location) -> bool:
        """Whether a directory exists; obstore leaves out the blob that is named like it, with a slash."""
        with contextlib.suppress(MissingExtraError, EngineError):
            sdk = self.connection.require_sdk("list")
            return await sdk.objects(location.bucket).any_below(location.key)
        return await super()._any_below(location)

    async def _isdir(self, path: str) -> bool:
        """Whether the path is a container or a directory; one that is empty has a marker."""
        return await super()._isdir(path) or await self._is_marked(self._split(path))

    async def _is_marked(self, location: Location) -> bool:
        if not location.key.strip("/"):
            return False
        with contextlib.suppress(FileNotFoundError, MissingExtraError, EngineError):
            sdk = self.connection.require_sdk("info")
            return is_directory((await sdk.objects(location.bucket).head(location.key.rstrip("/"))).attributes)
        return False

    async def _info(
        self, path: str, refresh: bool = False, version_id: str | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Describe a blob, directory or container; asked of the server, unless a listing of it is kept."""
        if not self._split(path).bucket:
            return {"name": "", "size": None, "type": "directory"}
        return await super()._info(path, version_id=version_id, refresh=refresh, **kwargs)

    async def _directory_info(self, location: Location) -> dict[str, Any]:
        found = await super()._directory_info(location)
        return {"name": found["name"], "size": None, "type": "directory"}

    async def _created(self, path: str, version_id: str | None = None) -> datetime | None:
        """When a blob was created."""
        info = await self._info(path, version_id=version_id)
        created: datetime | None = info["creation_time"]
        return created

    async def _ls(
        self,
        path: str,
        detail: bool = False,
        invalidate_cache: bool = False,
        delimiter: str = "/",
        return_glob: bool = False,
        version_id: str | None = None,
        versions: bool = False,
        refresh: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """List a directory, a container, or with an empty path all containers."""
        if invalidate_cache:
            self.invalidate_cache()
        found: list[Any] = await super()._ls(
            path,
            detail,
            refresh=refresh or return_glob,
            version_id=version_id or self._split(path).version,
            versions=versions,
            **kwargs,
        )
        return found

    async def _find(
        self,
        path: str,
        withdirs: bool | None = False,
        prefix: str = "",
        maxdepth: int | None = None,
        detail: bool = False,
        **kwargs: Any,
    ) -> Any:
        """List all blobs below a path, five thousand for each request."""
        kwargs.pop("version_id", None)
        return await super()._find(path, maxdepth, withdirs, detail, prefix, **kwargs)

    async def _url(
        self,
        path: str,
        expires: int = 3600,
        content_disposition: str | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> str:
        """A URL with a signature of its own, to read the blob by; the headers are those of its answer."""
        headers = {
            "content_disposition": content_disposition,
            "content_encoding": content_encoding,
            "content_language": content_language,
            "content_type": content_type,
        }
        return await super()._url(path, expires, **headers, **kwargs)

    # -- containers and deletion ----------------------------------------------------------------------------------

    async def _mkdir(
        self,
        path: str,
        create_parents: bool = True,
        delimiter: str = "/",
        exist_ok: bool = True,
        **kwargs: Any,
    ) -> None:
        """Create a container; one that exists is no error unless ``exist_ok=False``, as with adlfs.

        A directory within a container needs no creation. Where it may not be asked whether the container exists, it
        is taken to.
        """
        location = self._split(path)
        try:
            await super()._mkdir(path, create_parents, **kwargs)
        except FileExistsError:
            if not exist_ok:
                raise
        except PermissionError:
            if not location.key.strip("/"):
                raise

    def makedir(self, path: str, exist_ok: bool = False) -> None:
        """Create a container; one that exists is an error unless ``exist_ok``."""
        self.run_blocking(self._mkdir(path, exist_ok=exist_ok))

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Create a container; with ``exist_ok`` one that exists is no error."""
        await self._mkdir(path, exist_ok=exist_ok or bool(self._split(path).key.strip("/")))

    async def _rmdir(self, path: str, delimiter: str = "/", **kwargs: Any) -> None:
        """Delete a container with all that is in it; a directory goes with its blobs, and one that is gone is gone."""
        if self._split(path).key.strip("/"):
            return
        with contextlib.suppress(FileNotFoundError):
            await super()._rmdir(path)

    async def _rm(
        self,
        path: str | list[str],
        recursive: bool = False,
        maxdepth: int | None = None,
        delimiter: str = "/",
        expand_path: bool = True,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Delete blobs, with ``recursive`` whole trees and containers.

        Parameters
        ----------
        path
            One or several.
        recursive, maxdepth
            Whether, and how deep, what lies below goes as well.
        expand_path
            False takes the paths as they are: nothing is listed.
        """
        if expand_path:
            return await super()._rm(path, recursive, batch_size, maxdepth, **kwargs)
        locations = [self._key(item) for item in ([path] if isinstance(path, str) else path)]
        done: list[str] = []
        with self.writing(*(location.path for location in locations)):
            for bucket in dict.fromkeys(location.bucket for location in locations):
                keys = [item.key for item in locations if item.bucket == bucket]
                done += await self._delete_keys(bucket, keys, kwargs)
        return done

    # -- metadata and signatures ----------------------------------------------------------------------------------

    async def _getxattr(self, path: str, attr: str) -> Any:
        """One entry of the metadata of a blob."""
        return ((await self._info(path)).get("metadata") or {})[attr]

    async def _setxattrs(self, rpath: str, **kwargs: str) -> None:
        """Replace the metadata of a blob."""
        location = self._key(rpath)
        objects: Any = self.connection.require_sdk("setxattrs").objects(location.bucket)
        with self.writing(location.path):
            await objects.set_metadata(location.key, kwargs)

    def expand_path(
        self, path: Any, recursive: bool = False, maxdepth: int | None = None, skip_noexist: bool = True
    ) -> list[str]:
        """Turn globs and directories into the names that they stand for, without those that nothing has."""
        found: list[str] = self.run_blocking(self._expand_path(path, recursive=recursive, maxdepth=maxdepth))
        if recursive or not skip_noexist:
            return found
        there = [name for name in found if self.exists(name)]
        if not there:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return there


def _mode(overwrite: bool | str, mode: str | None) -> str:
    """Whether to replace, in fsspec's words."""
    if isinstance(overwrite, str):
        return overwrite
    return mode if mode is not None else "overwrite" if overwrite else "create"
