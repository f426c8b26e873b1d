"""Canaries: texts that are planted where secrets go, and looked for wherever something is shown.

`plants` puts one into every credential field there is, by every name that it has. `SURFACES` are the places that show
what they are given: a new one is one row.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import fsspec

from objfs.clouds.known import cloud_for
from objfs.options import Option

# Letters and digits alone: the same in a URL, in JSON, in XML and in base64, of which it is whole groups.
CANARY: Final = "CanaryThatNobodyMaySee01"
SCHEMES: Final = {"s3": "s3", "gcs": "gs", "azure": "az"}
# Nobody listens there.
NOWHERE: Final[Mapping[str, dict[str, Any]]] = {
    "s3": {"endpoint_url": "http://127.0.0.1:1", "region": "us-east-1", "max_retries": 0},
    "gcs": {"endpoint_url": "http://127.0.0.1:1", "project": "p", "max_retries": 0},
    "azure": {"endpoint": "http://127.0.0.1:1/tests", "account_name": "tests", "max_retries": 0},
}
SAS: Final = f"sv=2024-11-04&sp=r&sig={CANARY}"
_CONNECTION: Final = (
    f"DefaultEndpointsProtocol=http;AccountName=tests;AccountKey={CANARY};BlobEndpoint=http://127.0.0.1:1/tests"
)
_PROXY: Final = f"http://somebody:{CANARY}@127.0.0.1:1"
# 32 bytes, as a customer's own key has them.
_KEY: Final = f"{CANARY}{'A' * 19}="
_SERVICE_ACCOUNT: Final = {
    "type": "service_account",
    "client_email": "a@b.iam.gserviceaccount.com",
    "private_key_id": CANARY,
    "private_key": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n",
    "token_uri": "http://127.0.0.1:1/token",
}


def leaks(text: str) -> list[str]:
    """Where a text shows the canary, plain or in base64 at whatever offset, each with what stands before it."""
    coded = [base64.b64encode(b"x" * offset + CANARY.encode()).decode()[4:28] for offset in range(3)]
    found = re.finditer("|".join([CANARY, CANARY[::-1], *coded, CANARY.encode().hex()]), text)
    return [text[max(0, each.start() - 60) : each.end()] for each in found]


def everything_of(error: BaseException | None, seen: set[int] | None = None) -> Iterator[str]:
    """All that an exception and those that it came from can say: text, repr, notes, attributes that are text."""
    seen = set() if seen is None else seen
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield from (str(error), repr(error), *getattr(error, "__notes__", ()))
    yield from (f"{name}={value!r}" for name, value in vars(error).items() if isinstance(value, str | tuple))
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from everything_of(each, seen)
    yield from everything_of(error.__cause__, seen)
    yield from everything_of(error.__context__, seen)


@contextlib.contextmanager
def debug_log(*names: str) -> Iterator[io.StringIO]:
    """What loggers say at DEBUG."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    loggers = [logging.getLogger(name) for name in names]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.addHandler(handler)
        each.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.removeHandler(handler)
            each.setLevel(level)


