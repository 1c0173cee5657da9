"""Lengths, half-open terms, renewal dates and the civil day of an instant."""

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import islice
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from channelplans.calendar import Days, Months, Term, civil_date, days_after, renewal_dates, term_at
from channelplans.errors import CalendarEnds, InvalidValue, WrongType

JAN_5 = date(2026, 1, 5)
TERM = Term(JAN_5, date(2026, 2, 4))
NOT_DATES = [datetime(2026, 1, 5, tzinfo=UTC), "2026-01-05", None, np.datetime64("2026-01-05")]


class Timestamp(datetime):
    """A subclass of datetime, as pandas has one."""


def days(*texts):
    """Return dates for ISO texts."""
    return list(map(date.fromisoformat, texts))


def utc(text):
    """Return an instant for an ISO text in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(Days(1), "1 day"), (Days(30), "30 days"), (Months(1), "1 month"), (Months(12), "12 months")],
)
def test_length_shows_its_count_and_unit(length, expected):
    """The text of a length is a number of days or months, in the singular for 1."""
    assert expected == str(length)


def test_days_and_months_of_equal_count_differ():
    """One day and one month are two different lengths."""
    lengths: set[Days | Months] = {Days(1), Months(1), Days(1)}

    assert 2 == len(lengths)


@pytest.mark.parametrize("length", [Days, Months])
@pytest.mark.parametrize("count", [0, -1])
def test_length_refuses_a_count_below_1(length, count):
    """A length is at least one day or one month."""
    with pytest.raises(
        InvalidValue, match=rf"^count must be at least 1 and at most .*, not {count}"
    ):
        length(count)


@pytest.mark.parametrize("length", [Days, Months])
@pytest.mark.parametrize("count", [True, 30.0, "30", None, timedelta(30)])
def test_length_refuses_a_count_of_a_wrong_type(length, count):
    """A length counts whole days or months."""
    with pytest.raises(WrongType, match=r"^count must be a whole number"):
        length(count)


def test_term_is_half_open():
    """A term includes its start and excludes its end (H8: 30 days from the day of purchase)."""
    tested_days = days("2026-01-04", "2026-01-05", "2026-02-03", "2026-02-04")

    assert 30 == TERM.days
    assert [False, True, True, False] == [day in TERM for day in tested_days]
    assert "2026-01-05 to 2026-02-04" == str(TERM)


@pytest.mark.parametrize("end", days("2026-01-05", "2026-01-04", "0001-01-01"))
def test_term_refuses_an_end_on_or_before_its_start(end):
    """A term has at least one day, so its end is later than its start."""
    with pytest.raises(InvalidValue, match=rf"^end must be after the start, 2026-01-05, not {end}"):
        Term(JAN_5, end)


@pytest.mark.parametrize("value", [*NOT_DATES, Timestamp(2026, 1, 5)], ids=repr)
@pytest.mark.parametrize(
    ("parameter", "call"),
    [
        ("start", lambda value: Term(value, date(2026, 2, 4))),
        ("end", lambda value: Term(JAN_5, value)),
        ("day", lambda value: value in TERM),
        ("on", TERM.remaining),
        ("on", TERM.unused),
        ("anchor", lambda value: term_at(value, Days(30), 0)),
        ("anchor", lambda value: term_at(value, Months(1), 0)),
        ("anchor", lambda value: renewal_dates(value, Days(30))),
        ("anchor", lambda value: days_after(value, Days(30))),
    ],
    ids=["start", "end", "in", "remaining", "unused", "days", "months", "renewals", "after"],
)
def test_calendar_refuses_values_that_are_not_dates(parameter, call, value):
    """Every function refuses a datetime or text as a date, and the error names the parameter."""
    with pytest.raises(WrongType, match=rf"^{parameter} must be a date[ ,]"):
        call(value)


@pytest.mark.parametrize(
    ("on", "remaining_days", "unused_part"),
    [
        ("2025-12-31", 30, Fraction(1)),
        ("2026-01-05", 30, Fraction(1)),
        ("2026-01-06", 29, Fraction(29, 30)),
        ("2026-01-15", 20, Fraction(2, 3)),
        ("2026-02-03", 1, Fraction(1, 30)),
        ("2026-02-04", 0, Fraction(0)),
        ("9999-12-31", 0, Fraction(0)),
    ],
)
def test_remaining_days_include_the_day_itself(on, remaining_days, unused_part):
    """The day of a change counts as unused, so the whole term is unused on day one (F 4.3)."""
    day = date.fromisoformat(on)

    assert (remaining_days, unused_part) == (TERM.remaining(day), TERM.unused(day))


@pytest.mark.parametrize(
    ("number", "start", "end"),
    [
        (0, "2026-01-05", "2026-02-04"),
        (1, "2026-02-04", "2026-03-06"),
        (np.int64(1), "2026-02-04", "2026-03-06"),
        # 200 terms are 6000 days. 5844 days reach 5 January 2042; 156 more reach 10 June 2042.
        (np.uint8(200), "2042-06-10", "2042-07-10"),
        # 1000 terms are 30,000 days. 29,949 days, with 19 leap days (2100 has none), reach
        # 5 January 2108; 51 more reach 25 February 2108.
        (1000, "2108-02-25", "2108-03-26"),
    ],
    ids=repr,
)
def test_term_at_counts_days_from_the_anchor(number, start, end):
    """Term number n of 30 days starts n times 30 days after the anchor (H8)."""
    assert Term(*days(start, end)) == term_at(JAN_5, Days(30), number)


@pytest.mark.parametrize(
    ("anchor", "length", "expected"),
    [
        ("2026-01-29", Months(1), ["2026-02-28", "2026-03-29", "2026-04-29", "2026-05-29"]),
        ("2026-01-30", Months(1), ["2026-02-28", "2026-03-30", "2026-04-30", "2026-05-30"]),
        ("2026-01-31", Months(1), ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2028-01-31", Months(1), ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]),
        ("2026-02-28", Months(1), ["2026-03-28", "2026-04-28", "2026-05-28", "2026-06-28"]),
        ("2026-11-30", Months(3), ["2027-02-28", "2027-05-30", "2027-08-30", "2027-11-30"]),
        ("2028-02-29", Months(12), ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("2026-12-31", Days(30), ["2027-01-30", "2027-03-01", "2027-03-31", "2027-04-30"]),
    ],
    ids=str,
)
def test_renewal_dates_do_not_drift_after_a_short_month(anchor, length, expected):
    """Each renewal date is computed from the anchor, so a short month changes no later date."""
    renewals = list(islice(renewal_dates(date.fromisoformat(anchor), length), 4))

    assert days(*expected) == renewals
    assert renewals[0] == days_after(date.fromisoformat(anchor), length)


def test_term_at_leaves_no_gap_after_a_short_month():
    """With an anchor on the 31st, the term that starts on 28 February ends on 31 March."""
    terms = [term_at(date(2026, 1, 31), Months(1), number) for number in (0, 1)]

    assert [
        Term(*days("2026-01-31", "2026-02-28")),
        Term(*days("2026-02-28", "2026-03-31")),
    ] == terms


@pytest.mark.parametrize(
    ("anchor", "length", "expected"),
    [
        ("9999-11-01", Days(30), ["9999-12-01", "9999-12-31"]),
        ("9999-11-02", Days(30), ["9999-12-02"]),
        ("9999-12-31", Days(1), []),
        ("9999-12-30", Days(1), ["9999-12-31"]),
        ("9999-10-31", Months(1), ["9999-11-30", "9999-12-31"]),
        ("9999-12-01", Months(1), []),
        ("9998-12-31", Months(12), ["9999-12-31"]),
        ("2026-01-05", Days(3_652_058), []),
        ("2026-01-05", Months(119_987), []),
    ],
    ids=str,
)
def test_renewal_dates_end_with_the_calendar(anchor, length, expected):
    """The iterator stops before the first renewal date that would be after 9999-12-31."""
    assert days(*expected) == list(renewal_dates(date.fromisoformat(anchor), length))


@pytest.mark.parametrize(
    ("anchor", "length", "number"),
    [
        ("9999-12-02", Days(30), 0),
        ("9999-12-01", Months(1), 0),
        ("9999-11-01", Days(30), 2),
        ("2026-01-05", Days(30), 10**6),
        ("2026-01-05", Days(30), 10**17),
        ("2026-01-05", Months(1), 10**17),
    ],
    ids=lambda value: str(value)[:20],
)
def test_term_at_refuses_a_term_that_ends_after_the_calendar(anchor, length, number):
    """A term that would end after the year 9999 is refused; the error names the last day."""
    with pytest.raises(CalendarEnds, match=r"the days from 0001-01-01 to 9999-12-31") as caught:
        term_at(date.fromisoformat(anchor), length, number)

    assert (date.fromisoformat(anchor), number) == (caught.value.anchor, caught.value.number)
    assert str(length) == caught.value.length


@pytest.mark.parametrize("length", [Days, Months])
def test_length_of_5000_digits_is_refused(length):
    """A count too long to print is refused with an error that can be printed."""
    with pytest.raises(InvalidValue, match=r"^count must be a whole number of at most 18 digits"):
        length(10**5000)


@pytest.mark.parametrize("length", [30, timedelta(30), "30 days", None, Days])
@pytest.mark.parametrize(
    "call",
    [lambda length: term_at(JAN_5, length, 0), lambda length: renewal_dates(JAN_5, length)],
    ids=["term_at", "renewal_dates"],
)
def test_calendar_refuses_lengths_of_wrong_types(call, length):
    """A length is Days or Months. ``renewal_dates`` checks the length before it is iterated."""
    with pytest.raises(WrongType, match=r"^length must be Days\(n\) or Months\(n\), not "):
        call(length)


def test_term_at_refuses_a_number_below_0():
    """Terms are counted from 0."""
    with pytest.raises(InvalidValue, match=r"^number must be at least 0, not -1"):
        term_at(JAN_5, Days(30), -1)


@pytest.mark.parametrize("number", [True, 1.0, "1", None])
def test_term_at_refuses_a_number_of_a_wrong_type(number):
    """The number of a term is a whole number."""
    with pytest.raises(WrongType, match=r"^number must be a whole number"):
        term_at(JAN_5, Days(30), number)


# The days are computed by hand from these offsets. Warsaw: +1 in winter, +2 in summer. Apia: -10,
# then +14. Kiritimati: +14. Pago Pago: -11. Sao Paulo: -3, then -2; its clocks skipped midnight.
INSTANTS = [
    ("2026-01-05T22:59:59", "Europe/Warsaw", "2026-01-05"),
    ("2026-01-05T23:00:00", "Europe/Warsaw", "2026-01-06"),
    # 29 March 2026 has 23 hours in Warsaw.
    ("2026-03-28T22:59:59", "Europe/Warsaw", "2026-03-28"),
    ("2026-03-28T23:00:00", "Europe/Warsaw", "2026-03-29"),
    ("2026-03-29T21:59:59", "Europe/Warsaw", "2026-03-29"),
    ("2026-03-29T22:00:00", "Europe/Warsaw", "2026-03-30"),
    # 25 October 2026 has 25 hours in Warsaw.
    ("2026-10-24T21:59:59", "Europe/Warsaw", "2026-10-24"),
    ("2026-10-24T22:00:00", "Europe/Warsaw", "2026-10-25"),
    ("2026-10-25T22:59:59", "Europe/Warsaw", "2026-10-25"),
    ("2026-10-25T23:00:00", "Europe/Warsaw", "2026-10-26"),
    # Samoa skipped 30 December 2011.
    ("2011-12-30T09:59:59", "Pacific/Apia", "2011-12-29"),
    ("2011-12-30T10:00:00", "Pacific/Apia", "2011-12-31"),
    ("2026-01-05T09:59:59", "Pacific/Kiritimati", "2026-01-05"),
    ("2026-01-05T10:00:00", "Pacific/Kiritimati", "2026-01-06"),
    ("2026-01-05T10:59:59", "Pacific/Pago_Pago", "2026-01-04"),
    ("2026-01-05T11:00:00", "Pacific/Pago_Pago", "2026-01-05"),
    ("2018-11-04T02:59:59", "America/Sao_Paulo", "2018-11-03"),
    ("2018-11-04T03:00:00", "America/Sao_Paulo", "2018-11-04"),
]


@pytest.mark.parametrize(("instant", "zone", "day"), INSTANTS)
@pytest.mark.parametrize("written_in", [UTC, timezone(timedelta(hours=-12))], ids=["UTC", "-12"])
def test_civil_date_is_the_day_in_the_zone(instant, zone, day, written_in):
    """The day depends on the zone that is passed, not on the zone of the instant."""
    civil_day = civil_date(utc(instant).astimezone(written_in), ZoneInfo(zone))

    assert (date.fromisoformat(day), date) == (civil_day, type(civil_day))


@pytest.mark.parametrize(("fold", "day"), [(0, "2026-10-25"), (1, "2026-10-25")])
def test_civil_date_of_a_repeated_hour(fold, day):
    """Both passes through a repeated hour fall on the same day in their own zone."""
    instant = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Warsaw"), fold=fold)

    assert date.fromisoformat(day) == civil_date(instant, ZoneInfo("Europe/Warsaw"))


def test_civil_date_reads_the_fold_of_a_repeated_hour():
    """Havana repeats an hour on 1 November 2026; in UTC-4:30 its passes fall on two days."""
    zone = timezone(-timedelta(hours=4, minutes=30))
    instants = [
        datetime(2026, 11, 1, 0, 15, tzinfo=ZoneInfo("America/Havana"), fold=fold)
        for fold in (0, 1)
    ]

    # 00:15 is 04:15 UTC in summer time (-4). An hour later, 00:15 is 05:15 UTC (-5).
    assert days("2026-10-31", "2026-11-01") == [civil_date(instant, zone) for instant in instants]


def test_civil_date_accepts_a_subclass_of_datetime():
    """A subclass of datetime, such as pandas' Timestamp, is an instant."""
    instant = Timestamp(2026, 1, 5, 23, tzinfo=UTC)

    assert date(2026, 1, 6) == civil_date(instant, ZoneInfo("Europe/Warsaw"))


