"""What follows from settings of GCS together, and which of them contradict each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from objfs.clouds.gcs import GCS
from objfs.errors import ConflictingOptionsError, OptionError, UnknownOptionError
from objfs.options import Layer, Origin, environment_layer, translate
from tests.unit.gcs_row_table import CUSTOMER_KEY, KEY, TOKEN, ClientTimeout

EMULATOR = "http://127.0.0.1:4443"


def resolved(environ=None, url=None, fsspec=None, **keywords):
    layers = [
        Layer(Origin.KEYWORD, keywords),
        Layer(Origin.URL, url or {}),
        Layer(Origin.FSSPEC_CONFIG, fsspec or {}),
        environment_layer(GCS.table, environ or {}),
    ]
    return GCS.resolve(translate(GCS.table, layers))


def values(settings):
    return {name: setting.value for name, setting in settings.items()}


# -- token ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "meant"),
    [
        pytest.param(None, {}, id="none"),
        pytest.param("", {}, id="empty"),
        pytest.param("google_default", {"token": "google_default"}, id="default"),
        pytest.param("cloud", {"token": "cloud"}, id="cloud"),
        pytest.param("cache", {"token": "cache"}, id="cache"),
        pytest.param("anon", {"skip_signature": True}, id="anonymous"),
        pytest.param("ya29.abc/def", {"bearer_token": "ya29.abc/def"}, id="access-token"),
        pytest.param(KEY, {"service_account_key": KEY}, id="json"),
        pytest.param({"refresh_token": "r"}, {"service_account_key": '{"refresh_token": "r"}'}, id="dict"),
        pytest.param(Path("/k.json"), {"service_account": "/k.json"}, id="path-object"),
        pytest.param(TOKEN, {"credential": TOKEN}, id="object"),
        pytest.param("/k.json", {"token": "/k.json"}, id="path-or-token-is-for-who-reads-files"),
        pytest.param("abc", {"token": "abc"}, id="token-or-path-is-for-who-reads-files"),
    ],
)
def test_resolve_reads_token_as_gcsfs_does(token, meant):
    """One word for many; what a look at the disk must tell is left as it is."""
    assert values(resolved(token=token)) == meant


def test_resolve_keeps_where_a_token_came_from():
    """Errors and `explain` name what the user wrote."""
    setting = resolved(fsspec={"token": "ya29.x"})["bearer_token"]
    assert (setting.origin, setting.spelling, setting.shown) == (Origin.FSSPEC_CONFIG, "token", "***")


@pytest.mark.parametrize(
    ("token", "says"),
    [
        pytest.param("browser", "application-default login", id="browser"),
        pytest.param(5, "got int", id="number"),
        pytest.param(print, "credential_provider", id="callable"),
        pytest.param([KEY], "got list", id="list"),
    ],
)
def test_resolve_refuses_tokens_that_mean_nothing(token, says):
    """gcsfs takes them for access tokens, or says that the format is not understood."""
    with pytest.raises(OptionError, match=says) as caught:
        resolved(token=token)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "other"),
    [
        ("cloud", {"bearer_token": "hunter2"}),
        ("ya29.hunter2", {"bearer_token": "ya29.other"}),
        ("google_default", {"service_account": "/k"}),
        ("cloud", {"application_credentials": "/k"}),
        (TOKEN, {"service_account_key": KEY}),
        ("anon", {"bearer_token": "hunter2"}),
        ("anon", {"anon": False}),
    ],
    ids=["method-token", "two-tokens", "method-file", "cloud-adc", "object-key", "anonymous-token", "anonymous-not"],
)
def test_resolve_refuses_a_token_beside_other_credentials(token, other):
    """Only one can be meant; no secret is shown."""
    with pytest.raises(ConflictingOptionsError) as caught:
        resolved(token=token, **other)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        pytest.param({"token": "ya29.x", "bearer_token": "ya29.x"}, {"bearer_token": "ya29.x"}, id="said-twice"),
        pytest.param(
            {"token": "google_default", "application_credentials": "/k"},
            {"token": "google_default", "application_credentials": "/k"},
            id="the-default-begins-with-the-file",
        ),
        pytest.param({"token": "anon", "anon": True}, {"skip_signature": True}, id="anonymous-twice"),
    ],
)
def test_resolve_takes_a_token_that_agrees(given, meant):
    """Equal values are fine."""
    assert values(resolved(**given)) == meant


def test_resolve_puts_the_environment_aside_for_a_token():
    """The highest layer that says who the caller is decides alone."""
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": "/k", "GOOGLE_BEARER_TOKEN": "t"}
    assert set(resolved(environ, token="cloud")) == {"token", "environment_bearer_token"}


def test_resolve_never_falls_back_to_anonymous():
    """gcsfs does, silently, where nothing else works."""
    assert values(resolved()) == {}


# -- who the caller is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "credentials",
    [
        {"bearer_token": "hunter2"},
        {"token": "cloud"},
        {"token": TOKEN},
        {"service_account": "/k"},
        {"service_account_key": KEY},
        {"application_credentials": "/k"},
        {"storage_options_provider": object()},
        {"credential_provider": print},
        {"target_service_account": "a@p"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_resolve_refuses_anonymous_with_credentials(credentials):
    """Both are explicit, and only one can be meant."""
    with pytest.raises(ConflictingOptionsError, match=r"'anon' asks for anonymous requests, but '[a-z_]+' \(keyword\)"):
        resolved(anon=True, **credentials)


@pytest.mark.parametrize("variable", ["GOOGLE_BEARER_TOKEN", "GOOGLE_SERVICE_ACCOUNT", "SERVICE_ACCOUNT"])
def test_resolve_refuses_anonymous_with_keys_in_the_environment(variable):
    """Both were put there on purpose."""
    with pytest.raises(ConflictingOptionsError, match=f"GOOGLE_SKIP_SIGNATURE.*{variable}"):
        resolved({"GOOGLE_SKIP_SIGNATURE": "1", variable: "x"})


def test_resolve_lets_anonymous_put_aside_what_every_process_finds():
    """A machine's default credentials are no contradiction."""
    found = {"GOOGLE_APPLICATION_CREDENTIALS": "/k"}
    for settings in (resolved({**found, "GOOGLE_SKIP_SIGNATURE": "1"}), resolved(found, anon=True)):
        assert values(settings) == {"skip_signature": True}


