"""Arithmetic of whole numbers as expressions, exact on every engine.

Divisions are floor divisions of numbers that are 0 or more. There are no remainders, because some
engines lack them.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Final

import narwhals.stable.v2 as nw

from channelplans.frames._work import Work, column
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
    wide: bool = False,
) -> nw.Expr:
    """Return base + numerator / denominator, rounded to a whole number.

    Args:
        numerator: 0 or more.
        denominator: above 0.
        rounding: how the sum is rounded.
        base: a whole number, which decides whether a half is next to an even number.
        wide: whether twice the numerator could be too large for the engine.
    """
    is_zero = isinstance(base, int) and base == 0
    if rounding is Rounding.HALF_UP and not wide:
        rounded = (numerator * 2 + denominator) // (denominator * 2)
        return rounded if is_zero else rounded + base
    quotient = numerator // denominator
    remainder = numerator - quotient * denominator
    if not is_zero:
        quotient = quotient + base
    if rounding is Rounding.DOWN:
        return quotient
    if rounding is Rounding.UP:
        rises = remainder > 0
    elif rounding is Rounding.HALF_UP:
        rises = remainder * 2 >= denominator
    else:
        rises = remainder * 2 + (quotient - quotient // 2 * 2) > denominator
    return nw.when(rises).then(quotient + 1).otherwise(quotient)


def add_share(
    work: Work,
    name: str,
    amount: nw.Expr,
    part: nw.Expr,
    whole: nw.Expr | int,
    rounding: Rounding,
    *,
    is_small: bool = False,
    wide: bool = False,
) -> None:
    """Add a column with amount x part / whole, rounded once; the part is at most the whole.

    Args:
        work: the frame at work.
        name: the name of the column.
        amount: 0 or more.
        part: 0 or more.
        whole: above 0.
        rounding: how the share is rounded.
        is_small: whether twice the product of the amount and the whole is not too large for the
            engine. Otherwise the amount is divided first, and only its remainder is multiplied.
        wide: whether twice a product of the part and the whole could be too large.
    """
    if is_small and rounding is Rounding.HALF_UP and isinstance(whole, int):
        work.add_quotient(name, amount * part * 2 + whole, whole * 2)
        return
    if is_small:
        work.add(**{name: ratio(amount * part, whole, rounding)})
        return
    work.add(**{f"{name}_each": amount // whole})
    quotient = column(f"{name}_each")
    work.add(**{f"{name}_rest": amount - quotient * whole})
    numerator = column(f"{name}_rest") * part
    share = ratio(numerator, whole, rounding, base=quotient * part, wide=wide)
    work.add(**{name: share})
