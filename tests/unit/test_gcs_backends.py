"""Settings of GCS in the words of each backend: complete, explicit, and out of the environment's reach."""

from __future__ import annotations

import errno
import inspect
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from objfs.clouds._backends import RETRY_DEFAULTS
from objfs.clouds.gcs import GCS
from objfs.clouds.gcs_backends import NO_ACCOUNT, NO_ACCOUNT_FILE, at_google
from objfs.clouds.gcs_rows import listings_expiry
from objfs.credentials.shapes import read_answer
from objfs.credentials.values import Credentials
from objfs.errors import ConflictingOptionsError, MissingExtraError, OptionError
from objfs.options import Layer, Origin, environment_layer, translate
from objfs.types import Location, ObjectInfo

GOOGLE = "https://storage.googleapis.com"
EMULATOR = "http://127.0.0.1:4443"
KEY = '{"type": "service_account", "private_key": "hunter2"}'
CUSTOMER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

# Each variable would change a store or a client that trusts the environment, or make it impossible to build one.
HOSTILE = {
    "GOOGLE_ALLOW_HTTP": "true",
    "GOOGLE_APPLICATION_CREDENTIALS": "/no/such/file",
    "GOOGLE_BASE_URL": "http://evil:1",
    "GOOGLE_BEARER_TOKEN": "EVIL",
    "GOOGLE_BUCKET": "evil",
    "GOOGLE_BUCKET_NAME": "evil",
    "GOOGLE_CLOUD_PROJECT": "evil",
    "GOOGLE_CLOUD_UNIVERSE_DOMAIN": "evil.example",
    "GOOGLE_PROXY_URL": "http://evil:3",
    "GOOGLE_SKIP_SIGNATURE": "true",
    "GOOGLE_TIMEOUT": "1ms",
    "STORAGE_EMULATOR_HOST": "http://evil:2",
}
# Of these obstore takes one kind or the other.
ACCOUNTS = {
    "path": {"GOOGLE_SERVICE_ACCOUNT": "/no/such/file"},
    "other-path": {"GOOGLE_SERVICE_ACCOUNT_PATH": "/no/such/file"},
    "bare-path": {"SERVICE_ACCOUNT": "/no/such/file"},
    "paths": {"GOOGLE_SERVICE_ACCOUNT": "/no/such/file", "SERVICE_ACCOUNT": "/nor/this"},
    "key": {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"no": "key"}'},
}


def resolved(environ=None, **keywords):
    layers = [Layer(Origin.KEYWORD, keywords), environment_layer(GCS.table, environ or {})]
    return GCS.resolve(translate(GCS.table, layers))


def built(settings, bucket="bkt", token="T", more=None):
    """A real store, which checks every argument and opens no connection."""
    store = pytest.importorskip("obstore.store")
    arguments = GCS.store_arguments(settings, bucket)
    return store.GCSStore(
        arguments.bucket,
        config={**arguments.config, **(more or {})},
        client_options=dict(arguments.client_options),
        retry_config=dict(arguments.retry_config) or None,
        credential_provider=None if token is None else lambda: {"token": token, "expires_at": None},
    )


def gcsfs_instance(settings, module="gcsfs.core", name="GCSFileSystem"):
    """A real instance, which opens no connection either."""
    peer = getattr(pytest.importorskip(module), name)
    return peer(token="anon", **GCS.sdk_keywords(settings), skip_instance_cache=True)


@pytest.fixture
def hostile(monkeypatch):
    """Set variables in the process, where obstore reads them, and give them back as an environment."""

    def take(**more):
        for variable, value in {**HOSTILE, **more}.items():
            monkeypatch.setenv(variable, value)
        return {**HOSTILE, **more}

    return take


# -- obstore -------------------------------------------------------------------------------------------------------


