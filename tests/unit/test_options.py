"""One walk over rows and layers: names, precedence, conflicts, identities, casts and errors."""

from __future__ import annotations

from itertools import pairwise

import pytest

from objfs.casts import as_milliseconds
from objfs.errors import ConflictingOptionsError, OptionError, UnknownOptionError
from objfs.options import (
    REDACTED,
    Layer,
    Option,
    OptionTable,
    Origin,
    environment_layer,
    normalise,
    translate,
)
from objfs.spellings import place

TABLE = OptionTable(
    (
        Option(
            name="region",
            meaning="",
            aliases=("aws_region", "kw.region_name"),
            weak_aliases=("client.region",),
            env=("AWS_REGION", "REGION"),
            store="config.region",
            sdk="kw.region_name",
        ),
        Option(name="key", meaning="", aliases=("access-key",), env=("KEY",), identity=True),
        Option(name="secret", meaning="", aliases=("password",), env=("SECRET",), identity=True, secret=True),
        Option(name="token", meaning="", env=("TOKEN",), identity=True, secret=True),
        Option(name="anon", meaning="", kind="bool", env=("ANON",), identity=True),
        Option(
            name="path_style",
            meaning="",
            kind="bool",
            inverse_aliases=("virtual",),
            store="config.virtual",
            to_store=lambda path: not path,
        ),
        Option(name="timeout", meaning="", kind="duration", readings={"timeout_ms": as_milliseconds}),
        Option(name="style", meaning="", kind="bool", readings={"addressing": {"path": True, "auto": None}.get}),
        Option(name="retries", meaning="", kind="int", secret=False),
        Option(name="pin", meaning="", kind="int", secret=True),
        Option(name="mode", meaning="", values=("Fast", "Slow")),
        Option(name="kw", meaning="", kind="dict", members="kw.", sdk="kw", sdk_only=True),
        Option(name="kw.inner", meaning="", kind="dict", members="kw.inner.", sdk="kw.inner"),
        Option(name="kw.inner.depth", meaning="", kind="int", sdk="kw.inner.depth"),
        Option(name="config", meaning="", kind="dict", members=""),
        Option(name="vended", meaning="", kind="dict", members="vended."),
        Option(name="vended.key", meaning=""),
        Option(name="headers", meaning="", kind="dict", secret=True, store="client.headers"),
    ),
    ignorable=("warehouse", "base_<id>.<key>"),
)

ORDER = [Origin.KEYWORD, Origin.URL, Origin.FSSPEC_CONFIG, Origin.ENVIRONMENT, Origin.CONFIG_FILE, Origin.DEFAULT]


def read(origin=Origin.KEYWORD, **given):
    return translate(TABLE, [Layer(origin, given)])


def layer(origin, **given):
    if origin is Origin.ENVIRONMENT:
        return environment_layer(TABLE, {name.upper(): value for name, value in given.items()})
    return Layer(origin, given)


@pytest.mark.parametrize(("higher", "lower"), list(pairwise(ORDER)), ids=str)
def test_translate_prefers_the_higher_layer(higher, lower):
    """In whatever order the layers come."""
    layers = [layer(higher, region="a"), layer(lower, region="a" if lower is Origin.URL else "b")]
    for given in (layers, layers[::-1]):
        setting = translate(TABLE, given)["region"]
        assert (setting.value, setting.origin) == ("a", higher)


def test_translate_merges_layers_option_by_option():
    """A layer that says nothing of an option leaves it to the next."""
    settings = translate(TABLE, [layer(Origin.KEYWORD, mode="fast"), layer(Origin.ENVIRONMENT, region="b")])
    assert (settings.value("mode"), settings.value("region")) == ("Fast", "b")


def test_translate_refuses_a_keyword_that_contradicts_the_url():
    """Both are explicit, so neither can be meant to give way."""
    layers = [layer(Origin.KEYWORD, aws_region="a"), layer(Origin.URL, region="b")]
    with pytest.raises(ConflictingOptionsError, match=r"'aws_region' \(keyword\) and 'region' \(url\).*'a' and 'b'"):
        translate(TABLE, layers)


def test_translate_accepts_a_keyword_that_repeats_the_url():
    """Saying the same twice is no contradiction."""
    settings = translate(TABLE, [layer(Origin.KEYWORD, region="a"), layer(Origin.URL, region="a")])
    assert settings["region"].origin is Origin.KEYWORD


