"""Where Azure credentials come from, decided by the settings. azure-identity is imported at the first fetch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from objfs.clouds.azure_sas import check_key, sas_expiry, sas_pairs, sas_text
from objfs.credentials.azure_objects import object_source
from objfs.credentials.azure_sources import (
    PUBLIC_AUTHORITY,
    HttpChoices,
    endpoint_token,
    has_azure_identity,
    identity_token,
)
from objfs.credentials.identity import keyed_digest
from objfs.credentials.values import AskedSource, Credentials, Source, StaticSource
from objfs.errors import IncompleteCredentialsError, MissingExtraError
from objfs.options import Origin, Settings


class Method(Enum):
    """Ways to get credentials, in the order that decides between those of one layer."""

    CREDENTIAL = "credential"
    FABRIC = "fabric"
    BEARER_TOKEN = "bearer_token"  # noqa: S105 - a name
    ACCESS_KEY = "access_key"
    WORKLOAD_IDENTITY = "workload_identity"
    CLIENT_SECRET = "client_secret"  # noqa: S105 - a name
    SAS_TOKEN = "sas_token"  # noqa: S105 - a name
    AZURE_CLI = "azure_cli"
    MANAGED_IDENTITY = "managed_identity"
    DEFAULT = "default"


# What each method needs; the first option is the one that asks for it.
NEEDS: Final[Mapping[Method, tuple[str, ...]]] = {
    Method.CREDENTIAL: ("credential",),
    Method.FABRIC: (
        "fabric_session_token",
        "fabric_token_service_url",
        "fabric_workload_host",
        "fabric_cluster_identifier",
    ),
    Method.BEARER_TOKEN: ("token",),
    Method.ACCESS_KEY: ("account_key",),
    Method.WORKLOAD_IDENTITY: ("federated_token_file", "client_id", "tenant_id"),
    Method.CLIENT_SECRET: ("client_secret", "client_id", "tenant_id"),
    Method.SAS_TOKEN: ("sas_key",),
    Method.AZURE_CLI: ("use_azure_cli",),
    Method.MANAGED_IDENTITY: (),
    Method.DEFAULT: (),
}
STATIC: Final = {Method.BEARER_TOKEN: "token", Method.ACCESS_KEY: "account_key", Method.SAS_TOKEN: "sas_key"}
# Any of these, given explicitly, means a managed identity; the endpoint of the environment may serve the chain, too.
_MANAGED: Final = ("use_managed_identity", "object_id", "msi_resource_id", "msi_endpoint")
_CHAIN: Final = "default_azure_credential_kwargs"
_PLATFORM_ENDPOINT: Final = "IDENTITY_ENDPOINT"
# Which identity of several, in the order of the data plane; the name on the wire.
_IDENTITIES: Final = {"msi_resource_id": "msi_res_id", "object_id": "object_id", "client_id": "client_id"}
# What the default chain reads by itself.
_CHAIN_VARIABLES: Final = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_", "HOME", "USERPROFILE")


def decide(settings: Settings, environ: Mapping[str, str], _static: Source | None) -> Source | None:
    """Choose the source of Azure credentials.

    Parameters
    ----------
    settings
        Resolved settings.
    environ
        The environment, for what the default chain reads beside the settings.
    _static
        All keys, SAS and tokens in the settings together; one of them is taken from the settings here.

    Returns
    -------
    Source or None
        None where azure-identity is not installed and the data plane's own look-up can serve.

    Raises
    ------
    IncompleteCredentialsError
        A method was asked for and an option that it needs is not given.
    MissingExtraError
        The default chain is needed and azure-identity is not installed.
    """
    method = chosen_method(settings, environ)
    if method is Method.CREDENTIAL:
        return object_source(settings.value("credential"), settings.value("account_name"))
    if method in STATIC:
        found = settled(Credentials({STATIC[method]: settings.value(STATIC[method])}, settings.value("expires_at")))
        told = repr((sorted(found.values.items()), found.expires_at))
        return StaticSource(found, f"static {keyed_digest(told)}")
    if method is Method.FABRIC:
        return None
    if method is Method.MANAGED_IDENTITY:
        return _managed_source(settings, environ)
    if has_azure_identity():
        return _MAKERS[method](settings, environ)
    if method is Method.DEFAULT:
        msg = (
            "no Azure credentials are given, and the default chain (environment, workload identity, managed identity, "
            "Azure CLI) needs azure-identity; install objfs[azure], pass credentials, or anon=True for public data"
        )
        raise MissingExtraError(msg)
    return None


def settled(credentials: Credentials) -> Credentials:
    """Keep one way of authentication, and its SAS as text that is encoded once, with the end that it tells itself.

    Parameters
    ----------
    credentials
        A token outranks a key, and a key a SAS, as in obstore.

    Raises
    ------
    OptionError
        What is given as a SAS, or as a key, is none.
    """
    values = credentials.values
    for name in STATIC.values():
        if not values.get(name):
            continue
        if name == "account_key":
            check_key(values[name])
        if name != "sas_key":
            return Credentials({name: values[name]}, credentials.expires_at)
        return Credentials({name: sas_text(values[name])}, credentials.expires_at or sas_expiry(values[name]))
    return credentials


def store_shape(values: Mapping[str, str]) -> dict[str, Any]:
    """Credentials as obstore's ``AzureAccessKey``, ``AzureSASToken`` or ``AzureBearerToken``, without the expiry."""
    if "token" in values:
        return {"token": values["token"]}
    if "account_key" in values:
        return {"access_key": values["account_key"]}
    # As pairs: from text obstore would take a plus sign for itself, and a percent sign for an encoding.
    return {"sas_token": sas_pairs(values["sas_key"])}


