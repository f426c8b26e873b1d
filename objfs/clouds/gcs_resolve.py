"""What follows from the settings of GCS together: contradictions are refused, and ``token`` finds its meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from objfs.casts import as_duration
from objfs.clouds._combine import (
    adopt,
    checked_anonymous,
    checked_certificates,
    checked_customer_key,
    checked_endpoint,
    contradiction,
    put,
)
from objfs.clouds._endpoints import complete_endpoint
from objfs.clouds.gcs_identity_rows import key_text
from objfs.clouds.gcs_rows import TABLE
from objfs.errors import ConflictingOptionsError, OptionError
from objfs.options import Origin, Setting, Settings

DOMAIN: Final = "googleapis.com"
# Ways to authenticate that gcsfs names by a word; which of them is taken is for the credentials layer.
METHODS: Final = frozenset({"google_default", "cloud", "cache"})

CREDENTIALS: Final = (
    "token",
    "bearer_token",
    "credential",
    "service_account",
    "service_account_key",
    "application_credentials",
)
PROVIDERS: Final = ("storage_options_provider", "credential_provider")

# Google's access tokens begin so; other text may be a path, which only a look at the disk can tell.
_ACCESS_TOKEN: Final = "ya29."  # noqa: S105 - what they all begin with
# Named by keywords they are meant; variables like the first one are found in the environment of every process.
_FOUND_ANYWHERE: Final = frozenset({"application_credentials"})
# Members of aiohttp's ClientTimeout, and the option that says the same; the first one given counts.
_TIMEOUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "timeout": ("total",),
    "connect_timeout": ("sock_connect", "connect"),
    "read_timeout": ("sock_read",),
}


def resolve(settings: Settings) -> Settings:
    """Check combinations and fill in what follows from other settings.

    Parameters
    ----------
    settings
        Of all layers, as ``translate`` returns them.

    Returns
    -------
    Settings
        With an endpoint with a scheme (or none), a payer, and only options that mean one thing. ``token`` is left
        where it names a way to authenticate, or text of which only a look at the disk tells whether it is a path.

    Raises
    ------
    ConflictingOptionsError
        Options contradict each other.
    OptionError
        A value makes no sense.
    """
    for step in _STEPS:
        settings = step(settings)
    return settings


def default_endpoint(settings: Settings) -> str:
    """Google's own server for these settings.

    The host for mutual TLS exists in the default universe only, as in gcsfs
    (https://cloud.google.com/chrome-enterprise-premium/docs/securing-resources-with-certificate-based-access).
    """
    domain = settings.value("universe_domain") or DOMAIN
    certificate = settings.value("client_certificate") and settings.value("mtls_endpoint") != "never"
    host = f"storage.mtls.{DOMAIN}" if certificate and domain == DOMAIN else f"storage.{domain}"
    return f"{'https' if settings.value('use_ssl', True) else 'http'}://{host}"


def _token(settings: Settings) -> Settings:
    """gcsfs's polymorphic word, as the option that says the same."""
    setting = settings.get("token")
    if setting is None:
        return settings
    meant = _meaning(setting)
    others = [name for name in CREDENTIALS if name != "token" and name != meant[0]]
    for name in others:
        other = settings.get(name)
        # Default credentials begin with the file of this name.
        by_default = name == "application_credentials" and setting.value == "google_default"
        if other is not None and other.origin == setting.origin and not by_default:
            contradiction(other, setting)
    if meant[0] == "token":
        return settings
    return adopt(TABLE, settings.without("token"), *meant, setting)


def _meaning(setting: Setting) -> tuple[str, Any]:
    """Canonical option and value that a ``token`` stands for; ``token`` itself where it says no more than that."""
    value = setting.value
    if isinstance(value, Mapping):
        return "service_account_key", key_text(value)
    if hasattr(value, "__fspath__"):
        return "service_account", str(value)
    if not isinstance(value, str):
        return "credential", _credential(setting)
    if value == "browser":
        msg = "token='browser' needs a browser; run `gcloud auth application-default login` once, and leave token out"
        raise OptionError(msg)
    if value == "anon":
        return "skip_signature", True
    if value.lstrip().startswith("{"):
        return "service_account_key", value
    return ("bearer_token", value) if value.startswith(_ACCESS_TOKEN) else ("token", value)


def _credential(setting: Setting) -> Any:
    """An object that hands out tokens."""
    value = setting.value
    if any(hasattr(value, name) for name in ("token", "refresh", "apply")):
        return value
    hint = "; a callable is a credential_provider" if callable(value) else ""
    msg = (
        f"option {setting.spelling!r} ({setting.origin}): expected google_default, cloud, cache, anon, a path, a dict, "
        f"an access token or a google-auth Credentials object, got {type(value).__name__}{hint}"
    )
    raise OptionError(msg)


def _anonymous(settings: Settings) -> Settings:
    """No credentials beside ``skip_signature``."""
    unsigned = settings.get("skip_signature")
    if unsigned is None or not unsigned.value:
        return settings
    kinds = (*CREDENTIALS, *PROVIDERS, "target_service_account")
    ignored = _FOUND_ANYWHERE if unsigned.origin is Origin.ENVIRONMENT else ()
    checked_anonymous(unsigned, [settings[name] for name in kinds if name in settings and name not in ignored])
    return settings.without(*kinds, "expires_at")


def _one_account(settings: Settings) -> Settings:
    """A key is given once: as a file or as its content."""
    path, key = settings.get("service_account"), settings.get("service_account_key")
    if path is not None and key is not None:
        contradiction(path, key)
    return settings


def _timeouts(settings: Settings) -> Settings:
    """aiohttp's ClientTimeout says several things at once."""
    for name in ("requests_timeout", "session_kwargs.timeout"):
        setting = settings.get(name)
        if setting is None:
            continue
        settings = settings.without(name)
        for option, value in _seconds_of(setting).items():
            settings = adopt(TABLE, settings, option, value, setting)
    return settings


def _seconds_of(setting: Setting) -> dict[str, timedelta]:
    value = setting.value
    try:
        if not hasattr(value, "total"):
            return {"timeout": as_duration(value)}
        given = {option: [getattr(value, name, None) for name in names] for option, names in _TIMEOUTS.items()}
        told = {option: [number for number in numbers if number is not None] for option, numbers in given.items()}
        return {option: as_duration(numbers[0]) for option, numbers in told.items() if numbers}
    except ValueError:
        msg = f"option {setting.spelling!r} ({setting.origin}): expected a duration or aiohttp's ClientTimeout"
        raise OptionError(msg) from None


def _endpoint(settings: Settings) -> Settings:
    """An endpoint with a scheme, that agrees with what the options say of TLS."""
    return checked_endpoint(TABLE, settings, "base_url")


def _universe(settings: Settings) -> Settings:
    """A domain is a host name, and an endpoint of the same layer says where it is by itself."""
    setting = settings.get("universe_domain")
    if setting is not None:
        try:
            same = complete_endpoint(f"https://{setting.value}", tls=True) == f"https://{setting.value}"
        except ValueError:
            same = False
        if not same or "/" in setting.value or ":" in setting.value:
            msg = f"option {setting.spelling!r} ({setting.origin}) is no domain such as {DOMAIN}"
            raise OptionError(msg)
    return settings


def _payer(settings: Settings) -> Settings:
    """One option says who pays: a project, or that ``project`` does."""
    named, asked = settings.get("user_project"), settings.get("requester_pays")
    if named is None:
        return settings
    settings = settings.without("user_project")
    if asked is not None and asked.origin == named.origin and asked.value is True:
        return put(TABLE, settings, "requester_pays", named.value, named)
    return adopt(TABLE, settings, "requester_pays", named.value, named)


def _encryption(settings: Settings) -> Settings:
    """One key for all requests: neither backend has another word for reads."""
    key, other = settings.get("encryption_key"), settings.get("decryption_key")
    if other is not None and (key is None or key.value != other.value):
        msg = (
            f"{other.spelling!r} ({other.origin}) differs from the encryption key; one key goes with every request, so "
            f"give encryption_key the same value, or leave one of them out"
        )
        raise OptionError(msg)
    if key is None:
        return settings
    checked_customer_key(key)
    return settings


def _trust(settings: Settings) -> Settings:
    """A connector of the caller's own checks certificates in its own way."""
    connector = settings.get("session_kwargs.connector")
    for name in ("allow_invalid_certificates", "root_certificate", "pool_idle_timeout"):
        other = settings.get(name)
        if connector is not None and other is not None and other.origin == connector.origin:
            msg = f"{other.spelling!r} is for connections that objfs makes; say it to {connector.spelling!r} instead"
            raise ConflictingOptionsError(msg)
    return settings


_STEPS: Final[Iterable[Callable[[Settings], Settings]]] = (
    _token,
    _anonymous,
    _one_account,
    _timeouts,
    checked_certificates,
    _endpoint,
    _universe,
    _payer,
    _encryption,
    _trust,
)
