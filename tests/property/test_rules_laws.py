"""Laws of an offer's rules.

1. A quantity rule can be made just when it keeps three laws: what is granted lies within the
   bounds, asking for what is granted grants just that, and who asks for more never gets less.
2. What is granted is a multiple of the step that the request lies above, next to the request, and
   the request itself where no step begins below it.
3. A split adds up to its total out of numbers that are sold; it takes the fewest profiles and is
   the lexicographically greatest of those: against all sums counted out.
4. A total that cannot be split names the nearest that can, on either side: against the same.
5. The profiles for a need hold it: the fewest that can, and the least total of those.
6. Bundles are allowed just when they are neither below zero nor above the bound.
7. A change is refused before the day that the error names, and allowed from it on.
"""

import math
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from itertools import accumulate, pairwise, repeat

from hypothesis import example, given
from hypothesis import strategies as st
from tests.property.strategies import attempt, rule_arguments, rules_of_two_sizes

from channelplans.errors import (
    BundlesNotAllowed,
    ChangedTooSoon,
    ChannelsOutOfRange,
    InvalidValue,
    TotalNotReachable,
)
from channelplans.money import Rounding
from channelplans.rules import (
    QuantityRule,
    Step,
    check_change,
    normalize_quantity,
    profiles_for,
    split_profiles,
    validate_bundles,
)
from channelplans.testing.strategies import bundle_rules, change_rules, days, quantity_rules

# How a fraction is rounded, told apart from how the package does it.
NEAREST: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.DOWN: math.floor,
    Rounding.UP: math.ceil,
    Rounding.HALF_UP: lambda exact: math.floor(exact + Fraction(1, 2)),
    Rounding.HALF_EVEN: round,
}


def granted(requested, steps, rounding):
    """Count out what a request would be granted, whether the rule is legal or not."""
    multiple = max(
        ((step.above, step.multiple) for step in steps if step.above < requested), default=(0, 1)
    )[1]
    return multiple * NEAREST[rounding](Fraction(requested, multiple))


def sold(rule):
    """Return all numbers that a rule sells."""
    return sorted(
        {normalize_quantity(n, rule).granted for n in range(rule.minimum, rule.maximum + 1)}
    )


def splits(sizes, most):
    """Count out, for each total up to the most, the best split over the fewest profiles.

    The best split over n + 1 profiles is, for some first profile, the best over n beside it.
    """
    best: dict[int, tuple[int, ...]] = {}
    latest: dict[int, tuple[int, ...]] = {0: ()}
    while latest:
        longer: dict[int, tuple[int, ...]] = {}
        for total, profiles in latest.items():
            for size in sizes:
                new = tuple(sorted((*profiles, size), reverse=True))
                if total + size <= most and total + size not in best:
                    longer[total + size] = max(new, longer.get(total + size, ()))
        best |= longer
        latest = longer
    return best


@given(rule_arguments())
@example((1, 24, (Step(4, 3),), Rounding.DOWN))
def test_a_rule_can_be_made_just_when_it_keeps_the_laws(arguments):
    """Law 1, both ways."""
    minimum, maximum, steps, rounding = arguments
    table = {asked: granted(asked, steps, rounding) for asked in range(minimum, maximum + 1)}
    within = all(minimum <= each <= maximum for each in table.values())
    settled = all(granted(each, steps, rounding) == each for each in table.values())
    rising = all(less <= more for less, more in pairwise(table.values()))

    made = attempt(InvalidValue, QuantityRule, *arguments)

    assert (within and settled and rising) is isinstance(made, QuantityRule)


@given(quantity_rules(), st.data())
def test_what_is_granted(rule, data):
    """Laws 1 and 2, for legal rules."""
    requested = data.draw(st.integers(rule.minimum, rule.maximum))
    more = data.draw(st.integers(requested, rule.maximum))
    quantity = normalize_quantity(requested, rule)
    multiple = next((step.multiple for step in reversed(rule.steps) if step.above < requested), 1)

    assert rule.minimum <= quantity.granted <= rule.maximum
    assert quantity.granted == normalize_quantity(quantity.granted, rule).granted
    assert quantity.granted <= normalize_quantity(more, rule).granted
    assert granted(requested, rule.steps, rule.rounding) == quantity.granted
    assert abs(quantity.granted - requested) < multiple
    assert 0 == quantity.granted % multiple


