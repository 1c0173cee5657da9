"""Prices by quantity, rates of calls, and tariffs."""

import pickle
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import attrs
import numpy as np
import pytest

from channelplans.errors import InvalidValue, NotOffered, UnknownRate, WrongType
from channelplans.money import EUR, JPY, Currency, Money
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.rules import CallRule
from channelplans.storage.codec import decode, encode
from channelplans.tariffs import Item, Ladder, LadderMode, Rate, Tariff, Tier


def test_ladder_of_one_open_tier_has_one_unit_price():
    """A single tier without an upper limit charges the same price for each unit."""
    assert 70 == Ladder((Tier(None, unit="7"),)).price(10)


def test_stair_step_charges_only_the_flat_fee_of_its_tier():
    """With flat fees alone, every quantity within one tier costs the same."""
    ladder = Ladder((Tier(10, flat=20), Tier(25, flat=40), Tier(None, flat=80)))

    assert [20, 20, 40, 40, 80] == [ladder.price(count) for count in (1, 10, 11, 25, 26)]


def test_tier_charges_whole_packs():
    """A started pack costs as much as a full one, and a count of zero costs nothing."""
    tier = Tier(None, unit="5", flat="1", pack=100)

    assert [0, 6, 6, 11] == [tier.cost(count) for count in (0, 1, 100, 101)]


@pytest.mark.parametrize("mode", LadderMode)
def test_ladder_charges_nothing_for_zero_units(mode):
    """A flat fee is charged only for a quantity above zero."""
    ladder = Ladder((Tier(5, flat=2), Tier(None, unit=1, flat=3)), mode)

    assert 0 == ladder.price(0)
    assert 0 == ladder.units(0, EUR)


def test_units_rounds_the_total_once():
    """Only the total is rounded, half up: 2.125 becomes 213 cents or 2 yen."""
    ladder = Ladder((Tier(1, unit="1.125"), Tier(None, unit="1")), mode=LadderMode.GRADUATED)

    assert (213, 2) == (ladder.units(2, EUR), ladder.units(2, JPY))
    assert 2125 == ladder.units(2, Currency("EUR", 3))


def test_tariff_accepts_ladders_for_channels_and_bundles():
    """A ladder can price channels or bundles, and ``price_of`` then returns the ladder."""
    ladder = Ladder((Tier(9, unit="5"), Tier(None, unit="4.125")))
    tariff = Tariff("made up", EUR, channel=ladder, bundle=ladder, minute="0.02")

    assert Money.of("45", EUR) == tariff.channels(9)
    assert Money.of("41.25", EUR) == tariff.bundles(10)
    assert ladder is tariff.price_of(Item.CHANNELS)
    assert (
        "made up: (by volume: up to 9 at 5; without a limit at 4.125) for the channels, "
        "(by volume: up to 9 at 5; without a limit at 4.125) for the bundles, 0.02 EUR a minute"
    ) == str(tariff)


def test_tariff_charges_nothing_for_zero_bundles():
    """Zero bundles cost nothing, even if the first tier has a flat fee."""
    tariff = Tariff("made up", EUR, channel=1, bundle=Ladder((Tier(None, 1, flat=10),)), minute=0)

    assert Money(minor=0, currency=EUR) == tariff.bundles(0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Tier(10, unit="6.5"), "up to 10 at 6.5"),
        (Tier(None, unit=5, flat=2), "without a limit at 5 and 2 flat"),
        (Tier(None, unit=5, pack=100), "without a limit at 5 for 100"),
        (Tier(None, flat="19.99"), "without a limit at 19.99 flat"),
        (Tier(10), "up to 10 at 0"),
        (Ladder((Tier(5, 7), Tier(None, 6))), "by volume: up to 5 at 7; without a limit at 6"),
        (Ladder((Tier(None, 6),), mode=LadderMode.GRADUATED), "graduated: without a limit at 6"),
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
@pytest.mark.parametrize(
    "price",
    ["-0.01", "seven", Decimal("NaN"), Decimal("Infinity"), 10**18, "0.0000000000001", "1" * 40],
)
def test_tier_refuses_invalid_prices(field, price):
    """A price is a finite number of at least zero, with at most 18 digits and 12 decimals."""
    with pytest.raises(InvalidValue, match=f"^{field} "):
        Tier(None, **{field: price})


