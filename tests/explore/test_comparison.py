"""The cheapest profiles and bundles of each product, computed by hand."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import attrs
import pytest
from tests.explore.products import SKYPE, TARIFF, compare_one
from tests.steps import run_within

from channelplans.calendar import Days, Months
from channelplans.errors import CurrencyMismatch, InvalidValue, NotOffered, UnknownRate, WrongType
from channelplans.explore import (
    Combination,
    Need,
    Product,
    break_even,
    compare_plans,
)
from channelplans.money import EUR, JPY, USD, Rounding
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.quantities import QuantityRule, Step
from channelplans.rules import BundleRule, TermRule
from channelplans.tariffs import Ladder, LadderMode, Tariff, Tier


def channels_of(option):
    """Return the channels and bundles of each profile of the cheapest combination."""
    return [(plan.channels, plan.bundles) for plan in option.best.plans]


def in_ladder(*tiers, mode=LadderMode.VOLUME, **fields):
    """Return the tariff with a ladder for its channels."""
    ladder = Ladder(tiers, mode=mode)
    return attrs.evolve(TARIFF, name="ladder", channel=ladder, **fields)


def test_each_profile_is_rounded_on_its_own():
    """137 channels are 130 + 7; 137 x 6.95 = 952.15 is less than 140 x 6.95 = 973.00 (H5, H6)."""
    option = compare_one(Need(channels=137))

    assert [(130, 0), (7, 0)] == channels_of(option)
    assert "952.15 EUR" == str(option.best.per_term) == str(option.best.per_30_days)


def test_ways_show_137_as_130_as_140_and_as_130_and_7():
    """One profile gets 130, which is too few: 903.50. 140 cost 973.00, and 130 + 7 cost 952.15."""
    option = compare_one(Need(channels=137))
    ways = [(way.profiles, str(way.per_term)) for way in option.ways]

    expected = [
        ("130 channels", "903.50 EUR"),
        ("130 + 7 channels", "952.15 EUR"),
        ("140 channels", "973.00 EUR"),
    ]
    assert expected == ways
    assert "130 (too few)" in str(option)


def test_more_channels_win_if_a_ladder_makes_them_cheaper():
    """Each of 140 channels costs 6: 140 x 6 = 840 instead of 137 x 7 = 959."""
    tariff = in_ladder(Tier(139, unit="7"), Tier(None, unit="6"))
    option = compare_one(Need(channels=137), Product(SKYPE_CONNECT, tariff))

    assert [(140, 0)] == channels_of(option)
    assert "840.00 EUR" == str(option.best.per_term)
    # 141 channels are 140 + 1: 840 + 7.
    assert 141 == option.step_from
    assert "847.00 EUR" == str(option.step.per_term)


def test_several_small_profiles_win_if_a_ladder_makes_them_cheaper():
    """Two profiles of 5 cost 2 x 5 x 2 = 20, one of 10 costs 10 x 3 = 30."""
    tariff = in_ladder(Tier(5, unit="2"), Tier(None, unit="3"))
    option = compare_one(Need(channels=10), Product(SKYPE_CONNECT, tariff))

    assert [(5, 0), (5, 0)] == channels_of(option)


def test_a_flat_price_is_the_same_up_to_the_end_of_its_tier():
    """100 flat up to 50 channels, 180 up to 300: the next price begins at 51 channels.

    It is the price of one profile, so its channels are not named once more.
    """
    tariff = in_ladder(Tier(50, flat="100"), Tier(None, flat="180"))
    option = compare_one(Need(channels=10), Product(OFFERS["easybell-tier"], tariff))

    assert (51, "180.00 EUR") == (option.step_from, str(option.step.per_term))
    assert "from 51 channels on: 180.00 EUR for 30 days" == option.reasons[-1]


def test_the_next_price_names_profiles_that_differ_from_the_channels():
    """One profile gets 130 or 140 channels: 131 x 6.95 are those of 130 + 1."""
    option = compare_one(Need(channels=130))

    assert "from 131 channels on: 910.45 EUR for 30 days, as 130 + 1 channels" == option.reasons[-1]


def test_no_step_is_named_if_the_price_never_changes():
    """A price of zero is the same for every number of channels."""
    free = attrs.evolve(TARIFF, channel=0)
    option = compare_one(Need(channels=10), Product(OFFERS["easybell-tier"], free))

    assert (None, None) == (option.step_from, option.step)
    assert ("no cost in a term of 30 days", "no other price up to 1,010 channels") == option.reasons


def test_the_largest_need_has_no_step():
    """Larger needs are refused, so there is nothing to compare."""
    option = compare_one(Need(channels=5000), Product(OFFERS["didww"], TARIFF))

    assert (None, "34750.00 EUR") == (option.step_from, str(option.best.per_term))


def test_bundles_are_bought_while_they_are_cheaper_than_their_minutes():
    """10,300 minutes: 2 bundles and 300 x 0.021 = 6.30; a third bundle would cost 10."""
    option = compare_one(Need(channels=4, minutes={"US": 10_300}))

    assert [(4, 2)] == channels_of(option)
    assert Fraction(300) == option.best.overage_minutes
    assert "6.30 EUR" == str(option.best.overage)
    # 4 x 6.95 + 20 + 6.30
    assert "54.10 EUR" == str(option.best.per_term)
    # 10,300 x 0.021 - 26.30
    assert "190.00 EUR" == str(option.saved_by_bundles)


def test_channels_are_bought_for_the_bundles_that_they_allow():
    """One channel would allow one bundle. 20,000 minutes: 4 x (6.95 + 10) = 67.80 (H12)."""
    option = compare_one(Need(channels=1, minutes={"US": 20_000}))

    assert [(4, 4)] == channels_of(option)
    assert "67.80 EUR" == str(option.best.per_term)


def test_minutes_are_divided_in_proportion_to_channels():
    """A profile with 7 of 137 channels has 7/137 of 5,138 minutes: 262.5, which cost 5.51.

    The other profile has 4,875.5 minutes, which one bundle covers.
    """
    plans = (SKYPE_CONNECT.plan(channels=130, bundles=1), SKYPE_CONNECT.plan(channels=7))
    way = Combination(Need(channels=137, minutes={"US": 5138}), SKYPE, plans)

    assert Fraction(5138 * 7, 137) == way.overage_minutes
    # 137 x 6.95 + 10 + 5.5130...
    assert "967.66 EUR" == str(way.per_term)
    assert "channels: 130 with 1 bundle + 7" == way.profiles


def test_included_minutes_come_first():
    """5 channels include 15,000 minutes; 1,000 more cost 21 (SIPStation)."""
    option = compare_one(
        Need(channels=5, minutes={"US": 16_000}), Product(OFFERS["sipstation"], TARIFF)
    )

    # A sixth channel for 6.95 includes the 1,000 minutes.
    assert [(6, 0)] == channels_of(option)
    assert "41.70 EUR" == str(option.best.per_term)
    assert option.saved_by_bundles is None


def test_any_number_of_packs_is_possible_without_a_limit():
    """One channel and 4 packs of 5,000 minutes: 6.95 + 40 (sipgate)."""
    tariff = attrs.evolve(TARIFF, bundle="10", minute="0.02")
    option = compare_one(
        Need(channels=1, minutes={"DE": 20_000}), Product(OFFERS["sipgate-packs"], tariff)
    )

    assert [(1, 4)] == channels_of(option)
    assert "46.95 EUR" == str(option.best.per_term)


def test_more_bundles_win_if_a_ladder_makes_them_cheaper():
    """Up to 4 bundles cost 10 each, from 5 on 7 each: 5 x 7 = 35 instead of 4 x 10 = 40."""
    ladder = Ladder((Tier(4, unit="10"), Tier(None, unit="7")))
    option = compare_one(
        Need(channels=10, minutes={"US": 20_000}),
        Product(SKYPE_CONNECT, attrs.evolve(TARIFF, bundle=ladder)),
    )

    assert [(10, 5)] == channels_of(option)


@pytest.mark.slow
def test_equal_profiles_cannot_share_a_bundle():
    """Two profiles of one channel have 3,750 minutes each, which cost 7,500 x 0.0021 = 15.75.

    If they could share a bundle, it would cost 10 and 2,500 further minutes 5.25. Channels are
    free, so all totals are tried, but no number of profiles is cheaper.
    """
    offer = attrs.evolve(SKYPE_CONNECT, quantity=QuantityRule(1, 1))
    tariff = attrs.evolve(TARIFF, channel=0, minute="0.0021")
    option = compare_one(Need(channels=2, minutes={"US": 7500}), Product(offer, tariff))

    assert "15.75 EUR" == str(option.best.per_term)


def test_other_destinations_cost_the_minute_price():
    """1,000 minutes to Germany cost 20.00, although bundles have minutes left."""
    option = compare_one(Need(channels=4, minutes={"US": 5000, "DE": 1000, "PL": 0}))

    assert "20.00 EUR" == str(option.best.other_calls)
    # 4 x 6.95 + 10 + 20
    assert "57.80 EUR" == str(option.best.per_term)
    total = "channels 27.80 + bundles 10.00 + calls outside bundles 20.00 EUR in a term of 30 days"
    assert total == option.reasons[0]


def test_destinations_of_the_area_share_the_bundled_minutes():
    """4,000 minutes at 0.02 and 2,000 at 0.05: the 1,000 minutes of overage cost 0.03 each."""
    tariff = attrs.evolve(TARIFF, rates={"US": "0.02", "CA": "0.05"}, bundle="50")
    option = compare_one(
        Need(channels=1, minutes={"US": 4000, "CA": 2000}),
        Product(OFFERS["skype-connect-2011"], tariff),
    )

    assert [(1, 1)] == channels_of(option)
    assert "30.00 EUR" == str(option.best.overage)


def test_terms_of_different_lengths_are_compared_by_the_day():
    """A year for 73 costs 0.20 a day, 10 days for 2.10 cost 0.21: a month 6.00 and 6.30."""
    offers = [attrs.evolve(OFFERS["didww"], term=TermRule(x)) for x in (Days(10), Months(12))]
    products = [
        Product(offer, attrs.evolve(TARIFF, channel=price))
        for offer, price in zip(offers, ("2.10", "73"), strict=True)
    ]
    comparison = compare_plans(Need(channels=1), products)

    assert [products[1], products[0]] == [option.product for option in comparison.options]
    rows = comparison.to_records()
    months = [f"{row['per_30_days']} EUR" for row in rows]
    years = [f"{row['per_year']} EUR" for row in rows]
    assert ["6.00 EUR", "6.30 EUR"] == months
    # 2.10 x 365 / 10 = 76.65
    assert ["73.00 EUR", "76.65 EUR"] == years


def test_minutes_of_a_month_are_divided_among_shorter_terms():
    """9,000 minutes in 30 days are 3,000 in a term of 10 days, which cost 63.00."""
    offer = attrs.evolve(OFFERS["didww"], term=TermRule(Days(10)))
    need = Need(channels=1, minutes={"DE": 9000})
    option = compare_one(need, Product(offer, TARIFF))

    assert "60.00 EUR" == str(option.best.other_calls)
    # (6.95 + 60) x 3
    assert "200.85 EUR" == str(option.best.per_30_days)


def test_setup_fees_are_listed_apart():
    """Two profiles and 137 channels: 2 x 15 + 137 x 1. The cost does not contain them."""
    tariff = attrs.evolve(TARIFF, setup="15", channel_setup="1")
    option = compare_one(Need(channels=137), Product(SKYPE_CONNECT, tariff))

    assert "167.00 EUR" == str(option.best.setup)
    assert "952.15 EUR" == str(option.best.per_term)
    assert str(option.best).endswith("a year, 167.00 EUR once")


@pytest.mark.slow
def test_of_equal_costs_the_lowest_setup_fee_wins():
    """If channels are free, 140 on one profile have a lower fee than 130 + 7 on two."""
    tariff = attrs.evolve(TARIFF, channel=0, setup="15")
    option = compare_one(Need(channels=137), Product(SKYPE_CONNECT, tariff))

    assert [(140, 0)] == channels_of(option)


def test_amounts_are_rounded_once_half_up():
    """A term of 7 days for 0.07 is exactly 0.01 a day; 0.35 a week are 1.50 in 30 days."""
    offer = attrs.evolve(OFFERS["didww"], term=TermRule(Days(7)))
    need = Need(channels=1, minutes={"DE": 15})
    option = compare_one(need, Product(offer, attrs.evolve(TARIFF, channel=0)))

    # 15 x 7 / 30 = 3.5 minutes cost 0.07; in 30 days 15 minutes cost 0.30, in a year 3.65.
    costs = (option.best.per_term, option.best.per_30_days, option.best.per_year)
    assert ["0.07 EUR", "0.30 EUR", "3.65 EUR"] == [*map(str, costs)]
    half = compare_one(Need(channels=1, minutes={"DE": "0.25"}), option.product)
    assert "0.01 EUR" == str(half.best.per_30_days)  # exactly 0.005


@pytest.mark.parametrize(
    ("product", "minutes", "problem"),
    [
        (SKYPE, {"PL": 1}, "tariff 'made up' has no rate for calls to 'PL'"),
        (
            Product(SKYPE_CONNECT, attrs.evolve(TARIFF, minute=None, bundle=None)),
            {"US": 7, "CA": 0},
            "no bundles or included minutes cover 7 minutes in a term, and tariff 'made up' has no",
        ),
        (
            Product(
                attrs.evolve(SKYPE_CONNECT, quantity=QuantityRule(6000, 6001)),
                TARIFF,
            ),
            {},
            "an offer with profiles of at most 5,000 channels",
        ),
        (SKYPE, {"US": 10**9}, "a need of at most 20,000 bundles, not 200,000 bundles"),
        (
            Product(SKYPE_CONNECT, attrs.evolve(TARIFF, channel=10**15)),
            {},
            "amount must be of at most 18 digits",
        ),
    ],
)
def test_impossible_products_say_why(product, minutes, problem):
    """The reason is in the option's sentence and in its row, and the product is not ranked."""
    comparison = compare_plans(Need(channels=11, minutes=minutes), [product])
    (option,) = comparison.options

    assert option.best is None
    assert problem in str(option.problem)
    assert (f"not possible, because {option.problem}",) == option.reasons
    assert "not possible" in str(comparison)
    assert "not possible, because" in str(option)
    (row,) = comparison.to_records()
    assert (None, None, option.problem) == (row["channels"], row["per_term"], row["problem"])
    with pytest.raises(NotOffered, match="has no possible product"):
        _ = comparison.cheapest


