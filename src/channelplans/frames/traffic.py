"""The traffic of calls in columns: the peak, the busy hour and the load of each hour.

A clock that shows local times makes each hour of the day a sum. The time that passed in the hour
from 10:00 to 11:00 up to a moment is an hour for each day before, and a part for the day itself. A
call adds that time at its end, and takes it away at its start. So no call is cut into hours.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import reduce
from operator import and_, or_
from types import MappingProxyType
from typing import Any, Final, cast

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from channelplans._checks import bounded
from channelplans.errors import WrongType
from channelplans.frames._codes import BEYOND_ENGINE, CODES, INVALID_VALUE, WRONG_TYPE
from channelplans.frames._engines import add_steps, own
from channelplans.frames._expressions import look_up
from channelplans.frames._work import (
    Work,
    column,
    first_error,
    is_missing,
    name_results,
    start_work,
)
from channelplans.frames._zones import DAY, HOUR, SECOND, Clock, read_clock
from channelplans.explore._instants import EPOCH

__all__ = ["traffic_frame"]

_HOURS: Final = range(24)

# A longer log is refused, as by ``measure_traffic``.
_MOST_DAYS: Final = 3_660

# The largest whole number up to which all are floats.
_LARGEST_FLOAT: Final = 2**53

# Calls lie in the years 2 to 9998, as those of ``CallInterval``; in microseconds since 1970.
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
    * ``erlangs_0`` to ``erlangs_23``: the average load of each hour of the clock; null if a hour is
      not observed.
    * ``error``: the code of the error that ``CallInterval`` or ``measure_traffic`` would raise, or
      ``beyond_engine``. One bad call refuses its customer, because the rest would be too low. If a
      customer has several bad calls, a missing value counts before an illegal one.

    A frame without calls has no customers. Calls before 1970 or after 2099, calls that run over two
    changes of the clock, and 285 years of calls within one hour of the clock are
    ``beyond_engine``; so are calls before 2012 in the few zones that put their clock back over
    midnight, such as Newfoundland.

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
    )
    if work.engine.is_pyspark() or work.engine.is_pyarrow():
        found = f"a frame of {work.engine}"
        raise WrongType("frame", found, "a frame of polars, pandas or DuckDB")
    group = own("group") if by is None else by
    if by is None:
        work.add(group=nw.lit(0, dtype=nw.Int64))
    _add_calls(work, clock)
    _make_events(work, clock, group)
    _sum_events(work, counted, group)
    _add_days(work, clock, counted)
    _add_loads(work)
    _add_busy_hour(work)
    kinds = dict(_MEASURED)
    if not work.dates:
        work.add(peak_at=column("peak_at") // SECOND)
        kinds["peak_at"] = "whole"
    work.add(error=first_error(*_checks(by), accepted=column("code")))
    return cast(IntoFrameT, work.finish(names, kinds))


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
    most = (nw.lit(_LATEST, dtype=nw.Int64) - begin) // SECOND
    known = (nw.lit(clock.last, dtype=nw.Int64) - begin) // SECOND
    checks = [
        (is_missing("start") | is_missing("seconds"), WRONG_TYPE),
        (outside | (seconds < 0) | (seconds > most), INVALID_VALUE),
        ((begin < clock.first) | (seconds > known), BEYOND_ENGINE),
    ]
    work.add(code=first_error(*checks))
    is_good = column("code") < 0
    work.add(
        begin=nw.when(is_good).then(begin).otherwise(first),
        seconds=nw.when(is_good).then(seconds).otherwise(zero),
    )
    work.add(end=begin + column("seconds") * SECOND)


def _make_events(work: Work, clock: Clock, group: str) -> None:
    """Replace the calls by their starts and their ends.

    A call that runs over a change of the clock ends before it and starts again after it, but goes
    on as a call.
    """
    one, zero = nw.lit(1, dtype=nw.Int64), nw.lit(0, dtype=nw.Int64)
    for edge in ("begin", "end"):
        _add_local(work, clock, edge)
    if clock.changes:
        passed = column("end_place") - column("begin_place")
        too_many = (column("code") < 0) & (passed > 1)
        work.add(
            code=first_error((too_many, BEYOND_ENGINE), accepted=column("code")),
            is_cut=(column("code") < 0) & (passed == 1),
        )
    is_long = nw.when(column("seconds") > 0).then(one).otherwise(zero)
    begin = {"instant": column("begin"), "local": column("begin_local"), "live": is_long}
    begin |= {"calls": one, "talk": zero - 1, "talk_seconds": column("seconds")}
    end = {"instant": column("end"), "local": column("end_local"), "live": zero - is_long}
    end |= {"calls": zero, "talk": one, "talk_seconds": zero}
    parts = [_select(work.frame, group, edge) for edge in (begin, end)]
    if clock.changes:
        cut = work.frame.filter(column("is_cut"))
        cut = add_steps(cut, own("change"), own("end"), clock.changes, (0, *clock.changes))
        change, no_call = column("change"), {"live": zero, "calls": zero, "talk_seconds": zero}
        for edge, talk in (("begin", one), ("end", zero - 1)):
            local = change + column(f"{edge}_offset")
            values = {"instant": change, "local": local, "talk": talk, **no_call}
            parts.append(_select(cut, group, values))
    work.frame = nw.concat(parts, how="vertical")


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


def _select(frame: nw.LazyFrame[Any], group: str, values: Mapping[str, nw.Expr]) -> Any:
    names = ("instant", "local", "live", "calls", "talk", "talk_seconds")
    columns = [values[name].alias(own(name)) for name in names]
    return frame.select(nw.col(group), *columns, column("code").cast(nw.Int64))


def _sum_events(work: Work, counted: frozenset[int], group: str) -> None:
    """Replace the events by a row for each customer, with the talk time of each hour."""
    local, zero = column("local"), nw.lit(0, dtype=nw.Int64)
    order = column("instant") * 2 + nw.when(column("live") > 0).then(zero + 1).otherwise(zero)
    work.add(order=order, day=local // DAY, hours=local // HOUR)
    work.add(
        running=column("live").cum_sum().over(group, order_by=own("order")).cast(nw.Int64),
        hour=column("hours") - column("day") * 24,
        in_hour=local - column("hours") * HOUR,
        last_start=column("instant") * column("calls"),
        **_count_days(column("day"), counted),
    )
    talk, latest = column("talk"), nw.lit(_LATEST, dtype=nw.Int64)
    work.add(
        peak=column("running").max().over(group),
        days_before=talk * column("days_before"),
        is_counted=talk * column("is_counted"),
        in_hour=talk * column("is_counted") * column("in_hour"),
        code=nw.when(column("code") < 0).then(zero + len(CODES)).otherwise(column("code")),
    )
    is_peak = column("running") == column("peak")
    work.add(peak_at=nw.when(is_peak).then(column("instant")).otherwise(latest))
    sums = ("calls", "talk_seconds", "days_before")
    rest = [
        *(column(name).sum() for name in sums),
        *(column(name).max() for name in ("peak", "last_start")),
        *(column(name).min() for name in ("peak_at", "code")),
    ]
    first, last = column("instant").min(), column("instant").max()
    hours = [column("is_counted").sum(), column("in_hour").sum()]
    instants = [first.alias(own("first")), last.alias(own("last"))]
    by_hour = work.frame.group_by(group, own("hour")).agg(*rest, *instants, *hours)
    work.frame = by_hour
    after = {f"after_{hour}": _where(column("hour") > hour, "is_counted") for hour in _HOURS}
    within = {f"within_{hour}": _where(column("hour") == hour, "in_hour") for hour in _HOURS}
    work.add(**after, **within)
    summed = [column(name).sum() for name in (*after, *within)]
    instants = [column("first").min(), column("last").max()]
    work.frame = work.frame.group_by(group).agg(*rest, *instants, *summed)
    totals = [*sums, *after, *within]
    work.add(**{name: column(name).cast(nw.Int64) for name in totals})
    code = column("code")
    work.add(code=nw.when(code == len(CODES)).then(zero - 1).otherwise(code))


def _where(condition: nw.Expr, name: str) -> nw.Expr:
    return nw.when(condition).then(column(name)).otherwise(nw.lit(0, dtype=nw.Int64))


def _count_days(day: nw.Expr, counted: frozenset[int]) -> dict[str, nw.Expr]:
    """Return the number of counted weekdays before a day, and 1 if the day is one, else 0."""
    if len(counted) == 7:
        return {"days_before": day, "is_counted": day * 0 + 1}
    # 1970-01-01 was a Thursday.
    week = (day + 3) // 7
    weekday = day + 3 - week * 7
    before = {place: len([item for item in counted if item < place]) for place in range(7)}
    return {
        "days_before": week * len(counted) + look_up(weekday, before, 0),
        "is_counted": look_up(weekday, {place: int(place in counted) for place in range(7)}, 0),
    }


def _add_days(work: Work, clock: Clock, counted: frozenset[int]) -> None:
    """Add the first and the last day, and for how long each hour was observed, in seconds."""
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
    gaps = [gap for gap in clock.gaps if (gap.day + 3) % 7 in counted]
    for hour in _HOURS:
        changed = sorted((gap.day, gap.seconds) for gap in gaps if gap.hour == hour)
        days = tuple(dict.fromkeys(day for day, _ in changed))
        totals = [sum(seconds for day, seconds in changed if day <= last) for last in (0, *days)]
        for name, edge in ((f"until_{hour}", "last_day"), (f"before_{hour}", "day_before")):
            work.frame = add_steps(work.frame, own(name), own(edge), days, totals)
    work.add(
        **{
            f"observed_{hour}": column("hours") + column(f"until_{hour}") - column(f"before_{hour}")
            for hour in _HOURS
        }
    )


def _add_loads(work: Work) -> None:
    """Add the talk time of each hour, and its average load."""
    work.add(
        **{
            f"talk_{hour}": (column("days_before") + column(f"after_{hour}")) * HOUR
            + column(f"within_{hour}")
            for hour in _HOURS
        }
    )
    loads = {}
    for hour in _HOURS:
        observed = column(f"observed_{hour}")
        talk, length = column(f"talk_{hour}").cast(nw.Float64), (observed * SECOND).cast(nw.Float64)
        loads[f"erlangs_{hour}"] = nw.when(observed > 0).then(talk / length)
    work.add(**loads)


def _add_busy_hour(work: Work) -> None:
    """Add the hour with the highest load, compared exactly, two hours at a time."""
    facts = ("whole", "rest", "length", "hour", "load")
    one, zero = nw.lit(1, dtype=nw.Int64), nw.lit(0, dtype=nw.Int64)
    first = {}
    for hour in _HOURS:
        talk, observed = column(f"talk_{hour}"), column(f"observed_{hour}")
        first[f"length_{hour}"] = nw.when(observed > 0).then(observed).otherwise(one)
        # An hour that is not observed is never the busy hour.
        first[f"part_{hour}"] = nw.when(observed > 0).then(talk).otherwise(zero - 1)
    work.add(**first)
    work.add(**{f"whole_{hour}": column(f"part_{hour}") // column(f"length_{hour}") for hour in _HOURS})
    work.add(
        **{
            f"rest_{hour}": column(f"part_{hour}") - column(f"whole_{hour}") * column(f"length_{hour}")
            for hour in _HOURS
        },
        **{f"hour_{hour}": zero + hour for hour in _HOURS},
        **{f"load_{hour}": column(f"erlangs_{hour}") for hour in _HOURS},
    )
    places = [*_HOURS]
    while len(places) > 1:
        winners = {}
        for left, right in zip(places[::2], places[1::2], strict=False):
            later = _is_higher(right, left)
            for fact in facts:
                higher = nw.when(later).then(column(f"{fact}_{right}"))
                winners[f"{fact}_{left}"] = higher.otherwise(column(f"{fact}_{left}"))
        work.add(**winners)
        places = places[::2]
    work.add(busy_hour=column("hour_0"), erlangs=column("load_0"))


def _is_higher(hour: int, other: int) -> nw.Expr:
    """Return whether an hour has a higher load than another; both are fractions."""
    whole, other_whole = column(f"whole_{hour}"), column(f"whole_{other}")
    rest = column(f"rest_{hour}") * column(f"length_{other}")
    other_rest = column(f"rest_{other}") * column(f"length_{hour}")
    return (whole > other_whole) | ((whole == other_whole) & (rest > other_rest))


def _checks(by: str | None) -> list[tuple[nw.Expr, int]]:
    """Return the checks of the calls of a customer, after those of each call."""
    is_good = column("code") < 0
    too_long = column("last") - column("first") > _MOST_DAYS * DAY
    unobserved = reduce(and_, (column(f"observed_{hour}") <= 0 for hour in _HOURS))
    beyond = reduce(or_, (column(f"talk_{hour}") > _LARGEST_FLOAT for hour in _HOURS))
    checks = [
        (is_good & too_long, INVALID_VALUE),
        (is_good & unobserved, INVALID_VALUE),
        (is_good & beyond, BEYOND_ENGINE),
    ]
    return checks if by is None else [(nw.col(by).is_null(), WRONG_TYPE), *checks]
