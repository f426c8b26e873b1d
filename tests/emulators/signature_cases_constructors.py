"""Cases of the signature test: keywords of the peers' constructors, and what an instance does or knows with each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import objfs
from tests.emulators.signature_bench import Bench
from tests.emulators.signatures import peer_class
from tests.gcs_proxy import Asked
from tests.node_servers import ACCOUNT_KEY

Observe = Callable[[Bench, dict[str, Any]], Any]


@dataclass(frozen=True)
class Told:
    """A keyword of a constructor.

    Parameters
    ----------
    cloud, keyword, value
        What is passed.
    observe
        What an instance that was told so does or knows.
    expected
        What is observed of the peer and of ours.
    not_on_peer
        Why it cannot be observed of the peer.
    more
        What is passed beside it.
    without
        What of the usual options is not passed.
    """

    cloud: str
    keyword: str
    value: Any
    observe: Observe
    expected: Any
    not_on_peer: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.cloud}-{self.keyword}"


def known(name: str) -> Observe:
    """An attribute."""
    return lambda b, told: getattr(b.make(**told), name)


def opened(name: str) -> Observe:
    """An attribute of an open file."""

    def observe(b: Bench, told: dict[str, Any]) -> Any:
        with b.make(**told).open(b.file) as file:
            return getattr(file, name)

    return observe


def asked(look: Callable[[Asked], Any], call: Callable[[Bench, Any], Any] | None = None) -> Observe:
    """What is looked at in the last request of a call; by default of one that reads an object."""

    def observe(b: Bench, told: dict[str, Any]) -> Any:
        with b.watched(**told) as (fs, proxy):
            # Not every server of a test knows what it is asked; what is asked is what counts.
            proxy.answer(404, "GET", times=0)
            with contextlib.suppress(Exception):
                (call or _read)(b, fs)
            return look(proxy.asked[-1])

    return observe


def _read(b: Bench, fs: Any) -> None:
    fs.cat_file(b.file)


def _write(b: Bench, fs: Any) -> None:
    fs.pipe_file(b.path("new"), b"1")


def _info(b: Bench, fs: Any) -> None:
    fs.info(b.file)


def _mkdir(b: Bench, fs: Any) -> None:
    fs.mkdir(f"{b.bucket}-made")


def _header(name: str) -> Callable[[Asked], Any]:
    return lambda each: each.headers.get(name)


def _signer(each: Asked) -> str:
    return each.headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]


def _region(each: Asked) -> str:
    return each.headers["authorization"].split("/")[2]


def _key_of(path: str) -> Observe:
    return lambda b, told: b.make(**told).split_path(path)[1:]


def _loop(b: Bench, told: dict[str, Any]) -> bool:
    loop = asyncio.new_event_loop()
    try:
        return b.make(loop=loop).loop is loop
    finally:
        loop.close()


def _session(b: Bench, told: dict[str, Any]) -> bool:
    from aiobotocore.session import AioSession

    session = AioSession()
    return b.make(session=session).session is session


KEYS: Final = ("key", "secret")
CLEANS_UP: Final = "what it leaves behind looks for the loop later"

S3: Final = (
    Told("s3", "anon", True, asked(lambda each: "authorization" in each.headers), False, without=KEYS),
    Told("s3", "endpoint_url", "http://127.0.0.1:1", known("endpoint_url"), "http://127.0.0.1:1"),
    Told("s3", "key", "AKIAMINE", asked(_signer), "AKIAMINE"),
    Told("s3", "secret", "another", asked(lambda each: "Signature=" in each.headers["authorization"]), True),
    Told("s3", "token", "the-token", asked(_header("x-amz-security-token")), "the-token"),
    Told("s3", "use_ssl", False, known("use_ssl"), False),
    Told("s3", "client_kwargs", {"region_name": "eu-west-9"}, asked(_region), "eu-west-9", without=("region",)),
    Told("s3", "requester_pays", True, asked(_header("x-amz-request-payer")), "requester"),
    Told("s3", "default_block_size", 6 << 20, opened("blocksize"), 6 << 20),
    Told("s3", "default_fill_cache", False, opened("fill_cache"), False),
    Told("s3", "default_cache_type", "bytes", lambda b, told: opened("cache")(b, told).name, "bytes"),
    Told("s3", "version_aware", True, _key_of("b/k?versionId=v"), ("k", "v")),
    Told(
        "s3",
        "config_kwargs",
        {"user_agent": "of-a-test"},
        asked(lambda each: "of-a-test" in each.headers["user-agent"]),
        True,
    ),
    Told(
        "s3",
        "s3_additional_kwargs",
        {"ServerSideEncryption": "AES256"},
        asked(_header("x-amz-server-side-encryption"), _write),
        "AES256",
    ),
    Told("s3", "session", None, _session, True),
    Told("s3", "username", "AKIAUSER", asked(_signer), "AKIAUSER", more={"password": "w"}, without=KEYS),
    Told("s3", "password", "word", asked(_signer), "AKIAUSER", more={"username": "AKIAUSER"}, without=KEYS),
    Told("s3", "cache_regions", True, known("cache_regions"), True),
    Told("s3", "asynchronous", True, known("asynchronous"), True),
    Told("s3", "loop", None, _loop, True, CLEANS_UP),
    Told("s3", "max_concurrency", 3, known("max_concurrency"), 3),
    Told("s3", "fixed_upload_size", True, known("fixed_upload_size"), True),
    Told("s3", "local_expiry_check", True, known("local_expiry_check"), True),
)


def _bearer(each: Asked) -> str:
    return each.headers.get("authorization", "")


def _payer(each: Asked) -> str:
    return each.path.partition("userProject=")[2].partition("&")[0] or each.headers.get("x-goog-user-project", "")


AT_GOOGLE: Final = "it asks Google's server at once"


def at_google(name: str) -> Observe:
    """An attribute of the instance of gcsfs that is asked where no emulator is."""

    def observe(_: Bench, told: dict[str, Any]) -> Any:
        return attrgetter(name)(objfs.GCSFileSystem(token="anon", project="p", **told).connection.sdk.instance())

    return observe


READ_ONLY: Final = "https://www.googleapis.com/auth/devstorage.read_only"


def _total(b: Bench, told: dict[str, Any]) -> Any:
    return b.make(**told).session_kwargs["timeout"]["total"]


def _trusts(b: Bench, told: dict[str, Any]) -> Any:
    return b.make(**told).session_kwargs["trust_env"]


GCS: Final = (
    Told("gcs", "project", "mine", known("project"), "mine"),
    Told("gcs", "access", "read_only", lambda b, told: b.make(**told).credentials.scope, READ_ONLY),
    Told("gcs", "token", "ya29.mine", asked(_bearer), "Bearer ya29.mine", "asks Google's token server"),
    Told("gcs", "block_size", 6 << 20, known("default_block_size"), 6 << 20),
    Told("gcs", "consistency", "md5", known("consistency"), "md5"),
    Told("gcs", "cache_timeout", 5, known("cache_timeout"), 5),
    Told("gcs", "requests_timeout", 7, _total, 7, "it is told to each request"),
    Told("gcs", "requester_pays", "payer", asked(_payer), "payer"),
    Told("gcs", "asynchronous", True, known("asynchronous"), True),
    Told("gcs", "session_kwargs", {"trust_env": False}, _trusts, False),
    Told("gcs", "loop", None, _loop, True, CLEANS_UP),
    Told("gcs", "timeout", 9, _total, 9, "it is told to each request"),
    Told("gcs", "endpoint_url", "http://127.0.0.1:1", known("base"), "http://127.0.0.1:1/storage/v1/"),
    Told("gcs", "default_location", "EU", known("default_location"), "EU"),
    Told("gcs", "version_aware", True, _key_of("b/k#12"), ("k", "12")),
    Told("gcs", "finalize_on_close", True, at_google("finalize_on_close"), True, AT_GOOGLE),
    Told("gcs", "mrd_pool_cache_size", 4, at_google("_mrd_pool_cache._max_idle_pools"), 4, AT_GOOGLE),
    Told("gcs", "max_mrd_pool_cache_queue_size", 2, at_google("_mrd_pool_cache._max_queue_size"), 2, AT_GOOGLE),
)

KEY: Final = ("account_key",)
NOBODY: Final = {"account_name": "mine", "anon": True}
ACCOUNT: Final = {"account_name": "mine", "account_key": "a2V5"}


def bare(look: Callable[[Any], Any]) -> Observe:
    """What is looked at in an instance that is told nothing else."""

    def observe(b: Bench, told: dict[str, Any]) -> Any:
        if b.is_peer:
            return look(peer_class("azure")(**told, skip_instance_cache=True))
        return look(objfs.AzureBlobFileSystem(**told, engine=b.who))

    return observe


def _place(fs: Any) -> str:
    found: str = fs.service_client.url
    return found.rstrip("/")


def _shared_key(each: Asked) -> str:
    return each.headers.get("authorization", "").partition(":")[0]


STRING: Final = "AccountName=mine;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/mine"
HTTPS: Final = "it speaks https, which the server of the tests does not"

AZURE: Final = (
    Told("azure", "account_name", "mine", bare(_place), "https://mine.blob.core.windows.net", more=ACCOUNT),
    Told("azure", "account_key", ACCOUNT_KEY, asked(_shared_key), "SharedKey devstoreaccount1"),
    Told("azure", "connection_string", STRING, bare(_place), "http://127.0.0.1:1/mine"),
    Told("azure", "credential", ACCOUNT_KEY, asked(_shared_key), "SharedKey devstoreaccount1", HTTPS, without=KEY),
    Told(
        "azure",
        "sas_token",
        "sv=2021-08-06&sig=abc&se=2099-01-01",
        asked(lambda each: "sig=abc" in each.path),
        True,
        HTTPS,
        without=KEY,
    ),
    Told("azure", "account_host", "host.example", bare(_place), "https://host.example", more=NOBODY),
    Told("azure", "anon", True, bare(lambda fs: fs.anon), True, more={"account_name": "mine"}),
    Told("azure", "blocksize", 6 << 20, known("blocksize"), 6 << 20),
    Told("azure", "location_mode", "secondary", bare(lambda fs: fs.location_mode), "secondary", more=ACCOUNT),
    Told("azure", "loop", None, _loop, True, CLEANS_UP),
    Told("azure", "asynchronous", True, known("asynchronous"), True, CLEANS_UP),
    Told("azure", "default_fill_cache", False, known("default_fill_cache"), False),
    Told("azure", "default_cache_type", "readahead", known("default_cache_type"), "readahead"),
    Told("azure", "version_aware", True, _key_of("c/k?versionid=v"), ("k", "v")),
    Told("azure", "assume_container_exists", True, known("assume_container_exists"), True),
    Told("azure", "max_concurrency", 3, known("max_concurrency"), 3),
)

ROWS: Final = (*S3, *GCS, *AZURE)

_PRINCIPAL: Final = "emulators/test_credentials_azure.py::test_service_principal_asks_entra_once"
_TIMEOUTS: Final = "unit/test_azure_backends.py::test_store_arguments_keep_the_users_timeouts"
# Keywords with a test of their own.
ELSEWHERE: Final[Mapping[tuple[str, str], str]] = {
    **{("azure", keyword): _PRINCIPAL for keyword in ("client_id", "client_secret", "tenant_id")},
    **{("azure", keyword): _TIMEOUTS for keyword in ("connection_timeout", "read_timeout")},
}
SHOWN: Final = frozenset((row.cloud, row.keyword) for row in ROWS) | frozenset(ELSEWHERE)
