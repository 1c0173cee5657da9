"""Calls over columns equal the scalar function call by call."""

import random
from datetime import timedelta
from functools import cache

import attrs
import pytest
from hypothesis import given, settings, strategies as st
from tests.frames import call_rows, engines, many_rows

from channelplans import EUR, SKYPE_CONNECT, BundleRule, CallRule, Rate, Tariff
from channelplans.errors import InvalidValue, WrongType
from channelplans.frames import rate_calls_frame
from channelplans.frames._engines import LARGEST_IN_DOUBLE
from channelplans.frames.calls import _make_charge
from channelplans.money import Currency
from channelplans.offers import OFFERS

COLUMNS, RATED = list(call_rows.COLUMNS), list(call_rows.RATED)

#: One key for each shipped offer whose rules for calls differ from those of the others.
OFFER_KEYS = tuple(
    {(offer.bundle, offer.calls): key for key, offer in reversed([*OFFERS.items()])}.values()
)
#: Minutes for another area, with a trunk prefix and a longest call.
_GERMAN_MINUTES = BundleRule(
    "German minutes",
    5000,
    area=("DE", "DE-mobile"),
    calling_code="49",
    trunk_prefix="0",
    excluded_prefixes=("15", "30555"),
    longest_call=timedelta(minutes=10),
)
_WITHOUT_TRUNK_PREFIX = attrs.evolve(_GERMAN_MINUTES, trunk_prefix="")
GERMAN = attrs.evolve(SKYPE_CONNECT, bundle=_GERMAN_MINUTES)
OFFERED = {
    **{key: OFFERS[key] for key in OFFER_KEYS},
    "german": GERMAN,
    "without a trunk prefix": attrs.evolve(SKYPE_CONNECT, bundle=_WITHOUT_TRUNK_PREFIX),
}


def rate(frame, offer, tariff, **choices):
    """Return a frame with its calls rated in the order of ``call``."""
    choices = {"used_seconds": "used_seconds", "order": ["call"]} | choices
    return rate_calls_frame(frame, offer, tariff, **choices)


def sorted_rows(frame, columns):
    """Return the columns of a frame as rows in the order of the calls."""
    return [row[1:] for row in sorted(engines.rows_of(frame, ["call", *columns]))]


def check(rows, offer, tariff, engine, *, expected=None, **choices):
    """Rate shuffled calls, and compare each row with the scalar function."""
    shuffled = random.Random(len(rows)).sample(rows, len(rows))
    rated = rate(engines.make(engine, shuffled, COLUMNS), offer, tariff, **choices)
    read = sorted_rows(rated, RATED)
    expected = call_rows.rate_rows(offer, tariff, rows) if expected is None else expected
    compared = [pair for pair in zip(expected, read, strict=True) if pair[1][-1] != "beyond_engine"]
    assert [pair[0] for pair in compared] == [pair[1] for pair in compared]
    return len(rows) - len(compared)


@cache
def edge_calls():
    """Return calls with every pair of edges, and random calls that use allowances in order."""
    edges, used = call_rows.edge_rows(), call_rows.random_rows(3, 2_000, subscriptions=20)
    return [*edges, *((f"r-{name}", len(edges) + call, *row) for name, call, *row in used)]


@cache
def edge_results(key):
    """Return the results of all edges for an offer, computed call by call."""
    return call_rows.rate_rows(OFFERED[key], call_rows.RATES, edge_calls())


@pytest.mark.slow
@pytest.mark.in_turn("key", OFFERED)
def test_rate_calls_frame_equals_the_scalar_function_at_edges(key, engine):
    """Each offer rates each edge as ``rate_call`` does, and calls use minutes in their order."""
    expected = edge_results(key)

    assert check(edge_calls(), OFFERED[key], call_rows.RATES, engine, expected=expected) == 0


@pytest.mark.slow
@given(st.data())
@settings(max_examples=engines.EXAMPLES)
def test_rate_calls_frame_equals_the_scalar_function(engine, data):
    """Any offer and any tariff rate any calls as ``rate_call`` does."""
    offer = data.draw(call_rows.offers_in_seconds())
    tariff = data.draw(call_rows.tariffs_in_seconds())
    check(data.draw(call_rows.call_tables(offer, tariff)), offer, tariff, engine)


