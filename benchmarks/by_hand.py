"""Quotes and refunds over columns by hand, as a careful program would compute them.

Each function adds to a table what ``quote_frame`` and ``refund_frame`` add for ``SKYPE_CONNECT``
and the everyday tariff, with the same codes for refused rows. Prices and limits are written into
the code. The columns are ``channels``, ``bundles``, ``on`` and ``ended_on``; days are dates or
whole numbers, counted from 1970-01-01.
"""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from channelplans.frames._codes import CODES

#: The names of the results, in their order.
RESULTS = (
    "granted",
    "term_end",
    "channels_minor",
    "bundles_minor",
    "total_minor",
    "granted_seconds",
    "error",
    "returned_minor",
    "kept_minor",
    "refund_error",
)

# numpy's types know no default of None.
_NO_CODE: Any = None

COLUMNS = ("channels", "bundles", "on", "ended_on", *RESULTS)

FIRST_DAY, LAST_DAY = -719_162, 2_932_896
LONGEST = 10**18
CODE = pl.Enum(CODES)


def with_polars(requests: pl.LazyFrame) -> pl.LazyFrame:
    """Return quotes and refunds with polars."""
    has_dates = requests.collect_schema()["on"] == pl.Date
    channels, bundles, on, ended_on, granted, error = map(
        pl.col, ("channels", "bundles", "on", "ended_on", "granted", "error")
    )
    if has_dates:
        on, ended_on = on.cast(pl.Int32), ended_on.cast(pl.Int32)
    requests = requests.with_columns(
        granted=pl.when(channels > 100).then(channels // 10 * 10).otherwise(channels)
    ).with_columns(
        error=pl.when(channels.is_null())
        .then(code("wrong-type"))
        .when((channels <= -LONGEST) | (channels >= LONGEST))
        .then(code("invalid-value"))
        .when(bundles.is_null())
        .then(code("wrong-type"))
        .when((bundles <= -LONGEST) | (bundles >= LONGEST))
        .then(code("invalid-value"))
        .when((channels < 1) | (channels > 300))
        .then(code("channels-out-of-range"))
        .when((bundles < 0) | (bundles > granted))
        .then(code("bundles-not-allowed"))
        .when(on.is_null())
        .then(code("wrong-type"))
        .when((on < FIRST_DAY) | (on > LAST_DAY - 30))
        .then(code("calendar-ends"))
    )
    # Nulls are kept by arithmetic, so it is enough to remove the numbers of refused requests.
    accepted = error.is_null()
    quoted = (
        requests.with_columns(
            granted=pl.when(accepted).then(granted),
            term_end=pl.when(accepted).then(on + 30),
            bundles_minor=pl.when(accepted).then(bundles * 4900),
            granted_seconds=pl.when(accepted).then(bundles * 300_000),
        )
        .with_columns(channels_minor=granted * 695)
        .with_columns(total_minor=pl.col("channels_minor") + pl.col("bundles_minor"))
    )
    term_end, total = pl.col("term_end"), pl.col("total_minor")
    unused = (term_end - ended_on).cast(pl.Int64)
    shares = [
        (pl.col(name) * unused * 2 + 30) // 60 for name in ("channels_minor", "bundles_minor")
    ]
    refunded = (
        quoted.with_columns(
            refund_error=pl.when(error.is_not_null() | ended_on.is_null())
            .then(code("wrong-type"))
            .when((ended_on < FIRST_DAY) | (ended_on > LAST_DAY))
            .then(code("calendar-ends"))
            .when(ended_on >= term_end)
            .then(code("outside-term"))
        )
        .with_columns(
            returned_minor=pl.when(pl.col("refund_error").is_null()).then(
                pl.when(ended_on < on).then(total).otherwise(shares[0] + shares[1])
            )
        )
        .with_columns(kept_minor=total - pl.col("returned_minor"))
    )
    if has_dates:
        refunded = refunded.with_columns(term_end.cast(pl.Date))
    return refunded.select(*COLUMNS)


def code(text: str) -> pl.Expr:
    """Return a code as polars keeps it."""
    return pl.lit(text, dtype=CODE)


# In SQL, only the division of whole numbers differs: // in DuckDB, DIV in Spark.
SQL = """
WITH rounded AS (
    SELECT *, CASE WHEN channels > 100 THEN channels {divided_by} 10 * 10 ELSE channels END AS sold
    FROM requests
), checked AS (
    SELECT *, CASE
        WHEN channels IS NULL THEN 'wrong-type'
        WHEN channels <= -{longest} OR channels >= {longest} THEN 'invalid-value'
        WHEN bundles IS NULL THEN 'wrong-type'
        WHEN bundles <= -{longest} OR bundles >= {longest} THEN 'invalid-value'
        WHEN channels < 1 OR channels > 300 THEN 'channels-out-of-range'
        WHEN bundles < 0 OR bundles > sold THEN 'bundles-not-allowed'
        WHEN "on" IS NULL THEN 'wrong-type'
        WHEN "on" < {first_day} OR "on" > {last_day} - 30 THEN 'calendar-ends'
    END AS error
    FROM rounded
), accepted AS (
    SELECT channels, bundles, "on", ended_on, error,
        CASE WHEN error IS NULL THEN sold END AS granted,
        CASE WHEN error IS NULL THEN "on" + 30 END AS term_end,
        CASE WHEN error IS NULL THEN bundles END AS bought
    FROM checked
), quoted AS (
    SELECT *, granted * 695 AS channels_minor, bought * 4900 AS bundles_minor,
        granted * 695 + bought * 4900 AS total_minor, bought * 300000 AS granted_seconds,
        CASE
            WHEN error IS NOT NULL OR ended_on IS NULL THEN 'wrong-type'
            WHEN ended_on < {first_day} OR ended_on > {last_day} THEN 'calendar-ends'
            WHEN ended_on >= term_end THEN 'outside-term'
        END AS refund_error
    FROM accepted
), refunded AS (
    SELECT *, CASE
        WHEN refund_error IS NOT NULL THEN NULL
        WHEN ended_on < "on" THEN total_minor
        ELSE (channels_minor * (term_end - ended_on) * 2 + 30) {divided_by} 60
            + (bundles_minor * (term_end - ended_on) * 2 + 30) {divided_by} 60
    END AS returned_minor
    FROM quoted
)
SELECT channels, bundles, "on", ended_on, granted, term_end, channels_minor, bundles_minor,
    total_minor, granted_seconds, error, returned_minor, total_minor - returned_minor AS kept_minor,
    refund_error
FROM refunded
"""

LIMITS = {"longest": LONGEST, "first_day": FIRST_DAY, "last_day": LAST_DAY}
DUCKDB_SQL = SQL.format(divided_by="//", **LIMITS)
SPARK_SQL = SQL.format(divided_by="DIV", **LIMITS).replace('"on"', "`on`")


def with_pandas(requests: pd.DataFrame) -> pd.DataFrame:
    """Return quotes and refunds with pandas, for days as whole numbers."""
    quoted = requests.copy()
    channels, bundles, on, ended_on = (
        requests[name].fillna(0).astype("int64")
        for name in ("channels", "bundles", "on", "ended_on")
    )
    granted = channels.where(channels <= 100, channels // 10 * 10)
    quoted["error"] = np.select(
        [
            requests["channels"].isna(),
            (channels <= -LONGEST) | (channels >= LONGEST),
            requests["bundles"].isna(),
            (bundles <= -LONGEST) | (bundles >= LONGEST),
            (channels < 1) | (channels > 300),
            (bundles < 0) | (bundles > granted),
            requests["on"].isna(),
            (on < FIRST_DAY) | (on > LAST_DAY - 30),
        ],
        [
            "wrong-type",
            "invalid-value",
            "wrong-type",
            "invalid-value",
            "channels-out-of-range",
            "bundles-not-allowed",
            "wrong-type",
            "calendar-ends",
        ],
        default=_NO_CODE,
    )
    accepted = quoted["error"].isna()
    term_end = on + 30
    channels_minor, bundles_minor = granted * 695, bundles * 4900
    total = channels_minor + bundles_minor
    refund_error = np.select(
        [
            ~accepted | requests["ended_on"].isna(),
            (ended_on < FIRST_DAY) | (ended_on > LAST_DAY),
            ended_on >= term_end,
        ],
        ["wrong-type", "calendar-ends", "outside-term"],
        default=_NO_CODE,
    )
    unused = term_end - ended_on
    shares = (channels_minor * unused * 2 + 30) // 60 + (bundles_minor * unused * 2 + 30) // 60
    returned = shares.where(ended_on >= on, total)
    results = {
        "granted": granted,
        "term_end": term_end,
        "channels_minor": channels_minor,
        "bundles_minor": bundles_minor,
        "total_minor": total,
        "granted_seconds": bundles * 300_000,
    }
    for name, values in results.items():
        quoted[name] = values.astype("Int64").where(accepted)
    quoted["refund_error"] = refund_error
    refunded = quoted["refund_error"].isna()
    quoted["returned_minor"] = returned.astype("Int64").where(refunded)
    quoted["kept_minor"] = (total - returned).astype("Int64").where(refunded)
    return quoted[list(COLUMNS)]