def test_store_arguments_are_complete_without_any_setting():
    """What obstore would take from the environment is said, and no total timeout ends a slow download."""
    arguments = GCS.store_arguments(resolved(), "bkt")
    assert arguments.bucket == "bkt"
    assert arguments.config == {"base_url": GOOGLE, "skip_signature": False}
    assert arguments.client_options == {
        "allow_http": False,
        "connect_timeout": timedelta(seconds=5),
        "default_headers": {"accept-encoding": "gzip"},
        "read_timeout": timedelta(seconds=30),
        "timeout": timedelta(days=7),
    }
    assert arguments.retry_config == RETRY_DEFAULTS


@pytest.mark.parametrize(
    "given",
    [
        {"bearer_token": "hunter2", "expires_at_millis": "1900000000000"},
        {"token": "ya29.hunter2"},
        {"token": "hunter2"},
        {"token": {"private_key": "hunter2"}},
        {"service_account_key": KEY},
        {"service_account": "/hunter2.json"},
        {"application_credentials": "/hunter2.json"},
    ],
    ids=["bearer", "token", "text", "dict", "key", "file", "adc"],
)
def test_store_arguments_hold_no_credentials(given):
    """They come from the provider that the store is given, so that they can be replaced."""
    arguments = GCS.store_arguments(resolved(**given), "bkt")
    assert arguments.config == {"base_url": GOOGLE, "skip_signature": False}
    assert "hunter2" not in repr(arguments)
    assert "hunter2" not in repr(GCS.sdk_keywords(resolved(**given)))


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        pytest.param({}, GOOGLE, id="google"),
        pytest.param({"endpoint_url": EMULATOR}, EMULATOR, id="http"),
        pytest.param({"endpoint_url": f"{EMULATOR}/"}, EMULATOR, id="slash"),
        pytest.param({"endpoint_url": "https://h/base"}, "https://h/base", id="with-path"),
        pytest.param({"endpoint_override": "h:1", "scheme": "http"}, "http://h:1", id="pyarrow"),
        pytest.param({"endpoint_override": "h:1"}, "https://h:1", id="pyarrow-tls"),
        pytest.param({"universe_domain": "example.cloud"}, "https://storage.example.cloud", id="universe"),
        pytest.param({"universe_domain": "googleapis.com"}, GOOGLE, id="default-universe"),
        pytest.param({"client_certificate": True}, "https://storage.mtls.googleapis.com", id="mtls"),
        pytest.param({"client_certificate": True, "mtls_endpoint": "never"}, GOOGLE, id="mtls-never"),
        pytest.param(
            {"client_certificate": True, "universe_domain": "example.cloud"},
            "https://storage.example.cloud",
            id="mtls-elsewhere",
        ),
    ],
)
def test_both_planes_have_the_same_endpoint(given, endpoint):
    """An endpoint is never left to the environment; plain HTTP follows from it."""
    arguments = GCS.store_arguments(resolved(**given), "bkt")
    assert arguments.config["base_url"] == endpoint
    assert arguments.client_options["allow_http"] is endpoint.startswith("http:")
    assert GCS.sdk_keywords(resolved(**given))["endpoint_url"] == endpoint
    assert built(resolved(**given)).config["base_url"] == endpoint


def test_endpoint_of_a_key_file_counts():
    """What files say is added to settings that are resolved already."""
    settings = resolved().with_values(Origin.CONFIG_FILE, {"base_url": f"{EMULATOR}/"}, GCS.table)
    arguments = GCS.store_arguments(settings, "bkt")
    assert (arguments.config["base_url"], arguments.client_options["allow_http"]) == (EMULATOR, True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, True),
        ({"endpoint_url": GOOGLE}, True),
        ({"universe_domain": "example.cloud"}, True),
        ({"endpoint_url": EMULATOR}, False),
    ],
    ids=["default", "said", "universe", "emulator"],
)
def test_at_google_tells_googles_own_server(given, expected):
    """Only there are buckets zonal or hierarchical."""
    assert at_google(resolved(**given)) is expected


