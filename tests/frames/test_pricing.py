"""Quotes and refunds over columns equal the scalar functions row by row."""

import random
from datetime import date, timedelta
from functools import cache
from itertools import cycle

import pytest
from hypothesis import given, settings, strategies as st
from tests.frames import engines, many_rows, scalar, tables

from channelplans import (
    EUR,
    JPY,
    BundleRule,
    Offer,
    QuantityRule,
    RefundBasis,
    RefundRule,
    Rounding,
    Tariff,
)
from channelplans.errors import ChannelPlansError
from channelplans.frames import quote_frame, refund_frame
from channelplans.offers import OFFERS
from channelplans.testing.strategies import offers, refund_rules, tariffs

REQUEST = ["channels", "bundles", "on"]
QUOTED, REFUNDED = list(scalar.QUOTED), list(scalar.REFUNDED)
REFUND_NAMES = {
    "returned_minor": "returned_minor",
    "kept_minor": "kept_minor",
    "error": "refund_error",
}


REFUND_COLUMNS = ["channels", "bundles", "on", "ended_on", "used"]
BY_MINUTES = (RefundBasis.MINUTES, RefundBasis.SMALLER)
RESULTS = [*QUOTED, *REFUND_NAMES.values()]


def uses_minutes(rule):
    """Return whether a rule refunds anything by minutes."""
    return bool({rule.channels, rule.bundles} & {*BY_MINUTES})


def price_row(offer, tariff, rule, row):
    """Return what a quote and its refund must add to a row."""
    channels, bundles, on, ended_on, used = row
    try:
        paid = scalar.quote_of(offer, tariff, channels, bundles, on)
        quoted = (*scalar.quoted_values(paid), None)
    except ChannelPlansError as error:
        return (*[None] * 6, error.code, None, None, "wrong-type")
    used = used if uses_minutes(rule) else None
    return (*quoted, *scalar.refund_row(paid, ended_on, used, rule))


def price(frame, offer, tariff, rule, **columns):
    """Return a frame with quotes and their refunds."""
    quoted = quote_frame(frame, offer, tariff)
    if uses_minutes(rule):
        columns["used_seconds"] = "used"
    return refund_frame(quoted, offer, rule=rule, results=REFUND_NAMES, **columns)


def ended_rows():
    """Return requests that end before, in or after their term, with legal and illegal seconds."""
    seconds = cycle((0, None, 1, 299_999, 300_000, 900_000, 10**9, -1))
    return [
        (channels, bundles, on, tables.ended_day(on, after), next(seconds))
        for channels, bundles in ((5, 0), (5, 3), (2, 1), (100, 100), (300, 300), (7, None))
        for on in tables.DAYS
        for after in tables.ENDED_AFTER
    ]


@cache
def edge_rows():
    """Return requests with every pair of edge values, and some that end around their last day."""
    return [*[(*row, None, 0) for row in tables.request_rows()], *ended_rows()]


@cache
def edge_results(key, tariff):
    """Return the results of all edges for an offer, computed row by row."""
    offer = OFFERS[key]
    return [price_row(offer, tables.TARIFFS[tariff], offer.refund, row) for row in edge_rows()]


def check_edges(key, tariff, engine):
    """Compare the results of all edges with the scalar functions."""
    offer = OFFERS[key]
    frame = engines.make(engine, edge_rows(), REFUND_COLUMNS)
    priced = price(frame, offer, tables.TARIFFS[tariff], offer.refund)

    assert edge_results(key, tariff) == engines.rows_of(priced, RESULTS)


@pytest.mark.in_turn("key", tables.OFFER_KEYS)
def test_quotes_and_refunds_equal_the_scalar_functions_at_edges(key, engine):
    """Each shipped offer quotes and refunds at each edge what the scalar functions do."""
    tariffs_in_turn = dict(zip(tables.OFFER_KEYS, cycle(tables.TARIFFS), strict=False))

    check_edges(key, tariffs_in_turn[key], engine)


