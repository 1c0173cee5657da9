"""A frame at work: checked, with columns of our own to which the rules add their results."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, cast

import narwhals.stable.v2 as nw

from channelplans._checks import instance, text
from channelplans.errors import InvalidValue, WrongType, quoted
from channelplans.frames._engines import (
    ENGINES,
    LARGEST,
    LARGEST_IN_DOUBLE,
    Result,
    divide,
    divides_in_sql,
    holds_dates,
    holds_instants,
    is_accepted,
    missing,
    name_code,
    own,
    read,
    uses_arrow,
    write,
)

__all__: tuple[str, ...] = ()

# An error message lists no more columns than this.
_MAX_LISTED: Final = 12

# Whole numbers that fit 64 bits with a sign.
_WHOLE: Final = (nw.Int8, nw.Int16, nw.Int32, nw.Int64, nw.UInt8, nw.UInt16, nw.UInt32)

_TEXT: Final = (nw.String, nw.Categorical, nw.Enum)


class Work:
    """A frame with columns of our own. No caller sees it, so its frame may change.

    Attributes:
        frame: the caller's columns and our own.
        columns: the names of the caller's columns.
        engine: the library that holds the frame.
        wraps: whether a number that is too large becomes a wrong number, and does not stop the
            run. Then refused rows need no harmless numbers, because their results become null.
        largest: the largest number that ``//`` divides exactly on the engine.
        narrow: the parameters whose columns cannot hold numbers that are too long.
        dates: whether days are written as dates, and instants as such.
    """

    def __init__(
        self,
        frame: nw.LazyFrame[Any],
        columns: Sequence[str],
        narrow: Sequence[str],
        *,
        dates: bool,
        arrow: bool,
    ) -> None:
        self.frame: nw.LazyFrame[Any] = frame
        self.columns = columns
        self.narrow = narrow
        self.engine = frame.implementation
        self.wraps: bool = not (self.engine.is_duckdb() or self.engine.is_pyspark())
        self.largest = LARGEST_IN_DOUBLE if self.engine.is_pyspark() else LARGEST
        self.dates = dates
        self._codes: set[str] = set()
        self._arrow = arrow

    def add(self, **expressions: nw.Expr) -> None:
        """Add columns of our own; the next step can use them.

        An engine computes a column once, but an expression wherever it is used.
        """
        columns = [value.alias(own(name)) for name, value in expressions.items()]
        self.frame = self.frame.with_columns(*columns)

    def drop(self, *names: str) -> None:
        """Remove columns of our own."""
        self.frame = self.frame.drop(*map(own, names))

    def add_quotients(self, quotients: Mapping[str, tuple[str | nw.Expr, str | int]]) -> None:
        """Add columns with numerator // denominator, exact up to ``LARGEST``.

        Args:
            quotients: the numerator and the denominator of each column, by its name. The numerator
                is null, or 0 or more; the denominator is above 0. A text names one of our own
                columns.
        """
        if not divides_in_sql(self.engine):
            self.add(
                **{
                    name: as_expression(numerator) // as_expression(denominator)
                    for name, (numerator, denominator) in quotients.items()
                }
            )
            return
        # SQL divides columns, so an expression becomes a column first.
        computed = {
            f"{name}_numerator": numerator
            for name, (numerator, _) in quotients.items()
            if isinstance(numerator, nw.Expr)
        }
        if computed:
            self.add(**computed)
        self.frame = divide(
            self.frame,
            {
                own(name): (
                    own(numerator if isinstance(numerator, str) else f"{name}_numerator"),
                    own(denominator) if isinstance(denominator, str) else denominator,
                )
                for name, (numerator, denominator) in quotients.items()
            },
        )

    def refuse(self, *checks: tuple[nw.Expr, int], name: str = "error") -> None:
        """Add the code of the first check that is true for a row, if there is one.

        A row that has a code already keeps it.

        Args:
            checks: the conditions with their codes, which are places in ``CODES``.
            name: the column of codes.
        """
        code = name_code(self.engine, None)
        for condition, place in reversed(checks):
            code = nw.when(condition).then(name_code(self.engine, place)).otherwise(code)
        if name in self._codes:
            code = nw.when(self.is_accepted(name)).then(code).otherwise(column(name))
        self._codes.add(name)
        self.add(**{name: code})

    def is_accepted(self, name: str = "error") -> nw.Expr:
        """Return whether a row has no code."""
        return is_accepted(self.engine, column(name))

    def guard(self, *names: str) -> None:
        """Set columns of our own to null in refused rows, unless overflows wrap."""
        if names and not self.wraps:
            self.add(**{name: nw.when(self.is_accepted()).then(column(name)) for name in names})

    def zero_if_refused(self, value: nw.Expr) -> nw.Expr:
        """Return a value, or 0 in refused rows."""
        return nw.when(self.is_accepted()).then(value).otherwise(nw.lit(0, dtype=nw.Int64))

    def finish(
        self, names: Mapping[str, str], kinds: Mapping[str, str], guarded: Collection[str] = ()
    ) -> Any:
        """Return the caller's columns and the results; those of refused rows are null.

        Args:
            names: the results, which are columns of our own, with their names for the caller.
            kinds: the kind of each result.
            guarded: the results that are computed from a column which ``guard`` set to null.
        """
        is_null = frozenset(() if self.wraps else guarded)
        results = [
            Result(source, name, kinds[source], source in is_null) for source, name in names.items()
        ]
        return write(self.frame, self.columns, results, dates=self.dates, arrow=self._arrow)


def start_work(
    frame: object,
    *,
    whole: Mapping[str, str],
    days: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
    instants: Mapping[str, str] | None = None,
    kept: Mapping[str, str] | None = None,
    results: Mapping[str, str],
    groups: Sequence[str] | None = None,
    keeps_nulls: bool = False,
    without: Collection[nw.Implementation] = (),
) -> Work:
    """Check a frame and read its columns.

    Args:
        frame: the caller's frame.
        whole: the parameters for columns of whole numbers, with the columns.
        days: the parameters for columns of days, with the columns. If the first one has dates,
            the resulting days are dates too; otherwise they are whole numbers.
        texts: the parameters for columns of text, with the columns.
        instants: the parameters for columns of instants or of whole seconds since 1970, with the
            columns. They are read as microseconds since 1970.
        kept: the parameters for columns of any type, which are used as they are.
        results: the results and the names of their columns, which must be new.
        groups: the only columns of the caller that stay, if the rows of the frame do not.
        keeps_nulls: whether the rules can compute with nulls, on engines that have them.
        without: the engines that cannot compute the rules.

    Raises:
        WrongType: the frame is of an unknown engine, or a column has no usable type.
        InvalidValue: a column does not exist, or a result's column exists already.
    """
    opened = _open(frame, without)
    schema, days, texts = opened.collect_schema(), days or {}, texts or {}
    instants = instants or {}
    columns = tuple(schema.names())
    for parameter, name in {**whole, **days, **texts, **instants, **(kept or {})}.items():
        _check_exists(parameter, name, columns)
    columns = columns if groups is None else tuple(groups)
    _check_new(results, columns)
    counted = dict(whole)
    dates: dict[str, str] = {}
    moments: dict[str, str] = {}
    for parameter, name in instants.items():
        (moments if holds_instants(schema[name]) else counted)[parameter] = name
    for parameter, name in days.items():
        (dates if holds_dates(opened, name) else counted)[parameter] = name
    for parameter, name in counted.items():
        if not isinstance(schema[name], _WHOLE):
            kinds = "dates or of days since 1970-01-01" if parameter in days else "whole numbers"
            if parameter in instants:
                kinds = "instants with a time zone, or of whole seconds since 1970"
            expected = f"a column of {kinds}, in a type such as Int64"
            raise WrongType(parameter, f"{quoted(name)} of type {schema[name]}", expected)
    for parameter, name in texts.items():
        if not isinstance(schema[name], _TEXT):
            found = f"{quoted(name)} of type {schema[name]}"
            raise WrongType(parameter, found, "a column of text, in a type such as String")
    used = [*whole.values(), *days.values(), *texts.values(), *instants.values()]
    first_day = next(iter(days), None)
    return Work(
        read(opened, counted, dates, texts, moments, keeps_nulls=keeps_nulls),
        columns,
        [parameter for parameter, name in counted.items() if schema[name] != nw.Int64],
        dates=first_day in dates or bool(moments),
        arrow=uses_arrow(opened, used),
    )


def name_results(results: Mapping[str, str] | None, kinds: Mapping[str, str]) -> Mapping[str, str]:
    """Return the wanted results with the names of their columns; the error is always wanted.

    Args:
        results: what the caller passed; None means all results under their own names.
        kinds: all results with their kinds, in the order of their columns.

    Raises:
        InvalidValue: the caller names a result that does not exist.
    """
    if results is None:
        return {result: result for result in kinds}
    for result in results:
        if result not in kinds:
            expected = f"results of this function: {', '.join(kinds)}"
            raise InvalidValue("results", quoted(result), expected)
    return {
        result: text(f"results[{quoted(result)}]", results.get(result, result))
        for result in kinds
        if result in results or result == "error"
    }


def _open(frame: object, without: Collection[nw.Implementation]) -> nw.LazyFrame[Any]:
    *names, last = [name for engine, name in ENGINES.items() if engine not in without]
    expected = f"a frame of {', '.join(names)} or {last}"
    try:
        opened = nw.from_native(cast(Any, frame))
    except TypeError:
        raise WrongType("frame", f"a {type(frame).__name__}", expected) from None
    if opened.implementation not in ENGINES or opened.implementation in without:
        raise WrongType("frame", f"a frame of {opened.implementation}", expected)
    return cast("nw.LazyFrame[Any]", opened)


def _check_exists(parameter: str, name: str, columns: Sequence[str]) -> None:
    if instance(parameter, name, str) not in columns:
        listed = ", ".join(map(quoted, columns[:_MAX_LISTED]))
        more = f" and {len(columns) - _MAX_LISTED:,} more" if len(columns) > _MAX_LISTED else ""
        expected = f"a column of the frame, which has {listed}{more}"
        raise InvalidValue(parameter, quoted(name), expected)


def _check_new(results: Mapping[str, str], columns: Sequence[str]) -> None:
    # DuckDB and PySpark ignore the case of names.
    taken = {name.casefold() for name in columns}
    for result, name in results.items():
        if name.casefold() in taken:
            expected = 'a new name; pass another one, such as results={"error": "quote_error"}'
            raise InvalidValue(f"results[{quoted(result)}]", quoted(name), expected)
        taken.add(name.casefold())


def column(name: str) -> nw.Expr:
    """Return one of our own columns."""
    return nw.col(own(name))


def as_expression(part: Any) -> Any:
    """Return our own column if the part is its name, otherwise the part itself."""
    return column(part) if isinstance(part, str) else part


def is_missing(name: str) -> nw.Expr:
    """Return whether the caller's column for a parameter has no usable value."""
    return nw.col(own(missing(name)))