def chosen_method(settings: Settings, environ: Mapping[str, str]) -> Method:
    """What the highest layer asks for, or ``credential_type`` where no higher layer asks for something.

    Parameters
    ----------
    settings
        Resolved settings.
    environ
        Tells an identity endpoint that the platform provides, which the default chain finds by itself.

    Raises
    ------
    IncompleteCredentialsError
        An option was given explicitly without others that it needs.
    """
    asked = _asked(settings, environ)
    lone = _is_explicit(settings, "client_id") and not asked.keys() & {Method.WORKLOAD_IDENTITY, Method.CLIENT_SECRET}
    if lone:
        asked.setdefault(Method.MANAGED_IDENTITY, settings["client_id"].origin)
    order = list(Method)

    def rank(method: Method) -> tuple[Origin, Origin, int]:
        # Of two ways to prove one client id, the one whose proof comes from the higher layer.
        proof = settings[NEEDS[method][0]].origin if NEEDS[method] else asked[method]
        return asked[method], proof, order.index(method)

    found = min(asked, key=rank)
    wanted = settings.get("credential_type")
    if wanted is not None and wanted.value not in (None, "", "auto") and wanted.origin <= asked[found]:
        found = Method(wanted.value)
        _refuse_missing(settings, found, f"{wanted.spelling}={wanted.value}")
    elif found is Method.MANAGED_IDENTITY and lone and _is_explicit(settings, "tenant_id"):
        msg = "client_id and tenant_id are given without client_secret or federated_token_file; give one of the two"
        raise IncompleteCredentialsError(msg)
    elif NEEDS[found]:
        _refuse_missing(settings, found, settings[NEEDS[found][0]].spelling)
    return found


def _asked(settings: Settings, environ: Mapping[str, str]) -> dict[Method, Origin]:
    """Each method that some layer asks for, with the highest that does."""
    asked: dict[Method, Origin] = {Method.DEFAULT: Origin.DEFAULT}
    for method, needs in NEEDS.items():
        if not needs or not settings.value(needs[0]):
            continue
        # In the environment a half may belong to another program; given explicitly it is an error to tell.
        if all(settings.value(name) for name in needs) or _is_explicit(settings, needs[0]):
            asked[method] = min(settings[name].origin for name in needs if name in settings)
    for name in _MANAGED:
        if settings.value(name) and (name != "msi_endpoint" or _own_endpoint(settings, environ)):
            before = asked.get(Method.MANAGED_IDENTITY, Origin.DEFAULT)
            asked[Method.MANAGED_IDENTITY] = min(settings[name].origin, before)
    return asked


def _is_explicit(settings: Settings, name: str) -> bool:
    return bool(settings.value(name)) and settings[name].origin < Origin.ENVIRONMENT


def _refuse_missing(settings: Settings, method: Method, asked: str) -> None:
    # The Azure CLI needs nothing but to be asked for.
    missing = [name for name in NEEDS[method] if not settings.value(name) and name != "use_azure_cli"]
    if missing:
        msg = f"{asked} needs {' and '.join(missing)}, which is not given"
        raise IncompleteCredentialsError(msg)


def _own_endpoint(settings: Settings, environ: Mapping[str, str]) -> str | None:
    """The identity endpoint, unless it is what the platform set for azure-identity to find."""
    endpoint: str | None = settings.value("msi_endpoint")
    return None if endpoint == environ.get(_PLATFORM_ENDPOINT) else endpoint


