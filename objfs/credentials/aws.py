"""Where AWS credentials come from, decided by the settings. botocore is imported at the first fetch that needs it."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from objfs.credentials.identity import keyed_digest
from objfs.credentials.values import AskedSource, Credentials, Source
from objfs.errors import ConflictingOptionsError, CredentialsError, IncompleteCredentialsError, MissingExtraError
from objfs.options import Origin, Settings

DEFAULT_SESSION_NAME: Final = "objfs"
# STS accepts no shorter session than this.
SHORTEST_SESSION_SECONDS: Final = 900

# What a chain depends on beside the settings: the rest of the environment does not tell two chains apart.
_CHAIN_OPTIONS: Final = (
    "profile",
    "shared_credentials_file",
    "config_file",
    "metadata_endpoint",
    "imdsv1_fallback",
    "disable_ec2_metadata",
    "container_credentials_relative_uri",
    "container_credentials_full_uri",
    "container_authorization_token_file",
    "container_authorization_token",
    "endpoint_url_sts",
    "region",
    "default_region",
)
_ROLE_OPTIONS: Final = (
    "role_arn",
    "role_session_name",
    "external_id",
    "endpoint_url_sts",
    "load_frequency",
    "web_identity_token_file",
    "region",
    "default_region",
)
_ALTERNATIVES: Final = (
    ("container_credentials_relative_uri", "container_credentials_full_uri"),
    ("container_authorization_token_file", "container_authorization_token"),
)
_CHAIN_VARIABLES: Final = ("AWS_", "BOTO_", "HOME", "USERPROFILE")


def chain_source(settings: Settings, environ: Mapping[str, str], *, container_only: bool = False) -> AskedSource:
    """The chain of botocore: profile (keys, role, SSO, process, web identity), files, container, instance metadata.

    Parameters
    ----------
    settings
        ``profile``, the two files, the metadata and container options are used instead of the environment's.
    environ
        Taken as it is now. It is read for what no setting gives; the process environment is not changed.
    container_only
        The container's endpoint was given explicitly, so that nothing else is asked.
    """
    environ = {name: value for name, value in environ.items() if name.startswith(_CHAIN_VARIABLES)}
    chosen = _chosen(_without_outranked(settings), _CHAIN_OPTIONS)
    prompts: list[str] = []

    def get() -> Credentials:
        from objfs.credentials import aws_chain

        return aws_chain.load(chosen, environ, prompts, container_only=container_only)

    profile = chosen.get("profile")
    description = f"the AWS profile {profile!r}" if profile else "the AWS credential chain"
    return AskedSource(get, f"aws-chain {_digest([chosen, environ, container_only])}", description)


def assume_role_source(base: Source, settings: Settings, environ: Mapping[str, str]) -> AskedSource:
    """Credentials of a role, assumed by those of another source.

    Parameters
    ----------
    base
        Asked before each call of STS.
    settings
        ``role_arn``, ``role_session_name``, ``external_id``, ``endpoint_url_sts`` and ``load_frequency`` (no
        credentials of the role are used for longer).
    environ
        Read for the TLS and retry settings of the STS client.
    """
    chosen = _chosen(settings, _ROLE_OPTIONS)
    frozen = dict(environ)

    def get() -> Credentials:
        from objfs.credentials import aws_chain

        request = _role_request(chosen)
        if "external_id" in chosen:
            request["ExternalId"] = chosen["external_id"]
        client = aws_chain.sts_client(chosen, frozen, base.fetch())
        return of_role(client.assume_role(**request), chosen.get("load_frequency"))

    identity = f"aws-assume-role {_digest([chosen, base.identity])}"
    return AskedSource(get, identity, f"the role {chosen['role_arn']} on {base.description}")


def web_identity_source(settings: Settings, environ: Mapping[str, str]) -> AskedSource:
    """Credentials of a role, assumed with the token in a file, which is read for each fetch.

    Parameters
    ----------
    settings
        ``role_arn``, ``web_identity_token_file``, ``role_session_name``, ``endpoint_url_sts`` and
        ``load_frequency``.
    environ
        Read for the TLS and retry settings of the STS client.
    """
    chosen = _chosen(settings, _ROLE_OPTIONS)
    frozen = dict(environ)

    def get() -> Credentials:
        from objfs.credentials import aws_chain

        path = chosen["web_identity_token_file"]
        try:
            token = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            msg = f"the web identity token file {path!r} cannot be read"
            raise CredentialsError(msg) from error
        client = aws_chain.sts_client(chosen, frozen, None)
        answer = client.assume_role_with_web_identity(**_role_request(chosen), WebIdentityToken=token)
        return of_role(answer, chosen.get("load_frequency"))

    description = f"the role {chosen['role_arn']} with the web identity of {chosen['web_identity_token_file']}"
    return AskedSource(get, f"aws-web-identity {_digest([chosen])}", description)


def session_source(session: Any) -> AskedSource:
    """The credentials of a caller's own botocore, boto3 or aiobotocore session.

    Parameters
    ----------
    session
        Identified by the object itself: two sessions are never taken for one.
    """
    from objfs.credentials.identity import object_identity

    def get() -> Credentials:
        from objfs.credentials import aws_chain

        return aws_chain.of_session(session)

    return AskedSource(get, f"aws-session {object_identity(_Holder(session))}", "the session that was passed")


def store_shape(values: Mapping[str, str]) -> dict[str, Any]:
    """Credentials as obstore's ``S3Credential``."""
    return {
        "access_key_id": values["access_key_id"],
        "secret_access_key": values["secret_access_key"],
        "token": values.get("session_token"),
    }


