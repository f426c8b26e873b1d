"""No secret is shown: not by an instance, not by an error with all it came from, not in a log, not in a payload."""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

import fsspec
import pytest

import objfs
from objfs.credentials.hiding import Hiding, WithheldError
from objfs.credentials.select import ANONYMOUS
from objfs.errors import UrlError
from objfs.options import Settings
from objfs.testing import CountingProvider
from tests.clouds import CLOUDS
from tests.faults.answering import Answer, Answering, Asked, answering
from tests.faults.canaries import (
    CANARY,
    NOWHERE,
    SAS,
    SCHEMES,
    SURFACES,
    Plant,
    debug_log,
    everything_of,
    leaks,
    plants,
    shown,
    traced,
)

# Options without effect are tried, too: what they hold is no less secret.
pytestmark = pytest.mark.filterwarnings("ignore:storage option:DeprecationWarning")

LOGGERS: Final = (
    "adlfs",
    "aiobotocore",
    "aiohttp",
    "asyncio",
    "azure",
    "botocore",
    "fsspec",
    "gcsfs",
    "google",
    "objfs",
    "s3fs",
    "urllib3",
)
PLANTS: Final = [plant for cloud in CLOUDS for plant in plants(cloud)]


# -- fields -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_no_field_is_shown(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option that is secret or may hold a secret, by every name; the options are taken, or refused in silence."""
    for name, value in plant.environ.items():
        monkeypatch.setenv(name, value)
    told: Any
    try:
        told = shown(plant.fs())
    except (ValueError, PermissionError) as error:
        told = leaks("\n".join(everything_of(error)))
    assert not told


def test_nearly_every_field_is_tried_in_earnest() -> None:
    """A refused option shows nothing that matters: at most a few are, and every secret row is taken by some name."""
    taken = set()
    for plant in PLANTS:
        if not plant.environ:
            try:
                plant.fs()
            except (ValueError, PermissionError):
                continue
            taken.add((plant.cloud, plant.row))
    secret = {(plant.cloud, plant.row) for plant in PLANTS if not plant.environ}
    refused = {row for _, row in secret - taken}
    assert refused <= {
        # Dicts of which nothing but known members is secret, and URLs that are taken without userinfo only.
        "config_kwargs.s3",
        "config_kwargs.retries",
        "config_kwargs.proxies_config",
        "config_kwargs.connector_args",
        "aws_endpoint_url_s3",
        "azurite_blob_storage_url",
        "base_url",
        "endpoint",
        "mtls_endpoint",
        "request_signer",
        "s3_additional_kwargs",
        "secondary_endpoint",
        "token",  # of GCS, as an object that nobody knows
        "universe_domain",
    }


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: objfs.S3FileSystem(False, None, "AKIA", CANARY, CANARY), id="s3"),
        pytest.param(lambda: objfs.GCSFileSystem("p", "read_only", CANARY), id="gcs"),
        pytest.param(lambda: objfs.AzureBlobFileSystem("tests", CANARY), id="azure"),
    ],
)
def test_no_secret_by_position_is_shown(make: Callable[[], Any]) -> None:
    """The order is that of the class which each one takes over from."""
    assert shown(make()) == {}


def test_surfaces_are_seen_through() -> None:
    """A surface that tells is caught, plainly or in base64, and whoever raises it."""
    fs = Plant("s3", "secret_access_key", "secret", {"key": "AKIA", "secret": CANARY}).fs()
    assert leaks(fs.to_json())
    assert leaks(json.dumps(fs.storage_options))
    assert leaks("Basic c29tZWJvZHk6Q2FuYXJ5VGhhdE5vYm9keU1heVNlZTAx")
    wrapped = OSError(5, "no", CANARY)
    wrapped.__context__ = ValueError("x")
    wrapped.__context__.__cause__ = KeyError(CANARY)
    assert len(leaks("\n".join(everything_of(wrapped)))) == 3
    assert set(SURFACES) > {"repr", "json", "settings"}


# -- errors and logs --------------------------------------------------------------------------------------------------

