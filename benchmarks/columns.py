"""The figures of the functions over columns: quotes and refunds of a table of requests.

Before anything is timed, both sides of a figure compute the same table, also for requests with
missing values and with numbers at each limit.
"""

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
from benchmarks.by_hand import DUCKDB_SQL, SPARK_SQL, with_pandas, with_polars
from benchmarks.figures import Figure, paired, times_faster
from benchmarks.loop import Loop
from benchmarks.requests import make_arrays, make_special_arrays, with_dates, with_library
from polars.testing import assert_frame_equal
from pyspark.sql import DataFrame, SparkSession

from channelplans.frames._codes import CODES

#: The first table of the figure about growth. A smaller table is mostly the cost of a call.
_FIRST_ROWS = 100_000

_ROOT = Path(__file__).resolve().parents[1]

SPECIAL = pl.DataFrame(make_special_arrays())


def make_figures(rows: int, rounds: int) -> list[Figure]:
    """Return the figures for tables of some rows, each measured in some rounds."""
    both = "quotes and refunds"
    return [
        Figure(
            f"{both}, polars",
            "one loop by numba: share of its speed",
            0.45,
            partial(measure_loop, rows, rounds),
            at_least=True,
        ),
        Figure(f"{both}, polars", "by hand in polars", 1.2, partial(measure_polars, rows, rounds)),
        Figure(
            f"{both}, PySpark, two cores",
            "by hand in SQL",
            1.5,
            partial(measure_spark, rows, rounds),
        ),
        Figure(f"{both}, DuckDB", "by hand in SQL", 1.5, partial(measure_duckdb, rows, rounds)),
        Figure(f"{both}, pandas", "by hand in pandas", 0.6, partial(measure_pandas, rows, rounds)),
        Figure(
            f"{both}, polars: memory in MB",
            "above requests and results",
            64,
            partial(measure_memory, rows),
        ),
        Figure(
            f"{both}, polars: twice the rows",
            "the rows (the largest step)",
            2.1,
            # The largest of several medians is too large by chance if there are few rounds.
            partial(measure_growth, rows, 3 * rounds),
            summary=max,
        ),
    ]


def run_polars(requests: pl.LazyFrame) -> pl.DataFrame:
    """Return the results of a lazy table, which polars computes part by part."""
    return requests.collect(engine="streaming")


def measure_loop(rows: int, rounds: int) -> Iterator[float]:
    """Yield the rows in a second with polars, divided by those of the loop."""
    arrays = make_arrays(rows)
    loop, requests = Loop(arrays), with_dates(pl.DataFrame(arrays)).lazy()
    loop.run()
    assert_same_as_loop(run_polars(with_library(requests)), loop)
    run = partial(run_polars, with_library(requests))
    return times_faster(paired(run, loop.run, rounds=rounds))


def assert_same_as_loop(table: pl.DataFrame, loop: Loop) -> None:
    """Raise an error if the loop has other results; where a value is null, the loop has zero."""
    for name, found in loop.results.items():
        values = table[name].to_physical()
        if name in {"error", "refund_error"}:
            expected = values.fill_null(len(CODES)).to_numpy().astype(np.int64)
            assert np.array_equal(np.where(found < 0, len(CODES), found), expected), name
        else:
            assert np.array_equal(found, values.fill_null(0).to_numpy()), name


def measure_polars(rows: int, rounds: int) -> Iterator[float]:
    """Yield the time with polars, divided by that by hand."""
    special, requests = with_dates(SPECIAL), with_dates(pl.DataFrame(make_arrays(rows)))
    for table in (special, requests):
        assert_frame_equal(
            run_polars(with_library(table.lazy())), run_polars(with_polars(table.lazy()))
        )
    by_library = partial(run_polars, with_library(requests.lazy()))
    return paired(by_library, partial(run_polars, with_polars(requests.lazy())), rounds=rounds)


