"""Take URLs apart without knowing any cloud. Nothing is normalised: what is not split off is kept as it was written."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote

from objfs.errors import UrlError
from objfs.records import record

REDACTED: Final = "***"

# Two characters at least, so that the drive of a Windows path is not taken for a scheme (RFC 3986, section 3.1).
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.\-]+)://", re.IGNORECASE)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_HOST_AND_PORT: Final = re.compile(r"(\[[0-9a-f:.]*\]|[^:\[\]]*)(?::([0-9]*))?", re.IGNORECASE)
# Schemes whose ``name@host`` is no user but a container, and no secret.
_CONTAINER_AT_HOST: Final = frozenset({"abfs", "abfss", "adl", "az", "azure", "wasb", "wasbs"})
_SECRET_PREFIXES: Final = ("x-amz-", "x-goog-", "x-ms-")
_SECRET_NAMES: Final = frozenset(
    {
        "access_token",
        "awsaccesskeyid",
        "googleaccessid",
        "key",
        "password",
        "secret",
        "sig",
        "signature",
        "token",
    }
)
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.\-]+://[^\s'\"<>]+", re.IGNORECASE)
_PARAMETER: Final = re.compile(r"(?P<mark>[?&;#])(?P<name>[^=?&;#]*)=(?P<value>[^&;#]*)")
# In a text that is more than a URL, one ends at a blank, a quote or a bracket.
_PARAMETER_IN_TEXT: Final = re.compile(r"(?P<mark>[?&;#])(?P<name>[\w%.\-]+)=(?P<value>[^&;#\s\"'<>\\)\]}]+)")


@record
class WebUrl:
    """An ``http`` or ``https`` URL, taken apart and still percent-encoded.

    Parameters
    ----------
    scheme, host
        Lower-cased.
    port
        None where it is absent or the default of the scheme.
    path
        With its leading slash; empty where the URL ends after the host.
    query
        Text after ``?`` and before ``#``; None without a ``?``.
    fragment
        Text after ``#``; None without one.
    shown
        The whole URL as messages may show it.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    query: str | None
    fragment: str | None
    shown: str


def scheme_of(url: str) -> str | None:
    """Name the scheme of a URL.

    Parameters
    ----------
    url
        A URL or a path.

    Returns
    -------
    str or None
        The lower-cased scheme, or None for a bare path or a path with a Windows drive.
    """
    match = _SCHEME.match(url)
    return match[1].lower() if match else None


def strip_scheme(url: str) -> str:
    """Cut ``scheme://`` off; a bare path is returned as it is."""
    match = _SCHEME.match(url)
    return url[match.end() :] if match else url


def split_web_url(url: str) -> WebUrl:
    """Take an ``http`` or ``https`` URL apart.

    ``urllib.parse.urlsplit`` would remove tabs and newlines, and so name another object.

    Parameters
    ----------
    url
        The URL.

    Returns
    -------
    WebUrl
        Its parts, not decoded.

    Raises
    ------
    UrlError
        Another scheme, a user name or password, or an authority that is not ``host[:port]``.
    """
    scheme = scheme_of(url)
    if scheme not in _DEFAULT_PORTS:
        msg = f"{redact_url(url)} is not an http or https URL"
        raise UrlError(msg)
    rest, hash_mark, fragment = strip_scheme(url).partition("#")
    rest, question_mark, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    # A password may hold "?" or "#", which would hide its "@" from the authority.
    if "@" in strip_scheme(url).partition("/")[0]:
        msg = f"{redact_url(url)} holds credentials; leave them out of the URL and pass them as options"
        raise UrlError(msg)
    match = _HOST_AND_PORT.fullmatch(authority)
    if match is None or not match[1]:
        msg = f"{redact_url(url)} has no valid host[:port] after {scheme}://"
        raise UrlError(msg)
    port = None if match[2] in {None, "", _DEFAULT_PORTS[scheme]} else int(match[2])
    return WebUrl(
        scheme=scheme,
        host=match[1].lower(),
        port=port,
        path=slash + path,
        query=query if question_mark else None,
        fragment=fragment if hash_mark else None,
        shown=redact_url(url),
    )


def split_query(query: str | None) -> list[tuple[str, str]]:
    """Split ``a=1&b`` into decoded pairs, in order; ``+`` stays a plus, a name without ``=`` has an empty value."""
    pairs = (part.partition("=") for part in (query or "").split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def percent_decode_once(text: str) -> str:
    """Decode percent sequences once, as UTF-8.

    Parameters
    ----------
    text
        Encoded text. ``+`` stays a plus, and a ``%`` that starts no sequence stays as it is.

    Returns
    -------
    str
        Decoded text; ``%252F`` becomes ``%2F``.

    Raises
    ------
    UrlError
        The bytes are not UTF-8, and would name no key.
    """
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        msg = f"{text!r} has percent sequences that are not UTF-8; object keys are UTF-8"
        raise UrlError(msg) from None


def redact_url(url: str) -> str:
    """Make a URL fit for messages: passwords, signatures and tokens are replaced by ``***``.

    Parameters
    ----------
    url
        A URL or a path, well-formed or not.

    Returns
    -------
    str
        The same with user information and the values of signing parameters hidden. Where a password may hold a slash,
        so that its end cannot be told, everything after the scheme is hidden.
    """
    match = _SCHEME.match(url)
    scheme = match[0] if match else ""
    authority, slash, rest = url[len(scheme) :].partition("/")
    user, at, host = authority.rpartition("@")
    if at and (":" in user or match is None or match[1].lower() not in _CONTAINER_AT_HOST):
        authority = f"{REDACTED}@{host}"
    elif not at and _may_start_credentials(authority, rest):
        return f"{scheme}{REDACTED}"
    return scheme + _PARAMETER.sub(_hide_secret, authority + slash + rest)


def redact_parameters(text: str) -> str:
    """Hide the values of signing parameters in a text that may quote URLs anywhere; everything else stays."""
    return _PARAMETER_IN_TEXT.sub(_hide_secret, text)


def redact_text(text: str) -> str:
    """The same, and who a URL names before its host."""
    return redact_parameters(_URL.sub(lambda match: redact_url(match[0]), text))


def without_secrets(value: Any) -> Any:
    """The value of an option that is no secret, but may be a URL that was pasted with a signature in it."""
    return redact_url(value) if isinstance(value, str) and "://" in value else value


def _may_start_credentials(authority: str, rest: str) -> bool:
    """Whether ``user:pass`` may stand here, cut in two by a slash of the password."""
    if authority.startswith(("arn:", "[")) or ":" not in authority:
        return False
    port = authority.rpartition(":")[2]
    return bool(port.strip("0123456789")) or "@" in rest


def _hide_secret(match: re.Match[str]) -> str:
    name = unquote(match["name"]).strip().lower()
    if name in _SECRET_NAMES or name.startswith(_SECRET_PREFIXES):
        return f"{match['mark']}{match['name']}={REDACTED}"
    return match[0]
