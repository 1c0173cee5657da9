"""How many channels a request is sold as, and how a total is split over profiles."""

import itertools
import re
import tracemalloc

import numpy as np
import pytest

from channelplans.errors import (
    ChannelPlansError,
    ChannelsOutOfRange,
    InvalidValue,
    TotalNotReachable,
    WrongType,
)
from channelplans.money import Rounding
from channelplans.quantities import (
    Quantity,
    QuantityRule,
    Step,
    normalize_quantity,
    profiles_for,
    split_profiles,
)
from channelplans.rules import BundleRule, validate_bundles
from tests.steps import run_within

TENS = (Step(above=100, multiple=10),)


RULE = QuantityRule(1, 300, TENS, Rounding.DOWN)


# mypy would give a literal `(300,) * 1_000_000` the type of a tuple with a million items.
MILLION = 10**6


BUNDLES = BundleRule("US minutes", minutes=5000, area=("US",))


def rule_that_sells(*numbers):
    """Return a rule that sells only these numbers of channels, by rounding up to the next."""
    steps = tuple(Step(number, larger) for number, larger in itertools.pairwise(numbers))
    return QuantityRule(numbers[0], numbers[-1], steps, Rounding.UP)


NOT_WHOLE_NUMBERS = [True, False, 105.0, "105", None, np.float64(105), np.True_]


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        *[(1, 1), (2, 2), (99, 99), (100, 100)],
        *[(requested, 100) for requested in range(101, 110)],
        *[(110, 110), (119, 110), (120, 120), (294, 290), (295, 290), (299, 290), (300, 300)],
    ],
)
def test_normalize_quantity_rounds_down_to_tens_above_100(requested, granted):
    """Above 100 channels a request is rounded down to a multiple of 10 (H5)."""
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
def test_quantity_rule_rounds_as_its_parameter_says(rounding, granted):
    """The published readings of H5 differ only in the rounding, which is a parameter (F 1.4)."""
    rule = QuantityRule(1, 300, TENS, rounding)

    assert granted == [
        normalize_quantity(requested, rule).granted for requested in (104, 105, 106, 114, 115, 296)
    ]


@pytest.mark.parametrize(
    ("requested", "sentence"),
    [
        (100, "100 channels requested and sold"),
        (105, "105 channels requested, 100 sold: above 100, multiples of 10, rounded down"),
        (110, "110 channels requested and sold"),
    ],
)
def test_str_of_quantity_explains_the_rounding(requested, sentence):
    """The text names the number requested, the number sold, and the step that was applied."""
    assert sentence == str(normalize_quantity(requested, RULE))


@pytest.mark.parametrize(
    ("requested", "step"),
    [(105, "above 100, multiples of 10"), (505, "above 500, multiples of 100")],
)
def test_str_of_quantity_names_the_step_that_was_applied(requested, step):
    """If a rule has several steps, the text names the step that rounded the request."""
    rule = QuantityRule(1, 1000, (Step(100, 10), Step(500, 100)), Rounding.DOWN)

    assert str(normalize_quantity(requested, rule)).endswith(f": {step}, rounded down")


@pytest.mark.parametrize("requested", [0, -1, -(10**17)])
def test_normalize_quantity_refuses_fewer_than_one_channel(requested):
    """The minimum is one channel, and the error names both limits (F 1.1)."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(requested, RULE)

    expected = f"channels must be at least 1 and at most 300, not {requested}"
    assert expected == str(caught.value)


@pytest.mark.parametrize("requested", range(301, 310))
def test_normalize_quantity_checks_the_limit_before_rounding(requested):
    """301 to 309 channels are refused, although rounding down would give 300 (H2)."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(requested, RULE)

    assert ((300, requested - 300), 300) == (caught.value.split, caught.value.maximum)


