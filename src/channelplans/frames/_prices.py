"""Prices of a tariff as pieces, in each of which the price rises by steps of equal size."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import lcm

import attrs
import narwhals.stable.v2 as nw

from channelplans._checks import NUMBER_LIMIT
from channelplans.frames._codes import BEYOND_ENGINE, INVALID_VALUE
from channelplans.frames._engines import LARGEST
from channelplans.frames._expressions import choose, ratio
from channelplans.money import Currency, Money, Rounding
from channelplans.tariffs import Ladder, LadderMode

__all__: tuple[str, ...] = ()


@attrs.frozen
class Piece:
    """The price of the quantities up to a limit, in smallest units.

    It is (packs x ``unit`` + ``base``) / ``denominator``, rounded half up. ``packs`` is the number
    of started packs above ``offset``.

    Attributes:
        first: the first quantity of the piece.
        last: the last quantity of the piece.
        offset: the quantity that is paid by ``base``.
        pack: the quantity in one pack.
        unit: the price of a pack.
        base: the price of the quantities up to ``offset``, and flat fees.
        denominator: the denominator of ``unit`` and ``base``.
    """

    first: int
    last: int
    offset: int
    pack: int
    unit: int
    base: int
    denominator: int

    def numerator(self, count: int) -> int:
        """Return the price of a quantity before the division."""
        return -(-(count - self.offset) // self.pack) * self.unit + self.base

    def price(self, count: int) -> int:
        """Return the price of a quantity."""
        return (self.numerator(count) + self.denominator // 2) // self.denominator

    def last_below(self, limit: int, *, function: Callable[[int], int]) -> int:
        """Return the last quantity of the piece for which a rising function is below a limit.

        If there is none, the result is the quantity before the piece.
        """
        return self.first - 1 + bisect_left(range(self.first, self.last + 1), limit, key=function)

    def expression(self, count: nw.Expr) -> nw.Expr:
        """Return the price of a quantity as an expression."""
        above = count - self.offset if self.offset else count
        packs = above if self.pack == 1 else (above + (self.pack - 1)) // self.pack
        price = packs * self.unit + self.base if self.base else packs * self.unit
        return price if self.denominator == 1 else ratio(price, self.denominator, Rounding.HALF_UP)


@attrs.frozen
class Pricing:
    """The price of a quantity, and the quantities that an engine cannot price.

    Attributes:
        pieces: the pieces that the engine can compute, in rising order.
        refused: the first and the last refused quantity of each gap, with the code.
        highest: the highest price that is not refused.
    """

    pieces: tuple[Piece, ...]
    refused: tuple[tuple[int, int, int], ...]
    highest: int

    def expression(self, count: nw.Expr) -> nw.Expr:
        """Return the price of a quantity as an expression; a quantity of zero costs nothing."""
        if not self.pieces:
            return count * 0
        *pieces, last = self.pieces
        cases = [(count <= piece.last, piece.expression(count)) for piece in pieces]
        if self.pieces[0].base:
            cases = [(count <= 0, count * 0), *cases]
        return choose(cases, last.expression(count))

    def checks(self, count: nw.Expr) -> list[tuple[nw.Expr, int]]:
        """Return the conditions under which a quantity is refused, with their codes."""
        return [((count >= first) & (count <= last), code) for first, last, code in self.refused]


def pricing_of(
    price: Money | Ladder, currency: Currency, limit: int, *, largest: int, prorated: bool
) -> Pricing:
    """Return the pricing of the quantities up to a limit.

    Args:
        price: the price of each, or a ladder.
        currency: the currency of the price.
        limit: the largest quantity.
        largest: the largest number that the engine divides exactly.
        prorated: whether the price is divided afterwards, for a part of a term.
    """
    if isinstance(price, Ladder):
        pieces = tuple(_pieces(price, currency, limit))
    else:
        pieces = (Piece(1, limit, 0, 1, price.minor, 0, 1),) if limit else ()
    usable: list[Piece] = []
    refused: list[tuple[int, int, int]] = []
    for piece in pieces:
        most_divided = largest if prorated else LARGEST
        if piece.denominator > 1:
            most_divided = largest - piece.denominator // 2
        computed = piece.last_below(most_divided + 1, function=piece.numerator)
        # A price that is too long can be short enough after it is prorated.
        valid = piece.last if prorated else piece.last_below(NUMBER_LIMIT, function=piece.price)
        accepted = min(computed, valid)
        refused += [(accepted + 1, valid, BEYOND_ENGINE), (valid + 1, piece.last, INVALID_VALUE)]
        if accepted >= piece.first:
            usable.append(attrs.evolve(piece, last=accepted))
    highest = max((piece.price(piece.last) for piece in usable), default=0)
    gaps = tuple((first, last, code) for first, last, code in refused if first <= last)
    return Pricing(tuple(usable), gaps, highest)


def _pieces(ladder: Ladder, currency: Currency, limit: int) -> Iterator[Piece]:
    """Yield the pieces of a ladder; with ``GRADUATED``, each also has the price of earlier ones."""
    start, paid = 0, Fraction(0)
    for tier in ladder.tiers:
        if start >= limit:
            return
        last = limit if tier.up_to is None else min(tier.up_to, limit)
        unit, base = Fraction(tier.unit) * currency.units, Fraction(tier.flat) * currency.units
        offset = 0
        if ladder.mode is LadderMode.GRADUATED:
            offset, base = start, base + paid
            paid += tier.cost(last - start) * currency.units
        common = lcm(unit.denominator, base.denominator)
        units = (int(unit * common), int(base * common))
        yield Piece(start + 1, last, offset, tier.pack, *units, common)
        start = last
