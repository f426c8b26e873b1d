"""What follows from the settings of S3 together: contradictions are refused, and neutral options find their meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from objfs.casts import as_bool, as_pem
from objfs.clouds import s3_hosts as hosts
from objfs.clouds._combine import (
    adopt,
    checked_anonymous,
    checked_certificates,
    checked_customer_key,
    checked_endpoint,
    contradiction,
    put,
)
from objfs.clouds.s3_rows import TABLE
from objfs.errors import IncompleteCredentialsError, OptionError
from objfs.options import Origin, Setting, Settings

DEFAULT_REGION: Final = "us-east-1"
R2_REGION: Final = "auto"

STATIC_KEYS: Final = ("access_key_id", "secret_access_key", "session_token")
PROVIDERS: Final = ("storage_options_provider", "credential_provider")
CONTAINER: Final = (
    "container_credentials_relative_uri",
    "container_credentials_full_uri",
    "container_authorization_token_file",
    "container_authorization_token",
)
WEB_IDENTITY: Final = ("role_arn", "web_identity_token_file")

# What `aws_provider_scheme` leaves out.
_OTHER_CREDENTIALS: Final[Mapping[str, tuple[str, ...]]] = {
    "token": (*CONTAINER, *WEB_IDENTITY),
    "ecs": (*STATIC_KEYS, *WEB_IDENTITY),
    "irsa": (*STATIC_KEYS, *CONTAINER),
}
_COPY_IF_NOT_EXISTS: Final = r"multipart|header:[^:]+:.*|header-with-status:[^:]+:.*:[0-9]{3}"


def resolve(settings: Settings) -> Settings:
    """Check combinations and fill in what follows from other settings.

    Parameters
    ----------
    settings
        Of all layers, as ``translate`` returns them.

    Returns
    -------
    Settings
        With a region, an endpoint with a scheme (or none), and only options that mean one thing.

    Raises
    ------
    ConflictingOptionsError
        Options contradict each other.
    IncompleteCredentialsError
        Half of a key pair, or a token without a pair.
    OptionError
        A value makes no sense.
    """
    for step in _STEPS:
        settings = step(settings)
    return settings


def _unsigned(settings: Settings) -> Settings:
    """The UNSIGNED of botocore, which is no text, means anonymous."""
    setting = settings.get("signature_version")
    if setting is None or (isinstance(setting.value, str) and setting.value.lower() != "unsigned"):
        return settings
    return adopt(TABLE, settings.without("signature_version"), "skip_signature", True, setting)


def _identity(settings: Settings) -> Settings:
    """Whole key pairs, and no credentials beside ``skip_signature``."""
    scheme = settings.value("aws_provider_scheme")
    if scheme is not None:
        settings = settings.without(*_OTHER_CREDENTIALS[scheme])
    given = [name for name in STATIC_KEYS if name in settings]
    missing = [name for name in ("access_key_id", "secret_access_key") if name not in settings]
    if given and missing:
        told = " and ".join(f"{settings[name].spelling} ({settings[name].origin})" for name in given)
        msg = f"{told} given without {' and '.join(missing)}; give the whole pair, or none of it"
        raise IncompleteCredentialsError(msg)
    if settings.value("auth_type") and not given and not any(name in settings for name in PROVIDERS):
        msg = "auth_type='access_key' is given without access_key_id and secret_access_key"
        raise IncompleteCredentialsError(msg)
    return _anonymous(settings)


def _anonymous(settings: Settings) -> Settings:
    unsigned = settings.get("skip_signature")
    if unsigned is None or not unsigned.value:
        return settings
    # Pods find a role and a profile in their environment without asking for them; keys are put there on purpose.
    named = STATIC_KEYS if unsigned.origin is Origin.ENVIRONMENT else (*STATIC_KEYS, *PROVIDERS, "profile", "session")
    checked_anonymous(unsigned, [settings[name] for name in named if name in settings])
    return settings.without(*STATIC_KEYS, *PROVIDERS, *WEB_IDENTITY, "profile", "expires_at")


def _signer(settings: Settings) -> Settings:
    """Remote signing needs something that signs; a name from Iceberg's properties is not enough."""
    signer, wanted = settings.get("request_signer"), settings.get("remote_signing")
    if signer is not None and not callable(signer.value):
        msg = f"{signer.spelling!r} must be a callable that signs a request; {type(signer.value).__name__} is none"
        raise OptionError(msg)
    if wanted is not None and wanted.value and signer is None:
        msg = f"{wanted.spelling!r} asks for remote signing; pass request_signer=, a callable that signs a request"
        raise OptionError(msg)
    return settings


