"""What a process imports and asks for when all it wants is to read one object."""

from __future__ import annotations

import json

import pytest

from tests.distributions import install_objfs, run_fresh

HEAVY = ("s3fs", "botocore", "aiobotocore", "boto3", "aiohttp", "gcsfs", "adlfs")

# Runs in a fresh interpreter; the last line it prints is the JSON of what it found.
READ = """
import json, sys
import fsspec
arguments = json.loads(sys.argv[1])
content = None
if arguments["url"]:
    options = arguments["options"]
    if "provider" in arguments:
        from objfs.testing import LocalCredentialsProvider
        options["storage_options_provider"] = LocalCredentialsProvider(arguments["provider"], 3600)
    with fsspec.open(arguments["url"], **options) as file:
        content = file.read().decode()
    owner = type(file.fs).__module__
else:
    import objfs
    owner = None
print(json.dumps({"content": content, "owner": owner, "modules": sorted(sys.modules)}))
"""


@pytest.fixture
def run(tmp_path):
    """Run READ where objfs is installed, and return what it found."""
    installed = install_objfs(tmp_path / "site")
    return lambda environment=None, **arguments: run_fresh(READ, arguments, path=[installed], environment=environment)


def _heavy(modules):
    return sorted({name for name in modules if name.partition(".")[0] in HEAVY})


PROVIDERS = """
import json, sys
from objfs.providers import HttpJson, IcebergRest, LanceNamespace, UnityCatalog
HttpJson("https://h"), IcebergRest("https://h", "n.t"), LanceNamespace("https://h", "t"), UnityCatalog("https://h", "t")
print(json.dumps({"modules": sorted(sys.modules)}))
"""


def test_providers_over_http_import_no_sdk(tmp_path):
    """The standard library speaks with catalogs; nor is obstore needed to say where credentials come from."""
    found = run_fresh(PROVIDERS, {}, path=[install_objfs(tmp_path / "site")])
    assert "objfs.providers.unity" in found["modules"]
    assert _heavy(found["modules"]) == []
    assert not {"obstore", "requests", "google.auth", "azure.core"} & set(found["modules"])


def test_importing_objfs_imports_no_sdk(run):
    """Nor what an SDK stands on; what obstore needs waits for the first request."""
    found = run(url=None)
    assert "objfs" in found["modules"]
    assert _heavy(found["modules"]) == []
    assert "obstore" not in found["modules"]


@pytest.fixture
def url(seen):
    """A small object."""
    seen.put("small.txt", b"content")
    return f"s3://{seen.bucket}/small.txt"


def _answer(gateway, found):
    """What was read, what was imported that should not be, and the requests it took."""
    asked = [(record.method, record.status) for record in gateway.requests()]
    return found["content"], found["owner"], _heavy(found["modules"]), asked


EXPECTED = ("content", "objfs.s3_filesystem", [], [("GET", 206)])


def test_reading_with_explicit_keys_imports_no_sdk(gateway, run, url):
    """One request, obstore only."""
    issued = gateway.issue(3600)
    options = {**issued, "endpoint_url": gateway.endpoint, "region": "us-east-1"}
    assert _answer(gateway, run(url=url, options=options)) == EXPECTED


def test_reading_with_keys_in_the_environment_imports_no_sdk(gateway, run, url):
    """The AWS variables are read by objfs itself."""
    issued = gateway.issue(3600)
    environment = {
        "AWS_ACCESS_KEY_ID": issued["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": issued["secret_access_key"],
        "AWS_SESSION_TOKEN": issued["session_token"],
        "AWS_ENDPOINT_URL": gateway.endpoint,
        "AWS_REGION": "us-east-1",
    }
    assert _answer(gateway, run(environment, url=url, options={})) == EXPECTED


def test_reading_with_a_provider_imports_no_sdk(gateway, run, url):
    """The provider is asked once."""
    options = {"endpoint_url": gateway.endpoint, "region": "us-east-1"}
    assert _answer(gateway, run(url=url, options=options, provider=gateway.endpoint)) == EXPECTED
    assert gateway.stats()["issued"] == 1


def test_reading_anonymously_imports_no_sdk(moto_server, observer, run, url):
    """No credentials are looked for; the bucket is public."""
    bucket = url.split("/")[2]
    policy = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    observer(moto_server).put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [policy]}))
    found = run(url=url, options={"endpoint_url": moto_server.endpoint, "anon": True, "region": "us-east-1"})
    assert (found["content"], found["owner"], _heavy(found["modules"])) == EXPECTED[:3]


def test_the_sdk_is_imported_when_it_is_needed(gateway, run, url):
    """The counter-check: the same look at sys.modules does see s3fs."""
    options = {**gateway.issue(3600), "endpoint_url": gateway.endpoint, "region": "us-east-1", "engine": "sdk"}
    found = _heavy(run(url=url, options=options)["modules"])
    assert {"s3fs", "botocore", "aiobotocore", "aiohttp"} <= set(found)
