"""Properties of the quantity, bundle and change rules of an offer, and of splits over profiles."""

import math
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from itertools import accumulate, pairwise, repeat

from hypothesis import example, given, strategies as st
from tests.property.strategies import attempt, rule_arguments, rules_of_two_sizes

from channelplans.errors import (
    BundlesNotAllowed,
    ChangedTooSoon,
    ChannelsOutOfRange,
    InvalidValue,
    TotalNotReachable,
)
from channelplans.money import Rounding
from channelplans.quantities import (
    QuantityRule,
    Step,
    normalize_quantity,
    profiles_for,
    split_profiles,
)
from channelplans.rules import check_change, validate_bundles
from channelplans.testing.strategies import bundle_rules, change_rules, days, quantity_rules

# The same roundings, written with Python's fractions and independently of the package.
ROUND: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.DOWN: math.floor,
    Rounding.UP: math.ceil,
    Rounding.HALF_UP: lambda number: math.floor(number + Fraction(1, 2)),
    Rounding.HALF_EVEN: round,
}


def granted_by(steps, rounding, requested):
    """Return the number that a rule would grant, even if the rule is invalid."""
    _, multiple = max(
        ((step.above, step.multiple) for step in steps if step.above < requested), default=(0, 1)
    )
    return multiple * ROUND[rounding](Fraction(requested, multiple))


def sellable_numbers(rule):
    """Return all numbers of channels that a rule grants, in ascending order."""
    requests = range(rule.minimum, rule.maximum + 1)
    return sorted({normalize_quantity(requested, rule).granted for requested in requests})


def best_splits(sizes, limit):
    """Return the best split over the fewest profiles, for each total up to a limit.

    The best split is the lexicographically greatest. Each pass adds one profile to the splits of
    the pass before: the best split of n + 1 profiles contains a best split of n profiles.
    """
    best: dict[int, tuple[int, ...]] = {}
    previous: dict[int, tuple[int, ...]] = {0: ()}
    while previous:
        longer: dict[int, tuple[int, ...]] = {}
        for total, profiles in previous.items():
            for size in sizes:
                split = tuple(sorted((*profiles, size), reverse=True))
                if total + size <= limit and total + size not in best:
                    longer[total + size] = max(split, longer.get(total + size, ()))
        best |= longer
        previous = longer
    return best


@st.composite
def rules_of_few_numbers(draw, *, maximum=60):
    """Draw quantity rules that sell 1 to 6 numbers, which can have any gaps between them."""
    numbers = sorted(draw(st.sets(st.integers(1, maximum), min_size=1, max_size=6)))
    steps = tuple(Step(number, larger) for number, larger in pairwise(numbers))
    return QuantityRule(numbers[0], numbers[-1], steps, Rounding.UP)


def count_fewest_profiles(sizes, limit):
    """Return the fewest profiles that add up to each total up to a limit; infinite if none do."""
    fewest = [0.0]
    for total in range(1, limit + 1):
        rests = (total - size for size in sizes if size <= total)
        fewest.append(1 + min((fewest[rest] for rest in rests), default=math.inf))
    return fewest


@given(rule_arguments())
@example((1, 24, (Step(4, 3),), Rounding.DOWN))
def test_quantity_rule_is_valid_if_its_grants_are_consistent(arguments):
    """A quantity rule can be constructed exactly if its granted numbers meet three conditions.

    They are within the bounds; a request for a granted number grants that number; and a larger
    request never grants less.
    """
    minimum, maximum, steps, rounding = arguments
    requests = range(minimum, maximum + 1)
    grants = [granted_by(steps, rounding, requested) for requested in requests]
    within_bounds = all(minimum <= granted <= maximum for granted in grants)
    stable = all(granted_by(steps, rounding, granted) == granted for granted in grants)
    ascending = all(granted <= next_granted for granted, next_granted in pairwise(grants))

    rule = attempt(InvalidValue, QuantityRule, *arguments)

    assert (within_bounds and stable and ascending) is isinstance(rule, QuantityRule)


@given(quantity_rules(), st.data())
def test_normalize_quantity_grants_the_rounded_request(rule, data):
    """The granted number is the request, rounded to a multiple of the step that applies to it."""
    requested = data.draw(st.integers(rule.minimum, rule.maximum))
    larger_request = data.draw(st.integers(requested, rule.maximum))
    quantity = normalize_quantity(requested, rule)
    multiple = next((step.multiple for step in reversed(rule.steps) if step.above < requested), 1)

    assert rule.minimum <= quantity.granted <= rule.maximum
    assert quantity.granted == normalize_quantity(quantity.granted, rule).granted
    assert quantity.granted <= normalize_quantity(larger_request, rule).granted
    assert granted_by(rule.steps, rule.rounding, requested) == quantity.granted
    assert abs(quantity.granted - requested) < multiple
    assert 0 == quantity.granted % multiple


@given(quantity_rules(), st.integers(1, 10**12))
def test_normalize_quantity_refuses_a_request_outside_the_bounds(rule, excess):
    """A request below the minimum or above the maximum is refused before it is rounded."""
    for requested in (rule.minimum - excess, rule.maximum + excess):
        error = attempt(ChannelsOutOfRange, normalize_quantity, requested, rule)

        assert requested == error.requested
        assert (rule.minimum, rule.maximum) == (error.minimum, error.maximum)
        assert sum(error.split) in {0, requested}