def start_spark() -> SparkSession:
    """Return a session of Spark with two cores."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "6g",
        "spark.log.level": "ERROR",
        # Otherwise PySpark asks Java for the line of Python at each operation.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("benchmarks")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def measure_spark(rows: int, rounds: int) -> Iterator[float]:
    """Yield the time with Spark, divided by that of SQL; days are whole numbers."""
    spark = start_spark()
    try:
        special = spark.createDataFrame(SPECIAL.to_arrow())
        special.createOrReplaceTempView("requests")
        by_library, by_sql = with_library(special), spark.sql(SPARK_SQL)
        assert by_library.schema == by_sql.schema
        assert not by_library.exceptAll(by_sql).count()
        requests = make_spark_requests(spark, rows)
        requests.createOrReplaceTempView("requests")
        assert sum_rows(with_library(requests)) == sum_rows(spark.sql(SPARK_SQL))
        # Rows are computed, and then thrown away. What is timed includes the planning.
        yield from paired(
            lambda: run_spark(with_library(requests)),
            lambda: run_spark(spark.sql(SPARK_SQL)),
            rounds=rounds,
        )
    finally:
        spark.stop()


def make_spark_requests(spark: SparkSession, rows: int) -> DataFrame:
    """Return made-up requests, which Spark keeps in memory."""
    drawn = spark.range(rows).selectExpr(
        "CAST(1 + pmod(hash(id, 1), 303) AS BIGINT) AS channels",
        "CAST(pmod(hash(id, 2), 6) AS BIGINT) AS bundles",
        "CAST(20000 + pmod(hash(id, 3), 3000) AS BIGINT) AS on",
        "CAST(pmod(hash(id, 4), 32) - 1 AS BIGINT) AS elapsed",
    )
    requests = drawn.selectExpr("channels", "bundles", "`on`", "`on` + elapsed AS ended_on").cache()
    requests.count()
    return requests


def sum_rows(table: DataFrame) -> object:
    """Return the sum of a hash of each row, because ten million rows are too many to compare."""
    return table.selectExpr("sum(CAST(xxhash64(*) AS DECIMAL(38)))").first()


def run_spark(table: DataFrame) -> None:
    """Compute all rows of a table."""
    table.write.format("noop").mode("overwrite").save()


def measure_duckdb(rows: int, rounds: int) -> Iterator[float]:
    """Yield the time with DuckDB, divided by that of SQL; days are whole numbers."""
    with duckdb.connect() as database:
        for table in (SPECIAL, pl.DataFrame(make_arrays(rows))):
            database.register("arrays", table.to_arrow())
            database.sql("CREATE OR REPLACE TABLE requests AS SELECT * FROM arrays")
            by_library = with_library(database.table("requests")).pl()
            assert_frame_equal(by_library, database.sql(DUCKDB_SQL).pl())
        del by_library, table
        yield from paired(
            lambda: run_duckdb(with_library(database.table("requests"))),
            lambda: run_duckdb(database.sql(DUCKDB_SQL)),
            rounds=rounds,
        )


def run_duckdb(relation: Any) -> None:
    """Compute all rows of a relation."""
    relation.to_arrow_table()


def measure_pandas(rows: int, rounds: int) -> Iterator[float]:
    """Yield the time with pandas, divided by that by hand; days are whole numbers."""
    requests = pd.DataFrame(make_arrays(rows))
    for table in (SPECIAL.to_pandas(use_pyarrow_extension_array=False).astype("Int64"), requests):
        codes = {"error": object, "refund_error": object}
        pd.testing.assert_frame_equal(
            with_library(table).astype(codes), with_pandas(table).astype(codes)
        )
    return paired(
        partial(with_library, requests), partial(with_pandas, requests), rounds=min(rounds, 5)
    )


def measure_memory(rows: int) -> Iterator[float]:
    """Yield the megabytes that a run in a new process needs above its requests and results."""
    command = [sys.executable, "-m", "benchmarks.memory", str(rows)]
    for _ in range(3):
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=_ROOT)  # noqa: S603 - our own code
        yield float(done.stdout)


def measure_growth(rows: int, rounds: int) -> Iterator[float]:
    """Yield for each doubling of a table, up to some rows, how many times the time grows."""
    smaller = min(_FIRST_ROWS, rows // 2)
    while 2 * smaller <= rows:
        tables = [
            with_dates(pl.DataFrame(make_arrays(size))).lazy() for size in (2 * smaller, smaller)
        ]
        runs: list[Callable[[], object]] = [
            partial(run_polars, with_library(table)) for table in tables
        ]
        # One run over few rows is too short to time, so it is repeated for a tenth of `rows`.
        number = max(1, rows // 10 // smaller)
        yield median(paired(*runs, rounds=rounds, number=number, other_number=2 * number))
        smaller *= 2
        gc.collect()
