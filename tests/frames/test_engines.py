"""What all functions of the room share: columns, types, refusals, laziness, and exact numbers."""

import ast
import inspect
from cProfile import Profile
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.frames import call_rows, engines, scalar, tables

import channelplans.frames
from channelplans import (
    EUR,
    SKYPE_CONNECT,
    Ladder,
    LadderMode,
    QuantityRule,
    RefundBasis,
    RefundRule,
    Tariff,
    Tier,
)
from channelplans.errors import ChannelPlansError, InvalidValue, WrongType
from channelplans.frames import (
    normalize_frame,
    quote_frame,
    rate_calls_frame,
    refund_frame,
    renewals_frame,
    size_frame,
    traffic_frame,
    violations_frame,
)
from channelplans.frames._codes import CODES
from channelplans.offers import OFFERS

DAY = date(2026, 1, 5)
REQUEST = ["channels", "bundles", "on"]
ROWS = [(105, 2, DAY), (None, 0, None), (350, 1, date(2024, 2, 29))]
TARIFF = tables.TARIFFS["flat"]
RULE = SKYPE_CONNECT.quantity


def quoted(engine, rows=ROWS, offer=SKYPE_CONNECT, tariff=TARIFF, *, dates=True, **choices):
    """Return the frame of a few quotes."""
    return quote_frame(engines.make(engine, rows, REQUEST, dates=dates), offer, tariff, **choices)


ALL_COLUMNS = [*REQUEST, "ended_on", *call_rows.COLUMNS, "start"]
CALL = ("s", 1, "+12125550100", "US", 61, 900, 0, datetime(2026, 1, 5, 10, tzinfo=UTC))


def make_all(engine, rows, prefix=""):
    """Return a number of equal rows as a frame with the columns of all functions."""
    columns = [prefix + name for name in ALL_COLUMNS]
    return engines.make(engine, [(5, 1, DAY, DAY, *CALL)] * rows, columns)


def compute_all(frame, engine, prefix=""):
    """Return what each function returns for a frame, by the function's name.

    Args:
        frame: the frame.
        engine: its engine. Only ``traffic_frame`` is not for PySpark.
        prefix: what the names of its columns start with.
    """
    channels, bundles, on, ended_on, *others = [prefix + name for name in ALL_COLUMNS]
    subscription, call, number, destination, seconds, granted, used, start = others
    requested = {"channels": channels, "bundles": bundles}
    names: dict[str, Any] = {name: f"paid {name}" for name in scalar.QUOTED}
    paid = quote_frame(frame, SKYPE_CONNECT, TARIFF, **requested, on=on, results=names)
    del names["granted"], names["error"]
    results = {
        "normalize": normalize_frame(frame, RULE, channels=channels),
        "violations": violations_frame(frame, SKYPE_CONNECT, **requested),
        "refund": refund_frame(
            paid,
            SKYPE_CONNECT,
            rule=RefundRule(bundles=RefundBasis.MINUTES),
            on=ended_on,
            term_start=on,
            used_seconds=used,
            bundles=bundles,
            **names,
        ),
        "renewals": renewals_frame(frame, SKYPE_CONNECT, bought_on=on, on=on, until=ended_on),
        "size": size_frame(
            frame, employees=bundles, most_employees=10, results={"channels": "to buy"}
        ),
        "rate calls": rate_calls_frame(
            frame,
            SKYPE_CONNECT,
            TARIFF,
            number=number,
            destination=destination,
            seconds=seconds,
            granted_seconds=granted,
            used_seconds=used,
            subscription=subscription,
            order=[call],
        ),
    }
    if engine != "pyspark":
        results["traffic"] = traffic_frame(frame, start=start, seconds=seconds, by=subscription)
    return results


@cache
def computed_frames(engine):
    """Return what each function returns for one row."""
    return compute_all(make_all(engine, 1), engine)


def test_frames_return_the_type_that_came_in(engine):
    """Each function returns a frame of the caller's type, and lazy frames stay lazy."""
    frame = make_all(engine, 1)

    assert {type(frame)} == {*map(type, computed_frames(engine).values())}


