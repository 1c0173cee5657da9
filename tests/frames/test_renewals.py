"""Renewal dates and terms over columns equal the scalar functions row by row."""

import random
from datetime import date, timedelta
from functools import cache

import attrs
import pytest
from hypothesis import given, settings, strategies as st
from tests.frames import engines, many_rows, scalar, tables

from channelplans import SKYPE_CONNECT, Days, Months
from channelplans.frames import renewals_frame
from channelplans.offers import OFFERS
from channelplans.rules import TermRule
from channelplans.testing.strategies import offers

RENEWED = ["next_renewal", "error"]
WINDOW = ["next_renewal", "terms", "first_term_start", "last_term_end", "error"]
COLUMNS = ["bought_on", "on", "until"]

#: Terms that differ from those of the shipped offers.
TERMS = (
    *(TermRule(Days(1)), TermRule(Days(366)), TermRule(Months(12)), TermRule(Months(7))),
    *(TermRule(Months(1), billing_day=29), TermRule(Months(3), billing_day=31)),
    TermRule(Months(2), billing_day=28),
)


def days_later(bought_on):
    """Return days around the terms of a purchase, and the days after windows from them on."""
    days = [*range(-40, 100, 7), *range(28, 32), *range(58, 63), 365, 366, 1461]
    return [
        (bought_on, tables.ended_day(bought_on, day), tables.ended_day(bought_on, day + length))
        for day in days
        for length in (0, 1, 31, 95)
    ]


def renewal_rows():
    """Return purchases with days around their terms, at all edges of the calendar."""
    near = [row for bought_on in tables.DAYS for row in days_later(bought_on)[::7]]
    return [*near, *days_later(date(2024, 1, 31))]


SHIPPED = {str(OFFERS[key].term): OFFERS[key].term for key in tables.OFFER_KEYS}
RULES = {**{str(rule): rule for rule in TERMS}, **SHIPPED}


@cache
def edge_results(rule):
    """Return the results of all edges for a rule, computed row by row."""
    offer = attrs.evolve(SKYPE_CONNECT, term=rule)
    return [scalar.renewals_row(offer, *row) for row in renewal_rows()]


def check_edges(rule, engine):
    """Compare the results of all edges with the scalar functions."""
    offer = attrs.evolve(SKYPE_CONNECT, term=rule)
    frame = engines.make(engine, renewal_rows(), COLUMNS)
    renewed = renewals_frame(frame, offer, until="until")

    assert edge_results(rule) == engines.rows_of(renewed, WINDOW)


@pytest.mark.slow
@pytest.mark.in_turn("rule", RULES.values())
def test_terms_renew_as_the_scalar_functions_at_edges(rule, engine):
    """Each shipped kind of term renews around the ends of months and years as the scalar rule.

    So do longer terms, and terms from other days of a month.
    """
    check_edges(rule, engine)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=engines.EXAMPLES)
def test_renewals_frame_equals_the_scalar_functions(engine, data):
    """Any offer renews on the first day on or after any day on which the scalar rule renews."""
    offer, rows = data.draw(offers()), []
    for _, _, bought_on in data.draw(tables.requests()):
        since = data.draw(tables.missing_or(st.integers(-400, 4000)))
        on = None if since is None else tables.ended_day(bought_on, since)
        length = data.draw(st.integers(-1, 800))
        rows.append((bought_on, on, tables.ended_day(on, length)))
    has_window = data.draw(st.booleans())
    width = 3 if has_window else 2
    expected = [scalar.renewals_row(offer, *row[:width]) for row in rows]

    dates = data.draw(st.booleans())
    if not dates:
        expected = engines.with_day_numbers(expected)
    frame = engines.make(engine, rows, COLUMNS, dates=dates)
    renewed = renewals_frame(frame, offer, until="until" if has_window else None)
    assert expected == engines.rows_of(renewed, WINDOW if has_window else RENEWED)


@cache
def answered_rows(seed):
    """Return an offer, many purchases and the results of the scalar functions."""
    chance = random.Random(seed)
    offer = attrs.evolve(SKYPE_CONNECT, term=chance.choice([*RULES.values()]))
    rows = []
    for _ in range(many_rows.DIFFERENT):
        bought_on = date(1990, 1, 1) + timedelta(chance.randrange(40_000))
        on = tables.ended_day(bought_on, chance.randint(-40, 1500))
        rows.append((bought_on, on, tables.ended_day(on, chance.randint(-1, 100))))
    answers = [scalar.renewals_row(offer, *row) for row in rows]
    return offer, *many_rows.draw(seed, rows, COLUMNS, answers, WINDOW)


@pytest.mark.slow
def test_many_purchases_equal_the_scalar_functions(engine, seed):
    """Many random purchases renew, and have terms in a window, as row by row."""
    offer, purchases, expected = answered_rows(seed)
    frame = engines.from_table(engine, purchases)

    many_rows.check(renewals_frame(frame, offer, until="until"), expected)


def test_renewals_frame_finds_renewals_thousands_of_years_later():
    """The number of terms between a purchase and a day does not matter."""
    rows = [(date(1, 1, 31), day) for day in tables.DAYS[1:]]
    for rule in RULES.values():
        offer = attrs.evolve(SKYPE_CONNECT, term=rule)
        frame = engines.make("polars", rows, COLUMNS[:2])

        expected = [scalar.renewals_row(offer, *row) for row in rows]
        assert expected == engines.rows_of(renewals_frame(frame, offer), RENEWED)
