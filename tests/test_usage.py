"""Calls: counting, cover, admission, and what an allowance has left."""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type"

import copy
import pickle
from datetime import date, datetime, timedelta
from fractions import Fraction

import attrs
import pytest

from channelplans.errors import InvalidValue, WrongType
from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_2011
from channelplans.rules import BundleRule, CallRule
from channelplans.usage import Allowance, Call, billable, covered

DAY = date(2026, 1, 5)
US = BundleRule("US minutes", 5000, ("US",), excluded_prefixes=("218632", "6057154"))


def seconds(count):
    """Return a duration of so many seconds."""
    return timedelta(seconds=count)


def call(number="+12125550100", country="US", duration=timedelta(seconds=31)):
    """Return a call on the day of these tests."""
    return Call("c-1", number, country, DAY, duration)


class TestCall:
    """What a call must be."""

    def test_says_what_it_is(self):
        """Day, identifier, number, country and length."""

        assert "2026-01-05 call c-1 to +12125550100 (US), 0:00:31" == str(call())

    @pytest.mark.parametrize(
        "number", ["+1 212 555-0100", "001.212.555.0100", "1(212)5550100", "9"]
    )
    def test_numbers_may_be_written_in_groups(self, number):
        """Spaces, points, dashes and parentheses are fine."""

        assert number == call(number).number

    @pytest.mark.parametrize("number", ["+", "++1", "x1", "1x", "tel:1", "+ 1", "1\u0661", "1/2"])
    def test_a_number_is_digits(self, number):
        """Anything else is refused, and the error shows what works."""
        with pytest.raises(
            InvalidValue, match=r"number must be digits, such as '\+1 212 555 0100'"
        ):
            call(number)

    def test_the_usual_north_american_way_to_write_a_number(self):
        """An area code in parentheses comes first there."""

        assert covered(call("(212) 555-0100"), US)

    @pytest.mark.parametrize("country", ["us", "USA", "U", "U1", "840", "ÄÖ"])
    def test_a_country_is_two_capital_letters(self, country):
        """The ISO 3166 code of two letters, and nothing else."""
        with pytest.raises(
            InvalidValue, match=r'country must be two capital letters, such as "US"'
        ):
            call(country=country)

    @pytest.mark.parametrize("duration", [timedelta(microseconds=-1), timedelta(days=-1)])
    def test_a_negative_length_is_refused(self, duration):
        """A call cannot have ended before it began."""
        with pytest.raises(InvalidValue, match="duration must be 0 s or longer"):
            call(duration=duration)

    @pytest.mark.parametrize("duration", [timedelta(0), timedelta(days=1)])
    def test_no_length_and_a_whole_day_are_fine(self, duration):
        """A call that was not answered, and one that ran a day."""

        assert duration == call(duration=duration).duration

    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [
            ("id", 5),
            ("number", 12125550100),
            ("country", None),
            ("day", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
            ("day", "2026-01-05"),
            ("duration", 31),
            ("duration", 31.0),
        ],
    )
    def test_wrong_types_are_named(self, parameter, wrong):
        """Each field refuses what it does not take, by its name."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(call(), **{parameter: wrong})

        assert parameter == caught.value.parameter


class TestBillable:
    """At least 30 s, then steps of 6 s, rounded up, once for the whole call (F 3.5, F 8.5)."""

    @pytest.mark.parametrize(
        ("length", "counted"),
        [
            (0, 0),
            (1, 30),
            (29, 30),
            (30, 30),
            (31, 36),  # the example of F 8.5
            (36, 36),
            (37, 42),
            (60, 60),
            (61, 66),
            (3600, 3600),
            (86_400, 86_400),
            (86_401, 86_406),
        ],
    )
    def test_counts_as_published(self, length, counted):
        """The least length, then whole steps."""

        assert seconds(counted) == billable(seconds(length), SKYPE_CONNECT.calls)

    @pytest.mark.parametrize(("length", "counted"), [(30, 36), (36, 42), (0, 30)])
    def test_a_microsecond_more_is_the_next_step(self, length, counted):
        """Fractions are rounded up, however small."""
        duration = seconds(length) + timedelta(microseconds=1)

        assert seconds(counted) == billable(duration, CallRule())

    @pytest.mark.parametrize(
        ("least", "step", "length", "counted"),
        [
            (60, 60, 61, 120),  # whole minutes (F 3.6)
            (0, 1, 0.2, 1),
            (0, 6, 6, 6),
            (10, 7, 11, 17),  # the steps begin where the least length ends
            (10, 7, 18, 24),
        ],
    )
    def test_other_rules_count_otherwise(self, least, step, length, counted):
        """Both the least length and the step are data."""
        rule = CallRule(seconds(least), seconds(step))

        assert seconds(counted) == billable(seconds(length), rule)

    def test_a_length_that_cannot_be_rounded_up_is_refused(self):
        """The longest timedelta has no longer one to be rounded up to."""
        with pytest.raises(InvalidValue, match=r"^duration must be short enough"):
            billable(timedelta.max, CallRule())

    def test_a_negative_length_is_refused(self):
        """Nothing is counted of less than nothing."""
        with pytest.raises(InvalidValue, match="duration"):
            billable(seconds(-1), CallRule())

    @pytest.mark.parametrize(
        ("duration", "rule", "named"), [(31, CallRule(), "duration"), (seconds(31), None, "rule")]
    )
    def test_wrong_types_are_named(self, duration, rule, named):
        """Seconds are not taken for a duration."""
        with pytest.raises(WrongType) as caught:
            billable(duration, rule)

        assert named == caught.value.parameter


class TestCovered:
    """Whether a bundle is valid for a country and number."""

    @pytest.mark.parametrize(
        "number",
        [
            "+1 218 632 0100",
            "001 218 632 0100",
            "1 218 632 0100",
            "218 632 0100",
            "+1(218)632-0100",
        ],
    )
    @pytest.mark.parametrize(("digits", "expected"), [("632", False), ("631", True)])
    def test_a_prefix_is_excluded_however_the_number_is_written(self, number, digits, expected):
        """With +1, with 001, with 1 and without any of them, a number is the same (F 8.10)."""
        number = number.replace("632", digits)

        assert expected is covered(call(number), US)

    @pytest.mark.parametrize(
        ("number", "expected"), [("+1 605 715 4000", False), ("+1 605 715 3000", True)]
    )
    def test_a_prefix_of_seven_digits_looks_at_seven(self, number, expected):
        """605 715 4 is excluded, 605 715 3 is not."""

        assert expected is covered(call(number), US)

    @pytest.mark.parametrize("number", ["+1 911 218 6320", "+1 121 863 2010"])
    def test_a_prefix_stands_at_the_beginning(self, number):
        """The same digits further on are no prefix; and only one calling code is taken off."""

        assert covered(call(number), US)

    def test_only_the_two_zeros_of_an_international_call_are_taken_off(self):
        """After a plus there is the calling code at once."""

        assert covered(call("+00 1 218 632 0100"), US)

    @pytest.mark.parametrize(
        ("country", "page", "contract"),
        [("US", True, True), ("CA", False, True), ("DE", False, False)],
    )
    def test_the_area_is_the_offers(self, country, page, contract):
        """The help page covers the US, the contract Canada too (F 8.2); the caller names it."""
        made = call("+12125550100", country)

        assert (page, contract) == (
            covered(made, SKYPE_CONNECT.bundles),
            covered(made, SKYPE_CONNECT_2011.bundles),
        )

    @pytest.mark.parametrize("number", ["+12186320100", "+19512623999", "+17605695555"])
    def test_the_contract_excludes_prefixes_and_the_page_none(self, number):
        """First, last and a middle one of the 101 (F 8.10)."""

        assert (True, False) == (
            covered(call(number), SKYPE_CONNECT.bundles),
            covered(call(number), SKYPE_CONNECT_2011.bundles),
        )

    def test_another_calling_code(self):
        """A bundle to Germany takes 49 off before it looks at the prefix."""
        rule = BundleRule("DE minutes", 100, ("DE",), excluded_prefixes=("180",), calling_code="49")

        assert [False, False, True] == [
            covered(call(number, "DE"), rule)
            for number in ("+49 180 123", "0049 180 123", "+49 30 180")
        ]

    @pytest.mark.parametrize(
        ("made", "rule", "named"), [("+1212", US, "call"), (call(), None, "rule")]
    )
    def test_wrong_types_are_named(self, made, rule, named):
        """A number is no call, and no bundles are no rule."""
        with pytest.raises(WrongType) as caught:
            covered(made, rule)

        assert named == caught.value.parameter


class TestAllowance:
    """The minutes of a term."""

    def test_remaining_and_unused(self):
        """1,250 of 5,000 minutes used leaves 3,750, three quarters."""
        allowance = Allowance(timedelta(minutes=5000), timedelta(minutes=1250))

        assert (timedelta(minutes=3750), Fraction(3, 4)) == (allowance.remaining, allowance.unused)

    def test_nothing_is_used_at_first(self):
        """All of it is left."""

        assert Fraction(1) == Allowance(timedelta(minutes=1)).unused

    def test_nothing_is_left_of_nothing(self):
        """Without bundles the unused part is zero, not a division by it."""
        allowance = Allowance(timedelta(0))

        assert (timedelta(0), Fraction(0)) == (allowance.remaining, allowance.unused)

    def test_unused_is_exact_to_the_microsecond(self):
        """A microsecond of three seconds is a three-millionth."""
        allowance = Allowance(seconds(3), seconds(3) - timedelta(microseconds=1))

        assert Fraction(1, 3_000_000) == allowance.unused

    def test_use_returns_another_allowance(self):
        """What was there stays as it is."""
        before = Allowance(seconds(60), seconds(10))

        after = before.use(seconds(50))

        assert (Allowance(seconds(60), seconds(60)), seconds(50)) == (after, before.remaining)

    def test_no_more_can_be_used_than_is_left(self):
        """The error says how much is granted."""
        with pytest.raises(InvalidValue, match="used must be at most what is granted, 0:01:00"):
            Allowance(seconds(60), seconds(10)).use(seconds(51))

    def test_use_takes_nothing_back(self):
        """A negative use would give minutes back."""
        with pytest.raises(InvalidValue, match="duration"):
            Allowance(seconds(60), seconds(10)).use(seconds(-1))

    def test_use_takes_a_duration_alone(self):
        """A number of seconds is refused by the parameter's name."""
        with pytest.raises(WrongType, match="duration"):
            Allowance(seconds(60)).use(5)

    @pytest.mark.parametrize(
        ("granted", "used", "named"), [(-1, 0, "granted"), (1, -1, "used"), (1, 2, "used")]
    )
    def test_impossible_allowances_are_refused(self, granted, used, named):
        """Neither part is negative, and no more is used than granted."""
        with pytest.raises(InvalidValue) as caught:
            Allowance(seconds(granted), seconds(used))

        assert named == caught.value.parameter

    @pytest.mark.parametrize("parameter", ["granted", "used"])
    def test_wrong_types_are_named(self, parameter):
        """Minutes as a number are refused."""
        with pytest.raises(WrongType) as caught:
            Allowance(**{"granted": seconds(1), parameter: 0})

        assert parameter == caught.value.parameter

    def test_says_what_is_left(self):
        """Hours, minutes and seconds, without days."""

        assert "83:20:00 of 83:20:00 left" == str(Allowance(timedelta(minutes=5000)))

    def test_evolving_keeps_the_checks(self):
        """Less cannot be granted afterwards than is used already."""
        with pytest.raises(InvalidValue, match="used"):
            attrs.evolve(Allowance(seconds(2), seconds(2)), granted=seconds(1))


@pytest.mark.parametrize("value", [call(), Allowance(seconds(3), seconds(1))])
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["copy", "deepcopy", "evolve", "pickle"],
)
def test_values_copy(value, copied):
    """A copy, a pickle and an unchanged evolution are equal to the value, and hash the same."""
    twin = copied(value)

    assert (value, hash(value)) == (twin, hash(twin))


def test_html_is_escaped():
    """An identifier that holds markup shows as text in a notebook."""
    nasty = Call("<b>", "1", "US", DAY, seconds(1))

    assert "<p>2026-01-05 call &lt;b&gt; to 1 (US), 0:00:01</p>" == nasty._repr_html_()
