"""What differs from engine to engine: how columns are read as whole numbers, and written.

The rules compute with columns of whole numbers without nulls. Only this module uses an engine's own
methods, where narwhals has none or a slower one.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final, cast

import attrs
import narwhals.stable.v2 as nw

from channelplans.frames._codes import CODES

__all__: tuple[str, ...] = ()

#: The largest number that an engine divides exactly if it divides whole numbers as such. A sum of
#: three such numbers fits 64 bits.
LARGEST: Final = 2**61

#: The largest number that PySpark divides exactly, because narwhals divides there as doubles.
LARGEST_IN_DOUBLE: Final = 2**53

_EPOCH: Final = date(1970, 1, 1)

#: The first and the last day of the calendar, counted from 1970-01-01.
FIRST_DAY: Final = (date.min - _EPOCH).days
LAST_DAY: Final = (date.max - _EPOCH).days

_SECONDS_IN_DAY: Final = 86_400

# The types of pandas for results that can be null, without and with pyarrow.
_NULLABLE: Final = MappingProxyType(
    {
        "whole": ("Int64", "int64[pyarrow]"),
        "flag": ("boolean", "bool[pyarrow]"),
    }
)


@attrs.frozen
class Result:
    """One of our own columns that becomes a result.

    Attributes:
        source: the column.
        name: its name in the caller's frame.
        kind: ``whole``, ``flag``, ``day``, ``optional day`` or ``code``. An optional day before
            the calendar is no day.
    """

    source: str
    name: str
    kind: str

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
    dtype = nw.Enum(CODES) if engine.is_polars() else nw.String()
    return nw.lit(None if place is None else CODES[place], dtype=dtype)


def is_accepted(engine: nw.Implementation, code: nw.Expr) -> nw.Expr:
    """Return whether a column of codes has no code."""
    return code.is_null() if _spells_codes(engine) else code < 0


def is_supported(engine: nw.Implementation) -> bool:
    """Return whether frames of an engine can be used."""
    known = engine.is_polars() or engine.is_pandas() or engine.is_pyarrow()
    return known or engine.is_duckdb() or engine.is_pyspark()


def holds_dates(frame: nw.LazyFrame[Any], name: str) -> bool:
    """Return whether a column has dates; in pandas without pyarrow they are instants."""
    dtype = frame.collect_schema()[name]
    if frame.implementation.is_pandas() and isinstance(dtype, nw.Datetime):
        native: Any = nw.to_native(frame)
        return dtype.time_zone is None and not is_arrow_type(native[name].dtype)
    return dtype == nw.Date


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
    *,
    keeps_nulls: bool = False,
) -> nw.LazyFrame[Any]:
    """Add our own columns for the caller's: whole numbers, and where a value is missing.

    A missing value is 0, or null on engines where ``has_nulls`` if ``keeps_nulls``.

    Args:
        frame: the caller's frame.
        whole: our names, and the names of the caller's columns of whole numbers.
        dates: the same for columns of dates, which are read as days since 1970-01-01.
        keeps_nulls: whether the rules can compute with nulls.
    """
    engine = frame.implementation
    if engine.is_pandas():
        return _read_pandas(frame, whole, dates)
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
    columns |= {own_name: nw.col(name) for own_name, name in whole.items()}
    if keeps_nulls and engine.is_polars():
        # A day needs no more than the 32 bits that polars has for a date.
        columns = {
            name: columns[name] if name in dates else columns[name].cast(nw.Int64)
            for name in columns
        }
    else:
        columns = {name: value.cast(nw.Int64) for name, value in columns.items()}
    if not (keeps_nulls and has_nulls(engine)):
        columns = {name: value.fill_null(0) for name, value in columns.items()}
    values = [value.alias(own(own_name)) for own_name, value in columns.items()]
    gaps = [
        nw.col(name).is_null().alias(own(missing(own_name)))
        for own_name, name in {**whole, **dates}.items()
    ]
    return frame.with_columns(*values, *gaps)


def _in_sql(name: str) -> str:
    escaped = name.replace("`", "``")
    return f"`{escaped}`"


def _read_pandas(
    frame: nw.LazyFrame[Any], whole: Mapping[str, str], dates: Mapping[str, str]
) -> nw.LazyFrame[Any]:
    native: Any = nw.to_native(frame)
    columns: dict[str, Any] = {}
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
            instants = series.to_numpy()
            midnights = instants.astype("datetime64[D]")
            # An instant within a day has no civil day without a time zone.
            gaps |= midnights != instants
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
        frame: the caller's columns and own_name.
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
    days = [item.name for item in results if item.is_day and dates]
    if engine.is_pyspark() and days:
        names = [*columns, *(item.name for item in results)]
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
    written: nw.Expr = nw.when(accepted).then(value)
    if result.is_day and dates:
        if engine.is_duckdb():
            written = nw.lit(_EPOCH) + written.cast(nw.Int32)
        elif not engine.is_pyspark():
            written = written.cast(nw.Int32).cast(nw.Date)
    return written.alias(result.name)


def _as_spark_date(name: str, is_day: bool) -> str:
    quoted = _in_sql(name)
    return f"date_from_unix_date(CAST({quoted} AS INT)) AS {quoted}" if is_day else quoted


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
    written: dict[str, Any] = {}
    for result in results:
        values, present = native[own(result.source)], accepted
        if result.kind == "optional day":
            present &= values >= FIRST_DAY
        if result.kind == "code":
            texts = values.map(dict(enumerate(CODES)))
            written[result.name] = texts.astype("string[pyarrow]") if arrow else texts
        elif result.is_day and dates:
            written[result.name] = _pandas_dates(values, arrow=arrow).where(present)
        else:
            nullable = _NULLABLE["flag" if result.kind == "flag" else "whole"][arrow]
            written[result.name] = values.astype(nullable).where(present)
    return native[list(columns)].assign(**written)


def _pandas_dates(days: Any, *, arrow: bool) -> Any:
    if arrow:
        return days.astype("int32[pyarrow]").astype("date32[pyarrow]")
    return (days * _SECONDS_IN_DAY).astype("datetime64[s]")
