"""What the object_store family says of a put: conditions, attributes and tags; and copies that never replace."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, ClassVar

from fsspec.callbacks import DEFAULT_CALLBACK

from objfs.clouds._words import with_attributes, with_defaults
from objfs.errors import EXISTS_ALREADY, NotSupportedError
from objfs.planes import Plane
from objfs.reading import ObjectFile
from objfs.removal_verbs import RemovalVerbs
from objfs.writing import ObjectWriter


class PutVerbs(RemovalVerbs):
    """Writes in the words of object_store, beside those of the peer."""

    more_verbs: ClassVar[tuple[str, ...]] = ("_copy_if_not_exists", "_rename_if_not_exists")

    async def _pipe_file(
        self,
        path: str,
        value: Any,
        mode: str | Mapping[str, str | None] = "overwrite",
        *,
        if_match: str | Mapping[str, str | None] | None = None,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Write one object.

        Parameters
        ----------
        path, value
            What goes where.
        mode
            ``overwrite``; ``create``, which never replaces; or ``{"e_tag": …, "version": …}``, which replaces only the
            object in that state.
        if_match
            The same state as its ETag (on GCS its generation), or as such a dict.
        attributes
            ``Content-Type``, ``Cache-Control``, ``Content-Disposition``, ``Content-Encoding``, ``Content-Language``,
            ``Storage-Class``; any other name is user metadata.
        tags
            Of the object; GCS has none.
        **kwargs
            As the peer takes them.

        Raises
        ------
        FileExistsError, PreconditionFailedError
            The object is not as ``mode`` wants it; nothing was written.
        ConflictingOptionsError
            An attribute or tag contradicts a keyword of the peer.
        """
        how, state = self._put_mode(mode, if_match)
        words = self._worded(kwargs, attributes, tags)
        return await super()._pipe_file(path, value, how, if_match=state, **words)

    async def _put_file(
        self,
        lpath: str,
        rpath: str,
        mode: str | Mapping[str, str | None] = "overwrite",
        callback: Any = DEFAULT_CALLBACK,
        *,
        if_match: str | Mapping[str, str | None] | None = None,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        """Upload one local file; ``mode``, ``if_match``, ``attributes`` and ``tags`` as `pipe_file` takes them."""
        how, state = self._put_mode(mode, if_match)
        words = self._worded(kwargs, attributes, tags)
        import mimetypes  # for uploads only

        guessed = mimetypes.guess_type(lpath)[0] if attributes else None
        if guessed:
            words = with_defaults(words, self.connection.cloud.content_type(guessed))
        await super()._put_file(lpath, rpath, how, callback, if_match=state, **words)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: Mapping[str, Any] | None = None,
        *,
        if_match: str | Mapping[str, str | None] | None = None,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | str | None = None,
        **kwargs: Any,
    ) -> ObjectFile | ObjectWriter:
        """Open an object; a writer takes ``if_match``, ``attributes`` and ``tags`` as `pipe_file` does."""
        if "r" in mode:
            if attributes or tags:
                msg = "attributes and tags are those of a write; a read takes none"
                raise TypeError(msg)
            return super()._open(path, mode, block_size, autocommit, cache_options, **kwargs)
        _, state = self._put_mode("create" if "x" in mode else "overwrite", if_match)
        words = self._worded(kwargs, attributes, tags)
        return super()._open(path, mode, block_size, autocommit, cache_options, if_match=state, **words)

    def _worded(
        self,
        keywords: Mapping[str, Any],
        attributes: Mapping[str, str] | None,
        tags: Mapping[str, str] | str | None,
    ) -> dict[str, Any]:
        """Keywords of a write, all in the words of the peer."""
        if not attributes and not tags:
            return dict(keywords)
        return with_attributes(self.connection.cloud.words, keywords, attributes, tags)

    def _put_mode(
        self, mode: str | Mapping[str, str | None], if_match: str | Mapping[str, str | None] | None
    ) -> tuple[str, str | None]:
        """``create`` or ``overwrite``, and the state of the object that may be replaced.

        Raises
        ------
        ValueError
            The mode is unknown, or contradicts ``if_match``, or names no state that this cloud can compare.
        """
        named: Any = {self.connection.cloud.condition: if_match} if isinstance(if_match, str | int) else if_match
        states = {self._state(given) for given in (mode, named) if isinstance(given, Mapping)}
        if len(states) > 1:
            msg = "mode= and if_match= name different states of the object; leave one of them out"
            raise ValueError(msg)
        how = mode if isinstance(mode, str) else "overwrite"
        if how not in ("overwrite", "create"):
            msg = f"mode is 'overwrite', 'create' or {{'e_tag': …, 'version': …}}, not {how!r}"
            raise ValueError(msg)
        if how == "create" and states:
            msg = "an object that must not exist has no state to match; leave out the creating mode, or if_match="
            raise ValueError(msg)
        return how, next(iter(states), None)

    def _state(self, named: Mapping[str, str | None]) -> str:
        """What this cloud compares of a state that is named by ETag and version."""
        condition = self.connection.cloud.condition
        state = named.get(condition)
        if state is None:
            cloud = self.connection.cloud.name
            msg = f"{cloud} compares the {condition} of an object, which is not among {sorted(named)}"
            raise ValueError(msg)
        if condition == "version" and not str(state).isdecimal():
            msg = f"this cloud compares generations, which are numbers (info()['generation']), not {state!r}"
            raise ValueError(msg)
        return str(state)

    # -- copies that never replace --------------------------------------------------------------------------------

    async def _copy_if_not_exists(self, path1: str, path2: str) -> None:
        """Copy an object to a name that is free; the server decides, so that of two copies one wins.

        Parameters
        ----------
        path1, path2
            The object, and its new name.

        Raises
        ------
        FileExistsError
            ``path2`` exists; it is as it was.
        NotSupportedError
            The server cannot do this.
        """
        source, target = self._key(path1), self._key(path2)
        cloud = self.connection.cloud
        refusal = cloud.exclusive_copy(self.connection.settings)
        if refusal is None and self.connection.decide("copy", source, target).plane is Plane.DATA:
            try:
                with self.writing(target.path):
                    await self.connection.store(source.bucket).copy(source.key, target.key, overwrite=False)
            except FileExistsError as error:
                raise FileExistsError(errno.EEXIST, EXISTS_ALREADY, target.path) from error
            return
        objects = self.connection.require_sdk("copy_if_not_exists").objects(target.bucket)
        try:
            with self.writing(target.path):
                await objects.copy_new(source, target.key)
        except OSError as error:
            if error.errno != errno.ENOSYS:
                raise
            msg = f"the server cannot copy to a name only where it is free: {error.strerror}"
            raise NotSupportedError(msg) from error

    async def _rename_if_not_exists(self, path1: str, path2: str) -> None:
        """Give an object a name that is free, by `copy_if_not_exists`, and delete the old one.

        Where the deletion fails, the object has both names.

        Parameters
        ----------
        path1, path2
            The object, and its new name.

        Raises
        ------
        FileExistsError
            ``path2`` exists; both are as they were.
        NotSupportedError
            The server cannot do this.
        """
        await self._copy_if_not_exists(path1, path2)
        await self._rm_file(path1)
