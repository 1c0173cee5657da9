"""What differs from engine to engine: how columns are read as whole numbers, and written.

The rules compute with columns of whole numbers without nulls. Only this module uses an engine's own
methods, where narwhals has none or a slower one.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, cast

import attrs
import narwhals.stable.v2 as nw

from channelplans.frames._codes import CODES

__all__: tuple[str, ...] = ()

#: The engines whose frames can be used, with the names of their libraries.
ENGINES: Final = MappingProxyType(
    {
        nw.Implementation.POLARS: "polars",
        nw.Implementation.PANDAS: "pandas",
        nw.Implementation.DUCKDB: "DuckDB",
        nw.Implementation.PYSPARK: "PySpark",
        nw.Implementation.PYARROW: "pyarrow",
    }
)

#: The largest number that an engine divides exactly if it divides whole numbers as such. A sum of
#: three such numbers fits 64 bits.
LARGEST: Final = 2**61

#: The largest number that ``//`` divides exactly on PySpark, where narwhals divides as doubles.
LARGEST_IN_DOUBLE: Final = 2**53

_EPOCH: Final = date(1970, 1, 1)

#: The first and the last day of the calendar, counted from 1970-01-01.
FIRST_DAY: Final = (date.min - _EPOCH).days
LAST_DAY: Final = (date.max - _EPOCH).days

_SECONDS_IN_DAY: Final = 86_400

# The types of results that can be null, in pandas with pyarrow.
_ARROW_TYPES: Final = MappingProxyType(
    {"whole": "int64[pyarrow]", "flag": "bool[pyarrow]", "fraction": "double[pyarrow]"}
)

# The classes of such results in pandas without pyarrow, and the types of their numbers.
_MASKED: Final = MappingProxyType(
    {
        "whole": ("IntegerArray", "int64"),
        "flag": ("BooleanArray", "bool"),
        "fraction": ("FloatingArray", "float64"),
    }
)


@attrs.frozen
class Result:
    """One of our own columns that becomes a result.

    Attributes:
        source: the column.
        name: its name in the caller's frame.
        kind: ``whole``, ``flag``, ``fraction``, ``day``, ``optional day``, ``instant`` or ``code``.
            An optional day before the calendar is no day. An instant is a number of microseconds
            since 1970.
        is_null: whether the column is null already in rows with a code.
    """

    source: str
    name: str
    kind: str
    is_null: bool = False

    @property
    def stored_as(self) -> str:
        """The kind of its numbers: those of a day or an instant are whole."""
        return self.kind if self.kind in _MASKED else "whole"

    @property
    def is_day(self) -> bool:
        """Whether the result is a day."""
        return self.kind.endswith("day")


def own(name: str) -> str:
    """Return the name of one of our own columns in a frame."""
    return f"_channelplans_{name}"


def missing(name: str) -> str:
    """Return the name of the column that says where a column of the caller has no usable value."""
    return f"{name}_missing"


def _spells_codes(engine: nw.Implementation) -> bool:
    """Return whether a frame at work has codes as text; otherwise as places in ``CODES``.

    Text is slow in pandas and pyarrow. For polars, the text is an Enum of one byte for each row.
    """
    return not (engine.is_pandas() or engine.is_pyarrow())


def has_nulls(engine: nw.Implementation) -> bool:
    """Return whether an operation with a null is null, and a condition that is null is false."""
    return engine.is_polars() or engine.is_duckdb() or engine.is_pyspark()


def name_code(engine: nw.Implementation, place: int | None) -> nw.Expr:
    """Return the code at a place in ``CODES``, as a frame at work has it; None is no code."""
    if not _spells_codes(engine):
        return nw.lit(-1 if place is None else place, dtype=nw.Int8)
    code = None if place is None else CODES[place]
    if engine.is_polars():
        return nw.lit(code, dtype=nw.Enum(CODES))
    # PySpark plans faster if a literal has no type.
    return nw.lit(None, dtype=nw.String) if code is None else nw.lit(code)


def is_accepted(engine: nw.Implementation, code: nw.Expr) -> nw.Expr:
    """Return whether a column of codes has no code."""
    return code.is_null() if _spells_codes(engine) else code < 0


def holds_dates(frame: nw.LazyFrame[Any], name: str) -> bool:
    """Return whether a column has dates; in pandas without pyarrow they are instants."""
    dtype = frame.collect_schema()[name]
    if frame.implementation.is_pandas() and isinstance(dtype, nw.Datetime):
        native: Any = nw.to_native(frame)
        return dtype.time_zone is None and not is_arrow_type(native[name].dtype)
    return dtype == nw.Date


def holds_instants(dtype: nw.dtypes.DType) -> bool:
    """Return whether a column has instants, which have a time zone."""
    return isinstance(dtype, nw.Datetime) and dtype.time_zone is not None


def is_arrow_type(dtype: object) -> bool:
    """Return whether pandas has a column in a type of pyarrow."""
    return str(dtype).endswith("[pyarrow]")


def uses_arrow(frame: nw.LazyFrame[Any], names: Sequence[str]) -> bool:
    """Return whether all of some columns are pandas columns in types of pyarrow."""
    if not frame.implementation.is_pandas():
        return False
    native: Any = nw.to_native(frame)
    return all(is_arrow_type(native[name].dtype) for name in names)


def read(
    frame: nw.LazyFrame[Any],
    whole: Mapping[str, str],
    dates: Mapping[str, str],
    texts: Mapping[str, str],
    instants: Mapping[str, str],
    *,
    keeps_nulls: bool = False,
) -> nw.LazyFrame[Any]:
    """Add our own columns for the caller's: the values, and where a value is missing.

    A missing number is 0, or null on engines where ``has_nulls`` if ``keeps_nulls``. A missing text
    is empty.

    Args:
        frame: the caller's frame.
        whole: our names, and the names of the caller's columns of whole numbers.
        dates: the same for columns of dates, which are read as days since 1970-01-01.
        texts: the same for columns of text.
        instants: the same for columns of instants, which are read as microseconds since 1970.
        keeps_nulls: whether the rules can compute with nulls.
    """
    engine, types = frame.implementation, frame.collect_schema()
    if engine.is_pandas():
        return _read_pandas(frame, whole, dates, texts, instants)
    if engine.is_pyspark() and dates:
        days = [
            f"unix_date({_in_sql(name)}) AS {own(own_name)}" for own_name, name in dates.items()
        ]
        frame = nw.from_native(nw.to_native(frame).selectExpr("*", *days))
        columns = {own_name: nw.col(own(own_name)) for own_name in dates}
    elif engine.is_duckdb():
        columns = {own_name: nw.col(name) - nw.lit(_EPOCH) for own_name, name in dates.items()}
    else:
        columns = {own_name: nw.col(name).cast(nw.Int32) for own_name, name in dates.items()}
    if engine.is_duckdb() and instants:
        quoted = {own_name: _in_sql(name, '"') for own_name, name in instants.items()}
        moments = [f"epoch_us({name}) AS {own(own_name)}" for own_name, name in quoted.items()]
        frame = nw.from_native(nw.to_native(frame).project(", ".join(["*", *moments])))
        columns |= {own_name: nw.col(own(own_name)) for own_name in instants}
    else:
        columns |= {
            own_name: nw.col(name).dt.timestamp("us") for own_name, name in instants.items()
        }
    columns |= {own_name: nw.col(name) for own_name, name in whole.items()}
    # PySpark plans faster without casts that change nothing.
    uncast = {own_name for own_name, name in whole.items() if types[name] == nw.Int64}
    if keeps_nulls and engine.is_polars():
        # A day needs no more than the 32 bits that polars has for a date.
        uncast |= dates.keys()
    columns = {
        name: value if name in uncast else value.cast(nw.Int64) for name, value in columns.items()
    }
    if not (keeps_nulls and has_nulls(engine)):
        columns = {name: value.fill_null(0) for name, value in columns.items()}
    values = [value.alias(own(own_name)) for own_name, value in columns.items()]
    values += [
        nw.col(name).cast(nw.String).fill_null("").alias(own(own_name))
        for own_name, name in texts.items()
    ]
    gaps = [
        nw.col(name).is_null().alias(own(missing(own_name)))
        for own_name, name in {**whole, **dates, **texts, **instants}.items()
    ]
    return frame.with_columns(*values, *gaps)


def _in_sql(name: str, quote: str = "`") -> str:
    escaped = name.replace(quote, quote * 2)
    return f"{quote}{escaped}{quote}"


def _read_pandas(
    frame: nw.LazyFrame[Any],
    whole: Mapping[str, str],
    dates: Mapping[str, str],
    texts: Mapping[str, str],
    instants: Mapping[str, str],
) -> nw.LazyFrame[Any]:
    native: Any = nw.to_native(frame)
    columns: dict[str, Any] = {}
    for own_name, name in instants.items():
        series = native[name]
        gaps = series.isna()
        if is_arrow_type(series.dtype):
            # A cast to a type of pandas would call a Python function for each instant.
            instants_us = series.dt.floor("us").astype("timestamp[us, tz=UTC][pyarrow]")
            numbers = instants_us.astype("int64[pyarrow]").fillna(0).astype("int64")
        else:
            local = series.astype("datetime64[us, UTC]").dt.tz_localize(None)
            numbers = local.astype("int64").where(~gaps, 0)
        columns[own(own_name)], columns[own(missing(own_name))] = numbers, gaps
    for own_name, name in texts.items():
        gaps = native[name].isna()
        # Without pyarrow, pandas calls a Python function for each text.
        columns[own(own_name)] = native[name].astype("string[pyarrow]").fillna("")
        columns[own(missing(own_name))] = gaps
    for own_name, name in whole.items():
        gaps = native[name].isna()
        columns[own(own_name)] = native[name].fillna(0).astype("int64")
        columns[own(missing(own_name))] = gaps
    for own_name, name in dates.items():
        series = native[name]
        gaps = series.isna()
        if is_arrow_type(series.dtype):
            days = series.astype("int32[pyarrow]").fillna(0).astype("int64")
        else:
            moments = series.to_numpy()
            midnights = moments.astype("datetime64[D]")
            # An instant within a day has no civil day without a time zone.
            gaps |= midnights != moments
            days = gaps.astype("int64") * 0 + midnights.astype("int64")
            days = days.where(~gaps, 0)
        columns[own(own_name)], columns[own(missing(own_name))] = days, gaps
    return cast("nw.LazyFrame[Any]", nw.from_native(native.assign(**columns)))


def write(
    frame: nw.LazyFrame[Any],
    columns: Sequence[str],
    results: Sequence[Result],
    *,
    dates: bool,
    arrow: bool,
) -> Any:
    """Return the caller's columns and the results, in a frame of the caller's engine.

    Args:
        frame: the caller's columns and our own.
        columns: the names of the caller's columns.
        results: the results in their order. ``error`` has the code of each row, and the other
            results of a row with a code are null.
        dates: whether days are written as dates.
        arrow: whether pandas gets the types of pyarrow.
    """
    engine = frame.implementation
    if engine.is_pandas():
        return _write_pandas(frame, columns, results, dates=dates, arrow=arrow)
    accepted = is_accepted(engine, nw.col(own("error")))
    written = [_write_one(engine, result, accepted, dates=dates) for result in results]
    selected = nw.to_native(frame.select(*map(nw.col, columns), *written))
    names = [*columns, *(item.name for item in results)]
    instants = [item.name for item in results if item.kind == "instant"]
    if engine.is_duckdb() and instants:
        return selected.project(", ".join(_as_instant(name, name in instants) for name in names))
    days = [item.name for item in results if item.is_day and dates]
    if engine.is_pyspark() and days:
        return selected.selectExpr(*(_as_spark_date(name, name in days) for name in names))
    return selected


def _write_one(
    engine: nw.Implementation, result: Result, accepted: nw.Expr, *, dates: bool
) -> nw.Expr:
    value = nw.col(own(result.source))
    if result.kind == "code":
        return (value if _spells_codes(engine) else _spell_codes(value)).alias(result.name)
    if result.kind == "optional day":
        accepted &= value >= FIRST_DAY
    is_null = result.is_null and result.kind != "optional day"
    written = value if is_null else nw.when(accepted).then(value)
    if result.is_day and dates:
        if engine.is_duckdb():
            written = nw.lit(_EPOCH) + written.cast(nw.Int32)
        elif not engine.is_pyspark():
            written = written.cast(nw.Int32).cast(nw.Date)
    if result.kind == "instant" and engine.is_polars():
        written = written.cast(nw.Datetime("us", "UTC"))
    return written.alias(result.name)


def _as_spark_date(name: str, is_day: bool) -> str:
    quoted = _in_sql(name)
    return f"date_from_unix_date(CAST({quoted} AS INT)) AS {quoted}" if is_day else quoted


def _as_instant(name: str, is_instant: bool) -> str:
    quoted = _in_sql(name, '"')
    return f"make_timestamptz({quoted}) AS {quoted}" if is_instant else quoted


def _spell_codes(value: nw.Expr) -> nw.Expr:
    """Return the text of each code."""
    text = nw.lit(None, dtype=nw.String)
    for place, code in enumerate(CODES):
        text = nw.when(value == place).then(nw.lit(code)).otherwise(text)
    return text


def _write_pandas(
    frame: nw.LazyFrame[Any],
    columns: Sequence[str],
    results: Sequence[Result],
    *,
    dates: bool,
    arrow: bool,
) -> Any:
    native: Any = nw.to_native(frame)
    accepted = native[own("error")] < 0
    pandas: Any = import_module("pandas")
    texts_of_codes = pandas.Series(CODES).array
    number_columns = {} if arrow else _find_number_columns(native)
    written: dict[str, Any] = {}
    for result in results:
        values, present = native[own(result.source)], accepted
        if result.kind == "optional day":
            present = accepted & (values >= FIRST_DAY)
        elif result.kind == "fraction":
            # A column of numpy has NaN where there is no number.
            present = accepted & values.notna()
        if result.kind == "code":
            # No code is -1, for which nothing is taken.
            texts = texts_of_codes.take(values.to_numpy("int64"), allow_fill=True)
            texts = pandas.Series(texts, index=native.index, copy=False)
            written[result.name] = texts.astype("string[pyarrow]") if arrow else texts
        elif result.is_day and dates:
            written[result.name] = _pandas_dates(values, arrow=arrow).where(present)
        elif result.kind == "instant":
            written[result.name] = _pandas_instants(values, arrow=arrow).where(present)
        elif arrow:
            written[result.name] = values.astype(_ARROW_TYPES[result.stored_as]).where(present)
        else:
            written[result.name] = _mask(native, result, present, number_columns)
    return native[list(columns)].assign(**written)


def _find_number_columns(native: Any) -> dict[str, Any]:
    """Return the columns of numbers that pandas stores in numpy, by name."""
    numpy: Any = import_module("numpy")
    return {
        name: native[name].to_numpy()
        for name, dtype in native.dtypes.items()
        if isinstance(dtype, numpy.dtype) and dtype.kind in "biuf"
    }


def _mask(native: Any, result: Result, present: Any, number_columns: Mapping[str, Any]) -> Any:
    """Return a result that is null where it is not present.

    A change of the result must not change another column. So its numbers are copied, but only if
    another column of the frame at work uses the same memory.

    Args:
        native: the frame at work.
        result: the result.
        present: where it is present.
        number_columns: the columns of numbers of the frame at work, by name.
    """
    numpy: Any = import_module("numpy")
    pandas: Any = import_module("pandas")
    class_name, dtype = _MASKED[result.stored_as]
    name = own(result.source)
    numbers = native[name].to_numpy(dtype)
    if any(
        numpy.may_share_memory(numbers, column)
        for column_name, column in number_columns.items()
        if column_name != name
    ):
        numbers = numbers.copy()
    numbers.flags.writeable = True  # pandas gives a view that is read-only
    masked = getattr(pandas.arrays, class_name)(numbers, ~present.to_numpy("bool"))
    return pandas.Series(masked, index=native.index, copy=False)


def _pandas_dates(days: Any, *, arrow: bool) -> Any:
    if arrow:
        return days.astype("int32[pyarrow]").astype("date32[pyarrow]")
    return (days * _SECONDS_IN_DAY).astype("datetime64[s]")


def _pandas_instants(numbers: Any, *, arrow: bool) -> Any:
    if arrow:
        return numbers.astype("int64[pyarrow]").astype("timestamp[us, tz=UTC][pyarrow]")
    return numbers.astype("int64").astype("datetime64[us]").dt.tz_localize("UTC")


def _open(native: Any) -> nw.LazyFrame[Any]:
    return cast("nw.LazyFrame[Any]", nw.from_native(native))


def add_steps(
    frame: nw.LazyFrame[Any], name: str, key: str, edges: Sequence[int], values: Sequence[int]
) -> nw.LazyFrame[Any]:
    """Add a column with the value of the step that each number of another column lies on.

    It is for polars, pandas and DuckDB.

    Args:
        frame: the frame.
        name: the name of the new column.
        key: the column of numbers.
        edges: the first number of each step but the first, in rising order; at least one.
        values: the value of each step.
    """
    engine, native = frame.implementation, cast(Any, nw.to_native(frame))
    if engine.is_polars():
        polars: Any = engine.to_native_namespace()
        step = polars.lit(polars.Series(edges)).search_sorted(polars.col(key), side="right")
        found = polars.lit(polars.Series(values)).gather(step)
        return _open(native.with_columns(found.alias(name)))
    if engine.is_pandas():
        numpy: Any = import_module("numpy")
        steps = numpy.searchsorted(edges, native[key].to_numpy("int64"), side="right")
        return _open(native.assign(**{name: numpy.asarray(values)[steps]}))
    # Only DuckDB is left; it computes one branch of each comparison.
    tree = _step_tree(_in_sql(key, '"'), edges, values)
    return _open(native.project(f"*, CAST({tree} AS BIGINT) AS {name}"))


def divides_in_sql(engine: nw.Implementation) -> bool:
    """Return whether ``divide`` replaces ``//`` on an engine.

    For ``//``, narwhals computes the numerator several times on DuckDB, and doubles on PySpark.
    """
    return engine.is_duckdb() or engine.is_pyspark()


def divide(
    frame: nw.LazyFrame[Any], quotients: Mapping[str, tuple[str, str | int]]
) -> nw.LazyFrame[Any]:
    """Add columns with numerator // denominator for numbers of 0 or more.

    It is for engines for which ``divides_in_sql`` is true.

    Args:
        frame: the frame.
        quotients: the numerator and the denominator of each new column, by its name. The numerator
            is a column; the denominator is a number above 0, or a column of such numbers.
    """
    native: Any = nw.to_native(frame)
    is_spark = frame.implementation.is_pyspark()
    sign = "DIV" if is_spark else "//"
    divisions = [
        f"{numerator} {sign} {denominator} AS {name}"
        for name, (numerator, denominator) in quotients.items()
    ]
    columns = ["*", *divisions]
    return _open(native.selectExpr(*columns) if is_spark else native.project(", ".join(columns)))


def consolidate(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return a frame whose columns pandas stores together; it warns of many columns added apart."""
    if not frame.implementation.is_pandas():
        return frame
    native: Any = nw.to_native(frame)
    return _open(native.copy())


