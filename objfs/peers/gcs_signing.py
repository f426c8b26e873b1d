"""Signed URLs: only a service account's key, or an object that signs, can make them; a token cannot."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from objfs.credentials.gcs import plan_of
from objfs.credentials.gcs_files import parse_info, read_info
from objfs.credentials.gcs_plan import Method
from objfs.errors import CredentialsError
from objfs.peers.gcs_requests import endpoint_of, plain_class
from objfs.sdk import make

if TYPE_CHECKING:
    from objfs.sdk import PeerSetup, SdkPlane


def sign(plane: SdkPlane, path: str, expires: int, keywords: Mapping[str, Any]) -> str:
    """A URL that is good for ``expires`` seconds, as gcsfs makes it; may block.

    Raises
    ------
    CredentialsError
        The credentials cannot sign.
    """
    setup = plane.setup
    told = {"project": setup.keywords.get("project") or "objfs", "token": _signer(setup)}
    given = {**told, "endpoint_url": endpoint_of(setup), "version_aware": bool(setup.keywords.get("version_aware"))}
    # Nothing is asked of the server, so that this instance has no session to close.
    url: str = make(plain_class(plane.peer), given).sign(path, expiration=expires, **keywords)
    return url


def _signer(setup: PeerSetup) -> Any:
    """Credentials of google-auth that can sign."""
    found = None if setup.settings.value("skip_signature") else _found(setup)
    if found is None or not callable(getattr(found, "sign_bytes", None)):
        msg = (
            "a signed URL needs the key of a service account (token= or service_account=, a path or a dict), or a "
            "Credentials object that can sign; a token cannot"
        )
        raise CredentialsError(errno.EACCES, msg)
    return found


def _found(setup: PeerSetup) -> Any:
    plan = plan_of(setup.settings, {})
    if plan.method is Method.OBJECT:
        return plan.value
    if plan.method not in (Method.FILE, Method.KEY):
        return None
    from objfs.credentials.gcs_sources import load_info

    read = read_info(plan.value) if plan.method is Method.FILE else parse_info(plan.value, plan.description)
    return load_info(read, plan.description, plan)