def test_refunds_of_first_terms_equal_the_scalar_functions_at_edges(engine):
    """Without a column of ends, terms have equal lengths, and an engine divides by one number."""
    offer, tariff = OFFERS["skype-connect"], next(iter(tables.TARIFFS))
    frame = engines.make(engine, edge_rows(), REFUND_COLUMNS)
    priced = price(frame, offer, tables.TARIFFS[tariff], offer.refund, term_end=None)

    assert edge_results("skype-connect", tariff) == engines.rows_of(priced, RESULTS)


@pytest.mark.slow
@pytest.mark.parametrize("columns", [{}, {"term_end": None}], ids=["ends", "first terms"])
def test_days_as_whole_numbers_give_the_same_results(columns, engine):
    """Days since 1970-01-01 are priced and refunded as dates are, at each edge."""
    offer, tariff = OFFERS["skype-connect"], next(iter(tables.TARIFFS))
    frame = engines.make(engine, edge_rows(), REFUND_COLUMNS, dates=False)
    priced = price(frame, offer, tables.TARIFFS[tariff], offer.refund, **columns)

    expected = engines.with_day_numbers(edge_results("skype-connect", tariff))
    assert expected == engines.rows_of(priced, RESULTS)


@pytest.mark.slow
@pytest.mark.parametrize("tariff", tables.TARIFFS)
@pytest.mark.parametrize("key", ["skype-connect", "voip-yonder"])
def test_each_tariff_quotes_and_refunds_as_the_scalar_functions(key, tariff):
    """Each kind of price gives the amounts of the scalar functions, also for a part of a term."""
    check_edges(key, tariff, "polars lazy")


@pytest.mark.slow
@given(st.data())
@settings(max_examples=engines.EXAMPLES)
def test_quotes_and_refunds_equal_the_scalar_functions(engine, data):
    """Any offer, tariff and rule quote and refund on any day what the scalar functions do."""
    offer, tariff = data.draw(offers()), data.draw(tariffs())
    rule = data.draw(refund_rules())
    first_terms = data.draw(st.booleans())
    rows = []
    for channels, bundles, on in data.draw(tables.requests()):
        ended_on = data.draw(st.sampled_from(tables.ENDED_AFTER) | st.integers(-5, 400))
        used = data.draw(tables.missing_or(st.integers(-1, 100) | st.integers(0, 10**8)))
        rows.append((channels, bundles, on, tables.ended_day(on, ended_on), used))
    columns = {"term_end": None} if first_terms else {}
    priced = price(engines.make(engine, rows, REFUND_COLUMNS), offer, tariff, rule, **columns)

    expected = [price_row(offer, tariff, rule, row) for row in rows]
    read = engines.rows_of(priced, RESULTS)
    compared = [leave_out(*pair) for pair in zip(expected, read, strict=True)]
    assert compared == read


def leave_out(expected, read):
    """Return the expected row, except for results that are beyond the engine.

    A term of hundreds of years or millions of minutes has numbers that no engine multiplies.
    """
    quoted, refunded = expected[: len(QUOTED)], expected[len(QUOTED) :]
    if read[len(QUOTED) - 1] == "beyond_engine":
        # A refund needs a quote.
        return (*[None] * (len(QUOTED) - 1), "beyond_engine", None, None, "wrong-type")
    if read[-1] == "beyond_engine":
        return (*quoted, None, None, "beyond_engine")
    return (*quoted, *refunded)


def random_rows(seed, count):
    """Return random requests that end within or around their term, with used seconds."""
    chance = random.Random(seed)
    first, last = date(1995, 1, 1).toordinal(), date(2105, 1, 1).toordinal()
    rows = []
    for _ in range(count):
        on = date.fromordinal(chance.randint(first, last))
        bundles = chance.choice((0, 1, chance.randint(0, 12), chance.randint(-1, 310)))
        ended_on = tables.ended_day(on, chance.randint(-3, 33))
        rows.append((chance.randint(0, 305), bundles, on, ended_on, chance.randint(0, 400_000)))
    return rows


