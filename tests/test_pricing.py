"""What a plan costs, what comes back of it, what a call costs and who pays it."""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type, index"

import copy
import pickle
from datetime import date, datetime, timedelta
from decimal import Decimal

import attrs
import numpy as np
import pytest

from channelplans.calendar import Term
from channelplans.errors import (
    AllowanceNeeded,
    CalendarEnds,
    CurrencyMismatch,
    InvalidValue,
    OutsideTerm,
    UnknownRate,
    WrongType,
)
from channelplans.money import EUR, JPY, USD, Currency, Money, Rounding
from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_2011
from channelplans.pricing import (
    Charge,
    Item,
    Line,
    Payer,
    Quote,
    Tariff,
    longest,
    quote,
    rate,
    refund,
)
from channelplans.rules import CallRule, RefundBasis, RefundRule
from channelplans.usage import Allowance, Call

DAY = date(2026, 1, 5)
TERM = Term(DAY, date(2026, 2, 4))
FINE = Currency("EUR", 5)
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02", "PL": "1"})
PLAN = SKYPE_CONNECT.plan(channels=105, bundles=2)
PAID = quote(PLAN, TARIFF, on=DAY)
NO_MINUTES = Allowance(timedelta(0))
NO_BUNDLES = attrs.evolve(SKYPE_CONNECT, bundles=None)
PRICES = ("channel", "bundle", "minute", "rates['DE']")


def euros(amount):
    """Return an amount in euros with cents."""
    return Money.of(amount, EUR)


def seconds(count):
    """Return a duration of so many seconds."""
    return timedelta(seconds=count)


def minutes(count, used=0):
    """Return an allowance in minutes."""
    return Allowance(timedelta(minutes=count), timedelta(minutes=used))


def call(length=31, number="+12125550100", country="US"):
    """Return a call of so many seconds."""
    return Call("c-1", number, country, DAY, seconds(length))


def tariff_with(parameter, price, currency=EUR):
    """Return the tariff of these tests with one price replaced."""
    prices = {"channel": "1", "bundle": "1", "minute": "1"}
    if parameter.startswith("rates"):
        return Tariff("t", currency, **prices, rates={"DE": price})
    return Tariff("t", currency, **{**prices, parameter: price})


