"""Amounts of money as whole numbers of a currency's smallest unit.

Prices are read exactly. The arithmetic uses integers and fractions, never floats or Decimal. A
fraction is rounded once, when it becomes an amount; the caller's rule names the rounding.
"""

import enum
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import total_ordering
from typing import Final, SupportsIndex, cast

import attrs

from channelplans._checks import NUMBER_LIMIT, bounded, instance, several, short_repr, shown, whole
from channelplans._constructors import checked, trusted
from channelplans._display import DisplayMixin, counted
from channelplans.errors import CurrencyMismatch, InvalidValue, WrongType, cut, quoted

__all__ = ["EUR", "GBP", "JPY", "PLN", "USD", "Currency", "Money", "Rounding"]

NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")
_CODE = re.compile(r"[A-Z]{3}")
# Parts of Python's format specifications. A precision would round.
_FORMAT = re.compile(r"(?P<alignment>(.?[<>^])?)(?P<sign>[+ -]?)(?P<width>[0-9]*)(?P<group>,?)")


class Rounding(enum.Enum):
    """How a fraction is rounded to a whole number; no global setting has an influence.

    Attributes:
        DOWN: round towards zero.
        UP: round away from zero.
        HALF_UP: round to the nearest whole number, and a half away from zero.
        HALF_EVEN: round to the nearest whole number, and a half to the even number.
    """

    DOWN = "down"
    UP = "up"
    HALF_UP = "half up"
    HALF_EVEN = "half even"


# Python finds a global of the module faster than a member of an enum.
_UP: Final = Rounding.UP
_HALF_UP: Final = Rounding.HALF_UP
_HALF_EVEN: Final = Rounding.HALF_EVEN


