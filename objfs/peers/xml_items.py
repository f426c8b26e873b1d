"""The objects in a page of a listing in XML, read by patterns that are learned from the page itself.

An SDK looks at each of some ten thousand elements of a page, though all objects have the same ones. Here the run of
objects is cut out of the page and read by one pattern for each shape that an object has; what is left is small and goes
to the SDK's own parser, which thereby decides about the rest: tokens, encodings, errors. A page is cut only where every
byte of the run is accounted for; whatever is not sure (a comment, CDATA, an attribute, an unknown reference, another
encoding) is left to the SDK as it is.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from objfs.records import record

_NAME: Final = r"[A-Za-z_][\w.-]*+"
_TAG: Final = re.compile(rf"<(/?)({_NAME})\s*+(/?)>", re.ASCII)
# The attributes of a root element hold namespaces and endpoints.
_TAG_WITH_ATTRIBUTES: Final = re.compile(rf"<(/?)({_NAME})(?:\s[^<>]*?)?(/?)>", re.ASCII)
_PROLOG: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml\s[^<>?]*\?>)?")
_ENCODING: Final = re.compile(rb"""encoding\s*=\s*["']([^"']*)""")
_REFERENCE: Final = re.compile(r"&(#?\w++);", re.ASCII)
_NAMED: Final[Mapping[str, str]] = {"lt": "<", "gt": ">", "amp": "&", "apos": "'", "quot": '"'}
# An item that has more than this is none of a listing; and compiling a pattern takes time.
_MOST_FIELDS: Final = 100
_MOST_SHAPES: Final = 20
_LONGEST_ITEM: Final = 100_000


@record
class Table:
    """All items of one shape.

    Parameters
    ----------
    tag
        The element that an item is.
    columns
        Path of an element within the item (``Properties/Etag``) to its text in each item, references resolved;
        where it is empty or absent, nothing.
    length
        How many items.
    """

    tag: str
    columns: Mapping[str, Sequence[str]]
    length: int


@record
class Cut:
    """A page without its items, and the items."""

    rest: bytes
    tables: list[Table]


@record
class _Shape:
    tag: str
    fields: tuple[str, ...]
    match: Callable[[str], re.Match[str] | None]


def cut(
    page: bytes, parents: Sequence[str], tags: Sequence[str], is_wanted: Callable[[str], bool] = lambda _: True
) -> Cut | None:
    """Take the items out of a page.

    Parameters
    ----------
    page
        The body of an answer.
    parents
        Names of the elements that the items are in, the root first.
    tags
        Names of the elements that are items.
    is_wanted
        Whether the text of an element is needed, by its path.

    Returns
    -------
    Cut or None
        None where there are no items, or the page has anything that is not sure to be read rightly.

    Raises
    ------
    OSError
        The page declares a document type. No service does, and entities could make it grow without bound.
    """
    if b"<!" in page:
        if b"<!DOCTYPE" in page:
            raise OSError(errno.EIO, "the answer is not a listing: it declares a document type")
        return None
    begins = {tag: at for tag in tags if (at := page.find(b"<%s>" % tag.encode())) >= 0}
    begin = min(begins.values(), default=0)
    stop = max((page.rfind(b"</%s>" % tag.encode()) + len(tag) + 3 for tag in begins), default=0)
    if begin >= stop or not _is_within(page[:begin], parents):
        return None
    try:
        run = page[begin:stop].decode()
    except UnicodeDecodeError:
        return None
    text = _resolver(run)
    tables = None if text is None or "\r" in run else _tables(run, list(begins), is_wanted, text)
    return None if tables is None else Cut(page[:begin] + page[stop:], tables)


def _is_within(head: bytes, parents: Sequence[str]) -> bool:
    """Whether what comes before the items is in UTF-8 and leaves exactly these elements open."""
    prolog = _PROLOG.match(head)
    declared = _ENCODING.search(prolog[0]) if prolog else None
    if prolog is None or (declared and declared[1].lower() not in (b"utf-8", b"utf8")) or b"<?" in head[prolog.end() :]:
        return False
    opened: list[str] = []
    for closing, name, empty in _TAG_WITH_ATTRIBUTES.findall(head[prolog.end() :].decode("utf-8", "replace")):
        if not closing and not empty:
            opened.append(name)
        elif closing and (not opened or opened.pop() != name):
            return False
    return opened == list(parents)


def _resolver(run: str) -> Callable[[str], str] | None:
    """What turns references into what they stand for; None where one is unknown."""
    references = run.count("&")
    if not references:
        return str
    for quote in ("&quot;", "&#34;"):  # as a rule those of ETags, and no other
        if run.count(quote) == references:
            return lambda text: text.replace(quote, '"')
    meant: dict[str, str] = {}
    found = _REFERENCE.findall(run)
    for name in set(found):
        char = _NAMED.get(name) or _numbered(name)
        if char is None:
            return None
        meant[name] = char
    if references != len(found):
        return None
    return lambda text: _REFERENCE.sub(lambda each: meant[each[1]], text) if "&" in text else text


def _numbered(name: str) -> str | None:
    """The character of ``#10`` or ``#xA``, where XML has it (https://www.w3.org/TR/xml/#charsets)."""
    digits = re.fullmatch(r"#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))", name)
    if digits is None:
        return None
    code = int(digits[1], 16) if digits[1] else int(digits[2])
    legal = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return chr(code) if legal else None


def _tables(
    run: str, tags: Sequence[str], is_wanted: Callable[[str], bool], text: Callable[[str], str]
) -> list[Table] | None:
    ends = [f"</{tag}>" for tag in tags]
    items = run.split(ends[0]) if len(ends) == 1 else re.split("|".join(ends), run)
    items.pop()  # a run ends with an item
    found: dict[_Shape, list[re.Match[str]]] = {}
    while items:
        shape = _learn(items[0], tags, is_wanted)
        if shape is None or len(found) == _MOST_SHAPES:
            return None
        matches = [shape.match(item) for item in items]
        found[shape] = [each for each in matches if each is not None]
        # As a rule nothing is left.
        items = [item for item, each in zip(items, matches, strict=True) if each is None]
    tables = [_table(shape, matches, text) for shape, matches in found.items()]
    ended = {tag: sum(each.length for each in tables if each.tag == tag) for tag in tags}
    return tables if len(tags) == 1 or all(run.count(f"</{tag}>") == ended[tag] for tag in tags) else None


def _table(shape: _Shape, matches: list[re.Match[str]], text: Callable[[str], str]) -> Table:
    columns: list[Sequence[str]] = list(zip(*[each.groups("") for each in matches], strict=True))
    if text is not str:
        columns = [list(map(text, column)) if "&" in "".join(column) else column for column in columns]
    return Table(shape.tag, dict(zip(shape.fields, columns, strict=True)), len(matches))


def _learn(item: str, tags: Sequence[str], is_wanted: Callable[[str], bool]) -> _Shape | None:
    """The pattern of items that have the elements of this one in its order, each with any text or none.

    The item comes without its last tag. What the pattern does not see, its match shows.
    """
    found = _TAG.findall(item) if len(item) <= _LONGEST_ITEM else []
    if not 1 <= len(found) <= 2 * _MOST_FIELDS or found[0][1] not in tags:
        return None
    parts, path = [""], list[str]()
    # Paths of all elements, and of those whose texts are wanted.
    elements, fields = list[str](), list[str]()
    rest = iter(zip(found, [*found[1:], None], strict=True))
    for (closing, name, empty), following in rest:
        tag = re.escape(name)
        if closing:
            if not path or path.pop() != name:
                return None
            parts.append(f"</{tag}>")
            continue
        elements.append("/".join([*path[1:], name]))
        if empty or following == ("/", name, ""):
            wanted = is_wanted(elements[-1])
            fields += elements[-1:] if wanted else []
            parts.append(rf"<{tag}\s*+(?:/>|>{'([^<]*+)' if wanted else '[^<]*+'}</{tag}>)")
            if not empty:
                next(rest)
        else:
            path.append(name)
            parts.append(f"<{tag}>")
    if len(path) != 1 or len(set(elements)) < len(elements):
        return None
    shape = _Shape(path[0], tuple(fields), re.compile(r"\s*+".join([*parts, ""]), re.ASCII).fullmatch)
    return shape if shape.match(item) else None
