"""Prices by quantity: flat, volume, graduated, package and stair-step ladders."""

from decimal import Decimal

import attrs
import numpy as np
import pytest

from channelplans.errors import InvalidValue, UnknownRate, WrongType
from channelplans.money import EUR, JPY, Currency, Money
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.tariffs import Item, Ladder, LadderMode, Tariff, Tier


def test_ladder_of_one_open_tier_has_one_unit_price():
    """A single tier without an upper limit charges the same price for each unit."""
    assert 70 == Ladder((Tier(None, unit="7"),)).price(10)


def test_stair_step_charges_only_the_flat_fee_of_its_tier():
    """With flat fees alone, every quantity within one tier costs the same."""
    ladder = Ladder((Tier(10, flat=20), Tier(25, flat=40), Tier(None, flat=80)))

    assert [20, 20, 40, 40, 80] == [ladder.price(count) for count in (1, 10, 11, 25, 26)]


def test_tier_charges_whole_packs():
    """A started pack costs as much as a full one, and a count of zero costs the flat fee."""
    tier = Tier(None, unit="5", flat="1", pack=100)

    assert [1, 6, 6, 11] == [tier.cost(count) for count in (0, 1, 100, 101)]


def test_units_rounds_the_total_once():
    """Only the total is rounded, half up: 2.125 becomes 213 cents or 2 yen."""
    ladder = Ladder((Tier(1, unit="1.125"), Tier(None, unit="1")), mode=LadderMode.GRADUATED)

    assert (213, 2) == (ladder.units(2, EUR), ladder.units(2, JPY))
    assert 2125 == ladder.units(2, Currency("EUR", 3))


def test_tariff_accepts_ladders_for_channels_and_bundles():
    """A ladder can price channels or bundles, and ``unit`` then returns None."""
    ladder = Ladder((Tier(9, unit="5"), Tier(None, unit="4.125")))
    tariff = Tariff("made up", EUR, channel=ladder, bundle=ladder, minute="0.02")

    assert Money.of("45", EUR) == tariff.channels(9)
    assert Money.of("41.25", EUR) == tariff.bundles(10)
    assert None is tariff.unit(Item.CHANNELS)
    assert (
        "made up: (by volume: up to 9 at 5; above at 4.125) for the channels, "
        "(by volume: up to 9 at 5; above at 4.125) for the bundles, 0.02 EUR a minute"
    ) == str(tariff)


def test_tariff_charges_nothing_for_zero_bundles():
    """Zero bundles cost nothing, even if the first tier has a flat fee."""
    tariff = Tariff("made up", EUR, channel=1, bundle=Ladder((Tier(None, 1, flat=10),)), minute=0)

    assert Money(minor=0, currency=EUR) == tariff.bundles(0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Tier(10, unit="6.5"), "up to 10 at 6.5"),
        (Tier(None, unit=5, flat=2), "above at 5 and 2 flat"),
        (Tier(None, unit=5, pack=100), "above at 5 for 100"),
        (Tier(None, flat="19.99"), "above at 19.99 flat"),
        (Tier(10), "up to 10 at 0"),
        (Ladder((Tier(5, 7), Tier(None, 6))), "by volume: up to 5 at 7; above at 6"),
        (Ladder((Tier(None, 6),), mode=LadderMode.GRADUATED), "graduated: above at 6"),
    ],
)
def test_tiers_and_ladders_show_their_prices(value, text):
    """The text of a tier or a ladder states its limits and prices."""
    assert text == str(value)


@pytest.mark.parametrize("price", [7, "7", "7.00", Decimal(7)])
def test_tier_reads_int_text_and_decimal_prices(price):
    """An int, text and a Decimal of the same value make the same price."""
    assert Tier(None, unit=7, flat=7) == Tier(None, unit=price, flat=price)