@pytest.mark.parametrize(
    "fields",
    [{"up_to": 0}, {"up_to": None, "pack": 0}, {"up_to": 10**18}, {"up_to": None, "pack": 10**18}],
)
def test_tier_refuses_an_empty_range_or_pack(fields):
    """A tier and a pack each hold one unit or more, and their sizes have at most 18 digits."""
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
    @pytest.mark.parametrize("value", [6.95, True, b"1", (1,), 1j, np.float64(1), np.array([1, 2])])
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

    @pytest.mark.parametrize("parameter", ["channel", "rates['DE']", "setup", "channel_setup"])
    def test_price_that_must_exist_cannot_be_none(self, parameter):
        """Only the prices of bundles and of minutes to the area can be missing."""
        with pytest.raises(WrongType, match="an exact number") as caught:
            tariff_with(parameter, None)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", ["setup", "channel_setup", "minute", "rates['DE']"])
    def test_ladder_is_refused_where_the_price_is_one_number(self, parameter):
        """A set-up fee and a price of a minute do not depend on a quantity."""
        with pytest.raises(WrongType, match="an exact number") as caught:
            tariff_with(parameter, Ladder((Tier(None, unit="50"),)))

        assert parameter == caught.value.parameter

    def test_price_of_a_minute_cannot_be_a_rate(self):
        """A destination inside the area can have a rate in ``rates`` instead."""
        with pytest.raises(WrongType, match=r"^minute must be an exact number"):
            tariff_with("minute", Rate(1))

    @pytest.mark.parametrize(
        ("parameter", "price", "currency"),
        [
            ("channel", 10**16, EUR),
            ("bundle", 10**18, JPY),
            ("setup", "1" * 40, EUR),
            ("minute", 10**18, EUR),
            ("minute", "1234567890.123456789", EUR),
            ("minute", "0.0000000001", EUR),
            ("rates['DE']", "0.0000000001", EUR),
        ],
    )
    def test_price_has_at_most_eighteen_digits(self, parameter, price, currency):
        """All decimals of the currency count, and a price of a minute has at most 9 decimals."""
        with pytest.raises(InvalidValue, match="at most 18 digits") as caught:
            tariff_with(parameter, price, currency)

        assert parameter == caught.value.parameter

    def test_prices_of_eighteen_digits_can_be_encoded_and_decoded(self):
        """The largest prices are 18 nines, with as many decimals as allowed."""
        ladder = Ladder((Tier(None, unit="999999.999999999999", flat=10**18 - 1),))
        largest = Tariff("t", EUR, "9999999999999999.99", ladder, "999999999.999999999")

        assert largest == decode(Tariff, encode(largest))

    @pytest.mark.parametrize("price", ["0.00", "0", "-0", "-0.0", Decimal("-0E-5"), 0])
    def test_equal_prices_have_one_text(self, price):
        """Tariffs that are equal print alike, also after they were encoded and decoded."""
        tariff = Tariff("t", EUR, price, price, price, {"DE": price}, price, price)
        plain = Tariff("t", EUR, 0, 0, 0, {"DE": 0})

        assert (plain, hash(plain), str(plain), repr(plain)) == (
            tariff,
            hash(tariff),
            str(tariff),
            repr(tariff),
        )
        assert repr(tariff) == repr(decode(Tariff, encode(tariff)))

    @pytest.mark.parametrize(
        ("price", "expected"), [("6.50", "6.5"), (Decimal("1E+1"), "10"), ("+0010.0", "10")]
    )
    def test_price_is_kept_in_its_shortest_form(self, price, expected):
        """Zeros at the end, exponents and signs are dropped."""

        assert (expected, expected) == (
            str(tariff_with("channel", price).channel),
            str(Tier(None, unit=price).unit),
        )

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

        assert Rate(price) == tariff.rate_for(destination, SKYPE_CONNECT)

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

    @pytest.mark.parametrize("prefix", ["0", "049", "0049", "1234567890123456"])
    def test_rates_refuse_a_prefix_that_no_number_has(self, prefix):
        """An international number does not begin with 0 and has at most 15 digits."""
        with pytest.raises(InvalidValue, match=r'by calling code and first digits, as "4915"'):
            Tariff("t", EUR, "1", "1", "1", {prefix: "1"})

    @pytest.mark.parametrize("destination", ["", " DE", "DE\n"])
    def test_rates_refuse_a_destination_that_is_not_a_line_of_text(self, destination):
        """A destination is text without space around it."""
        with pytest.raises(InvalidValue, match=r"^rates "):
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
            tariff.rates["DE"] = Rate(1)  # type: ignore[index]
        assert {"DE": Rate("0.02")} == tariff.rates

    def test_rates_have_the_repr_of_a_dictionary_and_compare_without_order(self):
        """The order of the rates shows in the repr but does not affect equality."""
        german_first = Tariff("t", EUR, "1", "1", "1", {"DE": "1", "PL": "2"})
        polish_first = Tariff("t", EUR, "1", "1", "1", {"PL": "2", "DE": "1"})

        assert repr({"DE": Rate(1), "PL": Rate(2)}) == repr(german_first.rates)
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

    def test_str_shows_a_rate_with_more_than_a_price(self):
        """A connection fee, a minimum charge and a counting rule are shown with their key."""
        rule = CallRule(timedelta(minutes=1), timedelta(minutes=1))
        rate = Rate("0.19", connection="0.05", minimum_charge="0.1", counting=rule)
        tariff = Tariff("t", EUR, "6.95", rates={"DE": "0.02", "4915": rate})

        assert (
            "t: 6.95 EUR a channel, 0.02 EUR to DE, (0.19 EUR a minute, 0.05 EUR for the "
            "connection, at least 0.1 EUR, counted at least 60 s, then steps of 60 s, charges "
            "rounded half up) to +4915"
        ) == str(tariff)

    def test_str_shows_the_first_rates_of_a_long_list(self):
        """Only twelve rates are printed."""
        tariff = Tariff("t", EUR, 1, rates={f"X{number}": 1 for number in range(1000)})

        assert str(tariff).endswith(", 1 EUR to X11, and 988 more")

    def test_str_lists_the_prices(self):
        """Small prices are written without an exponent."""
        tariff = Tariff("t", EUR, "6.95", 10, Decimal("0.0000001"), {"DE": "0.02"})

        assert (
            "t: 6.95 EUR a channel, 10.00 EUR a bundle, 0.0000001 EUR a minute, 0.02 EUR to DE"
            == str(tariff)
        )

    def test_bundles_and_minutes_may_have_no_price(self):
        """By default a tariff sells neither bundles nor calls."""
        tariff = Tariff("lines", EUR, "6.95")

        assert (None, None, {}) == (tariff.bundle, tariff.minute, tariff.rates)
        assert "lines: 6.95 EUR a channel" == str(tariff)
        assert tariff == decode(Tariff, encode(tariff))

    @pytest.mark.parametrize(
        "ask",
        [
            lambda tariff: tariff.bundles(1),
            lambda tariff: tariff.units(Item.BUNDLES, 1),
            lambda tariff: tariff.price_of(Item.BUNDLES),
        ],
    )
    def test_price_of_bundles_that_are_not_sold_is_refused(self, ask):
        """The error names the tariff and what would work."""
        with pytest.raises(NotOffered, match="'lines' has no price for bundles; a plan wit"):
            ask(Tariff("lines", EUR, "6.95"))

    def test_no_bundles_cost_nothing_under_a_tariff_without_bundles(self):
        """Zero bundles need no price."""

        assert euros("0") == Tariff("lines", EUR, "6.95").bundles(0)

    @pytest.mark.parametrize("ask", [Tariff.price_of, lambda tariff, item: tariff.units(item, 1)])
    def test_prices_refuse_what_is_not_an_item(self, ask):
        """The name of an item is not an item."""
        with pytest.raises(WrongType, match=r"^item must be an Item"):
            ask(TARIFF, "channels")

    @pytest.mark.parametrize("item", Item)
    def test_units_and_unit_return_the_price_of_each_item(self, item):
        """Each item has its own price."""
        tariff = Tariff("t", EUR, "1", "2", setup="3", channel_setup="4")
        price = {"channels": 100, "bundles": 200, "set-up": 300, "set-up of channels": 400}

        assert 5 * price[item.value] == tariff.units(item, 5)
        assert 5 * price[item.value] == tariff.units(item, np.int64(5))  # type: ignore[arg-type]
        assert Money(minor=price[item.value], currency=EUR) == tariff.price_of(item)

    def test_units_refuses_a_count_that_is_not_a_whole_number(self):
        """The error names the parameter."""
        with pytest.raises(WrongType, match=r"^count must be a whole number"):
            TARIFF.units(Item.CHANNELS, "3")  # type: ignore[arg-type]


