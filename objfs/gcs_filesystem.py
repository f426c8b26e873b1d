"""GCS as a filesystem: the order of arguments and the names that only gcsfs has."""

# The order of arguments is gcsfs's, which is not fsspec's.
# mypy: disable-error-code="override"

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fsspec.callbacks import DEFAULT_CALLBACK

from objfs.clouds.gcs import GCS
from objfs.gcs_files import GCSObjectFile, GCSObjectWriter
from objfs.gcs_verbs import GCSVerbs

if TYPE_CHECKING:
    from objfs.reading import ObjectFile
    from objfs.writing import ObjectWriter

# Keywords of gcsfs's files that tune what objfs does in another way, or that mean nothing there either.
_TUNING: Final = frozenset(
    {
        "cache_source",
        "concurrency",
        "finalize_on_close",
        "flush_interval_bytes",
        "headers",
        "max_prefetch_size",
        "pool_size",
        "timeout",
    }
)
_DEFAULT_TYPE: Final = "application/octet-stream"


class GCSFileSystem(GCSVerbs):
    """Google Cloud Storage, for ``gs://`` and ``gcs://``.

    Examples
    --------
    >>> fs = GCSFileSystem(token="anon")  # doctest: +SKIP
    >>> fs.ls("bucket/prefix")  # doctest: +SKIP
    """

    cloud = GCS
    protocol = GCS.schemes
    file_class = GCSObjectFile
    writer_class = GCSObjectWriter

    # -- what needs no request ------------------------------------------------------------------------------------

    def split_path(self, path: str) -> tuple[str, str, str | None]:
        """Bucket, key and generation of a path."""
        location = self._split(path)
        return location.bucket, location.key, location.version

    def url(self, path: str, generation: str | int | None = None) -> str:
        """The URL at which the bytes of an object are, for whoever may read it; `sign` makes one for everybody."""
        location = self._key(path, _text(generation))
        server = self.connection.cloud.sdk_keywords(self.connection.settings)["endpoint_url"]
        version = f"&generation={location.version}" if location.version else ""
        key = quote(location.key, safe="")
        return f"{server}/download/storage/v1/b/{location.bucket}/o/{key}?alt=media{version}"

    @property
    def buckets(self) -> list[str]:
        """Names of the project's buckets, as `ls` of the root has them."""
        return [str(name) for name in self.ls("", detail=False)]

    # -- files ----------------------------------------------------------------------------------------------------

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Mapping[str, Any] | None = None,
        acl: str | None = None,
        consistency: str | None = None,
        metadata: Mapping[str, str] | None = None,
        autocommit: bool = True,
        fixed_key_metadata: Mapping[str, str] | None = None,
        generation: str | int | None = None,
        *,
        cache_type: str | None = None,
        size: int | None = None,
        content_type: str | None = None,
        kms_key_name: str | None = None,
        version_id: str | None = None,
        **kwargs: Any,
    ) -> ObjectFile | ObjectWriter:
        """Open an object, binary; see `ObjectFile` and `ObjectWriter`."""
        given = {name: value for name, value in kwargs.items() if name not in _TUNING}
        version = version_id or _text(generation)
        if "r" in mode:
            return super()._open(
                path,
                mode,
                block_size,
                autocommit,
                cache_options,
                version_id=version,
                cache_type=cache_type,
                size=size,
                **given,
            )
        if block_size is not None:
            block_size = max(block_size, GCS.parts.min_bytes)
        words: dict[str, Any] = {
            "acl": acl,
            "consistency": consistency,
            "content_type": content_type or (None if _has_type(given) else mimetypes.guess_type(path)[0]),
            "fixed_key_metadata": fixed_key_metadata,
            "kms_key_name": kms_key_name,
            "metadata": metadata,
        }
        if version is not None:
            msg = "an object is written as it is now, not in one of its generations"
            raise ValueError(msg)
        return super()._open(path, mode, block_size, autocommit, cache_options, **words, **given)

    def _write_keywords(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords of a write, with the content type that gcsfs gives where nobody does."""
        found = {"content_type": _DEFAULT_TYPE, **super()._write_keywords(keywords)}
        known = {"acl", "consistency", "fixed_key_metadata", "kms_key_name", *GCS.data_keywords}
        unknown = sorted(set(found) - known - _TUNING)
        if unknown:
            msg = f"unexpected keyword {unknown[0]!r}; a write takes {', '.join(sorted(known))}"
            raise TypeError(msg)
        # Empty ones say nothing; "none" is no check.
        return {name: value for name, value in found.items() if name not in _TUNING and value not in ({}, "none")}

    # -- bytes ----------------------------------------------------------------------------------------------------

    async def _cat_file(
        self,
        path: str,
        start: int | None = None,
        end: int | None = None,
        *,
        generation: str | int | None = None,
        version_id: str | None = None,
        **kwargs: Any,
    ) -> bytes:
        """Read ``object[start:end]`` with Python's slice semantics; long ranges in parallel."""
        given = {name: value for name, value in kwargs.items() if name not in _TUNING}
        version = version_id or _text(generation)
        return await super()._cat_file(path, start, end, version_id=version, **given)

    async def _pipe_file(
        self,
        path: str,
        data: Any = None,
        metadata: Mapping[str, str] | None = None,
        consistency: str | None = None,
        content_type: str | None = None,
        fixed_key_metadata: Mapping[str, str] | None = None,
        chunksize: int | None = None,
        mode: str = "overwrite",
        **kwargs: Any,
    ) -> Any:
        """Write one object: one request up to one part, an upload in parts beyond; its generation."""
        words: dict[str, Any] = {
            "metadata": metadata,
            "consistency": consistency,
            "content_type": content_type,
            "fixed_key_metadata": fixed_key_metadata,
        }
        value = kwargs.pop("value", data)
        written = await super()._pipe_file(path, value, mode, chunksize=chunksize, **words, **kwargs)
        return {"generation": written["VersionId"], "etag": written["ETag"]}

    async def _put_file(
        self,
        lpath: str,
        rpath: str,
        metadata: Mapping[str, str] | None = None,
        consistency: str | None = None,
        content_type: str | None = None,
        chunksize: int | None = None,
        callback: Any = None,
        fixed_key_metadata: Mapping[str, str] | None = None,
        mode: str = "overwrite",
        **kwargs: Any,
    ) -> None:
        """Upload one local file; its content type is guessed from its name unless given."""
        words: dict[str, Any] = {
            "metadata": metadata,
            "consistency": consistency,
            "fixed_key_metadata": fixed_key_metadata,
            **({"content_type": content_type} if content_type else {}),
        }
        await super()._put_file(
            lpath, rpath, mode, callback or DEFAULT_CALLBACK, chunksize=chunksize, **words, **kwargs
        )

    async def _get_file(
        self,
        rpath: str,
        lpath: Any,
        callback: Any = None,
        *,
        consistency: str | None = None,
        generation: str | int | None = None,
        version_id: str | None = None,
        chunk_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Download one object in parallel; the local file appears whole or not at all."""
        given = {name: value for name, value in kwargs.items() if name not in _TUNING}
        version = version_id or _text(generation)
        if isinstance(lpath, str):
            os.makedirs(os.path.dirname(lpath) or ".", exist_ok=True)
        await super()._get_file(rpath, lpath, callback or DEFAULT_CALLBACK, version_id=version, **given)
        if consistency not in (None, "none") and isinstance(lpath, str):
            await self._compare(rpath, lpath, version, str(consistency))

    # -- names ----------------------------------------------------------------------------------------------------

    async def _info(
        self,
        path: str,
        generation: str | int | None = None,
        *,
        version_id: str | None = None,
        refresh: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Describe an object, directory or bucket; asked of the server, unless a listing of it is kept."""
        return await super()._info(path, version_id=version_id or _text(generation), refresh=refresh, **kwargs)

    async def _ls(
        self,
        path: str,
        detail: bool = False,
        prefix: str = "",
        versions: bool = False,
        refresh: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """List a directory, a bucket, or with an empty path all buckets of the project."""
        return await super()._ls(path, detail, refresh=refresh, prefix=prefix, versions=versions, **kwargs)

    async def _find(
        self,
        path: str,
        withdirs: bool | None = False,
        detail: bool = False,
        prefix: str = "",
        versions: bool = False,
        maxdepth: int | None = None,
        update_cache: bool = True,
        **kwargs: Any,
    ) -> Any:
        """List all objects below a path, with few requests of a thousand keys each."""
        return await super()._find(path, maxdepth, withdirs, detail, prefix, versions=versions, **kwargs)

    async def _modified(self, path: str, version_id: str | None = None, refresh: bool = False) -> datetime | None:
        """When an object or its metadata was last changed."""
        found: datetime | None = (await self._timed(path, version_id)).get("mtime")
        return found

    async def _created(self, path: str, version_id: str | None = None) -> datetime | None:
        """When a generation of an object was written."""
        found: datetime | None = (await self._timed(path, version_id)).get("ctime")
        return found

    async def _mkdir(
        self,
        path: str,
        acl: str | bool | None = "projectPrivate",
        default_acl: str | bool | None = "bucketOwnerFullControl",
        location: str | bool | None = None,
        create_parents: bool | str = False,
        enable_versioning: bool = False,
        enable_object_retention: bool = False,
        iam_configuration: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Create a bucket; a directory within one needs no creation, unless the bucket has folders.

        A new bucket has folders with ``enable_hierarchical_namespace=True``, and with a zone as ``placement=``.
        """
        if isinstance(acl, bool):
            # The order of gcsfs's class for buckets with folders: create_parents, whether it has them, zone, location.
            if isinstance(default_acl, bool):
                kwargs.update(enable_hierarchical_namespace=default_acl, placement=location)
                location, default_acl = create_parents or None, "bucketOwnerFullControl"
            create_parents, acl = acl, "projectPrivate"
        await super()._mkdir(
            path,
            bool(create_parents),
            acl=acl,
            default_acl=default_acl,
            location=location,
            enable_versioning=enable_versioning,
            enable_object_retention=enable_object_retention,
            iam_configuration=iam_configuration,
            **kwargs,
        )
        place = self._split(path)
        objects = await self._with_folders(place)
        if objects is not None:
            with self.writing(place.path):
                await objects.make_folder(place.key, parents=bool(create_parents))

    async def _rmdir(self, path: str) -> None:
        """Delete an empty bucket or folder; a directory that is no folder goes with its keys."""
        place = self._split(path)
        objects = await self._with_folders(place)
        if objects is not None:
            with self.writing(place.path):
                await objects.remove_folder(place.key)
        elif not place.key.strip("/"):
            await super()._rmdir(path)

    async def _rm(
        self,
        path: str | list[str],
        recursive: bool = False,
        maxdepth: int | None = None,
        batchsize: int | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Delete objects, with ``recursive`` whole trees and buckets; an object that cannot be deleted raises."""
        tops = [self._split(each) for each in ([path] if isinstance(path, str) else path)] if recursive else []
        found = [(top, await self._with_folders(top)) for top in tops if maxdepth is None]
        held = [(top, objects, await objects.folders(top.key)) for top, objects in found if objects is not None]
        try:
            done = await super()._rm(path, recursive, kwargs.pop("batch_size", None), maxdepth, **kwargs)
        except FileNotFoundError:
            if not any(names for _, _, names in held):
                raise
            done = []
        for top, objects, names in held:
            with self.writing(top.path):
                for name in names:
                    await objects.remove_folder(name)
        return done

    async def _cp_file(self, path1: str, path2: str, acl: str | None = None, **kwargs: Any) -> None:
        """Copy one object on the server."""
        await super()._cp_file(path1, path2, acl=acl, **kwargs)


def _has_type(keywords: Mapping[str, Any]) -> bool:
    """Whether a content type is among the attributes of a write."""
    return any(name.lower() == "content-type" for name in keywords.get("attributes") or {})


def _text(generation: str | int | None) -> str | None:
    """A generation, which may be a number, as the rest has it."""
    return None if generation is None else str(generation)