@cache
def random_calls(seed):
    """Return random calls of many subscriptions."""
    return call_rows.random_rows(seed, many_rows.DIFFERENT, subscriptions=many_rows.DIFFERENT // 10)


@cache
def random_results(seed):
    """Return the results of random calls, computed call by call."""
    return call_rows.rate_rows(GERMAN, call_rows.RATES, random_calls(seed))


@pytest.mark.slow
def test_many_calls_equal_the_scalar_function(engine, seed):
    """Many calls of many subscriptions, copies of random ones, are rated as one by one."""
    import pyarrow as pa

    calls = many_rows.copy(engines.table(random_calls(seed), COLUMNS), "subscription")
    rated = rate(engines.from_table(engine, calls), GERMAN, call_rows.RATES)

    copies = calls.num_rows // many_rows.DIFFERENT
    expected = {
        name: pa.array([value for value in values for _ in range(copies)])
        for name, values in zip(RATED, zip(*random_results(seed), strict=True), strict=True)
    }
    many_rows.check(engines.to_arrow(rated).sort_by("call"), pa.table(expected))


def test_rate_calls_frame_charges_all_calls_without_allowances():
    """Without columns of minutes, nothing is included; all calls can belong to one subscription."""
    rows = [("s", call, "+12125550100", "US", 60, 900, 0) for call in range(3)]
    frame = engines.make("polars", rows, COLUMNS)
    plain = rate(frame, SKYPE_CONNECT, call_rows.RATES, granted_seconds=None, used_seconds=None)
    together = rate(frame, SKYPE_CONNECT, call_rows.RATES, subscription=None, used_seconds=None)

    seconds = ["included_seconds", "overage_seconds", "other_seconds"]
    assert [(0, 0, 60)] * 3 == engines.rows_of(plain, seconds)
    assert [(60, 0, 0)] * 3 == engines.rows_of(together, seconds)


def test_rate_calls_frame_refuses_used_minutes_that_were_not_granted():
    """Used minutes without a column of granted minutes are more than were granted."""
    rows = [("s", call, "+12125550100", "US", 60, 900, call) for call in range(2)]
    frame = engines.make("polars", rows, COLUMNS)
    rated = rate(frame, SKYPE_CONNECT, call_rows.RATES, granted_seconds=None)

    assert [(None,), ("invalid-value",)] == engines.rows_of(rated, ["error"])


def test_rate_calls_frame_refuses_calls_without_order_or_subscription():
    """A call without a subscription, or without its place in the order, has a missing value."""
    rows = [(None, 1, *["0"] * 2, 60, 900, 0), ("s", None, *["0"] * 2, 60, 900, 0)]
    frame = engines.make("polars", rows, COLUMNS)

    rated = rate(frame, SKYPE_CONNECT, call_rows.RATES)
    assert [("wrong-type",)] * 2 == engines.rows_of(rated, ["error"])


@pytest.mark.slow
def test_rate_calls_frame_leaves_out_what_it_cannot_compute(engine):
    """A call or an allowance of more than 68 years is beyond the engine."""
    rows = [
        ("a", 1, "+12125550100", "US", 2**31 + 1, 900, 0),
        ("a", 2, "+12125550100", "US", 60, 900, 0),
        ("b", 3, "+12125550100", "US", 60, 2**31 + 1, 0),
    ]
    rated = rate(engines.make(engine, rows, COLUMNS), SKYPE_CONNECT, call_rows.RATES)

    expected = [(None, "beyond_engine"), (0, None), (None, "beyond_engine")]
    assert expected == sorted_rows(rated, ["included_seconds", "error"])


def test_rate_calls_frame_leaves_out_charges_that_are_not_exact(engine):
    """A price with too many digits for the engine is not charged, unless the call is included."""
    tariff = Tariff("fine", Currency("EUR", 9), channel="1", minute="1.234567891")
    fine = attrs.evolve(tariff, rates={"PL": Rate("0", connection="123456789.123456789")})
    rows = [
        ("a", 1, "+12125550100", "US", 2**31, 0, 0),
        ("a", 2, "+12125550100", "US", 60, 0, 0),
        ("a", 3, "+4812", "PL", 60, 0, 0),
    ]
    rated = rate(engines.make(engine, rows, COLUMNS), SKYPE_CONNECT, fine)

    expected = call_rows.rate_rows(SKYPE_CONNECT, fine, rows)
    read = sorted_rows(rated, RATED)
    assert [row for row in read if row[-1] != "beyond_engine"] == [
        wanted for wanted, row in zip(expected, read, strict=True) if row[-1] != "beyond_engine"
    ]


def test_charges_leave_out_prices_that_the_engine_cannot_hold():
    """A rate whose prices have too many digits charges no second."""
    rate = Rate("0.000000001", minimum_charge="900000000.000000001")
    charge = _make_charge(rate, SKYPE_CONNECT, EUR, LARGEST_IN_DOUBLE)

    assert charge.longest == -1


def test_rate_calls_frame_refuses_rules_of_parts_of_a_second():
    """Rules that count parts of a second, and prices above all limits, are refused by name."""
    frame = engines.make("polars", [("s", 1, "0", "US", 60, 900, 0)], COLUMNS)
    rule = CallRule(timedelta(0), timedelta(milliseconds=100))
    fine = attrs.evolve(SKYPE_CONNECT, calls=rule)
    with pytest.raises(InvalidValue, match="whole seconds"):
        rate(frame, fine, call_rows.RATES)
    dear = Tariff("dear", EUR, channel="1", minute="1000000000")
    with pytest.raises(InvalidValue, match="18 digits"):
        rate(frame, SKYPE_CONNECT, dear)


def test_rate_calls_frame_refuses_columns_by_name():
    """A number that is no text, and an order without columns, are refused before the run."""
    frame = engines.make("polars", [("s", 1, 2, "US", 60, 900, 0)], COLUMNS)
    with pytest.raises(WrongType, match="number"):
        rate(frame, SKYPE_CONNECT, call_rows.RATES)
    with pytest.raises(InvalidValue, match="order"):
        rate(frame, SKYPE_CONNECT, call_rows.RATES, order=())


def test_rate_calls_frame_rates_one_subscription_of_pyarrow():
    """A table of pyarrow can hold the calls of one subscription; several are refused by name."""
    rows = call_rows.random_rows(6, 50, subscriptions=1)
    assert check(rows, GERMAN, call_rows.RATES, "pyarrow", subscription=None) == 0
    with pytest.raises(WrongType, match="subscription=None"):
        rate(engines.make("pyarrow", rows, COLUMNS), GERMAN, call_rows.RATES)


def test_rate_calls_frame_rates_without_any_rate():
    """A tariff that sells no calls refuses each call; an offer without bundles covers none."""
    silent = Tariff("silent", EUR, channel="1")
    rows = [("s", 1, "+12125550100", "US", 60, 900, 0)]
    frame = engines.make("polars", rows, COLUMNS)
    assert [("unknown-rate",)] == engines.rows_of(rate(frame, SKYPE_CONNECT, silent), ["error"])
    bare = attrs.evolve(SKYPE_CONNECT, bundle=None)
    assert call_rows.rate_rows(bare, call_rows.RATES, rows) == engines.rows_of(
        rate(frame, bare, call_rows.RATES), RATED
    )


def test_rate_calls_frame_reads_many_prefixes():
    """A long list of prefixes is looked up, and the longest one wins."""
    rates = {str(prefix): f"0.0{prefix % 97}" for prefix in range(100, 400)}
    tariff = Tariff("long", EUR, channel="1", rates=rates | {"1": "1", "39": "2"})
    rows = [("s", call, f"+{call}55501", "XX", 60, 900, 0) for call in range(90, 450)]
    rated = rate(engines.make("polars", rows, COLUMNS), SKYPE_CONNECT, tariff)

    assert call_rows.rate_rows(SKYPE_CONNECT, tariff, rows) == engines.rows_of(rated, RATED)