def fail_when_run(engine, frame, message):
    """Return a lazy frame whose query fails with a message."""
    if engine == "duckdb":
        return frame.filter(f"error('{message}' || seconds) IS NULL")
    if engine == "pyspark":
        return frame.where(f"raise_error('{message}' || seconds) IS NULL")

    def fail(_):
        raise RuntimeError(message)

    return frame.map_batches(fail, schema=frame.collect_schema())


@pytest.mark.slow
@pytest.mark.parametrize("engine_name", ["polars lazy", "duckdb", "pyspark"])
def test_lazy_frames_run_no_query(engine_name):
    """No function runs the query of a lazy frame; only the caller does."""
    engines.start(engine_name)
    frame = fail_when_run(engine_name, make_all(engine_name, 1), "the query ran")
    for computed in compute_all(frame, engine_name).values():
        with pytest.raises(Exception, match="the query ran"):
            engines.to_arrow(computed)


def read_results(frames, prefix=""):
    """Return the results in each frame as a table, without the caller's columns."""
    tables_read = {name: engines.to_arrow(frame) for name, frame in frames.items()}
    given = {prefix + name for name in ALL_COLUMNS}
    return {
        name: read.select([column for column in read.column_names if column not in given])
        for name, read in tables_read.items()
    }


@cache
def computed_results(engine):
    """Return the results of each function for one row, as tables."""
    return read_results(computed_frames(engine))


@pytest.mark.slow
def test_each_function_reads_columns_of_any_name(engine):
    """Each function gives the same results, whatever the caller names the columns."""
    renamed = read_results(compute_all(make_all(engine, 1, "my "), engine, "my "), "my ")

    assert computed_results(engine) == renamed


OTHER_TYPES = {
    "adjusted": "bool",
    "peak_at": "timestamp",
    **dict.fromkeys(("first_day", "last_day", "paid term_end", "next_renewal"), "date"),
    **dict.fromkeys(("first_term_start", "last_term_end"), "date"),
}


@pytest.mark.slow
def test_results_have_the_types_of_the_documentation(engine):
    """Numbers are int64, days are dates, loads are doubles, and codes are text."""
    for read in computed_results(engine).values():
        for field in read.schema:
            wanted = OTHER_TYPES.get(field.name, "int64")
            if field.name.startswith("erlangs"):
                wanted = "double"
            elif field.name.endswith("error"):
                # An Enum of polars is a dictionary of texts, and some engines have long texts.
                wanted = "dictionary" if engine.startswith("polars") else "string"
            elif wanted == "date" and engine == "pandas":
                wanted = "timestamp"
            assert str(field.type).removeprefix("large_").startswith(wanted), field


def test_days_are_dates_if_dates_came_in(engine):
    """The end of a term is a date for dates, and a whole number for days since 1970-01-01."""
    for dates in (True, False):
        expected = [day if dates else engines.day_number(day) for day in (date(2026, 2, 4),)]
        read = engines.rows_of(quoted(engine, ROWS[:1], dates=dates), ["term_end"])

        assert expected == [day for (day,) in read]


def test_pandas_with_numpy_has_nullable_results():
    """With numpy-backed pandas, results are Int64, boolean and instants; codes are text."""
    engines.start("pandas")
    kinds = {name: str(kind) for name, kind in quoted("pandas").dtypes.items()}

    assert {"Int64"} == {kinds[name] for name in scalar.QUOTED if name not in {"term_end", "error"}}
    assert "datetime64[s]" == kinds["term_end"]
    normalized = normalize_frame(engines.make("pandas", [(5,), (None,)], ["channels"]), RULE)
    assert "boolean" == str(normalized["adjusted"].dtype)
    assert "Int64" == str(quoted("pandas", dates=False)["term_end"].dtype)


def test_pandas_with_pyarrow_has_results_of_pyarrow():
    """With pandas in types of pyarrow, all results are in types of pyarrow."""
    engines.start("pandas with pyarrow")
    kinds = quoted("pandas with pyarrow").dtypes.astype(str)

    assert {"int64[pyarrow]"} == {*kinds[["granted", "total_minor"]]}
    assert "date32[day][pyarrow]" == kinds["term_end"]
    assert kinds["error"] in {"string", "string[pyarrow]"}


