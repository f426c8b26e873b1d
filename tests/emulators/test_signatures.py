"""The API of the installed peers: every method, attribute and call keyword is there, and does what it does there.

Each keyword that ``inspect`` finds has a case, run on the peer itself and on both engines, or is among the differences
of docs/reference/differences.toml. ``python -m tests.emulators.differences`` prints the counts.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from objfs.opening import CLASSES
from tests.clouds import CLOUDS
from tests.emulators.differences import TOLD, counts, listed_keywords, listed_names, main, to_be_shown, unaccounted
from tests.emulators.signature_bench import CASES, WHO, Bench, Case
from tests.emulators.signatures import (
    PEERS,
    attributes_of,
    constructor_of,
    file_keywords_of,
    offline,
    peer_class,
    positional_of,
    verbs_of,
)

for peer in ("s3fs", "gcsfs", "adlfs"):
    pytest.importorskip(peer)

each_cloud = pytest.mark.parametrize("cloud", CLOUDS)


def _cases() -> list:
    return [
        pytest.param(each, (each.cloud, who), id=f"{each}-{who}")
        for each in CASES.values()
        for who in WHO
        if who != "peer" or each.not_on_peer is None
    ]


@pytest.fixture
def bench(request, tmp_path):
    """What a case works with."""
    cloud, who = request.param
    return Bench(request.getfixturevalue(f"{cloud}_cloud"), who, tmp_path, _versioned(request, cloud))


def _versioned(request, cloud):
    if cloud == "s3":
        return lambda: request.getfixturevalue("make_bucket")(request.getfixturevalue("moto_server"), versioned=True)
    return lambda: request.getfixturevalue("make_gcs_bucket")(versioned=True)


@pytest.mark.parametrize(("each", "bench"), _cases(), indirect=["bench"])
def test_keyword_has_its_effect(each: Case, bench: Bench) -> None:
    """On the peer, on either engine."""
    each.check(bench)


# -- nothing is left out ----------------------------------------------------------------------------------------------


@each_cloud
def test_every_keyword_has_a_case_or_is_listed(cloud, record_property):
    """Of objfs's own methods, of public ones that are handed to the peer, and of files."""
    record_property("counts", counts(cloud))
    assert unaccounted(cloud) == [], f"{PEERS[cloud]}: {counts(cloud)}"


@each_cloud
def test_every_method_is_there(cloud):
    """Public ones and underscore coroutines."""
    missing = [verb.name for verb in verbs_of(cloud) if verb.kind == "missing"]
    assert set(missing) <= listed_names(cloud), f"{PEERS[cloud]}: {counts(cloud)}"


@each_cloud
def test_cases_show_what_the_peer_has(cloud):
    """A case of a keyword that is gone is noticed, but for those that fsspec's function serves on one side only."""
    known = {(verb.name, keyword) for verb in verbs_of(cloud) for keyword in verb.keywords}
    known |= {("open", keyword) for keyword in file_keywords_of(cloud)}
    other = {("transaction_type", "fs"), ("glob", "maxdepth")}
    assert {pair for each in CASES.values() if each.cloud == cloud for pair in each.shows} - known <= other


@each_cloud
def test_differences_are_real(cloud):
    """A row whose name or keyword no peer has any more is noticed, and one that is there after all."""
    verbs = {verb.name: verb for verb in verbs_of(cloud)}
    told = {(name, keyword) for name, verb in verbs.items() for keyword in verb.keywords} | set(to_be_shown(cloud))
    told |= {("__init__", keyword) for keyword in constructor_of(cloud)}
    own = [row for row in TOLD["signature"] if row["peer"] == PEERS[cloud]]
    assert {name for row in own for name in row.get("names", ())} <= {*verbs, *attributes_of(cloud)}
    assert {tuple(each.rsplit(".", 1)) for row in own for each in row.get("keywords", ())} <= told


