"""Calls over columns equal the scalar function call by call."""

import random
from datetime import timedelta
from functools import cache
from itertools import chain, product

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from channelplans import EUR, SKYPE_CONNECT, CallRule, Rate, Tariff
from channelplans.errors import InvalidValue, WrongType
from channelplans.frames import rate_calls_frame
from channelplans.offers import OFFERS
from tests.frames import call_rows, engines, tables

COLUMNS, RATED = list(call_rows.COLUMNS), list(call_rows.RATED)

#: One key for each shipped offer whose rules for calls differ from those of the others.
OFFER_KEYS = tuple(
    {(offer.bundle, offer.calls): key for key, offer in reversed(OFFERS.items())}.values()
)
GERMAN = attrs.evolve(
    SKYPE_CONNECT,
    bundle=attrs.evolve(
        SKYPE_CONNECT.bundle,
        area=("DE", "DE-mobile"),
        calling_code="49",
        trunk_prefix="0",
        excluded_prefixes=("15", "30555"),
        longest_call=timedelta(minutes=10),
    ),
)
OFFERED = {**{key: OFFERS[key] for key in OFFER_KEYS}, "german": GERMAN}


def rate(frame, offer, tariff, **choices):
    """Return a frame with its calls rated in the order of ``call``."""
    choices = {"used_seconds": "used_seconds", "order": ["call"]} | choices
    return rate_calls_frame(frame, offer, tariff, **choices)


def sorted_rows(frame, columns):
    """Return the columns of a frame as rows in the order of the calls."""
    return [row[1:] for row in sorted(engines.rows_of(frame, ["call", *columns]))]


def check(rows, offer, tariff, engine, **choices):
    """Rate shuffled calls, and compare each row with the scalar function."""
    shuffled = random.Random(len(rows)).sample(rows, len(rows))
    rated = rate(engines.make(engine, shuffled, COLUMNS), offer, tariff, **choices)
    read, expected = sorted_rows(rated, RATED), call_rows.rate_rows(offer, tariff, rows)
    compared = [pair for pair in zip(expected, read, strict=True) if pair[1][-1] != "beyond_engine"]
    assert [pair[0] for pair in compared] == [pair[1] for pair in compared]
    return len(rows) - len(compared)


@pytest.mark.parametrize("key", OFFERED)
def test_rate_calls_frame_equals_the_scalar_function_at_edges(key, quick_engine):
    """Each offer rates each edge as ``rate_call`` does."""
    beyond = check(call_rows.edge_rows(), OFFERED[key], call_rows.RATES, quick_engine)

    assert beyond == 0


@pytest.mark.parametrize("key", OFFERED)
def test_rate_calls_frame_uses_allowances_in_order(key, quick_engine):
    """The calls of each subscription use its minutes in their order, not in that of the rows."""
    rows = call_rows.random_rows(3, 2_000, subscriptions=20)

    assert check(rows, OFFERED[key], call_rows.RATES, quick_engine) == 0


@settings(deadline=None)
@given(st.data())
def test_rate_calls_frame_equals_the_scalar_function(quick_engine, data):
    """Any offer and any tariff rate any calls as ``rate_call`` does."""
    offer = data.draw(call_rows.offers_in_seconds())
    tariff = data.draw(call_rows.tariffs_in_seconds())
    check(data.draw(call_rows.call_tables(offer, tariff)), offer, tariff, quick_engine)
