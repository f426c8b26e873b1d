"""Where Google credentials come from, decided by the settings. google-auth is imported at the first fetch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Final

from objfs.credentials.gcs_files import gcloud_project, parse_info, read_info, well_known_file
from objfs.credentials.gcs_objects import object_source
from objfs.credentials.gcs_plan import DEFAULT_ACCESS, DEFAULT_BASE, Method, Plan
from objfs.credentials.identity import keyed_digest
from objfs.credentials.values import AskedSource, Credentials, Source, StaticSource
from objfs.errors import ConflictingOptionsError, MissingExtraError, OptionError
from objfs.options import Origin, Settings

SCOPES: Final = "https://www.googleapis.com/auth/devstorage."

# What a chain depends on beside the settings: the rest of the environment does not tell two chains apart.
_CHAIN_VARIABLES: Final = (
    "APPDATA",
    "CLOUDSDK_CONFIG",
    "GCE_METADATA_DETECT_RETRIES",
    "GCE_METADATA_IP",
    "GCE_METADATA_TIMEOUT",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "HOME",
    "NO_GCE_CHECK",
    "USERPROFILE",
)
# Credentials that come from none of Google's files.
_ELSEWHERE: Final = ("skip_signature", "storage_options_provider", "credential_provider", "fetch_storage_options")
# Option to member of a key; ``gcs_base_url`` is object_store's, for emulators. The quota project is the one that
# `gcloud auth application-default login` writes down, and that google-auth has billed.
_TOLD: Final = {
    "project": "project_id",
    "base_url": "gcs_base_url",
    "universe_domain": "universe_domain",
    "requester_pays": "quota_project_id",
}
# What obstore reads by itself, where google-auth is not installed.
_NATIVE_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "service_account": frozenset({"service_account"}),
    "service_account_key": frozenset({"service_account"}),
    "application_credentials": frozenset({"service_account", "authorized_user"}),
}


def decide(settings: Settings, environ: Mapping[str, str], static: Source | None) -> Source | None:
    """Choose the source of Google credentials.

    Parameters
    ----------
    settings
        Resolved settings.
    environ
        The environment, for what the default credentials read beside the settings.
    static
        The bearer token in the settings, if there is one.

    Returns
    -------
    Source or None
        None where google-auth is not installed and the data plane's own look-up can serve.

    Raises
    ------
    MissingExtraError
        google-auth is not installed, and only it can do what is asked for.
    ConflictingOptionsError, CredentialsError, OptionError
        Two keys are given; a file that is named is not there; a way that does not exist.
    """
    plan = plan_of(settings, environ)
    if plan.method is Method.TOKEN and plan.target is None:
        return static or _raw(plan.value, settings.value("expires_at"))
    if not _installed() and plan.method is not Method.OBJECT:
        _refuse_without_sdk(settings, plan)
        return None
    if plan.method is Method.OBJECT and plan.target is None:
        return object_source(plan.value, plan.scopes, plan.identity, plan.description)

    def get() -> Credentials:
        from objfs.credentials import gcs_sources

        return gcs_sources.fetch(plan)

    return AskedSource(get, plan.identity, plan.description)


def store_shape(values: Mapping[str, str]) -> dict[str, Any]:
    """Credentials as obstore's ``GCSCredential``."""
    return {"token": values["bearer_token"]}


def late_settings(settings: Settings, environ: Mapping[str, str]) -> dict[str, Any]:
    """What Google's own files say beside credentials: the projects, and where the service of an account is.

    Read without google-auth. What somebody gave is kept; a file that cannot be read is left to the fetch.

    Parameters
    ----------
    settings
        Say which file.
    environ
        Says where the files of gcloud are.
    """
    if any(settings.value(name) for name in _ELSEWHERE):
        return {}
    try:
        plan = plan_of(settings, environ)
        info = _peek(plan, environ)
    except (OSError, ValueError):
        return {}
    told = {name: info.get(key) for name, key in _TOLD.items()}
    if plan.method is Method.DEFAULT and told["project"] is None:
        told["project"] = gcloud_project(environ)
    found: dict[str, Any] = {
        name: value.rstrip("/")
        for name, value in told.items()
        if isinstance(value, str) and value and _is_open(settings, name)
    }
    if found.get("base_url", "").startswith("http://") and _is_open(settings, "allow_http"):
        found["allow_http"] = True
    return found


def late_place(settings: Settings, environ: Mapping[str, str]) -> str:
    """Which file `late_settings` reads."""
    return plan_of(settings, environ).description


