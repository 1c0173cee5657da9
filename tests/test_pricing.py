"""Tests of prices: what a quote costs, and what is refunded when its term ends early."""

import copy
import pickle
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice

import attrs
import pytest

from channelplans.allowances import Allowance
from channelplans.calendar import Days, Months, Term
from channelplans.calls import Call, rate_call
from channelplans.errors import (
    AllowanceNeeded,
    CalendarEnds,
    InvalidValue,
    NotOffered,
    OutsideTerm,
    WrongType,
)
from channelplans.money import EUR, Money, Rounding
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.pricing import Line, amend_quote, price_term, quote, refund
from channelplans.rules import BundleRule, ChangeEffect, RefundBasis, RefundRule, TermRule
from channelplans.tariffs import Item, Ladder, LadderMode, Tariff, Tier

DAY = date(2026, 1, 5)


TERM = Term(DAY, date(2026, 2, 4))


TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02", "PL": "1"})


PLAN = SKYPE_CONNECT.plan(channels=105, bundles=2)


PAID = quote(PLAN, TARIFF, on=DAY)


def euros(amount):
    """Return an amount in euros with cents."""
    return Money.of(amount, EUR)


def seconds(count):
    """Return a duration in seconds."""
    return timedelta(seconds=count)


def make_allowance(granted, used=0):
    """Return an allowance, given its granted and used minutes."""
    return Allowance(timedelta(minutes=granted), timedelta(minutes=used))


def make_call(duration=31, number="+12125550100", destination="US"):
    """Return a call that lasts a number of seconds."""
    return Call("c-1", number, destination, DAY, seconds(duration))


