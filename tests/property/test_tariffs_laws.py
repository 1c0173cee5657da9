"""Properties of ladders, which are prices that depend on the quantity, of rates and of tariffs."""

import string
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from channelplans.money import EUR, Currency
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.storage.codec import decode, encode
from channelplans.tariffs import Ladder, LadderMode, Rate, Tariff, Tier
from channelplans.testing.strategies import rates, tariffs

pytestmark = pytest.mark.slow

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


digits = st.text(string.digits, min_size=1, max_size=12)
prefixes = st.builds("{}{}".format, st.integers(1, 19), st.text("01", max_size=3))


OFFERS_WITH_BUNDLES = [offer for offer in OFFERS.values() if offer.bundle is not None]


def in_units(price, decimals):
    """Return a price as a fraction of units with some decimals."""
    return Fraction(price) * 10**decimals


@given(tariffs(), st.fractions(0, 2, max_denominator=60))
def test_scaled_prices_are_rounded_half_up_once(tariff, part):
    """Each scaled price differs from the exact part by half a unit at most."""
    scaled = tariff.scaled(part, name="scaled")
    places = tariff.currency.exponent
    pairs = [
        (tariff.setup, scaled.setup, places),
        (tariff.channel_setup, scaled.channel_setup, places),
        (tariff.minute, scaled.minute, 9),
    ]
    for old, new in ((tariff.channel, scaled.channel), (tariff.bundle, scaled.bundle)):
        if not isinstance(old, Ladder):
            pairs.append((old, new, places))
    for key, rate in tariff.rates.items():
        pairs.append((rate.connection, scaled.rates[key].connection, 9))
        assert rate.counting == scaled.rates[key].counting

    for old_price, new_price, decimals in pairs:
        difference = in_units(new_price, decimals) - in_units(old_price, decimals) * part
        assert Fraction(-1, 2) < difference <= Fraction(1, 2)


@given(tariffs())
def test_tariff_scaled_by_one_keeps_its_prices(tariff):
    """The whole of each price is the price."""
    assert tariff == tariff.scaled(Fraction(1), name=tariff.name)


@given(tariffs())
def test_decoded_tariff_prints_like_the_encoded_one(tariff):
    """Equal tariffs have one text, whatever form their prices were given in."""
    decoded = decode(Tariff, encode(tariff))

    assert (tariff, hash(tariff)) == (decoded, hash(decoded))
    assert repr(tariff.channel) == repr(decoded.channel)
    assert sorted(map(repr, tariff.rates.items())) == sorted(map(repr, decoded.rates.items()))


@given(st.dictionaries(prefixes, rates(), min_size=1, max_size=8), digits)
def test_longest_prefix_decides_whatever_the_order_of_the_rates(deck, number):
    """The rate is that of the longest key with which the international number begins."""
    tariff = Tariff("deck", EUR, 0, rates={"XX": 0, **deck})
    international = number.lstrip("0")
    matching = [prefix for prefix in deck if international.startswith(prefix)]

    expected = deck[max(matching, key=len)] if matching else Rate(0)
    assert expected == tariff.rate_for("XX", SKYPE_CONNECT, number=f"+{number}")


@given(tariffs(), st.sampled_from(OFFERS_WITH_BUNDLES), digits)
def test_dialled_form_of_a_number_does_not_change_its_rate(tariff, offer, national):
    """Inside the area, the international and the national form of a number have one rate."""
    rule = offer.bundle
    national = national.lstrip("01") or "2"
    forms = [
        f"+{rule.calling_code}{national}",
        f"00{rule.calling_code}{national}",
        f"+{rule.calling_code} (0) {national}",
        f"{rule.trunk_prefix}{national}",
        national,
    ]
    area_rates = {tariff.rate_for(rule.area[0], offer, number=number) for number in forms}

    assert 1 == len(area_rates)
