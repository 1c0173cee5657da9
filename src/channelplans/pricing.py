"""Prices: what a plan costs for a term, what comes back of it, what a call costs.

A quote is its plan, tariff and term; lines and total follow from those and are not stored. Each
line carries its own term and is refunded by itself, so that one mechanism serves every change.
Prices are net of tax, which is the application's (F 3.10), and no price is built in (F 3).
"""

import enum
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from operator import index
from typing import Final, SupportsIndex, cast

import attrs

from channelplans.calendar import Term, term_at
from channelplans.checks import bounded, checked, civil_day, instance, shown, text
from channelplans.errors import (
    AllowanceNeeded,
    CurrencyMismatch,
    InvalidValue,
    OutsideTerm,
    UnknownRate,
    WrongType,
)
from channelplans.money import NUMBER, Currency, Money, exact, read, round_ratio
from channelplans.plans import Offer, Plan
from channelplans.rules import COUNTRY, Notice, RefundBasis, RefundRule
from channelplans.tables import Described, Table
from channelplans.usage import Allowance, Call, billable, clock, covered

__all__ = [
    "Charge",
    "Item",
    "Line",
    "Payer",
    "Quote",
    "Rated",
    "Refund",
    "RefundLine",
    "Tariff",
    "longest",
    "quote",
    "rate",
    "refund",
]

_NOTHING: Final = timedelta(0)
_MINUTE: Final = 60_000_000  # microseconds
_LONGEST: Final = timedelta(days=36_500)


class _Rates(Mapping[str, Decimal]):
    """A mapping that cannot change and has a hash, so that a tariff has one."""

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


def _price(value: Decimal | str | int) -> Decimal:
    """Read a price; what is none is left as it is, for the tariff to refuse it by its name."""
    if isinstance(value, str):
        return Decimal(value) if NUMBER.fullmatch(value) else cast(Decimal, value)
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        return Decimal(index(value))
    return cast(Decimal, value)


def _rates(rates: Mapping[str, Decimal | str | int]) -> Mapping[str, Decimal]:
    if not isinstance(rates, Mapping):
        raise WrongType("rates", shown(rates), "a mapping of countries to prices")
    return _Rates({country: _price(price) for country, price in rates.items()})


@attrs.frozen(field_transformer=checked)
class Tariff(Described):
    """A provider's prices as data, in one currency.

    Attributes:
        name: what it is called.
        currency: the currency of all its prices, and the unit that charges are rounded to.
        channel: the price of a channel for a term, in whole units of the currency.
        bundle: the price of a bundle for a term, likewise.
        minute: the price of a minute to the bundles' area (H13); below a unit is fine.
        rates: the prices of a minute to other countries.
        channel_minor: the price of a channel in units of the currency, which follows.
        bundle_minor: the price of a bundle, likewise.

    Raises:
        WrongType: a price is a float or another inexact type.
        InvalidValue: a price is negative, not finite, or has more decimals than the currency.

    >>> from channelplans.money import EUR
    >>> print(Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021"))
    made up: 6.95 EUR a channel, 10.00 EUR a bundle, 0.021 EUR a minute
    """

    name: str
    currency: Currency
    channel: Decimal = attrs.field(converter=_price)
    bundle: Decimal = attrs.field(converter=_price)
    minute: Decimal = attrs.field(converter=_price)
    rates: Mapping[str, Decimal] = attrs.field(factory=dict, converter=_rates)
    channel_minor: int = attrs.field(init=False, repr=False, eq=False)
    bundle_minor: int = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        prices = {"channel": self.channel, "bundle": self.bundle, "minute": self.minute}
        for country, price in self.rates.items():
            if not COUNTRY.fullmatch(text("rates", country)):
                raise InvalidValue("rates", repr(country), 'by country, such as {"DE": "0.02"}')
            prices[f"rates[{country!r}]"] = price
        for parameter, price in prices.items():
            if exact(parameter, price) < 0:
                raise InvalidValue(parameter, str(price), "a price of zero or more")
        channel = read("channel", self.channel, self.currency)
        bundle = read("bundle", self.bundle, self.currency)
        object.__setattr__(self, "channel_minor", channel.minor)
        object.__setattr__(self, "bundle_minor", bundle.minor)

    def channels(self, count: int) -> Money:
        """Return the price of so many channels for a term (H1)."""
        return Money(bounded("count", count, 0) * self.channel_minor, self.currency)

    def bundles(self, count: int) -> Money:
        """Return the price of so many bundles for a term, by itself (H11).

        >>> from channelplans.money import EUR
        >>> print(Tariff("made up", EUR, channel="6.95", bundle="10", minute="0").bundles(3))
        30.00 EUR
        """
        return Money(bounded("count", count, 0) * self.bundle_minor, self.currency)

    def per_minute(self, country: str, offer: Offer) -> Decimal:
        """Return the price of a minute to a country.

        Raises:
            UnknownRate: the country is not in the bundles' area and has no rate of its own.
        """
        bundles = instance("offer", offer, Offer).bundles
        if bundles is not None and text("country", country) in bundles.area:
            return self.minute
        if text("country", country) not in self.rates:
            area = () if bundles is None else bundles.area
            raise UnknownRate(country, self.name, tuple(sorted({*area, *self.rates})))
        return self.rates[country]

    def _describe(self) -> tuple[str]:
        code = self.currency.code
        channel, bundle = self.channels(1), self.bundles(1)
        each = f"{channel} a channel, {bundle} a bundle, {self.minute:f} {code} a minute"
        rates = "".join(f", {rate:f} {code} to {country}" for country, rate in self.rates.items())
        return (f"{self.name}: {each}{rates}",)


