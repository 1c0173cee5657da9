"""Calls that happened: when each began and how long it lasted, read from rows of any source.

This module does not know channels, offers or prices. A ``Call`` of ``channelplans.calls`` is rated;
a ``CallInterval`` only occupies a channel for some time.
"""

import operator
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from math import isfinite
from typing import Any, Final, SupportsIndex

import attrs

from channelplans._checks import (
    ZONE_EXAMPLE,
    aware,
    instance,
    short_identifier,
    shown,
    time_zone,
    whole,
)
from channelplans._constructors import checked
from channelplans._display import (
    Folded,
    Part,
    RecordsMixin,
    clock,
    counted,
    make_long_table,
)
from channelplans.allowances import not_negative
from channelplans.errors import InvalidValue, WrongType, quoted
from channelplans.explore._instants import EPOCH

__all__ = ["CallInterval", "CallLog", "RefusedRow", "read_calls"]


_MICROSECOND: Final = timedelta(microseconds=1)


_NOTHING: Final = timedelta(0)


# In the years 1 and 9999, the day of some time zones is outside the calendar.
_EARLIEST: Final = datetime(2, 1, 1, tzinfo=UTC)


_LATEST: Final = datetime(9998, 12, 31, tzinfo=UTC)


_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,30})?")


# The year 5138 in seconds, or March 1973 in milliseconds.
_LATESTEPOCH: Final = 10**11


# A range of rows, such as "3 to 9", counts as one.
_SHOWN_RANGES: Final = 3


_NO_OVERLAP: Final = "two calls with the same id must not overlap"


def _start_as_utc(start: datetime) -> datetime:
    return start if type(start) is datetime and start.tzinfo is UTC else _as_utc("start", start)


def _as_utc(parameter: str, instant: datetime) -> datetime:
    """Return the same instant in UTC, so that no comparison depends on a change of the clock."""
    aware(parameter, instant)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise _outside_years(parameter, str(instant)) from None


def _outside_years(parameter: str, instant: str) -> InvalidValue:
    expected = f"in the years {_EARLIEST.year} to {_LATEST.year}"
    return InvalidValue(parameter, instant, expected)


@checked
@attrs.frozen(repr=False)
class CallInterval(RecordsMixin):
    """A call that happened: when it began, and how long it occupied a channel.

    The call runs from its start up to, but not including, its end. So a call that ends at the
    moment at which another call starts does not overlap it. A call of length zero occupies no
    channel.

    Attributes:
        start: when the call began: a datetime with a tzinfo, in the years 2 to 9998. The value
            keeps the same instant in UTC.
        duration: how long the call lasted; not negative.
        id: your identifier of the call, or None. Two calls with the same identifier may not
            overlap or start at the same moment.

    Raises:
        InvalidValue: the start has no tzinfo, the call lies outside the years, the duration is
            negative, or the identifier is longer than 255 characters.

    >>> from datetime import datetime, timedelta, timezone
    >>> from channelplans.explore import CallInterval
    >>> start = datetime(2026, 1, 5, 10, 30, tzinfo=timezone.utc)
    >>> print(CallInterval(start, timedelta(minutes=3), "c-1"))
    2026-01-05 10:30:00+00:00 call 'c-1', 0:03:00
    """

    start: datetime = attrs.field(converter=_start_as_utc)
    duration: timedelta
    id: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.duration < _NOTHING:
            not_negative("duration", self.duration)
        if self.start < _EARLIEST:
            raise _outside_years("start", str(self.start))
        if self.duration > _LATEST - self.start:
            raise _outside_years("duration", f"{self.duration} from {self.start}")
        if self.id is not None:
            short_identifier("id", self.id)

    @property
    def end(self) -> datetime:
        """The first moment after the call, in UTC."""
        return self.start + self.duration

    def to_records(self) -> list[dict[str, object]]:
        """Return the call as one plain row, which ``read_calls`` can read."""
        return [{"id": self.id, "start": self.start, "seconds": self.duration.total_seconds()}]

    def _describe(self) -> tuple[str]:
        name = f"call {quoted(self.id)}" if self.id is not None else "call"
        return (f"{self.start} {name}, {clock(self.duration)}",)