def test_store_arguments_keep_the_users_timeouts():
    """Defaults are for those who say nothing."""
    client = GCS.store_arguments(resolved(timeout="1min", read_timeout=2, connect_timeout="100ms"), "b").client_options
    assert {name: client[name].total_seconds() for name in client if "timeout" in name} == {
        "timeout": 60,
        "read_timeout": 2,
        "connect_timeout": 0.1,
    }


def test_store_arguments_merge_headers():
    """Who pays, and a key of the caller's own, are headers beside those that the user sends."""
    settings = resolved(requester_pays="p1", default_headers={"x-a": "b"}, encryption_key=CUSTOMER_KEY)
    headers = GCS.store_arguments(settings, "b").client_options["default_headers"]
    assert {headers["x-a"], headers["x-goog-user-project"], headers["x-goog-encryption-key"]} == {
        "b",
        "p1",
        CUSTOMER_KEY,
    }
    assert GCS.sdk_keywords(settings)["session_kwargs"]["headers"] == {
        name: value for name, value in headers.items() if name not in ("accept-encoding", "x-goog-user-project")
    }


def test_store_arguments_name_certificate_files_by_path():
    """Reading files is not for pure code."""
    client = GCS.store_arguments(resolved(root_certificate="/ca.pem"), "b").client_options
    assert client["root_certificate"] == Path("/ca.pem")


# -- what a provider answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"token": "T", "expires_at": datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC)}, id="obstore"),
        pytest.param({"bearer_token": "T", "expires_at_millis": "1900000000000"}, id="lance"),
        pytest.param({"GOOGLE_BEARER_TOKEN": "T", "expires_at_millis": 1900000000000}, id="environment-style"),
        pytest.param(({"bearer_token": "T"}, 1900000000), id="polars"),
        pytest.param(({"token": "T"}, 1900000000), id="polars-token"),
        pytest.param(
            {"gcp_oauth_token": {"oauth_token": "T"}, "expiration_time": 1900000000000, "url": "gs://b"}, id="unity"
        ),
        pytest.param({"gcs.oauth2.token": "T", "gcs.oauth2.token-expires-at": "1900000000000"}, id="iceberg"),
        pytest.param(
            {
                "storage-credentials": [
                    {
                        "prefix": "gs://b",
                        "config": {"gcs.oauth2.token": "T", "gcs.oauth2.token-expires-at": "1900000000000"},
                    }
                ]
            },
            id="iceberg-rest",
        ),
    ],
)
def test_answer_of_a_provider_is_read_in_every_shape(answer):
    """A token and when it expires."""
    credentials, rest = read_answer(answer, GCS, "the provider")
    assert credentials == Credentials({"bearer_token": "T"}, datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC))
    assert rest == {}


# -- who pays ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "project"),
    [
        pytest.param({"requester_pays": True, "project": "p1"}, "p1", id="project-pays"),
        pytest.param({"requester_pays": "p2", "project": "p1"}, "p2", id="another-pays"),
        pytest.param({"gcs.requester-pays": "true", "gcs.user-project": "p3"}, "p3", id="iceberg"),
        pytest.param({"gcs.user-project": "p3"}, "p3", id="iceberg-alone"),
        pytest.param({"requester_pays": False, "project": "p1"}, None, id="nobody"),
    ],
)
def test_requester_pays_on_both_planes(given, project):
    """obstore by a header, gcsfs by a parameter."""
    settings = resolved(**given)
    headers = GCS.store_arguments(settings, "b").client_options.get("default_headers", {})
    assert headers.get("x-goog-user-project") == project
    fs = gcsfs_instance(settings)
    assert fs._get_params({}).get("userProject") == project


def test_requester_pays_needs_a_project():
    """gcsfs would send an empty one."""
    for use in (lambda s: GCS.store_arguments(s, "b"), GCS.sdk_keywords):
        with pytest.raises(OptionError, match="requester_pays=True needs a project"):
            use(resolved(requester_pays=True))