def test_minutes_without_a_price_must_be_bundled():
    """Without a price of a minute, 137 channels as 130 + 7 need a bundle on each profile."""
    product = Product(SKYPE_CONNECT, attrs.evolve(TARIFF, minute=None))
    option = compare_one(Need(channels=137, minutes={"US": 100}), product)

    assert [(130, 1), (7, 1)] == channels_of(option)
    assert (None, None) == (option.without_bundles, option.saved_by_bundles)
    assert all(not way.overage_minutes for way in option.ways)


def test_ways_leave_out_profiles_whose_minutes_have_no_price():
    """One channel would need 2 bundles, but it allows one, and no minute is sold."""
    product = Product(SKYPE_CONNECT, attrs.evolve(TARIFF, minute=None))
    option = compare_one(Need(channels=1, minutes={"US": 6000}), product)

    assert [(2, 2)] == channels_of(option)
    assert [2] == [way.channels for way in option.ways]


def test_ways_need_no_exact_split():
    """Only fives are sold: 12 channels are 15, and no profiles have exactly 12 (Strobe IT)."""
    option = compare_one(Need(channels=12), Product(OFFERS["strobe-it"], TARIFF))

    assert [(5, 0)] * 3 == channels_of(option)
    assert ["3 × 5 channels"] == [way.profiles for way in option.ways]


