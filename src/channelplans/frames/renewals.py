"""Renewal dates and terms in columns."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, cast

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from channelplans._checks import instance
from channelplans.calendar import Months
from channelplans.frames._codes import CALENDAR_ENDS, INVALID_VALUE, WRONG_TYPE
from channelplans.frames._days import (
    add_anchor,
    add_month,
    add_term_end,
    ends_calendar,
    in_calendar,
)
from channelplans.frames._engines import FIRST_DAY
from channelplans.frames._work import (
    Work,
    column,
    is_missing,
    name_results,
    start_work,
)
from channelplans.plans import Offer
from channelplans.rules import TermRule

__all__ = ["renewals_frame"]

_RENEWAL: Final = MappingProxyType({"next_renewal": "day", "error": "code"})

_WINDOW: Final = MappingProxyType(
    {
        "next_renewal": "day",
        "terms": "whole",
        "first_term_start": "optional day",
        "last_term_end": "optional day",
        "error": "code",
    }
)


def renewals_frame(
    frame: IntoFrameT,
    offer: Offer,
    *,
    bought_on: str = "bought_on",
    on: str = "on",
    until: str | None = None,
    results: Mapping[str, str] | None = None,
) -> IntoFrameT:
    """Add the next renewal date of each purchase (H8): ``TermRule.renewals`` over columns.

    ``next_renewal`` is the first renewal date on or after ``on``. With ``until``, the window is
    the days from ``on`` up to, but not including, ``until``. Then there are more results:
    ``terms``, the number of terms with a day in the window, ``first_term_start`` and
    ``last_term_end``. The two days are null if there is no such term. ``error`` is the code of
    ``calendar-ends``, or of a missing or illegal day.

    Args:
        frame: the frame with a row for each purchase.
        offer: the rules.
        bought_on: the column with the day of purchase, which is the first day of the first term.
        on: the column with the day from which a renewal date is looked up.
        until: the column with the day after the window; None if there is no window.
        results: the results to add, with the names of their columns; by default all.

    Raises:
        WrongType: the frame is of an unknown engine, or a column has no usable type.
        InvalidValue: a column does not exist, or a result's column exists already.

    >>> from datetime import date
    >>> import polars as pl
    >>> from channelplans.frames import renewals_frame
    >>> from channelplans.offers import OFFERS
    >>> days = {"bought_on": [date(2026, 1, 31)], "on": [date(2026, 3, 1)]}
    >>> offer = OFFERS["skype-connect-2011"]  # terms of a month
    >>> renewed = renewals_frame(pl.DataFrame(days), offer)
    >>> renewed["next_renewal"][0]
    datetime.date(2026, 3, 31)
    """
    rule = instance("offer", offer, Offer).term
    kinds = _RENEWAL if until is None else _WINDOW
    names = name_results(results, kinds)
    days = {"bought_on": bought_on, "on": on} | ({} if until is None else {"until": until})
    work = start_work(frame, whole={}, days=days, results=names)
    zero = nw.lit(0, dtype=nw.Int64)
    legal = {name: in_calendar(column(name)) for name in days}
    work.add(
        **{f"{name}_day": nw.when(legal[name]).then(column(name)).otherwise(zero) for name in days}
    )
    add_anchor(work, rule, column("bought_on_day"))
    _add_number_ending(work, "number", rule, column("on_day"))
    add_term_end(work, "next_renewal", rule, column("number"))
    checks = [
        (check, code)
        for name in days
        for check, code in ((is_missing(name), WRONG_TYPE), (~legal[name], CALENDAR_ENDS))
    ]
    checks.append((ends_calendar(rule, column("next_renewal")), CALENDAR_ENDS))
    if until is not None:
        _add_window(work, rule)
        checks += [
            (column("until_day") <= column("on_day"), INVALID_VALUE),
            (ends_calendar(rule, column("last_term_end")), CALENDAR_ENDS),
        ]
    work.refuse(*checks)
    return cast(IntoFrameT, work.finish(names, kinds))


def _add_number_ending(work: Work, name: str, rule: TermRule, day: nw.Expr) -> None:
    """Add the number of the first term that ends on or after a day; term 0 is the first."""
    one = nw.lit(1, dtype=nw.Int64)
    count = rule.length.count
    if not isinstance(rule.length, Months):
        elapsed = day - column("anchor")
        elapsed = nw.when(elapsed > 1).then(elapsed).otherwise(one)
        work.add(**{name: (elapsed + (count - 1)) // count - 1})
        return
    add_month(work, "day", day)
    months = column("day_month") - column("anchor_month")
    months = nw.when(months > 1).then(months).otherwise(one)
    work.add(**{name: (months + (count - 1)) // count - 1})
    add_term_end(work, "tried_end", rule, column(name))
    number = column(name)
    work.add(**{name: nw.when(column("tried_end") < day).then(number + 1).otherwise(number)})


def _add_window(work: Work, rule: TermRule) -> None:
    """Add the number of terms in the window, the start of the first and the end of the last."""
    bought_on, on, until = map(column, ("bought_on_day", "on_day", "until_day"))
    zero, no_day = nw.lit(0, dtype=nw.Int64), nw.lit(FIRST_DAY - 1, dtype=nw.Int64)
    number = column("number")
    # The term that ends on the first day of the window has no day in it.
    work.add(first=nw.when(column("next_renewal") == on).then(number + 1).otherwise(number))
    add_term_end(work, "end_before_first", rule, column("first") - 1)
    _add_number_ending(work, "last", rule, until)
    add_term_end(work, "last_end", rule, column("last"))
    begun = until > bought_on
    start = nw.when(column("first") > 0).then(column("end_before_first")).otherwise(bought_on)
    work.add(
        terms=nw.when(begun).then(column("last") - column("first") + 1).otherwise(zero),
        first_term_start=nw.when(begun).then(start).otherwise(no_day),
        last_term_end=nw.when(begun).then(column("last_end")).otherwise(no_day),
    )