class TestTariff:
    """Prices as data, in one currency."""

    @pytest.mark.parametrize("parameter", PRICES)
    @pytest.mark.parametrize(
        "wrong", [6.95, True, None, b"1", (1,), 1j, np.float64(1), np.array([1, 2])]
    )
    def test_inexact_prices_are_refused(self, parameter, wrong):
        """A float is no price, and neither is a bool; the error names the field and what works."""
        with pytest.raises(WrongType, match=r'an exact number: text such as "6.95"') as caught:
            tariff_with(parameter, wrong)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", PRICES)
    @pytest.mark.parametrize(
        "wrong",
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
    def test_what_is_no_plain_number_is_refused(self, parameter, wrong):
        """NaN, infinity, exponents, commas and numbers beyond 40 digits, by the field's name."""
        with pytest.raises(InvalidValue) as caught:
            tariff_with(parameter, wrong)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", PRICES)
    @pytest.mark.parametrize("wrong", ["-0.01", -1, Decimal("-0.0001"), np.int64(-5)])
    def test_negative_prices_are_refused(self, parameter, wrong):
        """Nobody is paid for buying."""
        with pytest.raises(InvalidValue, match="must be a price of zero or more") as caught:
            tariff_with(parameter, wrong)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize(
        ("price", "currency"), [("6.955", EUR), (Decimal("0.001"), EUR), ("0.5", JPY)]
    )
    @pytest.mark.parametrize("parameter", ["channel", "bundle"])
    def test_prices_for_a_term_are_whole_units(self, parameter, price, currency):
        """A channel's or a bundle's price cannot have more decimals than the currency."""
        with pytest.raises(InvalidValue, match=r"at most \d decimals, which \w{3} has") as caught:
            tariff_with(parameter, price, currency)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("price", ["0.004", Decimal("0.0000001"), "0"])
    @pytest.mark.parametrize("parameter", ["minute", "rates['DE']"])
    def test_prices_a_minute_may_lie_below_a_unit(self, parameter, price):
        """Rates below a cent are published, and are kept as they are."""
        tariff = tariff_with(parameter, price, JPY)
        country = "US" if parameter == "minute" else "DE"

        assert Decimal(price) == tariff.per_minute(country, SKYPE_CONNECT)

    @pytest.mark.parametrize("price", ["7", 7, Decimal(7), Decimal("7.00"), np.int64(7), "+7"])
    def test_a_price_is_the_same_however_it_is_written(self, price):
        """Text, an int, a numpy integer or a Decimal."""
        tariff = tariff_with("channel", price)

        assert (Decimal, euros("7")) == (type(tariff.channel), tariff.channels(1))
        assert (tariff, hash(tariff)) == (
            tariff_with("channel", "7"),
            hash(tariff_with("channel", "7")),
        )

    @pytest.mark.parametrize(("count", "expected"), [(0, "0"), (1, "10"), (3, "30"), (300, "3000")])
    def test_the_bundles_total_alone(self, count, expected):
        """H11 shows it as the number is entered."""

        assert euros(expected) == TARIFF.bundles(count)

    @pytest.mark.parametrize(("count", "expected"), [(0, "0"), (1, "6.95"), (110, "764.50")])
    def test_the_channels_total_alone(self, count, expected):
        """The same for channels."""

        assert euros(expected) == TARIFF.channels(count)

    @pytest.mark.parametrize("total", [TARIFF.bundles, TARIFF.channels])
    def test_counts_are_whole_and_not_negative(self, total):
        """A count is named when it is none."""
        with pytest.raises(InvalidValue, match="count must be at least 0, not -1"):
            total(-1)
        for wrong in (True, 1.0, "1", None):
            with pytest.raises(WrongType, match="count must be a whole number"):
                total(wrong)

    @pytest.mark.parametrize("country", ["de", "DEU", "D", "49", "d1"])
    def test_rates_are_by_country(self, country):
        """A country is named by two capital letters."""
        with pytest.raises(InvalidValue, match=r'rates must be by country, such as {"DE": "0.02"}'):
            Tariff("t", EUR, "1", "1", "1", {country: "1"})

    @pytest.mark.parametrize("wrong", [[("DE", "1")], "DE", None, {5: "1"}, {None: "1"}])
    def test_rates_are_a_mapping_of_text(self, wrong):
        """Anything else is refused by the field's name."""
        with pytest.raises(WrongType) as caught:
            Tariff("t", EUR, "1", "1", "1", wrong)

        assert "rates" == caught.value.parameter

    @pytest.mark.parametrize(("parameter", "wrong"), [("name", 5), ("currency", "EUR")])
    def test_wrong_types_are_named(self, parameter, wrong):
        """A currency's code alone does not say how many decimals are kept."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(TARIFF, **{parameter: wrong})

        assert parameter == caught.value.parameter

    def test_later_changes_of_the_rates_given_change_nothing(self):
        """The tariff keeps its own copy, which cannot be changed."""
        rates = {"DE": "0.02"}
        tariff = Tariff("t", EUR, "1", "1", "1", rates)
        rates["DE"] = "99"

        with pytest.raises(TypeError):
            tariff.rates["DE"] = Decimal(1)
        assert {"DE": Decimal("0.02")} == tariff.rates

    def test_rates_look_like_what_they_are(self):
        """The order in which rates are given shows and takes no part in equality."""
        one = Tariff("t", EUR, "1", "1", "1", {"DE": "1", "PL": "2"})
        other = Tariff("t", EUR, "1", "1", "1", {"PL": "2", "DE": "1"})

        assert "{'DE': Decimal('1'), 'PL': Decimal('2')}" == repr(one.rates)
        assert (one, hash(one), 2) == (other, hash(other), len(other.rates))

    @pytest.mark.parametrize("change", [{"minute": "2"}, {"rates": {}}, {"channel": "2"}])
    def test_another_price_is_another_tariff(self, change):
        """Each price takes part in equality."""

        assert attrs.evolve(TARIFF, **change) != TARIFF

    def test_evolving_reads_the_new_price_and_keeps_the_checks(self):
        """What is computed from a price follows it, and a bad price is refused."""

        assert euros("14") == attrs.evolve(TARIFF, channel="7").channels(2)
        with pytest.raises(InvalidValue, match="bundle"):
            attrs.evolve(TARIFF, bundle="0.001")

    def test_says_its_prices(self):
        """In plain digits, the small ones too."""
        tariff = Tariff("t", EUR, "6.95", 10, Decimal("0.0000001"), {"DE": "0.02"})

        assert (
            "t: 6.95 EUR a channel, 10.00 EUR a bundle, 0.0000001 EUR a minute, 0.02 EUR to DE"
            == str(tariff)
        )

    @pytest.mark.parametrize(
        ("country", "offer", "expected"),
        [
            ("US", SKYPE_CONNECT, "0.021"),
            ("US", SKYPE_CONNECT_2011, "0.021"),
            ("CA", SKYPE_CONNECT_2011, "0.021"),
            ("DE", SKYPE_CONNECT, "0.02"),
            ("DE", NO_BUNDLES, "0.02"),
        ],
    )
    def test_the_price_of_a_minute_follows_the_area(self, country, offer, expected):
        """In the bundles' area ``minute`` holds, elsewhere the country's own rate."""

        assert Decimal(expected) == TARIFF.per_minute(country, offer)

    @pytest.mark.parametrize(
        ("country", "offer", "known"),
        [
            ("FR", SKYPE_CONNECT, ("DE", "PL", "US")),
            ("CA", SKYPE_CONNECT, ("DE", "PL", "US")),
            ("FR", SKYPE_CONNECT_2011, ("CA", "DE", "PL", "US")),
            ("US", NO_BUNDLES, ("DE", "PL")),
        ],
    )
    def test_a_destination_without_a_rate_is_refused(self, country, offer, known):
        """The error names the country and those that have a rate, and is a LookupError."""
        with pytest.raises(UnknownRate) as caught:
            TARIFF.per_minute(country, offer)

        error = caught.value
        assert isinstance(error, LookupError)
        assert (country, "made up", known) == (error.country, error.tariff, error.known)

    def test_a_tariff_without_any_rate_says_so(self):
        """There is no list to print."""
        tariff = Tariff("bare", EUR, "1", "1", "1")

        with pytest.raises(UnknownRate, match="it has rates for: none"):
            tariff.per_minute("US", NO_BUNDLES)

    @pytest.mark.parametrize(
        ("country", "offer", "named"), [(5, SKYPE_CONNECT, "country"), ("US", None, "offer")]
    )
    def test_the_price_of_a_minute_names_wrong_types(self, country, offer, named):
        """Each parameter refuses what it does not take, by its name."""
        with pytest.raises(WrongType) as caught:
            TARIFF.per_minute(country, offer)

        assert named == caught.value.parameter


class TestQuote:
    """A plan priced by a tariff for a term."""

    def test_a_line_for_channels_and_one_for_bundles(self):
        """What is charged is what is sold: 105 asked is 100 sold (H5)."""
        # 100 x 6.95 = 695, 2 x 10 = 20
        channels = Line(Item.CHANNELS, 100, euros("6.95"), euros("695"), TERM)
        bundles = Line(Item.BUNDLES, 2, euros("10"), euros("20"), TERM)

        assert (channels, bundles) == PAID.lines

    def test_no_line_for_what_is_not_bought(self):
        """Without bundles there is one line."""
        lines = quote(SKYPE_CONNECT.plan(channels=1), TARIFF, on=DAY).lines

        assert [Item.CHANNELS] == [line.item for line in lines]

    def test_total_renewal_notices_and_minutes(self):
        """The total, the next renewal date (H8), the notice of H21, the minutes of H10."""

        assert (
            euros("715"),
            date(2026, 2, 4),
            SKYPE_CONNECT.notices,
            minutes(10_000),
        ) == (PAID.total, PAID.renews_on, PAID.notices, PAID.allowance)

    def test_prints_a_table(self):
        """Lines, total, renewal and notices."""
        plan = SKYPE_CONNECT_2011.plan(channels=3, bundles=1)

        # A month from 31 January ends on 28 February; 3 x 6.95 = 20.85, and 10.
        assert [
            "3 channels and 1 bundle of 5,000 minutes, 2026-01-31 to 2026-02-28",
            "item      quantity  price each  total",
            "--------  --------  ----------  -----",
            "channels         3        6.95  20.85",
            "bundles          1       10.00  10.00",
            "Total 30.85 EUR; renews on 2026-02-28.",
            "Not a telephone replacement: it cannot call emergency numbers. (H21)",
        ] == str(quote(plan, TARIFF, on=date(2026, 1, 31))).split("\n")

    def test_plain_rows(self):
        """A row for each line, with units and Decimals."""
        row = PAID.to_records()[1]

        assert {
            "item": "bundles",
            "quantity": 2,
            "unit_minor": 1000,
            "unit": Decimal("10.00"),
            "minor": 2000,
            "amount": Decimal("20.00"),
            "currency": "EUR",
            "term_start": DAY,
            "term_end": date(2026, 2, 4),
        } == row
        assert 2 == len(PAID.to_records())

    def test_a_line_prints(self):
        """How many at which price, for which term, together."""

        assert "2 bundles at 10.00 EUR, 2026-01-05 to 2026-02-04: 20.00 EUR" == str(PAID.lines[1])

    def test_quotes_are_equal_whatever_was_asked(self):
        """105 and 100 asked are sold and priced alike."""

        assert quote(SKYPE_CONNECT.plan(channels=100, bundles=2), TARIFF, on=DAY) == PAID

    def test_free_is_a_price(self):
        """A tariff of zero quotes zero, in lines that are there."""
        quoted = quote(PLAN, Tariff("free", EUR, 0, 0, 0), on=DAY)

        assert (2, euros("0")) == (len(quoted.lines), quoted.total)

    @pytest.mark.parametrize("offer", [SKYPE_CONNECT, SKYPE_CONNECT_2011])
    def test_the_last_day_a_term_can_begin(self, offer):
        """A term ends on the calendar's last day at the latest."""
        # 30 days, and a month from the 30th, both fit; from the next day on neither does.
        last = date(9999, 12, 1) if offer is SKYPE_CONNECT else date(9999, 11, 30)
        plan = offer.plan(channels=1)

        assert date(9999, 12, 30) <= quote(plan, TARIFF, on=last).renews_on
        with pytest.raises(CalendarEnds, match="an earlier day works"):
            quote(plan, TARIFF, on=date(9999, 12, 2))

    @pytest.mark.parametrize(
        ("plan", "tariff", "on", "named"),
        [
            ("100 channels", TARIFF, DAY, "plan"),
            (PLAN, "6.95", DAY, "tariff"),
            (PLAN, TARIFF, datetime(2026, 1, 5), "on"),  # noqa: DTZ001 - any is refused
            (PLAN, TARIFF, "2026-01-05", "on"),
            (PLAN, TARIFF, None, "on"),
        ],
    )
    def test_wrong_types_are_named(self, plan, tariff, on, named):
        """Each parameter refuses what it does not take, by its own name."""
        with pytest.raises(WrongType) as caught:
            quote(plan, tariff, on=on)

        assert named == caught.value.parameter

    @pytest.mark.parametrize("parameter", ["plan", "tariff", "term"])
    def test_evolving_keeps_the_checks(self, parameter):
        """No part can be replaced by something else."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(PAID, **{parameter: None})

        assert parameter == caught.value.parameter


class TestRefund:
    """What comes back of a quote that was paid."""

    @pytest.mark.parametrize(
        ("on", "channels", "bundles"),
        [
            (date(2026, 1, 5), "695", "20"),  # the first day: 30 of 30
            (date(2026, 1, 6), "671.83", "19.33"),  # 29/30: 671.8333, 19.3333
            (date(2026, 1, 15), "463.33", "13.33"),  # 20/30: 463.3333, 13.3333
            (date(2026, 1, 20), "347.50", "10"),  # 15/30
            (date(2026, 2, 3), "23.17", "0.67"),  # 1/30: 23.1667, 0.6667
        ],
    )
    def test_by_time(self, on, channels, bundles):
        """The days that are left, the day itself among them, line by line (H16, F 4.3)."""
        back = refund(PAID, on=on)

        returned = [line.returned for line in back.lines]
        assert [euros(channels), euros(bundles)] == returned
        assert euros(channels) + euros(bundles) == back.returned

    @pytest.mark.parametrize(
        ("on", "channels"),
        [
            (date(2026, 1, 5), "671.83"),  # 29/30
            (date(2026, 1, 15), "440.17"),  # 19/30: 440.1667
            (date(2026, 2, 3), "0"),
        ],
    )
    def test_the_day_of_the_change_may_count_as_used(self, on, channels):
        """A parameter of the rule: then a change on the first day does not return everything."""
        back = refund(PAID, on=on, rule=RefundRule(change_day_used=True))

        assert euros(channels) == back.lines[0].returned

    @pytest.mark.parametrize(
        ("basis", "used", "bundles"),
        [
            (RefundBasis.TIME, 9_999, "13.33"),
            (RefundBasis.MINUTES, 0, "20"),
            (RefundBasis.MINUTES, 2_500, "15"),  # 3/4
            (RefundBasis.MINUTES, 9_999, "0"),  # 1/10,000 of 20 is 0.2 of a cent
            (RefundBasis.MINUTES, 10_000, "0"),
            (RefundBasis.SMALLER, 2_500, "13.33"),  # 3/4 of the minutes, 2/3 of the days
            (RefundBasis.SMALLER, 5_000, "10"),  # 1/2 of the minutes
        ],
    )
    def test_bundles_by_the_basis_of_the_rule(self, basis, used, bundles):
        """By time, by unused minutes (F 4.6), or the smaller; the channels always by time."""
        rule = RefundRule(bundles=basis)
        back = refund(PAID, on=date(2026, 1, 15), allowance=minutes(10_000, used), rule=rule)

        assert [euros("463.33"), euros(bundles)] == [line.returned for line in back.lines]

    def test_the_rule_is_the_offers_own(self):
        """The contract refunds bundles by minutes without being told."""
        paid = quote(SKYPE_CONNECT_2011.plan(channels=2, bundles=2), TARIFF, on=DAY)
        back = refund(paid, on=date(2026, 1, 20), allowance=minutes(10_000, 7_500))

        # 16 of January's 31 days: 13.90 x 16/31 = 7.1742; a quarter of the minutes: 5.
        assert [euros("7.17"), euros("5")] == [line.returned for line in back.lines]

    @pytest.mark.parametrize("basis", [RefundBasis.MINUTES, RefundBasis.SMALLER])
    def test_minutes_are_not_guessed(self, basis):
        """A rule that measures by minutes asks for them."""
        with pytest.raises(AllowanceNeeded, match="none are assumed") as caught:
            refund(PAID, on=DAY, rule=RefundRule(bundles=basis))

        assert basis.value == caught.value.basis

    @pytest.mark.parametrize("basis", [RefundBasis.MINUTES, RefundBasis.SMALLER])
    def test_without_bundles_no_minutes_are_asked_for(self, basis):
        """There is nothing to measure."""
        paid = quote(SKYPE_CONNECT.plan(channels=100), TARIFF, on=DAY)
        back = refund(paid, on=date(2026, 1, 15), rule=RefundRule(bundles=basis))

        assert euros("463.33") == back.returned

    @pytest.mark.parametrize("granted", [0, 5_000, 9_999])
    def test_another_quotes_minutes_are_refused(self, granted):
        """The allowance must be that of the bundles that were paid."""
        with pytest.raises(InvalidValue, match="allowance must be of the 166:40:00"):
            refund(
                PAID,
                on=DAY,
                allowance=minutes(granted),
                rule=RefundRule(bundles=RefundBasis.MINUTES),
            )

    @pytest.mark.parametrize(
        ("rounding", "returned"),
        [
            (Rounding.DOWN, "0.02"),
            (Rounding.UP, "0.03"),
            (Rounding.HALF_UP, "0.03"),
            (Rounding.HALF_EVEN, "0.02"),
        ],
    )
    def test_what_comes_back_is_rounded_and_the_rest_is_kept(self, rounding, returned):
        """Half of 5 cents is two and a half; the two parts add up whatever the rounding."""
        paid = quote(SKYPE_CONNECT.plan(channels=1), Tariff("t", EUR, "0.05", 0, 0), on=DAY)
        (line,) = refund(paid, on=date(2026, 1, 20), rule=RefundRule(rounding=rounding)).lines

        assert (euros(returned), euros("0.05")) == (line.returned, line.returned + line.kept)

    def test_each_line_is_rounded_by_itself(self):
        """Two lines of half a cent each come back as two cents, not as one."""
        tariff = Tariff("t", EUR, "0.01", "0.01", 0)
        paid = quote(SKYPE_CONNECT.plan(channels=1, bundles=1), tariff, on=DAY)
        back = refund(paid, on=date(2026, 1, 20))

        assert (euros("0.02"), euros("0")) == (back.returned, back.kept)

    def test_what_cost_nothing_returns_nothing(self):
        """A refund of a subscription that cost nothing is nothing, not an error."""
        back = refund(quote(PLAN, Tariff("free", EUR, 0, 0, 0), on=DAY), on=DAY)

        assert (euros("0"), euros("0"), 2) == (back.returned, back.kept, len(back.lines))

    @pytest.mark.parametrize(
        "on", [date(2026, 1, 4), date(2026, 2, 4), date(2026, 2, 5), date.min, date.max]
    )
    def test_only_a_day_of_the_term_refunds(self, on):
        """Before its first day and from its end on there is nothing to divide."""
        with pytest.raises(OutsideTerm) as caught:
            refund(PAID, on=on)

        assert (
            f"a refund is possible from {DAY} until the day before 2026-02-04, not on {on}"
            == str(caught.value)
        )

    def test_prints_a_table(self):
        """What was paid, what comes back and what is kept, line by line and together."""

        assert [
            "100 channels and 2 bundles of 5,000 minutes, 2026-01-05 to 2026-02-04, "
            "ended on 2026-01-15",
            "item        paid  returned    kept",
            "--------  ------  --------  ------",
            "channels  695.00    463.33  231.67",
            "bundles    20.00     13.33    6.67",
            "Returned 476.66 EUR, kept 238.34 EUR.",
        ] == str(refund(PAID, on=date(2026, 1, 15))).split("\n")

    def test_a_line_prints(self):
        """What is returned and what is kept."""
        line = refund(PAID, on=date(2026, 1, 15)).lines[1]

        assert "bundles: 13.33 EUR returned, 6.67 EUR kept" == str(line)

    def test_plain_rows(self):
        """A quoted line's row, with what is returned and kept beside it."""
        row = refund(PAID, on=date(2026, 1, 15)).to_records()[0]

        assert {
            **PAID.to_records()[0],
            "returned_minor": 46333,
            "returned": Decimal("463.33"),
            "kept_minor": 23167,
            "kept": Decimal("231.67"),
        } == row

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"paid": 715}, "paid"),
            ({"paid": None, "rule": RefundRule()}, "paid"),
            ({"on": datetime(2026, 1, 5)}, "on"),  # noqa: DTZ001 - any datetime is refused
            ({"on": None}, "on"),
            ({"allowance": 5000}, "allowance"),
            ({"rule": "time"}, "rule"),
        ],
    )
    def test_wrong_types_are_named(self, changes, named):
        """Each parameter refuses what it does not take, by its name."""
        arguments = {"paid": PAID, "on": DAY, **changes}

        with pytest.raises(WrongType) as caught:
            refund(arguments.pop("paid"), **arguments)

        assert named == caught.value.parameter

    def test_evolving_keeps_the_checks(self):
        """A refund cannot be moved out of its term."""
        with pytest.raises(OutsideTerm):
            attrs.evolve(refund(PAID, on=DAY), on=date(2026, 2, 4))


