"""The parts of :mod:`objfs.credentials.gcs` that run google-auth: loading what a plan names, and asking for a token.

google-auth's own look-up (``google.auth.default``) reads the process environment and a metadata host that is fixed at
its import; here the same steps are taken on what the plan says.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from google.auth import compute_engine, impersonated_credentials
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials as UserCredentials

from objfs.credentials.gcs_files import home, parse_info, read_info, well_known_file
from objfs.credentials.gcs_objects import values_of
from objfs.credentials.gcs_plan import Method, Plan
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, MissingCredentialsError

# https://cloud.google.com/compute/docs/metadata/querying-metadata
_METADATA_HOST: Final = "metadata.google.internal"
_METADATA_ADDRESS: Final = "169.254.169.254"
_DETECT_SECONDS: Final = 3.0
_DETECT_ATTEMPTS: Final = 3
_AWS_SUBJECT: Final = "urn:ietf:params:aws:token-type:aws4_request"
_DEFAULT_LIFETIME_SECONDS: Final = 3600


def fetch(plan: Plan, *, sleep: Callable[[float], None] = time.sleep) -> Credentials:
    """Get a token as the plan says.

    Raises
    ------
    CredentialsError
        A file cannot be read or is of no known type.
    MissingCredentialsError
        Default credentials were asked for and there are none.
    GoogleAuthError
        Google refused, or could not be reached.
    """
    request = Request()
    try:
        found = _load(plan, request, sleep)
        if isinstance(found, compute_engine.Credentials):
            found.refresh(_AtMetadataHost(request, plan))
            # The bare token: the object would ask a host of its own choice for more.
            found = UserCredentials(found.token, expiry=found.expiry)
        elif plan.target is None and not isinstance(found, AnonymousCredentials):
            found.refresh(request)
        if plan.target is not None:
            found = _taking_on(plan, found)
            found.refresh(request)
        return values_of(found)
    finally:
        request.session.close()


def _taking_on(plan: Plan, found: Any) -> Any:
    """The target service account, taken on by other credentials, which it refreshes itself."""
    lifetime = plan.lifetime or _DEFAULT_LIFETIME_SECONDS
    delegates = list(plan.delegates) or None
    return impersonated_credentials.Credentials(
        found, plan.target, list(plan.scopes), delegates=delegates, lifetime=lifetime
    )


def load_info(info: Mapping[str, Any], name: str, plan: Plan) -> Any:
    """Credentials of google-auth from the JSON of a credentials file.

    Parameters
    ----------
    info
        Its ``type`` says which; old files without one are told by their members.
    name
        How errors name it.
    plan
        For scopes and audience.
    """
    if info.get("disable_oauth"):
        # A key for an emulator, in the words of object_store: requests carry no token.
        return AnonymousCredentials()
    kind = info.get("type") or ("service_account" if "private_key" in info else "authorized_user")
    loader = _LOADERS.get(kind)
    if loader is None:
        msg = f"{name} has the type {kind!r}; known types: {', '.join(_LOADERS)}"
        raise CredentialsError(msg)
    try:
        return loader(info, plan)
    except (GoogleAuthError, AttributeError, KeyError, TypeError, ValueError) as error:
        msg = f"{name} is no usable {kind} file"
        raise CredentialsError(msg) from error


def _service_account(info: Mapping[str, Any], plan: Plan) -> Any:
    return service_account.Credentials.from_service_account_info(info, scopes=list(plan.scopes))


def _authorized_user(info: Mapping[str, Any], _: Plan) -> Any:
    # A user's refresh token has its scopes; asking for others is refused.
    return UserCredentials.from_authorized_user_info(info)


def _external_account(info: Mapping[str, Any], plan: Plan) -> Any:
    """Workload identity federation: a token of AWS, a program, a file or a URL, exchanged at Google's STS."""
    from google.auth import aws, identity_pool, pluggable

    executable = (info.get("credential_source") or {}).get("executable")
    foreign = aws if info.get("subject_token_type") == _AWS_SUBJECT else pluggable if executable else identity_pool
    return foreign.Credentials.from_info(info, scopes=list(plan.scopes))


def _external_user(info: Mapping[str, Any], _: Plan) -> Any:
    from google.auth import external_account_authorized_user

    return external_account_authorized_user.Credentials.from_info(info)


def _impersonated(info: Mapping[str, Any], plan: Plan) -> Any:
    found = impersonated_credentials.Credentials
    return found.from_impersonated_service_account_info(info, scopes=list(plan.scopes))


def _gdch(info: Mapping[str, Any], plan: Plan) -> Any:
    from google.oauth2 import gdch_credentials

    found = gdch_credentials.ServiceAccountCredentials.from_service_account_info(info)
    return found.with_gdch_audience(plan.audience)


