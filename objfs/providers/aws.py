"""Credentials of AWS: roles, taken on with keys or with a web identity, and sessions of botocore and boto3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Final

from objfs.casts import as_duration
from objfs.connection import environ
from objfs.credentials import aws
from objfs.credentials.values import Credentials, Source, StaticSource
from objfs.errors import ConflictingOptionsError, CredentialsError, MissingExtraError, OptionError
from objfs.providers.base import ReadyMade, as_options, from_environment
from objfs.providers.own import settings_of

_KEYS: Final = ("access_key_id", "secret_access_key", "session_token")
_CLIENT: Final = {"endpoint_url": "endpoint_url_sts", "region": "region"}


def _needs_botocore(name: str) -> None:
    if find_spec("botocore") is None:
        msg = f"the provider {name!r} needs botocore; install objfs[s3] or boto3"
        raise MissingExtraError(msg)


class _Role(ReadyMade):
    """What both ways to take on a role share: the role, and the session that it is used in."""

    name: ClassVar[str]
    role_arn: str
    role_session_name: str | None
    duration: Any
    policy: Any
    policy_arns: Any
    endpoint_url: str | None
    region: str | None

    shown: ClassVar[tuple[str, ...]] = ("role_arn", "role_session_name", "endpoint_url")

    def _request(self) -> dict[str, Any]:
        """The parameters of the call: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html."""
        import json

        told = {name: from_environment(getattr(self, name)) for name in ("role_arn", "role_session_name", "policy")}
        request = {
            "RoleArn": told["role_arn"],
            "RoleSessionName": told["role_session_name"] or aws.DEFAULT_SESSION_NAME,
        }
        if self.duration is not None:
            request["DurationSeconds"] = int(as_duration(self.duration).total_seconds())
        if told["policy"]:
            policy = told["policy"]
            request["Policy"] = policy if isinstance(policy, str) else json.dumps(policy)
        if self.policy_arns:
            given = [self.policy_arns] if isinstance(self.policy_arns, str) else self.policy_arns
            request["PolicyArns"] = [{"arn": arn} for arn in given]
        return request

    def _client(self, base: Credentials | None) -> Any:
        from objfs.credentials import aws_chain

        told = {option: from_environment(getattr(self, name)) for name, option in _CLIENT.items()}
        chosen = {option: value for option, value in told.items() if value}
        return aws_chain.sts_client(chosen, dict(environ()), base)


@dataclass(eq=False, repr=False)
class AssumeRole(_Role):
    """Take on a role at STS, of AWS or of a server that speaks its protocol.

    Parameters
    ----------
    role_arn
        The role; servers without roles, such as MinIO, take any text of the form.
    role_session_name
        Shown in logs of the cloud; default ``objfs``.
    external_id
        What a third party must say.
    duration
        Of the session, as seconds or text; at least 15 minutes.
    policy
        Session policy, as JSON text or a dict: what the credentials may at most.
    policy_arns
        Managed policies that bound them likewise.
    tags
        Session tags.
    source_identity
        Who stands behind the session.
    access_key_id, secret_access_key, session_token
        Who takes the role on; ``$NAME`` for environment variables. Default: `profile` or the chain of AWS.
    profile
        A profile that takes it on.
    endpoint_url
        Of STS.
    region
        Of STS.
    """

    role_arn: str
    role_session_name: str | None = None
    external_id: str | None = None
    duration: Any = None
    policy: Mapping[str, Any] | str | None = None
    policy_arns: Sequence[str] | str | None = None
    tags: Mapping[str, str] | None = None
    source_identity: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    region: str | None = None

    name: ClassVar[str] = "aws-assume-role"

    def __post_init__(self) -> None:
        if self.access_key_id and self.profile:
            msg = "access_key_id and profile both say who takes on the role; give one of them"
            raise ConflictingOptionsError(msg)
        if bool(self.access_key_id) != bool(self.secret_access_key):
            msg = "access_key_id and secret_access_key belong together; give both, or none for the chain of AWS"
            raise OptionError(msg)

    def fetch_storage_options(self) -> dict[str, str]:
        """Ask STS."""
        _needs_botocore(self.name)
        request = self._request()
        if self.external_id:
            request["ExternalId"] = from_environment(self.external_id)
        if self.tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in from_environment(self.tags).items()]
        if self.source_identity:
            request["SourceIdentity"] = from_environment(self.source_identity)
        answer = self._client(self._base().fetch()).assume_role(**request)
        return as_options(aws.of_role(answer, None))

    def _base(self) -> Source:
        """Who takes on the role."""
        keys = {name: from_environment(getattr(self, name)) for name in _KEYS if getattr(self, name)}
        if keys:
            return StaticSource(Credentials(keys), "keys of a provider", "the keys of the provider")
        told = {"profile": self.profile, "endpoint_url_sts": self.endpoint_url, "region": self.region}
        return aws.chain_source(settings_of("s3", told, environment=False), environ())


@dataclass(eq=False, repr=False)
class WebIdentity(_Role):
    """Take on a role at STS with a token of somebody else: a Kubernetes service account, an OpenID provider.

    Parameters
    ----------
    role_arn
        The role.
    token_file
        File that holds the token; read for each fetch, as platforms renew it.
    token
        The token itself, or, as it expires, rather ``$NAME`` for an environment variable.
    role_session_name, duration, policy, policy_arns, endpoint_url, region
        As of :class:`AssumeRole`.
    """

    role_arn: str
    token_file: str | None = None
    token: str | None = None
    role_session_name: str | None = None
    duration: Any = None
    policy: Mapping[str, Any] | str | None = None
    policy_arns: Sequence[str] | str | None = None
    endpoint_url: str | None = None
    region: str | None = None

    name: ClassVar[str] = "aws-web-identity"
    shown: ClassVar[tuple[str, ...]] = (*_Role.shown, "token_file")

    def __post_init__(self) -> None:
        if bool(self.token_file) == bool(self.token):
            msg = "the provider 'aws-web-identity' needs token_file or token, one of the two"
            raise OptionError(msg)

    def fetch_storage_options(self) -> dict[str, str]:
        """Ask STS; the request is not signed."""
        _needs_botocore(self.name)
        answer = self._client(None).assume_role_with_web_identity(**self._request(), WebIdentityToken=self._identity())
        return as_options(aws.of_role(answer, None))

    def _identity(self) -> str:
        if self.token:
            return str(from_environment(self.token))
        path = from_environment(self.token_file)
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            msg = f"the web identity token file {path!r} cannot be read"
            raise CredentialsError(msg) from error


@dataclass(eq=False, repr=False)
class AwsSession(ReadyMade):
    """The credentials of a session, until they really expire: what botocore knows of a role, SSO or a program.

    Parameters
    ----------
    session
        Of boto3, botocore or aiobotocore. It cannot be pickled; workers of another process need a `profile`.
    profile
        Of the AWS configuration files. Without either, the chain of AWS is asked.
    region, endpoint_url
        Of STS, where the profile names a role.
    """

    session: Any = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None

    shown: ClassVar[tuple[str, ...]] = ("profile",)

    def __post_init__(self) -> None:
        if self.session is not None and self.profile is not None:
            msg = "session and profile both say who the caller is; give one of them"
            raise ConflictingOptionsError(msg)

    def fetch_storage_options(self) -> dict[str, str]:
        """Ask the session, which renews its credentials by itself."""
        _needs_botocore("aws-session")
        if self.session is not None:
            return as_options(aws.session_source(self.session).fetch())
        told = {"profile": self.profile, "region": self.region, "endpoint_url_sts": self.endpoint_url}
        return as_options(aws.chain_source(settings_of("s3", told, environment=False), environ()).fetch())

    def __reduce__(self) -> tuple[Any, ...]:
        if self.session is not None:
            msg = "a provider on a session cannot be pickled, as the session cannot; name its profile instead"
            raise TypeError(msg)
        return super().__reduce__()
