"""The filesystem classes that fsspec finds: what a caller constructs, pickles and compares."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from fsspec.asyn import AsyncFileSystem, get_loop
from fsspec.compression import compr
from fsspec.core import get_compression
from fsspec.utils import stringify_path

from objfs.clouds._cloud import Cloud
from objfs.connection import Connection, environ
from objfs.credentials.handles import as_text, from_text
from objfs.credentials.hiding import redacted
from objfs.credentials.identity import option_text
from objfs.credentials.provider import PROVIDER_OPTIONS, identities_in, provider_identity
from objfs.deprecations import warn_of
from objfs.layers import file_identity, layers_of
from objfs.listed import Listed
from objfs.object_verbs import ObjectVerbs
from objfs.options import Option, Origin
from objfs.peer_attributes import PeerAttributes
from objfs.sdk_listings import Listings
from objfs.types import Location
from objfs.urls import scheme_of, strip_scheme, without_secrets
from objfs.writing import LayeredWriter, TextWriter

if TYPE_CHECKING:
    import asyncio

    from objfs.explanation import Explanation

# Keeps digests of secrets from being looked up in a table of known ones; not a secret itself, as tokens must be the
# same in every process.
_DIGEST_KEY: Final = b"objfs.dask.token"
_MODE: Final = re.compile(r"[rwxa][bt]?|[bt][rwxa]")
# What may be a user name and a password, which a path must not carry on.
_NO_BUCKET: Final = re.compile("/*[^/]*[@:]")
_TEXT_OPTIONS: Final = ("encoding", "errors", "newline")


# Who hands out credentials to the instance that is being made, and what its configuration file says: the repr of an
# object and the name of a file, which is all that fsspec's cache looks at, need not tell it from others.
_providers: ContextVar[list[tuple[str, str]]] = ContextVar("objfs_providers")


class _Configured(type(AsyncFileSystem)):  # type: ignore[misc]
    """Let fsspec's instance cache tell instances apart by their environments and by who their providers are."""

    cloud: Cloud | None

    @property
    def _environment_digest(cls) -> str:
        if cls.cloud is None:
            return ""
        variables = sorted({name for option in cls.cloud.table.options for name in option.env})
        environment = environ()
        told = [(name, environment[name]) for name in variables if name in environment]
        return _digest(json.dumps([told, _providers.get([])]))

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        # Before the instance is tokenised and keeps its options: a pickle must hold the object, not its handle.
        args, kwargs = tuple(map(from_text, args)), {name: _in_words(value) for name, value in kwargs.items()}
        cloud = cls.cloud
        given = {} if cloud is None else {**dict(zip(cloud.positional, args, strict=False)), **kwargs}
        told = [] if cloud is None else [*identities_in(cloud, given), *file_identity(given, environ())]
        token = _providers.set(told)
        try:
            return super().__call__(*args, **kwargs)
        finally:
            _providers.reset(token)


class _Stripping:
    """fsspec's class method ``_strip_protocol``, which on an instance refuses URLs of another account."""

    def __get__(self, instance: ObjectFileSystem | None, owner: type[ObjectFileSystem]) -> Callable[[Any], Any]:
        def strip(path: Any) -> Any:
            """A path without its scheme and trailing slashes, as fsspec's generic verbs expect it."""
            if isinstance(path, list):
                return [strip(item) for item in path]
            cloud, text = owner._cloud(), stringify_path(path)  # noqa: SLF001 - a method's body, moved here
            scheme = scheme_of(text)
            if scheme is not None and scheme in cloud.schemes:
                if instance is not None:
                    cloud.check_url(instance.connection.options, text)
                if _NO_BUCKET.match(strip_scheme(text)):
                    _location(cloud.split, text)
                text = cloud.strip(text)
            return text.rstrip("/") or owner.root_marker

        return strip