def test_requester_pays_takes_the_project_of_a_file():
    """Which is known only after the settings were resolved."""
    settings = resolved(requester_pays=True).with_values(Origin.CONFIG_FILE, {"project": "p1"}, GCS.table)
    headers = GCS.store_arguments(settings, "b").client_options["default_headers"]
    assert headers == {"accept-encoding": "gzip", "x-goog-user-project": "p1"}


# -- the environment -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize(
    "given", [{"bearer_token": "T"}, {"token": "cloud"}, {"anon": True}], ids=["token", "method", "anonymous"]
)
def test_store_is_out_of_the_environments_reach(hostile, account, given):
    """Explicit settings win over every variable that obstore reads, also over those that would break it."""
    environ = hostile(**ACCOUNTS[account])
    settings = resolved(environ, endpoint_url="https://h.example", project="p", **given)
    config = dict(built(settings, token=None if "anon" in given else "T").config)
    overridden = {name: config.pop(name, None) for name in ("service_account", "service_account_key")}
    neutral = (None, json.dumps(NO_ACCOUNT)) if account == "key" else (str(NO_ACCOUNT_FILE), None)
    assert tuple(overridden.values()) == neutral
    anonymous = {"skip_signature": "true", "bearer_token": ""} if "anon" in given else {"skip_signature": "false"}
    assert config == {"bucket": "bkt", "base_url": "https://h.example", **anonymous}


def test_store_takes_no_client_setting_from_the_environment(hostile):
    """Passing client options makes obstore discard its own."""
    hostile()
    options = built(resolved(bearer_token="T")).client_options
    assert options == {
        "allow_http": "false",
        "connect_timeout": "5s",
        "default_headers": {"accept-encoding": b"gzip"},
        "read_timeout": "30s",
        "timeout": "7days",
    }


def test_store_sees_the_environment_only_as_resolved(hostile):
    """What we read of it is what obstore is told, in our order of variables."""
    environ = {name: value for name, value in hostile().items() if name != "GOOGLE_SKIP_SIGNATURE"}
    config = built(resolved(environ)).config
    assert config["base_url"] == "http://evil:1"
    assert config["skip_signature"] == "false"


def test_account_that_overrides_the_environments_is_in_the_package():
    """And both spellings of it are one."""
    assert json.loads(NO_ACCOUNT_FILE.read_text("utf-8")) == NO_ACCOUNT


def test_two_accounts_in_the_environment_leave_the_store_out():
    """obstore refuses to be built, whatever it is told."""
    environ = {**ACCOUNTS["path"], **ACCOUNTS["key"]}
    reason = GCS.store_refusal(resolved(environ, bearer_token="T"), "bkt")
    assert reason is not None
    assert "GOOGLE_SERVICE_ACCOUNT and GOOGLE_SERVICE_ACCOUNT_KEY" in reason


def test_gcsfs_is_out_of_the_environments_reach(hostile):
    """Its project, its server and its universe are said."""
    environ = {name: value for name, value in hostile(GCSFS_DEFAULT_PROJECT="evil").items() if "SKIP" not in name}
    fs = gcsfs_instance(resolved(environ, endpoint_url=EMULATOR, project="p1"))
    assert (fs._location, fs.project) == (EMULATOR, "p1")
    del environ["GOOGLE_BASE_URL"], environ["STORAGE_EMULATOR_HOST"]
    del environ["GOOGLE_CLOUD_UNIVERSE_DOMAIN"], environ["GCSFS_DEFAULT_PROJECT"], environ["GOOGLE_CLOUD_PROJECT"]
    fs = gcsfs_instance(resolved(environ))
    assert (fs._location, fs.project) == (GOOGLE, "")


