"""The hours of the clock in a time zone, as ranges of instants.

An instant is a number of microseconds since 1970. On the days on which the clock changes, an hour
of the clock can be missing, shorter or twice as long.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from channelplans.explore._instants import to_instant

__all__: tuple[str, ...] = ()


HOUR = 3_600_000_000


# No offset reaches 24 hours, so two days contain every instant of a day in every zone.
_TWO_DAYS = 48 * HOUR


class ClockHour(NamedTuple):
    """A range of instants without a change of the clock, within one hour of one day."""

    begin: int
    end: int
    day: date
    hour: int


def list_clock_hours(begin: int, end: int, zone: tzinfo) -> Iterator[ClockHour]:
    """Yield the hours of the clock, in order, that contain all days between two instants.

    The first and the last hours belong to days outside; together they last at most two days each.
    """
    instant, last = begin - _TWO_DAYS, end + _TWO_DAYS
    local = to_instant(instant, zone)
    while instant < last:
        next_instant = instant + _until_next_hour(local)
        next_local = to_instant(next_instant, zone)
        if next_local.utcoffset() != local.utcoffset():
            next_instant = _find_change(instant, next_instant, zone)
            next_local = to_instant(next_instant, zone)
        yield ClockHour(instant, next_instant, local.date(), local.hour)
        instant, local = next_instant, next_local


def _until_next_hour(local: datetime) -> int:
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return HOUR - past // timedelta(microseconds=1)


def _find_change(before: int, after: int, zone: tzinfo) -> int:
    """Return the first instant whose offset is no longer that of ``before``."""
    offset = to_instant(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if to_instant(middle, zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
