"""Records behave as frozen dataclasses with slots do: every test runs on both."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Iterator, Mapping
from functools import cached_property

import pytest

from objfs import records


@records.record
class Record:
    """Of the module, for pickle."""

    name: str
    secret: str = records.field(repr=False)
    size: int = 3
    more: dict = records.field(default_factory=dict, hash=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    """The same."""

    name: str
    secret: str = dataclasses.field(repr=False)
    size: int = 3
    more: dict = dataclasses.field(default_factory=dict, hash=False)


@pytest.fixture(params=[Record, Frozen], ids=["record", "dataclass"])
def made(request):
    return request.param


@pytest.fixture
def replace(made):
    return records.replace if made is Record else dataclasses.replace


def test_fields_are_given_by_position_and_by_name(made):
    """What is not given has its default, made anew where it can change."""
    value = made("a", secret="s")
    assert (value.name, value.secret, value.size, value.more) == ("a", "s", 3, {})
    assert made("a", "s", 4, {"b": 1}).more == {"b": 1}
    assert value.more is not made("a", "s").more


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param((), {}, id="too few"),
        pytest.param(("a",), {"size": 1}, id="one is missing"),
        pytest.param(("a", "s", 1, {}, 2), {}, id="too many"),
        pytest.param(("a", "s"), {"colour": 1}, id="unknown"),
        pytest.param(("a", "s"), {"name": "b"}, id="twice"),
        pytest.param(("a", "s", 1, {}), {"name": "b"}, id="all and one twice"),
    ],
)
def test_wrong_fields_are_a_type_error(made, given, named):
    """As for any function."""
    with pytest.raises(TypeError, match=made.__name__):
        made(*given, **named)


def test_a_value_cannot_be_changed(made):
    """Neither its fields nor anything else."""
    value = made("a", "s")
    with pytest.raises(AttributeError):
        value.name = "b"
    with pytest.raises((AttributeError, TypeError)):
        value.colour = "b"
    with pytest.raises(AttributeError):
        del value.name
    assert value == made("a", "s")


def test_values_are_equal_where_all_their_fields_are(made):
    """And of one class; a field may stay out of the hash."""
    assert made("a", "s") == made("a", "s")
    assert made("a", "s") != made("a", "t")
    assert made("a", "s") != ("a", "s", 3, {})
    assert Record("a", "s") != Frozen("a", "s")
    assert hash(made("a", "s", 3, {"b": 1})) == hash(made("a", "s"))
    assert hash(made("a", "s")) != hash(made("b", "s"))


def test_the_repr_leaves_secrets_out(made):
    """What is not to be shown is not shown."""
    assert repr(made("a", "s")) == f"{made.__name__}(name='a', size=3, more={{}})"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_value_can_be_copied(made, again):
    """And pickled."""
    value = made("a", "s", 4, {"b": 1})
    assert again(value) == value


def test_replace_makes_another_value(made, replace):
    """The first one stays as it is."""
    value = made("a", "s", 4)
    assert replace(value, name="b") == made("b", "s", 4)
    assert value.name == "a"
    with pytest.raises(TypeError):
        replace(value, colour="b")


@pytest.mark.parametrize(
    "make",
    [records.record, dataclasses.dataclass(frozen=True, slots=True)],
    ids=["record", "dataclass"],
)
def test_a_class_may_check_its_values_and_have_methods(make):
    """One field is enough; what the class says itself goes before what it is given."""

    @make
    class Even:
        number: int

        def __post_init__(self) -> None:
            if self.number % 2:
                raise ValueError(self.number)

        def __repr__(self) -> str:
            return f"<{self.number}>"

    assert (repr(Even(2)), Even(2), hash(Even(2))) == ("<2>", Even(2), hash(Even(2)))
    with pytest.raises(ValueError, match="3"):
        Even(3)


@pytest.mark.parametrize(
    "make", [records.record(slots=False), dataclasses.dataclass(frozen=True)], ids=["record", "dataclass"]
)
def test_without_slots_something_can_be_cached_beside_the_fields(make):
    """In a class that has a base, too; the field itself stays frozen."""

    @make
    class Words(Mapping):
        words: tuple[str, ...]

        @cached_property
        def lengths(self) -> dict[str, int]:
            return {word: len(word) for word in self.words}

        def __getitem__(self, word: str) -> int:
            return self.lengths[word]

        def __iter__(self) -> Iterator[str]:
            return iter(self.words)

        def __len__(self) -> int:
            return len(self.words)

    words = Words(("a", "bc"))
    assert dict(words) == {"a": 1, "bc": 2}
    assert words.lengths is words.lengths
    with pytest.raises(AttributeError):
        words.words = ()