class TestRate:
    """What a call takes from an allowance, what the rest costs, and who pays."""

    def test_the_same_call_in_two_units(self):
        """30 s at 0.004 a minute is free in cents, and 0.00200 in thousandths of a cent."""
        costs = [
            rate(
                call(30, country="DE"),
                NO_MINUTES,
                Tariff("t", currency, 0, 0, 0, {"DE": "0.004"}),
                offer=SKYPE_CONNECT,
            )
            .charges[0]
            .amount
            for currency in (EUR, FINE)
        ]

        assert ["0.00 EUR", "0.00200 EUR"] == [str(cost) for cost in costs]

    @pytest.mark.parametrize(("currency", "cost"), [(EUR, "0.01"), (FINE, "0.00910")])
    def test_a_call_that_straddles_the_end_of_the_minutes(self, currency, cost):
        """31 s count as 36 s; with 10 s left exactly 26 s are charged, not counted again."""
        left = Allowance(timedelta(minutes=5000), timedelta(minutes=5000) - seconds(10))
        rated = rate(call(31), left, attrs.evolve(TARIFF, currency=currency), offer=SKYPE_CONNECT)

        # 0.021 x 26/60 = 0.0091
        assert (seconds(10), seconds(26), seconds(0), seconds(36)) == (
            rated.included,
            rated.overage,
            rated.other,
            rated.counted,
        )
        assert (
            Charge(seconds(26), Decimal("0.021"), Money.of(cost, currency), Payer.ACCOUNT),
        ) == rated.charges

    @pytest.mark.parametrize(
        ("left", "length", "included"),
        [(5000, 60, 60), (1, 60, 60), (1, 54, 54), (0, 60, 0), (1, 61, 60)],
    )
    def test_the_minutes_come_first(self, left, length, included):
        """As much as is left, and no charge where it suffices."""
        rated = rate(call(length), minutes(5000, 5000 - left), TARIFF, offer=SKYPE_CONNECT)

        assert (seconds(included), included < length) == (rated.included, bool(rated.charges))

    @pytest.mark.parametrize(
        ("made", "allowance", "offer", "payer", "included"),
        [
            # Overage: a bundle covers it, its minutes do not (H13).
            (call(60), minutes(5000, 5000), SKYPE_CONNECT, Payer.ACCOUNT, 0),
            # A country that no bundle covers (F 7.3).
            (call(60, country="DE"), minutes(5000), SKYPE_CONNECT, Payer.PROFILE, 0),
            # No bundle is held.
            (call(60), NO_MINUTES, SKYPE_CONNECT, Payer.PROFILE, 0),
            # The offer has none.
            (call(60, country="PL"), NO_MINUTES, NO_BUNDLES, Payer.PROFILE, 0),
            # An excluded prefix (F 8.10), and the same number under the help page's offer.
            (call(60, "+1 218 632 0100"), minutes(5000), SKYPE_CONNECT_2011, Payer.PROFILE, 0),
            (call(60, "+1 218 632 0100"), minutes(5000), SKYPE_CONNECT, None, 60),
            # Canada is in the contract's area alone (F 8.2).
            (call(60, country="CA"), minutes(5000), SKYPE_CONNECT_2011, None, 60),
        ],
    )
    def test_who_pays(self, made, allowance, offer, payer, included):
        """Overage is the account's, everything else the profile's; what is included nobody's."""
        rated = rate(made, allowance, TARIFF, offer=offer)

        assert ([payer] if payer else [], seconds(included)) == (
            [charge.payer for charge in rated.charges],
            rated.included,
        )
        assert (payer is Payer.PROFILE, payer is Payer.ACCOUNT) == (
            bool(rated.other),
            bool(rated.overage),
        )

    @pytest.mark.parametrize(
        "number", ["+12186320100", "0012186320100", "12186320100", "2186320100"]
    )
    def test_an_excluded_prefix_costs_the_standard_rate(self, number):
        """However the number is written, the area's own rate holds (F 8.10)."""
        rated = rate(call(60, number), minutes(5000), TARIFF, offer=SKYPE_CONNECT_2011)

        # 0.021 for a minute is 2.1 cents
        assert [("0.02", Payer.PROFILE)] == [
            (str(charge.amount.amount), charge.payer) for charge in rated.charges
        ]

    @pytest.mark.parametrize(
        ("hours", "included", "cost"),
        [(12, 12, None), (13, 12, "1.26"), (24, 12, "15.12")],  # 60 and 720 minutes at 0.021
    )
    def test_the_contract_includes_at_most_twelve_hours_of_a_call(self, hours, included, cost):
        """What runs on is overage, though minutes are left (F 8.6)."""
        rated = rate(call(3600 * hours), minutes(5000), TARIFF, offer=SKYPE_CONNECT_2011)

        assert (timedelta(hours=included), [cost] if cost else []) == (
            rated.included,
            [str(charge.amount.amount) for charge in rated.charges],
        )

    def test_the_help_page_knows_no_such_limit(self):
        """A call of a day is included as a whole."""
        rated = rate(call(86_400), minutes(5000), TARIFF, offer=SKYPE_CONNECT)

        assert (timedelta(days=1), ()) == (rated.included, rated.charges)

    def test_twelve_hours_are_no_more_than_what_is_left(self):
        """With an hour left of the minutes, an hour is included."""
        rated = rate(call(86_400), minutes(5000, 4940), TARIFF, offer=SKYPE_CONNECT_2011)

        assert timedelta(hours=1) == rated.included

    def test_a_call_of_no_length_costs_nothing(self):
        """It was not answered: nothing is counted, taken or charged."""
        rated = rate(call(0), NO_MINUTES, TARIFF, offer=SKYPE_CONNECT)

        assert (timedelta(0), timedelta(0), ()) == (rated.counted, rated.other, rated.charges)

    @pytest.mark.parametrize(
        ("rounding", "cents"),
        [(Rounding.DOWN, 0), (Rounding.UP, 1), (Rounding.HALF_UP, 1), (Rounding.HALF_EVEN, 0)],
    )
    def test_a_charge_is_rounded_once_as_the_rule_says(self, rounding, cents):
        """30 s at 0.01 a minute are half a cent."""
        offer = attrs.evolve(SKYPE_CONNECT, calls=CallRule(rounding=rounding))
        tariff = Tariff("t", EUR, 0, 0, 0, {"DE": "0.01"})

        (charge,) = rate(call(30, country="DE"), NO_MINUTES, tariff, offer=offer).charges

        assert cents == charge.amount.minor

    def test_a_destination_without_a_rate_is_refused(self):
        """Also where the call counts nothing."""
        with pytest.raises(UnknownRate, match="no rate for calls to 'FR'"):
            rate(call(0, country="FR"), NO_MINUTES, TARIFF, offer=SKYPE_CONNECT)

    def test_prints(self):
        """What is counted, what is included, and each charge with its payer."""
        rated = rate(call(31), minutes(5000, 5000), TARIFF, offer=SKYPE_CONNECT)

        # 0.021 x 36/60 = 0.0126
        assert [
            "2026-01-05 call c-1 to +12125550100 (US), 0:00:31: 0:00:36 counted, 0:00:00 included",
            "0:00:36 at 0.021 EUR a minute: 0.01 EUR, paid by the account",
        ] == str(rated).split("\n")

    def test_plain_rows(self):
        """A row for each charge, or one without a price."""
        charged = rate(call(31), minutes(5000, 5000), TARIFF, offer=SKYPE_CONNECT).to_records()
        included = rate(call(31), minutes(5000), TARIFF, offer=SKYPE_CONNECT).to_records()
        row = {
            "call": "c-1",
            "on": DAY,
            "number": "+12125550100",
            "country": "US",
            "seconds": 36.0,
        }

        assert [
            {
                **row,
                "included_seconds": 0.0,
                "payer": "account",
                "minor": 1,
                "amount": Decimal("0.01"),
                "currency": "EUR",
            }
        ] == charged
        assert [
            {
                **row,
                "included_seconds": 36.0,
                "payer": None,
                "minor": 0,
                "amount": Decimal(0),
                "currency": None,
            }
        ] == included

    @pytest.mark.parametrize("parameter", ["call", "allowance", "tariff", "offer"])
    def test_wrong_types_are_named(self, parameter):
        """Each parameter refuses what it does not take, by its name."""
        arguments = {
            "call": call(),
            "allowance": NO_MINUTES,
            "tariff": TARIFF,
            "offer": SKYPE_CONNECT,
            parameter: "wrong",
        }

        with pytest.raises(WrongType) as caught:
            rate(**arguments)

        assert parameter == caught.value.parameter