# Credentials that go over the wire as they are, or in part.
SENT: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "s3-session": ("s3", {"key": "AKIA", "secret": CANARY, "token": CANARY}),
    "s3-customer-key": ("s3", {"key": "AKIA", "secret": CANARY, "sse_customer_key_base64": f"{CANARY}{'A' * 19}="}),
    "gcs-token": ("gcs", {"token": CANARY}),
    "azure-sas": ("azure", {"sas_token": SAS}),
    "azure-key": ("azure", {"account_key": CANARY}),
    "azure-token": ("azure", {"token": CANARY}),
    "azure-headers": ("azure", {"account_key": "a2V5", "default_headers": {"x-auth": f"Bearer {CANARY}"}}),
}
VERBS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "cat_file": lambda fs: fs.cat_file("bucket/a"),
    "cat_ranges": lambda fs: fs.cat_ranges(["bucket/a"], [0], [9], on_error="raise"),
    "open": lambda fs: fs.open("bucket/a").read(),
    "info": lambda fs: fs.info("bucket/a"),
    "exists": lambda fs: fs.exists("bucket/a"),
    "ls": lambda fs: fs.ls("bucket"),
    "find": lambda fs: fs.find("bucket"),
    "pipe_file": lambda fs: fs.pipe_file("bucket/a", b"x"),
    "upload": lambda fs: fs.pipe_file("bucket/a", bytes(11 << 20)),
    "rm_file": lambda fs: fs.rm_file("bucket/a"),
    "rm": lambda fs: fs.rm(["bucket/a", "bucket/b"]),
    "cp_file": lambda fs: fs.cp_file("bucket/a", "bucket/b"),
    "mkdir": lambda fs: fs.mkdir("another"),
    "buckets": lambda fs: fs.ls(""),
}
STATUSES: Final = (400, 403, 500)


def quoting(asked: Asked) -> Answer:
    """Refuse, and quote the whole request, as AWS does a wrong signature or token; the path tells the status."""
    status = next((each for each in STATUSES if f"status-{each}" in asked.target), 403)
    said = escape("\n".join([asked.target, *(f"{name}: {value}" for name, value in asked.headers.items())]))
    if asked.path.startswith(("/storage/", "/upload/", "/batch/")):
        error = {"code": status, "message": f"no: {said}", "errors": [{"reason": "authError", "message": said}]}
        return Answer(status, json.dumps({"error": error}).encode())
    text = (
        f"<?xml version='1.0'?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>no: {said}</Message>"
        f"<Token-0>{said}</Token-0><CanonicalRequest>{said}</CanonicalRequest>"
        f"<AuthenticationErrorDetail>{said}</AuthenticationErrorDetail></Error>"
    )
    return Answer(status, text.encode())


@pytest.fixture(scope="module")
def quoter() -> Iterator[Answering]:
    """A server that refuses everything and quotes what it was asked."""
    with answering(quoting) as server:
        yield server


def place(cloud: str, endpoint: str) -> dict[str, Any]:
    """Options that lead to a server."""
    return {
        name: value.replace("http://127.0.0.1:1", endpoint) if isinstance(value, str) else value
        for name, value in NOWHERE[cloud].items()
    }


def given(cloud: str, credentials: dict[str, Any], giver: str) -> dict[str, Any]:
    """Credentials as static options, or by a provider, with what no provider hands out beside it."""
    table = fsspec.get_filesystem_class(SCHEMES[cloud]).cloud.table.index
    fetched = {name: value for name, value in credentials.items() if table[name][0].identity}
    if giver == "static":
        return credentials
    rest = {name: value for name, value in credentials.items() if name not in fetched}
    return {**rest, "storage_options_provider": CountingProvider(fetched)}