def test_sizes_with_gaps_skip_totals_that_no_profiles_have():
    """Fours and sixes: 9 channels are 10, as 6 + 4."""
    rule = QuantityRule(4, 6, (Step(above=4, multiple=6),), Rounding.UP)
    offer = Offer("gaps", "2026", "https://example.com", rule)
    option = compare_one(Need(channels=9), Product(offer, TARIFF))

    assert [(6, 0), (4, 0)] == channels_of(option)


def test_included_minutes_of_another_profile_can_be_the_cheapest():
    """Profiles of 3 free channels include 6 minutes: 6.5 minutes need two profiles, for nothing.

    4 channels would include enough, but no profiles have 4, and 3 cost half a minute.
    """
    rule = BundleRule("US minutes", 1, ("US",), included=2)
    offer = attrs.evolve(SKYPE_CONNECT, quantity=QuantityRule(3, 3), bundle=rule)
    tariff = Tariff("made up", EUR, channel=0, minute=1)
    option = compare_one(Need(channels=1, minutes={"US": "6.5"}), Product(offer, tariff))

    assert [(3, 0), (3, 0)] == channels_of(option)


def test_options_are_sorted_by_cost_and_impossible_ones_are_last():
    """Products with equal costs keep their order."""
    dear = Product(SKYPE_CONNECT, attrs.evolve(TARIFF, name="dear", channel="9"))
    same = Product(OFFERS["skype-connect-nearest"], TARIFF)
    silent = Product(SKYPE_CONNECT, attrs.evolve(TARIFF, name="silent", rates={}))
    need = Need(channels=10, minutes={"DE": 1})
    comparison = compare_plans(need, [silent, dear, SKYPE, same])

    assert [SKYPE, same, dear, silent] == [option.product for option in comparison.options]
    assert comparison.options[0] == comparison.cheapest
    assert 4 == len(comparison.to_records())


