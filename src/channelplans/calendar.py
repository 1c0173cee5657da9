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
from typing import Final

import attrs

from channelplans._checks import aware, bounded, civil_day, shown, time_zone
from channelplans._constructors import checked, trusted
from channelplans._display import DisplayMixin, counted
from channelplans.errors import CalendarEnds, InvalidValue, WrongType

__all__ = ["Days", "Months", "Term", "civil_date", "renewal_dates", "term_at"]


# The number of days and of months in the calendar.
_MOST_DAYS: Final = (date.max - date.min).days
_MOST_MONTHS: Final = 12 * date.max.year - 1


@checked
@attrs.frozen(repr=False)
class Days(DisplayMixin):
    """A length in days, such as the 30 days of H8.

    Attributes:
        count: the number of days, from 1 to the 3,652,058 of the calendar.
        delta: the same length as a timedelta.

    Raises:
        InvalidValue: the number of days is out of bounds.

    >>> from channelplans import Days
    >>> print(Days(30))
    30 days
    """

    count: int
    delta: timedelta = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        bounded("count", self.count, 1, _MOST_DAYS)
        object.__setattr__(self, "delta", timedelta(self.count))

    def _describe(self) -> tuple[str]:
        return (counted(self.count, "day"),)


@checked
@attrs.frozen(repr=False)
class Months(DisplayMixin):
    """A length in calendar months.

    A month that starts on the 31st ends on the last day of a shorter month.

    Attributes:
        count: the number of months, from 1 to the 119,987 of the calendar.

    Raises:
        InvalidValue: the number of months is out of bounds.

    >>> from channelplans import Months
    >>> print(Months(1))
    1 month
    """

    count: int

    def __attrs_post_init__(self) -> None:
        bounded("count", self.count, 1, _MOST_MONTHS)

    def _describe(self) -> tuple[str]:
        return (counted(self.count, "month"),)


