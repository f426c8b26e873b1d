"""The parts of :mod:`objfs.credentials.aws` that run botocore: its chain, built on our settings, and STS clients."""

from __future__ import annotations

import asyncio
import functools
import getpass
import inspect
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import botocore.credentials as chain
from botocore import UNSIGNED
from botocore.config import Config
from botocore.session import Session
from botocore.utils import FileWebIdentityTokenLoader, InstanceMetadataFetcher, resolve_imds_endpoint_mode

from objfs.credentials.botocore_log import redact_botocore_log
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, MissingCredentialsError

# Settings that are botocore session variables, and those that botocore can take from an environment only.
_SESSION_VARIABLES: Final = {
    "profile": "profile",
    "shared_credentials_file": "credentials_file",
    "config_file": "config_file",
    "metadata_endpoint": "ec2_metadata_service_endpoint",
    "region": "region",
}
_ENVIRONMENT: Final = {
    "container_credentials_relative_uri": "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "container_credentials_full_uri": "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "container_authorization_token_file": "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "container_authorization_token": "AWS_CONTAINER_AUTHORIZATION_TOKEN",
}
_DEFAULT_REGION: Final = "us-east-1"
# For credentials that refresh themselves but do not tell when: what botocore itself never lets them outlive.
_UNTOLD_LIFETIME: Final = timedelta(minutes=10)


def load(
    chosen: Mapping[str, Any], environ: Mapping[str, str], prompts: list[str], *, container_only: bool = False
) -> Credentials:
    """Go through the chain once.

    Parameters
    ----------
    chosen
        Settings by canonical name.
    environ
        What is used for everything that no setting gives.
    prompts
        Grows by each question for an MFA code; a second one is refused, as it would come out of the blue.
    container_only
        Ask the container's endpoint and nothing else.

    Raises
    ------
    CredentialsError
        The profile does not exist.
    MissingCredentialsError
        The chain holds no credentials.
    """
    session = isolated_session(chosen, environ)
    if container_only:
        found = chain.ContainerProvider(environ=_metadata_environment(chosen, environ)).load()
    else:
        found = _resolver(session, chosen, environ, prompts).load_credentials()
    if found is None:
        raise MissingCredentialsError(_nothing_found(chosen.get("profile"), session))
    return _of_botocore(found, found.get_frozen_credentials())


def of_session(session: Any) -> Credentials:
    """The credentials of a caller's session, sync or aiobotocore's."""

    async def ask() -> tuple[Any, Any]:
        found = session.get_credentials()
        found = await found if inspect.isawaitable(found) else found
        frozen = None if found is None else found.get_frozen_credentials()
        return found, await frozen if inspect.isawaitable(frozen) else frozen

    found, frozen = asyncio.run(ask())
    if found is None:
        msg = "the session that was passed has no credentials; give it some, or pass anon=True"
        raise MissingCredentialsError(msg)
    return _of_botocore(found, frozen)


def sts_client(chosen: Mapping[str, Any], environ: Mapping[str, str], base: Credentials | None) -> Any:
    """A client of STS that signs with ``base``, or not at all.

    Parameters
    ----------
    chosen
        ``endpoint_url_sts`` and the region.
    environ
        As for :func:`load`.
    base
        Who calls; None for a call that needs no signature.
    """
    session = isolated_session(chosen, environ)
    if base is None:
        return session.create_client("sts", config=Config(signature_version=UNSIGNED))
    values = base.values
    return session.create_client(
        "sts",
        aws_access_key_id=values["access_key_id"],
        aws_secret_access_key=values["secret_access_key"],
        aws_session_token=values.get("session_token"),
    )


class _Session(Session):  # type: ignore[misc]
    """A botocore session that reads no environment variable by itself and sends STS where the settings say."""

    def __init__(self, sts_endpoint: str | None) -> None:
        specs = Session.SESSION_VARIABLES
        super().__init__(session_vars={name: (spec[0], None, *spec[2:]) for name, spec in specs.items()})
        self._sts_endpoint = sts_endpoint

    def create_client(self, service_name: str, region_name: str | None = None, **keywords: Any) -> Any:
        """A client; every one that the chain makes comes through here."""
        if service_name == "sts" and self._sts_endpoint:
            keywords.setdefault("endpoint_url", self._sts_endpoint)
        return super().create_client(service_name, region_name, **keywords)


def isolated_session(chosen: Mapping[str, Any], environ: Mapping[str, str]) -> Session:
    """A botocore session whose variables come from ``environ`` and, above it, from the settings.

    Raises
    ------
    CredentialsError
        The profile does not exist.
    """
    redact_botocore_log()
    session = _Session(chosen.get("endpoint_url_sts"))
    for name, spec in Session.SESSION_VARIABLES.items():
        variables = [spec[1]] if isinstance(spec[1], str) else spec[1] or []
        told = next((environ[variable] for variable in variables if environ.get(variable)), None)
        # Who the caller is was decided with the settings: a profile of a lower layer must not come back here.
        if told is not None and name != "profile":
            session.set_config_variable(name, told)
    for option, name in _SESSION_VARIABLES.items():
        if option in chosen:
            session.set_config_variable(name, chosen[option])
    if "imdsv1_fallback" in chosen:
        session.set_config_variable("ec2_metadata_v1_disabled", not chosen["imdsv1_fallback"])
    profile = chosen.get("profile")
    if profile is not None and profile not in session.available_profiles:
        raise CredentialsError(_unknown_profile(profile, session))
    if session.get_config_variable("region") is None:
        session.set_config_variable("region", chosen.get("default_region", _DEFAULT_REGION))
    return session