def test_pandas_keeps_the_index():
    """The rows of a pandas frame keep their labels, whatever the labels are."""
    engines.start("pandas")
    frame = engines.make("pandas", ROWS, REQUEST).set_index([["b", "a", "b"]])
    read = quote_frame(frame, SKYPE_CONNECT, TARIFF)

    assert ["b", "a", "b"] == list(read.index)
    assert [100] == list(read["granted"].dropna())


def test_pandas_refuses_instants_within_a_day():
    """An instant that is not midnight has no day without a time zone, so its row is refused."""
    engines.start("pandas")
    frame = engines.make("pandas", [(5, 0, DAY), (5, 0, DAY)], REQUEST)
    frame["on"] += [timedelta(0), timedelta(hours=1)]

    codes = [(None,), ("wrong-type",)]
    assert codes == engines.rows_of(quote_frame(frame, SKYPE_CONNECT, TARIFF), ["error"])


def test_pyarrow_tables_are_priced_and_refunded():
    """A table of pyarrow is quoted and refunded as row by row; it is supported as best effort."""
    engines.start("pyarrow")
    rows = [(5, 2, DAY, date(2026, 1, 15)), (5, None, DAY, DAY)]
    frame = engines.make("pyarrow", rows, [*REQUEST, "ended_on"])
    paid = quote_frame(frame, SKYPE_CONNECT, TARIFF)
    refunded = refund_frame(
        paid, SKYPE_CONNECT, results={"returned_minor": "returned"} | {"error": "e"}
    )
    first = scalar.quote_of(SKYPE_CONNECT, TARIFF, 5, 2, DAY)

    expected = [scalar.quote_row(SKYPE_CONNECT, TARIFF, *row[:3]) for row in rows]
    assert expected == engines.rows_of(paid, list(scalar.QUOTED))
    returned = scalar.refund_row(first, date(2026, 1, 15))[0]
    assert [(returned, None), (None, "wrong-type")] == engines.rows_of(refunded, ["returned", "e"])


def test_columns_and_results_have_the_names_that_the_caller_gives(quick_engine):
    """The caller names every column, and chooses and names the results."""
    names = ["total_minor", "gewünscht", "Pakete"]
    frame = engines.make(quick_engine, [(DAY, 105, 2)], ["day `x`", "gewünscht", "Pakete"])
    priced = quote_frame(
        frame,
        SKYPE_CONNECT,
        TARIFF,
        channels="gewünscht",
        bundles="Pakete",
        on="day `x`",
        results={"total_minor": "total_minor"},
    )

    assert ["day `x`", *names[1:], "total_minor", "error"] == engines.to_arrow(priced).column_names
    assert [(74000 + 2500, 105, 2)] != engines.rows_of(priced, names)
    total = scalar.quote_of(SKYPE_CONNECT, TARIFF, 105, 2, DAY).total.minor
    assert [(total, 105, 2)] == engines.rows_of(priced, names)


def test_pyspark_quotes_names_of_columns(pyspark):
    """On PySpark, a column of days can have any name."""
    frame = engines.make(pyspark, [(5, DAY)], ["channels", "the first day"])
    priced = quote_frame(
        frame,
        SKYPE_CONNECT,
        TARIFF,
        bundles=None,
        on="the first day",
        results={"term_end": "the end"},
    )

    assert [(DAY, date(2026, 2, 4))] == engines.rows_of(priced, ["the first day", "the end"])


def test_results_leave_other_columns_as_they_are(quick_engine):
    """The caller's columns keep their order and values, and nothing but the results is added."""
    frame = engines.make(quick_engine, ROWS, REQUEST)
    read = engines.to_arrow(quote_frame(frame, SKYPE_CONNECT, TARIFF))

    assert [*REQUEST, *scalar.QUOTED] == read.column_names
    assert ROWS == engines.rows_of(quote_frame(frame, SKYPE_CONNECT, TARIFF), REQUEST)


