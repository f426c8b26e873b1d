"""Endpoints, whosever they are: what one must look like, and what is meant by one without a scheme."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit


def is_address(host: str) -> bool:
    """Whether a host is an IP address, in which no name can stand."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_local(host: str) -> bool:
    """Whether a host without a scheme is taken for a server without TLS."""
    return host == "localhost" or host.endswith(".localhost") or is_address(host)


def complete_endpoint(endpoint: str, *, tls: bool | None = None, advice: str = "") -> str:
    """An endpoint with a scheme and without a slash at its end.

    Parameters
    ----------
    endpoint
        URL, or ``host[:port]``, either with a path.
    tls
        What the options say of one without a scheme; None: https, but http for localhost and IP addresses.
    advice
        What to do instead of a query.

    Raises
    ------
    ValueError
        No host, another scheme, or credentials, a query or a fragment, none of which is shown.
    """
    text = endpoint.strip()
    if "://" not in text:
        host = urlsplit(f"//{text}").hostname or ""
        text = f"{'http' if (is_local(host) if tls is None else not tls) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        has_host, _ = bool(parts.hostname), parts.port
    except ValueError:
        msg = "the port or the address is not valid"
        raise ValueError(msg) from None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not has_host:
        msg = "expected https://host[:port]"
        raise ValueError(msg)
    if parts.username is not None or parts.password is not None:
        msg = "credentials do not belong into an endpoint; pass them as options"
        raise ValueError(msg)
    if parts.query or parts.fragment:
        msg = f"an endpoint has no query and no fragment{advice}"
        raise ValueError(msg)
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
