"""The blobs of one container by calls of azure-storage-blob's asynchronous client."""

from __future__ import annotations

import contextlib
import errno
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from objfs.concurrency import run_bounded
from objfs.errors import EXISTS_ALREADY, CredentialsError, PreconditionFailedError
from objfs.peers import azure_blobs as blobs
from objfs.peers.answers import odd
from objfs.peers.azure_listing import Listing
from objfs.peers.azure_uploads import BlockUpload, continued
from objfs.peers.azure_vocabulary import AzureVocabulary
from objfs.peers.pages import Tokens, as_listing
from objfs.sdk import located
from objfs.sdk_objects import kind_of
from objfs.types import ByteRange, Chunk, Location, ObjectInfo, Suffix, Written

if TYPE_CHECKING:
    from objfs.credentials.values import Credentials
    from objfs.sdk import SdkPlane

T = TypeVar("T")

_PARALLEL_DELETIONS: Final = 32
# https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key: at most seven days.
_LONGEST_DELEGATION: Final = timedelta(days=7)
_RESPONSE_HEADERS: Final = ("content_disposition", "content_encoding", "content_language", "content_type")
_SIGN_KEYWORDS: Final = frozenset({*_RESPONSE_HEADERS, "permission", "start", "ip", "protocol", "cache_control"})


