"""Properties of terms, renewal dates and civil days."""

import calendar
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import example, given, strategies as st

from channelplans.calendar import Days, Months, civil_date, days_after, renewal_dates, term_at
from channelplans.rules import TermRule
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


@given(days(), st.integers(1, 31), st.integers(1, 14), st.integers(0, 40), st.integers(-40, 400))
def test_terms_with_a_billing_day_tile_the_calendar(on, billing_day, months, number, days_later):
    """Terms follow each other without a gap, and the number of a day's term is computed directly.

    Each term begins on the billing day or on the last day of a shorter month.
    """
    rule = TermRule(Months(months), billing_day=billing_day)
    anchor = rule.anchor(on)
    term, next_term = rule.nth(anchor, number), rule.nth(anchor, number + 1)
    last_day = calendar.monthrange(term.start.year, term.start.month)[1]
    day = on + timedelta(days_later)

    assert anchor <= on < rule.nth(anchor, 0).end or months > 1
    assert min(billing_day, last_day) == term.start.day
    assert term.end == next_term.start
    assert day in rule.nth(anchor, rule.number_containing(anchor, day))


@given(days(), lengths(), st.integers(-400, 4000))
def test_number_of_the_term_that_ends_on_or_after_a_day_is_exact(anchor, length, days_later):
    """The term before it ends earlier; walking from the first term finds the same number."""
    rule, day = TermRule(length), anchor + timedelta(days_later)
    number = rule.number_ending(anchor, day)

    assert rule.nth(anchor, number - 1).end < day <= rule.nth(anchor, number).end


@given(days(), lengths(), days())
def test_terms_aligned_to_a_day_meet_that_day(on, length, align_to):
    """The aligned day is the start of a term, and the anchor is a term's start by the purchase."""
    rule = TermRule(length)
    anchor = rule.anchor_aligned_to(align_to, on)
    number = rule.number_containing(anchor, align_to)

    assert anchor <= on
    assert align_to == rule.nth(anchor, number).start


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
