"""Opening objects as files."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Mapping
from typing import Any, ClassVar

from objfs.bulk_write_verbs import BulkWriteVerbs
from objfs.errors import EXISTS_ALREADY
from objfs.parts import part_size
from objfs.read_verbs import ReadVerbs
from objfs.reading import AsyncObjectFile, ObjectFile
from objfs.types import Location
from objfs.write_verbs import Write
from objfs.writing import ObjectWriter, Target


class FileVerbs(ReadVerbs, BulkWriteVerbs):
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
                known=self._listed.readable(location) if size is None else None,
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
        if "a" in mode:
            return self._appender(location, part_bytes, autocommit=autocommit, keywords=keywords)
        target = self._file_target(self._write(location, keywords, create, if_match), part_bytes)
        return self.writer_class(self, location.path, mode, target, autocommit=autocommit)

    def _file_target(self, write: Write, part_bytes: int) -> Target:
        """Where the bytes of a file go."""
        return Target(
            part_bytes,
            lambda data: self._carry_out(self._put_errand(write, data)),
            lambda: self._begin_upload(write, part_bytes),
        )

    def _refuse_existing(self, location: Location) -> None:
        """Say at open already what the conditional write would say at close; who may not ask is told then."""
        with contextlib.suppress(FileNotFoundError, PermissionError):
            self.run_blocking(self._stat(location))
            raise FileExistsError(errno.EEXIST, EXISTS_ALREADY, location.path)

    def _appender(
        self, location: Location, part_bytes: int, *, autocommit: bool, keywords: Mapping[str, Any]
    ) -> ObjectWriter:
        """A writer that begins with the object's bytes: read back when short, else copied as the first part."""
        try:
            info = self.run_blocking(self._stat(location))
        except FileNotFoundError:
            # What somebody else has begun meanwhile must not be lost, as what is appended to must not.
            target = self._file_target(self._write(location, keywords, create=True), part_bytes)
            return self.writer_class(self, location.path, "ab", target, autocommit=autocommit)
        kept = {**self.run_blocking(self._preserved(location)), **keywords}
        first, upload = b"", None
        state = info.state(self.connection.cloud.condition)
        write = self._write(location, kept, if_match=state)
        if info.size < self.connection.cloud.parts.min_bytes:
            first = self.run_blocking(self._cat_file(location.path)) if info.size else b""
        else:
            upload = self._begin_upload(write, part_bytes, copy_first=(location.path, state, info.size))
        return self.writer_class(
            self,
            location.path,
            "ab",
            self._file_target(write, part_bytes),
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