def test_compare_plans_refuses_no_products():
    """The error says what would work."""
    with pytest.raises(InvalidValue, match="products must be at least one product, not none"):
        compare_plans(Need(channels=1), [])


def test_compare_plans_refuses_products_in_two_currencies():
    """The error names the product, because amounts are not converted."""
    dollars = Product(SKYPE_CONNECT, attrs.evolve(TARIFF, name="US list", currency=USD))

    with pytest.raises(CurrencyMismatch, match="tariff 'US list' is in another"):
        compare_plans(Need(channels=1), [SKYPE, dollars])


def test_compare_plans_refuses_other_types():
    """A need and products are values of this room."""
    need: Any = {"channels": 1}
    product: Any = (SKYPE_CONNECT, TARIFF)

    with pytest.raises(WrongType, match="need must be a Need"):
        compare_plans(need, [SKYPE])
    with pytest.raises(WrongType, match=r"products\[0\] must be a Product"):
        compare_plans(Need(channels=1), [product])


def test_300_channels_by_300_bundles_take_few_steps():
    """The comparison with all its parts takes well below a second."""
    need = Need(channels=300, minutes={"US": 1_499_999, "DE": 1000})
    (option,) = run_within(400_000, lambda: compare_plans(need, [SKYPE])).options

    assert [(300, 300)] == channels_of(option)
    # 300 x 16.95 + 1,000 x 0.02
    assert "5105.00 EUR" == str(option.best.per_term)


