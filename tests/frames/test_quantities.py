"""Requests for channels and bundles over columns equal the scalar functions row by row."""

import random
from functools import cache

import attrs
import pytest
from hypothesis import given, settings, strategies as st
from tests.frames import engines, many_rows, scalar, tables

from channelplans import SKYPE_CONNECT, BundleRule
from channelplans.frames import normalize_frame, violations_frame
from channelplans.offers import OFFERS
from channelplans.testing.strategies import offers, quantity_rules

OTHER_NAMES = {"adjusted": "adjusted", "error": "range_error"}
VIOLATED = ["channels_error", "bundles_error", "error"]
RESULTS = ["granted", *OTHER_NAMES.values(), *VIOLATED]
COLUMNS = ["channels", "bundles"]
REQUEST_ROWS = sorted(
    {(channels, bundles) for channels, bundles, _ in tables.request_rows()}, key=str
)


def examine(frame, offer):
    """Return a frame with its channels normalized and the violations of its requests."""
    names = {"granted": "granted", **OTHER_NAMES}
    return violations_frame(normalize_frame(frame, offer.quantity, results=names), offer)


def answer(offer, channels, bundles):
    """Return what must be added to a row."""
    normalized = scalar.normalize_row(offer.quantity, channels)
    return (*normalized, *scalar.violations_row(offer, channels, bundles))


def check(engine, offer, rows):
    """Examine requests, and compare each row with the scalar functions."""
    examined = examine(engines.make(engine, rows, COLUMNS), offer)

    assert [answer(offer, *row) for row in rows] == engines.rows_of(examined, RESULTS)


def test_two_bundles_for_each_channel_equal_the_scalar_functions(engine):
    """Each channel that is sold, not each that is requested, allows two bundles."""
    bundle = BundleRule("two for each", 5000, ("US",), per_channel=2)
    rows = [(20, 40), (20, 41), (101, 200), (101, 201), (101, 202), (301, 2), (20, -1)]
    check(engine, attrs.evolve(SKYPE_CONNECT, bundle=bundle), rows)


@pytest.mark.in_turn("key", tables.OFFER_KEYS)
def test_requests_equal_the_scalar_functions_at_edges(key, engine):
    """Each shipped offer sells and reports at each edge what the scalar functions do."""
    check(engine, OFFERS[key], REQUEST_ROWS)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=engines.EXAMPLES)
def test_requests_equal_the_scalar_functions(engine, data):
    """Any offer sells and reports for any request what the scalar functions do."""
    offer = attrs.evolve(SKYPE_CONNECT, quantity=data.draw(quantity_rules(steps=3)))
    near_limit = st.integers(-1, offer.quantity.maximum + 12)
    row = st.tuples(tables.missing_or(near_limit), st.integers(-1, 1))
    check(engine, offer, data.draw(st.lists(row, min_size=10, max_size=40)))
    check(engine, data.draw(offers()), [row[:2] for row in data.draw(tables.requests())])


@cache
def answered_rows(seed):
    """Return many requests and the results of the scalar functions."""
    chance = random.Random(seed)
    rows = [
        (chance.choice((None, *[chance.randint(-2, 330)] * 9)), chance.randint(-2, 330))
        for _ in range(many_rows.DIFFERENT)
    ]
    answers = [answer(SKYPE_CONNECT, *row) for row in rows]
    return many_rows.draw(seed, rows, COLUMNS, answers, RESULTS)


@pytest.mark.slow
def test_many_requests_equal_the_scalar_functions(engine, seed):
    """Many random requests are normalized and checked as row by row."""
    requests, expected = answered_rows(seed)

    many_rows.check(examine(engines.from_table(engine, requests), SKYPE_CONNECT), expected)


def test_violations_frame_works_without_bundles():
    """Without a column of bundles, only the channels are checked."""
    frame = engines.make("polars", [(5,), (350,)], ["channels"])
    violated = violations_frame(frame, SKYPE_CONNECT, bundles=None)

    expected = [(None, None, None), ("channels-out-of-range", None, None)]
    assert expected == engines.rows_of(violated, VIOLATED)
