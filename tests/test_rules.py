"""Tests of the rules of an offer: which requests are sold, which are refused, and the reason."""

import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import numpy as np
import pytest

from channelplans.calendar import Days, Months
from channelplans.errors import (
    BundlesNotAllowed,
    CalendarEnds,
    ChangedTooSoon,
    InvalidValue,
    WrongType,
)
from channelplans.money import Rounding
from channelplans.quantities import (
    Quantity,
    QuantityRule,
    Step,
    normalize_quantity,
    profiles_for,
    split_profiles,
)
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeEffect,
    ChangeRule,
    Notice,
    RefundBasis,
    RefundRule,
    TermRule,
    check_change,
    validate_bundles,
)

TENS = (Step(above=100, multiple=10),)


RULE = QuantityRule(1, 300, TENS, Rounding.DOWN)


BUNDLES = BundleRule("US minutes", minutes=5000, area=("US",))


DAILY = ChangeRule(cooldown=Days(1))


JAN_5 = date(2026, 1, 5)


INSTANT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("integer_type", [int, np.uint8])
def test_bundle_rule_multiplies_without_overflow(integer_type):
    """Two bundles for each of 200 channels are 400, even if 200 is an 8-bit integer."""
    assert 400 == BundleRule("US", 5000, ("US",), per_channel=2).most(integer_type(200))


@pytest.mark.parametrize(
    "function",
    [
        lambda rule: normalize_quantity(5, rule),
        lambda rule: split_profiles(5, rule),
        lambda rule: profiles_for(5, rule),
        lambda rule: validate_bundles(0, channels=5, rule=rule),
        lambda rule: check_change(None, on=JAN_5, rule=rule),
    ],
    ids=["normalize", "split", "profiles_for", "bundles", "change"],
)
@pytest.mark.parametrize("rule", [None, 300, TermRule(Days(30))], ids=repr)
def test_functions_refuse_a_rule_of_another_type(function, rule):
    """The error names the type of rule that the function needs."""
    with pytest.raises(WrongType, match=r"^rule must be a (Quantity|Bundle|Change)Rule, not "):
        function(rule)


def test_str_of_bundle_rule_describes_it():
    """The text names the minutes of a bundle, its area, and how many each channel allows."""
    unbound = BundleRule("Minutes", 100, ("US", "CA"), per_channel=None)

    assert "US minutes: 5,000 minutes to US, at most 1 for each channel" == str(BUNDLES)
    assert "Minutes: 100 minutes to US, CA, any number of bundles" == str(unbound)


@pytest.mark.parametrize(
    ("changes", "parameter", "value"),
    [
        ({"name": ""}, "name", "''"),
        ({"minutes": 0}, "minutes", "0"),
        ({"minutes": 0, "included": 200}, "minutes", "0"),
        ({"minutes": 0, "per_channel": None, "included": 200}, "minutes", "0"),
        ({"minutes": -5}, "minutes", "-5"),
        ({"area": ()}, "area", ""),
        ({"area": ("us",)}, "area", "'us'"),
        ({"area": ("US", "USA")}, "area", "'USA'"),
        ({"area": ("",)}, "area", "''"),
        ({"per_channel": 0}, "included", "0"),
        ({"per_channel": 0, "minutes": 0}, "included", "0"),
        ({"per_channel": -1}, "per_channel", "-1"),
        ({"included": -1}, "included", "-1"),
        ({"longest_call": timedelta(0)}, "longest_call", "0:00:00"),
        ({"longest_call": timedelta(hours=-1)}, "longest_call", ""),
        ({"excluded_prefixes": ("218", "+1218")}, "excluded_prefixes", "'+1218'"),
        ({"excluded_prefixes": ("٢١٨",)}, "excluded_prefixes", ""),
        ({"excluded_prefixes": ("",)}, "excluded_prefixes", "''"),
        ({"calling_code": "+1"}, "calling_code", "'+1'"),
        ({"calling_code": ""}, "calling_code", "''"),
        ({"calling_code": "049"}, "calling_code", "'049'"),
        ({"trunk_prefix": "+"}, "trunk_prefix", "'+'"),
        ({"area": ("DE", "mobile")}, "area", "'mobile'"),
        ({"area": ("49",)}, "area", "'49'"),
        ({"area": ("DE-",)}, "area", "'DE-'"),
    ],
    ids=str,
)
def test_bundle_rule_refuses_invalid_values(changes, parameter, value):
    """The error names the field and the invalid value.

    If no bundles are sold (``per_channel=0``), minutes must be included with the channels.
    """
    arguments = {"name": "US", "minutes": 5000, "area": ("US",)} | changes

    with pytest.raises(InvalidValue) as caught:
        BundleRule(**arguments)

    assert parameter == caught.value.parameter.split("[")[0]
    assert value in caught.value.value