@pytest.mark.parametrize(
    ("requested", "profiles"),
    [
        (350, "two profiles, 300 + 50"),
        (437, "three profiles, 300 + 130 + 7"),
        (1800, "six profiles, 300 + 300 + 300 + 300 + 300 + 300"),
    ],
)
def test_out_of_range_error_suggests_profiles_that_can_be_bought(requested, profiles):
    """If one profile cannot hold the request, the error lists several profiles that can (H6)."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(requested, RULE)

    expected = f"channels must be at least 1 and at most 300; {requested} needs {profiles}"
    assert expected == str(caught.value)


@pytest.mark.parametrize("requested", [10**6, 10**9, 10**17])
def test_out_of_range_error_does_not_list_hundreds_of_profiles(requested):
    """If a request needs hundreds of profiles, the error names only the limits."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(requested, RULE)

    expected = f"channels must be at least 1 and at most 300, not {requested}"
    assert expected == str(caught.value)


def test_out_of_range_error_stays_short_if_profiles_are_small():
    """An error does not list a split into many small profiles."""
    rule = QuantityRule(1, 1000, (Step(1, 1000),), Rounding.UP)

    # This rule sells only 1 or 1000 channels, so 1999 is one profile of 1000 and 999 of 1.
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(1999, rule)

    assert len(str(caught.value)) < 200


def test_out_of_range_error_names_the_limits_if_no_split_exists():
    """If no profiles add up to the request, the error names only the limits."""
    with pytest.raises(ChannelsOutOfRange) as caught:
        normalize_quantity(15, QuantityRule(10, 10))

    assert "channels must be at least 10 and at most 10, not 15" == str(caught.value)


@pytest.mark.parametrize(
    ("parameter", "function"),
    [
        ("channels|requested", lambda number: normalize_quantity(number, RULE)),
        ("bundles", lambda number: validate_bundles(number, channels=5, rule=BUNDLES)),
        ("channels|total", lambda number: split_profiles(number, RULE)),
        ("channels|needed", lambda number: profiles_for(number, RULE)),
        ("maximum", lambda number: QuantityRule(1, number)),
    ],
)
def test_error_about_a_huge_number_can_be_printed(parameter, function):
    """A number of 5,001 digits, which Python refuses to print, raises a printable error."""
    with pytest.raises(ChannelPlansError) as caught:
        function(10**5000)

    assert isinstance(caught.value, ValueError)
    assert re.search(parameter, str(caught.value))


@pytest.mark.parametrize("value", NOT_WHOLE_NUMBERS, ids=repr)
@pytest.mark.parametrize(
    ("parameter", "function"),
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
def test_numbers_of_channels_and_bundles_must_be_whole(parameter, function, value):
    """A bool, a float and numeric text are refused as a number of channels or bundles."""
    with pytest.raises(WrongType, match=rf"^{parameter} must be a whole number") as caught:
        function(value)

    assert repr(value) in caught.value.value


@pytest.mark.parametrize("integer_type", [np.int64, np.uint8, np.uint64, np.int16])
def test_numpy_integers_are_whole_numbers(integer_type):
    """NumPy integers of any width are accepted, and the results are plain ints."""
    quantity = normalize_quantity(integer_type(105), RULE)
    validate_bundles(integer_type(100), channels=integer_type(100), rule=BUNDLES)
    exact_split = split_profiles(integer_type(137), RULE)
    bought_profiles = profiles_for(integer_type(137), RULE)

    assert (105, 100, True) == (quantity.requested, quantity.granted, quantity.adjusted)
    assert [int, int] == [type(quantity.requested), type(quantity.granted)]
    assert (130, 7) == exact_split
    assert (140,) == bought_profiles
    assert {int} == set(map(type, exact_split + bought_profiles))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (RULE, "1 to 300 channels; above 100, multiples of 10, rounded down"),
        (QuantityRule(2, 8), "2 to 8 channels"),
    ],
)
def test_str_of_quantity_rule_describes_it(rule, expected):
    """The text names the limits, each step, and the rounding."""
    assert expected == str(rule)


