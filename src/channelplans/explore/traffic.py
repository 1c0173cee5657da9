"""The traffic of calls that happened: the peak, the busy hour, and the load of each hour.

This module does not know channels or prices. ``channels_for`` says how many channels a load needs,
and ``replay`` what a number of channels would have refused.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction
from itertools import product
from typing import Final

import attrs

from channelplans._checks import bounded, shown, time_zone
from channelplans._constructors import checked
from channelplans._display import Folded, Part, RecordsMixin, Table, clock, counted
from channelplans.errors import InvalidValue, WrongType, quoted
from channelplans.explore._clock_hours import HOUR, ClockHour, list_clock_hours
from channelplans.explore._instants import to_instant
from channelplans.explore._timeline import Timeline
from channelplans.explore.call_logs import (
    CallInterval,
    measure_intervals,
    refuse_duplicates,
)

__all__ = ["Load", "TrafficReport", "measure_traffic"]


_NOTHING: Final = timedelta(0)


_MICROSECOND: Final = timedelta(microseconds=1)


# Ten years of 366 days. A log that is longer has a wrong start: 1970 is the usual one.
_MOST_DAYS: Final = 3_660


_WEEKDAYS: Final = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())


# The text shows the numbers of calls that are exceeded for at most these shares of the busy hour.
_SHOWN_SHARES: Final = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 0.0)


@checked
@attrs.frozen(repr=False)
class Load(RecordsMixin):
    """The talk time of all calls within some hours, and how long these hours are together.

    Attributes:
        talk_time: the time for which calls ran. Each of two simultaneous calls counts.
        observed: the length of the hours together, with calls or without.

    >>> from datetime import timedelta
    >>> from channelplans.explore import Load
    >>> print(Load(timedelta(hours=15), observed=timedelta(hours=5)))
    3.000 erlangs: 15:00:00 of calls in 5:00:00
    """

    talk_time: timedelta
    observed: timedelta

    def __attrs_post_init__(self) -> None:
        for parameter, length in (("talk_time", self.talk_time), ("observed", self.observed)):
            if length < _NOTHING:
                raise InvalidValue(parameter, str(length), "0 s or longer")
        if self.talk_time and not self.observed:
            raise InvalidValue("observed", "0 s", "above 0 s, because there is talk time")

    @property
    def erlangs(self) -> float:
        """The average number of simultaneous calls, rounded to a float; 0.0 if nothing is observed.

        ``talk_time`` and ``observed`` are exact.
        """
        return self.talk_time / self.observed if self.observed else 0.0

    def to_records(self) -> list[dict[str, object]]:
        """Return the load as one plain row."""
        return [
            {
                "talk_seconds": self.talk_time.total_seconds(),
                "observed_seconds": self.observed.total_seconds(),
                "erlangs": self.erlangs,
            }
        ]

    def _describe(self) -> tuple[str]:
        lengths = f"{clock(self.talk_time)} of calls in {clock(self.observed)}"
        return (f"{self.erlangs:,.3f} erlangs: {lengths}",)


@checked
@attrs.frozen(repr=False)
class TrafficReport(RecordsMixin):
    """What calls say about the channels that they need.

    If several moments or hours have the same maximum, the earliest counts.

    Attributes:
        calls: the number of calls, with those of length zero.
        talk_time: the length of all calls together.
        zone: the time zone of the days and the hours.
        first_day: the day on which the first call began.
        last_day: the last day on which a call began or ran.
        peak: the largest number of simultaneous calls.
        peak_at: the first moment with that many calls.
        sliding_start: the beginning of the 60 minutes with the most talk time. They can begin at
            any moment from the first call's start on.
        sliding_talk_time: the talk time of these 60 minutes.
        hours: the load of each hour of the clock, from 0 to 23, over all counted days.
        weekdays: the load of each weekday, from Monday to Sunday, over all 24 hours.
        levels: how long exactly 0, 1, 2, ... calls ran at the same time, within the busy hours of
            all counted days.

    Raises:
        InvalidValue: there are no calls, or not 24 hours and 7 weekdays, or no hour is observed.
    """

    calls: int
    talk_time: timedelta
    zone: tzinfo
    first_day: date
    last_day: date
    peak: int
    peak_at: datetime
    sliding_start: datetime
    sliding_talk_time: timedelta
    hours: tuple[Load, ...]
    weekdays: tuple[Load, ...]
    levels: tuple[timedelta, ...]

    def __attrs_post_init__(self) -> None:
        bounded("calls", self.calls, 1)
        for parameter, loads, count in (("hours", self.hours, 24), ("weekdays", self.weekdays, 7)):
            if len(loads) != count:
                raise InvalidValue(parameter, f"{len(loads)} loads", f"{count} loads")
        if not any(load.observed for load in self.hours):
            raise InvalidValue("hours", "24 hours without observed time", "observed")
        if not any(self.levels):
            raise InvalidValue("levels", "no time", "the observed time of the busy hour")

    @property
    def mean_length(self) -> timedelta:
        """The mean length of a call, rounded to the microsecond."""
        return self.talk_time / self.calls

    @property
    def days(self) -> int:
        """The number of days from the first to the last, with days without calls."""
        return (self.last_day - self.first_day).days + 1

    @property
    def busy_hour(self) -> int:
        """The hour of the clock with the highest average load: 10 is the hour from 10:00 to 11:00.

        The averages are compared exactly. The earliest hour counts if several are equal.
        """
        return _find_busy_hour(self.hours)

    @property
    def erlangs(self) -> float:
        """The average load of the busy hour; ``channels_for`` takes it."""
        return self.hours[self.busy_hour].erlangs

    @property
    def sliding_erlangs(self) -> float:
        """The load of the 60 minutes with the most talk time."""
        return self.sliding_talk_time / timedelta(hours=1)

    def share_above(self, calls: int) -> float:
        """Return the share of the busy hour's time with more than a number of simultaneous calls.

        The share is exact until it is rounded to a float.

        Args:
            calls: the number of calls, which is at least 0.

        Raises:
            InvalidValue: the number is negative.

        >>> from datetime import datetime, timedelta, timezone
        >>> from channelplans.explore import CallInterval, measure_traffic
        >>> start = datetime(2026, 1, 5, 10, 0, tzinfo=timezone.utc)
        >>> call = CallInterval(start, timedelta(minutes=15))
        >>> measure_traffic([call, call], zone=timezone.utc).share_above(1)
        0.25
        """
        above = self.levels[bounded("calls", calls, 0) + 1 :]
        return sum(above, _NOTHING) / sum(self.levels, _NOTHING)

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each hour of the clock, then one for each weekday.

        A row has ``hour``, or else ``weekday`` with 0 for Monday.
        """
        hours: list[dict[str, object]] = [
            {"hour": hour, "weekday": None, **load.to_records()[0]}
            for hour, load in enumerate(self.hours)
        ]
        return hours + [
            {"hour": None, "weekday": weekday, **load.to_records()[0]}
            for weekday, load in enumerate(self.weekdays)
        ]

    def _describe(self) -> Iterator[Part]:
        yield (
            f"{counted(self.calls, 'call')}, mean length {_to_seconds(self.mean_length)}, "
            f"{self.first_day} to {self.last_day}, {counted(self.days, 'day')} "
            f"in the zone {quoted(str(self.zone))}"
        )
        yield f"peak: {counted(self.peak, 'simultaneous call')}, first at {self.peak_at}"
        yield (
            f"busy hour: {_name_hour(self.busy_hour)}, {self.erlangs:,.3f} erlangs on average; "
            f"busiest 60 minutes: from {self.sliding_start}, {self.sliding_erlangs:,.3f} erlangs"
        )
        shares = tuple((f"{calls:,}", f"{share:.2%}") for calls, share in self._list_shares())
        yield Table(_SHARE_COLUMNS, shares, right=_SHARE_COLUMNS, caption="Within the busy hour")
        hours = tuple((_name_hour(hour), _erlangs(load)) for hour, load in enumerate(self.hours))
        caption = "Average load of each hour of the day"
        by_hour = Table(("hour", "erlangs"), hours, right=("erlangs",), caption=caption)
        days = zip(_WEEKDAYS, map(_erlangs, self.weekdays), strict=True)
        caption = "Average load of each weekday, over all 24 hours"
        by_day = Table(("weekday", "erlangs"), tuple(days), right=("erlangs",), caption=caption)
        yield Folded("Average load of each hour and weekday", (by_hour, by_day))

    def _list_shares(self) -> Iterator[tuple[int, float]]:
        """Yield the numbers of calls that the text shows, with the share of time above each."""
        total = sum(self.levels, _NOTHING)
        above, limits = total, iter(_SHOWN_SHARES)
        limit = next(limits)
        for calls, length in enumerate(self.levels):
            above -= length
            if above / total <= limit:
                yield calls, above / total
                limit = next((limit for limit in limits if limit < above / total), -1.0)


