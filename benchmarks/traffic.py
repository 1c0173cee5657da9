"""The figure of ``traffic_frame``: the traffic of made-up calls, and the same by hand in polars."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import numpy as np
import polars as pl
from benchmarks.figures import Figure, paired
from polars.testing import assert_frame_equal

from channelplans.frames import traffic_frame
from channelplans.frames._codes import CODES

_SECOND, _HOUR, _DAY = 1_000_000, 3_600_000_000, 86_400_000_000
_HOURS = range(24)

#: The limits of a call's start, in microseconds since 1970, and of the days of a log.
_EARLIEST, _LATEST = -62_104_060_800_000_000, 253_339_142_400_000_000
_MOST_DAYS = 3_660

_COLUMNS = (
    *("customer", "calls", "talk_seconds", "first_day", "last_day", "peak", "peak_at"),
    *("busy_hour", "erlangs", *(f"erlangs_{hour}" for hour in _HOURS), "error"),
)


def make_figure(rows: int, rounds: int) -> Figure:
    """Return the figure for a table of some calls, measured in some rounds."""
    return Figure(
        "traffic of calls, polars", "by hand in polars", 1.2, partial(measure, rows, rounds)
    )


def make_calls(rows: int) -> pl.DataFrame:
    """Return made-up calls of 60 days; a customer has about a thousand."""
    draw = np.random.default_rng(1)
    first = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())
    starts = first * _SECOND + draw.integers(0, 60 * _DAY, rows)
    calls = {
        "customer": draw.integers(0, max(rows // 1000, 2), rows),
        "start": starts,
        "seconds": draw.exponential(180, rows).astype(np.int64),
    }
    return pl.DataFrame(calls).with_columns(pl.col("start").cast(pl.Datetime("us", "UTC")))


def make_special_calls() -> pl.DataFrame:
    """Return customers with bad calls, with calls of no length, and with a log that is too long."""
    start = datetime(2026, 1, 5, 10, tzinfo=UTC)
    rows = [
        *((1, start, 60), (1, start, None), (1, start, -1), (2, start, -1), (2, start, 60)),
        *((3, None, 60), (4, start, 0), (5, datetime(2000, 1, 1, tzinfo=UTC), 60), (5, start, 60)),
        *((6, start, 3600), (6, start, 7200), (6, datetime(2026, 1, 5, 11, tzinfo=UTC), 86_400)),
        (7, datetime(1, 1, 1, tzinfo=UTC), 60),
    ]
    kinds: dict[str, pl.DataType] = {
        "customer": pl.Int64(),
        "start": pl.Datetime("us", "UTC"),
        "seconds": pl.Int64(),
    }
    return pl.DataFrame(rows, kinds, orient="row")


def with_library(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Return the traffic of each customer."""
    return traffic_frame(calls, by="customer")