@pytest.mark.parametrize(
    ("minimum", "maximum", "parameter"),
    [(0, 300, "minimum"), (-1, 300, "minimum"), (301, 300, "maximum"), (1, 1_000_001, "maximum")],
)
def test_quantity_rule_refuses_impossible_limits(minimum, maximum, parameter):
    """The limits of a profile are between one and a million channels, in rising order."""
    with pytest.raises(InvalidValue, match=rf"^{parameter} must be at least "):
        QuantityRule(minimum, maximum)


@pytest.mark.parametrize(("above", "multiple"), [(-1, 10), (100, 0), (100, -10)])
def test_step_refuses_impossible_numbers(above, multiple):
    """A step begins at 0 or more channels, and its multiple is at least 1."""
    with pytest.raises(InvalidValue, match=r"^(above|multiple) must be at least [01], not "):
        Step(above, multiple)


def test_quantity_rule_may_sell_a_single_number():
    """The minimum and the maximum may be equal."""
    assert 7 == normalize_quantity(7, QuantityRule(7, 7)).granted


@pytest.mark.parametrize(
    ("minimum", "maximum", "steps", "rounding", "reason"),
    [
        # Multiples of 30 above 100: 101 would be sold as 90, fewer than 100 is sold as.
        (1, 300, [(100, 30)], Rounding.DOWN, "101 would be sold as 90"),
        (95, 300, [(100, 30)], Rounding.DOWN, "101 would be sold as 90"),
        # 103 is sold as 103 below the step, 104 as 100 above it.
        (1, 300, [(103, 10)], Rounding.DOWN, "104 would be sold as 100"),
        (1, 305, [(100, 10)], Rounding.UP, "305 would be sold as 310"),
        (1, 305, [(100, 10)], Rounding.HALF_UP, "305 would be sold as 310"),
        (105, 300, [(100, 10)], Rounding.DOWN, "105 would be sold as 100"),
        (1, 300, [(0, 10)], Rounding.DOWN, "1 would be sold as 0"),
        # 15 is rounded up to 20 by the first step, and 16 down to 0 by the second.
        (10, 300, [(0, 10), (15, 100)], Rounding.HALF_UP, "would be sold as"),
        # 18 would be sold as 20, but a request for 20 would be sold as 21.
        (4, 21, [(3, 4), (18, 7)], Rounding.UP, "itself be sold as 21"),
    ],
)
def test_quantity_rule_refuses_inconsistent_steps(minimum, maximum, steps, rounding, reason):
    """Steps may not leave the limits, sell fewer for more, or round a sold number again."""
    steps = tuple(Step(above, multiple) for above, multiple in steps)

    with pytest.raises(InvalidValue, match=rf"^steps must be .*{reason}"):
        QuantityRule(minimum, maximum, steps, rounding)


@pytest.mark.parametrize(
    "steps", [[(100, 10), (100, 20)], [(200, 10), (100, 20)], [(300, 10)], [(400, 10)]], ids=str
)
def test_quantity_rule_refuses_unordered_or_unreachable_steps(steps):
    """Each step begins above the step before it and below the maximum."""
    steps = tuple(Step(above, multiple) for above, multiple in steps)

    with pytest.raises(InvalidValue, match=r"^steps must be steps that rise and begin below"):
        QuantityRule(1, 300, steps)


def test_quantity_rule_refuses_more_than_a_hundred_steps():
    """A hundred steps are accepted; the error for one more names the limit."""
    steps = tuple(Step(above, 1) for above in range(1, 102))

    with pytest.raises(InvalidValue) as caught:
        QuantityRule(1, 300, steps)

    assert "steps must be at most 100 steps, not 101 steps" == str(caught.value)
    assert steps[:100] == QuantityRule(1, 300, steps[:100]).steps


