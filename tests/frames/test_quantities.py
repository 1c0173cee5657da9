"""Requests for channels and bundles over columns equal the scalar functions row by row."""

import attrs
import pytest
from hypothesis import given, settings, strategies as st
from tests.frames import engines, scalar, tables

from channelplans import SKYPE_CONNECT, BundleRule
from channelplans.frames import normalize_frame, violations_frame
from channelplans.offers import OFFERS
from channelplans.testing.strategies import offers, quantity_rules

OTHER_NAMES = {"adjusted": "adjusted", "error": "range_error"}
VIOLATED = ["channels_error", "bundles_error", "error"]
REQUEST_ROWS = sorted(
    {(channels, bundles) for channels, bundles, _ in tables.request_rows()}, key=str
)


def check(engine, offer, rows):
    """Normalize the channels and list the violations of requests, and compare each row."""
    rule = offer.quantity
    frame = engines.make(engine, rows, ["channels", "bundles"])
    normalized = normalize_frame(frame, rule, results={"granted": "granted", **OTHER_NAMES})
    violated = violations_frame(normalized, offer)

    expected = [
        (*scalar.normalize_row(rule, channels), *scalar.violations_row(offer, channels, bundles))
        for channels, bundles in rows
    ]
    assert expected == engines.rows_of(violated, ["granted", *OTHER_NAMES.values(), *VIOLATED])


def test_two_bundles_for_each_channel_equal_the_scalar_functions(engine):
    """Each channel that is sold, not each that is requested, allows two bundles."""
    bundle = BundleRule("two for each", 5000, ("US",), per_channel=2)
    rows = [(20, 40), (20, 41), (101, 200), (101, 201), (101, 202), (301, 2), (20, -1)]
    check(engine, attrs.evolve(SKYPE_CONNECT, bundle=bundle), rows)


@pytest.mark.parametrize("key", tables.OFFER_KEYS)
def test_requests_equal_the_scalar_functions_at_edges(key, engine):
    """Each shipped offer sells and reports at each edge what the scalar functions do."""
    check(engine, OFFERS[key], REQUEST_ROWS)


@given(st.data())
@settings(max_examples=engines.EXAMPLES)
def test_requests_equal_the_scalar_functions(engine, data):
    """Any offer sells and reports for any request what the scalar functions do."""
    offer = attrs.evolve(SKYPE_CONNECT, quantity=data.draw(quantity_rules(steps=3)))
    near_limit = st.integers(-1, offer.quantity.maximum + 12)
    row = st.tuples(tables.missing_or(near_limit), st.integers(-1, 1))
    check(engine, offer, data.draw(st.lists(row, min_size=10, max_size=40)))
    check(engine, data.draw(offers()), [row[:2] for row in data.draw(tables.requests())])


def test_violations_frame_works_without_bundles():
    """Without a column of bundles, only the channels are checked."""
    frame = engines.make("polars", [(5,), (350,)], ["channels"])
    violated = violations_frame(frame, SKYPE_CONNECT, bundles=None)

    expected = [(None, None, None), ("channels-out-of-range", None, None)]
    assert expected == engines.rows_of(violated, VIOLATED)
