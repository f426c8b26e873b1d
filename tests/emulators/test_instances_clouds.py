"""On each cloud, what makes two filesystems one, and how one travels: pickle, JSON, dask's tokens, fsspec's cache."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import fsspec
import pytest

import objfs
from objfs.errors import FileExpired
from objfs.testing import CountingProvider
from tests.clouds import CLOUDS, CloudUnderTest
from tests.distributions import run_fresh

SECRET = "a-canary-that-nobody-may-see"
CONTENT = bytes(range(256)) * 2048


@dataclass(frozen=True)
class Kind:
    """Options of one cloud that reach nothing.

    Parameters
    ----------
    scheme
        Of its URLs.
    place
        Options that are no credentials.
    secret
        Credentials, one of them `SECRET`.
    """

    scheme: str
    place: dict[str, Any]
    secret: dict[str, str] = field(repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """With static credentials."""
        return {**self.place, **self.secret}

    def fs(self, **options: Any) -> Any:
        """A filesystem with options in place of the credentials."""
        return fsspec.filesystem(self.scheme, **self.place, **options)


KINDS = {
    "s3": Kind(
        "s3", {"endpoint_url": "http://127.0.0.1:1", "region": "us-east-1"}, {"key": "AKIATESTS", "secret": SECRET}
    ),
    "gcs": Kind("gs", {"endpoint_url": "http://127.0.0.1:1", "project": "p"}, {"token": SECRET}),
    # A key of an account is text in base64.
    "azure": Kind("az", {"account_name": "tests"}, {"sas_token": f"sv=2024-11-04&sp=r&sig={SECRET}"}),
}


@pytest.fixture(params=CLOUDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each cloud in turn, without a server."""
    return KINDS[request.param]


@pytest.fixture(params=["keys", "provider"])
def options(request: pytest.FixtureRequest, cloud: CloudUnderTest) -> dict[str, Any]:
    """Options that reach the cloud's server, with the credentials themselves or a provider."""
    cloud.raw.put("key", b"content")
    return cloud.options if request.param == "keys" else cloud.provided()


def other(secret: dict[str, str]) -> dict[str, str]:
    """Somebody else's credentials."""
    return {name: value.replace(SECRET, "another-one") for name, value in secret.items()}


# -- pickle ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "through", [lambda fs: pickle.loads(pickle.dumps(fs)), copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"]
)
def test_copy_of_an_instance_reads_and_is_equal(
    cloud: CloudUnderTest, options: dict[str, Any], through: Callable[[Any], Any]
) -> None:
    """Also one that has been used and is in no cache."""
    fs = fsspec.filesystem(cloud.scheme, **options, skip_instance_cache=True)
    fs.ls(cloud.bucket)
    again = through(fs)
    assert (again.cat_file(cloud.path("key")), again.ls(cloud.bucket)) == (b"content", [cloud.path("key")])
    assert (again == fs, hash(again) == hash(fs)) == (True, True)


@pytest.mark.parametrize("engine", ["auto", "sdk"])
def test_pickled_reader_goes_on_with_the_version_that_was_open(cloud: CloudUnderTest, engine: str) -> None:
    """At its position; a replaced object is an error, not a mix."""
    cloud.raw.put("long", CONTENT)
    with cloud.fs(engine).open(cloud.path("long"), cache_type="none") as file:
        file.seek(300)
        again = pickle.loads(pickle.dumps(file))
        assert (again.tell(), again.read(3)) == (300, b"\x2c\x2d\x2e")
        late = pickle.loads(pickle.dumps(file))
        cloud.raw.put("long", CONTENT[::-1])
        with pytest.raises(FileExpired):
            late.read(3)


def test_opened_file_of_fsspec_travels_before_and_after_it_is_entered(cloud: CloudUnderTest) -> None:
    """What dask sends to workers: text and compression, too."""
    options = cloud.provided()
    with fsspec.open(cloud.url("text.gz"), "wt", compression="gzip", **options) as file:
        file.write("one\ntwo\n")
    opened = fsspec.open(cloud.url("text.gz"), "rt", compression="infer", **options)
    with pickle.loads(pickle.dumps(opened)) as file:
        assert file.readlines() == ["one\n", "two\n"]