def test_error_about_many_steps_lists_the_first_six():
    """The error for inconsistent steps counts the steps that it does not list."""
    steps = (*(Step(above, 1) for above in range(1, 9)), Step(103, 10))

    with pytest.raises(InvalidValue, match=r"above 6, multiples of 1; 3 more\)$"):
        QuantityRule(1, 300, steps)


@pytest.mark.parametrize(
    "numbers",
    [
        # A total of 999 needs one profile of 1 and 499 of 2.
        (1, 2, 1_000),
        (1, 49_999, 70_001, 100_000),
        # The totals near 125,000,000,000 can need any number of profiles in a wide range.
        (500_001, 1_000_000),
    ],
    ids=str,
)
def test_quantity_rule_refuses_numbers_that_are_too_far_apart(numbers):
    """A rule is refused if adding up its numbers of channels would take too long."""
    with pytest.raises(InvalidValue, match=r"^steps must be steps that leave smaller gaps"):
        rule_that_sells(*numbers)


@pytest.mark.parametrize(
    ("maximum", "steps"),
    [
        (100_000, [(100, 10)]),
        (100_000, [(100, 10), (1_000, 100), (10_000, 1_000)]),
        (100_000, [(10, 10), (100, 100), (1_000, 1_000)]),
        (1_000_000, [(100, 10)]),
        (1_000, [(9, 100)]),
        (3_000, [(8, 30)]),
        (500, [(1, 2), (2, 500)]),
    ],
    ids=str,
)
def test_quantity_rule_accepts_ordinary_steps_up_to_large_maxima(maximum, steps):
    """Tens, hundreds and thousands are sold up to 100,000 channels, anything up to 500."""
    steps = tuple(Step(above, multiple) for above, multiple in steps)

    assert steps == QuantityRule(1, maximum, steps, Rounding.UP).steps


@pytest.mark.parametrize("steps", [Step(100, 10), "100/10", [(100, 10)], None, [None]], ids=repr)
def test_quantity_rule_refuses_steps_of_another_type(steps):
    """Pairs of numbers are refused, because a pair does not say which number is which."""
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
        # Not 290 + 110 + 5 and not 200 + 200 + 5: the first profile is as large as possible.
        (405, (300, 100, 5)),
        (400, (300, 100)),
        (600, (300, 300)),
        (709, (300, 300, 100, 9)),
    ],
)
def test_split_profiles_uses_the_fewest_profiles(total, profiles):
    """A total is split into the fewest profiles, each as large as possible in turn (H6)."""
    assert profiles == split_profiles(total, RULE)


def test_split_profiles_takes_few_steps_for_a_large_total():
    """3,000,000 channels are split into 10,000 profiles of 300 with fewer steps than profiles."""
    profiles = run_within(5_000, lambda: split_profiles(3_000_000, RULE))

    assert (300,) * 10_000 == profiles


def test_split_profiles_returns_at_most_a_million_profiles():
    """300,000,000 channels need a million profiles; for one more the error names that total."""
    with pytest.raises(TotalNotReachable) as caught:
        split_profiles(300_000_001, RULE)

    assert (300,) * MILLION == split_profiles(300_000_000, RULE)
    assert (300_000_000,) == caught.value.nearest
    assert str(caught.value).endswith(
        "at most 1,000,000 profiles; the nearest total that can: 300,000,000"
    )


def test_split_profiles_counts_the_last_profiles_towards_the_limit():
    """999,998 profiles of 300, one of 130 and one of 7 are a million, which is the limit."""
    assert (300,) * (MILLION - 2) + (130, 7) == split_profiles(999_998 * 300 + 137, RULE)

    # After 999,999 profiles of 300, one profile is left: it can hold 130 or 140, not 137.
    with pytest.raises(TotalNotReachable) as caught:
        split_profiles(999_999 * 300 + 137, RULE)

    assert (999_999 * 300 + 130, 999_999 * 300 + 140) == caught.value.nearest


