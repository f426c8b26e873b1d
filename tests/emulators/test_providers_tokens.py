"""The providers of google-auth and azure-identity, against token services played on loopback."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from objfs.clouds.azure import AZURE
from objfs.clouds.gcs import GCS
from objfs.credentials.provider import normalise_provider
from objfs.errors import CredentialsError
from objfs.providers import AzureIdentity, GoogleAuth
from tests.emulators import fakes_azure, fakes_google

ROBOT = "robot@project.iam.gserviceaccount.com"
USER = {"type": "authorized_user", "client_id": "client", "client_secret": "hidden", "refresh_token": "refresh"}


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[fakes_google.FakeGoogle]:
    """The token services of Google; what google-auth sends to Google's own hosts arrives there."""
    pytest.importorskip("google.auth")
    pytest.importorskip("requests")
    with fakes_google.serving() as fake:
        fakes_google.catch_requests(fake, monkeypatch)
        yield fake


def google_token(provider: Any) -> str:
    return normalise_provider(provider, GCS).fetch().values["bearer_token"]


def test_google_default_credentials_are_a_file_of_the_environment(google, tmp_path, monkeypatch):
    """By name alone; a token that lies in the environment is not taken for them."""
    path = tmp_path / "user.json"
    path.write_text(json.dumps(USER))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("GOOGLE_BEARER_TOKEN", "of-the-environment")
    assert google_token("google") == "USER1"


def test_google_credentials_may_be_a_file_or_its_content(google, tmp_path, monkeypatch):
    """Also from the environment, as platforms put whole keys into a variable."""
    path = tmp_path / "user.json"
    path.write_text(json.dumps(USER))
    monkeypatch.setenv("GOOGLE_KEY", json.dumps(USER))
    for number, credentials in enumerate((str(path), json.dumps(USER), "$GOOGLE_KEY"), 1):
        assert google_token(pickle.loads(pickle.dumps(GoogleAuth(credentials)))) == f"USER{number}"


def test_google_service_account_is_taken_on(google):
    """With the scopes, the delegates and the lifetime that were asked for."""
    from google.oauth2.credentials import Credentials

    options = {"scopes": ["https://s/1"], "delegates": "d@p", "lifetime": "20min"}
    found = google_token(GoogleAuth(Credentials("mine"), target_service_account=ROBOT, **options))
    assert found.startswith("ROBOT")
    form = google.forms[-1]
    assert (form["scope"], form["lifetime"]) == (["https://s/1"], "1200s")
    assert [delegate.rpartition("/")[2] for delegate in form["delegates"]] == ["d@p"]


class Minting:
    """Credentials of google-auth's kind that hold a token for an hour, and get another when they are told to."""

    def __init__(self) -> None:
        self.count, self.token = 0, "T0"
        self.expiry = (datetime.now(UTC) + timedelta(hours=1)).replace(tzinfo=None)

    def refresh(self, _request: Any) -> None:
        """The next token."""
        self.count += 1
        self.token = f"T{self.count}"


def test_google_object_is_refreshed_where_its_token_was_given_before():
    """Who asks again was refused with it, or sees its end come."""
    pytest.importorskip("google.auth")
    source = normalise_provider(GoogleAuth(Minting()), GCS)
    assert [source.fetch().values["bearer_token"] for _ in range(3)] == ["T0", "T1", "T2"]


@pytest.fixture
def azure(tmp_path, monkeypatch) -> Iterator[fakes_azure.FakeAzure]:
    pytest.importorskip("azure.identity.aio")
    pytest.importorskip("cryptography")
    with fakes_azure.serving(tmp_path) as fake:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", fake.url)
        yield fake


def azure_token(provider: Any) -> str:
    return normalise_provider(provider, AZURE).fetch().values["token"]


def test_azure_principal_asks_entra(azure, monkeypatch):
    """With a secret of the environment; a key that lies there is not taken in its place."""
    monkeypatch.setenv("APP_SECRET", "the-secret")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0LWtleQ==")
    principal = {"tenant_id": "tenant", "client_id": "client", "client_secret": "$APP_SECRET"}
    host = {"authority_host": azure.login, "root_certificate": azure.certificate}
    assert azure_token({"provider": "azure-identity", **principal, **host}).startswith("ENTRA")
    assert azure.asked[-1].form["client_secret"] == "the-secret"


def test_azure_managed_identity_asks_the_machine(azure):
    """Of several the one that is named."""
    provider = AzureIdentity(use_managed_identity="true", client_id="mine")
    assert azure_token(pickle.loads(pickle.dumps(provider))).startswith("IMDS")
    assert azure.asked[-1].query["client_id"] == "mine"


def test_azure_default_chain_does_not_take_a_key_of_the_environment(azure, monkeypatch):
    """Who asks for an identity does not want a key."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0LWtleQ==")
    monkeypatch.setattr("objfs.credentials.azure.has_azure_identity", lambda: False)
    with pytest.raises((ImportError, CredentialsError)):
        azure_token("azure-identity")