class Item(enum.Enum):
    """What a line is for."""

    CHANNELS = "channels"
    BUNDLES = "bundles"


@attrs.frozen(field_transformer=checked)
class Line(Described):
    """So many of an item at a price each, for a term; ``total`` is what they cost together."""

    item: Item
    quantity: int
    unit: Money
    total: Money
    term: Term

    def to_records(self) -> list[dict[str, object]]:
        """Return the line as one plain row."""
        return [
            {
                "item": self.item.value,
                "quantity": self.quantity,
                "unit_minor": self.unit.minor,
                "unit": self.unit.amount,
                "minor": self.total.minor,
                "amount": self.total.amount,
                "currency": self.total.currency.code,
                "term_start": self.term.start,
                "term_end": self.term.end,
            }
        ]

    def _describe(self) -> tuple[str]:
        return (f"{self.quantity} {self.item.value} at {self.unit}, {self.term}: {self.total}",)


@attrs.frozen(field_transformer=checked)
class Quote(Described):
    """A plan priced by a tariff for a term; a purchase confirms it as one (H14).

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> print(quote(SKYPE_CONNECT.plan(channels=100, bundles=2), tariff, on=date(2026, 1, 5)))
    100 channels and 2 bundles of 5,000 minutes, 2026-01-05 to 2026-02-04
    item      quantity  price each   total
    --------  --------  ----------  ------
    channels       100        6.95  695.00
    bundles          2       10.00   20.00
    Total 715.00 EUR; renews on 2026-02-04.
    Not a telephone replacement: it cannot call emergency numbers. (H21)
    """

    plan: Plan
    tariff: Tariff
    term: Term

    @property
    def lines(self) -> tuple[Line, ...]:
        """A line for the channels, and one for the bundles if there are any."""
        currency = self.tariff.currency
        return tuple(
            Line(item, count, Money(unit, currency), Money(count * unit, currency), self.term)
            for item, count, unit in self.parts()
        )

    @property
    def total(self) -> Money:
        """What all lines cost together."""
        return Money(sum(count * unit for _, count, unit in self.parts()), self.tariff.currency)

    def parts(self) -> list[tuple[Item, int, int]]:
        """Return item, quantity and price each of the lines, in bare units: the hot path."""
        parts = [(Item.CHANNELS, self.plan.channels, self.tariff.channel_minor)]
        if self.plan.bundles:
            parts.append((Item.BUNDLES, self.plan.bundles, self.tariff.bundle_minor))
        return parts

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the buyer must be told (H21)."""
        return self.plan.offer.notices

    @property
    def renews_on(self) -> date:
        """The next renewal date: the first day after the term (H8)."""
        return self.term.end

    @property
    def allowance(self) -> Allowance:
        """The minutes that its bundles grant for the term, none of them used (H10)."""
        return Allowance(timedelta(minutes=self.plan.minutes))

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each line."""
        return [row for line in self.lines for row in line.to_records()]

    def _describe(self) -> tuple[str | Table, ...]:
        headings = ("item", "quantity", "price each", "total")
        rows = tuple(
            (
                line.item.value,
                str(line.quantity),
                f"{line.unit.amount:f}",
                f"{line.total.amount:f}",
            )
            for line in self.lines
        )
        return (
            f"{self.plan}, {self.term}",
            Table(headings, rows, right=headings[1:]),
            f"Total {self.total}; renews on {self.renews_on}.",
            *map(str, self.notices),
        )