_SHARE_COLUMNS: Final = ("more calls than", "share of the busy hour")


def _find_busy_hour(hours: Iterable[Load]) -> int:
    # An hour that is not observed is never the busy hour, even if no call has a length.
    averages = [
        Fraction(load.talk_time // _MICROSECOND, load.observed // _MICROSECOND)
        if load.observed
        else Fraction(-1)
        for load in hours
    ]
    return averages.index(max(averages))


def _name_hour(hour: int) -> str:
    return f"{hour:02}:00 to {hour + 1:02}:00"


def _erlangs(load: Load) -> str:
    return f"{load.erlangs:,.3f}" if load.observed else "not observed"


def _to_seconds(length: timedelta) -> str:
    return clock(timedelta(seconds=round(length.total_seconds())))


def measure_traffic(
    calls: Iterable[CallInterval], *, zone: tzinfo, weekdays: Iterable[int] = range(7)
) -> TrafficReport:
    """Return the peak, the busy hour and the load of each hour of calls that happened.

    All days from the first to the last count in the averages as whole days, also days without
    calls. On days on which the clock changes, an hour counts for as long as it lasts: an hour that
    is missing does not count, and a repeated hour counts twice. A call that runs over several
    hours or days counts in each for the time that it runs there.

    Args:
        calls: the calls, in any order; a generator is read once.
        zone: the time zone of the days and the hours, such as
            ``zoneinfo.ZoneInfo("Europe/Warsaw")``.
        weekdays: the weekdays that count in ``hours`` and in the busy hour, from 0 for Monday to 6
            for Sunday. Pass ``range(5)`` if nobody works at weekends: otherwise the empty days
            lower the averages.

    Raises:
        WrongType: a call is not a CallInterval, or the zone is not a tzinfo.
        InvalidValue: there are no calls, two calls with one identifier overlap, the calls span
            more than 3,660 days, or no counted weekday is between the first and the last day.

    >>> from datetime import datetime, timedelta, timezone
    >>> from channelplans.explore import CallInterval, measure_traffic
    >>> ten = datetime(2026, 1, 5, 10, 0, tzinfo=timezone.utc)
    >>> calls = [
    ...     CallInterval(ten, timedelta(minutes=30)),
    ...     CallInterval(ten + timedelta(minutes=20), timedelta(minutes=30)),
    ...     CallInterval(ten + timedelta(minutes=50), timedelta(minutes=30)),
    ... ]
    >>> report = measure_traffic(calls, zone=timezone.utc)
    >>> report.peak, str(report.peak_at)
    (2, '2026-01-05 10:20:00+00:00')
    >>> report.busy_hour, round(report.erlangs, 3)
    (10, 1.167)
    >>> str(report.sliding_start), report.sliding_erlangs
    ('2026-01-05 10:00:00+00:00', 1.1666666666666667)
    """
    time_zone("zone", zone)
    counted_weekdays = _check_weekdays(weekdays)
    timeline = _read_timeline(calls)
    table = _LoadTable.make(timeline, zone)
    hours = tuple(table.load(counted_weekdays, (hour,)) for hour in range(24))
    if not any(load.observed for load in hours):
        expected = f"weekdays between {table.first_day} and {table.last_day}"
        raise InvalidValue("weekdays", str(sorted(counted_weekdays)), expected)
    busy_hour = _find_busy_hour(hours)
    levels = timeline.sum_levels(
        (hour.begin, hour.end)
        for hour in table.clock_hours
        if hour.hour == busy_hour and hour.day.weekday() in counted_weekdays
    )
    peak, peak_at = timeline.find_peak()
    sliding_talk, sliding_start = timeline.find_busiest(HOUR)
    return TrafficReport(
        calls=len(timeline.starts),
        talk_time=_to_length(sum(timeline.ends) - sum(timeline.starts)),
        zone=zone,
        first_day=table.first_day,
        last_day=table.last_day,
        peak=peak,
        peak_at=to_instant(peak_at, zone),
        sliding_start=to_instant(sliding_start, zone),
        sliding_talk_time=_to_length(sliding_talk),
        hours=hours,
        weekdays=tuple(table.load((weekday,), range(24)) for weekday in range(7)),
        levels=tuple(_to_length(levels[level]) for level in range(max(levels) + 1)),
    )


def _read_timeline(calls: Iterable[CallInterval]) -> Timeline:
    starts, ends, ids = measure_intervals(calls)
    if not starts:
        raise InvalidValue("calls", "an empty log", "at least one call")
    refuse_duplicates(starts, ends, ids)
    del ids  # these texts need more memory than all numbers
    first, last = min(starts), max(ends)
    if last - first > _MOST_DAYS * 24 * HOUR:
        found = (
            f"calls[{starts.index(first)}], which starts on {to_instant(first).date()}, and "
            f"calls[{ends.index(last)}], which ends on {to_instant(last).date()}"
        )
        raise InvalidValue("calls", found, f"within {_MOST_DAYS:,} days")
    if sum(ends) - sum(starts) > timedelta.max // _MICROSECOND:
        limit = f"at most {timedelta.max.days:,} days of talk time"
        raise InvalidValue("calls", "a longer talk time", limit)
    return Timeline.make(starts, ends)


def _check_weekdays(weekdays: Iterable[int]) -> frozenset[int]:
    if not isinstance(weekdays, Iterable):
        raise WrongType("weekdays", shown(weekdays), "several weekdays, such as range(5)")
    return frozenset(bounded("weekdays", weekday, 0, 6) for weekday in weekdays)


@attrs.frozen
class _LoadTable:
    """The hours of all days, and the talk and observed time of each weekday and hour."""

    first_day: date
    last_day: date
    clock_hours: Sequence[ClockHour]
    talk: Counter[tuple[int, int]]
    observed: Counter[tuple[int, int]]

    @classmethod
    def make(cls, timeline: Timeline, zone: tzinfo) -> "_LoadTable":
        first, last = timeline.starts[0], max(timeline.starts[-1], timeline.ends[-1] - 1)
        around = list(list_clock_hours(first, last, zone))
        # Not only the days of the first and the last moment: if the clock is put back after
        # midnight, it shows the day before again.
        days = [hour.day for hour in around if hour.end > first and hour.begin <= last]
        first_day, last_day = min(days), max(days)
        talk: Counter[tuple[int, int]] = Counter()
        observed: Counter[tuple[int, int]] = Counter()
        clock_hours: list[ClockHour] = []
        edges = [around[0].begin, *(hour.end for hour in around)]
        for hour, talk_time in zip(around, timeline.sum_talk(edges), strict=True):
            if first_day <= hour.day <= last_day:
                clock_hours.append(hour)
                talk[hour.day.weekday(), hour.hour] += talk_time
                observed[hour.day.weekday(), hour.hour] += hour.end - hour.begin
        return cls(first_day, last_day, clock_hours, talk, observed)

    def load(self, weekdays: Iterable[int], hours: Iterable[int]) -> Load:
        places = [*product(weekdays, hours)]
        return Load(
            _to_length(sum(self.talk[place] for place in places)),
            _to_length(sum(self.observed[place] for place in places)),
        )


def _to_length(microseconds: int) -> timedelta:
    return timedelta(microseconds=microseconds)
