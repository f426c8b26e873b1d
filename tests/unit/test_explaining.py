"""Tests of what explanations say; nothing here opens a connection."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec.config
import pytest

import objfs
from objfs import AzureBlobFileSystem, GCSFileSystem, S3FileSystem
from objfs.explaining import VERBS
from objfs.explanation import Explanation, OptionFact
from objfs.planes import DATA_VERBS, SDK_VERBS
from tests.clouds import StaticProvider

SECRET = "the-secret-of-this-test"
PACKAGE = Path(objfs.__file__).parent


def option(found: Explanation, name: str) -> OptionFact:
    return next(fact for fact in found.options if fact.name == name)


def plane(found: Explanation, name: str) -> Any:
    return next(fact for fact in found.planes if fact.plane == name)


def verb(found: Explanation, name: str) -> Any:
    return next(fact for fact in found.verbs if fact.verb == name)


def test_explain_says_what_a_url_names():
    """Scheme, class, bucket, key and the path that the calls take."""
    found = objfs.explain("s3a://bucket/data/a.parquet", key="AKIA1", secret=SECRET)
    assert (found.scheme, found.filesystem) == ("s3a", "objfs.S3FileSystem")
    assert (found.bucket, found.key, found.path) == ("bucket", "data/a.parquet", "bucket/data/a.parquet")
    assert found.checks == ()
    assert found.ok


def test_explain_names_the_account_of_azure():
    """Of a URL that holds it, with the origin."""
    found = objfs.explain("abfss://container@account1.dfs.core.windows.net/a/b", anon=True)
    assert (found.account, found.bucket, found.key) == ("account1", "container", "a/b")
    assert option(found, "account_name").source == "URL"


@pytest.mark.parametrize(
    ("prepare", "keywords", "origin", "source"),
    [
        pytest.param({}, {"aws_region": "eu-west-1"}, "keyword", "keyword 'aws_region'", id="keyword"),
        pytest.param({"env": "eu-west-2"}, {}, "environment", "environment variable AWS_REGION", id="environment"),
        pytest.param(
            {"fsspec": "eu-west-3"}, {}, "fsspec config", "fsspec's configuration, 'region'", id="fsspec's config"
        ),
        pytest.param({}, {}, "default", "default", id="default"),
        pytest.param(
            {"file": "eu-north-1"}, {}, "config file", "configuration file (FILE, profile 'default')", id="AWS"
        ),
    ],
)
def test_explain_names_the_origin_of_each_value(monkeypatch, tmp_path, prepare, keywords, origin, source):
    """By the name or the variable that was used."""
    if "env" in prepare:
        monkeypatch.setenv("AWS_REGION", prepare["env"])
    if "fsspec" in prepare:
        monkeypatch.setitem(fsspec.config.conf, "s3", {"region": prepare["fsspec"]})
    if "file" in prepare:
        (tmp_path / "config").write_text(f"[default]\nregion = {prepare['file']}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    found = objfs.explain("s3://bucket/key", key="AKIA1", secret=SECRET, **keywords)
    fact = option(found, "region")
    expected = next(iter([*prepare.values(), *keywords.values(), "us-east-1"]))
    source = source.replace("FILE", str(tmp_path / "config"))
    assert (fact.value, fact.origin, fact.source) == (expected, origin, source)
    assert plane(found, "obstore").arguments["config"]["region"] == expected


def test_explain_names_the_variable_that_holds_a_secret_of_azure(monkeypatch):
    """In files of cshelve, ``environment_key`` names it."""
    monkeypatch.setenv("MY_KEY", "YWJjZA==")
    found = objfs.explain("az://container", account_name="account1", environment_key="MY_KEY")
    assert option(found, "account_key").source == "configuration file (environment_key, $MY_KEY)"


def test_explain_names_the_credentials_file_that_says_a_project(tmp_path):
    """Google's files hold more than credentials."""
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"type": "service_account", "project_id": "project-1", "client_email": "x@y"}))
    found = objfs.explain("gs://bucket/key", token=str(path))
    assert option(found, "project").source == f"configuration file (the Google credentials file '{path}')"


