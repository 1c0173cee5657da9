"""Laws of the calendar.

1. A term has as many days as lie in it, and each day of it leaves one day less.
2. What is unused and what is used of a term make one, and later days never leave more.
3. Terms on one grid tile: each starts where the last ended, the first at the anchor.
4. Terms of days have just so many days.
5. Terms of months begin on the anchor's day of the month, or on the last day of a shorter month.
6. Renewals are the ends of the terms, one after the other, each later than the last.
7. The civil day of an instant does not depend on how the instant was written, and read back as
   a wall clock's time in its zone it is the same instant.
8. Days of one zone never go back as instants go on.
"""

import calendar
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from channelplans.calendar import Days, Months, civil_date, days_after, renewal_dates, term_at
from channelplans.testing.strategies import days, lengths, terms

ZONES = [
    *map(ZoneInfo, ["Europe/Warsaw", "Pacific/Apia", "Pacific/Kiritimati", "America/Sao_Paulo"]),
    *map(ZoneInfo, ["Pacific/Pago_Pago", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
    UTC,
    timezone(timedelta(hours=-23, minutes=-59)),
    timezone(timedelta(hours=14)),
]


def instants():
    """Aware instants of a hundred and fifty years, written in any zone."""
    seconds = st.integers(-70 * 365 * 86400, 80 * 365 * 86400)
    return st.builds(datetime.fromtimestamp, seconds, st.sampled_from(ZONES))


@given(terms())
def test_a_term_holds_its_days(term):
    """Law 1."""
    around = [term.start + timedelta(days=count) for count in range(-2, term.days + 2)]
    inside = [day for day in around if day in term]

    assert around[2:-2] == inside
    assert list(range(term.days, 0, -1)) == [term.remaining(day) for day in inside]


@given(terms(), days(), st.integers(0, 800))
def test_unused_and_used_make_one(term, day, later):
    """Law 2."""
    used = sum(1 for count in range(term.days) if term.start + timedelta(days=count) < day)

    assert term.unused(day) + Fraction(used, term.days) == 1
    assert term.remaining(day + timedelta(days=later)) <= term.remaining(day)


@given(days(), lengths(), st.integers(0, 300))
def test_terms_tile(anchor, length, number):
    """Law 3."""
    assert term_at(anchor, length, number).end == term_at(anchor, length, number + 1).start
    assert anchor == term_at(anchor, length, 0).start
    assert days_after(anchor, length) == term_at(anchor, length, 0).end


@given(days(), st.integers(1, 400), st.integers(0, 300))
def test_terms_of_days_have_so_many(anchor, count, number):
    """Law 4."""
    assert count == term_at(anchor, Days(count), number).days


@given(days(), st.integers(1, 36), st.integers(0, 300))
@example(date(2028, 2, 29), 12, 4)
def test_terms_of_months_keep_the_anchors_day(anchor, count, number):
    """Law 5."""
    months = anchor.year * 12 + anchor.month - 1 + count * number
    year, month = months // 12, months % 12 + 1
    last = calendar.monthrange(year, month)[1]

    expected = date(year, month, min(anchor.day, last))
    assert expected == term_at(anchor, Months(count), number).start


@given(days(), lengths(), st.integers(1, 40))
def test_renewals_are_the_ends_of_terms(anchor, length, count):
    """Law 6."""
    renewals = list(islice(renewal_dates(anchor, length), count))

    assert [term_at(anchor, length, number).end for number in range(count)] == renewals
    assert sorted({anchor, *renewals}) == [anchor, *renewals]


@given(instants(), st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_the_day_does_not_depend_on_the_writing(instant, written, zone):
    """Law 7."""
    day = civil_date(instant, zone)
    wall = instant.astimezone(zone)

    assert day == civil_date(instant.astimezone(written), zone)
    assert (day.year, day.month, day.day) == (wall.year, wall.month, wall.day)
    assert abs(day - instant.astimezone(UTC).date()) <= timedelta(days=1)


@given(instants(), st.timedeltas(timedelta(0), timedelta(days=3)), st.sampled_from(ZONES))
def test_days_never_go_back(instant, later, zone):
    """Law 8."""
    after = (instant.astimezone(UTC) + later).astimezone(instant.tzinfo)

    assert civil_date(instant, zone) <= civil_date(after, zone)
