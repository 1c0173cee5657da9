"""The clock of a time zone in whole numbers: its changes, and the days and hours that they touch.

An instant is a number of microseconds since 1970 in UTC. A local time is such a number as the clock
shows it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import attrs

from channelplans._checks import shown, time_zone
from channelplans.errors import InvalidValue
from channelplans.explore._clock_hours import HOUR
from channelplans.explore._instants import EPOCH, to_instant

__all__: tuple[str, ...] = ()

SECOND = 1_000_000
DAY = 24 * HOUR

# The years whose changes of the clock are known: 1970 without its first days, up to 2099.
_FIRST = 3 * DAY
_LAST = (datetime(2100, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


@attrs.frozen
class Gap:
    """A part of an hour of one day that a clock leaves out, or shows twice.

    Attributes:
        day: the number of the day since 1970-01-01.
        hour: the hour of the day.
        seconds: how much longer the hour is; negative if it is shorter.
    """

    day: int
    hour: int
    seconds: int


@attrs.frozen
class Clock:
    """The clock of a time zone.

    Attributes:
        first: the first instant from which on the days follow each other.
        last: the instant up to which the changes are known.
        changes: the instants at which the clock changes.
        offsets: how far the clock is ahead of UTC before the first change, and after each.
    """

    first: int
    last: int
    changes: tuple[int, ...]
    offsets: tuple[int, ...]

    @property
    def gaps(self) -> Iterator[Gap]:
        """The parts of hours that the changes leave out or repeat, in the order of their days."""
        for place, change in enumerate(self.changes):
            before, after = change + self.offsets[place], change + self.offsets[place + 1]
            sign, instant, last = (1, after, before) if after < before else (-1, before, after)
            while instant < last:
                end = min(instant - instant % HOUR + HOUR, last)
                hour = instant // HOUR
                yield Gap(hour // 24, hour % 24, sign * (end - instant) // SECOND)
                instant = end


def read_clock(zone: tzinfo) -> Clock:
    """Return the clock of a time zone.

    Raises:
        WrongType: the zone is not a tzinfo.
        InvalidValue: the zone is of a class whose changes cannot be found.
    """
    time_zone("zone", zone)
    if not isinstance(zone, (ZoneInfo, timezone)):
        expected = 'a ZoneInfo, such as ZoneInfo("Europe/Warsaw"), or a timezone'
        raise InvalidValue("zone", shown(zone), expected)
    if isinstance(zone, timezone):
        return Clock(_FIRST, _LAST, (), (_offset(_FIRST, zone),))
    changes = _list_changes(zone)
    first, offsets = _FIRST, [_offset(_FIRST, zone), *(_offset(change, zone) for change in changes)]
    for place, change in enumerate(changes):
        # If the clock is put back after midnight, it shows the day before again.
        shown_before, shown_after = (change + offset for offset in offsets[place : place + 2])
        if shown_after // DAY < (shown_before - 1) // DAY:
            first = change
    kept = [place for place, change in enumerate(changes) if change > first]
    start = len(changes) - len(kept)
    return Clock(first, _LAST, tuple(changes[start:]), tuple(offsets[start:]))


def _offset(instant: int, zone: tzinfo) -> int:
    offset = to_instant(instant, zone).utcoffset()
    return (offset or timedelta(0)) // timedelta(microseconds=1)


def _list_changes(zone: tzinfo) -> Sequence[int]:
    """Return the instants at which the offset changes; a zone changes it at most once a day."""
    changes, day = [], timedelta(1)
    moment, last = to_instant(_FIRST), to_instant(_LAST)
    before = moment.astimezone(zone).utcoffset()
    while moment < last:
        after = (moment + day).astimezone(zone).utcoffset()
        if after != before:
            instant = (moment - EPOCH) // timedelta(microseconds=1)
            changes.append(_find_change(instant, instant + DAY, _offset(instant, zone), zone))
            before = after
        moment += day
    return changes


def _find_change(low: int, high: int, offset: int, zone: tzinfo) -> int:
    """Return the first instant between two whose offset differs, which is a whole second."""
    low, high = low // SECOND, high // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle * SECOND, zone) == offset:
            low = middle
        else:
            high = middle
    return high * SECOND
