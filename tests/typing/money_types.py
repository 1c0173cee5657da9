"""The types of money, checked by mypy and pyright and never run.

Each line with ``type: ignore`` is a mistake that a type checker must find. An ignore that is not
needed is an error too.
"""

from decimal import Decimal
from fractions import Fraction
from typing import assert_type

from channelplans.money import EUR, Currency, Money, Rounding, exact, round_ratio


def currencies() -> None:
    """A currency has a code and an exponent, and both are read-only."""
    currency = Currency("EUR", 5)

    assert_type(currency, Currency)
    assert_type(currency.code, str)
    assert_type(currency.exponent, int)
    assert_type(currency.units, int)
    assert_type(EUR, Currency)
    Currency(978, 2)  # type: ignore[arg-type]
    Currency("EUR", "2")  # type: ignore[arg-type]
    Currency("EUR", 2.0)  # type: ignore[arg-type]
    Currency("EUR")  # type: ignore[call-arg]
    currency.exponent = 2  # type: ignore[misc]


def amounts() -> None:
    """Exact numbers make amounts, and arithmetic with amounts returns amounts."""
    money = Money.of("6.95", EUR)

    assert_type(money, Money)
    assert_type(Money.of(6, EUR), Money)
    assert_type(Money.of(Decimal("6.95"), EUR), Money)
    assert_type(Money(minor=695, currency=EUR), Money)
    assert_type(money.minor, int)
    assert_type(money.amount, Decimal)
    assert_type(money.currency, Currency)
    assert_type(money + money, Money)
    assert_type(money - money, Money)
    assert_type(-money, Money)
    assert_type(money * 3, Money)
    assert_type(3 * money, Money)
    assert_type(money < Money(minor=1, currency=EUR), bool)
    assert_type(bool(money), bool)
    assert_type(sum([money], start=Money(minor=0, currency=EUR)), Money)
    assert_type(money.to(EUR), Money)
    Money.of(6.95, EUR)  # type: ignore[arg-type]
    Money.of(Fraction(1, 2), EUR)  # type: ignore[arg-type]
    Money.of("6.95", "EUR")  # type: ignore[arg-type]
    Money(50, EUR)  # type: ignore[call-arg]
    Money(50)  # type: ignore[call-arg]
    Money(minor=6.95, currency=EUR)  # type: ignore[arg-type]
    money + 1  # type: ignore[operator]
    money * 1.5  # type: ignore[operator]
    money * money  # type: ignore[operator]
    money / 2  # type: ignore[operator]
    _ = money < 1  # type: ignore[operator]
    money.minor = 5  # type: ignore[misc]


def shares() -> None:
    """A share is an exact fraction of an amount. The result is an amount too."""
    money = Money.of("6.95", EUR)

    assert_type(money.share(Fraction(1, 3)), Money)
    assert_type(money.share(Fraction(1, 3), Rounding.DOWN), Money)
    assert_type(money.split(Fraction(1, 3)), tuple[Money, Money])
    assert_type(money.allocate([1, 2]), tuple[Money, ...])
    assert_type(money.allocate((1, 2)), tuple[Money, ...])
    assert_type(exact("price", "0.004"), Fraction)
    assert_type(round_ratio(5, 2, Rounding.UP), int)
    money.share(0.5)  # type: ignore[arg-type]
    money.share(Fraction(1, 3), "down")  # type: ignore[arg-type]
    money.split("1/2")  # type: ignore[arg-type]
    money.allocate([0.5, 0.5])  # type: ignore[list-item]
    money.allocate(2)  # type: ignore[arg-type]
