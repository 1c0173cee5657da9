"""Properties of ladders, which are prices that depend on the quantity."""

from fractions import Fraction

from hypothesis import given, strategies as st

from channelplans.money import EUR, Currency
from channelplans.tariffs import Ladder, LadderMode, Tariff, Tier

counts = st.integers(0, 60)
prices = st.decimals(0, 100, places=2)
pack_sizes = st.integers(1, 5)


@st.composite
def ladders(draw, *, mode=None, packs=pack_sizes, flats=prices):
    """Draw ladders of up to four tiers, by default of either mode."""
    ends = draw(st.lists(st.integers(1, 50), max_size=3, unique=True).map(sorted))
    tiers = tuple(Tier(end, draw(prices), draw(flats), draw(packs)) for end in (*ends, None))
    return Ladder(tiers, mode or draw(st.sampled_from(LadderMode)))


def tier_of(ladder, count):
    """Return the tier that contains a quantity."""
    return next(tier for tier in ladder.tiers if tier.up_to is None or tier.up_to >= count)


@given(prices, counts.filter(bool), st.sampled_from(LadderMode))
def test_ladder_of_one_open_tier_is_a_flat_price(price, count, mode):
    """A ladder of one open tier costs the same as its plain price."""
    ladder = Ladder((Tier(None, price),), mode)
    plain_tariff = Tariff("plain", EUR, channel=price, bundle=0, minute=0)
    ladder_tariff = Tariff("ladder", EUR, channel=ladder, bundle=0, minute=0)

    assert plain_tariff.channels(count) == ladder_tariff.channels(count)


@given(ladders(mode=LadderMode.VOLUME), counts)
def test_volume_ladder_prices_the_whole_quantity_by_one_tier(ladder, count):
    """By volume, the tier of the quantity prices all of it and adds its flat fee, except to 0."""
    tier = tier_of(ladder, count)
    started_packs = -(-count // tier.pack)

    expected = started_packs * Fraction(tier.unit) + Fraction(tier.flat) * bool(count)
    assert expected == ladder.price(count)


@given(ladders(mode=LadderMode.GRADUATED, flats=st.just(0), packs=st.just(1)), counts)
def test_graduated_ladder_prices_each_unit_by_its_tier(ladder, count):
    """Without flat fees and packs, each unit costs the unit price of the tier that contains it."""
    expected = sum(Fraction(tier_of(ladder, unit).unit) for unit in range(1, count + 1))

    assert expected == ladder.price(count)


@given(ladders(mode=LadderMode.GRADUATED), counts, counts)
def test_larger_quantity_never_costs_less_by_a_graduated_ladder(ladder, count, added):
    """A larger quantity never costs less. This holds for graduated ladders, not by volume."""
    assert ladder.price(count) <= ladder.price(count + added)


@given(
    ladders(mode=LadderMode.GRADUATED, flats=st.just(0), packs=st.just(1)),
    st.integers(1, 50),
    counts,
)
def test_splitting_a_graduated_tier_keeps_the_price(ladder, split_at, count):
    """A tier can be split into two tiers of the same unit price without changing any price."""
    existing_ends = [tier.up_to for tier in ladder.tiers]
    tier = tier_of(ladder, split_at)
    position = ladder.tiers.index(tier)
    new_tiers = () if split_at in existing_ends else (Tier(split_at, tier.unit),)
    split_ladder = Ladder(
        (*ladder.tiers[:position], *new_tiers, *ladder.tiers[position:]), mode=LadderMode.GRADUATED
    )

    assert ladder.price(count) == split_ladder.price(count)


@given(ladders(), counts, st.integers(0, 4))
def test_price_is_rounded_half_up_to_the_smallest_unit(ladder, count, exponent):
    """The price in units differs from the exact price by half a unit at most."""
    currency = Currency("EUR", exponent)
    difference = ladder.units(count, currency) - ladder.price(count) * currency.units

    assert Fraction(-1, 2) < difference <= Fraction(1, 2)