def plan_of(settings: Settings, environ: Mapping[str, str]) -> Plan:
    """What the settings ask for."""
    option, method, value = _asked(settings, environ)
    access = settings.value("access") or DEFAULT_ACCESS
    lifetime = settings.value("impersonation_lifetime")
    return Plan(
        method,
        option,
        value,
        scopes=tuple(settings.value("impersonation_scopes") or (f"{SCOPES}{access}",)),
        target=settings.value("target_service_account") or None,
        lifetime=None if lifetime is None else int(lifetime.total_seconds()),
        delegates=tuple(settings.value("impersonation_delegates") or ()),
        metadata_host=_host(settings.value("metadata_host")),
        project=settings.value("project"),
        access=access,
        audience=settings.value("base_url") or DEFAULT_BASE,
        environ={name: environ[name] for name in _CHAIN_VARIABLES if environ.get(name)},
    )


def _asked(settings: Settings, environ: Mapping[str, str]) -> tuple[str, Method, Any]:
    """Option, method and value of the highest layer, in the order of obstore within a layer."""
    given = [name for name in ("service_account", "service_account_key") if settings.value(name)]
    if len(given) > 1:
        one, other = (settings[name].spelling for name in given)
        msg = f"{one!r} and {other!r} both name a service account; give one of them"
        raise ConflictingOptionsError(msg)
    if settings.value("bearer_token"):
        return "bearer_token", Method.TOKEN, settings.value("bearer_token")
    if settings.value("credential") is not None:
        return "credential", Method.OBJECT, settings.value("credential")
    if given:
        method = Method.FILE if given[0] == "service_account" else Method.KEY
        return given[0], method, settings.value(given[0])
    if settings.value("token") is not None:
        return _of_token(settings.value("token"), environ)
    if settings.value("application_credentials"):
        return "application_credentials", Method.FILE, settings.value("application_credentials")
    return "application_credentials", Method.DEFAULT, None


def _of_token(token: Any, environ: Mapping[str, str]) -> tuple[str, Method, Any]:
    """What gcsfs takes as ``token``: a way, a file, a key, an object, or any other text as the token itself."""
    if not isinstance(token, str):
        return ("token", Method.KEY, token) if isinstance(token, Mapping) else ("token", Method.OBJECT, token)
    if token == "google_default":  # noqa: S105 - a way, no token
        named = environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        return "application_credentials", Method.FILE if named else Method.DEFAULT, named or None
    for method in (Method.CLOUD, Method.CACHE):
        if method.value == f'token="{token}"':
            return "token", method, None
    if token == "browser":  # noqa: S105 - as above
        msg = 'token="browser" needs a browser at each start; run `gcloud auth application-default login` once instead'
        raise OptionError(msg)
    if token.lstrip().startswith("{"):
        return "token", Method.KEY, token
    path = os.path.expanduser(token)
    if os.path.exists(path) or token.endswith(".json") or os.sep in token:
        return "token", Method.FILE, path
    return "token", Method.TOKEN, token


def _raw(token: str, expiry: datetime | None) -> Source:
    """A source of text that only a look at the disk told from a path."""
    digest = keyed_digest(repr((token, expiry)))
    return StaticSource(Credentials({"bearer_token": token}, expiry), f"static {digest}")


def _installed() -> bool:
    """Whether google-auth and the library that it speaks HTTP with can be imported."""
    try:
        return all(find_spec(name) is not None for name in ("google.auth", "requests"))
    except ModuleNotFoundError:
        return False


def _refuse_without_sdk(settings: Settings, plan: Plan) -> None:
    """Say what is missing where the data plane's own look-up would ignore what was asked for."""
    asked: str | None = plan.method.value
    if plan.target is not None:
        asked = "target_service_account"
    elif plan.metadata_host and settings["metadata_host"].origin < Origin.ENVIRONMENT:
        asked = "metadata_host"
    elif plan.method in {Method.FILE, Method.KEY, Method.DEFAULT} and plan.option in _NATIVE_TYPES:
        kind = _peek(plan, plan.environ).get("type", "service_account")
        asked = None if kind in _NATIVE_TYPES[plan.option] else f"a credentials file of type {kind}"
    if asked is not None:
        msg = f"{asked} needs google-auth to get credentials; install objfs[gcs]"
        raise MissingExtraError(msg)


def _peek(plan: Plan, environ: Mapping[str, str]) -> dict[str, Any]:
    """The JSON that a plan starts from, or nothing."""
    if plan.method is Method.FILE:
        return read_info(plan.value)
    if plan.method is Method.KEY:
        return parse_info(plan.value, plan.description)
    path = well_known_file(environ)
    return read_info(path) if plan.method is Method.DEFAULT and os.path.isfile(path) else {}


def _is_open(settings: Settings, name: str) -> bool:
    setting = settings.get(name)
    return setting is None or setting.value is None or setting.origin is Origin.DEFAULT


def _host(told: str | None) -> str | None:
    """A host, which Google writes without a scheme."""
    return told.removeprefix("http://").rstrip("/") if told else None
