"""What a cloud is to the rest of objfs: rows, URL forms and a few pure functions. Everything that differs is here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from objfs.clouds._words import WriteWords
from objfs.options import OptionTable, Settings
from objfs.records import field, record
from objfs.types import Location, ObjectInfo


@record
class ParsedUrl:
    """One URL, taken apart.

    Parameters
    ----------
    location
        Bucket, key and, where the URL names one, version.
    options
        Canonical options that the URL implies (region, endpoint, addressing, a shared access signature); not in the
        repr, as they may be secret.
    """

    location: Location
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


@record
class StoreArguments:
    """Everything the data plane needs to build the store of one bucket; nothing is left to the environment.

    Parameters
    ----------
    config, client_options, retry_config
        As the data plane's constructor names them.
    bucket
        Bucket (or the host part of an access point) that the store is bound to.
    server
        Host, and port where one is named, for who watches the requests.
    """

    bucket: str
    config: Mapping[str, Any] = field(repr=False)
    client_options: Mapping[str, Any] = field(repr=False)
    retry_config: Mapping[str, Any] = field(repr=False)
    server: str = ""


@record
class PartBounds:
    """How a long object may be cut when it is written.

    Parameters
    ----------
    default_bytes
        Size of a part of an object whose size is not known before its end, and of the longest object that one request
        writes, where nobody asks for another.
    min_bytes
        Smallest size of a part that is not the last.
    max_count
        Parts that one object has at most.
    multiple
        Bytes that the size of a part must be a multiple of.
    parallel_bytes
        Size of a part of an object whose size is known: smaller, as so many parts as there may be need not be kept in
        reserve, so that more connections are busy in the same memory.
    requests_beside
        Requests of an upload beside those of its parts: what begins it and what ends it.
    """

    default_bytes: int
    min_bytes: int
    max_count: int
    multiple: int = 1
    parallel_bytes: int = 8 << 20
    requests_beside: int = 2


@record
class ErrorCodes:
    """What a service's own error codes say beyond the HTTP status.

    Parameters
    ----------
    exceptions
        Code to exception type and errno.
    expired
        The credentials are not valid any more.
    rejected
        The credentials are not accepted, which others may be (as opposed to: they do not allow this).
    doubtful
        Either of both.
    """

    exceptions: Mapping[str, tuple[type[OSError], int]]
    expired: frozenset[str]
    rejected: frozenset[str]
    doubtful: frozenset[str] = frozenset()


_NO_HOST: Final = r"(?!)"


def _any_key(_: str) -> str | None:
    return None


@record
class Cloud:
    """One cloud as data.

    Parameters
    ----------
    name
        ``s3``, ``gcs`` or ``azure``.
    schemes
        URL schemes, the canonical one first.
    extra
        The extra of objfs that installs the SDK plane.
    table
        Option rows.
    credential_options
        Canonical names that a provider may hand out and that replace static ones.
    positional
        Names of the constructor's positional arguments, in the order of the peer that the class takes over from.
    strip
        A URL of one of the schemes to the path that it names, ``bucket/key``, with all that the key may hold.
    split
        Path (``bucket/key``, with or without a scheme) to location; keys are opaque.
    parse_url
        Any URL form of the cloud to its parts; ``UrlError`` for what it refuses.
    resolve
        Checks combinations and fills in what follows from other settings (pure).
    store_arguments
        Settings and bucket to the data plane's arguments (pure).
    native_config
        What the data plane's ``config`` gets in addition where it looks credentials up by itself (pure).
    sdk_keywords
        Settings to the SDK plane's constructor keywords, without credentials (pure).
    store_refusal
        Why the data plane cannot serve these settings or this bucket exactly; None where it can.
    write_parameters
        What the settings say of every object that is written, in the words of the SDK plane's calls (pure).
    sufficient
        Sets of credential options, any one of which makes a request possible.
    store_class
        Name of obstore's class.
    read_keywords
        Keywords of a read beyond fsspec's own; the SDK plane serves a call that has one.
    data_keywords
        Keywords of a write that the data plane has words for.
    content_type
        The keywords of a write that give an object a content type.
    attributes
        These keywords as the data plane's attributes and tags (pure).
    parts
        How a long object may be cut.
    copy_bytes
        Largest object that one copy request takes; None where there is no bound.
    suffix_ranges
        Whether the last bytes of an object can be asked for without knowing its size.
    errors
        The service's error codes.
    url_keywords
        What fsspec's URL openers must hand on from a URL: nothing, or ``url_options`` with canonical options.
    split_version
        A location whose key ends in a version, as version-aware instances read it.
    with_version
        A location as a path that names its version.
    check_url
        Raises ``ConflictingOptionsError`` where a path, given as a URL, is at another place than the settings say.
    condition
        Field of `ObjectInfo` that tells one state of an object from another and that ``if_match`` takes: ``e_tag``,
        or ``version`` where it always is there (a generation). Reads send an ETag as If-Match; a version is compared
        with that of the answer, as no request for bytes takes it for a condition.
    listed_state
        Key of the entries of listings for `condition`.
    info
        What ``info()`` says of an object as far as the data plane knows it, under the peer's keys.
    words
        Where the peer's keywords of a write hold attributes and tags: the way opposite to `attributes`.
    signing
        HTTP method to the keywords of the peer's ``sign`` that make a URL for it.
    exclusive_copy
        Why the data plane cannot copy to a name only where that is free; None where it can.
    permissions
        What it takes to ``list``, to ``read`` and to ``write``, as the cloud calls it.
    uploads_begin
        Whether an upload in parts begins with a request of its own, which only those may make who may write, and
        leaves nothing when it is given up.
    api_hosts
        Hosts that are the cloud's own, in lower case. An https URL at one of them that `parse_url` refuses stays
        refused; one at any other host may be of a plain web server.
    key_refusal
        Why a call would touch another object than the one of a key; None where it would not.
    url_settings
        Options that `parse_url` takes by keyword, as they say which hosts are the cloud's besides.
    unsigned_writes
        Why the data plane should not write for an anonymous caller; None where it should.
    hides_repetition
        Whether obstore deletes in a way that does not tell whether the request was repeated.
    answers
        Names that mean another option in a provider's answer, which holds credentials only, than among options.
    """

    name: str
    schemes: tuple[str, ...]
    extra: str
    table: OptionTable
    credential_options: tuple[str, ...]
    positional: tuple[str, ...]
    strip: Callable[[str], str]
    split: Callable[[str], Location]
    parse_url: Callable[..., ParsedUrl]
    resolve: Callable[[Settings], Settings]
    store_arguments: Callable[[Settings, str], StoreArguments]
    native_config: Callable[[Settings], dict[str, Any]]
    sdk_keywords: Callable[[Settings], dict[str, Any]]
    store_refusal: Callable[[Settings, str], str | None]
    write_parameters: Callable[[Settings], dict[str, Any]]
    sufficient: tuple[tuple[str, ...], ...]
    store_class: str
    read_keywords: frozenset[str]
    data_keywords: frozenset[str]
    content_type: Callable[[str], dict[str, Any]]
    attributes: Callable[[Mapping[str, Any]], tuple[dict[str, str], dict[str, str]]]
    parts: PartBounds
    copy_bytes: int | None
    suffix_ranges: bool
    errors: ErrorCodes
    url_keywords: Callable[[str], dict[str, Any]]
    split_version: Callable[[Location], Location]
    with_version: Callable[[Location], str]
    check_url: Callable[[Settings, str], None]
    condition: Literal["e_tag", "version"]
    listed_state: str
    info: Callable[[Location, ObjectInfo], dict[str, Any]]
    words: WriteWords
    signing: Mapping[str, Mapping[str, Any]]
    exclusive_copy: Callable[[Settings], str | None]
    permissions: Mapping[str, str]
    uploads_begin: bool
    api_hosts: str = _NO_HOST
    key_refusal: Callable[[str], str | None] = _any_key
    url_settings: tuple[str, ...] = ()
    unsigned_writes: str | None = None
    hides_repetition: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