@pytest.mark.parametrize("total", [0, -1, -(10**17)])
def test_split_profiles_refuses_fewer_than_one_channel(total):
    """The error names one channel as the nearest total that can be split."""
    with pytest.raises(TotalNotReachable) as caught:
        split_profiles(total, RULE)

    assert ((1,), total) == (caught.value.nearest, caught.value.total)


@pytest.mark.parametrize(
    ("rule", "total", "nearest"),
    [
        # Profiles of 7 only: the totals nearest to 18 are 14 and 21.
        (QuantityRule(7, 7), 18, (14, 21)),
        (QuantityRule(7, 7), 6, (7,)),
        (QuantityRule(7, 7), 8, (7, 14)),
        # One profile holds 10 to 12, two hold 20 to 24, three hold 30 to 36.
        (QuantityRule(10, 12), 13, (12, 20)),
        (QuantityRule(10, 12), 19, (12, 20)),
        (QuantityRule(10, 12), 29, (24, 30)),
        (QuantityRule(10, 300, (Step(0, 10),)), 3_000_001, (3_000_000, 3_000_010)),
        # Profiles of 1 only: at most a million profiles, so at most a million channels.
        (QuantityRule(1, 1), 1_000_001, (1_000_000,)),
        (QuantityRule(1, 2), 5_000_000, (2_000_000,)),
        (QuantityRule(2, 2), 1_999_999, (1_999_998, 2_000_000)),
        (QuantityRule(2, 2), 2_000_001, (2_000_000,)),
    ],
    ids=str,
)
def test_split_profiles_error_names_the_nearest_totals(rule, total, nearest):
    """If a total cannot be split, the error names the nearest totals that can."""
    with pytest.raises(TotalNotReachable) as caught:
        split_profiles(total, rule)

    assert nearest == caught.value.nearest
    assert list(nearest) == [sum(split_profiles(near_total, rule)) for near_total in nearest]


def test_split_profiles_returns_a_million_profiles_of_one_channel():
    """A million profiles is the limit, even if each holds one channel."""
    assert (1,) * MILLION == split_profiles(1_000_000, QuantityRule(1, 1))


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
def test_profiles_for_uses_the_fewest_profiles_and_then_the_smallest_total(needed, profiles):
    """437 becomes 300 + 140, because an exact split needs three profiles."""
    assert profiles == profiles_for(needed, RULE)


def test_profiles_for_returns_at_least_the_minimum():
    """If 3 channels are needed and the minimum is 10, the result is one profile of 10."""
    assert (10,) == profiles_for(3, QuantityRule(10, 20))


@pytest.mark.parametrize("needed", [0, -1])
def test_profiles_for_refuses_fewer_than_one_channel(needed):
    """The number of channels needed is at least 1."""
    with pytest.raises(InvalidValue, match=rf"^needed must be at least 1, not {needed}"):
        profiles_for(needed, RULE)