class TestRate:
    """The prices of a call."""

    @pytest.mark.parametrize("field", ["minute", "connection", "minimum_charge"])
    @pytest.mark.parametrize("price", [0.1, True, None])
    def test_price_refuses_wrong_types(self, field, price):
        """The error names the field."""
        with pytest.raises(WrongType) as caught:
            Rate(**{"minute": 1, field: price})

        assert field == caught.value.parameter

    @pytest.mark.parametrize("field", ["minute", "connection", "minimum_charge"])
    @pytest.mark.parametrize("price", ["-1", "0.0000000001", "1000000000000000000", "x"])
    def test_price_refuses_invalid_numbers(self, field, price):
        """A price is zero or more, with at most 18 digits, 9 of them decimals."""
        with pytest.raises(InvalidValue) as caught:
            Rate(**{"minute": 1, field: price})

        assert field == caught.value.parameter

    def test_counting_refuses_a_rule_with_barred_numbers(self):
        """Only an offer's rule bars numbers."""
        with pytest.raises(InvalidValue, match=r"^counting must be a rule without barred numbers"):
            Rate(1, counting=SKYPE_CONNECT.calls)

    @pytest.mark.parametrize(
        ("rate", "text"),
        [
            (Rate("0.020"), "0.02 a minute"),
            (Rate(0), "0 a minute"),
            (Rate(0, "0.10"), "0 a minute, 0.1 for the connection"),
            (Rate("1", minimum_charge=2), "1 a minute, at least 2"),
        ],
    )
    def test_str_leaves_out_prices_of_zero(self, rate, text):
        """The price of a minute is always shown."""

        assert text == str(rate)

    def test_equal_rates_have_the_same_hash(self):
        """The form of the prices makes no difference."""
        rate = Rate("1.50", connection=Decimal("0.0"))

        assert (Rate("1.5"), hash(Rate("1.5"))) == (rate, hash(rate))


