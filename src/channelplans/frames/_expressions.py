"""Arithmetic of whole numbers as expressions, exact on every engine.

Divisions are floor divisions of numbers that are 0 or more. There are no remainders, because some
engines lack them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

import attrs
import narwhals.stable.v2 as nw

from channelplans.frames._work import Work, as_expression, column
from channelplans.money import Rounding

__all__: tuple[str, ...] = ()

# Up to this number of different values, comparisons are faster than a table.
_FEW: Final = 8


def choose(cases: Sequence[tuple[nw.Expr, nw.Expr]], otherwise: nw.Expr) -> nw.Expr:
    """Return the value of the first case whose condition is true."""
    return reduce(
        lambda rest, case: nw.when(case[0]).then(case[1]).otherwise(rest),
        reversed(cases),
        otherwise,
    )


def look_up(key: nw.Expr, table: Mapping[str, int] | Mapping[int, int], default: int) -> nw.Expr:
    """Return the number that a table has for a key.

    Args:
        key: the keys.
        table: the number of each key.
        default: the number of the keys that are not in the table.
    """
    otherwise = nw.lit(default, dtype=nw.Int64)
    others = {item: number for item, number in table.items() if number != default}
    if len(others) <= _FEW:
        cases = [(key == item, nw.lit(number, dtype=nw.Int64)) for item, number in others.items()]
        return choose(cases, otherwise)
    old, new = [*others], [*others.values()]
    return key.replace_strict(old, new, default=otherwise, return_dtype=nw.Int64)


def ratio(
    numerator: nw.Expr,
    denominator: nw.Expr | int,
    rounding: Rounding,
    *,
    base: nw.Expr | int = 0,
) -> nw.Expr:
    """Return base + numerator / denominator, rounded to a whole number.

    Args:
        numerator: 0 or more. With half the denominator added, the engine must still divide it.
        denominator: above 0.
        rounding: how the sum is rounded.
        base: a whole number, which decides whether a half is next to an even number.
    """
    is_zero = isinstance(base, int) and base == 0
    if rounding is Rounding.HALF_UP:
        rounded = (numerator + denominator // 2) // denominator
        return rounded if is_zero else rounded + base
    quotient = numerator // denominator
    remainder = numerator - quotient * denominator
    if not is_zero:
        quotient = quotient + base
    return _round(quotient, remainder, denominator, rounding, quotient // 2)


def _round(
    quotient: nw.Expr,
    remainder: nw.Expr,
    denominator: Any,
    rounding: Rounding,
    half: nw.Expr,
) -> nw.Expr:
    """Return quotient + remainder / denominator, rounded to a whole number; half is quotient // 2.

    Rounding half up needs no remainder, so it is not done here.
    """
    if rounding is Rounding.DOWN:
        return quotient
    if rounding is Rounding.UP:
        rises = remainder > 0
    else:
        rises = remainder * 2 + (quotient - half * 2) > denominator
    return nw.when(rises).then(quotient + 1).otherwise(quotient)


@attrs.frozen
class Division:
    """A column with numerator / denominator, rounded to a whole number, exact up to ``LARGEST``.

    Attributes:
        name: the name of the column.
        numerator: null, or 0 or more; or the name of such a column of our own. With half the
            denominator added, it is at most ``LARGEST``.
        denominator: a number above 0, or the name of such a column of our own.
        rounding: how the ratio is rounded.
    """

    name: str
    numerator: str | nw.Expr
    denominator: str | int
    rounding: Rounding

    @property
    def divided(self) -> str | nw.Expr:
        """What is divided by the denominator."""
        if self.rounding is Rounding.HALF_UP:
            raised: nw.Expr = as_expression(self.numerator) + as_expression(self.denominator) // 2
            return raised
        return self.numerator

    @property
    def quotient(self) -> str:
        """The name of the column with the quotient.

        It has the name of the result if the quotient needs no further rounding.
        """
        is_result = self.rounding in {Rounding.DOWN, Rounding.HALF_UP}
        return self.name if is_result else f"{self.name}_quotient"

    def rounded(self, half: nw.Expr) -> nw.Expr:
        """Return the rounded quotient; half is quotient // 2."""
        quotient, denominator = column(self.quotient), as_expression(self.denominator)
        remainder = as_expression(self.numerator) - quotient * denominator
        return _round(quotient, remainder, denominator, self.rounding, half)


def add_divisions(work: Work, divisions: Sequence[Division]) -> None:
    """Add columns of rounded divisions, in as few steps as possible."""
    if divisions:
        work.add_quotients({item.quotient: (item.divided, item.denominator) for item in divisions})
    unrounded = [item for item in divisions if item.quotient != item.name]
    if unrounded:
        # On PySpark, ``//`` would not be exact.
        work.add_quotients({f"{item.name}_half": (item.quotient, 2) for item in unrounded})
        work.add(**{item.name: item.rounded(column(f"{item.name}_half")) for item in unrounded})


@attrs.frozen
class Share:
    """A column with amount x part / whole, rounded once.

    Attributes:
        name: the name of the column.
        amount: 0 or more.
        part: 0 or more, and at most the whole.
        whole: a number above 0, or the name of such a column of our own.
        rounding: how the share is rounded.
        is_small: whether amount x whole, with half the whole added, is at most ``LARGEST``.
            Otherwise the amount is divided first, and only its remainder is multiplied.
    """

    name: str
    amount: nw.Expr
    part: nw.Expr
    whole: str | int
    rounding: Rounding
    is_small: bool = False


def add_shares(work: Work, shares: Iterable[Share]) -> None:
    """Add columns of shares, in as few steps as possible."""
    small: list[Division] = []
    large: list[Share] = []
    for share in shares:
        if share.is_small:
            product = share.amount * share.part
            small.append(Division(share.name, product, share.whole, share.rounding))
        else:
            large.append(share)
    add_divisions(work, small)
    each, rest, added = {}, {}, {}
    for share in large:
        name, whole = share.name, as_expression(share.whole)
        quotient = column(f"{name}_each")
        each[f"{name}_each"] = share.amount // whole
        rest[f"{name}_rest"] = share.amount - quotient * whole
        product = column(f"{name}_rest") * share.part
        added[name] = ratio(product, whole, share.rounding, base=quotient * share.part)
    for columns in (each, rest, added):
        if columns:
            work.add(**columns)