@pytest.mark.parametrize("instant", [Timestamp(2026, 1, 5), utc("2026-01-05").replace(tzinfo=None)])
def test_civil_date_refuses_a_naive_datetime(instant):
    """A datetime without a time zone is refused, because it is not a known instant."""
    with pytest.raises(InvalidValue, match=r"^instant must be a datetime with a time zone"):
        civil_date(instant, UTC)


@pytest.mark.parametrize("instant", [JAN_5, "2026-01-05T00:00:00Z", 1767571200, None])
def test_civil_date_refuses_instants_of_wrong_types(instant):
    """A date, text and a number of seconds are refused as an instant."""
    with pytest.raises(WrongType, match=r"^instant must be a datetime with a time zone, such as "):
        civil_date(instant, UTC)


@pytest.mark.parametrize("zone", ["Europe/Warsaw", None, timedelta(hours=1), 1])
def test_civil_date_refuses_zones_of_wrong_types(zone):
    """A zone is a tzinfo, not its name, and there is no default zone."""
    with pytest.raises(WrongType, match=r"^zone must be a tzinfo, such as "):
        civil_date(datetime(2026, 1, 5, tzinfo=UTC), zone)


@pytest.mark.parametrize(
    ("instant", "zone"),
    [
        ("9999-12-31T23:59:59", "Pacific/Kiritimati"),
        ("9999-12-31T10:00:00", "Pacific/Kiritimati"),
        ("0001-01-01T00:00:00", "America/New_York"),
    ],
)
def test_civil_date_refuses_a_day_outside_the_calendar(instant, zone):
    """An instant is refused if its day in the zone is before year 1 or after year 9999."""
    with pytest.raises(InvalidValue, match=r"^instant must be within the calendar in that zone"):
        civil_date(utc(instant), ZoneInfo(zone))


def test_civil_date_reaches_the_last_day_of_the_calendar():
    """The last second of 9999-12-31 in Kiritimati still has a civil day."""
    assert date.max == civil_date(utc("9999-12-31T09:59:59"), ZoneInfo("Pacific/Kiritimati"))


@pytest.mark.parametrize("value", [Days(30), Months(1), TERM])
def test_lengths_and_terms_pickle_and_hash(value):
    """An unpickled length or term equals the original and has the same hash."""
    unpickled = pickle.loads(pickle.dumps(value))

    assert {value} == {value, unpickled}
