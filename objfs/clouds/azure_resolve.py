"""What follows from the settings of Azure together: contradictions are refused, and neutral options find meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn

from objfs.clouds import azure_hosts as hosts
from objfs.clouds._combine import checked_anonymous, checked_certificates, checked_customer_key, key_bytes
from objfs.clouds.azure_connection import read_connection_string
from objfs.clouds.azure_identity_rows import CHAIN
from objfs.clouds.azure_place import PLACE_STEPS
from objfs.clouds.azure_rows import TABLE
from objfs.clouds.azure_sas import looks_like_sas, sas_text
from objfs.clouds.azure_settle import adopt, contradiction, put
from objfs.errors import ConflictingOptionsError, IncompleteCredentialsError, MissingCredentialsError, OptionError
from objfs.options import Origin, Setting, Settings
from objfs.records import replace

STATIC: Final = ("account_key", "sas_key", "token", "connection_string", "credential")
PROVIDERS: Final = ("storage_options_provider", "credential_provider")
# What asks for a way to get tokens, beside the environment, where platforms put such things unasked.
_PRINCIPALS: Final = (
    "client_id",
    "client_secret",
    "federated_token_file",
    "object_id",
    "msi_resource_id",
    "use_managed_identity",
    "use_azure_cli",
    "fabric_session_token",
)
_CSHELVE: Final[Mapping[str, tuple[str, ...]]] = {
    "access_key": ("account_key", "sas_key", "credential", "environment_key"),
    "connection_string": ("connection_string", "environment_key"),
}
_BY_ACCOUNT: Final = {
    "adls.connection-string": "connection_string",
    "adls.sas-token": "sas_key",
    "adls.sas-token-expires-at-ms": "expires_at",
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
        Without connection strings, with an endpoint with a scheme (or none, where the account's name leads there),
        and only options that mean one thing.

    Raises
    ------
    ConflictingOptionsError
        Options contradict each other.
    IncompleteCredentialsError
        A way to authenticate was asked for without what it needs.
    OptionError
        A value makes no sense, or nothing names the account.
    """
    for step in _STEPS:
        settings = step(settings)
    return settings


def environment_place(settings: Settings, _: Mapping[str, str]) -> str:
    """Which variable `environment_settings` reads."""
    return f"environment_key, ${settings.value('environment_key')}"


