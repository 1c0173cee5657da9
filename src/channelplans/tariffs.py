"""A provider's prices as data, in one currency.

A price is a number for each channel or bundle, or a ladder of tiers: flat, volume, graduated,
package or stair-step. Prices are net of tax (F 3.10), and no price is built in (F 3).
"""

import enum
from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from operator import index
from types import MappingProxyType
from typing import Final, SupportsIndex, cast

import attrs

from channelplans._checks import bounded, instance, shown, text
from channelplans._constructors import checked
from channelplans._display import DisplayMixin
from channelplans.errors import InvalidValue, UnknownRate, WrongType
from channelplans.money import NUMBER, Currency, Money, Rounding, exact, read, round_ratio
from channelplans.plans import Offer
from channelplans.rules import COUNTRY

__all__ = [
    "Item",
    "Ladder",
    "LadderMode",
    "Tariff",
    "Tier",
]


def _as_decimal(value: Decimal | str | int) -> Decimal:
    """Convert a price to a Decimal; return any other value as it is.

    The class that owns the field checks the value afterwards, and its error names the field.
    """
    if isinstance(value, str):
        return Decimal(value) if NUMBER.fullmatch(value) else cast(Decimal, value)
    if not isinstance(value, bool):
        with suppress(TypeError):
            return Decimal(index(cast(SupportsIndex, value)))
    return cast(Decimal, value)


def _check_price(parameter: str, price: Decimal) -> None:
    """Refuse a price that is inexact, not finite or negative."""
    if exact(parameter, price) < 0:
        raise InvalidValue(parameter, str(price), "a price of zero or more")


def _format_in(price: Decimal, currency: Currency) -> str:
    """Return a price with at least the decimals of a currency."""
    decimals = max(currency.exponent, -int(price.as_tuple().exponent))
    return f"{price:.{decimals}f}"