# -- without google-auth -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "config"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"token": "google_default"}, {}, id="default"),
        pytest.param({"service_account": "/k"}, {"service_account": "/k"}, id="file"),
        pytest.param({"service_account_key": KEY}, {"service_account_key": KEY}, id="key"),
        pytest.param({"token": KEY}, {"service_account_key": KEY}, id="token-json"),
        pytest.param({"token": Path("/k")}, {"application_credentials": "/k"}, id="token-path"),
        pytest.param({"application_credentials": "/k"}, {"application_credentials": "/k"}, id="adc"),
    ],
)
def test_native_config_names_the_credentials(given, config):
    """The data plane gets them by itself."""
    assert GCS.native_config(resolved(**given)) == config


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param({"token": "cloud"}, "token='cloud'", id="cloud"),
        pytest.param({"token": "cache"}, "token='cache'", id="cache"),
        pytest.param({"token": "hunter2"}, "token needs", id="text"),
        pytest.param({"target_service_account": "a@p"}, "target_service_account", id="impersonation"),
    ],
)
def test_native_config_refuses_what_only_google_auth_can_do(given, named):
    """Another look-up would find other credentials."""
    with pytest.raises(MissingExtraError, match=re.escape(named)) as caught:
        GCS.native_config(resolved(**given))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "given"),
    [
        pytest.param(ACCOUNTS["path"], {"token": "google_default"}, id="path"),
        pytest.param(ACCOUNTS["key"], {"service_account": "/k"}, id="key"),
        pytest.param({"GOOGLE_BEARER_TOKEN": "EVIL"}, {"service_account": "/k"}, id="bearer"),
        pytest.param(ACCOUNTS["path"], {"service_account": "/another"}, id="another-path"),
    ],
)
def test_native_config_refuses_what_the_environment_would_replace(environ, given):
    """Silently using other credentials is worse than an error."""
    with pytest.raises(ConflictingOptionsError, match=f"environment's {next(iter(environ))}"):
        GCS.native_config(resolved(environ, **given))


@pytest.mark.parametrize("account", ["path", "key"])
def test_native_config_takes_the_account_of_the_environment(account):
    """Where nobody said another."""
    environ = ACCOUNTS[account]
    name = {"path": "service_account", "key": "service_account_key"}[account]
    assert GCS.native_config(resolved(environ))[name] == next(iter(environ.values()))


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "bucket", "reason"),
    [
        pytest.param({}, "", "no bucket", id="root"),
        pytest.param({"version_aware": True}, "bkt", "no word for 'version_aware'", id="versions"),
        pytest.param({"client_certificate": True}, "bkt", "no word for 'client_certificate'", id="mtls"),
        pytest.param({"finalize_on_close": True}, "bkt", "no word for 'finalize_on_close'", id="zonal"),
        pytest.param({"session_kwargs": {"cookies": "x"}}, "bkt", r"session_kwargs\['cookies'\]", id="session"),
        pytest.param({"session_kwargs": {"connector": object()}}, "bkt", r"connector", id="connector"),
    ],
)
def test_store_refusal_says_why(given, bucket, reason):
    """In words that fit into a log line."""
    refusal = GCS.store_refusal(resolved(**given), bucket)
    assert refusal is not None
    assert re.search(reason, refusal)
    assert "\n" not in refusal


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="nothing-special"),
        pytest.param({"version_aware": False}, id="versions-off"),
        pytest.param({"session_kwargs": {}}, id="empty-dict"),
        pytest.param({"session_kwargs": {"headers": {"a": "b"}, "trust_env": True, "proxy": "http://p"}}, id="known"),
        pytest.param({"consistency": "md5"}, id="checked-writes-are-asked-for-by-write"),
        pytest.param({"requester_pays": "p1"}, id="requester-pays"),
        pytest.param({"encryption_key": CUSTOMER_KEY}, id="customer-key"),
        pytest.param({"access": "read_only", "default_location": "EU", "project": "p"}, id="of-the-sdk-only"),
        pytest.param({"engine": "sdk"}, id="the-engine-is-not-asked-here"),
    ],
)
def test_store_refusal_is_none_where_the_data_plane_is_exact(given):
    """Bytes move fast unless there is a reason."""
    assert GCS.store_refusal(resolved(**given), "bkt") is None