DECK = Tariff(
    "deck",
    EUR,
    "6.95",
    minute="0.021",
    rates={
        "DE": "0.02",
        "DE-mobile": "0.17",
        "49": "0.03",
        "4915": Rate("0.19", connection="0.05"),
        "49151": "0.18",
        "1907": "0.5",
    },
)
GERMANY = OFFERS["sipgate-packs"]


class TestRateFor:
    """The rate of a call: the longest prefix, then the destination, then the area's price."""

    @pytest.mark.parametrize(
        ("number", "destination", "expected"),
        [
            ("+49 151 555 0100", "DE", "0.18"),
            ("0049 (0)151 555 0100", "DE", "0.18"),
            ("+49 160 555 0100", "DE", "0.03"),
            ("+49 30 555 0100", "DE-mobile", "0.03"),
            ("+49 30 555 0100", "FR", "0.03"),
            ("+43 1 555 0100", "DE-mobile", "0.17"),
            ("", "DE", "0.02"),
            ("", "DE-mobile", "0.17"),
            ("", "US", "0.021"),
            ("+1 212 555 0100", "US", "0.021"),
            ("+1 907 555 0100", "US", "0.5"),
            ("907 555 0100", "US", "0.5"),
            ("1 907 555 0100", "US", "0.5"),
            ("+4", "DE", "0.02"),
        ],
    )
    def test_longest_prefix_comes_before_destination_and_area(self, number, destination, expected):
        """A prefix is compared with the international number."""

        assert Rate(expected) == DECK.rate_for(destination, SKYPE_CONNECT, number=number)

    @pytest.mark.parametrize(
        ("number", "offer", "expected"),
        [
            ("0151 555 0100", GERMANY, "0.18"),
            ("030 555 0100", GERMANY, "0.03"),
            ("0151 555 0100", SKYPE_CONNECT, "0.02"),
            ("151 555 0100", NO_BUNDLES, "0.02"),
            ("4915 1555 0100", NO_BUNDLES, "0.02"),
            ("49 4915 1555", GERMANY, "0.03"),
        ],
    )
    def test_national_number_is_completed_inside_the_area_only(self, number, offer, expected):
        """Outside the area, no prefix matches a number without + or 00."""

        assert Rate(expected) == DECK.rate_for("DE", offer, number=number)

    def test_rate_of_a_destination_comes_before_the_price_of_the_area(self):
        """A destination inside the area can have its own rate."""
        tariff = attrs.evolve(TARIFF, rates={"US": "0.5"})

        assert Rate("0.5") == tariff.rate_for("US", SKYPE_CONNECT)

    @pytest.mark.parametrize("destination", ["49", "4915"])
    def test_destination_in_digits_is_not_a_prefix(self, destination):
        """A key of digits is compared with numbers only."""
        with pytest.raises(UnknownRate):
            DECK.rate_for(destination, SKYPE_CONNECT)

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
    def test_price_of_the_area_depends_on_the_offer(self, destination, offer, expected):
        """The rate is ``minute`` inside the bundle area and the destination's rate outside it."""

        assert Rate(expected) == TARIFF.rate_for(destination, offer)

    @pytest.mark.parametrize(
        ("destination", "offer", "known_destinations"),
        [
            ("FR", SKYPE_CONNECT, ("DE", "PL", "US")),
            ("CA", SKYPE_CONNECT, ("DE", "PL", "US")),
            ("FR", OFFERS["skype-connect-2011"], ("CA", "DE", "PL", "US")),
            ("US", NO_BUNDLES, ("DE", "PL")),
        ],
    )
    def test_destination_without_a_rate_is_refused(self, destination, offer, known_destinations):
        """The error is a LookupError with the destination and the destinations with a rate."""
        with pytest.raises(UnknownRate) as caught:
            TARIFF.rate_for(destination, offer)

        error = caught.value
        assert isinstance(error, LookupError)
        assert (destination, "made up", known_destinations) == (
            error.destination,
            error.tariff,
            error.known,
        )

    def test_error_lists_prefixes_after_destinations(self):
        """A prefix is shown with a plus."""
        with pytest.raises(UnknownRate) as caught:
            DECK.rate_for("FR", NO_BUNDLES)

        assert ("DE", "DE-mobile", "+1907", "+49", "+4915", "+49151") == caught.value.known

    def test_error_lists_the_first_rates_of_a_long_list(self):
        """The error names twelve rates and counts the others."""
        tariff = Tariff("long", EUR, 1, rates={str(prefix): 1 for prefix in range(1000, 2000)})
        with pytest.raises(UnknownRate, match=r"\+1010, \+1011, and 988 more\."):
            tariff.rate_for("DE", NO_BUNDLES)

    @pytest.mark.parametrize("offer", [NO_BUNDLES, SKYPE_CONNECT])
    def test_tariff_without_any_price_of_calls_has_no_rates(self, offer):
        """Without ``minute``, even the area has no rate."""
        tariff = Tariff("bare", EUR, "1")

        with pytest.raises(UnknownRate, match="it has rates for: none"):
            tariff.rate_for("US", offer)

    @pytest.mark.parametrize(
        ("destination", "offer", "number", "parameter"),
        [
            (5, SKYPE_CONNECT, "", "destination"),
            ("US", None, "", "offer"),
            ("US", SKYPE_CONNECT, 49, "number"),
        ],
    )
    def test_wrong_types_are_refused(self, destination, offer, number, parameter):
        """The error names the parameter."""
        with pytest.raises(WrongType) as caught:
            TARIFF.rate_for(destination, offer, number=number)

        assert parameter == caught.value.parameter

    def test_tariff_with_prefixes_can_be_pickled_and_hashed(self):
        """The copy finds the same rates."""
        copy = pickle.loads(pickle.dumps(DECK))

        assert (DECK, hash(DECK)) == (copy, hash(copy))
        assert Rate("0.18") == copy.rate_for("DE", SKYPE_CONNECT, number="+4915155")


