"""The constructors of the installed peers: every keyword and every position means the same here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import objfs
from objfs.errors import ObjfsError
from objfs.opening import CLASSES
from tests.clouds import CLOUDS
from tests.emulators.differences import listed_keywords
from tests.emulators.signature_bench import Bench
from tests.emulators.signature_cases_constructors import ELSEWHERE, ROWS, SHOWN, Told
from tests.emulators.signatures import constructor_of, constructor_order

for peer in ("s3fs", "gcsfs", "adlfs"):
    pytest.importorskip(peer)

WHO = ("peer", "auto", "sdk")
ROWS_ON = [
    pytest.param(row, who, id=f"{row}-{who}") for row in ROWS for who in WHO if who != "peer" or row.not_on_peer is None
]


@pytest.mark.parametrize(("row", "who"), ROWS_ON)
def test_keyword_of_a_constructor_has_its_effect(request, tmp_path, row: Told, who):
    """On the peer, on either engine; what cannot be passed as a value is passed by the look itself."""
    bench = Bench(request.getfixturevalue(f"{row.cloud}_cloud"), who, tmp_path, lambda: "")
    usual = {name: value for name, value in bench.cloud.options.items() if name not in row.without}
    bench.cloud = replace(bench.cloud, options=usual)
    told = {**row.more, **({} if row.value is None else {row.keyword: row.value})}
    assert row.observe(bench, told) == row.expected


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_keyword_of_a_constructor_is_shown(cloud):
    """By a row here, by a test of its own, or it is listed as different."""
    listed = {keyword for verb, keyword in listed_keywords(cloud) if verb == "__init__"}
    assert [name for name in constructor_of(cloud) if (cloud, name) not in SHOWN and name not in listed] == []
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (Path(__file__).parents[1] / file).read_text("utf-8")


@pytest.mark.parametrize(
    ("cloud", "keyword"),
    [(cloud, keyword) for cloud in CLOUDS for verb, keyword in sorted(listed_keywords(cloud)) if verb == "__init__"],
)
@pytest.mark.filterwarnings("ignore:storage option:DeprecationWarning")
def test_listed_keywords_of_a_constructor_are_taken(cloud, keyword):
    """They raise nothing."""
    ours = getattr(objfs, CLASSES[cloud].__name__)
    assert ours(**{keyword: 5}, **({"account_name": "a"} if cloud == "azure" else {}))


# A value for each position, such as the keyword takes.
POSITIONAL = {
    "s3": {
        "anon": False,
        "endpoint_url": "http://127.0.0.1:1",
        "key": "k",
        "secret": "s",
        "token": "t",
        "use_ssl": False,
        "client_kwargs": {"region_name": "eu-west-9"},
        "requester_pays": True,
        "default_block_size": 6 << 20,
        "default_fill_cache": False,
        "default_cache_type": "bytes",
        "version_aware": True,
        "config_kwargs": {"max_pool_connections": 5},
        "s3_additional_kwargs": {"ServerSideEncryption": "AES256"},
        "session": None,
        "username": None,
        "password": None,
        "cache_regions": True,
        "asynchronous": True,
        "loop": None,
        "max_concurrency": 3,
        "fixed_upload_size": True,
        "local_expiry_check": True,
    },
    "gcs": {
        "project": "p",
        "access": "read_only",
        "token": "anon",
        "block_size": 6 << 20,
        "consistency": "md5",
        "cache_timeout": 5,
        "secure_serialize": True,
        "check_connection": None,
        "requests_timeout": 7,
        "requester_pays": "payer",
        "asynchronous": True,
        "session_kwargs": {"trust_env": False},
        "loop": None,
        "timeout": None,
        "endpoint_url": "http://127.0.0.1:1",
        "default_location": "EU",
        "version_aware": True,
    },
    "azure": {
        "account_name": "a",
        "account_key": "a2V5",
        "connection_string": None,
        "credential": None,
        "sas_token": None,
        "request_session": "session",
        "socket_timeout": None,
        "blocksize": 6 << 20,
        "client_id": None,
        "client_secret": None,
        "tenant_id": None,
        "anon": None,
        "location_mode": "primary",
        "loop": None,
        "asynchronous": True,
        "default_fill_cache": False,
        "default_cache_type": "readahead",
        "version_aware": True,
        "assume_container_exists": True,
        "max_concurrency": 3,
        "timeout": 8,
        "connection_timeout": 9,
        "read_timeout": 10,
        "account_host": "host.example",
    },
}
# What is called otherwise here, see docs/reference/differences.md.
RENAMED = {"azure": {"timeout": "server_timeout"}}


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.filterwarnings("ignore:storage option:DeprecationWarning")
def test_positions_of_a_constructor_are_those_of_the_peer(cloud):
    """All at once, and the first few."""
    values, ours = POSITIONAL[cloud], getattr(objfs, CLASSES[cloud].__name__)
    assert tuple(values) == constructor_order(cloud)
    words = {RENAMED.get(cloud, {}).get(name, name): value for name, value in values.items()}

    def told(*args, **kwargs):
        try:
            fs = ours(*args, **kwargs)
        except ObjfsError as error:  # half of a pair of credentials
            return str(error)
        return {name: setting.value for name, setting in fs.connection.options.items()}

    assert len(told(*values.values())) > len(values) / 2
    for count in range(len(values) + 1):
        few = dict(list(words.items())[:count])
        assert told(*few.values()) == told(**few)
    with pytest.raises(TypeError, match="positional"):
        ours(*values.values(), "one more")
    with pytest.raises(TypeError, match="by position and by keyword"):
        ours(next(iter(values.values())), **dict([next(iter(words.items()))]))
