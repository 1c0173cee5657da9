"""The parts of an offer are data: what may be asked, what is sold, and what is refused and why."""

import itertools
import pickle
import re
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from channelplans.calendar import Days, Months
from channelplans.errors import (
    BundlesNotAllowed,
    ChangedTooSoon,
    ChannelPlansError,
    ChannelsOutOfRange,
    InvalidValue,
    TotalNotReachable,
    WrongType,
)
from channelplans.money import Rounding
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeRule,
    Notice,
    Quantity,
    QuantityRule,
    RefundBasis,
    RefundRule,
    Step,
    TermRule,
    check_change,
    normalize_quantity,
    profiles_for,
    split_profiles,
    validate_bundles,
)

TENS = (Step(above=100, multiple=10),)
RULE = QuantityRule(1, 300, TENS, Rounding.DOWN)
BUNDLES = BundleRule("US minutes", minutes=5000, area=("US",))
DAILY = ChangeRule(cooldown=Days(1))
JAN_5 = date(2026, 1, 5)
INSTANT = datetime(2026, 1, 5, tzinfo=UTC)

NO_WHOLE_NUMBERS = [True, False, 105.0, "105", None, np.float64(105), np.True_]


def nearest(rounding):
    """Return the help page's rule with another rounding."""
    return QuantityRule(1, 300, TENS, rounding)


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        *[(1, 1), (2, 2), (99, 99), (100, 100)],
        *[(requested, 100) for requested in range(101, 110)],
        *[(110, 110), (119, 110), (120, 120), (294, 290), (295, 290), (299, 290), (300, 300)],
    ],
)
def test_above_one_hundred_only_tens_are_sold(requested, granted):
    """Above 100 a request is rounded down to a multiple of 10, up to 100 it is sold (H5)."""
    quantity = normalize_quantity(requested, RULE)

    assert (requested, granted) == (quantity.requested, quantity.granted)
    assert (requested != granted) is quantity.adjusted


@pytest.mark.parametrize(
    ("rounding", "granted"),
    [
        (Rounding.DOWN, [100, 100, 100, 110, 110, 290]),
        (Rounding.UP, [110, 110, 110, 120, 120, 300]),
        (Rounding.HALF_UP, [100, 110, 110, 110, 120, 300]),
        (Rounding.HALF_EVEN, [100, 100, 110, 110, 120, 300]),
    ],
)
def test_the_rounding_is_data(rounding, granted):
    """Another reading of the same step is another value of one parameter (F 1.4)."""
    rule = nearest(rounding)

    assert granted == [
        normalize_quantity(each, rule).granted for each in (104, 105, 106, 114, 115, 296)
    ]


@pytest.mark.parametrize(
    ("requested", "sentence"),
    [
        (100, "100 channels asked and sold"),
        (105, "105 channels asked, 100 sold: above 100, multiples of 10, rounded down"),
        (110, "110 channels asked and sold"),
    ],
)
def test_a_quantity_says_why(requested, sentence):
    """What was asked, what is sold and the step that made the difference."""
    assert sentence == str(normalize_quantity(requested, RULE))


def test_the_step_that_rounded_is_the_one_told():
    """With several steps the reason names the one that applied."""
    rule = QuantityRule(1, 1000, (Step(100, 10), Step(500, 100)), Rounding.DOWN)

    sentences = [str(normalize_quantity(each, rule)) for each in (105, 505)]

    assert ["above 100, multiples of 10", "above 500, multiples of 100"] == [
        sentence.split(": ")[1].removesuffix(", rounded down") for sentence in sentences
    ]


@pytest.mark.parametrize("requested", [0, -1, -(10**30)])
def test_fewer_than_one_channel_is_refused(requested):
    """One channel is the least; the error names both bounds (F 1.1)."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(requested, RULE)

    expected = f"channels must be at least 1 and at most 300, not {requested}"
    assert expected == str(caught.value)


@pytest.mark.parametrize("requested", range(301, 310))
def test_the_limit_is_on_what_is_asked(requested):
    """301 to 309 are refused although they would be rounded to 300 (H2)."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(requested, RULE)

    assert ((300, requested - 300), 300) == (caught.value.split, caught.value.maximum)