@pytest.mark.parametrize(
    "changes",
    [
        {"area": "US"},
        {"area": (1,)},
        {"per_channel": 1.5},
        {"longest_call": 12},
        {"excluded_prefixes": "218632"},
        {"excluded_prefixes": (218632,)},
        {"calling_code": 1},
        {"trunk_prefix": 0},
        {"trunk_prefix": None},
    ],
    ids=str,
)
def test_bundle_rule_refuses_wrong_types(changes):
    """For example, a string is not a tuple of countries, and a number is not a prefix."""
    arguments = {"name": "US", "minutes": 5000, "area": ("US",)} | changes

    with pytest.raises(WrongType, match=rf"^{next(iter(changes))}"):
        BundleRule(**arguments)


def test_bundle_rule_accepts_a_trunk_prefix_and_a_part_of_a_country():
    """By default there is no trunk prefix."""
    rule = BundleRule("DE", 1, ("DE", "DE-mobile"), calling_code="49", trunk_prefix="0")

    assert (("DE", "DE-mobile"), "0") == (rule.area, rule.trunk_prefix)
    assert "" == BundleRule("DE", 1, ("DE",)).trunk_prefix


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({"minimum": timedelta(seconds=-1)}, "minimum"),
        ({"minimum": timedelta(days=1, microseconds=1)}, "minimum"),
        ({"step": timedelta(0)}, "step"),
        ({"step": timedelta(days=1, microseconds=1)}, "step"),
        ({"barred_numbers": ("+112",)}, "barred_numbers"),
        ({"barred_numbers": ("112", "")}, "barred_numbers"),
    ],
    ids=str,
)
def test_call_rule_refuses_invalid_values(fields, parameter):
    """A minimum and a step are at most a day, and a barred number is written in digits."""
    with pytest.raises(InvalidValue) as caught:
        CallRule(**fields)

    assert parameter == caught.value.parameter.split("[")[0]


def test_call_rule_bars_no_number_by_default():
    """Only an offer whose source says so bars numbers."""

    assert () == CallRule().barred_numbers


def test_bundle_rule_accepts_the_smallest_values():
    """A rule may have one minute, one bundle for each channel, and calls of one microsecond."""
    rule = BundleRule("US", 1, ("US",), 1, timedelta(microseconds=1), ("0",), "44")

    assert (("US",), ("0",), "44") == (rule.area, rule.excluded_prefixes, rule.calling_code)


@pytest.mark.parametrize(("bundles", "channels"), [(0, 0), (0, 5), (5, 5), (100, 100)])
def test_validate_bundles_allows_one_bundle_for_each_channel(bundles, channels):
    """The number of bundles may equal the number of channels, but not exceed it (H12)."""
    validate_bundles(bundles, channels=channels, rule=BUNDLES)

    with pytest.raises(BundlesNotAllowed) as caught:
        validate_bundles(channels + 1, channels=channels, rule=BUNDLES)

    assert (channels + 1, channels) == (caught.value.bundles, caught.value.most)


@pytest.mark.parametrize(("per_channel", "maximum"), [(2, 10), (3, 15)])
def test_validate_bundles_multiplies_the_limit_by_the_channels(per_channel, maximum):
    """A rule may allow several bundles for each channel."""
    rule = BundleRule("US", 5000, ("US",), per_channel=per_channel)
    validate_bundles(maximum, channels=5, rule=rule)
    too_many = maximum + 1

    with pytest.raises(
        BundlesNotAllowed, match=rf"^bundles must be 0 to {maximum}, not {too_many}: "
    ):
        validate_bundles(too_many, channels=5, rule=rule)


