"""Tokens of Azure from azure-identity, which is imported at the first fetch, and from an identity endpoint."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from objfs.credentials.azure_objects import SCOPE
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, MissingCredentialsError, MissingExtraError
from objfs.records import field, record

RESOURCE: Final = SCOPE.removesuffix("/.default")
PUBLIC_AUTHORITY: Final = "https://login.microsoftonline.com"
# https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
IMDS_HOST: Final = "http://169.254.169.254"
IMDS_PATH: Final = "/metadata/identity/oauth2/token"
IMDS_VERSION: Final = "2018-02-01"
# https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
APP_SERVICE_VERSION: Final = "2019-08-01"
# Endpoints of identities answer from the machine itself or from next to it.
IDENTITY_TIMEOUT_SECONDS: Final = 5.0

NOT_FOUND_HELP: Final = (
    "pass account_key, sas_token, client_id with client_secret and tenant_id, credential, a storage_options_provider, "
    "or anon=True for public data"
)

_CODE: Final = re.compile(r"AADSTS\d+")


@record
class HttpChoices:
    """How requests for tokens are made, from the options of the HTTP client."""

    certificate: str | Path | None = None
    any_certificate: bool = False
    proxy: str | None = field(default=None, repr=False)


def has_azure_identity() -> bool:
    """Whether azure-identity can be imported."""
    try:
        return find_spec("azure.identity") is not None
    except ModuleNotFoundError:
        return False


def identity_token(kind: str, arguments: Mapping[str, Any], http: HttpChoices, description: str) -> Credentials:
    """Ask one of azure-identity's asynchronous credentials for a token.

    It is made for one question: nothing is open between two, and a token that a server refused is not answered
    again from its cache.

    Parameters
    ----------
    kind
        The class in ``azure.identity.aio``.
    arguments
        Of its constructor.
    http
        How it makes its requests.
    description
        How error messages name the source.

    Raises
    ------
    MissingCredentialsError
        None of the members of the default chain had a token.
    CredentialsError
        The request for a token failed; what azure-identity said is the cause.
    """
    try:
        import azure.identity.aio as identity
        from azure.core.exceptions import AzureError
    except ImportError as error:
        msg = f"{description} needs azure-identity and aiohttp; install objfs[azure]"
        raise MissingExtraError(msg) from error
    tried: list[str] = []

    async def ask() -> Any:
        keywords = _transport(http)
        try:
            async with getattr(identity, kind)(**arguments, **keywords) as credential:
                tried.extend(map(_name_of, getattr(credential, "credentials", ())))
                return await credential.get_token(SCOPE)
        finally:
            if "transport" in keywords:
                await keywords["transport"].close()

    try:
        told = asyncio.run(ask())
    except (AzureError, ValueError, OSError) as error:
        if tried:
            msg = f"no Azure credentials found: {kind} tried {', '.join(tried)}; {NOT_FOUND_HELP}"
            raise MissingCredentialsError(msg) from error
        code = _CODE.search(str(error))
        reason = code[0] if code else str(error) if type(error) is ValueError else type(error).__name__
        msg = f"{description} was not given a token ({reason})"
        raise CredentialsError(msg) from error
    return Credentials({"token": told.token}, datetime.fromtimestamp(told.expires_on, UTC))


def _name_of(member: Any) -> str:
    """The name of a member of the default chain; one that lacks its configuration is there as a stand-in."""
    name = getattr(member, "_credential_name", type(member).__name__)
    return str(name).removesuffix("Credential")


def _transport(http: HttpChoices) -> dict[str, Any]:
    """Keywords of an azure-identity credential for its HTTP requests; to be called on the loop that makes them."""
    keywords: dict[str, Any] = {} if http.proxy is None else {"proxies": {"http": http.proxy, "https": http.proxy}}
    if http.any_certificate:
        return {**keywords, "connection_verify": False}
    if http.certificate is None:
        return keywords
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector
    from azure.core.pipeline.transport import AioHttpTransport

    # A path given to the SDK would replace the authorities of the system, which signed the public endpoints.
    context = ssl.create_default_context()
    path = http.certificate if isinstance(http.certificate, Path) else None
    context.load_verify_locations(cafile=path, cadata=None if path else str(http.certificate))
    session = ClientSession(
        connector=TCPConnector(ssl=context), cookie_jar=DummyCookieJar(), auto_decompress=False, trust_env=True
    )
    return {**keywords, "transport": AioHttpTransport(session=session, session_owner=True)}


def endpoint_token(
    endpoint: str | None, header: str | None, identity: Mapping[str, str], environ: Mapping[str, str]
) -> Credentials:
    """Ask the identity endpoint of the machine for a token, without azure-identity.

    Parameters
    ----------
    endpoint
        As App Service and its like give it; None for the instance metadata service.
    header
        The secret that App Service expects in a header.
    identity
        One of ``client_id``, ``object_id`` and ``msi_res_id``; empty for the identity of the system.
    environ
        May name another host for the instance metadata service.

    Raises
    ------
    CredentialsError
        It refused, or what it answered is no token.
    MissingCredentialsError
        There is no such service.
    """
    host = environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or IMDS_HOST
    url = endpoint or host.rstrip("/") + IMDS_PATH
    query = {"api-version": APP_SERVICE_VERSION if endpoint else IMDS_VERSION, "resource": RESOURCE, **identity}
    headers = {"Metadata": "true", **({"X-IDENTITY-HEADER": header} if header else {})}
    request = urllib.request.Request(f"{url}{'&' if '?' in url else '?'}{urlencode(query)}", headers=headers)  # noqa: S310
    # The answer is for this machine: no proxy is asked.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=IDENTITY_TIMEOUT_SECONDS) as response:
            told = json.load(response)
    except urllib.error.HTTPError as error:
        error.close()
        named = ", ".join(f"{name} {value}" for name, value in identity.items()) or "the identity of the system"
        msg = f"the managed identity endpoint {url} refused {named} with status {error.code}"
        raise CredentialsError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"no managed identity: {url} gave no answer that can be read; {NOT_FOUND_HELP}"
        raise MissingCredentialsError(msg) from error
    return _of_answer(told, url)


def _of_answer(told: Any, url: str) -> Credentials:
    """The token in an answer, with its end: ``expires_on`` in Unix seconds, else ``expires_in``."""
    try:
        token = told["access_token"]
        if told.get("expires_on"):
            expiry = datetime.fromtimestamp(float(told["expires_on"]), UTC)
        else:
            expiry = datetime.now(UTC) + timedelta(seconds=float(told["expires_in"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = f"the managed identity endpoint {url} answered without a token or its expiry"
        raise CredentialsError(msg) from error
    return Credentials({"token": token}, expiry)