@pytest.mark.parametrize(
    ("requested", "needs"),
    [
        (350, "two profiles, 300 + 50"),
        (437, "three profiles, 300 + 130 + 7"),
        (1800, "six profiles, 300 + 300 + 300 + 300 + 300 + 300"),
    ],
)
def test_too_many_for_one_profile_says_which_profiles_would_do(requested, needs):
    """The error's way out is one that can be bought (H6)."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(requested, RULE)

    expected = f"channels must be at least 1 and at most 300; {requested} needs {needs}"
    assert expected == str(caught.value)


@pytest.mark.parametrize("requested", [10**6, 10**9, 10**30])
def test_far_too_many_are_refused_in_one_short_sentence(requested):
    """A request that hundreds of profiles would need does not list them."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(requested, RULE)

    expected = f"channels must be at least 1 and at most 300, not {requested}"
    assert expected == str(caught.value)


def test_a_way_out_over_many_profiles_is_not_listed():
    """The sentence stays short where a total takes many small profiles."""
    rule = QuantityRule(1, 1000, (Step(1, 1000),), Rounding.UP)

    # 1 and 1000 are sold: 1999 is 1000 and 999 ones.
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(1999, rule)

    assert len(str(caught.value)) < 200


def test_a_request_that_no_profiles_add_up_to_names_the_bounds():
    """Where no split exists, none is promised."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(15, QuantityRule(10, 10))

    assert "channels must be at least 10 and at most 10, not 15" == str(caught.value)


@pytest.mark.parametrize(
    ("parameter", "call"),
    [
        ("channels|requested", lambda number: normalize_quantity(number, RULE)),
        ("bundles", lambda number: validate_bundles(number, channels=5, rule=BUNDLES)),
        ("channels|total", lambda number: split_profiles(number, RULE)),
        ("channels|needed", lambda number: profiles_for(number, RULE)),
        ("maximum", lambda number: QuantityRule(1, number)),
    ],
)
def test_a_number_too_long_to_print_still_has_a_sentence(parameter, call):
    """A number of thousands of digits is refused with an error that can be printed."""
    with pytest.raises(ChannelPlansError) as caught:
        call(10**5000)

    assert isinstance(caught.value, ValueError)
    assert re.search(parameter, str(caught.value))


@pytest.mark.parametrize("value", NO_WHOLE_NUMBERS, ids=repr)
@pytest.mark.parametrize(
    ("parameter", "call"),
    [
        ("requested", lambda value: normalize_quantity(value, RULE)),
        ("requested", lambda value: Quantity(value, RULE)),
        ("total", lambda value: split_profiles(value, RULE)),
        ("needed", lambda value: profiles_for(value, RULE)),
        ("bundles", lambda value: validate_bundles(value, channels=5, rule=BUNDLES)),
        ("channels", lambda value: validate_bundles(0, channels=value, rule=BUNDLES)),
        ("minimum", lambda value: QuantityRule(value, 300)),
        ("maximum", lambda value: QuantityRule(1, value)),
        ("above", lambda value: Step(value, 10)),
        ("multiple", lambda value: Step(100, value)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_are_whole_numbers(parameter, call, value):
    """Neither a bool nor a float nor numeric text is a number of channels or bundles."""
    with pytest.raises(WrongType, match=rf"^{parameter} must be a whole number") as caught:
        call(value)

    assert repr(value) in caught.value.value


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.uint64, np.int16])
def test_numpy_integers_are_whole_numbers(kind):
    """Numbers out of an array are sold, split and checked like any other, whatever their width."""
    quantity = normalize_quantity(kind(105), RULE)
    validate_bundles(kind(100), channels=kind(100), rule=BUNDLES)
    found = (quantity.requested, quantity.granted, quantity.adjusted)

    assert (105, 100, True) == found
    assert [int, int] == [type(quantity.requested), type(quantity.granted)]
    assert (130, 7) == split_profiles(kind(137), RULE)
    assert (140,) == profiles_for(kind(137), RULE)
    assert {int} == set(map(type, split_profiles(kind(137), RULE) + profiles_for(kind(137), RULE)))


@pytest.mark.parametrize("kind", [int, np.uint8])
def test_a_bundle_rule_counts_with_plain_numbers(kind):
    """Two bundles for each of 200 channels are 400, also where 200 comes in eight bits."""
    assert 400 == BundleRule("US", 5000, ("US",), per_channel=2).most(kind(200))


@pytest.mark.parametrize(
    "call",
    [
        lambda rule: normalize_quantity(5, rule),
        lambda rule: split_profiles(5, rule),
        lambda rule: profiles_for(5, rule),
        lambda rule: validate_bundles(0, channels=5, rule=rule),
        lambda rule: check_change(None, on=JAN_5, rule=rule),
    ],
    ids=["normalize", "split", "profiles_for", "bundles", "change"],
)
@pytest.mark.parametrize("rule", [None, 300, TermRule(Days(30))], ids=repr)
def test_a_rule_of_another_kind_is_refused(call, rule):
    """Each function says which rule it goes by."""
    with pytest.raises(WrongType, match=r"^rule must be a (Quantity|Bundle|Change)Rule, not "):
        call(rule)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (RULE, "1 to 300 channels; above 100, multiples of 10, rounded down"),
        (QuantityRule(2, 8), "2 to 8 channels"),
    ],
)
def test_a_quantity_rule_says_what_it_sells(rule, expected):
    """The bounds, each step and its rounding."""
    assert expected == str(rule)


@pytest.mark.parametrize(
    ("minimum", "maximum", "parameter"),
    [(0, 300, "minimum"), (-1, 300, "minimum"), (301, 300, "maximum"), (1, 1_000_001, "maximum")],
)
def test_bounds_that_hold_nothing_are_refused(minimum, maximum, parameter):
    """At least one channel is sold, and at most a million on a profile."""
    with pytest.raises(InvalidValue, match=rf"^{parameter} must be at least "):
        QuantityRule(minimum, maximum)


@pytest.mark.parametrize(("above", "multiple"), [(-1, 10), (100, 0), (100, -10)])
def test_a_step_that_makes_no_sense_is_refused(above, multiple):
    """A step begins at 0 or later and sells multiples of at least 1."""
    with pytest.raises(InvalidValue, match=r"^(above|multiple) must be at least [01], not "):
        Step(above, multiple)


def test_one_number_may_be_all_there_is():
    """A rule that sells one number is a rule."""
    assert 7 == normalize_quantity(7, QuantityRule(7, 7)).granted


@pytest.mark.parametrize(
    ("minimum", "maximum", "steps", "rounding", "because"),
    [
        # Multiples of 30 above 100 sell 101 as 90, and 100 as 100.
        (1, 300, [(100, 30)], Rounding.DOWN, "101 would be sold as 90"),
        (95, 300, [(100, 30)], Rounding.DOWN, "101 would be sold as 90"),
        # 103 is sold as 103 below the step, 104 as 100 above it.
        (1, 300, [(103, 10)], Rounding.DOWN, "104 would be sold as 100"),
        (1, 305, [(100, 10)], Rounding.UP, "305 would be sold as 310"),
        (1, 305, [(100, 10)], Rounding.HALF_UP, "305 would be sold as 310"),
        (105, 300, [(100, 10)], Rounding.DOWN, "105 would be sold as 100"),
        (1, 300, [(0, 10)], Rounding.DOWN, "1 would be sold as 0"),
        # 15 goes up to 20 in the first step, and 16 down to 0 in the second.
        (10, 300, [(0, 10), (15, 100)], Rounding.HALF_UP, "would be sold as"),
        # 18 is sold as 20, which itself, above 18, is sold as 21.
        (4, 21, [(3, 4), (18, 7)], Rounding.UP, "itself be sold as 21"),
    ],
)
def test_steps_that_break_a_law_are_refused(minimum, maximum, steps, rounding, because):
    """Steps that sell outside the bounds, sell less for more, or do not settle, are refused."""
    made = tuple(Step(*each) for each in steps)

    with pytest.raises(InvalidValue, match=rf"^steps must be .*{because}"):
        QuantityRule(minimum, maximum, made, rounding)


@pytest.mark.parametrize(
    "steps", [[(100, 10), (100, 20)], [(200, 10), (100, 20)], [(300, 10)], [(400, 10)]], ids=str
)
def test_steps_rise_and_begin_below_the_maximum(steps):
    """Steps in disorder, twice at one place, or that nothing reaches, are refused."""
    with pytest.raises(InvalidValue, match=r"^steps must be steps that rise and begin below"):
        QuantityRule(1, 300, tuple(Step(*each) for each in steps))


@pytest.mark.parametrize("steps", [Step(100, 10), "100/10", [(100, 10)], None, [None]], ids=repr)
def test_steps_are_steps(steps):
    """Bare pairs of numbers do not say which is which."""
    with pytest.raises(WrongType, match=r"^steps"):
        QuantityRule(1, 300, steps)


@pytest.mark.parametrize(
    ("total", "profiles"),
    [
        (1, (1,)),
        (100, (100,)),
        (105, (100, 5)),
        (137, (130, 7)),
        (300, (300,)),
        (301, (300, 1)),
        (350, (300, 50)),
        (437, (300, 130, 7)),
        # Not 290 + 110 + 5, not 200 + 200 + 5: the first is the greatest that there can be.
        (405, (300, 100, 5)),
        (400, (300, 100)),
        (600, (300, 300)),
        (709, (300, 300, 100, 9)),
    ],
)
def test_a_total_is_split_over_the_fewest_profiles(total, profiles):
    """The fewest profiles, and among those the greatest first one, the greatest second one (H6)."""
    assert profiles == split_profiles(total, RULE)


def test_three_million_channels_are_split_at_once():
    """3,000,000 is 10,000 times 300, found within 50 ms; the best of three, on a busy machine."""
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        profiles = split_profiles(3_000_000, RULE)
        took.append(time.perf_counter() - begin)

    assert (300,) * 10_000 == profiles
    assert min(took) < 0.05


def test_a_million_profiles_are_the_most():
    """300,000,000 is a million profiles of 300; one channel more is refused, with what works."""
    with pytest.raises(TotalNotReachable) as caught:
        split_profiles(300_000_001, RULE)

    assert (300,) * 1_000_000 == split_profiles(300_000_000, RULE)
    assert (300_000_000,) == caught.value.nearest
    assert str(caught.value).endswith(
        "at most 1,000,000 profiles; the nearest total that can: 300,000,000"
    )


def test_almost_a_million_profiles():
    """999,998 times 300 and 137, which is 130 + 7, are a million profiles, and the most."""
    assert (300,) * 999_998 + (130, 7) == split_profiles(999_998 * 300 + 137, RULE)

    # 136 and 138 take two profiles too; 130 and 140 are the nearest that take one.
    with pytest.raises(TotalNotReachable) as caught:
        split_profiles(999_999 * 300 + 137, RULE)

    assert (999_999 * 300 + 130, 999_999 * 300 + 140) == caught.value.nearest


@pytest.mark.parametrize("total", [0, -1, -(10**30)])
def test_no_channels_need_no_profiles(total):
    """Nothing cannot be split; the least total that can is one channel."""
    with pytest.raises(TotalNotReachable) as caught:
        split_profiles(total, RULE)

    assert ((1,), total) == (caught.value.nearest, caught.value.total)


@pytest.mark.parametrize(
    ("rule", "total", "near"),
    [
        # Only 7s: 18 lies between 14 and 21.
        (QuantityRule(7, 7), 18, (14, 21)),
        (QuantityRule(7, 7), 6, (7,)),
        (QuantityRule(7, 7), 8, (7, 14)),
        # 10 to 12: one profile 10 to 12, two 20 to 24, three 30 to 36.
        (QuantityRule(10, 12), 13, (12, 20)),
        (QuantityRule(10, 12), 19, (12, 20)),
        (QuantityRule(10, 12), 29, (24, 30)),
        (QuantityRule(10, 300, (Step(0, 10),)), 3_000_001, (3_000_000, 3_000_010)),
        # Ones alone: a million of them, and not one more.
        (QuantityRule(1, 1), 1_000_001, (1_000_000,)),
        (QuantityRule(1, 2), 5_000_000, (2_000_000,)),
        (QuantityRule(2, 2), 1_999_999, (1_999_998, 2_000_000)),
        (QuantityRule(2, 2), 2_000_001, (2_000_000,)),
    ],
    ids=str,
)
def test_a_total_out_of_reach_names_the_nearest_that_work(rule, total, near):
    """The totals that are named can be split, and no nearer one can."""
    with pytest.raises(TotalNotReachable) as caught:
        split_profiles(total, rule)

    assert near == caught.value.nearest
    assert list(near) == [sum(split_profiles(each, rule)) for each in near]


def test_ones_up_to_the_most():
    """A million profiles of one channel are a split."""
    assert (1,) * 1_000_000 == split_profiles(1_000_000, QuantityRule(1, 1))


@pytest.mark.parametrize(
    ("needed", "profiles"),
    [
        (1, (1,)),
        (100, (100,)),
        (101, (110,)),
        (110, (110,)),
        (291, (300,)),
        (301, (300, 1)),
        (437, (300, 140)),
        (595, (300, 300)),
        (601, (300, 300, 1)),
    ],
)
def test_a_need_takes_the_fewest_profiles_and_then_the_least_total(needed, profiles):
    """437 becomes 300 + 140: one profile fewer than an exact split, and no channel too many."""
    assert profiles == profiles_for(needed, RULE)


def test_a_need_below_the_least_sold_takes_the_least():
    """Who needs 3 where 10 are the least buys 10."""
    assert (10,) == profiles_for(3, QuantityRule(10, 20))


@pytest.mark.parametrize("needed", [0, -1])
def test_a_need_is_at_least_one(needed):
    """Nobody needs profiles for nothing."""
    with pytest.raises(InvalidValue, match=rf"^needed must be at least 1, not {needed}"):
        profiles_for(needed, RULE)


def test_a_need_of_a_million_profiles_is_the_most():
    """What more than a million profiles would hold is refused with the most that they do."""
    with pytest.raises(TotalNotReachable) as caught:
        profiles_for(300_000_001, RULE)

    assert (300_000_000,) == caught.value.nearest
    assert (300,) * 1_000_000 == profiles_for(299_999_991, RULE)


@pytest.mark.parametrize(
    ("rule", "sizes"),
    [
        (QuantityRule(1, 30, (Step(3, 10),), Rounding.UP), (30, 20, 10, 3, 2, 1)),
        (QuantityRule(1, 10, (Step(1, 10),), Rounding.UP), (10, 1)),
        (QuantityRule(4, 10, (Step(4, 10),), Rounding.UP), (10, 4)),
        (QuantityRule(9, 14, (Step(9, 14),), Rounding.UP), (14, 9)),
    ],
    ids=lambda value: str(value) if isinstance(value, tuple) else "",
)
def test_a_split_over_sizes_with_gaps(rule, sizes):
    """The fewest profiles, then the greatest: against every combination of the sizes."""
    for total in range(1, 75):
        counts = range(1, total // sizes[-1] + 1)
        sums = (itertools.combinations_with_replacement(sizes, count) for count in counts)
        fits = ([each for each in some if sum(each) == total] for some in sums)
        expected = next((max(some) for some in fits if some), None)
        try:
            found = split_profiles(total, rule)
        except TotalNotReachable:
            found = None

        assert expected == found


def test_a_rule_with_a_gap_is_split_at_once():
    """Singly up to 9, then by hundreds: 1,099 takes 1,000 and eleven nines."""
    rule = QuantityRule(1, 1_000, (Step(9, 100),), Rounding.UP)
    begin = time.perf_counter()
    profiles = split_profiles(1_099, rule)
    took = time.perf_counter() - begin

    assert (1_000, *(9,) * 11) == profiles
    assert took < 1


def test_a_bundle_rule_says_what_it_gives():
    """The minutes of one bundle, where to, and how many go with a channel."""
    unbound = BundleRule("Minutes", 100, ("US", "CA"), per_channel=None)

    assert "US minutes: 5,000 minutes to US, at most 1 for each channel" == str(BUNDLES)
    assert "Minutes: 100 minutes to US, CA, any number of them" == str(unbound)


@pytest.mark.parametrize(
    ("changes", "parameter", "value"),
    [
        ({"name": ""}, "name", "''"),
        ({"minutes": 0}, "minutes", "0"),
        ({"minutes": 0, "included": 200}, "minutes", "0"),
        ({"minutes": 0, "per_channel": None, "included": 200}, "minutes", "0"),
        ({"minutes": -5}, "minutes", "-5"),
        ({"area": ()}, "area", ""),
        ({"area": ("us",)}, "area", "'us'"),
        ({"area": ("US", "USA")}, "area", "'USA'"),
        ({"area": ("",)}, "area", "''"),
        ({"per_channel": 0}, "included", "0"),
        ({"per_channel": 0, "minutes": 0}, "included", "0"),
        ({"per_channel": -1}, "per_channel", "-1"),
        ({"included": -1}, "included", "-1"),
        ({"longest_call": timedelta(0)}, "longest_call", "0:00:00"),
        ({"longest_call": timedelta(hours=-1)}, "longest_call", ""),
        ({"excluded_prefixes": ("218", "+1218")}, "excluded_prefixes", "'+1218'"),
        ({"excluded_prefixes": ("٢١٨",)}, "excluded_prefixes", ""),
        ({"excluded_prefixes": ("",)}, "excluded_prefixes", "''"),
        ({"calling_code": "+1"}, "calling_code", "'+1'"),
        ({"calling_code": ""}, "calling_code", "''"),
    ],
    ids=str,
)
def test_a_bundle_rule_that_makes_no_sense_is_refused(changes, parameter, value):
    """Bundles have minutes, an area and prefixes of digits; the error names the field.

    Without bundles, which is none for each channel, the minutes come with the channels.
    """
    arguments = {"name": "US", "minutes": 5000, "area": ("US",)} | changes

    with pytest.raises(InvalidValue) as caught:
        BundleRule(**arguments)

    assert parameter == caught.value.parameter.split("[")[0]
    assert value in caught.value.value


@pytest.mark.parametrize(
    "changes",
    [
        {"area": "US"},
        {"area": (1,)},
        {"per_channel": 1.5},
        {"longest_call": 12},
        {"excluded_prefixes": "218632"},
        {"excluded_prefixes": (218632,)},
        {"calling_code": 1},
    ],
    ids=str,
)
def test_a_bundle_rule_of_wrong_types_is_refused(changes):
    """A lone string is no list of countries, and a prefix is text."""
    arguments = {"name": "US", "minutes": 5000, "area": ("US",)} | changes

    with pytest.raises(WrongType, match=rf"^{next(iter(changes))}"):
        BundleRule(**arguments)


def test_a_bundle_rule_takes_the_least_that_makes_sense():
    """One minute, one bundle for each channel, a microsecond of one call."""
    rule = BundleRule("US", 1, ("US",), 1, timedelta(microseconds=1), ("0",), "44")

    assert (("US",), ("0",), "44") == (rule.area, rule.excluded_prefixes, rule.calling_code)


@pytest.mark.parametrize(("bundles", "channels"), [(0, 0), (0, 5), (5, 5), (100, 100)])
def test_bundles_up_to_the_channels_are_allowed(bundles, channels):
    """As many bundles as channels, and not one more (H12)."""
    validate_bundles(bundles, channels=channels, rule=BUNDLES)

    with pytest.raises(BundlesNotAllowed) as caught:
        validate_bundles(channels + 1, channels=channels, rule=BUNDLES)

    assert (channels + 1, channels) == (caught.value.bundles, caught.value.most)


@pytest.mark.parametrize(("per_channel", "most"), [(2, 10), (3, 15)])
def test_bundles_for_each_channel_are_data(per_channel, most):
    """Another provider allows more bundles for a channel."""
    rule = BundleRule("US", 5000, ("US",), per_channel=per_channel)
    validate_bundles(most, channels=5, rule=rule)

    with pytest.raises(BundlesNotAllowed, match=rf"^bundles must be 0 to {most}, not {most + 1}: "):
        validate_bundles(most + 1, channels=5, rule=rule)


@pytest.mark.parametrize("bundles", [-1, 10**6 + 1])
def test_without_a_bound_of_its_channels_a_plan_has_at_most_a_million_bundles(bundles):
    """None is no bound by the channels, but fewer than none and absurdly many are refused."""
    rule = BundleRule("US", 5000, ("US",), per_channel=None)
    validate_bundles(10**6, channels=1, rule=rule)

    with pytest.raises(BundlesNotAllowed, match=f"^bundles must be 0 to 1000000, not {bundles}: "):
        validate_bundles(bundles, channels=1, rule=rule)


def test_a_generous_channel_does_not_lift_the_bound_of_a_plan():
    """A million bundles are the most of any plan, also where each channel would allow a million."""
    rule = BundleRule("US", 5000, ("US",), per_channel=1_000_000)

    with pytest.raises(BundlesNotAllowed, match=r"^bundles must be 0 to 1,?000,?000, not 1000001"):
        validate_bundles(1_000_001, channels=2, rule=rule)


def test_negative_bundles_are_refused_with_the_bounds():
    """Fewer bundles than none cannot be sold."""
    with pytest.raises(BundlesNotAllowed, match=r"^bundles must be 0 to 5, not -1: "):
        validate_bundles(-1, channels=5, rule=BUNDLES)


def test_negative_channels_hold_no_bundles():
    """The number of channels sold is never below zero."""
    with pytest.raises(InvalidValue, match=r"^channels must be at least 0, not -1"):
        validate_bundles(0, channels=-1, rule=BUNDLES)


@pytest.mark.parametrize(
    ("cooldown", "on", "possible_from"),
    [
        (Days(1), "2026-01-05", "2026-01-06"),
        (Days(1), "2026-01-04", "2026-01-06"),
        (Days(7), "2026-01-11", "2026-01-12"),
        (Months(1), "2026-02-04", "2026-02-05"),
    ],
)
def test_a_change_too_soon_is_refused_with_the_first_day(cooldown, on, possible_from):
    """One change a day (H15), or as the rule says; the day named is the first that works."""
    day, first = date.fromisoformat(on), date.fromisoformat(possible_from)
    rule = ChangeRule(cooldown)
    check_change(JAN_5, on=first, rule=rule)

    with pytest.raises(ChangedTooSoon) as caught:
        check_change(JAN_5, on=day, rule=rule)

    assert (JAN_5, day, first) == (
        caught.value.last_changed_on,
        caught.value.on,
        caught.value.possible_from,
    )


@pytest.mark.parametrize(
    ("last", "rule"), [(None, DAILY), (JAN_5, ChangeRule(None)), (None, ChangeRule(None))], ids=str
)
def test_a_first_change_or_one_at_any_time_is_allowed(last, rule):
    """Nobody waits who has not changed yet, nor where the provider asks for no wait (F 4.1)."""
    check_change(last, on=JAN_5, rule=rule)


@pytest.mark.parametrize("value", [INSTANT, "2026-01-05", 5], ids=repr)
@pytest.mark.parametrize("rule", [DAILY, ChangeRule(None)], ids=str)
@pytest.mark.parametrize("parameter", ["last_changed_on", "on"])
def test_days_of_changes_are_days(parameter, rule, value):
    """A datetime is refused by its parameter's name, whatever the rule."""
    arguments = {"last_changed_on": JAN_5, "on": date(2026, 1, 7)} | {parameter: value}

    with pytest.raises(WrongType, match=rf"^{parameter} must be a date "):
        check_change(**arguments, rule=rule)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Step(100, 10), "above 100, multiples of 10"),
        (TermRule(Days(30)), "a term of 30 days"),
        (TermRule(Months(1)), "a term of 1 month"),
        (
            BundleRule("pack", 100, ("GB",), None, timedelta(hours=12), ("9", "09"), "44"),
            "pack: 100 minutes to GB, any number of them; at most 12:00:00 of a call; "
            "not to numbers with 9, 09 after +44",
        ),
        (
            BundleRule("pack", 100, ("US",), excluded_prefixes=tuple(map(str, range(200, 213)))),
            "pack: 100 minutes to US, at most 1 for each channel; "
            "not to numbers with 13 beginnings after +1",
        ),
        (ChangeRule(), "the next change 1 day after a change; refunded and bought anew"),
        (ChangeRule(None), "a change at any time; refunded and bought anew"),
        (CallRule(), "at least 30 s, then steps of 6 s, charges rounded half up"),
        (
            CallRule(timedelta(0), timedelta(seconds=1)),
            "at least 0 s, then steps of 1 s, charges rounded half up",
        ),
        (
            CallRule(timedelta(seconds=1), timedelta(milliseconds=100)),
            "at least 1 s, then steps of 0.1 s, charges rounded half up",
        ),
        (Notice("c", "No emergency calls.", "H21"), "No emergency calls. (H21)"),
        (
            RefundRule(),
            "channels by time, bundles by time, the day of the change not used, rounded half up",
        ),
        (
            RefundRule(bundles=RefundBasis.SMALLER, change_day_used=True, rounding=Rounding.DOWN),
            "channels by time, bundles by the smaller of time and minutes, "
            "the day of the change used, rounded down",
        ),
    ],
    ids=str,
)
def test_rules_say_what_they_are(value, expected):
    """Each rule is a sentence that a person can read."""
    assert expected == str(value)


