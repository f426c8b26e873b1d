"""What the object_store family calls the attributes and tags of a write, said in the words of a cloud's peer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from objfs.errors import ConflictingOptionsError, NotSupportedError
from objfs.records import record

# RFC 9110: tokens (section 5.6.2) without capitals, and of values (section 5.5) those that are ASCII.
# As text: re compiles them when there is something to write.
_HEADER_NAME: Final = r"[a-z0-9!#$%&'*+.^_`|~-]+"
_HEADER_VALUE: Final = r"[!-~](?:[ -~]*[!-~])?"


@record
class WriteWords:
    """Where the peer's keywords of a write hold what the object_store family calls attributes and tags.

    Parameters
    ----------
    headers
        Attribute, in lower case, to the keyword that says it; a second name is the member of a keyword that is a dict.
    metadata
        Keyword that takes all other attributes, which are user metadata.
    tags
        Keyword that takes tags; None where the cloud has none.
    tags_as_text
        Tags are said as a query string.
    lower_case
        The service keeps names of metadata in lower case.
    plain
        Brings keywords that can be said in several ways into one.
    """

    headers: Mapping[str, tuple[str, ...]]
    metadata: str
    tags: str | None
    tags_as_text: bool = False
    lower_case: bool = False
    plain: Callable[[Mapping[str, Any]], dict[str, Any]] = dict


def with_attributes(
    words: WriteWords,
    keywords: Mapping[str, Any],
    attributes: Mapping[str, str] | None,
    tags: Mapping[str, str] | str | None,
) -> dict[str, Any]:
    """The peer's keywords of a write, with attributes and tags among them.

    Parameters
    ----------
    words
        Of the cloud.
    keywords
        What the caller says in the peer's own words.
    attributes
        ``Content-Type``, ``Cache-Control``, ``Content-Disposition``, ``Content-Encoding``, ``Content-Language``,
        ``Storage-Class``; any other name is user metadata.
    tags
        A dict, or a query string.

    Raises
    ------
    ConflictingOptionsError
        A keyword of the peer says something else.
    NotSupportedError
        The cloud has no tags.
    TypeError
        A value is no text.
    """
    said: dict[str, Any] = {}
    for name, value in (attributes or {}).items():
        if not isinstance(value, str):
            msg = f"attributes map names to text; {name!r} is mapped to {type(value).__name__}"
            raise TypeError(msg)
        place = words.headers.get(name.lower(), (words.metadata, name))
        one: Any = value
        for part in reversed(place):
            one = {part: one}
        said = _merged(said, one)
    given = words.plain(keywords)
    if tags:
        if words.tags is None:
            msg = "this cloud has no tags of objects; store them as metadata: attributes={...}"
            raise NotSupportedError(msg)
        wanted = _merged(_tags(given.pop(words.tags, None)), _tags(tags), f"{words.tags}.")
        said[words.tags] = urlencode(wanted) if words.tags_as_text else wanted
    return _merged(given, said)


def fit_headers(words: WriteWords, attributes: Mapping[str, str]) -> bool:
    """Whether attributes come out of the headers of a request as they go in: the data plane sends them so.

    It writes names in lower case, and what is no ASCII it sends in another way than the SDKs, or not at all.
    """
    return all(
        re.fullmatch(_HEADER_VALUE, value)
        and (name.lower() in words.headers or re.fullmatch(_HEADER_NAME, name.lower() if words.lower_case else name))
        for name, value in attributes.items()
    )


def with_defaults(keywords: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of a write, with what is said where they say nothing; also within those that are dicts."""
    found = {**defaults, **keywords}
    for name, value in defaults.items():
        own = keywords.get(name)
        if isinstance(value, Mapping) and isinstance(own, Mapping):
            found[name] = with_defaults(own, value)
    return found


def _merged(own: Mapping[str, Any], said: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Both together; what is said twice must be the same."""
    found = dict(own)
    for name, value in said.items():
        before = found.get(name)
        if before is None or before is False:
            found[name] = value
        elif isinstance(before, Mapping) and isinstance(value, Mapping):
            found[name] = _merged(before, value, f"{where}{name}.")
        elif before != value:
            msg = f"{where}{name} is said twice, with different values; leave one of attributes=, tags= and {name}= out"
            raise ConflictingOptionsError(msg)
    return found


def _tags(tags: Mapping[str, str] | str | None) -> dict[str, str]:
    if isinstance(tags, str):
        return dict(parse_qsl(tags, keep_blank_values=True))
    return {str(name): str(value) for name, value in (tags or {}).items()}