def test_store_refusal_shows_no_value():
    """Members that no row knows may hold secrets."""
    refusal = GCS.store_refusal(resolved(session_kwargs={"cookies": "hunter2"}), "bkt")
    assert refusal is not None
    assert "hunter2" not in refusal


# -- gcsfs ---------------------------------------------------------------------------------------------------------


def test_sdk_keywords_are_complete_without_any_setting():
    """fsspec fills in whatever is missing from its own configuration, so nothing is."""
    assert GCS.sdk_keywords(resolved()) == {
        "access": "full_control",
        "block_size": None,
        "cache_timeout": None,
        "check_connection": None,
        "consistency": "none",
        "default_location": None,
        "endpoint_url": GOOGLE,
        "project": "",
        "requester_pays": False,
        "requests_timeout": None,
        "secure_serialize": True,
        "session_kwargs": {
            "timeout": {"total": None, "sock_connect": 5.0, "sock_read": 30.0},
            "trust_env": True,
        },
        "timeout": None,
        "version_aware": False,
    }


def test_sdk_keywords_name_every_keyword_of_gcsfs():
    """But for credentials, and what says how the instance runs."""
    assert set(GCS.sdk_keywords(resolved())) == set(GCS.positional) - {"token", "asynchronous", "loop"}


def test_sdk_keywords_keep_a_connector_of_the_callers_own():
    """And otherwise say what one is made of."""
    own = object()
    assert GCS.sdk_keywords(resolved(session_kwargs={"connector": own}))["session_kwargs"]["connector"] is own
    made = GCS.sdk_keywords(resolved(root_certificate="-----BEGIN", pool_idle_timeout=3))["session_kwargs"]
    assert made["connector"] == {"ssl": {"cadata": "-----BEGIN"}, "keepalive_timeout": 3.0}
    assert "connector" not in GCS.sdk_keywords(resolved(allow_invalid_certificates=False))["session_kwargs"]


def test_sdk_keywords_are_good_for_aiohttp():
    """What is left for the adapter are arguments of these objects."""
    aiohttp = pytest.importorskip("aiohttp")
    timeout = GCS.sdk_keywords(resolved(timeout=1, read_timeout=2, connect_timeout=3))["session_kwargs"]["timeout"]
    made = aiohttp.ClientTimeout(**timeout)
    assert (made.total, made.sock_read, made.sock_connect) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("module", "name"), [("gcsfs.core", "GCSFileSystem"), ("gcsfs.extended_gcsfs", "ExtendedGcsFileSystem")]
)
def test_sdk_keywords_make_an_instance_of_gcsfs(module, name):
    """Both of its classes take them all."""
    settings = resolved(endpoint_url=EMULATOR, block_size=1 << 20, retry_timeout=9, mrd_pool_cache_size=3)
    fs = gcsfs_instance(settings, module, name)
    assert (fs._location, fs.default_block_size) == (EMULATOR, 1 << 20)
    assert getattr(fs, "retry_config", {"timeout": 9.0}) == {"timeout": 9.0}


def test_write_parameters_are_what_every_write_carries():
    """In gcsfs's words, as the writer takes a call's own keywords."""
    assert GCS.write_parameters(resolved()) == {}
    assert GCS.write_parameters(resolved(consistency="none")) == {}
    settings = resolved(consistency="md5", default_content_type="text/csv")
    assert GCS.write_parameters(settings) == {"consistency": "md5", "content_type": "text/csv"}


# -- calls ---------------------------------------------------------------------------------------------------------


def test_attributes_are_what_the_store_calls_the_keywords_of_a_write():
    """A content type and metadata; other keywords are not for the data plane."""
    keywords = {"content_type": "text/csv", "metadata": {"a": "1"}}
    assert GCS.attributes(keywords) == ({"Content-Type": "text/csv", "a": "1"}, {})
    assert GCS.attributes({}) == ({}, {})
    ours = {"cache_control", "content_disposition", "content_encoding", "content_language", "storage_class"}
    assert set(keywords) | ours == GCS.data_keywords
    assert GCS.attributes({"storage_class": "NEARLINE"}) == ({"Storage-Class": "NEARLINE"}, {})
    assert GCS.content_type("text/csv") == {"content_type": "text/csv"}


