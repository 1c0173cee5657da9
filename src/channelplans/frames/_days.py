"""Terms in columns: days are counted from 1970-01-01, and months from March of the year 0.

A year that begins in March has the leap day at its end, so months and days follow from whole
numbers alone (the algorithm of Howard Hinnant,
https://howardhinnant.github.io/date_algorithms.html).
"""

from typing import Final

import narwhals.stable.v2 as nw

from channelplans.calendar import Days, Months
from channelplans.frames._engines import FIRST_DAY, LAST_DAY
from channelplans.frames._work import Work, column
from channelplans.rules import TermRule

__all__: tuple[str, ...] = ()

# The days from 1 March of the year 0 to 1970-01-01. Python has no year 0.
_EPOCH_FROM_MARCH: Final = 719_468

# The number of January of the year 1.
_FIRST_MONTH: Final = 10

_DAYS_IN_400_YEARS: Final = 146_097
_DAYS_IN_4_YEARS: Final = 1_461
_DAYS_IN_5_MONTHS: Final = 153


def in_calendar(day: nw.Expr) -> nw.Expr:
    """Return whether the calendar has a day."""
    return (day >= FIRST_DAY) & (day <= LAST_DAY)


def add_month(work: Work, name: str, day: nw.Expr, **other_columns: nw.Expr) -> None:
    """Add the month of a day and the number of days before it in its month.

    The columns are ``<name>_month`` and ``<name>_before``. Short expressions are written twice
    instead of being added as columns, because each step costs a part of a millisecond.
    """
    quarters = (day + _EPOCH_FROM_MARCH) * 4 + 3
    work.add(_century=quarters // _DAYS_IN_400_YEARS)
    in_century = (quarters - column("_century") * _DAYS_IN_400_YEARS) // 4 * 4 + 3
    work.add(_year=in_century // _DAYS_IN_4_YEARS)
    fifths = (in_century - column("_year") * _DAYS_IN_4_YEARS) // 4 * 5 + 2
    work.add(_fifths=fifths)
    fifths, year = column("_fifths"), column("_century") * 100 + column("_year")
    month = fifths // _DAYS_IN_5_MONTHS
    columns = {
        f"{name}_month": year * 12 + month,
        f"{name}_before": (fifths - month * _DAYS_IN_5_MONTHS) // 5,
    }
    work.add(**columns, **other_columns)


def _add_day_of_month(work: Work, name: str, month: nw.Expr, before: nw.Expr | int) -> None:
    """Add a day of a month, or the last day of a shorter month.

    Args:
        work: the frame at work.
        name: the name of the added column.
        month: the number of the month.
        before: the number of days before the day in its month.
    """
    # No month has fewer than 28 days.
    if isinstance(before, int) and before < 28:
        work.add(_year=month // 12)
        work.add(**{name: _first_day(month, column("_year")) + before})
        return
    work.add(_year=month // 12, _next_year=(month + 1) // 12)
    work.add(
        _first=_first_day(month, column("_year")),
        _next=_first_day(month + 1, column("_next_year")),
    )
    day, last = column("_first") + before, column("_next") - 1
    work.add(**{name: nw.when(day < last).then(day).otherwise(last)})


def _first_day(month: nw.Expr, year: nw.Expr) -> nw.Expr:
    leap_days = year // 4 - year // 100 + year // 400
    in_year = ((month - year * 12) * _DAYS_IN_5_MONTHS + 2) // 5
    return year * 365 + leap_days + in_year - _EPOCH_FROM_MARCH


def add_anchor(work: Work, rule: TermRule, on: nw.Expr) -> None:
    """Add the day from which the terms of a purchase are counted, as ``anchor``.

    Terms in months also get ``anchor_month``, and ``anchor_before`` unless there is a billing day.
    With a billing day, ``before_calendar`` says where the anchor would lie before the calendar.
    """
    if not isinstance(rule.length, Months):
        work.add(anchor=on)
        return
    if rule.billing_day is None:
        add_month(work, "anchor", on, anchor=on)
        return
    before = rule.billing_day - 1
    add_month(work, "on", on)
    _add_day_of_month(work, "billing_day", column("on_month"), before)
    month, billing_day = column("on_month"), column("billing_day")
    work.add(
        anchor_month=nw.when(billing_day > on).then(month - 1).otherwise(month),
        # The calendar also looks at the month before a purchase on the billing day itself.
        before_calendar=(billing_day >= on) & (month == _FIRST_MONTH),
    )
    _add_day_of_month(work, "anchor", column("anchor_month"), before)


def add_term_end(work: Work, name: str, rule: TermRule, number: nw.Expr | int) -> None:
    """Add the end of a term, counted from the anchor; term 0 is the first.

    The day can lie after the calendar.
    """
    steps = (number + 1) * rule.length.count
    if not isinstance(rule.length, Months):
        work.add(**{name: column("anchor") + steps})
        return
    before = column("anchor_before") if rule.billing_day is None else rule.billing_day - 1
    _add_day_of_month(work, name, column("anchor_month") + steps, before)


def add_first_term(work: Work, rule: TermRule, on: str) -> nw.Expr:
    """Add the end of the first term of a purchase, as ``term_end``.

    Returns:
        whether the purchase or its term does not fit the calendar.
    """
    day = column(on)
    if isinstance(rule.length, Days):
        outside = (day < FIRST_DAY) | (day > LAST_DAY - rule.length.count)
        end = day + rule.length.count
        work.add(term_end=end if work.wraps else nw.when(~outside).then(end))
        return outside
    is_day = in_calendar(day)
    harmless = nw.when(is_day).then(day).otherwise(nw.lit(0, dtype=nw.Int64))
    work.add(**{on: harmless, "is_day": is_day})
    add_anchor(work, rule, column(on))
    add_term_end(work, "term_end", rule, 0)
    return ~column("is_day") | ends_calendar(rule, column("term_end"))


def most_days(length: Days | Months) -> int:
    """Return the largest number of days in a term."""
    return length.count if isinstance(length, Days) else 31 * length.count


def ends_calendar(rule: TermRule, end: nw.Expr) -> nw.Expr:
    """Return whether a term with an end does not fit the calendar."""
    too_late = end > LAST_DAY
    return too_late | column("before_calendar") if rule.billing_day is not None else too_late