def test_explain_names_the_url_as_an_origin():
    """What an https form says is told from keywords."""
    found = objfs.explain("https://bucket.s3.eu-central-1.amazonaws.com/key", anon=True)
    assert (option(found, "region").value, option(found, "region").origin) == ("eu-central-1", "url")


SECRETIVE = [
    pytest.param(
        "s3://bucket/key",
        {
            "key": "AKIA1",
            "secret": SECRET,
            "token": SECRET + "2",
            "default_headers": {"X-Secret": SECRET + "3"},
            "client_kwargs": {"odd_password": SECRET + "4"},
            "proxy_url": f"http://user:{SECRET}5@proxy:1",
        },
        id="s3",
    ),
    pytest.param("gs://bucket/key", {"token": SECRET, "encryption_key": "0" * 43 + "="}, id="gcs"),
    pytest.param(
        "az://container/key",
        {"account_name": "account1", "account_key": "dGhlLXNlY3JldC1vZi10aGlzLXRlc3Q="},
        id="azure-key",
    ),
    pytest.param(
        "az://container/key",
        {"account_name": "account1", "sas_token": f"sv=1&sig={SECRET}"},
        id="azure-sas",
    ),
]


@pytest.mark.parametrize(("url", "options"), SECRETIVE)
def test_explain_shows_no_secret(url, options):
    """Neither as text nor as a dict, be it ours, an SDK's or a member of a dict that nobody knows."""
    found = objfs.explain(url, **options)
    shown = f"{found}\n{found!r}\n{json.dumps(found.to_dict())}"
    for hidden in (SECRET, "0" * 43, "dGhlLXNlY3JldC1vZi10aGlzLXRlc3Q="):
        assert hidden not in shown
    assert "***" in shown


def test_explain_shows_no_signature_of_a_url():
    """Also where the URL is refused for it."""
    with pytest.raises(objfs.errors.UrlError) as caught:
        objfs.explain(f"https://bucket.s3.amazonaws.com/key?X-Amz-Signature={SECRET}")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", ["s3://bucket/key?X-Amz-Signature={}", "https://example.org/key?sig={}"])
def test_explain_shows_no_signature_of_a_key(url):
    """A key may be what somebody pasted."""
    found = objfs.explain(url.format(SECRET))
    assert SECRET not in f"{found}{found!r}{found.to_dict()}"


def test_explain_shows_objects_by_their_types():
    """A repr may show anything."""

    class Signer:
        def __call__(self, **_: Any) -> None: ...

        def __repr__(self) -> str:
            return SECRET

    found = objfs.explain("s3://bucket/key", key="AKIA1", secret=SECRET, request_signer=Signer())
    assert option(found, "request_signer").value.endswith(".Signer>")
    assert SECRET not in str(found)


def test_explain_tells_both_planes_arguments_exactly():
    """They are those that the backends get: compared with what builds them."""
    fs = S3FileSystem(key="AKIA1", secret=SECRET, region="eu-west-1", requester_pays=True, max_retries=3)
    found = fs.explain("bucket/key")
    data = plane(found, "obstore")
    assert data.target == "obstore.store.S3Store"
    told = fs.connection.store("bucket").told
    assert data.arguments["config"] == told["config"]
    assert data.arguments["config"]["request_payer"] is True
    assert data.arguments["retry_config"] == told["retry_config"]
    assert data.arguments["retry_config"]["max_retries"] == 3
    assert data.arguments["bucket"] == "bucket"
    assert data.arguments["credential_provider"] == "<the credentials in the storage options>"
    sdk = plane(found, "sdk")
    assert sdk.target == "s3fs.S3FileSystem"
    assert {**sdk.arguments, "session": None} == {**fs.connection.sdk.setup.keywords, "session": None}