def test_profiles_for_returns_at_most_a_million_profiles():
    """If a million profiles are too few, the error names the most channels that they hold."""
    with pytest.raises(TotalNotReachable) as caught:
        profiles_for(300_000_001, RULE)

    assert (300_000_000,) == caught.value.nearest
    assert (300,) * MILLION == profiles_for(299_999_991, RULE)


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
def test_split_profiles_agrees_with_trying_every_combination(rule, sizes):
    """If the sold sizes have gaps, the split is still the best of all combinations."""
    for total in range(1, 75):
        expected = None
        for count in range(1, total // sizes[-1] + 1):
            combinations = itertools.combinations_with_replacement(sizes, count)
            splits = [split for split in combinations if sum(split) == total]
            if splits:
                expected = max(splits)
                break
        try:
            profiles = split_profiles(total, rule)
        except TotalNotReachable:
            profiles = None

        assert expected == profiles


def test_split_profiles_takes_few_steps_if_the_sold_sizes_have_gaps():
    """If only 1 to 9 and full hundreds are sold, 1,099 is 1,000 and eleven times 9."""
    rule = QuantityRule(1, 1_000, (Step(9, 100),), Rounding.UP)
    profiles = run_within(5_000, lambda: split_profiles(1_099, rule))

    assert (1_000, *(9,) * 11) == profiles


# 2, the even numbers from 50,000 to 99,998, and one odd number.
MOSTLY_EVEN = QuantityRule(
    2, 99_999, (Step(2, 50_000), Step(50_000, 2), Step(99_998, 99_999)), Rounding.UP
)

# 30, the multiples of 10 from 50,000 to 99,990, and 99,999.
MOSTLY_TENS = QuantityRule(
    30, 99_999, (Step(30, 50_000), Step(50_000, 10), Step(99_990, 99_999)), Rounding.UP
)


# Each of these inputs once took 20 seconds to several minutes, or gigabytes.
WORST_INPUTS = [
    # 200,000 profiles, all of the smaller number.
    (QuantityRule(999_999, 1_000_000), 200_000 * 999_999, 200_000),
    # Half a million profiles of each number.
    (QuantityRule(999_999, 1_000_000), 10**12 - 500_000, 1_000_000),
    # The larger number does not help: 49,999 of it are more than the total, and fewer leave a rest.
    (rule_that_sells(49_999, 99_999), 49_999 * 99_998, 99_998),
    # 249 profiles of 2, and one of 1.
    (rule_that_sells(1, 2, 500), 499, 250),
    # The next larger number is 50,000.
    (MOSTLY_EVEN, 49_998, 24_999),
    # An odd total needs 99,999 once.
    (MOSTLY_EVEN, 99_999 + 49_998, 25_000),
    # Even with a million channels on each profile, a smaller number of profiles is not enough.
    (rule_that_sells(999_500, 999_750, 999_999, 1_000_000), 899_887_500_001, 899_888),
]


@pytest.mark.parametrize(("rule", "total", "profiles"), WORST_INPUTS, ids=str)
def test_split_profiles_needs_few_steps_and_little_memory_for_the_worst_inputs(
    rule, total, profiles
):
    """The worst inputs are split in 50,000 steps and with 50 MB."""
    tracemalloc.start()
    split = run_within(50_000, lambda: split_profiles(total, rule))
    sufficient = run_within(50_000, lambda: profiles_for(total, rule))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (profiles, total) == (len(split), sum(split))
    assert total <= sum(sufficient)
    assert peak < 50_000_000


@pytest.mark.parametrize(
    ("rule", "total", "nearest"),
    [
        # Two profiles hold 100,002, 150,001 or 200,000.
        (rule_that_sells(50_001, 100_000), 150_000, (100_002, 150_001)),
        (rule_that_sells(20_001, 40_000), 60_000, (40_002, 60_001)),
        # The largest total that two numbers without a common divisor do not add up to.
        (
            rule_that_sells(10_001, 100_000),
            10_001 * 100_000 - 10_001 - 100_000,
            (10_001 * 100_000 - 10_001 - 100_000 - 1, 10_001 * 100_000 - 10_001 - 100_000 + 1),
        ),
        # Without 99,999 only even numbers or multiples of 10 are reached.
        (MOSTLY_EVEN, 99_997, (99_996, 99_998)),
        (MOSTLY_TENS, 59_993, (59_990, 60_000)),
        (MOSTLY_TENS, 159_993, (159_990, 159_999)),
        (QuantityRule(999_999, 1_000_000), 1_500_000, (1_000_000, 1_999_998)),
        (QuantityRule(999_999, 1_000_000), 10**17, (10**12,)),
    ],
    ids=str,
)
def test_split_profiles_soon_finds_totals_that_are_near(rule, total, nearest):
    """The error for an unreachable total needs few steps, even if no near total works."""
    with pytest.raises(TotalNotReachable) as caught:
        run_within(50_000, lambda: split_profiles(total, rule))
    with pytest.raises(TotalNotReachable, match="nearest"):
        split_profiles(total, rule)

    assert nearest == caught.value.nearest