_LOADERS: Final[Mapping[str, Callable[[Mapping[str, Any], Plan], Any]]] = {
    "service_account": _service_account,
    "authorized_user": _authorized_user,
    "external_account": _external_account,
    "external_account_authorized_user": _external_user,
    "impersonated_service_account": _impersonated,
    "gdch_service_account": _gdch,
}


def _load(plan: Plan, request: Any, sleep: Callable[[float], None]) -> Any:
    if plan.method is Method.TOKEN:
        return UserCredentials(plan.value)
    if plan.method is Method.OBJECT:
        return plan.value
    if plan.method is Method.FILE:
        return load_info(read_info(plan.value), plan.description, plan)
    if plan.method is Method.KEY:
        return load_info(parse_info(plan.value, plan.description), plan.description, plan)
    if plan.method is Method.CLOUD:
        return _metadata(plan)
    if plan.method is Method.CACHE:
        return _cached(plan)
    return _default(plan, request, sleep)


def _default(plan: Plan, request: Any, sleep: Callable[[float], None]) -> Any:
    """The gcloud file, the metadata server, the cache of gcsfs; what was tried is said where none has credentials."""
    path = well_known_file(plan.environ)
    if os.path.isfile(path):
        return load_info(read_info(path), f"the file {path!r} of gcloud", plan)
    if plan.environ.get("NO_GCE_CHECK") == "true":
        server = "the metadata server was not asked (NO_GCE_CHECK)"
    elif plan.metadata_host or compute_engine.detect_gce_residency_linux() or _answers(plan, request, sleep):
        return _metadata(plan)
    else:
        server = f"no metadata server answered at {_address(plan)}"
    if os.path.isfile(_cache_file(plan)):
        return _cached(plan)
    msg = (
        f"no Google credentials found: GOOGLE_APPLICATION_CREDENTIALS is not set, there is no {path}, {server}, and "
        f"gcsfs has cached no token in {_cache_file(plan)}; pass token= (a key file, a token or a Credentials object), "
        'a storage_options_provider, or token="anon" for anonymous access'
    )
    raise MissingCredentialsError(msg)


def _metadata(plan: Plan) -> Any:
    return compute_engine.Credentials(scopes=list(plan.scopes))


def _address(plan: Plan) -> str:
    return plan.environ.get("GCE_METADATA_IP", _METADATA_ADDRESS)


def _answers(plan: Plan, request: Any, sleep: Callable[[float], None]) -> bool:
    """Whether a metadata server is there: it says so in a header, also to a request for nothing."""
    told = plan.environ.get("GCE_METADATA_DETECT_RETRIES", ""), plan.environ.get("GCE_METADATA_TIMEOUT", "")
    attempts = int(told[0]) if told[0].isdigit() else _DETECT_ATTEMPTS
    seconds = int(told[1]) if told[1].isdigit() else _DETECT_SECONDS
    for attempt in range(attempts):
        if attempt:
            sleep(2.0 ** (attempt - 1))
        try:
            answer = request(url=f"http://{_address(plan)}/", headers={"Metadata-Flavor": "Google"}, timeout=seconds)
        except GoogleAuthError:
            continue
        return bool(answer.status == 200 and answer.headers.get("Metadata-Flavor") == "Google")
    return False


class _AtMetadataHost:
    """google-auth's transport, pointed at the metadata host of the plan: its own is fixed when it is imported."""

    def __init__(self, request: Any, plan: Plan) -> None:
        self._request, self.session = request, request.session
        self._host = plan.metadata_host or _METADATA_HOST

    def __call__(self, url: str, *args: Any, **keywords: Any) -> Any:
        """Send a request."""
        return self._request(urlunsplit(urlsplit(url)._replace(netloc=self._host)), *args, **keywords)


def _cache_file(plan: Plan) -> str:
    return os.path.join(home(plan.environ), ".gcs_tokens")


def _cached(plan: Plan) -> Any:
    """What gcsfs kept of an earlier log-in with a browser, by project and access."""
    path = _cache_file(plan)
    try:
        with open(path, "rb") as file:
            tokens = pickle.load(file)  # noqa: S301 - the user's own file, in the format of gcsfs
    except Exception as error:
        msg = f"the token cache of gcsfs, {path}, cannot be read"
        raise CredentialsError(msg) from error
    for project in (plan.project, plan.project or "", plan.project or None):
        if (project, plan.access) in tokens:
            return tokens[project, plan.access]
    msg = f"the token cache of gcsfs, {path}, has none for project {plan.project!r} and access {plan.access!r}"
    raise MissingCredentialsError(msg)