def test_explain_says_why_a_plane_is_not_used():
    """The rule's own words."""
    found = S3FileSystem(engine="sdk", anon=True).explain("bucket/key")
    assert (plane(found, "obstore").absent, plane(found, "obstore").arguments) == ("engine='sdk' was asked for", {})
    assert {fact.plane for fact in found.verbs} == {"sdk"}
    found = S3FileSystem(engine="obstore", anon=True).explain("bucket/key")
    assert "engine='obstore' cannot carry out 'info'" in plane(found, "sdk").absent
    assert verb(found, "list").plane == ""
    assert "leave engine='auto'" in verb(found, "list").reason


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("bucket/a//b", "obstore cannot name the key 'a//b'", id="key"),
        pytest.param("arn:aws:s3:eu-west-1:123456789012:accesspoint/ap/key", "named by an ARN", id="bucket"),
    ],
)
def test_explain_asks_the_one_rule_about_each_verb(path, reason):
    """A key or a bucket for which a verb goes to the SDK plane is explained as such."""
    fact = verb(S3FileSystem(anon=True).explain(path), "read")
    assert fact.plane == "sdk"
    assert reason in fact.reason


def test_verbs_are_those_that_the_rule_is_asked_about():
    """None is invented, and none of the rule's own is left out; the words are those of the calls in the sources."""
    asked = set()
    for path in PACKAGE.glob("*_verbs.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("decide", "objects", "require_sdk"):
                asked |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    asked |= {"read", "head"}
    assert set(VERBS) <= asked
    # A copy that must not replace anything depends on more than the rule.
    assert DATA_VERBS - {"exists"} | set(SDK_VERBS) - {"copy_if_not_exists"} <= set(VERBS)


def test_explain_of_a_filesystem_is_about_any_object():
    """Without a path there is no bucket; what holds for every object is said."""
    found = GCSFileSystem(token="anon").explain()
    assert (found.url, found.bucket, found.key) == ("gs://", "", "")
    assert verb(found, "read").plane == "obstore"
    assert plane(found, "obstore").arguments["bucket"] == "bucket"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param({"anon": True}, "none: requests are sent unsigned", id="anonymous"),
        pytest.param(
            {"key": "AKIA1", "secret": SECRET},
            "the credentials in the storage options; they do not expire",
            id="static",
        ),
        pytest.param(
            {"key": "AKIA1", "secret": SECRET, "token": "t", "expires_at": "2020-01-02T03:04:05Z"},
            "the credentials in the storage options; they expired at 2020-01-02T03:04:05+00:00",
            id="expired",
        ),
        pytest.param(
            {"profile": "none-such"}, "the AWS profile 'none-such'; not asked yet, so that their expiry", id="profile"
        ),
    ],
)
def test_explain_says_when_credentials_expire(options, text):
    """As far as it is known without asking anybody."""
    assert str(S3FileSystem(**options).explain().credentials).startswith(text)


def test_explain_asks_a_provider_only_when_told_to():
    """With ``fetch`` the expiry is known, and what the provider hands out appears among the options, redacted."""
    provider = StaticProvider((("access_key_id", "AKIA2"), ("secret_access_key", SECRET)))
    fs = S3FileSystem(storage_options_provider=provider, skip_instance_cache=True)
    found = fs.explain("bucket/key")
    assert found.credentials is not None
    assert not found.credentials.fetched
    found = fs.explain("bucket/key", fetch=True)
    assert found.credentials is not None
    expires = found.credentials.expires_at
    assert expires is not None
    assert timedelta(minutes=59) < expires - datetime.now(UTC) < timedelta(minutes=61)
    assert "others are asked for before" in str(found.credentials)
    assert (option(found, "access_key_id").value, option(found, "access_key_id").origin) == ("AKIA2", "provider")
    assert option(found, "secret_access_key").value == "***"
    assert SECRET not in str(found)