@checked
@attrs.frozen(repr=False)
class Tier(DisplayMixin):
    """One tier of a ladder: the price of the quantities up to a limit.

    Attributes:
        up_to: the last quantity of the tier; None if the tier has no limit.
        unit: the price of one pack.
        flat: a fee for the tier, added once whatever the quantity.
        pack: the quantity in one pack; a started pack costs as much as a full one.

    >>> print(Tier(up_to=10, unit="6.5"))
    up to 10 at 6.5
    """

    up_to: int | None
    unit: Decimal = attrs.field(default=Decimal(0), converter=_as_decimal)
    flat: Decimal = attrs.field(default=Decimal(0), converter=_as_decimal)
    pack: int = 1

    def __attrs_post_init__(self) -> None:
        if self.up_to is not None:
            bounded("up_to", self.up_to, 1)
        bounded("pack", self.pack, 1)
        _check_price("unit", self.unit)
        _check_price("flat", self.flat)

    def cost(self, count: int) -> Fraction:
        """Return the exact cost of a quantity in this tier."""
        started_packs = -(-count // self.pack)
        return started_packs * exact("unit", self.unit) + exact("flat", self.flat)

    def explain(self, count: int, currency: Currency) -> str:
        """Return the calculation of the cost of a quantity, such as ``3 x 6.50 + 10.00``."""
        packs = f"{-(-count // self.pack)}{f' packs of {self.pack}' if self.pack > 1 else ''}"
        unit = f"{packs} x {_format_in(self.unit, currency)}"
        flat = _format_in(self.flat, currency)
        if not self.flat:
            return unit
        return f"{unit} + {flat}" if self.unit else flat

    def _describe(self) -> tuple[str]:
        limit = "above" if self.up_to is None else f"up to {self.up_to}"
        pack = f" for {self.pack}" if self.pack > 1 else ""
        prices = [f"{self.unit:f}{pack}"] if self.unit or not self.flat else []
        if self.flat:
            prices.append(f"{self.flat:f} flat")
        return (f"{limit} at {' and '.join(prices)}",)


class LadderMode(enum.Enum):
    """How the tiers of a ladder price a quantity.

    ``VOLUME`` prices the whole quantity by the tier that it falls in. ``GRADUATED`` prices each
    part of the quantity by the tier that the part falls in.
    """

    VOLUME = "by volume"
    GRADUATED = "graduated"


@checked
@attrs.frozen(repr=False)
class Ladder(DisplayMixin):
    """A price that depends on the quantity, as a list of tiers.

    The limits of the tiers rise, and only the last tier has no limit. ``mode`` says how the tiers
    price a quantity. For stair-step prices, give tiers with a flat fee only. For a package with
    free units, put a free tier below a tier that is sold in packs, and use ``GRADUATED``.

    Raises:
        InvalidValue: the limits do not rise, the last tier has a limit, or another tier has none.

    >>> tiers = (Tier(5, unit="7"), Tier(10, unit="6.5"), Tier(None, unit="6"))
    >>> str(Ladder(tiers).price(20)), str(Ladder(tiers, mode=LadderMode.GRADUATED).price(20))
    ('120', '255/2')
    """

    tiers: tuple[Tier, ...]
    mode: LadderMode = LadderMode.VOLUME

    def __attrs_post_init__(self) -> None:
        limits = [tier.up_to for tier in self.tiers]
        rising_limits = sorted({limit for limit in limits if limit is not None})
        if limits != [*rising_limits, None]:
            tiers = "; ".join(map(str, self.tiers)) or "no tiers"
            expected = "tiers with rising limits, and only the last one without a limit"
            raise InvalidValue("tiers", f"({tiers})", expected)

    def price(self, count: int) -> Fraction:
        """Return the exact price of a quantity."""
        parts = self._parts(bounded("count", count, 0))
        return sum((tier.cost(part) for tier, part in parts), start=Fraction(0))

    def _parts(self, count: int) -> list[tuple[Tier, int]]:
        """Return the tiers that price a quantity, each with its part of the quantity."""
        ends = [count if tier.up_to is None else min(count, tier.up_to) for tier in self.tiers]
        last = ends.index(count)
        if self.mode is LadderMode.VOLUME:
            return [(self.tiers[last], count)]
        ranges = zip(self.tiers[: last + 1], [0, *ends], ends, strict=False)
        return [(tier, end - start) for tier, start, end in ranges]

    def explain(self, count: int, currency: Currency) -> str:
        """Return the calculation of a price, such as ``5 x 7.00 + 15 x 6.00``.

        >>> from channelplans.money import EUR
        >>> tiers = (Tier(5, unit="7"), Tier(None, unit="6", flat="10"))
        >>> Ladder(tiers, mode=LadderMode.GRADUATED).explain(20, EUR)
        '5 x 7.00 + 15 x 6.00 + 10.00'
        """
        return " + ".join(tier.explain(part, currency) for tier, part in self._parts(count))

    def units(self, count: int, currency: Currency) -> int:
        """Return the price of a quantity in units of the currency, rounded once, half up."""
        price = self.price(count) * currency.units
        return round_ratio(price.numerator, price.denominator, Rounding.HALF_UP)

    def _describe(self) -> tuple[str]:
        return (f"{self.mode.value}: {'; '.join(map(str, self.tiers))}",)


class _Rates(Mapping[str, Decimal]):
    """A read-only mapping with a hash, so that a tariff can be hashed."""

    __slots__ = ("_table",)

    def __init__(self, table: Mapping[str, Decimal]) -> None:
        self._table = dict(table)

    def __getitem__(self, country: str) -> Decimal:
        return self._table[country]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __hash__(self) -> int:
        return hash(frozenset(self._table.items()))

    def __repr__(self) -> str:
        return repr(self._table)


def _as_price(value: Decimal | str | int | Ladder) -> Decimal | Ladder:
    return value if isinstance(value, Ladder) else _as_decimal(value)


def _as_rates(rates: Mapping[str, Decimal | str | int]) -> Mapping[str, Decimal]:
    if not isinstance(rates, Mapping):
        raise WrongType("rates", shown(rates), "a mapping of countries to prices")
    return _Rates({country: _as_decimal(price) for country, price in rates.items()})


class Item(enum.Enum):
    """The things that a tariff prices and a line of a quote charges.

    ``SETUP`` is the fee for a purchase, ``CHANNEL_SETUP`` the fee for adding a channel.
    """

    CHANNELS = "channels"
    BUNDLES = "bundles"
    SETUP = "set-up"
    CHANNEL_SETUP = "set-up of channels"

    def __hash__(self) -> int:
        # Faster than the hash of Enum: price look-ups are on the hot path. Each member is one
        # object, so its id identifies it.
        return id(self)


_PRICE_FIELDS: Final = MappingProxyType(
    {
        Item.CHANNELS: "channel",
        Item.BUNDLES: "bundle",
        Item.SETUP: "setup",
        Item.CHANNEL_SETUP: "channel_setup",
    }
)


@checked
@attrs.frozen(repr=False)
class Tariff(DisplayMixin):
    """A provider's prices as data, in one currency.

    Attributes:
        name: the name that errors and displays show.
        currency: the currency of all prices. Charges are rounded to its smallest unit.
        channel: the price of a channel for a term, or a ladder.
        bundle: the price of a bundle for a term, or a ladder.
        minute: the price of a minute to the bundles' area (H13).
        rates: the price of a minute to each other country, by ISO 3166 code.
        setup: the fee for a purchase. It is charged once and never refunded.
        channel_setup: the fee for adding a channel. It is charged once and never refunded.

    Prices of a minute may have more decimals than the currency; other prices may not. A ladder's
    result is rounded to the unit.

    Raises:
        WrongType: a price is a float or another inexact type.
        InvalidValue: a price is negative, not finite, or has too many decimals; or a key of
            ``rates`` is not a country code.

    >>> from channelplans.money import EUR
    >>> print(Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021"))
    made up: 6.95 EUR a channel, 10.00 EUR a bundle, 0.021 EUR a minute
    """

    name: str
    currency: Currency
    channel: Decimal | Ladder = attrs.field(converter=_as_price)
    bundle: Decimal | Ladder = attrs.field(converter=_as_price)
    minute: Decimal = attrs.field(converter=_as_decimal)
    rates: Mapping[str, Decimal] = attrs.field(default=MappingProxyType({}), converter=_as_rates)
    setup: Decimal = attrs.field(default=Decimal(0), converter=_as_decimal)
    channel_setup: Decimal = attrs.field(default=Decimal(0), converter=_as_decimal)
    _unit_prices: Mapping[Item, int] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        _check_price("minute", self.minute)
        for country, price in self.rates.items():
            if not COUNTRY.fullmatch(text("rates", country)):
                raise InvalidValue("rates", repr(country), 'by destination, such as {"DE": "0.02"}')
            _check_price(f"rates[{country!r}]", price)
        unit_prices = {}
        for item, field in _PRICE_FIELDS.items():
            price = getattr(self, field)
            if not isinstance(price, Ladder):
                _check_price(field, price)
                unit_prices[item] = read(field, price, self.currency).minor
        object.__setattr__(self, "_unit_prices", unit_prices)

    def units(self, item: Item, count: int) -> int:
        """Return the price of a number of channels, bundles or set-ups, in units of the currency.

        It makes no Money and checks nothing, because pricing calls it most.
        """
        unit_price = self._unit_prices.get(item)
        if unit_price is not None:
            return count * unit_price
        ladder = self.channel if item is Item.CHANNELS else self.bundle
        return cast(Ladder, ladder).units(count, self.currency) if count else 0

    def ladder(self, item: Item) -> Ladder:
        """Return the ladder that prices an item; only for items of which ``unit`` is None."""
        return cast(Ladder, self.channel if item is Item.CHANNELS else self.bundle)

    def unit(self, item: Item) -> Money | None:
        """Return the price of a single channel, bundle or set-up; None if a ladder prices it."""
        unit_price = self._unit_prices.get(item)
        return None if unit_price is None else Money(minor=unit_price, currency=self.currency)

    def channels(self, count: int) -> Money:
        """Return the price of a number of channels for a term (H1).

        >>> from channelplans.money import EUR
        >>> print(Tariff("made up", EUR, channel="6.95", bundle="10", minute="0").channels(3))
        20.85 EUR
        """
        return Money(
            minor=self.units(Item.CHANNELS, bounded("count", count, 0)), currency=self.currency
        )

    def bundles(self, count: int) -> Money:
        """Return the price of a number of bundles for a term, without the channels (H11).

        >>> from channelplans.money import EUR
        >>> print(Tariff("made up", EUR, channel="6.95", bundle="10", minute="0").bundles(3))
        30.00 EUR
        """
        return Money(
            minor=self.units(Item.BUNDLES, bounded("count", count, 0)), currency=self.currency
        )

    def per_minute(self, destination: str, offer: Offer) -> Decimal:
        """Return the price of a minute to a destination.

        Raises:
            UnknownRate: the destination is neither in the bundles' area nor in ``rates``.
        """
        bundle = instance("offer", offer, Offer).bundle
        area = () if bundle is None else bundle.area
        if text("destination", destination) in area:
            return self.minute
        if destination not in self.rates:
            raise UnknownRate(destination, self.name, tuple(sorted({*area, *self.rates})))
        return self.rates[destination]

    def _describe(self) -> tuple[str]:
        code = self.currency.code
        prices = [
            _format_price(self.unit(Item.CHANNELS), self.channel, "channel"),
            _format_price(self.unit(Item.BUNDLES), self.bundle, "bundle"),
            f"{self.minute:f} {code} a minute",
            *(f"{rate:f} {code} to {country}" for country, rate in self.rates.items()),
        ]
        if self.setup:
            prices.append(f"{self.setup:f} {code} once")
        if self.channel_setup:
            prices.append(f"{self.channel_setup:f} {code} once for each channel")
        return (f"{self.name}: {', '.join(prices)}",)


def _format_price(unit_price: Money | None, price: Decimal | Ladder, noun: str) -> str:
    return f"({price}) for the {noun}s" if unit_price is None else f"{unit_price} a {noun}"
