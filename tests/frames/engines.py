"""Frames of each engine, made from rows, and read back as rows of plain Python values."""

import os
import shutil
import sys
from datetime import UTC, date, datetime
from functools import cache
from importlib import import_module
from itertools import cycle, islice

import pytest
from hypothesis import settings
from tests.chromium import is_required, skip_or_fail

EPOCH = date(1970, 1, 1)

#: The kinds of frames that are supported in full.
KINDS = ("polars", "polars lazy", "pandas", "pandas with pyarrow", "duckdb", "pyspark")

#: The kinds that answer at once; a job of PySpark takes a second.
QUICK_KINDS = KINDS[:-1]

#: The kinds whose operations compute their results without a query.
EAGER_KINDS = ("polars", "pandas", "pandas with pyarrow")

#: Whether the run compares all kinds, as CI does.
COMPARES_ALL = is_required("engines")

#: The tables that a law draws for each engine. Each table has many rows.
EXAMPLES = max(settings().max_examples // 10, 1)

MODULES = {
    "polars": ("polars",),
    "polars lazy": ("polars",),
    "pandas": ("pandas", "pyarrow"),
    "pandas with pyarrow": ("pandas", "pyarrow"),
    "duckdb": ("duckdb", "pyarrow"),
    "pyspark": ("pyspark", "pyarrow", "pandas"),
    "pyarrow": ("pyarrow",),
}

NO_PYSPARK = "PySpark is not installed; `CHANNELPLANS_GROUP=spark tox run -e frames` installs it"
NO_JAVA = "Java is not installed; on Debian, .ci/java.sh installs it"

#: Java starts in half the time if it compiles quickly instead of well.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def compared(seed, kinds, *, is_slow=False):
    """Return the kinds of frames that a run compares: all, or one kind of polars and one other.

    The seed selects these two among the quick kinds, so runs with other seeds compare other kinds.
    A slow test runs only on polars, the fastest.
    """
    if COMPARES_ALL:
        return kinds
    quick_kinds = [kind for kind in kinds if kind in QUICK_KINDS]
    polars_kinds = [kind for kind in quick_kinds if kind.startswith("polars")]
    other_kinds = [kind for kind in quick_kinds if kind not in polars_kinds]
    polars = polars_kinds[seed % len(polars_kinds)]
    return (polars,) if is_slow else (polars, other_kinds[seed % len(other_kinds)])


def in_turn(items, kinds, compared_kinds, seed):
    """Yield each item with the run's first kind, and again with one of the other kinds, in turn.

    The seed says which kind is next. If the run does not compare it, the second pair is left out.
    So a run takes much less time than all pairs, and runs with other seeds test other pairs. Only
    the tests on the first kind need to be traced.

    If there is only one kind, every third item is taken.
    """
    first, *compared_with = compared_kinds
    if not compared_with:
        items = islice(items, seed % 3, None, 3)
    other_kinds = [kind for kind in kinds if kind != first]
    turn = islice(cycle(other_kinds), seed % len(other_kinds), None)
    for item, other in zip(items, turn, strict=False):
        yield item, first
        if other in compared_with:
            yield pytest.param(item, other, marks=pytest.mark.slow)


def start(engine):
    """Skip the test if an engine is not installed, or fail if it is required."""
    for module in MODULES[engine]:
        if COMPARES_ALL:
            import_module(module)
        else:
            pytest.importorskip(module, reason=NO_PYSPARK if module == "pyspark" else None)
    if engine == "pyspark" and shutil.which("java") is None:
        skip_or_fail(NO_JAVA, "java")


@cache
def spark():
    """Return a session of PySpark, which all tests of a process share."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": JAVA_OPTIONS,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.log.level": "OFF",
        # Otherwise the optimizer computes small tables itself, without a job.
        "spark.sql.optimizer.excludedRules": (
            "org.apache.spark.sql.catalyst.optimizer.ConvertToLocalRelation"
        ),
        # Otherwise PySpark asks Java for the line of Python at each operation.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        # Java does not compile a longer method, so Spark must not put a whole query into one.
        "spark.sql.codegen.hugeMethodLimit": "8000",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def day_number(day):
    """Return the number of days from 1970-01-01."""
    return None if day is None else (day - EPOCH).days


def with_day_numbers(rows):
    """Return the rows with the number of each day in place of the day."""
    return [
        tuple(day_number(value) if isinstance(value, date) else value for value in row)
        for row in rows
    ]


def table(rows, columns, *, dates=True):
    """Return rows as a table of pyarrow: days as dates or as whole numbers, numbers as int64.

    Text and instants keep their kind.

    Args:
        rows: tuples with a value for each column.
        columns: the names of the columns.
        dates: whether days stay dates.
    """
    import pyarrow as pa

    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in columns]
    arrays = []
    for name, column in zip(columns, values, strict=True):
        kinds = {*map(type, column)}
        is_day = date in kinds
        # A column of texts is one also if all of its texts are missing.
        is_empty = kinds == {type(None)}
        if str in kinds or (is_empty and name in {"subscription", "number", "destination"}):
            arrays.append(pa.array(column, pa.string()))
        elif datetime in kinds:
            arrays.append(pa.array(column, pa.timestamp("us", "UTC")))
        elif is_day and not dates:
            arrays.append(pa.array(map(day_number, column), pa.int64()))
        else:
            arrays.append(pa.array(column, pa.date32() if is_day else pa.int64()))
    return pa.table(dict(zip(columns, arrays, strict=True)))


def from_table(engine, arrow_table):
    """Return a table of pyarrow as a frame of an engine."""
    return getattr(_Makers, engine.replace(" ", "_"))(arrow_table)


def make(engine, rows, columns, *, dates=True):
    """Return rows as a frame of an engine."""
    return from_table(engine, table(rows, columns, dates=dates))


class _Makers:
    """How each engine reads a table of pyarrow."""

    @staticmethod
    def polars(arrow_table):
        import polars as pl

        return pl.from_arrow(arrow_table)

    @staticmethod
    def polars_lazy(arrow_table):
        return _Makers.polars(arrow_table).lazy()

    @staticmethod
    def pandas_with_pyarrow(arrow_table):
        import pandas as pd

        return arrow_table.to_pandas(types_mapper=pd.ArrowDtype)

    @staticmethod
    def pandas(arrow_table):
        """Days become instants at midnight, and only columns with nulls get nullable types."""
        import pandas as pd
        import pyarrow as pa

        types = {pa.int64(): pd.Int64Dtype(), pa.date32(): pd.ArrowDtype(pa.date32())}
        frame = arrow_table.to_pandas(types_mapper=types.get)
        for name in frame.columns:
            if str(frame[name].dtype).startswith("date32"):
                frame[name] = frame[name].astype("datetime64[s]")
            elif str(frame[name].dtype) in {"Int64", "boolean"} and not frame[name].hasnans:
                frame[name] = frame[name].astype(str(frame[name].dtype).lower())
        return frame

    @staticmethod
    def duckdb(arrow_table):
        import duckdb

        return duckdb.from_arrow(arrow_table)

    @staticmethod
    def pyspark(arrow_table):
        return spark().createDataFrame(arrow_table)

    @staticmethod
    def pyarrow(arrow_table):
        return arrow_table


def to_arrow(frame):
    """Return a frame of any engine as a table of pyarrow."""
    import pyarrow as pa

    kind = type(frame).__module__.partition(".")[0]
    if kind == "pandas":
        return pa.Table.from_pandas(frame, preserve_index=False)
    if kind == "polars":
        return getattr(frame, "collect", lambda: frame)().to_arrow()
    if kind == "pyspark":
        return frame.toArrow()
    return frame.to_arrow_table() if kind in {"duckdb", "_duckdb"} else frame


def rows_of(frame, columns):
    """Return some columns of a frame as tuples of plain values."""
    read = to_arrow(frame).select(columns).to_pydict()
    return [tuple(map(_plain, row)) for row in zip(*read.values(), strict=True)]


def _plain(value):
    if not isinstance(value, datetime):
        return value
    return value.date() if value.tzinfo is None else value.astimezone(UTC)