def _verify(settings: Settings) -> Settings:
    """The ``verify`` of botocore is a boolean or a path."""
    setting = settings.get("client_kwargs.verify")
    if setting is None:
        return settings
    settings = settings.without("client_kwargs.verify")
    try:
        checked = as_bool(setting.value)
    except ValueError:
        return adopt(TABLE, settings, "root_certificate", _authority(setting), setting)
    return adopt(TABLE, settings, "allow_invalid_certificates", not checked, setting)


def _authority(setting: Setting) -> str | Path:
    try:
        return as_pem(setting.value)
    except ValueError:
        msg = f"option {setting.spelling!r} ({setting.origin}): expected a boolean or the path of a PEM file"
        raise OptionError(msg) from None


def _endpoint(settings: Settings) -> Settings:
    """An endpoint with a scheme and without a bucket, that agrees with what the options say of TLS."""
    settings = checked_endpoint(TABLE, settings, "endpoint")
    return _without_bucket(settings) if "endpoint" in settings else settings


def _one_endpoint(settings: Settings) -> Settings:
    """The highest layer's endpoint."""
    ignored = settings.get("ignore_configured_endpoint_urls")
    found = [settings[name] for name in ("endpoint", "aws_endpoint_url_s3") if name in settings]
    if ignored is not None and ignored.value:
        found = [setting for setting in found if setting.origin < Origin.ENVIRONMENT]
    settings = settings.without("endpoint", "aws_endpoint_url_s3")
    if not found:
        return settings
    # Of one layer the narrower name goes first, which is the later one.
    chosen = min(reversed(found), key=lambda setting: setting.origin)
    return put(TABLE, settings, "endpoint", chosen.value, chosen)


def _without_bucket(settings: Settings) -> Settings:
    """The canonical endpoint holds no bucket; one that did says that the bucket is part of the host."""
    setting, virtual = settings["endpoint"], settings.get("virtual_hosted_style_request")
    if virtual is not None and not virtual.value:
        return settings
    bucket = settings.get("bucket")
    bare = hosts.without_aws_bucket(setting.value)
    # AWS_BUCKET may name any bucket: that a host begins with its name is no proof.
    if bare is None and bucket is not None and (virtual is not None or bucket.origin < Origin.ENVIRONMENT):
        bare = hosts.without_bucket(setting.value, bucket.value)
    if bare is None:
        return settings
    settings = put(TABLE, settings, "endpoint", bare, setting)
    return settings if virtual is not None else put(TABLE, settings, "virtual_hosted_style_request", True, setting)


def _variants(settings: Settings) -> Settings:
    """Other hosts of AWS exclude an endpoint, and acceleration excludes path style."""
    endpoint = settings.get("endpoint")
    for name in ("use_dualstack_endpoint", "use_fips_endpoint", "use_accelerate_endpoint"):
        variant = settings.get(name)
        if variant is None or not variant.value or endpoint is None:
            continue
        if variant.origin == endpoint.origin:
            contradiction(variant, endpoint)
        if variant.origin > endpoint.origin:
            settings = settings.without(name)
        else:
            settings, endpoint = settings.without("endpoint"), None
    accelerate, fips = settings.get("use_accelerate_endpoint"), settings.get("use_fips_endpoint")
    virtual = settings.get("virtual_hosted_style_request")
    if accelerate is None or not accelerate.value:
        return settings
    if virtual is not None and not virtual.value:
        contradiction(accelerate, virtual)
    if fips is not None and fips.value:
        contradiction(accelerate, fips)
    return settings