def environment_settings(settings: Settings, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the variable holds that ``environment_key`` names, in files of cshelve, beside what the settings say.

    Parameters
    ----------
    settings
        Resolved settings.
    environ
        The environment.

    Raises
    ------
    MissingCredentialsError
        It is not set.
    ConflictingOptionsError
        It holds a connection string of another account.
    """
    name = settings.value("environment_key")
    if name is None:
        return {}
    text = environ.get(name)
    if not text:
        msg = f"environment_key={name!r} names a variable that is not set"
        raise MissingCredentialsError(msg)
    found: dict[str, Any] = {"sas_key" if looks_like_sas(text) else "account_key": text}
    if settings.value("auth_type") == "connection_string":
        found = read_connection_string(text)
    elif "sas_key" in found:
        found = {"sas_key": sas_text(text)}
    told, named = found.get("account_name"), settings.value("account_name")
    if None not in (told, named) and told != named:
        msg = f"environment_key={name!r} names a connection string of the account {told!r}, not of {named!r}"
        raise ConflictingOptionsError(msg)
    return {option: value for option, value in found.items() if option not in settings}


def _chain(settings: Settings) -> Settings:
    """Keywords of the default chain that were given by themselves join the dict of them."""
    beginning = f"{CHAIN}."
    members = {name: setting for name, setting in settings.items() if name.startswith(beginning)}
    if not members:
        return settings
    source = min(members.values(), key=lambda setting: setting.origin)
    given = {name.removeprefix(beginning): setting.value for name, setting in members.items()}
    return put(settings.without(*members), CHAIN, {**settings.value(CHAIN, {}), **given}, source)


def _auth_type(settings: Settings) -> Settings:
    """The ways to authenticate of cshelve."""
    kind = settings.get("auth_type")
    if kind is None:
        return settings
    if kind.value == "anonymous":
        return adopt(settings, "skip_signature", True, kind)
    if kind.value == "passwordless":
        given = [settings[name] for name in STATIC if name in settings and settings[name].origin <= kind.origin]
        if given:
            contradiction(kind, given[0])
        return settings.without(*STATIC)
    if not any(name in settings for name in (*_CSHELVE[kind.value], *PROVIDERS)):
        msg = f"auth_type={kind.value!r} is given without {' or '.join(_CSHELVE[kind.value])}"
        raise IncompleteCredentialsError(msg)
    return settings


def _credential(settings: Settings) -> Settings:
    """A text is an account key or a SAS, as adlfs takes it; a mapping names the account of a key."""
    setting = settings.get("credential")
    if setting is None:
        return settings
    if isinstance(setting.value, str):
        option = "sas_key" if looks_like_sas(setting.value) else "account_key"
        value = sas_text(setting.value) if option == "sas_key" else setting.value
        return adopt(settings.without("credential"), option, value, setting)
    if not isinstance(setting.value, Mapping):
        return settings
    missing = [name for name in ("account_name", "account_key") if not setting.value.get(name)]
    if missing:
        msg = f"option {setting.spelling!r} ({setting.origin}): a mapping must hold {' and '.join(missing)}"
        raise OptionError(msg)
    name = str(setting.value["account_name"]).lower()
    settings = adopt(settings.without("credential"), "account_name", name, setting)
    return adopt(settings, "account_key", str(setting.value["account_key"]), setting)


def _by_account(settings: Settings) -> Settings:
    """Of properties by account, those of this account; a single account is this one where none is named."""
    given = {name: settings[f"{name}.<account-host>"] for name in _BY_ACCOUNT if f"{name}.<account-host>" in settings}
    settings = settings.without(*(f"{name}.<account-host>" for name in given))
    account = _known_account(settings)
    if account is None:
        accounts = {_account_of(host) for setting in given.values() for host in setting.value}
        if len(accounts) > 1:
            msg = f"credentials are given for {' and '.join(sorted(accounts))}; say account_name="
            raise OptionError(msg)
        account = next(iter(accounts), None)
    for name, setting in given.items():
        fitting = {host: value for host, value in setting.value.items() if _account_of(host) == account}
        for host, value in fitting.items():
            option = TABLE.by_name[_BY_ACCOUNT[name]]
            spelling = f"{name}.{host}"
            try:
                cast = option.cast(value, spelling=name)
            except ValueError as error:
                msg = f"option {spelling!r} ({setting.origin}): {error}"
                raise OptionError(msg) from None
            source = replace(setting, option=option, value=cast, spelling=spelling)
            settings = adopt(settings, option.name, cast, source)
            settings = settings if "account_name" in settings else put(settings, "account_name", account, source)
    return settings


def _account_of(host: str) -> str:
    known = hosts.read_host(host)
    return known.account if known is not None else host.partition(".")[0].lower()


def _known_account(settings: Settings) -> str | None:
    """The account as far as it is named without a connection string by account."""
    named, endpoint = settings.value("account_name"), settings.value("endpoint")
    if named is not None:
        return str(named)
    return None if endpoint is None else hosts.account_of(endpoint)


def _connection_string(settings: Settings) -> Settings:
    """Taken apart; one of another account than a higher layer names is not for this instance."""
    setting = settings.get("connection_string")
    if setting is None:
        return settings
    settings = settings.without("connection_string")
    try:
        parts = read_connection_string(setting.value)
    except OptionError as error:
        msg = f"option {setting.spelling!r} ({setting.origin}): {error}"
        raise OptionError(msg) from None
    told = parts.get("account_name")
    for named, account in _accounts(settings):
        if None in (told, account) or told == account:
            continue
        # What the user wrote for one call, by keyword or URL, must agree; the environment was written for many.
        if max(setting.origin, named.origin) <= Origin.URL or setting.origin == named.origin:
            _two_accounts(named, setting, str(told))
        if named.origin < setting.origin:
            return settings
        settings = settings.without(named.option.name)
    for name, value in parts.items():
        source = replace(setting, option=TABLE.by_name[name], value=value)
        settings = adopt(settings, name, value, source)
    return settings


def _accounts(settings: Settings) -> list[tuple[Setting, str | None]]:
    """What names the account, and which."""
    named, endpoint = settings.get("account_name"), settings.get("endpoint")
    found = [] if named is None else [(named, named.value)]
    return found if endpoint is None else [*found, (endpoint, hosts.account_of(endpoint.value))]


def _two_accounts(named: Setting, string: Setting, told: str) -> NoReturn:
    msg = (
        f"{named.spelling!r} ({named.origin}) is {named.shown} and {string.spelling!r} ({string.origin}) is for the "
        f"account {told!r}; leave one of them out"
    )
    raise ConflictingOptionsError(msg)


def _principal(settings: Settings) -> Settings:
    """Whoever is named explicitly goes before keys that are found in the environment."""
    asked = [settings[name].origin for name in _PRINCIPALS if settings.value(name)]
    if settings.value("credential_type", "auto") != "auto":
        asked.append(settings["credential_type"].origin)
    highest = min(asked, default=Origin.ENVIRONMENT)
    if highest >= Origin.ENVIRONMENT:
        return settings
    lower = [name for name in (*STATIC, "skip_signature") if name in settings and settings[name].origin > highest]
    wanted = settings.value("credential_type")
    kept = {"access_key": "account_key", "sas_token": "sas_key", "bearer_token": "token"}.get(str(wanted))
    return settings.without(*(name for name in lower if name != kept))


def _anonymous(settings: Settings) -> Settings:
    """No credentials beside ``skip_signature``."""
    unsigned = settings.get("skip_signature")
    if unsigned is None or not unsigned.value:
        return settings
    # Pods find a client id in their environment without asking for it; keys are put there on purpose.
    explicit = () if unsigned.origin is Origin.ENVIRONMENT else (*PROVIDERS, *_PRINCIPALS)
    checked_anonymous(unsigned, [settings[name] for name in (*STATIC, *explicit) if settings.value(name)])
    return settings.without(*STATIC, *PROVIDERS, *_PRINCIPALS, "expires_at", "credential_type")


def _emulator_key(settings: Settings) -> Settings:
    """The account of every emulator has a key that everybody knows."""
    emulator = settings.get("use_emulator")
    if emulator is None or settings.value("account_name") != hosts.EMULATOR_ACCOUNT:
        return settings
    given = [settings[name].origin for name in (*STATIC, *PROVIDERS, "skip_signature") if settings.value(name)]
    asked = [settings[name].origin for name in _PRINCIPALS if settings.value(name)]
    if given or min(asked, default=Origin.ENVIRONMENT) < Origin.ENVIRONMENT:
        return settings
    return put(settings, "account_key", hosts.EMULATOR_KEY, emulator)


def _keys(settings: Settings) -> Settings:
    """Keys are base64, and an encryption key is one of 32 bytes."""
    key, customer = settings.get("account_key"), settings.get("encryption_key")
    if key is not None and not key_bytes(key.value):
        msg = f"option {key.spelling!r} ({key.origin}) is not the base64 of a key"
        raise OptionError(msg)
    if customer is not None:
        checked_customer_key(customer)
    return settings


_STEPS: Final[Iterable[Callable[[Settings], Settings]]] = (
    _chain,
    _auth_type,
    _credential,
    _by_account,
    _connection_string,
    _principal,
    _anonymous,
    *PLACE_STEPS,
    _emulator_key,
    _keys,
    checked_certificates,
)