def test_file_that_is_being_written_does_not_travel(cloud: CloudUnderTest) -> None:
    """It would be published twice; the one that stays is."""
    with cloud.fs().open(cloud.path("new"), "wb") as file:
        file.write(b"new")
        with pytest.raises(TypeError, match="writing cannot be pickled"):
            pickle.dumps(file)
    assert cloud.raw.get("new") == b"new"


def test_mapper_travels(cloud: CloudUnderTest, options: dict[str, Any]) -> None:
    """As zarr's stores of old do."""
    mapper = fsspec.get_mapper(cloud.url("map"), **options)
    mapper["a/b"] = b"1"
    again = pickle.loads(pickle.dumps(mapper))
    assert (dict(again), again == mapper) == ({"a/b": b"1"}, True)


# -- JSON -----------------------------------------------------------------------------------------------------------


def asynchronous_twin(fs: Any) -> Any:
    """What zarr does with an instance that is not asynchronous."""
    told = json.loads(fs.to_json())
    told["asynchronous"] = True
    return fsspec.AbstractFileSystem.from_json(json.dumps(told))


def test_json_and_dict_lead_back_to_the_same_instance(cloud: CloudUnderTest, options: dict[str, Any]) -> None:
    """By way of the class of the cloud, of fsspec's, and of JSON's own functions."""
    fs = fsspec.filesystem(cloud.scheme, **options)
    fs.ls(cloud.bucket)
    ways = [
        fsspec.AbstractFileSystem.from_json(fs.to_json()),
        type(fs).from_json(fs.to_json()),
        fsspec.AbstractFileSystem.from_dict(fs.to_dict()),
        fsspec.AbstractFileSystem.from_dict(json.loads(json.dumps(fs.to_dict()))),
    ]
    assert all(way is fs for way in ways)
    assert json.loads(fs.to_json())["protocol"] == type(fs).protocol[0]


def test_asynchronous_twin_reads_with_the_same_credentials(cloud: CloudUnderTest, options: dict[str, Any]) -> None:
    """And is no other filesystem to dask."""
    fs = fsspec.filesystem(cloud.scheme, **options)
    twin = asynchronous_twin(fs)
    assert (twin.asynchronous, twin.connection.choice is fs.connection.choice) == (True, True)

    async def read() -> Any:
        return await asyncio.gather(twin._cat_file(cloud.path("key")), twin._ls(cloud.bucket, detail=False))

    for _ in range(2):
        assert asyncio.run(read()) == [b"content", [cloud.path("key")]]
    assert twin.__dask_tokenize__() == fs.__dask_tokenize__()
    assert twin != fs


def test_json_without_secrets_holds_none(kind: Kind) -> None:
    """Neither does anything else that is printed."""
    fs = fsspec.filesystem(kind.scheme, **kind.options)
    assert SECRET in fs.to_json()
    told = (fs.to_json(include_password=False), str(fs.to_dict(include_password=False)), repr(fs), str(fs))
    assert not [text for text in told if SECRET in text]


def fetch() -> dict[str, str]:
    """A provider that is a function, which an import string finds in any process."""
    return KINDS["s3"].secret


