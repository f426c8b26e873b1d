"""Who the caller is: one decision per configuration, without fetching and without an SDK."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from objfs.credentials import aws
from objfs.credentials.refresher import Refresher
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN, credentials_for
from objfs.errors import ConflictingOptionsError, MissingCredentialsError, MissingExtraError
from tests.unit.small_cloud import CLOUD, settings_of

PAIR = {"access_key_id": "AKID", "secret_access_key": "hidden-secret"}
ENV_PAIR = {"AWS_ACCESS_KEY_ID": "ENVKEY", "AWS_SECRET_ACCESS_KEY": "hidden-env"}
ENV_WEB = {"AWS_ROLE_ARN": "arn:env", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}


def provider() -> dict[str, str]:
    """A provider."""
    return {"key": "PROVIDED", "secret": "s"}


def other_provider() -> dict[str, str]:
    """Another provider."""
    return {"key": "OTHER", "secret": "s"}


def choose(environ: dict[str, str] | None = None, **keywords: Any) -> Any:
    return credentials_for(CLOUD, settings_of(environ, **keywords), environ or {})


def test_credentials_for_anonymous_is_decided_first() -> None:
    """With anon there is no credential anywhere."""
    assert choose(anon=True) is ANONYMOUS


@pytest.mark.parametrize(
    ("environ", "keywords", "key"),
    [
        pytest.param({}, PAIR, "AKID", id="keywords"),
        pytest.param(ENV_PAIR, {}, "ENVKEY", id="environment"),
        pytest.param(ENV_PAIR, PAIR, "AKID", id="keywords-above-environment"),
        pytest.param({}, {**PAIR, "storage_options_provider": provider}, "PROVIDED", id="provider-above-keys"),
        pytest.param(ENV_PAIR, {"credential_provider": provider}, "PROVIDED", id="obstore-style-provider"),
        pytest.param({}, {"storage_options_provider": f"{__name__}:provider"}, "PROVIDED", id="import-string"),
        pytest.param({**ENV_PAIR, **ENV_WEB}, {}, "ENVKEY", id="environment-keys-above-its-web-identity"),
        pytest.param({**ENV_PAIR, "AWS_ROLE_ARN": "arn:env"}, {}, "ENVKEY", id="role-of-the-environment-needs-a-token"),
        pytest.param(ENV_WEB, PAIR, "AKID", id="keys-above-the-environments-role"),
    ],
)
def test_credentials_for_delivers(environ: dict[str, str], keywords: dict[str, Any], key: str) -> None:
    """The highest layer that names an identity decides."""
    refresher = choose(environ, **keywords)
    assert refresher.fetch_count == 0
    assert refresher.current().values["access_key_id"] == key


def test_credentials_for_takes_static_keys_with_an_expiry_until_then() -> None:
    """Table formats hand over the first credentials in the options and the provider for the rest."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    refresher = choose(**PAIR, expires_at=soon, storage_options_provider=provider)
    assert refresher.current().values["access_key_id"] == "AKID"
    assert refresher.fetch_count == 0
    past = choose(**PAIR, expires_at=soon - timedelta(hours=2), storage_options_provider=provider)
    assert past.current().values["access_key_id"] == "PROVIDED"


def test_credentials_for_leaves_the_servers_error_to_static_keys() -> None:
    """Nothing could replace them."""
    refresher = choose(**PAIR)
    assert refresher.reject(refresher.current()) is False


