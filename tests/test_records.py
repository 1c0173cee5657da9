"""Rows of values: exact numbers and dates in one form, and text for JSON in the other."""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest

import channelplans
from channelplans import (
    EUR,
    SKYPE_CONNECT,
    Allowance,
    Call,
    Catalogue,
    Currency,
    Edition,
    Money,
    Posting,
    Reason,
    Statement,
    Tariff,
    Wallet,
    buy,
    compare_editions,
    deposit,
    quote,
    rate_call,
    refund,
    suggest_channels,
)
from channelplans._display import RecordsMixin
from channelplans.explore import (
    CallInterval,
    Need,
    Product,
    compare_plans,
    forecast,
    iter_replay,
    measure_traffic,
    read_calls,
    replay,
)
from channelplans.subscriptions import LotRule, make_invoice, open_lots, payments

DAY = date(2026, 1, 5)
ACME = Wallet("acme")
TARIFF = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
QUOTE = quote(SKYPE_CONNECT.plan(channels=3, bundles=1), TARIFF, on=DAY)
PURCHASE = buy(QUOTE.plan, TARIFF, account="acme", profile="berlin", subscription="s-1", on=DAY)
DEPOSIT = deposit(ACME, Money.of("50", EUR), transfer="p-1", on=DAY)
BONUS = attrs.evolve(DEPOSIT.postings[0], reason=Reason.BONUS)
PAID = Posting(ACME, Money.of("-2", EUR), Reason.CALL, DAY)
RATED = rate_call(
    Call("c-1", "+1 212 555 0100", "US", DAY, timedelta(seconds=61)),
    Allowance(timedelta(0)),
    TARIFF,
    offer=SKYPE_CONNECT,
)
CALL = CallInterval(datetime(2026, 1, 5, 10, tzinfo=UTC), timedelta(seconds=90), "c-1")
REPORT = measure_traffic([CALL], zone=UTC)
EDITION = Edition(SKYPE_CONNECT, TARIFF, DAY)
NEXT_EDITION = Edition(SKYPE_CONNECT, attrs.evolve(TARIFF, name="dearer", channel="7.25"), DAY)
COMPARISON = compare_editions(EDITION, NEXT_EDITION, [PURCHASE.after])
PLANS = compare_plans(Need(channels=3, minutes={"US": 6000}), [Product(SKYPE_CONNECT, TARIFF)])
FORECAST = forecast(PURCHASE.after, until=date(2026, 3, 1), prices=TARIFF)
INVOICE = make_invoice(
    "acme", [PURCHASE], opening=Money.of("50", EUR), since=DAY, until=date(2026, 2, 1)
)
LOG = read_calls([{"start": "x", "seconds": 1}], seconds="seconds")
assert PLANS.cheapest.best is not None
VALUES: list[RecordsMixin] = [
    QUOTE,
    QUOTE.lines[0],
    QUOTE.plan,
    refund(QUOTE, on=date(2026, 1, 15)),
    RATED,
    RATED.charges[0],
    PURCHASE,
    DEPOSIT,
    PAID,
    Statement(ACME, Money.of("50", EUR), (PAID,)),
    INVOICE,
    INVOICE.lines[0],
    open_lots([BONUS], [LotRule(Reason.BONUS)], on=DAY)[0],
    payments([BONUS, PAID])[0],
    EDITION,
    Catalogue((EDITION,)),
    COMPARISON,
    COMPARISON.rules[0],
    COMPARISON.prices[0],
    suggest_channels(30),
    FORECAST,
    FORECAST.entries[0],
    CALL,
    LOG,
    LOG.refused[0],
    REPORT,
    REPORT.hours[10],
    replay([CALL], channels=1),
    next(iter_replay([CALL], channels=1)),
    PLANS,
    PLANS.cheapest,
    PLANS.cheapest.best,
]


def find_classes_with_records():
    """Return the names of all classes of the package that have rows."""
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(channelplans.__path__, "channelplans.")
        if module.name != "channelplans.explore.charts"  # needs matplotlib
    ]
    return {
        cls.__name__: cls
        for module in modules
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__ and hasattr(cls, "to_records")
    }


def refuse_float(text):
    """Fail for a number of JSON that Python would read as a float."""
    pytest.fail(f"{text} is a float")


def test_every_class_with_records_has_both_forms():
    """A class that defines ``to_records`` gets ``to_json_records`` from the mixin."""
    classes = find_classes_with_records()
    samples = {type(value).__name__ for value in VALUES}

    assert [] == [name for name, cls in classes.items() if not issubclass(cls, RecordsMixin)]
    assert classes.keys() - {"RecordsMixin"} == samples


def test_class_without_records_raises_an_error():
    """A subclass without ``to_records`` raises an error instead of returning no rows."""
    with pytest.raises(NotImplementedError):
        RecordsMixin().to_json_records()


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_records_hold_only_plain_values(value):
    """Each cell is a text, a number, a day, a time or None, so tables give the column a type."""
    kinds = {type(cell) for row in value.to_records() for cell in row.values()}

    assert kinds <= {str, int, bool, float, Decimal, Fraction, date, datetime, type(None)}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_json_records_have_the_same_columns_and_no_float(value):
    """``json.dumps`` writes the rows, and Python reads them back unchanged."""
    rows = value.to_json_records()
    sent = json.loads(json.dumps(rows), parse_float=refuse_float)

    assert [[*row] for row in value.to_records()] == [[*row] for row in rows] != []
    assert rows == sent


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_json_records_keep_every_digit(value):
    """The text of a number or a day, read back, equals the cell of ``to_records``."""
    read: dict[type, Callable[[Any], object]] = {
        Decimal: Decimal,
        Fraction: Fraction,
        float: float,
        date: date.fromisoformat,
        datetime: datetime.fromisoformat,
    }
    for exact, text in zip(value.to_records(), value.to_json_records(), strict=True):
        for column, cell in exact.items():
            assert cell == read.get(type(cell), lambda text: text)(text[column])


def test_json_records_write_amounts_without_an_exponent():
    """A millionth of a cent is -0.00000001, and not -1E-8."""
    tiny = Money(minor=-1, currency=Currency("EUR", 8))
    (row,) = Posting(ACME, tiny, Reason.CHARGE, DAY).to_json_records()

    assert ("-0.00000001", -1) == (row["amount"], row["minor"])