@pytest.mark.parametrize("name", ["region", "REGION", "aws-region", "AWS_REGION", " aws_region "])
def test_translate_reads_names_in_any_case_and_with_either_dash(name):
    """Names are case-insensitive, and ``-`` and ``_`` are alike."""
    assert read(**{name: "a"}).value("region") == "a"


def test_translate_keeps_the_spelling_for_messages():
    """Users look for the name that they wrote."""
    assert read(**{"AWS-Region": "a"})["region"].spelling == "AWS-Region"


def test_translate_refuses_two_names_with_different_values():
    """Neither is silently dropped."""
    with pytest.raises(ConflictingOptionsError, match=r"'region' .*'aws_region' .*'a' and 'b'; give one of them"):
        read(region="a", aws_region="b")


def test_translate_accepts_two_names_with_equal_values():
    """Values are compared after their cast."""
    assert read(region="a", aws_region="a").value("region") == "a"
    assert read(timeout="2s", timeout_ms=2000).value("timeout").total_seconds() == 2


def test_translate_never_shows_secrets_that_conflict():
    """The names say enough."""
    with pytest.raises(ConflictingOptionsError) as caught:
        read(secret="hunter2", password="swordfish")
    assert "hunter2" not in str(caught.value)
    assert "swordfish" not in str(caught.value)
    assert REDACTED in str(caught.value)


@pytest.mark.parametrize("order", [("region", "client.region"), ("client.region", "region")], ids=["after", "before"])
def test_translate_lets_a_weak_name_give_way(order):
    """Of one layer the specific name wins over the general one."""
    values = {"region": "strong", "client.region": "weak"}
    assert read(**{name: values[name] for name in order}).value("region") == "strong"
    assert read(**{"client.region": "weak"}).value("region") == "weak"


def test_translate_ignores_none():
    """None is how callers say "not given"."""
    lower = layer(Origin.ENVIRONMENT, aws_region="b")
    assert translate(TABLE, [layer(Origin.KEYWORD, region=None), lower]).value("region") == "b"
    assert not read(region=None, retries=None, kw=None)


def test_translate_ignores_an_empty_credential():
    """``key=os.environ.get("KEY", "")`` gives none."""
    settings = translate(TABLE, [layer(Origin.KEYWORD, key="", secret=""), layer(Origin.ENVIRONMENT, key="k")])
    assert settings["key"].origin is Origin.ENVIRONMENT
    assert "secret" not in settings


def test_translate_takes_one_identity_from_one_layer():
    """A session token of the environment is never attached to keys that were given."""
    keyword = layer(Origin.KEYWORD, key="k", secret="s")
    settings = translate(TABLE, [keyword, layer(Origin.ENVIRONMENT, key="k2", token="t", region="b")])
    assert sorted(settings) == ["key", "region", "secret"]
    assert settings.value("key") == "k"


def test_translate_takes_the_environments_identity_when_no_other_is_given():
    """Whole, with its token."""
    settings = translate(TABLE, [layer(Origin.KEYWORD, region="a"), layer(Origin.ENVIRONMENT, key="k", token="t")])
    assert (settings.value("key"), settings.value("token")) == ("k", "t")


def test_translate_lets_anonymous_shut_out_lower_credentials():
    """``anon=True`` is an identity, too."""
    assert sorted(translate(TABLE, [layer(Origin.KEYWORD, anon=True), layer(Origin.ENVIRONMENT, key="k")])) == ["anon"]


def test_translate_does_not_take_not_anonymous_for_an_identity():
    """``anon=False`` asks for whatever credentials there are."""
    settings = translate(TABLE, [layer(Origin.KEYWORD, anon=False), layer(Origin.ENVIRONMENT, key="k")])
    assert settings.value("key") == "k"


def test_translate_does_not_let_the_environment_undo_given_keys():
    """AWS_SKIP_SIGNATURE must not strip signatures off explicit keys."""
    settings = translate(TABLE, [layer(Origin.KEYWORD, key="k"), layer(Origin.ENVIRONMENT, anon="true")])
    assert "anon" not in settings


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("regoin", "region"), ("acess_key", "access_key"), ("aws_regio", "aws_region")],
)
def test_translate_names_the_nearest_option_of_an_unknown_one(name, nearest):
    """Of all names in all vocabularies."""
    with pytest.raises(UnknownOptionError, match=f"unknown storage option '{name}'; did you mean '{nearest}'"):
        read(**{name: "x"})


def test_translate_invents_no_nearest_option():
    """A name like no other gets no hint."""
    with pytest.raises(UnknownOptionError, match=r"unknown storage option 'zzzzzz'$"):
        read(zzzzzz="x")