def test_a_need_of_299_channels_takes_few_steps():
    """299 channels need two profiles, or a 300th channel."""
    need = Need(channels=299, minutes={"US": 1_494_900})
    (option,) = run_within(400_000, lambda: compare_plans(need, [SKYPE])).options

    # 299 x 16.95 if the minutes fit the bundles of both profiles.
    assert option.best.units <= 29900 // 100 * 1695 + 1695


@pytest.mark.slow
def test_free_channels_whose_minutes_need_bundles_take_few_steps():
    """One bundle covers one profile, so no larger total can be cheaper and few are tried."""
    tariff = attrs.evolve(TARIFF, channel=0, minute=None)
    product = Product(SKYPE_CONNECT, tariff)
    need = Need(channels=2, minutes={"US": 1})
    (option,) = run_within(2_000_000, lambda: compare_plans(need, [product])).options

    assert [(2, 1)] == channels_of(option)
    assert "10.00 EUR" == str(option.best.per_term)
    # The second profile needs a bundle of its own.
    assert (301, "20.00 EUR") == (option.step_from, str(option.step.per_term))


def test_break_even_divides_the_price_of_a_bundle_by_that_of_a_minute():
    """10 / 0.021 is 476.19 minutes, 7:56:11.43, rounded up."""
    assert timedelta(hours=7, minutes=56, seconds=12) == break_even(SKYPE_CONNECT, TARIFF)