@pytest.mark.parametrize(
    ("engine", "giver"),
    [
        pytest.param("auto", "static", id="auto-static"),
        pytest.param("auto", "provider", id="auto-provider"),
        pytest.param("sdk", "provider", id="sdk-provider"),
    ],
)
@pytest.mark.parametrize("kind", SENT)
def test_no_error_or_log_shows_what_a_server_quotes(quoter: Answering, kind: str, engine: str, giver: str) -> None:
    """Each verb is refused with all that was sent in the answer; and once more by a server that is not there."""
    cloud, credentials = SENT[kind]
    told: dict[str, list[str]] = {}
    with debug_log(*LOGGERS) as log, objfs.trace(telemetry=False) as trace:
        for endpoint in (quoter.endpoint, "http://127.0.0.1:1"):
            options = {**place(cloud, endpoint), **given(cloud, credentials, giver)}
            fs = fsspec.filesystem(SCHEMES[cloud], engine=engine, skip_instance_cache=True, **options)
            for verb, call in VERBS.items():
                with pytest.raises(OSError) as raised:
                    call(fs)
                told[verb] = leaks("\n".join([*everything_of(raised.value), *traceback.format_exception(raised.value)]))
            told["explain"] = leaks(str(fs.explain("bucket/a", check=("list", "read"))))
    assert {verb: found for verb, found in told.items() if found} == {}
    assert (leaks(log.getvalue()), leaks(traced(trace))) == ([], [])
    assert (bool(log.getvalue()), bool(trace.requests)) == (True, True)


def test_server_quotes_indeed(quoter: Answering) -> None:
    """The answers of the test above hold the canary, so that there is something to hide."""
    answer = quoting(Asked("GET", "/bucket/a", {"authorization": f"Bearer {CANARY}"}))
    assert isinstance(answer.body, bytes)
    assert leaks(answer.body.decode())


@pytest.mark.parametrize("cloud", CLOUDS)
def test_refused_errors_keep_their_type_and_say_why(quoter: Answering, cloud: str) -> None:
    """Only the secret goes; code, path and status stay."""
    credentials = next(credentials for kind, credentials in SENT.values() if kind == cloud)
    fs = fsspec.filesystem(SCHEMES[cloud], skip_instance_cache=True, **place(cloud, quoter.endpoint), **credentials)
    with pytest.raises(PermissionError, match=r"\*\*\*") as raised:
        fs.cat_file("bucket/a")
    assert raised.value.filename.endswith("bucket/a")
    assert (raised.value.errno, "no: " in str(raised.value)) == (13, True)
    assert isinstance(raised.value.__cause__, WithheldError)
    assert "***" in str(raised.value.__cause__)


def hiding(**options: Any) -> Hiding:
    """What a connection with these options hides."""
    settings: Settings = (
        Plant("s3", "", "", {"key": "AKIA", "secret": "another-one", **options}).fs().connection.options
    )
    return Hiding(settings, ANONYMOUS)


def test_hiding_reaches_notes_and_every_link_of_the_chain() -> None:
    """And changes nothing of what shows no secret."""
    inner, middle, error = KeyError(CANARY), ValueError("harmless"), OSError(5, f"it was {CANARY}", f"b/{CANARY}")
    middle.__context__ = inner
    inner.__cause__ = error
    error.add_note(f"by {CANARY}")
    with pytest.raises(OSError) as raised:
        hiding(token=CANARY).raise_from(error, middle)
    assert raised.value is error
    assert (error.strerror, error.filename, error.__notes__) == ("it was ***", "b/***", ["by ***"])
    assert error.__cause__ is middle
    assert str(middle.__context__) == "builtins.KeyError: '***'"
    assert not leaks("\n".join(everything_of(error)))


def test_hiding_leaves_other_errors_alone() -> None:
    """Their causes are the very objects, and what is short or common is no secret."""
    cause, error = ValueError("GET s3 failed?prefix=a&x=1"), FileNotFoundError(2, "no such key", "bucket/s3/a")
    with pytest.raises(FileNotFoundError) as raised:
        hiding(config_kwargs={"signature_version": "s3"}).raise_from(error, cause)
    assert (raised.value is error, error.__cause__ is cause, cause.args) == (
        True,
        True,
        ("GET s3 failed?prefix=a&x=1",),
    )


class Stubborn(Exception):
    """Its text is not made of its arguments."""

    def __str__(self) -> str:
        return CANARY


def test_error_that_cannot_be_changed_is_replaced() -> None:
    """By an OSError with what may be told of it."""
    with pytest.raises(OSError, match=r"\*\*\*"):
        hiding(token=CANARY).raise_from(Stubborn(), None)