@pytest.mark.parametrize(
    ("choices", "parameter"),
    [
        ({"channels": "chanels"}, "channels"),
        ({"results": {"total": "price"}}, "results"),
        ({"results": {"error": "on"}}, "results['error']"),
        ({"results": {"granted": "x", "error": "X"}}, "results['error']"),
        ({"results": {"granted": ""}}, "results['granted']"),
    ],
)
def test_wrong_names_are_refused_by_name(choices, parameter):
    """A column that does not exist, and a result that exists already, are refused."""
    with pytest.raises(InvalidValue) as caught:
        quoted("polars", **choices)
    assert parameter == caught.value.parameter


def test_an_error_lists_only_the_first_columns():
    """The error for a missing column does not list hundreds of columns."""
    frame = engines.make("polars", [range(40)], [f"c{number}" for number in range(40)])

    with pytest.raises(InvalidValue, match="'c11' and 28 more"):
        normalize_frame(frame, RULE)


def test_frames_of_other_engines_are_refused_by_name():
    """Something that is no frame, and a frame of another library, are refused."""
    sqlframe = pytest.importorskip("sqlframe.duckdb")
    other = sqlframe.DuckDBSession().createDataFrame([{"channels": 5}])
    for frame in ([1, 2], {"channels": [5]}, other):
        with pytest.raises(WrongType, match="a frame of polars, pandas, DuckDB, PySpark") as caught:
            normalize_frame(frame, RULE)  # type: ignore[type-var]
        assert "frame" == caught.value.parameter


@pytest.mark.parametrize(
    ("column", "values", "parameter"),
    [
        ("channels", [5.0], "channels"),
        ("channels", ["5"], "channels"),
        ("channels", [True], "channels"),
        ("on", [datetime(2026, 1, 5)], "on"),  # noqa: DTZ001 - without a time zone on purpose
        ("on", ["2026-01-05"], "on"),
    ],
)
def test_columns_of_wrong_types_are_refused_by_name(column, values, parameter):
    """Floats, text, flags and instants are refused before the run, as in the scalar functions."""
    import polars as pl

    frame = pl.DataFrame({"channels": [5], "bundles": [0], "on": [DAY]} | {column: values})

    with pytest.raises(WrongType, match=f"'{column}' of type") as caught:
        quote_frame(frame, SKYPE_CONNECT, TARIFF)
    assert parameter == caught.value.parameter


def test_pandas_refuses_floats_and_zoned_instants_by_name():
    """A column that pandas turned into floats because of its nulls is refused, with advice."""
    engines.start("pandas")
    frame = engines.make("pandas", [(5, 0, DAY)], REQUEST)
    for change in ({"channels": [5.0]}, {"on": frame["on"].dt.tz_localize("UTC")}):
        with pytest.raises(WrongType, match="in a type such as Int64"):
            quote_frame(frame.assign(**change), SKYPE_CONNECT, TARIFF)


def test_narrow_columns_are_read(quick_engine):
    """Columns of fewer than 64 bits work like wider ones."""
    import pyarrow as pa

    arrow_table = engines.table([(105, 2)], ["channels", "bundles"])
    narrow = arrow_table.cast(pa.schema({"channels": pa.int16(), "bundles": pa.int8()}))
    frame = engines.from_table(quick_engine, narrow)
    wanted = [(100, None)]

    assert wanted == engines.rows_of(normalize_frame(frame, RULE), ["granted", "error"])
    codes = violations_frame(frame, SKYPE_CONNECT)
    assert [(None, None, None)] == engines.rows_of(
        codes, ["channels_error", "bundles_error", "error"]
    )


def large(price, bundle, offer=SKYPE_CONNECT, **fields):
    """Return an offer and a tariff with large prices."""
    return offer, Tariff("large", EUR, channel=price, bundle=bundle, **fields)


LARGE = "9" * 15
MILLION = OFFERS["voip-yonder"]
LADDER = Ladder(
    (Tier(3, unit="0.3333333"), Tier(10, unit=LARGE, pack=2), Tier(None, flat="5", unit=LARGE)),
    mode=LadderMode.GRADUATED,
)


