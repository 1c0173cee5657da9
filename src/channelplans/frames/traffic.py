"""The traffic of calls in columns: the peak, the busy hour and the load of each hour.

A clock that shows local times makes each hour of the day a sum. The time that passed in the hour
from 10:00 to 11:00 up to a moment is an hour for each day before, and a part for the day itself. A
call adds that time at its end, and takes it away at its start. So no call is cut into hours.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import reduce
from operator import and_, or_
from types import MappingProxyType
from typing import Any, Final, cast

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from channelplans._checks import bounded
from channelplans.explore._clock_hours import HOUR
from channelplans.explore._instants import EPOCH
from channelplans.frames._codes import BEYOND_ENGINE, CODES, INVALID_VALUE, WRONG_TYPE
from channelplans.frames._engines import add_steps, consolidate, find_peaks, own
from channelplans.frames._expressions import choose, look_up
from channelplans.frames._work import (
    Work,
    column,
    is_missing,
    name_results,
    start_work,
)
from channelplans.frames._zones import DAY, SECOND, Clock, read_clock

__all__ = ["traffic_frame"]

_HOURS: Final = range(24)

# A longer log is refused, as by ``measure_traffic``.
_MOST_DAYS: Final = 3_660

# The largest whole number up to which all are floats.
_LARGEST_FLOAT: Final = 2**53

# The first and the last instant of calls, as for ``CallInterval``; in microseconds since 1970.
_EARLIEST: Final = (datetime(2, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
_LATEST: Final = (datetime(9998, 12, 31, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)

_MEASURED: Final = MappingProxyType(
    {
        "calls": "whole",
        "talk_seconds": "whole",
        "first_day": "day",
        "last_day": "day",
        "peak": "whole",
        "peak_at": "instant",
        "busy_hour": "whole",
        "erlangs": "fraction",
        **{f"erlangs_{hour}": "fraction" for hour in _HOURS},
        "error": "code",
    }
)


def traffic_frame(
    frame: IntoFrameT,
    *,
    start: str = "start",
    seconds: str = "seconds",
    by: str | None = None,
    zone: tzinfo = UTC,
    weekdays: Iterable[int] = range(7),
    results: Mapping[str, str] | None = None,
) -> IntoFrameT:
    """Return the traffic of all calls, or of each customer's: ``measure_traffic`` over columns.

    The frame that is returned has a row for each customer, in any order, with the column ``by`` and
    these results:

    * ``calls``: the number of calls, with those of length zero.
    * ``talk_seconds``: the length of all calls together.
    * ``first_day``, ``last_day``: the days on which the first call began and the last one ran.
    * ``peak``: the largest number of simultaneous calls.
    * ``peak_at``: the first moment with that many calls.
    * ``busy_hour``: the hour of the clock with the highest average load, from 0 to 23.
    * ``erlangs``: the average load of the busy hour.
    * ``erlangs_0`` to ``erlangs_23``: the average load of each hour of the clock; null if it is not
      observed.
    * ``error``: the code of the error that ``CallInterval`` or ``measure_traffic`` would raise, or
      ``beyond_engine``. One bad call refuses its customer, because the rest would be too low. If a
      customer has several bad calls, a missing value counts before an illegal one.

    A frame without calls has no customers. A customer has the error ``beyond_engine`` if a call is
    before 1970 or after 2099, or runs over two changes of the clock, or if the calls of one hour of
    the clock last more than 285 years. Newfoundland put its clock back over midnight until 2011.
    Calls before such a change are ``beyond_engine`` too.

    Args:
        frame: the frame with a row for each call, of polars, pandas or DuckDB.
        start: the column with the instant at which a call began: a time with a time zone, or whole
            seconds since 1970. ``peak_at`` is of the same kind.
        seconds: the column with the length of a call in whole seconds.
        by: the column with the customer; None if all calls are measured together.
        zone: the time zone of the days and the hours, such as
            ``zoneinfo.ZoneInfo("Europe/Warsaw")``, or a ``datetime.timezone``.
        weekdays: the weekdays that count in the averages, from 0 for Monday to 6 for Sunday.
        results: the results to add, with the names of their columns; by default all.

    Raises:
        WrongType: the frame is of another engine, or a column has no usable type.
        InvalidValue: a column does not exist, or a result has the name of ``by``. Or the zone is of
            another class, or a weekday does not exist.

    >>> from datetime import UTC, datetime
    >>> import polars as pl
    >>> from channelplans.frames import traffic_frame
    >>> calls = pl.DataFrame(
    ...     {
    ...         "customer": ["a", "a", "b"],
    ...         "start": [datetime(2026, 1, 5, 10, minute, tzinfo=UTC) for minute in (0, 20, 30)],
    ...         "seconds": [1800, 1800, 600],
    ...     }
    ... )
    >>> measured = traffic_frame(calls, by="customer").sort("customer")
    >>> for row in measured.select("customer", "peak", "busy_hour", "erlangs").rows():
    ...     print(row)
    ('a', 2, 10, 1.0)
    ('b', 1, 10, 0.16666666666666666)
    """
    clock = read_clock(zone)
    counted = frozenset(bounded("weekdays", weekday, 0, 6) for weekday in weekdays)
    names = name_results(results, _MEASURED)
    work = start_work(
        frame,
        whole={"seconds": seconds},
        instants={"start": start},
        kept={} if by is None else {"by": by},
        results=names,
        groups=[] if by is None else [by],
        without=(nw.Implementation.PYSPARK, nw.Implementation.PYARROW),
    )
    is_eager = work.engine.is_polars() and isinstance(work.frame, nw.DataFrame)
    if is_eager:
        work.frame = work.frame.lazy()
    _add_calls(work, clock)
    if by is None:
        work.add(group=nw.lit(0, dtype=nw.Int64))
    _sum_calls(work, clock, counted, own("group") if by is None else by)
    observed = _add_days(work, clock, counted)
    _add_loads(work, observed)
    _add_busy_hour(work, observed)
    kinds = dict(_MEASURED)
    if not work.dates:
        work.add(peak_at=column("peak_at") // SECOND)
        kinds["peak_at"] = "whole"
    codes = (WRONG_TYPE, INVALID_VALUE, BEYOND_ENGINE)
    work.refuse(*((column("code") == code, code) for code in codes), *_checks(by, observed))
    measured: Any = work.finish(names, kinds)
    return cast(IntoFrameT, measured.collect() if is_eager else measured)


def _add_calls(work: Work, clock: Clock) -> None:
    """Add the begin and the end of each call, and the code of its error, which is -1 if it is good.

    Bad calls become calls of length zero.
    """
    zero, first = nw.lit(0, dtype=nw.Int64), nw.lit(clock.first, dtype=nw.Int64)
    unit = 1 if work.dates else SECOND
    start, seconds = column("start"), column("seconds")
    outside = (start < _EARLIEST // unit) | (start > _LATEST // unit)
    work.add(begin=nw.when(outside).then(first).otherwise(start * unit if unit > 1 else start))
    begin = column("begin")
    longest = (nw.lit(_LATEST, dtype=nw.Int64) - begin) // SECOND
    known = (nw.lit(clock.last, dtype=nw.Int64) - begin) // SECOND
    checks = [
        (is_missing("start") | is_missing("seconds"), WRONG_TYPE),
        (outside | (seconds < 0) | (seconds > longest), INVALID_VALUE),
        ((begin < clock.first) | (seconds > known), BEYOND_ENGINE),
    ]
    work.add(code=choose(_with_codes(checks), nw.lit(-1, dtype=nw.Int64)))
    is_good = column("code") < 0
    work.add(
        begin=nw.when(is_good).then(begin).otherwise(first),
        seconds=nw.when(is_good).then(seconds).otherwise(zero),
    )
    work.add(end=begin + column("seconds") * SECOND)


def _with_codes(checks: Sequence[tuple[nw.Expr, int]]) -> list[tuple[nw.Expr, nw.Expr]]:
    """Return the conditions with their codes as numbers, of which a group has a smallest."""
    return [(condition, nw.lit(code, dtype=nw.Int64)) for condition, code in checks]


def _sum_calls(work: Work, clock: Clock, counted: frozenset[int], customer: str) -> None:
    """Replace the calls by a row for each customer: the peak, and the talk time of each hour."""
    for edge in ("begin", "end"):
        _add_local(work, clock, edge)
    if clock.changes:
        passed = column("end_place") - column("begin_place")
        too_many = (column("code") < 0) & (passed > 1)
        work.add(
            code=choose(_with_codes([(too_many, BEYOND_ENGINE)]), column("code")),
            is_cut=(column("code") < 0) & (passed == 1),
        )
    peaks, code = _find_peaks(work, customer), column("code")
    work.add(code=nw.when(code < 0).then(nw.lit(len(CODES), dtype=nw.Int64)).otherwise(code))
    parts = [_sum_edge(work.frame, counted, customer, edge) for edge in ("begin", "end")]
    if clock.changes:
        # A call that runs over a change of the clock ends before it, and starts again after it.
        crossing = work.frame.filter(column("is_cut"))
        crossing = add_steps(
            crossing, own("change"), own("end"), clock.changes, (0, *clock.changes)
        )
        for edge, other in (("begin", "end"), ("end", "begin")):
            local = (column("change") + column(f"{edge}_offset")).alias(own(f"{other}_local"))
            parts.append(
                _sum_edge(crossing.with_columns(local), counted, customer, other, crossing=True)
            )
    work.frame = nw.concat(parts, how="vertical")
    _sum_hours(work, customer)
    work.frame = work.frame.join(peaks, on=customer, how="left")
    is_silent = column("peak").is_null()
    work.add(
        peak=column("peak").fill_null(0),
        peak_at=nw.when(is_silent).then(column("first")).otherwise(column("event") // 2),
    )


def _find_peaks(work: Work, customer: str) -> Any:
    """Return the largest number of simultaneous calls of each customer; calls of 0 s do not count.

    At one moment, calls end before other calls start.
    """
    calls = work.frame.filter(column("seconds") > 0)
    events = (column("begin") * 2 + 1, column("end") * 2)
    parts = [calls.select(nw.col(customer), event.alias(own("event"))) for event in events]
    found = nw.concat(parts, how="vertical")
    return find_peaks(found, [customer], own("event"), (own("peak"), own("event")))


def _sum_edge(
    frame: nw.LazyFrame[Any],
    counted: frozenset[int],
    customer: str,
    edge: str,
    *,
    crossing: bool = False,
) -> Any:
    """Return a row for each customer and each hour in which calls begin or end.

    Args:
        frame: the calls.
        counted: the weekdays that count.
        customer: the column with the customer.
        edge: ``begin`` or ``end``.
        crossing: whether the calls only begin or end because the clock changes.
    """
    sign, local, zero = (
        1 if edge == "end" else -1,
        column(f"{edge}_local"),
        nw.lit(0, dtype=nw.Int64),
    )
    frame = frame.with_columns((local // HOUR).alias(own("hours")))
    day = (column("hours") // 24).alias(own("day"))
    within = (local - column("hours") * HOUR).alias(own("in_hour"))
    frame = frame.with_columns(day, within)
    days = _count_days(column("day"), counted)
    values = {"hour": column("hours") - column("day") * 24, **days}
    if len(counted) < 7:
        values["in_hour"] = days["is_counted"] * column("in_hour")
    frame = frame.with_columns(*(value.alias(own(name)) for name, value in values.items()))
    is_call = edge == "begin" and not crossing
    facts = [column("begin").max().alias(own("last_start"))] if is_call else []
    if is_call:
        facts += [column("end").max().alias(own("last")), column("begin").min().alias(own("first"))]
        facts += [column("seconds").sum(), column("code").min(), nw.len().alias(own("calls"))]
    sums = [column(name).sum() for name in ("days_before", "is_counted", "in_hour")]
    summed = frame.group_by(customer, own("hour")).agg(*sums, *facts)
    signed = [
        (column(name).cast(nw.Int64) * sign).alias(own(name))
        for name in ("days_before", "is_counted", "in_hour")
    ]
    names = ("last_start", "last", "first", "seconds", "code", "calls")
    unused = {**dict.fromkeys(names, zero), "first": zero + _LATEST, "code": zero + len(CODES)}
    if is_call:
        unused = {name: column(name).cast(nw.Int64) for name in names}
    rest = [value.alias(own(name)) for name, value in unused.items()]
    return summed.select(nw.col(customer), column("hour"), *signed, *rest)


def _sum_hours(work: Work, customer: str) -> None:
    """Replace the rows of each hour by a row for each customer."""
    after = {f"after_{hour}": _where(column("hour") > hour, "is_counted") for hour in _HOURS}
    within = {f"within_{hour}": _where(column("hour") == hour, "in_hour") for hour in _HOURS}
    work.add(**after, **within)
    sums = ["calls", "seconds", "days_before", *after, *within]
    work.frame = work.frame.group_by(customer).agg(
        *(column(name).sum() for name in sums),
        *(column(name).max() for name in ("last", "last_start")),
        *(column(name).min() for name in ("first", "code")),
    )
    code = column("code")
    work.add(
        talk_seconds=column("seconds").cast(nw.Int64),
        code=nw.when(code == len(CODES)).then(nw.lit(-1, dtype=nw.Int64)).otherwise(code),
        **{name: column(name).cast(nw.Int64) for name in ("calls", "days_before")},
    )


def _add_local(work: Work, clock: Clock, edge: str) -> None:
    """Add what the clock shows at the begin or the end of each call, and the changes before."""
    frame, places = work.frame, range(len(clock.offsets))
    offset, place = own(f"{edge}_offset"), own(f"{edge}_place")
    if clock.changes:
        frame = add_steps(frame, offset, own(edge), clock.changes, clock.offsets)
        work.frame = add_steps(frame, place, own(edge), clock.changes, places)
        work.add(**{f"{edge}_local": column(edge) + column(f"{edge}_offset")})
    else:
        work.add(**{f"{edge}_local": column(edge) + clock.offsets[0]})


def _where(condition: nw.Expr, name: str) -> nw.Expr:
    """Return the column where a condition is true, and 0 elsewhere."""
    return condition.cast(nw.Int64) * column(name)


def _count_days(day: nw.Expr, counted: frozenset[int]) -> dict[str, nw.Expr]:
    """Return the number of counted weekdays before a day, and 1 if the day is one, else 0."""
    if len(counted) == 7:
        return {"days_before": day, "is_counted": nw.lit(1, dtype=nw.Int64)}
    # 1970-01-01 was a Thursday.
    week = (day + 3) // 7
    weekday = day + 3 - week * 7
    before = {place: len([item for item in counted if item < place]) for place in range(7)}
    return {
        "days_before": week * len(counted) + look_up(weekday, before, 0),
        "is_counted": look_up(weekday, {place: int(place in counted) for place in range(7)}, 0),
    }


def _add_days(work: Work, clock: Clock, counted: frozenset[int]) -> Sequence[str]:
    """Add the days, and return the column with the observed seconds of each hour."""
    last = column("last")
    ended = nw.when(last > column("last_start")).then(last - 1).otherwise(last)
    work.add(begin=column("first"), end=ended)
    for edge in ("begin", "end"):
        _add_local(work, clock, edge)
    work.add(
        first_day=column("begin_local") // DAY,
        last_day=column("end_local") // DAY,
    )
    work.add(day_before=column("first_day") - 1, day_after=column("last_day") + 1)
    since = _count_days(column("first_day"), counted)["days_before"]
    until = _count_days(column("day_after"), counted)["days_before"]
    work.add(hours=(until - since) * (HOUR // SECOND))
    with_gaps = {}
    gaps = [gap for gap in clock.gaps if (gap.day + 3) % 7 in counted]
    for hour in sorted({gap.hour for gap in gaps}):
        changed = [(gap.day, gap.seconds) for gap in gaps if gap.hour == hour]
        days = tuple(dict.fromkeys(day for day, _ in changed))
        totals = [sum(seconds for day, seconds in changed if day <= last) for last in (0, *days)]
        for name, edge in ((f"until_{hour}", "last_day"), (f"before_{hour}", "day_before")):
            work.frame = add_steps(work.frame, own(name), own(edge), days, totals)
        work.frame = consolidate(work.frame)
        added = column(f"until_{hour}") - column(f"before_{hour}")
        with_gaps[f"observed_{hour}"] = column("hours") + added
    if with_gaps:
        work.add(**with_gaps)
    names = [f"observed_{hour}" for hour in _HOURS]
    return [name if name in with_gaps else "hours" for name in names]


def _add_loads(work: Work, observed: Sequence[str]) -> None:
    """Add the talk time of each hour, and its average load."""
    talks = {}
    for hour in _HOURS:
        talk = (column("days_before") + column(f"after_{hour}")) * HOUR + column(f"within_{hour}")
        talks[f"talk_{hour}"] = talk.cast(nw.Int64)
    work.add(**talks)
    # Each column that stays makes the next steps slower.
    work.drop(*(f"{part}_{hour}" for part in ("after", "within") for hour in _HOURS))
    loads = {}
    for hour, seconds in enumerate(map(column, observed)):
        talk, span = column(f"talk_{hour}").cast(nw.Float64), (seconds * SECOND).cast(nw.Float64)
        loads[f"erlangs_{hour}"] = nw.when(seconds > 0).then(talk / span)
    work.add(**loads)


def _add_busy_hour(work: Work, observed: Sequence[str]) -> None:
    """Add the hour with the highest load, and the load.

    Talk time in microseconds divided by observed seconds is split into a whole part and a fraction.
    In 10 years, an hour of the day has about 13 million seconds, so two different fractions differ
    by more than the rounding error of a float, and floats order them correctly.
    """
    one, minus_one = nw.lit(1, dtype=nw.Int64), nw.lit(-1, dtype=nw.Int64)
    wholes = {}
    for hour, seconds in enumerate(map(column, observed)):
        divisor = nw.when(seconds > 0).then(seconds).otherwise(one)
        whole = column(f"talk_{hour}") // divisor
        # An hour that is not observed is never the busy hour.
        wholes[f"whole_{hour}"] = nw.when(seconds > 0).then(whole).otherwise(minus_one)
    work.add(**wholes)
    work.add(
        highest_whole=nw.max_horizontal(*map(column, wholes)),
        erlangs=nw.max_horizontal(*(column(f"erlangs_{hour}") for hour in _HOURS)),
    )
    fractions = {}
    for hour, seconds in enumerate(map(column, observed)):
        whole = column(f"whole_{hour}")
        rest = (column(f"talk_{hour}") - whole * seconds).cast(nw.Float64)
        is_highest = (whole == column("highest_whole")) & (seconds > 0)
        fraction = nw.when(is_highest).then(rest / seconds)
        fractions[f"fraction_{hour}"] = fraction.otherwise(nw.lit(-1.0))
    work.add(**fractions)
    work.add(highest_fraction=nw.max_horizontal(*map(column, fractions)))
    highest = column("highest_fraction")
    busy = [(column(f"fraction_{hour}") == highest, minus_one + 1 + hour) for hour in _HOURS]
    work.add(busy_hour=choose(busy, minus_one))


def _checks(by: str | None, observed: Sequence[str]) -> list[tuple[nw.Expr, int]]:
    """Return the checks of the calls of a customer, after those of each call."""
    is_good = column("code") < 0
    too_long = column("last") - column("first") > _MOST_DAYS * DAY
    unobserved = reduce(and_, (seconds <= 0 for seconds in map(column, dict.fromkeys(observed))))
    is_too_much = reduce(or_, (column(f"talk_{hour}") > _LARGEST_FLOAT for hour in _HOURS))
    checks = [
        (is_good & too_long, INVALID_VALUE),
        (is_good & unobserved, INVALID_VALUE),
        (is_good & is_too_much, BEYOND_ENGINE),
    ]
    return checks if by is None else [(nw.col(by).is_null(), WRONG_TYPE), *checks]
