"""A table of made-up requests: the numbers of channels and bundles, a first and a last day.

Some requests in a hundred break a rule. The table is the same in each run.
"""

from typing import Any

import numpy as np
import polars as pl

from channelplans import EUR, SKYPE_CONNECT, Tariff
from channelplans.frames import quote_frame, refund_frame

#: The everyday tariff.
TARIFF = Tariff("example", EUR, channel="6.95", bundle="49", minute="0.018")

_FIRST_DAY = 20_000

Arrays = dict[str, "np.ndarray[Any, np.dtype[np.int64]]"]


def make_arrays(rows: int) -> Arrays:
    """Return the columns of the requests; days are counted from 1970-01-01."""
    draw = np.random.default_rng(1)
    on = _FIRST_DAY + draw.integers(0, 3_000, rows)
    return {
        "channels": draw.integers(1, 304, rows),
        "bundles": draw.integers(0, 6, rows),
        "on": on,
        # A term has 30 days, so some requests end before their term, and some after it.
        "ended_on": on + draw.integers(-1, 31, rows),
    }


def make_special_arrays() -> dict[str, list[int | None]]:
    """Return requests for every code: missing values, and numbers at and beyond each limit."""
    channels = [None, 0, 1, 100, 105, 300, 301, -(10**18), 10**18]
    bundles = [None, -1, 0, 1, 100, 101, 10**18]
    days = [None, -719_163, -719_162, 20_000, 2_932_866, 2_932_867, 2_932_897]
    ends = [None, -719_163, 19_999, 20_000, 20_029, 20_030, 2_932_896, 2_932_897]
    rows = [
        (channel, bundle, day, end)
        for channel in channels
        for bundle in bundles
        for day in days
        for end in ends
    ]
    names = ("channels", "bundles", "on", "ended_on")
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def with_dates(requests: pl.DataFrame) -> pl.DataFrame:
    """Return a table of polars with dates instead of numbers of days."""
    return requests.with_columns(pl.col("on", "ended_on").cast(pl.Int32).cast(pl.Date))


def with_library(requests: Any) -> Any:
    """Return a table with the quote and the refund of each request."""
    quoted = quote_frame(requests, SKYPE_CONNECT, TARIFF)
    names = {
        "returned_minor": "returned_minor",
        "kept_minor": "kept_minor",
        "error": "refund_error",
    }
    return refund_frame(quoted, SKYPE_CONNECT, term_end=None, results=names)