def test_unknown_option_is_a_type_error():
    """As for any wrong keyword argument."""
    with pytest.raises(TypeError):
        read(zzzzzz="x")


@pytest.mark.parametrize("name", ["warehouse", "WAREHOUSE", "base_0.region", "base_a-b.c.d"])
def test_translate_accepts_and_ignores_names_that_configure_something_else(name):
    """They travel in the storage options of table formats."""
    assert not read(**{name: object()})


@pytest.mark.parametrize("name", ["base_.x", "base_0", "xbase_0.y", "warehouses"])
def test_translate_ignores_no_more_than_those(name):
    """A placeholder stands for some text, and the whole name must fit."""
    with pytest.raises(UnknownOptionError):
        read(**{name: "x"})


def test_translate_names_option_type_and_origin_of_a_bad_value():
    """What was expected, what was found, and where it came from."""
    with pytest.raises(OptionError, match=r"option 'retries' \(keyword\): expected a whole number, got 'many'"):
        read(retries="many")
    with pytest.raises(OptionError, match=r"option 'ANON' \(environment\): expected a boolean.*, got 'maybe'"):
        translate(TABLE, [environment_layer(TABLE, {"ANON": "maybe"})])


def test_translate_never_shows_a_bad_secret():
    """Its type is enough."""
    with pytest.raises(OptionError, match=r"option 'pin' \(keyword\): expected a whole number, got str") as caught:
        read(pin="hunter2")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_translate_never_shows_an_object():
    """Its repr is not ours, and may hold anything."""
    with pytest.raises(OptionError, match=r"got list$"):
        read(region=["hunter2"])


def test_translate_reads_a_choice_in_any_case():
    """And gives it as the row spells it."""
    assert read(mode="FAST").value("mode") == "Fast"
    with pytest.raises(OptionError, match="expected one of Fast, Slow, got 'medium'"):
        read(mode="medium")


def test_translate_reads_a_name_of_the_opposite_meaning():
    """And compares it after turning it round."""
    assert read(virtual="true").value("path_style") is False
    assert read(virtual="true", path_style="false").value("path_style") is False
    with pytest.raises(ConflictingOptionsError):
        read(virtual="true", path_style="true")


def test_translate_reads_a_name_in_its_own_words():
    """A word that says nothing counts as not given."""
    assert read(addressing="path").value("style") is True
    assert "style" not in read(addressing="auto")


def test_translate_lifts_known_members_out_of_a_dict():
    """What no row knows stays, spelled as it was."""
    settings = read(kw={"Region_Name": "a", "Other": 1})
    assert settings.value("region") == "a"
    assert settings.value("kw") == {"Other": 1}


def test_translate_never_changes_the_callers_dict():
    """It may be shared."""
    given = {"region_name": "a", "other": 1}
    read(kw=given)
    assert given == {"region_name": "a", "other": 1}


def test_translate_lifts_members_of_nested_dicts():
    """At any depth."""
    settings = read(kw={"inner": {"depth": "3", "other": 1}})
    assert settings.value("kw.inner.depth") == 3
    assert settings.value("kw.inner") == {"other": 1}
    assert "kw" not in settings


def test_translate_reads_a_dict_from_json():
    """As environments and configuration files have to write it."""
    assert read(kw='{"region_name": "a"}').value("region") == "a"


def test_translate_refuses_a_dict_option_that_is_none():
    """With the message of any bad value."""
    with pytest.raises(OptionError, match=r"option 'kw' \(keyword\): expected a mapping, got 5"):
        read(kw=5)


def test_translate_reads_members_of_a_config_dict_as_options():
    """The same names, the same conflicts."""
    assert read(config={"aws_region": "a"}).value("region") == "a"
    with pytest.raises(ConflictingOptionsError):
        read(config={"aws_region": "a"}, region="b")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        pytest.param({"config": {"regoin": "a"}}, "regoin", id="config"),
        pytest.param({"vended": {"kye": "a"}}, "vended.kye", id="a-dict-that-no-backend-takes"),
    ],
)
def test_translate_refuses_unknown_members_that_would_go_nowhere(given, name):
    """Only a dict that the SDK takes may hold what we do not know."""
    with pytest.raises(UnknownOptionError, match=f"'{name}'"):
        read(**given)


def test_environment_layer_takes_the_first_variable_that_is_set():
    """An empty variable counts as unset."""
    assert environment_layer(TABLE, {"AWS_REGION": "", "REGION": "b"}).values == {"REGION": "b"}
    assert environment_layer(TABLE, {"AWS_REGION": "a", "REGION": "b"}).values == {"AWS_REGION": "a"}


