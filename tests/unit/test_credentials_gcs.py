"""Which way leads to a Google token: decided from the settings, without Google's packages and without a request."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from objfs.credentials import gcs
from objfs.credentials.refresher import Refresher
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN, credentials_for
from objfs.credentials.values import Credentials
from objfs.errors import (
    ConflictingOptionsError,
    CredentialsError,
    CredentialsExpiredError,
    MissingExtraError,
    OptionError,
)
from tests.unit.small_gcs_cloud import CLOUD, settings_of

KEY = {"type": "service_account", "project_id": "of-the-key", "private_key": "hidden"}


def choose(environ: dict[str, str] | None = None, **keywords: Any) -> Any:
    return credentials_for(CLOUD, settings_of(environ, **keywords), environ or {})


class Token:
    """An object that holds a token, and nothing of google-auth."""

    def __init__(self, token: Any, expiry: datetime | None = None) -> None:
        self.token, self.expiry = token, expiry


class Refreshing(Token):
    """An object in the shape of google-auth's, which mints tokens."""

    count = 0

    def refresh(self, request: Any) -> None:
        self.count += 1
        self.token, self.expiry = f"minted{self.count}", datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)


class AsyncRefreshing(Token):
    """The same, as a coroutine."""

    async def refresh(self, request: Any) -> None:
        self.token = "awaited"


def provider() -> dict[str, Any]:
    """A provider."""
    return {"bearer_token": "PROVIDED"}


@pytest.mark.parametrize(
    ("environ", "keywords", "kind"),
    [
        pytest.param({}, {"bearer_token": "t"}, "static", id="bearer-token"),
        pytest.param({"GOOGLE_BEARER_TOKEN": "t"}, {}, "static", id="environment-bearer-token"),
        pytest.param({}, {"token": "ya29.raw"}, "static", id="token-raw"),
        pytest.param({}, {"token": "cloud"}, "google-cloud", id="token-cloud"),
        pytest.param({}, {"token": "cache"}, "google-cache", id="token-cache"),
        pytest.param({}, {"token": "google_default"}, "google-default", id="token-google_default"),
        pytest.param(
            {"GOOGLE_APPLICATION_CREDENTIALS": "/adc.json"},
            {"token": "google_default"},
            "google-file",
            id="token-google_default-with-a-file-in-the-environment",
        ),
        pytest.param({}, {"token": "creds.json"}, "google-file", id="token-file"),
        pytest.param({}, {"token": "/no/such/creds"}, "google-file", id="token-path"),
        pytest.param({}, {"token": json.dumps(KEY)}, "google-key", id="token-json"),
        pytest.param({}, {"token": KEY}, "google-key", id="token-dict"),
        pytest.param({}, {"token": Token("t")}, "google-object", id="token-object"),
        pytest.param({}, {"credential": Token("t")}, "google-object", id="credential-object"),
        pytest.param({}, {"service_account": "/key.json"}, "google-file", id="service-account"),
        pytest.param({}, {"service_account_key": json.dumps(KEY)}, "google-key", id="service-account-key"),
        pytest.param({}, {"application_credentials": "/adc.json"}, "google-file", id="application-credentials"),
        pytest.param({}, {}, "google-default", id="nothing"),
        pytest.param(
            {"GOOGLE_APPLICATION_CREDENTIALS": "/adc.json", "GOOGLE_SERVICE_ACCOUNT_KEY": "{}"},
            {},
            "google-key",
            id="service-account-above-application-credentials",
        ),
        pytest.param(
            {"GOOGLE_BEARER_TOKEN": "t"}, {"service_account": "/k"}, "google-file", id="keyword-above-environment"
        ),
        pytest.param({}, {"bearer_token": "t", "target_service_account": "x"}, "google-token", id="impersonation"),
        pytest.param({}, {"credential_provider": provider}, "tests.unit.test_credentials_gcs.provider", id="provider"),
    ],
)
def test_credentials_for_chooses_the_google_source(
    environ: dict[str, str], keywords: dict[str, Any], kind: str
) -> None:
    """The highest layer that names an identity decides; nothing is fetched."""
    refresher = choose(environ, **keywords)
    assert refresher.source.identity.split()[0] == kind
    assert refresher.fetch_count == 0


