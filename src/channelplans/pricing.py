"""Prices: what a plan costs for a term, what comes back of it, what a call costs.

A quote is its plan, tariff and term; lines and total follow from those and are not stored. Each
line carries its own term and is refunded by it, so that one mechanism serves every change.
Prices are net of tax, which is the application's (F 3.10), and no price is built in (F 3).
"""

import enum
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import takewhile
from types import MappingProxyType
from typing import Final, cast

import attrs

from channelplans.calendar import Term
from channelplans.checks import bounded, checked, civil_day, instance, shown, text
from channelplans.errors import (
    AllowanceNeeded,
    InvalidValue,
    OutsideTerm,
    UnknownRate,
    WrongType,
)
from channelplans.ladders import Ladder, as_decimal, checked_price
from channelplans.money import Currency, Money, Rounding, columns, read, round_ratio, same_currency
from channelplans.plans import Offer, Plan
from channelplans.rules import BY_MINUTES, COUNTRY, Effect, Notice, RefundBasis, RefundRule
from channelplans.tables import Described, Table, clock
from channelplans.usage import Allowance, Call, billable, covered

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
    "amend",
    "longest",
    "quote",
    "rate",
    "refund",
]

_NOTHING: Final = timedelta(0)
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final = 60_000_000  # microseconds
_DAY: Final = 1440 * _MINUTE
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


def _price(value: Decimal | str | int | Ladder) -> Decimal | Ladder:
    return value if isinstance(value, Ladder) else as_decimal(value)


def _rates(rates: Mapping[str, Decimal | str | int]) -> Mapping[str, Decimal]:
    if not isinstance(rates, Mapping):
        raise WrongType("rates", shown(rates), "a mapping of countries to prices")
    return _Rates({country: as_decimal(price) for country, price in rates.items()})


class Item(enum.Enum):
    """What a line is for."""

    CHANNELS = "channels"
    BUNDLES = "bundles"
    SETUP = "set-up"
    CHANNEL_SETUP = "set-up of channels"

    def __hash__(self) -> int:
        # Prices are looked up by it on the hot path, and there is one of each.
        return id(self)


_RETURNABLE: Final = (Item.CHANNELS, Item.BUNDLES)

_PRICES: Final = MappingProxyType(
    {
        Item.CHANNELS: "channel",
        Item.BUNDLES: "bundle",
        Item.SETUP: "setup",
        Item.CHANNEL_SETUP: "channel_setup",
    }
)