def _region(settings: Settings) -> Settings:
    default = settings.get("default_region")
    settings = settings.without("default_region")
    if "region" in settings:
        return settings
    if default is not None:
        return put(TABLE, settings, "region", default.value, default)
    r2 = hosts.is_r2(settings.value("endpoint"))
    return settings.with_values(Origin.DEFAULT, {"region": R2_REGION if r2 else DEFAULT_REGION}, TABLE)


def _part_size(settings: Settings) -> Settings:
    if hosts.is_r2(settings.value("endpoint")) and "fixed_upload_size" not in settings:
        return settings.with_values(Origin.DEFAULT, {"fixed_upload_size": True}, TABLE)
    return settings


def _proxies(settings: Settings) -> Settings:
    """Of botocore's proxies by the scheme of the request, one client needs one."""
    setting = settings.get("config_kwargs.proxies")
    if setting is None:
        return settings
    plain = not settings.value("use_ssl", True) or str(settings.value("endpoint", "")).startswith("http:")
    url = setting.value.get("http" if plain else "https")
    settings = settings.without("config_kwargs.proxies")
    return settings if url is None else adopt(TABLE, settings, "proxy_url", str(url), setting)


def _encryption(settings: Settings) -> Settings:
    """Iceberg's one key is a KMS key or a customer key; a key says which kind of encryption is meant."""
    neutral, kind = settings.get("s3.sse.key"), settings.get("server_side_encryption")
    if neutral is not None:
        custom = kind is not None and kind.value == "sse-c"
        name = "sse_customer_key_base64" if custom else "sse_kms_key_id"
        settings = adopt(TABLE, settings, name, neutral.value, neutral)
    settings = settings.without("s3.sse.key", "s3.sse.md5", "s3_additional_kwargs.SSECustomerAlgorithm")
    for name, kinds in (("sse_kms_key_id", ("aws:kms", "aws:kms:dsse")), ("sse_customer_key_base64", ("sse-c",))):
        key = settings.get(name)
        if key is None:
            continue
        if kind is None or (kind.value not in kinds and kind.origin > key.origin):
            kind = Setting(TABLE.by_name["server_side_encryption"], kinds[0], key.origin, key.spelling)
        elif kind.value not in kinds and kind.origin < key.origin:
            settings = settings.without(name)
            continue
        elif kind.value not in kinds:
            contradiction(kind, key)
        settings = put(TABLE, settings, "server_side_encryption", kind.value, kind)
    return _customer_key(settings)


def _customer_key(settings: Settings) -> Settings:
    key = settings.get("sse_customer_key_base64")
    if key is None:
        if settings.value("server_side_encryption") == "sse-c":
            msg = "server_side_encryption='sse-c' needs sse_customer_key_base64, the key of 32 bytes in base64"
            raise OptionError(msg)
        return settings
    checked_customer_key(key)
    return settings


def _copy(settings: Settings) -> Settings:
    setting = settings.get("copy_if_not_exists")
    if setting is not None and not re.fullmatch(_COPY_IF_NOT_EXISTS, setting.value):
        msg = (
            f"option {setting.spelling!r} ({setting.origin}): expected multipart, header:NAME:VALUE or "
            f"header-with-status:NAME:VALUE:STATUS, got {setting.shown}"
        )
        raise OptionError(msg)
    return settings


_STEPS: Final[Iterable[Callable[[Settings], Settings]]] = (
    _unsigned,
    _identity,
    _signer,
    _verify,
    checked_certificates,
    _one_endpoint,
    _variants,
    _endpoint,
    _region,
    _part_size,
    _proxies,
    _encryption,
    _copy,
)
