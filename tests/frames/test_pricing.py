"""Quotes and refunds over columns equal the scalar functions row by row."""

import operator
import random
from datetime import date
from functools import cache, reduce
from itertools import cycle, product
from operator import itemgetter

import pytest
from hypothesis import given, strategies as st
from tests.frames import engines, scalar, tables

from channelplans import RefundBasis
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


@cache
def edge_quotes(key, tariff):
    """Return the quoted rows of all edges of an offer, computed row by row."""
    offer = OFFERS[key]
    return [scalar.quote_row(offer, tables.TARIFFS[tariff], *row) for row in tables.request_rows()]


#: Each offer with a tariff, and Skype's and VoIP Yonder's offers with all of them.
PRICED = sorted(
    {
        *zip(tables.OFFER_KEYS, cycle(tables.TARIFFS), strict=False),
        *product(("skype-connect", "voip-yonder"), tables.TARIFFS),
    }
)


@pytest.mark.parametrize(("key", "tariff"), PRICED)
def test_quote_frame_equals_the_scalar_function_at_edges(key, tariff, quick_engine):
    """Each shipped offer quotes at each edge what ``quote`` does."""
    frame = engines.make(quick_engine, tables.request_rows(), REQUEST)
    quoted = quote_frame(frame, OFFERS[key], tables.TARIFFS[tariff])

    assert edge_quotes(key, tariff) == engines.rows_of(quoted, QUOTED)


@given(offers(), st.data(), tables.requests())
def test_quote_frame_equals_the_scalar_function(quick_engines, offer, data, rows):
    """Any offer and any tariff quote for any request what ``quote`` does."""
    tariff = data.draw(tariffs())
    expected = [scalar.quote_row(offer, tariff, *row) for row in rows]

    for engine in quick_engines:
        quoted = quote_frame(engines.make(engine, rows, REQUEST), offer, tariff)
        assert expected == engines.rows_of(quoted, QUOTED), engine


REFUND_COLUMNS = ["channels", "bundles", "on", "ended_on", "used"]
BY_MINUTES = (RefundBasis.MINUTES, RefundBasis.SMALLER)


def refund_rows(offer, tariff, rows, rule):
    """Return what a quote and its refund must add to each row."""
    expected = []
    for channels, bundles, on, ended_on, used in rows:
        try:
            paid = scalar.quote_of(offer, tariff, channels, bundles, on)
            assert paid.total is not None
        except ChannelPlansError:
            expected.append((None, None, "wrong-type"))
        else:
            uses_minutes = {rule.channels, rule.bundles} & {*BY_MINUTES}
            expected.append(scalar.refund_row(paid, ended_on, used if uses_minutes else None, rule))
    return expected


def refund(frame, offer, tariff, rule, **columns):
    """Return a frame with quotes and their refunds."""
    quoted = quote_frame(frame, offer, tariff)
    if {rule.channels, rule.bundles} & {*BY_MINUTES}:
        columns["used_seconds"] = "used"
    return refund_frame(quoted, offer, rule=rule, results=REFUND_NAMES, **columns)


def ended_rows():
    """Return legal requests that end on days around their term, with used seconds."""
    seconds = cycle((0, None, 1, 299_999, 300_000, 60 * 5000 * 3, 10**9, -1))
    return [
        (channels, bundles, on, tables.ended_day(on, after), next(seconds))
        for channels, bundles in ((5, 0), (5, 3), (2, 1), (100, 100), (300, 300), (7, None))
        for on in tables.DAYS
        for after in tables.ENDED_AFTER
    ]


@pytest.mark.parametrize("key", tables.OFFER_KEYS)
def test_refund_frame_equals_the_scalar_function_at_edges(key, quick_engine):
    """Each shipped offer refunds at the edges of its terms what ``refund`` does."""
    offer, tariff, rows = OFFERS[key], tables.TARIFFS["flat"], ended_rows()
    frame = engines.make(quick_engine, rows, REFUND_COLUMNS)
    refunded = refund(frame, offer, tariff, offer.refund)

    expected = refund_rows(offer, tariff, rows, offer.refund)
    assert expected == engines.rows_of(refunded, list(REFUND_NAMES.values()))