@attrs.frozen(field_transformer=checked)
class Tariff(Described):
    """A provider's prices as data, in one currency.

    Attributes:
        name: what it is called.
        currency: the currency of all its prices, and the unit that charges are rounded to.
        channel: the price of a channel for a term, in whole units of the currency, or a ladder.
        bundle: the price of a bundle for a term, likewise.
        minute: the price of a minute to the bundles' area (H13); below a unit is fine.
        rates: the prices of a minute to other countries.
        setup: what a purchase costs once; it does not come back.
        channel_setup: what each channel that is added costs once, likewise.

    Raises:
        WrongType: a price is a float or another inexact type.
        InvalidValue: a price is negative, not finite, or has more decimals than the currency.

    >>> from channelplans.money import EUR
    >>> print(Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021"))
    made up: 6.95 EUR a channel, 10.00 EUR a bundle, 0.021 EUR a minute
    """

    name: str
    currency: Currency
    channel: Decimal | Ladder = attrs.field(converter=_price)
    bundle: Decimal | Ladder = attrs.field(converter=_price)
    minute: Decimal = attrs.field(converter=as_decimal)
    rates: Mapping[str, Decimal] = attrs.field(factory=dict, converter=_rates)
    setup: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    channel_setup: Decimal = attrs.field(default=Decimal(0), converter=as_decimal)
    _minor: Mapping[Item, int] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        checked_price("minute", self.minute)
        for country, price in self.rates.items():
            if not COUNTRY.fullmatch(text("rates", country)):
                raise InvalidValue("rates", repr(country), 'by country, such as {"DE": "0.02"}')
            checked_price(f"rates[{country!r}]", price)
        minor = {}
        for item, name in _PRICES.items():
            price = getattr(self, name)
            if not isinstance(price, Ladder):
                checked_price(name, price)
                minor[item] = read(name, price, self.currency).minor
        object.__setattr__(self, "_minor", minor)

    def units(self, item: Item, count: int) -> int:
        """Return the price of so many of an item in units of the currency: the hot path."""
        minor = self._minor.get(item)
        if minor is not None:
            return count * minor
        ladder = self.channel if item is Item.CHANNELS else self.bundle
        return cast(Ladder, ladder).units(count, self.currency) if count else 0

    def unit(self, item: Item) -> Money | None:
        """Return the price of one of an item; None where a ladder tells the price of all."""
        minor = self._minor.get(item)
        return None if minor is None else Money(minor, self.currency)

    def channels(self, count: int) -> Money:
        """Return the price of so many channels for a term (H1).

        >>> from channelplans.money import EUR
        >>> print(Tariff("made up", EUR, channel="6.95", bundle="10", minute="0").channels(3))
        20.85 EUR
        """
        return Money(self.units(Item.CHANNELS, bounded("count", count, 0)), self.currency)

    def bundles(self, count: int) -> Money:
        """Return the price of so many bundles for a term, by itself (H11).

        >>> from channelplans.money import EUR
        >>> print(Tariff("made up", EUR, channel="6.95", bundle="10", minute="0").bundles(3))
        30.00 EUR
        """
        return Money(self.units(Item.BUNDLES, bounded("count", count, 0)), self.currency)

    def per_minute(self, country: str, offer: Offer) -> Decimal:
        """Return the price of a minute to a country.

        Raises:
            UnknownRate: the country is not in the bundles' area and has no rate of its own.
        """
        bundles = instance("offer", offer, Offer).bundles
        area = () if bundles is None else bundles.area
        if text("country", country) in area:
            return self.minute
        if country not in self.rates:
            raise UnknownRate(country, self.name, tuple(sorted({*area, *self.rates})))
        return self.rates[country]

    def _describe(self) -> tuple[str]:
        code = self.currency.code
        prices = [
            _told(self.unit(Item.CHANNELS), self.channel, "channel"),
            _told(self.unit(Item.BUNDLES), self.bundle, "bundle"),
            f"{self.minute:f} {code} a minute",
            *(f"{rate:f} {code} to {country}" for country, rate in self.rates.items()),
        ]
        if self.setup:
            prices.append(f"{self.setup:f} {code} once")
        if self.channel_setup:
            prices.append(f"{self.channel_setup:f} {code} once for each channel")
        return (f"{self.name}: {', '.join(prices)}",)


def _told(unit: Money | None, price: Decimal | Ladder, noun: str) -> str:
    return f"({price}) for the {noun}s" if unit is None else f"{unit} a {noun}"