class TestQuote:
    """A quote is a plan priced by a tariff for a term."""

    def test_has_a_line_for_channels_and_a_line_for_bundles(self):
        """A request for 105 channels is charged as the 100 channels sold (H5)."""
        # 100 x 6.95 = 695, 2 x 10 = 20
        channels = Line(Item.CHANNELS, 100, 695, 69500, EUR, TERM)
        bundles = Line(Item.BUNDLES, 2, 1000, 2000, EUR, TERM)

        assert (channels, bundles) == PAID.lines

    def test_refuses_a_price_of_more_than_18_digits(self):
        """One channel at 9,999,999,999,999,999.00 can be priced, two cannot."""
        dear = Tariff("dear", EUR, channel="9999999999999999")

        assert "9999999999999999.00 EUR" == str(
            quote(SKYPE_CONNECT.plan(channels=1), dear, on=DAY).total
        )
        with pytest.raises(InvalidValue, match="at most 18 digits in EUR"):
            quote(SKYPE_CONNECT.plan(channels=2), dear, on=DAY)

    def test_has_no_line_for_zero_bundles(self):
        """A plan without bundles has a line for its channels only."""
        lines = quote(SKYPE_CONNECT.plan(channels=1), TARIFF, on=DAY).lines

        assert [Item.CHANNELS] == [line.item for line in lines]

    def test_names_total_renewal_notices_and_minutes(self):
        """A quote holds the total, the renewal date (H8), notices (H21) and minutes (H10)."""

        assert (
            euros("715"),
            date(2026, 2, 4),
            SKYPE_CONNECT.notices,
            make_allowance(10_000),
        ) == (PAID.total, PAID.renews_on, PAID.notices, PAID.allowance)

    def test_str_is_a_table(self):
        """The table is followed by the total, the renewal date and the notices."""
        plan = OFFERS["skype-connect-2011"].plan(channels=3, bundles=1)

        # A month from 31 January ends on 28 February; 3 x 6.95 = 20.85, and 10.
        assert [
            "3 channels and 1 bundle of 5,000 minutes, 2026-01-31 to 2026-02-28",
            "item      calculation  total",
            "--------  -----------  -----",
            "channels     3 x 6.95  20.85",
            "bundles     1 x 10.00  10.00",
            "Total 30.85 EUR; renews on 2026-02-28.",
            "Not a telephone replacement: it cannot call emergency numbers.",
        ] == str(quote(plan, TARIFF, on=date(2026, 1, 31))).split("\n")

    def test_to_records_returns_a_row_for_each_line(self):
        """A row holds each amount twice: as an integer in minor units and as a Decimal."""
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
            "requested": 105,
            "granted": 100,
            "granted_reason": "above 100, multiples of 10, rounded down",
        } == row
        assert 2 == len(PAID.to_records())

    def test_str_of_a_line_describes_it(self):
        """The text names the quantity, the price, the term and the amount."""

        assert "2 bundles at 10.00 EUR, 2026-01-05 to 2026-02-04: 20.00 EUR" == str(PAID.lines[1])

    def test_quotes_are_equal_even_if_the_requests_differ(self):
        """Requests for 105 and for 100 channels are sold and priced alike."""

        assert quote(SKYPE_CONNECT.plan(channels=100, bundles=2), TARIFF, on=DAY) == PAID

    def test_price_of_zero_keeps_the_lines(self):
        """A free plan has a total of zero and a line for each item."""
        quoted = quote(PLAN, Tariff("free", EUR, 0, 0, 0), on=DAY)

        assert (2, euros("0")) == (len(quoted.lines), quoted.total)

    @pytest.mark.parametrize(
        ("offer", "last_day"),
        [
            (SKYPE_CONNECT, date(9999, 12, 1)),  # a term of 30 days
            (OFFERS["skype-connect-2011"], date(9999, 11, 30)),  # a term of a month
        ],
    )
    def test_refuses_a_term_beyond_the_end_of_the_calendar(self, offer, last_day):
        """A term ends by the last day that ``datetime.date`` can hold."""
        plan = offer.plan(channels=1)

        assert date(9999, 12, 30) <= quote(plan, TARIFF, on=last_day).renews_on
        with pytest.raises(CalendarEnds, match="would not fit the calendar"):
            quote(plan, TARIFF, on=date(9999, 12, 2))

    @pytest.mark.parametrize(
        ("plan", "tariff", "on", "parameter"),
        [
            ("100 channels", TARIFF, DAY, "plan"),
            (PLAN, "6.95", DAY, "tariff"),
            (PLAN, TARIFF, datetime(2026, 1, 5), "on"),  # noqa: DTZ001 - any is refused
            (PLAN, TARIFF, "2026-01-05", "on"),
            (PLAN, TARIFF, None, "on"),
        ],
    )
    def test_wrong_types_are_refused(self, plan, tariff, on, parameter):
        """The error names the parameter."""
        with pytest.raises(WrongType) as caught:
            quote(plan, tariff, on=on)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", ["plan", "tariff", "term"])
    def test_evolve_checks_the_types(self, parameter):
        """The error names the field."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(PAID, **{parameter: None})  # type: ignore[arg-type]

        assert parameter == caught.value.parameter

    def test_str_shows_the_term_of_each_line_if_the_terms_differ(self):
        """After a prorated change, each line shows its own term: 5 x 9.00 x 20/30 = 30.00."""
        tariff = attrs.evolve(TARIFF, channel="9")
        paid = quote(SKYPE_CONNECT.plan(channels=10), tariff, on=date(2026, 1, 5))
        more = SKYPE_CONNECT.plan(channels=15)
        amended = amend_quote(paid, more, on=date(2026, 1, 15), effect=ChangeEffect.PRORATE)

        assert [
            "item      term                                     calculation  total",
            "--------  ------------------------  --------------------------  -----",
            "channels  2026-01-05 to 2026-02-04                   10 x 9.00  90.00",
            "channels  2026-01-15 to 2026-02-04  5 x 9.00 for 20 of 30 days  30.00",
        ] == str(amended).splitlines()[1:5]

    @pytest.mark.parametrize(
        ("term", "on", "requested", "calculation"),
        [
            # 31 - 9 = 22 days of January are left from the 10th on.
            (
                TermRule(Months(1), billing_day=1),
                date(2026, 1, 10),
                7,
                "7 x 3.00 for 22 of 31 days",
            ),
            (
                TermRule(Months(1), billing_day=31),
                date(2026, 2, 10),
                7,
                "7 x 3.00 for 18 of 28 days",
            ),
            (TermRule(Months(1)), date(2026, 1, 10), 7, "7 x 3.00"),
        ],
    )
    def test_str_explains_a_prorated_amount(self, term, on, requested, calculation):
        """The text names the days that are charged and the days of the full term."""
        offer = attrs.evolve(SKYPE_CONNECT, edition="monthly", term=term)
        tariff = attrs.evolve(TARIFF, channel="3")
        line = str(quote(offer.plan(channels=requested), tariff, on=on)).splitlines()[3]

        assert f" {calculation} " in line

    @pytest.mark.parametrize(
        ("mode", "channels", "calculation", "total"),
        [
            (LadderMode.VOLUME, 8, "8 x 6.50", "52"),
            (LadderMode.GRADUATED, 8, "5 x 7.00 + 3 x 6.50", "54.50"),
            (
                LadderMode.GRADUATED,
                12,
                "5 x 7.00 + 5 x 6.50 + 1 packs of 3 x 6.00 + 20.00",
                "93.50",
            ),
            (LadderMode.VOLUME, 30, "10 packs of 3 x 6.00 + 20.00", "80"),
        ],
    )
    def test_str_explains_the_tiers_of_a_ladder(self, mode, channels, calculation, total):
        """The text names each tier that was used, and the quantity priced by it."""
        tiers = (Tier(5, unit="7"), Tier(10, unit="6.5"), Tier(None, unit="6", flat="20", pack=3))
        tariff = attrs.evolve(TARIFF, channel=Ladder(tiers, mode))
        quoted = quote(SKYPE_CONNECT.plan(channels=channels), tariff, on=DAY)

        assert euros(total) == quoted.total
        assert f" {calculation}  " in str(quoted)

    def test_str_explains_a_change_under_a_ladder(self):
        """The difference of two ladder prices is shown as one number instead of another."""
        tiers = (Tier(10, unit="7"), Tier(None, unit="6"))
        paid = quote(
            SKYPE_CONNECT.plan(channels=5), attrs.evolve(TARIFF, channel=Ladder(tiers)), on=DAY
        )
        more = SKYPE_CONNECT.plan(channels=8)
        amended = amend_quote(paid, more, on=DAY, effect=ChangeEffect.CHARGE_FULL)

        assert "8 instead of 5" in str(amended)

    @pytest.mark.parametrize(
        ("on", "length", "align_to", "start", "renewals"),
        [
            # The aligned day may come before or after the purchase.
            ("2026-01-05", Months(1), "2026-01-15", "2025-12-15", ["2026-01-15", "2026-02-15"]),
            ("2026-01-05", Months(1), "2025-06-15", "2025-12-15", ["2026-01-15", "2026-02-15"]),
            ("2026-01-15", Months(1), "2026-01-15", "2026-01-15", ["2026-02-15", "2026-03-15"]),
            ("2026-04-10", Months(1), "2026-01-31", "2026-03-31", ["2026-04-30", "2026-05-31"]),
            ("2026-03-10", Months(1), "2026-01-31", "2026-02-28", ["2026-03-31", "2026-04-30"]),
            ("2027-05-01", Months(12), "2028-02-29", "2027-02-28", ["2028-02-29", "2029-02-28"]),
            ("2026-01-05", Days(30), "2026-01-15", "2025-12-16", ["2026-01-15", "2026-02-14"]),
            ("2026-01-05", Days(30), "2026-01-05", "2026-01-05", ["2026-02-04", "2026-03-06"]),
        ],
    )
    def test_align_to_ends_the_first_term_on_the_next_aligned_day(
        self, on, length, align_to, start, renewals
    ):
        """Aligned terms restore the 31st after a shorter month; the first one is prorated."""
        offer = attrs.evolve(SKYPE_CONNECT, edition="aligned", term=TermRule(length))
        day, plan = date.fromisoformat(on), offer.plan(channels=10)
        quoted = quote(plan, TARIFF, on=day, align_to=date.fromisoformat(align_to))
        full_term = Term(date.fromisoformat(start), date.fromisoformat(renewals[0]))

        assert renewals == [str(renewal) for renewal in islice(quoted.renewals(), 2)]
        assert (Term(day, full_term.end), full_term) == (quoted.term, quoted.full_term)
        price = euros("69.50").share(Fraction(quoted.term.days, full_term.days))
        assert price == quoted.total

    def test_align_to_is_refused_together_with_a_billing_day(self):
        """An offer with a billing day has its own days, so another day cannot be aligned to."""
        monthly = attrs.evolve(
            SKYPE_CONNECT, edition="monthly", term=TermRule(Months(1), billing_day=15)
        )

        with pytest.raises(InvalidValue, match=r"^align_to must be None, because all terms begin"):
            quote(monthly.plan(channels=1), TARIFF, on=DAY, align_to=DAY)

    def test_keeps_the_anchor_of_a_later_term(self):
        """Bought on 31 January, the quote of the second term renews on 31 March."""
        plan = OFFERS["skype-connect-2011"].plan(channels=1)
        second_term = Term(date(2026, 2, 28), date(2026, 3, 31))
        second = price_term(plan, TARIFF, second_term, date(2026, 1, 31))

        assert date(2026, 3, 31) == next(second.renewals())

    @pytest.mark.parametrize(
        ("changes", "parameter"),
        [
            ({"lines": ()}, "lines"),
            ({"anchor": date(2026, 1, 6)}, "term"),
            ({"term": Term(DAY, date(2026, 2, 3))}, "lines"),
            ({"term": Term(date(2026, 1, 4), date(2026, 2, 4))}, "term"),
        ],
    )
    def test_refuses_lines_and_terms_that_do_not_fit(self, changes, parameter):
        """A quote has lines, all within its term, and its term is counted from its anchor."""
        with pytest.raises(InvalidValue, match=f"^{parameter} must be "):
            attrs.evolve(PAID, **changes)

    def test_refuses_bundles_under_a_tariff_that_does_not_sell_them(self):
        """A quote with bundles needs a price for bundles."""
        with pytest.raises(NotOffered, match="'lines' has no price for bundles"):
            attrs.evolve(PAID, tariff=Tariff("lines", EUR, "6.95"))

    @pytest.mark.parametrize("effect", [ChangeEffect.RESTART, ChangeEffect.AT_RENEWAL])
    def test_amend_refuses_an_effect_that_ends_the_term(self, effect):
        """A restart and a later change have no quote within the running term."""
        more = SKYPE_CONNECT.plan(channels=120)

        with pytest.raises(
            InvalidValue, match=r"^effect must be prorate, charge full or no charge"
        ):
            amend_quote(PAID, more, on=DAY, effect=effect)

    def test_amend_refuses_a_plan_of_another_offer(self):
        """Another offer has other rules, so its plan needs a new quote."""
        other = OFFERS["skype-connect-nearest"].plan(channels=10)

        with pytest.raises(InvalidValue, match=r"^plan must be of <Offer Skype Connect \(help"):
            amend_quote(PAID, other, on=DAY, effect=ChangeEffect.PRORATE)


class TestRefund:
    """The refund of a paid quote."""

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
    def test_refunds_unused_days_including_the_day_itself(self, on, channels, bundles):
        """Each line is refunded in proportion to its unused days (H16, F 4.3)."""
        refunded = refund(PAID, on=on)

        assert [euros(channels), euros(bundles)] == [line.returned for line in refunded.lines]
        assert euros(channels) + euros(bundles) == refunded.returned

    @pytest.mark.parametrize(
        ("on", "channels"),
        [
            (date(2026, 1, 5), "671.83"),  # 29/30
            (date(2026, 1, 15), "440.17"),  # 19/30: 440.1667
            (date(2026, 2, 3), "0"),
        ],
    )
    def test_rule_may_count_the_day_of_the_change_as_used(self, on, channels):
        """With ``change_day_used=True`` a refund on the first day is not the full price."""
        refunded = refund(PAID, on=on, rule=RefundRule(change_day_used=True))

        assert euros(channels) == refunded.lines[0].returned

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
    def test_rule_measures_bundles_by_time_or_by_minutes(self, basis, used, bundles):
        """``SMALLER`` refunds the smaller share (F 4.6). Channels are measured by time."""
        rule = RefundRule(bundles=basis)
        refunded = refund(
            PAID, on=date(2026, 1, 15), allowance=make_allowance(10_000, used), rule=rule
        )

        assert [euros("463.33"), euros(bundles)] == [line.returned for line in refunded.lines]

    def test_uses_the_rule_of_the_offer_by_default(self):
        """The contract's offer refunds bundles by minutes."""
        paid = quote(OFFERS["skype-connect-2011"].plan(channels=2, bundles=2), TARIFF, on=DAY)
        refunded = refund(paid, on=date(2026, 1, 20), allowance=make_allowance(10_000, 7_500))

        # 16 of January's 31 days: 13.90 x 16/31 = 7.1742; a quarter of the minutes: 5.
        assert [euros("7.17"), euros("5")] == [line.returned for line in refunded.lines]

    @pytest.mark.parametrize("basis", [RefundBasis.MINUTES, RefundBasis.SMALLER])
    def test_rule_by_minutes_needs_an_allowance(self, basis):
        """The error names the basis of the rule."""
        with pytest.raises(AllowanceNeeded, match="pass the minutes granted and used") as caught:
            refund(PAID, on=DAY, rule=RefundRule(bundles=basis))

        assert basis.value == caught.value.basis

    @pytest.mark.parametrize("basis", [RefundBasis.MINUTES, RefundBasis.SMALLER])
    def test_rule_by_minutes_needs_no_allowance_for_a_plan_without_bundles(self, basis):
        """Channels are refunded by time."""
        paid = quote(SKYPE_CONNECT.plan(channels=100), TARIFF, on=DAY)
        refunded = refund(paid, on=date(2026, 1, 15), rule=RefundRule(bundles=basis))

        assert euros("463.33") == refunded.returned

    @pytest.mark.parametrize("granted", [0, 5_000, 9_999])
    def test_refuses_an_allowance_of_another_quote(self, granted):
        """The granted minutes must be the minutes of the paid bundles."""
        with pytest.raises(InvalidValue, match="allowance must be at least the 166:40:00"):
            refund(
                PAID,
                on=DAY,
                allowance=make_allowance(granted),
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
    def test_refund_is_rounded_and_the_remainder_is_kept(self, rounding, returned):
        """Half of 5 cents is 2.5 cents. The two parts always add up to the paid price."""
        paid = quote(SKYPE_CONNECT.plan(channels=1), Tariff("t", EUR, "0.05", 0, 0), on=DAY)
        (line,) = refund(paid, on=date(2026, 1, 20), rule=RefundRule(rounding=rounding)).lines

        assert (euros(returned), euros("0.05")) == (line.returned, line.returned + line.kept)

    def test_each_line_is_rounded_separately(self):
        """Two lines of half a cent are refunded as two cents, not as one."""
        tariff = Tariff("t", EUR, "0.01", "0.01", 0)
        paid = quote(SKYPE_CONNECT.plan(channels=1, bundles=1), tariff, on=DAY)
        refunded = refund(paid, on=date(2026, 1, 20))

        assert (euros("0.02"), euros("0")) == (refunded.returned, refunded.kept)

    def test_refund_of_a_free_plan_is_zero(self):
        """A refund of zero is not an error."""
        refunded = refund(quote(PLAN, Tariff("free", EUR, 0, 0, 0), on=DAY), on=DAY)

        assert (euros("0"), euros("0"), 2) == (
            refunded.returned,
            refunded.kept,
            len(refunded.lines),
        )

    @pytest.mark.parametrize("on", [date(2026, 2, 4), date(2026, 2, 5), date.max])
    def test_refuses_a_day_after_the_term(self, on):
        """The error names the end of the term."""
        with pytest.raises(OutsideTerm) as caught:
            refund(PAID, on=on)

        assert (
            f"a refund is possible from {DAY} until the day before 2026-02-04, not on {on}"
            == str(caught.value)
        )

    @pytest.mark.parametrize("on", [date(2026, 1, 4), date.min])
    def test_refunds_everything_before_the_first_day(self, on):
        """Nothing of the term is used, so set-up fees are refunded too: 20.85 + 10 + 5 + 3 x 2."""
        tariff = Tariff("fees", EUR, "6.95", "10", "0.021", setup="5", channel_setup="2")
        paid = quote(SKYPE_CONNECT.plan(channels=3, bundles=1), tariff, on=DAY)
        rule = RefundRule(RefundBasis.NOTHING, RefundBasis.MINUTES, change_day_used=True)

        for undone in (refund(paid, on=on), refund(paid, on=on, rule=rule)):
            assert (euros("41.85"), euros("0")) == (undone.returned, undone.kept)
            assert timedelta(minutes=5000) == undone.minutes

    @pytest.mark.parametrize(
        ("on", "channel", "bundle", "minutes"),
        [
            # 20 of 30 days: 2.00 of 3.00 for the channels with 300 minutes, 6.67 of 10.00.
            (date(2026, 1, 15), "1", "10", 200 + 3335),
            (date(2026, 1, 15), "0", "10", 3335),
            (date(2026, 1, 15), "1", "0", 200),
            (date(2026, 1, 15), "0", "0", 0),
            (DAY, "1", "10", 5300),
        ],
    )
    def test_minutes_are_the_same_share_as_the_refund(self, on, channel, bundle, minutes):
        """Each item gives its own share of minutes; for a free item no money is refunded."""
        rule = BundleRule("pack", 5000, ("US",), included=100)
        offer = attrs.evolve(SKYPE_CONNECT, edition="included", bundle=rule)
        paid = quote(
            offer.plan(channels=3, bundles=1), Tariff("t", EUR, channel, bundle, "0"), on=DAY
        )

        assert timedelta(minutes=minutes) == refund(paid, on=on).minutes

    def test_minutes_of_an_offer_without_bundles_are_none(self):
        """Nothing is included, so nothing is refunded."""
        offer = attrs.evolve(SKYPE_CONNECT, edition="channels only", bundle=None)
        paid = quote(offer.plan(channels=3), Tariff("t", EUR, "1"), on=DAY)

        assert timedelta(0) == refund(paid, on=DAY).minutes

    def test_minutes_of_a_bundle_that_was_given_up_without_a_refund(self):
        """The plan has no bundle any more, but two were paid: 13.33 of 20.00 are refunded."""
        changed = amend_quote(
            PAID,
            PAID.plan.replace(bundles=0),
            on=date(2026, 1, 10),
            effect=ChangeEffect.NO_CHARGE,
        )

        assert timedelta(minutes=6665) == refund(changed, on=date(2026, 1, 15)).minutes

    def test_minutes_of_the_largest_plan_fit_a_timedelta(self):
        """A million bundles of a million minutes are refunded without an overflow."""
        rule = BundleRule("pack", 1_000_000, ("US",), per_channel=None)
        offer = attrs.evolve(SKYPE_CONNECT, edition="large", bundle=rule)
        plan = offer.plan(channels=1, bundles=1_000_000)
        paid = quote(plan, Tariff("t", EUR, "1", "0.03", "0"), on=DAY)

        half = refund(paid, on=date(2026, 1, 20))
        assert timedelta(minutes=5 * 10**11) == half.minutes

    def test_str_is_a_table(self):
        """The table shows the paid, returned and kept amount of each line, and the totals."""

        assert [
            "100 channels (105 requested: above 100, multiples of 10, rounded down) and 2 bundles "
            "of 5,000 minutes, 2026-01-05 to 2026-02-04, ended on 2026-01-15",
            "item        paid  returned    kept",
            "--------  ------  --------  ------",
            "channels  695.00    463.33  231.67",
            "bundles    20.00     13.33    6.67",
            "Returned 476.66 EUR, kept 238.34 EUR.",
        ] == str(refund(PAID, on=date(2026, 1, 15))).split("\n")

    def test_str_of_a_line_describes_it(self):
        """The text names the returned amount and the kept amount."""
        line = refund(PAID, on=date(2026, 1, 15)).lines[1]

        assert "bundles: 13.33 EUR returned, 6.67 EUR kept" == str(line)

    def test_to_records_adds_the_returned_and_kept_amounts(self):
        """A row holds the row of the quote's line and the two parts of its amount."""
        row = refund(PAID, on=date(2026, 1, 15)).to_records()[0]

        assert {
            **PAID.lines[0].to_records()[0],
            "returned_minor": 46333,
            "returned": Decimal("463.33"),
            "kept_minor": 23167,
            "kept": Decimal("231.67"),
        } == row

    @pytest.mark.parametrize(
        ("changes", "parameter"),
        [
            ({"paid": 715}, "paid"),
            ({"paid": None, "rule": RefundRule()}, "paid"),
            ({"on": datetime(2026, 1, 5)}, "on"),  # noqa: DTZ001 - any datetime is refused
            ({"on": None}, "on"),
            ({"allowance": 5000}, "allowance"),
            ({"rule": "time"}, "rule"),
        ],
    )
    def test_wrong_types_are_refused(self, changes, parameter):
        """The error names the parameter."""
        arguments = {"paid": PAID, "on": DAY, **changes}

        with pytest.raises(WrongType) as caught:
            refund(arguments.pop("paid"), **arguments)

        assert parameter == caught.value.parameter

    def test_evolve_refuses_a_day_outside_the_term(self):
        """A copy is checked like a new refund."""
        with pytest.raises(OutsideTerm):
            attrs.evolve(refund(PAID, on=DAY), on=date(2026, 2, 4))


RATED = rate_call(make_call(), make_allowance(5000, 5000), TARIFF, offer=SKYPE_CONNECT)


REFUND = refund(PAID, on=DAY)


VALUES = [TARIFF, PAID, PAID.lines[0], REFUND, REFUND.lines[0], RATED, RATED.charges[0]]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "copy_value",
    [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["copy", "deepcopy", "evolve", "pickle"],
)
def test_copies_are_equal(value, copy_value):
    """A copy equals the original value and has the same hash and text."""
    value_copy = copy_value(value)

    assert (value, hash(value), str(value)) == (value_copy, hash(value_copy), str(value_copy))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_are_immutable(value):
    """Setting a field raises an error."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, attrs.fields(type(value))[0].name, None)


def test_html_escapes_the_texts_of_tariffs_and_notices():
    """Markup in the name of a tariff or in a notice is shown as text in a notebook."""
    tariff = attrs.evolve(TARIFF, name="<script>alert(1)</script>")
    notice = attrs.evolve(SKYPE_CONNECT.notices[0], text="<img src=x>")
    offer = attrs.evolve(SKYPE_CONNECT, notices=(notice,))
    html = quote(offer.plan(channels=1), tariff, on=DAY)._repr_html_() + tariff._repr_html_()

    assert "&lt;script&gt;" in html
    assert "<img" not in html.replace("&lt;img", "")
    assert "<script" not in html


def test_quote_refuses_bundles_without_a_price():
    """A tariff without a price for bundles prices only plans without bundles."""
    tariff = Tariff("lines", EUR, channel="5")
    without_bundles = quote(SKYPE_CONNECT.plan(channels=2), tariff, on=date(2026, 1, 5))

    assert Money.of("10", EUR) == without_bundles.total
    with pytest.raises(NotOffered, match="'lines' has no price for bundles"):
        quote(SKYPE_CONNECT.plan(channels=2, bundles=1), tariff, on=date(2026, 1, 5))