@given(quantity_rules(stretch=4) | rules_of_two_sizes(), st.data())
def test_split_profiles_finds_the_best_split(rule, data):
    """The split takes the fewest profiles and is the lexicographically greatest of those.

    A total that cannot be split is refused with the nearest totals below and above that can be.
    """
    sizes = sellable_numbers(rule)
    highest_total = 4 * rule.maximum
    expected_splits = best_splits(sizes, highest_total + 2 * rule.maximum)
    total = data.draw(st.integers(-1, highest_total))
    result = attempt(TotalNotReachable, split_profiles, total, rule)
    if total in expected_splits:
        assert expected_splits[total] == result
    else:
        smaller_totals = [reachable for reachable in expected_splits if reachable < total]
        larger_totals = [reachable for reachable in expected_splits if reachable > total]
        nearest_below = [max(smaller_totals)] if smaller_totals else []
        assert (*nearest_below, min(larger_totals)) == result.nearest


@given(rules_of_few_numbers(), st.integers(1, 40), st.data())
def test_split_profiles_finds_the_best_split_of_many_profiles(rule, profiles, data):
    """The split is the best one even if many profiles of very different sizes are needed.

    Here the best split takes the largest profile that leaves a rest for one profile fewer.
    """
    sizes = sellable_numbers(rule)
    fewest = count_fewest_profiles(sizes, (profiles + 4) * sizes[-1])
    total = data.draw(st.integers(1, profiles * sizes[-1]))
    result = attempt(TotalNotReachable, split_profiles, total, rule)
    if fewest[total] < math.inf:
        expected, rest = [], total
        while rest:
            best = [size for size in sizes if size <= rest and fewest[rest - size] < fewest[rest]]
            expected.append(max(best))
            rest -= expected[-1]

        assert tuple(expected) == result
    else:
        reachable = [near for near, count in enumerate(fewest) if 0 < count < math.inf]
        below = [near for near in reachable if near < total]
        above = [near for near in reachable if near > total]

        assert (*below[-1:], *above[:1]) == result.nearest


@given(rules_of_few_numbers(), st.integers(1, 40), st.data())
def test_profiles_for_buys_the_smallest_total_of_many_profiles(rule, profiles, data):
    """The profiles are the fewest, and their total the smallest, even if the sizes have gaps."""
    sizes = sellable_numbers(rule)
    needed = data.draw(st.integers(1, profiles * sizes[-1]))
    fewest = count_fewest_profiles(sizes, (profiles + 4) * sizes[-1])
    expected_count = -(-needed // sizes[-1])
    expected_total = next(
        total for total in range(needed, len(fewest)) if fewest[total] <= expected_count
    )
    bought = profiles_for(needed, rule)

    assert (expected_count, expected_total) == (len(bought), sum(bought))
    assert split_profiles(expected_total, rule) == bought


@given(quantity_rules(steps=1, stretch=3), st.integers(2, 2000), st.data())
def test_split_profiles_splits_large_totals(rule, profiles, data):
    """A sum of sellable numbers is split over no more profiles than the sum has.

    These totals are too large to compare the split with all possible splits.
    """
    sizes = sellable_numbers(rule)
    addends = data.draw(st.lists(st.sampled_from(sizes), min_size=1, max_size=5))
    largest_sizes = max(0, profiles - len(addends))
    total = sum(addends) + largest_sizes * sizes[-1]
    split = split_profiles(total, rule)

    assert total == sum(split)
    assert set(split) <= set(sizes)
    assert len(split) <= max(profiles, len(addends))
    assert sorted(split, reverse=True) == list(split)


@given(quantity_rules(stretch=4) | rules_of_two_sizes(), st.data())
def test_profiles_for_buys_the_smallest_sufficient_total(rule, data):
    """The profiles are the fewest that are enough for the need, with the smallest such total."""
    sizes = sellable_numbers(rule)
    needed = data.draw(st.integers(1, 4 * sizes[-1]))
    # One set of totals for each number of profiles, from none on.
    totals_by_profiles = accumulate(
        repeat(sizes),
        lambda totals, sellable: {total + size for total in totals for size in sellable},
        initial={0},
    )
    expected_total = next(
        min(sufficient)
        for totals in totals_by_profiles
        if (sufficient := {total for total in totals if total >= needed})
    )
    profiles = profiles_for(needed, rule)

    assert expected_total == sum(profiles)
    assert -(-needed // sizes[-1]) == len(profiles)
    assert split_profiles(expected_total, rule) == profiles


@given(bundle_rules(), st.integers(-3, 40), st.integers(0, 12))
def test_validate_bundles_allows_bundles_up_to_the_maximum(rule, bundles, channels):
    """Bundles are allowed exactly from 0 to the maximum for the channels."""
    maximum = 1_000_000 if rule.per_channel is None else rule.per_channel * channels
    error = attempt(BundlesNotAllowed, validate_bundles, bundles, channels=channels, rule=rule)

    assert (0 <= bundles <= maximum) is (error is None)
    assert error is None or (bundles, rule.most(channels)) == (error.bundles, error.most)


@given(change_rules(), days(), st.integers(-3, 1200))
def test_check_change_allows_a_change_from_the_day_in_its_error(rule, changed_on, days_later):
    """A change that is too soon is refused until the day that its error names."""
    on = changed_on + timedelta(days=days_later)
    error = attempt(ChangedTooSoon, check_change, changed_on, on=on, rule=rule)
    if error is None:
        assert rule.cooldown is None or days_later > 0
    else:
        assert max(on, changed_on) < error.possible_from
        for days_before, is_refused in ((1, True), (0, False)):
            day = error.possible_from - timedelta(days=days_before)
            result = attempt(ChangedTooSoon, check_change, changed_on, on=day, rule=rule)
            assert is_refused is isinstance(result, ChangedTooSoon)