@each_cloud
def test_differences_name_tests_that_exist(cloud):
    """A test that is renamed is noticed."""
    tests = Path(__file__).parents[1]
    for row in TOLD["behaviour"]:
        for named in row["tests"]:
            file, _, test = named.partition("::")
            assert f"def {test}(" in (tests / file).read_text("utf-8") if test else (tests / file).exists()


def test_counts_are_printed(capsys):
    """For whoever wants to cite them."""
    main()
    printed = capsys.readouterr().out
    assert all(f"{peer} " in printed for peer in PEERS.values())


# -- attributes, positions, what is handed over -----------------------------------------------------------------------


@each_cloud
def test_attributes_know_the_same(cloud):
    """But for those that are listed; what needs a server is asked for in a case."""
    theirs, ours = offline(cloud)
    asked = {"fsid", "buckets", "transaction", "dircache", "storage_args", "storage_options"}
    names = [name for name in attributes_of(cloud) if name not in asked | listed_names(cloud)]
    assert {name: getattr(ours, name) for name in names} == {name: getattr(theirs, name) for name in names}
    assert all(
        hasattr(type(ours), name) for name in asked & set(attributes_of(cloud)) - {"dircache"} if "_" not in name
    )


@each_cloud
def test_listed_attributes_are_there_or_not_as_it_is_said(cloud):
    """Secrets are not; the others are, with values of our own."""
    _, ours = offline(cloud)
    for row in TOLD["signature"]:
        if row["peer"] != PEERS[cloud]:
            continue
        for name in set(row.get("names", ())) & set(attributes_of(cloud)):
            assert hasattr(ours, name) is row.get("there", False), name


# What gcsfs's class for buckets with folders has in another order than its plain class; both are understood.
IN_TWO_ORDERS = {"mkdir"}


@each_cloud
def test_arguments_have_the_order_of_the_peer(cloud):
    """A call by position means the same."""
    _, ours = offline(cloud)
    wrong = []
    for verb in verbs_of(cloud):
        if verb.kind != "own" or verb.name in IN_TWO_ORDERS or (verb.name, verb.keywords[-1:]) == ("_list_pages", ()):
            continue
        twin = getattr(type(ours), verb.name)
        takes_all = any(item.kind is item.VAR_POSITIONAL for item in inspect.signature(twin).parameters.values())
        found = positional_of(getattr(type(ours), f"_{verb.name}", twin) if takes_all else twin)
        listed = {keyword for name, keyword in listed_keywords(cloud) if name == verb.name}
        wanted = tuple(name for name in verb.positional if name in found or name not in listed)
        if found[: len(wanted)] != wanted:
            wrong.append((verb.name, wanted, found))
    assert wrong == []


def _forwarded() -> list:
    return [
        pytest.param(cloud, verb, id=f"{cloud}-{verb.name}")
        for cloud in CLOUDS
        for verb in verbs_of(cloud)
        if verb.kind == "forwarded"
    ]


@pytest.mark.parametrize(("cloud", "verb"), _forwarded())
def test_call_reaches_the_method_of_the_peer(monkeypatch, cloud, verb):
    """With each keyword as it was given; what comes of it is the peer's own."""
    _, ours = offline(cloud)
    # A subclass of the peer's, which replaces what sends its requests.
    owner = type(ours.connection.sdk.instance())
    static, told = inspect.getattr_static(owner, verb.name), {name: object() for name in verb.keywords}
    seen, answer = [], object()

    def plain(*args, **kwargs):
        seen.append(kwargs)
        return answer

    async def coroutine(*args, **kwargs):
        return plain(**kwargs)

    fake = coroutine if inspect.iscoroutinefunction(static) else plain
    monkeypatch.setattr(owner, verb.name, staticmethod(fake) if isinstance(static, staticmethod) else fake)
    found = getattr(ours, verb.name)(**told)
    if inspect.isawaitable(found):
        found = ours.run_blocking(found)
    assert (found is answer, seen) == (True, [told])


@each_cloud
def test_instances_are_of_our_classes(cloud):
    """The peers are not imported for it."""
    _, ours = offline(cloud)
    assert isinstance(ours, CLASSES[cloud])
    assert not isinstance(ours, peer_class(cloud))