@pytest.mark.parametrize("field", ["unit", "flat"])
@pytest.mark.parametrize("price", [7.5, True, None])
def test_tier_refuses_prices_of_wrong_types(field, price):
    """A float, a bool and None are refused as a price, and the error names the field."""
    with pytest.raises(WrongType, match=f"^{field} "):
        Tier(None, **{field: price})


@pytest.mark.parametrize("field", ["unit", "flat"])
@pytest.mark.parametrize("price", ["-0.01", "seven", Decimal("NaN"), Decimal("Infinity")])
def test_tier_refuses_invalid_prices(field, price):
    """A price is a finite number of at least zero."""
    with pytest.raises(InvalidValue, match=f"^{field} "):
        Tier(None, **{field: price})


@pytest.mark.parametrize("fields", [{"up_to": 0}, {"up_to": None, "pack": 0}])
def test_tier_refuses_an_empty_range_or_pack(fields):
    """A tier and a pack each hold at least one unit."""
    with pytest.raises(InvalidValue):
        Tier(**fields)


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
def test_ladder_refuses_tiers_that_overlap_or_leave_a_gap(tiers):
    """Upper limits rise and only the last tier is open, so each quantity has just one tier."""
    with pytest.raises(InvalidValue, match="tiers with rising limits, and only the last one"):
        Ladder(tiers)


def test_price_refuses_a_count_below_zero():
    """The number of units to price is at least zero."""
    with pytest.raises(InvalidValue, match="count"):
        Ladder((Tier(None, 1),)).price(-1)


TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02", "PL": "1"})


NO_BUNDLES = attrs.evolve(SKYPE_CONNECT, bundle=None)


PRICES = ("channel", "bundle", "minute", "rates['DE']")


def euros(amount):
    """Return an amount in euros with cents."""
    return Money.of(amount, EUR)


def tariff_with(parameter, price, currency=EUR):
    """Return a tariff whose prices are all 1, except the given price."""
    prices = {"channel": "1", "bundle": "1", "minute": "1"}
    if parameter.startswith("rates"):
        return Tariff("t", currency, **prices, rates={"DE": price})
    return Tariff("t", currency, **{**prices, parameter: price})


