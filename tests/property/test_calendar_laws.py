"""Properties of terms, renewal dates and civil days."""

import calendar
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import example, given, strategies as st

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
    """Draw aware instants from a range of 150 years, in any zone."""
    seconds = st.integers(-70 * 365 * 86400, 80 * 365 * 86400)
    return st.builds(datetime.fromtimestamp, seconds, st.sampled_from(ZONES))


@given(terms())
def test_term_counts_down_its_days(term):
    """A term contains exactly its days, and each day leaves one remaining day less."""
    nearby = [term.start + timedelta(days=offset) for offset in range(-2, term.days + 2)]
    contained = [day for day in nearby if day in term]

    assert nearby[2:-2] == contained
    assert list(range(term.days, 0, -1)) == [term.remaining(day) for day in contained]


@given(terms(), days(), st.integers(0, 800))
def test_used_and_unused_shares_add_up_to_one(term, day, days_later):
    """The used and unused shares add up to 1, and a later day never leaves more days."""
    used = sum(1 for offset in range(term.days) if term.start + timedelta(days=offset) < day)

    assert term.unused(day) + Fraction(used, term.days) == 1
    assert term.remaining(day + timedelta(days=days_later)) <= term.remaining(day)


@given(days(), lengths(), st.integers(0, 300))
def test_consecutive_terms_have_no_gap(anchor, length, number):
    """The first term starts on the anchor, and each term starts where the last one ended."""
    assert term_at(anchor, length, number).end == term_at(anchor, length, number + 1).start
    assert anchor == term_at(anchor, length, 0).start
    assert days_after(anchor, length) == term_at(anchor, length, 0).end


@given(days(), st.integers(1, 400), st.integers(0, 300))
def test_term_of_n_days_has_n_days(anchor, count, number):
    """A term whose length is given in days has exactly that number of days."""
    assert count == term_at(anchor, Days(count), number).days


@given(days(), st.integers(1, 36), st.integers(0, 300))
@example(date(2028, 2, 29), 12, 4)
def test_term_of_months_starts_on_the_anchors_day(anchor, count, number):
    """A term of months starts on the anchor's day, or on the last day of a shorter month."""
    months = anchor.year * 12 + anchor.month - 1 + count * number
    year, month = months // 12, months % 12 + 1
    days_in_month = calendar.monthrange(year, month)[1]

    expected = date(year, month, min(anchor.day, days_in_month))
    assert expected == term_at(anchor, Months(count), number).start


@given(days(), lengths(), st.integers(1, 40))
def test_renewal_dates_are_the_ends_of_terms(anchor, length, count):
    """The renewal dates are the ends of the terms, in ascending order."""
    renewals = list(islice(renewal_dates(anchor, length), count))

    assert [term_at(anchor, length, number).end for number in range(count)] == renewals
    assert sorted({anchor, *renewals}) == [anchor, *renewals]


@given(instants(), st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_civil_date_ignores_the_zone_of_the_instant(instant, other_zone, zone):
    """The civil day is the wall clock's day in the zone, whatever zone the instant is in."""
    day = civil_date(instant, zone)
    wall_clock = instant.astimezone(zone)

    assert day == civil_date(instant.astimezone(other_zone), zone)
    assert (day.year, day.month, day.day) == (wall_clock.year, wall_clock.month, wall_clock.day)
    assert abs(day - instant.astimezone(UTC).date()) <= timedelta(days=1)


@given(instants(), st.timedeltas(timedelta(0), timedelta(days=3)), st.sampled_from(ZONES))
def test_civil_date_never_goes_backwards(instant, elapsed, zone):
    """In one zone, a later instant never has an earlier civil day."""
    later_instant = (instant.astimezone(UTC) + elapsed).astimezone(instant.tzinfo)

    assert civil_date(instant, zone) <= civil_date(later_instant, zone)