@pytest.mark.parametrize("bundles", [-1, 10**6 + 1])
def test_validate_bundles_has_a_limit_even_without_a_limit_by_channels(bundles):
    """With ``per_channel=None`` a plan has 0 to 1,000,000 bundles."""
    rule = BundleRule("US", 5000, ("US",), per_channel=None)
    validate_bundles(10**6, channels=1, rule=rule)

    with pytest.raises(BundlesNotAllowed, match=f"^bundles must be 0 to 1000000, not {bundles}: "):
        validate_bundles(bundles, channels=1, rule=rule)


def test_validate_bundles_never_allows_more_than_a_million():
    """If each of two channels allows a million bundles, the plan still has at most a million."""
    rule = BundleRule("US", 5000, ("US",), per_channel=1_000_000)

    with pytest.raises(BundlesNotAllowed, match=r"^bundles must be 0 to 1,?000,?000, not 1000001"):
        validate_bundles(1_000_001, channels=2, rule=rule)


def test_validate_bundles_refuses_a_negative_number_of_bundles():
    """The error names both limits."""
    with pytest.raises(BundlesNotAllowed, match=r"^bundles must be 0 to 5, not -1: "):
        validate_bundles(-1, channels=5, rule=BUNDLES)


def test_validate_bundles_refuses_a_negative_number_of_channels():
    """Bundles cannot be checked against -1 channels."""
    with pytest.raises(InvalidValue, match=r"^channels must be at least 0, not -1"):
        validate_bundles(0, channels=-1, rule=BUNDLES)


@pytest.mark.parametrize(
    ("cooldown", "on", "possible_from"),
    [
        (Days(1), date(2026, 1, 5), date(2026, 1, 6)),
        (Days(1), date(2026, 1, 4), date(2026, 1, 6)),
        (Days(7), date(2026, 1, 11), date(2026, 1, 12)),
        (Months(1), date(2026, 2, 4), date(2026, 2, 5)),
    ],
)
def test_check_change_names_the_first_day_on_which_a_change_is_possible(
    cooldown, on, possible_from
):
    """A change within the cooldown after the last change is refused (H15)."""
    rule = ChangeRule(cooldown)
    check_change(JAN_5, on=possible_from, rule=rule)

    with pytest.raises(ChangedTooSoon) as caught:
        check_change(JAN_5, on=on, rule=rule)

    assert (JAN_5, on, possible_from) == (
        caught.value.last_changed_on,
        caught.value.on,
        caught.value.possible_from,
    )


@pytest.mark.parametrize(
    ("last_changed_on", "rule"),
    [(None, DAILY), (JAN_5, ChangeRule(None)), (None, ChangeRule(None))],
    ids=str,
)
def test_check_change_allows_a_first_change_and_any_change_without_a_cooldown(
    last_changed_on, rule
):
    """A profile without an earlier change never waits, nor does one without a cooldown (F 4.1)."""
    check_change(last_changed_on, on=JAN_5, rule=rule)


