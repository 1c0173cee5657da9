"""Days, terms and the grid of renewals.

Days are civil days (``datetime.date``), terms are half-open, and the n-th term is computed from the
anchor and never from the term before it. Instants become days through one door, ``civil_date``.
This is the only module that knows dateutil. Nothing here reads a clock.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction

import attrs

from channelplans.checks import bounded, checked, civil_day, instance, shown
from channelplans.errors import CalendarEnds, InvalidValue, WrongType
from channelplans.tables import Described, counted

__all__ = ["Days", "Months", "Term", "civil_date", "renewal_dates", "term_at"]


@attrs.frozen(field_transformer=checked)
class Days(Described):
    """A length of so many days, such as the 30 days of H8; at least one.

    >>> print(Days(30))
    30 days
    """

    count: int

    def __attrs_post_init__(self) -> None:
        bounded("count", self.count, 1)

    def _describe(self) -> tuple[str]:
        return (counted(self.count, "day"),)


@attrs.frozen(field_transformer=checked)
class Months(Described):
    """A length of so many calendar months; at least one.

    A month from the 31st ends on the last day of a shorter month.

    >>> print(Months(1))
    1 month
    """

    count: int

    def __attrs_post_init__(self) -> None:
        bounded("count", self.count, 1)

    def _describe(self) -> tuple[str]:
        return (counted(self.count, "month"),)


@attrs.frozen(field_transformer=checked)
class Term(Described):
    """A half-open run of days: ``start`` belongs to it, ``end`` does not.

    Raises:
        InvalidValue: the end does not lie after the start.

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
        """How many days the term has."""
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= civil_day("day", day) < self.end

    def remaining(self, on: date) -> int:
        """Return how many of the term's days have not begun before ``on``; the day itself counts.

        All of them before the term starts, none of them from its end on (F 4.3).

        >>> Term(date(2026, 1, 5), date(2026, 2, 4)).remaining(date(2026, 1, 15))
        20
        """
        left = (self.end - civil_day("on", on)).days
        return min(max(left, 0), self.days)

    def unused(self, on: date) -> Fraction:
        """Return the part of the term that has not begun before ``on``, exactly.

        >>> Term(date(2026, 1, 5), date(2026, 2, 4)).unused(date(2026, 1, 15))
        Fraction(2, 3)
        """
        return Fraction(self.remaining(on), self.days)

    def _describe(self) -> tuple[str]:
        return (f"{self.start} to {self.end}",)


def term_at(anchor: date, length: Days | Months, number: int) -> Term:
    """Return the n-th term on the grid that starts at the anchor; number 0 is the first (H8).

    Raises:
        CalendarEnds: the term does not fit before the year 10000.

    >>> print(term_at(date(2026, 1, 31), Months(1), 1))
    2026-02-28 to 2026-03-31
    """
    civil_day("anchor", anchor)
    number = bounded("number", number, 0)
    try:
        return Term(_later(anchor, length, number), _later(anchor, length, number + 1))
    except (OverflowError, ValueError):
        raise CalendarEnds(anchor, str(length), number) from None


def days_after(anchor: date, length: Days | Months) -> date:
    """Return the day that lies one length after the anchor."""
    return term_at(anchor, length, 0).end


def renewal_dates(anchor: date, length: Days | Months) -> Iterator[date]:
    """Yield the days on which renewals fall due, the end of the first term first (H8).

    The iterator is lazy, does not drift, and ends with the calendar.

    >>> from itertools import islice
    >>> [str(day) for day in islice(renewal_dates(date(2026, 1, 31), Months(1)), 3)]
    ['2026-02-28', '2026-03-31', '2026-04-30']
    """
    civil_day("anchor", anchor)
    _length(length)
    return _renewals(anchor, length)


def civil_date(instant: datetime, zone: tzinfo) -> date:
    """Return the civil day that an instant falls on in a zone; there is no default zone (F 9).

    Raises:
        WrongType: the instant is not a datetime, or the zone is not a tzinfo.
        InvalidValue: the instant is naive, or the day lies outside the calendar.

    >>> from datetime import timezone
    >>> civil_date(datetime(2026, 1, 5, 23, 30, tzinfo=timezone.utc), timezone.utc)
    datetime.date(2026, 1, 5)
    """
    instance("instant", instant, datetime)
    if not isinstance(zone, tzinfo):
        expected = 'a tzinfo, such as zoneinfo.ZoneInfo("Europe/Warsaw")'
        raise WrongType("zone", shown(zone), expected)
    if instant.utcoffset() is None:
        raise InvalidValue("instant", str(instant), "aware: give the datetime its tzinfo")
    try:
        return instant.astimezone(zone).date()
    except OverflowError:
        raise InvalidValue("instant", str(instant), "within the calendar in that zone") from None


def _renewals(anchor: date, length: Days | Months) -> Iterator[date]:
    number = 0
    with suppress(CalendarEnds):
        while True:
            yield term_at(anchor, length, number).end
            number += 1


def _later(anchor: date, length: Days | Months, times: int) -> date:
    if isinstance(length, Days):
        return anchor + timedelta(length.count * times)
    # Whoever sells terms of days never needs dateutil, so that it is loaded with the first month.
    from dateutil.relativedelta import relativedelta

    _length(length)
    return anchor + relativedelta(months=length.count * times)


def _length(value: object) -> None:
    if not isinstance(value, (Days, Months)):
        raise WrongType("length", shown(value), "Days(n) or Months(n)")
