"""Laws of ladders.

- a ladder of one open tier is a flat price, by volume and graduated alike
- by volume, a quantity costs what its own tier says, and no other tier matters
- graduated, a quantity costs the sum of what each tier says of its part
- graduated, more never costs less
- a tier split in two of the same price, without a flat fee, changes nothing when graduated
- a price in units differs from the exact price by half a unit at most
"""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from channelplans.ladders import Ladder, Tier
from channelplans.money import EUR, Currency
from channelplans.pricing import Tariff

counts = st.integers(0, 60)
prices = st.decimals(0, 100, places=2)
sizes = st.integers(1, 5)


@st.composite
def ladders(draw, *, graduated=None, packs=sizes, flats=prices):
    """Ladders of up to four tiers."""
    ends = draw(st.lists(st.integers(1, 50), max_size=3, unique=True).map(sorted))
    tiers = tuple(Tier(end, draw(prices), draw(flats), draw(packs)) for end in (*ends, None))
    return Ladder(tiers, draw(st.booleans()) if graduated is None else graduated)


@given(prices, counts.filter(bool), st.booleans())
def test_one_open_tier_is_a_flat_price(price, count, graduated):
    """What a tariff says with a plain price, it says with a ladder of it."""
    ladder = Ladder((Tier(None, price),), graduated)
    plain = Tariff("plain", EUR, channel=price, bundle=0, minute=0)
    by_ladder = Tariff("ladder", EUR, channel=ladder, bundle=0, minute=0)

    assert plain.channels(count) == by_ladder.channels(count)


@given(ladders(graduated=False), counts)
def test_by_volume_one_tier_prices_all(ladder, count):
    """The first tier that reaches so far."""
    tier = next(each for each in ladder.tiers if each.up_to is None or each.up_to >= count)
    expected = -(-count // tier.pack) * Fraction(tier.unit) + Fraction(tier.flat)

    assert expected == ladder.price(count)


@given(ladders(graduated=True, flats=st.just(0), packs=st.just(1)), counts)
def test_graduated_is_a_sum_over_single_ones(ladder, count):
    """Each single one costs what the tier that it falls in says."""
    expected = sum(
        Fraction(
            next(each.unit for each in ladder.tiers if each.up_to is None or each.up_to >= single)
        )
        for single in range(1, count + 1)
    )

    assert expected == ladder.price(count)


@given(ladders(graduated=True), counts, counts)
def test_graduated_more_never_costs_less(ladder, some, more):
    """By volume it may: that is what a volume price is for."""
    assert ladder.price(some) <= ladder.price(some + more)


@given(ladders(graduated=True, flats=st.just(0), packs=st.just(1)), st.integers(1, 50), counts)
def test_splitting_a_tier_changes_nothing(ladder, cut, count):
    """A tier is its price, and not its place in the list."""
    ends = [tier.up_to for tier in ladder.tiers]
    tier = next(each for each in ladder.tiers if each.up_to is None or each.up_to >= cut)
    place = ladder.tiers.index(tier)
    below = () if cut in ends else (Tier(cut, tier.unit),)
    split = Ladder((*ladder.tiers[:place], *below, *ladder.tiers[place:]), graduated=True)

    assert ladder.price(count) == split.price(count)


@given(ladders(), counts, st.integers(0, 4))
def test_units_are_the_nearest(ladder, count, exponent):
    """Rounded once, half up."""
    currency = Currency("EUR", exponent)
    difference = ladder.units(count, currency) - ladder.price(count) * currency.units

    assert Fraction(-1, 2) < difference <= Fraction(1, 2)