def decide(settings: Settings, environ: Mapping[str, str], static: Source | None) -> Source | None:
    """Choose the source of AWS credentials.

    Parameters
    ----------
    settings
        Resolved settings.
    environ
        The environment, for what the chain reads beside the settings.
    static
        The access key in the settings, if there is one.

    Returns
    -------
    Source or None
        None where botocore is not installed and the data plane's own chain can serve.

    Raises
    ------
    MissingExtraError
        A profile or a role is asked for and botocore is not installed.
    ConflictingOptionsError, IncompleteCredentialsError
        A role is given in two ways, or a token file without a role.
    """
    if settings.value("session") is not None:
        return session_source(settings.value("session"))
    method = _method(settings, static is not None)
    if method is Method.STATIC:
        return static
    if find_spec("botocore") is None:
        _refuse_without_botocore(settings, method)
        return None
    if method is Method.WEB_IDENTITY:
        return web_identity_source(settings, environ)
    if method is not Method.ASSUME_ROLE:
        return chain_source(settings, environ, container_only=method is Method.CONTAINER)
    below = _method(settings.without("role_arn"), static is not None)
    container = below is Method.CONTAINER
    base = static if below is Method.STATIC else None
    return assume_role_source(base or chain_source(settings, environ, container_only=container), settings, environ)