class TestScaled:
    """A tariff at a part of each price."""

    def test_rounds_half_up_to_the_unit_or_to_nine_decimals(self):
        """Prices for a term have two decimals here, and prices of calls nine."""
        rule = CallRule(timedelta(0), timedelta(seconds=1))
        tariff = Tariff(
            "list",
            EUR,
            channel="6.95",
            bundle="10.01",
            minute="0.000000001",
            rates={"DE": Rate("0.021", "0.05", "0.111111111", rule)},
            setup="25",
            channel_setup="0.01",
        )

        expected = Tariff(
            "half",
            EUR,
            channel="3.48",  # 3.475
            bundle="5.01",  # 5.005
            minute="0.000000001",  # 0.0000000005
            rates={"DE": Rate("0.0105", "0.025", "0.055555556", rule)},
            setup="12.5",
            channel_setup="0.01",
        )
        assert expected == tariff.scaled(Fraction(1, 2), name="half")

    def test_price_of_a_tier_keeps_its_own_decimals(self):
        """A tier's price of more decimals than the currency is rounded to its own decimals."""
        ladder = Ladder((Tier(9, unit="0.1255", flat="3"), Tier(None, unit="5", pack=10)))
        tariff = Tariff("list", EUR, ladder, bundle=ladder)

        expected = Ladder((Tier(9, unit="0.0418", flat="1"), Tier(None, unit="1.67", pack=10)))
        assert Tariff("third", EUR, expected, bundle=expected) == tariff.scaled(
            Fraction(1, 3), name="third"
        )

    def test_factor_may_be_above_one(self):
        """Prices can rise, for example by a tenth."""

        assert Tariff("dearer", EUR, "7.65") == Tariff("list", EUR, "6.95").scaled(
            Fraction(11, 10), name="dearer"
        )

    @pytest.mark.parametrize(
        "factor", [Fraction(-1, 2), Fraction(10**400), Fraction(1, 10**400), Fraction(10**18)]
    )
    def test_refuses_a_negative_or_huge_factor(self, factor):
        """The factor is zero or more, and both of its numbers have at most 18 digits."""
        with pytest.raises(
            InvalidValue, match=r"^factor must be 0 or more, with at most 18 digits"
        ):
            TARIFF.scaled(factor, name="x")

    @pytest.mark.parametrize("factor", ["1.1", Decimal("1.1"), Fraction(11, 10)])
    def test_takes_decimal_text_and_decimals(self, factor):
        """A rise of a tenth can be written as text."""
        assert "7.65" == str(Tariff("list", EUR, "6.95").scaled(factor, name="dearer").channel)

    @pytest.mark.parametrize("factor", [0.5, True, None])
    def test_refuses_a_factor_that_is_not_an_exact_number(self, factor):
        """The error names the parameter; a float is not exact."""
        with pytest.raises(
            WrongType, match=r'^factor must be an exact number: text such as "1.04"'
        ):
            TARIFF.scaled(factor, name="x")

    @pytest.mark.parametrize("factor", ["1/2", "4 %"])
    def test_refuses_a_factor_that_is_not_written_as_a_decimal(self, factor):
        """The error shows how to write a rise of 4 %."""
        with pytest.raises(InvalidValue, match=r'^factor must be .* plain digits, such as "1\.04"'):
            TARIFF.scaled(factor, name="x")

    def test_refuses_a_price_that_gets_too_long(self):
        """A price has at most 18 digits."""
        with pytest.raises(InvalidValue, match="at most 18 digits"):
            TARIFF.scaled(Fraction(10**17), name="x")

    @pytest.mark.parametrize("name", [None, "", 5])
    def test_refuses_a_name_that_is_not_text(self, name):
        """The new tariff needs another name."""
        with pytest.raises((InvalidValue, WrongType), match=r"^name "):
            TARIFF.scaled(Fraction(1, 2), name=name)