@dataclass(frozen=True)
class Plant:
    """One credential field with a canary in it.

    Parameters
    ----------
    cloud
        ``s3``, ``gcs`` or ``azure``.
    row
        Canonical name of the option.
    name
        The name that it is given by.
    options, environ
        What the caller passes, and what the environment holds.
    """

    cloud: str
    row: str
    name: str
    options: dict[str, Any] = field(repr=False)
    environ: dict[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"{self.cloud}-{self.name}-in-the-environment" if self.environ else f"{self.cloud}-{self.name}"

    def fs(self, **more: Any) -> Any:
        """The filesystem; it may refuse the options."""
        table = cloud_for(SCHEMES[self.cloud]).table.index
        base = {name: value for name, value in NOWHERE[self.cloud].items() if table[name][0].name != self.row}
        options = {**base, **self.options, **more}
        return fsspec.filesystem(SCHEMES[self.cloud], skip_instance_cache=True, **options)


class Opaque:
    """An object whose repr shows no secret, though it holds one; what is done with it fails."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return "<opaque>"


# What beside the field makes a set of credentials of it.
_COMPANIONS: Final[Mapping[tuple[str, str], dict[str, Any]]] = {
    ("s3", "s3.sse.key"): {"s3.sse.type": "custom"},
    ("gcs", "decryption_key"): {"encryption_key": _KEY},
    ("s3", "secret_access_key"): {"key": "AKIAOBJFSTESTS"},
    ("s3", "session_token"): {"key": "AKIAOBJFSTESTS", "secret": "another"},
    ("azure", "client_secret"): {"client_id": "client", "tenant_id": "tenant"},
}
# What a field holds that is no plain text.
_VALUES: Final[Mapping[str, Any]] = {
    "aws_temp_credentials": {"access_key_id": "AKIAOBJFSTESTS", "secret_access_key": CANARY, "session_token": CANARY},
    "r2_temp_credentials": {"access_key_id": "AKIAOBJFSTESTS", "secret_access_key": CANARY, "session_token": CANARY},
    "gcp_oauth_token": {"oauth_token": CANARY},
    "azure_user_delegation_sas": {"sas_token": SAS},
    "azure_aad": {"aad_token": CANARY},
    "service_account_key": json.dumps(_SERVICE_ACCOUNT),
    "environment_service_account_key": json.dumps(_SERVICE_ACCOUNT),
    "sse_customer_key_base64": _KEY,
    "s3.sse.key": _KEY,
    "encryption_key": _KEY,
    "decryption_key": _KEY,
    "sas_key": SAS,
    "adls.sas-token.<account-host>": SAS,
    "connection_string": _CONNECTION,
    "adls.connection-string.<account-host>": _CONNECTION,
    "proxy_url": _PROXY,
    "config_kwargs.proxies": {"http": _PROXY},
    "default_headers": {"Authorization": f"Bearer {CANARY}"},
    "config": {"default_headers": {"Authorization": f"Bearer {CANARY}"}},
    "client_options": {"default_headers": {"Authorization": f"Bearer {CANARY}"}, "proxy_url": _PROXY},
    "session_kwargs": {"headers": {"Authorization": f"Bearer {CANARY}"}},
    "client_kwargs": {"aws_access_key_id": "AKIAOBJFSTESTS", "aws_secret_access_key": CANARY},
    "provider_params": {"aws_access_key_id": "AKIAOBJFSTESTS", "aws_secret_access_key": CANARY},
    "config_kwargs": {"proxies": {"http": _PROXY}},
    "s3_additional_kwargs": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": _KEY},
}
_NAMED: Final[Mapping[str, Any]] = {
    "proxy_options": {"scheme": "http", "host": "127.0.0.1", "port": 1, "username": "u", "password": CANARY},
}
# Options that are no secret, but URLs, into which one can be pasted.
_PLACES: Final = re.compile(r"endpoint|url|uri|host|domain")
_PASTED: Final = f"http://somebody:{CANARY}@127.0.0.1:1/a?X-Amz-Signature={CANARY}&sig={CANARY}"


def plants(cloud: str) -> list[Plant]:
    """Every credential field of a cloud, by every name, from the caller and from the environment."""
    rows = cloud_for(SCHEMES[cloud]).table.options
    fields = [plant for row in rows if row.secret for plant in _of_row(cloud, row)]
    places = [row for row in rows if row.kind == "str" and not row.secret and _PLACES.search(row.name)]
    return fields + [Plant(cloud, row.name, row.name, {row.name: _PASTED}) for row in places]


def _of_row(cloud: str, row: Option) -> Iterator[Plant]:
    companions = _COMPANIONS.get((cloud, row.name), {})
    for name in dict.fromkeys([row.name, *row.aliases, *row.weak_aliases, *row.readings]):
        value = _NAMED.get(name, _VALUES.get(row.name, Opaque(CANARY) if row.kind == "object" else CANARY))
        spelled = name.replace("<account-host>", "tests.dfs.core.windows.net")
        yield Plant(cloud, row.name, spelled, {**companions, spelled: value})
        if row.kind == "dict" and isinstance(value, Mapping):
            yield Plant(cloud, row.name, f"{spelled} as JSON", {**companions, spelled: json.dumps(value)})
    for variable in row.env:
        value = _VALUES.get(row.name, CANARY)
        yield Plant(cloud, row.name, variable, companions, {variable: value})


def _discarded(file: Any) -> str:
    told = repr(file)
    file.discard()
    return told


def _explained(explanation: Any) -> str:
    return "\n".join([str(explanation), repr(explanation), json.dumps(explanation.to_dict(), default=repr)])


def traced(trace: Any) -> str:
    """All that a trace shows: as values, a table, a page and JSON."""
    return "\n".join(
        [str(trace), repr(trace), repr(trace.requests), repr(trace.reads), trace.to_html(), trace.to_json()]
    )


def _raised(call: Callable[[], Any]) -> str:
    try:
        answer = call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not tell
        return "\n".join(everything_of(error))
    return repr(answer)


# What shows a filesystem. Each row: what it is, and the text that it makes.
SURFACES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "repr": repr,
    "str": str,
    "format": "{}".format,
    "json": lambda fs: fs.to_json(include_password=False),
    "dict": lambda fs: fs.to_dict(include_password=False),
    "dask-token": lambda fs: fs.__dask_tokenize__(),
    "options": lambda fs: [fs.connection.options, *fs.connection.options.values()],
    "settings": lambda fs: fs.connection.settings,
    "choice": lambda fs: fs.connection.choice,
    "connection": lambda fs: [fs.connection, *(vars(fs.connection).get(name) for name in ("_sdk", "_stores"))],
    "mapper": lambda fs: fs.get_mapper("bucket/a", check=False),
    "opened": lambda fs: fsspec.core.OpenFile(fs, "bucket/a"),
    "writer": lambda fs: _discarded(fs.open("bucket/a", "wb")),
    "explain": lambda fs: _explained(fs.explain("bucket/a")),
    "unknown-attribute": lambda fs: fs.there_is_no_such_attribute,
}


def shown(fs: Any, surfaces: Iterable[str] = SURFACES) -> dict[str, list[str]]:
    """The surfaces that show a canary, and where."""
    told = {name: leaks(str(_raised(lambda name=name: SURFACES[name](fs)))) for name in surfaces}
    return {name: found for name, found in told.items() if found}
