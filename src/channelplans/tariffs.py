"""A provider's prices as data, in one currency.

A price is a number for each channel or bundle, or a ladder of tiers: flat, volume, graduated,
package or stair-step. A call has a rate by its number or its destination. Prices are net of tax
(F 3.10), and no price is built in (F 3).
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final, cast

import attrs

from channelplans._checks import bounded, instance, shown, text, whole
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, Folded, Part, one_line
from channelplans._numbers import (
    ByNumber,
    international_digits,
    is_prefix,
    national_digits,
)
from channelplans._prices import (
    CALL_DECIMALS,
    MAX_DIGITS,
    TERM_DECIMALS,
    as_decimal,
    check_price,
    scale,
)
from channelplans.errors import InvalidValue, NotOffered, UnknownRate, WrongType, cut, quoted
from channelplans.money import Currency, Money, Rounding, exact, make_money, read, round_ratio
from channelplans.plans import Offer
from channelplans.rules import CallRule

__all__ = [
    "Item",
    "Ladder",
    "LadderMode",
    "Rate",
    "Tariff",
    "Tier",
]

# The largest quantity in a tier or a pack.
_MAX_QUANTITY: Final = 10**MAX_DIGITS - 1

# The largest number of digits in an international number (ITU E.164).
_LONGEST_NUMBER: Final = 15

# A longer list of rates would make the text of a tariff or an error too long.
_MAX_PRINTED_RATES: Final = 12


def format_price(price: Decimal, currency: Currency) -> str:
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
        flat: a fee for the tier, added once for any quantity above zero.
        pack: the quantity in one pack; a started pack costs as much as a full one.

    A price is in whole units of the tariff's currency, such as euros, and has at most 18 digits
    and 12 decimals.

    Raises:
        WrongType: a price is a float or another inexact type.
        InvalidValue: a price is negative or not finite, or a number has too many digits.

    >>> from channelplans import Tier
    >>> print(Tier(up_to=10, unit="6.5"))
    up to 10 at 6.5
    """

    up_to: int | None
    unit: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    flat: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    pack: int = 1

    def __attrs_post_init__(self) -> None:
        if self.up_to is not None:
            bounded("up_to", self.up_to, 1, _MAX_QUANTITY)
        bounded("pack", self.pack, 1, _MAX_QUANTITY)
        check_price("unit", self.unit, TERM_DECIMALS)
        check_price("flat", self.flat, TERM_DECIMALS)

    def cost(self, count: int) -> Fraction:
        """Return the exact cost of a quantity in this tier; a quantity of zero costs nothing.

        Args:
            count: the quantity that the tier prices, at least 0.
        """
        if not count:
            return Fraction(0)
        started_packs = -(-count // self.pack)
        return started_packs * Fraction(self.unit) + Fraction(self.flat)

    def explain(self, count: int, currency: Currency) -> str:
        """Return the calculation of the cost of a quantity, such as ``3 x 6.50 + 10.00``.

        Args:
            count: the quantity that the tier prices, at least 0.
            currency: the currency; prices are shown with at least its decimals.
        """
        packs = f"{-(-count // self.pack)}{f' packs of {self.pack}' if self.pack > 1 else ''}"
        unit = f"{packs} x {format_price(self.unit, currency)}"
        flat = format_price(self.flat, currency)
        if not self.flat:
            return unit
        return f"{unit} + {flat}" if self.unit else flat

    def _describe(self) -> tuple[str]:
        limit = "without a limit" if self.up_to is None else f"up to {self.up_to}"
        pack = f" for {self.pack}" if self.pack > 1 else ""
        prices = [f"{self.unit:f}{pack}"] if self.unit or not self.flat else []
        if self.flat:
            prices.append(f"{self.flat:f} flat")
        return (f"{limit} at {' and '.join(prices)}",)


class LadderMode(enum.Enum):
    """How the tiers of a ladder price a quantity.

    Attributes:
        VOLUME: the whole quantity has the price of the tier that it falls in.
        GRADUATED: each part of the quantity has the price of the tier that the part falls in.
    """

    VOLUME = "by volume"
    GRADUATED = "graduated"


@checked
@attrs.frozen(repr=False)
class Ladder(DisplayMixin):
    """A price that depends on the quantity, as a list of tiers.

    For stair-step prices, give tiers with a flat fee only. For a package with free units, put a
    free tier below a tier that is sold in packs, and use ``GRADUATED``.

    Attributes:
        tiers: the tiers, with rising limits. Only the last tier has no limit.
        mode: how the tiers price a quantity.

    Raises:
        InvalidValue: the limits do not rise, the last tier has a limit, or another tier has none.

    >>> from channelplans import Ladder, LadderMode, Tier
    >>> tiers = (Tier(5, unit="7"), Tier(10, unit="6.5"), Tier(None, unit="6"))
    >>> print(Ladder(tiers).price(20))  # 20 x 6
    120
    >>> graduated = Ladder(tiers, mode=LadderMode.GRADUATED)
    >>> print(graduated.price(20))  # 5 x 7 + 5 x 6.5 + 10 x 6
    255/2
    """

    tiers: tuple[Tier, ...]
    mode: LadderMode = LadderMode.VOLUME

    def __attrs_post_init__(self) -> None:
        limits = [tier.up_to for tier in self.tiers]
        rising_limits = sorted({limit for limit in limits if limit is not None})
        if limits != [*rising_limits, None]:
            tiers = "; ".join(map(str, self.tiers)) or "no tiers"
            expected = "tiers with rising limits, and only the last one without a limit"
            raise InvalidValue("tiers", cut(f"({tiers})"), expected)

    def price(self, count: int) -> Fraction:
        """Return the exact price of a quantity; a quantity of zero costs nothing.

        Args:
            count: the quantity, such as the number of channels.

        Raises:
            InvalidValue: the quantity is negative.
        """
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

        Args:
            count: the quantity, at least 0.
            currency: the currency; prices are shown with at least its decimals.

        >>> from channelplans import EUR, Ladder, LadderMode, Tier
        >>> tiers = (Tier(5, unit="7"), Tier(None, unit="6", flat="10"))
        >>> Ladder(tiers, mode=LadderMode.GRADUATED).explain(20, EUR)
        '5 x 7.00 + 15 x 6.00 + 10.00'
        """
        return " + ".join(tier.explain(part, currency) for tier, part in self._parts(count))

    def units(self, count: int, currency: Currency) -> int:
        """Return the price of a quantity, rounded once, half up.

        Args:
            count: the quantity.
            currency: the currency in whose smallest units the price is returned.

        Raises:
            InvalidValue: the quantity is negative.
        """
        price = self.price(count) * currency.units
        return round_ratio(price.numerator, price.denominator, Rounding.HALF_UP)

    def _describe(self) -> tuple[str]:
        return (f"{self.mode.value}: {'; '.join(map(str, self.tiers))}",)


@checked
@attrs.frozen(repr=False)
class Rate(DisplayMixin):
    """The prices of a call to a destination.

    A call costs ``connection`` and its minutes, but at least ``minimum_charge``. The sum is rounded
    once, to the unit of the tariff's currency. A call costs nothing if the allowance covers all of
    it, or if nobody answered.

    Attributes:
        minute: the price of a minute.
        connection: the price of a call, added once.
        minimum_charge: the smallest charge of a call.
        counting: how calls at this rate are counted and their charges rounded; None if the offer's
            rule counts them. It counts the whole call, the included part too.

    A price is in whole units of the tariff's currency, such as euros, and has at most 18 digits
    and 9 decimals.

    Raises:
        WrongType: a price is a float or another inexact type.
        InvalidValue: a price is negative, not finite, or has too many digits; or ``counting`` has
            barred numbers, which belong in the offer's rule.

    >>> from channelplans import Rate
    >>> print(Rate("0.19", connection="0.05", minimum_charge="0.1"))
    0.19 a minute, 0.05 for the connection, at least 0.1
    """

    minute: Decimal = attrs.field(converter=as_decimal)
    connection: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    minimum_charge: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    counting: CallRule | None = None

    def __attrs_post_init__(self) -> None:
        check_price("minute", self.minute, CALL_DECIMALS)
        check_price("connection", self.connection, CALL_DECIMALS)
        check_price("minimum_charge", self.minimum_charge, CALL_DECIMALS)
        if self.counting is not None and self.counting.barred_numbers:
            expected = "a rule without barred numbers, which belong in the offer's rule"
            raise InvalidValue("counting", str(self.counting), expected)

    def _describe(self) -> tuple[str]:
        return (format_rate(self),)


def format_rate(rate: Rate, currency_code: str = "") -> str:
    """Return a rate as text, with the currency's code after each price.

    Prices of zero are left out, except the price of a minute.
    """
    code = f" {currency_code}" if currency_code else ""
    parts = [f"{rate.minute:f}{code} a minute"]
    if rate.connection:
        parts.append(f"{rate.connection:f}{code} for the connection")
    if rate.minimum_charge:
        parts.append(f"at least {rate.minimum_charge:f}{code}")
    if rate.counting is not None:
        parts.append(f"counted {rate.counting}")
    return ", ".join(parts)


def _as_price(value: Decimal | str | int | Ladder) -> Decimal | Ladder:
    return value if isinstance(value, Ladder) else as_decimal(value)


def _as_optional_price(value: Decimal | str | int | Ladder | None) -> Decimal | Ladder | None:
    return None if value is None else _as_price(value)


def _as_optional_decimal(value: Decimal | str | int | None) -> Decimal | None:
    return None if value is None else as_decimal(value)


def _as_rate(parameter: str, value: Rate | Decimal | str | int) -> Rate:
    if isinstance(value, Rate):
        return value
    price = as_decimal(value)
    check_price(parameter, price, CALL_DECIMALS)
    return Rate(price)


def _as_rates(rates: Mapping[str, Rate | Decimal | str | int]) -> Mapping[str, Rate]:
    if not isinstance(rates, Mapping):
        raise WrongType("rates", shown(rates), "a mapping of destinations and prefixes to prices")
    for key in rates:
        if is_prefix(text("rates", key)) and (key[0] == "0" or len(key) > _LONGEST_NUMBER):
            expected = 'by destination, as "DE", or by calling code and first digits, as "4915"'
            raise InvalidValue("rates", quoted(key), expected)
    return ByNumber({key: _as_rate(f"rates[{quoted(key)}]", value) for key, value in rates.items()})


class Item(enum.Enum):
    """What can be charged: a tariff has a price for each item, a line of a quote is for one item.

    Attributes:
        CHANNELS: channels for a term.
        BUNDLES: bundles for a term.
        SETUP: the fee for a purchase.
        CHANNEL_SETUP: the fee for each added channel.
    """

    CHANNELS = "channels"
    BUNDLES = "bundles"
    SETUP = "set-up"
    CHANNEL_SETUP = "set-up of channels"


# A member that is a global of the module is found faster than one of the class, and pricing asks
# for prices most.
_CHANNELS: Final = Item.CHANNELS
_BUNDLES: Final = Item.BUNDLES


@checked
@attrs.frozen(repr=False)
class Tariff(DisplayMixin):
    """A provider's prices as data, in one currency.

    Attributes:
        name: the name that errors and displays show.
        currency: the currency of all prices. Charges are rounded to its smallest unit.
        channel: the price of a channel for a term, or a ladder.
        bundle: the price of a bundle for a term, or a ladder; None if bundles are not sold.
        minute: the price of a minute to the bundles' area (H13); None if such calls are not sold.
        rates: the price of a minute, or a ``Rate``, by destination (``DE``) or by the first digits
            of the international number (``4915``). ``rate_for`` says which applies to a call.
        setup: the fee for a purchase. It is charged once and never refunded.
        channel_setup: the fee for adding a channel. It is charged once and never refunded.

    A price is in whole units of the currency, such as euros, and has at most 18 digits. A price of
    a minute has at most 9 decimals; another price cannot have more decimals than the currency. A
    ladder's result is rounded to the currency's unit. All equal prices are kept in one form: 6.50
    becomes 6.5.

    Raises:
        WrongType: a price is a float or another inexact type, or a set-up fee is a ladder.
        InvalidValue: a price is negative, not finite, or has too many digits; or a key of ``rates``
            in digits begins with 0 or is longer than a telephone number.

    >>> from channelplans import EUR, Tariff
    >>> print(Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021"))
    made up: 6.95 EUR a channel, 10.00 EUR a bundle, 0.021 EUR a minute
    """

    name: str
    currency: Currency
    channel: Decimal | Ladder = attrs.field(converter=_as_price)
    bundle: Decimal | Ladder | None = attrs.field(default=None, converter=_as_optional_price)
    minute: Decimal | None = attrs.field(default=None, converter=_as_optional_decimal)
    rates: Mapping[str, Rate] = attrs.field(default=MappingProxyType({}), converter=_as_rates)
    setup: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    channel_setup: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    # The price of each item; None if it is not sold.
    _channel_price: Money | Ladder = attrs.field(init=False, repr=False, eq=False)
    _bundle_price: Money | Ladder | None = attrs.field(init=False, repr=False, eq=False)
    _setup_price: Money = attrs.field(init=False, repr=False, eq=False)
    _channel_setup_price: Money = attrs.field(init=False, repr=False, eq=False)
    _area_rate: Rate | None = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for field in ("channel", "bundle", "setup", "channel_setup"):
            price = self._read(field, getattr(self, field))
            object.__setattr__(self, f"_{field}_price", price)
        area_rate = None
        if self.minute is not None:
            check_price("minute", self.minute, CALL_DECIMALS)
            area_rate = Rate(self.minute)
        object.__setattr__(self, "_area_rate", area_rate)

    def _read(self, field: str, price: Decimal | Ladder | None) -> Money | Ladder | None:
        if price is None and field == "bundle":
            return None
        if isinstance(price, Ladder) and field in {"channel", "bundle"}:
            return price
        number = cast(Decimal, price)
        check_price(field, number, TERM_DECIMALS)
        if number.adjusted() + 1 + self.currency.exponent > MAX_DIGITS:
            expected = f"a price of at most {MAX_DIGITS} digits, as {self.currency}"
            raise InvalidValue(field, cut(str(number)), expected)
        return read(field, number, self.currency)

    def __repr__(self) -> str:
        return one_line(f"<Tariff {self.name}", ">")

    def price_of(self, item: Item) -> Money | Ladder:
        """Return the price of a single channel, bundle or set-up, or the ladder that prices it.

        Args:
            item: channels, bundles or a set-up fee.

        Raises:
            NotOffered: the tariff has no price for bundles.
        """
        if item is _CHANNELS:
            return self._channel_price
        if item is _BUNDLES:
            if self._bundle_price is None:
                works = "a plan without bundles works"
                raise NotOffered("price for bundles", self.name, works)
            return self._bundle_price
        instance("item", item, Item)
        return self._setup_price if item is Item.SETUP else self._channel_setup_price

    def units(self, item: Item, count: int) -> int:
        """Return the price of a number of channels, bundles or set-ups, in the smallest unit.

        Args:
            item: channels, bundles or a set-up fee.
            count: the number of channels, bundles or set-ups, at least 0.

        Raises:
            NotOffered: the tariff has no price for bundles, and the number is not zero.
        """
        count = whole("count", count)
        if not count:
            return 0
        price = self.price_of(item)
        if isinstance(price, Ladder):
            return price.units(count, self.currency)
        return count * price.minor

    def channels(self, count: int) -> Money:
        """Return the price of a number of channels for a term (H1).

        Args:
            count: the number of channels.

        Raises:
            InvalidValue: the number is negative, or the price has more than 18 digits.

        >>> from channelplans import EUR, Tariff
        >>> print(Tariff("made up", EUR, channel="6.95").channels(3))
        20.85 EUR
        """
        minor = self.units(_CHANNELS, bounded("count", count, 0))
        return make_money(minor, self.currency)

    def bundles(self, count: int) -> Money:
        """Return the price of a number of bundles for a term, without the channels (H11).

        Args:
            count: the number of bundles.

        Raises:
            InvalidValue: the number is negative, or the price has more than 18 digits.
            NotOffered: the tariff has no price for bundles, and the number is not zero.

        >>> from channelplans import EUR, Tariff
        >>> print(Tariff("made up", EUR, channel="6.95", bundle="10").bundles(3))
        30.00 EUR
        """
        minor = self.units(_BUNDLES, bounded("count", count, 0))
        return make_money(minor, self.currency)

    def rate_for(self, destination: str, offer: Offer, *, number: str = "") -> Rate:
        """Return the rate of a call.

        The first of these that the tariff has applies:

        1. the rate of the longest prefix of the international number,
        2. the rate of the destination,
        3. ``minute``, if the destination is in the area of the offer's bundles.

        A number with + or 00 is international. Another number is completed with the area's calling
        code if the destination is in the area; outside the area its prefix is unknown.

        Args:
            destination: the destination of the call, such as ``DE`` or ``DE-mobile``.
            offer: the offer with the area and its calling code.
            number: the number that was dialled; without it, only the destination counts.

        Raises:
            UnknownRate: the tariff has no rate for the call.

        >>> from channelplans import EUR, SKYPE_CONNECT, Rate, Tariff
        >>> rates = {"DE": "0.02", "4915": Rate("0.19", connection="0.05")}
        >>> tariff = Tariff("made up", EUR, channel="6.95", rates=rates)
        >>> print(tariff.rate_for("DE", SKYPE_CONNECT, number="+49 151 555 0100"))
        0.19 a minute, 0.05 for the connection
        >>> print(tariff.rate_for("DE", SKYPE_CONNECT, number="+49 30 555 0100"))
        0.02 a minute
        """
        bundle = instance("offer", offer, Offer).bundle
        in_area = text("destination", destination) in (bundle.area if bundle else ())
        international = international_digits(instance("number", number, str))
        if bundle and in_area and number and not international:
            national = national_digits(number, bundle.calling_code, bundle.trunk_prefix)
            international = bundle.calling_code + national
        rate = cast(ByNumber[Rate], self.rates).longest_match(international)
        if rate is None and not is_prefix(destination):
            rate = self.rates.get(destination)
        if rate is None and in_area:
            rate = self._area_rate
        if rate is None:
            raise UnknownRate(destination, self.name, self._known_rates(offer))
        return rate

    def _known_rates(self, offer: Offer) -> tuple[str, ...]:
        """Return the destinations and prefixes with a rate; of a long list, only the first."""
        area = offer.bundle.area if offer.bundle and self.minute is not None else ()
        keys = sorted({*area, *self.rates}, key=lambda key: (is_prefix(key), key))
        return _shorten_list(list(map(_format_key, keys)))

    def scaled(self, factor: Fraction | str | int | Decimal, *, name: str) -> "Tariff":
        """Return a tariff whose prices are all multiplied by a factor, such as 1.04 for 4 % more.

        Prices for a term and set-up fees are rounded half up to the currency's unit, prices of
        calls to 9 decimals. A tier's price keeps its own decimals if they are more than the
        currency's.

        Args:
            factor: what each price is multiplied by: ``"1.04"`` for a rise of 4 %,
                ``Fraction(1, 2)`` for half of each price.
            name: the name of the new tariff.

        Raises:
            WrongType: the factor is a float or no number.
            InvalidValue: the factor is no number in plain digits, such as ``"4 %"``; it is negative
                or has more than 18 digits above or below the line; or a price gets too many digits.

        >>> from fractions import Fraction
        >>> from channelplans import EUR, Tariff
        >>> tariff = Tariff("list", EUR, channel="6.95", bundle="10", minute="0.021")
        >>> print(tariff.scaled(Fraction(1, 2), name="half"))
        half: 3.48 EUR a channel, 5.00 EUR a bundle, 0.0105 EUR a minute
        >>> print(tariff.scaled("1.05", name="5 % more"))
        5 % more: 7.30 EUR a channel, 10.50 EUR a bundle, 0.02205 EUR a minute
        """
        if not isinstance(factor, Fraction):
            factor = exact("factor", factor, example="1.04")
        if factor < 0 or max(factor.numerator, factor.denominator) >= 10**MAX_DIGITS:
            expected = f"0 or more, with at most {MAX_DIGITS} digits above and below the line"
            raise InvalidValue("factor", shown(factor), expected)
        decimals = self.currency.exponent
        return attrs.evolve(
            self,
            name=name,
            channel=_scale(self.channel, factor, decimals),
            bundle=None if self.bundle is None else _scale(self.bundle, factor, decimals),
            minute=None if self.minute is None else scale(self.minute, factor, CALL_DECIMALS),
            rates={key: _scale_rate(rate, factor) for key, rate in self.rates.items()},
            setup=scale(self.setup, factor, decimals),
            channel_setup=scale(self.channel_setup, factor, decimals),
        )

    def _describe(self) -> Iterator[Part]:
        code = self.currency.code
        prices = [self._format_price(self.channel, "channel")]
        if self.bundle is not None:
            prices.append(self._format_price(self.bundle, "bundle"))
        if self.minute is not None:
            prices.append(f"{self.minute:f} {code} a minute")
        rates = [self._format_rate(*item) for item in self.rates.items()]
        prices.extend(_shorten_list(rates))
        if self.setup:
            prices.append(f"{self.setup:f} {code} once")
        if self.channel_setup:
            prices.append(f"{self.channel_setup:f} {code} once for each channel")
        yield f"{self.name}: {', '.join(prices)}"
        if len(rates) > _MAX_PRINTED_RATES:
            yield Folded("All rates", tuple(rates), printed=False)

    def _format_price(self, price: Decimal | Ladder, noun: str) -> str:
        if isinstance(price, Ladder):
            return f"({price}) for the {noun}s"
        return f"{read(noun, price, self.currency)} a {noun}"

    def _format_rate(self, key: str, rate: Rate) -> str:
        code = self.currency.code
        if rate == Rate(rate.minute):
            return f"{rate.minute:f} {code} to {_format_key(key)}"
        return f"({format_rate(rate, code)}) to {_format_key(key)}"


def _scale(price: Decimal | Ladder, part: Fraction, decimals: int) -> Decimal | Ladder:
    if not isinstance(price, Ladder):
        return scale(price, part, decimals)
    tiers = (
        attrs.evolve(
            tier,
            unit=scale(tier.unit, part, _most_decimals(tier.unit, decimals)),
            flat=scale(tier.flat, part, _most_decimals(tier.flat, decimals)),
        )
        for tier in price.tiers
    )
    return attrs.evolve(price, tiers=tuple(tiers))


def _most_decimals(price: Decimal, decimals: int) -> int:
    return max(decimals, -int(price.as_tuple().exponent))


def _scale_rate(rate: Rate, part: Fraction) -> Rate:
    return attrs.evolve(
        rate,
        minute=scale(rate.minute, part, CALL_DECIMALS),
        connection=scale(rate.connection, part, CALL_DECIMALS),
        minimum_charge=scale(rate.minimum_charge, part, CALL_DECIMALS),
    )


def _format_key(key: str) -> str:
    return f"+{key}" if is_prefix(key) else cut(key)


def _shorten_list(items: Sequence[str]) -> tuple[str, ...]:
    """Return the items; of a long list, the first ones and the number of the others."""
    if len(items) <= _MAX_PRINTED_RATES:
        return tuple(items)
    return (*items[:_MAX_PRINTED_RATES], f"and {len(items) - _MAX_PRINTED_RATES:,} more")