@pytest.mark.parametrize(
    "url",
    [
        f"https://h/k?X-Amz-Signature={CANARY}",
        f"https://h/k?a=1&sig={CANARY}&se=2",
        f"https://h/k?X-Goog-Signature={CANARY}",
        f"https://h/k?x-ms-token={CANARY}",
    ],
)
def test_signature_of_a_url_in_an_error_is_hidden_though_nobody_knows_it(url: str) -> None:
    """A presigned URL that a library quotes, wherever it stands in the text."""
    with pytest.raises(OSError, match=r"\*\*\*") as raised:
        hiding().raise_from(OSError(5, f'cannot connect to "{url}" (refused)'), RuntimeError(f"[{url}]"))
    assert str(raised.value).endswith('" (refused)')
    assert not leaks("\n".join(everything_of(raised.value)))


# -- URLs -------------------------------------------------------------------------------------------------------------

USERINFO: Final = {
    "s3": f"s3://AKIAOBJFSTESTS:{CANARY}@bucket/key",
    "s3-slash": f"s3://AKIAOBJFSTESTS:a/{CANARY}@bucket/key",
    "s3-user-alone": f"s3://{CANARY}@bucket/key",
    "s3a": f"s3a://AKIAOBJFSTESTS:{CANARY}@bucket/key",
    "gcs": f"gs://user:{CANARY}@bucket/key",
    "azure": f"az://user:{CANARY}@bucket/key",
    "azure-account": f"abfss://user:{CANARY}@tests.dfs.core.windows.net/key",
    "azure-password": f"abfss://container:{CANARY}@account.dfs.core.windows.net/key",
}
OPENERS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "open": lambda url, fs: fsspec.open(url, **fs.storage_options).open(),
    "url_to_fs": lambda url, fs: fsspec.core.url_to_fs(url, **fs.storage_options),
    "mapper": lambda url, fs: fsspec.get_mapper(url, **fs.storage_options),
    "from_url": lambda url, fs: objfs.from_url(url, **fs.storage_options),
    "strip": lambda url, fs: type(fs)._strip_protocol(url),
    "cat": lambda url, fs: fs.cat(url),
    "info": lambda url, fs: fs.info(url),
    "ls": lambda url, fs: fs.ls(url),
    "find": lambda url, fs: fs.find(url),
    "write": lambda url, fs: fs.open(url, "wb"),
    "pipe": lambda url, fs: fs.pipe({url: b"1"}),
    "rm": lambda url, fs: fs.rm(url),
    "cp": lambda url, fs: fs.cp(url, "bucket/another"),
    "exists": lambda url, fs: fs.exists(url),
}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("kind", USERINFO)
def test_credentials_in_a_url_are_refused_without_being_repeated(kind: str, opener: str) -> None:
    """Nothing reads them from there in silence."""
    cloud = {"s3a": "s3"}.get(kind.partition("-")[0], kind.partition("-")[0])
    fs = fsspec.filesystem(SCHEMES[cloud], **{**NOWHERE[cloud], "anon": True})
    with pytest.raises(UrlError, match=r"options|credentials|user") as raised:
        OPENERS[opener](USERINFO[kind], fs)
    assert not leaks("\n".join(everything_of(raised.value)))


@pytest.mark.parametrize(
    "url",
    [
        f"https://bucket.s3.eu-west-1.amazonaws.com/key?X-Amz-Signature={CANARY}&X-Amz-Credential=AKIA",
        f"https://bucket.s3.amazonaws.com/key?AWSAccessKeyId=AKIA&Signature={CANARY}&Expires=1",
        f"https://storage.googleapis.com/bucket/key?X-Goog-Signature={CANARY}",
        f"https://user:{CANARY}@bucket.s3.amazonaws.com/key",
        f"https://user:{CANARY}@tests.blob.core.windows.net/container/key",
        f"https://user:{CANARY}@storage.googleapis.com/bucket/key",
        f"ftp://user:{CANARY}@host/key",
        f"s4://user:{CANARY}@host/key",
    ],
)
def test_presigned_and_odd_urls_are_refused_without_being_repeated(url: str) -> None:
    """They belong to fsspec's HTTP filesystem, or to nobody."""
    with pytest.raises(UrlError) as raised:
        objfs.from_url(url)
    assert not leaks("\n".join(everything_of(raised.value)))