@pytest.mark.parametrize(
    ("environ", "keywords", "kind"),
    [
        pytest.param({}, {}, "aws-chain", id="nothing"),
        pytest.param({}, {"profile": "p"}, "aws-chain", id="profile"),
        pytest.param(ENV_PAIR, {"profile": "p"}, "aws-chain", id="profile-above-environment-keys"),
        pytest.param({"AWS_PROFILE": "p", **ENV_PAIR}, {}, "static", id="environment-keys-above-environment-profile"),
        pytest.param({}, {"role_arn": "arn"}, "aws-assume-role", id="role-on-the-chain"),
        pytest.param({}, {**PAIR, "role_arn": "arn"}, "aws-assume-role", id="role-on-keys"),
        pytest.param(ENV_PAIR, {"role_arn": "arn"}, "aws-assume-role", id="role-on-environment-keys"),
        pytest.param(
            {}, {"role_arn": "arn", "web_identity_token_file": "/t"}, "aws-web-identity", id="role-and-token-file"
        ),
        pytest.param(ENV_WEB, {}, "aws-web-identity", id="environment-web-identity"),
        pytest.param(ENV_WEB, {"role_arn": "arn"}, "aws-assume-role", id="role-above-a-pods-own-identity"),
        pytest.param({}, {"session": object()}, "aws-session", id="session"),
        pytest.param(ENV_WEB, {"profile": "p"}, "aws-chain", id="profile-above-environment-web-identity"),
        pytest.param({}, {"profile": "p", "role_arn": "arn"}, "aws-assume-role", id="role-on-a-profile"),
        pytest.param(
            {**ENV_WEB, **ENV_PAIR},
            {"container_credentials_full_uri": "http://c"},
            "aws-chain",
            id="explicit-container",
        ),
    ],
)
def test_credentials_for_chooses_the_source(environ: dict[str, str], keywords: dict[str, Any], kind: str) -> None:
    """Keys, profile, role and token file lead to the member of the chain that they mean."""
    assert choose(environ, **keywords).source.identity.split()[0] == kind


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        pytest.param({"key": "AKID"}, r"key \(keyword\) given without secret_access_key", id="id-only"),
        pytest.param({"secret": "hidden-secret"}, r"secret \(keyword\) given without access_key_id", id="secret-only"),
    ],
)
def test_credentials_for_refuses_half_a_pair(keywords: dict[str, Any], message: str) -> None:
    """A pair is never completed from a lower layer."""
    with pytest.raises(MissingCredentialsError, match=message) as caught:
        choose(ENV_PAIR, **keywords)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        pytest.param(
            {**PAIR, "role_arn": "a", "web_identity_token_file": "/t"},
            ConflictingOptionsError,
            "both with an access key and with web_identity_token_file",
            id="role-in-two-ways",
        ),
        pytest.param(
            {"web_identity_token_file": "/t"}, MissingCredentialsError, "needs role_arn", id="token-file-without-a-role"
        ),
    ],
)
def test_credentials_for_refuses_roles_that_are_not_clear(
    keywords: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Neither way is silently dropped."""
    with pytest.raises(error, match=message):
        choose(**keywords)


def test_credentials_for_refuses_two_different_providers() -> None:
    """Equal ones are fine."""
    assert choose(storage_options_provider=provider, credential_provider=provider).fetch_count == 0
    with pytest.raises(ConflictingOptionsError, match="name different providers"):
        choose(storage_options_provider=provider, credential_provider=other_provider)


@pytest.mark.parametrize(
    ("left", "right", "shared"),
    [
        pytest.param(PAIR, PAIR, True, id="same-keys"),
        pytest.param(PAIR, {**PAIR, "secret_access_key": "x"}, False, id="other-secret"),
        pytest.param(PAIR, {**PAIR, "region": "eu-west-1"}, True, id="region-says-nothing-of-identity"),
        pytest.param(
            {"storage_options_provider": provider}, {"credential_provider": provider}, True, id="same-provider"
        ),
        pytest.param(
            {"storage_options_provider": provider},
            {**PAIR, "storage_options_provider": provider},
            True,
            id="keys-unused",
        ),
        pytest.param(
            {"credential_provider": provider}, {"credential_provider": other_provider}, False, id="other-provider"
        ),
        pytest.param({"profile": "a"}, {"profile": "a"}, True, id="same-profile"),
        pytest.param({"profile": "a"}, {"profile": "b"}, False, id="other-profile"),
        pytest.param({"profile": "a"}, {"profile": "a", "config_file": "/c"}, False, id="other-files"),
        pytest.param({**PAIR, "role_arn": "a"}, {**PAIR, "role_arn": "a"}, True, id="same-role"),
        pytest.param(
            {**PAIR, "role_arn": "a"}, {**PAIR, "role_arn": "a", "external_id": "x"}, False, id="other-external-id"
        ),
        pytest.param({**PAIR, "role_arn": "a"}, {"role_arn": "a"}, False, id="other-base"),
    ],
)
def test_credentials_for_shares_one_refresher_per_configuration(
    left: dict[str, Any], right: dict[str, Any], *, shared: bool
) -> None:
    """Equal configurations share what was fetched, others never do."""
    assert (choose(**left) is choose(**right)) is shared


def test_credentials_for_shows_no_secret() -> None:
    """Identities and reprs hold digests."""
    secrets = {**PAIR, "session_token": "hidden-token", "role_arn": "arn", "external_id": "e"}
    refresher = choose({"AWS_CONTAINER_AUTHORIZATION_TOKEN": "hidden-auth"}, **secrets)
    assert isinstance(refresher, Refresher)
    assert "hidden" not in refresher.source.identity + repr(refresher) + repr(refresher.source)


@pytest.fixture
def no_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    monkeypatch.setattr(aws, "find_spec", lambda _name: None)


@pytest.mark.parametrize(
    "keywords", [{}, {"role_arn": "a", "web_identity_token_file": "/t"}], ids=["chain", "web-identity"]
)
def test_credentials_for_leaves_it_to_the_data_plane_without_botocore(
    no_botocore: None, keywords: dict[str, Any]
) -> None:
    """The chain of obstore serves what it can."""
    assert choose(**keywords) is NATIVE_CHAIN


@pytest.mark.parametrize(
    ("keywords", "asked"),
    [
        pytest.param({"profile": "p"}, "a profile", id="profile"),
        pytest.param({"role_arn": "a"}, "an assumed role", id="role"),
        pytest.param({"config_file": "/c"}, "config_file", id="file"),
    ],
)
def test_credentials_for_names_the_extra_that_a_profile_needs(
    no_botocore: None, keywords: dict[str, Any], asked: str
) -> None:
    """What the data plane would silently ignore is an error instead."""
    with pytest.raises(MissingExtraError, match=rf"{asked} needs botocore .*objfs\[s3\]"):
        choose(**keywords)


def test_credentials_for_works_with_keys_without_botocore(no_botocore: None) -> None:
    """Keys need no SDK."""
    assert choose(**PAIR).current().values["access_key_id"] == "AKID"


def test_credentials_for_imports_no_sdk() -> None:
    """Not for keys, a provider or anon, and not before the first fetch for the chain."""
    code = (
        "import sys\n"
        "from tests.unit.small_cloud import CLOUD, settings_of\n"
        "from objfs.credentials.select import credentials_for\n"
        "before = set(sys.modules)\n"
        "for keywords in ({'key': 'a', 'secret': 'b'}, {'anon': True}, {'profile': 'p'}, {},\n"
        "                 {'credential_provider': lambda: {'key': 'a', 'secret': 'b'}}):\n"
        "    chosen = credentials_for(CLOUD, settings_of({}, **keywords), {})\n"
        "    'profile' in keywords or not keywords or 'anon' in keywords or chosen.current()\n"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(loaded & {'botocore', 'boto3', 'aiobotocore', 'obstore', 's3fs'}))\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root)
    assert done.stdout.strip() == "[]"
