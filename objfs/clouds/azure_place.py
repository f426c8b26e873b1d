"""Where the blob service of an account is, out of all options that say something about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from objfs.clouds import azure_hosts as hosts
from objfs.clouds.azure_settle import adopt, contradiction, put
from objfs.errors import ConflictingOptionsError, OptionError
from objfs.options import Origin, Setting, Settings

# What may name the account later than the settings.
_LATER: Final = ("storage_options_provider", "credential_provider", "environment_key")
_AUTHORITIES: Final = (
    ("blob_storage_authority", "blob_storage_scheme", ".blob."),
    ("dfs_storage_authority", "dfs_storage_scheme", ".dfs."),
)


def _emulator(settings: Settings) -> Settings:
    """An emulator is an endpoint with a well-known account; one of the two at a time counts."""
    emulator, endpoint = settings.get("use_emulator"), settings.get("endpoint")
    if emulator is None:
        return settings
    if not emulator.value or (endpoint is not None and endpoint.origin < emulator.origin):
        return settings.without("use_emulator")
    source = emulator if endpoint is None or endpoint.origin > emulator.origin else endpoint
    url = settings.value("azurite_blob_storage_url", hosts.EMULATOR_URL) if source is emulator else source.value
    if source is endpoint and hosts.read_endpoint(url) is not None:
        contradiction(emulator, endpoint)
    told = hosts.account_in_path(url)
    if "account_name" not in settings:
        settings = put(settings, "account_name", told or hosts.EMULATOR_ACCOUNT, emulator)
    account = settings.value("account_name")
    # An emulator's endpoint names the account in its path.
    complete = told is not None or url.endswith(f"/{account}")
    return put(settings, "endpoint", url if complete else f"{url}/{account}", source)


def _authority(settings: Settings) -> Settings:
    """Hosts as pyarrow has them; that of the blob service goes before that of the dfs service."""
    found = False
    for authority, scheme, service in _AUTHORITIES:
        given = [settings[name] for name in (authority, scheme) if name in settings]
        settings = settings.without(authority, scheme)
        if not given or found or "use_emulator" in settings:
            continue
        found = True
        source = min(given, key=lambda setting: setting.origin)
        values = {setting.option.name: setting.value for setting in given}
        url = _arrow_url(
            settings.value("account_name"),
            values.get(authority, f"{service}{hosts.PUBLIC_DOMAIN}"),
            values.get(scheme, "https"),
            source,
        )
        if url != f"https://{hosts.default_host(str(settings.value('account_name')))}":
            settings = adopt(settings, "endpoint", url, source)
    return settings


def _arrow_url(account: str | None, authority: str, scheme: str, source: Setting) -> str:
    known = hosts.read_host(authority)
    if account is None and known is None:
        msg = f"option {source.spelling!r} ({source.origin}) needs account_name"
        raise OptionError(msg)
    if known is not None:
        url = f"{scheme}://{authority}"
    else:
        url = f"{scheme}://{account}{authority}" if authority.startswith(".") else f"{scheme}://{authority}/{account}"
    try:
        return hosts.complete_endpoint(url)
    except ValueError as error:
        msg = f"option {source.spelling!r} ({source.origin}) is not a host: {error}"
        raise OptionError(msg) from None


def _fabric(settings: Settings) -> Settings:
    """The hosts of OneLake, unless an endpoint is given."""
    fabric, endpoint = settings.get("use_fabric_endpoint"), settings.get("endpoint")
    settings = settings.without("use_fabric_endpoint")
    if fabric is None or not fabric.value or (endpoint is not None and endpoint.origin < fabric.origin):
        return settings
    account = settings.value("account_name", hosts.ONELAKE)
    if endpoint is not None and endpoint.origin == fabric.origin:
        known = hosts.read_endpoint(endpoint.value)
        if known is not None and not known.is_onelake:
            contradiction(fabric, endpoint)
        return settings
    if "account_name" not in settings:
        settings = put(settings, "account_name", account, fabric)
    return put(settings, "endpoint", f"https://{hosts.fabric_host(account)}", fabric)


def _account(settings: Settings) -> Settings:
    """The account and the endpoint must be of one account; the endpoint names it where nothing else does."""
    endpoint, named = settings.get("endpoint"), settings.get("account_name")
    told = None if endpoint is None else hosts.account_of(endpoint.value)
    if endpoint is not None and named is not None and told not in (None, named.value):
        if named.origin < endpoint.origin and endpoint.origin > Origin.URL:
            # A lower layer's endpoint is that of an account which is not asked for.
            return settings.without("endpoint")
        if endpoint.origin < named.origin and named.origin > Origin.URL:
            return put(settings, "account_name", told, endpoint)
        _two_accounts(named, endpoint, str(told))
    if named is None and told is not None and endpoint is not None:
        return put(settings, "account_name", told, endpoint)
    if named is None:
        _refuse_nameless(settings)
    elif not hosts.is_account(named.value) or hosts.read_host(named.value) is not None:
        msg = (
            f"option {named.spelling!r} ({named.origin}) is {named.value!r}, which is no name of an account; pass a "
            f"host as account_host"
        )
        raise OptionError(msg)
    return settings


def _second_account(settings: Settings) -> Settings:
    """The endpoint of the second region must be of the same account."""
    second, named = settings.get("secondary_endpoint"), settings.get("account_name")
    told = None if second is None else hosts.account_of(second.value)
    if second is None or named is None or told in (None, named.value):
        return settings
    if max(named.origin, second.origin) <= Origin.URL or named.origin >= second.origin:
        _two_accounts(named, second, str(told))
    return settings.without("secondary_endpoint")


def _two_accounts(named: Setting, endpoint: Setting, told: str) -> NoReturn:
    msg = (
        f"{named.spelling!r} ({named.origin}) is {named.shown} and {endpoint.spelling!r} ({endpoint.origin}) is that "
        f"of the account {told!r}; leave one of them out"
    )
    raise ConflictingOptionsError(msg)


def _refuse_nameless(settings: Settings) -> None:
    """Nobody answers for no account; but others may be about to name it, and a custom domain is one account's."""
    if "endpoint" in settings or any(name in settings for name in _LATER):
        return
    msg = (
        "no account is named; pass account_name= (or a connection_string), set AZURE_STORAGE_ACCOUNT_NAME, or write "
        "it in the URL: abfss://container@account.dfs.core.windows.net/key"
    )
    raise OptionError(msg)