def test_environment_layer_leaves_other_variables_alone():
    """A process has many that are none of our business."""
    assert environment_layer(TABLE, {"HOME": "/root", "aws_region": "a"}).values == {}


def test_table_refuses_a_name_of_two_options():
    """It would mean one or the other by chance."""
    table = OptionTable((Option(name="a", meaning="", aliases=("x",)), Option(name="b", meaning="", aliases=("X",))))
    with pytest.raises(ValueError, match="'x' belongs to both 'a' and 'b'"):
        _ = table.index


def test_table_gives_a_variable_as_name_unless_another_option_has_it():
    """Environment-style options work, and explicit names go first."""
    table = OptionTable((Option(name="a", meaning="", env=("B", "A_VARIABLE")), Option(name="b", meaning="")))
    assert table.index["a_variable"][0].name == "a"
    assert table.index["b"][0].name == "b"


def test_settings_give_each_backend_its_words():
    """Slots of the data plane, nested keywords of the SDK; what no backend takes is left out."""
    settings = read(region="a", path_style=True, mode="slow", kw={"x": 1, "inner": {"y": 2}}, headers={"h": "1"})
    assert settings.for_store() == {
        "config": {"region": "a", "virtual": False},
        "client": {"headers": {"h": "1"}},
        "retry": {},
    }
    assert settings.for_sdk() == {"kw": {"x": 1, "inner": {"y": 2}, "region_name": "a"}}


def test_settings_name_what_the_data_plane_has_no_word_for():
    """Options that are switched off do not count."""
    assert [setting.spelling for setting in read(kw={"x": 1}).sdk_only()] == ["kw"]
    assert read(kw={}).sdk_only() == []


def test_settings_can_be_replaced_and_left_out():
    """Each gives new settings."""
    settings = read(region="a", mode="slow")
    changed = settings.with_values(Origin.DEFAULT, {"region": "b"}, TABLE).without("mode")
    assert {name: (s.value, s.origin) for name, s in changed.items()} == {"region": ("b", Origin.DEFAULT)}
    assert settings.value("region") == "a"


def test_settings_show_no_secret():
    """Not in a repr, and not as what may be shown."""
    settings = read(secret="hunter2", headers={"h": "hunter2"}, region="a")
    assert "hunter2" not in repr(settings)
    assert [settings[name].shown for name in ("secret", "headers", "region")] == [REDACTED, REDACTED, "'a'"]


def test_layer_shows_no_value():
    """A layer holds whatever the caller wrote, under whatever name."""
    assert "hunter2" not in repr(Layer(Origin.KEYWORD, {"secret": "hunter2"}))


def test_place_merges_mappings_and_leaves_none_out():
    """So that rows refine what a dict option says."""
    target = {"a": {"b": {"x": 1}}}
    place(target, "a.b", {"y": 2})
    place(target, "a.c", None)
    place(target, "d.e", 3)
    assert target == {"a": {"b": {"x": 1, "y": 2}}, "d": {"e": 3}}


@pytest.mark.parametrize("name", ["s3.path-style-access", " S3.PATH_STYLE_ACCESS"])
def test_normalise_makes_spellings_equal(name):
    """Case, dashes and spaces around a name."""
    assert normalise(name) == "s3.path_style_access"


OPEN = OptionTable((Option(name="sas.<host>", meaning="By host.", kind="dict", members="sas.", secret=True),))


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"sas.a.net": 1, "SAS.b-c": 2}, id="names"),
        pytest.param({"sas.<host>": {"a.net": 1, "b-c": 2}}, id="dict"),
        pytest.param({"sas.<host>": {"a.net": 1}, "sas.b-c": 2}, id="both"),
    ],
)
def test_name_with_an_open_ending_gives_members(given):
    """Each under the text that stands in the place of the word, as it was written."""
    settings = translate(OPEN, [Layer(Origin.KEYWORD, given)])
    assert settings["sas.<host>"].value == {"a.net": 1, "b-c": 2}
    assert OPEN.index["sas.x"][0].secret


@pytest.mark.parametrize("name", ["sas.", "sas", "xsas.a"])
def test_name_with_an_open_ending_needs_one(name):
    """The beginning alone is another name."""
    with pytest.raises(UnknownOptionError):
        translate(OPEN, [Layer(Origin.KEYWORD, {name: 1})])