@attrs.frozen(field_transformer=checked)
class RefundLine(Described):
    """What comes back of one quoted line, and what is kept; the two add up to its total."""

    line: Line
    returned: Money
    kept: Money

    def _describe(self) -> tuple[str]:
        return (f"{self.line.item.value}: {self.returned} returned, {self.kept} kept",)


@attrs.frozen(field_transformer=checked)
class Refund(Described):
    """What comes back of a quote that was paid, line by line, when it ends on a day (H16).

    Raises:
        OutsideTerm: the day is not a day of the term that was paid for.
        AllowanceNeeded: the rule measures by minutes, and no allowance was given.
        InvalidValue: the allowance is not that of the quote's bundles.
    """

    paid: Quote
    on: date
    allowance: Allowance | None
    rule: RefundRule

    def __attrs_post_init__(self) -> None:
        term = self.paid.term
        if self.on not in term:
            raise OutsideTerm("a refund", self.on, term.start, term.end)
        if not self.paid.plan.bundles or self.rule.bundles is RefundBasis.TIME:
            return
        if self.allowance is None:
            raise AllowanceNeeded(self.rule.bundles.value)
        granted = self.paid.allowance.granted
        if self.allowance.granted != granted:
            expected = f"of the {clock(granted)} that the quote grants"
            raise InvalidValue("allowance", str(self.allowance), expected)

    @property
    def lines(self) -> tuple[RefundLine, ...]:
        """What is returned and what is kept of each quoted line."""
        returned = (Money(minor, self.paid.tariff.currency) for minor in self._returned())
        return tuple(
            RefundLine(line, back, line.total - back)
            for line, back in zip(self.paid.lines, returned, strict=True)
        )

    @property
    def returned(self) -> Money:
        """What comes back, all lines together."""
        return Money(sum(self._returned()), self.paid.tariff.currency)

    @property
    def kept(self) -> Money:
        """What does not come back: the rest of what was paid."""
        return self.paid.total - self.returned

    def _returned(self) -> list[int]:
        """Return what comes back of each quoted line, rounded once, in units of the currency."""
        parts = ((count * unit, self._part(item)) for item, count, unit in self.paid.parts())
        return [
            round_ratio(minor * numerator, denominator, self.rule.rounding)
            for minor, (numerator, denominator) in parts
        ]

    def _part(self, item: Item) -> tuple[int, int]:
        """Return the part of an item that comes back, as numerator and denominator."""
        term = self.paid.term
        by_time = term.remaining(self.on) - self.rule.change_day_used, term.days
        basis = self.rule.channels if item is Item.CHANNELS else self.rule.bundles
        if basis is RefundBasis.TIME or self.allowance is None:
            return by_time
        by_minutes = self.allowance.unused
        part = by_minutes if basis is RefundBasis.MINUTES else min(Fraction(*by_time), by_minutes)
        return part.as_integer_ratio()

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each quoted line."""
        return [
            {
                **row,
                "returned_minor": line.returned.minor,
                "returned": line.returned.amount,
                "kept_minor": line.kept.minor,
                "kept": line.kept.amount,
            }
            for line in self.lines
            for row in line.line.to_records()
        ]

    def _describe(self) -> tuple[str | Table, ...]:
        rows = tuple(
            (
                line.line.item.value,
                f"{line.line.total.amount:f}",
                f"{line.returned.amount:f}",
                f"{line.kept.amount:f}",
            )
            for line in self.lines
        )
        headings = ("item", "paid", "returned", "kept")
        return (
            f"{self.paid.plan}, {self.paid.term}, ended on {self.on}",
            Table(headings, rows, right=headings[1:]),
            f"Returned {self.returned}, kept {self.kept}.",
        )


class Payer(enum.Enum):
    """Whose purse pays for a call: the account's for overage (H13), else the profile's (F 7.3)."""

    ACCOUNT = "account"
    PROFILE = "profile"


@attrs.frozen(field_transformer=checked)
class Charge(Described):
    """The price of some part of a call, rounded once, and who pays it."""

    duration: timedelta
    per_minute: Decimal
    amount: Money
    payer: Payer

    def _describe(self) -> tuple[str]:
        rate = f"{self.per_minute:f} {self.amount.currency.code} a minute"
        return (f"{clock(self.duration)} at {rate}: {self.amount}, paid by the {self.payer.value}",)


@attrs.frozen(field_transformer=checked)
class Rated(Described):
    """A call, what is counted of it, and where that comes from.

    ``included`` comes from the bundles' minutes; ``overage`` is what they would cover, had they
    not run out (H13); ``other`` is what no bundle covers. The three add up to ``counted``.
    """

    call: Call
    included: timedelta
    overage: timedelta
    other: timedelta
    charges: tuple[Charge, ...]

    @property
    def counted(self) -> timedelta:
        """What is counted of the call, all parts together."""
        return self.included + self.overage + self.other

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each charge, or one without a price for a call without any."""
        row: dict[str, object] = {
            "call": self.call.id,
            "on": self.call.day,
            "number": self.call.number,
            "country": self.call.country,
            "seconds": self.counted.total_seconds(),
            "included_seconds": self.included.total_seconds(),
        }
        return [
            {
                **row,
                "payer": charge.payer.value,
                "minor": charge.amount.minor,
                "amount": charge.amount.amount,
                "currency": charge.amount.currency.code,
            }
            for charge in self.charges
        ] or [{**row, "payer": None, "minor": 0, "amount": Decimal(0), "currency": None}]

    def _describe(self) -> tuple[str, ...]:
        counted = f"{self.call}: {clock(self.counted)} counted, {clock(self.included)} included"
        return (counted, *map(str, self.charges))