class TestTariff:
    """A tariff holds a provider's prices in one currency."""

    @pytest.mark.parametrize("parameter", PRICES)
    @pytest.mark.parametrize(
        "value", [6.95, True, None, b"1", (1,), 1j, np.float64(1), np.array([1, 2])]
    )
    def test_price_refuses_inexact_numbers(self, parameter, value):
        """A float or a bool is refused; the error names the field and shows a valid price."""
        with pytest.raises(WrongType, match=r'an exact number: text such as "6.95"') as caught:
            tariff_with(parameter, value)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", PRICES)
    @pytest.mark.parametrize(
        "value",
        [
            "NaN",
            "Infinity",
            "1e2",
            "1,5",
            "",
            " 1",
            "1.",
            ".5",
            "\u0661",
            "1" * 41,
            Decimal("NaN"),
            Decimal("sNaN"),
            Decimal("Infinity"),
            Decimal("-Infinity"),
            Decimal("1e99"),
            Decimal("1e-99"),
        ],
    )
    def test_price_refuses_text_and_decimals_that_are_not_plain_numbers(self, parameter, value):
        """NaN, infinity, exponents, commas and more than 40 digits are refused."""
        with pytest.raises(InvalidValue) as caught:
            tariff_with(parameter, value)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", PRICES)
    @pytest.mark.parametrize("value", ["-0.01", -1, Decimal("-0.0001"), np.int64(-5)])
    def test_price_refuses_negative_numbers(self, parameter, value):
        """A price is zero or more."""
        with pytest.raises(InvalidValue, match="must be a price of zero or more") as caught:
            tariff_with(parameter, value)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize(
        ("price", "currency"), [("6.955", EUR), (Decimal("0.001"), EUR), ("0.5", JPY)]
    )
    @pytest.mark.parametrize("parameter", ["channel", "bundle"])
    def test_price_of_a_term_has_at_most_the_decimals_of_its_currency(
        self, parameter, price, currency
    ):
        """The price of a channel or a bundle is a multiple of the currency's smallest unit."""
        with pytest.raises(InvalidValue, match=r"at most \d decimals for \w{3}") as caught:
            tariff_with(parameter, price, currency)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("price", ["0.004", Decimal("0.0000001"), "0"])
    @pytest.mark.parametrize("parameter", ["minute", "rates['DE']"])
    def test_price_of_a_minute_may_have_more_decimals_than_its_currency(self, parameter, price):
        """Providers publish rates below a cent, so a rate is not rounded."""
        tariff = tariff_with(parameter, price, JPY)
        destination = "US" if parameter == "minute" else "DE"

        assert Decimal(price) == tariff.per_minute(destination, SKYPE_CONNECT)

    @pytest.mark.parametrize("price", ["7", 7, Decimal(7), Decimal("7.00"), np.int64(7), "+7"])
    def test_price_may_be_text_an_integer_or_a_decimal(self, price):
        """Equal prices of different types make equal tariffs."""
        tariff = tariff_with("channel", price)

        assert (Decimal, euros("7")) == (type(tariff.channel), tariff.channels(1))
        assert (tariff, hash(tariff)) == (
            tariff_with("channel", "7"),
            hash(tariff_with("channel", "7")),
        )

    @pytest.mark.parametrize(("count", "expected"), [(0, "0"), (1, "10"), (3, "30"), (300, "3000")])
    def test_bundles_returns_the_total_price(self, count, expected):
        """The total monthly cost of the bundles can be shown without a quote (H11)."""

        assert euros(expected) == TARIFF.bundles(count)

    @pytest.mark.parametrize(("count", "expected"), [(0, "0"), (1, "6.95"), (110, "764.50")])
    def test_channels_returns_the_total_price(self, count, expected):
        """The total monthly cost of the channels can be shown without a quote."""

        assert euros(expected) == TARIFF.channels(count)

    @pytest.mark.parametrize("total", [TARIFF.bundles, TARIFF.channels])
    def test_totals_refuse_an_invalid_count(self, total):
        """A count is a whole number and at least 0."""
        with pytest.raises(InvalidValue, match="count must be at least 0, not -1"):
            total(-1)
        for value in (True, 1.0, "1", None):
            with pytest.raises(WrongType, match="count must be a whole number"):
                total(value)

    @pytest.mark.parametrize("destination", ["de", "DEU", "D", "49", "d1"])
    def test_rates_refuse_an_invalid_country(self, destination):
        """A destination is two capital letters."""
        with pytest.raises(
            InvalidValue, match=r'rates must be by destination, such as {"DE": "0.02"}'
        ):
            Tariff("t", EUR, "1", "1", "1", {destination: "1"})

    @pytest.mark.parametrize("value", [[("DE", "1")], "DE", None, {5: "1"}, {None: "1"}])
    def test_rates_refuse_a_value_that_is_not_a_mapping_of_text(self, value):
        """The error names the field."""
        with pytest.raises(WrongType) as caught:
            Tariff("t", EUR, "1", "1", "1", value)

        assert "rates" == caught.value.parameter

    @pytest.mark.parametrize(("parameter", "value"), [("name", 5), ("currency", "EUR")])
    def test_wrong_types_are_refused(self, parameter, value):
        """For example, a currency's code is not enough, because it does not set the decimals."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(TARIFF, **{parameter: value})

        assert parameter == caught.value.parameter

    def test_rates_are_an_immutable_copy(self):
        """Changing the dictionary that was passed does not change the tariff."""
        rates = {"DE": "0.02"}
        tariff = Tariff("t", EUR, "1", "1", "1", rates)
        rates["DE"] = "99"

        with pytest.raises(TypeError):
            tariff.rates["DE"] = Decimal(1)  # type: ignore[index]
        assert {"DE": Decimal("0.02")} == tariff.rates

    def test_rates_have_the_repr_of_a_dictionary_and_compare_without_order(self):
        """The order of the rates shows in the repr but does not affect equality."""
        german_first = Tariff("t", EUR, "1", "1", "1", {"DE": "1", "PL": "2"})
        polish_first = Tariff("t", EUR, "1", "1", "1", {"PL": "2", "DE": "1"})

        assert "{'DE': Decimal('1'), 'PL': Decimal('2')}" == repr(german_first.rates)
        assert (german_first, hash(german_first)) == (polish_first, hash(polish_first))
        assert 2 == len(polish_first.rates)

    @pytest.mark.parametrize("changes", [{"minute": "2"}, {"rates": {}}, {"channel": "2"}])
    def test_tariffs_with_different_prices_are_not_equal(self, changes):
        """Equality compares each price."""
        assert attrs.evolve(TARIFF, **changes) != TARIFF

    def test_evolve_converts_and_checks_the_new_price(self):
        """Totals use the new price, and an invalid price is refused."""

        assert euros("14") == attrs.evolve(TARIFF, channel="7").channels(2)
        with pytest.raises(InvalidValue, match="bundle"):
            attrs.evolve(TARIFF, bundle="0.001")

    def test_str_lists_the_prices(self):
        """Small prices are written without an exponent."""
        tariff = Tariff("t", EUR, "6.95", 10, Decimal("0.0000001"), {"DE": "0.02"})

        assert (
            "t: 6.95 EUR a channel, 10.00 EUR a bundle, 0.0000001 EUR a minute, 0.02 EUR to DE"
            == str(tariff)
        )

    @pytest.mark.parametrize(
        ("destination", "offer", "expected"),
        [
            ("US", SKYPE_CONNECT, "0.021"),
            ("US", OFFERS["skype-connect-2011"], "0.021"),
            ("CA", OFFERS["skype-connect-2011"], "0.021"),
            ("DE", SKYPE_CONNECT, "0.02"),
            ("DE", NO_BUNDLES, "0.02"),
        ],
    )
    def test_per_minute_depends_on_the_area(self, destination, offer, expected):
        """The price is ``minute`` inside the bundle area and the destination's rate outside it."""

        assert Decimal(expected) == TARIFF.per_minute(destination, offer)

    @pytest.mark.parametrize(
        ("destination", "offer", "known_countries"),
        [
            ("FR", SKYPE_CONNECT, ("DE", "PL", "US")),
            ("CA", SKYPE_CONNECT, ("DE", "PL", "US")),
            ("FR", OFFERS["skype-connect-2011"], ("CA", "DE", "PL", "US")),
            ("US", NO_BUNDLES, ("DE", "PL")),
        ],
    )
    def test_per_minute_refuses_a_country_without_a_rate(self, destination, offer, known_countries):
        """The error is a LookupError and names the destination and the countries with a rate."""
        with pytest.raises(UnknownRate) as caught:
            TARIFF.per_minute(destination, offer)

        error = caught.value
        assert isinstance(error, LookupError)
        assert (destination, "made up", known_countries) == (
            error.destination,
            error.tariff,
            error.known,
        )

    def test_unknown_rate_error_of_a_tariff_without_rates(self):
        """The error says that the tariff has no rates."""
        tariff = Tariff("bare", EUR, "1", "1", "1")

        with pytest.raises(UnknownRate, match="it has rates for: none"):
            tariff.per_minute("US", NO_BUNDLES)

    @pytest.mark.parametrize(
        ("destination", "offer", "parameter"),
        [(5, SKYPE_CONNECT, "destination"), ("US", None, "offer")],
    )
    def test_per_minute_refuses_wrong_types(self, destination, offer, parameter):
        """The error names the parameter."""
        with pytest.raises(WrongType) as caught:
            TARIFF.per_minute(destination, offer)

        assert parameter == caught.value.parameter