@cache
def answered_rows(seed):
    """Return an offer, many requests and the results of the scalar functions."""
    key = random.Random(seed).choice(["skype-connect", "skype-connect-2011", "voip-yonder"])
    offer, rows = OFFERS[key], random_rows(seed, many_rows.DIFFERENT_PRICES)
    answers = [price_row(offer, tables.TARIFFS["flat"], offer.refund, row) for row in rows]
    number = many_rows.ROWS_OF_PRICES
    return offer, *many_rows.draw(seed, rows, REFUND_COLUMNS, answers, RESULTS, number)


@pytest.mark.slow
def test_a_million_rows_equal_the_scalar_functions(engine, seed):
    """A million random requests are quoted and refunded as row by row."""
    offer, requests, expected = answered_rows(seed)
    frame = engines.from_table(engine, requests)

    many_rows.check(price(frame, offer, tables.TARIFFS["flat"], offer.refund), expected)


def test_quote_frame_caps_the_minutes_as_the_scalar_function_does(quick_engine):
    """No quote grants more minutes than a timedelta holds."""
    rule = BundleRule("b", 10**6, ("US",), per_channel=None, included=10**6)
    offer = Offer("x", "y", "z", QuantityRule(1, 10**6), rule)
    tariff = Tariff("x", JPY, channel="1", bundle="1")
    rows = [(10**6, 10**6, date(2026, 1, 5)), (1, 1, date(2026, 1, 5))]
    quoted = quote_frame(engines.make(quick_engine, rows, REQUEST), offer, tariff)

    expected = [scalar.quote_row(offer, tariff, *row) for row in rows]
    assert expected == engines.rows_of(quoted, QUOTED)


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("basis", RefundBasis)
def test_refund_frame_rounds_each_basis_as_the_scalar_function_does(basis, rounding):
    """Each basis and each rounding refunds first terms as ``refund`` does, the change day used."""
    rule = RefundRule(basis, basis, change_day_used=True, rounding=rounding)
    offer, tariff = OFFERS["skype-connect-2011"], tables.TARIFFS["ladders"]
    rows = [
        (7, 3, date(2026, 1, 31), date(2026, 1, 31) + timedelta(day), 60 * day * day)
        for day in range(-1, 30)
    ]
    for columns in ({}, {"term_end": None}):
        frame = engines.make("polars", rows, REFUND_COLUMNS)
        priced = price(frame, offer, tariff, rule, **columns)

        expected = [price_row(offer, tariff, rule, row) for row in rows]
        assert expected == engines.rows_of(priced, RESULTS)


@pytest.mark.slow
@pytest.mark.parametrize("rounding", Rounding)
def test_large_amounts_are_refunded_exactly_or_not_at_all(rounding, engine):
    """Amounts above 2^53 are exact on each engine; a product that is too large has a code."""
    rule = RefundRule(RefundBasis.TIME, RefundBasis.TIME, rounding=rounding)
    offer = OFFERS["skype-connect"]
    tariff = Tariff("dear", EUR, channel="90071992547409.93", bundle="30023997515803.31")
    on = date(2026, 1, 5)
    rows = [
        (channels, bundles, on, on + timedelta(days), 0)
        for channels, bundles in ((1, 0), (1, 1), (3, 2), (7, 0), (8, 7), (9, 1))
        for days in range(-1, 30)
    ]
    priced = price(engines.make(engine, rows, REFUND_COLUMNS), offer, tariff, rule)

    read = engines.rows_of(priced, RESULTS)
    assert {row[0] for row in read if row[-1] == "beyond_engine"} == {9}
    expected = [price_row(offer, tariff, rule, row) for row in rows]
    assert [leave_out(*pair) for pair in zip(expected, read, strict=True)] == read