@pytest.mark.parametrize(
    "given", [{"environ": {"GOOGLE_SERVICE_ACCOUNT": "/k", "GOOGLE_SERVICE_ACCOUNT_KEY": KEY}}, {"path": "/k"}]
)
def test_resolve_refuses_a_key_that_is_given_twice(given):
    """As a file and as its content, which may differ."""
    keywords = {"service_account": "/k", "service_account_key": KEY} if "path" in given else {}
    with pytest.raises(ConflictingOptionsError, match="contradict each other") as caught:
        resolved(given.get("environ"), **keywords)
    assert "hunter2" not in str(caught.value)


def test_resolve_reads_credentials_that_unity_catalog_vends():
    """A nested dict and an expiry in milliseconds."""
    settings = resolved(gcp_oauth_token={"oauth_token": "t"}, expiration_time=1900000000000)
    assert settings.value("bearer_token") == "t"
    assert settings.value("expires_at").timestamp() == 1900000000


def test_resolve_refuses_unknown_members_of_vended_credentials():
    """They would be ignored."""
    with pytest.raises(UnknownOptionError, match=r"gcp_oauth_token\.token"):
        resolved(gcp_oauth_token={"token": "t"})


def test_resolve_reads_the_words_of_pyarrow():
    """All of its GcsFileSystem's."""
    settings = resolved(
        access_token="t",
        target_service_account="a@p",
        credential_token_expiration="2030-01-01T00:00:00+00:00",
        default_bucket_location="EU",
        scheme="http",
        endpoint_override="localhost:4443",
        default_metadata={},
        retry_time_limit=5,
        project_id="p",
    )
    assert settings.value("base_url") == "http://localhost:4443"
    assert (settings.value("bearer_token"), settings.value("project")) == ("t", "p")