@pytest.mark.parametrize("value", [INSTANT, "2026-01-05", 5], ids=repr)
@pytest.mark.parametrize("rule", [DAILY, ChangeRule(None)], ids=str)
@pytest.mark.parametrize("parameter", ["last_changed_on", "on"])
def test_check_change_refuses_values_that_are_not_dates(parameter, rule, value):
    """The error names the parameter, even if the rule has no cooldown."""
    arguments = {"last_changed_on": JAN_5, "on": date(2026, 1, 7)} | {parameter: value}

    with pytest.raises(WrongType, match=rf"^{parameter} must be a date[ ,]"):
        check_change(**arguments, rule=rule)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Step(100, 10), "above 100, multiples of 10"),
        (TermRule(Days(30)), "a term of 30 days"),
        (TermRule(Months(1)), "a term of 1 month"),
        (
            BundleRule("pack", 100, ("GB",), None, timedelta(hours=12), ("9", "09"), "44"),
            "pack: 100 minutes to GB, any number of bundles; at most 12:00:00 of a call; "
            "not to numbers with 9, 09 after +44",
        ),
        (
            BundleRule("pack", 100, ("US",), excluded_prefixes=tuple(map(str, range(200, 213)))),
            "pack: 100 minutes to US, at most 1 for each channel; "
            "not to numbers with 13 prefixes after +1",
        ),
        (ChangeRule(), "the next change 1 day after a change; restart with a refund"),
        (ChangeRule(None), "a change at any time; restart with a refund"),
        (CallRule(), "at least 30 s, then steps of 6 s, charges rounded half up"),
        (
            CallRule(may_overdraw=False),
            "at least 30 s, then steps of 6 s, charges rounded half up; "
            "a call without credit is refused",
        ),
        (
            CallRule(barred_numbers=("112", "911")),
            "at least 30 s, then steps of 6 s, charges rounded half up; no calls to 112, 911",
        ),
        (
            CallRule(timedelta(0), timedelta(seconds=1)),
            "at least 0 s, then steps of 1 s, charges rounded half up",
        ),
        (
            CallRule(timedelta(seconds=1), timedelta(milliseconds=100)),
            "at least 1 s, then steps of 0.1 s, charges rounded half up",
        ),
        (Notice("c", "No emergency calls.", "H21"), "No emergency calls."),
        (
            RefundRule(),
            "refund of channels by time, of bundles by time; "
            "the day of the change counts as unused; rounded half up",
        ),
        (
            RefundRule(bundles=RefundBasis.SMALLER, change_day_used=True, rounding=Rounding.DOWN),
            "refund of channels by time, of bundles by the smaller of time and minutes; "
            "the day of the change counts as used; rounded down",
        ),
    ],
    ids=str,
)
def test_str_of_a_rule_describes_it(value, expected):
    """The text of each rule is a sentence for a person."""
    assert expected == str(value)


@pytest.mark.parametrize(
    ("make_rule", "parameter"),
    [
        (lambda: CallRule(minimum=timedelta(seconds=-1)), "minimum"),
        (lambda: CallRule(step=timedelta(0)), "step"),
        (lambda: CallRule(step=timedelta(seconds=-6)), "step"),
        (lambda: ChangeRule(more=ChangeEffect.CHARGE_FULL, fewer=ChangeEffect.RESTART), "fewer"),
        (lambda: ChangeRule(more=ChangeEffect.CHARGE_FULL, fewer=ChangeEffect.PRORATE), "fewer"),
        (lambda: ChangeRule(other_offer=ChangeEffect.PRORATE), "other_offer"),
        (lambda: ChangeRule(other_offer=ChangeEffect.CHARGE_FULL), "other_offer"),
        (lambda: ChangeRule(other_offer=ChangeEffect.NO_CHARGE), "other_offer"),
        (lambda: Notice("", "text", "H21"), "code"),
        (lambda: Notice("code", "two\nlines", "H21"), "text"),
    ],
)
def test_rules_refuse_invalid_values(make_rule, parameter):
    """The error names the field that is invalid."""
    with pytest.raises(InvalidValue) as caught:
        make_rule()

    assert parameter == caught.value.parameter