@given(st.data())
def test_refund_frame_equals_the_scalar_function(quick_engines, data):
    """Any rule refunds for any offer, tariff and day what ``refund`` does."""
    offer, tariff = data.draw(offers()), data.draw(tariffs())
    rule = data.draw(refund_rules())
    first_terms = data.draw(st.booleans())
    rows = []
    for channels, bundles, on in data.draw(tables.requests()):
        ended_on = data.draw(st.sampled_from(tables.ENDED_AFTER) | st.integers(-5, 400))
        used = data.draw(tables.missing_or(st.integers(-1, 100) | st.integers(0, 10**8)))
        rows.append((channels, bundles, on, tables.ended_day(on, ended_on), used))
    columns = {"term_end": None} if first_terms else {}
    expected = refund_rows(offer, tariff, rows, rule)

    for engine in quick_engines:
        frame = engines.make(engine, rows, REFUND_COLUMNS)
        refunded = refund(frame, offer, tariff, rule, **columns)
        read = engines.rows_of(refunded, list(REFUND_NAMES.values()))
        # A term of hundreds of years or millions of minutes has numbers that no engine multiplies.
        compared = [
            wanted if result[-1] != "beyond_engine" else result
            for wanted, result in zip(expected, read, strict=True)
        ]
        assert compared == read, engine


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


def test_pyspark_equals_the_scalar_functions_for_every_shipped_offer():
    """PySpark quotes and refunds for each shipped offer what the scalar functions do."""
    engines.start("pyspark")
    rows = [
        *ended_rows(),
        *[(*row, None, 0) for row in tables.request_rows()],
        *random_rows(1, 500),
    ]
    numbered = [(number, *row) for number, row in enumerate(rows)]
    frame = engines.make("pyspark", numbered, ["number", *REFUND_COLUMNS]).cache()
    names = [*QUOTED, *REFUND_NAMES.values()]
    results = []
    for key in tables.OFFER_KEYS:
        refunded = refund(frame, OFFERS[key], tables.TARIFFS["flat"], OFFERS[key].refund)
        results.append(refunded.selectExpr(f"'{key}' AS key", "number", *names))
    union = reduce(lambda left, right: left.union(right), results)
    read = sorted(engines.rows_of(union, ["key", "number", *names]), key=itemgetter(0, 1))

    expected = []
    for key in sorted(tables.OFFER_KEYS):
        offer, tariff = OFFERS[key], tables.TARIFFS["flat"]
        quoted = [scalar.quote_row(offer, tariff, *row[:3]) for row in rows]
        refunds = refund_rows(offer, tariff, rows, offer.refund)
        expected += [
            (key, number, *left, *right)
            for number, (left, right) in enumerate(zip(quoted, refunds, strict=True))
        ]
    assert expected == read


@pytest.mark.slow
def test_a_million_rows_equal_the_scalar_functions(engine, request):
    """A million rows, drawn from many different ones, are quoted and refunded as row by row."""
    import pyarrow as pa

    seed = request.config.getoption("randomly_seed", default=1)
    key = random.Random(seed).choice(["skype-connect", "skype-connect-2011", "voip-yonder"])
    offer, tariff = OFFERS[key], tables.TARIFFS["ladders"]
    rows = random_rows(seed, 20_000)
    chance = random.Random(seed)
    drawn = pa.array(chance.choices(range(len(rows)), k=1_000_000))
    frame = engines.from_table(engine, engines.table(rows, REFUND_COLUMNS).take(drawn))
    refunded = engines.to_arrow(refund(frame, offer, tariff, offer.refund))

    quoted = [scalar.quote_row(offer, tariff, *row[:3]) for row in rows]
    refunds = refund_rows(offer, tariff, rows, offer.refund)
    names = [*QUOTED, *REFUND_NAMES.values()]
    rows = map(operator.add, quoted, refunds)
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        kind = {"term_end": pa.date32()}.get(name, pa.string() if "error" in name else pa.int64())
        expected = pa.chunked_array([pa.array(values, kind).take(drawn)])
        assert expected.equals(refunded.column(name).cast(kind)), name
