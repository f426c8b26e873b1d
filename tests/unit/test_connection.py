"""Tests of objfs.connection and of what it hands to the SDK plane; nothing here opens a connection."""

from __future__ import annotations

import asyncio
from pathlib import Path

import fsspec
import pytest

from objfs import S3FileSystem
from objfs.clouds.s3 import S3
from objfs.connection import Connection
from objfs.credentials.hiding import Hiding
from objfs.options import Layer, Origin
from objfs.peers import peer_of
from objfs.sdk import PeerSetup, SdkPlane


def connection(environ: dict[str, str], **keywords: object) -> Connection:
    return Connection(S3, [Layer(Origin.KEYWORD, keywords)], environ, S3.split)


@pytest.fixture
def config_file(tmp_path: Path) -> str:
    path = tmp_path / "config"
    path.write_text("[default]\nregion = eu-north-1\n\n[profile ops]\nregion = eu-west-3\n")
    return str(path)


@pytest.mark.parametrize(
    ("keywords", "variables", "region"),
    [
        pytest.param({}, {}, "eu-north-1", id="default profile"),
        pytest.param({"profile": "ops"}, {}, "eu-west-3", id="named profile"),
        pytest.param({"profile": "none-such"}, {}, "us-east-1", id="profile without a region"),
        pytest.param({"region": "ap-south-1"}, {}, "ap-south-1", id="keyword wins"),
        pytest.param({}, {"AWS_REGION": "ap-south-2"}, "ap-south-2", id="environment wins"),
    ],
)
def test_connection_takes_the_region_of_the_profile_last(config_file, keywords, variables, region):
    """Keyword and environment go before the file, the file before the default; both planes are told."""
    found = connection({"AWS_CONFIG_FILE": config_file, **variables}, **keywords)
    arguments = S3.store_arguments(found.settings, "bucket")
    assert arguments.config["region"] == region
    assert S3.sdk_keywords(found.settings)["client_kwargs"]["region_name"] == region


@pytest.mark.parametrize("content", [b"", b"no section", b"\xff\xfe\x00", b"[default\nregion=x"], ids=repr)
def test_connection_ignores_a_configuration_file_that_it_cannot_read(tmp_path, content):
    """The file belongs to other programs."""
    path = tmp_path / "config"
    path.write_bytes(content)
    assert connection({"AWS_CONFIG_FILE": str(path)}).settings.value("region") == "us-east-1"


def test_connection_reads_no_file_when_it_is_made(config_file, monkeypatch):
    """A constructor only checks and stores."""
    monkeypatch.setattr("configparser.RawConfigParser.read", lambda *_, **__: pytest.fail("a file was read"))
    made = connection({"AWS_CONFIG_FILE": config_file}, key="a", secret="b")
    assert made.options.value("region") == "us-east-1"
    S3FileSystem(key="a", secret="b", skip_instance_cache=True)


async def sign_once(plane: SdkPlane) -> dict[str, str]:
    """Build the request of a GET and sign it, without sending."""
    instance = plane.instance(here=True)
    await instance.set_session()
    sent: dict[str, str] = {}

    def stop(request, **_):
        sent.update(request.headers)
        raise asyncio.CancelledError

    instance.s3.meta.events.register_last("before-send.s3", stop)
    with pytest.raises(asyncio.CancelledError):
        await instance._call_s3("get_object", Bucket="bucket", Key="key")
    await instance.s3.close()
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in sent.items()}


def plane_of(made: Connection) -> SdkPlane:
    setup = PeerSetup(
        made.settings, S3.sdk_keywords(made.settings), made.choice, S3.split, Hiding(made.settings, made.choice)
    )
    return SdkPlane("s3", peer_of("s3"), setup)


def test_sdk_plane_signs_default_headers():
    """They are among the signed headers, as on the data plane."""
    made = connection({}, key="AK", secret="SK", default_headers={"x-team": "ours"}, endpoint="http://127.0.0.1:1")
    sent = asyncio.run(sign_once(plane_of(made)))
    assert sent["x-team"] == "ours"
    assert "x-team" in sent["Authorization"].partition("SignedHeaders=")[2].partition(",")[0]


def test_sdk_plane_lets_a_request_signer_sign():
    """Its headers are what is sent; botocore adds no signature of its own."""

    def signer(request, **_):
        request.headers["Authorization"] = "remote"

    made = connection({}, request_signer=signer, endpoint="http://127.0.0.1:1")
    assert asyncio.run(sign_once(plane_of(made)))["Authorization"] == "remote"


def test_sdk_plane_puts_a_certificate_given_as_text_into_a_file():
    """botocore takes certificates by path only."""
    text = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
    made = connection({}, anon=True)
    setup = PeerSetup(
        made.settings, {"client_kwargs": {"verify": text}}, made.choice, S3.split, Hiding(made.settings, made.choice)
    )
    plane = SdkPlane("s3", peer_of("s3"), setup)
    path = plane.instance().client_kwargs["verify"]
    assert Path(path).read_text() == text


def test_connection_shares_one_refresher_between_equal_configurations():
    """One refresher per configuration, whatever the instance."""
    first = connection({}, key="AK", secret="SK", session_token="T")
    again = connection({}, access_key_id="AK", secret_access_key="SK", token="T")
    other = connection({}, key="AK", secret="SK", session_token="U")
    assert first.choice is again.choice
    assert first.choice is not other.choice


def test_sdk_plane_takes_nothing_from_the_configuration_of_fsspec(monkeypatch):
    """It is resolved with the other layers; s3fs would take keys, and sign with them instead of ours."""
    monkeypatch.setitem(fsspec.config.conf, "s3", {"key": "configured", "secret": "configured", "anon": True})
    made = connection({}, key="AK", secret="SK", endpoint="http://127.0.0.1:1")
    plane = plane_of(made)
    assert (plane.instance().key, plane.instance().anon) == (None, False)
    assert "Credential=AK/" in asyncio.run(sign_once(plane))["Authorization"]


def test_connection_shares_a_refresher_by_the_provider_id_that_is_given():
    """Two providers that cannot be told to be equal are one by the caller's word."""

    def made(name: str | None) -> Connection:
        def provider() -> dict[str, str]:
            return {}

        return connection({}, storage_options_provider=provider, provider_id=name)

    assert made("vault").choice is made("vault").choice
    assert made("vault").choice is not made("other").choice
    assert made(None).choice is not made(None).choice
