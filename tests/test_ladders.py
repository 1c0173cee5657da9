"""Prices by quantity: flat, volume, graduated, package and stair-step, and what is refused."""

# Wrong types are given on purpose, and prices as text.
# mypy: disable-error-code="arg-type"

from decimal import Decimal

import pytest

from channelplans.errors import InvalidValue, WrongType
from channelplans.ladders import Ladder, Tier
from channelplans.money import EUR, JPY, Currency, Money
from channelplans.pricing import Item, Tariff


def test_a_flat_price_is_a_tier():
    """One open tier is a price for each, as a tariff's plain price is."""
    assert 70 == Ladder((Tier(None, unit="7"),)).price(10)


def test_a_stair_step_is_a_flat_fee():
    """A tier with a flat fee alone costs the same however much of it is bought."""
    stairs = Ladder((Tier(10, flat=20), Tier(25, flat=40), Tier(None, flat=80)))

    assert [20, 20, 40, 40, 80] == [stairs.price(count) for count in (1, 10, 11, 25, 26)]


def test_a_tier_costs_whole_packs():
    """A part of a pack costs a whole one, nothing costs the flat fee alone."""
    tier = Tier(None, unit="5", flat="1", pack=100)

    assert [1, 6, 6, 11] == [tier.cost(count) for count in (0, 1, 100, 101)]


def test_a_price_in_units_is_rounded_once():
    """2.125 are 213 cents and 2 yen: the sum is rounded, half up, and no part of it."""
    ladder = Ladder((Tier(1, unit="1.125"), Tier(None, unit="1")), graduated=True)

    assert (213, 2) == (ladder.units(2, EUR), ladder.units(2, JPY))
    assert 2125 == ladder.units(2, Currency("EUR", 3))


def test_a_ladder_is_a_price_of_a_tariff():
    """Channels and bundles may each have one; what one of them costs is then not told."""
    ladder = Ladder((Tier(9, unit="5"), Tier(None, unit="4.125")))
    tariff = Tariff("made up", EUR, channel=ladder, bundle=ladder, minute="0.02")

    assert Money.of("45", EUR) == tariff.channels(9)
    assert Money.of("41.25", EUR) == tariff.bundles(10)
    assert None is tariff.unit(Item.CHANNELS)
    assert (
        "made up: (by volume: up to 9 at 5; above at 4.125) for the channels, "
        "(by volume: up to 9 at 5; above at 4.125) for the bundles, 0.02 EUR a minute"
    ) == str(tariff)


def test_none_of_something_costs_nothing():
    """A flat fee is for what is bought: no bundles cost nothing, whatever the ladder says."""
    tariff = Tariff("made up", EUR, channel=1, bundle=Ladder((Tier(None, 1, flat=10),)), minute=0)

    assert Money(0, EUR) == tariff.bundles(0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Tier(10, unit="6.5"), "up to 10 at 6.5"),
        (Tier(None, unit=5, flat=2), "above at 5 and 2 flat"),
        (Tier(None, unit=5, pack=100), "above at 5 for 100"),
        (Tier(None, flat="19.99"), "above at 19.99 flat"),
        (Tier(10), "up to 10 at 0"),
        (Ladder((Tier(5, 7), Tier(None, 6))), "by volume: up to 5 at 7; above at 6"),
        (Ladder((Tier(None, 6),), graduated=True), "graduated: above at 6"),
    ],
)
def test_ladders_explain_themselves(value, text):
    """A tier and a ladder say what they cost."""
    assert text == str(value)


@pytest.mark.parametrize("price", [7, "7", "7.00", Decimal(7)])
def test_prices_are_read_like_a_tariffs(price):
    """Whole numbers, text and Decimals are the same price."""
    assert Tier(None, unit=7, flat=7) == Tier(None, unit=price, flat=price)


@pytest.mark.parametrize("field", ["unit", "flat"])
@pytest.mark.parametrize("price", [7.5, True, None])
def test_what_is_no_price_is_refused(field, price):
    """Floats, bools and nothing are refused by the name of what they were given for."""
    with pytest.raises(WrongType, match=f"^{field} "):
        Tier(None, **{field: price})


@pytest.mark.parametrize("field", ["unit", "flat"])
@pytest.mark.parametrize("price", ["-0.01", "seven", Decimal("NaN"), Decimal("Infinity")])
def test_impossible_prices_are_refused(field, price):
    """A price is a finite number, and not below zero."""
    with pytest.raises(InvalidValue, match=f"^{field} "):
        Tier(None, **{field: price})


@pytest.mark.parametrize("named", [{"up_to": 0}, {"up_to": None, "pack": 0}])
def test_impossible_tiers_are_refused(named):
    """A tier holds at least one, and so does a pack."""
    with pytest.raises(InvalidValue):
        Tier(**named)


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        (Tier(5),),
        (Tier(None), Tier(None)),
        (Tier(None), Tier(5)),
        (Tier(5), Tier(5), Tier(None)),
        (Tier(6), Tier(5), Tier(None)),
    ],
    ids=str,
)
def test_tiers_rise_and_the_last_is_open(tiers):
    """So that each quantity has just one tier."""
    with pytest.raises(InvalidValue, match="tiers that rise, the last of them open"):
        Ladder(tiers)


def test_counts_below_zero_are_refused():
    """Nobody buys fewer than none."""
    with pytest.raises(InvalidValue, match="count"):
        Ladder((Tier(None, 1),)).price(-1)
