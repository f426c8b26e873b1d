"""Opening objects as files."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Mapping
from typing import Any, ClassVar

from objfs.errors import EXISTS_ALREADY
from objfs.read_verbs import ReadVerbs
from objfs.reading import AsyncObjectFile, ObjectFile
from objfs.sdk_uploads import Upload, part_size
from objfs.types import Location, Written
from objfs.write_verbs import WriteVerbs
from objfs.writing import ObjectWriter, Target


class FileVerbs(ReadVerbs, WriteVerbs):
    """Files over objects."""

    file_class: ClassVar[type[ObjectFile]] = ObjectFile
    writer_class: ClassVar[type[ObjectWriter]] = ObjectWriter

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: Mapping[str, Any] | None = None,
        *,
        version_id: str | None = None,
        cache_type: str | None = None,
        size: int | None = None,
        if_match: str | None = None,
        **kwargs: Any,
    ) -> ObjectFile | ObjectWriter:
        """Open an object, binary; see `ObjectFile` and `ObjectWriter`."""
        settings = self.connection.settings
        location = self._key(path, version_id) if "r" in mode else self._target(path)
        keywords = {name: value for name, value in kwargs.items() if value is not None}
        if "r" in mode:
            return self.file_class(
                self,
                location.path,
                self._source(location, keywords),
                block_size=block_size or settings.value("default_block_size"),
                cache_type=cache_type or settings.value("default_cache_type"),
                cache_options=cache_options,
                size=size,
                keywords=keywords,
            )
        return self._writer(location, mode, block_size, autocommit=autocommit, if_match=if_match, keywords=keywords)

    def _writer(
        self,
        location: Location,
        mode: str,
        block_size: int | None,
        *,
        autocommit: bool,
        if_match: str | None,
        keywords: Mapping[str, Any],
    ) -> ObjectWriter:
        part_bytes = part_size(self.connection.cloud.parts, None, block_size)
        create = "x" in mode
        if create:
            self._refuse_existing(location)

        def put(data: bytes) -> Written:
            return self.run_blocking(
                self._put_object(location, data, create=create, if_match=if_match, keywords=keywords)
            )

        def upload() -> Upload:
            return self._begin_upload(location, part_bytes, create=create, if_match=if_match, keywords=keywords)

        target = Target(part_bytes, put, upload)
        if "a" not in mode:
            return self.writer_class(self, location.path, mode, target, autocommit=autocommit)
        return self._appender(location, target, autocommit=autocommit, keywords=keywords)

    def _refuse_existing(self, location: Location) -> None:
        """Say at open already what the conditional write would say at close; who may not ask is told then."""
        with contextlib.suppress(FileNotFoundError, PermissionError):
            self.run_blocking(self._stat(location))
            raise FileExistsError(errno.EEXIST, EXISTS_ALREADY, location.path)

    def _appender(
        self, location: Location, target: Target, *, autocommit: bool, keywords: Mapping[str, Any]
    ) -> ObjectWriter:
        """A writer that begins with the object's bytes: read back when short, else copied as the first part."""
        try:
            info = self.run_blocking(self._stat(location))
        except FileNotFoundError:
            return self.writer_class(self, location.path, "ab", target, autocommit=autocommit)
        kept = {**self.run_blocking(self._preserved(location)), **keywords}
        first, upload = b"", None
        part_bytes, state = target.part_bytes, info.state(self.connection.cloud.condition)
        if info.size < self.connection.cloud.parts.min_bytes:
            first = self.run_blocking(self._cat_file(location.path)) if info.size else b""
        else:
            whole = (location.path, state, info.size)
            upload = self._begin_upload(location, part_bytes, copy_first=whole, if_match=state, keywords=kept)
        target = Target(
            part_bytes,
            lambda data: self.run_blocking(
                self._put_object(location, data, create=False, if_match=state, keywords=kept)
            ),
            lambda: self._begin_upload(location, part_bytes, if_match=state, keywords=kept),
        )
        return self.writer_class(
            self,
            location.path,
            "ab",
            target,
            autocommit=autocommit,
            prefix=first,
            position=info.size,
            upload=upload,
        )

    async def open_async(self, path: str, mode: str = "rb", **kwargs: Any) -> AsyncObjectFile:
        """Open an object for awaited reads.

        Raises
        ------
        ValueError
            A mode other than ``rb``, or a compression.
        """
        if mode != "rb" or kwargs.pop("compression", None):
            msg = f"open_async reads binary objects ('rb'), not {mode!r}; write with pipe_file or open"
            raise ValueError(msg)
        location = self._key(path, kwargs.pop("version_id", None))
        return AsyncObjectFile(self, location.path, self._source(location, self._read_keywords(kwargs)))