def by_hand(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Return the traffic of each customer with polars, in UTC and on all days."""
    calls = _read_calls(calls)
    customers = calls.group_by("customer").agg(
        pl.len().cast(pl.Int64).alias("calls"),
        pl.col("seconds").sum().alias("talk_seconds"),
        pl.col("begin").min().alias("first"),
        pl.col("last").max(),
        pl.col("code").min(),
    )
    joined = (
        customers.join(_find_peaks(calls), on="customer", how="left")
        .join(_sum_hours(calls), on="customer", how="left")
        .with_columns(first_day=pl.col("first") // _DAY, last_day=pl.col("last") // _DAY)
    )
    observed = (pl.col("last_day") - pl.col("first_day") + 1) * _HOUR
    loads = [
        (pl.col(f"talk_{hour}").fill_null(0) / observed).alias(f"erlangs_{hour}") for hour in _HOURS
    ]
    names = [f"erlangs_{hour}" for hour in _HOURS]
    too_long = (pl.col("last") - pl.col("first")) > _MOST_DAYS * _DAY
    code = pl.when(pl.col("code").is_null() & too_long).then(CODES.index("invalid-value"))
    measured = (
        joined.with_columns(*loads)
        .with_columns(erlangs=pl.max_horizontal(names))
        .with_columns(
            busy_hour=pl.concat_list(names).list.arg_max().cast(pl.Int64),
            peak=pl.col("peak").fill_null(0),
            peak_at=pl.col("peak_at").fill_null(pl.col("first")).cast(pl.Datetime("us", "UTC")),
            first_day=pl.col("first_day").cast(pl.Int32).cast(pl.Date),
            last_day=pl.col("last_day").cast(pl.Int32).cast(pl.Date),
            code=code.otherwise(pl.col("code")),
        )
    )
    is_good = pl.col("code").is_null()
    results = [pl.when(is_good).then(pl.col(name)).alias(name) for name in _COLUMNS[1:-1]]
    kind = pl.Enum(CODES)
    error = (
        pl.when(pl.col("code") == CODES.index("wrong-type"))
        .then(pl.lit("wrong-type", kind))
        .when(pl.col("code") == CODES.index("invalid-value"))
        .then(pl.lit("invalid-value", kind))
    )
    return measured.select("customer", *results, error.alias("error"))


def _read_calls(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Return the begin and the end of each call, and the code of its error; bad calls are empty."""
    start, seconds = pl.col("start").dt.epoch("us"), pl.col("seconds")
    illegal = (start < _EARLIEST) | (start > _LATEST) | (seconds < 0)
    code = (
        pl.when(start.is_null() | seconds.is_null())
        .then(CODES.index("wrong-type"))
        .when(illegal | (seconds > (_LATEST - start) // _SECOND))
        .then(CODES.index("invalid-value"))
    )
    is_good = pl.col("code").is_null()
    return (
        calls.select("customer", begin=start, seconds=seconds, code=code)
        .with_columns(
            begin=pl.when(is_good).then(pl.col("begin")).otherwise(0),
            seconds=pl.when(is_good).then(pl.col("seconds")).otherwise(0),
        )
        .with_columns(end=pl.col("begin") + pl.col("seconds") * _SECOND)
        .with_columns(last=pl.max_horizontal("begin", pl.col("end") - 1))
    )


def _find_peaks(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Return the most simultaneous calls of each customer; calls end before others begin."""
    calls = calls.filter(pl.col("seconds") > 0)
    # A begin has an odd number, so that it follows the ends at the same moment.
    begins = calls.select("customer", event=pl.col("begin") * 2 + 1)
    ends = calls.select("customer", event=pl.col("end") * 2)
    change = (pl.col("event") % 2 * 2 - 1).cast(pl.Int32)
    events = pl.concat([begins, ends]).sort("customer", "event")
    return (
        events.with_columns(active=change.cum_sum())
        .group_by("customer")
        .agg(
            pl.col("active").max().cast(pl.Int64).alias("peak"),
            (pl.col("event").get(pl.col("active").arg_max()) // 2).alias("peak_at"),
        )
    )


def _sum_hours(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Return how long the calls of each customer lasted in each hour of the day."""
    calls = calls.filter(pl.col("seconds") > 0).select("customer", "begin", "end")
    hours = pl.int_ranges(pl.col("begin") // _HOUR, (pl.col("end") - 1) // _HOUR + 1)
    started, ended = pl.max_horizontal("begin", "from"), pl.min_horizontal("end", "until")
    return (
        calls.with_columns(hour=hours)
        .explode("hour")
        .with_columns(**{"from": pl.col("hour") * _HOUR, "until": (pl.col("hour") + 1) * _HOUR})
        .select("customer", hour=pl.col("hour") % 24, talk=ended - started)
        .group_by("customer", "hour")
        .agg(pl.col("talk").sum())
        .group_by("customer")
        .agg(
            pl.col("talk").filter(pl.col("hour") == hour).sum().alias(f"talk_{hour}")
            for hour in _HOURS
        )
    )


def run(calls: pl.LazyFrame) -> pl.DataFrame:
    """Return the traffic of a lazy table, which polars computes part by part."""
    return calls.collect(engine="streaming")


def measure(rows: int, rounds: int) -> Iterator[float]:
    """Yield the time of ``traffic_frame``, divided by that by hand."""
    calls = make_calls(rows)
    for table in (make_special_calls(), calls):
        measured, expected = run(with_library(table.lazy())), run(by_hand(table.lazy()))
        assert_frame_equal(measured, expected, check_row_order=False)
    return paired(
        lambda: run(with_library(calls.lazy())),
        partial(run, by_hand(calls.lazy())),
        rounds=min(rounds, 5),
    )