def quote(plan: Plan, tariff: Tariff, *, on: date) -> Quote:
    """Return the price of a plan for the first term from a day on (H1, H8, H11).

    Raises:
        CalendarEnds: the term does not fit the calendar.
    """
    length = instance("plan", plan, Plan).offer.term.length
    return Quote(plan, tariff, term_at(civil_day("on", on), length, 0))


def refund(
    paid: Quote,
    *,
    on: date,
    allowance: Allowance | None = None,
    rule: RefundRule | None = None,
) -> Refund:
    """Return what comes back of a quote that was paid, when it ends on a day of its term (H16).

    ``rule`` is the offer's own unless another is given. ``allowance`` says what is left of the
    bundles' minutes, for a rule that measures by them (F 4.6).

    Raises:
        OutsideTerm: the day is not a day of the term that was paid for.
        AllowanceNeeded: the rule measures by minutes, and no allowance was given.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> paid = quote(SKYPE_CONNECT.plan(channels=100), tariff, on=date(2026, 1, 5))
    >>> print(refund(paid, on=date(2026, 1, 15)).returned)
    463.33 EUR
    """
    rule = instance("paid", paid, Quote).plan.offer.refund if rule is None else rule
    return Refund(paid, on, allowance, rule)


def rate(call: Call, allowance: Allowance, tariff: Tariff, *, offer: Offer) -> Rated:
    """Return what a call takes from an allowance and what the rest of it costs (H13, F 8.5).

    The counted length is split exactly and not rounded again: what the allowance has left, then
    the rest at the rate of the country. Only the charge is rounded, once, to the tariff's unit.

    Raises:
        UnknownRate: the tariff has no price for calls to the country.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> call = Call("c-1", "+12125550100", "US", date(2026, 1, 5), timedelta(minutes=10))
    >>> left = Allowance(timedelta(minutes=5000), used=timedelta(minutes=4996))
    >>> print(rate(call, left, tariff, offer=SKYPE_CONNECT))
    2026-01-05 call c-1 to +12125550100 (US), 0:10:00: 0:10:00 counted, 0:04:00 included
    0:06:00 at 0.021 EUR a minute: 0.13 EUR, paid by the account
    """
    per_minute, payer, available = _conditions(call, allowance, tariff, offer)
    counted = billable(call.duration, offer.calls)
    included = min(counted, available)
    rest = counted - included
    charge = Charge(rest, per_minute, _cost(rest, per_minute, tariff, offer), payer)
    overage, other = (rest, _NOTHING) if payer is Payer.ACCOUNT else (_NOTHING, rest)
    return Rated(call, included, overage, other, (charge,) if rest else ())