@attrs.frozen(field_transformer=checked)
class Line(Described):
    """So many of an item, for a term, and what they cost together.

    ``unit`` is the price of one for a full term; None where a ladder tells only that of all. A
    quantity below zero takes back some of what an earlier line sold.

    Raises:
        CurrencyMismatch: the price of one is in another currency than the total.
    """

    item: Item
    quantity: int
    unit: Money | None
    total: Money
    term: Term

    def __attrs_post_init__(self) -> None:
        if self.unit is not None:
            same_currency(self.total.currency, self.unit.currency)

    def to_records(self) -> list[dict[str, object]]:
        """Return the line as one plain row."""
        return [
            {
                "item": self.item.value,
                "quantity": self.quantity,
                **columns(unit=self.unit),
                "minor": self.total.minor,
                "amount": self.total.amount,
                "currency": self.total.currency.code,
                "term_start": self.term.start,
                "term_end": self.term.end,
            }
        ]

    def _describe(self) -> tuple[str]:
        unit = f" at {self.unit}" if self.unit is not None else ""
        return (f"{self.quantity} {self.item.value}{unit}, {self.term}: {self.total}",)


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

    Attributes:
        plan: what is sold.
        tariff: the prices.
        term: for how long.
        sold: the lines as they were sold, where they do not follow from plan, tariff and term:
            those of a purchase with a set-up fee, or of a term in which the plan was changed.

    Raises:
        CurrencyMismatch: a line is in another currency than the tariff.
        InvalidValue: a line is for days outside the term.
    """

    plan: Plan
    tariff: Tariff
    term: Term
    sold: tuple[Line, ...] | None = None

    def __attrs_post_init__(self) -> None:
        for line in self.sold or ():
            same_currency(self.tariff.currency, line.total.currency)
            if line.term.start < self.term.start or self.term.end < line.term.end:
                raise InvalidValue("sold", str(line), f"lines within {self.term}")

    @property
    def lines(self) -> tuple[Line, ...]:
        """A line for the channels, one for the bundles if there are any, and what was added."""
        if self.sold is not None:
            return self.sold
        currency = self.tariff.currency
        return tuple(
            Line(item, count, self.tariff.unit(item), Money(minor, currency), term)
            for item, count, minor, term in self.parts()
        )

    @property
    def total(self) -> Money:
        """What all lines cost together."""
        return Money(sum(minor for _, _, minor, _ in self.parts()), self.tariff.currency)

    def parts(self) -> list[tuple[Item, int, int, Term]]:
        """Return item, quantity, total and term of each line, in bare units: the hot path."""
        if self.sold is not None:
            return [(line.item, line.quantity, line.total.minor, line.term) for line in self.sold]
        plan, term, units = self.plan, self.term, self.tariff.units
        parts = [(Item.CHANNELS, plan.channels, units(Item.CHANNELS, plan.channels), term)]
        if plan.bundles:
            parts.append((Item.BUNDLES, plan.bundles, units(Item.BUNDLES, plan.bundles), term))
        rule = plan.offer.term
        if not rule.aligned:
            return parts
        days, whole = term.days, rule.whole(term).days
        return [
            (item, count, _prorated(minor, days, whole), term) for item, count, minor, term in parts
        ]

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
        """The minutes granted for the term, none of them used (H10).

        They follow the price: what is paid for a part of a term grants that part of its minutes,
        to the second.
        """
        rule = self.plan.offer.bundles
        if rule is None:
            return Allowance(_NOTHING)
        minutes = {Item.CHANNELS: rule.included, Item.BUNDLES: rule.minutes}
        minute_days = sum(
            quantity * minutes.get(item, 0) * term.days for item, quantity, _, term in self.parts()
        )
        whole = self.plan.offer.term.whole(self.term).days
        return Allowance(timedelta(seconds=60 * minute_days // whole))

    def adding(self, *fees: tuple[Item, int]) -> "Quote":
        """Return the quote with lines for what is paid once, where the tariff has such fees."""
        if not (self.tariff.setup or self.tariff.channel_setup):
            return self
        lines = tuple(
            Line(item, count, unit, unit * count, self.term)
            for item, count in fees
            if count > 0 and (unit := self.tariff.unit(item))
        )
        return attrs.evolve(self, sold=(*self.lines, *lines)) if lines else self

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each line."""
        return [row for line in self.lines for row in line.to_records()]

    def _describe(self) -> tuple[str | Table, ...]:
        parts_of_term = any(line.term != self.term for line in self.lines)
        rows = tuple(
            (
                line.item.value,
                str(line.quantity),
                *((str(line.term),) if parts_of_term else ()),
                f"{line.unit.amount:f}" if line.unit is not None else "",
                f"{line.total.amount:f}",
            )
            for line in self.lines
        )
        whole = self.plan.offer.term.whole(self.term)
        part = f" ({self.term.days} of {whole.days} days)" if whole != self.term else ""
        term = ("term",) if parts_of_term else ()
        headings = ("item", "quantity", *term, "price each", "total")
        return (
            f"{self.plan}, {self.term}{part}",
            Table(headings, rows, right=("quantity", "price each", "total")),
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
        InvalidValue: the allowance is not that of the quote's bundles, or ``passed`` is missing
            where the rule measures by exact time, or not a part of a day.
    """

    paid: Quote
    on: date
    allowance: Allowance | None
    rule: RefundRule
    passed: timedelta | None = None

    def __attrs_post_init__(self) -> None:
        term = self.paid.term
        if self.on not in term:
            raise OutsideTerm("a refund", self.on, term.start, term.end)
        bases = (self.rule.channels, self.rule.bundles)
        if RefundBasis.EXACT_TIME in bases and not _within_a_day(self.passed):
            expected = "how much of the day has passed: this offer refunds by exact time"
            raise InvalidValue("passed", str(self.passed), expected)
        sold = (item for item, *_ in self.paid.parts())
        if self.rule.bundles in BY_MINUTES and Item.BUNDLES in sold:
            self._check_allowance()

    def _check_allowance(self) -> None:
        if self.allowance is None:
            raise AllowanceNeeded(self.rule.bundles.value)
        granted = self.paid.allowance.granted
        if self.allowance.granted < granted:
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
        """Return what comes back of each line, in units; that of all of an item is rounded once."""
        sums: dict[Item, tuple[int, int, int]] = {}
        returned = []
        for item, _, minor, term in self.paid.parts():
            part, whole = self._part(item, term)
            numerator, denominator, before = sums.get(item, (0, 1, 0))
            numerator = numerator * whole + minor * part * denominator
            denominator *= whole
            so_far = max(0, round_ratio(numerator, denominator, self.rule.rounding))
            sums[item] = numerator, denominator, so_far
            returned.append(so_far - before)
        return returned

    def _part(self, item: Item, term: Term) -> tuple[int, int]:
        """Return the part of an item that comes back, as numerator and denominator."""
        basis = self.rule.bundles if item is Item.BUNDLES else self.rule.channels
        if basis is RefundBasis.NOTHING or item not in _RETURNABLE:
            return 0, 1
        by_time = term.remaining(self.on) - self.rule.change_day_used, term.days
        if basis is RefundBasis.TIME:
            return by_time
        if basis is RefundBasis.EXACT_TIME:
            passed = (self.passed or _NOTHING) // _MICROSECOND
            return term.remaining(self.on) * _DAY - passed, term.days * _DAY
        by_minutes = self.allowance.unused if self.allowance else Fraction(0)
        part = by_minutes if basis is RefundBasis.MINUTES else min(Fraction(*by_time), by_minutes)
        return part.as_integer_ratio()

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each quoted line."""
        return [
            {**row, **columns(returned=line.returned, kept=line.kept)}
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


def quote(plan: Plan, tariff: Tariff, *, on: date, instead: Plan | None = None) -> Quote:
    """Return the price of a plan for the first term from a day on (H1, H8, H11).

    Sold ``instead`` of another plan, only the channels that are added are set up.

    Raises:
        CalendarEnds: the term does not fit the calendar.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="9", bundle="10", minute="0", channel_setup="2")
    >>> ten, more = SKYPE_CONNECT.plan(channels=10), SKYPE_CONNECT.plan(channels=15)
    >>> print(quote(more, tariff, on=date(2026, 1, 5)).total)  # 15 x 9 + 15 x 2
    165.00 EUR
    >>> print(quote(more, tariff, on=date(2026, 1, 5), instead=ten).total)  # 15 x 9 + 5 x 2
    145.00 EUR
    """
    term = instance("plan", plan, Plan).offer.term.first(civil_day("on", on))
    priced = Quote(plan, tariff, term)
    if instead is not None:
        return priced.adding((Item.CHANNEL_SETUP, plan.channels - instead.channels))
    return priced.adding((Item.SETUP, 1), (Item.CHANNEL_SETUP, plan.channels))


def amend(paid: Quote, plan: Plan, *, on: date, effect: Effect) -> Quote:
    """Return what is paid for the running term once its plan is changed on a day of it.

    The lines that were paid stay, and what the new plan adds to them is a line more, prorated for
    the days that are left or in full. What was paid stays paid through the term: it counts towards
    a later change to more, even if a change to fewer came between (``Effect.KEEP``). A term keeps
    the tariff it was bought by, and no more comes back than was paid. By a ladder that prices all
    by the tier reached, more may cost less: prorated, money comes back, and in full none does. What
    changes of one day add to an item is rounded as one sum, so that small steps gain nothing.

    Raises:
        OutsideTerm: the day is not a day of the term that was paid for.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="9", bundle="10", minute="0")
    >>> paid = quote(SKYPE_CONNECT.plan(channels=10), tariff, on=date(2026, 1, 5))
    >>> more, day = SKYPE_CONNECT.plan(channels=15), date(2026, 1, 15)
    >>> print(amend(paid, more, on=day, effect=Effect.PRORATE).lines[1])
    5 channels at 9.00 EUR, 2026-01-15 to 2026-02-04: 30.00 EUR
    """
    if on not in instance("paid", paid, Quote).term:
        raise OutsideTerm("a change", on, paid.term.start, paid.term.end)
    rest = Term(on, paid.term.end) if effect is Effect.PRORATE else paid.term
    held = {item: sum(line.quantity for line in paid.lines if line.item is item) for item in Item}
    steps = (
        (Item.CHANNELS, paid.plan.channels, plan.channels),
        (Item.BUNDLES, paid.plan.bundles, plan.bundles),
    )
    added = (
        _difference(paid, item, count, rest, effect)
        for item, before, count in steps
        if _moves_money(effect, beyond_paid=count - held[item], beyond_held=count - before)
    )
    amended = Quote(plan, paid.tariff, paid.term, (*paid.lines, *added))
    set_up = max(held[Item.CHANNELS], paid.plan.channels)
    return amended.adding((Item.CHANNEL_SETUP, plan.channels - set_up))


def refund(
    paid: Quote,
    *,
    on: date,
    allowance: Allowance | None = None,
    rule: RefundRule | None = None,
    passed: timedelta | None = None,
) -> Refund:
    """Return what comes back of a quote that was paid, when it ends on a day of its term (H16).

    ``rule`` is the offer's own unless another is given. ``allowance`` says what is left of the
    bundles' minutes, for a rule that measures by them (F 4.6); ``passed`` how much of the day has
    passed, for one that measures by exact time.

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
    return Refund(paid, on, allowance, rule, passed)


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
        same_currency(tariff.currency, instance(parameter, credit, Money).currency)
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
    there = allowance.granted or any(allowance.carried)
    if bundles is None or not there or not covered(call, bundles):
        return per_minute, Payer.PROFILE, _NOTHING
    available = allowance.remaining
    if bundles.longest_call is not None:
        available = min(available, bundles.longest_call)
    return per_minute, Payer.ACCOUNT, available


def _cost(duration: timedelta, per_minute: Decimal, tariff: Tariff, offer: Offer) -> Money:
    numerator, denominator = per_minute.as_integer_ratio()
    microseconds = duration // _MICROSECOND
    minor = round_ratio(
        numerator * tariff.currency.units * microseconds,
        denominator * _MINUTE,
        offer.calls.rounding,
    )
    return Money(minor, tariff.currency)


def _moves_money(effect: Effect, *, beyond_paid: int, beyond_held: int) -> bool:
    """Going up to what is paid for costs nothing, and going down to it returns nothing."""
    if effect is Effect.KEEP or beyond_paid * beyond_held <= 0:
        return False
    return beyond_paid > 0 or effect is Effect.PRORATE


def _difference(paid: Quote, item: Item, count: int, rest: Term, effect: Effect) -> Line:
    """Return the line that a change adds: what moves on one day is rounded as one sum.

    In full, nothing comes back; prorated, no more than was paid for the item.
    """
    tariff, whole = paid.tariff, paid.plan.offer.term.whole(paid.term)
    lines = [line for line in paid.lines if line.item is item]
    same_day = list(takewhile(lambda line: line.term == rest, reversed(lines)))
    held = sum(line.quantity for line in lines)
    before = held - sum(line.quantity for line in same_day)
    full = tariff.units(item, count) - tariff.units(item, before)
    due = _prorated(full, rest.days, whole.days) - sum(line.total.minor for line in same_day)
    least = 0 if effect is Effect.FULL else -sum(line.total.minor for line in lines)
    total = Money(max(due, least), tariff.currency)
    return Line(item, count - held, tariff.unit(item), total, rest)


def _prorated(minor: int, days: int, whole: int) -> int:
    return round_ratio(minor * days, whole, Rounding.HALF_UP)


def _within_a_day(passed: timedelta | None) -> bool:
    return passed is not None and _NOTHING <= passed < timedelta(days=1)