def test_resolve_reads_the_words_of_iceberg():
    """With properties that are for others."""
    settings = resolved(
        **{
            "gcs.oauth2.token": "t",
            "gcs.oauth2.token-expires-at": "1900000000000",
            "gcs.project-id": "p",
            "gcs.service.host": EMULATOR,
            "gcs.user-project": "q",
            "gcs.session-kwargs": '{"trust_env": "false"}',
            "gcs.channel.read.chunk-size-bytes": "1",
            "gcs.oauth2.refresh-credentials-endpoint": "/x",
            "credential": "id:secret",
            "warehouse": "w",
        }
    )
    assert settings.value("base_url") == EMULATOR
    assert settings.value("requester_pays") == "q"
    assert settings.value("session_kwargs.trust_env") is False
    assert "credential" not in settings


# -- where the service is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        pytest.param({"endpoint_url": "localhost:4443"}, "http://localhost:4443", id="localhost"),
        pytest.param({"endpoint_url": "127.0.0.1:4443"}, "http://127.0.0.1:4443", id="address"),
        pytest.param({"endpoint_url": "fake.example"}, "https://fake.example", id="host"),
        pytest.param({"endpoint_url": "fake.example", "use_ssl": False}, "http://fake.example", id="without-tls"),
        pytest.param({"endpoint_url": "localhost:1", "allow_http": False}, "https://localhost:1", id="http-forbidden"),
        pytest.param({"endpoint_url": "HTTPS://h/"}, "https://h", id="scheme-in-upper-case"),
    ],
)
def test_resolve_completes_an_endpoint(given, endpoint):
    """With a scheme and without a slash; plain HTTP is allowed by nothing else."""
    settings = resolved(**given)
    assert settings.value("base_url") == endpoint
    assert bool(settings.value("allow_http")) is endpoint.startswith("http:")


@pytest.mark.parametrize(
    "given",
    [
        {"endpoint_url": "http://h", "use_ssl": True},
        {"endpoint_url": "https://h", "scheme": "http"},
        {"endpoint_url": "http://h", "allow_http": False},
        {"endpoint_url": "http://h", "base_url": "http://other"},
    ],
    ids=["tls", "scheme", "forbidden", "two"],
)
def test_resolve_refuses_an_endpoint_that_contradicts(given):
    """One of the two is not meant."""
    with pytest.raises(ConflictingOptionsError):
        resolved(**given)


@pytest.mark.parametrize(
    "endpoint", ["ftp://h", "http://u:hunter2@h", "https://h?x=1", "https://", "http://h:hunter2", "https://h#f"]
)
def test_resolve_refuses_what_is_no_endpoint(endpoint):
    """And shows nothing of it."""
    with pytest.raises(OptionError, match="is not an endpoint") as caught:
        resolved(endpoint_url=endpoint)
    assert "hunter2" not in str(caught.value)


def test_resolve_lets_a_keyword_go_before_the_emulator_of_the_environment():
    """Also where TLS is concerned."""
    environ = {"STORAGE_EMULATOR_HOST": "http://evil:1"}
    settings = resolved(environ, endpoint_url="https://storage.googleapis.com")
    assert values(settings) == {"base_url": "https://storage.googleapis.com"}


def test_resolve_refuses_a_url_at_another_server_than_the_options():
    """It would be answered by somebody else."""
    with pytest.raises(ConflictingOptionsError, match=r"'endpoint_url' \(keyword\) and 'base_url' \(url\)"):
        resolved(url={"base_url": "https://storage.googleapis.com"}, endpoint_url=EMULATOR)


def test_resolve_takes_a_url_at_the_server_of_the_options():
    """A slash at its end is no difference."""
    settings = resolved(url={"base_url": "https://h"}, endpoint_url="https://h/")
    assert settings.value("base_url") == "https://h"


@pytest.mark.parametrize("domain", ["https://h", "h/x", "h:1", "u@h", "h?x"])
def test_resolve_refuses_what_is_no_universe(domain):
    """It becomes part of a host."""
    with pytest.raises(OptionError, match=r"no domain such as googleapis\.com"):
        resolved(universe_domain=domain)


