"""Requests for channels and bundles over columns equal the scalar functions row by row."""

import pytest
from hypothesis import given, strategies as st
from tests.frames import engines, scalar, tables

from channelplans import SKYPE_CONNECT
from channelplans.frames import normalize_frame, violations_frame
from channelplans.offers import OFFERS
from channelplans.testing.strategies import offers, quantity_rules

NORMALIZED = ["granted", "adjusted", "error"]
VIOLATED = ["channels_error", "bundles_error", "error"]
CHANNEL_ROWS = [(channels,) for channels in tables.CHANNELS]
REQUEST_ROWS = sorted(
    {(channels, bundles) for channels, bundles, _ in tables.request_rows()}, key=str
)


@pytest.mark.parametrize("key", tables.OFFER_KEYS)
def test_normalize_frame_equals_the_scalar_function_at_edges(key, quick_engine):
    """Each shipped rule sells at each edge what ``normalize_quantity`` sells."""
    rule = OFFERS[key].quantity
    frame = engines.make(quick_engine, CHANNEL_ROWS, ["channels"])
    expected = [scalar.normalize_row(rule, *row) for row in CHANNEL_ROWS]

    assert expected == engines.rows_of(normalize_frame(frame, rule), NORMALIZED)


@pytest.mark.parametrize("key", tables.OFFER_KEYS)
def test_violations_frame_equals_the_scalar_function_at_edges(key, quick_engine):
    """Each shipped offer reports at each edge the errors that ``violations`` returns."""
    offer = OFFERS[key]
    frame = engines.make(quick_engine, REQUEST_ROWS, ["channels", "bundles"])
    expected = [scalar.violations_row(offer, *row) for row in REQUEST_ROWS]

    assert expected == engines.rows_of(violations_frame(frame, offer), VIOLATED)


def test_requests_equal_the_scalar_functions_on_pyspark():
    """PySpark sells and reports for Skype's rules what the scalar functions do."""
    engines.start("pyspark")
    frame = engines.make("pyspark", REQUEST_ROWS, ["channels", "bundles"])
    normalized = normalize_frame(
        frame, SKYPE_CONNECT.quantity, results={"granted": "granted", "error": "range_error"}
    )
    read = engines.rows_of(
        violations_frame(normalized, SKYPE_CONNECT), ["granted", "range_error", *VIOLATED]
    )
    expected = [
        (
            *scalar.normalize_row(SKYPE_CONNECT.quantity, channels)[::2],
            *scalar.violations_row(SKYPE_CONNECT, channels, bundles),
        )
        for channels, bundles in REQUEST_ROWS
    ]

    assert expected == read


@given(st.data())
def test_normalize_frame_equals_the_scalar_function(quick_engines, data):
    """Any rule sells for any request what ``normalize_quantity`` sells."""
    rule = data.draw(quantity_rules(steps=3))
    row = st.tuples(tables.missing_or(st.integers(-1, rule.maximum + 12)))
    rows = data.draw(st.lists(row, min_size=1, max_size=20))
    expected = [scalar.normalize_row(rule, *row) for row in rows]

    for engine in quick_engines:
        frame = engines.make(engine, rows, ["channels"])
        assert expected == engines.rows_of(normalize_frame(frame, rule), NORMALIZED), engine


@given(offers(), tables.requests())
def test_violations_frame_equals_the_scalar_function(quick_engines, offer, rows):
    """Any offer reports for any request the errors that ``violations`` returns."""
    rows = [row[:2] for row in rows]
    expected = [scalar.violations_row(offer, *row) for row in rows]

    for engine in quick_engines:
        frame = engines.make(engine, rows, ["channels", "bundles"])
        assert expected == engines.rows_of(violations_frame(frame, offer), VIOLATED), engine


def test_violations_frame_works_without_bundles():
    """Without a column of bundles, only the channels are checked."""
    frame = engines.make("polars", [(5,), (350,)], ["channels"])
    violated = violations_frame(frame, SKYPE_CONNECT, bundles=None)

    expected = [(None, None, None), ("channels-out-of-range", None, None)]
    assert expected == engines.rows_of(violated, VIOLATED)