def _step_tree(key: str, edges: Sequence[int], values: Sequence[int]) -> str:
    """Return the values as a tree of comparisons in SQL, so that few of them are nested."""
    if not edges:
        return str(values[0])
    half = len(edges) // 2
    lower = _step_tree(key, edges[:half], values[: half + 1])
    upper = _step_tree(key, edges[half + 1 :], values[half + 1 :])
    return f"CASE WHEN {key} < {edges[half]} THEN {lower} ELSE {upper} END"


def find_peaks(
    frame: nw.LazyFrame[Any], group: Sequence[str], event: str, names: tuple[str, str]
) -> nw.LazyFrame[Any]:
    """Return a row for each group, with the largest number of calls and the first event with it.

    Args:
        frame: a frame with a row for the start and the end of each call.
        group: the columns of the groups.
        event: a column of numbers that rise with time; a start has an odd number, and an end an
            even one.
        names: the names of the two new columns.
    """
    peak, first = names
    if frame.implementation.is_polars():
        polars: Any = frame.implementation.to_native_namespace()
        change = (polars.col(event) % 2 * 2 - 1).cast(polars.Int32)
        found = [
            polars.col(peak).max().cast(polars.Int64),
            polars.col(event).get(polars.col(peak).arg_max()).alias(first),
        ]
        # The calls of a group all end, so that the next group starts with 0 calls.
        native = cast(Any, nw.to_native(frame)).sort([*group, event])
        native = native.with_columns(change.cum_sum().alias(peak))
        return _open(native.group_by(list(group)).agg(found))
    change = nw.col(event) - nw.col(event) // 2 * 2
    last = nw.lit(2**62, dtype=nw.Int64)
    frame = frame.with_columns((change * 2 - 1).alias(peak))
    running = nw.col(peak).cum_sum().over(*group, order_by=event).cast(nw.Int64)
    frame = frame.with_columns(running.alias(peak))
    is_highest = nw.col(peak) == nw.col(peak).max().over(*group)
    frame = frame.with_columns(nw.when(is_highest).then(nw.col(event)).otherwise(last).alias(first))
    return frame.group_by(*group).agg(nw.col(peak).max(), nw.col(first).min())