def test_credentials_for_is_anonymous_when_asked() -> None:
    """And only then."""
    assert choose(anon=True) is ANONYMOUS


@pytest.mark.parametrize(
    "keywords",
    [
        pytest.param({"bearer_token": "t"}, id="bearer_token"),
        pytest.param({"token": "t"}, id="token"),
    ],
)
def test_raw_token_is_sent_as_it_is(keywords: dict[str, Any]) -> None:
    """No tokeninfo request, and the server's error where it is refused: nothing could replace it."""
    refresher = choose(**keywords)
    assert refresher.current().values == {"bearer_token": "t"}
    assert refresher.reject(refresher.current()) is False


@pytest.mark.parametrize("option", ["bearer_token", "token"])
def test_expired_token_is_not_sent(option: str) -> None:
    """A token whose time is over says so before the server has to."""
    past = datetime.now(UTC) - timedelta(hours=1)
    with pytest.raises(CredentialsExpiredError, match="pass new ones, or a storage_options_provider"):
        choose(**{option: "t"}, expires_at=past).current()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param({"service_account": "/a"}, {"service_account": "/a"}, True, id="same-file"),
        pytest.param({"service_account": "/a"}, {"service_account": "/b"}, False, id="other-file"),
        pytest.param({"token": "cloud"}, {"token": "cloud", "metadata_host": "h"}, False, id="other-host"),
        pytest.param({"token": "cloud"}, {"token": "cloud", "access": "read_only"}, False, id="other-scope"),
        pytest.param({"token": KEY}, {"token": {**KEY, "private_key": "x"}}, False, id="other-key"),
        pytest.param(
            {"token": "cloud", "target_service_account": "a"},
            {"token": "cloud", "target_service_account": "b"},
            False,
            id="other-target",
        ),
    ],
)
def test_plan_identity_tells_configurations_apart(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    """Equal ones share one refresher; no identity shows a secret."""
    first, second = (gcs.plan_of(settings_of(**keywords), {}) for keywords in (one, other))
    assert (first.identity == second.identity) is same
    assert "hidden" not in first.identity + first.description + repr(first)


def test_two_service_accounts_contradict() -> None:
    """As in obstore; both names are in the message."""
    with pytest.raises(ConflictingOptionsError, match=r"'service_account' and 'service_account_key'"):
        choose(service_account="/a", service_account_key="{}")


def test_browser_log_in_names_what_to_do_instead() -> None:
    """gcsfs documents it and takes it for a raw token."""
    with pytest.raises(OptionError, match="gcloud auth application-default login"):
        choose(token="browser")


def test_object_keeps_the_token_that_it_has() -> None:
    """It is asked for another one only when that was refused."""
    minting = Refreshing("held", datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=2))
    refresher = choose(credential=minting)
    first = refresher.current()
    assert (first.values, minting.count) == ({"bearer_token": "held"}, 0)
    assert first.expires_at == minting.expiry.replace(tzinfo=UTC)  # type: ignore[union-attr]
    assert refresher.reject(first) is True
    assert (refresher.current().values, minting.count) == ({"bearer_token": "minted1"}, 1)


@pytest.mark.parametrize(
    "left", [pytest.param(timedelta(minutes=-5), id="expired"), pytest.param(timedelta(minutes=3), id="due")]
)
def test_object_mints_a_token_where_its_own_ends_soon(left: timedelta) -> None:
    """With the margin of google-auth."""
    refresher = choose(credential=Refreshing("held", datetime.now(UTC) + left))
    assert refresher.current().values == {"bearer_token": "minted1"}


def test_object_is_asked_before_its_token_expires() -> None:
    """The expiry that it tells is the refresher's; the second fetch brings another token."""
    source = choose(credential=Refreshing(None)).source
    assert [source.fetch().values["bearer_token"] for _ in range(3)] == ["minted1", "minted2", "minted3"]


def test_object_with_an_async_refresh_is_awaited() -> None:
    """On a loop of its own."""
    assert choose(credential=AsyncRefreshing(None)).current().values == {"bearer_token": "awaited"}