@checked
@attrs.frozen(repr=False)
class Term(DisplayMixin):
    """The days from ``start`` up to, but not including, ``end``.

    Attributes:
        start: the first day of the term.
        end: the first day after the term, on which the next term starts.

    Raises:
        InvalidValue: the end is not after the start.

    >>> from datetime import date
    >>> from channelplans import Term
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
        if type(day) is not date:
            civil_day("day", day)
        return self.start <= day < self.end

    def remaining(self, on: date) -> int:
        """Return the number of days that are left of the term (F 4.3).

        Before the term, all its days are left; at its end and later, none.

        Args:
            on: the day from which the days are counted. It is counted too.

        >>> from datetime import date
        >>> from channelplans import Term
        >>> Term(date(2026, 1, 5), date(2026, 2, 4)).remaining(date(2026, 1, 15))
        20
        """
        if type(on) is not date:
            civil_day("on", on)
        if on >= self.end:
            return 0
        return (self.end - on).days if on > self.start else self.days

    def unused(self, on: date) -> Fraction:
        """Return the part of the term that is left: the remaining days of all days.

        Args:
            on: the day from which ``remaining`` counts the days.

        >>> from datetime import date
        >>> from channelplans import Term
        >>> Term(date(2026, 1, 5), date(2026, 2, 4)).unused(date(2026, 1, 15))
        Fraction(2, 3)
        """
        return Fraction(self.remaining(on), self.days)

    def _describe(self) -> tuple[str]:
        return (f"{self.start} to {self.end}",)


_trusted_term = trusted(Term)


def term_at(anchor: date, length: Days | Months, number: int) -> Term:
    """Return one of the consecutive terms that start at an anchor (H8).

    Args:
        anchor: the first day of the first term.
        length: the length of every term.
        number: which term is returned; 0 is the first.

    Raises:
        InvalidValue: the number is negative.
        CalendarEnds: the term does not end before the year 10000.

    >>> from datetime import date
    >>> from channelplans import Months, term_at
    >>> print(term_at(date(2026, 1, 31), Months(1), 1))
    2026-02-28 to 2026-03-31
    """
    civil_day("anchor", anchor)
    _checkdelta(length)
    return nth_term(anchor, length, bounded("number", number, 0))


def nth_term(
    anchor: date, length: Days | Months, number: int, billing_day: int | None = None
) -> Term:
    """Return the n-th term from an anchor, without checks; numbers below 0 come before the anchor.

    With a billing day, all terms begin on that day of a month, or on the last day of a shorter one.
    """
    try:
        if isinstance(length, Days):
            start = anchor + number * length.delta if number else anchor
            return _trusted_term(start, start + length.delta)
        start = _add_months(anchor, length.count * number, billing_day)
        return _trusted_term(start, _add_months(anchor, length.count * (number + 1), billing_day))
    except (OverflowError, ValueError):
        raise CalendarEnds(anchor, str(length), number) from None


def number_of_term_ending(
    anchor: date, length: Days | Months, day: date, billing_day: int | None = None
) -> int:
    """Return the number of the first term that ends on or after a day.

    Terms are counted from the anchor: number 0 begins on it, and negative numbers come before it.
    The number is computed directly, without a loop over the terms.
    """
    if isinstance(length, Days):
        return -((anchor - day) // length.delta) - 1
    months = 12 * (day.year - anchor.year) + day.month - anchor.month
    number = -(-months // length.count) - 1
    # If the end lies after the calendar, it also lies after the day, and the number is right.
    with suppress(OverflowError, ValueError):
        if _add_months(anchor, length.count * (number + 1), billing_day) < day:
            return number + 1
    return number


def days_after(anchor: date, length: Days | Months) -> date:
    """Return the day that is one length after the anchor.

    Raises:
        CalendarEnds: the day lies after the year 9999.
    """
    return nth_term(civil_day("anchor", anchor), length, 0).end


def renewal_dates(anchor: date, length: Days | Months) -> Iterator[date]:
    """Return an iterator over the due dates of renewals: the end of the first term, and so on (H8).

    Use it if you have only a day and a length. ``TermRule.renewals`` also knows a billing day, and
    ``Quote.renewals`` and ``Subscription.renewals`` continue from the running term.

    The iterator computes each date when it is asked for, and stops at the end of the calendar.

    Args:
        anchor: the first day of the first term.
        length: the length of every term.

    >>> from datetime import date
    >>> from itertools import islice
    >>> from channelplans import Months, renewal_dates
    >>> [str(day) for day in islice(renewal_dates(date(2026, 1, 31), Months(1)), 3)]
    ['2026-02-28', '2026-03-31', '2026-04-30']
    """
    civil_day("anchor", anchor)
    _checkdelta(length)
    return term_ends(anchor, length)


def term_ends(
    anchor: date, length: Days | Months, first: int = 0, billing_day: int | None = None
) -> Iterator[date]:
    """Yield the end of each term from a number on, until the calendar ends."""
    number = first
    with suppress(CalendarEnds):
        while True:
            yield nth_term(anchor, length, number, billing_day).end
            number += 1


def civil_date(instant: datetime, zone: tzinfo) -> date:
    """Return the day of an instant in a time zone; there is no default zone (F 9).

    Args:
        instant: a datetime with a tzinfo.
        zone: the time zone of the days, such as ``zoneinfo.ZoneInfo("Europe/Warsaw")``.

    Raises:
        WrongType: the instant is not a datetime, or the zone is not a tzinfo.
        InvalidValue: the instant has no tzinfo, or the day is outside the calendar.

    >>> from datetime import datetime, timezone
    >>> from channelplans import civil_date
    >>> civil_date(datetime(2026, 1, 5, 23, 30, tzinfo=timezone.utc), timezone.utc)
    datetime.date(2026, 1, 5)
    """
    aware("instant", instant)
    time_zone("zone", zone)
    try:
        return instant.astimezone(zone).date()
    except OverflowError:
        raise InvalidValue("instant", str(instant), "within the calendar in that zone") from None


def _add_months(anchor: date, months: int, day: int | None) -> date:
    # Imported here so that programs with terms in days do not load dateutil.
    from dateutil.relativedelta import relativedelta

    return anchor + relativedelta(months=months, day=day)


def _checkdelta(length: object) -> None:
    if not isinstance(length, (Days, Months)):
        raise WrongType("length", shown(length), "Days(n) or Months(n)")