def _secondary(settings: Settings) -> Settings:
    """The endpoint is that of the first region; that of the second says which region is meant."""
    endpoint, mode = settings.get("endpoint"), settings.get("location_mode")
    known = None if endpoint is None else hosts.read_endpoint(endpoint.value)
    if endpoint is not None and known is not None:
        settings = put(settings, "endpoint", hosts.with_host(endpoint.value, known.host), endpoint)
        if known.secondary:
            settings = adopt(settings, "location_mode", "secondary", endpoint)
    elif mode is not None and mode.value == "secondary" and endpoint is not None and not _second(settings):
        msg = (
            f"{mode.spelling}='secondary' needs secondary_endpoint, as the second region does not follow from "
            f"{endpoint.value}"
        )
        raise OptionError(msg)
    return settings


def _second(settings: Settings) -> Any:
    return settings.value("secondary_endpoint")


def _plain_http(settings: Settings) -> Settings:
    """An explicit http:// endpoint turns on plain HTTP, unless that is forbidden."""
    endpoint, allowed = settings.get("endpoint"), settings.get("allow_http")
    if endpoint is None or not endpoint.value.startswith("http:"):
        return settings
    if allowed is not None and not allowed.value and allowed.origin <= endpoint.origin:
        contradiction(allowed, endpoint)
    return put(settings, "allow_http", True, endpoint)


def _default_endpoint(settings: Settings) -> Settings:
    """An endpoint that follows from the account's name says nothing."""
    endpoint = settings.get("endpoint")
    default = f"https://{hosts.default_host(str(settings.value('account_name')))}"
    return settings.without("endpoint") if endpoint is not None and endpoint.value == default else settings


PLACE_STEPS: Final[tuple[Callable[[Settings], Settings], ...]] = (
    _emulator,
    _authority,
    _fabric,
    _account,
    _second_account,
    _secondary,
    _plain_http,
    _default_endpoint,
)
