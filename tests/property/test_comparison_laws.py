"""The cheapest combination is the cheapest of all, by a search that tries every one."""

from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import attrs
import pytest
from hypothesis import assume, given, strategies as st
from tests.property.strategies import attempt, rule_arguments

from channelplans.calendar import Days
from channelplans.errors import InvalidValue, NotOffered
from channelplans.explore import Need, Product, break_even, compare_plans
from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.quantities import QuantityRule, grant
from channelplans.rules import BundleRule, TermRule
from channelplans.tariffs import Item, Tariff
from channelplans.testing.strategies import ladders

pytestmark = pytest.mark.slow

# All combinations of up to this many channels are tried.
MOST_TRIED = 8

prices = st.integers(0, 9) | ladders(tiers=3, quantity=4, price=30, decimals=1)


@st.composite
def small_products(draw):
    """Draw offers with few channels and bundles, with any tariff."""
    quantity = attempt(InvalidValue, QuantityRule, *draw(rule_arguments(highest_maximum=4)))
    assume(isinstance(quantity, QuantityRule))
    bundle = draw(
        st.none()
        | st.builds(
            BundleRule,
            st.just("US minutes"),
            st.integers(1, 5),
            st.just(("US",)),
            per_channel=st.sampled_from([1, 2, None]),
            included=st.integers(0, 2),
        )
        | st.builds(
            BundleRule,
            st.just("US minutes"),
            st.just(0),
            st.just(("US",)),
            per_channel=st.just(0),
            included=st.integers(1, 2),
        )
    )
    term = TermRule(Days(draw(st.sampled_from([10, 30, 45]))))
    offer = Offer("made up", "2026", "https://example.com", quantity, bundle, term)
    tariff = Tariff(
        "made up",
        EUR,
        channel=draw(prices),
        bundle=draw(st.none() | prices),
        minute=draw(st.none() | st.integers(0, 3)),
        rates={"DE": "0.5"},
        setup=draw(st.integers(0, 2)),
        channel_setup=draw(st.integers(0, 2)),
    )
    return Product(offer, tariff)


def small_needs():
    """Draw needs of few channels and minutes."""
    minutes = st.fractions(0, 12, max_denominator=4)
    return st.builds(
        lambda channels, us, de: Need(channels=channels, minutes={"US": us, "DE": de}),
        st.integers(1, 5),
        minutes,
        minutes,
    )


def cost_of_profile(product, channels, bundles, minutes):
    """Return the cost of a profile in cents, or None if its minutes have no price."""
    offer, tariff = product.offer, product.tariff
    plan = offer.plan(channels=channels, bundles=bundles)
    price = tariff.units(Item.CHANNELS, channels) + tariff.units(Item.BUNDLES, bundles)
    rest = max(minutes - plan.minutes, 0)
    if not rest:
        return Fraction(price)
    if offer.bundle is None or tariff.minute is None:
        return None
    return price + rest * 100 * Fraction(tariff.minute)


def cheapest_by_trying(product, needed, minutes):
    """Return the least cost, set-up, number of profiles and total; None if nothing is possible."""
    offer, tariff = product.offer, product.tariff
    rule = offer.bundle
    can_buy = rule is not None and rule.minutes and tariff.bundle is not None
    sizes = {
        grant(n, offer.quantity) for n in range(offer.quantity.minimum, offer.quantity.maximum + 1)
    }
    ranks = []
    for count in range(1, MOST_TRIED // min(sizes) + 1):
        for profiles in combinations_with_replacement(sorted(sizes), count):
            total = sum(profiles)
            if not needed <= total <= MOST_TRIED:
                continue
            best_costs: dict[int, Any] = {}
            for channels in {*profiles}:
                share = minutes * Fraction(channels, total)
                # No more bundles help than one for each minute, or the last tier of the ladder.
                most = min(rule.most(channels), 20) if rule is not None and can_buy else 0
                costs = [cost_of_profile(product, channels, n, share) for n in range(most + 1)]
                known = [cost for cost in costs if cost is not None]
                best_costs[channels] = min(known, default=None)
            if None not in best_costs.values():
                cost = sum(best_costs[channels] for channels in profiles)
                fees = 100 * (count * tariff.setup + total * tariff.channel_setup)
                ranks.append((cost, fees, count, total))
    return min(ranks, default=None)


@given(small_products(), small_needs())
def test_cheapest_combination_is_the_cheapest_of_all(product, need):
    """No combination of up to 8 channels is cheaper, and ties are broken in the stated order."""
    (option,) = compare_plans(need, [product]).options
    days = Fraction(product.term_days, 30)
    in_area = product.offer.bundle is not None
    us_minutes = need.minutes["US"] * days
    if us_minutes and not in_area:
        assert option.best is None
        return
    expected = cheapest_by_trying(product, need.needed, us_minutes)
    other_calls = need.minutes["DE"] * days * 50

    if option.best is None:
        assert expected is None
        return
    best = option.best
    rank = (best.units - other_calls, best.setup.minor, len(best.plans), best.channels)
    assert best.channels >= need.needed
    if best.channels <= MOST_TRIED:
        assert expected == rank
    else:
        assert expected is None or rank <= expected


def combination_for(need, product):
    """Return the cheapest combination of a product."""
    best = compare_plans(need, [product]).cheapest.best
    assert best is not None
    return best


@given(small_products(), small_needs())
def test_step_is_the_first_larger_need_with_another_price(product, need):
    """Each need below the step costs the same, and the step costs more."""
    (option,) = compare_plans(need, [product]).options
    if option.best is None or option.step is None:
        assert option.step_from is None
        return

    step_from = option.step_from
    assert step_from is not None
    before, after = (
        attrs.evolve(need, channels=channels) for channels in (step_from - 1, step_from)
    )

    assert option.best.units < option.step.units
    assert option.best.units == combination_for(before, product).units
    assert option.step.units == combination_for(after, product).units


@given(small_products(), small_needs())
def test_more_bundles_to_choose_from_never_cost_more(product, need):
    """Without bundles for sale, the cost is the same or higher."""
    (option,) = compare_plans(need, [product]).options
    without = attrs.evolve(product, tariff=attrs.evolve(product.tariff, bundle=None))
    (dearer,) = compare_plans(need, [without]).options

    if option.best is None:
        assert dearer.best is None
    elif dearer.best is None:
        assert option.without_bundles is None
    else:
        assert option.without_bundles is not None
        assert dearer.best.units == option.without_bundles.units >= option.best.units


@given(st.integers(1, 5), st.integers(0, 9), st.integers(0, 3))
def test_break_even_is_the_first_second_at_which_a_bundle_is_not_dearer(minutes, price, rate):
    """At the break-even the minutes cost at least as much as a bundle, a second before less."""
    offer = attrs.evolve(SKYPE_CONNECT, bundle=BundleRule("US minutes", minutes, ("US",)))
    tariff = Tariff("made up", EUR, channel=1, bundle=price, minute=rate)
    duration = attempt(NotOffered, break_even, offer, tariff)
    if isinstance(duration, NotOffered):
        assert price > minutes * rate
        return
    seconds = Fraction(duration.total_seconds())

    assert price <= seconds / 60 * rate
    assert not seconds or (seconds - 1) / 60 * rate < price
