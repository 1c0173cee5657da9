"""Tests of the minutes of a term: how they are used, and what the next term gets of them."""

from datetime import date, timedelta
from fractions import Fraction

import attrs
import pytest

from channelplans.allowances import Allowance
from channelplans.errors import InvalidValue, WrongType
from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import quote
from channelplans.quantities import QuantityRule
from channelplans.rules import BundleRule, Rollover
from channelplans.tariffs import Tariff


def seconds(count):
    """Return a duration in seconds."""
    return timedelta(seconds=count)


class TestAllowance:
    """The minutes of a term."""

    def test_remaining_and_unused(self):
        """If 1,250 of 5,000 minutes are used, 3,750 remain and 3/4 is unused."""
        allowance = Allowance(timedelta(minutes=5000), timedelta(minutes=1250))

        assert (timedelta(minutes=3750), Fraction(3, 4)) == (allowance.remaining, allowance.unused)

    def test_a_new_allowance_is_unused(self):
        """By default no minutes are used."""

        assert Fraction(1) == Allowance(timedelta(minutes=1)).unused

    def test_unused_is_zero_if_no_minutes_are_granted(self):
        """An allowance of zero does not raise ``ZeroDivisionError``."""
        allowance = Allowance(timedelta(0))

        assert (timedelta(0), Fraction(0)) == (allowance.remaining, allowance.unused)

    def test_unused_is_exact_to_the_microsecond(self):
        """If one microsecond of three seconds is left, 1/3,000,000 is unused."""
        allowance = Allowance(seconds(3), seconds(3) - timedelta(microseconds=1))

        assert Fraction(1, 3_000_000) == allowance.unused

    def test_use_returns_a_new_allowance(self):
        """The original allowance does not change."""
        before = Allowance(seconds(60), seconds(10))

        after = before.use(seconds(50))

        assert (Allowance(seconds(60), seconds(60)), seconds(50)) == (after, before.remaining)

    def test_use_refuses_more_than_remains(self):
        """The error names the remaining minutes."""
        with pytest.raises(InvalidValue, match=r"at most the minutes left, 0:00:50, not 0:00:51"):
            Allowance(seconds(60), seconds(10)).use(seconds(51))

    def test_use_refuses_a_negative_duration(self):
        """Minutes that are used cannot be returned."""
        with pytest.raises(InvalidValue, match="duration"):
            Allowance(seconds(60), seconds(10)).use(seconds(-1))

    def test_use_refuses_a_number_of_seconds(self):
        """The error names the parameter."""
        with pytest.raises(WrongType, match="duration"):
            Allowance(seconds(60)).use(5)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("granted", "used", "parameter"), [(-1, 0, "granted"), (1, -1, "used"), (1, 2, "used")]
    )
    def test_impossible_values_are_refused(self, granted, used, parameter):
        """A duration cannot be negative, and used minutes cannot exceed granted minutes."""
        with pytest.raises(InvalidValue) as caught:
            Allowance(seconds(granted), seconds(used))

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", ["granted", "used"])
    def test_wrong_types_are_refused(self, parameter):
        """The error names the field that is a number and not a duration."""
        with pytest.raises(WrongType) as caught:
            Allowance(**{"granted": seconds(1), parameter: 0})

        assert parameter == caught.value.parameter

    def test_str_names_the_remaining_and_the_granted_time(self):
        """The text counts hours, minutes and seconds, but not days."""

        assert "83:20:00 of 83:20:00 left" == str(Allowance(timedelta(minutes=5000)))

    def test_evolve_checks_the_values(self):
        """A copy cannot grant less than is already used."""
        with pytest.raises(InvalidValue, match="used"):
            attrs.evolve(Allowance(seconds(2), seconds(2)), granted=seconds(1))

    def test_carried_minutes_may_be_a_list(self):
        """Any sequence of durations becomes a tuple."""

        assert (seconds(1),) == Allowance(seconds(9), carried=[seconds(1)]).carried

    @pytest.mark.parametrize(("carried", "parameter"), [((5,), "carried[0]"), ("5", "carried")])
    def test_carried_minutes_must_be_durations(self, carried, parameter):
        """The error names the wrong item."""
        with pytest.raises(WrongType) as caught:
            Allowance(seconds(9), carried=carried)

        assert parameter == caught.value.parameter

    def test_minutes_that_do_not_fit_a_timedelta_are_refused(self):
        """The granted and the carried minutes are added up."""
        with pytest.raises(InvalidValue, match=r"^carried "):
            Allowance(timedelta.max, carried=(seconds(1),))

    def test_use_refuses_the_longest_duration(self):
        """The error is the library's own."""
        with pytest.raises(InvalidValue, match=r"^duration "):
            Allowance(seconds(60), seconds(10)).use(timedelta.max)

    @pytest.mark.parametrize("rule", [Rollover(), Rollover(2), Rollover(cap=10**12)])
    def test_carried_minutes_stop_at_the_longest_timedelta(self, rule):
        """The granted minutes are kept, and the carried minutes fill the rest."""
        allowance = Allowance(timedelta.max - seconds(5))
        for _ in range(3):
            allowance = allowance.next(timedelta.max - seconds(5), rule)

        assert timedelta.max == allowance.remaining

    @pytest.mark.parametrize("rollover", [Rollover(), Rollover(2, cap=10**12), None])
    def test_minutes_of_the_largest_plan_are_limited_to_the_longest_timedelta(self, rollover):
        """A million bundles and a million channels, each with a million minutes, do not fit it."""
        bundle = BundleRule(
            "huge",
            minutes=10**6,
            area=("US",),
            per_channel=None,
            included=10**6,
            rollover=rollover,
        )
        quantity = QuantityRule(minimum=1, maximum=10**6)
        offer = attrs.evolve(SKYPE_CONNECT, bundle=bundle, quantity=quantity)
        plan = offer.plan(channels=10**6, bundles=10**6)
        tariff = Tariff("made up", EUR, channel="6.95", bundle="10")
        allowance = quote(plan, tariff, on=date(2026, 1, 5)).allowance
        next_allowance = allowance.next(allowance.granted, rollover)

        assert timedelta.max - seconds(1) < next_allowance.remaining <= timedelta.max

    def test_minutes_carried_for_a_year_of_daily_terms_are_kept_by_term(self):
        """After 400 terms, 366 carried minutes remain. A call uses the oldest ones first."""
        allowance = Allowance(timedelta(minutes=1))
        for _ in range(400):
            allowance = allowance.next(timedelta(minutes=1), Rollover(366))
        used = allowance.use(timedelta(seconds=90))

        assert (timedelta(minutes=1),) * 366 == allowance.carried
        assert (timedelta(seconds=30), timedelta(0)) == used.carried[-2:]
        assert timedelta(minutes=367) - seconds(90) == used.remaining

    @pytest.mark.parametrize("value", [60, None, -seconds(1)])
    @pytest.mark.parametrize(
        "change", [Allowance.granting, lambda allowance, granted: allowance.next(granted, None)]
    )
    def test_granted_minutes_must_be_a_duration(self, change, value):
        """A number of seconds or a negative duration is refused."""
        with pytest.raises((InvalidValue, WrongType), match=r"^granted must be"):
            change(Allowance(seconds(60)), value)

    def test_next_refuses_a_rule_of_another_class(self):
        """The error names the parameter."""
        with pytest.raises(WrongType, match=r"^rule must be a Rollover"):
            Allowance(seconds(60)).next(seconds(60), 5)  # type: ignore[arg-type]