def round_ratio(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return numerator / denominator, rounded to a whole number; the denominator is positive.

    >>> from channelplans import Rounding
    >>> from channelplans.money import round_ratio
    >>> round_ratio(5, 2, Rounding.HALF_UP), round_ratio(-5, 2, Rounding.HALF_UP)
    (3, -3)
    >>> round_ratio(105, 10, Rounding.DOWN), round_ratio(105, 10, Rounding.HALF_EVEN)
    (10, 10)
    """
    if numerator < 0:
        return -round_ratio(-numerator, denominator, rounding)
    if rounding is _HALF_UP:
        return (2 * numerator + denominator) // (2 * denominator)
    quotient, remainder = divmod(numerator, denominator)
    if rounding is _UP:
        return quotient + (remainder > 0)
    if rounding is _HALF_EVEN:
        return quotient + (2 * remainder + quotient % 2 > denominator)
    return quotient


def exact(parameter: str, value: str | int | Decimal, *, example: str = "6.95") -> Fraction:
    """Return a price as an exact fraction.

    Text is plain digits with an optional decimal point ("6.95"). Floats, NaN, infinity and more
    than 40 digits before or after the point are refused. The error shows the example.

    >>> from channelplans.money import exact
    >>> exact("price", "0.004")
    Fraction(1, 250)
    """
    if isinstance(value, str):
        if not NUMBER.fullmatch(value):
            expected = f'a number in plain digits, such as "{example}"'
            raise InvalidValue(parameter, quoted(value), expected)
        value = Decimal(value)
    if not isinstance(value, Decimal):
        try:
            value = Decimal(whole(parameter, value))
        except WrongType:
            expected = f'an exact number: text such as "{example}", a Decimal or an int'
            raise WrongType(parameter, shown(value), expected) from None
    if not value.is_finite() or abs(value.adjusted()) > 40 or int(value.as_tuple().exponent) < -40:
        raise InvalidValue(parameter, cut(str(value)), "a finite number of at most 40 digits")
    return Fraction(*value.as_integer_ratio())


def _currency_code(value: str) -> str:
    if not _CODE.fullmatch(instance("code", value, str)):
        raise InvalidValue("code", quoted(value), 'three capital letters, such as "EUR"')
    return value


@checked
@attrs.frozen(repr=False)
class Currency(DisplayMixin):
    """A currency and its number of decimals.

    ``Currency("EUR", 2)`` counts cents. A ledger that counts thousandths of a cent (F 3.7) uses
    ``Currency("EUR", 5)``. The two are different currencies; ``Money.to`` converts between them.

    Attributes:
        code: the code of ISO 4217: three capital letters.
        exponent: the number of decimals, from 0 to 12.

    Raises:
        InvalidValue: the code is not three capital letters, or the exponent is not 0 to 12.

    >>> from channelplans import Currency
    >>> print(Currency("EUR", 5))
    EUR with 5 decimals
    """

    code: str = attrs.field(converter=_currency_code)
    exponent: int

    def __attrs_post_init__(self) -> None:
        bounded("exponent", self.exponent, 0, 12)

    @property
    def units(self) -> int:
        """The number of smallest units in one unit of the currency, such as 100 cents in a euro."""
        return int(10**self.exponent)

    def _describe(self) -> tuple[str]:
        return (f"{self.code} with {counted(self.exponent, 'decimal')}",)


def same_currency(expected: Currency, actual: Currency) -> None:
    """Raise CurrencyMismatch unless the two currencies have the same code and decimals."""
    if actual.code != expected.code:
        raise CurrencyMismatch(expected.code, actual.code)
    if actual != expected:
        raise CurrencyMismatch(str(expected), str(actual))


#: The euro, counted in cents.
EUR: Final = Currency("EUR", 2)

#: The dollar of the United States, counted in cents.
USD: Final = Currency("USD", 2)

#: The pound sterling, counted in pence.
GBP: Final = Currency("GBP", 2)

#: The Polish zloty, counted in grosz.
PLN: Final = Currency("PLN", 2)

#: The Japanese yen, which has no decimals.
JPY: Final = Currency("JPY", 0)


@total_ordering
@checked
@attrs.frozen(kw_only=True, repr=False)
class Money(DisplayMixin):
    """An amount of money; use ``Money.of`` to read one from text.

    Amounts in one currency can be added, subtracted, compared and multiplied by whole numbers, also
    with ``sum``. Typed code passes a start: ``sum(amounts, start=Money.zero(EUR))``.

    A format specification can align, group digits and show a plus: ``f"{price:>+12,}"``. It cannot
    round; ``to`` and ``share`` do that.

    Attributes:
        minor: the number of the currency's smallest units, such as cents. It may be negative, and
            has at most 18 digits.
        currency: the currency.

    Raises:
        CurrencyMismatch: two amounts in different currencies are added, subtracted or ordered.
            ``==`` is False for them.
        InvalidValue: an amount has more than 18 digits.

    >>> from fractions import Fraction
    >>> from channelplans import EUR, Money
    >>> price = Money.of("6.95", EUR)
    >>> print(price * 100)
    695.00 EUR
    >>> print(sum([price, price]), abs(-price))
    13.90 EUR 6.95 EUR
    >>> f"{price * 1000:,}"
    '6,950.00 EUR'
    >>> refunded, kept = price.split(Fraction(2, 3))
    >>> print(refunded, kept, sep=" + ")
    4.63 EUR + 2.32 EUR
    """

    minor: int
    currency: Currency

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: Currency) -> "Money":
        """Return an amount read exactly from text, a Decimal or a whole number.

        Args:
            amount: the amount in whole units of the currency, such as ``"6.95"`` euros.
            currency: the currency.

        Raises:
            WrongType: the amount is a float or another inexact type.
            InvalidValue: the amount is not a finite number, or has too many decimals or digits.

        >>> from channelplans import EUR, JPY, Money
        >>> Money.of("6.95", EUR).minor, Money.of("7", JPY).minor
        (695, 7)
        >>> Money.of("0.021", EUR)  # doctest: +NORMALIZE_WHITESPACE
        Traceback (most recent call last):
            ...
        channelplans.errors.InvalidValue: amount must be a number of at most 2 decimals
        for EUR, not 0.021
        """
        return read("amount", amount, currency)

    @classmethod
    def zero(cls, currency: Currency) -> "Money":
        """Return the amount of zero in a currency.

        Args:
            currency: the currency.

        >>> from channelplans import EUR, Money
        >>> print(Money.zero(EUR))
        0.00 EUR
        """
        return cls(minor=0, currency=currency)

    @property
    def amount(self) -> Decimal:
        """The amount as a Decimal with all decimals of the currency."""
        # Decimal arithmetic would round to the precision of the caller's decimal context.
        digits = tuple(map(int, str(abs(self.minor))))
        return Decimal((self.minor < 0, digits, -self.currency.exponent))

    def to(self, currency: Currency) -> "Money":
        """Return the amount in the same currency with another number of decimals.

        Use this method for display or as the last step of a calculation; use one currency
        throughout a ledger.

        Args:
            currency: the currency with the other number of decimals. Decimals that are dropped are
                rounded half up.

        Raises:
            CurrencyMismatch: the other currency has another code.
            InvalidValue: the amount has more than 18 digits in the other currency.

        >>> from channelplans import EUR, Currency, Money
        >>> print(Money.of("0.00500", Currency("EUR", 5)).to(EUR))
        0.01 EUR
        """
        instance("currency", currency, Currency)
        if currency.code != self.currency.code:
            raise CurrencyMismatch(self.currency.code, currency.code)
        numerator = self.minor * currency.units
        return make_money(round_ratio(numerator, self.currency.units, Rounding.HALF_UP), currency)

    def share(self, part: Fraction, rounding: Rounding = Rounding.HALF_UP) -> "Money":
        """Return a part of the amount, rounded once.

        Args:
            part: the part, such as ``Fraction(11, 30)`` for 11 of 30 days.
            rounding: how the part is rounded to whole units.

        Raises:
            InvalidValue: the part has more than 18 digits.

        >>> from fractions import Fraction
        >>> from channelplans import EUR, Money
        >>> print(Money.of("6.95", EUR).share(Fraction(11, 30)))
        2.55 EUR
        """
        numerator, denominator = _ratio(part)
        instance("rounding", rounding, Rounding)
        minor = round_ratio(self.minor * numerator, denominator, rounding)
        return make_money(minor, self.currency)

    def split(
        self, part: Fraction, rounding: Rounding = Rounding.HALF_UP
    ) -> tuple["Money", "Money"]:
        """Return a part of the amount and the remainder; the two add up to the amount.

        Only the part is rounded. If both were rounded, three quarters of 2 cents would be 2 cents
        (from 1.5) and the remainder 1 cent (from 0.5): 3 cents in all.

        Args:
            part: the part, from 0 to 1.
            rounding: how the part is rounded to whole units.

        Raises:
            InvalidValue: the part is below 0 or above 1.

        >>> from fractions import Fraction
        >>> from channelplans import EUR, Money
        >>> print(*Money.of("0.02", EUR).split(Fraction(3, 4)), sep=" + ")
        0.02 EUR + 0.00 EUR
        """
        numerator, denominator = _ratio(part)
        if not 0 <= numerator <= denominator:
            raise InvalidValue("part", shown(part), "between 0 and 1")
        share = self.share(part, rounding)
        return share, self - share

    def allocate(self, weights: Sequence[int]) -> tuple["Money", ...]:
        """Return shares of the amount in proportion to the weights; they add up to the amount.

        Shares are rounded towards zero. The smallest units left over go to the shares with the
        largest remainders, one unit each; of equal remainders, the earlier share gets the unit.

        Args:
            weights: a whole number of at least 0 for each share.

        Raises:
            InvalidValue: there are no weights, a weight is negative, or all weights are zero.

        >>> from channelplans import EUR, Money
        >>> [str(share) for share in Money.of("1.00", EUR).allocate([1, 1, 1])]
        ['0.34 EUR', '0.33 EUR', '0.33 EUR']
        """
        checked_weights = several("weights", weights, lambda name, value: bounded(name, value, 0))
        weight_sum = sum(checked_weights)
        if not weight_sum:
            raise InvalidValue(
                "weights", short_repr([*checked_weights]), "at least one weight above zero"
            )
        sign = -1 if self.minor < 0 else 1
        shares = [abs(self.minor) * weight // weight_sum for weight in checked_weights]
        remainders = [abs(self.minor) * weight % weight_sum for weight in checked_weights]
        units_left = abs(self.minor) - sum(shares)
        by_remainder = sorted(range(len(shares)), key=lambda index: -remainders[index])
        rounded_up = frozenset(by_remainder[:units_left])
        return tuple(
            make_money(sign * (share + (index in rounded_up)), self.currency)
            for index, share in enumerate(shares)
        )

    def __add__(self, other: "Money") -> "Money":
        return make_money(self.minor + self._minor_of(other), self.currency)

    def __radd__(self, zero: int) -> "Money":
        if isinstance(zero, int) and zero == 0:  # the start of sum()
            return self
        return NotImplemented

    def __sub__(self, other: "Money") -> "Money":
        return make_money(self.minor - self._minor_of(other), self.currency)

    def __neg__(self) -> "Money":
        return make_money(-self.minor, self.currency)

    def __abs__(self) -> "Money":
        return make_money(abs(self.minor), self.currency)

    def __mul__(self, count: SupportsIndex) -> "Money":
        return make_money(self.minor * whole("count", count), self.currency)

    __rmul__ = __mul__

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._minor_of(other)

    def __format__(self, specification: str) -> str:
        parts = _FORMAT.fullmatch(specification)
        if parts is None:
            expected = "an alignment, +, a width and a comma, such as ',' or '>+12,'"
            raise InvalidValue("format specification", shown(specification), expected)
        text = f"{self.amount:{parts['sign']}{parts['group']}f} {self.currency.code}"
        return f"{text:{parts['alignment']}{parts['width']}}"

    def _minor_of(self, other: "Money") -> int:
        if type(other) is not Money:
            instance("amount", other, Money)
        if self.currency is not other.currency:
            same_currency(self.currency, other.currency)
        return other.minor

    def _describe(self) -> tuple[str]:
        return (f"{self.amount:f} {self.currency.code}",)


_trusted_money = cast(Callable[[int, Currency], Money], trusted(Money))


def make_money(minor: int, currency: Currency) -> Money:
    """Return an amount whose types are known to be right; its size is checked."""
    if -NUMBER_LIMIT < minor < NUMBER_LIMIT:
        return _trusted_money(minor, currency)
    raise too_large(currency)


def too_large(currency: Currency) -> InvalidValue:
    """Return the error for an amount of more than 18 digits."""
    return InvalidValue("amount", "a larger amount", f"of at most 18 digits in {currency.code}")


def columns(**amounts: Money | None) -> dict[str, object]:
    """Return two columns for each amount: ``NAME_minor`` in smallest units, ``NAME`` as Decimal."""
    row: dict[str, object] = {}
    for name, amount in amounts.items():
        row[f"{name}_minor"] = None if amount is None else amount.minor
        row[name] = None if amount is None else amount.amount
    return row


def read(parameter: str, amount: str | int | Decimal, currency: Currency) -> Money:
    """Return an amount read exactly; ``parameter`` is its name in error messages."""
    instance("currency", currency, Currency)
    units = exact(parameter, amount) * currency.units
    if units.denominator != 1:
        expected = f"a number of at most {currency.exponent} decimals for {currency.code}"
        raise InvalidValue(parameter, cut(str(amount)), expected)
    if not -NUMBER_LIMIT < units < NUMBER_LIMIT:
        expected = f"of at most 18 digits, {currency.exponent} of them decimals"
        raise InvalidValue(parameter, shown(amount), expected)
    return _trusted_money(units.numerator, currency)


def _ratio(part: Fraction) -> tuple[int, int]:
    if isinstance(part, (Fraction, int)) and not isinstance(part, bool):
        return part.numerator, part.denominator
    raise WrongType("part", shown(part), "an exact share (Fraction)")
