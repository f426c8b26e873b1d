"""Every way to write down a place in Azure Storage: paths, URLs with and without an account, and https forms."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from objfs.clouds import azure_hosts as hosts
from objfs.clouds._cloud import ParsedUrl
from objfs.clouds._versions import cut_version, parsed_at, path_with_version
from objfs.clouds.azure_sas import SIGNATURE, sas_text
from objfs.errors import ConflictingOptionsError, UrlError
from objfs.options import REDACTED, Settings
from objfs.types import Location
from objfs.urls import WebUrl, percent_decode_once, redact_url, scheme_of, split_query, split_web_url, strip_scheme

AZURE_SCHEMES: Final = ("abfs", "az", "abfss", "azure", "wasb", "wasbs", "adl")

_VERSION_MARK: Final = "?versionid="
# fsspec's own protocol stripping takes "::" for "://".
_CHAINED_SCHEME: Final = re.compile(rf"\A(?:{'|'.join(AZURE_SCHEMES)})::", re.IGNORECASE)
_GEN1: Final = ".azuredatalakestore.net"
_AUTHORITY: Final = re.compile(r"(?:(?P<container>[^@/]*)@)?(?P<host>[^/@]*)")

# Parameters of shared access signatures (https://learn.microsoft.com/rest/api/storageservices/create-service-sas and
# create-account-sas, create-user-delegation-sas).
_SAS_PARAMETER: Final = re.compile(
    "sv|ss|srt|sp|st|se|spr|sip|sig|sr|si|sdd|ses|scid|srh|srq"  # what is signed, by whom it may be used
    "|skoid|sktid|skt|ske|sks|skv|saoid|suoid|sduoid|skdutid"  # of a user delegation
    "|rscc|rscd|rsce|rscl|rsct"  # headers of the answer
)
_DOT_SEGMENTS: Final = frozenset({".", ".."})


def strip(url: str) -> str:
    """The path of a URL of one of the schemes: ``container/key``, without the account."""
    container, key, _, _ = _place(url)
    return f"{container}/{key}" if key else container


def split_azure_path(path: str) -> Location:
    """Split a path, with or without a scheme, into container and key.

    The key is opaque: it is neither decoded, cut nor normalised, and ``?versionid=`` stays in it (see
    `split_version`). Slashes before the container are dropped, as adlfs does.

    Parameters
    ----------
    path
        ``container/key``, ``abfss://container/key``, ``abfss://container@account.dfs.core.windows.net/key`` and any
        other form of `parse_azure_url` but those of https.

    Returns
    -------
    Location
        Without a version. ``bucket`` is empty for the root, ``key`` for a container.

    Raises
    ------
    UrlError
        A URL of another scheme, or an authority that names no account.
    """
    container, key, _, _ = _place(path)
    return Location(container, key)


def split_version(location: Location) -> Location:
    """Cut ``?versionid=V`` off the key, as adlfs does for a version-aware instance.

    Parameters
    ----------
    location
        As `split_azure_path` returns it.

    Returns
    -------
    Location
        The key up to the first ``?versionid=``, and what follows as version (None where nothing does). Unchanged
        where the mark is missing or a version is already set.
    """
    return cut_version(location, _VERSION_MARK)


def unsplit(location: Location) -> str:
    """Join a location to the path that `split_azure_path` and, for a version, `split_version` take apart again."""
    return path_with_version(location, _VERSION_MARK)


def key_refusal(key: str) -> str | None:
    """Why a call would touch another blob than the one of this name; None where it would not.

    The service takes a backslash for a slash wherever a name stands in the path of a request
    (https://github.com/Azure/azure-sdk-for-python/pull/48883, https://github.com/Azure/azure-sdk-for-php/issues/557;
    https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata only
    says to avoid it at the end). Line breaks are dropped from paths by adlfs, but by its own parsing of them only: the
    client sends them.
    """
    if "\\" in key:
        return (
            f"Azure takes each backslash of the key {key!r} for a slash, and would touch another blob; write "
            f"{key.replace(chr(92), '/')!r} if that one is meant"
        )
    if _DOT_SEGMENTS.intersection(key.split("/")):
        return (
            f"the client of Azure resolves the segments '.' and '..' of the key {key!r}, and would touch another blob"
        )
    return None


def parse_azure_url(url: str) -> ParsedUrl:
    """Take any URL of Azure Storage, OneLake or a local emulator apart.

    URLs of the cloud's own schemes are not decoded, and a query or fragment other than ``?versionid=V`` belongs to
    the key. In https URLs percent sequences are decoded once. ``http`` and ``wasb`` mean the same as ``https``, but
    for an emulator on this machine.

    Parameters
    ----------
    url
        ``az://container/key`` and the like; ``abfss://container@account[.host]/key``;
        ``abfss://account.dfs.core.windows.net/container/key``; or the https URL of a blob, a container or an account.

    Returns
    -------
    ParsedUrl
        Location and the options that the URL implies: ``account_name``, ``endpoint`` where the name of the account
        alone does not lead there, ``location_mode``, ``sas_key``.

    Raises
    ------
    UrlError
        Not a URL of Azure Storage, or one that holds a password, or a query or fragment that has no meaning here.
    """
    scheme = scheme_of(url)
    if scheme is None:
        msg = f"{redact_url(url)!r} is a path, not a URL; write az://container/key"
        raise UrlError(msg)
    if scheme in {"http", "https"}:
        return _parse_web(url)
    container, key, account, host = _place(url)
    options = _options_of(host) if host is not None else {"account_name": account} if account else {}
    versioned = split_version(Location(container, key))
    if versioned.version is None:
        return ParsedUrl(Location(container, key), options)
    return ParsedUrl(versioned, {**options, "version_aware": True})


def url_keywords(url: str) -> dict[str, Any]:
    """What a URL says beside container and key, for fsspec's URL openers; nothing for a URL that is no good."""
    try:
        options = parse_azure_url(url).options
    except UrlError:
        # The instance will say so, with the whole URL.
        return {}
    return {"url_options": dict(options)} if options else {}


