"""Channels for employees over columns equal the scalar function row by row."""

from fractions import Fraction
from functools import cache

import attrs
import pytest
from hypothesis import given, settings, strategies as st
from tests.frames import engines, many_rows, scalar, tables

from channelplans import SKYPE_CONNECT, QuantityRule, Step
from channelplans.errors import InvalidValue
from channelplans.frames import size_frame
from channelplans.offers import OFFERS
from channelplans.sizing import GUIDELINES, Guideline, Ratio, Traffic

SIZED = ["needed", "channels", "profiles", "error"]
EMPLOYEES = [
    *((count,) for count in (None, -(10**18), -1, 0, *range(1, 500), 2999, 3000)),
    *((count,) for count in (10**7, 10**7 + 1, 10**18, 2**62)),
]
EDGES = [*EMPLOYEES[:90], *EMPLOYEES[90::10], *EMPLOYEES[-6:]]


def sized(frame, **choices):
    """Return the results of a frame, and the rows that the engine could size."""
    rows = engines.rows_of(size_frame(frame, **choices), SIZED)
    return rows, [index for index, row in enumerate(rows) if row[-1] != "beyond_engine"]


@pytest.mark.slow
@pytest.mark.in_turn("key", GUIDELINES)
def test_size_frame_equals_the_scalar_function_for_each_guideline(key, engine):
    """Each guideline sizes Skype's offer as ``suggest_channels`` does."""
    frame = engines.make(engine, EMPLOYEES, ["employees"])
    rows, comparable = sized(frame, guideline=GUIDELINES[key], most_employees=3000)

    for index in comparable:
        (employees,) = EMPLOYEES[index]
        expected = scalar.size_row(employees, GUIDELINES[key], SKYPE_CONNECT)
        assert expected == rows[index]
    assert len(EMPLOYEES) - len(comparable) == (1 if key == "default" else 0)


@cache
def answered_rows(seed):
    """Return many numbers of employees and the results of the scalar function."""
    rows = [(None,), *((count,) for count in range(-2, 3001))]
    answers = [scalar.size_row(*row, GUIDELINES["default"], SKYPE_CONNECT) for row in rows]
    return many_rows.draw(seed, rows, ["employees"], answers, SIZED)


@pytest.mark.slow
def test_many_customers_equal_the_scalar_function(engine, seed):
    """Many random customers are sized as one by one."""
    customers, expected = answered_rows(seed)
    frame = engines.from_table(engine, customers)

    many_rows.check(size_frame(frame, most_employees=3000), expected)


@cache
def edge_sizes(key, guideline):
    """Return the results of all edges for an offer, computed row by row."""
    return [scalar.size_row(*row, GUIDELINES[guideline], OFFERS[key]) for row in EDGES]


@pytest.mark.slow
@pytest.mark.in_turn("key", tables.OFFER_KEYS)
def test_size_frame_equals_the_scalar_function_for_each_offer(key, engine):
    """Each shipped offer is sized as ``suggest_channels`` does."""
    frame = engines.make(engine, EDGES, ["employees"])
    rows, comparable = sized(frame, guideline=GUIDELINES["euphoria"], offer=OFFERS[key])

    assert edge_sizes(key, "euphoria") == rows
    assert len(comparable) == len(rows)


def test_size_frame_equals_the_scalar_function_on_each_engine(engine):
    """Each engine sizes by traffic as ``suggest_channels`` does."""
    frame = engines.make(engine, EDGES[:40], ["employees"])
    expected = edge_sizes("skype-connect", "default")[:40]

    assert expected == sized(frame, guideline=GUIDELINES["default"], most_employees=200)[0]


ANY_TRAFFIC = st.tuples(
    st.fractions(Fraction(1, 50), 1, max_denominator=50),
    st.floats(0.001, 0.2),
    st.lists(st.integers(1, 150), min_size=1, max_size=8),
    st.integers(1, 150),
)


def check_traffic(engine, erlangs, blocking, counts, limit):
    """Size the employees by their traffic, and compare each row with the scalar function."""
    guideline = Guideline("drawn", "https://example.com", Traffic(erlangs, blocking=blocking))
    frame = engines.make(engine, [(count,) for count in counts], ["employees"])
    rows, _ = sized(frame, guideline=guideline, most_employees=limit)

    for count, row in zip(counts, rows, strict=True):
        refused = (None, None, None, "beyond_engine")
        expected = scalar.size_row(count, guideline, SKYPE_CONNECT) if count <= limit else refused
        assert expected == row


@pytest.mark.slow
@given(ANY_TRAFFIC)
def test_size_frame_equals_the_scalar_function_for_any_traffic(traffic):
    """Any load and any share of refused calls is sized as ``suggest_channels`` does."""
    check_traffic("polars", *traffic)


@pytest.mark.slow
@given(ANY_TRAFFIC)
@settings(max_examples=engines.EXAMPLES)
def test_each_engine_sizes_any_traffic_as_the_scalar_function(engine, traffic):
    """Each engine sizes any load and any share of refused calls as ``suggest_channels`` does."""
    check_traffic(engine, *traffic)


def test_size_frame_reports_needs_that_no_profiles_have():
    """Too many profiles, or too many channels, have the codes of the scalar function."""
    guideline = Guideline("many", "https://example.com", Ratio(Fraction(50)))
    small = attrs.evolve(SKYPE_CONNECT, quantity=QuantityRule(2, 3))
    frame = engines.make("polars", [(60_001,), (4_000_000,)], ["employees"])
    for offer in (small, OFFERS["didww"]):
        expected = [scalar.size_row(count, guideline, offer) for count in (60_001, 4_000_000)]

        assert expected == sized(frame, guideline=guideline, offer=offer)[0]


def with_rule(*rule):
    """Return an offer with a rule for channels."""
    return attrs.evolve(SKYPE_CONNECT, quantity=QuantityRule(*rule))


@pytest.mark.parametrize(
    ("choices", "parameter"),
    [
        ({"offer": with_rule(5, 20, (Step(10, 5),))}, "offer"),
        ({"offer": with_rule(1, 2000, (Step(100, 10),))}, "offer"),
        ({"guideline": Guideline("x", "y", Ratio(Fraction(1, 3**40)))}, "guideline"),
        ({"guideline": Guideline("x", "y", Ratio(Fraction(10**13)))}, "guideline"),
        ({"most_employees": 50_001}, "most_employees"),
        ({"most_employees": 0}, "most_employees"),
    ],
)
def test_size_frame_refuses_by_name_what_columns_cannot_size(choices, parameter):
    """An offer, a guideline or a table that is too large is refused before the run."""
    frame = engines.make("polars", [(5,)], ["employees"])

    with pytest.raises(InvalidValue) as caught:
        size_frame(frame, **choices)
    assert parameter == caught.value.parameter