class TestLongest:
    """How long a call may run on the minutes and the credit there are."""

    @staticmethod
    def of(made, allowance, *, account="0", profile="0", tariff=TARIFF, offer=SKYPE_CONNECT):
        """Return the longest length, in seconds, for credit in the tariff's currency."""
        answer = longest(
            made,
            allowance,
            tariff,
            offer=offer,
            account=Money.of(account, tariff.currency),
            profile=Money.of(profile, tariff.currency),
        )
        return answer.total_seconds()

    @pytest.mark.parametrize(
        ("profile", "expected"),
        [
            # At 0.021 a minute a second costs 0.035 of a cent; 10.5 cents round up to 11.
            ("0.10", 294),
            ("0.11", 324),  # 328.57 s cost 11.5 cents
            # 30 s cost 1.05 cents, 42 s cost 1.47 and 48 s 1.68
            ("0.01", 42),
            ("0", 0),
        ],
    )
    def test_as_far_as_the_profiles_credit_reaches(self, profile, expected):
        """The longest counted length whose charge can be paid, or zero."""

        assert expected == self.of(call(), NO_MINUTES, profile=profile, account="99")

    @pytest.mark.parametrize(
        ("currency", "expected"),
        # 12 s cost 0.42 of a cent, which is free in cents; 6 s cost 0.00210 in the other.
        [(EUR, 72), (FINE, 60)],
    )
    def test_the_minutes_come_first(self, currency, expected):
        """A minute that is left, and no credit."""
        tariff = attrs.evolve(TARIFF, currency=currency)

        assert expected == self.of(call(), minutes(5000, 4999), tariff=tariff, profile="99")

    def test_the_minutes_and_then_the_accounts_credit(self):
        """A minute that is left, and two cents for 66 s more."""
        # 66 s cost 2.31 cents, 72 s cost 2.52
        answer = self.of(call(), minutes(5000, 4999), account="0.02")

        assert 60 + 66 == answer

    def test_the_own_length_of_the_call_is_not_looked_at(self):
        """A switch asks as the call begins."""

        assert self.of(call(0), NO_MINUTES, profile="0.10") == self.of(
            call(86_400), NO_MINUTES, profile="0.10"
        )

    @pytest.mark.parametrize(("profile", "expected"), [("0.49", 0), ("0.50", 30), ("0.59", 30)])
    def test_the_least_length_or_nothing(self, profile, expected):
        """At 1.00 a minute 30 s cost half a euro, and 36 s sixty cents."""

        assert expected == self.of(call(country="PL"), NO_MINUTES, profile=profile)

    def test_a_rule_without_a_least_length(self):
        """Steps of a second from nothing: at 1.00 a minute three seconds are five cents."""
        offer = attrs.evolve(SKYPE_CONNECT, calls=CallRule(timedelta(0), seconds(1)))

        assert 3 == self.of(call(country="PL"), NO_MINUTES, profile="0.05", offer=offer)
        assert 0 == self.of(call(country="PL"), NO_MINUTES, profile="0", offer=offer)

    def test_nothing_bounds_a_call_that_costs_nothing(self):
        """A hundred years is the answer then."""
        tariff = Tariff("free", EUR, 0, 0, 0)

        assert timedelta(days=36_500).total_seconds() == self.of(call(), NO_MINUTES, tariff=tariff)

    def test_twelve_hours_under_the_contract(self):
        """Then the account pays, and 0.42 of a cent is free (F 8.6)."""
        answer = self.of(call(), minutes(5000), offer=SKYPE_CONNECT_2011, profile="99")

        assert 12 * 3600 + 12 == answer

    def test_a_purse_in_debt_pays_nothing(self):
        """What costs nothing is possible all the same."""

        assert (0, 72) == (
            self.of(call(), NO_MINUTES, profile="-5"),
            self.of(call(), minutes(5000, 4999), account="-5"),
        )

    @pytest.mark.parametrize("purse", ["account", "profile"])
    @pytest.mark.parametrize("allowance", [NO_MINUTES, minutes(5000)])
    def test_credit_in_another_currency_is_refused(self, purse, allowance):
        """Whichever purse would pay."""
        credit = {"account": euros("1"), "profile": euros("1"), purse: Money(1, USD)}

        with pytest.raises(CurrencyMismatch, match=r"EUR.*USD"):
            longest(call(), allowance, TARIFF, offer=SKYPE_CONNECT, **credit)

    def test_a_destination_without_a_rate_is_refused(self):
        """There is no answer without a price."""
        with pytest.raises(UnknownRate):
            self.of(call(country="FR"), NO_MINUTES)

    @pytest.mark.parametrize(
        "parameter", ["call", "allowance", "tariff", "offer", "account", "profile"]
    )
    def test_wrong_types_are_named(self, parameter):
        """Each parameter refuses what it does not take, by its name."""
        arguments = {
            "call": call(),
            "allowance": NO_MINUTES,
            "tariff": TARIFF,
            "offer": SKYPE_CONNECT,
            "account": euros("1"),
            "profile": euros("1"),
            parameter: 5,
        }

        with pytest.raises(WrongType) as caught:
            longest(**arguments)

        assert parameter == caught.value.parameter