@given(quantity_rules(), st.integers(1, 10**12))
def test_outside_the_bounds_nothing_is_granted(rule, beyond):
    """A request below the least or above the most is refused, however it would be rounded."""
    for requested in (rule.minimum - beyond, rule.maximum + beyond):
        error = attempt(ChannelsOutOfRange, normalize_quantity, requested, rule)

        assert requested == error.requested
        assert (rule.minimum, rule.maximum) == (error.minimum, error.maximum)
        assert sum(error.split) in {0, requested}


@given(quantity_rules(stretch=4) | rules_of_two_sizes(), st.data())
def test_a_split_is_the_best_there_is(rule, data):
    """Laws 3 and 4."""
    sizes = sold(rule)
    most = 4 * rule.maximum
    best = splits(sizes, most + 2 * rule.maximum)
    total = data.draw(st.integers(-1, most))
    found = attempt(TotalNotReachable, split_profiles, total, rule)
    if total in best:
        assert best[total] == found
    else:
        below = [each for each in best if each < total]
        above = [each for each in best if each > total]
        assert (*([max(below)] if below else []), min(above)) == found.nearest


@given(quantity_rules(steps=1, stretch=3), st.integers(2, 2000), st.data())
def test_a_split_of_many_profiles_adds_up(rule, profiles, data):
    """Law 3 where it cannot be counted out: any sum of what is sold is split, over no more."""
    sizes = sold(rule)
    some = data.draw(st.lists(st.sampled_from(sizes), min_size=1, max_size=5))
    total = sum(some) + (profiles - len(some)) * sizes[-1] if profiles > len(some) else sum(some)
    split = split_profiles(total, rule)

    assert total == sum(split)
    assert set(split) <= set(sizes)
    assert len(split) <= max(profiles, len(some))
    assert sorted(split, reverse=True) == list(split)


@given(quantity_rules(stretch=4) | rules_of_two_sizes(), st.data())
def test_the_profiles_for_a_need(rule, data):
    """Law 5."""
    sizes = sold(rule)
    needed = data.draw(st.integers(1, 4 * sizes[-1]))
    totals = accumulate(
        repeat(sizes), lambda sums, each: {s + e for s in sums for e in each}, initial={0}
    )
    least = next(min(holding) for sums in totals if (holding := {s for s in sums if s >= needed}))
    profiles = profiles_for(needed, rule)

    assert least == sum(profiles)
    assert -(-needed // sizes[-1]) == len(profiles)
    assert split_profiles(least, rule) == profiles


@given(bundle_rules(), st.integers(-3, 40), st.integers(0, 12))
def test_bundles_are_allowed_within_their_bound(rule, bundles, channels):
    """Law 6."""
    bound = 1_000_000 if rule.per_channel is None else rule.per_channel * channels
    error = attempt(BundlesNotAllowed, validate_bundles, bundles, channels=channels, rule=rule)

    assert (0 <= bundles <= bound) is (error is None)
    assert error is None or (bundles, rule.most(channels)) == (error.bundles, error.most)


@given(change_rules(), days(), st.integers(-3, 1200))
def test_a_change_is_possible_from_the_day_that_is_named(rule, changed, later):
    """Law 7."""
    on = changed + timedelta(days=later)
    error = attempt(ChangedTooSoon, check_change, changed, on=on, rule=rule)
    if error is None:
        assert rule.cooldown is None or later > 0
    else:
        assert max(on, changed) < error.possible_from
        for before, refused in ((1, True), (0, False)):
            day = error.possible_from - timedelta(days=before)
            again = attempt(ChangedTooSoon, check_change, changed, on=day, rule=rule)
            assert refused is isinstance(again, ChangedTooSoon)
