"""Days, terms and renewal dates.

Days are ``datetime.date`` values. A term includes its first day and excludes its end. Each term is
computed from the anchor, not from the term before it, so month ends do not drift. ``civil_date``
converts an instant to a day.

Only this module imports dateutil. Nothing here reads a clock.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction

import attrs

from channelplans._checks import bounded, checked, civil_day, instance, shown
from channelplans._display import DisplayMixin, counted
from channelplans.errors import CalendarEnds, InvalidValue, WrongType

__all__ = ["Days", "Months", "Term", "civil_date", "renewal_dates", "term_at"]


@attrs.frozen(field_transformer=checked)
class Days(DisplayMixin):
    """A length in days, such as the 30 days of H8; ``count`` is at least 1.

    >>> print(Days(30))
    30 days
    """

    count: int

    def __attrs_post_init__(self) -> None:
        bounded("count", self.count, 1)

    def _describe(self) -> tuple[str]:
        return (counted(self.count, "day"),)


@attrs.frozen(field_transformer=checked)
class Months(DisplayMixin):
    """A length in calendar months; ``count`` is at least 1.

    A month that starts on the 31st ends on the last day of a shorter month.

    >>> print(Months(1))
    1 month
    """

    count: int

    def __attrs_post_init__(self) -> None:
        bounded("count", self.count, 1)

    def _describe(self) -> tuple[str]:
        return (counted(self.count, "month"),)


@attrs.frozen(field_transformer=checked)
class Term(DisplayMixin):
    """The days from ``start`` up to, but not including, ``end``.

    Raises:
        InvalidValue: the end is not after the start.

    >>> term = Term(date(2026, 1, 5), date(2026, 2, 4))
    >>> term.days, date(2026, 2, 3) in term, date(2026, 2, 4) in term
    (30, True, False)
    """

    start: date
    end: date

    def __attrs_post_init__(self) -> None:
        if self.end <= self.start:
            raise InvalidValue("end", str(self.end), f"after the start, {self.start}")

    @property
    def days(self) -> int:
        """The number of days in the term."""
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= civil_day("day", day) < self.end

    def remaining(self, on: date) -> int:
        """Return the number of days from ``on`` to the end of the term, ``on`` included (F 4.3).

        Before the term, all its days remain; at its end and later, none.

        >>> Term(date(2026, 1, 5), date(2026, 2, 4)).remaining(date(2026, 1, 15))
        20
        """
        days_to_end = (self.end - civil_day("on", on)).days
        return min(max(days_to_end, 0), self.days)

    def unused(self, on: date) -> Fraction:
        """Return the remaining days, as ``remaining`` counts them, as a fraction of the term.

        >>> Term(date(2026, 1, 5), date(2026, 2, 4)).unused(date(2026, 1, 15))
        Fraction(2, 3)
        """
        return Fraction(self.remaining(on), self.days)

    def _describe(self) -> tuple[str]:
        return (f"{self.start} to {self.end}",)


def term_at(anchor: date, length: Days | Months, number: int) -> Term:
    """Return one of the consecutive terms that start at the anchor; number 0 is the first (H8).

    Raises:
        CalendarEnds: the term does not end before the year 10000.

    >>> print(term_at(date(2026, 1, 31), Months(1), 1))
    2026-02-28 to 2026-03-31
    """
    civil_day("anchor", anchor)
    number = bounded("number", number, 0)
    try:
        return Term(_add(anchor, length, number), _add(anchor, length, number + 1))
    except (OverflowError, ValueError):
        raise CalendarEnds(anchor, str(length), number) from None


def days_after(anchor: date, length: Days | Months) -> date:
    """Return the day that is one length after the anchor."""
    return term_at(anchor, length, 0).end


def renewal_dates(anchor: date, length: Days | Months) -> Iterator[date]:
    """Return an iterator over the due dates of renewals: the end of the first term, and so on (H8).

    The iterator computes each date when it is asked for, and stops at the end of the calendar.

    >>> from itertools import islice
    >>> [str(day) for day in islice(renewal_dates(date(2026, 1, 31), Months(1)), 3)]
    ['2026-02-28', '2026-03-31', '2026-04-30']
    """
    civil_day("anchor", anchor)
    _check_length(length)
    # A generator function would check the arguments only when the first date is read.
    return _yield_renewal_dates(anchor, length)


def civil_date(instant: datetime, zone: tzinfo) -> date:
    """Return the day of an instant in a time zone; there is no default zone (F 9).

    Raises:
        WrongType: the instant is not a datetime, or the zone is not a tzinfo.
        InvalidValue: the instant has no tzinfo, or the day is outside the calendar.

    >>> from datetime import timezone
    >>> civil_date(datetime(2026, 1, 5, 23, 30, tzinfo=timezone.utc), timezone.utc)
    datetime.date(2026, 1, 5)
    """
    instance("instant", instant, datetime)
    if not isinstance(zone, tzinfo):
        expected = 'a tzinfo, such as zoneinfo.ZoneInfo("Europe/Warsaw")'
        raise WrongType("zone", shown(zone), expected)
    if instant.utcoffset() is None:
        raise InvalidValue("instant", str(instant), "a datetime with a tzinfo")
    try:
        return instant.astimezone(zone).date()
    except OverflowError:
        raise InvalidValue("instant", str(instant), "within the calendar in that zone") from None


def _yield_renewal_dates(anchor: date, length: Days | Months) -> Iterator[date]:
    number = 0
    with suppress(CalendarEnds):
        while True:
            yield term_at(anchor, length, number).end
            number += 1


def _add(anchor: date, length: Days | Months, times: int) -> date:
    if isinstance(length, Days):
        return anchor + timedelta(length.count * times)
    # Imported here so that programs with terms in days do not load dateutil.
    from dateutil.relativedelta import relativedelta

    _check_length(length)
    return anchor + relativedelta(months=length.count * times)


def _check_length(length: object) -> None:
    if not isinstance(length, (Days, Months)):
        raise WrongType("length", shown(length), "Days(n) or Months(n)")