def _managed_source(settings: Settings, environ: Mapping[str, str]) -> AskedSource:
    """A managed identity: an endpoint that was given is asked by us, all others are known to azure-identity."""
    given = ((wire, settings.value(name)) for name, wire in _IDENTITIES.items() if settings.value(name))
    identity = dict([next(given, ("", ""))])
    identity.pop("", None)
    description = "the managed identity" + "".join(f" ({name} {value})" for name, value in identity.items())
    known = _chain_variables(environ)
    endpoint, header = settings.value("msi_endpoint"), settings.value("identity_header")
    told = [identity, endpoint, header, known]
    if _own_endpoint(settings, environ) or not has_azure_identity():
        return _source(told, description, lambda: endpoint_token(endpoint, header, _on_wire(identity, header), known))
    arguments = {"identity_config": _on_wire(identity, header if endpoint else None)}
    return _asking("ManagedIdentityCredential", arguments, HttpChoices(), description, told)


def _chain_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of the environment that tells two chains apart."""
    return {name: environ[name] for name in sorted(environ) if name.startswith(_CHAIN_VARIABLES)}


def _on_wire(identity: Mapping[str, str], header: str | None) -> dict[str, str]:
    """The identity as the endpoint is asked for it: App Service has a name of its own for a resource."""
    return {"mi_res_id" if header and name == "msi_res_id" else name: value for name, value in identity.items()}


def _workload_source(settings: Settings, _environ: Mapping[str, str]) -> AskedSource:
    """The identity of a pod; azure-identity reads the file at each fetch."""
    arguments = {
        **_principal(settings),
        "token_file_path": str(settings.value("federated_token_file")),
    }
    description = f"the workload identity {arguments['client_id']} of tenant {arguments['tenant_id']}"
    return _asking("WorkloadIdentityCredential", arguments, _http(settings), description)


def _secret_source(settings: Settings, _environ: Mapping[str, str]) -> AskedSource:
    """A service principal with its secret."""
    arguments = {**_principal(settings), "client_secret": settings.value("client_secret")}
    description = f"the service principal {arguments['client_id']} of tenant {arguments['tenant_id']}"
    return _asking("ClientSecretCredential", arguments, _http(settings), description)


def _cli_source(settings: Settings, _environ: Mapping[str, str]) -> AskedSource:
    """Who is logged in with the Azure CLI."""
    tenant = settings.value("tenant_id")
    return _asking("AzureCliCredential", {"tenant_id": tenant} if tenant else {}, HttpChoices(), "the Azure CLI")


def _default_source(settings: Settings, environ: Mapping[str, str]) -> AskedSource:
    """The default chain, told what the settings say of its members."""
    client, tenant, authority = (settings.value(name) for name in ("client_id", "tenant_id", "authority_host"))
    told = {
        "managed_identity_client_id": client,
        "workload_identity_tenant_id": tenant,
        "authority": authority,
        **(settings.value(_CHAIN) or {}),
        **{name.removeprefix(f"{_CHAIN}."): settings.value(name) for name in settings if name.startswith(f"{_CHAIN}.")},
    }
    arguments = {name: value for name, value in told.items() if value is not None}
    known = _chain_variables(environ)
    http = _http(settings, proxy=False)
    return _asking("DefaultAzureCredential", arguments, http, "the default Azure credential chain", [known])


_MAKERS: Final[Mapping[Method, Callable[[Settings, Mapping[str, str]], AskedSource]]] = {
    Method.WORKLOAD_IDENTITY: _workload_source,
    Method.CLIENT_SECRET: _secret_source,
    Method.AZURE_CLI: _cli_source,
    Method.DEFAULT: _default_source,
}


def _principal(settings: Settings) -> dict[str, Any]:
    authority = settings.value("authority_host") or PUBLIC_AUTHORITY
    return {name: settings.value(name) for name in ("tenant_id", "client_id")} | {"authority": authority}


def _http(settings: Settings, *, proxy: bool = True) -> HttpChoices:
    """How tokens are asked for; the chain is not sent through a proxy, as some of its endpoints are on the machine."""
    return HttpChoices(
        settings.value("root_certificate"),
        bool(settings.value("allow_invalid_certificates")),
        settings.value("proxy_url") if proxy else None,
    )


def _asking(
    kind: str, arguments: Mapping[str, Any], http: HttpChoices, description: str, told: Any = None
) -> AskedSource:
    """A source that asks a credential of azure-identity."""
    parts = [kind, sorted(arguments.items(), key=str), http.certificate, http.any_certificate, http.proxy, told]
    return _source(parts, description, lambda: identity_token(kind, arguments, http, description))


def _source(told: Any, description: str, get: Callable[[], Credentials]) -> AskedSource:
    return AskedSource(get, f"azure {keyed_digest(repr((description, told)))}", description)