RATED = rate(call(), minutes(5000, 5000), TARIFF, offer=SKYPE_CONNECT)
REFUND = refund(PAID, on=DAY)
VALUES = [TARIFF, PAID, PAID.lines[0], REFUND, REFUND.lines[0], RATED, RATED.charges[0]]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["copy", "deepcopy", "evolve", "pickle"],
)
def test_values_copy(value, copied):
    """A copy, a pickle and an unchanged evolution are equal, hash, print and total alike."""
    twin = copied(value)

    assert (value, hash(value), str(value)) == (twin, hash(twin), str(twin))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_cannot_be_changed(value):
    """No field can be set."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, attrs.fields(type(value))[0].name, None)


def test_html_is_escaped():
    """A tariff's or an offer's name that holds markup shows as text in a notebook."""
    tariff = attrs.evolve(TARIFF, name="<script>alert(1)</script>")
    notice = attrs.evolve(SKYPE_CONNECT.notices[0], text="<img src=x>")
    offer = attrs.evolve(SKYPE_CONNECT, notices=(notice,))
    html = Quote(offer.plan(channels=1), tariff, TERM)._repr_html_() + tariff._repr_html_()

    assert "&lt;script&gt;" in html
    assert "<img" not in html.replace("&lt;img", "")
    assert "<script" not in html