def test_signature_of_a_sas_url_is_a_secret() -> None:
    """It is taken from the URL of a blob, as the account is, and never shown."""
    url = f"https://tests.blob.core.windows.net/container/key?{SAS}"
    fs, path = objfs.from_url(url)
    assert (path, shown(fs)) == ("container/key", {})


# -- providers --------------------------------------------------------------------------------------------------------

JUNK: Final[Mapping[str, Any]] = {
    "text": CANARY,
    "list": [CANARY],
    "unknown-name": {"nonsense": CANARY},
    "half": {"secret_access_key": CANARY, "client_secret": CANARY},
    "line-break": {"access_key_id": "AKIA", "secret_access_key": f"{CANARY}\n"},
    "bytes": {"access_key_id": "AKIA", "secret_access_key": CANARY.encode()},
    "list-of-texts": {"access_key_id": "AKIA", "secret_access_key": [CANARY]},
    "expiry": {"access_key_id": "AKIA", "secret_access_key": CANARY, "expires_at_millis": "soon"},
    "pair": ({"access_key_id": "AKIA", "secret_access_key": CANARY}, CANARY),
    "conflict": {"access_key_id": "AKIA", "secret": CANARY, "aws_secret_access_key": f"{CANARY}2"},
    "key": {"account_key": f"{CANARY}!"},
    "sas": {"sas_token": f"sig={CANARY}\n"},
    "token": {"token": [CANARY]},
    "expired": {
        "access_key_id": "AKIA",
        "secret_access_key": CANARY,
        "account_key": CANARY,
        "access_token": CANARY,
        "expires_at_millis": "1000",
    },
}


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_a_provider_returns_is_not_shown(cloud: str, junk: str) -> None:
    """Nor by the error for what cannot be used."""
    with debug_log(*LOGGERS) as log:
        fs = fsspec.filesystem(
            SCHEMES[cloud],
            **NOWHERE[cloud],
            storage_options_provider=lambda: JUNK[junk],
            skip_instance_cache=True,
        )
        with pytest.raises(OSError) as raised:
            fs.cat_file("bucket/a")
    assert not leaks("\n".join(everything_of(raised.value)))
    assert leaks(log.getvalue()) == []


class Vending:
    """A provider that hands out canaries, and holds none."""

    def fetch_storage_options(self) -> dict[str, str]:
        """Credentials of S3."""
        return {"access_key_id": "AKIA", "secret_access_key": str(CANARY), "session_token": str(CANARY)}


def test_payloads_hold_nothing_that_a_provider_handed_out(quoter: Answering) -> None:
    """After it was used: JSON with passwords, pickles of everything that travels, and dask's graphs."""
    fs = objfs.S3FileSystem(**place("s3", quoter.endpoint), storage_options_provider=Vending())
    with pytest.raises(PermissionError):
        fs.cat_file("bucket/a")
    assert fs.connection.choice.current().values["secret_access_key"] == CANARY
    writer = fs.open("bucket/a", "wb")
    payloads = {
        "json": fs.to_json().encode(),
        "pickle": pickle.dumps(fs),
        "mapper": pickle.dumps(fs.get_mapper("bucket/a")),
        "opened": pickle.dumps(fsspec.core.OpenFile(fs, "bucket/a", compression="gzip")),
        "under-a-prefix": pickle.dumps(objfs.from_url("s3://bucket/a/b", prefix="a", **fs.storage_options)[0]),
    }
    writer.discard()
    dask = pytest.importorskip("dask")
    graph = dask.delayed(fs.cat_file)("bucket/a").dask
    payloads["graph"] = pickle.dumps(dict(graph))
    assert {name: leaks(told.decode("latin-1")) for name, told in payloads.items()} == {name: [] for name in payloads}