class ObjectFileSystem(ObjectVerbs, metaclass=_Configured):
    """A filesystem over one cloud's object store, with two planes behind it.

    Parameters
    ----------
    *args
        In the order of the class that this one takes over from (for S3: ``s3fs.S3FileSystem``).
    **storage_options
        Any option of the cloud, in any vocabulary; ``engine`` (``auto``, ``obstore``, ``sdk``);
        ``storage_options_provider`` or ``credential_provider``.

    Raises
    ------
    UnknownOptionError, ConflictingOptionsError, OptionError
        The options are unknown, contradict each other or cannot be cast.
    """

    cloud: ClassVar[Cloud | None] = None
    root_marker: ClassVar[str] = ""
    # Whether one version of an object can be asked for only where the instance was told to look after versions.
    versions_need_awareness: ClassVar[bool] = False
    _extra_tokenize_attributes: ClassVar[tuple[str, ...]] = ("_environment_digest",)
    # A key may hold what looks like a protocol of fsspec's URL chains.
    sep: ClassVar[str] = "/"

    def __init__(self, *args: Any, **storage_options: Any) -> None:
        cloud = self._cloud()
        if len(args) > len(cloud.positional):
            msg = f"{type(self).__name__} takes at most {len(cloud.positional)} positional arguments, {len(args)} given"
            raise TypeError(msg)
        given = dict(zip(cloud.positional, args, strict=False))
        twice = sorted(set(given) & set(storage_options))
        if twice:
            msg = f"{type(self).__name__} got {', '.join(twice)} both by position and by keyword"
            raise TypeError(msg)
        layers = layers_of(cloud, {**given, **storage_options}, environ())
        self._token: str | None = None
        self.connection = Connection(cloud, layers, environ(), self._split)
        settings = self.connection.options
        warn_of(settings)
        super().__init__(
            asynchronous=settings.value("asynchronous", False),
            loop=settings.value("loop"),
            # Objects of one call; fsspec's verbs of many know no other bound.
            batch_size=settings.value("batch_size") or settings.value("max_concurrency"),
        )
        self.dircache = self.connection.dircache = Listings(
            use_listings_cache=settings.value("use_listings_cache", False),
            listings_expiry_time=_seconds(settings.value("listings_expiry_time")),
            max_paths=settings.value("max_paths"),
        )
        # Who reads versions asks which one it is.
        self._listed = Listed(self.connection.cloud, None if settings.value("version_aware") else self.dircache)

    @classmethod
    def _cloud(cls) -> Cloud:
        if cls.cloud is None:
            msg = "use the class of a cloud, such as objfs.S3FileSystem"
            raise TypeError(msg)
        return cls.cloud

    # -- paths and URLs -----------------------------------------------------------------------------------------

    _strip_protocol = _Stripping()

    @classmethod
    def _get_kwargs_from_urls(cls, path: str) -> dict[str, Any]:
        """What a URL says beside the path, as one private keyword: fsspec refuses a keyword that is given twice."""
        return {} if scheme_of(path) is None else cls._cloud().url_keywords(path)

    def _split(self, path: str, version_id: str | None = None) -> Location:
        """Bucket, key and version of a path; the key is opaque."""
        cloud, text = self._cloud(), stringify_path(path)
        location = _location(cloud.split, text)
        if "://" in text and scheme_of(text) is not None:
            cloud.check_url(self.connection.options, text)
        version_aware = bool(self.connection.settings.value("version_aware", False))
        if version_aware:
            location = cloud.split_version(location)
        if version_id is None:
            return location
        if not version_aware and self.versions_need_awareness:
            msg = "version_id needs version_aware=True"
            raise ValueError(msg)
        if location.version not in (None, version_id):
            msg = f"the path names version {location.version!r}, version_id={version_id!r}"
            raise ValueError(msg)
        return Location(location.bucket, location.key, version_id)

    # -- listings cache -----------------------------------------------------------------------------------------

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget listings: all of them, or those that hold ``path`` or lie above it."""
        if path is None:
            self.dircache.clear()
        else:
            self.dircache.forget(self._strip_protocol(path))

    # -- open ---------------------------------------------------------------------------------------------------

    def open(
        self,
        path: Any,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Mapping[str, Any] | None = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Open an object.

        Parameters
        ----------
        path
            ``bucket/key`` or URL.
        mode
            ``r``, ``w``, ``x`` or ``a``, with ``b`` for bytes.
        block_size
            Bytes per read of a given ``cache_type``; bytes per part when writing (at least 5 MiB).
        cache_options
            For the given ``cache_type``.
        compression
            A codec of fsspec, or ``infer`` from the name.
        **kwargs
            ``encoding``, ``errors``, ``newline`` for text; else as for ``_open``.

        Returns
        -------
        file object
            Nothing that is written is visible before ``close()`` succeeds.
        """
        if not _MODE.fullmatch(mode):
            msg = (
                f"mode {mode!r} is not one of r, w, x and a, with b or t; an object cannot be read and written at once"
            )
            raise ValueError(msg)
        text = {name: kwargs.pop(name) for name in _TEXT_OPTIONS if name in kwargs}
        binary = mode if "b" in mode else mode.replace("t", "") + "b"
        autocommit = kwargs.pop("autocommit", not self._intrans)
        raw = self._open(
            stringify_path(path),
            binary,
            block_size=block_size,
            autocommit=autocommit,
            cache_options=cache_options,
            **kwargs,
        )
        writing = "r" not in mode
        if writing and not autocommit:
            self.transaction.files.append(raw)
        file: Any = raw
        codec = get_compression(stringify_path(path), compression) if compression is not None else None
        if codec is not None:
            compressed = compr[codec](raw, mode="w" if writing else "r")
            file = LayeredWriter(compressed, raw) if writing else compressed
        if "b" in mode:
            return file
        return (TextWriter if writing else io.TextIOWrapper)(file, **text)

    # -- event loops and processes ------------------------------------------------------------------------------

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that blocking calls run on; a forked child has one of its own."""
        own: asyncio.AbstractEventLoop | None = self._loop
        return get_loop() if own is None or self._pid != os.getpid() else own

    # -- seeing it ----------------------------------------------------------------------------------------------

    def explain(self, path: str | None = None, *, check: Sequence[str] = (), fetch: bool = False) -> Explanation:
        """Tell which options count and where they come from, what both planes are told, and who carries out what.

        Parameters
        ----------
        path
            ``bucket/key`` or URL; None for the filesystem as a whole.
        check
            Of ``list``, ``read`` and ``write``: try them, each with as few requests as can be, and say what is
            wrong. Writing begins an upload and gives it up, which leaves nothing.
        fetch
            Ask for credentials, so that their expiry is known.

        Returns
        -------
        Explanation
            ``str()`` of it is for people, ``to_dict()`` for programs. It holds no secret.

        Raises
        ------
        ValueError
            ``check`` names something else.
        """
        from objfs.checks import explained  # not on the way to the first read

        return explained(self, path, check=check, fetch=fetch)

    # -- identity -----------------------------------------------------------------------------------------------

    def __dask_tokenize__(self) -> Any:
        """The same in every process for the same options; secrets enter as keyed digests."""
        shown = [
            (setting.option.name, str(setting.origin), self._token_of(setting.option, setting.value))
            for _, setting in sorted(self.connection.options.items())
            if setting.option.name not in ("loop", "asynchronous")
        ]
        return type(self).__module__, type(self).__qualname__, shown

    @property
    def _fs_token(self) -> str:
        """What fsspec makes equality and hashes of, and dask the names of blocks; fsspec's own holds the process id."""
        if self._token is None:
            loop = self.connection.options.value("loop")
            self._token = _digest(repr((self.__dask_tokenize__(), self.asynchronous, loop and id(loop))))
        return self._token

    @staticmethod
    def _token_of(option: Option, value: Any) -> str:
        if option.name in PROVIDER_OPTIONS:
            return provider_identity(value)
        if isinstance(value, str | int | float | bool):
            return _digest(str(value)) if option.secret or without_secrets(value) != value else repr(value)
        if isinstance(value, Mapping):
            return _digest(json.dumps(value, sort_keys=True, default=option_text))
        return provider_identity(value) if option.secret else option_text(value)

    # -- what only the SDK has ----------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # Private names of fsspec and dunders must fail fast: pickle and copy look for them on half-made instances.
        if name.startswith("__") or "connection" not in self.__dict__:
            raise AttributeError(name)
        return PeerAttributes(self.connection).find(name, type(self).__name__)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={setting.shown}"
            for name, setting in sorted(self.connection.options.items())
            if setting.origin is Origin.KEYWORD
        )
        return f"{type(self).__name__}({shown})"

    def to_dict(self, *, include_password: bool = True) -> dict[str, Any]:
        """What JSON can hold of this instance: class, protocol and options.

        Parameters
        ----------
        include_password
            False redacts every secret, whatever it is called.

        Returns
        -------
        dict
            Objects such as a provider are import strings, or handles that are good in this process.
        """
        options = {name: value for name, value in self.storage_options.items() if value is not None}
        protocol: str = type(self).protocol[0]
        result = {
            "cls": f"{type(self).__module__}:{type(self).__name__}",
            "protocol": protocol,
            "args": [as_text(value) for value in self.storage_args],
            **{name: _plain(value) for name, value in options.items()},
        }
        return result if include_password else redacted(self._cloud(), result)

    def to_json(self, *, include_password: bool = True) -> str:
        """The text of `to_dict`."""
        return json.dumps(self.to_dict(include_password=include_password))


@lru_cache(maxsize=4096)
def _location(split: Callable[[str], Location], path: str) -> Location:
    """What a path names; a verb and those that it calls ask several times."""
    return split(path)


def _in_words(value: Any) -> Any:
    """The object of a handle, and the name of a file: JSON holds names, and other processes know them."""
    return os.fspath(value) if isinstance(value, os.PathLike) else from_text(value)


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value.total_seconds())


def _digest(text: str) -> str:
    return hmac.new(_DIGEST_KEY, text.encode(), hashlib.sha256).hexdigest()


def _plain(value: Any) -> Any:
    """A value as JSON has it; what is neither text, number nor container is text by now or has a text form."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool) else as_text(value)