@checked
@attrs.frozen(repr=False)
class RefusedRow(RecordsMixin):
    """A row that is not a call, and the reason.

    Attributes:
        row: the number of the row; the first row is 1.
        reason: what is wrong with the row, in English.
        requirement: the part of the reason that does not depend on the row, such as ``duration
            must be 0 s or longer``; None if it is the whole reason. ``CallLog`` shows rows with
            the same requirement together.

    >>> from channelplans.explore import RefusedRow
    >>> print(RefusedRow(7, "duration must not be negative, not -1 day, 23:59:00"))
    row 7: duration must not be negative, not -1 day, 23:59:00
    """

    row: int
    reason: str
    requirement: str | None = None

    def to_records(self) -> list[dict[str, object]]:
        """Return the row as one plain row."""
        return [{"row": self.row, "reason": self.reason}]

    def _describe(self) -> tuple[str]:
        return (f"row {self.row:,}: {self.reason}",)


@checked
@attrs.frozen(repr=False)
class CallLog(RecordsMixin):
    """The calls that ``read_calls`` read, and the rows that it refused.

    Attributes:
        calls: the calls, in the order of their rows.
        refused: the rows that are not calls, in their order.
    """

    calls: tuple[CallInterval, ...]
    refused: tuple[RefusedRow, ...] = ()

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each refused row."""
        return [record for refused in self.refused for record in refused.to_records()]

    def _describe(self) -> Iterator[Part]:
        yield f"{counted(len(self.calls), 'call')}, {counted(len(self.refused), 'row')} refused"
        if not self.refused:
            return
        by_row = make_long_table(
            ("row", "reason"),
            self.refused,
            lambda refused: (f"{refused.row:,}", refused.reason),
            right=("row",),
            caption="Refused rows",
        )
        groups = self._group_refused()
        if len(groups) == len(self.refused):
            yield by_row
            return
        yield make_long_table(
            ("rows", "reason"),
            groups,
            lambda group: (_list_rows(group), group[0].reason),
            right=("rows",),
            caption="Refused rows; the reason is that of the first row",
        )
        yield Folded(f"Each of the {len(self.refused):,} refused rows", (by_row,), printed=False)

    def _group_refused(self) -> list[list[RefusedRow]]:
        """Return the refused rows, those with the same requirement together."""
        groups: defaultdict[str, list[RefusedRow]] = defaultdict(list)
        for refused in self.refused:
            groups[refused.requirement or refused.reason].append(refused)
        return list(groups.values())


def _list_rows(refused: Sequence[RefusedRow]) -> str:
    """Return the numbers of rows as text, such as ``1 to 40, 52 and 3 more``."""
    numbers = [row.row for row in refused]
    # Of consecutive numbers, the difference between the number and its place is the same.
    runs = groupby(enumerate(numbers), lambda placed: placed[1] - placed[0])
    ranges = [[number for _, number in run] for _, run in runs]
    shown = ranges[:_SHOWN_RANGES]
    left = len(numbers) - sum(map(len, shown))
    return ", ".join(map(_format_range, shown)) + (f" and {left:,} more" if left else "")


def _format_range(numbers: Sequence[int]) -> str:
    if len(numbers) > 2:
        return f"{numbers[0]:,} to {numbers[-1]:,}"
    return ", ".join(f"{number:,}" for number in numbers)


def read_calls(
    rows: Iterable[Mapping[str, object]],
    *,
    start: str = "start",
    seconds: str | None = None,
    end: str | None = None,
    id: str | None = None,  # noqa: A002 - the name of the field that the column is for
    zone: tzinfo | None = None,
) -> CallLog:
    """Read calls from rows, such as those of ``csv.DictReader`` or of a database.

    A row that cannot be read is refused, with its number and the reason. So is a row that overlaps
    an earlier call with the same identifier; of two that start at the same moment, the later row
    is refused.

    A time is a datetime, text in ISO format, or a number of seconds since 1970 as a number or as
    text. Fractions are rounded to the microsecond.

    Args:
        rows: the rows, each a mapping from the names of the columns to values.
        start: the column of the time at which the call began.
        seconds: the column of the length in seconds, as a number, as text or as a timedelta.
        end: the column of the time at which the call ended. Pass either ``seconds`` or ``end``.
        id: the column of the identifier. An empty cell is a call without an identifier.
        zone: the time zone of times without an offset. Without it, such times are refused. An hour
            that a change of the clock repeats is read as the first of the two.

    Raises:
        InvalidValue: both ``seconds`` and ``end`` are passed, or none of them.

    >>> from channelplans.explore import read_calls
    >>> rows = [
    ...     {"calldate": "2026-01-05T10:30:00+01:00", "duration": "180"},
    ...     {"calldate": "2026-01-05 10:31:00", "duration": "60"},
    ... ]
    >>> log = read_calls(rows, start="calldate", seconds="duration")
    >>> print(log.calls[0])
    2026-01-05 09:30:00+00:00 call, 0:03:00
    >>> print(log.refused[0])  # doctest: +NORMALIZE_WHITESPACE
    row 2: calldate must be a time with an offset, unless you pass the zone, such as
    zoneinfo.ZoneInfo("Europe/Warsaw"), not '2026-01-05 10:31:00'
    """
    if (seconds is None) == (end is None):
        raise InvalidValue("end", f"{end}, with {seconds=}", "passed, or else seconds, not both")
    if zone is not None:
        time_zone("zone", zone)
    if not isinstance(rows, Iterable) or isinstance(rows, (str, bytes, Mapping)):
        raise WrongType("rows", shown(rows), "an iterable of rows")
    reader = _RowReader(start, seconds, end, id, zone)
    calls: list[CallInterval] = []
    numbers = array("q")
    refused: list[RefusedRow] = []
    for number, row in enumerate(rows, 1):
        try:
            calls.append(reader.read(row))
            numbers.append(number)
        except (InvalidValue, WrongType) as error:
            requirement = f"{error.parameter} must be {error.expected}"
            refused.append(RefusedRow(number, str(error), requirement))
    starts, ends, ids = measure_intervals(calls)
    duplicates = find_duplicates(starts, ends, ids)
    for index, earlier in duplicates.items():
        overlap = f"the call overlaps row {numbers[earlier]:,}, which has the same id"
        reason = f"{overlap}, {quoted(str(ids[index]))}"
        refused.append(RefusedRow(numbers[index], reason, _NO_OVERLAP))
    kept = (call for index, call in enumerate(calls) if index not in duplicates)
    return CallLog(tuple(kept), tuple(sorted(refused, key=lambda refused: refused.row)))


@attrs.frozen
class _RowReader:
    """The names of the columns, and the zone of times without an offset."""

    start: str
    seconds: str | None
    end: str | None
    id: str | None
    zone: tzinfo | None

    def read(self, row: Mapping[str, object]) -> CallInterval:
        start = _as_utc(self.start, self._read_time(row, self.start))
        if self.end is None:
            duration = _read_duration(row, str(self.seconds))
        else:
            end = _as_utc(self.end, self._read_time(row, self.end))
            duration = end - start
            if end < start:
                found = f"{end} (the start is {start})"
                raise InvalidValue(self.end, found, "at or after the start")
        return CallInterval(start, duration, self._read_id(row))

    def _read_time(self, row: Mapping[str, object], column: str) -> datetime:
        moment = _cell(row, column)
        if isinstance(moment, str) and not _NUMBER.fullmatch(moment.strip()):
            moment = _from_iso(column, moment.strip())
        if not isinstance(moment, datetime):
            return _from_epoch(column, moment)
        if moment.utcoffset() is not None:
            return moment
        if self.zone is None:
            expected = f"a time with an offset, unless you pass the zone, such as {ZONE_EXAMPLE}"
            raise InvalidValue(column, quoted(str(moment)), expected)
        return moment.replace(tzinfo=self.zone)

    def _read_id(self, row: Mapping[str, object]) -> str | None:
        if self.id is None:
            return None
        value = _cell(row, self.id)
        if isinstance(value, int):
            value = whole(self.id, value)
        return None if value is None else str(value).strip() or None


def _cell(row: Any, column: str) -> object:
    try:
        return row[column]
    except (LookupError, TypeError):
        raise InvalidValue("row", shown(row), f"a row with a column {quoted(column)}") from None


def _from_iso(column: str, moment: str) -> datetime:
    try:
        return datetime.fromisoformat(moment)
    except ValueError:
        expected = "a time in ISO format, such as '2026-01-05T10:30:00+01:00'"
        raise InvalidValue(column, quoted(moment), expected) from None


def _from_epoch(column: str, value: object) -> datetime:
    microseconds = _count_microseconds(column, value)
    if abs(microseconds) >= _LATESTEPOCH * 10**6:
        expected = "seconds since 1970 (milliseconds must be divided by 1,000)"
        raise InvalidValue(column, shown(value), expected)
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise _outside_years(column, shown(value)) from None


def _read_duration(row: Mapping[str, object], column: str) -> timedelta:
    value = _cell(row, column)
    if isinstance(value, timedelta):
        return value
    try:
        return timedelta(microseconds=_count_microseconds(column, value))
    except OverflowError:
        raise InvalidValue(column, shown(value), "a length in seconds that fits a call") from None


def _count_microseconds(column: str, value: object) -> int:
    """Return a number of seconds, as a number or as text, in whole microseconds."""
    if isinstance(value, (str, Decimal)):
        # The pattern also keeps out 1e999999999, whose digits would fill the memory.
        text = str(value).strip()
        if _NUMBER.fullmatch(text):
            return round(Fraction(text) * 10**6) if "." in text else int(text) * 10**6
    elif isinstance(value, float) and isfinite(value):
        return round(Fraction(value) * 10**6)
    elif isinstance(value, SupportsIndex) and not isinstance(value, bool):
        return operator.index(value) * 10**6
    raise InvalidValue(column, shown(value), "a number of seconds")


def measure_intervals(
    calls: Iterable[CallInterval],
) -> "tuple[array[int], array[int], list[str | None]]":
    """Return the starts and the ends in microseconds since 1970, and the identifiers.

    The arrays need 16 bytes for each call, much less than the calls themselves.
    """
    if not isinstance(calls, Iterable) or isinstance(calls, (str, bytes)):
        raise WrongType("calls", shown(calls), "an iterable of CallInterval")
    starts, ends = array("q"), array("q")
    ids: list[str | None] = []
    add_start, add_end, add_id = starts.append, ends.append, ids.append
    for index, call in enumerate(calls):
        if type(call) is not CallInterval:
            instance(f"calls[{index}]", call, CallInterval)
        start = (call.start - EPOCH) // _MICROSECOND
        add_start(start)
        add_end(start + call.duration // _MICROSECOND)
        add_id(call.id)
    return starts, ends, ids


def find_duplicates(
    starts: Sequence[int], ends: Sequence[int], ids: Sequence[str | None]
) -> dict[int, int]:
    """Return the index of each call that repeats its identifier, with the index of the other call.

    A call is repeated if it overlaps an earlier call with the same identifier, or starts with it.
    """
    distinct = set(ids)
    distinct.discard(None)
    if len(distinct) == len(ids) - ids.count(None):
        return {}
    del distinct
    counts = Counter(ids)
    groups: defaultdict[str | None, list[int]] = defaultdict(list)
    for index, name in enumerate(ids):
        if name is not None and counts[name] > 1:
            groups[name].append(index)
    duplicates: dict[int, int] = {}
    for group in groups.values():
        group.sort(key=starts.__getitem__)
        kept = group[0]
        for index in group[1:]:
            if starts[index] < ends[kept] or starts[index] == starts[kept]:
                duplicates[index] = kept
            else:
                kept = index
    return duplicates


def refuse_duplicates(
    starts: Sequence[int], ends: Sequence[int], ids: Sequence[str | None]
) -> None:
    """Refuse two calls with the same identifier that overlap."""
    for index, earlier in find_duplicates(starts, ends, ids).items():
        found = f"{quoted(str(ids[index]))} again, while calls[{earlier}] runs"
        raise InvalidValue(f"calls[{index}].id", found, "another id, or None")
