"""Terms are half-open, computed from their anchor, and days come from instants through one door."""

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
NO_DAYS = [datetime(2026, 1, 5, tzinfo=UTC), "2026-01-05", None, np.datetime64("2026-01-05")]


class Timestamp(datetime):
    """What pandas makes of an instant: a datetime of its own kind."""


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
def test_lengths_say_what_they_are(length, expected):
    """A length reads as a person would say it."""
    assert expected == str(length)


def test_thirty_days_are_no_month():
    """Lengths of different kinds are different values, even where they agree."""
    lengths: set[Days | Months] = {Days(1), Months(1), Days(1)}

    assert 2 == len(lengths)


@pytest.mark.parametrize("length", [Days, Months])
@pytest.mark.parametrize("count", [0, -1])
def test_a_length_of_nothing_is_refused(length, count):
    """A term has at least a day."""
    with pytest.raises(InvalidValue, match=rf"^count must be at least 1, not {count}"):
        length(count)


@pytest.mark.parametrize("length", [Days, Months])
@pytest.mark.parametrize("count", [True, 30.0, "30", None, timedelta(30)])
def test_a_length_is_a_whole_number(length, count):
    """A length counts whole days or months."""
    with pytest.raises(WrongType, match=r"^count must be a whole number"):
        length(count)


def test_a_term_is_half_open():
    """The first day belongs to a term, the end does not (H8: 30 days from the day of purchase)."""
    around = days("2026-01-04", "2026-01-05", "2026-02-03", "2026-02-04")

    assert 30 == TERM.days
    assert [False, True, True, False] == [day in TERM for day in around]
    assert "2026-01-05 to 2026-02-04" == str(TERM)


@pytest.mark.parametrize("end", days("2026-01-05", "2026-01-04", "0001-01-01"))
def test_a_term_without_days_is_refused(end):
    """The end lies after the start."""
    with pytest.raises(InvalidValue, match=rf"^end must be after the start, 2026-01-05, not {end}"):
        Term(JAN_5, end)


@pytest.mark.parametrize("value", [*NO_DAYS, Timestamp(2026, 1, 5)], ids=repr)
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
def test_only_days_are_days(parameter, call, value):
    """A datetime, also one of pandas' kind, is refused wherever a day belongs, by its name."""
    with pytest.raises(WrongType, match=rf"^{parameter} must be a date "):
        call(value)


@pytest.mark.parametrize(
    ("on", "left", "unused"),
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
def test_what_is_left_of_a_term_counts_the_day_itself(on, left, unused):
    """The day of a change is not used, so that on the first day everything is left (F 4.3)."""
    day = date.fromisoformat(on)

    assert (left, unused) == (TERM.remaining(day), TERM.unused(day))


@pytest.mark.parametrize(
    ("number", "start", "end"),
    [
        (0, "2026-01-05", "2026-02-04"),
        (1, "2026-02-04", "2026-03-06"),
        (np.int64(1), "2026-02-04", "2026-03-06"),
        # 200 terms are 6000 days; 16 years from 2026 have 5844, and 156 more reach 10 June 2042.
        (np.uint8(200), "2042-06-10", "2042-07-10"),
        # 1000 terms are 30,000 days: 82 years with 19 leap days (2100 has none) have 29,949.
        (1000, "2108-02-25", "2108-03-26"),
    ],
    ids=repr,
)
def test_terms_of_days(number, start, end):
    """The n-th term of 30 days begins 30 n days after the anchor (H8)."""
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
def test_renewals_do_not_drift(anchor, length, expected):
    """A short month does not shorten those after it: each renewal is computed from the anchor."""
    renewals = list(islice(renewal_dates(date.fromisoformat(anchor), length), 4))

    assert days(*expected) == renewals
    assert renewals[0] == days_after(date.fromisoformat(anchor), length)


def test_terms_of_months_tile_across_short_months():
    """The term that begins on 28 February ends on 31 March, for an anchor on the 31st."""
    anchor = date(2026, 1, 31)

    assert [Term(*days("2026-01-31", "2026-02-28")), Term(*days("2026-02-28", "2026-03-31"))] == [
        term_at(anchor, Months(1), number) for number in (0, 1)
    ]


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
        ("2026-01-05", Days(10**9), []),
        ("2026-01-05", Months(10**9), []),
    ],
    ids=str,
)
def test_renewals_end_with_the_calendar(anchor, length, expected):
    """The last renewal is the last that a date can hold; then the iterator is at its end."""
    assert days(*expected) == list(renewal_dates(date.fromisoformat(anchor), length))