def longest(
    call: Call,
    allowance: Allowance,
    tariff: Tariff,
    *,
    offer: Offer,
    account: Money,
    profile: Money,
) -> timedelta:
    """Return how long a call may run on the minutes and the credit there are (F 3.5).

    A switch asks this as the call begins; the call's own duration is not looked at. The answer is
    the longest counted length that can be paid, zero if not even the least one can, and a hundred
    years where nothing bounds it.

    Raises:
        UnknownRate: the tariff has no price for calls to the country.
        CurrencyMismatch: the credit is in another currency than the tariff.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> call = Call("c-1", "+12125550100", "US", date(2026, 1, 5), timedelta(0))
    >>> no_minutes, credit = Allowance(timedelta(0)), Money.of("0.10", EUR)
    >>> str(longest(call, no_minutes, tariff, offer=SKYPE_CONNECT, account=credit, profile=credit))
    '0:04:54'
    """
    per_minute, payer, available = _conditions(call, allowance, tariff, offer)
    for parameter, credit in (("account", account), ("profile", profile)):
        if instance(parameter, credit, Money).currency != tariff.currency:
            raise CurrencyMismatch(str(tariff.currency), str(credit.currency))
    credit = account if payer is Payer.ACCOUNT else profile
    least, step = offer.calls.minimum, offer.calls.step

    def cost(steps: int) -> int:
        rest = max(least + steps * step - available, _NOTHING)
        return _cost(rest, per_minute, tariff, offer).minor

    lengths = range((_LONGEST - least) // step + 1)
    payable = bisect_right(lengths, max(credit.minor, 0), key=cost)
    return least + (payable - 1) * step if payable else _NOTHING


def _conditions(
    call: Call, allowance: Allowance, tariff: Tariff, offer: Offer
) -> tuple[Decimal, Payer, timedelta]:
    """Return a call's price a minute, who pays it, and the minutes that may come first."""
    instance("call", call, Call)
    instance("allowance", allowance, Allowance)
    per_minute = instance("tariff", tariff, Tariff).per_minute(call.country, offer)
    bundles = offer.bundles
    if bundles is None or not allowance.granted or not covered(call, bundles):
        return per_minute, Payer.PROFILE, _NOTHING
    available = allowance.remaining
    if bundles.longest_call is not None:
        available = min(available, bundles.longest_call)
    return per_minute, Payer.ACCOUNT, available


def _cost(duration: timedelta, per_minute: Decimal, tariff: Tariff, offer: Offer) -> Money:
    numerator, denominator = per_minute.as_integer_ratio()
    microseconds = duration // timedelta(microseconds=1)
    minor = round_ratio(
        numerator * tariff.currency.units * microseconds,
        denominator * _MINUTE,
        offer.calls.rounding,
    )
    return Money(minor, tariff.currency)