PROVIDERS = {
    "function": lambda _: {"storage_options_provider": fetch},
    "import string": lambda _: {"storage_options_provider": f"{__name__}:fetch"},
    "object": lambda kind: {"storage_options_provider": CountingProvider(kind.secret, name="n")},
    "closure": lambda kind: {"storage_options_provider": lambda: kind.secret},
    "credential_provider": lambda kind: {"credential_provider": CountingProvider(kind.secret, name="c")},
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_kind_of_provider_survives_json_in_this_process(kind: Kind, provider: str) -> None:
    """As itself, so that the twin shares the credentials that were fetched."""
    fs = kind.fs(**PROVIDERS[provider](kind))
    twin = asynchronous_twin(fs)
    assert SECRET not in fs.to_json()
    assert twin.connection.choice is fs.connection.choice
    assert type(fs).from_json(fs.to_json()) == fs


def google_credentials() -> Any:
    """An object of google-auth."""
    credentials = pytest.importorskip("google.oauth2.credentials")
    return {"token": credentials.Credentials(SECRET)}


def azure_credential() -> Any:
    """An object of azure-core."""
    core = pytest.importorskip("azure.core.credentials")
    return {"credential": core.AzureSasCredential(f"sig={SECRET}")}


def botocore_session() -> Any:
    """A session of aiobotocore."""
    session = pytest.importorskip("aiobotocore.session").get_session()
    session.set_credentials("AKIATESTS", SECRET)
    return {"session": session}


@pytest.mark.parametrize(
    ("cloud_name", "made"),
    [("s3", botocore_session), ("gcs", google_credentials), ("azure", azure_credential)],
    ids=CLOUDS,
)
def test_credential_objects_of_the_sdks_survive_json_and_copies(cloud_name: str, made: Callable[[], Any]) -> None:
    """The twin signs with the very object, which is not in the text."""
    kind = KINDS[cloud_name]
    given = made()
    (thing,) = given.values()
    fs = kind.fs(**given)
    twin = asynchronous_twin(fs)
    assert thing in twin.storage_options.values()
    told = (fs.to_json(), repr(fs), str(fs.__dask_tokenize__()))
    assert not [text for text in told if SECRET in text]
    assert copy.copy(fs) == fs


# -- dask -----------------------------------------------------------------------------------------------------------

TOKENS = """
import json, sys
import fsspec, objfs, objfs.testing
from dask.base import tokenize
objfs.register()
found = []
for scheme, place, secret in json.loads(sys.argv[1]):
    made = [
        fsspec.filesystem(scheme, **place, **secret),
        fsspec.filesystem(scheme, **place, storage_options_provider=objfs.testing.CountingProvider(secret, name="n")),
        fsspec.filesystem(scheme, **place, storage_options_provider="tests.emulators.test_instances_clouds:fetch"),
    ]
    found.append([[tokenize(fs), fs._fs_token] for fs in made])
print(json.dumps(found))
"""


def test_dask_tokens_are_the_same_in_every_process() -> None:
    """Of instances with static credentials, with a provider and with an import string; also fsspec's own token."""
    tokenize = pytest.importorskip("dask.base").tokenize
    told = [[kind.scheme, kind.place, kind.secret] for kind in KINDS.values()]
    here = [
        [
            [tokenize(fs), fs._fs_token]
            for fs in (
                kind.fs(**kind.secret),
                kind.fs(storage_options_provider=CountingProvider(kind.secret, name="n")),
                kind.fs(storage_options_provider="tests.emulators.test_instances_clouds:fetch"),
            )
        ]
        for kind in KINDS.values()
    ]
    assert run_fresh(TOKENS, told, options=()) == here
    every = [token for kinds in here for pair in kinds for token in pair]
    assert len(set(every)) == len(every)


def test_dask_token_tells_options_and_credentials_apart(kind: Kind) -> None:
    """And shows neither."""
    tokenize = pytest.importorskip("dask.base").tokenize
    made = [
        kind.fs(**kind.secret),
        kind.fs(**other(kind.secret)),
        kind.fs(**kind.secret, engine="sdk"),
        kind.fs(anon=True),
        kind.fs(storage_options_provider=CountingProvider(kind.secret, name="one")),
        kind.fs(storage_options_provider=CountingProvider(kind.secret, name="two")),
    ]
    tokens = [tokenize(fs) for fs in made]
    assert len(set(tokens)) == len(tokens)
    assert not [fs for fs in made if SECRET in str(fs.__dask_tokenize__())]
    again = kind.fs(storage_options_provider=CountingProvider(kind.secret, name="one"))
    assert tokenize(again) == tokens[-2]


def test_dask_token_holds_no_address_of_an_object_among_the_options() -> None:
    """Two processes have it elsewhere."""
    tokenize = pytest.importorskip("dask.base").tokenize
    config = pytest.importorskip("botocore.config").Config
    made = [
        KINDS["s3"].fs(**KINDS["s3"].secret, client_kwargs={"config": config(connect_timeout=seconds)})
        for seconds in (5, 5, 6)
    ]
    tokens = [tokenize(fs) for fs in made]
    assert (tokens[0] == tokens[1], tokens[0] == tokens[2]) == (True, False)


BLOCKS = """
import json, sys
import objfs, objfs.testing
from dask.bytes import read_bytes
objfs.register()
url, options = map(json.loads, sys.argv[1:])
_, (blocks,) = read_bytes(url, sample=False, **options)
print(json.dumps([block.key for block in blocks]))
"""


def test_dask_names_blocks_of_bytes_alike_in_every_process(cloud: CloudUnderTest) -> None:
    """It makes the names of fsspec's own token, which would hold the number of the process."""
    dask_bytes = pytest.importorskip("dask.bytes")
    cloud.raw.put("lines", b"1\n2\n")
    _, (blocks,) = dask_bytes.read_bytes(cloud.url("lines"), sample=False, **cloud.options)
    assert run_fresh(BLOCKS, cloud.url("lines"), cloud.options, options=()) == [block.key for block in blocks]


# -- fsspec's cache of instances --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Silent:
    """A provider whose repr does not tell it from others."""

    secret: tuple[tuple[str, str], ...] = field(repr=False)

    def fetch_storage_options(self) -> dict[str, str]:
        """The credentials."""
        return dict(self.secret)


class Named:
    """A provider that says who it is; its repr is always the same."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "<provider>"

    def fetch_storage_options(self) -> dict[str, str]:
        """Nothing: nobody asks."""
        return {}

    def provider_id(self) -> str:
        """The name."""
        return self.name


def test_equal_options_are_one_instance_and_others_are_others(kind: Kind) -> None:
    """Also in another thread, and with a provider that is equal."""
    fs = kind.fs(**kind.secret)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(kind.fs(**kind.secret)))
    thread.start()
    thread.join(30)
    assert found == [fs]
    assert found[0] is fs is kind.fs(**kind.secret) is type(fs).current()
    for others in ({**kind.secret, "engine": "sdk"}, other(kind.secret), {"anon": True}):
        assert kind.fs(**others) != fs
    alone = kind.fs(**kind.secret, skip_instance_cache=True)
    assert (alone is fs, alone == fs, alone.connection.choice is fs.connection.choice) == (False, True, True)
    type(fs).clear_instance_cache()
    assert kind.fs(**kind.secret) is not fs


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(Silent((("a", "1"),)), Silent((("a", "2"),)), id="by-its-state"),
        pytest.param(Named("one"), Named("two"), id="by-its-provider_id"),
    ],
)
def test_provider_with_the_repr_of_another_is_not_taken_for_it(kind: Kind, one: Any, two: Any) -> None:
    """fsspec looks at the repr of options only; one caller would get what another one may see."""
    first, second = (kind.fs(storage_options_provider=provider) for provider in (one, two))
    assert (first is second, first == second, hash(first) == hash(second)) == (False, False, False)
    assert second.storage_options["storage_options_provider"] is two
    assert kind.fs(storage_options_provider=copy.copy(one)) is first


def test_provider_by_position_is_told_apart_too() -> None:
    """Objects among the positional arguments."""
    credentials = pytest.importorskip("google.auth.credentials")

    class Quiet(credentials.AnonymousCredentials):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def __repr__(self) -> str:
            return "<credentials>"

    one, two = (objfs.GCSFileSystem("p", "read_only", Quiet(name)) for name in ("one", "two"))
    assert one is not two


def test_instances_of_one_configuration_share_what_was_fetched(kind: Kind) -> None:
    """However the options are spelled, and whatever else they say."""
    provider = CountingProvider({**kind.secret, "expires_at_millis": str(1 << 45)}, name=f"shared {kind.scheme}")
    made = [
        kind.fs(storage_options_provider=provider, **more) for more in ({}, {"engine": "sdk"}, {"asynchronous": True})
    ]
    for fs in made:
        fs.connection.choice.current()
    assert provider.calls == 1