def check_url(settings: Settings, url: str) -> None:
    """Refuse a URL of another account than that of the settings.

    Parameters
    ----------
    settings
        Resolved settings of an instance.
    url
        A path with a scheme.

    Raises
    ------
    ConflictingOptionsError
        The URL names another account, or an account of that name in another cloud.
    """
    _, _, account, host = _place(url)
    if account is None:
        return
    own, endpoint = settings.value("account_name"), settings.value("endpoint")
    if own is not None and own != account:
        msg = (
            f"{redact_url(url)} is in the account {account!r}, and this filesystem is that of {own!r}; make another "
            f"one, with objfs.from_url() or fsspec.filesystem()"
        )
        raise ConflictingOptionsError(msg)
    known = hosts.read_host(hosts.default_host(own or account)) if endpoint is None else hosts.read_endpoint(endpoint)
    if host is not None and ((known.realm != host.realm) if known is not None else not host.is_default):
        where = endpoint or hosts.default_host(account)
        msg = f"{redact_url(url)} is in another cloud than this filesystem, whose endpoint is {where}; make another one"
        raise ConflictingOptionsError(msg)


def _options_of(host: hosts.ServiceHost) -> dict[str, Any]:
    options: dict[str, Any] = {"account_name": host.account}
    if not host.is_default:
        options["endpoint"] = f"https://{host.host}"
    return {**options, "location_mode": "secondary"} if host.secondary else options


def _place(path: str) -> tuple[str, str, str | None, hosts.ServiceHost | None]:
    """Container, key, account and host of a path or of a URL of the cloud's own schemes."""
    scheme = scheme_of(path)
    if scheme is None:
        rest = _CHAINED_SCHEME.sub("", path).lstrip("/")
        container, _, key = rest.partition("/")
        _check_container(container, path)
        return container, key, None, None
    if scheme not in AZURE_SCHEMES:
        _refuse_scheme(path, scheme)
    authority, _, rest = strip_scheme(path).lstrip("/").partition("/")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        _refuse_authority(path)
    container, name = match["container"], match["host"]
    host = hosts.read_host(name)
    if container is None:
        if host is None:
            _check_container(name, path)
            if name.lower().endswith(_GEN1):
                _refuse_account(path, name)
            return name, rest, None, None
        container, _, key = rest.partition("/")
        _check_container(container, path)
        return container, key, host.account, host
    _check_container(container + name, path)
    if host is None and ("." in name or not hosts.is_account(name)):
        _refuse_account(path, name)
    return container, rest, host.account if host is not None else name.lower(), host


