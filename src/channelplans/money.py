"""Money as an integer count of its currency's unit, and the shares of it.

No float and no Decimal arithmetic: a price is read once, exactly, and everything after that is
integers and fractions. A fraction is rounded once, where an amount is made of it, by a rounding
that the caller's rule names. Nothing here knows what the money is for.
"""

import enum
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import total_ordering
from typing import Final, SupportsIndex

import attrs

from channelplans.checks import bounded, checked, instance, several, shown, whole
from channelplans.errors import CurrencyMismatch, InvalidValue, WrongType
from channelplans.tables import Described, counted

__all__ = ["EUR", "GBP", "JPY", "PLN", "USD", "Currency", "Money", "Rounding"]

NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")
_CODE = re.compile(r"[A-Z]{3}")


class Rounding(enum.Enum):
    """How a fraction becomes a whole number; a rule names one, nothing ambient is read.

    ``DOWN`` goes towards zero and ``UP`` away from it. ``HALF_UP`` rounds to the nearest and a
    half away from zero, ``HALF_EVEN`` rounds a half to the even neighbour.
    """

    DOWN = "down"
    UP = "up"
    HALF_UP = "half up"
    HALF_EVEN = "half even"


def round_ratio(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return numerator / denominator as a whole number, for a denominator above zero.

    >>> round_ratio(5, 2, Rounding.HALF_UP), round_ratio(-5, 2, Rounding.HALF_UP)
    (3, -3)
    >>> round_ratio(105, 10, Rounding.DOWN), round_ratio(105, 10, Rounding.HALF_EVEN)
    (10, 10)
    """
    if numerator < 0:
        return -round_ratio(-numerator, denominator, rounding)
    if rounding is Rounding.HALF_UP:
        return (2 * numerator + denominator) // (2 * denominator)
    quotient, remainder = divmod(numerator, denominator)
    if rounding is Rounding.UP:
        return quotient + (remainder > 0)
    if rounding is Rounding.HALF_EVEN:
        return quotient + (2 * remainder + quotient % 2 > denominator)
    return quotient


def exact(parameter: str, value: str | int | Decimal) -> Fraction:
    """Return a price as the fraction it is written as.

    Text is plain digits with a point ("6.95"); floats, NaN and infinity are refused, and so are
    numbers of more than 40 digits before or after the point.

    >>> exact("price", "0.004")
    Fraction(1, 250)
    """
    if isinstance(value, str):
        if not NUMBER.fullmatch(value):
            raise InvalidValue(parameter, repr(value), 'a number in plain digits, such as "6.95"')
        value = Decimal(value)
    if not isinstance(value, Decimal):
        try:
            value = Decimal(whole(parameter, value))
        except WrongType:
            expected = 'an exact number: text such as "6.95", a Decimal or an int'
            raise WrongType(parameter, shown(value), expected) from None
    if not value.is_finite() or abs(value.adjusted()) > 40 or _decimals(value) > 40:
        raise InvalidValue(parameter, str(value), "a finite number of at most 40 digits")
    return Fraction(*value.as_integer_ratio())


def _currency_code(value: str) -> str:
    if not _CODE.fullmatch(instance("code", value, str)):
        raise InvalidValue("code", repr(value), 'three capital letters, such as "EUR"')
    return value


@attrs.frozen(field_transformer=checked)
class Currency(Described):
    """A currency and the unit that it is kept in: 10 to the power of minus ``exponent``.

    ``Currency("EUR", 2)`` counts cents. A ledger that keeps thousandths of a cent (F 3.7) is the
    same code with exponent 5; the two are different currencies until ``Money.to`` joins them.

    Raises:
        InvalidValue: the code is not three capital letters, or the exponent is not 0 to 12.

    >>> print(Currency("EUR", 5))
    EUR with 5 decimals
    """

    code: str = attrs.field(converter=_currency_code)
    exponent: int

    def __attrs_post_init__(self) -> None:
        bounded("exponent", self.exponent, 0, 12)

    @property
    def units(self) -> int:
        """How many units make one of the currency, such as 100 cents."""
        return int(10**self.exponent)

    def _describe(self) -> tuple[str]:
        return (f"{self.code} with {counted(self.exponent, 'decimal')}",)


def same_currency(expected: Currency, actual: Currency) -> None:
    """Refuse another currency; the error tells the decimals where only they differ."""
    if actual.code != expected.code:
        raise CurrencyMismatch(expected.code, actual.code)
    if actual != expected:
        raise CurrencyMismatch(str(expected), str(actual))


EUR: Final = Currency("EUR", 2)
USD: Final = Currency("USD", 2)
GBP: Final = Currency("GBP", 2)
PLN: Final = Currency("PLN", 2)
JPY: Final = Currency("JPY", 0)


@total_ordering
@attrs.frozen(field_transformer=checked)
class Money(Described):
    """An amount: ``minor`` counts the smallest units of its currency, and may be negative.

    Amounts of one currency add, subtract, compare and are multiplied by whole numbers.
    Amounts of two currencies are never equal, and mixing them raises CurrencyMismatch.

    >>> price = Money.of("6.95", EUR)
    >>> print(price * 100)
    695.00 EUR
    >>> returned, kept = price.split(Fraction(2, 3))
    >>> print(returned, kept, sep=" + ")
    4.63 EUR + 2.32 EUR
    """

    minor: int
    currency: Currency

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: Currency) -> "Money":
        """Read an amount exactly.

        Raises:
            WrongType: the amount is a float or another inexact type.
            InvalidValue: it is not a finite number, or has more decimals than the currency.

        >>> Money.of("6.95", EUR).minor, Money.of("7", JPY).minor
        (695, 7)
        >>> Money.of("0.021", EUR)
        Traceback (most recent call last):
            ...
        channelplans.errors.InvalidValue: amount must be a number of at most 2 decimals, which EUR \
has here, not 0.021
        """
        return read("amount", amount, currency)

    @property
    def amount(self) -> Decimal:
        """The amount as a Decimal with all its decimals, made without any arithmetic."""
        digits = tuple(map(int, str(abs(self.minor))))
        return Decimal((self.minor < 0, digits, -self.currency.exponent))

    def to(self, currency: Currency) -> "Money":
        """Return the amount with another number of decimals: exact when wider, else half up.

        This is for display and for one last step; a ledger stays in one currency throughout.

        >>> print(Money.of("0.00500", Currency("EUR", 5)).to(EUR))
        0.01 EUR
        """
        instance("currency", currency, Currency)
        if currency.code != self.currency.code:
            raise CurrencyMismatch(self.currency.code, currency.code)
        numerator = self.minor * currency.units
        return Money(round_ratio(numerator, self.currency.units, Rounding.HALF_UP), currency)

    def share(self, part: Fraction, rounding: Rounding = Rounding.HALF_UP) -> "Money":
        """Return a part of the amount, rounded once.

        >>> print(Money.of("6.95", EUR).share(Fraction(11, 30)))
        2.55 EUR
        """
        numerator, denominator = _ratio(part)
        instance("rounding", rounding, Rounding)
        minor = round_ratio(self.minor * numerator, denominator, rounding)
        return Money(minor, self.currency)

    def split(
        self, part: Fraction, rounding: Rounding = Rounding.HALF_UP
    ) -> tuple["Money", "Money"]:
        """Return a part and the rest, which add up to the amount; ``part`` is 0 to 1.

        Only the part is rounded: two parts, each rounded, may not add up. Of 2 cents, three
        quarters are 1.5 and the rest 0.5; each rounded, they would be 2 and 1.

        >>> print(*Money.of("0.02", EUR).split(Fraction(3, 4)), sep=" + ")
        0.02 EUR + 0.00 EUR
        """
        numerator, denominator = _ratio(part)
        if not 0 <= numerator <= denominator:
            raise InvalidValue("part", str(part), "between 0 and 1")
        first = self.share(part, rounding)
        return first, Money(self.minor - first.minor, self.currency)

    def allocate(self, weights: Sequence[int]) -> tuple["Money", ...]:
        """Share the amount out by weights, to the unit, by the largest remainder.

        What is left over after rounding down goes, a unit each, to the largest remainders, and
        among equal ones to the earlier.

        Raises:
            InvalidValue: there are no weights, one is negative, or all are zero.

        >>> [str(share) for share in Money.of("1.00", EUR).allocate([1, 1, 1])]
        ['0.34 EUR', '0.33 EUR', '0.33 EUR']
        """
        checked_weights = several("weights", weights, lambda name, each: bounded(name, each, 0))
        whole_weight = sum(checked_weights)
        if not whole_weight:
            raise InvalidValue("weights", str(list(weights)), "at least one weight above zero")
        sign = -1 if self.minor < 0 else 1
        shares = [divmod(abs(self.minor) * weight, whole_weight) for weight in checked_weights]
        left_over = abs(self.minor) - sum(share for share, _ in shares)
        by_remainder = sorted(range(len(shares)), key=lambda index: -shares[index][1])
        luckier = frozenset(by_remainder[:left_over])
        return tuple(
            Money(sign * (share + (index in luckier)), self.currency)
            for index, (share, _) in enumerate(shares)
        )

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._minor_of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._minor_of(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, count: SupportsIndex) -> "Money":
        return Money(self.minor * whole("count", count), self.currency)

    __rmul__ = __mul__

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._minor_of(other)

    def _minor_of(self, other: "Money") -> int:
        instance("amount", other, Money)
        same_currency(self.currency, other.currency)
        return other.minor

    def _describe(self) -> tuple[str]:
        return (f"{self.amount:f} {self.currency.code}",)


def columns(**amounts: Money | None) -> dict[str, object]:
    """Return two columns of a plain row for each amount: its units, and the amount itself."""
    row: dict[str, object] = {}
    for name, amount in amounts.items():
        row[f"{name}_minor"] = None if amount is None else amount.minor
        row[name] = None if amount is None else amount.amount
    return row


def read(parameter: str, amount: str | int | Decimal, currency: Currency) -> Money:
    """Read an amount exactly, naming the parameter that it came in by where it cannot be."""
    instance("currency", currency, Currency)
    units = exact(parameter, amount) * currency.units
    if units.denominator != 1:
        expected = (
            f"a number of at most {currency.exponent} decimals, which {currency.code} has here"
        )
        raise InvalidValue(parameter, str(amount), expected)
    return Money(units.numerator, currency)


def _decimals(value: Decimal) -> int:
    return -int(value.as_tuple().exponent)


def _ratio(part: Fraction) -> tuple[int, int]:
    if isinstance(part, (Fraction, int)) and not isinstance(part, bool):
        return part.numerator, part.denominator
    raise WrongType("part", shown(part), "an exact share (Fraction)")
