"""Reading, checking and scaling of prices, which are exact decimals.

All equal prices are kept in one form, so that they have the same text: 6.5 for 6.50, 0 for -0.00.
Decimal arithmetic would round to the precision of the caller's decimal context, so none is used.
"""

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from operator import index
from typing import Final, SupportsIndex, cast

from channelplans.errors import InvalidValue, cut
from channelplans.money import NUMBER, Rounding, exact, round_ratio

__all__ = ["CALL_DECIMALS", "MAX_DIGITS", "TERM_DECIMALS", "as_decimal", "check_price", "scale"]

#: The largest number of digits in a price, before and after the decimal point together.
MAX_DIGITS: Final = 18

#: The largest number of decimals in a price of a minute or a call.
CALL_DECIMALS: Final = 9

#: The largest number of decimals in a price for a term, because no currency has more.
TERM_DECIMALS: Final = 12


def as_decimal(value: Decimal | str | int) -> Decimal:
    """Convert a price to a Decimal in its shortest form; return any other value as it is.

    The class that owns the field checks the value afterwards, and its error names the field.

    >>> from decimal import Decimal
    >>> from channelplans._prices import as_decimal
    >>> as_decimal("6.50"), as_decimal(Decimal("-0.00")), as_decimal(7)
    (Decimal('6.5'), Decimal('0'), Decimal('7'))
    """
    if isinstance(value, str):
        return _shorten(Decimal(value)) if NUMBER.fullmatch(value) else cast(Decimal, value)
    if isinstance(value, Decimal):
        return _shorten(value)
    if not isinstance(value, bool):
        with suppress(TypeError):
            return Decimal(index(cast(SupportsIndex, value)))
    return cast(Decimal, value)


def check_price(parameter: str, price: Decimal, decimals: int) -> None:
    """Refuse a price that is inexact, not finite, negative, or has too many digits or decimals."""
    if exact(parameter, price) < 0:
        raise InvalidValue(parameter, cut(str(price)), "a price of zero or more")
    actual_decimals = max(0, -int(price.as_tuple().exponent))
    digits = max(0, price.adjusted() + 1) + actual_decimals
    if digits > MAX_DIGITS or actual_decimals > decimals:
        expected = f"a price of at most {MAX_DIGITS} digits, {decimals} of them decimals"
        raise InvalidValue(parameter, cut(str(price)), expected)


def scale(price: Decimal, part: Fraction, decimals: int) -> Decimal:
    """Return a part of a price, rounded half up to a number of decimals.

    >>> from decimal import Decimal
    >>> from fractions import Fraction
    >>> from channelplans._prices import scale
    >>> scale(Decimal("6.95"), Fraction(1, 2), 2)
    Decimal('3.48')
    """
    scaled = Fraction(*price.as_integer_ratio()) * part * 10**decimals
    units = round_ratio(scaled.numerator, scaled.denominator, Rounding.HALF_UP)
    return Decimal((0, tuple(map(int, str(units))), -decimals))


def _shorten(price: Decimal) -> Decimal:
    """Return an equal price without an exponent or zeros at its end.

    A price that is not finite or has too many digits is returned as it is, to be refused.
    """
    if not price.is_finite() or abs(price.adjusted()) > 2 * MAX_DIGITS:
        return price
    if not price:
        return Decimal(0)
    digits = f"{price:f}"
    return Decimal(digits.rstrip("0").rstrip(".") if "." in digits else digits)