def test_keywords_of_gcsfs_writes_are_all_accounted_for():
    """A keyword that gcsfs gains is noticed here."""
    core = pytest.importorskip("gcsfs.core")
    calls = (core.GCSFileSystem._pipe_file, core.GCSFileSystem._put_file, core.GCSFileSystem._open)
    names = {name for call in calls for name in inspect.signature(call).parameters}
    plain = {"self", "path", "lpath", "rpath", "data", "mode", "chunksize", "callback", "kwargs", "block_size"}
    of_files = {"cache_options", "autocommit"}
    sdk = {"consistency", "fixed_key_metadata", "acl"}
    both = {"content_type", "metadata"}
    assert names - plain - of_files == both | sdk | {"generation"}
    assert both <= GCS.data_keywords


def test_info_has_the_keys_of_gcsfs_that_the_store_knows():
    """With the values that gcsfs would give."""
    core = pytest.importorskip("gcsfs.core")
    theirs = {
        "kind": "storage#object",
        "name": "dir/key",
        "bucket": "bkt",
        "size": "3",
        "generation": "7",
        "metageneration": "1",
        "contentType": "text/csv",
        "updated": "2015-10-21T07:28:00.000Z",
    }
    fs = gcsfs_instance(resolved())
    processed = core.GCSFileSystem._process_object(fs, "bkt", theirs)
    del processed["metageneration"]
    known = ObjectInfo(3, '"md5"', datetime(2015, 10, 21, 7, 28, tzinfo=UTC), "7", {"Content-Type": "text/csv"})
    assert GCS.info(Location("bkt", "dir/key"), known) == processed


def test_info_says_what_it_does_not_know():
    """No time, no generation: None, and nothing made up."""
    found = GCS.info(Location("bkt", "key"), ObjectInfo(3))
    assert {name for name, value in found.items() if value is None} == {"generation", "contentType", "updated", "mtime"}


def test_parts_fit_both_apis():
    """Multipart uploads of the one, resumable uploads of the other."""
    parts = GCS.parts
    assert (parts.min_bytes, parts.max_count, parts.multiple) == (5 << 20, 10_000, 256 << 10)
    assert parts.default_bytes % parts.multiple == parts.min_bytes % parts.multiple == 0


@pytest.mark.parametrize(
    ("code", "kind", "number"),
    [
        ("ExpiredToken", PermissionError, errno.EACCES),
        ("AuthenticationRequired", PermissionError, errno.EACCES),
        ("BucketAlreadyOwnedByYou", FileExistsError, errno.EEXIST),
        ("UserProjectMissing", PermissionError, errno.EACCES),
        ("SlowDown", OSError, errno.EBUSY),
    ],
)
def test_error_codes_say_more_than_the_status(code, kind, number):
    """As exceptions that users catch."""
    found, given = GCS.errors.exceptions[code]
    assert issubclass(found, kind)
    assert given == number


def test_refused_credentials_are_known_by_their_codes():
    """They are replaced once; a request that is forbidden is not one of them."""
    assert GCS.errors.expired < GCS.errors.rejected
    assert "AccessDenied" not in GCS.errors.rejected
    assert {"NoSuchKey", "NoSuchBucket"}.isdisjoint(GCS.errors.exceptions)


def test_listings_are_not_kept_for_ever_by_mistake():
    """All that is not positive means "at once", as gcsfs has it; no clock knows a time that long."""
    assert [listings_expiry(value) for value in (-1, "-1", 0, 2.5, "1min")] == [
        timedelta(seconds=seconds) for seconds in (0, 0, 0, 2.5, 60)
    ]
    with pytest.raises(ValueError, match="less than a thousand million days"):
        listings_expiry(86_400e9)