class AzureObjects(AzureVocabulary):
    """Reads and writes of one container; keywords are those of the client's calls."""

    # One call for all, as directories of an account with a hierarchy must go after what lies in them.
    keys_per_delete = 1 << 30

    def __init__(self, plane: SdkPlane, bucket: str, keywords: Mapping[str, Any] | None = None) -> None:
        super().__init__(plane, bucket, keywords)
        # Seconds to when and with what URLs were signed for so long, as this object serves one call.
        self._signing: dict[int, tuple[datetime, dict[str, Any]]] = {}

    async def request(self, key: str, work: Callable[[Any], Awaitable[T]], *, create: bool = False) -> T:
        """Carry a piece of work out with the client of one blob; of the container where ``key`` is empty."""
        path = f"{self._bucket}/{key}" if key else self._bucket
        blobs.check(key, path)

        async def with_client(instance: Any) -> T:
            service = instance.service_client
            if key:
                return await work(service.get_blob_client(self._bucket, key))
            return await work(service.get_container_client(self._bucket))

        try:
            answer: T = await self._plane.call("_with_instance", path, with_client)
        except (FileExistsError, PreconditionFailedError) as error:
            if create:
                raise FileExistsError(errno.EEXIST, EXISTS_ALREADY, path) from error
            raise
        except OSError as error:
            raise located(error, path) from error.__cause__
        return answer

    def keywords(self, known: frozenset[str]) -> dict[str, Any]:
        """What the caller said that one kind of request knows, in the client's types."""
        given = blobs.in_client_types(self._keywords)
        return {name: value for name, value in given.items() if name in known}

    # -- bytes ----------------------------------------------------------------------------------------------------

    async def get(
        self,
        key: str,
        wanted: ByteRange | Suffix | None = None,
        *,
        if_match: str | None = None,
        version: str | None = None,
    ) -> Chunk:
        """Read a blob or a range of it; as `Store.get`. Azure has no ranges that count from the end."""
        if isinstance(wanted, Suffix):
            info = await self.head(key, version=version)
            if not info.size:
                return Chunk(b"", 0, info)
            wanted, if_match = ByteRange(max(0, info.size - wanted.length), info.size), if_match or info.e_tag
        keywords = {**self.keywords(blobs.READ), **blobs.condition(if_match=if_match)}
        if wanted is not None:
            keywords.update(offset=wanted.start, length=len(wanted))

        async def download(client: Any) -> Chunk:
            # As stored: a blob with a Content-Encoding would be unpacked on the way.
            stream = await client.download_blob(version_id=version, decompress=False, **keywords)
            data = await stream.readall()
            size = int(stream.properties.content_range.rpartition("/")[2])
            start = 0 if wanted is None else wanted.start
            if wanted is not None and start >= size:
                # What Azure refuses by a status, Azurite answers with no bytes.
                raise OSError(errno.EINVAL, f"the range begins past the end of {size} bytes", f"{self._bucket}/{key}")
            return Chunk(data, start, blobs.object_info(stream.properties, size))

        return await self.request(key, download)

    async def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """What the store says about a blob; as `Store.head`."""
        properties = await self.properties(key, version)
        return blobs.object_info(properties, properties.size)

    async def properties(self, key: str, version: str | None = None) -> Any:
        """What the client says about a blob."""
        keywords = self.keywords(blobs.READ)
        found = await self.request(key, lambda client: client.get_blob_properties(version_id=version, **keywords))
        if found.size is None:
            raise odd(None, "Content-Length", f"{self._bucket}/{key}")
        return found

    async def put(
        self,
        key: str,
        data: bytes | bytearray | memoryview,
        *,
        create: bool = False,
        if_match: str | None = None,
    ) -> Written:
        """Write a blob; as `Store.put`, its attributes are among the caller's keywords."""
        keywords = {**self.keywords(blobs.WRITE), **blobs.condition(if_match=if_match)}

        async def upload(client: Any) -> Written:
            return blobs.written(await client.upload_blob(bytes(data), overwrite=not create, **keywords))

        return await self.request(key, upload, create=create)

    async def delete(self, key: str, *, version: str | None = None) -> None:
        """Delete one blob, or one of its versions; one that has snapshots needs ``delete_snapshots="include"``."""
        keywords = self.keywords(blobs.DELETE)
        await self.request(key, lambda client: client.delete_blob(version_id=version, **keywords))

    async def any_below(self, prefix: str) -> bool:
        """Whether any blob begins with ``prefix/``; as `Store.any_below`."""
        start = f"{prefix.rstrip('/')}/" if prefix else ""

        async def first(client: Any) -> bool:
            pages, asked = client.list_blobs(name_starts_with=start, results_per_page=1).by_page(), Tokens()
            async for page in pages:
                async for _ in page:
                    return True
                asked.add(pages.continuation_token)
            return False

        with as_listing():
            return await self.request("", first)

    # -- uploads in blocks ----------------------------------------------------------------------------------------

    async def begin_upload(self, key: str, *, create: bool, if_match: str | None) -> BlockUpload:
        """Nothing is sent: a block blob begins with its first block."""
        return BlockUpload()

    async def send_part(self, key: str, upload: BlockUpload, number: int, start: int, data: bytes) -> list[str]:
        """Send one block, whose id is returned, or append it to an append blob."""
        if upload.appends:
            keywords = self.keywords(blobs.APPEND)
            await self.request(key, lambda client: upload.append(client, number, start, data, keywords))
            return []
        name, keywords = upload.name(number), self.keywords(blobs.STAGE)
        await self.request(key, lambda client: client.stage_block(name, data, **keywords))
        return [name]

    async def copy_part(self, key: str, upload: BlockUpload, source: str, e_tag: str | None) -> list[str]:
        """Begin with the committed blocks of the blob, which stay where they are; their ids are returned."""
        keywords = self.keywords(blobs.READ)
        blocks = await self.request(key, lambda client: continued(client, upload, e_tag, keywords))
        if blocks is not None:
            return blocks
        return await self._stage_again(key, upload, e_tag)

    async def _stage_again(self, key: str, upload: BlockUpload, e_tag: str | None) -> list[str]:
        """The bytes of a blob that has no blocks to keep, as blocks of the upload."""
        names: list[str] = []
        start = 0
        size = (await self.head(key)).size
        while start < size:
            chunk = await self.get(key, ByteRange(start, min(size, start + blobs.BLOCK_BYTES)), if_match=e_tag)
            names += await self.send_part(key, upload, -len(names) - 1, start, chunk.tobytes())
            start += len(chunk.data)
        return names

    async def complete_upload(
        self,
        key: str,
        upload: BlockUpload,
        parts: Sequence[Any],
        *,
        size: int,
        create: bool,
        if_match: str | None,
    ) -> Written:
        """Publish the blob."""
        if upload.appends:
            info = await self.head(key)
            return Written(info.e_tag, info.version)
        keywords = {**self.keywords(blobs.COMMIT), **blobs.condition(if_match=if_match, create=create)}
        names = upload.block_list([name for part in parts for name in part])

        async def commit(client: Any) -> Written:
            return blobs.written(await client.commit_block_list(names, **keywords))

        return await self.request(key, commit, create=create)

    async def abort_upload(self, key: str, upload: Any) -> None:
        """Do nothing: Azure cannot delete blocks that were not committed, and drops them within a week.

        https://learn.microsoft.com/rest/api/storageservices/put-block#remarks. Nothing of them is ever visible.
        """

    # -- what obstore cannot do -----------------------------------------------------------------------------------

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Delete blobs, many at a time; what is gone already is no error.

        Names that lie above others are directories of an account with a hierarchy, where they exist, and go last.
        """
        above = set()
        for key in keys:
            for at, character in enumerate(key):
                if character == "/":
                    above.add(key[:at])
        failures: list[tuple[str, OSError]] = []

        async def one(key: str) -> None:
            try:
                await self.delete(key)
            except FileNotFoundError:
                pass
            except CredentialsError:
                raise
            except OSError as error:
                failures.append((key, error))

        leaves = [key for key in keys if key not in above]
        await run_bounded((functools.partial(one, key) for key in leaves), _PARALLEL_DELETIONS)
        for key in sorted((key for key in keys if key in above), reverse=True):
            await one(key)
        if failures:
            key, error = failures[0]
            text = f"{len(failures)} of {len(keys)} blobs were not deleted; the first: {error.strerror}"
            raise type(error)(error.errno, text, f"{self._bucket}/{key}") from error

    async def info(self, location: Location, **keywords: Any) -> dict[str, Any]:
        """What adlfs says, asked of the server."""
        listing = Listing(self._bucket, versions=self._version_aware)
        if not location.key:
            properties = await self.request("", lambda client: client.get_container_properties())
            return listing.container(properties)
        try:
            properties = await self.properties(location.key, location.version)
        except FileNotFoundError:
            if location.version is not None or not await self.any_below(location.key):
                raise
            return listing.directory(location.key)
        return listing.blob(properties)

    async def preserved(self, key: str) -> dict[str, Any]:
        """Content settings, metadata and tags of a blob, as a put takes them."""
        properties = await self.properties(key)
        kept = blobs.kept(properties)
        if properties.tag_count:
            kept["tags"] = await self.request(key, lambda client: client.get_blob_tags())
        return kept

    async def set_metadata(self, key: str, metadata: Mapping[str, str]) -> None:
        """Replace the metadata of a blob."""
        await self.request(key, lambda client: client.set_blob_metadata(metadata=dict(metadata)))

    async def sign(self, location: Location, expires: int, **keywords: Any) -> str:
        """A URL with a signature of its own, by the account's key or by one that the service delegates to a token."""
        unknown = sorted(set(keywords) - _SIGN_KEYWORDS)
        if unknown:
            msg = f"sign() takes no {unknown[0]!r}; it takes {', '.join(sorted(_SIGN_KEYWORDS))}"
            raise TypeError(msg)
        blobs.check(location.key, location.path)
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas

        now = datetime.now(UTC)
        keywords.setdefault("permission", BlobSasPermissions(read=True))

        async def work(instance: Any) -> str:
            client = instance.service_client.get_blob_client(location.bucket, location.key)
            start, key = self._signing.get(expires, (now, {}))
            if not key:
                key = await self._signing_key(instance.service_client, now, now + timedelta(seconds=expires))
                self._signing[expires] = start, key
            sas = generate_blob_sas(
                account_name=instance.account_name,
                container_name=location.bucket,
                blob_name=location.key,
                version_id=location.version,
                expiry=start + timedelta(seconds=expires),
                **key,
                **{name: value for name, value in keywords.items() if value is not None},
            )
            return f"{client.url}?{sas}"

        return str(await self._plane.call("_with_instance", location.path, work))

    async def _signing_key(self, service: Any, start: datetime, end: datetime) -> dict[str, Any]:
        choice = self._plane.setup.choice
        current: Credentials | None = await choice.current_async() if hasattr(choice, "current_async") else None
        values = {} if current is None else current.values
        if values.get("account_key"):
            return {"account_key": values["account_key"]}
        if values.get("token"):
            until = min(end, start + _LONGEST_DELEGATION)
            delegated = await service.get_user_delegation_key(start - timedelta(minutes=5), until)
            return {"user_delegation_key": delegated}
        has = "a SAS" if values else "no credentials"
        msg = f"only an account key or a token can sign a URL; this filesystem has {has}"
        raise CredentialsError(errno.EACCES, msg, self._bucket)

    # -- listings -------------------------------------------------------------------------------------------------

    @property
    def _version_aware(self) -> bool:
        return bool(self._plane.setup.settings.value("version_aware", False))

    async def ls(
        self, path: str, *, refresh: bool = False, names_only: bool = False, **keywords: Any
    ) -> list[dict[str, Any]]:
        """One level of names; with ``versions=True`` all versions of the blobs."""
        names_only = names_only and not self._version_aware and not self.keeps_listings
        listing = Listing(self._bucket, versions=self._version_aware, names_only=names_only)
        # A keyword that nobody knows is the caller's mistake.
        with contextlib.nullcontext() if any(keywords.values()) else as_listing():
            return await self._plane_listing(path, lambda instance: listing.level(instance, path, refresh, **keywords))

    async def find(
        self, path: str, *, maxdepth: int | None, withdirs: bool | None, prefix: str, **keywords: Any
    ) -> dict[str, Any]:
        """All blobs below a path, five thousand for each request."""
        listing = Listing(self._bucket, versions=self._version_aware)
        return await self._found(listing, path, maxdepth, withdirs, prefix)

    async def kinds(
        self, path: str, *, maxdepth: int | None, withdirs: bool | None, prefix: str, **keywords: Any
    ) -> dict[str, str]:
        """The names that `find` finds and what they are."""
        listing = Listing(self._bucket, versions=self._version_aware, names_only=True)
        found = await self._found(listing, path, maxdepth, withdirs, prefix)
        return {name: kind_of(item) for name, item in found.items()}

    async def _found(
        self, listing: Listing, path: str, maxdepth: int | None, withdirs: bool | None, prefix: str
    ) -> dict[str, Any]:
        limit = int(self._plane.setup.settings.value("max_concurrency") or 10)
        listings, began = self._plane.dircache, self._plane.dircache.state
        found = await self._plane_listing(
            path, lambda instance: listing.below(instance, path, maxdepth, bool(withdirs), prefix, limit)
        )
        if self.keeps_listings and withdirs and maxdepth is None and not prefix:
            listings.keep_tree(path, listing.levels_of(path, found), began)
        return found

    async def _plane_listing(self, path: str, work: Callable[[Any], Awaitable[T]]) -> T:
        answer: T = await self._plane.call("_with_instance", path, work)
        return answer

    # -- containers -----------------------------------------------------------------------------------------------

    async def exists(self) -> bool:
        """Whether the container exists; a refusal raises, unless a listing is allowed, as a container's SAS does."""
        if self._plane.setup.settings.value("assume_container_exists", False):
            return True
        try:
            await self.request("", lambda client: client.get_container_properties())
        except FileNotFoundError:
            return False
        except CredentialsError:
            raise
        except PermissionError as error:
            try:
                await self.any_below("")
            except FileNotFoundError:
                return False
            except PermissionError:
                raise error from None
        return True

    async def create(self, **keywords: Any) -> None:
        """Create the container, with ``metadata`` and ``public_access``."""
        await self.request("", lambda client: client.create_container(**keywords))

    async def remove(self) -> None:
        """Delete the container."""
        await self.request("", lambda client: client.delete_container())
