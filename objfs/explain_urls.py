"""Explain any URL, with the options that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from objfs.checks import explained, plainly_explained
from objfs.explanation import Explanation
from objfs.filesystem import ObjectFileSystem
from objfs.opening import from_url
from objfs.prefixed import PrefixFileSystem
from objfs.urls import scheme_of


def explain(url: str, *, check: Sequence[str] = (), fetch: bool = False, **storage_options: Any) -> Explanation:
    """Tell what objfs makes of a URL and its options; nothing is sent unless ``check`` or ``fetch`` asks for it.

    Parameters
    ----------
    url
        As `from_url` takes it.
    check
        Of ``list``, ``read`` and ``write``: try them, each with as few requests as can be, and say what is wrong.
        Writing begins an upload and gives it up, which leaves nothing.
    fetch
        Ask for credentials, so that their expiry is known.
    **storage_options
        As `from_url` takes them.

    Returns
    -------
    Explanation
        ``str()`` of it is for people, ``to_dict()`` for programs. It holds no secret.

    Raises
    ------
    UrlError, OptionError, MissingExtraError
        As `from_url` does: what it makes of the URL cannot be told then, and the error says why.
    ValueError
        ``check`` names something else.

    Examples
    --------
    >>> found = explain("s3://bucket/data/a.parquet", anon=True, region="eu-west-1")
    >>> found.bucket, found.key
    ('bucket', 'data/a.parquet')
    >>> next(fact.source for fact in found.options if fact.name == "region")
    "keyword 'region'"
    """
    fs, path = from_url(url, **storage_options)
    if isinstance(fs, PrefixFileSystem):
        fs, path = fs.fs, fs._join(path)  # noqa: SLF001 - fsspec's own name for it
    if isinstance(fs, ObjectFileSystem):
        return explained(fs, path, check=check, fetch=fetch, url=url)
    return plainly_explained(fs, path, url=url, scheme=scheme_of(url) or "file", check=check)