def test_break_even_counts_the_lowest_price_of_the_area():
    """At 0.02 a minute, 500 minutes cost 10; at 0.05 only 200 are needed."""
    tariff = attrs.evolve(TARIFF, rates={"US": "0.02", "CA": "0.05"})

    assert timedelta(minutes=500) == break_even(OFFERS["skype-connect-2011"], tariff)


def test_break_even_of_a_free_bundle_is_zero():
    """A bundle for nothing pays for itself at once, even if minutes cost nothing."""
    assert timedelta(0) == break_even(SKYPE_CONNECT, attrs.evolve(TARIFF, bundle=0, minute=0))


def test_break_even_counts_all_minutes_of_the_bundle():
    """5,000 minutes at 0.002 cost exactly 10."""
    tariff = attrs.evolve(TARIFF, minute="0.002")

    assert timedelta(minutes=5000) == break_even(SKYPE_CONNECT, tariff)


@pytest.mark.parametrize(
    ("offer", "tariff", "message"),
    [
        (OFFERS["telnyx"], TARIFF, "has no bundles; an offer with bundles works"),
        (OFFERS["sipstation"], TARIFF, "has no bundles; an offer with bundles works"),
        (SKYPE_CONNECT, attrs.evolve(TARIFF, bundle=None), "has no price for bundles"),
        (SKYPE_CONNECT, attrs.evolve(TARIFF, minute="0.001"), "bundle that pays for itself"),
    ],
)
def test_break_even_refuses_bundles_that_do_not_exist_or_never_pay(offer, tariff, message):
    """The error names the offer or the tariff."""
    with pytest.raises(NotOffered, match=message):
        break_even(offer, tariff)


def test_break_even_needs_the_price_of_a_minute():
    """Without a price, minutes are sold only in bundles."""
    with pytest.raises(UnknownRate):
        break_even(SKYPE_CONNECT, attrs.evolve(TARIFF, minute=None))


def test_a_currency_without_decimals_is_rounded_to_whole_units():
    """300 minutes at 0.021 yen cost 6.3 yen, shown as 6."""
    tariff = Tariff("made up", JPY, channel=700, minute="0.021")
    option = compare_one(Need(channels=1, minutes={"US": 300}), Product(SKYPE_CONNECT, tariff))

    assert "706 JPY" == str(option.best.per_term)


def test_a_bundle_rule_of_several_bundles_for_each_channel():
    """Two bundles for each channel: 1 channel and 2 bundles of 100 minutes cost 6.95 + 2."""
    rule = BundleRule("US minutes", 100, ("US",), per_channel=2)
    product = Product(attrs.evolve(SKYPE_CONNECT, bundle=rule), attrs.evolve(TARIFF, bundle=1))
    option = compare_one(Need(channels=1, minutes={"US": 200}), product)

    assert [(1, 2)] == channels_of(option)