def test_object_that_only_holds_a_token_is_read_again_when_that_changes() -> None:
    """Its owner replaces the token; a refusal is the server's to tell, as nothing else is there."""
    held = Token("first")
    refresher = choose(credential=held)
    first = refresher.current()
    assert refresher.reject(first) is False
    held.token = b"second"
    assert refresher.current().values == {"bearer_token": "second"}


def test_object_without_a_token_is_named() -> None:
    """By its class."""
    with pytest.raises(CredentialsError, match="Token holds no token"):
        choose(credential=Token(None)).current()


def test_two_objects_are_never_taken_for_one() -> None:
    """They may be equal to the eye."""
    one, other = Token("t"), Token("t")
    assert choose(credential=one).source.identity != choose(credential=other).source.identity
    assert choose(credential=one).source.identity == choose(credential=one).source.identity


@pytest.fixture
def without_google(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if google-auth were not installed."""
    monkeypatch.setattr(gcs, "_installed", lambda: False)


def file_of(kind: str) -> Callable[[Path], dict[str, Any]]:
    def given(folder: Path) -> dict[str, Any]:
        path = folder / "creds.json"
        path.write_text(json.dumps({"type": kind}))
        return {"application_credentials": str(path)}

    return given


@pytest.mark.usefixtures("without_google")
@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda _: {}, id="default"),
        pytest.param(lambda _: {"token": "google_default"}, id="google_default"),
        pytest.param(lambda _: {"service_account_key": json.dumps(KEY)}, id="service-account-key"),
        pytest.param(file_of("service_account"), id="service-account-file"),
        pytest.param(file_of("authorized_user"), id="user-file"),
    ],
)
def test_without_google_auth_obstore_looks_up_what_it_can(
    tmp_path: Path, given: Callable[[Path], dict[str, Any]]
) -> None:
    """It reads keys of service accounts and gcloud's users, and asks the metadata server."""
    assert choose({"HOME": str(tmp_path)}, **given(tmp_path)) is NATIVE_CHAIN


@pytest.mark.usefixtures("without_google")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(lambda _: {"token": "cloud"}, 'token="cloud"', id="cloud"),
        pytest.param(lambda _: {"token": "cache"}, 'token="cache"', id="cache"),
        pytest.param(lambda _: {"metadata_host": "h"}, "metadata_host", id="metadata-host"),
        pytest.param(lambda _: {"target_service_account": "x"}, "target_service_account", id="impersonation"),
        pytest.param(
            lambda _: {"bearer_token": "t", "target_service_account": "x"}, "target_service_account", id="with-a-token"
        ),
        pytest.param(lambda _: {"token": KEY}, "a service account key", id="token-dict"),
        pytest.param(file_of("external_account"), "a credentials file of type external_account", id="external-account"),
    ],
)
def test_without_google_auth_the_rest_names_the_extra(
    tmp_path: Path, given: Callable[[Path], dict[str, Any]], message: str
) -> None:
    """Rather than that obstore silently takes another identity."""
    with pytest.raises(MissingExtraError, match=rf"{message} needs google-auth .*objfs\[gcs\]"):
        choose({"HOME": str(tmp_path)}, **given(tmp_path))


@pytest.mark.usefixtures("without_google")
def test_without_google_auth_an_object_serves_that_needs_none() -> None:
    """Whatever has a token."""
    assert choose(credential=Token("t")).current().values == {"bearer_token": "t"}


