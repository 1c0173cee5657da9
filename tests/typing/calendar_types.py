"""The types of days and terms, checked by mypy and pyright and never run.

Each line with ``type: ignore`` is a mistake that a type checker must find. An ignore that is not
needed is an error too.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import assert_type

from channelplans.calendar import Days, Months, Term, civil_date, days_after, renewal_dates, term_at

DAY = date(2026, 1, 5)


def lengths() -> None:
    """A length counts days or months."""
    assert_type(Days(30), Days)
    assert_type(Months(1).count, int)
    Days(timedelta(30))  # type: ignore[arg-type]
    Months("1")  # type: ignore[arg-type]
    Days(30).count = 31  # type: ignore[misc]


def terms() -> None:
    """A term has two days, and its methods take days."""
    term = Term(DAY, date(2026, 2, 4))

    assert_type(term.start, date)
    assert_type(term.end, date)
    assert_type(term.days, int)
    assert_type(term.remaining(DAY), int)
    assert_type(term.unused(DAY), Fraction)
    assert_type(DAY in term, bool)
    Term("2026-01-05", DAY)  # type: ignore[arg-type]
    term.remaining("2026-01-05")  # type: ignore[arg-type]
    _ = "2026-01-05" in term  # type: ignore[operator]
    term.end = DAY  # type: ignore[misc]


def grids() -> None:
    """An anchor day and a length give terms and renewal dates."""
    assert_type(term_at(DAY, Days(30), 0), Term)
    assert_type(term_at(DAY, Months(1), 0), Term)
    assert_type(days_after(DAY, Months(1)), date)
    assert_type(renewal_dates(DAY, Days(30)), Iterator[date])
    term_at(DAY, 30, 0)  # type: ignore[arg-type]
    term_at(DAY, timedelta(30), 0)  # type: ignore[arg-type]
    term_at("2026-01-05", Days(30), 0)  # type: ignore[arg-type]
    renewal_dates(DAY, "1 month")  # type: ignore[arg-type]


def instants() -> None:
    """An instant and a time zone give a day."""
    assert_type(civil_date(datetime.now(UTC), UTC), date)
    civil_date(DAY, UTC)  # type: ignore[arg-type]
    civil_date(datetime.now(UTC), "UTC")  # type: ignore[arg-type]
    civil_date(datetime.now(UTC))  # type: ignore[call-arg]