def _parse_web(url: str) -> ParsedUrl:
    web = split_web_url(url)
    host = hosts.read_host(web.host)
    options, path = (_options_of(host), web.path) if host is not None and web.port is None else _emulated(web)
    pairs = _query(web)
    container, slash, key = path.removeprefix("/").partition("/")
    name = percent_decode_once(container)
    if (slash and not name) or "/" in name:
        msg = f"{web.shown} has no container in its first path segment"
        raise UrlError(msg)
    location = Location(name, percent_decode_once(key))
    version = next((value for name, value in pairs if name == "versionid"), None)
    signed = [(name, value) for name, value in pairs if name != "versionid"]
    if signed:
        options["sas_key"] = sas_text(signed)
    return parsed_at(web, ParsedUrl(location, options), version, "a version of no blob")


def _emulated(web: WebUrl) -> tuple[dict[str, Any], str]:
    """Options and the rest of the path at an emulator on this machine; any other host is refused."""
    account, _, rest = web.path.removeprefix("/").partition("/")
    if not hosts.is_loopback(web.host):
        _refuse_host(web)
    server = f"{web.scheme}://{web.host}" + ("" if web.port is None else f":{web.port}")
    if account != hosts.EMULATOR_ACCOUNT:
        msg = (
            f"{web.shown}: of the accounts of an emulator only {hosts.EMULATOR_ACCOUNT} is known; write "
            f"az://container/key and pass account_name= and endpoint='{server}/<account>'"
        )
        raise UrlError(msg)
    return {"account_name": account, "endpoint": f"{server}/{account}", "use_emulator": True}, f"/{rest}"


def _query(web: WebUrl) -> list[tuple[str, str]]:
    """A SAS and a version; any other query, and a fragment, is refused."""
    if web.fragment is not None:
        msg = f"{web.shown} has a fragment; a '#' of the key is written %23 in an https URL"
        raise UrlError(msg)
    pairs = [(name.lower(), value) for name, value in split_query(web.query)]
    names = [name for name, _ in pairs]
    signed = [name for name in names if name != "versionid"]
    unknown = not all(map(_SAS_PARAMETER.fullmatch, signed))
    if unknown or names.count("versionid") > 1 or ("versionid", "") in pairs or (signed and SIGNATURE not in signed):
        shown = ", ".join(sorted(set(names)))
        msg = (
            f"https://{web.host}{web.path} has a query ({shown}); only a SAS and one versionid are understood, and a "
            f"'?' of the key is written %3F in an https URL"
        )
        raise UrlError(msg)
    return pairs


def _check_container(container: str, path: str) -> None:
    """Refuse what is no container; the message shows nothing of it that may be a password."""
    if ":" in container or "@" in container:
        _refuse_authority(path)


def _refuse_authority(path: str) -> NoReturn:
    host = strip_scheme(path).partition("/")[0].rpartition("@")[2].partition(":")[0]
    msg = (
        f"'{REDACTED}{host}' names no container: neither a port nor credentials can stand there; write "
        f"az://container/key, pass the server as endpoint='https://host:port' and credentials as options"
    )
    raise UrlError(msg)


def _refuse_account(path: str, name: str) -> NoReturn:
    shown = redact_url(path)
    if name.lower().endswith(_GEN1):
        msg = f"{shown} is in Azure Data Lake Storage Gen1, which is no more; write az://container/key"
    else:
        msg = (
            f"{shown}: {name!r} is neither an account nor a known host of Azure Storage; write az://container/key and "
            f"pass account_name= and endpoint='https://...'"
        )
    raise UrlError(msg)


def _refuse_scheme(url: str, scheme: str) -> NoReturn:
    web = scheme in {"http", "https"}
    hint = (
        "is no path of an Azure filesystem; objfs.from_url() takes the https URLs of Azure Storage"
        if web
        else "is not an Azure URL; write az://container/key"
    )
    msg = f"{redact_url(url)} {hint}"
    raise UrlError(msg)


def _refuse_host(web: WebUrl) -> NoReturn:
    host = urlsplit(f"//{web.host}").hostname or web.host
    shown = host if web.port is None else f"{host}:{web.port}"
    if hosts.is_other_service(host):
        hint = "that of another service than blobs; open it with fsspec's http filesystem, or write az://container/key"
    elif host == f"api.onelake.{hosts.FABRIC_DOMAIN}":
        hint = f"OneLake's management API, not its data; write https://onelake.dfs.{hosts.FABRIC_DOMAIN}/workspace/item"
    else:
        hint = f"no known host of Azure Storage; write az://container/key and pass endpoint='{web.scheme}://{shown}'"
    msg = f"{web.shown}: {shown} is {hint}"
    raise UrlError(msg)