def _resolver(session: Session, chosen: Mapping[str, Any], environ: Mapping[str, str], prompts: list[str]) -> Any:
    """The chain in botocore's order, each member told where to look instead of the process environment."""
    profile = chosen.get("profile")
    told = _metadata_environment(chosen, environ)
    environment = chain.EnvProvider(environ=told)
    container = chain.ContainerProvider(environ=told)
    instance = chain.InstanceMetadataProvider(iam_role_fetcher=_metadata_fetcher(session, told))
    region = session.get_config_variable("region")
    builder = chain.ProfileProviderBuilder(session, cache={}, region_name=region)
    role = chain.AssumeRoleProvider(
        load_config=lambda: session.full_config,
        client_creator=session.create_client,
        cache={},
        profile_name=profile or "default",
        prompter=functools.partial(_ask_once, prompts),
        credential_sourcer=chain.CanonicalNameCredentialSourcer([environment, container, instance]),
        profile_provider_builder=builder,
    )
    members = [
        *([] if profile else [environment]),
        role,
        *([] if profile else [_WebIdentity(session, environ)]),
        # The one of these that knows web identity would read the process environment; the one above stands for it.
        *builder.providers(profile_name=profile or "default", disable_env_vars=True),
        chain.OriginalEC2Provider(environ=told),
        chain.BotoProvider(environ=told),
        container,
        instance,
    ]
    return chain.CredentialResolver(providers=members)


def _metadata_environment(chosen: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment as the container and instance members shall see it."""
    given = {variable: str(chosen[name]) for name, variable in _ENVIRONMENT.items() if name in chosen}
    told = {**environ, **given}
    if "container_credentials_full_uri" in chosen and "container_credentials_relative_uri" not in chosen:
        told.pop("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", None)
    if "container_authorization_token" in chosen and "container_authorization_token_file" not in chosen:
        told.pop("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", None)
    if "disable_ec2_metadata" in chosen:
        told["AWS_EC2_METADATA_DISABLED"] = str(chosen["disable_ec2_metadata"]).lower()
    return told


def _metadata_fetcher(session: Session, told: Mapping[str, str]) -> InstanceMetadataFetcher:
    """Asks the instance metadata service as the session's variables say."""
    variable = session.get_config_variable
    return InstanceMetadataFetcher(
        timeout=variable("metadata_service_timeout"),
        num_attempts=variable("metadata_service_num_attempts"),
        user_agent=session.user_agent(),
        env=dict(told),
        config={
            "ec2_metadata_service_endpoint": variable("ec2_metadata_service_endpoint"),
            "ec2_metadata_service_endpoint_mode": resolve_imds_endpoint_mode(session),
            "ec2_metadata_v1_disabled": variable("ec2_metadata_v1_disabled"),
        },
    )


class _WebIdentity:
    """The member of the chain for a token file and a role that the environment names."""

    METHOD = "assume-role-with-web-identity"

    def __init__(self, session: Session, environ: Mapping[str, str]) -> None:
        self._session, self._environ = session, environ

    def load(self) -> Any:
        """Credentials that are fetched when asked for, or None."""
        token_file, role = self._environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"), self._environ.get("AWS_ROLE_ARN")
        if not token_file or not role:
            return None
        name = self._environ.get("AWS_ROLE_SESSION_NAME")
        fetcher = chain.AssumeRoleWithWebIdentityCredentialFetcher(
            client_creator=self._session.create_client,
            web_identity_token_loader=FileWebIdentityTokenLoader(token_file),
            role_arn=role,
            extra_args={"RoleSessionName": name} if name else {},
        )
        return chain.DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method=self.METHOD)


def _ask_once(prompts: list[str], prompt: str) -> str:
    if prompts:
        msg = "the role of this profile needs an MFA code for each refresh; use a provider that needs none"
        raise CredentialsError(msg)
    prompts.append(prompt)
    return getpass.getpass(prompt)


def _of_botocore(found: Any, frozen: Any) -> Credentials:
    """Our credentials from botocore's, with the expiry that botocore keeps to itself."""
    values = {"access_key_id": frozen.access_key, "secret_access_key": frozen.secret_key, "session_token": frozen.token}
    expiry: datetime | None = getattr(found, "_expiry_time", None)
    if expiry is None and isinstance(found, chain.RefreshableCredentials):
        expiry = datetime.now(UTC) + _UNTOLD_LIFETIME
    kept = {name: value for name, value in values.items() if value}
    return Credentials(kept, None if expiry is None else expiry.astimezone(UTC))


def _unknown_profile(profile: str, session: Session) -> str:
    known = ", ".join(sorted(session.available_profiles)) or "none"
    return f"there is no AWS profile {profile!r} in {_files(session)}; known profiles: {known}"


def _nothing_found(profile: str | None, session: Session) -> str:
    asked = f"the profile {profile!r}" if profile else "the environment"
    return (
        f"no AWS credentials found: {asked}, {_files(session)}, the container and the instance metadata service gave "
        "none; pass access_key_id and secret_access_key, a profile, a storage_options_provider, or anon=True"
    )


def _files(session: Session) -> str:
    return " and ".join(str(session.get_config_variable(name)) for name in ("credentials_file", "config_file"))