@pytest.mark.parametrize(
    ("anchor", "length", "number"),
    [
        ("9999-12-02", Days(30), 0),
        ("9999-12-01", Months(1), 0),
        ("9999-11-01", Days(30), 2),
        ("2026-01-05", Days(30), 10**6),
        ("2026-01-05", Days(30), 10**30),
        ("2026-01-05", Months(1), 10**30),
        ("2026-01-05", Months(10**39), 0),
        ("2026-01-05", Days(10**39), 0),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_term_beyond_the_calendar_is_refused(anchor, length, number):
    """A term that would end after the year 9999 has an error that names the calendar's end."""
    with pytest.raises(CalendarEnds, match="ends on 9999-12-31") as caught:
        term_at(date.fromisoformat(anchor), length, number)

    assert (date.fromisoformat(anchor), number) == (caught.value.anchor, caught.value.number)
    assert str(length) == caught.value.length


@pytest.mark.parametrize("length", [Days, Months])
def test_a_length_too_long_to_print_is_refused_too(length):
    """A length of thousands of digits is refused with a sentence, at the latest by the calendar."""
    with pytest.raises((InvalidValue, CalendarEnds)) as caught:
        term_at(JAN_5, length(10**5000), 0)

    assert str(caught.value)


@pytest.mark.parametrize("length", [30, timedelta(30), "30 days", None, Days])
@pytest.mark.parametrize(
    "call",
    [lambda length: term_at(JAN_5, length, 0), lambda length: renewal_dates(JAN_5, length)],
    ids=["term_at", "renewal_dates"],
)
def test_a_length_says_what_it_counts(call, length):
    """A bare number is no length, and the error says so at once."""
    with pytest.raises(WrongType, match=r"^length must be Days\(n\) or Months\(n\), not "):
        call(length)


def test_a_term_before_the_first_is_refused():
    """Terms are counted from 0."""
    with pytest.raises(InvalidValue, match=r"^number must be at least 0, not -1"):
        term_at(JAN_5, Days(30), -1)


@pytest.mark.parametrize("number", [True, 1.0, "1", None])
def test_the_number_of_a_term_is_whole(number):
    """There is no term one and a half."""
    with pytest.raises(WrongType, match=r"^number must be a whole number"):
        term_at(JAN_5, Days(30), number)


# Offsets by hand: Warsaw +1 and +2, Apia -10 and then +14, Kiritimati +14, Pago Pago -11,
# Sao Paulo -3 and then -2 at midnight, which so does not exist.
INSTANTS = [
    ("2026-01-05T22:59:59", "Europe/Warsaw", "2026-01-05"),
    ("2026-01-05T23:00:00", "Europe/Warsaw", "2026-01-06"),
    # 29 March 2026 has 23 hours.
    ("2026-03-28T22:59:59", "Europe/Warsaw", "2026-03-28"),
    ("2026-03-28T23:00:00", "Europe/Warsaw", "2026-03-29"),
    ("2026-03-29T21:59:59", "Europe/Warsaw", "2026-03-29"),
    ("2026-03-29T22:00:00", "Europe/Warsaw", "2026-03-30"),
    # 25 October 2026 has 25 hours.
    ("2026-10-24T21:59:59", "Europe/Warsaw", "2026-10-24"),
    ("2026-10-24T22:00:00", "Europe/Warsaw", "2026-10-25"),
    ("2026-10-25T22:59:59", "Europe/Warsaw", "2026-10-25"),
    ("2026-10-25T23:00:00", "Europe/Warsaw", "2026-10-26"),
    # Samoa had no 30 December 2011.
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
@pytest.mark.parametrize("seen_from", [UTC, timezone(timedelta(hours=-12))], ids=["UTC", "-12"])
def test_an_instant_falls_on_the_zones_day(instant, zone, day, seen_from):
    """The day is that of the zone asked for, wherever the instant was written down."""
    found = civil_date(utc(instant).astimezone(seen_from), ZoneInfo(zone))

    assert (date.fromisoformat(day), date) == (found, type(found))


@pytest.mark.parametrize(("fold", "day"), [(0, "2026-10-25"), (1, "2026-10-25")])
def test_the_hour_that_happens_twice(fold, day):
    """Both halves of a repeated hour are the same day; in UTC they are an hour apart."""
    instant = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Warsaw"), fold=fold)

    assert date.fromisoformat(day) == civil_date(instant, ZoneInfo("Europe/Warsaw"))


def test_a_repeated_midnight_is_told_apart_by_its_fold():
    """Havana's 1 November 2026 repeats 00:00 to 01:00; in UTC-4:30 the two are two days."""
    zone = timezone(-timedelta(hours=4, minutes=30))
    folds = [
        datetime(2026, 11, 1, 0, 15, tzinfo=ZoneInfo("America/Havana"), fold=fold)
        for fold in (0, 1)
    ]

    # 00:15 is 04:15 UTC in summer time (-4), and 05:15 UTC an hour later (-5).
    assert days("2026-10-31", "2026-11-01") == [civil_date(each, zone) for each in folds]


def test_a_datetime_of_another_kind_is_an_instant():
    """pandas' Timestamp is a datetime, and its day a plain date."""
    assert date(2026, 1, 6) == civil_date(
        Timestamp(2026, 1, 5, 23, tzinfo=UTC), ZoneInfo("Europe/Warsaw")
    )


@pytest.mark.parametrize("instant", [Timestamp(2026, 1, 5), utc("2026-01-05").replace(tzinfo=None)])
def test_naive_instants_are_refused(instant):
    """Without its zone nobody knows what instant it is."""
    with pytest.raises(InvalidValue, match=r"^instant must be aware: give the datetime its tzinfo"):
        civil_date(instant, UTC)


@pytest.mark.parametrize("instant", [JAN_5, "2026-01-05T00:00:00Z", 1767571200, None])
def test_what_is_no_instant_is_refused(instant):
    """A day has no time, and text is not parsed."""
    with pytest.raises(WrongType, match=r"^instant must be a datetime, not "):
        civil_date(instant, UTC)


@pytest.mark.parametrize("zone", ["Europe/Warsaw", None, timedelta(hours=1), 1])
def test_the_zone_is_always_named(zone):
    """A zone is a tzinfo; its name would have to be looked up, and there is no default."""
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
def test_a_day_outside_the_calendar_is_refused(instant, zone):
    """An instant whose day in the zone no date can hold is refused, not wrapped."""
    with pytest.raises(InvalidValue, match=r"^instant must be within the calendar in that zone"):
        civil_date(utc(instant), ZoneInfo(zone))


def test_the_last_day_of_the_calendar():
    """The last instant that fits is still told its day."""
    assert date.max == civil_date(utc("9999-12-31T09:59:59"), ZoneInfo("Pacific/Kiritimati"))


@pytest.mark.parametrize("value", [Days(30), Months(1), TERM])
def test_values_pickle_and_hash(value):
    """Lengths and terms go to another process and back, and may be keys."""
    again = pickle.loads(pickle.dumps(value))

    assert {value} == {value, again}