def test_google_packages_are_imported_where_they_are_needed_only() -> None:
    """Not for a token, a provider, anonymous access, or to decide that default credentials are to be asked."""
    script = """
import sys
from tests.unit.test_credentials_gcs import choose, provider
choose(anon=True)
assert choose(bearer_token="t").current().values == {"bearer_token": "t"}
assert choose(token="t").current().values == {"bearer_token": "t"}
assert choose(credential_provider=provider).current().values == {"bearer_token": "PROVIDED"}
choose(), choose(token="cloud"), choose(service_account="/key.json")
found = [name for name in sys.modules if name.startswith(("google.", "requests", "gcsfs", "aiohttp", "obstore"))]
assert not found, found
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2], timeout=60)


def test_store_shape_is_obstores_credential() -> None:
    """Its ``GCSCredential`` has a token; the expiry is added by the adapter."""
    assert gcs.store_shape({"bearer_token": "t"}) == {"token": "t"}


def key_file(folder: Path, **more: Any) -> str:
    path = folder / "key.json"
    path.write_text(json.dumps({**KEY, **more}))
    return str(path)


def test_late_settings_tell_the_project_and_the_endpoint_of_a_key(tmp_path: Path) -> None:
    """As google-auth finds the project, and object_store the endpoint of an emulator."""
    settings = settings_of(service_account=key_file(tmp_path, gcs_base_url="http://emulator/"))
    assert gcs.late_settings(settings, {}) == {
        "project": "of-the-key",
        "base_url": "http://emulator",
        "allow_http": True,
    }


def test_late_settings_tell_the_universe_of_a_key(tmp_path: Path) -> None:
    """A sovereign cloud is in its keys."""
    settings = settings_of(service_account=key_file(tmp_path, universe_domain="apis.example"))
    assert gcs.late_settings(settings, {}) == {"project": "of-the-key", "universe_domain": "apis.example"}


def test_late_settings_tell_who_is_billed(tmp_path: Path) -> None:
    """The project that gcloud writes beside a user's credentials, which google-auth names in each request, too."""
    path = key_file(tmp_path, quota_project_id="billed")
    assert gcs.late_settings(settings_of(service_account=path), {})["requester_pays"] == "billed"
    assert "requester_pays" not in gcs.late_settings(settings_of(service_account=path, requester_pays="mine"), {})


def test_late_settings_give_way_to_what_is_given(tmp_path: Path) -> None:
    """By anybody, the environment included."""
    path = key_file(tmp_path, gcs_base_url="http://emulator")
    settings = settings_of({"GOOGLE_CLOUD_PROJECT": "mine"}, service_account=path, base_url="http://mine")
    assert gcs.late_settings(settings, {}) == {}


@pytest.mark.parametrize("active", [None, "work"])
def test_late_settings_tell_the_project_of_gcloud(tmp_path: Path, active: str | None) -> None:
    """That of its active configuration, without running it."""
    folder = tmp_path / ".config" / "gcloud"
    (folder / "configurations").mkdir(parents=True)
    for name in ("default", "work"):
        (folder / "configurations" / f"config_{name}").write_text(f"[core]\nproject = project-{name}\n")
    if active is not None:
        (folder / "active_config").write_text(f"{active}\n")
    found = gcs.late_settings(settings_of(), {"HOME": str(tmp_path)})
    assert found == {"project": f"project-{active or 'default'}"}


@pytest.mark.parametrize(
    "keywords",
    [
        pytest.param({"anon": True}, id="anonymous"),
        pytest.param({"service_account": "/no/such/file"}, id="missing"),
        pytest.param({"token": "browser"}, id="no-way"),
        pytest.param({"service_account_key": "hidden{"}, id="no-json"),
        pytest.param({"bearer_token": "t"}, id="token"),
        pytest.param({"credential": Token("t")}, id="object"),
        pytest.param({"credential_provider": provider}, id="provider"),
    ],
)
def test_late_settings_leave_errors_to_the_fetch(tmp_path: Path, keywords: dict[str, Any]) -> None:
    """What cannot be read says nothing here, nor do gcloud's files where the credentials are not gcloud's."""
    configuration = tmp_path / ".config" / "gcloud" / "configurations" / "config_default"
    configuration.parent.mkdir(parents=True)
    configuration.write_text("[core]\nproject = of-gcloud\n")
    assert gcs.late_settings(settings_of(**keywords), {"HOME": str(tmp_path)}) == {}


def test_provider_takes_over_from_a_token_that_expires() -> None:
    """Table formats hand over the first token in the options and the provider for the rest."""
    later = datetime.now(UTC) + timedelta(hours=1)
    refresher = choose(bearer_token="FIRST", expires_at=later, credential_provider=provider)
    assert isinstance(refresher, Refresher)
    first: Credentials = refresher.current()
    assert (first.values, first.expires_at, refresher.fetch_count) == ({"bearer_token": "FIRST"}, later, 0)
    refresher.reject(first)
    assert refresher.current().values == {"bearer_token": "PROVIDED"}