def late_settings(settings: Settings, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the AWS configuration file says beside credentials: the region of the profile.

    Read without botocore, as keys in the options or the environment need no botocore either.

    Parameters
    ----------
    settings
        A region that somebody gave is kept; one that is a default is what the file may replace.
    environ
        Says where the file is.
    """
    region = settings.get("region")
    if region is None or region.origin is not Origin.DEFAULT or region.value == "auto":
        return {}
    path, profile = _config_file(settings, environ)
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(Path(path).expanduser(), encoding="utf-8")
    except (OSError, UnicodeDecodeError, configparser.Error, RuntimeError):
        # The file is somebody else's, and a region is all we look for in it.
        return {}
    for section in (f"profile {profile}", profile):
        found = parser.get(section, "region", fallback=None)
        if found:
            return {"region": found}
    return {}


def late_place(settings: Settings, environ: Mapping[str, str]) -> str:
    """Which file `late_settings` reads, and what of it."""
    path, profile = _config_file(settings, environ)
    return f"{path}, profile {profile!r}"


def _config_file(settings: Settings, environ: Mapping[str, str]) -> tuple[str, str]:
    home = environ.get("HOME") or environ.get("USERPROFILE") or "~"
    path = settings.value("config_file") or environ.get("AWS_CONFIG_FILE") or f"{home}/.aws/config"
    return path, settings.value("profile") or "default"


class Method(Enum):
    """Ways to get credentials, in the order that decides between those of one layer."""

    STATIC = "access key"
    WEB_IDENTITY = "web identity"
    PROFILE = "a profile"
    CONTAINER = "container"
    CHAIN = "chain"
    ASSUME_ROLE = "an assumed role"


def _method(settings: Settings, static: bool) -> Method:
    """What the highest layer asks for.

    AWS_ROLE_ARN belongs to a token file; alone, or beside keys in the environment, the SDKs ignore it, and so do we.
    A role that was given explicitly is never ignored; one above a token file of a lower layer is assumed by what
    that file gives (a pod's own identity).
    """
    role, token_file = settings.get("role_arn"), settings.get("web_identity_token_file")
    asked: dict[Method, Origin] = {Method.CHAIN: Origin.DEFAULT}
    if static:
        asked[Method.STATIC] = settings["access_key_id"].origin
    if settings.value("profile"):
        asked[Method.PROFILE] = settings["profile"].origin
    for name in ("container_credentials_full_uri", "container_credentials_relative_uri"):
        if settings.value(name) and settings[name].origin < Origin.ENVIRONMENT:
            asked[Method.CONTAINER] = settings[name].origin
    if role is not None and token_file is not None and token_file.origin <= role.origin:
        asked[Method.WEB_IDENTITY] = role.origin
    order = list(Method)
    found = min(asked, key=lambda method: (asked[method], order.index(method)))
    explicit_role = role is not None and role.origin < Origin.ENVIRONMENT
    if role is not None and explicit_role and role.origin <= asked[found]:
        if found is Method.STATIC and asked.get(Method.WEB_IDENTITY) == asked[found]:
            msg = "role_arn is given both with an access key and with web_identity_token_file; give one of the two"
            raise ConflictingOptionsError(msg)
        return found if found is Method.WEB_IDENTITY else Method.ASSUME_ROLE
    if token_file is not None and role is None and token_file.origin < Origin.ENVIRONMENT and not static:
        msg = "web_identity_token_file needs role_arn, the role to take on with it"
        raise IncompleteCredentialsError(msg)
    return found


def _refuse_without_botocore(settings: Settings, method: Method) -> None:
    """Say what is missing where the data plane's own chain would silently ignore what was asked for."""
    files = [name for name in ("shared_credentials_file", "config_file") if name in settings]
    explicit = [name for name in files if settings[name].origin < Origin.ENVIRONMENT]
    if method in {Method.PROFILE, Method.ASSUME_ROLE} or explicit:
        asked = explicit[0] if explicit else method.value
        msg = f"{asked} needs botocore to get credentials; install objfs[s3]"
        raise MissingExtraError(msg)


def _without_outranked(settings: Settings) -> Settings:
    """Of two options that name one thing, leave out that of the lower layer: the SDK's own order knows no layers."""
    for one, other in _ALTERNATIVES:
        if one in settings and other in settings and settings[one].origin != settings[other].origin:
            settings = settings.without(max(one, other, key=lambda name: settings[name].origin))
    return settings


def _chosen(settings: Settings, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: settings.value(name) for name in names if settings.value(name) not in (None, "")}


def _digest(parts: list[Any]) -> str:
    told = (sorted((k, str(v)) for k, v in part.items()) if isinstance(part, Mapping) else part for part in parts)
    return keyed_digest(repr(list(told)))


def _role_request(chosen: Mapping[str, Any]) -> dict[str, Any]:
    request = {
        "RoleArn": chosen["role_arn"],
        "RoleSessionName": chosen.get("role_session_name", DEFAULT_SESSION_NAME),
    }
    wanted: timedelta | None = chosen.get("load_frequency")
    if wanted is not None:
        request["DurationSeconds"] = max(int(wanted.total_seconds()), SHORTEST_SESSION_SECONDS)
    return request


def of_role(answer: Mapping[str, Any], longest: timedelta | None) -> Credentials:
    """The credentials in an answer of STS, used for no longer than ``longest``."""
    told = answer["Credentials"]
    expiry: datetime = told["Expiration"].astimezone(UTC)
    if longest is not None:
        expiry = min(expiry, datetime.now(UTC) + longest)
    values = {
        "access_key_id": told["AccessKeyId"],
        "secret_access_key": told["SecretAccessKey"],
        "session_token": told["SessionToken"],
    }
    return Credentials(values, expiry)


class _Holder:
    """Names a session by its identity without touching it."""

    def __init__(self, session: Any) -> None:
        self.session = session
