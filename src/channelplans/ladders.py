"""Prices that depend on the quantity: flat, volume, graduated, package and stair-step.

One mechanism holds them all: tiers of quantities, each with a price for each pack and a flat fee.
What is priced, and in which currency, is not known here.
"""

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from operator import index
from typing import SupportsIndex, cast

import attrs

from channelplans.checks import bounded, checked
from channelplans.errors import InvalidValue
from channelplans.money import NUMBER, Currency, Rounding, exact, round_ratio
from channelplans.tables import Described

__all__ = ["Ladder", "Tier"]


def as_decimal(value: Decimal | str | int) -> Decimal:
    """Read a price; what is none is left as it is, for its owner to refuse it by its name."""
    if isinstance(value, str):
        return Decimal(value) if NUMBER.fullmatch(value) else cast(Decimal, value)
    if not isinstance(value, bool):
        with suppress(TypeError):
            return Decimal(index(cast(SupportsIndex, value)))
    return cast(Decimal, value)


def checked_price(parameter: str, price: Decimal) -> Fraction:
    """Return a price as an exact number of zero or more."""
    number = exact(parameter, price)
    if number < 0:
        raise InvalidValue(parameter, str(price), "a price of zero or more")
    return number


@attrs.frozen(field_transformer=checked)
class Tier(Described):
    """What a quantity costs within a tier of a ladder.

    Attributes:
        up_to: the last quantity of the tier; None is all above the tier before.
        unit: the price of a pack.
        flat: what the tier costs beside that, however much of it is bought.
        pack: how many are sold together; a part of a pack costs a whole one.

    >>> print(Tier(up_to=10, unit="6.5"))
    up to 10 at 6.5
    """

    up_to: int | None
    unit: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    flat: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    pack: int = 1

    def __attrs_post_init__(self) -> None:
        if self.up_to is not None:
            bounded("up_to", self.up_to, 1)
        bounded("pack", self.pack, 1)
        checked_price("unit", self.unit)
        checked_price("flat", self.flat)

    def cost(self, count: int) -> Fraction:
        """Return what so many of this tier cost, exactly."""
        return -(-count // self.pack) * exact("unit", self.unit) + exact("flat", self.flat)

    def _describe(self) -> tuple[str]:
        reach = "above" if self.up_to is None else f"up to {self.up_to}"
        pack = f" for {self.pack}" if self.pack > 1 else ""
        prices = [f"{self.unit:f}{pack}"] if self.unit or not self.flat else []
        flat = [f"{self.flat:f} flat"] if self.flat else []
        return (f"{reach} at {' and '.join((*prices, *flat))}",)


@attrs.frozen(field_transformer=checked)
class Ladder(Described):
    """A price by quantity: the last tier is open, those before it end at rising quantities.

    By volume, the tier that the whole quantity falls in prices all of it; a stair-step is a tier
    with a flat fee alone. Graduated, each tier prices the part that falls in it, and a package with
    free units is a free tier below one that is sold in packs.

    Raises:
        InvalidValue: the tiers do not rise, or not just the last of them is open.

    >>> tiers = (Tier(5, unit="7"), Tier(10, unit="6.5"), Tier(None, unit="6"))
    >>> str(Ladder(tiers).price(20)), str(Ladder(tiers, graduated=True).price(20))
    ('120', '255/2')
    """

    tiers: tuple[Tier, ...]
    graduated: bool = False

    def __attrs_post_init__(self) -> None:
        ends = [tier.up_to for tier in self.tiers[:-1]]
        rising = [end for end in ends if end is not None]
        last_open = bool(self.tiers) and self.tiers[-1].up_to is None
        if not last_open or rising != ends or sorted(set(rising)) != rising:
            told = "; ".join(map(str, self.tiers)) or "no tiers"
            raise InvalidValue("tiers", f"({told})", "tiers that rise, the last of them open")

    def price(self, count: int) -> Fraction:
        """Return what so many cost, exactly."""
        bounded("count", count, 0)
        ends = [count if tier.up_to is None else min(count, tier.up_to) for tier in self.tiers]
        last = ends.index(count)
        if not self.graduated:
            return self.tiers[last].cost(count)
        parts = zip(self.tiers[: last + 1], [0, *ends], ends, strict=False)
        return sum((tier.cost(end - start) for tier, start, end in parts), start=Fraction(0))

    def units(self, count: int, currency: Currency) -> int:
        """Return what so many cost in units of a currency, rounded once, half up."""
        price = self.price(count) * currency.units
        return round_ratio(price.numerator, price.denominator, Rounding.HALF_UP)

    def _describe(self) -> tuple[str]:
        kind = "graduated" if self.graduated else "by volume"
        return (f"{kind}: {'; '.join(map(str, self.tiers))}",)