# -- the rest ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        pytest.param({"requests_timeout": 3}, {"timeout": 3}, id="number"),
        pytest.param({"requests_timeout": "2min"}, {"timeout": 120}, id="text"),
        pytest.param({"requests_timeout": ClientTimeout()}, {}, id="nothing-said"),
        pytest.param({"requests_timeout": ClientTimeout(connect=2)}, {"connect_timeout": 2}, id="connect"),
        pytest.param(
            {"session_kwargs": {"timeout": ClientTimeout(connect=2, sock_connect=1, sock_read=4)}},
            {"connect_timeout": 1, "read_timeout": 4},
            id="session",
        ),
        pytest.param(
            {"requests_timeout": ClientTimeout(total=3), "read_timeout": 5}, {"timeout": 3, "read_timeout": 5}, id="two"
        ),
        pytest.param({"requests_timeout": 3, "timeout": "3s"}, {"timeout": 3}, id="said-twice"),
    ],
)
def test_resolve_takes_aiohttps_timeouts_apart(given, seconds):
    """Each part is an option of both planes."""
    assert {name: value.total_seconds() for name, value in values(resolved(**given)).items()} == seconds


@pytest.mark.parametrize("given", [ClientTimeout(total=-1), "soon", object(), -3])
def test_resolve_refuses_what_is_no_timeout(given):
    """Neither a duration nor made of some."""
    with pytest.raises(OptionError, match=r"requests_timeout.*ClientTimeout"):
        resolved(requests_timeout=given)


def test_resolve_refuses_two_timeouts():
    """Two names of one thing."""
    with pytest.raises(ConflictingOptionsError, match="requests_timeout"):
        resolved(requests_timeout=3, timeout=4)


@pytest.mark.parametrize(
    ("given", "payer"),
    [
        pytest.param({"requester_pays": True, "user_project": "p"}, "p", id="yes-and-who"),
        pytest.param({"requester_pays": "p", "user_project": "p"}, "p", id="said-twice"),
        pytest.param({"user_project": "p"}, "p", id="who"),
        pytest.param({"requester_pays": True}, True, id="yes"),
    ],
)
def test_resolve_says_once_who_pays(given, payer):
    """A project, or that the project of the settings does."""
    assert values(resolved(**given)) == {"requester_pays": payer}


@pytest.mark.parametrize("asked", [False, "q"])
def test_resolve_refuses_two_payers(asked):
    """Or one, and nobody."""
    with pytest.raises(ConflictingOptionsError, match=r"gcs\.user-project"):
        resolved(requester_pays=asked, **{"gcs.user-project": "p"})


def test_resolve_refuses_an_authority_that_is_not_looked_at():
    """Without checks there is nothing to trust."""
    with pytest.raises(ConflictingOptionsError, match="contradict each other"):
        resolved(root_certificate="/ca.pem", allow_invalid_certificates=True)


def test_resolve_refuses_to_change_a_connector_of_the_callers_own():
    """It checks certificates in its own way."""
    with pytest.raises(ConflictingOptionsError, match=r"root_certificate.*session_kwargs\.connector"):
        resolved(root_certificate="/ca.pem", session_kwargs={"connector": object()})


@pytest.mark.parametrize(
    "given",
    [
        {"decryption_key": CUSTOMER_KEY},
        {"encryption_key": CUSTOMER_KEY, "decryption_key": "hunter2"},
        {"encryption_key": "hunter2"},
        {"encryption_key": "aHVudGVyMg=="},
    ],
    ids=["decryption-alone", "two-keys", "not-base64", "too-short"],
)
def test_resolve_refuses_keys_that_cannot_be_sent(given):
    """One key of 32 bytes goes with every request; its value is never shown."""
    with pytest.raises(OptionError, match="key") as caught:
        resolved(**given)
    for secret in ("hunter2", "aHVudGVyMg", CUSTOMER_KEY):
        assert secret not in str(caught.value)


def test_resolve_changes_nothing_when_done_twice():
    """Settings that are resolved stay as they are."""
    settings = resolved(token=TOKEN, endpoint_url="localhost:1", user_project="p", requests_timeout=3)
    assert values(GCS.resolve(settings)) == values(settings)


def test_key_of_a_dict_is_the_json_that_it_came_from():
    """Nothing of it is lost on the way."""
    key = {"type": "authorized_user", "refresh_token": "r", "nested": {"a": [1]}}
    assert json.loads(resolved(token=key).value("service_account_key")) == key