def test_explain_says_that_a_provider_replaces_keys_beside_it():
    """They are effective only with an expiry, and until then."""
    provider = StaticProvider((("access_key_id", "AKIA3"), ("secret_access_key", SECRET)))
    told = {"key": "AKIA1", "secret": "of the caller", "storage_options_provider": provider}
    fact = option(S3FileSystem(**told, skip_instance_cache=True).explain(), "access_key_id")
    assert fact.note == "not used: storage_options_provider hands out credentials"
    fetched = S3FileSystem(**told, skip_instance_cache=True).explain(fetch=True)
    assert [each.value for each in fetched.options if each.name == "access_key_id"] == ["AKIA3"]
    told["expires_at_millis"] = "4102444800000"
    fact = option(S3FileSystem(**told, skip_instance_cache=True).explain(), "access_key_id")
    assert fact.note == "until they expire; then storage_options_provider"


def failing() -> dict[str, str]:
    msg = f"the vault is sealed, {SECRET}"
    raise RuntimeError(msg)


def test_explain_says_why_a_provider_fails():
    """The failure is part of the answer, with its cause."""
    fs = S3FileSystem(storage_options_provider=failing, skip_instance_cache=True)
    credentials = fs.explain(fetch=True).credentials
    assert credentials is not None
    assert "failed to deliver credentials" in credentials.problem
    assert "the vault is sealed" in str(credentials)


def test_explain_goes_on_where_credentials_cannot_be_chosen():
    """What the first request would raise is said, and the rest is explained all the same."""
    found = objfs.explain("s3://bucket/key", web_identity_token_file="/token", region="eu-west-1")
    assert found.credentials is not None
    assert "role_arn" in found.credentials.problem
    assert option(found, "region").value == "eu-west-1"
    assert plane(found, "obstore").absent


def test_explanation_is_plain_data():
    """A dict that JSON holds, equal values for equal configurations, and values that cannot be changed."""
    first = objfs.explain("s3://bucket/key", anon=True, read_timeout="3s", default_headers={"a": "b"})
    again = objfs.explain("s3://bucket/key", anon=True, read_timeout="3s", default_headers={"a": "b"})
    assert first == again
    plain = json.loads(json.dumps(first.to_dict()))
    assert plain["bucket"] == "bucket"
    assert plain["ok"] is True
    assert {"name", "value", "origin", "source", "meaning", "note"} == set(plain["options"][0])
    assert [fact["value"] for fact in plain["options"] if fact["name"] == "read_timeout"] == ["3s"]
    with pytest.raises(AttributeError, match="frozen"):
        first.bucket = "other"  # type: ignore[misc]


def test_explanation_prints_every_part():
    """The text has a line for each option, argument and verb."""
    found = AzureBlobFileSystem(account_name="account1", anon=True).explain("container/a b/c")
    text = str(found)
    for part in ("account1", "container", "a b/c", "obstore.store.AzureStore", "adlfs.AzureBlobFileSystem", *VERBS):
        assert part in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_explain_serves_urls_of_no_cloud(tmp_path):
    """They have a class and a path, and no planes."""
    found = objfs.explain(f"file://{tmp_path}/x")
    assert found.filesystem.endswith("LocalFileSystem")
    assert found.path == f"{tmp_path}/x"
    assert (found.options, found.planes, found.credentials) == ((), (), None)
    assert json.dumps(found.to_dict())


def test_explain_refuses_unknown_checks():
    """Before anything is tried."""
    with pytest.raises(ValueError, match="check takes list, read, write, not 'delete'"):
        objfs.explain("s3://bucket/key", anon=True, check=("list", "delete"))
    with pytest.raises(ValueError, match="not 'x'"):
        objfs.explain("file:///x", check="x")


def test_explain_is_on_prefixed_filesystems_too():
    """The URL is explained as it is; the prefix does not hide what is below."""
    found = objfs.explain("s3://bucket/data/a.parquet", prefix="data", anon=True)
    assert (found.bucket, found.key) == ("bucket", "data/a.parquet")