@pytest.mark.parametrize(
    ("make", "parameter"),
    [
        (lambda: CallRule(minimum=timedelta(seconds=-1)), "minimum"),
        (lambda: CallRule(step=timedelta(0)), "step"),
        (lambda: CallRule(step=timedelta(seconds=-6)), "step"),
        (lambda: RefundRule(channels=RefundBasis.MINUTES), "channels"),
        (lambda: RefundRule(channels=RefundBasis.SMALLER), "channels"),
        (lambda: Notice("", "text", "H21"), "code"),
        (lambda: Notice("code", "two\nlines", "H21"), "text"),
    ],
)
def test_rules_that_make_no_sense_are_refused(make, parameter):
    """Time does not run backwards, channels have no minutes, a notice says something."""
    with pytest.raises(InvalidValue) as caught:
        make()

    assert parameter == caught.value.parameter


@pytest.mark.parametrize(
    ("make", "field", "value", "expected"),
    [
        (QuantityRule, "rounding", "down", "a Rounding, not 'down' (str)"),
        (TermRule, "length", 30, "a Days or a Months, not 30 (int)"),
        (TermRule, "length", None, "a Days or a Months, not None (NoneType)"),
        (ChangeRule, "cooldown", 1, "a Days or a Months, not 1 (int)"),
        (CallRule, "minimum", 30, "a timedelta, not 30 (int)"),
        (CallRule, "rounding", "up", "a Rounding, not 'up' (str)"),
        (RefundRule, "bundles", "minutes", "a RefundBasis, not 'minutes' (str)"),
        (RefundRule, "change_day_used", 1, "a bool, not 1 (int)"),
        (Notice, "text", None, "text (str), not None (NoneType)"),
    ],
)
def test_rules_of_wrong_types_are_refused(make, field, value, expected):
    """The error names the field, the value and what belongs there."""
    others: dict[object, dict[str, object]] = {
        QuantityRule: {"minimum": 1, "maximum": 2},
        Notice: {"code": "c", "source": "s"},
    }

    with pytest.raises(WrongType) as caught:
        make(**others.get(make, {}), **{field: value})

    assert f"{field} must be {expected}" == str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        Step(1, 1),
        RULE,
        Quantity(105, RULE),
        BUNDLES,
        TermRule(Days(30)),
        DAILY,
        RefundRule(),
        CallRule(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_rules_pickle_and_hash(value):
    """Rules go to another process and back, and may be keys."""
    assert {value} == {value, pickle.loads(pickle.dumps(value))}


def test_a_script_in_a_bundles_name_stays_text():
    """What a provider calls its bundle is escaped in a notebook."""
    rule = BundleRule("<script>alert(1)</script>", 1, ("US",))

    assert "&lt;script&gt;" in rule._repr_html_()
    assert "<script" not in rule._repr_html_()