@pytest.mark.parametrize(
    ("rule_class", "field", "value", "expected"),
    [
        (QuantityRule, "rounding", "down", "a Rounding, not 'down' (str)"),
        (TermRule, "length", 30, "a Days or a Months, not 30 (int)"),
        (TermRule, "length", None, "a Days or a Months, not None (NoneType)"),
        (ChangeRule, "cooldown", 1, "a Days or a Months, not 1 (int)"),
        (CallRule, "minimum", 30, "a timedelta, not 30 (int)"),
        (CallRule, "rounding", "up", "a Rounding, not 'up' (str)"),
        (RefundRule, "bundles", "minutes", "a RefundBasis, not 'minutes' (str)"),
        (RefundRule, "change_day_used", 1, "a bool, not 1 (int)"),
        (Notice, "text", None, "text (str), not None (NoneType)"),
    ],
)
def test_rules_refuse_wrong_types(rule_class, field, value, expected):
    """The error names the field, the wrong value, and the type that the field needs."""
    required_fields: dict[object, dict[str, object]] = {
        QuantityRule: {"minimum": 1, "maximum": 2},
        Notice: {"code": "c", "source": "s"},
    }

    with pytest.raises(WrongType) as caught:
        rule_class(**required_fields.get(rule_class, {}), **{field: value})

    assert f"{field} must be {expected}" == str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        Step(1, 1),
        RULE,
        Quantity(105, RULE),
        BUNDLES,
        TermRule(Days(30)),
        DAILY,
        RefundRule(),
        CallRule(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_rules_can_be_pickled_and_hashed(value):
    """A pickled copy equals its rule and has the same hash."""
    assert {value} == {value, pickle.loads(pickle.dumps(value))}


def test_html_of_bundle_rule_escapes_its_name():
    """A script in the name of a bundle is shown as text in a notebook."""
    rule = BundleRule("<script>alert(1)</script>", 1, ("US",))

    assert "&lt;script&gt;" in rule._repr_html_()
    assert "<script" not in rule._repr_html_()


@pytest.mark.parametrize(
    ("billing_day", "on", "anchor", "renewals"),
    [
        (1, "2026-01-05", "2026-01-01", ["2026-02-01", "2026-03-01", "2026-04-01"]),
        (1, "2026-01-01", "2026-01-01", ["2026-02-01", "2026-03-01", "2026-04-01"]),
        (15, "2026-01-05", "2025-12-15", ["2026-01-15", "2026-02-15", "2026-03-15"]),
        (15, "2026-01-15", "2026-01-15", ["2026-02-15", "2026-03-15", "2026-04-15"]),
        (31, "2026-01-30", "2025-12-31", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (31, "2026-02-28", "2026-02-28", ["2026-03-31", "2026-04-30", "2026-05-31"]),
        (30, "2028-02-29", "2028-02-29", ["2028-03-30", "2028-04-30", "2028-05-30"]),
    ],
)
def test_billing_day_aligns_terms_to_a_day_of_the_month(billing_day, on, anchor, renewals):
    """A shorter month ends a term on its last day, and the next month restores the billing day."""
    rule, day = TermRule(Months(1), billing_day=billing_day), date.fromisoformat(on)

    assert anchor == str(rule.anchor(day))
    assert renewals == [str(renewal) for renewal in islice(rule.renewals(day), 3)]
    assert (day, date.fromisoformat(renewals[0])) == (rule.first(day).start, rule.first(day).end)


def test_billing_day_with_terms_of_several_months_counts_from_the_first_one():
    """A quarter that begins on a billing day ends three billing days later."""
    rule = TermRule(Months(3), billing_day=31)
    renewals = islice(rule.renewals(date(2026, 1, 5)), 3)

    assert ["2026-03-31", "2026-06-30", "2026-09-30"] == [str(day) for day in renewals]


@pytest.mark.parametrize("billing_day", [0, 32, -1])
def test_billing_day_is_a_day_of_the_month(billing_day):
    """The error names the bounds."""
    with pytest.raises(InvalidValue, match=r"^billing_day must be at least 1 and at most 31, not"):
        TermRule(Months(1), billing_day=billing_day)


def test_billing_day_before_the_calendar_is_refused():
    """The term of 10 January of the year 1 would begin in the year before."""
    with pytest.raises(CalendarEnds, match="would not fit the calendar"):
        TermRule(Months(1), billing_day=15).anchor(date(1, 1, 10))


def test_renewals_without_a_billing_day_count_from_the_purchase():
    """Terms of 30 days renew every 30 days (H8)."""
    renewals = islice(TermRule(Days(30)).renewals(date(2026, 1, 5)), 2)

    assert ["2026-02-04", "2026-03-06"] == [str(day) for day in renewals]


def test_number_of_the_last_term_of_the_calendar_is_computed():
    """The term that contains a day near the calendar's end may itself end after the calendar."""
    rule = TermRule(Months(7))

    assert 0 == rule.number_ending(date(9999, 6, 1), date(9999, 12, 31))