@pytest.mark.parametrize(
    ("offer", "tariff"),
    [
        large(LARGE, LARGE),
        large(LARGE, None),
        large("1", LARGE, channel_setup=LARGE),
        large(LADDER, LADDER),
        large("9" * 13, "9" * 13, attrs.evolve(SKYPE_CONNECT, term=OFFERS["didww"].term)),
        large(LARGE, LARGE, MILLION),
        large(LADDER, LADDER, MILLION),
        large("9" * 11, "9" * 11, MILLION, setup="9" * 15),
        large("9" * 16, "9" * 16, setup="9" * 16),
    ],
)
def test_an_overflow_gives_a_code_and_never_a_wrong_number(offer, tariff, quick_engine):
    """Where a price is too long, the code says so; where it fits, the price is exact."""
    check_overflow(offer, tariff, quick_engine)


def test_an_overflow_gives_a_code_and_never_a_wrong_number_on_pyspark(pyspark):
    """PySpark divides exactly only up to 2^53, and so refuses more rows, but none wrongly."""
    for price in (LADDER, LARGE):
        offer, tariff = large(price, price, MILLION)
        check_overflow(offer, tariff, pyspark)


def check_overflow(offer, tariff, engine):
    """Compare an engine's quotes with the scalar ones, where it can compute them."""
    days = (DAY, date(2026, 1, 31), date(2026, 2, 1))
    counts = (0, 1, 2, 3, 4, 9, 10, 11, 99, 100, 300, 10**6)
    rows = [(c, b, day) for c in counts for b in counts for day in days[:2]]
    read = engines.rows_of(quoted(engine, rows, offer, tariff), list(scalar.QUOTED))
    expected = [scalar.quote_row(offer, tariff, *row) for row in rows]

    compared = [
        wanted if result[-1] != "beyond_engine" else (*[None] * 6, "beyond_engine")
        for wanted, result in zip(expected, read, strict=True)
    ]
    assert compared == read
    # Below the limit of the engine no row is beyond it.
    limit = 2**53 if engine == "pyspark" else 10**18
    for wanted, result in zip(expected, read, strict=True):
        if result[-1] == "beyond_engine" and wanted[-1] is None:
            assert offer is MILLION or wanted[-3] > limit // 31 or tariff.channel is LADDER


PAID = ["channels_minor", "bundles_minor", "total_minor", "on", "term_end", "ended_on"]


def paid_frame(engine, amounts):
    """Return paid terms of 30 days, all of which end after 11 days."""
    days = (DAY, DAY + timedelta(30), DAY + timedelta(11))
    return engines.make(engine, [(first, 0, first, *days) for first in amounts], PAID)


