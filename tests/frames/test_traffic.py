"""Traffic over columns equals that of ``measure_traffic``, customer by customer."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st
from tests.frames import engines, many_rows, traffic_rows
from tests.frames.tables import missing_or

from channelplans.errors import InvalidValue, WrongType
from channelplans.frames import traffic_frame

COLUMNS, MEASURED = list(traffic_rows.COLUMNS), list(traffic_rows.MEASURED)
WARSAW = ZoneInfo("Europe/Warsaw")
CUSTOMERS = "abcdefghijklmnopqrst"


def check(rows, engine, zone, weekdays=range(7), *, expected=None):
    """Compare the row of each customer, and return the customers that are beyond the engine."""
    frame = engines.make(engine, rows, COLUMNS)
    measured = traffic_frame(frame, by="customer", zone=zone, weekdays=weekdays)
    read = {row[0]: row[1:] for row in engines.rows_of(measured, ["customer", *MEASURED])}
    expected = traffic_rows.measure(rows, zone, weekdays) if expected is None else expected
    left_out = {name for name, row in read.items() if row[-1] == "beyond_engine"}
    assert {name: row for name, row in expected.items() if name not in left_out} == {
        name: row for name, row in read.items() if name not in left_out
    }
    return left_out


@pytest.mark.slow
@pytest.mark.in_turn("key", traffic_rows.ZONES)
def test_traffic_frame_equals_the_scalar_function_at_edges(key, quick_engine):
    """Calls around midnight and changes of the clock are measured as by ``measure_traffic``."""
    zone = traffic_rows.ZONES[key]
    left_out = check(traffic_rows.edge_rows(zone), quick_engine, zone)

    assert "unknown" in left_out
    assert len(left_out) == 1 or key == "America/St_Johns"


@cache
def warsaw_rows():
    """Return calls at edges and random calls, and what is measured on working days in Warsaw."""
    rows = [*traffic_rows.edge_rows(WARSAW), *traffic_rows.long_rows()]
    rows += traffic_rows.random_rows(5, 400)
    return rows, traffic_rows.measure(rows, WARSAW, range(5))


@pytest.mark.slow
def test_traffic_frame_equals_the_scalar_function_on_each_engine(quick_engine):
    """Each engine measures edges and random calls in Warsaw, on working days, as one by one."""
    rows, expected = warsaw_rows()

    assert check(rows, quick_engine, WARSAW, range(5), expected=expected) == {"unknown"}


def test_traffic_frame_of_pandas_stays_whole_in_a_zone_with_many_changes():
    """pandas warns of a frame in many parts; here a warning is an error."""
    rows = [("a", datetime(2014, 1, 1, tzinfo=UTC), 60)]

    assert check(rows, "pandas", traffic_rows.ZONES["Pacific/Apia"]) == set()


def test_traffic_frame_of_pandas_with_pyarrow_has_instants_of_pyarrow():
    """With pandas in types of pyarrow, the instant of the peak is one of pyarrow."""
    start = datetime(2026, 1, 5, 10, tzinfo=UTC)
    engines.start("pandas with pyarrow")
    frame = engines.make("pandas with pyarrow", [("a", start, 60)], COLUMNS)
    measured = traffic_frame(frame, by="customer")

    assert "timestamp[us, tz=UTC][pyarrow]" == str(measured["peak_at"].dtype)
    assert [start] == [*measured["peak_at"]]


def test_traffic_frame_leaves_out_days_that_a_clock_showed_twice():
    """Until 2011, the clock of St. John's was put back just after midnight."""
    rows = [(str(year), datetime(year, 1, 1, tzinfo=UTC), 60) for year in (2010, 2014)]

    assert check(rows, "polars", traffic_rows.ZONES["America/St_Johns"]) == {"2010"}


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_traffic_frame_reads_instants_of_each_unit(unit, quick_engine):
    """Instants can count seconds or nanoseconds; parts of a microsecond are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    start = datetime(2026, 1, 5, 10, tzinfo=UTC)
    instants = pa.array([start, None], pa.timestamp(unit, "Europe/Warsaw"))
    if unit == "ns":
        instants = pc.add(instants, pa.scalar(999, pa.duration("ns")))
    columns = {"start": instants, "seconds": [60, 60], "customer": ["a", "b"]}
    frame = engines.from_table(quick_engine, pa.table(columns))
    if (quick_engine, unit) == ("duckdb", "ns"):
        # DuckDB has no nanoseconds with a time zone.
        with pytest.raises(WrongType, match="start"):
            traffic_frame(frame)
        return
    measured = traffic_frame(frame, by="customer", results={"peak_at": "at"})

    read = sorted(engines.rows_of(measured, ["customer", "at", "error"]))
    assert [("a", start, None), ("b", None, "wrong-type")] == read


@pytest.mark.slow
@given(st.data())
@settings(max_examples=engines.EXAMPLES)
def test_traffic_frame_equals_the_scalar_function(quick_engine, data):
    """Any calls in any zone on any weekdays are measured as by ``measure_traffic``."""
    zone = data.draw(st.sampled_from([*traffic_rows.ZONES.values()]))
    weekdays = data.draw(st.sets(st.integers(0, 6)))
    seconds_between = st.integers(0, 10**9)
    epoch = datetime(2014, 1, 1, tzinfo=UTC)
    start = seconds_between.map(lambda after: epoch + timedelta(seconds=after))
    first = data.draw(start)
    near = st.timedeltas(timedelta(0), timedelta(days=40)).map(first.__add__)
    seconds = missing_or(st.integers(-1, 100) | st.integers(0, 400_000))
    row = st.tuples(st.sampled_from(CUSTOMERS), near | start, seconds)
    rows = data.draw(st.lists(row, min_size=20, max_size=80))
    check(rows, quick_engine, zone, weekdays)


@cache
def answered_rows(seed):
    """Return many calls, copies of random ones, and what is measured for each customer."""
    rows = traffic_rows.random_rows(seed, many_rows.DIFFERENT, customers=50)
    calls = many_rows.copy(engines.table(rows, COLUMNS), "customer")
    measured = traffic_rows.measure(rows, WARSAW)
    copies = range(calls.num_rows // len(rows))
    return calls, {f"{name}-{copy}": row for name, row in measured.items() for copy in copies}


@pytest.mark.slow
def test_many_calls_equal_the_scalar_function(quick_engine, seed):
    """Many random calls of many customers are measured as by ``measure_traffic``."""
    calls, expected = answered_rows(seed)
    measured = traffic_frame(engines.from_table(quick_engine, calls), by="customer", zone=WARSAW)

    read = engines.rows_of(measured, ["customer", *MEASURED])
    assert expected == {row[0]: row[1:] for row in read}


@pytest.mark.parametrize("engine_name", ["polars", "duckdb"])
def test_traffic_frame_measures_all_calls_together(engine_name):
    """Without a customer there is one row; starts in whole seconds give whole numbers."""
    engines.start(engine_name)
    start = datetime(2026, 1, 5, 10, tzinfo=UTC)
    rows = [(int(start.timestamp()) + 60 * call, 300) for call in range(10)]
    frame = engines.make(engine_name, rows, ["start", "seconds"])
    measured = traffic_frame(frame, results={"peak": "most", "peak_at": "at", "first_day": "day"})

    day = (date(2026, 1, 5) - date(1970, 1, 1)).days
    expected = [(5, int(start.timestamp()) + 240, day, None)]
    assert expected == engines.rows_of(measured, ["most", "at", "day", "error"])


def test_traffic_frame_refuses_calls_without_a_customer():
    """Calls without a customer have one row, whose customer is missing."""
    start = datetime(2026, 1, 5, 10, tzinfo=UTC)
    frame = engines.make("polars", [("a", start, 60), (None, start, 60)], COLUMNS)
    measured = traffic_frame(frame, by="customer")

    read = engines.rows_of(measured, ["customer", "calls", "error"])
    assert sorted(read, key=str) == [("a", 1, None), (None, None, "wrong-type")]


@pytest.mark.slow
def test_traffic_frame_leaves_out_centuries_of_calls(quick_engine):
    """A customer whose calls last for more than 285 years in one hour of the clock is left out."""
    start = datetime(2026, 1, 5, 10, tzinfo=UTC)
    year, centuries = [("year", start, 86_400 * 350)], [("many", start, 86_400 * 3_000)] * 4_000
    frame = engines.make(quick_engine, year + centuries, COLUMNS)
    measured = traffic_frame(frame, by="customer")

    codes = dict(engines.rows_of(measured, ["customer", "error"]))
    assert codes == {"year": None, "many": "beyond_engine"}


def test_traffic_frame_leaves_out_a_call_over_two_changes_of_the_clock(quick_engine):
    """In Warsaw, a call of nearly a year runs over two changes of the clock."""
    rows = [("year", datetime(2026, 1, 5, 10, tzinfo=UTC), 86_400 * 350)]

    assert check(rows, quick_engine, WARSAW) == {"year"}


@pytest.mark.parametrize("engine_name", ["polars", "pandas"])
def test_traffic_frame_refuses_starts_outside_the_calendar(engine_name):
    """Seconds since 1970 outside the years 2 to 9998 are illegal, and do not stop the others.

    The changes of a zone's clock are not known in the first days of 1970.
    """
    engines.start(engine_name)
    rows = [(place, start, 60) for place, start in enumerate((-(10**18), 10**18, 2**62, 0))]
    frame = engines.make(engine_name, rows, COLUMNS)
    measured = traffic_frame(frame, by="customer")

    codes = dict(engines.rows_of(measured, ["customer", "error"]))
    assert codes == {**dict.fromkeys(range(3), "invalid-value"), 3: "beyond_engine"}


class Shifted(tzinfo):
    """A zone that is neither a ZoneInfo nor a timezone, an hour ahead of UTC."""

    def utcoffset(self, _instant):
        """Return how far the clock is ahead."""
        return timedelta(hours=1)

    def dst(self, _instant):
        """Return nothing, because the clock does not change."""

    def tzname(self, _instant):
        """Return the name of the zone."""
        return "shifted"


def test_traffic_frame_refuses_by_name():
    """Another class of zone, an unknown weekday and another engine are refused before the run."""
    frame = engines.make("polars", [("a", datetime(2026, 1, 5, tzinfo=UTC), 60)], COLUMNS)
    with pytest.raises(InvalidValue, match="zone"):
        traffic_frame(frame, zone=Shifted())
    with pytest.raises(InvalidValue, match="weekday"):
        traffic_frame(frame, weekdays=[7])
    with pytest.raises(InvalidValue, match="results"):
        traffic_frame(frame, by="customer", results={"peak": "customer"})
    with pytest.raises(WrongType, match="start"):
        traffic_frame(frame, start="customer")
    with pytest.raises(WrongType, match="pyarrow"):
        traffic_frame(engines.to_arrow(frame))


def test_traffic_frame_refuses_pyspark_by_name(pyspark):
    """PySpark would need a second mechanism, so it is refused before the run."""
    frame = engines.make(pyspark, [("a", datetime(2026, 1, 5, tzinfo=UTC), 60)], COLUMNS)
    with pytest.raises(WrongType, match="not a frame of pyspark"):
        traffic_frame(frame)