def test_refunds_are_exact_up_to_the_limit_of_the_engine(engine):
    """Amounts up to 2^53 are refunded exactly; a larger amount has a code or is exact too."""
    amounts = [0, 1, 29, 30, 31, 2**53 - 1, 2**53, 2**53 + 1, 10**17 + 3, 10**18 - 1, 10**18, -1]
    refunded = refund_frame(paid_frame(engine, amounts), SKYPE_CONNECT)
    read = engines.rows_of(refunded, ["returned_minor", "error"])

    for amount, (returned, code) in zip(amounts, read, strict=True):
        if not 0 <= amount < 10**18:
            assert (None, "invalid-value") == (returned, code)
        elif amount <= 2**53 or code is None:
            assert ((2 * amount * 19 + 30) // 60, None) == (returned, code)
        else:
            assert (None, "beyond_engine") == (returned, code)


def test_terms_that_are_no_terms_are_refused(quick_engine):
    """A term that ends before it starts, or is longer than the offer's, has a code."""
    ends = [DAY, DAY - timedelta(1), DAY + timedelta(31), DAY + timedelta(30), None]
    rows = [(1, 0, 1, DAY, end, DAY) for end in ends]
    refunded = refund_frame(engines.make(quick_engine, rows, PAID), SKYPE_CONNECT)

    codes = ["invalid-value"] * 3 + [None, "wrong-type"]
    assert codes == [code for (code,) in engines.rows_of(refunded, ["error"])]


def test_days_outside_the_calendar_are_refused(quick_engine):
    """Whole numbers that no date has are refused, also numbers near the limits of 64 bits."""
    days = [-(2**63), -719_163, -719_162, 2_932_896, 2_932_897, 2**63 - 1]
    frame = engines.make(quick_engine, [(5, 0, day, 0) for day in days], [*REQUEST, "until"])
    quotes = quote_frame(frame, SKYPE_CONNECT, TARIFF)
    renewals = renewals_frame(frame, SKYPE_CONNECT, bought_on="on", on="until")
    paid = [(1, 0, 1, 0, 30, day) for day in days]
    refunds = refund_frame(engines.make(quick_engine, paid, PAID), SKYPE_CONNECT)

    codes = ["calendar-ends", "calendar-ends", None, "calendar-ends"] + ["calendar-ends"] * 2
    assert codes == [code for (code,) in engines.rows_of(quotes, ["error"])]
    assert codes == [code for (code,) in engines.rows_of(renewals, ["error"])]
    ended = [*codes[:3], "outside-term", *codes[4:]]
    assert ended == [code for (code,) in engines.rows_of(refunds, ["error"])]


def test_refund_frame_needs_the_seconds_used_if_the_rule_refunds_by_minutes():
    """Without the column of used seconds, a rule by minutes is refused before the run."""
    frame = paid_frame("polars", [5])

    with pytest.raises(InvalidValue, match="refunds by minutes"):
        refund_frame(frame, SKYPE_CONNECT, rule=RefundRule(bundles=RefundBasis.MINUTES))


def test_every_code_but_one_is_a_code_of_an_error():
    """The codes of rows are those of the exceptions; only frames have ``beyond_engine``."""
    known = {error.code for error in _subclasses(ChannelPlansError)}

    assert {"beyond_engine"} == {*CODES} - known
    assert len(CODES) == len({*CODES})


def _subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


@pytest.mark.parametrize("dtype", ["int64", "Int64"])
def test_a_change_of_a_result_in_pandas_changes_no_other_column(dtype):
    """Results have memory of their own, also if they are the numbers that came in."""
    import pandas as pd

    offer = attrs.evolve(SKYPE_CONNECT, quantity=QuantityRule(1, 300))
    requests = pd.DataFrame({"channels": [5, 105], "bundles": [1, 2], "on": [20_000] * 2})
    requests = requests.astype(dtype)
    quoted = quote_frame(requests, offer, TARIFF)
    before, same = requests.copy(), quoted.copy()
    results = [name for name in scalar.QUOTED if name != "error"]
    for name in results:
        quoted.loc[0, name] = -1

    pd.testing.assert_frame_equal(requests, before)
    assert [-1] * len(results) == [*quoted.loc[0, results]]
    pd.testing.assert_frame_equal(quoted.loc[1:], same.loc[1:])
    pd.testing.assert_frame_equal(quoted[REQUEST], before)


def test_no_python_function_is_called_for_each_row():
    """The room passes no function to an engine."""
    folder = Path(inspect.getfile(channelplans.frames)).parent
    called = {
        node.func.attr
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    forbidden = {
        *("apply", "applyInArrow", "applyInPandas", "create_function", "frompyfunc", "map"),
        *("mapInArrow", "mapInPandas", "map_batches", "map_elements", "map_groups", "map_rows"),
        *("pandas_udf", "pipe", "rolling_map", "transform", "udf", "vectorize"),
    }
    assert set() == called & forbidden


def count_calls(frame, engine):
    """Return how many Python functions are called until all functions have their results."""
    with Profile(builtins=False) as profile:
        for computed in compute_all(frame, engine).values():
            engines.to_arrow(computed)
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.slow
def test_more_rows_call_no_more_python_functions(eager_engine):
    """A hundred thousand rows take about as many calls of Python functions as one."""
    calls = [count_calls(make_all(eager_engine, rows), eager_engine) for rows in (1, 100_000)]

    assert calls[1] < calls[0] + 10_000


def test_frames_of_any_size_are_read(engine):
    """A frame without rows keeps its types and gets the columns of the results."""
    frame = engines.from_table(engine, engines.table(ROWS, REQUEST).slice(0, 0))

    read = engines.to_arrow(quote_frame(frame, SKYPE_CONNECT, TARIFF))
    assert ([*REQUEST, *scalar.QUOTED], 0) == (read.column_names, read.num_rows)
